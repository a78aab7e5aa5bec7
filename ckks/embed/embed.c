/* embed.c -- slots to real coefficients and back, in doubles.
 *
 * Read first: docs/04-encoding.md, docs/conventions.md, embed.h.
 *
 * Let n = N/2, zeta = e(1 / 2N), m = sum of c_k X^k.  As zeta^(k + n) is
 * i zeta^k, the value of m at zeta^(4t + 1) is
 *
 *     V_t = sum over k < n of (c_k + i c_(k+n)) zeta^k e(t k / n):
 *
 * a twist by zeta^k and an FFT of n points.  Slot j is the value at zeta^u,
 * u = generator^j mod 2N: V_((u-1)/4) if u = 1 mod 4, else the conjugate of
 * V_((2N-u-1)/4), as c_k is real.
 *
 * A polynomial of the real ring is one of Z[X]/(X^2N + 1) with c_k = a_k for
 * k < N, c_N = 0 and c_(2N-k) = -a_k: the same with 2N for N.  Its values are
 * real, and the N of them that belong to generator 5 are all there are.
 */
#include <math.h>
#include <string.h>

#include "embed/embed.h"
#include "embed/roots.h"

#define SLOT_CONJ ((uint32_t)1 << 31)

struct cki_embed {
    const cki_fft_engine *engine;
    void *own;
    bool real;
    size_t n;               /* N/2; real ring: N                             */
    size_t step, imag;      /* element k: x[step k] + i x[step k + imag]     */
    double *twist;          /* shape (2, n): real, imaginary part of zeta^k  */
    uint32_t *slot;         /* shape (n): place of slot j; SLOT_CONJ if its  */
                            /*   conjugate stands there                      */
    size_t size;            /* bytes of the one allocation                   */
};

ckks_status cki_embed_init_engine(cki_embed **out, const ckks_memory *m,
                                  int log_n, int generator, bool real,
                                  const cki_fft_engine *engine)
{
    size_t n = (size_t)1 << (real ? log_n : log_n - 1), order = 4 * n;
    size_t head = 64 * ((sizeof(cki_embed) + 63) / 64);
    size_t size = head + n * (2 * sizeof(double) + sizeof(uint32_t));
    size_t u = 1;
    cki_embed *f = cki_alloc(m, size);
    ckks_status s;

    if (f == NULL)
        return cki_fail(CKKS_EMEM, "ckks_ctx_init: no memory for the encoder");
    *f = (cki_embed){ .engine = engine, .real = real, .n = n, .size = size };
    s = engine->init(&f->own, m, n);
    if (s != CKKS_OK) {
        cki_free(m, f, size);
        return s;
    }
    f->step = engine->split ? 1 : 2;
    f->imag = engine->split ? n : 1;
    f->twist = (double *)(void *)((char *)f + head);
    f->slot = (uint32_t *)(void *)(f->twist + 2 * n);
    cki_roots(f->twist, f->twist + n, n, order);
    for (size_t j = 0; j < n; j++) {
        bool conj = u % 4 != 1;
        size_t t = ((conj ? order - u : u) - 1) / 4;

        f->slot[j] = (uint32_t)engine->place(t, n) | (conj ? SLOT_CONJ : 0);
        u = u * (size_t)generator % order;
    }
    *out = f;
    return CKKS_OK;
}

ckks_status cki_embed_init(cki_embed **out, const ckks_memory *m, int log_n,
                           int generator, bool real)
{
    return cki_embed_init_engine(out, m, log_n, generator, real, CKI_FFT);
}

size_t cki_embed_work(const cki_embed *f)
{
    return 2 * f->n;
}

void cki_embed_clear(cki_embed **embed, const ckks_memory *m)
{
    if (*embed == NULL)
        return;
    (*embed)->engine->clear((*embed)->own, m);
    cki_free(m, *embed, (*embed)->size);
    *embed = NULL;
}

/* x = the values in the engine's order; im may be NULL. */
static void slots_gather(double *x, const cki_embed *f, const double *re,
                         const double *im, size_t count)
{
    if (count < f->n)                   /* else every place is written       */
        memset(x, 0, 2 * f->n * sizeof *x);
    for (size_t j = 0; j < count; j++) {
        size_t at = (f->slot[j] & ~SLOT_CONJ) * f->step;
        double y = im == NULL || f->real ? 0 : im[j];

        x[at] = re[j];
        x[at + f->imag] = f->slot[j] & SLOT_CONJ ? -y : y;
    }
}

static void slots_scatter(double *re, double *im, size_t count,
                          const double *x, const cki_embed *f)
{
    for (size_t j = 0; j < count; j++) {
        size_t at = (f->slot[j] & ~SLOT_CONJ) * f->step;

        re[j] = x[at];
        if (im != NULL)
            im[j] = f->real ? 0
                    : f->slot[j] & SLOT_CONJ ? -x[at + f->imag]
                                             : x[at + f->imag];
    }
}

/* c_k + i c_(k+n) = factor x_k / zeta^k: real parts are the first n
 * coefficients, imaginary parts the other n.  The real ring has only the first:
 * there c_(k+n) says the same once more (-c_(n-k)) and is not stored.  Returns
 * the largest |c_k|, or infinity if one of them is not a number. */
static double untwist(double *c, const double *x, const cki_embed *f,
                      double factor)
{
    const double *cosine = f->twist, *sine = f->twist + f->n;
    double top = 0;
    bool number = true;

    for (size_t k = 0; k < f->n; k++) {
        double a = x[k * f->step], b = x[k * f->step + f->imag];
        double re = (a * cosine[k] + b * sine[k]) * factor;
        double im = (b * cosine[k] - a * sine[k]) * factor;

        c[k] = re;
        if (!f->real)
            c[f->n + k] = im;
        re = fabs(re);
        im = fabs(im);
        number &= re + im >= 0;
        top = re > top ? re : top;
        top = im > top ? im : top;
    }
    return number ? top : HUGE_VAL;
}

/* x_k = (c_k + i c_(k+n)) zeta^k factor */
static void twist(double *x, const double *c, const cki_embed *f, double factor)
{
    const double *cosine = f->twist, *sine = f->twist + f->n;

    for (size_t k = 0; k < f->n; k++) {
        const double upper = !f->real ? c[f->n + k]
                             : k > 0  ? -c[f->n - k]
                                      : 0;
        double a = c[k] * factor, b = upper * factor;

        x[k * f->step] = a * cosine[k] - b * sine[k];
        x[k * f->step + f->imag] = a * sine[k] + b * cosine[k];
    }
}

double cki_embed_to_poly(double *c, double *work, const cki_embed *f,
                         const double *re, const double *im, size_t count,
                         double factor)
{
    slots_gather(work, f, re, im, count);
    f->engine->interpolate(work, f->own);
    return untwist(c, work, f, factor / (double)f->n);
}

void cki_embed_to_slots(double *re, double *im, size_t count, double *work,
                        const cki_embed *f, const double *c, double factor)
{
    twist(work, c, f, factor);
    f->engine->evaluate(work, f->own);
    slots_scatter(re, im, count, work, f);
}
