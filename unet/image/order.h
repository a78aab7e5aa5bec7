/* order.h -- private to libunet: the stored values of a volume in their order.
 *
 * A key is a stored word changed so that keys are ordered as the values they
 * stand for: unsigned integers as they are, signed ones from the smallest on,
 * floats by their bits.  Those of at most 16 bits are counted once; of wider
 * ones the upper 16 bits are, and the rest when it is asked for.
 */
#ifndef UNET_ORDER_H
#define UNET_ORDER_H

#include "image/volume.h"

typedef struct uni_order {
    const uni_volume *volume;
    size_t n;               /* voxels                                        */
    int bits;               /* of a key: 8, 16, 32, 64                       */
    size_t *count;          /* shape (2, 65536): by the upper bits; scratch  */
} uni_order;

/* errors  CKKS_EMEM */
CKKS_CHECKED ckks_status uni_order_init(uni_order *out, const uni_volume *v);
void uni_order_clear(uni_order *o);

uint64_t uni_order_key(const uni_volume *v, size_t i);
/* The value of a key, after slope and intercept; may be infinite or no number.
 * One function computes values, so that equal keys give equal ones. */
double uni_order_value(const uni_volume *v, uint64_t key);

/* The k-th smallest key, k < n. */
uint64_t uni_order_select(const uni_order *o, size_t k);
/* How many keys are smaller; equal. */
size_t uni_order_below(const uni_order *o, uint64_t key);
size_t uni_order_equal(const uni_order *o, uint64_t key);

#endif
