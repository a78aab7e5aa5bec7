/* test_plan_refuse.c -- what is refused, and how: aims, ranges, networks, plans
 * of other models, calls of nn_run. */
#include "net_support.h"

#include <ctype.h>
#include <math.h>

/* ---- aims --------------------------------------------------------------- */

/* The planner refuses; the message holds `word`, and a number if it is about
 * one; the plan is left as it was. */
static void check_refused(const nn_model *m, const nn_aim *aim,
                          const char *word, bool number)
{
    nn_plan *p = malloc(sizeof *p), *before = malloc(sizeof *before);
    const char *text;
    bool digit = false;

    if (CHECK(p != NULL && before != NULL, "no memory")) {
        memset(p, 0x5a, sizeof *p);
        memcpy(before, p, sizeof *p);
        NN_STATUS(nn_plan_make(p, m, aim), CKKS_EPARAM);
        text = nn_last_error();
        for (const char *c = text; *c != '\0'; c++)
            digit |= isdigit((unsigned char)*c) != 0;
        CHECK(strstr(text, word) != NULL && (digit || !number),
              "want \"%s\" in: %s", word, text);
        CHECK(memcmp(p, before, sizeof *p) == 0, "%s: plan changed", word);
    }
    free(p);
    free(before);
}

TEST(plan_refuses_aims)
{
    static const struct { const char *net; rig_shape s; nn_aim aim;
                          const char *word; } bad[] = {
        { "unet 3", { NN_HALO, 0, 0, 0, 16, 16, 1, 0, NN_SLOTS_ANY }, { .log_n = 13 },
          "depth" },
        { "unet 1", { NN_HALO, 0, 0, 0, 16, 16, 1, 0, NN_SLOTS_ANY }, { .log_n = 11 },
          "log2(QP)" },
        { "unet 1", { NN_HALO, 0, 0, 0, 16, 16, 1, 0, NN_SLOTS_ANY }, { .security = 100 },
          "100 bits of security" },
        { "unet 1", { NN_HALO, 0, 0, 0, 16, 16, 1, 0, NN_SLOTS_ANY },
          { .security = 256, .log_n = 13 }, "256 bits of security" },
        { "unet 1", { NN_HALO, 0, 0, 0, 16, 16, 1, 0, NN_SLOTS_ANY },
          { .max_memory = 1 << 20 }, "MiB" },
        { "conv3", { NN_HALO, 0, 0, 0, 64, 64, 1, 0, NN_SLOTS_ANY },
          { .security = CKKS_INSECURE, .log_n = 6, .ring_y = 2, .ring_x = 2 },
          "slots" },
        { "conv3", { NN_ZERO, 0, 0, 0, 16, 16, 1, 0, NN_SLOTS_ANY },
          { .security = CKKS_INSECURE, .log_n = 6, .ring_y = 2, .ring_x = 2 },
          "a grid of 9 x 9" },
        { "conv3", { NN_WRAP, 0, 2, 2, 8, 16, 1, 0, NN_SLOTS_ANY },
          { .security = CKKS_INSECURE, .log_n = 7 }, "border wrap" },
        { "conv3", { NN_WRAP, 0, 2, 2, 8, 16, 1, 0, NN_SLOTS_ANY },
          { .security = CKKS_INSECURE, .log_n = 6, .ring_y = 4, .ring_x = 4 },
          "height 2" },
        { "conv3", { NN_WRAP, 0, 2, 2, 8, 16, 1, 0, NN_SLOTS_ANY },
          { .security = CKKS_INSECURE, .log_n = 6, .height = 16 },
          "takes 8 x 16" },
        { "conv3", { NN_WRAP, 0, 1, 1, 6, 6, 1, 0, NN_SLOTS_ANY },
          { .security = CKKS_INSECURE, .log_n = 7 }, "border wrap" },
        { "conv3", { NN_HALO, 0, 0, 0, 8, 8, 1, 0, NN_SLOTS_ANY }, { .log_n = 40 },
          "2^40" },
        { "conv3", { NN_HALO, 0, 0, 0, 8, 8, 1, 0, NN_SLOTS_ANY }, { .log_n = -3 },
          "2^-3" },
        { "conv3", { NN_HALO, 0, 0, 0, 8, 8, 1, 0, NN_SLOTS_ANY },
          { .ring_y = 1 << 30, .ring_x = 2 }, "ring" },
        { "conv3", { NN_HALO, 0, 0, 0, 8, 8, 1, 0, NN_SLOTS_ANY },
          { .height = 2147483647, .width = 1 }, "tile" },
        { "conv3", { NN_HALO, 0, 0, 0, 8, 8, 1, 0, NN_SLOTS_ANY }, { .max_batch = -1 },
          "batch -1" }
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        nn_model m = { 0 };

        if (rig_model(&m, &bad[i].s, net_kind_named(bad[i].net)->build))
            check_refused(&m, &bad[i].aim, bad[i].word, true);
        nn_model_clear(&m);
    }
}

