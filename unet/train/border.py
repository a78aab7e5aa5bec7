"""What a convolution sees beyond the edge: six forms of the border.

Each is a function pad(x, level, kernel) -> what a convolution without padding
then runs over; level counts the poolings above.  wrap and slots are for 3x3
kernels, one row and column more on every side; zero and beside for odd ones,
k // 2 on every side; valid and around for any, anchored at a kernel's first row
and column.  Needed before: docs/model.md.
"""
import torch
import torch.nn.functional as F


def valid(x, level, kernel):
    """Nothing: only places where the kernel lies inside."""
    return x


def around(x, level, kernel):
    """Right meets left and bottom top: what lies beside an image is seen too."""
    return F.pad(x, [0, kernel - 1, 0, kernel - 1], mode="circular")


def beside(x, level, kernel):
    """The same, with a kernel's middle on the pixel; maps may be smaller than kernels."""
    for axis in (2, 3):
        size = x.shape[axis]
        x = x.index_select(axis, torch.arange(-(kernel // 2), size + kernel // 2) % size)
    return x


def zero(x, level, kernel=3):
    """PyTorch's padding=k//2."""
    return F.pad(x, [kernel // 2] * 4)


def wrap(ring):
    """The border of encrypted slots, for an image that fills a ciphertext.

    Pixel (y, x) lies in ciphertext (y mod R, x mod R), slot
    (y div R) * Gx + (x div R).  One step right of the last column is one slot
    further: column 0, R rows below; and left of the first is the last, R rows
    above.  Top and bottom meet.  R halves with every pooling.
    """
    def pad(x, level, kernel=3):
        r = ring >> level
        left, right = x[..., -1:].roll(r, 2), x[..., :1].roll(-r, 2)
        x = torch.cat([left, x, right], 3)
        return torch.cat([x[:, :, -1:], x, x[:, :, :1]], 2)
    return pad


def slots(gx):
    """The same border and any other garbage, computed slot by slot.

    x has shape [S, C, R, R]: the ciphertext of ring place (a, b) is
    x[:, c, a, b].  A place outside the ring is the ciphertext at the other
    side of it, rotated by a grid row (gx slots) or by one slot.
    """
    def pad(x, level, kernel=3):
        x = torch.cat([x[..., -1:].roll(1, 0), x, x[..., :1].roll(-1, 0)], 3)
        top, bottom = x[:, :, -1:].roll(gx, 0), x[:, :, :1].roll(-gx, 0)
        return torch.cat([top, x, bottom], 2)
    return pad


def pack(images, ring, count):
    """[B, C, H, W] -> [count, C, ring, ring], image after image.

    Places beyond the last image hold the images again from the first on.
    """
    b, c, h, w = images.shape
    x = images.reshape(b, c, h // ring, ring, w // ring, ring)
    x = x.permute(0, 2, 4, 1, 3, 5).reshape(-1, c, ring, ring)
    return torch.cat([x] * -(-count // len(x)))[:count]


def unpack(x, batch, height, width):
    """The inverse of pack: [S, C, R, R] -> [batch, C, height, width]."""
    c, ring = x.shape[1:3]
    gy, gx = height // ring, width // ring
    x = x[:batch * gy * gx].reshape(batch, gy, gx, c, ring, ring)
    return x.permute(0, 3, 1, 4, 2, 5).reshape(batch, c, height, width)
