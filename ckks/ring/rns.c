/* rns.c -- the tables: transforms, base conversions, inverses.
 *
 * Read first: docs/03-rns.md.
 */
#include "ring/rns.h"

#include <string.h>

/* From the primes numbered src[0..len) to every prime of the context. */
static ckks_status conv_init(cki_conv **out, const cki_rns *r,
                             const ckks_memory *m, const int *src, int len)
{
    size_t all = (size_t)(r->num_primes + r->num_special), k = (size_t)len;
    size_t head = (sizeof(cki_conv) + 63) / 64 * 64;
    size_t size = head + (2 * k + all * k + all) * sizeof(uint64_t);
    cki_conv *c = cki_alloc(m, size);
    uint64_t *word;

    if (c == NULL)
        return cki_fail(CKKS_EMEM, "ckks_ctx_init: no memory for %zu bytes of "
                        "base conversion", size);
    word = (uint64_t *)(void *)((char *)c + head);
    memset(c, 0, sizeof *c);
    c->len = len;
    c->mod = r->mod;
    c->inv = word;
    c->frac = (double *)(void *)(word + k);
    c->hat = word + 2 * k;
    c->prod = c->hat + all * k;
    c->size = size;
    memcpy(c->src, src, k * sizeof *src);
    for (size_t t = 0; t < all; t++) {
        const cki_mod *p = &r->mod[t];

        c->prod[t] = 1;
        for (size_t i = 0; i < k; i++) {
            uint64_t hat = 1;

            for (size_t j = 0; j < k; j++)
                if (j != i)
                    hat = cki_mul(hat, cki_reduce(r->mod[src[j]].p, p), p);
            c->hat[t * k + i] = hat;
            c->prod[t] = cki_mul(c->prod[t],
                                 cki_reduce(r->mod[src[i]].p, p), p);
        }
    }
    for (size_t i = 0; i < k; i++) {
        c->inv[i] = cki_inv(c->hat[(size_t)src[i] * k + i], &r->mod[src[i]]);
        c->frac[i] = r->mod[src[i]].inv;
    }
    *out = c;
    return CKKS_OK;
}

static void conv_clear(cki_conv **c, const ckks_memory *m)
{
    if (*c != NULL)
        cki_free(m, *c, (*c)->size);
    *c = NULL;
}

/* Inverses of primes modulo others. */
static void fill_constants(cki_rns *r)
{
    for (int i = 0; i < r->num_primes; i++) {
        const cki_mod *q = &r->mod[i];

        r->p_mod[0][i] = r->p_inv[0][i] = 1;
        for (int k = 1; k <= r->num_special; k++) {
            uint64_t p = r->mod[r->num_primes + k - 1].p;

            r->p_mod[k][i] = cki_mul(r->p_mod[k - 1][i], cki_reduce(p, q), q);
            r->p_inv[k][i] = cki_inv(r->p_mod[k][i], q);
        }
        for (int l = i + 1; l < r->num_primes; l++)
            r->q_inv[l][i] = cki_inv(cki_reduce(r->mod[l].p, q), q);
    }
}

static ckks_status init_conversions(cki_rns *r, const ckks_memory *m,
                                    int alpha)
{
    int src[CKI_MAX_ALL];
    ckks_status s = CKKS_OK;

    for (int i = 0; i < r->num_primes && s == CKKS_OK; i++)
        s = conv_init(&r->last[i], r, m, &i, 1);
    if (s != CKKS_OK || r->num_special == 0)
        return s;
    for (int i = 0; i < r->num_primes && s == CKKS_OK; i++) {
        const int k = r->specials[i];

        for (int j = 0; j < k; j++)
            src[j] = r->num_primes + j;
        src[k] = i;
        if (r->down[k] == NULL)
            s = conv_init(&r->down[k], r, m, src, k);
        if (s == CKKS_OK)
            s = conv_init(&r->down_rescale[i], r, m, src, k + 1);
    }
    for (int i = 0; i < r->num_primes && s == CKKS_OK; i++) {
        int first = i / alpha * alpha;

        for (int j = first; j <= i; j++)
            src[j - first] = j;
        s = conv_init(&r->digit[i], r, m, src, i - first + 1);
    }
    return s;
}

ckks_status cki_rns_init(cki_rns *r, const ckks_memory *m, int alpha)
{
    ckks_status s = CKKS_OK;

    for (int i = 0; i < r->num_primes + r->num_special && s == CKKS_OK; i++) {
        r->psi[i] = cki_min_root(r->order, &r->mod[i]);
        s = cki_ntt_init(&r->ntt[i], r->kernel, &r->mod[i], r->psi[i],
                         r->log_n, r->order, m);
    }
    if (s == CKKS_OK)
        s = init_conversions(r, m, alpha);
    fill_constants(r);
    if (s != CKKS_OK)
        cki_rns_clear(r, m);
    return s;
}

void cki_rns_clear(cki_rns *r, const ckks_memory *m)
{
    for (int i = 0; i < CKI_MAX_ALL; i++)
        cki_ntt_clear(&r->ntt[i], m);
    for (int i = 0; i < CKKS_MAX_PRIMES; i++) {
        conv_clear(&r->last[i], m);
        conv_clear(&r->digit[i], m);
        conv_clear(&r->down_rescale[i], m);
    }
    for (int k = 0; k <= CKKS_MAX_SPECIAL; k++)
        conv_clear(&r->down[k], m);
}
