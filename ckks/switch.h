/* switch.h -- layer 7: the steps of key switching.
 *
 * Read first: docs/07-key-switching.md; key.h.
 *
 * A polynomial x under a secret s' becomes a pair under s in three steps:
 * mod-up cuts x into digits and extends each to all of Q_l P; the inner
 * products with the key give a pair modulo Q_l P that stands for P x s'; and
 * mod-down divides by P (rns.h).  Limb t of an extended polynomial belongs to
 * q_t for t <= l and to special prime t - l - 1 above.
 */
#ifndef CKI_SWITCH_H
#define CKI_SWITCH_H

#include "key.h"

/* The scratch of one switching; one allocation. */
typedef struct cki_switch {
    const ckks_ctx *ctx;
    int level, limbs;           /* limbs = level+1 + num_special             */
    int digits;
    bool ready;                 /* digits are in NTT form                    */
    const uint64_t *own;        /* the polynomial, NTT form (level+1, N)     */
    uint64_t *coeff;            /* shape (level+1, N): inverse NTT of own;
                                   later the scratch of mod-down             */
    uint64_t *digit;            /* shape (digits, limbs, N); a digit's own
                                   limbs stay unused                         */
    uint64_t *sum[2];           /* shape (limbs, N) each                     */
    uint64_t *total[2];         /* the same, for sums of rotations           */
    size_t size;
} cki_switch;

/* Number in the context of limb t. */
static inline int cki_switch_prime(const cki_switch *w, int t)
{
    return t <= w->level ? t : w->ctx->num_primes + t - w->level - 1;
}

/* name: the public function's, for the message. */
CKKS_CHECKED ckks_status cki_switch_init(cki_switch *w, const ckks_ctx *ctx,
                                         int level, bool totals,
                                         const char *name);
void cki_switch_clear(cki_switch *w);

/* Mod-up: the digits of x, each converted to all other primes.  They are left
 * in coefficient form; the first inner product takes them further. */
void cki_mod_up(cki_switch *w, const uint64_t *x);

/* sum = the inner products of the digits with the key, modulo Q_l P. */
void cki_inner_products(cki_switch *w, const cki_key *key);

/* The key for (kind, step) at a level; ciphertext and keys that belong
 * together. */
CKKS_CHECKED ckks_status cki_find_key(const cki_key **out,
                                      const ckks_keys *keys,
                                      ckks_key_kind kind, int step, int level,
                                      const char *name);
CKKS_CHECKED ckks_status cki_check_keys(const ckks_ct *out, const ckks_ct *a,
                                        const ckks_keys *keys,
                                        const char *name);

#endif
