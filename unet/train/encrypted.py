"""A model file of squares for two parties becomes one for encryption: docs/own.md.

    encrypted.py BLIND.safetensors IMAGES... -o MODEL.safetensors
        [--border halo|zero] [--crop SIDE] [--faint A] [--finer K] [--half]

Same weights, other layers where the forms differ, ranges with neighbours and
gains measured on crops of the images.  What has ReLU, largest values or three
dimensions stays with the two parties, and is refused.  Prints by how much the
logits of crops move.  Needed before: measured.py, given.py, export.py.
"""
import argparse
import math
import os
import sys

try:
    import numpy as np
    import torch
except ImportError:
    raise SystemExit("encrypted.py needs PyTorch and numpy: make deps-train (Debian)")

import export as files
import given
import measured
from refusals import Refused

PARTIES_ONLY = {"relu": "ReLU", "maxpool": "a largest value"}
CROPS = 12              # that ranges are measured on
GAINS = 2               # of them that gains are


class File:
    """Layers and tensors of a file, as measured.py reads them."""

    blind = False

    def __init__(self, layers, tensors):
        self.layers, self.tensors = layers, tensors
        self.path = {name: "layer " + name for name in ["image"] + [layer["name"] for layer in layers]}

    def named(self, name):
        return next((k for k in self.layers if k["name"] == name), None)

    def readers(self, name):
        return [k for k in self.layers if name in k["in"]]

    def values(self, x, name, border):
        """[channels, places] of a tensor on inputs x."""
        run = measured.Measured(self, name, x, border)
        return run.values(x)[name].transpose(0, 1).flatten(1)


def refuse(network):
    """What no ciphertext passes."""
    if "depth" in network["input"]:
        raise Refused("images have three dimensions: not yet; encryption takes slices")
    for layer in network["layers"]:
        if layer["op"] in PARTIES_ONLY:
            raise Refused("layer %s: %s, which encryption does not know: train squares from it (train.py segment "
                          "--activation square --squares-of), or keep it with `volley blind`"
                          % (layer["name"], PARTIES_ONLY[layer["op"]]))


def normalised(layer, weight, bias):
    """A layer that is a factor and a summand a channel, and its vectors."""
    name, zero = layer["name"], torch.zeros_like(bias)
    vectors = {"weight": weight, "bias": bias, "mean": zero, "var": zero + 1}
    return ({"op": "batchnorm", "name": name, "in": layer["in"], "eps": 0.0, **{k: name + "." + k for k in vectors}},
            {name + "." + k: v.float() for k, v in vectors.items()})


# ---- forms ------------------------------------------------------------------

def factors(net):
    """Convolutions of each channel alone, 1x1, cost a level: they become normalisations again."""
    for k, layer in enumerate(net.layers):
        if layer["op"] != "conv" or layer["kernel"] != 1 or layer.get("stride", 1) != 1 or "pad" in layer:
            continue
        weight = net.tensors[layer["weight"]]
        if weight.shape[1] == 1 and layer.get("groups", 1) == len(weight):
            made = normalised(layer, weight[:, 0, 0, 0], net.tensors.pop(layer["bias"]))
            del net.tensors[layer["weight"]]
            net.layers[k] = made[0]
            net.tensors.update(made[1])


def diagonals(net, layer):
    """(a, b) of a 1x1 convolution a x^2 + b x of x^2 and x beside each other, or None."""
    both = net.named(layer["in"][0])
    if layer["op"] != "conv" or layer["kernel"] != 1 or both is None or both["op"] != "concat" or len(both["in"]) != 2:
        return None
    square = net.named(both["in"][0])
    if square is None or square["op"] != "square" or square["in"][0] != both["in"][1] \
            or layer.get("groups", 1) != 1 or len(net.readers(both["name"])) + len(net.readers(square["name"])) != 2:
        return None
    weight = net.tensors[layer["weight"]][:, :, 0, 0].double()
    if weight.shape[1] != 2 * len(weight):
        return None
    a, b = (half.diag() for half in weight.chunk(2, 1))
    return (a, b) if torch.equal(torch.cat([torch.diag(a), torch.diag(b)], 1), weight) else None


