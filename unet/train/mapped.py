"""Layers that move values between places: convolutions, means, ways up, joins.

A class of methods, one for each kind; traced.py calls them with PyTorch's own
arguments.  What comes in and goes out are Values.  Needed before: gathered.py.
"""
import math

import torch

from border import pair
from gathered import Const

INPUTS = 8              # of a concatenation or a sum
PADDED = "of a padded map: not yet; zeros are padded before a convolution, without anything between"
KERNEL = 16             # the largest; of strides, dilations and means, too
STRIDES = (1, 2, 4)     # of the protocol of two parties
BLIND = "with protocol=\"blind\": not yet; "


def by(sizes):
    return "x".join(map(str, sizes))


def short(v):
    """One number where all are alike."""
    return v[0] if len(set(v)) == 1 else list(v)


def grouped(weight, groups):
    """Weights [C_in, C_out / groups, ...] of a transposed convolution as those of one group."""
    if groups == 1:
        return weight
    parts = weight.chunk(groups)
    full = weight.new_zeros(len(weight), weight.shape[1] * groups, *weight.shape[2:])
    for k, part in enumerate(parts):
        full[k * len(part):(k + 1) * len(part), k * part.shape[1]:(k + 1) * part.shape[1]] = part
    return full


def windows(n, m):
    """(size, stride) of PyTorch's adaptive average from n places to m, where all windows are alike."""
    first = [k * n // m for k in range(m)]
    sizes = {-(-(k + 1) * n // m) - first[k] for k in range(m)}
    strides = {b - a for a, b in zip(first, first[1:])}
    return (sizes.pop(), strides.pop() if strides else n) if len(sizes) == 1 and len(strides) <= 1 else None


class Maps:
    """Of a Translator: net, border, blind, dims, refuse, name, path, found.

    Sizes and kernels are (height, width), of volumes (depth, height, width).
    """

    def usable(self, node, v):
        if isinstance(v, Const):
            self.refuse(node, "of a constant: not yet")
        if v.flat and max(self.net.size[v.tensor][1:]) > 1:
            self.refuse(node, "of a flattened map: not yet; only Linear reads one")
        if v.pad:
            self.refuse(node, PADDED)

    def settled(self, node, v):
        self.usable(node, v)
        return self.net.settle(v)

    def added(self, node, op, inputs, size, keys=None, flat=False, **tensors):
        name = self.net.add(op, self.name(node), self.path(node), inputs, size, keys, **tensors)
        apart, image = self.net.apart[name], self.net.size["image"][1:]
        if self.border in ("zero", "valid") and max(size[1:]) > 1 \
                and any(apart * (n - 1) >= m for n, m in zip(size[1:], image)):
            self.refuse(node, "gives %s, which is larger than the image, %s: not yet; less padding, or image "
                        "sizes that strides and poolings divide" % (by(size[1:]), by(image)))
        return self.net.value(name, flat)

    def doubles(self, node, tensor):
        """A map can be doubled whose pixels then lie on the image's."""
        apart = self.net.apart[tensor]
        if apart <= 1:
            self.refuse(node, "gives a map larger than the image: not yet; halve it before")
        if apart.denominator > 1 or apart % 2:
            self.refuse(node, "of a map with a pixel for %s of the image's: not yet; maps that were halved by stride 2 "
                        "or AvgPool2d(2)" % apart)

    # ---- convolutions ------------------------------------------------------

    def padding(self, node, kernel, stride, padding, dilation):
        """[top, left, bottom, right] of PyTorch's padding; of volumes [front, top, left, back, bottom, right]."""
        if padding == "valid":
            return [0] * 2 * self.dims
        if padding == "same":           # stride 1; of an odd sum the larger half lies behind
            whole = [d * (k - 1) for k, d in zip(kernel, dilation)]
            return [n // 2 for n in whole] + [n - n // 2 for n in whole]
        return list(pair(padding, self.dims)) * 2

    def placed(self, node, kernel, stride, pad, dilation, size):
        """The size of what comes out; refused is what the file or the border does not allow."""
        if len(set(stride)) > 1:
            self.refuse(node, "stride=%s: not yet; the same in both directions" % (stride,))
        if max(kernel + stride + dilation) > KERNEL:
            self.refuse(node, "kernel %s, stride %d, dilation %s: not yet; at most %d each"
                        % (by(kernel), stride[0], dilation, KERNEL))
        if self.blind and stride[0] not in STRIDES:
            self.refuse(node, "stride %d " % stride[0] + BLIND + "1, 2 or 4")
        if self.border == "valid" and any(pad):
            self.refuse(node, "padding=%s: border valid means padding=0 in every convolution; border zero takes any "
                        "padding" % (tuple(pad[:self.dims]),))
        reach = [d * (k - 1) for k, d in zip(kernel, dilation)]
        places = [n + a + b - r for n, a, b, r in zip(size, pad, pad[self.dims:], reach)]
        if min(places) < 1:
            self.refuse(node, "a kernel of %s on a map of %s" % (by(r + 1 for r in reach), by(size)))
        made = tuple(-(-n // stride[0]) for n in places)
        if self.border in ("halo", "wrap"):
            self.endless(node, kernel, stride[0], pad, dilation, *size, made)
        return made

    def keys(self, kernel, stride, pad, dilation, groups):
        """The keys of a conv."""
        own = [0 if self.border == "valid" else d * (k // 2) for k, d in zip(kernel, dilation)] * 2
        even = self.border != "valid" and any(k % 2 == 0 for k in kernel)
        keys = {"kernel": short(kernel)}
        if stride[0] > 1:
            keys["stride"] = stride[0]
        if pad != own or even:
            keys["pad"] = pad
        if max(dilation) > 1:
            keys["dilation"] = short(dilation)
        if groups > 1:
            keys["groups"] = groups
        return keys

    def endless(self, node, kernel, s, pad, dilation, height, width, size):
        """Under halo and wrap maps have no border; wrap has 3x3 and 1x1 alone."""
        if s > 1 and self.border == "wrap":
            self.refuse(node, "stride %d under border wrap: not yet; AvgPool2d(2)" % s)
        if height % s or width % s:
            self.refuse(node, "stride %d on a map of %dx%d under border halo: not yet; sizes that it divides"
                        % (s, height, width))
        if size != (height // s, width // s):
            self.refuse(node, "padding=%s: not yet under border %s, where maps have no end; padding=%d for a kernel of "
                        "%d, or border=\"zero\"" % (tuple(pad[:2]), self.border, kernel[0] // 2, kernel[0]))
        if self.border == "wrap" and (kernel not in ((1, 1), (3, 3)) or dilation != (1, 1)
                                      or pad != [k // 2 for k in kernel] * 2):
            self.refuse(node, "a kernel of %dx%d, dilation %s, under border wrap: not yet; 3x3 or 1x1"
                        % (kernel + (dilation,)))

    def conv(self, node, x, weight, bias, stride, padding, dilation, groups):
        """weight [C_out, C_in / groups, (k,) k, k]"""
        c_out, _, *kernel = weight.shape
        kernel, stride, dilation = tuple(kernel), pair(stride, self.dims), pair(dilation, self.dims)
        dilation = (1,) * self.dims if max(kernel) == 1 else dilation
        pad = self.padding(node, kernel, stride, padding, dilation)
        if not isinstance(x, Const) and x.pad:
            pad = [a + b for a, b in zip(pad, x.pad)]
            x = x.padded(None)
        tensor = self.settled(node, x)
        size = self.placed(node, kernel, stride, pad, dilation, self.net.size[tensor][1:])
        keys = self.keys(kernel, stride, pad, dilation, groups)
        bias = torch.zeros(c_out) if bias is None else bias
        return self.added(node, "conv", [tensor], (c_out,) + size, keys, weight=weight, bias=bias)

    def transposed(self, node, x, m):
        """Stride 2 to twice the size: kernels 2, or of images up to 4 in a frame of 4."""
        k, p, more = m.kernel_size, m.padding, m.output_padding
        alike = all(len(set(v)) == 1 for v in (k, p, more, m.stride, m.dilation))
        if not alike or m.stride[0] != 2 or m.dilation[0] != 1 or p[0] > 1 or k[0] + more[0] != 2 + 2 * p[0]:
            self.refuse(node, "kernel_size=%s, stride=%s, padding=%s, output_padding=%s: not yet; to twice the size: "
                        "ConvTranspose2d(in, out, 2, stride=2), (in, out, 4, 2, 1) or (in, out, 3, 2, 1, "
                        "output_padding=1)" % (k, m.stride, p, more))
        tensor = self.settled(node, x)
        self.doubles(node, tensor)
        size = tuple(2 * n for n in self.net.size[tensor][1:])
        weight, keys = grouped(m.weight, m.groups), None
        if k[0] != 2 or p[0]:
            if self.blind:
                self.refuse(node, "kernel_size=%s " % (k,) + BLIND + "%s(in, out, 2, stride=2)" % self.kind(node))
            if self.border in ("wrap", "valid"):
                self.refuse(node, "kernel_size=%s under border %s: not yet; ConvTranspose2d(in, out, 2, stride=2)"
                            % (k, self.border))
            full, keys = weight.new_zeros(*weight.shape[:2], 4, 4), {"kernel": 4}
            full[..., 1 - p[0]:1 - p[0] + k[0], 1 - p[0]:1 - p[0] + k[0]] = weight
            weight = full
        bias = torch.zeros(m.out_channels) if m.bias is None else m.bias
        return self.added(node, "tconv", [tensor], (m.out_channels,) + size, keys, weight=weight, bias=bias)

    def doubled(self, node, tensor):
        """Each pixel several times: a layer of its own, or by weights where the protocol of two parties runs."""
        channels, *size = self.net.size[tensor]
        made = (channels,) + tuple(2 * n for n in size)
        if not self.blind:
            return self.added(node, "upsample", [tensor], made, {"mode": "nearest"}).tensor
        weight = torch.eye(channels).reshape(channels, channels, *[1] * self.dims)
        return self.added(node, "tconv", [tensor], made, weight=weight.expand(-1, -1, *[2] * self.dims),
                          bias=torch.zeros(channels)).tensor

    def upsample(self, node, x, size=None, scale_factor=None, mode="nearest", align_corners=None,
                 recompute_scale_factor=None, antialias=False):
        if mode not in ("nearest", "nearest-exact", "bilinear"):
            self.refuse(node, "mode=%s: not yet; nearest or bilinear" % mode)
        if mode == "bilinear" and align_corners:
            self.refuse(node, "align_corners=True: weights that differ by place, not yet; align_corners=False")
        tensor = self.settled(node, x)
        channels, *size = self.net.size[tensor]
        want = tuple(self.found[node].shape[2:])
        times = want[0] // size[0]
        if want != tuple(times * n for n in size) or times not in ((2,) if mode == "bilinear" else (1, 2, 4, 8, 16)) \
                or antialias:
            self.refuse(node, "from %s to %s, mode=%s: not yet; by 2 (nearest: or 4, 8), once or several times"
                        % (by(size), by(want), mode))
        if mode == "bilinear" and self.blind:
            self.refuse(node, "mode=bilinear " + BLIND + "nearest, or a transposed convolution (2, stride=2)")
        if mode == "bilinear" and self.border == "wrap":
            self.refuse(node, "mode=bilinear under border wrap: not yet; nearest, or ConvTranspose2d(.., 2, stride=2)")
        if mode == "bilinear" and self.border == "valid":
            self.refuse(node, "mode=bilinear under border valid, with nothing beyond the map: not yet; border zero, or "
                        "mode=nearest")
        while times > 1:
            self.doubles(node, tensor)
            times //= 2
            tensor = self.doubled(node, tensor) if mode != "bilinear" else self.added(
                node, "upsample", [tensor], (channels,) + want, {"mode": "bilinear"}).tensor
        return self.net.value(tensor)

    def padded(self, node, x, pad, mode="constant", value=None):
        """Zeros beside a map; the next convolution takes them."""
        if mode != "constant" or value not in (None, 0) or any(p < 0 for p in pad) or len(pad) > 2 * self.dims \
                or x.flat:
            self.refuse(node, "pad=%s, mode=%s, value=%s: not yet; zeros beside the map, before a convolution"
                        % (tuple(pad), mode, value))
        pad = (list(pad) + [0] * 6)[:2 * self.dims]         # the last axis first
        return x.padded([a + b for a, b in zip(x.pad or [0] * 6, pad[-2::-2] + pad[::-2])])

    # ---- means -------------------------------------------------------------

    def pooled(self, node, tensor, kernel, divides, op="pool"):
        """Windows side by side (op: "pool", "maxpool"); powers of two as windows of 2, one after the other."""
        channels, *size = self.net.size[tensor]
        side = kernel[0] if len(set(kernel)) == 1 else 0
        if divides and side and side & (side - 1) == 0:
            while side > 1:
                side, size = side // 2, [n // 2 for n in size]
                tensor = self.added(node, op, [tensor], (channels, *size)).tensor
            return tensor
        whole = kernel == tuple(size)
        return self.added(node, op, [tensor], (channels,) + tuple(n // k for n, k in zip(size, kernel)),
                          {"size": list(kernel) if whole else kernel[0]}).tensor

    def means(self, node, x, kernel, stride, pad=(), times=None):
        """Means over windows: a layer of its own where they lie side by side, else a convolution of each channel."""
        if max(kernel) == max(stride) == 1 and times is None:
            return x
        tensor = self.settled(node, x)
        channels, *size = self.net.size[tensor]
        whole = kernel == tuple(size)
        square = len(set(kernel)) == 1 and 2 <= kernel[0] <= KERNEL and kernel == stride
        divides = not any(n % k for n, k in zip(size, kernel))
        if not any(pad) and times is None and (whole or square and (divides or self.border in ("zero", "valid"))):
            return self.net.value(self.pooled(node, tensor, kernel, divides))
        if kernel == stride and not divides and self.border in ("halo", "wrap"):
            self.refuse(node, "of a map of %s by %s: not yet; sizes that the poolings divide" % (by(size), by(kernel)))
        weight = torch.full((channels, 1) + kernel, times or 1 / math.prod(kernel), dtype=torch.float64)
        return self.conv(node, x, weight, None, stride, pad or 0, 1, channels)

    def largest(self, node, x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        """The largest of windows that lie side by side."""
        kernel, pad = pair(kernel_size, self.dims), pair(padding, self.dims)
        stride = pair(stride or kernel_size, self.dims)
        if max(kernel + stride) == 1:
            return x
        tensor = self.settled(node, x)
        size = self.net.size[tensor][1:]
        divides = not any(n % k for n, k in zip(size, kernel))
        if kernel != stride or len(set(kernel)) > 1 or kernel[0] > KERNEL or any(pad) or return_indices \
                or max(pair(dilation, self.dims)) > 1 or ceil_mode and not divides:
            self.refuse(node, "kernel_size=%s, stride=%s, padding=%s: not yet; windows side by side, as long in all "
                        "directions, MaxPool%dd(2)" % (kernel, stride, pad, self.dims))
        if not divides and self.border == "halo":
            self.refuse(node, "of a map of %s by %s: not yet; sizes that the poolings divide" % (by(size), by(kernel)))
        return self.net.value(self.pooled(node, tensor, kernel, divides, "maxpool"))

    def pool(self, node, x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
             divisor_override=None):
        kernel, pad = pair(kernel_size, self.dims), pair(padding, self.dims)
        stride = pair(stride or kernel_size, self.dims)
        if any(pad) and not count_include_pad:
            self.refuse(node, "count_include_pad=False: divides by another number at the edge, not yet; "
                        "count_include_pad=True or padding=0")
        size = self.net.size[x.tensor][1:]
        over = [(n + 2 * p - k) % s for n, p, k, s in zip(size, pad, kernel, stride)]
        if ceil_mode and any(over):
            self.refuse(node, "ceil_mode=True on a map of %s: not yet; ceil_mode=False" % by(size))
        return self.means(node, x, kernel, stride, pad, None if divisor_override is None else 1 / divisor_override)

    def to_size(self, node, x, output_size):
        """The adaptive average, where all its windows are alike."""
        size = self.net.size[x.tensor][1:]
        want = tuple(m or n for m, n in zip(pair(output_size, self.dims), size))
        each = [windows(n, m) for n, m in zip(size, want)]
        if None in each:
            self.refuse(node, "from %s to %s: its windows differ in size, not yet; a size that divides the map's"
                        % (by(size), by(want)))
        if max(want) == 1:
            return self.means(node, x, size, size)
        return self.means(node, x, tuple(w[0] for w in each), tuple(w[1] for w in each))

    def mean(self, node, x, dim=None, keepdim=False):
        dims = {d % (self.dims + 2) for d in (pair(dim) if isinstance(dim, (tuple, list)) else (dim or 0,))}
        if dims != set(range(2, self.dims + 2)) or x.flat:
            self.refuse(node, "over other than the axes of the map: not yet")
        y = self.to_size(node, x, 1)
        y.flat = not keepdim
        return y

    # ---- joins -------------------------------------------------------------

    def total(self, node, parts):
        """The sum of tensors of one shape."""
        names = [self.settled(node, v) for v in parts]
        sizes = {self.net.size[n] for n in names}
        if len(sizes) > 1:
            shapes = " and ".join("x".join(map(str, s)) for s in sizes)
            self.refuse(node, "of %s: not yet; tensors of one shape" % shapes)
        return self.added(node, "add", names, sizes.pop(), flat=parts[0].flat)

    def cat(self, node, parts, dim=0):
        if any(isinstance(v, Const) for v in parts):
            self.refuse(node, "with a constant: not yet")
        if (dim if dim >= 0 else dim + (2 if parts[0].flat else 2 + self.dims)) != 1:
            self.refuse(node, "along dim=%d: not yet; over channels, dim=1" % dim)
        if len(parts) > INPUTS:
            self.refuse(node, "of %d tensors: not yet; at most %d" % (len(parts), INPUTS))
        names = [self.settled(node, v) for v in parts]
        if len(names) == 1:
            return self.net.value(names[0], parts[0].flat)
        sizes = [self.net.size[n] for n in names]
        return self.added(node, "concat", names, (sum(s[0] for s in sizes),) + sizes[0][1:], flat=parts[0].flat)

    # ---- the rest ----------------------------------------------------------

    def batchnorm(self, node, x, m):
        if m.running_mean is None or m.running_var is None:
            self.refuse(node, "has no running statistics: they would be each image's own, which cannot be encrypted; "
                        "track_running_stats=True and train again")
        one = torch.ones(m.num_features)
        if self.blind:                          # gathers with factors and summands
            self.usable(node, x)
            factor = (one if m.weight is None else m.weight) / (m.running_var + m.eps).sqrt()
            shift = (0 * one if m.bias is None else m.bias) - m.running_mean * factor
            return x.like(x.a * factor, x.b * factor, x.c * factor + shift)
        tensor = self.settled(node, x)
        return self.added(node, "batchnorm", [tensor], self.net.size[tensor], {"eps": float(m.eps)}, x.flat,
                          weight=one if m.weight is None else m.weight, bias=0 * one if m.bias is None else m.bias,
                          mean=m.running_mean, var=m.running_var)

    def dense(self, node, x, weight, bias):
        if isinstance(x, Const) or not x.flat:
            self.refuse(node, "of a map: not yet; Flatten() first, or a Conv2d 1x1")
        if self.blind:
            self.refuse(node, BLIND + "masks, and no classes of images")
        if self.border in ("halo", "wrap"):
            self.refuse(node, "under border %s: not yet; border zero or valid" % self.border)
        tensor = self.net.settle(x)
        bias = torch.zeros(len(weight)) if bias is None else bias
        return self.added(node, "dense", [tensor], (len(weight), 1, 1), flat=True, weight=weight, bias=bias)

    def shaped(self, node, x):
        """flatten, view, reshape: what they give says what they did."""
        got, size = tuple(self.found[node].shape), self.net.size[x.tensor]
        if x.pad:
            self.refuse(node, "of a padded map: not yet")
        if got == (1, math.prod(size)):
            y = x.like(x.a, x.b, x.c)
            y.flat = True
            return y
        if got == (1,) + size:
            return x
        self.refuse(node, "to the shape %s: not yet; only the whole map in one row, flatten(1)" % (list(got),))
