/* rows.c -- the table: one measurement of an operation is one row.
 *
 * A row's call gets operands that are made already and leaves them as they
 * are, so that rows can be measured alone and in any order.  Its work is what
 * the cost lines of ckks.h say, for operands at the top level.
 */
#include "ckks_primitives.h"
#include "bench.h"

/* ---- work --------------------------------------------------------------- */

double bench_limbs(const bench *b)
{
    return ckks_ctx_top_level(b->w.ctx) + 1;
}

double bench_n(const bench *b)
{
    return (double)((size_t)1 << ckks_ctx_log_n(b->w.ctx));
}

double bench_layers(int log_n, int ring)
{
    return log_n + (ring == CKKS_RING_REAL);
}

bench_work bench_work_of(const bench *b, double ntts, double polynomials)
{
    const double limb_bytes = 8 * bench_n(b);

    return (bench_work){ .n = bench_n(b),
                         .layers = bench_layers(ckks_ctx_log_n(b->w.ctx),
                                                ckks_ctx_ring(b->w.ctx)),
                         .ntts = ntts,
                         .bytes = limb_bytes * bench_limbs(b) * polynomials };
}

/* ---- single transforms -------------------------------------------------- */

static ckks_status call_ntt(bench *b)
{
    return ckks_ntt(b->w.limb, b->w.ctx, 1);
}

static ckks_status call_ntt_inverse(bench *b)
{
    return ckks_ntt_inverse(b->w.limb, b->w.ctx, 1);
}

/* ckks_ntt checks all words before it transforms them.  With one word too
 * large it stops there: at the last one after the whole check, at the first
 * one at once; what lies between is the check alone. */
static ckks_status call_refused(bench *b)
{
    return ckks_ntt(b->bad, b->w.ctx, 1) == CKKS_EARG ? CKKS_OK : CKKS_EARG;
}

static ckks_status time_check(double *seconds, bench *b)
{
    const size_t place[2] = { (size_t)bench_n(b) - 1, 0 };
    measure_time t[2] = {{0}};
    ckks_status s = CKKS_OK;

    for (int i = 0; i < 2 && s == CKKS_OK; i++) {
        uint64_t kept = b->bad[place[i]];

        b->bad[place[i]] = UINT64_MAX;
        s = bench_measure(&t[i], call_refused, b, 0.01, 9);
        b->bad[place[i]] = kept;
    }
    *seconds = t[0].median > t[1].median ? t[0].median - t[1].median : 0;
    return s;
}

static bench_work work_ntt(const bench *b)
{
    return bench_work_of(b, 1, 0);
}

/* ---- plaintexts and encryption ------------------------------------------ */

static ckks_status call_encode(bench *b)
{
    return ckks_encode(&b->pt_out, b->w.ctx, b->w.re, b->w.im,
                       ckks_ctx_slots(b->w.ctx), b->w.pt.level, b->w.pt.scale);
}

static bench_work work_encode(const bench *b)
{
    return bench_work_of(b, bench_limbs(b), 1);
}

static ckks_status call_decode(bench *b)
{
    return ckks_decode(b->re_out, b->im_out, ckks_ctx_slots(b->w.ctx), &b->w.pt);
}

static ckks_status ready_pk(bench *b)
{
    return b->pk != NULL ? CKKS_OK : ckks_pk_init(&b->pk, &b->w.rng, b->w.sk);
}

static ckks_status call_encrypt(bench *b)
{
    return ckks_encrypt(&b->w.out, &b->w.rng, &b->w.pt, b->pk);
}

static ckks_status call_encrypt_sk(bench *b)
{
    return ckks_encrypt_sk(&b->w.out, &b->w.rng, &b->w.pt, b->w.sk);
}

static ckks_status call_decrypt(bench *b)
{
    return ckks_decrypt(&b->pt_out, &b->w.a, b->w.sk);
}

static bench_work work_four(const bench *b)
{
    return bench_work_of(b, 0, 4);
}

/* ---- limb by limb ------------------------------------------------------- */

static ckks_status call_add(bench *b)
{
    return ckks_add(&b->w.out, &b->w.a, &b->w.b);
}

static ckks_status call_sub(bench *b)
{
    return ckks_sub(&b->w.out, &b->w.a, &b->w.b);
}

static bench_work work_six(const bench *b)
{
    return bench_work_of(b, 0, 6);
}

static ckks_status call_add_plain(bench *b)
{
    return ckks_add_plain(&b->w.out, &b->w.a, &b->w.pt);
}

static ckks_status call_mul_plain(bench *b)
{
    return ckks_mul_plain(&b->w.out, &b->w.a, &b->w.pt);
}

static bench_work work_five(const bench *b)
{
    return bench_work_of(b, 0, 5);
}

static ckks_status call_add_const(bench *b)
{
    return ckks_add_const(&b->w.out, &b->w.a, 0.37, 0);
}

static ckks_status call_mul_const(bench *b)
{
    return ckks_mul_const(&b->w.out, &b->w.a, 0.37, 0, 0x1p40);
}

