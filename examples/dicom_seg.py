"""dicom_seg.py SERIES mask.nii.gz OUT.dcm [NAME ...] -- a mask of a DICOM series
as a DICOM segmentation (binary), with pydicom and nibabel.

SERIES is the folder that was encrypted, mask.nii.gz what decrypt made of its
result: labels 1, 2, ... are segments, NAME their names.  What names patient and
study is copied from the series: this is for the owner's side, where it is
anyway.  The codes say "tissue", which every reader takes; put yours.
"""
import datetime
import pathlib
import sys

import nibabel
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixel_data_handlers.numpy_handler import pack_bits
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

SEG = "1.2.840.10008.5.1.4.1.1.66.4"
COPIED = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex",
          "StudyInstanceUID", "StudyDate", "StudyTime", "StudyID",
          "AccessionNumber", "ReferringPhysicianName", "StudyDescription",
          "FrameOfReferenceUID")
# type 2: there, if empty
EMPTY = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex",
         "StudyDate", "StudyTime", "StudyID", "AccessionNumber",
         "ReferringPhysicianName")


def code(value, scheme, meaning):
    d = Dataset()
    d.CodeValue, d.CodingSchemeDesignator, d.CodeMeaning = value, scheme, meaning
    return Sequence([d])


def item(**tags):
    d = Dataset()
    for tag, value in tags.items():
        setattr(d, tag, value)
    return d


def slices(folder):
    """The images of the series along their normal, headers alone, and their
    affine: columns, rows, slices to right, front, head."""
    sets = []
    for p in sorted(pathlib.Path(folder).iterdir()):
        try:
            d = pydicom.dcmread(p, stop_before_pixels=True)
        except (pydicom.errors.InvalidDicomError, IsADirectoryError):
            continue
        if "ImagePositionPatient" in d:
            sets.append(d)
    if not sets:
        sys.exit(f"{folder}: no DICOM image with a position")
    if len({d.SeriesInstanceUID for d in sets}) > 1:
        sys.exit(f"{folder}: several series")
    u, v = np.array(sets[0].ImageOrientationPatient, float).reshape(2, 3)
    normal = np.cross(u, v)
    at = {id(d): np.array(d.ImagePositionPatient, float) for d in sets}
    sets.sort(key=lambda d: normal @ at[id(d)])
    a = np.eye(4)
    a[:3, 0] = u * float(sets[0].PixelSpacing[1])
    a[:3, 1] = v * float(sets[0].PixelSpacing[0])
    a[:3, 2] = ((at[id(sets[-1])] - at[id(sets[0])]) / (len(sets) - 1)
                if len(sets) > 1
                else normal * float(sets[0].get("SliceThickness") or 1))
    a[:3, 3] = at[id(sets[0])]
    return sets, np.diag([-1, -1, 1, 1]) @ a


def segment(number, name):
    return item(SegmentNumber=number, SegmentLabel=name,
                SegmentAlgorithmType="AUTOMATIC", SegmentAlgorithmName="Volley",
                SegmentedPropertyCategoryCodeSequence=code("85756007", "SCT",
                                                           "Tissue"),
                SegmentedPropertyTypeCodeSequence=code("85756007", "SCT",
                                                       "Tissue"))


def frame(source, label, k):
    """Of one segment in slice k: where it lies, and of which image it is."""
    image = item(ReferencedSOPClassUID=source.SOPClassUID,
                 ReferencedSOPInstanceUID=source.SOPInstanceUID,
                 PurposeOfReferenceCodeSequence=code(
                     "121322", "DCM", "Source image for image processing "
                     "operation"))
    return item(
        DerivationImageSequence=Sequence([item(
            DerivationCodeSequence=code("113076", "DCM", "Segmentation"),
            SourceImageSequence=Sequence([image]))]),
        FrameContentSequence=Sequence([item(DimensionIndexValues=[label,
                                                                  k + 1])]),
        PlanePositionSequence=Sequence([item(
            ImagePositionPatient=source.ImagePositionPatient)]),
        SegmentIdentificationSequence=Sequence([item(
            ReferencedSegmentNumber=label)]))


