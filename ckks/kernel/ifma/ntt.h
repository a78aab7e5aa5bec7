/* ntt.h -- what both directions of the NTT in words of 52
 * bits share. */
#ifndef CKI_IFMA_NTT_H
#define CKI_IFMA_NTT_H

#include "kernel/ifma/ifma.h"
#include "kernel/portable/portable.h"

enum {
    SMALL_LOG = 6,              /* rings up to 2^6 go to the portable code   */
    LAST = 64,                  /* words of a block that fits the registers:
                                   its layers are the last six, the inverse's
                                   first                                     */
    BLOCK = 1024,               /* words that stay in the first-level cache  */
    MAX_SWEEPS = 5              /* of log N - 6 layers                       */
};

/* The rings whose transforms are not the portable code's take lazy values. */
static inline bool takes_lazy(bool lazy, size_t n)
{
    return lazy && n > (size_t)1 << SMALL_LOG;
}

/* A twiddle and its companion s = floor(2^52 w / p), in every lane or one a
 * lane.  Tables hold companions alone: half the memory, which is what
 * transforms modulo prime after prime wait for.  2^52 w = s p + e with 0 < e <
 * p, for p is odd and w not 0: w = floor(s p / 2^52) + 1. */
typedef struct twiddle {
    vec w, s;
} twiddle;

static inline twiddle twiddle_of(vec s, prime c)
{
    twiddle t = { hi(c.unit, s, c.p), s };

    return t;
}

static inline twiddle same(const uint64_t *table, size_t i, prime c)
{
    return twiddle_of(set1(table[i]), c);
}

static inline twiddle each(const uint64_t *table, size_t i, prime c)
{
    return twiddle_of(load(table + i), c);
}

/* Not from a table. */
static inline twiddle factor(uint64_t w, const cki_mod *m)
{
    twiddle t = { set1(w), set1(companion(w, m)) };

    return t;
}

#define VERIFY_EIGHT(x, bound, c)                                         \
    do {                                                                  \
        for (int v_ = 0; v_ < 8; v_++)                                    \
            VERIFY_VEC((x)[v_], bound, c);                                \
    } while (0)

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

/* Words in opposite order. */
static inline vec reversed(vec x)
{
    return _mm512_permutexvar_epi64(_mm512_setr_epi64(7, 6, 5, 4, 3, 2, 1, 0),
                                    x);
}

/* ---- ranges ----------------------------------------------------------------
 *
 * Forward: from B = 2 on, or a quarter of a large room (first_bound), from B
 * before a layer to B + 2 after.  Where that would leave the room 2^(52 - b),
 * the x of the layer are reduced first, below 2p (reduce_lazy); the y are
 * multiplied, and may be anything.
 *
 * A difference is x - w y + 2p, or x - w y where x is at least 2p.  So k layers
 * in one pass begin with 2k p added to the x of the first (raised): these are
 * then at least 2k p, sums no less, differences at least 2 (k - 1) p, and so on
 * down to 2p before the last.  B grows by 4k for the k layers, not 2k; there is
 * an addition for each x of the first layer, not for each butterfly.
 *
 * Inverse: up to three layers begin and end at B = room / 8, but 2 at least.
 * Sums of the first layer are below 2 B, of sums in the second 4 B, of these in
 * the third 8 B; products are below 2, whatever they were made from.  For the
 * largest primes, room 8, the 4 B = 8 are reduced before the third.  So before
 * each layer all is below `above`, half the room, and after it, x - y + above
 * included, below the room.  In the end what is not below B is reduced. */

enum {
    LAYER = OF_PRODUCT,
    LARGE_ROOM = 64,
    INV = 2,                    /* the least B of the inverse                */
    INV_LAYERS = 8,             /* sums of three layers, in B                */
    LOG_ROOM = 8                /* more is not asked for                     */
};

WITHIN(OF_PRODUCT + 2 * LAYER, ROOM);   /* the real ring's and an odd layer  */
WITHIN(LARGE_ROOM / 4 + 2 * LAYER, LARGE_ROOM);
WITHIN(1, INV);                 /* words                                     */
WITHIN(OF_PRODUCT, INV);
WITHIN(4 * INV, ROOM);          /* two layers                                */
WITHIN(OF_PRODUCTS + 4, ROOM);  /* the third, its terms below 4p             */

/* ---- what is known of a transform ---------------------------------------- */

typedef struct plan {
    const uint64_t *table;
    size_t n;
    prime c;
    vec above;                  /* p times half the room                     */
    int room, bound;            /* in p: forward, after the layers planned so
                                   far; inverse: B                           */
} plan;

static inline int room_of(const cki_mod *m)
{
    return 1 << (52 - m->bits < LOG_ROOM ? 52 - m->bits : LOG_ROOM);
}

