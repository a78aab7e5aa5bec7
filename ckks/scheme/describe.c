/* describe.c -- what may be asked of a context, and its description. */
#include "scheme/context.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
