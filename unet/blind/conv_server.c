/* conv_server.c -- a convolution at the side that has the weights: ciphertexts
 * of the client's shares, with its own added, times weights. */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "conv_server.h"
#include "nn.h"

/* How many channels are multiplied at once, with the weights of how many
 * results at hand.  Few tiles: weights are used at once, and they and the
 * ciphertexts shall stay in the second cache; many: they pay for being read
 * again, and ciphertexts go through the cache in pieces. */
enum {
    SERVER_TERMS = 32, SERVER_OUTPUTS = 8,
    SERVER_FEW = 2,                     /* tiles                             */
    SERVER_FEW_TERMS = 8, SERVER_FEW_OUTPUTS = 1,
    SERVER_CACHE = 512 << 10            /* bytes of such a piece             */
};

/* ---- memory -------------------------------------------------------------- */

static void server_clear(conv_server *h)
{
    cki_wipe(&h->s, sizeof h->s);
    blind_free(h->x, h->x_size);
    blind_free(h->y, h->y_size);
    blind_free(h->w, h->w_size);
    blind_free(h->m, h->m_size);
    blind_free(h->work, h->words);
    blind_free(h->taps, h->r->n * sizeof *h->taps);
    blind_sparse_clear(&h->sparse);
    blind_free(h->frame, h->frame_size);
    blind_free(h->combine, h->combine_size);
    free(h->matrix);
    free(h->index);
}

static ckks_status server_memory(conv_server *h)
{
    const blind_tiling *t = &h->k->t;
    const size_t word = sizeof(uint64_t), limbs = (size_t)h->r->limbs;
    const size_t part = 2 * limbs * (size_t)h->k->group * h->stride * word;

    h->x_size = part * (size_t)t->cts_in;
    h->y_size = part * (size_t)t->cts_out;
    h->w_size = SERVER_OUTPUTS * SERVER_TERMS * h->stride * word;
    h->m_size = 2 * limbs * h->r->n * word;
    h->words = blind_ring_work(h->r) * word;
    h->frame_size = 2 * h->k->up + 8;
    h->x = blind_alloc(h->x_size);
    h->y = blind_alloc(h->y_size);
    h->w = blind_alloc(h->w_size);
    h->m = blind_alloc(h->m_size);
    h->work = blind_alloc(h->words);
    h->taps = blind_alloc(h->r->n * word);
    h->frame = blind_alloc(h->frame_size);
    if (h->x != NULL && h->y != NULL && h->w != NULL && h->m != NULL
        && h->work != NULL && h->taps != NULL && h->frame != NULL)
        return blind_sparse_init(&h->sparse, h->r, h->r->n / t->block,
                                 t->first + 1);
    return nn_fail(CKKS_EMEM, "no memory for %zu bytes of ciphertexts",
                   h->x_size + h->y_size);
}

/* Weight of tap `tap` (the phase of a transposed one) for output o, channel
 * c. */
static int32_t server_weight(const conv_server *h, int o, int c, size_t tap)
{
    const blind_conv *g = h->k->c;
    const size_t taps = (size_t)g->kernel[0] * (size_t)g->kernel[1]
                        * (size_t)g->kernel[2];

    if (!g->transposed)
        return h->weight[((size_t)o * (size_t)g->in + (size_t)c) * taps + tap];
    return h->weight[((size_t)c * (size_t)g->out + ((size_t)o >> g->dims))
                     * taps + ((size_t)o & (taps - 1))];
}

/* The matrix of weights as a combination's blocks.  Kernels look which way
 * small weights may go, and the time would tell how large they are: so the
 * first block is one weight, the same for all models, that is not small.  Then
 * nothing depends on the others, and its sum is not used. */
static void server_blocks(ckks_block block[2], const conv_server *h)
{
    static const int32_t wide = 1 << 15;

    block[0] = (ckks_block){ 0, 1, 1, h->index, &wide };
    block[1] = (ckks_block){ 1, (size_t)h->k->t.outputs,
                             (size_t)h->k->t.channels, h->index, h->matrix };
}

