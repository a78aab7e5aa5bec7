"""Relinearisation, rotations and conjugation, step by step."""
import scheme
from cases_arith import result, squares_added
from cases_keys import ciphertext, secret_of
from form import File, want
from notes import NOTES
from stream import Generator

SCALE = 2.0 ** 30


def key_list(s, most=4):
    """Keys for a group of tests, at most so many, and how the file says
    them."""
    c = s.c
    secret, _ = secret_of(s)
    requests = [("relin", 0), ("rotate", 1)]
    if not s.digest:
        requests += [("rotate", c.slots - 2)] + [("conj", 0)] * (not c.real)
    requests = requests[:most]
    seed = s.seed("evaluation keys")
    g = Generator(seed)
    keys = [scheme.switching_key(c, g, secret, kind, step, c.top)
            for kind, step in requests]
    if s.digest:
        said = {"secretSeed": s.seed("secret").hex(), "seed": seed.hex(),
                "requests": [{"kind": k, "step": t, "level": c.top}
                             for k, t in requests]}
    else:
        said = {"list": [{"kind": k["kind"], "step": k["step"],
                          "level": k["level"], "seed": k["seed"].hex(),
                          "b": [s.poly(b) for b in k["b"]],
                          **({} if s.version == 1 else {
                              "a": [s.poly(a) for a in k["a"]]})}
                         for k in keys]}
    return {(k["kind"], k["step"]): k for k in keys}, said


def steps(s, t, fused=False, raised=False):
    """Expectations between input and result."""
    out = []
    if "switched" in t and s.c.uncentred:
        out.append(want("automorphism index", "switched", "c1(X^g)",
                        s.poly(t["switched"])))
    if s.c.used(len(t["coeff"]) - 1) < len(s.c.special):
        out.append(want("arithmetic", "over", "what is switched, divided "
                        "by R", s.poly(t["over"])))
    out += [want("NTT", "coeff", "coefficients of what is switched",
                 s.poly(t["coeff"]))]
    if raised and not s.digest:
        out += [want("base conversion", f"raised{j}",
                     f"digit {j} over Q_l P, coefficients", s.poly(d))
                for j, d in enumerate(t["raised"])]
    out += [want("digit order", f"sum{k}", "inner products with the "
                 f"{'ba'[k]}_j modulo Q_l P", s.poly(t["sums"][k]))
            for k in range(2)]
    if not fused and not s.digest:
        out += [want("rounding", f"z{k}", f"remainder of sum {k} modulo P",
                     s.poly(t["z"][k])) for k in range(2)]
    if not fused:
        out += [want("rounding", f"down{k}", f"sum {k} divided by P",
                     s.poly(t["out"][k])) for k in range(2)]
    return out


def switching(sets):
    f = File("switching", "Key switching with given keys: every step between "
             "input and result.", NOTES)
    for s in sets:
        keys, said = key_list(s)
        f.group(s, keys=said)
        relinearising(f, s, keys["relin", 0],
                      [s.c.top] if s.digest else [s.c.top, 1], s.c.top)
        rotating(f, s, keys, [("rotate", 1, 1, s.c.top)] if s.digest else [
            ("rotate", 1, 1, s.c.top),
            ("rotate", s.c.slots - 2, -2, s.c.top),
            ("rotate", 1, s.c.slots + 1, 0)]
            + [("conj", 0, 0, s.c.top)] * (not s.c.real))
        if s.c.log_n > 13:          # time: two of them say it all
            continue
        if s.c.uncentred:
            f.case("refuse_hoisted", "rotations that share digits",
                   "wrong slots: digits of -x are not minus those of x",
                   {"a": ciphertext(s, "hoisted", s.c.top, SCALE)[1],
                    "steps": [1]},
                   [want("refusal", "status", "status", "CKKS_EPARAM")],
                   ["HoistedUncentred"], "invalid")
        else:
            hoisting(f, s, keys, s.c.top)
    return f


def relinearising(f, s, key, levels, fused):
    """At these levels; with rescaling at those from `fused` on."""
    c = s.c
    for level in levels:
        x, said = ciphertext(s, f"relin {level}", level, SCALE, 3)
        flags = ["LowerLevel"] if level < c.top else []
        t = scheme.relin(c, x, key, level)
        f.case("relin", f"level {level}", "digits and key in different "
               "orders; limbs of the special primes read at the wrong place",
               {"a": said}, steps(s, t, raised=True) + result(
                   s, t["parts"], level, SCALE, "order of steps"), flags)
        if level < fused or c.log_n > 13:
            continue
        scale = 4 * float(c.q[level])
        x, said = ciphertext(s, "relin rescale", level, scale, 3)
        t = scheme.relin_rescale(c, x, key, level)
        f.case("relin_rescale", f"level {level}, one rounding", "mod-down "
               "and rescaling rounded separately", {"a": said},
               steps(s, t, True)
               + [want("rounding", f"fused{k}", f"P c{k} + sum {k} divided "
                       "by P q_l", s.poly(t["parts"][k])) for k in range(2)]
               + result(s, t["parts"], level - 1,
                        scale / float(c.q[level]), "order of steps"))


def rotating(f, s, keys, plans):
    """plans: kind, step of the key, step that is asked for, level."""
    c = s.c
    for kind, step, asked, level in plans:
        x, said = ciphertext(s, f"{kind} {asked} {level}", level, 2.0 ** 24)
        t = scheme.rotate(c, x, keys[kind, step], level)
        flags = ["Wrap"] if asked != step else []
        f.case(kind, f"step {asked}, level {level}", "a rotation to the "
               "right; the key of the inverse; permuted before where it "
               "should be after", {"a": said, "step": asked},
               steps(s, t) + result(s, t["parts"], level, 2.0 ** 24,
                                    "order of steps"), flags)


def hoisting(f, s, keys, level):
    c = s.c
    x, said = ciphertext(s, "hoisted", level, SCALE)
    wanted = [1] if s.digest else [1, c.slots - 2, 0]
    expected = []
    for k, step in enumerate(wanted):
        parts = x if step == 0 else scheme.rotate(
            c, x, keys["rotate", step], level)["parts"]
        expected += [want("order of steps", f"out{k}c{h}", f"rotation by "
                          f"{step}, c{h}", s.poly(parts[h]))
                     for h in range(2)]
    f.case("rotate_hoisted", f"steps {wanted}", "other words than single "
           "rotations give", {"a": said, "steps": wanted}, expected)
    terms, inputs = [], []
    wanted = [1, 0] if s.digest else [1, c.slots - 2, 0, 1]
    for k, step in enumerate(wanted):
        x, said = ciphertext(s, f"term {k}", level, SCALE)
        terms.append((x, keys["rotate", step] if step else None))
        inputs.append(said)
    t = scheme.rotate_sum(c, terms, level)
    f.case("rotate_sum", f"steps {wanted}", "one rounding a term in place "
           "of one in all", {"in": inputs, "steps": wanted},
           result(s, t["parts"], level, SCALE, "rounding"))


def lacking(sets):
    """What version 1 lacks in the complex ring."""
    f = File("complex", "Of the complex ring what version 1 lacks: keys with "
             "the words of both halves, squares added.", NOTES)
    for s in sets:
        c = s.c
        keys, said = key_list(s, 2)
        f.group(s, keys=said)
        relinearising(f, s, keys["relin", 0], [c.top], c.top + 1)
        rotating(f, s, keys, [("rotate", 1, 1, c.top)])
        squares_added(f, s)
    return f
