"""Checks of how the U-Nets of train.py are trained, seconds: test_fit.py.  Needs no data.

Faster kernels and borders while training, windows, trainings that are cut and
taken up again, squares from a network of ReLU, and a preset.
"""
import os
import sys

try:
    import numpy as np
    import torch
except ImportError:
    print("skip test_fit.py: no PyTorch (make deps-train)")
    sys.exit(0)

import torch.nn.functional as F
from torch import nn

import border
import export as files
import fit
import folder
import module
import net as networks
import own
import presets
import running
import traced
from test_own import FOLDER, HERE, Image, blobs, refused, train_py


def test_running():
    """Under running() the same network: transposed convolutions as the sum they are, border wrap as a file's network
    has it, bfloat16 to a hundredth; and afterwards the ordinary module."""
    torch.manual_seed(0)
    for kind, m in ((F.conv_transpose2d, nn.ConvTranspose2d(5, 3, 2, 2)), (F.conv_transpose3d,
                                                                          nn.ConvTranspose3d(5, 3, 2, 2, bias=False))):
        x = torch.randn(2, 5, *(4, 6, 8)[:m.weight.dim() - 2])
        want = kind(x, m.weight, m.bias, 2)
        with running.running(m):
            assert torch.allclose(m(x), want, atol=1e-5)
        assert "forward" not in vars(m)
    net = module.UNet(1, 1, 4, 2, "square").eval()
    layers, output, _ = traced.layers(net.double(), torch.zeros(1, 1, 16, 24).double(), "wrap")
    x = torch.rand(2, 1, 16, 24).double()
    tensors = {k: t.double() for k, t in layers.tensors.items()}
    want = networks.forward(layers.layers, tensors, x, border.wrap(4))[output]
    with torch.no_grad(), running.running(net, "wrap"):
        got = net(x)
    assert (got - want).abs().max() < 1e-3 * (net(x) - want).abs().max()       # of border zero
    net = module.UNet(1, 1, 4, 2, "relu").eval()
    want = net(x.float())
    with torch.no_grad(), running.running(net, "zero", True):
        got = net(x.float())
        assert got.dtype == torch.bfloat16 and 0 < (got - want).abs().max() < 0.02 * want.abs().max()
    assert torch.equal(net(x.float()), want)


def test_windows():
    """Windows cover an image, no more of them than needed; where they overlap the mean counts."""
    assert fit.starts(512, 200).tolist() == [0, 156, 312] and fit.starts(64, 64).tolist() == [0]

    class Corner(nn.Module):
        def forward(self, x):
            return x[..., :1, :1] + 0 * x
    x = torch.arange(24.0).reshape(1, 1, 4, 6)
    got = fit.covered(Corner(), x, (4, 4))
    assert got[0, 0, 0].tolist() == [0, 0, 1, 1, 2, 2]


def made_pairs(n, seed=0):
    return [folder.Pair("p%d" % k, 100 * (x + 1).numpy()[None], y.numpy().astype(np.uint8))
            for k, (x, y) in enumerate(zip(*blobs(n, seed=seed)))]


def cut_often(pairs, s, path, **more):
    """The network of a training that is cut and taken up again, twice."""
    keep = fit.KEEP

    def cut(line):
        raise KeyboardInterrupt
    fit.KEEP = 0
    for log in (cut, cut, lambda line: None):
        try:
            net, _ = fit.train(pairs[1:], pairs[:1], s, log=log, resume=path, **more)
        except KeyboardInterrupt:
            pass
    fit.KEEP = keep
    return net


def alike(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values()))


def test_resume():
    """A training that is cut after any step and taken up again gives the same numbers; another's state is refused."""
    pairs, path = made_pairs(6), os.path.join(FOLDER, "t.state")
    s = fit.Settings(2, 2, 1, "zero", "square", 40, (16, 16), 2, "all")
    want, _ = fit.train(pairs[1:], pairs[:1], s, log=lambda line: None)
    assert alike(want, cut_often(pairs, s, path))
    refused(lambda: fit.train(pairs, pairs, fit.Settings(2, 4, 1, "zero", "square", 40, (16, 16), 2), resume=path),
            "t.state", "another base")
    with open(path, "wb") as f:
        f.write(b"no state")
    refused(lambda: fit.train(pairs, pairs, s, resume=path), "t.state", "not the state of a training")


def test_turning():
    """A trained network of ReLU becomes one of squares, in bfloat16 as well, and if it is cut; no ReLU is left."""
    pairs, test = made_pairs(12), made_pairs(6, 9)
    s = fit.Settings(2, 4, 1, "zero", "relu", 150, (16, 16), 4, "all")
    old, _ = fit.train(pairs[1:], pairs[:1], s, log=lambda line: None)
    before = float(fit.tested(old, s, test, {})[0][0])
    s = fit.Settings(2, 4, 1, "zero", "square", 150, (16, 16), 4, "all", bfloat16=True)
    new, _ = fit.train(pairs[1:], pairs[:1], s, log=lambda line: None, old=old)
    after = float(fit.tested(new, s, test, {})[0][0])
    assert before > 0.8 and after > before - 0.1, (before, after)
    assert not any(isinstance(m, nn.ReLU) or "forward" in vars(m) for m in new.modules())
    s = fit.Settings(2, 4, 1, "zero", "square", 20, (16, 16), 2, "all")
    want, _ = fit.train(pairs[1:], pairs[:1], s, log=lambda line: None, old=old)
    assert alike(want, cut_often(pairs, s, os.path.join(FOLDER, "q.state"), old=old))


def pgm(path, pixels):
    with open(path, "wb") as f:
        f.write(b"P5\n%d %d\n255\n" % pixels.shape[::-1] + pixels.astype(np.uint8).tobytes())


def test_preset():
    """train.py em on made slices: border wrap, both Dices, whose data; the preset's own folders chosen by --data."""
    if Image is None:
        return print("skip the preset: no Pillow (make deps-train)")
    root, out = os.path.join(FOLDER, "data"), os.path.join(FOLDER, "em.safetensors")
    for part, count, first in (("train", 6, 0), ("test", 2, 24)):
        os.makedirs(os.path.join(root, "em", part))
        x, y = blobs(count, 64, first)
        for k in range(count):
            name = "%s/em/%s/%02d" % (root, part, first + k)
            pgm(name + "-image.pgm", ((x[k, 0].numpy() + 0.7) * 110).clip(0, 255))
            pgm(name + "-label.pgm", 255 - 255 * y[k, 0].numpy())
    rc, text, err = train_py("em", "--data", root, "--size", "64", "--crop", "32", "--base", "2", "--steps", "40",
                             "--out", out)
    assert rc == 0, err
    assert "3 pairs choose: 00, 01, 02" in text and "test  membrane" in text, text
    network, origin, _ = files.load(out)
    assert network["name"] == "em" and network["border"] == "wrap" and network["ring"] == [4, 4]
    assert network["output"]["foreground"] == "cell" and network["images"]["values"] == "full"
    assert "non-commercial" in origin and "Dice membrane" in origin and "cell" in origin
    for known in presets.PRESETS:               # every preset's options are such of segment
        own.settings(own.options(presets.argv(known, root) + ["--out", out]), 2)
    rc, text, err = train_py("em", "--data", root, "--depth", "3", "--out", out)
    assert rc == 1 and "--border wrap: wants --depth 2" in err, err


if __name__ == "__main__":
    for name, function in sorted(globals().items()):
        if name.startswith("test_"):
            function()
            print("ok", name, flush=True)
