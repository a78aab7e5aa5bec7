/* test_network.c -- whole small networks: float, clear and encrypted agree;
 * bytes repeat; memory is as planned; odd images stay in range; tiles join.
 *
 * Caught when planted: the corner of a transposed convolution transposed, its
 * bias dropped; a second input's weights read from the first; the 1/4 of a
 * pooling applied once too little; a mean finished before its last row; twice
 * the memory for sums in the plan.
 */
#include "stage/weights.h"
#include "net_support.h"
#include "unet.h"

#include <math.h>

/* Borders under which the networks are checked. */
static const struct { nn_border border; bool planned; } borders[] = {
    { NN_WRAP, true }, { NN_HALO, true }, { NN_ZERO, true }
};

/* Every other shape of a network, those that its neighbour in the list leaves
 * out; in the long form all of them. */
static void whole_networks(nn_border border)
{
    rig_shape s;
    int turn = 0;

    if (!borders[border].planned) {
        test_skip("no plan for this border");
        return;
    }
    for (const net_kind *k = net_kinds; k->build != NULL; k++, turn++)
        for (int i = 0; !k->single && rig_shape_at(&s, k, border, i); i++)
            if (test_long() || i % 2 == turn % 2)
                rig_check(k, &s, true);
}

TEST(network_wrap)
{
    whole_networks(NN_WRAP);
}

TEST(network_halo)
{
    whole_networks(NN_HALO);
}

TEST(network_zero)
{
    whole_networks(NN_ZERO);
}

/* Maps whose pixels stand in every other slot of the real ring, read by a
 * transposed convolution without a mask. */
TEST(network_every_other_slot)
{
    static const struct { const char *net; rig_shape s; } run[] = {
        { "unet 1", { NN_WRAP, 6, 2, 2, 8, 16, 1, 1, NN_SLOTS_COMPLEX } },
        { "unet 2", { NN_WRAP, 7, 4, 4, 32, 32, 1, 1, NN_SLOTS_COMPLEX } },
        { "unet 1", { NN_HALO, 9, 2, 2, 10, 14, 1, 0, NN_SLOTS_COMPLEX } },
        { "unet 2", { NN_HALO, 9, 4, 4, 12, 20, 1, 1, NN_SLOTS_COMPLEX } },
        { "tconv square", { NN_HALO, 9, 2, 2, 10, 14, 1, 0,
                            NN_SLOTS_COMPLEX } }
    };

    for (size_t i = 0; i < sizeof run / sizeof *run; i++)
        rig_check_halved(net_kind_named(run[i].net), &run[i].s);
}

/* ---- the same bytes ---------------------------------------------------- */

static bool same_hash(const rig_error *a, const rig_error *b)
{
    return memcmp(a->hash, b->hash, sizeof a->hash) == 0;
}

static void with_kernel(rig_error *out, const rig *r, const char *kernel)
{
    const char *before = getenv("CKKS_KERNEL");
    char *kept = before == NULL ? NULL : malloc(strlen(before) + 1);

    if (kept != NULL)
        memcpy(kept, before, strlen(before) + 1);
    setenv("CKKS_KERNEL", kernel, 1);
    rig_encrypted(out, r, 1);
    if (kept != NULL)
        setenv("CKKS_KERNEL", kept, 1);
    else
        unsetenv("CKKS_KERNEL");
    free(kept);
}

static bool has_kernel(const rig *r, const char *kernel)
{
    ckks_params p = r->p.params;
    ckks_ctx *ctx = NULL;
    bool has;

    p.kernel = kernel;
    has = ckks_ctx_init(&ctx, &p) == CKKS_OK;
    ckks_ctx_clear(&ctx);
    return has;
}

/* One seed, one run: the same ciphertexts again, and with every kernel. */
static void same_bytes(const net_kind *k, nn_border border)
{
    static const char *const kernel[] = { "portable", "fma2", "avx2",
                                          "avx512ifma" };
    rig r = { 0 };
    rig_shape s;
    rig_error one, again, other;

    if (!CHECK(rig_shape_at(&s, k, border, 1), "no shape")
        || !rig_init(&r, &s, k->build)) {
        rig_clear(&r);
        return;
    }
    rig_encrypted(&one, &r, 1);
    rig_encrypted(&again, &r, 1);
    rig_encrypted(&other, &r, 2);
    CHECK(same_hash(&one, &again), "%s: two runs differ", k->name);
    CHECK(!same_hash(&one, &other), "%s: two seeds, one output", k->name);
    for (size_t i = 0; i < sizeof kernel / sizeof *kernel; i++) {
        if (!has_kernel(&r, kernel[i])) {
            test_note("%s is not here", kernel[i]);
            continue;
        }
        with_kernel(&other, &r, kernel[i]);
        CHECK(strcmp(other.kernel, kernel[i]) == 0, "asked for %s, ran %s",
              kernel[i], other.kernel);
        CHECK(same_hash(&one, &other), "%s: %s and %s differ", k->name,
              one.kernel, kernel[i]);
    }
    rig_clear(&r);
}

