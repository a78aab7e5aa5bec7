"""Checks of training on volumes as wholes: test_cubes.py.  Needs no data.

Crops of volumes, the recipe and square() in three dimensions, and train.py
segment --dims 3 from made NIfTI files to a model file for `volley blind`.
"""
import os
import sys
import tempfile

try:
    import numpy as np
    import torch
except ImportError:
    print("skip test_cubes.py: no PyTorch (make deps-train)")
    sys.exit(0)

from torch import nn

import cubes
import export as files
import fit
import folder
import module
import own
import running
import volley_train
from test_own import last_score, refused, segment
try:
    import nibabel
except ImportError:
    nibabel = None

FOLDER = tempfile.mkdtemp()
torch.set_num_threads(1)


def boxes(n, size, seed=0):
    """Volumes with a bright and a brighter box in noise, and their labels."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(80, 10, (n, 1, *size)), np.zeros((n, *size), np.uint8)
    for k in range(n):
        z, r, c = rng.integers(1, 3, 3)
        y[k, z:z + 5, r:r + 3, c:c + 5], y[k, z:z + 5, r + 3:r + 6, c:c + 5] = 1, 2
    return (x + 60 * (y[:, None] == 1) + 120 * (y[:, None] == 2)).clip(0, 255), y


def test_places():
    """Rotations are orthogonal; nothing turned, scaled or moved is the volume; a quarter turn is that of the array."""
    for angles in ((0.3, -0.2, 0.1), (1.0, 2.0, 3.0)):
        r = cubes.turned(angles)
        assert np.allclose(r @ r.T, np.eye(3)) and abs(np.linalg.det(r) - 1) < 1e-9
    x, y = boxes(1, (8, 8, 8))
    s = fit.Settings(3, size=(8, 8, 8), border="zero", turn=0.0, scale=0.0, dims=3)
    made = cubes.Cubes([folder.Pair("p", x[:1], y[:1])], s, fit.to_input, lambda x, rng: x)
    move, cubes.MOVE = cubes.MOVE, 0.0
    try:
        got, label = made.batch(np.random.default_rng(0), None, 1)
        assert torch.allclose(got[0], fit.to_input(x[0]), atol=1e-5)
        assert torch.equal(label[0].byte(), torch.from_numpy(y[0]))
        old, cubes.turned = cubes.turned, lambda angles: old((0, 0, np.pi / 2))       # about the slices' axis
        got, label = made.batch(np.random.default_rng(0), None, 1)
        cubes.turned = old
    finally:
        cubes.MOVE = move
    ways = [torch.from_numpy(y[0]).rot90(k, (1, 2)) for k in (1, 3)]
    assert any(torch.equal(label[0].byte(), w) for w in ways)


def test_outside():
    """What comes from outside is black and of the first class."""
    x, y = np.full((1, 1, 8, 8, 8), 255.0), np.ones((1, 8, 8, 8), np.uint8)
    s = fit.Settings(2, size=(8, 8, 8), border="zero", turn=0.0, scale=1.0, dims=3)
    made = cubes.Cubes([folder.Pair("p", x, y)], s, fit.to_input, lambda x, rng: x)
    got, label = made.batch(np.random.default_rng(3), None, 8)
    assert float(got.min()) == -1 and int(label.min()) == 0 and int(label.max()) == 1
    assert bool((got[:, 0] == -1)[label == 0].float().mean() > 0.5)
    assert got.shape == (8, 1, 8, 8, 8) and label.shape == (8, 8, 8, 8)


def test_largest():
    """The largest of 2x2x2 in running(), also of bfloat16, is PyTorch's."""
    m, x = nn.MaxPool3d(2), torch.randn(2, 3, 4, 6, 8)
    with running.running(m, "zero", True):
        assert torch.equal(m(x), nn.functional.max_pool3d(x, 2))
        assert m(x.bfloat16()).dtype == torch.bfloat16


def test_recipe():
    """Volumes get extreme patterns over boxes of all three axes, and their peaks cost something."""
    rng = np.random.default_rng(0)
    x = torch.zeros(40, 1, 6, 6, 6)
    y = volley_train.spoiled(x, 1.0, -1.0, 1.0, rng)
    assert y.shape == x.shape and float(y.abs().max()) == 1 and float((y == 0).float().mean()) > 0.2
    assert all(bool((y.movedim(axis, 1)[:, 0] != y.movedim(axis, 1)[:, -1]).any()) for axis in (2, 3, 4))
    net = module.UNet(1, 1, 2, 1, "square", 3)
    recipe = volley_train.square_recipe(net, 10, crop=4, low=-1.0, high=1.0, limit=0.0)
    adam = torch.optim.Adam(net.parameters(), 0.01)
    recipe.step(recipe(torch.rand(2, 1, 8, 8, 8)).mean(), adam)
    assert recipe.squares == 6 and recipe.bare == 0 and recipe.peaks > 0


