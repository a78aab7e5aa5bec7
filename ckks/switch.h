/* switch.h -- layer 7: key switching.
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
 */
#ifndef CKI_SWITCH_H
#define CKI_SWITCH_H

#include "key.h"

/* One polynomial to switch, NTT form, (level+1, N).  Terms of one x that
 * follow each other share its digits. */
typedef struct cki_term {
    const uint64_t *x;
    const cki_key  *key;
    const uint32_t *perm;       /* applied to the inner products, or NULL    */
    int sink;                   /* which pair they are added to; ascending   */
} cki_term;

/* One pair that comes out: the sum of its terms divided by P, plus add, then
 * permuted; or (sum + P add) / (P q_l) if rescaled. */
typedef struct cki_sink {
    uint64_t *out[2];           /* (level+1, N), rescaled (level, N)         */
    const uint64_t *add[2];     /* (level+1, N), NTT form, or NULL           */
    const uint32_t *perm;       /* or NULL                                   */
} cki_sink;

/* Every sink has a term; no output is an input.  name: the public function's,
 * for its message.
 *   cost    NTTs: level+1 for each x, digits (level+1+K) - (level+1) for each
 *           x, 2 (level+1+K) a sink
 *   errors  CKKS_EMEM, before anything is written */
CKKS_CHECKED ckks_status cki_switch(const cki_sink *sink, size_t num_sinks,
                                    const cki_term *term, size_t num_terms,
                                    const ckks_ctx *ctx, int level,
                                    bool rescaled, const char *name);

/* out, shape (2, level+1+K, N) = the inner products of x with a key: what the
 * division of cki_switch starts from, on its own (steps.c). */
CKKS_CHECKED ckks_status cki_switch_product(uint64_t *out, const uint64_t *x,
                                            const cki_key *key,
                                            const ckks_ctx *ctx, int level,
                                            const char *name);

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
