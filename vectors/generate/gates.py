"""Garbled circuits: docs/conventions.md, "Two parties".

Both sides of every gate by the equations of Zahur, Rosulek and Evans (2015,
figure 2), one gate after the other.  A wire is the list of its copies.
"""
from aes import H

M = 2 ** 128


class Gates:
    """One side of a circuit.  The garbler's wires are labels of 0, the
    evaluator's those that it has; table: what has been written, or what is
    read, up to `done`."""

    def __init__(self, start, tweak, delta=None, table=b""):
        self.start, self.tweak = start, tweak
        self.delta, self.table, self.done = delta, bytearray(table), 0

    def hash(self, x, copy):
        return H(self.start, x, self.tweak + copy)

    def write(self, *x):
        self.table += b"".join((v % M).to_bytes(16, "little") for v in x)

    def read(self):
        self.done += 16
        return int.from_bytes(self.table[self.done - 16:self.done], "little")

    def negate(self, x):
        return x if self.delta is None else [v ^ self.delta for v in x]

    def conjunction(self, x, y):
        n = len(x)
        if self.delta is not None:
            made = [self.garbled(a, b, i, n + i)
                    for i, (a, b) in enumerate(zip(x, y))]
            self.write(*[tg for tg, _, _ in made], *[te for _, te, _ in made])
            out = [w for _, _, w in made]
        else:
            rows = [self.read() for _ in range(2 * n)]
            out = [self.evaluated(a, b, i, n + i, rows[i], rows[n + i])
                   for i, (a, b) in enumerate(zip(x, y))]
        self.tweak += 2 * n
        return out

    def garbled(self, a, b, j, k):
        pa, pb, d = a & 1, b & 1, self.delta
        ha, hb = self.hash(a, j), self.hash(b, k)
        tg = ha ^ self.hash(a ^ d, j) ^ (d if pb else 0)
        wg = ha ^ (tg if pa else 0)
        te = hb ^ self.hash(b ^ d, k) ^ a
        we = hb ^ (te ^ a if pb else 0)
        return tg, te, wg ^ we

    def evaluated(self, a, b, j, k, tg, te):
        return self.hash(a, j) ^ (tg if a & 1 else 0) \
            ^ self.hash(b, k) ^ (te ^ a if b & 1 else 0)

    def project(self, bit, y=None):
        """Shares of bit times y."""
        out = []
        for i, w in enumerate(bit):
            if self.delta is None:
                sent = self.read()
                out.append((self.hash(w, i) + (sent if w & 1 else 0)) % M)
                continue
            zero, one = self.hash(w, i), self.hash(w ^ self.delta, i)
            if w & 1 == 0:              # the label of 0 has colour 0
                rho = zero
                self.write(rho + y[i] - one)
            else:                       # the label of 1 has it
                rho = one - y[i]
                self.write(rho - zero)
            out.append(-rho % M)
        self.tweak += len(bit)
        return out


# ---- circuits: words are lists of wires, the lowest bit first ---------------


def xor(x, y):
    return [a ^ b for a, b in zip(x, y)]


def sign(g, a, b):
    """Top bit of a + b, and whether the two top bits differ."""
    carry = g.conjunction(a[0], b[0])
    bits = [xor(a[0], b[0])]
    for x, y in zip(a[1:-1], b[1:-1]):
        bits.append(xor(xor(x, y), carry))
        t = g.conjunction(xor(x, carry), xor(y, carry))
        carry = xor(carry, t)
    bits.append(xor(xor(a[-1], b[-1]), carry))
    return bits[-1], xor(bits[-1], bits[-2])


def all_zero(g, x):
    """One copy: whether all wires are 0.  In each round wire i meets wire
    i + ceil(width / 2); gates of a round stand together, up to 16."""
    x = [g.negate([v])[0] for v in x]
    while len(x) > 1:
        rest = (len(x) + 1) // 2
        pairs = len(x) - rest
        met = []
        for i in range(0, pairs, 16):
            met += g.conjunction(x[i:min(i + 16, pairs)],
                                 x[rest + i:rest + min(i + 16, pairs)])
        x = met + x[pairs:rest]
    return x[0]


def last_one(g, greater, classes):
    """The number of the last of wires 1 .. classes - 1 that is 1, or 0."""
    width = max(1, (classes - 1).bit_length())
    label = [None] * width
    label[0] = greater[0]
    for k in range(2, classes):
        w = greater[k - 1]
        for j in range(k.bit_length()):
            if label[j] is None:
                label[j] = w
            elif k >> j & 1:
                off = g.negate(label[j])
                label[j] = xor(g.negate(off), g.conjunction(w, off))
            else:
                label[j] = g.conjunction(label[j], g.negate(w))
    return label
