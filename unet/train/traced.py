"""The layers of a model file (docs/model.md) from a trained torch.nn.Module.

torch.fx gives the module's graph; a run on one example the sizes and what is
constant.  Every value is then a t^2 + b t + c, channel by channel, of a tensor
t of the file: factors, summands, squares and polynomials gather there and
become a layer when a convolution, a pooling or the end reads them.

What the file cannot say is refused, never approximated: after every step the
size is compared with PyTorch's.  Needed before: gathered.py.
"""
import torch
import torch.fx
import torch.nn as nn

from gathered import Const, Network, Value, dead, placed
from refusals import Refused, advice

INPUTS = 8              # of a concatenation
KERNEL = 16             # the largest; of strides, too
RESIDUAL = ("adds two tensors (a residual connection): not yet; torch.cat of both and a Conv2d 1x1 with the weights "
            "[I, I] is the same network")
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


def pair(v):
    return tuple(v) if isinstance(v, (tuple, list)) else (v, v)


class Translator:
    """One method for each kind of step; every one gives a Value or a Const."""

    def __init__(self, module, example, border):
        self.module, self.net = module, Network(border, tuple(example.shape[1:]))
        self.border, self.env = border, {}
        try:
            self.graph = Tracer().trace(module)
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

    def refuse_known(self):
        """All that is refused whatever its arguments, at once, where it acts on the image and not on constants."""
        lines, image = [], set()
        for node in self.graph.nodes:
            if node.op != "placeholder" and (not image & set(node.all_input_nodes) or self.is_size(node)):
                continue
            image.add(node)
            if node.op.startswith("call") and advice(self.kind(node)):
                lines.append("%s: %s: %s" % (self.path(node), self.kind(node), advice(self.kind(node))))
        if lines:
            raise Refused("\n".join(dict.fromkeys(lines)))

    # ---- constants, factors, squares ---------------------------------------

    def vector(self, node, const, v):
        """A constant as one number a channel of v."""
        t = torch.as_tensor(const, dtype=torch.float64)
        channels, height, width = self.net.size[v.tensor]
        wide = v.flat and height * width > 1
        shape = (1,) * ((2 if v.flat else 4) - t.dim()) + tuple(t.shape)
        if t.numel() == 1 and t.dim() <= (2 if v.flat else 4):
            return t.reshape(1).expand(channels).clone()
        if len(shape) != (2 if v.flat else 4) or wide or shape[:2] != (1, channels) or any(n > 1 for n in shape[2:]):
            self.refuse(node, "a constant of shape %s: not yet; one number, or one a channel ([1, %d, 1, 1])"
                        % (list(t.shape), channels))
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
            self.refuse(node, RESIDUAL)
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

    # ---- layers ------------------------------------------------------------

    def settled(self, node, v):
        if isinstance(v, Const):
            self.refuse(node, "of a constant: not yet")
        if v.flat and self.net.size[v.tensor][1:] != (1, 1):
            self.refuse(node, "of a flattened map: not yet; only Linear reads one")
        return self.net.settle(v)

    def added(self, node, op, inputs, size, keys=None, flat=False, **tensors):
        return self.net.value(self.net.add(op, self.name(node), self.path(node), inputs, size, keys, **tensors), flat)

    def conv(self, node, x, weight, bias, stride, padding, dilation, groups):
        """weight [C_out, C_in, k, k]; the padding has to be what the border means."""
        c_out, _, k, across = weight.shape
        stride, dilation = pair(stride), pair(dilation)
        middle = padding == "same" and k % 2 == 1 and stride == (1, 1)
        padding = (0, 0) if padding == "valid" else (k // 2, k // 2) if middle else pair(padding)
        if groups != 1:
            self.refuse(node, "groups=%d: not yet; groups=1" % groups)
        if dilation != (1, 1) and (k, across) != (1, 1):
            self.refuse(node, "dilation=%s: not yet; dilation 1, or a larger kernel" % (dilation,))
        if k != across:
            self.refuse(node, "a kernel of %dx%d: not yet; a square one" % (k, across))
        if stride[0] != stride[1] or max(k, stride[0]) > KERNEL:
            self.refuse(node, "kernel %d, stride %s: not yet; both directions alike, at most %d" % (k, stride, KERNEL))
        want = 0 if self.border == "valid" else k // 2
        if self.border != "valid" and k % 2 == 0:
            self.refuse(node, "an even kernel, %dx%d: not yet under border %s; an odd one, or border=\"valid\" and "
                        "padding=0 everywhere" % (k, k, self.border))
        if padding != (want, want):
            self.refuse(node, "padding=%s: not yet; border %s means padding=%d for a kernel of %d, in every "
                        "convolution%s" % (padding, self.border, want, k, "" if padding not in ((0, 0), (k // 2,) * 2)
                        else " (or border=\"%s\")" % ("valid" if padding == (0, 0) else "zero")))
        tensor = self.settled(node, x)
        _, height, width = self.net.size[tensor]
        s = stride[0]
        if s > 1 and self.border == "wrap":
            self.refuse(node, "stride %d under border wrap: not yet; AvgPool2d(2)" % s)
        if s > 1 and self.border == "halo" and (height % s or width % s):
            self.refuse(node, "stride %d on a map of %dx%d under border halo: not yet; sizes that it divides"
                        % (s, height, width))
        if k > 3 and self.border == "wrap":
            self.refuse(node, "a kernel of %dx%d under border wrap: not yet; 3x3 or 1x1" % (k, k))
        less = k - 1 if self.border == "valid" else 0
        size = (c_out, -((less - height) // s), -((less - width) // s))
        if bias is None:
            bias = torch.zeros(c_out)
        return self.added(node, "conv", [tensor], size, {"kernel": k, **({"stride": s} if s > 1 else {})},
                          weight=weight, bias=bias)

    def transposed(self, node, x, m):
        same = {"kernel_size": (2, 2), "stride": (2, 2), "padding": (0, 0), "output_padding": (0, 0),
                "dilation": (1, 1), "groups": 1}
        for key, want in same.items():
            if getattr(m, key) != want:
                self.refuse(node, "%s=%s: not yet; ConvTranspose2d(in, out, 2, stride=2)" % (key, getattr(m, key)))
        tensor = self.settled(node, x)
        _, height, width = self.net.size[tensor]
        bias = torch.zeros(m.out_channels) if m.bias is None else m.bias
        return self.added(node, "tconv", [tensor], (m.out_channels, 2 * height, 2 * width),
                          weight=m.weight, bias=bias)

    def batchnorm(self, node, x, m):
        if m.running_mean is None or m.running_var is None:
            self.refuse(node, "has no running statistics: they would be each image's own, which cannot be encrypted; "
                        "track_running_stats=True and train again")
        tensor, one = self.settled(node, x), torch.ones(m.num_features)
        return self.added(node, "batchnorm", [tensor], self.net.size[tensor], {"eps": float(m.eps)}, x.flat,
                          weight=one if m.weight is None else m.weight, bias=0 * one if m.bias is None else m.bias,
                          mean=m.running_mean, var=m.running_var)

    def dense(self, node, x, weight, bias):
        if isinstance(x, Const) or not x.flat:
            self.refuse(node, "of a map: not yet; Flatten() first, or a Conv2d 1x1")
        if self.border in ("halo", "wrap"):
            self.refuse(node, "under border %s: not yet; border zero or valid" % self.border)
        tensor = self.net.settle(x)
        bias = torch.zeros(len(weight)) if bias is None else bias
        return self.added(node, "dense", [tensor], (len(weight), 1, 1), flat=True, weight=weight, bias=bias)

    def pools(self, node, x, count):
        """count means of 2x2, one after the other: the mean of 2^count x 2^count."""
        tensor = self.settled(node, x)
        for _ in range(count):
            channels, height, width = self.net.size[tensor]
            if height % 2 or width % 2:
                self.refuse(node, "of an odd size, %dx%d: not yet; sizes that the poolings divide" % (height, width))
            tensor = self.added(node, "pool", [tensor], (channels, height // 2, width // 2)).tensor
        return self.net.value(tensor)

    def pool(self, node, x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
             divisor_override=None):
        k = pair(kernel_size)
        if k[0] != k[1] or k[0] & (k[0] - 1) or k[0] < 1 or pair(stride or k) != k or pair(padding) != (0, 0) \
                or divisor_override is not None:
            self.refuse(node, "kernel %s, stride %s, padding %s: not yet; AvgPool2d(2), or a power of two, without "
                        "padding" % (kernel_size, stride, padding))
        return self.pools(node, x, k[0].bit_length() - 1)

    def to_size(self, node, x, output_size):
        """The adaptive average, where it is a mean of squares of 2^k x 2^k."""
        want, (_, height, width) = pair(output_size), self.net.size[x.tensor]
        ratio = height // want[0] if want[0] else 0
        if ratio < 1 or ratio & (ratio - 1) or (height, width) != (ratio * want[0], ratio * (want[1] or 0)):
            self.refuse(node, "from %dx%d to %s: not yet; from a square map whose side is a power of two, or Flatten "
                        "and Linear" % (height, width, want))
        return self.pools(node, x, ratio.bit_length() - 1)

    def mean(self, node, x, dim=None, keepdim=False):
        dims = {d % 4 for d in (pair(dim) if isinstance(dim, (tuple, list)) else (dim or 0,))}
        if dims != {2, 3} or x.flat:
            self.refuse(node, "over other than the two axes of the map: not yet")
        y = self.to_size(node, x, 1)
        y.flat = not keepdim
        return y

    def cat(self, node, parts, dim=0):
        if any(isinstance(v, Const) for v in parts):
            self.refuse(node, "with a constant: not yet")
        if (dim if dim >= 0 else dim + (2 if parts[0].flat else 4)) != 1:
            self.refuse(node, "along dim=%d: not yet; over channels, dim=1" % dim)
        if len(parts) > INPUTS:
            self.refuse(node, "of %d tensors: not yet; at most %d" % (len(parts), INPUTS))
        names = [self.settled(node, v) for v in parts]
        if len(names) == 1:
            return self.net.value(names[0], parts[0].flat)
        sizes = [self.net.size[n] for n in names]
        return self.added(node, "concat", names, (sum(s[0] for s in sizes),) + sizes[0][1:], flat=parts[0].flat)

    def shaped(self, node, x):
        """flatten, view, reshape: what they give says what they did."""
        got, (channels, height, width) = tuple(self.found[node].shape), self.net.size[x.tensor]
        if got == (1, channels * height * width):
            y = x.like(x.a, x.b, x.c)
            y.flat = True
            return y
        if got == (1, channels, height, width):
            return x
        self.refuse(node, "to the shape %s: not yet; only the whole map in one row, flatten(1)" % (list(got),))

    # ---- one node ----------------------------------------------------------

    def layer(self, node, x):
        m = self.modules[node.target]
        if isinstance(m, nn.Conv2d):
            if m.padding_mode != "zeros":
                self.refuse(node, "padding_mode=%s: not yet; zeros" % m.padding_mode)
            return self.conv(node, x, m.weight, m.bias, m.stride, m.padding, m.dilation, m.groups)
        if isinstance(m, nn.ConvTranspose2d):
            return self.transposed(node, x, m)
        if isinstance(m, (nn.BatchNorm2d, nn.BatchNorm1d)):
            return self.batchnorm(node, x, m)
        if isinstance(m, nn.Linear):
            return self.dense(node, x, m.weight, m.bias)
        if isinstance(m, nn.AvgPool2d):
            return self.pool(node, x, m.kernel_size, m.stride, m.padding, m.ceil_mode, True, m.divisor_override)
        if isinstance(m, nn.AdaptiveAvgPool2d):
            return self.to_size(node, x, m.output_size)
        if isinstance(m, nn.Flatten):
            return self.shaped(node, x)
        if isinstance(m, (nn.Dropout, nn.Dropout2d, nn.AlphaDropout, nn.FeatureAlphaDropout, nn.Identity)):
            return x
        self.refuse(node, "is not known: not yet; docs/own.md lists what is")

    def reads(self, node, v):
        """An argument of a node: Values and Consts in place of nodes."""
        if isinstance(v, torch.fx.Node):
            return self.env[v]
        return type(v)(self.reads(node, w) for w in v) if isinstance(v, (tuple, list)) else v

    def function(self, node):
        """A call of a function or of a tensor's method."""
        args = [self.reads(node, v) for v in node.args]
        keys = {k: self.reads(node, v) for k, v in node.kwargs.items()}
        name = self.kind(node).strip("_") if not isinstance(node.target, str) else node.target

        def number(v):
            return v if isinstance(v, (Value, Const)) else Const(v)

        def bare(v):
            if isinstance(v, Const):
                return v.value
            return type(v)(bare(w) for w in v) if isinstance(v, (tuple, list)) else v

        if keys.get("alpha", 1) != 1 or keys.get("rounding_mode") is not None:
            self.refuse(node, "with alpha or a rounding mode: not yet; a factor of its own")
        if name in ("add", "iadd", "sub", "isub", "mul", "multiply", "imul", "truediv", "div", "itruediv", "pow",
                    "subtract", "divide", "rsub"):
            x, y = [number(v) for v in (args + [keys.get("other", keys.get("exponent"))])[:2]]
            if "add" in name:
                return self.plus(node, x, y)
            if name == "rsub":
                return self.plus(node, y, x, -1.0)
            if "sub" in name:
                return self.plus(node, x, y, -1.0)
            if "mul" in name:
                return self.times(node, x, y)
            if name == "pow":
                return self.power(node, x, y)
            if isinstance(y, Value):
                self.refuse(node, "divides by a value of the image, which cannot be encrypted")
            return self.times(node, x, Const(1.0 / torch.as_tensor(y.value, dtype=torch.float64)))
        if name in ("neg", "square", "positive"):
            x = args[0]
            return x if name == "positive" else self.scaled(node, x, -1.0) if name == "neg" else self.times(node, x, x)
        if name in ("cat", "concat", "concatenate"):
            return self.cat(node, args[0], bare(args[1] if len(args) > 1 else keys.get("dim", keys.get("axis", 0))))
        x, rest, keys = args[0], bare(args[1:]), {k: bare(v) for k, v in keys.items()}
        if not isinstance(x, Value):
            self.refuse(node, "of a constant and the image: not yet")
        if name == "avg_pool2d":
            return self.pool(node, x, *rest, **keys)
        if name == "adaptive_avg_pool2d":
            return self.to_size(node, x, *rest, **keys)
        if name == "mean":
            return self.mean(node, x, *rest, **keys)
        if name in ("flatten", "view", "reshape"):
            return self.shaped(node, x)
        if name in ("contiguous", "clone", "dropout", "dropout2d"):
            if keys.get("training") or "dropout" in name and len(rest) > 1 and rest[1]:
                self.refuse(node, "with training=True: gives another result every time; training=self.training")
            return x
        if name == "conv2d":
            return self.functional_conv(node, x, *rest, **keys)
        if name == "linear":
            return self.dense(node, x, *(rest + [None])[:2]) if not keys else self.dense(node, x, **keys)
        self.refuse(node, advice(name) or "is not known: not yet; docs/own.md lists what is")

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
        got = (1, got[0] * got[1] * got[2]) if v.flat else (1,) + got
        if want != got:
            self.refuse(node, "gives %s in PyTorch, %s in the file: not yet" % (list(want), list(got)))

    def run(self):
        """(network, the output's Value)"""
        inputs = [n for n in self.graph.nodes if n.op == "placeholder"]
        if len(inputs) != 1:
            raise Refused("forward: takes %d inputs (%s): not yet; one image"
                          % (len(inputs), ", ".join(n.name for n in inputs)))
        for node in self.graph.nodes:
            if node.op == "placeholder":
                self.env[node] = self.net.value("image")
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
                self.env[node] = v
        if not isinstance(result, Value):
            raise Refused("forward: gives %s: not yet; one tensor of logits" % type(self.found[node]).__name__)
        return self.net, result


def layers(module, example, border):
    """(Network, name of the output, names of added convolutions) of a module in eval mode, in double."""
    with torch.no_grad():
        network, result = Translator(module, example, border).run()
    output = network.settle(result)
    if output == "image":
        raise Refused("forward: gives its input: there is no layer")
    dead(network, output)
    return network, output, placed(network, output)
