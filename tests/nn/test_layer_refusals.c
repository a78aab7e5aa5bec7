/* test_layer_refusals.c -- networks that load, and that no layout holds: the
 * planner says which layer, why, and what would do.
 */
#include "net_support.h"

static void convolve(model_maker *k, const char *name, const char *in,
                     maker_window w)
{
    maker_convolve(k, name, in, &w);
}

/* Larger than the image, and as large again behind the next layer. */
static void grown(model_maker *k)
{
    convolve(k, "a", "image", (maker_window){ 1, 1, 3, 3, .padded = true,
             .pad = { 2, 2, 2, 2 } });
    convolve(k, "out", "a", (maker_window){ 1, 1, 3, 3, .padded = true });
}

static void up_by_four(model_maker *k)
{
    maker_plain(k, "pool", "p", "image", NULL);
    maker_tconv4(k, "out", "p", 1, 1);
}

static void large_mean(model_maker *k)
{
    maker_conv(k, "a", "image", 1, 2, 1);
    maker_pool(k, "out", "a", 33, 35);
}

/* Maps of one size whose pixels do not lie alike: by a stride, by a kernel. */
static void apart(model_maker *k)
{
    maker_strided(k, "a", "image", 1, 2, 1, 2);
    maker_plain(k, "square", "as", "a", NULL);
    maker_conv(k, "b", "image", 1, 2, 5);
    maker_plain(k, "square", "bs", "b", NULL);
    maker_plain(k, "add", "sum", "as", "bs");
    maker_dense(k, "out", "sum", 32, 3);
}

static void far_strides(model_maker *k)
{
    char name[16], before[16] = "image";

    for (int i = 0; i < 6; i++) {
        snprintf(name, sizeof name, "s%d", i);
        maker_strided(k, name, before, 1, 1, 1, 16);
        snprintf(before, sizeof before, "%s", name);
    }
    maker_conv(k, "out", before, 1, 1, 1);
}

TEST(layer_refusals)
{
    static const struct {
        const char *border;
        int height, width, classes;
        void (*build)(model_maker *k);
        const char *words;
    } net[] = {
        { "zero", 6, 8, 0, grown, "layer a gives 8 x 10" },
        { "valid", 6, 8, 0, up_by_four, "layer out: a tconv of 4x4 sees what "
          "lies beyond the map, which border valid does not have" },
        { "zero", 33, 35, 2, large_mean, "layer out: a mean of 33 x 35" },
        { "valid", 8, 8, 3, apart, "joins maps whose pixels lie 2 and 1 "
                                   "pixels of the image apart" },
        { "zero", 64, 64, 1, far_strides, "strides and means of together" }
    };

    for (size_t i = 0; i < sizeof net / sizeof *net; i++) {
        static model_maker k;
        static nn_plan p;
        nn_model m = { 0 };
        const nn_aim aim = { .security = CKKS_INSECURE };

        maker_start(&k, net[i].border, 0, 1, net[i].height, net[i].width);
        net[i].build(&k);
        if (net[i].classes > 0)
            maker_classes(&k, "out", net[i].classes);
        else
            maker_finish(&k, "out");
        if (NN_OK(model_made(&m, &k))
            && NN_STATUS(nn_plan_make(&p, &m, &aim), CKKS_EPARAM))
            CHECK(strstr(nn_last_error(), net[i].words) != NULL,
                  "network %zu: \"%s\", want \"%s\"", i, nn_last_error(),
                  net[i].words);
        nn_model_clear(&m);
        maker_clear(&k);
    }
}
