/* seal.h -- what all objects of SEAL 4.x are made of.
 *
 *   header       0 u16 a15e, 2 u8 16, 3 u8 major 4, 4 u8 minor, 5 u8
 *                compression (0 none), 6 u16 zero, 8 u64 size of the object
 *                with this header; every object has one, inner ones too
 *   array        header, 16 u64 count, 24 the words
 *   plaintext    header, 16 parms_id, 48 u64 count, 56 f64 scale, 64 array
 *   ciphertext   header, 16 parms_id, 48 u8 1 (NTT form), 49 u64 polynomials,
 *                57 u64 N, 65 u64 primes, 73 f64 scale, 81 u64 1, 89 array;
 *                a seeded one has c_0 alone in the array and behind it
 *   seed         header, 16 u8 generator (1 BLAKE2Xb, 2 SHAKE256), 17 64 bytes
 *
 * All numbers are little-endian.  Words stand polynomial by polynomial, prime
 * by prime, in NTT form: the order they have here.  The key level counts all
 * primes, the special one last.  docs/interop.md.
 */
#ifndef CKI_SEAL_H
#define CKI_SEAL_H

#include "ckks_seal.h"
#include "scheme/key.h"

enum {
    CKI_SEAL_HEAD = 16, CKI_SEAL_ID = 32,
    CKI_SEAL_PLAIN = 88, CKI_SEAL_CIPHER = 113  /* bytes before the words    */
};

/* CKKS_EPARAM unless the context makes SEAL's choices. */
CKKS_CHECKED ckks_status cki_seal_check_ctx(const ckks_ctx *ctx,
                                            const char *name);

/* SEAL's name of the level of so many primes: BLAKE2b-256 of the words
 * 2 (CKKS), N, the primes, 0. */
void cki_seal_id(uint8_t out[CKI_SEAL_ID], const ckks_ctx *ctx, int primes);

/* Returns the place behind the header. */
uint8_t *cki_seal_head_write(uint8_t *out, uint64_t size);
/* A header, of which left bytes are there, and the size in it, which is at
 * most left.  what: the object, for the message. */
CKKS_CHECKED ckks_status cki_seal_head_read(uint64_t *size, const uint8_t *in,
                                            size_t left, const char *what,
                                            const char *name);
/* The same where the size is known. */
CKKS_CHECKED ckks_status cki_seal_head_expect(const uint8_t *in, size_t left,
                                              uint64_t want, const char *what,
                                              const char *name);

/* A plaintext or ciphertext whose fields have been checked and whose words
 * have not. */
typedef struct cki_seal_view {
    int primes;
    int parts;                  /* polynomials, the expanded one among them  */
    double scale;
    uint64_t size;              /* bytes from header to end                  */
    const uint8_t *words;
    const uint8_t *seed;        /* NULL unless the last part is seeded       */
} cki_seal_view;

/* in: left bytes, of which the object may be the first.  key: of the key level
 * with scale 1; else of a level of ciphertexts. */
CKKS_CHECKED ckks_status cki_seal_plain_check(cki_seal_view *out,
                                              const uint8_t *in, size_t left,
                                              bool key, const ckks_ctx *ctx,
                                              const char *what,
                                              const char *name);
CKKS_CHECKED ckks_status cki_seal_cipher_check(cki_seal_view *out,
                                               const uint8_t *in, size_t left,
                                               bool key, const ckks_ctx *ctx,
                                               const char *what,
                                               const char *name);

/* Limbs of parts and primes in memory, and words from a part to the next, from
 * a prime to the next. */
typedef struct cki_seal_rows {
    uint64_t *limb;
    size_t part, prime;
} cki_seal_rows;

static inline uint64_t *cki_seal_row(const cki_seal_rows *r, int k, int t)
{
    return r->limb + (size_t)k * r->part + (size_t)t * r->prime;
}

/* One behind the other, shape (parts, primes, N). */
static inline cki_seal_rows cki_seal_dense(uint64_t *limb, int primes,
                                           const ckks_ctx *ctx)
{
    return (cki_seal_rows){ limb, (size_t)primes * ctx->n, ctx->n };
}

/* The words of all parts and primes, each compared with its prime; the seeded
 * part expanded. */
CKKS_CHECKED ckks_status cki_seal_words_read(cki_seal_rows to,
                                             const cki_seal_view *v,
                                             const ckks_ctx *ctx,
                                             const char *what,
                                             const char *name);

uint64_t cki_seal_plain_size(const ckks_ctx *ctx, int primes);
uint64_t cki_seal_cipher_size(const ckks_ctx *ctx, int parts, int primes);
/* limb: shape (primes, N).  Return the place behind the object. */
uint8_t *cki_seal_plain_write(uint8_t *out, const uint64_t *limb, int primes,
                              double scale, const ckks_ctx *ctx);
uint8_t *cki_seal_cipher_write(uint8_t *out, cki_seal_rows from, int parts,
                               int primes, double scale, const ckks_ctx *ctx);

#endif
