/* avx512ifma_ntt.c -- layer 2: the NTT in words of 52 bits.
 *
 * Read first: avx512ifma.h (Lemma I), docs/02-ntt.md, docs/10-kernels.md.
 */
#include "avx512ifma.h"
#include "portable.h"

enum {
    SMALL_LOG = 6,              /* rings up to 2^6 go to the portable code   */
    LAST = 64,                  /* words of a block that fits the registers  */
    BLOCK = 4096                /* words that stay in the first-level cache  */
};

/* ---- tables -------------------------------------------------------------- */

/* A table of one direction: N twiddles, index as in portable.c, and behind
 * them their N companions.  Those of the layers of distance 2 and 1 stand, for
 * each 64 words of the transform, in the order the transposed code reads: lane
 * j belongs to words 8j .. 8j + 7.
 * own: forward table, inverse table, then 1/N and psi^-br(1)/N with
 * companions. */
size_t cki_ifma_ntt_bytes(size_t n)
{
    return n <= (size_t)1 << SMALL_LOG ? cki_portable_ntt_bytes(n)
                                       : (4 * n + LANES) * sizeof(uint64_t);
}

static void table_fill(uint64_t *w, const uint64_t *root, size_t n,
                       const cki_mod *m)
{
    for (size_t i = 0; i < n / 4; i++)
        w[i] = root[i];
    for (size_t i = n / 4; i < n; i++) {
        size_t wide = i < n / 2 ? 2 : 4;        /* twiddles a lane           */
        size_t in = i % (LANES * wide);

        w[i - in + in % wide * LANES + in / wide] = root[i];
    }
    for (size_t i = 0; i < n; i++)
        w[n + i] = companion(w[i], m);
}

void cki_ifma_ntt_prepare(cki_ntt *t, const uint64_t *root,
                          const uint64_t *inverse)
{
    const size_t n = t->n;
    uint64_t *w = t->own, *end = w + 4 * n;

    if (t->log_n <= SMALL_LOG) {
        cki_portable_ntt_prepare(t, root, inverse);
        return;
    }
    table_fill(w, root, n, &t->mod);
    table_fill(w + 2 * n, inverse, n, &t->mod);
    end[0] = cki_inv(n % t->mod.p, &t->mod);
    end[1] = cki_mul(end[0], inverse[1], &t->mod);
    end[2] = companion(end[0], &t->mod);
    end[3] = companion(end[1], &t->mod);
}

/* A twiddle and its companion, in every lane or one a lane. */
typedef struct twiddle {
    vec w, s;
} twiddle;

static inline twiddle same(const uint64_t *table, size_t n, size_t i)
{
    twiddle t = { set1(table[i]), set1(table[n + i]) };

    return t;
}

static inline twiddle each(const uint64_t *table, size_t n, size_t i)
{
    twiddle t = { load(table + i), load(table + n + i) };

    return t;
}

/* x[k] lane j <-> x[j] lane k. */
static inline void transpose(vec *x)
{
    vec a[8];

    UNROLL
    for (int i = 0; i < 8; i += 2) {
        a[i] = _mm512_unpacklo_epi64(x[i], x[i + 1]);
        a[i + 1] = _mm512_unpackhi_epi64(x[i], x[i + 1]);
    }
    UNROLL
    for (int i = 0; i < 2; i++) {
        vec p = _mm512_shuffle_i64x2(a[i], a[i + 2], 0x88);
        vec q = _mm512_shuffle_i64x2(a[i], a[i + 2], 0xdd);
        vec r = _mm512_shuffle_i64x2(a[i + 4], a[i + 6], 0x88);
        vec s = _mm512_shuffle_i64x2(a[i + 4], a[i + 6], 0xdd);

        x[i] = _mm512_shuffle_i64x2(p, r, 0x88);
        x[i + 4] = _mm512_shuffle_i64x2(p, r, 0xdd);
        x[i + 2] = _mm512_shuffle_i64x2(q, s, 0x88);
        x[i + 6] = _mm512_shuffle_i64x2(q, s, 0xdd);
    }
}

/* ---- forward ---------------------------------------------------------------
 *
 * (x, y) -> (x + w y, x - w y + 2p), from B before a layer to B + 2 after, y
 * anything below 2^52.  Layers go in pairs.  Before a pair that would leave
 * the room 2^(52 - b) the x of its first layer are brought down to half the
 * room; half a room and two layers fit: 4 + 4 <= 8. */

enum { MAX_PAIRS = CKKS_MAX_LOG_N / 2 };

