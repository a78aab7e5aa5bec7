/* revolver_steps.h -- private to libunet: the steps the operators of the
 * literal Volley Revolver are made of.  Each counts what it does in vr->done
 * and turns a failure of libckks into a message of libnn.
 *
 * A sum is an all-zero ciphertext at first; the first term makes it.
 */
#ifndef UNET_REVOLVER_STEPS_H
#define UNET_REVOLVER_STEPS_H

#include "revolver/revolver.h"

/* s, with libckks's message behind where. */
ckks_status uni_vri_lower(ckks_status s, const char *where);

/* a[0..count-1]: of degree 1, one context of the shape's slots, one level that
 * is at least `levels`.  CKKS_EARG, CKKS_ECTX, CKKS_ELEVEL. */
ckks_status uni_vri_check(const uni_vr *vr, const ckks_ct *a, size_t count,
                           int levels, const char *where);
/* CKKS_EKEY, naming it, if one of these keys is not among vr->keys. */
ckks_status uni_vri_check_keys(const uni_vr *vr, const uni_vr_keys *need,
                                const char *where);
/* Weights made for these slots; encrypted ones at a's level. */
ckks_status uni_vri_check_weights(const uni_vr *vr, const uni_vr_weight *w,
                                   size_t count, const ckks_ct *a,
                                   const char *where);

/* log2 of a power of two. */
int uni_vri_log2(size_t n);

/* Adds a key, or raises the level of the one that is there.  step is taken
 * mod the slots; a rotation by 0 needs none. */
ckks_status uni_vri_need(uni_vr_keys *keys, const uni_vr *vr,
                          ckks_key_kind kind, long step, int level);
/* The keys of SumForConv. */
ckks_status uni_vri_need_window(uni_vr_keys *keys, const uni_vr *vr,
                                 uni_vr_window g, int level);

/* rows * columns doubles, uninitialised, by malloc; NULL and a message. */
double *uni_vri_slots(const uni_vr *vr, const char *where);

/* x += x rotated to the left by step. */
ckks_status uni_vri_fold(ckks_ct *x, uni_vr *vr, long step);
/* x rotated to the left by step. */
ckks_status uni_vri_turn(ckks_ct *x, uni_vr *vr, long step);
/* sum += a * slots, encoded at the prime of a's level; not rescaled. */
ckks_status uni_vri_mask(ckks_ct *sum, uni_vr *vr, const ckks_ct *a,
                          const double *slots);
/* sum += a * b; of degree 2, not rescaled. */
ckks_status uni_vri_times(ckks_ct *sum, uni_vr *vr, const ckks_ct *a,
                           const ckks_ct *b);
/* Relinearises if need be, and rescales. */
ckks_status uni_vri_down(ckks_ct *x, uni_vr *vr);
/* x += bias, of x's level and scale. */
ckks_status uni_vri_plus(ckks_ct *x, const uni_vr_weight *bias);

/* SumForConv in place. */
ckks_status uni_vri_window(ckks_ct *x, uni_vr *vr, uni_vr_window g);
ckks_status uni_vri_check_window(const uni_vr *vr, uni_vr_window g,
                                  const char *where);

/* sum += times * c. */
void uni_vri_cost_add(uni_vr_cost *sum, uni_vr_cost c, long times);

#endif
