/* portable_ntt.c -- layer 2: the NTT in C11, for p < 2^61.
 *
 * Read first: word.h (Lemma S), docs/02-ntt.md.  The radix-4 form of Harvey's
 * lazy butterflies: two layers a sweep, words below 8p between sweeps, which
 * needs 8p <= 2^64, one reduction at the end.
 */
#include <string.h>

#include "kernel.h"
#include "portable.h"

/* The layout of cki_ntt.own: four arrays of N words. */
typedef struct table {
    const uint64_t *w, *ws;         /* psi^br(i) and its Shoup companion     */
    const uint64_t *v, *vs;         /* psi^-br(i)                            */
} table;

size_t cki_portable_ntt_bytes(size_t n)
{
    return 64 * ((sizeof(table) + 63) / 64) + 4 * n * sizeof(uint64_t);
}

void cki_portable_ntt_prepare(cki_ntt *t, const uint64_t *root,
                              const uint64_t *inverse)
{
    size_t n = t->n;
    table *own = t->own;
    uint64_t *w = (uint64_t *)(void *)((char *)t->own
                                       + 64 * ((sizeof(table) + 63) / 64));

    memcpy(w, root, n * sizeof *w);
    memcpy(w + 2 * n, inverse, n * sizeof *w);
    for (size_t i = 0; i < n; i++) {
        w[n + i] = cki_shoup(root[i], &t->mod);
        w[3 * n + i] = cki_shoup(inverse[i], &t->mod);
    }
    own->w = w;
    own->ws = w + n;
    own->v = w + 2 * n;
    own->vs = w + 3 * n;
}

/* Layers go in pairs; p < 2^61 leaves room for words below 8p.  Large rings are
 * cut into blocks that stay in the first-level cache. */

enum { BLOCK = 4096 };

/* ---- forward ---------------------------------------------------------------
 *
 * (a, b) -> (a + w b, a - w b + 2p), b any word: from B p to (B + 2) p.  A pair
 * of layers starts by bringing the a of its first layer below 4p: 4, 6, 8. */

#define FWD(a, b, w, s)                                                   \
    do {                                                                  \
        uint64_t u_ = (a), t_ = cki_mul_shoup_lazy((b), (w), (s), p);     \
        (a) = u_ + t_;                                                    \
        (b) = u_ + p2 - t_;                                               \
    } while (0)

/* The pair of layers of blocks of 4t words, on `size` words, the first block
 * having twiddle number i; every word < 8p after, and before, or < 4p (low). */
static inline void fwd_pair(uint64_t *x, size_t size, size_t t, size_t i,
                            bool low, const table *own, uint64_t p)
{
    const uint64_t p2 = 2 * p, p4 = low ? 0 : 4 * p;

    for (uint64_t *end = x + size; x < end; x += 4 * t, i++) {
        uint64_t w1 = own->w[i], s1 = own->ws[i];
        uint64_t w2 = own->w[2 * i], s2 = own->ws[2 * i];
        uint64_t w3 = own->w[2 * i + 1], s3 = own->ws[2 * i + 1];

        for (size_t j = 0; j < t; j++) {
            uint64_t e = low ? x[j] : cki_below(x[j], p4);
            uint64_t f = low ? x[j + t] : cki_below(x[j + t], p4);
            uint64_t g = x[j + 2 * t], h = x[j + 3 * t];

            FWD(e, g, w1, s1);
            FWD(f, h, w1, s1);
            FWD(e, f, w2, s2);
            FWD(g, h, w3, s3);
            x[j] = e;
            x[j + t] = f;
            x[j + 2 * t] = g;
            x[j + 3 * t] = h;
        }
    }
}

static void fwd_two_layers(uint64_t *x, size_t size, size_t t, size_t i,
                           bool low, const table *own, uint64_t p)
{
    if (low)
        fwd_pair(x, size, t, i, true, own, p);
    else
        fwd_pair(x, size, t, i, false, own, p);
}

/* < 8p -> [0, p) */
static inline uint64_t canonical(uint64_t u, uint64_t p)
{
    return cki_below(cki_below(cki_below(u, 4 * p), 2 * p), p);
}

/* The last two layers on quadruples; canonical words out. */
static void fwd_last_layers(uint64_t *x, size_t size, size_t i,
                            const table *own, uint64_t p)
{
    const uint64_t p2 = 2 * p, p4 = 4 * p, *w = own->w, *ws = own->ws;

    for (uint64_t *end = x + size; x < end; x += 4, i++) {
        uint64_t e = cki_below(x[0], p4), f = cki_below(x[1], p4);
        uint64_t g = x[2], h = x[3];

        FWD(e, g, w[i], ws[i]);
        FWD(f, h, w[i], ws[i]);
        FWD(e, f, w[2 * i], ws[2 * i]);
        FWD(g, h, w[2 * i + 1], ws[2 * i + 1]);
        x[0] = canonical(e, p);
        x[1] = canonical(f, p);
        x[2] = canonical(g, p);
        x[3] = canonical(h, p);
    }
}

/* ---- the layer of the real ring (cki_ntt_init); canonical words ---------- */

/* (a, b) -> (a + w b, a - w b) */
static inline void butterfly(uint64_t *a, uint64_t *b, uint64_t w, uint64_t s,
                             uint64_t p)
{
    const uint64_t u = *a, r = cki_mul_shoup(*b, w, s, p);

    *a = cki_add(u, r, p);
    *b = cki_sub(u, r, p);
}