typedef struct plan {
    const uint64_t *table;
    size_t n;
    prime c;
    vec half;                   /* p times half the room                     */
    bool halved[MAX_PAIRS];     /* x brought down before pair k              */
    int pairs;                  /* the last three are done in registers      */
} plan;

static plan plan_of(const cki_ntt *t, const uint64_t *table)
{
    int room = 1 << (52 - t->mod.bits < 8 ? 52 - t->mod.bits : 8);
    int bound = 1 + 2 * (t->log_n % 2);
    plan f = { .table = table, .n = t->n, .c = prime_of(&t->mod),
               .half = set1((uint64_t)room / 2 * t->mod.p),
               .pairs = t->log_n / 2 };

    for (int k = 0; k < f.pairs; k++) {
        f.halved[k] = bound + 4 > room;
        bound = (f.halved[k] ? room / 2 : bound) + 4;
        VERIFY(bound <= room);
    }
    return f;
}

static inline void fwd(vec *x, vec *y, twiddle t, prime c)
{
    vec twice = add(add(*x, *x), c.p2);
    vec sum = mul_add_lazy(*x, *y, t.w, t.s, c);

    *x = sum;
    *y = sub(twice, sum);
}

static inline vec halve(vec x, const plan *f)
{
    return fold(low52(x, f->c), f->half);
}

/* One layer over everything. */
static void fwd_first(uint64_t *x, const plan *f)
{
    const twiddle t = same(f->table, f->n, 1);
    const prime c = f->c;
    uint64_t *y = x + f->n / 2;

    for (size_t j = 0; j < f->n / 2; j += LANES) {
        vec a = load(x + j), b = load(y + j);

        fwd(&a, &b, t, c);
        store(x + j, a);
        store(y + j, b);
    }
}

/* Two layers on one block of 4t words, its first twiddle number i. */
static inline void fwd_block(uint64_t *x, size_t t, size_t i, bool halved,
                             const plan *f)
{
    const twiddle w1 = same(f->table, f->n, i);
    const twiddle w2 = same(f->table, f->n, 2 * i);
    const twiddle w3 = same(f->table, f->n, 2 * i + 1);
    const prime c = f->c;

    for (uint64_t *end = x + t; x < end; x += LANES) {
        vec a = load(x), b = load(x + t);
        vec d = load(x + 2 * t), e = load(x + 3 * t);

        if (halved) {
            a = halve(a, f);
            b = halve(b, f);
        }
        fwd(&a, &d, w1, c);
        fwd(&b, &e, w1, c);
        fwd(&a, &b, w2, c);
        fwd(&d, &e, w3, c);
        store(x, a);
        store(x + t, b);
        store(x + 2 * t, d);
        store(x + 3 * t, e);
    }
}

/* A pair of layers on `size` words, whole blocks of 4t; i: the first's. */
static void fwd_sweep(uint64_t *x, size_t size, size_t t, size_t i,
                      bool halved, const plan *f)
{
    for (uint64_t *end = x + size; x < end; x += 4 * t, i++)
        if (halved)
            fwd_block(x, t, i, true, f);
        else
            fwd_block(x, t, i, false, f);
}

/* The last six layers, on 64 words number i: three on whole vectors, three
 * after a transposition; canonical words out. */
static inline void fwd_last(uint64_t *to, size_t i, const plan *f)
{
    const uint64_t *w = f->table;
    const size_t n = f->n;
    const bool *halved = f->halved + f->pairs - 3;
    const prime c = f->c;
    vec x[8];

    UNROLL
    for (int k = 0; k < 8; k++)
        x[k] = load(to + LANES * k);
    if (halved[0])
        UNROLL
        for (int k = 0; k < 4; k++)
            x[k] = halve(x[k], f);
    UNROLL
    for (int k = 0; k < 4; k++)
        fwd(&x[k], &x[k + 4], same(w, n, n / 64 + i), c);
    UNROLL
    for (int k = 0; k < 4; k++)
        fwd(&x[k + k / 2 * 2], &x[k + k / 2 * 2 + 2],
            same(w, n, n / 32 + 2 * i + (size_t)k / 2), c);
    if (halved[1])
        UNROLL
        for (int k = 0; k < 8; k += 2)
            x[k] = halve(x[k], f);
    UNROLL
    for (int k = 0; k < 4; k++)
        fwd(&x[2 * k], &x[2 * k + 1], same(w, n, n / 16 + 4 * i + (size_t)k),
            c);
    transpose(x);
    UNROLL
    for (int k = 0; k < 4; k++)
        fwd(&x[k], &x[k + 4], each(w, n, n / 8 + 8 * i), c);
    if (halved[2])
        UNROLL
        for (int k = 0; k < 4; k++)
            x[k + k / 2 * 2] = halve(x[k + k / 2 * 2], f);
    UNROLL
    for (int k = 0; k < 4; k++)
        fwd(&x[k + k / 2 * 2], &x[k + k / 2 * 2 + 2],
            each(w, n, n / 4 + 16 * i + 8 * ((size_t)k / 2)), c);
    UNROLL
    for (int k = 0; k < 4; k++)
        fwd(&x[2 * k], &x[2 * k + 1],
            each(w, n, n / 2 + 32 * i + 8 * (size_t)k), c);
    UNROLL
    for (int k = 0; k < 8; k++)
        x[k] = reduce(x[k], c);
    transpose(x);
    UNROLL
    for (int k = 0; k < 8; k++)
        store(to + LANES * k, x[k]);
}

