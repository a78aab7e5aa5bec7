/* test_literal.c -- trained classifiers by the literal operators: what a model
 * becomes, against nn_model_float, and one through encryption.
 *
 * Caught when planted: a stride left out of the places; the second of two batch
 * normalisations not applied to the constant of the first; a bias in every
 * column of a matrix.
 */
#include <math.h>

#include "net_support.h"
#include "revolver/literal.h"

enum { LIT_MOST = 8192 };

typedef struct lit_kind {
    const char *name;
    int channels, height, width, classes;
    void (*build)(model_maker *k);
} lit_kind;

/* The digits' own, smaller: 13 x 13, 6 x 6, 2 x 2. */
static void lit_digits(model_maker *k)
{
    maker_strided(k, "a", "image", 1, 3, 3, 2);
    maker_batchnorm(k, "an", "a", 3);
    maker_plain(k, "square", "as", "an", NULL);
    maker_strided(k, "b", "as", 3, 4, 3, 2);
    maker_batchnorm(k, "bn", "b", 4);
    maker_plain(k, "square", "bs", "bn", NULL);
    maker_dense(k, "out", "bs", 16, 5);
}

/* Many linear layers: 9 x 14, 8 x 12, 4 x 6, 3 x 5, 1. */
static void lit_linear(model_maker *k)
{
    maker_conv(k, "a", "image", 2, 2, 2);
    maker_batchnorm(k, "n1", "a", 2);
    maker_batchnorm(k, "n2", "n1", 2);
    maker_plain(k, "square", "as", "n2", NULL);
    maker_plain(k, "pool", "p", "as", NULL);
    maker_batchnorm(k, "n3", "p", 2);
    maker_conv(k, "b", "n3", 2, 3, 2);
    maker_dense(k, "c", "b", 45, 7);
    maker_batchnorm(k, "n4", "c", 7);
    maker_plain(k, "square", "cs", "n4", NULL);
    maker_dense(k, "d", "cs", 7, 4);
    maker_dense(k, "e", "d", 4, 3);
    maker_batchnorm(k, "out", "e", 3);
}

/* Stride 3 that leaves a rest, nothing linear behind it, one logit. */
static void lit_bare(model_maker *k)
{
    maker_strided(k, "a", "image", 3, 2, 3, 3);
    maker_plain(k, "square", "as", "a", NULL);
    maker_plain(k, "square", "bs", "as", NULL);
    maker_dense(k, "out", "bs", 24, 1);
}

static const lit_kind LIT_KINDS[] = {
    { "digits", 1, 13, 13, 5, lit_digits },
    { "linear", 2, 9, 13, 3, lit_linear },
    { "bare", 3, 10, 14, 1, lit_bare }
};

static bool lit_model(nn_model *m, const lit_kind *kind, const char *border)
{
    static model_maker k;
    uint8_t *bytes;
    size_t size;
    bool ok;

    maker_start(&k, border, 0, kind->channels, kind->height, kind->width);
    kind->build(&k);
    maker_classes(&k, "out", kind->classes);
    bytes = maker_bytes(&size, &k);
    ok = CHECK(bytes != NULL, "no memory")
         && NN_OK(nn_model_load(m, bytes, size));
    free(bytes);
    maker_clear(&k);
    return ok;
}

static void lit_pixels(double *pixel, size_t count, uint64_t seed)
{
    for (size_t j = 0; j < count; j++)
        pixel[j] = (double)(test_word(&seed) % 256);
}

/* The largest |logit| of one image, and how far got is off. */
static double lit_distance(double *most, const nn_model *m, const double *got,
                           const double *pixel)
{
    double want[NN_MAX_CLASSES], off = 0;

    if (!NN_OK(nn_model_float(want, m, pixel, 1, m->height, m->width)))
        return INFINITY;
    for (int j = 0; j < m->layer[m->output].channels; j++) {
        off = fmax(off, fabs(got[j] - want[j]));
        *most = fmax(*most, fabs(want[j]));
    }
    return off;
}

/* ---- what a model becomes --------------------------------------------- */

