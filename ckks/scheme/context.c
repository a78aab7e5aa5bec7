/* context.c -- a context made from parameters.
 *
 * Read first: docs/conventions.md, docs/security.md.
 */
#include "scheme/context.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what a set of primes must keep ------------------------------------- */

static ckks_status check_security(const ckks_ctx *ctx)
{
    double log_qp = ckks_ctx_log_qp(ctx);
    int limit = ckks_max_log_qp(ctx->log_n, ctx->security);

    if (ctx->security == CKKS_INSECURE || log_qp <= limit)
        return CKKS_OK;
    return cki_fail(CKKS_EPARAM, "ckks_ctx_init: log2(QP) is %.1f; at N = 2^%d "
                    "and %d bits of security it may be %d", log_qp, ctx->log_n,
                    ctx->security, limit);
}

/* Noise of key switching grows by (largest digit) / P. */
static ckks_status check_digits(const ckks_ctx *ctx)
{
    for (int first = 0; ctx->num_special > 0 && first < ctx->num_primes;
         first += ctx->alpha) {
        int last = first + ctx->alpha < ctx->num_primes
                       ? first + ctx->alpha : ctx->num_primes;
        double bits = ctx->log_q[last - 1]
                      - (first > 0 ? ctx->log_q[first - 1] : 0);

        if (bits > ctx->log_p + 1)
            return cki_fail(CKKS_EPARAM, "ckks_ctx_init: the digit of primes "
                            "%d..%d has %.1f bits, the special primes have "
                            "%.1f: use more of these or a larger dnum", first,
                            last - 1, bits, ctx->log_p);
    }
    return CKKS_OK;
}

/* ---- fingerprint -------------------------------------------------------- */

static void put64(uint8_t *out, uint64_t x)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(x >> 8 * i);
}

/* BLAKE2b-128 of words: version of the conventions, log N, counts, dnum,
 * generator, digits, then the primes. */
static void make_fingerprint(ckks_ctx *ctx)
{
    uint8_t text[8 * (7 + CKI_MAX_ALL)];
    const uint64_t head[7] = { 1, (uint64_t)ctx->log_n,
                               (uint64_t)ctx->num_primes,
                               (uint64_t)ctx->num_special,
                               (uint64_t)ctx->dnum, (uint64_t)ctx->generator,
                               cki_ctx_flags(ctx) };
    size_t n = 0;

    for (; n < 7; n++)
        put64(text + 8 * n, head[n]);
    for (int i = 0; i < ctx->num_primes + ctx->num_special; i++, n++)
        put64(text + 8 * n, ctx->rns.mod[i].p);
    ckks_blake2b(ctx->fingerprint, sizeof ctx->fingerprint, text, 8 * n, NULL,
                 0);
}

/* ---- init --------------------------------------------------------------- */

static void fill_context(ckks_ctx *ctx, const ckks_params *p,
                         const uint64_t *prime)
{
    double log_q = 0;

    ctx->memory = p->memory;
    ctx->log_n = ctx->rns.log_n = p->log_n;
    ctx->n = ctx->rns.n = (size_t)1 << p->log_n;
    ctx->num_primes = ctx->rns.num_primes = p->num_primes;
    ctx->num_special = ctx->rns.num_special = p->num_special;
    ctx->dnum = p->num_special > 0 ? p->dnum : 1;
    ctx->alpha = (p->num_primes + ctx->dnum - 1) / ctx->dnum;
    ctx->generator = p->generator == 0 ? 5 : p->generator;
    ctx->security = p->security == 0 ? 128 : p->security;
    ctx->uncentred = p->uncentred_digits != 0;
    ctx->fitted = p->fitted_special != 0;
    ctx->real = p->ring == CKKS_RING_REAL;
    ctx->slots = ctx->real ? ctx->n : ctx->n / 2;
    ctx->rns.order = (size_t)cki_root_order(p);
    for (int i = 0; i < p->num_primes + p->num_special; i++)
        ctx->rns.mod[i] = cki_mod_make(prime[i]);
    for (int i = 0; i < p->num_primes; i++)
        ctx->log_q[i] = log_q += log2((double)prime[i]);
    for (int i = 0; i < p->num_special; i++)
        ctx->log_p += log2((double)prime[p->num_primes + i]);
}

