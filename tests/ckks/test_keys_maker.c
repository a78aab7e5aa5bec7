/* test_keys_maker.c -- evaluation keys made one at a time: the bytes of
 * ckks_keys_init and ckks_keys_save with the same generator, in both rings, at
 * several levels, with all kinds; the generator behind them; what is refused
 * leaves everything as it was; what is secret is wiped. */
#include "misuse_support.h"

static const uint8_t seed[CKKS_SEED_BYTES] = { 20, 21 };

/* All bytes by the maker, each key in a buffer of its own size; malloc. */
static uint8_t *one_by_one(size_t *size, ckks_rng *rng, const ckks_sk *sk,
                           const ckks_key_request *r, size_t n)
{
    ckks_keys_maker *m = NULL;
    uint8_t *all;
    size_t at, next;

    if (!CHECK_OK(ckks_keys_maker_init(&m, rng, sk, r, n)))
        return NULL;
    *size = (size_t)ckks_keys_maker_size(m);
    all = calloc(1, *size);
    at = ckks_keys_maker_head_size(m);
    while ((next = ckks_keys_maker_next_size(m)) > 0) {
        uint8_t *key = malloc(next);

        if (CHECK(at + next <= *size, "%zu + %zu of %zu bytes", at, next,
                  *size)
            && CHECK_OK(ckks_keys_maker_next(key, next, m)))
            memcpy(all + at, key, next);
        free(key);
        at += next;
    }
    CHECK(at == *size, "%zu bytes, size says %zu", at, *size);
    CHECK_OK(ckks_keys_maker_head(all, ckks_keys_maker_head_size(m), m));
    ckks_keys_maker_clear(&m);
    CHECK(m == NULL, "not cleared");
    return all;
}

/* The same from two generators of one seed; then both go on alike. */
static void compare(const char *what, const ckks_sk *sk,
                    const ckks_key_request *r, size_t n)
{
    ckks_rng a = {0}, b = {0};
    ckks_keys *keys = NULL;
    uint8_t *want, *got = NULL;
    size_t size, is = 0;

    if (!CHECK_OK(ckks_rng_init(&a, seed))
        || !CHECK_OK(ckks_rng_init(&b, seed))
        || !CHECK_OK(ckks_keys_init(&keys, &a, sk, r, n)))
        return;
    size = ckks_keys_size(keys);
    want = malloc(size);
    if (CHECK_OK(ckks_keys_save(want, size, keys)))
        got = one_by_one(&is, &b, sk, r, n);
    if (got != NULL) {
        CHECK(is == size, "%s, %zu keys: %zu bytes, want %zu", what, n, is,
              size);
        CHECK(is == size && memcmp(got, want, size) == 0,
              "%s, %zu keys: other bytes", what, n);
        CHECK(memcmp(&a, &b, sizeof a) == 0, "%s, %zu keys: the generators "
              "differ", what, n);
        CHECK_OK(ckks_keys_load(&keys, sk->ctx, got, is));
    }
    free(want);
    free(got);
    ckks_keys_clear(&keys);
}

/* The first requests, none to all (most) of them. */
static void compare_all(const char *what, const ckks_params *p, size_t most)
{
    const int top = p->num_primes - 1;
    const bool real = p->ring == CKKS_RING_REAL;
    const ckks_key_request r[] = {
        { CKKS_KEY_ROTATE, 1, 0 }, { CKKS_KEY_RELIN, 0, top },
        { real ? CKKS_KEY_ROTATE : CKKS_KEY_CONJ, 3, 1 },
        { CKKS_KEY_ROTATE, -1, top / 2 }, { CKKS_KEY_ROTATE, 2, top }
    };
    ckks_ctx *ctx = NULL;
    ckks_sk *sk = NULL;
    ckks_rng rng = {0};

    if (CHECK_OK(ckks_ctx_init(&ctx, p)) && CHECK_OK(ckks_rng_init(&rng, seed))
        && CHECK_OK(ckks_sk_init(&sk, ctx, &rng)))
        for (size_t n = 0; n <= most; n++)
            compare(what, sk, r, n);
    ckks_sk_clear(&sk);
    ckks_ctx_clear(&ctx);
}

/* Limbs that end in the middle of a byte, a last digit that is smaller, primes
 * over 49 bits, fitted special primes, uncentred digits. */
