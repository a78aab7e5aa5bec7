/* test_layer_kinds.c -- sums of maps, dilated, grouped, rectangular and
 * unevenly padded kernels, means of any size, ways up: by definition, on rings
 * of every sort, encrypted.
 */
#include <math.h>

#include "cnn_support.h"
#include "float_oracle.h"

/* ---- networks ------------------------------------------------------------ */

static void convolve(model_maker *k, const char *name, const char *in,
                     maker_window w)
{
    maker_convolve(k, name, in, &w);
}

static void dilated(model_maker *k)
{
    convolve(k, "a", "image", (maker_window){ 1, 2, 3, 3, .dilation_y = 2,
                                              .dilation_x = 2 });
    maker_plain(k, "square", "s", "a", NULL);
    convolve(k, "b", "s", (maker_window){ 2, 2, 3, 1, .dilation_y = 3 });
    convolve(k, "c", "b", (maker_window){ 2, 3, 1, 3, .dilation_x = 2 });
    maker_plain(k, "square", "t", "c", NULL);
    convolve(k, "logit", "t", (maker_window){ 3, 1, 5, 3, .stride = 1 });
}

static void grouped(model_maker *k)
{
    maker_conv(k, "a", "image", 1, 4, 3);
    maker_plain(k, "square", "s", "a", NULL);
    convolve(k, "b", "s", (maker_window){ 4, 6, 3, 3, .groups = 2 });
    maker_batchnorm(k, "n", "b", 6);
    maker_plain(k, "square", "t", "n", NULL);
    convolve(k, "c", "t", (maker_window){ 6, 6, 3, 3, .groups = 6 });
    maker_plain(k, "square", "u", "c", NULL);
    maker_conv(k, "logit", "u", 6, 1, 1);
}

/* Each channel by itself, and three groups of many. */
static void wide(model_maker *k)
{
    maker_conv(k, "a", "image", 1, 27, 3);
    maker_plain(k, "square", "s", "a", NULL);
    convolve(k, "b", "s", (maker_window){ 27, 27, 3, 3, .groups = 27 });
    maker_plain(k, "square", "t", "b", NULL);
    convolve(k, "c", "t", (maker_window){ 27, 36, 3, 3, .groups = 3 });
    maker_conv(k, "logit", "c", 36, 1, 1);
}

/* Sums into a layer that has no activation yet, its norm behind or before. */
static void residual(model_maker *k)
{
    maker_conv(k, "a", "image", 1, 3, 3);
    maker_plain(k, "square", "s", "a", NULL);
    maker_conv(k, "b", "s", 3, 3, 3);
    maker_batchnorm(k, "n", "b", 3);
    maker_plain(k, "add", "p", "s", "n");
    maker_batchnorm(k, "m", "p", 3);
    maker_plain(k, "square", "t", "m", NULL);
    maker_conv(k, "c", "t", 3, 3, 3);
    maker_conv(k, "d", "s", 3, 3, 1);
    maker_plain(k, "add", "q", "c", "d");
    maker_plain(k, "square", "u", "q", NULL);
    maker_conv(k, "logit", "u", 3, 1, 1);
}

/* Sums of activations: read as such, by a norm, a mean, a concatenation, at the
 * end. */
static void sums(model_maker *k)
{
    maker_conv(k, "a", "image", 1, 2, 3);
    maker_plain(k, "square", "s", "a", NULL);
    maker_conv(k, "b", "s", 2, 2, 3);
    maker_plain(k, "square", "t", "b", NULL);
    maker_plain(k, "add", "p", "s", "t");
    maker_conv(k, "c", "p", 2, 2, 3);
    maker_plain(k, "square", "u", "c", NULL);
    maker_plain(k, "add", "q", "p", "u");
    maker_plain(k, "pool", "down", "q", NULL);
    maker_conv(k, "d", "down", 2, 2, 3);
    maker_plain(k, "square", "v", "d", NULL);
    maker_plain(k, "add", "r", "v", "down");
    maker_tconv(k, "up", "r", 2, 2);
    maker_plain(k, "concat", "cat", "up", "q");
    maker_conv(k, "e", "cat", 4, 1, 1);
    maker_plain(k, "add", "logit", "e", "image");
}

