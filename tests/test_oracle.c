/* test_oracle.c -- primes, keys and encryption against big integers. */
#include <math.h>

#include "oracle_support.h"

/* ---- primes and roots --------------------------------------------------- */

static void check_numbers(world *w)
{
    int count = w->ctx->num_primes + w->ctx->num_special;

    for (int i = 0; i < count; i++) {
        int bits = 0;

        while (w->o.prime[i] >> bits != 0)
            bits++;
        CHECK(w->o.prime[i] == oracle_prime(w->n, bits, w->o.prime, (size_t)i),
              "%s: prime %d is %" PRIu64, w->name, i, w->o.prime[i]);
        CHECK(w->ctx->rns.psi[i] == w->o.power[i][1],
              "%s: root of prime %d is %" PRIu64 ", want %" PRIu64, w->name, i,
              w->ctx->rns.psi[i], w->o.power[i][1]);
    }
}

TEST(oracle_primes_and_roots)
{
    every_world(check_numbers);
}

/* ---- keys --------------------------------------------------------------- */

static void check_small(world *w, const opoly *e, const char *what, int j)
{
    double top = opoly_log_top(e);

    CHECK(top >= 0 && top <= log2(21) + 1e-9,
          "%s: %s %d: error of 2^%.2f", w->name, what, j, top);
}

/* b + a s - target modulo QP (level top) is an error, |e| <= 21. */
static void check_key_equation(world *w, const opoly *b, const opoly *a,
                               const opoly *s, const opoly *target,
                               const char *what, int j)
{
    opoly t;
    mpz_t qp;

    mpz_init(qp);
    opoly_init(&t, w->n);
    oracle_q(qp, &w->o, w->top);
    mpz_mul(qp, qp, w->o.p);
    opoly_mul(&t, a, s);
    opoly_add(&t, &t, b);
    opoly_sub(&t, &t, target);
    opoly_mod(&t, &t, qp, true);
    check_small(w, &t, what, j);
    opoly_clear(&t);
    mpz_clear(qp);
}

/* The secret s' a key takes away and the secret s_own it leaves. */
static void key_secrets(world *w, opoly *other, opoly *own, const cki_key *key)
{
    uint64_t two_n = 2 * w->n, g = two_n - 1, inverse = 1;

    opoly_set(other, &w->s);
    opoly_set(own, &w->s);
    if (key->kind == CKKS_KEY_RELIN) {
        opoly_mul(other, &w->s, &w->s);
        return;
    }
    if (key->kind == CKKS_KEY_ROTATE)
        g = oracle_galois(&w->o, key->step);
    while (inverse * g % two_n != 1)
        inverse += 2;
    if (w->centred)
        opoly_map(own, &w->s, inverse);
    else
        opoly_map(other, &w->s, g);
}

static void check_keys(world *w)
{
    opoly p[MAX_KEY], other, own, target;
    mpz_t gadget;
    size_t half = (size_t)(w->ctx->num_primes + w->ctx->num_special) * w->n;

    mpz_init(gadget);
    polys_init(w, p, MAX_KEY);
    opoly_init(&other, w->n);
    opoly_init(&own, w->n);
    opoly_init(&target, w->n);
    CHECK(opoly_log_top(&w->s) == 0, "%s: the secret is not ternary", w->name);
    oracle_read(&p[0], &w->o, w->sk->limb, w->top, true);
    CHECK(opoly_equal(&p[0], &w->s), "%s: the secret's words", w->name);
    oracle_read(&p[0], &w->o, w->pk->limb, w->top, true);
    oracle_read(&p[1], &w->o, w->pk->limb + half, w->top, true);
    check_key_equation(w, &p[0], &p[1], &w->s, &target, "public key", 0);
    for (size_t i = 0; i < w->keys->count; i++) {
        const cki_key *key = &w->keys->key[i];

        key_secrets(w, &other, &own, key);
        read_key(w, p, key, key->level);
        CHECK(key->digits == oracle_digits(&w->o, key->level), "%s: %d digits",
              w->name, key->digits);
        for (int j = 0; j < key->digits; j++) {
            oracle_gadget(gadget, &w->o, j, key->level);
            opoly_scale(&target, &other, gadget);
            check_key_equation(w, &p[2 * j], &p[2 * j + 1], &own, &target,
                               "key", (int)i);
        }
    }
    opoly_clear(&other);
    opoly_clear(&own);
    opoly_clear(&target);
    polys_clear(p, MAX_KEY);
    mpz_clear(gadget);
}

