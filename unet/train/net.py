"""A network is a list of layers (docs/model.md) and a dictionary of tensors.

unet() writes the list, forward() runs any such list.  Training, calibration
and reference.py all use this one forward().  Needed before: border.py.
"""
import torch
import torch.nn.functional as F

MOMENTUM = 0.05         # of the statistics, while training


def unet(base=8, depth=2, act="square"):
    """The layers of a U-Net and its initial tensors."""
    layers, tensors = [], {}

    def add(op, name, *inputs, **keys):
        layers.append({"op": op, "name": name, "in": list(inputs), **keys})
        return name

    def conv(name, x, c_in, c_out, kernel):
        tensors[name + ".weight"] = torch.randn(c_out, c_in, kernel, kernel) \
            * (2 / (c_in * kernel * kernel)) ** 0.5
        tensors[name + ".bias"] = torch.zeros(c_out)
        return add("conv", name, x, weight=name + ".weight", bias=name + ".bias", kernel=kernel)

    def stage(name, x, c_in, c_out):
        for half, c in (("a", c_in), ("b", c_out)):
            x = conv(name + half, x, c, c_out, 3)
            bn = "bn_" + x
            # A square's slope is 2z: start it away from its flat place at 0.
            tensors[bn + ".weight"] = torch.full((c_out,), 0.5 if act == "square" else 1.0)
            tensors[bn + ".bias"] = torch.full((c_out,), 1.0 if act == "square" else 0.0)
            tensors[bn + ".mean"] = torch.zeros(c_out)
            tensors[bn + ".var"] = torch.ones(c_out)
            add("batchnorm", bn, x, eps=1e-5,
                **{k: bn + "." + k for k in ("weight", "bias", "mean", "var")})
            x = add(act, x + (".sq" if act == "square" else ".relu"), bn)
        return x

    x, c, skips = "image", 1, []
    for d in range(depth):
        x = stage("enc%d" % d, x, c, base << d)
        skips.append(x)
        x, c = add("pool", "pool%d" % d, x), base << d
    x, c = stage("mid", x, c, base << depth), base << depth
    for d in reversed(range(depth)):
        up, half = "up%d" % d, base << d
        tensors[up + ".weight"] = torch.randn(c, half, 2, 2) * (1 / c) ** 0.5
        tensors[up + ".bias"] = torch.zeros(half)
        add("tconv", up, x, weight=up + ".weight", bias=up + ".bias")
        x = add("concat", "cat%d" % d, up, skips[d])
        x, c = stage("dec%d" % d, x, 2 * half, half), half
    conv("logit", x, c, 1, 1)
    return layers, tensors


def forward(layers, tensors, image, pad, training=False, clip=None, change=None):
    """All values of the network by name, for image [K, C, H, W].

    training  normalise by the batch and move mean and var towards its statistics
    clip      cut what is squared to [-clip, clip]
    change    (name, tensor): add the tensor to that value on the way
    """
    values, level = {"image": image}, {"image": 0}
    if change and change[0] == "image":
        values["image"] = image + change[1]
    for layer in layers:
        op, name = layer["op"], layer["name"]
        x, at = values[layer["in"][0]], level[layer["in"][0]]
        t = {k: tensors[layer[k]] for k in ("weight", "bias", "mean", "var") if k in layer}
        if op == "conv":
            x = F.conv2d(pad(x, at) if layer["kernel"] == 3 else x, t["weight"], t["bias"])
        elif op == "batchnorm":
            x = F.batch_norm(x, t["mean"], t["var"], t["weight"], t["bias"],
                             training, MOMENTUM, layer["eps"])
        elif op == "square":
            x = (x if clip is None else x.clamp(-clip, clip)).square()
        elif op == "relu":
            x = F.relu(x)
        elif op == "pool":
            x, at = F.avg_pool2d(x, 2), at + 1
        elif op == "tconv":
            x, at = F.conv_transpose2d(x, t["weight"], t["bias"], stride=2), at - 1
        elif op == "concat":
            x = torch.cat([values[n] for n in layer["in"]], 1)
        else:
            raise ValueError("unknown op " + op)
        if change and change[0] == name:
            x = x + change[1]
        values[name], level[name] = x, at
    return values
