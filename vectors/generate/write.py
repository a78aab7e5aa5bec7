"""Writes the set: python3 vectors/generate/write.py FOLDER [NAME...]

All files, or those named.  Standard library only; the same bytes on every
run and machine.
"""
import pathlib
import sys
import time

import cases_arith
import cases_base
import cases_bytes
import cases_encode
import cases_keys
import cases_switch
import cases_words
import sets
import stream

FILES = {
    "words": lambda a, b: cases_words.words(a + b),
    "streams": lambda a, b: cases_words.streams(a + b),
    "base": lambda a, b: cases_base.base(a + b[:2]),
    "encoding": lambda a, b: cases_encode.encoding(a + b[:2]),
    "keys": lambda a, b: cases_keys.keys(a + b[:2]),
    "encryption": lambda a, b: cases_keys.encryption(a + b),
    "arithmetic": lambda a, b: cases_arith.arithmetic(a + b[:2]),
    "objects": lambda a, b: cases_bytes.objects(a),
    "switching": lambda a, b: cases_switch.switching(a + b),
}


def main(folder, names):
    stream.self_check()
    out = pathlib.Path(folder)
    small, large = sets.full(), sets.digest()
    for name in names or FILES:
        start = time.time()
        made = FILES[name](small, large)
        text = made.text()
        (out / f"{name}.json").write_text(text)
        print(f"{name}: {made.count} cases, {len(text)} bytes, "
              f"{time.time() - start:.1f} s", file=sys.stderr)


main(sys.argv[1], sys.argv[2:])
