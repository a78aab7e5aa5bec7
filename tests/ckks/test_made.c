/* test_made.c -- everything the library makes, it loads again.
 *
 * Random sequences of public calls, with levels and scales at their edges, in
 * both rings and with SEAL's choices.  Whatever a call makes is saved, loaded,
 * and saved again to the same bytes; what was loaded takes its place.
 */
#include <math.h>

#include "test.h"

enum { POOL = 5, PLAIN = 3, PRIMES = 4, LOG_N = 4, SLOTS = 16,
       BYTES = 1 << 13 };

typedef struct world {
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    ckks_pk *pk;
    ckks_keys *keys;
    ckks_ct ct[POOL];
    ckks_pt pt[PLAIN];
    int ring;               /* 0 complex, 1 real, 2 SEAL's choices           */
    uint64_t rnd;
} world;

static uint64_t below(world *w, uint64_t n)
{
    return test_word(&w->rnd) % n;
}

/* Where scales end: half of Q_level, a little less or a little more, in steps
 * about as fine as its logarithm is known. */
static double edge(world *w, int level)
{
    double step = ((double)below(w, 8) - 2) * 0x1p-46;

    return exp2(ckks_ctx_log_q(w->ctx, level) - 1) * (1 - step);
}

static double draw_scale(world *w, int level)
{
    const double log_q = ckks_ctx_log_q(w->ctx, level);

    switch (below(w, 8)) {
    case 0: return edge(w, level);
    case 1: return exp2((double)below(w, (uint64_t)log_q + 3));
    case 2: return 0x1p100;
    case 3: return 1;
    case 4: return nextafter(1, (double)below(w, 3));
    case 5: return (double)ckks_ctx_prime(w->ctx, level);
    default: return exp2(log_q / PRIMES * ((double)below(w, 100) / 50));
    }
}

static double draw_value(world *w)
{
    switch (below(w, 5)) {
    case 0: return 0;
    case 1: return -1;
    case 2: return 1e-300;
    case 3: return exp2((double)below(w, 60));
    default: return (double)below(w, 1000) / 499 - 1;
    }
}

static double draw_imaginary(world *w)
{
    return w->ring == 1 ? 0 : draw_value(w);
}

/* ---- one call ----------------------------------------------------------- */

static ckks_status plain_call(world *w, ckks_pt *out)
{
    double x[SLOTS];
    int64_t c[SLOTS];
    const int level = (int)below(w, PRIMES);
    const double scale = draw_scale(w, level);
    const bool zero = below(w, 2) == 0;

    for (int k = 0; k < SLOTS; k++) {
        x[k] = zero ? 0 : draw_value(w);
        c[k] = zero ? 0 : (int64_t)test_word(&w->rnd) >> below(w, 63);
    }
    switch (below(w, 4)) {
    case 0:
        return ckks_encode(out, w->ctx, x, NULL, ckks_ctx_slots(w->ctx), level,
                           scale);
    case 1:
        return ckks_encode_const(out, w->ctx, x[0], draw_imaginary(w), level,
                                 scale);
    case 2:
        return ckks_encode_integers(out, w->ctx, c, level, scale);
    default:
        return ckks_decrypt(out, &w->ct[below(w, POOL)], w->sk);
    }
}

enum { CALLS = 22 };

static ckks_status cipher_call(world *w, ckks_ct *out, int call)
{
    const ckks_ct *a = &w->ct[below(w, POOL)], *b = &w->ct[below(w, POOL)];
    const ckks_pt *p = &w->pt[below(w, PLAIN)];
    const ckks_ct *in[] = { a, b };
    const ckks_block block = { 0, 1, 2, (const int32_t[]){ 0, 1 },
                               (const int32_t[]){ 3, -70000 } };
    const double im = draw_imaginary(w);
    const int step[] = { 1, 0 };

    switch (call) {
    case 0: return ckks_encrypt_sk(out, &w->rng, p, w->sk);
    case 1: return ckks_encrypt(out, &w->rng, p, w->pk);
    case 2: return ckks_add(out, a, b);
    case 3: return ckks_sub(out, a, b);
    case 4: return ckks_neg(out, a);
    case 5: return ckks_add_plain(out, a, p);
    case 6: return ckks_sub_plain(out, a, p);
    case 7: return ckks_add_const(out, a, draw_value(w), im);
    case 8: return ckks_mul_int(out, a, (int64_t)test_word(&w->rnd));
    case 9: return ckks_mul_const(out, a, draw_value(w), im,
                                  draw_scale(w, a->level));
    case 10: return ckks_mul_const(out, a, 0, 0, edge(w, a->level) / a->scale);
    case 11: return ckks_mul_plain(out, a, p);
    case 12: return ckks_mul(out, a, b);
    case 13: return ckks_square(out, a);
    case 14: return ckks_relin(out, a, w->keys);
    case 15: return ckks_rescale(out, a);
    case 16: return ckks_relin_rescale(out, a, w->keys);
    case 17: return ckks_drop_level(out, a, (int)below(w, PRIMES));
    case 18: return w->ring == 1 ? ckks_mul_alternating(out, a)
                                 : ckks_conj(out, a, w->keys);
    case 19: return w->ring == 2 ? ckks_rotate(out, a, w->keys, 1)
                                 : ckks_rotate_hoisted(out, step, 1, a,
                                                       w->keys);
    case 20: return w->ring == 2 ? ckks_ct_copy(out, a)
                                 : ckks_rotate_sum(out, in, step, 2, w->keys);
    default: return ckks_combine(&out, 1, in, 2, &block, 1,
                                 draw_scale(w, a->level));
    }
}

