/* test_oracle_arith.c -- arithmetic against big integers. */
#include <math.h>

#include "oracle_support.h"

/* ---- arithmetic --------------------------------------------------------- */

/* out_h = a_h + sign b_h */
static void combine_two(opoly *out, const opoly *a, int degree_a,
                        const opoly *b, int degree_b, bool minus)
{
    for (int h = 0; h <= degree_a || h <= degree_b; h++) {
        if (h <= degree_a)
            opoly_set(&out[h], &a[h]);
        else
            opoly_sub(&out[h], &out[h], &out[h]);
        if (h <= degree_b && minus)
            opoly_sub(&out[h], &out[h], &b[h]);
        else if (h <= degree_b)
            opoly_add(&out[h], &out[h], &b[h]);
    }
}

static void check_add_sub(world *w, int degree_a, int degree_b, int level)
{
    ckks_ct a = { 0 }, b = { 0 }, out = { 0 };
    int degree = degree_a > degree_b ? degree_a : degree_b;
    opoly p[3], q[3], want[3];
    mpz_t minus;

    mpz_init_set_si(minus, -1);
    polys_init(w, p, 3);
    polys_init(w, q, 3);
    polys_init(w, want, 3);
    random_ct(w, &a, degree_a, level);
    random_ct(w, &b, degree_b, level);
    read_ct(w, p, &a);
    read_ct(w, q, &b);
    combine_two(want, p, degree_a, q, degree_b, false);
    if (CHECK_OK(ckks_add(&out, &a, &b)))
        check_ct(w, &out, want, degree, level, a.scale, "add");
    combine_two(want, p, degree_a, q, degree_b, true);
    if (CHECK_OK(ckks_sub(&out, &a, &b)))
        check_ct(w, &out, want, degree, level, a.scale, "sub");
    for (int h = 0; h <= degree_a; h++)
        opoly_scale(&want[h], &p[h], minus);
    if (CHECK_OK(ckks_neg(&out, &a)))
        check_ct(w, &out, want, degree_a, level, a.scale, "neg");
    ckks_ct_clear(&a);
    ckks_ct_clear(&b);
    ckks_ct_clear(&out);
    polys_clear(p, 3);
    polys_clear(q, 3);
    polys_clear(want, 3);
    mpz_clear(minus);
}

static void check_plain(world *w, int degree, int level)
{
    ckks_ct a = { 0 }, out = { 0 };
    ckks_pt b = { 0 };
    opoly p[3], m, want[3];
    bool room = 2 * log2(TEST_SCALE) + 1 < ckks_ctx_log_q(w->ctx, level);

    polys_init(w, p, 3);
    polys_init(w, want, 3);
    opoly_init(&m, w->o.n);
    random_ct(w, &a, degree, level);
    random_pt(w, &b, level);
    read_ct(w, p, &a);
    oracle_read(&m, &w->o, b.limb, level, 0);
    combine_two(want, p, degree, &m, 0, false);
    if (CHECK_OK(ckks_add_plain(&out, &a, &b)))
        check_ct(w, &out, want, degree, level, a.scale, "add_plain");
    combine_two(want, p, degree, &m, 0, true);
    if (CHECK_OK(ckks_sub_plain(&out, &a, &b)))
        check_ct(w, &out, want, degree, level, a.scale, "sub_plain");
    for (int h = 0; h <= degree; h++)
        opoly_mul(&want[h], &p[h], &m);
    if (room && CHECK_OK(ckks_mul_plain(&out, &a, &b)))
        check_ct(w, &out, want, degree, level, a.scale * b.scale,
                 "mul_plain");
    ckks_ct_clear(&a);
    ckks_ct_clear(&out);
    ckks_pt_clear(&b);
    polys_clear(p, 3);
    polys_clear(want, 3);
    opoly_clear(&m);
}

