/* lanes.h -- two doubles, or two words of 64 bits, side by side, on machines of
 * any kind.
 *
 * Read first: fma/fma.h, which is written over these operations.  GNU C has
 * sums, products, comparisons and masks of such vectors as operators; fmadd is
 * a b + c and fnmadd c - a b, each rounded once, with a body for each machine:
 *
 *   AArch64   NEON; the instructions are part of every such processor
 *   x86-64    FMA3 with 128-bit registers: the tests of this kernel, and
 *             processors that have FMA and no AVX2
 *   WASM      relaxed SIMD.  There a b + c may be rounded once or twice, as the
 *             machine below has it.  Where it is twice the kernel computes
 *             wrongly, the known-answer check sees it (selftest.c), and a
 *             context takes another kernel.
 */
#ifndef CKI_FMA2_LANES_H
#define CKI_FMA2_LANES_H

#include <stddef.h>
#include <stdint.h>

#include "base/packed.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#elif defined(__wasm_relaxed_simd__)
#include <wasm_simd128.h>
#elif defined(__FMA__)
#include <immintrin.h>
#else
#error "no fused multiply-add of two doubles: -mfma, -mrelaxed-simd"
#endif

#define LANES 2
#define ALWAYS_INLINE inline __attribute__((always_inline))

typedef double  vec  __attribute__((vector_size(16)));
typedef int64_t ints __attribute__((vector_size(16)));

/* ---- by machine --------------------------------------------------------- */

static ALWAYS_INLINE vec fmadd(vec a, vec b, vec c)
{
#if defined(__aarch64__)
    return (vec)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#elif defined(__wasm_relaxed_simd__)
    return (vec)wasm_f64x2_relaxed_madd((v128_t)a, (v128_t)b, (v128_t)c);
#else
    return (vec)_mm_fmadd_pd((__m128d)a, (__m128d)b, (__m128d)c);
#endif
}

static ALWAYS_INLINE vec fnmadd(vec a, vec b, vec c)
{
#if defined(__aarch64__)
    return (vec)vfmsq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#elif defined(__wasm_relaxed_simd__)
    return (vec)wasm_f64x2_relaxed_nmadd((v128_t)a, (v128_t)b, (v128_t)c);
#else
    return (vec)_mm_fnmadd_pd((__m128d)a, (__m128d)b, (__m128d)c);
#endif
}

/* The largest whole numbers that are not above. */
static ALWAYS_INLINE vec whole_below(vec a)
{
#if defined(__aarch64__)
    return (vec)vrndmq_f64((float64x2_t)a);
#elif defined(__wasm_relaxed_simd__)
    return (vec)wasm_f64x2_floor((v128_t)a);
#else
    return (vec)_mm_floor_pd((__m128d)a);
#endif
}

/* ---- on all machines ----------------------------------------------------- */

static ALWAYS_INLINE vec all(double x)
{
    return (vec){ x, x };
}

static ALWAYS_INLINE ints all_words(uint64_t x)
{
    return (ints){ (int64_t)x, (int64_t)x };
}

/* a b - c, which NEON and WASM lack: a sum with it becomes a difference. */
static ALWAYS_INLINE vec fmsub(vec a, vec b, vec c)
{
    return -fnmadd(a, b, c);
}

/* x where the mask (a comparison) has ones, else 0. */
static ALWAYS_INLINE vec where(ints mask, vec x)
{
    return (vec)(mask & (ints)x);
}

/* x + p where x < 0.  By a comparison: after fmsub a zero may be -0. */
static ALWAYS_INLINE vec lifted(vec x, vec p)
{
    return x + where(x < all(0), p);
}

/* ---- packed words -------------------------------------------------------- */

typedef struct unpacker {
    size_t bytes;
} unpacker;

static inline unpacker unpacker_of(size_t bytes)
{
    return (unpacker){ bytes };
}

/* Words i and i + 1 of packed ones. */
static ALWAYS_INLINE ints unpacked(const uint8_t *y, size_t i, unpacker u)
{
    return (ints){ (int64_t)cki_packed_word(y, i, u.bytes),
                   (int64_t)cki_packed_word(y, i + 1, u.bytes) };
}

/* ---- order --------------------------------------------------------------- */

/* Of the four numbers in a and b, 0 1 and 2 3. */
static ALWAYS_INLINE vec lows(vec a, vec b)
{
    (void)b;
    return a;
}

static ALWAYS_INLINE vec highs(vec a, vec b)
{
    (void)a;
    return b;
}

/* a0 b0 and a1 b1; and back. */
static ALWAYS_INLINE vec evens(vec a, vec b)
{
    return (vec){ a[0], b[0] };
}

static ALWAYS_INLINE vec odds(vec a, vec b)
{
    return (vec){ a[1], b[1] };
}

/* w0 w0 */
static ALWAYS_INLINE vec twice(const double *w)
{
    return all(*w);
}

static ALWAYS_INLINE vec reversed(vec x)
{
    return (vec){ x[1], x[0] };
}

/* Eight numbers, in fours by their place there; and back. */
static ALWAYS_INLINE void to_fours(vec *a, vec *b, vec *c, vec *d)
{
    const vec low = *a, high = *b;

    *a = evens(low, *c);
    *b = odds(low, *c);
    *c = evens(high, *d);
    *d = odds(high, *d);
}

static ALWAYS_INLINE void from_fours(vec *a, vec *b, vec *c, vec *d)
{
    const vec even = *a, odd = *b, third = *c;

    *a = evens(even, odd);
    *b = evens(third, *d);
    *c = odds(even, odd);
    *d = odds(third, *d);
}

/* in[perm[0]], in[perm[1]] */
static ALWAYS_INLINE ints permuted(const uint64_t *in, const uint32_t *perm)
{
    return (ints){ (int64_t)in[perm[0]], (int64_t)in[perm[1]] };
}

/* A group of two, whose words lie side by side after an automorphism, too: the
 * second beside the first, before it or behind. */
typedef struct orders {
    char none;
} orders;

static inline void orders_of(orders *o, const uint32_t *back)
{
    (void)back;
    o->none = 0;
}

static ALWAYS_INLINE ints take_group(const uint64_t *in, uint32_t first,
                                     const orders *o)
{
    (void)o;
    return (ints){ (int64_t)in[first], (int64_t)in[first ^ 1] };
}

static ALWAYS_INLINE void put_group(uint64_t *out, ints v, uint32_t first,
                                    const orders *o)
{
    (void)o;
    out[first] = (uint64_t)v[0];
    out[first ^ 1] = (uint64_t)v[1];
}

#endif
