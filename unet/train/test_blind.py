"""Networks exported for the protocol of two parties, and what is refused: test_blind.py [NAME...].  Needs no data.

The file's logits, by the reference of this folder and by `volley clear --float`
(build/volley, or $VOLLEY), are the module's own, the masks of its integers too.
"""
import copy
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import torch
except ImportError:
    print("skip test_blind.py: no PyTorch (make deps-train)")
    sys.exit(0)

import torch.nn as nn
import torch.nn.functional as F

import border
import export as files
import folder
import given
import measured
import net
import volley_export
import volumes
from networks import Square
from networks_blind import BLIND
from refusals import Refused
from test_networks import BESIDE, VOLLEY, write_pnm
try:
    import nibabel
except ImportError:
    nibabel = None

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = tempfile.mkdtemp()
EXPECTS = {"plane": "axial", "values": "full"}  # a volume's bytes are its pixels
STEPS = ("conv", "tconv", "batchnorm", "relu", "square", "pool", "maxpool", "concat", "add")     # of the protocol


def trained(module, channels, size):
    """The module with statistics that fit its values, and images of that size."""
    torch.manual_seed(0)
    images = torch.randint(0, 256, (5, channels, *size), dtype=torch.uint8)
    module = copy.deepcopy(module).train()
    with torch.no_grad():
        for _ in range(40):
            module(images / 255)
    return module.eval(), images


def exported(name, **keys):
    """(module, images, path, report)"""
    module, channels, size, kind = BLIND[name]
    module, images = trained(module, channels, size)
    path = os.path.join(FOLDER, name + ".safetensors")
    report = volley_export.export(module, images[:1] / 255, path, images, border=kind, quiet=True, protocol="blind",
                                  expects=EXPECTS if images.dim() == 5 else None, **keys)
    return module, images, path, report


def wanted(module, images, kind):
    x = images.double() / 255
    if kind == "halo":
        x = measured.reflected(x, BESIDE, 4)
    with torch.no_grad():
        y = module.double()(x)
    h, w = images.shape[-2:]
    return y[..., BESIDE:BESIDE + h, BESIDE:BESIDE + w] if kind == "halo" else y


def check(name):
    """The file's keys are the protocol's; its logits and ranges the module's."""
    module, images, path, report = exported(name)
    kind = BLIND[name][3]
    text, _, tensors = files.load(path)
    assert text["protocol"] == "blind" and ("depth" in text["input"]) == (images.dim() == 5)
    assert [text["input"][k] for k in ("depth", "height", "width")[5 - images.dim():]] == list(images.shape[2:])
    layers = {layer["name"]: layer for layer in text["layers"]}
    assert {layer["op"] for layer in layers.values()} <= set(STEPS), layers
    for layer in layers.values():               # a factor has a convolution beside it that takes it up
        if layer["op"] == "batchnorm" and layers.get(layer["in"][0], {"op": "image"})["op"] not in ("conv", "tconv"):
            behind = [layer["name"]]
            for name in behind:
                readers = [other for other in layers.values() if name in other["in"]]
                assert readers and name != text["output"]["tensor"], layer
                behind += [r["name"] for r in readers if r["op"] in ("pool", "concat")]
                assert {r["op"] for r in readers} <= {"conv", "tconv", "pool", "concat"}, layer
    want = wanted(module, images, kind)
    x = images.double() / 255
    if kind == "halo":
        x = measured.reflected(x, BESIDE, 4)
    values = net.forward(text["layers"], {k: t.double() for k, t in tensors.items()}, x,
                         border.valid if kind == "valid" else border.zero)
    got = values[text["output"]["tensor"]]
    if kind == "halo":
        got = got[..., BESIDE:BESIDE + images.shape[2], BESIDE:BESIDE + images.shape[3]]
    apart = float((got - want).abs().max())
    assert got.shape == want.shape and apart <= 1e-4, (name, apart)
    if kind != "halo":
        for key, v in values.items():
            assert abs(float(v.abs().max()) - text["ranges"][key]["max"]) <= 1e-4 * text["ranges"][key]["max"], key
    return len(layers), float(want.abs().max()), max(apart, by_command(path, images, want))


