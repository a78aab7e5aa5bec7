/* matrix.c -- where the numbers of a dense layer lie when its outputs share
 * ciphertexts.
 *
 * Read first: docs/cnn.md.
 *
 * The slots of one image are a table of `rows` rows with one cell a slot.  A
 * map lies in the cells of every row (a single image fills all slots with
 * copies of itself) or, with many images a ciphertext, in the only row.  A
 * vector lies in the first `column` cells of the rows, one row after the other.
 *
 * From a map (or a vector that fills rows alike): neuron j gets row j div q and
 * all cells c = j mod q of it, q the column of the output.  Cell c collects the
 * q inputs c, c + 1, ... c + q - 1, so q rotations of the inputs do, each times
 * one plaintext; then the cells are folded onto the first q by rotations by q,
 * 2 q, 4 q, ...
 *
 * From a vector whose rows differ: neuron o gets cell o of every row, which
 * collects what this row's q inputs give; rotations by -o .. q - 1 - o, then
 * the rows are folded.  Every row then holds the result: the next layer starts
 * as from a map.
 *
 * The rotations are split into baby steps, done on the inputs with one set of
 * digits each, and giant steps, done on the sums.
 */
#include "stage/matrix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool power_of_two(size_t n)
{
    return n > 0 && (n & (n - 1)) == 0;
}

/* ---- geometry ------------------------------------------------------------ */

/* Baby steps are cheap: about 0.4 of a giant one, and there are as many for
 * each input; so few inputs take many of them. */
static void split(nni_matrix *x)
{
    double least = HUGE_VAL;

    for (int b = 1; b <= x->count; b *= 2) {
        const int giants = (x->count + b - 1) / b;
        const double cost = 0.4 * x->inputs * (b - 1)
                            + (giants - 1) * x->outputs;

        if (cost < least) {
            least = cost;
            x->babies = b;
            x->giants = giants;
        }
    }
}

static void from_map(nni_matrix *x, const nn_layout *l)
{
    const int q = nni_power_above((x->neurons + x->rows - 1) / x->rows);

    x->turned = false;
    x->cyclic = (size_t)x->cells * (size_t)x->rows == l->slots;
    x->column = q;
    x->low = x->cyclic ? 0 : 1 - q;
    x->count = x->cyclic ? q : 2 * q - 1;
    x->first_fold = q;
    x->num_folds = 0;
    for (int c = q; c < x->cells; c *= 2)
        x->num_folds++;
}

static void from_vector(nni_matrix *x)
{
    x->turned = true;
    x->column = x->cells;
    x->low = 1 - x->neurons;
    x->count = x->neurons + x->in_column - 1;
    x->first_fold = x->cells;
    x->num_folds = 0;
    for (int r = 1; r < x->rows; r *= 2)
        x->num_folds++;
}

bool nni_matrix_fits(nni_matrix *out, const nni_placed *p, int k, int neurons)
{
    const nn_layout *l = &p->layout;
    const nni_stage *s = p->stage[k].of;
    const nni_source *src = &s->source[0];
    const nni_placed_stage *from = src->stage >= 0 ? &p->stage[src->stage]
                                                   : NULL;
    const size_t cells = (size_t)l->grid_y * (size_t)l->grid_x;
    nni_matrix x = { .cells = (int)cells, .images = l->batch };
    const bool vector = from != NULL && from->neurons > 1;

    if (!s->dense || s->num_sources != 1 || src->up_channels > 0
        || s->linear != NULL || !power_of_two(cells) || cells > l->slots
        || neurons < 1 || neurons > s->channels)
        return false;
    x.rows = l->batch == 1 ? (int)(l->slots / cells) : 1;
    x.neurons = neurons;
    x.outputs = (s->channels + neurons - 1) / neurons;
    x.inputs = vector ? from->planes
                      : src->channels * nn_layout_phases(l, src->gap);
    x.in_neurons = vector ? from->neurons : 0;
    x.in_column = vector ? from->column : 0;
    if (!vector || (from->column == x.cells && x.rows > 1))
        from_map(&x, l);
    else
        from_vector(&x);
    if (x.column > x.cells || (x.turned && neurons > x.cells)
        || (!x.turned && (neurons + x.column - 1) / x.column > x.rows))
        return false;
    split(&x);
    if (x.babies > NN_MAX_KEYS || x.giants > NN_MAX_KEYS)
        return false;           /* no plan has keys for so many steps        */
    *out = x;
    return true;
}

nni_matrix nni_matrix_of(const nni_placed *p, int k)
{
    nni_matrix x = { 0 };

    (void)nni_matrix_fits(&x, p, k, p->stage[k].neurons);
    return x;
}

bool nni_matrix_wants(const nni_matrix *x, int giant, int baby)
{
    return giant * x->babies + baby < x->count;
}

int nni_matrix_giant(const nni_matrix *x, const nn_layout *l, int giant)
{
    const int64_t slots = (int64_t)l->slots;

    return (int)(((x->low + (int64_t)giant * x->babies) % slots + slots)
                 % slots);
}

int nni_matrix_fold(const nni_matrix *x, int i)
{
    return x->first_fold << i;
}

/* ---- numbers ------------------------------------------------------------- */

