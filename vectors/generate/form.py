"""Cases as JSON: docs in vectors/README.md, shape in vectors/schema.json."""
import hashlib
import json
import re
import struct

import scheme

EDGE = 8                    # words kept at each end of a digested limb


def hexed(words):
    return struct.pack(f"<{len(words)}Q", *words).hex()


class Set:
    """A parameter set: the context, how its polynomials are written, and the
    version of the files it stands in."""

    def __init__(self, context, digest=False, version=1):
        self.c, self.digest, self.name = context, digest, context.name
        self.version = version

    def limb(self, words):
        """All words, or a digest with the first and last eight."""
        if not self.digest or len(words) != self.c.n:
            return hexed(words)
        raw = struct.pack(f"<{len(words)}Q", *words)
        return {"blake2b": hashlib.blake2b(raw, digest_size=32).hexdigest(),
                "first": raw[:8 * EDGE].hex(), "last": raw[-8 * EDGE:].hex()}

    def poly(self, x):
        return [self.limb(a) for a in x]

    def seed(self, label):
        """32 bytes that belong to this set and label."""
        text = f"volley-vectors-{self.version} {self.name} {label}".encode()
        return hashlib.blake2b(text, digest_size=32).digest()

    def source(self, label, numbers):
        """An input polynomial and how the file says it.  Small sets give the
        words, with the edges of the range at the front; large ones the
        seed."""
        seed = self.seed(label)
        x = scheme.expand(self.c, seed, 0, numbers)
        if self.digest:
            return x, {"seed": seed.hex(), "primes": numbers}
        for a, t in zip(x, numbers):
            p = self.c.prime[t]
            a[:6] = [0, 1, p - 1, (p - 1) // 2, (p + 1) // 2, 2]
        return x, [hexed(a) for a in x]

    def parameters(self):
        c = self.c
        fitted = {"specialPrimes": "of a level the first k, the least "
                                   "product of twice the largest digit; "
                                   "x / R is switched"} if c.fitted else {}
        more = {} if self.version == 1 else {
            "ring": "real" if c.real else "complex",
            "fittedSpecial": c.fitted}
        power, root = ("4", "4 br(i)") if c.real else ("2", "2 br(i)")
        return {
            "logN": c.log_n, **more,
            "primeEntries": [str(e) for e in c.entries],
            "specialEntries": [str(e) for e in c.special_entries],
            "primes": [str(p) for p in c.q],
            "special": [str(p) for p in c.special],
            "dnum": c.dnum, "alpha": c.alpha,
            "conventions": {
                "primeChoice": f"largest below 2^b that is 1 mod {power}N",
                "root": f"smallest primitive {power}N-th root",
                "nttOrder": f"out[i] = a(psi^({root} + 1))",
                "generator": c.generator,
                "rotation": "left: slot j of the result was slot j + step",
                "sign": "decryption is c0 + c1 s; b = -a s + e + P g s'",
                "gadget": "P on the primes of digit j, 0 on all others",
                "digitOrder": "digit j holds primes j alpha and following",
                "digits": "uncentred" if c.uncentred else "centred",
                "conversion": "exact, multiple from a rounded sum of doubles",
                "galoisKeys": "permute, then switch" if c.uncentred
                              else "switch, then permute",
                "rounding": "halves away from zero; divisions by a centred "
                            "remainder",
                "expansion": "BLAKE2Xb(seed; a, b), masked and rejected",
                "byteOrder": "little-endian", **fitted}}


def want(stage, key, what, value, tolerance=None):
    """One entry of what a case expects, in the order of the computation."""
    out = {"stage": stage, "key": key, "what": what, "value": value}
    if tolerance is not None:
        out["tolerance"] = tolerance
    return out


# Keys of entries, and operations, whose polynomials are coefficients.
COEFFICIENTS = re.compile("coeff|raised[0-9]+|z[01]?|approximate")
ON_COEFFICIENTS = "convert_digit", "convert_special"


def state_forms(operation, given, expected):
    """Version 2 says of every polynomial x of the input and of what is expected
    whether it is values or coefficients."""
    def form(coefficients):
        return "coefficients" if coefficients else "values"
    if operation in ("primes", "root", "galois_element", "sample_uniform"):
        return
    if "x" in given:
        given["form"] = form(operation in ON_COEFFICIENTS + ("ntt_forward",))
    for e in expected:
        v = e["value"]
        if isinstance(v, list) and v and isinstance(v[0], (str, dict)):
            e["form"] = form(operation in ON_COEFFICIENTS + ("ntt_inverse",)
                             or COEFFICIENTS.fullmatch(e["key"]))


class File:
    """One file: groups of cases, one group a set (or one with keys)."""
    version = 1

    def __init__(self, name, title, notes):
        self.name, self.title, self.notes = name, title, notes
        self.groups, self.count = [], 0
        self.small = []

    def group(self, s, **more):
        self.version = s.version
        self.groups.append({"set": s.name, "tier": "digest" if s.digest
                            else "full", "parameters": s.parameters(),
                            **more, "tests": []})

    def case(self, operation, comment, shows, given, expected, flags=(),
             result="valid"):
        self.count += 1
        if self.version > 1:
            state_forms(operation, given, expected)
        for f in flags:
            if f not in self.notes:
                raise KeyError(f)
        self.groups[-1]["tests"].append({
            "tcId": self.count, "operation": operation, "comment": comment,
            "shows": shows, "flags": list(flags), "result": result,
            "input": given, "expected": expected})

    def data(self):
        used = {f for g in self.groups for t in g["tests"]
                for f in t["flags"]}
        return {"schema": f"volley-vectors-{self.version}",
                "version": self.version,
                "file": self.name, "header": self.title,
                "source": {"name": "vectors/generate",
                           "version": str(self.version)},
                "numberOfTests": self.count,
                "notes": {k: v for k, v in self.notes.items() if k in used},
                "testGroups": [g for g in self.groups if g["tests"]]}

    def text(self):
        """One case a line: files that a person can page through and a
        difference shows the case."""
        d = self.data()
        groups = d.pop("testGroups")
        out = json.dumps(d, indent=1)[:-2] + ',\n "testGroups": [\n'
        for i, g in enumerate(groups):
            tests = g.pop("tests")
            head = json.dumps(g)[:-1]
            out += "  " + head + ', "tests": [\n'
            out += ",\n".join("   " + json.dumps(t) for t in tests)
            out += "\n  ]}" + (",\n" if i + 1 < len(groups) else "\n")
            g["tests"] = tests
        return out + " ]\n}\n"
