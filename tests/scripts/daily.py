"""daily.py make -- volumes, pictures and a network for daily.sh, in the folder at hand.
daily.py mask MASK.nii VOLUME -- the mask is what the network's definition says of the volume, voxel by voxel
daily.py all FOLDER -- the same of FOLDER/NAME-mask.nii[.gz] for volumes all/NAME.nii, and by nibabel where it is installed
daily.py overlap MASK.nii -- it covers the object, within a pixel's rounding
daily.py one FILE.json KEY ... -- the value there

Standard library only.  The network: a = 0.6 (the pixel above) + 0.4 (the pixel to the left); mask where a^2 > 1/4.
Objects are bright (p > 0.9), the rest dark (p < 0.1), so no rounding decides a pixel; what is above and to the left
tells every flip and transposition.
"""
import gzip
import itertools
import json
import os
import struct
import sys
import zlib

SHAPE = (13, 17, 6)                     # right, anterior, superior


def model(path, name, images):
    """The network, for slices of any size."""
    layers = [{"op": "conv", "name": "a", "in": ["image"], "weight": "a.w", "bias": "a.b", "kernel": 3},
              {"op": "square", "name": "sq", "in": ["a"]},
              {"op": "conv", "name": "logit", "in": ["sq"], "weight": "o.w", "bias": "o.b", "kernel": 1}]
    ranges = {key: {"max": 1.5, "rms": 0.5, "gain": 1} for key in ("image", "a", "sq", "logit")}
    network = {"name": name, "border": "halo", "input": {"channels": 1, "height": 14, "width": 14, "mul": 1 / 255, "add": 0},
               "output": {"tensor": "logit", "threshold": 0.0, "foreground": "object"}, "layers": layers, "ranges": ranges}
    if images:
        network["images"] = images
    kernel = [0, 0.6, 0, 0.4, 0, 0, 0, 0, 0]
    tensors = {"a.w": ([1, 1, 3, 3], kernel), "a.b": ([1], [0]), "o.w": ([1, 1, 1, 1], [1]), "o.b": ([1], [-0.25])}
    header, body = {"__metadata__": {"format": "volley-1", "network": json.dumps(network), "origin": "a test"}}, b""
    for key, (shape, values) in tensors.items():
        raw = struct.pack("<%df" % len(values), *values)
        header[key] = {"dtype": "F32", "shape": shape, "data_offsets": [len(body), len(body) + len(raw)]}
        body += raw
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + body)


def inside(r, a, s):
    """An object without symmetry, of the middle of each voxel: r, a, s in 0..1."""
    return (0.2 < r < 0.5 and 0.2 < a < 0.85) or (0.5 <= r < 0.8 and 0.6 < a < 0.85 and s > 0.3)


def voxel(i, j, k, shape=SHAPE):
    """400 to 420, or 960 to 1000."""
    r, a, s = ((x + 0.5) / n for x, n in zip((i, j, k), shape))
    return int(960 + 20 * r + 20 * s if inside(r, a, s) else 400 + 20 * a)


def orders():
    """Six ways of 48 to store a volume: which patient axis each stored axis is, and its sign."""
    return {"RAS": ((0, 1), (1, 1), (2, 1)), "LPS": ((0, -1), (1, -1), (2, 1)), "ARS": ((1, 1), (0, 1), (2, 1)),
            "PSR": ((1, -1), (2, 1), (0, 1)), "SRA": ((2, 1), (0, 1), (1, 1)), "ILP": ((2, -1), (0, -1), (1, -1))}


def nifti(path, axes, value=voxel, shape=SHAPE, spacing=(0.25, 0.25, 2.0), offset=0):
    """A NIfTI-1 file of int16 with an sform; value of patient voxel (i, j, k)."""
    stored = [shape[axis] for axis, _ in axes]
    header = bytearray(348)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *stored, 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, 4, 16)
    struct.pack_into("<8f", header, 76, 1, *[spacing[axis] for axis, _ in axes], 0, 0, 0, 0)
    struct.pack_into("<3f", header, 108, 352, 1, 0)
    struct.pack_into("<B", header, 123, 2)
    struct.pack_into("<hh", header, 252, 0, 1)
    for row in range(3):
        column, sign = next((c, s) for c, (axis, s) in enumerate(axes) if axis == row)
        affine = [0.0] * 4
        affine[column] = sign * spacing[row]
        affine[3] = -7.0 if sign > 0 else -7.0 + spacing[row] * (shape[row] - 1)
        struct.pack_into("<4f", header, 280 + 16 * row, *affine)
    header[344:348] = b"n+1\0"
    body = bytearray()
    for last, second, first in itertools.product(*[range(n) for n in reversed(stored)]):
        at = [0, 0, 0]
        for (axis, sign), x in zip(axes, (first, second, last)):
            at[axis] = x if sign > 0 else shape[axis] - 1 - x
        body += struct.pack("<h", value(*at) + offset)
    raw = bytes(header) + b"\0" * 4 + bytes(body)
    with (gzip.open if path.endswith(".gz") else open)(path, "wb") as f:
        f.write(raw)


def read(path):
    """(header, stored shape, voxels first axis fastest, patient axes) of a file as nifti() or volley writes it."""
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as f:
        raw = f.read()
    shape = struct.unpack_from("<3h", raw, 42)
    kind = {2: "B", 4: "h"}[struct.unpack_from("<h", raw, 70)[0]]
    count = shape[0] * shape[1] * shape[2]
    assert len(raw) == 352 + count * struct.calcsize(kind), "%s: %d bytes" % (path, len(raw))
    rows = [struct.unpack_from("<4f", raw, 280 + 16 * r) for r in range(3)]
    axes = [next((r, 1 if rows[r][c] > 0 else -1) for r in range(3) if rows[r][c]) for c in range(3)]
    return raw[:352], shape, struct.unpack_from("<%d%s" % (count, kind), raw, 352), axes


