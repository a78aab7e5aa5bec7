/* test_model.c -- model files: fields, refusals, damage. */
#include <math.h>

#include "model_support.h"

/* Every kind of layer but dense; 4 x 4 pixels. */
static bool small_model(model_maker *k)
{
    maker_start(k, "zero", 0, 1, 4, 4);
    maker_conv(k, "c1", "image", 1, 2, 3);
    maker_batchnorm(k, "bn", "c1", 2);
    maker_plain(k, "square", "sq", "bn", NULL);
    maker_plain(k, "pool", "down", "sq", NULL);
    maker_quadratic(k, "quad", "down", 2);
    maker_tconv(k, "up", "quad", 2, 3);
    maker_plain(k, "concat", "cat", "up", "sq");
    maker_conv(k, "out", "cat", 5, 1, 1);
    maker_finish(k, "out");
    return CHECK(k->data != NULL, "no memory");
}

/* ---- loading ----------------------------------------------------------- */

TEST(model_load_fields)
{
    static model_maker k;
    nn_model m = {0};
    const nn_layer *l;

    if (!small_model(&k)
        || !CHECK(model_made(&m, &k) == CKKS_OK, "%s", nn_last_error()))
        return;
    CHECK(m.num_layers == 9 && m.output == 8 && m.border == NN_ZERO
          && m.channels == 1 && m.height == 4 && m.width == 4
          && m.mul == 0.0078125 && m.add == -1 && m.threshold == 0.5
          && strcmp(m.name, "test") == 0 && strcmp(m.foreground, "cell") == 0
          && m.data_count == k.data_count, "head of the model");
    l = &m.layer[0];
    CHECK(l->op == NN_IMAGE && l->num_in == 0 && l->channels == 1
          && strcmp(l->name, "image") == 0 && l->range.gain == 0.25, "image");
    l = &m.layer[1];
    CHECK(l->op == NN_CONV && l->kernel_y == 3 && l->kernel_x == 3
          && l->channels == 2 && l->in[0] == 0
          && l->weight[17] == maker_find(&k, "c1.weight")[17]
          && l->bias[1] == maker_find(&k, "c1.bias")[1], "c1");
    l = &m.layer[2];
    CHECK(l->op == NN_BATCHNORM && l->eps == 1e-5
          && l->var[1] == maker_find(&k, "bn.var")[1], "bn");
    l = &m.layer[4];
    CHECK(l->op == NN_POOL && l->height == 2 && l->width == 2, "down");
    l = &m.layer[5];
    CHECK(l->op == NN_QUADRATIC && l->c[1] == maker_find(&k, "quad.c")[1],
          "quad");
    l = &m.layer[6];
    CHECK(l->op == NN_TCONV && l->channels == 3 && l->height == 4, "up");
    l = &m.layer[7];
    CHECK(l->op == NN_CONCAT && l->channels == 5 && l->num_in == 2
          && l->in[0] == 6 && l->in[1] == 3, "cat");
    nn_model_clear(&m);
    CHECK(m.layer == NULL && m.num_layers == 0, "cleared");
    nn_model_clear(&m);
    maker_clear(&k);
}