TEST(network_same_bytes)
{
    same_bytes(net_kind_named("unet 1"), NN_WRAP);
    same_bytes(net_kind_named("skips"), NN_HALO);
    same_bytes(net_kind_named("pool linear"), NN_ZERO);
}

/* ---- odd images -------------------------------------------------------- */

enum { ALL_0, ALL_255, BOARD, NOISE, ODD_IMAGES };

static void odd_image(double *pixel, int kind, int planes, int height,
                      int width)
{
    uint64_t seed = 9;

    for (int i = 0; i < planes * height * width; i++) {
        int y = i / width % height, x = i % width;

        pixel[i] = kind == ALL_0 ? 0 : kind == ALL_255 ? 255
                 : kind == BOARD ? ((y + x) % 2 == 0 ? 0 : 255)
                 : (double)(test_word(&seed) % 256);
    }
}

/* Ranges widened to what these images need; the encrypted run then follows
 * the clear one on each of them, garbage included. */
static void odd_images(const net_kind *k, nn_border border)
{
    rig r = { 0 };
    rig_shape s;
    double usual[NN_MAX_STEPS], factor = 1;
    nn_aim aim;
    int planes;

    if (!CHECK(rig_shape_at(&s, k, border, 1), "no shape")
        || !rig_init(&r, &s, k->build)) {
        rig_clear(&r);
        return;
    }
    aim = rig_aim(&s);
    planes = r.images * r.p.channels;
    memcpy(usual, r.ranges, (size_t)r.p.num_steps * sizeof *usual);
    for (int i = 0; i < ODD_IMAGES; i++) {
        odd_image(r.pixel, i, planes, r.p.core_height, r.p.core_width);
        rig_repack(&r, r.pixel);
        for (int j = 0; j < r.p.num_steps; j++)
            factor = fmax(factor, r.ranges[j] / usual[j]);
    }
    for (int i = 0; i < r.m.num_layers; i++)
        r.m.layer[i].range.max *= factor;
    if (NN_OK(nn_plan_make(&r.p, &r.m, &aim))
        && NN_OK(nn_weights_init(&r.w, &r.m, &r.p)))
        for (int i = 0; i < ODD_IMAGES; i++) {
            rig_error e;
            double bound;

            odd_image(r.pixel, i, planes, r.p.core_height, r.p.core_width);
            rig_repack(&r, r.pixel);
            bound = 64 * factor * r.p.error_sd;
            if (rig_encrypted(&e, &r, 1))
                CHECK(e.worst <= bound && e.imaginary <= bound,
                      "%s, image %d: off by %.3g, imaginary %.3g, allowed "
                      "%.3g", k->name, i, e.worst, e.imaginary, bound);
        }
    rig_clear(&r);
}

TEST(network_odd_images)
{
    odd_images(net_kind_named("unet 1"), NN_WRAP);
    odd_images(net_kind_named("pool"), NN_HALO);
    odd_images(net_kind_named("tconv square"), NN_ZERO);
}

/* One image, in all places of a trained network's layout. */
static void trained_image(double *in, double *tile, const nn_plan *p, int kind)
{
    const double *each[1] = { tile };

    odd_image(tile, kind, p->channels, p->layout.height, p->layout.width);
    nn_pack(in, p, each, 1);
}

/* Two bits of headroom above the calibrated range are what the plan gives; of
 * the odd images two, from the first that is named, in the long form all. */
static void trained_ranges(const char *path, int first)
{
    const int last = test_long() ? ODD_IMAGES : first + 2;

    nn_model m = { 0 };
    nn_plan *p = calloc(1, sizeof *p);
    nn_weights *w = NULL;
    uint8_t *bytes = NULL;
    size_t size = 0, inputs, outputs, pixels;
    double *in = NULL, *out = NULL, *tile = NULL, range[NN_MAX_STEPS];
    double most = 0;

    if (ckks_file_read(&bytes, &size, path, 1 << 28) != CKKS_OK) {
        test_skip("no model file");
        free(p);
        return;
    }
    if (CHECK(p != NULL, "no memory") && NN_OK(nn_model_load(&m, bytes, size))
        && NN_OK(nn_plan_make(p, &m, NULL))
        && NN_OK(nn_weights_init(&w, &m, p))) {
        inputs = (size_t)nn_plan_inputs(p) * p->layout.slots;
        outputs = (size_t)nn_plan_outputs(p) * p->layout.slots;
        pixels = (size_t)p->channels * (size_t)p->layout.height
                 * (size_t)p->layout.width;
        in = malloc(inputs * sizeof *in);
        out = malloc(outputs * sizeof *out);
        tile = malloc(pixels * sizeof *tile);
        for (int i = test_long() ? 0 : first;
             CHECK(in != NULL && out != NULL && tile != NULL,
                              "no memory") && i < last; i++) {
            trained_image(in, tile, p, i);
            if (!NN_OK(nn_clear(out, in, p, w, range)))
                break;
            for (int k = 0; k < p->num_steps; k++) {
                double max = m.layer[w->net.stage[k].pre].range.max;

                most = fmax(most, range[k] / max);
                CHECK(range[k] <= 4 * max, "%s, image %d, step %s: %.3g; "
                      "calibrated %.3g", path, i, p->step[k].name, range[k],
                      max);
            }
        }
        test_note("%s: at most %.2f of the calibrated range", path, most);
    }
    free(in);
    free(out);
    free(tile);
    nn_weights_clear(&w);
    nn_model_clear(&m);
    ckks_file_free(bytes, size);
    free(p);
}

