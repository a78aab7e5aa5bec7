"""dicom.py DUMP [VOLLEY] -- what Volley reads of DICOM files against pydicom,
nibabel and dcm2niix.

Files are made here with pydicom, and changed by DCMTK's and GDCM's programs
where those are installed.  DUMP (tests/volumes/dump.c) prints what Volley makes
of one.  Values must equal pydicom's after slope and intercept, to the bit;
affines those that numpy makes of the tags.  VOLLEY, the command, takes a
series to its mask.  All files carry a name, an address and numbers of a patient
who is not: no message may hold any of them.  The last line is "N passed, N
failed".
"""
import json
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.pixel_data_handlers.util import (apply_modality_lut,
                                              convert_color_space)
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian as EXPLICIT
from pydicom.uid import ImplicitVRLittleEndian as IMPLICIT
from pydicom.uid import generate_uid

warnings.simplefilter("ignore")
DUMP = pathlib.Path(sys.argv[1]).resolve()
VOLLEY = pathlib.Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else None
SECRETS = ("Doe^Jane", "Doe", "Jane", "MRN-4711", "19700101", "Elm Street",
           "Dr^Who", "General Hospital")
# Keys and ciphertexts are random bytes: three letters in a row turn up in
# a MiB or more by chance, eight do not.
LONG = [s.encode() for s in SECRETS if len(s) >= 8]
random.seed(1)
rng = np.random.default_rng(1)
passed = failed = 0


def check(ok, text):
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print("FAIL " + text)


# ---- Volley ----------------------------------------------------------------

class Read:
    """What DUMP makes of a path: sizes, affine, values (k, j, i[, 3]), or the
    words of a refusal."""

    def __init__(self, path, volume=-1):
        out = WORK / "dump.out"
        r = subprocess.run([str(DUMP), str(path), str(volume), str(out)],
                           text=True, capture_output=True, timeout=60)
        self.ok = r.returncode == 0
        self.words = r.stdout.strip() + r.stderr.strip()
        check(r.returncode in (0, 1), f"{path}: exit code {r.returncode}: "
              + self.words)
        check(not any(s in self.words for s in SECRETS),
              f"{path}: names a person: {self.words}")
        if not self.ok:
            return
        f = self.words.split()
        self.n = [int(v) for v in f[:3]]
        self.volumes, self.volume, self.qform, self.sform = map(int, f[3:7])
        self.affine = np.eye(4)
        self.affine[:3] = np.array(f[7:], float).reshape(3, 4)
        v = np.fromfile(out)
        self.values = v.reshape(self.n[::-1] + [3] * (v.size
                                                      == 3 * np.prod(self.n)))


def refused(path, *words, volume=-1):
    got = Read(path, volume)
    check(not got.ok and all(w in got.words for w in words),
          f"{path}: want a refusal with {words}, got {got.words}")
    return got.words


def holds(path, want, volume=-1, what=""):
    got = Read(path, volume)
    if not got.ok:
        check(False, f"{path}{what}: {got.words}")
        return None
    want = np.asarray(want, float)
    check(got.values.shape == want.shape
          and np.array_equal(got.values, want, equal_nan=True),
          f"{path}{what}: other values")
    return got


# ---- files -----------------------------------------------------------------

def make(pixels, stored=None, signed=None, photometric="MONOCHROME2",
         planar=None, frames=None, syntax=EXPLICIT, **tags):
    """A data set of pixels (rows, columns), with frames (frames, rows, columns),
    of colour with three values last."""
    d = Dataset()
    d.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    d.SOPInstanceUID = generate_uid()
    d.SeriesInstanceUID = "1.2.3.4"
    d.StudyInstanceUID = generate_uid()
    d.Modality = "MR"
    d.PatientName, d.PatientID = "Doe^Jane", "MRN-4711"
    d.PatientBirthDate, d.PatientAddress = "19700101", "Elm Street 1"
    d.ReferringPhysicianName = "Dr^Who"
    d.InstitutionName = "General Hospital"
    d.SeriesDescription = "Doe^Jane again"
    d.SeriesNumber = 1
    pixels = np.asarray(pixels)
    d.SamplesPerPixel = 3 if photometric == "RGB" else 1
    shape = pixels.shape[1:] if frames else pixels.shape
    d.Rows, d.Columns = shape[0], shape[1]
    d.PhotometricInterpretation = photometric
    if photometric == "RGB":
        d.PlanarConfiguration = planar or 0
        if planar:
            pixels = np.moveaxis(pixels, -1, 1 if frames else 0)
    if frames:
        d.NumberOfFrames = frames
    d.BitsAllocated = 8 * pixels.dtype.itemsize
    d.BitsStored = stored or d.BitsAllocated
    d.HighBit = d.BitsStored - 1
    d.PixelRepresentation = int(pixels.dtype.kind == "i" if signed is None
                                else signed)
    data = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    d.PixelData = data + b"\0" * (len(data) % 2)
    d["PixelData"].VR = "OB" if d.BitsAllocated == 8 else "OW"
    for k, v in tags.items():
        if v is None:
            delattr(d, k)
        else:
            setattr(d, k, v)
    d.is_little_endian = True
    d.is_implicit_VR = syntax == IMPLICIT
    d.file_meta = FileMetaDataset()
    d.file_meta.TransferSyntaxUID = syntax
    d.file_meta.MediaStorageSOPClassUID = d.SOPClassUID
    d.file_meta.MediaStorageSOPInstanceUID = d.SOPInstanceUID
    return d


