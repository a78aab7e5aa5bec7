/* fft_builtin.c -- the FFT without other libraries.
 *
 * Read first: fft.h, docs/04-encoding.md.  evaluate is decimation in
 * frequency: blocks of len elements are halved until nothing is left, two
 * halvings a sweep (radix 4); value X_t ends at the reversed bits of t.
 * interpolate runs the same sweeps backwards with conjugate factors.
 *
 * Real and imaginary parts lie in arrays of their own and inner loops take
 * TILE elements at a time, so that any compiler makes vectors of them.
 */
#include "embed/fft.h"
#include "embed/roots.h"

enum { TILE = 4 };

/* Behind the struct: for a radix-2 sweep, then for each radix-4 sweep of
 * blocks longer than 4, the factors in the order of use.  A tile of a radix-4
 * sweep is 6 TILE doubles: real parts of e(j / len), imaginary parts, the
 * same for 2 j / len and for 3 j / len, TILE consecutive j each. */
typedef struct radix_tables {
    size_t n;
    size_t size;            /* bytes of the one allocation                   */
    double *factor;
} radix_tables;

static bool radix_odd(size_t n)
{
    int log = 0;

    while (n >> log != 1)
        log++;
    return log % 2 == 1;
}

/* Doubles of all factors: 6 len / 4 for each radix-4 sweep, 1.5 (n + n/4 +
 * ...) < 2n in all; with a radix-2 sweep n + 1.5 (n/2 + n/8 + ...) < 2n. */
static size_t radix_factors(size_t n)
{
    return 2 * n;
}

static void radix_fill(double *out, const double *re, const double *im,
                       size_t n)
{
    size_t len = n;

    if (radix_odd(n)) {
        for (size_t j = 0; j < n / 2; j++) {
            out[j] = re[j];
            out[n / 2 + j] = im[j];
        }
        out += n;
        len = n / 2;
    }
    for (; len > 4; len /= 4)
        for (size_t j = 0; j < len / 4; j += TILE)
            for (size_t r = 1; r <= 3; r++, out += 2 * TILE)
                for (size_t k = 0; k < TILE; k++) {
                    out[k] = re[r * (j + k) * (n / len)];
                    out[TILE + k] = im[r * (j + k) * (n / len)];
                }
}

static ckks_status builtin_init(void **own, const ckks_memory *m, size_t n)
{
    size_t head = 64 * ((sizeof(radix_tables) + 63) / 64);
    size_t size = head + radix_factors(n) * sizeof(double);
    size_t order = n < 4 ? 4 : n;       /* n = 2 reads the first point only  */
    size_t room = 2 * n * sizeof(double);
    radix_tables *t = cki_alloc(m, size);
    double *circle = cki_alloc(m, room);

    if (t == NULL || circle == NULL) {
        cki_free(m, t, size);
        cki_free(m, circle, room);
        return cki_fail(CKKS_EMEM, "ckks_ctx_init: no memory for the FFT");
    }
    t->n = n;
    t->size = size;
    t->factor = (double *)(void *)((char *)t + head);
    cki_roots(circle, circle + n, n, order);
    radix_fill(t->factor, circle, circle + n, n);
    cki_free(m, circle, room);
    *own = t;
    return CKKS_OK;
}

static void builtin_clear(void *own, const ckks_memory *m)
{
    if (own != NULL)
        cki_free(m, own, ((radix_tables *)own)->size);
}

/* The bits of t in reversed order. */
static size_t builtin_place(size_t t, size_t n)
{
    size_t r = 0;

    for (; n > 1; n /= 2, t /= 2)
        r = 2 * r + t % 2;
    return r;
}

/* ---- sweeps ------------------------------------------------------------- */

/* One layer over the whole array: (a, b) -> (a + b, (a - b) e(j / n)). */
static void split_two(double *x, const double *w, size_t n)
{
    double *re = x, *im = x + n;

    for (size_t j = 0; j < n / 2; j++) {
        double ar = re[j], ai = im[j], br = re[n / 2 + j], bi = im[n / 2 + j];
        double dr = ar - br, di = ai - bi, c = w[j], s = w[n / 2 + j];

        re[j] = ar + br;
        im[j] = ai + bi;
        re[n / 2 + j] = dr * c - di * s;
        im[n / 2 + j] = dr * s + di * c;
    }
}

/* (a, b) -> (a + b e(-j / n), a - b e(-j / n)). */
static void join_two(double *x, const double *w, size_t n)
{
    double *re = x, *im = x + n;

    for (size_t j = 0; j < n / 2; j++) {
        double ar = re[j], ai = im[j], br = re[n / 2 + j], bi = im[n / 2 + j];
        double c = w[j], s = w[n / 2 + j];
        double dr = br * c + bi * s, di = bi * c - br * s;

        re[j] = ar + dr;
        im[j] = ai + di;
        re[n / 2 + j] = ar - dr;
        im[n / 2 + j] = ai - di;
    }
}

/* A block of 4q elements, quarters a, b, c, d (q a multiple of TILE):
 *   a <- a + b + c + d
 *   b <- (a - b + c - d) e(2j / 4q)
 *   c <- (a + i b - c - i d) e(j / 4q)
 *   d <- (a - i b - c + i d) e(3j / 4q) */
