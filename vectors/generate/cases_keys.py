"""Keys, encryption, decryption."""
import rns
import scheme
from form import File, want
from notes import NOTES
from stream import Generator


def secret_of(s):
    """The secret key of a set, and how the files say it."""
    seed = s.seed("secret")
    key = scheme.secret_key(s.c, Generator(seed))
    if s.digest:
        return key, {"seed": seed.hex()}
    return key, {"coefficients": bytes(
        x + 1 for x in key.coefficients).hex()}


def keys(sets):
    f = File("keys", "Secret, public and switching keys of a seeded "
             "generator.", NOTES)
    for s in sets:
        c = s.c
        every = c.numbers(c.top, True)
        f.group(s)
        key, said = secret_of(s)
        seed = s.seed("secret")
        f.case("key_secret", "ternary coefficients of the first stream",
               "another sampler; a stream begun elsewhere",
               {"seed": seed.hex()},
               [want("sampler", "coefficients", "values -1, 0, 1 as bytes "
                     "0, 1, 2", bytes(x + 1 for x in
                                      key.coefficients).hex()),
                want("NTT", "ntt", "s modulo q_0..q_L, values",
                     s.poly(key.limb[:c.top + 1]))]
               if not s.digest else
               [want("NTT", "ntt", "s modulo q_0..q_L, values",
                     s.poly(key.limb[:c.top + 1]))])
        seed = s.seed("public")
        pk = scheme.public_key(c, Generator(seed), key)
        f.case("key_public", "b = -a s + e", "a s + e; a not from the seed; "
               "errors that differ from prime to prime",
               {"secret": said, "seed": seed.hex()},
               [want("stream", "seed", "seed of a", pk["seed"].hex()),
                want("sign", "b", "b over all primes", s.poly(pk["b"]))])
        last = ("rotate", c.slots - 1) if c.real else ("conj", 0)
        for kind, step in (("relin", 0), ("rotate", 1), last):
            levels = [c.top] if s.digest else [c.top, 1]
            for level in levels:
                one_key(f, s, key, said, kind, step, level, every)
            if s.digest:
                break
    return f


def one_key(f, s, key, said, kind, step, level, every):
    seed = s.seed(f"key {kind} {step} {level}")
    k = scheme.switching_key(s.c, Generator(seed), key, kind, step, level)
    f.case("key_switching", f"{kind} {step} at level {level}",
           "P s' on the wrong primes; the inverse of g; s(X^g) where the "
           "ciphertext is switched first; digits in another order",
           {"secret": said, "seed": seed.hex(), "kind": kind, "step": step,
            "level": level},
           [want("stream", "seed", "seed of all a_j", k["seed"].hex())]
           + [want("gadget", f"b{j}", f"b of digit {j} over Q_l P",
                   s.poly(b)) for j, b in enumerate(k["b"])])


def encryption(sets):
    f = File("encryption", "Encryption from a seeded generator, decryption.",
             NOTES)
    for s in sets:
        f.group(s)
        encrypts(f, s, [s.c.top] if s.digest else [s.c.top, 0])
        decrypts(f, s)
    return f


def plain(s, label, level, scale):
    x, said = s.source(label, s.c.numbers(level))
    return x, {"level": level, "scale": scale, "poly": said}


def encrypts(f, s, levels):
    c = s.c
    key, said = secret_of(s)
    for level in levels:
        m, said_m = plain(s, "message", level, 2.0 ** 24)
        seed = s.seed(f"encrypt {level}")
        t = scheme.encrypt_secret(c, Generator(seed), m, level, key)
        f.case("encrypt_secret", f"level {level}", "c0 = c1 s + e + m; "
               "c1 expanded with other prime numbers; the error added to c1",
               {"secret": said, "seed": seed.hex(), "plaintext": said_m},
               [want("stream", "seed", "seed of c1", t["seed"].hex()),
                want("expansion", "c1", "c1", s.poly(t["parts"][1])),
                want("sign", "c0", "-c1 s + e + m", s.poly(t["parts"][0])),
                want("sampler", "e", "e + 21 as bytes: c0 + c1 s - m",
                     bytes(x + 21 for x in t["e"]).hex()
                     if not s.digest else
                     bytes(x + 21 for x in t["e"][:64]).hex())])
        if s.digest and c.log_n > 13:
            return
        pk_seed = s.seed("public")
        pk = scheme.public_key(c, Generator(pk_seed), key)
        seed = s.seed(f"encrypt public {level}")
        t = scheme.encrypt_public(c, Generator(seed), m, level, pk)
        given = {"seed": seed.hex(), "plaintext": said_m}
        if s.digest:
            given["public"] = {"secretSeed": s.seed("secret").hex(),
                               "seed": pk_seed.hex()}
        else:
            given["public"] = {"seed": pk["seed"].hex(),
                               "b": s.poly(pk["b"])}
            given["information"] = {
                "u": bytes(x + 1 for x in t["u"]).hex(),
                "sum0": s.poly(t["sums"][0]), "sum1": s.poly(t["sums"][1])}
        f.case("encrypt_public", f"level {level}", "m added before the "
               "division by P; e from one stream for both halves",
               given, [want("rounding", "c1", "(u a + e1) / P",
                            s.poly(t["parts"][1])),
                       want("rounding", "c0", "(u b + e0) / P + m",
                            s.poly(t["parts"][0]))])


def ciphertext(s, label, level, scale, parts=2):
    made = [s.source(f"{label} c{k}", s.c.numbers(level))
            for k in range(parts)]
    return [m[0] for m in made], {"level": level, "scale": scale,
                                  "parts": [m[1] for m in made]}


def decrypts(f, s):
    c = s.c
    key, said = secret_of(s)
    for parts in (2,) if s.digest else (2, 3):
        x, said_x = ciphertext(s, f"decrypt {parts}", c.top, 2.0 ** 24,
                               parts)
        m = scheme.decrypt(c, x, c.top, key)
        f.case("decrypt", f"degree {parts - 1}", "c0 - c1 s",
               {"secret": said, "ciphertext": said_x},
               [want("sign", "words", "c0 + c1 s + c2 s^2", s.poly(m))])
    numbers = c.numbers(c.top)
    for bits, hiding in ((5.0, 20),) if s.digest else ((5.0, 20), (3.2, 61)):
        w = -int(-bits // 1) + hiding
        seed = s.seed(f"flood {w}")
        noise = scheme.flood(c, Generator(seed), w)
        x, said_x = ciphertext(s, "flood", c.top, 2.0 ** 24)
        m = c.each("add", scheme.decrypt(c, x, c.top, key),
                   c.lift(noise, numbers), numbers)
        f.case("decrypt_flooded", f"noise of 2^{w}", "noise of one sign only; "
               "bits above the width kept",
               {"secret": said, "ciphertext": said_x, "seed": seed.hex(),
                "errorBits": bits, "hidingBits": hiding},
               [want("sampler", "words", "decryption and noise",
                     s.poly(m))])
