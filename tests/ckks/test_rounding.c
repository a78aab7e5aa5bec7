/* test_rounding.c -- the host program's rounding mode.
 *
 * Every function that computes gives the same bytes whatever mode the thread
 * rounds in, with every kernel, in both rings and with SEAL's choices, and
 * leaves the mode as it was.  Each result is a mark: a name and a hash.
 */
#include <fenv.h>
#if defined(__SSE2_MATH__)
#include <xmmintrin.h>
#endif

#include "test.h"

enum { LOG_N = 10, N = 1 << LOG_N, LEVEL = 3, MARKS = 128, BYTES = 1 << 20 };

typedef struct trail {
    const char *what[MARKS];
    uint8_t hash[MARKS][8];
    size_t size;
    uint8_t *bytes;
} trail;

static void mark(trail *t, const char *what, const void *data, size_t size)
{
    if (!CHECK(t->size < MARKS, "%s: no room", what))
        return;
    t->what[t->size] = what;
    ckks_blake2b(t->hash[t->size++], 8, data, size, NULL, 0);
}

/* The bytes of an object, and what comes of loading them. */
#define MARK_BYTES(what, kind, object, size_, save)                       \
    do {                                                                  \
        size_t n_ = (size_);                                              \
        if (CHECK(n_ <= BYTES, "%s: %zu bytes", what, n_)                 \
            && CHECK_OK(save(t->bytes, n_, object)))                      \
            mark(t, what, t->bytes, n_);                                  \
    } while (0)
