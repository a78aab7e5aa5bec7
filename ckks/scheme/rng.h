/* rng.h -- streams of random bytes and the samplers that use them. */
#ifndef CKI_RNG_H
#define CKI_RNG_H

#include "kernel/kernel.h"

/* BLAKE2Xb of unknown length (RFC 7693 compression; XOF length field
 * 0xffffffff), key of at most 64 bytes, message LE64(a) | LE64(b). */
typedef struct cki_stream {
    const cki_kernel *kernel;           /* makes the output blocks           */
    uint8_t  root[64];      /* H0, the hash every output block starts from   */
    uint8_t  block[64 * CKI_EXPAND];    /* as many as are made side by side  */
    uint32_t next;          /* number of the output block after these        */
    unsigned used;          /* bytes of block already handed out             */
} cki_stream;

/* The bytes are the same with every kernel.  Who has a context gives its
 * kernel, which has passed its check; who has none, cki_kernel_portable. */
void cki_stream_init(cki_stream *s, const cki_kernel *k, const uint8_t *key,
                     size_t key_size, uint64_t a, uint64_t b);
void cki_stream_read(cki_stream *s, uint8_t *out, size_t size);

/* CKKS_EARG for a null pointer, CKKS_ERNG for one never initialised. */
CKKS_CHECKED ckks_status cki_check_rng(const ckks_rng *rng, const char *name);

/* The first thing a public function draws with, once nothing else can fail: a
 * generator of the system's entropy takes fresh bytes, so that a copy of it
 * draws something else.
 *   errors  CKKS_ERNG   no entropy; rng is as it was */
CKKS_CHECKED ckks_status cki_rng_begin(ckks_rng *rng, const char *name);

/* The next stream of a generator: key rng->key, message (counter, 0); the
 * counter goes up by one. */
void cki_rng_stream(cki_stream *s, const cki_kernel *k, ckks_rng *rng);

/* out: n words uniform in [0, p): 8 bytes little-endian, masked to the bits
 * of p - 1, drawn again while >= p.  For public data only (time depends on
 * the draws). */
void cki_sample_uniform(uint64_t *out, size_t n, uint64_t p, cki_stream *s);

/* out: n values of {-1, 0, 1}, equally likely: byte b < 255 gives b mod 3 - 1,
 * byte 255 is drawn again (kept values do not show in the time). */
void cki_sample_ternary(int8_t *out, size_t n, cki_stream *s);

/* out: n values of the centred binomial law of 42 bits: the ones among the
 * low 21 bits minus those among the next 21 of a 6-byte little-endian word;
 * |e| <= 21, standard deviation sqrt(10.5) = 3.24.  Constant time. */
void cki_sample_error(int8_t *out, size_t n, cki_stream *s);

#endif
