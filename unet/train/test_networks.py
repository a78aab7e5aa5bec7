"""Networks of PyTorch exported, run in the clear and encrypted: test_networks.py [--table] [NAME...].  Needs no data.

`volley clear --float` (build/volley, or $VOLLEY), or without it the reference
of this folder, has to give the module's own logits and masks; an encrypted run
the masks or logits of the clear one.  --table prints what docs/own.md has.
"""
import copy
import csv
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import torch
except ImportError:
    print("skip test_networks.py: no PyTorch (make deps-train)")
    sys.exit(0)

import border
import export as files
import measured
import net
import volley_export
from networks import NETWORKS

HERE = os.path.dirname(os.path.abspath(__file__))
VOLLEY = os.environ.get("VOLLEY", os.path.join(HERE, "..", "..", "build", "volley"))
FOLDER = tempfile.mkdtemp()
BESIDE = 24             # pixels beside an image under halo: more than any of the networks sees
SURE = 32               # standard deviations that an encrypted logit may be off by
ENCRYPTED = 2           # images of each network that are encrypted


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


def volley(*args):
    made = subprocess.run([VOLLEY, *args], capture_output=True, text=True)
    assert made.returncode == 0, (args[0], made.stderr)
    return made.stdout


class Case:
    """One network, exported; its images as files."""

    def __init__(self, name):
        module, self.channels, height, width, self.border = NETWORKS[name]
        self.module, self.images = trained(module, self.channels, height, width)
        self.path = os.path.join(FOLDER, name + ".safetensors")
        self.report = volley_export.export(self.module, self.images[:1] / 255, self.path, self.images,
                                           border=self.border, quiet=True)
        self.text, _, self.tensors = files.load(self.path)
        self.classes = "classes" in self.text["output"]
        self.name, self.size = name, (height, width)

    def named(self, count):
        names = [os.path.join(FOLDER, "x%d.%s" % (k, "pgm" if self.channels == 1 else "ppm")) for k in range(count)]
        for name, image in zip(names, self.images):
            write_pnm(name, image)
        return names

    def result(self, what):
        return os.path.join(FOLDER, what + (".csv" if self.classes else ".pgm"))

    def wanted(self):
        """The module's own logits; beyond the edge what its border means."""
        x = self.images.double() / 255
        if self.border == "wrap":           # the rim is the ciphertext's
            return self.reference(x)
        if self.border == "halo":
            x = measured.reflected(x, BESIDE, 4)
        with torch.no_grad():               # in double: PyTorch's own rounding is not the file's
            y = copy.deepcopy(self.module).double()(x)
        h, w = self.size
        return y[..., BESIDE:BESIDE + h, BESIDE:BESIDE + w] if self.border == "halo" else y

    def reference(self, x):
        pad = {"valid": border.valid, "wrap": border.wrap(4)}.get(self.border, border.zero)
        tensors = {k: v.double() for k, v in self.tensors.items()}
        return net.forward(self.text["layers"], tensors, x, pad)[self.text["output"]["tensor"]]

    def clear(self, count, *flags):
        """(logits, masks) of `volley clear`."""
        out = os.path.join(FOLDER, "y.f32")
        volley("clear", self.path, *self.named(count), "--logits", out, "-o", self.result("clear"), *flags)
        y = torch.from_numpy(np.fromfile(out, "<f4")).double()
        return y.reshape(count, len(y) // count // (1 if self.classes else self.size[0] * self.size[1]),
                         *(() if self.classes else self.size))

    def encrypted(self, count):
        """What the owner gets: a mask of each image, or its logits; the predicted error of a logit."""
        at = {k: os.path.join(FOLDER, k) for k in ("p.plan", "keys", "in.vct", "out.vct")}
        subprocess.run(["rm", "-rf", *at.values()])
        error = json.loads(volley("plan", self.path, "-o", at["p.plan"], "--json"))["total"]["error"]
        secret = os.path.join(at["keys"], "secret.key")
        volley("keygen", at["p.plan"], "--out", at["keys"])
        volley("encrypt", at["p.plan"], "--key", secret, *self.named(count), "-o", at["in.vct"])
        volley("evaluate", self.path, "--keys", os.path.join(at["keys"], "eval.keys"), at["in.vct"], "-o",
               at["out.vct"])
        folder = os.path.join(FOLDER, "masks")
        subprocess.run(["rm", "-rf", folder])
        os.mkdir(folder)
        volley("decrypt", at["p.plan"], "--key", secret, at["out.vct"], "-o",
               self.result("answer") if self.classes else os.path.join(folder, "m.pgm"))
        if self.classes:
            rows = list(csv.reader(open(self.result("answer"))))[1:]
            return torch.tensor([[float(v) for v in row[3:]] for row in rows], dtype=torch.float64), error
        masks = [volley_export.given.picture(os.path.join(folder, n), None)[0] for n in sorted(os.listdir(folder))]
        return torch.stack(masks), error