static ckks_status server_matrix(conv_server *h)
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
            h->matrix[o * terms + c] = server_weight(h, (int)o, (int)c, 0);
    server_blocks(block, h);
    h->combine_size = h->r->rns.kernel->combine_work(terms, block, 2);
    h->combine = blind_alloc(h->combine_size);
    return h->combine != NULL ? CKKS_OK
           : nn_fail(CKKS_EMEM, "no memory for %zu weights", rows * terms);
}

/* ---- ciphertexts in ------------------------------------------------------ */

static ckks_status server_receive(conv_server *h, const blind_share *x,
                                  int tile, int slot)
{
    blind_ring *r = h->r;
    const cki_kernel *k = r->rns.kernel;
    ckks_status s = CKKS_OK;

    for (int c = 0; s == CKKS_OK && c < h->k->t.cts_in; c++) {
        uint64_t *c0 = h->m + (size_t)r->limbs * r->n;

        s = blind_wire_receive(h->p->wire, BLIND_UP, h->frame, h->k->up);
        if (s == CKKS_OK)
            s = blind_ring_unpack(c0, h->frame, r->n, r->n, r);
        if (s != CKKS_OK)
            return s;
        blind_conv_encode(h->m, x, c, tile, h->k, r);
        blind_ring_public(h->work, r);
        for (int l = 0; l < r->limbs; l++) {
            const size_t at = (size_t)l * r->n;

            cki_ntt_fwd(&r->rns, h->m + at, l);
            k->add(blind_server_x(h, l, c, slot, 0), h->m + at, c0 + at, r->n,
                   &r->rns.mod[l]);
            memcpy(blind_server_x(h, l, c, slot, 1), h->work + at,
                   r->n * sizeof(uint64_t));
        }
    }
    return s;
}

/* ---- products ------------------------------------------------------------ */

/* NTT of the weights from ciphertext c to result o. */
static void server_transform(const conv_server *h, uint64_t *w, int l, int o,
                             int c)
{
    const blind_tiling *t = &h->k->t;
    const cki_mod *m = &h->r->rns.mod[l];
    const int *kn = t->kernel;
    const size_t piece = h->sparse.parts == 1 ? t->block : h->sparse.block;

    memset(h->taps, 0, h->sparse.parts * h->sparse.block * sizeof *w);
    for (int i = 0; i < blind_outputs_of(t, o); i++)
        for (int j = 0; j < t->pack_in; j++) {
            const int from = c * t->pack_in + j, to = o * t->pack_out + i;
            uint64_t *at = h->taps + (size_t)((i + 1) * t->pack_in - 1 - j)
                                     * piece;
            size_t tap = 0;

            if (from >= t->channels)
                break;
            for (int z = kn[0] - 1; z >= 0; z--)
                for (int y = kn[1] - 1; y >= 0; y--)
                    for (int x = kn[2] - 1; x >= 0; x--)
                        at[(size_t)z * t->pitch[0] + (size_t)y * t->pitch[1]
                           + (size_t)x]
                            = cki_from_signed(server_weight(h, to, from,
                                                            tap++), m);
        }
    blind_sparse_fwd(w, h->taps, l, &h->sparse);
}

/* Adds products of `terms` ciphertexts from `first` on to `outputs` results
 * from o on, for places that fit the cache. */
static void server_products(conv_server *h, int l, int first, int terms, int o,
                            int outputs, int tiles)
{
    const size_t n = h->r->n;
    size_t piece = SERVER_CACHE / ((size_t)terms * (size_t)tiles * 16);
    const uint64_t *w[SERVER_TERMS], *x0[SERVER_TERMS], *x1[SERVER_TERMS];

    piece = piece < 64 ? 64 : piece / 64 * 64;
    for (size_t at = 0; at < n; at += piece) {
        const size_t count = n - at < piece ? n - at : piece;

        for (int i = 0; i < outputs; i++)
            for (int tile = 0; tile < tiles; tile++) {
                uint64_t *y0 = blind_server_y(h, l, o + i, tile, 0);
                uint64_t *y1 = blind_server_y(h, l, o + i, tile, 1);

                for (int c = 0; c < terms; c++) {
                    w[c] = h->w + (size_t)(i * SERVER_TERMS + c) * h->stride
                           + at;
                    x0[c] = blind_server_x(h, l, first + c, tile, 0) + at;
                    x1[c] = blind_server_x(h, l, first + c, tile, 1) + at;
                }
                h->r->rns.kernel->dot2(y0 + at, y1 + at, w, NULL, x0, x1, terms,
                                       first > 0, count, &h->r->rns.mod[l]);
            }
    }
}