def by_command(path, images, want):
    """How far the logits of `volley clear --float` are, of images and volumes as files."""
    if not os.path.exists(VOLLEY) or images.dim() == 5 and (nibabel is None or images.shape[1] > 1):
        return 0.0
    names = []
    for k, image in enumerate(images):
        names.append(os.path.join(FOLDER, "x%d" % k + (".nii.gz" if image.dim() == 4 else ".ppm")))
        if image.dim() == 4:
            voxels = volumes.stored(image[0].numpy(), np.eye(4), EXPECTS["plane"])
            nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), names[-1])
        else:
            write_pnm(names[-1], image)
    by_integers(path, names, want)
    out = os.path.join(FOLDER, "y.f32")
    masks = tempfile.mkdtemp(dir=FOLDER) + "/"
    made = subprocess.run([VOLLEY, "clear", path, *names, "--float", "--logits", out, "-o", masks], capture_output=True,
                          text=True)
    assert made.returncode == 0, (path, made.stderr)
    want = want.transpose(1, 2) if want.dim() == 5 else want        # of volumes slice after slice
    apart = float((torch.from_numpy(np.fromfile(out, "<f4")).double().reshape(want.shape) - want).abs().max())
    assert apart <= 1e-4, (path, apart)
    return apart


def by_integers(path, names, want):
    """The masks of 16-bit integers, `volley blind clear`, where that is there: hardly a pixel differs."""
    if subprocess.run([VOLLEY, "blind", "clear", "--help"], capture_output=True).returncode:
        return
    masks = tempfile.mkdtemp(dir=FOLDER)
    made = subprocess.run([VOLLEY, "blind", "clear", path, *names, "-o", masks + "/"], capture_output=True, text=True)
    assert made.returncode == 0, (path, made.stderr)
    got = [os.path.join(masks, name) for name in sorted(os.listdir(masks))]
    got = [volumes.sliced(np.asarray(nibabel.load(name).dataobj), np.eye(4), EXPECTS["plane"]) if name.endswith(".gz")
           else folder.mask_picture(name) for name in got]
    want = want.argmax(1) if want.shape[1] > 1 else want[:, 0] > 0
    got = np.stack(got) if want.dtype != torch.bool else np.stack(got) > 0
    assert got.shape == want.shape and (got != want.numpy()).mean() <= 0.01, (path, (got != want.numpy()).mean())


def test_half():
    """Weights of 16 bits: half the file, logits within a hundredth, vectors whole; tiny and huge ones stay."""
    whole = os.path.getsize(exported("volume")[2])
    module, images, path, report = exported("volume", half=True)
    text, _, tensors = files.load(path)
    want = wanted(module, images, "zero")
    with torch.no_grad():
        got = net.forward(text["layers"], tensors, images / 255, border.zero)[text["output"]["tensor"]]
    assert 1e-6 < report["difference"] <= 0.01 * report["largest"]
    assert float((got - want).abs().max()) <= 0.01 * float(want.abs().max())
    by_command(path, images, got.double())
    for name, t in tensors.items():
        same = bool((t.half().float() == t).all())
        assert same or t.dim() == 1, name
    saved = 2 * sum(t.numel() for t in tensors.values() if t.dim() > 1)
    assert abs(whole - os.path.getsize(path) - saved) < 256, (whole, os.path.getsize(path), saved)
    kept = torch.tensor([[1e5, 1.0], [2.0, 3.0]]), torch.full((2, 2), 1e-7), torch.tensor([1.0, 2.0])
    assert not any(files.half(t) for t in kept) and files.half(torch.rand(3, 3))