static const model_change net_changes[] = {
    { "{\"name\":\"test\"", "[\"name\",\"test\"", "network: byte" },
    { "\"name\":\"test\"", "\"name\":\"\"", "name is not a text of 1..63" },
    { "\"name\":\"test\",", "", "network: key \"name\" is missing" },
    { "\"name\":\"test\"", "\"name\":\"test\",\"x\":1", "unknown key \"x\"" },
    { "\"name\":\"test\"", "\"name\":\"a\\u0007b\"", "control character" },
    { "\"zero\"", "\"mirror\"", "border is \"mirror\"" },
    { "\"zero\"", "\"wrap\"", "needs a ring" },
    { "\"zero\"", "\"zero\",\"ring\":[2,2]", "a ring is given" },
    { "\"zero\"", "\"wrap\",\"ring\":[3,2]", "ring 3 x 2 does not divide the "
                                             "image, 4 x 4" },
    { "\"zero\"", "\"wrap\",\"ring\":[1,1]", "layer down: pool of 2 x 2 on a "
                                             "ring of 1 x 1" },
    { "\"zero\"", "\"wrap\",\"ring\":[2]", "needs a ring of two" },
    { "\"zero\"", "\"wrap\",\"ring\":[0,2]", "ring: height is 0" },
    { "\"height\":4", "\"height\":0", "input: height is 0, want a whole number "
                                      "in 1..65536" },
    { "\"height\":4", "\"height\":70000", "input: height is 70000" },
    { "\"height\":4", "\"height\":4.5", "input: height is 4.5" },
    { "\"height\":4", "\"height\":5", "layer cat: concat of up, 4 x 4, and sq, "
                                      "5 x 4" },
    { "\"channels\":1", "\"channels\":3", "layer c1: weight: tensor c1.weight "
              "has shape [2, 1, 3, 3], want [any, 3, 3, 3]" },
    { "\"mul\":0.0078125", "\"mul\":\"1\"", "input: mul is 1" },
    { "\"mul\":0.0078125", "\"mul\":1e999", "too large for a double" },
    { "\"op\":\"square\"", "\"op\":\"tanh\"", "layer sq: unknown op \"tanh\"" },
    { "\"op\":\"square\"", "\"op\":\"relu\"",
      "layer sq: op relu needs \"protocol\": \"blind\" in the file" },
    { "\"op\":\"pool\"", "\"op\":\"maxpool\"", "layer down: op maxpool needs" },
    { "\"height\":4", "\"depth\":2,\"height\":4", "input: depth is 2: a network "
                                                 "of three dimensions needs" },
    { "\"name\":\"test\"", "\"name\":\"test\",\"protocol\":\"plain\"",
      "protocol is \"plain\", want blind" },
    { "\"name\":\"test\"", "\"name\":\"test\",\"protocol\":1",
      "protocol is \"(no text)\"" },
    { "\"op\":\"square\"", "\"op\":\"square\",\"a\":1",
      "layer sq: unknown key \"a\"" },
    { "\"op\":\"square\",", "", "layer sq: unknown op" },
    { "\"kernel\":3", "\"kernel\":2", "layer c1: kernel is 2 x 2" },
    { "\"kernel\":3", "\"kernel\":4", "layer c1: kernel is 4 x 4" },
    { "\"kernel\":3", "\"kernel\":17", "layer c1: kernel is 17" },
    { "\"kernel\":3", "\"kernel\":3,\"stride\":0", "c1: stride is 0" },
    { "\"kernel\":3", "\"kernel\":3,\"stride\":2", "layer out is the output "
                                                   "and has 2 x 2" },
    { "\"kernel\":3", "\"kernel\":1", "want [any, 1, 1, 1]" },
    { ",\"kernel\":3", "", "layer c1: key \"kernel\" is missing" },
    { "\"eps\":1e-5", "\"eps\":-1", "layer bn: eps is -1, want a number >= 0" },
    { "\"in\":[\"c1\"]", "\"in\":[\"sq\"]", "layer bn: no layer above it is "
                                            "named sq" },
    { "\"in\":[\"c1\"]", "\"in\":[\"bn\"]", "layer bn: no layer above" },
    { "\"in\":[\"c1\"]", "\"in\":[]", "layer bn: in has 0 entries" },
    { "\"in\":[\"c1\"]", "\"in\":[\"c1\",\"c1\"]", "layer bn: in has 2" },
    { "\"in\":[\"c1\"]", "\"in\":[1]", "layer bn: no layer above" },
    { "\"in\":[\"c1\"]", "\"in\":\"c1\"", "layer bn: in has" },
    { "\"in\":[\"up\",\"sq\"]", "\"in\":[\"up\",\"down\"]",
      "layer cat: concat of up, 4 x 4, and down, 2 x 2" },
    { "\"in\":[\"up\",\"sq\"]", "\"in\":[\"up\"]", "layer cat: in has 1" },
    { "\"name\":\"bn\"", "\"name\":\"c1\"", "layer c1: a second one" },
    { "\"name\":\"bn\"", "\"name\":\"image\"", "layer image: a second one" },
    { "\"weight\":\"bn.weight\"", "\"weight\":\"nothing\"",
      "layer bn: weight: there is no tensor nothing" },
    { "\"weight\":\"bn.weight\"", "\"weight\":\"quad.a\"",
      "no layer uses tensor bn.weight" },
    { "\"weight\":\"bn.weight\"", "\"weight\":\"up.bias\"",
      "layer bn: weight: tensor up.bias has shape [3], want [2]" },
    { "\"weight\":\"bn.weight\"", "\"weight\":7", "is not a tensor's name" },
    { "\"op\":\"quadratic\"", "\"op\":\"dense\"", "layer quad: unknown key" },
    { "\"tensor\":\"out\"", "\"tensor\":\"logit\"", "there is no layer logit" },
    { "\"tensor\":\"out\"", "\"tensor\":\"image\"", "there is no layer image" },
    { "\"tensor\":\"out\"", "\"tensor\":\"cat\"", "layer cat is the output and "
                                                  "has 5 channels" },
    { "\"threshold\":0.5", "\"threshold\":null", "output: threshold is no" },
    { "\"foreground\":\"cell\"", "\"foreground\":1", "output: foreground" },
    { "\"ranges\":{\"image\":{\"max\":4,\"rms\":1.5,\"gain\":0.25},",
      "\"ranges\":{", "ranges: key \"image\" is missing" },
    { "\"ranges\":{", "\"ranges\":{\"x\":{},", "ranges: unknown key \"x\"" },
    { "\"c1\":{\"max\":4", "\"c1\":{\"max\":-4", "ranges of c1: max is -4" },
    { "\"c1\":{\"max\":4,", "\"c1\":{", "ranges of c1: key \"max\"" },
    { "\"layers\":[", "\"layers\":[3,", "the name of layer 1" },
};

