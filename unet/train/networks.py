"""The PyTorch networks of test_export.py: of every kind of layer, and of ten architectures.

NETWORKS: name -> (module, channels, height, width, border).  Needed before:
nothing.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Square(nn.Module):
    def forward(self, x):
        return x * x


def block(c_in, c_out, kernel=3, stride=1, padding=None, bias=True):
    return nn.Sequential(nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2 if padding is None else padding, bias=bias),
                         nn.BatchNorm2d(c_out), Square())


class UNet(nn.Module):
    """Two stages, poolings, transposed convolutions, concatenations."""

    def __init__(self, c=1, base=2):
        super().__init__()
        self.down, self.mid = nn.ModuleList([block(c, base), block(base, 2 * base)]), block(2 * base, 2 * base)
        self.up = nn.ModuleList([nn.ConvTranspose2d(2 * base, 2 * base, 2, 2), nn.ConvTranspose2d(base, base, 2, 2)])
        self.join = nn.ModuleList([block(4 * base, base), block(2 * base, base)])
        self.drop, self.pool, self.head = nn.Dropout2d(0.5), nn.AvgPool2d(2), nn.Conv2d(base, 1, 1)

    def forward(self, x):
        skips = []
        for stage in self.down:
            x = stage(x)
            skips.append(x)
            x = self.pool(x)
        x = self.drop(self.mid(x))
        for up, join, skip in zip(self.up, self.join, reversed(skips)):
            x = join(torch.cat([up(x), skip], 1))
        return self.head(x)


class Squares(nn.Module):
    """The square, written in five ways."""

    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(1 if k == 0 else 2, 2, 3, padding=1) for k in range(5)])
        self.head = nn.Conv2d(2, 1, 1)

    def forward(self, x):
        a, b, c, d, e = self.convs
        x = a(x) ** 2
        x = torch.square(b(x))
        x = torch.pow(c(x), 2)
        x = d(x).pow(2)
        x = e(x)
        return self.head(x.square())


class Polynomial(nn.Module):
    """a x^2 + b x + c with trained constants, factors and summands round it."""

    def __init__(self, a=0.3):
        super().__init__()
        self.a, self.b = nn.Parameter(torch.tensor(a)), nn.Parameter(torch.rand(1, 3, 1, 1))
        self.one, self.two, self.head = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 1, 1)

    def forward(self, x):
        x = self.one(2 * x - 1)
        x = self.a * x * x + self.b * x + 0.25
        x = self.two(x / 4 + 0.5)
        x = (0.5 * x + 1) ** 2
        return 3 * self.head(-x) - 0.1


class Strided(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.up, self.two = block(3, 4, 5, 2, bias=False), nn.ConvTranspose2d(4, 4, 2, 2), block(4, 3)
        self.head = nn.Conv2d(3, 1, 1, padding="same", bias=False)

    def forward(self, x):
        return self.head(self.two(self.up(self.one(x))))


class AfterSquare(nn.Module):
    """A normalisation behind the square, and a result read before and behind its normalisation."""

    def __init__(self):
        super().__init__()
        self.one, self.norm, self.two, self.norm2 = nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), \
            nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2)
        self.head = nn.Conv2d(4, 1, 3, padding="same")

    def forward(self, x):
        x = self.two(self.norm(self.one(x).square()))
        return self.head(torch.cat([x, self.norm2(x).square()], dim=1))


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(block(1, 3, 5, 2, 0), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(3 * 3 * 3, 6))
        self.norm, self.head, self.drop = nn.BatchNorm1d(6), nn.Linear(6, 3), nn.Dropout(0.3)

    def forward(self, x):
        return self.head(self.drop(self.norm(self.body(x)) ** 2))


class Means(nn.Module):
    """Averages by functions, of 4, and of the whole map; view by sizes."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.head = block(3, 4), block(4, 4), nn.Linear(4, 1)

    def forward(self, x):
        x = F.avg_pool2d(self.one(x), 2)
        x = F.adaptive_avg_pool2d(self.two(x), (1, 1))
        x = F.dropout(x, 0.5, self.training).view(x.size(0), -1)
        return self.head(x)


