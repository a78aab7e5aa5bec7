#!/usr/bin/env python3
"""volumes.py BUILD [PART] -- volumes against nibabel and numpy.

Slices as they are shown, values, resampling and masks that come back, for all
48 orders of axes; nothing of the loaders is used to say what is right.  Ends
with "N passed, N failed"; without nibabel a line says that it was left out.
"""
import itertools
import os
import subprocess
import sys
import tempfile
import warnings

try:
    import nibabel
    import numpy as np
except ImportError:
    print("skip volumes: no nibabel (make deps)")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)

warnings.simplefilter("ignore")
BUILD = sys.argv[1] if len(sys.argv) > 1 else "build"
PART = sys.argv[2] if len(sys.argv) > 2 else ""
ANY, AXIAL, CORONAL, SAGITTAL = range(4)
PERCENTILES, WINDOW, FULL = range(3)
SHAPE = (7, 6, 5)
ZOOMS = np.array([0.9, 1.1, 3.0])
passed = failed = 0


def check(good, what):
    global passed, failed
    passed += bool(good)
    failed += not good
    if not good:
        print("FAIL " + what)


class Read:
    """What build/slices says of a file."""

    def __init__(self, path, plane=AXIAL, spacing=(0, 0), values=PERCENTILES,
                 low=1, high=99.5, volume=None, mask=None):
        with tempfile.NamedTemporaryFile() as out:
            words = [os.path.join(BUILD, "slices"), path, plane, *spacing,
                     values, low, high, out.name, mask or "-"]
            done = subprocess.run(
                [str(w) for w in words + ([] if volume is None else [volume])],
                capture_output=True, text=True, timeout=300)
            self.refusal = done.stderr.strip() if done.returncode else None
            if done.returncode:
                return
            lines = done.stdout.splitlines()
            first = lines[0].split()
            n, channels, height, width = map(int, first[:4])
            self.plane, self.odd, self.fill = first[4], first[5] == "1", int(
                first[6])
            self.words = lines[1]
            self.pixels = np.fromfile(out.name).reshape(n, channels, height,
                                                        width)


def shown(ras, plane):
    """Slices of a volume along R, A, S: (slices, rows, columns)."""
    if plane == AXIAL:
        return np.transpose(ras[:, ::-1, :], (2, 1, 0))
    if plane == CORONAL:
        return np.transpose(ras[:, :, ::-1], (1, 2, 0))
    return np.transpose(ras[:, ::-1, ::-1], (0, 2, 1))


def scaled(data, low=1, high=99.5, of=None):
    """0..255 by the percentiles of the data, or of those given."""
    a, b = np.percentile(data if of is None else of, [low, high])
    return np.clip((data - a) / (b - a) * 255, 0, 255)


def values_of(image):
    return np.asanyarray(image.dataobj).astype(np.float64)


def canonical(image, data):
    """The same voxels along R, A, S by nibabel."""
    orient = nibabel.io_orientation(image.affine)
    return nibabel.apply_orientation(data, orient)


def same(a, b, within=1e-9):
    return a.shape == b.shape and np.abs(a - b).max() <= within


def geometry_kept(image, mask):
    """What of the input's header the mask has."""
    fields = ["pixdim", "qform_code", "sform_code", "quatern_b", "quatern_c",
              "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z", "srow_x",
              "srow_y", "srow_z", "xyzt_units"]
    return (mask.shape == image.shape
            and np.array_equal(mask.affine, image.affine)
            and type(mask.header)._field_recoders is not None
            and all(np.array_equal(mask.header[f], image.header[f])
                    for f in fields)
            and mask.get_data_dtype() == np.uint8)


def write(image, folder, name):
    path = os.path.join(folder, name)
    nibabel.save(image, path)
    return path, nibabel.load(path)


