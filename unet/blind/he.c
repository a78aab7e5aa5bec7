/* he.c -- the keys of a session, exchanged; residues lifted. */
#include "he.h"

#include <stdlib.h>

#include "linear.h"
#include "nn.h"

/* ---- lifting ------------------------------------------------------------- */

void blind_lift_init(blind_lift *l, const blind_ring *r, int shift)
{
    const cki_mod *m = r->rns.mod;

    l->mod = m;
    l->limbs = r->limbs;
    l->shift = shift;
    l->inv01 = cki_inv(cki_reduce(m[0].p, &m[1]), &m[1]);
    l->p01 = (cki_u128)m[0].p * m[1].p;
    l->inv02 = l->inv12 = 0;
    if (l->limbs == 3) {
        l->inv02 = cki_inv(cki_reduce(m[0].p, &m[2]), &m[2]);
        l->inv12 = cki_inv(cki_reduce(m[1].p, &m[2]), &m[2]);
    }
}

blind_share blind_lift_one(const uint64_t *residue, const blind_lift *l)
{
    const cki_mod *m = l->mod;
    const uint64_t v0 = residue[0];
    uint64_t v1, v2, w0, w1, w2;
    cki_u128 low, a, b;

    v1 = cki_mul(cki_sub(residue[1], cki_below(v0, m[1].p), m[1].p), l->inv01,
                 &m[1]);
    low = (cki_u128)m[0].p * v1 + v0;           /* < p_0 p_1                 */
    if (l->limbs == 2)
        return low >> l->shift;
    v2 = cki_mul(cki_sub(residue[2], cki_below(v0, m[2].p), m[2].p), l->inv02,
                 &m[2]);
    v2 = cki_mul(cki_sub(v2, cki_below(v1, m[2].p), m[2].p), l->inv12, &m[2]);
    /* three words of low + p01 v2 */
    a = (cki_u128)(uint64_t)l->p01 * v2 + (uint64_t)low;
    b = (cki_u128)(uint64_t)(l->p01 >> 64) * v2 + (uint64_t)(low >> 64)
        + (uint64_t)(a >> 64);
    w0 = (uint64_t)a;
    w1 = (uint64_t)b;
    w2 = (uint64_t)(b >> 64);
    a = (cki_u128)w1 << 64 | w0;
    return a >> l->shift | (cki_u128)w2 << (128 - l->shift);
}

/* ---- keys ---------------------------------------------------------------- */

static ckks_status he_send(blind_party *p, blind_ring *r)
{
    const size_t size = blind_ring_key_bytes(r);
    uint8_t *bytes = malloc(size);
    ckks_status s = blind_ring_keys(r, p->rng);

    if (s == CKKS_OK && bytes == NULL)
        s = nn_fail(CKKS_EMEM, "no memory for a key of %zu bytes", size);
    if (s == CKKS_OK) {
        blind_ring_key_save(bytes, r);
        s = blind_wire_send(p->wire, BLIND_KEY, bytes, size);
    }
    free(bytes);
    return s;
}

static ckks_status he_receive(blind_party *p, blind_ring *r)
{
    const size_t size = blind_ring_key_bytes(r);
    uint8_t *bytes = malloc(size);
    ckks_status s;

    if (bytes == NULL)
        return nn_fail(CKKS_EMEM, "no memory for a key of %zu bytes", size);
    s = blind_wire_receive(p->wire, BLIND_KEY, bytes, size);
    if (s == CKKS_OK)
        s = blind_ring_key_load(r, bytes);
    free(bytes);
    return s;
}

static ckks_status he_rings(blind_he *h, int bits, bool squares)
{
    ckks_status s = blind_ring_init(&h->conv, blind_conv_log_n(bits),
                                    blind_conv_limbs(bits), BLIND_CONV_BITS,
                                    0);

    if (s == CKKS_OK && squares)
        s = blind_ring_init(&h->square, BLIND_SQUARE_LOG_N, BLIND_SQUARE_LIMBS,
                            BLIND_SQUARE_BITS, BLIND_PLAIN_BITS);
    return s;
}

ckks_status blind_he_open(blind_party *p, int bits, bool squares)
{
    ckks_status s;

    p->he = calloc(1, sizeof *p->he);
    if (p->he == NULL)
        return nn_fail(CKKS_EMEM, "no memory for keys");
    s = he_rings(p->he, bits, squares);
    for (int i = 0; s == CKKS_OK && i < 1 + squares; i++) {
        blind_ring *r = i == 0 ? &p->he->conv : &p->he->square;

        s = p->server ? he_receive(p, r) : he_send(p, r);
    }
    if (s != CKKS_OK)
        blind_he_close(p);
    return s;
}

void *blind_he_room(blind_he *h, size_t size)
{
    if (size <= h->room_size)
        return h->room;
    blind_free(h->room, h->room_size);
    h->room = blind_alloc(size);
    h->room_size = h->room != NULL ? size : 0;
    return h->room;
}

blind_bytes blind_he_bytes(int bits, bool squares)
{
    enum { HEADER = 24, SEED = 32 };
    const double n = (double)((size_t)1 << blind_conv_log_n(bits));
    blind_bytes b = { .up = HEADER + SEED + blind_conv_limbs(bits) * n
                                            * BLIND_CONV_BITS / 8 };

    if (squares)
        b.up += HEADER + SEED
                + BLIND_SQUARE_LIMBS * (double)(1 << BLIND_SQUARE_LOG_N)
                  * BLIND_SQUARE_BITS / 8;
    return b;
}

void blind_he_close(blind_party *p)
{
    if (p->he == NULL)
        return;
    blind_ring_clear(&p->he->conv);
    blind_ring_clear(&p->he->square);
    blind_free(p->he->room, p->he->room_size);
    free(p->he);
    p->he = NULL;
}
