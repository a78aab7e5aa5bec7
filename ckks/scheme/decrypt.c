/* decrypt.c -- decryption, for who has the key and keeps what comes out.
 *
 * Read first: docs/05-encryption.md, docs/security.md.
 */
#include "scheme/key.h"

ckks_status cki_decrypt(ckks_pt *out, const ckks_ct *ct, const ckks_sk *sk,
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
    s = cki_pt_over(&made, out, ctx, ct->level, ct->scale, name);
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
    return cki_decrypt(out, ct, sk, "ckks_decrypt");
}
