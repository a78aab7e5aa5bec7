"""Rings of two parties, keys, encryption: docs/conventions.md, "Two parties".
Polynomials are lists of limbs."""
import functools

import ring
import stream

SCALE = 18


@functools.lru_cache(None)
def of(p, n):
    return ring.Ring(p, n)


def pack(words, bits):
    """Word i at bits i bits .. of a stream of bits."""
    text = "".join(format(w, f"0{bits}b") for w in reversed(words))
    return int(text, 2).to_bytes(-(-len(words) * bits // 8), "little")


class Lwe:
    """One session's ring: its primes, and the client's keys of a generator."""

    def __init__(self, log_n, limbs, bits, generator, plain_bits=None):
        self.log_n, self.n, self.bits = log_n, 1 << log_n, bits
        entries = [bits] * limbs + ([plain_bits] * 2 if plain_bits else [])
        primes = ring.resolve(entries, self.n)
        self.q, self.t = primes[:limbs], primes[limbs:]
        self.Q = 1
        for p in self.q:
            self.Q *= p
        self.drawn = 0
        if generator is not None:
            self.keys(generator)

    def ring(self, l):
        return of(self.q[l], self.n)

    def each(self, f):
        return [f(self.ring(l), l) for l in range(len(self.q))]

    def keys(self, generator):
        self.seed = generator.stream().read(32)
        s = generator.stream()
        small = stream.ternary(s, self.n)
        self.s = self.values(small)
        self.key1 = self.public()
        e = self.values(stream.error(s, self.n))
        self.key0 = self.each(lambda r, l: r.sub(
            e[l], r.mul(self.key1[l], self.s[l])))

    def public(self):
        """The next a."""
        s = stream.Stream(self.seed, self.drawn, self.log_n)
        self.drawn += 1
        return [stream.uniform(s, self.n, p) for p in self.q]

    def values(self, x, factor=1):
        return self.each(lambda r, l: r.forward(r.lift(
            [v * factor for v in x])))

    def coefficients(self, x):
        return self.each(lambda r, l: r.inverse(x[l]))

    def key_frame(self):
        return self.seed + self.packed(self.key0)

    def packed(self, x):
        return b"".join(pack(limb, self.bits) for limb in x)

    def encrypt(self, m, s, t=1):
        """(c_0, a), values; m: integers; noise times t, of stream s."""
        e = stream.error(s, self.n)
        m = self.values([u + t * v for u, v in zip(m, e)])
        a = self.public()
        return self.each(lambda r, l: r.sub(m[l], r.mul(a[l], self.s[l]))), a

    def refresh(self, c0, c1, s, t=1):
        """Plus t (key0 u, key1 u + e), values."""
        e = self.values(stream.error(s, self.n), t)
        u = self.values(stream.ternary(s, self.n), t)
        return (self.each(lambda r, l: r.add(c0[l], r.mul(u[l],
                                                          self.key0[l]))),
                self.each(lambda r, l: r.add(r.add(c1[l], e[l]), r.mul(
                    u[l], self.key1[l]))))

    def joined(self, residues):
        """The number in [0, q) of its residues."""
        z = 0
        for p, r in zip(self.q, residues):
            z += self.Q // p * (r * pow(self.Q // p, -1, p) % p)
        return z % self.Q


def signed(share):
    return share - (share >> 127) * 2 ** 128
