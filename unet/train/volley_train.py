"""Training a network of squares, any torch.nn.Module: docs/own.md.

    from volley_train import square_recipe
    recipe = square_recipe(net, steps)
    for step in range(steps):
        x, y = next batch
        recipe.step(criterion(recipe(x), y), optimiser)

square_recipe gives each square its slope, cuts what is squared, lets peaks cost
something, shortens gradients and stops the statistics; unet/train/README.md says
why.  square(), of a trained network of ReLU, is in squared.py and found here too.
Needed before: nothing.
"""
import operator

try:
    import numpy as np
    import torch
    import torch.fx
except ImportError:
    raise SystemExit("volley_train.py needs PyTorch and numpy: make deps-train (Debian)")

from torch import nn

PRODUCTS = {operator.mul, operator.imul, torch.mul, torch.square, torch.pow, operator.pow, "mul", "mul_", "square",
            "pow"}
SIZES = {"shape", "size", "dim", "ndim", "numel", "dtype", "device", len}
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
CLIP = 10.0             # no factor counts as larger while training
LIMIT = 6.0             # a peak above this costs something
PULL = 0.005            # as much, times its height above the limit
NORM = 0.1              # longest gradient
FREEZE = 0.8            # part of the steps after which statistics stand
MOMENTUM = 0.05         # of the statistics, until then
HARD = 4                # images with extreme patterns a step
PUSH = 0.05             # their pixels move by up to this part of black to white, to higher peaks


def traced(module):
    """The graph of a module, on the module's own parameters."""
    try:
        return torch.fx.symbolic_trace(module)
    except Exception as e:
        raise ValueError("%s: torch.fx cannot trace it: %s" % (type(module).__name__, " ".join(str(e).split())[:200]))


def depends(graph):
    """The nodes whose value depends on that of the input, not on its size alone."""
    found = set()
    for node in graph.nodes:
        if node.target in SIZES or node.target is getattr and node.args[1] in SIZES:
            continue
        if node.op == "placeholder" or any(n in found for n in node.all_input_nodes):
            found.add(node)
    return found


def products(graph):
    """{node: the nodes that are its factors}: squares, and products of values of the image."""
    live, found = depends(graph), {}
    for node in graph.nodes:
        if node.op not in ("call_function", "call_method") or node.target not in PRODUCTS or node not in live:
            continue
        factors = [a for a in node.args if isinstance(a, torch.fx.Node) and a in live]
        power = node.target in (torch.square, "square", torch.pow, "pow", operator.pow)
        if len(factors) == 2 or (factors and power):
            found[node] = list(dict.fromkeys(factors))
    return found


def norm_before(node, modules):
    """The normalisation whose result a factor is, but for constants; or None."""
    while isinstance(node, torch.fx.Node):
        if node.op == "call_module" and isinstance(modules[node.target], NORMS):
            return modules[node.target]
        inner = [a for a in node.args if isinstance(a, torch.fx.Node) and a.op != "get_attr"]
        plain = node.op == "call_module" and isinstance(modules[node.target], (nn.Identity, nn.Dropout, nn.Dropout2d))
        if not plain and (node.op == "call_module" or len(inner) != 1 or node.target not in (
                operator.mul, operator.add, operator.sub, operator.neg, torch.mul, torch.add, torch.sub, torch.neg)):
            return None
        node = inner[0]
    return None


class Watched(torch.fx.Interpreter):
    """Runs a graph, keeps the factors of its products, and cuts them to clip."""

    def __init__(self, graph):
        super().__init__(graph)
        self.factors, self.clip, self.seen = products(graph.graph), None, {}

    def run_node(self, node):
        if node not in self.factors:
            return super().run_node(node)
        for factor in self.factors[node]:
            value = self.env[factor]
            if isinstance(value, torch.Tensor):
                self.seen[factor] = value
                if self.clip is not None:
                    self.env[factor] = value.clamp(-self.clip, self.clip)
        result = super().run_node(node)
        for factor in self.factors[node]:
            if isinstance(self.seen.get(factor), torch.Tensor):
                self.env[factor] = self.seen[factor]
        return result

    def __call__(self, x, clip):
        self.clip, self.seen = clip, {}
        return self.run(x)


def excess(values, limit):
    """How far the peaks of values [K, C, ...] lie above limit, summed over channels."""
    return sum((v.abs().transpose(0, 1).flatten(1).amax(1) - limit).clamp(min=0).sum() for v in values)


