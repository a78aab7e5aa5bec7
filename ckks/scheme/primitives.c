/* primitives.c -- single steps on the caller's words, for teaching and
 * for checking one library against another.
 *
 * Read first: docs/conventions.md.
 */
#include <math.h>
#include <string.h>

#include "ckks_primitives.h"
#include "scheme/check.h"
#include "scheme/keyswitch.h"

ckks_status ckks_ntt(uint64_t *x, const ckks_ctx *ctx, int prime)
{
    CKI_NEAREST;
    ckks_status s = cki_check_limb(x, ctx, prime, "ckks_ntt");

    if (s == CKKS_OK)
        cki_ntt_fwd(&ctx->rns, x, prime);
    return s;
}

ckks_status ckks_ntt_inverse(uint64_t *x, const ckks_ctx *ctx, int prime)
{
    CKI_NEAREST;
    ckks_status s = cki_check_limb(x, ctx, prime, "ckks_ntt_inverse");

    if (s == CKKS_OK)
        cki_ntt_inv(&ctx->rns, x, x, prime);
    return s;
}

/* ---- automorphisms ------------------------------------------------------ */

uint64_t ckks_galois(const ckks_ctx *ctx, int step)
{
    return ctx == NULL ? 0 : cki_galois_element(ctx, step);
}

ckks_status ckks_automorphism(uint64_t *out, const uint64_t *x,
                              const ckks_ctx *ctx, int prime, uint64_t galois)
{
    CKI_NEAREST;
    const char *name = "ckks_automorphism";
    ckks_status s = cki_check_limb(x, ctx, prime, name);
    uint32_t *perm;
    uint64_t *copy;
    size_t size;

    if (s == CKKS_OK && out == NULL)
        s = cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (s != CKKS_OK)
        return s;
    if (galois % (ctx->real ? 4 : 2) != 1 || galois >= ctx->rns.order)
        return cki_fail(CKKS_EARG, "%s: Galois element %llu is not %s and "
                        "below %zu", name, (unsigned long long)galois,
                        ctx->real ? "1 mod 4" : "odd", ctx->rns.order);
    size = ctx->n * (sizeof *copy + sizeof *perm);
    copy = cki_alloc(&ctx->memory, size);
    if (copy == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name, size);
    perm = (uint32_t *)(void *)(copy + ctx->n);
    memcpy(copy, x, ctx->n * sizeof *copy);
    cki_galois_perm(perm, ctx->log_n, ctx->rns.order, (uint32_t)galois);
    ctx->rns.kernel->permute(out, copy, perm, ctx->n);
    cki_wipe(copy, size);
    cki_free(&ctx->memory, copy, size);
    return CKKS_OK;
}

/* ---- base conversion and division --------------------------------------- */

/* The number in the context of limb t of a polynomial over Q_l P. */
static int limb_prime(const ckks_ctx *ctx, int level, int t)
{
    return t <= level ? t : ctx->num_primes + t - level - 1;
}

