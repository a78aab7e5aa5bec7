"""Trains the skin classifier: which patterns a picture has how much of, and where.

The network is one convolution 8x8 with stride 8, a square, two poolings and
one dense layer: a quadratic form of the picture.  583 pictures are too few to
find good kernels from noise.  So a teacher weighs the energy of every single
cosine pattern, a convex problem; kernels start as sums of patterns to which it
gives weights of one sign; and they learn its opinion of turned and moved
pictures.
Needed before: net.py, pictures.py.
"""
import math
import time

import numpy as np
import torch
import torch.nn.functional as F

import border
import net
import pictures

SIDE = 8                # of a kernel, and its stride
BANDS = 10              # kernels for each of brightness and two colours, even
TOP = 8.0               # no input can bring a convolution farther from its bias
VIEWS = 8               # turned and moved copies of every training picture
MOVE = 6                # pixels, at most
RINGS = (3, 5.5, 8)     # radii in blocks: the teacher sees four rings
EPS = 1e-12             # under a root
RIDGE = 0.1             # what the teacher's squared weights cost


def cosines():
    """The 192 patterns [192, 3, 8, 8] of an 8x8 block, each of length 1."""
    k = np.arange(SIDE)
    wave = np.cos(math.pi * np.outer(k, 2 * k + 1) / (2 * SIDE)) * math.sqrt(2 / SIDE)
    wave[0] *= math.sqrt(0.5)
    colour = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
    all3 = np.einsum("dc,ki,lj->dklcij", colour, wave, wave)
    return torch.from_numpy(all3.reshape(-1, 3, SIDE, SIDE).astype(np.float32))