TEST(oracle_keys_satisfy_their_equations)
{
    every_world(check_keys);
}

/* ---- encryption --------------------------------------------------------- */

enum { SEED, ERROR, TERNARY };

/* What the generator's next stream gives to this use. */
static void replay(ckks_rng *rng, void *out, size_t n, int use)
{
    cki_stream st;

    cki_rng_stream(&st, rng);
    if (use == SEED)
        cki_stream_read(&st, out, n);
    else if (use == ERROR)
        cki_sample_error(out, n, &st);
    else
        cki_sample_ternary(out, n, &st);
}

static void check_encrypt_sk(world *w, int level)
{
    ckks_rng before = w->rng;
    uint8_t seed[CKKS_SEED_BYTES];
    int8_t small[64];
    ckks_pt pt = { 0 };
    ckks_ct ct = { 0 };
    opoly want[2], e, m;

    polys_init(w, want, 2);
    opoly_init(&e, w->n);
    opoly_init(&m, w->n);
    random_pt(w, &pt, level);
    if (CHECK_OK(ckks_encrypt_sk(&ct, &w->rng, &pt, w->sk))) {
        uint64_t *a = malloc(oracle_size(&w->o, level, false) * sizeof *a);

        if (a == NULL)
            abort();
        replay(&before, seed, sizeof seed, SEED);
        replay(&before, small, w->n, ERROR);
        opoly_set_small(&e, small);
        for (int i = 0; i <= level; i++) {
            cki_stream st;

            cki_stream_init(&st, seed, sizeof seed, 0, (uint64_t)i);
            cki_sample_uniform(a + (size_t)i * w->n, w->n, w->o.prime[i], &st);
        }
        oracle_read(&m, &w->o, pt.limb, level, false);
        oracle_read(&want[1], &w->o, a, level, false);
        opoly_mul(&want[0], &want[1], &w->s);
        opoly_sub(&want[0], &e, &want[0]);
        opoly_add(&want[0], &want[0], &m);
        check_ct(w, &ct, want, 1, level, TEST_SCALE, "encrypt_sk");
        CHECK(ct.seeded == 1 && memcmp(ct.seed, seed, sizeof seed) == 0,
              "%s: the seed is not the one drawn", w->name);
        free(a);
    }
    ckks_pt_clear(&pt);
    ckks_ct_clear(&ct);
    polys_clear(want, 2);
    opoly_clear(&e);
    opoly_clear(&m);
}

