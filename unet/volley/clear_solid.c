/* clear_solid.c -- networks of three dimensions in the clear, on volumes. */
#include <math.h>
#include <stdlib.h>

#include "image/solid.h"
#include "volley.h"

/* What a volume and the network's numbers for it are held in. */
typedef struct solid_room {
    uni_solid_fit fit;
    double *pixel, *logit;
} solid_room;

static int solid_whole(const uni_album_volume *v)
{
    if (v->slice < 0 && v->count == (size_t)v->slicing.slices)
        return VOLLEY_DONE;
    return volley_fail("%s: %zu of %d slices: the network takes whole volumes",
                       v->name, v->count, v->slicing.slices);
}

static int solid_init(solid_room *r, const nn_model *m,
                      const uni_album_volume *v, bool fit)
{
    const int have[3] = { v->slicing.slices, v->slicing.height,
                          v->slicing.width };
    const size_t n = (size_t)m->depth * (size_t)m->height * (size_t)m->width;
    int code = solid_whole(v);

    if (code == VOLLEY_DONE)
        code = volley_check(uni_solid_place(&r->fit, v->name, have,
                                            (int[3]){ m->depth, m->height,
                                                      m->width }, fit));
    if (code != VOLLEY_DONE)
        return code;
    r->pixel = calloc((size_t)m->channels * n, sizeof *r->pixel);
    r->logit = malloc((size_t)m->layer[m->output].channels * n
                      * sizeof *r->logit);
    return r->pixel != NULL && r->logit != NULL ? VOLLEY_DONE
           : volley_fail("no memory for a volume of %zu voxels", n);
}

static ckks_status solid_run(double **logit, solid_room *r, const nn_model *m,
                             const volley_input *images,
                             const uni_album_volume *v)
{
    const int out = m->layer[m->output].channels;
    double outside[NN_MAX_LABELS] = { m->num_labels > 0 ? 0 : -HUGE_VAL };
    ckks_status s = CKKS_OK;

    for (int c = 1; c < out; c++)
        outside[c] = -HUGE_VAL;
    for (int k = 0; k < v->slicing.slices && s == CKKS_OK; k++) {
        const double *pixel = NULL;

        s = images->pixels.get(&pixel, images->pixels.user,
                               v->first + (size_t)k);
        if (s == CKKS_OK)
            uni_solid_put(r->pixel, &r->fit, m->channels, pixel, k);
    }
    if (s == CKKS_OK)
        s = nn_model_float(r->logit, m, r->pixel, m->depth, m->height,
                           m->width);
    for (int k = 0; k < v->slicing.slices && s == CKKS_OK; k++)
        uni_solid_get(logit[v->first + (size_t)k], &r->fit, out, r->logit,
                      outside, k);
    return s;
}

int volley_clear_solids(double **logit, const volley_source *s,
                        const volley_input *images, const uni_album *album,
                        bool fit)
{
    size_t slices = 0;
    int code = VOLLEY_DONE;

    for (size_t i = 0; i < album->volumes; i++)
        slices += album->volume[i].count;
    if (slices != images->count)
        return volley_fail("%zu of %zu images are no slices of volumes, and "
                           "model %s takes volumes", images->count - slices,
                           images->count, s->model.name);
    for (size_t i = 0; i < album->volumes && code == VOLLEY_DONE; i++) {
        const uni_album_volume *v = &album->volume[i];
        solid_room r = {0};

        if (v->count == 0)
            continue;
        code = solid_init(&r, &s->model, v, fit);
        if (code == VOLLEY_DONE)
            code = volley_check(solid_run(logit, &r, &s->model, images, v));
        free(r.pixel);
        free(r.logit);
    }
    return code;
}
