"""Folders of images and masks, paired by name: PNG, JPEG, PGM, PPM, NIfTI.

A pair is what remains of both names without ending and without one of the words
below at its end, behind a mark; of a pattern with one star, what the star stands
for.  Needed before: volumes.py.
"""
import glob
import os
import re

import numpy as np

import volumes

ENDINGS = (".nii.gz", ".nii", ".png", ".jpg", ".jpeg", ".pgm", ".ppm")
WORDS = "image|images|img|mask|masks|label|labels|seg|segmentation|gt"
WORD = re.compile(r"[-_. ](?:%s)$" % WORDS, re.I)


class Pair:
    """name; pixels, float32 [K, C, H, W] of 0..255; labels, uint8 [K, H, W]; for volumes the
    volume and its own labels [x, y, z].  A volume as a whole: [1, C, D, H, W], [1, D, H, W], and
    grid, its (slices, rows, columns) before it was cut or padded."""

    def __init__(self, name, pixels, labels, volume=None, own=None, grid=None):
        self.name, self.pixels, self.labels, self.volume, self.own, self.grid = name, pixels, labels, volume, own, grid


def ending(path):
    found = [e for e in ENDINGS if path.lower().endswith(e)]
    return found[0] if found else None


def listed(source, what):
    """{key: path} of a folder or of a pattern."""
    if os.path.isdir(source):
        paths = [os.path.join(source, n) for n in os.listdir(source) if not n.startswith(".")]
    else:
        paths = glob.glob(source)
    paths = sorted(p for p in paths if ending(p) and os.path.isfile(p))
    if not paths:
        raise ValueError("%s: no %s (a folder or a pattern in quotes; %s)" % (source, what, " ".join(ENDINGS)))
    found = {}
    for path in paths:
        name = os.path.basename(path)
        key = None if os.path.isdir(source) else starred(os.path.basename(source), name)
        if key is None:
            key = WORD.sub("", name[:-len(ending(path))])
        if key in found:
            raise ValueError("%s and %s: both are the %s of %s" % (found[key], path, what.rstrip("s"), key))
        found[key] = path
    return found


def starred(pattern, name):
    """What the one star of a pattern stands for in a name; None where it has not one star."""
    parts = pattern.split("*")
    if len(parts) != 2 or set("?[") & set(pattern):
        return None
    return name[len(parts[0]):len(name) - len(parts[1])]


def paired(images, masks):
    """[(name, image, mask)] in the order of names; refuses what has no partner."""
    images, masks = listed(images, "images"), listed(masks, "masks")
    if set(images) == set(masks) and images == masks:
        raise ValueError("images and masks are the same files")
    for path in set(images.values()) & set(masks.values()):     # a folder that holds both
        raise ValueError("%s: is an image and a mask; give patterns, such as 'F/*-image.nii.gz' and 'F/*-label.nii.gz'"
                         % path)
    for one, other, what in ((images, masks, "mask"), (masks, images, "image")):
        alone = sorted(set(one) - set(other))
        if alone:
            raise ValueError("%s: no %s of this name (%s); %d of %d have none" % (
                one[alone[0]], what, alone[0], len(alone), len(one)))
    return [(key, images[key], masks[key]) for key in sorted(images)]


def picture(path):
    """uint8 [H, W] or [H, W, 3]; of palettes and of 1 bit the grey or colour they mean."""
    try:
        from PIL import Image
    except ImportError:
        raise ValueError("%s: reading it needs Pillow (make deps-train)" % path)
    try:
        image = Image.open(path)
        image.load()
    except Exception as e:
        raise ValueError("%s: %s" % (path, " ".join(str(e).split())[:200]))
    if image.mode in ("1", "L", "RGB"):
        return np.array(image.convert("L") if image.mode == "1" else image)
    if image.mode in ("I;16", "I"):
        return np.array(image).astype(np.uint16)
    if image.mode == "P":
        return np.array(image.convert("RGB"))
    raise ValueError("%s: mode %s, want grey or RGB" % (path, image.mode))


def mask_picture(path):
    """Values of a mask, [H, W]; of a palette its numbers."""
    from PIL import Image
    try:
        image = Image.open(path)
        y = np.array(image.convert("L") if image.mode == "1" else image)
    except Exception as e:
        raise ValueError("%s: %s" % (path, " ".join(str(e).split())[:200]))
    if y.ndim == 3 and (y[..., :1] == y[..., :3]).all():
        y = y[..., 0]
    if y.ndim != 2:
        raise ValueError("%s: a mask in colour; want one value a pixel" % path)
    return y


