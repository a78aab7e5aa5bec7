/* context.c -- parameters checked, a context made from them.
 *
 * Read first: docs/conventions.md, docs/security.md.
 */
#include "scheme/context.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- parameters --------------------------------------------------------- */

static ckks_status check_counts(const ckks_params *p, const char *name)
{
    int security = p->security == 0 ? 128 : p->security;

    if (p->log_n < CKKS_MIN_LOG_N || p->log_n > CKKS_MAX_LOG_N)
        return cki_fail(CKKS_EPARAM, "%s: log_n %d outside %d..%d", name,
                        p->log_n, CKKS_MIN_LOG_N, CKKS_MAX_LOG_N);
    if (p->num_primes < 1 || p->num_primes > CKKS_MAX_PRIMES)
        return cki_fail(CKKS_EPARAM, "%s: %d primes, not 1..%d", name,
                        p->num_primes, CKKS_MAX_PRIMES);
    if (p->num_special < 0 || p->num_special > CKKS_MAX_SPECIAL)
        return cki_fail(CKKS_EPARAM, "%s: %d special primes, not "
                        "0..%d", name, p->num_special, CKKS_MAX_SPECIAL);
    if (p->num_special > 0 && (p->dnum < 1 || p->dnum > p->num_primes))
        return cki_fail(CKKS_EPARAM, "%s: dnum %d, not 1..%d", name,
                        p->dnum, p->num_primes);
    if (p->generator != 0 && p->generator != 3 && p->generator != 5)
        return cki_fail(CKKS_EPARAM, "%s: generator %d, not 3 or 5", name,
                        p->generator);
    if (p->ring != CKKS_RING_COMPLEX && p->ring != CKKS_RING_REAL)
        return cki_fail(CKKS_EPARAM, "%s: ring %d, not 0 or 1", name, p->ring);
    if (p->ring == CKKS_RING_REAL
        && (p->log_n == CKKS_MAX_LOG_N || p->generator == 3
            || p->uncentred_digits != 0))
        return cki_fail(CKKS_EPARAM, "%s: the real ring takes log_n up to %d, "
                        "generator 5, centred digits; asked for %d, %d, %s",
                        name, CKKS_MAX_LOG_N - 1, p->log_n,
                        p->generator == 0 ? 5 : p->generator,
                        p->uncentred_digits != 0 ? "uncentred" : "centred");
    if (security != CKKS_INSECURE && security != 128 && security != 192
        && security != 256)
        return cki_fail(CKKS_EPARAM, "%s: security %d, not 128, "
                        "192, 256 or CKKS_INSECURE", name, security);
    if ((p->memory.allocate == NULL) != (p->memory.release == NULL))
        return cki_fail(CKKS_EPARAM, "%s: one memory hook of two", name);
    return CKKS_OK;
}

/* Roots of unity that a ring needs modulo each prime: of order 2N or 4N. */
static uint64_t root_order(const ckks_params *p)
{
    return (uint64_t)(p->ring == CKKS_RING_REAL ? 4 : 2) << p->log_n;
}

/* Resolves entries of both lists to primes: explicit ones first, so that no
 * size takes a prime that stands in the list. */