def save(d, name, preamble=b"\0" * 128, like=True):
    path = WORK / name
    path.parent.mkdir(parents=True, exist_ok=True)
    d.preamble = preamble
    pydicom.dcmwrite(path, d, write_like_original=not like)
    return path


def values(path):
    """pydicom's, after slope and intercept, as (frames, rows, columns)."""
    d = pydicom.dcmread(path, force=True)
    if not hasattr(d.file_meta, "TransferSyntaxUID"):
        d.file_meta.TransferSyntaxUID = (IMPLICIT if d.is_implicit_VR
                                         else EXPLICIT)
    v = d.pixel_array
    colour = d.SamplesPerPixel == 3
    if d.PhotometricInterpretation == "YBR_FULL":
        v = convert_color_space(v, "YBR_FULL", "RGB")
    if d.PhotometricInterpretation == "MONOCHROME1":
        low, high = ((-(1 << d.BitsStored - 1), (1 << d.BitsStored - 1) - 1)
                     if d.PixelRepresentation else (0, (1 << d.BitsStored) - 1))
        v = low + high - v.astype(np.int64)
    if not colour:
        v = np.asarray(apply_modality_lut(v, d), float)
    if v.ndim == (3 if colour else 2):
        v = v[None]
    return v


def noise(shape, bits, signed=False, kind=None):
    low, high = ((-(1 << bits - 1), 1 << bits - 1) if signed
                 else (0, 1 << bits))
    kind = kind or ("i" if signed else "u") + ("1" if bits <= 8 else "2")
    return rng.integers(low, high, shape).astype(kind)


# ---- pixels ----------------------------------------------------------------

def test_pixels():
    number = 0
    for syntax in (EXPLICIT, IMPLICIT):
        for bits, signed in ((8, False), (8, True), (12, False), (12, True),
                             (16, False), (16, True), (1, False), (7, False)):
            for photometric in ("MONOCHROME1", "MONOCHROME2"):
                for frames in (None, 1, 3):
                    for slope in (None, ("1", "-1024"), ("0.37", "1e-3"),
                                  ("-2.5", "3")):
                        shape = (5, 7) if frames is None else (frames, 5, 7)
                        number += 1
                        if number % 3 and frames != 3:      # enough of them
                            continue
                        tags = {} if slope is None else {
                            "RescaleSlope": slope[0],
                            "RescaleIntercept": slope[1]}
                        p = save(make(noise(shape, bits, signed), bits,
                                      photometric=photometric, frames=frames,
                                      syntax=syntax, **tags), "a.dcm")
                        holds(p, values(p), what=f" {syntax} {bits} {signed} "
                              f"{photometric} {frames} {slope}")
        for planar in (0, 1):
            for frames in (None, 2):
                shape = (5, 7, 3) if frames is None else (2, 5, 7, 3)
                p = save(make(noise(shape, 8), photometric="RGB",
                              planar=planar, frames=frames, syntax=syntax,
                              RescaleSlope="2"), "rgb.dcm")
                holds(p, values(p), what=f" RGB {planar} {frames} {syntax}")
                d = pydicom.dcmread(p)
                d.PhotometricInterpretation = "YBR_FULL"
                d.save_as(p)
                holds(p, values(p), what=f" YBR {planar} {frames} {syntax}")


def test_bits():
    """What stands in bits that hold no value is no value: overlays of old, a
    highest bit further up."""
    v = noise((4, 6), 12)
    dirty = (v | rng.integers(0, 16, v.shape) << 12).astype("u2")
    holds(save(make(dirty, 12), "dirty.dcm"), v[None])
    shifted = (v.astype("u4") << 4 | rng.integers(0, 16, v.shape)).astype("u2")
    holds(save(make(shifted, 12, HighBit=15), "shifted.dcm"), v[None])
    s = noise((4, 6), 10, True)
    word = ((s.astype("i4") & 1023) << 3 | 0xe007).astype("u2")
    holds(save(make(word, 10, signed=True, HighBit=12), "signed.dcm"), s[None])


def test_padding():
    v = np.array([[-2000, 5, -1], [7, -2000, 100]], "i2")
    want = np.where(v == -2000, np.nan, v * 2.0 - 3)
    d = make(v, RescaleSlope="2", RescaleIntercept="-3")
    d.add_new(0x00280120, "SS", -2000)
    p = save(d, "pad.dcm")
    holds(p, want[None])
    d = make(v.astype("u2") + 3000, photometric="MONOCHROME1")
    d.add_new(0x00280120, "US", 2990)
    d.add_new(0x00280121, "US", 3005)
    v = v.astype(float) + 3000
    want = np.where((v >= 2990) & (v <= 3005), np.nan, 65535 - v)
    holds(save(d, "pad1.dcm"), want[None])