/* ---- saved, loaded, saved ----------------------------------------------- */

#define AGAIN(kind, type, object, what)                                   \
    do {                                                                  \
        static uint8_t one_[BYTES], two_[BYTES];                          \
        const size_t n_ = ckks_##kind##_size(object);                     \
        type loaded_ = { 0 };                                             \
        if (CHECK(n_ > 0 && n_ <= BYTES, "%s %d: %zu bytes", #kind, what, \
                  n_)                                                     \
            && CHECK_OK(ckks_##kind##_save(one_, n_, object))             \
            && CHECK(ckks_##kind##_load(&loaded_, w->ctx, one_, n_)       \
                         == CKKS_OK, "%s of call %d, ring %d: %s", #kind, \
                     what, w->ring, ckks_last_error())                    \
            && CHECK(ckks_##kind##_size(&loaded_) == n_, "%s %d", #kind,  \
                     what)                                                \
            && CHECK_OK(ckks_##kind##_save(two_, n_, &loaded_)))          \
            CHECK(memcmp(one_, two_, n_) == 0, "%s of call %d, ring %d: " \
                  "other bytes", #kind, what, w->ring);                   \
        ckks_##kind##_clear(object);                                      \
        *(object) = loaded_;                                              \
    } while (0)

static bool world_init(world *w, int ring)
{
    const ckks_params p = {
        .log_n = LOG_N, .num_primes = PRIMES, .primes = { 40, 30, 30, 30 },
        .num_special = ring == 2 ? 1 : 2, .special = { 41, 41 },
        .dnum = ring == 2 ? PRIMES : 2, .security = CKKS_INSECURE,
        .generator = ring == 2 ? 3 : 5, .uncentred_digits = ring == 2,
        .ring = ring == 1
    };
    const ckks_key_request request[] = {
        { CKKS_KEY_RELIN, 0, PRIMES - 1 }, { CKKS_KEY_ROTATE, 1, PRIMES - 1 },
        { CKKS_KEY_CONJ, 0, PRIMES - 1 }
    };
    const uint8_t seed[CKKS_SEED_BYTES] = { 4 };

    *w = (world){ .ring = ring, .rnd = 77 + (uint64_t)ring };
    return CHECK_OK(ckks_ctx_init(&w->ctx, &p))
           && CHECK_OK(ckks_rng_init(&w->rng, seed))
           && CHECK_OK(ckks_sk_init(&w->sk, w->ctx, &w->rng))
           && CHECK_OK(ckks_pk_init(&w->pk, &w->rng, w->sk))
           && CHECK_OK(ckks_keys_init(&w->keys, &w->rng, w->sk, request,
                                      ring == 1 ? 2 : 3));
}

static void world_clear(world *w)
{
    for (int i = 0; i < POOL; i++)
        ckks_ct_clear(&w->ct[i]);
    for (int i = 0; i < PLAIN; i++)
        ckks_pt_clear(&w->pt[i]);
    ckks_keys_clear(&w->keys);
    ckks_pk_clear(&w->pk);
    ckks_sk_clear(&w->sk);
    ckks_ctx_clear(&w->ctx);
}

static void wander(int ring, long calls)
{
    long made[CALLS + 1] = { 0 };
    world all, *w = &all;

    if (!world_init(w, ring)) {
        world_clear(w);
        return;
    }
    for (long i = 0; i < calls; i++) {
        const int call = (int)below(w, CALLS + CALLS / 2);

        if (call >= CALLS) {
            ckks_pt *p = &w->pt[below(w, PLAIN)];

            if (plain_call(w, p) != CKKS_OK)
                continue;
            made[CALLS]++;
            AGAIN(pt, ckks_pt, p, CALLS);
        } else {
            ckks_ct *c = &w->ct[below(w, POOL)];

            if (cipher_call(w, c, call) != CKKS_OK)
                continue;
            made[call]++;
            AGAIN(ct, ckks_ct, c, call);
        }
    }
    for (int k = 0; k <= CALLS; k++)
        CHECK(made[k] > 3, "ring %d: call %d made %ld objects", ring, k,
              made[k]);
    world_clear(w);
}

TEST(all_that_is_made_loads)
{
    for (int ring = 0; ring < 3; ring++)
        wander(ring, test_long() ? 200000 : 6000);
}

/* Parameters, too, and with them everything else. */
TEST(parameters_make_the_same_context)
{
    for (int ring = 0; ring < 3; ring++) {
        uint8_t file[1024], print[2][16];
        size_t n;
        ckks_params p = { 0 };
        ckks_ctx *ctx = NULL;
        world w;

        if (!world_init(&w, ring))
            continue;
        n = ckks_params_size(w.ctx);
        if (CHECK(n <= sizeof file, "%zu bytes", n)
            && CHECK_OK(ckks_params_save(file, n, w.ctx))
            && CHECK_OK(ckks_params_load(&p, file, n))
            && CHECK_OK(ckks_ctx_init(&ctx, &p))) {
            ckks_ctx_fingerprint(print[0], w.ctx);
            ckks_ctx_fingerprint(print[1], ctx);
            CHECK(memcmp(print[0], print[1], 16) == 0, "ring %d", ring);
        }
        ckks_ctx_clear(&ctx);
        world_clear(&w);
    }
}

/* Scales that no level can hold are refused by whoever would make the object,
 * with the output as it was. */
TEST(scales_without_room_are_refused)
{
    for (int ring = 0; ring < 3; ring++) {
        const double x[SLOTS] = { 0 };
        const int64_t c[SLOTS] = { 0 };
        ckks_pt pt = { 0 };
        world w;

        if (!world_init(&w, ring))
            continue;
        for (int level = 0; level < PRIMES; level++) {
            const double half = exp2(ckks_ctx_log_q(w.ctx, level) - 1);
            const double bad[] = { half * 1.001, half * 4, 0x1p200, INFINITY,
                                   NAN };

            for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
                CHECK_STATUS(ckks_encode(&pt, w.ctx, x, NULL, 1, level,
                                         bad[k]), CKKS_ESCALE);
                CHECK_STATUS(ckks_encode_const(&pt, w.ctx, 0, 0, level,
                                               bad[k]), CKKS_ESCALE);
                CHECK_STATUS(ckks_encode_integers(&pt, w.ctx, c, level,
                                                  bad[k]), CKKS_ESCALE);
            }
            CHECK(pt.limb == NULL, "an output was made");
            CHECK_OK(ckks_encode(&pt, w.ctx, x, NULL, 1, level,
                                 half * 0.999));
            ckks_pt_clear(&pt);
        }
        world_clear(&w);
    }
}

/* Two contexts of equal parameters: what is saved of one loads in the other,
 * but an object belongs to the one it was made with. */
TEST(equal_contexts)
{
    for (int ring = 0; ring < 3; ring++) {
        static uint8_t file[BYTES];
        uint8_t print[2][16];
        const double x[1] = { 1 };
        world w[2];
        ckks_ct ct = { 0 }, out = { 0 };
        ckks_pt pt = { 0 };
        size_t n;

        if (!world_init(&w[0], ring) || !world_init(&w[1], ring))
            return;
        ckks_ctx_fingerprint(print[0], w[0].ctx);
        ckks_ctx_fingerprint(print[1], w[1].ctx);
        CHECK(memcmp(print[0], print[1], 16) == 0, "ring %d", ring);
        if (!CHECK_OK(ckks_encode(&pt, w[0].ctx, x, NULL, 1, 1, 0x1p30))
            || !CHECK_OK(ckks_encrypt_sk(&ct, &w[0].rng, &pt, w[0].sk)))
            return;
        CHECK_STATUS(ckks_encrypt_sk(&out, &w[1].rng, &pt, w[1].sk),
                     CKKS_ECTX);
        n = ckks_ct_size(&ct);
        if (CHECK(n <= BYTES, "%zu", n) && CHECK_OK(ckks_ct_save(file, n, &ct))
            && CHECK_OK(ckks_ct_load(&out, w[1].ctx, file, n))) {
            CHECK_STATUS(ckks_add(&out, &out, &ct), CKKS_ECTX);
            CHECK_STATUS(ckks_add_plain(&out, &out, &pt), CKKS_ECTX);
            CHECK_OK(ckks_decrypt(&pt, &out, w[1].sk));
        }
        ckks_ct_clear(&ct);
        ckks_ct_clear(&out);
        ckks_pt_clear(&pt);
        world_clear(&w[0]);
        world_clear(&w[1]);
    }
}
