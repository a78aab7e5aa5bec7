/* test_serial.c -- objects as bytes: round trips, and input that is cut,
 * damaged, foreign or too long.
 *
 * Caught when planted: the size not compared; the fingerprint not compared;
 * words not compared with the prime; padding ignored; the checksum ignored.
 */
#define _POSIX_C_SOURCE 200809L

#include "test.h"

#include <time.h>

#include "base/bytes.h"
#include "scheme/key.h"
#include "zoo.h"

/* Load and save give the same bytes, for every object of every context. */
TEST(round_trip)
{
    for (int k = 0; k < ZOOS; k++) {
        zoo z;

        if (!zoo_number(&z, k))
            return;
        for (int i = 0; i < ZOO_SIZE; i++) {
            zoo_animal *a = &z.animal[i];
            uint8_t *again = calloc(1, a->size);

            CHECK_OK(a->load(z.ctx, a->bytes, a->size, again));
            CHECK(memcmp(again, a->bytes, a->size) == 0, "context %d, %s", k,
                  a->name);
            free(again);
        }
        zoo_clear(&z);
    }
}

/* What is loaded is what was saved, word by word, not only in its bytes. */
TEST(round_trip_words)
{
    static const uint8_t seed[CKKS_SEED_BYTES] = { 9 };
    const ckks_key_request request[] = { { CKKS_KEY_RELIN, 0, 2 },
                                         { CKKS_KEY_ROTATE, -3, 1 } };
    zoo z;
    ckks_rng rng = { 0 };
    ckks_sk *sk = NULL, *sk2 = NULL;
    ckks_pk *pk = NULL, *pk2 = NULL;
    ckks_keys *keys = NULL, *keys2 = NULL;
    ckks_pt pt = { 0 };
    ckks_ct ct = { 0 }, ct2 = { 0 };
    static uint8_t buf[100000];
    size_t n;

    if (!zoo_small(&z, false))
        return;
    n = 5 * z.ctx->n * sizeof(uint64_t);
    CHECK_OK(ckks_rng_init(&rng, seed));
    CHECK_OK(ckks_sk_init(&sk, z.ctx, &rng));
    CHECK_OK(ckks_sk_save(buf, ckks_sk_size(sk), sk));
    CHECK_OK(ckks_sk_load(&sk2, z.ctx, buf, ckks_sk_size(sk)));
    CHECK(memcmp(sk->limb, sk2->limb, n + z.ctx->n) == 0, "sk");
    CHECK_OK(ckks_pk_init(&pk, &rng, sk));
    CHECK_OK(ckks_pk_save(buf, ckks_pk_size(pk), pk));
    CHECK_OK(ckks_pk_load(&pk2, z.ctx, buf, ckks_pk_size(pk)));
    CHECK(memcmp(pk->limb, pk2->limb, 2 * n) == 0, "pk");
    CHECK_OK(ckks_encode_const(&pt, z.ctx, 0.5, 0.25, 1, 0x1p20));
    CHECK_OK(ckks_encrypt_sk(&ct, &rng, &pt, sk));
    CHECK_OK(ckks_ct_save(buf, ckks_ct_size(&ct), &ct));
    CHECK_OK(ckks_ct_load(&ct2, z.ctx, buf, ckks_ct_size(&ct)));
    CHECK(ct2.level == 1 && ct2.degree == 1 && ct2.scale == 0x1p20
          && ct2.seeded == 1 && ct2.ctx == z.ctx, "fields of ct");
    CHECK(memcmp(ct.limb, ct2.limb, 4 * z.ctx->n * 8) == 0, "words of ct");
    CHECK_OK(ckks_keys_init(&keys, &rng, sk, request, 2));
    CHECK_OK(ckks_keys_save(buf, ckks_keys_size(keys), keys));
    CHECK_OK(ckks_keys_load(&keys2, z.ctx, buf, ckks_keys_size(keys)));
    for (size_t i = 0; i < 2; i++) {
        cki_key *a = &keys->key[i], *b = &keys2->key[i];

        CHECK(a->kind == b->kind && a->step == b->step && a->level == b->level
              && a->digits == b->digits && a->galois == b->galois, "%zu", i);
        for (int j = 0; j < 2 * a->digits; j++)
            for (int t = 0; t <= a->level + z.ctx->num_special; t++)
                CHECK(memcmp(cki_key_row(a, z.ctx, j / 2, j % 2, t),
                             cki_key_row(b, z.ctx, j / 2, j % 2, t),
                             z.ctx->n
                                 * cki_packed_bytes(&z.ctx->rns.mod[
                                       cki_key_prime(a, z.ctx, t)])) == 0,
                      "key %zu", i);
    }
    CHECK(ckks_keys_level(keys2, CKKS_KEY_ROTATE, 5) == 1, "step 5 = -3");
    ckks_sk_clear(&sk);
    ckks_sk_clear(&sk2);
    ckks_pk_clear(&pk);
    ckks_pk_clear(&pk2);
    ckks_keys_clear(&keys);
    ckks_keys_clear(&keys2);
    ckks_pt_clear(&pt);
    ckks_ct_clear(&ct);
    ckks_ct_clear(&ct2);
    zoo_clear(&z);
}