def test_heads():
    """Preambles, or none; group 2, or none."""
    d = make(noise((3, 4), 16))
    want = d.pixel_array[None]
    p = save(d, "a.dcm")
    whole = p.read_bytes()
    tiff = save(d, "tiff.dcm", b"II*\0\x08\0\0\0".ljust(128, b"\0"))
    holds(tiff, want)
    holds(save(d, "mm.dcm", b"MM\0*".ljust(128, b"\7")), want)
    bare = WORK / "bare.dcm"
    bare.write_bytes(whole[132:])
    holds(bare, want)
    for syntax in (EXPLICIT, IMPLICIT):
        d = make(noise((3, 4), 16), syntax=syntax)
        want = d.pixel_array[None]
        data = save(d, "b.dcm").read_bytes()
        at = data.index(struct.pack("<HH", 8, 0x16))
        bare.write_bytes(data[at:])
        holds(bare, want, what=f" without group 2, {syntax}")
        bare.write_bytes(bytes(128) + b"DICM" + data[at:])
        holds(bare, want, what=f" preamble without group 2, {syntax}")
    bare.write_bytes(data + bytes(64))
    holds(bare, want, what=" zeros behind")
    d = make(noise((3, 4), 16))
    want = d.pixel_array[None]
    d.PixelData += bytes(22)            # as some writers fill up
    holds(save(d, "filled.dcm"), want)
    d.PixelData = d.PixelData[:-2] + b"\1\0"
    refused(save(d, "filled.dcm"), "46 bytes", "have 24", "not 0")
    bare.write_bytes(whole + bytes(40000))      # more than is read at first
    holds(bare, values(p), what=" many zeros behind")
    bare.write_bytes(whole + bytes(40000) + b"x")
    refused(bare, "bare.dcm", "DICOM")
    bare.write_bytes(data + b"x" * 64)
    refused(bare, "bare.dcm", "cut short")
    for n in list(range(0, len(data), 7)) + [len(data) - 1]:
        bare.write_bytes(data[:n])
        got = Read(bare)
        check(not got.ok, f"{n} bytes of {len(data)} were taken")


def test_sequences():
    """Sequences and items of unknown length, sequences in them, private ones
    of unknown type, an icon with pixels of its own."""
    for syntax in (EXPLICIT, IMPLICIT):
        for undefined in (True, False):
            d = make(noise((3, 4), 16), syntax=syntax)
            icon = make(noise((2, 2), 8))
            inner = Dataset()
            inner.Rows, inner.PatientName = 77, "Doe^Jane"
            for depth in range(14):
                outer = Dataset()
                outer.ReferencedStudySequence = Sequence([inner, Dataset()])
                outer["ReferencedStudySequence"].is_undefined_length = undefined
                outer.is_undefined_length_sequence_item = undefined
                inner = outer
            d.RequestAttributesSequence = Sequence([inner])
            d["RequestAttributesSequence"].is_undefined_length = undefined
            d.VOILUTSequence = Sequence([])
            item = Dataset()
            for tag in ("Rows", "Columns", "PixelData", "BitsAllocated"):
                setattr(item, tag, getattr(icon, tag))
            item["PixelData"].VR = "OB"
            d.IconImageSequence = Sequence([item])
            d["IconImageSequence"].is_undefined_length = undefined
            d.ModalityLUTSequence = Sequence([])
            block = d.private_block(0x29, "MAKER", create=True)
            block.add_new(1, "SQ", Sequence([inner]))
            d[0x29, 0x1001].is_undefined_length = undefined
            p = save(d, "seq.dcm")
            holds(p, values(p), what=f" sequences {syntax} {undefined}")
            if not undefined or syntax != EXPLICIT:
                continue
            data = p.read_bytes()       # CP-246: UN, implicit inside
            at = data.index(struct.pack("<HH", 0x29, 0x1001))
            body = (struct.pack("<HHL", 0xfffe, 0xe000, 0xffffffff)
                    + struct.pack("<HHL", 8, 0x100, 2) + b"ab"
                    + struct.pack("<HHL", 0xfffe, 0xe00d, 0)
                    + struct.pack("<HHL", 0xfffe, 0xe0dd, 0))
            p.write_bytes(data[:at] + struct.pack("<HH", 0x29, 0x1000) + b"UN"
                          + struct.pack("<HL", 0, 0xffffffff) + body
                          + data[at:])
            holds(p, values(WORK / "seq.dcm"), what=" UN")


