"""The ranges and the model file of a classifier.

Pictures share ciphertexts: kernels run over a picture's edge into the next
one, and with a stride they are also computed where no output lies.  Both is
seen by running the network around mosaics of pictures, moved by any offset.
Needed before: border.py, export.py, pictures.py.
"""
import math

import numpy as np
import torch

import border
import data
import export
import net
import pictures

ROUNDS = 8              # mosaics that every training picture lies in
CHUNK = 64              # mosaics at a time


def reach(layers):
    """(layers before the first dense, pixels that one step of their last output spans)."""
    kinds = [layer["op"] for layer in layers]
    before = layers[:kinds.index("dense")] if "dense" in kinds else layers
    return before, math.prod(2 if v["op"] == "pool" else v.get("stride", 1) for v in before)


def mosaics(x, step, gap, rng):
    """Inputs [4 K, C, S, S] as K mosaics of 2x2, moved around by up to step.

    Sides are rounded up to a multiple of step, and gap more steps; what lies
    between the pictures is 0, as in unused slots.
    """
    k, (c, side) = len(x) // 4, x.shape[1:3]
    tile = (-(-side // step) + gap) * step
    y = torch.zeros(k, c, 2, tile, 2, tile)
    y[:, :, :, :side, :, :side] = x[:4 * k].reshape(k, 2, 2, c, side, side).permute(0, 3, 1, 4, 2, 5)
    y = y.reshape(k, c, 2 * tile, 2 * tile)
    return y.roll(tuple(rng.integers(0, step, 2)), (2, 3))


def batches(images, odd, step):
    """Mosaics of all pictures, alone and with extreme ones among them."""
    rng = np.random.default_rng(0)
    for turn in range(ROUNDS):
        order = rng.permutation(len(images) // 4 * 4)
        for at in range(0, len(order), 4 * CHUNK):
            x = pictures.to_input(images[order[at:at + 4 * CHUNK]].numpy())
            if turn % 2:
                mixed = torch.from_numpy(rng.random(len(x)) < 0.5)
                x[mixed] = odd[rng.integers(0, len(odd), int(mixed.sum()))]
            yield mosaics(x, step, turn // 2 % 2, rng)
    for gap in (0, 1):
        for _ in range(step):
            yield mosaics(odd.repeat_interleave(4, 0), step, gap, rng)
            yield mosaics(odd[rng.permutation(len(odd) // 4 * 4)], step, gap, rng)


def largest(layers, tensors, parts, pad):
    """The largest |value| of each tensor."""
    top = {}
    for x in parts:
        for key, v in net.forward(layers, tensors, x, pad).items():
            top[key] = max(top.get(key, 0.0), float(v.abs().max()))
    return top


def measured(model, x, pad, real, top):
    """max, rms and gain of every tensor for the input x, and a line printed for each.

    real, top: the largest |value| of images and of extreme ones.  The gain is
    measured with a small noise.
    """
    result = {}
    torch.manual_seed(0)
    with torch.no_grad():
        values = net.forward(*model, x, pad)
        for key, v in values.items():
            rms = float(v.square().mean().sqrt())
            noise = 1e-3 * rms * torch.randn(v.shape)
            moved = net.forward(*model, x, pad, change=(key, noise))["logit"]
            gain = float((moved - values["logit"]).square().mean().sqrt()) / (1e-3 * rms)
            result[key] = {"max": round(max(real[key], top[key]), 6),
                           "rms": round(rms, 6), "gain": round(gain, 6)}
            print("%-12s max %8.3f  extreme images %8.3f  rms %7.3f  gain %7.4f"
                  % (key, real[key], top[key], rms, gain))
    return result


def ranges(model, images, odd):
    """max, rms and gain of every tensor; max covers the mosaics, too."""
    layers, tensors = model
    before, step = reach(layers)
    with torch.no_grad():
        parts = [pictures.to_input(x.numpy()) for x in images.split(500)]
        real = largest(layers, tensors, parts, border.valid)
        top = largest(layers, tensors, [odd], border.valid)
        for key, v in largest(before, tensors, batches(images, odd, step), border.around).items():
            top[key] = max(top[key], v)
    return measured(model, parts[0], border.valid, real, top)


def save(path, name, task, model, images, origin):
    """Calibrates a trained classifier on pictures and writes its file."""
    output = {"tensor": "logit", "classes": task["classes"]}
    if len(task["classes"]) == 2:
        output["threshold"] = 0.0
    network = {"name": name, "border": "valid",
               "input": {"channels": images.shape[1], "height": images.shape[2], "width": images.shape[3],
                         "mul": data.MUL, "add": data.ADD},
               "output": output, "layers": model[0],
               "ranges": ranges(model, images, pictures.extremes(*images.shape[1:3]))}
    export.save(path, export.of_images(network), origin, model[1])