static void split_four(double *restrict re, double *restrict im,
                       const double *restrict w, size_t q)
{
    for (size_t t = 0; t < q; t += TILE, w += 6 * TILE)
        for (size_t k = 0; k < TILE; k++) {
            size_t j = t + k;
            double ar = re[j], br = re[q + j];
            double cr = re[2 * q + j], dr = re[3 * q + j];
            double ai = im[j], bi = im[q + j];
            double ci = im[2 * q + j], di = im[3 * q + j];
            double ur = ar + cr, ui = ai + ci, vr = ar - cr, vi = ai - ci;
            double sr = br + dr, si = bi + di, tr = br - dr, ti = bi - di;
            double yr = ur - sr, yi = ui - si;      /* a - b + c - d         */
            double zr = vr - ti, zi = vi + tr;      /* v + i t               */
            double hr = vr + ti, hi = vi - tr;      /* v - i t               */

            re[j] = ur + sr;
            im[j] = ui + si;
            re[q + j] = yr * w[2 * TILE + k] - yi * w[3 * TILE + k];
            im[q + j] = yr * w[3 * TILE + k] + yi * w[2 * TILE + k];
            re[2 * q + j] = zr * w[k] - zi * w[TILE + k];
            im[2 * q + j] = zr * w[TILE + k] + zi * w[k];
            re[3 * q + j] = hr * w[4 * TILE + k] - hi * w[5 * TILE + k];
            im[3 * q + j] = hr * w[5 * TILE + k] + hi * w[4 * TILE + k];
        }
}

/* The inverse of split_four, times 4. */
static void join_four(double *restrict re, double *restrict im,
                      const double *restrict w, size_t q)
{
    for (size_t t = 0; t < q; t += TILE, w += 6 * TILE)
        for (size_t k = 0; k < TILE; k++) {
            size_t j = t + k;
            double ar = re[j], br = re[q + j];
            double cr = re[2 * q + j], dr = re[3 * q + j];
            double ai = im[j], bi = im[q + j];
            double ci = im[2 * q + j], di = im[3 * q + j];
            double yr = br * w[2 * TILE + k] + bi * w[3 * TILE + k];
            double yi = bi * w[2 * TILE + k] - br * w[3 * TILE + k];
            double zr = cr * w[k] + ci * w[TILE + k];
            double zi = ci * w[k] - cr * w[TILE + k];
            double hr = dr * w[4 * TILE + k] + di * w[5 * TILE + k];
            double hi = di * w[4 * TILE + k] - dr * w[5 * TILE + k];
            double ur = ar + yr, ui = ai + yi, vr = ar - yr, vi = ai - yi;
            double sr = zr + hr, si = zi + hi, tr = zr - hr, ti = zi - hi;

            re[j] = ur + sr;
            im[j] = ui + si;
            re[q + j] = vr + ti;                    /* v - i t               */
            im[q + j] = vi - tr;
            re[2 * q + j] = ur - sr;
            im[2 * q + j] = ui - si;
            re[3 * q + j] = vr - ti;                /* v + i t               */
            im[3 * q + j] = vi + tr;
        }
}

/* split_four or join_four on all blocks of 4: every factor is 1. */
static void blocks_of_four(double *x, size_t n, bool split)
{
    double *re = x, *im = x + n;

    for (size_t j = 0; j < n; j += 4, re += 4, im += 4) {
        /* The second and third quarter change places on the way back. */
        double br = split ? re[1] : re[2], bi = split ? im[1] : im[2];
        double cr = split ? re[2] : re[1], ci = split ? im[2] : im[1];
        double ur = re[0] + cr, ui = im[0] + ci;
        double vr = re[0] - cr, vi = im[0] - ci;
        double sr = br + re[3], si = bi + im[3];
        double tr = br - re[3], ti = bi - im[3];

        re[0] = ur + sr;
        im[0] = ui + si;
        re[split ? 1 : 2] = ur - sr;
        im[split ? 1 : 2] = ui - si;
        re[split ? 2 : 3] = vr - ti;                /* v + i t               */
        im[split ? 2 : 3] = vi + tr;
        re[split ? 3 : 1] = vr + ti;                /* v - i t               */
        im[split ? 3 : 1] = vi - tr;
    }
}

/* ---- the transforms ----------------------------------------------------- */

static void builtin_evaluate(double *x, const void *own)
{
    const radix_tables *t = own;
    const double *w = t->factor;
    size_t len = t->n;

    if (radix_odd(len)) {
        split_two(x, w, len);
        w += len;
        len /= 2;
    }
    for (; len > 4; w += 6 * (len / 4), len /= 4)
        for (size_t j = 0; j < t->n; j += len)
            split_four(x + j, x + t->n + j, w, len / 4);
    if (len == 4)
        blocks_of_four(x, t->n, true);
}

static void builtin_interpolate(double *x, const void *own)
{
    const radix_tables *t = own;
    const double *w = t->factor;
    size_t len = t->n, first = t->n;

    if (radix_odd(len)) {
        w += len;
        first = len / 2;
    }
    for (len = first; len > 4; len /= 4)            /* to the last factors   */
        w += 6 * (len / 4);
    if (len == 4)
        blocks_of_four(x, t->n, false);
    for (len *= 4; len <= first; len *= 4) {
        w -= 6 * (len / 4);
        for (size_t j = 0; j < t->n; j += len)
            join_four(x + j, x + t->n + j, w, len / 4);
    }
    if (first != t->n)
        join_two(x, t->factor, t->n);
}

const cki_fft_engine cki_fft_builtin = {
    .name = "builtin",
    .split = true,
    .init = builtin_init,
    .clear = builtin_clear,
    .place = builtin_place,
    .evaluate = builtin_evaluate,
    .interpolate = builtin_interpolate
};
