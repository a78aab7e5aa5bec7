/* evalkey.c -- evaluation keys: how they are made, and found.
 *
 * Read first: key.h, docs/07-key-switching.md, docs/conventions.md.
 */
#include "scheme/key.h"

#include <string.h>

static size_t keys_bytes(size_t count)
{
    return sizeof(ckks_keys) + count * sizeof(cki_key);
}

ckks_status cki_keys_new(ckks_keys **out, const ckks_ctx *ctx, size_t count,
                         const char *name)
{
    ckks_keys *keys;

    if (ctx->num_special == 0)
        return cki_fail(CKKS_EPARAM, "%s: the context has no "
                        "special primes, so no key switching", name);
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
    return (size_t)key->digits * 2 * cki_key_half(key, ctx) * sizeof(uint64_t);
}

static int normal_step(const ckks_ctx *ctx, int step)
{
    const int64_t slots = (int64_t)ctx->slots;

    return (int)(((int64_t)step % slots + slots) % slots);
}

ckks_status cki_key_new(cki_key *key, const ckks_ctx *ctx, ckks_key_kind kind,
                        int step, int level, const char *name)
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
    step = kind == CKKS_KEY_ROTATE ? normal_step(ctx, step) : 0;
    if (kind == CKKS_KEY_ROTATE && step == 0)
        return cki_fail(CKKS_EARG, "%s: a rotation by 0 needs no "
                        "key", name);
    memset(key, 0, sizeof *key);
    key->kind = kind;
    key->step = step;
    key->level = level;
    key->digits = level / ctx->alpha + 1;
    key->galois = kind == CKKS_KEY_RELIN ? 1
                  : kind == CKKS_KEY_CONJ ? (uint32_t)(2 * ctx->n - 1)
                                          : cki_galois_element(ctx, step);
    key->limb = cki_alloc(&ctx->memory, key_bytes(key, ctx));
    if (kind != CKKS_KEY_RELIN)
        key->perm = cki_alloc(&ctx->memory, 2 * ctx->n * sizeof *key->perm);
    if (key->limb == NULL || (kind != CKKS_KEY_RELIN && key->perm == NULL))
        return cki_fail(CKKS_EMEM, "%s: no memory for an evaluation key of %zu "
                        "bytes", name, key_bytes(key, ctx));
    if (key->perm != NULL) {
        key->back = key->perm + ctx->n;
        cki_galois_perm(key->perm, ctx->log_n, ctx->rns.order, key->galois);
        for (size_t i = 0; i < ctx->n; i++)
            key->back[key->perm[i]] = (uint32_t)i;
    }
    return CKKS_OK;
}

void cki_key_expand(cki_key *key, const ckks_ctx *ctx)
{
    const int limbs = key->level + 1 + ctx->num_special;

    CKI_PARALLEL
    for (int k = 0; k < key->digits * limbs; k++) {
        CKI_NEAREST;
        int j = k / limbs, t = k % limbs;
        uint64_t *a = key->limb
                      + (2 * (size_t)j + 1) * cki_key_half(key, ctx);

        cki_expand_limb(a + (size_t)t * ctx->n, key->seed, 1 + (uint64_t)j,
                    cki_key_prime(key, ctx, t), ctx);
    }
}

/* X -> X^(1/g) centred, X -> X^g uncentred.  The odd numbers mod 2N, and those
 * that are 1 mod 4 mod 4N, have orders that divide the number of slots. */
static void secret_perm(uint32_t *perm, const cki_key *key,
                        const ckks_ctx *ctx)
{
    uint64_t g = key->galois, inv = 1, mask = ctx->rns.order - 1;

    for (uint64_t e = ctx->slots - 1, b = g; e > 0; e >>= 1, b = b * b & mask)
        if (e & 1)
            inv = inv * b & mask;
    cki_galois_perm(perm, ctx->log_n, ctx->rns.order,
                    (uint32_t)(ctx->uncentred ? g : inv));
}

/* What making a key works with: its permutation, the errors of all digits, and
 * for each thread two limbs: a secret and an error. */
typedef struct maker {
    const ckks_sk *sk;
    int threads, digits;
    uint64_t *limb;             /* shape (threads, 2, N)                     */
    uint32_t *perm;             /* shape (N)                                 */
    int8_t   *error;            /* shape (digits, N)                         */
    size_t    size;             /* bytes of the one allocation               */
} maker;

static ckks_status maker_init(maker *w, const ckks_sk *sk)
{
    const ckks_ctx *ctx = sk->ctx;
    const size_t n = ctx->n;

    *w = (maker){ .sk = sk, .threads = cki_threads(),
                  .digits = (ctx->num_primes - 1) / ctx->alpha + 1 };
    w->size = n * (2 * (size_t)w->threads * sizeof *w->limb + sizeof *w->perm
                   + (size_t)w->digits);
    w->limb = cki_alloc(&ctx->memory, w->size);
    if (w->limb == NULL)
        return cki_fail(CKKS_EMEM, "ckks_keys_init: no memory for %zu bytes",
                        w->size);
    w->perm = (uint32_t *)(void *)(w->limb + 2 * (size_t)w->threads * n);
    w->error = (int8_t *)(w->perm + n);
    return CKKS_OK;
}

static void maker_clear(maker *w, const ckks_ctx *ctx)
{
    if (w->limb != NULL)
        cki_wipe(w->limb, w->size);
    cki_free(&ctx->memory, w->limb, w->size);
}

