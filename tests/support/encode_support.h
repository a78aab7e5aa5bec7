/* encode_support.h -- what the tests of the encoder share. */
#ifndef ENCODE_SUPPORT_H
#define ENCODE_SUPPORT_H

#include "test.h"

#include "scheme/context.h"
#include "embed/embed.h"
#include "oracle/oracle.h"

/* The FFT engines of this build. */
enum { MAX_ENGINES = 2 };
extern const cki_fft_engine *const fft_engines[MAX_ENGINES];
extern const size_t num_fft_engines;

/* Memory aligned to 64 bytes, for free; ends the program when there is none. */
void *aligned_memory(size_t size);

/* A random number in [-1, 1). */
double random_unit(uint64_t *state);

/* Generators of the complex ring, and the real ring. */
enum { GENERATOR_3, GENERATOR_5, REAL_RING, ENCODERS };

/* A context without special primes, what the oracle knows of it, and arrays. */
typedef struct fixture {
    ckks_ctx *ctx;
    oracle    o;
    bool      real;         /* the ring                                      */
    int       generator;
    size_t    n;            /* N                                             */
    size_t    slots;        /* N/2; real ring: N                             */
    double   *re, *im;      /* the slots                                     */
    double   *got_re, *got_im;
    long double *want_re, *want_im;
    long double *coeff;     /* those of the oracle's polynomials             */
} fixture;

bool fixture_init(fixture *f, int log_n, int encoder, const int *bits,
                  int num_primes);
void fixture_clear(fixture *f);
/* Exchanges the context's engine. */
void fixture_engine(fixture *f, const cki_fft_engine *e);
/* Coefficients from N on follow from the others in the real ring. */
void fixture_complete(const fixture *f, opoly *m);

#endif
