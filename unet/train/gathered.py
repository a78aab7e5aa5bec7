"""Layers and tensors of a model file as they gather, a layer at a time.

A value is a polynomial of degree 2 of a tensor of the file, channel by channel,
and becomes a layer when something reads it.  At the end layers that nothing
reads go, and the planner's conditions are met.  Needed before: docs/model.md,
refusals.py.
"""
from fractions import Fraction

import torch

from refusals import Refused

NAME = 63               # bytes of a layer's name
VERTEX = 8.0            # the largest summand behind a square, where values are of the order of 1


def step(layer):
    """How much further apart than its input's a layer's pixels are; of a whole map's mean nothing."""
    if layer["op"] in ("tconv", "upsample"):
        return Fraction(1, 2)
    size = layer.get("size", 2) if layer["op"] in ("pool", "maxpool") else layer.get("stride", 1)
    return 1 if isinstance(size, list) else size


class Value:
    """a t^2 + b t + c of the file's tensor t, vectors of channels; flat: all of it in one row of numbers.

    pad: None, or rows and columns of zeros beside it, [top, left, bottom, right]; of volumes [front, ..., back, ...].
    """

    def __init__(self, tensor, a, b, c, flat=False):
        self.tensor, self.a, self.b, self.c, self.flat, self.pad = tensor, a, b, c, flat, None
        self.made = None                        # (name, path) of the step that gave it

    def like(self, a, b, c):
        return Value(self.tensor, a, b, c, self.flat)

    def padded(self, pad):
        v = self.like(self.a, self.b, self.c)
        v.pad, v.made = pad, self.made
        return v

    def degree(self):
        return 2 if bool((self.a != 0).any()) else 1

    def plain(self):
        return self.degree() == 1 and bool((self.b == 1).all() and (self.c == 0).all())


class Const:
    """What does not depend on the image."""

    def __init__(self, value):
        self.value = value


class Network:
    """Layers, tensors and sizes of a file, a layer at a time; path: where in the module each comes from.

    size: (channels, (depth,) height, width) of the image; blind: for the protocol of two parties.
    """

    def __init__(self, border, size, blind=False):
        self.layers, self.tensors, self.path, self.border = [], {}, {"image": "the input"}, border
        self.blind, self.dims = blind, len(size) - 1
        self.size = {"image": size}
        self.apart = {"image": Fraction(1)}     # pixels of the image from one pixel of a map to the next

    def value(self, tensor, flat=False):
        zero = torch.zeros(self.size[tensor][0], dtype=torch.float64)
        return Value(tensor, zero, zero + 1, zero, flat)

    def unique(self, name):
        name = (name or "layer").encode("ascii", "replace").decode()
        number, full = 1, name[-NAME:]
        while full in self.size:
            number += 1
            full = "%s.%d" % (name[-NAME + 8:], number)
        return full

    def add(self, op, name, path, inputs, size, keys=None, **tensors):
        name = self.unique(name)
        layer = {"op": op, "name": name, "in": list(inputs)}
        for key, t in tensors.items():
            layer[key] = name + "." + key
            self.tensors[name + "." + key] = t.detach().float().contiguous()
        layer.update(keys or {})
        self.layers.append(layer)
        self.size[name], self.path[name] = tuple(size), path
        self.apart[name] = self.apart[inputs[0]] * step(layer)
        return name

    def settle(self, v):
        """The tensor that is v: written as a layer if it is not one already."""
        if v.plain():
            return v.tensor
        name, path = v.made or ("layer", "forward")
        size, zero = self.size[v.tensor], torch.zeros_like(v.b)
        if v.degree() == 1:
            v.tensor = self.add("batchnorm", name, path, [v.tensor], size, {"eps": 0.0},
                                weight=v.b, bias=v.c, mean=zero, var=zero + 1)
        elif bool((v.a > 0).all() and ((v.c - v.b ** 2 / (4 * v.a)).abs()
                                       <= 1e-9 * (v.c.abs() + v.b ** 2 / v.a)).all()):
            root = v.a.sqrt()                   # (root t + b / 2 root)^2: no constant is left behind the square
            inner = self.value(v.tensor).like(zero, root, v.b / (2 * root))
            inner.made = (name + ".in", path)
            v.tensor = self.add("square", name, path, [self.settle(inner)], size)
        elif self.blind:
            v.tensor = self.completed(v, name, path)
        else:
            v.tensor = self.add("quadratic", name, path, [v.tensor], size, a=v.a, b=v.b, c=v.c)
        v.a, v.b, v.c = zero, zero + 1, zero
        return v.tensor

    def completed(self, v, name, path):
        """a t^2 + b t + c as +-(root t + b / 2 root)^2 and a summand; where that is large beside what comes out, or a
        is 0, as a convolution 1x1 of t^2 and t, which rounds less."""
        vertex = v.c - v.b ** 2 / (4 * v.a)
        if not bool((vertex.abs() <= VERTEX).all()):        # nor if it is no number
            return self.weighted(v, name, path)
        root, sign, zero = v.a.abs().sqrt(), v.a.sign(), torch.zeros_like(v.b)
        inner = self.value(v.tensor).like(zero, root, sign * v.b / (2 * root))
        inner.made = (name + ".in", path)
        square = self.add("square", name + ".sq", path, [self.settle(inner)], self.size[v.tensor])
        outer = self.value(square).like(zero, sign, vertex)
        outer.made = (name, path)
        return self.settle(outer)

    def weighted(self, v, name, path):
        """a t^2 + b t + c as a convolution 1x1 of u^2 and u: u is t, channel by channel as large as lets no weight
        exceed 1, since integers of one layer have one unit, their weights, too."""
        size, zero = self.size[v.tensor], torch.zeros_like(v.b)
        factor = torch.maximum(v.b.abs(), v.a.abs().sqrt())
        factor = torch.where(factor > 0, factor, zero + 1)
        inner = self.value(v.tensor).like(zero, factor, zero)
        inner.made = (name + ".in", path)
        inner = self.settle(inner)
        square = self.add("square", name + ".sq", path, [inner], size)
        both = self.add("concat", name + ".both", path, [square, inner], (2 * size[0],) + size[1:])
        weight = torch.cat([torch.diag(v.a / factor ** 2), torch.diag(v.b / factor)], 1)
        return self.add("conv", name, path, [both], size, {"kernel": 1},
                        weight=weight.reshape(*weight.shape, *[1] * self.dims), bias=v.c)


