/* test_aliasing.c -- outputs that are inputs. */
#include "oracle_support.h"

/* ---- aliasing ----------------------------------------------------------- */

static bool same_ct(const ckks_ct *a, const ckks_ct *b)
{
    return a->degree == b->degree && a->level == b->level
           && a->scale == b->scale && a->ctx == b->ctx
           && memcmp(a->limb, b->limb,
                     (size_t)(a->degree + 1) * cki_words(a->ctx, a->level)
                         * sizeof *a->limb) == 0;
}

/* call is written with x for the output and for the first input. */
#define ALIAS(apart, together)                                            \
    do {                                                                  \
        if (CHECK_OK(ckks_ct_copy(&x, &a)) && CHECK_OK(apart)             \
            && CHECK_OK(together))                                        \
            CHECK(same_ct(&out, &x), "%s: %s", w->name, #together);       \
    } while (0)

/* Outputs that are inputs get what fresh outputs get. */
static void check_alias(world *w)
{
    ckks_ct a = { 0 }, b = { 0 }, out = { 0 }, x = { 0 };
    ckks_pt pt = { 0 };
    ckks_keys *keys = w->keys;
    const double im = w->real ? 0 : -2;
    int l = w->top;

    random_ct(w, &a, 1, l);
    random_ct(w, &b, 1, l);
    random_pt(w, &pt, l);
    ALIAS(ckks_add(&out, &a, &b), ckks_add(&x, &x, &b));
    ALIAS(ckks_add(&out, &b, &a), ckks_add(&x, &b, &x));
    ALIAS(ckks_add(&out, &a, &a), ckks_add(&x, &x, &x));
    ALIAS(ckks_sub(&out, &a, &b), ckks_sub(&x, &x, &b));
    ALIAS(ckks_sub(&out, &b, &a), ckks_sub(&x, &b, &x));
    ALIAS(ckks_sub(&out, &a, &a), ckks_sub(&x, &x, &x));
    ALIAS(ckks_neg(&out, &a), ckks_neg(&x, &x));
    ALIAS(ckks_add_plain(&out, &a, &pt), ckks_add_plain(&x, &x, &pt));
    ALIAS(ckks_sub_plain(&out, &a, &pt), ckks_sub_plain(&x, &x, &pt));
    ALIAS(ckks_mul_plain(&out, &a, &pt), ckks_mul_plain(&x, &x, &pt));
    ALIAS(ckks_add_const(&out, &a, 1.5, im), ckks_add_const(&x, &x, 1.5, im));
    ALIAS(ckks_mul_int(&out, &a, -77), ckks_mul_int(&x, &x, -77));
    ALIAS(ckks_mul_const(&out, &a, 1.5, im, 8),
          ckks_mul_const(&x, &x, 1.5, im, 8));
    if (w->real)
        ALIAS(ckks_mul_alternating(&out, &a), ckks_mul_alternating(&x, &x));
    ALIAS(ckks_mul(&out, &a, &b), ckks_mul(&x, &x, &b));
    ALIAS(ckks_mul(&out, &b, &a), ckks_mul(&x, &b, &x));
    ALIAS(ckks_mul(&out, &a, &a), ckks_mul(&x, &x, &x));
    ALIAS(ckks_square(&out, &a), ckks_square(&x, &x));
    ALIAS(ckks_drop_level(&out, &a, l - 1), ckks_drop_level(&x, &x, l - 1));
    ALIAS(ckks_rotate(&out, &a, keys, 1), ckks_rotate(&x, &x, keys, 1));
    ALIAS(ckks_rotate(&out, &a, keys, 0), ckks_rotate(&x, &x, keys, 0));
    ALIAS(ckks_relin(&out, &a, keys), ckks_relin(&x, &x, keys));
    a.scale = (double)w->o.prime[l];
    ALIAS(ckks_rescale(&out, &a), ckks_rescale(&x, &x));
    random_ct(w, &a, 1, l - 1);
    if (!w->real)
        ALIAS(ckks_conj(&out, &a, keys), ckks_conj(&x, &x, keys));
    random_ct(w, &a, 2, l);
    a.scale = (double)w->o.prime[l];
    ALIAS(ckks_relin(&out, &a, keys), ckks_relin(&x, &x, keys));
    ALIAS(ckks_rescale(&out, &a), ckks_rescale(&x, &x));
    ALIAS(ckks_relin_rescale(&out, &a, keys),
          ckks_relin_rescale(&x, &x, keys));
    if (w->centred) {
        const ckks_ct *in[2] = { &b, &x }, *apart[2] = { &b, &a };
        int step[2] = { 0, 1 };

        random_ct(w, &a, 1, l);
        ALIAS(ckks_rotate_sum(&out, apart, step, 2, keys),
              ckks_rotate_sum(&x, in, step, 2, keys));
        ALIAS(ckks_rotate_hoisted(&out, step + 1, 1, &a, keys),
              ckks_rotate_hoisted(&x, step + 1, 1, &x, keys));
    }
    ckks_ct_clear(&a);
    ckks_ct_clear(&b);
    ckks_ct_clear(&out);
    ckks_ct_clear(&x);
    ckks_pt_clear(&pt);
}

TEST(oracle_aliasing)
{
    every_world(check_alias);
}

/* A ciphertext of random words, or a fresh one: of degree 1, its c_1 the
 * expansion of a seed. */
static void make_ct(world *w, ckks_ct *ct, int degree, int level, bool seeded)
{
    ckks_pt pt = { 0 };

    random_ct(w, ct, degree, level);
    random_pt(w, &pt, level);
    if (seeded && !(CHECK_OK(ckks_encrypt_sk(ct, &w->rng, &pt, w->sk))
                    && CHECK(ct->seeded, "%s: fresh", w->name)))
        abort();
    ckks_pt_clear(&pt);
}

/* ALIAS, and neither output claims that a seed makes it. */
#define ALIAS_SUM(apart, together)                                        \
    do {                                                                  \
        ALIAS(apart, together);                                           \
        CHECK(!out.seeded && !x.seeded, "%s: %s: seeded %d and %d",       \
              w->name, #together, out.seeded, x.seeded);                  \
    } while (0)

static void alias_sums(world *w, int degree_a, bool seeded_a, int degree_b,
                       bool seeded_b)
{
    ckks_ct a = { 0 }, b = { 0 }, out = { 0 }, x = { 0 };
    ckks_pt pt = { 0 };
    const double im = w->real ? 0 : -2;
    int l = w->top;

    make_ct(w, &a, degree_a, l, seeded_a);
    make_ct(w, &b, degree_b, l, seeded_b);
    random_pt(w, &pt, l);
    ALIAS_SUM(ckks_add(&out, &a, &b), ckks_add(&x, &x, &b));
    ALIAS_SUM(ckks_add(&out, &b, &a), ckks_add(&x, &b, &x));
    ALIAS_SUM(ckks_add(&out, &a, &a), ckks_add(&x, &x, &x));
    ALIAS_SUM(ckks_sub(&out, &a, &b), ckks_sub(&x, &x, &b));
    ALIAS_SUM(ckks_sub(&out, &b, &a), ckks_sub(&x, &b, &x));
    ALIAS_SUM(ckks_sub(&out, &a, &a), ckks_sub(&x, &x, &x));
    ALIAS_SUM(ckks_neg(&out, &a), ckks_neg(&x, &x));
    ALIAS_SUM(ckks_add_const(&out, &a, 1.5, im),
              ckks_add_const(&x, &x, 1.5, im));
    if (w->real)
        ALIAS_SUM(ckks_mul_alternating(&out, &a),
                  ckks_mul_alternating(&x, &x));
    ALIAS_SUM(ckks_add_plain(&out, &a, &pt), ckks_add_plain(&x, &x, &pt));
    ALIAS_SUM(ckks_sub_plain(&out, &a, &pt), ckks_sub_plain(&x, &x, &pt));
    b.scale = a.scale * (1 + 0x1p-33);      /* the sum has the first's       */
    ALIAS_SUM(ckks_add(&out, &a, &b), ckks_add(&x, &x, &b));
    ALIAS_SUM(ckks_add(&out, &b, &a), ckks_add(&x, &b, &x));
    ckks_ct_clear(&a);
    ckks_ct_clear(&b);
    ckks_ct_clear(&out);
    ckks_ct_clear(&x);
    ckks_pt_clear(&pt);
}

static void check_alias_sums(world *w)
{
    alias_sums(w, 1, true, 1, true);
    alias_sums(w, 1, true, 1, false);
    alias_sums(w, 1, false, 1, true);
    alias_sums(w, 1, true, 2, false);
    alias_sums(w, 2, false, 1, true);
    alias_sums(w, 2, false, 2, false);
}

TEST(oracle_aliasing_of_sums)
{
    every_world(check_alias_sums);
}
