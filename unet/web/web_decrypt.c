/* web_decrypt.c -- a result to masks and classes, held against its request as
 * the command does.  Contracts in web.h. */
#include <stdlib.h>
#include <string.h>

#include "scores.h"
#include "web.h"

static void result_clear(web_result *r)
{
    for (size_t i = 0; i < r->images; i++) {
        if (r->mask != NULL)
            free(r->mask[i]);
        if (r->logit != NULL)
            free(r->logit[i]);
    }
    free(r->mask);
    free(r->logit);
    free(r->size);
    memset(r, 0, sizeof *r);
}

static ckks_status result_init(web_result *r, const unet_job *job)
{
    r->size = malloc(job->images * sizeof *r->size);
    r->mask = calloc(job->images, sizeof *r->mask);
    r->logit = calloc(job->images, sizeof *r->logit);
    r->images = r->mask != NULL && r->logit != NULL ? job->images : 0;
    if (r->size == NULL || r->images == 0)
        return nn_fail(CKKS_EMEM, "no memory for %zu results", job->images);
    memcpy(r->size, job->size, job->images * sizeof *r->size);
    return CKKS_OK;
}

/* Logits of one image, which are forgotten after this call. */
static ckks_status result_take(void *user, const unet_job *job, size_t image,
                               const double *logit)
{
    web_result *r = user;
    const unet_size size = job->size[image];
    const size_t classes = (size_t)web.plan.out_channels * sizeof *logit;
    ckks_status s = r->images == 0 ? result_init(r, job) : CKKS_OK;

    if (s != CKKS_OK)
        return s;
    if (web.plan.num_classes > 0) {
        r->logit[image] = malloc(classes);
        if (r->logit[image] == NULL)
            return nn_fail(CKKS_EMEM, "no memory for %zu bytes", classes);
        memcpy(r->logit[image], logit, classes);
        return CKKS_OK;
    }
    r->mask[image] = malloc((size_t)size.height * (size_t)size.width);
    if (r->mask[image] == NULL)
        return nn_fail(CKKS_EMEM, "no memory for a mask of %dx%d pixels",
                       size.height, size.width);
    return unet_mask(r->mask[image], &web.plan, logit, size);
}

/* Of a file of results; the request learns what was answered.
 *   errors  those of unet_decrypt; CKKS_EARG  nothing was encrypted */
ckks_status WEB_EXPORT(web_decrypt)(const char *path)
{
    web_result taken = {0};
    unet_result result = {0};
    const unet_progress hooks = { .image = result_take,
                                  .step = { .user = &taken } };
    ckks_status s = web_need_key();

    if (s == CKKS_OK && unet_request_size(&web.request) == 0)
        s = nn_fail(CKKS_EARG, "nothing was encrypted that this could answer");
    if (s == CKKS_OK)
        s = unet_decrypt(&result, &web.request, &path, 1, &web.plan, web.ctx,
                         web.sk, &hooks);
    if (s == CKKS_OK) {
        result_clear(&web.result);
        web.result = taken;
        memset(&taken, 0, sizeof taken);
    }
    result_clear(&taken);
    unet_result_clear(&result);
    return s;
}

/* ---- what came out ------------------------------------------------------- */

size_t WEB_EXPORT(web_result_images)(void)
{
    return web.result.images;
}

int WEB_EXPORT(web_result_height)(size_t i)
{
    return i < web.result.images ? web.result.size[i].height : 0;
}

int WEB_EXPORT(web_result_width)(size_t i)
{
    return i < web.result.images ? web.result.size[i].width : 0;
}

/* (height, width) numbers of labels, 0 and 1 of a network of one; NULL: a
 * network of classes. */
const uint8_t *WEB_EXPORT(web_mask)(size_t i)
{
    return i < web.result.images ? web.result.mask[i] : NULL;
}

/* (out_channels) logits; NULL: a network of masks. */
const double *WEB_EXPORT(web_logits)(size_t i)
{
    return i < web.result.images ? web.result.logit[i] : NULL;
}

/* Number of the class; -1: none. */
int WEB_EXPORT(web_class)(size_t i)
{
    const double *logit = web_logits(i);

    return logit == NULL ? -1 : uni_class(&web.plan, logit);
}

double WEB_EXPORT(web_class_score)(size_t i)
{
    const double *logit = web_logits(i);

    return logit == NULL ? 0 : uni_class_score(&web.plan, logit);
}
