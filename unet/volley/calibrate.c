/* calibrate.c -- `volley calibrate`: what the planner wants to know of this
 * machine (nn_machine), with public functions of libckks alone.
 *
 * Parameters are those of the networks that come along, and operands lie where
 * a network's do: limbs are taken in turn, ciphertexts are more than a cache
 * holds.  What cannot be called alone is what remains of a larger operation
 * once the costs already known are taken off.
 */
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "ckks_primitives.h"
#include "measure.h"

/* 128 bits of security; digits of six primes. */
static const measure_set calibrate_set = { 15, 11, 49, 47, 6, 49, 2,
                                           false };

enum { CAL_LIMBS = 48,                  /* taken in turn: 12 MiB             */
       CAL_PAGE = 4096, CAL_ROUNDS = 3,
       CAL_EQUATIONS = 3, CAL_STEPS = 4 };

static const int cal_step[CAL_STEPS] = { 1, 2, 1, 2 };

static const size_t cal_fresh_bytes = (size_t)1 << 30;
static const double cal_seconds = 0.15; /* for a measurement, in a round     */

typedef struct calibration {
    measure_world w;
    ckks_keys *relin, *rotate;
    uint64_t *limb;                     /* shape (CAL_LIMBS, N)              */
    uint64_t *out;                      /* shape (2, primes + special, N)    */
    size_t n;
    ckks_params params;
    int turn, level;
    const ckks_block *block;            /* of the product that is measured   */
    size_t blocks, inputs;
} calibration;

/* The next limb, so that none is near when its turn comes. */
static uint64_t *cal_limb(calibration *c)
{
    c->turn = (c->turn + 1) % CAL_LIMBS;
    return c->limb + (size_t)c->turn * c->n;
}

/* ---- calls -------------------------------------------------------------- */

static ckks_status cal_forward(void *on)
{
    calibration *c = on;

    return ckks_ntt(cal_limb(c), c->w.ctx, 1);
}

static ckks_status cal_inverse(void *on)
{
    calibration *c = on;

    return ckks_ntt_inverse(cal_limb(c), c->w.ctx, 1);
}

/* A whole check of the words, refused at the last one. */
static ckks_status cal_check(void *on)
{
    calibration *c = on;
    uint64_t *x = cal_limb(c), kept = x[c->n - 1];
    ckks_status s;

    x[c->n - 1] = UINT64_MAX;
    s = ckks_ntt(x, c->w.ctx, 1);
    x[c->n - 1] = kept;
    return s == CKKS_EARG ? CKKS_OK : CKKS_EARG;
}

static ckks_status cal_convert(void *on)
{
    calibration *c = on;

    return ckks_convert(c->out, c->limb, c->w.ctx, c->level, 0);
}

static ckks_status cal_product(void *on)
{
    calibration *c = on;

    return ckks_key_product(c->out, c->limb, c->level, c->relin,
                            CKKS_KEY_RELIN, 0);
}

static ckks_status cal_sum(void *on)
{
    calibration *c = on;
    const ckks_ct *in[CAL_STEPS] = { &c->w.a, &c->w.b, &c->w.a, &c->w.b };

    return ckks_rotate_sum(&c->w.out, in, cal_step, CAL_STEPS, c->rotate);
}

static ckks_status cal_add(void *on)
{
    calibration *c = on;

    c->turn = (c->turn + 1) % CAL_LIMBS;
    return ckks_add(&c->w.out, &c->w.in[c->turn],
                    &c->w.in[c->turn + CAL_LIMBS]);
}

static ckks_status cal_combine(void *on)
{
    calibration *c = on;
    const ckks_ct *in[MEASURE_IN];
    ckks_ct *sum[MEASURE_OUT];
    size_t outputs = 0;

    for (int k = 0; k < MEASURE_IN; k++)
        in[k] = &c->w.in[k];
    for (int k = 0; k < MEASURE_OUT; k++)
        sum[k] = &c->w.sum[k];
    for (size_t k = 0; k < c->blocks; k++)
        outputs += c->block[k].rows;
    return ckks_combine(sum, outputs, in, c->inputs, c->block, c->blocks,
                        c->w.a.scale);
}