/* round(re scale) + round(im scale) X^(N/2); the real ring has no i. */
static void gaussian(world *w, opoly *out, double re, double im, double scale)
{
    opoly_sub(out, out, out);
    mpz_set_d(out->c[0], round(re * scale));
    if (!w->real)
        mpz_set_d(out->c[w->n / 2], round(im * scale));
}

/* The product with X^(N/2) + X^(-N/2). */
static void check_alternating(world *w, int degree, int level)
{
    ckks_ct a = { 0 }, out = { 0 };
    opoly p[3], m, want[3];

    polys_init(w, p, 3);
    polys_init(w, want, 3);
    opoly_init(&m, w->o.n);
    random_ct(w, &a, degree, level);
    if (!w->real) {
        CHECK_STATUS(ckks_mul_alternating(&out, &a), CKKS_EARG);
    } else if (CHECK_OK(ckks_mul_alternating(&out, &a))) {
        read_ct(w, p, &a);
        mpz_set_si(m.c[w->n / 2], 1);
        mpz_set_si(m.c[w->o.n - w->n / 2], -1);
        for (int h = 0; h <= degree; h++)
            opoly_mul(&want[h], &p[h], &m);
        check_ct(w, &out, want, degree, level, a.scale, "mul_alternating");
    }
    ckks_ct_clear(&a);
    ckks_ct_clear(&out);
    polys_clear(p, 3);
    polys_clear(want, 3);
    opoly_clear(&m);
}

static void check_const(world *w, int degree, int level)
{
    static const double number[][2] = { { 0, 0 }, { 1, 0 }, { -0.75, 0.3 },
                                        { 0, -2.000030517578125 },
                                        { 3.00003051757812, -4.5 } };
    static const int64_t integer[] = { 0, 1, -1, 3, -1234567891234567891,
                                       INT64_MAX, INT64_MIN };
    const double scale = 0x1.8p3;
    ckks_ct a = { 0 }, out = { 0 };
    opoly p[3], m, want[3];
    mpz_t factor;

    mpz_init(factor);
    polys_init(w, p, 3);
    polys_init(w, want, 3);
    opoly_init(&m, w->o.n);
    random_ct(w, &a, degree, level);
    read_ct(w, p, &a);
    for (size_t i = 0; i < sizeof number / sizeof *number; i++) {
        double re = number[i][0], im = w->real ? 0 : number[i][1];

        gaussian(w, &m, re, im, a.scale);
        combine_two(want, p, degree, &m, 0, false);
        if (CHECK_OK(ckks_add_const(&out, &a, re, im)))
            check_ct(w, &out, want, degree, level, a.scale, "add_const");
        gaussian(w, &m, re, im, scale);
        for (int h = 0; h <= degree; h++)
            opoly_mul(&want[h], &p[h], &m);
        if (CHECK_OK(ckks_mul_const(&out, &a, re, im, scale)))
            check_ct(w, &out, want, degree, level, a.scale * scale,
                     "mul_const");
    }
    for (size_t i = 0; i < sizeof integer / sizeof *integer; i++) {
        mpz_set_si(factor, integer[i]);
        for (int h = 0; h <= degree; h++)
            opoly_scale(&want[h], &p[h], factor);
        if (CHECK_OK(ckks_mul_int(&out, &a, integer[i])))
            check_ct(w, &out, want, degree, level, a.scale, "mul_int");
    }
    ckks_ct_clear(&a);
    ckks_ct_clear(&out);
    polys_clear(p, 3);
    polys_clear(want, 3);
    opoly_clear(&m);
    mpz_clear(factor);
}

static void check_linear(world *w)
{
    for (int level = 0; level <= w->top; level += w->top > 0 ? w->top : 1)
        for (int degree = 1; degree <= 2; degree++) {
            check_add_sub(w, degree, 1, level);
            check_add_sub(w, degree, 2, level);
            check_plain(w, degree, level);
            check_const(w, degree, level);
            check_alternating(w, degree, level);
        }
}

