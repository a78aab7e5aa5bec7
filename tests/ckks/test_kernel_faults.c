/* test_kernel_faults.c -- faults are planted in kernels, and the check that
 * runs before a context uses one has to see them. */
#include "kernel_support.h"

/* ---- planted faults ----------------------------------------------------- */

/* What the kernel under a fault is, and which word of an output turns: the
 * first, the middle one, the last. */
static const cki_kernel *inner;
static int place;

static void spoil(uint64_t *x, size_t n)
{
    x[place == 0 ? 0 : place == 1 ? n / 2 : n - 1] ^= 1;
}

static void bad_fwd(uint64_t *x, const cki_ntt *t)
{
    inner->ntt_fwd(x, t);
    spoil(x, t->n);
}

static void bad_fwd_real(uint64_t *x, const cki_ntt *t)
{
    inner->ntt_fwd(x, t);
    if (t->real)
        spoil(x, t->n);
}

static void bad_fwd_odd(uint64_t *x, const cki_ntt *t)
{
    inner->ntt_fwd(x, t);
    if (t->log_n % 2 == 1)
        spoil(x, t->n);
}

static void bad_inv_odd(uint64_t *out, const uint64_t *in, uint64_t w,
                        const cki_ntt *t)
{
    inner->ntt_inv(out, in, w, t);
    if (t->log_n % 2 == 1 && t->real)
        spoil(out, t->n);
}

static void bad_inv_real(uint64_t *out, const uint64_t *in, uint64_t w,
                         const cki_ntt *t)
{
    inner->ntt_inv(out, in, w, t);
    if (t->real && w == 1)
        spoil(out, t->n);
}

static void bad_inv_times_real(uint64_t *out, const uint64_t *in, uint64_t w,
                               const cki_ntt *t)
{
    inner->ntt_inv(out, in, w, t);
    if (t->real && w != 1)
        spoil(out, t->n);
}

/* Between head and tail words are in a form of the kernel's own, with bounds
 * that CKKS_VERIFY looks at: two of them change places. */
static void bad_head(uint64_t *x, const cki_ntt *t, bool lazy)
{
    uint64_t *y = x + (place == 0 ? 0 : place == 1 ? t->n / 2 : t->n - 2);
    uint64_t first;

    inner->ntt_head(x, t, lazy);
    first = y[0];
    y[0] = y[1];
    y[1] = first;
}

static void bad_tail(uint64_t *x, size_t at, const cki_ntt *t, bool lazy,
                     const cki_soon *soon)
{
    inner->ntt_tail(x, at, t, lazy, soon);
    spoil(x + at, cki_block(t->n));
}

/* Where it leaves them for dot2 alone. */
static void bad_tail_lazy(uint64_t *x, size_t at, const cki_ntt *t, bool lazy,
                          const cki_soon *soon)
{
    inner->ntt_tail(x, at, t, lazy, soon);
    if (lazy)
        spoil(x + at, cki_block(t->n));
}

static void bad_inv(uint64_t *out, const uint64_t *in, uint64_t w,
                    const cki_ntt *t)
{
    inner->ntt_inv(out, in, w, t);
    if (w == 1)
        spoil(out, t->n);
}

static void bad_inv_times(uint64_t *out, const uint64_t *in, uint64_t w,
                          const cki_ntt *t)
{
    inner->ntt_inv(out, in, w, t);
    if (w != 1)
        spoil(out, t->n);
}

static void bad_inv_input(uint64_t *out, const uint64_t *in, uint64_t w,
                          const cki_ntt *t)
{
    inner->ntt_inv(out, in, w, t);
    if (in != out)
        spoil((uint64_t *)(uintptr_t)in, t->n);
}

#define BAD_DIVIDE(name, when)                                            \
    static void name(uint64_t *out, uint64_t *z, const cki_ending *q,   \
                     const cki_ntt *t)                                    \
    {                                                                     \
        inner->ntt_finish(out, z, q, t);                                      \
        if (when)                                                         \
            spoil(out, t->n);                                             \
    }
BAD_DIVIDE(bad_divide, q->summands == 0)
BAD_DIVIDE(bad_divide_one, q->summands == 1)
BAD_DIVIDE(bad_divide_turned, q->summands > 0 && q->s[0].perm != NULL)
BAD_DIVIDE(bad_divide_scaled, q->summands > 1 && q->u != 1)
BAD_DIVIDE(bad_divide_real, t->real)

#define BAD_SQUARE(name, fault)                                           \
    static void name(uint64_t *out0, uint64_t *out1, uint64_t *out2,      \
                     const uint64_t *a0, const uint64_t *a1, bool add,    \
                     size_t n, const cki_mod *m)                          \
    {                                                                     \
        inner->square(out0, out1, out2, a0, a1, add, n, m);               \
        fault;                                                            \
    }
