"""train.py segment: a U-Net from folders of images and masks, to a model file.

    train.py segment --images DIR|'PATTERN' --masks DIR|'PATTERN' --out MODEL.safetensors
        [--test-images .. --test-masks ..] [--classes A,B,..] [--base 8] [--depth 2]
        [--border halo|zero|wrap] [--size H[xW]] [--plane P] [--spacing MM] [--values KIND]
        [--steps N] [--seed N] [--activation square|relu] [--pooling mean|max] [--resume FILE]
        [--protocol blind [--dims 3] [--half]] ...

Files are paired by name: what remains without ending and without -image, _mask,
-label or the like at the end; of a pattern with one star, what the star stands
for.  Masks hold 0 and 255, or the numbers of the classes from 0 on.  Part of the
files, never the test, chooses checkpoint and threshold.  Needed before: fit.py.
"""
import argparse
import os
import sys
import time

import numpy as np
import torch

import fit
import folder
import volley_export
from running import RING
from volumes import PLANES

MANY = 48               # slices that ranges are measured on, half as many of large networks
VOLUMES = 16            # volumes as wholes, each of some dozens of slices
WINDOW = 256            # their largest side, under halo
ADVICE = "a network of ReLU cannot be encrypted: --out NAME.pt keeps it, to be compared or turned into squares; with " \
         "--protocol blind it is one for `volley blind`"


