"""Layers of networks, index maps of Double Volley Revolver, a tiny U-Net:
docs/conventions.md, "Plan files", "Tiles"; docs/model.md.
"""
import json
import math
import struct
from fractions import Fraction

from form import File, want
from notes import NOTES
from stream import Stream


class Model:
    """A model file under construction, and its value on an image."""

    def __init__(self, s, name, border, height, width, ring=None):
        self.name, self.border, self.ring = name, border, ring
        self.height, self.width = height, width
        self.layers, self.tensors, self.values = [], [], {}
        self.draw = Stream(s.seed("model " + name), 0, 0)
        self.size = {"image": (1, height, width)}

    def tensor(self, name, *shape, least=-8, most=8):
        """Eighths, so that sums are exact for long."""
        count = 1
        for n in shape:
            count *= n
        x = [Fraction(least + b % (most - least + 1), 8)
             for b in self.draw.read(count)]
        self.tensors.append((name, shape, x))
        self.values[name] = x

    def layer(self, op, name, *sources, out=None, **more):
        c, h, w = self.size[sources[0]]
        entry = {"op": op, "name": name, "in": list(sources)}
        if op == "conv":
            k = more["kernel"]
            self.tensor(name + ".weight", out, c, k, k)
            self.tensor(name + ".bias", out)
            entry.update(weight=name + ".weight", bias=name + ".bias",
                         kernel=k)
        elif op == "tconv":
            self.tensor(name + ".weight", c, out, 2, 2)
            self.tensor(name + ".bias", out)
            entry.update(weight=name + ".weight", bias=name + ".bias")
            h, w = 2 * h, 2 * w
        elif op == "dense":
            self.tensor(name + ".weight", out, c)
            self.tensor(name + ".bias", out)
            entry.update(weight=name + ".weight", bias=name + ".bias")
        elif op == "batchnorm":
            for part in ("weight", "bias", "mean"):
                self.tensor(f"{name}.{part}", c)
                entry[part] = f"{name}.{part}"
            self.tensors.append((name + ".var", (c,), [Fraction(15, 4)] * c))
            entry.update(var=name + ".var", eps=0.25)
        elif op == "quadratic":
            for part in "abc":
                self.tensor(f"{name}.{part}", c, least=1)
                entry[part] = f"{name}.{part}"
        elif op == "pool":
            h, w = h // 2, w // 2
        elif op == "concat":
            c = sum(self.size[x][0] for x in sources)
        self.size[name] = (out or c, h, w)
        self.layers.append(entry)

    def file(self, ranges):
        net = {"name": self.name, "border": self.border}
        if self.ring:
            net["ring"] = list(self.ring)
        net.update(input={"channels": 1, "height": self.height,
                          "width": self.width, "mul": 0.0078125,
                          "add": -1.0},
                   layers=self.layers,
                   output={"tensor": self.layers[-1]["name"],
                           "threshold": 0.0, "foreground": "cell"},
                   ranges=ranges)
        head, at, data = {"__metadata__": {
            "format": "volley-1", "network": json.dumps(net),
            "origin": "test vectors"}}, 0, b""
        for name, shape, x in self.tensors:
            head[name] = {"dtype": "F32", "shape": list(shape),
                          "data_offsets": [at, at + 4 * len(x)]}
            at += 4 * len(x)
            data += struct.pack(f"<{len(x)}f", *map(float, x))
        head = json.dumps(head).encode()
        return struct.pack("<Q", len(head)) + head + data

    # values: maps[c][y][x] of fractions

    def beyond(self, f, y, x):
        """A map at a place that may lie over the edge."""
        h, w = len(f), len(f[0])
        if 0 <= y < h and 0 <= x < w:
            return f[y][x]
        if self.border != "wrap":
            return Fraction(0)
        ry = self.ring[0] * h // self.height
        rx = self.ring[1] * w // self.width
        gy, gx = h // ry, w // rx
        slot = (y // ry * gx + x // rx) % (gy * gx)
        return f[slot // gx * ry + y % ry][slot % gx * rx + x % rx]

    def convolve(self, x, name, k):
        out, c = self.values[name + ".bias"], len(x)
        w, r = self.values[name + ".weight"], k // 2
        return [[[b + sum(
            w[((o * c + i) * k + dy) * k + dx]
            * self.beyond(x[i], y + dy - r, z + dx - r)
            for i in range(c) for dy in range(k) for dx in range(k))
            for z in range(len(x[0][0]))] for y in range(len(x[0]))]
            for o, b in enumerate(out)]

    def run(self, pixels):
        image = [[[Fraction(p, 128) - 1 for p in
                   pixels[y * self.width:(y + 1) * self.width]]
                  for y in range(self.height)]]
        maps = {"image": image}
        for e in self.layers:
            x, name, v = maps[e["in"][0]], e["name"], self.values
            if e["op"] == "conv":
                out = self.convolve(x, name, e["kernel"])
            elif e["op"] == "tconv":
                w, b = v[name + ".weight"], v[name + ".bias"]
                out = [[[b[o] + sum(
                    x[i][y // 2][z // 2]
                    * w[((i * len(b) + o) * 2 + y % 2) * 2 + z % 2]
                    for i in range(len(x)))
                    for z in range(2 * len(x[0][0]))]
                    for y in range(2 * len(x[0]))] for o in range(len(b))]
            elif e["op"] == "dense":
                w, b = v[name + ".weight"], v[name + ".bias"]
                out = [[[b[o] + sum(w[o * len(x) + i] * x[i][0][0]
                                    for i in range(len(x)))]]
                       for o in range(len(b))]
            elif e["op"] == "batchnorm":        # var + eps = 4
                out = [[[(p - v[name + ".mean"][c]) / 2
                         * v[name + ".weight"][c] + v[name + ".bias"][c]
                         for p in row] for row in m]
                       for c, m in enumerate(x)]
            elif e["op"] == "square":
                out = [[[p * p for p in row] for row in m] for m in x]
            elif e["op"] == "quadratic":
                out = [[[v[name + ".a"][c] * p * p + v[name + ".b"][c] * p
                         + v[name + ".c"][c] for p in row] for row in m]
                       for c, m in enumerate(x)]
            elif e["op"] == "pool":
                out = [[[(m[2 * y][2 * z] + m[2 * y][2 * z + 1]
                          + m[2 * y + 1][2 * z] + m[2 * y + 1][2 * z + 1])
                         / 4 for z in range(len(m[0]) // 2)]
                        for y in range(len(m) // 2)] for m in x]
            else:
                out = [m for s in e["in"] for m in maps[s]]
            maps[name] = out
        return maps


def ranges_of(maps):
    out = {}
    for name, x in maps.items():
        flat = [float(p) for m in x for row in m for p in row]
        rms = math.sqrt(sum(p * p for p in flat) / len(flat))
        out[name] = {"max": max(1.0, 2 * max(abs(p) for p in flat)),
                     "rms": max(rms, 0.125), "gain": 0.5}
    return out


def kinds(s):
    """One model for each kind of layer, then a U-Net."""
    def model(name, border="zero", side=8, ring=None):
        m = Model(s, name, border, side, side, ring)
        out.append(m)
        return m
    out = []
    model("conv1").layer("conv", "y", "image", out=1, kernel=1)
    model("conv3").layer("conv", "y", "image", out=1, kernel=3)
    model("conv3_wrap", "wrap", 8, (2, 2)).layer("conv", "y", "image", out=1,
                                                 kernel=3)
    for op in ("square", "batchnorm", "quadratic"):
        m = model(op)
        m.layer("conv", "a", "image", out=2, kernel=1)
        m.layer(op, "b", "a")
        m.layer("conv", "y", "b", out=1, kernel=1)
    m = model("pool")
    m.layer("pool", "c", "image")
    m.layer("tconv", "y", "c", out=1)
    m = model("tconv")
    m.layer("conv", "a", "image", out=2, kernel=1)
    m.layer("square", "b", "a")
    m.layer("pool", "c", "b")
    m.layer("tconv", "d", "c", out=2)
    m.layer("conv", "y", "d", out=1, kernel=1)
    m = model("concat")
    m.layer("conv", "a", "image", out=2, kernel=1)
    m.layer("square", "b", "a")
    m.layer("concat", "c", "image", "b")
    m.layer("conv", "y", "c", out=1, kernel=1)
    m = model("dense", "zero", 2)
    m.layer("conv", "a", "image", out=2, kernel=1)
    m.layer("square", "b", "a")
    m.layer("pool", "c", "b")
    m.layer("dense", "y", "c", out=1)
    m = model("unet", "wrap", 16, (4, 4))
    m.layer("conv", "enc", "image", out=2, kernel=3)
    m.layer("square", "enc2", "enc")
    m.layer("pool", "down", "enc2")
    m.layer("conv", "mid", "down", out=3, kernel=3)
    m.layer("square", "mid2", "mid")
    m.layer("tconv", "up", "mid2", out=2)
    m.layer("concat", "both", "up", "enc2")
    m.layer("conv", "dec", "both", out=2, kernel=3)
    m.layer("square", "dec2", "dec")
    m.layer("conv", "y", "dec2", out=1, kernel=1)
    return out


def network(sets):
    f = File("network", "Index maps of Double Volley Revolver; every kind of "
             "layer; a tiny U-Net.", NOTES)
    s = sets[0]
    f.group(s)
    if not s.c.real:            # where a pixel goes is the same in both rings
        layout(f)
        tiles(f)
    for m in kinds(s):
        count = m.height * m.width
        pixels = list(Stream(s.seed("pixels " + m.name), 0, 0).read(count))
        maps = m.run(pixels)
        logit = [float(p) for row in maps["y"][0] for p in row]
        largest = max(1.0, max(abs(x) for x in logit))
        f.case("network" if m.name == "unet" else "layer", m.name,
               "weights in another order; another border; a mean that is a "
               "sum; the batch norm folded wrongly",
               {"model": m.file(ranges_of(maps)).hex(), "pixels": pixels,
                "height": m.height, "width": m.width,
                "logN": (5 if m.border == "wrap" else 8) - s.c.real},
               [want("layer", "logit", "the model's float weights", logit,
                     largest * 2.0 ** -36),
                want("layer", "twin", "the plan's integer weights on packed "
                     "slots", logit, largest * 2.0 ** -6)])
    return f


def layout(f):
    for ry, rx, gy, gx, batch, pool in ((4, 2, 2, 4, 2, 0), (4, 4, 3, 2, 2, 1),
                                        (1, 1, 3, 4, 1, 0), (4, 8, 2, 1, 3, 2)):
        h, w = ry * gy >> pool, rx * gx >> pool
        phase, slot = [], []
        for b in range(batch):
            for y in range(h):
                for x in range(w):
                    r, q = ry >> pool, rx >> pool
                    phase.append(y % r * q + x % q)
                    slot.append((b * gy + y // r) * gx + x // q)
        f.case("layout", f"rings {ry} x {rx}, grid {gy} x {gx}, {batch} "
               f"images, {pool} poolings", "rings and grid exchanged; a "
               "pooling that halves the grid",
               {"ringY": ry, "ringX": rx, "gridY": gy, "gridX": gx,
                "batch": batch, "pool": pool},
               [want("layout", "phase", "ciphertext of every pixel", phase),
                want("layout", "slot", "slot of every pixel", slot)])


def tiles(f):
    for n in (1, 2, 5):
        out = {}
        for i in range(-13, 14):
            k = abs(i) % (2 * n - 2) if n > 1 else 0
            out[i] = k if k < n else 2 * n - 2 - k
        f.case("reflect", f"{n} pixels", "the edge repeated; one reflection "
               "only", {"n": n, "from": -13},
               [want("layout", "index", "index for -13..13",
                     [out[i] for i in range(-13, 14)])])
    core, halo, batch = (4, 3), 2, 2
    sizes = [(5, 7), (4, 3), (9, 2)]
    where, cut = [], []
    for i, (h, w) in enumerate(sizes):
        for y in range(0, h, core[0]):
            for x in range(0, w, core[1]):
                where += [i, y, x]
    h, w = sizes[0]

    def reflected(i, n):
        i = abs(i) % (2 * n - 2)
        return i if i < n else 2 * n - 2 - i
    for y in range(core[0] - halo, 2 * core[0] + halo):
        for x in range(-halo, core[1] + halo):
            cut.append(100.0 * reflected(y, h) + reflected(x, w))
    f.case("tiles", f"core {core}, halo {halo}, three images",
           "tiles column by column; a halo of zeros; pixels of the tile "
           "below",
           {"coreHeight": core[0], "coreWidth": core[1], "halo": halo,
            "batch": batch, "sizes": [a for s in sizes for a in s],
            "cut": 3},
           [want("layout", "where", "image, y, x of every tile", where),
            want("layout", "sets", "number of sets",
                 [-(-len(where) // 3 // batch)]),
            want("layout", "tile", "pixels of tile 3: 100 y + x of the "
                 "image", cut, 0.0)])
