/* encrypt.c -- encryption and decryption.
 *
 * Read first: docs/05-encryption.md, docs/security.md.
 */
#include <math.h>
#include <string.h>

#include "scheme/key.h"

static ckks_status check_inputs(const ckks_ct *out, const ckks_rng *rng,
                                const ckks_pt *pt, const void *key,
                                const ckks_ctx *key_ctx, const char *name)
{
    ckks_status s = cki_check_pt(pt, name);

    if (s != CKKS_OK)
        return s;
    if (out == NULL || rng == NULL || key == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (!rng->ready)
        return cki_fail(CKKS_ERNG, "%s: a generator that was never "
                        "initialised", name);
    if (pt->ctx != key_ctx)
        return cki_fail(CKKS_ECTX, "%s: plaintext and key come from different "
                        "contexts", name);
    return CKKS_OK;
}

ckks_status ckks_encrypt_sk(ckks_ct *out, ckks_rng *rng, const ckks_pt *pt,
                            const ckks_sk *sk)
{
    CKI_NEAREST;
    ckks_ct made;
    cki_stream st;
    const ckks_ctx *ctx;
    uint64_t *work;
    int8_t *e;
    size_t size;
    ckks_status s = check_inputs(out, rng, pt, sk, sk ? sk->ctx : NULL,
                                 "ckks_encrypt_sk");

    if (s != CKKS_OK)
        return s;
    ctx = pt->ctx;
    size = ctx->n * (sizeof *work + 1);
    s = cki_ct_new(&made, ctx, 1, pt->level, pt->scale, "ckks_encrypt_sk");
    if (s != CKKS_OK)
        return s;
    work = cki_alloc(&ctx->memory, size);
    if (work == NULL) {
        ckks_ct_clear(&made);
        return cki_fail(CKKS_EMEM, "ckks_encrypt_sk: no memory for %zu bytes",
                        size);
    }
    s = cki_rng_begin(rng, "ckks_encrypt_sk");
    if (s != CKKS_OK) {
        cki_free(&ctx->memory, work, size);
        ckks_ct_clear(&made);
        return s;
    }
    e = (int8_t *)(work + ctx->n);
    cki_rng_stream(&st, ctx->rns.kernel, rng);
    cki_stream_read(&st, made.seed, CKKS_SEED_BYTES);
    made.seeded = 1;
    cki_ct_expand(&made);
    cki_rng_stream(&st, ctx->rns.kernel, rng);
    cki_sample_error(e, ctx->n, &st);
    for (int i = 0; i <= pt->level; i++) {
        const cki_mod *m = &ctx->rns.mod[i];
        const cki_kernel *k = ctx->rns.kernel;
        uint64_t *c0 = cki_ct_limb(&made, 0, i);

        cki_from_small(work, e, ctx->n, m);
        cki_ntt_fwd(&ctx->rns, work, i);
        k->add(work, work, cki_pt_limb(pt, i), ctx->n, m);
        k->mul(c0, cki_ct_limb(&made, 1, i), sk->limb + (size_t)i * ctx->n,
               ctx->n, m);
        k->sub(c0, work, c0, ctx->n, m);
    }
    cki_wipe(&st, sizeof st);
    cki_wipe(work, size);
    cki_free(&ctx->memory, work, size);
    cki_ct_give(out, &made);
    return CKKS_OK;
}

/* Part k of an encryption of 0: mod-down of u pk_k + e.  u: NTT form over
 * level+1+K limbs; work: level+1+K and 2 + CKI_GROUP limbs. */
static void public_part(uint64_t *out, const uint64_t *u, const int8_t *e,
                        const ckks_pk *pk, int k, int level, uint64_t *work)
{
    const ckks_ctx *ctx = pk->ctx;
    const size_t n = ctx->n;
    const int count = level + 1 + ctx->rns.specials[level];
    const int all = ctx->num_primes + ctx->num_special;
    uint64_t *noise = work, *sum = work + n, *rest = sum + (size_t)count * n;

    for (int t = 0; t < count; t++) {
        int prime = t <= level ? t : ctx->num_primes + t - level - 1;
        const cki_mod *m = &ctx->rns.mod[prime];

        cki_from_small(noise, e, n, m);
        cki_ntt_fwd(&ctx->rns, noise, prime);
        ctx->rns.kernel->mul_add(sum + (size_t)t * n, u + (size_t)t * n,
                                 pk->limb + (size_t)(k * all + prime) * n,
                                 noise, n, m);
    }
    cki_mod_down(out, sum, level, &ctx->rns, rest);
}

ckks_status ckks_encrypt(ckks_ct *out, ckks_rng *rng, const ckks_pt *pt,
                         const ckks_pk *pk)
{
    CKI_NEAREST;
    ckks_ct made;
    cki_stream st;
    const ckks_ctx *ctx;
    uint64_t *u, *work;
    int8_t *small;
    size_t count, size;
    ckks_status s = check_inputs(out, rng, pt, pk, pk ? pk->ctx : NULL,
                                 "ckks_encrypt");

    if (s != CKKS_OK)
        return s;
    ctx = pt->ctx;
    if (ctx->num_special == 0)
        return cki_fail(CKKS_EPARAM, "ckks_encrypt: the context has no special "
                        "primes; use ckks_encrypt_sk");
    count = (size_t)(pt->level + 1 + ctx->rns.specials[pt->level]);
    size = ctx->n * ((2 * count + 2 + CKI_GROUP) * sizeof *u + 1);
    s = cki_ct_new(&made, ctx, 1, pt->level, pt->scale, "ckks_encrypt");
    if (s != CKKS_OK)
        return s;
    u = cki_alloc(&ctx->memory, size);
    if (u == NULL) {
        ckks_ct_clear(&made);
        return cki_fail(CKKS_EMEM, "ckks_encrypt: no memory for %zu bytes",
                        size);
    }
    s = cki_rng_begin(rng, "ckks_encrypt");
    if (s != CKKS_OK) {
        cki_free(&ctx->memory, u, size);
        ckks_ct_clear(&made);
        return s;
    }
    work = u + count * ctx->n;
    small = (int8_t *)(work + (count + 2 + CKI_GROUP) * ctx->n);
    cki_rng_stream(&st, ctx->rns.kernel, rng);
    cki_sample_ternary(small, ctx->n, &st);
    for (int t = 0; t < (int)count; t++) {
        int prime = t <= pt->level ? t : ctx->num_primes + t - pt->level - 1;

        cki_from_small(u + (size_t)t * ctx->n, small, ctx->n,
                       &ctx->rns.mod[prime]);
        cki_ntt_fwd(&ctx->rns, u + (size_t)t * ctx->n, prime);
    }
    for (int k = 0; k < 2; k++) {
        cki_rng_stream(&st, ctx->rns.kernel, rng);
        cki_sample_error(small, ctx->n, &st);
        public_part(cki_ct_limb(&made, k, 0), u, small, pk, k, pt->level,
                    work);
    }
    for (int i = 0; i <= pt->level; i++) {
        uint64_t *c0 = cki_ct_limb(&made, 0, i);

        ctx->rns.kernel->add(c0, c0, cki_pt_limb(pt, i), ctx->n,
                             &ctx->rns.mod[i]);
    }
    cki_wipe(&st, sizeof st);
    cki_wipe(u, size);
    cki_free(&ctx->memory, u, size);
    cki_ct_give(out, &made);
    return CKKS_OK;
}

/* ---- decryption --------------------------------------------------------- */

static ckks_status decrypt(ckks_pt *out, const ckks_ct *ct, const ckks_sk *sk,
                           const char *name)
{
    CKI_NEAREST;
    const ckks_ctx *ctx;
    ckks_pt made;
    ckks_status s = cki_check_ct(ct, name);

    if (s != CKKS_OK)
        return s;
    if (out == NULL || sk == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (ct->ctx != sk->ctx)
        return cki_fail(CKKS_ECTX, "%s: ciphertext and key come from different "
                        "contexts", name);
    ctx = ct->ctx;
    s = cki_pt_new(&made, ctx, ct->level, ct->scale, name);
    if (s != CKKS_OK)
        return s;
    for (int i = 0; i <= ct->level; i++) {      /* Horner's rule in s        */
        uint64_t *m = cki_pt_limb(&made, i);
        const uint64_t *secret = sk->limb + (size_t)i * ctx->n;
        const uint64_t *sum = cki_ct_limb(ct, ct->degree, i);

        for (int k = ct->degree - 1; k >= 0; k--, sum = m)
            ctx->rns.kernel->mul_add(m, sum, secret, cki_ct_limb(ct, k, i),
                                     ctx->n, &ctx->rns.mod[i]);
    }
    cki_pt_give(out, &made);
    return CKKS_OK;
}

ckks_status ckks_decrypt(ckks_pt *out, const ckks_ct *ct, const ckks_sk *sk)
{
    return decrypt(out, ct, sk, "ckks_decrypt");
}

/* limb <- the words of x = hi 2^64 + lo, minus 2^w, modulo prime i, in NTT
 * form; x < 2^(w+1), w <= 100. */
static void flood_limb(uint64_t *limb, const uint64_t *x, int w, int i,
                       const ckks_ctx *ctx)
{
    const cki_mod *m = &ctx->rns.mod[i];
    const uint64_t middle = cki_pow(2, (uint64_t)w, m);

    for (size_t k = 0; k < ctx->n; k++)
        limb[k] = cki_sub(cki_reduce_any(x[2 * k + 1], x[2 * k], m), middle,
                          m->p);
    cki_ntt_fwd(&ctx->rns, limb, i);
}

static void draw_flood(uint64_t *x, int w, const ckks_ctx *ctx, ckks_rng *rng)
{
    cki_stream st;

    cki_rng_stream(&st, ctx->rns.kernel, rng);
    for (size_t k = 0; k < 2 * ctx->n; k++) {
        uint8_t b[8];
        int bits = k % 2 == 0 ? w + 1 : w + 1 - 64;

        cki_stream_read(&st, b, sizeof b);
        x[k] = 0;
        for (int i = 0; i < 8; i++)
            x[k] |= (uint64_t)b[i] << 8 * i;
        if (bits <= 0)
            x[k] = 0;
        else if (bits < 64)
            x[k] &= ((uint64_t)1 << bits) - 1;
    }
    cki_wipe(&st, sizeof st);
}

ckks_status ckks_decrypt_flooded(ckks_pt *out, ckks_rng *rng,
                                 const ckks_ct *ct, const ckks_sk *sk,
                                 double error_bits, int hiding_bits)
{
    CKI_NEAREST;
    CKI_PIN(error_bits);
    const char *name = "ckks_decrypt_flooded";
    const ckks_ctx *ctx;
    ckks_pt made = { 0 };
    uint64_t *x;
    size_t size;
    int w;
    ckks_status s = cki_check_ct(ct, name);

    if (s != CKKS_OK)
        return s;
    if (out == NULL || rng == NULL || sk == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (!rng->ready)
        return cki_fail(CKKS_ERNG, "%s: a generator that was never "
                        "initialised", name);
    if (!(error_bits >= 0 && error_bits <= 100) || hiding_bits < 20
        || hiding_bits > 100)
        return cki_fail(CKKS_EARG, "%s: error_bits %g not in 0..100 or "
                        "hiding_bits %d not in 20..100", name, error_bits,
                        hiding_bits);
    ctx = ct->ctx;
    w = (int)ceil(error_bits) + hiding_bits;
    if (w > 100 || w >= ctx->log_q[ct->level] - 2)
        return cki_fail(CKKS_ESCALE, "%s: noise of 2^%d leaves no room: at "
                        "level %d log2(Q) is %.1f, and 100 the most", name, w,
                        ct->level, ctx->log_q[ct->level]);
    size = 3 * ctx->n * sizeof *x;
    x = cki_alloc(&ctx->memory, size);
    if (x == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name, size);
    s = decrypt(&made, ct, sk, name);
    if (s == CKKS_OK)
        s = cki_rng_begin(rng, name);
    if (s == CKKS_OK) {
        draw_flood(x, w, ctx, rng);
        for (int i = 0; i <= ct->level; i++) {
            uint64_t *m = cki_pt_limb(&made, i);

            flood_limb(x + 2 * ctx->n, x, w, i, ctx);
            ctx->rns.kernel->add(m, m, x + 2 * ctx->n, ctx->n,
                                 &ctx->rns.mod[i]);
        }
        cki_pt_give(out, &made);
    }
    ckks_pt_clear(&made);
    cki_wipe(x, size);
    cki_free(&ctx->memory, x, size);
    return s;
}
