/* selftest.c -- whether a kernel works here.
 *
 * A miscompiled kernel computes nonsense silently, so every function of a
 * kernel is compared with its definition before a context uses it.
 */
#include "kernel/selftest.h"

#include <string.h>

#include "base/blake2.h"
#include "base/bytes.h"

enum { N = CKI_CHECK_N, TERMS = CKI_CHECK_TERMS };

static bool equal(const cki_bench *b, int outputs)
{
    return memcmp(b->got, b->want, (size_t)outputs * sizeof b->got[0]) == 0;
}

static bool check_square(cki_bench *b, const cki_kernel *k, const cki_mod *m)
{
    const uint64_t *x = b->x[0], *y = b->y[0];
    bool ok = true;

    for (int times = 1; times <= 2; times++) {  /* made, then added          */
        for (int i = 0; i < N; i++) {
            const uint64_t xy = cki_mul(x[i], y[i], m);
            const uint64_t part[3] = { cki_mul(x[i], x[i], m),
                                       cki_add(xy, xy, m->p),
                                       cki_mul(y[i], y[i], m) };

            for (int j = 0; j < 3; j++)
                b->want[j][i] = times == 1 ? part[j]
                                           : cki_add(part[j], part[j], m->p);
        }
        k->square(b->got[0], b->got[1], b->got[2], x, y, times == 2, N, m);
        ok = ok && equal(b, 3);
    }
    return ok;
}

static bool check_pointwise(cki_bench *b, const cki_kernel *k, const cki_mod *m)
{
    const uint64_t *x = b->x[0], *y = b->y[0], *z = b->x[1];
    uint64_t w = m->p - 2;
    bool ok = true;

    for (int i = 0; i < N; i++)
        b->want[0][i] = cki_add(x[i], y[i], m->p);
    k->add(b->got[0], x, y, N, m);
    ok = ok && equal(b, 1);
    for (int i = 0; i < N; i++)
        b->want[0][i] = cki_sub(x[i], y[i], m->p);
    k->sub(b->got[0], x, y, N, m);
    ok = ok && equal(b, 1);
    for (int i = 0; i < N; i++)
        b->want[0][i] = cki_mul(x[i], y[i], m);
    k->mul(b->got[0], x, y, N, m);
    ok = ok && equal(b, 1);
    for (int i = 0; i < N; i++)
        b->want[0][i] = cki_add(cki_mul(x[i], y[i], m), z[i], m->p);
    k->mul_add(b->got[0], x, y, z, N, m);
    ok = ok && equal(b, 1);
    for (int i = 0; i < N; i++)
        b->want[0][i] = cki_add(cki_mul(x[i], w, m), z[i], m->p);
    k->scale_add(b->got[0], x, w, z, N, m);
    ok = ok && equal(b, 1);
    for (int i = 0; i < N; i++)
        b->want[0][i] = cki_mul(x[i], w, m);
    k->scale_add(b->got[0], x, w, NULL, N, m);
    return ok && equal(b, 1) && check_square(b, k, m);
}

/* Some permutation that keeps groups of four and of eight whole, and their
 * words in the orders that automorphisms know (the lemma in rns.h), each. */
static void fill_perm(uint32_t *perm)
{
    static const uint32_t br[4] = { 0, 2, 1, 3 };

    for (uint32_t i = 0; i < N; i++)
        perm[i] = (i ^ 21) / 4 * 4 + br[(br[i % 4] + i / 4) & 3];
}

