"""A context, base conversion and division with rounding:
docs/conventions.md, "Key switching of a polynomial".

A polynomial is a list of limbs, one list of N words a prime; over "Q_l P" the
limbs of q_0..q_l stand before those of the special primes.
"""
import hashlib
import math
import struct

from ring import RealRing, Ring, resolve


def product(numbers):
    return math.prod(numbers)


class Context:
    """Parameters.  order: that of X; slots: how many there are."""

    def __init__(self, name, log_n, entries, special=(), dnum=1, generator=5,
                 uncentred=False, fitted=False, real=False):
        self.name, self.log_n, self.n = name, log_n, 1 << log_n
        self.entries, self.special_entries = list(entries), list(special)
        self.real, self.order = real, (4 if real else 2) * self.n
        self.slots = self.order // 4
        self.prime = resolve(list(entries) + list(special), self.order // 2)
        self.top = len(entries) - 1
        self.q, self.special = (self.prime[:self.top + 1],
                                self.prime[self.top + 1:])
        self.dnum = dnum if special else 1
        self.alpha = -(-(self.top + 1) // self.dnum)
        self.generator, self.uncentred = generator, uncentred
        self.fitted = fitted
        self.P = product(self.special)
        self._ring = {}

    def ring(self, t):
        if t not in self._ring:
            kind = RealRing if self.real else Ring
            self._ring[t] = kind(self.prime[t], self.n)
        return self._ring[t]

    def numbers(self, level, special=False):
        """Prime numbers of the limbs of a polynomial."""
        return list(range(level + 1)) + (
            list(range(self.top + 1, len(self.prime))) if special else [])

    def used(self, level):
        """How many special primes level l uses."""
        if not self.fitted:
            return len(self.special)
        most = max(product(self.prime[t] for t in d)
                   for d in self.digits(level))
        return next((k for k in range(1, len(self.special))
                     if product(self.special[:k]) >= 2 * most),
                    len(self.special))

    def big_p(self, level):
        """P_k"""
        return product(self.special[:self.used(level)])

    def divisor(self, level):
        """Prime numbers of P_k."""
        return list(range(self.top + 1, self.top + 1 + self.used(level)))

    def raised(self, level):
        """Prime numbers of the limbs of a polynomial over Q_l P_k."""
        return self.numbers(level) + self.divisor(level)

    def over(self, x, level):
        """x / R, limb by limb."""
        R = self.P // self.big_p(level)
        return [self.ring(t).scale(a, pow(R, -1, self.prime[t]))
                for t, a in enumerate(x)]

    def digits(self, level):
        """Lists of prime numbers."""
        return [list(range(j, min(j + self.alpha, level + 1)))
                for j in range(0, level + 1, self.alpha)]

    def galois(self, kind, step):
        """g of the conjugation, or of the rotation by step to the left."""
        return self.order - 1 if kind == "conj" \
            else pow(self.generator, step % self.slots, self.order)

    def big_q(self, level):
        return product(self.q[:level + 1])

    def fingerprint_words(self):
        return [1, self.log_n, len(self.q), len(self.special), self.dnum,
                self.generator, self.uncentred + 2 * self.fitted
                + 4 * self.real] + self.prime

    def fingerprint(self):
        w = self.fingerprint_words()
        return hashlib.blake2b(struct.pack(f"<{len(w)}Q", *w),
                               digest_size=16).digest()

    # limb by limb

    def forward(self, x, numbers):
        return [self.ring(t).forward(a) for a, t in zip(x, numbers)]

    def inverse(self, x, numbers):
        return [self.ring(t).inverse(a) for a, t in zip(x, numbers)]

    def each(self, name, x, y, numbers):
        return [getattr(self.ring(t), name)(a, b)
                for a, b, t in zip(x, y, numbers)]

    def permute(self, x, g, numbers):
        return [self.ring(t).permute(a, g) for a, t in zip(x, numbers)]

    def lift(self, a, numbers):
        """Integers as a polynomial in NTT form."""
        return self.forward([self.ring(t).lift(a) for t in numbers], numbers)


def conversion(c, x, source, targets, centred):
    """Base conversion, coefficients in and out: the limbs modulo the targets,
    what they are before the multiple of D is taken off ("approximate"), and
    that multiple v of every coefficient."""
    primes = [c.prime[s] for s in source]
    D = product(primes)
    y = [[a * pow(D // q, -1, q) % q for a in limb]
         for limb, q in zip(x, primes)]
    if len(primes) == 1:
        v = [int(a > (primes[0] - 1) // 2) if centred else 0 for a in y[0]]
    else:
        v = []
        for column in zip(*y):
            f = 0.0
            for a, q in zip(column, primes):
                f += float(a) * (1.0 / float(q))
            v.append(math.floor(f + 0.5) if centred else math.floor(f))
    out, approximate = [], []
    for t in targets:
        p = c.prime[t]
        hats = [D // q % p for q in primes]
        s = [sum(a * h for a, h in zip(column, hats)) for column in zip(*y)]
        approximate.append([a % p for a in s])
        out.append([(a - k * D) % p for a, k in zip(s, v)])
    return out, approximate, v


def exact_residues(c, x, source, targets, centred):
    """The same by big integers: decides what the doubles should give."""
    primes = [c.prime[s] for s in source]
    D = product(primes)
    g = [D // q * pow(D // q, -1, q) for q in primes]
    values = [sum(a * h for a, h in zip(column, g)) % D for column in zip(*x)]
    if centred:
        values = [v - D if 2 * v > D else v for v in values]
    return [[v % c.prime[t] for v in values] for t in targets]


def mod_up(c, x, level):
    """Digits of x (NTT form) over Q_l P_k: in coefficient form, and the NTT
    form.  A digit's own limbs stay as they are."""
    numbers = c.raised(level)
    coeff = c.inverse(x, c.numbers(level))
    raised, transformed = [], []
    for own in c.digits(level):
        others = [t for t in numbers if t not in own]
        limbs, _, _ = conversion(c, [coeff[t] for t in own], own, others,
                                 not c.uncentred)
        at = dict(zip(others, limbs))
        at.update((t, coeff[t]) for t in own)
        raised.append([at[t] for t in numbers])
        transformed.append([x[t] if t in own else c.ring(t).forward(at[t])
                            for t in numbers])
    return coeff, raised, transformed


def divide(c, x, numbers, out_level, source):
    """(x - z) / D over q_0..q_out, z the centred remainder modulo the product
    D of the source primes.  x: NTT form, limb k belongs to prime
    numbers[k].  Gives the quotient and z (coefficients)."""
    at = dict(zip(numbers, x))
    targets = list(range(out_level + 1))
    coeff = [c.ring(t).inverse(at[t]) for t in source]
    z, _, _ = conversion(c, coeff, source, targets, True)
    D = product(c.prime[t] for t in source)
    out = []
    for t in targets:
        r = c.ring(t)
        out.append(r.scale(r.sub(at[t], r.forward(z[t])), pow(D, -1, r.p)))
    return out, z


def mod_down(c, x, level):
    return divide(c, x, c.raised(level), level, c.divisor(level))


def mod_down_rescale(c, x, level):
    return divide(c, x, c.raised(level), level - 1,
                  c.divisor(level) + [level])


def rescale(c, x, level):
    return divide(c, x, c.numbers(level), level - 1, [level])
