/* cost.h -- what libckks does for a call, in limbs of work and of scratch, and
 * what those take on a machine.
 *
 * Read first: docs/performance.md.
 */
#ifndef NN_COST_H
#define NN_COST_H

#include "nn.h"

/* Limbs read and written for each that one ciphertext adds to another. */
enum { NNI_ADD_LIMBS = 6 };

/* Limbs of each kind of work. */
typedef struct nni_work {
    double limbs[NN_COSTS];
} nni_work;

/* A context's figures, by level. */
typedef struct nni_figures {
    const ckks_params *params;
    int alpha;                  /* primes of a digit                         */
    int specials[CKKS_MAX_PRIMES];
    double limb;                /* bytes                                     */
    double row;                 /* of a limb of scratch, with what keeps it
                                   apart from the next (cki_apart)           */
} nni_figures;

nni_figures nni_figures_of(const ckks_params *p);

/* Bits of an entry of ckks_params: of a prime, or itself. */
int nni_prime_bits(uint64_t entry);

/* Bytes of a key's word modulo that prime (packed). */
static inline int nni_word_bytes(uint64_t entry)
{
    return (nni_prime_bits(entry) + 7) / 8;
}

/* Bytes of a key's limb modulo prime number i of all, special ones last
 * (cki_key_row_bytes). */
double nni_key_row(const nni_figures *f, int i);

/* Digits a key switching has at a level. */
int nni_digits(const nni_figures *f, int level);

/* Adds the work of key switchings, `times` over. */
void nni_switch_work(nni_work *w, const nni_figures *f, const nn_switching *s,
                     double times);
/* Adds that of ckks_rescale of `parts` polynomials with so many limbs. */
void nni_rescale_work(nni_work *w, double limbs, double parts, double times);

/* Rows of scratch of a key switching on so many threads. */
double nni_switch_scratch(const nni_figures *f, const nn_switching *s,
                          int threads);

/* Seconds of so much work on one thread. */
double nni_work_seconds(const nni_work *w, const nni_figures *f,
                        const nn_machine *m);

#endif