TEST(plan_refuses_null)
{
    nn_plan *p = calloc(1, sizeof *p);
    nn_model m = { 0 };

    if (CHECK(p != NULL, "no memory")) {
        NN_STATUS(nn_plan_make(NULL, &m, NULL), CKKS_EARG);
        NN_STATUS(nn_plan_make(p, NULL, NULL), CKKS_EARG);
    }
    free(p);
}

/* What was measured of a layer is not there, or is no number. */
TEST(plan_refuses_missing_ranges)
{
    static const rig_shape s = { NN_HALO, 6, 2, 2, 4, 4, 1, 0, NN_SLOTS_ANY };
    static const double bad[] = { NAN, INFINITY, -1 };
    nn_aim aim = rig_aim(&s);

    for (int i = 0; i < 9; i++) {
        nn_model m = { 0 };

        if (rig_model(&m, &s, net_kind_named("conv3")->build)) {
            nn_range *r = &m.layer[m.num_layers - 1].range;

            *(i % 3 == 0 ? &r->max : i % 3 == 1 ? &r->rms : &r->gain) =
                bad[i / 3];
            check_refused(&m, &aim, "range is missing or no number", false);
        }
        nn_model_clear(&m);
    }
}

/* An error that leaves nothing of the result. */
TEST(plan_refuses_useless_results)
{
    static const rig_shape s = { NN_HALO, 11, 2, 2, 16, 16, 1, 0,
                                 NN_SLOTS_ANY };
    nn_aim aim = rig_aim(&s);
    nn_model m = { 0 };

    if (rig_model(&m, &s, net_kind_named("unet 1")->build)) {
        for (int j = 0; j < m.num_layers; j++)
            m.layer[j].range.gain = 1e7;
        check_refused(&m, &aim, "would say nothing", true);
    }
    nn_model_clear(&m);
}

/* Labels: the one that is parted least from the others decides, not the size of
 * the logits; where it is parted little, a plan is more precise. */
TEST(plan_weighs_labels)
{
    static const rig_shape s = { NN_HALO, 11, 2, 2, 16, 16, 1, 0,
                                 NN_SLOTS_ANY };
    nn_aim aim = rig_aim(&s);
    nn_plan *p = calloc(2, sizeof *p);
    nn_model m = { 0 };

    if (CHECK(p != NULL, "no memory")
        && rig_model(&m, &s, net_kind_named("labels 4")->build)
        && NN_OK(nn_plan_make(&p[0], &m, &aim))) {
        CHECK(p->num_labels == 4 && p->label_max[1] == m.label_max[1]
                  && strcmp(p->label_name[3], "part 3") == 0
                  && nn_plan_logits(p) == 4 * (size_t)p->layout.height
                                            * (size_t)p->layout.width,
              "%d labels", p->num_labels);
        m.label_margin[2] = 1.9 * p->error_sd;
        if (NN_OK(nn_plan_make(&p[1], &m, &aim)))
            CHECK(p[1].error_sd < p[0].error_sd / 2, "error %.3g, before %.3g",
                  p[1].error_sd, p[0].error_sd);
        m.label_margin[2] = 0;
        check_refused(&m, &aim, "label 2 (part 2)", true);
        m.label_margin[2] = NAN;
        check_refused(&m, &aim, "label 2 (part 2): its range", true);
    }
    nn_model_clear(&m);
    free(p);
}

/* The least memory that a refusal names is enough, a MiB less is not, and the
 * plan says what it costs in precision. */
