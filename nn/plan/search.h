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

/* A price, and the bytes there were: bound's limit. */
typedef struct nni_priced {
    nn_plan plan;
    double limit;
} nni_priced;

enum { NNI_PRICED = 16 };

typedef struct nni_search_state {
    const nn_model *model;
    const nn_aim *aim;
    const nn_machine *machine;  /* by whose costs it is decided              */
    nn_machine widest;          /* whose kernel takes the most memory: it must
                                   do wherever the plan is run               */
    const nn_plan *blank;       /* what all have in common                   */
    const net *net;
    double worth;               /* of the best plan so far                   */
    double least_bytes;         /* of plans refused for memory; HUGE_VAL:
                                   none was                                  */
    nni_priced *priced;         /* shape (NNI_PRICED): of the layout at work  */
    int num_priced;             /* so many there were                        */
    bool hopeless;              /* the layout at work takes too much memory,
                                   whatever the keys                         */
} nni_search_state;

/* Lays out p and tries every size of digits; *best is the fastest of them.
 * *stage: how far it came, 4 is all the way. */
CKKS_CHECKED ckks_status nni_candidate(nn_plan *best, nn_plan *p, int *stage,
                                       nni_search_state *with, nni_bits bits,
                                       const nni_way *as);

/* recall.c: prices p as what was remembered, if that layout with the same levels
 * and digits was; remembers it. */
bool nni_recall(nn_plan *p, const nni_placed *placed, double limit,
                const nni_search_state *with);
void nni_remember(const nn_plan *p, double limit, nni_search_state *with);

/* What is compared: the seconds of one set, of all sets, or of one image of
 * many; times what lanes must gain where they are coarse (worth.h); and times by
 * how much the error is larger than it may be, or 1. */
double nni_worth(const nn_plan *p, const nn_aim *aim);
double nni_coarse(const nn_plan *p, const nn_model *m);
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
