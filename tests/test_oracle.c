/* test_oracle.c -- every operation of ckks.h against big integers.
 *
 * A "world" is a context, its keys and the same numbers as the oracle knows
 * them.  Operations run on ciphertexts of uniform words, as those of other
 * parties are, and every word of the result is compared with the exact
 * integers.  Where the conventions take a quotient from a sum of doubles, it
 * differs from the exact one only where x / D is within 2^-48 of a tie; uniform
 * words never come that near, so no exception is made.
 */
#include <math.h>

#include "test.h"

#include "key.h"
#include "oracle/oracle.h"

typedef struct prime_set {
    const char *name;
    int log_n;
    int num_primes;
    int primes[6];
    int num_special;
    int special[3];
    int dnum;
} prime_set;

static const prime_set sets[] = {
    { "N=4, small", 2, 3, { 30, 25, 20 }, 1, { 31 }, 3 },
    { "N=8, K=2", 3, 4, { 48, 40, 40, 40 }, 2, { 48, 48 }, 2 },
    { "N=16, K=1, dnum=L, 60 bits", 4, 5, { 60, 50, 50, 50, 50 }, 1, { 60 },
      5 },
    { "N=16, K=1, dnum=L", 4, 5, { 48, 40, 40, 40, 40 }, 1, { 49 }, 5 },
    { "N=32, K=2, 60 bits", 5, 4, { 60, 60, 60, 61 }, 2, { 61, 61 }, 2 },
    { "N=32, K=3, last digit short", 5, 5, { 49, 45, 45, 45, 45 }, 3,
      { 48, 48, 48 }, 2 },
    { "N=64, K=3", 6, 6, { 49, 45, 45, 45, 45, 45 }, 3, { 48, 48, 48 }, 2 },
    { "N=8, one digit", 3, 2, { 45, 45 }, 2, { 46, 46 }, 1 },
};
enum { SETS = sizeof sets / sizeof *sets };

typedef struct world {
    char name[128];
    ckks_ctx *ctx;
    oracle o;
    size_t n;
    int top;
    bool centred;
    uint64_t state;             /* of the test's random words                */
    ckks_rng rng;
    ckks_sk *sk;
    ckks_pk *pk;
    ckks_keys *keys;            /* relinearisation, all rotations, conj      */
    opoly s;
} world;

static void world_clear(world *w)
{
    if (w->ctx == NULL)
        return;
    ckks_keys_clear(&w->keys);
    ckks_pk_clear(&w->pk);
    ckks_sk_clear(&w->sk);
    ckks_rng_clear(&w->rng);
    ckks_ctx_clear(&w->ctx);
    oracle_clear(&w->o);
    opoly_clear(&w->s);
}

static bool world_keys(world *w)
{
    ckks_key_request request[64];
    size_t count = 0;
    uint8_t seed[CKKS_SEED_BYTES] = { 7 };

    request[count++] = (ckks_key_request){ CKKS_KEY_RELIN, 0, w->top };
    request[count++] = (ckks_key_request){ CKKS_KEY_CONJ, 0, w->top };
    for (int step = 1; step < (int)w->n / 2; step++)
        request[count++] = (ckks_key_request){ CKKS_KEY_ROTATE, step, w->top };
    return CHECK_OK(ckks_rng_init(&w->rng, seed))
           && CHECK_OK(ckks_sk_init(&w->sk, w->ctx, &w->rng))
           && CHECK_OK(ckks_pk_init(&w->pk, &w->rng, w->sk))
           && CHECK_OK(ckks_keys_init(&w->keys, &w->rng, w->sk, request,
                                      count));
}

