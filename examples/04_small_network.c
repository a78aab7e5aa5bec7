/* 04_small_network.c -- a network of three layers, planned and run encrypted:
 * blurs and edges by a 3x3 convolution, squares, their difference.  Others come
 * from files (docs/model.md); here the struct is filled by hand. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "nn.h"

enum { SIDE = 32, PIXELS = SIDE * SIDE };

static void must(ckks_status s)
{
    if (s != CKKS_OK) {
        fprintf(stderr, "%s %s\n", nn_last_error(), ckks_last_error());
        exit(1);
    }
}

static const float taps[2 * 9] = {
    0.0625f, 0.125f, 0.0625f, 0.125f, 0.25f, 0.125f, 0.0625f, 0.125f, 0.0625f,
    0, -0.25f, 0, -0.25f, 1, -0.25f, 0, -0.25f, 0
};
static const float mix[2] = { 1, -1 }, bias[2] = { 0, 0 };

/* Ranges: largest value, rms, and how much of an error reaches the output. */
static nn_layer layers[] = {
    { .op = NN_IMAGE, .name = "image", .channels = 1, .height = SIDE,
      .width = SIDE, .range = { 1, 0.7, 1 } },
    { .op = NN_CONV, .name = "taps", .num_in = 1, .in = { 0 }, .channels = 2,
      .height = SIDE, .width = SIDE, .kernel_y = 3, .kernel_x = 3, .stride = 1,
      .dilation_y = 1, .dilation_x = 1, .groups = 1, .pad_top = 1,
      .pad_left = 1, .pad_bottom = 1, .pad_right = 1, .weight = taps,
      .bias = bias, .range = { 2, 0.7, 2 } },
    { .op = NN_SQUARE, .name = "square", .num_in = 1, .in = { 1 },
      .channels = 2, .height = SIDE, .width = SIDE, .range = { 4, 0.6, 2 } },
    { .op = NN_CONV, .name = "mix", .num_in = 1, .in = { 2 }, .channels = 1,
      .height = SIDE, .width = SIDE, .kernel_y = 1, .kernel_x = 1, .stride = 1,
      .dilation_y = 1, .dilation_x = 1, .groups = 1, .weight = mix,
      .bias = bias, .range = { 4, 0.6, 1 } }
};
static const nn_model model = {
    .name = "small", .border = NN_HALO, .channels = 1, .height = SIDE,
    .width = SIDE, .mul = 1 / 128.0, .add = -1, .output = 3,
    .num_layers = 4, .layer = layers
};

/* The image continued by reflection up to the size the plan asks for. */
static void make_tile(double *tile, const nn_plan *p, const double *image)
{
    for (int y = 0; y < p->layout.height; y++)
        for (int x = 0; x < p->layout.width; x++)
            *tile++ = image[(SIDE - 1 - abs(SIDE - 1 - abs(y - p->halo))) * SIDE
                            + SIDE - 1 - abs(SIDE - 1 - abs(x - p->halo))];
}

int main(void)
{
    static nn_plan p;
    static double image[PIXELS], want[PIXELS];
    ckks_ctx *ctx = NULL;
    ckks_rng rng = {0};
    ckks_sk *sk = NULL;
    ckks_keys *keys = NULL;
    nn_weights *w = NULL;
    ckks_pt pt = {0};
    double worst = 0;

    for (int i = 0; i < PIXELS; i++)
        image[i] = 127.5 + 127.5 * sin(0.002 * i * (i / SIDE));
    must(nn_plan_make(&p, &model, NULL));
    must(nn_plan_context(&ctx, &p, NULL));
    printf("N = 2^%d, log2(QP) = %.0f, %d images a batch, %zu keys\n",
           p.params.log_n, p.log_qp, p.layout.batch, p.num_keys);
    must(ckks_rng_init(&rng, NULL));
    must(ckks_sk_init(&sk, ctx, &rng));
    must(ckks_keys_init(&keys, &rng, sk, p.key, p.num_keys));
    must(nn_weights_init(&w, &model, &p));

    size_t n = p.layout.slots, ins = (size_t)nn_plan_inputs(&p);
    size_t outs = (size_t)nn_plan_outputs(&p), most = ins > outs ? ins : outs;
    double *slots = calloc(most * n, sizeof *slots);
    double *tile = calloc(most * n, sizeof *tile);
    ckks_ct *in = calloc(ins, sizeof *in), *out = calloc(outs, sizeof *out);

    if (slots == NULL || tile == NULL || in == NULL || out == NULL)
        return 1;
    make_tile(tile, &p, image);             /* the owner packs, encrypts ... */
    nn_pack(slots, &p, &(const double *){ tile }, 1);
    for (size_t i = 0; i < ins; i++) {
        must(ckks_encode(&pt, ctx, slots + i * n, NULL, n, p.in_level,
                         p.in_scale));
        must(ckks_encrypt_sk(&in[i], &rng, &pt, sk));
    }
    must(nn_run(out, in, &p, w, keys, NULL));       /* the server, clears in */
    for (size_t i = 0; i < outs; i++) {             /* the owner             */
        must(ckks_decrypt(&pt, &out[i], sk));
        must(ckks_decode(slots + i * n, NULL, n, &pt));
        ckks_ct_clear(&out[i]);
    }
    must(nn_unpack(tile, most * n, &p, slots, 0));
    must(nn_model_float(want, &model, image, 1, SIDE, SIDE));
    for (int i = 0; i < PIXELS; i++) {
        int at = (i / SIDE + p.halo) * p.layout.width + i % SIDE + p.halo;

        worst = fmax(worst, fabs(tile[at] - want[i]));
    }
    printf("planned sd of the error %.1e, largest difference %.1e\n",
           p.error_sd, worst);
    for (int i = 0; i < 4; i++)
        free((void *[]){ in, out, slots, tile }[i]);
    ckks_pt_clear(&pt);
    nn_weights_clear(&w);
    ckks_keys_clear(&keys);
    ckks_sk_clear(&sk);
    ckks_ctx_clear(&ctx);
    return !(worst < 1e-2);
}
