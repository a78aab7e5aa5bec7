"""How a U-Net runs while it is trained: the same weights, its border and kernels of one's choice.

running(net, border, bfloat16) changes the forward of some of the net's layers
until it is left; the net that remains is the ordinary one (wrap: of module.py).  Transposed
convolutions 2x2 run as 1x1 ones (PyTorch's own take longer than all other
layers together); border wrap stands round every 3x3 convolution; and with
bfloat16 convolutions read and write numbers of 8 bits, four times as fast where
the processor has AVX-512 BF16.  Needed before: border.py.
"""
import contextlib

import torch
import torch.nn.functional as F
from torch import nn

import border as borders

RING = 4                # of border wrap
CONV = {2: F.conv2d, 3: F.conv3d}
KINDS = (nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.MaxPool3d)


def doubled(x, m, conv):
    """A transposed convolution of size and stride 2 as a 1x1 one, whose channels are sorted into places."""
    d = x.dim() - 2
    w = m.weight.permute(1, *range(2, 2 + d), 0).flatten(0, d)
    y = conv(x, w.reshape(w.shape + (1,) * d), None if m.bias is None else m.bias.repeat_interleave(2 ** d))
    if d == 2:
        return F.pixel_shuffle(y, 2)
    y = y.reshape(len(x), -1, *(2,) * d, *x.shape[2:])
    order = [n for k in range(d) for n in (2 + d + k, 2 + k)]
    return y.permute(0, 1, *order).reshape(len(x), -1, *(2 * n for n in x.shape[2:]))


def largest(x):
    """The largest of 2x2x2, axis by axis: PyTorch's own knows no bfloat16."""
    for axis in (2, 3, 4):
        x = torch.maximum(*x.unflatten(axis, (x.shape[axis] // 2, 2)).unbind(axis + 1))
    return x


def rounded(conv):
    """conv with what it reads, writes and adds in bfloat16, the channels of a pixel side by side."""
    def run(x, weight, bias=None, *rest):
        form = torch.channels_last if x.dim() == 4 else torch.channels_last_3d
        x, weight = (v.to(torch.bfloat16).contiguous(memory_format=form) for v in (x, weight))
        return conv(x, weight, None if bias is None else bias.to(torch.bfloat16), *rest)
    return run


def doubles(m):
    return set(m.kernel_size + m.stride) == {2} and set(m.padding + m.output_padding) == {0} \
        and set(m.dilation) == {1} and m.groups == 1


def forward_of(m, pad, bfloat16):
    """How layer m runs, or None: as ever.  pad: None, or what stands round its map."""
    if isinstance(m, nn.MaxPool3d):
        return largest if bfloat16 and m.kernel_size == m.stride == 2 else None
    conv = CONV[m.weight.dim() - 2]
    conv = rounded(conv) if bfloat16 else conv
    if isinstance(m, (nn.ConvTranspose2d, nn.ConvTranspose3d)):
        return (lambda x: doubled(x, m, conv)) if doubles(m) else None
    if pad:
        return lambda x: conv(pad(x), m.weight, m.bias)
    plain = bfloat16 and m.padding_mode == "zeros"
    return (lambda x: conv(x, m.weight, m.bias, m.stride, m.padding, m.dilation, m.groups)) if plain else None


@contextlib.contextmanager
def running(net, border="zero", bfloat16=False):
    pads, pad = {}, borders.wrap(RING)
    for stage, level in net.levels() if border == "wrap" else ():
        pads.update((m, lambda x, level=level: pad(x, level)) for m in stage if isinstance(m, nn.Conv2d))
    forwards = {m: forward_of(m, pads.get(m), bfloat16) for m in net.modules() if isinstance(m, KINDS)}
    forwards = {m: forward for m, forward in forwards.items() if forward}
    for m, forward in forwards.items():
        m.forward = forward
    try:
        yield
    finally:
        for m in forwards:
            del m.forward