/* Half the size by 4x4, and back. */
static void fours(model_maker *k)
{
    convolve(k, "a", "image", (maker_window){ 1, 2, 4, 4, .stride = 2,
             .padded = true, .pad = { 1, 1, 1, 1 } });
    maker_plain(k, "square", "s", "a", NULL);
    maker_conv(k, "b", "s", 2, 2, 3);
    maker_plain(k, "square", "t", "b", NULL);
    maker_tconv4(k, "up", "t", 2, 2);
    maker_batchnorm(k, "n", "up", 2);
    maker_plain(k, "square", "u", "n", NULL);
    maker_conv(k, "logit", "u", 2, 1, 3);
}

/* Down by a mean of four, up by both ways. */
static void up_twice(model_maker *k, const char *mode, const char *join,
                     int channels)
{
    maker_conv(k, "a", "image", 1, 2, 3);
    maker_plain(k, "square", "s", "a", NULL);
    maker_pool(k, "p", "s", 4, 4);
    maker_conv(k, "b", "p", 2, 2, 3);
    maker_plain(k, "square", "t", "b", NULL);
    maker_upsample(k, "up", "t", "nearest");
    maker_conv(k, "c", "up", 2, 2, 3);
    maker_upsample(k, "upper", "c", mode);
    maker_plain(k, join, "joined", "upper", "s");
    maker_conv(k, "logit", "joined", channels, 1, 3);
}

static void ways_up(model_maker *k)
{
    up_twice(k, "bilinear", "concat", 4);
}

static void nearest(model_maker *k)
{
    up_twice(k, "nearest", "add", 2);
}

/* Kernels that do not stand in the middle. */
static void uneven(model_maker *k)
{
    convolve(k, "a", "image", (maker_window){ 1, 2, 3, 3, .padded = true,
             .pad = { 0, 2, 2, 0 } });
    maker_plain(k, "square", "s", "a", NULL);
    convolve(k, "b", "s", (maker_window){ 2, 2, 2, 4, .padded = true,
             .pad = { 1, 1, 0, 2 } });
    maker_plain(k, "square", "t", "b", NULL);
    maker_conv(k, "logit", "t", 2, 1, 1);
}

/* 13 x 11; 13 x 11 padded; 6 x 5; 4 x 3; 2 x 1 */
static void lenet(model_maker *k)
{
    maker_conv(k, "a", "image", 1, 2, 5);
    maker_plain(k, "square", "s", "a", NULL);
    maker_plain(k, "pool", "p", "s", NULL);
    convolve(k, "b", "p", (maker_window){ 2, 3, 3, 3, .padded = true });
    maker_plain(k, "square", "t", "b", NULL);
    maker_plain(k, "pool", "q", "t", NULL);
    maker_dense(k, "d", "q", 6, 4);
    maker_plain(k, "square", "u", "d", NULL);
    maker_dense(k, "out", "u", 4, 3);
}

/* 12 x 18; 4 x 6 by a mean of three; one pixel by a mean of all */
static void means(model_maker *k)
{
    maker_conv(k, "a", "image", 1, 2, 3);
    maker_plain(k, "square", "s", "a", NULL);
    maker_pool(k, "p", "s", 3, 3);
    maker_conv(k, "b", "p", 2, 4, 3);
    maker_plain(k, "square", "t", "b", NULL);
    maker_pool(k, "all", "t", 4, 6);
    maker_dense(k, "out", "all", 4, 3);
}

/* Padded where the map has shrunk: 9 x 8; 7 x 6; the same; 3 x 3; the same. */
static void shrunk(model_maker *k)
{
    convolve(k, "a", "image", (maker_window){ 1, 2, 3, 3, .padded = true });
    maker_plain(k, "square", "s", "a", NULL);
    maker_conv(k, "b", "s", 2, 2, 3);
    maker_quadratic(k, "q", "b", 2);
    maker_plain(k, "pool", "p", "q", NULL);
    maker_conv(k, "c", "p", 2, 3, 3);
    maker_plain(k, "square", "t", "c", NULL);
    maker_dense(k, "out", "t", 27, 3);
}