/* conv -> square -> dense -> square -> dense, by definition. */
static void lit_naive(double *out, const uni_vr_net *n, const double *x)
{
    static double map[LIT_MOST], hidden[LIT_MOST];
    const int k = n->image.kernel, w = n->image.width, h = n->image.height;
    const double *bias = n->dense1_bias;
    size_t at = 0;

    for (int o = 0; o < n->maps; o++)
        for (int i = 0; i <= h - k; i++)
            for (int j = 0; j <= w - k; j++) {
                double sum = n->conv_bias[o];

                for (int t = 0; t < n->channels * k * k; t++)
                    sum += n->conv[o * n->channels * k * k + t]
                           * x[(t / k / k * h + i + t / k % k) * w + j
                               + t % k];
                map[at++] = sum * sum;
            }
    for (int i = 0; i < n->hidden; i++) {
        double sum = bias[i];

        for (size_t j = 0; j < at; j++)
            sum += n->dense1[(size_t)i * at + j] * map[j];
        hidden[i] = sum * sum;
    }
    for (int i = 0; i < n->classes; i++) {
        out[i] = n->dense2_bias[i];
        for (int j = 0; j < n->hidden; j++)
            out[i] += n->dense2[i * n->hidden + j] * hidden[j];
    }
}

TEST(literal_from_model)
{
    for (size_t i = 0; i < sizeof LIT_KINDS / sizeof *LIT_KINDS; i++) {
        const lit_kind *kind = &LIT_KINDS[i];
        const int area = kind->channels * kind->height * kind->width;
        double pixel[1024], value[1024], got[NN_MAX_CLASSES], most = 0, off;
        uni_vr_from from = { .data = NULL };
        nn_model m = { .data = NULL };

        if (lit_model(&m, kind, "valid")
            && NN_OK(uni_vr_from_init(&from, &m))) {
            CHECK(from.net.classes == kind->classes, "%d classes",
                  from.net.classes);
            lit_pixels(pixel, (size_t)area, i);
            for (int j = 0; j < area; j++)
                value[j] = pixel[j] * m.mul + m.add;
            lit_naive(got, &from.net, value);
            off = lit_distance(&most, &m, got, pixel);
            CHECK(most > 1e-3 && off < 1e-12 * most, "%s: a logit of %g is %g "
                  "off", kind->name, most, off);
        }
        uni_vr_from_clear(&from);
        nn_model_clear(&m);
    }
}

/* ---- what is refused -------------------------------------------------- */

static void lit_quadratic(model_maker *k)
{
    maker_conv(k, "a", "image", 1, 2, 3);
    maker_quadratic(k, "curve", "a", 2);
    maker_dense(k, "out", "curve", 32, 2);
}

static void lit_early(model_maker *k)
{
    maker_plain(k, "pool", "early", "image", NULL);
    maker_plain(k, "square", "s", "early", NULL);
    maker_plain(k, "square", "t", "s", NULL);
    maker_dense(k, "out", "t", 9, 2);
}

static void lit_between(model_maker *k)
{
    maker_conv(k, "a", "image", 1, 2, 3);
    maker_plain(k, "pool", "between", "a", NULL);
    maker_plain(k, "square", "s", "between", NULL);
    maker_plain(k, "square", "t", "s", NULL);
    maker_dense(k, "out", "t", 8, 2);
}

static void lit_thrice(model_maker *k)
{
    maker_conv(k, "a", "image", 1, 2, 3);
    maker_plain(k, "square", "s", "a", NULL);
    maker_plain(k, "square", "t", "s", NULL);
    maker_plain(k, "square", "third", "t", NULL);
    maker_dense(k, "out", "third", 32, 2);
}

static void lit_once(model_maker *k)
{
    maker_conv(k, "a", "image", 1, 2, 3);
    maker_plain(k, "square", "s", "a", NULL);
    maker_dense(k, "out", "s", 32, 2);
}

static void lit_fork(model_maker *k)
{
    maker_conv(k, "a", "image", 1, 2, 3);
    maker_plain(k, "square", "s", "a", NULL);
    maker_plain(k, "concat", "fork", "s", "a");
    maker_plain(k, "square", "t", "fork", NULL);
    maker_dense(k, "out", "t", 64, 2);
}

static void lit_plain(model_maker *k)
{
    maker_conv(k, "a", "image", 1, 2, 3);
    maker_plain(k, "square", "s", "a", NULL);
    maker_plain(k, "square", "t", "s", NULL);
    maker_dense(k, "out", "t", 32, 2);
}