def test_refusals():
    v = noise((3, 4), 16)
    for name, tags, words in (
            ("lut", {}, ("Modality LUT", "pydicom")),
            ("palette", {"PhotometricInterpretation": "PALETTE COLOR"},
             ("PALETTE COLOR", "dcmj2pnm")),
            ("ybr", {"PhotometricInterpretation": "YBR_FULL_422"},
             ("YBR_FULL_422", "dcmj2pnm")),
            ("more", {"Rows": 2}, ("24 bytes", "have 16")),
            ("other", {"PhotometricInterpretation": "Doe"},
             ("unknown colour model",)),
            ("thirty", {"BitsAllocated": 32}, ("32 bits",)),
            ("stored", {"BitsStored": 17}, ("17",)),
            ("high", {"HighBit": 16}, ("16",)),
            ("samples", {"SamplesPerPixel": 2}, ("2 samples",)),
            ("frames", {"NumberOfFrames": 0}, ("0 frames",)),
            ("frames", {"NumberOfFrames": "2"}, ("24 bytes", "48")),
            ("frames", {"NumberOfFrames": 2147483647}, ("2147483647 frames",)),
            ("rows", {"Rows": 65535, "Columns": 65535}, ("65535",)),
            ("norows", {"Rows": None}, ("Rows", "missing")),
            ("nocolour", {"PhotometricInterpretation": None},
             ("PhotometricInterpretation", "missing")),
            ("slope", {"RescaleSlope": "0"}, ("RescaleSlope",)),
            ("nopixels", {"PixelData": None}, ("without pixels",))):
        d = make(v, **tags)
        if name == "lut":
            item = Dataset()
            item.LUTDescriptor, item.ModalityLUTType = [2, 0, 16], "US"
            item.add_new(0x00283006, "US", [1, 2])
            d.ModalityLUTSequence = Sequence([item])
        refused(save(d, name + ".dcm"), name + ".dcm", *words)
    d = make(v)
    d.PixelSpacing = [1, 1]
    data = save(d, "text.dcm").read_bytes()
    p = WORK / "text.dcm"
    at = data.index(struct.pack("<HH", 0x28, 0x30)) + 8
    p.write_bytes(data[:at] + b"Doe" + data[at + 3:])
    refused(p, "PixelSpacing", "two numbers")


# ---- series ----------------------------------------------------------------

AXIAL = (1, 0, 0, 0, 1, 0)
SAGITTAL = (0, 1, 0, 0, 0, -1)
CORONAL = (1, 0, 0, 0, 0, -1)


def turned(*angles):
    """Directions of rows and columns turned round x, y, z."""
    m = np.eye(3)
    for axis, a in enumerate(angles):
        c, s = np.cos(a), np.sin(a)
        r = np.eye(3)
        i, j = [(1, 2), (0, 2), (0, 1)][axis]
        r[i, i] = r[j, j] = c
        r[i, j], r[j, i] = -s, s
        m = r @ m
    return tuple(round(float(x), 8) for x in (*m[:, 0], *m[:, 1]))


def series(name, n, axes, spacing=(0.5, 0.75), step=2.5, origin=(-30, 12, 7),
           shape=(6, 5), edit=None, backward=False, **tags):
    """A folder of n slices whose names say nothing of their order.  Gives the
    values (slices, rows, columns) along the normal and the affine, by numpy."""
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    u, v = np.array(axes[:3]), np.array(axes[3:])
    normal = np.cross(u, v)
    names = random.sample(range(1000, 9999), n)
    uid = generate_uid()
    for k in range(n):
        at = [round(float(x), 8) for x in np.array(origin) + k * step * normal]
        d = make(noise(shape, 12), 12, SeriesInstanceUID=uid,
                 InstanceNumber=n - k if backward else k + 1,
                 ImagePositionPatient=at, ImageOrientationPatient=list(axes),
                 PixelSpacing=list(spacing), SliceThickness=step, **tags)
        if edit is None or edit(k, d) is not False:
            save(d, f"{name}/IM{names[k]}" + (".dcm" if k % 2 else ""))
    return folder


def expected(folder):
    """Values in order and the affine, from pydicom's tags."""
    sets = [pydicom.dcmread(p) for p in folder.iterdir()]
    sets = [d for d in sets if "PixelData" in d]
    u = np.array(sets[0].ImageOrientationPatient[:3], float)
    v = np.array(sets[0].ImageOrientationPatient[3:], float)
    normal = np.cross(u, v)
    sets.sort(key=lambda d: normal @ np.array(d.ImagePositionPatient, float))
    first = np.array(sets[0].ImagePositionPatient, float)
    last = np.array(sets[-1].ImagePositionPatient, float)
    rows, columns = map(float, sets[0].PixelSpacing)
    a = np.eye(4)
    a[:3, 0], a[:3, 1], a[:3, 3] = u * columns, v * rows, first
    a[:3, 2] = ((last - first) / (len(sets) - 1) if len(sets) > 1
                else normal * float(sets[0].SliceThickness))
    lps = np.diag([-1, -1, 1, 1.0])
    return (np.stack([np.asarray(apply_modality_lut(d.pixel_array, d), float)
                      for d in sets]), lps @ a)


