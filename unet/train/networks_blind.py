"""The PyTorch networks of test_blind.py: for the protocol of two parties, of images and of volumes.

BLIND: name -> (module, channels, size, border), size (height, width) or
(depth, height, width).  Needed before: networks.py.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

from networks import Decoder, Labelled, Residual, Square, UNet

CONV = {2: nn.Conv2d, 3: nn.Conv3d}
NORM = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
UP = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
LARGEST = {2: nn.MaxPool2d, 3: nn.MaxPool3d}
MEAN = {2: nn.AvgPool2d, 3: nn.AvgPool3d}
DROP = {2: nn.Dropout2d, 3: nn.Dropout3d}


def stage(dims, c_in, c_out, act, after=False):
    """Two convolutions, each with an activation and a normalisation before or after it."""
    parts = []
    for c in (c_in, c_out):
        tail = [NORM[dims](c_out), act()]
        parts += [CONV[dims](c, c_out, 3, padding=1, bias=after)] + (tail[::-1] if after else tail)
    return nn.Sequential(*parts)


class Up(nn.Module):
    """A U-Net; acts: the activations of its five stages."""

    def __init__(self, dims=2, channels=1, outputs=1, base=2, acts=(nn.ReLU,) * 5, pool=LARGEST, after=False):
        super().__init__()
        sizes = [(channels, base), (base, 2 * base), (2 * base, 4 * base), (4 * base, 2 * base), (2 * base, base)]
        self.stages = nn.ModuleList([stage(dims, *s, act, after) for s, act in zip(sizes, acts)])
        self.up = nn.ModuleList([UP[dims](4 * base, 2 * base, 2, 2), UP[dims](2 * base, base, 2, 2)])
        self.pool, self.drop, self.head = pool[dims](2), DROP[dims](0.5), CONV[dims](base, outputs, 1)

    def forward(self, x):
        a = self.stages[0](x)
        b = self.stages[1](self.pool(a))
        x = self.drop(self.stages[2](self.pool(b)))
        x = self.stages[3](torch.cat([self.up[0](x), b], 1))
        return self.head(self.stages[4](torch.cat([self.up[1](x), a], 1)))


class Called(nn.Module):
    """ReLU and the largest of windows as functions and methods, over what was there and beside it."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.d = (nn.Conv2d(c, 2, 3, padding=1) for c in (1, 2, 2, 2))
        self.head, self.up, self.inside = nn.Conv2d(4, 1, 1), nn.ConvTranspose2d(2, 2, 2, 2), nn.ReLU(inplace=True)

    def forward(self, x):
        x = F.relu(self.a(x))
        y = self.b(x).relu() + x
        z = self.c(F.max_pool2d(y, 2))
        w = self.inside(z)                          # z is that, too
        z = torch.relu(self.d(torch.max_pool2d(w + z, 2, 2)))
        z = F.relu_(self.up(F.interpolate(z, scale_factor=2)))
        return self.head(torch.cat([z, y], 1))


class Residual3d(nn.Module):
    """x + f(x) of volumes, by functions and in place; a mean over 2 and back."""

    def __init__(self, base=3):
        super().__init__()
        self.stem, self.one, self.two = (nn.Conv3d(c, base, 3, padding=1) for c in (1, base, base))
        self.norm, self.head = nn.BatchNorm3d(base), nn.Conv3d(base, 2, 1)
        self.up = nn.ConvTranspose3d(base, base, 2, 2, groups=base)

    def forward(self, x):
        x = F.relu(self.stem(x), inplace=True)
        y = self.norm(self.one(x))
        y += x
        y = torch.relu_(y)
        z = self.up(F.adaptive_avg_pool3d(self.two(y), (4, 4, 6)))
        return self.head(y + z)


class Kernels(nn.Module):
    """Kernels, pads, dilations and groups that differ from axis to axis; windows that overlap."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv3d(1, 4, (1, 3, 3), padding=(0, 1, 1)), nn.Conv3d(4, 4, (3, 1, 2), groups=2)
        self.c, self.d = nn.Conv3d(4, 2, 3, padding="same", dilation=(1, 2, 1)), nn.Conv3d(2, 2, 4, padding="same")
        self.e = nn.Conv3d(2, 3, 3, padding=1)

    def forward(self, x):
        x = self.b(F.pad(self.a(x).relu(), (1, 0, 0, 0, 2, 0)))
        x = self.d(F.avg_pool3d(self.c(x) ** 2, 3, 1, 1))
        return self.e(F.relu(x))


class Strided3d(nn.Module):
    """Down by stride 2, up by the nearest."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.head = nn.Conv3d(2, 3, 3, 2, 1), nn.Conv3d(3, 3, 3, padding=1), nn.Conv3d(5, 2, 1)
        self.up = nn.Upsample(scale_factor=2)

    def forward(self, x):
        return self.head(torch.cat([self.up(F.relu(self.two(F.relu(self.one(x))))), x], 1))


