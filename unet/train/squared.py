"""A trained network of ReLU becomes one of squares: square(module, data).

Each activation f(x) is replaced by (1 - t) f(x) + t (a z^2 + b z + c), z being x
normalised and a, b, c fitted to f channel by channel; t rises from 0 to 1 while the
network learns to answer as it did before.  Max pools become means in the same
way.  Needed before: volley_train.py.
"""
import copy
import itertools

import torch
import torch.fx
import torch.nn.functional as F
from torch import nn

import volley_train

MODULES = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.CELU, nn.SELU, nn.GELU, nn.SiLU, nn.Softplus, nn.Mish,
           nn.Hardswish)
FUNCTIONS = {F.relu, F.relu_, torch.relu, torch.relu_, F.relu6, F.leaky_relu, F.elu, F.celu, F.selu, F.gelu, F.silu,
             F.softplus, F.mish, F.hardswish, "relu", "relu_"}
POOL_MODULES = (nn.MaxPool2d, nn.MaxPool3d)
POOLS = {F.max_pool2d, torch.max_pool2d, F.max_pool3d, torch.max_pool3d}
NORMS = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}     # by a tensor's dimensions
RISE = 0.6              # part of the steps in which t rises
RATE = 0.003            # top of the learning rate
FEW = 256               # samples that a, b, c are fitted to
AT_ONCE = 16


class Quadratic(nn.Module):
    """a z^2 + b z + c of the normalised input, or a mixture of it with the old activation."""

    def __init__(self, old, shape):
        super().__init__()
        c, wide = shape[1], (1, shape[1]) + (1,) * (len(shape) - 2)
        self.norm = NORMS[len(shape)](c, affine=False)
        self.a, self.b, self.c = (nn.Parameter(torch.zeros(wide)) for _ in "abc")
        self.old, self.t = old, nn.Parameter(torch.zeros(1), requires_grad=False)

    def fit(self, x):
        """The statistics and a, b, c of samples x."""
        flat = x.transpose(0, 1).flatten(1).double()
        mean, var = flat.mean(1, keepdim=True), flat.var(1, unbiased=False, keepdim=True)
        self.norm.running_mean.copy_(mean[:, 0])
        self.norm.running_var.copy_(var[:, 0])
        z = (flat - mean) / (var + self.norm.eps).sqrt()
        want = self.old(x).transpose(0, 1).flatten(1).double()
        powers = torch.stack([z * z, z, torch.ones_like(z)], 2)
        gram = powers.transpose(1, 2) @ powers + 1e-6 * z.shape[1] * torch.eye(3, dtype=z.dtype)
        found = torch.linalg.solve(gram, powers.transpose(1, 2) @ want[..., None])[..., 0]
        for k, p in enumerate((self.a, self.b, self.c)):
            p.copy_(found[:, k].reshape(p.shape))

    def forward(self, x):
        z = self.norm(x)
        q = self.a * z * z + self.b * z + self.c
        return q if self.old is None else (1 - self.t) * self.old(x) + self.t * q


class Mean(nn.Module):
    """The mean where a largest was taken, or a mixture of both."""

    def __init__(self, old, size):
        super().__init__()
        self.pool = {2: nn.AvgPool2d, 3: nn.AvgPool3d}[len(size)](size)
        self.old, self.t = old, nn.Parameter(torch.zeros(1), requires_grad=False)

    def forward(self, x):
        q = self.pool(x)
        return q if self.old is None else (1 - self.t) * self.old(x) + self.t * q


class Recorder(torch.fx.Interpreter):
    """Runs a graph and keeps the results of some nodes, by name, and the first inputs of these."""

    def __init__(self, graph, names):
        super().__init__(graph)
        self.names, self.results, self.inputs = names, {}, {}

    def run_node(self, node):
        if node.name in self.names:
            self.inputs[node.name] = self.env[node.args[0]].clone()
        result = super().run_node(node)
        if node.name in self.names:
            self.results[node.name] = result
        return result


class Apart(torch.fx.Tracer):
    """Leaves Quadratic and Mean whole."""

    def is_leaf_module(self, m, name):
        return isinstance(m, (Quadratic, Mean)) or super().is_leaf_module(m, name)


def function_of(node, modules):
    """The activation or pool of a node as a function of its input alone."""
    if node.op == "call_module":
        made = copy.deepcopy(modules[node.target])
        if hasattr(made, "inplace"):
            made.inplace = False
        return made
    target, rest, keys = node.target, node.args[1:], {k: v for k, v in node.kwargs.items() if k != "inplace"}
    if isinstance(target, str) or target in (F.relu, F.relu_, torch.relu_):
        return nn.ReLU()
    return Called(target, rest, keys)


class Called(nn.Module):
    def __init__(self, function, args, keys):
        super().__init__()
        self.function, self.args, self.keys = function, args, keys

    def forward(self, x):
        return self.function(x, *self.args, **self.keys)