TEST(oracle_linear_operations)
{
    every_world(check_linear);
}

/* want = the tensor product. */
static void tensor(opoly *want, const opoly *p, const opoly *q, opoly *t)
{
    opoly_mul(&want[0], &p[0], &q[0]);
    opoly_mul(&want[2], &p[1], &q[1]);
    opoly_mul(&want[1], &p[0], &q[1]);
    opoly_mul(t, &p[1], &q[0]);
    opoly_add(&want[1], &want[1], t);
}

static void check_mul(world *w)
{
    for (int level = w->top; level > 0; level--) {
        ckks_ct a = { 0 }, b = { 0 }, out = { 0 };
        opoly p[2], q[2], want[3], t;

        polys_init(w, p, 2);
        polys_init(w, q, 2);
        polys_init(w, want, 3);
        opoly_init(&t, w->o.n);
        random_ct(w, &a, 1, level);
        random_ct(w, &b, 1, level);
        read_ct(w, p, &a);
        read_ct(w, q, &b);
        tensor(want, p, q, &t);
        if (CHECK_OK(ckks_mul(&out, &a, &b)))
            check_ct(w, &out, want, 2, level, a.scale * b.scale, "mul");
        tensor(want, p, p, &t);
        if (CHECK_OK(ckks_square(&out, &a)))
            check_ct(w, &out, want, 2, level, a.scale * a.scale, "square");
        if (CHECK_OK(ckks_mul(&out, &a, &a)))
            check_ct(w, &out, want, 2, level, a.scale * a.scale, "mul a a");
        ckks_ct_clear(&a);
        ckks_ct_clear(&b);
        ckks_ct_clear(&out);
        polys_clear(p, 2);
        polys_clear(q, 2);
        polys_clear(want, 3);
        opoly_clear(&t);
    }
}

TEST(oracle_products)
{
    every_world(check_mul);
}

/* Squares added to words of degree 2, and to each other, the scale of the sum
 * as near to the square's as scales must be: it stays. */
static void check_add_square(world *w)
{
    for (int level = w->top; level >= 0; level--) {
        ckks_ct a = { 0 }, out = { 0 };
        opoly p[2], square[3], want[3], t;
        const double scale = TEST_SCALE * TEST_SCALE * (1 - 0x1p-33);

        polys_init(w, p, 2);
        polys_init(w, square, 3);
        polys_init(w, want, 3);
        opoly_init(&t, w->o.n);
        random_ct(w, &out, 2, level);
        out.scale = scale;
        read_ct(w, want, &out);
        for (int i = 0; i < 3; i++) {
            random_ct(w, &a, 1, level);
            read_ct(w, p, &a);
            tensor(square, p, p, &t);
            combine_two(want, want, 2, square, 2, false);
            if (CHECK_OK(ckks_add_square(&out, &a)))
                check_ct(w, &out, want, 2, level, scale, "add_square");
            check_ct(w, &a, p, 1, level, TEST_SCALE, "add_square's a");
            ckks_ct_clear(&a);
        }
        ckks_ct_clear(&out);
        polys_clear(p, 2);
        polys_clear(square, 3);
        polys_clear(want, 3);
        opoly_clear(&t);
    }
}

TEST(oracle_sums_of_squares)
{
    every_world(check_add_square);
}

/* ---- levels ------------------------------------------------------------- */

static void check_rescale(world *w, int degree, int level)
{
    ckks_ct a = { 0 }, out = { 0 };
    opoly p[3];
    mpz_t q;

    mpz_init(q);
    polys_init(w, p, 3);
    random_ct(w, &a, degree, level);
    a.scale = 0x1p14 * (double)w->o.prime[level];
    read_ct(w, p, &a);
    prime_mpz(q, w, level);
    for (int h = 0; h <= degree; h++)
        opoly_round_div(&p[h], &p[h], q);
    if (CHECK_OK(ckks_rescale(&out, &a)))
        check_ct(w, &out, p, degree, level - 1,
                 a.scale / (double)w->o.prime[level], "rescale");
    ckks_ct_clear(&a);
    ckks_ct_clear(&out);
    polys_clear(p, 3);
    mpz_clear(q);
}

