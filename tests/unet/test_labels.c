/* test_labels.c -- masks of several labels: from logits, through tiles, and
 * encrypted from images to masks.
 *
 * Caught when planted: the last of equal logits taken; channels of a tile put
 * into the first one; one limit for all labels.
 */
#include <math.h>

#include "net_support.h"
#include "test.h"
#include "unet_support.h"

TEST(labels_of_logits)
{
    static const double logit[3][6] = { { 1, 5, -3, 2, NAN, 0 },
                                        { 2, 5, -2, 2, 7, 0 },
                                        { 3, 1, -9, 2, 8, 0 } };
    static const uint8_t want[6] = { 2, 0, 1, 0, 0, 0 };
    nn_plan p = { .num_labels = 3, .out_channels = 3 };
    uint8_t mask[6];

    NN_OK(unet_mask(mask, &p, logit[0], (unet_size){ 2, 3 }));
    for (int i = 0; i < 6; i++)
        CHECK(mask[i] == want[i], "pixel %d: %d, want %d", i, mask[i],
              want[i]);
    p = (nn_plan){ .out_channels = 1, .threshold = 2 };
    NN_OK(unet_mask(mask, &p, logit[0], (unet_size){ 2, 3 }));
    for (int i = 0; i < 6; i++)
        CHECK(mask[i] == (i == 1), "pixel %d: %d", i, mask[i]);
    NN_STATUS(unet_mask(NULL, &p, logit[0], (unet_size){ 2, 3 }), CKKS_EARG);
    NN_STATUS(unet_mask(mask, NULL, logit[0], (unet_size){ 2, 3 }), CKKS_EARG);
    NN_STATUS(unet_mask(mask, &p, NULL, (unet_size){ 2, 3 }), CKKS_EARG);
    NN_STATUS(unet_mask(mask, &p, logit[0], (unet_size){ 0, 3 }), CKKS_EARG);
    p.num_classes = 2;
    NN_STATUS(unet_mask(mask, &p, logit[0], (unet_size){ 2, 3 }), CKKS_EARG);
}

/* A map that is smaller than the tile by a gap: every pixel of every channel is
 * where its square is, through two tiles of an image. */
static void check_grown(int gap)
{
    enum { HEIGHT = 6, WIDTH = 10 };
    static double logit[3 * HEIGHT * WIDTH];
    const unet_size size = { HEIGHT, WIDTH };
    nn_plan p;
    unet_job job = {0};
    double *slots;
    size_t outputs;

    plan_identity(&p, NN_HALO, 5, 2, 4, 4, 1, 0);
    p.foreground[0] = '\0';
    p.out_channels = p.num_labels = 3;
    p.out_gap = gap;
    outputs = (size_t)nn_plan_outputs(&p);
    slots = malloc(outputs * p.layout.slots * sizeof *slots);
    if (!CHECK(slots != NULL, "no memory") || !NN_OK(nn_plan_check(&p))
        || !NN_OK(unet_job_init(&job, &p, &size, 1)))
        return;
    for (size_t j = 0; j < outputs * p.layout.slots; j++)
        slots[j] = (double)j;
    for (size_t set = 0; set < job.sets; set++)
        NN_OK(unet_unpack(&(double *){ logit }, &p, &job, slots, set));
    for (int j = 0; j < 3 * HEIGHT * WIDTH; j++) {
        const int c = j / (HEIGHT * WIDTH), y = j / WIDTH % HEIGHT + 1;
        const int x = j % WIDTH % p.core_width + 1;
        const int phases = (int)outputs / 3;
        const size_t want = ((size_t)(c * phases)
                             + (size_t)nn_layout_phase(&p.layout, gap, y / gap,
                                                       x / gap))
                                * p.layout.slots
                            + nn_layout_slot(&p.layout, gap, 0, y / gap,
                                             x / gap);

        CHECK(logit[j] == (double)want, "gap %d, channel %d, row %d, column "
              "%d: %g, want %zu", gap, c, y - 1, j % WIDTH, logit[j], want);
    }
    unet_job_clear(&job);
    free(slots);
}

TEST(labels_of_smaller_maps)
{
    for (int gap = 1; gap <= 4; gap *= 2)
        check_grown(gap);
}

/* ---- by hand ------------------------------------------------------------- */

