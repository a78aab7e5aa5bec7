"""Keys, encryption and key switching: docs/conventions.md, "Keys and
ciphertexts", "Key switching of a polynomial".
"""
import rns
from stream import Stream, error, ternary, uniform


def expand(c, seed, part, numbers):
    """Limbs of a random polynomial, NTT form: the limb of prime t is uniform
    of stream(seed; part, t)."""
    return [uniform(Stream(seed, part, t), c.n, c.prime[t]) for t in numbers]


class Secret:
    def __init__(self, c, coefficients):
        self.c, self.coefficients = c, coefficients
        self.limb = c.lift(coefficients, c.numbers(c.top, True))

    def over(self, numbers):
        return [self.limb[t] for t in numbers]


def secret_key(c, generator):
    return Secret(c, ternary(generator.stream(), c.n))


def hide(c, a, s, e, numbers):
    """-a s + e"""
    noise = c.lift(e, numbers)
    return c.each("sub", noise, c.each("mul", a, s, numbers), numbers)


def public_key(c, generator, secret):
    numbers = c.numbers(c.top, True)
    seed = generator.stream().read(32)
    e = error(generator.stream(), c.n)
    a = expand(c, seed, 0, numbers)
    return {"seed": seed, "e": e, "a": a,
            "b": hide(c, a, secret.over(numbers), e, numbers)}


def switching_key(c, generator, secret, kind, step, level):
    """kind: relin, rotate, conj"""
    numbers = c.numbers(level, True)
    s = secret.over(numbers)
    own, new = s, s
    if kind == "relin":
        new = c.each("mul", s, s, numbers)
    elif c.uncentred:
        new = c.permute(s, c.galois(kind, step), numbers)
    else:
        own = c.permute(s, pow(c.galois(kind, step), -1, c.order), numbers)
    seed = generator.stream().read(32)
    key = {"kind": kind, "step": step, "level": level, "seed": seed,
           "a": [], "b": [], "e": []}
    for j, digit in enumerate(c.digits(level)):
        e = error(generator.stream(), c.n)
        a = expand(c, seed, 1 + j, numbers)
        b = hide(c, a, own, e, numbers)
        for k, t in enumerate(numbers):
            if t in digit:
                r = c.ring(t)
                b[k] = r.add(b[k], r.scale(new[k], c.P))
        key["a"].append(a)
        key["b"].append(b)
        key["e"].append(e)
    return key


def encrypt_secret(c, generator, m, level, secret):
    numbers = c.numbers(level)
    seed = generator.stream().read(32)
    e = error(generator.stream(), c.n)
    c1 = expand(c, seed, 0, numbers)
    c0 = c.each("add", hide(c, c1, secret.over(numbers), e, numbers), m,
                numbers)
    return {"seed": seed, "e": e, "parts": [c0, c1]}


def encrypt_public(c, generator, m, level, key):
    numbers, every = c.raised(level), c.numbers(level)
    u = ternary(generator.stream(), c.n)
    parts, sums = [], []
    for half in (key["b"], key["a"]):
        e = error(generator.stream(), c.n)
        x = c.each("mul", c.lift(u, numbers), [half[t] for t in numbers],
                   numbers)
        sums.append(c.each("add", x, c.lift(e, numbers), numbers))
        parts.append(rns.mod_down(c, sums[-1], level)[0])
    parts[0] = c.each("add", parts[0], m, every)
    return {"u": u, "sums": sums, "parts": parts}


def decrypt(c, parts, level, secret):
    numbers = c.numbers(level)
    s, out = secret.over(numbers), parts[-1]
    for part in reversed(parts[:-1]):
        out = c.each("add", c.each("mul", out, s, numbers), part, numbers)
    return out


def flood(c, generator, w):
    """Uniform in [-2^w, 2^w): 16 bytes a coefficient, of which the lowest
    w + 1 bits count."""
    s = generator.stream()
    return [(int.from_bytes(s.read(16), "little") & ((2 << w) - 1)) - (1 << w)
            for _ in range(c.n)]


def inner_products(c, digits, key, level):
    """Both sums over digits modulo Q_l P_k; digits in NTT form."""
    numbers = c.raised(level)
    special = key["level"] + 1
    out = []
    for half in (key["b"], key["a"]):
        total = None
        for d, limbs in zip(digits, half):
            kept = limbs[:level + 1] \
                + limbs[special:special + c.used(level)]
            term = c.each("mul", d, kept, numbers)
            total = term if total is None else c.each("add", total, term,
                                                      numbers)
        out.append(total)
    return out


def switch(c, x, key, level):
    """All steps for one polynomial: a dictionary of what each gives."""
    over = c.over(x, level)
    coeff, raised, digits = rns.mod_up(c, over, level)
    sums = inner_products(c, digits, key, level)
    down = [rns.mod_down(c, s, level) for s in sums]
    return {"over": over, "coeff": coeff, "raised": raised, "sums": sums,
            "z": [d[1] for d in down], "out": [d[0] for d in down]}


def relin(c, parts, key, level):
    numbers = c.numbers(level)
    t = switch(c, parts[2], key, level)
    t["parts"] = [c.each("add", parts[k], t["out"][k], numbers)
                  for k in range(2)]
    return t


def relin_rescale(c, parts, key, level):
    """One division by P_k q_l of (P_k c_i + sum_i)."""
    numbers = c.raised(level)
    t = switch(c, parts[2], key, level)
    t["parts"], t["z"], t["fused"] = [], [], []
    for k in range(2):
        scaled = [c.ring(i).scale(parts[k][i], c.big_p(level))
                  for i in range(level + 1)]
        scaled += [[0] * c.n for _ in c.divisor(level)]
        x = c.each("add", scaled, t["sums"][k], numbers)
        out, z = rns.mod_down_rescale(c, x, level)
        t["fused"].append(x)
        t["z"].append(z)
        t["parts"].append(out)
    return t


def rotate(c, parts, key, level):
    """Centred: switch, add c_0, permute.  Uncentred: permute, switch, add."""
    numbers = c.numbers(level)
    g = c.galois(key["kind"], key["step"])
    if c.uncentred:
        parts = [c.permute(p, g, numbers) for p in parts]
    t = switch(c, parts[1], key, level)
    t["switched"] = parts[1]
    out = [c.each("add", parts[0], t["out"][0], numbers), t["out"][1]]
    if not c.uncentred:
        out = [c.permute(p, g, numbers) for p in out]
    t["parts"] = out
    return t


def rotate_sum(c, terms, level):
    """terms: (parts, key or None).  Sums modulo Q_l P_k, one mod-down."""
    numbers = c.raised(level)
    total = [[[0] * c.n for _ in numbers] for _ in range(2)]
    zeros = [[0] * c.n for _ in c.divisor(level)]
    for parts, key in terms:
        raised = [[c.ring(i).scale(p[i], c.big_p(level))
                   for i in range(level + 1)] + zeros for p in parts]
        if key is None:
            add = raised
        else:
            g = c.galois(key["kind"], key["step"])
            _, _, digits = rns.mod_up(c, c.over(parts[1], level), level)
            sums = inner_products(c, digits, key, level)
            sums[0] = c.each("add", sums[0], raised[0], numbers)
            add = [c.permute(s, g, numbers) for s in sums]
        total = [c.each("add", a, b, numbers) for a, b in zip(total, add)]
    down = [rns.mod_down(c, s, level) for s in total]
    return {"total": total, "z": [d[1] for d in down],
            "parts": [d[0] for d in down]}
