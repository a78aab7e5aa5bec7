/* nets.c -- networks of toy size, one of each kind, their plans and keys. */
#include <string.h>

#include "model_support.h"
#include "fuzz.h"

/* For model_support.c, which fills weights with it (test.h). */
uint64_t test_word(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return *state >> 20;
}

typedef struct net_kind {
    const char *border;
    int ring, channels, height, width;
    int classes;                /* 0: a mask; below: of so many labels       */
    void (*build)(model_maker *k);
    nn_slots slots;
    nn_dense_form dense;
    bool vector;                /* see make_vector                           */
    bool half;                  /* tensors are half floats                   */
    bool blind;                 /* for the protocol of two parties: no plan  */
    int depth;                  /* of one of three dimensions                */
} net_kind;

static void two_layers(model_maker *k)
{
    maker_conv(k, "a", "image", 1, 2, 3);
    maker_plain(k, "square", "s", "a", NULL);
    maker_conv(k, "out", "s", 2, 1, 1);
}

/* Means and a way up, with an odd layer between. */
static void sandwich(model_maker *k)
{
    maker_conv(k, "a", "image", 1, 2, 3);
    maker_plain(k, "pool", "p", "a", NULL);
    maker_quadratic(k, "s", "p", 2);
    maker_tconv(k, "t", "s", 2, 2);
    maker_plain(k, "concat", "c", "t", "a");
    maker_conv(k, "out", "c", 4, 1, 1);
}

static void digits(model_maker *k)
{
    maker_strided(k, "a", "image", 1, 2, 3, 2);
    maker_batchnorm(k, "bn", "a", 2);
    maker_plain(k, "square", "s", "bn", NULL);
    maker_dense(k, "d", "s", 8, 3);
    maker_plain(k, "square", "ds", "d", NULL);
    maker_dense(k, "out", "ds", 3, 9);
}

/* One logit, two classes, three channels, no border. */
static void skin(model_maker *k)
{
    maker_strided(k, "a", "image", 3, 2, 2, 2);
    maker_plain(k, "square", "s", "a", NULL);
    maker_plain(k, "pool", "p", "s", NULL);
    maker_dense(k, "out", "p", 2, 1);
}

/* A mask of three labels. */
static void parts(model_maker *k)
{
    maker_conv(k, "a", "image", 1, 2, 3);
    maker_plain(k, "square", "s", "a", NULL);
    maker_conv(k, "out", "s", 2, 3, 1);
}

/* Classes by means alone: no dense layer. */
static void pooled(model_maker *k)
{
    maker_conv(k, "a", "image", 1, 4, 1);
    maker_plain(k, "pool", "p", "a", NULL);
    maker_plain(k, "pool", "out", "p", NULL);
}

/* Kernels of every sort, a sum, and up by a kernel of 4. */
static void windows(model_maker *k)
{
    const maker_window tall = { 1, 2, 3, 1, .dilation_y = 2, .padded = true,
                                .pad = { 2, 0, 2, 0 } };
    const maker_window grouped = { 2, 2, 3, 3, .groups = 2 };
    const maker_window down = { 2, 2, 4, 4, .stride = 2, .padded = true,
                                .pad = { 1, 1, 1, 1 } };

    maker_convolve(k, "a", "image", &tall);
    maker_plain(k, "square", "s", "a", NULL);
    maker_convolve(k, "b", "s", &grouped);
    maker_plain(k, "add", "sum", "s", "b");
    maker_convolve(k, "d", "sum", &down);
    maker_plain(k, "square", "ds", "d", NULL);
    maker_tconv4(k, "up", "ds", 2, 2);
    maker_pool(k, "p", "sum", 2, 2);
    maker_upsample(k, "n", "p", "nearest");
    maker_plain(k, "concat", "c", "up", "n");
    maker_conv(k, "out", "c", 4, 1, 1);
}

static void ways_up(model_maker *k)
{
    maker_conv(k, "a", "image", 1, 2, 1);
    maker_pool(k, "p", "a", 4, 4);
    maker_plain(k, "square", "s", "p", NULL);
    maker_upsample(k, "n", "s", "nearest");
    maker_upsample(k, "u", "n", "bilinear");
    maker_plain(k, "add", "sum", "u", "a");
    maker_conv(k, "out", "sum", 2, 1, 1);
}

