/* roots.h -- points of the unit circle, to the last bit. */
#ifndef CKI_ROOTS_H
#define CKI_ROOTS_H

#include "base/base.h"

/* re[k] + i im[k] = e(k / order) for k < count <= 2^16, order a power of two
 * from 4 to 2^20; correctly rounded but in cases of odds 2^-40. */
void cki_roots(double *re, double *im, size_t count, size_t order);

#endif
