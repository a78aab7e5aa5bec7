/* ntt_inv.c -- the NTT in C11, inverse, for p < 2^61.
 *
 * Read first: ntt.c.
 */
#include <string.h>

#include "kernel/portable/portable.h"

/* ---- inverse ---------------------------------------------------------------
 *
 * (a, b) -> (a + b, w (a - b + above)), above a multiple of p, at least b's
 * bound.  A pair of layers starts and ends below 2p: sums of the first reach
 * 4p, the largest of the second 8p. */

#define INV(a, b, w, s, above)                                            \
    do {                                                                  \
        uint64_t u_ = (a), v_ = (b);                                      \
        (a) = u_ + v_;                                                    \
        (b) = cki_mul_shoup_lazy(u_ + (above) - v_, (w), (s), p);         \
    } while (0)

static void inv_two_layers(uint64_t *x, size_t size, size_t t, size_t i,
                           const cki_portable_table *own, uint64_t p)
{
    const uint64_t p2 = 2 * p, p4 = 4 * p;

    for (uint64_t *end = x + size; x < end; x += 4 * t, i++) {
        uint64_t w1 = own->v[i], s1 = own->vs[i];
        uint64_t w2 = own->v[2 * i], s2 = own->vs[2 * i];
        uint64_t w3 = own->v[2 * i + 1], s3 = own->vs[2 * i + 1];

        for (size_t j = 0; j < t; j++) {
            uint64_t e = x[j], f = x[j + t];
            uint64_t g = x[j + 2 * t], h = x[j + 3 * t];

            INV(e, f, w2, s2, p2);
            INV(g, h, w3, s3, p2);
            INV(e, g, w1, s1, p4);
            INV(f, h, w1, s1, p2);
            x[j] = cki_below(cki_below(e, p4), p2);
            x[j + t] = cki_below(f, p2);
            x[j + 2 * t] = g;
            x[j + 3 * t] = h;
        }
    }
}

/* The same for t = 1, where a loop over t would cost more than its work. */
static void inv_first_layers(uint64_t *x, const uint64_t *in, size_t size,
                             size_t i, const cki_portable_table *own,
                             uint64_t p)
{
    const uint64_t p2 = 2 * p, p4 = 4 * p, *v = own->v, *vs = own->vs;

    for (uint64_t *end = x + size; x < end; x += 4, in += 4, i++) {
        uint64_t e = in[0], f = in[1], g = in[2], h = in[3];

        INV(e, f, v[2 * i], vs[2 * i], p2);
        INV(g, h, v[2 * i + 1], vs[2 * i + 1], p2);
        INV(e, g, v[i], vs[i], p4);
        INV(f, h, v[i], vs[i], p2);
        x[0] = cki_below(cki_below(e, p4), p2);
        x[1] = cki_below(f, p2);
        x[2] = g;
        x[3] = h;
    }
}

/* The last layer (log N odd) or two, factor/N included; canonical words out. */
static void inv_last_layers(uint64_t *x, uint64_t factor, const cki_ntt *t)
{
    const cki_portable_table *own = t->own;
    const uint64_t p = t->mod.p, p2 = 2 * p, p4 = 4 * p;
    const uint64_t w = cki_mul(t->n_inv, factor, &t->mod);
    const uint64_t v = cki_mul(t->n_inv_v, factor, &t->mod);
    const uint64_t s = cki_shoup(w, &t->mod), vs = cki_shoup(v, &t->mod);
    const uint64_t w2 = own->v[2], s2 = own->vs[2];
    const uint64_t w3 = own->v[3], s3 = own->vs[3];
    const size_t q = t->n / 4;

    if (t->log_n % 2 == 1) {
        for (size_t j = 0; j < 2 * q; j++) {
            uint64_t a = x[j], b = x[j + 2 * q];    /* < 2p                  */

            x[j] = cki_mul_shoup(a + b, w, s, p);
            x[j + 2 * q] = cki_mul_shoup(a + p2 - b, v, vs, p);
        }
        return;
    }
    for (size_t j = 0; j < q; j++) {
        uint64_t e = x[j], f = x[j + q], g = x[j + 2 * q], h = x[j + 3 * q];

        INV(e, f, w2, s2, p2);
        INV(g, h, w3, s3, p2);
        x[j] = cki_mul_shoup(e + g, w, s, p);
        x[j + q] = cki_mul_shoup(f + h, w, s, p);
        x[j + 2 * q] = cki_mul_shoup(e + p4 - g, v, vs, p);
        x[j + 3 * q] = cki_mul_shoup(f + p2 - h, v, vs, p);
    }
}

void cki_portable_ntt_inv(uint64_t *x, const uint64_t *in, uint64_t w,
                          const cki_ntt *t)
{
    const cki_portable_table *own = t->own;
    const uint64_t p = t->mod.p;
    const size_t n = t->n, top = t->log_n % 2 == 1 ? n / 2 : n / 4;
    size_t size = top;                  /* what the pairs of layers cover    */

    VERIFY_BELOW(in, n, p);
    while (size > CKI_BLOCK)
        size /= 4;
    if (size < 4 && x != in)
        memcpy(x, in, n * sizeof *x);
    for (size_t at = 0; at < n && size >= 4; at += size) {
        inv_first_layers(x + at, in + at, size, (n + at) / 4, own, p);
        VERIFY_BELOW(x + at, size, 2 * p);
        for (size_t s = 16; s <= size; s *= 4) {
            inv_two_layers(x + at, size, s / 4, (n + at) / s, own, p);
            VERIFY_BELOW(x + at, size, 2 * p);
        }
    }
    for (size_t s = 4 * size; size >= 4 && s <= top; s *= 4) {
        inv_two_layers(x, n, s / 4, n / s, own, p);
        VERIFY_BELOW(x, n, 2 * p);
    }
    inv_last_layers(x, w, t);
    if (t->real)
        cki_portable_unfold(x, t);
    VERIFY_BELOW(x, n, p);
}