static void lit_padded(model_maker *k)
{
    maker_conv(k, "a", "image", 1, 2, 3);
    maker_dense(k, "out", "a", 72, 2);
}

TEST(literal_refuses)
{
    static const struct lit_refusal {
        lit_kind kind;
        const char *border, *words;
    } cases[] = {
        { { "quadratic", 1, 6, 6, 2, lit_quadratic }, "valid",
          "layer curve is a quadratic" },
        { { "early", 1, 6, 6, 2, lit_early }, "valid",
          "layer early is a pool" },
        { { "between", 1, 6, 6, 2, lit_between }, "valid",
          "layer between is a pool" },
        { { "thrice", 1, 6, 6, 2, lit_thrice }, "valid",
          "layer third is a third square" },
        { { "once", 1, 6, 6, 2, lit_once }, "valid",
          "layer out ends it after 1 squares" },
        { { "fork", 1, 6, 6, 2, lit_fork }, "valid",
          "layer fork does not follow layer s alone" },
        { { "padded", 1, 6, 6, 2, lit_padded }, "zero", "border zero" }
    };
    nn_model m = { .data = NULL };
    uni_vr_from from = { .data = NULL };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (lit_model(&m, &cases[i].kind, cases[i].border)) {
            NN_STATUS(uni_vr_from_init(&from, &m), CKKS_EARG);
            CHECK(strstr(nn_last_error(), cases[i].words) != NULL
                  && from.data == NULL, "%s: %s", cases[i].kind.name,
                  nn_last_error());
            nn_model_clear(&m);
        }
    if (lit_model(&m, &(lit_kind){ "plain", 1, 6, 6, 2, lit_plain },
                  "valid")) {
        m.num_classes = 0;
        NN_STATUS(uni_vr_from_init(&from, &m), CKKS_EARG);
        nn_model_clear(&m);
    }
    NN_STATUS(uni_vr_from_init(&from, NULL), CKKS_EARG);
    NN_STATUS(uni_vr_from_init(NULL, &m), CKKS_EARG);
}

/* ---- through encryption ----------------------------------------------- */

TEST(literal_run)
{
    enum { AREA = 13 * 13, IMAGES = 40 };
    double *pixel = malloc(IMAGES * AREA * sizeof *pixel);
    const double *at[IMAGES];
    double most = 0, off = 0;
    uni_literal l;
    nn_model m = { .data = NULL };

    if (!CHECK(pixel != NULL, "no memory")
        || !lit_model(&m, &LIT_KINDS[0], "valid"))
        goto done;
    lit_pixels(pixel, IMAGES * AREA, 9);
    for (size_t i = 0; i < IMAGES; i++)
        at[i] = pixel + i * AREA;
    if (!CHECK(uni_literal_run(&l, &m, at, IMAGES) == CKKS_OK, "%s",
               nn_last_error()))
        goto done;
    /* 169 pixels: rows of 256, 32 of them in 2^13 slots */
    CHECK(l.log_n == 14 && l.rows == 32 && l.columns == 256
          && l.images == 32 && l.levels == 10, "N = 2^%d, %zu x %zu, %zu "
          "images, %d levels", l.log_n, l.rows, l.columns, l.images,
          l.levels);
    CHECK(l.log_qp <= 430 && l.security_bits >= 128, "log2(QP) %.1f, %.1f "
          "bits", l.log_qp, l.security_bits);
    CHECK(l.maps == 3 && l.hidden == 16 && l.classes == 5, "%d maps, %d "
          "hidden, %d classes", l.maps, l.hidden, l.classes);
    CHECK(l.rotations == 3 * 9 * 4 + 16 * 16 + 8 * 16 && l.products == 4
          && l.plain == 3 * 18 + 16 * 5 + 8 * 3, "%ld rotations, %ld "
          "products, %ld plain", l.rotations, l.products, l.plain);
    for (size_t i = 0; i < l.images; i++)
        off = fmax(off, lit_distance(&most, &m, l.logit + i * 5, at[i]));
    CHECK(off < 1e-3 && most > 0.1, "a logit of %g is %g off", most, off);
    uni_literal_clear(&l);
done:
    nn_model_clear(&m);
    free(pixel);
}
