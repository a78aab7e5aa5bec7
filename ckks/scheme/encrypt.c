/* encrypt.c -- encryption, with the secret key or the public one.
 *
 * Read first: docs/05-encryption.md, docs/security.md.
 */
#include "scheme/key.h"

static ckks_status check_inputs(const ckks_ct *out, const ckks_rng *rng,
                                const ckks_pt *pt, const void *key,
                                const ckks_ctx *key_ctx, const char *name)
{
    ckks_status s = cki_check_pt(pt, name);

    if (s != CKKS_OK)
        return s;
    if (out == NULL || key == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    s = cki_check_rng(rng, name);
    if (s != CKKS_OK)
        return s;
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
    s = cki_ct_over(&made, out, NULL, NULL, ctx, 1, pt->level, pt->scale,
                    "ckks_encrypt_sk");
    if (s != CKKS_OK)
        return s;
    work = cki_alloc(&ctx->memory, size);
    if (work == NULL) {
        cki_ct_leave(&made, out);
        return cki_fail(CKKS_EMEM, "ckks_encrypt_sk: no memory for %zu bytes",
                        size);
    }
    s = cki_rng_begin(rng, "ckks_encrypt_sk");
    if (s != CKKS_OK) {
        cki_free(&ctx->memory, work, size);
        cki_ct_leave(&made, out);
        return s;
    }
    e = (int8_t *)(work + ctx->n);
    cki_rng_stream(&st, ctx->rns.kernel, rng);
    cki_stream_read(&st, made.seed, CKKS_SEED_BYTES);
    made.seeded = 1;
    cki_rng_stream(&st, ctx->rns.kernel, rng);
    cki_sample_error(e, ctx->n, &st);
    for (int i = 0; i <= pt->level; i++) {
        const cki_summand m = { cki_pt_limb(pt, i), NULL };
        uint64_t *c1 = cki_ct_limb(&made, 1, i);

        cki_expand_limb(c1, made.seed, 0, i, ctx);
        cki_hide_limb(cki_ct_limb(&made, 0, i), c1,
                      sk->limb + (size_t)i * ctx->n, e, &m, 1, work, i, ctx);
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

        cki_from_small(&ctx->rns, noise, e, prime);
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
    s = cki_ct_over(&made, out, NULL, NULL, ctx, 1, pt->level, pt->scale,
                    "ckks_encrypt");
    if (s != CKKS_OK)
        return s;
    u = cki_alloc(&ctx->memory, size);
    if (u == NULL) {
        cki_ct_leave(&made, out);
        return cki_fail(CKKS_EMEM, "ckks_encrypt: no memory for %zu bytes",
                        size);
    }
    s = cki_rng_begin(rng, "ckks_encrypt");
    if (s != CKKS_OK) {
        cki_free(&ctx->memory, u, size);
        cki_ct_leave(&made, out);
        return s;
    }
    work = u + count * ctx->n;
    small = (int8_t *)(work + (count + 2 + CKI_GROUP) * ctx->n);
    cki_rng_stream(&st, ctx->rns.kernel, rng);
    cki_sample_ternary(small, ctx->n, &st);
    for (int t = 0; t < (int)count; t++) {
        int prime = t <= pt->level ? t : ctx->num_primes + t - pt->level - 1;

        uint64_t *limb = u + (size_t)t * ctx->n;

        cki_from_small(&ctx->rns, limb, small, prime);
        cki_ntt_fwd(&ctx->rns, limb, prime);
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
