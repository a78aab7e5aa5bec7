"""What a convolution sees beyond the edge: six forms of the border.

Each is a function pad(x, level, window) -> what a convolution without padding
then runs over; level counts the poolings above.  wrap and slots are for 3x3
kernels, one row and column more on every side; the others take a Window, of
maps of two or, zero and valid, three dimensions.
Needed before: docs/model.md.
"""
import torch
import torch.nn.functional as F


def pair(v, dims=2):
    """One number for each axis, (depth,) rows, columns."""
    return tuple(v) if isinstance(v, (tuple, list)) else (v,) * dims


class Window:
    """How a kernel lies on a map, axis by axis: places from its first to its last, zeros before and behind the map."""

    def __init__(self, reach, before, behind):
        self.reach, self.before, self.behind = reach, before, behind
        self.down, self.across = reach[-2:]
        self.top, self.left = before[-2:]


def window(layer, dims=2):
    """Of a conv; without `pad` that of every border but valid, which takes none."""
    k, d = pair(layer["kernel"], dims), pair(layer.get("dilation", 1), dims)
    pad = layer.get("pad", [b * (a // 2) for a, b in zip(k, d)] * 2)
    return Window([b * (a - 1) for a, b in zip(k, d)], pad[:dims], pad[dims:])


ONE = Window((2, 2), (1, 1), (1, 1))


def valid(x, level, w):
    """Nothing: only places where the kernel lies inside."""
    return x


def turned(x, axis, before, behind):
    """More rows or columns in front and behind: those of the other side; maps may be smaller."""
    size = x.shape[axis]
    return x.index_select(axis, torch.arange(-before, size + behind) % size)


def around(x, level, w):
    """Right meets left and bottom top, anchored at a kernel's first row and column: what lies beside an
    image is seen too."""
    return turned(turned(x, 2, 0, w.down), 3, 0, w.across)


def beside(x, level, w):
    """The same, with the kernel where its pads put it; as many places as the map has."""
    return turned(turned(x, 2, w.top, w.down - w.top), 3, w.left, w.across - w.left)


def zero(x, level, w):
    """PyTorch's padding: zeros."""
    return F.pad(x, [n for both in list(zip(w.before, w.behind))[::-1] for n in both])


def wrap(ring):
    """The border of encrypted slots, for an image that fills a ciphertext.

    Pixel (y, x) lies in ciphertext (y mod R, x mod R), slot
    (y div R) * Gx + (x div R).  One step right of the last column is one slot
    further: column 0, R rows below; and left of the first is the last, R rows
    above.  Top and bottom meet.  R halves with every pooling.
    """
    def pad(x, level, w=ONE):
        r = ring >> level
        left, right = x[..., -1:].roll(r, 2), x[..., :1].roll(-r, 2)
        x = torch.cat([left, x, right], 3)
        return torch.cat([x[:, :, -1:], x, x[:, :, :1]], 2)
    return pad
