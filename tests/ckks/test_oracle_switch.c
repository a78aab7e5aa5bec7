/* test_oracle_switch.c -- key switching against big integers. */
#include "oracle_support.h"

/* ---- key switching ------------------------------------------------------ */

static void check_relin(world *w, int level)
{
    ckks_ct a = { 0 }, out = { 0 };
    const cki_key *key = cki_keys_find(w->keys, CKKS_KEY_RELIN, 0);
    opoly k[MAX_KEY], p[3], want[2], t;
    mpz_t special, pq;

    mpz_inits(special, pq, NULL);
    oracle_p(special, &w->o, level);
    polys_init(w, k, MAX_KEY);
    polys_init(w, p, 3);
    polys_init(w, want, 2);
    opoly_init(&t, w->o.n);
    random_ct(w, &a, 2, level);
    a.scale = 0x1p14 * (double)w->o.prime[level];
    read_ct(w, p, &a);
    read_key(w, k, key, level);
    oracle_switch(want, &w->o, &p[2], k, level);
    for (int h = 0; h < 2; h++)
        opoly_add(&want[h], &want[h], &p[h]);
    if (CHECK_OK(ckks_relin(&out, &a, w->keys)))
        check_ct(w, &out, want, 1, level, a.scale, "relin");
    if (level > 0) {
        oracle_inner(want, &w->o, &p[2], k, level);
        prime_mpz(pq, w, level);
        mpz_mul(pq, pq, special);
        for (int h = 0; h < 2; h++) {
            opoly_scale(&t, &p[h], special);
            opoly_add(&want[h], &want[h], &t);
            opoly_round_div(&want[h], &want[h], pq);
        }
        if (CHECK_OK(ckks_relin_rescale(&out, &a, w->keys)))
            check_ct(w, &out, want, 1, level - 1,
                     a.scale / (double)w->o.prime[level], "relin_rescale");
    }
    ckks_ct_clear(&a);
    ckks_ct_clear(&out);
    polys_clear(k, MAX_KEY);
    polys_clear(p, 3);
    polys_clear(want, 2);
    opoly_clear(&t);
    mpz_clears(special, pq, NULL);
}

static void check_relins(world *w)
{
    for (int level = 0; level <= w->top; level++)
        check_relin(w, level);
}

TEST(oracle_relinearisation)
{
    every_world(check_relins);
}

/* want = p under X -> X^g, switched back to s. */
static void galois_oracle(world *w, opoly *want, const opoly *p,
                          const cki_key *key, uint64_t g, int level)
{
    opoly k[MAX_KEY], c[2];

    polys_init(w, k, MAX_KEY);
    polys_init(w, c, 2);
    read_key(w, k, key, level);
    for (int h = 0; h < 2; h++) {
        opoly_set(&c[h], &p[h]);
        if (!w->centred)
            opoly_map(&c[h], &c[h], g);
    }
    oracle_switch(want, &w->o, &c[1], k, level);
    opoly_add(&want[0], &want[0], &c[0]);
    for (int h = 0; h < 2; h++)
        if (w->centred)
            opoly_map(&want[h], &want[h], g);
    polys_clear(k, MAX_KEY);
    polys_clear(c, 2);
}

/* Step r as given to the function, any integer. */
static void check_rotate(world *w, int step, int level)
{
    int n = w->slots, reduced = ((step % n) + n) % n;
    const cki_key *key = cki_keys_find(w->keys, CKKS_KEY_ROTATE, reduced);
    ckks_ct a = { 0 }, out = { 0 };
    opoly p[2], want[2];

    polys_init(w, p, 2);
    polys_init(w, want, 2);
    random_ct(w, &a, 1, level);
    read_ct(w, p, &a);
    if (reduced == 0)
        for (int h = 0; h < 2; h++)
            opoly_set(&want[h], &p[h]);
    else
        galois_oracle(w, want, p, key, oracle_galois(&w->o, step), level);
    if (CHECK_OK(ckks_rotate(&out, &a, w->keys, step)))
        check_ct(w, &out, want, 1, level, a.scale, "rotate");
    ckks_ct_clear(&a);
    ckks_ct_clear(&out);
    polys_clear(p, 2);
    polys_clear(want, 2);
}

static void check_conj(world *w, int level)
{
    const cki_key *key = cki_keys_find(w->keys, CKKS_KEY_CONJ, 0);
    ckks_ct a = { 0 }, out = { 0 };
    opoly p[2], want[2];

    polys_init(w, p, 2);
    polys_init(w, want, 2);
    random_ct(w, &a, 1, level);
    read_ct(w, p, &a);
    galois_oracle(w, want, p, key, 2 * w->o.n - 1, level);
    if (CHECK_OK(ckks_conj(&out, &a, w->keys)))
        check_ct(w, &out, want, 1, level, a.scale, "conj");
    ckks_ct_clear(&a);
    ckks_ct_clear(&out);
    polys_clear(p, 2);
    polys_clear(want, 2);
}

/* The key for conj is of level top - 1; the real ring has none. */
static void check_conj_refused(world *w)
{
    ckks_ct a = { 0 };

    random_ct(w, &a, 1, w->top);
    CHECK_STATUS(ckks_conj(&a, &a, w->keys), w->real ? CKKS_EARG : CKKS_EKEY);
    CHECK(ckks_keys_level(w->keys, CKKS_KEY_CONJ, 0)
              == (w->real ? -1 : w->top - 1), "%s: level of the key", w->name);
    ckks_ct_clear(&a);
}

