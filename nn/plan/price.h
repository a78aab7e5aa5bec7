/* price.h -- what a placed network takes: the parts of a plan that are
 * predicted.
 *
 * Read first: stage/place.h, count.h.
 */
#ifndef NN_PRICE_H
#define NN_PRICE_H

#include "plan/bounds.h"
#include "plan/count.h"

/* Where pricing may stop: a plan beyond one of the first two is not taken,
 * whatever else it is; and the bytes that there are, by which is chosen what is
 * rotated.  HUGE_VAL: no bound. */
typedef struct nni_bound {
    double seconds, bytes, limit;
} nni_bound;

/* Fills steps, keys, seconds, memory and error of a plan whose layout and
 * parameters are chosen.  maps: of the layout, made if need be.  choose:
 * decides whether inputs or sums are rotated; else it is as the plan says.
 * bound: NULL, or once it is sure that the plan is beyond it the seconds and
 * bytes are those that it takes at least, and steps those up to there. */
CKKS_CHECKED ckks_status nni_price(nn_plan *p, const nni_placed *placed,
                                   nni_maps *maps, bool choose,
                                   const nn_machine *machine, int threads,
                                   const nni_bound *bound);
/* Peak memory of a priced plan as its schedule lays it out, in place of what
 * nni_price added up; where it is more than `most`, what it is at least.  hook:
 * gets every step, or is NULL. */
CKKS_CHECKED ckks_status nni_lay_out(nn_plan *p, const nni_placed *placed,
                                     nni_maps *maps, const nn_machine *machine,
                                     int threads, double most,
                                     const nni_hook *hook);

/* nn_plan_price, with nni_lay_out's hook; name: the public function's. */
CKKS_CHECKED ckks_status nni_predict(nn_plan *p, const nn_model *m,
                                     const nn_machine *machine, int threads,
                                     const nni_hook *hook, const char *name);

/* Levels, scales, bytes sent: what follows from parameters and keys. */
void nni_totals(nn_plan *p);

/* noise.c: sd of the error of a stage's output, as of value, and of the
 * logits. */
double nni_stage_error(const nni_placed *placed, int k, const nn_plan *p);
double nni_logit_error(const nni_placed *placed, const nn_plan *p);
/* What rounding a stage's weights to integers changes in them, by their rms;
 * of a transposed convolution before it they are taken as they stand.  0: they
 * are no integers. */
double nni_weights_loss(const nni_placed *placed, int k);

/* keys.c: bytes of keys in memory, each at its level. */
double nni_keys_bytes(const ckks_params *q, const ckks_key_request *key,
                      size_t n);
/* Whether a priced plan reads its keys stage by stage. */
bool nni_keys_by_stage(const nn_plan *p);
/* All keys, in the order in which stages need them; maps remembers them. */
CKKS_CHECKED ckks_status nni_list_keys(nn_plan *p, const nni_placed *placed,
                                       nni_maps *maps);

#endif
