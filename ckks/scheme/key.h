/* key.h -- the inside of keys. */
#ifndef CKI_KEY_H
#define CKI_KEY_H

#include "scheme/context.h"
#include "scheme/rng.h"

/* The coefficients are kept beside the NTT form: they are what a file holds. */
struct ckks_sk {
    const ckks_ctx *ctx;
    int8_t   *coeff;    /* shape (N), each -1, 0, 1; behind limb             */
    uint64_t *limb;     /* shape (num_primes + num_special, N), NTT form     */
    size_t    size;     /* bytes of the one allocation that starts at limb   */
};

/* b = -a s + e, a = expansion of seed, over all primes. */
struct ckks_pk {
    const ckks_ctx *ctx;
    uint64_t *limb;     /* shape (2, num_primes + num_special, N): b, a      */
    bool      seedless; /* a is no expansion of seed: it was read (seal.h)   */
    uint8_t   seed[CKKS_SEED_BYTES];
};

/* Switches from a secret s' to s.  For digit j, over the primes q_0..q_level
 * and the special ones:  b_j = -a_j s + e_j + P g_j s', where g_j is 1 on the
 * primes of digit j and 0 on the others.  Kept ready for "switch first, then
 * permute": for a Galois element g, s' = s and the key's own secret is
 * s(X^(1/g)), so that permuting the result by g ends under s.  In a context of
 * uncentred digits it is "permute, then switch": s' = s(X^g).
 *
 * Centred, it is the sum of the products of digits and key that is permuted. */
typedef struct cki_key {
    ckks_key_kind kind;
    int       step;     /* 0 unless kind is CKKS_KEY_ROTATE                  */
    int       level;    /* of what is in memory; -1: nothing is              */
    int       most;     /* of what there is, in memory or where it was opened */
    int       digits;   /* in memory                                         */
    uint32_t  galois;   /* 1 for relinearisation                             */
    uint32_t *perm;     /* shape (N): out[i] = in[perm[i]] applies X -> X^g; */
                        /*   NULL for relinearisation                        */
    uint32_t *back;     /* its inverse, behind it in one allocation          */
    uint8_t  *limb;     /* packed, shape (level+1 + num_special, digits, 2, */
                        /*   N): cki_key_row                                 */
    bool      seedless; /* as in ckks_pk                                     */
    uint8_t   seed[CKKS_SEED_BYTES];
} cki_key;

struct ckks_keys {
    const ckks_ctx *ctx;
    size_t   count;
    cki_key *key;       /* shape (count)                                     */
    /* of keys that were opened (keys_open.c) */
    ckks_source from;   /* read NULL: all keys are in memory                 */
    uint64_t *sum;      /* of each limb of the file                          */
    size_t    sums;
    uint64_t *words;    /* of some limbs as they are read, and their bytes   */
    size_t    words_size;
};

/* ---- what keys and fresh ciphertexts are made of (hide.c) --------------- */

/* The seed of an expansion: the first bytes of the generator's next stream. */
void cki_draw_seed(uint8_t seed[CKKS_SEED_BYTES], const ckks_ctx *ctx,
                   ckks_rng *rng);

/* e, shape (N): an error from the generator's next stream. */
void cki_draw_error(int8_t *e, const ckks_ctx *ctx, ckks_rng *rng);

/* out = N words below prime number t: stream (seed; part, t). */
void cki_expand_limb(uint64_t *out, const uint8_t *seed, uint64_t part, int t,
                     const ckks_ctx *ctx);

/* b = e - a s + u m modulo prime number t, e small, u < p; m a limb, or NULL
 * for 0; NTT form; b must be neither a nor m.  work: N words.
 *   leaks   nothing of s, e or m */
void cki_hide_limb(uint64_t *b, const uint64_t *a, const uint64_t *s,
                   const int8_t *e, const cki_summand *m, uint64_t u,
                   uint64_t *work, int t, const ckks_ctx *ctx);

/* c_1 of a seeded ciphertext: limb i is stream (seed; 0, i). */
void cki_ct_expand(ckks_ct *ct);

/* ---- allocation and expansion, shared by key generation and loading ----- */

CKKS_CHECKED ckks_status cki_sk_new(ckks_sk **out, const ckks_ctx *ctx,
                                    const char *name);
/* Fills limb from coeff. */
void cki_sk_expand(ckks_sk *sk);

CKKS_CHECKED ckks_status cki_pk_new(ckks_pk **out, const ckks_ctx *ctx,
                                    const char *name);
/* Fills the a half from the seed: limb i is stream (seed; 0, i). */
void cki_pk_expand(ckks_pk *pk);

/* CKKS_EPARAM for a context that has no special primes. */
CKKS_CHECKED ckks_status cki_check_special(const ckks_ctx *ctx,
                                           const char *name);
CKKS_CHECKED ckks_status cki_keys_new(ckks_keys **out, const ckks_ctx *ctx,
                                      size_t count, const char *name);
/* A rotation's step as one of 0..slots-1. */
int cki_normal_step(const ckks_ctx *ctx, int step);
/* Checks kind, step and level; all of key but memory and seed. */
CKKS_CHECKED ckks_status cki_key_numbers(cki_key *key, const ckks_ctx *ctx,
                                         ckks_key_kind kind, int step,
                                         int level, const char *name);
/* The same, then allocates limbs and the permutation. */
CKKS_CHECKED ckks_status cki_key_new(cki_key *key, const ckks_ctx *ctx,
                                     ckks_key_kind kind, int step, int level,
                                     const char *name);
/* Memory for the key's limbs at key->level and, unless it has it, its
 * permutation; and what gives both back. */
