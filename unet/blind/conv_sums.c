/* conv_sums.c -- sums of ciphertexts times weights, at the side that has the
 * weights: with their polynomials' values (values.h), or by scalars.
 *
 * Nothing looks at a weight to decide what is done: zeros cost what others do.
 */
#include <stdlib.h>
#include <string.h>

#include "conv_server.h"
#include "nn.h"

enum {
    SUMS_COEF = 16 << 20,       /* bytes of coefficients at hand             */
    SUMS_CACHE = 512 << 10,     /* of ciphertexts that are read again        */
    SUMS_PIECES = 8192 / BLIND_POINTS   /* of a polynomial at most           */
};

/* Weight of tap `tap` (the phase of a transposed one) for output o, channel
 * c. */
static int32_t sums_weight(const conv_server *h, int o, int c, size_t tap)
{
    const blind_conv *g = h->k->c;
    const size_t taps = (size_t)g->kernel[0] * (size_t)g->kernel[1]
                        * (size_t)g->kernel[2];

    if (!g->transposed)
        return h->weight[((size_t)o * (size_t)g->in + (size_t)c) * taps + tap];
    return h->weight[((size_t)c * (size_t)g->out + ((size_t)o >> g->dims))
                     * taps + ((size_t)o & (taps - 1))];
}

/* ---- by scalars ---------------------------------------------------------- */

/* The matrix of weights as a combination's blocks.  Kernels look which way
 * small weights may go, and the time would tell how large they are: so the
 * first block is one weight, the same for all models, that is not small.  Then
 * nothing depends on the others, and its sum is not used. */
static void sums_blocks(ckks_block block[2], const conv_server *h)
{
    static const int32_t wide = 1 << 15;

    block[0] = (ckks_block){ 0, 1, 1, h->index, &wide };
    block[1] = (ckks_block){ 1, (size_t)h->k->t.outputs,
                             (size_t)h->k->t.channels, h->index, h->matrix };
}

