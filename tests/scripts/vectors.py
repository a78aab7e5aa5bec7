"""Files of vectors against schema and manifest; alterations that the checker
must find.

    python3 tests/scripts/vectors.py FOLDER             schemas, counts, manifests of
                                                FOLDER/v1, v2 and b1
    python3 tests/scripts/vectors.py FOLDER COMMAND     and: a word, a digest, a status
                                                altered in a copy is told

Standard library only; the last line is "N passed, N failed".
"""
import copy
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool}
passed = failed = 0


def check(ok, text):
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print("FAIL " + text)


def is_type(value, name):
    if name in ("integer", "number"):
        return not isinstance(value, bool) and isinstance(
            value, int if name == "integer" else (int, float))
    return isinstance(value, TYPES[name])


def wrong(value, schema, root, path="$"):
    """What is wrong with a value, or None: the part of JSON Schema that
    schema.json uses."""
    if "$ref" in schema:
        return wrong(value, root["$defs"][schema["$ref"].split("/")[-1]],
                     root, path)
    if "anyOf" in schema:
        found = [wrong(value, s, root, path) for s in schema["anyOf"]]
        return None if None in found else found[0]
    if "enum" in schema and value not in schema["enum"]:
        return f"{path}: {value!r} is none of {schema['enum']}"
    if "type" in schema and not is_type(value, schema["type"]):
        return f"{path}: no {schema['type']}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return f"{path}: {value[:40]!r} is not {schema['pattern']}"
    if isinstance(value, list) and "items" in schema:
        for i, x in enumerate(value):
            found = wrong(x, schema["items"], root, f"{path}[{i}]")
            if found:
                return found
    if isinstance(value, dict):
        known = schema.get("properties", {})
        for k in schema.get("required", []):
            if k not in value:
                return f"{path}: no {k}"
        for k, x in value.items():
            sub = known.get(k, schema.get("additionalProperties", {}))
            if sub is False:
                return f"{path}: unknown {k}"
            found = wrong(x, sub, root, f"{path}.{k}")
            if found:
                return found
    return None


def files(folder, schema, least=25):
    """least: operations that must stand in four sets or more."""
    sets = {}
    for path in sorted(folder.glob("*.json")):
        if path.name in ("manifest.json", "schema.json"):
            continue
        data = json.loads(path.read_text())
        found = wrong(data, schema, schema)
        check(found is None, f"{path.name}: {found}")
        tests = [t for g in data["testGroups"] for t in g["tests"]]
        check([t["tcId"] for t in tests]
              == list(range(1, data["numberOfTests"] + 1)),
              f"{path.name}: tcId does not count")
        check(all(f in data["notes"] for t in tests for f in t["flags"]),
              f"{path.name}: a flag without a note")
        for g in data["testGroups"]:
            for t in g["tests"]:
                sets.setdefault(t["operation"], set()).add(g["set"])
    wide = sum(len(s) >= 4 for s in sets.values())
    print(f"{folder.name}: {len(sets)} operations, {wide} of them in four "
          "sets or more")
    check(wide >= least, f"{wide} operations in four sets, not {least}")
    return set(sets)


# What the real ring has not, and maps that are the same in both.
COMPLEX_ONLY = {"conj", "refuse_hoisted", "layout", "reflect", "tiles"}


def real_ring(folder, operations):
    """Version 2 has every operation of version 1 in the real ring."""
    found = set()
    for path in folder.glob("*.json"):
        for g in json.loads(path.read_text()).get("testGroups", []):
            if g["parameters"]["ring"] == "real":
                found |= {t["operation"] for t in g["tests"]}
    check(operations - found == COMPLEX_ONLY,
          f"of the real ring are missing {sorted(operations - found)}")


def manifest(folder):
    data = json.loads((folder / "manifest.json").read_text())["files"]
    names = {p.name for p in folder.iterdir()} - {"manifest.json"}
    check(names == set(data), f"files {sorted(names ^ set(data))}")
    for name, want in data.items():
        raw = (folder / name).read_bytes()
        check(hashlib.blake2b(raw, digest_size=32).hexdigest()
              == want["blake2b"] and len(raw) == want["bytes"],
              f"{name} is not the file of this version any more")
    total = sum(p.stat().st_size for p in folder.iterdir())
    check(total < 4000000, f"the set has {total} bytes, 4 MB is the limit")


def pick(data, operation, tier):
    for g in data["testGroups"]:
        for t in g["tests"]:
            if g["tier"] == tier and t["operation"] == operation:
                return g, t
    raise KeyError(operation)


def alter_word(data):
    """Word 5 of limb 1 of an NTT, its lowest bit."""
    _, t = pick(data, "ntt_forward", "full")
    limb = t["expected"][0]["value"][1]
    byte = int(limb[80:82], 16) ^ 1
    t["expected"][0]["value"][1] = limb[:80] + f"{byte:02x}" + limb[82:]
    return t


def alter_digest(data):
    _, t = pick(data, "ntt_forward", "digest")
    d = t["expected"][0]["value"][2]
    d["blake2b"] = "0" * 64
    return t


def alter_last(data):
    """The last word, its highest byte."""
    g, t = pick(data, "ntt_inverse", "digest")
    d = t["expected"][0]["value"][0]
    d["last"] = d["last"][:-2] + "7f"
    return t


def alter_key(data):
    _, t = pick(data, "mod_mul", "full")
    t["expected"][0]["key"] = "nothing"
    return t


def alterations(folder, command):
    data = json.loads((folder / "words.json").read_text())
    plans = [(alter_word, r'stage "NTT": out .*: word 5 of limb 1: got 0x'),
             (alter_digest, r'stage "NTT": out .*: limb 2: the digest '),
             (alter_last, r'stage "NTT": out .*: word 4095 of limb 0: got'),
             (alter_key, r"nothing was computed for 'nothing'")]
    for alter, message in plans:
        changed = copy.deepcopy(data)
        t = alter(changed)
        with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
            json.dump(changed, f)
            f.flush()
            r = subprocess.run([command, f.name], text=True,
                               capture_output=True)
        want = f"case {t['tcId']}, set R?[A-H], {t['operation']}: {message}"
        check(r.returncode == 1 and re.search(want, r.stdout) is not None
              and "1 mismatches" in r.stdout,
              f"{alter.__name__}: {r.stdout}{r.stderr}")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        f.write("{}\n")
        f.flush()
        r = subprocess.run([command, f.name], text=True,
                           capture_output=True)
    check(r.returncode == 1 and "no file of vectors" in r.stderr,
          f"an empty object: {r.stderr}")


where = pathlib.Path(sys.argv[1])
operations = []
for version, schema in (("v1", where / "schema.json"),
                        ("v2", where / "v2" / "schema.json")):
    operations.append(files(where / version, json.loads(schema.read_text())))
    manifest(where / version)
    if len(sys.argv) > 2:
        alterations(where / version, sys.argv[2])
real_ring(where / "v2", operations[0])
files(where / "b1", json.loads((where / "b1" / "schema.json").read_text()), 0)
manifest(where / "b1")
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