class Mean(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.pool, self.two = block(1, 4), nn.AvgPool2d(4), nn.Conv2d(4, 5, 1)

    def forward(self, x):
        return self.two(self.pool(self.one(x))).mean((2, 3))


class Normalised(nn.Module):
    """A mean and a deviation for each colour, before a padded convolution."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.4, 0.5, 0.6]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.2, 0.3, 0.25]).view(1, 3, 1, 1))
        self.one, self.head = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 1, 1)

    def forward(self, x):
        return self.head(self.one((x - self.mean) / self.std).square())


class Standardised(nn.Conv2d):
    """Weights that are computed from weights."""

    def forward(self, x):
        w = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return F.conv2d(x, w / w.std((1, 2, 3), keepdim=True), self.bias, self.stride, self.padding)


class Joined(nn.Module):
    """A dense layer that reads a concatenation of two squares."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(1, 2, 3, padding=1)
        self.dense, self.head = nn.Linear(5 * 64, 4), nn.Linear(4, 10)

    def forward(self, x):
        x = F.avg_pool2d(x, 2)
        x = torch.cat((self.one(x) ** 2, self.two(x) ** 2), 1)
        return self.head(self.dense(x.flatten(1)).pow(2))


class Shared(nn.Module):
    """One convolution read by two normalisations, a square and a concatenation; a polynomial of a square."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(6, 2, 3, padding=1)
        self.norms, self.head = nn.ModuleList([nn.BatchNorm2d(3), nn.BatchNorm2d(3)]), nn.Conv2d(8, 1, 3, padding=1)

    def forward(self, x):
        x = self.one(x)
        y = self.two(torch.cat([self.norms[0](x) ** 2, self.norms[1](x) ** 2], 1))
        z = x ** 2
        return self.head(torch.cat([x, z * z - 0.3 * z, y], 1))


class Residual(nn.Module):
    """x + f(x), twice: by +, and in place; a sum of three; a factor on a branch."""

    def __init__(self, base=3):
        super().__init__()
        self.stem, self.one, self.two = block(1, base), nn.Conv2d(base, base, 3, padding=1), block(base, base)
        self.norm, self.side, self.head = nn.BatchNorm2d(base), nn.Conv2d(base, base, 1), nn.Conv2d(base, 1, 1)

    def forward(self, x):
        x = self.stem(x)
        y = torch.square(self.norm(self.one(x)) + x)
        y += self.side(x)
        return self.head(torch.add(self.two(y), x + y, alpha=0.5))


class ResidualUNet(nn.Module):
    """A U-Net of residual blocks."""

    def __init__(self, base=2):
        super().__init__()
        self.stem, self.low = nn.Conv2d(1, base, 3, padding=1), nn.Conv2d(base, 2 * base, 1)
        self.first, self.second, self.last = self.pairs(base), self.pairs(2 * base), self.pairs(base)
        self.up, self.join, self.head = nn.ConvTranspose2d(2 * base, base, 2, 2), nn.Conv2d(2 * base, base, 1), \
            nn.Conv2d(base, 1, 1)

    @staticmethod
    def pairs(c):
        return nn.Sequential(block(c, c), nn.Conv2d(c, c, 3, padding=1), nn.BatchNorm2d(c))

    def forward(self, x):
        x = self.stem(x)
        skip = x + self.first(x)
        x = self.low(F.avg_pool2d(skip, 2))
        x = x + self.second(x)
        x = self.join(torch.cat([self.up(x), skip], 1))
        return self.head(x + self.last(x))


class Dilated(nn.Module):
    """A context module: dilations 1, 2, 4 and unlike ones, beside each other."""

    def __init__(self):
        super().__init__()
        self.stem = block(1, 3)
        self.arms = nn.ModuleList([nn.Conv2d(3, 2, 3, padding=d, dilation=d) for d in (1, 2, 4)])
        self.wide, self.head = nn.Conv2d(6, 3, 3, padding=(2, 3), dilation=(2, 3)), nn.Conv2d(3, 1, 1)
        self.norm = nn.BatchNorm2d(6)

    def forward(self, x):
        x = self.stem(x)
        x = self.norm(torch.cat([arm(x) for arm in self.arms], 1)) ** 2
        return self.head(self.wide(x))


class Separable(nn.Module):
    """Depthwise and pointwise; groups of two; rectangular kernels."""

    def __init__(self):
        super().__init__()
        self.stem, self.depth, self.point = block(3, 4), nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.Conv2d(4, 6, 1)
        self.norm, self.halves = nn.BatchNorm2d(6), nn.Conv2d(6, 4, (3, 1), padding=(1, 0), groups=2)
        self.flat, self.head = nn.Conv2d(4, 4, (1, 5), padding=(0, 2)), nn.Conv2d(4, 1, 1)

    def forward(self, x):
        x = self.norm(self.point(self.depth(self.stem(x)))).square()
        return self.head(self.flat(self.halves(x)))


class Decoder(nn.Module):
    """Down by strides or means, up by whatever `up` makes of (channels)."""

    def __init__(self, up, stride=1, base=3):
        super().__init__()
        self.one, self.two = block(1, base), block(base, 2 * base, 3, stride)
        self.pool = nn.Identity() if stride == 2 else nn.AvgPool2d(2)
        self.up, self.join, self.head = up(2 * base), block(3 * base, base), nn.Conv2d(base, 1, 1)

    def forward(self, x):
        x = self.one(x)
        y = self.up(self.two(self.pool(x)))
        return self.head(self.join(torch.cat([x, y], 1)))


class Labelled(nn.Module):
    """Three labels a pixel."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.head = block(1, 4), block(4, 4), nn.Conv2d(4, 3, 1)
        self.up = nn.ConvTranspose2d(4, 4, 2, stride=2)

    def forward(self, x):
        return self.head(self.up(self.two(F.avg_pool2d(self.one(x), 2))))


class Oblong(nn.Module):
    """A classifier of images that are no squares: means of 3x3, the mean of an oblong map."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.head = block(3, 4), block(4, 5), nn.Linear(5, 4)
        self.third, self.all = nn.AvgPool2d(3), nn.AdaptiveAvgPool2d(1)

    def forward(self, x):
        return self.head(torch.flatten(self.all(self.two(self.third(self.one(x)))), 1))


class Digits(nn.Module):
    """A network for MNIST: padded convolutions, one without padding behind them, Flatten and Linear."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 5, padding=2), Square(), nn.AvgPool2d(2),
                                  nn.Conv2d(4, 6, 3, padding=1), nn.BatchNorm2d(6), Square(), nn.AvgPool2d(2, 2),
                                  nn.Conv2d(6, 4, 3), nn.Flatten(), nn.Linear(100, 10))

    def forward(self, x):
        return self.body(x)