/* A mean that leaves pixels over, and one of all that are left. */
static void means(model_maker *k)
{
    maker_pool(k, "p", "image", 3, 3);
    maker_conv(k, "a", "p", 1, 2, 1);
    maker_plain(k, "square", "s", "a", NULL);
    maker_pool(k, "all", "s", 2, 3);
    maker_dense(k, "out", "all", 2, 4);
}

/* What two parties compute: a maximum, and the larger of a number and 0. */
static void blind(model_maker *k)
{
    maker_conv(k, "a", "image", 1, 2, 3);
    maker_plain(k, "relu", "r", "a", NULL);
    maker_plain(k, "maxpool", "p", "r", NULL);
    maker_tconv(k, "t", "p", 2, 2);
    maker_plain(k, "concat", "c", "t", "r");
    maker_conv(k, "out", "c", 4, 1, 1);
}

/* Windows of three dimensions, and the whole map. */
static void solid(model_maker *k)
{
    const maker_solid w = { .c_in = 2, .c_out = 4, .kernel = { 1, 3, 2 },
                            .stride = 2, .dilation = { 1, 1, 2 }, .groups = 2,
                            .padded = true, .pad = { 0, 1, 2, 1, 1, 0 } };

    maker_convolve_solid(k, "a", "image", &w);
    maker_plain(k, "relu", "r", "a", NULL);
    maker_upsample(k, "n", "r", "nearest");
    maker_pool_solid(k, "pool", "p", "n", 2, 2, 2);
    maker_pool_solid(k, "maxpool", "m", "p", 2, 2, 3);
    maker_dense(k, "out", "m", 4, 3);
}

static const net_kind kinds[FUZZ_NETS] = {
    { "wrap", 2, 1, 4, 4, 0, two_layers, .slots = NN_SLOTS_COMPLEX },
    { "halo", 0, 1, 4, 4, 0, sandwich, .slots = NN_SLOTS_COMPLEX },
    { "zero", 0, 1, 4, 4, 9, digits, .slots = NN_SLOTS_COMPLEX,
      .dense = NN_DENSE_MATRIX },
    { "valid", 0, 3, 4, 4, 1, skin, .slots = NN_SLOTS_COMPLEX,
      .dense = NN_DENSE_TERMS },
    { "zero", 0, 1, 4, 6, 0, sandwich, .slots = NN_SLOTS_REAL },
    { "zero", 0, 1, 4, 4, 9, digits, .slots = NN_SLOTS_REAL,
      .dense = NN_DENSE_SINGLE },
    { "zero", 0, 1, 4, 4, 4, pooled, .slots = NN_SLOTS_REAL },
    { "wrap", 2, 1, 4, 4, 0, two_layers, .slots = NN_SLOTS_REAL },
    { "zero", 0, 1, 4, 4, 4, pooled, .slots = NN_SLOTS_REAL,
      .vector = true },
    { "halo", 0, 1, 4, 4, -3, parts, .slots = NN_SLOTS_COMPLEX },
    { "zero", 0, 1, 4, 6, 0, windows, .slots = NN_SLOTS_REAL },
    { "halo", 0, 1, 4, 4, 0, ways_up, .slots = NN_SLOTS_COMPLEX },
    { "valid", 0, 1, 7, 10, 4, means, .slots = NN_SLOTS_COMPLEX },
    { "halo", 0, 1, 4, 4, 0, .build = blind, .blind = true },
    { "zero", 0, 1, 4, 6, 0, .build = blind, .blind = true, .depth = 2 },
    { "zero", 0, 2, 4, 5, 3, .build = solid, .blind = true, .depth = 3,
      .half = true }
};

