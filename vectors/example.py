"""A reader and checker in 70 lines: python3 vectors/example.py FILE...

Standalone, to be copied: reads files of vectors and checks products modulo a
prime, the NTT and automorphisms by their definitions.
"""
import hashlib
import json
import struct
import sys


def words(limb):
    raw = bytes.fromhex(limb)
    return list(struct.unpack(f"<{len(raw) // 8}Q", raw))


def same(got, limb):
    """Words against a limb in full, or against a digest of one."""
    if isinstance(limb, str):
        return got == words(limb)
    raw = struct.pack(f"<{len(got)}Q", *got)
    return hashlib.blake2b(raw, digest_size=32).hexdigest() == limb["blake2b"]


def reverse(i, bits):
    return int(format(i, f"0{bits}b")[::-1], 2)


def ntt(a, p, psi, bits, real):
    """out[i] = a(psi^(2 br(i) + 1)); real ring: of a_0 and a_k (X^k + X^-k),
    at psi^(4 br(i) + 1)"""
    out = []
    for i in range(len(a)):
        x = pow(psi, (4 if real else 2) * reverse(i, bits) + 1, p)
        y = pow(x, -1, p) if real else 0
        out.append((a[0] + sum(c * (pow(x, k, p) + pow(y, k, p))
                               for k, c in enumerate(a) if k)) % p)
    return out


def permute(v, g, bits, real):
    """a(X^g): out[i] = v[i'], 2 br(i') + 1 = (2 br(i) + 1) g mod 2N; real
    ring: 4 in place of 2"""
    n, m = len(v), 4 if real else 2
    return [v[reverse(((m * reverse(i, bits) + 1) * g % (m * n)) // m, bits)]
            for i in range(n)]


checked = failed = skipped = 0
for path in sys.argv[1:]:
    for group in json.load(open(path)).get("testGroups", []):
        bits = group["parameters"]["logN"]
        real = group["parameters"].get("ring") == "real"
        primes = [int(p) for p in group["parameters"]["primes"]
                  + group["parameters"]["special"]]
        for test in group["tests"]:
            given, want = test["input"], test["expected"][-1]["value"]
            op = test["operation"]
            if op == "root":
                roots = words(given["information"]["psi"] if real else want[0])
            if group["tier"] != "full" or op not in (
                    "ntt_forward", "mod_mul", "automorphism"):
                skipped += 1
                continue
            for k, limb in enumerate(want):
                if op == "ntt_forward":
                    got = ntt(words(given["x"][k]), primes[k], roots[k], bits,
                              real)
                elif op == "automorphism":
                    got = permute(words(given["x"][k]), given["galois"], bits,
                                  real)
                else:
                    got = [x * y % primes[k] for x, y in
                           zip(words(given["a"][k]), words(given["b"][k]))]
                checked += 1
                if not same(got, limb):
                    failed += 1
                    print(f"{path}: case {test['tcId']} ({op}), limb {k}")
print(f"{checked} limbs checked, {failed} differ, {skipped} cases skipped")
sys.exit(failed != 0 or checked == 0)
