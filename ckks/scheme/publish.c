/* publish.c -- decryption of what others will see: noise over the error.
 *
 * Read first: decrypt.c, docs/security.md.
 */
#include <math.h>

#include "scheme/key.h"

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
    if (out == NULL || sk == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    s = cki_check_rng(rng, name);
    if (s != CKKS_OK)
        return s;
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
    s = cki_decrypt(&made, ct, sk, name);
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