static bool check_dot2(cki_bench *b, const cki_kernel *k, const cki_turn *turn,
                       const cki_mod *m)
{
    const uint64_t *x[TERMS];
    const uint8_t *y0[TERMS], *y1[TERMS];

    memset(b->want, 0, sizeof b->want);
    for (int j = 0; j < TERMS; j++) {
        x[j] = b->x[j];
        y0[j] = y1[TERMS - 1 - j] = cki_check_packed(b, j, b->y[j], m);
        for (int i = 0; i < N; i++) {
            const uint32_t at = turn == NULL ? (uint32_t)i : turn->perm[i];

            b->want[0][i] = cki_add(b->want[0][i],
                                    cki_mul(x[j][at], b->y[j][at], m), m->p);
            b->want[1][i] = cki_add(b->want[1][i],
                                    cki_mul(x[j][at],
                                            b->y[TERMS - 1 - j][at], m),
                                    m->p);
        }
    }
    k->dot2(b->got[0], b->got[1], x, turn, y0, y1, TERMS, false, N, m);
    if (!equal(b, 2))
        return false;
    for (int h = 0; h < 2; h++)         /* once more, added: twice the sum   */
        for (int i = 0; i < N; i++)
            b->want[h][i] = cki_add(b->want[h][i], b->want[h][i], m->p);
    k->dot2(b->got[0], b->got[1], x, turn, y0, y1, TERMS, true, N, m);
    return equal(b, 2);
}

/* The conversion that left words in got[0], for a transform: to one target and
 * to three, all of this table. */
static bool check_lazy(cki_bench *b, const cki_kernel *k, const cki_conv *c,
                       const uint64_t *const *y, const cki_ntt *t)
{
    uint64_t *out[3] = { b->got[0], b->got[1], b->got[2] };
    const int target[3] = { 2, 2, 2 };
    bool ok = true;

    for (int i = 0; i < 3; i++)
        memcpy(b->want[i], b->got[0], sizeof b->want[i]);
    for (int i = 0; i < 3; i++)
        k->ntt_fwd(b->want[i], t);
    for (int count = 1; count <= 3; count += 2) {
        k->convert_end(out, target, count, y, b->y[2], c, true, N);
        for (int i = 0; i < count; i++) {
            k->ntt_head(out[i], t, true);
            k->ntt_tail(out[i], 0, t, false, NULL); /* N is one block        */
        }
        ok = ok && equal(b, count);
    }
    return ok;
}

/* From mod[0], mod[1] to mod[2]: x = y_0 q_1 + y_1 q_0 - v q_0 q_1. */
static bool check_convert(cki_bench *b, const cki_kernel *k, const cki_mod *mod,
                          bool centred, const cki_ntt *ntt)
{
    const cki_mod *q = mod, *t = mod + 2;
    uint64_t inv[2] = { cki_inv(cki_reduce(q[1].p, &q[0]), &q[0]),
                        cki_inv(cki_reduce(q[0].p, &q[1]), &q[1]) };
    uint64_t hat[6] = { 0, 0, 0, 0, cki_reduce(q[1].p, t),
                        cki_reduce(q[0].p, t) };
    uint64_t prod[3] = { 0, 0, cki_mul(hat[4], hat[5], t) };
    double frac[2] = { q[0].inv, q[1].inv };
    cki_conv c = { .len = 2, .src = { 0, 1 }, .mod = mod, .inv = inv,
                   .frac = frac, .hat = hat, .prod = prod };
    uint64_t *y[2] = { b->y[0], b->y[1] }, *out[1] = { b->got[0] };
    const int target[1] = { 2 };

    for (int i = 0; i < N; i++) {
        uint64_t y0, y1, v;
        double f;

        y[0][i] = y0 = cki_reduce(b->x[0][i], &q[0]);
        y[1][i] = y1 = cki_reduce(b->x[1][i], &q[1]);
        f = (double)y0 * frac[0];
        f += (double)y1 * frac[1];
        v = (uint64_t)(centred ? f + 0.5 : f);
        b->want[0][i] = cki_add(
            cki_mul(cki_reduce(y0, t), hat[4], t),
            cki_sub(cki_mul(cki_reduce(y1, t), hat[5], t),
                    cki_mul(v, prod[2], t), t->p), t->p);
    }
    k->convert_begin(y, b->y[2], &c, centred, N);
    k->convert_end(out, target, 1, (const uint64_t *const *)y, b->y[2], &c,
                   false, N);
    return equal(b, 1)
           && check_lazy(b, k, &c, (const uint64_t *const *)y, ntt);
}

