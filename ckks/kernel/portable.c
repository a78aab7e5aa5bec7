/* portable.c -- layer 2: the kernel in C11, for every machine and p < 2^61.
 *
 * Read first: word.h (Lemmas B and S).  Its NTT is in portable_ntt.c.
 */
#include <string.h>

#include "../blake2.h"
#include "kernel.h"
#include "portable.h"

static bool always(void)
{
    return true;
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

static void square(uint64_t *out0, uint64_t *out1, uint64_t *out2,
                   const uint64_t *a0, const uint64_t *a1, bool add_to,
                   size_t n, const cki_mod *mod)
{
    const cki_mod m = *mod;

    for (size_t i = 0; i < n; i++) {
        uint64_t x = a0[i], y = a1[i];
        uint64_t r0 = cki_mul(x, x, &m), r2 = cki_mul(y, y, &m);
        uint64_t r1 = cki_mul(cki_add(x, x, m.p), y, &m);

        out0[i] = add_to ? cki_add(out0[i], r0, m.p) : r0;
        out1[i] = add_to ? cki_add(out1[i], r1, m.p) : r1;
        out2[i] = add_to ? cki_add(out2[i], r2, m.p) : r2;
    }
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
                 const uint32_t *perm, const uint64_t *const *y0,
                 const uint64_t *const *y1, int k, bool add_to, size_t n,
                 const cki_mod *mod)
{
    const cki_mod m = *mod;

    for (size_t i = 0; i < n; i++) {
        const size_t at = perm == NULL ? i : perm[i];
        wide s0 = { 0, 0 }, s1 = { 0, 0 };
        uint64_t r0, r1;

        for (int j = 0; j < k; j++) {
            wide_mul_add(&s0, x[j][at], y0[j][i]);
            wide_mul_add(&s1, x[j][at], y1[j][i]);
        }
        r0 = cki_reduce_any(s0.hi, s0.lo, &m);
        r1 = cki_reduce_any(s1.hi, s1.lo, &m);
        out0[i] = add_to ? cki_add(out0[i], r0, m.p) : r0;
        out1[i] = add_to ? cki_add(out1[i], r1, m.p) : r1;
    }
}

enum { TILE = 64 };     /* columns of a base conversion done together        */

/* Doubles are made of and into signed words: unsigned ones would be branches
 * where the machine has no such conversion (x86-64 before AVX-512).  The result
 * is the same to the bit: y < 2^61 is one number, signed or not, and both
 * conversions round it to nearest once; 0 <= f < len + 1, and both cut off the
 * fraction.  y > half, both below 2^61, is the top bit of half - y. */
static void convert_begin(uint64_t *const *y, uint64_t *v, const cki_conv *c,
                          bool centred, size_t n)
{
    const uint64_t half = (c->mod[c->src[0]].p - 1) / 2;
    const double up = centred ? 0.5 : 0;

    for (size_t k = 0; k < n && c->len == 1; k++)
        v[k] = (half - y[0][k]) >> 63 & centred;
    for (size_t k = 0; k < n && c->len > 1; k++) {
        double f = 0;

        for (int i = 0; i < c->len; i++)
            f += (double)(int64_t)y[i][k] * c->frac[i];
        v[k] = (uint64_t)(int64_t)(f + up);         /* floor: f >= 0         */
    }
}

static void convert_end(uint64_t *const *out, const int *target,
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

/* ---- streams ------------------------------------------------------------ */

static void expand(uint8_t *out, const uint8_t *root, uint32_t node,
                   size_t count)
{
    for (; count > 0; count--, node++, out += CKI_BLAKE2_OUT)
        cki_blake2xb_block(out, root, node);
}

const cki_kernel cki_kernel_portable = {
    .name = "portable",
    .max_bits = CKKS_MAX_BITS,
    .usable = always,
    .ntt_bytes = cki_portable_ntt_bytes,
    .ntt_prepare = cki_portable_ntt_prepare,
    .ntt_fwd = cki_portable_ntt_fwd,
    .ntt_inv = cki_portable_ntt_inv,
    .divide = cki_portable_divide,
    .add = add,
    .sub = sub,
    .mul = mul,
    .mul_add = mul_add,
    .square = square,
    .scale_add = scale_add,
    .dot2 = dot2,
    .permute = permute,
    .convert_begin = convert_begin,
    .convert_end = convert_end,
    .combine = combine,
    .combine_work = combine_work,
    .expand = expand
};
