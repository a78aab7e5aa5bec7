"""Garbled gates of `blind`, word for word, from their definitions:
python3 vectors/generate/blind_garbling.py > vectors/blind/garbling.json

Shares no code with the library.  A block is 16 bytes, little-endian: as a
number, byte 0 lowest.  AES: FIPS 197 on these bytes.  The hash: unet/blind/aes.h.
Half gates: Zahur, Rosulek, Evans (2015), figure 2.
"""
import hashlib
import json
import sys

MASK = (1 << 64) - 1
WHOLE = (1 << 128) - 1


# ---- AES-128 -----------------------------------------------------------------

def times(a, b):
    r = 0
    while b:
        if b & 1:
            r ^= a
        a = a << 1 ^ (0x11b if a & 0x80 else 0)
        b >>= 1
    return r


def sbox(x):
    inverse = next((y for y in range(256) if times(x, y) == 1), 0)
    r = 0x63
    for shift in range(5):
        r ^= (inverse << shift | inverse >> (8 - shift)) & 255
    return r


SBOX = [sbox(x) for x in range(256)]


def round_keys(key):
    words = [list(key[4 * i:4 * i + 4]) for i in range(4)]
    constant = 1
    for i in range(4, 44):
        t = list(words[-1])
        if i % 4 == 0:
            t = [SBOX[x] for x in t[1:] + t[:1]]
            t[0] ^= constant
            constant = times(constant, 2)
        words.append([x ^ y for x, y in zip(words[i - 4], t)])
    return [sum(words[4 * r:4 * r + 4], []) for r in range(11)]


def aes(key, block):
    """Numbers in, number out."""
    keys = round_keys(key.to_bytes(16, "little"))
    s = [x ^ k for x, k in zip(block.to_bytes(16, "little"), keys[0])]
    for r in range(1, 11):
        s = [SBOX[s[(5 * i) % 16]] for i in range(16)]
        if r < 10:
            s = [times(s[i], 2) ^ times(s[i // 4 * 4 + (i + 1) % 4], 3)
                 ^ s[i // 4 * 4 + (i + 2) % 4] ^ s[i // 4 * 4 + (i + 3) % 4]
                 for i in range(16)]
        s = [x ^ k for x, k in zip(s, keys[r])]
    return int.from_bytes(bytes(s), "little")


# ---- gates -----------------------------------------------------------------------

def hashed(x, start, tweak):
    low, high = x & MASK, x >> 64
    sigma = (high ^ low) << 64 | high
    return aes(start ^ (tweak & MASK), sigma) ^ sigma


class Gates:
    """A garbler's: delta, start, the next tweak."""

    def __init__(self, name):
        self.name, self.drawn = name, 0
        self.start, self.delta = self.draw(), self.draw() | 1
        self.tweak = self.draw() & MASK

    def draw(self):
        text = f"{self.name} {self.drawn}".encode()
        self.drawn += 1
        return int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(),
                              "little")

    def both(self, a):
        return a, a ^ self.delta

    def and_gates(self, a, b):
        """Lists of labels of 0, of all copies: first halves, second halves,
        outputs."""
        n = len(a)
        first, second, out = [], [], []
        for i in range(n):
            j, k = self.tweak + i, self.tweak + n + i
            pa, pb = a[i] & 1, b[i] & 1
            ha = [hashed(x, self.start, j) for x in self.both(a[i])]
            hb = [hashed(x, self.start, k) for x in self.both(b[i])]
            tg = ha[0] ^ ha[1] ^ (self.delta if pb else 0)
            te = hb[0] ^ hb[1] ^ a[i]
            wg = ha[0] ^ (tg if pa else 0)
            we = hb[0] ^ ((te ^ a[i]) if pb else 0)
            first.append(tg)
            second.append(te)
            out.append(wg ^ we)
        self.tweak += 2 * n
        return first, second, out

    def project(self, bit, y):
        """The garbler's share and the table's number, each copy."""
        shares, table = [], []
        for i, label in enumerate(bit):
            v = label & 1               # the value whose label has colour 0
            h = [hashed(x, self.start, self.tweak + i)
                 for x in self.both(label)]
            rho = (h[v] - v * y[i]) & WHOLE
            table.append((rho + (1 - v) * y[i] - h[1 - v]) & WHOLE)
            shares.append(-rho & WHOLE)
        self.tweak += len(bit)
        return shares, table

    def mux(self, q, x, colours):
        """The sender's shares and messages."""
        shares, message = [], []
        for i in range(len(q)):
            m0, m1 = (hashed(b, self.start, self.tweak + i)
                      for b in self.both(q[i]))
            message.append((m0 + (1 - 2 * colours[i]) * x[i] - m1) & WHOLE)
            shares.append((colours[i] * x[i] - m0) & WHOLE)
        self.tweak += len(q)
        return shares, message


def text(x):
    return x.to_bytes(16, "little").hex()


def texts(xs):
    return "".join(text(x) for x in xs)


def case(kind, copies, number):
    g = Gates(f"{kind} {copies} {number}")
    c = {"kind": kind, "copies": copies, "start": text(g.start),
         "delta": text(g.delta), "tweak": text(g.tweak)}
    a = [g.draw() for _ in range(copies)]
    b = [g.draw() for _ in range(copies)]
    c |= {"a": texts(a), "b": texts(b)}
    if kind == "and":
        first, second, out = g.and_gates(a, b)
        c |= {"table": texts(first + second), "out": texts(out)}
    elif kind == "project":             # a the wires, b the numbers
        out, table = g.project(a, b)
        c |= {"table": texts(table), "out": texts(out)}
    elif kind == "mux":                 # a the transfers, b the numbers
        colours = [g.draw() & 1 for _ in range(copies)]
        out, table = g.mux(a, b, colours)
        c |= {"colours": "".join(map(str, colours)), "table": texts(table),
              "out": texts(out)}
    return c


def sign(width, copies):
    """The whole circuit of a sign: a and b are width words of copies."""
    g = Gates(f"sign {width} {copies}")
    c = {"kind": "sign", "copies": copies, "width": width,
         "start": text(g.start), "delta": text(g.delta),
         "tweak": text(g.tweak)}
    a = [[g.draw() for _ in range(copies)] for _ in range(width)]
    b = [[g.draw() for _ in range(copies)] for _ in range(width)]
    c |= {"a": texts(sum(a, [])), "b": texts(sum(b, []))}
    table, carry = [], [0] * copies
    for j in range(width):
        s = [x ^ y ^ z for x, y, z in zip(a[j], b[j], carry)]
        if j == width - 2:
            below = s
        if j < width - 1:
            first, second, out = g.and_gates(
                [x ^ z for x, z in zip(a[j], carry)],
                [y ^ z for y, z in zip(b[j], carry)])
            table += first + second
            carry = [x ^ z for x, z in zip(out, carry)]
    c |= {"table": texts(table), "out": texts(s),
          "range": texts([x ^ y for x, y in zip(s, below)])}
    return c


def main():
    assert aes(int.from_bytes(bytes(range(16)), "little"),
               int.from_bytes(bytes(17 * i for i in range(16)), "little")) \
        == int.from_bytes(bytes.fromhex("69c4e0d86a7b0430d8cdb78070b4c55a"),
                          "little")     # FIPS 197, C.1
    cases = [case(kind, copies, number)
             for kind in ("and", "project", "mux")
             for copies, number in ((1, 0), (1, 1), (3, 0), (16, 0))]
    cases += [sign(9, 1), sign(17, 3)]
    json.dump({"cases": cases}, sys.stdout, indent=0)
    print()


main()
