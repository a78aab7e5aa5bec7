"""A U-Net is trained on pairs of images and masks, and scored.

Needed before: folder.py, module.py, volley_train.py.
"""
import math
import time

import numpy as np
import torch
import torch.nn.functional as F

from measured import reflected
from module import UNet
from volley_train import square_recipe

MUL, ADD = 1 / 128, -1.0        # the network's input is pixel * MUL + ADD
MARGIN = 8              # halo: pixels at a crop's edge that are not scored
RATE = 0.006            # top of the learning rate
SETTLE = 0.9            # part of the steps after which the checkpoint is taken
CHECKS = 4              # validations between SETTLE and the end
AT_ONCE = 16            # slices in one forward


class Settings:
    """What a training is told; every field is an option of train.py segment."""

    def __init__(self, classes=2, base=8, depth=2, border="halo", act="square", steps=1200, size=None, batch=8,
                 flips="none", turn=0.15, seed=0):
        self.classes, self.base, self.depth, self.border, self.act = classes, base, depth, border, act
        self.steps, self.size, self.batch, self.flips, self.turn, self.seed = steps, size, batch, flips, turn, seed
        self.step = 2 ** depth
        reach = 7 * self.step - 5               # pixels a pixel's result depends on, each side
        self.halo = -(-reach // self.step) * self.step if border == "halo" else 0


def to_input(pixels):
    return torch.from_numpy(np.ascontiguousarray(pixels, np.float32)) * MUL + ADD


def logits(net, s, pixels):
    """Logits [K, outputs, H, W] of slices [K, C, H, W] of 0..255."""
    net.eval()
    h, (height, width), out = s.halo, pixels.shape[2:], []
    with torch.no_grad():
        for part in to_input(pixels).split(AT_ONCE):
            x = reflected(part, h, s.step) if s.border == "halo" else part
            out.append(net(x)[..., h:h + height, h:h + width])
    return torch.cat(out)


def mask_of(z, threshold=0.0):
    """Labels uint8 [K, H, W] of logits."""
    return (z.argmax(1) if z.shape[1] > 1 else (z[:, 0] > threshold)).to(torch.uint8).numpy()


def counts(mask, label, classes):
    """[classes - 1, 3]: pixels of both, of the mask, of the label, for each class but the first."""
    return np.array([[((mask == k) & (label == k)).sum(), (mask == k).sum(), (label == k).sum()]
                     for k in range(1, classes)], float)


def dice(c):
    return 2 * c[..., 0] / np.maximum(1, c[..., 1] + c[..., 2])


# ---- crops ------------------------------------------------------------------

class Crops:
    """Random crops of slices, turned, scaled, their grey values varied."""

    def __init__(self, pairs, s, side):
        self.slices = [(to_input(x), torch.from_numpy(y.astype(np.float32))[None])
                       for p in pairs for x, y in zip(p.pixels, p.labels)]
        self.marked = [np.argwhere(y[0].numpy() > 0) for _, y in self.slices]
        self.full = [k for k, m in enumerate(self.marked) if len(m)]
        self.s, self.side = s, side

    def place(self, rng):
        """(slice, row, column) of a crop's middle: half of them near a marked pixel."""
        if self.s.border == "zero":
            k = int(rng.integers(len(self.slices)))
            h, w = self.slices[k][0].shape[1:]
            return k, (h - 1) / 2 + rng.normal(0, 0.05 * h), (w - 1) / 2 + rng.normal(0, 0.05 * w)
        if self.full and rng.random() < 0.5:
            k = self.full[rng.integers(len(self.full))]
            y, x = self.marked[k][rng.integers(len(self.marked[k]))] + rng.normal(0, self.side / 8, 2)
            return k, y, x
        k = int(rng.integers(len(self.slices)))
        h, w = self.slices[k][0].shape[1:]
        return k, rng.uniform(0, h - 1), rng.uniform(0, w - 1)

    def batch(self, rng):
        """(x [B, C, side, side], y int64 [B, side, side])"""
        grid = torch.arange(self.side, dtype=torch.float32) - (self.side - 1) / 2
        gy, gx = torch.meshgrid(grid, grid, indexing="ij")
        xs, ys = [], []
        for _ in range(self.s.batch):
            k, cy, cx = self.place(rng)
            image, label = self.slices[k]
            angle, scale = rng.normal(0, self.s.turn), math.exp(rng.normal(0, 0.15))
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
        return torch.from_numpy(rng.normal(0, sd, (n, channels, 1, 1)).astype(np.float32))
    x = x * normal(0.15, 1).exp() + normal(0.1, 1)
    if c > 1:
        x = x * normal(0.05, c).exp() + normal(0.05, c)
    noise = torch.from_numpy(rng.standard_normal(x.shape, np.float32))
    return (2 * ((x + 1) / 2).clamp(1e-3, 1) ** normal(0.25, 1).exp() - 1 + 0.03 * noise).clamp(-1, 1)


# ---- training ---------------------------------------------------------------

def loss_of(z, y):
    """Cross entropy and half of what the overlap lacks; z [B, outputs, H, W], y [B, H, W]."""
    if z.shape[1] == 1:
        target = (y > 0).float()[:, None]
        entropy, p = F.binary_cross_entropy_with_logits(z, target), torch.sigmoid(z)
    else:
        entropy, p = F.cross_entropy(z, y), torch.softmax(z, 1)[:, 1:]
        target = F.one_hot(y, z.shape[1]).permute(0, 3, 1, 2)[:, 1:].float()
    both, all_ = (p * target).sum((0, 2, 3)), p.sum((0, 2, 3)) + target.sum((0, 2, 3))
    return entropy + 0.5 * (1 - (2 * both + 1) / (all_ + 1)).mean()


def validated(net, s, pairs):
    """(mean Dice, threshold): of one output the best threshold."""
    zs = [logits(net, s, p.pixels) for p in pairs]

    def score(t):
        return float(np.mean(dice(sum(counts(mask_of(z, t), p.labels, s.classes) for z, p in zip(zs, pairs)))))
    if s.classes > 2:
        return score(0.0), 0.0
    return max((score(t), -abs(t), t) for t in np.arange(-4, 4.01, 0.2))[::2]


def train(pairs, held, s, log=print):
    """A trained UNet, its threshold moved into the last bias."""
    torch.manual_seed(s.seed)
    rng = np.random.default_rng(s.seed)
    channels = pairs[0].pixels.shape[1]
    net = UNet(channels, 1 if s.classes == 2 else s.classes, s.base, s.depth, s.act)
    side = s.size[0] if s.border == "zero" else s.size or 64
    margin = MARGIN if s.border == "halo" else 0
    crops = Crops(pairs, s, side)
    recipe = square_recipe(net, s.steps, crop=32, low=-1.0, high=1.0, seed=s.seed)
    adam = torch.optim.Adam(net.parameters(), lr=RATE)
    rate = torch.optim.lr_scheduler.OneCycleLR(adam, RATE, total_steps=s.steps, pct_start=0.1)
    start, mean, best = time.time(), None, (-math.inf,)
    settle = int(SETTLE * s.steps)
    checks = {settle + (s.steps - settle) * k // CHECKS for k in range(1, CHECKS + 1)}
    for step in range(1, s.steps + 1):
        x, y = crops.batch(rng)
        z = recipe(x)
        inner = np.s_[..., margin:side - margin, margin:side - margin]
        loss = recipe.step(loss_of(z[inner], y[inner]), adam)
        rate.step()
        mean = loss if mean is None else 0.98 * mean + 0.02 * loss
        if step in checks:
            value, at = validated(net, s, held)
            if value > best[0]:
                best = value, at, {k: t.clone() for k, t in net.state_dict().items()}
            log("step %d  loss %.4f  validation %.4f  threshold %+.1f  excess %.1f  %.0f s"
                % (step, mean, value, at, recipe.peaks, time.time() - start))
        elif step % max(1, s.steps // 20) == 0:
            log("step %d  loss %.4f  excess %.1f  %.0f s" % (step, mean, recipe.peaks, time.time() - start))
    if len(best) < 3:
        raise ValueError("the training exploded: the loss is %g after %d steps, no checkpoint has a Dice" % (mean, s.steps))
    net.load_state_dict(best[2])
    with torch.no_grad():
        net.head.bias -= best[1]
    return net.eval(), best[0]


def tested(net, s, pairs, spec):
    """Dice of each class over all pixels or voxels together, and its mean over files."""
    import volumes
    found = []
    for p in pairs:
        mask = mask_of(logits(net, s, p.pixels))
        if p.volume is None:
            found.append(counts(mask, p.labels, s.classes))
        else:
            found.append(counts(volumes.mask_on(p.volume, mask, spec), p.own, s.classes))
    return dice(sum(found)), dice(np.array(found)).mean(0)
