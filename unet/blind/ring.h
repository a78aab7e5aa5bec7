/* ring.h -- the rings of the two-party protocol: Z[X]/(X^n + 1) modulo a few
 * primes, with the transforms of libckks, and public-key encryption there.
 *
 * Read first: docs/02-ntt.md, docs/05-encryption.md.  A polynomial is `limbs`
 * limbs of n words in one block.
 */
#ifndef BLIND_RING_H
#define BLIND_RING_H

#include "party.h"
#include "ring/rns.h"
#include "scheme/rng.h"

enum { BLIND_MOST_LIMBS = 4, BLIND_PLAIN = 2 };

/* Encryption is exact and additive: c_0 + c_1 s = t e + m, where e is noise
 * and t the factor of noise, 1 for convolutions. */
typedef struct blind_ring {
    cki_rns  rns;               /* limbs ciphertext primes; behind them, for
                                   squares, BLIND_PLAIN plaintext primes     */
    int      limbs, bits;       /* of a ciphertext prime                     */
    size_t   n;
    size_t   packed;            /* bytes of a packed limb                    */
    uint64_t *secret;           /* NTT form; NULL at the server              */
    uint64_t *key0, *key1;      /* public key (-a s + e, a), NTT form        */
    uint8_t  seed[32];          /* of all a                                  */
    uint64_t drawn;             /* a's drawn so far: both sides count alike  */
} blind_ring;

/* Primes of this many bits, the largest ones = 1 mod 2n; plain_bits 0: without
 * plaintext primes.
 *   errors  CKKS_EPARAM     log2 q above the table at 128 bits, CKKS_EMEM */
CKKS_CHECKED ckks_status blind_ring_init(blind_ring *r, int log_n, int limbs,
                                         int bits, int plain_bits);
/* Wipes.  Also of a ring of zero bytes. */
void blind_ring_clear(blind_ring *r);

/* The client: secret, seed and public key; the bytes that the server needs, and
 * the server with them.
 *   errors  CKKS_EFORMAT    a word that is not below its prime */
CKKS_CHECKED ckks_status blind_ring_keys(blind_ring *r, ckks_rng *rng);
size_t blind_ring_key_bytes(const blind_ring *r);
void blind_ring_key_save(uint8_t *out, const blind_ring *r);
CKKS_CHECKED ckks_status blind_ring_key_load(blind_ring *r, const uint8_t *in);

/* The next a, uniform, NTT form: from the seed, the same at both sides. */
void blind_ring_public(uint64_t *a, blind_ring *r);

/* c0 = NTT(m + t e) - a s for the next a.  m: coefficients, spoiled; work: a
 * polynomial and n bytes. */
void blind_ring_encrypt(uint64_t *c0, uint64_t *m, uint64_t t, blind_ring *r,
                        cki_stream *s, uint64_t *work);

/* Adds t (key0 u, key1 u + e) for a fresh ternary u and noise e: what a sum of
 * ciphertexts needs so that nothing in it tells what it is made of.  What the
 * caller adds to c0 stands for the noise there.  Both NTT form, work as
 * above. */
void blind_ring_refresh(uint64_t *c0, uint64_t *c1, uint64_t t,
                        const blind_ring *r, cki_stream *s, uint64_t *work);

/* out = small numbers times t modulo each prime, coefficients. */
void blind_ring_noise(uint64_t *out, uint64_t t, const blind_ring *r,
                      cki_stream *s, int8_t *small);

/* Words of a polynomial with n bytes behind it. */
static inline size_t blind_ring_work(const blind_ring *r)
{
    return (size_t)r->limbs * r->n + r->n / 8;
}

/* limbs limbs, of count words each at a distance of `stride`, packed to
 * ring->bits; bytes of all.  Unpacking checks every word against its prime. */
size_t blind_ring_packed(const blind_ring *r, size_t count);
void blind_ring_pack(uint8_t *out, const uint64_t *x, size_t count,
                     size_t stride, const blind_ring *r);
CKKS_CHECKED ckks_status blind_ring_unpack(uint64_t *x, const uint8_t *in,
                                           size_t count, size_t stride,
                                           const blind_ring *r);

/* 64-byte aligned, wiped before it is freed; NULL: no memory. */
void *blind_alloc(size_t size);
void blind_free(void *p, size_t size);

#endif
