"""AES and its hash, half gates, projections, choices, circuits."""
import aes
import gates
from two import File, Source, blocks

COLOURS = ((0, 0), (0, 1), (1, 0), (1, 1))


def gate_file():
    f = File("gates", "AES-128 in counter mode, the hash of garbling, half "
             "gates, projections, choices by a transfer, circuits.")
    f.group("gates")
    ciphers(f)
    conjunctions(f)
    projections(f)
    choices(f)
    f.group("circuits")
    circuits(f)
    return f


def ciphers(f):
    s = Source("ciphers")
    for first in (0, 2 ** 64 - 2):
        key = s.block()
        f.case("aes_stream", f"from {first} on", "the counter's bytes the "
               "other way round; a carry into the upper word",
               {"key": blocks([key]), "first": str(first), "count": 5},
               [("AES", "out", "AES_key(first + i)",
                 blocks(aes.stream(key, first, 5)))])
    for per, tweak in ((1, 0), (2, 2 ** 63 + 5)):
        start, x = s.block(), s.blocks(3 * per)
        f.case("hash", f"{per} blocks a tweak", "halves of sigma exchanged; "
               "the tweak in the upper word; added, not ^",
               {"start": blocks([start]), "tweak": str(tweak), "per": per,
                "x": blocks(x)},
               [("hash", "out", "H(x, tweak + k)", blocks(
                   [aes.H(start, v, tweak + i // per)
                    for i, v in enumerate(x)]))])


def begun(s, tweak):
    """A garbler, and what the file says of it."""
    start, delta = s.block(), s.coloured(1)
    return gates.Gates(start, tweak, delta), {
        "start": blocks([start]), "delta": blocks([delta]),
        "tweak": str(tweak)}


def conjunctions(f):
    s = Source("conjunctions")
    for colours, copies, tweak in [([c], 1, 7) for c in COLOURS] \
            + [(COLOURS + ((1, 1),), 5, 2 ** 40), (COLOURS * 4, 16, 2 ** 63)]:
        g, given = begun(s, tweak)
        a = [s.coloured(x) for x, _ in colours]
        b = [s.coloured(y) for _, y in colours]
        out = g.conjunction(a, b)
        expected = [("garbling", "table", "T of all copies, E of all copies",
                     g.table.hex()),
                    ("garbling", "out", "labels of 0", blocks(out))]
        for x, y in COLOURS:
            e = gates.Gates(g.start, tweak, None, g.table)
            got = e.conjunction([v ^ x * g.delta for v in a],
                                [v ^ y * g.delta for v in b])
            assert got == [v ^ (x & y) * g.delta for v in out]
            expected.append(("evaluation", f"of{x}{y}",
                             f"labels the evaluator has from {x} and {y}",
                             blocks(got)))
        f.case("and", f"{copies} copies, colours of the labels of 0 "
               + ", ".join(f"{x}{y}" for x, y in colours),
               "tweaks of the two halves alternating from copy to copy; rows "
               "of the table exchanged",
               {**given, "a": blocks(a), "b": blocks(b)}, expected)


def projections(f):
    s = Source("projections")
    g, given = begun(s, 12345)
    y = [0, 1, 2 ** 128 - 1, 2 ** 127, 5, s.block(), s.block(), s.block()]
    bit = [s.coloured(i & 1) for i in range(len(y))]
    mine = g.project(bit, y)
    expected = [("garbling", "table", "a number a copy", g.table.hex()),
                ("garbling", "out", "the garbler's shares", blocks(mine))]
    for b in 0, 1:
        e = gates.Gates(g.start, 12345, None, g.table)
        got = e.project([w ^ b * g.delta for w in bit])
        assert all((p + q - b * v) % gates.M == 0
                   for p, q, v in zip(mine, got, y))
        expected.append(("evaluation", f"of{b}", f"the evaluator's shares, "
                         f"bit {b}", blocks(got)))
    f.case("project", "labels of 0 of both colours", "H_0 and H_1 by value in "
           "place of colour; the share's sign",
           {**given, "bit": blocks(bit), "y": blocks(y)}, expected)


def choices(f):
    """bit * x, x the evaluator's."""
    s, count = Source("choices"), 20
    start, delta, tweak = s.block(), s.coloured(1), 2 ** 33
    x = [0, 1, 2 ** 128 - 1, 2 ** 127] + s.blocks(count - 4)
    q, c, v = s.blocks(count), s.block(), s.block()
    t = [b ^ (v >> i & 1) * delta for i, b in enumerate(q)]
    sent, given, taken = [], [], []
    for i in range(count):
        ci, vi = c >> i & 1, v >> i & 1
        m0 = aes.H(start, q[i], tweak + i)
        m1 = aes.H(start, q[i] ^ delta, tweak + i)
        sent.append((m0 + (1 - 2 * ci) * x[i] - m1) % gates.M)
        given.append((ci * x[i] - m0) % gates.M)
        taken.append((aes.H(start, t[i], tweak + i) + vi * sent[i]) % gates.M)
        assert (given[i] + taken[i] - (ci ^ vi) * x[i]) % gates.M == 0
    packed = [(b & 2 ** count - 1).to_bytes(3, "little").hex() for b in (c, v)]
    f.case("mux", f"{count} numbers", "the colour of the other side; the sign "
           "of (1 - 2c) x", {
               "start": blocks([start]), "delta": blocks([delta]),
               "tweak": str(tweak), "x": blocks(x), "q": blocks(q),
               "t": blocks(t), "sender": packed[0], "receiver": packed[1]},
           [("choice", "message", "a number each", blocks(sent)),
            ("choice", "given", "shares of the side that has x",
             blocks(given)),
            ("choice", "taken", "shares of the other", blocks(taken))])


# ---- circuits ---------------------------------------------------------------


def flat(wires):
    return blocks([v for w in wires for v in w])


def both(f, name, comment, shows, circuit, values, more, s):
    """A circuit over wires of random labels; values[wire][copy]: the bits that
    the evaluator's labels stand for."""
    g, given = begun(s, 100)
    zero = [[s.block() for _ in w] for w in values]
    active = [[v ^ b * g.delta for v, b in zip(z, w)]
              for z, w in zip(zero, values)]
    out = circuit(g, zero)
    e = gates.Gates(g.start, 100, None, g.table)
    got = circuit(e, active)
    assert e.done == len(g.table) and e.tweak == g.tweak
    bits = [[(x ^ y) // g.delta for x, y in zip(p, q)]
            for p, q in zip(out, got)]
    f.case(name, comment, shows, {
        **given, **more, "zero": flat(zero), "active": flat(active)},
        [("garbling", "table", "of all gates", g.table.hex()),
         ("garbling", "out", "labels of 0 of the outputs", flat(out)),
         ("evaluation", "got", "the evaluator's labels", flat(got))])
    return bits


def circuits(f):
    s = Source("circuits")
    for width, pairs in ((2, [(1, 1), (0, 3)]),
                         (9, [(5, 7), (0x1ff, 1), (0x80, 0x80), (0xff, 0x101),
                              (3, 0x1fd)])):
        values = [[x[side] >> j & 1 for x in pairs]
                  for side in (0, 1) for j in range(width)]
        bits = both(f, "sign", f"{width} bits: " + ", ".join(
            f"{x} + {y}" for x, y in pairs), "a full adder of two ANDs; the "
            "first carry by the general rule", lambda g, w: list(gates.sign(
                g, w[:width], w[width:])), values,
            {"width": width, "copies": len(pairs)}, s)
        sums = [(x + y) % 2 ** width for x, y in pairs]
        assert bits[0] == [v >> width - 1 for v in sums]
        assert bits[1] == [(v >> width - 1) ^ (v >> width - 2 & 1)
                           for v in sums]
    for width, ones in ((1, []), (7, []), (128, []), (128, [77])):
        bits = both(f, "all_zero", f"{width} wires, {len(ones)} of them 1",
                    "pairs of neighbours", lambda g, w: [[gates.all_zero(
                        g, [v for v, in w])]],
                    [[int(i in ones)] for i in range(width)],
                    {"width": width}, s)
        assert bits == [[int(not ones)]]
    for classes, copies in ((2, 2), (3, 4), (10, 3)):
        values = [[int(Source(f"last {classes} {k} {i}").block() % 3 == 0)
                   for i in range(copies)] for k in range(1, classes)]
        bits = both(f, "last", f"{classes} classes, {copies} copies",
                    "gates for bits that no class so far has set",
                    lambda g, w: gates.last_one(g, w, classes), values,
                    {"classes": classes, "copies": copies}, s)
        for i in range(copies):
            largest = max([k + 1 for k in range(classes - 1)
                           if values[k][i]], default=0)
            assert largest == sum(b[i] << j for j, b in enumerate(bits))
