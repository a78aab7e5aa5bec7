/* conv_reply.c -- sums of a convolution go back to the client, masked and
 * re-randomised.
 *
 * The mask is uniform modulo the whole q, so c_0 tells nothing, noise included;
 * c_1 has a fresh encryption of zero in it, so it tells nothing of the weights
 * that it was made with.  Source: [HLHD22].  A word of the mask that is not
 * below its prime is drawn again, with odds of 2^-30: the time tells that, and
 * nothing of the words that are kept.
 */
#include <string.h>

#include "conv_server.h"

/* A bias at the scale of ciphertexts modulo each prime. */
static void server_bias(uint64_t *out, int64_t bias, const conv_server *h)
{
    for (int l = 0; l < h->r->limbs; l++) {
        const cki_mod *m = &h->r->rns.mod[l];

        out[l] = cki_mul(cki_from_signed(bias, m),
                         (uint64_t)1 << BLIND_SCALE, m);
    }
}

/* A row of results of output j: c_0 (in work) with bias, less the mask (in m,
 * from place i of `count` on), into m; the mask's negative, lifted, is the
 * server's share. */
static void server_row(conv_server *h, blind_share *out, int j,
                       const blind_rows *row, const uint64_t *bias, size_t i,
                       size_t count)
{
    const blind_ring *r = h->r;
    const size_t first = blind_block_out(&h->k->t, j) + row->at;

    for (size_t e = 0; e < row->count; e++, i++) {
        const size_t at = first + e * row->step;
        const size_t to = blind_conv_place(h->k, j, row->pixel + e);
        uint64_t minus[BLIND_MOST_LIMBS], more[BLIND_MOST_LIMBS] = { 0 };

        if (h->map != NULL)
            server_bias(more, h->map[to], h);
        for (int l = 0; l < r->limbs; l++) {
            const uint64_t p = r->rns.mod[l].p;
            uint64_t *mask = h->m + (size_t)l * count + i;
            uint64_t sum = cki_add(bias[l], more[l], p);

            minus[l] = cki_neg(*mask, p);
            sum = cki_add(sum, h->work[(size_t)l * r->n + at], p);
            *mask = cki_add(sum, minus[l], p);
        }
        out[to] = 0 - blind_lift_one(minus, &h->lift);
    }
}

static void server_mask(conv_server *h, blind_share *out, int o, int tile,
                        size_t count)
{
    const blind_tiling *t = &h->k->t;
    const int shift = h->k->c->transposed ? h->k->c->dims : 0;
    const int first = o * t->pack_out;
    size_t i = 0;

    for (int l = 0; l < h->r->limbs; l++)
        cki_sample_uniform(h->m + (size_t)l * count, count,
                           h->r->rns.mod[l].p, &h->s);
    for (int j = first; j < first + blind_outputs_of(t, o); j++) {
        uint64_t bias[BLIND_MOST_LIMBS];
        blind_rows row;

        server_bias(bias, h->bias[j >> shift], h);
        blind_rows_begin(&row, t, tile, true);
        while (blind_rows_next(&row)) {
            server_row(h, out, j, &row, bias, i, count);
            i += row.count;
        }
    }
}

/* c_0 as coefficients, with noise. */
ckks_status blind_server_send(conv_server *h, blind_share *out, int o,
                              int tile, int slot)
{
    blind_ring *r = h->r;
    const size_t count = blind_tile_outputs(&h->k->t, tile)
                         * (size_t)blind_outputs_of(&h->k->t, o);
    uint64_t *c0 = h->m, *c1 = h->m + (size_t)r->limbs * r->n;

    for (int l = 0; l < r->limbs; l++) {
        blind_server_get(c0 + (size_t)l * r->n, h, l, o, slot, 0);
        blind_server_get(c1 + (size_t)l * r->n, h, l, o, slot, 1);
    }
    blind_ring_refresh(c0, c1, 1, r, &h->s, h->work);
    blind_ring_pack(h->frame, c1, r->n, r->n, r);
    blind_ring_noise(h->work, 1, r, &h->s, (int8_t *)(void *)c1);
    for (int l = 0; l < r->limbs; l++) {
        uint64_t *x = c0 + (size_t)l * r->n, *e = h->work + (size_t)l * r->n;

        cki_ntt_inv(&r->rns, x, x, l);
        r->rns.kernel->add(e, e, x, r->n, &r->rns.mod[l]);
    }
    server_mask(h, out, o, tile, count);
    blind_ring_pack(h->frame + h->k->up, h->m, count, count, r);
    return blind_wire_send(h->p->wire, BLIND_DOWN, h->frame,
                           h->k->up + blind_ring_packed(r, count));
}
