/* test_model_blind.c -- model files for the protocol of two parties: what they
 * may hold, what is refused, and the same network in the clear against its
 * definition, in two and three dimensions.
 */
#include <math.h>

#include "float_oracle.h"

/* ---- files --------------------------------------------------------------- */

/* Every kind of layer of three dimensions but dense; 4 x 6 x 8 voxels. */
static bool solid_model(model_maker *k)
{
    static const maker_solid first = { .c_in = 1, .c_out = 2,
                                       .kernel = { 1, 3, 5 } };

    maker_start_blind(k, "zero", 1, 4, 6, 8);
    maker_convolve_solid(k, "c1", "image", &first);
    maker_batchnorm(k, "bn", "c1", 2);
    maker_plain(k, "relu", "r", "bn", NULL);
    maker_plain(k, "maxpool", "down", "r", NULL);
    maker_quadratic(k, "quad", "down", 2);
    maker_tconv(k, "up", "quad", 2, 3);
    maker_plain(k, "concat", "cat", "up", "r");
    maker_conv(k, "out", "cat", 5, 1, 3);
    maker_finish(k, "out");
    return CHECK(k->data != NULL, "no memory");
}

TEST(model_blind_fields)
{
    static model_maker k;
    nn_model m = {0};
    const nn_layer *l;

    if (!solid_model(&k)
        || !CHECK(model_made(&m, &k) == CKKS_OK, "%s", nn_last_error()))
        return;
    CHECK(m.blind && m.depth == 4 && m.height == 6 && m.width == 8
          && m.num_layers == 9 && m.layer[0].depth == 4
          && m.layer[8].depth == 4, "head of the model");
    l = &m.layer[1];
    CHECK(l->kernel_z == 1 && l->kernel_y == 3 && l->kernel_x == 5
          && l->dilation_z == 1 && l->pad_front == 0 && l->pad_back == 0
          && l->pad_top == 1 && l->pad_bottom == 1 && l->pad_left == 2
          && l->pad_right == 2 && l->weight[29] == k.data[29], "c1");
    l = &m.layer[3];
    CHECK(l->op == NN_RELU && l->depth == 4, "r");
    l = &m.layer[4];
    CHECK(l->op == NN_MAXPOOL && l->kernel_z == 2 && l->kernel_y == 2
          && l->kernel_x == 2 && l->depth == 2 && l->height == 3
          && l->width == 4, "down");
    l = &m.layer[6];
    CHECK(l->op == NN_TCONV && l->depth == 4 && l->height == 6
          && l->kernel_z == 2 && l->weight[3 * 8 * 2 - 1]
                                 == maker_find(&k, "up.weight")[47], "up");
    l = &m.layer[8];
    CHECK(l->kernel_z == 3 && l->pad_front == 1 && l->pad_back == 1, "out");
    nn_model_clear(&m);
    maker_clear(&k);
    if (CHECK((maker_start(&k, "zero", 0, 1, 4, 4),
               maker_conv(&k, "out", "image", 1, 1, 3),
               maker_finish(&k, "out"), model_made(&m, &k)) == CKKS_OK, "%s",
              nn_last_error()))
        CHECK(!m.blind && m.depth == 0 && m.layer[0].depth == 1
              && m.layer[1].depth == 1 && m.layer[1].kernel_z == 1
              && m.layer[1].dilation_z == 1 && m.layer[1].pad_front == 0,
              "two dimensions");
    nn_model_clear(&m);
    maker_clear(&k);
}

