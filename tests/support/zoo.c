/* zoo.c -- one object of each kind, as bytes. */
#include "zoo.h"

#include "test.h"

/* ---- loaders of one form ------------------------------------------------ */

/* All bytes of a refused output must still be 0. */
static void check_untouched(const void *object, size_t size, const char *what)
{
    const unsigned char *b = object;

    for (size_t i = 0; i < size; i++)
        if (!CHECK(b[i] == 0, "%s: a refusal wrote byte %zu", what, i))
            return;
}

static ckks_status load_params(const ckks_ctx *ctx, const uint8_t *in,
                               size_t size, uint8_t *again)
{
    ckks_params p = { 0 };
    ckks_ctx *made = NULL;
    ckks_status s = ckks_params_load(&p, in, size);

    (void)ctx;
    if (s != CKKS_OK) {
        check_untouched(&p, sizeof p, "params");
        return s;
    }
    CHECK(p.kernel == NULL && p.memory.allocate == NULL, "hooks were set");
    /* A wrong prime is found only here; that is no fault of the loader. */
    if (again == NULL || ckks_ctx_init(&made, &p) != CKKS_OK)
        return CKKS_OK;
    CHECK(ckks_params_size(made) == size, "size %zu, was %zu",
          ckks_params_size(made), size);
    CHECK_OK(ckks_params_save(again, size, made));
    ckks_ctx_clear(&made);
    return CKKS_OK;
}

static ckks_status load_pt(const ckks_ctx *ctx, const uint8_t *in, size_t size,
                           uint8_t *again)
{
    ckks_pt pt = { 0 };
    ckks_status s = ckks_pt_load(&pt, ctx, in, size);

    if (s != CKKS_OK)
        check_untouched(&pt, sizeof pt, "pt");
    else if (again != NULL)
        CHECK_OK(ckks_pt_save(again, size, &pt));
    ckks_pt_clear(&pt);
    return s;
}

static ckks_status load_ct(const ckks_ctx *ctx, const uint8_t *in, size_t size,
                           uint8_t *again)
{
    ckks_ct ct = { 0 };
    ckks_status s = ckks_ct_load(&ct, ctx, in, size);

    if (s != CKKS_OK)
        check_untouched(&ct, sizeof ct, "ct");
    else if (again != NULL)
        CHECK_OK(ckks_ct_save(again, size, &ct));
    ckks_ct_clear(&ct);
    return s;
}

static ckks_status load_sk(const ckks_ctx *ctx, const uint8_t *in, size_t size,
                           uint8_t *again)
{
    ckks_sk *sk = NULL;
    ckks_status s = ckks_sk_load(&sk, ctx, in, size);

    if (s != CKKS_OK)
        check_untouched(&sk, sizeof sk, "sk");
    else if (again != NULL)
        CHECK_OK(ckks_sk_save(again, size, sk));
    ckks_sk_clear(&sk);
    return s;
}

static ckks_status load_pk(const ckks_ctx *ctx, const uint8_t *in, size_t size,
                           uint8_t *again)
{
    ckks_pk *pk = NULL;
    ckks_status s = ckks_pk_load(&pk, ctx, in, size);

    if (s != CKKS_OK)
        check_untouched(&pk, sizeof pk, "pk");
    else if (again != NULL)
        CHECK_OK(ckks_pk_save(again, size, pk));
    ckks_pk_clear(&pk);
    return s;
}

static ckks_status load_keys(const ckks_ctx *ctx, const uint8_t *in,
                             size_t size, uint8_t *again)
{
    ckks_keys *keys = NULL;
    ckks_status s = ckks_keys_load(&keys, ctx, in, size);

    if (s != CKKS_OK)
        check_untouched(&keys, sizeof keys, "keys");
    else if (again != NULL)
        CHECK_OK(ckks_keys_save(again, size, keys));
    ckks_keys_clear(&keys);
    return s;
}

/* ---- filling ------------------------------------------------------------ */

static uint8_t *room(zoo_animal *a, const char *name, size_t size,
                     ckks_status (*load)(const ckks_ctx *, const uint8_t *,
                                         size_t, uint8_t *))
{
    *a = (zoo_animal){ name, malloc(size > 0 ? size : 1), size, load };
    return a->bytes;
}

static bool put_ct(zoo_animal *a, const char *name, const ckks_ct *ct)
{
    return CHECK_OK(ckks_ct_save(room(a, name, ckks_ct_size(ct), load_ct),
                                 ckks_ct_size(ct), ct));
}