def as_labels(y, classes, path):
    """Mask values as labels 0..classes-1: 0 and 255 (or 0 and 1), or the labels themselves."""
    found = np.unique(y)
    if not np.isfinite(found).all() or (found != np.round(found)).any():
        raise ValueError("%s: mask values such as %g; want whole numbers" % (path, found[found != np.round(found)][0]))
    if classes == 2 and set(found.tolist()) <= {0, 255}:
        return (y > 0).astype(np.uint8)
    if found[0] < 0 or found[-1] >= classes:
        bad = found[0] if found[0] < 0 else found[-1]
        raise ValueError("%s: mask value %d; want 0..%d, one for each of %d classes%s" % (
            path, bad, classes - 1, classes, ", or 0 and 255" if classes == 2 else " (--classes)"))
    return y.astype(np.uint8)


def boxed(x, size, path):
    """[..., H, W] with sides that are whole multiples of size, each pixel the mean of its box."""
    h, w = x.shape[-2:]
    if (h, w) == size:
        return x
    a, b = h // size[0], w // size[1]
    if a < 1 or b < 1 or (a * size[0], b * size[1]) != (h, w):
        raise ValueError("%s: %dx%d, want %dx%d or whole multiples" % (path, h, w, size[0], size[1]))
    return x.reshape(*x.shape[:-2], size[0], a, size[1], b).mean((-3, -1), dtype=np.float32)


def load_picture(name, image, mask, classes, spec, size):
    x, y = picture(image), mask_picture(mask)
    if x.shape[:2] != y.shape:
        raise ValueError("%s: %dx%d, its mask %dx%d" % ((image,) + x.shape[:2] + y.shape))
    y = as_labels(y, classes, mask)
    if x.dtype == np.uint16:            # by the model's rule, without one by the whole range
        x = volumes.values(x, spec.get("values", "percentiles") if spec else "full", spec.get("low", 1.0),
                           spec.get("high", 99.5), (0, 65535))
    x = np.atleast_3d(x).transpose(2, 0, 1).astype(np.float32)
    if size:
        parts = np.stack([boxed((y == k).astype(np.float32), size, mask) for k in range(classes)])
        x, y = boxed(x, size, image), parts.argmax(0).astype(np.uint8)
    return Pair(name, x[None], y[None])


def load_volume(name, image, mask, classes, images, whole=None):
    v, m = volumes.read(image), volumes.read(mask)
    if v.voxels.shape != m.voxels.shape:
        raise ValueError("%s: %s, its mask %s" % (image, "x".join(map(str, v.voxels.shape)),
                                                  "x".join(map(str, m.voxels.shape))))
    if not np.allclose(v.affine, m.affine, atol=0.01 * v.spacing.max()):
        raise ValueError("%s: lies elsewhere than its mask %s (their affines differ)" % (image, mask))
    own = as_labels(m.voxels, classes, mask)
    try:
        x = volumes.pixels(v, images)
    except ValueError as e:
        raise ValueError("%s: %s" % (image, e))
    y = volumes.labels_at(own, v, images)
    if whole:
        return Pair(name, volumes.centred(x, whole)[None, None], volumes.centred(y, whole)[None], v, own, x.shape)
    return Pair(name, x[:, None], y, v, own)


def load(images, masks, classes=2, spec=None, size=None, whole=None):
    """The Pairs of two folders or patterns.

    classes: how many values a mask has; spec: `images` of the model file, for
    volumes; size: (height, width) that pictures are averaged down to; whole:
    (depth, height, width) that volumes are cut or padded to round their middle.
    """
    result = []
    for name, image, mask in paired(images, masks):
        volume = [ending(p).startswith(".nii") for p in (image, mask)]
        if volume[0] != volume[1]:
            raise ValueError("%s and %s: one is a volume, the other a picture" % (image, mask))
        if whole and not volume[0]:
            raise ValueError("%s: a picture, and --dims 3 takes volumes" % image)
        result.append(load_volume(name, image, mask, classes, spec or {}, whole) if volume[0]
                      else load_picture(name, image, mask, classes, spec or {}, size))
    channels = sorted({p.pixels.shape[1] for p in result})
    if len(channels) > 1:
        raise ValueError("%s: some images are grey, some in colour" % images)
    if len({p.volume is None for p in result}) > 1:
        raise ValueError("%s: some files are volumes, some pictures" % images)
    return result
