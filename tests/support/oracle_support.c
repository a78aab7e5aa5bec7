/* oracle_support.c -- see oracle_support.h. */
#include "oracle_support.h"

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
    { "N=16, K=3, digits of all sizes", 4, 6, { 30, 25, 40, 40, 45, 45 }, 3,
      { 33, 33, 33 }, 3 },
    { "N=8, K=3, 61 bits", 3, 4, { 61, 40, 60, 60 }, 3, { 61, 61, 61 }, 4 },
};
enum { SETS = sizeof sets / sizeof *sets };

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
    uint8_t seed[CKKS_SEED_BYTES] = { WORLD_SEED };

    request[count++] = (ckks_key_request){ CKKS_KEY_RELIN, 0, w->top };
    if (!w->real)
        request[count++] = (ckks_key_request){ CKKS_KEY_CONJ, 0, w->top - 1 };
    for (int step = 1; step < w->slots; step++)
        request[count++] = (ckks_key_request){ CKKS_KEY_ROTATE, step, w->top };
    return CHECK_OK(ckks_rng_init(&w->rng, seed))
           && CHECK_OK(ckks_sk_init(&w->sk, w->ctx, &w->rng))
           && CHECK_OK(ckks_pk_init(&w->pk, &w->rng, w->sk))
           && CHECK_OK(ckks_keys_init(&w->keys, &w->rng, w->sk, request,
                                      count));
}

/* How a world switches keys. */
typedef struct way {
    int generator;
    bool centred, fitted, real;
} way;

static const way ways[] = {
    { 5, true, false, false }, { 3, true, false, false },
    { 5, false, false, false }, { 3, false, false, false },
    { 5, true, true, false }, { 3, true, true, false },
    { 3, false, true, false },
    { 5, true, false, true }, { 5, true, true, true }
};
enum { WAYS = sizeof ways / sizeof *ways };

