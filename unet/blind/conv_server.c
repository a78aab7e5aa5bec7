/* conv_server.c -- a convolution at the side that has the weights: ciphertexts
 * of the client's shares, with its own added, times weights. */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "conv_server.h"
#include "nn.h"

/* ---- memory -------------------------------------------------------------- */

static void server_clear(conv_server *h)
{
    cki_wipe(&h->s, sizeof h->s);
    blind_free(h->w, h->w_size);
    blind_free(h->m, h->m_size);
    blind_free(h->work, h->words);
    blind_values_clear(&h->values);
    blind_free(h->coef, h->coef_size);
    blind_free(h->rows, h->rows_size);
    blind_free(h->frame, h->frame_size);
    blind_free(h->combine, h->combine_size);
    free(h->matrix);
    free(h->index);
}

static ckks_status server_memory(conv_server *h)
{
    const size_t word = sizeof(uint64_t);
    const size_t x = blind_server_words(h, h->k->t.cts_in);
    const size_t y = blind_server_words(h, h->k->t.cts_out);

    h->m_size = 2 * (size_t)h->r->limbs * h->r->n * word;
    h->words = blind_ring_work(h->r) * word;
    h->frame_size = 2 * h->k->up + 8;
    h->x = blind_he_room(h->p->he, (x + y) * word);
    h->m = blind_alloc(h->m_size);
    h->work = blind_alloc(h->words);
    h->frame = blind_alloc(h->frame_size);
    if (h->x != NULL && h->m != NULL && h->work != NULL
        && h->frame != NULL) {
        h->y = h->x + x;
        return blind_server_prepare(h);
    }
    return nn_fail(CKKS_EMEM, "no memory for %zu bytes of ciphertexts",
                   (x + y) * word);
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
            k->add(c0 + at, h->m + at, c0 + at, r->n, &r->rns.mod[l]);
            blind_server_put(h, c0 + at, l, c, slot, 0);
            blind_server_put(h, h->work + at, l, c, slot, 1);
        }
    }
    return s;
}

/* ---- group by group ------------------------------------------------------ */

static ckks_status server_group(conv_server *h, blind_share *out,
                                const blind_share *x, int first, int tiles)
{
    ckks_status s = CKKS_OK;

    for (int i = 0; s == CKKS_OK && i < tiles; i++)
        s = server_receive(h, x, first + i, i);
    if (s == CKKS_OK)
        s = blind_server_sums(h, tiles);
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

    blind_lift_init(&h.lift, h.r, k->c->shift + BLIND_SCALE);
    cki_rng_stream(&h.s, h.r->rns.kernel, p->rng);
    s = server_memory(&h);
    for (int first = 0; s == CKKS_OK && first < k->t.count;
         first += k->group) {
        int tiles = k->t.count - first < k->group ? k->t.count - first
                    : k->group;

        s = server_group(&h, out, x, first, tiles);
    }
    server_clear(&h);
    return s;
}