/* Centred with a transform of either ring, uncentred. */
static ckks_status check_conversions(bool *ok, cki_bench *b,
                                     const cki_kernel *k, const cki_mod *mod,
                                     const ckks_memory *memory)
{
    ckks_status s = CKKS_OK;

    for (size_t i = 0; i < 3 && s == CKKS_OK; i++) {
        const size_t order = (2 + 2 * (i % 2)) * N;
        cki_ntt *t = NULL;

        s = cki_ntt_init(&t, k, &mod[2], cki_min_root(order, &mod[2]),
                         CKI_CHECK_LOG_N, order, memory);
        if (s == CKKS_OK)
            *ok = check_convert(b, k, mod, i < 2, t) && *ok;
        cki_ntt_clear(&t, memory);
    }
    return s;
}

/* large: above what the kernels hold in 16 bits. */
static bool check_combine(cki_bench *b, const cki_kernel *k, const cki_mod *m,
                          bool large)
{
    static const int32_t index[3] = { 2, 0, 5 };
    const int32_t weight[6] = { 3, -4095, 77, -1, large ? 100000 : 32767, 2 };
    const ckks_block block = { 0, 2, 3, index, weight };
    const uint64_t *in[TERMS];
    uint64_t *out[2] = { b->got[0], b->got[1] };

    if (k->combine_work(TERMS, &block, 1) > sizeof b->work)
        return false;
    for (int j = 0; j < TERMS; j++)
        in[j] = b->x[j];
    for (int r = 0; r < 2; r++)
        for (int i = 0; i < N; i++) {
            uint64_t s = 0;

            for (int j = 0; j < 3; j++)
                s = cki_add(s, cki_mul(in[index[j]][i],
                                       cki_from_signed(weight[3 * r + j], m),
                                       m), m->p);
            b->want[r][i] = s;
        }
    k->combine(out, in, TERMS, &block, 1, N, m, b->work);
    return equal(b, 2);
}

static bool check_weigh(cki_bench *b, const cki_kernel *k, const cki_mod *m)
{
    const uint64_t *in[TERMS];
    uint64_t weight[CKI_ROWS * TERMS];
    uint64_t *out[2] = { b->got[0], b->got[1] };

    for (int j = 0; j < TERMS; j++) {
        in[j] = b->x[j];
        for (int r = 0; r < CKI_ROWS; r++)
            weight[CKI_ROWS * j + r] = r < 2 ? b->y[j][r] : 0;
    }
    for (int r = 0; r < 2; r++)
        for (int i = 0; i < N; i++) {
            uint64_t s = 0;

            for (int j = 0; j < TERMS; j++)
                s = cki_add(s, cki_mul(in[j][i], weight[CKI_ROWS * j + r], m),
                            m->p);
            b->want[r][i] = s;
        }
    k->weigh(out, 2, in, weight, TERMS, N, m);
    return equal(b, 2);
}

static bool check_permute(cki_bench *b, const cki_kernel *k,
                          const uint32_t *perm)
{
    for (uint32_t i = 0; i < N; i++)
        b->want[0][i] = b->x[0][perm[i]];
    k->permute(b->got[0], b->x[0], perm, N);
    return equal(b, 1);
}

/* Integers on both sides of 0, and random words of which some are kept. */
static bool check_words(cki_bench *b, const cki_kernel *k, const cki_mod *m)
{
    const uint64_t p = m->p, mask = ((uint64_t)1 << m->bits) - 1;
    const uint8_t *bytes = (const uint8_t *)b->y;
    uint64_t *x = (uint64_t *)(void *)b->work;
    int8_t small[N];
    size_t kept = 0;
    bool ok;

    for (int i = 0; i < N; i++) {
        const uint64_t u = cki_load64(bytes + 8 * i) & mask;

        x[i] = i % 2 == 0 ? b->x[1][i] : b->x[1][i] - p;
        small[i] = (int8_t)(b->x[1][i] % 42 - 21);
        b->want[0][i] = b->x[1][i];
        b->want[1][i] = cki_reduce(p + (uint64_t)small[i], m);
        b->want[2][kept] = u;
        kept += u < p;
    }
    k->lift(b->got[0], x, INT64_MAX, p, N);
    k->from_small(b->got[1], small, N, m);
    ok = equal(b, 2);
    return k->sift(b->got[2], bytes, N, mask, p) == kept
           && memcmp(b->got[2], b->want[2], kept * sizeof(uint64_t)) == 0 && ok;
}

