/* test_model_windows.c -- kernels, pads, groups, means and ways up of a model
 * file: what is refused.
 */
#include "model_support.h"

/* Of kernels, means and ways up; 6 x 4 pixels. */
static bool window_model(model_maker *k)
{
    const maker_window tall = { 1, 2, 3, 1, .dilation_y = 2, .padded = true,
                                .pad = { 2, 0, 2, 0 } };
    const maker_window grouped = { 2, 2, 3, 3, .groups = 2 };

    maker_start(k, "zero", 0, 1, 6, 4);
    maker_convolve(k, "a", "image", &tall);
    maker_convolve(k, "b", "a", &grouped);
    maker_plain(k, "add", "sum", "a", "b");
    maker_pool(k, "p", "sum", 2, 2);
    maker_upsample(k, "n", "p", "nearest");
    maker_tconv4(k, "t", "p", 2, 2);
    maker_plain(k, "concat", "cat", "t", "n");
    maker_conv(k, "out", "cat", 4, 1, 1);
    maker_finish(k, "out");
    return CHECK(k->data != NULL, "no memory");
}

static const model_change window_changes[] = {
    { "\"dilation\":[2,1]", "\"dilation\":[2]", "layer a: dilation is a list "
                                                "of 1" },
    { "\"dilation\":[2,1]", "\"dilation\":[17,1]", "dilation is 17, want a "
                                                   "whole number in 1..16" },
    { "\"dilation\":[2,1]", "\"dilation\":[6,1]", "layer a: a kernel of 13 x 1 "
                                       "pixels on a map of 10 x 4, pads" },
    { "\"dilation\":[2,1]", "\"dilation\":[1,1]", "layer out is the output "
                                       "and has 8 x 4, the image 6 x 4" },
    { "\"groups\":2", "\"groups\":3", "layer b: 3 groups of 2 channels" },
    { "\"groups\":2", "\"groups\":0", "groups is 0" },
    { "\"groups\":2", "\"groups\":1", "[2, 1, 3, 3], want [any, 2, 3, 3]" },
    { "\"pad\":[2,0,2,0]", "\"pad\":2", "layer a: pad is no list of four" },
    { "\"pad\":[2,0,2,0]", "\"pad\":[2,0,2]", "pad is no list of four" },
    { "\"pad\":[2,0,2,0]", "\"pad\":[2,0,-2,0]", "pad is -2" },
    { "\"pad\":[2,0,2,0]", "\"pad\":[2,0,2,257]", "pad is 257" },
    { "\"pad\":[2,0,2,0]", "\"pad\":[2,0,2,0],\"x\":1", "unknown key \"x\"" },
    { "\"kernel\":[3,1]", "\"kernel\":[3,1,1]", "layer a: kernel is a list of "
                                                "3" },
    { "\"kernel\":[3,1]", "\"kernel\":[3,0]", "layer a: kernel is 0" },
    { "\"kernel\":[3,1]", "\"kernel\":[3,1],\"stride\":[2,1]",
      "layer a: strides 2 and 1" },
    { "\"zero\"", "\"valid\"", "layer a: pad of 2, with border valid there is "
                               "none" },
    { "\"zero\"", "\"wrap\",\"ring\":[3,1]", "layer p: pool of 2 x 2 on a ring "
                                             "of 3 x 1" },
    { "\"in\":[\"a\",\"b\"]", "\"in\":[\"a\",\"image\"]",
      "layer sum: add of a, 2 channels, and image, 1" },
    { "\"in\":[\"a\",\"b\"]", "\"in\":[\"a\"]",
      "layer sum: in has 1 entries, add takes 2..8" },
    { "\"size\":2", "\"size\":[2,1]",
      "layer p: pool of 2 x 1, want equal sides of 2..16, or the whole map, "
      "6 x 4" },
    { "\"size\":2", "\"size\":5",
      "layer p: pool of 5 x 5 on a map of 6 x 4" },
    { "\"nearest\"", "\"cubic\"", "layer n: mode is \"cubic\"" },
    { ",\"mode\":\"nearest\"", "", "layer n: key \"mode\" is missing" },
    { "\"kernel\":4}", "\"kernel\":3}", "layer t: kernel is 3, a "
                                              "tconv's is 2" },
    { "\"kernel\":4}", "\"kernel\":5}", "kernel is 5" },
    { "\"kernel\":4}", "\"kernel\":2}", "[2, 2, 4, 4], want [2, any, 2, 2]" },
};

TEST(model_refuses_windows)
{
    for (size_t i = 0; i < sizeof window_changes / sizeof *window_changes; i++)
        model_check_refused(&window_changes[i], window_model, true);
}
