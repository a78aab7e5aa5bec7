"""Files of squares for two parties as files for encryption: test_encrypted.py.  Needs no data.

Logits stay those of the file they were made from, with constants before the
deepest transposed convolution, too; a plan is made on rings that those would
refuse, and an encrypted mask is that of the file.
"""
import os
import re
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import torch
except ImportError:
    print("skip test_encrypted.py: no PyTorch (make deps-train)")
    sys.exit(0)

import torch.nn as nn

import border
import encrypted
import export as files
import measured
import net
import volley_export
from networks_blind import MEAN, Up
from refusals import Refused
from test_blind import trained
from test_networks import VOLLEY, write_pnm

FOLDER = tempfile.mkdtemp()
SIDE, BESIDE = 32, 24


class Poly(nn.Module):
    a, b, c = 0.1, 0.9, 0.1

    def forward(self, x):
        return self.a * x * x + self.b * x + self.c


class Minus(Poly):
    a = -0.08


class Nearly(Poly):
    a = 0.002


ACTS = (Poly, Minus, Poly, Minus, Poly)


def exported(acts, name):
    module, images = trained(Up(acts=acts, pool=MEAN), 1, (SIDE, SIDE))
    path = os.path.join(FOLDER, name)
    volley_export.export(module, images[:1] / 255, path, images, quiet=True, protocol="blind", half=True)
    return path, images


def logits(path, images):
    """Of images with what lies around them under halo, the middle kept; whatever border the file has."""
    text, _, tensors = files.load(path)
    x = measured.reflected(images.double() / 255, BESIDE, 4)
    y = net.forward(text["layers"], {k: t.double() for k, t in tensors.items()}, x, border.zero)
    return y[text["output"]["tensor"]][..., BESIDE:BESIDE + SIDE, BESIDE:BESIDE + SIDE]


def made(source, images, name, **keys):
    path = os.path.join(FOLDER, name)
    encrypted.encrypted(source, path, images, crop=24, half=False, **keys)
    return path


def test_forms():
    """Same function; squares alone are left, no concatenation of a square and its root; gains are measured."""
    source, images = exported(ACTS, "poly")
    path = made(source, images, "poly.enc")
    text, _, tensors = files.load(path)
    assert "protocol" not in text and text["border"] == "halo"
    assert {k["op"] for k in text["layers"]} == {"conv", "batchnorm", "square", "pool", "tconv", "concat"}
    assert set(text["ranges"]) == {"image"} | {k["name"] for k in text["layers"]}
    assert len({r["gain"] for r in text["ranges"].values()}) > 10
    want, got = logits(source, images), logits(path, images)
    assert float((got - want).abs().max()) <= 1e-5 * float(want.abs().max())
    ups = [tensors[k["weight"]].shape[0] for k in text["layers"] if k["op"] == "tconv"]
    assert ups == [9, 4], ups                   # a channel of ones before the deepest


def test_faint():
    """A square of next to nothing is made larger and fitted: the logits move, but little."""
    source, images = exported((Nearly,) + ACTS[1:], "nearly")
    want = logits(source, images)
    exact = logits(made(source, images, "exact.enc", faint=1e-4), images)
    close = logits(made(source, images, "close.enc", faint=0.02), images)
    far = logits(made(source, images, "far.enc", faint=0.075), images)
    size = float(want.square().mean().sqrt())
    apart = [float((y - want).square().mean().sqrt()) / size for y in (exact, close, far)]
    assert apart[0] < 1e-3 and apart[0] < apart[1] < 0.1 and apart[1] < apart[2], apart


def test_planned():
    """Rings that cannot tell the deepest pixels apart are planned; the encrypted mask is that of the clear integers."""
    if not os.path.exists(VOLLEY):
        return print("skip test_planned: no build/volley")
    source, images = exported(ACTS, "planned")
    path = made(source, images, "planned.enc", finer=4.0)
    plan, picture = os.path.join(FOLDER, "plan"), os.path.join(FOLDER, "x.pgm")
    write_pnm(picture, images[0])

    def volley(*args):
        return subprocess.run([VOLLEY, *args], capture_output=True, text=True)
    run = volley("plan", path, "--ring", "4x2", "-o", plan)
    assert run.returncode == 0, run.stderr
    keys = os.path.join(FOLDER, "keys")
    run = volley("keygen", plan, "--out", keys)
    assert run.returncode == 0, run.stderr
    run = volley("run", path, "--plan", plan, "--keys", keys, picture, "-o", os.path.join(FOLDER, "m.pgm"), "--check")
    assert run.returncode == 0, run.stderr
    floats = volley("clear", path, "--float", picture, "-o", os.path.join(FOLDER, "f.pgm"), "--logits",
                    os.path.join(FOLDER, "f.f32"))
    assert floats.returncode == 0, floats.stderr
    want = logits(source, images)[0].flatten()
    got = torch.from_numpy(np.fromfile(os.path.join(FOLDER, "f.f32"), "<f4")).double()
    assert float((got - want).abs().max()) <= 1e-4 * float(want.abs().max())
    masks = [np.frombuffer(open(os.path.join(FOLDER, k), "rb").read()[-SIDE * SIDE:], np.uint8) for k in
             ("m.pgm", "f.pgm")]
    differ = int((masks[0] != masks[1]).sum())
    assert differ <= 0.02 * SIDE * SIDE, (differ, run.stdout)


def refused(source, images, *words, **keys):
    path = os.path.join(FOLDER, "no.enc")
    try:
        encrypted.encrypted(source, path, images, **keys)
    except Refused as e:
        assert all(w in str(e) for w in words), (words, str(e))
        assert not os.path.exists(path) and not os.path.exists(path + ".part")
        return
    assert False, words


def test_refused():
    source, images = exported(ACTS[:4] + (nn.ReLU,), "relu")
    refused(source, images, "ReLU", "--squares-of", "volley blind")
    source, images = exported(ACTS, "twice")
    refused(made(source, images, "once.enc"), images, "for encryption already")
    volume = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "models", "hippocampus-squares.safetensors")
    refused(volume, images, "labels")


if __name__ == "__main__":
    tests = [f for name, f in sorted(globals().items()) if name.startswith("test_")]
    for test in tests:
        test()
        print("ok   " + re.sub("_", " ", test.__name__))
    print("%d passed, 0 failed" % len(tests))