void cki_ifma_ntt_fwd(uint64_t *x, const cki_ntt *t)
{
    const size_t n = t->n;
    const plan f = plan_of(t, t->own);
    size_t size = t->log_n % 2 == 1 ? n / 2 : n;
    int top = 0;                /* pairs done over everything                */

    VERIFY_BELOW(x, n, t->mod.p);
    if (t->log_n <= SMALL_LOG) {
        cki_portable_ntt_fwd(x, t);
        return;
    }
    if (t->log_n % 2 == 1)
        fwd_first(x, &f);
    for (; size > BLOCK; size /= 4, top++)
        fwd_sweep(x, n, size / 4, n / size, f.halved[top], &f);
    for (size_t at = 0; at < n; at += size) {
        int k = top;

        for (size_t s = size; s > LAST; s /= 4, k++)
            fwd_sweep(x + at, size, s / 4, (n + at) / s, f.halved[k], &f);
        for (size_t i = at; i < at + size; i += LAST)
            fwd_last(x + i, i / LAST, &f);
    }
    VERIFY_BELOW(x, n, t->mod.p);
}

/* ---- inverse ---------------------------------------------------------------
 *
 * (x, y) -> (x + y, w (x - y + 2p)).  A pair of layers starts and ends at
 * B = 2: sums of the first reach 4, those of the second 8, all the room there
 * is, and are brought down. */

static inline void inv(vec *x, vec *y, twiddle t, vec above, prime c)
{
    vec d = add(sub(*x, *y), above);

    *x = add(*x, *y);
    *y = mul_add_lazy(zero(), d, t.w, t.s, c);
}

/* Two layers on four vectors: pairs (a, b) and (d, e) with w2 and w3, then
 * (a, d) and (b, e) with w1.  At the end b is below 4p: halved once; a below
 * 8p: twice. */
static inline void inv_two(vec *a, vec *b, vec *d, vec *e, twiddle w1,
                           twiddle w2, twiddle w3, vec p4, prime c)
{
    inv(a, b, w2, c.p2, c);
    inv(d, e, w3, c.p2, c);
    inv(a, d, w1, p4, c);
    inv(b, e, w1, c.p2, c);
    *a = fold(fold(low52(*a, c), p4), c.p2);
    *b = fold(low52(*b, c), c.p2);
    *d = low52(*d, c);
    *e = low52(*e, c);
}

static inline void inv_block(uint64_t *x, size_t t, size_t i, const plan *f)
{
    const twiddle w1 = same(f->table, f->n, i);
    const twiddle w2 = same(f->table, f->n, 2 * i);
    const twiddle w3 = same(f->table, f->n, 2 * i + 1);
    const prime c = f->c;
    const vec p4 = add(c.p2, c.p2);

    for (uint64_t *end = x + t; x < end; x += LANES) {
        vec a = load(x), b = load(x + t);
        vec d = load(x + 2 * t), e = load(x + 3 * t);

        inv_two(&a, &b, &d, &e, w1, w2, w3, p4, c);
        store(x, a);
        store(x + t, b);
        store(x + 2 * t, d);
        store(x + 3 * t, e);
    }
}

static void inv_sweep(uint64_t *x, size_t size, size_t t, size_t i,
                      const plan *f)
{
    for (uint64_t *end = x + size; x < end; x += 4 * t, i++)
        inv_block(x, t, i, f);
}

/* The first six layers on 64 words number i: distances 1 and 2, 4 and 8, 16
 * and 32. */
