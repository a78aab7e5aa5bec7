/* evaluate.h -- private to the verb evaluate: what its files share.
 *
 * Nothing here, or called from here, decrypts or reads a secret key.
 */
#ifndef VOLLEY_EVALUATE_H
#define VOLLEY_EVALUATE_H

#include "volley.h"

/* One evaluation: what is asked for, and what the network runs with. */
typedef struct evaluate_hand {
    volley_source *source;
    const char *keys_path, *in_path, *out_path;
    unet_part part;             /* the sets                                  */
    bool is_part;               /* the result is for join                    */
    ckks_keys *keys;
    volley_key_file key_file;
    nn_weights *weights;
    uint8_t keys_name[UNET_ID];     /* names the file of keys                */
    uint8_t origin[UNET_ID];    /* names what parts of a result share        */
    unet_keep keep;
} evaluate_hand;

/* origin and, where sets are kept in OUT.partial, keep's mark, for which the
 * sets of the inputs are read; the keys have been (evaluate_marks.c). */
int evaluate_mark(evaluate_hand *h, bool kept);

/* All sets, shared with the other ranks; rank 0 joins them
 * (evaluate_ranks.c). */
int evaluate_shared(evaluate_hand *h, volley_report *report);

#endif
