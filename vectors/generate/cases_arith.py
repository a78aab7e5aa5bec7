"""Arithmetic on ciphertexts."""
import encode
import rns
from cases_keys import ciphertext, plain
from form import File, want
from notes import NOTES

SCALE = 2.0 ** 30


def result(s, parts, level, scale, stage="arithmetic"):
    """What a ciphertext is compared by."""
    return [want("scale", "shape", "degree, level, scale",
                 {"degree": len(parts) - 1, "level": level, "scale": scale})
            ] + [want(stage, f"c{k}", f"c{k}", s.poly(p))
                 for k, p in enumerate(parts)]


def arithmetic(sets):
    f = File("arithmetic", "Arithmetic on ciphertexts of given words.", NOTES)
    for s in sets:
        f.group(s)
        sums(f, s)
        constants(f, s)
        products(f, s)
        levels(f, s)
        combination(f, s)
    return f


def sums(f, s):
    c, level = s.c, min(s.c.top, 2)
    q = c.numbers(level)
    a, said_a = ciphertext(s, "a", level, SCALE)
    b, said_b = ciphertext(s, "b", level, SCALE)
    d, said_d = ciphertext(s, "d", level, SCALE, 3)
    m, said_m = plain(s, "m", level, SCALE)
    for name in ("add", "sub"):
        out = [c.each(name, x, y, q) for x, y in zip(a, b)]
        f.case(name, "degrees 1 and 1", "operands exchanged",
               {"a": said_a, "b": said_b}, result(s, out, level, SCALE))
        if s.digest:
            continue
        zero = [[0] * c.n for _ in q]
        out = [c.each(name, x, y, q) for x, y in zip(a + [zero], d)]
        f.case(name, "degrees 1 and 2", "c2 kept with the wrong sign, or "
               "lost", {"a": said_a, "b": said_d},
               result(s, out, level, SCALE))
        if s.version > 1:
            near, said_near = ciphertext(s, "near", level,
                                         SCALE * (1 + 2.0 ** -40))
            out = [c.each(name, x, y, q) for x, y in zip(near, a)]
            f.case(name, "scales that differ in their last bits", "the "
                   "second operand's scale, or the smaller one's",
                   {"a": said_near, "b": said_a},
                   result(s, out, level, SCALE * (1 + 2.0 ** -40)))
            out = [c.each(name, x, y, q) for x, y in zip(a, near)]
            f.case(name, "the same the other way round", "the larger scale",
                   {"a": said_a, "b": said_near},
                   result(s, out, level, SCALE))
        out = [c.each(name, a[0], m, q), a[1]]
        f.case(name + "_plain", "a plaintext", "m added to both halves",
               {"a": said_a, "m": said_m}, result(s, out, level, SCALE))
    if not s.digest:
        out = [[c.ring(t).scale(x, -1) for x, t in zip(p, q)] for p in a]
        f.case("neg", "minus", "p in place of 0", {"a": said_a},
               result(s, out, level, SCALE), ["EdgeWords"])


def constants(f, s):
    c, level = s.c, min(s.c.top, 2)
    q = c.numbers(level)
    a, said = ciphertext(s, "constant", level, SCALE)
    plans = [(0.625, -1.25)] if s.digest else [
        (0.625, -1.25), (1 / 3, 0.0), (0.5 / SCALE, -1.5 / SCALE)]
    for re, im in plans:
        im = 0.0 if c.real else im
        x = c.lift(encode.constant(c, re, im, SCALE), q)
        f.case("add_const", f"({re!r}, {im!r})", "the constant added at "
               "every coefficient; halves to even",
               {"a": said, "re": re, "im": im},
               result(s, [c.each("add", a[0], x, q), a[1]], level, SCALE,
                      "rounding"))
        x = c.lift(encode.constant(c, re, im, 2.0 ** 25), q)
        f.case("mul_const", f"({re!r}, {im!r}) at scale 2^25",
               "the imaginary part on the wrong half of the values",
               {"a": said, "re": re, "im": im, "scale": 2.0 ** 25},
               result(s, [c.each("mul", p, x, q) for p in a], level,
                      SCALE * 2.0 ** 25, "rounding"))
    if c.real:
        alternating(f, s, a, said, level)
    for w in (-7,) if s.digest else (-7, 2 ** 62, -2 ** 63):
        out = [[c.ring(t).scale(x, w) for x, t in zip(p, q)] for p in a]
        f.case("mul_int", f"times {w}", "a negative factor taken as "
               "unsigned", {"a": said, "factor": str(w)},
               result(s, out, level, SCALE), ["EncodeNegativeInt64"])