/* A result of one set in which label k has the value 70 k everywhere. */
static bool hand_result(const nn_plan *p, const ckks_ctx *ctx, ckks_sk *sk,
                        ckks_rng *rng, const char *path, const unet_job *job)
{
    static const uint8_t id[UNET_ID] = { 4 };
    const int outputs = nn_plan_outputs(p);
    double *slots = malloc(p->layout.slots * sizeof *slots);
    unet_writer *w = NULL;
    ckks_pt pt = {0};
    ckks_ct ct = {0};
    bool ok = CHECK(slots != NULL, "no memory")
              && NN_OK(unet_writer_open(&w, path, p, job, UNET_OUTPUT, id,
                                        NULL));

    for (int i = 0; i < outputs && ok; i++) {
        for (size_t j = 0; j < p->layout.slots; j++)
            slots[j] = 70 * (i / (outputs / p->num_labels));
        ok = CHECK_OK(ckks_encode(&pt, ctx, slots, NULL, p->layout.slots,
                                  p->out_level, p->out_scale))
             && CHECK_OK(ckks_encrypt_sk(&ct, rng, &pt, sk))
             && NN_OK(unet_writer_put(w, &ct));
    }
    if (ok)
        ok = NN_OK(unet_writer_finish(w, NULL));
    unet_writer_clear(&w);
    ckks_pt_clear(&pt);
    ckks_ct_clear(&ct);
    free(slots);
    return ok;
}

/* Each label has its own range: 140 is none of label 2, though of all. */
TEST(labels_have_ranges)
{
    static const unet_size size = { 6, 6 };
    const uint8_t seed[CKKS_SEED_BYTES] = { 6 };
    nn_plan p;
    ckks_ctx *ctx = NULL;
    ckks_rng rng = {0};
    ckks_sk *sk = NULL;
    unet_job job = {0};
    test_folder folder;

    plan_identity(&p, NN_HALO, 5, 2, 4, 4, 1, 0);
    p.foreground[0] = '\0';
    p.out_channels = p.num_labels = 3;
    p.label_max[0] = p.label_max[1] = p.label_max[2] = 255;
    strcpy(p.label_name[2], "posterior");
    if (!folder_open(&folder))
        return;
    for (int round = 0; round < 2; round++) {
        unet_result r = {0};

        p.label_max[2] = round == 0 ? 255 : 1.5;
        if (!NN_OK(nn_plan_context(&ctx, &p, NULL))
            || !CHECK_OK(ckks_rng_init(&rng, seed))
            || !CHECK_OK(ckks_sk_init(&sk, ctx, &rng))
            || !NN_OK(unet_job_init(&job, &p, &size, 1))
            || !hand_result(&p, ctx, sk, &rng, folder.path, &job))
            break;
        NN_STATUS(unet_decrypt(&r, NULL, &(const char *){ folder.path }, 1, &p,
                               ctx, sk, NULL),
                  round == 0 ? CKKS_OK : CKKS_EPARAM);
        if (round == 0)
            CHECK(fabs(r.logit[0][0]) < 1e-3
                  && fabs(r.logit[0][6 * 6] - 70) < 1e-3
                  && fabs(r.logit[0][3 * 6 * 6 - 1] - 140) < 1e-3,
                  "%g %g %g", r.logit[0][0], r.logit[0][36], r.logit[0][107]);
        else
            CHECK(strstr(nn_last_error(), "label 2 (posterior) up to 140")
                  != NULL && strstr(nn_last_error(), "96") != NULL, "%s",
                  nn_last_error());
        unet_result_clear(&r);
        unet_job_clear(&job);
        ckks_sk_clear(&sk);
        ckks_rng_clear(&rng);
        ckks_ctx_clear(&ctx);
    }
    folder_close(&folder);
}

/* ---- encrypted ----------------------------------------------------------- */

typedef struct world {
    rig r;
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    ckks_keys *keys;
    unet_job job;
    unet_size size;
    test_folder in, out;
} world;

/* The twin's logits, by way of tiles, sets and their pasting. */
static void world_clear_logits(double *logit, const world *w,
                               const unet_pixels *pixels)
{
    const nn_plan *p = &w->r.p;
    const size_t in = (size_t)nn_plan_inputs(p) * p->layout.slots;
    const size_t out = (size_t)nn_plan_outputs(p) * p->layout.slots;
    double *slots = malloc((in + out) * sizeof *slots);

    for (size_t set = 0; CHECK(slots != NULL, "no memory")
                         && set < w->job.sets; set++)
        if (NN_OK(unet_pack(slots, p, &w->job, pixels, set))
            && NN_OK(nn_clear(slots + in, slots, p, w->r.w, NULL)))
            NN_OK(unet_unpack(&logit, p, &w->job, slots + in, set));
    free(slots);
}

/* How far the largest logit is from the next. */
static double pixel_margin(const double *logit, int labels, size_t n, size_t i)
{
    double most = -INFINITY, next = -INFINITY;

    for (int k = 0; k < labels; k++) {
        const double v = logit[(size_t)k * n + i];

        next = fmax(next, fmin(v, most));
        most = fmax(most, v);
    }
    return most - next;
}