/* Words of 5 to 8 bytes, against their bytes. */
static bool check_pack(cki_bench *b, const cki_kernel *k)
{
    uint8_t *got = (uint8_t *)b->work;
    bool ok = true;

    for (size_t bytes = 5; bytes <= 8; bytes++) {
        uint64_t *in = b->got[0];

        for (size_t i = 0; i < N; i++)
            in[i] = (b->x[0][i] * 0x9e3779b97f4a7c15) >> (64 - 8 * bytes);
        k->pack(got, in, N, bytes);
        for (size_t i = 0; i < N * bytes; i++)
            ok &= got[i] == (uint8_t)(in[i / bytes] >> i % bytes * 8);
    }
    return ok;
}

/* Two groups and 2^32 inside the first: every lane counts on its own. */
static bool check_expand(cki_bench *b, const cki_kernel *k)
{
    enum { BLOCKS = 2 * CKI_EXPAND };
    const uint32_t node = UINT32_MAX - 4;
    uint8_t *got = (uint8_t *)b->got, *want = (uint8_t *)b->want;
    const uint8_t *root = (const uint8_t *)b->x;

    for (uint32_t i = 0; i < BLOCKS; i++)
        cki_blake2xb_block(want + CKI_BLAKE2_OUT * i, root, node + i);
    k->expand(got, root, node, BLOCKS);
    return memcmp(got, want, BLOCKS * CKI_BLAKE2_OUT) == 0;
}

ckks_status cki_kernel_check(bool *ok, const cki_kernel *k,
                             const ckks_memory *memory)
{
    cki_bench *b = cki_alloc(memory, sizeof *b);
    cki_mod mod[3];
    uint64_t used[3];
    uint32_t perm[N], back[N];
    const cki_turn turn = { perm, back };
    ckks_status s;

    if (b == NULL)
        return cki_fail(CKKS_EMEM, "ckks_ctx_init: no memory for %zu bytes of "
                        "kernel check", sizeof *b);
    for (size_t i = 0; i < 3; i++) {
        used[i] = cki_find_prime(k->max_bits - 2 * (int)(i == 1), 4 * N, used,
                                 i);
        mod[i] = cki_mod_make(used[i]);
    }
    fill_perm(perm);
    for (uint32_t i = 0; i < N; i++)
        back[perm[i]] = i;
    cki_check_fill(b->x, 1, &mod[1]);
    cki_check_fill(b->y, 2, &mod[1]);
    *ok = check_pointwise(b, k, &mod[1]);
    cki_check_fill(b->x, 3, &mod[0]);
    cki_check_fill(b->y, 4, &mod[0]);
    *ok = check_pointwise(b, k, &mod[0]) && *ok;
    *ok = check_dot2(b, k, NULL, &mod[0]) && *ok;
    *ok = check_dot2(b, k, &turn, &mod[0]) && *ok;
    *ok = check_combine(b, k, &mod[0], true) && *ok;
    *ok = check_combine(b, k, &mod[0], false) && *ok;
    *ok = check_weigh(b, k, &mod[0]) && *ok;
    *ok = check_permute(b, k, perm) && *ok;
    *ok = check_expand(b, k) && *ok;
    *ok = check_words(b, k, &mod[0]) && *ok;
    *ok = check_pack(b, k) && *ok;
    s = cki_check_ntts(ok, b, k, perm, &mod[0], memory);
    if (s == CKKS_OK)
        s = check_conversions(ok, b, k, mod, memory);
    cki_free(memory, b, sizeof *b);
    return s;
}
