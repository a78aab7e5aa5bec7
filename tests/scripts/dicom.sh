#!/bin/sh
# dicom.sh BUILD -- what Volley reads of DICOM files, beside pydicom, and where
# they are installed dcm2niix, DCMTK and GDCM (tests/scripts/dicom.py); skipped
# without pydicom.  Ends with "N passed, N failed".
build=${1:-build}
here=$(dirname "$0")
python=${PYTHON:-/usr/bin/python3}
if ! "$python" -c 'import pydicom, numpy' 2>/dev/null; then
    echo "skip DICOM: no pydicom (make deps)"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
for program in dcm2niix dcmconv gdcmconv dciodvfy; do
    command -v "$program" >/dev/null 2>&1 \
        || echo "skip $program: not installed (make deps-dicom)"
done
"$python" -B "$here/dicom.py" "$build/volume-dump" "$build/volley"