static void make_file(model_maker *k, const net_kind *kind)
{
    if (kind->blind)
        maker_start_blind(k, kind->border, kind->channels, kind->depth,
                          kind->height, kind->width);
    else
        maker_start(k, kind->border, kind->ring, kind->channels, kind->height,
                    kind->width);
    k->half = kind->half;
    kind->build(k);
    if (kind->classes > 0)
        maker_classes(k, "out", kind->classes);
    else if (kind->classes < 0)
        maker_labels(k, "out", -kind->classes);
    else
        maker_finish(k, "out");
}

uint8_t *fuzz_net_changed(size_t *size, unsigned i, const char *from,
                          const char *to)
{
    static model_maker k;
    uint8_t *bytes;
    bool net;

    make_file(&k, &kinds[i % FUZZ_NETS]);
    net = text_replace(k.net, sizeof k.net, from, to);
    maker_header(&k);
    fuzz_must(net || text_replace(k.header, sizeof k.header, from, to),
              "network %u has no %s", i, from);
    bytes = maker_bytes(size, &k);
    fuzz_must(bytes != NULL, "no memory for a model");
    maker_clear(&k);
    return bytes;
}

/* Draws in the text of the network, in the list of tensors, or in both. */
uint8_t *fuzz_net_file(size_t *size, unsigned i, fuzz_draw *d)
{
    static model_maker k;
    unsigned where = d != NULL ? fuzz_below(d, 4) : 0;
    char *text = NULL;
    uint8_t *bytes;

    make_file(&k, &kinds[i % FUZZ_NETS]);
    if (d != NULL && where < 3) {
        text = fuzz_draw_json(d, k.net);
        if (strlen(text) < sizeof k.net)
            strcpy(k.net, text);
        maker_header(&k);
        fuzz_free(text);
    }
    if (d != NULL && where > 1) {
        text = fuzz_draw_json(d, k.header);
        if (strlen(text) < sizeof k.header)
            strcpy(k.header, text);
        fuzz_free(text);
    }
    bytes = maker_bytes(size, &k);
    fuzz_must(bytes != NULL, "no memory for a model");
    maker_clear(&k);
    return bytes;
}

/* A plan that no planner makes: a vector of more numbers than there are slots,
 * in several ciphertexts. */
static void make_vector(nn_plan *p)
{
    p->out_channels = p->num_classes = 9;
    p->out_neurons = p->out_column = 2;
    for (int i = 0; i < p->num_classes; i++)
        strcpy(p->class_name[i], (const char[]){ (char)('a' + i), 0 });
}

static void make_plan(fuzz_net *net, const net_kind *kind)
{
    nn_aim aim = { .security = CKKS_INSECURE, .slots = kind->slots,
                   .dense = kind->dense, .max_batch = 2 };
    ckks_status s = CKKS_EPARAM;

    for (aim.log_n = 2; aim.log_n < 10 && s != CKKS_OK; aim.log_n++)
        s = nn_plan_make(&net->plan, &net->model, &aim);
    if (kind->vector)
        make_vector(&net->plan);
    fuzz_must(s == CKKS_OK
                  && nn_plan_save(&net->text, &net->size, &net->plan)
                         == CKKS_OK,
              "no plan for network %d", (int)(kind - kinds));
}

static void make_net(fuzz_net *net, unsigned i)
{
    size_t size;
    uint8_t *bytes = fuzz_net_file(&size, i, NULL);
    bool ok = nn_model_load(&net->model, bytes, size) == CKKS_OK;

    fuzz_must(ok, "network %u", i);
    fuzz_free(bytes);
    make_plan(net, &kinds[i]);
    ok = nn_plan_context(&net->ctx, &net->plan, NULL) == CKKS_OK
         && ckks_sk_init(&net->sk, net->ctx, fuzz_rng()) == CKKS_OK
         && ckks_keys_init(&net->keys, fuzz_rng(), net->sk, net->plan.key,
                           net->plan.num_keys) == CKKS_OK;
    fuzz_must(ok, "keys of network %u", i);
}

const fuzz_net *fuzz_net_at(unsigned i)
{
    static fuzz_net made[FUZZ_PLANS];
    fuzz_net *net = &made[i %= FUZZ_PLANS];

    if (net->ctx == NULL) {
        const unsigned held = fuzz_hold();

        make_net(net, i);
        fuzz_go_on(held);
    }
    return net;
}
