"""Checks of volley_export.py: test_export.py.  Needs no data.

What is refused has to say so by PyTorch's name; ranges, images, the command.
Networks that are exported are test_networks.py's.
"""
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
import given
import volley_export
from net import forward
from networks import Square, UNet
from refusals import Refused
from test_networks import trained, write_pnm

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = tempfile.mkdtemp()


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
            (nn.Upsample(scale_factor=2, mode="bicubic"), "Upsample", "mode=bicubic: not yet"),
            (nn.Upsample(scale_factor=2), "larger than the image"),
            (nn.Sequential(nn.AvgPool2d(4), nn.Upsample(scale_factor=4, mode="bilinear")), "by 2", "not yet"),
            (nn.Sequential(nn.AvgPool2d(2), nn.UpsamplingBilinear2d(scale_factor=2)), "align_corners=True"),
            (nn.Sequential(nn.AvgPool2d(2), nn.Upsample(scale_factor=3)), "from 8x8 to 24x24", "not yet"),
            (nn.Conv2d(2, 2, 3, padding=2), "gives 18x18, which is larger than the image, 16x16"),
            (nn.Conv2d(2, 2, 17, padding=8), "kernel 17x17", "at most 16"),
            (nn.Conv2d(2, 2, 3, stride=(1, 2), padding=1), "stride=(1, 2): not yet"),
            (nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"), "padding_mode=reflect: not yet"),
            (nn.ConvTranspose2d(2, 2, 5, 2, 2, 1), "kernel_size=(5, 5)", "not yet", "(in, out, 4, 2, 1)"),
            (nn.ConvTranspose2d(2, 2, 3, 1, 1), "stride=(1, 1)", "not yet"),
            (nn.Sequential(nn.AvgPool2d(3), nn.ConvTranspose2d(2, 2, 2, 2)), "for 3 of the image's"),
            (nn.AvgPool2d(3, 2, 1, count_include_pad=False), "count_include_pad=False", "not yet"),
            (nn.AvgPool2d(3, 2, 0, True), "ceil_mode=True", "not yet"),
            (nn.AvgPool2d(3, (1, 2)), "stride=(1, 2): not yet"), (nn.AdaptiveAvgPool2d(7), "differ in size", "not yet"),
            (nn.Sequential(nn.ZeroPad2d(1), nn.BatchNorm2d(2)), "padded map", "before a convolution"),
            (nn.ZeroPad2d(-1), "pad=(-1, -1, -1, -1)", "not yet"), (nn.ConstantPad2d(1, 2.0), "ConstantPad2d"),
            (nn.BatchNorm2d(2, track_running_stats=False), "statistics"),
            (nn.PixelShuffle(1), "PixelShuffle", "not yet"),
            (nn.Hardtanh(), "Hardtanh"), (nn.ChannelShuffle(1), "ChannelShuffle", "not yet")):
        refused(one(layer), *words)
    refused(one(nn.ReLU(), nn.MaxPool2d(2)), "encoder.1: ReLU", "encoder.2: MaxPool2d")
    refused(one(nn.Conv2d(2, 2, 3, padding=1)), "border valid means padding=0", "zero", border="valid")
    refused(one(nn.Conv2d(2, 2, 5, padding=2)), "border wrap: not yet", border="wrap")
    refused(one(nn.Conv2d(2, 2, 3, 2, 1)), "stride 2 under border wrap: not yet", border="wrap")
    refused(one(nn.Conv2d(2, 2, 3, 2, 1)), "stride 2 on a map of 15x15 under border halo", size=15, border="halo")
    refused(one(nn.Conv2d(2, 2, 3)), "padding=(0, 0): not yet under border halo", border="halo")
    refused(one(nn.AvgPool2d(2)), "15x15 by 2x2", "divide", size=15, border="halo")
    refused(one(nn.Conv2d(2, 2, 3, padding=2, dilation=2)), "dilation (2, 2), under border wrap", border="wrap")
    refused(one(nn.AvgPool2d(2)), "a map of 8x8 for an image of 16x16", "not yet")
    refused(nn.Sequential(nn.Conv2d(1, 17, 3, padding=1)), "17 channels, want 2..16")
    refused(nn.Sequential(nn.Conv2d(1, 3, 3, padding=1)), "labels: 2 different names for 3", labels=["a", "b"])
    refused(nn.Sequential(nn.Conv2d(1, 3, 3, padding=1)), "labels: 2 different names for 3", classes=["a", "b"])
    refused(nn.Sequential(nn.Conv2d(1, 1, 3, padding=1)), "1 channels, want 2..16", labels=["a"])
    refused(nn.Sequential(nn.Conv2d(1, 2, 3, padding=1)), "want one of them", labels=["a", "b"], classes=["a", "b"])
    refused(nn.Sequential(nn.Flatten(), nn.Linear(256, 2)), "border halo: not yet", border="halo")