class Shrinking(nn.Module):
    """Convolutions without padding before padded ones, means of an odd map: a map that no longer covers the image."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.three = block(1, 3, 5, padding=0), block(3, 4), nn.Conv2d(4, 3, 3)
        self.head = nn.Linear(3 * 4 * 4, 3)

    def forward(self, x):
        x = F.avg_pool2d(self.one(x), 2)            # 31, 27, 13
        x = F.avg_pool2d(self.two(x), 2)            # 13, 6
        return self.head(self.three(x).flatten(1))


class Padded(nn.Module):
    """Paddings that are no half kernels, zeros by F.pad, even kernels, means that overlap; at the end it shrinks."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 3, 4, padding="same")
        self.three, self.pad, self.head = nn.Conv2d(3, 2, 4, padding=1), nn.ZeroPad2d((0, 2, 2, 0)), nn.Conv2d(2, 1, 3)

    def forward(self, x):
        x = self.two(self.one(x)) ** 2
        x = F.avg_pool2d(x, 3, 1, 1)
        x = self.three(F.pad(x, (1, 0, 0, 1)))
        return self.head(self.pad(x))


class Users(nn.Module):
    """What a first user had: 5x5 without bias, 1x1, an odd size, an even kernel."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.head = block(3, 4, 5, bias=False), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 1, 1)
        self.three, self.norm = nn.Conv2d(4, 4, 2, padding="same"), nn.BatchNorm2d(4)

    def forward(self, x):
        return self.head(self.norm(self.three(self.two(self.one(x)))).square())


# Name: module, channels, height, width, border.
torch.manual_seed(1)
NETWORKS = {
    "unet": (UNet(), 1, 32, 32, "zero"),
    "colour": (UNet(3), 3, 16, 32, "zero"),
    "halo": (UNet(), 1, 32, 32, "halo"),
    "wrap": (nn.Sequential(block(1, 2), nn.AvgPool2d(2), block(2, 2), nn.ConvTranspose2d(2, 1, 2, 2)),
             1, 256, 256, "wrap"),
    "squares": (Squares(), 1, 15, 17, "zero"),
    "polynomial": (Polynomial(), 1, 16, 16, "zero"),
    "polynomial_halo": (Polynomial(-0.3), 1, 16, 16, "halo"),
    "strided": (Strided(), 3, 16, 16, "zero"),
    "after": (AfterSquare(), 1, 16, 16, "zero"),
    "dense": (Dense(), 1, 16, 16, "valid"),
    "means": (Means(), 3, 16, 16, "zero"),
    "mean": (Mean(), 1, 16, 16, "zero"),
    "normalised": (Normalised(), 3, 16, 16, "zero"),
    "standardised": (nn.Sequential(Standardised(1, 3, 3, padding=1), Square(), nn.Conv2d(3, 1, 1)), 1, 16, 16, "zero"),
    "joined": (Joined(), 1, 16, 16, "zero"),
    "shared": (Shared(), 1, 16, 16, "zero"),
    "shared_halo": (Shared(), 1, 16, 16, "halo"),
    "residual": (Residual(), 1, 16, 16, "zero"),
    "residual_unet": (ResidualUNet(), 1, 32, 32, "zero"),
    "residual_halo": (ResidualUNet(), 1, 32, 32, "halo"),
    "dilated": (Dilated(), 1, 16, 16, "zero"),
    "separable": (Separable(), 3, 16, 16, "zero"),
    "bilinear": (Decoder(lambda c: nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)), 1, 16, 24,
                 "halo"),
    "bilinear_zero": (Decoder(lambda c: nn.Upsample(scale_factor=2, mode="bilinear")), 1, 16, 16, "zero"),
    "nearest": (Decoder(lambda c: nn.UpsamplingNearest2d(scale_factor=2)), 1, 16, 16, "zero"),
    "tconv4": (Decoder(lambda c: nn.ConvTranspose2d(c, c, 4, 2, 1), 2), 1, 16, 16, "zero"),
    "tconv3": (Decoder(lambda c: nn.ConvTranspose2d(c, c, 3, 2, 1, output_padding=1, groups=2), 2), 1, 16, 16, "zero"),
    "oblong": (Oblong(), 3, 15, 24, "zero"),
    "digits": (Digits(), 1, 28, 28, "zero"),
    "shrinking": (Shrinking(), 1, 31, 31, "zero"),
    "padded": (Padded(), 1, 16, 16, "zero"),
    "users": (Users(), 3, 15, 15, "zero"),
    "labels": (Labelled(), 1, 16, 16, "zero"),
}