static inline void inv_first(uint64_t *to, const uint64_t *in, size_t i,
                             const plan *f)
{
    const uint64_t *w = f->table;
    const size_t n = f->n, at1 = n / 2 + 32 * i, at2 = n / 4 + 16 * i;
    const prime c = f->c;
    const vec p4 = add(c.p2, c.p2);
    vec x[8];

    UNROLL
    for (int k = 0; k < 8; k++)
        x[k] = load(in + LANES * k);
    transpose(x);
    UNROLL
    for (size_t k = 0; k < 2; k++)
        inv_two(&x[4 * k], &x[4 * k + 1], &x[4 * k + 2], &x[4 * k + 3],
                each(w, n, at2 + 8 * k), each(w, n, at1 + 16 * k),
                each(w, n, at1 + 16 * k + 8), p4, c);
    UNROLL
    for (int k = 0; k < 4; k++) {
        inv(&x[k], &x[k + 4], each(w, n, n / 8 + 8 * i), c.p2, c);
        x[k] = fold(x[k], c.p2);
        x[k + 4] = low52(x[k + 4], c);
    }
    transpose(x);
    UNROLL
    for (size_t k = 0; k < 4; k++) {
        inv(&x[2 * k], &x[2 * k + 1], same(w, n, n / 16 + 4 * i + k), c.p2,
            c);
        x[2 * k] = fold(x[2 * k], c.p2);
        x[2 * k + 1] = low52(x[2 * k + 1], c);
    }
    UNROLL
    for (size_t k = 0; k < 2; k++)
        inv_two(&x[k], &x[k + 2], &x[k + 4], &x[k + 6],
                same(w, n, n / 64 + i), same(w, n, n / 32 + 2 * i),
                same(w, n, n / 32 + 2 * i + 1), p4, c);
    UNROLL
    for (int k = 0; k < 8; k++)
        store(to + LANES * k, x[k]);
}

/* The last layer (log N odd) or two, 1/N included; canonical words out. */
static void inv_last(uint64_t *x, bool two, const uint64_t *end,
                     const plan *f)
{
    const prime c = f->c;
    const twiddle scale = { set1(end[0]), set1(end[2]) };
    const twiddle w1 = { set1(end[1]), set1(end[3]) };
    const twiddle w2 = same(f->table, f->n, 2), w3 = same(f->table, f->n, 3);
    const vec p4 = add(c.p2, c.p2);
    const size_t t = two ? f->n / 4 : f->n / 2;

    for (uint64_t *stop = x + t; x < stop; x += LANES) {
        vec out[4], a = load(x), b = load(x + t);

        if (two) {
            vec d = load(x + 2 * t), e = load(x + 3 * t);

            inv(&a, &b, w2, c.p2, c);
            inv(&d, &e, w3, c.p2, c);
            out[0] = add(a, d);
            out[1] = add(b, e);
            out[2] = add(sub(a, d), p4);
            out[3] = add(sub(b, e), c.p2);
        } else {
            out[0] = add(a, b);
            out[1] = add(sub(a, b), c.p2);
        }
        UNROLL
        for (size_t k = 0; k < 4; k++) {
            twiddle w = k < (two ? 2 : 1) ? scale : w1;

            if (k < 2 || two)
                store(x + k * t, fold(low52(mul_add_lazy(
                    zero(), out[k], w.w, w.s, c), c), c.p));
        }
    }
}

void cki_ifma_ntt_inv(uint64_t *x, const uint64_t *in, const cki_ntt *t)
{
    const size_t n = t->n;
    const uint64_t *own = t->own;
    const bool odd = t->log_n % 2 == 1;
    const size_t top = odd ? n / 2 : n / 4;     /* inv_last begins here      */
    const plan f = plan_of(t, own + 2 * n);
    size_t size = top;

    VERIFY_BELOW(in, n, t->mod.p);
    if (t->log_n <= SMALL_LOG) {
        cki_portable_ntt_inv(x, in, t);
        return;
    }
    while (size > BLOCK)
        size /= 4;
    if (size < LAST)
        size = LAST;
    for (size_t at = 0; at < n; at += size) {
        for (size_t i = at; i < at + size; i += LAST)
            inv_first(x + i, in + i, i / LAST, &f);
        for (size_t s = 4 * LAST; s <= size; s *= 4)
            inv_sweep(x + at, size, s / 4, (n + at) / s, &f);
    }
    for (size_t s = 4 * size; s <= top; s *= 4)
        inv_sweep(x, n, s / 4, n / s, &f);
    if (odd)
        inv_last(x, false, own + 4 * n, &f);
    else
        inv_last(x, true, own + 4 * n, &f);
    VERIFY_BELOW(x, n, t->mod.p);
}