TEST(plan_names_the_least_memory)
{
    static const rig_shape s = { NN_HALO, 0, 0, 0, 32, 32, 1, 0,
                                 NN_SLOTS_ANY };
    nn_aim aim = { .max_memory = 1 << 20 };
    nn_plan *p = calloc(1, sizeof *p);
    nn_model m = { 0 };
    const char *at;
    long least = 0;

    if (CHECK(p != NULL, "no memory")
        && rig_model(&m, &s, net_kind_named("unet 1")->build)) {
        NN_STATUS(nn_plan_make(p, &m, &aim), CKKS_EPARAM);
        at = strstr(nn_last_error(), "needs is ");
        if (CHECK(at != NULL, "%s", nn_last_error()))
            least = strtol(at + 9, NULL, 10);
        aim.max_memory = (size_t)least << 20;
        if (NN_OK(nn_plan_make(p, &m, &aim)))
            CHECK(p->peak_bytes <= (double)aim.max_memory
                      && p->free_error_sd > 0, "peak %.0f of %zu",
                  p->peak_bytes, aim.max_memory);
        aim.max_memory = (size_t)(least - 1) << 20;
        check_refused(&m, &aim, "MiB", true);
    }
    nn_model_clear(&m);
    free(p);
}

/* Values that no modulus holds. */
TEST(plan_refuses_ranges)
{
    static const rig_shape s = { NN_HALO, 6, 2, 2, 4, 4, 1, 0, NN_SLOTS_ANY };
    static const char *const net[] = { "square", "conv3", "quadratic" };
    nn_aim aim = rig_aim(&s);

    for (int i = 0; i < 3; i++) {
        nn_model m = { 0 };

        if (rig_model(&m, &s, net_kind_named(net[i])->build)) {
            for (int j = 0; j < m.num_layers; j++)
                m.layer[j].range.max = 1e25;
            check_refused(&m, &aim, "values up to", true);
        }
        nn_model_clear(&m);
    }
}

/* A flat quadratic is squared far from 0: (x + b/2a)^2 must fit. */
TEST(plan_counts_the_shift_of_a_quadratic)
{
    static const rig_shape s = { NN_HALO, 6, 2, 2, 4, 4, 1, 0, NN_SLOTS_ANY };
    nn_model m = { 0 };
    nn_aim aim = rig_aim(&s);

    if (rig_model(&m, &s, net_kind_named("quadratic")->build))
        for (int i = 0; i < m.num_layers; i++)
            if (m.layer[i].op == NN_QUADRATIC) {
                *(float *)(uintptr_t)m.layer[i].a = 1e-12f;
                check_refused(&m, &aim, "values up to", true);
            }
    nn_model_clear(&m);
}

/* ---- networks that stages cannot express -------------------------------- */

static const char *before_and_behind_norm(model_maker *k, int c)
{
    maker_conv(k, "a", "image", c, 1, 3);
    maker_batchnorm(k, "n", "a", 1);
    maker_plain(k, "concat", "d", "n", "a");
    maker_conv(k, "logit", "d", 2, 1, 1);
    return "logit";
}

static const char *two_norms(model_maker *k, int c)
{
    maker_conv(k, "a", "image", c, 1, 3);
    maker_batchnorm(k, "n", "a", 1);
    maker_batchnorm(k, "m", "a", 1);
    maker_plain(k, "concat", "d", "n", "m");
    maker_conv(k, "logit", "d", 2, 1, 1);
    return "logit";
}

static const char *before_and_behind_square(model_maker *k, int c)
{
    maker_conv(k, "a", "image", c, 1, 3);
    maker_plain(k, "square", "s", "a", NULL);
    maker_plain(k, "concat", "d", "s", "a");
    maker_conv(k, "logit", "d", 2, 1, 1);
    return "logit";
}

static const char *above_the_image(model_maker *k, int c)
{
    maker_tconv(k, "u", "image", c, 1);
    maker_conv(k, "a", "u", 1, 1, 3);
    maker_plain(k, "pool", "p", "a", NULL);
    maker_conv(k, "logit", "p", 1, 1, 1);
    return "logit";
}

