"""Writes a version: python3 vectors/generate/write.py VERSION FOLDER [NAME...]

VERSION is 1 or 2 (CKKS), or b1 (two parties).  All files and their manifest,
or those named.  "header" reads files that are there already, of version 2 also
those of vectors/v1; b1 has none.  Standard library only; the same bytes on
every run and machine.
"""
import hashlib
import json
import pathlib
import sys
import time

import aes
import cases_arith
import cases_base
import cases_bytes
import cases_encode
import cases_fitted
import cases_gates
import cases_keys
import cases_linear
import cases_net
import cases_session
import cases_switch
import cases_transfer
import cases_words
import header1
import header2
import sets
import stream

# Large sets where time allows: F, G, H are b[0], b[1], b[2].
VERSION_1 = {
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

# The real ring, RF and RH are b[0] and b[1]; and what version 1 lacks.
VERSION_2 = {
    "words": lambda a, b: cases_words.words(a + b),
    "streams": lambda a, b: cases_words.streams(a[:2] + b[:1]),
    "base": lambda a, b: cases_base.base(a + b[:1]),
    "encoding": lambda a, b: cases_encode.encoding(a + b[:1]),
    "keys": lambda a, b: cases_keys.keys(a + b[:1]),
    "encryption": lambda a, b: cases_keys.encryption(a + b),
    "arithmetic": lambda a, b: cases_arith.arithmetic(a + b[:1]),
    "objects": lambda a, b: cases_bytes.objects(a),
    "network": lambda a, b: cases_net.network(a),
    "switching": lambda a, b: cases_switch.switching(a + b),
    "fitted": lambda a, b: cases_fitted.fitted(sets.real_fitted()),
    "complex": lambda a, b: cases_switch.lacking(sets.complex_again()),
}

# Two parties.
VERSION_B1 = {
    "gates": cases_gates.gate_file,
    "transfers": cases_transfer.transfer_file,
    "linear": cases_linear.linear_file,
    "sessions": cases_session.session_file,
}


def write(path, text):
    path.write_bytes(text.encode("ascii"))


def manifest(version, folder):
    """Digests of all files: what must not change."""
    files = {p.name: {"bytes": p.stat().st_size,
                      "blake2b": hashlib.blake2b(
                          p.read_bytes(), digest_size=32).hexdigest()}
             for p in sorted(folder.iterdir()) if p.name != "manifest.json"}
    number = 1 if version == "b1" else version
    return json.dumps({"schema": f"volley-vectors-manifest-{version}",
                       "version": number, "files": files}, indent=1) + "\n"


def header_text(version, out):
    def load(path):
        return json.loads(path.read_text())
    if version == 1:
        return header1.text(load(out / "words.json"))
    first = pathlib.Path(__file__).resolve().parent.parent / "v1"
    return header2.text([{name: load(folder / f"{name}.json")
                          for name in header2.FILES}
                         for folder in (first, out)])


def makers(version):
    """What makes each file."""
    if version == "b1":
        return VERSION_B1
    files, small, large = (VERSION_1, sets.full(), sets.digest()) \
        if version == 1 else (VERSION_2, sets.real(), sets.real_digest())
    return {name: lambda make=make: make(small, large)
            for name, make in files.items()}


def main(version, folder, names):
    stream.self_check()
    aes.self_check()
    out = pathlib.Path(folder)
    files = makers(version)
    for name in names or list(files) + ["header"] * (version != "b1"):
        start = time.time()
        if name == "header":
            write(out / "vectors.h", header_text(version, out))
            continue
        made = files[name]()
        text = made.text()
        write(out / f"{name}.json", text)
        print(f"{name}: {made.count} cases, {len(text)} bytes, "
              f"{time.time() - start:.1f} s", file=sys.stderr)
    if not names:
        write(out / "manifest.json", manifest(version, out))


main(sys.argv[1] if sys.argv[1] == "b1" else int(sys.argv[1]), sys.argv[2],
     sys.argv[3:])