/* Seconds of a call: the median of the best round. */
static ckks_status cal_time(double *out, calibration *c, measure_call call)
{
    measure_time best = {0};
    ckks_status s = CKKS_OK;

    for (int i = 0; i < CAL_ROUNDS && s == CKKS_OK; i++) {
        measure_time now = {0};

        s = measure(&now, call, c, cal_seconds, 3);
        if (s == CKKS_OK)
            measure_keep_best(&best, &now);
    }
    *out = best.median;
    return s;
}

/* ---- costs -------------------------------------------------------------- */

/* Page after page of memory that this process has never used, as a network's
 * first set of images does. */
static int cal_fresh(double *cost)
{
    double start = volley_clock();
    unsigned char *p = malloc(cal_fresh_bytes);
    volatile unsigned char *touch = p;

    if (p == NULL)
        return volley_fail("no memory for %zu bytes", cal_fresh_bytes);
    for (size_t i = 0; i < cal_fresh_bytes; i += CAL_PAGE)
        touch[i] = 1;
    *cost = 8 * (volley_clock() - start) / (double)cal_fresh_bytes;
    free(p);
    return VOLLEY_DONE;
}

/* What both NTTs cost; *check: of a word. */
static ckks_status cal_limbs(nn_machine *m, double *check, calibration *c)
{
    const double words = (double)c->n;
    const double layers = 0.5 * ckks_ctx_log_n(c->w.ctx);
    double t[3] = {0};
    ckks_status s = cal_time(&t[0], c, cal_check);

    if (s == CKKS_OK)
        s = cal_time(&t[1], c, cal_forward);
    if (s == CKKS_OK)
        s = cal_time(&t[2], c, cal_inverse);
    *check = t[0] / words;
    m->cost[NN_FORWARD] = (t[1] - t[0]) / words / layers;
    m->cost[NN_INVERSE] = (t[2] - t[0]) / words / layers;
    return s;
}

/* The same digit brought to eleven primes and to six. */
static ckks_status cal_conversion(nn_machine *m, calibration *c)
{
    const int top = ckks_ctx_top_level(c->w.ctx);
    const int digit = (top + 2) / 2;            /* primes of digit 0         */
    double all = 0, few = 0;
    ckks_status s;

    c->level = top;
    s = cal_time(&all, c, cal_convert);
    c->level = digit - 1;
    if (s == CKKS_OK)
        s = cal_time(&few, c, cal_convert);
    m->cost[NN_CONVERT] = (all - few)
                          / (digit * (double)(top + 1 - digit))
                          / (double)c->n;
    return s;
}

/* Three products, three unknowns: terms, inputs, outputs. */
static ckks_status cal_matrix(nn_machine *m, calibration *c)
{
    ckks_block block[MEASURE_BLOCKS];
    /* inputs, blocks, terms of each */
    static const size_t shape[CAL_EQUATIONS][3] = {
        { MEASURE_IN, MEASURE_BLOCKS, MEASURE_TERMS }, { MEASURE_IN, 1, 8 },
        { 8, MEASURE_BLOCKS, 8 } };
    const double words = 2.0 * (MEASURE_LEVEL + 1) * (double)c->n;
    const double rows = MEASURE_CHANNELS;
    double t[CAL_EQUATIONS] = {0}, wide, terms, inputs;
    ckks_status s = CKKS_OK;

    for (int i = 0; i < CAL_EQUATIONS && s == CKKS_OK; i++) {
        for (size_t k = 0; k < MEASURE_BLOCKS; k++)
            block[k] = (ckks_block){
                .first = k * MEASURE_CHANNELS, .rows = MEASURE_CHANNELS,
                .terms = shape[i][2], .weight = c->w.weight,
                .index = i < 2 ? c->w.index + k * MEASURE_TERMS : c->w.index };
        c->block = block;
        c->inputs = shape[i][0];
        c->blocks = shape[i][1];
        s = cal_time(&t[i], c, cal_combine);
        t[i] /= words;
    }
    c->block = NULL;
    /* t0 = 96 in + 32 * 72 term + 32 out, t1 = 96 in + 8 * 8 term + 8 out,
     * t2 = 8 in + 32 * 8 term + 32 out: t0 - t2 has no outputs, 4 t1 - t2 has
     * neither outputs nor terms */
    wide = MEASURE_BLOCKS * t[1] - t[2];
    inputs = wide / (MEASURE_BLOCKS * MEASURE_IN - 8);
    terms = (t[0] - t[2] - (MEASURE_IN - 8) * inputs)
            / (MEASURE_BLOCKS * rows * (MEASURE_TERMS - 8));
    m->cost[NN_PACK] = inputs;
    m->cost[NN_TERM] = terms;
    m->cost[NN_REDUCE] = (t[2] - 8 * inputs) / (MEASURE_BLOCKS * rows)
                         - 8 * terms;
    return s;
}