static const char *too_many_inputs(model_maker *k, int c)
{
    char name[16], last[16] = "image";

    for (int i = 0; i < 5; i++) {       /* 2, 4, ... 32 times the image      */
        snprintf(name, sizeof name, "c%d", i);
        maker_plain(k, "concat", name, last, last);
        memcpy(last, name, sizeof last);
    }
    maker_conv(k, "logit", last, 32 * c, 1, 1);
    return "logit";
}

TEST(plan_refuses_networks)
{
    static const struct { net_builder *build; nn_border border;
                          const char *word; } bad[] = {
        { before_and_behind_norm, NN_HALO, "a is read both before and" },
        { two_norms, NN_HALO, "a is read both before and" },
        { before_and_behind_square, NN_HALO, "a is read both before and" },
        { above_the_image, NN_HALO, "larger than the image" },
        { too_many_inputs, NN_HALO, "more than 16" }
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rig_shape s = { bad[i].border, 10, 2, 2, 8, 8, 1, 0, NN_SLOTS_ANY };
        nn_aim aim = rig_aim(&s);
        nn_model m = { 0 };

        if (rig_model(&m, &s, bad[i].build))
            check_refused(&m, &aim, bad[i].word, false);
        nn_model_clear(&m);
    }
}

/* ---- plans that are not this model's ------------------------------------ */

TEST(weights_refuse_foreign_plans)
{
    static const rig_shape s = { NN_HALO, 8, 4, 4, 8, 8, 1, 0, NN_SLOTS_ANY };
    nn_model m = { 0 }, other = { 0 };
    nn_plan *p = calloc(2, sizeof *p);
    nn_weights *w = NULL;
    nn_aim aim = rig_aim(&s);

    if (!CHECK(p != NULL, "no memory")
        || !rig_model(&m, &s, net_kind_named("pool")->build)
        || !rig_model(&other, &s, net_kind_named("pool linear")->build)
        || !NN_OK(nn_plan_make(&p[0], &m, &aim))) {
        free(p);
        return;
    }
    NN_STATUS(nn_weights_init(NULL, &m, p), CKKS_EARG);
    NN_STATUS(nn_weights_init(&w, NULL, p), CKKS_EARG);
    NN_STATUS(nn_weights_init(&w, &m, NULL), CKKS_EARG);
    NN_STATUS(nn_weights_init(&w, &other, p), CKKS_EPARAM);
    for (int i = 0; i < 13; i++) {
        nn_plan *q = &p[1];

        *q = p[0];
        switch (i) {
        case 0: q->layout.ring_y = 3; break;
        case 1: q->layout.ring_x = 0; break;
        case 2: q->layout.grid_y = 0; break;
        case 3: q->layout.slots = 2; break;
        case 4: q->border = NN_WRAP; break;
        case 5: q->out_gap = 2; break;
        case 6: q->step[0].level++; break;
        case 7: q->num_steps--; break;
        case 8: q->params.num_primes--; break;
        case 9: q->in_level--; break;
        case 10: q->out_scale *= 2; break;
        case 11:                /* sound in itself, but it cannot be halved  */
            q->layout.ring_y = 3;
            q->layout.height = 3 * q->layout.grid_y;
            break;
        default: q->layout.height *= 2; break;
        }
        CHECK(nn_weights_init(&w, &m, q) != CKKS_OK && w == NULL,
              "change %d was taken", i);
    }
    NN_OK(nn_weights_init(&w, &m, p));
    nn_weights_clear(&w);
    nn_model_clear(&m);
    nn_model_clear(&other);
    free(p);
}

/* ---- calls of nn_run that are refused ----------------------------------- */

