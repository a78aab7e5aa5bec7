"""Flags: known traps, most of them met by other libraries."""


def note(kind, description, effect, *links):
    out = {"bugType": kind, "description": description, "effect": effect}
    if links:
        out["links"] = list(links)
    return out


SEAL = "https://github.com/microsoft/SEAL/issues/"
FHE = "https://github.com/openfheorg/openfhe-development/issues/"
NOTES = {
    "WordEqualsModulus": note(
        "MISSING_CHECK", "a word equal to its prime, which is no residue",
        "two encodings of 0; lazy reductions leave their range"),
    "EdgeWords": note(
        "WRONG_RESULT", "words 0, 1, p-1, (p-1)/2, (p+1)/2 in front",
        "a last reduction that is missing, or < in place of <="),
    "MinimalRoot": note(
        "CONVENTION", "psi is the smallest root, not a power of the smallest "
        "generator", "all values stand at other places"),
    "HalfwayRounding": note(
        "WRONG_ROUNDING", "values at or beside one half of the divisor",
        "off by one in a coefficient"),
    "DoubleRounding": note(
        "WRONG_ROUNDING", "values so near one half that a sum of doubles "
        "decides, not the exact value",
        "off by the divisor: harmless to the noise, fatal to equal words"),
    "ReciprocalOfDouble": note(
        "CONVENTION", "a value (column 11) for which 1 / RN(q) and 1 / q, both "
        "rounded, lead to different multiples", "off by the divisor; only "
        "with primes above 2^53"),
    "EncodeNegativeInt64": note(
        "WRONG_RESULT", "a negative integer as a coefficient",
        "taken as unsigned", SEAL + "757"),
    "EncodeInf": note(
        "MISSING_CHECK", "a slot that is not finite",
        "undefined conversions to integers", SEAL + "732"),
    "TinyInput": note(
        "WRONG_RESULT", "values far below 1/scale",
        "must give zeros, not garbage", FHE + "1257"),
    "LargeCoefficient": note(
        "WRONG_RESULT", "coefficients of more than 62 bits",
        "integer overflow in the encoder"),
    "ScaleNaN": note("MISSING_CHECK", "a scale that is not a number",
                     "comparisons all false: the object passes"),
    "Level0Rescale": note("MISSING_CHECK", "rescaling with one prime left",
                          "an empty modulus"),
    "GaloisEven": note("MISSING_CHECK", "an even Galois element",
                       "X -> X^g is no automorphism"),
    "DigitGreaterThanP": note(
        "MISSING_CHECK", "a digit larger than twice the special product",
        "noise of key switching beyond the message"),
    "TransparentCiphertext": note(
        "INFORMATION", "c1 = 0: everybody can decrypt",
        "legal here; SEAL refuses it by default"),
    "TruncatedObject": note("MISSING_CHECK", "the last byte is missing",
                            "reading beyond the buffer"),
    "TrailingByte": note("MISSING_CHECK", "a byte behind the object",
                         "two byte strings for one object"),
    "OversizedCount": note("MISSING_CHECK", "a count that no input has "
                           "room for", "allocation of unchecked size"),
    "WrongContext": note("MISSING_CHECK", "another fingerprint",
                         "words modulo other primes"),
    "DamagedByte": note("MISSING_CHECK", "one bit flipped, checksum not",
                        "damage goes unnoticed"),
    "PaddingBits": note("MISSING_CHECK", "bits set behind the last word of "
                        "a packed limb", "two byte strings for one object"),
    "Wrap": note("WRONG_RESULT", "a step beyond the number of slots, or "
                 "negative", "taken modulo the ring degree instead"),
    "HoistedUncentred": note(
        "CONVENTION", "rotations that permute first cannot share digits",
        "hoisting is refused in an uncentred context"),
    "FewerSpecialPrimes": note(
        "CONVENTION", "a level that uses fewer special primes than there are",
        "x switched in place of x / R; limbs of other special primes; a "
        "division by P"),
    "RealSlots": note(
        "CONVENTION", "what the real ring has not: imaginary parts, "
        "conjugation, generator 3, uncentred digits",
        "taken for the complex ring's"),
    "LowerLevel": note("WRONG_RESULT", "a key of a higher level",
                       "limbs of the special primes are looked for at the "
                       "wrong place"),
}
