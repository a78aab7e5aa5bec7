/* backend.h -- the back end of a walk that calls libckks.
 *
 * Read first: schedule/schedule.h.
 */
#ifndef NN_BACKEND_H
#define NN_BACKEND_H

#include "schedule/schedule.h"
#include "stage/keys.h"
#include "stage/weights.h"

typedef struct nni_runner {
    const ckks_ctx *ctx;        /* of the inputs                             */
    const nn_weights *w;
    ckks_keys *keys;
    const nni_encoded *encoded; /* of the stage, if it is a matrix           */
    nni_bits bits;
    const nn_progress *progress;        /* or NULL                           */
    const nn_scratch *scratch;          /* NULL: no form is filed            */
} nni_runner;

/* nni_backend's apply; user: an nni_runner. */
CKKS_CHECKED ckks_status nni_run_step(void *user, const nni_schedule *s,
                                      nni_state *state, const nni_step *step,
                                      int task, ckks_ct here[2]);

/* scratch.c: the steps NNI_STORE and NNI_LOAD. */
CKKS_CHECKED ckks_status nni_run_store(const nni_runner *r,
                                       const nni_schedule *s, nni_state *state,
                                       const nni_step *step, int task);
CKKS_CHECKED ckks_status nni_run_load(const nni_runner *r,
                                      const nni_schedule *s, nni_state *state,
                                      const nni_step *step, int task);

/* combine.c: the step NNI_COMBINE. */
CKKS_CHECKED ckks_status nni_run_combine(const nni_schedule *s,
                                         nni_state *state,
                                         const nni_combine *c);

#endif
