"""Pictures with one class each: the data sets mnist and skin.

Pictures are bytes [K, C, S, S]; to_input() makes the network's input of them,
-1 .. 127/128 (pixel / 128 - 1).  Needed before: data.py.
"""
import csv
import gzip
import os

import numpy as np
import torch
import torch.nn.functional as F

import data

# Held back from training, to validate.  mnist: the last of the 60,000; skin: of
# each class every fifth, which give the threshold, too.
HELD = 5000
FIFTH = 5


def to_input(pixels):
    """Bytes -> network input, the same shape."""
    return torch.from_numpy(pixels.astype(np.float32) * data.MUL + data.ADD)


def read_idx(path):
    """A gzip'ed IDX file of bytes as an array."""
    with gzip.open(path) as f:
        raw = f.read()
    if raw[:3] != b"\0\0\x08":
        raise ValueError(path + ": not an IDX file of bytes")
    shape = np.frombuffer(raw, ">u4", raw[3], 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape)


def halved(pixels):
    """Bytes [H, W, C] at half the size: means of 2x2, halves upwards."""
    x = pixels.astype(int)
    return ((x[::2, ::2] + x[::2, 1::2] + x[1::2, ::2] + x[1::2, 1::2] + 2) // 4).astype(np.uint8)


def load_mnist(root, part):
    name = "test-%s-0-7999-idx" if part == "test" else "train-%s-idx"
    path = os.path.join(root, "mnist", name)
    images, labels = read_idx(path % "images" + "3-ubyte.gz"), read_idx(path % "labels" + "1-ubyte.gz")
    cut = {"train": slice(0, -HELD), "val": slice(-HELD, None), "test": slice(None)}[part]
    return images[cut, None], labels[cut].astype(int)


def load_skin(root, part):
    from PIL import Image           # nothing else here needs it
    folder = os.path.join(root, "skin", "test" if part == "test" else "train")
    images, labels, seen = [], [], [0, 0]
    with open(folder + ".csv") as f:
        for row in csv.DictReader(f):
            label = int(row["melanoma"])
            seen[label] += 1
            if part != "test" and (seen[label] % FIFTH == 0) != (part == "val"):
                continue
            pixels = np.array(Image.open(os.path.join(folder, row["image_id"] + ".jpg")))
            images.append(halved(pixels).transpose(2, 0, 1))
            labels.append(label)
    return np.stack(images), np.array(labels)


def load(root, name, part):
    """Pictures uint8 [K, C, S, S] and labels [K] of "train", "val" or "test"."""
    images, labels = {"mnist": load_mnist, "skin": load_skin}[name](root, part)
    return torch.from_numpy(images.copy()), torch.from_numpy(labels)


def extremes(channels, side):
    """Plain, checkered and random images; with three channels in colours, too."""
    x = data.extremes(side, side).repeat(1, channels, 1, 1)
    if channels == 1:
        return x
    colours = torch.tensor([[r, g, b] for r in (-1, 1) for g in (-1, 1) for b in (-1, 1)][1:-1]).float()
    plain = colours[:, :, None, None].expand(-1, -1, side, side)
    shades = torch.cat([plain * x[k, :1] for k in (2, 3)])
    return torch.cat([x, plain, shades, 2 * torch.rand(2, 3, side, side, generator=torch.manual_seed(1)) - 1])


def varied(x, turn, scale, move, rng):
    """Inputs x [K, C, S, S], each turned, scaled in both directions and moved a little.

    Three standard deviations: radians, logarithm, part of the side.
    """
    k = len(x)

    def normal(width, *shape):
        return torch.from_numpy(rng.normal(0, width, shape).astype(np.float32))

    angle, size, to = normal(turn, k), normal(scale, 2, k).exp(), normal(2 * move, 2, k)
    rows = [torch.stack([size[0] * angle.cos(), -size[1] * angle.sin(), to[0]], 1),
            torch.stack([size[0] * angle.sin(), size[1] * angle.cos(), to[1]], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), x.shape, align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)
