"""The images that an export measures on: arrays, files, folders; pictures and NIfTI volumes.

Pixels come out as the network will see them, 0..255, by the rules of `images`
in the model file (docs/model.md).  Needed before: volumes.py, for volumes.
"""
import glob
import os
import re

import numpy as np
import torch

import data
from refusals import Refused

PICTURES = (".png", ".pgm", ".ppm", ".jpg", ".jpeg")
VOLUMES = (".nii", ".nii.gz")
KEYS = {"modality", "plane", "spacing", "values", "low", "high"}
MOST = 512              # images that are measured on


def expected(given):
    """`images` of the model file: the same with every number a float; None where nothing is said."""
    if given is None:
        return None
    e = {k: v for k, v in dict(given).items() if v is not None and v != ""}
    odd = set(e) - KEYS
    if odd:
        raise Refused("expects: %s is not known; want some of %s" % (min(odd), ", ".join(sorted(KEYS))))
    if len(e.get("modality", "").encode()) > 63:
        raise Refused("expects: modality has %d bytes, want at most 63" % len(e["modality"].encode()))
    if e.get("plane") not in (None, "axial", "coronal", "sagittal"):
        raise Refused("expects: plane %r, want axial, coronal or sagittal" % e["plane"])
    if "spacing" in e:
        mm = e["spacing"] if isinstance(e["spacing"], (tuple, list)) else (e["spacing"],) * 2
        if len(mm) != 2 or not all(0 < v < 1e6 for v in mm):
            raise Refused("expects: spacing %r, want mm between rows and between columns" % (e["spacing"],))
        e["spacing"] = [float(v) for v in mm]
    kind = e.get("values", "percentiles")
    if kind not in ("percentiles", "window", "full"):
        raise Refused("expects: values %r, want percentiles, window or full" % kind)
    if kind == "full" and ("low" in e or "high" in e):
        raise Refused("expects: values are full, which has no low and high")
    if ("low" in e) != ("high" in e) or kind == "window" and "low" not in e:
        raise Refused("expects: low and high, both of them%s" % (", for a window" if kind == "window" else ""))
    if "low" in e:
        e["low"], e["high"] = float(e["low"]), float(e["high"])
        if not e["low"] < e["high"] or kind == "percentiles" and not (e["low"] >= 0 and e["high"] <= 100):
            raise Refused("expects: low %g, high %g, want low < high%s"
                          % (e["low"], e["high"], " in 0..100" if kind == "percentiles" else ""))
    return e


# ---- files ------------------------------------------------------------------

def files_of(path):
    """The files of a folder, in order; a file alone."""
    if not os.path.isdir(path):
        return [path]
    found = sorted(p for p in glob.glob(os.path.join(glob.escape(path), "*"))
                   if p.lower().endswith(PICTURES + VOLUMES) and os.path.isfile(p))
    if not found:
        raise Refused("%s: no images (%s)" % (path, " ".join(PICTURES + VOLUMES)))
    return found


def picture(path, expects):
    """[C, H, W] of a grey or colour picture."""
    try:
        if path.lower().endswith((".pgm", ".ppm")):
            x = data.read_pnm(path)
        else:
            from PIL import Image               # nothing else here needs it
            image = Image.open(path)
            if image.mode == "1":
                image = image.convert("L")
            if image.mode not in ("L", "RGB", "I;16", "I"):
                raise ValueError("mode %s, want grey or RGB" % image.mode)
            x = np.array(image)
    except ImportError:
        raise Refused("%s: reading it needs Pillow (make deps-train); PGM and PPM need nothing" % path)
    except (OSError, ValueError) as e:
        raise Refused("%s: %s" % (path, e))
    if x.dtype != np.uint8:
        import volumes
        e = expects or {"values": "full"}
        x = volumes.values(x.astype(np.uint16), e.get("values", "percentiles"), e.get("low", 1.0), e.get("high", 99.5))
    return torch.from_numpy(np.array(x)).reshape(*x.shape[:2], -1).permute(2, 0, 1)


