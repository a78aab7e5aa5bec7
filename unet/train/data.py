"""Pictures and extreme patterns as inputs of networks.

An image is a float tensor [1, H, W] with values -1 .. 127/128 (pixel / 128 - 1).
Needed before: nothing.
"""
import math

import numpy as np
import torch
import torch.nn.functional as F

MUL, ADD = 1 / 128, -1.0


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