/* Parameters read back make a context that objects of the first fit. */
TEST(params_make_the_same_context)
{
    for (int k = 0; k < ZOOS; k++) {
        zoo z;
        ckks_params p;
        ckks_ctx *c = NULL;
        uint8_t a[16], b[16];
        zoo_animal *ct;

        if (!zoo_number(&z, k))
            return;
        ct = &z.animal[ZOO_CT_TWO];
        CHECK_OK(ckks_params_load(&p, z.animal[ZOO_PARAMS].bytes,
                                  z.animal[ZOO_PARAMS].size));
        if (CHECK_OK(ckks_ctx_init(&c, &p))) {
            ckks_ctx_fingerprint(a, z.ctx);
            ckks_ctx_fingerprint(b, c);
            CHECK(memcmp(a, b, 16) == 0, "context %d", k);
            CHECK(ckks_ctx_security(c) == CKKS_INSECURE, "%d",
                  ckks_ctx_security(c));
            CHECK_OK(ct->load(c, ct->bytes, ct->size, NULL));
        }
        ckks_ctx_clear(&c);
        zoo_clear(&z);
    }
}

enum { HEAD = 40 };

/* Both ways of cutting digits, both of choosing special primes and both rings
 * are in the parameters and in the fingerprint; keys of one ring and one way of
 * cutting are the same but for it.  The primes are right for either ring. */
TEST(params_of_every_switching)
{
    static const uint8_t seed[CKKS_SEED_BYTES] = { 4 };
    enum { REAL = 4, KINDS = 6 };   /* bits of k: the field 'switching'      */
    static const int kind[KINDS] = { 0, 1, 2, 3, REAL, REAL + 2 };
    static uint8_t file[KINDS][HEAD + 200], key[KINDS][40000];
    const ckks_key_request request = { CKKS_KEY_ROTATE, 1, 2 };
    size_t size = 0, key_size = 0;

    for (int k = 0; k < KINDS; k++) {
        const bool real = kind[k] >= REAL, fitted = kind[k] / 2 % 2;
        ckks_params p = { .log_n = 4, .num_primes = 3,
                          .primes = { 40, 30, 30 }, .num_special = 3,
                          .special = { 42, 42, 42 }, .dnum = 2,
                          .security = CKKS_INSECURE, .ring = CKKS_RING_REAL };
        ckks_params q = { 0 };
        ckks_ctx *ctx = NULL, *again = NULL;
        ckks_rng rng = { 0 };
        ckks_sk *sk = NULL;
        ckks_keys *keys = NULL;
        uint8_t a[16], b[16];

        if (!CHECK_OK(ckks_params_resolve(&p, &p)))
            return;
        p.ring = real ? CKKS_RING_REAL : CKKS_RING_COMPLEX;
        p.generator = real ? 5 : 3;
        p.uncentred_digits = kind[k] % 2;
        p.fitted_special = fitted;
        if (!CHECK_OK(ckks_ctx_init(&ctx, &p)))
            return;
        size = ckks_params_size(ctx);
        if (CHECK(size <= sizeof file[0], "%zu bytes", size)
            && CHECK_OK(ckks_params_save(file[k], size, ctx))
            && CHECK_OK(ckks_params_load(&q, file[k], size))
            && CHECK_OK(ckks_ctx_init(&again, &q))) {
            ckks_ctx_fingerprint(a, ctx);
            ckks_ctx_fingerprint(b, again);
            CHECK(memcmp(a, b, 16) == 0, "switching %d: fingerprint", k);
        }
        CHECK(q.uncentred_digits == kind[k] % 2 && q.fitted_special == fitted
                  && ckks_ctx_special_at(again, 0) == (fitted ? 1 : 3)
                  && q.ring == p.ring && ckks_ctx_ring(again) == p.ring,
              "switching %d: %d, %d and %d", kind[k], q.uncentred_digits,
              q.fitted_special, q.ring);
        CHECK(cki_load64(file[k] + HEAD + 48) == (uint64_t)kind[k], "%d", k);
        for (int i = 0; i < k; i++)
            CHECK(memcmp(file[i] + 24, file[k] + 24, 16) != 0,
                  "fingerprints of %d and %d", i, k);
        CHECK_OK(ckks_rng_init(&rng, seed));
        CHECK_OK(ckks_sk_init(&sk, ctx, &rng));
        if (CHECK_OK(ckks_keys_init(&keys, &rng, sk, &request, 1))) {
            key_size = ckks_keys_size(keys);
            if (CHECK(key_size <= sizeof key[0], "%zu bytes", key_size))
                CHECK_OK(ckks_keys_save(key[k], key_size, keys));
        }
        ckks_keys_clear(&keys);
        ckks_sk_clear(&sk);
        ckks_ctx_clear(&ctx);
        ckks_ctx_clear(&again);
    }
    for (int k = 0; k < 3; k++) {
        const int a = k < 2 ? k : 4, b = k < 2 ? k + 2 : 5;

        CHECK(memcmp(key[a] + HEAD, key[b] + HEAD, key_size - HEAD) == 0,
              "keys of switching %d and %d differ", kind[a], kind[b]);
    }
}