def volume(path, expects):
    """[K, 1, H, W] of the slices of FILE[:volume=V][:slice=K]."""
    try:
        import volumes
        where = dict(re.findall(r":(volume|slice)=(\d+)", path))
        v = volumes.read(re.sub(r"(:(volume|slice)=\d+)+$", "", path), *[int(where[k]) for k in where if k == "volume"])
        x = volumes.pixels(v, expects or {})
        x = x[[int(where["slice"])]] if "slice" in where else x
    except IndexError:
        raise Refused("%s: has %d slices, from 0 on" % (path, len(x)))
    except ValueError as e:
        raise Refused(str(e))
    return torch.from_numpy(np.array(x))[:, None]


def read(path, expects):
    """A list of [C, H, W]."""
    result = []
    for name in files_of(os.fspath(path)):
        if re.sub(r":.*", "", os.path.basename(name)).lower().endswith(VOLUMES):
            result += list(volume(name, expects))
        else:
            result.append(picture(name, expects))
    return result


# ---- one tensor -------------------------------------------------------------

def at_size(x, height, width):
    """[C, H, W] cut in the middle, or reflected beyond its edges."""
    for axis, want in ((1, height), (2, width)):
        n = x.shape[axis]
        at = (torch.arange(want) + (n - want) // 2) % max(1, 2 * (n - 1))
        x = x.index_select(axis, torch.where(at < n, at, 2 * (n - 1) - at))
    return x


def volumes_of(images, expects, size):
    """A list of [C, D, H, W] of one size, of NIfTI files, folders of them, or arrays."""
    import volumes
    parts = []
    for x in images:
        if not isinstance(x, (str, os.PathLike)):
            x = np.asarray(x)
            parts.append(x if x.ndim > 3 else x[None])
            continue
        for name in files_of(os.fspath(x)):
            try:
                parts.append(volumes.pixels(volumes.read(name), expects or {})[None])
            except ValueError as e:
                raise Refused(str(e))
    return [torch.from_numpy(volumes.centred(x, size)) for x in parts]


def as_pixels(images, expects=None, size=None, dims=2):
    """Pixels 0..255, float64 [K, C, H, W], of a tensor, an array, a file or folder, or a list of any.

    size: (height, width) that images of other sizes are cut or reflected to, or
    None: all have one size.  dims 3: volumes as wholes, [K, C, D, H, W]; size is
    then (depth, height, width), that of volumes.centred.
    """
    if isinstance(images, (str, os.PathLike)):
        images = [images]
    if isinstance(images, (list, tuple)) and dims == 3:
        images = torch.stack(volumes_of(images, expects, size))
    if isinstance(images, (list, tuple)):
        parts = []
        for x in images:
            parts += read(x, expects) if isinstance(x, (str, os.PathLike)) else [torch.as_tensor(x)]
        parts = parts[::-(-len(parts) // MOST) or 1]
        if size:
            parts = [at_size(x if x.dim() > 2 else x[None], *size) for x in parts]
        sizes = {tuple(x.shape) for x in parts}
        if len(sizes) != 1:
            raise Refused("images: %s; want one size and as many channels in all" % (
                "none" if not sizes else " and ".join("x".join(map(str, s)) for s in sorted(sizes)[:2])))
        images = torch.stack([x.double() for x in parts])
    x = torch.as_tensor(images)
    if x.dim() == dims + 1:
        x = x[:, None]
    if x.dim() != dims + 2 or len(x) == 0:
        shape = "D, H, W" if dims == 3 else "H, W"
        raise Refused("images: shape %s, want [K, C, %s] or [K, %s]" % (list(x.shape), shape, shape))
    if x.is_floating_point() and float(x.abs().max()) <= 1.0:
        raise Refused("images: values up to %.3g; want pixels, 0..255: the module's input is pixel * mul + add"
                      % float(x.abs().max()))
    if float(x.min()) < 0 or float(x.max()) > 255:
        raise Refused("images: values %g to %g, want pixels, 0..255" % (float(x.min()), float(x.max())))
    return x[::-(-len(x) // MOST)].double()