def test_series():
    for name, axes in (("axial", AXIAL), ("sagittal", SAGITTAL),
                       ("coronal", CORONAL), ("oblique", turned(.3, -.2, .7)),
                       ("upside", (-1, 0, 0, 0, -1, 0))):
        for n in (2, 7):
            f = series(name, n, axes, backward=n == 7, RescaleSlope="3",
                       RescaleIntercept="-7")
            want, affine = expected(f)
            got = holds(f, want, what=f" {n} slices")
            if got:
                check(np.allclose(got.affine, affine, atol=1e-6)
                      and (got.qform, got.sform) == (1, 1),
                      f"{name}: affine {got.affine} want {affine}")
                niix(f, got)
    one = next((WORK / "axial").iterdir())
    d = pydicom.dcmread(one)
    got = holds(one, values(one))
    check(np.allclose(got.affine[:3, 3], np.array([-1, -1, 1])
                      * np.array(d.ImagePositionPatient, float))
          and abs(got.affine[2, 2] - 2.5) < 1e-9, f"one slice: {got.affine}")
    f = series("pet", 4, AXIAL, RescaleIntercept="-3", edit=lambda k, d:
               setattr(d, "RescaleSlope", str(1.5 + k / 7)[:12]))
    holds(f, expected(f)[0], what=" slopes differ")
    shutil.rmtree(WORK / "rgb", ignore_errors=True)
    colours = noise((2, 3, 4, 3), 8)
    for k in (1, 0):                    # colours have no scale
        save(make(colours[k], photometric="RGB", PixelSpacing=[1, 1],
                  ImagePositionPatient=[0, 0, k], RescaleSlope=str(k + 1),
                  RescaleIntercept="1", ImageOrientationPatient=list(AXIAL)),
             f"rgb/{1 - k}")
    holds(WORK / "rgb", colours, what=" colours")
    save(make(noise((2, 2), 8), PixelData=None), "pet/report")
    (f / "notes.txt").write_text("Doe")
    (f / "sub").mkdir()
    holds(f, np.stack([v for v in expected_but(f)]), what=" other files")


def expected_but(folder):
    keep = WORK / "keep"
    shutil.rmtree(keep, ignore_errors=True)
    keep.mkdir()
    for p in folder.iterdir():
        if p.name.startswith("IM"):
            shutil.copy(p, keep)
    return expected(keep)[0]


def niix(folder, got):
    """The same volume by dcm2niix, turned to the closest of RAS by nibabel."""
    if not shutil.which("dcm2niix") or not nibabel:
        return
    out = WORK / "niix"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    r = subprocess.run(["dcm2niix", "-f", "v", "-z", "n", "-x", "n", "-o",
                        str(out), str(folder)], capture_output=True, text=True)
    if not (out / "v.nii").exists():
        check(False, f"{folder}: dcm2niix: {r.stdout}")
        return
    theirs = nibabel.as_closest_canonical(nibabel.load(out / "v.nii"))
    ours = nibabel.as_closest_canonical(nibabel.Nifti1Image(
        got.values.transpose(2, 1, 0), got.affine))
    check(np.allclose(theirs.affine, ours.affine, atol=1e-3)
          and np.array_equal(theirs.get_fdata(), ours.get_fdata()),
          f"{folder}: dcm2niix has {theirs.affine}, here {ours.affine}")


def test_series_refusals():
    def twice(k, d):
        if k == 3:
            d.ImagePositionPatient = [-30, 12, 7 + 2 * 2.5]

    def tilt(k, d):
        d.ImagePositionPatient = [-30, 12 + k * 0.5, 7 + k * 2.5]

    def at(n, **tags):
        def edit(k, d):
            for tag, v in tags.items():
                if k == n:
                    setattr(d, tag, v)
        return edit

    for name, edit, words in (
            ("gap", lambda k, d: k != 4, ("mm apart", "missing", "dcm2niix")),
            ("twice", twice, ("same place", "dcm2niix")),
            ("tilt", tilt, ("sideways", "gantry tilt", "dcm2niix")),
            ("turned", at(2, ImageOrientationPatient=list(CORONAL)),
             ("turned against", "dcm2niix")),
            ("spacing", at(5, PixelSpacing=[0.5, 0.76]), ("0.76",)),
            ("bits", at(1, BitsStored=13, HighBit=12), ("13",)),
            ("nowhere", at(1, ImagePositionPatient=None), ("no position",)),
            ("nosuch", at(1, ImageOrientationPatient=[1, 0, 0, 1, 0, 0]),
             ("right angle",)),
            ("compressed", None, ("RLE", "gdcmconv --raw IN OUT"))):
        f = series(name, 8, AXIAL, edit=edit)
        if name == "compressed":
            p = sorted(f.iterdir())[3]
            d = pydicom.dcmread(p)
            d.compress(pydicom.uid.RLELossless)
            d.save_as(p)
        said = refused(f, *words)
        check(name == "compressed" or "IM" in said, f"{name}: no file named: "
              + said)
    f = series("size", 3, AXIAL)
    p = sorted(f.iterdir())[1]
    d = pydicom.dcmread(p)
    new = make(noise((6, 9), 12), 12)
    for tag in ("Rows", "Columns", "PixelData"):
        setattr(d, tag, getattr(new, tag))
    d.save_as(p)
    refused(f, "6 rows x 9 columns")


