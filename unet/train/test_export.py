"""Checks of volley_export.py, a minute: test_export.py.  Needs no data.

Small networks of every kind that is known are exported; `volley clear --float`
(build/volley, or $VOLLEY), or without it the reference of this folder, has to
give the module's own logits, and `volley plan` a plan.  What is refused has to
say so by PyTorch's name.
"""
import copy
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import torch
except ImportError:
    print("skip test_export.py: no PyTorch (make deps-train)")
    sys.exit(0)

import torch.nn as nn
import torch.nn.functional as F

import border
import export as files
import measured
import net
import volley_export
from refusals import Refused

HERE = os.path.dirname(os.path.abspath(__file__))
VOLLEY = os.environ.get("VOLLEY", os.path.join(HERE, "..", "..", "build", "volley"))
FOLDER = tempfile.mkdtemp()


class Square(nn.Module):
    def forward(self, x):
        return x * x


def block(c_in, c_out, kernel=3, stride=1, padding=None, bias=True):
    return nn.Sequential(nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2 if padding is None else padding, bias=bias),
                         nn.BatchNorm2d(c_out), Square())


class UNet(nn.Module):
    """Two stages, poolings, transposed convolutions, concatenations."""

    def __init__(self, c=1, base=2):
        super().__init__()
        self.down, self.mid = nn.ModuleList([block(c, base), block(base, 2 * base)]), block(2 * base, 2 * base)
        self.up = nn.ModuleList([nn.ConvTranspose2d(2 * base, 2 * base, 2, 2), nn.ConvTranspose2d(base, base, 2, 2)])
        self.join = nn.ModuleList([block(4 * base, base), block(2 * base, base)])
        self.drop, self.pool, self.head = nn.Dropout2d(0.5), nn.AvgPool2d(2), nn.Conv2d(base, 1, 1)

    def forward(self, x):
        skips = []
        for stage in self.down:
            x = stage(x)
            skips.append(x)
            x = self.pool(x)
        x = self.drop(self.mid(x))
        for up, join, skip in zip(self.up, self.join, reversed(skips)):
            x = join(torch.cat([up(x), skip], 1))
        return self.head(x)


class Squares(nn.Module):
    """The square, written in five ways."""

    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(1 if k == 0 else 2, 2, 3, padding=1) for k in range(5)])
        self.head = nn.Conv2d(2, 1, 1)

    def forward(self, x):
        a, b, c, d, e = self.convs
        x = a(x) ** 2
        x = torch.square(b(x))
        x = torch.pow(c(x), 2)
        x = d(x).pow(2)
        x = e(x)
        return self.head(x.square())


class Polynomial(nn.Module):
    """a x^2 + b x + c with trained constants, factors and summands round it."""

    def __init__(self, a=0.3):
        super().__init__()
        self.a, self.b = nn.Parameter(torch.tensor(a)), nn.Parameter(torch.rand(1, 3, 1, 1))
        self.one, self.two, self.head = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 1, 1)

    def forward(self, x):
        x = self.one(2 * x - 1)
        x = self.a * x * x + self.b * x + 0.25
        x = self.two(x / 4 + 0.5)
        x = (0.5 * x + 1) ** 2
        return 3 * self.head(-x) - 0.1


class Strided(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.up, self.two = block(3, 4, 5, 2, bias=False), nn.ConvTranspose2d(4, 4, 2, 2), block(4, 3)
        self.head = nn.Conv2d(3, 1, 1, padding="same", bias=False)

    def forward(self, x):
        return self.head(self.two(self.up(self.one(x))))


class AfterSquare(nn.Module):
    """A normalisation behind the square, and a result read before and behind its normalisation."""

    def __init__(self):
        super().__init__()
        self.one, self.norm, self.two, self.norm2 = nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), \
            nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2)
        self.head = nn.Conv2d(4, 1, 3, padding="same")

    def forward(self, x):
        x = self.two(self.norm(self.one(x).square()))
        return self.head(torch.cat([x, self.norm2(x).square()], dim=1))


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(block(1, 3, 5, 2, 0), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(3 * 3 * 3, 6))
        self.norm, self.head, self.drop = nn.BatchNorm1d(6), nn.Linear(6, 3), nn.Dropout(0.3)

    def forward(self, x):
        return self.head(self.drop(self.norm(self.body(x)) ** 2))


