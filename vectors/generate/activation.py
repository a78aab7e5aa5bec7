"""Activations of shared numbers by both parties at once: docs/conventions.md,
"Two parties".  Every frame goes to a Line.  Labels: one chunk a call.
"""
import hashlib

import aes
import transfer
from gates import M, Gates, all_zero, last_one, sign

LANES, CHUNK = 16, 8192


class Direction:
    """Transfers of one direction, both ends."""

    def __init__(self, pairs, delta, k, line):
        self.k, self.delta, self.line = k, delta, line
        self.sums = [x for i in range(128 // k)
                     for x in transfer.sums(pairs[k * i:k * i + k], k)]
        self.receiver = transfer.Receiver(pairs, k)
        self.sender = transfer.Sender(
            [p[delta >> j & 1] for j, p in enumerate(pairs)], self.sums, delta,
            k)

    def choose(self, bits, step):
        """q and t for a list of bits, zeros behind them."""
        count = -(-len(bits) // 128)
        number = sum(b << i for i, b in enumerate(bits))
        choice = [number >> 128 * i & aes.MASK for i in range(count)]
        t, frame = self.receiver.receive(choice, count)
        self.line.send("EXTEND", frame, step)
        return self.sender.send(frame, count), t


class Session:
    """Both parties behind the opening.  to_server: transfers that the server
    chooses in; to_client: those that the client does."""

    def __init__(self, start, label_key, to_server, to_client, up, down):
        self.start, self.label_key = start, label_key
        self.to_server, self.to_client = to_server, to_client
        self.up, self.down = up, down
        self.tweak = self.label = self.step = 0
        self.noted = [b"", b""]

    def sides(self, tweak, table=b""):
        return (Gates(self.start, tweak, self.to_server.delta),
                Gates(self.start, tweak, None, table))

    def labels(self, bits):
        """Labels of the client's bits: of 0, and those that the server has."""
        active = aes.stream(self.label_key, self.label, len(bits))
        self.label += len(bits)
        delta = self.to_server.delta
        return [a ^ b * delta for a, b in zip(active, bits)], active

    def note(self, side, wire):
        colours = sum((w & 1) << i for i, w in enumerate(wire))
        self.noted[side] += colours.to_bytes(2, "little")

    def batches(self, c, s, width):
        """Inputs of the adders: for each 16 numbers, (first, a, b) of both
        sides; wires are lists of copies."""
        places = [(first, j, i) for first in range(0, len(c), LANES)
                  for j in range(width)
                  for i in range(first, min(first + LANES, len(c)))]
        mine = self.labels([c[i] >> j & 1 for _, j, i in places])
        q, t = self.to_server.choose([s[i] >> j & 1 for _, j, i in places],
                                     self.step)
        out = []
        for first in range(0, len(c), LANES):
            n = min(LANES, len(c) - first)
            begin = first * width

            def wires(x):
                return [x[begin + j * n:begin + (j + 1) * n]
                        for j in range(width)]
            out.append((first, n, (wires(mine[0]), wires(q)),
                        (wires(mine[1]), wires(t))))
        return out

    def chunks(self, c, s, width):
        """(shares of a chunk, its inputs); the choices of the next chunk go
        before what is done with this one."""
        parts = [(c[i:i + CHUNK], s[i:i + CHUNK])
                 for i in range(0, len(c), CHUNK)]
        asked = self.batches(*parts[0], width)
        for i, part in enumerate(parts):
            batches = asked
            if i + 1 < len(parts):
                asked = self.batches(*parts[i + 1], width)
            yield part, batches

    def relu(self, c, s, bits):
        """Both new shares, and the wires that say "negative"."""
        out, negative = ([], []), ([], [])
        for (mine, theirs), batches in self.chunks(c, s, bits + 1):
            for side, (x, w) in enumerate(self.relu_chunk(mine, theirs,
                                                          batches)):
                out[side].extend(x)
                negative[side].extend(w)
        return out[0], out[1], negative

    def relu_chunk(self, c, s, batches):
        """Of each side its shares and wires."""
        sides = self.sides(self.tweak)
        negative, colours, out = ([], []), ([], []), ([], [])
        for side, g in enumerate(sides):
            for first, n, *inputs in batches:
                w, r = sign(g, *inputs[side])
                negative[side].extend(w)
                bit = g.negate(w)
                colours[side].extend(v & 1 for v in bit)
                out[side].extend(g.project(bit, c[first:first + n]))
                self.note(side, r)
            if side == 0:
                self.up.send("TABLE", g.table, self.step)
                sides[1].table = g.table
        assert sides[1].done == len(sides[0].table)
        self.choice(s, colours, out, sides[0].tweak)
        self.tweak = sides[0].tweak + len(c)
        return zip(out, negative)

    def choice(self, x, colours, out, tweak):
        """Adds shares of (colour ^ colour) x, x the server's."""
        q, t = self.to_client.choose(colours[0], self.step)
        delta, sent = self.to_client.delta, []
        for i, v in enumerate(x):
            m0 = aes.H(self.start, q[i], tweak + i)
            m1 = aes.H(self.start, q[i] ^ delta, tweak + i)
            c = colours[1][i]
            sent.append((m0 + (1 - 2 * c) * v - m1) % M)
            out[1][i] = (out[1][i] + c * v - m0) % M
            got = aes.H(self.start, t[i], tweak + i)
            out[0][i] = (out[0][i] + got + colours[0][i] * sent[i]) % M
        self.down.send("MUX", b"".join(map(aes.raw, sent)), self.step)

    def largest(self, c, s, window, bits):
        """Of each `window` numbers one behind the other."""
        y = [[x[i::window] for i in range(window)] for x in (c, s)]
        n = len(c) // window
        while window > 1:
            half = window // 2
            d = [[(a - b) % M for j in range(half)
                  for a, b in zip(v[j], v[window - half + j])] for v in y]
            d = self.relu(*d, bits + 1)[:2]
            for v, e in zip(y, d):
                for j in range(half):
                    v[j] = [(a + b) % M for a, b in zip(
                        v[window - half + j], e[j * n:(j + 1) * n])]
            window -= half
        return y[0][0], y[1][0]

    def classes(self, c, s, classes, bits):
        """Labels, to the client."""
        scores = [[x[i::classes] for i in range(classes)] for x in (c, s)]
        more = classes > 1
        best = [v[0] if more else [0] * len(v[0]) for v in scores]
        greater = ([], [])
        for k in range(int(more), classes):
            d = [[(a - b) % M for a, b in zip(x, v[k])]
                 for x, v in zip(best, scores)]
            if k == classes - 1:
                return self.last(d, greater, classes, bits + more)
            *d, negative = self.relu(*d, bits + 1)
            for side in 0, 1:
                greater[side].append(negative[side])
            best = [[(a + b) % M for a, b in zip(x, v[k])]
                    for x, v in zip(d, scores)]

    def last(self, d, greater, classes, bits):
        garbler, evaluator = self.sides(self.tweak)
        batches = self.batches(*d, bits + 1)
        out = [], []
        for side, g in enumerate((garbler, evaluator)):
            if side:
                self.up.send("TABLE", garbler.table, self.step)
                g.table = garbler.table
            for first, n, *inputs in batches:
                w, r = sign(g, *inputs[side])
                self.note(side, r)
                wires = [v[first:first + n] for v in greater[side]] + [w]
                label = last_one(g, wires, classes)
                out[side].extend(sum((x[i] & 1) << j for j, x in enumerate(
                    label)) for i in range(n))
        assert evaluator.done == len(garbler.table)
        self.tweak = garbler.tweak
        self.down.send("OUTPUT", bytes(out[1]), self.step)
        return [a ^ b for a, b in zip(*out)]

    def overflowed(self):
        """Whether the two hashes differ, to the client; new hashes begin."""
        digest = [aes.number(hashlib.blake2b(x, digest_size=16).digest())
                  for x in self.noted]
        self.noted = [b"", b""]
        zero, active = self.labels([digest[0] >> j & 1 for j in range(128)])
        q, t = self.to_server.choose([digest[1] >> j & 1
                                      for j in range(128)], self.step)
        garbler, evaluator = self.sides(self.tweak)
        w = all_zero(garbler, [a ^ b for a, b in zip(zero, q)])
        self.up.send("TABLE", garbler.table, self.step)
        evaluator.table = garbler.table
        v = all_zero(evaluator, [a ^ b for a, b in zip(active, t)])
        self.tweak = garbler.tweak
        self.down.send("OUTPUT", bytes([v & 1]), self.step)
        return (v ^ w) & 1 == 0
