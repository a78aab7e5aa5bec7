/* embed.h -- the canonical embedding: slots to real coefficients and back.
 *
 * Read first: docs/04-encoding.md, fft.h.
 */
#ifndef CKI_EMBED_H
#define CKI_EMBED_H

#include "embed/fft.h"

typedef struct cki_embed cki_embed;

/* The tables; init_engine: with an engine of choice, init takes CKI_FFT. */
CKKS_CHECKED ckks_status cki_embed_init(cki_embed **out, const ckks_memory *m,
                                        int log_n, int generator, bool real);
void cki_embed_clear(cki_embed **embed, const ckks_memory *m);
CKKS_CHECKED ckks_status cki_embed_init_engine(cki_embed **out,
                                               const ckks_memory *m, int log_n,
                                               int generator, bool real,
                                               const cki_fft_engine *engine);

/* Doubles of work below, a multiple of 8 from N = 8 on: N, real ring 2N. */
size_t cki_embed_work(const cki_embed *f);

/* c, shape (N): factor times the real coefficients of the polynomial whose
 * slot j is re[j] + i im[j] for j < count and 0 from there on; im may be NULL,
 * in the real ring it is not read.
 * Returns the largest |c_k|; infinity if one of them is not a number.
 * work: cki_embed_work doubles, 64-byte aligned, as c is. */
double cki_embed_to_poly(double *c, double *work, const cki_embed *f,
                         const double *re, const double *im, size_t count,
                         double factor);

/* The first count slots of factor times the polynomial; im may be NULL, in the
 * real ring it is filled with 0. */
void cki_embed_to_slots(double *re, double *im, size_t count, double *work,
                        const cki_embed *f, const double *c, double factor);

#endif
