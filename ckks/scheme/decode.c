/* decode.c -- plaintexts to slots.
 *
 * Read first: docs/04-encoding.md, dd.h, embed.h.
 *
 * Every integer |c| < Q/2 is d_0 + d_1 q_0 + d_2 q_0 q_1 + ... with digits
 * |d_i| <= (q_i - 1)/2 in one way (mixed radix; all combinations together
 * reach from -(Q-1)/2 to (Q-1)/2).  d_i follows from residue i and the digits
 * before it, and a coefficient that needs fewer primes has digits 0 above:
 * the first digit past the needed ones, 0 for all coefficients, confirms them.
 *
 * "Needed" begins at products above 2^20 scale: values up to 2^19 are certain.
 * Larger ones are found by that digit; to be missed, all coefficients would
 * have to be small modulo the primes so far (odds 2^-40 even for a single one
 * that is not 0, unless it was made so).
 */
#include <string.h>

#include "base/dd.h"
#include "scheme/context.h"

/* x = digit i, given in x the residues modulo q_i and in digit the i arrays of
 * the digits before.  Returns whether all are 0. */
static bool next_digit(int64_t *x, const int64_t *digit, int i,
                       const ckks_ctx *ctx)
{
    const cki_mod *m = &ctx->rns.mod[i];
    /* A multiple of q_i, from 2^61 to 2^62: above every |d|. */
    const uint64_t p = m->p, offset = (((uint64_t)1 << 61) / p + 1) * p;
    uint64_t any = 0;

    for (int j = 0; j < i; j++) {
        uint64_t w = cki_inv(cki_reduce(ctx->rns.mod[j].p, m), m);
        uint64_t ws = cki_shoup(w, m);
        const int64_t *d = digit + (size_t)j * ctx->n;

        for (size_t k = 0; k < ctx->n; k++)
            x[k] = (int64_t)cki_mul_shoup((uint64_t)x[k] + offset
                                              - (uint64_t)d[k], w, ws, p);
    }
    for (size_t k = 0; k < ctx->n; k++) {
        x[k] -= (int64_t)(p & cki_mask((p / 2 - (uint64_t)x[k]) >> 63));
        any |= (uint64_t)x[k];
    }
    return any == 0;
}

/* A number of 61 bits and a sign, exactly. */
static inline dd dd_from_int(int64_t a)
{
    double h = (double)a;

    return (dd){ h, (double)(a - (int64_t)h) };
}

/* The integer of `used` digits as a double, digit j at d[j n]: rounded once
 * if it is below 2^62 in two digits, else with an error below 2^-52 of it. */
static double from_digits(const int64_t *d, int used, const ckks_ctx *ctx,
                          int64_t small)
{
    int top = used - 1;
    dd v;

    while (top > 0 && d[(size_t)top * ctx->n] == 0)
        top--;
    if (top == 0)
        return (double)d[0];
    if (top == 1 && d[ctx->n] <= small && d[ctx->n] >= -small)
        return (double)(d[ctx->n] * (int64_t)ctx->rns.mod[0].p + d[0]);
    v = dd_from_int(d[(size_t)top * ctx->n]);
    for (int j = top - 1; j >= 0; j--)
        v = dd_add(dd_mul(v, dd_from_int((int64_t)ctx->rns.mod[j].p)),
                   dd_from_int(d[(size_t)j * ctx->n]));
    return v.h;
}

/* Fills digit, shape (level+1, N), as far as needed, and c with the centred
 * coefficients; returns the number of digits made. */
static int coefficients(double *c, int64_t *digit, const ckks_pt *pt)
{
    const ckks_ctx *ctx = pt->ctx;
    double room = (double)ctx->rns.mod[0].p;        /* product of digits     */
    int64_t small = (int64_t)(((uint64_t)1 << 62) / ctx->rns.mod[0].p) - 1;
    int used = 0;

    for (bool done = false; !done && used <= pt->level; used++) {
        int64_t *x = digit + (size_t)used * ctx->n;
        bool enough = used > 0 && room > pt->scale * 0x1p20;

        cki_ntt_inv(&ctx->rns, (uint64_t *)x, cki_pt_limb(pt, used), used);
        done = next_digit(x, digit, used, ctx) && enough;
        if (used > 0)
            room *= (double)ctx->rns.mod[used].p;
    }
    for (size_t k = 0; k < ctx->n; k++)
        c[k] = from_digits(digit + k, used, ctx, small);
    return used;
}

ckks_status ckks_decode(double *re, double *im, size_t n, const ckks_pt *pt)
{
    CKI_NEAREST;
    ckks_status s = cki_check_pt(pt, "ckks_decode");
    const ckks_ctx *ctx;
    double *c, *x;
    size_t size, poly, work;
    int used;

    if (s != CKKS_OK)
        return s;
    ctx = pt->ctx;
    if (re == NULL && n > 0)
        return cki_fail(CKKS_EARG, "ckks_decode: a null pointer");
    if (n > ctx->slots)
        return cki_fail(CKKS_EARG, "ckks_decode: %zu values; there are %zu "
                        "slots", n, ctx->slots);
    poly = ctx->n * sizeof(double);
    work = cki_embed_work(ctx->embed) * sizeof(double);
    size = work + poly * (size_t)(pt->level + 2);
    c = cki_alloc(&ctx->memory, size);
    if (c == NULL)
        return cki_fail(CKKS_EMEM, "ckks_decode: no memory for %zu bytes",
                        size);
    x = c + ctx->n;
    used = coefficients(c, (int64_t *)(void *)((char *)x + work), pt);
    cki_embed_to_slots(re, im, n, x, ctx->embed, c, 1 / pt->scale);
    cki_wipe(c, work + poly * (size_t)(used + 1));
    cki_free(&ctx->memory, c, size);
    return CKKS_OK;
}
