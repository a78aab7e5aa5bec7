/* ntt_inv.c -- the inverse NTT in words of 52 bits.
 *
 * Read first: ntt.c.
 */
#include "kernel/ifma/ntt.h"

/* x, which is below `bound` p, below B p. */
static ALWAYS_INLINE vec settled(vec x, int bound, const plan *f)
{
    return bound > f->bound ? reduce_lazy(x, f->c) : x;
}

/* Two layers on four vectors: pairs (a, b) and (d, e) with w2 and w3, then
 * (a, d) and (b, e) with w1. */
static inline void inv_two(vec *a, vec *b, vec *d, vec *e, twiddle w1,
                           twiddle w2, twiddle w3, const plan *f)
{
    const prime c = f->c;

    inv(a, b, w2, f->above, c);
    inv(d, e, w3, f->above, c);
    inv(a, d, w1, f->above, c);
    inv(b, e, w1, f->above, c);
    *a = reduce_lazy(*a, c);
    *b = settled(*b, OF_PRODUCTS, f);
}

/* The first two of three layers on eight vectors: neighbours with w[3] .. w[6],
 * then those two apart with w[1] and w[2]. */
static ALWAYS_INLINE void inv_two_of_three(vec *x, const twiddle *w,
                                           const plan *f)
{
    const prime c = f->c;

    UNROLL
    for (int k = 0; k < 4; k++)
        inv(&x[2 * k], &x[2 * k + 1], w[3 + k], f->above, c);
    UNROLL
    for (int k = 0; k < 4; k++)
        inv(&x[k + k / 2 * 2], &x[k + k / 2 * 2 + 2], w[1 + k / 2], f->above,
            c);
    if (f->room == ROOM) {
        x[0] = reduce_lazy(x[0], c);    /* the two sums of sums          */
        x[4] = reduce_lazy(x[4], c);
    }
}

/* The same and the third, four apart with w[0]; from and to B. */
static ALWAYS_INLINE void inv_three(vec *x, const twiddle *w, const plan *f)
{
    inv_two_of_three(x, w, f);
    UNROLL
    for (int k = 0; k < 4; k++)
        inv(&x[k], &x[k + 4], w[0], f->above, f->c);
    x[0] = reduce_lazy(x[0], f->c);
    x[1] = settled(x[1], 2 * OF_PRODUCTS, f);
    x[2] = settled(x[2], OF_PRODUCTS, f);
    x[3] = settled(x[3], OF_PRODUCTS, f);
    VERIFY_EIGHT(x, f->bound, f->c);
}

/* Two layers on a block of 4t words, its last twiddle number i. */
static inline void inv_block_two(uint64_t *x, size_t t, size_t i,
                                 const plan *f)
{
    const prime c = f->c;
    const twiddle w1 = same(f->table, i, c);
    const twiddle w2 = same(f->table, 2 * i, c);
    const twiddle w3 = same(f->table, 2 * i + 1, c);

    for (uint64_t *end = x + t; x < end; x += LANES) {
        vec a = load(x), b = load(x + t);
        vec d = load(x + 2 * t), e = load(x + 3 * t);

        inv_two(&a, &b, &d, &e, w1, w2, w3, f);
        store(x, a);
        store(x + t, b);
        store(x + 2 * t, d);
        store(x + 3 * t, e);
    }
}

/* Three layers on a block of 8t words, its last twiddle number i. */
static inline void inv_block_three(uint64_t *x, size_t t, size_t i,
                                   const plan *f)
{
    twiddle w[7];

    twiddles_of_three(w, i, f);
    for (uint64_t *end = x + t; x < end; x += LANES) {
        vec a[8];

        UNROLL
        for (size_t k = 0; k < 8; k++)
            a[k] = load(x + k * t);
        inv_three(a, w, f);
        UNROLL
        for (size_t k = 0; k < 8; k++)
            store(x + k * t, a[k]);
    }
}

/* The layers that make blocks of `size`, three or two, over `count` words; i:
 * the first block's twiddle. */
static void inv_sweep(uint64_t *x, size_t count, size_t size, int layers,
                      size_t i, const plan *f)
{
    uint64_t *const end = x + count;

    for (; x < end; x += size, i++)
        if (layers == 3)
            inv_block_three(x, size / 8, i, f);
        else
            inv_block_two(x, size / 4, i, f);
    VERIFY_WITHIN(end - count, count, f->bound, f->c);
}