/* got is the mask of other logits, each pair of which is within `apart`. */
static void same_mask(const world *w, const uint8_t *got, const double *logit,
                      double apart, const char *what)
{
    const int labels = w->r.p.num_labels;
    const size_t n = (size_t)w->size.height * (size_t)w->size.width;
    uint8_t *want = malloc(n);
    size_t seen[NN_MAX_LABELS] = {0}, close = 0;
    int used = 0;

    if (!CHECK(want != NULL, "no memory")
        || !NN_OK(unet_mask(want, &w->r.p, logit, w->size))) {
        free(want);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const bool tie = pixel_margin(logit, labels, n, i) <= apart;

        seen[want[i]]++;
        close += tie;
        CHECK(tie || got[i] == want[i], "%s: pixel %zu: %d, want %d", what, i,
              got[i], want[i]);
    }
    for (int k = 0; k < labels; k++)
        used += seen[k] > 0;
    CHECK(used > 1 && close < n / 4, "%s: %d labels seen, %zu of %zu pixels "
          "close", what, used, close, n);
    free(want);
}

static void world_run(world *w)
{
    const nn_plan *p = &w->r.p;
    const size_t n = (size_t)w->size.height * (size_t)w->size.width;
    double *pixel = malloc((size_t)p->channels * n * sizeof *pixel);
    double *twin = malloc((size_t)p->out_channels * n * sizeof *twin);
    double *real = malloc((size_t)p->out_channels * n * sizeof *real);
    const unet_pixels pixels = unet_pixels_array(&(const double *){ pixel });
    uint8_t *mask = malloc(n);
    unet_result r = {0};
    uint64_t bytes, seed = 8;

    for (size_t i = 0; pixel != NULL && i < (size_t)p->channels * n; i++)
        pixel[i] = (double)(test_word(&seed) % 256);
    if (CHECK(pixel != NULL && twin != NULL && real != NULL && mask != NULL,
              "no memory")
        && NN_OK(unet_encrypt(w->in.path, &bytes, NULL, &w->rng, p, &w->job,
                              &pixels, w->ctx, w->sk, NULL))
        && NN_OK(unet_evaluate(w->out.path, NULL, w->in.path, NULL, NULL, p,
                               w->r.w, w->ctx, w->keys, NULL))
        && NN_OK(unet_decrypt(&r, NULL, &(const char *){ w->out.path }, 1, p,
                              w->ctx, w->sk, NULL))
        && NN_OK(unet_mask(mask, p, r.logit[0], w->size))
        && NN_OK(nn_model_float(real, &w->r.m, pixel, 1, w->size.height,
                                w->size.width))) {
        const double error = rms_difference(r.logit[0], real,
                                            (size_t)p->out_channels * n);

        world_clear_logits(twin, w, &pixels);
        same_mask(w, mask, twin, 12 * p->error_sd, "the twin");
        same_mask(w, mask, real, 12 * p->error_sd + 64 * w->r.quantised,
                  "floats");
        CHECK(error < p->error_sd + 8 * w->r.quantised, "logits off by %.3g",
              error);
    }
    unet_result_clear(&r);
    free(pixel);
    free(twin);
    free(real);
    free(mask);
}

/* A network of a border, from the image to its mask; halo: two tiles a side. */
static void world_check(nn_border border, const char *name)
{
    const uint8_t seed[CKKS_SEED_BYTES] = { 7 };
    const net_kind *kind = net_kind_named(name);
    world w = {0};
    rig_shape s;

    if (!folder_open(&w.in) || !folder_open(&w.out))
        return;
    if (CHECK(rig_shape_at(&s, kind, border, 1), "no shape")
        && rig_init(&w.r, &s, kind->build)
        && NN_OK(nn_plan_context(&w.ctx, &w.r.p, NULL))
        && CHECK_OK(ckks_rng_init(&w.rng, seed))
        && NN_OK(unet_keygen(&w.sk, &w.keys, &w.rng, w.ctx, &w.r.p))) {
        w.size = (unet_size){ w.r.p.core_height, w.r.p.core_width };
        if (border == NN_HALO)
            w.size = (unet_size){ 2 * w.size.height - 1,
                                  w.size.width + 1 };
        if (NN_OK(unet_job_init(&w.job, &w.r.p, &w.size, 1))) {
            CHECK(border != NN_HALO || w.job.tiles == 4, "%zu tiles",
                  w.job.tiles);
            world_run(&w);
        }
    }
    unet_job_clear(&w.job);
    ckks_keys_clear(&w.keys);
    ckks_sk_clear(&w.sk);
    ckks_rng_clear(&w.rng);
    ckks_ctx_clear(&w.ctx);
    rig_clear(&w.r);
    folder_close(&w.in);
    folder_close(&w.out);
}

TEST(labels_encrypted)
{
    for (nn_border border = NN_WRAP; border <= NN_ZERO; border++) {
        world_check(border, "labels 3");
        world_check(border, "labels 4");
    }
}
