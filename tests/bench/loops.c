/* loops.c -- the loops behind the machine's rates.
 *
 * Every loop has enough independent chains that the units, not their latency,
 * set the time.  Like the kernels, this file has code for single machines in
 * it that is chosen when it runs: the flags of the build do not matter.  On
 * machines other than x86-64 there are loops for the 64-bit products and the
 * memory, and on aarch64 for the clock.
 */
#include "loops.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define TARGET(t) __attribute__((target(t)))
#define LOOPS_X86 1
#else
#define LOOPS_X86 0
#endif
#if defined(__GNUC__) && (defined(__x86_64__) || defined(__aarch64__))
#define LOOPS_CLOCK 1
#else
#define LOOPS_CLOCK 0
#endif

enum { PASSES = 1 << 15 };

/* What loops leave behind, so that they are not left out. */
static volatile double loop_sink;

/* ---- arithmetic --------------------------------------------------------- */

#if LOOPS_CLOCK
/* A chain of 8 operations a pass, each on the result of the one before and
 * one cycle long: sums and exclusive ors of two registers in turn.  A chain of
 * sums with a constant would not do: cores that rename registers ahead fold
 * several of those into one cycle.  The empty statement hides y's value. */
static void loop_clock(void)
{
    uint64_t x = 1, y = UINT64_C(0x9e3779b97f4a7c15);

    __asm__ volatile("" : "+r"(y));
    for (int i = 0; i < PASSES; i++)
#if defined(__x86_64__)
        __asm__ volatile("add %1, %0\n\txor %1, %0\n\t"
                         "add %1, %0\n\txor %1, %0\n\t"
                         "add %1, %0\n\txor %1, %0\n\t"
                         "add %1, %0\n\txor %1, %0" : "+r"(x) : "r"(y));
#else
        __asm__ volatile("add %0, %0, %1\n\teor %0, %0, %1\n\t"
                         "add %0, %0, %1\n\teor %0, %0, %1\n\t"
                         "add %0, %0, %1\n\teor %0, %0, %1\n\t"
                         "add %0, %0, %1\n\teor %0, %0, %1"
                         : "+r"(x) : "r"(y));
#endif
    loop_sink = (double)x;
}
#endif

#if defined(__SIZEOF_INT128__)
/* 8 products a pass. */
static void loop_mul64(void)
{
    __extension__ typedef unsigned __int128 wide;
    uint64_t x[8], sum = 0;

    for (int k = 0; k < 8; k++)
        x[k] = UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(k + 1);
    for (int i = 0; i < PASSES; i++) {
        x[0] = (uint64_t)((wide)x[0] * x[0] >> 64) | 1;
        x[1] = (uint64_t)((wide)x[1] * x[1] >> 64) | 1;
        x[2] = (uint64_t)((wide)x[2] * x[2] >> 64) | 1;
        x[3] = (uint64_t)((wide)x[3] * x[3] >> 64) | 1;
        x[4] = (uint64_t)((wide)x[4] * x[4] >> 64) | 1;
        x[5] = (uint64_t)((wide)x[5] * x[5] >> 64) | 1;
        x[6] = (uint64_t)((wide)x[6] * x[6] >> 64) | 1;
        x[7] = (uint64_t)((wide)x[7] * x[7] >> 64) | 1;
    }
    for (int k = 0; k < 8; k++)
        sum += x[k];
    loop_sink = (double)sum;
}
#endif

#if LOOPS_X86
typedef __m256d v4;
typedef __m512i v8;

/* 10 fused multiply-adds a pass: x + x^2 from -1/2 goes to 0 slowly, so that
 * no number is ever infinite or too small. */
TARGET("avx2,fma") static void loop_fma(void)
{
    v4 a = _mm256_set1_pd(-0.5), b = a, c = a, d = a, e = a;
    v4 f = a, g = a, h = a, i = a, j = a;

    for (int n = 0; n < PASSES; n++) {
        a = _mm256_fmadd_pd(a, a, a);
        b = _mm256_fmadd_pd(b, b, b);
        c = _mm256_fmadd_pd(c, c, c);
        d = _mm256_fmadd_pd(d, d, d);
        e = _mm256_fmadd_pd(e, e, e);
        f = _mm256_fmadd_pd(f, f, f);
        g = _mm256_fmadd_pd(g, g, g);
        h = _mm256_fmadd_pd(h, h, h);
        i = _mm256_fmadd_pd(i, i, i);
        j = _mm256_fmadd_pd(j, j, j);
        __asm__ volatile("" : "+x"(a), "+x"(b), "+x"(c), "+x"(d), "+x"(e));
        __asm__ volatile("" : "+x"(f), "+x"(g), "+x"(h), "+x"(i), "+x"(j));
    }
    a = a + b + c + d + e + f + g + h + i + j;
    loop_sink = _mm256_cvtsd_f64(a);
}

