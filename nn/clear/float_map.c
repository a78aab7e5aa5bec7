/* float_map.c -- tensors of a network in the clear.
 *
 * Read first: float.h.
 */
#include <stdlib.h>

#include "clear/float.h"

ckks_status nni_float_map_init(float_map *out, int channels, int depth,
                               int height, int width)
{
    uint64_t n = (uint64_t)channels * (uint64_t)depth * (uint64_t)height
                 * (uint64_t)width;

    out->channels = channels;
    out->depth = depth;
    out->height = height;
    out->width = width;
    out->v = n > SIZE_MAX / sizeof *out->v
           ? NULL : malloc((size_t)n * sizeof *out->v);
    if (out->v == NULL)
        return nn_fail(CKKS_EMEM, "nn_model_float: no memory for %d x %d x %d "
                       "x %d doubles", channels, depth, height, width);
    return CKKS_OK;
}

double *nni_float_row(const float_map *x, int c, int z, int y)
{
    const size_t plane = (size_t)c * (size_t)x->depth + (size_t)z;

    return x->v + (plane * (size_t)x->height + (size_t)y) * (size_t)x->width;
}

size_t nni_float_channel(const float_map *x)
{
    return (size_t)x->depth * (size_t)x->height * (size_t)x->width;
}

int nni_float_deep(const float_run *r, int along_z)
{
    return r->m->depth > 0 ? along_z : 1;
}
