"""Writes the set: python3 vectors/generate/write.py FOLDER [NAME...]

All files and their manifest, or those named ("header" needs words.json in the
folder).  Standard library only; the same bytes on every run and machine.
"""
import hashlib
import json
import pathlib
import sys
import time

import cases_arith
import cases_base
import cases_bytes
import cases_encode
import cases_fitted
import cases_keys
import cases_net
import cases_switch
import cases_words
import header
import sets
import stream

# Large sets where time allows: F, G, H are b[0], b[1], b[2].
FILES = {
    "words": lambda a, b: cases_words.words(a + b),
    "streams": lambda a, b: cases_words.streams(a + b),
    "base": lambda a, b: cases_base.base(a + b[:2]),
    "encoding": lambda a, b: cases_encode.encoding(a + b[:2]),
    "keys": lambda a, b: cases_keys.keys(a + b[:2]),
    "encryption": lambda a, b: cases_keys.encryption(a + b),
    "arithmetic": lambda a, b: cases_arith.arithmetic(a + b[:2]),
    "objects": lambda a, b: cases_bytes.objects(a),
    "network": lambda a, b: cases_net.network(a),
    "switching": lambda a, b: cases_switch.switching(a + b),
    "fitted": lambda a, b: cases_fitted.fitted(sets.fitted()),
}


def write(path, text):
    path.write_bytes(text.encode("ascii"))


def manifest(folder):
    """Digests of all files: what must not change."""
    files = {p.name: {"bytes": p.stat().st_size,
                      "blake2b": hashlib.blake2b(
                          p.read_bytes(), digest_size=32).hexdigest()}
             for p in sorted(folder.iterdir()) if p.name != "manifest.json"}
    return json.dumps({"schema": "volley-vectors-manifest-1", "version": 1,
                       "files": files}, indent=1) + "\n"


def main(folder, names):
    stream.self_check()
    out = pathlib.Path(folder)
    small, large = sets.full(), sets.digest()
    for name in names or list(FILES) + ["header"]:
        start = time.time()
        if name == "header":
            data = json.loads((out / "words.json").read_text())
            write(out / "vectors.h", header.text(data))
            continue
        made = FILES[name](small, large)
        text = made.text()
        write(out / f"{name}.json", text)
        print(f"{name}: {made.count} cases, {len(text)} bytes, "
              f"{time.time() - start:.1f} s", file=sys.stderr)
    if not names:
        write(out / "manifest.json", manifest(out))


main(sys.argv[1], sys.argv[2:])
