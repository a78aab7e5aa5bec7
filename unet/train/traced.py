"""The layers of a model file (docs/model.md) from a trained torch.nn.Module.

torch.fx gives the module's graph; a run on one example the sizes and what is
constant.  Every value is then a t^2 + b t + c, channel by channel, of a tensor
t of the file: factors, summands, squares and polynomials gather there and
become a layer when a convolution, a pooling or the end reads them.

What the file cannot say is refused, never approximated: after every step the
size is compared with PyTorch's.  Needed before: gathered.py, mapped.py.
"""
import inspect
import math
import operator

import torch
import torch.fx
import torch.nn as nn

from gathered import Const, Network, Value, dead, placed, separate
from mapped import PADDED, Maps
from refusals import Refused, advice

ARITHMETIC = ("add", "iadd", "sub", "isub", "mul", "multiply", "imul", "truediv", "div", "itruediv", "pow", "ipow",
              "subtract", "divide", "rsub", "true_divide")
GATE = "multiplies two tensors (a gate): not yet; squares and constant factors are possible"


class Tracer(torch.fx.Tracer):
    """Notes with every node the path of the module that it stands in."""

    def __init__(self):
        super().__init__()
        self.within = [""]

    def call_module(self, m, forward, args, kwargs):
        self.within.append(self.path_of_module(m))
        try:
            return super().call_module(m, forward, args, kwargs)
        finally:
            self.within.pop()

    def create_node(self, *args, **kwargs):
        node = super().create_node(*args, **kwargs)
        node.meta["path"] = self.within[-1]
        return node


class Results(torch.fx.Interpreter):
    """Runs a graph and keeps what every node gave."""

    def __init__(self, graph_module):
        super().__init__(graph_module)
        self.found = {}

    def run_node(self, n):
        self.found[n] = super().run_node(n)
        return self.found[n]


def defaults(module):
    """Arguments of forward beside the image, which keep their defaults."""
    given = list(inspect.signature(module.forward).parameters.values())[1:]
    return {p.name: p.default for p in given if p.default is not p.empty and p.kind is p.POSITIONAL_OR_KEYWORD}


def in_place(node, modules):
    """Whether a step writes over its first argument: x += y, x.add_(y), ReLU(inplace=True)."""
    if node.op == "call_method":
        return node.target.endswith("_")
    if node.op == "call_module":
        return getattr(modules[node.target], "inplace", False)
    return node.op == "call_function" and (
        node.target in (operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow)
        or getattr(node.target, "__name__", "").endswith("_") or bool(node.kwargs.get("inplace")))