static bool world_init(world *w, const prime_set *set, way how,
                       const cki_kernel *kernel)
{
    ckks_params p = { .log_n = set->log_n, .num_primes = set->num_primes,
                      .num_special = set->num_special, .dnum = set->dnum,
                      .security = CKKS_INSECURE, .generator = how.generator,
                      .uncentred_digits = !how.centred,
                      .fitted_special = how.fitted,
                      .ring = how.real ? CKKS_RING_REAL : CKKS_RING_COMPLEX,
                      .kernel = kernel->name };
    uint64_t prime[ORACLE_PRIMES];

    memset(w, 0, sizeof *w);
    snprintf(w->name, sizeof w->name, "%s%s, generator %d, %s%s, %s",
             set->name, how.real ? ", real" : "", how.generator,
             how.centred ? "centred" : "uncentred",
             how.fitted ? ", fitted" : "", kernel->name);
    for (int i = 0; i < set->num_primes; i++)
        p.primes[i] = (uint64_t)set->primes[i];
    for (int i = 0; i < set->num_special; i++)
        p.special[i] = (uint64_t)set->special[i];
    if (!CHECK_OK(ckks_ctx_init(&w->ctx, &p)))
        return false;
    CHECK(strcmp(ckks_ctx_kernel(w->ctx), kernel->name) == 0, "%s", w->name);
    w->n = (size_t)1 << set->log_n;
    w->top = set->num_primes - 1;
    w->centred = how.centred;
    w->real = how.real;
    w->state = 1;
    for (int i = 0; i < set->num_primes; i++)
        prime[i] = ckks_ctx_prime(w->ctx, i);
    for (int i = 0; i < set->num_special; i++)
        prime[set->num_primes + i] = ckks_ctx_special(w->ctx, i);
    oracle_init(&w->o, w->n, how.real, prime, set->num_primes,
                set->num_special, set->dnum, how.generator, how.centred,
                how.fitted);
    w->slots = (int)w->o.n / 2;
    opoly_init(&w->s, w->o.n);
    if (!world_keys(w)) {
        world_clear(w);
        return false;
    }
    oracle_small(&w->s, &w->o, w->sk->coeff);
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

void every_world(void (*check)(world *w))
{
    for (size_t i = 0; i < SETS; i++)
        for (int m = 0; m < WAYS; m++)
            for (size_t k = 0; cki_kernels[k] != NULL; k++) {
                world w;

                if (!cki_kernels[k]->usable()
                    || cki_kernels[k]->max_bits < largest_prime_bits(&sets[i]))
                    continue;
                if (!world_init(&w, &sets[i], ways[m], cki_kernels[k]))
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

void random_pt(world *w, ckks_pt *pt, int level)
{
    double zero = 0;

    if (ckks_encode(pt, w->ctx, &zero, NULL, 1, level, TEST_SCALE) != CKKS_OK)
        abort();
    random_words(w, pt->limb, 1, level);
}

void random_ct(world *w, ckks_ct *ct, int degree, int level)
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
        made.scale = TEST_SCALE;
    }
    made.seeded = 0;
    random_words(w, made.limb, degree + 1, level);
    ckks_ct_swap(ct, &made);
    ckks_ct_clear(&made);
    ckks_pt_clear(&pt);
}

void polys_init(world *w, opoly *p, int count)
{
    for (int i = 0; i < count; i++)
        opoly_init(&p[i], w->o.n);
}

void polys_clear(opoly *p, int count)
{
    for (int i = 0; i < count; i++)
        opoly_clear(&p[i]);
}

void read_ct(world *w, opoly *p, const ckks_ct *ct)
{
    for (int h = 0; h <= ct->degree; h++)
        oracle_read(&p[h], &w->o, cki_ct_limb(ct, h, 0), ct->level, 0);
}

void check_words(world *w, const uint64_t *got, const opoly *want,
                 int level, const char *what, int part)
{
    size_t size = oracle_size(&w->o, level, 0);
    uint64_t *words = malloc(size * sizeof *words);

    if (words == NULL)
        abort();
    oracle_write(words, &w->o, want, level, 0);
    for (size_t i = 0; i < size; i++)
        if (!CHECK(got[i] == words[i], "%s: %s, part %d level %d limb %zu word "
                   "%zu: %" PRIu64 ", want %" PRIu64, w->name, what, part,
                   level, i / w->n, i % w->n, got[i], words[i]))
            break;
    free(words);
}

void check_ct(world *w, const ckks_ct *got, const opoly *want,
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

size_t key_half(const cki_key *key, const world *w)
{
    return (size_t)(key->level + 1 + w->ctx->num_special) * w->n;
}

void key_words(uint64_t *out, const world *w, const cki_key *key, int digit)
{
    for (int h = 0; h < 2; h++)
        for (int t = 0; t < key->level + 1 + w->ctx->num_special;
             t++, out += w->n)
            cki_key_take(out, key, w->ctx, digit, h, t);
}

void read_key(world *w, opoly *out, const cki_key *key, int level)
{
    size_t half = key_half(key, w);
    size_t low = (size_t)(level + 1) * w->n;
    const int specials = oracle_specials(&w->o, level);
    size_t from_special = (size_t)(key->level + 1) * w->n;
    size_t special = (size_t)specials * w->n;
    uint64_t *pair = oracle_memory(2 * half * sizeof *pair);
    uint64_t *words = oracle_memory((low + special) * sizeof *words);

    for (int i = 0; i < 2 * oracle_digits(&w->o, level); i++) {
        const uint64_t *from = pair + (size_t)(i % 2) * half;

        if (i % 2 == 0)
            key_words(pair, w, key, i / 2);
        memcpy(words, from, low * sizeof *words);
        memcpy(words + low, from + from_special, special * sizeof *words);
        oracle_read(&out[i], &w->o, words, level, specials);
    }
    free(pair);
    free(words);
}

void prime_mpz(mpz_t out, const world *w, int i)
{
    mpz_import(out, 1, -1, sizeof w->o.prime[i], 0, 0, &w->o.prime[i]);
}