class Means(nn.Module):
    """Averages by functions, of 4, and of the whole map; view by sizes."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.head = block(3, 4), block(4, 4), nn.Linear(4, 1)

    def forward(self, x):
        x = F.avg_pool2d(self.one(x), 2)
        x = F.adaptive_avg_pool2d(self.two(x), (1, 1))
        x = F.dropout(x, 0.5, self.training).view(x.size(0), -1)
        return self.head(x)


class Mean(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.pool, self.two = block(1, 4), nn.AvgPool2d(4), nn.Conv2d(4, 5, 1)

    def forward(self, x):
        return self.two(self.pool(self.one(x))).mean((2, 3))


class Normalised(nn.Module):
    """A mean and a deviation for each colour, before a padded convolution."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.4, 0.5, 0.6]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.2, 0.3, 0.25]).view(1, 3, 1, 1))
        self.one, self.head = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 1, 1)

    def forward(self, x):
        return self.head(self.one((x - self.mean) / self.std).square())


class Standardised(nn.Conv2d):
    """Weights that are computed from weights."""

    def forward(self, x):
        w = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return F.conv2d(x, w / w.std((1, 2, 3), keepdim=True), self.bias, self.stride, self.padding)


class Joined(nn.Module):
    """A dense layer that reads a concatenation of two squares."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(1, 2, 3, padding=1)
        self.dense, self.head = nn.Linear(5 * 64, 4), nn.Linear(4, 10)

    def forward(self, x):
        x = F.avg_pool2d(x, 2)
        x = torch.cat((self.one(x) ** 2, self.two(x) ** 2), 1)
        return self.head(self.dense(x.flatten(1)).pow(2))


class Shared(nn.Module):
    """One convolution read by two normalisations, a square and a concatenation; a polynomial of a square."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(6, 2, 3, padding=1)
        self.norms, self.head = nn.ModuleList([nn.BatchNorm2d(3), nn.BatchNorm2d(3)]), nn.Conv2d(8, 1, 3, padding=1)

    def forward(self, x):
        x = self.one(x)
        y = self.two(torch.cat([self.norms[0](x) ** 2, self.norms[1](x) ** 2], 1))
        z = x ** 2
        return self.head(torch.cat([x, z * z - 0.3 * z, y], 1))


# Name: module, channels, height, width, border.
torch.manual_seed(1)
NETWORKS = {
    "unet": (UNet(), 1, 32, 32, "zero"),
    "unet_colour": (UNet(3), 3, 16, 32, "zero"),
    "unet_halo": (UNet(), 1, 32, 32, "halo"),
    "wrap": (nn.Sequential(block(1, 2), nn.AvgPool2d(2), block(2, 2), nn.ConvTranspose2d(2, 1, 2, 2)),
             1, 256, 256, "wrap"),
    "squares": (Squares(), 1, 15, 17, "zero"),
    "polynomial": (Polynomial(), 1, 16, 16, "zero"),
    "polynomial_halo": (Polynomial(-0.3), 1, 16, 16, "halo"),
    "strided": (Strided(), 3, 16, 16, "zero"),
    "after": (AfterSquare(), 1, 16, 16, "zero"),
    "dense": (Dense(), 1, 16, 16, "valid"),
    "means": (Means(), 3, 16, 16, "zero"),
    "mean": (Mean(), 1, 16, 16, "zero"),
    "normalised": (Normalised(), 3, 16, 16, "zero"),
    "standardised": (nn.Sequential(Standardised(1, 3, 3, padding=1), Square(), nn.Conv2d(3, 1, 1)), 1, 16, 16, "zero"),
    "joined": (Joined(), 1, 16, 16, "zero"),
    "shared": (Shared(), 1, 16, 16, "zero"),
    "shared_halo": (Shared(), 1, 16, 16, "halo"),
}


def trained(module, channels, height, width, seed=0):
    """The module with statistics that fit its values, and images to look at."""
    torch.manual_seed(seed)
    module = copy.deepcopy(module).train()
    images = torch.randint(0, 256, (9, channels, height, width), dtype=torch.uint8)
    with torch.no_grad():
        for _ in range(60):
            module(images / 255)
    return module.eval(), images


def write_pnm(path, image):
    c, h, w = image.shape
    with open(path, "wb") as f:
        f.write(b"P%d\n%d %d\n255\n" % (5 if c == 1 else 6, w, h))
        f.write(image.permute(1, 2, 0).contiguous().numpy().tobytes())