static const model_change header_changes[] = {
    { "volley-1", "volley-2", "format \"volley-2\"" },
    { "\"format\"", "\"form\"", "unknown key \"form\"" },
    { "\"origin\": \"a test\"", "\"origin\": 1", "origin is not a text" },
    { ", \"origin\": \"a test\"", "", "key \"origin\" is missing" },
    { "\"__metadata__\"", "\"metadata\"", "tensor metadata: unknown key" },
    { "F32", "BF16", "tensor c1.weight: dtype BF16, only F32 and F16" },
    { "F32", "F16", "tensor c1.weight: shape [2, 1, 3, 3] needs 36 bytes, "
                    "data_offsets 0..72 hold 72" },
    { "\"dtype\"", "\"type\"", "tensor c1.weight: unknown key \"type\"" },
    { "\"dtype\": \"F32\", ", "", "tensor c1.weight: dtype absent" },
    { "[2, 1, 3, 3]", "[2, 1, 3, 2]", "tensor c1.weight: shape [2, 1, 3, 2] "
                          "needs 48 bytes, data_offsets 0..72 hold 72" },
    { "[2, 1, 3, 3]", "[18]", "layer c1: weight: tensor c1.weight has shape "
                              "[18], want [any, 1, 3, 3]" },
    { "[2, 1, 3, 3]", "[2, 1, 3, 3, 1]", "has shape [2, 1, 3, 3, 1], want" },
    { "[2, 1, 3, 3]", "[2, 1, 3, 3, 1, 1]", "at most 5 lengths" },
    { "[2, 1, 3, 3]", "[2147483647, 2147483647, 2147483647, 2147483647]",
      "more than the file's" },
    { "[2, 1, 3, 3]", "[2, 1, 3, -3]", "length 3 of the shape" },
    { "[2, 1, 3, 3]", "18", "shape is not a list" },
    { "[0, 72]", "[72, 0]", "data_offsets 72..0" },
    { "[0, 72]", "[0, 99999]", "data_offsets 0..99999" },
    { "[0, 72]", "[0, 18446744073709551615]", "data_offsets" },
    { "[0, 72]", "[-4, 68]", "not a pair of whole numbers" },
    { "[0, 72]", "[0]", "not a pair" },
    { "[0, 72]", "[0, 72.0]", "not a pair" },
    { "[72, 80]", "[68, 76]", "begins at byte 68 of the data, the one before "
                              "it ends at 72 (overlap)" },
    { "[72, 80]", "[80, 88]", "(hole)" },
    { "\"c1.bias\"", "\"c1.weight\"", "for the second time" },
    { "\"c1.bias\"", "\"c2.bias\"", "layer c1: bias: there is no tensor" },
    { "{\"__metadata__\"", "[\"__metadata__\"", "header: byte" },
};

