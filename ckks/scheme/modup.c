/* modup.c -- polynomials cut into digits, digits extended.
 *
 * Read first: modup.h, docs/07-key-switching.md.
 */
#include "scheme/modup.h"

cki_modup cki_modup_of(const ckks_ctx *ctx, int level)
{
    const int specials = ctx->rns.specials[level];

    return (cki_modup){ .ctx = ctx, .level = level,
                        .digits = level / ctx->alpha + 1,
                        .specials = specials,
                        .scaled = specials < ctx->num_special };
}

static bool in_digit(const cki_modup *u, int j, int t)
{
    return t <= u->level && t / u->ctx->alpha == j;
}

/* The scaled coefficients of digit j of x number i; behind them v. */
static uint64_t *digit_y(const cki_modup *u, size_t i, int j)
{
    return u->y + (i * cki_modup_limbs(u) + (size_t)(j * (u->ctx->alpha + 1)))
                      * cki_apart(u->ctx->n);
}

/* Limb t of x number i as it is switched, NTT form. */
static uint64_t *scaled_limb(const cki_modup *u, size_t i, int t)
{
    return u->y + (i * cki_modup_limbs(u)
                   + (size_t)(u->level + 1 + u->digits + t))
                      * cki_apart(u->ctx->n);
}

static int digit_len(const cki_modup *u, int j)
{
    int rest = u->level + 1 - j * u->ctx->alpha;

    return rest < u->ctx->alpha ? rest : u->ctx->alpha;
}

static uint64_t *digit_v(const cki_modup *u, size_t i, int j)
{
    return digit_y(u, i, j) + (size_t)digit_len(u, j) * cki_apart(u->ctx->n);
}

/* Limb t of x / R, x number i. */
static const uint64_t *scale_limb(const cki_modup *u, const uint64_t *x,
                                  size_t i, int t)
{
    const cki_rns *r = &u->ctx->rns;
    const cki_mod *m = &r->mod[t];
    uint64_t *to = scaled_limb(u, i, t);

    r->kernel->scale_add(to, x + (size_t)t * r->n,
                         cki_mul(r->p_inv[r->num_special][t],
                                 r->p_mod[u->specials][t], m),
                         NULL, r->n, m);
    return to;
}

void cki_modup_cut(const cki_modup *u, const uint64_t *x, size_t i, int j)
{
    CKI_NEAREST;
    const size_t n = u->ctx->n;
    const int first = j * u->ctx->alpha, len = digit_len(u, j);
    const cki_conv *c = u->ctx->rns.digit[first + len - 1];
    uint64_t *y[CKKS_MAX_PRIMES];

    for (int k = 0; k < len; k++) {
        const uint64_t *in = x + (size_t)(first + k) * n;

        if (u->scaled)
            in = scale_limb(u, x, i, first + k);
        y[k] = digit_y(u, i, j) + (size_t)k * cki_apart(n);
        cki_ntt_inv_times(&u->ctx->rns, y[k], in, c->inv[k], first + k);
    }
    u->ctx->rns.kernel->convert_begin(y, digit_v(u, i, j), c,
                                      !u->ctx->uncentred, n);
}

/* Where digit j is extended to limb number k of a group. */
static size_t digit_at(const cki_modup *u, int j, int k)
{
    return (size_t)(j * CKI_GROUP + k) * cki_apart(u->ctx->n);
}

void cki_modup_extend(const cki_modup *u, uint64_t *digit, size_t i,
                      const int *t, int count)
{
    const size_t n = u->ctx->n;

    for (int j = 0; j < u->digits; j++) {
        const int len = digit_len(u, j);
        const uint64_t *y[CKKS_MAX_PRIMES];
        uint64_t *out[CKI_GROUP];
        int target[CKI_GROUP], made = 0;

        for (int k = 0; k < len; k++)
            y[k] = digit_y(u, i, j) + (size_t)k * cki_apart(n);
        for (int k = 0; k < count; k++)
            if (!in_digit(u, j, t[k])) {
                target[made] = cki_modup_prime(u, t[k]);
                out[made++] = digit + digit_at(u, j, k);
            }
        u->ctx->rns.kernel->convert_end(
            out, target, made, y, digit_v(u, i, j),
            u->ctx->rns.digit[j * u->ctx->alpha + len - 1], true, n);
        for (int k = 0; k < made; k++)
            u->ctx->rns.kernel->ntt_head(
                out[k], u->ctx->rns.ntt[target[k]], true);
    }
}

void cki_modup_end(const cki_modup *u, uint64_t *digit, int k, int t,
                   size_t at, const cki_soon *soon)
{
    const cki_rns *r = &u->ctx->rns;
    const cki_soon *own = NULL;     /* what no transform of its own asks for */

    for (int j = 0; j < u->digits; j++)
        if (in_digit(u, j, t))
            own = &soon[j];
    for (int j = 0; j < u->digits; j++)
        if (!in_digit(u, j, t)) {
            cki_soon ask = soon[j];

            if (own != NULL) {
                ask.x[2] = own->x[0];
                ask.x[3] = own->x[1];
                own = NULL;
            }
            r->kernel->ntt_tail(digit + digit_at(u, j, k), at,
                                r->ntt[cki_modup_prime(u, t)],
                                u->digits <= CKI_LAZY_TERMS, &ask);
        }
}

const uint64_t *cki_modup_row(const cki_modup *u, const uint64_t *digit, int k,
                              const uint64_t *x, size_t i, int j, int t)
{
    return !in_digit(u, j, t) ? digit + digit_at(u, j, k)
           : u->scaled        ? scaled_limb(u, i, t)
                              : x + (size_t)t * u->ctx->n;
}
