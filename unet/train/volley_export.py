"""A model file from an ordinary trained torch.nn.Module: docs/own.md.

    volley_export.py FILE.py:CLASS WEIGHTS.pt IMAGE... -o MODEL.safetensors
        [--border zero|halo|valid|wrap] [--mul M] [--add A] [--name NAME]
        [--foreground WORD] [--classes A,B,...]

or, from Python, export(module, example, path, images=...).  The file is written
only if its own forward equals the module's on the images.  Needed before:
traced.py, measured.py, export.py.
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
import data
import export as files
import net
import traced
from measured import AT_ONCE, RING, Measured, beyond, extreme, steps
from refusals import Refused

CLOSE = 1e-4            # a logit may differ by this, or by 1e-6 of the largest


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
        run = Measured(network, output, x, border)
        ranges = run.ranges(x)
        odd = beyond(run, ranges, extreme(x, mul, add))
        at_border = run.result(x)
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