static const model_change solid_changes[] = {
    { "'zero'", "'wrap','ring':[2,2]", "border is wrap, which comes from the" },
    { "'zero'", "'halo'", "border is halo, in three dimensions (depth 4)" },
    { "'protocol':'blind',", "", "input: depth is 4: a network of three" },
    { "'depth':4", "'depth':0", "input: depth is 0, want a whole number in "
                                "1..4096" },
    { "'depth':4", "'depth':4097", "input: depth is 4097" },
    { "'depth':4", "'depth':5", "layer cat: concat of up, 4 x 6 x 8, and r, 5 "
                                "x 6 x 8" },
    { "'depth':4,", "", "layer c1: kernel is a list of 3, want a number, or "
                        "two for rows and columns" },
    { "'kernel':[1,3,5]", "'kernel':[3,5]", "kernel is a list of 2, want a "
      "number, or three for depth, rows and columns" },
    { "'kernel':[1,3,5]", "'kernel':[1,3,17]", "c1: kernel is 17" },
    { "'kernel':[1,3,5]", "'kernel':[2,3,5]", "c1: kernel is 2 x 3 x 5, want "
                                              "odd sides" },
    { "'kernel':[1,3,5]", "'kernel':[3,3,5]", "want [any, 1, 3, 3, 5]" },
    { "'kernel':[1,3,5]", "'kernel':[1,3,5],'stride':[2,1,1]",
      "c1: strides 2, 1 and 1: all axes keep one distance" },
    { "'kernel':[1,3,5]", "'kernel':[1,3,5],'stride':[1,1]",
      "c1: stride is a list of 2" },
    { "'kernel':[1,3,5]", "'kernel':[1,3,5],'stride':2",
      "and r, 2 x 3 x 4" },
    { "'kernel':[1,3,5]", "'kernel':[1,3,5],'pad':[0,1,2,0]",
      "c1: pad is no list of six numbers, for front, top" },
    { "'kernel':[1,3,5]", "'kernel':[1,3,5],'pad':[0,1,2,0,1,257]",
      "c1: pad is 257" },
    { "'kernel':[1,3,5]", "'kernel':[1,3,5],'pad':[0,0,0,0,0,0],'dilation':4",
      "a kernel of 1 x 9 x 17 pixels on a map of 4 x 6 x 8" },
    { "'op':'maxpool'", "'op':'maxpool','size':[2,2]", "down: size is a list "
                                                       "of 2" },
    { "'op':'maxpool'", "'op':'maxpool','size':[1,2,2]", "down: maxpool of 1 x "
      "2 x 2, want equal sides of 2..16, or the whole map, 4 x 6 x 8" },
    { "'op':'maxpool'", "'op':'maxpool','size':5", "down: maxpool of 5 x 5 x 5 "
                                                   "on a map of 4 x 6 x 8" },
    { "'op':'maxpool'", "'op':'maxpool','size':1", "maxpool of 1 x 1 x 1" },
    { "'op':'maxpool'", "'op':'relu'", "cat: concat of up, 8 x 12 x 16" },
    { "'op':'relu'", "'op':'relu','size':2", "layer r: unknown key \"size\"" },
    { "'up.bias'", "'up.bias','kernel':4", "up: kernel is 4, in three" },
    { "'tensor':'out'", "'tensor':'down'", "layer down is the output and has "
                                           "2 channels" },
    { "'rms':1.5,'gain':0.25},'c1'", "'rms':1.5,'gain':-1},'c1'",
      "ranges of image: gain is -1" },
    { "'rms':1.5,'gain':0.25},'c1'", "'gain':0.25},'c1'",
      "ranges of image: key \"rms\" is missing" },
};

/* "'" for quotation marks, as model_support.c has it. */
static const char *quoted(char out[160], const char *text)
{
    size_t i = 0;

    for (; text[i] != '\0' && i < 159; i++)
        out[i] = text[i] == '\'' ? '"' : text[i];
    out[i] = '\0';
    return out;
}

TEST(model_blind_refusals)
{
    for (size_t i = 0; i < sizeof solid_changes / sizeof *solid_changes; i++) {
        const model_change *c = &solid_changes[i];
        char from[160], to[160];
        const model_change real = { quoted(from, c->from), quoted(to, c->to),
                                    c->words };

        model_check_refused(&real, solid_model, true);
    }
}

/* A range without gain is one of gain 1; a map of too many numbers. */
TEST(model_blind_ranges)
{
    static model_maker k;
    nn_model m = {0};

    if (!solid_model(&k))
        return;
    CHECK(text_replace(k.net, sizeof k.net, "\"rms\":1.5,\"gain\":0.25},\"c1\"",
                       "\"rms\":1.5},\"c1\""), "a range");
    maker_header(&k);
    if (CHECK(model_made(&m, &k) == CKKS_OK, "%s", nn_last_error()))
        CHECK(m.layer[0].range.gain == 1 && m.layer[1].range.gain == 0.25,
              "gains %g and %g", m.layer[0].range.gain,
              m.layer[1].range.gain);
    nn_model_clear(&m);
    maker_clear(&k);
    maker_start_blind(&k, "zero", 1, 4096, 1024, 1025);
    maker_conv(&k, "out", "image", 1, 1, 3);
    maker_finish(&k, "out");
    CHECK(model_made(&m, &k) == CKKS_EFORMAT
          && strstr(nn_last_error(), "layer image: 1 channels of 4096 x 1024 x "
                    "1025 are 4299161600 numbers, at most 4294967296") != NULL,
          "%s", nn_last_error());
    maker_clear(&k);
    maker_start_blind(&k, "valid", 1, 4096, 1024, 1024);
    maker_conv(&k, "big", "image", 1, 2, 1);
    maker_conv(&k, "out", "big", 2, 1, 1);
    maker_finish(&k, "out");
    CHECK(model_made(&m, &k) == CKKS_EFORMAT
          && strstr(nn_last_error(), "layer big: 2 channels of") != NULL,
          "%s", nn_last_error());
    maker_clear(&k);
    maker_start_blind(&k, "zero", 1, 2049, 1, 1);
    maker_tconv(&k, "out", "image", 1, 1);
    maker_finish(&k, "out");
    CHECK(model_made(&m, &k) == CKKS_EFORMAT
          && strstr(nn_last_error(), "layer out: tconv of 2049 x 1 x 1")
             != NULL, "%s", nn_last_error());
    maker_clear(&k);
}

