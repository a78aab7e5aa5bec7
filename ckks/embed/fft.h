/* fft.h -- the complex FFT the encoder is built on.
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

#include "base/base.h"

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

#endif
