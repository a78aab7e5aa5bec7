/* net_kinds.c -- the networks of the tests: every kind of layer, alone and in
 * the company where folding goes wrong first. */
#include "net_support.h"

static const char *conv3(model_maker *k, int c)
{
    maker_conv(k, "logit", "image", c, 1, 3);
    return "logit";
}

static const char *conv1(model_maker *k, int c)
{
    maker_conv(k, "logit", "image", c, 1, 1);
    return "logit";
}

static const char *square(model_maker *k, int c)
{
    maker_conv(k, "a", "image", c, 3, 3);
    maker_plain(k, "square", "s", "a", NULL);
    maker_conv(k, "logit", "s", 3, 1, 1);
    return "logit";
}

static const char *quadratic(model_maker *k, int c)
{
    maker_conv(k, "a", "image", c, 4, 1);
    maker_quadratic(k, "q", "a", 4);
    maker_conv(k, "logit", "q", 4, 1, 3);
    return "logit";
}

/* A batch norm before the activation and one behind it. */
static const char *norms(model_maker *k, int c)
{
    maker_conv(k, "a", "image", c, 2, 3);
    maker_batchnorm(k, "n", "a", 2);
    maker_plain(k, "square", "s", "n", NULL);
    maker_batchnorm(k, "m", "s", 2);
    maker_conv(k, "logit", "m", 2, 1, 3);
    return "logit";
}

/* The same where only a border of zeros lets constants pass. */
static const char *norm(model_maker *k, int c)
{
    maker_conv(k, "a", "image", c, 2, 3);
    maker_batchnorm(k, "n", "a", 2);
    maker_plain(k, "square", "s", "n", NULL);
    maker_conv(k, "logit", "s", 2, 1, 3);
    return "logit";
}

static const char *image_norm(model_maker *k, int c)
{
    maker_batchnorm(k, "n", "image", c);
    maker_plain(k, "square", "s", "n", NULL);
    maker_quadratic(k, "q", "s", c);
    maker_batchnorm(k, "m", "q", c);
    maker_conv(k, "logit", "m", c, 1, 1);
    return "logit";
}

/* The logit has an activation. */
static const char *square_end(model_maker *k, int c)
{
    maker_conv(k, "a", "image", c, 1, 3);
    maker_plain(k, "square", "logit", "a", NULL);
    return "logit";
}

static const char *pool(model_maker *k, int c)
{
    maker_conv(k, "a", "image", c, 2, 3);
    maker_plain(k, "square", "s", "a", NULL);
    maker_plain(k, "pool", "p", "s", NULL);
    maker_conv(k, "b", "p", 2, 3, 3);
    maker_plain(k, "square", "t", "b", NULL);
    maker_tconv(k, "u", "t", 3, 2);
    maker_conv(k, "logit", "u", 2, 1, 3);
    return "logit";
}

static const char *pool_linear(model_maker *k, int c)
{
    maker_conv(k, "a", "image", c, 2, 3);
    maker_plain(k, "pool", "p", "a", NULL);
    maker_conv(k, "b", "p", 2, 2, 3);
    maker_plain(k, "square", "t", "b", NULL);
    maker_tconv(k, "logit", "t", 2, 1);
    return "logit";
}

/* The image pooled, and pooled twice; up twice with nothing between. */
static const char *pool_image(model_maker *k, int c)
{
    maker_plain(k, "pool", "p", "image", NULL);
    maker_plain(k, "pool", "pp", "p", NULL);
    maker_conv(k, "a", "pp", c, 2, 3);
    maker_tconv(k, "u", "a", 2, 3);
    maker_tconv(k, "v", "u", 3, 2);
    maker_conv(k, "logit", "v", 2, 1, 3);
    return "logit";
}

/* A transposed convolution with an activation is a stage of its own. */
static const char *tconv_square(model_maker *k, int c)
{
    maker_conv(k, "a", "image", c, 2, 3);
    maker_plain(k, "square", "s", "a", NULL);
    maker_plain(k, "pool", "p", "s", NULL);
    maker_tconv(k, "u", "p", 2, 3);
    maker_plain(k, "square", "t", "u", NULL);
    maker_conv(k, "logit", "t", 3, 1, 3);
    return "logit";
}

static const char *tconv_norm(model_maker *k, int c)
{
    maker_conv(k, "a", "image", c, 2, 3);
    maker_quadratic(k, "q", "a", 2);
    maker_plain(k, "pool", "p", "q", NULL);
    maker_tconv(k, "u", "p", 2, 3);
    maker_batchnorm(k, "n", "u", 3);
    maker_conv(k, "b", "n", 3, 2, 3);
    maker_quadratic(k, "r", "b", 2);
    maker_plain(k, "pool", "o", "n", NULL);
    maker_tconv(k, "v", "o", 3, 1);
    maker_plain(k, "concat", "c", "r", "v");
    maker_conv(k, "logit", "c", 3, 1, 3);
    return "logit";
}

/* Several inputs, the image among them, one of them twice. */
static const char *concat(model_maker *k, int c)
{
    maker_conv(k, "a", "image", c, 2, 3);
    maker_plain(k, "square", "s", "a", NULL);
    maker_conv(k, "b", "image", c, 1, 1);
    maker_plain(k, "concat", "c", "s", "image");
    maker_plain(k, "concat", "d", "c", "b");
    maker_plain(k, "concat", "e", "d", "s");
    maker_conv(k, "logit", "e", 5 + c, 1, 3);
    return "logit";
}