/* 14 x 14; 12; 4 and two left over; 1 */
static void residues(model_maker *k)
{
    maker_conv(k, "a", "image", 2, 3, 3);
    maker_plain(k, "square", "s", "a", NULL);
    maker_pool(k, "p", "s", 5, 5);
    convolve(k, "b", "p", (maker_window){ 3, 3, 1, 1, .groups = 3 });
    maker_plain(k, "add", "sum", "b", "p");
    maker_plain(k, "square", "t", "sum", NULL);
    maker_plain(k, "pool", "q", "t", NULL);
    maker_conv(k, "out", "q", 3, 4, 1);
}

static const cnn_kind KINDS[] = {
    { "dilated", "zero", 1, 12, 8, 0, dilated, 3, 0 },
    { "dilated", "halo", 1, 6, 8, 0, dilated, 3, 0 },
    { "dilated", "wrap", 1, 8, 16, 0, dilated, 3, 2 },
    { "grouped", "zero", 1, 6, 8, 0, grouped, 4, 0 },
    { "grouped", "halo", 1, 6, 8, 0, grouped, 4, 0 },
    { "grouped", "wrap", 1, 8, 16, 0, grouped, 4, 2 },
    { "wide", "zero", 1, 4, 6, 0, wide, 3, 0 },
    { "residual", "zero", 1, 6, 8, 0, residual, 3.6f, 0 },
    { "residual", "halo", 1, 6, 8, 0, residual, 3.6f, 0 },
    { "residual", "wrap", 1, 8, 16, 0, residual, 3.6f, 2 },
    { "sums", "zero", 1, 8, 6, 0, sums, 2.5f, 0 },
    { "sums", "halo", 1, 8, 6, 0, sums, 2.5f, 0 },
    { "sums", "wrap", 1, 8, 16, 0, sums, 2.5f, 2 },
    { "fours", "zero", 1, 8, 12, 0, fours, 4, 0 },
    { "fours", "halo", 1, 8, 6, 0, fours, 4, 0 },
    { "ways up", "halo", 1, 8, 12, 0, ways_up, 4, 0 },
    { "ways up", "zero", 1, 8, 12, 0, ways_up, 4, 0 },
    { "ways up", "wrap", 1, 8, 16, 0, ways_up, 4, 4 },
    { "nearest", "zero", 1, 8, 12, 0, nearest, 4, 0 },
    { "nearest", "halo", 1, 8, 12, 0, nearest, 4, 0 },
    { "uneven", "zero", 1, 6, 8, 0, uneven, 2.5f, 0 },
    { "uneven", "halo", 1, 6, 8, 0, uneven, 2.5f, 0 },
    { "uneven", "wrap", 1, 8, 16, 0, uneven, 2.5f, 2 },
    { "lenet", "zero", 1, 13, 11, 3, lenet, 3, 0 },
    { "means", "zero", 1, 12, 18, 3, means, 4, 0 },
    { "shrunk", "zero", 1, 9, 8, 3, shrunk, 4, 0 },
    { "residues", "valid", 2, 14, 13, 4, residues, 2.5f, 0 }
};

/* ---- by definition ------------------------------------------------------- */

/* A class, or a pixel of the first and last rows and columns and of two inside:
 * which number, of nine or of all classes. */
static int place(const cnn_kind *kind, int i)
{
    const int y[3] = { 0, kind->height / 2, kind->height - 1 };
    const int x[3] = { 0, kind->width / 2 + 1, kind->width - 1 };

    return kind->classes > 0 ? i : y[i / 3] * kind->width + x[i % 3];
}

static void check_definition(const cnn *c)
{
    const cnn_kind *kind = c->kind;
    const oracle o = { &c->m, c->pixel, kind->height, kind->width };
    const int count = kind->classes > 0 ? kind->classes : 9;

    for (int i = 0; i < count; i++) {
        const int j = place(kind, i);
        const double want =
            kind->classes > 0
                ? oracle_value(&o, c->m.output, j, 0, 0)
                : oracle_value(&o, c->m.output, 0, j / kind->width,
                               j % kind->width);

        CHECK(fabs(c->want[0][j] - want) <= 1e-12, "%s, %s, number %d: %.15g, "
              "want %.15g", kind->name, kind->border, j, c->want[0][j], want);
    }
}