static void check_drop(world *w, int degree, int level)
{
    ckks_ct a = { 0 }, out = { 0 };
    opoly p[3];

    polys_init(w, p, 3);
    random_ct(w, &a, degree, level);
    read_ct(w, p, &a);
    for (int to = 0; to <= level; to++)
        if (CHECK_OK(ckks_drop_level(&out, &a, to)))
            check_ct(w, &out, p, degree, to, a.scale, "drop_level");
    ckks_ct_clear(&a);
    ckks_ct_clear(&out);
    polys_clear(p, 3);
}

static void check_levels(world *w)
{
    for (int level = 0; level <= w->top; level++)
        for (int degree = 1; degree <= 2; degree++) {
            if (level > 0)
                check_rescale(w, degree, level);
            check_drop(w, degree, level);
        }
}

TEST(oracle_rescale_and_drop)
{
    every_world(check_levels);
}

/* ---- integer combinations ----------------------------------------------- */

enum { IN = 7, OUT = 6 };

/* Three blocks: of 3 rows and 5 terms, of one row and one term of weight 0, of
 * 2 rows and 7 terms; weights of every size the row sums allow. */
static void check_combine(world *w)
{
    const int32_t index[] = { 4, 0, 6, 1, 0, 6, 5, 4, 3, 2, 1, 0 };
    int32_t weight[3 * 5 + 2 * 7];
    const ckks_block block[] = { { 3, 3, 5, index, weight },
                                 { 2, 1, 1, index, weight },
                                 { 0, 2, 7, index + 5, weight + 15 } };

    for (int level = 0; level <= w->top; level++) {
        ckks_ct in[IN], out[OUT];
        const ckks_ct *pin[IN];
        ckks_ct *pout[OUT];
        opoly p[2 * IN], want[2];
        mpz_t f;

        mpz_init(f);
        memset(in, 0, sizeof in);
        memset(out, 0, sizeof out);
        polys_init(w, p, 2 * IN);
        polys_init(w, want, 2);
        for (int i = 0; i < IN; i++) {
            random_ct(w, &in[i], 1, level);
            read_ct(w, p + 2 * i, &in[i]);
            pin[i] = &in[i];
        }
        for (int i = 0; i < OUT; i++)
            pout[i] = &out[i];
        for (size_t i = 0; i < sizeof weight / sizeof *weight; i++)
            weight[i] = (int32_t)(test_word(&w->state) % (1 << 26))
                        - (1 << 25);
        weight[0] = weight[7] = 0;
        weight[1] = (1 << 25) - 1;
        if (!CHECK_OK(ckks_combine(pout, OUT, pin, IN, block, 3, 0x1p9)))
            return;
        for (size_t b = 0; b < 3; b++)
            for (size_t r = 0; r < block[b].rows; r++) {
                for (int h = 0; h < 2; h++) {
                    opoly_sub(&want[h], &want[h], &want[h]);
                    for (size_t k = 0; k < block[b].terms; k++) {
                        opoly term;

                        opoly_init(&term, w->o.n);
                        mpz_set_si(f,
                                   block[b].weight[r * block[b].terms + k]);
                        opoly_scale(&term, &p[2 * block[b].index[k] + h], f);
                        opoly_add(&want[h], &want[h], &term);
                        opoly_clear(&term);
                    }
                }
                check_ct(w, &out[block[b].first + r], want, 1, level, 0x1p9,
                         "combine");
            }
        for (int i = 0; i < IN; i++)
            ckks_ct_clear(&in[i]);
        for (int i = 0; i < OUT; i++)
            ckks_ct_clear(&out[i]);
        polys_clear(p, 2 * IN);
        polys_clear(want, 2);
        mpz_clear(f);
    }
}