/* 8 fused multiply-adds and 8 additions a pass, in turn: 16 registers. */
TARGET("avx2,fma") static void loop_fma_add(void)
{
    v4 a = _mm256_set1_pd(-0.5), b = a, c = a, d = a;
    v4 e = a, f = a, g = a, h = a;
    v4 p = _mm256_setzero_pd(), q = p, r = p, s = p;
    v4 t = p, u = p, v = p, w = p;

    for (int n = 0; n < PASSES; n++) {
        a = _mm256_fmadd_pd(a, a, a);
        p = _mm256_add_pd(p, a);
        b = _mm256_fmadd_pd(b, b, b);
        q = _mm256_add_pd(q, b);
        c = _mm256_fmadd_pd(c, c, c);
        r = _mm256_add_pd(r, c);
        d = _mm256_fmadd_pd(d, d, d);
        s = _mm256_add_pd(s, d);
        e = _mm256_fmadd_pd(e, e, e);
        t = _mm256_add_pd(t, e);
        f = _mm256_fmadd_pd(f, f, f);
        u = _mm256_add_pd(u, f);
        g = _mm256_fmadd_pd(g, g, g);
        v = _mm256_add_pd(v, g);
        h = _mm256_fmadd_pd(h, h, h);
        w = _mm256_add_pd(w, h);
        __asm__ volatile("" : "+x"(a), "+x"(b), "+x"(c), "+x"(d), "+x"(e),
                         "+x"(f), "+x"(g), "+x"(h));
        __asm__ volatile("" : "+x"(p), "+x"(q), "+x"(r), "+x"(s), "+x"(t),
                         "+x"(u), "+x"(v), "+x"(w));
    }
    a = a + b + c + d + e + f + g + h + p + q + r + s + t + u + v + w;
    loop_sink = _mm256_cvtsd_f64(a);
}

/* 10 products a pass. */
TARGET("avx512f,avx512ifma") static void loop_madd52(void)
{
    v8 x = _mm512_set1_epi64(0x9e3779b97f4a7), y = _mm512_set1_epi64(12345);
    v8 a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x;

    for (int n = 0; n < PASSES; n++) {
        a = _mm512_madd52lo_epu64(a, x, y);
        b = _mm512_madd52hi_epu64(b, x, y);
        c = _mm512_madd52lo_epu64(c, x, y);
        d = _mm512_madd52hi_epu64(d, x, y);
        e = _mm512_madd52lo_epu64(e, x, y);
        f = _mm512_madd52hi_epu64(f, x, y);
        g = _mm512_madd52lo_epu64(g, x, y);
        h = _mm512_madd52hi_epu64(h, x, y);
        i = _mm512_madd52lo_epu64(i, x, y);
        j = _mm512_madd52hi_epu64(j, x, y);
        __asm__ volatile("" : "+v"(a), "+v"(b), "+v"(c), "+v"(d), "+v"(e));
        __asm__ volatile("" : "+v"(f), "+v"(g), "+v"(h), "+v"(i), "+v"(j));
    }
    a = a + b + c + d + e + f + g + h + i + j;
    loop_sink = (double)_mm512_reduce_or_epi64(a);
}
#endif

/* ---- memory ------------------------------------------------------------- *
 * One body, compiled for vectors of 16, 32 and 64 bytes: the compiler makes
 * of a vector of 8 words what the target has.
 */

#if defined(__GNUC__)
typedef uint64_t words __attribute__((vector_size(64)));
#define BODY static inline __attribute__((always_inline))
#else
typedef uint64_t words;                     /* no vectors                 */
#define BODY static inline
#endif

BODY void read_body(const void *from, size_t bytes)
{
    const words *x = from;
    const size_t n = bytes / sizeof *x;
    words a = x[0], b = x[1], c = x[2], d = x[3];
    volatile words kept;

    for (size_t i = 4; i + 4 <= n; i += 4) {
        a += x[i];
        b += x[i + 1];
        c += x[i + 2];
        d += x[i + 3];
    }
    kept = a + b + c + d;
    (void)kept;
}

/* Three arrays one behind the other: z = x + y. */
BODY void stream_body(void *at, size_t bytes)
{
    const size_t n = bytes / 3 / sizeof(words);
    words *z = at;
    const words *x = z + n, *y = x + n;

    for (size_t i = 0; i < n; i++)
        z[i] = x[i] + y[i];
}

static void read_plain(void *x, size_t bytes)
{
    read_body(x, bytes);
}
static void stream_plain(void *x, size_t bytes)
{
    stream_body(x, bytes);
}
#if LOOPS_X86
TARGET("avx2") static void read_avx2(void *x, size_t bytes)
{
    read_body(x, bytes);
}
TARGET("avx2") static void stream_avx2(void *x, size_t bytes)
{
    stream_body(x, bytes);
}
TARGET("avx512f") static void read_avx512(void *x, size_t bytes)
{
    read_body(x, bytes);
}
TARGET("avx512f") static void stream_avx512(void *x, size_t bytes)
{
    stream_body(x, bytes);
}
#endif

/* ---- which of them run here --------------------------------------------- */

#if LOOPS_X86
static void loops_choose_x86(bench_loops *out)
{
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        out->fma = (bench_loop){ loop_fma, 10.0 * PASSES };
        out->fma_add = (bench_loop){ loop_fma_add, 16.0 * PASSES };
        out->read = read_avx2;
        out->stream = stream_avx2;
    }
    if (__builtin_cpu_supports("avx512f")) {
        out->read = read_avx512;
        out->stream = stream_avx512;
    }
    if (__builtin_cpu_supports("avx512f")
        && __builtin_cpu_supports("avx512ifma"))
        out->madd52 = (bench_loop){ loop_madd52, 10.0 * PASSES };
}
#endif

void bench_loops_choose(bench_loops *out)
{
    *out = (bench_loops){ .read = read_plain, .stream = stream_plain };
#if LOOPS_CLOCK
    out->clock = (bench_loop){ loop_clock, 8.0 * PASSES };
#endif
#if defined(__SIZEOF_INT128__)
    out->mul64 = (bench_loop){ loop_mul64, 8.0 * PASSES };
#endif
#if LOOPS_X86
    loops_choose_x86(out);
#endif
}