TEST(network_odd_images_em)
{
    trained_ranges("unet/models/em.safetensors", ALL_0);
}

TEST(network_odd_images_gm)
{
    trained_ranges("unet/models/gm.safetensors", BOARD);
}

/* ---- memory ------------------------------------------------------------ */

static const char *middle(model_maker *k, int c)
{
    (void)c;
    maker_unet(k, 4, 1);
    return "logit";
}

TEST(network_memory)
{
    static const rig_shape s = { NN_WRAP, 13, 4, 4, 256, 256, 1, 0, NN_SLOTS_ANY };
    rig r = { 0 };
    rig_error e;

    if (rig_model(&r.m, &s, middle)) {
        nn_aim aim = rig_aim(&s);

        r.count = 16 * 4096;
        r.in = calloc(16 * 4096, sizeof *r.in);
        r.clear = calloc(16 * 4096, sizeof *r.clear);
        if (CHECK(r.in != NULL && r.clear != NULL, "no memory")
            && NN_OK(nn_plan_make(&r.p, &r.m, &aim))
            && NN_OK(nn_weights_init(&r.w, &r.m, &r.p))
            && rig_encrypted(&e, &r, 1)) {
            double ratio = (double)e.peak / r.p.peak_bytes;

            test_note("peak %.1f MiB, planned %.1f (%.2f)",
                      (double)e.peak / 1048576, r.p.peak_bytes / 1048576,
                      ratio);
            CHECK(ratio > 0.75 && ratio < 1.25, "ratio %.2f", ratio);
        }
    }
    rig_clear(&r);
}

/* ---- tiles ------------------------------------------------------------- */

/* An image of many tiles, some of them cut, is the float network's as a
 * whole: no seam. */
TEST(network_tiles)
{
    enum { HEIGHT = 21, WIDTH = 33 };
    static const rig_shape s = { NN_HALO, 8, 4, 8, 16, 16, 1, 0, NN_SLOTS_ANY };
    static const unet_size size = { HEIGHT, WIDTH };
    static double pixel[HEIGHT * WIDTH], want[HEIGHT * WIDTH];
    static double got[HEIGHT * WIDTH];
    const double *const image[1] = { pixel };
    const unet_pixels pixels = unet_pixels_array(image);
    double *const logit[1] = { got };
    rig r = { 0 };
    unet_job job = { 0 };
    nn_aim aim = rig_aim(&s);

    aim.height = 6;
    aim.width = 11;
    odd_image(pixel, NOISE, 1, HEIGHT, WIDTH);
    if (!rig_init(&r, &s, net_kind_named("unet 1")->build)
        || !NN_OK(nn_plan_make(&r.p, &r.m, &aim))
        || !NN_OK(nn_weights_init(&r.w, &r.m, &r.p))
        || !NN_OK(unet_job_init(&job, &r.p, &size, 1))
        || !NN_OK(nn_model_float(want, &r.m, pixel, 1, HEIGHT, WIDTH))) {
        rig_clear(&r);
        return;
    }
    CHECK(job.tiles == 4 * 3, "%zu tiles of %dx%d", job.tiles,
          r.p.core_height, r.p.core_width);
    for (size_t set = 0; set < job.sets; set++) {
        size_t in = (size_t)nn_plan_inputs(&r.p) * r.p.layout.slots;
        size_t out = (size_t)nn_plan_outputs(&r.p) * r.p.layout.slots;
        double *slots = malloc((in + out) * sizeof *slots);

        if (CHECK(slots != NULL, "no memory")
            && NN_OK(unet_pack(slots, &r.p, &job, &pixels, set))
            && NN_OK(nn_clear(slots + in, slots, &r.p, r.w, NULL)))
            NN_OK(unet_unpack(logit, &r.p, &job, slots + in, set));
        free(slots);
    }
    CHECK(rms_difference(want, got, HEIGHT * WIDTH) < 8 * r.quantised,
          "off by %.3g rms, quantised %.3g",
          rms_difference(want, got, HEIGHT * WIDTH), r.quantised);
    unet_job_clear(&job);
    rig_clear(&r);
}
