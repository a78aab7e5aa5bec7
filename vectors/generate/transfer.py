"""Base transfers, trees, extension: docs/conventions.md, "Two parties".

The extension is computed bit by bit from leaves that are each walked down to
from the root, as are the base transfers' keys of both sides.
"""
import hashlib

import aes

def _pi_bits(bits):
    """floor(2^bits pi), Machin's formula."""
    one = 1 << bits + 64

    def arctan(x):
        power = one // x
        total, n, sign = power, 1, 1
        while power:
            power //= x * x
            n, sign = n + 2, -sign
            total += sign * (power // n)
        return total
    return 4 * (4 * arctan(5) - arctan(239)) >> 64


# RFC 3526, section 4.
P = 2 ** 3072 - 2 ** 3008 - 1 + 2 ** 64 * (_pi_bits(2942) + 1690314)
ELEMENT = 384


def element(x):
    return x.to_bytes(ELEMENT, "little")


def key(session, server, i, a, b, secret):
    """server: the side that has both keys is the server."""
    text = b"volley blind base key 1".ljust(24, b"\0") + session \
        + int(server).to_bytes(4, "little") + i.to_bytes(4, "little") \
        + element(a) + element(b) + element(secret)
    return aes.number(hashlib.blake2b(text, digest_size=16).digest())


class Base:
    """One side: a from one stream, b_0 .. b_127 from the next, 32 bytes
    each."""

    def __init__(self, generator, choice):
        self.a, self.choice = aes.number(generator.stream().read(32)), choice
        of_b = generator.stream()
        self.b = [aes.number(of_b.read(32)) for _ in range(128)]
        self.A = pow(4, self.a, P)

    def chosen(self, theirs):
        """B_i, of the other side's A."""
        return [pow(4, b, P) * (theirs if self.choice >> i & 1 else 1) % P
                for i, b in enumerate(self.b)]

    def keys(self, session, server, theirs, B):
        return [key(session, not server, i, theirs, B[i],
                    pow(theirs, b, P)) for i, b in enumerate(self.b)]

    def pairs(self, session, server, B):
        inverse = pow(self.A, -1, P)
        return [tuple(key(session, server, i, self.A, x, pow(y, self.a, P))
                      for y in (x, x * inverse % P)) for i, x in enumerate(B)]


# ---- trees ------------------------------------------------------------------


def node(pairs, x, depth, k):
    """Number x of the nodes that have `depth` bits."""
    if depth == 1:
        return pairs[k - 1][1 ^ x]
    return aes.stream(node(pairs, x >> 1, depth - 1, k), x & 1, 1)[0]


def sums(pairs, k):
    out = []
    for j in range(1, k):
        level = [node(pairs, x, j + 1, k) for x in range(2 << j)]
        for c in 0, 1:
            total = pairs[k - 1 - j][c]
            for x, v in enumerate(level):
                total ^= v if x & 1 == 1 ^ c else 0
            out.append(total)
    return out


def leaves(pairs, k):
    return [node(pairs, x, k, k) for x in range(1 << k)]


def punctured(keys, told, alpha, k):
    """The leaves that a side can have that knows one key of each pair: {number:
    leaf}, all but alpha."""
    known = {1 ^ alpha >> k - 1: keys[k - 1]}
    for j in range(1, k):
        known = {2 * x + c: aes.stream(v, c, 1)[0]
                 for x, v in known.items() for c in (0, 1)}
        path = alpha >> k - 1 - j
        bit = path & 1                      # key `bit` of this level is known
        total = told[2 * (j - 1) + bit] ^ keys[k - 1 - j]
        for x, v in known.items():
            total ^= v if x & 1 != bit else 0
        known[path ^ 1] = total
    return known


# ---- extension --------------------------------------------------------------


class Receiver:
    def __init__(self, pairs, k):
        self.k, self.used = k, 0
        self.trees = [leaves(pairs[k * i:k * i + k], k)
                      for i in range(128 // k)]

    def receive(self, choice, blocks):
        """t and the frame; choice: blocks of 128 bits."""
        rows, frame = [0] * 128, b""
        t = []
        streams = [[aes.stream(leaf, self.used, blocks) for leaf in tree]
                   for tree in self.trees]
        self.used += blocks
        for tree in streams:
            for c in range(blocks):
                total = choice[c]
                for s in tree:
                    total ^= s[c]
                frame += aes.raw(total)
        for c in range(blocks):
            for j in range(128):
                rows[j] = 0
                for x, s in enumerate(streams[j // self.k]):
                    rows[j] ^= s[c] if x >> j % self.k & 1 else 0
            t += [sum((rows[j] >> i & 1) << j for j in range(128))
                  for i in range(128)]
        return t, frame


class Sender:
    def __init__(self, keys, told, delta, k):
        self.k, self.used, self.delta = k, 0, delta
        self.trees = []
        for i in range(128 // k):
            alpha = delta >> k * i & (1 << k) - 1
            of_tree = told[2 * (k - 1) * i:2 * (k - 1) * (i + 1)]
            self.trees.append((alpha, punctured(keys[k * i:k * i + k], of_tree,
                                                alpha, k)))

    def send(self, frame, blocks):
        q = []
        streams = [(alpha, {x: aes.stream(leaf, self.used, blocks)
                            for x, leaf in tree.items()})
                   for alpha, tree in self.trees]
        self.used += blocks
        for c in range(blocks):
            rows = []
            for j in range(128):
                i, b = j // self.k, j % self.k
                alpha, tree = streams[i]
                at = 16 * (blocks * i + c)
                row = aes.number(frame[at:at + 16]) if alpha >> b & 1 else 0
                for x, s in tree.items():
                    row ^= s[c] if (x ^ alpha) >> b & 1 else 0
                rows.append(row)
            q += [sum((rows[j] >> i & 1) << j for j in range(128))
                  for i in range(128)]
        return q
