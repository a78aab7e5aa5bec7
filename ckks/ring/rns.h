/* rns.h -- polynomials over several primes.
 *
 * Read first: docs/03-rns.md.  A limb is N words modulo one prime; an RNS
 * polynomial is an array of pointers to limbs, or limbs in one block.
 */
#ifndef CKI_RNS_H
#define CKI_RNS_H

#include "kernel/kernel.h"

enum { CKI_MAX_ALL = CKKS_MAX_PRIMES + CKKS_MAX_SPECIAL };

typedef struct cki_rns {
    const cki_kernel *kernel;
    size_t n;
    int log_n;
    size_t order;                       /* of psi: 2N, in the real ring 4N   */
    int num_primes, num_special;
    cki_mod  mod[CKI_MAX_ALL];          /* ciphertext primes, then special   */
    uint64_t psi[CKI_MAX_ALL];          /* smallest primitive roots          */
    cki_ntt *ntt[CKI_MAX_ALL];
    /* digit[i]: from the primes of i's digit up to and including i, to all. */
    cki_conv *digit[CKKS_MAX_PRIMES];
    cki_conv *last[CKKS_MAX_PRIMES];    /* from q_i                          */
    /* Special primes that key switching at a level uses, the first so many;
     * set before cki_rns_init.  P_k is the product of the first k. */
    int specials[CKKS_MAX_PRIMES];
    cki_conv *down[CKKS_MAX_SPECIAL + 1];     /* [k]: from P_k               */
    cki_conv *down_rescale[CKKS_MAX_PRIMES];  /* [l]: from P_k and q_l, k that
                                                 of level l                  */
    uint64_t p_inv[CKKS_MAX_SPECIAL + 1][CKKS_MAX_PRIMES];  /* P_k^-1 mod q_i */
    uint64_t p_mod[CKKS_MAX_SPECIAL + 1][CKKS_MAX_PRIMES];  /* P_k mod q_i   */
    uint64_t q_inv[CKKS_MAX_PRIMES][CKKS_MAX_PRIMES];   /* [l][i]: q_l^-1 mod
                                                           q_i, i < l        */
} cki_rns;

/* Fills everything from kernel, log_n, order, counts, specials and mod (p set by
 * cki_mod_make); alpha primes a digit.  On failure all is freed. */
CKKS_CHECKED ckks_status cki_rns_init(cki_rns *r, const ckks_memory *m,
                                      int alpha);
void cki_rns_clear(cki_rns *r, const ckks_memory *m);

/* x in place, a limb modulo prime number t; the inverse from `in`, which may
 * be out; w times that. */
static inline void cki_ntt_fwd(const cki_rns *r, uint64_t *x, int t)
{
    r->kernel->ntt_fwd(x, r->ntt[t]);
}
static inline void cki_ntt_inv(const cki_rns *r, uint64_t *out,
                               const uint64_t *in, int t)
{
    r->kernel->ntt_inv(out, in, 1, r->ntt[t]);
}
static inline void cki_ntt_inv_times(const cki_rns *r, uint64_t *out,
                                     const uint64_t *in, uint64_t w, int t)
{
    r->kernel->ntt_inv(out, in, w, r->ntt[t]);
}

/* out = small coefficients, of (-p, p), modulo prime number t; coefficient
 * form. */
static inline void cki_from_small(const cki_rns *r, uint64_t *out,
                                  const int8_t *in, int t)
{
    r->kernel->from_small(out, in, r->n, &r->mod[t]);
}

/* perm[i] such that out[i] = in[perm[i]] is X -> X^g in NTT order: place i is
 * the value at psi^(f br(i) + 1), f = order / N, 2 or in the real ring 4, and g
 * is 1 mod f.
 *
 * Lemma.  perm maps every aligned group of four to an aligned group of four
 * (N >= 4), and likewise of eight (N >= 8).  The two low bits k of i = 4j + k
 * are the two top bits of br(i), so changing k changes f br(i) + 1 by a
 * multiple of f N/4; times g it is one again, and only the two low bits of the
 * image change.  With three bits it is a multiple of f N/8.  Within a group of
 * four, br being of two bits: br(image of k) = br(image of 0) + g br(k) mod 4. */
void cki_galois_perm(uint32_t *perm, int log_n, size_t order, uint32_t g);

/* ---- division with rounding ------------------------------------------------
 *
 * round(c / D) for a product D of some of c's primes, limb by limb:
 * (c - z) / D with z the centred remainder of c modulo D.  First z is prepared
 * from the limbs modulo the primes of D, then any other limb can be divided. */

enum { CKI_GROUP = 4 };         /* limbs worked on together                  */

/* Words from a limb to the next in what key switching works on; rows of keys,
 * which are packed, lie apart by as much (cki_key_row_bytes).
 * A power of two would put the same word of all limbs, which are read side by
 * side, into one set of a cache of few ways; so a 64th and a line more, by
 * which they fall into all sets of the second level, too. */
static inline size_t cki_apart(size_t n)
{
    return n < 512 ? n : n + n / 64 + 8;
}

typedef struct cki_division {
    const cki_rns *r;
    const cki_conv *c;                  /* from the primes of D              */
    uint64_t inv[CKKS_MAX_PRIMES];      /* D^-1 mod q_i                      */
} cki_division;

/* D = q_level; D = P_k; D = P_k q_level; k that of the level. */
cki_division cki_divide_by_q(const cki_rns *r, int level);
cki_division cki_divide_by_p(const cki_rns *r, int level);
cki_division cki_divide_by_pq(const cki_rns *r, int level);

/* The limbs modulo D's primes (c->src), NTT form, are turned into what
 * cki_divide_limbs reads, together with v (N words). */
void cki_divide_begin(uint64_t *const *from, uint64_t *v,
                      const cki_division *d);

/* out[i] = (in of q[i] - z) / D plus its summands, modulo q_{first + i},
 * i < count <= CKI_GROUP; w of q is filled in.  work: count limbs. */
void cki_divide_limbs(uint64_t *const *out, cki_ending *q, int first,
                      int count, uint64_t *const *from, const uint64_t *v,
                      const cki_division *d, uint64_t *work);

/* c -> round(c / q_l) on `parts` polynomials of level l in NTT form, one behind
 * the other; those of out have level l-1, and it may be in if there is
 * one part.  work: 2 + CKI_GROUP limbs; parts < CKI_GROUP. */
void cki_rescale(uint64_t *out, const uint64_t *in, int parts, int level,
                 const cki_rns *r, uint64_t *work);

/* out (level l) = round(in / P_k), in over q_0..q_l and the k special primes of
 * that level, NTT form; in's special limbs are spoiled.  work: 1 + CKI_GROUP
 * limbs. */
void cki_mod_down(uint64_t *out, uint64_t *in, int level, const cki_rns *r,
                  uint64_t *work);

/* out (level l-1) = round(in / (P_k q_l)); in's special limbs and limb l are
 * spoiled.  work: 1 + CKI_GROUP limbs. */
void cki_mod_down_rescale(uint64_t *out, uint64_t *in, int level,
                          const cki_rns *r, uint64_t *work);

#endif
