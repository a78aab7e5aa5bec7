/* selftest.h -- what the parts of the known-answer check share. */
#ifndef CKI_SELFTEST_H
#define CKI_SELFTEST_H

#include "kernel/kernel.h"

enum { CKI_CHECK_N = 256, CKI_CHECK_LOG_N = 8, CKI_CHECK_TERMS = 12 };

/* Everything one check needs; allocated in one piece. */
typedef struct cki_bench {
    uint64_t x[CKI_CHECK_TERMS][CKI_CHECK_N], y[CKI_CHECK_TERMS][CKI_CHECK_N];
    uint64_t got[3][CKI_CHECK_N], want[3][CKI_CHECK_N];
    _Alignas(64) char work[1 << 16];
} cki_bench;

/* Values that differ everywhere and reach both ends of the range. */
static inline void cki_check_fill(uint64_t (*x)[CKI_CHECK_N],
                                  uint64_t salt, const cki_mod *m)
{
    uint64_t a = salt;

    for (int k = 0; k < CKI_CHECK_TERMS; k++)
        for (int i = 0; i < CKI_CHECK_N; i++) {
            a = a * 6364136223846793005u + 1442695040888963407u;
            x[k][i] = (a ^ a >> 29) % m->p;
            if (i % 16 == 3)
                x[k][i] = m->p - 1;
            if (i % 16 == 8)
                x[k][i] = 0;
        }
}

/* y packed, at place number j of the bench's work. */
static inline const uint8_t *cki_check_packed(cki_bench *b, int j,
                                              const uint64_t *y,
                                              const cki_mod *m)
{
    uint8_t *to = (uint8_t *)b->work + (size_t)j * (8 * CKI_CHECK_N
                                                    + CKI_BEYOND);

    cki_pack(to, y, CKI_CHECK_N, cki_packed_bytes(m));
    return to;
}

/* Transforms and divisions in either ring, and with an even and an odd number
 * of layers: these begin and end in other ways.  perm: of CKI_CHECK_N words,
 * groups of eight kept whole.
 *   errors  CKKS_EMEM */
CKKS_CHECKED ckks_status cki_check_ntts(bool *ok, cki_bench *b,
                                        const cki_kernel *k,
                                        const uint32_t *perm, const cki_mod *m,
                                        const ckks_memory *memory);

#endif