TEST(model_refuses_networks)
{
    for (size_t i = 0; i < sizeof net_changes / sizeof *net_changes; i++)
        model_check_refused(&net_changes[i], small_model, true);
}

TEST(model_refuses_headers)
{
    for (size_t i = 0; i < sizeof header_changes / sizeof *header_changes; i++)
        model_check_refused(&header_changes[i], small_model, false);
}

/* ---- labels -------------------------------------------------------------- */

/* A mask of three labels, 4 x 4 pixels. */
static bool label_model(model_maker *k)
{
    maker_start(k, "zero", 0, 1, 4, 4);
    maker_conv(k, "c1", "image", 1, 2, 3);
    maker_plain(k, "square", "sq", "c1", NULL);
    maker_plain(k, "pool", "down", "sq", NULL);
    maker_tconv(k, "out", "down", 2, 3);
    maker_labels(k, "out", 3);
    return CHECK(k->data != NULL, "no memory");
}

static const model_change label_changes[] = {
    { "\"labels\":[\"part 0\",", "\"labels\":[", "labels has 2 entries, layer "
                                               "out has 3 channels" },
    { "\"labels\":[\"part 0\",", "\"labels\":[\"x\",\"part 0\",",
      "labels has 4 entries" },
    { "\"labels\":[\"part 0\",\"part 1\",\"part 2\"]", "\"labels\":3",
      "labels has 0 entries" },
    { "\"labels\":[\"part 0\",", "\"labels\":[0,", "output: a label is not a "
                                                 "text" },
    { "\"labels\":[\"part 0\",", "\"labels\":[\"\",", "output: a label is not" },
    { "\"labels\":[\"part 0\",", "\"labels\":[\"part 2\",",
      "labels 0 and 2 are both named part 2" },
    { "\"part 2\"]", "\"part 2\"],\"threshold\":0",
      "output: unknown key \"threshold\"" },
    { "\"part 2\"]", "\"part 2\"],\"classes\":[\"a\",\"b\"]",
      "output: unknown key \"classes\"" },
    { "\"tensor\":\"out\"", "\"tensor\":\"down\"", "layer down gives labels "
                              "and has 2 x 2, the image 4 x 4" },
    { ",\"labels\":[{", ",\"label\":[{", "ranges of out: unknown key" },
    { ",\"labels\":[{\"max\":1,\"margin\":1.25},", ",\"labels\":[",
      "ranges of out: labels has 2 entries, want 3" },
    { "{\"max\":1,\"margin\":1.25}", "7", "label 0 is absent or not an" },
    { "{\"max\":1,\"margin\":1.25}", "{\"max\":1}", "key \"margin\" is" },
    { "{\"max\":1,\"margin\":1.25}", "{\"max\":-1,\"margin\":1.25}",
      "label 0: max is -1" },
    { "{\"max\":1,\"margin\":1.25}", "{\"max\":5,\"margin\":1.25}",
      "label 0: max is 5, of all labels 4" },
    { "{\"max\":2,\"margin\":1.25}", "{\"max\":2,\"margin\":-1}",
      "label 1: margin is -1" },
};