def test_several_series():
    f = series("many", 3, AXIAL, SeriesNumber=5)
    a = expected(f)[0]
    keep = WORK / "kept"
    shutil.rmtree(keep, ignore_errors=True)
    shutil.copytree(f, keep)
    g = series("many2", 4, CORONAL, SeriesNumber=2)
    b = expected(g)[0]
    for p in g.iterdir():
        shutil.copy(p, keep / ("X" + p.name))
    said = refused(keep, "2 DICOM series", "volume=K", "0: 4 images of 6x5",
                   "1: 3 images of 6x5")
    check("1.2." not in said, "a UID is printed: " + said)
    holds(keep, b, volume=0)
    got = holds(keep, a, volume=1)
    check(got and (got.volumes, got.volume) == (2, 1), "which series")
    refused(keep, "volume 2", volume=2)


def test_export():
    """As a CD has it: a directory, and the series some folders below."""
    d = make(noise((2, 2), 8), PixelData=None)
    save(d, "cd/DICOMDIR")
    series("cd/DICOM/S1", 2, AXIAL)
    refused(WORK / "cd", "no DICOM file with pixels", "name that of the series")
    check(Read(WORK / "cd" / "DICOM" / "S1").ok, "the series of a CD")


def test_segmentation():
    """examples/dicom_seg.py: the mask of a series as DICOM, by pydicom and
    dciodvfy."""
    if not nibabel:
        return
    f = series("seg", 5, turned(.2, .1, .3), shape=(11, 13),
               FrameOfReferenceUID="1.2.9", StudyDate="20260101")
    v, affine = expected(f)
    mask = np.zeros((13, 11, 5), "u1")
    mask[2:5, 1:9, 1:3] = 1
    mask[7:12, 3:6, 2:5] = 2
    nibabel.save(nibabel.Nifti1Image(mask, affine), WORK / "mask.nii")
    nibabel.save(nibabel.Nifti1Image(mask, affine + np.eye(4)), WORK / "no.nii")
    script = pathlib.Path(__file__).parents[2] / "examples" / "dicom_seg.py"
    out = WORK / "seg.dcm"
    if not program(sys.executable, script, f, WORK / "mask.nii", out, "one"):
        return
    d = pydicom.dcmread(out)
    by = {float(np.cross(*np.reshape(s.ImageOrientationPatient, (2, 3)).astype(
        float)) @ np.array(s.ImagePositionPatient, float)): s
          for s in map(pydicom.dcmread, f.iterdir())}
    sources = [by[k] for k in sorted(by)]
    back = np.zeros_like(mask)
    for pixels, frame in zip(d.pixel_array,
                             d.PerFrameFunctionalGroupsSequence):
        at = frame.PlanePositionSequence[0].ImagePositionPatient
        k = [s.ImagePositionPatient for s in sources].index(at)
        check(frame.DerivationImageSequence[0].SourceImageSequence[0]
              .ReferencedSOPInstanceUID == sources[k].SOPInstanceUID,
              "a frame of another image")
        n = frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        back[:, :, k][pixels.T == 1] = n
    check(np.array_equal(back, mask) and d.NumberOfFrames == 5
          and [s.SegmentLabel for s in d.SegmentSequence]
          == ["one", "segment 2"] and d.PatientID == "MRN-4711"
          and d.FrameOfReferenceUID == "1.2.9", "another mask")
    if shutil.which("dciodvfy"):
        r = subprocess.run(["dciodvfy", str(out)], capture_output=True,
                           text=True)
        check("Error" not in r.stdout + r.stderr, f"dciodvfy: {r.stderr}")
    r = subprocess.run([sys.executable, script, f, WORK / "no.nii", out],
                       capture_output=True, text=True)
    check(r.returncode != 0 and "the series has" in r.stderr,
          f"a mask that lies elsewhere was taken: {r.stderr}")


# ---- many frames -----------------------------------------------------------

def enhanced(n=5, step=3.0, edit=None, order=None, slopes=None):
    d = make(noise((n, 4, 6), 12), 12, frames=n)
    shared = Dataset()
    o, m = Dataset(), Dataset()
    o.ImageOrientationPatient = list(AXIAL)
    m.PixelSpacing, m.SliceThickness = [0.5, 0.75], 3
    shared.PlaneOrientationSequence = Sequence([o])
    shared.PixelMeasuresSequence = Sequence([m])
    d.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for k in range(n):
        f, p, c = Dataset(), Dataset(), Dataset()
        p.ImagePositionPatient = [1, 2, 3 + step * (order[k] if order else k)]
        f.PlanePositionSequence = Sequence([p])
        if slopes:
            c.RescaleSlope, c.RescaleIntercept = slopes[k], "1"
            c.RescaleType = "US"
            f.PixelValueTransformationSequence = Sequence([c])
        # what a maker keeps beside it must not be taken for the frame's
        other = Dataset()
        other.ImagePositionPatient = [9, 9, 9]
        f.ReferencedImageSequence = Sequence([other])
        frames.append(f)
    d.PerFrameFunctionalGroupsSequence = Sequence(frames)
    if edit:
        edit(d, frames)
    return d


