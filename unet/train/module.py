"""The U-Net that train.py segment trains: an ordinary torch.nn.Module.  Needed before: nothing."""
import torch
from torch import nn


class Square(nn.Module):
    def forward(self, x):
        return x * x


def stage(c_in, c_out, act):
    """Two 3x3 convolutions, each with a normalisation and the activation."""
    parts = []
    for c in (c_in, c_out):
        parts += [nn.Conv2d(c, c_out, 3, padding=1, bias=False), nn.BatchNorm2d(c_out),
                  Square() if act == "square" else nn.ReLU()]
    return nn.Sequential(*parts)


class UNet(nn.Module):
    """depth poolings by 2, base channels at the top, `outputs` logits a pixel."""

    def __init__(self, channels=1, outputs=1, base=8, depth=2, act="square"):
        super().__init__()
        self.pool = nn.AvgPool2d(2)
        self.down, self.up, self.join = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        c = channels
        for d in range(depth):
            self.down.append(stage(c, base << d, act))
            c = base << d
        self.middle = stage(c, base << depth, act)
        for d in reversed(range(depth)):
            self.up.append(nn.ConvTranspose2d(base << d + 1, base << d, 2, 2))
            self.join.append(stage(base << d + 1, base << d, act))
        self.head = nn.Conv2d(base, outputs, 1)

    def levels(self):
        """[(stage, how many poolings stand before it)]"""
        depth = len(self.down)
        return [*zip(self.down, range(depth)), (self.middle, depth), *zip(self.join, reversed(range(depth)))]

    def forward(self, x):
        skips = []
        for down in self.down:
            x = down(x)
            skips.append(x)
            x = self.pool(x)
        x = self.middle(x)
        for up, join in zip(self.up, self.join):
            x = join(torch.cat([up(x), skips.pop()], 1))
        return self.head(x)