CKKS_CHECKED ckks_status cki_key_memory(cki_key *key, const ckks_ctx *ctx,
                                        const char *name);
void cki_key_free(cki_key *key, const ckks_ctx *ctx);
/* The limbs that a lower level takes, moved to less memory.
 *   errors  CKKS_EMEM: nothing changed */
CKKS_CHECKED ckks_status cki_key_shrink(cki_key *key, int level,
                                        const ckks_ctx *ctx, const char *name);
/* Fills the a halves: digit j, limb t is stream (seed; 1 + j, t) with t the
 * number of the prime in the context (special ones from num_primes on).
 *   errors  CKKS_EMEM */
CKKS_CHECKED ckks_status cki_key_expand(cki_key *key, const ckks_ctx *ctx,
                                        const char *name);
/* The key for (kind, step), or NULL. */
const cki_key *cki_keys_find(const ckks_keys *keys, ckks_key_kind kind,
                             int step);

/* The key for (kind, step) at a level; ciphertext and keys that belong
 * together. */
CKKS_CHECKED ckks_status cki_find_key(const cki_key **out,
                                      const ckks_keys *keys,
                                      ckks_key_kind kind, int step, int level,
                                      const char *name);
CKKS_CHECKED ckks_status cki_check_keys(const ckks_ct *out, const ckks_ct *a,
                                        const ckks_keys *keys,
                                        const char *name);

/* Number in the context of a key's limb t. */
static inline int cki_key_prime(const cki_key *key, const ckks_ctx *ctx, int t)
{
    return t <= key->level ? t : ctx->num_primes + t - key->level - 1;
}

/* Bytes from a row of packed words modulo prime number `prime` to the next: as
 * cki_apart has it, in whole lines, with CKI_BEYOND behind each. */
static inline size_t cki_key_row_bytes(const ckks_ctx *ctx, int prime)
{
    const size_t words = cki_packed_bytes(&ctx->rns.mod[prime]) * ctx->n;

    return (words + ctx->n / 8 + CKI_BEYOND - 1) / CKI_BEYOND * CKI_BEYOND
           + CKI_BEYOND;
}

/* Bytes of a key's limbs before number t: of all digits, both halves. */
static inline size_t cki_key_bytes(const cki_key *key, const ckks_ctx *ctx,
                                   int t)
{
    size_t bytes = 0;

    for (int i = 0; i < t; i++)
        bytes += (size_t)(2 * key->digits)
                 * cki_key_row_bytes(ctx, cki_key_prime(key, ctx, i));
    return bytes;
}

/* Half h, 0 for b, 1 for a, of digit j at limb t.  Rows that meet in an inner
 * product, of all digits at one limb, lie together. */
static inline uint8_t *cki_key_row(const cki_key *key, const ckks_ctx *ctx,
                                   int j, int h, int t)
{
    return key->limb + cki_key_bytes(key, ctx, t)
           + (size_t)(2 * j + h)
                 * cki_key_row_bytes(ctx, cki_key_prime(key, ctx, t));
}

/* Words into that row, and out of it. */
void cki_key_put(cki_key *key, const ckks_ctx *ctx, int j, int h, int t,
                 const uint64_t *words);
void cki_key_take(uint64_t *words, const cki_key *key, const ckks_ctx *ctx,
                  int j, int h, int t);

/* ---- making evaluation keys (keymake.c) --------------------------------- *
 *
 * A key is drawn, then made limb by limb: for each t, what the limbs t of all
 * digits share, then both halves of each digit's.  Threads share the t.
 */

/* What making keys works with: the drawn key's permutation, its errors, and
 * for each thread some limbs, of which cki_making_secrets fills number 0 and
 * cki_making_put takes number 1.  All of it is secret. */
typedef struct cki_making {
    const ckks_sk *sk;
    int       threads, digits;
    size_t    limbs;    /* of a thread                                       */
    uint64_t *limb;     /* shape (threads, limbs, N)                         */
    uint32_t *perm;     /* shape (N)                                         */
    int8_t   *error;    /* shape (digits, N)                                 */
    size_t    size;     /* bytes of the one allocation                       */
} cki_making;

/* What a public function that makes keys is given: `out` is no null pointer, no
 * request stands twice.  Kinds, steps and levels are cki_key_numbers's. */
CKKS_CHECKED ckks_status cki_making_check(const void *out, const ckks_rng *rng,
                                          const ckks_sk *sk,
                                          const ckks_key_request *request,
                                          size_t n, const char *name);
CKKS_CHECKED ckks_status cki_making_init(cki_making *w, const ckks_sk *sk,
                                         size_t limbs, const char *name);
void cki_making_clear(cki_making *w);
/* Limb i of the calling thread. */
uint64_t *cki_making_limb(const cki_making *w, int i);

/* Streams a key takes of a generator: its seed's, and one error's a digit. */
static inline uint64_t cki_making_streams(const cki_key *key)
{
    return 1 + (uint64_t)key->digits;
}
void cki_making_draw(cki_key *key, cki_making *w, ckks_rng *rng);

/* Of limb t: the secret that the key will be used under, and the one that it
 * replaces. */
typedef struct cki_secrets {
    int prime;
    const uint64_t *own;
    cki_summand from;
} cki_secrets;
cki_secrets cki_making_secrets(const cki_key *key, int t, const cki_making *w);
/* That limb of digit j, both halves. */
void cki_making_put(uint64_t *b, uint64_t *a, const cki_key *key, int j,
                    const cki_secrets *s, const cki_making *w);

/* ckks_decrypt on behalf of another function (decrypt.c). */
CKKS_CHECKED ckks_status cki_decrypt(ckks_pt *out, const ckks_ct *ct,
                                     const ckks_sk *sk, const char *name);

#endif
