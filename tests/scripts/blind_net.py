"""blind_net.py MODEL IMAGE DIMS SIDE BASE ACT POOL [DEPTH] -- a U-Net of random
weights for `volley blind`, calibrated, and an image for it.

Two convolutions a stage, BASE, 2 BASE, ... channels, three times down unless
DEPTH says otherwise: BUNET's network with BASE 64.  ACT: relu, square, or hybrid
(squares in the first and in the last stage); POOL: max or mean.  Two labels in 2
dimensions (IMAGE is a PGM), three in 3 (a NIfTI volume).  Weights are scaled
layer by layer so that what comes out of each convolution has an rms of 1, before
squares that each channel is 1 with an sd of 0.3, and ranges are those of this image, and a tenth more.  With numpy; PyTorch, where it
is, makes it fast."""
import json
import struct
import sys

import numpy as np

try:
    import torch
except ImportError:
    torch = None


def convolve(x, w, stride_up):
    """x (C, ...), w (O, C, k, ...) padded by k // 2; stride_up: w (C, O, 2, ...)
    transposed with stride 2."""
    dims = x.ndim - 1
    if torch is not None:
        t = torch.nn.functional
        f = (t.conv_transpose2d, t.conv_transpose3d) if stride_up else (t.conv2d, t.conv3d)
        with torch.no_grad():
            return f[dims - 2](torch.from_numpy(x)[None], torch.from_numpy(w),
                               **({"stride": 2} if stride_up else {"padding": w.shape[2] // 2}))[0].numpy()
    if stride_up:
        out = np.zeros((w.shape[1],) + tuple(2 * s for s in x.shape[1:]), np.float32)
        for tap in np.ndindex(*w.shape[2:]):
            out[(slice(None),) + tuple(slice(t, None, 2) for t in tap)] = \
                np.tensordot(w[(slice(None), slice(None)) + tap], x, ((0,), (0,)))
        return out
    r = w.shape[2] // 2
    padded = np.pad(x, [(0, 0)] + dims * [(r, r)])
    out = 0
    for tap in np.ndindex(*w.shape[2:]):
        part = padded[(slice(None),) + tuple(slice(t, t + s) for t, s in zip(tap, x.shape[1:]))]
        out = out + np.tensordot(w[(slice(None), slice(None)) + tap], part, ((1,), (0,)))
    return out.astype(np.float32)


def pooled(x, largest):
    shape = [x.shape[0]]
    for s in x.shape[1:]:
        shape += [s // 2, 2]
    axes = tuple(range(2, len(shape), 2))
    return x.reshape(shape).max(axes) if largest else x.reshape(shape).mean(axes, dtype=np.float32)


class Net:
    def __init__(self, dims, image, seed):
        self.dims, self.rng = dims, np.random.default_rng(seed)
        self.layers, self.ranges, self.tensors = [], {}, {}
        self.value = {}
        self.keep("image", (image / 128 - 1).astype(np.float32))

    def keep(self, name, value):
        self.value[name] = value
        self.ranges[name] = {"max": 1.1 * float(np.abs(value).max()) + 1e-6,
                             "rms": float(np.sqrt(np.mean(value.astype(np.float64) ** 2))), "gain": 1.0}
        return name

    def add(self, op, name, inputs, **more):
        self.layers.append({"op": op, "name": name, "in": inputs, **more})

    def conv(self, name, x, channels, kernel, up=False, square=False):
        c = self.value[x].shape[0]
        shape = ((c, channels) if up else (channels, c)) + self.dims * (kernel,)
        w = self.rng.standard_normal(shape, dtype=np.float32)
        bias = 0.1 * self.rng.standard_normal(channels, dtype=np.float32)
        y = convolve(self.value[x], w, up)
        scale = np.float32(1 / np.sqrt(np.mean(y.astype(np.float64) ** 2)))
        if square:                              # each channel 1 and a bit, as a batch norm would
            flat = y.reshape(channels, -1).astype(np.float64)
            each = 0.3 / (flat.std(1) + 1e-6)
            scale = each.astype(np.float32).reshape((-1,) + self.dims * (1,))
            bias = (1 - each * flat.mean(1)).astype(np.float32)
        y = y * scale
        scale = np.asarray(scale).reshape((-1, 1) + self.dims * (1,))
        if name == "logit":                     # each label somewhere
            bias = -np.median(y.reshape(channels, -1), 1).astype(np.float32)
        y = y + bias.reshape((-1,) + self.dims * (1,))
        self.tensors[name + ".weight"], self.tensors[name + ".bias"] = w * scale, bias
        more = {} if up else {"kernel": kernel}
        self.add("tconv" if up else "conv", name, [x], weight=name + ".weight", bias=name + ".bias", **more)
        return self.keep(name, y)

    def act(self, name, x, square):
        self.add("square" if square else "relu", name, [x])
        v = self.value.pop(x)
        return self.keep(name, v * v if square else np.maximum(v, 0))

    def stage(self, name, x, channels, square):
        for half in "ab":
            x = self.conv(name + half, x, channels, 3, square=square)
            x = self.act(name + half + ".act", x, square)
        return x

    def pool(self, name, x, largest):
        self.add("maxpool" if largest else "pool", name, [x], size=2)
        return self.keep(name, pooled(self.value[x], largest))

    def concat(self, name, a, b):
        self.add("concat", name, [a, b])
        return self.keep(name, np.concatenate([self.value.pop(a), self.value.pop(b)]))


def unet(dims, image, base, depth, act, largest, labels, seed):
    net = Net(dims, image, seed)
    x, skip = "image", []
    for d in range(depth + 1):
        x = net.stage("enc%d" % d, x, base << d, act == "square" or (act == "hybrid" and d == 0))
        skip.append(x)
        if d < depth:
            x = net.pool("pool%d" % d, x, largest)
    for d in reversed(range(depth)):
        x = net.conv("up%d" % d, x, base << d, 2, up=True)
        x = net.concat("cat%d" % d, x, skip[d])
        x = net.stage("dec%d" % d, x, base << d, act == "square" or (act == "hybrid" and d == 0))
    net.conv("logit", x, labels, 1)
    return net


def save(path, name, net, image, labels):
    last = net.ranges["logit"]
    last["labels"] = [{"max": last["max"], "margin": last["rms"]} for _ in range(labels)]
    sides = dict(zip(("depth", "height", "width")[3 - net.dims:], image.shape[1:]))
    text = json.dumps({
        "name": name, "border": "zero", "protocol": "blind",
        "input": {"channels": 1, **sides, "mul": 1 / 128, "add": -1.0},
        "images": {"values": "full"},
        "output": {"tensor": "logit", "labels": ["part %d" % i for i in range(labels)]},
        "layers": net.layers, "ranges": net.ranges})
    head, at = {"__metadata__": {"format": "volley-1", "network": text, "origin": "random weights"}}, 0
    for key, v in net.tensors.items():
        head[key] = {"dtype": "F32", "shape": list(v.shape), "data_offsets": [at, at + 4 * v.size]}
        at += 4 * v.size
    data = json.dumps(head).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(data)) + data)
        for v in net.tensors.values():
            f.write(np.ascontiguousarray(v, "<f4").tobytes())


def picture(dims, side, seed):
    """Smooth, with some noise, 0..255, (1, side, ...)."""
    at = np.meshgrid(*dims * [np.arange(side)], indexing="ij")
    wave = sum(np.sin((0.13 + 0.07 * i) * a + i) for i, a in enumerate(at)) / dims
    noise = np.random.default_rng(seed).random(wave.shape) - 0.5
    v = 127 + 100 * wave + 80 * noise
    for axis in range(dims):                    # however a volume's axes run
        v = (v + np.flip(v, axis)) / 2
    v = np.rint(255 * (v - v.min()) / (v.max() - v.min()))
    return v.astype(np.uint8)[None]


def save_image(path, image):
    if image.ndim == 3:
        with open(path, "wb") as f:
            f.write(b"P5\n%d %d\n255\n" % (image.shape[2], image.shape[1]) + image.tobytes())
        return
    d, h, w = image.shape[1:]
    head = bytearray(352)
    struct.pack_into("<i", head, 0, 348)
    struct.pack_into("<8h", head, 40, 3, w, h, d, 1, 1, 1, 1)
    struct.pack_into("<2h", head, 70, 2, 8)
    struct.pack_into("<8f", head, 76, 1, 1, 1, 1, 1, 1, 1, 1)
    struct.pack_into("<f", head, 108, 352)
    head[344:348] = b"n+1\0"
    with open(path, "wb") as f:
        f.write(bytes(head) + image.tobytes())


def main():
    model, where, dims, side, base = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
    act, pool = sys.argv[6:8]
    depth = int(sys.argv[8]) if len(sys.argv) > 8 else 3
    image = picture(dims, side, 1)
    labels = dims
    net = unet(dims, image.astype(np.float64), base, depth, act, pool == "max", labels, 7)
    save(model, "%s%dd" % (act, dims), net, image, labels)
    save_image(where, image)


main()