def test_enhanced():
    for undefined in (False, True):
        order = [3, 0, 4, 1, 2]
        d = enhanced(order=order)
        for tag in ("SharedFunctionalGroupsSequence",
                    "PerFrameFunctionalGroupsSequence"):
            d[tag].is_undefined_length = undefined
        p = save(d, "enhanced.dcm")
        want = d.pixel_array[[order.index(k) for k in range(5)]]
        got = holds(p, want)
        if got:
            affine = [[-.75, 0, 0, -1], [0, -.5, 0, -2], [0, 0, 3, 3],
                      [0, 0, 0, 1]]
            check(np.allclose(got.affine, affine), f"enhanced: {got.affine}")
    slopes = ["1", "2", "0.5", "3", "1.25"]
    d = enhanced(slopes=slopes)
    holds(save(d, "slopes.dcm"),
          d.pixel_array * np.array(slopes, float)[:, None, None] + 1)
    d = enhanced(order=[0, 1, 2, 2, 3])
    refused(save(d, "time.dcm"), "frame 2", "frame 3", "same place", "dcm2niix")

    def lose(d, frames):
        del frames[2].PlanePositionSequence
    refused(save(enhanced(edit=lose), "lost.dcm"), "frame 2", "no position")

    def more(d, frames):
        d.NumberOfFrames = 3
    refused(save(enhanced(edit=more), "more.dcm"), "3 frames")

    def plain(d, frames):
        del d.PerFrameFunctionalGroupsSequence
        del d.SharedFunctionalGroupsSequence
    p = save(enhanced(edit=plain), "plain.dcm")
    got = holds(p, values(p))
    check(got and (got.qform, got.sform) == (0, 0), "a place from nowhere")


# ---- other programs --------------------------------------------------------

def program(*args):
    if not shutil.which(args[0]):
        return False
    r = subprocess.run([str(a) for a in args], capture_output=True, text=True,
                       timeout=60)
    check(r.returncode == 0, f"{args}: {r.stderr}")
    return r.returncode == 0


def test_dcmtk():
    d = make(noise((16, 12), 12), 12, RescaleSlope="2", RescaleIntercept="-9")
    inner = Dataset()
    inner.CodeValue, inner.CodeMeaning = "1", "x"
    d.RequestAttributesSequence = Sequence([inner, inner])
    p = save(d, "plain.dcm")
    want = values(p)
    out = WORK / "tool.dcm"
    for options in (("+te",), ("+ti",), ("-e", "+te"), ("-e", "+ti"),
                    ("+e", "+te"), ("-F", "+ti"), ("-F", "+te"), ("+g", "+te"),
                    ("-g", "+ti")):
        if program("dcmconv", *options, p, out):
            holds(out, want, what=f" dcmconv {options}")
    for options, word in (("+tb", "big endian"), ("+td", "deflated")):
        if program("dcmconv", options, p, out):
            refused(out, "tool.dcm", word, "dcmconv +te IN OUT")
            if program("dcmconv", "+te", out, WORK / "back.dcm"):
                holds(WORK / "back.dcm", want, what=f" back from {options}")
    for tool, options, word in (
            ("dcmcjpeg", ("+e1",), "JPEG lossless"),
            ("dcmcjpeg", ("+el",), "JPEG lossless"),
            ("dcmcrle", (), "RLE lossless"),
            ("dcmcjpls", ("+el",), "JPEG-LS"),
            ("gdcmconv", ("--j2k",), "JPEG 2000"),
            ("gdcmconv", ("--jpeg",), "JPEG lossless"),
            ("gdcmconv", ("--rle",), "RLE")):
        if program(tool, *options, p, out):
            refused(out, "tool.dcm", word, "gdcmconv --raw IN OUT")
            if program("gdcmconv", "--raw", out, WORK / "raw.dcm"):
                holds(WORK / "raw.dcm", want, what=f" {tool} {options}, raw")
    d = make(noise((8, 8, 3), 8), photometric="RGB")
    p = save(d, "rgb.dcm")
    if program("dcmcjpeg", "+eb", p, out):
        refused(out, "JPEG baseline")
        if program("gdcmconv", "--raw", out, WORK / "raw.dcm"):
            holds(WORK / "raw.dcm", values(WORK / "raw.dcm"), what=" colour")
    d = make(noise((8, 8), 8), PhotometricInterpretation="PALETTE COLOR")
    for colour in ("Red", "Green", "Blue"):
        d.add_new(pydicom.tag.Tag(colour
                                  + "PaletteColorLookupTableDescriptor"), "US",
                  [256, 0, 16])
        setattr(d, colour + "PaletteColorLookupTableData", bytes(range(256)) * 2)
    p = save(d, "palette.dcm")
    refused(p, "PALETTE COLOR", "dcmj2pnm +on IN OUT.png")
    if program("dcmj2pnm", "+on", p, WORK / "palette.png"):
        check((WORK / "palette.png").read_bytes()[1:4] == b"PNG", "no PNG")
    p = save(make(noise((8, 8, 3), 8), photometric="RGB"), "rgb.dcm")
    if program("gdcmconv", "--rle", p, out) \
            and program("gdcmconv", "--raw", out, WORK / "raw.dcm"):
        holds(WORK / "raw.dcm", values(p), what=" RGB through RLE")


