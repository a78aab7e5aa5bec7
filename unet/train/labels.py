"""What a model file says of a mask of several labels (docs/model.md).

logits [K, labels, (D,) H, W]; label k of a pixel is the channel with the largest
logit, of equal ones the first.  Needed before: nothing.
"""
MOST = 16


def rms(x):
    return float(x.square().mean().sqrt())


def mask(logits):
    """[K, H, W], 0..labels-1."""
    return logits.argmax(1)


def apart(change):
    """Of a change of logits: the largest rms of a label's, or of the difference of two, which decides on a pixel."""
    each = change.unbind(1)
    return max([rms(v) for v in each] + [rms(a - b) for i, a in enumerate(each) for b in each[:i]])


def margins(logits):
    """Of each label: rms of its logit less the largest of the others."""
    found = []
    for k in range(logits.shape[1]):
        others = [i for i in range(logits.shape[1]) if i != k]
        found.append(rms(logits[:, k] - logits[:, others].amax(1)))
    return found


def entries(logits, most):
    """The list "labels" of the output's range; most: its "max", over all slots, of which each has its share."""
    top = logits.abs().transpose(0, 1).flatten(1).amax(1) / logits.abs().max() * most
    return [{"max": min(float("%.7g" % float(t)), most), "margin": float("%.7g" % m)}
            for t, m in zip(top, margins(logits))]
