"""Volumes as the slices a network sees, and masks back on the volume.

The rules are those of docs/conventions.md: axes of the patient by the largest
entry of each column of the affine, values by percentiles of the whole volume or
by a window, slices resampled to the network's spacing.  numpy, and nibabel for
reading.  Needed before: nothing.
"""
import numpy as np

# (axis of the patient, direction) of slices, rows, columns; axes are left to
# right, posterior to anterior, inferior to superior.
PLANES = {"axial": ((2, 1), (1, -1), (0, 1)),
          "coronal": ((1, 1), (2, -1), (0, 1)),
          "sagittal": ((0, 1), (2, -1), (1, -1))}
CLOSE = 0.01            # spacings that differ by less are one
NUMBER = 1e30           # what is larger is no number
DIFFERENT = 16          # values between the ends, for one of these to be a fill value
BROAD = 1.5             # an image that shrinks by more is averaged first


class Volume:
    """voxels [x, y, z] as stored, scaled by slope and intercept; affine 4x4; spacing in mm; full: the
    range of the stored integer type, scaled, None of floats."""

    def __init__(self, name, voxels, affine, full=None):
        self.name, self.voxels, self.affine, self.full = name, voxels, np.asarray(affine, float), full
        self.spacing = np.sqrt((self.affine[:3, :3] ** 2).sum(0))


def read(path, volume=None):
    """The Volume of a NIfTI file; of a 4-D one the given volume."""
    try:
        import nibabel
    except ImportError:
        raise ValueError("%s: reading it needs nibabel (make deps-train)" % path)
    try:
        image = nibabel.load(path)
        voxels = np.asanyarray(image.dataobj)
    except Exception as e:
        raise ValueError("%s: %s" % (path, " ".join(str(e).split())[:200] or type(e).__name__))
    while voxels.ndim > 3 and voxels.shape[-1] == 1:
        voxels = voxels[..., 0]
    if voxels.ndim == 4:
        if volume is None:
            raise ValueError("%s: %d volumes, want one" % (path, voxels.shape[3]))
        voxels = voxels[..., volume]
    if voxels.ndim != 3 or 0 in voxels.shape:
        raise ValueError("%s: %s, want three dimensions" % (path, "x".join(map(str, voxels.shape))))
    return Volume(str(path), voxels, image.affine, full_of(image))


def full_of(image):
    """The range of an image's stored integers, scaled; None of floats."""
    kind = image.header.get_data_dtype()
    if kind.kind not in "iu":
        return None
    slope, inter = (image.dataobj.slope, image.dataobj.inter)
    return tuple(sorted(float(v) * slope + inter for v in (np.iinfo(kind).min, np.iinfo(kind).max)))


def orientation(affine):
    """For each stored axis (axis of the patient, direction)."""
    from nibabel.orientations import io_orientation
    return [(int(a), int(d)) for a, d in io_orientation(affine)]


def layout(affine, plane):
    """(stored axes of slices, rows, columns; their directions, 1 or -1) of a plane.

    No plane: the third stored axis is sliced, rows and columns are the other two
    as the patient lies: the second plane of the list that has this axis.
    """
    stored = orientation(affine)
    if plane is None:
        sliced = stored[2][0]
        plane = {v[0][0]: k for k, v in PLANES.items()}[sliced]
    axes, turns = [], []
    for axis, direction in PLANES[plane]:
        k, = [k for k, (a, _) in enumerate(stored) if a == axis]
        axes.append(k)
        turns.append(direction * stored[k][1])
    return axes, turns


def sliced(voxels, affine, plane):
    """Voxels [x, y, z] as slices [slice, row, column]."""
    axes, turns = layout(affine, plane)
    return voxels.transpose(axes)[tuple(np.s_[::t] for t in turns)]


def stored(slices, affine, plane):
    """The inverse of sliced."""
    axes, turns = layout(affine, plane)
    return slices[tuple(np.s_[::t] for t in turns)].transpose(np.argsort(axes))


def data_of(x, fill=True):
    """(lowest, highest) value of x that is data: numbers below 1e30 in size, and neither end if it is
    further from the others than these are from each other, which are of 16 values or more."""
    some = np.unique(x[np.isfinite(x) & (np.abs(np.where(np.isfinite(x), x, 0)) < NUMBER)])
    if some.size == 0:
        raise ValueError("no voxel is a number below %g" % NUMBER)
    if fill and some.size >= 2 + DIFFERENT:
        span = some[-2] - some[1]
        keep = slice(int(some[1] - some[0] > span), some.size - int(some[-1] - some[-2] > span))
        some = some[keep]
    return some[0], some[-1]


def ends(data, kind, low, high, full):
    """The values that become 0 and 255."""
    if kind == "window":
        return low, high
    if kind == "full":
        return full if full else (data.min(), data.max())
    first, last = np.percentile(data, (low, high))
    if first == last and (data != first).any():         # nearly all of the volume is one value
        others = np.percentile(data[data != first], (low, high))
        first, last = min(first, others[0]), max(last, others[1])
    return first, last


