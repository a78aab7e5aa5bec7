/* switch.c -- rows of operations that switch keys; more of the table.
 *
 * The digits of the operand are made and brought to all primes (NTTs and base
 * conversions), multiplied with the key (the inner products) and divided by P
 * (NTTs and base conversions again).
 */
#include "bench.h"
#include "plan/cost.h"

/* ---- work --------------------------------------------------------------- */

int bench_digits(const ckks_params *p, int level)
{
    int alpha = (p->num_primes + p->dnum - 1) / p->dnum;

    return level / alpha + 1;
}

bench_work bench_switch_work(const ckks_params *p, int level)
{
    const double digits = bench_digits(p, level), limbs = level + 1;
    const double specials = ckks_params_special_at(p, level);
    const double all = limbs + specials;
    const double n = (double)((size_t)1 << p->log_n);
    double bytes = 0;

    for (int i = 0; i < limbs + specials; i++)
        bytes += nni_word_bytes(i < limbs ? p->primes[i]
                                          : p->special[i - (int)limbs]);
    return (bench_work){
        .n = n, .layers = bench_layers(p->log_n, p->ring),
        .ntts = digits * all + 2 * (specials + limbs),
        .key_bytes = 2 * n * digits * bytes,
        .convert_limbs = digits * all - limbs + 2 * limbs,
        .inner_limbs = 2 * digits * all
    };
}

/* A key switching at the top level that touches so many polynomials. */
static bench_work row_switch(const bench *b, double polynomials)
{
    ckks_params p = { .log_n = ckks_ctx_log_n(b->w.ctx),
                      .ring = ckks_ctx_ring(b->w.ctx),
                      .num_primes = ckks_ctx_top_level(b->w.ctx) + 1,
                      .num_special = ckks_ctx_num_special(b->w.ctx),
                      .dnum = ckks_ctx_dnum(b->w.ctx) };
    bench_work w;

    for (int i = 0; i < p.num_primes; i++)
        p.primes[i] = ckks_ctx_prime(b->w.ctx, i);
    for (int i = 0; i < p.num_special; i++)
        p.special[i] = ckks_ctx_special(b->w.ctx, i);
    w = bench_switch_work(&p, ckks_ctx_top_level(b->w.ctx));
    w.bytes = bench_work_of(b, 0, polynomials).bytes;
    return w;
}

/* ---- keys --------------------------------------------------------------- */

static ckks_status make_key(ckks_keys **out, bench *b, ckks_key_kind kind,
                            int step)
{
    const ckks_key_request r = { kind, step, ckks_ctx_top_level(b->w.ctx) };

    return ckks_keys_init(out, &b->w.rng, b->w.sk, &r, 1);
}

static ckks_status call_keygen(bench *b)
{
    return make_key(&b->made, b, CKKS_KEY_ROTATE, 1);
}
static ckks_status ready_relin(bench *b)
{
    return b->relin != NULL ? CKKS_OK
                            : make_key(&b->relin, b, CKKS_KEY_RELIN, 0);
}

static ckks_status ready_rotate(bench *b)
{
    return b->rotate != NULL ? CKKS_OK
                             : make_key(&b->rotate, b, CKKS_KEY_ROTATE, 1);
}

static ckks_status ready_conj(bench *b)
{
    return b->conj != NULL ? CKKS_OK
                           : make_key(&b->conj, b, CKKS_KEY_CONJ, 0);
}

static ckks_status ready_hoist(bench *b)
{
    ckks_key_request r[BENCH_STEPS];

    if (b->hoist != NULL)
        return CKKS_OK;
    for (int k = 0; k < BENCH_STEPS; k++)
        r[k] = (ckks_key_request){ CKKS_KEY_ROTATE, b->step[k],
                                   ckks_ctx_top_level(b->w.ctx) };
    return ckks_keys_init(&b->hoist, &b->w.rng, b->w.sk, r, BENCH_STEPS);
}

/* ---- operations --------------------------------------------------------- */

