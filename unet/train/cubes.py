"""Whole volumes as a network of three dimensions sees them in training: turned, scaled, moved, their values varied.

Needed before: fit.py, which calls it.
"""
import math

import numpy as np
import torch
import torch.nn.functional as F

MOVE = 0.05             # of each side, how far a volume is moved


def turned(angles):
    """The rotation by three angles, one round each axis, float64 [3, 3]."""
    whole = np.eye(3)
    for k, angle in enumerate(angles):
        c, s = math.cos(angle), math.sin(angle)
        a, b = (k + 1) % 3, (k + 2) % 3
        part = np.eye(3)
        part[a, a], part[a, b], part[b, a], part[b, b] = c, -s, s, c
        whole = whole @ part
    return whole


class Cubes:
    """Volumes of one size; what lies outside is black and of the first class."""

    def __init__(self, pairs, s, to_input, varied):
        self.pairs = [(to_input(p.pixels), torch.from_numpy(p.labels.astype(np.float32))[None]) for p in pairs]
        self.s, self.varied = s, varied

    def place(self, rng):
        """Rows of (x, y, z, 1) from the new voxels to the old, in halves of the sides."""
        s = self.s
        matrix = turned(rng.normal(0, s.turn, 3)) * math.exp(rng.normal(0, s.scale))
        if s.flips != "none":
            turn = 1 - 2 * rng.integers(0, 2, 3)
            matrix = matrix * (turn if s.flips == "all" else [turn[0], 1, 1])
        half = np.array(s.size[::-1]) / 2
        move = rng.normal(0, MOVE, 3) * 2
        return np.concatenate([matrix * half / half[:, None], move[:, None]], 1).astype(np.float32)

    def batch(self, rng, side, count):
        """(x [count, C, D, H, W], y int64 [count, D, H, W]); side is not looked at"""
        xs, ys = [], []
        for _ in range(count):
            x, y = self.pairs[rng.integers(len(self.pairs))]
            where = F.affine_grid(torch.from_numpy(self.place(rng))[None], list(y.shape), align_corners=False)
            xs.append(F.grid_sample(x + 1, where, align_corners=False) - 1)
            ys.append(F.grid_sample(y, where, "nearest", align_corners=False))
        return self.varied(torch.cat(xs), rng), torch.cat(ys)[:, 0].round().long()