class Says(nn.Module):
    """A convolution and a function behind it."""

    def __init__(self, function):
        super().__init__()
        self.conv, self.other, self.function = nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 3, padding=1), function

    def forward(self, x):
        return self.function(self, self.conv(x))


def test_refused_functions():
    for function, *words in (
            (lambda m, x: x + F.avg_pool2d(x, 2), "fails on an input"),
            (lambda m, x: x + F.avg_pool2d(x, 16), "one shape"),
            (lambda m, x: x * m.other(x), "gate", "not yet"), (lambda m, x: x ** 3, "pow", "power 2"),
            (lambda m, x: x * x * x, "degree 3: not yet"), (lambda m, x: 1 / x, "divides"),
            (lambda m, x: torch.relu(x), "relu: cannot be encrypted"), (lambda m, x: F.relu(x), "forward: relu"),
            (lambda m, x: x.sigmoid(), "sigmoid", "logits"), (lambda m, x: x.tanh(), "tanh"),
            (lambda m, x: F.gelu(x), "gelu"),
            (lambda m, x: F.silu(x), "silu"), (lambda m, x: F.max_pool2d(x, 2), "max_pool2d"),
            (lambda m, x: x.abs(), "abs"),
            (lambda m, x: F.interpolate(x, (40, 40)), "interpolate: from 16x16 to 40x40", "not yet"),
            (lambda m, x: F.pad(x, [1] * 4), "padded map"), (lambda m, x: F.pad(x, [1] * 4) + 1, "padded map"),
            (lambda m, x: F.pad(x, [1] * 4, mode="reflect"), "mode=reflect", "not yet"),
            (lambda m, x: F.softmax(x, 1), "softmax"), (lambda m, x: x[:, :, 1:], "getitem", "not yet"),
            (lambda m, x: torch.matmul(x, x), "attention"), (lambda m, x: torch.cat([x, x], 2), "dim=2", "not yet"),
            (lambda m, x: x + torch.ones(16, dtype=torch.float64), "constant of shape [16]: not yet"),
            (lambda m, x: x.erf(), "erf", "not known", "not yet"),
            (lambda m, x: F.dropout(x, 0.5, True), "training=True"),
            (lambda m, x: x if x.sum() > 0 else -x, "cannot trace"), (lambda m, x: (x, x), "one tensor")):
        refused(Says(function), *words)


class Optional(nn.Module):
    """An argument that has a default, and a branch on it."""

    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 2, 3, padding=1), nn.Conv2d(2, 1, 1)

    def forward(self, x, mask=None, factor: float = 2.0):
        x = self.conv(x)
        if mask is not None:
            x = x * mask
        return self.head(factor * x ** 2)


def test_inputs():
    """Factors and summands that differ from channel to channel; arguments beside the image."""
    path = os.path.join(FOLDER, "c.safetensors")
    images = torch.randint(0, 256, (4, 3, 16, 16), dtype=torch.uint8)
    mean, sd = torch.tensor([0.4, 0.5, 0.6]), torch.tensor([0.2, 0.25, 0.3])
    x = (images / 255 - mean[:, None, None]) / sd[:, None, None]
    net = Optional().eval()
    volley_export.export(net, x[:1], path, images, mul=1 / (255 * sd), add=-mean / sd, quiet=True)
    text, _, tensors = files.load(path)
    with torch.no_grad():
        got = forward(text["layers"], tensors, images * text["input"]["mul"] + text["input"]["add"], border.zero)
        assert float((got[text["output"]["tensor"]] - net(x)).abs().max()) < 1e-4
    refused(net, "mul: [1.0, 2.0], want one number", channels=3, mul=[1.0, 2.0])


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
        values = forward(text["layers"], tensors, images / 255, border.zero)
        assert list(r) == ["image"] + [layer["name"] for layer in text["layers"]]
        assert abs(r[out]["gain"] - 1) < 0.1 and r["image"]["max"] <= 1
        if kind == "zero":
            assert all(float(v.abs().max()) <= 1.0001 * r[k]["max"] for k, v in values.items())


