/* test_threads.c -- what ckks.h says of threads: a context and its keys are
 * shared, everything else is a thread's own, and so is the message of the last
 * failure.  Results are those of one thread, byte for byte.  ThreadSanitizer
 * runs this (make check-tsan).
 */
#include <pthread.h>

#include "test.h"

enum { THREADS = 4, ROUNDS = 3, SLOTS = 512 };

typedef struct shared {
    ckks_params params;
    ckks_ctx *ctx;
    ckks_sk *sk;
    ckks_pk *pk;
    ckks_keys *keys;
    bool real;
} shared;

/* One thread's: input, and what comes of it. */
typedef struct worker {
    const shared *s;
    int number;
    bool ok;
    uint8_t *bytes;             /* the last ciphertext, stored               */
    size_t size;
    double re[SLOTS];
} worker;

static bool shared_init(shared *s, bool real)
{
    static const ckks_params params = {
        .log_n = 10, .num_primes = 3, .primes = { 45, 40, 40 },
        .num_special = 1, .special = { 49 }, .dnum = 3,
        .security = CKKS_INSECURE
    };
    static const ckks_key_request request[] = {
        { CKKS_KEY_RELIN, 0, 2 }, { CKKS_KEY_ROTATE, 1, 2 },
        { CKKS_KEY_ROTATE, 5, 2 }
    };
    const uint8_t seed[CKKS_SEED_BYTES] = { 21 };
    ckks_rng rng;
    bool ok;

    *s = (shared){ .params = params, .real = real };
    s->params.ring = real ? CKKS_RING_REAL : CKKS_RING_COMPLEX;
    ok = CHECK_OK(ckks_ctx_init(&s->ctx, &s->params))
         && CHECK_OK(ckks_rng_init(&rng, seed))
         && CHECK_OK(ckks_sk_init(&s->sk, s->ctx, &rng))
         && CHECK_OK(ckks_pk_init(&s->pk, &rng, s->sk))
         && CHECK_OK(ckks_keys_init(&s->keys, &rng, s->sk, request, 3));
    ckks_rng_clear(&rng);
    return ok;
}

static void shared_clear(shared *s)
{
    ckks_keys_clear(&s->keys);
    ckks_pk_clear(&s->pk);
    ckks_sk_clear(&s->sk);
    ckks_ctx_clear(&s->ctx);
}

/* Encrypts both ways, adds, multiplies, turns, decrypts and stores. */
static ckks_status flow(worker *w, ckks_rng *rng, ckks_pt *pt, ckks_ct *a,
                        ckks_ct *b)
{
    const shared *s = w->s;
    double re[SLOTS];
    ckks_status r;

    for (int j = 0; j < SLOTS; j++)
        re[j] = (j % 17 - 8) / 8.0 + w->number;
#define DO(call)                                                          \
    if ((r = (call)) != CKKS_OK)                                          \
        return r
    DO(ckks_encode(pt, s->ctx, re, NULL, SLOTS, 2, 0x1p38));
    DO(ckks_encrypt_sk(a, rng, pt, s->sk));
    DO(ckks_encrypt(b, rng, pt, s->pk));
    DO(ckks_mul(a, a, b));
    DO(ckks_relin_rescale(a, a, s->keys));
    DO(ckks_rotate(b, a, s->keys, 1));
    DO(ckks_add(a, a, b));
    DO(ckks_rotate(a, a, s->keys, 5));
    DO(ckks_decrypt(pt, a, s->sk));
    DO(ckks_decode(w->re, NULL, SLOTS, pt));
    free(w->bytes);
    w->size = ckks_ct_size(a);
    w->bytes = malloc(w->size);
    DO(w->bytes == NULL ? CKKS_EMEM : ckks_ct_save(w->bytes, w->size, a));
#undef DO
    return CKKS_OK;
}

static void *work(void *arg)
{
    worker *w = arg;
    uint8_t seed[CKKS_SEED_BYTES] = { (uint8_t)(1 + w->number) };

    w->ok = true;
    for (int i = 0; i < ROUNDS && w->ok; i++) {
        ckks_rng rng;
        ckks_pt pt = { 0 };
        ckks_ct a = { 0 }, b = { 0 };

        w->ok = ckks_rng_init(&rng, seed) == CKKS_OK
                && flow(w, &rng, &pt, &a, &b) == CKKS_OK;
        ckks_rng_clear(&rng);
        ckks_pt_clear(&pt);
        ckks_ct_clear(&a);
        ckks_ct_clear(&b);
    }
    return NULL;
}

static void same_as_one_thread(const shared *s)
{
    pthread_t thread[THREADS];
    worker alone[THREADS], w[THREADS];
    bool started[THREADS];

    for (int i = 0; i < THREADS; i++) {
        alone[i] = (worker){ .s = s, .number = i };
        w[i] = alone[i];
        work(&alone[i]);
        CHECK(alone[i].ok, "%s", ckks_last_error());
    }
    for (int i = 0; i < THREADS; i++)
        started[i] = CHECK(pthread_create(&thread[i], NULL, work, &w[i]) == 0,
                           "thread %d", i);
    for (int i = 0; i < THREADS; i++) {
        if (started[i])
            pthread_join(thread[i], NULL);
        CHECK(w[i].ok && w[i].size == alone[i].size
                  && memcmp(w[i].bytes, alone[i].bytes, w[i].size) == 0
                  && memcmp(w[i].re, alone[i].re, sizeof w[i].re) == 0,
              "real %d, thread %d", s->real, i);
        free(w[i].bytes);
        free(alone[i].bytes);
    }
}

TEST(threads_share_a_context_and_its_keys)
{
    for (int real = 0; real < 2; real++) {
        shared s;

        if (shared_init(&s, real == 1))
            same_as_one_thread(&s);
        shared_clear(&s);
    }
}

/* Each thread fails in its own way, and makes a context between. */
static void *fail(void *arg)
{
    worker *w = arg;
    ckks_params p = w->s->params, wrong = p;
    char want[32];

    wrong.log_n = 30 + w->number;
    snprintf(want, sizeof want, "%d", wrong.log_n);
    w->ok = true;
    for (int i = 0; i < ROUNDS && w->ok; i++) {
        ckks_ctx *ctx = NULL;

        w->ok = ckks_ctx_init(&ctx, &wrong) == CKKS_EPARAM
                && strstr(ckks_last_error(), want) != NULL
                && ckks_ctx_init(&ctx, &p) == CKKS_OK
                && strstr(ckks_last_error(), want) != NULL;
        ckks_ctx_clear(&ctx);
    }
    return NULL;
}

TEST(threads_have_their_own_message)
{
    pthread_t thread[THREADS];
    worker w[THREADS];
    shared s;
    bool started[THREADS];

    if (shared_init(&s, false)) {
        for (int i = 0; i < THREADS; i++) {
            w[i] = (worker){ .s = &s, .number = i };
            started[i] = CHECK(pthread_create(&thread[i], NULL, fail, &w[i])
                               == 0, "thread %d", i);
        }
        for (int i = 0; i < THREADS; i++) {
            if (started[i])
                pthread_join(thread[i], NULL);
            CHECK(w[i].ok, "thread %d", i);
        }
    }
    shared_clear(&s);
}
