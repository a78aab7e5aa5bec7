"""The U-Net that train.py segment trains: an ordinary torch.nn.Module.  Needed before: nothing."""
import torch
from torch import nn


class Square(nn.Module):
    def forward(self, x):
        return x * x


# By dimensions.
CONV = {2: nn.Conv2d, 3: nn.Conv3d}
TCONV = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
NORM = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
POOL = {("mean", 2): nn.AvgPool2d, ("mean", 3): nn.AvgPool3d, ("max", 2): nn.MaxPool2d, ("max", 3): nn.MaxPool3d}


def stage(c_in, c_out, act, dims=2):
    """Two convolutions of 3x3 (3x3x3), each with a normalisation and the activation."""
    parts = []
    for c in (c_in, c_out):
        parts += [CONV[dims](c, c_out, 3, padding=1, bias=False), NORM[dims](c_out),
                  Square() if act == "square" else nn.ReLU()]
    return nn.Sequential(*parts)


class UNet(nn.Module):
    """depth poolings by 2, base channels at the top, `outputs` logits a pixel; dims 3: of volumes."""

    def __init__(self, channels=1, outputs=1, base=8, depth=2, act="square", dims=2, pool="mean"):
        super().__init__()
        self.pool = POOL[pool, dims](2)
        self.down, self.up, self.join = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        c = channels
        for d in range(depth):
            self.down.append(stage(c, base << d, act, dims))
            c = base << d
        self.middle = stage(c, base << depth, act, dims)
        for d in reversed(range(depth)):
            self.up.append(TCONV[dims](base << d + 1, base << d, 2, 2))
            self.join.append(stage(base << d + 1, base << d, act, dims))
        self.head = CONV[dims](base, outputs, 1)

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
