"""Objects as bytes: docs/conventions.md, "Bytes"."""
import struct

MASK = (1 << 64) - 1
P1, P2, P3, P4, P5 = (11400714785074694791, 14029467366897019727,
                      1609587929392839161, 9650029242287828579,
                      2870177450012600261)


def _rotate(x, r):
    return (x << r | x >> 64 - r) & MASK


def _round(acc, x):
    return _rotate((acc + x * P2) & MASK, 31) * P1 & MASK


def xxh64(data):
    """XXH64 of seed 0."""
    at, end = 0, len(data)
    if end >= 32:
        v = [(P1 + P2) & MASK, P2, 0, -P1 & MASK]
        while at + 32 <= end:
            v = [_round(a, x)
                 for a, x in zip(v, struct.unpack_from("<4Q", data, at))]
            at += 32
        h = sum(_rotate(a, r) for a, r in zip(v, (1, 7, 12, 18))) & MASK
        for a in v:
            h = ((h ^ _round(0, a)) * P1 + P4) & MASK
    else:
        h = P5
    h = (h + end) & MASK
    while at + 8 <= end:
        h ^= _round(0, struct.unpack_from("<Q", data, at)[0])
        h = (_rotate(h, 27) * P1 + P4) & MASK
        at += 8
    if at + 4 <= end:
        h ^= struct.unpack_from("<I", data, at)[0] * P1 & MASK
        h = (_rotate(h, 23) * P2 + P3) & MASK
        at += 4
    while at < end:
        h = _rotate(h ^ data[at] * P5 & MASK, 11) * P1 & MASK
        at += 1
    h = (h ^ h >> 33) * P2 & MASK
    h = (h ^ h >> 29) * P3 & MASK
    return h ^ h >> 32


PARAMS, PLAIN, CIPHER, SECRET, PUBLIC, KEYS = range(1, 7)
KEY_KIND = {"relin": 0, "rotate": 1, "conj": 2}


def frame(c, kind, fields):
    """The 40 bytes, checksum included, and the fields."""
    head = b"VLLY" + bytes([1, kind, 1, 1]) \
        + struct.pack("<QQ", 40 + len(fields), 0) + c.fingerprint()
    check = struct.pack("<Q", xxh64(head + fields))
    return head[:16] + check + head[24:] + fields


def resealed(data):
    """The checksum of altered bytes made right."""
    data = data[:16] + bytes(8) + data[24:]
    return data[:16] + struct.pack("<Q", xxh64(data)) + data[24:]


def limb(p, words):
    bits, x = p.bit_length(), 0
    for i, w in enumerate(words):
        x |= w << i * bits
    return x.to_bytes(-(-len(words) * bits // 8), "little")


def limbs(c, x, numbers):
    return b"".join(limb(c.prime[t], a) for a, t in zip(x, numbers))


def parameters(c):
    words = c.fingerprint_words() + [0]
    return frame(c, PARAMS, struct.pack(f"<{len(words)}Q", *words))


def plaintext(c, level, scale, x):
    return frame(c, PLAIN, struct.pack("<IId", level, 0, scale)
                 + limbs(c, x, c.numbers(level)))


def ciphertext(c, level, scale, parts, seed=None):
    head = struct.pack("<IIdII", len(parts) - 1, level, scale,
                       int(seed is not None), 0)
    kept = parts if seed is None else parts[:1]
    return frame(c, CIPHER, head + (seed or b"")
                 + b"".join(limbs(c, p, c.numbers(level)) for p in kept))


def secret(c, coefficients):
    x = 0
    for i, s in enumerate(coefficients):
        x |= s + 1 << 2 * i
    return frame(c, SECRET, x.to_bytes(c.n // 4, "little"))


def public(c, key):
    return frame(c, PUBLIC, key["seed"]
                 + limbs(c, key["b"], c.numbers(c.top, True)))


def keys(c, list_of_keys):
    out = struct.pack("<II", len(list_of_keys), 0)
    for k in list_of_keys:
        out += struct.pack("<IIII", KEY_KIND[k["kind"]], k["step"],
                           k["level"], 0) + k["seed"]
    for k in list_of_keys:
        for b in k["b"]:
            out += limbs(c, b, c.numbers(k["level"], True))
    return frame(c, KEYS, out)
