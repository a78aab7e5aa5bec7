/* dicom_build.h -- DICOM files drawn and mended: see dicom_build.c. */
#ifndef FUZZ_DICOM_BUILD_H
#define FUZZ_DICOM_BUILD_H

#include "fuzz.h"

void fuzz_mend_dicom(fuzz_input *in);

#endif
