/* combine_periodic.c -- combinations whose weights repeat along the slots.
 *
 * Read first: docs/12-volley.md, "Channels in the gaps"; combine.c.
 *
 * In the real ring the polynomials in Y = X^M, M = N / T, are those whose slots
 * repeat after T.  Word j of an NTT is the value at psi^(4 br(j) + 1), where Y
 * is psi^(M (4 br(j) + 1)): that depends on br(j) modulo T, the high bits of j
 * alone, so that it is the same in each of T runs of M words.  A weight is T
 * words a prime, and a product by it one by a number, run by run.
 *
 * The words of Y^i + Y^-i follow from those of Y + Y^-1: with t_0 = 2,
 * t_(i+1) = t_1 t_i - t_(i-1).
 */
#include <string.h>

#include "scheme/check.h"

enum { MOST_PERIOD = 64, COLUMNS = 32 };

static const char name[] = "ckks_combine_periodic";

/* What a call keeps. */
typedef struct scratch {
    char *base;
    size_t size;
    ckks_ct *made;              /* shape (outputs)                           */
    uint8_t *seen;              /* shape (outputs)                           */
    uint64_t *theta;            /* shape (period, period): of Y^i + Y^-i in
                                   run j                                     */
    uint64_t *limb;             /* shape (N)                                 */
    uint64_t *word;             /* shape (period, groups of rows, terms, 8)  */
    size_t words;               /* of one run                                */
    const uint64_t **from;      /* shape (2 period, most terms)              */
    size_t most;
    uint64_t *tile;             /* shape (2 period, inputs, COLUMNS)         */
} scratch;

static size_t row_groups(const ckks_block *b)
{
    return (b->rows + CKI_ROWS - 1) / CKI_ROWS;
}

static ckks_status scratch_init(scratch *w, const ckks_ctx *ctx, size_t n_out,
                                size_t n_in, const ckks_block *block,
                                size_t n_blocks, size_t period)
{
    size_t word = sizeof *w->word, from;

    for (size_t b = 0; b < n_blocks; b++) {
        w->words += row_groups(&block[b]) * block[b].terms * CKI_ROWS;
        if (block[b].terms > w->most)
            w->most = block[b].terms;
    }
    from = 2 * period * w->most * sizeof *w->from;
    w->size = n_out * sizeof *w->made + from
              + (period * period + ctx->n + period * w->words
                 + 2 * period * n_in * COLUMNS) * word + n_out;
    w->base = cki_alloc(&ctx->memory, w->size);
    if (w->base == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name,
                        w->size);
    w->tile = (uint64_t *)(void *)w->base;
    w->theta = w->tile + 2 * period * n_in * COLUMNS;
    w->limb = w->theta + period * period;
    w->word = w->limb + ctx->n;
    w->from = (const uint64_t **)(void *)(w->word + period * w->words);
    w->made = (ckks_ct *)(void *)((char *)(void *)w->from + from);
    w->seen = (uint8_t *)(void *)(w->made + n_out);
    memset(w->made, 0, n_out * sizeof *w->made + n_out);
    return CKKS_OK;
}

/* theta of prime number i. */
static void fill_theta(const scratch *w, const ckks_ctx *ctx, int prime,
                       size_t period)
{
    const cki_mod *m = &ctx->rns.mod[prime];
    const size_t run = ctx->n / period;

    memset(w->limb, 0, ctx->n * sizeof *w->limb);
    w->limb[period > 1 ? run : 0] = 1;
    cki_ntt_fwd(&ctx->rns, w->limb, prime);
    for (size_t j = 0; j < period; j++) {
        uint64_t before = 2, at = w->limb[j * run];
        const uint64_t first = at;

        w->theta[j] = 1;
        for (size_t i = 1; i < period; i++) {
            const uint64_t next = cki_sub(cki_mul(first, at, m), before, m->p);

            w->theta[i * period + j] = at;
            before = at;
            at = next;
        }
    }
}

/* The words of one weight, of run j at to[j words].  The sums are signed:
 * |a_i| <= 2^31 and words below 2^61, 64 of them. */
static void fill_weight(uint64_t *to, size_t words, const int32_t *a,
                        const uint64_t *theta, size_t period, const cki_mod *m)
{
    for (size_t j = 0; j < period; j++) {
        uint64_t s = 0;

        for (size_t i = 0; i < period; i++)
            if (a[i] != 0)
                s = cki_add(s, cki_mul(cki_from_signed(a[i], m),
                                       theta[i * period + j], m), m->p);
        to[j * words] = s;
    }
}