static void check_run(const rig *r, ckks_ctx *ctx, ckks_keys *keys,
                      ckks_sk *sk, ckks_rng *rng)
{
    int inputs = nn_plan_inputs(&r->p);
    ckks_ct *in = calloc((size_t)inputs, sizeof *in);
    ckks_ct *out = calloc((size_t)nn_plan_outputs(&r->p), sizeof *out);
    nn_plan *q = malloc(sizeof *q);
    ckks_pt pt = { 0 };

    if (CHECK(in != NULL && out != NULL && q != NULL, "no memory")) {
        NN_STATUS(nn_run(NULL, in, &r->p, r->w, keys, NULL), CKKS_EARG);
        NN_STATUS(nn_run(out, NULL, &r->p, r->w, keys, NULL), CKKS_EARG);
        NN_STATUS(nn_run(out, in, NULL, r->w, keys, NULL), CKKS_EARG);
        NN_STATUS(nn_run(out, in, &r->p, NULL, keys, NULL), CKKS_EARG);
        NN_STATUS(nn_run(out, in, &r->p, r->w, NULL, NULL), CKKS_EARG);
        NN_STATUS(nn_run(out, in, &r->p, r->w, keys, NULL), CKKS_EPARAM);
        *q = r->p;
        q->mul *= 2;
        NN_STATUS(nn_run(out, in, q, r->w, keys, NULL), CKKS_EPARAM);
        for (int i = 0; i < inputs; i++)
            if (CHECK_OK(ckks_encode(&pt, ctx, r->in, NULL, 4, r->p.in_level
                                         - (i == inputs - 1), r->p.in_scale)))
                CHECK_OK(ckks_encrypt_sk(&in[i], rng, &pt, sk));
        NN_STATUS(nn_run(out, in, &r->p, r->w, keys, NULL), CKKS_EPARAM);
        for (int i = 0; i < inputs; i++)
            CHECK(in[i].limb != NULL, "a refused call took input %d", i);
        for (int i = 0; i < nn_plan_outputs(&r->p); i++)
            CHECK(out[i].limb == NULL, "a refused call wrote output %d", i);
    }
    for (int i = 0; in != NULL && i < inputs; i++)
        ckks_ct_clear(&in[i]);
    ckks_pt_clear(&pt);
    free(in);
    free(out);
    free(q);
}

/* A context of other primes takes ciphertexts of the same shape. */
static void check_other_context(const rig *r, ckks_keys *keys)
{
    ckks_params params = r->p.params;
    int inputs = nn_plan_inputs(&r->p);
    ckks_ct *in = calloc((size_t)inputs, sizeof *in), out[64] = { { 0 } };
    ckks_ctx *ctx = NULL;
    ckks_rng rng = { 0 };
    ckks_sk *sk = NULL;
    ckks_pt pt = { 0 };

    params.primes[1] = 45;
    if (CHECK(in != NULL, "no memory") && CHECK_OK(ckks_ctx_init(&ctx, &params))
        && CHECK_OK(ckks_rng_init(&rng, NULL))
        && CHECK_OK(ckks_sk_init(&sk, ctx, &rng))
        && CHECK_OK(ckks_encode(&pt, ctx, r->in, NULL, 4, r->p.in_level,
                                r->p.in_scale))) {
        for (int i = 0; i < inputs; i++)
            CHECK_OK(ckks_encrypt_sk(&in[i], &rng, &pt, sk));
        NN_STATUS(nn_run(out, in, &r->p, r->w, keys, NULL), CKKS_EPARAM);
    }
    for (int i = 0; in != NULL && i < inputs; i++)
        ckks_ct_clear(&in[i]);
    free(in);
    ckks_pt_clear(&pt);
    ckks_sk_clear(&sk);
    ckks_rng_clear(&rng);
    ckks_ctx_clear(&ctx);
}

TEST(run_refuses)
{
    static const rig_shape s = { NN_HALO, 6, 2, 2, 4, 4, 2, 0, NN_SLOTS_ANY };
    rig r = { 0 };
    ckks_ctx *ctx = NULL;
    ckks_rng rng = { 0 };
    ckks_sk *sk = NULL;
    ckks_keys *keys = NULL;

    if (rig_init(&r, &s, net_kind_named("square")->build)
        && NN_OK(nn_plan_context(&ctx, &r.p, NULL))
        && CHECK_OK(ckks_rng_init(&rng, NULL))
        && CHECK_OK(ckks_sk_init(&sk, ctx, &rng))
        && CHECK_OK(ckks_keys_init(&keys, &rng, sk, r.p.key, r.p.num_keys))) {
        check_run(&r, ctx, keys, sk, &rng);
        check_other_context(&r, keys);
    }
    ckks_keys_clear(&keys);
    ckks_sk_clear(&sk);
    ckks_rng_clear(&rng);
    ckks_ctx_clear(&ctx);
    rig_clear(&r);
}
