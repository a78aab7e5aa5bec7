"""Checks of what trains a network of one's own, tens of seconds: test_own.py.  Needs no data.

The recipe and square() on small modules, pairs of made folders, slices of made
volumes, and train.py segment from folders to a model file.
"""
import itertools
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import torch
except ImportError:
    print("skip test_own.py: no PyTorch (make deps-train)")
    sys.exit(0)

import torch.nn.functional as F
from torch import nn

import export as files
import folder
import squared
import volley_train
import volumes
from volley_train import square_recipe

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = tempfile.mkdtemp()
torch.set_num_threads(1)
try:
    import nibabel
except ImportError:
    nibabel = None
try:
    from PIL import Image
except ImportError:
    Image = None


def refused(function, *words):
    """The message of what is refused; it is one line and holds the words."""
    try:
        function()
    except ValueError as e:
        text = str(e)
        assert "\n" not in text and all(w in text for w in words), text
        return text
    raise AssertionError("not refused: %s" % (words,))


# ---- the recipe -------------------------------------------------------------

class Every(nn.Module):
    """A square of every kind, and products that are none."""

    def __init__(self):
        super().__init__()
        self.norms = nn.ModuleList([nn.BatchNorm2d(2) for _ in range(6)])
        self.a = nn.Parameter(torch.ones(1, 2, 1, 1))

    def forward(self, x):
        n = self.norms
        x = 0.5 * x * x.shape[0]
        x = n[0](x) * n[1](x)
        x = n[2](x) ** 2 + torch.square(n[3](x) * 0.5)
        x = torch.pow(n[4](x), 2)
        return self.a * n[5](x).pow(2) + x * x


def test_recipe_finds_the_squares():
    """Each square once, its normalisation at weight 0.5 and bias 1; one factor has none before it."""
    net = Every()
    recipe = square_recipe(net, 10)
    assert recipe.squares == 6 and recipe.bare == 1
    assert all(float(m.weight[0]) == 0.5 and float(m.bias[1]) == 1 for m in net.norms)
    kept = Every()
    square_recipe(kept, 10, slope=False)
    assert all(float(m.weight[0]) == 1 for m in kept.norms)


def test_recipe_cuts_in_training_only():
    class Net(nn.Module):
        def forward(self, x):
            return x * x + x
    net, x = Net(), torch.tensor([[[[3.0, -40.0]]]])
    recipe = square_recipe(net, 10, clip=10.0, hard=0)
    assert recipe(x).flatten().tolist() == [12.0, 60.0]         # what is squared is cut, x itself is not
    assert net(x).flatten().tolist() == [12.0, 1560.0]
    assert abs(float(recipe.cost()) - volley_train.PULL * 34) < 1e-6


def test_recipe_stops_the_statistics():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), volley_square())
    recipe, adam = square_recipe(net, 10, freeze=0.5), torch.optim.Adam(net.parameters(), 1e-3)
    means = []
    for _ in range(10):
        recipe.step(recipe(torch.rand(4, 1, 8, 8)).mean(), adam)
        means.append(net[1].running_mean.clone())
    assert not torch.equal(means[3], means[4]) and torch.equal(means[4], means[9])


def volley_square():
    from module import Square
    return Square()


def deep(c=6, squares=6):
    parts, last = [], 1
    for _ in range(squares):
        parts += [nn.Conv2d(last, c, 3, padding=1), nn.BatchNorm2d(c), volley_square()]
        last = c
    return nn.Sequential(*parts, nn.Conv2d(c, 1, 1))