/* Weight k of row r as a polynomial: a_0 + sum of a_i (X^(iM) + X^(-iM)). */
static void periodic_weight(world *w, opoly *out, const int32_t *a, int period)
{
    const size_t step = w->n / (size_t)period;

    opoly_sub(out, out, out);
    mpz_set_si(out->c[0], a[0]);
    for (size_t i = 1; i < (size_t)period; i++) {
        mpz_set_si(out->c[i * step], a[i]);
        mpz_set_si(out->c[w->o.n - i * step], -(long)a[i]);
    }
}

/* Against products of polynomials, for every period; 70 terms are more than
 * kernels add before they reduce, 9 rows more than they do together. */
static void check_periodic_at(world *w, int period, int level)
{
    enum { TERMS = 70, ROWS = 9, MOST = 16 };
    static int32_t index[TERMS], weight[ROWS * TERMS * MOST];
    const ckks_block block[] = { { 1, ROWS, TERMS, index, weight },
                                 { 0, 1, 3, index + 2, weight } };
    ckks_ct in[IN] = { 0 }, out[ROWS + 1] = { 0 };
    const ckks_ct *pin[IN];
    ckks_ct *pout[ROWS + 1];
    opoly p[2 * IN], want[2], of, product;

    opoly_init(&of, w->o.n);
    opoly_init(&product, w->o.n);
    polys_init(w, p, 2 * IN);
    polys_init(w, want, 2);
    for (int i = 0; i < IN; i++) {
        random_ct(w, &in[i], 1, level);
        read_ct(w, p + 2 * i, &in[i]);
        pin[i] = &in[i];
    }
    for (int i = 0; i <= ROWS; i++)
        pout[i] = &out[i];
    for (int k = 0; k < TERMS; k++)
        index[k] = (int32_t)(test_word(&w->state) % IN);
    for (int k = 0; k < ROWS * TERMS * period; k++)
        weight[k] = k % 5 == 0 ? 0 : (int32_t)(uint32_t)test_word(&w->state);
    if (!w->real)
        CHECK_STATUS(ckks_combine_periodic(pout, ROWS + 1, pin, IN, block, 2,
                                           period, 0x1p9), CKKS_EARG);
    else if (CHECK_OK(ckks_combine_periodic(pout, ROWS + 1, pin, IN, block, 2,
                                            period, 0x1p9)))
        for (size_t r = 0; r <= ROWS; r += ROWS) {
            const ckks_block *b = &block[r == 0];

            for (int h = 0; h < 2; h++) {
                opoly_sub(&want[h], &want[h], &want[h]);
                for (size_t k = 0; k < b->terms; k++) {
                    periodic_weight(w, &of, b->weight
                        + ((r - b->first) * b->terms + k) * (size_t)period,
                        period);
                    opoly_mul(&product, &p[2 * b->index[k] + h], &of);
                    opoly_add(&want[h], &want[h], &product);
                }
            }
            check_ct(w, &out[r], want, 1, level, 0x1p9, "combine_periodic");
        }
    for (int i = 0; i < IN; i++)
        ckks_ct_clear(&in[i]);
    for (int i = 0; i <= ROWS; i++)
        ckks_ct_clear(&out[i]);
    polys_clear(p, 2 * IN);
    polys_clear(want, 2);
    opoly_clear(&of);
    opoly_clear(&product);
}

static void check_periodic(world *w)
{
    for (int period = 1; period <= 16 && (size_t)period <= w->n / 8;
         period *= 4)
        if (w->n <= 128)        /* products of polynomials by definition     */
            check_periodic_at(w, period, period == 4 ? w->top : 0);
}

TEST(oracle_combinations)
{
    every_world(check_combine);
    every_world(check_periodic);
}