def spoiled(x, share, low, high, rng):
    """Images x [K, C, (D,) H, W] with an extreme pattern over a part or all; share: how far it replaces the image."""
    x = x.clone()
    at = np.mgrid[tuple(slice(0, n) for n in x.shape[2:])]
    shape = at.shape[1:]
    for image in x:
        cell = int(rng.integers(1, 9))
        pattern = [0 * at[0], 0 * at[0] + 1, (at // cell).sum(0) % 2, rng.integers(0, 2, shape),
                   rng.uniform(0, 1, shape)][rng.integers(0, 5)]
        pattern = low + (high - low) * torch.from_numpy(pattern.astype(np.float32))
        part = tuple(slice(max(0, int(rng.integers(-n // 2, max(1, n // 2)))), None) for n in shape)
        some = torch.from_numpy(rng.random(len(image)) < 0.8)       # of a colour image not always all channels
        old = image[(some, *part)]
        image[(some, *part)] = old + share * (pattern[part] - old)
    return x


def steeper(x, share, low, high, rng):
    """Images of up to 1 + 2 share times their contrast."""
    factor = 1 + 2 * share * torch.from_numpy(rng.random((len(x),) + (1,) * (x.dim() - 1), np.float32))
    mean = x.mean(tuple(range(1, x.dim())), keepdim=True)
    return (mean + factor * (x - mean)).clamp(low, high)


class Recipe:
    """What a network of squares needs while it is trained; the parameters stay the module's own.

    module  any module that torch.fx traces; its squares and products are found
    steps   steps of the training in all
    slope   start the normalisations before squares at weight 0.5, bias 1
    hard    images with extreme patterns a step, 0 for none; crop: their side, None for the whole image
    patterns and pushes are made for images [K, C, (D,) H, W] only; low, high: the
    inputs of black and white, by default the smallest and largest seen.
    """

    def __init__(self, module, steps, slope=True, clip=CLIP, limit=LIMIT, pull=PULL, norm=NORM, freeze=FREEZE,
                 hard=HARD, push=PUSH, crop=None, low=None, high=None, seed=0):
        graph = traced(module)
        self.module, self.run = module, Watched(graph)
        self.steps, self.clip, self.limit, self.pull, self.norm = steps, clip, limit, pull, norm
        self.stop, self.hard, self.push, self.crop = int(freeze * steps), hard, push, crop
        self.low, self.high, self.fixed = low, high, low is not None and high is not None
        self.rng, self.done, self.images, self.peaks = np.random.default_rng(seed), 0, None, 0.0
        modules = dict(graph.named_modules())
        factors = [f for fs in self.run.factors.values() for f in fs]
        norms = [norm_before(f, modules) for f in dict.fromkeys(factors)]
        self.squares = len(self.run.factors)
        self.bare = sum(n is None for n in norms)       # factors without a normalisation before them
        self.norms = [m for m in graph.modules() if isinstance(m, NORMS)]
        with torch.no_grad():
            for m in self.norms:
                m.momentum = MOMENTUM
            for m in norms if slope else ():
                if m is not None and m.affine:
                    m.weight.fill_(0.5)
                    m.bias.fill_(1.0)

    def frozen(self, yes):
        for m in self.norms:
            m.train(not yes)

    def __call__(self, x):
        """The module's result for a batch, with factors cut."""
        self.module.train()
        self.frozen(self.done >= self.stop)
        if not self.fixed:
            low, high = float(x.min()), float(x.max())
            self.low = low if self.low is None else min(self.low, low)
            self.high = high if self.high is None else max(self.high, high)
        self.images = x.detach()
        result = self.run(x, self.clip)
        self.values = list(self.run.seen.values())
        return result

    def cost(self):
        """What the peaks of the last batch cost, and those of images with extreme patterns."""
        if not self.values:
            return 0.0
        total = excess(self.values, self.limit)
        if self.hard and self.images.dim() in (4, 5):
            self.frozen(True)
            x = self.harder(self.images[:self.hard])
            self.run(x, self.clip)
            total = total + excess(self.run.seen.values(), self.limit)
            self.frozen(self.done >= self.stop)
        self.peaks = float(total)
        return self.pull * total

    def harder(self, x):
        share, n = min(1.0, 2 * self.done / max(1, self.steps)), self.crop
        if n and min(x.shape[2:]) > n:
            at = [int(self.rng.integers(0, s - n + 1)) for s in x.shape[2:]]
            x = x[(..., *(slice(k, k + n) for k in at))]
        x = steeper(spoiled(x, share, self.low, self.high, self.rng), share, self.low, self.high, self.rng)
        far = self.push * share * float(self.rng.random()) * (self.high - self.low) / 2
        if far <= 0:
            return x
        x.requires_grad_()
        self.run(x, self.clip)
        grow, = torch.autograd.grad(excess(self.run.seen.values(), 0.0), x)
        return (x.detach() + far * grow.sign()).clamp(self.low, self.high)

    def step(self, loss, optimiser):
        """One step of the optimiser for loss and the cost of peaks; returns the loss."""
        optimiser.zero_grad()
        (loss + self.cost()).backward()
        weights = [p for group in optimiser.param_groups for p in group["params"]]
        size = float(nn.utils.clip_grad_norm_(weights, self.norm))
        if size == size and size != float("inf"):       # a step without a direction is left out
            optimiser.step()
        self.done += 1
        return float(loss)


def square_recipe(module, steps, **settings):
    """The Recipe of a module whose training takes so many steps in all."""
    return Recipe(module, steps, **settings)


def square(module, data, **settings):
    """(network of squares, what it loses) of a trained network of ReLU: squared.py."""
    import squared                          # which needs this file
    return squared.square(module, data, **settings)
