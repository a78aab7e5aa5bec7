/* ntt.c -- the NTT in C11, forward, for p < 2^61; and the end of a division.
 *
 * Read first: word.h (Lemma S), docs/02-ntt.md.  The radix-4 form of Harvey's
 * lazy butterflies: two layers a sweep, words below 8p between sweeps, which
 * needs 8p <= 2^64, one reduction at the end.
 */
#include <string.h>

#include "kernel/portable/portable.h"

/* ---- tables -------------------------------------------------------------- */

enum { TABLE_HEAD = 64 * ((sizeof(cki_portable_table) + 63) / 64) };

size_t cki_portable_ntt_bytes(size_t n)
{
    return TABLE_HEAD + 4 * n * sizeof(uint64_t);
}

void cki_portable_ntt_prepare(cki_ntt *t, const uint64_t *root,
                              const uint64_t *inverse)
{
    size_t n = t->n;
    cki_portable_table *own = t->own;
    uint64_t *w = (uint64_t *)(void *)((char *)t->own + TABLE_HEAD);

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

/* ---- forward ---------------------------------------------------------------
 *
 * A sweep is a pair of layers on blocks of 4t words.  In a block, whose twiddle
 * is number i, the words at j, j + t, j + 2t, j + 3t meet:
 *
 *       e            f            g            h
 *       +------------|------------+            |      root[i]
 *       |            +------------|------------+      root[i]
 *       +------------+            |            |      root[2i]
 *       |            |            +------------+      root[2i + 1]
 *
 * Every sweep has blocks a quarter as long, four times as many.  N = 2^14:
 *
 *   t = 4096  |                             i = 1                             |
 *   t = 1024  |     i = 4     |     i = 5     |     i = 6     |     i = 7     |
 *   t = 256   |16 |17 |18 |19 |20 |21 |22 |23 |24 |25 |26 |27 |28 |29 |30 |31 |
 *   ...         64, 16, 4, and 1 in fwd_last_layers
 *
 * While blocks are longer than CKI_BLOCK a sweep runs over everything.  Then
 * one block goes through all that are left before the next one begins: from t =
 * 1024 on, down one column of the picture after the other.  With an odd log N a
 * layer by itself comes before, in the real ring its own layer before that
 * (fold.c).
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
                            bool low, const cki_portable_table *own, uint64_t p)
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
                           bool low, const cki_portable_table *own, uint64_t p)
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
                            const cki_portable_table *own, uint64_t p)
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

/* Words of the blocks on which all layers but those of ntt_head work. */
static size_t inner_size(const cki_ntt *t)
{
    size_t size = t->log_n % 2 == 1 ? t->n / 2 : t->n;

    while (size > CKI_BLOCK)
        size /= 4;
    return size;
}

void cki_portable_ntt_head(uint64_t *x, const cki_ntt *t, bool lazy)
{
    const cki_portable_table *own = t->own;
    const uint64_t p = t->mod.p, p2 = 2 * p;
    const size_t n = t->n;
    size_t size = n;

    (void)lazy;
    VERIFY_BELOW(x, n, p);
    if (t->real)
        cki_portable_fold(x, t);
    if (t->log_n % 2 == 1) {            /* an odd layer goes first: < 3p     */
        const uint64_t w = own->w[1], ws = own->ws[1];

        for (size_t j = 0; j < n / 2; j++)
            FWD(x[j], x[j + n / 2], w, ws);
        size /= 2;
    }
    for (bool low = true; size > CKI_BLOCK; size /= 4, low = false) {
        fwd_two_layers(x, n, size / 4, n / size, low, own, p);
        VERIFY_BELOW(x, n, 8 * p);
    }
}

void cki_portable_ntt_tail(uint64_t *x, size_t at, const cki_ntt *t, bool lazy,
                           const cki_soon *soon)
{
    const cki_portable_table *own = t->own;
    const uint64_t p = t->mod.p;
    const size_t n = t->n, size = inner_size(t), stop = at + cki_block(n);
    const bool low = size >= n / 2;     /* no pair yet: words are below 3p   */

    (void)lazy;
    (void)soon;
    for (; at < stop; at += size) {
        for (size_t s = size; s > 4; s /= 4) {
            fwd_two_layers(x + at, size, s / 4, (n + at) / s,
                           low && s == size, own, p);
            VERIFY_BELOW(x + at, size, 8 * p);
        }
        fwd_last_layers(x + at, size, (n + at) / 4, own, p);
        VERIFY_BELOW(x + at, size, p);
    }
}

void cki_portable_ntt_fwd(uint64_t *x, const cki_ntt *t)
{
    cki_portable_ntt_head(x, t, false);
    for (size_t at = 0; at < t->n; at += cki_block(t->n))
        cki_portable_ntt_tail(x, at, t, false, NULL);
}

/* ---- the end of a division ---------------------------------------------- */

/* The sum of the summands at word i. */
static inline uint64_t summands_at(const cki_ending *q, size_t i, uint64_t p)
{
    uint64_t sum = 0;

    for (size_t j = 0; j < q->summands; j++) {
        const cki_summand *s = &q->s[j];

        sum = cki_add(sum, s->x[s->perm == NULL ? i : s->perm[i]], p);
    }
    return sum;
}

void cki_portable_ntt_finish(uint64_t *out, uint64_t *z, const cki_ending *q,
                             const cki_ntt *t)
{
    const uint64_t p = t->mod.p, w = q->w, u = q->u;
    const uint64_t ws = cki_shoup(w, &t->mod), us = cki_shoup(u, &t->mod);

    for (size_t at = 0; at < t->n; at += cki_block(t->n))
        cki_portable_ntt_tail(z, at, t, false, NULL);
    for (size_t i = 0; i < t->n; i++) {
        uint64_t sum = summands_at(q, i, p);

        if (u != 1)
            sum = cki_mul_shoup(sum, u, us, p);
        out[i] = cki_add(cki_mul_shoup(q->in[i] + p - z[i], w, ws, p), sum, p);
    }
}