def test_gain_of_one_place():
    """Where one pixel of 1024 has all the gain (2 x at x = 1), an eighth of it counts, not the mean, 2 / 32."""
    one_by_one = nn.Sequential(nn.Conv2d(1, 1, 1), Square(), nn.Conv2d(1, 1, 1))
    with torch.no_grad():
        for k in (0, 2):
            one_by_one[k].weight[:], one_by_one[k].bias[:] = 1, 0
    images = torch.zeros(4, 1, 32, 32, dtype=torch.uint8)
    images[:, :, 16, 16] = 255
    path = os.path.join(FOLDER, "g.safetensors")
    volley_export.export(one_by_one, images[:1] / 255, path, images, quiet=True)
    assert 0.15 < files.load(path)[0]["ranges"]["0"]["gain"] < 0.5


def test_images():
    """Files and folders become pixels as the rules of `images` say; what is said of them is in the file."""
    folder = tempfile.mkdtemp()
    grey = torch.randint(0, 256, (3, 1, 16, 16), dtype=torch.uint8)
    for k in range(3):
        write_pnm(os.path.join(folder, "%d.pgm" % k), grey[k])
    assert torch.equal(given.as_pixels(folder), grey.double())
    assert torch.equal(given.as_pixels([os.path.join(folder, "1.pgm")], size=(12, 20))[0, 0, :, 2:18],
                       grey[1, 0, 2:14].double())
    path, said = os.path.join(folder, "m.safetensors"), {"modality": "T2", "plane": "axial", "spacing": 0.5}
    volley_export.export(one(Square()), grey[:1] / 255, path, images=[folder], expects=said, quiet=True)
    assert files.load(path)[0]["images"] == {"modality": "T2", "plane": "axial", "spacing": [0.5, 0.5]}
    for bad, *words in (({"plane": "oblique"}, "plane 'oblique'"), ({"colour": 1}, "colour is not known"),
                        ({"values": "window"}, "low and high"), ({"values": "full", "low": 1, "high": 2}, "no low"),
                        ({"low": 5, "high": 1}, "low < high"), ({"spacing": (1, 2, 3)}, "spacing"),
                        ({"modality": "x" * 64}, "64 bytes")):
        refused(one(Square()), *words, expects=bad)
    refused(one(Square()), "no images", images=tempfile.mkdtemp())
    refused(one(Square()), "none.pgm", images=os.path.join(folder, "none.pgm"))


def test_volumes():
    """A NIfTI volume beside what nibabel and numpy say of it."""
    try:
        import nibabel
    except ImportError:
        print("skip test_volumes: no nibabel")
        return
    folder = tempfile.mkdtemp()
    voxels = np.random.default_rng(1).integers(-50, 900, (12, 10, 4)).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(voxels, np.diag([1.0, -1.0, 2.0, 1.0])), os.path.join(folder, "v.nii.gz"))
    low, high = np.percentile(voxels, (1, 99.5))
    want = ((voxels - low) * 255 / (high - low)).clip(0, 255).transpose(2, 1, 0)    # left to right, front to back
    got = given.as_pixels(os.path.join(folder, "v.nii.gz"), {"plane": "axial"})[:, 0].numpy()
    assert got.shape == (4, 10, 12) and np.abs(got - want).max() < 1e-3, np.abs(got - want).max()
    one = given.as_pixels(os.path.join(folder, "v.nii.gz:slice=2"), {"plane": "axial", "values": "window", "low": 0.0,
                                                                     "high": 255.0})[0, 0].numpy()
    assert np.abs(one - voxels.clip(0, 255).transpose(2, 1, 0)[2]).max() < 1e-3


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
