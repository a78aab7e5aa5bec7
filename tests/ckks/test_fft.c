/* test_fft.c -- points of the circle and the FFT, against sums in long double.
 */
#include <math.h>

#include "embed/roots.h"
#include "encode_support.h"

/* cos and sin of 2 pi k / order in long double, from an angle in the first
 * octant, whose error is below 2^-65. */
static void long_point(long double *re, long double *im, size_t k,
                       size_t order)
{
    const long double pi = 3.14159265358979323846264338327950288L;
    size_t quarter = order / 4, r = k % quarter;
    bool mirror = 2 * r > quarter;
    long double angle = 2 * pi * (long double)(mirror ? quarter - r : r)
                        / (long double)order;
    long double c = mirror ? sinl(angle) : cosl(angle);
    long double s = mirror ? cosl(angle) : sinl(angle);

    for (size_t i = 0; i < k / quarter; i++) {
        long double t = c;

        c = -s;
        s = t;
    }
    *re = c;
    *im = s;
}

/* got is the double nearest to want, but for the error of want. */
static bool nearest(double got, long double want)
{
    int e = 0;

    frexpl(want, &e);
    return fabsl((long double)got - want) <= ldexpl(1, e - 54) + 0x1p-63L;
}

TEST(circle_points_are_rounded_to_nearest)
{
    enum { MAX = 1 << 16 };
    double *re = aligned_memory(MAX * sizeof *re);
    double *im = aligned_memory(MAX * sizeof *im);

    for (size_t order = 4; order <= MAX; order *= 2) {
        cki_roots(re, im, order, order);
        for (size_t k = 0; k < order; k++) {
            long double c, s;

            long_point(&c, &s, k, order);
            CHECK(nearest(re[k], c) && nearest(im[k], s), "order %zu point "
                  "%zu: %a + %a i, want %La + %La i", order, k, re[k], im[k],
                  c, s);
        }
        CHECK(re[0] == 1 && im[0] == 0 && re[order / 4] == 0
                  && im[order / 4] == 1 && re[order / 2] == -1
                  && im[order / 2] == 0, "order %zu: a quarter turn", order);
    }
    free(re);
    free(im);
}

static size_t index_re(const cki_fft_engine *e, size_t k)
{
    return e->split ? k : 2 * k;
}

static size_t index_im(const cki_fft_engine *e, size_t k, size_t n)
{
    return e->split ? n + k : 2 * k + 1;
}

/* Compares `count` of the n outputs of one transform with the sum, by the
 * error in units of the 2-norm of the outputs. */
static void check_fft(const cki_fft_engine *e, size_t n, size_t count,
                      bool forward, uint64_t seed)
{
    size_t bytes = 2 * n * sizeof(double), log = 0;
    double *in = aligned_memory(bytes), *out = aligned_memory(bytes), norm = 0;
    long double *c = aligned_memory(n * sizeof *c);
    long double *s = aligned_memory(n * sizeof *s);
    const ckks_memory memory = { 0 };
    uint64_t state = seed;
    void *own = NULL;

    for (size_t k = 0; k < n; k++)
        long_point(&c[k], &s[k], k * (n < 4 ? 4 / n : 1), n < 4 ? 4 : n);
    for (size_t k = 0; k < 2 * n; k++) {
        in[k] = random_unit(&state);
        norm += in[k] * in[k];
    }
    for (size_t m = n; m > 1; m /= 2)
        log++;
    memcpy(out, in, bytes);
    if (CHECK_OK(e->init(&own, &memory, n)))
        (forward ? e->evaluate : e->interpolate)(out, own);
    for (size_t h = 0; own != NULL && h < count; h++) {
        size_t t = count == n ? h : (size_t)(test_word(&state) % n);
        size_t at = forward ? e->place(t, n) : t;
        long double re = 0, im = 0, d;

        for (size_t k = 0; k < n; k++) {
            size_t from = forward ? k : e->place(k, n);
            long double x = in[index_re(e, from)];
            long double y = in[index_im(e, from, n)];
            long double a = c[t * k % n];
            long double b = forward ? s[t * k % n] : -s[t * k % n];

            re += x * a - y * b;
            im += x * b + y * a;
        }
        d = hypotl(re - out[index_re(e, at)], im - out[index_im(e, at, n)]);
        CHECK(d <= 0x1p-52L * (long double)((double)log * sqrt(norm)),
              "%s n=%zu %s %zu: off by %Lg", e->name, n,
              forward ? "value" : "coefficient", t, d);
    }
    if (own != NULL)
        e->clear(own, &memory);
    free(in);
    free(out);
    free(c);
    free(s);
}

TEST(fft_engines_match_the_sum)
{
    for (size_t v = 0; v < num_fft_engines; v++) {
        for (size_t n = 2; n <= 512; n *= 2) {          /* N = 4 .. 2^10     */
            check_fft(fft_engines[v], n, n, true, n);
            check_fft(fft_engines[v], n, n, false, n + 1);
        }
        for (size_t n = 1024; n <= 65536; n *= 2) {
            check_fft(fft_engines[v], n, 16, true, n);
            check_fft(fft_engines[v], n, 16, false, n + 1);
        }
    }
}

TEST(fft_places_are_a_permutation)
{
    bool seen[1024];

    for (size_t v = 0; v < num_fft_engines; v++)
        for (size_t n = 2; n <= 1024; n *= 2) {
            memset(seen, 0, sizeof seen);
            for (size_t t = 0; t < n; t++) {
                size_t at = fft_engines[v]->place(t, n);

                CHECK(at < n && !seen[at], "%s n=%zu t=%zu",
                      fft_engines[v]->name, n, t);
                if (at < n)
                    seen[at] = true;
            }
        }
}