/* ---- no ciphertext runs them --------------------------------------------- */

static void not_planned(model_maker *k, const char *words)
{
    nn_model m = {0};
    nn_weights *w = NULL;
    static nn_plan p;

    memset(&p, 0, sizeof p);
    if (CHECK(model_made(&m, k) == CKKS_OK, "%s", nn_last_error())) {
        CHECK(nn_plan_make(&p, &m, NULL) == CKKS_EPARAM
              && strstr(nn_last_error(), words) != NULL
              && strstr(nn_last_error(), "`volley blind`") != NULL, "%s",
              nn_last_error());
        CHECK(nn_plan_price(&p, &m, NULL, 1) == CKKS_EPARAM
              && strstr(nn_last_error(), words) != NULL, "%s",
              nn_last_error());
        CHECK(nn_weights_init(&w, &m, &p) == CKKS_EPARAM && w == NULL
              && strstr(nn_last_error(), words) != NULL, "%s",
              nn_last_error());
    }
    nn_model_clear(&m);
    maker_clear(k);
}

TEST(model_blind_is_not_planned)
{
    static model_maker k;

    solid_model(&k);
    not_planned(&k, "layer r (number 3 of 8) is a relu");
    maker_start_blind(&k, "zero", 1, 0, 4, 4);
    maker_plain(&k, "maxpool", "top", "image", NULL);
    maker_tconv(&k, "out", "top", 1, 1);
    maker_finish(&k, "out");
    not_planned(&k, "layer top (number 1 of 2) is a maxpool");
    maker_start_blind(&k, "valid", 1, 2, 4, 4);
    maker_conv(&k, "out", "image", 1, 1, 1);
    maker_finish(&k, "out");
    not_planned(&k, "the input has three dimensions, 2 x 4 x 4");
    maker_start_blind(&k, "halo", 1, 0, 4, 4);
    maker_conv(&k, "out", "image", 1, 1, 3);
    maker_finish(&k, "out");
    not_planned(&k, "model test says \"protocol\": \"blind\"");
}

/* ---- in the clear, against the definition -------------------------------- */

typedef struct place {
    int z, y, x;
} place;

/* One number of a network, recursively: no maps. */
typedef struct solid_oracle {
    const nn_model *m;
    const double *pixel;
} solid_oracle;

static double solid_value(const solid_oracle *o, int number, int c, place at);

/* The value there, or 0 beyond the map. */
static double solid_beyond(const solid_oracle *o, int number, int c, place at)
{
    const nn_layer *l = &o->m->layer[number];

    return at.z >= 0 && at.z < l->depth && at.y >= 0 && at.y < l->height
           && at.x >= 0 && at.x < l->width
         ? solid_value(o, number, c, at) : 0;
}

static double solid_conv(const solid_oracle *o, const nn_layer *l, int ch,
                         place at)
{
    const int c_in = o->m->layer[l->in[0]].channels / l->groups;
    const int group = ch / (l->channels / l->groups);
    const int taps = l->kernel_z * l->kernel_y * l->kernel_x;
    double sum = (double)l->bias[ch];

    for (int i = 0; i < c_in * taps; i++) {
        const int q = i % l->kernel_x, p = i / l->kernel_x % l->kernel_y;
        const int t = i / l->kernel_x / l->kernel_y % l->kernel_z;
        const place from = {
            at.z * l->stride + t * l->dilation_z - l->pad_front,
            at.y * l->stride + p * l->dilation_y - l->pad_top,
            at.x * l->stride + q * l->dilation_x - l->pad_left
        };

        sum += (double)l->weight[ch * c_in * taps + i]
             * solid_beyond(o, l->in[0], group * c_in + i / taps, from);
    }
    return sum;
}

