"""Serialised objects, and what must be refused."""
import struct

import scheme
import serial
from cases_keys import ciphertext, plain, secret_of
from form import File, want
from notes import NOTES
from stream import Generator


def parts_of(data):
    """Frame and fields: damage to either shows by its name."""
    return [want("frame", "frame", "frame of 40 bytes", data[:40].hex()),
            want("byte order", "fields", "fields and packed limbs",
                 data[40:].hex())]


def objects(sets):
    f = File("objects", "Objects as bytes, and bytes that must be refused.",
             NOTES)
    for s in sets:
        f.group(s)
        made = written(f, s)
        if s.name in ("A", "B", "RA"):
            refused(f, s, made)
            misused(f, s)
    return f


def written(f, s):
    c, made = s.c, {}
    shows = ("big-endian numbers; limbs of whole words; bits of a byte from "
             "the top; a checksum that counts its own field")
    made["params"] = serial.parameters(c)
    f.case("bytes_params", "parameters", "dnum, generator or digits missing "
           "from the fingerprint", {}, parts_of(made["params"]))
    m, said = plain(s, "object", c.top, 3.0 * 2 ** 20)
    made["pt"] = serial.plaintext(c, c.top, 3.0 * 2 ** 20, m)
    f.case("bytes_plaintext", "a plaintext", shows, {"m": said},
           parts_of(made["pt"]))
    for n in (2, 3):
        x, said = ciphertext(s, f"object {n}", 1, 2.0 ** 30 / 3, n)
        made[f"ct{n}"] = serial.ciphertext(c, 1, 2.0 ** 30 / 3, x)
        f.case("bytes_ciphertext", f"degree {n - 1}", shows, {"a": said},
               parts_of(made[f"ct{n}"]))
    key, said_key = secret_of(s)
    seed = s.seed("object encrypt")
    t = scheme.encrypt_secret(c, Generator(seed), m, c.top, key)
    made["seeded"] = serial.ciphertext(c, c.top, 3.0 * 2 ** 20, t["parts"],
                                       t["seed"])
    f.case("bytes_seeded", "a fresh encryption: c0 and a seed", "c1 stored "
           "as well; the seed behind the limbs",
           {"secret": said_key, "seed": seed.hex(),
            "plaintext": plain(s, "object", c.top, 3.0 * 2 ** 20)[1]},
           parts_of(made["seeded"]))
    made["sk"] = serial.secret(c, key.coefficients)
    f.case("bytes_secret", "a secret key", "two's complement in place of "
           "c + 1; the first coefficient in the top bits",
           {"secret": said_key}, parts_of(made["sk"]))
    pk_seed = s.seed("public")
    pk = scheme.public_key(c, Generator(pk_seed), key)
    made["pk"] = serial.public(c, pk)
    f.case("bytes_public", "a public key", shows,
           {"secret": said_key, "seed": pk_seed.hex()},
           parts_of(made["pk"]))
    if c.log_n > 4:
        return made
    requests = [("rotate", c.slots - 1, 1), ("relin", 0, 1)]
    seed = s.seed("object keys")
    g = Generator(seed)
    keys = [scheme.switching_key(c, g, key, *r) for r in requests]
    made["keys"] = serial.keys(c, keys)
    f.case("bytes_keys", "two evaluation keys", "keys in another order than "
           "asked for; a halves stored",
           {"keys": {"secretSeed": s.seed("secret").hex(),
                     "seed": seed.hex(),
                     "requests": [{"kind": k, "step": t, "level": v}
                                  for k, t, v in requests]}},
           parts_of(made["keys"]))
    return made


LOADERS = {"params": "params", "pt": "plaintext", "ct2": "ciphertext",
           "seeded": "ciphertext", "sk": "secret", "pk": "public",
           "keys": "keys"}


def refused(f, s, made):
    def case(kind, data, comment, shows, flags):
        f.case("refuse_load", f"{LOADERS[kind]}: {comment}", shows,
               {"object": LOADERS[kind], "bytes": data.hex()},
               [want("refusal", "status", "status", "CKKS_EFORMAT")], flags,
               "invalid")
    for kind in LOADERS:
        data = made[kind]
        short = data[:8] + struct.pack("<Q", len(data) - 1) + data[16:-1]
        long = data[:8] + struct.pack("<Q", len(data) + 1) + data[16:] \
            + b"\0"
        case(kind, serial.resealed(short), "one byte short",
             "reading beyond the end", ["TruncatedObject"])
        case(kind, serial.resealed(long), "one byte more",
             "sizes not compared", ["TrailingByte"])
        damaged = bytearray(data)
        damaged[-1] ^= 1
        case(kind, bytes(damaged), "one bit flipped", "checksum ignored",
             ["DamagedByte"])
        if kind != "params":
            other = bytearray(data)
            other[30] ^= 0x40
            case(kind, serial.resealed(bytes(other)), "another fingerprint",
                 "contexts mixed", ["WrongContext"])
    refused_fields(s, made, case)


