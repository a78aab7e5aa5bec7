"""Images, labels and random crops of the two data sets, em and gm.

An image is a float tensor [1, H, W] with values -1 .. 127/128 (pixel / 128 - 1),
a label a float tensor [1, H, W] of 0 and 1.  Needed before: nothing.
"""
import glob
import math
import os

import numpy as np
import torch
import torch.nn.functional as F

MUL, ADD = 1 / 128, -1.0

# val: the part of the training set that chooses the checkpoint and threshold.
SETS = {
    "em": {"folder": "em", "label": "label", "val": ("00", "01", "02")},
    "gm": {"folder": "gm/slices200", "label": "gm", "val": ("sct",)},
}


def read_pnm(path):
    """The pixels of a binary 8-bit PGM or PPM file, uint8 [H, W] or [H, W, 3]."""
    with open(path, "rb") as f:
        data = f.read()
    magic, width, height, top = data.split(maxsplit=4)[:4]
    if magic not in (b"P5", b"P6") or top != b"255":
        raise ValueError(path + ": not a binary 8-bit PGM or PPM file")
    shape = (int(height), int(width)) + (3,) * (magic == b"P6")
    return np.frombuffer(data[-math.prod(shape):], np.uint8).reshape(shape)


def to_input(pixels):
    """uint8 [H, W] -> network input [1, H, W]."""
    return torch.from_numpy(pixels.astype(np.float32) * MUL + ADD)[None]


def load(root, name, part):
    """The images and labels of "train", "val" or "test", each [K, 1, H, W]."""
    s = SETS[name]
    folder = os.path.join(root, s["folder"], "test" if part == "test" else "train")
    images, labels = [], []
    for path in sorted(glob.glob(folder + "/*-image.pgm")):
        held = os.path.basename(path).startswith(s["val"])
        if part != "test" and held != (part == "val"):
            continue
        images.append(to_input(read_pnm(path)))
        label = read_pnm(path.replace("-image", "-" + s["label"]))
        labels.append(torch.from_numpy((label > 127).astype(np.float32))[None])
    return torch.stack(images), torch.stack(labels)


def reflect(x, halo):
    """[K, 1, H, W] extended by reflection, the edge not repeated."""
    return F.pad(x, [halo] * 4, mode="reflect") if halo else x


def extremes(height, width):
    """All 0, all 255, checkerboards of 1 and 8 pixels, noise: [K, 1, H, W]."""
    y, x = np.mgrid[0:height, 0:width]
    rng = np.random.default_rng(1)
    pixels = [0 * x, 0 * x + 255, (x + y) % 2 * 255, (x // 8 + y // 8) % 2 * 255,
              rng.integers(0, 256, x.shape), rng.integers(0, 2, x.shape) * 255]
    return torch.stack([to_input(p.astype(np.uint8)) for p in pixels])


def crops(images, labels, size, batch, bend, rng):
    """A batch of random square crops, flipped and turned, grey values varied.

    bend False: quarter turns, no resampling, anywhere in the image.
    bend True:  any small turn and scale, half of the crops near the middle;
                what lies outside is the reflected image.
    """
    height, width = images.shape[2:]
    grid = torch.arange(size, dtype=torch.float32) - (size - 1) / 2
    gy, gx = torch.meshgrid(grid, grid, indexing="ij")
    out = []
    for k in rng.integers(0, len(images), batch):
        if bend:
            spread = 12 if rng.random() < 0.5 else 60
            cy = (height - 1) / 2 + rng.normal(0, spread)
            cx = (width - 1) / 2 + rng.normal(0, spread)
            angle, scale = rng.normal(0, 0.15), math.exp(rng.normal(0, 0.15))
        else:
            cy = (size - 1) / 2 + rng.integers(0, height - size + 1)
            cx = (size - 1) / 2 + rng.integers(0, width - size + 1)
            angle, scale = rng.integers(0, 4) * math.pi / 2, 1.0
        c, s = scale * math.cos(angle), scale * math.sin(angle)
        flip = 1 - 2 * int(rng.integers(0, 2))
        y = cy + c * gy - s * gx * flip
        x = cx + s * gy + c * gx * flip
        where = torch.stack([2 * x / (width - 1) - 1, 2 * y / (height - 1) - 1], -1)
        both = torch.cat([images[k], labels[k]])[None]
        out.append(F.grid_sample(both, where[None], padding_mode="reflection", align_corners=True))
    out = torch.cat(out)
    x, y = out[:, :1], (out[:, 1:] > 0.5).float()
    shape = (batch, 1, 1, 1)
    gain = torch.from_numpy(np.exp(rng.normal(0, 0.15, shape)).astype(np.float32))
    shift = torch.from_numpy(rng.normal(0, 0.1, shape).astype(np.float32))
    x = x * gain + shift
    if bend:
        gamma = torch.from_numpy(np.exp(rng.normal(0, 0.25, shape)).astype(np.float32))
        noise = torch.from_numpy(rng.standard_normal(x.shape, np.float32))
        x = 2 * ((x + 1) / 2).clamp(1e-3, 1) ** gamma - 1 + 0.03 * noise
    return x.clamp(-1, 1), y


def spoiled(x, share, rng):
    """Crops x [K, 1, size, size] with an extreme pattern over a part or all.

    share, 0..1: how far the pattern replaces the image there.
    """
    x, side = x.clone(), x.shape[2]
    v, u = np.mgrid[0:side, 0:side]
    for crop in x[:, 0]:
        cell = int(rng.integers(1, 9))
        pattern = [0 * v - 1, 0 * v + 1, (v // cell + u // cell) % 2 * 2 - 1,
                   rng.integers(0, 2, v.shape) * 2 - 1,
                   rng.uniform(-1, 1, v.shape)][rng.integers(0, 5)]
        top, left = np.maximum(0, rng.integers(-side // 2, side // 2, 2))
        change = share * (torch.from_numpy(pattern.astype(np.float32)) - crop)
        crop[top:, left:] += change[top:, left:]
    return x


def steeper(x, share, rng):
    """Crops x [K, 1, size, size], up to 1 + 2 share times their contrast."""
    factor = torch.from_numpy(1 + 2 * share * rng.random((len(x), 1, 1, 1), np.float32))
    mean = x.mean((1, 2, 3), keepdim=True)
    return (mean + factor.float() * (x - mean)).clamp(-1, 1)