class Mixed(nn.Module):
    """Polynomials, factors and normalisations where no convolution stands beside them."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.norm, self.last = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 1), \
            nn.BatchNorm2d(4), nn.BatchNorm2d(4)
        self.head, self.b = nn.Conv2d(4, 1, 1), nn.Parameter(torch.rand(1, 4, 1, 1) - 0.5)
        self.register_buffer("some", torch.tensor([0.0, 0.5, -1.0, 0.001]).view(1, 4, 1, 1))
        self.register_buffer("mean", torch.tensor([0.4, 0.5, 0.6]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.2, 0.3, 0.25]).view(1, 3, 1, 1))

    def forward(self, x):
        x = self.one((x - self.mean) / self.std)
        y = F.relu(0.3 * x * x + self.b * x + 0.1)
        z = F.max_pool2d(self.norm(y), 2)
        z = self.some * z ** 2 + z
        z = F.interpolate(z, scale_factor=2)
        return -self.head(self.last(self.two(y)) - z / 4) + 0.5


class Faint(nn.Module):
    """Polynomials nearly linear, of channels a thousand times smaller than others."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.head = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 1, 1)
        self.register_buffer("size", torch.tensor([1.0, 100, 1000, 30]).view(1, 4, 1, 1))
        self.register_buffer("a", torch.tensor([0.25, -0.2, 2e-4, 3e-4]).view(1, 4, 1, 1))
        self.register_buffer("b", torch.tensor([0.5, 0.4, 1.3, -1.2]).view(1, 4, 1, 1))
        with torch.no_grad():
            self.one.weight.div_(self.size.view(4, 1, 1, 1))
            self.one.bias.div_(self.size.view(4))

    def forward(self, x):
        z = self.size * self.one(x)
        y = self.two(self.a * z ** 2 + self.b * z + 0.1)
        return self.head(y) - self.head.bias.view(1, 1, 1, 1) + 0.11


class Patches(nn.Module):
    """Nothing beyond the border: kernels as large as their stride, the largest of each two, and up again."""

    def __init__(self, dims):
        super().__init__()
        self.one, self.two, self.pool = CONV[dims](1, 3, 2, 2), CONV[dims](3, 4, 1), LARGEST[dims](2)
        self.up, self.last, self.head = UP[dims](4, 3, 2, 2), UP[dims](3, 2, 2, 2), CONV[dims](2, 1, 1)

    def forward(self, x):
        x = self.pool(F.relu(self.one(x)))
        x = F.relu(self.up(F.relu(self.two(x))))
        return self.head(F.relu(self.last(x)))


torch.manual_seed(2)
HYBRID = (Square, nn.ReLU, nn.ReLU, nn.ReLU, Square)
BLIND = {
    "relu": (Up(), 1, (16, 24), "zero"),
    "after": (Up(after=True), 1, (16, 16), "zero"),
    "hybrid": (Up(channels=3, acts=HYBRID, pool=MEAN), 3, (16, 16), "zero"),
    "squares": (UNet(), 1, (16, 16), "zero"),
    "labels": (Up(outputs=3), 1, (16, 16), "zero"),
    "halo": (Up(), 1, (16, 16), "halo"),
    "residual": (Residual(), 1, (16, 16), "zero"),
    "labelled": (Labelled(), 1, (16, 16), "zero"),
    "nearest": (Decoder(lambda c: nn.UpsamplingNearest2d(scale_factor=2)), 1, (16, 16), "zero"),
    "called": (Called(), 1, (16, 16), "zero"),
    "mixed": (Mixed(), 3, (14, 16), "zero"),
    "faint": (Faint(), 1, (16, 16), "zero"),
    "valid": (Patches(2), 1, (16, 16), "valid"),
    "volume": (Up(3, outputs=3), 1, (8, 8, 12), "zero"),
    "volume_after": (Up(3, pool=MEAN, after=True), 1, (8, 8, 8), "zero"),
    "volume_hybrid": (Up(3, acts=HYBRID), 1, (8, 12, 8), "zero"),
    "volume_residual": (Residual3d(), 1, (8, 8, 12), "zero"),
    "volume_kernels": (Kernels(), 1, (6, 8, 7), "zero"),
    "volume_strided": (Strided3d(), 2, (8, 6, 8), "zero"),
    "volume_valid": (Patches(3), 1, (8, 8, 8), "valid"),
}
