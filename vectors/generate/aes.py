"""AES-128 (FIPS 197), the hash of garbling: docs/conventions.md, "Two parties".

Blocks and numbers modulo 2^128 are integers: byte k of a block has the bits
8 k .. 8 k + 7.  The S-box comes from inverses.
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


def by_definition(key, block):
    """5.1; byte r + 4 c is row r of column c."""
    keys = expand(key)
    s = [x ^ k for x, k in zip(block, keys[0])]
    for r in range(1, 11):
        s = [SBOX[s[(i + 4 * (i % 4)) % 16]] for i in range(16)]
        if r < 10:
            s = [times(s[i], 2) ^ times(s[i // 4 * 4 + (i + 1) % 4], 3)
                 ^ s[i // 4 * 4 + (i + 2) % 4] ^ s[i // 4 * 4 + (i + 3) % 4]
                 for i in range(16)]
        s = [x ^ k for x, k in zip(s, keys[r])]
    return bytes(s)


# ---- the same with columns as words, row 0 in the lowest byte ---------------

CONSTANTS = [1, 2, 4, 8, 16, 32, 64, 128, 27, 54]
# Of a byte in row 0 what it adds to its column; rows turn it.
COLUMN = [times(v, 2) | v << 8 | v << 16 | times(v, 3) << 24 for v in SBOX]
T0, T1, T2, T3 = ([(c << 8 * r | c >> 32 - 8 * r) & 0xffffffff for c in COLUMN]
                  for r in range(4))


def words(key):
    """Round keys of a block."""
    a, b, c, d = (key >> 32 * i & 0xffffffff for i in range(4))
    out = [(a, b, c, d)]
    for constant in CONSTANTS:
        a ^= (SBOX[d >> 8 & 255] ^ constant | SBOX[d >> 16 & 255] << 8
              | SBOX[d >> 24] << 16 | SBOX[d & 255] << 24)
        b ^= a
        c ^= b
        d ^= c
        out.append((a, b, c, d))
    return out


def encrypt(keys, block):
    """Of a block, by its round keys."""
    k = keys[0]
    a, b, c, d = (block >> 32 * i & 0xffffffff ^ k[i] for i in range(4))
    for k in keys[1:10]:
        a, b, c, d = (
            T0[a & 255] ^ T1[b >> 8 & 255] ^ T2[c >> 16 & 255] ^ T3[d >> 24]
            ^ k[0],
            T0[b & 255] ^ T1[c >> 8 & 255] ^ T2[d >> 16 & 255] ^ T3[a >> 24]
            ^ k[1],
            T0[c & 255] ^ T1[d >> 8 & 255] ^ T2[a >> 16 & 255] ^ T3[b >> 24]
            ^ k[2],
            T0[d & 255] ^ T1[a >> 8 & 255] ^ T2[b >> 16 & 255] ^ T3[c >> 24]
            ^ k[3])
    s, out, turned = SBOX, 0, (a, b, c, d)
    for i, k in enumerate(keys[10]):
        w, x, y, z = turned[i:] + turned[:i]
        out |= ((s[w & 255] | s[x >> 8 & 255] << 8 | s[y >> 16 & 255] << 16
                 | s[z >> 24] << 24) ^ k) << 32 * i
    return out


def number(raw):
    return int.from_bytes(raw, "little")


def raw(block):
    return block.to_bytes(16, "little")


def aes(key, block):
    return encrypt(words(key), block)


def stream(key, first, count):
    keys = words(key)
    return [encrypt(keys, (first + i) % 2 ** 64) for i in range(count)]


def sigma(x):
    a, b = x >> 64, x & 2 ** 64 - 1
    return (a ^ b) << 64 | a


def H(start, x, tweak):
    s = sigma(x)
    return aes(start ^ tweak % 2 ** 64, s) ^ s


def self_check():
    """FIPS 197, C.1; both forms."""
    key, text = bytes(range(16)), bytes(17 * i for i in range(16))
    want = "69c4e0d86a7b0430d8cdb78070b4c55a"
    assert by_definition(key, text).hex() == want, "AES"
    for _ in range(50):
        assert raw(aes(number(key), number(text))) == by_definition(key, text)
        key, text = by_definition(text, key), key