/* Every shorter length is refused, with the size field as it was and with one
 * that says the new length; so is every longer one. */
static void check_lengths(bool real)
{
    zoo z;

    if (!(real ? zoo_real : zoo_tiny)(&z, NULL))
        return;
    for (int i = 0; i < ZOO_SIZE; i++) {
        zoo_animal *a = &z.animal[i];

        for (size_t size = 0; size <= a->size + 9; size++) {
            uint8_t *b = calloc(1, size > 0 ? size : 1);

            if (size == a->size) {
                free(b);
                continue;
            }
            memcpy(b, a->bytes, size < a->size ? size : a->size);
            CHECK(a->load(z.ctx, b, size, NULL) == CKKS_EFORMAT,
                  "%s: %zu of %zu bytes", a->name, size, a->size);
            if (size >= 24) {
                zoo_unseal(b);
                cki_store64(b + 8, size);
                CHECK(a->load(z.ctx, b, size, NULL) == CKKS_EFORMAT,
                      "%s: %zu of %zu bytes, size corrected", a->name, size,
                      a->size);
            }
            free(b);
        }
    }
    zoo_clear(&z);
}

TEST(cut_and_trailing)
{
    check_lengths(false);
    check_lengths(true);
}

/* Every flip of one bit is refused by the checksum.  Without checksum it is
 * refused, or gives an object that is saved as exactly these bytes. */
static void flip_bits(bool real)
{
    zoo z;

    if (!(real ? zoo_real : zoo_tiny)(&z, NULL))
        return;
    for (int i = 0; i < ZOO_SIZE; i++) {
        zoo_animal *a = &z.animal[i];
        uint8_t *b = malloc(a->size), *again = malloc(a->size);
        size_t accepted = 0;

        for (size_t k = 0; k < 8 * a->size; k++) {
            ckks_status s;

            memcpy(b, a->bytes, a->size);
            b[k / 8] ^= (uint8_t)(1u << k % 8);
            s = a->load(z.ctx, b, a->size, NULL);
            CHECK(s == CKKS_EFORMAT || !zoo_sealed(&z), "%s: bit %zu: %s",
                  a->name, k, ckks_status_name(s));
            if (k / 8 == 6 || (k / 8 >= 16 && k / 8 < 24))
                continue;
            zoo_unseal(b);
            memcpy(again, b, a->size);      /* stays if params are no context */
            s = a->load(z.ctx, b, a->size, again);
            CHECK(s == CKKS_EFORMAT
                  || (s == CKKS_OK && zoo_same(b, again, a->size)),
                  "%s: bit %zu, no checksum: %s", a->name, k,
                  ckks_status_name(s));
            accepted += s == CKKS_OK;
        }
        CHECK(i == ZOO_PARAMS || accepted > 0, "%s", a->name);
        test_note("%s: %zu of %zu flips accepted without checksum", a->name,
                  accepted, 8 * a->size);
        free(b);
        free(again);
    }
    zoo_clear(&z);
}

TEST(every_bit_flipped)
{
    flip_bits(false);
    flip_bits(true);
}

/* An object of another kind, of another context, of random bytes. */
TEST(foreign_bytes)
{
    static const uint8_t kinds[ZOO_SIZE] = { 1, 2, 3, 3, 3, 4, 5, 6 };
    zoo z[2];
    uint64_t rnd = 11;
    uint8_t noise[200];

    if (!zoo_small(&z[0], false) || !zoo_small(&z[1], true))
        return;
    for (int i = 0; i < ZOO_SIZE; i++) {
        zoo_animal *a = &z[0].animal[i];

        CHECK(a->bytes[5] == kinds[i], "%s has kind %d", a->name, a->bytes[5]);
        for (int k = 0; k < ZOO_SIZE; k++) {
            zoo_animal *b = &z[0].animal[k];

            CHECK(a->load == b->load || a->load(z[0].ctx, b->bytes, b->size,
                                                NULL) == CKKS_EFORMAT,
                  "%s taken for %s", b->name, a->name);
        }
        if (i != ZOO_PARAMS)
            CHECK(a->load(z[1].ctx, a->bytes, a->size, NULL) == CKKS_EFORMAT,
                  "%s of another context", a->name);
        for (int k = 0; k < 1000; k++) {
            size_t size = test_word(&rnd) % sizeof noise;

            for (size_t j = 0; j < sizeof noise; j++)
                noise[j] = (uint8_t)test_word(&rnd);
            if (k % 2)
                memcpy(noise, a->bytes, 40);
            cki_store64(noise + 8, size);
            zoo_unseal(noise);
            CHECK(a->load(z[0].ctx, noise, size, NULL) == CKKS_EFORMAT,
                  "%s: noise accepted", a->name);
        }
    }
    zoo_clear(&z[0]);
    zoo_clear(&z[1]);
}