#define MARK(kind, object)                                                \
    MARK_BYTES(#kind, kind, object, ckks_##kind##_size(object),           \
               ckks_##kind##_save)
#define MARK_CALL(call, kind, object)                                     \
    do {                                                                  \
        if (CHECK_OK(call))                                               \
            MARK_BYTES(#call, kind, object, ckks_##kind##_size(object),   \
                       ckks_##kind##_save);                               \
    } while (0)

typedef struct world {
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    ckks_pk *pk;
    ckks_keys *keys;
    ckks_pt pt, one;
    ckks_ct a, b, two, out, many[2];
    bool real, seal;
} world;

static void make_keys(trail *t, world *w)
{
    const ckks_key_request request[] = {
        { CKKS_KEY_RELIN, 0, LEVEL }, { CKKS_KEY_ROTATE, 1, LEVEL },
        { CKKS_KEY_ROTATE, 5, LEVEL }, { CKKS_KEY_CONJ, 0, LEVEL }
    };
    const uint8_t seed[CKKS_SEED_BYTES] = { 9 };

    CHECK_OK(ckks_rng_init(&w->rng, seed));
    MARK_CALL(ckks_sk_init(&w->sk, w->ctx, &w->rng), sk, w->sk);
    MARK_CALL(ckks_pk_init(&w->pk, &w->rng, w->sk), pk, w->pk);
    MARK_CALL(ckks_keys_init(&w->keys, &w->rng, w->sk, request,
                             w->real ? 3 : 4), keys, w->keys);
}

/* The same keys by the maker: head and bytes of each. */
static void make_keys_singly(trail *t, world *w)
{
    const ckks_key_request request[] = { { CKKS_KEY_RELIN, 0, LEVEL },
                                         { CKKS_KEY_ROTATE, 1, 1 } };
    ckks_keys_maker *m = NULL;
    size_t size;

    if (!CHECK_OK(ckks_keys_maker_init(&m, &w->rng, w->sk, request, 2)))
        return;
    while ((size = ckks_keys_maker_next_size(m)) > 0) {
        CHECK_OK(ckks_keys_maker_next(t->bytes, size, m));
        mark(t, "ckks_keys_maker_next", t->bytes, size);
    }
    size = ckks_keys_maker_head_size(m);
    CHECK_OK(ckks_keys_maker_head(t->bytes, size, m));
    mark(t, "ckks_keys_maker_head", t->bytes, size);
    ckks_keys_maker_clear(&m);
}

static void encode_encrypt(trail *t, world *w)
{
    const double scale = 1099511627776.0 * 1.3;
    double x[N], y[N];
    int64_t c[N];

    for (int k = 0; k < N; k++) {       /* exact in every mode               */
        x[k] = (k * 7919 % 4001 - 2000) / 4096.0;
        y[k] = w->real ? 0 : k % 3 == 0 ? 1e-310 : x[k] / 2;
        c[k] = (int64_t)1 << k % 50;
    }
    MARK_CALL(ckks_encode_integers(&w->one, w->ctx, c, LEVEL, scale), pt,
              &w->one);
    MARK_CALL(ckks_encode_const(&w->one, w->ctx, 1.0 / 3,
                                w->real ? 0 : 0.1, LEVEL, scale), pt, &w->one);
    MARK_CALL(ckks_encode(&w->pt, w->ctx, x, y, N / 2, LEVEL, 0x1p70), pt,
              &w->pt);
    MARK_CALL(ckks_encode(&w->pt, w->ctx, x, y, N / 2, LEVEL, scale), pt,
              &w->pt);
    MARK_CALL(ckks_encrypt(&w->b, &w->rng, &w->pt, w->pk), ct, &w->b);
    MARK_CALL(ckks_encrypt_sk(&w->a, &w->rng, &w->pt, w->sk), ct, &w->a);
}

static void sums(trail *t, world *w)
{
    ckks_ct *out = &w->out;
    const ckks_ct *a = &w->a, *b = &w->b;
    const double im = w->real ? 0 : 0.7;

    MARK_CALL(ckks_add(out, a, b), ct, out);
    MARK_CALL(ckks_sub(out, a, b), ct, out);
    MARK_CALL(ckks_neg(out, a), ct, out);
    MARK_CALL(ckks_add_plain(out, a, &w->one), ct, out);
    MARK_CALL(ckks_sub_plain(out, a, &w->one), ct, out);
    MARK_CALL(ckks_add_const(out, a, 0.3, im), ct, out);
    MARK_CALL(ckks_mul_int(out, a, 12345678901), ct, out);
    MARK_CALL(ckks_mul_const(out, a, 0.3, im, 0x1.1p30), ct, out);
    if (w->real)
        MARK_CALL(ckks_mul_alternating(out, a), ct, out);
    MARK_CALL(ckks_drop_level(out, a, 1), ct, out);
}

static void products(trail *t, world *w)
{
    const ckks_block block = { 0, 2, 2, (const int32_t[]){ 0, 1 },
                               (const int32_t[]){ 1234567, -3, 5, 77777 } };
    const ckks_ct *in[] = { &w->a, &w->b };
    ckks_ct *to[] = { &w->many[0], &w->many[1] }, *out = &w->out;

    MARK_CALL(ckks_mul_plain(out, &w->a, &w->one), ct, out);
    MARK_CALL(ckks_rescale(out, out), ct, out);
    MARK_CALL(ckks_square(&w->two, &w->a), ct, &w->two);
    MARK_CALL(ckks_mul(&w->two, &w->a, &w->b), ct, &w->two);
    MARK_CALL(ckks_add_square(&w->two, &w->a), ct, &w->two);
    MARK_CALL(ckks_relin(out, &w->two, w->keys), ct, out);
    MARK_CALL(ckks_relin_rescale(out, &w->two, w->keys), ct, out);
    MARK_CALL(ckks_combine(to, 2, in, 2, &block, 1, 0x1p45), ct, to[0]);
    MARK(ct, to[1]);
    if (w->real) {
        MARK_CALL(ckks_combine_periodic(to, 2, in, 2, &block, 1, 1, 0x1p45),
                  ct, to[0]);
        MARK(ct, to[1]);
    }
}

static void rotations(trail *t, world *w)
{
    const int step[] = { 1, 5 };
    const ckks_ct *in[] = { &w->a, &w->b };
    ckks_ct *out = &w->out;

    MARK_CALL(ckks_rotate(out, &w->a, w->keys, 5), ct, out);
    if (!w->real)
        MARK_CALL(ckks_conj(out, &w->a, w->keys), ct, out);
    if (w->seal)
        return;
    MARK_CALL(ckks_rotate_hoisted(w->many, step, 2, &w->b, w->keys), ct,
              &w->many[0]);
    MARK(ct, &w->many[1]);
    MARK_CALL(ckks_rotate_sum(out, in, step, 2, w->keys), ct, out);
}

static void decryption(trail *t, world *w)
{
    double re[N], im[N];
    ckks_pt pt = { 0 };

    MARK_CALL(ckks_decrypt(&pt, &w->two, w->sk), pt, &pt);
    if (CHECK_OK(ckks_decode(re, im, ckks_ctx_slots(w->ctx), &pt))) {
        mark(t, "ckks_decode, re", re, ckks_ctx_slots(w->ctx) * sizeof *re);
        mark(t, "ckks_decode, im", im, N / 2 * sizeof *im);
    }
    MARK_CALL(ckks_decrypt_flooded(&pt, &w->rng, &w->a, w->sk, 9.5, 20), pt,
              &pt);
    ckks_pt_clear(&pt);
}

static void steps(trail *t, world *w)
{
    enum { ALL = LEVEL + 1 + 2 };
    static uint64_t x[ALL * N], y[2 * ALL * N];
    const size_t special = (size_t)ckks_ctx_special_at(w->ctx, LEVEL);
    uint64_t rnd = 3;

    for (int i = 0; i < ALL * N; i++)           /* below every prime         */
        x[i] = test_word(&rnd) >> 26;
    if (CHECK_OK(ckks_ntt(x, w->ctx, 1)))
        mark(t, "ckks_ntt", x, N * sizeof *x);
    if (CHECK_OK(ckks_automorphism(y, x, w->ctx, 1, 5)))
        mark(t, "ckks_automorphism", y, N * sizeof *y);
    if (CHECK_OK(ckks_ntt_inverse(x, w->ctx, 1)))
        mark(t, "ckks_ntt_inverse", x, N * sizeof *x);
    for (int source = -1; source < 2; source++)
        if (CHECK_OK(ckks_convert(y, x, w->ctx, LEVEL, source)))
            mark(t, "ckks_convert", y, (LEVEL + 1 + special) * N * sizeof *y);
    for (int rescale = 0; rescale < 2; rescale++)
        if (CHECK_OK(ckks_mod_down(y, x, w->ctx, LEVEL, rescale)))
            mark(t, "ckks_mod_down", y,
                 (size_t)(LEVEL + 1 - rescale) * N * sizeof *y);
    if (CHECK_OK(ckks_key_product(y, x, LEVEL, w->keys, CKKS_KEY_RELIN, 0)))
        mark(t, "ckks_key_product", y,
             2 * (LEVEL + 1 + special) * N * sizeof *y);
}

/* Loaded from its bytes, which the object's mark has left in t. */
#define AGAIN(kind, type, object, clear)                                  \
    do {                                                                  \
        type again_ = { 0 };                                              \
        MARK(kind, object);                                               \
        MARK_CALL(ckks_##kind##_load(&again_, w->ctx, t->bytes,           \
                                     ckks_##kind##_size(object)), kind,   \
                  &again_);                                               \
        clear(&again_);                                                   \
    } while (0)
#define AGAIN_OPAQUE(prefix, type, object, clear)                         \
    do {                                                                  \
        type *again_ = NULL;                                              \
        MARK(prefix, object);                                             \
        MARK_CALL(ckks_##prefix##_load(&again_, w->ctx, t->bytes,         \
                                       ckks_##prefix##_size(object)),     \
                  prefix, again_);                                        \
        clear(&again_);                                                   \
    } while (0)

/* Objects of words and coefficients at hand. */
static void words(trail *t, world *w)
{
    ckks_pt pt = { 0 };
    ckks_ct ct = { 0 };
    ckks_sk *sk = NULL;
    int8_t c[N];

    MARK_CALL(ckks_pt_from_words(&pt, w->ctx, w->pt.limb, w->pt.level,
                                 w->pt.scale), pt, &pt);
    MARK_CALL(ckks_ct_from_words(&ct, w->ctx, w->a.limb, 1, w->a.level,
                                 w->a.scale), ct, &ct);
    CHECK_OK(ckks_sk_coefficients(c, w->sk));
    MARK_CALL(ckks_sk_from_coefficients(&sk, w->ctx, c), sk, sk);
    ckks_pt_clear(&pt);
    ckks_ct_clear(&ct);
    ckks_sk_clear(&sk);
}

static ckks_status read_copy(void *user, uint64_t at, void *out, size_t size)
{
    memcpy(out, (const uint8_t *)user + at, size);
    return CKKS_OK;
}

/* The same keys in a file, held whole, then the first few limbs of one. */
static void open_keys(trail *t, world *w)
{
    const ckks_key_request all[] = {
        { CKKS_KEY_RELIN, 0, LEVEL }, { CKKS_KEY_ROTATE, 1, LEVEL },
        { CKKS_KEY_ROTATE, 5, LEVEL }, { CKKS_KEY_CONJ, 0, LEVEL }
    };
    const ckks_key_request low = { CKKS_KEY_ROTATE, 1, 1 };
    const size_t size = ckks_keys_size(w->keys);
    uint8_t *copy = malloc(size);
    const ckks_source from = { read_copy, copy, size };
    ckks_keys *keys = NULL;
    ckks_ct ct = { 0 };

    if (CHECK(copy != NULL, "no memory")
        && CHECK_OK(ckks_keys_save(copy, size, w->keys))
        && CHECK_OK(ckks_keys_open(&keys, w->ctx, &from))) {
        MARK_CALL(ckks_keys_hold(keys, all, w->real ? 3 : 4), keys, keys);
        CHECK_OK(ckks_keys_hold(keys, &low, 1));
        CHECK_OK(ckks_drop_level(&ct, &w->a, 1));
        MARK_CALL(ckks_rotate(&ct, &ct, keys, 1), ct, &ct);
    }
    ckks_ct_clear(&ct);
    ckks_keys_clear(&keys);
    free(copy);
}

static void bytes(trail *t, world *w)
{
    AGAIN(pt, ckks_pt, &w->pt, ckks_pt_clear);
    AGAIN(ct, ckks_ct, &w->a, ckks_ct_clear);
    AGAIN(ct, ckks_ct, &w->two, ckks_ct_clear);
    AGAIN_OPAQUE(sk, ckks_sk, w->sk, ckks_sk_clear);
    AGAIN_OPAQUE(pk, ckks_pk, w->pk, ckks_pk_clear);
    AGAIN_OPAQUE(keys, ckks_keys, w->keys, ckks_keys_clear);
    words(t, w);
#ifndef CKKS_MINIMAL
    if (w->seal) {
        AGAIN(seal_pt, ckks_pt, &w->pt, ckks_pt_clear);
        AGAIN(seal_ct, ckks_ct, &w->a, ckks_ct_clear);
        AGAIN_OPAQUE(seal_sk, ckks_sk, w->sk, ckks_sk_clear);
        AGAIN_OPAQUE(seal_pk, ckks_pk, w->pk, ckks_pk_clear);
        AGAIN_OPAQUE(seal_relin, ckks_keys, w->keys, ckks_keys_clear);
        AGAIN_OPAQUE(seal_galois, ckks_keys, w->keys, ckks_keys_clear);
    }
#endif
}

static void numbers(trail *t, const ckks_params *p, const ckks_ctx *ctx)
{
    int k = ckks_params_special_at(p, 0);
    double bits[] = { ckks_security_estimate(15, 700.3),
                      ckks_ctx_log_qp(ctx) };

    mark(t, "ckks_params_special_at", &k, sizeof k);
    mark(t, "ckks_security_estimate", bits, sizeof bits);
}

/* The rings and choices; 0 complex, 1 real, 2 SEAL's. */
enum { RINGS = 3 };

static void everything(trail *t, int ring, const char *kernel)
{
    ckks_params p = {
        .log_n = LOG_N, .num_primes = LEVEL + 1, .primes = { 49, 40, 40, 40 },
        .num_special = ring == 2 ? 1 : 2, .special = { 49, 49 },
        .dnum = ring == 2 ? LEVEL + 1 : 2, .security = CKKS_INSECURE,
        .generator = ring == 2 ? 3 : 5, .uncentred_digits = ring == 2,
        .fitted_special = ring == 0, .ring = ring == 1, .kernel = kernel
    };
    world w = { .real = ring == 1, .seal = ring == 2 };

    t->size = 0;
    if (!CHECK_OK(ckks_ctx_init(&w.ctx, &p)))
        return;
    numbers(t, &p, w.ctx);
    make_keys(t, &w);
    make_keys_singly(t, &w);
    encode_encrypt(t, &w);
    sums(t, &w);
    products(t, &w);
    rotations(t, &w);
    decryption(t, &w);
    steps(t, &w);
    bytes(t, &w);
    open_keys(t, &w);
    ckks_pt_clear(&w.pt);
    ckks_pt_clear(&w.one);
    for (int i = 0; i < 2; i++)
        ckks_ct_clear(&w.many[i]);
    ckks_ct_clear(&w.a);
    ckks_ct_clear(&w.b);
    ckks_ct_clear(&w.two);
    ckks_ct_clear(&w.out);
    ckks_keys_clear(&w.keys);
    ckks_pk_clear(&w.pk);
    ckks_sk_clear(&w.sk);
    ckks_rng_clear(&w.rng);
    ckks_ctx_clear(&w.ctx);
}

/* ---- modes -------------------------------------------------------------- */

enum { MODES = 5 };             /* 0: to nearest, all numbers kept           */

static const char *const mode_name[MODES] = {
    "to nearest", "upward", "downward", "to zero", "flushing tiny numbers"
};

/* false: not on this machine. */
static bool mode_set(int mode)
{
    static const int rounding[] = { FE_TONEAREST, FE_UPWARD, FE_DOWNWARD,
                                    FE_TOWARDZERO, FE_TONEAREST };

    if (fesetround(rounding[mode]) != 0)
        return false;
#if defined(__SSE2_MATH__)
    _mm_setcsr((_mm_getcsr() & ~0x8040u) | (mode == 4 ? 0x8040 : 0));
    return true;
#elif defined(__aarch64__)
    uint64_t fpcr;

    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    fpcr = (fpcr & ~UINT64_C(0x1000000)) | (mode == 4 ? 0x1000000 : 0);
    __asm__ volatile("msr fpcr, %0" : : "r"(fpcr));
    return true;
#else
    return mode != 4;
#endif
}

static bool mode_is(int mode)
{
    volatile double one = 1, tiny = 1e-300;
    bool up = one + tiny > 1, down = one - tiny < 1;
    bool low = -one - tiny < -1;
    bool flushed = tiny * 1e-10 == 0 && mode != 0;

    return (mode == 1 && up) || (mode == 2 && low && down)
           || (mode == 3 && !up && !low && down)
           || (mode == 4 && flushed && !up && !down)
           || (mode == 0 && !up && !down && tiny * 1e-10 != 0);
}

static void check_kernel(const char *kernel, trail *want, trail *got)
{
    for (int ring = 0; ring < RINGS; ring++) {
        everything(want, ring, kernel);
        CHECK(want->size > 40, "%zu marks", want->size);
        for (int mode = 1; mode < MODES; mode++) {
            bool kept;

            if (!mode_set(mode))
                continue;
            everything(got, ring, kernel);
            kept = mode_is(mode);
            mode_set(0);
            CHECK(kept, "%s, ring %d: the mode '%s' is gone", kernel, ring,
                  mode_name[mode]);
            CHECK(got->size == want->size, "%zu marks, not %zu", got->size,
                  want->size);
            for (size_t i = 0; i < want->size && i < got->size; i++)
                CHECK(memcmp(got->hash[i], want->hash[i], 8) == 0,
                      "%s, ring %d, rounding %s: mark %zu, %s", kernel, ring,
                      mode_name[mode], i, want->what[i]);
        }
    }
}

static bool kernel_works(const char *kernel)
{
    const ckks_params p = { .log_n = 2, .num_primes = 1, .primes = { 40 },
                            .security = CKKS_INSECURE, .kernel = kernel };
    ckks_ctx *ctx = NULL;
    bool works = ckks_ctx_init(&ctx, &p) == CKKS_OK;

    ckks_ctx_clear(&ctx);
    return works;
}

TEST(rounding_of_the_host_changes_nothing)
{
    static const char *const kernel[] = { "portable", "fma2", "avx2",
                                          "avx512ifma" };
    static trail want, got;
    size_t kernels = 0;

    want.bytes = got.bytes = malloc(BYTES);
    for (size_t k = 0; k < sizeof kernel / sizeof *kernel; k++) {
        if (!kernel_works(kernel[k]))
            continue;
        check_kernel(kernel[k], &want, &got);
        kernels++;
    }
    test_note("%zu kernels, %zu results each", kernels, want.size);
    free(want.bytes);
}

/* A refusal, too, gives the mode back. */
TEST(refusals_keep_the_mode)
{
    ckks_ct out = { 0 };
    bool kept;

    if (!mode_set(1)) {
        test_skip("a machine that rounds to nearest only");
        return;
    }
    CHECK_STATUS(ckks_add(&out, NULL, NULL), CKKS_EARG);
    CHECK_STATUS(ckks_decode(NULL, NULL, 0, NULL), CKKS_EARG);
    kept = mode_is(1);
    mode_set(0);
    CHECK(kept, "the mode is gone");
}
