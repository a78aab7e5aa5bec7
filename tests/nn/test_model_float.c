/* test_model_float.c -- the network in the clear: borders, a definition, the
 * trained models. */
#include <math.h>

#include "float_oracle.h"

/* ---- the network in the clear ------------------------------------------ */

/* One convolution with a single tap 1: the output is the neighbour. */
static void one_tap(double *out, const char *border, int ring, int dy, int dx,
                    int side)
{
    static model_maker k;
    nn_model m = {0};
    double pixel[64];

    for (int i = 0; i < 64; i++)
        pixel[i] = i;
    maker_start(&k, border, ring, 1, 4, 4);
    CHECK(text_replace(k.net, sizeof k.net, "0.0078125", "1")
          && text_replace(k.net, sizeof k.net, "-1.0", "0"), "input");
    maker_conv(&k, "a", "image", 1, 1, 3);
    maker_finish(&k, "a");
    for (size_t i = 0; i < k.data_count; i++)
        k.data[i] = 0;
    k.data[(1 + dy) * 3 + 1 + dx] = 1;
    if (CHECK(model_made(&m, &k) == CKKS_OK, "%s", nn_last_error()))
        CHECK(nn_model_float(out, &m, pixel, 1, side, side) == CKKS_OK, "%s",
              nn_last_error());
    nn_model_clear(&m);
    maker_clear(&k);
}

static void same_image(const double *got, const int *want, int n,
                       const char *what)
{
    for (int i = 0; i < n; i++)
        CHECK(got[i] == want[i], "%s, pixel %d: %g, want %d", what, i, got[i],
              want[i]);
}

/* The pixels are 0..15, row by row; by hand. */
TEST(model_float_borders)
{
    static const int zero_right[] = { 1, 2, 3, 0,  5, 6, 7, 0,
                                      9, 10, 11, 0,  13, 14, 15, 0 };
    static const int zero_up_left[] = { 0, 0, 0, 0,  0, 0, 1, 2,
                                        0, 4, 5, 6,  0, 8, 9, 10 };
    static const int halo_right[] = { 1, 2, 3, 2,  5, 6, 7, 6,
                                      9, 10, 11, 10,  13, 14, 15, 14 };
    static const int halo_up_left[] = { 5, 4, 5, 6,  1, 0, 1, 2,
                                        5, 4, 5, 6,  9, 8, 9, 10 };
    static const int wrap_right[] = { 1, 2, 3, 8,  5, 6, 7, 12,
                                      9, 10, 11, 0,  13, 14, 15, 4 };
    static const int wrap_left[] = { 11, 0, 1, 2,  15, 4, 5, 6,
                                     3, 8, 9, 10,  7, 12, 13, 14 };
    static const int wrap_down[] = { 4, 5, 6, 7,  8, 9, 10, 11,
                                     12, 13, 14, 15,  0, 1, 2, 3 };
    static const int wrap_up_left[] = { 7, 12, 13, 14,  11, 0, 1, 2,
                                        15, 4, 5, 6,  3, 8, 9, 10 };
    static const int wrap1_right[] = { 1, 2, 3, 4,  5, 6, 7, 8,
                                       9, 10, 11, 12,  13, 14, 15, 0 };
    static const int wrap4_right[] = { 1, 2, 3, 0,  5, 6, 7, 4,
                                       9, 10, 11, 8,  13, 14, 15, 12 };
    double out[64];

    one_tap(out, "zero", 0, 0, 1, 4);
    same_image(out, zero_right, 16, "zero, right");
    one_tap(out, "zero", 0, -1, -1, 4);
    same_image(out, zero_up_left, 16, "zero, up left");
    one_tap(out, "halo", 0, 0, 1, 4);
    same_image(out, halo_right, 16, "halo, right");
    one_tap(out, "halo", 0, -1, -1, 4);
    same_image(out, halo_up_left, 16, "halo, up left");
    one_tap(out, "wrap", 2, 0, 1, 4);
    same_image(out, wrap_right, 16, "wrap 2, right");
    one_tap(out, "wrap", 2, 0, -1, 4);
    same_image(out, wrap_left, 16, "wrap 2, left");
    one_tap(out, "wrap", 2, 1, 0, 4);
    same_image(out, wrap_down, 16, "wrap 2, down");
    one_tap(out, "wrap", 2, -1, -1, 4);
    same_image(out, wrap_up_left, 16, "wrap 2, up left");
    one_tap(out, "wrap", 1, 0, 1, 4);
    same_image(out, wrap1_right, 16, "wrap 1, right");
    one_tap(out, "wrap", 4, 0, 1, 4);
    same_image(out, wrap4_right, 16, "wrap 4, right");
}

