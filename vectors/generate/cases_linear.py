"""Tiles, lifts, truncation, convolutions and squares of shares."""
import lwe
import stream
from tile import Tiling
from two import File, Line, Source, blocks, data, seed, small_numbers

M = 2 ** 128


def linear_file():
    f = File("linear", "Convolutions and squares of shared numbers, with all "
             "that is sent; each side's randomness from a generator.")
    f.group("alone")
    alone(f)
    f.group("convolutions")
    for c in SHAPES:
        convolution(f, *c)
    f.group("squares")
    square(f, 8195, 9)
    return f


# ---- what each side does alone ----------------------------------------------


def alone(f):
    s = Source("truncate")
    for shift in 1, 11, 40:
        x = [0, 1, M - 1, M // 2, M // 2 - 1, 2 ** shift, M - 2 ** shift,
             2 ** shift - 1, M - 2 ** shift - 1] + s.blocks(7)
        f.case("truncate", f"by 2^{shift}", "towards zero; both sides down",
               {"shift": shift, "x": blocks(x)},
               [("truncation", "client", "floor(x / 2^shift)",
                 blocks([lwe.signed(v) >> shift for v in x])),
                ("truncation", "server", "-floor(-x / 2^shift)",
                 blocks([-(lwe.signed(-v % M) >> shift) for v in x]))])
    for bits in 16, 32:
        r = lwe.Lwe(12 if bits <= 20 else 13, 2 if bits <= 20 else 3, 49, None)
        p = r.q[0]
        z = [0, 1, r.Q - 1, r.Q // 2, p - 1, p, p + 1, r.Q - p,
             r.Q // r.q[-1], r.Q // r.q[-1] - 1] \
            + [(s.block() << 32 ^ s.block()) % r.Q for _ in range(6)]
        f.case("lift", f"{bits} bits, {len(r.q)} primes", "q/2 taken off; the "
               "primes in the other order",
               {"bits": bits, "shift": 29, "primes": [str(v) for v in r.q],
                "residues": b"".join((v % q).to_bytes(8, "little")
                                     for v in z for q in r.q).hex()},
               [("lift", "out", "floor(z / 2^shift)",
                 blocks([v >> 29 for v in z]))])


# ---- convolutions -----------------------------------------------------------


def conv(dims, channels, size, kernel, before, stride=1, transposed=False,
         bits=16):
    """after: as many zeros as before."""
    out = [2 * s if transposed and a >= 3 - dims else
           s if transposed else (s + 2 * b - k) // stride + 1
           for a, (s, k, b) in enumerate(zip(size, kernel, before))]
    return {"transposed": transposed, "dims": dims, "in": channels[0],
            "out": channels[1], "size": size, "outSize": out,
            "kernel": kernel, "before": before, "stride": stride,
            "shift": 11, "bits": bits}


# name, what it would show, convolution, whether there is a map
SHAPES = [
    ("packed", "channels in reverse order; the kernel not turned; a pitch of "
     "the whole tile", conv(2, (5, 7), [1, 9, 8], [1, 3, 3], [0, 1, 1]),
     True),
    ("tiles along both axes", "tiles that begin at the border; pitches that "
     "share zeros", conv(2, (2, 1), [1, 100, 90], [1, 3, 3], [0, 1, 1]),
     False),
    ("rows at a multiple of 32", "pitches that are as short as they may be",
     conv(2, (3, 5), [1, 17, 18], [1, 3, 3], [0, 1, 1]), False),
    ("padding of one axis, kernel 2 x 3", "axes exchanged",
     conv(2, (1, 2), [1, 11, 10], [1, 2, 3], [0, 1, 0]), False),
    ("stride 2 in a volume", "outputs at a distance of 1",
     conv(3, (2, 3), [9, 8, 7], [3, 3, 3], [1, 1, 1], 2), True),
    ("1 x 1, several tiles", "a part shorter than the others at the front",
     conv(2, (3, 2), [1, 70, 61], [1, 1, 1], [0, 0, 0], 1, False, 20),
     False),
    ("transposed", "phases in the order x, y",
     conv(2, (3, 2), [1, 6, 5], [1, 2, 2], [0, 0, 0], 2, True), True),
    ("32 bits", "two primes", conv(2, (3, 2), [1, 30, 12], [1, 3, 3],
                                   [0, 1, 1], 1, False, 32), False),
]


def sparse(x, terms, p):
    """x times the sum of w X^e, (w, e) of terms, modulo X^n + 1."""
    n = len(x)
    out = [0] * n
    for w, e in terms:
        turned = [-v for v in x[n - e:]] + x[:n - e] if e else x
        out = [a + w * b for a, b in zip(out, turned)]
    return [v % p for v in out]


def place(c, o, pixel):
    """Number `pixel` of output o of the tiling, among all outputs."""
    if not c["transposed"]:
        return o * c["outSize"][0] * c["outSize"][1] * c["outSize"][2] + pixel
    _, h, w = c["size"]
    z, y, x = pixel // w // h, pixel // w % h, pixel % w
    channel, phase = o >> c["dims"], o & (1 << c["dims"]) - 1
    z = 2 * z + (phase >> 2) if c["dims"] == 3 else z
    depth, height, width = c["outSize"]
    return ((channel * depth + z) * height + 2 * y + (phase >> 1 & 1)) \
        * width + 2 * x + (phase & 1)


def weight_at(c, o, i, tap, taps):
    if not c["transposed"]:
        return (o * c["in"] + i) * taps + tap
    return (i * c["out"] + (o >> c["dims"])) * taps + (o & taps - 1)


def inputs(name, c, with_map):
    """Numbers of both sides and how the file says them."""
    size = c["size"][0] * c["size"][1] * c["size"][2]
    out = c["out"] * c["outSize"][0] * c["outSize"][1] * c["outSize"][2]
    taps = c["kernel"][0] * c["kernel"][1] * c["kernel"][2]
    said, got = {}, {}
    for key, count, bits in (("x", c["in"] * size, c["bits"] - 1),
                             ("weight", c["in"] * c["out"] * taps, 12),
                             ("bias", c["out"], 21), ("map", out, 22)):
        if key != "map" or with_map:
            got[key], said[key] = small_numbers(f"{name} {key}", count, bits)
    z = seed(f"{name} share")
    s = stream.Stream(z, 0, 0)
    said["share"] = {"byteSeed": z.hex()}
    got["client"] = [int.from_bytes(s.read(16), "little") for _ in got["x"]]
    got["server"] = [(x - v) % M for x, v in zip(got["x"], got["client"])]
    for side in "client", "server":
        said[f"{side}Seed"] = seed(f"{name} {side}").hex()
    return said, got, out


def defined(c, got, o, at, tiling):
    """The sum by definition, of output channel o at (z, y, x)."""
    taps, total = 0, got["bias"][o]
    kernel = c["kernel"]
    for kz in range(kernel[0]):
        for ky in range(kernel[1]):
            for kx in range(kernel[2]):
                k = (kz, ky, kx)
                p = [v // s for v, s in zip(at, kernel)] \
                    if c["transposed"] else [
                        v * c["stride"] + j - b
                        for v, j, b in zip(at, k, c["before"])]
                taps += 1
                if c["transposed"] and any(v % s != j for v, s, j in zip(
                        at, kernel, k)):
                    continue
                if any(not 0 <= v < s for v, s in zip(p, c["size"])):
                    continue
                size = kernel[0] * kernel[1] * kernel[2]
                for i in range(c["in"]):
                    w = got["weight"][
                        (i * c["out"] + o) * size + taps - 1
                        if c["transposed"] else
                        (o * c["in"] + i) * size + taps - 1]
                    total += w * got["x"][((i * c["size"][0] + p[0])
                                           * c["size"][1] + p[1])
                                          * c["size"][2] + p[2]]
    return total


def convolution(f, name, shows, c, with_map):
    said, got, count = inputs(name, c, with_map)
    client = stream.Generator(bytes.fromhex(said["clientSeed"]))
    server = stream.Generator(bytes.fromhex(said["serverSeed"]))
    large = c["bits"] > 20
    r = lwe.Lwe(13 if large else 12, 3 if large else 2, 49, client)
    t = Tiling(c, r.n)
    up, down = Line("client"), Line("server")
    up.send("KEY", r.key_frame())
    mine, theirs = client.stream(), server.stream()
    y = [[None] * count, [None] * count]
    for tile in t.every_tile():
        cts = [upload(up, r, t, tile, i, got, mine) for i in range(t.up)]
        for o in range(t.down):
            reply(down, r, t, tile, o, cts, got, theirs, y)
    check(c, got, y, t)
    f.case("convolve", name, shows, {**c, **said}, [
        ("tiles", "tiling", "out, in, tiles, pitch, each z, y, x; extent, "
         "first, block, pack_in, pack_out", t.numbers())]
        + up.expected + down.expected
        + [("shares", "client", "the client's share of every output",
            data(bytes.fromhex(blocks(y[0])))),
           ("shares", "server", "the server's", data(bytes.fromhex(
               blocks(y[1]))))])


def message(t, tile, i, x, size):
    """The polynomial of ciphertext i, without its scale."""
    m = [0] * t.n
    for c in range(i * t.pack_in, min((i + 1) * t.pack_in, t.channels)):
        for pixel, at in t.places_in(tile):
            m[t.block_in(c) + at] = lwe.signed(x[c * size + pixel]) \
                << lwe.SCALE
    return m


def upload(line, r, t, tile, i, got, s):
    """A ciphertext as the server has it: c_0 with its own share, and a, as
    coefficients."""
    size = len(got["x"]) // t.channels
    c0, a = r.encrypt(message(t, tile, i, got["client"], size), s)
    line.send("UP", r.packed(c0))
    own = message(t, tile, i, got["server"], size)
    c0 = r.coefficients(c0)
    return (r.each(lambda _, l: [(u + v) % r.q[l] for u, v in zip(
        c0[l], own)]), r.coefficients(a))


def reply(line, r, t, tile, o, cts, got, s, y):
    """Result number o of a tile."""
    c, taps = t.c, t.kernel[0] * t.kernel[1] * t.kernel[2]
    if c["transposed"]:
        taps = 1 << c["dims"]
    of_result = range(o * t.pack_out, min((o + 1) * t.pack_out, t.outputs))
    sums = [r.each(lambda ring, l: [0] * r.n) for _ in (0, 1)]
    for i, ct in enumerate(cts):
        terms = [(got["weight"][weight_at(c, j, k, tap, taps)],
                  t.block_weight(j, k) + at) for j in of_result
                 for k in range(i * t.pack_in,
                                min((i + 1) * t.pack_in, t.channels))
                 for tap, at in t.taps()]
        for part in 0, 1:
            sums[part] = r.each(lambda ring, l: ring.add(
                sums[part][l], sparse(ct[part][l], terms, ring.p)))
    c0, c1 = (r.each(lambda ring, l: ring.forward(x[l])) for x in sums)
    c0, c1 = r.refresh(c0, c1, s)
    e = stream.error(s, r.n)
    c0 = r.each(lambda ring, l: ring.add(ring.inverse(c0[l]), ring.lift(e)))
    where = [(j, pixel, t.block_out(j) + at) for j in of_result
             for pixel, at in t.places_out(tile)]
    mask = [stream.uniform(s, len(where), p) for p in r.q]
    sent = r.each(lambda ring, l: [])
    c1s = r.each(lambda ring, l: ring.inverse(ring.mul(c1[l], r.s[l])))
    for k, (j, pixel, at) in enumerate(where):
        to = place(c, j, pixel)
        more = got["bias"][j >> c["dims"] if c["transposed"] else j] \
            + (got["map"][to] if "map" in got else 0)
        z = []
        for l, p in enumerate(r.q):
            sent[l].append((c0[l][at] + (more << lwe.SCALE) - mask[l][k]) % p)
            z.append(sent[l][-1] + c1s[l][at])
        shift = c["shift"] + lwe.SCALE
        y[0][to] = r.joined(z) >> shift
        y[1][to] = -(r.joined([-m[k] for m in mask]) >> shift) % M
    line.send("DOWN", r.packed(c1) + r.packed(sent))


def check(c, got, y, t):
    """Sums by definition, divided by 2^shift, down or up."""
    depth, height, width = c["outSize"]
    for to, (u, v) in enumerate(zip(*y)):
        x, rest = to % width, to // width
        at = (rest // height % depth, rest % height, x)
        o = rest // height // depth
        total = defined(c, got, o, at, t) + (got["map"][to] if "map" in got
                                             else 0)
        assert lwe.signed((u + v) % M) - (total >> c["shift"]) in (0, 1)


# ---- squares ----------------------------------------------------------------


def crt(a, b, p, q):
    return a + p * ((b - a) * pow(p, -1, q) % q)


class Squarer:
    """One side: its shares, its slots modulo both t."""

    def __init__(self, r, x):
        self.x, self.n = x + [0] * (r.n - len(x)), r.n
        self.rings = [lwe.of(p, r.n) for p in r.t]
        self.slots = [ring.lift([lwe.signed(v) for v in self.x])
                      for ring in self.rings]

    def polynomial(self, j):
        return self.rings[j].inverse(self.slots[j])

    def finished(self, products, count):
        """y in [0, P): own x^2 + 2 times the share of the product."""
        t = [ring.p for ring in self.rings]
        return [crt(*[(self.slots[j][i] ** 2 + 2 * products[j][i]) % t[j]
                      for j in (0, 1)], *t) for i in range(count)], t[0] * t[1]


def square(f, count, shift):
    name = f"square {count}"
    x, said = small_numbers(f"{name} x", count, 20)
    z = seed(f"{name} share")
    s = stream.Stream(z, 0, 0)
    mine = [int.from_bytes(s.read(16), "little") for _ in x]
    theirs = [(v - u) % M for u, v in zip(mine, x)]
    seeds = [seed(f"{name} {side}") for side in ("client", "server")]
    client, server = map(stream.Generator, seeds)
    conv_ring = lwe.Lwe(12, 2, 49, client)
    r = lwe.Lwe(13, 4, 42, client, 40)
    up, down = Line("client"), Line("server")
    up.send("KEY", conv_ring.key_frame())
    up.send("KEY", r.key_frame())
    streams, y = (client.stream(), server.stream()), ([], [])
    for at in range(0, count, r.n):
        unit(up, down, r, mine[at:at + r.n], theirs[at:at + r.n], shift,
             streams, y)
    for u, v, w in zip(*y, x):
        assert lwe.signed((u + v) % M) - (w * w >> shift) in (0, 1)
    f.case("square", f"{count} numbers, shift {shift}", "numbers in another "
           "order of slots; F as one number of 20 bytes; noise without t",
           {"count": count, "shift": shift, "x": said,
            "share": {"byteSeed": z.hex()}, "clientSeed": seeds[0].hex(),
            "serverSeed": seeds[1].hex(), "primes": [str(p) for p in r.q],
            "plain": [str(p) for p in r.t]},
           up.expected + down.expected
           + [("shares", "client", "the client's", data(bytes.fromhex(
               blocks(y[0])))),
              ("shares", "server", "the server's", data(bytes.fromhex(
                  blocks(y[1]))))])


def mask(s, n):
    """F of every coefficient: four words of 40 bits, all of the first words
    first."""
    raw = [s.read(5 * n) for _ in range(4)]
    return [sum(int.from_bytes(w[5 * i:5 * i + 5], "little") << 40 * k
                for k, w in enumerate(raw)) for i in range(n)]


def unit(up, down, r, mine, theirs, shift, streams, y):
    count = len(mine)
    side = Squarer(r, mine), Squarer(r, theirs)
    products = [[None, None], [None, None]]
    sent = []
    for j, t in enumerate(r.t):
        c0, a = r.encrypt(side[0].polynomial(j), streams[0], t)
        up.send("UP", r.packed(c0))
        sent.append((c0, a))
    for j, (c0, a) in enumerate(sent):
        t, of_t = r.t[j], side[1].rings[j]
        F = mask(streams[1], r.n)
        own, added = r.values(side[1].polynomial(j)), r.values(F)
        c0 = r.each(lambda ring, l: ring.add(ring.mul(c0[l], own[l]),
                                             added[l]))
        c1 = r.each(lambda ring, l: ring.mul(a[l], own[l]))
        c0, c1 = r.refresh(c0, c1, streams[1], t)
        down.send("DOWN", r.packed(c0) + r.packed(c1))
        products[1][j] = of_t.forward([-v % t for v in F])
        z = r.coefficients(r.each(lambda ring, l: ring.add(c0[l], ring.mul(
            c1[l], r.s[l]))))
        m = [r.joined(v) for v in zip(*z)]
        m = [v - r.Q if 2 * v > r.Q else v for v in m]
        assert max(map(abs, m)) < r.Q >> 4
        products[0][j] = of_t.forward([v % t for v in m])
    y0, P = side[0].finished(products[0], count)
    y1, _ = side[1].finished(products[1], count)
    y[0].extend(v >> shift for v in y0)
    y[1].extend(-(P - v >> shift) % M for v in y1)