def blobs(n, side=16, seed=0):
    """Images with a bright rectangle, and its mask."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(0, 0.2, (n, 1, side, side)), np.zeros((n, 1, side, side))
    for k in range(n):
        top, left = rng.integers(1, side - 8, 2)
        y[k, 0, top:top + 6, left:left + 7] = 1
    return torch.tensor(x + y, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


def test_recipe_does_not_explode():
    """Six squares in a row learn, and stay small on extreme images; trained plainly they do not."""
    x, y = blobs(64)
    found = {}
    for kind in ("recipe", "plain"):
        torch.manual_seed(0)
        net = deep()
        recipe = square_recipe(net, 250) if kind == "recipe" else None
        adam = torch.optim.Adam(net.parameters(), 0.01)
        for step in range(250):
            k = torch.randperm(64)[:8]
            loss = F.binary_cross_entropy_with_logits((recipe or net)(x[k]), y[k])
            if recipe:
                recipe.step(loss, adam)
            else:
                adam.zero_grad()
                loss.backward()
                adam.step()
        hard = volley_train.spoiled(x[:16], 1.0, -1.0, 2.0, np.random.default_rng(9))
        watched = (recipe or square_recipe(net, 1, slope=False)).run
        with torch.no_grad():
            net.eval()
            watched(hard, None)
            found[kind] = max(float(v.abs().max()) for v in watched.seen.values()), squared.score_of(net(x), y)
    assert found["recipe"][0] < 20 and found["recipe"][1] > 0.9, found
    assert not found["plain"][0] < 1e4, found


# ---- square() ---------------------------------------------------------------

class Relu(nn.Module):
    """ReLU as module (one for two places, in place), function and method; max pool and linear layers."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.relu = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(inplace=True)
        self.pool, self.c, self.d = nn.MaxPool2d(2), nn.Linear(8 * 16, 16), nn.Linear(16, 3)

    def forward(self, x):
        x = self.pool(self.relu(self.a(x)))
        x = F.max_pool2d(self.b(x).relu(), 2)
        return self.d(F.relu(self.c(x.flatten(1))))


def shapes(n, seed=0):
    """Images of a bar across, a bar down, or a block: three classes."""
    draw = torch.Generator().manual_seed(seed)
    x, y = 0.3 * torch.randn(n, 1, 16, 16, generator=draw), torch.randint(0, 3, (n,), generator=draw)
    for image, k in zip(x[:, 0], y.tolist()):
        r, c = torch.randint(1, 10, (2,), generator=draw).tolist()
        if k == 0:
            image[r:r + 4] += 0.8
        elif k == 1:
            image[:, c:c + 4] += 0.8
        else:
            image[r:r + 6, c:c + 6] += 1.2
    return x, y


def test_square():
    """A classifier of ReLU keeps its accuracy, and what comes out is exported."""
    import volley_export
    torch.manual_seed(0)
    x, y = shapes(500)
    net = Relu()
    adam = torch.optim.Adam(net.parameters(), 0.005)
    for k in torch.randint(0, 400, (150, 32)):
        adam.zero_grad()
        F.cross_entropy(net(x[k]), y[k]).backward()
        adam.step()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    new, report = volley_train.square(net, (x, y), steps=300, log=None)
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    assert report["images"] == 100 and report["before"] > 0.9, report
    assert report["after"] > report["before"] - 0.03 and report["decisions"] < 0.06, report
    code = new.code + str(new)
    assert "relu" not in code.lower() and "max" not in code.lower()
    path = os.path.join(FOLDER, "s.safetensors")
    pixels = ((x[:64] + 1.5) * 64).clamp(0, 255)
    told = volley_export.export(new, x[:1], path, pixels, mul=1 / 64, add=-1.5, quiet=True)
    assert told["difference"] < 1e-3 and os.path.exists(path)


def test_square_refuses():
    refused(lambda: volley_train.square(nn.Conv2d(1, 1, 3), torch.rand(4, 1, 8, 8), steps=2, log=None), "no ReLU")
    net = nn.Sequential(nn.ReLU(), nn.MaxPool2d(3))
    refused(lambda: volley_train.square(net, torch.rand(4, 1, 8, 8), steps=2, log=None), "max pool", "8x8", "2x2")


# ---- pairs ------------------------------------------------------------------

def made(name, files_):
    """A folder of empty files."""
    path = os.path.join(FOLDER, name)
    os.makedirs(path, exist_ok=True)
    for f in files_:
        open(os.path.join(path, f), "w").close()
    return path


