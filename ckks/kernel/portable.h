/* portable.h -- layer 2: the portable NTT, for SIMD kernels in tiny rings. */
#ifndef CKI_PORTABLE_H
#define CKI_PORTABLE_H

#include "kernel.h"

size_t cki_portable_ntt_bytes(size_t n);
void cki_portable_ntt_prepare(cki_ntt *t, const uint64_t *root,
                              const uint64_t *inverse);
void cki_portable_ntt_fwd(uint64_t *x, const cki_ntt *t);
void cki_portable_ntt_inv(uint64_t *out, const uint64_t *in, uint64_t w,
                          const cki_ntt *t);
void cki_portable_divide(uint64_t *out, uint64_t *z, const cki_quotient *q,
                         const cki_ntt *t);

#endif
