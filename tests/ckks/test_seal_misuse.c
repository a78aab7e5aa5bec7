/* test_seal_misuse.c -- every other status of the functions for SEAL: null
 * pointers, contexts with other choices, wrong sizes, missing keys, memory
 * that runs out; outputs stay.
 */
#include "misuse_support.h"
#include "seal_support.h"

/* Contexts that differ from SEAL's in one choice. */
TEST(seal_misuse_context)
{
    const ckks_params good = { .log_n = 4, .num_primes = 2, .num_special = 1,
                               .dnum = 2, .generator = 3,
                               .uncentred_digits = 1,
                               .security = CKKS_INSECURE,
                               .primes = { 40, 30 }, .special = { 40 } };
    static const uint8_t seed[CKKS_SEED_BYTES] = { 3 };
    const ckks_key_request request[] = { { CKKS_KEY_RELIN, 0, 1 },
                                         { CKKS_KEY_ROTATE, 1, 1 } };
    uint8_t out[16] = { 0 };

    for (int i = 0; i < 6; i++) {
        ckks_params p = good;
        ckks_ctx *ctx = NULL;
        ckks_rng rng = { 0 };
        seal_object o = { 0 };

        if (i == 1)
            p.generator = 5;
        if (i == 2)
            p.uncentred_digits = 0;
        if (i == 3)
            p.num_special = p.dnum = 2, p.special[1] = 35;
        if (i == 4)
            p.dnum = 1, p.special[0] = 61, p.primes[0] = 30;
        if (i == 5)
            p.special[0] = 61;
        if (!CHECK_OK(ckks_ctx_init(&ctx, &p))
            || !CHECK_OK(ckks_rng_init(&rng, seed)))
            return;
        CHECK_OK(ckks_sk_init(&o.sk, ctx, &rng));
        CHECK_OK(ckks_pk_init(&o.pk, &rng, o.sk));
        CHECK_OK(ckks_keys_init(&o.keys, &rng, o.sk, request, 2));
        CHECK_OK(ckks_encode_const(&o.pt, ctx, 1, 0, 1, 0x1p20));
        CHECK_OK(ckks_encrypt_sk(&o.ct, &rng, &o.pt, o.sk));
        for (seal_kind k = SEAL_PARAMS; k <= SEAL_GALOIS; k++) {
            seal_bytes b;
            ckks_status s = seal_save(&b, k, &o, ctx);

            if (i == 0) {
                CHECK(s == CKKS_OK && b.size > 0, "%s", seal_loader(k));
            } else {
                CHECK(s == CKKS_EPARAM && b.size == 0, "context %d, %s: %s", i,
                      seal_loader(k), ckks_status_name(s));
                if (k != SEAL_PARAMS)
                    CHECK_STATUS(seal_load(&o, k, ctx, out, sizeof out),
                                 CKKS_EPARAM);
            }
            seal_free(&b);
        }
        seal_clear(&o);
        ckks_rng_clear(&rng);
        ckks_ctx_clear(&ctx);
    }
}

/* Objects of one context are not of another. */
TEST(seal_misuse_other_context)
{
    const seal_kind kinds[] = { SEAL_PT, SEAL_CT, SEAL_SK, SEAL_PK,
                                SEAL_RELIN, SEAL_GALOIS };
    static const char *const file[] = { "pt", "x", "sk", "pk", "relin",
                                        "galois" };
    ckks_params p = { .log_n = 5, .num_primes = 3, .num_special = 1,
                      .dnum = 3, .generator = 3, .uncentred_digits = 1,
                      .security = CKKS_INSECURE, .primes = { 59, 40, 40 },
                      .special = { 60 } };
    ckks_ctx *ctx = NULL;

    if (!CHECK_OK(ckks_ctx_init(&ctx, &p)))
        return;
    for (int i = 0; i < 6; i++) {
        seal_bytes b = seal_file(file[i]);
        seal_object o = { 0 };

        CHECK_STATUS(seal_load(&o, kinds[i], ctx, b.at, b.size),
                     CKKS_EFORMAT);
        CHECK(strstr(ckks_last_error(), "other parameters") != NULL, "%s",
              ckks_last_error());
        seal_free(&b);
        seal_clear(&o);
    }
    ckks_ctx_clear(&ctx);
}

/* The secret key of one level too few, a key where a ciphertext is wanted. */
TEST(seal_misuse_level)
{
    ckks_ctx *ctx = seal_context(NULL);
    seal_object o = { 0 };
    seal_bytes b;

    if (ctx == NULL)
        return;
    b = seal_file("pk");
    CHECK_STATUS(seal_load(&o, SEAL_CT, ctx, b.at, b.size), CKKS_EFORMAT);
    CHECK(strstr(ckks_last_error(), "key level") != NULL, "%s",
          ckks_last_error());
    seal_free(&b);
    b = seal_file("pt");
    CHECK_STATUS(seal_load(&o, SEAL_SK, ctx, b.at, b.size), CKKS_EFORMAT);
    CHECK(strstr(ckks_last_error(), "key level") != NULL, "%s",
          ckks_last_error());
    seal_free(&b);
    ckks_ctx_clear(&ctx);
}