def test_centred():
    """The middle of a volume, or zeros round it; of an odd rest the larger half lies behind."""
    x = np.arange(1.0, 6).reshape(1, 5, 1, 1)
    assert volumes.centred(x, (2, 1, 1)).flatten().tolist() == [2, 3]
    y = volumes.centred(x, (8, 1, 2))
    assert y[0, :, 0, 0].tolist() == [0, 1, 2, 3, 4, 5, 0, 0] and y[0, :, 0, 1].tolist() == [0] * 8
    for size in ((8, 1, 2), (5, 4, 3), (6, 1, 1)):
        assert np.array_equal(volumes.centred(volumes.centred(x, size), x.shape[1:]), x)
    assert volumes.centred(volumes.centred(x, (2, 1, 1)), (5, 1, 1)).flatten().tolist() == [0, 2, 3, 0, 0]
    both = given.as_pixels([x[0], np.ones((4, 3, 1))], None, (4, 1, 2), 3)
    assert both.shape == (2, 1, 4, 1, 2) and both[0, 0, :, 0, 0].tolist() == [1, 2, 3, 4]


def refused(module, *words, size=(16, 16), border="zero", protocol="blind", channels=1, **keys):
    path = os.path.join(FOLDER, "no.safetensors")
    images = torch.randint(0, 256, (3, channels, *size), dtype=torch.uint8)
    try:
        volley_export.export(module.eval(), images[:1] / 255, path, images, border=border, quiet=True,
                             protocol=protocol, **keys)
    except Refused as e:
        assert all(w in str(e) for w in words), (words, str(e))
        assert not os.path.exists(path)
        return
    assert False, words


def one(*layers, dims=2):
    conv = nn.Conv2d if dims == 2 else nn.Conv3d
    return nn.Sequential(conv(1, 2, 3, padding=1), *layers, conv(2, 1, 1))


class Says(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.conv, self.function = nn.Conv2d(1, 1, 3, padding=1), function

    def forward(self, x):
        return self.function(self.conv(x))


def test_refused():
    for layer, *words in (
            (nn.LeakyReLU(), "1: LeakyReLU: with protocol=\"blind\": not yet; ReLU"), (nn.GELU(), "GELU", "ReLU"),
            (nn.Sigmoid(), "Sigmoid", "logits"), (nn.InstanceNorm2d(2), "BatchNorm2d"),
            (nn.MaxPool2d(3, 2, 1), "kernel_size=(3, 3), stride=(2, 2), padding=(1, 1): not yet", "MaxPool2d(2)"),
            (nn.MaxPool2d((1, 2)), "as long in all directions"), (nn.AdaptiveMaxPool2d(8), "AdaptiveMaxPool2d: with"),
            (nn.Conv2d(2, 2, 3, 3, 1), "stride 3 with protocol=\"blind\": not yet; 1, 2 or 4"),
            (nn.Sequential(nn.AvgPool2d(2), nn.ConvTranspose2d(2, 2, 4, 2, 1)), "kernel_size=(4, 4) with", "stride=2"),
            (nn.Sequential(nn.AvgPool2d(2), nn.Upsample(scale_factor=2, mode="bilinear")), "mode=bilinear with")):
        refused(one(layer), *words)
    refused(one(nn.MaxPool2d(2)), "a map of 8x8 for an image of 16x16")
    refused(one(nn.ReLU()), "border wrap", border="wrap")
    refused(one(nn.ReLU()), "border valid means padding=0", border="valid")
    refused(one(nn.ReLU()), "protocol: 'two', want", protocol="two")
    refused(one(nn.MaxPool2d(2)), "15x15 by 2x2", size=(15, 15), border="halo")
    refused(nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.AdaptiveAvgPool2d(1)), "gives classes", "masks alone")
    refused(nn.Sequential(nn.Flatten(), nn.Linear(256, 2)), "Linear: with protocol=\"blind\": not yet")
    refused(Says(lambda x: F.leaky_relu(x)), "leaky_relu: with protocol")
    refused(Says(lambda x: x.clamp(min=0)), "clamp: with protocol")
    refused(Says(lambda x: F.max_pool2d(x, 3, 1, 1)), "max_pool2d: kernel_size=(3, 3)")
    refused(Says(lambda x: F.max_pool2d(x, 2, return_indices=True)), "max_pool2d")
    refused(Says(lambda x: x / x.relu()), "divides")


