/* test_kernel_lazy.c -- base conversions that leave values for a transform, and
 * transforms that leave them for inner products, in a form of the kernel's own,
 * beside those that leave words. */
#include "kernel_support.h"
#include "ring/rns.h"
#include "scheme/context.h"

enum { MOST_PRIMES = 24, TARGETS = 5 };

/* Limbs of one conversion; v behind the y. */
typedef struct rows {
    uint64_t *y[MOST_PRIMES + 1], *out[TARGETS], *want;
    uint64_t *memory;
} rows;

static void rows_init(rows *r, size_t n)
{
    uint64_t *at = kernel_alloc((MOST_PRIMES + TARGETS + 2) * n * sizeof *at);

    r->memory = at;
    for (int i = 0; i <= MOST_PRIMES; i++, at += n)
        r->y[i] = at;
    for (int i = 0; i < TARGETS; i++, at += n)
        r->out[i] = at;
    r->want = at;
}

static void rows_clear(rows *r, size_t n)
{
    cki_free(&kernel_memory, r->memory,
             (MOST_PRIMES + TARGETS + 2) * n * sizeof *r->memory);
}

/* y_i: anything; or what makes the sums for one target as large as they can be,
 * of one sign at even places and of the other at odd ones. */
static void fill(rows *r, const cki_conv *c, int target, bool extreme,
                 size_t n, uint64_t *state)
{
    for (int i = 0; i < c->len; i++) {
        const uint64_t q = c->mod[c->src[i]].p;
        const bool minus = c->hat[target * c->len + i]
                           > c->mod[target].p / 2;

        for (size_t j = 0; j < n; j++)
            r->y[i][j] = !extreme ? test_word(state) % q
                         : minus == (j % 2 == 0) ? q - 1 : 0;
    }
}

/* `count` targets with one kernel: as words, transformed; and lazily. */
static void check_targets(rows *r, const ckks_ctx *ctx, const cki_conv *c,
                          int first, int count, const cki_kernel *k,
                          cki_ntt *const *ntt)
{
    const uint64_t *const *y = (const uint64_t *const *)r->y;
    const size_t n = ctx->n;
    int target[TARGETS];

    for (int i = 0; i < count; i++)
        target[i] = first + i;
    k->convert_begin(r->y, r->y[c->len], c, !ctx->uncentred, n);
    k->convert_end(r->out, target, count, y, r->y[c->len], c, true, n);
    for (int i = 0; i < count; i++) {
        const cki_ntt *t = ntt[target[i]];

        k->convert_end(&r->want, &target[i], 1, y, r->y[c->len], c, false, n);
        for (size_t j = 0; j < n; j++)
            if (!CHECK(r->want[j] < t->mod.p, "%s, word %zu: %llu", k->name, j,
                       (unsigned long long)r->want[j]))
                break;
        k->ntt_fwd(r->want, t);
        k->ntt_head(r->out[i], t, true);
        for (size_t at = 0; at < n; at += cki_block(n))
            k->ntt_tail(r->out[i], at, t, false, NULL);
        kernel_expect(r->out[i], r->want, n, k, "convert_end, lazy", &t->mod);
    }
}

/* A digit of `len` primes to those behind it, from `least` targets on. */
static void check_digit(const ckks_ctx *ctx, int len, int least,
                        const cki_kernel *k, cki_ntt *const *ntt, rows *r,
                        uint64_t *state)
{
    const cki_conv *c = ctx->rns.digit[len - 1];

    for (int count = least; count <= TARGETS; count++)
        for (int extreme = 0; extreme < 2; extreme++) {
            fill(r, c, len, extreme, ctx->n, state);
            check_targets(r, ctx, c, len, count, k, ntt);
        }
}

/* Inner products of 1 to CKI_LAZY_TERMS transforms, as words and lazily; the
 * other factors as large as they can be at every third place. */
