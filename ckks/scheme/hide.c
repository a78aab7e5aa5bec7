/* hide.c -- what keys and fresh ciphertexts are made of: seeds, errors, the
 * uniform halves, and b = e - a s.
 *
 * Read first: key.h, docs/05-encryption.md.
 */
#include "scheme/key.h"

void cki_draw_seed(uint8_t seed[CKKS_SEED_BYTES], const ckks_ctx *ctx,
                      ckks_rng *rng)
{
    cki_stream st;

    cki_rng_stream(&st, ctx->rns.kernel, rng);
    cki_stream_read(&st, seed, CKKS_SEED_BYTES);
    cki_wipe(&st, sizeof st);
}

void cki_draw_error(int8_t *e, const ckks_ctx *ctx, ckks_rng *rng)
{
    cki_stream st;

    cki_rng_stream(&st, ctx->rns.kernel, rng);
    cki_sample_error(e, ctx->n, &st);
    cki_wipe(&st, sizeof st);
}

void cki_expand_limb(uint64_t *out, const uint8_t *seed, uint64_t part,
                        int t, const ckks_ctx *ctx)
{
    cki_stream st;

    cki_stream_init(&st, ctx->rns.kernel, seed, CKKS_SEED_BYTES, part,
                    (uint64_t)t);
    cki_sample_uniform(out, ctx->n, ctx->rns.mod[t].p, &st);
}

void cki_hide_limb(uint64_t *b, const uint64_t *a, const uint64_t *s,
                   const int8_t *e, const cki_summand *m, uint64_t u,
                   uint64_t *work, int t, const ckks_ctx *ctx)
{
    const cki_rns *r = &ctx->rns;
    const cki_ending q = { .in = b, .s = m, .summands = m != NULL,
                           .w = r->mod[t].p - 1, .u = u };

    r->kernel->mul(b, a, s, ctx->n, &r->mod[t]);
    cki_from_small(r, work, e, t);
    r->kernel->ntt_head(work, r->ntt[t], false);
    r->kernel->ntt_finish(b, work, &q, r->ntt[t]);
}

void cki_ct_expand(ckks_ct *ct)
{
    for (int i = 0; i <= ct->level; i++)
        cki_expand_limb(cki_ct_limb(ct, 1, i), ct->seed, 0, i, ct->ctx);
}
