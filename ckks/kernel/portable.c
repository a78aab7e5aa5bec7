/* portable.c -- layer 2: the kernel in C11, for every machine and p < 2^61.
 *
 * Read first: word.h (Lemmas B and S), docs/02-ntt.md.  The NTT is the radix-4
 * form of Harvey's lazy butterflies: two layers a sweep, words below 4p
 * between sweeps, which needs 4p < 2^64, one reduction at the end.
 */
#include <string.h>

#include "kernel.h"
#include "portable.h"

/* The layout of cki_ntt.own: four arrays of N words. */
typedef struct table {
    const uint64_t *w, *ws;         /* psi^br(i) and its Shoup companion     */
    const uint64_t *v, *vs;         /* psi^-br(i)                            */
    uint64_t n_inv, n_inv_s;        /* 1/N                                   */
    uint64_t n_inv_v, n_inv_v_s;    /* psi^-br(1) / N: the last layer's      */
} table;

static bool always(void)
{
    return true;
}

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
    own->n_inv = cki_inv(n % t->mod.p, &t->mod);
    own->n_inv_s = cki_shoup(own->n_inv, &t->mod);
    own->n_inv_v = cki_mul(own->n_inv, inverse[1], &t->mod);
    own->n_inv_v_s = cki_shoup(own->n_inv_v, &t->mod);
}

/* (a, b) -> (a + w b, a - w b): a < 4p, b any word; both out < 4p. */
#define FWD(a, b, w, s)                                                   \
    do {                                                                  \
        uint64_t u_ = (a), t_ = cki_mul_shoup_lazy((b), (w), (s), p);     \
        u_ = u_ < u_ - p2 ? u_ : u_ - p2;           /* [0, 2p)            */ \
        (a) = u_ + t_;                              /* [0, 4p)            */ \
        (b) = u_ + p2 - t_;                         /* (0, 4p)            */ \
    } while (0)

/* (a, b) -> (a + b, w (a - b)): a, b < 2p; both out < 2p. */
#define INV(a, b, w, s)                                                   \
    do {                                                                  \
        uint64_t u_ = (a) + (b), d_ = (a) + p2 - (b);   /* < 4p           */ \
        (a) = u_ < u_ - p2 ? u_ : u_ - p2;              /* [0, 2p)        */ \
        (b) = cki_mul_shoup_lazy(d_, (w), (s), p);      /* [0, 2p)        */ \
    } while (0)

/* Layers m and 2m at once: m blocks of 4t words; every word < 4p before and
 * after. */
static void fwd_two_layers(uint64_t *x, size_t m, size_t t, const table *own,
                           uint64_t p)
{
    const uint64_t p2 = 2 * p;

    for (size_t i = 0; i < m; i++) {
        uint64_t *a = x + 4 * t * i, *b = a + t, *c = b + t, *d = c + t;
        uint64_t w1 = own->w[m + i], s1 = own->ws[m + i];
        uint64_t w2 = own->w[2 * (m + i)], s2 = own->ws[2 * (m + i)];
        uint64_t w3 = own->w[2 * (m + i) + 1], s3 = own->ws[2 * (m + i) + 1];

        for (size_t j = 0; j < t; j++) {
            uint64_t e = a[j], f = b[j], g = c[j], h = d[j];

            FWD(e, g, w1, s1);
            FWD(f, h, w1, s1);
            FWD(e, f, w2, s2);
            FWD(g, h, w3, s3);
            a[j] = e;
            b[j] = f;
            c[j] = g;
            d[j] = h;
        }
    }
}

static inline uint64_t canonical(uint64_t u, uint64_t p)
{
    u = u < u - 2 * p ? u : u - 2 * p;              /* [0, 2p)               */
    return u < u - p ? u : u - p;                   /* [0, p)                */
}

