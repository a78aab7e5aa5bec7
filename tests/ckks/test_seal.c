/* test_seal.c -- files of SEAL: what SEAL wrote, is read, computed with and
 * written as SEAL does it.
 *
 * The files of examples/data/seal were made by SEAL 4.1 (tests/seal/seal.js);
 * those named r_... are its results.  tests/scripts/seal.sh does the same with a SEAL
 * that runs, and the other way round.  Caught when planted: rejected draws of
 * a seed kept; the second stretch of a seed like the first; digits centred;
 * psi not the smallest; the special prime first; rotation by the inverse
 * element; a key not marked as seedless.
 */
#include "seal_support.h"

#include <math.h>

/* Loaded and saved, every file is itself; seeded ones what SEAL expands. */
TEST(seal_round_trip)
{
    static const struct { seal_kind kind; const char *name, *same; } list[] = {
        { SEAL_PARAMS, "parms", "parms" }, { SEAL_PT, "pt", "pt" },
        { SEAL_PT, "r_decrypt", "r_decrypt" }, { SEAL_CT, "x", "x" },
        { SEAL_CT, "r_multiply", "r_multiply" },
        { SEAL_CT, "r_rescale", "r_rescale" },
        { SEAL_CT, "x_seeded", "x_expanded" }, { SEAL_SK, "sk", "sk" },
        { SEAL_PK, "pk", "pk" }, { SEAL_PK, "pk_seeded", "pk_expanded" },
        { SEAL_RELIN, "relin", "relin" },
        { SEAL_RELIN, "relin_seeded", "relin_expanded" },
        { SEAL_GALOIS, "galois", "galois" }
    };
    ckks_ctx *ctx = seal_context(NULL);

    for (size_t i = 0; ctx != NULL && i < sizeof list / sizeof *list; i++) {
        seal_object o = { 0 };

        if (seal_load_file(&o, list[i].kind, ctx, list[i].name))
            seal_same(list[i].kind, &o, ctx, list[i].same);
        seal_clear(&o);
    }
    ckks_ctx_clear(&ctx);
}

/* A seed that fills three stretches of 4096 bytes, with draws rejected: the
 * hash of what SEAL expands it to. */
TEST(seal_long_seed)
{
    seal_bytes b = seal_file("long_parms"), c = seal_file("long_seeded");
    seal_bytes again = { NULL, 0 };
    ckks_params p;
    ckks_ctx *ctx = NULL;
    seal_object o = { 0 };
    uint8_t hash[32];

    if (b.at == NULL || c.at == NULL
        || !CHECK_OK(ckks_seal_params_load(&p, b.at, b.size)))
        return;
    p.security = CKKS_INSECURE;
    if (CHECK_OK(ckks_ctx_init(&ctx, &p))
        && CHECK_OK(seal_load(&o, SEAL_CT, ctx, c.at, c.size))
        && CHECK_OK(seal_save(&again, SEAL_CT, &o, ctx))) {
        ckks_blake2b(hash, sizeof hash, again.at, again.size, NULL, 0);
        test_same_hex(hash, sizeof hash, "eaf7d7bbdfb7f287cebdd6b2ee860616"
                                         "2554843e78abb4faf46f03d63f43723d");
    }
    seal_free(&b);
    seal_free(&c);
    seal_free(&again);
    seal_clear(&o);
    ckks_ctx_clear(&ctx);
}