/* What a conversion leaves at most; words, too. */
static inline int first_bound(int room)
{
    return room < LARGE_ROOM ? OF_PRODUCT : room / 4;
}

/* Before the first layer, or after the real ring's own. */
static inline plan plan_of(const cki_ntt *t, const uint64_t *table)
{
    const int room = room_of(&t->mod);
    plan f = { .table = table, .n = t->n, .c = prime_of(&t->mod),
               .above = set1((uint64_t)room / 2 * t->mod.p), .room = room,
               .bound = first_bound(room)
                        + (t->real ? LAYER * (1 + t->log_n % 2) : 0) };

    return f;
}

/* The same, before the inverse's first layer. */
static inline plan plan_of_inverse(const cki_ntt *t)
{
    plan f = plan_of(t, (const uint64_t *)t->own + t->n);

    f.bound = f.room / INV_LAYERS < INV ? INV : f.room / INV_LAYERS;
    return f;
}

/* Some layers in one pass; before which of them x are reduced: bit k of layer
 * k; the bound after them. */
typedef struct sweep {
    int layers, bound;
    unsigned reduced;
} sweep;

/* Whether passes of two and three layers raise their x: all primes but the
 * largest have the room. */
static inline bool raised(const plan *f)
{
    return OF_PRODUCT + 2 * 3 * LAYER <= f->room;
}

/* The next layers, at most three. */
static inline sweep plan_layers(plan *f, int layers)
{
    const bool raise = layers > 1 && raised(f);
    const int steps = raise ? 1 : layers;
    const int step = raise ? 2 * layers * LAYER : LAYER;
    sweep s = { .layers = layers };

    for (int k = 0; k < steps; k++) {
        if (f->bound + step > f->room) {
            s.reduced |= 1u << k;
            f->bound = OF_PRODUCT;
        }
        f->bound += step;
    }
    VERIFY(f->bound <= f->room);
    s.bound = f->bound;
    return s;
}

/* Those of three layers, w[0] number i: w[0]; w[1], w[2]; w[3] .. w[6]. */
static inline void twiddles_of_three(twiddle *w, size_t i, const plan *f)
{
    w[0] = same(f->table, i, f->c);
    UNROLL
    for (size_t k = 0; k < 2; k++)
        w[1 + k] = same(f->table, 2 * i + k, f->c);
    UNROLL
    for (size_t k = 0; k < 4; k++)
        w[3 + k] = same(f->table, 4 * i + k, f->c);
}

/* Those of three layers within vectors, of 64 words number i transposed. */
static inline void twiddles_transposed(twiddle *w, size_t i, const plan *f)
{
    const size_t n = f->n;

    w[0] = each(f->table, n / 8 + 8 * i, f->c);
    UNROLL
    for (size_t k = 0; k < 2; k++)
        w[1 + k] = each(f->table, n / 4 + 16 * i + 8 * k, f->c);
    UNROLL
    for (size_t k = 0; k < 4; k++)
        w[3 + k] = each(f->table, n / 2 + 32 * i + 8 * k, f->c);
}

/* ---- butterflies -------------------------------------------------------- */

/* (x, y) -> (x + w y, x - w y + 2p), y anything below 2^52; the same without 2p
 * where x is known to be no less. */
static ALWAYS_INLINE void fwd_or_raised(vec *x, vec *y, twiddle t, bool rose,
                                        prime c)
{
    vec twice = add(*x, *x);
    vec sum = mul_add_lazy(*x, *y, t.w, t.s, c);

    VERIFY(!rose || !below(low52(*x, c), c.p2));
    *x = sum;
    *y = sub(rose ? twice : add(twice, c.p2), sum);
}

static inline void fwd(vec *x, vec *y, twiddle t, prime c)
{
    fwd_or_raised(x, y, t, false, c);
}

/* (x, y) -> (x + y, w (x - y + above)), both below `above` (ranges). */
static inline void inv(vec *x, vec *y, twiddle t, vec above, prime c)
{
    vec d = add(sub(*x, *y), above);

    VERIFY(below(low52(*x, c), above) && below(low52(*y, c), above));
    *x = add(*x, *y);
    *y = mul_add_lazy(zero(), d, t.w, t.s, c);
}

/* ---- the real ring (fold.c) ---------------------------------------------- */

/* The real ring's layer (cki_ntt_init), and with an odd log N the first of the
 * others: from first_bound to the plan's. */
void cki_ifma_fold(uint64_t *x, const cki_ntt *t, const plan *f);

/* w times their inverse, 1/2N included: from INV to canonical words. */
void cki_ifma_unfold(uint64_t *x, uint64_t w, const cki_ntt *t,
                     const plan *f);

#endif