def fitted(x, a, b, faint):
    """(a', b', c'): a x^2 + b x with |a'| at least faint, the rest by least squares over x [channels, places]."""
    floor = torch.where(a < 0, -faint, faint).to(a)
    floor = torch.where(a.abs() < faint, floor, a)
    square, mean = x.square(), x.mean(1)
    slope = (x * square).mean(1) - mean * square.mean(1)
    slope = torch.where(floor == a, 0 * a, (a - floor) * slope / x.var(1, unbiased=False).clamp(min=1e-12))
    summand = torch.where(floor == a, 0 * a, (a - floor) * square.mean(1)) - slope * mean
    return floor, b + slope, summand


def completed(net, x, border, faint):
    """Sums of a square and its root are one square, +-(r x + b / 2r)^2 and a summand, r^2 = |a|."""
    for layer in list(net.layers):
        found = diagonals(net, layer)
        if found is None:
            continue
        root = net.named(net.named(layer["in"][0])["in"][1])
        inner = net.values(x, root["name"], border).double()
        a, b, c = fitted(inner, *found, faint)
        c = c + net.tensors[layer["bias"]].double()
        r, name = a.abs().sqrt(), layer["name"]
        square = net.named(net.named(layer["in"][0])["in"][0])
        at = net.layers.index(net.named(layer["in"][0]))
        first = normalised({"name": name + ".root", "in": [root["name"]]}, r, a.sign() * b / (2 * r))
        last = normalised({"name": name, "in": [square["name"]]}, a.sign(), c - b * b / (4 * a))
        for key in ("weight", "bias"):
            del net.tensors[layer[key]]
        square["in"] = [name + ".root"]
        net.layers[net.layers.index(layer)] = last[0]
        net.layers.pop(at)
        net.layers.insert(net.layers.index(square), first[0])
        net.tensors.update(first[1])
        net.tensors.update(last[1])
    net.path = File(net.layers, {}).path


def apart(net):
    """Pixels of the image from one pixel of each map to the next."""
    far = {"image": 1}
    for layer in net.layers:
        far[layer["name"]] = far[layer["in"][0]] * measured.factor(layer)
    return far


def longer(net, layer, **ends):
    """A channel more of a layer's tensors."""
    for key, end in ends.items():
        t = net.tensors[layer[key]]
        net.tensors[layer[key]] = torch.cat([t, torch.full((1,) + t.shape[1:], float(end))])


def ones(net):
    """A summand before a transposed convolution differs from pixel to pixel behind it, which a ring of fewer
    ciphertexts than its pixels lie apart cannot add.  At the deepest map it becomes a channel of ones, squared."""
    far = apart(net)
    for up in [k for k in net.layers if k["op"] == "tconv" and far[k["in"][0]] == max(far.values())]:
        chain, name = [], up["in"][0]
        while len(chain) < 4 and name != "image" and len(net.readers(name)) == 1:
            chain.append(net.named(name))
            name = chain[-1]["in"][0]
        if [k["op"] for k in chain] != ["batchnorm", "square", "batchnorm", "conv"] or chain[3].get("groups", 1) != 1:
            continue
        after, _, before, conv = chain
        vector = {k: net.tensors[after[k]].double() for k in ("weight", "bias", "mean", "var")}
        factor = vector["weight"] / (vector["var"] + after["eps"]).sqrt()
        summand = vector["bias"] - vector["mean"] * factor
        weight = net.tensors[up["weight"]]
        row = (summand[:, None, None, None] * weight.double()).sum(0, keepdim=True).float()
        net.tensors[up["weight"]] = torch.cat([weight, row])
        net.tensors[after["bias"]] = (vector["mean"] * factor).float()
        longer(net, after, weight=1, bias=0, mean=0, var=1 - after["eps"])
        longer(net, before, weight=1, bias=1, mean=0, var=1 - before["eps"])
        longer(net, conv, weight=0, bias=0)


# ---- ranges -----------------------------------------------------------------

