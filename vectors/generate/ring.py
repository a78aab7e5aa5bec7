"""Primes, roots and the transform: docs/conventions.md, "Primes and roots",
"NTT"; of the real ring, "The real ring".

Written from the definitions; a polynomial modulo a prime is a list of N
integers.  The transform is a twist by powers of psi, a cyclic transform by
halving, and a reordering: nothing in common with butterflies in place.
"""


def is_prime(p):
    """Miller-Rabin with the first twelve primes: certain below 2^64."""
    small = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)
    if p < 2 or any(p % b == 0 for b in small):
        return p in small
    d, s = p - 1, 0
    while d % 2 == 0:
        d, s = d // 2, s + 1
    for b in small:
        x = pow(b, d, p)
        if x in (1, p - 1):
            continue
        for _ in range(s - 1):
            x = x * x % p
            if x == p - 1:
                break
        else:
            return False
    return True


def resolve(entries, n):
    """The primes, 1 modulo 2 n, a list of entries stands for."""
    taken = [e for e in entries if e > 61]
    out = []
    for e in entries:
        if e <= 61:
            p = (2 ** e - 2) // (2 * n) * (2 * n) + 1
            while p in taken or not is_prime(p):
                p -= 2 * n
            if p <= 2 ** (e - 1):
                raise ValueError("no prime of this size left")
            taken.append(p)
            e = p
        out.append(e)
    return out


def smallest_root(p, n):
    """The smallest psi with psi^n = -1 modulo p."""
    x = 2
    while pow(pow(x, (p - 1) // (2 * n), p), n, p) != p - 1:
        x += 1
    r = pow(x, (p - 1) // (2 * n), p)
    square, best, odd = r * r % p, r, r
    for _ in range(n - 1):                  # all odd powers of r
        odd = odd * square % p
        best = min(best, odd)
    return best


def reversed_bits(i, n):
    r = 0
    while n > 1:
        r, i, n = 2 * r + i % 2, i // 2, n // 2
    return r


def map_coefficients(a, g, p=None):
    """a(X) -> a(X^g) modulo X^N + 1, on coefficients."""
    n = len(a)
    out = [0] * n
    for k, x in enumerate(a):
        e = k * g % (2 * n)
        out[e % n] = x if e < n else -x
    return out if p is None else [x % p for x in out]


class Words:
    """Arithmetic modulo p, word by word."""

    def add(self, a, b):
        return [(x + y) % self.p for x, y in zip(a, b)]

    def sub(self, a, b):
        return [(x - y) % self.p for x, y in zip(a, b)]

    def mul(self, a, b):
        return [x * y % self.p for x, y in zip(a, b)]

    def scale(self, a, w):
        w %= self.p
        return [x * w % self.p for x in a]

    def lift(self, a):
        """Integers of any sign to words."""
        return [x % self.p for x in a]


class Ring(Words):
    """Z_p[X] / (X^N + 1) with its transform."""

    def __init__(self, p, n):
        self.p, self.n = p, n
        self.psi = smallest_root(p, n)
        self.order = [reversed_bits(i, n) for i in range(n)]
        self.twist = self._powers(self.psi)
        self.untwist = self._powers(pow(self.psi, -1, p))
        self.omega = self.twist[::2] + [(p - x) % p for x in self.twist[::2]]
        self.omega = self.omega[:max(1, n // 2)]
        inverse = self.untwist[::2] + [(p - x) % p for x in self.untwist[::2]]
        self.omega_inverse = inverse[:max(1, n // 2)]
        self.n_inverse = pow(n, -1, p)

    def _powers(self, x):
        out = [1]
        for _ in range(self.n - 1):
            out.append(out[-1] * x % self.p)
        return out

    def _cyclic(self, a, w):
        """A[i] = sum a[k] omega^(i k); w: powers of omega, len(a)/2."""
        if len(a) == 1:
            return a
        p = self.p
        even = self._cyclic(a[0::2], w[0::2])
        odd = self._cyclic(a[1::2], w[0::2])
        odd = [x * y % p for x, y in zip(odd, w)]
        return [(x + y) % p for x, y in zip(even, odd)] \
            + [(x - y) % p for x, y in zip(even, odd)]

    def forward(self, a):
        """out[i] = a(psi^(2 br(i) + 1))."""
        p = self.p
        b = self._cyclic([x * y % p for x, y in zip(a, self.twist)],
                         self.omega)
        return [b[i] for i in self.order]

    def inverse(self, values):
        p, m = self.p, self.n_inverse
        natural = [values[i] for i in self.order]
        b = self._cyclic(natural, self.omega_inverse)
        return [x * y % p * m % p for x, y in zip(b, self.untwist)]

    def by_definition(self, a):
        p, out = self.p, []
        for i in self.order:
            x, v = pow(self.psi, 2 * i + 1, p), 0
            for c in reversed(a):
                v = (v * x + c) % p
            out.append(v)
        return out

    def permute(self, values, g):
        """X -> X^g on values: out[i] = in[i'], 2 br(i') + 1 =
        (2 br(i) + 1) g mod 2N."""
        n = self.n
        return [values[reversed_bits(((2 * j + 1) * g % (2 * n) - 1) // 2, n)]
                for j in self.order]


def extended(a):
    """The polynomial of degree below 2N, N = len(a), that is a_0 and a_k
    (X^k + X^-k): X^-k is -X^(2N - k)."""
    return a + [0] + [-x for x in a[:0:-1]]


def map_real_coefficients(a, g, p=None):
    """a(X) -> a(X^g), g = 1 modulo 4, on the coefficients of the real
    ring."""
    return map_coefficients(extended(a), g, p)[:len(a)]


class RealRing(Words):
    """The elements of Z_p[X] / (X^2N + 1) that X -> X^-1 leaves as they are,
    by way of that ring.  Its place i < N is psi^(2 br(i) + 1) with 2N places
    to reverse: psi^(4 br(i) + 1) with N.  Place 2N - 1 - i is the inverse of
    that power, where such an element has the same value."""

    def __init__(self, p, n):
        self.p, self.n = p, n
        self.whole = Ring(p, 2 * n)
        self.psi = self.whole.psi

    def forward(self, a):
        """out[i] = a(psi^(4 br(i) + 1))."""
        return self.whole.forward(self.lift(extended(a)))[:self.n]

    def inverse(self, values):
        return self.whole.inverse(values + values[::-1])[:self.n]

    def by_definition(self, a):
        p, out = self.p, []
        for i in range(self.n):
            x = pow(self.psi, 4 * reversed_bits(i, self.n) + 1, p)
            y = pow(x, -1, p)
            out.append((a[0] + sum(c * (pow(x, k, p) + pow(y, k, p))
                                   for k, c in enumerate(a) if k)) % p)
        return out

    def permute(self, values, g):
        """X -> X^g on values: out[i] = in[i'], 4 br(i') + 1 =
        (4 br(i) + 1) g mod 4N."""
        n = self.n
        return [values[reversed_bits(
            ((4 * reversed_bits(i, n) + 1) * g % (4 * n) - 1) // 4, n)]
            for i in range(n)]
