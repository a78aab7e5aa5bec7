"""A model file from an ordinary trained torch.nn.Module: docs/own.md.

    volley_export.py FILE.py:CLASS WEIGHTS.pt IMAGES... -o MODEL.safetensors
        [--border zero|halo|valid|wrap] [--mul M] [--add A] [--name NAME]
        [--foreground WORD | --labels A,B,... | --classes A,B,...]
        [--modality WORDS] [--plane P] [--spacing MM[,MM]] [--values KIND]
        [--protocol blind [--size DxHxW]] [--half]

or, from Python, export(module, example, path, images=...).  The file is written
only if its own forward equals the module's on the images.  Needed before:
given.py, traced.py, measured.py, export.py.
"""
import argparse
import copy
import importlib.util
import os
import sys

try:
    import numpy as np
    import torch
except ImportError:
    raise SystemExit("volley_export.py needs PyTorch and numpy: make deps-train (Debian)")

import border as borders
import export as files
import given
import labels as labels_of
import net
import traced
from mapped import by
from measured import RING, Measured, at_once, beyond, extreme, halo_of, steps
from refusals import PARTIES, Refused

LABELS = 16             # of a mask
CLOSE = 1e-4            # a logit may differ by this, or by 1e-6 of the largest
HALF = 0.01


# ---- the file ---------------------------------------------------------------

def described(module, x, logits, name, border, mul, add, expects):
    """The network's text but for its output, layers and ranges."""
    sizes = dict(zip(("depth", "height", "width")[-x.dim() + 2:], x.shape[2:]))
    text = {"name": name or type(module).__name__, "border": border}
    if border == "wrap":
        text["ring"] = [RING, RING]
    text["input"] = {"channels": x.shape[1], **sizes, "mul": float(mul), "add": float(add)}
    if expects:
        text["images"] = expects
    return text


def named(names, count, what, least):
    """The names of classes or labels; without any their numbers."""
    names = [str(k) for k in range(count)] if names is None else [str(n) for n in names]
    if len(names) != count or len(set(names)) != count or not all(names):
        raise Refused("%s: %d different names for %d channels, want %d"
                      % (what, len(set(names)), least, count))
    return names


def segments(shape, size, labels, foreground, tensor):
    """`output` of a network whose result is a map."""
    if shape[1:] != size:
        raise Refused("forward: gives a map of %s for an image of %s: not yet; a mask is as large as its "
                      "image (ConvTranspose2d or Upsample at the end, or padding=k//2)" % (by(shape[1:]), by(size)))
    if shape[0] == 1 and labels is None:
        return {"tensor": tensor, "threshold": 0.0, "foreground": foreground}
    if shape[0] < 2 or shape[0] > LABELS:
        raise Refused("labels: the map has %d channels, want 2..%d, one for each label; one channel has a foreground, "
                      "what lies above 0" % (shape[0], LABELS))
    return {"tensor": tensor, "labels": named(labels, shape[0], "labels", shape[0])}


def classifies(shape, border, classes, tensor):
    """`output` of a network whose result is a row of logits."""
    if border in ("halo", "wrap"):
        raise Refused("forward: gives classes, under border %s: not yet; border zero or valid" % border)
    if any(n != 1 for n in shape[1:]):
        raise Refused("forward: gives a map of %s, and classes are for one row of logits" % by(shape))
    count = max(2, shape[0])
    classes = named(classes, count, "classes", shape[0])
    if count > 64:
        raise Refused("forward: gives %d classes: not yet; at most 64" % count)
    return {"tensor": tensor, "classes": classes, **({"threshold": 0.0} if shape[0] == 1 else {})}


def output_of(shape, size, border, classes, labels, foreground, tensor):
    if classes is not None and labels is not None:
        raise Refused("classes and labels: classes are of images, labels of pixels, want one of them")
    is_map = len(shape) == len(size) + 1 and max(shape[1:]) > 1
    if classes is not None and is_map and shape[0] > 1:
        classes, labels = None, classes     # of pixels
    if labels is not None or classes is None and is_map:
        return segments(shape, size, labels, foreground, tensor)
    return classifies(shape, border, classes, tensor)


