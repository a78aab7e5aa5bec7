"""The layers of a U-Net and its initial tensors.  Needed before: net.py."""
import torch

import net


def unet(base=8, depth=2, act="square"):
    """Two 3x3 convolutions a stage, depth poolings, one logit a pixel."""
    n = net.Layers(act)

    def stage(name, x, c_in, c_out):
        for half, c in (("a", c_in), ("b", c_out)):
            x = n.activation(n.conv(name + half, x, c, c_out, 3), c_out)
        return x

    x, c, skips = "image", 1, []
    for d in range(depth):
        x = stage("enc%d" % d, x, c, base << d)
        skips.append(x)
        x, c = n.add("pool", "pool%d" % d, x), base << d
    x, c = stage("mid", x, c, base << depth), base << depth
    for d in reversed(range(depth)):
        up, half = "up%d" % d, base << d
        n.tensors[up + ".weight"] = torch.randn(c, half, 2, 2) * (1 / c) ** 0.5
        n.tensors[up + ".bias"] = torch.zeros(half)
        n.add("tconv", up, x, weight=up + ".weight", bias=up + ".bias")
        x = n.add("concat", "cat%d" % d, up, skips[d])
        x, c = stage("dec%d" % d, x, 2 * half, half), half
    n.conv("logit", x, c, 1, 1)
    return n.layers, n.tensors