static bool put_data(zoo *z, ckks_rng *rng, const ckks_sk *sk,
                     const ckks_pk *pk, double scale)
{
    zoo_animal *a = z->animal;
    int top = ckks_ctx_top_level(z->ctx);
    const double im = ckks_ctx_ring(z->ctx) == CKKS_RING_REAL ? 0 : -2;
    ckks_pt pt = { 0 };
    ckks_ct ct = { 0 }, one = { 0 };
    bool ok;

    ok = CHECK_OK(ckks_params_save(
             room(&a[ZOO_PARAMS], "params", ckks_params_size(z->ctx),
                  load_params), ckks_params_size(z->ctx), z->ctx))
        && CHECK_OK(ckks_encode_const(&pt, z->ctx, 1, im, top, scale))
        && CHECK_OK(ckks_pt_save(room(&a[ZOO_PT], "pt", ckks_pt_size(&pt),
                                      load_pt), ckks_pt_size(&pt), &pt))
        && CHECK_OK(ckks_encrypt_sk(&ct, rng, &pt, sk))
        && put_ct(&a[ZOO_CT_SEEDED], "seeded ct", &ct)
        && CHECK_OK(ckks_encrypt(&one, rng, &pt, pk))
        && put_ct(&a[ZOO_CT_ONE], "ct", &one)
        && CHECK_OK(ckks_mul(&ct, &ct, &one))
        && put_ct(&a[ZOO_CT_TWO], "ct of degree 2", &ct);
    ckks_pt_clear(&pt);
    ckks_ct_clear(&ct);
    ckks_ct_clear(&one);
    return ok;
}

static bool put_keys(zoo *z, ckks_rng *rng, double scale)
{
    const bool real = ckks_ctx_ring(z->ctx) == CKKS_RING_REAL;
    const ckks_key_request request[] = {
        { CKKS_KEY_RELIN, 0, ckks_ctx_top_level(z->ctx) },
        { CKKS_KEY_ROTATE, 1, 0 },
        { real ? CKKS_KEY_ROTATE : CKKS_KEY_CONJ, real ? -1 : 0, 1 }
    };
    zoo_animal *a = z->animal;
    ckks_sk *sk = NULL;
    ckks_pk *pk = NULL;
    ckks_keys *keys = NULL;
    bool ok;

    ok = CHECK_OK(ckks_sk_init(&sk, z->ctx, rng))
        && CHECK_OK(ckks_sk_save(room(&a[ZOO_SK], "sk", ckks_sk_size(sk),
                                      load_sk), ckks_sk_size(sk), sk))
        && CHECK_OK(ckks_pk_init(&pk, rng, sk))
        && CHECK_OK(ckks_pk_save(room(&a[ZOO_PK], "pk", ckks_pk_size(pk),
                                      load_pk), ckks_pk_size(pk), pk))
        && CHECK_OK(ckks_keys_init(&keys, rng, sk, request, 3))
        && CHECK_OK(ckks_keys_save(
               room(&a[ZOO_KEYS], "keys", ckks_keys_size(keys), load_keys),
               ckks_keys_size(keys), keys))
        && put_data(z, rng, sk, pk, scale);
    ckks_sk_clear(&sk);
    ckks_pk_clear(&pk);
    ckks_keys_clear(&keys);
    return ok;
}

static bool zoo_fill(zoo *z, const ckks_params *p, double scale)
{
    static const uint8_t seed[CKKS_SEED_BYTES] = { 7 };
    ckks_rng rng = { 0 };

    memset(z, 0, sizeof *z);
    if (CHECK_OK(ckks_ctx_init(&z->ctx, p))
        && CHECK_OK(ckks_rng_init(&rng, seed)) && put_keys(z, &rng, scale))
        return true;
    zoo_clear(z);
    return false;
}

bool zoo_tiny(zoo *z, const ckks_memory *memory)
{
    ckks_params p = { .log_n = 2, .num_primes = 2, .primes = { 5, 6 },
                      .num_special = 1, .special = { 7 }, .dnum = 2,
                      .security = CKKS_INSECURE };

    if (memory != NULL)
        p.memory = *memory;
    return zoo_fill(z, &p, 4);
}

bool zoo_real(zoo *z, const ckks_memory *memory)
{
    ckks_params p = { .log_n = 2, .num_primes = 2, .primes = { 5, 7 },
                      .num_special = 1, .special = { 7 }, .dnum = 2,
                      .ring = CKKS_RING_REAL, .security = CKKS_INSECURE };

    if (memory != NULL)
        p.memory = *memory;
    return zoo_fill(z, &p, 4);
}

bool zoo_small(zoo *z, bool other)
{
    ckks_params p = { .log_n = 4, .num_primes = 3, .primes = { 40, 30, 30 },
                      .num_special = 2, .special = { 45, 44 }, .dnum = 2,
                      .security = CKKS_INSECURE, .generator = other ? 3 : 5,
                      .uncentred_digits = other };

    return zoo_fill(z, &p, 0x1p20);
}

bool zoo_number(zoo *z, int k)
{
    return k == 0   ? zoo_tiny(z, NULL)
           : k == 1 ? zoo_real(z, NULL)
                    : zoo_small(z, k == 3);
}

void zoo_clear(zoo *z)
{
    for (int i = 0; i < ZOO_SIZE; i++)
        free(z->animal[i].bytes);
    ckks_ctx_clear(&z->ctx);
    memset(z, 0, sizeof *z);
}

/* ---- bytes -------------------------------------------------------------- */

bool zoo_sealed(const zoo *z)
{
    return z->animal[ZOO_PT].bytes[6] != 0;
}

void zoo_unseal(uint8_t *bytes)
{
    bytes[6] = 0;
    memset(bytes + 16, 0, 8);
}

bool zoo_same(const uint8_t *a, const uint8_t *b, size_t size)
{
    return memcmp(a, b, 6) == 0 && memcmp(a + 7, b + 7, 9) == 0
           && memcmp(a + 24, b + 24, size - 24) == 0;
}
