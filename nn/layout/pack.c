/* pack.c -- images to slots and slots to logits.
 *
 * Read first: nn_layout in nn.h, docs/12-volley.md.
 */
#include "layout/layout.h"

int nn_plan_inputs(const nn_plan *p)
{
    return p->channels * p->layout.ring_y * p->layout.ring_x;
}

int nn_plan_outputs(const nn_plan *p)
{
    if (p->out_neurons > 1)
        return (p->out_channels + p->out_neurons - 1) / p->out_neurons;
    return nni_planes(&p->layout, p->out_gap, p->out_channels)
           * nn_layout_phases(&p->layout, p->out_gap);
}

/* Whether border zero wants a 0: beside the image, and where a last one is cut
 * off. */
static bool is_outside(const nn_plan *p, size_t image, size_t y, size_t x)
{
    const size_t grid = (size_t)p->layout.grid_y * (size_t)p->layout.grid_x;

    return p->border == NN_ZERO
           && (y >= (size_t)p->core_height || x >= (size_t)p->core_width
               || image >= p->layout.slots / grid);
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
            const size_t at = j / (size_t)nni_cell(l);
            size_t image = at / grid, cell = at % grid;
            size_t y = cell / (size_t)l->grid_x * (size_t)l->ring_y
                       + (size_t)a;
            size_t x = cell % (size_t)l->grid_x * (size_t)l->ring_x
                       + (size_t)b;
            const double *t = tile[image < (size_t)count ? image : 0];

            slots[(size_t)k * l->slots + j] =
                is_outside(p, image, y, x)
                    ? 0
                    : t[(size_t)c * plane + y * (size_t)l->width + x] * p->mul
                          + p->add;
        }
    }
}

static void unpack_vector(double *logit, const nn_plan *p,
                          const double *slots, int i)
{
    const nn_layout *l = &p->layout;
    const int cells = l->grid_y * l->grid_x;
    const int column = l->batch > 1 ? cells : p->out_column;

    for (int c = 0; c < p->out_channels; c++) {
        const int j = c % p->out_neurons;

        logit[c] = slots[(size_t)(c / p->out_neurons) * l->slots
                         + (size_t)i * (size_t)cells
                         + (size_t)(j / column * cells + j % column)];
    }
}

/* A side of the output's map. */
static int out_side(int side, int gap)
{
    return gap > 0 ? (side + gap - 1) / gap : 1;
}

size_t nn_plan_logits(const nn_plan *p)
{
    return (size_t)p->out_channels
           * (size_t)out_side(p->layout.height, p->out_gap)
           * (size_t)out_side(p->layout.width, p->out_gap);
}

ckks_status nn_unpack(double *logit, size_t room, const nn_plan *p,
                      const double *slots, int i)
{
    const nn_layout *l = &p->layout;
    const int gap = p->out_gap;
    const int height = out_side(l->height, gap);
    const int width = out_side(l->width, gap);
    const size_t phases = (size_t)nn_layout_phases(l, gap);
    const int packed = nni_packed(l, gap);

    if (room < nn_plan_logits(p) || i < 0 || i >= l->batch)
        return nn_fail(CKKS_EARG, "nn_unpack: image %d of %d, %zu numbers, "
                       "room for %zu", i, l->batch, nn_plan_logits(p), room);
    if (p->out_neurons > 1) {
        unpack_vector(logit, p, slots, i);
        return CKKS_OK;
    }
    for (int c = 0; c < p->out_channels; c++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                *logit++ = slots[((size_t)(c / packed) * phases
                                  + (size_t)nn_layout_phase(l, gap, y, x))
                                     * l->slots
                                 + nn_layout_slot(l, gap, i, y, x)
                                 + (size_t)(c % packed)];
    return CKKS_OK;
}