def logits(path, images):
    """Of the file: by `volley clear --float` where it is built."""
    if not os.path.exists(VOLLEY):
        text, _, tensors = files.load(path)
        pad = {"valid": border.valid, "wrap": border.wrap(4)}.get(text["border"], border.zero)
        x = images * text["input"]["mul"] + text["input"]["add"]
        return net.forward(text["layers"], tensors, x, pad)[text["output"]["tensor"]].double()
    names = []
    for k, image in enumerate(images):
        names.append(os.path.join(FOLDER, "x%d.%s" % (k, "pgm" if len(image) == 1 else "ppm")))
        write_pnm(names[-1], image)
    out, masks = os.path.join(FOLDER, "y.f32"), os.path.join(FOLDER, "masks")
    classes = "classes" in files.load(path)[0]["output"]
    made = subprocess.run([VOLLEY, "clear", path, *names, "--float", "--logits", out, "-o",
                           masks + (".csv" if classes else ".pgm")], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return torch.from_numpy(np.fromfile(out, "<f4")).double()


def test_networks():
    """The file's logits are the module's; a plan is found."""
    for name, (module, channels, height, width, kind) in NETWORKS.items():
        module, images = trained(module, channels, height, width)
        path = os.path.join(FOLDER, name + ".safetensors")
        r = volley_export.export(module, images[:1] / 255, path, images, border=kind, quiet=True)
        x = images / 255
        if kind == "halo":          # the module on images that are extended as volley does
            x = measured.reflected(x, 24, 4 if "unet" in name else 1)
        with torch.no_grad():       # in double: PyTorch's own rounding is not the file's
            want = copy.deepcopy(module).double()(x.double())
        if kind == "halo":
            want = want[..., 24:24 + height, 24:24 + width]
        if kind == "wrap":          # the rim is the ciphertext's
            assert r["border_difference"] > 1e-3
            text, _, tensors = files.load(path)
            want = net.forward(text["layers"], tensors, x, border.wrap(4))[text["output"]["tensor"]].double()
        got = logits(path, images) if kind != "halo" or os.path.exists(VOLLEY) else want
        apart = float((got.reshape(-1) - want.reshape(-1)).abs().max())
        assert apart <= 1e-4, (name, apart)
        if os.path.exists(VOLLEY):
            made = subprocess.run([VOLLEY, "plan", path], capture_output=True, text=True)
            assert made.returncode == 0, (name, made.stderr)
        print("   %-16s %3d layers, logits to %.3g, apart %.1e" % (name, r["layers"], r["largest"], apart))


def refused(module, *words, channels=1, size=16, border="zero", **keys):
    """The export says no in these words, and leaves no file."""
    path = os.path.join(FOLDER, "no.safetensors")
    images = torch.randint(0, 256, (4, channels, size, size), dtype=torch.uint8)
    try:
        volley_export.export(module.eval(), images[:1] / 255, path, keys.pop("images", images), border=border,
                             quiet=True, **keys)
    except Refused as e:
        assert all(w in str(e) for w in words), (words, str(e))
        assert not os.path.exists(path) and not os.path.exists(path + ".part")
        return
    assert False, words


def one(*layers):
    """Layers between two convolutions, in a module named encoder."""
    m = nn.Sequential()
    m.add_module("encoder", nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), *layers))
    m.add_module("head", nn.Conv2d(2, 1, 1))
    return m