# ---- the command -----------------------------------------------------------

def network(name):
    """A model of one channel whose mask is pixel > 127.5: x, squared, less
    1/4."""
    def conv(name, of, bias):
        return {"op": "conv", "name": name, "in": [of], "weight": name + ".w",
                "bias": name + ".b", "kernel": 1, "stride": 1}
    ranges = {n: {"max": 1, "rms": 0.5, "gain": 1}
              for n in ("image", "a", "b", "logit")}
    net = {"name": "half", "border": "halo",
           "input": {"channels": 1, "height": 16, "width": 16, "mul": 1 / 255,
                     "add": 0},
           "output": {"tensor": "logit", "threshold": 0,
                      "foreground": "bright"},
           "layers": [conv("a", "image", 0),
                      {"op": "square", "name": "b", "in": ["a"]},
                      conv("logit", "b", -0.25)], "ranges": ranges}
    head = {"__metadata__": {"format": "volley-1", "network": json.dumps(net),
                             "origin": "made by a test"}}
    data = b""
    for key, shape, value in (("a.w", [1, 1, 1, 1], 1), ("a.b", [1], 0),
                              ("logit.w", [1, 1, 1, 1], 1),
                              ("logit.b", [1], -0.25)):
        head[key] = {"dtype": "F32", "shape": shape,
                     "data_offsets": [len(data), len(data) + 4]}
        data += struct.pack("<f", value)
    text = json.dumps(head).encode()
    path = WORK / name
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def volley(*args, ok=True):
    r = subprocess.run([str(VOLLEY)] + [str(a) for a in args], text=True,
                       capture_output=True, timeout=120)
    said = r.stdout + r.stderr
    check((r.returncode == 0) == ok, f"volley {args}: {said}")
    check(not any(s in said for s in SECRETS), f"names a person: {said}")
    return said


def test_command():
    """From a folder to the mask on it, and nothing of the person in between."""
    if not VOLLEY:
        return
    net = network("net")
    f = series("command", 6, turned(.1, .2, -.1), shape=(20, 17))
    v, affine = expected(f)
    low, high = np.percentile(v, 1), np.percentile(v, 99.5)
    want = (v - low) / (high - low) > 0.5
    volley("clear", "--float", net, f, "-o", WORK / "clear.nii.gz")
    if nibabel:
        got = nibabel.load(WORK / "clear.nii.gz")
        check(np.array_equal(got.get_fdata().transpose(2, 1, 0), want)
              and np.allclose(got.affine, affine, atol=1e-4),
              f"the mask of a series: {got.affine}, want {affine}")
    for k in range(2):                  # images for themselves
        save(make(noise((16, 16), 8)), f"rays/p{k}.dcm")
    ray = WORK / "rays" / "p1.dcm"
    for source, out in ((f"{f}/", "command-mask.nii.gz"),
                        (f"{f}:slice=2", "command-slice2-mask.png"),
                        (WORK / "rays", "p0-mask.nii.gz"),
                        (ray, "p1-mask.nii.gz")):
        volley("clear", "--float", net, source, "-o", f"{WORK}/out/")
        check((WORK / "out" / out).exists(), f"{source}: no {out}")
    volley("clear", "--float", net, ray, "-o", WORK / "ray.png")
    plan, keys = WORK / "n.plan", WORK / "keys"
    volley("plan", net, "--images", 6, "-o", plan)
    volley("keygen", plan, "--out", keys)
    volley("encrypt", plan, "--key", keys, f, "-o", WORK / "in.vct")
    kept = list(keys.rglob("*")) + [WORK / "in.vct"]
    for p in kept:
        if p.is_file():
            data = p.read_bytes()
            check(not any(s in data for s in LONG)
                  and b"1.2.826" not in data, f"{p} names a person or a UID")
    check(any("requests" in str(p) for p in kept), "no request")
    volley("evaluate", net, WORK / "in.vct", "--plan", plan, "--keys",
           keys / "eval.keys", "-o", WORK / "out.vct")
    volley("decrypt", plan, WORK / "out.vct", "--key", keys, "-o",
           WORK / "mask.nii.gz")
    if nibabel:
        got = nibabel.load(WORK / "mask.nii.gz")
        clear = np.abs((v - low) / (high - low) - 0.5) > 0.01   # of noise
        check(np.array_equal(got.get_fdata().transpose(2, 1, 0)[clear],
                             want[clear]) and clear.mean() > 0.9
              and np.allclose(got.affine, affine, atol=1e-4),
              "the mask of an encrypted series")


with tempfile.TemporaryDirectory() as folder:
    WORK = pathlib.Path(folder)
    try:
        import nibabel
    except ImportError:
        nibabel = None
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            test()
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
