/* gather.c -- logits of images from the sets of a result, as few in memory as
 * the order of the sets allows.  Contracts in gather.h.
 */
#include "gather.h"

#include <stdbool.h>
#include <stdlib.h>

/* Room for the images that a set has tiles of. */
static ckks_status gather_room(uni_gather *g, size_t set)
{
    const unet_job *job = &g->result->job;
    const size_t first = set * (size_t)g->plan->layout.batch;
    const size_t end = first + (size_t)unet_job_count(job, g->plan, set);

    for (size_t t = first; t < end; t++) {
        const size_t i = unet_job_tile(job, g->plan, t).image;
        size_t size = (size_t)g->plan->out_channels;

        if (g->result->logit[i] != NULL)
            continue;
        if (g->plan->num_classes == 0)
            size *= (size_t)job->size[i].height * (size_t)job->size[i].width;
        g->result->logit[i] = calloc(size, sizeof(double));
        if (g->result->logit[i] == NULL)
            return nn_fail(CKKS_EMEM, "no memory for %zu pixels", size);
    }
    return CKKS_OK;
}

/* The images before number `end`, in their order. */
static ckks_status gather_hand_over(uni_gather *g, size_t end)
{
    ckks_status s = CKKS_OK;

    for (; g->images < end && s == CKKS_OK; g->images++) {
        double **logit = &g->result->logit[g->images];

        s = g->progress->image(g->progress->step.user, &g->result->job,
                               g->images, *logit);
        free(*logit);
        *logit = NULL;
    }
    return s;
}

static bool gather_keeps(const uni_gather *g)
{
    return g->progress == NULL || g->progress->image == NULL;
}

ckks_status uni_gather_set(uni_gather *g, const double *slots, size_t set)
{
    const unet_job *job = &g->result->job;
    size_t end = g->images;
    ckks_status s = gather_room(g, set);

    if (s == CKKS_OK)
        s = unet_unpack(g->result->logit, g->plan, job, slots, set);
    if (s != CKKS_OK || gather_keeps(g) || set != g->sets)
        return s;
    g->sets++;
    while (end < job->images
           && job->first[end + 1] <= g->sets * (size_t)g->plan->layout.batch)
        end++;
    return gather_hand_over(g, end);
}

ckks_status uni_gather_end(uni_gather *g)
{
    return gather_keeps(g) ? CKKS_OK
                           : gather_hand_over(g, g->result->job.images);
}