/* ---- against the definition ------------------------------------------- */

/* All kinds of layers, a second convolution at half size. */
static void deep_model(model_maker *k, const char *border, int ring,
                       int channels)
{
    maker_start(k, border, ring, 2, 8, 12);
    maker_conv(k, "c1", "image", 2, 2, 3);
    maker_batchnorm(k, "bn", "c1", 2);
    maker_plain(k, "square", "sq", "bn", NULL);
    maker_plain(k, "pool", "down", "sq", NULL);
    maker_conv(k, "c2", "down", 2, 3, 3);
    maker_quadratic(k, "quad", "c2", 3);
    maker_tconv(k, "up", "quad", 3, 2);
    maker_plain(k, "concat", "cat", "sq", "up");
    maker_conv(k, "out", "cat", 4, channels, 1);
    if (channels > 1)
        maker_labels(k, "out", channels);
    else
        maker_finish(k, "out");
}

/* All channels of one size against the definition. */
static void against_definition(const char *border, int ring, int h, int w,
                               int channels)
{
    static model_maker k;
    static uint64_t seed = 4;
    double pixel[2 * 96], logit[3 * 96];
    nn_model m = {0};
    oracle o = { &m, pixel, h, w };

    for (int j = 0; j < 2 * h * w; j++)
        pixel[j] = (double)(test_word(&seed) % 256);
    deep_model(&k, border, ring, channels);
    if (CHECK(model_made(&m, &k) == CKKS_OK, "%s", nn_last_error())
        && CHECK(nn_model_float(logit, &m, pixel, 1, h, w) == CKKS_OK, "%s",
                 nn_last_error()))
        for (int j = 0; j < channels * h * w; j++) {
            int c = j / (h * w), y = j / w % h, x = j % w;
            double want = oracle_value(&o, m.output, c, y, x);

            CHECK(fabs(logit[j] - want) <= 1e-12, "%s %d, %d x %d, channel %d "
                  "of %d, pixel %d %d: %.17g, want %.17g", border, ring, h, w,
                  c, channels, y, x, logit[j], want);
        }
    nn_model_clear(&m);
    maker_clear(&k);
}