def reflect(i, n):
    """Beyond the edge, the edge not repeated."""
    return -i if i < 0 else 2 * n - 2 - i if i >= n else i


def expected(i, j, k, shape=SHAPE):
    """The network at patient voxel (i, j, k): above is anterior, left is left."""
    bright = [voxel(i, shape[1] - 1 - reflect(shape[1] - 2 - j, shape[1]), k) > 700, voxel(reflect(i - 1, shape[0]), j, k) > 700]
    return 0.6 * bright[0] + 0.4 * bright[1] > 0.5


def patient(shape, axes):
    """Stored voxels in the file's order, each with its place in the patient."""
    full = [0, 0, 0]
    for (axis, _), n in zip(axes, shape):
        full[axis] = n
    for n, (last, second, first) in enumerate(itertools.product(*[range(x) for x in reversed(shape)])):
        at = [0, 0, 0]
        for (axis, sign), x in zip(axes, (first, second, last)):
            at[axis] = x if sign > 0 else full[axis] - 1 - x
        yield n, at, full


def check_mask(path, volume):
    header, shape, mask, axes = read(path)
    wanted, other, _, _ = read(volume)
    assert shape == other, "shape %r, the volume's is %r" % (shape, other)
    for where, size in ((76, 16), (252, 76)):
        assert header[where:where + size] == wanted[where:where + size], "header differs at %d" % where
    wrong = sum(mask[n] != expected(*at) for n, at, _ in patient(shape, axes))
    assert wrong == 0 and 0 < sum(mask) < len(mask), "%d of %d voxels are wrong" % (wrong, len(mask))


def check_overlap(path):
    _, shape, mask, axes = read(path)
    both = one = 0
    for n, at, full in patient(shape, axes):
        here = inside(*((x + 0.5) / size for x, size in zip(at, full)))
        both += here and mask[n] == 1
        one += here + (mask[n] == 1)
    assert 2 * both / one > 0.8, "Dice %.3f" % (2 * both / one)
    print("Dice %.3f" % (2 * both / one))


def check_all(folder):
    """All 48 ways to store a volume."""
    try:
        import nibabel
        import numpy
    except ImportError:
        nibabel = None
    names = sorted(os.listdir("all"))
    for name in names:
        mask = os.path.join(folder, name[:-4] + "-mask.nii")
        mask += "" if os.path.exists(mask) else ".gz"
        check_mask(mask, os.path.join("all", name))
        if nibabel is None:
            continue
        image, found = nibabel.load(os.path.join("all", name)), nibabel.load(mask)
        assert (image.affine == found.affine).all() and image.header.get_zooms() == found.header.get_zooms()
        assert "".join(nibabel.aff2axcodes(found.affine)) == name[:-4]
        patient_side = numpy.asarray(nibabel.as_closest_canonical(found).dataobj)
        wanted = [[[expected(i, j, k) for k in range(SHAPE[2])] for j in range(SHAPE[1])] for i in range(SHAPE[0])]
        assert (patient_side == numpy.array(wanted)).all(), name
    print("%d volumes, %s nibabel" % (len(names), "without" if nibabel is None else "with"))
    assert len(names) == 48


def png(path, rows, bits):
    """Grey, 8 or 16 bits."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    code = ">%d%s" % (len(rows[0]), "H" if bits == 16 else "B")
    raw = b"".join(b"\0" + struct.pack(code, *row) for row in rows)
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", len(rows[0]), len(rows), bits, 0, 0, 0, 0))
                + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


def make():
    axial = {"modality": "made images of an object", "plane": "axial", "spacing": [0.25, 0.25],
             "values": "percentiles", "low": 1, "high": 99.5}
    model("net", "net", axial)
    model("plain", "plain", None)
    for name, axes in orders().items():
        nifti(name + ".nii", axes)
    nifti("zip.nii.gz", orders()["LPS"])
    nifti("half.nii", orders()["RAS"], spacing=(0.5, 0.5, 2.0))
    nifti("near.nii", orders()["RAS"], spacing=(0.26, 0.26, 2.0))
    nifti("fill.nii", orders()["RAS"], lambda i, j, k: -32768 if i < 2 else voxel(i, j, k))
    os.mkdir("all")
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            name = "".join("RAS"[axis] if sign > 0 else "LPI"[axis] for axis, sign in zip(order, signs))
            nifti("all/%s.nii" % name, tuple(zip(order, signs)))
    rows = [[voxel(i, 16 - j, 4) for i in range(13)] for j in range(17)]
    png("twelve.png", rows, 16)
    png("eight.png", [[(v - 400) * 255 // 600 for v in row] for row in rows], 8)
    png("other.png", [[(v - 400) * 255 // 600 for v in row] for row in reversed(rows)], 8)


def one(path, *keys):
    with open(path) as f:
        value = json.load(f)
    for key in keys:
        value = value[int(key)] if isinstance(value, list) else value[key]
    print(len(value) if isinstance(value, (list, dict)) else value)


if __name__ == "__main__":
    {"make": make, "mask": check_mask, "all": check_all, "overlap": check_overlap, "one": one}[sys.argv[1]](*sys.argv[2:])