TEST(model_load_labels)
{
    static model_maker k;
    nn_model m = {0};

    if (label_model(&k) && CHECK(model_made(&m, &k) == CKKS_OK, "%s",
                                 nn_last_error()))
        CHECK(m.num_labels == 3 && m.num_classes == 0 && m.threshold == 0
              && m.foreground[0] == '\0'
              && strcmp(m.label_name[2], "part 2") == 0 && m.label_max[1] == 2
              && m.label_margin[2] == 1.25, "%d labels", m.num_labels);
    nn_model_clear(&m);
    maker_clear(&k);
}

TEST(model_refuses_labels)
{
    for (size_t i = 0; i < sizeof label_changes / sizeof *label_changes; i++)
        model_check_refused(&label_changes[i], label_model, true);
}

/* A label whose logit no image changes. */
TEST(model_refuses_constant_labels)
{
    for (int label = 0; label < 4; label++) {
        static model_maker k;
        nn_model m = {0};
        float *w;

        maker_start(&k, "halo", 0, 2, 4, 4);
        maker_conv(&k, "out", "image", 2, 4, 3);
        maker_labels(&k, "out", 4);
        w = maker_find(&k, "out.weight");
        CHECK(model_made(&m, &k) == CKKS_OK, "%s", nn_last_error());
        nn_model_clear(&m);
        for (int i = 0; i < 18; i++)
            w[18 * label + i] = i % 2 == 0 ? 0.0f : -0.0f;
        CHECK(model_made(&m, &k) == CKKS_EFORMAT
              && strstr(nn_last_error(), "constant logit") != NULL
              && strstr(nn_last_error(), "label") != NULL, "%s",
              nn_last_error());
        w[18 * label + 17] = 1e-30f;
        CHECK(model_made(&m, &k) == CKKS_OK, "%s", nn_last_error());
        nn_model_clear(&m);
        maker_clear(&k);
    }
}

/* From 2 to 16. */
TEST(model_labels_count)
{
    static model_maker k;

    for (int count = 1; count <= NN_MAX_LABELS + 1; count++) {
        nn_model m = {0};
        ckks_status s;

        maker_start(&k, "halo", 0, 1, 4, 4);
        maker_conv(&k, "out", "image", 1, count, 3);
        maker_labels(&k, "out", count);
        s = model_made(&m, &k);
        CHECK((s == CKKS_OK) == (count > 1 && count <= NN_MAX_LABELS),
              "%d labels: %s", count, ckks_status_name(s));
        nn_model_clear(&m);
        maker_clear(&k);
    }
}

/* Lengths of the header that the file does not have; bytes behind the data;
 * every prefix of the file. */
TEST(model_refuses_sizes)
{
    static model_maker k;
    static const uint64_t length[] = { 0, 1, 100, UINT64_MAX, UINT64_MAX - 7,
                                       UINT64_C(1) << 32, NN_MAX_LAYERS };
    nn_model m = {0};
    uint8_t *bytes, *copy;
    size_t size;

    if (!small_model(&k))
        return;
    bytes = maker_bytes(&size, &k);
    copy = malloc(size + 4);
    if (!CHECK(bytes != NULL && copy != NULL, "no memory"))
        return;
    for (size_t i = 0; i < sizeof length / sizeof *length; i++) {
        memcpy(copy, bytes, size);
        for (int j = 0; j < 8; j++)
            copy[j] = (uint8_t)(length[i] >> (8 * j));
        CHECK(nn_model_load(&m, copy, size) == CKKS_EFORMAT,
              "header length %" PRIu64, length[i]);
    }
    memcpy(copy, bytes, size);
    memset(copy + size, 0, 4);
    CHECK(nn_model_load(&m, copy, size + 4) == CKKS_EFORMAT, "4 bytes more");
    CHECK(strstr(nn_last_error(), "the tensors end at byte") != NULL, "%s",
          nn_last_error());
    for (size_t n = 0; n < size; n++) {
        uint8_t *part = malloc(n > 0 ? n : 1);

        memcpy(part, bytes, n);
        CHECK(nn_model_load(&m, part, n) == CKKS_EFORMAT, "%zu of %zu bytes",
              n, size);
        free(part);
    }
    CHECK(nn_model_load(&m, NULL, 5) == CKKS_EARG, "null pointer");
    CHECK(nn_model_load(NULL, bytes, size) == CKKS_EARG, "null pointer");
    free(bytes);
    free(copy);
    maker_clear(&k);
}