/* The fields of what was loaded: level, degree, scale, keys. */
TEST(seal_fields)
{
    ckks_ctx *ctx = seal_context(NULL);
    seal_object o = { 0 };

    if (ctx == NULL)
        return;
    CHECK(ckks_ctx_log_n(ctx) == 5 && ckks_ctx_top_level(ctx) == 2
          && ckks_ctx_num_special(ctx) == 1 && ckks_ctx_dnum(ctx) == 3,
          "log_n %d", ckks_ctx_log_n(ctx));
    seal_load_file(&o, SEAL_CT, ctx, "x");
    CHECK(o.ct.level == 2 && o.ct.degree == 1 && o.ct.scale == 0x1p40
          && !o.ct.seeded, "x: level %d", o.ct.level);
    seal_load_file(&o, SEAL_CT, ctx, "r_square_low");
    CHECK(o.ct.level == 1 && o.ct.degree == 2, "level %d", o.ct.level);
    seal_load_file(&o, SEAL_RELIN, ctx, "relin");
    CHECK(ckks_keys_count(o.keys) == 1
          && ckks_keys_level(o.keys, CKKS_KEY_RELIN, 0) == 2, "relin");
    seal_load_file(&o, SEAL_GALOIS, ctx, "galois");
    CHECK(ckks_keys_count(o.keys) == 6, "%zu", ckks_keys_count(o.keys));
    for (int step = 1; step < 16; step++)
        CHECK(ckks_keys_level(o.keys, CKKS_KEY_ROTATE, step)
                  == (step == 1 || step == 2 || step == 4 || step == 8
                      || step == 13 ? 2 : -1), "step %d", step);
    CHECK(ckks_keys_level(o.keys, CKKS_KEY_CONJ, 0) == 2, "conjugation");
    seal_clear(&o);
    ckks_ctx_clear(&ctx);
}

typedef struct kept {
    ckks_ctx *ctx;
    seal_object x, y, sk, pk, relin, galois, pt, r;
} kept;

static bool kept_init(kept *k)
{
    memset(k, 0, sizeof *k);
    k->ctx = seal_context(NULL);
    return k->ctx != NULL && seal_load_file(&k->x, SEAL_CT, k->ctx, "x")
           && seal_load_file(&k->y, SEAL_CT, k->ctx, "y")
           && seal_load_file(&k->sk, SEAL_SK, k->ctx, "sk")
           && seal_load_file(&k->pk, SEAL_PK, k->ctx, "pk")
           && seal_load_file(&k->pt, SEAL_PT, k->ctx, "pt")
           && seal_load_file(&k->relin, SEAL_RELIN, k->ctx, "relin")
           && seal_load_file(&k->galois, SEAL_GALOIS, k->ctx, "galois");
}

static void kept_clear(kept *k)
{
    seal_clear(&k->x);
    seal_clear(&k->y);
    seal_clear(&k->sk);
    seal_clear(&k->pk);
    seal_clear(&k->pt);
    seal_clear(&k->relin);
    seal_clear(&k->galois);
    seal_clear(&k->r);
    ckks_ctx_clear(&k->ctx);
}

/* The call gives, word for word, SEAL's result of that name. */
#define GIVES(call, kind, name)                                           \
    do {                                                                  \
        if (CHECK_OK(call))                                               \
            seal_same(kind, &k.r, k.ctx, name);                           \
    } while (0)

TEST(seal_operations)
{
    kept k;
    ckks_ct low = { 0 };

    if (!kept_init(&k))
        return;
    const ckks_ct *x = &k.x.ct, *y = &k.y.ct;
    ckks_ct *r = &k.r.ct;

    GIVES(ckks_add(r, x, y), SEAL_CT, "r_add");
    GIVES(ckks_mul(r, x, y), SEAL_CT, "r_multiply");
    GIVES(ckks_decrypt(&k.r.pt, r, k.sk.sk), SEAL_PT, "r_decrypt_of_three");
    CHECK_OK(ckks_relin(&low, r, k.relin.keys));
    GIVES(ckks_rescale(r, r), SEAL_CT, "r_rescale_of_three");
    GIVES(ckks_ct_copy(r, &low), SEAL_CT, "r_relinearise");
    GIVES(ckks_rescale(r, &low), SEAL_CT, "r_rescale");
    CHECK_OK(ckks_ct_copy(&low, r));
    GIVES(ckks_rotate(r, &low, k.galois.keys, 8), SEAL_CT, "r_rotate_8_low");
    GIVES(ckks_square(r, &low), SEAL_CT, "r_square_low");
    GIVES(ckks_relin(r, r, k.relin.keys), SEAL_CT, "r_relinearise_low");
    GIVES(ckks_rotate(r, x, k.galois.keys, 1), SEAL_CT, "r_rotate_1");
    GIVES(ckks_rotate(r, x, k.galois.keys, -3), SEAL_CT, "r_rotate_-3");
    GIVES(ckks_conj(r, x, k.galois.keys), SEAL_CT, "r_conjugate");
    GIVES(ckks_decrypt(&k.r.pt, x, k.sk.sk), SEAL_PT, "r_decrypt");
    ckks_ct_clear(&low);
    kept_clear(&k);
}

