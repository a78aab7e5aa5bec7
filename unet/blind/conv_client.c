/* conv_client.c -- a convolution at the side that has the secret key: shares
 * are encrypted, masked sums decrypted. */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "conv.h"
#include "nn.h"

typedef struct conv_client {
    const blind_conv_plan *k;
    blind_party *p;
    blind_ring *r;
    blind_lift lift;
    cki_stream s;
    uint64_t *m, *ct, *work;
    uint8_t *frame;
    size_t poly, words, frame_size;
} conv_client;

static void client_clear(conv_client *h)
{
    cki_wipe(&h->s, sizeof h->s);
    blind_free(h->m, h->poly);
    blind_free(h->ct, h->poly);
    blind_free(h->work, h->words);
    blind_free(h->frame, h->frame_size);
}

static ckks_status client_init(conv_client *h, const blind_conv_plan *k,
                               blind_party *p)
{
    blind_ring *r = &p->he->conv;

    memset(h, 0, sizeof *h);
    h->k = k;
    h->p = p;
    h->r = r;
    blind_lift_init(&h->lift, r, k->c->shift + BLIND_SCALE);
    h->poly = (size_t)r->limbs * r->n * sizeof(uint64_t);
    h->words = blind_ring_work(r) * sizeof(uint64_t);
    h->frame_size = 2 * k->up + 8;
    h->m = blind_alloc(h->poly);
    h->ct = blind_alloc(h->poly);
    h->work = blind_alloc(h->words);
    h->frame = blind_alloc(h->frame_size);
    cki_rng_stream(&h->s, r->rns.kernel, p->rng);
    if (h->m == NULL || h->ct == NULL || h->work == NULL || h->frame == NULL)
        return nn_fail(CKKS_EMEM, "no memory for a polynomial");
    return CKKS_OK;
}

static ckks_status client_send(conv_client *h, const blind_share *x, int tile)
{
    ckks_status s = CKKS_OK;

    for (int c = 0; s == CKKS_OK && c < h->k->t.cts_in; c++) {
        blind_conv_encode(h->m, x, c, tile, h->k, h->r);
        blind_ring_encrypt(h->ct, h->m, 1, h->r, &h->s, h->work);
        blind_ring_pack(h->frame, h->ct, h->r->n, h->r->n, h->r);
        s = blind_wire_send(h->p->wire, BLIND_UP, h->frame, h->k->up);
    }
    return s;
}

/* Sums in result number o: c_0 (`count` words a limb, at m) + c_1 s, lifted. */
static void client_lift(conv_client *h, blind_share *out, int o, int tile,
                        size_t count)
{
    const blind_tiling *t = &h->k->t;
    const int first = o * t->pack_out;
    size_t i = 0;

    for (int j = first; j < first + blind_outputs_of(t, o); j++) {
        const size_t block = blind_block_out(t, j);
        blind_rows row;

        blind_rows_begin(&row, t, tile, true);
        while (blind_rows_next(&row))
            for (size_t e = 0; e < row.count; e++, i++) {
                const size_t at = block + row.at + e * row.step;
                uint64_t z[BLIND_MOST_LIMBS];

                for (int l = 0; l < h->r->limbs; l++)
                    z[l] = cki_add(h->m[(size_t)l * count + i],
                                   h->ct[(size_t)l * h->r->n + at],
                                   h->r->rns.mod[l].p);
                out[blind_conv_place(h->k, j, row.pixel + e)]
                    = blind_lift_one(z, &h->lift);
            }
    }
}

static ckks_status client_receive(conv_client *h, blind_share *out, int tile)
{
    const blind_tiling *t = &h->k->t;
    const blind_ring *r = h->r;
    const size_t valid = blind_tile_outputs(t, tile);
    ckks_status s = CKKS_OK;

    for (int o = 0; s == CKKS_OK && o < t->cts_out; o++) {
        const size_t count = valid * (size_t)blind_outputs_of(t, o);

        s = blind_wire_receive(h->p->wire, BLIND_DOWN, h->frame,
                               h->k->up + blind_ring_packed(r, count));
        if (s == CKKS_OK)
            s = blind_ring_unpack(h->ct, h->frame, r->n, r->n, r);
        if (s == CKKS_OK)
            s = blind_ring_unpack(h->m, h->frame + h->k->up, count, count, r);
        if (s != CKKS_OK)
            return s;
        for (int l = 0; l < r->limbs; l++) {
            uint64_t *c1 = h->ct + (size_t)l * r->n;

            r->rns.kernel->mul(c1, c1, r->secret + (size_t)l * r->n, r->n,
                               &r->rns.mod[l]);
            cki_ntt_inv(&r->rns, c1, c1, l);
        }
        client_lift(h, out, o, tile, count);
    }
    return s;
}

/* A group of tiles is sent while the server works on the one before. */
ckks_status blind_conv_client(blind_share *out, const blind_share *x,
                              const blind_conv_plan *k, blind_party *p)
{
    const int count = k->t.count;
    conv_client h;
    ckks_status s = client_init(&h, k, p);
    int sent = 0;

    for (int tile = 0; s == CKKS_OK && tile < count; tile++) {
        const int until = (tile / k->group + 2) * k->group;

        while (s == CKKS_OK && sent < until && sent < count)
            s = client_send(&h, x, sent++);
        if (s == CKKS_OK)
            s = client_receive(&h, out, tile);
    }
    client_clear(&h);
    return s;
}