/* The special primes of each level; p with primes for sizes. */
static void fit_special(ckks_ctx *ctx, const ckks_params *p,
                        const uint64_t *prime)
{
    ckks_params resolved = *p;

    for (int i = 0; i < p->num_primes; i++)
        resolved.primes[i] = prime[i];
    for (int i = 0; i < p->num_special; i++)
        resolved.special[i] = prime[p->num_primes + i];
    for (int level = 0; level < p->num_primes; level++)
        ctx->rns.specials[level] = ckks_params_special_at(&resolved, level);
}

static ckks_status choose_kernel(ckks_ctx *ctx, const ckks_params *p)
{
    const char *name = p->kernel;
    int bits = 0;

    for (int i = 0; i < ctx->num_primes + ctx->num_special; i++)
        if (ctx->rns.mod[i].bits > bits)
            bits = ctx->rns.mod[i].bits;
    if (name == NULL)
        name = getenv("CKKS_KERNEL");
    if (name != NULL && *name == '\0')
        name = NULL;
    return cki_kernel_choose(&ctx->rns.kernel, name, bits, &ctx->memory);
}

ckks_status ckks_ctx_init(ckks_ctx **out, const ckks_params *p)
{
    CKI_NEAREST;
    uint64_t prime[CKI_MAX_ALL] = { 0 };
    ckks_ctx *ctx = NULL;
    ckks_status s;

    if (out == NULL || p == NULL)
        return cki_fail(CKKS_EARG, "ckks_ctx_init: null pointer");
    s = cki_params_primes(prime, p, "ckks_ctx_init");
    if (s != CKKS_OK)
        return s;
    ctx = cki_alloc(&p->memory, sizeof *ctx);
    if (ctx == NULL)
        return cki_fail(CKKS_EMEM, "ckks_ctx_init: no memory for %zu bytes",
                        sizeof *ctx);
    memset(ctx, 0, sizeof *ctx);
    fill_context(ctx, p, prime);
    fit_special(ctx, p, prime);
    s = check_security(ctx);
    if (s == CKKS_OK)
        s = check_digits(ctx);
    if (s == CKKS_OK)
        s = choose_kernel(ctx, p);
    if (s == CKKS_OK)
        s = cki_rns_init(&ctx->rns, &ctx->memory, ctx->alpha);
    if (s == CKKS_OK)
        s = cki_embed_init(&ctx->embed, &ctx->memory, ctx->log_n,
                           ctx->generator, ctx->real);
    if (s != CKKS_OK) {
        ckks_ctx_clear(&ctx);
        return s;
    }
    make_fingerprint(ctx);
    *out = ctx;
    return CKKS_OK;
}

void ckks_ctx_clear(ckks_ctx **ctx)
{
    ckks_memory m;

    if (ctx == NULL || *ctx == NULL)
        return;
    m = (*ctx)->memory;
    cki_embed_clear(&(*ctx)->embed, &m);
    cki_rns_clear(&(*ctx)->rns, &m);
    cki_free(&m, *ctx, sizeof **ctx);
    *ctx = NULL;
}

uint32_t cki_galois_element(const ckks_ctx *ctx, int step)
{
    const int64_t slots = (int64_t)ctx->slots;
    const uint64_t mask = ctx->rns.order - 1;
    uint64_t e = (uint64_t)(((int64_t)step % slots + slots) % slots);
    uint64_t g = 1, base = (uint64_t)ctx->generator;

    for (; e > 0; e >>= 1) {
        if (e & 1)
            g = g * base & mask;
        base = base * base & mask;
    }
    return (uint32_t)g;
}