def scaled(pixels, mul, add):
    """(the module's input, the file's factor and summand, (factors, summands) from the file's input to the module's).

    Of factors that differ from channel to channel the file has 1/255, and a
    layer does the rest.
    """
    channels = pixels.shape[1]
    mul, add = (torch.as_tensor(v, dtype=torch.float64).reshape(-1) for v in (mul, add))
    for what, v in (("mul", mul), ("add", add)):
        if len(v) not in (1, channels) or not bool(torch.isfinite(v).all()):
            raise Refused("%s: %s, want one number, or one for each of %d channels" % (what, v.tolist(), channels))
    wide = (-1,) + (1,) * (pixels.dim() - 2)
    inputs = pixels * mul.reshape(wide) + add.reshape(wide)
    if len(set(mul.tolist())) == 1 and len(set(add.tolist())) == 1:
        return inputs, float(mul[0]), float(add[0]), None
    return inputs, 1 / 255, 0.0, (255 * mul.expand(channels), add.expand(channels))


def is_volume(size, border, protocol):
    """Whether the input is a volume, where it may be one."""
    if len(size) not in (2, 3):
        raise Refused("example: %d dimensions behind the channels, want [1, C, H, W] or [1, C, D, H, W]" % len(size))
    if len(size) == 3 and not protocol:
        raise Refused("example: a volume of %s: not yet, images have two dimensions%s" % (by(size), PARTIES))
    if len(size) == 3 and border == "halo":
        raise Refused("border halo of volumes: not yet; zero or valid")
    return len(size) == 3


def logits_of(module, x):
    with torch.no_grad():
        return torch.cat([module(part) for part in x.split(at_once(x))])


def difference(a, b):
    """(largest difference, largest |a|)"""
    return float((a.reshape(-1) - b.reshape(-1)).abs().max()), float(a.abs().max())


def decided(logits):
    """What a mask or a class says."""
    return logits.argmax(1) if logits.shape[1] > 1 else (logits > 0).reshape(len(logits), -1)


def check(path, want, x, pad, output, half, rim=0):
    """The written file against the module: (how far its logits are, the largest, the part of decisions that differ);
    weights of F16 may move logits by HALF of the largest.  rim: pixels at the edge that are not compared, since a
    network of border wrap has never seen the zeros there."""
    text, _, tensors = files.load(path)
    tensors = {name: t.double() for name, t in tensors.items()}
    got = torch.cat([net.forward(text["layers"], tensors, part, pad)[output] for part in x.split(at_once(x))])
    if got.numel() != want.numel():
        raise Refused("the file gives %d logits, the module %d: a fault of the export; nothing was written"
                      % (got.numel(), want.numel()))
    got = got.reshape(want.shape)
    if rim and 2 * rim < min(want.shape[2:]):
        want, got = (v[..., rim:-rim, rim:-rim] for v in (want, got))
    apart, most = difference(want, got)
    if not apart <= max(CLOSE, (HALF if half else 1e-6) * most):
        raise Refused("the file's logits differ from the module's by up to %.3g (of %.3g): nothing was written; does "
                      "forward() depend on more than its input, or has it random parts?" % (apart, most))
    return apart, most, float((decided(got) != decided(want)).double().mean())


