"""Checks of the trainer's own rules, in seconds: test.py.  Needs no data."""
import contextlib
import io
import json
import os
import tempfile

import numpy as np
import torch
import torch.nn.functional as F

import border
import classify
import cnn
import data
import export
import labels
import module
import mosaic
import net
import own
import patterns
import pictures
import presets
import reference
import traced
import volley_train


def slots(gx):
    """The same border and any other garbage, computed slot by slot.

    x has shape [S, C, R, R]: the ciphertext of ring place (a, b) is
    x[:, c, a, b].  A place outside the ring is the ciphertext at the other
    side of it, rotated by a grid row (gx slots) or by one slot.
    """
    def pad(x, level, w=None):
        x = torch.cat([x[..., -1:].roll(1, 0), x, x[..., :1].roll(-1, 0)], 3)
        top, bottom = x[:, :, -1:].roll(gx, 0), x[:, :, :1].roll(-gx, 0)
        return torch.cat([top, x, bottom], 2)
    return pad


def pack(images, ring, count):
    """[B, C, H, W] -> [count, C, ring, ring], image after image.

    Places beyond the last image hold the images again from the first on.
    """
    b, c, h, w = images.shape
    x = images.reshape(b, c, h // ring, ring, w // ring, ring)
    x = x.permute(0, 2, 4, 1, 3, 5).reshape(-1, c, ring, ring)
    return torch.cat([x] * -(-count // len(x)))[:count]


def unpack(x, batch, height, width):
    """The inverse of pack: [S, C, R, R] -> [batch, C, height, width]."""
    c, ring = x.shape[1:3]
    gy, gx = height // ring, width // ring
    x = x[:batch * gy * gx].reshape(batch, gy, gx, c, ring, ring)
    return x.permute(0, 3, 1, 4, 2, 5).reshape(batch, c, height, width)


def same(a, b, eps=1e-4):
    assert a.shape == b.shape and float((a - b).abs().max()) < eps


def network(seed=0):
    """A small U-Net with statistics that fit its values."""
    torch.manual_seed(seed)
    unet = module.UNet(1, 1, 2)
    volley_train.square_recipe(unet, 1)         # slopes that keep values small
    with torch.no_grad():
        for _ in range(100):
            unet(torch.rand(1, 1, 64, 64))
    found, output, _ = traced.layers(unet.eval().double(), torch.zeros(1, 1, 64, 64).double(), "zero")
    return found.layers, {k: t.float() for k, t in found.tensors.items()}, output


def unet_logits(model, x, pad):
    layers, tensors, output = model
    return net.forward(layers, tensors, x, pad)[output]


def test_wrap_is_the_slots():
    """The padding form of wrap equals the slot by slot form, every pixel."""
    model = network()
    for height, width in ((32, 32), (48, 32), (16, 64)):
        x, gx = torch.rand(1, 1, height, width), width // 4
        a = unet_logits(model, x, border.wrap(4))
        packed = pack(x, 4, height // 4 * gx)
        b = unet_logits(model, packed, slots(gx))
        same(a, unpack(b, 1, height, width))


def test_wrap_of_all_ways_up():
    """The same where maps shrink by four and grow by two, in every way there is."""
    torch.manual_seed(1)
    w = net.Layers()
    x = w.conv("a", w.add("pool", "p", w.conv("first", "image", 1, 2, 3), size=4), 2, 2, 3)
    w.tensors["t.weight"], w.tensors["t.bias"] = torch.randn(2, 2, 4, 4), torch.randn(2)
    t = w.conv("b", w.add("tconv", "t", x, weight="t.weight", bias="t.bias", kernel=4), 2, 2, 3)
    u = w.add("upsample", "u", w.add("upsample", "n", x, mode="nearest"), mode="bilinear")
    v = w.add("upsample", "v", t, mode="bilinear")
    w.conv("logit", w.add("add", "sum", u, v, "first"), 2, 1, 3)
    x = torch.rand(1, 1, 32, 64)
    a = net.forward(w.layers, w.tensors, x, border.wrap(4))["logit"]
    b = net.forward(w.layers, w.tensors, pack(x, 4, 128), slots(16))["logit"]
    same(a, unpack(b, 1, 32, 64))


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
    a = unet_logits(model, x, border.zero)[kept]
    packed = pack(x, 4, 1700)
    b = unet_logits(model, packed, slots(width // 4))
    same(a, unpack(b, 3, height, width)[kept])


def test_file():
    """What is read is what was written; an altered header is refused."""
    layers, tensors, _ = network()
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


def classifier(plan=(("conv", 3, 5, 2), ("conv", 4, 3, 2), ("dense", 5), ("dense", 2)), channels=3, side=20):
    """A small classifier with statistics that fit its values."""
    torch.manual_seed(0)
    layers, tensors = cnn.cnn(plan, channels, side)
    with torch.no_grad():
        for _ in range(100):
            net.forward(layers, tensors, 2 * torch.rand(8, channels, side, side) - 1, border.valid, training=True)
    return layers, tensors


def test_valid_by_definition():
    """conv with a stride, one value at a time; dense takes channel, row, column."""
    layers, tensors = classifier()
    x = torch.rand(2, 3, 20, 20)
    values = net.forward(layers, tensors, x, border.valid)
    assert values["conv0"].shape == (2, 3, 8, 8) and values["conv1"].shape == (2, 4, 3, 3)
    w, b = tensors["conv0.weight"], tensors["conv0.bias"]
    for r, c in ((0, 0), (3, 7), (7, 2)):
        want = (w * x[1, :, 2 * r:2 * r + 5, 2 * c:2 * c + 5]).sum((1, 2, 3)) + b
        same(values["conv0"][1, :, r, c], want)
    v, w = values["conv1.sq"][0], tensors["dense2.weight"]
    want = tensors["dense2.bias"].clone()
    for c in range(4):
        for y in range(3):
            for z in range(3):
                want += w[:, c * 9 + y * 3 + z] * v[c, y, z]
    same(values["dense2"][0, :, 0, 0], want)


def test_cost():
    """Multiply-adds and squares, counted by hand."""
    assert cnn.cost(*classifier(), 20) == (64 * 3 * 75 + 9 * 4 * 27 + 36 * 5 + 5 * 2, 64 * 3 + 9 * 4 + 5)
    layers, tensors = patterns.network()
    c = 3 * patterns.BANDS
    assert cnn.cost(layers, tensors, 128) == (256 * c * 192 + 16 * c, 256 * c)


def test_mosaics_hold_the_outputs():
    """Around a mosaic the pictures' own outputs are found again, wherever it was moved to."""
    layers, tensors = classifier()
    before, step = mosaic.reach(layers)
    assert step == 4 and before[-1]["name"] == "conv1.sq"
    x = torch.rand(4, 3, 20, 20)
    own = net.forward(before, tensors, x, border.valid)["conv1.sq"]
    for gap in (0, 1):
        tile = (20 // step + gap) * step
        y = mosaic.mosaics(x, step, gap, np.random.default_rng(3))
        back = [y.roll((-dy, -dx), (2, 3)) for dy in range(step) for dx in range(step)]
        y, = [y for y in back if torch.equal(y[0, :, :20, :20], x[0])]
        y = net.forward(before, tensors, y, border.around)["conv1.sq"]
        for k, picture in enumerate(own):
            top, left = k // 2 * tile // step, k % 2 * tile // step
            same(y[0, :, top:top + 3, left:left + 3], picture)


def test_ranges_cover_neighbours():
    """max is not below what a kernel sees between two pictures, and off its stride."""
    model = classifier()
    images = torch.randint(0, 256, (16, 3, 20, 20), dtype=torch.uint8)
    with contextlib.redirect_stdout(io.StringIO()):
        found = mosaic.ranges(model, images, pictures.extremes(3, 20))
    x = pictures.to_input(images.numpy())
    beside = torch.cat([x[0], x[1]], 2)[None]
    for start in (0, 1):
        y = F.conv2d(beside[..., start:], model[1]["conv0.weight"], model[1]["conv0.bias"], 2)
        assert float(y[..., :8].abs().max()) <= found["conv0"]["max"]
    assert abs(found["logit"]["gain"] - 1) < 0.3 and list(found) == ["image"] + [v["name"] for v in model[0]]


def test_reference():
    """A colour picture through reference.py gives the logits of the network."""
    layers, tensors = classifier()
    folder = tempfile.mkdtemp()
    paths = [os.path.join(folder, name) for name in ("m.safetensors", "x.ppm", "y.f32")]
    network = {"border": "valid", "input": {"mul": data.MUL, "add": data.ADD}, "output": {"tensor": "logit"},
               "layers": layers}
    export.save(paths[0], network, "o", tensors)
    image = torch.randint(0, 256, (1, 3, 20, 20), dtype=torch.uint8)
    with open(paths[1], "wb") as f:
        f.write(b"P6\n20 20\n255\n" + image[0].permute(1, 2, 0).numpy().tobytes())
    reference.main(*paths)
    same(torch.from_numpy(np.fromfile(paths[2], "<f4"))[None], classify.logits((layers, tensors), image))


def test_images():
    """A model file says what its images are: set from the preset, everything else as it was."""
    layers, tensors = classifier()
    path = os.path.join(tempfile.mkdtemp(), "m.safetensors")
    network = {"name": "skin", "input": {"mul": 1.0}, "layers": layers}
    assert list(export.of_images(network)) == ["name", "input", "images", "layers"]
    assert export.of_images(dict(network, name="other")) == dict(network, name="other")
    export.save(path, export.of_images(export.of_images(network)), "o", tensors)
    found, origin, weights = export.load(path)
    assert found["images"]["values"] == "full" and origin == "o" and found["layers"] == layers
    assert all(torch.equal(weights[key], tensors[key]) for key in tensors)
    said = {name: own.expected(own.options(presets.argv(name, "") + ["--out", "x"])) for name in ("em", "gm")}
    for name, images in dict(said, **export.IMAGES).items():
        model = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "models", name + ".safetensors")
        assert export.load(model)[0]["images"] == images


def test_labels():
    """By hand: two labels and a third far below; what is common to all logits parts none."""
    logits = torch.tensor([[[[3.0, -1.0]], [[1.0, 2.0]], [[-9.0, -9.0]]]])
    assert labels.mask(logits).tolist() == [[[0, 1]]] and labels.mask(torch.zeros(1, 4, 1, 2)).tolist() == [[[0, 0]]]
    same(torch.tensor(labels.margins(logits)), torch.tensor([(13 / 2) ** 0.5, (13 / 2) ** 0.5, (265 / 2) ** 0.5]))
    assert labels.margins(logits + 100) == labels.margins(logits)
    change = torch.zeros(1, 3, 1, 2)
    change[0, 0], change[0, 2] = 2.0, -1.0
    assert labels.apart(change) == 3.0 and labels.apart(torch.ones(1, 3, 1, 2)) == 1.0
    found = labels.entries(logits, 18.0)
    assert [e["max"] for e in found] == [6.0, 4.0, 18.0] and abs(found[0]["margin"] - 2.549510) < 1e-6


def test_cosines():
    """Patterns of length 1, each at a right angle to the others."""
    basis = patterns.cosines().flatten(1)
    same(basis @ basis.t(), torch.eye(192))


def test_bands():
    """Every pattern in one band, and every band of one colour and one sign."""
    weight = np.random.default_rng(0).standard_normal(192)
    found = patterns.bands(weight)
    assert len(found) == 3 * patterns.BANDS and sorted(np.concatenate(found)) == list(range(192))
    assert all(len(set(b // 64)) == len(set(weight[b] > 0)) == 1 for b in found)


def test_kernels_stay_in_range():
    """No input brings a kernel's result beyond TOP, and one comes close."""
    torch.manual_seed(0)
    w = patterns.kernels(torch.randn(5, 192), patterns.cosines())
    same((w * w.sign()).sum((1, 2, 3)), torch.full((5,), patterns.TOP))


def test_folded():
    """The dense layer with the normalisation in it gives what both give apart."""
    layers, tensors = patterns.network()
    c, x = 3 * patterns.BANDS, torch.rand(2, 3, 128, 128)
    mean, var, weight, bias = torch.rand(c), 0.5 + torch.rand(c), torch.randn(1, 16 * c), torch.rand(1)
    pooled = net.forward(layers, tensors, x, border.valid)["pool2"]
    want = F.linear(F.batch_norm(pooled, mean, var, eps=patterns.EPS).flatten(1), weight, bias)
    layers, tensors = patterns.folded((layers, tensors), mean, var, weight, bias)
    same(net.forward(layers, tensors, x, border.valid)["logit"].flatten(1), want, 1e-2)


def test_views():
    """Copies hold the same pixels; the last are the pictures themselves."""
    images = torch.arange(2 * 3 * 16 * 16).reshape(2, 3, 16, 16).remainder(251).byte()
    seen = patterns.views(images, np.random.default_rng(0))
    assert seen.shape == (patterns.VIEWS + 1, 2, 3, 16, 16) and torch.equal(seen[-1], images)
    assert all(set(v[0, 0].unique().tolist()) <= set(images[0, 0].unique().tolist()) for v in seen)


def test_auc():
    labels = torch.tensor([1, 0, 1, 0])
    assert classify.auc(torch.tensor([3.0, 1, 2, 2]), labels) == 0.875
    assert classify.balanced(torch.tensor([True, False, False, False]), labels) == 0.75
    assert classify.best_threshold(torch.tensor([3.0, 1, 2, 0]), labels) == (1.0, 1.5)


def test_halved():
    """Means of 2x2, halves upwards."""
    x = np.array([[0, 1, 5, 5], [1, 0, 5, 5]], np.uint8)[:, :, None]
    assert pictures.halved(x)[..., 0].tolist() == [[1, 5]]


if __name__ == "__main__":
    for name, function in sorted(globals().items()):
        if name.startswith("test_"):
            function()
            print("ok", name)