/* Limb t of all digits of a key; work: two limbs.  The key's own secret is the
 * one it will be used under, `from` the one it replaces. */
static void key_limbs(cki_key *key, int t, const maker *w, uint64_t *work)
{
    const ckks_ctx *ctx = w->sk->ctx;
    const cki_kernel *k = ctx->rns.kernel;
    const size_t n = ctx->n, half = cki_key_half(key, ctx);
    const int prime = cki_key_prime(key, ctx, t);
    const uint64_t *s = w->sk->limb + (size_t)prime * n, *own = s;
    cki_summand from = { s, NULL };

    if (key->kind == CKKS_KEY_RELIN)
        k->mul(work, s, s, n, &ctx->rns.mod[prime]);
    else
        k->permute(work, s, w->perm, n);
    if (key->kind == CKKS_KEY_RELIN || ctx->uncentred)
        from.x = work;
    else
        own = work;
    for (int j = 0; j < key->digits; j++) {
        const bool mine = prime < ctx->num_primes && prime / ctx->alpha == j;
        uint64_t *b = key->limb + 2 * (size_t)j * half + (size_t)t * n;

        cki_expand_limb(b + half, key->seed, 1 + (uint64_t)j, prime, ctx);
        cki_hide_limb(b, b + half, own, w->error + (size_t)j * n,
                      mine ? &from : NULL,
                      mine ? ctx->rns.p_mod[ctx->num_special][prime] : 0,
                      work + n, prime, ctx);
    }
}

static void key_fill(cki_key *key, ckks_rng *rng, const maker *w)
{
    const ckks_ctx *ctx = w->sk->ctx;

    cki_draw_seed(key->seed, ctx, rng);
    for (int j = 0; j < key->digits; j++)
        cki_draw_error(w->error + (size_t)j * ctx->n, ctx, rng);
    if (key->kind != CKKS_KEY_RELIN)
        secret_perm(w->perm, key, ctx);
    CKI_PARALLEL_OF(w->threads)
    for (int t = 0; t < key->level + 1 + ctx->num_special; t++) {
        CKI_NEAREST;
        key_limbs(key, t, w, w->limb + 2 * (size_t)cki_thread() * ctx->n);
    }
}

static ckks_status keys_check(const ckks_keys *const *out, const ckks_rng *rng,
                              const ckks_sk *sk,
                              const ckks_key_request *request, size_t n)
{
    ckks_status s = cki_check_rng(rng, "ckks_keys_init");

    if (s != CKKS_OK)
        return s;
    if (out == NULL || sk == NULL || (request == NULL && n > 0))
        return cki_fail(CKKS_EARG, "ckks_keys_init: null pointer");
    if (n > sk->ctx->slots + 1)
        return cki_fail(CKKS_EARG, "ckks_keys_init: %zu keys; a context has "
                        "no more than %zu", n, sk->ctx->slots + 1);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (request[i].kind == request[j].kind
                && (request[i].kind != CKKS_KEY_ROTATE
                    || normal_step(sk->ctx, request[i].step)
                           == normal_step(sk->ctx, request[j].step)))
                return cki_fail(CKKS_EARG, "ckks_keys_init: requests %zu and "
                                "%zu ask for the same key", j, i);
    return CKKS_OK;
}

ckks_status ckks_keys_init(ckks_keys **out, ckks_rng *rng, const ckks_sk *sk,
                           const ckks_key_request *request, size_t n)
{
    CKI_NEAREST;
    ckks_keys *keys = NULL;
    const ckks_ctx *ctx;
    maker w = { 0 };
    ckks_status s = keys_check((const ckks_keys *const *)out, rng, sk,
                               request, n);

    if (s == CKKS_OK)
        s = cki_keys_new(&keys, sk->ctx, n, "ckks_keys_init");
    if (s != CKKS_OK)
        return s;
    ctx = sk->ctx;
    s = maker_init(&w, sk);
    for (size_t i = 0; i < n && s == CKKS_OK; i++)
        s = cki_key_new(&keys->key[i], ctx, request[i].kind, request[i].step,
                        request[i].level, "ckks_keys_init");
    if (s == CKKS_OK)
        s = cki_rng_begin(rng, "ckks_keys_init");
    for (size_t i = 0; i < n && s == CKKS_OK; i++)
        key_fill(&keys->key[i], rng, &w);
    maker_clear(&w, ctx);
    if (s != CKKS_OK) {
        ckks_keys_clear(&keys);
        return s;
    }
    ckks_keys_clear(out);
    *out = keys;
    return CKKS_OK;
}

void ckks_keys_clear(ckks_keys **keys)
{
    const ckks_ctx *ctx;

    if (keys == NULL || *keys == NULL)
        return;
    ctx = (*keys)->ctx;
    for (size_t i = 0; i < (*keys)->count; i++) {
        cki_key *key = &(*keys)->key[i];

        cki_free(&ctx->memory, key->limb, key_bytes(key, ctx));
        cki_free(&ctx->memory, key->perm, 2 * ctx->n * sizeof *key->perm);
    }
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
        step = normal_step(keys->ctx, step);
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

    return key == NULL ? -1 : key->level;
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
    if (key->level < level)
        return cki_fail(CKKS_EKEY, "%s: the %s %d is for level %d and below; "
                        "the ciphertext has level %d", name, what[kind], step,
                        key->level, level);
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
