/* walk.h -- a network, step by step, by one of the two parties. */
#ifndef BLIND_WALK_H
#define BLIND_WALK_H

#include "blind/network.h"

/* What is told on the way; NULL: nothing. */
typedef struct blind_watch {
    /* Step k begins. */
    void (*step)(void *user, const blind_network *n, int k);
    void *user;
#ifdef BLIND_TESTING
    /* This side's shares of step k's output. */
    void (*shares)(void *user, int k, const blind_share *x, size_t count);
#endif
} blind_watch;

/* One image.  Both parties call it, with a network of the same public part and
 * a session that is open; keys for its bits and, if it has any, squares.
 *   input   step 0's integers (blind_network_input); NULL at the server
 *   label   shape (core), 0 or 1 of one class; NULL at the server
 *   over    gets whether a number left its range, which makes the labels
 *           worthless; NULL at the server
 * Tensors go as soon as nothing reads them any more, wiped.
 *   errors  those of the wire; CKKS_EMEM */
CKKS_CHECKED ckks_status blind_walk(uint8_t *label, bool *over,
                                    const blind_network *n,
                                    const int64_t *input, blind_party *p,
                                    const blind_watch *watch);

/* Before the first: how many images there will be, 1..BLIND_MOST_IMAGES, which
 * the client says and the server hears. */
enum { BLIND_MOST_IMAGES = 65536, BLIND_IMAGES_BYTES = 4 };
CKKS_CHECKED ckks_status blind_walk_images(size_t *images, blind_party *p);

bool blind_network_squares(const blind_network *n);

#endif