def oriented(order, signs, rng, turn=None, kind="sform", version=1):
    """A volume whose stored axis i goes along patient axis order[i]."""
    shape = tuple(SHAPE[a] for a in order)
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    for i, a in enumerate(order):
        affine[a, i] = signs[i] * ZOOMS[a]
    if turn is not None:
        affine[:3, :3] = turn @ affine[:3, :3]
    affine[:3, 3] = rng.uniform(-50, 50, 3)
    data = rng.integers(-200, 3000, shape).astype(np.int16)
    make = nibabel.Nifti1Image if version == 1 else nibabel.Nifti2Image
    image = make(data, affine)
    image.header.set_xyzt_units("mm", "sec")
    image.set_qform(affine if kind != "sform" else None,
                    1 if kind != "sform" else 0)
    image.set_sform(affine if kind != "qform" else None,
                    2 if kind != "qform" else 0)
    return image


def compare(path, image, plane, what, folder, spacing=(0, 0)):
    mask = os.path.join(folder, "mask.nii" + (".gz" if plane == AXIAL else ""))
    got = Read(path, plane, spacing, mask=mask)
    data = values_of(image)
    pixels = scaled(data)
    if got.refusal:
        check(False, "%s: %s" % (what, got.refusal))
        return
    check(same(got.pixels[:, 0], shown(canonical(image, pixels), plane)),
          what + ": slices as they are shown")
    back = nibabel.load(mask)
    check(geometry_kept(image, back), what + ": the mask's geometry")
    check(np.array_equal(np.asarray(back.dataobj), pixels > 127),
          what + ": the mask on the voxels")
    os.remove(mask)


def orders(folder, rng):
    """48 orders, by sform, by qform and by both, in every form of file."""
    forms = ["a.nii", "a.nii.gz", "a.hdr"]
    n = 0
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            for kind in ("sform", "qform", "both"):
                version = 1 + (n % 2)
                image = oriented(order, signs, rng, None, kind, version)
                if n % 3 == 2:
                    image = nibabel.Nifti1Pair.from_image(image) \
                        if version == 1 else \
                        nibabel.Nifti2Pair.from_image(image)
                path, image = write(image, folder, forms[n % 3])
                what = "".join(nibabel.aff2axcodes(image.affine)) \
                    + " by %s, %s" % (kind, forms[n % 3])
                compare(path, image, 1 + n % 3, what, folder)
                if kind == "both":
                    got = Read(path, ANY)
                    third = order[2]
                    plane = {2: AXIAL, 1: CORONAL, 0: SAGITTAL}[third]
                    check(same(got.pixels[:, 0], shown(canonical(
                        image, scaled(values_of(image))), plane)),
                        what + ": any plane")
                n += 1


def rotation(rng, most=None):
    q = rng.normal(size=4)
    q /= np.linalg.norm(q)
    if most is not None:                # a turn by at most so many radians
        angle = rng.uniform(-most, most)
        axis = q[1:] / np.linalg.norm(q[1:])
        q = np.r_[np.cos(angle / 2), np.sin(angle / 2) * axis]
    return nibabel.quaternions.quat2mat(q)