TEST(keys_maker_gives_the_bytes_of_save)
{
    const ckks_params tiny = {
        .log_n = 2, .num_primes = 2, .primes = { 73, 97 }, .num_special = 1,
        .special = { 113 }, .dnum = 2, .security = CKKS_INSECURE };
    const ckks_params wide = {
        .log_n = 6, .num_primes = 5, .primes = { 55, 40, 40, 40, 40 },
        .num_special = 2, .special = { 56, 56 }, .dnum = 3,
        .security = CKKS_INSECURE };
    ckks_params real = {
        .log_n = 10, .num_primes = 4, .primes = { 45, 40, 40, 40 },
        .num_special = 2, .special = { 45, 45 }, .dnum = 2,
        .security = CKKS_INSECURE, .ring = CKKS_RING_REAL };
    ckks_params seal = wide;

    compare_all("tiny", &tiny, 3);
    compare_all("wide", &wide, 5);
    compare_all("real ring", &real, 5);
    real.fitted_special = 1;
    compare_all("fitted", &real, 5);
    seal.generator = 3;
    seal.uncentred_digits = 1;
    compare_all("uncentred", &seal, 5);
}

/* Two makers that take turns do not disturb each other, nor does another use of
 * the generator: all a maker needs was drawn by its init. */
TEST(keys_maker_draws_at_the_beginning)
{
    static mess m;
    const ckks_key_request r[2] = { { CKKS_KEY_RELIN, 0, 2 },
                                    { CKKS_KEY_ROTATE, 3, 1 } };
    ckks_keys_maker *one = NULL, *two = NULL;
    ckks_rng a = {0}, b = {0};
    size_t size = 0;
    uint8_t *want, *got, *end;

    if (!mess_init(&m))
        return;
    CHECK_OK(ckks_rng_init(&a, seed));
    CHECK_OK(ckks_rng_init(&b, seed));
    want = one_by_one(&size, &a, m.sk, r, 2);
    CHECK_OK(ckks_keys_maker_init(&one, &b, m.sk, r, 2));
    CHECK_OK(ckks_keys_maker_init(&two, &b, m.sk, r, 2));
    ckks_rng_clear(&b);
    got = calloc(1, size);
    end = got + ckks_keys_maker_head_size(one);
    while (ckks_keys_maker_next_size(one) > 0) {
        const size_t next = ckks_keys_maker_next_size(one);

        CHECK(next == ckks_keys_maker_next_size(two), "sizes differ");
        CHECK_OK(ckks_keys_maker_next(m.bytes, next, two));
        CHECK_OK(ckks_keys_maker_next(end, next, one));
        CHECK(memcmp(m.bytes, end, next) != 0, "the second repeats the first");
        end += next;
    }
    CHECK_OK(ckks_keys_maker_head(got, ckks_keys_maker_head_size(one), one));
    CHECK(memcmp(got, want, size) == 0, "other bytes");
    ckks_keys_maker_clear(&one);
    ckks_keys_maker_clear(&two);
    free(want);
    free(got);
    mess_clear(&m);
}

/* ---- misuse --------------------------------------------------------------- */

static mess m;
static ckks_keys_maker *made;

#define INIT(status, rng, sk, r, n)                                       \
    REFUSED(&m, status, "ckks_keys_maker_init",                           \
            ckks_keys_maker_init(&made, rng, sk, r, n));                  \
    CHECK(made == before, "the output changed")

static void refused_init(void)
{
    ckks_keys_maker *const before = made;
    ckks_key_request r[2] = { { CKKS_KEY_ROTATE, 1, 2 },
                              { CKKS_KEY_RELIN, 0, 2 } };

    REFUSED(&m, CKKS_EARG, "ckks_keys_maker_init",
            ckks_keys_maker_init(NULL, &m.rng, m.sk, r, 2));
    INIT(CKKS_EARG, NULL, m.sk, r, 2);
    INIT(CKKS_ERNG, &m.unready, m.sk, r, 2);
    INIT(CKKS_EARG, &m.rng, NULL, r, 2);
    INIT(CKKS_EARG, &m.rng, m.sk, NULL, 2);
    INIT(CKKS_EPARAM, &m.rng, m.bare_sk, r, 2);
    INIT(CKKS_EARG, &m.rng, m.sk, r, 10);
    INIT(CKKS_EARG, &m.rng, m.sk, r, SIZE_MAX);
    r[1].level = 3;
    INIT(CKKS_ELEVEL, &m.rng, m.sk, r, 2);
    r[1] = (ckks_key_request){ CKKS_KEY_ROTATE, 8, 2 };
    INIT(CKKS_EARG, &m.rng, m.sk, r, 2);
    r[1] = (ckks_key_request){ CKKS_KEY_ROTATE, -7, 2 };
    INIT(CKKS_EARG, &m.rng, m.sk, r, 2);
    r[1] = (ckks_key_request){ (ckks_key_kind)3, 0, 2 };
    INIT(CKKS_EARG, &m.rng, m.sk, r, 2);
}