def test_refused_layers():
    for layer, *words in (
            (nn.ReLU(), "encoder.1: ReLU: cannot be encrypted", "square"), (nn.GELU(), "GELU"), (nn.SiLU(), "SiLU"),
            (nn.Sigmoid(), "encoder.1: Sigmoid"), (nn.Tanh(), "Tanh"), (nn.MaxPool2d(2), "MaxPool2d", "AvgPool2d"),
            (nn.InstanceNorm2d(2), "InstanceNorm2d", "BatchNorm2d"), (nn.GroupNorm(1, 2), "GroupNorm", "BatchNorm2d"),
            (nn.LayerNorm([2, 16, 16]), "LayerNorm", "BatchNorm2d"), (nn.Softmax(1), "Softmax", "logits"),
            (nn.MultiheadAttention(2, 1), "MultiheadAttention", "attention"),
            (nn.Upsample(scale_factor=2), "Upsample", "not yet", "ConvTranspose2d"),
            (nn.Conv2d(2, 2, 3, padding=2, dilation=2), "encoder.1: Conv2d: dilation=(2, 2): not yet"),
            (nn.Conv2d(2, 2, 3, padding=1, groups=2), "groups=2: not yet"),
            (nn.Conv2d(2, 2, 3, padding=0), "padding=(0, 0): not yet", "valid"),
            (nn.Conv2d(2, 2, 3, padding=2), "padding=(2, 2): not yet"),
            (nn.Conv2d(2, 2, 5, padding=1), "padding=(1, 1): not yet"),
            (nn.Conv2d(2, 2, (3, 1), padding=(1, 0)), "kernel of 3x1: not yet"),
            (nn.Conv2d(2, 2, 2, stride=2), "even kernel", "not yet"),
            (nn.Conv2d(2, 2, 3, stride=(1, 2), padding=1), "stride", "not yet"),
            (nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"), "padding_mode=reflect: not yet"),
            (nn.ConvTranspose2d(2, 2, 4, 2, 1), "ConvTranspose2d: kernel_size=(4, 4): not yet"),
            (nn.AvgPool2d(3), "AvgPool2d", "not yet"), (nn.AvgPool2d(2, 1), "AvgPool2d", "not yet"),
            (nn.ZeroPad2d(1), "ZeroPad2d", "not yet"), (nn.BatchNorm2d(2, track_running_stats=False), "statistics"),
            (nn.PixelShuffle(1), "PixelShuffle", "not yet"),
            (nn.Hardtanh(), "Hardtanh"), (nn.ChannelShuffle(1), "ChannelShuffle", "not yet")):
        refused(one(layer), *words)
    refused(one(nn.ReLU(), nn.MaxPool2d(2)), "encoder.1: ReLU", "encoder.2: MaxPool2d")
    refused(one(nn.Conv2d(2, 2, 3, padding=1)), "border valid means padding=0", "zero", border="valid")
    refused(one(nn.Conv2d(2, 2, 5, padding=2)), "border wrap: not yet", border="wrap")
    refused(one(nn.Conv2d(2, 2, 3, 2, 1)), "stride 2 under border wrap: not yet", border="wrap")
    refused(one(nn.Conv2d(2, 2, 3, 2, 1)), "stride 2 on a map of 15x15 under border halo", size=15, border="halo")
    refused(one(nn.AvgPool2d(2)), "odd size, 15x15", size=15)
    refused(one(nn.AvgPool2d(2)), "a map of 8x8 for an image of 16x16", "not yet")
    refused(nn.Sequential(nn.Conv2d(1, 2, 3, padding=1)), "several classes: not yet")
    refused(nn.Sequential(nn.Flatten(), nn.Linear(256, 2)), "border halo: not yet", border="halo")
    refused(nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.AdaptiveAvgPool2d(1)), "AdaptiveAvgPool2d", "not yet",
            size=12)


class Says(nn.Module):
    """A convolution and a function behind it."""

    def __init__(self, function):
        super().__init__()
        self.conv, self.other, self.function = nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 3, padding=1), function

    def forward(self, x):
        return self.function(self, self.conv(x))


def test_refused_functions():
    for function, *words in (
            (lambda m, x: x + m.other(x), "residual", "not yet", "[I, I]"),
            (lambda m, x: x * m.other(x), "gate", "not yet"), (lambda m, x: x ** 3, "pow", "power 2"),
            (lambda m, x: x * x * x, "degree 3: not yet"), (lambda m, x: 1 / x, "divides"),
            (lambda m, x: torch.relu(x), "relu: cannot be encrypted"), (lambda m, x: F.relu(x), "forward: relu"),
            (lambda m, x: x.sigmoid(), "sigmoid", "logits"), (lambda m, x: x.tanh(), "tanh"),
            (lambda m, x: F.gelu(x), "gelu"),
            (lambda m, x: F.silu(x), "silu"), (lambda m, x: F.max_pool2d(x, 2), "max_pool2d"),
            (lambda m, x: x.abs(), "abs"),
            (lambda m, x: F.interpolate(x, scale_factor=2), "interpolate", "not yet"),
            (lambda m, x: F.pad(x, [1] * 4), "pad", "not yet"),
            (lambda m, x: F.softmax(x, 1), "softmax"), (lambda m, x: x[:, :, 1:], "getitem", "not yet"),
            (lambda m, x: torch.matmul(x, x), "attention"), (lambda m, x: torch.cat([x, x], 2), "dim=2", "not yet"),
            (lambda m, x: x + torch.ones(16, dtype=torch.float64), "constant of shape [16]: not yet"),
            (lambda m, x: x.erf(), "erf", "not known", "not yet"),
            (lambda m, x: F.dropout(x, 0.5, True), "training=True"),
            (lambda m, x: x if x.sum() > 0 else -x, "cannot trace"), (lambda m, x: (x, x), "one tensor")):
        refused(Says(function), *words)