static ckks_status server_sums(conv_server *h, int tiles)
{
    const blind_tiling *t = &h->k->t;
    const bool few = tiles <= SERVER_FEW;
    const int most = few ? SERVER_FEW_TERMS : SERVER_TERMS;
    const int block = few ? SERVER_FEW_OUTPUTS : SERVER_OUTPUTS;
    ckks_status s = CKKS_OK;

    for (int l = 0; l < h->r->limbs; l++)
        for (int c = 0; c < t->cts_in; c += most) {
            const int terms = t->cts_in - c < most ? t->cts_in - c : most;

            for (int o = 0; s == CKKS_OK && o < t->cts_out; o += block) {
                const int outputs = t->cts_out - o < block ? t->cts_out - o
                                    : block;

                for (int i = 0; i < outputs; i++)
                    for (int j = 0; j < terms; j++)
                        server_transform(h, h->w + (size_t)(i * SERVER_TERMS
                                                            + j) * h->stride,
                                         l, o + i, c + j);
                server_products(h, l, c, terms, o, outputs, tiles);
                s = blind_wire_breathe(h->p->wire);
            }
        }
    return s;
}

/* The same with one weight a channel: no transforms. */
static ckks_status server_scalars(conv_server *h, int tiles)
{
    const blind_tiling *t = &h->k->t;
    const uint64_t **in = malloc((size_t)t->channels * sizeof *in);
    uint64_t **out = malloc(((size_t)t->outputs + 1) * sizeof *out);
    ckks_block block[2];
    ckks_status s = in != NULL && out != NULL ? CKKS_OK
                    : nn_fail(CKKS_EMEM, "no memory for %d channels",
                              t->channels);

    server_blocks(block, h);
    for (int l = 0; s == CKKS_OK && l < h->r->limbs; l++)
        for (int i = 0; s == CKKS_OK && i < 2 * tiles; i++) {
            for (int c = 0; c < t->channels; c++)
                in[c] = blind_server_x(h, l, c, i / 2, i % 2);
            out[0] = h->m;
            for (int o = 0; o < t->outputs; o++)
                out[o + 1] = blind_server_y(h, l, o, i / 2, i % 2);
            h->r->rns.kernel->combine(out, in, (size_t)t->channels, block, 2,
                                      h->r->n, &h->r->rns.mod[l], h->combine);
            s = blind_wire_breathe(h->p->wire);
        }
    free(in);
    free(out);
    return s;
}

static ckks_status server_group(conv_server *h, blind_share *out,
                                const blind_share *x, int first, int tiles)
{
    ckks_status s = CKKS_OK;

    for (int i = 0; s == CKKS_OK && i < tiles; i++)
        s = server_receive(h, x, first + i, i);
    if (s == CKKS_OK)
        s = h->k->t.scalar ? server_scalars(h, tiles) : server_sums(h, tiles);
    for (int i = 0; s == CKKS_OK && i < tiles; i++)
        for (int o = 0; s == CKKS_OK && o < h->k->t.cts_out; o++)
            s = blind_server_send(h, out, o, first + i, i);
    return s;
}

ckks_status blind_conv_server(blind_share *out, const blind_share *x,
                              const blind_conv_plan *k, const int32_t *weight,
                              const int64_t *bias, const int64_t *map,
                              blind_party *p)
{
    conv_server h = { .k = k, .p = p, .r = &p->he->conv, .weight = weight,
                      .bias = bias, .map = map };
    ckks_status s;

    h.stride = blind_limb_stride(h.r->n);
    blind_lift_init(&h.lift, h.r, k->c->shift + BLIND_SCALE);
    cki_rng_stream(&h.s, h.r->rns.kernel, p->rng);
    s = server_memory(&h);
    if (s == CKKS_OK && k->t.scalar)
        s = server_matrix(&h);
    for (int first = 0; s == CKKS_OK && first < k->t.count;
         first += k->group) {
        int tiles = k->t.count - first < k->group ? k->t.count - first
                    : k->group;

        s = server_group(&h, out, x, first, tiles);
    }
    server_clear(&h);
    return s;
}
