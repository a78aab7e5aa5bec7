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
        CHECK(w->o.prime[i] == oracle_prime(w->o.n, bits, w->o.prime,
                                           (size_t)i),
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

/* ---- special primes of a level ------------------------------------------ */

/* Levels that use fewer than all, of one digit and of more. */
static int fewer[2];

static void check_specials(world *w)
{
    for (int level = 0; level <= w->top; level++) {
        const int got = ckks_ctx_special_at(w->ctx, level);

        CHECK(got == oracle_specials(&w->o, level), "%s: level %d uses %d "
              "special primes, want %d", w->name, level, got,
              oracle_specials(&w->o, level));
        fewer[oracle_digits(&w->o, level) > 1] += got < w->o.num_special;
    }
}

TEST(oracle_special_primes_of_levels)
{
    fewer[0] = fewer[1] = 0;
    every_world(check_specials);
    CHECK(fewer[0] > 0 && fewer[1] > 0, "%d levels of one digit and %d of "
          "more use fewer than all", fewer[0], fewer[1]);
}

/* ---- keys --------------------------------------------------------------- */

enum { SEED, ERROR, TERNARY };

/* What the generator's next stream gives to this use. */
static void replay(ckks_rng *rng, void *out, size_t n, int use)
{
    cki_stream st;

    cki_rng_stream(&st, &cki_kernel_portable, rng);
    if (use == SEED)
        cki_stream_read(&st, out, n);
    else if (use == ERROR)
        cki_sample_error(out, n, &st);
    else
        cki_sample_ternary(out, n, &st);
}

/* b = target - a s + e modulo Q_level P with the error the generator gives
 * next, and a the expansion of the seed: limb t of stream (seed; part, t). */
static void check_pair(world *w, ckks_rng *rng, const uint64_t *pair,
                       const opoly *own, const opoly *target, int level,
                       const uint8_t *seed, int part, const char *what)
{
    const int special = w->o.num_special;
    size_t half = oracle_size(&w->o, level, special);
    uint64_t *a = oracle_memory(half * sizeof *a);
    int8_t small[64];
    opoly b, e, t;
    mpz_t qp;

    mpz_init(qp);
    opoly_init(&b, w->o.n);
    opoly_init(&e, w->o.n);
    opoly_init(&t, w->o.n);
    for (size_t i = 0; i < half / w->n; i++) {
        int prime = (int)i <= level
                        ? (int)i : w->o.num_primes + (int)i - level - 1;
        cki_stream st;

        cki_stream_init(&st, &cki_kernel_portable, seed, CKKS_SEED_BYTES,
                        (uint64_t)part, (uint64_t)prime);
        cki_sample_uniform(a + i * w->n, w->n, w->o.prime[prime], &st);
    }
    CHECK(memcmp(a, pair + half, half * sizeof *a) == 0,
          "%s: %s: a is not the expansion of its seed", w->name, what);
    replay(rng, small, w->n, ERROR);
    oracle_small(&e, &w->o, small);
    oracle_q(qp, &w->o, level);
    mpz_mul(qp, qp, w->o.p);
    oracle_read(&b, &w->o, pair, level, special);
    oracle_read(&t, &w->o, a, level, special);
    opoly_mul(&t, &t, own);
    opoly_add(&t, &t, &b);
    opoly_sub(&t, &t, target);
    opoly_mod(&t, &t, qp, true);
    CHECK(opoly_equal(&t, &e), "%s: %s: the error is not the one drawn (2^"
          "%.2f)", w->name, what, opoly_log_top(&t));
    opoly_clear(&b);
    opoly_clear(&e);
    opoly_clear(&t);
    mpz_clear(qp);
    free(a);
}

/* The secret s' a key takes away and the secret s_own it leaves. */
static void secrets_of_key(world *w, opoly *other, opoly *own,
                           const cki_key *key)
{
    uint64_t order = 2 * w->o.n, g = order - 1, inverse = 1;

    opoly_set(other, &w->s);
    opoly_set(own, &w->s);
    if (key->kind == CKKS_KEY_RELIN) {
        opoly_mul(other, &w->s, &w->s);
        return;
    }
    if (key->kind == CKKS_KEY_ROTATE)
        g = oracle_galois(&w->o, key->step);
    while (inverse * g % order != 1)
        inverse += 2;
    if (w->centred)
        opoly_map(own, &w->s, inverse);
    else
        opoly_map(other, &w->s, g);
}

static void check_one_key(world *w, ckks_rng *rng, const cki_key *key)
{
    uint8_t seed[CKKS_SEED_BYTES];
    uint64_t *pair = oracle_memory(2 * key_half(key, w) * sizeof *pair);
    opoly other, own, target;
    mpz_t gadget;

    mpz_init(gadget);
    opoly_init(&other, w->o.n);
    opoly_init(&own, w->o.n);
    opoly_init(&target, w->o.n);
    secrets_of_key(w, &other, &own, key);
    replay(rng, seed, sizeof seed, SEED);
    CHECK(memcmp(seed, key->seed, sizeof seed) == 0, "%s: seed of a key",
          w->name);
    CHECK(key->digits == oracle_digits(&w->o, key->level), "%s: %d digits",
          w->name, key->digits);
    for (int j = 0; j < key->digits; j++) {
        oracle_gadget(gadget, &w->o, j, key->level);
        opoly_scale(&target, &other, gadget);
        key_words(pair, w, key, j);
        check_pair(w, rng, pair, &own, &target, key->level, seed, 1 + j,
                   "key");
    }
    opoly_clear(&other);
    opoly_clear(&own);
    opoly_clear(&target);
    mpz_clear(gadget);
    free(pair);
}

/* All that the world's generator gave, drawn again in the same order. */
static void check_keys(world *w)
{
    uint8_t seed[CKKS_SEED_BYTES] = { WORLD_SEED };
    int8_t small[64];
    ckks_rng rng;
    opoly p;

    opoly_init(&p, w->o.n);
    if (!CHECK_OK(ckks_rng_init(&rng, seed)))
        return;
    replay(&rng, small, w->n, TERNARY);
    CHECK(memcmp(small, w->sk->coeff, w->n) == 0, "%s: the secret is not the "
          "one drawn", w->name);
    oracle_read(&p, &w->o, w->sk->limb, w->top, w->o.num_special);
    CHECK(opoly_equal(&p, &w->s), "%s: the secret's words", w->name);
    opoly_sub(&p, &p, &p);
    replay(&rng, seed, sizeof seed, SEED);
    CHECK(memcmp(seed, w->pk->seed, sizeof seed) == 0, "%s: seed of the "
          "public key", w->name);
    check_pair(w, &rng, w->pk->limb, &w->s, &p, w->top, seed, 0,
               "public key");
    for (size_t i = 0; i < w->keys->count; i++)
        check_one_key(w, &rng, &w->keys->key[i]);
    opoly_clear(&p);
}

TEST(oracle_keys_satisfy_their_equations)
{
    every_world(check_keys);
}

/* ---- encryption --------------------------------------------------------- */

static void check_encrypt_sk(world *w, int level)
{
    ckks_rng before = w->rng;
    uint8_t seed[CKKS_SEED_BYTES];
    int8_t small[64];
    ckks_pt pt = { 0 };
    ckks_ct ct = { 0 };
    opoly want[2], e, m;

    polys_init(w, want, 2);
    opoly_init(&e, w->o.n);
    opoly_init(&m, w->o.n);
    random_pt(w, &pt, level);
    if (CHECK_OK(ckks_encrypt_sk(&ct, &w->rng, &pt, w->sk))) {
        uint64_t *a = malloc(oracle_size(&w->o, level, 0) * sizeof *a);

        if (a == NULL)
            abort();
        replay(&before, seed, sizeof seed, SEED);
        replay(&before, small, w->n, ERROR);
        oracle_small(&e, &w->o, small);
        for (int i = 0; i <= level; i++) {
            cki_stream st;

            cki_stream_init(&st, &cki_kernel_portable, seed, sizeof seed, 0,
                            (uint64_t)i);
            cki_sample_uniform(a + (size_t)i * w->n, w->n, w->o.prime[i], &st);
        }
        oracle_read(&m, &w->o, pt.limb, level, 0);
        oracle_read(&want[1], &w->o, a, level, 0);
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

/* mod-down of (u b + e_0, u a + e_1), plus m; modulo Q_level P_k. */
static void check_encrypt_pk(world *w, int level)
{
    ckks_rng before = w->rng;
    size_t half = (size_t)(w->ctx->num_primes + w->ctx->num_special) * w->n;
    int8_t small[64];
    ckks_pt pt = { 0 };
    ckks_ct ct = { 0 };
    opoly want[2], u, e, m;
    mpz_t p, qp;

    mpz_inits(p, qp, NULL);
    polys_init(w, want, 2);
    opoly_init(&u, w->o.n);
    opoly_init(&e, w->o.n);
    opoly_init(&m, w->o.n);
    oracle_p(p, &w->o, level);
    oracle_q(qp, &w->o, level);
    mpz_mul(qp, qp, p);
    random_pt(w, &pt, level);
    oracle_read(&m, &w->o, pt.limb, level, 0);
    if (CHECK_OK(ckks_encrypt(&ct, &w->rng, &pt, w->pk))) {
        replay(&before, small, w->n, TERNARY);
        oracle_small(&u, &w->o, small);
        for (int h = 0; h < 2; h++) {
            replay(&before, small, w->n, ERROR);
            oracle_small(&e, &w->o, small);
            oracle_read(&want[h], &w->o, w->pk->limb + (size_t)h * half,
                        w->top, w->o.num_special);
            opoly_mul(&want[h], &want[h], &u);
            opoly_add(&want[h], &want[h], &e);
            opoly_mod(&want[h], &want[h], qp, true);
            opoly_round_div(&want[h], &want[h], p);
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
    mpz_clears(p, qp, NULL);
}

static void check_decrypt(world *w, int degree, int level)
{
    ckks_ct ct = { 0 };
    ckks_pt pt = { 0 };
    opoly c[3], m;

    polys_init(w, c, 3);
    opoly_init(&m, w->o.n);
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

/* The flood is uniform in [-2^w, 2^w): never beyond, and of N coefficients
 * some come near both ends. */
static void check_flooded(world *w)
{
    ckks_ct ct = { 0 };
    ckks_pt plain = { 0 }, flooded = { 0 };
    opoly a, b;
    mpz_t q;

    mpz_init(q);
    opoly_init(&a, w->o.n);
    opoly_init(&b, w->o.n);
    oracle_q(q, &w->o, w->top);
    random_ct(w, &ct, 1, w->top);
    for (int hiding = 20; hiding + 12 < ckks_ctx_log_q(w->ctx, w->top) - 2
                          && hiding + 12 <= 100; hiding += 13)
        if (CHECK_OK(ckks_decrypt(&plain, &ct, w->sk))
            && CHECK_OK(ckks_decrypt_flooded(&flooded, &w->rng, &ct, w->sk,
                                             11.3, hiding))) {
            long double least = 0, most = 0, end = ldexpl(1, hiding + 12);

            oracle_read(&a, &w->o, plain.limb, w->top, 0);
            oracle_read(&b, &w->o, flooded.limb, w->top, 0);
            opoly_sub(&b, &b, &a);
            opoly_mod(&b, &b, q, true);
            for (size_t k = 0; k < w->n; k++) {
                long double x = oracle_real(b.c[k]);

                least = x < least ? x : least;
                most = x > most ? x : most;
            }
            CHECK(least >= -end && most < end
                      && (w->n < 32 || (least < -end / 2 && most > end / 2)),
                  "%s: flood of 2^%d from %Lg to %Lg", w->name, hiding + 12,
                  least, most);
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