/* The first six layers on 64 words number i, three of them transposed. */
static inline void inv_first(uint64_t *to, const uint64_t *in, size_t i,
                             const plan *f)
{
    twiddle w[7];
    vec x[8];

    UNROLL
    for (int k = 0; k < 8; k++)
        x[k] = load(in + LANES * k);
    transpose(x);
    twiddles_transposed(w, i, f);
    inv_three(x, w, f);
    transpose(x);
    twiddles_of_three(w, f->n / LAST + i, f);
    inv_three(x, w, f);
    UNROLL
    for (int k = 0; k < 8; k++)
        store(to + LANES * k, x[k]);
}

/* (x, y) -> (w (x + y), v (x - y)), canonical, both below `above`. */
static inline void inv_end(vec *x, vec *y, twiddle w, twiddle v, vec above,
                           prime c)
{
    const vec sum = add(*x, *y), d = add(sub(*x, *y), above);

    *x = fold(low52(mul_add_lazy(zero(), sum, w.w, w.s, c), c), c.p);
    *y = fold(low52(mul_add_lazy(zero(), d, v.w, v.s, c), c), c.p);
}

/* The last one, two or three layers, w/N included; canonical words out. */
static ALWAYS_INLINE void inv_last(uint64_t *x, uint64_t w, int layers,
                                   const cki_ntt *ntt, const plan *f)
{
    const cki_mod *m = &ntt->mod;
    const prime c = f->c;
    const int count = 1 << layers, half = count / 2;
    const size_t t = f->n >> layers;
    const twiddle scale = factor(cki_mul(ntt->n_inv, w, m), m);
    const twiddle by = factor(cki_mul(ntt->n_inv_v, w, m), m);
    twiddle v[7];

    twiddles_of_three(v, 1, f);     /* of which v[0] is in `by`              */
    for (uint64_t *stop = x + t; x < stop; x += LANES) {
        vec a[8];

        UNROLL
        for (int k = 0; k < count; k++)
            a[k] = load(x + (size_t)k * t);
        if (layers == 3)
            inv_two_of_three(a, v, f);
        else if (layers == 2)
            UNROLL
            for (int k = 0; k < 2; k++)
                inv(&a[2 * k], &a[2 * k + 1], v[1 + k], f->above, c);
        UNROLL
        for (int k = 0; k < half; k++)
            inv_end(&a[k], &a[k + half], scale, by, f->above, c);
        UNROLL
        for (int k = 0; k < count; k++)
            store(x + (size_t)k * t, a[k]);
    }
}

/* How many of the layers left between the first six and the last ones go
 * together: three, else two. */
static int inv_layers(int left)
{
    return left == 2 || left == 4 ? 2 : 3;
}

void cki_ifma_ntt_inv(uint64_t *x, const uint64_t *in, uint64_t w,
                      const cki_ntt *t)
{
    const size_t n = t->n, block = cki_block(n);
    const plan f = plan_of_inverse(t);
    /* what inv_last does, or cki_ifma_unfold beside its own */
    const int last = t->real ? t->log_n % 2 : (t->log_n - 7) % 3 + 1;
    int left = 0;
    size_t size = LAST;

    VERIFY_BELOW(in, n, t->mod.p);
    if (t->log_n <= SMALL_LOG) {
        cki_portable_ntt_inv(x, in, w, t);
        return;
    }
    for (size_t at = 0; at < n; at += block) {
        for (size_t i = at; i < at + block; i += LAST)
            inv_first(x + i, in + i, i / LAST, &f);
        VERIFY_WITHIN(x + at, block, f.bound, f.c);
        left = t->log_n - SMALL_LOG - last;
        for (size = LAST; left > 0 && size << inv_layers(left) <= block;
             left -= inv_layers(left)) {
            size <<= inv_layers(left);
            inv_sweep(x + at, block, size, inv_layers(left), (n + at) / size,
                      &f);
        }
    }
    for (; left > 0; left -= inv_layers(left)) {
        size <<= inv_layers(left);
        inv_sweep(x, n, size, inv_layers(left), n / size, &f);
    }
    if (t->real)
        cki_ifma_unfold(x, w, t, &f);
    else if (last == 3)
        inv_last(x, w, 3, t, &f);
    else if (last == 2)
        inv_last(x, w, 2, t, &f);
    else
        inv_last(x, w, 1, t, &f);
    VERIFY_BELOW(x, n, t->mod.p);
}