class Translator(Maps):
    """One method for each kind of step; every one gives a Value or a Const."""

    def __init__(self, module, example, border, first, blind):
        self.first, self.net = first, Network(border, tuple(example.shape[1:]), blind)
        self.border, self.env, self.blind, self.dims = border, {}, blind, self.net.dims
        try:
            self.graph = Tracer().trace(module, defaults(module))
        except Exception as e:
            raise Refused("%s: torch.fx cannot trace it (%s); forward() may branch on sizes and settings, not on "
                          "values of the image" % (type(module).__name__, str(e).split("\n")[0])) from e
        self.modules = dict(module.named_modules())
        self.refuse_known()
        run = Results(torch.fx.GraphModule(module, self.graph))
        try:
            with torch.no_grad():
                run.run(example)
        except Exception as e:
            raise Refused("%s: its forward fails on an input of %s: %s"
                          % (type(module).__name__, "x".join(map(str, example.shape)), str(e).split("\n")[0])) from e
        self.found = run.found

    # ---- names and refusals ------------------------------------------------

    def kind(self, node):
        """PyTorch's name of what a node does."""
        if node.op == "call_module":
            return type(self.modules[node.target]).__name__
        return node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))

    def path(self, node):
        return node.target if node.op == "call_module" else node.meta["path"] or "forward"

    def name(self, node):
        """What its layer is called in the file."""
        return node.target if node.op == "call_module" else ".".join(filter(None, (node.meta["path"], node.name)))

    def refuse(self, node, why):
        raise Refused("%s: %s: %s" % (self.path(node), self.kind(node), why))

    def against(self, node):
        """What to do instead of a step, or None."""
        return advice(self.kind(node), self.blind, self.dims)

    def refuse_known(self):
        """All that is refused whatever its arguments, at once, where it acts on the image and not on constants."""
        lines, image = [], set()
        for node in self.graph.nodes:
            if node.op != "placeholder" and (not image & set(node.all_input_nodes) or self.is_size(node)):
                continue
            image.add(node)
            if node.op.startswith("call") and self.against(node):
                lines.append("%s: %s: %s" % (self.path(node), self.kind(node), self.against(node)))
        if lines:
            raise Refused("\n".join(dict.fromkeys(lines)))

    # ---- constants, factors, squares ---------------------------------------

    def vector(self, node, const, v):
        """A constant as one number a channel of v."""
        t = torch.as_tensor(const, dtype=torch.float64)
        channels, *size = self.net.size[v.tensor]
        wide, axes = v.flat and max(size) > 1, 2 if v.flat else 2 + self.dims
        shape = (1,) * (axes - t.dim()) + tuple(t.shape)
        if t.numel() == 1 and t.dim() <= axes:
            return t.reshape(1).expand(channels).clone()
        if len(shape) != axes or wide or shape[:2] != (1, channels) or any(n > 1 for n in shape[2:]):
            self.refuse(node, "a constant of shape %s: not yet; one number, or one a channel (%s)"
                        % (list(t.shape), [1, channels] + [1] * self.dims))
        return t.reshape(channels)

    def scaled(self, node, v, const):
        f = self.vector(node, const, v)
        return v.like(v.a * f, v.b * f, v.c * f)

    def shifted(self, node, v, const):
        return v.like(v.a, v.b, v.c + self.vector(node, const, v))

    def plus(self, node, x, y, sign=1.0):
        if isinstance(y, Const):
            return self.shifted(node, x, sign * torch.as_tensor(y.value, dtype=torch.float64))
        if isinstance(x, Const):
            return self.shifted(node, self.scaled(node, y, sign), x.value)
        if x.tensor != y.tensor or x.flat != y.flat:
            return self.total(node, (x, self.scaled(node, y, sign) if sign != 1 else y))
        return x.like(x.a + sign * y.a, x.b + sign * y.b, x.c + sign * y.c)

    def times(self, node, x, y):
        if isinstance(y, Const):
            return self.scaled(node, x, y.value)
        if isinstance(x, Const):
            return self.scaled(node, y, x.value)
        if x is y and x.degree() == 2:
            self.net.settle(x)
        if x.tensor != y.tensor or x.flat != y.flat:
            self.refuse(node, GATE)
        if x.degree() + y.degree() > 2:
            self.refuse(node, "a polynomial of degree %d: not yet; degree 2, or squares of squares"
                        % (x.degree() + y.degree()))
        return x.like(x.b * y.b, x.b * y.c + x.c * y.b, x.c * y.c)

    def power(self, node, x, exponent):
        if isinstance(exponent, Value) or isinstance(x, Const) or exponent.value not in (1, 2):
            self.refuse(node, "only the power 2 (x * x) can be encrypted in one step; not yet another")
        return self.times(node, x, x) if exponent.value == 2 else x

    # ---- one node ----------------------------------------------------------

    def layer(self, node, x):
        m = self.modules[node.target]
        if isinstance(m, (nn.Conv2d, nn.Conv3d)):
            if m.padding_mode != "zeros":
                self.refuse(node, "padding_mode=%s: not yet; zeros" % m.padding_mode)
            return self.conv(node, x, m.weight, m.bias, m.stride, m.padding, m.dilation, m.groups)
        if isinstance(m, (nn.ConvTranspose2d, nn.ConvTranspose3d)):
            return self.transposed(node, x, m)
        if isinstance(m, nn.ReLU):
            return self.relu(node, x)
        if isinstance(m, (nn.MaxPool2d, nn.MaxPool3d)):
            return self.largest(node, x, m.kernel_size, m.stride, m.padding, m.dilation, m.ceil_mode, m.return_indices)
        if isinstance(m, (nn.BatchNorm3d, nn.BatchNorm2d, nn.BatchNorm1d)):
            return self.batchnorm(node, x, m)
        if isinstance(m, nn.Linear):
            return self.dense(node, x, m.weight, m.bias)
        if isinstance(m, (nn.AvgPool2d, nn.AvgPool3d)):
            return self.pool(node, x, m.kernel_size, m.stride, m.padding, m.ceil_mode, m.count_include_pad,
                             m.divisor_override)
        if isinstance(m, (nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)):
            return self.to_size(node, x, m.output_size)
        if isinstance(m, nn.Flatten):
            return self.shaped(node, x)
        if isinstance(m, nn.Upsample):          # UpsamplingNearest2d, UpsamplingBilinear2d, too
            return self.upsample(node, x, m.size, m.scale_factor, m.mode, m.align_corners)
        if isinstance(m, nn.ZeroPad2d):
            return self.padded(node, x, m.padding)
        if isinstance(m, (nn.Dropout, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout,
                          nn.Identity)):
            return x
        self.refuse(node, "is not known: not yet; docs/own.md lists what is")

    def reads(self, node, v):
        """An argument of a node: Values and Consts in place of nodes."""
        if isinstance(v, torch.fx.Node):
            return self.env[v]
        return type(v)(self.reads(node, w) for w in v) if isinstance(v, (tuple, list)) else v

    def arithmetic(self, node, name, x, y, alpha=1):
        """x and y: Values, Consts or numbers."""
        x, y = [v if isinstance(v, (Value, Const)) else Const(v) for v in (x, y)]
        if alpha != 1:
            y = self.times(node, y, Const(alpha)) if isinstance(y, Value) else Const(alpha * torch.as_tensor(y.value))
        if "add" in name:
            return self.plus(node, x, y)
        if name == "rsub":
            return self.plus(node, y, x, -1.0)
        if "sub" in name:
            return self.plus(node, x, y, -1.0)
        if "mul" in name:
            return self.times(node, x, y)
        if "pow" in name:
            return self.power(node, x, y)
        if isinstance(y, Value):
            self.refuse(node, "divides by a value of the image, which cannot be encrypted")
        return self.times(node, x, Const(1.0 / torch.as_tensor(y.value, dtype=torch.float64)))

    def function(self, node):
        """A call of a function or of a tensor's method."""
        args = [self.reads(node, v) for v in node.args]
        keys = {k: self.reads(node, v) for k, v in node.kwargs.items()}
        name = self.kind(node).strip("_")

        def bare(v):
            if isinstance(v, Const):
                return v.value
            return type(v)(bare(w) for w in v) if isinstance(v, (tuple, list)) else v

        if keys.get("rounding_mode") is not None:
            self.refuse(node, "with a rounding mode: cannot be encrypted")
        if name not in ("conv2d", "conv3d", "pad", "contiguous", "clone") \
                and any(isinstance(v, Value) and v.pad for v in args):
            self.refuse(node, PADDED)
        if name in ("neg", "negative", "square", "positive"):
            x = args[0]
            if name == "square":
                return self.times(node, x, x)
            return x if name == "positive" else self.scaled(node, x, -1.0)
        if name in ARITHMETIC:
            x, y = (args + [keys.get(k) for k in ("input", "self", "other", "exponent") if k in keys])[:2]
            return self.arithmetic(node, name, x, y, bare(keys.get("alpha", 1)))
        if name in ("cat", "concat", "concatenate"):
            parts = args[0] if args else keys.get("tensors")
            return self.cat(node, parts, bare(args[1] if len(args) > 1 else keys.get("dim", keys.get("axis", 0))))
        x, rest, keys = args[0], bare(args[1:]), {k: bare(v) for k, v in keys.items()}
        if not isinstance(x, Value):
            self.refuse(node, "of a constant and the image: not yet")
        if name in ("contiguous", "clone", "dropout", "dropout2d", "dropout3d", "feature_dropout", "alpha_dropout"):
            if keys.get("training") or "dropout" in name and len(rest) > 1 and rest[1]:
                self.refuse(node, "with training=True: gives another result every time; training=self.training")
            return x
        known = {"avg_pool2d": self.pool, "adaptive_avg_pool2d": self.to_size, "mean": self.mean,
                 "conv2d": self.functional_conv, "interpolate": self.upsample, "upsample": self.upsample,
                 "upsample_nearest": self.upsample, "pad": self.padded, "linear": self.functional_linear,
                 "conv3d": self.functional_conv, "avg_pool3d": self.pool, "adaptive_avg_pool3d": self.to_size,
                 "relu": self.relu, "max_pool2d": self.largest, "max_pool3d": self.largest}
        if name in ("flatten", "view", "reshape"):
            return self.shaped(node, x)
        if name in known:
            return known[name](node, x, *rest, **keys)
        self.refuse(node, self.against(node) or "is not known: not yet; docs/own.md lists what is")

    def relu(self, node, x, inplace=False):
        tensor = self.settled(node, x)
        return self.added(node, "relu", [tensor], self.net.size[tensor], flat=x.flat)

    def functional_linear(self, node, x, weight, bias=None):
        return self.dense(node, x, weight, bias)

    def functional_conv(self, node, x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        if not isinstance(weight, torch.Tensor):
            self.refuse(node, "with weights that depend on the image: cannot be encrypted")
        return self.conv(node, x, weight, bias, stride, padding, dilation, groups)

    @staticmethod
    def is_size(node):
        return node.op == "call_method" and node.target in ("size", "dim") \
            or node.target is getattr and node.args[1] in ("shape", "ndim", "dtype", "device")

    def constant(self, node):
        """Whether a node's result is the same for every image: sizes, parameters and what is made of them."""
        if node.op == "get_attr" or self.is_size(node):
            return True
        return node.op.startswith("call") and all(isinstance(self.env[n], Const) for n in node.all_input_nodes)

    def check_size(self, node, v):
        want, got = tuple(self.found[node].shape), self.net.size[v.tensor]
        if v.pad:
            got = got[:1] + tuple(n + a + b for n, a, b in zip(got[1:], v.pad, v.pad[self.dims:]))
        got = (1, math.prod(got)) if v.flat else (1,) + got
        if want != got:
            self.refuse(node, "gives %s in PyTorch, %s in the file: not yet" % (list(want), list(got)))

    def image(self):
        """The module's input; `first`: factor and summand of each channel of the file's."""
        v = self.net.value("image")
        return v if self.first is None else v.like(v.a, *(torch.as_tensor(t, dtype=torch.float64) for t in self.first))

    def run(self):
        """(network, the output's Value)"""
        inputs = [n for n in self.graph.nodes if n.op == "placeholder"]
        if any(not n.args for n in inputs[1:]):
            raise Refused("forward: takes %d inputs (%s): not yet; one image"
                          % (len(inputs), ", ".join(n.name for n in inputs)))
        for node in self.graph.nodes:
            if node.op == "placeholder":
                self.env[node] = self.image() if node is inputs[0] else Const(self.found[node])
            elif node.op == "output":
                result = self.reads(node, node.args[0])
            elif self.constant(node):
                self.env[node] = Const(self.found[node])
            else:
                try:
                    v = self.layer(node, self.reads(node, node.args[0])) if node.op == "call_module" \
                        else self.function(node)
                except TypeError as e:
                    self.refuse(node, "with these arguments: not yet (%s)" % e)
                self.check_size(node, v)
                v.made = v.made or (self.name(node), self.path(node))
                if in_place(node, self.modules):
                    old = self.env[node.args[0]]
                    self.env.update({n: v for n, w in self.env.items() if w is old})
                self.env[node] = v
        if not isinstance(result, Value):
            raise Refused("forward: gives %s: not yet; one tensor of logits" % type(self.found[node]).__name__)
        if result.pad:
            raise Refused("forward: gives a padded map: not yet")
        return self.net, result


def layers(module, example, border, first=None, blind=False):
    """(Network, name of the output, names of added convolutions) of a module in eval mode, in double.

    first: (factors, summands) of each channel of the file's input that give the
    module's, or None.  blind: ReLU, largest values and volumes are taken, for the
    protocol of two parties.
    """
    with torch.no_grad():
        network, result = Translator(module, example, border, first, blind).run()
    output = network.settle(result)
    if output == "image":
        raise Refused("forward: gives its input: there is no layer")
    dead(network, output)
    if blind:
        separate(network, output)
    return network, output, [] if blind else placed(network, output)
