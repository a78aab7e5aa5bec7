"""A model file from an ordinary trained torch.nn.Module: docs/own.md.

    volley_export.py FILE.py:CLASS WEIGHTS.pt IMAGE... -o MODEL.safetensors
        [--border zero|halo|valid|wrap] [--mul M] [--add A] [--name NAME]
        [--foreground WORD] [--classes A,B,...]

or, from Python, export(module, example, path, images=...).  The file is written
only if its own forward equals the module's on the images.  Needed before:
traced.py, net.py, export.py.
"""
import argparse
import copy
import importlib.util
import math
import os
import sys

try:
    import numpy as np
    import torch
except ImportError:
    raise SystemExit("volley_export.py needs PyTorch and numpy: make deps-train (Debian)")

import border as borders
import data
import export as files
import net
import traced
from refusals import Refused

CLOSE = 1e-4            # a logit may differ by this, or by 1e-6 of the largest
LARGEST = 2.0 ** 20     # a value of an image beyond this has exploded
FEW = 8                 # images that gains are measured on
AT_ONCE = 16            # images in one forward
RING = 4                # of border wrap
ROUNDS = 4              # mosaics that every image lies in


# ---- images -----------------------------------------------------------------

def as_pixels(images):
    """Pixels 0..255, float64 [K, C, H, W], of a tensor, an array, or a list of them or of file names."""
    if isinstance(images, (list, tuple)):
        images = [read_image(x) if isinstance(x, (str, os.PathLike)) else torch.as_tensor(x) for x in images]
        sizes = {tuple(x.shape) for x in images}
        if len(sizes) != 1:
            raise Refused("images: %s; want one size and as many channels in all" % (
                "none" if not sizes else " and ".join("x".join(map(str, s)) for s in sorted(sizes)[:2])))
        images = torch.stack(images)
    x = torch.as_tensor(images)
    if x.dim() == 3:
        x = x[:, None]
    if x.dim() != 4 or len(x) == 0:
        raise Refused("images: shape %s, want [K, C, H, W] or [K, H, W]" % list(x.shape))
    if x.is_floating_point() and float(x.abs().max()) <= 1.0:
        raise Refused("images: values up to %.3g; want pixels, 0..255: the module's input is pixel * mul + add"
                      % float(x.abs().max()))
    if float(x.min()) < 0 or float(x.max()) > 255:
        raise Refused("images: values %g to %g, want pixels, 0..255" % (float(x.min()), float(x.max())))
    return x.double()


def read_image(path):
    """[C, H, W] of a grey or colour image of 8 bits."""
    path = os.fspath(path)
    try:
        if path.endswith((".pgm", ".ppm")):
            pixels = data.read_pnm(path)
        else:
            from PIL import Image               # nothing else here needs it
            image = Image.open(path)
            if image.mode not in ("L", "RGB"):
                raise ValueError("mode %s, want 8 bits, grey or RGB" % image.mode)
            pixels = np.array(image)
    except ImportError:
        raise Refused("%s: reading it needs Pillow (make deps-train); PGM and PPM need nothing" % path)
    except (OSError, ValueError) as e:
        raise Refused("%s: %s" % (path, e))
    return torch.from_numpy(pixels.copy()).reshape(*pixels.shape[:2], -1).permute(2, 0, 1)


# ---- borders ----------------------------------------------------------------

def half(v):
    return v // 2


def span(layers, output, y):
    """The rows of the image that row y of the output depends on (nn/layout/halo.c)."""
    spans = {output: (y, y)}
    for layer in reversed(layers):
        if layer["name"] not in spans:
            continue
        lo, hi = spans[layer["name"]]
        op = layer["op"]
        if op == "conv":
            s, r = layer.get("stride", 1), layer["kernel"] // 2
            lo, hi = s * lo - r, s * hi + r
        elif op == "pool":
            lo, hi = 2 * lo, 2 * hi + 1
        elif op == "tconv":
            lo, hi = half(lo), half(hi)
        for x in layer["in"]:
            a, b = spans.get(x, (lo, hi))
            spans[x] = (min(a, lo), max(b, hi))
    return spans["image"]


