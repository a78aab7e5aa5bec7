/* layout.c -- where a pixel lives: pure index arithmetic.
 *
 * Read first: docs/12-volley.md.
 */
#include "net.h"

int nn_layout_phase(const nn_layout *l, int pool, int y, int x)
{
    int ry = l->ring_y >> pool, rx = l->ring_x >> pool;

    return y % ry * rx + x % rx;
}

size_t nn_layout_slot(const nn_layout *l, int pool, int image, int y, int x)
{
    int ry = l->ring_y >> pool, rx = l->ring_x >> pool;

    return ((size_t)image * (size_t)l->grid_y + (size_t)(y / ry))
               * (size_t)l->grid_x + (size_t)(x / rx);
}

int nn_plan_inputs(const nn_plan *p)
{
    return p->channels * p->layout.ring_y * p->layout.ring_x;
}

int nn_plan_outputs(const nn_plan *p)
{
    return (p->layout.ring_y >> p->out_pool)
           * (p->layout.ring_x >> p->out_pool);
}

/* Places without an image repeat the first one, so that what they hold stays
 * in the calibrated range. */
void nn_pack(double *slots, const nn_plan *p, const double *const *tile,
             int count)
{
    const nn_layout *l = &p->layout;
    size_t grid = (size_t)l->grid_y * (size_t)l->grid_x;
    int phases = l->ring_y * l->ring_x;
    size_t plane = (size_t)l->height * (size_t)l->width;

    for (int k = 0; k < p->channels * phases; k++) {
        int c = k / phases, a = k % phases / l->ring_x, b = k % l->ring_x;

        for (size_t j = 0; j < l->slots; j++) {
            size_t image = j / grid, cell = j % grid;
            size_t y = cell / (size_t)l->grid_x * (size_t)l->ring_y
                       + (size_t)a;
            size_t x = cell % (size_t)l->grid_x * (size_t)l->ring_x
                       + (size_t)b;
            const double *t = tile[image < (size_t)count ? image : 0];

            slots[(size_t)k * l->slots + j] =
                t[(size_t)c * plane + y * (size_t)l->width + x] * p->mul
                + p->add;
        }
    }
}

void nn_unpack(double *logit, const nn_plan *p, const double *slots, int i)
{
    const nn_layout *l = &p->layout;
    int pool = p->out_pool;
    int height = l->height >> pool, width = l->width >> pool;

    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            logit[(size_t)y * (size_t)width + (size_t)x] =
                slots[(size_t)nn_layout_phase(l, pool, y, x) * l->slots
                      + nn_layout_slot(l, pool, i, y, x)];
}