/* Makes the last of all words too large: the latest refusal there is. */
static void spoil_last_word(zoo_animal *a)
{
    zoo_unseal(a->bytes);
    a->bytes[a->size - 1] = 0xff;
}

/* A refusal leaves an object that was there as it was. */
TEST(refusal_keeps_the_old_object)
{
    zoo z;
    ckks_ct ct = { 0 }, ct_was;
    ckks_pt pt = { 0 }, pt_was;
    ckks_sk *sk = NULL, *sk_was;
    zoo_animal *a;
    uint64_t word;

    if (!zoo_tiny(&z, NULL))
        return;
    a = &z.animal[ZOO_CT_ONE];
    CHECK_OK(ckks_ct_load(&ct, z.ctx, a->bytes, a->size));
    ct_was = ct;
    word = ct.limb[3];
    spoil_last_word(a);
    CHECK_STATUS(ckks_ct_load(&ct, z.ctx, a->bytes, a->size), CKKS_EFORMAT);
    CHECK(ct.limb == ct_was.limb && ct.limb[3] == word && ct.ctx == z.ctx
          && ct.degree == ct_was.degree && ct.level == ct_was.level
          && ct.scale == ct_was.scale && ct.seeded == ct_was.seeded, "ct");
    a = &z.animal[ZOO_PT];
    CHECK_OK(ckks_pt_load(&pt, z.ctx, a->bytes, a->size));
    pt_was = pt;
    word = pt.limb[3];
    spoil_last_word(a);
    CHECK_STATUS(ckks_pt_load(&pt, z.ctx, a->bytes, a->size), CKKS_EFORMAT);
    CHECK(pt.limb == pt_was.limb && pt.limb[3] == word && pt.ctx == z.ctx
          && pt.level == pt_was.level && pt.scale == pt_was.scale, "pt");
    a = &z.animal[ZOO_SK];
    CHECK_OK(ckks_sk_load(&sk, z.ctx, a->bytes, a->size));
    sk_was = sk;
    word = sk->limb[3];
    spoil_last_word(a);
    CHECK_STATUS(ckks_sk_load(&sk, z.ctx, a->bytes, a->size), CKKS_EFORMAT);
    CHECK(sk == sk_was && sk->limb[3] == word, "sk");
    ckks_ct_clear(&ct);
    ckks_pt_clear(&pt);
    ckks_sk_clear(&sk);
    zoo_clear(&z);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Bytes a second of the file, for limbs of 47 bits. */
TEST(speed_of_a_ciphertext)
{
    ckks_params p = { .log_n = 15, .num_primes = 16,
                      .security = CKKS_INSECURE };
    ckks_ctx *ctx = NULL;
    ckks_ct ct = { 0 };
    uint64_t rnd = 5;
    uint8_t *b = NULL;
    size_t size = 0;
    double save = 1e9, load = 1e9;

    for (int i = 0; i < 16; i++)
        p.primes[i] = 47;
    if (!CHECK_OK(ckks_ctx_init(&ctx, &p))
        || !CHECK_OK(cki_ct_new(&ct, ctx, 2, 15, 0x1p40, "test")))
        goto done;
    for (size_t i = 0; i < 3 * 16 * ctx->n; i++)
        ct.limb[i] = test_word(&rnd) >> 18;
    size = ckks_ct_size(&ct);
    b = malloc(size);
    for (int k = 0; k < 3; k++) {
        double t = now();

        CHECK_OK(ckks_ct_save(b, size, &ct));
        save = now() - t < save ? now() - t : save;
        t = now();
        CHECK_OK(ckks_ct_load(&ct, ctx, b, size));
        load = now() - t < load ? now() - t : load;
    }
    test_note("%zu bytes: saved at %.2f GB/s, loaded at %.2f GB/s", size,
              1e-9 * (double)size / save, 1e-9 * (double)size / load);
done:
    free(b);
    ckks_ct_clear(&ct);
    ckks_ctx_clear(&ctx);
}