static bool world_init(world *w, const prime_set *set, int generator,
                       bool centred, const cki_kernel *kernel)
{
    ckks_params p = { .log_n = set->log_n, .num_primes = set->num_primes,
                      .num_special = set->num_special, .dnum = set->dnum,
                      .security = CKKS_INSECURE, .generator = generator,
                      .uncentred_digits = !centred, .kernel = kernel->name };
    uint64_t prime[ORACLE_PRIMES];

    memset(w, 0, sizeof *w);
    snprintf(w->name, sizeof w->name, "%s, generator %d, %s, %s", set->name,
             generator, centred ? "centred" : "uncentred", kernel->name);
    for (int i = 0; i < set->num_primes; i++)
        p.primes[i] = (uint64_t)set->primes[i];
    for (int i = 0; i < set->num_special; i++)
        p.special[i] = (uint64_t)set->special[i];
    if (!CHECK_OK(ckks_ctx_init(&w->ctx, &p)))
        return false;
    CHECK(strcmp(ckks_ctx_kernel(w->ctx), kernel->name) == 0, "%s", w->name);
    w->n = (size_t)1 << set->log_n;
    w->top = set->num_primes - 1;
    w->centred = centred;
    w->state = 1;
    for (int i = 0; i < set->num_primes; i++)
        prime[i] = ckks_ctx_prime(w->ctx, i);
    for (int i = 0; i < set->num_special; i++)
        prime[set->num_primes + i] = ckks_ctx_special(w->ctx, i);
    oracle_init(&w->o, w->n, prime, set->num_primes, set->num_special,
                set->dnum, generator, centred);
    opoly_init(&w->s, w->n);
    if (!world_keys(w)) {
        world_clear(w);
        return false;
    }
    opoly_set_small(&w->s, w->sk->coeff);
    return true;
}

static int largest_prime_bits(const prime_set *set)
{
    int top = 0;

    for (int i = 0; i < set->num_primes; i++)
        top = set->primes[i] > top ? set->primes[i] : top;
    for (int i = 0; i < set->num_special; i++)
        top = set->special[i] > top ? set->special[i] : top;
    return top;
}

/* Runs a check in every world: all prime sets, both generators, centred and
 * not, and every kernel that can take the primes. */
static void every_world(void (*check)(world *w))
{
    for (size_t i = 0; i < SETS; i++)
        for (int mode = 0; mode < 4; mode++)
            for (size_t k = 0; cki_kernels[k] != NULL; k++) {
                world w;

                if (!cki_kernels[k]->usable()
                    || cki_kernels[k]->max_bits < largest_prime_bits(&sets[i]))
                    continue;
                if (!world_init(&w, &sets[i], mode % 2 == 0 ? 5 : 3, mode < 2,
                                cki_kernels[k]))
                    return;
                check(&w);
                world_clear(&w);
            }
}

/* ---- objects of random words, and comparisons --------------------------- */

static void random_words(world *w, uint64_t *words, int parts, int level)
{
    for (int h = 0; h < parts; h++)
        for (int i = 0; i <= level; i++)
            for (size_t k = 0; k < w->n; k++)
                *words++ = test_word(&w->state) % w->o.prime[i];
}

static const double test_scale = 0x1p14;

static void random_pt(world *w, ckks_pt *pt, int level)
{
    double zero = 0;

    if (ckks_encode(pt, w->ctx, &zero, NULL, 1, level, test_scale) != CKKS_OK)
        abort();
    random_words(w, pt->limb, 1, level);
}

static void random_ct(world *w, ckks_ct *ct, int degree, int level)
{
    ckks_pt pt = { 0 };
    ckks_ct made = { 0 };

    random_pt(w, &pt, level);
    if (ckks_encrypt_sk(&made, &w->rng, &pt, w->sk) != CKKS_OK)
        abort();
    if (degree == 2) {
        made.scale = 2;
        if (ckks_mul(&made, &made, &made) != CKKS_OK)
            abort();
        made.scale = test_scale;
    }
    made.seeded = 0;
    random_words(w, made.limb, degree + 1, level);
    ckks_ct_swap(ct, &made);
    ckks_ct_clear(&made);
    ckks_pt_clear(&pt);
}

/* An array of polynomials that is cleared as a whole. */
static void polys_init(world *w, opoly *p, int count)
{
    for (int i = 0; i < count; i++)
        opoly_init(&p[i], w->n);
}

static void polys_clear(opoly *p, int count)
{
    for (int i = 0; i < count; i++)
        opoly_clear(&p[i]);
}

