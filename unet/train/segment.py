"""Trains a U-Net whose only non-linearity is the square: em, gm.

Needed before: unet.py, data.py, export.py.
"""
import math
import time

import numpy as np
import torch
import torch.nn.functional as F

import border
import data
import export
import net
import unet

# halo: pixels of reflected image around what is kept; margin: pixels at a
# training crop's edge that are not scored, since the true border is not there.
# rate: top of the learning rate; freeze: part of the steps after which the
# statistics stand; norm: longest gradient.  All three hold for ReLU as well.
# limit: peaks above it before a square cost PULL each; push: how far the pixels
# of the extreme crops move towards higher peaks (0: not at all).  settle: part
# of the steps after which the checkpoint is taken.
TASKS = {
    "em": {"scores": ["Dice of cells", "of membranes"],
           "border": "wrap", "ring": 4, "halo": 0, "foreground": "cell",
           "crop": 256, "margin": 0, "batch": 2, "steps": 1800, "bend": False,
           "rate": 0.01, "freeze": 0.6, "norm": 1.0, "limit": 6.0, "push": 0.0,
           "settle": 0.6},
    "gm": {"scores": ["Dice"],
           "border": "halo", "ring": None, "halo": 24, "foreground": "grey matter",
           "crop": 96, "margin": 8, "batch": 8, "steps": 2000, "bend": True,
           "rate": 0.006, "freeze": 0.9, "norm": 0.1, "limit": 6.0, "push": 0.05,
           "settle": 0.95},
}
PULL = 0.005            # what a peak costs, times its height above the limit
CLIP = 10.0             # no value before a square counts as larger, in training
HARD = 64               # side of the crops with extreme patterns
CHECKS = 10             # validations between settle and the end


def border_of(task):
    return border.wrap(task["ring"]) if task["border"] == "wrap" else border.zero


def logits(model, task, images):
    """The kept logits of whole images, [K, 1, H, W]."""
    layers, tensors = model
    h, (height, width), out = task["halo"], images.shape[2:], []
    with torch.no_grad():
        for image in images:
            x = data.reflect(image[None], h)
            y = net.forward(layers, tensors, x, border_of(task))["logit"]
            out.append(y[..., h:h + height, h:h + width])
    return torch.cat(out)


def dice(mask, label):
    mask, label = mask.bool(), label.bool()
    return 2 * float((mask & label).sum()) / max(1, float(mask.sum() + label.sum()))


def scores(name, mask, label):
    """em: Dice of cells and of membranes; gm: Dice of grey matter."""
    if name == "gm":
        return [dice(mask, label)]
    return [dice(mask, label), dice(~mask, 1 - label)]


def best_threshold(name, out, labels):
    found = [(np.mean(scores(name, out > t, labels)), t) for t in np.arange(-4, 4.01, 0.1)]
    return max(found)


def loss_of(name, task, values, label):
    inner = slice(task["margin"], label.shape[-1] - task["margin"])
    z, y = values["logit"][..., inner, inner], label[..., inner, inner]
    if name == "em":
        z, y = -z, 1 - y            # the rare class, membranes, for the overlap
    p = torch.sigmoid(z)
    overlap = 1 - (2 * (p * y).sum() + 1) / (p.sum() + y.sum() + 1)
    return F.binary_cross_entropy_with_logits(z, y) + 0.5 * overlap


def excess(values, limit):
    """How far the peaks before the squares lie above limit, summed over channels."""
    return sum((v.abs().amax((0, 2, 3)) - limit).clamp(min=0).sum()
               for key, v in values.items() if key.startswith("bn_"))


def pushed(model, x, far):
    """Images x with every pixel moved by far, to where all peaks together grow."""
    x = x.clone().requires_grad_()
    peaks = excess(net.forward(*model, x, border.wrap(4), clip=CLIP), 0.0)
    slope, = torch.autograd.grad(peaks, x)
    return (x.detach() + far * slope.sign()).clamp(-1, 1)


def excess_packed(model, task, images):
    """The excess of whole images side by side, slot by slot as in ciphertexts."""
    gx = (images.shape[3] + 2 * task["halo"]) // export.RING
    with torch.no_grad():
        return max(float(excess(net.forward(*model, x, border.slots(gx)), task["limit"]))
                   for x in export.ciphertexts(images, task["halo"]))


def train(name, root, seed=0, act="square", steps=None, log=print):
    """A trained (layers, tensors), its threshold moved into the last bias."""
    task = TASKS[name]
    steps = steps or task["steps"]
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    images, labels = data.load(root, name, "train")
    val_images, val_labels = data.load(root, name, "val")
    layers, tensors = unet.unet(act=act)
    weights = [t.requires_grad_() for k, t in tensors.items()
               if not k.endswith((".mean", ".var"))]
    adam = torch.optim.Adam(weights, lr=task["rate"])
    rate = torch.optim.lr_scheduler.OneCycleLR(adam, task["rate"], total_steps=steps, pct_start=0.1)
    freeze, start, mean, best = int(task["freeze"] * steps), time.time(), None, (-math.inf,)
    settle = int(task["settle"] * steps)
    checks = {settle + (steps - settle) * k // CHECKS for k in range(1, CHECKS + 1)}
    for step in range(1, steps + 1):
        x, y = data.crops(images, labels, task["crop"], task["batch"], task["bend"], rng)
        values = net.forward(layers, tensors, x, border_of(task),
                             training=step <= freeze, clip=CLIP)
        loss, high = loss_of(name, task, values, y), 0.0
        if act == "square":
            hard, _ = data.crops(images, labels, HARD, 4, task["bend"], rng)
            share = min(1.0, 2 * step / steps)
            hard = data.spoiled(hard, share, rng)
            if task["push"] > 0:
                hard = data.steeper(hard, share, rng)
                hard = pushed((layers, tensors), hard, share * task["push"] * rng.random())
            # wrap: with seams such as those between neighbours in a ciphertext
            high = excess(net.forward(layers, tensors, hard, border.wrap(4), clip=CLIP),
                          task["limit"])
            loss = loss + PULL * excess(values, task["limit"]) + PULL * high
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, task["norm"])
        adam.step()
        mean = float(loss) if mean is None else 0.98 * mean + 0.02 * float(loss)
        rate.step()
        if step in checks:
            out = logits((layers, tensors), task, val_images)
            value, at = best_threshold(name, out, val_labels)
            peaks = 0.0
            if act == "square" and task["push"] > 0:
                peaks = excess_packed((layers, tensors), task, val_images)
            if value - PULL * peaks > best[0]:
                best = value - PULL * peaks, at, {k: t.detach().clone() for k, t in tensors.items()}
            log("step %d  loss %.4f  validation %.4f  its excess %.1f  threshold %+.1f  "
                "excess %.1f  %.0f s" % (step, mean, value, peaks, at, high, time.time() - start))
        elif step % (steps // 20) == 0:
            log("step %d  loss %.4f  excess %.1f  %.0f s" % (step, mean, high, time.time() - start))
    best[2]["logit.bias"] -= best[1]
    return layers, best[2]


def test(name, root, model):
    images, labels = data.load(root, name, "test")
    return scores(name, logits(model, TASKS[name], images) > 0, labels)


def write(path, name, model, root, result):
    export.export(path, name, TASKS[name], model, root, result)