def test_pairs():
    """By what remains of the names, by the star of a pattern; endings may differ."""
    a = made("a", ["x-image.png", "y.jpg", "z_IMG.nii.gz", "notes.txt", ".hidden.png"])
    b = made("b", ["x_mask.png", "y-label.png", "z.seg.nii"])
    assert [k for k, _, _ in folder.paired(a, b)] == ["x", "y", "z"]
    c = made("c", ["p1-t2.png", "p2-t2.png", "p1-gm.png", "p2-gm.png", "p1-cord.png"])
    found = folder.paired(c + "/*-t2.png", c + "/*-gm.png")
    assert [(k, os.path.basename(i), os.path.basename(m)) for k, i, m in found] == [
        ("p1", "p1-t2.png", "p1-gm.png"), ("p2", "p2-t2.png", "p2-gm.png")]
    refused(lambda: folder.paired(a, c + "/*-gm.png"), "no mask of this name (x)", "3 of 3")
    refused(lambda: folder.paired(c + "/*-cord.png", c + "/*-gm.png"), "p2-gm.png", "no image")
    refused(lambda: folder.paired(c, c), "same files")
    refused(lambda: folder.paired(FOLDER + "/none", b), "none: no images")
    twice = made("d", ["x.png", "x-image.png"])
    refused(lambda: folder.paired(twice, b), "both are the image of x")


