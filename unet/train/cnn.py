"""The layers of a classifier from a short plan.  Needed before: net.py.

A plan is a list of steps, each followed by a normalisation and an activation,
but pool and the last:

    ("conv", channels, kernel, stride)      nothing beyond the edge
    ("pool",)                               mean of 2x2
    ("dense", channels)                     of all that is there
"""
import net

PLANS = {
    "mnist": [("conv", 5, 5, 2), ("conv", 24, 5, 2), ("dense", 10)],
}


def cnn(plan, channels, side, act="square"):
    """The layers and initial tensors of a plan for images [channels, side, side]."""
    n, x, c = net.Layers(act), "image", channels
    for k, (op, *sizes) in enumerate(plan):
        last = k == len(plan) - 1
        name = "logit" if last else op + str(k)
        if op == "pool":
            assert side % 2 == 0
            x, side = n.add("pool", name, x), side // 2
            continue
        if op == "conv":
            kernel, stride = sizes[1:]
            x = n.conv(name, x, c, sizes[0], kernel, **({"stride": stride} if stride > 1 else {}))
            c, side = sizes[0], (side - kernel) // stride + 1
        else:
            x = n.dense(name, x, c * side * side, sizes[0])
            c, side = sizes[0], 1
        if not last:
            x = n.activation(x, c)
    return n.layers, n.tensors


def cost(plan, channels, side):
    """(multiply-adds, squared values) of one image."""
    adds, squares, c = 0, 0, channels
    for k, (op, *sizes) in enumerate(plan):
        if op == "pool":
            side //= 2
            continue
        kernel, stride = sizes[1:] if op == "conv" else (side, 1)
        side = (side - kernel) // stride + 1
        adds += side * side * sizes[0] * kernel * kernel * c
        c = sizes[0]
        squares += side * side * c * (k < len(plan) - 1)
    return adds, squares