def crops(pixels, side, count, step):
    """[count, C, side, side] of images [K, C, H, W], at random places."""
    height, width = (min(side, n) // step * step for n in pixels.shape[2:])
    rng, found = np.random.default_rng(0), []
    for k in range(count):
        top, left = (int(rng.integers(0, n - m + 1)) for n, m in zip(pixels.shape[2:], (height, width)))
        found.append(pixels[k % len(pixels), :, top:top + height, left:left + width])
    return torch.stack(found)


def ranges(net, output, x, border, finer):
    """Of every tensor: largest values on all crops, gains on some."""
    top = measured.Measured(net, output, x, border).largest(x)
    few = measured.Measured(net, output, x[:GAINS], border)
    torch.manual_seed(0)
    result, values = {}, few.values(x[:GAINS])
    for name, v in values.items():
        rms = float(v.square().mean().sqrt())
        numbers = {"max": top[name], "rms": rms, "gain": finer * few.gain(name, values, x[:GAINS], rms)}
        result[name] = {k: float("%.7g" % n) for k, n in numbers.items()}
    return result


def moved(old, new, output, x, border):
    """(largest difference of logits, part of the decisions that change) on crops, under one border."""
    a, b = (measured.Measured(n, output, x, border).result(x) for n in (old, new))
    return float((a - b).abs().max()), float(((a > 0) != (b > 0)).double().mean())


def encrypted(source, path, images, border="halo", crop=64, faint=0.05, finer=1.0, half=True):
    """Writes path; returns (largest difference of logits, part of decisions that change)."""
    network, origin, tensors = files.load(source)
    if network.get("protocol") != "blind":
        raise Refused("%s: is for encryption already (no protocol)" % source)
    if network["border"] not in ("zero", border):
        raise Refused("border %s of a file with border %s: want the same, or zero" % (border, network["border"]))
    if "labels" in network["output"]:
        raise Refused("output has labels: not yet; one channel")
    refuse(network)
    output = network["output"]["tensor"]
    old = File([dict(k) for k in network["layers"]], dict(tensors))
    net = File([dict(k) for k in network["layers"]], dict(tensors))
    source_size = (network["input"]["height"], network["input"]["width"])
    pixels = given.as_pixels(images, network.get("images"), None if border == "halo" else source_size, 2)
    step = measured.steps(net)
    if border == "halo":
        pixels = crops(pixels, crop, CROPS, step)
    x = pixels.float() * network["input"]["mul"] + network["input"]["add"]
    with torch.no_grad():
        factors(net)
        completed(net, x[:4], border, faint)
        if border == "halo":
            ones(net)
        far = moved(old, net, output, x[:4], border)
        text = {k: v for k, v in network.items() if k not in ("protocol", "layers", "ranges")}
        text.update(border=border, layers=net.layers, ranges=ranges(net, output, x, border, finer))
    files.save(path + ".part", text, origin + ". For encryption by unet/train/encrypted.py, border %s" % border,
               net.tensors, half)
    os.replace(path + ".part", path)
    return far


def main(argv):
    p = argparse.ArgumentParser(description="A model file of squares for `volley blind`, as one for encryption.")
    p.add_argument("model", metavar="BLIND.safetensors")
    p.add_argument("images", nargs="+", metavar="IMAGES", help="of the training: ranges are measured on them")
    p.add_argument("-o", "--out", required=True, metavar="MODEL.safetensors")
    p.add_argument("--border", choices=("halo", "zero"), default="halo")
    p.add_argument("--crop", type=int, default=64, metavar="SIDE", help="halo: of what is measured on (64)")
    p.add_argument("--faint", type=float, default=0.05, metavar="A",
                   help="a x^2 + b x has an |a| of at least so much; smaller ones are fitted (0.05)")
    p.add_argument("--finer", type=float, default=1.0, metavar="K",
                   help="gains K times what was measured: a plan with an error that much smaller (1)")
    p.add_argument("--half", action="store_true", help="weights of 16 bits")
    a = p.parse_args(argv)
    try:
        if not (a.crop >= 16 and 0 < a.faint <= 1 and math.isfinite(a.finer) and a.finer >= 1):
            raise Refused("--crop %d, --faint %g, --finer %g: want at least 16, up to 1, at least 1"
                          % (a.crop, a.faint, a.finer))
        most, share = encrypted(a.model, a.out, a.images, a.border, a.crop, a.faint, a.finer, a.half)
    except (Refused, OSError, ValueError) as e:
        sys.exit("encrypted.py: " + str(e))
    print("%s: logits of crops move by up to %.2g, %.2g %% of decisions change" % (a.out, most, 100 * share))


if __name__ == "__main__":
    main(sys.argv[1:])