/* The last two layers, on quadruples; canonical words out. */
static void fwd_last_layers(uint64_t *x, size_t n, const table *own,
                            uint64_t p)
{
    const uint64_t p2 = 2 * p, *w = own->w, *ws = own->ws;

    for (size_t k = n / 4; k < n / 2; k++, x += 4) {
        uint64_t e = x[0], f = x[1], g = x[2], h = x[3];

        FWD(e, g, w[k], ws[k]);
        FWD(f, h, w[k], ws[k]);
        FWD(e, f, w[2 * k], ws[2 * k]);
        FWD(g, h, w[2 * k + 1], ws[2 * k + 1]);
        x[0] = canonical(e, p);
        x[1] = canonical(f, p);
        x[2] = canonical(g, p);
        x[3] = canonical(h, p);
    }
}

/* Layers of half-length t, then 2t: m blocks of 4t words, every word < 2p. */
static void inv_two_layers(uint64_t *x, size_t m, size_t t, const table *own,
                           uint64_t p)
{
    const uint64_t p2 = 2 * p;

    for (size_t i = 0; i < m; i++) {
        uint64_t *a = x + 4 * t * i, *b = a + t, *c = b + t, *d = c + t;
        uint64_t w1 = own->v[m + i], s1 = own->vs[m + i];
        uint64_t w2 = own->v[2 * (m + i)], s2 = own->vs[2 * (m + i)];
        uint64_t w3 = own->v[2 * (m + i) + 1], s3 = own->vs[2 * (m + i) + 1];

        for (size_t j = 0; j < t; j++) {
            uint64_t e = a[j], f = b[j], g = c[j], h = d[j];

            INV(e, f, w2, s2);
            INV(g, h, w3, s3);
            INV(e, g, w1, s1);
            INV(f, h, w1, s1);
            a[j] = e;
            b[j] = f;
            c[j] = g;
            d[j] = h;
        }
    }
}

void cki_portable_ntt_fwd(uint64_t *x, const cki_ntt *t)
{
    const table *own = t->own;
    const uint64_t p = t->mod.p, p2 = 2 * p;
    size_t m = 1, half = t->n / 2;

    VERIFY_BELOW(x, t->n, p);
    if (t->log_n % 2 == 1) {            /* an odd layer goes first           */
        for (size_t j = 0; j < half; j++)
            FWD(x[j], x[j + half], own->w[1], own->ws[1]);
        m = 2;
        half /= 2;
    }
    for (; half > 2; m *= 4, half /= 4) {
        fwd_two_layers(x, m, half / 2, own, p);
        VERIFY_BELOW(x, t->n, 4 * p);
    }
    fwd_last_layers(x, t->n, own, p);
    VERIFY_BELOW(x, t->n, p);
}

void cki_portable_ntt_inv(uint64_t *x, const cki_ntt *t)
{
    const table *own = t->own;
    const uint64_t p = t->mod.p, p2 = 2 * p;
    size_t m = t->n / 4, len = 1;

    VERIFY_BELOW(x, t->n, p);
    for (; m > 1; m /= 4, len *= 4) {
        inv_two_layers(x, m, len, own, p);
        VERIFY_BELOW(x, t->n, 2 * p);
    }
    if (m == 1) {                       /* log N even: two layers are left   */
        for (size_t j = 0; j < len; j++) {
            INV(x[j], x[j + len], own->v[2], own->vs[2]);
            INV(x[j + 2 * len], x[j + 3 * len], own->v[3], own->vs[3]);
        }
    }
    /* The last layer takes 1/N along. */
    for (size_t j = 0; j < t->n / 2; j++) {
        uint64_t a = x[j], b = x[j + t->n / 2];     /* [0, 2p)               */

        x[j] = cki_mul_shoup(a + b, own->n_inv, own->n_inv_s, p);
        x[j + t->n / 2] = cki_mul_shoup(a + p2 - b, own->n_inv_v,
                                        own->n_inv_v_s, p);
    }
}

/* ---- pointwise ---------------------------------------------------------- */

static void add(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n,
                const cki_mod *m)
{
    const uint64_t p = m->p;

    for (size_t i = 0; i < n; i++)
        out[i] = cki_add(a[i], b[i], p);
}