def refused_fields(s, made, case):
    c = s.c

    def patched(kind, at, new):
        d = made[kind]
        return serial.resealed(d[:at] + new + d[at + len(new):])
    nan = struct.pack("<d", float("nan"))
    infinity = struct.pack("<d", float("inf"))
    for kind in ("pt", "ct2"):
        case(kind, patched(kind, 48, nan), "scale NaN", "comparisons that "
             "are false for NaN", ["ScaleNaN"])
        case(kind, patched(kind, 48, infinity), "scale infinite",
             "a scale not checked", ["ScaleNaN"])
    case("ct2", patched("ct2", 40, struct.pack("<I", 2 ** 31)),
         "degree 2^31", "allocation by an unchecked field",
         ["OversizedCount"])
    case("ct2", patched("ct2", 44, struct.pack("<I", 2 ** 32 - 1)),
         "level 2^32 - 1", "a signed level", ["OversizedCount"])
    case("keys", patched("keys", 40, struct.pack("<I", 2 ** 32 - 1)),
         "2^32 - 1 keys", "allocation by an unchecked field",
         ["OversizedCount"])
    p = c.prime[0]
    bits = p.bit_length()
    word = int.from_bytes(made["pt"][56:64], "little")
    word = word >> bits << bits | p
    case("pt", patched("pt", 56, struct.pack("<Q", word)), "a word equal to "
         "its prime", "<= in place of <", ["WordEqualsModulus"])
    sk = bytearray(made["sk"])
    sk[40] |= 3
    case("sk", serial.resealed(bytes(sk)), "a coefficient of code 3",
         "2 as a coefficient of the secret", ["WordEqualsModulus"])


def misused(f, s):
    """Calls that must be refused, and one that need not be."""
    c = s.c
    status = [want("refusal", "status", "status", "CKKS_EARG")]
    for x in ("inf", "nan", "-inf"):
        if x != "-inf":
            f.case("refuse_encode", f"a slot that is {x}",
                   "undefined conversion to an integer",
                   {"re": [1.0, x], "im": [0.0, 0.0], "level": 0,
                    "scale": 1024.0}, status, ["EncodeInf"], "invalid")
    if c.real:
        refused_real(f, s)
    for g in (3, c.order, 0) if c.real else (2, c.order, 0):
        f.case("refuse_automorphism", f"X -> X^{g}", "a map that is no "
               "automorphism", {"galois": g}, status, ["GaloisEven"],
               "invalid")
    x = [[1] * c.n]
    x[0][3] = c.prime[0]
    f.case("refuse_ntt", "a word equal to its prime", "lazy reductions "
           "leave their range", {"x": s.poly(x)}, status,
           ["WordEqualsModulus"], "invalid")
    a, said = ciphertext(s, "refuse", 0, 2.0 ** 20)
    f.case("refuse_rescale", "at level 0", "an empty modulus", {"a": said},
           [want("refusal", "status", "status", "CKKS_ELEVEL")],
           ["Level0Rescale"], "invalid")
    f.case("refuse_params", "a digit of twice the special bits", "noise "
           "above the message", {"primeEntries": ["40", "40", "40"],
                                 "specialEntries": ["40"], "dnum": 1},
           [want("refusal", "status", "status", "CKKS_EPARAM")],
           ["DigitGreaterThanP"], "invalid")
    zero = [[0] * c.n]
    m, said = s.source("transparent", [0])
    f.case("transparent", "c1 = 0 decrypts to c0", "a refusal: legal here",
           {"ciphertext": {"level": 0, "scale": 2.0 ** 20,
                           "parts": [said, s.poly(zero)]},
            "secret": secret_of(s)[1]},
           [want("sign", "words", "c0", s.poly(m))],
           ["TransparentCiphertext"], "acceptable")


def refused_real(f, s):
    """What the real ring has not."""
    def status(name):
        return [want("refusal", "status", "status", name)]
    f.case("refuse_encode", "a slot that is not real",
           "an imaginary part dropped without a word",
           {"re": [1.0, 1.0], "im": [0.0, 0.5], "level": 0,
            "scale": 1024.0}, status("CKKS_EARG"), ["RealSlots"], "invalid")
    a, said = ciphertext(s, "conjugate", 0, 2.0 ** 20)
    f.case("refuse_conj", "conjugation", "a copy given as the result",
           {"a": said}, status("CKKS_EARG"), ["RealSlots"], "invalid")
    for more, text in (({"generator": 3}, "generator 3"),
                       ({"digits": "uncentred"}, "uncentred digits")):
        f.case("refuse_params", text, "a ring nobody has defined",
               {"primeEntries": ["40"], "specialEntries": ["40"], "dnum": 1,
                **more}, status("CKKS_EPARAM"), ["RealSlots"], "invalid")