def test_mask_values():
    y = np.array([[0, 255], [0, 255]])
    assert folder.as_labels(y, 2, "m").tolist() == [[0, 1], [0, 1]]
    assert folder.as_labels(y // 255, 2, "m").tolist() == [[0, 1], [0, 1]]
    assert folder.as_labels(np.array([[0, 2]]), 3, "m").tolist() == [[0, 2]]
    refused(lambda: folder.as_labels(y, 3, "m.png"), "m.png: mask value 255", "0..2")
    refused(lambda: folder.as_labels(np.array([[0, 1, 2]]), 2, "m"), "mask value 2", "0 and 255")
    refused(lambda: folder.as_labels(np.array([[0.5]]), 2, "m"), "0.5")
    refused(lambda: folder.as_labels(np.array([[-1]]), 2, "m"), "-1")


def test_deep_pictures():
    """16 bits: by the whole range, or by the rule that the model file will give."""
    if Image is None:
        return print("skip 16 bits: no Pillow (make deps-train)")
    path = os.path.join(FOLDER, "deep.png")
    x = np.arange(400, dtype=np.uint16).reshape(20, 20) * 10
    Image.fromarray(x).save(path)
    mask = os.path.join(FOLDER, "deep-mask.png")
    Image.fromarray((x > 2000).astype(np.uint8)).save(mask)
    full = folder.load_picture("d", path, mask, 2, {}, None).pixels
    assert np.allclose(full[0, 0], x / 65535 * 255, atol=1e-4)
    rule = folder.load_picture("d", path, mask, 2, {"modality": "m"}, None).pixels
    low, high = np.percentile(x, (1, 99.5))
    assert np.allclose(rule[0, 0], ((x - low) / (high - low) * 255).clip(0, 255), atol=1e-3)


def test_boxes():
    x = np.arange(16, dtype=np.float32).reshape(4, 4)
    assert folder.boxed(x, (2, 2), "x").tolist() == [[2.5, 4.5], [10.5, 12.5]]
    refused(lambda: folder.boxed(x, (3, 3), "x.png"), "x.png: 4x4, want 3x3")


# ---- volumes ----------------------------------------------------------------

def test_orders():
    """All 48 orders of the axes give the same slices, and masks come back on the voxels."""
    rng = np.random.default_rng(0)
    right, spacing = rng.random((5, 6, 7)), np.array([1.0, 2.0, 3.0])
    for plane, want in (("axial", right.transpose(2, 1, 0)[:, ::-1]), ("coronal", right.transpose(1, 2, 0)[:, ::-1]),
                        ("sagittal", right.transpose(0, 2, 1)[:, ::-1, ::-1])):
        for axes in itertools.permutations(range(3)):
            for turns in itertools.product((1, -1), repeat=3):
                voxels, affine = right.transpose(axes)[tuple(np.s_[::t] for t in turns)], np.eye(4)
                affine[:3, :3] = 0
                for k in range(3):
                    affine[axes[k], k] = turns[k] * spacing[axes[k]]
                v = volumes.Volume("v", voxels, affine)
                got = volumes.sliced(voxels, affine, plane)
                assert np.array_equal(got, want)
                assert np.array_equal(volumes.stored(got, affine, plane), voxels)
                assert volumes.spacing_of(v, plane) == {"axial": (2, 1), "coronal": (3, 1), "sagittal": (3, 2)}[plane]


def test_values():
    """As numpy.percentile says, clamped; what is not finite is left out of it."""
    x = np.random.default_rng(0).normal(50, 20, (8, 9, 10))
    low, high = np.percentile(x, (1, 99.5))
    want = ((x - low) / (high - low) * 255).clip(0, 255)
    assert np.abs(volumes.values(x) - want).max() < 1e-3
    x[0, 0, :3] = np.nan, np.inf, -np.inf
    assert np.isfinite(volumes.values(x)).all()
    fill = np.concatenate([[-32768.0] * 50, np.arange(100.0)])
    assert volumes.data_of(fill) == (0, 99) and volumes.values(fill)[0] == 0 and volumes.values(fill)[-1] == 255
    sparse = np.concatenate([np.zeros(9990), np.arange(1.0, 11)])
    assert volumes.ends(sparse, "percentiles", 1, 99.5, None) == (0, np.percentile(sparse[-10:], 99.5))
    window = volumes.values(np.array([-200.0, 0, 50, 400]), "window", 0, 100)
    assert window.tolist() == [0, 0, 127.5, 255]


def test_resampling():
    """Linear on pixel centres, the middle kept; means where it shrinks; labels by the nearest."""
    x = np.tile(np.arange(8.0), (1, 4, 1))
    same = volumes.resampled(x, (1, 1), (1.005, 1.005))
    assert same is x
    up = volumes.resampled(x, (1, 1), (1, 0.5))
    assert up.shape == (1, 4, 16) and np.allclose(up[0, 0, 1:-1], np.arange(14) / 2 + 0.25)
    down = volumes.resampled(x, (1, 1), (1, 2))
    assert np.allclose(down[0, 0], [0.5, 2.5, 4.5, 6.5])
    back = volumes.nearest(np.array([[[0, 1, 2, 3]]]), (1, 1, 8), (1, 1), (1, 2))
    assert back[0, 0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


# ---- from folders to a file -------------------------------------------------

def train_py(*args):
    run = subprocess.run([sys.executable, "-B", os.path.join(HERE, "train.py"), *args],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    return run.returncode, run.stdout, run.stderr


def segment(*args):
    return train_py("segment", *args)


def last_score(text):
    line, = [v for v in text.splitlines() if v.startswith("test ")]
    return float(line.split("mean")[1].split()[0]) if " mean 0" in line else float(line.split()[2])


def test_segment_pictures():
    """Colour pictures of twice the size, masks of 0 and 255."""
    if Image is None:
        return print("skip pictures: no Pillow (make deps-train)")
    root = os.path.join(FOLDER, "p")
    for part, count, seed in (("train", 10, 1), ("test", 3, 2)):
        for sub in ("images", "masks"):
            os.makedirs(os.path.join(root, part, sub))
        x, y = blobs(count, 32, seed)
        for k in range(count):
            grey = ((x[k, 0].numpy() + 0.7) * 110).clip(0, 255).repeat(2, 0).repeat(2, 1)
            Image.fromarray(np.stack([grey, grey / 2, 200 - grey / 2], 2).astype(np.uint8)).save(
                "%s/%s/images/%d.png" % (root, part, k))
            mask = y[k, 0].numpy().repeat(2, 0).repeat(2, 1) * 255
            Image.fromarray(mask.astype(np.uint8)).save("%s/%s/masks/%d_mask.png" % (root, part, k))
    out = os.path.join(FOLDER, "p.safetensors")
    both = ["--images", root + "/train/images", "--masks", root + "/train/masks"]
    rc, text, err = segment(*both, "--test-images", root + "/test/images", "--test-masks", root + "/test/masks",
                            "--border", "zero", "--size", "32", "--base", "2", "--depth", "1", "--steps", "100",
                            "--classes", "skin,spot", "--flips", "all", "--out", out)
    assert rc == 0, err
    assert last_score(text) > 0.7, text
    network, origin, _ = files.load(out)
    assert network["border"] == "zero" and network["input"]["channels"] == 3 and network["input"]["height"] == 32
    assert network["output"]["foreground"] == "spot" and "test Dice spot" in origin
    for args, word in ((["--border", "zero", "--size", "48"], "want 48x48 or whole multiples"),
                       (["--activation", "relu"], "ReLU cannot be encrypted"), (["--hold", "q"], "--hold q"),
                       (["--classes", "a,b,c"], "mask value 255"), (["--spacing", "no"], "--spacing no"),
                       (["--values", "window"], "--low and --high")):
        rc, text, err = segment(*both, "--out", out, *args)
        assert rc == 1 and word in err and err.count("\n") == 1, (args, err)


def test_segment_volumes():
    """NIfTI volumes of differing sizes and spacings, three classes; Dice on the volumes' own voxels."""
    if nibabel is None:
        return print("skip volumes: no nibabel (make deps-train)")
    root, rng = os.path.join(FOLDER, "v"), np.random.default_rng(0)
    os.makedirs(root)
    for k in range(6):
        n, mm = rng.integers(18, 24, 3), (1.0, 1.0) if k % 2 else (0.8, 0.8)
        y = np.zeros(n, np.uint8)
        y[4:14, 3:9, 4:12], y[4:14, 9:15, 4:12] = 1, 2
        x = rng.normal(100, 15, n) + 80 * (y == 1) + 160 * (y == 2)
        affine = np.diag([2.0, mm[0], mm[1], 1.0])
        name = "%s/%s%d" % (root, "t" if k == 5 else "s", k)
        nibabel.save(nibabel.Nifti1Image(x.astype(np.int16), affine), name + "-image.nii.gz")
        nibabel.save(nibabel.Nifti1Image(y, affine), name + "-label.nii.gz")
    out, kept = os.path.join(FOLDER, "v.safetensors"), os.path.join(FOLDER, "v.pt")
    args = ["--images", root + "/s*-image.nii.gz", "--masks", root + "/s*-label.nii.gz",
            "--test-images", root + "/t*-image.nii.gz", "--test-masks", root + "/t*-label.nii.gz", "--plane",
            "sagittal", "--spacing", "1", "--classes", "back,front,rear", "--base", "4", "--depth", "1"]
    rc, text, err = segment(*args, "--size", "32", "--steps", "80", "--out", out, "--weights", kept)
    assert rc == 0, err
    assert last_score(text) > 0.7, text
    network, _, _ = files.load(out)
    assert [v if isinstance(v, str) else v["name"] for v in network["output"]["labels"]] == ["back", "front", "rear"]
    assert network["images"]["plane"] == "sagittal" and network["images"]["spacing"] == [1.0, 1.0]
    assert torch.load(kept)["head.weight"].shape == (3, 4, 1, 1)
    other = nibabel.load(root + "/t5-label.nii.gz")
    nibabel.save(nibabel.Nifti1Image(np.asarray(other.dataobj)[1:], other.affine), root + "/u5-label.nii.gz")
    nibabel.save(nibabel.load(root + "/t5-image.nii.gz"), root + "/u5-image.nii.gz")
    rc, text, err = segment("--images", root + "/u*-image.nii.gz", "--masks", root + "/u*-label.nii.gz", "--out", out)
    assert rc == 1 and "its mask" in err and err.count("\n") == 1, err


def test_without_torch():
    """One line that names make deps-train."""
    fake = os.path.join(FOLDER, "fake")
    os.makedirs(fake)
    with open(os.path.join(fake, "torch.py"), "w") as f:
        f.write("raise ImportError('none')\n")
    for script in ("train.py", "volley_export.py", "volley_train.py"):
        run = subprocess.run([sys.executable, "-B", os.path.join(HERE, script), "--help"], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, universal_newlines=True, env=dict(os.environ, PYTHONPATH=fake))
        assert run.returncode and "make deps-train" in run.stderr and run.stderr.count("\n") == 1, (script, run.stderr)


if __name__ == "__main__":
    for name, function in sorted(globals().items()):
        if name.startswith("test_"):
            function()
            print("ok", name, flush=True)
