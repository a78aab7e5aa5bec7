/* evalkey.c -- evaluation keys as objects: their memory, and how one is found.
 *
 * Read first: key.h, docs/07-key-switching.md, docs/conventions.md.  How they
 * are made is in keymake.c.
 */
#include "scheme/key.h"

#include <string.h>

static size_t keys_bytes(size_t count)
{
    return sizeof(ckks_keys) + count * sizeof(cki_key);
}

ckks_status cki_check_special(const ckks_ctx *ctx, const char *name)
{
    if (ctx->num_special > 0)
        return CKKS_OK;
    return cki_fail(CKKS_EPARAM, "%s: the context has no special primes, so "
                    "no key switching", name);
}

ckks_status cki_keys_new(ckks_keys **out, const ckks_ctx *ctx, size_t count,
                         const char *name)
{
    ckks_keys *keys;
    ckks_status s = cki_check_special(ctx, name);

    if (s != CKKS_OK)
        return s;
    keys = cki_alloc(&ctx->memory, keys_bytes(count));
    if (keys == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for %zu evaluation keys",
                        name, count);
    memset(keys, 0, keys_bytes(count));
    keys->ctx = ctx;
    keys->count = count;
    keys->key = (cki_key *)(void *)(keys + 1);
    *out = keys;
    return CKKS_OK;
}

static size_t key_bytes(const cki_key *key, const ckks_ctx *ctx)
{
    return cki_key_bytes(key, ctx, key->level + 1 + ctx->num_special);
}

void cki_key_put(cki_key *key, const ckks_ctx *ctx, int j, int h, int t,
                 const uint64_t *words)
{
    const cki_mod *m = &ctx->rns.mod[cki_key_prime(key, ctx, t)];

    ctx->rns.kernel->pack(cki_key_row(key, ctx, j, h, t), words, ctx->n,
                          cki_packed_bytes(m));
}

void cki_key_take(uint64_t *words, const cki_key *key, const ckks_ctx *ctx,
                  int j, int h, int t)
{
    const cki_mod *m = &ctx->rns.mod[cki_key_prime(key, ctx, t)];

    cki_unpack(words, cki_key_row(key, ctx, j, h, t), ctx->n,
               cki_packed_bytes(m));
}

int cki_normal_step(const ckks_ctx *ctx, int step)
{
    const int64_t slots = (int64_t)ctx->slots;

    return (int)(((int64_t)step % slots + slots) % slots);
}

ckks_status cki_key_numbers(cki_key *key, const ckks_ctx *ctx,
                            ckks_key_kind kind, int step, int level,
                            const char *name)
{
    if (kind != CKKS_KEY_RELIN && kind != CKKS_KEY_ROTATE
        && kind != CKKS_KEY_CONJ)
        return cki_fail(CKKS_EARG, "%s: key kind %d, not 0..2", name,
                        (int)kind);
    if (level < 0 || level >= ctx->num_primes)
        return cki_fail(CKKS_ELEVEL, "%s: level %d outside 0..%d", name,
                        level, ctx->num_primes - 1);
    if (kind == CKKS_KEY_CONJ && ctx->real)
        return cki_fail(CKKS_EARG, "%s: a key for conjugation; this ring has "
                        "real slots", name);
    step = kind == CKKS_KEY_ROTATE ? cki_normal_step(ctx, step) : 0;
    if (kind == CKKS_KEY_ROTATE && step == 0)
        return cki_fail(CKKS_EARG, "%s: a rotation by 0 needs no "
                        "key", name);
    memset(key, 0, sizeof *key);
    key->kind = kind;
    key->step = step;
    key->level = level;
    key->most = level;
    key->digits = level / ctx->alpha + 1;
    key->galois = kind == CKKS_KEY_RELIN ? 1
                  : kind == CKKS_KEY_CONJ ? (uint32_t)(2 * ctx->n - 1)
                                          : cki_galois_element(ctx, step);
    return CKKS_OK;
}

static ckks_status no_memory(const cki_key *key, const ckks_ctx *ctx,
                             const char *name)
{
    return cki_fail(CKKS_EMEM, "%s: no memory for an evaluation key of %zu "
                    "bytes", name, key_bytes(key, ctx));
}

ckks_status cki_key_memory(cki_key *key, const ckks_ctx *ctx, const char *name)
{
    const bool turns = key->kind != CKKS_KEY_RELIN;

    key->limb = cki_alloc(&ctx->memory, key_bytes(key, ctx));
    if (!turns || key->perm != NULL)
        return key->limb == NULL ? no_memory(key, ctx, name) : CKKS_OK;
    key->perm = cki_alloc(&ctx->memory, 2 * ctx->n * sizeof *key->perm);
    if (key->limb == NULL || key->perm == NULL)
        return no_memory(key, ctx, name);
    key->back = key->perm + ctx->n;
    cki_galois_perm(key->perm, ctx->log_n, ctx->rns.order, key->galois);
    for (size_t i = 0; i < ctx->n; i++)
        key->back[key->perm[i]] = (uint32_t)i;
    return CKKS_OK;
}

void cki_key_free(cki_key *key, const ckks_ctx *ctx)
{
    cki_free(&ctx->memory, key->limb, key_bytes(key, ctx));
    cki_free(&ctx->memory, key->perm, 2 * ctx->n * sizeof *key->perm);
    key->limb = NULL;
    key->perm = key->back = NULL;
}