def halo_of(network, output, step):
    """Pixels round the image that its output depends on, a multiple of step."""
    reach = 0
    for y in range(step):
        lo, hi = span(network.layers, output, y)
        reach = max(reach, y - lo, hi - y)
    return -(-reach // step) * step


def reflected(x, before, step):
    """x with `before` more pixels in front, as many behind as fill steps; the edge is not repeated."""
    for axis in (2, 3):
        n = x.shape[axis]
        at = torch.arange(-before, -(-(n + 2 * before) // step) * step - before) % max(1, 2 * (n - 1))
        x = x.index_select(axis, torch.where(at < n, at, 2 * (n - 1) - at))
    return x


def steps(network):
    """Pixels of the image that one of the coarsest map before a dense layer spans."""
    coarsest, scale = 1, {"image": 1}
    for layer in network.layers:
        if layer["op"] == "dense":
            break
        s = scale[layer["in"][0]]
        s = s * 2 if layer["op"] == "pool" else s // 2 if layer["op"] == "tconv" else s * layer.get("stride", 1)
        scale[layer["name"]] = s
        coarsest = max(coarsest, s)
    return coarsest


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
    """The network of the file on inputs of its border: kept(y) is the part of a result that counts."""

    def __init__(self, network, output, x, kind):
        self.network, self.output, self.kind = network, output, kind
        self.step = steps(network)
        self.height, self.width = x.shape[2:]
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
        return torch.cat([self.kept(self.values(part)[self.output]) for part in x.split(AT_ONCE)])

    def before_dense(self):
        layers = self.network.layers
        kinds = [layer["op"] for layer in layers]
        return layers[:kinds.index("dense")] if "dense" in kinds else layers

    def largest(self, x):
        """The largest |value| of every tensor, on the images and with neighbours beside them."""
        parts, top = x.split(AT_ONCE), {}
        for k, part in enumerate(parts):
            for name, v in self.values(part).items():
                most = float(v.abs().max())
                if not most <= LARGEST:
                    self.exploded(name, most, k * AT_ONCE)
                top[name] = max(top.get(name, 0.0), most)
        if self.kind == "wrap":             # the border is the neighbour
            return top
        rng, pad = np.random.default_rng(0), borders.around if self.kind == "valid" else borders.beside
        for turn in range(ROUNDS):
            for part in parts:
                y = mosaics(self.extended(part), self.step, rng, turn % 2)
                for name, v in net.forward(self.before_dense(), self.network.tensors, y, pad).items():
                    most = float(v.abs().max())
                    if not math.isfinite(most):
                        self.exploded(name, most, None)
                    top[name] = max(top[name], most)
        return top

    def exploded(self, name, most, image):
        what = "not a number (NaN)" if most != most else "infinite" if math.isinf(most) else "up to %.3g" % most
        where = "between neighbouring images" if image is None else "on images from number %d on" % image
        raise Refused("%s (layer %s): values are %s %s; the network explodes: train again with normalisations before "
                      "the squares, short gradients and a cost of peaks (unet/train/README.md)"
                      % (self.network.path[name], name, what, where))

    def ranges(self, x):
        top, result, few = self.largest(x), {}, x[:FEW]
        torch.manual_seed(0)
        values = self.values(few)
        for name, v in values.items():
            rms = float(v.square().mean().sqrt())
            small = 1e-3 * rms or 1e-6
            moved = self.values(few, (name, small * torch.randn(v.shape, dtype=v.dtype)))[self.output]
            gain = float(self.kept(moved - values[self.output]).square().mean().sqrt()) / small
            result[name] = {"max": float("%.7g" % top[name]), "rms": float("%.7g" % rms),
                            "gain": float("%.7g" % gain)}
        return result


def extreme(x, mul, add):
    """Black, white, checkered and random images of the size of x, as inputs."""
    y = (data.extremes(*x.shape[2:]).double() - data.ADD) / data.MUL * mul + add
    return y.repeat(1, x.shape[1], 1, 1)


# ---- the file ---------------------------------------------------------------

def described(module, x, logits, name, border, mul, add, classes, foreground, output):
    """The network's text but for layers and ranges."""
    channels, height, width = x.shape[1:]
    shape = tuple(logits.shape[1:])
    text = {"name": name or type(module).__name__, "border": border}
    if border == "wrap":
        text["ring"] = [RING, RING]
    text["input"] = {"channels": channels, "height": height, "width": width, "mul": float(mul), "add": float(add)}
    text["output"] = {"tensor": output}
    if classes is None and len(shape) == 3 and shape[1:] != (1, 1):
        if shape[0] != 1:
            raise Refused("forward: gives %d channels of %dx%d, segmentation of several classes: not yet; one channel, "
                          "a file for each class" % shape)
        if shape[1:] != (height, width):
            raise Refused("forward: gives a map of %dx%d for an image of %dx%d: not yet; a mask is as large as its "
                          "image (ConvTranspose2d at the end, or padding=k//2)" % (shape[1:] + (height, width)))
        text["output"].update(threshold=0.0, foreground=foreground)
        return text
    if border in ("halo", "wrap"):
        raise Refused("forward: gives classes, under border %s: not yet; border zero or valid" % border)
    if any(n != 1 for n in shape[1:]):
        raise Refused("forward: gives a map of %s, and classes are for one row of logits" % "x".join(map(str, shape)))
    count = max(2, shape[0])
    classes = [str(k) for k in range(count)] if classes is None else list(classes)
    if len(classes) != count or len(set(classes)) != count:
        raise Refused("classes: %d different names for %d logits, want %d"
                      % (len(set(classes)), shape[0], count))
    if count > 64:
        raise Refused("forward: gives %d classes: not yet; at most 64" % count)
    text["output"]["classes"] = classes
    if shape[0] == 1:
        text["output"]["threshold"] = 0.0
    return text


def logits_of(module, x):
    with torch.no_grad():
        return torch.cat([module(part) for part in x.split(AT_ONCE)])


def difference(a, b):
    """(largest difference, largest |a|)"""
    return float((a.reshape(-1) - b.reshape(-1)).abs().max()), float(a.abs().max())


def check(path, want, x, pad, output):
    """The written file against the module: how far its logits are."""
    text, _, tensors = files.load(path)
    tensors = {name: t.double() for name, t in tensors.items()}
    got = torch.cat([net.forward(text["layers"], tensors, part, pad)[output] for part in x.split(AT_ONCE)])
    if got.numel() != want.numel():
        raise Refused("the file gives %d logits, the module %d: a fault of the export; nothing was written"
                      % (got.numel(), want.numel()))
    apart, most = difference(want, got)
    if not apart <= max(CLOSE, 1e-6 * most):
        raise Refused("the file's logits differ from the module's by up to %.3g (of %.3g): nothing was written; does "
                      "forward() depend on more than its input, or has it random parts?" % (apart, most))
    return apart, most


def export(module, example, path, images=None, classes=None, border="zero", mul=1 / 255, add=0.0, name=None,
           foreground="foreground", origin="exported by unet/train/volley_export.py", quiet=False):
    """Writes path, the model file of a trained module; returns what was measured.

    example: an input of the module, [1, C, H, W]; images: pixels 0..255 that
    ranges are measured on, [K, C, H, W] or file names, of the kind the network
    will see; its input is pixel * mul + add.  Refused (ValueError) is what the
    file cannot say, by PyTorch's name and the path in the module.
    """
    if border not in ("zero", "halo", "valid", "wrap"):
        raise Refused("border: %r, want zero, halo, valid or wrap" % (border,))
    if images is None:
        raise Refused("images: none given; ranges are measured on some dozens of the kind the network will see")
    module = copy.deepcopy(module).cpu().eval().double()
    x = as_pixels(images) * mul + add
    example = torch.as_tensor(example)[:1].double().cpu()
    if example.shape[1:] != x.shape[1:]:
        raise Refused("images: %s, the example %s" % (list(x.shape[1:]), list(example.shape[1:])))
    network, output, copies = traced.layers(module, example, border)
    want = logits_of(module, x)
    text = described(module, x, want, name, border, mul, add, classes, foreground, output)
    if border == "wrap" and (x.shape[2] % RING or x.shape[3] % RING or steps(network) > RING):
        raise Refused("border wrap: %dx%d with poolings by %d: not yet; sides are multiples of %d, and as much is "
                      "pooled at most" % (x.shape[2], x.shape[3], steps(network), RING))
    tensors = {k: t.clone() for k, t in network.tensors.items()}
    network.tensors = {k: t.double() for k, t in tensors.items()}
    with torch.no_grad():
        measured = Measured(network, output, x, border)
        ranges = measured.ranges(x)
        odd = beyond(measured, ranges, extreme(x, mul, add))
        at_border = measured.result(x)
    text["layers"], text["ranges"] = network.layers, ranges
    try:
        files.save(path + ".part", text, origin, tensors)
        with torch.no_grad():
            apart, most = check(path + ".part", want, x, borders.valid if border == "valid" else borders.zero, output)
        os.replace(path + ".part", path)
    finally:
        if os.path.exists(path + ".part"):
            os.remove(path + ".part")
    report = {"layers": len(network.layers), "difference": apart, "largest": most, "added": copies,
              "border_difference": difference(want, at_border)[0], "extremes": odd,
              "border_pixels": float(((want > 0).reshape(-1) != (at_border > 0).reshape(-1)).double().mean())}
    if not quiet:
        tell(path, border, report)
    return report


def beyond(measured, ranges, x):
    """(how many times the range of a layer extreme images reach, that layer), the largest."""
    found = (0.0, "image")
    for name, v in measured.values(x).items():
        ratio = float(v.abs().max()) / max(ranges[name]["max"], 1e-30)
        found = max(found, (math.inf if ratio != ratio else ratio, name))
    return found


def tell(path, border, r):
    print("%s: %d layers; logits up to %.4g, from the module's by at most %.1e"
          % (path, r["layers"], r["largest"], r["difference"]))
    if r["added"]:
        print("%d convolutions 1x1 that change nothing were added (%s): each costs a level (docs/own.md)"
              % (len(r["added"]), ", ".join(r["added"])))
    if r["extremes"][0] > 4:
        print("black, white, checkered or random images reach %.3g times the range of layer %s: an image so unlike the "
              "measured ones is out of range, its result worthless" % r["extremes"])
    if border in ("halo", "wrap"):
        print("border %s is not the module's padding: logits differ by up to %.3g, %.2g %% of them change sign"
              % (border, r["border_difference"], 100 * r["border_pixels"]))


# ---- the command ------------------------------------------------------------

def load_class(source):
    """The class of FILE.py:CLASS; the file's own imports find its folder, not this one."""
    path, _, name = source.rpartition(":")
    here = os.path.dirname(os.path.abspath(__file__))
    ours = {k: m for k, m in sys.modules.items()
            if k != "__main__" and os.path.dirname(os.path.abspath(getattr(m, "__file__", None) or "/")) == here}
    for k in ours:
        del sys.modules[k]
    old = sys.path
    sys.path = [os.path.dirname(os.path.abspath(path))] + [p for p in old if os.path.abspath(p or ".") != here]
    try:
        spec = importlib.util.spec_from_file_location("user_network", path)
        if spec is None or not os.path.exists(path):
            raise Refused("%s: want FILE.py:CLASS, a file that is there" % source)
        made = importlib.util.module_from_spec(spec)
        sys.modules["user_network"] = made
        spec.loader.exec_module(made)
    finally:
        sys.path = old
        sys.modules.update(ours)
    if not hasattr(made, name):
        raise Refused("%s: has no class %s" % (path, name))
    return getattr(made, name)


def load_weights(module, path):
    """A state dictionary, alone or in a checkpoint, or a whole module."""
    try:
        state = torch.load(path, map_location="cpu")
        if isinstance(state, torch.nn.Module):
            return state
        for key in ("state_dict", "model_state_dict", "model"):
            if isinstance(state, dict) and isinstance(state.get(key), dict):
                state = state[key]
        module.load_state_dict(state)
    except Exception as e:
        raise Refused("%s: %s" % (path, " ".join(str(e).split())[:300]))
    return module


def main(argv):
    p = argparse.ArgumentParser(description="A model file from a trained PyTorch module (docs/own.md).")
    p.add_argument("network", metavar="FILE.py:CLASS")
    p.add_argument("weights", metavar="WEIGHTS.pt", help="what torch.save wrote; loading it runs what it says: only "
                                                         "files you trust")
    p.add_argument("images", nargs="+", metavar="IMAGE", help="PNG, PGM, PPM of 8 bits: ranges are measured on them")
    p.add_argument("-o", "--out", required=True, metavar="MODEL.safetensors")
    p.add_argument("--border", default="zero", choices=("zero", "halo", "valid", "wrap"))
    p.add_argument("--mul", type=float, default=1 / 255, help="the module's input is pixel * mul + add (1/255)")
    p.add_argument("--add", type=float, default=0.0)
    p.add_argument("--name")
    p.add_argument("--foreground", default="foreground", help="what the mask shows, a word")
    p.add_argument("--classes", help="names of the classes, with commas")
    a = p.parse_args(argv)
    try:
        pixels = as_pixels(a.images)
        module = load_weights(load_class(a.network)(), a.weights)
        export(module, pixels[:1] * a.mul + a.add, a.out, pixels, a.classes and a.classes.split(","), a.border, a.mul,
               a.add, a.name, a.foreground)
    except (Refused, OSError) as e:
        sys.exit("volley_export.py: " + str(e))


if __name__ == "__main__":
    main(sys.argv[1:])