TEST(seal_misuse_null)
{
    ckks_ctx *ctx = seal_context(NULL);
    uint8_t b[200] = { 0 };
    ckks_params params;
    ckks_pt pt = { 0 };
    ckks_ct ct = { 0 };
    ckks_sk *sk = NULL;
    ckks_pk *pk = NULL;
    ckks_keys *keys = NULL;

    CHECK(ckks_seal_params_size(NULL) == 0 && ckks_seal_pt_size(NULL) == 0
          && ckks_seal_ct_size(NULL) == 0 && ckks_seal_sk_size(NULL) == 0
          && ckks_seal_pk_size(NULL) == 0 && ckks_seal_relin_size(NULL) == 0
          && ckks_seal_galois_size(NULL) == 0 && ckks_seal_pt_size(&pt) == 0
          && ckks_seal_ct_size(&ct) == 0, "a size of nothing");
    CHECK_STATUS(ckks_seal_params_save(b, 1, NULL), CKKS_EARG);
    CHECK_STATUS(ckks_seal_pt_save(b, 1, NULL), CKKS_EARG);
    CHECK_STATUS(ckks_seal_pt_save(b, 1, &pt), CKKS_EARG);
    CHECK_STATUS(ckks_seal_ct_save(b, 1, NULL), CKKS_EARG);
    CHECK_STATUS(ckks_seal_ct_save(b, 1, &ct), CKKS_EARG);
    CHECK_STATUS(ckks_seal_sk_save(b, 1, NULL), CKKS_EARG);
    CHECK_STATUS(ckks_seal_pk_save(b, 1, NULL), CKKS_EARG);
    CHECK_STATUS(ckks_seal_relin_save(b, 1, NULL), CKKS_EARG);
    CHECK_STATUS(ckks_seal_galois_save(b, 1, NULL), CKKS_EARG);
    CHECK_STATUS(ckks_seal_params_load(NULL, b, 9), CKKS_EARG);
    CHECK_STATUS(ckks_seal_params_load(&params, NULL, 9), CKKS_EARG);
    for (int i = 0; i < 3; i++) {
        const ckks_ctx *c = i == 1 ? NULL : ctx;
        const uint8_t *in = i == 2 ? NULL : b;

        CHECK_STATUS(ckks_seal_pt_load(i ? &pt : NULL, c, in, 9), CKKS_EARG);
        CHECK_STATUS(ckks_seal_ct_load(i ? &ct : NULL, c, in, 9), CKKS_EARG);
        CHECK_STATUS(ckks_seal_sk_load(i ? &sk : NULL, c, in, 9), CKKS_EARG);
        CHECK_STATUS(ckks_seal_pk_load(i ? &pk : NULL, c, in, 9), CKKS_EARG);
        CHECK_STATUS(ckks_seal_relin_load(i ? &keys : NULL, c, in, 9),
                     CKKS_EARG);
        CHECK_STATUS(ckks_seal_galois_load(i ? &keys : NULL, c, in, 9),
                     CKKS_EARG);
    }
    ckks_ctx_clear(&ctx);
}

/* A buffer one byte short, one too long, none: nothing is written. */
TEST(seal_misuse_room)
{
    static const struct { seal_kind kind; const char *name; } list[] = {
        { SEAL_PARAMS, "parms" }, { SEAL_PT, "pt" }, { SEAL_CT, "x" },
        { SEAL_SK, "sk" }, { SEAL_PK, "pk" }, { SEAL_RELIN, "relin" },
        { SEAL_GALOIS, "galois" }
    };
    ckks_ctx *ctx = seal_context(NULL);
    static uint8_t out[50000];

    for (size_t i = 0; ctx != NULL && i < 7; i++) {
        seal_object o = { 0 };
        seal_bytes f = seal_file(list[i].name);

        seal_load_file(&o, list[i].kind, ctx, list[i].name);
        for (int wrong = -1; wrong <= 2; wrong++) {
            size_t size = f.size + (size_t)(wrong == 0 ? -1
                                            : wrong > 1 ? 0 : wrong);
            uint8_t *to = wrong > 1 ? NULL : out;
            ckks_status s = CKKS_OK;

            switch (list[i].kind) {
            case SEAL_PARAMS: s = ckks_seal_params_save(to, size, ctx); break;
            case SEAL_PT: s = ckks_seal_pt_save(to, size, &o.pt); break;
            case SEAL_CT: s = ckks_seal_ct_save(to, size, &o.ct); break;
            case SEAL_SK: s = ckks_seal_sk_save(to, size, o.sk); break;
            case SEAL_PK: s = ckks_seal_pk_save(to, size, o.pk); break;
            case SEAL_RELIN: s = ckks_seal_relin_save(to, size, o.keys); break;
            case SEAL_GALOIS: s = ckks_seal_galois_save(to, size, o.keys);
            }
            CHECK(s == CKKS_EARG, "%s, %d: %s", list[i].name, wrong,
                  ckks_status_name(s));
        }
        for (size_t k = 0; k < sizeof out; k++)
            if (!CHECK(out[k] == 0, "%s: byte %zu written", list[i].name, k))
                break;
        seal_free(&f);
        seal_clear(&o);
    }
    ckks_ctx_clear(&ctx);
}