def bands(weight):
    """The patterns of each kernel: of one colour, one sign of weight and like frequency."""
    order = np.argsort([k ** 2 + j ** 2 for k in range(SIDE) for j in range(SIDE)], kind="stable")
    out = []
    for colour in range(3):
        at = colour * SIDE ** 2 + order
        for side in (at[weight[at] > 0], at[weight[at] <= 0]):
            out += np.array_split(side, BANDS // 2)
    return out


def views(images, rng):
    """VIEWS copies of pictures, turned by quarters, flipped, moved; and themselves."""
    wide = F.pad(images.float(), [MOVE] * 4, mode="reflect").byte()
    side, out = images.shape[2], []
    for _ in range(VIEWS):
        for picture in wide:
            top, left = rng.integers(0, 2 * MOVE + 1, 2)
            x = picture[:, top:top + side, left:left + side].rot90(int(rng.integers(4)), (1, 2))
            out.append(x.flip(2) if rng.random() < 0.5 else x)
    return torch.cat([torch.stack(out).reshape(VIEWS, *images.shape), images[None]])


def energies(images, basis):
    """Of each pattern the mean square in four rings, of three the mean: [K, 780]."""
    blocks = images.shape[2] // SIDE
    at = np.hypot(*(np.mgrid[0:blocks, 0:blocks] - (blocks - 1) / 2))
    ring = F.one_hot(torch.from_numpy(np.digitize(at, RINGS).ravel())).float()
    ring, plain, out = ring / ring.sum(0), [0, SIDE ** 2, 2 * SIDE ** 2], []
    for x in images.split(100):
        z = F.conv2d(pictures.to_input(x.numpy()), basis, stride=SIDE).flatten(2)
        out.append(torch.cat([(z.square() @ ring).flatten(1), (z[:, plain] @ ring).flatten(1)], 1))
    return torch.cat(out)


def teacher(features, labels):
    """A logistic regression: its logits on the features it is fitted to, its weights."""
    x = (features - features.mean(0)) / (features.std(0) + 1e-6)
    w = torch.zeros(x.shape[1] + 1, requires_grad=True)
    fit = torch.optim.LBFGS([w], max_iter=200, history_size=20, line_search_fn="strong_wolfe")

    def loss():
        fit.zero_grad()
        value = F.binary_cross_entropy_with_logits(x @ w[1:] + w[0], labels) + RIDGE * w[1:].square().sum()
        value.backward()
        return value
    fit.step(loss)
    return (x @ w[1:] + w[0]).detach(), w[1:].detach()


def kernels(mix, basis):
    """Kernels [C, 3, 8, 8] from shares of patterns, with sum of |weights| TOP."""
    w = torch.einsum("gc,cdij->gdij", mix, basis)
    return w * (TOP / w.abs().sum((1, 2, 3), keepdim=True))


def network(act="square"):
    """Layers and tensors; the dense layer sees a 4x4 grid."""
    n, c = net.Layers(act), 3 * BANDS
    x = n.conv("conv", "image", 3, c, SIDE, stride=SIDE)
    x = n.add(act, "conv.sq" if act == "square" else "conv.relu", x)
    x = n.add("pool", "pool2", n.add("pool", "pool1", x))
    n.dense("logit", x, 16 * c, 1)
    return n.layers, n.tensors


def folded(model, mean, var, weight, bias):
    """The model with a normalisation of each channel before its dense layer, weight [1, 16 C]."""
    layers, tensors = model
    scale = (1 / (var + EPS).sqrt()).repeat_interleave(weight.shape[1] // len(var))
    shift = mean.repeat_interleave(weight.shape[1] // len(var))
    tensors["logit.weight"] = weight * scale
    tensors["logit.bias"] = bias - (weight * scale * shift).sum(1)
    return layers, tensors


def train(task, images, labels, seed, act, steps, log, check):
    """A trained (layers, tensors); check(model) -> text for the log.

    Learnt are the shares of patterns in each kernel, the biases, and the dense
    layer behind a normalisation that stands still from the start.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    seen = views(images, rng)
    basis = cosines()
    known = torch.cat([energies(x, basis) for x in seen])
    opinion, weight = teacher(known, labels.float().repeat(len(seen)))
    opinion = opinion.sigmoid().reshape(len(seen), -1)
    weight = weight[:len(basis) * (len(RINGS) + 1)].reshape(len(basis), -1).mean(1).numpy()
    # from here on every pattern is as strong as any other in training pictures
    with torch.no_grad():
        x = pictures.to_input(images[::4].numpy())
        basis /= F.conv2d(x, basis, stride=SIDE).std((0, 2, 3))[:, None, None, None]
    layers, tensors = network(act)
    c = 3 * BANDS
    mix = torch.zeros(c, len(basis))
    for share, band in zip(mix, bands(weight)):
        share[band] = torch.from_numpy(rng.choice([-1, 1], len(band)) * np.abs(weight[band]) ** 0.5).float()
    dense = 0.01 * torch.randn(1, 16 * c)
    free = [t.requires_grad_() for t in (mix, torch.zeros(c), dense, torch.zeros(1))]
    average = [t.detach().clone() for t in free]
    adam = torch.optim.Adam(free, lr=task["rate"])
    rate = torch.optim.lr_scheduler.OneCycleLR(adam, task["rate"], total_steps=steps, pct_start=0.1)
    settle, start, loss_mean = int(task["settle"] * steps), time.time(), None

    def pooled(x, mix, bias):
        """What the dense layer sees, not yet normalised."""
        t = {"conv.weight": kernels(mix, basis), "conv.bias": bias}
        return net.forward(layers[:-1], t, x, border.valid)["pool2"]

    with torch.no_grad():
        x = torch.cat([pooled(pictures.to_input(x.numpy()), *free[:2]) for x in seen.flatten(0, 1)[::8].split(100)])
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3))

    def model(mix, bias, weight, last):
        t = {"conv.weight": kernels(mix, basis), "conv.bias": bias}
        return folded((layers, t), mean, var, weight, last)

    for step in range(1, steps + 1):
        pick, view = rng.integers(0, len(images), task["batch"]), rng.integers(0, len(seen), task["batch"])
        x = pictures.to_input(seen[view, pick].numpy()).rot90(int(rng.integers(4)), (2, 3))
        x = F.batch_norm(pooled(x, *free[:2]), mean, var, None, None, False, 0, EPS)
        z = F.linear(x.flatten(1), free[2], free[3])[:, 0]
        loss = F.binary_cross_entropy_with_logits(z, opinion[view, pick])
        if act == "square":         # sum of squares of the dense layer's weights, once folded
            loss = loss + task["quiet"] * (free[2].reshape(c, -1).square().sum(1) / (var + EPS)).sum()
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(free, task["norm"])
        adam.step()
        rate.step()
        if step > settle:
            for a, t in zip(average, free):
                a.lerp_(t.detach(), 1 / (step - settle))
        loss_mean = float(loss) if loss_mean is None else 0.98 * loss_mean + 0.02 * float(loss)
        if step % (steps // 20) == 0:
            with torch.no_grad():
                now = model(*(average if step > settle else free))
                log("step %d  loss %.4f  validation %s  %.0f s" % (step, loss_mean, check(now), time.time() - start))
    with torch.no_grad():
        return model(*average)