static ckks_status call_mul_int(bench *b)
{
    return ckks_mul_int(&b->w.out, &b->w.a, 1789);
}

static ckks_status call_mul(bench *b)
{
    return ckks_mul(&b->two, &b->w.a, &b->w.b);
}

static bench_work work_seven(const bench *b)
{
    return bench_work_of(b, 0, 7);
}

static ckks_status call_square(bench *b)
{
    return ckks_square(&b->two, &b->w.a);
}

static ckks_status call_rescale(bench *b)
{
    return ckks_rescale(&b->w.out, &b->wide);
}

static bench_work work_rescale(const bench *b)
{
    return bench_work_of(b, 2 * bench_limbs(b), 4);
}

/* ---- the integer matrix product ----------------------------------------- */

static ckks_status ready_matmul(bench *b)
{
    const int top = ckks_ctx_top_level(b->w.ctx);
    const int level = top < MEASURE_LEVEL ? top : MEASURE_LEVEL;
    ckks_pt pt = {0};
    ckks_status s = CKKS_OK;

    if (b->w.in[MEASURE_IN - 1].limb != NULL)
        return CKKS_OK;
    s = ckks_encode(&pt, b->w.ctx, b->w.re, b->w.im, ckks_ctx_slots(b->w.ctx), level,
                    b->w.pt.scale);
    for (int k = 0; k < MEASURE_IN && s == CKKS_OK; k++)
        s = ckks_encrypt_sk(&b->w.in[k], &b->w.rng, &pt, b->w.sk);
    ckks_pt_clear(&pt);
    return s;
}

static ckks_status call_matmul(bench *b)
{
    ckks_block block[MEASURE_BLOCKS];
    const ckks_ct *in[MEASURE_IN];
    ckks_ct *out[MEASURE_OUT];

    for (int k = 0; k < MEASURE_IN; k++)
        in[k] = &b->w.in[k];
    for (int k = 0; k < MEASURE_OUT; k++)
        out[k] = &b->w.sum[k];
    for (size_t k = 0; k < MEASURE_BLOCKS; k++)
        block[k] = (ckks_block){ k * MEASURE_CHANNELS, MEASURE_CHANNELS,
                                 MEASURE_TERMS, b->w.index + k * MEASURE_TERMS,
                                 b->w.weight
                                     + k * MEASURE_CHANNELS * MEASURE_TERMS };
    return ckks_combine(out, MEASURE_OUT, in, MEASURE_IN, block, MEASURE_BLOCKS,
                        b->w.pt.scale);
}

static bench_work work_matmul(const bench *b)
{
    const double words = 2 * bench_n(b) * (b->w.in[0].level + 1);

    return (bench_work){ .terms = words * MEASURE_TERMS * MEASURE_OUT,
                         .bytes = 8 * words * (MEASURE_IN + MEASURE_OUT) };
}

/* ---- bytes -------------------------------------------------------------- */

static ckks_status call_save(bench *b)
{
    return ckks_ct_save(b->file, b->file_size, &b->wide);
}

static ckks_status call_load(bench *b)
{
    return ckks_ct_load(&b->w.out, b->w.ctx, b->file, b->file_size);
}

/* ---- the table ---------------------------------------------------------- */

static const bench_row row_table[] = {
    { .name = "ntt_fwd", .call = call_ntt, .besides = time_check,
      .work = work_ntt, .alone = true },
    { .name = "ntt_inv", .call = call_ntt_inverse, .besides = time_check,
      .work = work_ntt, .alone = true },
    { .name = "encode", .call = call_encode, .work = work_encode },
    { .name = "decode", .call = call_decode },
    { .name = "encrypt_sk", .call = call_encrypt_sk },
    { .name = "encrypt", .ready = ready_pk, .call = call_encrypt },
    { .name = "decrypt", .call = call_decrypt, .work = work_four },
    { .name = "add", .call = call_add, .work = work_six },
    { .name = "sub", .call = call_sub, .work = work_six },
    { .name = "add_plain", .call = call_add_plain, .work = work_five },
    { .name = "mul_plain", .call = call_mul_plain, .work = work_five },
    { .name = "add_const", .call = call_add_const, .work = work_four },
    { .name = "mul_const", .call = call_mul_const, .work = work_four },
    { .name = "mul_int", .call = call_mul_int, .work = work_four },
    { .name = "mul", .call = call_mul, .work = work_seven },
    { .name = "square", .call = call_square, .work = work_five },
    { .name = "rescale", .call = call_rescale, .work = work_rescale },
    { .name = "matmul", .ready = ready_matmul, .call = call_matmul,
      .work = work_matmul },
    { .name = "save", .call = call_save },
    { .name = "load", .ready = call_save, .call = call_load }
};

enum { ROW_COUNT = sizeof row_table / sizeof row_table[0] };

const bench_row *bench_row_at(int i)
{
    return i < ROW_COUNT ? &row_table[i] : bench_switch_row_at(i - ROW_COUNT);
}