/* p[0..degree] = the polynomials of a ciphertext. */
static void read_ct(world *w, opoly *p, const ckks_ct *ct)
{
    for (int h = 0; h <= ct->degree; h++)
        oracle_read(&p[h], &w->o, cki_ct_limb(ct, h, 0), ct->level, false);
}

static void check_words(world *w, const uint64_t *got, const opoly *want,
                        int level, const char *what, int part)
{
    size_t size = oracle_size(&w->o, level, false);
    uint64_t *words = malloc(size * sizeof *words);

    if (words == NULL)
        abort();
    oracle_write(words, &w->o, want, level, false);
    for (size_t i = 0; i < size; i++)
        if (!CHECK(got[i] == words[i], "%s: %s, part %d level %d limb %zu word "
                   "%zu: %" PRIu64 ", want %" PRIu64, w->name, what, part,
                   level, i / w->n, i % w->n, got[i], words[i]))
            break;
    free(words);
}

/* The ciphertext is exactly these polynomials. */
static void check_ct(world *w, const ckks_ct *got, const opoly *want,
                     int degree, int level, double scale, const char *what)
{
    if (!CHECK(got->degree == degree && got->level == level
                   && got->scale == scale && got->ctx == w->ctx,
               "%s: %s: degree %d level %d scale %.17g, want %d %d %.17g",
               w->name, what, got->degree, got->level, got->scale, degree,
               level, scale))
        return;
    for (int h = 0; h <= degree; h++)
        check_words(w, cki_ct_limb(got, h, 0), &want[h], level, what, h);
}

/* A key's polynomials b_0, a_0, b_1, ... as they serve a level at or below the
 * key's own: the limbs in between are passed over. */
static void read_key(world *w, opoly *out, const cki_key *key, int level)
{
    size_t half = cki_key_half(key, w->ctx);
    size_t low = (size_t)(level + 1) * w->n;
    size_t special = (size_t)w->ctx->num_special * w->n;
    uint64_t *words = malloc((low + special) * sizeof *words);

    if (words == NULL)
        abort();
    for (int i = 0; i < 2 * oracle_digits(&w->o, level); i++) {
        const uint64_t *from = key->limb + (size_t)i * half;

        memcpy(words, from, low * sizeof *words);
        memcpy(words + low, from + half - special, special * sizeof *words);
        oracle_read(&out[i], &w->o, words, level, true);
    }
    free(words);
}

enum { MAX_KEY = 12 };          /* polynomials of a key                      */

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
        check_ct(w, &ct, want, 1, level, test_scale, "encrypt_sk");
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
        check_ct(w, &ct, want, 1, level, test_scale, "encrypt");
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

/* ---- arithmetic --------------------------------------------------------- */

/* out_h = a_h + sign b_h */
static void combine_two(opoly *out, const opoly *a, int degree_a,
                        const opoly *b, int degree_b, bool minus)
{
    for (int h = 0; h <= degree_a || h <= degree_b; h++) {
        if (h <= degree_a)
            opoly_set(&out[h], &a[h]);
        else
            opoly_sub(&out[h], &out[h], &out[h]);
        if (h <= degree_b && minus)
            opoly_sub(&out[h], &out[h], &b[h]);
        else if (h <= degree_b)
            opoly_add(&out[h], &out[h], &b[h]);
    }
}

