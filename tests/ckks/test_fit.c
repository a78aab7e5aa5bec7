/* test_fit.c -- how many special primes a level uses, by hand and with GMP.
 *
 * The rule is about numbers: that they are prime does not matter to it, so
 * exact ties can be made.
 */
#include <gmp.h>

#include "test.h"

/* The least k >= 1 with p_1 ... p_k at least twice every digit; all if none. */
static int special_by_gmp(const ckks_params *p, int level)
{
    const int alpha = (p->num_primes + p->dnum - 1) / p->dnum;
    int k = 0;
    bool enough = false;
    mpz_t digit, product;

    mpz_init(digit);
    mpz_init_set_ui(product, 1);
    while (!enough && k < p->num_special) {
        mpz_mul_ui(product, product, p->special[k++]);
        enough = true;
        for (int first = 0; first <= level; first += alpha) {
            mpz_set_ui(digit, 2);
            for (int i = first; i < first + alpha && i <= level; i++)
                mpz_mul_ui(digit, digit, p->primes[i]);
            enough &= mpz_cmp(product, digit) >= 0;
        }
    }
    mpz_clears(digit, product, NULL);
    return k;
}

static void check_levels(const ckks_params *p, const int *want,
                         const char *what)
{
    for (int level = 0; level < p->num_primes; level++)
        CHECK(ckks_params_special_at(p, level) == want[level],
              "%s: level %d uses %d, want %d", what, level,
              ckks_params_special_at(p, level), want[level]);
}

TEST(special_primes_of_a_level_by_hand)
{
    /* sizes: 55 + 1 <= 66 bits; 80 + 1 and 90 + 1 <= 99 */
    ckks_params p = { .log_n = 4, .num_primes = 6,
                      .primes = { 30, 25, 40, 40, 45, 45 },
                      .num_special = 3, .special = { 33, 33, 33 }, .dnum = 3,
                      .fitted_special = 1 };

    check_levels(&p, (const int[]){ 1, 2, 2, 3, 3, 3 }, "three digits");
    p.dnum = 6;
    check_levels(&p, (const int[]){ 1, 1, 2, 2, 2, 2 }, "six digits");
    p.fitted_special = 0;
    check_levels(&p, (const int[]){ 3, 3, 3, 3, 3, 3 }, "not fitted");
    p.num_special = 0;
    check_levels(&p, (const int[]){ 0, 0, 0, 0, 0, 0 }, "none, not fitted");
    p.fitted_special = 1;
    check_levels(&p, (const int[]){ 0, 0, 0, 0, 0, 0 }, "none");
    p.num_special = 1;
    check_levels(&p, (const int[]){ 1, 1, 1, 1, 1, 1 }, "never enough");
    p.primes[0] = 1000;         /* a number, not a size: 2000 > 1999, 997    */
    p.num_primes = 1;
    p.dnum = 1;
    p.num_special = 3;
    p.special[0] = 1999;
    check_levels(&p, (const int[]){ 2 }, "2000 against 1999");
    p.special[0] = 2000;
    check_levels(&p, (const int[]){ 1 }, "2000 against 2000");
}

/* A size is the largest number of so many bits: twice 2^30 - 1 is at most
 * 2^31 - 1, and at most 2^31 - 2, but more than 2^31 - 3. */
TEST(sizes_of_special_primes_are_numbers)
{
    ckks_params p = { .log_n = 4, .num_primes = 1, .primes = { 30 },
                      .num_special = 2, .special = { 31, 31 }, .dnum = 1,
                      .fitted_special = 1 };

    check_levels(&p, (const int[]){ 1 }, "30 and 31 bits");
    p.special[0] = 30;
    check_levels(&p, (const int[]){ 2 }, "30 and 30 bits");
    p.special[0] = ((uint64_t)1 << 31) - 3;
    check_levels(&p, (const int[]){ 2 }, "one below");
    p.special[0] = ((uint64_t)1 << 31) - 2;
    check_levels(&p, (const int[]){ 1 }, "the same");
}

/* A digit of m numbers, and special ones that are the same but for the first,
 * which is doubled: a tie, or one more or less.  A second digit is larger by
 * one in its last number. */
