"""Streams of bytes and samplers: docs/conventions.md, "Randomness".

hashlib computes plain BLAKE2b but no output block of BLAKE2X, whose tree
depth is 0, so the compression function stands here, unrolled into one Python
function when the module is loaded.
"""
import hashlib
import struct

IV = (0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
      0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f,
      0x1f83d9abfb41bd6b, 0x5be0cd19137e2179)
SIGMA = ("0123456789abcdef", "ea489fd61c02b753", "b8c052fdae367194",
         "7931dcbe265a40f8", "905724afe1bc683d", "2c6a0b834d75fe19",
         "c51fed4a0763928b", "db7ec13950f4862a", "6fe9b308c2d714a5",
         "a2847615fb9e3cd0")
UNKNOWN = 2 ** 32 - 1               # XOF length of an endless stream


def _unrolled():
    """compress(h, m, total, last) -> the new h."""
    code = ["def compress(h, m, total, last):",
            " M = 0xffffffffffffffff",
            " " + ",".join(f"m{i}" for i in range(16)) + " = m",
            " " + ",".join(f"v{i}" for i in range(8)) + " = h",
            " " + ",".join(f"v{i + 8}" for i in range(8)) + f" = {IV}",
            " v12 ^= total",
            " if last: v14 ^= M"]
    columns = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
               (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))
    for r in range(12):
        sigma = [int(c, 16) for c in SIGMA[r % 10]]
        for k, (a, b, c, d) in enumerate(columns):
            x, y = sigma[2 * k], sigma[2 * k + 1]
            for word, one, two in ((x, 32, 24), (y, 16, 63)):
                code.append(f" v{a} = v{a} + v{b} + m{word} & M")
                code.append(f" v{d} ^= v{a}; "
                            f"v{d} = v{d} >> {one} | v{d} << {64 - one} & M")
                code.append(f" v{c} = v{c} + v{d} & M")
                code.append(f" v{b} ^= v{c}; "
                            f"v{b} = v{b} >> {two} | v{b} << {64 - two} & M")
    code.append(" return (" + ", ".join(
        f"h[{i}] ^ v{i} ^ v{i + 8}" for i in range(8)) + ")")
    space = {}
    exec("\n".join(code), space)
    return space["compress"]


compress = _unrolled()


def parameter_words(out, key, fanout, depth, leaf, node, xof, inner):
    return (IV[0] ^ (out | key << 8 | fanout << 16 | depth << 24 | leaf << 32),
            IV[1] ^ (node | xof << 32), IV[2] ^ inner << 8) + IV[3:]


class Stream:
    """stream(key; a, b): BLAKE2Xb of unknown length."""

    def __init__(self, key, a, b):
        h = parameter_words(64, len(key), 1, 1, 0, 0, UNKNOWN, 0)
        h = compress(h, struct.unpack("<16Q", key.ljust(128, b"\0")), 128,
                     False)
        last = struct.pack("<QQ", a, b).ljust(128, b"\0")
        self.root = compress(h, struct.unpack("<16Q", last), 144, True)
        self.node, self.left = 0, b""

    def read(self, size):
        out = [self.left]
        have = len(self.left)
        while have < size:
            h = parameter_words(64, 0, 0, 0, 64, self.node, UNKNOWN, 64)
            block = compress(h, self.root + (0,) * 8, 64, True)
            out.append(struct.pack("<8Q", *block))
            self.node, have = self.node + 1, have + 64
        out = b"".join(out)
        self.left = out[size:]
        return out[:size]

    def words(self, count):
        return struct.unpack(f"<{count}Q", self.read(8 * count))


def uniform(stream, n, p):
    """n words below p: draws masked to the bits of p - 1, too large ones
    drawn again."""
    mask, out = (1 << (p - 1).bit_length()) - 1, []
    while len(out) < n:
        out += [w & mask for w in stream.words(n - len(out)) if w & mask < p]
    return out


def ternary(stream, n):
    out = []
    while len(out) < n:
        out += [b % 3 - 1 for b in stream.read(n - len(out)) if b != 255]
    return out


def error(stream, n):
    out = []
    for _ in range(n):
        x = int.from_bytes(stream.read(6), "little")
        out.append((x & 0x1fffff).bit_count()
                   - (x >> 21 & 0x1fffff).bit_count())
    return out


class Generator:
    """A generator of seed z: its k-th stream is stream(z; k, 0)."""

    def __init__(self, seed):
        self.seed, self.next = seed, 0

    def stream(self):
        self.next += 1
        return Stream(self.seed, self.next - 1, 0)


def self_check():
    """The compression function against hashlib's."""
    for text in (b"", b"abc", bytes(range(128))):
        h = parameter_words(64, 0, 1, 1, 0, 0, 0, 0)
        m = struct.unpack("<16Q", text.ljust(128, b"\0"))
        got = struct.pack("<8Q", *compress(h, m, len(text), True))
        assert got == hashlib.blake2b(text).digest(), "BLAKE2b"