static void check_add_sub(world *w, int degree_a, int degree_b, int level)
{
    ckks_ct a = { 0 }, b = { 0 }, out = { 0 };
    int degree = degree_a > degree_b ? degree_a : degree_b;
    opoly p[3], q[3], want[3];
    mpz_t minus;

    mpz_init_set_si(minus, -1);
    polys_init(w, p, 3);
    polys_init(w, q, 3);
    polys_init(w, want, 3);
    random_ct(w, &a, degree_a, level);
    random_ct(w, &b, degree_b, level);
    read_ct(w, p, &a);
    read_ct(w, q, &b);
    combine_two(want, p, degree_a, q, degree_b, false);
    if (CHECK_OK(ckks_add(&out, &a, &b)))
        check_ct(w, &out, want, degree, level, a.scale, "add");
    combine_two(want, p, degree_a, q, degree_b, true);
    if (CHECK_OK(ckks_sub(&out, &a, &b)))
        check_ct(w, &out, want, degree, level, a.scale, "sub");
    for (int h = 0; h <= degree_a; h++)
        opoly_scale(&want[h], &p[h], minus);
    if (CHECK_OK(ckks_neg(&out, &a)))
        check_ct(w, &out, want, degree_a, level, a.scale, "neg");
    ckks_ct_clear(&a);
    ckks_ct_clear(&b);
    ckks_ct_clear(&out);
    polys_clear(p, 3);
    polys_clear(q, 3);
    polys_clear(want, 3);
    mpz_clear(minus);
}

static void check_plain(world *w, int degree, int level)
{
    ckks_ct a = { 0 }, out = { 0 };
    ckks_pt b = { 0 };
    opoly p[3], m, want[3];
    bool room = 2 * log2(test_scale) + 1 < ckks_ctx_log_q(w->ctx, level);

    polys_init(w, p, 3);
    polys_init(w, want, 3);
    opoly_init(&m, w->n);
    random_ct(w, &a, degree, level);
    random_pt(w, &b, level);
    read_ct(w, p, &a);
    oracle_read(&m, &w->o, b.limb, level, false);
    combine_two(want, p, degree, &m, 0, false);
    if (CHECK_OK(ckks_add_plain(&out, &a, &b)))
        check_ct(w, &out, want, degree, level, a.scale, "add_plain");
    combine_two(want, p, degree, &m, 0, true);
    if (CHECK_OK(ckks_sub_plain(&out, &a, &b)))
        check_ct(w, &out, want, degree, level, a.scale, "sub_plain");
    for (int h = 0; h <= degree; h++)
        opoly_mul(&want[h], &p[h], &m);
    if (room && CHECK_OK(ckks_mul_plain(&out, &a, &b)))
        check_ct(w, &out, want, degree, level, a.scale * b.scale,
                 "mul_plain");
    ckks_ct_clear(&a);
    ckks_ct_clear(&out);
    ckks_pt_clear(&b);
    polys_clear(p, 3);
    polys_clear(want, 3);
    opoly_clear(&m);
}

/* round(re scale) + round(im scale) X^(N/2) */
static void gaussian(world *w, opoly *out, double re, double im, double scale)
{
    opoly_sub(out, out, out);
    mpz_set_d(out->c[0], round(re * scale));
    mpz_set_d(out->c[w->n / 2], round(im * scale));
}

static void check_const(world *w, int degree, int level)
{
    static const double number[][2] = { { 0, 0 }, { 1, 0 }, { -0.75, 0.3 },
                                        { 0, -2.000030517578125 },
                                        { 3.00003051757812, -4.5 } };
    static const int64_t integer[] = { 0, 1, -1, 3, -1234567891234567891,
                                       INT64_MAX, INT64_MIN };
    const double scale = 0x1.8p3;
    ckks_ct a = { 0 }, out = { 0 };
    opoly p[3], m, want[3];
    mpz_t factor;

    mpz_init(factor);
    polys_init(w, p, 3);
    polys_init(w, want, 3);
    opoly_init(&m, w->n);
    random_ct(w, &a, degree, level);
    read_ct(w, p, &a);
    for (size_t i = 0; i < sizeof number / sizeof *number; i++) {
        double re = number[i][0], im = number[i][1];

        gaussian(w, &m, re, im, a.scale);
        combine_two(want, p, degree, &m, 0, false);
        if (CHECK_OK(ckks_add_const(&out, &a, re, im)))
            check_ct(w, &out, want, degree, level, a.scale, "add_const");
        gaussian(w, &m, re, im, scale);
        for (int h = 0; h <= degree; h++)
            opoly_mul(&want[h], &p[h], &m);
        if (CHECK_OK(ckks_mul_const(&out, &a, re, im, scale)))
            check_ct(w, &out, want, degree, level, a.scale * scale,
                     "mul_const");
    }
    for (size_t i = 0; i < sizeof integer / sizeof *integer; i++) {
        mpz_set_si(factor, integer[i]);
        for (int h = 0; h <= degree; h++)
            opoly_scale(&want[h], &p[h], factor);
        if (CHECK_OK(ckks_mul_int(&out, &a, integer[i])))
            check_ct(w, &out, want, degree, level, a.scale, "mul_int");
    }
    ckks_ct_clear(&a);
    ckks_ct_clear(&out);
    polys_clear(p, 3);
    polys_clear(want, 3);
    opoly_clear(&m);
    mpz_clear(factor);
}