#define NEXT(size, maker)                                                 \
    REFUSED(&m, CKKS_EARG, "ckks_keys_maker_next",                        \
            ckks_keys_maker_next(m.bytes, size, maker))
#define HEAD(size, maker)                                                 \
    REFUSED(&m, CKKS_EARG, "ckks_keys_maker_head",                        \
            ckks_keys_maker_head(m.bytes, size, maker))

TEST(keys_maker_misuse)
{
    const ckks_key_request r[2] = { { CKKS_KEY_ROTATE, 1, 1 },
                                    { CKKS_KEY_RELIN, 0, 2 } };
    size_t next, head;

    if (!mess_init(&m))
        return;
    refused_init();
    CHECK_OK(ckks_keys_maker_init(&made, &m.rng, m.sk, r, 2));
    refused_init();
    head = ckks_keys_maker_head_size(made);
    for (int i = 0; i < 2; i++) {
        next = ckks_keys_maker_next_size(made);
        HEAD(head, made);
        NEXT(next - 1, made);
        NEXT(next + 1, made);
        REFUSED(&m, CKKS_EARG, "ckks_keys_maker_next",
                ckks_keys_maker_next(NULL, next, made));
        CHECK_OK(ckks_keys_maker_next(m.bytes, next, made));
    }
    NEXT(0, made);
    NEXT(next, made);
    NEXT(next, NULL);
    HEAD(head - 1, made);
    HEAD(head + 1, made);
    HEAD(head, NULL);
    CHECK_OK(ckks_keys_maker_head(m.bytes, head, made));
    CHECK_OK(ckks_keys_maker_head(m.bytes, head, made));
    ckks_keys_maker_clear(&made);
    ckks_keys_maker_clear(&made);
    ckks_keys_maker_clear(NULL);
    CHECK(ckks_keys_maker_size(NULL) == 0
          && ckks_keys_maker_head_size(NULL) == 0
          && ckks_keys_maker_next_size(NULL) == 0, "no maker has a size");
    mess_clear(&m);
}

/* ---- wiping --------------------------------------------------------------- */

typedef struct watch {
    bool on;
    int released, dirty;
} watch;

static void *watch_allocate(void *user, size_t size)
{
    (void)user;
    return aligned_alloc(64, (size + 63) / 64 * 64);
}

static void watch_release(void *user, void *p, size_t size)
{
    watch *w = user;

    if (w->on && p != NULL) {
        w->released++;
        for (size_t i = 0; i < size; i++)
            if (((const uint8_t *)p)[i] != 0) {
                w->dirty++;
                break;
            }
    }
    free(p);
}

TEST(keys_maker_wipes)
{
    watch w = {0};
    const ckks_params p = {
        .log_n = 6, .num_primes = 2, .primes = { 40, 40 }, .num_special = 1,
        .special = { 45 }, .dnum = 2, .security = CKKS_INSECURE,
        .memory = { watch_allocate, watch_release, &w } };
    const ckks_key_request r[2] = { { CKKS_KEY_ROTATE, 1, 1 },
                                    { CKKS_KEY_RELIN, 0, 0 } };
    ckks_ctx *ctx = NULL;
    ckks_sk *sk = NULL;
    ckks_rng rng = {0};

    if (CHECK_OK(ckks_ctx_init(&ctx, &p)) && CHECK_OK(ckks_rng_init(&rng, seed))
        && CHECK_OK(ckks_sk_init(&sk, ctx, &rng)))
        for (int keys = 0; keys <= 2; keys++) {
            static uint8_t bytes[1 << 14];

            if (!CHECK_OK(ckks_keys_maker_init(&made, &rng, sk, r, 2)))
                break;
            for (int i = 0; i < keys; i++)
                CHECK_OK(ckks_keys_maker_next(
                    bytes, ckks_keys_maker_next_size(made), made));
            w = (watch){ .on = true };
            ckks_keys_maker_clear(&made);
            CHECK(w.released == 2 && w.dirty == 0, "%d keys: of %d pieces of "
                  "memory %d are not wiped", keys, w.released, w.dirty);
            w.on = false;
        }
    ckks_sk_clear(&sk);
    ckks_ctx_clear(&ctx);
}