/* A pooled concatenation, raised again. */
static const char *concat_pool(model_maker *k, int c)
{
    maker_conv(k, "a", "image", c, 2, 3);
    maker_plain(k, "square", "s", "a", NULL);
    maker_plain(k, "concat", "c", "s", "image");
    maker_plain(k, "pool", "p", "c", NULL);
    maker_tconv(k, "u", "p", 2 + c, 2);
    maker_plain(k, "concat", "d", "u", "c");
    maker_conv(k, "logit", "d", 4 + c, 1, 3);
    return "logit";
}

/* One tensor read at three levels. */
static const char *skips(model_maker *k, int c)
{
    maker_conv(k, "a", "image", c, 2, 3);
    maker_plain(k, "square", "s", "a", NULL);
    maker_conv(k, "b", "s", 2, 2, 3);
    maker_plain(k, "square", "t", "b", NULL);
    maker_plain(k, "concat", "d", "s", "t");
    maker_conv(k, "e", "d", 4, 2, 1);
    maker_plain(k, "square", "v", "e", NULL);
    maker_plain(k, "concat", "f", "v", "s");
    maker_plain(k, "concat", "g", "f", "image");
    maker_conv(k, "logit", "g", 4 + c, 1, 3);
    return "logit";
}

static const char *unet1(model_maker *k, int c)
{
    (void)c;
    maker_unet(k, 2, 1);
    return "logit";
}

static const char *unet2(model_maker *k, int c)
{
    (void)c;
    maker_unet(k, 2, 2);
    return "logit";
}

static const char *unet3(model_maker *k, int c)
{
    (void)c;
    maker_unet(k, 1, 3);
    return "logit";
}

/* A logit for each of 3 and of 4 labels. */
static const char *labels3(model_maker *k, int c)
{
    maker_conv(k, "a", "image", c, 2, 3);
    maker_plain(k, "square", "s", "a", NULL);
    maker_conv(k, "logit", "s", 2, 3, 3);
    return "logit";
}

/* As the last of a way down and up, behind a concatenation. */
static const char *labels4(model_maker *k, int c)
{
    maker_conv(k, "a", "image", c, 2, 3);
    maker_plain(k, "square", "s", "a", NULL);
    maker_plain(k, "pool", "p", "s", NULL);
    maker_plain(k, "pool", "q", "p", NULL);
    maker_conv(k, "b", "q", 2, 2, 1);
    maker_plain(k, "square", "t", "b", NULL);
    maker_tconv(k, "u", "t", 2, 2);
    maker_tconv(k, "v", "u", 2, 2);
    maker_plain(k, "concat", "cat", "v", "s");
    maker_conv(k, "logit", "cat", 4, 4, 1);
    return "logit";
}

/* Down to one pixel, and a classifier on that. */
static const char *dense(model_maker *k, int c)
{
    maker_conv(k, "a", "image", c, 2, 3);
    maker_plain(k, "square", "s", "a", NULL);
    maker_plain(k, "pool", "p", "s", NULL);
    maker_plain(k, "pool", "pp", "p", NULL);
    maker_dense(k, "b", "pp", 2, 3);
    maker_plain(k, "square", "t", "b", NULL);
    maker_dense(k, "logit", "t", 3, 1);
    return "logit";
}

const net_kind net_kinds[] = {
    /* name           build      pools channels single  zero   dense         */
    { "conv3",        conv3,        0, 1, true,  true,  false },
    { "conv1",        conv1,        0, 3, true,  true,  false },
    { "square",       square,       0, 2, true,  true,  false },
    { "quadratic",    quadratic,    0, 1, true,  true,  false },
    { "norms",        norms,        0, 1, true,  true,  false },
    { "norm",         norm,         0, 1, true,  true,  false },
    { "image norm",   image_norm,   0, 3, false, true,  false },
    { "square end",   square_end,   0, 1, true,  true,  false },
    { "pool",         pool,         1, 1, false, true,  false },
    { "pool linear",  pool_linear,  1, 2, false, true,  false },
    { "pool image",   pool_image,   2, 1, false, true,  false },
    { "tconv square", tconv_square, 1, 1, false, true,  false },
    { "tconv norm",   tconv_norm,   1, 1, false, true,  false },
    { "concat",       concat,       0, 2, false, true,  false },
    { "concat pool",  concat_pool,  1, 1, false, true,  false },
    { "skips",        skips,        0, 1, false, true,  false },
    { "unet 1",       unet1,        1, 1, false, true,  false },
    { "unet 2",       unet2,        2, 1, false, true,  false },
    { "unet 3",       unet3,        3, 1, false, true,  false },
    { "labels 3",     labels3,      0, 2, true,  true,  false },
    { "labels 4",     labels4,      2, 1, false, true,  false },
    { "dense",        dense,        2, 2, false, true,  true  },
    { NULL, NULL, 0, 0, false, false, false }
};

const net_kind *net_kind_named(const char *name)
{
    const net_kind *k = net_kinds;

    while (k->build != NULL && strcmp(k->name, name) != 0)
        k++;
    CHECK(k->build != NULL, "no network %s", name);
    return k->build != NULL ? k : net_kinds;
}
