"""Ranges of an exported network (docs/model.md), measured under each border.

Values of images with what the border means around them, and of mosaics of
images, since neighbours share ciphertexts; for the protocol of two parties of
the images alone.  Needed before: border.py, net.py, export.py.
"""
import math
from fractions import Fraction

import numpy as np
import torch

import border as borders
import data
import net
from refusals import Refused

LARGEST = 2.0 ** 20     # a value of an image beyond this has exploded
FEW, PIXELS = 8, 2 ** 16                # images that gains are measured on, at most, and their pixels
AT_ONCE, LEAST = 16, 4  # images in one forward, at most and at least: of four a mosaic is made
VOXELS = 2 ** 18        # pixels or voxels in one forward
RING = 4                # of border wrap
ROUNDS = 4              # mosaics that every image lies in
DRAWS = 4               # of noise, for a gain
WORST = 8               # a pixel's gain may be so many times that of all: decryption refuses errors of 64 times it


def at_once(x):
    """Images, or volumes, in one forward: all of its values are kept."""
    return max(LEAST if x.dim() == 4 else 1, min(AT_ONCE, VOXELS // math.prod(x.shape[2:])))


# ---- borders ----------------------------------------------------------------

def spread(layer, axis, lo, hi):
    """The rows (columns: axis 1) of a layer's input that rows lo..hi of its output depend on (nn/layout/halo.c)."""
    op = layer["op"]
    if op == "conv":
        w, s = borders.window(layer), layer.get("stride", 1)
        before, reach = ((w.top, w.down), (w.left, w.across))[axis]
        return s * lo - before, s * hi - before + reach
    if op in ("pool", "maxpool"):
        n = borders.pair(layer.get("size", 2))[axis]
        return n * lo, n * hi + n - 1
    if op == "tconv" and layer.get("kernel", 2) == 4 or op == "upsample" and layer["mode"] == "bilinear":
        return (lo - 1) // 2, (hi + 1) // 2
    if op in ("tconv", "upsample"):
        return lo // 2, hi // 2
    return lo, hi


def span(layers, output, y, axis):
    """The rows (columns) of the image that row y of the output depends on."""
    spans = {output: (y, y)}
    for layer in reversed(layers):
        if layer["name"] not in spans:
            continue
        lo, hi = spread(layer, axis, *spans[layer["name"]])
        for x in layer["in"]:
            a, b = spans.get(x, (lo, hi))
            spans[x] = (min(a, lo), max(b, hi))
    return spans["image"]


def halo_of(network, output, step):
    """Pixels round the image that its output depends on, a multiple of step."""
    reach = 0
    for axis in (0, 1):
        for y in range(step):
            lo, hi = span(network.layers, output, y, axis)
            reach = max(reach, y - lo, hi - y)
    return -(-reach // step) * step


def reflected(x, before, step):
    """x with `before` more pixels in front, as many behind as fill steps; the edge is not repeated."""
    for axis in (2, 3):
        n = x.shape[axis]
        at = torch.arange(-before, -(-(n + 2 * before) // step) * step - before) % max(1, 2 * (n - 1))
        x = x.index_select(axis, torch.where(at < n, at, 2 * (n - 1) - at))
    return x


def shared(network):
    """The layers whose values pixels of neighbours reach: up to the first that takes a whole map to one place."""
    for k, layer in enumerate(network.layers):
        if layer["op"] == "dense" or isinstance(layer.get("size"), list):
            return network.layers[:k]
    return network.layers


def factor(layer):
    """How much further apart pixels are behind a layer."""
    op = layer["op"]
    return layer.get("size", 2) if op in ("pool", "maxpool") else Fraction(1, 2) if op in ("tconv", "upsample") \
        else layer.get("stride", 1)


def steps(network):
    """A number of pixels of the image that is a whole number of pixels of every map."""
    step, scale = 1, {"image": Fraction(1)}
    for layer in shared(network):
        s = scale[layer["name"]] = scale[layer["in"][0]] * factor(layer)
        step = step * s.numerator // math.gcd(step, s.numerator)
    return step


def reach(network):
    """How far beyond the edge of its map a kernel reads at most, in pixels of the image."""
    far, scale = 0, {"image": Fraction(1)}
    for layer in shared(network):
        s, op = scale[layer["in"][0]], layer["op"]
        if op == "conv":
            w = borders.window(layer)
            far = max(far, s * max(w.down, w.across))
        elif op in ("tconv", "upsample"):
            far = max(far, 2 * s)
        scale[layer["name"]] = s * factor(layer)
    return math.ceil(far)


def mosaics(x, step, rng, gap):
    """Images as mosaics of 2x2, moved around by up to step; what lies between them is 0 (mosaic.py)."""
    c, height, width = x.shape[1:]
    x = x[torch.from_numpy(np.resize(rng.permutation(len(x)), -(-len(x) // 4) * 4))]
    h, w = (-(-height // step) + gap) * step, (-(-width // step) + gap) * step
    y = torch.zeros(len(x) // 4, c, 2, h, 2, w, dtype=x.dtype)
    y[:, :, :, :height, :, :width] = x.reshape(-1, 2, 2, c, height, width).permute(0, 3, 1, 4, 2, 5)
    y = y.reshape(len(x) // 4, c, 2 * h, 2 * w)
    return y.roll(tuple(int(v) for v in rng.integers(0, step, 2)), (2, 3))


# ---- ranges -----------------------------------------------------------------

class Measured:
    """The network of the file on inputs of its border: kept(y) is the part of a result that counts.

    x [K, C, H, W], or of volumes, which have no halo, [K, C, D, H, W].
    """

    def __init__(self, network, output, x, kind, labels=False):
        self.network, self.output, self.kind, self.labels = network, output, kind, labels
        self.step = steps(network)
        self.height, self.width = x.shape[-2:]
        self.halo = halo_of(network, output, self.step) if kind == "halo" else 0
        self.pad = {"wrap": borders.wrap(RING), "valid": borders.valid}.get(kind, borders.zero)

    def extended(self, x):
        return reflected(x, self.halo, self.step) if self.kind == "halo" else x

    def values(self, x, change=None):
        return net.forward(self.network.layers, self.network.tensors, self.extended(x), self.pad, change=change)

    def kept(self, y):
        h = self.halo
        return y[..., h:h + self.height, h:h + self.width] if self.kind == "halo" else y

    def result(self, x):
        return torch.cat([self.kept(self.values(part)[self.output]) for part in x.split(at_once(x))])

    def largest(self, x):
        """The largest |value| of every tensor, on the images and with neighbours beside them."""
        parts, top = x.split(at_once(x)), {}
        for k, part in enumerate(parts):
            for name, v in self.values(part).items():
                most = float(v.abs().max())
                if not most <= LARGEST:
                    self.exploded(name, most, k * at_once(x))
                top[name] = max(top.get(name, 0.0), most)
        if self.kind == "wrap" or self.network.blind:       # the border is the neighbour, or there is none
            return top
        rng, pad = np.random.default_rng(0), borders.around if self.kind == "valid" else borders.beside
        for turn in range(1 if self.kind == "zero" else ROUNDS):
            for part in parts:
                if self.kind == "zero":
                    y, pad = self.framed(part)
                else:
                    y = mosaics(self.extended(part), self.step, rng, turn % 2)
                for name, v in net.forward(shared(self.network), self.network.tensors, y, pad).items():
                    most = float(v.abs().max())
                    if not math.isfinite(most):
                        self.exploded(name, most, None)
                    top[name] = max(top[name], most)
        return top

    def framed(self, x):
        """Images with the margin of zeros that border zero packs (docs/12-volley.md), and its border: what a kernel
        reads beyond a map is 0, and what it gives there counts, since it is squared before the next one clears it."""
        far = -(-reach(self.network) // self.step) * self.step
        height, width = (-(-n // self.step) * self.step + far for n in x.shape[2:])

        def pad(y, level, window):
            inside = torch.zeros_like(y)
            h, w = -(-x.shape[2] * y.shape[2] // height), -(-x.shape[3] * y.shape[3] // width)
            inside[..., :h, :w] = y[..., :h, :w]
            return borders.beside(inside, level, window)
        return torch.nn.functional.pad(x, [0, width - x.shape[3], 0, height - x.shape[2]]), pad

    def exploded(self, name, most, image):
        what = "not a number (NaN)" if most != most else "infinite" if math.isinf(most) else "up to %.3g" % most
        where = "between neighbouring images" if image is None else "on images from number %d on" % image
        raise Refused("%s (layer %s): values are %s %s; the network explodes: train again with normalisations before "
                      "the squares, short gradients and a cost of peaks (unet/train/README.md)"
                      % (self.network.path[name], name, what, where))

    def change(self, few, values, name, small):
        """What noise of rms `small` in a tensor changes: every logit, and of labels the difference of every two."""
        noise = small * torch.randn(values[name].shape, dtype=few.dtype)
        y = self.kept(self.values(few, (name, noise))[self.output] - values[self.output]) / small
        if self.labels:
            y = torch.cat([y] + [y[:, i:i + 1] - y[:, :i] for i in range(1, y.shape[1])], 1)
        return y

    def gain(self, name, values, few, rms):
        """The change of a logit for noise of rms 1 here: of all, or of the worst place if it is far beyond."""
        small = 1e-3 * rms or 1e-6
        total = sum(self.change(few, values, name, small).square() for _ in range(DRAWS)) / DRAWS
        each = total.mean((0, 2, 3)) if self.labels else total.mean()
        return max(float(each.max()), float(total.max()) / WORST ** 2) ** 0.5

    def ranges(self, x):
        top, result = self.largest(x), {}
        few = x[::-(-len(x) // max(1, min(FEW, PIXELS // math.prod(x.shape[2:]))))]
        torch.manual_seed(0)
        values = self.values(few)
        for name, v in values.items():
            rms = float(v.square().mean().sqrt())
            gain = 1.0 if self.network.blind else self.gain(name, values, few, rms)     # exact integers have no noise
            result[name] = {"max": float("%.7g" % top[name]), "rms": float("%.7g" % rms), "gain": float("%.7g" % gain)}
        return result


def extreme(x, mul, add):
    """Black, white, checkered and random images of the size of x, as inputs."""
    y = (data.extremes(*x.shape[-2:]).to(x.dtype) - data.ADD) / data.MUL * mul + add
    return y.reshape(len(y), *[1] * (x.dim() - 3), *y.shape[2:]).expand(len(y), *x.shape[1:])


def beyond(run, ranges, x):
    """(how many times the range of a layer extreme images reach, that layer), the largest."""
    found = (0.0, "image")
    for name, v in run.values(x).items():
        ratio = float(v.abs().max()) / max(ranges[name]["max"], 1e-30)
        found = max(found, (math.inf if ratio != ratio else ratio, name))
    return found
