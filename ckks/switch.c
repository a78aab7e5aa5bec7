/* switch.c -- layer 7: mod-up and inner products.
 *
 * Read first: switch.h, docs/07-key-switching.md.
 */
#include "switch.h"

#include <string.h>

static bool in_digit(const cki_switch *w, int j, int t)
{
    return t <= w->level && t / w->ctx->alpha == j;
}

static uint64_t *digit_limb(const cki_switch *w, int j, int t)
{
    return w->digit + ((size_t)j * (size_t)w->limbs + (size_t)t) * w->ctx->n;
}

ckks_status cki_switch_init(cki_switch *w, const ckks_ctx *ctx, int level,
                             bool totals, const char *name)
{
    size_t pairs = totals ? 4 : 2, n = ctx->n, limbs;

    memset(w, 0, sizeof *w);
    w->ctx = ctx;
    w->level = level;
    w->limbs = level + 1 + ctx->num_special;
    w->digits = level / ctx->alpha + 1;
    limbs = (size_t)w->limbs;
    w->size = ((size_t)level + 1 + ((size_t)w->digits + pairs) * limbs) * n
              * sizeof(uint64_t);
    w->coeff = cki_alloc(&ctx->memory, w->size);
    if (w->coeff == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name,
                        w->size);
    w->digit = w->coeff + (size_t)(level + 1) * n;
    w->sum[0] = w->digit + (size_t)w->digits * limbs * n;
    w->sum[1] = w->sum[0] + limbs * n;
    if (totals) {
        w->total[0] = w->sum[1] + limbs * n;
        w->total[1] = w->total[0] + limbs * n;
    }
    return CKKS_OK;
}

void cki_switch_clear(cki_switch *w)
{
    cki_free(&w->ctx->memory, w->coeff, w->size);
}

void cki_mod_up(cki_switch *w, const uint64_t *x)
{
    const ckks_ctx *ctx = w->ctx;
    const size_t n = ctx->n;

    w->own = x;
    w->ready = false;
    memcpy(w->coeff, x, cki_words(ctx, w->level) * sizeof *x);
    CKI_PARALLEL
    for (int i = 0; i <= w->level; i++)
        cki_ntt_inv(&ctx->rns, w->coeff + (size_t)i * n, i);
    CKI_PARALLEL
    for (int j = 0; j < w->digits; j++) {
        int first = j * ctx->alpha, last = first + ctx->alpha - 1, count = 0;
        int target[CKI_MAX_ALL];
        uint64_t *out[CKI_MAX_ALL];
        const uint64_t *in[CKKS_MAX_PRIMES];

        if (last > w->level)
            last = w->level;
        for (int i = first; i <= last; i++)
            in[i - first] = w->coeff + (size_t)i * n;
        for (int t = 0; t < w->limbs; t++)
            if (!in_digit(w, j, t)) {
                target[count] = cki_switch_prime(w, t);
                out[count++] = digit_limb(w, j, t);
            }
        ctx->rns.kernel->convert(out, target, count, in, ctx->rns.digit[last],
                                 !ctx->uncentred, n);
    }
}

/* Prime outermost: the transforms of one prime share their table, and their
 * results are used while they are near. */
void cki_inner_products(cki_switch *w, const cki_key *key)
{
    const ckks_ctx *ctx = w->ctx;
    const size_t n = ctx->n, half = cki_key_half(key, ctx);

    CKI_PARALLEL
    for (int t = 0; t < w->limbs; t++) {
        const uint64_t *x[CKKS_MAX_PRIMES], *b[CKKS_MAX_PRIMES];
        const uint64_t *a[CKKS_MAX_PRIMES];
        size_t row = (size_t)(t <= w->level ? t : t - w->level + key->level);

        for (int j = 0; j < w->digits; j++) {
            uint64_t *d = digit_limb(w, j, t);

            if (!w->ready && !in_digit(w, j, t))
                cki_ntt_fwd(&ctx->rns, d, cki_switch_prime(w, t));
            x[j] = in_digit(w, j, t) ? w->own + (size_t)t * n : d;
            b[j] = key->limb + 2 * (size_t)j * half + row * n;
            a[j] = b[j] + half;
        }
        ctx->rns.kernel->dot2(w->sum[0] + (size_t)t * n,
                              w->sum[1] + (size_t)t * n, x, b, a, w->digits,
                              false, n, &ctx->rns.mod[cki_switch_prime(w, t)]);
    }
    w->ready = true;
}

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