def export(module, example, path, images=None, classes=None, labels=None, border="zero", mul=1 / 255, add=0.0,
           name=None, foreground="foreground", expects=None, origin="exported by unet/train/volley_export.py",
           quiet=False, protocol=None, half=False):
    """Writes path, the model file of a trained module; returns what was measured.

    example: an input of the module, [1, C, H, W], or for the protocol a volume,
    [1, C, D, H, W].  images: pixels 0..255 that
    ranges are measured on, of the kind the network will see, [K, C, H, W], or
    files and folders of pictures and NIfTI volumes; the module's input is
    pixel * mul + add, numbers or one a channel.  classes: names of the logits
    of a classifier, or as labels: of the channels of a map, background first;
    foreground: of a map of one channel.
    expects: `images` of the model file (docs/model.md), a dictionary of
    "modality", "plane", "spacing", "values", "low", "high".  protocol: "blind"
    for the protocol of two parties, which takes ReLU, largest values and volumes
    (docs/own.md); half: weights as F16, half the file.  Refused
    (ValueError) is what the file cannot say, by PyTorch's name and the path in
    the module.
    """
    if border not in ("zero", "halo", "valid", "wrap"):
        raise Refused("border: %r, want zero, halo, valid or wrap" % (border,))
    if protocol not in (None, "blind"):
        raise Refused("protocol: %r, want \"blind\" or none" % (protocol,))
    if protocol and border == "wrap":
        raise Refused("border wrap with protocol=\"blind\": want zero, halo or valid")
    if images is None:
        raise Refused("images: none given; ranges are measured on some dozens of the kind the network will see")
    module, expects = copy.deepcopy(module).cpu().eval().double(), given.expected(expects)
    example = torch.as_tensor(example)[:1].double().cpu()
    size = tuple(example.shape[2:])
    whole = is_volume(size, border, protocol)
    pixels = given.as_pixels(images, expects, size if border == "halo" or whole else None, 3 if whole else 2)
    inputs, mul, add, first = scaled(pixels, mul, add)
    x = pixels * mul + add
    if example.shape[1:] != x.shape[1:]:
        raise Refused("images: %s, the example %s" % (list(x.shape[1:]), list(example.shape[1:])))
    network, output, copies = traced.layers(module, example, border, first, bool(protocol))
    if half:
        network.tensors = {k: t.half().float() if files.half(t) else t for k, t in network.tensors.items()}
    want = logits_of(module, inputs)
    text = described(module, x, want, name, border, mul, add, expects)
    text["output"] = output_of(tuple(want.shape[1:]), size, border, classes, labels, foreground, output)
    if protocol and "classes" in text["output"]:
        raise Refused("forward: gives classes, with protocol=\"blind\": not yet; masks alone")
    if border == "wrap" and (x.shape[2] % RING or x.shape[3] % RING or steps(network) > RING):
        raise Refused("border wrap: %dx%d with poolings by %d: not yet; sides are multiples of %d, and as much is "
                      "pooled at most" % (x.shape[2], x.shape[3], steps(network), RING))
    with torch.no_grad():
        run, shown = Measured(network, output, x, border, "labels" in text["output"]), x.float()
        ranges = run.ranges(shown)
        odd = beyond(run, ranges, extreme(shown, mul, add))
        at_border = run.result(shown)
        if run.labels:
            ranges[output]["labels"] = labels_of.entries(at_border, ranges[output]["max"])
    if protocol:
        text["protocol"] = protocol
    text["layers"], text["ranges"] = network.layers, ranges
    try:
        files.save(path + ".part", text, origin, network.tensors, half)
        with torch.no_grad():
            apart, most, other = check(path + ".part", want, x, borders.valid if border == "valid" else borders.zero,
                                       output, half, halo_of(network, output, run.step) if border == "wrap" else 0)
        os.replace(path + ".part", path)
    finally:
        if os.path.exists(path + ".part"):
            os.remove(path + ".part")
    report = {"layers": len(network.layers), "difference": apart, "largest": most, "added": copies, "decisions": other,
              "border_difference": difference(want, at_border)[0], "extremes": odd,
              "border_pixels": float((decided(want) != decided(at_border)).double().mean())}
    if not quiet:
        tell(path, border, report, protocol)
    return report