static ckks_status resolve_primes(uint64_t *prime, const ckks_params *p,
                                  const char *name)
{
    const int count = p->num_primes + p->num_special;
    const uint64_t step = root_order(p);
    uint64_t entry[CKI_MAX_ALL], used[CKI_MAX_ALL];
    size_t n_used = 0;

    for (int i = 0; i < count; i++)
        entry[i] = i < p->num_primes ? p->primes[i]
                                     : p->special[i - p->num_primes];
    for (int i = 0; i < count; i++) {
        if (entry[i] <= CKKS_MAX_BITS)
            continue;
        if (entry[i] >> CKKS_MAX_BITS != 0 || entry[i] % step != 1
            || !cki_is_prime(entry[i]))
            return cki_fail(CKKS_EPARAM, "%s: entry %d: %llu is no "
                            "prime = 1 mod %llu below 2^%d", name, i,
                            (unsigned long long)entry[i],
                            (unsigned long long)step, CKKS_MAX_BITS);
        for (size_t j = 0; j < n_used; j++)
            if (used[j] == entry[i])
                return cki_fail(CKKS_EPARAM, "%s: entry %d: prime "
                                "%llu stands twice", name, i,
                                (unsigned long long)entry[i]);
        used[n_used++] = prime[i] = entry[i];
    }
    for (int i = 0; i < count; i++) {
        if (entry[i] > CKKS_MAX_BITS)
            continue;
        prime[i] = entry[i] < 3 ? 0 : cki_find_prime((int)entry[i], step, used,
                                                     n_used);
        if (prime[i] == 0)
            return cki_fail(CKKS_EPARAM, "%s: entry %d: no prime of "
                            "%llu bits = 1 mod %llu is left", name, i,
                            (unsigned long long)entry[i],
                            (unsigned long long)step);
        used[n_used++] = prime[i];
    }
    return CKKS_OK;
}

ckks_status ckks_params_resolve(ckks_params *out, const ckks_params *p)
{
    uint64_t prime[CKI_MAX_ALL] = { 0 };
    ckks_params made;
    ckks_status s;

    if (out == NULL || p == NULL)
        return cki_fail(CKKS_EARG, "ckks_params_resolve: null pointer");
    s = check_counts(p, "ckks_params_resolve");
    if (s == CKKS_OK)
        s = resolve_primes(prime, p, "ckks_params_resolve");
    if (s != CKKS_OK)
        return s;
    made = *p;
    for (int i = 0; i < p->num_primes; i++)
        made.primes[i] = prime[i];
    for (int i = 0; i < p->num_special; i++)
        made.special[i] = prime[p->num_primes + i];
    *out = made;
    return CKKS_OK;
}

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
    ctx->rns.order = (size_t)root_order(p);
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
    s = check_counts(p, "ckks_ctx_init");
    if (s == CKKS_OK)
        s = resolve_primes(prime, p, "ckks_ctx_init");
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

/* ---- questions ---------------------------------------------------------- */

int ckks_ctx_log_n(const ckks_ctx *ctx)
{
    return ctx->log_n;
}

size_t ckks_ctx_slots(const ckks_ctx *ctx)
{
    return ctx->slots;
}

int ckks_ctx_ring(const ckks_ctx *ctx)
{
    return ctx->real ? CKKS_RING_REAL : CKKS_RING_COMPLEX;
}

int ckks_ctx_top_level(const ckks_ctx *ctx)
{
    return ctx->num_primes - 1;
}

int ckks_ctx_num_special(const ckks_ctx *ctx)
{
    return ctx->num_special;
}

int ckks_ctx_special_at(const ckks_ctx *ctx, int level)
{
    return level >= 0 && level < ctx->num_primes ? ctx->rns.specials[level]
                                                 : 0;
}

int ckks_ctx_dnum(const ckks_ctx *ctx)
{
    return ctx->dnum;
}

uint64_t ckks_ctx_prime(const ckks_ctx *ctx, int i)
{
    return i >= 0 && i < ctx->num_primes ? ctx->rns.mod[i].p : 0;
}

uint64_t ckks_ctx_special(const ckks_ctx *ctx, int i)
{
    return i >= 0 && i < ctx->num_special
               ? ctx->rns.mod[ctx->num_primes + i].p : 0;
}

double ckks_ctx_log_q(const ckks_ctx *ctx, int level)
{
    return level >= 0 && level < ctx->num_primes ? ctx->log_q[level] : 0;
}

double ckks_ctx_log_qp(const ckks_ctx *ctx)
{
    CKI_NEAREST;
    double bits = ctx->log_q[ctx->num_primes - 1] + ctx->log_p;

    CKI_PIN(bits);
    return bits;
}

int ckks_ctx_security(const ckks_ctx *ctx)
{
    return ctx->security;
}