def oblique(folder, rng):
    """Turned by anything, and sheared as a tilted gantry is."""
    for n in range(120):
        turn = rotation(rng)
        kind = ("sform", "qform", "both")[n % 3]
        if n % 3 == 0 and n % 2:
            shear = np.eye(3)
            shear[1, 2] = np.tan(rng.uniform(-0.6, 0.6))
            turn = turn @ shear
        order = list(itertools.permutations(range(3)))[n % 6]
        signs = [1 if n >> i & 1 else -1 for i in range(3)]
        path, image = write(oriented(order, signs, rng, turn, kind,
                                     1 + n // 3 % 2), folder, "o.nii")
        compare(path, image, 1 + n % 3, "turned %d (%s)" % (n, kind), folder)


def neither(folder, rng):
    """Both codes 0: as nibabel has it, to the left."""
    for n in range(4):
        image = oriented((0, 1, 2), (1, 1, 1), rng)
        image.set_sform(None, 0)
        image.set_qform(None, 0)
        if n == 1:
            image.header["sform_code"] = 9      # no code there is
        path, image = write(image, folder, "n.nii")
        if n == 2:                      # written by hand: nibabel would mend it
            raw = bytearray(open(path, "rb").read())
            raw[80:84] = np.float32(-1.1).tobytes()
            open(path, "wb").write(raw)
            image = nibabel.load(path)
        check(nibabel.aff2axcodes(image.affine) == ("L", "A", "S"),
              "nibabel says LAS")
        got = Read(path, AXIAL)
        check(not got.refusal and same(got.pixels[:, 0], shown(
            canonical(image, scaled(values_of(image))), AXIAL)),
            "both codes 0, case %d: %s" % (n, got.refusal))


# ---- resampling ------------------------------------------------------------


def resampled(line, size, step):
    """One direction: numbers at the middles of new pixels."""
    n = line.shape[0]
    at = (np.arange(size) + 0.5 - size / 2) * step + n / 2 - 0.5
    if step <= 1.5:
        return np.stack([np.interp(at, np.arange(n), column)
                         for column in line.T], 1)
    edges = np.arange(n + 1) - 0.5
    low, high = np.maximum(at - step / 2, -0.5), np.minimum(at + step / 2,
                                                            n - 0.5)
    area = np.stack([np.interp(high, edges, np.r_[0, np.cumsum(c)])
                     - np.interp(low, edges, np.r_[0, np.cumsum(c)])
                     for c in line.T], 1)
    return area / (high - low)[:, None]


def nearest(n, size, step):
    """Of each stored pixel the new one whose middle is nearest (ties: the
    further)."""
    at = (np.arange(size) + 0.5 - size / 2) * step + n / 2 - 0.5
    away = np.abs(np.arange(n)[:, None] - at[None, :])
    return size - 1 - np.argmin(away[:, ::-1].round(5), 1)


def resampling(folder, rng):
    for n, (wy, wx) in enumerate([
            (0.55, 0.45), (1.1, 0.9), (1.105, 0.905), (1.15, 0.95), (2.2, 1.8),
            (1.6, 1.3), (1.7, 1.4), (5, 0.3), (100, 100), (0.11, 0.9),
            (3.3, 2.7), (0.7, 2.0)]):
        turn = None if n % 2 else rotation(rng, 0.3)
        image = oriented((1, 0, 2), (1, -1, 1), rng, turn)
        path, image = write(image, folder, "r.nii")
        mask = os.path.join(folder, "mask.nii")
        got = Read(path, AXIAL, (wy, wx), mask=mask)
        what = "%g x %g mm" % (wy, wx)
        if got.refusal:
            check(False, what + ": " + got.refusal)
            continue
        pixels = shown(canonical(image, scaled(values_of(image))), AXIAL)
        rows, columns = pixels.shape[1:]
        steps = [w / z if abs(w / z - 1) > 0.01 else 1
                 for w, z in ((wy, ZOOMS[1]), (wx, ZOOMS[0]))]
        size = [max(1, int(np.floor(k / s + 0.5))) if s != 1 else k
                for k, s in ((rows, steps[0]), (columns, steps[1]))]
        want = np.stack([resampled(resampled(p.T, size[1], steps[1]).T,
                                   size[0], steps[0]) for p in pixels])
        check(same(got.pixels[:, 0], want, 1e-3), what + ": resampled")
        label = got.pixels[:, 0] > 127
        y, x = nearest(rows, size[0], steps[0]), nearest(columns, size[1],
                                                        steps[1])
        back = nibabel.load(mask)
        check(geometry_kept(image, back), what + ": the mask's geometry")
        put = shown(canonical(image, np.asarray(back.dataobj)), AXIAL)
        differ = (put != label[:, y][:, :, x]).mean()
        check(differ == 0, what + ": the mask put back (%g)" % differ)


# ---- values ----------------------------------------------------------------


def plain(data, folder, slope=None, name="v.nii"):
    image = nibabel.Nifti1Image(data, np.diag([1, 1, 1, 1]))
    image.set_sform(image.affine, 1)
    if slope is not None:
        image.header.set_slope_inter(*slope)
    path = os.path.join(folder, name)
    nibabel.save(image, path)
    if slope is not None:               # nibabel scales, so that it is set here
        raw = bytearray(open(path, "rb").read())
        raw[112:120] = np.array(slope, np.float32).tobytes()
        raw[352:] = data.tobytes(order="F")
        open(path, "wb").write(raw)
    return path


def types(folder, rng):
    """Every type, both byte orders, slopes of either sign."""
    for kind in "u1 i1 u2 i2 u4 i4 u8 i8 f4 f8".split():
        for order in "<>":
            for slope in ((1, 0), (-2.5, 100), (0.001, -1000)):
                info = np.iinfo(kind) if kind[0] != "f" else None
                low = -3000 if info is None else max(info.min, -3000)
                high = 4000 if info is None else min(info.max, 4000)
                data = rng.uniform(low, high, (9, 8, 7)).astype(order + kind)
                image = nibabel.Nifti1Image(data, np.eye(4),
                                            dtype=data.dtype)
                header = image.header.as_byteswapped(order)
                image = nibabel.Nifti1Image(data, np.eye(4), header,
                                            dtype=data.dtype)
                path, _ = write(image, folder, "t.nii")
                raw = bytearray(open(path, "rb").read())
                raw[112:120] = np.array(slope, order + "f4").tobytes()
                raw[352:] = data.tobytes(order="F")
                open(path, "wb").write(raw)
                a, b = np.array(slope, "f4").astype("f8")
                value = data.astype("f8") * a + b
                got = Read(path, AXIAL)
                check(not got.refusal and same(
                    got.pixels[:, 0], shown(scaled(value), AXIAL), 1e-6),
                    "%s%s slope %g: %s" % (order, kind, slope[0], got.refusal))


def fills(folder, rng):
    """What is no data is told apart, and becomes 0."""
    tissue = rng.normal(100, 40, (20, 20, 10))
    outside = rng.uniform(size=tissue.shape) < 0.4
    cases = [("f4", -3.4e38, 1), ("f4", 3.4e38, 1), ("f8", -1.7e308, 1),
             ("f8", 1.7e308, 1), ("f8", np.nan, 1), ("f4", np.inf, 1),
             ("f4", -np.inf, 1), ("i2", -32768, 1), ("i2", 32767, 1),
             ("i2", -9999, 1), ("i4", -2147483648, 1), ("u2", 65535, 1),
             ("f4", -1e6, 1), ("f4", 0, 0), ("i2", -100, 0)]
    for kind, fill, apart in cases:
        data = np.clip(tissue, 1 if kind == "u2" else -150, 300)
        data = np.where(outside, fill, data).astype(kind)
        kept = data[~outside].astype("f8")
        got = Read(plain(data, folder), AXIAL)
        value = np.where(outside, 0, data).astype("f8")
        want = np.where(outside, 0, scaled(value, of=kept)) if apart \
            else scaled(data.astype("f8"))
        check(not got.refusal and same(got.pixels[:, 0], shown(want, AXIAL),
                                       1e-6),
              "%s fill %g: %s" % (kind, fill, got.refusal))
        check(not got.refusal and got.odd == bool(apart)
              and got.fill == (outside.sum() if apart else 0),
              "%s fill %g: told" % (kind, fill))
    both = np.where(outside, -32768, tissue)
    both[0, 0, :] = 32767
    got = Read(plain(both.astype("i2"), folder), AXIAL)
    no = (both == -32768) | (both == 32767)
    want = np.where(no, 0, scaled(both.astype("i2").astype("f8"),
                                  of=both[~no].astype("i2")))
    check(same(got.pixels[:, 0], shown(want, AXIAL)), "fills at both ends")
    few = np.zeros((20, 20, 10), "i2")   # few values are data, however far
    few[5:10, 5:10] = 500
    few[12:15, 5:10] = 4000
    got = Read(plain(few, folder), AXIAL)
    check(not got.odd and len(np.unique(got.pixels)) == 3, "three values")


def background(folder, rng):
    """Nearly all is one value: the window is that of the others."""
    data = np.zeros((64, 64, 6), "i2")
    data[30:34, 30:34, 3] = rng.integers(600, 900, (4, 4))
    got = Read(plain(data, folder), AXIAL)
    others = data[data > 0].astype("f8")
    low, high = np.percentile(others, [1, 99.5])
    inside = got.pixels[:, 0] > 0
    check(inside.sum() >= 14 and (got.pixels[:, 0][~inside] == 0).all()
          and got.odd is not None, "a small object is seen: %s" % got.words)
    data[data > 0] = 900
    got = Read(plain(data, folder), AXIAL)
    check(set(np.unique(got.pixels)) == {0, 255} and got.odd
          and "only two values" in got.words, "two values: %s" % got.words)
    got = Read(plain(np.full((9, 9, 9), 7, "i2"), folder), AXIAL)
    check((got.pixels == 0).all() and got.odd and "all pixels are 0"
          in got.words, "one value: %s" % got.words)
    got = Read(plain(np.full((9, 9, 9), np.nan, "f4"), folder), AXIAL)
    check(got.refusal and "none of 729 voxels" in got.refusal, "all NaN")


def windows(folder, rng):
    data = rng.integers(-1000, 3000, (9, 8, 7)).astype("i2")
    got = Read(plain(data, folder), AXIAL, values=WINDOW, low=-100, high=300)
    want = np.clip((data.astype("f8") + 100) / 400 * 255, 0, 255)
    check(same(got.pixels[:, 0], shown(want, AXIAL)), "a window")
    got = Read(plain(data, folder), AXIAL, values=WINDOW, low=-1e5, high=1e5)
    check(got.odd and "% of -100000..100000" in got.words,
          "a window far too wide: " + got.words)
    byte = rng.integers(0, 256, (9, 8, 7)).astype("u1")
    got = Read(plain(byte, folder), AXIAL, values=FULL)
    check(same(got.pixels[:, 0], shown(byte.astype("f8"), AXIAL)), "full, u1")
    word = rng.integers(0, 4096, (9, 8, 7)).astype("u2")
    got = Read(plain(word, folder), AXIAL, values=FULL)
    check(same(got.pixels[:, 0], shown(word / 257, AXIAL)) and got.odd,
          "full, u2 of 12 bits: " + got.words)
    for low, high in ((0, 100), (2, 98), (50, 60)):
        got = Read(plain(data, folder), AXIAL, low=low, high=high)
        check(same(got.pixels[:, 0], shown(scaled(data.astype("f8"), low,
                                                  high), AXIAL)),
              "percentiles %g, %g" % (low, high))


# ---- the rest --------------------------------------------------------------


def series(folder, rng):
    """4-D: a volume is chosen, values are its own."""
    data = rng.integers(0, 1000, (6, 5, 4, 3)).astype("i2")
    data[..., 1] *= 7
    for name in ("s.nii", "s.nii.gz"):
        image = nibabel.Nifti1Image(data, np.eye(4))
        path, image = write(image, folder, name)
        got = Read(path, AXIAL)
        check(got.refusal and "a series of 3 volumes" in got.refusal,
              name + " not chosen")
        for v in range(3):
            mask = os.path.join(folder, "mask.nii.gz")
            got = Read(path, AXIAL, volume=v, mask=mask)
            pixels = scaled(data[..., v].astype("f8"))
            check(same(got.pixels[:, 0], shown(pixels, AXIAL)),
                  "%s volume %d" % (name, v))
            back = nibabel.load(mask)
            check(back.shape == (6, 5, 4) and np.array_equal(
                back.affine, image.affine) and np.array_equal(
                np.asarray(back.dataobj), pixels > 127),
                "%s volume %d: mask" % (name, v))
        got = Read(path, AXIAL, volume=3)
        check(got.refusal and "volume 3 of 3" in got.refusal, name + " beyond")


def colours(folder, rng):
    data = rng.integers(0, 256, (6, 5, 4, 3)).astype("u1")
    rgb = np.zeros((6, 5, 4), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    for i, c in enumerate("RGB"):
        rgb[c] = data[..., i]
    path, _ = write(nibabel.Nifti1Image(rgb, np.diag([-1, 1, 1, 1])), folder,
                    "c.nii")
    got = Read(path, AXIAL)
    for i in range(3):
        check(not got.refusal and same(got.pixels[:, i], shown(
            data[::-1, :, :, i].astype("f8"), AXIAL)), "RGB24, channel %d" % i)


def field(path, at, value):
    raw = bytearray(open(path, "rb").read())
    raw[at:at + len(value)] = value
    open(path, "wb").write(raw)


def refusals(folder, rng):
    f = lambda *v: np.array(v, "<f4").tobytes()
    cases = [(280, f(0, 0, 0, 0), "sform", "no inverse"),
             (280, f(np.nan), "sform", "no number"),
             (280, f(1, 0, 0, 0, 1, 0, 0, 0), "sform", "no inverse"),
             (280, f(1e30), "sform", "mm along axis 0"),
             (256, f(0.8, 0.8, 0.8), "qform", "quaternion"),
             (256, f(np.inf), "qform", "no number"),
             (80, f(1e9), "qform", "mm along axis 0")]
    for at, value, kind, words in cases:
        image = oriented((0, 1, 2), (1, 1, 1), rng, None, kind)
        path, _ = write(image, folder, "x.nii")
        field(path, at, value)
        got = Read(path, AXIAL)
        check(got.refusal and words in got.refusal
              and got.refusal.startswith(path), "%s at %d: %s"
              % (kind, at, got.refusal))
    # a form that is not in use may hold anything, and its code is dropped
    image = oriented((0, 1, 2), (1, 1, 1), rng, None, "both")
    path, image = write(image, folder, "x.nii")
    field(path, 256, f(np.nan, np.nan, np.nan))
    mask = os.path.join(folder, "mask.nii")
    got = Read(path, AXIAL, mask=mask)
    back = nibabel.load(mask)
    check(not got.refusal and back.header["qform_code"] == 0 and np.array_equal(
        back.affine, image.affine), "a qform of NaN beside a sform")
    # one slice of another plane
    image = nibabel.Nifti1Image(np.zeros((20, 30, 1), "i2"), np.eye(4))
    path, _ = write(image, folder, "x.nii")
    got = Read(path, SAGITTAL)
    check(got.refusal and "single axial slice" in got.refusal,
          "another plane: %s" % got.refusal)


def units(folder, rng):
    """Metres and microns."""
    for name, unit in (("meter", 1000), ("micron", 0.001), ("mm", 1)):
        data = rng.integers(0, 999, (8, 8, 3)).astype("i2")
        image = nibabel.Nifti1Image(data, np.diag([1 / unit] * 3 + [1]))
        image.header.set_xyzt_units(name)
        path, _ = write(image, folder, "u.nii")
        got = Read(path, AXIAL, (0.5, 0.5))
        check(not got.refusal and got.pixels.shape == (3, 1, 16, 16),
              "%s: %s" % (name, got.refusal))


def flat(folder, rng):
    """Ranks 2 and 4 with a last dimension of 1 keep their shape."""
    for shape in ((9, 8), (9, 8, 7, 1), (9, 8, 7, 1, 1)):
        data = rng.integers(0, 999, shape).astype("i2")
        image = nibabel.Nifti1Image(data, np.diag([2, 2, 2, 1]))
        path, image = write(image, folder, "f.nii")
        mask = os.path.join(folder, "mask.nii")
        got = Read(path, AXIAL, mask=mask)
        back = nibabel.load(mask)
        check(not got.refusal and geometry_kept(image, back)
              and np.array_equal(np.asarray(back.dataobj),
                                 scaled(data.astype("f8")) > 127),
              "shape %s: %s" % (shape, got.refusal))


def main():
    parts = [orders, oblique, neither, resampling, types, fills, background,
             windows, series, colours, refusals, units, flat]
    with tempfile.TemporaryDirectory() as folder:
        for i, part in enumerate(parts):
            if PART in part.__name__:
                before = failed
                part(folder, np.random.default_rng(16 + i))
                print("%s %s" % ("ok  " if failed == before else "FAIL",
                                 part.__name__), flush=True)
    print("%d passed, %d failed" % (passed, failed))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