def mask(y):
    return y.argmax(1) if y.shape[1] > 1 else (y[:, 0] > 0) * 255


def margin(y):
    """How far each pixel is from another answer."""
    if y.shape[1] == 1:
        return y[:, 0].abs()
    two = y.topk(2, 1).values
    return two[:, 0] - two[:, 1]


def check_clear(case):
    """(largest difference of a logit, pixels or images whose answer differs)"""
    want = case.wanted()
    got = case.clear(len(want), "--float") if os.path.exists(VOLLEY) else case.reference(case.images.double() / 255)
    want = want.reshape(got.shape)
    apart = float((got - want).abs().max())
    assert apart <= 1e-4, (case.name, apart)
    return apart, int((mask(got) != mask(want)).sum())


def check_encrypted(case):
    """(images, pixels of masks or answers that differ from the clear twin's, of how many)"""
    twin = case.clear(ENCRYPTED)
    got, error = case.encrypted(ENCRYPTED)
    if case.classes:
        off = float((got - twin).abs().max())
        assert off <= SURE * error, (case.name, off, error)
        return int((mask(got[..., None]) != mask(twin[..., None])).sum()), len(got)
    other = got != mask(twin)
    assert not bool((other & (margin(twin) > SURE * error)).any()), (case.name, error)
    return int(other.sum()), other.numel()


PAGE = """import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.norm, self.two = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 3, 3, padding=1)

    def forward(self, x):
        return self.two(self.norm(self.one(x)) ** 2)
"""


def check_page():
    """docs/own.md, "three commands": a class, its weights and volumes; labels on the volume, by PyTorch and nibabel."""
    try:
        import nibabel
    except ImportError:
        print("skip check_page: no nibabel")
        return
    folder = tempfile.mkdtemp()
    at = {k: os.path.join(folder, k) for k in ("my.py", "w.pt", "m.safetensors", "scans", "keys", "mask.nii.gz")}
    with open(at["my.py"], "w") as f:
        f.write(PAGE)
    os.mkdir(at["scans"])
    rng, affine = np.random.default_rng(0), np.array([[0, 0, 0.5, 9], [0.5, 0, 0, 7], [0, -2, 0, 5], [0, 0, 0, 1]])
    for k in range(2):                          # stored: to the front, down, to the right
        nibabel.save(nibabel.Nifti1Image(rng.integers(0, 700, (32, 5, 24)).astype(np.int16), affine),
                     os.path.join(at["scans"], "%d.nii.gz" % k))
    module = trained(volley_export.load_class(at["my.py"] + ":Net")(), 1, 32, 24)[0]
    torch.save(module.state_dict(), at["w.pt"])
    made = subprocess.run([sys.executable, os.path.join(HERE, "volley_export.py"), at["my.py"] + ":Net", at["w.pt"],
                           at["scans"], "-o", at["m.safetensors"], "--plane", "axial", "--spacing", "0.5", "--labels",
                           "background,anterior,posterior"], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    volume = os.path.join(at["scans"], "0.nii.gz")
    volley("keygen", at["m.safetensors"], "--out", at["keys"])
    volley("run", at["m.safetensors"], "--keys", at["keys"], volume, "-o", at["mask.nii.gz"])
    got, voxels = nibabel.load(at["mask.nii.gz"]), np.asarray(nibabel.load(volume).dataobj, float)
    low, high = np.percentile(voxels, (1, 99.5))
    x = ((voxels - low) / (high - low)).clip(0, 1)[::-1, ::-1].transpose(1, 0, 2)      # from below, from the front
    with torch.no_grad():
        y = module(torch.from_numpy(x.copy()).float()[:, None]).argmax(1).numpy()
    want = y.transpose(1, 0, 2)[::-1, ::-1]
    other = int((np.asarray(got.dataobj) != want).sum())
    assert got.shape == (32, 5, 24) and np.abs(got.affine - affine).max() < 1e-5 and other <= 0.01 * want.size, other
    print("   a volume of %d voxels by three commands: %d labels differ from PyTorch's" % (want.size, other))


def main(argv):
    table = "--table" in argv
    for name in [a for a in argv if a != "--table"] or NETWORKS:
        case = Case(name)
        r = case.report
        apart, other = check_clear(case)
        hidden = check_encrypted(case) if os.path.exists(VOLLEY) else (0, 0)
        line = "| %s | %s | %d | %.3g | %.1e | %d | %d of %d |" if table else \
            "   %-16s %-5s %3d layers, logits to %.3g, apart %.1e, %d answers; encrypted %d of %d"
        print(line % ((name, case.border, r["layers"], r["largest"], apart, other) + hidden), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
    if os.path.exists(VOLLEY):
        check_page()
    print("ok test_networks")