BAD_SQUARE(bad_square_first, spoil(out0, n))
BAD_SQUARE(bad_square_second, spoil(out1, n))
BAD_SQUARE(bad_square_third, spoil(out2, n))
BAD_SQUARE(bad_square_add, if (add) spoil(out1, n))

static void bad_add(uint64_t *out, const uint64_t *a, const uint64_t *b,
                    size_t n, const cki_mod *m)
{
    inner->add(out, a, b, n, m);
    spoil(out, n);
}

static void bad_sub(uint64_t *out, const uint64_t *a, const uint64_t *b,
                    size_t n, const cki_mod *m)
{
    inner->sub(out, a, b, n, m);
    spoil(out, n);
}

static void bad_mul(uint64_t *out, const uint64_t *a, const uint64_t *b,
                    size_t n, const cki_mod *m)
{
    inner->mul(out, a, b, n, m);
    spoil(out, n);
}

static void bad_mul_add(uint64_t *out, const uint64_t *a, const uint64_t *b,
                        const uint64_t *c, size_t n, const cki_mod *m)
{
    inner->mul_add(out, a, b, c, n, m);
    spoil(out, n);
}

static void bad_scale_add(uint64_t *out, const uint64_t *a, uint64_t w,
                          const uint64_t *c, size_t n, const cki_mod *m)
{
    inner->scale_add(out, a, w, c, n, m);
    if (c != NULL)
        spoil(out, n);
}

static void bad_scale(uint64_t *out, const uint64_t *a, uint64_t w,
                      const uint64_t *c, size_t n, const cki_mod *m)
{
    inner->scale_add(out, a, w, c, n, m);
    if (c == NULL)
        spoil(out, n);
}

#define BAD_DOT(name, fault)                                              \
    static void name(uint64_t *out0, uint64_t *out1,                      \
                     const uint64_t *const *x, const cki_turn *turn,      \
                     const uint8_t *const *y0, const uint8_t *const *y1,  \
                     int k, bool add, size_t n, const cki_mod *m)         \
    {                                                                     \
        inner->dot2(out0, out1, x, turn, y0, y1, k, add, n, m);           \
        fault;                                                            \
    }
BAD_DOT(bad_dot_first, spoil(out0, n))
BAD_DOT(bad_dot_second, spoil(out1, n))
BAD_DOT(bad_dot_add, if (add) spoil(out0, n))
BAD_DOT(bad_dot_perm, if (turn != NULL) spoil(out1, n))

static void bad_permute(uint64_t *out, const uint64_t *in,
                        const uint32_t *perm, size_t n)
{
    inner->permute(out, in, perm, n);
    spoil(out, n);
}

static void bad_centred(uint64_t *const *y, uint64_t *v, const cki_conv *c,
                        bool centred, size_t n)
{
    inner->convert_begin(y, v, c, centred, n);
    if (centred)
        memcpy(v, y[0], n * sizeof *v);
}

static void bad_uncentred(uint64_t *const *y, uint64_t *v, const cki_conv *c,
                          bool centred, size_t n)
{
    inner->convert_begin(y, v, c, centred, n);
    if (!centred)
        memcpy(v, y[0], n * sizeof *v);
}

static void bad_convert(uint64_t *const *out, const int *target,
                        int num_targets, const uint64_t *const *y,
                        const uint64_t *v, const cki_conv *c, bool lazy,
                        size_t n)
{
    inner->convert_end(out, target, num_targets, y, v, c, lazy, n);
    if (!lazy)
        spoil(out[0], n);
}

/* Two values of the kernel's own form change places. */
static void bad_convert_lazy(uint64_t *const *out, const int *target,
                             int num_targets, const uint64_t *const *y,
                             const uint64_t *v, const cki_conv *c, bool lazy,
                             size_t n)
{
    uint64_t *x = out[0] + (place == 0 ? 0 : place == 1 ? n / 2 : n - 2);
    uint64_t first;

    inner->convert_end(out, target, num_targets, y, v, c, lazy, n);
    first = x[0];
    x[0] = lazy ? x[1] : first;
    x[1] = lazy ? first : x[1];
}

/* A transform of what convert_end left: it forgets the first of two words. */
static void bad_head_lazy(uint64_t *x, const cki_ntt *t, bool lazy)
{
    if (lazy)
        x[place] = x[t->n / 2];
    inner->ntt_head(x, t, lazy);
}

static void bad_combine(uint64_t *const *out, const uint64_t *const *in,
                        size_t n_in, const ckks_block *block, size_t n_blocks,
                        size_t n, const cki_mod *m, void *work)
{
    inner->combine(out, in, n_in, block, n_blocks, n, m, work);
    spoil(out[block[0].first + block[0].rows - 1], n);
}

