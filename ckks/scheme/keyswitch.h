/* keyswitch.h -- key switching.
 *
 * Read first: docs/07-key-switching.md; key.h.
 *
 * A polynomial x under a secret s' becomes a pair under s in three steps:
 * mod-up cuts x into digits and extends each to all of Q_l P; the inner
 * products with the key give a pair modulo Q_l P that stands for P x s'; and
 * a division by P (or by P q_l, which rescales too) ends it.
 *
 * Nothing of size (digits, primes, N) is ever held: a few primes at a time go
 * through all three steps, while what they need is near.
 *
 * One call (keyswitch.c), nine primes in three digits and three special primes.
 * x extended is made and used group by group, CKI_GROUP primes at a time, then
 * thrown away; where several terms have one x (hoisting), each block of it
 * meets up to TOGETHER keys while it is near:
 *
 *                   q_0 q_1 q_2 | q_3 q_4 q_5 | q_6 q_7 q_8     p_1 p_2 p_3
 *   cut_all        [  digit 0  ] [  digit 1  ] [  digit 2  ]
 *                      to coefficients, scaled: y; and v
 *
 *   run_group                                                  [p_1 p_2 p_3]
 *     gone             digits extended, times the key: sums      -> from
 *   begin_divisions    from to coefficients, scaled; and v
 *
 *   run_group      [q_0 q_1 q_2 q_3] [q_4 q_5 q_6 q_7] [q_8]
 *     kept             digits extended, times the key: sums, near still; then
 *                      (sum - from) / P + addends -> out
 *
 * Rescaling divides by P q_8: q_8 stands behind p_3 in the first groups.
 *
 * The primes that are divided away, "gone", come first: their sums are all the
 * division needs before the others follow.
 */
#ifndef CKI_KEYSWITCH_H
#define CKI_KEYSWITCH_H

#include "scheme/key.h"

/* One polynomial to switch, NTT form, (level+1, N); turned: its products with
 * the key go through the key's automorphism.  Terms of one x that follow each
 * other share its digits. */
typedef struct cki_term {
    const uint64_t *x;
    const cki_key  *key;
    bool turned;
    int sink;                   /* which pair they are added to; ascending   */
} cki_term;

/* What is added to one half of a pair: a polynomial, NTT form, (level+1, N),
 * permuted unless perm is NULL. */
typedef struct cki_addend {
    const uint64_t *x;
    const uint32_t *perm;
    int half, sink;
} cki_addend;

/* One pair that comes out: the sum of its terms divided by P, plus its
 * addends; or (sum + P addends) / (P q_l) if rescaled, without permutations. */
typedef struct cki_sink {
    uint64_t *out[2];           /* (level+1, N), rescaled (level, N)         */
} cki_sink;

/* All of one call.  Every sink has a term; addends are in ascending order of
 * their sinks. */
typedef struct cki_switching {
    const cki_sink   *sink;
    const cki_term   *term;
    const cki_addend *addend;
    size_t num_sinks, num_terms, num_addends;
} cki_switching;

/* No output is an input.  name: the public function's, for its message.  K is
 * the number of special primes of the level.
 *   cost    NTTs: level+1 for each x, digits (level+1+K) - (level+1) for each
 *           x, 2 (level+1+K) a sink
 *   errors  CKKS_EMEM, before anything is written */
CKKS_CHECKED ckks_status cki_switch(const cki_switching *s,
                                    const ckks_ctx *ctx, int level,
                                    bool rescaled, const char *name);

/* out, shape (2, level+1+K, N) = the inner products of x with a key, before
 * the automorphism: what the division of cki_switch starts from, on its own
 * (primitives.c). */
CKKS_CHECKED ckks_status cki_switch_product(uint64_t *out, const uint64_t *x,
                                            const cki_key *key,
                                            const ckks_ctx *ctx, int level,
                                            const char *name);

#endif