/* Ciphertexts of the level at which the integer product is measured. */
static ckks_status cal_ciphertexts(calibration *c)
{
    ckks_status s = CKKS_OK;

    for (int k = 0; k < MEASURE_IN && s == CKKS_OK; k++)
        s = ckks_drop_level(&c->w.in[k], &c->w.a, MEASURE_LEVEL);
    return s;
}

static ckks_status cal_passes(nn_machine *m, calibration *c)
{
    double t = 0;
    ckks_status s = cal_time(&t, c, cal_add);

    m->cost[NN_PASS] = t / (3 * 2 * (MEASURE_LEVEL + 1) * (double)c->n);
    return s;
}

static ckks_status cal_keys(calibration *c)
{
    const int top = ckks_ctx_top_level(c->w.ctx);
    const ckks_key_request r[3] = { { CKKS_KEY_RELIN, 0, top },
                                    { CKKS_KEY_ROTATE, cal_step[0], top },
                                    { CKKS_KEY_ROTATE, cal_step[1], top } };
    ckks_status s = ckks_keys_init(&c->relin, &c->w.rng, c->w.sk, r, 1);

    if (s == CKKS_OK)
        s = ckks_keys_init(&c->rotate, &c->w.rng, c->w.sk, r + 1, 2);
    return s;
}

/* Inner products: what remains of mod-up with them; check: of a word. */
static ckks_status cal_inner(nn_machine *m, calibration *c, double check)
{
    const int top = ckks_ctx_top_level(c->w.ctx);
    const nn_switching known = { .level = top, .xs = 1 };
    const double limbs = top + 1, all = limbs + ckks_ctx_num_special(c->w.ctx);
    double t = 0, words;
    ckks_status s;

    c->level = top;
    s = cal_time(&t, c, cal_product);
    words = ckks_ctx_dnum(c->w.ctx) * all * (double)c->n;
    t -= nn_switch_seconds(&known, &c->params, m)
         + (limbs * check + 4 * all * m->cost[NN_PASS]) * (double)c->n;
    m->cost[NN_INNER] = t / words;
    return s;
}

/* Permutations: what remains of a sum of rotations. */
static ckks_status cal_permute(nn_machine *m, calibration *c)
{
    const int top = ckks_ctx_top_level(c->w.ctx);
    const nn_switching known = { .level = top, .xs = CAL_STEPS,
                                  .terms = CAL_STEPS, .pairs = 1 };
    const double words = CAL_STEPS * (top + 1.0) * (double)c->n;
    double t = 0;
    ckks_status s = cal_time(&t, c, cal_sum);

    m->cost[NN_PERMUTE] = (t - nn_switch_seconds(&known, &c->params, m))
                          / words;
    return s;
}

/* ---- all of it ---------------------------------------------------------- */