static void fill_words(const scratch *w, const ckks_block *block,
                       size_t n_blocks, size_t period, const cki_mod *m)
{
    uint64_t *to = w->word;

    memset(w->word, 0, period * w->words * sizeof *w->word);
    for (const ckks_block *b = block; b < block + n_blocks; b++) {
        const size_t rows = b->rows, terms = b->terms;

        CKI_PARALLEL
        for (size_t r = 0; r < rows; r++)
            for (size_t k = 0; k < terms; k++)
                fill_weight(to + (r / CKI_ROWS * terms + k) * CKI_ROWS
                                + r % CKI_ROWS,
                            w->words, b->weight + (r * terms + k) * period,
                            w->theta, period, m);
        to += row_groups(b) * terms * CKI_ROWS;
    }
}

/* All blocks, `count` columns from `at` on. */
static void columns(const scratch *w, const ckks_ctx *ctx, int part, int prime,
                    size_t task, size_t at, size_t count,
                    const ckks_ct *const *in, size_t n_in,
                    const ckks_block *block, size_t n_blocks, size_t period)
{
    uint64_t *tile = w->tile + task * n_in * COLUMNS;
    const uint64_t **from = w->from + task * w->most;
    const uint64_t *word = w->word + task % period * w->words;

    for (size_t k = 0; k < n_in; k++)
        memcpy(tile + k * COLUMNS, cki_ct_limb(in[k], part, prime) + at,
               count * sizeof *tile);
    for (const ckks_block *b = block; b < block + n_blocks; b++) {
        for (size_t k = 0; k < b->terms; k++)
            from[k] = tile + (size_t)b->index[k] * COLUMNS;
        for (size_t r = 0; r < b->rows; r += CKI_ROWS) {
            const size_t rows = b->rows - r < CKI_ROWS ? b->rows - r : CKI_ROWS;
            uint64_t *to[CKI_ROWS];

            for (size_t i = 0; i < rows; i++)
                to[i] = cki_ct_limb(&w->made[b->first + r + i], part, prime)
                        + at;
            ctx->rns.kernel->weigh(to, rows, from, word, b->terms, count,
                                   &ctx->rns.mod[prime]);
            word += b->terms * CKI_ROWS;
        }
    }
}

/* A task is one half of a run. */
static void run_limb(const scratch *w, const ckks_ctx *ctx, int prime,
                     const ckks_ct *const *in, size_t n_in,
                     const ckks_block *block, size_t n_blocks, size_t period)
{
    const size_t run = ctx->n / period;

    CKI_PARALLEL
    for (size_t task = 0; task < 2 * period; task++)
        for (size_t i = 0; i < run; i += COLUMNS)
            columns(w, ctx, (int)(task / period), prime, task,
                    task % period * run + i,
                    run - i < COLUMNS ? run - i : COLUMNS, in, n_in, block,
                    n_blocks, period);
}

static ckks_status check_period(const ckks_ctx *ctx, int period)
{
    if (!ctx->real)
        return cki_fail(CKKS_EARG, "%s: the complex ring", name);
    if (period < 1 || period > MOST_PERIOD || (period & (period - 1)) != 0
        || (size_t)period > ctx->n / 8)
        return cki_fail(CKKS_EARG, "%s: a period of %d slots; powers of two "
                        "from 1 to %d and %zu are there", name, period,
                        MOST_PERIOD, ctx->n / 8);
    return CKKS_OK;
}

ckks_status ckks_combine_periodic(ckks_ct *const *out, size_t n_out,
                                  const ckks_ct *const *in, size_t n_in,
                                  const ckks_block *block, size_t n_blocks,
                                  int period, double scale)
{
    CKI_NEAREST;
    CKI_PIN(scale);
    const ckks_ctx *ctx;
    scratch w = { 0 };
    ckks_status s;

    if (out == NULL || in == NULL || block == NULL || n_in == 0
        || n_out == 0)
        return cki_fail(CKKS_EARG, "%s: null pointer, no inputs or no outputs",
                        name);
    s = cki_check_combined(in, n_in, scale, name);
    if (s == CKKS_OK)
        s = check_period(in[0]->ctx, period);
    if (s != CKKS_OK)
        return s;
    ctx = in[0]->ctx;
    s = scratch_init(&w, ctx, n_out, n_in, block, n_blocks, (size_t)period);
    if (s != CKKS_OK)
        return s;
    s = cki_check_blocks(out, n_out, block, n_blocks, n_in, w.seen, false,
                         name);
    for (size_t k = 0; k < n_out && s == CKKS_OK; k++)
        s = cki_ct_new(&w.made[k], ctx, 1, in[0]->level, scale, name);
    for (int i = 0; i <= in[0]->level && s == CKKS_OK; i++) {
        fill_theta(&w, ctx, i, (size_t)period);
        fill_words(&w, block, n_blocks, (size_t)period, &ctx->rns.mod[i]);
        run_limb(&w, ctx, i, in, n_in, block, n_blocks, (size_t)period);
    }
    for (size_t k = 0; k < n_out && s == CKKS_OK; k++)
        cki_ct_give(out[k], &w.made[k]);
    for (size_t k = 0; k < n_out; k++)
        ckks_ct_clear(&w.made[k]);
    cki_free(&ctx->memory, w.base, w.size);
    return s;
}
