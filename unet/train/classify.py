"""Trains a classifier whose only non-linearity is the square: mnist, skin.

Needed before: cnn.py, pictures.py, mosaic.py, volley_train.py.
"""
import time

import numpy as np
import torch
import torch.nn.functional as F

import border
import cnn
import data
import export
import mosaic
import net
import patterns
import pictures
import volley_train

# freeze, norm, limit: as in volley_train.py.  hard: pictures with extreme patterns
# in a batch.  turn, scale, move: how training pictures vary.  settle: part of
# the steps after which weights are averaged.  quiet: what large weights
# in the dense layer cost, since they amplify the noise of ciphertexts.
TASKS = {
    "mnist": {"scores": ["accuracy"], "classes": [str(k) for k in range(10)],
              "channels": 1, "side": 28, "batch": 100, "steps": 10000, "rate": 0.01, "decay": 1e-4,
              "norm": 0.1, "freeze": 0.9, "limit": 6.0, "hard": 16,
              "turn": 0.12, "scale": 0.08, "move": 0.04},
    "skin": {"scores": ["AUC", "balanced accuracy"], "classes": ["benign", "melanoma"],
             "batch": 64, "steps": 3000, "rate": 0.003, "norm": 0.1, "settle": 0.8,
             "quiet": 1e-11},
}


def logits(model, images, chunk=500):
    """The logits of pictures, [K, outputs]."""
    with torch.no_grad():
        return torch.cat([net.forward(*model, pictures.to_input(x.numpy()), border.valid)["logit"].flatten(1)
                          for x in images.split(chunk)])


def auc(out, labels):
    """How often a positive lies above a negative, a tie counting half."""
    a, b = out[labels == 1, None], out[None, labels == 0]
    return float((a > b).double().mean() + 0.5 * (a == b).double().mean())


def balanced(found, labels):
    """The mean of the two classes' shares that are found right."""
    return float((found[labels == 1].double().mean() + (~found[labels == 0]).double().mean()) / 2)


def scores(out, labels):
    """Ten outputs: accuracy; one: area under the curve and balanced accuracy at 0."""
    if out.shape[1] > 1:
        return [float((out.argmax(1) == labels).double().mean())]
    return [auc(out[:, 0], labels), balanced(out[:, 0] > 0, labels)]


def best_threshold(out, labels):
    steps = out.sort()[0]
    return max((balanced(out > t, labels), float(t)) for t in (steps[1:] + steps[:-1]) / 2)


def excess(values, limit):
    """How far the peaks before the squares lie above limit, summed over channels."""
    return sum((v.abs().amax((0, 2, 3)) - limit).clamp(min=0).sum()
               for key, v in values.items() if key.startswith("bn_"))


def train_plan(task, plan, images, labels, seed, act, steps, log, check):
    """A trained (layers, tensors); check(model) -> text for the log."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    layers, tensors = cnn.cnn(plan, task["channels"], task["side"], act)
    weights = [t.requires_grad_() for k, t in tensors.items() if not k.endswith((".mean", ".var"))]
    adam = torch.optim.AdamW(weights, lr=task["rate"], weight_decay=task["decay"])
    rate = torch.optim.lr_scheduler.OneCycleLR(adam, task["rate"], total_steps=steps, pct_start=0.1)
    freeze, start, mean, order = int(task["freeze"] * steps), time.time(), None, []
    for step in range(1, steps + 1):
        if len(order) < task["batch"]:
            order = rng.permutation(len(images))
        pick, order = order[:task["batch"]], order[task["batch"]:]
        x = pictures.varied(pictures.to_input(images[pick].numpy()), task["turn"], task["scale"], task["move"], rng)
        values = net.forward(layers, tensors, x, border.valid, training=step <= freeze, clip=volley_train.CLIP)
        loss, high = F.cross_entropy(values["logit"].flatten(1), labels[pick]), 0.0
        if act == "square":
            hard = data.spoiled(x[:task["hard"]], min(1.0, 2 * step / steps), rng)
            high = excess(net.forward(layers, tensors, hard, border.valid, clip=volley_train.CLIP), task["limit"])
            loss = loss + volley_train.PULL * excess(values, task["limit"]) + volley_train.PULL * high
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, task["norm"])
        adam.step()
        mean = float(loss) if mean is None else 0.98 * mean + 0.02 * float(loss)
        rate.step()
        if step % (steps // 20) == 0:
            log("step %d  loss %.4f  validation %s  excess %.1f  %.0f s"
                % (step, mean, check((layers, tensors)), high, time.time() - start))
    return layers, {k: t.detach() for k, t in tensors.items()}


def train(name, root, seed=0, act="square", steps=None, log=print):
    """A trained (layers, tensors); with one output its threshold moved into the last bias."""
    task = TASKS[name]
    images, labels = pictures.load(root, name, "train")
    val_images, val_labels = pictures.load(root, name, "val")

    def check(model):
        return " ".join("%.4f" % s for s in scores(logits(model, val_images), val_labels))

    rest = images, labels, seed, act, steps or task["steps"], log, check
    if name in cnn.PLANS:
        return train_plan(task, cnn.PLANS[name], *rest)
    layers, tensors = patterns.train(task, *rest)
    tensors["logit.bias"] -= best_threshold(logits((layers, tensors), val_images)[:, 0], val_labels)[1]
    return layers, tensors


def test(name, root, model):
    images, labels = pictures.load(root, name, "test")
    return scores(logits(model, images), labels)


def write(path, name, model, root, result):
    images = torch.cat([pictures.load(root, name, part)[0] for part in ("train", "val")])
    print("%d multiply-adds and %d squared values a picture" % cnn.cost(*model, images.shape[2]))
    mosaic.save(path, name, TASKS[name], model, images, export.ORIGIN[name] % tuple(result))