static void check_linear(world *w)
{
    for (int level = 0; level <= w->top; level += w->top > 0 ? w->top : 1)
        for (int degree = 1; degree <= 2; degree++) {
            check_add_sub(w, degree, 1, level);
            check_add_sub(w, degree, 2, level);
            check_plain(w, degree, level);
            check_const(w, degree, level);
        }
}

TEST(oracle_linear_operations)
{
    every_world(check_linear);
}

/* want = the tensor product. */
static void tensor(opoly *want, const opoly *p, const opoly *q, opoly *t)
{
    opoly_mul(&want[0], &p[0], &q[0]);
    opoly_mul(&want[2], &p[1], &q[1]);
    opoly_mul(&want[1], &p[0], &q[1]);
    opoly_mul(t, &p[1], &q[0]);
    opoly_add(&want[1], &want[1], t);
}

static void check_mul(world *w)
{
    for (int level = w->top; level > 0; level--) {
        ckks_ct a = { 0 }, b = { 0 }, out = { 0 };
        opoly p[2], q[2], want[3], t;

        polys_init(w, p, 2);
        polys_init(w, q, 2);
        polys_init(w, want, 3);
        opoly_init(&t, w->n);
        random_ct(w, &a, 1, level);
        random_ct(w, &b, 1, level);
        read_ct(w, p, &a);
        read_ct(w, q, &b);
        tensor(want, p, q, &t);
        if (CHECK_OK(ckks_mul(&out, &a, &b)))
            check_ct(w, &out, want, 2, level, a.scale * b.scale, "mul");
        tensor(want, p, p, &t);
        if (CHECK_OK(ckks_square(&out, &a)))
            check_ct(w, &out, want, 2, level, a.scale * a.scale, "square");
        if (CHECK_OK(ckks_mul(&out, &a, &a)))
            check_ct(w, &out, want, 2, level, a.scale * a.scale, "mul a a");
        ckks_ct_clear(&a);
        ckks_ct_clear(&b);
        ckks_ct_clear(&out);
        polys_clear(p, 2);
        polys_clear(q, 2);
        polys_clear(want, 3);
        opoly_clear(&t);
    }
}

TEST(oracle_products)
{
    every_world(check_mul);
}

/* ---- levels ------------------------------------------------------------- */

static void prime_mpz(mpz_t out, const world *w, int i)
{
    mpz_import(out, 1, -1, sizeof w->o.prime[i], 0, 0, &w->o.prime[i]);
}

static void check_rescale(world *w, int degree, int level)
{
    ckks_ct a = { 0 }, out = { 0 };
    opoly p[3];
    mpz_t q;

    mpz_init(q);
    polys_init(w, p, 3);
    random_ct(w, &a, degree, level);
    a.scale = 0x1p14 * (double)w->o.prime[level];
    read_ct(w, p, &a);
    prime_mpz(q, w, level);
    for (int h = 0; h <= degree; h++)
        opoly_round_div(&p[h], &p[h], q);
    if (CHECK_OK(ckks_rescale(&out, &a)))
        check_ct(w, &out, p, degree, level - 1,
                 a.scale / (double)w->o.prime[level], "rescale");
    ckks_ct_clear(&a);
    ckks_ct_clear(&out);
    polys_clear(p, 3);
    mpz_clear(q);
}