def kind(node, modules):
    """"activation", "pool" or None."""
    if node.op == "call_module":
        m = modules[node.target]
        return "activation" if isinstance(m, MODULES) else "pool" if isinstance(m, POOL_MODULES) else None
    if node.op not in ("call_function", "call_method"):
        return None
    return "activation" if node.target in FUNCTIONS else "pool" if node.target in POOLS else None


def stride_of(node, old, dims):
    """(rows, columns), of volumes (slices, rows, columns), of a max pool's step."""
    if node.op == "call_module":
        size = old.stride
    else:
        given = dict(zip(("kernel_size", "stride"), node.args[1:]), **node.kwargs)
        size = given.get("stride") or given["kernel_size"]
    return size if isinstance(size, (tuple, list)) else (size,) * dims


def replaced(module, example):
    """(graph with Quadratic and Mean in it, {node's name: the new module}, the old network as a graph)."""
    teacher = torch.fx.GraphModule(module, Apart().trace(module))
    modules = dict(teacher.named_modules())
    kinds = {n.name: kind(n, modules) for n in teacher.graph.nodes if kind(n, modules)}
    run = Recorder(teacher, set(kinds))
    with torch.no_grad():
        run.run(example)
    student = copy.deepcopy(teacher)
    new = {}
    for node in list(student.graph.nodes):
        if node.name not in kinds:
            continue
        old, x, y = function_of(node, modules), run.inputs[node.name], run.results[node.name]
        if kinds[node.name] == "pool":
            size = stride_of(node, old, x.dim() - 2)
            made = Mean(old, size)
            if tuple(b * s for b, s in zip(y.shape[2:], size)) != tuple(x.shape[2:]):
                raise ValueError("%s: a max pool from %s to %s, not whole factors; make it AvgPool2d(2) and train anew"
                                 % (node.name, "x".join(map(str, x.shape[2:])), "x".join(map(str, y.shape[2:]))))
        elif x.dim() not in NORMS:
            raise ValueError("%s: an activation of %d dimensions, want 2 to 5" % (node.name, x.dim()))
        else:
            made = Quadratic(old, x.shape)
        name = "squared_%d" % len(new)
        student.add_submodule(name, made)
        with student.graph.inserting_after(node):
            fresh = student.graph.call_module(name, (node.args[0],))
        node.replace_all_uses_with(fresh)
        student.graph.erase_node(node)
        new[node.name] = made
    student.graph.lint()
    student.recompile()
    student.delete_all_unused_submodules()
    return student, new, teacher


# ---- data -------------------------------------------------------------------