static void fold(uint64_t *x, const cki_ntt *t)
{
    const uint64_t p = t->mod.p, w = t->fold, s = cki_shoup(w, &t->mod);
    const size_t n = t->n;
    const uint64_t a = x[n / 4], b = x[3 * n / 4];

    for (size_t k = 1; k < n / 4; k++) {
        butterfly(&x[k], &x[n - k], w, s, p);
        butterfly(&x[n / 2 + k], &x[n / 2 - k], w, s, p);
    }
    x[n / 4] = cki_sub(b, cki_mul_shoup(a, w, s, p), p);
    x[3 * n / 4] = cki_sub(a, cki_mul_shoup(b, w, s, p), p);
    x[n / 2] = cki_add(x[n / 2], cki_mul_shoup(x[n / 2], w, s, p), p);
}

/* (a, b) -> (a + b, w (a - b)) */
static inline void butterfly_back(uint64_t *a, uint64_t *b, uint64_t w,
                                  uint64_t s, uint64_t p)
{
    const uint64_t u = *a, v = *b;

    *a = cki_add(u, v, p);
    *b = cki_mul_shoup(cki_sub(u, v, p), w, s, p);
}

/* Twice the inverse. */
static void unfold(uint64_t *x, const cki_ntt *t)
{
    const uint64_t p = t->mod.p, w = t->unfold, s = cki_shoup(w, &t->mod);
    const size_t n = t->n;
    const uint64_t a = x[n / 4], b = x[3 * n / 4];

    for (size_t k = 1; k < n / 4; k++) {
        butterfly_back(&x[k], &x[n - k], w, s, p);
        butterfly_back(&x[n / 2 + k], &x[n / 2 - k], w, s, p);
    }
    /* a = b_old + I a_old, b = a_old + I b_old */
    x[n / 4] = cki_sub(b, cki_mul_shoup(a, w, s, p), p);
    x[3 * n / 4] = cki_sub(a, cki_mul_shoup(b, w, s, p), p);
    x[0] = cki_add(x[0], x[0], p);
    x[n / 2] = cki_add(x[n / 2], cki_mul_shoup(x[n / 2], w, s, p), p);
}

void cki_portable_ntt_fwd(uint64_t *x, const cki_ntt *t)
{
    const table *own = t->own;
    const uint64_t p = t->mod.p, p2 = 2 * p;
    const size_t n = t->n;
    size_t size = n;
    bool low = true;                    /* words are below 3p                */

    VERIFY_BELOW(x, n, p);
    if (t->real)
        fold(x, t);
    if (t->log_n % 2 == 1) {            /* an odd layer goes first: < 3p     */
        const uint64_t w = own->w[1], ws = own->ws[1];

        for (size_t j = 0; j < n / 2; j++)
            FWD(x[j], x[j + n / 2], w, ws);
        size /= 2;
    }
    for (; size > BLOCK; size /= 4, low = false)
        fwd_two_layers(x, n, size / 4, n / size, low, own, p);
    for (size_t at = 0; at < n; at += size) {
        for (size_t s = size; s > 4; s /= 4) {
            fwd_two_layers(x + at, size, s / 4, (n + at) / s,
                           low && s == size, own, p);
            VERIFY_BELOW(x + at, size, 8 * p);
        }
        fwd_last_layers(x + at, size, (n + at) / 4, own, p);
    }
    VERIFY_BELOW(x, n, p);
}

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
                           const table *own, uint64_t p)
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
                             size_t i, const table *own, uint64_t p)
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
    const table *own = t->own;
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
    const table *own = t->own;
    const uint64_t p = t->mod.p;
    const size_t n = t->n, top = t->log_n % 2 == 1 ? n / 2 : n / 4;
    size_t size = top;                  /* what the pairs of layers cover    */

    VERIFY_BELOW(in, n, p);
    while (size > BLOCK)
        size /= 4;
    if (size < 4 && x != in)
        memcpy(x, in, n * sizeof *x);
    for (size_t at = 0; at < n && size >= 4; at += size) {
        inv_first_layers(x + at, in + at, size, (n + at) / 4, own, p);
        for (size_t s = 16; s <= size; s *= 4)
            inv_two_layers(x + at, size, s / 4, (n + at) / s, own, p);
        VERIFY_BELOW(x + at, size, 2 * p);
    }
    for (size_t s = 4 * size; size >= 4 && s <= top; s *= 4)
        inv_two_layers(x, n, s / 4, n / s, own, p);
    inv_last_layers(x, w, t);
    if (t->real)
        unfold(x, t);
    VERIFY_BELOW(x, n, p);
}

/* ---- the end of a division ---------------------------------------------- */

/* The sum of the summands at word i. */
static inline uint64_t summands_at(const cki_quotient *q, size_t i, uint64_t p)
{
    uint64_t sum = 0;

    for (size_t j = 0; j < q->summands; j++) {
        const cki_summand *s = &q->s[j];

        sum = cki_add(sum, s->x[s->perm == NULL ? i : s->perm[i]], p);
    }
    return sum;
}

void cki_portable_divide(uint64_t *out, uint64_t *z, const cki_quotient *q,
                         const cki_ntt *t)
{
    const uint64_t p = t->mod.p, w = q->w, u = q->u;
    const uint64_t ws = cki_shoup(w, &t->mod), us = cki_shoup(u, &t->mod);

    cki_portable_ntt_fwd(z, t);
    for (size_t i = 0; i < t->n; i++) {
        uint64_t sum = summands_at(q, i, p);

        if (u != 1)
            sum = cki_mul_shoup(sum, u, us, p);
        out[i] = cki_add(cki_mul_shoup(q->in[i] + p - z[i], w, ws, p), sum, p);
    }
}
