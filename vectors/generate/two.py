"""Cases of two parties as JSON: vectors/README.md, vectors/b1/schema.json."""
import hashlib
import json
import struct

import stream
from aes import raw
from form import want

EDGE = 64                   # bytes kept at each end of a digest
MOST = 4096                 # bytes that are written as they are


def blocks(x):
    """Blocks, or numbers modulo 2^128, 16 bytes each."""
    return b"".join(raw(b % 2 ** 128) for b in x).hex()


def data(octets):
    """Bytes, or a digest with the first and the last 64."""
    if len(octets) <= MOST:
        return octets.hex()
    return {"bytes": len(octets),
            "blake2b": hashlib.blake2b(octets, digest_size=32).hexdigest(),
            "first": octets[:EDGE].hex(), "last": octets[-EDGE:].hex()}


def seed(label):
    return hashlib.blake2b(f"volley-vectors-b1 {label}".encode(),
                           digest_size=32).digest()


class Source:
    """Random inputs that belong to a label."""

    def __init__(self, label):
        self.s = stream.Stream(seed(label), 0, 0)

    def block(self):
        return int.from_bytes(self.s.read(16), "little")

    def blocks(self, count):
        return [self.block() for _ in range(count)]

    def coloured(self, colour):
        return self.block() & ~1 | colour


def small_numbers(label, count, bits):
    """Numbers of `bits` bits and how the file says them: (word mod 2^bits)
    - 2^(bits - 1), 8 bytes a word."""
    key = seed(label)
    words = stream.Stream(key, 0, 0).words(count)
    return ([w % 2 ** bits - 2 ** (bits - 1) for w in words],
            {"coefficientSeed": key.hex(), "bits": bits})


class File:
    def __init__(self, name, title):
        self.name, self.title, self.groups, self.count = name, title, [], 0

    def group(self, name, **parameters):
        self.groups.append((name, parameters, []))

    def case(self, operation, comment, shows, given, expected):
        """expected: (stage, key, what, value) in the order of the
        computation."""
        self.count += 1
        self.groups[-1][2].append({
            "tcId": self.count, "operation": operation, "comment": comment,
            "shows": shows, "flags": [], "result": "valid", "input": given,
            "expected": [want(*e) for e in expected]})

    def text(self):
        head = {"schema": "volley-vectors-b1", "version": 1,
                "file": self.name, "header": self.title,
                "source": {"name": "vectors/generate", "version": "b1"},
                "numberOfTests": self.count, "notes": {}}
        out = json.dumps(head, indent=1)[:-2] + ',\n "testGroups": [\n'
        groups = []
        for name, parameters, tests in self.groups:
            line = json.dumps({"set": name, "parameters": parameters})[:-1]
            groups.append("  " + line + ', "tests": [\n' + ",\n".join(
                "   " + json.dumps(t) for t in tests) + "\n  ]}")
        return out + ",\n".join(groups) + "\n ]\n}\n"


# ---- frames -----------------------------------------------------------------

TYPES = ("HELLO", "AGREE", "KEY", "BASE", "EXTEND", "UP", "DOWN", "TABLE",
         "MUX", "OUTPUT", "ALIVE", "BYE", "ERROR")


class Line:
    """What one side sends: frames with their headers."""

    def __init__(self, side):
        self.side, self.frames, self.expected = side, 0, []

    def send(self, kind, payload, step=0):
        number = TYPES.index(kind) + 1
        head = struct.pack("<HHIQI", number, step, self.frames, len(payload),
                           0)
        head += hashlib.blake2b(head, digest_size=4).digest()
        self.expected.append((
            "frames", f"{self.side}{self.frames}",
            f"{kind} of the {self.side}, header and {len(payload)} bytes",
            data(head + payload)))
        self.frames += 1