def options(argv):
    p = argparse.ArgumentParser(prog="train.py segment", description=__doc__.split("\n\n", 1)[1],
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--images", required=True, metavar="DIR|PATTERN", help="PNG, JPEG, PGM, PPM, or NIfTI volumes")
    p.add_argument("--masks", required=True, metavar="DIR|PATTERN")
    p.add_argument("--test-images", metavar="DIR|PATTERN", help="scored at the end, seen by nothing before")
    p.add_argument("--test-masks", metavar="DIR|PATTERN")
    p.add_argument("--out", required=True, metavar="FILE", help="MODEL.safetensors; or NAME.pt, the weights alone")
    p.add_argument("--weights", metavar="NAME.pt", help="keep the weights as well, as torch.save writes them")
    p.add_argument("--classes", default="background,foreground", metavar="A,B,...",
                   help="names of mask values 0, 1, ...; two (also 0 and 255): one logit a pixel")
    p.add_argument("--base", type=int, default=8, help="channels of the first stage (8)")
    p.add_argument("--depth", type=int, default=2, help="poolings (2)")
    p.add_argument("--border", choices=("halo", "zero", "wrap"),
                   help="halo: images of any size; zero: of one size, PyTorch's padding; wrap: of one size, the right "
                        "edge's neighbour is the left one's (halo; with --dims 3 zero)")
    p.add_argument("--size", metavar="N|HxW|DxHxW", help="zero, wrap: the images' size, larger ones of whole multiples "
                   "are averaged down; halo: the side of training crops (64); --dims 3: slices, rows and columns that "
                   "volumes are cut or padded to round their middle")
    p.add_argument("--dims", type=int, choices=(2, 3), default=2, help="3: volumes as wholes, for --protocol blind "
                                                                       "(2)")
    p.add_argument("--protocol", choices=("blind",), help="blind: the file is for `volley blind`, two parties, which "
                                                          "knows ReLU, largest values and volumes")
    p.add_argument("--half", action="store_true", help="weights of 16 bits, half the file")
    p.add_argument("--pooling", choices=("mean", "max"), default="mean", help="(mean)")
    p.add_argument("--windows", action="store_true", help="zero: larger images are not averaged down, windows of "
                                                          "--size cover them; where they overlap, scores are averaged")
    p.add_argument("--crop", metavar="N[,M]", help="the side of training crops, and from %.1f of the steps on; of "
                                                   "smaller ones as many more (by default --size)" % fit.CHANGE)
    p.add_argument("--plane", choices=sorted(PLANES), help="volumes: how they are sliced; by default along the third "
                                                           "stored axis")
    p.add_argument("--spacing", metavar="MM[,MM]", help="volumes: mm between rows, columns; others are resampled")
    p.add_argument("--values", choices=("percentiles", "window", "full"),
                   help="volumes: how values become 0..255; percentiles 1 and 99.5 of the volume unless said")
    p.add_argument("--low", type=float)
    p.add_argument("--high", type=float)
    p.add_argument("--modality", default="", metavar="WORDS", help="what the images are, for those who read the file")
    p.add_argument("--flips", choices=("none", "columns", "all"), default="none",
                   help="what may be turned round: nothing, left and right, or everything, by quarter turns too")
    p.add_argument("--turn", type=float, default=0.15, metavar="RAD", help="how far crops are turned (0.15)")
    p.add_argument("--scale", type=float, default=0.15, metavar="LOG", help="how far they are scaled (0.15)")
    p.add_argument("--both", action="store_true", help="Dice of the first class counts as well")
    p.add_argument("--hold", metavar="NAME,...", help="files that choose the checkpoint: names that begin so (default: "
                                                      "every fifth)")
    p.add_argument("--fold", type=int, default=1, metavar="K", help="which fifth, 1..5 (1)")
    p.add_argument("--steps", type=int, default=1200)
    p.add_argument("--batch", type=int, default=8)
    p.add_argument("--rate", type=float, default=fit.RATE, help="top of the learning rate (%g)" % fit.RATE)
    p.add_argument("--norm", type=float, default=fit.NORM, help="longest gradient (%g)" % fit.NORM)
    p.add_argument("--hard", type=int, default=fit.HARD, metavar="N",
                   help="side of the crops with extreme patterns; large ones keep such images in range (%d)" % fit.HARD)
    p.add_argument("--freeze", type=float, default=fit.FREEZE, metavar="PART",
                   help="part of the steps after which the statistics of normalisations stand (%g)" % fit.FREEZE)
    p.add_argument("--settle", type=float, default=fit.SETTLE, metavar="PART",
                   help="part of the steps after which checkpoints are chosen (%g)" % fit.SETTLE)
    p.add_argument("--bfloat16", action="store_true", help="convolutions in numbers of 8 bits: several times as fast "
                                                           "on processors that have them")
    p.add_argument("--resume", metavar="FILE", help="the state of the training is kept there every %d minutes; where "
                                                    "it is, the training goes on from it" % (fit.KEEP // 60))
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--squares-of", metavar="NAME.pt", help="a network of ReLU of these options, trained before, that "
                                                           "becomes one of squares instead of a new one")
    p.add_argument("--activation", choices=("square", "relu"), default="square")
    p.add_argument("--origin", help="what the file says of data and licence")
    p.add_argument("--name", help="of the network (the out file's)")
    a = p.parse_args(argv)
    a.border = a.border or ("halo" if a.dims == 2 else "zero")
    return a


def need(good, text):
    if not good:
        raise ValueError(text)


def size_of(text, border, dims=2):
    """(height, width), or of halo a number or None; of volumes (depth, height, width)."""
    if dims == 3:
        sides = [int(v) if v.isdigit() else 0 for v in (text or "").lower().split("x")]
        need(len(sides) == 3 and all(0 < v <= 4096 for v in sides), "--size %s: with --dims 3 want DxHxW" % text)
        return tuple(sides)
    if text is None:
        need(border == "halo", "--border %s: wants --size" % border)
        return None
    parts = text.lower().split("x")
    need(len(parts) <= 2 and all(v.isdigit() and 0 < int(v) <= 4096 for v in parts), "--size %s: want N or HxW" % text)
    sides = [int(v) for v in parts]
    if border == "halo":
        need(len(sides) == 1 and sides[0] >= 32, "--size %s: with halo the side of crops, 32 or more" % text)
        return sides[0]
    return sides[0], sides[-1]


def sides_of(text, size, s_step):
    """(early, late) sides of training crops."""
    if text is None:
        return 2 * ((size if isinstance(size, int) else min(size)) if size else 64,)
    parts = text.split(",")
    need(len(parts) <= 2 and all(v.isdigit() and 0 < int(v) <= 4096 and int(v) % s_step == 0 for v in parts),
         "--crop %s: want N or N,M, multiples of %d" % (text, s_step))
    return int(parts[0]), int(parts[-1])


def expected(a):
    """`images` of the model file (docs/model.md); None where nothing was said."""
    spec = {}
    if a.modality:
        need(len(a.modality.encode()) <= 63, "--modality: %d bytes, at most 63" % len(a.modality.encode()))
        spec["modality"] = a.modality
    if a.plane:
        spec["plane"] = a.plane
    if a.spacing:
        try:
            mm = [float(v) for v in a.spacing.split(",")]
        except ValueError:
            mm = []
        need(len(mm) in (1, 2) and all(0.001 <= v <= 1000 for v in mm), "--spacing %s: want MM or MM,MM" % a.spacing)
        spec["spacing"] = [mm[0], mm[-1]]
    kind = a.values or "percentiles"
    if a.values or a.low is not None or a.high is not None:
        spec["values"] = kind
        if kind == "full":
            need(a.low is None and a.high is None, "--values full: takes no --low, --high")
        else:
            need(kind == "percentiles" or None not in (a.low, a.high), "--values window: wants --low and --high")
            spec["low"] = 1.0 if a.low is None else a.low
            spec["high"] = 99.5 if a.high is None else a.high
            need(spec["low"] < spec["high"], "--low %g, --high %g: want low < high" % (spec["low"], spec["high"]))
            need(kind == "window" or 0 <= spec["low"] < spec["high"] <= 100,
                 "--low %g, --high %g: want percentiles, 0..100" % (spec["low"], spec["high"]))
    return spec or None


def parted(pairs, a):
    """(pairs to train on, pairs that choose); by file, so that slices of one volume stay together."""
    need(len(pairs) >= 2, "%s: %d pair, want two or more: one is kept to choose the checkpoint" % (
        a.images, len(pairs)))
    if a.hold:
        held = [p for p in pairs if p.name.startswith(tuple(a.hold.split(",")))]
        need(held, "--hold %s: no pair's name begins so; there are %s ..." % (
            a.hold, ", ".join(p.name for p in pairs[:4])))
    else:
        need(1 <= a.fold <= 5, "--fold %d: want 1..5" % a.fold)
        held = [p for k, p in enumerate(pairs) if k % 5 == a.fold - 1] or pairs[:1]
    part = [p for p in pairs if p not in held]
    need(part, "--hold %s: nothing is left to train on" % a.hold)
    return part, held


def one_size(pairs, s):
    """Some dozens of slices as pixels [K, C, H, W]; under halo all of one size, the largest slice's (a plan then takes
    a slice as one tile), at most WINDOW: reflected where they are smaller, windows where they are larger."""
    slices = [x for p in pairs for x in p.pixels]
    many = min(VOLUMES if s.dims == 3 else MANY if s.base < 32 else MANY // 2, len(slices))
    slices = [slices[k] for k in np.linspace(0, len(slices) - 1, many).astype(int)]
    if s.border != "halo" and not s.cut:
        return np.stack(slices)
    largest = [max(x.shape[d] for x in slices) for d in (1, 2)]
    sides = s.size if s.cut else [min(WINDOW, -(-n // s.step) * s.step) for n in largest]
    rng = np.random.default_rng(0)
    return np.stack([window(x, sides, rng) for x in slices])


def window(x, sides, rng):
    """x [C, H, W], cut at random or extended by reflected rows and columns behind it, to the sides."""
    for axis, m in zip((1, 2), sides):
        n = x.shape[axis]
        at = (np.arange(m) + rng.integers(0, max(1, n - m + 1))) % max(1, 2 * (n - 1))
        x = x.take(np.where(at < n, at, 2 * (n - 1) - at), axis)
    return x


def scores(text, names, found):
    pooled, each = found
    print(text + "  ".join("%s %.4f" % v for v in zip(names[-len(pooled):], pooled))
          + ("  mean %.4f" % pooled.mean() if len(pooled) > 1 else "") + "  (mean of files "
          + "  ".join("%.4f" % v for v in each) + ")", flush=True)
    return pooled


def write(a, net, p, result):
    if a.out.endswith(".pt"):
        torch.save(net.state_dict(), a.out)
        return
    pixels = one_size(p.part, p.s)
    origin = a.origin or "unet/train/train.py segment, %d files" % len(p.part)
    origin += ", %d steps, seed %d" % (a.steps, a.seed)
    if result is not None:
        origin += "; test Dice " + ", ".join("%s %.4f" % v for v in zip(p.names[-len(result):], result))
    volley_export.export(net, fit.to_input(pixels[:1]), a.out, pixels, border=p.s.border, mul=fit.MUL, add=fit.ADD,
                         name=a.name or os.path.splitext(os.path.basename(a.out))[0], foreground=p.names[1],
                         labels=p.names if p.s.classes > 2 else None, expects=p.spec, origin=origin,
                         protocol=a.protocol, half=a.half)


class Prepared:
    """What the options say: names of the classes, Settings, `images` of the model file, and Pairs to train on, that
    choose, and that test (or None)."""

    def __init__(self, names, s, spec, part, held, tests):
        self.names, self.s, self.spec, self.part, self.held, self.tests = names, s, spec, part, held, tests


def settings(a, classes):
    """The options as fit.Settings."""
    size, step = size_of(a.size, a.border, a.dims), 2 ** a.depth
    for n in (size,) if isinstance(size, int) else size or ():
        need(n % step == 0, "--size %s: want a multiple of %d" % (a.size, step))
    need(a.hard > 0 and a.hard % step == 0, "--hard %d: want a multiple of %d" % (a.hard, step))
    need(a.border == "zero" or not a.windows, "--windows: goes with --border zero")
    need(a.dims == 2 or a.border == "zero", "--border %s: with --dims 3 want zero" % a.border)
    need(a.dims == 2 or not (a.windows or a.crop), "--windows, --crop: of images, not with --dims 3")
    need(a.border != "wrap" or step == RING, "--border wrap: wants --depth %d" % (RING.bit_length() - 1))
    return fit.Settings(classes, a.base, a.depth, a.border, a.activation, a.steps, size, a.batch, a.flips, a.turn,
                        a.seed, sides_of(a.crop, size, step), a.scale, a.rate, a.norm, a.settle, a.both, a.windows,
                        a.bfloat16, a.dims, a.pooling, a.hard, a.freeze)


def prepared(a):
    names = a.classes.split(",")
    need(2 <= len(names) <= 16 and len(set(names)) == len(names) and all(names),
         "--classes %s: want 2 to 16 different names" % a.classes)
    need((a.test_images is None) == (a.test_masks is None), "--test-images and --test-masks: both or none")
    need(1 <= a.depth <= 4 and 1 <= a.base <= 64 and a.steps >= 20 and a.batch >= 1,
         "--depth 1..4, --base 1..64, --steps from 20 on")
    spec, s = expected(a), settings(a, len(names))
    shrink, whole = None if a.border == "halo" or a.windows or a.dims == 3 else s.size, s.size if a.dims == 3 else None
    pairs = folder.load(a.images, a.masks, len(names), spec, shrink, whole)
    tests = folder.load(a.test_images, a.test_masks, len(names), spec, shrink, whole) if a.test_images else None
    need(not tests or tests[0].pixels.shape[1] == pairs[0].pixels.shape[1],
         "--test-images: other channels than --images")
    for p in pairs + (tests or []) if a.border != "halo" and a.dims == 2 else ():
        h, w = p.pixels.shape[2:]
        need((h, w) == s.size or a.windows and h >= s.size[0] and w >= s.size[1],
             "%s: %dx%d, --size says %dx%d; border halo takes any" % (p.name, h, w, *s.size))
    return Prepared(names, s, spec, *parted(pairs, a), tests)


def trained(path, p):
    """The network of ReLU of a file of weights."""
    need(p.s.act == "square" and p.s.border != "wrap", "--squares-of: takes no --activation relu, no --border wrap")
    net = fit.network_of(p.part[0].pixels.shape[1], p.s, "relu")
    try:
        net.load_state_dict(torch.load(path))
    except Exception as e:
        raise ValueError("%s: not the weights of this network (%s)" % (path, " ".join(str(e).split())[:100]))
    return net.eval()


def run(a):
    need(a.out.endswith((".pt", ".safetensors")), "--out %s: want NAME.safetensors or NAME.pt" % a.out)
    free = a.protocol or a.out.endswith(".pt")
    need(a.activation == "square" or free, ADVICE)
    need(a.pooling == "mean" or free, "--pooling max: cannot be encrypted; with --protocol blind")
    need(a.dims == 2 or free, "--dims 3: not yet encrypted; with --protocol blind")
    need(not a.protocol or a.border != "wrap", "--border wrap: with --protocol blind want halo or zero")
    need(os.path.isdir(os.path.dirname(a.out) or "."), "--out %s: no such folder" % a.out)
    p = prepared(a)
    print("%d pairs, %d %s to train on; %d pairs choose: %s%s" % (
        len(p.part), sum(len(v.labels) for v in p.part), "slices" if a.dims == 2 else "volumes", len(p.held),
        ", ".join(v.name for v in p.held[:3]), " ..." if len(p.held) > 3 else ""), flush=True)
    start = time.time()
    net, _ = fit.train(p.part, p.held, p.s, resume=a.resume, old=trained(a.squares_of, p) if a.squares_of else None)
    scores("validation  ", p.names, fit.tested(net, p.s, p.held, p.spec or {}))
    result = scores("test  ", p.names, fit.tested(net, p.s, p.tests, p.spec or {})) if p.tests else None
    if a.weights:
        torch.save(net.state_dict(), a.weights)
    write(a, net, p, result)
    print("%s: %.0f s" % (a.out, time.time() - start))


def main(argv):
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        run(options(argv))
    except (ValueError, OSError) as e:
        sys.exit("train.py segment: %s" % e)