static ckks_status check_level(const ckks_ctx *ctx, int level,
                               const char *name)
{
    if (ctx == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (ctx->num_special == 0)
        return cki_fail(CKKS_EPARAM, "%s: the context has no special primes",
                        name);
    if (level < 0 || level >= ctx->num_primes)
        return cki_fail(CKKS_ELEVEL, "%s: level %d outside 0..%d", name,
                        level, ctx->num_primes - 1);
    return CKKS_OK;
}

/* All limbs from number `first` to number `last` over Q_l P. */
static ckks_status check_limbs(const uint64_t *x, const ckks_ctx *ctx,
                               int level, int first, int last,
                               const char *name)
{
    ckks_status s = CKKS_OK;

    if (x == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    for (int t = first; t <= last && s == CKKS_OK; t++)
        s = cki_check_limb(x + (size_t)(t - first) * ctx->n, ctx,
                       limb_prime(ctx, level, t), name);
    return s;
}

ckks_status ckks_convert(uint64_t *out, const uint64_t *x,
                         const ckks_ctx *ctx, int level, int source)
{
    CKI_NEAREST;
    const char *name = "ckks_convert";
    const cki_conv *c;
    uint64_t *y[CKI_MAX_ALL], *to[CKI_MAX_ALL], *copy, *v;
    int target[CKI_MAX_ALL], first, last, limbs, count = 0;
    size_t n, size;
    ckks_status s = check_level(ctx, level, name);

    if (s != CKKS_OK)
        return s;
    n = ctx->n;
    limbs = level + 1 + ctx->rns.specials[level];
    first = source * ctx->alpha;
    last = first + ctx->alpha - 1 < level ? first + ctx->alpha - 1 : level;
    if (source == CKKS_SOURCE_SPECIAL) {
        first = level + 1;
        last = limbs - 1;
    } else if (source < 0 || source > level / ctx->alpha) {
        return cki_fail(CKKS_EARG, "%s: source %d is no digit of 0..%d and "
                        "not the special primes", name, source,
                        level / ctx->alpha);
    }
    s = out == NULL ? cki_fail(CKKS_EARG, "%s: null pointer", name)
                    : check_limbs(x, ctx, level, first, last, name);
    if (s != CKKS_OK)
        return s;
    size = (size_t)(last - first + 2) * n * sizeof *copy;
    copy = cki_alloc(&ctx->memory, size);
    if (copy == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name, size);
    v = copy + (size_t)(last - first + 1) * n;
    c = source == CKKS_SOURCE_SPECIAL ? ctx->rns.down[ctx->rns.specials[level]]
                                      : ctx->rns.digit[last];
    memcpy(copy, x, size - n * sizeof *copy);
    for (int t = 0; t < limbs; t++)
        if (t >= first && t <= last) {
            y[t - first] = copy + (size_t)(t - first) * n;
            memcpy(out + (size_t)t * n, y[t - first], n * sizeof *out);
            ctx->rns.kernel->scale_add(
                y[t - first], y[t - first], c->inv[t - first], NULL, n,
                &ctx->rns.mod[limb_prime(ctx, level, t)]);
        } else {
            target[count] = limb_prime(ctx, level, t);
            to[count++] = out + (size_t)t * n;
        }
    ctx->rns.kernel->convert_begin(
        y, v, c, source == CKKS_SOURCE_SPECIAL || !ctx->uncentred, n);
    ctx->rns.kernel->convert_end(to, target, count,
                                 (const uint64_t *const *)y, v, c, false, n);
    cki_wipe(copy, size);
    cki_free(&ctx->memory, copy, size);
    return CKKS_OK;
}

ckks_status ckks_mod_down(uint64_t *out, const uint64_t *x,
                          const ckks_ctx *ctx, int level, int rescale)
{
    CKI_NEAREST;
    const char *name = "ckks_mod_down";
    uint64_t *copy, *work;
    size_t words, size;
    ckks_status s = check_level(ctx, level, name);

    if (s == CKKS_OK && rescale && level == 0)
        s = cki_fail(CKKS_ELEVEL, "%s: level 0, no prime left to divide by",
                     name);
    if (s == CKKS_OK && out == NULL)
        s = cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (s == CKKS_OK)
        s = check_limbs(x, ctx, level, 0, level + ctx->rns.specials[level],
                        name);
    if (s != CKKS_OK)
        return s;
    words = (size_t)(level + 1 + ctx->rns.specials[level]) * ctx->n;
    size = (words + (1 + CKI_GROUP) * ctx->n) * sizeof *copy;
    copy = cki_alloc(&ctx->memory, size);
    if (copy == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name, size);
    work = copy + words;
    memcpy(copy, x, words * sizeof *copy);
    if (rescale)
        cki_mod_down_rescale(out, copy, level, &ctx->rns, work);
    else
        cki_mod_down(out, copy, level, &ctx->rns, work);
    cki_wipe(copy, size);
    cki_free(&ctx->memory, copy, size);
    return CKKS_OK;
}

ckks_status ckks_key_product(uint64_t *out, const uint64_t *x, int level,
                             const ckks_keys *keys, ckks_key_kind kind,
                             int step)
{
    CKI_NEAREST;
    const char *name = "ckks_key_product";
    const cki_key *key = NULL;
    const ckks_ctx *ctx;
    ckks_status s;

    if (out == NULL || keys == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (kind != CKKS_KEY_RELIN && kind != CKKS_KEY_ROTATE
        && kind != CKKS_KEY_CONJ)
        return cki_fail(CKKS_EARG, "%s: key kind %d, not 0..2", name,
                        (int)kind);
    ctx = keys->ctx;
    s = check_level(ctx, level, name);
    if (s == CKKS_OK)
        s = cki_find_key(&key, keys, kind, step, level, name);
    if (s == CKKS_OK)
        s = check_limbs(x, ctx, level, 0, level, name);
    return s == CKKS_OK ? cki_switch_product(out, x, key, ctx, level, name)
                        : s;
}

/* ---- streams and samplers ----------------------------------------------- */

static ckks_status stream_start(cki_stream *s, const void *out,
                                const uint8_t *seed, uint64_t a, uint64_t b,
                                const char *name)
{
    if (out == NULL || seed == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    cki_stream_init(s, &cki_kernel_portable, seed, CKKS_SEED_BYTES, a, b);
    return CKKS_OK;
}

ckks_status ckks_stream(uint8_t *out, size_t size, const uint8_t *seed,
                        uint64_t a, uint64_t b)
{
    cki_stream st;
    ckks_status s = stream_start(&st, out, seed, a, b, "ckks_stream");

    if (s != CKKS_OK)
        return s;
    cki_stream_read(&st, out, size);
    cki_wipe(&st, sizeof st);
    return CKKS_OK;
}

ckks_status ckks_sample_uniform(uint64_t *out, size_t n, uint64_t p,
                                const uint8_t *seed, uint64_t a, uint64_t b)
{
    cki_stream st;
    ckks_status s;

    if (p < 2 || p >> CKKS_MAX_BITS != 0)
        return cki_fail(CKKS_EARG, "ckks_sample_uniform: modulus %llu, not "
                        "2..2^%d - 1", (unsigned long long)p, CKKS_MAX_BITS);
    s = stream_start(&st, out, seed, a, b, "ckks_sample_uniform");
    if (s != CKKS_OK)
        return s;
    cki_sample_uniform(out, n, p, &st);
    cki_wipe(&st, sizeof st);
    return CKKS_OK;
}

ckks_status ckks_sample_ternary(int8_t *out, size_t n, const uint8_t *seed,
                                uint64_t a, uint64_t b)
{
    cki_stream st;
    ckks_status s = stream_start(&st, out, seed, a, b, "ckks_sample_ternary");

    if (s != CKKS_OK)
        return s;
    cki_sample_ternary(out, n, &st);
    cki_wipe(&st, sizeof st);
    return CKKS_OK;
}

ckks_status ckks_sample_error(int8_t *out, size_t n, const uint8_t *seed,
                              uint64_t a, uint64_t b)
{
    cki_stream st;
    ckks_status s = stream_start(&st, out, seed, a, b, "ckks_sample_error");

    if (s != CKKS_OK)
        return s;
    cki_sample_error(out, n, &st);
    cki_wipe(&st, sizeof st);
    return CKKS_OK;
}

/* ---- coefficients ------------------------------------------------------- */

/* Coefficients must stay below Q_level / 2, as those of the encoder: with
 * more than 63 bits of modulus every number does. */
static ckks_status check_coefficients(const int64_t *c, const ckks_ctx *ctx,
                                      int level, const char *name)
{
    uint64_t half = ctx->rns.mod[0].p / 2;

    for (size_t k = 0; k < ctx->n; k++) {
        uint64_t size = c[k] < 0 ? -(uint64_t)c[k] : (uint64_t)c[k];

        if (level == 0 ? size > half
                       : log2((double)size + 1) + 1 > ctx->log_q[level])
            return cki_fail(CKKS_ESCALE, "%s: coefficient %zu is %lld; at "
                            "level %d they stay below 2^%.2f", name, k,
                            (long long)c[k], level, ctx->log_q[level] - 1);
    }
    return CKKS_OK;
}

ckks_status ckks_encode_integers(ckks_pt *out, const ckks_ctx *ctx,
                                 const int64_t *c, int level, double scale)
{
    CKI_NEAREST;
    CKI_PIN(scale);
    const char *name = "ckks_encode_integers";
    ckks_pt made;
    ckks_status s;

    if (out == NULL || ctx == NULL || c == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (level < 0 || level >= ctx->num_primes)
        return cki_fail(CKKS_ELEVEL, "%s: level %d outside 0..%d", name,
                        level, ctx->num_primes - 1);
    if (!isfinite(scale) || scale < 1)
        return cki_fail(CKKS_ESCALE, "%s: scale %g", name, scale);
    s = cki_check_scale_room(ctx, level, scale, name);
    if (s == CKKS_OK)
        s = check_coefficients(c, ctx, level, name);
    if (s == CKKS_OK)
        s = cki_pt_new(&made, ctx, level, scale, name);
    if (s != CKKS_OK)
        return s;
    for (int i = 0; i <= level; i++) {
        uint64_t *limb = cki_pt_limb(&made, i);

        for (size_t k = 0; k < ctx->n; k++)
            limb[k] = cki_from_signed(c[k], &ctx->rns.mod[i]);
        cki_ntt_fwd(&ctx->rns, limb, i);
    }
    cki_pt_give(out, &made);
    return CKKS_OK;
}