static double solid_tconv(const solid_oracle *o, const nn_layer *l, int ch,
                          place at)
{
    const int part = (o->m->depth > 0 ? at.z % 2 * 4 : 0) + at.y % 2 * 2
                     + at.x % 2;
    const int parts = o->m->depth > 0 ? 8 : 4;
    const place from = { o->m->depth > 0 ? at.z / 2 : 0, at.y / 2, at.x / 2 };
    double sum = (double)l->bias[ch];

    for (int c = 0; c < o->m->layer[l->in[0]].channels; c++)
        sum += (double)l->weight[(c * l->channels + ch) * parts + part]
             * solid_value(o, l->in[0], c, from);
    return sum;
}

static double solid_pool(const solid_oracle *o, const nn_layer *l, int c,
                         place at)
{
    const int taps = l->kernel_z * l->kernel_y * l->kernel_x;
    double sum = 0, most = -INFINITY;

    for (int i = 0; i < taps; i++) {
        const double v = solid_value(o, l->in[0], c, (place){
            l->kernel_z * at.z + i / l->kernel_x / l->kernel_y,
            l->kernel_y * at.y + i / l->kernel_x % l->kernel_y,
            l->kernel_x * at.x + i % l->kernel_x });

        sum += v;
        most = fmax(most, v);
    }
    return l->op == NN_MAXPOOL ? most : sum / taps;
}

static double solid_dense(const solid_oracle *o, const nn_layer *l, int c)
{
    const nn_layer *in = &o->m->layer[l->in[0]];
    const int area = in->height * in->width, all = in->depth * area;
    const int n = in->channels * all;
    double sum = (double)l->bias[c];

    for (int i = 0; i < n; i++)
        sum += (double)l->weight[c * n + i]
             * solid_value(o, l->in[0], i / all,
                           (place){ i % all / area, i % area / in->width,
                                    i % in->width });
    return sum;
}

static double solid_joined(const solid_oracle *o, const nn_layer *l, int c,
                           place at)
{
    double sum = 0;

    for (int i = 0; i < l->num_in; i++) {
        const int channels = o->m->layer[l->in[i]].channels;

        if (l->op == NN_ADD)
            sum += solid_value(o, l->in[i], c, at);
        else if (c >= 0 && c < channels)
            sum = solid_value(o, l->in[i], c, at);
        c -= l->op == NN_ADD ? 0 : channels;
    }
    return sum;
}

static double solid_value(const solid_oracle *o, int number, int c, place at)
{
    const nn_model *m = o->m;
    const nn_layer *l = &m->layer[number];
    double v;

    switch (l->op) {
    case NN_IMAGE:
        return o->pixel[((c * l->depth + at.z) * l->height + at.y) * l->width
                        + at.x] * m->mul + m->add;
    case NN_CONV:
        return solid_conv(o, l, c, at);
    case NN_TCONV:
        return solid_tconv(o, l, c, at);
    case NN_POOL:
    case NN_MAXPOOL:
        return solid_pool(o, l, c, at);
    case NN_UPSAMPLE:
        return solid_value(o, l->in[0], c, (place){
            m->depth > 0 ? at.z / 2 : 0, at.y / 2, at.x / 2 });
    case NN_ADD:
    case NN_CONCAT:
        return solid_joined(o, l, c, at);
    case NN_DENSE:
        return solid_dense(o, l, c);
    default:
        break;
    }
    v = solid_value(o, l->in[0], c, at);
    switch (l->op) {
    case NN_RELU:
        return fmax(v, 0);
    case NN_SQUARE:
        return v * v;
    case NN_QUADRATIC:
        return (double)l->a[c] * v * v + (double)l->b[c] * v + (double)l->c[c];
    case NN_BATCHNORM:
        return (v - (double)l->mean[c]) / sqrt((double)l->var[c] + l->eps)
             * (double)l->weight[c] + (double)l->bias[c];
    default:
        return NAN;
    }
}