def test_refused_volumes():
    cube = {"size": (8, 8, 8)}
    refused(one(nn.MaxPool3d((1, 2, 2)), dims=3), "kernel_size=(1, 2, 2)", "MaxPool3d(2)", **cube)
    refused(one(nn.Conv3d(2, 2, 3, (1, 2, 2), 1), dims=3), "stride=(1, 2, 2): not yet", **cube)
    refused(one(nn.InstanceNorm3d(2), dims=3), "InstanceNorm3d", **cube)
    refused(one(nn.Conv3d(2, 2, 3, padding=2), dims=3), "gives 10x10x10, which is larger than the image, 8x8x8", **cube)
    refused(one(nn.Upsample(scale_factor=2, mode="trilinear"), dims=3), "mode=trilinear", **cube)
    refused(one(nn.AvgPool3d(2), dims=3), "a map of 4x4x4 for an image of 8x8x8", **cube)
    refused(one(dims=3), "border halo of volumes: not yet", border="halo", **cube)
    refused(one(nn.Conv1d(2, 2, 3)), "Conv1d", "2d form")
    refused(one(nn.BatchNorm3d(2)), "BatchNorm3d: not yet: images are maps of two dimensions")
    net = one(Square(), Square(), Square(), dims=3)
    with torch.no_grad():
        net[0].weight[:] = 100.0
    refused(net, "explodes", "up to", **cube)
    with torch.no_grad():
        net[0].weight[0, 0, 0, 0, 0] = float("nan")
    refused(net, "NaN", **cube)


def test_refused_without():
    """Without the protocol these stay refused, and the text says that it is another way."""
    way = "`volley blind` computes it between two parties"
    refused(one(nn.ReLU()), "1: ReLU: cannot be encrypted", way, protocol=None)
    refused(one(nn.MaxPool2d(2)), "MaxPool2d", way, protocol=None)
    refused(Says(lambda x: x.relu()), "relu: cannot be encrypted", way, protocol=None)
    refused(one(dims=3), "a volume of 8x8x8", way, size=(8, 8, 8), protocol=None)
    try:
        refused(one(nn.GELU()), way, protocol=None)
    except AssertionError:
        return
    assert False, "GELU is in no protocol"


def test_command():
    """Volumes of files: a class, its weights, a folder of NIfTI; cut and padded round the middle."""
    if nibabel is None:
        return print("skip test_command: no nibabel")
    folder = tempfile.mkdtemp()
    at = {k: os.path.join(folder, k) for k in ("w.pt", "scans", "m.safetensors")}
    os.mkdir(at["scans"])
    rng = np.random.default_rng(0)
    for k, shape in enumerate(((9, 8, 6), (7, 11, 8))):
        nibabel.save(nibabel.Nifti1Image(rng.integers(0, 700, shape).astype(np.int16), np.eye(4)),
                     os.path.join(at["scans"], "%d.nii.gz" % k))
    with open(os.path.join(folder, "my.py"), "w") as f:
        f.write("import torch.nn as nn\n\n\nclass Net(nn.Sequential):\n    def __init__(self):\n        "
                "super().__init__(nn.Conv3d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv3d(4, 3, 1))\n")
    module = volley_export.load_class(os.path.join(folder, "my.py") + ":Net")()
    torch.save(module.state_dict(), at["w.pt"])
    command = [sys.executable, os.path.join(HERE, "volley_export.py"), os.path.join(folder, "my.py") + ":Net",
               at["w.pt"], at["scans"], "-o", at["m.safetensors"], "--labels", "a,b,c", "--plane", "axial", "--size",
               "8x8x8", "--protocol", "blind", "--half"]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    text = files.load(at["m.safetensors"])[0]
    assert [text["input"][k] for k in ("depth", "height", "width")] == [8, 8, 8] and text["protocol"] == "blind"
    assert len(text["ranges"][text["output"]["tensor"]]["labels"]) == 3
    made = subprocess.run([a for a in command if a not in ("--protocol", "blind")], capture_output=True, text=True)
    assert made.returncode == 1 and "a volume of 8x8x8" in made.stderr, made.stderr


def main(names):
    for name in names or BLIND:
        print("   %-16s %3d layers, logits to %.3g, apart %.1e" % ((name,) + check(name)), flush=True)
    for name, function in sorted(globals().items()):
        if name.startswith("test_") and not names:
            function()
            print("ok", name, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
    print("ok test_blind")
