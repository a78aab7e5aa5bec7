/* search.h -- what plan.c, search.c and candidate.c share.
 *
 * Read first: plan.c.
 */
#ifndef NN_SEARCH_H
#define NN_SEARCH_H

#include "plan/price.h"

/* How a network is laid out.  Dense layers are matrices until one gives single
 * neurons or the last has been done; the others are integer combinations. */
typedef struct nni_way {
    int ring_y, ring_x;
    bool real;                  /* the ring of polynomials                   */
    bool lanes;                 /* channels in gaps: as many lanes as fit    */
    int matrices;               /* dense layers that are matrices            */
    bool singles;               /* the last of them gives single neurons     */
} nni_way;

/* What was priced within a bound; beyond: it is not complete. */
typedef struct nni_priced {
    nn_plan plan;
    nni_bound bound;
    bool beyond;
} nni_priced;

/* Sizes of moduli, and the primes found for them. */
typedef struct nni_found {
    ckks_params sizes, primes;
} nni_found;

/* What integers leave of weights, by all that decides on it. */
typedef struct nni_lost {
    nni_bits bits;
    bool lanes;
    int matrices;
    double loss;
} nni_lost;

enum { NNI_PRICED = 16, NNI_FOUND = 128 };

typedef struct nni_search_state {
    const nn_model *model;
    const nn_aim *aim;
    const nn_machine *machine;  /* by whose costs it is decided              */
    nn_machine widest;          /* whose kernel takes the most memory: it must
                                   do wherever the plan is run               */
    const nn_plan *blank;       /* what all have in common                   */
    const net *net;
    double worth;               /* of the best plan so far; HUGE_VAL: there
                                   is none                                   */
    bool seeking;               /* nothing fits: the least memory is sought  */
    bool too_large;             /* plans were refused for memory             */
    double least_bytes;         /* of those that were laid out               */
    nni_maps maps;              /* of the layout at work                     */
    nni_priced *priced;         /* shape (NNI_PRICED): of it                 */
    int num_priced;             /* so many there were                        */
    nni_found *found;           /* shape (NNI_FOUND)                         */
    int num_found;              /* so many there were                        */
    nni_lost  *lost;            /* shape (NNI_FOUND)                         */
    int num_lost;
    /* of the candidate at work */
    double enough;              /* seconds of a set that other digits must not
                                   take                                      */
    bool hopeless;              /* its layout takes too much memory, whatever
                                   the keys                                  */
    bool laid;                  /* its memory is what it is laid out         */
    bool slow;                  /* it is not taken, whether it fits or not   */
} nni_search_state;

/* Lays out p and tries every size of digits; *best is the fastest of them.
 * *stage: how far it came, 4 is all the way. */
CKKS_CHECKED ckks_status nni_candidate(nn_plan *best, nn_plan *p, int *stage,
                                       nni_search_state *with, nni_bits bits,
                                       const nni_way *as);

/* primes.c: the primes of a depth, as sizes; the special primes that digits of
 * alpha primes need, false: they do not fit under the security limit, *least:
 * log2(QP) then; the primes of all these sizes. */
void nni_choose_primes(ckks_params *q, const nni_placed *p);
bool nni_choose_special(ckks_params *q, double *least, int alpha);
CKKS_CHECKED ckks_status nni_find_primes(ckks_params *p,
                                         nni_search_state *with);

/* recall.c: prices p as what was remembered, if that layout with the same levels
 * and digits was; remembers it. */
bool nni_recall(nn_plan *p, const nni_placed *placed, const nni_bound *bound,
                nni_search_state *with);
void nni_remember(const nn_plan *p, const nni_bound *bound, bool beyond,
                  nni_search_state *with);

/* within.c: prices p, whose primes and digits are chosen, within what is best
 * so far and the memory there is; with->slow says whether it is of no interest,
 * and then it is not all there.
 *   errors  CKKS_EPARAM  it does not fit, or its logits would say nothing */
CKKS_CHECKED ckks_status nni_price_within(nn_plan *p, nni_placed *placed,
                                          nni_search_state *with);

/* The best plan, which has a scratch file: what of each form stays in memory is
 * doubled, or by how much of that it still fits, where that is faster. */
CKKS_CHECKED ckks_status nni_finer_file(nn_plan *best, nni_search_state *with);

/* worth.c: a result that says nothing is no plan. */
CKKS_CHECKED ckks_status nni_check_error(const nn_plan *p, const nn_model *m);
/* What is compared: the seconds of one set, of all sets, or of one image of
 * many; times what lanes must gain where they are coarse (worth.h); and times by
 * how much the error is larger than it may be, or 1. */
double nni_worth(const nn_plan *p, const nn_aim *aim);
/* The seconds, without fresh memory, beyond which a set is worth less. */
double nni_seconds_left(const nn_plan *p, double worth, const nn_aim *aim,
                        const nn_model *m);
double nni_coarse(const nn_plan *p, const nn_model *m);
/* The same for the weights that are lost to integers (nni_weights_loss). */
double nni_excess(const nn_plan *p, const nn_model *m);

/* The best plan of a network: blank has what the model and the aim fix, the
 * machine is the one by whose costs it is decided.
 *   errors  CKKS_EPARAM  none; the message is that of the candidate that came
 *                        farthest, or names the least memory that would do */
CKKS_CHECKED ckks_status nni_search(nn_plan *out, const net *n,
                                    const nn_plan *blank, const nn_model *m,
                                    const nn_aim *aim,
                                    const nn_machine *machine);

#endif
