"""Words modulo primes: primes, roots, transforms, automorphisms, arithmetic,
streams and samplers."""
from form import File, hexed, want
from notes import NOTES
from ring import map_coefficients, map_real_coefficients
from stream import Stream, error, ternary, uniform


def words(sets):
    f = File("words", "Primes, roots, the NTT, automorphisms and arithmetic "
             "modulo every prime of a set.", NOTES)
    for s in sets:
        c = s.c
        every, q = c.numbers(c.top, True), c.numbers(c.top)
        f.group(s)
        f.case("primes", "sizes in bits become primes, in order",
               "another choice of primes, or a prime taken twice", {},
               [want("primes", "primes", "all primes, special ones last",
                     [hexed(c.prime)])])
        roots(f, s, every)
        x, said = s.source("ntt", every)
        y = c.forward(x, every)
        if c.n <= 64:
            assert y == [c.ring(t).by_definition(a)
                         for a, t in zip(x, every)]
        f.case("ntt_forward", "coefficients to values, every prime",
               "another order of the values; a reduction left out",
               {"x": said}, [want("NTT", "out", "values", s.poly(y))],
               ["EdgeWords"] if not s.digest else [])
        x, said = s.source("ntt inverse", every)
        f.case("ntt_inverse", "values to coefficients, every prime",
               "1/N left out; roots of the forward direction", {"x": said},
               [want("NTT", "out", "coefficients",
                     s.poly(c.inverse(x, every)))],
               ["EdgeWords"] if not s.digest else [])
        automorphisms(f, s, every)
        arithmetic(f, s, q)
    return f


def roots(f, s, every):
    """psi itself; in the real ring, where psi and its inverse give the same
    values, their sum."""
    c = s.c
    psi = [c.ring(t).psi for t in every]
    if not c.real:
        f.case("root", "psi: the first value of the polynomial X",
               "a root that is not the smallest", {},
               [want("root", "psi", "psi of every prime", [hexed(psi)])],
               ["MinimalRoot"])
        return
    f.case("root", "psi + 1/psi: the first value of X + 1/X",
           "a root that is not the smallest",
           {"information": {"psi": hexed(psi)}},
           [want("root", "sum", "psi + 1/psi of every prime", [hexed(
               [(x + pow(x, -1, c.prime[t])) % c.prime[t]
                for x, t in zip(psi, every)])])], ["MinimalRoot"])


def automorphisms(f, s, every):
    c = s.c
    steps = [1, 2, 3, -1, c.slots - 1, c.slots + 1, 0]
    f.case("galois_element", "g of rotations to the left",
           "rotation to the right; the other generator",
           {"steps": steps},
           [want("automorphism index", "g", "g for each step", [hexed(
               [c.galois("rotate", k) for k in steps])])], ["Wrap"])
    last = ("rotate", c.slots - 1) if c.real else ("conj", 0)
    for kind, step in (("rotate", 1), ("rotate", 3), last):
        g = c.galois(kind, step)
        x, said = s.source(f"automorphism {g}", every)
        y = c.permute(x, g, every)
        if c.n <= 64:
            by_coefficients = map_real_coefficients if c.real \
                else map_coefficients
            assert y == c.forward(
                [by_coefficients(a, g, c.prime[t]) for a, t in
                 zip(c.inverse(x, every), every)], every)
        f.case("automorphism", f"X -> X^{g} on values ({kind} {step})",
               "values permuted by the inverse of g, or a sign where there "
               "is none", {"x": said, "galois": g},
               [want("automorphism index", "out", "values of a(X^g)",
                     s.poly(y))])
        if s.digest:
            break


def arithmetic(f, s, q):
    c = s.c
    a, said_a = s.source("mod a", q)
    b, said_b = s.source("mod b", q)
    if not s.digest:
        for x, t in zip(b, q):              # all pairs of edges
            p = c.prime[t]
            x[:6] = [p - 1, p - 1, p - 1, p - 1, (p + 1) // 2, (p + 1) // 2]
        said_b = s.poly(b)
    both = {"a": said_a, "b": said_b, "level": c.top}
    edges = [] if s.digest else ["EdgeWords"]
    for name, op in (("mod_add", "add"), ("mod_sub", "sub"),
                     ("mod_mul", "mul")):
        f.case(name, f"word by word: {op}", "a conditional subtraction left "
               "out; a quotient that is off by one", both,
               [want("arithmetic", "out", "a, b modulo every prime",
                     s.poly(c.each(op, a, b, q)))], edges)
    for w in (-1, 3, -2 ** 63) if not s.digest else (-3,):
        f.case("mod_mul_int", f"times {w}", "a negative factor taken as "
               "unsigned; one reduced once only",
               {"a": said_a, "level": c.top, "factor": str(w)},
               [want("arithmetic", "out", "w a modulo every prime", s.poly(
                   [c.ring(t).scale(x, w) for x, t in zip(a, q)]))],
               edges + ["EncodeNegativeInt64"])


def streams(sets):
    f = File("streams", "BLAKE2Xb streams and the samplers, given key and "
             "message.", NOTES)
    for s in sets:
        c, seed = s.c, s.seed("stream")
        n = 200 if not s.digest else 1000
        f.group(s)
        given = {"seed": seed.hex(), "a": 7, "b": 2 ** 40 + 3}
        small = {"seed": seed.hex(), "a": 1, "b": 2}
        f.case("stream", f"{n} bytes", "the XOF length, the node number or "
               "a depth of the tree in a wrong place of the parameter block",
               {**given, "size": n},
               [want("stream", "bytes", "bytes of the stream",
                     Stream(seed, given["a"], given["b"]).read(n).hex())])
        for t in c.numbers(c.top, True):
            if s.digest and t > 0:
                break
            p = c.prime[t]
            f.case("sample_uniform", f"uniform modulo prime {t}",
                   "reduction in place of rejection; a mask one bit too "
                   "wide; bytes of a rejected draw used again",
                   {**small, "b": t, "prime": t},
                   [want("sampler", "out", "words",
                         s.poly([uniform(Stream(seed, 1, t), c.n, p)]))])
        f.case("sample_ternary", "bytes modulo 3, 255 drawn again",
               "255 kept: 0 would be drawn too often",
               {**small, "count": max(c.n, 1024)},
               [want("sampler", "out", "values -1, 0, 1 as bytes 0, 1, 2",
                     bytes(x + 1 for x in ternary(
                         Stream(seed, 1, 2), max(c.n, 1024))).hex())])
        f.case("sample_error", "centred binomial of 42 bits",
               "halves exchanged (the sign); bits of the seventh byte",
               {**small, "count": 1024 if not s.digest else c.n // 4},
               [want("sampler", "out", "values + 21 as bytes",
                     bytes(x + 21 for x in error(
                         Stream(seed, 1, 2),
                         1024 if not s.digest else c.n // 4)).hex())])
    return f