static ckks_status call_relin(bench *b)
{
    return ckks_relin(&b->w.out, &b->square, b->relin);
}

static bench_work work_relin(const bench *b)
{
    return row_switch(b, 5);
}

static ckks_status call_mul_relin(bench *b)
{
    ckks_status s = ckks_mul(&b->two, &b->w.a, &b->w.b);

    return s == CKKS_OK ? ckks_relin(&b->w.out, &b->two, b->relin) : s;
}

static bench_work work_mul_relin(const bench *b)
{
    return row_switch(b, 7 + 5);
}

static ckks_status call_mul_relin_rescale(bench *b)
{
    ckks_status s = ckks_mul(&b->two, &b->w.a, &b->w.b);

    return s == CKKS_OK ? ckks_relin_rescale(&b->w.out, &b->two, b->relin) : s;
}

static ckks_status call_rotate(bench *b)
{
    return ckks_rotate(&b->w.out, &b->w.a, b->rotate, 1);
}

static ckks_status call_conj(bench *b)
{
    return ckks_conj(&b->w.out, &b->w.a, b->conj);
}

static bench_work work_rotate(const bench *b)
{
    return row_switch(b, 4);
}

static ckks_status call_hoist(bench *b)
{
    return ckks_rotate_hoisted(b->many, b->step, BENCH_STEPS, &b->w.a,
                               b->hoist);
}

/* The digits once, everything behind them for every step. */
static bench_work work_hoist(const bench *b)
{
    bench_work w = row_switch(b, 2 + 2 * BENCH_STEPS);
    const double down = 2 * (ckks_ctx_num_special(b->w.ctx) + bench_limbs(b));

    w.ntts += (BENCH_STEPS - 1) * down;
    w.convert_limbs += (BENCH_STEPS - 1) * 2 * bench_limbs(b);
    w.inner_limbs *= BENCH_STEPS;
    w.key_bytes *= BENCH_STEPS;
    return w;
}

static ckks_status call_sum(bench *b)
{
    const ckks_ct *in[BENCH_STEPS];

    for (int k = 0; k < BENCH_STEPS; k++)
        in[k] = k % 2 == 0 ? &b->w.a : &b->w.b;
    return ckks_rotate_sum(&b->w.out, in, b->step, BENCH_STEPS, b->hoist);
}

/* The digits for every term, the division once. */
static bench_work work_sum(const bench *b)
{
    bench_work w = row_switch(b, 2 * BENCH_STEPS + 2);
    const double down = 2 * (ckks_ctx_num_special(b->w.ctx) + bench_limbs(b));
    const double back = 2 * bench_limbs(b);

    w.ntts = BENCH_STEPS * (w.ntts - down) + down;
    w.convert_limbs = BENCH_STEPS * (w.convert_limbs - back) + back;
    w.inner_limbs *= BENCH_STEPS;
    w.key_bytes *= BENCH_STEPS;
    return w;
}

/* ---- the table ---------------------------------------------------------- */

static const bench_row switch_table[] = {
    { .name = "relin", .ready = ready_relin, .call = call_relin,
      .work = work_relin },
    { .name = "mul_relin", .ready = ready_relin, .call = call_mul_relin,
      .work = work_mul_relin },
    { .name = "mul_relin_rescale", .ready = ready_relin,
      .call = call_mul_relin_rescale, .work = work_mul_relin },
    { .name = "rotate", .ready = ready_rotate, .call = call_rotate,
      .work = work_rotate },
    { .name = "conj", .ready = ready_conj, .call = call_conj,
      .work = work_rotate },
    { .name = "hoist8", .ready = ready_hoist, .call = call_hoist,
      .work = work_hoist },
    { .name = "rotate_sum8", .ready = ready_hoist, .call = call_sum,
      .work = work_sum },
    { .name = "keygen", .call = call_keygen }
};

enum { SWITCH_COUNT = sizeof switch_table / sizeof switch_table[0] };

const bench_row *bench_switch_row_at(int i)
{
    return i < SWITCH_COUNT ? &switch_table[i] : NULL;
}