/* mod-down of (u b + e_0, u a + e_1), plus m. */
static void check_encrypt_pk(world *w, int level)
{
    ckks_rng before = w->rng;
    size_t half = (size_t)(w->ctx->num_primes + w->ctx->num_special) * w->n;
    int8_t small[64];
    ckks_pt pt = { 0 };
    ckks_ct ct = { 0 };
    opoly want[2], u, e, m;
    mpz_t qp;

    mpz_init(qp);
    polys_init(w, want, 2);
    opoly_init(&u, w->n);
    opoly_init(&e, w->n);
    opoly_init(&m, w->n);
    oracle_q(qp, &w->o, level);
    mpz_mul(qp, qp, w->o.p);
    random_pt(w, &pt, level);
    oracle_read(&m, &w->o, pt.limb, level, false);
    if (CHECK_OK(ckks_encrypt(&ct, &w->rng, &pt, w->pk))) {
        replay(&before, small, w->n, TERNARY);
        opoly_set_small(&u, small);
        for (int h = 0; h < 2; h++) {
            replay(&before, small, w->n, ERROR);
            opoly_set_small(&e, small);
            oracle_read(&want[h], &w->o, w->pk->limb + (size_t)h * half,
                        w->top, true);
            opoly_mul(&want[h], &want[h], &u);
            opoly_add(&want[h], &want[h], &e);
            opoly_mod(&want[h], &want[h], qp, true);
            opoly_round_div(&want[h], &want[h], w->o.p);
        }
        opoly_add(&want[0], &want[0], &m);
        check_ct(w, &ct, want, 1, level, TEST_SCALE, "encrypt");
        CHECK(ct.seeded == 0, "%s: seeded", w->name);
    }
    ckks_pt_clear(&pt);
    ckks_ct_clear(&ct);
    polys_clear(want, 2);
    opoly_clear(&u);
    opoly_clear(&e);
    opoly_clear(&m);
    mpz_clear(qp);
}

static void check_decrypt(world *w, int degree, int level)
{
    ckks_ct ct = { 0 };
    ckks_pt pt = { 0 };
    opoly c[3], m;

    polys_init(w, c, 3);
    opoly_init(&m, w->n);
    random_ct(w, &ct, degree, level);
    if (CHECK_OK(ckks_decrypt(&pt, &ct, w->sk))) {
        read_ct(w, c, &ct);
        oracle_decrypt(&m, &w->o, c, degree, &w->s, level);
        CHECK(pt.level == level && pt.scale == ct.scale, "level %d scale %g",
              pt.level, pt.scale);
        check_words(w, pt.limb, &m, level, "decrypt", 0);
    }
    ckks_ct_clear(&ct);
    ckks_pt_clear(&pt);
    polys_clear(c, 3);
    opoly_clear(&m);
}

/* The flood is uniform in [-2^w, 2^w): never beyond, and not much smaller. */
static void check_flooded(world *w)
{
    ckks_ct ct = { 0 };
    ckks_pt plain = { 0 }, flooded = { 0 };
    opoly a, b;
    mpz_t q;

    mpz_init(q);
    opoly_init(&a, w->n);
    opoly_init(&b, w->n);
    oracle_q(q, &w->o, w->top);
    random_ct(w, &ct, 1, w->top);
    for (int hiding = 20; hiding + 12 < ckks_ctx_log_q(w->ctx, w->top) - 2
                          && hiding + 12 <= 100; hiding += 13)
        if (CHECK_OK(ckks_decrypt(&plain, &ct, w->sk))
            && CHECK_OK(ckks_decrypt_flooded(&flooded, &w->rng, &ct, w->sk,
                                             11.3, hiding))) {
            double top;

            oracle_read(&a, &w->o, plain.limb, w->top, false);
            oracle_read(&b, &w->o, flooded.limb, w->top, false);
            opoly_sub(&b, &b, &a);
            opoly_mod(&b, &b, q, true);
            top = opoly_log_top(&b);
            CHECK(top <= hiding + 12 && top > hiding + 12 - 12,
                  "%s: flood of 2^%.2f, not 2^%d", w->name, top, hiding + 12);
        }
    ckks_ct_clear(&ct);
    ckks_pt_clear(&plain);
    ckks_pt_clear(&flooded);
    opoly_clear(&a);
    opoly_clear(&b);
    mpz_clear(q);
}

static void check_encryption(world *w)
{
    for (int level = 0; level <= w->top; level++) {
        check_encrypt_sk(w, level);
        check_encrypt_pk(w, level);
        check_decrypt(w, 1, level);
        check_decrypt(w, 2, level);
    }
    check_flooded(w);
}

TEST(oracle_encryption)
{
    every_world(check_encryption);
}