double ckks_ctx_security_bits(const ckks_ctx *ctx)
{
    return ckks_security_estimate(ctx->log_n, ckks_ctx_log_qp(ctx));
}

const char *ckks_ctx_kernel(const ckks_ctx *ctx)
{
    return ctx->rns.kernel->name;
}

void ckks_ctx_fingerprint(uint8_t out[16], const ckks_ctx *ctx)
{
    memcpy(out, ctx->fingerprint, sizeof ctx->fingerprint);
}

/* Appends to a text of which the first size bytes are kept. */
typedef struct text {
    char  *out;
    size_t size, length;
} text;

static void put(text *t, const char *format, ...) CKI_PRINTF(2, 3);
static void put(text *t, const char *format, ...)
{
    bool room = t->out != NULL && t->length < t->size;
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(room ? t->out + t->length : NULL,
                  room ? t->size - t->length : 0, format, ap);
    va_end(ap);
    if (n > 0)
        t->length += (size_t)n;
}

size_t ckks_ctx_describe(char *out, size_t size, const ckks_ctx *ctx)
{
    text t = { out, size, 0 };

    put(&t, "CKKS, N = 2^%d, %zu %sslots, generator %d, %s digits\n",
        ctx->log_n, ctx->slots, ctx->real ? "real " : "", ctx->generator,
        ctx->uncentred ? "uncentred" : "centred");
    put(&t, "log2(Q) = %.1f in %d primes:", ctx->log_q[ctx->num_primes - 1],
        ctx->num_primes);
    for (int i = 0; i < ctx->num_primes; i++)
        put(&t, " %.1f", log2((double)ctx->rns.mod[i].p));
    put(&t, "\nlog2(P) = %.1f in %d primes%s, dnum = %d\n", ctx->log_p,
        ctx->num_special, ctx->fitted ? ", fewer at low levels" : "",
        ctx->dnum);
    put(&t, "log2(QP) = %.1f, estimated security %.0f bits%s\n",
        ckks_ctx_log_qp(ctx), ckks_ctx_security_bits(ctx),
        ctx->security == CKKS_INSECURE
            ? " -- INSECURE parameters: not checked against the table" : "");
    put(&t, "kernel %s\n", ctx->rns.kernel->name);
    return t.length;
}

/* ---- for the layers above ----------------------------------------------- */

bool cki_same_scale(double a, double b)
{
    return fabs(a - b) <= 0x1p-32 * a;
}

bool cki_scale_fits(const ckks_ctx *ctx, int level, double scale)
{
    return isfinite(scale) && scale >= 1
           && log2(scale) + 1 < ctx->log_q[level];
}

ckks_status cki_check_scale_room(const ckks_ctx *ctx, int level, double scale,
                                 const char *name)
{
    if (cki_scale_fits(ctx, level, scale))
        return CKKS_OK;
    return cki_fail(CKKS_ESCALE, "%s: scale 2^%.2f leaves no room: log2(Q) is "
                    "%.2f at level %d", name, log2(scale), ctx->log_q[level],
                    level);
}

ckks_status cki_check_limb(const uint64_t *x, const ckks_ctx *ctx, int prime,
                           const char *name)
{
    int all;

    if (x == NULL || ctx == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    all = ctx->num_primes + ctx->num_special;
    if (prime < 0 || prime >= all)
        return cki_fail(CKKS_EARG, "%s: prime number %d, outside 0..%d", name,
                        prime, all - 1);
    for (size_t i = 0; i < ctx->n; i++)
        if (x[i] >= ctx->rns.mod[prime].p)
            return cki_fail(CKKS_EARG, "%s: word %zu is %llu, not below the "
                            "prime %llu", name, i, (unsigned long long)x[i],
                            (unsigned long long)ctx->rns.mod[prime].p);
    return CKKS_OK;
}

ckks_status cki_check_real(const ckks_ctx *ctx, double im, const char *name)
{
    if (ctx->real && im != 0)
        return cki_fail(CKKS_EARG, "%s: imaginary part %g; this ring has real "
                        "slots", name, im);
    return CKKS_OK;
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
