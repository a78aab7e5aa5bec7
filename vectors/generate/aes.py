"""AES-128 (FIPS 197), the hash of garbling: docs/conventions.md, "Two parties".

Blocks and numbers modulo 2^128 are integers: byte k of a block has the bits
8 k .. 8 k + 7.  The S-box comes from inverses, states are lists of bytes.
"""

MASK = 2 ** 128 - 1


def times(a, b):
    """In GF(2^8), modulo x^8 + x^4 + x^3 + x + 1."""
    out = 0
    while b:
        out ^= a if b & 1 else 0
        a = a << 1 ^ (0x11b if a & 0x80 else 0)
        b >>= 1
    return out


def _sbox():
    """5.1.1: the inverse, then an affine map."""
    inverse = [0] * 256
    for x in range(1, 256):
        power = 1
        for _ in range(254):
            power = times(power, x)
        inverse[x] = power
    out = []
    for x in range(256):
        v, y = inverse[x], 0x63
        for turn in range(5):
            y ^= (v << turn | v >> 8 - turn) & 0xff
        out.append(y)
    return out


SBOX = _sbox()
DOUBLE = [times(x, 2) for x in range(256)]


def expand(key):
    """5.2: the words of the 11 round keys, each four bytes."""
    w = [list(key[4 * i:4 * i + 4]) for i in range(4)]
    constant = 1
    for i in range(4, 44):
        t = w[i - 1]
        if i % 4 == 0:
            t = [SBOX[x] for x in t[1:] + t[:1]]
            t[0] ^= constant
            constant = times(constant, 2)
        w.append([x ^ y for x, y in zip(w[i - 4], t)])
    return [sum(w[4 * r:4 * r + 4], []) for r in range(11)]


def encrypt(keys, block):
    s = [x ^ k for x, k in zip(block, keys[0])]
    for r in range(1, 11):
        s = [SBOX[s[(i + 4 * (i % 4)) % 16]] for i in range(16)]
        if r < 10:
            mixed = []
            for c in range(0, 16, 4):
                a = s[c:c + 4]
                every = a[0] ^ a[1] ^ a[2] ^ a[3]
                mixed += [a[i] ^ every ^ DOUBLE[a[i] ^ a[(i + 1) % 4]]
                          for i in range(4)]
            s = mixed
        s = [x ^ k for x, k in zip(s, keys[r])]
    return bytes(s)


def number(raw):
    return int.from_bytes(raw, "little")


def raw(block):
    return block.to_bytes(16, "little")


def aes(key, block):
    return number(encrypt(expand(raw(key)), raw(block)))


def stream(key, first, count):
    keys = expand(raw(key))
    return [number(encrypt(keys, raw((first + i) % 2 ** 64)))
            for i in range(count)]


def sigma(x):
    a, b = x >> 64, x & 2 ** 64 - 1
    return (a ^ b) << 64 | a


def H(start, x, tweak):
    s = sigma(x)
    return aes(start ^ tweak % 2 ** 64, s) ^ s


def self_check():
    """FIPS 197, C.1."""
    got = encrypt(expand(bytes(range(16))),
                  bytes(17 * i for i in range(16)))
    assert got.hex() == "69c4e0d86a7b0430d8cdb78070b4c55a", "AES"