static ckks_status cal_init(calibration *c, const char *kernel)
{
    const size_t primes = (size_t)calibrate_set.num_primes
                          + (size_t)calibrate_set.num_special;
    ckks_status s = measure_init(&c->w, &calibrate_set, kernel);

    if (s != CKKS_OK)
        return s;
    measure_params(&c->params, &calibrate_set, kernel);
    c->n = (size_t)measure_n(&c->w);
    c->limb = malloc(CAL_LIMBS * c->n * sizeof *c->limb);
    c->out = calloc(2 * primes * c->n, sizeof *c->out);
    if (c->limb == NULL || c->out == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %d limbs", CAL_LIMBS);
    /* small enough for every prime, and no two alike */
    for (size_t i = 0; i < CAL_LIMBS * c->n; i++)
        c->limb[i] = (c->w.limb[i % c->n] + i) >> 1;
    return nn_relay(cal_ciphertexts(c), NULL);
}

static ckks_status cal_all(nn_machine *m, calibration *c)
{
    double check = 0;
    ckks_status s = cal_limbs(m, &check, c);

    if (s == CKKS_OK)
        s = cal_conversion(m, c);
    if (s == CKKS_OK)
        s = cal_passes(m, c);
    if (s == CKKS_OK)
        s = cal_keys(c);
    if (s == CKKS_OK)
        s = cal_inner(m, c, check);
    if (s == CKKS_OK)
        s = cal_permute(m, c);
    if (s == CKKS_OK)
        s = cal_matrix(m, c);
    return s;
}

/* What a kernel does so fast, or not at all, that it is lost in the errors of
 * the rest counts as next to nothing: a cost is > 0. */
static void cal_floor(nn_machine *m)
{
    for (int i = 0; i < NN_COSTS; i++)
        if (!(m->cost[i] > 1e-12))
            m->cost[i] = 1e-12;
}

static int cal_write(const nn_machine *m, const char *path)
{
    char *text = NULL;
    size_t size = 0;
    int code = volley_check(nn_machine_save(&text, &size, m));

    if (code == VOLLEY_DONE && path != NULL)
        code = volley_write(path, text, size, 0644);
    else if (code == VOLLEY_DONE && fwrite(text, 1, size, stdout) != size)
        code = volley_fail("standard output takes no more");
    free(text);
    return code;
}

static int cal_run(calibration *c, const char *kernel, const char *out_path)
{
    nn_machine m = {0};
    int code;

    snprintf(m.kernel, sizeof m.kernel, "%s", kernel);
    code = cal_fresh(&m.cost[NN_FRESH]);
    if (code == VOLLEY_DONE)
        code = volley_check(cal_init(c, kernel));
    if (code == VOLLEY_DONE)
        code = volley_check(cal_all(&m, c));
    cal_floor(&m);
    return code == VOLLEY_DONE ? cal_write(&m, out_path) : code;
}

/* One thread, the best kernel or CKKS_KERNEL's. */
int volley_run_calibrate(const volley_args *a)
{
    const char *only = getenv("CKKS_KERNEL"), *out_path = a->value[OPT_OUT];
    calibration *c;
    nn_machine here;
    int code;

    if (a->threads > 1)
        return volley_usage("calibrate: on one thread alone, not on %d",
                            a->threads);
    if (only != NULL && only[0] != '\0' && !measure_has_kernel(only))
        return volley_check_ckks(CKKS_EPARAM, "CKKS_KERNEL");
    code = volley_check(nn_machine_default(&here, NULL));
    if (code == VOLLEY_DONE && out_path != NULL)
        code = volley_check_place(out_path);
    if (code != VOLLEY_DONE)
        return code;
    c = calloc(1, sizeof *c);
    if (c == NULL)
        return volley_fail("no memory");
#ifdef _OPENMP
    omp_set_num_threads(1);
#endif
    code = cal_run(c, here.kernel, out_path);
    ckks_keys_clear(&c->relin);
    ckks_keys_clear(&c->rotate);
    measure_clear(&c->w);
    free(c->limb);
    free(c->out);
    free(c);
    return code;
}