/* All numbers of one layer. */
static void solid_check_layer(nn_model *m, const double *pixel, int number,
                              const char *what)
{
    static double logit[8192];
    const solid_oracle o = { m, pixel };
    const nn_layer *y = &m->layer[number];
    const int area = y->height * y->width, all = area * y->depth;

    m->output = number;
    m->num_classes = 0;
    if (!CHECK(y->channels * all <= 8192
               && nn_model_float(logit, m, pixel, m->layer[0].depth, m->height,
                                 m->width) == CKKS_OK, "%s, layer %s: %s",
               what, y->name, nn_last_error()))
        return;
    for (int i = 0; i < y->channels * all; i++) {
        const place at = { i % all / area, i % area / y->width, i % y->width };
        const double want = solid_value(&o, number, i / all, at);

        CHECK(fabs(logit[i] - want) <= 1e-12, "%s, layer %s, channel %d, "
              "voxel %d %d %d: %.17g, want %.17g", what, y->name, i / all,
              at.z, at.y, at.x, logit[i], want);
    }
}

/* All layers of the model that was made. */
static void solid_check(model_maker *k, const char *what)
{
    static double pixel[4096];
    static uint64_t seed = 9;
    nn_model m = {0};

    for (int i = 0; i < 4096; i++)
        pixel[i] = (double)(test_word(&seed) % 256);
    if (CHECK(model_made(&m, k) == CKKS_OK, "%s: %s", what, nn_last_error()))
        for (int i = 1; i < m.num_layers; i++)
            solid_check_layer(&m, pixel, i, what);
    nn_model_clear(&m);
    maker_clear(k);
}

/* What comes out of n voxels of an axis. */
static int solid_out(const maker_solid *w, int axis, int n)
{
    const int d = w->dilation[axis] > 0 ? w->dilation[axis] : 1;
    const int far = d * (w->kernel[axis] - 1);
    const int pads = w->padded ? w->pad[axis] + w->pad[axis + 3]
                               : 2 * (d * (w->kernel[axis] / 2));

    return (n + pads - far - 1) / (w->stride > 0 ? w->stride : 1) + 1;
}

/* Strides, dilations, groups, uneven pads; then the whole map at once. */
TEST(model_blind_windows)
{
    static const maker_solid cases[] = {
        { .c_in = 2, .c_out = 2, .kernel = { 3, 1, 5 } },
        { .c_in = 2, .c_out = 4, .kernel = { 2, 3, 4 }, .padded = true,
          .pad = { 1, 2, 0, 0, 1, 3 } },
        { .c_in = 2, .c_out = 2, .kernel = { 3, 3, 3 }, .stride = 2,
          .groups = 2, .dilation = { 1, 2, 1 } },
        { .c_in = 2, .c_out = 6, .kernel = { 2, 2, 2 }, .stride = 3,
          .groups = 2, .padded = true, .pad = { 0, 1, 1, 2, 0, 1 } },
        { .c_in = 2, .c_out = 2, .kernel = { 1, 1, 1 }, .padded = true,
          .pad = { 2, 0, 0, 0, 0, 1 } },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static model_maker k;
        const maker_solid *w = &cases[i];
        char what[32];

        maker_start_blind(&k, "zero", 2, 5, 6, 7);
        maker_convolve_solid(&k, "c", "image", w);
        maker_plain(&k, "relu", "r", "c", NULL);
        maker_pool_solid(&k, i % 2 == 0 ? "pool" : "maxpool", "p", "r",
                         solid_out(w, 0, 5), solid_out(w, 1, 6),
                         solid_out(w, 2, 7));
        maker_classes(&k, "p", w->c_out);
        snprintf(what, sizeof what, "window %zu", i);
        solid_check(&k, what);
    }
}

/* All kinds of layers; rests that poolings leave out; border valid; no rows but
 * of one voxel. */
TEST(model_blind_definition)
{
    static model_maker k;

    solid_model(&k);
    solid_check(&k, "all kinds");
    k.half = true;
    solid_model(&k);
    solid_check(&k, "half floats");
    maker_start_blind(&k, "valid", 1, 7, 9, 11);
    maker_conv(&k, "c", "image", 1, 2, 3);
    maker_plain(&k, "square", "sq", "c", NULL);
    maker_pool_solid(&k, "maxpool", "p", "sq", 2, 2, 2);
    maker_pool_solid(&k, "pool", "q", "sq", 2, 2, 2);
    maker_plain(&k, "add", "sum", "p", "q");
    maker_upsample(&k, "up", "sum", "nearest");
    maker_pool_solid(&k, "maxpool", "three", "up", 3, 3, 3);
    maker_plain(&k, "relu", "r", "three", NULL);
    maker_dense(&k, "d", "r", 2 * 1 * 2 * 2, 3);
    maker_classes(&k, "d", 3);
    solid_check(&k, "valid");
    maker_start_blind(&k, "zero", 1, 1, 1, 6);
    maker_conv(&k, "c", "image", 1, 3, 3);
    maker_plain(&k, "relu", "r", "c", NULL);
    maker_conv(&k, "out", "r", 3, 2, 1);
    maker_labels(&k, "out", 2);
    solid_check(&k, "one row");
    maker_start_blind(&k, "zero", 2, 0, 6, 8);
    maker_conv(&k, "c", "image", 2, 2, 3);
    maker_plain(&k, "relu", "r", "c", NULL);
    maker_plain(&k, "maxpool", "p", "r", NULL);
    maker_tconv(&k, "up", "p", 2, 1);
    maker_finish(&k, "up");
    solid_check(&k, "two dimensions");
}

