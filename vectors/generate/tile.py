"""How maps lie in polynomials: docs/conventions.md, "Two parties".

By the text: every tile is looked at, every number has its place; nothing is
walked in rows.  Axes are z, y, x.
"""
import itertools

POINTS = 32


def ceil(a, b):
    return -(-a // b)


class Tiling:
    """c: the convolution, a dict; n: coefficients of a polynomial."""

    def __init__(self, c, n):
        self.n, self.c = n, c
        self.channels = c["in"]
        self.outputs = c["out"] << c["dims"] if c["transposed"] else c["out"]
        points = c["transposed"] or (
            c["kernel"] == [1, 1, 1] and c["stride"] == 1
            and c["before"] == [0, 0, 0] and c["outSize"] == c["size"])
        if points:
            pixels = c["size"][0] * c["size"][1] * c["size"][2]
            self.size = self.out_size = [1, 1, pixels]
            self.kernel, self.before, self.stride = [1, 1, 1], [0, 0, 0], 1
            self.lay([1, 1, ceil(pixels, ceil(pixels, n))])
        else:
            self.size, self.out_size = c["size"], c["outSize"]
            self.kernel, self.before = c["kernel"], c["before"]
            self.stride = c["stride"]
            self.lay(self.best())
        self.pack()

    def lay(self, out):
        """Everything that follows from the outputs of a tile."""
        self.out = out
        self.inputs = [(o - 1) * self.stride + k
                       for o, k in zip(out, self.kernel)]
        self.tiles = [ceil(s, o) for s, o in zip(self.out_size, out)]
        shared = [min(b, max(0, i - b - s)) if t == 1 else 0
                  for i, b, s, t in zip(self.inputs, self.before, self.size,
                                        self.tiles)]
        _, y, x = [i - s for i, s in zip(self.inputs, shared)]
        self.pitch = [x * y, x, 1]
        self.extent = 1 + self.at([i - 1 for i in self.inputs])
        self.first = self.at([k - 1 for k in self.kernel])
        return self.extent <= self.n

    def best(self):
        """Tiles of every shape along x and y, of each as many outputs along z
        as go; the fewest tiles, of those the least extent, of those the first:
        few tiles along x before many, then few along y."""
        z_size, y_size, x_size = self.out_size
        found = []
        for tx, ty in itertools.product(range(1, x_size + 1),
                                        range(1, y_size + 1)):
            x, y = ceil(x_size, tx), ceil(y_size, ty)
            if ceil(x_size, x) != tx or ceil(y_size, y) != ty:
                continue                        # the same as fewer tiles
            fits = [z for z in range(1, z_size + 1) if self.lay([z, y, x])]
            if fits:
                z = ceil(z_size, ceil(z_size, max(fits)))
                self.lay([z, y, x])
                count = self.tiles[0] * self.tiles[1] * self.tiles[2]
                found.append((count, self.extent, tx, ty, [z, y, x]))
        return min(found)[-1]

    def pack(self):
        self.block = max(POINTS, 1 << (self.extent - 1).bit_length())
        self.widen()
        room, costs = self.n // self.block, []
        for i in range(1, min(room, self.channels) + 1):
            o = min(room // i, self.outputs)
            up, down = ceil(self.channels, i), ceil(self.outputs, o)
            costs.append((up * down + 4 * up + 12 * down, i, o))
        _, self.pack_in, self.pack_out = min(costs)
        self.up = ceil(self.channels, self.pack_in)
        self.down = ceil(self.outputs, self.pack_out)

    def widen(self):
        """Rows at multiples of POINTS, where the block has room."""
        z, y, x = self.pitch
        wide = [z // y * ceil(y, POINTS) * POINTS, ceil(y, POINTS) * POINTS, x]
        if self.kernel[0] == self.kernel[1] == 1:
            return
        self.pitch = wide
        if 1 + self.at([i - 1 for i in self.inputs]) > self.block:
            self.pitch = [z, y, x]
        self.extent = 1 + self.at([i - 1 for i in self.inputs])
        self.first = self.at([k - 1 for k in self.kernel])

    def at(self, p):
        return sum(a * b for a, b in zip(p, self.pitch))

    def numbers(self):
        return self.out + self.inputs + self.tiles + self.pitch + [
            self.extent, self.first, self.block, self.pack_in, self.pack_out]

    # ---- places ----------------------------------------------------------------

    def every_tile(self):
        return list(itertools.product(*map(range, self.tiles)))

    def places_in(self, tile):
        """(number of the pixel, coefficient in its block)."""
        out = []
        for p in itertools.product(*map(range, self.inputs)):
            z, y, x = (i + t * o * self.stride - b for i, t, o, b in zip(
                p, tile, self.out, self.before))
            if all(0 <= v < s for v, s in zip((z, y, x), self.size)):
                out.append(((z * self.size[1] + y) * self.size[2] + x,
                            self.at(p)))
        return out

    def places_out(self, tile):
        out = []
        for p in itertools.product(*map(range, self.out)):
            z, y, x = (i + t * o for i, t, o in zip(p, tile, self.out))
            if all(v < s for v, s in zip((z, y, x), self.out_size)):
                at = self.at([i * self.stride + k - 1
                              for i, k in zip(p, self.kernel)])
                out.append(((z * self.out_size[1] + y) * self.out_size[2] + x,
                            at))
        return out

    def taps(self):
        """(number of the tap, coefficient)."""
        out = []
        for k in itertools.product(*map(range, self.kernel)):
            number = (k[0] * self.kernel[1] + k[1]) * self.kernel[2] + k[2]
            out.append((number, self.at([s - 1 - i for s, i in zip(
                self.kernel, k)])))
        return out

    def block_in(self, c):
        return c % self.pack_in * self.block

    def block_out(self, o):
        return (o % self.pack_out * self.pack_in + self.pack_in - 1) \
            * self.block

    def block_weight(self, o, c):
        """block_in of c and this make block_out of o."""
        return self.block_out(o) - self.block_in(c)
