/* selftest_ntt.c -- whether a kernel's transforms work here.
 *
 * Read first: selftest.h.
 */
#include "kernel/selftest.h"

#include <string.h>

enum { N = CKI_CHECK_N, LOG_N = CKI_CHECK_LOG_N, TERMS = CKI_CHECK_TERMS };

/* The first n words of so many outputs. */
static bool equal_words(const cki_bench *b, int outputs, size_t n)
{
    bool ok = true;

    for (int i = 0; i < outputs; i++)
        ok = ok && memcmp(b->got[i], b->want[i], n * sizeof b->got[i][0]) == 0;
    return ok;
}

/* x[3] through the end of a division, its transform being known, in place, with
 * summands and a permutation of them or without. */
static bool check_divide(cki_bench *b, const cki_kernel *k,
                         const uint64_t *known, const uint32_t *perm,
                         const cki_ntt *t)
{
    static const size_t counts[] = { 0, 1, TERMS };
    const cki_mod *m = &t->mod;
    cki_summand s[TERMS];
    bool ok = true;

    for (size_t j = 0; j < TERMS; j++)
        s[j] = (cki_summand){ b->y[j], j % 2 == 0 ? perm : NULL };
    for (int c = 0; c < 3; c++) {
        cki_ending q = { .in = b->got[0], .s = s, .summands = counts[c],
                           .w = m->p - 3, .u = c == 1 ? 1 : m->p - 1 };

        for (uint32_t i = 0; i < t->n; i++) {
            uint64_t x = cki_sub(b->x[0][i], known[i], m->p);
            uint64_t sum = 0;

            for (size_t j = 0; j < q.summands; j++)
                sum = cki_add(sum, s[j].x[s[j].perm == NULL ? i : perm[i]],
                              m->p);
            b->want[0][i] = cki_add(cki_mul(x, q.w, m), cki_mul(sum, q.u, m),
                                    m->p);
        }
        memcpy(b->got[0], b->x[0], sizeof b->got[0]);
        memcpy(b->got[1], b->x[3], sizeof b->got[1]);
        k->ntt_head(b->got[1], t, false);
        k->ntt_finish(b->got[0], b->got[1], &q, t);
        ok = ok && equal_words(b, 1, t->n);
    }
    return ok;
}

/* n coefficients at z by Horner; real: at z and 1/z, x_0 once. */
static uint64_t value_at(const uint64_t *x, size_t n, uint64_t z, bool real,
                         const cki_mod *m)
{
    const uint64_t inv = cki_inv(z, m);
    uint64_t r = 0, s = 0;

    for (size_t j = n; j-- > 0; ) {
        r = cki_add(cki_mul(r, z, m), x[j], m->p);
        if (real)
            s = cki_add(cki_mul(s, inv, m), x[j], m->p);
    }
    return real ? cki_sub(cki_add(r, s, m->p), x[0], m->p) : r;
}

/* A transform, want[0], whose tail leaves it for an inner product: of what is
 * in x[3] with words on both sides. */
static bool check_tail_lazy(cki_bench *b, const cki_kernel *k,
                            const cki_ntt *t)
{
    const uint64_t *x[1] = { b->got[0] };
    const uint8_t *y0[1] = { cki_check_packed(b, 0, b->x[5], &t->mod) };
    const uint8_t *y1[1] = { cki_check_packed(b, 1, b->x[6], &t->mod) };

    memcpy(b->got[0], b->x[3], sizeof b->got[0]);
    k->ntt_head(b->got[0], t, false);
    k->ntt_tail(b->got[0], 0, t, true, NULL);
    k->dot2(b->got[1], b->got[2], x, NULL, y0, y1, 1, false, t->n, &t->mod);
    for (size_t i = 0; i < t->n; i++) {
        b->want[1][i] = cki_mul(b->want[0][i], b->x[5][i], &t->mod);
        b->want[2][i] = cki_mul(b->want[0][i], b->x[6][i], &t->mod);
    }
    memcpy(b->got[0], b->want[0], sizeof b->got[0]);
    return equal_words(b, 3, t->n);
}

/* Both directions and the division, n = 2^log_n <= N words.  order: 2n, or 4n
 * for the real ring. */
static ckks_status check_ntt(bool *ok, cki_bench *b, const cki_kernel *k,
                             const uint32_t *perm, int log_n, size_t order,
                             const cki_mod *m, const ckks_memory *memory)
{
    const size_t n = (size_t)1 << log_n;
    uint64_t psi = cki_min_root(order, m);
    cki_ntt *t = NULL;
    ckks_status s = cki_ntt_init(&t, k, m, psi, log_n, order, memory);

    if (s != CKKS_OK)
        return s;
    for (uint32_t i = 0; i < n; i++)
        b->want[0][i] = value_at(
            b->x[3], n, cki_pow(psi, order / n * cki_bitrev(i, log_n) + 1, m),
            order > 2 * n, m);
    memcpy(b->got[0], b->x[3], sizeof b->got[0]);
    k->ntt_fwd(b->got[0], t);
    *ok = *ok && equal_words(b, 1, n);
    memcpy(b->got[0], b->x[3], sizeof b->got[0]);
    k->ntt_head(b->got[0], t, false);
    k->ntt_tail(b->got[0], 0, t, false, NULL);  /* N is one block            */
    *ok = *ok && equal_words(b, 1, n);
    *ok = check_tail_lazy(b, k, t) && *ok;
    memcpy(b->want[1], b->x[3], sizeof b->want[1]);
    k->ntt_inv(b->got[1], b->got[0], 1, t); /* what it reads stays           */
    *ok = *ok && equal_words(b, 2, n);
    memcpy(b->x[4], b->want[0], sizeof b->x[4]);
    for (size_t i = 0; i < n; i++)
        b->want[0][i] = cki_mul(b->x[3][i], m->p - 5, m);
    k->ntt_inv(b->got[0], b->got[0], m->p - 5, t);
    *ok = *ok && equal_words(b, 1, n);
    *ok = check_divide(b, k, b->x[4], perm, t) && *ok;
    cki_ntt_clear(&t, memory);
    return CKKS_OK;
}

ckks_status cki_check_ntts(bool *ok, cki_bench *b, const cki_kernel *k,
                           const uint32_t *perm, const cki_mod *m,
                           const ckks_memory *memory)
{
    ckks_status s = CKKS_OK;

    for (int i = 0; i < 4 && s == CKKS_OK; i++) {
        const int log_n = LOG_N - i / 2;

        cki_check_fill(b->x, 5 + (uint64_t)i, m);
        s = check_ntt(ok, b, k, perm, log_n, (size_t)(2 + i % 2 * 2) << log_n,
                      m, memory);
    }
    return s;
}
