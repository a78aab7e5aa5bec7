/* volley_revolver_steps.h -- private to libunet: the steps the operators of the
 * literal Volley Revolver are made of.  Each counts what it does in vr->done
 * and turns a failure of libckks into a message of libnn.
 *
 * A sum is an all-zero ciphertext at first; the first term makes it.
 */
#ifndef UNET_VOLLEY_REVOLVER_STEPS_H
#define UNET_VOLLEY_REVOLVER_STEPS_H

#include "volley_revolver.h"

/* s, with libckks's message behind where. */
ckks_status unet_vri_lower(ckks_status s, const char *where);

/* a[0..count-1]: of degree 1, one context of the shape's slots, one level that
 * is at least `levels`.  CKKS_EARG, CKKS_ECTX, CKKS_ELEVEL. */
ckks_status unet_vri_check(const unet_vr *vr, const ckks_ct *a, size_t count,
                           int levels, const char *where);
/* CKKS_EKEY, naming it, if one of these keys is not among vr->keys. */
ckks_status unet_vri_check_keys(const unet_vr *vr, const unet_vr_keys *need,
                                const char *where);
/* Weights made for these slots; encrypted ones at a's level. */
ckks_status unet_vri_check_weights(const unet_vr *vr, const unet_vr_weight *w,
                                   size_t count, const ckks_ct *a,
                                   const char *where);

/* log2 of a power of two. */
int unet_vri_log2(size_t n);

/* Adds a key, or raises the level of the one that is there.  step is taken
 * mod the slots; a rotation by 0 needs none. */
ckks_status unet_vri_need(unet_vr_keys *keys, const unet_vr *vr,
                          ckks_key_kind kind, long step, int level);
/* The keys of SumForConv. */
ckks_status unet_vri_need_window(unet_vr_keys *keys, const unet_vr *vr,
                                 unet_vr_window g, int level);

/* rows * columns doubles, uninitialised, by malloc; NULL and a message. */
double *unet_vri_slots(const unet_vr *vr, const char *where);

/* x += x rotated to the left by step. */
ckks_status unet_vri_fold(ckks_ct *x, unet_vr *vr, long step);
/* x rotated to the left by step. */
ckks_status unet_vri_turn(ckks_ct *x, unet_vr *vr, long step);
/* sum += a * slots, encoded at the prime of a's level; not rescaled. */
ckks_status unet_vri_mask(ckks_ct *sum, unet_vr *vr, const ckks_ct *a,
                          const double *slots);
/* sum += a * b; of degree 2, not rescaled. */
ckks_status unet_vri_times(ckks_ct *sum, unet_vr *vr, const ckks_ct *a,
                           const ckks_ct *b);
/* Relinearises if need be, and rescales. */
ckks_status unet_vri_down(ckks_ct *x, unet_vr *vr);
/* x += bias, of x's level and scale. */
ckks_status unet_vri_plus(ckks_ct *x, const unet_vr_weight *bias);

/* SumForConv in place. */
ckks_status unet_vri_window(ckks_ct *x, unet_vr *vr, unet_vr_window g);
ckks_status unet_vri_check_window(const unet_vr *vr, unet_vr_window g,
                                  const char *where);

/* sum += times * c. */
void unet_vri_cost_add(unet_vr_cost *sum, unet_vr_cost c, long times);

#endif