static void check_products(size_t n, const cki_kernel *k, const cki_ntt *t,
                           rows *r, uint64_t *state)
{
    const size_t size = 8 * n + CKI_BEYOND;
    uint64_t *const lazy = kernel_alloc(2 * n * sizeof *lazy);
    uint8_t *const packed = kernel_alloc(2 * size);
    const uint64_t *x[CKI_LAZY_TERMS], *z[CKI_LAZY_TERMS];

    for (int i = 0; i < CKI_LAZY_TERMS; i++) {
        uint64_t *in = r->y[i], *to = r->y[CKI_LAZY_TERMS + i];

        for (size_t j = 0; j < n; j++)
            in[j] = to[j] = test_word(state) % t->mod.p;
        k->ntt_fwd(in, t);
        k->ntt_head(to, t, false);
        for (size_t at = 0; at < n; at += cki_block(n))
            k->ntt_tail(to, at, t, true, NULL);
        x[i] = in;
        z[i] = to;
    }
    for (int h = 0; h < 2; h++) {
        for (size_t j = 0; j < n; j++)
            r->out[h][j] = j % 3 == 0 ? t->mod.p - 1
                                      : test_word(state) % t->mod.p;
        kernel_packed(packed + (size_t)h * size, r->out[h], n, &t->mod);
    }
    for (int terms = 1; terms <= CKI_LAZY_TERMS; terms++) {
        const uint8_t *y[2][CKI_LAZY_TERMS];

        for (int i = 0; i < terms; i++) {
            y[0][i] = packed + (i % 2 == 0 ? 0 : size);
            y[1][i] = packed + (i % 2 == 0 ? size : 0);
        }
        k->dot2(r->out[2], r->out[3], x, NULL, y[0], y[1], terms, false, n,
                &t->mod);
        k->dot2(lazy, lazy + n, z, NULL, y[0], y[1], terms, false, n, &t->mod);
        kernel_expect(lazy, r->out[2], n, k, "ntt_tail, lazy", &t->mod);
        kernel_expect(lazy + n, r->out[3], n, k, "ntt_tail, lazy", &t->mod);
    }
    cki_free(&kernel_memory, packed, 2 * size);
    cki_free(&kernel_memory, lazy, 2 * n * sizeof *lazy);
}

static void check_ring(int log_n, int ring, int bits, uint64_t *state)
{
    ckks_params p = { .log_n = log_n, .ring = ring, .num_primes = MOST_PRIMES,
                      .num_special = MOST_PRIMES, .dnum = 1,
                      .security = CKKS_INSECURE };
    cki_ntt *ntt[MOST_PRIMES] = { NULL };
    ckks_ctx *ctx = NULL;
    rows r;

    for (int i = 0; i < MOST_PRIMES; i++)
        p.primes[i] = p.special[i] = (uint64_t)bits;
    if (!CHECK_OK(ckks_ctx_init(&ctx, &p)))
        return;
    rows_init(&r, ctx->n);
    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++) {
        bool all = (*k)->usable();

        for (int i = 0; i < MOST_PRIMES; i++)
            all = all && kernel_takes(*k, &ctx->rns.mod[i]);
        for (int i = 0; i < MOST_PRIMES && all; i++) {
            const cki_ntt *own = ctx->rns.ntt[i];
            const size_t order = (own->real ? 4u : 2u) * ctx->n;

            CHECK_OK(cki_ntt_init(&ntt[i], *k, &own->mod,
                                  cki_min_root(order, &own->mod), log_n, order,
                                  &kernel_memory));
        }
        for (int len = 1; all && len <= MOST_PRIMES - TARGETS;
             len += len < 9 ? 1 : 5)
            check_digit(ctx, len, log_n < 12 ? 1 : TARGETS, *k, ntt, &r,
                        state);
        for (int i = 0; i < 2 && all; i++)
            check_products(ctx->n, *k, ntt[i], &r, state);
        for (int i = 0; i < MOST_PRIMES; i++)
            cki_ntt_clear(&ntt[i], &kernel_memory);
    }
    rows_clear(&r, ctx->n);
    ckks_ctx_clear(&ctx);
}

TEST(kernel_convert_lazy)
{
    static const int sizes[] = { 30, 46, 47, 48, 49 };
    uint64_t state = 11;

    for (int log_n = 4; log_n <= 10; log_n++)
        for (int ring = 0; ring < 2; ring++)
            for (int i = 0; i < 5; i++)
                check_ring(log_n, ring == 0 ? CKKS_RING_COMPLEX
                                            : CKKS_RING_REAL, sizes[i],
                           &state);
}

/* Long transforms, from N = 2^15 on in parts of several blocks. */
TEST(kernel_convert_lazy_large)
{
    uint64_t state = 12;

    for (int log_n = 13; log_n <= (test_long() ? 17 : 15); log_n++)
        for (int ring = 0; ring < 2; ring++)
            check_ring(log_n, ring == 0 ? CKKS_RING_COMPLEX : CKKS_RING_REAL,
                       49, &state);
}