static void bad_pack(uint8_t *out, const uint64_t *in, size_t n, size_t bytes)
{
    inner->pack(out, in, n, bytes);
    out[n * bytes - 1] ^= 1;
}

static void bad_lift(uint64_t *out, const uint64_t *in, uint64_t bound,
                     uint64_t shift, size_t n)
{
    inner->lift(out, in, bound, shift, n);
    spoil(out, n);
}

static void bad_from_small(uint64_t *out, const int8_t *in, size_t n,
                           const cki_mod *m)
{
    inner->from_small(out, in, n, m);
    spoil(out, n);
}

static size_t bad_sift(uint64_t *out, const uint8_t *in, size_t count,
                       uint64_t mask, uint64_t p)
{
    size_t kept = inner->sift(out, in, count, mask, p);

    spoil(out, kept);
    return kept;
}

static size_t bad_sift_count(uint64_t *out, const uint8_t *in, size_t count,
                             uint64_t mask, uint64_t p)
{
    return inner->sift(out, in, count, mask, p) - 1;
}

static void bad_weigh(uint64_t *const *out, size_t rows,
                      const uint64_t *const *in, const uint64_t *weight,
                      size_t terms, size_t n, const cki_mod *m)
{
    inner->weigh(out, rows, in, weight, terms, n, m);
    spoil(out[rows - 1], n);
}

static void bad_expand(uint8_t *out, const uint8_t *root, uint32_t node,
                       size_t count)
{
    inner->expand(out, root, node, count);
    out[place == 0 ? 0 : place == 1 ? 32 * count : 64 * count - 1] ^= 1;
}

static void expect_found(const cki_kernel *k, const char *what)
{
    for (place = 0; place < 3; place++) {
        bool ok = true;

        CHECK_OK(cki_kernel_check(&ok, k, &kernel_memory));
        CHECK(!ok, "%s: a fault in %s at place %d was not seen", inner->name,
              what, place);
    }
}

#define PLANT(member, with)                                               \
    do {                                                                  \
        cki_kernel bad_ = *inner;                                         \
        bad_.member = with;                                               \
        expect_found(&bad_, #with);                                       \
    } while (0)

TEST(kernel_check_sees_faults)
{
    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++) {
        bool ok = false;

        inner = *k;
        if (!inner->usable())
            continue;
        CHECK_OK(cki_kernel_check(&ok, inner, &kernel_memory));
        CHECK(ok, "%s", inner->name);
        PLANT(ntt_fwd, bad_fwd);
        PLANT(ntt_head, bad_head);
        PLANT(ntt_tail, bad_tail);
        PLANT(ntt_tail, bad_tail_lazy);
        PLANT(ntt_inv, bad_inv);
        PLANT(ntt_inv, bad_inv_times);
        PLANT(ntt_inv, bad_inv_input);
        PLANT(ntt_fwd, bad_fwd_odd);
        PLANT(ntt_inv, bad_inv_odd);
        PLANT(ntt_fwd, bad_fwd_real);
        PLANT(ntt_inv, bad_inv_real);
        PLANT(ntt_inv, bad_inv_times_real);
        PLANT(ntt_finish, bad_divide_real);
        PLANT(ntt_finish, bad_divide);
        PLANT(ntt_finish, bad_divide_one);
        PLANT(ntt_finish, bad_divide_turned);
        PLANT(ntt_finish, bad_divide_scaled);
        PLANT(add, bad_add);
        PLANT(sub, bad_sub);
        PLANT(mul, bad_mul);
        PLANT(mul_add, bad_mul_add);
        PLANT(scale_add, bad_scale_add);
        PLANT(scale_add, bad_scale);
        PLANT(square, bad_square_first);
        PLANT(square, bad_square_second);
        PLANT(square, bad_square_third);
        PLANT(square, bad_square_add);
        PLANT(dot2, bad_dot_first);
        PLANT(dot2, bad_dot_second);
        PLANT(dot2, bad_dot_add);
        PLANT(dot2, bad_dot_perm);
        PLANT(permute, bad_permute);
        PLANT(convert_begin, bad_centred);
        PLANT(convert_begin, bad_uncentred);
        PLANT(convert_end, bad_convert);
        PLANT(convert_end, bad_convert_lazy);
        PLANT(ntt_head, bad_head_lazy);
        PLANT(combine, bad_combine);
        PLANT(weigh, bad_weigh);
        PLANT(expand, bad_expand);
        PLANT(pack, bad_pack);
        PLANT(lift, bad_lift);
        PLANT(from_small, bad_from_small);
        PLANT(sift, bad_sift);
        PLANT(sift, bad_sift_count);
    }
}