def alternating(f, s, a, said, level):
    """By theta = X^(N/2) + X^-(N/2): sqrt(2) and -sqrt(2) in turns."""
    c = s.c
    theta = [0] * c.n
    theta[c.n // 2] = 1
    q = c.numbers(level)
    t = c.lift(theta, q)
    f.case("mul_alternating", "by X^(N/2) + X^-(N/2)", "the other half of the "
           "values negative; one part multiplied only", {"a": said},
           result(s, [c.each("mul", p, t, q) for p in a], level, SCALE))


def squares_added(f, s):
    c, level = s.c, min(s.c.top, 2)
    q = c.numbers(level)
    a, said_a = ciphertext(s, "square a", level, SCALE)
    scale = SCALE * SCALE * (1 + 2.0 ** -40)
    z, said_z = ciphertext(s, "square z", level, scale, 3)
    out = [c.each("add", x, y, q) for x, y in zip(z, square(c, a, q))]
    f.case("add_square", "z + a^2, z's scale not quite a's squared",
           "2 a0 a1 taken once; c2 lost; another scale than z's",
           {"z": said_z, "a": said_a}, result(s, out, level, scale))


def square(c, a, q):
    """The three parts of a ciphertext's square."""
    both = c.each("mul", a[0], a[1], q)
    return [c.each("mul", a[0], a[0], q), c.each("add", both, both, q),
            c.each("mul", a[1], a[1], q)]


def products(f, s):
    c, level = s.c, min(s.c.top, 2)
    q = c.numbers(level)
    a, said_a = ciphertext(s, "a", level, SCALE)
    b, said_b = ciphertext(s, "b", level, 3 * 2.0 ** 28)
    m, said_m = plain(s, "m", level, 2.0 ** 25)

    def mul(x, y):
        return c.each("mul", x, y, q)
    f.case("mul_plain", "by a plaintext", "one half multiplied only",
           {"a": said_a, "m": said_m},
           result(s, [mul(x, m) for x in a], level, SCALE * 2.0 ** 25))
    middle = c.each("add", mul(a[0], b[1]), mul(a[1], b[0]), q)
    f.case("mul", "tensor", "a0 b1 twice; a sum of two products that "
           "overflows", {"a": said_a, "b": said_b},
           result(s, [mul(a[0], b[0]), middle, mul(a[1], b[1])], level,
                  SCALE * 3 * 2.0 ** 28))
    f.case("square", "of one", "2 a0 a1 taken once", {"a": said_a},
           result(s, square(c, a, q), level, SCALE * SCALE))
    if s.version > 1:
        squares_added(f, s)


def levels(f, s):
    c = s.c
    for level in [c.top] if s.digest else range(1, c.top + 1):
        scale = 1.5 * float(c.q[level]) * 4096
        if scale > 2.0 ** 80 or scale * 2 >= c.big_q(level):
            scale = float(c.q[level])
        a, said = ciphertext(s, f"rescale {level}", level, scale)
        if not s.digest:            # beside halves of q_l: coefficients
            r, p = c.ring(level), c.q[level]
            x = r.inverse(a[0][level])
            x[:6] = [0, 1, p - 1, (p - 1) // 2, (p + 1) // 2, (p + 3) // 2]
            a[0][level] = r.forward(x)
            said["parts"][0] = s.poly(a[0])
        done = [rns.rescale(c, p, level) for p in a]
        f.case("rescale", f"level {level}", "rounding down; the remainder "
               "not centred; halves of odd primes the other way",
               {"a": said},
               result(s, [d[0] for d in done], level - 1,
                      scale / float(c.q[level]), "rounding"),
               [] if s.digest else ["HalfwayRounding"])
    a, said = ciphertext(s, "drop", c.top, 2.0 ** 20)
    for level in [0] if s.digest else [0, c.top]:
        f.case("drop_level", f"to level {level}", "the wrong primes kept; "
               "a division", {"a": said, "level": level},
               result(s, [p[:level + 1] for p in a], level, 2.0 ** 20))


def combination(f, s):
    c, level = s.c, min(1, s.c.top)
    q = c.numbers(level)
    made = [ciphertext(s, f"combine {k}", level, 2.0 ** 24) for k in range(3)]
    blocks = [(1, [0, 2], [[3, -5], [-2 ** 26, 7]]),
              (0, [2, 1, 0], [[1, -1, 2 ** 27 - 1]])]
    out = [None] * 3
    for first, index, rows in blocks:
        for r, row in enumerate(rows):
            total = [[[0] * c.n for _ in q] for _ in range(2)]
            for k, w in zip(index, row):
                for h in range(2):
                    total[h] = c.each("add", total[h], [
                        c.ring(t).scale(x, w)
                        for x, t in zip(made[k][0][h], q)], q)
            out[first + r] = total
    expected = [want("scale", "shape", "degree, level, scale",
                     {"degree": 1, "level": level, "scale": 2.0 ** 40})]
    for r in range(3):
        for h in range(2):
            expected.append(want("layer", f"out{r}c{h}",
                                 f"row {r}, c{h}", s.poly(out[r][h])))
    f.case("combine", "rows of integers: a linear layer", "weights in the "
           "wrong order; a sum reduced too late",
           {"in": [m[1] for m in made], "scale": 2.0 ** 40,
            "blocks": [{"first": a, "index": i, "weight": w}
                       for a, i, w in blocks]}, expected)