def tell(path, border, r, protocol=None):
    print("%s: %d layers; logits up to %.4g, from the module's by at most %.1e; %.2g %% of decisions differ"
          % (path, r["layers"], r["largest"], r["difference"], 100 * r["decisions"]))
    if r["added"]:
        print("%d convolutions 1x1 that change nothing were added (%s): each costs a level (docs/own.md)"
              % (len(r["added"]), ", ".join(r["added"])))
    if r["extremes"][0] > 4:
        print("black, white, checkered or random images reach %.3g times the range of layer %s: an image so unlike the "
              "measured ones is out of range, its result %s"
              % (r["extremes"] + ("refused" if protocol else "worthless",)))
    if border in ("halo", "wrap"):
        print("border %s is not the module's padding: logits differ by up to %.3g, %.2g %% of decisions change"
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


def numbers(text):
    return [float(v) for v in text.split(",")]


def options(argv):
    p = argparse.ArgumentParser(description="A model file from a trained PyTorch module (docs/own.md).")
    p.add_argument("network", metavar="FILE.py:CLASS")
    p.add_argument("weights", metavar="WEIGHTS.pt", help="what torch.save wrote; loading it runs what it says: only "
                                                         "files you trust")
    p.add_argument("images", nargs="+", metavar="IMAGES", help="pictures, NIfTI volumes, or folders of them, "
                                                               "to measure ranges on")
    p.add_argument("-o", "--out", required=True, metavar="MODEL.safetensors")
    p.add_argument("--border", default="zero", choices=("zero", "halo", "valid", "wrap"))
    p.add_argument("--mul", type=numbers, default=1 / 255, metavar="M[,M,M]",
                   help="the module's input is pixel * mul + add, also channel by channel (1/255)")
    p.add_argument("--add", type=numbers, default=0.0, metavar="A[,A,A]")
    p.add_argument("--size", metavar="[Dx]HxW", help="of the example that is traced; else the first image's; with "
                                                     "depth: volumes as wholes, cut or padded round their middle")
    p.add_argument("--protocol", choices=("blind",), help="blind: for `volley blind`, two parties; takes ReLU, MaxPool "
                                                          "and volumes")
    p.add_argument("--half", action="store_true", help="weights of 16 bits, half the file")
    p.add_argument("--name")
    p.add_argument("--foreground", default="foreground", help="what a mask of one channel shows, a word")
    p.add_argument("--labels", help="what a mask of several channels shows, background first, with commas")
    p.add_argument("--classes", help="names of the classes, with commas")
    p.add_argument("--modality", help="what the images are, in words, for those who use the file")
    p.add_argument("--plane", choices=("axial", "coronal", "sagittal"), help="of the slices of volumes")
    p.add_argument("--spacing", metavar="MM[,MM]", help="of rows and columns; volumes of others are resampled")
    p.add_argument("--values", choices=("percentiles", "window", "full"), help="how values of volumes become 0..255")
    p.add_argument("--low", type=float)
    p.add_argument("--high", type=float)
    return p.parse_args(argv)


def expected(a):
    """--modality and what follows, as `images` of the model file."""
    try:
        mm = [float(v) for v in a.spacing.split(",")] if a.spacing else None
    except ValueError:
        raise Refused("--spacing %s: want mm, or mm between rows,mm between columns" % a.spacing)
    e = {"modality": a.modality, "plane": a.plane, "spacing": mm[0] if mm and len(mm) == 1 else mm, "values": a.values,
         "low": a.low, "high": a.high}
    return given.expected(e) or None


def main(argv):
    a = options(argv)
    try:
        e, size = expected(a), None
        if a.size:
            size = tuple(int(v) for v in a.size.lower().split("x")) if a.size.lower().replace("x", "").isdigit() else ()
            if len(size) not in (2, 3):
                raise Refused("--size %s: want HxW, or DxHxW of volumes" % a.size)
            is_volume(size, a.border, a.protocol)
        module = load_weights(load_class(a.network)(), a.weights)
        if a.border == "halo" and size is None:
            size = tuple(given.read(a.images[0], e)[0].shape[-2:])
        pixels = given.as_pixels(a.images, e, size, 3 if size and len(size) == 3 else 2)
        export(module, scaled(pixels[:1], a.mul, a.add)[0], a.out, pixels, a.classes and a.classes.split(","),
               a.labels and a.labels.split(","), a.border, a.mul, a.add, a.name, a.foreground, e, protocol=a.protocol,
               half=a.half)
    except (Refused, OSError) as e:
        sys.exit("volley_export.py: " + str(e))


if __name__ == "__main__":
    main(sys.argv[1:])