ckks_status cki_key_shrink(cki_key *key, int level, const ckks_ctx *ctx,
                           const char *name)
{
    const int gone = key->level - level, limbs = level + 1 + ctx->num_special;
    cki_key small = *key;

    small.level = level;
    small.digits = level / ctx->alpha + 1;
    small.limb = cki_alloc(&ctx->memory, key_bytes(&small, ctx));
    if (small.limb == NULL)
        return no_memory(&small, ctx, name);
    for (int t = 0; t < limbs; t++)
        for (int j = 0; j < small.digits; j++)
            for (int h = 0; h < 2; h++)
                memcpy(cki_key_row(&small, ctx, j, h, t),
                       cki_key_row(key, ctx, j, h, t <= level ? t : t + gone),
                       cki_key_row_bytes(ctx, cki_key_prime(&small, ctx, t)));
    cki_free(&ctx->memory, key->limb, key_bytes(key, ctx));
    *key = small;
    return CKKS_OK;
}

ckks_status cki_key_new(cki_key *key, const ckks_ctx *ctx, ckks_key_kind kind,
                        int step, int level, const char *name)
{
    ckks_status s = cki_key_numbers(key, ctx, kind, step, level, name);

    return s == CKKS_OK ? cki_key_memory(key, ctx, name) : s;
}

ckks_status cki_key_expand(cki_key *key, const ckks_ctx *ctx, const char *name)
{
    const int limbs = key->level + 1 + ctx->num_special;
    const int threads = cki_threads();
    const size_t size = (size_t)threads * ctx->n * sizeof(uint64_t);
    uint64_t *words = cki_alloc(&ctx->memory, size);

    if (words == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name, size);
    CKI_PARALLEL_OF(threads)
    for (int k = 0; k < key->digits * limbs; k++) {
        CKI_NEAREST;
        uint64_t *own = words + (size_t)cki_thread() * ctx->n;
        int j = k / limbs, t = k % limbs;

        cki_expand_limb(own, key->seed, 1 + (uint64_t)j,
                        cki_key_prime(key, ctx, t), ctx);
        cki_key_put(key, ctx, j, 1, t, own);
    }
    cki_free(&ctx->memory, words, size);
    return CKKS_OK;
}

void ckks_keys_clear(ckks_keys **keys)
{
    const ckks_ctx *ctx;

    if (keys == NULL || *keys == NULL)
        return;
    ctx = (*keys)->ctx;
    for (size_t i = 0; i < (*keys)->count; i++)
        cki_key_free(&(*keys)->key[i], ctx);
    cki_free(&ctx->memory, (*keys)->sum,
             ((*keys)->sums + 1) * sizeof(uint64_t));
    cki_free(&ctx->memory, (*keys)->words, (*keys)->words_size);
    cki_free(&ctx->memory, *keys, keys_bytes((*keys)->count));
    *keys = NULL;
}

size_t ckks_keys_count(const ckks_keys *keys)
{
    return keys == NULL ? 0 : keys->count;
}

const cki_key *cki_keys_find(const ckks_keys *keys, ckks_key_kind kind,
                             int step)
{
    if (kind == CKKS_KEY_ROTATE)
        step = cki_normal_step(keys->ctx, step);
    else
        step = 0;
    for (size_t i = 0; i < keys->count; i++)
        if (keys->key[i].kind == kind && keys->key[i].step == step)
            return &keys->key[i];
    return NULL;
}

int ckks_keys_level(const ckks_keys *keys, ckks_key_kind kind, int step)
{
    const cki_key *key = keys == NULL ? NULL
                                      : cki_keys_find(keys, kind, step);

    return key == NULL ? -1 : key->most;
}

/* ---- the key that a switching needs, or why it has none ----------------- */

ckks_status cki_find_key(const cki_key **out, const ckks_keys *keys,
                         ckks_key_kind kind, int step, int level,
                         const char *name)
{
    const cki_key *key = cki_keys_find(keys, kind, step);
    static const char *const what[] = { "relinearisation key",
                                        "rotation key for step",
                                        "conjugation key" };

    if (key == NULL)
        return cki_fail(CKKS_EKEY, "%s: no %s %d among %zu keys", name,
                        what[kind], step, keys->count);
    if (key->level < level && level <= key->most)
        return cki_fail(CKKS_EKEY, "%s: the %s %d is not held for level %d: "
                        "ckks_keys_hold", name, what[kind], step, level);
    if (key->level < level)
        return cki_fail(CKKS_EKEY, "%s: the %s %d is for level %d and below; "
                        "the ciphertext has level %d", name, what[kind], step,
                        key->most, level);
    *out = key;
    return CKKS_OK;
}

ckks_status cki_check_keys(const ckks_ct *out, const ckks_ct *a,
                           const ckks_keys *keys, const char *name)
{
    ckks_status s = cki_check_ct(a, name);

    if (s != CKKS_OK)
        return s;
    if (out == NULL || keys == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (keys->ctx != a->ctx)
        return cki_fail(CKKS_ECTX, "%s: ciphertext and keys come from "
                        "different contexts", name);
    return CKKS_OK;
}
