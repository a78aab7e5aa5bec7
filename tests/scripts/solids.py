#!/usr/bin/env python3
"""solids.py BUILD -- `volley clear --float` of networks for two parties on whole
volumes, against numpy and nibabel: what a voxel of the mask is, by the
definition of every layer, in any order of the axes, where sizes differ (--fit),
beside a drawn mask; and what is refused, by the other verbs too.  Ends with
"N passed, N failed"; without nibabel a line says that it was left out.
"""
import itertools
import json
import os
import struct
import subprocess
import sys
import tempfile

try:
    import nibabel
    import numpy as np
except ImportError:
    print("skip solids: no nibabel (make deps)")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)

VOLLEY = os.path.abspath(os.path.join(sys.argv[1] if len(sys.argv) > 1 else "build", "volley"))
SIZE = (4, 6, 8)                # depth, height, width
count = {"passed": 0, "failed": 0}
rng = np.random.default_rng(3)


def judge(name, good, text=""):
    count["passed" if good else "failed"] += 1
    print("%s %s" % ("ok  " if good else "FAIL", name) + ("" if good else ": %s" % (text,)))


def volley(*words):
    ran = subprocess.run([VOLLEY, *map(str, words)], capture_output=True, text=True, timeout=120)
    return ran.returncode, ran.stdout, ran.stderr


# ---- the network ---------------------------------------------------------------

def tensors():
    def of(*shape):
        return rng.normal(size=shape) / np.sqrt(max(1, np.prod(shape[1:])))
    return {"a.w": of(2, 1, 3, 3, 3), "a.b": of(2), "u.w": of(2, 2, 2, 2, 2), "u.b": of(2), "l.w": of(3, 4, 1, 1, 1),
            "l.b": of(3) / 4}


def save(path, weights, half, **changed):
    def layer(op, name, *into, **keys):
        return dict(op=op, name=name, **{"in": list(into)}, **keys)
    layers = [layer("conv", "a", "image", weight="a.w", bias="a.b", kernel=3), layer("relu", "r", "a"),
              layer("maxpool", "p", "r"), layer("tconv", "u", "p", weight="u.w", bias="u.b"),
              layer("concat", "c", "u", "r"), layer("conv", "l", "c", weight="l.w", bias="l.b", kernel=1)]
    ranges = {name: {"max": 4.0, "rms": 1.0} for name in ["image"] + [x["name"] for x in layers]}
    ranges["l"]["labels"] = [{"max": 4.0, "margin": 1.0}] * 3
    net = dict(name="solid", border="zero", protocol="blind", input=dict(zip(("depth", "height", "width"), SIZE)),
               images={"plane": "axial", "values": "window", "low": 0.0, "high": 255.0},
               output={"tensor": "l", "labels": ["none", "one", "two"]}, layers=layers, ranges=ranges)
    net["input"].update(channels=1, mul=1 / 64, add=-2.0)
    net.update(changed)
    head, body = {"__metadata__": {"format": "volley-1", "network": json.dumps(net), "origin": "a test"}}, b""
    for name, t in weights.items():
        raw = t.astype("<f2" if name in half else "<f4").tobytes()
        head[name] = {"dtype": "F16" if name in half else "F32", "shape": list(t.shape),
                      "data_offsets": [len(body), len(body) + len(raw)]}
        body += raw
    text = json.dumps(head).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + body)