static ckks_status sums_matrix(conv_server *h)
{
    const blind_tiling *t = &h->k->t;
    const size_t rows = (size_t)t->outputs, terms = (size_t)t->channels;
    ckks_block block[2];

    h->matrix = malloc(rows * terms * sizeof *h->matrix);
    h->index = malloc(terms * sizeof *h->index);
    if (h->matrix == NULL || h->index == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu weights", rows * terms);
    for (size_t c = 0; c < terms; c++)
        h->index[c] = (int32_t)c;
    for (size_t o = 0; o < rows; o++)
        for (size_t c = 0; c < terms; c++)
            h->matrix[o * terms + c] = sums_weight(h, (int)o, (int)c, 0);
    sums_blocks(block, h);
    h->combine_size = h->r->rns.kernel->combine_work(terms, block, 2);
    h->combine = blind_alloc(h->combine_size);
    return h->combine != NULL ? CKKS_OK
           : nn_fail(CKKS_EMEM, "no memory for %zu weights", rows * terms);
}

static ckks_status sums_scalars(conv_server *h, int tiles)
{
    const blind_tiling *t = &h->k->t;
    const uint64_t **in = malloc((size_t)t->channels * sizeof *in);
    uint64_t **out = malloc(((size_t)t->outputs + 1) * sizeof *out);
    ckks_block block[2];
    ckks_status s = in != NULL && out != NULL ? CKKS_OK
                    : nn_fail(CKKS_EMEM, "no memory for %d channels",
                              t->channels);

    sums_blocks(block, h);
    for (int l = 0; s == CKKS_OK && l < h->r->limbs; l++)
        for (int i = 0; s == CKKS_OK && i < 2 * tiles; i++) {
            for (int c = 0; c < t->channels; c++)
                in[c] = blind_server_row(h, h->x, t->cts_in, l, c, i / 2,
                                         i % 2);
            out[0] = h->m;
            for (int o = 0; o < t->outputs; o++)
                out[o + 1] = blind_server_row(h, h->y, t->cts_out, l, o,
                                              i / 2, i % 2);
            h->r->rns.kernel->combine(out, in, (size_t)t->channels, block, 2,
                                      h->r->n, &h->r->rns.mod[l], h->combine);
            s = blind_wire_breathe(h->p->wire);
        }
    free(in);
    free(out);
    return s;
}

/* ---- values -------------------------------------------------------------- */

/* Exponents of taps: taps of a row are columns, their rows are rows if they
 * begin at multiples of BLIND_POINTS, else all taps are columns. */
static ckks_status sums_taps(conv_server *h)
{
    const blind_tiling *t = &h->k->t;
    const size_t kx = (size_t)t->kernel[2], ky = (size_t)t->kernel[1];
    const size_t rows = (size_t)t->kernel[0] * ky, taps = rows * kx;
    const bool apart = (ky == 1 || t->pitch[1] % BLIND_POINTS == 0)
                       && (t->kernel[0] == 1
                           || t->pitch[0] % BLIND_POINTS == 0);
    size_t *row = malloc(rows * sizeof *row);
    size_t *column = malloc(taps * sizeof *column);
    ckks_status s;

    for (size_t i = 0; row != NULL && i < rows; i++)
        row[i] = i / ky * t->pitch[0] + i % ky * t->pitch[1];
    for (size_t i = 0; row != NULL && column != NULL && i < taps; i++)
        column[i] = row[i / kx] + i % kx;
    if (row == NULL || column == NULL)
        s = nn_fail(CKKS_EMEM, "no memory for %zu taps", taps);
    else if (apart)
        s = blind_values_init(&h->values, h->r, row, rows, column, kx);
    else
        s = blind_values_init(&h->values, h->r, row, 1, column, taps);
    free(row);
    free(column);
    return s;
}

/* Words of the coefficients of BLIND_OUTPUTS results. */
static size_t sums_four(const conv_server *h)
{
    return (size_t)(h->k->t.cts_in + 1) / 2 * BLIND_PAIR * h->values.rows
           * h->values.columns;
}

static ckks_status sums_memory(conv_server *h)
{
    const int most = (h->k->t.cts_out + BLIND_OUTPUTS - 1) / BLIND_OUTPUTS;
    const size_t word = sizeof(uint64_t);
    size_t four;
    ckks_status s = sums_taps(h);

    if (s != CKKS_OK)
        return s;
    four = sums_four(h) * word;
    h->fours = four > SUMS_COEF / 2 ? 1 : (int)(SUMS_COEF / four);
    h->fours = h->fours < most ? h->fours : most;
    h->w_size = (size_t)BLIND_MOST_TERMS * BLIND_OUTPUTS * BLIND_POINTS * word;
    h->coef_size = four * (size_t)h->fours;
    h->rows_size = blind_values_work(&h->values, BLIND_MOST_TERMS) * word;
    h->w = blind_alloc(h->w_size);
    h->coef = blind_alloc(h->coef_size);
    h->rows = blind_alloc(h->rows_size);
    return h->w != NULL && h->coef != NULL && h->rows != NULL ? CKKS_OK
           : nn_fail(CKKS_EMEM, "no memory for %zu bytes of weights",
                     h->coef_size);
}

/* A number modulo p, |a| < p. */
static inline uint64_t sums_residue(int32_t a, uint64_t p)
{
    const uint64_t u = (uint64_t)(int64_t)a;

    return u + (p & cki_mask(u >> 63));
}

/* Adds a piece's weights, from channel c to output o, times w, s its companion
 * in words of 64 bits. */
static void sums_piece(uint64_t *coef, const conv_server *h, int l, int o,
                       int c, uint64_t w, uint64_t s)
{
    const blind_values *v = &h->values;
    const uint64_t p = h->r->rns.mod[l].p;
    const size_t taps = v->rows * v->columns;

    for (size_t row = 0, tap = taps; row < v->rows; row++)
        for (size_t k = 0; k < v->columns; k++) {
            uint64_t *to = coef + BLIND_PAIR * blind_values_at(v, row, k);
            const uint64_t a            /* the kernel lies reversed          */
                = sums_residue(sums_weight(h, o, c, --tap), p);

            *to = cki_add(*to, cki_mul_shoup(a, w, s, p), p);
        }
}

/* Coefficients of result r of a packing, of all channels: `at` the place of
 * channel 0; piece: powers of x^block and companions. */
static void sums_result(uint64_t *at, const conv_server *h, int l, int r,
                        const uint64_t *piece)
{
    const blind_tiling *t = &h->k->t;
    const size_t pair = h->values.rows * h->values.columns * BLIND_PAIR;

    for (int c = 0; c < t->channels; c++) {
        const int ct = c / t->pack_in, j = c % t->pack_in;
        uint64_t *to = at + (size_t)(ct / 2) * pair
                       + (size_t)(ct % 2 * BLIND_OUTPUTS);

        for (int i = 0; i < blind_outputs_of(t, r); i++) {
            const uint64_t *y = piece + 2 * ((i + 1) * t->pack_in - 1 - j);

            sums_piece(to, h, l, r * t->pack_out + i, c, y[0], y[1]);
        }
    }
}

/* Coefficients of `fours` times BLIND_OUTPUTS results from o on, for the points
 * of run number `part`. */
static void sums_coefficients(conv_server *h, int l, int part, int o,
                              int fours)
{
    const blind_tiling *t = &h->k->t;
    const int end = o + fours * BLIND_OUTPUTS < t->cts_out
                    ? o + fours * BLIND_OUTPUTS : t->cts_out;
    uint64_t piece[2 * SUMS_PIECES];

    for (int i = 0; i < t->pack_in * t->pack_out; i++) {
        piece[2 * i] = *blind_values_root(&h->values, l,
                                          (size_t)part * t->block,
                                          (size_t)i * t->block);
        piece[2 * i + 1] = cki_shoup(piece[2 * i], &h->r->rns.mod[l]);
    }
    memset(h->coef, 0, h->coef_size);
    for (int r = o; r < end; r++)
        sums_result(h->coef + (size_t)((r - o) / BLIND_OUTPUTS) * sums_four(h)
                    + (size_t)((r - o) % BLIND_OUTPUTS), h, l, r, piece);
}

/* Sums number o and those behind it at a group of points: adds what terms
 * first .. first + terms - 1 give. */
static void sums_products(conv_server *h, int l, size_t group, int o, int four,
                          int first, int terms, int tiles)
{
    const blind_tiling *t = &h->k->t;
    const size_t place = (size_t)l * (h->r->n / BLIND_WORDS)
                         + group * BLIND_PLACES;
    const size_t line = 2 * BLIND_WORDS;
    const size_t taps = h->values.rows * h->values.columns;
    blind_sums s = {
        .w = h->w, .terms = (size_t)terms, .tiles = (size_t)tiles,
        .x_place = blind_server_place(h, t->cts_in),
        .x_tile = (size_t)t->cts_in * line,
        .y_place = blind_server_place(h, t->cts_out),
        .y_tile = (size_t)t->cts_out * line,
        .outs = t->cts_out - o < BLIND_OUTPUTS ? t->cts_out - o
                : BLIND_OUTPUTS,
        .add = first > 0
    };

    s.x = h->x + place * s.x_place + (size_t)first * line;
    s.y = h->y + place * s.y_place + (size_t)o * line;
    h->values.kernel->values(h->w, h->coef + (size_t)four * sums_four(h)
                                   + (size_t)first / 2 * BLIND_PAIR * taps,
                             s.terms, &h->values, l, group, h->rows);
    h->values.kernel->products(&s, &h->values, l);
}

/* Terms at once: an even number. */
static int sums_terms(int tiles)
{
    const int most = SUMS_CACHE / (tiles * 2 * BLIND_POINTS
                                   * (int)sizeof(uint64_t)) / 2 * 2;
    const int terms = most < 16 ? 16 : most;

    return terms < BLIND_MOST_TERMS ? terms : BLIND_MOST_TERMS;
}

/* The points of a run, for the results whose coefficients are at hand. */
static ckks_status sums_run(conv_server *h, int l, int part, int o, int fours,
                            int tiles)
{
    const blind_tiling *t = &h->k->t;
    const size_t groups = t->block / BLIND_POINTS;
    const int most = sums_terms(tiles);
    ckks_status s = CKKS_OK;

    sums_coefficients(h, l, part, o, fours);
    for (size_t g = 0; s == CKKS_OK && g < groups; g++) {
        for (int c = 0; c < t->cts_in; c += most) {
            const int terms = t->cts_in - c < most ? t->cts_in - c : most;

            for (int i = 0; i < fours; i++)
                sums_products(h, l, (size_t)part * groups + g,
                              o + i * BLIND_OUTPUTS, i, c, terms, tiles);
        }
        s = blind_wire_breathe(h->p->wire);
    }
    return s;
}

static ckks_status sums_values(conv_server *h, int tiles)
{
    const blind_tiling *t = &h->k->t;
    const int parts = (int)(h->r->n / t->block);
    const int all = (t->cts_out + BLIND_OUTPUTS - 1) / BLIND_OUTPUTS;
    ckks_status s = CKKS_OK;

    for (int l = 0; l < h->r->limbs; l++)
        for (int part = 0; part < parts; part++)
            for (int i = 0; s == CKKS_OK && i < all; i += h->fours)
                s = sums_run(h, l, part, i * BLIND_OUTPUTS,
                             all - i < h->fours ? all - i : h->fours, tiles);
    return s;
}

/* ---- both ---------------------------------------------------------------- */

ckks_status blind_server_prepare(conv_server *h)
{
    return h->k->t.scalar ? sums_matrix(h) : sums_memory(h);
}

ckks_status blind_server_sums(conv_server *h, int tiles)
{
    return h->k->t.scalar ? sums_scalars(h, tiles) : sums_values(h, tiles);
}