def dead(network, output):
    """Leaves out layers that the output does not depend on."""
    used = {output}
    for layer in reversed(network.layers):
        if layer["name"] in used:
            used.update(layer["in"])
    if "image" not in used:
        raise Refused("forward: its result does not depend on the image")
    for layer in network.layers:
        if layer["name"] not in used:
            for key in ("weight", "bias", "mean", "var", "a", "b", "c"):
                network.tensors.pop(layer.get(key), None)
    network.layers = [layer for layer in network.layers if layer["name"] in used]


def separate(network, output):
    """Normalisations that no convolution takes up become convolutions 1x1 of each channel: the protocol of two parties
    knows factors only as weights.  One takes them up that lies before, with no other reader, or all that lie behind,
    beyond means and concatenations, too."""
    readers, op = {output: [None]}, {"image": "image"}
    for layer in network.layers:
        op[layer["name"]] = layer["op"]
        for name in layer["in"]:
            readers.setdefault(name, []).append(layer["name"])

    def taken(name):
        return all(op.get(r) in ("conv", "tconv") or op.get(r) in ("pool", "concat") and taken(r)
                   for r in readers[name])
    for layer in network.layers:
        x, name = layer["in"][0], layer["name"]
        if layer["op"] != "batchnorm" or op[x] in ("conv", "tconv") and len(readers[x]) == 1 or taken(name):
            continue
        weight, bias, mean, var = (network.tensors.pop(layer.pop(k)) for k in ("weight", "bias", "mean", "var"))
        factor = weight / (var + layer.pop("eps")).sqrt()
        layer.update(op="conv", kernel=1, weight=name + ".weight", bias=name + ".bias")
        if len(factor) > 1:
            layer["groups"] = len(factor)
        network.tensors[layer["weight"]] = factor.reshape(-1, 1, *[1] * network.dims)
        network.tensors[layer["bias"]] = bias - mean * factor


def placed(network, output):
    """Convolutions 1x1 that change nothing, put where the compiler of layers needs a stage of its own.

    A result that is read both before and behind its normalisation or activation
    needs a copy; a dense layer reads one tensor, no concatenation.
    """
    layers, readers = network.layers, {}
    for layer in layers:
        for name in layer["in"]:
            readers[name] = readers.get(name, 0) + 1
    readers[output] = readers.get(output, 0) + 1
    network.layers, copies = [], []
    fresh, many = {"image": False}, {"image": False}
    for layer in layers:
        op, name = layer["op"], layer["name"]
        for k, x in enumerate(layer["in"]):
            if (op in ("batchnorm", "square", "quadratic") and fresh[x] and readers[x] > 1
                    or op == "dense" and many[x]):
                channels = network.size[x][0]
                layer["in"][k] = network.add("conv", x + ".same", network.path[x], [x], network.size[x], {"kernel": 1},
                                             weight=torch.eye(channels)[:, :, None, None], bias=torch.zeros(channels))
                copies.append(layer["in"][k])
                fresh[copies[-1]], many[copies[-1]] = True, False
        network.layers.append(layer)
        x = layer["in"][0]
        host = op == "add" and any(fresh[i] and readers[i] == 1 for i in layer["in"])
        alone = op == "tconv" and layer.get("kernel", 2) == 4 or op == "upsample" and layer["mode"] == "bilinear"
        fresh[name] = op in ("conv", "dense") or op == "batchnorm" and fresh[x] or host \
            or alone and network.border == "zero"
        many[name] = op == "concat" or op == "add" and not host or op == "batchnorm" and many[x] and not fresh[x]
    return copies