TEST(model_refuses_numbers)
{
    static const float bad[] = { NAN, INFINITY, -INFINITY };
    static const char *const name[] = { "c1.weight", "bn.var", "quad.c",
                                        "up.bias" };
    static const char *const layer[] = { "layer c1", "layer bn", "layer quad",
                                         "layer up" };
    static model_maker k;
    nn_model m = {0};

    if (!small_model(&k))
        return;
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 3; j++) {
            float *v = maker_find(&k, name[i]), old = v[1];

            v[1] = bad[j];
            CHECK(model_made(&m, &k) == CKKS_EFORMAT, "%s[1] = %g", name[i],
                  (double)bad[j]);
            CHECK(strstr(nn_last_error(), layer[i]) != NULL
                  && strstr(nn_last_error(), "entry 1") != NULL, "%s",
                  nn_last_error());
            v[1] = old;
        }
    maker_find(&k, "bn.var")[1] = -0.25f;
    CHECK(model_made(&m, &k) == CKKS_EFORMAT
          && strstr(nn_last_error(), "layer bn: var[1] = -0.25") != NULL,
          "%s", nn_last_error());
    maker_clear(&k);
}

/* A layer that nothing reads; an output at another size. */
TEST(model_refuses_dead_ends)
{
    static model_maker k;
    nn_model m = {0};

    maker_start(&k, "zero", 0, 1, 4, 4);
    maker_conv(&k, "a", "image", 1, 1, 3);
    maker_conv(&k, "b", "image", 1, 1, 3);
    maker_finish(&k, "a");
    CHECK(model_made(&m, &k) == CKKS_EFORMAT
          && strstr(nn_last_error(), "layer b (number 2 of 3) is read by no")
             != NULL, "%s", nn_last_error());
    maker_clear(&k);
    maker_start(&k, "zero", 0, 1, 8, 4);
    maker_plain(&k, "pool", "a", "image", NULL);
    maker_finish(&k, "a");
    CHECK(model_made(&m, &k) == CKKS_EFORMAT
          && strstr(nn_last_error(), "has 4 x 2, the image 8 x 4") != NULL,
          "%s", nn_last_error());
    maker_clear(&k);
}

/* Whatever the bytes, the loader reads or refuses (run it with the address and
 * undefined-behaviour checks); what it reads can be run. */
TEST(model_damage)
{
    static model_maker k;
    uint64_t seed = 3;
    size_t size;
    uint8_t *bytes;
    double pixel[16] = {0}, logit[16];
    int read = 0, rounds = test_long() ? 200000 : 4000;

    if (!small_model(&k))
        return;
    bytes = maker_bytes(&size, &k);
    for (int i = 0; i < rounds && bytes != NULL; i++) {
        size_t n = i % 8 == 0 ? test_word(&seed) % size : size;
        size_t range = i % 2 == 0 ? size : 9 + strlen(k.header);
        uint8_t *copy = malloc(n > 0 ? n : 1);
        nn_model m = {0};

        memcpy(copy, bytes, n);
        for (int j = 0; j <= i % 3; j++) {
            size_t at = test_word(&seed) % range;

            if (at < n)
                copy[at] ^= (uint8_t)(1u << test_word(&seed) % 8);
        }
        if (nn_model_load(&m, copy, n) == CKKS_OK) {
            read++;
            nn_halo_radius(&m);
            if (m.height == 4 && m.width == 4 && m.channels == 1)
                CHECK(nn_model_float(logit, &m, pixel, 1, 4, 4) == CKKS_OK,
                      "%s", nn_last_error());
        }
        nn_model_clear(&m);
        free(copy);
    }
    CHECK(read > 0 && read < rounds, "%d of %d read", read, rounds);
    free(bytes);
    maker_clear(&k);
}
