/* test_misuse_arith.c -- every refusal of arithmetic, rotations and
 * combinations: the right status, words with numbers, nothing changed.
 */
#include "misuse_support.h"

#include <math.h>

/* Null pointers and objects never made, for out = f(a) and out = f(a, b). */
#define ONE(f)                                                            \
    do {                                                                  \
        REFUSED(&m, CKKS_EARG, #f, f(NULL, &m.ct));                       \
        REFUSED(&m, CKKS_EARG, #f, f(&m.out, NULL));                      \
        REFUSED(&m, CKKS_EARG, #f, f(&m.out, &m.ct_zero));                \
    } while (0)

#define TWO(f, b)                                                         \
    do {                                                                  \
        REFUSED(&m, CKKS_EARG, #f, f(NULL, &m.ct, &m.b));                 \
        REFUSED(&m, CKKS_EARG, #f, f(&m.out, NULL, &m.b));                \
        REFUSED(&m, CKKS_EARG, #f, f(&m.out, &m.ct, NULL));               \
        REFUSED(&m, CKKS_EARG, #f, f(&m.out, &m.ct_zero, &m.b));          \
        REFUSED(&m, CKKS_EARG, #f, f(&m.out, &m.ct, &m.b##_zero));        \
        REFUSED(&m, CKKS_ECTX, #f, f(&m.out, &m.ct, &m.b##_other));       \
        REFUSED(&m, CKKS_ELEVEL, #f, f(&m.out, &m.ct, &m.b##_low));       \
    } while (0)

TEST(misuse_sums)
{
    static mess m;

    if (!mess_init(&m))
        return;
    TWO(ckks_add, ct);
    TWO(ckks_sub, ct);
    TWO(ckks_add_plain, pt);
    TWO(ckks_sub_plain, pt);
    REFUSED(&m, CKKS_ESCALE, "ckks_add", ckks_add(&m.out, &m.ct, &m.ct_scale));
    REFUSED(&m, CKKS_ESCALE, "ckks_sub", ckks_sub(&m.out, &m.ct, &m.ct_scale));
    REFUSED(&m, CKKS_ESCALE, "ckks_add_plain",
            ckks_add_plain(&m.out, &m.ct, &m.pt_scale));
    REFUSED(&m, CKKS_ESCALE, "ckks_sub_plain",
            ckks_sub_plain(&m.out, &m.ct, &m.pt_scale));
    ONE(ckks_neg);
    REFUSED(&m, CKKS_EARG, "ckks_add_const", ckks_add_const(NULL, &m.ct, 1, 0));
    REFUSED(&m, CKKS_EARG, "ckks_add_const",
            ckks_add_const(&m.out, NULL, 1, 0));
    REFUSED(&m, CKKS_EARG, "ckks_add_const",
            ckks_add_const(&m.out, &m.ct, NAN, 0));
    REFUSED(&m, CKKS_EARG, "ckks_add_const",
            ckks_add_const(&m.out, &m.ct, 0, -INFINITY));
    REFUSED(&m, CKKS_ESCALE, "ckks_add_const",
            ckks_add_const(&m.out, &m.ct, 0x1p75, 0));
    REFUSED(&m, CKKS_ESCALE, "ckks_add_const",
            ckks_add_const(&m.out, &m.ct, 0, -0x1p1000));
    mess_clear(&m);
}

/* The output is the first operand: it would be changed where it lies. */
TEST(misuse_sums_in_place)
{
    static mess m;

    if (!mess_init(&m))
        return;
    REFUSED(&m, CKKS_EARG, "ckks_add", ckks_add(&m.ct, &m.ct, NULL));
    REFUSED(&m, CKKS_EARG, "ckks_add", ckks_add(&m.ct, &m.ct, &m.ct_zero));
    REFUSED(&m, CKKS_ECTX, "ckks_add", ckks_add(&m.ct, &m.ct, &m.ct_other));
    REFUSED(&m, CKKS_ELEVEL, "ckks_add", ckks_add(&m.ct, &m.ct, &m.ct_low));
    REFUSED(&m, CKKS_ESCALE, "ckks_add", ckks_add(&m.ct, &m.ct, &m.ct_scale));
    REFUSED(&m, CKKS_EARG, "ckks_sub", ckks_sub(&m.ct, &m.ct, NULL));
    REFUSED(&m, CKKS_EARG, "ckks_sub", ckks_sub(&m.ct, &m.ct, &m.ct_zero));
    REFUSED(&m, CKKS_ECTX, "ckks_sub", ckks_sub(&m.ct, &m.ct, &m.ct_other));
    REFUSED(&m, CKKS_ELEVEL, "ckks_sub", ckks_sub(&m.ct, &m.ct, &m.ct_low));
    REFUSED(&m, CKKS_ESCALE, "ckks_sub", ckks_sub(&m.ct, &m.ct, &m.ct_scale));
    REFUSED(&m, CKKS_EARG, "ckks_add_const",
            ckks_add_const(&m.ct, &m.ct, NAN, 0));
    REFUSED(&m, CKKS_ESCALE, "ckks_add_const",
            ckks_add_const(&m.ct, &m.ct, 0x1p75, 0));
    mess_clear(&m);
}

TEST(misuse_add_square)
{
    static const char f[] = "ckks_add_square";
    static mess m;

    if (!mess_init(&m))
        return;
    REFUSED(&m, CKKS_EARG, f, ckks_add_square(NULL, &m.ct));
    REFUSED(&m, CKKS_EARG, f, ckks_add_square(&m.ct_two, NULL));
    REFUSED(&m, CKKS_EARG, f, ckks_add_square(&m.ct_zero, &m.ct));
    REFUSED(&m, CKKS_EARG, f, ckks_add_square(&m.ct_two, &m.ct_zero));
    REFUSED(&m, CKKS_EARG, f, ckks_add_square(&m.ct, &m.ct_large));
    REFUSED(&m, CKKS_EARG, f, ckks_add_square(&m.ct, &m.ct));
    REFUSED(&m, CKKS_EARG, f, ckks_add_square(&m.ct_two, &m.ct_two));
    REFUSED(&m, CKKS_EARG, f, ckks_add_square(&m.ct, &m.ct_two));
    REFUSED(&m, CKKS_ECTX, f, ckks_add_square(&m.ct_two, &m.ct_other));
    REFUSED(&m, CKKS_ELEVEL, f, ckks_add_square(&m.ct_two, &m.ct_low));
    REFUSED(&m, CKKS_ELEVEL, f, ckks_add_square(&m.ct_two_bottom, &m.ct));
    REFUSED(&m, CKKS_ESCALE, f, ckks_add_square(&m.ct_two, &m.ct_large));
    REFUSED(&m, CKKS_ESCALE, f, ckks_add_square(&m.ct_two, &m.ct_scale));
    m.ct_large.scale = 0x1p1000;
    REFUSED(&m, CKKS_ESCALE, f, ckks_add_square(&m.ct_two, &m.ct_large));
    m.ct_two.scale *= 1 + 0x1p-31;
    REFUSED(&m, CKKS_ESCALE, f, ckks_add_square(&m.ct_two, &m.ct));
    m.ct_two.scale = NAN;
    REFUSED(&m, CKKS_ESCALE, f, ckks_add_square(&m.ct_two, &m.ct));
    mess_clear(&m);
}

TEST(misuse_products)
{
    static mess m;

    if (!mess_init(&m))
        return;
    TWO(ckks_mul, ct);
    TWO(ckks_mul_plain, pt);
    ONE(ckks_square);
    REFUSED(&m, CKKS_EARG, "ckks_mul", ckks_mul(&m.out, &m.ct_two, &m.ct));
    REFUSED(&m, CKKS_EARG, "ckks_mul", ckks_mul(&m.out, &m.ct, &m.ct_two));
    REFUSED(&m, CKKS_EARG, "ckks_square", ckks_square(&m.out, &m.ct_two));
    REFUSED(&m, CKKS_ESCALE, "ckks_mul",
            ckks_mul(&m.out, &m.ct, &m.ct_scale));
    CHECK(strstr(ckks_last_error(), "log2(Q) is 105.00 at level 2") != NULL,
          "%s", ckks_last_error());
    REFUSED(&m, CKKS_ESCALE, "ckks_square", ckks_square(&m.out, &m.ct_scale));
    REFUSED(&m, CKKS_ESCALE, "ckks_mul_plain",
            ckks_mul_plain(&m.out, &m.ct, &m.pt_scale));
    REFUSED(&m, CKKS_EARG, "ckks_mul_int", ckks_mul_int(NULL, &m.ct, 2));
    REFUSED(&m, CKKS_EARG, "ckks_mul_int", ckks_mul_int(&m.out, NULL, 2));
    REFUSED(&m, CKKS_EARG, "ckks_mul_int", ckks_mul_int(&m.out, &m.ct_zero, 2));
    REFUSED(&m, CKKS_EARG, "ckks_mul_const",
            ckks_mul_const(NULL, &m.ct, 1, 0, 2));
    REFUSED(&m, CKKS_EARG, "ckks_mul_const",
            ckks_mul_const(&m.out, NULL, 1, 0, 2));
    REFUSED(&m, CKKS_EARG, "ckks_mul_const",
            ckks_mul_const(&m.out, &m.ct, NAN, 0, 2));
    REFUSED(&m, CKKS_EARG, "ckks_mul_const",
            ckks_mul_const(&m.out, &m.ct, 0, INFINITY, 2));
    REFUSED(&m, CKKS_EARG, "ckks_mul_const",
            ckks_mul_const(&m.out, &m.ct, 0x1p32, 0, 0x1p30));
    REFUSED(&m, CKKS_ESCALE, "ckks_mul_const",
            ckks_mul_const(&m.out, &m.ct, 1, 0, 0.5));
    REFUSED(&m, CKKS_ESCALE, "ckks_mul_const",
            ckks_mul_const(&m.out, &m.ct, 1, 0, NAN));
    REFUSED(&m, CKKS_ESCALE, "ckks_mul_const",
            ckks_mul_const(&m.out, &m.ct, 0, 0, INFINITY));
    REFUSED(&m, CKKS_ESCALE, "ckks_mul_const",
            ckks_mul_const(&m.out, &m.ct, 0, 0x1p-40, 0x1p90));
    mess_clear(&m);
}

TEST(misuse_levels)
{
    static mess m;

    if (!mess_init(&m))
        return;
    ONE(ckks_rescale);
    ONE(ckks_ct_copy);
    REFUSED(&m, CKKS_ELEVEL, "ckks_rescale",
            ckks_rescale(&m.out, &m.ct_bottom));
    REFUSED(&m, CKKS_ESCALE, "ckks_rescale",
            ckks_rescale(&m.out, &m.ct_large));
    REFUSED(&m, CKKS_EARG, "ckks_drop_level", ckks_drop_level(NULL, &m.ct, 0));
    REFUSED(&m, CKKS_EARG, "ckks_drop_level", ckks_drop_level(&m.out, NULL, 0));
    REFUSED(&m, CKKS_EARG, "ckks_drop_level",
            ckks_drop_level(&m.out, &m.ct_zero, 0));
    REFUSED(&m, CKKS_ELEVEL, "ckks_drop_level",
            ckks_drop_level(&m.out, &m.ct, -1));
    REFUSED(&m, CKKS_ELEVEL, "ckks_drop_level",
            ckks_drop_level(&m.out, &m.ct_low, 2));
    REFUSED(&m, CKKS_ESCALE, "ckks_drop_level",
            ckks_drop_level(&m.out, &m.ct_scale, 0));
    mess_clear(&m);
}

/* out = f(a, keys, ...), keys at every kind of wrong. */
#define SWITCH(f, a, tail)                                                \
    do {                                                                  \
        REFUSED(&m, CKKS_EARG, #f, f(NULL, &m.a, m.keys tail));           \
        REFUSED(&m, CKKS_EARG, #f, f(&m.out, NULL, m.keys tail));         \
        REFUSED(&m, CKKS_EARG, #f, f(&m.out, &m.a, NULL tail));           \
        REFUSED(&m, CKKS_EARG, #f,                                        \
                f(&m.out, &m.ct_zero, m.keys tail));                      \
        REFUSED(&m, CKKS_ECTX, #f,                                        \
                f(&m.out, &m.a, m.other_keys tail));                      \
        REFUSED(&m, CKKS_EKEY, #f,                                        \
                f(&m.out, &m.a, m.low_keys tail));                        \
    } while (0)

#define COMMA ,

TEST(misuse_switching)
{
    static mess m;
    static const ckks_key_request rotation = { CKKS_KEY_ROTATE, 3, 2 };
    ckks_keys *few = NULL;

    if (!mess_init(&m)
        || !CHECK_OK(ckks_keys_init(&few, &m.rng, m.sk, &rotation, 1)))
        return;
    SWITCH(ckks_relin, ct_two, );
    SWITCH(ckks_relin_rescale, ct_two, );
    SWITCH(ckks_conj, ct, );
    SWITCH(ckks_rotate, ct, COMMA 1);
    REFUSED(&m, CKKS_EKEY, "ckks_relin", ckks_relin(&m.out, &m.ct_two, few));
    REFUSED(&m, CKKS_EKEY, "ckks_relin_rescale",
            ckks_relin_rescale(&m.out, &m.ct_two, few));
    REFUSED(&m, CKKS_EKEY, "ckks_conj", ckks_conj(&m.out, &m.ct, few));
    REFUSED(&m, CKKS_EKEY, "ckks_rotate", ckks_rotate(&m.out, &m.ct, few, 1));
    REFUSED(&m, CKKS_EKEY, "ckks_rotate",
            ckks_rotate(&m.out, &m.ct, m.keys, -2));
    REFUSED(&m, CKKS_EARG, "ckks_rotate",
            ckks_rotate(&m.out, &m.ct_two, m.keys, 1));
    REFUSED(&m, CKKS_EARG, "ckks_rotate",
            ckks_rotate(&m.out, &m.ct_two, m.keys, 0));
    REFUSED(&m, CKKS_EARG, "ckks_conj", ckks_conj(&m.out, &m.ct_two, m.keys));
    REFUSED(&m, CKKS_ELEVEL, "ckks_relin_rescale",
            ckks_relin_rescale(&m.out, &m.ct_two_bottom, m.keys));
    REFUSED(&m, CKKS_ELEVEL, "ckks_relin_rescale",
            ckks_relin_rescale(&m.out, &m.ct_bottom, m.keys));
    REFUSED(&m, CKKS_ESCALE, "ckks_relin_rescale",
            ckks_relin_rescale(&m.out, &m.ct_large, m.keys));
    m.ct_two.scale = 0x1p20;
    REFUSED(&m, CKKS_ESCALE, "ckks_relin_rescale",
            ckks_relin_rescale(&m.out, &m.ct_two, m.keys));
    ckks_keys_clear(&few);
    mess_clear(&m);
}

TEST(misuse_hoisted)
{
    static const char f[] = "ckks_rotate_hoisted";
    static mess m;
    const int step[3] = { 1, 0, 9 }, wrong[3] = { 1, 0, 2 };

    if (!mess_init(&m))
        return;
    REFUSED(&m, CKKS_EARG, f,
            ckks_rotate_hoisted(NULL, step, 3, &m.ct, m.keys));
    REFUSED(&m, CKKS_EARG, f,
            ckks_rotate_hoisted(m.many, NULL, 3, &m.ct, m.keys));
    REFUSED(&m, CKKS_EARG, f,
            ckks_rotate_hoisted(m.many, step, 3, NULL, m.keys));
    REFUSED(&m, CKKS_EARG, f,
            ckks_rotate_hoisted(m.many, step, 3, &m.ct_zero, m.keys));
    REFUSED(&m, CKKS_EARG, f,
            ckks_rotate_hoisted(m.many, step, 3, &m.ct, NULL));
    REFUSED(&m, CKKS_EARG, f,
            ckks_rotate_hoisted(m.many, step, 3, &m.ct_two, m.keys));
    REFUSED(&m, CKKS_ECTX, f,
            ckks_rotate_hoisted(m.many, step, 3, &m.ct, m.other_keys));
    REFUSED(&m, CKKS_EKEY, f,
            ckks_rotate_hoisted(m.many, wrong, 3, &m.ct, m.keys));
    REFUSED(&m, CKKS_EKEY, f,
            ckks_rotate_hoisted(m.many, step, 3, &m.ct, m.low_keys));
    REFUSED(&m, CKKS_EPARAM, f,
            ckks_rotate_hoisted(m.many, step, 3, &m.ct_uncentred,
                                m.uncentred_keys));
    mess_clear(&m);
}

TEST(misuse_rotate_sum)
{
    static const char f[] = "ckks_rotate_sum";
    static mess m;
    const ckks_ct *a[2] = { &m.ct, &m.ct }, *b[2] = { &m.ct, NULL };
    const ckks_ct *u[1] = { &m.ct_uncentred };
    const int step[2] = { 1, 0 }, wrong[2] = { 0, 2 };

    if (!mess_init(&m))
        return;
    REFUSED(&m, CKKS_EARG, f, ckks_rotate_sum(NULL, a, step, 2, m.keys));
    REFUSED(&m, CKKS_EARG, f, ckks_rotate_sum(&m.out, NULL, step, 2, m.keys));
    REFUSED(&m, CKKS_EARG, f, ckks_rotate_sum(&m.out, a, NULL, 2, m.keys));
    REFUSED(&m, CKKS_EARG, f, ckks_rotate_sum(&m.out, a, step, 0, m.keys));
    REFUSED(&m, CKKS_EARG, f, ckks_rotate_sum(&m.out, a, step, 2, NULL));
    REFUSED(&m, CKKS_EARG, f, ckks_rotate_sum(&m.out, b, step, 2, m.keys));
    b[1] = &m.ct_zero;
    REFUSED(&m, CKKS_EARG, f, ckks_rotate_sum(&m.out, b, step, 2, m.keys));
    b[1] = &m.ct_two;
    REFUSED(&m, CKKS_EARG, f, ckks_rotate_sum(&m.out, b, step, 2, m.keys));
    b[1] = &m.ct_other;
    REFUSED(&m, CKKS_ECTX, f, ckks_rotate_sum(&m.out, b, step, 2, m.keys));
    b[1] = &m.ct_low;
    REFUSED(&m, CKKS_ELEVEL, f, ckks_rotate_sum(&m.out, b, step, 2, m.keys));
    b[1] = &m.ct_scale;
    REFUSED(&m, CKKS_ESCALE, f, ckks_rotate_sum(&m.out, b, step, 2, m.keys));
    REFUSED(&m, CKKS_EKEY, f, ckks_rotate_sum(&m.out, a, wrong, 2, m.keys));
    REFUSED(&m, CKKS_EKEY, f, ckks_rotate_sum(&m.out, a, step, 2, m.low_keys));
    REFUSED(&m, CKKS_EPARAM, f,
            ckks_rotate_sum(&m.out, u, step, 1, m.uncentred_keys));
    mess_clear(&m);
}

TEST(misuse_combine)
{
    static const char f[] = "ckks_combine";
    static mess m;
    ckks_ct *out[2] = { &m.many[0], &m.many[1] };
    ckks_ct *same[2] = { &m.many[0], &m.many[0] }, *null[2] = { out[0], NULL };
    const ckks_ct *in[2] = { &m.ct, &m.ct };
    int32_t index[2] = { 0, 1 }, far[2] = { 0, 2 }, under[2] = { -1, 0 };
    int32_t w[4] = { 1, 2, 3, 4 }, heavy[4] = { 1 << 27, -(1 << 27), 1, 1 };
    int32_t heavy_second[4] = { 1, 1, -(1 << 27), 1 << 27 };
    const ckks_block good = { 0, 2, 2, index, w };
    ckks_block b[2] = { good, { 1, 1, 1, index, w } };
    ckks_block half = { 0, 1, 2, index, w }, turned[2] = { b[1], b[0] };

    if (!mess_init(&m))
        return;
    REFUSED(&m, CKKS_EARG, f, ckks_combine(NULL, 2, in, 2, b, 1, 4));
    REFUSED(&m, CKKS_EARG, f, ckks_combine(out, 2, NULL, 2, b, 1, 4));
    REFUSED(&m, CKKS_EARG, f, ckks_combine(out, 2, in, 2, NULL, 1, 4));
    REFUSED(&m, CKKS_EARG, f, ckks_combine(out, 0, in, 2, b, 1, 4));
    REFUSED(&m, CKKS_EARG, f, ckks_combine(out, 2, in, 0, b, 1, 4));
    REFUSED(&m, CKKS_EARG, f, ckks_combine(null, 2, in, 2, b, 1, 4));
    REFUSED(&m, CKKS_EARG, f, ckks_combine(same, 2, in, 2, b, 1, 4));
    REFUSED(&m, CKKS_EARG, f, ckks_combine(out, 2, in, 2, b, 0, 4));
    REFUSED(&m, CKKS_EARG, f, ckks_combine(out, 2, in, 2, b, 2, 4));
    REFUSED(&m, CKKS_EARG, f, ckks_combine(out, 2, in, 2, turned, 2, 4));
    CHECK(strstr(ckks_last_error(), "output 1 stands in two") != NULL, "%s",
          ckks_last_error());
    REFUSED(&m, CKKS_EARG, f, ckks_combine(out, 2, in, 2, &half, 1, 4));
    REFUSED(&m, CKKS_EARG, f, ckks_combine(out, 1, in, 2, b, 1, 4));
    b[0].index = far;
    REFUSED(&m, CKKS_EARG, f, ckks_combine(out, 2, in, 2, b, 1, 4));
    b[0].index = under;
    REFUSED(&m, CKKS_EARG, f, ckks_combine(out, 2, in, 2, b, 1, 4));
    b[0].index = NULL;
    REFUSED(&m, CKKS_EARG, f, ckks_combine(out, 2, in, 2, b, 1, 4));
    b[0] = good;
    b[0].weight = NULL;
    REFUSED(&m, CKKS_EARG, f, ckks_combine(out, 2, in, 2, b, 1, 4));
    b[0].weight = heavy;
    REFUSED(&m, CKKS_EARG, f, ckks_combine(out, 2, in, 2, b, 1, 4));
    CHECK(strstr(ckks_last_error(), "output 0: weights") != NULL, "%s",
          ckks_last_error());
    b[0].weight = heavy_second;
    REFUSED(&m, CKKS_EARG, f, ckks_combine(out, 2, in, 2, b, 1, 4));
    CHECK(strstr(ckks_last_error(), "output 1: weights") != NULL, "%s",
          ckks_last_error());
    b[0].weight = heavy;
    heavy[0]--;                         /* one less: the most there may be   */
    CHECK_OK(ckks_combine(out, 2, in, 2, b, 1, 4));
    heavy[0] = INT32_MIN;
    REFUSED(&m, CKKS_EARG, f, ckks_combine(out, 2, in, 2, b, 1, 4));
    b[0] = good;
    b[0].first = SIZE_MAX;
    REFUSED(&m, CKKS_EARG, f, ckks_combine(out, 2, in, 2, b, 1, 4));
    b[0] = good;
    b[0].rows = SIZE_MAX;
    REFUSED(&m, CKKS_EARG, f, ckks_combine(out, 2, in, 2, b, 1, 4));
    b[0] = good;
    b[0].terms = 0;
    REFUSED(&m, CKKS_EARG, f, ckks_combine(out, 2, in, 2, b, 1, 4));
    b[0] = good;
    in[1] = NULL;
    REFUSED(&m, CKKS_EARG, f, ckks_combine(out, 2, in, 2, b, 1, 4));
    in[1] = &m.ct_zero;
    REFUSED(&m, CKKS_EARG, f, ckks_combine(out, 2, in, 2, b, 1, 4));
    in[1] = &m.ct_two;
    REFUSED(&m, CKKS_EARG, f, ckks_combine(out, 2, in, 2, b, 1, 4));
    in[1] = &m.ct_other;
    REFUSED(&m, CKKS_ECTX, f, ckks_combine(out, 2, in, 2, b, 1, 4));
    in[1] = &m.ct_low;
    REFUSED(&m, CKKS_ELEVEL, f, ckks_combine(out, 2, in, 2, b, 1, 4));
    in[1] = &m.ct;
    REFUSED(&m, CKKS_ESCALE, f, ckks_combine(out, 2, in, 2, b, 1, 0.5));
    REFUSED(&m, CKKS_ESCALE, f, ckks_combine(out, 2, in, 2, b, 1, NAN));
    REFUSED(&m, CKKS_ESCALE, f, ckks_combine(out, 2, in, 2, b, 1, 0x1p104));
    CHECK_OK(ckks_combine(out, 2, in, 2, b, 1, 0x1p103));
    mess_clear(&m);
}
