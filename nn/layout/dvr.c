/* layout.c -- where a pixel lives: pure index arithmetic.
 *
 * Read first: docs/12-volley.md.
 */
#include "stage/net.h"

/* Greatest common divisor; of 0 and b it is b. */
static int gcd(int a, int b)
{
    while (b != 0) {
        int r = a % b;

        a = b;
        b = r;
    }
    return a;
}

int nni_round_up(int a, int b)
{
    return (a + b - 1) / b * b;
}

int nni_power_above(int n)
{
    int p = 1;

    while (p < n)
        p *= 2;
    return p;
}

int nni_unit(int ring, int gap)
{
    return gcd(gap, ring);
}

int nni_phases(int ring, int gap)
{
    return ring / gcd(gap, ring);
}

bool nni_live(int ring, int gap, int side, int residue)
{
    /* the residues repeat after nni_phases pixels */
    int last = side < nni_phases(ring, gap) ? side : nni_phases(ring, gap);

    for (int y = 0; y < last; y++)
        if ((int64_t)gap * y % ring == residue)
            return true;
    return side == 0;
}

bool nni_phase_at(int *y, int *x, const nn_layout *l, int gap, int height,
                  int width, int index)
{
    const int columns = nni_phases(l->ring_x, gap);

    *y = index / columns * nni_unit(l->ring_y, gap);
    *x = index % columns * nni_unit(l->ring_x, gap);
    return nni_live(l->ring_y, gap, height, *y)
           && nni_live(l->ring_x, gap, width, *x);
}

int nn_layout_phases(const nn_layout *l, int gap)
{
    return nni_phases(l->ring_y, gap) * nni_phases(l->ring_x, gap);
}

int nni_out_phases(const nni_stage *s, const nni_out *o, const nn_layout *l)
{
    return nn_layout_phases(l, s->gap << o->pool);
}

/* Whether the means of a form add whole ciphertexts along an axis. */
static bool whole(int ring, const nni_stage *s, const nni_out *o)
{
    return o->pool == 0 || ring % (s->gap << o->pool) == 0;
}

nni_means nni_means_after(const nni_stage *s, const nni_out *o,
                          const nn_layout *l, int turned)
{
    const int y = whole(l->ring_y, s, o) ? o->pool : turned;
    const int x = whole(l->ring_x, s, o) ? o->pool : turned;

    return (nni_means){ s->gap << y, s->gap << x, s->height >> y,
                        s->width >> x };
}

int nni_turns(const nni_stage *s, const nni_out *o, const nn_layout *l)
{
    return whole(l->ring_y, s, o) && whole(l->ring_x, s, o) ? 0 : o->pool;
}

int nni_means_phases(const nni_means *m, const nn_layout *l)
{
    return nni_phases(l->ring_y, m->gap_y) * nni_phases(l->ring_x, m->gap_x);
}

bool nni_means_at(int *y, int *x, const nni_means *m, const nn_layout *l,
                  int index)
{
    const int columns = nni_phases(l->ring_x, m->gap_x);

    *y = index / columns * nni_unit(l->ring_y, m->gap_y);
    *x = index % columns * nni_unit(l->ring_x, m->gap_x);
    return nni_live(l->ring_y, m->gap_y, m->height, *y)
           && nni_live(l->ring_x, m->gap_x, m->width, *x);
}

int nn_layout_phase(const nn_layout *l, int gap, int y, int x)
{
    int a = (int)((int64_t)gap * y % l->ring_y) / nni_unit(l->ring_y, gap);
    int b = (int)((int64_t)gap * x % l->ring_x) / nni_unit(l->ring_x, gap);

    return a * nni_phases(l->ring_x, gap) + b;
}

size_t nn_layout_slot(const nn_layout *l, int gap, int image, int y, int x)
{
    size_t a = (size_t)gap * (size_t)y / (size_t)l->ring_y;
    size_t b = (size_t)gap * (size_t)x / (size_t)l->ring_x;

    return ((size_t)image * (size_t)l->grid_y + a) * (size_t)l->grid_x + b;
}

int nn_plan_inputs(const nn_plan *p)
{
    return p->channels * p->layout.ring_y * p->layout.ring_x;
}

int nn_plan_outputs(const nn_plan *p)
{
    if (p->out_neurons > 1)
        return (p->out_channels + p->out_neurons - 1) / p->out_neurons;
    return p->out_channels * nn_layout_phases(&p->layout, p->out_gap);
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
                *logit++ = slots[((size_t)c * phases
                                  + (size_t)nn_layout_phase(l, gap, y, x))
                                     * l->slots
                                 + nn_layout_slot(l, gap, i, y, x)];
    return CKKS_OK;
}
