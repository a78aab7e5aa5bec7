"""What cannot be encrypted, or not yet, by PyTorch's name, and what to do instead.

A key is a name in small letters without _ and the final 1d, 2d, 3d: ReLU, relu
and relu_ are relu.  Needed before: nothing.
"""
import re

# What the protocol of two parties computes.
PARTIES = "; or keep it, with protocol=\"blind\": `volley blind` computes it between two parties (docs/own.md)"
SQUARE = ("cannot be encrypted (sums and products only): take a square, x * x, or a polynomial of degree 2, "
          "with a BatchNorm2d before it, and train again (unet/train/README.md)")
NORM = "divides by statistics of each image, which cannot be encrypted: take BatchNorm2d and train again"
LAST = ("cannot be encrypted: at the end leave it out, the file gives logits (above 0: foreground; the largest wins); "
        "inside the network take a square and train again")
POOL = "compares, which cannot be encrypted: take AvgPool2d(2) and train again"
RELU = "with protocol=\"blind\": not yet; ReLU"
LARGEST = "with protocol=\"blind\": not yet; MaxPool2d(2), MaxPool3d(2)"
ATTENTION = "attention (products of values of different places, softmax) cannot be encrypted: use convolutions"
PAD = "not yet: give the padding to the convolution (padding=k//2 is border zero, padding=0 border valid)"
CUT = "not yet: no layer of a model file takes a part of a map"
FLAT = "not yet: images are maps of two dimensions; take the 2d form"
PIXELS = "not yet: moves pixels between channels; take a Conv2d with stride or a ConvTranspose2d(2, stride=2)"
TIME = "a recurrent layer cannot be encrypted here: use convolutions"


def words(text, advice):
    return {name: advice for name in text.split()}


ADVICE = {
    **words("relu relu6 leakyrelu prelu rrelu elu celu selu gelu glu hardsigmoid tanh hardtanh tanhshrink softshrink "
            "hardshrink silu hardswish mish softplus softsign threshold clamp clip abs exp log log1p sqrt rsqrt sin "
            "cos sign maximum minimum where reciprocal", SQUARE),
    **words("sigmoid logsigmoid softmax softmin logsoftmax argmax gt lt ge le", LAST),
    **words("maxpool adaptivemaxpool fractionalmaxpool lppool max amax min amin maxunpool topk", POOL),
    **words("instancenorm groupnorm layernorm localresponsenorm lazyinstancenorm normalize var std", NORM),
    **words("multiheadattention transformer transformerencoder transformerencoderlayer transformerdecoder "
            "transformerdecoderlayer scaleddotproductattention matmul bmm einsum", ATTENTION),
    **words("reflectionpad replicationpad constantpad", PAD),
    **words("getitem chunk split narrow select indexselect unbind", CUT),
    **words("pixelshuffle pixelunshuffle unfold fold channelshuffle", PIXELS),
    **words("lstm gru rnn lstmcell grucell", TIME),
    **words("permute transpose squeeze unsqueeze roll flip repeat expand",
            "not yet: no layer of a model file moves axes or places; before Linear use Flatten()"),
}
# What the protocol of two parties adds, and what is else near to it.
BLIND = ("relu", "maxpool")
INSTEAD = {SQUARE: RELU, POOL: LARGEST}
# What has a 2d form that is known, and a 3d form for the protocol.
ONLY_2D = ("conv", "convtranspose", "avgpool", "adaptiveavgpool", "batchnorm")


class Refused(ValueError):
    """The module, as it is, has no model file; the text says what and why, a line each."""


def advice(name, blind=False, dims=2):
    """What to do instead of a layer or function of PyTorch, or None: nothing is known against it.

    blind: in a file for the protocol of two parties; dims: 2 or 3, of the image.
    """
    key = name.lower().replace("_", "")
    short = re.sub(r"[123]d$", "", key)
    if short in ONLY_2D and key.endswith(("1d", "3d")) and key != "batchnorm1d":
        if key.endswith("3d"):
            return None if blind and dims == 3 else FLAT + PARTIES
        return FLAT
    text = ADVICE.get(short)
    if blind:
        return None if short in BLIND else INSTEAD.get(text, text)
    return text + PARTIES if short in BLIND else text
