/* test_long_limbs.c -- arithmetic on limbs longer than a tile, word by word.
 *
 * The oracle's polynomials are short.  In NTT form products and sums are word
 * by word, so that long ones can be compared with the words of word.h.
 */
#include "test.h"

#include "scheme/context.h"
#include "scheme/check.h"

typedef struct long_world {
    const char *kernel;
    ckks_ctx *ctx;
    uint64_t state;
    ckks_ct a, b;               /* degree 1, words of all sizes              */
    ckks_ct sum;                /* degree 2, of the scale of squares         */
} long_world;

enum { LOG_N = 13, LEVEL = 1 };

static void random_parts(long_world *w, ckks_ct *ct)
{
    for (int h = 0; h <= ct->degree; h++)
        for (int i = 0; i <= ct->level; i++)
            for (size_t k = 0; k < w->ctx->n; k++) {
                uint64_t p = w->ctx->rns.mod[i].p, x = test_word(&w->state);

                cki_ct_limb(ct, h, i)[k] = x % 8 == 0 ? p - 1 : x / 8 % p;
            }
}

static bool long_init(long_world *w, const char *kernel)
{
    const ckks_params p = { .log_n = LOG_N, .num_primes = 2,
                            .primes = { 48, 40 }, .kernel = kernel,
                            .security = CKKS_INSECURE };

    memset(w, 0, sizeof *w);
    w->kernel = kernel;
    w->state = 5;
    if (!CHECK_OK(ckks_ctx_init(&w->ctx, &p))
        || !CHECK_OK(cki_ct_new(&w->a, w->ctx, 1, LEVEL, 0x1p20, "a"))
        || !CHECK_OK(cki_ct_new(&w->b, w->ctx, 1, LEVEL, 0x1p20, "b"))
        || !CHECK_OK(cki_ct_new(&w->sum, w->ctx, 2, LEVEL, 0x1p40, "sum")))
        return false;
    CHECK(w->ctx->n / 2 > 2 * CKI_TILE, "no tiles in %zu words", w->ctx->n);
    random_parts(w, &w->a);
    random_parts(w, &w->b);
    random_parts(w, &w->sum);
    return true;
}

static void long_clear(long_world *w)
{
    ckks_ct_clear(&w->a);
    ckks_ct_clear(&w->b);
    ckks_ct_clear(&w->sum);
    ckks_ctx_clear(&w->ctx);
}

/* got = (x_0 y_0, x_0 y_1 + x_1 y_0, x_1 y_1) + what sum has, if anything. */
static void judge_product(const long_world *w, const ckks_ct *got,
                          const ckks_ct *x, const ckks_ct *y,
                          const ckks_ct *sum, const char *what)
{
    for (int i = 0; i <= LEVEL; i++)
        for (size_t k = 0; k < w->ctx->n; k++) {
            const cki_mod *m = &w->ctx->rns.mod[i];
            uint64_t x0 = cki_ct_limb(x, 0, i)[k], x1 = cki_ct_limb(x, 1, i)[k];
            uint64_t y0 = cki_ct_limb(y, 0, i)[k], y1 = cki_ct_limb(y, 1, i)[k];
            uint64_t want[3] = { cki_mul(x0, y0, m),
                                 cki_add(cki_mul(x0, y1, m),
                                         cki_mul(x1, y0, m), m->p),
                                 cki_mul(x1, y1, m) };

            for (int h = 0; h < 3; h++) {
                uint64_t is = cki_ct_limb(got, h, i)[k];

                if (sum != NULL)
                    want[h] = cki_add(want[h], cki_ct_limb(sum, h, i)[k],
                                      m->p);
                if (!CHECK(is == want[h], "%s, %s: part %d limb %d word %zu: "
                           "%" PRIu64 ", want %" PRIu64, w->kernel, what, h, i,
                           k, is, want[h]))
                    return;
            }
        }
}

static void check_products(long_world *w)
{
    ckks_ct out = { 0 };

    if (CHECK_OK(ckks_mul(&out, &w->a, &w->b)))
        judge_product(w, &out, &w->a, &w->b, NULL, "mul");
    if (CHECK_OK(ckks_square(&out, &w->a)))
        judge_product(w, &out, &w->a, &w->a, NULL, "square");
    if (CHECK_OK(ckks_ct_copy(&out, &w->sum))
        && CHECK_OK(ckks_add_square(&out, &w->a)))
        judge_product(w, &out, &w->a, &w->a, &w->sum, "add_square");
    ckks_ct_clear(&out);
}

/* Adding a number is adding the plaintext that has it in every slot. */
static void check_add_const(long_world *w)
{
    const size_t words = 2 * cki_words(w->ctx, LEVEL);
    ckks_ct out = { 0 }, want = { 0 };
    ckks_pt pt = { 0 };

    if (CHECK_OK(ckks_encode_const(&pt, w->ctx, -1.25, 3.5, LEVEL, 0x1p20))
        && CHECK_OK(ckks_add_plain(&want, &w->a, &pt))
        && CHECK_OK(ckks_add_const(&out, &w->a, -1.25, 3.5)))
        CHECK(memcmp(out.limb, want.limb, words * sizeof *out.limb) == 0,
              "%s: add_const is not add_plain", w->kernel);
    if (CHECK_OK(ckks_ct_copy(&out, &w->a))
        && CHECK_OK(ckks_add_const(&out, &out, -1.25, 3.5)))
        CHECK(memcmp(out.limb, want.limb, words * sizeof *out.limb) == 0,
              "%s: add_const in place is not add_plain", w->kernel);
    ckks_ct_clear(&out);
    ckks_ct_clear(&want);
    ckks_pt_clear(&pt);
}

TEST(long_limbs_in_tiles)
{
    for (size_t k = 0; cki_kernels[k] != NULL; k++) {
        long_world w;

        if (!cki_kernels[k]->usable())
            continue;
        if (long_init(&w, cki_kernels[k]->name)) {
            check_products(&w);
            check_add_const(&w);
        }
        long_clear(&w);
    }
}