class Data:
    """Batches (x, y or None), again and again, of tensors or of anything that gives batches."""

    def __init__(self, source, batch):
        self.source, self.batch = source, batch
        if isinstance(source, torch.Tensor):
            self.source = (source, None)
        self.whole = isinstance(self.source, (tuple, list)) and isinstance(self.source[0], torch.Tensor) \
            and len(self.source) == 2 and (self.source[1] is None or len(self.source[1]) == len(self.source[0]))

    def split(self):
        """(four fifths, the last fifth) of tensors; of others twice the same."""
        if not self.whole:
            return self, self
        x, y = self.source
        n = max(1, len(x) - len(x) // 5)
        rest = n if n < len(x) else 0
        return (Data((x[:n], None if y is None else y[:n]), self.batch),
                Data((x[rest:], None if y is None else y[rest:]), self.batch))

    def once(self):
        if self.whole:
            x, y = self.source
            for k in range(0, len(x), AT_ONCE):
                yield x[k:k + AT_ONCE], None if y is None else y[k:k + AT_ONCE]
            return
        for item in self.source:
            yield (item[0], item[1]) if isinstance(item, (tuple, list)) else (item, None)

    def forever(self, seed):
        draw = torch.Generator().manual_seed(seed)
        while True:
            if not self.whole:
                yield from self.once()
                continue
            x, y = self.source
            for k in torch.randperm(len(x), generator=draw).split(self.batch):
                yield x[k], None if y is None else y[k]


# ---- scores -----------------------------------------------------------------

def decided(z):
    """Classes or mask of logits [K, C, ...]: the largest; of one logit its sign."""
    return z.argmax(1) if z.shape[1] > 1 else (z[:, 0] > 0).long()


def score_of(z, y):
    """Accuracy of classes; of masks the mean Dice of all classes but the first."""
    found, y = decided(z), y.long().reshape(decided(z).shape)
    if z.dim() == 2:
        return float((found == y).double().mean())
    kinds = range(1, max(2, z.shape[1]))
    return sum(2 * float(((found == k) & (y == k)).sum()) / max(1, float((found == k).sum() + (y == k).sum()))
               for k in kinds) / len(kinds)


def answers(module, data):
    """(all logits, all targets or None)"""
    module.eval()
    with torch.no_grad():
        pairs = [(module(x), y) for x, y in data.once()]
    ys = [y for _, y in pairs]
    return torch.cat([z for z, _ in pairs]), None if ys[0] is None else torch.cat(ys)


def report_of(old, new, data, score):
    """What square() loses on data: differences of logits, decisions, score before and after."""
    a, y = answers(old, data)
    b, _ = answers(new, data)
    found = {"images": len(a), "largest": float((a - b).abs().max()), "rms": float((a - b).square().mean().sqrt()),
             "logits": float(a.square().mean().sqrt()), "decisions": float((decided(a) != decided(b)).double().mean())}
    if y is not None:
        found["before"], found["after"] = score(a, y), score(b, y)
    return found


def told(r):
    text = "square: of %d images %.3g %% of the decisions change; logits differ by %.3g rms (largest %.3g), they are " \
           "%.3g rms" % (r["images"], 100 * r["decisions"], r["rms"], r["largest"], r["logits"])
    return text + ("; score %.4f before, %.4f after" % (r["before"], r["after"]) if "before" in r else "")


def distance(z, old):
    """How far logits are from the old ones: as decisions and as numbers."""
    apart = (z - old).square().mean() / old.var().clamp(min=1e-12)
    if z.shape[1] == 1:
        soft = F.binary_cross_entropy_with_logits(z, torch.sigmoid(old))
    else:
        soft = -(torch.softmax(old, 1) * torch.log_softmax(z, 1)).sum(1).mean()
    return soft + 0.1 * apart


# ---- the replacement --------------------------------------------------------

class Replacement:
    """A trained network on its way to one of squares; the module stays as it is.

    batches gives (x, y or None), for a, b and c; crop: of square_recipe.
    student is the network that learns, from step to step, and squares() what it
    is at the end.
    """

    def __init__(self, module, batches, steps, rate=RATE, seed=0, crop=None, norm=volley_train.NORM):
        self.module, self.steps = copy.deepcopy(module).eval(), steps
        example, y = next(batches)
        self.student, new, teacher = replaced(self.module, example)
        activations = {k: m for k, m in new.items() if isinstance(m, Quadratic)}
        if not activations:
            raise ValueError("%s: has no ReLU or the like that torch.fx finds" % type(module).__name__)
        fitted(teacher, activations, itertools.chain([(example, y)], batches))
        self.new = list(new.values())
        self.recipe = volley_train.square_recipe(self.student, steps, slope=False, seed=seed, crop=crop, norm=norm)
        self.adam = torch.optim.Adam([p for p in self.student.parameters() if p.requires_grad], lr=rate)
        self.plan = torch.optim.lr_scheduler.OneCycleLR(self.adam, rate, total_steps=steps, pct_start=0.3)

    def step(self, x, y, inner=..., loss=None):
        """One step, scored on a part of the results; its cost.  loss(logits, targets): beside the old answers."""
        for m in self.new:
            m.t.fill_(min(1.0, self.recipe.done / (RISE * self.steps)))
        with torch.no_grad():
            want = self.module(x).float()
        z = self.recipe(x).float()[inner]
        cost = distance(z, want[inner])
        if loss is not None and y is not None:
            cost = cost + loss(z, y[inner])
        value = self.recipe.step(cost, self.adam)
        self.plan.step()
        return value

    def risen(self):
        return float(self.new[0].t)

    def squares(self):
        """The network of squares alone, by itself."""
        for m in self.new:
            m.old, m.t = None, None
        return torch.fx.GraphModule(self.student, Apart().trace(self.student)).eval()


def square(module, data, steps=1000, test=None, loss=None, score=score_of, batch=16, rate=RATE, seed=0, log=print):
    """(network of squares, what it loses) of a trained module; the module stays as it is.

    data   inputs as one tensor, or (inputs, targets), or anything that gives
           batches of either, again and again (a DataLoader)
    test   the same, for the report; without it the last fifth of tensors, which
           is then not trained on, or data itself
    loss   loss(logits, targets): a cost of its own beside the old network's answers
    score  score(logits, targets), for the report
    """
    torch.manual_seed(seed)
    data = Data(data, batch)
    data, held = (data, Data(test, batch)) if test is not None else data.split()
    made, mean = Replacement(module, data.forever(1), steps, rate, seed), None
    for step, (x, y) in zip(range(steps), data.forever(seed)):
        value = made.step(x, y, loss=loss)
        mean = value if mean is None else 0.98 * mean + 0.02 * value
        if log and (step + 1) % max(1, steps // 10) == 0:
            log("step %d  t %.2f  loss %.4f  excess %.1f" % (step + 1, made.risen(), mean, made.recipe.peaks))
    student = made.squares()
    found = report_of(made.module, student, held, score)
    if log:
        log(told(found))
    return student, found


def fitted(teacher, activations, batches):
    """a, b, c of every activation, on some batches of the old network's values."""
    run, parts, seen = Recorder(teacher, set(activations)), {k: [] for k in activations}, 0
    with torch.no_grad():
        for x, _ in batches:
            run.run(x)
            for k in activations:
                parts[k].append(run.inputs[k])
            seen += len(x)
            if seen >= FEW or len(parts[next(iter(parts))]) >= 8:
                break
        for k, m in activations.items():
            m.fit(torch.cat(parts[k]))