def test_square():
    """A network of ReLU and largest values of volumes becomes one of squares and means, and is exported."""
    import volley_export
    torch.manual_seed(0)
    net = module.UNet(1, 3, 2, 1, "relu", 3, "max")
    x, y = boxes(20, (8, 8, 12))
    x, y = fit.to_input(x), torch.from_numpy(y).long()
    adam = torch.optim.Adam(net.parameters(), 0.01)
    for k in torch.randint(0, 20, (60, 4)):
        adam.zero_grad()
        fit.loss_of(net(x[k]), y[k]).backward()
        adam.step()
    new, report = volley_train.square(net, (x, y), steps=120, log=None, batch=4)
    assert report["before"] > 0.2 and report["after"] > report["before"] - 0.1 and report["decisions"] < 0.1, report
    path = os.path.join(FOLDER, "s.safetensors")
    pixels = (x - fit.ADD) / fit.MUL
    volley_export.export(new, x[:1], path, pixels, mul=fit.MUL, add=fit.ADD, labels="abc", quiet=True, protocol="blind")
    ops = {layer["op"] for layer in files.load(path)[0]["layers"]}
    assert "square" in ops and not ops & {"relu", "maxpool", "quadratic"}, ops


def test_resume():
    """A training on volumes that was cut goes on as if it had not been."""
    x, y = boxes(5, (8, 8, 8))
    pairs = [folder.Pair(str(k), x[k:k + 1], y[k:k + 1]) for k in range(5)]
    s = fit.Settings(3, 2, 1, "zero", "relu", 20, (8, 8, 8), 2, "none", dims=3, pool="max")
    want, _ = fit.train(pairs[1:], pairs[:1], s, log=lambda line: None)
    path, keep = os.path.join(FOLDER, "t.state"), fit.KEEP

    def cut(line):
        raise KeyboardInterrupt
    fit.KEEP = 0
    for log in (cut, cut, lambda line: None):
        try:
            got, _ = fit.train(pairs[1:], pairs[:1], s, log=log, resume=path)
        except KeyboardInterrupt:
            pass
    fit.KEEP = keep
    assert all(torch.equal(a, b) for a, b in zip(want.state_dict().values(), got.state_dict().values()))
    s.pool = "mean"
    refused(lambda: fit.train(pairs, pairs, s, resume=path), "t.state", "another pool")


def test_segment():
    """NIfTI pairs of differing sizes, some stored upside down: volumes as wholes to a file of weights of 16 bits; Dice
    of the files' voxels."""
    if nibabel is None:
        return print("skip volumes: no nibabel (make deps-train)")
    root, rng = os.path.join(FOLDER, "v"), np.random.default_rng(0)
    os.makedirs(root)
    for k in range(7):
        n = rng.integers(9, 14, 3)
        x, y = boxes(1, n, k)
        affine = np.diag([1.0, -1.0, 1.0, 1.0]) if k % 2 else np.eye(4)
        name = "%s/%s%d" % (root, "t" if k == 6 else "s", k)
        turn = (lambda v: v[:, ::-1]) if k % 2 else lambda v: v
        nibabel.save(nibabel.Nifti1Image(turn(x[0, 0]).astype(np.float32), affine), name + "-image.nii.gz")
        nibabel.save(nibabel.Nifti1Image(turn(y[0]), affine), name + "-label.nii.gz")
    out = os.path.join(FOLDER, "v.safetensors")
    args = ["--images", root + "/s*-image.nii.gz", "--masks", root + "/s*-label.nii.gz", "--dims", "3", "--plane",
            "axial", "--classes", "back,front,rear", "--base", "8", "--depth", "1", "--size", "12x12x12"]
    rc, text, err = segment(*args, "--test-images", root + "/t*-image.nii.gz", "--test-masks",
                            root + "/t*-label.nii.gz", "--activation", "relu", "--pooling", "max", "--steps", "200",
                            "--batch", "2", "--turn", "0.05", "--scale", "0.05", "--rate", "0.01", "--norm", "1",
                            "--protocol", "blind", "--half", "--out", out, "--weights", out + ".pt")
    assert rc == 0, err
    assert last_score(text) > 0.7, text
    network, origin, _ = files.load(out)
    assert network["protocol"] == "blind" and network["border"] == "zero" and network["input"]["depth"] == 12
    assert {"relu", "maxpool"} <= {layer["op"] for layer in network["layers"]} and "test Dice front" in origin
    rc, text, err = segment(*args, "--pooling", "max", "--steps", "20", "--batch", "2", "--bfloat16", "--protocol",
                            "blind", "--squares-of", out + ".pt", "--out", out)
    ops = {layer["op"] for layer in files.load(out)[0]["layers"]}
    assert rc == 0 and "square" in ops and not ops & {"relu", "maxpool"}, (err, ops)
    for more, word in ((["--activation", "relu"], "--protocol blind"), (["--pooling", "max"], "--pooling max"),
                       ([], "--dims 3"), (["--protocol", "blind", "--border", "halo"], "--border halo"),
                       (["--protocol", "blind", "--size", "12x12"], "want DxHxW"),
                       (["--protocol", "blind", "--size", "12x12x13"], "multiple of 2")):
        refused(lambda: own.run(own.options([*args, "--out", out, *more])), word)


if __name__ == "__main__":
    for name, function in sorted(globals().items()):
        if name.startswith("test_"):
            function()
            print("ok", name, flush=True)
