/* hand_support.h -- a plan that computes nothing, inputs encrypted in memory,
 * results made by hand of what is packed: for tests of sources and sinks.
 */
#ifndef UNET_HAND_SUPPORT_H
#define UNET_HAND_SUPPORT_H

#include "net_support.h"
#include "test.h"
#include "unet_support.h"

/* Two images under a halo, N = 32, results made by hand of what is packed. */
typedef struct hand_world {
    nn_plan p;
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    unet_job job;
    double pixel_a[9 * 8], pixel_b[3 * 5];
    const double *pixel[2];
    unet_pixels pixels;
    unet_memory inputs, results;        /* made once, read again and again   */
    unet_request request;
} hand_world;

/* The generator that the inputs are encrypted with. */
ckks_rng hand_rng(void);
/* Results of the request to a sink: all, or a part. */
ckks_status hand_answer(hand_world *w, const unet_sink *sink,
                        const unet_part *part);
bool hand_open(hand_world *w);
void hand_close(hand_world *w);

#endif
