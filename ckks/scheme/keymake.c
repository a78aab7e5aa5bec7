/* keymake.c -- how evaluation keys are made.
 *
 * Read first: key.h, docs/07-key-switching.md, docs/conventions.md.  All keys
 * at once here; one at a time, straight into bytes, in bytes/keys_maker.c.
 */
#include "scheme/key.h"

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

ckks_status cki_making_init(cki_making *w, const ckks_sk *sk, size_t limbs,
                            const char *name)
{
    const ckks_ctx *ctx = sk->ctx;
    const size_t n = ctx->n;

    const int most = ctx->num_primes + ctx->num_special;

    *w = (cki_making){ .sk = sk, .threads = cki_threads(), .limbs = limbs,
                       .digits = (ctx->num_primes - 1) / ctx->alpha + 1 };
    if (w->threads > most)              /* a limb has one thread             */
        w->threads = most;
    w->size = n * (limbs * (size_t)w->threads * sizeof *w->limb
                   + sizeof *w->perm + (size_t)w->digits);
    w->limb = cki_alloc(&ctx->memory, w->size);
    if (w->limb == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name,
                        w->size);
    w->perm = (uint32_t *)(void *)(w->limb + limbs * (size_t)w->threads * n);
    w->error = (int8_t *)(w->perm + n);
    return CKKS_OK;
}

void cki_making_clear(cki_making *w)
{
    if (w->limb == NULL)
        return;
    cki_wipe(w->limb, w->size);
    cki_free(&w->sk->ctx->memory, w->limb, w->size);
    w->limb = NULL;
}

uint64_t *cki_making_limb(const cki_making *w, int i)
{
    return w->limb
           + (w->limbs * (size_t)cki_thread() + (size_t)i) * w->sk->ctx->n;
}

void cki_making_draw(cki_key *key, cki_making *w, ckks_rng *rng)
{
    const ckks_ctx *ctx = w->sk->ctx;

    cki_draw_seed(key->seed, ctx, rng);
    for (int j = 0; j < key->digits; j++)
        cki_draw_error(w->error + (size_t)j * ctx->n, ctx, rng);
    if (key->kind != CKKS_KEY_RELIN)
        secret_perm(w->perm, key, ctx);
}

cki_secrets cki_making_secrets(const cki_key *key, int t, const cki_making *w)
{
    const ckks_ctx *ctx = w->sk->ctx;
    const cki_kernel *k = ctx->rns.kernel;
    const int prime = cki_key_prime(key, ctx, t);
    const uint64_t *s = w->sk->limb + (size_t)prime * ctx->n;
    uint64_t *work = cki_making_limb(w, 0);
    cki_secrets out = { .prime = prime, .own = s, .from = { s, NULL } };

    if (key->kind == CKKS_KEY_RELIN)
        k->mul(work, s, s, ctx->n, &ctx->rns.mod[prime]);
    else
        k->permute(work, s, w->perm, ctx->n);
    if (key->kind == CKKS_KEY_RELIN || ctx->uncentred)
        out.from.x = work;
    else
        out.own = work;
    return out;
}

void cki_making_put(uint64_t *b, uint64_t *a, const cki_key *key, int j,
                    const cki_secrets *s, const cki_making *w)
{
    const ckks_ctx *ctx = w->sk->ctx;
    const int prime = s->prime;
    const bool mine = prime < ctx->num_primes && prime / ctx->alpha == j;

    cki_expand_limb(a, key->seed, 1 + (uint64_t)j, prime, ctx);
    cki_hide_limb(b, a, s->own, w->error + (size_t)j * ctx->n,
                  mine ? &s->from : NULL,
                  mine ? ctx->rns.p_mod[ctx->num_special][prime] : 0,
                  cki_making_limb(w, 1), prime, ctx);
}

/* Limbs of a thread: two of the making, and two halves. */
enum { LIMBS = 4 };

/* Draws a key and fills both its halves. */
static void key_fill(cki_key *key, ckks_rng *rng, cki_making *w)
{
    const ckks_ctx *ctx = w->sk->ctx;

    cki_making_draw(key, w, rng);
    CKI_PARALLEL_OF(w->threads)
    for (int t = 0; t < key->level + 1 + ctx->num_special; t++) {
        CKI_NEAREST;
        const cki_secrets s = cki_making_secrets(key, t, w);
        uint64_t *b = cki_making_limb(w, 2), *a = cki_making_limb(w, 3);

        for (int j = 0; j < key->digits; j++) {
            cki_making_put(b, a, key, j, &s, w);
            cki_key_put(key, ctx, j, 0, t, b);
            cki_key_put(key, ctx, j, 1, t, a);
        }
    }
}

ckks_status cki_making_check(const void *out, const ckks_rng *rng,
                             const ckks_sk *sk,
                             const ckks_key_request *request, size_t n,
                             const char *name)
{
    ckks_status s = cki_check_rng(rng, name);

    if (s != CKKS_OK)
        return s;
    if (out == NULL || sk == NULL || (request == NULL && n > 0))
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (n > sk->ctx->slots + 1)
        return cki_fail(CKKS_EARG, "%s: %zu keys; a context has no more than "
                        "%zu", name, n, sk->ctx->slots + 1);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (request[i].kind == request[j].kind
                && (request[i].kind != CKKS_KEY_ROTATE
                    || cki_normal_step(sk->ctx, request[i].step)
                           == cki_normal_step(sk->ctx, request[j].step)))
                return cki_fail(CKKS_EARG, "%s: requests %zu and %zu ask for "
                                "the same key", name, j, i);
    return CKKS_OK;
}

ckks_status ckks_keys_init(ckks_keys **out, ckks_rng *rng, const ckks_sk *sk,
                           const ckks_key_request *request, size_t n)
{
    CKI_NEAREST;
    static const char name[] = "ckks_keys_init";
    ckks_keys *keys = NULL;
    cki_making w = { 0 };
    ckks_status s = cki_making_check(out, rng, sk, request, n, name);

    if (s == CKKS_OK)
        s = cki_keys_new(&keys, sk->ctx, n, name);
    if (s != CKKS_OK)
        return s;
    s = cki_making_init(&w, sk, LIMBS, name);
    for (size_t i = 0; i < n && s == CKKS_OK; i++)
        s = cki_key_new(&keys->key[i], sk->ctx, request[i].kind,
                        request[i].step, request[i].level, name);
    if (s == CKKS_OK)
        s = cki_rng_begin(rng, name);
    for (size_t i = 0; i < n && s == CKKS_OK; i++)
        key_fill(&keys->key[i], rng, &w);
    cki_making_clear(&w);
    if (s != CKKS_OK) {
        ckks_keys_clear(&keys);
        return s;
    }
    ckks_keys_clear(out);
    *out = keys;
    return CKKS_OK;
}