/* Under halo, which two dimensions have: any size. */
TEST(model_blind_halo)
{
    static const int sizes[][2] = { { 8, 12 }, { 5, 7 }, { 1, 1 } };
    static model_maker k;
    double pixel[96], logit[96];
    nn_model m = {0};

    maker_start_blind(&k, "halo", 1, 0, 8, 12);
    maker_conv(&k, "c1", "image", 1, 2, 3);
    maker_plain(&k, "relu", "r", "c1", NULL);
    maker_plain(&k, "maxpool", "p", "r", NULL);
    maker_conv(&k, "c2", "p", 2, 2, 3);
    maker_tconv(&k, "up", "c2", 2, 2);
    maker_plain(&k, "concat", "cat", "up", "r");
    maker_conv(&k, "out", "cat", 4, 1, 1);
    maker_finish(&k, "out");
    for (int i = 0; i < 96; i++)
        pixel[i] = i * 37 % 256;
    if (!CHECK(model_made(&m, &k) == CKKS_OK, "%s", nn_last_error()))
        return;
    CHECK(nn_halo_radius(&m) == 4, "radius %d", nn_halo_radius(&m));
    for (int i = 0; i < 3; i++) {
        const int h = sizes[i][0], w = sizes[i][1];
        const oracle o = { &m, pixel, h, w };

        CHECK(nn_model_float(logit, &m, pixel, 1, h, w) == CKKS_OK, "%s",
              nn_last_error());
        for (int j = 0; j < h * w; j++) {
            const double want = oracle_value(&o, m.output, 0, j / w, j % w);

            CHECK(fabs(logit[j] - want) <= 1e-12, "%d x %d, pixel %d: %.17g, "
                  "want %.17g", h, w, j, logit[j], want);
        }
    }
    nn_model_clear(&m);
    maker_clear(&k);
}

/* Sizes that are not the model's: another depth where the border has zeros, and
 * what is refused. */
TEST(model_blind_sizes)
{
    static model_maker k;
    static double pixel[4096], logit[4096];
    nn_model m = {0};

    solid_model(&k);
    if (!CHECK(model_made(&m, &k) == CKKS_OK, "%s", nn_last_error()))
        return;
    CHECK(nn_model_float(logit, &m, pixel, 2, 4, 6) == CKKS_OK, "%s",
          nn_last_error());
    CHECK(nn_model_float(logit, &m, pixel, 5, 6, 8) == CKKS_EARG
          && strstr(nn_last_error(), "layer cat does not take a map of 4 x 6 x "
                                     "8") != NULL, "%s", nn_last_error());
    CHECK(nn_model_float(logit, &m, pixel, 0, 6, 8) == CKKS_EARG, "depth 0");
    CHECK(nn_model_float(logit, &m, pixel, 4097, 6, 8) == CKKS_EARG
          && strstr(nn_last_error(), "4097") != NULL, "%s", nn_last_error());
    m.depth = 0;
    CHECK(nn_model_float(logit, &m, pixel, 4, 6, 8) == CKKS_EARG
          && strstr(nn_last_error(), "two dimensions, want 1") != NULL, "%s",
          nn_last_error());
    m.depth = 4;
    m.border = NN_VALID;
    CHECK(nn_model_float(logit, &m, pixel, 3, 6, 8) == CKKS_EARG
          && strstr(nn_last_error(), "takes 4 only") != NULL, "%s",
          nn_last_error());
    m.border = NN_HALO;
    CHECK(nn_model_float(logit, &m, pixel, 4, 6, 8) == CKKS_EARG
          && strstr(nn_last_error(), "border zero or valid") != NULL, "%s",
          nn_last_error());
    nn_model_clear(&m);
    maker_clear(&k);
}
