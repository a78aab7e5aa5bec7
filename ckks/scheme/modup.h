/* modup.h -- mod-up, the first step of key switching: polynomials cut into
 * digits, and digits extended to other primes, a few primes at a time.
 *
 * Read first: docs/07-key-switching.md.
 *
 * Limb t of an extended polynomial belongs to q_t for t <= level and to special
 * prime t - level - 1 above.
 *
 * A level may use fewer special primes than the keys have: P_k of P = P_k R.
 * Keys stand for P x s'; without the limbs of R's primes, and with x / R mod
 * Q_l in the place of x, for P_k x s' modulo Q_l P_k.  Their errors are what
 * they were, and digits of x / R are no larger than digits of x.
 */
#ifndef CKI_MODUP_H
#define CKI_MODUP_H

#include "scheme/context.h"

/* The digits of some polynomials of one level, numbered from 0. */
typedef struct cki_modup {
    const ckks_ctx *ctx;
    int level, digits;
    int specials;       /* special primes that the level uses                */
    bool scaled;        /* x / R is switched                                 */
    uint64_t *y;        /* the caller's, shape (polynomials, cki_modup_limbs,
                           cki_apart(N)): scaled coefficients and v, digit
                           after digit;
                           if scaled, x / R behind them                      */
} cki_modup;

/* All but y. */
cki_modup cki_modup_of(const ckks_ctx *ctx, int level);

/* Limbs of y for each polynomial. */
static inline size_t cki_modup_limbs(const cki_modup *u)
{
    return (size_t)((u->level + 1) * (1 + u->scaled) + u->digits);
}

/* Number in the context of limb t. */
static inline int cki_modup_prime(const cki_modup *u, int t)
{
    return t <= u->level ? t : u->ctx->num_primes + t - u->level - 1;
}

/* Digit j of x, (level+1, N), NTT form, polynomial number i: to coefficients,
 * and the first half of its conversion.
 *   cost    an NTT for each prime of the digit */
void cki_modup_cut(const cki_modup *u, const uint64_t *x, size_t i, int j);

/* digit, shape (digits, CKI_GROUP, cki_apart(N)): the digits of polynomial
 * number i at limbs t[k], k < count, as cki_modup_end takes them.  A digit's
 * own limbs are left out.
 *   cost    the conversion and first layers of an NTT for each limb made */
void cki_modup_extend(const cki_modup *u, uint64_t *digit, size_t i,
                      const int *t, int count);

/* The same at limb t, number k of the group, words at .. at + cki_block(N) - 1
 * to NTT form, while words of the key that meet them are asked for: soon, shape
 * (digits), the first two of each.
 *   cost    the other layers, of a block */
void cki_modup_end(const cki_modup *u, uint64_t *digit, int k, int t,
                   size_t at, const cki_soon *soon);

/* Digit j of x at limb t: number k of what was extended, or, of the digit's own
 * primes, what was cut. */
const uint64_t *cki_modup_row(const cki_modup *u, const uint64_t *digit, int k,
                              const uint64_t *x, size_t i, int j, int t);

#endif
