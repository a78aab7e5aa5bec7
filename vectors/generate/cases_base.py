"""Base conversion, mod-up and mod-down."""
import math

import rns
from form import File, hexed, want
from notes import NOTES


def near_half(c, x, source):
    """Puts values beside 0, D/2 and D into the front columns of the limbs of
    the source: what rounding is about."""
    primes = [c.prime[t] for t in source]
    D = rns.product(primes)
    values = [0, 1, D - 1, D // 2, D // 2 + 1, D // 2 - 1, D // 2 + 2,
              D // 4, 3 * D // 4, D // 2 - D // 2 ** 40,
              D // 2 + D // 2 ** 40]
    for limb, p in zip(x, primes):
        limb[:len(values)] = [v % p for v in values]
    return x


def reciprocal(c, x, source, centred):
    """Puts into column 11, if there is one, a value for which the rounded
    reciprocal of the prime decides otherwise than that of its double."""
    primes = [c.prime[t] for t in source]
    D = rns.product(primes)
    if len(primes) == 1 or all(1 / q == 1.0 / float(q) for q in primes):
        return False
    for k in range(1, 4000):
        value = ((D // 2 if centred else 0)
                 + k * 0x9e3779b97f4a7c15 % (D >> 50) - (D >> 51)) % D
        f = g = 0.0
        for q in primes:
            y = float(value % q * pow(D // q, -1, q) % q)
            f += y * (1.0 / float(q))
            g += y * (1 / q)
        half = 0.5 if centred else 0.0
        if math.floor(f + half) != math.floor(g + half):
            for limb, p in zip(x, primes):
                limb[11] = value % p
            return True
    return False


def differing(c, x, source, targets, centred):
    """Columns in which the doubles decide otherwise than exact numbers."""
    got, _, _ = rns.conversion(c, x, source, targets, centred)
    exact = rns.exact_residues(c, x, source, targets, centred)
    return [k for k in range(c.n)
            if [g[k] for g in got] != [e[k] for e in exact]]


def base(sets):
    f = File("base", "Base conversion (exact; approximate beside it), mod-up "
             "of a polynomial's digits, division by the special product.",
             NOTES)
    for s in sets:
        c = s.c
        f.group(s)
        tops = [c.top] if s.digest else sorted({c.top, max(0, c.top - 1)})
        for level in tops:
            conversions(f, s, level)
        if c.special and not s.digest:
            special(f, s, c.top)
        polynomials(f, s, c.top)
    return f


def conversions(f, s, level):
    c = s.c
    for j, own in enumerate(c.digits(level)):
        numbers = c.raised(level)
        x, said = s.source(f"digit {j} of level {level}", own)
        flags = []
        if not s.digest:
            x = near_half(c, x, own)
            flags = ["HalfwayRounding"]
            if reciprocal(c, x, own, not c.uncentred):
                flags.append("ReciprocalOfDouble")
            said = s.poly(x)
        others = [t for t in numbers if t not in own]
        out, approximate, v = rns.conversion(c, x, own, others,
                                             not c.uncentred)
        odd = differing(c, x, own, others, not c.uncentred)
        assert len(odd) <= 8
        if odd:
            flags.append("DoubleRounding")
        given = {"x": said, "level": level, "source": str(j)}
        expected = []
        if not s.digest:
            given["multiple"] = hexed(v)
            given["columnsOffExact"] = odd
            expected.append(want(
                "base conversion", "approximate", "sum of y_i (D/q_i), the "
                "multiple of D left in (OpenFHE's conversion)",
                s.poly(approximate)))
        expected.append(want("base conversion", "out",
                             f"digit {j} modulo all other primes",
                             s.poly(out)))
        f.case("convert_digit", f"digit {j} (primes {own[0]}..{own[-1]}) at "
               f"level {level}", "a digit centred that should not be, or the "
               "reverse; the multiple of D off by one; (D/q)^-1 of the whole "
               "digit for a shorter one", given, expected, flags)


def special(f, s, level):
    c = s.c
    source, targets = c.divisor(level), c.numbers(level)
    x, _ = s.source("special", source)
    x = near_half(c, x, source)
    odd_inverse = reciprocal(c, x, source, True)
    out, approximate, v = rns.conversion(c, x, source, targets, True)
    odd = differing(c, x, source, targets, True)
    f.case("convert_special", "the special primes to all others, centred",
           "a floor in place of rounding to the nearest",
           {"x": s.poly(x), "level": level, "source": "special",
            "multiple": hexed(v), "columnsOffExact": odd},
           [want("rounding", "approximate", "sum of y_i (P/p_i), the "
                 "multiple of P left in", s.poly(approximate)),
            want("rounding", "out", "centred remainder modulo P",
                 s.poly(out))],
           ["HalfwayRounding"] + ["DoubleRounding"] * bool(odd)
           + ["ReciprocalOfDouble"] * odd_inverse)


def polynomials(f, s, level):
    c = s.c
    x, said = s.source("mod-up", c.numbers(level))
    coeff, raised, transformed = rns.mod_up(c, x, level)
    expected = [want("NTT", "coeff", "coefficients", s.poly(coeff))]
    for j, d in enumerate(raised):
        if not s.digest:
            expected.append(want("base conversion", f"raised{j}",
                                 f"digit {j} over Q_l P, coefficients",
                                 s.poly(d)))
        expected.append(want("digit order", f"digit{j}",
                             f"digit {j} over Q_l P, values",
                             s.poly(transformed[j])))
    f.case("mod_up", "all digits of a polynomial", "primes dealt to digits "
           "in turns in place of blocks; a digit's own limbs changed",
           {"x": said, "level": level}, expected)
    numbers = c.raised(level)
    x, said = s.source("mod-down", numbers)
    out, z = rns.mod_down(c, x, level)
    expected = [] if s.digest else [
        want("rounding", "z", "centred remainder modulo P", s.poly(z))]
    f.case("mod_down", "division by P", "rounding down; a remainder of the "
           "other sign", {"x": said, "level": level},
           expected + [want("rounding", "out", "(x - z) / P", s.poly(out))])
    if level == 0:
        return
    x, said = s.source("mod-down-rescale", numbers)
    out, _ = rns.mod_down_rescale(c, x, level)
    f.case("mod_down_rescale", "division by P q_l at once",
           "two roundings in place of one", {"x": said, "level": level},
           [want("rounding", "out", "(x - z) / (P q_l)", s.poly(out))])