static void sub(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n,
                const cki_mod *m)
{
    const uint64_t p = m->p;

    for (size_t i = 0; i < n; i++)
        out[i] = cki_sub(a[i], b[i], p);
}

static void mul(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n,
                const cki_mod *mod)
{
    const cki_mod m = *mod;

    for (size_t i = 0; i < n; i++)
        out[i] = cki_mul(a[i], b[i], &m);
}

static void mul_add(uint64_t *out, const uint64_t *a, const uint64_t *b,
                    const uint64_t *c, size_t n, const cki_mod *mod)
{
    const cki_mod m = *mod;

    for (size_t i = 0; i < n; i++)
        out[i] = cki_add(cki_mul(a[i], b[i], &m), c[i], m.p);
}

static void scale_add(uint64_t *out, const uint64_t *a, uint64_t w,
                      const uint64_t *c, size_t n, const cki_mod *m)
{
    const uint64_t p = m->p, s = cki_shoup(w, m);

    if (c == NULL) {
        for (size_t i = 0; i < n; i++)
            out[i] = cki_mul_shoup(a[i], w, s, p);
        return;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = cki_add(cki_mul_shoup(a[i], w, s, p), c[i], p);
}

static void sub_scale(uint64_t *out, const uint64_t *a, const uint64_t *b,
                      uint64_t w, size_t n, const cki_mod *m)
{
    const uint64_t p = m->p, s = cki_shoup(w, m);

    for (size_t i = 0; i < n; i++)
        out[i] = cki_mul_shoup(a[i] + p - b[i], w, s, p);
}

/* ---- sums of products ------------------------------------------------------
 *
 * A sum of up to 64 products below 2^122 stays below 2^128: it is kept in two
 * words and reduced once. */

typedef struct wide {
    uint64_t hi, lo;
} wide;

static inline void wide_mul_add(wide *s, uint64_t a, uint64_t b)
{
    uint64_t hi, lo;

    cki_mul_wide(&hi, &lo, a, b);
    s->lo += lo;
    s->hi += hi + (s->lo < lo);
}

static void dot2(uint64_t *out0, uint64_t *out1, const uint64_t *const *x,
                 const uint64_t *const *y0, const uint64_t *const *y1, int k,
                 bool add_to, size_t n, const cki_mod *mod)
{
    const cki_mod m = *mod;

    for (size_t i = 0; i < n; i++) {
        wide s0 = { 0, 0 }, s1 = { 0, 0 };
        uint64_t r0, r1;

        for (int j = 0; j < k; j++) {
            wide_mul_add(&s0, x[j][i], y0[j][i]);
            wide_mul_add(&s1, x[j][i], y1[j][i]);
        }
        r0 = cki_reduce_any(s0.hi, s0.lo, &m);
        r1 = cki_reduce_any(s1.hi, s1.lo, &m);
        out0[i] = add_to ? cki_add(out0[i], r0, m.p) : r0;
        out1[i] = add_to ? cki_add(out1[i], r1, m.p) : r1;
    }
}

enum { TILE = 64 };     /* columns of a base conversion done together        */

static void convert_scale(uint64_t *const *y, uint64_t *v,
                          const uint64_t *const *in, const cki_conv *c,
                          bool centred, size_t n)
{
    const uint64_t half = (c->mod[c->src[0]].p - 1) / 2;
    uint64_t s[CKKS_MAX_PRIMES];

    for (int i = 0; i < c->len; i++)
        s[i] = cki_shoup(c->inv[i], &c->mod[c->src[i]]);
    for (size_t k = 0; k < n; k++) {
        double f = 0;

        for (int i = 0; i < c->len; i++) {
            y[i][k] = cki_mul_shoup(in[i][k], c->inv[i], s[i],
                                    c->mod[c->src[i]].p);
            f += (double)y[i][k] * c->frac[i];
        }
        v[k] = (uint64_t)(centred ? f + 0.5 : f);   /* floor: f >= 0         */
        if (c->len == 1)
            v[k] = centred && y[0][k] > half;
    }
}

static void convert_out(uint64_t *const *out, const int *target,
                        int num_targets, const uint64_t *const *y,
                        const uint64_t *v, const cki_conv *c, size_t n)
{
    for (size_t at = 0; at < n; at += TILE)
        for (int t = 0; t < num_targets; t++) {
            const cki_mod m = c->mod[target[t]];
            const uint64_t *hat = c->hat + (size_t)target[t] * (size_t)c->len;
            uint64_t minus_d = cki_neg(c->prod[target[t]], m.p);

            for (size_t k = at; k < n && k < at + TILE; k++) {
                wide s = { 0, 0 };

                for (int i = 0; i < c->len; i++)
                    wide_mul_add(&s, y[i][k], hat[i]);
                wide_mul_add(&s, v[k], minus_d);
                out[t][k] = cki_reduce_any(s.hi, s.lo, &m);
            }
        }
}

/* ---- automorphisms ------------------------------------------------------ */

static void permute(uint64_t *out, const uint64_t *in, const uint32_t *perm,
                    size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = in[perm[i]];
}

static void add_permuted(uint64_t *out, const uint64_t *in,
                         const uint32_t *perm, size_t n, const cki_mod *m)
{
    const uint64_t p = m->p;

    for (size_t i = 0; i < n; i++)
        out[i] = cki_add(out[i], in[perm[i]], p);
}

/* ---- the integer combination -----------------------------------------------
 *
 * A word x < 2^61 is cut into x = h 2^32 + l.  With row sums of |weight| below
 * 2^28 both sums stay below 2^60 in absolute value: exact in a signed word. */

static size_t combine_work(size_t n_in, const ckks_block *block,
                           size_t n_blocks)
{
    (void)n_in;
    (void)block;
    (void)n_blocks;
    return 64;
}

static void combine_row(uint64_t *out, const uint64_t *const *in,
                        const int32_t *index, const int32_t *weight,
                        size_t terms, size_t n, const cki_mod *m)
{
    const uint64_t two32 = ((uint64_t)1 << 32) % m->p;
    int64_t lo[TILE], hi[TILE];

    for (size_t at = 0; at < n; at += TILE) {
        size_t count = n - at < TILE ? n - at : TILE;

        memset(lo, 0, sizeof lo);
        memset(hi, 0, sizeof hi);
        for (size_t k = 0; k < terms; k++) {
            const uint64_t *x = in[index[k]] + at;
            int64_t w = weight[k];

            for (size_t i = 0; i < count; i++) {
                lo[i] += w * (int64_t)(x[i] & 0xffffffffu);
                hi[i] += w * (int64_t)(x[i] >> 32);
            }
        }
        for (size_t i = 0; i < count; i++)
            out[at + i] = cki_add(cki_from_signed(lo[i], m),
                                  cki_mul(cki_from_signed(hi[i], m), two32, m),
                                  m->p);
    }
}

static void combine(uint64_t *const *out, const uint64_t *const *in,
                    size_t n_in, const ckks_block *block, size_t n_blocks,
                    size_t n, const cki_mod *m, void *work)
{
    (void)work;
    (void)n_in;
    for (size_t b = 0; b < n_blocks; b++)
        for (size_t r = 0; r < block[b].rows; r++)
            combine_row(out[block[b].first + r], in, block[b].index,
                        block[b].weight + r * block[b].terms, block[b].terms,
                        n, m);
}

const cki_kernel cki_kernel_portable = {
    .name = "portable",
    .max_bits = CKKS_MAX_BITS,
    .usable = always,
    .ntt_bytes = cki_portable_ntt_bytes,
    .ntt_prepare = cki_portable_ntt_prepare,
    .ntt_fwd = cki_portable_ntt_fwd,
    .ntt_inv = cki_portable_ntt_inv,
    .add = add,
    .sub = sub,
    .mul = mul,
    .mul_add = mul_add,
    .scale_add = scale_add,
    .sub_scale = sub_scale,
    .dot2 = dot2,
    .permute = permute,
    .add_permuted = add_permuted,
    .convert_scale = convert_scale,
    .convert_out = convert_out,
    .combine = combine,
    .combine_work = combine_work
};