TEST(model_float_against_definition)
{
    static const struct {
        const char *border;
        int ring, height, width;
    } cases[] = {
        { "wrap", 2, 8, 12 }, { "wrap", 4, 8, 12 }, { "zero", 0, 8, 12 },
        { "zero", 0, 6, 2 }, { "halo", 0, 8, 12 }, { "halo", 0, 5, 7 },
        { "halo", 0, 1, 1 }, { "halo", 0, 2, 9 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int channels = 1; channels <= 3; channels += 2)
            against_definition(cases[i].border, cases[i].ring,
                               cases[i].height, cases[i].width, channels);
}

TEST(model_float_dense)
{
    static model_maker k;
    nn_model m = {0};
    double pixel[8] = { 10, 20, 200, 40 }, logit[4] = { 7, 7, 7, 7 };
    oracle o = { &m, pixel, 2, 2 };

    maker_start(&k, "zero", 0, 1, 2, 2);
    maker_conv(&k, "c", "image", 1, 3, 3);
    maker_plain(&k, "pool", "p", "c", NULL);
    maker_dense(&k, "d1", "p", 3, 4);
    maker_plain(&k, "square", "s", "d1", NULL);
    maker_dense(&k, "d2", "s", 4, 1);
    maker_finish(&k, "d2");
    if (CHECK(model_made(&m, &k) == CKKS_OK, "%s", nn_last_error())
        && CHECK(nn_model_float(logit, &m, pixel, 1, 2, 2) == CKKS_OK, "%s",
                 nn_last_error())) {
        double want = oracle_value(&o, m.output, 0, 0, 0);

        CHECK(fabs(logit[0] - want) <= 1e-12, "%g, want %g", logit[0], want);
        CHECK(logit[1] == 7, "more than one number written");
        CHECK(nn_model_float(logit, &m, pixel, 1, 2, 4) == CKKS_EARG, "2 x 4");
    }
    nn_model_clear(&m);
    maker_clear(&k);
}

TEST(model_float_refusals)
{
    static model_maker k;
    nn_model m = {0};
    double pixel[96] = {0}, logit[48] = { 7 };

    deep_model(&k, "wrap", 2, 1);
    if (!CHECK(model_made(&m, &k) == CKKS_OK, "%s", nn_last_error()))
        return;
    CHECK(nn_model_float(logit, &m, pixel, 1, 8, 6) == CKKS_EARG
          && strstr(nn_last_error(), "8 x 6") != NULL
          && strstr(nn_last_error(), "8 x 12") != NULL, "%s", nn_last_error());
    CHECK(nn_model_float(NULL, &m, pixel, 1, 8, 12) == CKKS_EARG, "null");
    CHECK(nn_model_float(logit, &m, NULL, 1, 8, 12) == CKKS_EARG, "null");
    CHECK(nn_model_float(logit, &m, pixel, 1, 0, 12) == CKKS_EARG, "height 0");
    nn_model_clear(&m);
    CHECK(nn_model_float(logit, &m, pixel, 1, 8, 12) == CKKS_EARG, "no model");
    maker_clear(&k);
    deep_model(&k, "zero", 0, 1);
    if (!CHECK(model_made(&m, &k) == CKKS_OK, "%s", nn_last_error()))
        return;
    CHECK(nn_model_float(logit, &m, pixel, 1, 6, 7) == CKKS_EARG
          && strstr(nn_last_error(), "layer cat") != NULL, "%s",
          nn_last_error());
    CHECK(logit[0] == 7, "out was written");
    nn_model_clear(&m);
    maker_clear(&k);
}

/* ---- the trained models ------------------------------------------------ */

/* A whole file of at most 2^24 bytes; NULL if there is none. */
static uint8_t *slurp(size_t *size, const char *path)
{
    enum { MOST = 1 << 24 };
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = malloc(MOST);

    *size = f != NULL && bytes != NULL ? fread(bytes, 1, MOST, f) : 0;
    if (f != NULL)
        fclose(f);
    if (*size > 0)
        return bytes;
    free(bytes);
    return NULL;
}

TEST(model_trained_files)
{
    static const char *const path[] = { "unet/models/em.safetensors",
                                        "unet/models/gm.safetensors" };
    int found = 0;

    for (int i = 0; i < 2; i++) {
        size_t size;
        uint8_t *bytes = slurp(&size, path[i]);
        nn_model m = {0};

        if (bytes == NULL)
            continue;
        found++;
        if (CHECK(nn_model_load(&m, bytes, size) == CKKS_OK, "%s: %s",
                  path[i], nn_last_error()))
            CHECK(nn_halo_radius(&m) == 23, "%s: radius %d", path[i],
                  nn_halo_radius(&m));
        nn_model_clear(&m);
        free(bytes);
    }
    if (found == 0)
        test_skip("no file in unet/models");
}

/* The logits PyTorch gives for one slice. */
TEST(model_float_against_pytorch)
{
    enum { SIDE = 200, PIXELS = SIDE * SIDE };
    static double pixel[PIXELS], logit[PIXELS];
    size_t sizes[3];
    uint8_t *model = slurp(&sizes[0], "unet/models/gm.safetensors");
    uint8_t *image = slurp(&sizes[1], "examples/data/9418-08-image.pgm");
    uint8_t *want = slurp(&sizes[2], "tests/data/gm-reference.f32");
    nn_model m = {0};
    double worst = 0;

    if (model == NULL || image == NULL || want == NULL) {
        test_skip("no gm model, slice 9418-08 or reference");
    } else if (CHECK(sizes[2] == 4 * PIXELS && sizes[1] > PIXELS, "sizes")
               && CHECK(nn_model_load(&m, model, sizes[0]) == CKKS_OK, "%s",
                        nn_last_error())) {
        for (int i = 0; i < PIXELS; i++)
            pixel[i] = image[sizes[1] - PIXELS + (size_t)i];
        CHECK(nn_model_float(logit, &m, pixel, 1, SIDE, SIDE) == CKKS_OK, "%s",
              nn_last_error());
        for (int i = 0; i < PIXELS; i++) {
            uint32_t word = (uint32_t)want[4 * i]
                          | (uint32_t)want[4 * i + 1] << 8
                          | (uint32_t)want[4 * i + 2] << 16
                          | (uint32_t)want[4 * i + 3] << 24;
            float f;

            memcpy(&f, &word, 4);
            if (!(fabs(logit[i] - (double)f) <= worst))
                worst = fabs(logit[i] - (double)f);
        }
        CHECK(worst <= 1e-4, "largest difference %g", worst);
        test_note("largest difference to PyTorch %.2g", worst);
    }
    nn_model_clear(&m);
    free(model);
    free(image);
    free(want);
}
