"""Checks of the trainer's own rules, in seconds: test.py.  Needs no data."""
import json
import os
import tempfile

import numpy as np
import torch

import border
import data
import export
import net
import segment
import unet


def same(a, b, eps=1e-4):
    assert a.shape == b.shape and float((a - b).abs().max()) < eps


def network(seed=0):
    """A small network with statistics that fit its values."""
    torch.manual_seed(seed)
    layers, tensors = unet.unet(base=2)
    with torch.no_grad():
        for _ in range(100):
            net.forward(layers, tensors, torch.rand(1, 1, 64, 64), border.zero, training=True)
    return layers, tensors


def test_wrap_is_the_slots():
    """The padding form of wrap equals the slot by slot form, every pixel."""
    model = network()
    for height, width in ((32, 32), (48, 32), (16, 64)):
        x, gx = torch.rand(1, 1, height, width), width // 4
        a = net.forward(*model, x, border.wrap(4))["logit"]
        packed = border.pack(x, 4, height // 4 * gx)
        b = net.forward(*model, packed, border.slots(gx))["logit"]
        same(a, border.unpack(b, 1, height, width))


def test_wrap_by_definition():
    """One neighbour at a time, from the slot index."""
    x, ring, gx, n = torch.rand(1, 1, 24, 16), 4, 4, 24
    y = border.wrap(ring)(x, 0)
    for r in range(24):
        for c in range(16):
            for dr in (-1, 0, 1):
                for dc in (-1, 0, 1):
                    slot = ((r + dr) // ring * gx + (c + dc) // ring) % n
                    want = x[0, 0, slot // gx * ring + (r + dr) % ring,
                             slot % gx * ring + (c + dc) % ring]
                    assert want == y[0, 0, r + dr + 1, c + dc + 1]


def test_halo_is_exact():
    """What is kept is the same under any border, and next to any neighbour."""
    model, h = network(), 24
    x = data.reflect(torch.rand(3, 1, 40, 48), h)
    height, width = x.shape[2:]
    kept = np.s_[..., h:-h, h:-h]
    a = net.forward(*model, x, border.zero)["logit"][kept]
    packed = border.pack(x, 4, 1700)
    b = net.forward(*model, packed, border.slots(width // 4))["logit"]
    same(a, border.unpack(b, 3, height, width)[kept])


def test_file():
    """What is read is what was written; an altered header is refused."""
    layers, tensors = network()
    path = os.path.join(tempfile.mkdtemp(), "m.safetensors")
    export.save(path, {"layers": layers}, "o", tensors)
    described, origin, back = export.load(path)
    assert described == json.loads(json.dumps({"layers": layers})) and origin == "o"
    assert all(torch.equal(back[k], t) for k, t in tensors.items()) and len(back) == len(tensors)
    with open(path, "ab") as f:
        f.write(b"\0")
    try:
        export.load(path)
        assert False
    except ValueError:
        pass


def test_crops():
    """Quarter turns move pixels and change none; labels go with the image."""
    rng, size = np.random.default_rng(0), 32
    label = (torch.rand(1, 1, 64, 64) > 0.5).float()
    for _ in range(20):
        x, y = data.crops(label, label, size, 1, False, rng)
        assert float(x[y == 1].std()) < 1e-3 and float(x[y == 0].std()) < 1e-3
        assert float(x[y == 1][0]) > float(x[y == 0][0])


def test_steeper():
    """No change at share 0; never outside -1..1; the mean stays where nothing is cut."""
    rng, x = np.random.default_rng(0), 0.2 * torch.rand(4, 1, 16, 16)
    same(data.steeper(x, 0.0, rng), x)
    y = data.steeper(x, 1.0, rng)
    same(y.mean((1, 2, 3)), x.mean((1, 2, 3)))
    assert bool((y.std((1, 2, 3)) > x.std((1, 2, 3))).all())
    assert float(data.steeper(9 * x - 1, 1.0, rng).abs().max()) <= 1


def test_pushed():
    """Peaks grow, and no pixel moves farther than asked."""
    model, x = network(), 0.5 * torch.rand(2, 1, 32, 32)
    y = segment.pushed(model, x, 0.01)

    def peaks(v):
        return float(segment.excess(net.forward(*model, v, border.wrap(4), clip=segment.CLIP), 0.0))
    assert peaks(y) > peaks(x) and float((y - x).abs().max()) < 0.01001


def test_excess():
    """What is above the limit in a channel counts, in every layer before a square."""
    v = torch.zeros(2, 3, 4, 4)
    v[1, 0, 2, 2], v[0, 2, 0, 0] = -7, 5.5
    assert float(segment.excess({"bn_a": v, "bn_b": 2 * v, "other": 9 * v}, 5.0)) == 2.5 + 9 + 6


def test_scores():
    a = torch.tensor([[1, 1], [0, 0]]).bool()
    b = torch.tensor([[1, 0], [0, 0]]).float()
    assert segment.scores("gm", a, b) == [2 / 3]
    assert segment.scores("em", a, b) == [2 / 3, 0.8]


if __name__ == "__main__":
    for name, function in sorted(globals().items()):
        if name.startswith("test_"):
            function()
            print("ok", name)