/* All steps of small rings, of larger ones each fifth; in the long form all. */
static void check_rotations(world *w)
{
    int n = w->slots, next = n <= 16 || test_long() ? 1 : 5;

    for (int step = 0; step < n; step += next)
        check_rotate(w, step, w->top);
    for (int level = 0; level < w->top; level++) {
        check_rotate(w, 1 + level % (n - 1), level);
        check_rotate(w, -1, level);
        if (!w->real)
            check_conj(w, level);
    }
    check_rotate(w, 5 * n + 1, w->top);
    check_rotate(w, -3 * n - 1, w->top);
    check_conj_refused(w);
}

TEST(oracle_rotations)
{
    every_world(check_rotations);
}

/* Hoisted rotations give the words of single ones; 0 among the steps, a step
 * twice, and an output that is the input. */
static void check_hoisted(world *w)
{
    int n = w->slots, step[5] = { 1, 0, -1, 1, n / 2 };
    ckks_ct a = { 0 }, out[5], want = { 0 };

    memset(out, 0, sizeof out);
    for (int level = 0; level <= w->top; level++) {
        random_ct(w, &a, 1, level);
        if (!w->centred) {
            CHECK_STATUS(ckks_rotate_hoisted(out, step, 5, &a, w->keys),
                         CKKS_EPARAM);
            continue;
        }
        if (!CHECK_OK(ckks_rotate_hoisted(out, step, 5, &a, w->keys)))
            break;
        for (int k = 0; k < 5; k++)
            if (CHECK_OK(ckks_rotate(&want, &a, w->keys, step[k])))
                CHECK(out[k].level == level && out[k].degree == 1
                          && out[k].scale == a.scale
                          && memcmp(out[k].limb, want.limb,
                                    2 * cki_words(w->ctx, level)
                                        * sizeof *want.limb) == 0,
                      "%s: level %d, output %d of step %d", w->name, level, k,
                      step[k]);
    }
    for (int k = 0; k < 5; k++)
        ckks_ct_clear(&out[k]);
    ckks_ct_clear(&a);
    ckks_ct_clear(&want);
}

TEST(oracle_hoisted_rotations)
{
    every_world(check_hoisted);
}

/* The sum of the inner products, permuted, modulo Q P_k; one division by
 * P_k. */
static void sum_oracle(world *w, opoly *want, const ckks_ct *a,
                       const int *step, int terms, int level)
{
    opoly k[MAX_KEY], p[2], u[2];
    mpz_t special;

    mpz_init(special);
    oracle_p(special, &w->o, level);
    polys_init(w, k, MAX_KEY);
    polys_init(w, p, 2);
    polys_init(w, u, 2);
    for (int h = 0; h < 2; h++)
        opoly_sub(&want[h], &want[h], &want[h]);
    for (int i = 0; i < terms; i++) {
        uint64_t g = oracle_galois(&w->o, step[i]);

        read_ct(w, p, &a[i]);
        for (int h = 0; h < 2; h++)
            opoly_scale(&p[h], &p[h], special);
        if (g != 1) {
            read_ct(w, u, &a[i]);
            read_key(w, k, cki_keys_find(w->keys, CKKS_KEY_ROTATE, step[i]),
                     level);
            oracle_inner(u, &w->o, &u[1], k, level);
            opoly_add(&u[0], &u[0], &p[0]);
            for (int h = 0; h < 2; h++)
                opoly_map(&p[h], &u[h], g);
        }
        for (int h = 0; h < 2; h++)
            opoly_add(&want[h], &want[h], &p[h]);
    }
    for (int h = 0; h < 2; h++)
        opoly_round_div(&want[h], &want[h], special);
    polys_clear(k, MAX_KEY);
    polys_clear(p, 2);
    polys_clear(u, 2);
    mpz_clear(special);
}

static void check_rotate_sum(world *w)
{
    int n = w->slots;
    const int steps[][4] = { { 1, 0, -1, 1 }, { 0, 0, 0, 0 },
                             { n - 1, 1, n / 2, 1 } };

    for (int level = 0; level <= w->top; level++)
        for (int terms = 1; terms <= 4; terms++) {
            const int *step = steps[(level + terms) % 3];
            ckks_ct a[4], out = { 0 };
            const ckks_ct *in[4] = { &a[0], &a[1], &a[2], &a[3] };
            opoly want[2];

            memset(a, 0, sizeof a);
            polys_init(w, want, 2);
            for (int i = 0; i < 4; i++)
                random_ct(w, &a[i], 1, level);
            if (!w->centred) {
                CHECK_STATUS(ckks_rotate_sum(&out, in, step, (size_t)terms,
                                             w->keys), CKKS_EPARAM);
            } else if (CHECK_OK(ckks_rotate_sum(&out, in, step, (size_t)terms,
                                                w->keys))) {
                sum_oracle(w, want, a, step, terms, level);
                check_ct(w, &out, want, 1, level, a[0].scale, "rotate_sum");
            }
            for (int i = 0; i < 4; i++)
                ckks_ct_clear(&a[i]);
            ckks_ct_clear(&out);
            polys_clear(want, 2);
        }
}

TEST(oracle_sums_of_rotations)
{
    every_world(check_rotate_sum);
}