TEST(layer_kinds_by_definition)
{
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        cnn c;

        if (cnn_init(&c, &KINDS[i]))
            check_definition(&c);
        cnn_clear(&c);
    }
}

/* ---- on rings ------------------------------------------------------------ */

/* Way number i to lay a network out; false: there is none of this number, or
 * the border has no such ring. */
static bool way(nn_aim *aim, const cnn_kind *kind, int i, int log_n)
{
    static const int ring[] = { 1, 2, 3, 4, 6, 8 };
    const bool zero = strcmp(kind->border, "zero") == 0;
    const int y = ring[i / 6 % 6], x = ring[i % 6];

    *aim = (nn_aim){ .security = CKKS_INSECURE, .log_n = log_n, .ring_y = y,
                     .ring_x = x, .images = 1 + i % 3 % 2,
                     .dense = (nn_dense_form)(i % 4),
                     .slots = (i + i / 6) % 2 == 0 ? NN_SLOTS_COMPLEX
                                                   : NN_SLOTS_REAL };
    if (kind->ring > 0) {
        aim->ring_y = kind->ring;
        aim->ring_x = kind->ring * (1 + i % 6 % 2);
        aim->images = 1;
        aim->log_n = aim->slots == NN_SLOTS_COMPLEX;
        while (1 << (aim->log_n - (aim->slots == NN_SLOTS_COMPLEX))
               < kind->height / aim->ring_y * (kind->width / aim->ring_x))
            aim->log_n++;       /* a grid that fills the slots               */
        return i < 4;
    }
    if (y > kind->height || x > kind->width
        || (zero && (kind->height % y != 0 || kind->width % x != 0)))
        return false;
    return i / 6 == i % 6 || i % 7 == 1 || i % 7 == 4;
}

TEST(layer_kinds_every_ring_in_the_clear)
{
    int plans = 0;

    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        cnn c;
        const bool ok = cnn_init(&c, &KINDS[i]);

        for (int n = 0; n < 36 && ok; n++) {
            trial t;
            nn_aim aim;

            if (!way(&aim, &KINDS[i], n, 12))
                continue;
            if (trial_init(&t, &c, &aim))
                trial_check_logits(&t, t.clear, 0.03 * c.spread,
                                   "in the clear");
            trial_clear(&t);
            plans++;
        }
        cnn_clear(&c);
    }
    CHECK(plans > 100, "%d plans", plans);
}

/* ---- encrypted ----------------------------------------------------------- */

/* What the plan counts is what is run, and what a file keeps of it. */
static void check_counts(const trial *t)
{
    rig r = { .m = t->c->m, .p = t->p, .w = t->w, .in = t->in,
              .clear = t->clear };
    static nn_plan back;
    char text[160], *file = NULL;
    size_t size;

    trial_text(text, t);
    rig_check_calls(&r, text);
    net_check_sampled(&t->c->m, &t->p);
    NN_OK(nn_plan_check(&t->p));
    if (NN_OK(nn_plan_save(&file, &size, &t->p)))
        NN_OK(nn_plan_load(&back, file, size));
    free(file);
}

TEST(layer_kinds_encrypted)
{
    int plans = 0;

    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        cnn c;
        const bool ok = cnn_init(&c, &KINDS[i]);
        const bool halo = strcmp(KINDS[i].border, "halo") == 0;

        for (int n = 0; n < 36 && ok; n++) {
            trial t;
            nn_aim aim;

            if (!way(&aim, &KINDS[i], n, halo ? 12 : 10)
                || (KINDS[i].ring == 0 && (n / 6 != n % 6
                                           || n > (halo ? 7 : 21))))
                continue;
            if (trial_init(&t, &c, &aim)) {
                trial_check_encrypted(&t);
                check_counts(&t);
            }
            trial_clear(&t);
            plans++;
        }
        cnn_clear(&c);
    }
    CHECK(plans > 40, "%d plans", plans);
}
