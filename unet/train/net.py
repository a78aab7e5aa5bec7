"""A network is a list of layers (docs/model.md) and a dictionary of tensors.

Layers writes both, forward() runs any such list.  Training, calibration and
reference.py all use this one forward().  Needed before: border.py.
"""
import torch
import torch.nn.functional as F

import border

MOMENTUM = 0.05         # of the statistics, while training
# By dimensions.
CONV = {2: F.conv2d, 3: F.conv3d}
TCONV = {2: F.conv_transpose2d, 3: F.conv_transpose3d}
POOL = {("pool", 2): F.avg_pool2d, ("pool", 3): F.avg_pool3d,
        ("maxpool", 2): F.max_pool2d, ("maxpool", 3): F.max_pool3d}


class Layers:
    """A list of layers and its initial tensors, written one layer at a time.

    act is "square" or "relu"; every method returns the name of its output.
    """

    def __init__(self, act="square"):
        self.layers, self.tensors, self.act = [], {}, act

    def add(self, op, name, *inputs, **keys):
        self.layers.append({"op": op, "name": name, "in": list(inputs), **keys})
        return name

    def linear(self, op, name, x, shape, **keys):
        """conv or dense: weight of the given shape [c_out, ...], bias 0."""
        self.tensors[name + ".weight"] = torch.randn(shape) * (2 / torch.Size(shape[1:]).numel()) ** 0.5
        self.tensors[name + ".bias"] = torch.zeros(shape[0])
        return self.add(op, name, x, weight=name + ".weight", bias=name + ".bias", **keys)

    def conv(self, name, x, c_in, c_out, kernel, stride=1):
        keys = {"kernel": kernel, "stride": stride} if stride > 1 else {"kernel": kernel}
        return self.linear("conv", name, x, (c_out, c_in, kernel, kernel), **keys)

    def dense(self, name, x, c_in, c_out):
        return self.linear("dense", name, x, (c_out, c_in))

    def activation(self, x, c):
        """A normalisation of the c channels of x, and the square or ReLU behind it."""
        bn, square = "bn_" + x, self.act == "square"
        # A square's slope is 2z: start it away from its flat place at 0.
        self.tensors[bn + ".weight"] = torch.full((c,), 0.5 if square else 1.0)
        self.tensors[bn + ".bias"] = torch.full((c,), 1.0 if square else 0.0)
        self.tensors[bn + ".mean"] = torch.zeros(c)
        self.tensors[bn + ".var"] = torch.ones(c)
        self.add("batchnorm", bn, x, eps=1e-5, **{k: bn + "." + k for k in ("weight", "bias", "mean", "var")})
        return self.add(self.act, x + (".sq" if square else ".relu"), bn)


def convolved(layer, x, at, weight, bias, pad):
    dims = weight.dim() - 2
    if max(weight.shape[2:]) > 1 or "pad" in layer:
        x = pad(x, at, border.window(layer, dims))
    return CONV[dims](x, weight, bias, layer.get("stride", 1), 0, layer.get("dilation", 1), layer.get("groups", 1))


def doubled(x, at, pad, double):
    """double(x) is twice as large as x and sees one pixel beside each; zeros and what repeats the edge are its own."""
    if pad in (border.zero, border.valid):
        return double(x)
    return double(pad(x, at, border.ONE))[..., 2:-2, 2:-2]


def bilinear(x):
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def forward(layers, tensors, image, pad, training=False, clip=None, change=None):
    """All values of the network by name, for image [K, C, H, W] or [K, C, D, H, W].

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
        dims = x.dim() - 2
        t = {k: tensors[layer[k]] for k in ("weight", "bias", "mean", "var") if k in layer}
        if op == "conv":
            x = convolved(layer, x, at, t["weight"], t["bias"], pad)
        elif op == "dense":
            x = F.linear(x.flatten(1), t["weight"], t["bias"])[:, :, None, None]
        elif op == "batchnorm":
            x = F.batch_norm(x, t["mean"], t["var"], t["weight"], t["bias"],
                             training, MOMENTUM, layer["eps"])
        elif op == "square":
            x = (x if clip is None else x.clamp(-clip, clip)).square()
        elif op == "quadratic":
            a, b, c = (tensors[layer[k]].reshape(-1, *[1] * dims) for k in "abc")
            x = (a * x + b) * x + c
        elif op == "relu":
            x = F.relu(x)
        elif op in ("pool", "maxpool"):
            size = border.pair(layer.get("size", 2), dims)
            x, at = POOL[op, dims](x, size), at + size[0].bit_length() - 1
        elif op == "tconv" and layer.get("kernel", 2) == 4:
            x, at = doubled(x, at, pad, lambda x: F.conv_transpose2d(x, t["weight"], t["bias"], 2, 1)), at - 1
        elif op == "tconv":
            x, at = TCONV[dims](x, t["weight"], t["bias"], stride=2), at - 1
        elif op == "upsample" and layer["mode"] == "bilinear":
            x, at = doubled(x, at, pad, bilinear), at - 1
        elif op == "upsample":
            x, at = F.interpolate(x, scale_factor=2, mode="nearest"), at - 1
        elif op == "concat":
            x = torch.cat([values[n] for n in layer["in"]], 1)
        elif op == "add":
            x = sum(values[n] for n in layer["in"])
        else:
            raise ValueError("unknown op " + op)
        if change and change[0] == name:
            x = x + change[1]
        values[name], level[name] = x, at
    return values
