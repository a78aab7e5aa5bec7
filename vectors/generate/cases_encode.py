"""Embedding, encoding and decoding."""
from fractions import Fraction

import encode
from form import File, want
from notes import NOTES
from stream import Stream


def slots_of(seed, count, real=False):
    """Complex or real numbers of 20 fractional bits in [-1, 1)."""
    words = Stream(seed, 0, 0).words(2 * count)
    x = [(w % 2 ** 21 - 2 ** 20) / 2 ** 20 for w in words]
    return [complex(a, 0 if real else b) for a, b in zip(x[::2], x[1::2])]


def chosen(s, label, count, scale, far):
    """Slots whose coefficients stay away from halves, so that every correct
    rounding of a double computation gives the same words."""
    for i in range(2000):
        seed = s.seed(f"{label} {i}")
        slots = slots_of(seed, count, s.c.real)
        exact = encode.to_coefficients(s.c, slots, scale)
        if min(encode.distance_to_tie(x) for x in exact) > far:
            return seed, slots, exact
    raise ValueError("no slots found")


def given(s, seed, slots, level, scale):
    """Slots in full, or the seed they are drawn from."""
    if s.digest:
        return {"slotSeed": seed.hex(), "count": len(slots), "level": level,
                "scale": scale}
    return {"re": [z.real for z in slots], "im": [z.imag for z in slots],
            "level": level, "scale": scale}


def plaintext(c, coefficients, level):
    return c.lift(coefficients, c.numbers(level))


def encoding(sets):
    f = File("encoding", "From slots to plaintexts and back.", NOTES)
    for s in sets:
        f.group(s)
        slots_to_words(f, s)
        constants(f, s)
        integers(f, s)
        decoding(f, s)
    return f


def slots_to_words(f, s):
    c, n = s.c, s.c.slots
    plans = [(n, 2.0 ** 30, Fraction(1, 2 ** 14 if s.digest else 64))]
    if s.digest:
        plans = [(n, 2.0 ** 24, Fraction(1, 2 ** 18))]
    else:
        plans += [(3, 2.0 ** 36, Fraction(1, 64)),
                  (n // 2, 3.0 * 2 ** 27, Fraction(1, 64))]
    for count, scale, far in plans:
        seed, slots, exact = chosen(s, f"slots {count} {scale}", count,
                                    scale, far)
        rounded = [encode.round_away(x) for x in exact]
        said = given(s, seed, slots, c.top, scale)
        if not s.digest:
            f.case("embed", f"{count} slots, scale {scale:g}",
                   "slots at other roots; the factor 2/N; conjugates "
                   "forgotten", said,
                   [want("encoding", "coefficients", "scaled coefficients, "
                         "to 53 bits", [float(x) for x in exact], 0.51)])
        f.case("encode", f"{count} slots, scale {scale:g}", "truncation in "
               "place of rounding; values of X at other slots", said,
               [want("rounding", "words", "plaintext, NTT form",
                     s.poly(plaintext(c, rounded, c.top)))])
    if not s.digest:
        tiny = [complex(2.0 ** -80, 0 if c.real else -2.0 ** -90)] * n
        f.case("encode", "values far below 1/scale", "anything but zeros",
               given(s, None, tiny, 0, 2.0 ** 30),
               [want("rounding", "words", "zeros",
                     s.poly([[0] * c.n]))], ["TinyInput"])


def constants(f, s):
    c = s.c
    plans = [(0.75, -0.375, 2.0 ** 30, c.top, [])]
    if not s.digest:
        plans += [(0.5 / 2 ** 20, -0.5 / 2 ** 20, 2.0 ** 20, c.top,
                   ["HalfwayRounding"]),
                  (2.5 / 2 ** 20, -3.5 / 2 ** 20, 2.0 ** 20, 0,
                   ["HalfwayRounding"]),
                  (0.49999999999999994, 0.0, 1.0, 0, ["HalfwayRounding"]),
                  (1.0 / 3, -0.7, 2.0 ** 75, c.top, ["LargeCoefficient"])]
    for re, im, scale, level, flags in plans:
        im = 0.0 if c.real else im
        x = encode.constant(c, re, im, scale)
        f.case("encode_const", f"({re!r}, {im!r}) at scale {scale:g}",
               "halves to even, or upwards; a half added before truncation",
               {"re": re, "im": im, "level": level, "scale": scale},
               [want("rounding", "words",
                     "re" if c.real else "re + im X^(N/2)",
                     s.poly(plaintext(c, x, level)))], flags)


def integers(f, s):
    c = s.c
    x = [0, 1, -1, 2, -2, 2 ** 62, -2 ** 62, 2 ** 63 - 1, -2 ** 63]
    x = (x + [(-1) ** k * k ** 3 for k in range(c.n)])[:c.n]
    if s.digest:
        return
    f.case("encode_integers", "coefficients as integers", "a negative "
           "integer taken as unsigned",
           {"coefficients": [str(a) for a in x], "level": c.top,
            "scale": 1.0},
           [want("encoding", "words", "residues, NTT form",
                 s.poly(plaintext(c, x, c.top)))], ["EncodeNegativeInt64"])


def decoding(f, s):
    c = s.c
    plans = [(20, 2.0 ** 20, 0)] if s.digest else [
        (20, 2.0 ** 20, c.top), (28, 2.0 ** 15, 0), (60, 2.0 ** 50, c.top)]
    for bits, scale, level in plans:
        seed = s.seed(f"coefficients {bits}")
        if level == 0:
            bits = 28
        x = [w % 2 ** bits - 2 ** (bits - 1)
             for w in Stream(seed, 0, 0).words(c.n)]
        slots = encode.to_slots(c, x, scale)
        largest = max(abs(a) for z in slots for a in z)
        if s.digest:
            said = {"coefficientSeed": seed.hex(), "bits": 28}
            slots = slots[:8]
        else:
            said = {"coefficients": [str(a) for a in x]}
        f.case("decode", f"{bits}-bit coefficients at level {level}",
               "residues not centred; slots at other roots",
               {**said, "level": level, "scale": scale},
               [want("decoding", "re", "real parts",
                     [float(a) for a, _ in slots],
                     float(largest) * 2.0 ** -40),
                want("decoding", "im", "imaginary parts",
                     [float(b) for _, b in slots],
                     float(largest) * 2.0 ** -40)])
