"""A reader and checker in 60 lines: python3 vectors/example.py FILE...

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


def ntt(a, p, psi, bits):
    """out[i] = a(psi^(2 br(i) + 1))"""
    out = []
    for i in range(len(a)):
        x, value = pow(psi, 2 * reverse(i, bits) + 1, p), 0
        for c in reversed(a):
            value = (value * x + c) % p
        out.append(value)
    return out


def permute(v, g, bits):
    """a(X^g): out[i] = v[i'], 2 br(i') + 1 = (2 br(i) + 1) g mod 2N"""
    n = len(v)
    return [v[reverse(((2 * reverse(i, bits) + 1) * g % (2 * n)) // 2, bits)]
            for i in range(n)]


checked = failed = skipped = 0
for path in sys.argv[1:]:
    for group in json.load(open(path))["testGroups"]:
        bits = group["parameters"]["logN"]
        primes = [int(p) for p in group["parameters"]["primes"]
                  + group["parameters"]["special"]]
        for test in group["tests"]:
            given, want = test["input"], test["expected"][-1]["value"]
            op = test["operation"]
            if op == "root":
                roots = words(want[0])
            if group["tier"] != "full" or op not in (
                    "ntt_forward", "mod_mul", "automorphism"):
                skipped += 1
                continue
            for k, limb in enumerate(want):
                if op == "ntt_forward":
                    got = ntt(words(given["x"][k]), primes[k], roots[k], bits)
                elif op == "automorphism":
                    got = permute(words(given["x"][k]), given["galois"], bits)
                else:
                    got = [x * y % primes[k] for x, y in
                           zip(words(given["a"][k]), words(given["b"][k]))]
                checked += 1
                if not same(got, limb):
                    failed += 1
                    print(f"{path}: case {test['tcId']} ({op}), limb {k}")
print(f"{checked} limbs checked, {failed} differ, {skipped} cases skipped")
sys.exit(failed != 0 or checked == 0)