/* Input number `at` of the weights' rows: its ciphertext, row and cell. */
static void place(int *input, int *row, int *cell, const nni_matrix *x,
                  const nni_placed *p, int k, int at)
{
    const nn_layout *l = &p->layout;
    const nni_stage *s = p->stage[k].of;
    const nni_source *src = &s->source[0];

    if (x->in_neurons > 0) {
        *input = at / x->in_neurons;
        *row = at % x->in_neurons / x->in_column;
        *cell = at % x->in_neurons % x->in_column;
    } else {
        const int pixels = s->kernel_y * s->kernel_x;
        const int y = at % pixels / s->kernel_x, c = at / pixels;
        const int h = at % pixels % s->kernel_x;

        *input = c * nn_layout_phases(l, src->gap)
                 + nn_layout_phase(l, src->gap, y, h);
        *row = 0;
        *cell = (int)nn_layout_slot(l, src->gap, 0, y, h);
    }
}

/* Where what input (row, cell) gives to neuron j is collected: the slot, and
 * the rotation that brings the input there. */
static int collect(int *slot, const nni_matrix *x, int j, int row, int cell)
{
    int to;

    if (x->turned) {
        *slot = row * x->cells + j;
        return cell - j;
    }
    to = j % x->column;
    if (cell >= to)
        to += (cell - to) / x->column * x->column;
    else if (x->cyclic)
        to += x->cells - x->column;
    *slot = j / x->column * x->cells + to;
    return cell >= to || !x->cyclic ? cell - to : cell - to + x->cells;
}

bool nni_matrix_values(double *value, const nni_matrix *x, const nni_placed *p,
                       int k, int output, int giant, int baby, int input)
{
    const nn_layout *l = &p->layout;
    const nni_stage *s = p->stage[k].of;
    const nni_source *src = &s->source[0];
    const int pixels = s->kernel_y * s->kernel_x;
    const int columns = src->channels * pixels;
    const int want = x->low + giant * x->babies + baby;
    const size_t turn = (size_t)nni_matrix_giant(x, l, giant);
    const size_t table = (size_t)x->rows * (size_t)x->cells;
    bool any = false;

    memset(value, 0, l->slots * sizeof *value);
    for (int at = 0; at < columns; at++) {
        int from, row, cell;

        place(&from, &row, &cell, x, p, k, at);
        for (int j = 0; from == input && j < x->neurons; j++) {
            const int o = output * x->neurons + j;
            int slot;

            if (o >= s->channels || collect(&slot, x, j, row, cell) != want)
                continue;
            any = true;
            for (int b = 0; b < x->images; b++)
                value[((size_t)b * table + (size_t)slot + turn) % l->slots] +=
                    s->mul[o] * src->mul[at / pixels]
                    * nni_stage_weight(s, o, at / pixels, at % pixels);
        }
    }
    return any;
}

void nni_matrix_bias(double *value, const nni_matrix *x, const nni_placed *p,
                     int k, int output)
{
    const nn_layout *l = &p->layout;
    const nni_stage *s = p->stage[k].of;
    const nni_source *src = &s->source[0];
    const int pixels = s->kernel_y * s->kernel_x;
    const int columns = src->channels * pixels;
    const size_t table = (size_t)x->rows * (size_t)x->cells;
    const int copies = x->turned ? x->rows : 1;

    memset(value, 0, l->slots * sizeof *value);
    for (int j = 0; j < x->neurons; j++) {
        const int o = output * x->neurons + j;
        const int slot = x->turned ? j : j / x->column * x->cells
                                             + j % x->column;
        double sum = 0;

        if (o >= s->channels)
            break;
        for (int at = 0; at < columns; at++)
            sum += src->add[at / pixels]
                   * nni_stage_weight(s, o, at / pixels, at % pixels);
        for (int b = 0; b < x->images; b++)
            for (int r = 0; r < copies; r++)
                value[(size_t)b * table + (size_t)(r * x->cells + slot)] =
                    s->mul[o] * sum + s->add[o];
    }
}

/* ---- choice -------------------------------------------------------------- */

ckks_status nni_set_matrices(nni_placed *p, const int *neurons)
{
    const char *name = p->net->name;

    for (int k = 0; k < p->num_stages; k++) {
        nni_placed_stage *s = &p->stage[k];

        s->planes = s->of->channels;
        s->extra = s->masked + s->cleared;
    }
    for (int k = 0; k < p->num_stages; k++) {
        nni_placed_stage *s = &p->stage[k];
        nni_matrix x;

        for (int i = 0; i < s->of->num_sources && neurons[k] == 0; i++) {
            const int from = s->of->source[i].stage;

            if (from >= 0 && p->stage[from].neurons > 1)
                return nn_fail(CKKS_EPARAM, "%s: %s reads %d numbers a "
                               "ciphertext and is no matrix", name,
                               s->of->name, p->stage[from].neurons);
        }
        if (neurons[k] == 0)
            continue;
        if (!nni_matrix_fits(&x, p, k, neurons[k]))
            return nn_fail(CKKS_EPARAM, "%s: %s cannot be a matrix with %d "
                           "neurons a ciphertext, on a grid of %d x %d", name,
                           s->of->name, neurons[k], p->layout.grid_y,
                           p->layout.grid_x);
        s->neurons = x.neurons;
        s->column = x.column;
        s->planes = x.outputs;
        s->extra = k < p->num_stages - 1;
    }
    return CKKS_OK;
}
