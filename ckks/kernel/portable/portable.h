/* portable.h -- the kernel in C11, by file: what is in it, and what its files
 * share.  The transforms serve SIMD kernels in tiny rings, too.
 *
 * Read first: word.h (Lemmas B and S).
 */
#ifndef CKI_PORTABLE_H
#define CKI_PORTABLE_H

#include "kernel/kernel.h"

/* ---- transforms ---------------------------------------------------------- */

/* The layout of cki_ntt.own: four arrays of N words. */
typedef struct cki_portable_table {
    const uint64_t *w, *ws;         /* root of cki_ntt_init and companions   */
    const uint64_t *v, *vs;         /* their inverses                        */
} cki_portable_table;

/* Layers go in pairs; p < 2^61 leaves room for words below 8p.  Large rings are
 * cut into blocks that stay in the first-level cache. */


size_t cki_portable_ntt_bytes(size_t n);
void cki_portable_ntt_prepare(cki_ntt *t, const uint64_t *root,
                              const uint64_t *inverse);
void cki_portable_ntt_fwd(uint64_t *x, const cki_ntt *t);
void cki_portable_ntt_head(uint64_t *x, const cki_ntt *t, bool lazy);
void cki_portable_ntt_tail(uint64_t *x, size_t at, const cki_ntt *t, bool lazy,
                           const cki_soon *soon);
void cki_portable_ntt_inv(uint64_t *out, const uint64_t *in, uint64_t w,
                          const cki_ntt *t);
void cki_portable_ntt_finish(uint64_t *out, uint64_t *z, const cki_ending *q,
                             const cki_ntt *t);

/* The layer of the real ring (cki_ntt_init), and twice its inverse. */
void cki_portable_fold(uint64_t *x, const cki_ntt *t);
void cki_portable_unfold(uint64_t *x, const cki_ntt *t);

/* ---- sums of products ------------------------------------------------------
 *
 * A sum of up to 64 products below 2^122 stays below 2^128: it is kept in two
 * words and reduced once. */

typedef struct cki_wide {
    uint64_t hi, lo;
} cki_wide;

static inline void cki_wide_mul_add(cki_wide *s, uint64_t a, uint64_t b)
{
    uint64_t hi, lo;

    cki_mul_wide(&hi, &lo, a, b);
    s->lo += lo;
    s->hi += hi + (s->lo < lo);
}

/* ---- the other functions of the kernel, by file -------------------------- */

void cki_portable_add(uint64_t *out, const uint64_t *a, const uint64_t *b,
                      size_t n, const cki_mod *m);
void cki_portable_sub(uint64_t *out, const uint64_t *a, const uint64_t *b,
                      size_t n, const cki_mod *m);
void cki_portable_mul(uint64_t *out, const uint64_t *a, const uint64_t *b,
                      size_t n, const cki_mod *mod);
void cki_portable_mul_add(uint64_t *out, const uint64_t *a, const uint64_t *b,
                          const uint64_t *c, size_t n, const cki_mod *mod);
void cki_portable_square(uint64_t *out0, uint64_t *out1, uint64_t *out2,
                         const uint64_t *a0, const uint64_t *a1, bool add_to,
                         size_t n, const cki_mod *mod);
void cki_portable_scale_add(uint64_t *out, const uint64_t *a, uint64_t w,
                            const uint64_t *c, size_t n, const cki_mod *m);

void cki_portable_dot2(uint64_t *out0, uint64_t *out1, const uint64_t *const *x,
                       const cki_turn *turn, const uint8_t *const *y0,
                       const uint8_t *const *y1, int k, bool add_to, size_t n,
                       const cki_mod *mod);

void cki_portable_convert_begin(uint64_t *const *y, uint64_t *v,
                                const cki_conv *c, bool centred, size_t n);
void cki_portable_convert_end(uint64_t *const *out, const int *target,
                              int num_targets, const uint64_t *const *y,
                              const uint64_t *v, const cki_conv *c, bool lazy,
                              size_t n);

void cki_portable_permute(uint64_t *out, const uint64_t *in,
                          const uint32_t *perm, size_t n);

size_t cki_portable_combine_work(size_t n_in, const ckks_block *block,
                                 size_t n_blocks);
void cki_portable_combine(uint64_t *const *out, const uint64_t *const *in,
                          size_t n_in, const ckks_block *block, size_t n_blocks,
                          size_t n, const cki_mod *m, void *work);

void cki_portable_pack(uint8_t *out, const uint64_t *in, size_t n,
                       size_t bytes);
void cki_portable_lift(uint64_t *out, const uint64_t *in, uint64_t bound,
                       uint64_t shift, size_t n);
void cki_portable_from_small(uint64_t *out, const int8_t *in, size_t n,
                             const cki_mod *m);
size_t cki_portable_sift(uint64_t *out, const uint8_t *in, size_t count,
                         uint64_t mask, uint64_t p);
void cki_portable_weigh(uint64_t *const *out, size_t rows,
                        const uint64_t *const *in, const uint64_t *weight,
                        size_t terms, size_t n, const cki_mod *m);

void cki_portable_expand(uint8_t *out, const uint8_t *root, uint32_t node,
                         size_t count);

#endif