/* With SEAL's public keys, of both kinds, we encrypt; with its secret key we
 * decrypt; and its key and ours are the same object in our own format. */
TEST(seal_keys_are_keys)
{
    static const uint8_t seed[CKKS_SEED_BYTES] = { 5 };
    const double v[3] = { 0.5, -1.25, 3 };
    ckks_rng rng = { 0 };
    uint8_t bytes[64];
    seal_object again = { 0 };
    kept k;

    if (!kept_init(&k) || !CHECK_OK(ckks_rng_init(&rng, seed)))
        return;
    CHECK_OK(ckks_sk_save(bytes, ckks_sk_size(k.sk.sk), k.sk.sk));
    CHECK_OK(ckks_sk_load(&again.sk, k.ctx, bytes, ckks_sk_size(k.sk.sk)));
    seal_same(SEAL_SK, &again, k.ctx, "sk");
    CHECK_OK(ckks_encode(&k.r.pt, k.ctx, v, NULL, 3, 2, 0x1p40));
    for (int i = 0; i < 2; i++) {
        double got[3];
        ckks_pt p = { 0 };

        CHECK_OK(ckks_encrypt(&k.r.ct, &rng, &k.r.pt, k.pk.pk));
        CHECK_OK(ckks_decrypt(&p, &k.r.ct, again.sk));
        CHECK_OK(ckks_decode(got, NULL, 3, &p));
        for (int j = 0; j < 3; j++)
            CHECK(fabs(got[j] - v[j]) < 0x1p-30, "key %d slot %d: %g", i, j,
                  got[j]);
        ckks_pt_clear(&p);
        seal_load_file(&k.pk, SEAL_PK, k.ctx, "pk_seeded");
    }
    seal_clear(&again);
    kept_clear(&k);
}

/* Keys without a seed of ours do not become files of ours. */
TEST(seal_seedless)
{
    uint8_t out[16];
    kept k;

    if (!kept_init(&k))
        return;
    CHECK(ckks_pk_size(k.pk.pk) == 0, "%zu", ckks_pk_size(k.pk.pk));
    CHECK_STATUS(ckks_pk_save(out, 0, k.pk.pk), CKKS_EARG);
    CHECK(strstr(ckks_last_error(), "SEAL") != NULL, "%s", ckks_last_error());
    CHECK(ckks_keys_size(k.relin.keys) == 0, "size");
    CHECK_STATUS(ckks_keys_save(out, 0, k.relin.keys), CKKS_EARG);
    CHECK(ckks_keys_size(k.galois.keys) == 0, "size");
    CHECK_STATUS(ckks_keys_save(out, sizeof out, k.galois.keys), CKKS_EARG);
    CHECK(strstr(ckks_last_error(), "SEAL") != NULL, "%s", ckks_last_error());
    kept_clear(&k);
}

TEST(seal_compressed)
{
    ckks_ctx *ctx = seal_context(NULL);
    seal_bytes b = seal_file("x_zlib");
    seal_object o = { 0 };

    if (ctx != NULL && b.at != NULL) {
        CHECK_STATUS(seal_load(&o, SEAL_CT, ctx, b.at, b.size), CKKS_EFORMAT);
        CHECK(strstr(ckks_last_error(), "zlib") != NULL, "%s",
              ckks_last_error());
        CHECK(o.ct.limb == NULL, "an object was made");
    }
    seal_free(&b);
    ckks_ctx_clear(&ctx);
}