static void check_drop(world *w, int degree, int level)
{
    ckks_ct a = { 0 }, out = { 0 };
    opoly p[3];

    polys_init(w, p, 3);
    random_ct(w, &a, degree, level);
    read_ct(w, p, &a);
    for (int to = 0; to <= level; to++)
        if (CHECK_OK(ckks_drop_level(&out, &a, to)))
            check_ct(w, &out, p, degree, to, a.scale, "drop_level");
    ckks_ct_clear(&a);
    ckks_ct_clear(&out);
    polys_clear(p, 3);
}

static void check_levels(world *w)
{
    for (int level = 0; level <= w->top; level++)
        for (int degree = 1; degree <= 2; degree++) {
            if (level > 0)
                check_rescale(w, degree, level);
            check_drop(w, degree, level);
        }
}

TEST(oracle_rescale_and_drop)
{
    every_world(check_levels);
}

/* ---- key switching ------------------------------------------------------ */

static void check_relin(world *w, int level)
{
    ckks_ct a = { 0 }, out = { 0 };
    const cki_key *key = cki_keys_find(w->keys, CKKS_KEY_RELIN, 0);
    opoly k[MAX_KEY], p[3], want[2], t;
    mpz_t pq;

    mpz_init(pq);
    polys_init(w, k, MAX_KEY);
    polys_init(w, p, 3);
    polys_init(w, want, 2);
    opoly_init(&t, w->n);
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
        mpz_mul(pq, pq, w->o.p);
        for (int h = 0; h < 2; h++) {
            opoly_scale(&t, &p[h], w->o.p);
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
    mpz_clear(pq);
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
    int n = (int)w->n / 2, reduced = ((step % n) + n) % n;
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
    galois_oracle(w, want, p, key, 2 * w->n - 1, level);
    if (CHECK_OK(ckks_conj(&out, &a, w->keys)))
        check_ct(w, &out, want, 1, level, a.scale, "conj");
    ckks_ct_clear(&a);
    ckks_ct_clear(&out);
    polys_clear(p, 2);
    polys_clear(want, 2);
}

static void check_rotations(world *w)
{
    int n = (int)w->n / 2;

    for (int step = 0; step < n; step++)
        check_rotate(w, step, w->top);
    for (int level = 0; level < w->top; level++) {
        check_rotate(w, 1 + level % (n - 1), level);
        check_rotate(w, -1, level);
        check_conj(w, level);
    }
    check_rotate(w, 5 * n + 1, w->top);
    check_rotate(w, -3 * n - 1, w->top);
    check_conj(w, w->top);
}

TEST(oracle_rotations)
{
    every_world(check_rotations);
}

/* Hoisted rotations give the words of single ones; 0 among the steps, a step
 * twice, and an output that is the input. */
static void check_hoisted(world *w)
{
    int n = (int)w->n / 2, step[5] = { 1, 0, -1, 1, n / 2 };
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

/* The sum of the inner products, permuted, modulo Q P; one division by P. */
static void sum_oracle(world *w, opoly *want, const ckks_ct *a,
                       const int *step, int terms, int level)
{
    opoly k[MAX_KEY], p[2], u[2];

    polys_init(w, k, MAX_KEY);
    polys_init(w, p, 2);
    polys_init(w, u, 2);
    for (int h = 0; h < 2; h++)
        opoly_sub(&want[h], &want[h], &want[h]);
    for (int i = 0; i < terms; i++) {
        uint64_t g = oracle_galois(&w->o, step[i]);

        read_ct(w, p, &a[i]);
        for (int h = 0; h < 2; h++)
            opoly_scale(&p[h], &p[h], w->o.p);
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
        opoly_round_div(&want[h], &want[h], w->o.p);
    polys_clear(k, MAX_KEY);
    polys_clear(p, 2);
    polys_clear(u, 2);
}

static void check_rotate_sum(world *w)
{
    int n = (int)w->n / 2;
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

/* ---- integer combinations ----------------------------------------------- */

enum { IN = 7, OUT = 6 };

/* Three blocks: of 3 rows and 5 terms, of one row and one term of weight 0, of
 * 2 rows and 7 terms; weights of every size the row sums allow. */
static void check_combine(world *w)
{
    const int32_t index[] = { 4, 0, 6, 1, 0, 6, 5, 4, 3, 2, 1, 0 };
    int32_t weight[3 * 5 + 2 * 7];
    const ckks_block block[] = { { 3, 3, 5, index, weight },
                                 { 2, 1, 1, index, weight },
                                 { 0, 2, 7, index + 5, weight + 15 } };

    for (int level = 0; level <= w->top; level++) {
        ckks_ct in[IN], out[OUT];
        const ckks_ct *pin[IN];
        ckks_ct *pout[OUT];
        opoly p[2 * IN], want[2];
        mpz_t f;

        mpz_init(f);
        memset(in, 0, sizeof in);
        memset(out, 0, sizeof out);
        polys_init(w, p, 2 * IN);
        polys_init(w, want, 2);
        for (int i = 0; i < IN; i++) {
            random_ct(w, &in[i], 1, level);
            read_ct(w, p + 2 * i, &in[i]);
            pin[i] = &in[i];
        }
        for (int i = 0; i < OUT; i++)
            pout[i] = &out[i];
        for (size_t i = 0; i < sizeof weight / sizeof *weight; i++)
            weight[i] = (int32_t)(test_word(&w->state) % (1 << 26))
                        - (1 << 25);
        weight[0] = weight[7] = 0;
        weight[1] = (1 << 25) - 1;
        if (!CHECK_OK(ckks_combine(pout, OUT, pin, IN, block, 3, 0x1p9)))
            return;
        for (size_t b = 0; b < 3; b++)
            for (size_t r = 0; r < block[b].rows; r++) {
                for (int h = 0; h < 2; h++) {
                    opoly_sub(&want[h], &want[h], &want[h]);
                    for (size_t k = 0; k < block[b].terms; k++) {
                        opoly term;

                        opoly_init(&term, w->n);
                        mpz_set_si(f,
                                   block[b].weight[r * block[b].terms + k]);
                        opoly_scale(&term, &p[2 * block[b].index[k] + h], f);
                        opoly_add(&want[h], &want[h], &term);
                        opoly_clear(&term);
                    }
                }
                check_ct(w, &out[block[b].first + r], want, 1, level, 0x1p9,
                         "combine");
            }
        for (int i = 0; i < IN; i++)
            ckks_ct_clear(&in[i]);
        for (int i = 0; i < OUT; i++)
            ckks_ct_clear(&out[i]);
        polys_clear(p, 2 * IN);
        polys_clear(want, 2);
        mpz_clear(f);
    }
}

TEST(oracle_combinations)
{
    every_world(check_combine);
}

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
    ALIAS(ckks_add_const(&out, &a, 1.5, -2), ckks_add_const(&x, &x, 1.5, -2));
    ALIAS(ckks_mul_int(&out, &a, -77), ckks_mul_int(&x, &x, -77));
    ALIAS(ckks_mul_const(&out, &a, 1.5, 1, 8),
          ckks_mul_const(&x, &x, 1.5, 1, 8));
    ALIAS(ckks_mul(&out, &a, &b), ckks_mul(&x, &x, &b));
    ALIAS(ckks_mul(&out, &b, &a), ckks_mul(&x, &b, &x));
    ALIAS(ckks_mul(&out, &a, &a), ckks_mul(&x, &x, &x));
    ALIAS(ckks_square(&out, &a), ckks_square(&x, &x));
    ALIAS(ckks_drop_level(&out, &a, l - 1), ckks_drop_level(&x, &x, l - 1));
    ALIAS(ckks_rotate(&out, &a, keys, 1), ckks_rotate(&x, &x, keys, 1));
    ALIAS(ckks_rotate(&out, &a, keys, 0), ckks_rotate(&x, &x, keys, 0));
    ALIAS(ckks_conj(&out, &a, keys), ckks_conj(&x, &x, keys));
    ALIAS(ckks_relin(&out, &a, keys), ckks_relin(&x, &x, keys));
    a.scale = (double)w->o.prime[l];
    ALIAS(ckks_rescale(&out, &a), ckks_rescale(&x, &x));
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
