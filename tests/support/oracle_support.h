/* oracle_support.h -- worlds: contexts beside what the oracle knows of them.
 *
 * Operations run on ciphertexts of uniform words, as those of other parties
 * are, and every word of the result is compared with the exact integers.  Where
 * the conventions take a quotient from a sum of doubles, it differs from the
 * exact one only where x / D is within 2^-48 of a tie; uniform words never come
 * that near, so no exception is made.
 */
#ifndef ORACLE_SUPPORT_H
#define ORACLE_SUPPORT_H

#include "test.h"

#include "scheme/key.h"
#include "oracle/oracle.h"

typedef struct world {
    char name[128];
    ckks_ctx *ctx;
    oracle o;
    size_t n;                   /* N, words of a limb                        */
    int slots;                  /* N/2; real ring: N                         */
    int top;
    bool centred, real;
    uint64_t state;             /* of the test's random words                */
    ckks_rng rng;
    ckks_sk *sk;
    ckks_pk *pk;
    ckks_keys *keys;            /* relinearisation, all rotations; conj only */
                                /*   below the top level, and none in the    */
                                /*   real ring                               */
    opoly s;
} world;

/* The scale of random objects; the polynomials of a key at most; the first
 * byte of the seed of sk, pk and keys, in this order, the others 0. */
#define TEST_SCALE 0x1p14
enum { MAX_KEY = 12, WORLD_SEED = 7 };

/* Runs a check in every world: all prime sets, both rings, both generators,
 * centred and not, special primes fitted and not, and every kernel that can
 * take the primes.  The real ring has generator 5 and centred digits only. */
void every_world(void (*check)(world *w));

/* Objects of uniform words, of scale TEST_SCALE. */
void random_pt(world *w, ckks_pt *pt, int level);
void random_ct(world *w, ckks_ct *ct, int degree, int level);

/* An array of polynomials that is cleared as a whole. */
void polys_init(world *w, opoly *p, int count);
void polys_clear(opoly *p, int count);

/* p[0..degree] = the polynomials of a ciphertext. */
void read_ct(world *w, opoly *p, const ckks_ct *ct);

/* got holds the words of want; what and part say of what. */
void check_words(world *w, const uint64_t *got, const opoly *want,
                 int level, const char *what, int part);

/* The ciphertext is exactly these polynomials. */
void check_ct(world *w, const ckks_ct *got, const opoly *want,
              int degree, int level, double scale, const char *what);

/* Words of one half of a digit of the key. */
size_t key_half(const cki_key *key, const world *w);

/* out, shape (2, level+1+K, N) of the key: b and a of a digit as files have
 * them, not as memory has. */
void key_words(uint64_t *out, const world *w, const cki_key *key, int digit);

/* A key's polynomials b_0, a_0, b_1, ... (MAX_KEY at most) as they serve a
 * level at or below the key's own: the limbs in between are passed over. */
void read_key(world *w, opoly *out, const cki_key *key, int level);

/* Prime number i. */
void prime_mpz(mpz_t out, const world *w, int i);

#endif