def values(voxels, kind="percentiles", low=1.0, high=99.5, full=None):
    """Voxels as pixels 0..255, float32; what is no data becomes 0.  full: the range of a stored integer type."""
    x = np.asarray(voxels, np.float64)
    least, most = data_of(x, kind != "full")
    inside = (x >= least) & (x <= most)
    low, high = ends(x[inside], kind, low, high, full)
    if high <= low:
        return np.zeros(x.shape, np.float32)
    return np.where(inside, ((np.where(inside, x, low) - low) / (high - low) * 255).clip(0, 255), 0).astype(np.float32)


def size_at(n, spacing, want):
    """Pixels of a row of n that are `spacing` mm apart, at `want` mm; n where nothing changes."""
    if not want or abs(want / spacing - 1) <= CLOSE:
        return n
    return max(1, int(np.floor(n * spacing / want + 0.5)))


def places(n, m, factor):
    """Where the m new pixel centres lie among n old ones, `factor` old ones apart, the middle kept."""
    return (np.arange(m) - (m - 1) / 2) * factor + (n - 1) / 2


def along(x, axis, m, factor):
    """x resampled along one axis to m pixels, `factor` old ones apart: linear, or means of `factor` old ones."""
    n, at = x.shape[axis], places(x.shape[axis], m, factor)
    weight = np.zeros((m, n))
    rows = np.arange(m)
    if factor > BROAD:
        edges = np.arange(n) - 0.5
        inside = np.minimum(edges + 1, at[:, None] + factor / 2) - np.maximum(edges, at[:, None] - factor / 2)
        weight = inside.clip(0)
        weight[weight.sum(1) == 0, 0 if at[0] < 0 else n - 1] = 1
        weight /= weight.sum(1, keepdims=True)
    else:
        at = at.clip(0, n - 1)
        low = np.floor(at).astype(int).clip(0, max(0, n - 2))
        weight[rows, low] += 1 - (at - low)
        weight[rows, np.minimum(low + 1, n - 1)] += at - low
    return np.moveaxis(np.tensordot(weight, np.moveaxis(x, axis, 0), 1), 0, axis)


def resampled(slices, spacing, want):
    """Slices [K, H, W] of (row, column) spacings at the wanted ones; unchanged where they agree."""
    x = slices
    for axis, have, aim in zip((1, 2), spacing, want or (0, 0)):
        m = size_at(x.shape[axis], have, aim)
        if aim and abs(aim / have - 1) > CLOSE:
            x = along(x, axis, m, aim / have)
    return x.astype(slices.dtype) if x is not slices else x


def nearest(labels, shape, spacing, want):
    """Labels [K, h, w] of the network's grid on the volume's [K, H, W]: the nearest pixel's."""
    for axis, have, aim in zip((1, 2), spacing, want or (0, 0)):
        n, m = labels.shape[axis], shape[axis]
        if aim and abs(aim / have - 1) > CLOSE:
            at = np.floor(places(n, m, have / aim) + 0.5).astype(int).clip(0, n - 1)
            labels = labels.take(at, axis)
    return labels


def spacing_of(volume, plane):
    """(mm between rows, between columns) of a volume's slices."""
    axes, _ = layout(volume.affine, plane)
    return tuple(float(volume.spacing[k]) for k in axes[1:])


def pixels(volume, images):
    """The slices a network sees, float32 [K, H, W] of 0..255; images: `images` of the model file."""
    plane = images.get("plane")
    x = values(volume.voxels, images.get("values", "percentiles"), images.get("low", 1.0), images.get("high", 99.5),
               volume.full)
    return resampled(sliced(x, volume.affine, plane), spacing_of(volume, plane), images.get("spacing"))


def centred(x, size):
    """x [..., D, H, W] cut to the size in its middle, or in the middle of zeros: of an odd rest the larger half lies
    behind.  Twice, to the first size again, brings what was not cut back to its place."""
    for axis, want in zip((-3, -2, -1), size):
        n = x.shape[axis]
        x = x.take(np.arange(min(n, want)) + max(0, (n - want) // 2), axis)
        more = want - x.shape[axis]
        pad = [(0, 0)] * x.ndim
        pad[axis] = more // 2, more - more // 2
        x = np.pad(x, pad)
    return x


def labels_at(labels, volume, images):
    """Labels [x, y, z] as slices of the network's grid: of each pixel the class that covers most of it."""
    plane = images.get("plane")
    y = sliced(np.asarray(labels), volume.affine, plane)
    spacing, want = spacing_of(volume, plane), images.get("spacing")
    kinds = np.unique(y)
    parts = [resampled((y == k).astype(np.float32), spacing, want) for k in kinds]
    return kinds[np.argmax(parts, 0)].astype(np.uint8)


def mask_on(volume, labels, images):
    """Labels of the network's slices on the volume's voxels, uint8 [x, y, z]."""
    plane = images.get("plane")
    like = sliced(volume.voxels, volume.affine, plane)
    y = nearest(np.asarray(labels, np.uint8), like.shape, spacing_of(volume, plane), images.get("spacing"))
    return stored(y, volume.affine, plane)