def labels_of(w, pixels):
    """The network's labels of pixels (depth, height, width), by its layers' definitions."""
    x = np.pad(pixels / 64 - 2.0, 1)
    d, h, wide = pixels.shape
    a = np.zeros((2, d, h, wide))
    for o in range(2):
        for t, p, q in itertools.product(range(3), repeat=3):
            a[o] += w["a.w"][o, 0, t, p, q] * x[t:t + d, p:p + h, q:q + wide]
        a[o] += w["a.b"][o]
    r = np.maximum(a, 0)
    p = r.reshape(2, d // 2, 2, h // 2, 2, wide // 2, 2).max(axis=(2, 4, 6))
    u = np.zeros((2, d, h, wide))
    for o in range(2):
        for t, i, j in itertools.product(range(2), repeat=3):
            u[o, t::2, i::2, j::2] = sum(w["u.w"][c, o, t, i, j] * p[c] for c in range(2)) + w["u.b"][o]
    logits = np.einsum("oc,cdhw->odhw", w["l.w"][:, :, 0, 0, 0], np.concatenate([u, r])) + w["l.b"][:, None, None, None]
    return logits.argmax(0), logits


# ---- volumes -------------------------------------------------------------------

def centre(x, size):
    """x in zeros, or its middle: place p is place p + (n - m) / 2, towards 0, of x."""
    out = np.zeros(size)
    for at in np.ndindex(*size):
        from_ = [p + int((n - m) / 2) for p, n, m in zip(at, x.shape, size)]
        if all(0 <= f < n for f, n in zip(from_, x.shape)):
            out[at] = x[tuple(from_)]
    return out


def back(y, shape):
    out = np.zeros(shape, int)
    for at in np.ndindex(*shape):
        to = [f - int((n - m) / 2) for f, n, m in zip(at, shape, y.shape)]
        if all(0 <= p < m for p, m in zip(to, y.shape)):
            out[at] = y[tuple(to)]
    return out


def stored(folder, pixels, order, flips):
    """The pixels (S, back, right) as a file whose stored axes are an order of these, some turned."""
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    x = pixels.transpose(order)
    for axis in range(3):
        along = {0: 2, 1: 1, 2: 0}[order[axis]]             # S, A, R
        sign = -1 if (order[axis] == 1) != flips[axis] else 1
        affine[along, axis] = sign * (1 + axis / 4)
        affine[along, 3] = 3.5 * along
        if flips[axis]:
            x = np.flip(x, axis)
    path = os.path.join(folder, "v.nii.gz")
    nibabel.save(nibabel.Nifti1Image(np.ascontiguousarray(x).astype(np.uint8), affine), path)
    return path, affine


def fetched(path, order, flips):
    x = np.asarray(nibabel.load(path).dataobj)
    for axis in range(3):
        if flips[axis]:
            x = np.flip(x, axis)
    return x.transpose(np.argsort(order))


def masks(folder, model, w):
    """Every order of the axes; the mask lies on the volume."""
    for order in itertools.permutations(range(3)):
        flips = [bool(rng.integers(2)) for _ in range(3)]
        pixels = rng.integers(0, 256, SIZE)
        path, affine = stored(folder, pixels, order, flips)
        out = os.path.join(folder, "m.nii")
        code, _, said = volley("clear", "--float", model, path, "-o", out)
        want, logits = labels_of(w, pixels)
        good = code == 0 and (nibabel.load(out).affine == affine).all() and (fetched(out, order, flips) == want).all()
        judge("order %s, turned %s" % (order, flips), good and len(set(want.flat)) > 1, said)


def numbers(folder, model, w):
    """--logits and --pixels: slice after slice."""
    pixels = rng.integers(0, 256, SIZE)
    path, _ = stored(folder, pixels, (2, 1, 0), (False, False, False))
    at = [os.path.join(folder, n) for n in ("m.nii", "l.f32", "p.f32")]
    volley("clear", "--float", model, path, "-o", at[0], "--logits", at[1], "--pixels", at[2])
    got = np.fromfile(at[1], "<f4").reshape(SIZE[0], 3, *SIZE[1:]).transpose(1, 0, 2, 3)
    apart = abs(got - labels_of(w, pixels)[1]).max()
    judge("logits are apart %.1e" % apart, apart < 1e-5)
    judge("pixels", (np.fromfile(at[2], "<f4").reshape(SIZE) == pixels).all())


def sizes(folder, model, w):
    for size in ((5, 9, 8), (3, 2, 5), (4, 7, 3), (9, 6, 13)):
        pixels = rng.integers(0, 256, size)
        path, _ = stored(folder, pixels, (2, 1, 0), (True, False, True))
        out, truth = os.path.join(folder, "m.nii.gz"), os.path.join(folder, "t.nii.gz")
        code, _, said = volley("clear", "--float", model, path, "-o", out)
        judge("%s without --fit" % (size,), code == 1 and "%d slices of %dx%d pixels, the network takes 4 of 6x8"
              % size in said, said)
        volume = nibabel.load(path)
        nibabel.save(nibabel.Nifti1Image(np.full(volume.shape, 1, np.uint8), volume.affine), truth)
        code, told, said = volley("clear", "--float", model, path, "-o", out, "--fit", "--json", "--truth", truth)
        want = back(labels_of(w, centre(pixels, SIZE))[0], size)
        judge("%s with --fit" % (size,), code == 0
              and (fetched(out, (2, 1, 0), (True, False, True)) == want).all(), said)
        dice = json.loads(told)["truth"]["dice"][1]["dice"]
        judge("%s: Dice" % (size,), abs(dice - 2 * (want == 1).sum() / ((want == 1).sum() + want.size)) < 1e-12, dice)


def refusals(folder, model, w):
    path, _ = stored(folder, rng.integers(0, 256, SIZE), (2, 1, 0), (False,) * 3)
    out = os.path.join(folder, "m.nii")
    picture = os.path.join(folder, "x.pgm")
    with open(picture, "wb") as f:
        f.write(b"P5\n8 6\n255\n" + bytes(48))
    one = "layer r (number 2 of 6) is a relu, which no ciphertext passes: `volley blind`"
    twice = os.path.join(folder, "classes.safetensors")
    save(twice, w, set(), output={"tensor": "l", "classes": ["a", "b", "c"]})
    bad = os.path.join(folder, "bad.safetensors")
    save(bad, dict(w, **{"a.b": np.array([np.inf, 0])}), {"a.b"})
    for words, want in (
            (("clear", model, path, "-o", out), one),
            (("plan", model), one), (("plan", model, "--log-n", 13), one),
            (("keygen", model, "--out", os.path.join(folder, "k")), one),
            (("encrypt", model, "--key", os.path.join(folder, "k"), path, "-o", out), one),
            (("evaluate", model, "--keys", path, path, "-o", out), one),
            (("run", model, "--keys", os.path.join(folder, "k"), path, "-o", out), one),
            (("clear", "--float", model, path + ":slice=2", "-o", out), "1 of 4 slices: the network takes whole"),
            (("clear", "--float", model, path, "--count", 2, "-o", out), "2 of 4 slices"),
            (("clear", "--float", model, picture, "-o", os.path.join(folder, "m.pgm")), "are no slices of volumes"),
            (("clear", "--float", twice, path), "gives classes and has 4 x 6 x 8, want 1 x 1 x 1"),
            (("clear", "--float", bad, path, "-o", out), "entry 0 of tensor a.b is inf")):
        code, _, said = volley(*words)
        judge("%s: %s" % (" ".join(os.path.basename(str(x)) for x in words[:3]), want[:40]),
              code == 1 and said.count("volley: ") == 1 and want in said.splitlines()[-1], said)
    code, told, _ = volley("info", model, "--json")
    told = json.loads(told)
    judge("info", code == 0 and told["protocol"] == "blind" and told["depth"] == 4
          and [s["op"] for s in told["shapes"]] == ["image", "conv", "relu", "maxpool", "tconv", "concat", "conv"]
          and told["shapes"][3]["depth"] == 2, told)


def main():
    with tempfile.TemporaryDirectory() as folder:
        half = {"a.w", "u.b"}
        w = {k: t.astype("<f2" if k in half else "<f4").astype(float) for k, t in tensors().items()}
        model = os.path.join(folder, "solid.safetensors")
        save(model, w, half)
        for part in (masks, numbers, sizes, refusals):
            part(folder, model, w)
    print("%(passed)d passed, %(failed)d failed" % count)
    return 1 if count["failed"] else 0


sys.exit(main())
