"""Slots and coefficients: docs/conventions.md, "Encoding".

The real ring's coefficients are the first N of those that the complex ring of
degree 2N gives to the same slots: both are halves of sums over all odd powers
of the same root.

Everything in integers of 192 fractional bits, so that what a double FFT
should give is known to far more digits than it has.
"""
from fractions import Fraction

from ring import extended

BITS = 192
ONE = 1 << BITS


def _circle(n):
    """zeta^k = exp(i pi k / n), k < 2n, as pairs of integers."""
    # pi by Machin's formula
    def arctan(inverse):
        term = total = ONE * 16 // inverse
        k, sign = 1, 1
        while term:
            term //= inverse * inverse
            k, sign = k + 2, -sign
            total += sign * (term // k)
        return total
    pi = (4 * arctan(5) - arctan(239)) // 4
    x, term, k = pi // n, ONE, 0
    re = im = 0
    while term:
        if k % 2 == 0:
            re += term if k % 4 == 0 else -term
        else:
            im += term if k % 4 == 1 else -term
        k += 1
        term = term * x // ONE // k
    out = [(ONE, 0)]
    for _ in range(2 * n - 1):
        a, b = out[-1]
        out.append(((a * re - b * im) >> BITS, (a * im + b * re) >> BITS))
    return out


_tables = {}


def circle(n):
    if n not in _tables:
        _tables[n] = _circle(n)
    return _tables[n]


def _transform(a, w):
    """A[i] = sum a[k] w^(i k) for a list of pairs; w: its powers."""
    if len(a) == 1:
        return a
    even, odd = _transform(a[0::2], w[0::2]), _transform(a[1::2], w[0::2])
    low, high = [], []
    for (a, b), (c, d), (e, f) in zip(even, odd, w):
        x, y = (c * e - d * f) >> BITS, (c * f + d * e) >> BITS
        low.append((a + x, b + y))
        high.append((a - x, b - y))
    return low + high


def fixed(x):
    """A double, exactly."""
    f = Fraction(x) * ONE
    assert f.denominator == 1, "a double below 2^-192"
    return int(f)


def to_coefficients(c, slots, scale):
    """Fractions: the coefficients of the polynomial whose slot j is slots[j]
    times scale; missing slots are 0."""
    n = c.order // 2
    z = circle(n)
    values = [(0, 0)] * n                       # at zeta^(2 i + 1)
    e = 1
    for s in slots:
        re, im = fixed(s.real), fixed(s.imag)
        values[e // 2] = (re, im)
        values[(2 * n - e) // 2] = (re, -im)
        e = e * c.generator % (2 * n)
    inverse = [(a, -b) for a, b in z[::2]]
    sums = _transform(values, inverse)
    out = []
    for (a, b), (x, y) in zip(sums, z):
        re = (a * x + b * y) >> BITS            # times zeta^-k
        out.append(Fraction(re, ONE) * Fraction(scale) / n)
    return out[:c.n]


def to_slots(c, coefficients, scale):
    """Pairs of Fractions: slot j = m(zeta^(g^j)) / scale."""
    n = c.order // 2
    z = circle(n)
    if c.real:
        coefficients = extended(coefficients)
    twisted = [(a * x, a * y) for a, (x, y) in zip(coefficients, z)]
    values = _transform(twisted, z[::2])
    out, e = [], 1
    for _ in range(c.slots):
        re, im = values[e // 2]
        out.append((Fraction(re, ONE) / Fraction(scale),
                    Fraction(im, ONE) / Fraction(scale)))
        e = e * c.generator % (2 * n)
    return out


def round_away(x):
    """The nearest integer, halves away from zero."""
    x = Fraction(x)
    return int(x + Fraction(1, 2)) if x >= 0 else -int(-x + Fraction(1, 2))


def distance_to_tie(x):
    return abs(abs(x - int(x)) - Fraction(1, 2))


def constant(c, re, im, scale):
    """Coefficients of a constant: each product is rounded to a double first,
    then to an integer."""
    out = [0] * c.n
    out[0] = round_away(re * scale)
    if not c.real:
        out[c.n // 2] = round_away(im * scale)
    return out