def test_values():
    """NaN and explosions by the layer's name; images that are no pixels; forwards that change."""
    m = one(Square())
    with torch.no_grad():
        m.encoder[0].weight[0, 0, 0, 0] = float("nan")
    refused(m, "encoder.0", "NaN", "explodes")
    m = one(Square(), Square(), Square())
    with torch.no_grad():
        m.encoder[0].weight[:] = 100.0
    refused(m, "encoder.", "explodes", "up to")
    m = one(Square())
    refused(m, "pixels, 0..255", images=torch.rand(4, 1, 16, 16))
    refused(m, "the example", images=torch.zeros(4, 1, 8, 8, dtype=torch.uint8))
    refused(m, "classes", classes=["a", "b"])
    refused(Says(lambda m, x: x + torch.rand(1).double()), "random parts")


def test_ranges():
    """max is not below what images give; gain of the output is 1."""
    module, images = trained(UNet(), 1, 32, 32)
    for kind in ("zero", "halo", "wrap"):
        path = os.path.join(FOLDER, "r.safetensors")
        volley_export.export(module, images[:1] / 255, path, images, border=kind, quiet=True)
        text, _, tensors = files.load(path)
        r, out = text["ranges"], text["output"]["tensor"]
        values = net.forward(text["layers"], tensors, images / 255, border.zero)
        assert list(r) == ["image"] + [layer["name"] for layer in text["layers"]]
        assert abs(r[out]["gain"] - 1) < 0.1 and r["image"]["max"] <= 1
        if kind == "zero":
            assert all(float(v.abs().max()) <= 1.0001 * r[k]["max"] for k, v in values.items())


def test_command():
    """Weights of a file, images of files; a user's own module named data is found."""
    folder = tempfile.mkdtemp()
    with open(os.path.join(folder, "data.py"), "w") as f:
        f.write("CHANNELS = 2\n")
    with open(os.path.join(folder, "my.py"), "w") as f:
        f.write("import torch.nn as nn\nfrom data import CHANNELS\n\n\nclass Net(nn.Module):\n"
                "    def __init__(self):\n        super().__init__()\n"
                "        self.a, self.b = nn.Conv2d(1, CHANNELS, 3, padding=1), nn.Conv2d(CHANNELS, 1, 1)\n\n"
                "    def forward(self, x):\n        return self.b(self.a(x) ** 2)\n")
    made = volley_export.load_class(os.path.join(folder, "my.py") + ":Net")()
    torch.save({"state_dict": made.state_dict()}, os.path.join(folder, "w.pt"))
    for k in range(3):
        write_pnm(os.path.join(folder, "%d.pgm" % k), torch.randint(0, 256, (1, 16, 16), dtype=torch.uint8))
    images = [os.path.join(folder, "%d.pgm" % k) for k in range(3)]
    command = [sys.executable, os.path.join(HERE, "volley_export.py"), os.path.join(folder, "my.py") + ":Net",
               os.path.join(folder, "w.pt"), *images, "-o", os.path.join(folder, "m.safetensors")]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0 and "logits up to" in made.stdout, made.stderr
    text = files.load(os.path.join(folder, "m.safetensors"))[0]
    assert text["name"] == "Net" and json.dumps(text["input"]["mul"]) == json.dumps(1 / 255)
    command[2] += "work"
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 1 and "no class Network" in made.stderr, made.stderr
    made = subprocess.run([sys.executable, "-S", command[1]], capture_output=True, text=True)
    assert made.returncode != 0 and "make deps-train" in made.stderr and made.stderr.count("\n") == 1, made.stderr


if __name__ == "__main__":
    for name, function in sorted(globals().items()):
        if name.startswith("test_"):
            function()
            print("ok", name)