TEST(special_primes_at_a_tie)
{
    uint64_t state = 1;

    for (int m = 1; m < CKKS_MAX_SPECIAL; m++)
        for (int change = -1; change <= 1; change++) {
            ckks_params p = { .log_n = 4, .num_primes = 2 * m, .dnum = 2,
                              .num_special = m + 1, .fitted_special = 1 };
            const int top = 2 * m - 1;

            for (int i = 0; i < m; i++) {
                p.primes[i] = (test_word(&state) >> 5) | (uint64_t)1 << 58;
                p.primes[m + i] = p.special[i] = p.primes[i];
            }
            p.primes[top]++;
            p.special[m] = 67;
            p.special[0] = 2 * p.primes[0] + (uint64_t)(int64_t)change;
            CHECK(ckks_params_special_at(&p, m - 1) == m + (change < 0),
                  "%d numbers, %+d: %d", m, change,
                  ckks_params_special_at(&p, m - 1));
            CHECK(ckks_params_special_at(&p, top) == special_by_gmp(&p, top),
                  "%d numbers, %+d, two digits: %d, want %d", m, change,
                  ckks_params_special_at(&p, top), special_by_gmp(&p, top));
        }
}

TEST(special_primes_of_random_parameters)
{
    uint64_t state = 2;
    int fewer = 0, all = 0;

    for (int r = 0; r < 2000; r++) {
        ckks_params p = { .log_n = 4, .fitted_special = 1 };

        p.num_primes = 1 + (int)(test_word(&state) % CKKS_MAX_PRIMES);
        p.num_special = 1 + (int)(test_word(&state) % CKKS_MAX_SPECIAL);
        p.dnum = 1 + (int)(test_word(&state) % (uint64_t)p.num_primes);
        for (int i = 0; i < p.num_primes; i++)
            p.primes[i] = 67 + (test_word(&state)
                                >> (3 + test_word(&state) % 50));
        for (int i = 0; i < p.num_special; i++)
            p.special[i] = 67 + (test_word(&state)
                                 >> (3 + test_word(&state) % 50));
        for (int level = 0; level < p.num_primes; level++) {
            const int got = ckks_params_special_at(&p, level);

            if (!CHECK(got == special_by_gmp(&p, level), "%d primes, dnum %d, "
                       "%d special, level %d: %d, want %d", p.num_primes,
                       p.dnum, p.num_special, level, got,
                       special_by_gmp(&p, level)))
                return;
            fewer += got < p.num_special;
            all += got == p.num_special;
        }
    }
    CHECK(fewer > 1000 && all > 1000, "%d levels use fewer, %d all", fewer,
          all);
}

/* Contexts count with the primes, not with their sizes, and with none where
 * there is no level. */
TEST(special_primes_of_a_context)
{
    for (int fitted = 0; fitted < 2; fitted++) {
        const ckks_params p = { .log_n = 4, .num_primes = 3,
                                .primes = { 40, 40, 40 }, .num_special = 2,
                                .special = { 41, 48 }, .dnum = 2,
                                .security = CKKS_INSECURE,
                                .fitted_special = fitted };
        ckks_params exact;
        ckks_ctx *ctx = NULL;
        char text[2048];

        if (!CHECK_OK(ckks_params_resolve(&exact, &p))
            || !CHECK_OK(ckks_ctx_init(&ctx, &p)))
            return;
        CHECK(exact.fitted_special == fitted, "%d", exact.fitted_special);
        for (int level = 0; level < 3; level++) {
            const int want = fitted ? special_by_gmp(&exact, level) : 2;

            CHECK(ckks_ctx_special_at(ctx, level) == want
                      && ckks_params_special_at(&exact, level) == want,
                  "level %d: %d and %d, want %d", level,
                  ckks_ctx_special_at(ctx, level),
                  ckks_params_special_at(&exact, level), want);
        }
        CHECK(ckks_ctx_special_at(ctx, -1) == 0
                  && ckks_ctx_special_at(ctx, 3) == 0, "levels there are not");
        ckks_ctx_describe(text, sizeof text, ctx);
        CHECK((strstr(text, "fewer at low levels") != NULL) == (fitted == 1),
              "%s", text);
        ckks_ctx_clear(&ctx);
    }
}