/* From one object of ours both files are made; keys of a lower level and
 * objects without such a key make none. */
TEST(seal_misuse_keys)
{
    static const uint8_t seed[CKKS_SEED_BYTES] = { 3 };
    const ckks_key_request all[] = { { CKKS_KEY_CONJ, 0, 2 },
                                     { CKKS_KEY_ROTATE, 7, 2 },
                                     { CKKS_KEY_RELIN, 0, 2 } };
    const ckks_key_request low[] = { { CKKS_KEY_RELIN, 0, 1 },
                                     { CKKS_KEY_ROTATE, 7, 1 } };
    ckks_ctx *ctx = seal_context(NULL);
    seal_object o = { 0 }, back = { 0 };
    ckks_rng rng = { 0 };
    seal_bytes b;

    if (ctx == NULL || !CHECK_OK(ckks_rng_init(&rng, seed)))
        return;
    CHECK_OK(ckks_sk_init(&o.sk, ctx, &rng));
    CHECK_OK(ckks_keys_init(&o.keys, &rng, o.sk, all, 3));
    for (seal_kind k = SEAL_RELIN; k <= SEAL_GALOIS; k++) {
        CHECK_OK(seal_save(&b, k, &o, ctx));
        CHECK_OK(seal_load(&back, k, ctx, b.at, b.size));
        CHECK(ckks_keys_count(back.keys) == (k == SEAL_RELIN ? 1 : 2), "%zu",
              ckks_keys_count(back.keys));
        CHECK(ckks_keys_level(back.keys, CKKS_KEY_ROTATE, 7)
                  == (k == SEAL_RELIN ? -1 : 2), "rotation by 7");
        seal_free(&b);
        CHECK_STATUS(seal_save(&b, k == SEAL_RELIN ? SEAL_GALOIS : SEAL_RELIN,
                               &back, ctx), CKKS_EKEY);
        CHECK(b.size == 0, "size %zu", b.size);
        seal_free(&b);
    }
    CHECK_OK(ckks_keys_init(&o.keys, &rng, o.sk, low, 2));
    for (seal_kind k = SEAL_RELIN; k <= SEAL_GALOIS; k++) {
        CHECK_STATUS(seal_save(&b, k, &o, ctx), CKKS_EKEY);
        CHECK(strstr(ckks_last_error(), "level 1") != NULL, "%s",
              ckks_last_error());
        seal_free(&b);
    }
    seal_clear(&o);
    seal_clear(&back);
    ckks_ctx_clear(&ctx);
}

/* Every allocation of every loader fails once. */
TEST(seal_misuse_memory)
{
    static const struct { seal_kind kind; const char *name; } list[] = {
        { SEAL_PT, "pt" }, { SEAL_CT, "x_seeded" }, { SEAL_SK, "sk" },
        { SEAL_PK, "pk" }, { SEAL_RELIN, "relin" }, { SEAL_GALOIS, "galois" }
    };
    misuse_meter meter = { 0 };
    ckks_memory memory = misuse_memory(&meter);
    ckks_ctx *ctx = seal_context(&memory);
    const long objects = meter.objects;
    int failures = 0;

    for (size_t i = 0; ctx != NULL && i < 6; i++) {
        seal_bytes f = seal_file(list[i].name);
        ckks_status s = CKKS_EMEM;

        for (int k = 1; k < 100 && s != CKKS_OK; k++) {
            seal_object o = { 0 };

            meter.calls = 0;
            meter.refuse = k;
            s = seal_load(&o, list[i].kind, ctx, f.at, f.size);
            meter.refuse = 0;
            failures += s == CKKS_EMEM;
            CHECK(s == CKKS_EMEM || s == CKKS_OK, "%s: %s", list[i].name,
                  ckks_status_name(s));
            CHECK(s == CKKS_OK || (o.pt.limb == NULL && o.ct.limb == NULL
                                   && o.sk == NULL && o.pk == NULL
                                   && o.keys == NULL), "%s: allocation %d",
                  list[i].name, k);
            CHECK(s == CKKS_OK || strstr(ckks_last_error(),
                                         seal_loader(list[i].kind)) != NULL,
                  "%s: \"%s\"", list[i].name, ckks_last_error());
            seal_clear(&o);
            CHECK(meter.objects == objects, "%s: allocation %d: %ld objects",
                  list[i].name, k, meter.objects - objects);
        }
        CHECK(s == CKKS_OK, "%s: never enough memory", list[i].name);
        seal_free(&f);
    }
    CHECK(failures > 18, "%d failures", failures);
    ckks_ctx_clear(&ctx);
}
