"""The layers of a classifier from a short plan.  Needed before: net.py.

A plan is a list of steps, each but the last followed by a normalisation and an
activation:

    ("conv", channels, kernel, stride)      nothing beyond the edge
    ("dense", channels)                     of all that is there
"""
import net

PLANS = {
    "mnist": [("conv", 8, 5, 2), ("conv", 24, 5, 2), ("dense", 10)],
}


def cnn(plan, channels, side, act="square"):
    """The layers and initial tensors of a plan for images [channels, side, side]."""
    n, x, c = net.Layers(act), "image", channels
    for k, (op, *sizes) in enumerate(plan):
        name = "logit" if k == len(plan) - 1 else op + str(k)
        if op == "conv":
            kernel, stride = sizes[1:]
            x = n.conv(name, x, c, sizes[0], kernel, stride=stride)
            side = (side - kernel) // stride + 1
        else:
            x, side = n.dense(name, x, c * side * side, sizes[0]), 1
        c = sizes[0]
        if name != "logit":
            x = n.activation(x, c)
    return n.layers, n.tensors


def cost(layers, tensors, side):
    """(multiply-adds, squared values) of one image [C, side, side] of any such network."""
    adds, squares, at = 0, 0, {"image": side}
    for layer in layers:
        side, weight = at[layer["in"][0]], tensors.get(layer.get("weight"))
        if layer["op"] == "conv":
            side = (side - layer["kernel"]) // layer.get("stride", 1) + 1
        elif layer["op"] in ("pool", "dense"):
            side = side // 2 if layer["op"] == "pool" else 1
        if layer["op"] in ("conv", "dense"):
            adds, channels = adds + side * side * weight.numel(), len(weight)
        elif layer["op"] == "square":
            squares += side * side * channels
        at[layer["name"]] = side
    return adds, squares
