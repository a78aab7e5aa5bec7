/* fft.h -- layer 4: the complex FFT the encoder is built on.
 *
 * Read first: docs/04-encoding.md.  An engine evaluates a polynomial of n
 * complex coefficients at the n-th roots of unity and back:
 *
 *     evaluate      X_t = sum over k < n of x_k e(t k / n)
 *     interpolate   x_k = sum over t < n of X_t e(-t k / n)
 *
 * with e(u) = exp(2 pi i u).  The one after the other multiplies by n.
 * Coefficients stand in natural order, x_k at k; value X_t stands at place(t),
 * so that an engine need not undo its own permutation.
 */
#ifndef CKI_FFT_H
#define CKI_FFT_H

#include "ground.h"

typedef struct cki_fft cki_fft;

/* An array of n complex numbers is 2n doubles at an address divisible by 64:
 * split, element k is x[k] + i x[n + k]; else x[2k] + i x[2k + 1]. */
typedef struct cki_fft_engine {
    const char *name;
    bool split;
    /* Tables for n, a power of two from 2 to 2^16; only read afterwards, so
     * threads may share them.
     *   errors  CKKS_EMEM */
    CKKS_CHECKED ckks_status (*init)(void **own, const ckks_memory *m,
                                     size_t n);
    void (*clear)(void *own, const ckks_memory *m);
    size_t (*place)(size_t t, size_t n);
    /* In place.  Relative error, in the 2-norm, below log2(n) 2^-52. */
    void (*evaluate)(double *x, const void *own);
    void (*interpolate)(double *x, const void *own);
} cki_fft_engine;

/* Same bits on every machine with IEEE doubles. */
extern const cki_fft_engine cki_fft_builtin;

/* CKI_FFT is the engine contexts use.  A library that uses FFTW never calls
 * the built-in one, so the linker leaves it out unless a test asks for it. */
#ifdef CKKS_FFT_FFTW
extern const cki_fft_engine cki_fft_fftw;
#define CKI_FFT (&cki_fft_fftw)
#else
#define CKI_FFT (&cki_fft_builtin)
#endif

/* re[k] + i im[k] = e(k / order) for k < count <= 2^16, order a power of two
 * from 4 to 2^20; correctly rounded but in cases of odds 2^-40 (circle.c). */
void cki_circle(double *re, double *im, size_t count, size_t order);

/* ---- slots and coefficients (slots.c) ----------------------------------- */

/* The encoder's tables with an engine of choice; cki_fft_init takes CKI_FFT. */
CKKS_CHECKED ckks_status cki_fft_init_engine(cki_fft **out,
                                             const ckks_memory *m, int log_n,
                                             int generator, bool real,
                                             const cki_fft_engine *engine);

/* Doubles of work below, a multiple of 8 from N = 8 on: N, real ring 2N. */
size_t cki_slots_work(const cki_fft *f);

/* c, shape (N): factor times the real coefficients of the polynomial whose
 * slot j is re[j] + i im[j] for j < count and 0 from there on; im may be NULL,
 * in the real ring it is not read.
 * Returns the largest |c_k|; infinity if one of them is not a number.
 * work: cki_slots_work doubles, 64-byte aligned, as c is. */
double cki_slots_to_poly(double *c, double *work, const cki_fft *f,
                         const double *re, const double *im, size_t count,
                         double factor);

/* The first count slots of factor times the polynomial; im may be NULL, in the
 * real ring it is filled with 0. */
void cki_poly_to_slots(double *re, double *im, size_t count, double *work,
                       const cki_fft *f, const double *c, double factor);

#endif
