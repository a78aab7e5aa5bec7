/* lanes.h -- two doubles, or two words of 64 bits, side by side.
 *
 * GNU C has sums, products, comparisons, shifts and masks of such vectors as
 * operators, on every machine; a comparison gives all ones or nothing for each
 * lane.  What it lacks stands here: three operations with a body for each
 * machine, and how lanes and memory meet.
 *
 *   fma_add(a, b, c)     a b + c, rounded once
 *   fma_sub(a, b, c)     c - a b, rounded once
 *   whole_below(a)       the largest whole number that is not above a
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

#include <stdint.h>
#include <string.h>

#if defined(__aarch64__)
#include <arm_neon.h>
#elif defined(__wasm_relaxed_simd__)
#include <wasm_simd128.h>
#elif defined(__FMA__)
#include <immintrin.h>
#else
#error "no fused multiply-add of two doubles: -mfma, -mrelaxed-simd"
#endif

typedef double  vec  __attribute__((vector_size(16)));
typedef int64_t ints __attribute__((vector_size(16)));
typedef uint64_t pair __attribute__((vector_size(16)));

#define ALWAYS_INLINE inline __attribute__((always_inline))
/* Loops over arrays of vectors that are to live in registers. */
#define UNROLL _Pragma("GCC unroll 8")

/* ---- by machine --------------------------------------------------------- */

static ALWAYS_INLINE vec fma_add(vec a, vec b, vec c)
{
#if defined(__aarch64__)
    return (vec)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#elif defined(__wasm_relaxed_simd__)
    return (vec)wasm_f64x2_relaxed_madd((v128_t)a, (v128_t)b, (v128_t)c);
#else
    return (vec)_mm_fmadd_pd((__m128d)a, (__m128d)b, (__m128d)c);
#endif
}

static ALWAYS_INLINE vec fma_sub(vec a, vec b, vec c)
{
#if defined(__aarch64__)
    return (vec)vfmsq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#elif defined(__wasm_relaxed_simd__)
    return (vec)wasm_f64x2_relaxed_nmadd((v128_t)a, (v128_t)b, (v128_t)c);
#else
    return (vec)_mm_fnmadd_pd((__m128d)a, (__m128d)b, (__m128d)c);
#endif
}

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

static ALWAYS_INLINE vec both(double x)
{
    return (vec){ x, x };
}

static ALWAYS_INLINE ints both_words(uint64_t x)
{
    return (ints){ (int64_t)x, (int64_t)x };
}

/* The doubles of these bits where the mask has ones, else 0. */
static ALWAYS_INLINE vec where(ints mask, vec x)
{
    return (vec)(mask & (ints)x);
}

static ALWAYS_INLINE ints load_words(const uint64_t *x)
{
    ints v;

    memcpy(&v, x, sizeof v);
    return v;
}

static ALWAYS_INLINE void store_words(uint64_t *x, ints v)
{
    memcpy(x, &v, sizeof v);
}

static ALWAYS_INLINE vec load_doubles(const double *x)
{
    vec v;

    memcpy(&v, x, sizeof v);
    return v;
}

/* The first and the second lanes of two vectors; of one, in opposite order. */
static ALWAYS_INLINE vec firsts(vec a, vec b)
{
    return (vec){ a[0], b[0] };
}

static ALWAYS_INLINE vec seconds(vec a, vec b)
{
    return (vec){ a[1], b[1] };
}

static ALWAYS_INLINE vec reversed(vec a)
{
    return (vec){ a[1], a[0] };
}

#endif
