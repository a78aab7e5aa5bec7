/* search.h -- what search.c and candidate.c share. */
#ifndef NN_SEARCH_H
#define NN_SEARCH_H

#include "stage/matrix.h"

/* How a network is laid out.  Dense layers are matrices until one gives single
 * neurons or the last has been done; the others are integer combinations. */
typedef struct nni_way {
    int ring_y, ring_x;
    bool real;                  /* the ring of polynomials                   */
    int matrices;               /* dense layers that are matrices            */
    bool singles;               /* the last of them gives single neurons     */
} nni_way;

typedef struct nni_search_state {
    const nn_model *model;
    const nn_aim *aim;
    const nn_machine *machine;  /* by whose costs it is decided              */
    const nn_plan *blank;       /* what all have in common                   */
    net *n;
    double worth;               /* of the best plan so far                   */
} nni_search_state;

/* Lays out p and tries every size of digits; *best is the fastest of them.
 * *stage: how far it came, 4 is all the way. */
CKKS_CHECKED ckks_status nni_candidate(nn_plan *best, nn_plan *p, int *stage,
                                       const nni_search_state *with,
                                       nni_bits bits, const nni_way *as);

/* What is compared: the seconds of one set, of all sets, or of one image of
 * many. */
double nni_worth(const nn_plan *p, const nn_aim *aim);

#endif
