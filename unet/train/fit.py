"""A U-Net is trained on pairs of images and masks, and scored.

Needed before: folder.py, module.py, running.py, volley_train.py.
"""
import contextlib
import itertools
import json
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

import squared
from cubes import Cubes
from measured import reflected
from module import UNet
from running import running
from volley_train import FREEZE, LIMIT, NORM, PULL, excess, square_recipe

MUL, ADD = 1 / 128, -1.0        # the network's input is pixel * MUL + ADD
MARGIN = 8              # halo: pixels at a crop's edge that are not scored
RATE = 0.006            # top of the learning rate
SETTLE = 0.9            # part of the steps after which the checkpoint is taken
CHANGE = 0.6            # part of the steps with early crops
CHECKS = 4              # validations between SETTLE and the end
KEEP = 240              # seconds after which the state is kept anew
HARD = 32               # side of the crops with extreme patterns
AT_ONCE = 16            # slices in one forward


class Settings:
    """What a training is told; every field is an option of train.py segment.

    border "zero" has the images' size, or with cut the size of the windows that
    cover them; "wrap" the images' size; "halo" takes images of any.
    sides: of the training crops, the early and the late ones.
    """

    def __init__(self, classes=2, base=8, depth=2, border="halo", act="square", steps=1200, size=None, batch=8,
                 flips="none", turn=0.15, seed=0, sides=None, scale=0.15, rate=RATE, norm=NORM, settle=SETTLE,
                 both=False, cut=False, bfloat16=False, dims=2, pool="mean", hard=HARD, freeze=FREEZE):
        self.classes, self.base, self.depth, self.border, self.act = classes, base, depth, border, act
        self.steps, self.size, self.batch, self.flips, self.turn, self.seed = steps, size, batch, flips, turn, seed
        self.scale, self.rate, self.norm, self.settle = scale, rate, norm, settle
        self.both, self.cut, self.bfloat16, self.dims, self.pool = both, cut, bfloat16, dims, pool
        self.hard, self.freeze = hard, freeze
        self.step = 2 ** depth
        reach = 7 * self.step - 5               # pixels a pixel's result depends on, each side
        self.halo = -(-reach // self.step) * self.step if border == "halo" else 0
        self.sides = sides or 2 * (size[0] if border == "zero" else 64,)
        self.first = 0 if both else 1           # the class from which on Dice counts


def to_input(pixels):
    return torch.from_numpy(np.ascontiguousarray(pixels, np.float32)) * MUL + ADD


def starts(whole, part):
    """Where windows begin that cover a side: as few as do, at equal distances."""
    return np.linspace(0, whole - part, -(-whole // part)).round().astype(int)


def covered(net, x, size):
    """Logits of images [K, C, H, W] by windows of a size; where they overlap the mean."""
    total, count = 0, torch.zeros(x.shape[2:])
    for top in starts(x.shape[2], size[0]):
        for left in starts(x.shape[3], size[1]):
            at = np.s_[..., top:top + size[0], left:left + size[1]]
            z = net(x[at]).float()
            if not torch.is_tensor(total):
                total = torch.zeros(z.shape[:2] + x.shape[2:])
            total[at] += z
            count[at] += 1
    return total / count


def logits(net, s, pixels):
    """Logits [K, outputs, (D,) H, W] of slices or volumes [K, C, (D,) H, W] of 0..255."""
    net.eval()
    h, (height, width), out = s.halo, pixels.shape[-2:], []
    with torch.no_grad():
        for part in to_input(pixels).split(AT_ONCE if s.base < 32 and s.dims == 2 else 1):
            if s.cut:
                out.append(covered(net, part, s.size))
                continue
            x = reflected(part, h, s.step) if s.border == "halo" else part
            out.append(net(x)[..., h:h + height, h:h + width].float())
    return torch.cat(out)


def mask_of(z, threshold=0.0):
    """Labels uint8 [K, (D,) H, W] of logits."""
    return (z.argmax(1) if z.shape[1] > 1 else (z[:, 0] > threshold)).to(torch.uint8).numpy()


def counts(mask, label, s):
    """[classes, 3]: pixels of both, of the mask, of the label, for each class that counts."""
    return np.array([[((mask == k) & (label == k)).sum(), (mask == k).sum(), (label == k).sum()]
                     for k in range(s.first, s.classes)], float)


def dice(c):
    return 2 * c[..., 0] / np.maximum(1, c[..., 1] + c[..., 2])


# ---- crops ------------------------------------------------------------------

class Crops:
    """Random crops of slices, turned, scaled, their grey values varied."""

    def __init__(self, pairs, s):
        self.slices = [(to_input(x), torch.from_numpy(y.astype(np.float32))[None])
                       for p in pairs for x, y in zip(p.pixels, p.labels)]
        self.marked = [np.argwhere(y[0].numpy() > 0) for _, y in self.slices]
        self.full = [k for k, m in enumerate(self.marked) if len(m)]
        self.s, self.whole = s, s.border == "zero" and not s.cut

    def place(self, rng, side):
        """(slice, row, column) of a crop's middle: half of them near a marked pixel; of whole images about the middle;
        and where nothing is turned or scaled so that the crop's pixels are the image's."""
        k = int(rng.integers(len(self.slices)))
        h, w = self.slices[k][0].shape[1:]
        if self.s.turn == self.s.scale == 0:
            return (k, *((side - 1) / 2 + rng.integers(0, max(1, n - side + 1)) for n in (h, w)))
        if self.whole:
            return k, (h - 1) / 2 + rng.normal(0, 0.05 * h), (w - 1) / 2 + rng.normal(0, 0.05 * w)
        if self.full and rng.random() < 0.5:
            k = self.full[rng.integers(len(self.full))]
            y, x = self.marked[k][rng.integers(len(self.marked[k]))] + rng.normal(0, side / 8, 2)
            return k, y, x
        return k, rng.uniform(0, h - 1), rng.uniform(0, w - 1)

    def batch(self, rng, side, count):
        """(x [count, C, side, side], y int64 [count, side, side])"""
        grid = torch.arange(side, dtype=torch.float32) - (side - 1) / 2
        gy, gx = torch.meshgrid(grid, grid, indexing="ij")
        xs, ys = [], []
        for _ in range(count):
            k, cy, cx = self.place(rng, side)
            image, label = self.slices[k]
            angle, scale = rng.normal(0, self.s.turn), math.exp(rng.normal(0, self.s.scale))
            angle += rng.integers(0, 4) * math.pi / 2 if self.s.flips == "all" else 0
            flip = 1 - 2 * int(rng.integers(0, 2)) if self.s.flips != "none" else 1
            c, sn = scale * math.cos(angle), scale * math.sin(angle)
            h, w = image.shape[1:]
            y, x = cy + c * gy - sn * gx * flip, cx + sn * gy + c * gx * flip
            where = torch.stack([2 * x / max(1, w - 1) - 1, 2 * y / max(1, h - 1) - 1], -1)[None]
            xs.append(F.grid_sample(image[None], where, padding_mode="reflection", align_corners=True))
            ys.append(F.grid_sample(label[None], where, "nearest", "reflection", align_corners=True))
        return varied(torch.cat(xs), rng), torch.cat(ys)[:, 0].round().long()


def varied(x, rng):
    """Gain, offset, gamma and noise of each image anew, of the channels a little each."""
    n, c = x.shape[:2]

    def normal(sd, channels):
        wide = (n, channels) + (1,) * (x.dim() - 2)
        return torch.from_numpy(rng.normal(0, sd, wide).astype(np.float32))
    x = x * normal(0.15, 1).exp() + normal(0.1, 1)
    if c > 1:
        x = x * normal(0.05, c).exp() + normal(0.05, c)
    noise = torch.from_numpy(rng.standard_normal(x.shape, np.float32))
    return (2 * ((x + 1) / 2).clamp(1e-3, 1) ** normal(0.25, 1).exp() - 1 + 0.03 * noise).clamp(-1, 1)


# ---- training ---------------------------------------------------------------

def loss_of(z, y):
    """Cross entropy and half of what the overlap lacks, of one logit that of the rarer class; z [B, outputs, ...], y
    [B, ...]."""
    if z.shape[1] == 1:
        target = (y > 0).float()[:, None]
        entropy, p = F.binary_cross_entropy_with_logits(z, target), torch.sigmoid(z)
        if target.mean() > 0.5:
            p, target = 1 - p, 1 - target
    else:
        entropy, p = F.cross_entropy(z, y), torch.softmax(z, 1)[:, 1:]
        target = F.one_hot(y, z.shape[1]).movedim(-1, 1)[:, 1:].float()
    axes = (0, *range(2, z.dim()))
    both, all_ = (p * target).sum(axes), p.sum(axes) + target.sum(axes)
    return entropy + 0.5 * (1 - (2 * both + 1) / (all_ + 1)).mean()


def validated(net, s, pairs):
    """(mean Dice, threshold): of one output the best threshold."""
    zs = [logits(net, s, p.pixels) for p in pairs]

    def score(t):
        return float(np.mean(dice(sum(counts(mask_of(z, t), p.labels, s) for z, p in zip(zs, pairs)))))
    if s.classes > 2:
        return score(0.0), 0.0
    return max((score(t), -abs(t), t) for t in np.arange(-4, 4.01, 0.2))[::2]


class Peaks:
    """The network of a recipe, and by how much what it squares lay above LIMIT at most."""

    def __init__(self, recipe):
        self.recipe, self.most = recipe, 0.0

    def eval(self):
        self.recipe.module.eval()

    def __call__(self, x):
        result = self.recipe.run(x, None)
        self.most = max(self.most, float(excess(self.recipe.run.seen.values(), LIMIT)))
        return result


def checks(s):
    """The steps after which is validated: few, and late."""
    settle = int(s.settle * s.steps)
    return {settle + (s.steps - settle) * k // CHECKS for k in range(1, CHECKS + 1)}


def network_of(channels, s, act):
    return UNet(channels, 1 if s.classes == 2 else s.classes, s.base, s.depth, act, s.dims, s.pool)


class Training:
    """A network on its way: all that the next step depends on, kept in a file and taken up again."""

    def __init__(self, channels, s, log):
        torch.manual_seed(s.seed)
        self.net = network_of(channels, s, s.act)
        self.rng = np.random.default_rng(s.seed)
        self.recipe = square_recipe(self.net, s.steps, norm=s.norm, freeze=s.freeze, crop=s.hard, low=-1.0, high=1.0,
                                    seed=s.seed)
        self.adam = torch.optim.Adam(self.net.parameters(), lr=s.rate)
        self.rate = torch.optim.lr_scheduler.OneCycleLR(self.adam, s.rate, total_steps=s.steps, pct_start=0.1)
        self.s, self.log, self.step, self.mean, self.best, self.seconds = s, log, 0, None, (-math.inf,), 0.0

    def state(self):
        return {"settings": json.dumps(vars(self.s)), "net": self.net.state_dict(), "adam": self.adam.state_dict(),
                "rate": self.rate.state_dict(), "best": self.best, "torch": torch.get_rng_state(),
                "numbers": json.dumps([self.step, self.mean, self.seconds, self.recipe.done,
                                       self.rng.bit_generator.state, self.recipe.rng.bit_generator.state])}

    def keep(self, path):
        torch.save(self.state(), path + ".part")
        os.replace(path + ".part", path)

    def take_up(self, path):
        try:
            state = torch.load(path)
            told, numbers = json.loads(state["settings"]), json.loads(state["numbers"])
        except Exception as e:
            raise ValueError("%s: not the state of a training (%s)" % (path, " ".join(str(e).split())[:100]))
        mine, told = json.loads(json.dumps(vars(self.s))), dict(vars(Settings()), **told)
        other = sorted(k for k in mine if mine[k] != told[k])
        if other:
            raise ValueError("%s: is of a training with another %s (%s, now %s)" % (
                path, other[0], told[other[0]], mine[other[0]]))
        self.net.load_state_dict(state["net"])
        self.adam.load_state_dict(state["adam"])
        self.rate.load_state_dict(state["rate"])
        torch.set_rng_state(state["torch"])
        self.best = state["best"]
        self.step, self.mean, self.seconds, self.recipe.done, a, b = numbers
        self.rng.bit_generator.state, self.recipe.rng.bit_generator.state = a, b
        self.log("%s: goes on after step %d of %d" % (path, self.step, self.s.steps))

    def drawn(self, crops):
        """The next batch, and the part of its crops that is scored."""
        s, side = self.s, self.s.sides[self.step >= CHANGE * self.s.steps]
        inner = np.s_[..., MARGIN:side - MARGIN, MARGIN:side - MARGIN] if s.border == "halo" else ...
        return (*crops.batch(self.rng, side, max(1, int(s.batch * (s.sides[1] / side) ** 2))), inner)

    def learned(self, x, y, inner):
        """One step of the optimiser; its loss."""
        loss = self.recipe.step(loss_of(self.recipe(x).float()[inner], y[inner]), self.adam)
        self.rate.step()
        return loss

    def one(self, crops):
        """One step of the training."""
        loss = self.learned(*self.drawn(crops))
        self.step += 1
        self.mean = loss if self.mean is None else 0.98 * self.mean + 0.02 * loss

    def networks(self):
        """Those that run while it lasts."""
        return [self.net]

    def finished(self):
        """The network of the best checkpoint, its threshold in the last bias."""
        self.net.load_state_dict(self.best[2])
        with torch.no_grad():
            self.net.head.bias -= self.best[1]
        return self.net.eval()

    def check(self, held):
        """Validates; the best so far is kept: by Dice, less what the peaks would cost in training."""
        seen = Peaks(self.recipe)
        value, at = validated(seen, self.s, held)
        if value - PULL * seen.most > self.best[0]:
            self.best = value - PULL * seen.most, at, {k: t.clone() for k, t in self.net.state_dict().items()}
        return "validation %.4f  its excess %.1f  threshold %+.1f  " % (value, seen.most, at)


class Turning(Training):
    """A trained network of ReLU on its way to squares (squared.py)."""

    def __init__(self, old, crops, s, log):
        torch.manual_seed(s.seed)
        self.s, self.log, self.step, self.mean, self.best, self.seconds = s, log, 0, None, (-math.inf,), 0.0
        self.rng = np.random.default_rng(s.seed)
        batches = (self.drawn(crops)[:2] for _ in itertools.count())
        self.made = squared.Replacement(old, batches, s.steps, s.rate, seed=s.seed, crop=s.hard, norm=s.norm)
        self.net, self.recipe, self.adam, self.rate = (getattr(self.made, k) for k in ("student", "recipe", "adam",
                                                                                      "plan"))

    def learned(self, x, y, inner):
        return self.made.step(x, y, inner, loss_of)

    def networks(self):
        return [self.made.module, self.net]

    def finished(self):
        super().finished()
        return self.made.squares()


def told(line):
    print(line, flush=True)


def train(pairs, held, s, log=told, resume=None, old=None):
    """(a trained UNet, its threshold moved into the last bias; its score on held).

    resume: a file that the state is kept in every some minutes; where it is
    there, the training goes on from it.  old: a trained network of ReLU, which
    becomes one of squares.
    """
    crops = Cubes(pairs, s, to_input, varied) if s.dims == 3 else Crops(pairs, s)
    t = Turning(old, crops, s, log) if old else Training(pairs[0].pixels.shape[1], s, log)
    if resume and os.path.exists(resume):
        t.take_up(resume)
    start, kept, late = time.time() - t.seconds, time.time(), checks(s)
    with contextlib.ExitStack() as stack:
        for net in t.networks():
            stack.enter_context(running(net, s.border, s.bfloat16))
        while t.step < s.steps:
            t.one(crops)
            found = t.check(held) if t.step in late else ""
            t.seconds = time.time() - start
            if found or t.step % max(1, s.steps // 20) == 0:
                log("step %d  loss %.4f  %sexcess %.1f  %.0f s" % (t.step, t.mean, found, t.recipe.peaks, t.seconds))
            if resume and (time.time() - kept > KEEP or t.step == s.steps):
                t.keep(resume)
                kept = time.time()
    if len(t.best) < 3:
        raise ValueError("the training exploded: the loss is %g after %d steps, no checkpoint has a Dice"
                         % (t.mean, s.steps))
    return t.finished(), t.best[0]


def tested(net, s, pairs, spec):
    """Dice of each class over all pixels or voxels together, and its mean over files."""
    import volumes
    found = []
    with running(net, s.border):
        for p in pairs:
            mask = mask_of(logits(net, s, p.pixels))
            if p.volume is None:
                found.append(counts(mask, p.labels, s))
            else:
                mask = volumes.centred(mask[0], p.grid) if s.dims == 3 else mask
                found.append(counts(volumes.mask_on(p.volume, mask, spec), p.own, s))
    return dice(sum(found)), dice(np.array(found)).mean(0)
