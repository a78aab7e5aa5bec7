/* seal_support.c -- see seal_support.h. */
#include "seal_support.h"

seal_bytes seal_file(const char *name)
{
    seal_bytes b = { NULL, 0 };
    char path[200];

    snprintf(path, sizeof path, "examples/data/seal/%s", name);
    CHECK_OK(ckks_file_read(&b.at, &b.size, path, 1 << 20));
    return b;
}

void seal_free(seal_bytes *b)
{
    free(b->at);
    b->at = NULL;
}

ckks_ctx *seal_context(const ckks_memory *memory)
{
    seal_bytes b = seal_file("parms");
    ckks_ctx *ctx = NULL;
    ckks_params p;

    if (b.at != NULL && CHECK_OK(ckks_seal_params_load(&p, b.at, b.size))) {
        p.security = CKKS_INSECURE;
        if (memory != NULL)
            p.memory = *memory;
        CHECK_OK(ckks_ctx_init(&ctx, &p));
    }
    seal_free(&b);
    return ctx;
}

const char *seal_loader(seal_kind k)
{
    static const char *const name[] = {
        "ckks_seal_params_load", "ckks_seal_pt_load", "ckks_seal_ct_load",
        "ckks_seal_sk_load", "ckks_seal_pk_load", "ckks_seal_relin_load",
        "ckks_seal_galois_load"
    };

    return name[k];
}

ckks_status seal_load(seal_object *out, seal_kind k, const ckks_ctx *ctx,
                      const uint8_t *in, size_t size)
{
    switch (k) {
    case SEAL_PARAMS: return ckks_seal_params_load(&out->params, in, size);
    case SEAL_PT:     return ckks_seal_pt_load(&out->pt, ctx, in, size);
    case SEAL_CT:     return ckks_seal_ct_load(&out->ct, ctx, in, size);
    case SEAL_SK:     return ckks_seal_sk_load(&out->sk, ctx, in, size);
    case SEAL_PK:     return ckks_seal_pk_load(&out->pk, ctx, in, size);
    case SEAL_RELIN:  return ckks_seal_relin_load(&out->keys, ctx, in, size);
    case SEAL_GALOIS: return ckks_seal_galois_load(&out->keys, ctx, in, size);
    }
    return CKKS_EARG;
}

bool seal_load_file(seal_object *out, seal_kind k, const ckks_ctx *ctx,
                    const char *name)
{
    seal_bytes b = seal_file(name);
    bool ok = b.at != NULL
              && CHECK_OK(seal_load(out, k, ctx, b.at, b.size));

    seal_free(&b);
    return ok;
}

static size_t seal_size(seal_kind k, const seal_object *o,
                        const ckks_ctx *ctx)
{
    switch (k) {
    case SEAL_PARAMS: return ckks_seal_params_size(ctx);
    case SEAL_PT:     return ckks_seal_pt_size(&o->pt);
    case SEAL_CT:     return ckks_seal_ct_size(&o->ct);
    case SEAL_SK:     return ckks_seal_sk_size(o->sk);
    case SEAL_PK:     return ckks_seal_pk_size(o->pk);
    case SEAL_RELIN:  return ckks_seal_relin_size(o->keys);
    case SEAL_GALOIS: return ckks_seal_galois_size(o->keys);
    }
    return 0;
}

ckks_status seal_save(seal_bytes *out, seal_kind k, const seal_object *o,
                      const ckks_ctx *ctx)
{
    seal_bytes b = { NULL, seal_size(k, o, ctx) };

    b.at = calloc(1, b.size + 1);
    *out = b;
    switch (k) {
    case SEAL_PARAMS: return ckks_seal_params_save(b.at, b.size, ctx);
    case SEAL_PT:     return ckks_seal_pt_save(b.at, b.size, &o->pt);
    case SEAL_CT:     return ckks_seal_ct_save(b.at, b.size, &o->ct);
    case SEAL_SK:     return ckks_seal_sk_save(b.at, b.size, o->sk);
    case SEAL_PK:     return ckks_seal_pk_save(b.at, b.size, o->pk);
    case SEAL_RELIN:  return ckks_seal_relin_save(b.at, b.size, o->keys);
    case SEAL_GALOIS: return ckks_seal_galois_save(b.at, b.size, o->keys);
    }
    return CKKS_EARG;
}

void seal_clear(seal_object *o)
{
    ckks_pt_clear(&o->pt);
    ckks_ct_clear(&o->ct);
    ckks_sk_clear(&o->sk);
    ckks_pk_clear(&o->pk);
    ckks_keys_clear(&o->keys);
}

bool seal_same(seal_kind k, const seal_object *o, const ckks_ctx *ctx,
               const char *name)
{
    seal_bytes want = seal_file(name), got = { NULL, 0 };
    bool ok = want.at != NULL && CHECK_OK(seal_save(&got, k, o, ctx));
    size_t differ = 0;

    ok = ok && CHECK(got.size == want.size, "%s: %zu bytes, not %zu", name,
                     got.size, want.size);
    for (size_t i = 0; ok && i < want.size; i++)
        differ += got.at[i] != want.at[i];
    ok = ok && CHECK(differ == 0, "%s: %zu of %zu bytes differ", name, differ,
                     want.size);
    seal_free(&want);
    seal_free(&got);
    return ok;
}