def describe(d, first):
    """Everything but segments and frames."""
    for tag in EMPTY:
        setattr(d, tag, "")
    for tag in COPIED:
        if tag in first:
            setattr(d, tag, getattr(first, tag))
    if "FrameOfReferenceUID" in first:
        d.PositionReferenceIndicator = first.get("PositionReferenceIndicator",
                                                 "")
    now = datetime.datetime.now()
    d.SOPClassUID, d.SOPInstanceUID = SEG, generate_uid()
    d.SeriesInstanceUID = generate_uid()
    d.Modality, d.SeriesNumber, d.InstanceNumber = "SEG", 300, 1
    d.SeriesDescription = d.ContentDescription = "Segmentation"
    d.ContentLabel, d.ContentCreatorName = "SEGMENTATION", ""
    d.ContentDate, d.ContentTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    d.Manufacturer = d.ManufacturerModelName = "Volley"
    d.DeviceSerialNumber, d.SoftwareVersions = "0", "0.1.0"
    d.ImageType = ["DERIVED", "PRIMARY"]
    d.Rows, d.Columns = first.Rows, first.Columns
    d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
    d.BitsAllocated, d.BitsStored, d.HighBit = 1, 1, 0
    d.PixelRepresentation, d.LossyImageCompression = 0, "00"
    d.SegmentationType = "BINARY"


def dimensions(d):
    uid = generate_uid()
    d.DimensionOrganizationSequence = Sequence([item(
        DimensionOrganizationUID=uid)])
    d.DimensionIndexSequence = Sequence([
        item(DimensionOrganizationUID=uid, DimensionIndexPointer=pointer,
             FunctionalGroupPointer=group)
        for pointer, group in ((0x0062000b, 0x0062000a),
                               (0x00200032, 0x00209113))])


def make(sets, step, mask, names):
    """mask: (columns, rows, slices).  A segment that is empty has one frame."""
    d, first = Dataset(), sets[0]
    describe(d, first)
    dimensions(d)
    d.SegmentSequence = Sequence([segment(i + 1, n)
                                  for i, n in enumerate(names)])
    measures = item(PixelSpacing=first.PixelSpacing,
                    SliceThickness=f"{step:.9g}",
                    SpacingBetweenSlices=f"{step:.9g}")
    d.SharedFunctionalGroupsSequence = Sequence([item(
        PixelMeasuresSequence=Sequence([measures]),
        PlaneOrientationSequence=Sequence([item(
            ImageOrientationPatient=first.ImageOrientationPatient)]))])
    frames, planes = [], []
    for label in range(1, len(names) + 1):
        used = [k for k in range(len(sets)) if (mask[:, :, k] == label).any()]
        for k in used or [0]:
            frames.append(frame(sets[k], label, k))
            planes.append((mask[:, :, k] == label).T.astype("u1"))
    d.PerFrameFunctionalGroupsSequence = Sequence(frames)
    d.NumberOfFrames = len(frames)
    d.PixelData = pack_bits(np.stack(planes).ravel())
    d["PixelData"].VR = "OB"
    d.ReferencedSeriesSequence = Sequence([item(
        SeriesInstanceUID=first.SeriesInstanceUID,
        ReferencedInstanceSequence=Sequence([
            item(ReferencedSOPClassUID=s.SOPClassUID,
                 ReferencedSOPInstanceUID=s.SOPInstanceUID) for s in sets]))])
    return d


def main(series, path, out, *names):
    sets, affine = slices(series)
    image = nibabel.load(path)
    mask = np.asarray(image.dataobj)
    shape = (sets[0].Columns, sets[0].Rows, len(sets))
    if mask.shape != shape or not np.allclose(image.affine, affine, atol=1e-3):
        sys.exit(f"{path}: {mask.shape} voxels at {image.affine.tolist()}; the "
                 f"series has {shape} at {affine.tolist()}")
    labels = max(int(mask.max()), len(names), 1)
    names = [names[i] if i < len(names) else f"segment {i + 1}"
             for i in range(labels)]
    d = make(sets, np.linalg.norm(affine[:3, 2]), mask, names)
    d.file_meta = FileMetaDataset()
    d.file_meta.MediaStorageSOPClassUID = SEG
    d.file_meta.MediaStorageSOPInstanceUID = d.SOPInstanceUID
    d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    d.is_little_endian, d.is_implicit_VR = True, False
    d.preamble = bytes(128)
    pydicom.dcmwrite(out, d, write_like_original=False)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__.split("\n\n")[0])
    main(*sys.argv[1:])
