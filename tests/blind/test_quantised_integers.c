/* test_quantised_integers.c -- what cannot be made of integers, how large those
 * are that can, and how the twin rounds them. */
#include <math.h>
#include <stdlib.h>

#include "network_support.h"

/* A network with one layer of this op behind a convolution and a ReLU, and a
 * second convolution. */
static ckks_status made_with(nn_model *m, nn_op op, bool norm)
{
    net_maker k = {0};
    int x;
    ckks_status s = net_start(&k, m, 2, 1, 8, NN_ZERO, 9);

    if (s != CKKS_OK)
        return s;
    x = net_conv(&k, "a", 0, 2, 3, 1);
    x = net_one(&k, NN_RELU, "act", x);
    if (norm)
        x = net_one(&k, NN_BATCHNORM, "norm", x);
    if (op == NN_MAXPOOL)
        x = net_pool(&k, op, "odd", x, 4);
    else
        x = net_one(&k, op, "odd", x);
    x = net_conv(&k, "b", x, 1, 1, 1);
    return net_finish(&k, x, 0);
}

TEST(what_cannot_be_quantised_is_named)
{
    static const struct { nn_op op; bool norm; int bits; const char *why; }
    cases[] = {
        { NN_RELU, true, 16, "layer odd: a batch norm before it" },
        { NN_SQUARE, true, 16, "layer odd: a batch norm before it" },
        { NN_SQUARE, false, 32, "step odd: bits of a square" },
        { NN_QUADRATIC, false, 16, "layer odd: b cannot be folded" },
        { NN_MAXPOOL, false, 16, "step odd: the window is 16" },
        { NN_RELU, false, 17, "17 bits: 16, 20 or 32" }
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nn_model m;
        blind_network *n = NULL;

        if (!CHECK_OK(made_with(&m, cases[i].op, cases[i].norm)))
            return;
        CHECK_STATUS(blind_quantise(&n, NULL, &m, cases[i].bits),
                     CKKS_EPARAM);
        CHECK(strstr(nn_last_error(), cases[i].why) != NULL, "case %zu: %s", i,
              nn_last_error());
        CHECK(n == NULL, "case %zu: a network", i);
        nn_model_clear(&m);
    }
}

/* Weights and sums stay within what convolutions take. */
TEST(quantised_weights_within_bounds)
{
    static const int bits[3] = { 16, 20, 32 };

    for (int b = 0; b < 3; b++) {
        const net_spec spec = { .dims = 2, .base = 4, .depth = 1, .side = 16,
                                .norm = true, .border = NN_ZERO,
                                .seed = 21 };
        blind_network *n = NULL;
        nn_model m;

        if (!CHECK_OK(net_unet(&m, &spec))
            || !CHECK_OK(blind_quantise(&n, NULL, &m, bits[b])))
            return;
        for (int k = 1; k < n->num_steps; k++) {
            const blind_step *s = &n->step[k];
            const blind_conv *c = &s->conv;
            int64_t most = 0;
            double room;

            if (s->op != BLIND_CONV)
                continue;
            for (int i = 0; i < c->in * c->out * c->kernel[1] * c->kernel[2];
                 i++)
                most = llabs(s->weight[i]) > most ? llabs(s->weight[i]) : most;
            CHECK(most < (bits[b] > 20 ? 1 << 18 : 1 << 11)
                  && most >= (bits[b] > 20 ? 1 << 16 : 1 << 9),
                  "%s: weights up to %" PRId64, s->name, most);
            CHECK_OK(blind_conv_check(&room, c));
            CHECK(room >= 40, "%s: %g bits", s->name, room);
            CHECK(ldexp(s->range, s->fraction) < ldexp(1, bits[b] - 3)
                  && ldexp(s->range, s->fraction) >= ldexp(1, bits[b] - 5),
                  "%s: range %g, fraction %d", s->name, s->range, s->fraction);
        }
        blind_network_clear(&n);
        nn_model_clear(&m);
    }
}

/* The mean of roundings by chance is the quotient: of 2^20 divisions the mean
 * error has an sd of 2^-11 units at most. */
TEST(twin_rounds_up_with_the_odds_of_the_rest)
{
    enum { COUNT = 1 << 20 };
    blind_network *n = calloc(1, sizeof *n);
    int64_t *x = malloc(COUNT * sizeof *x), *y = malloc(COUNT * sizeof *y);
    const int64_t *in[1] = { x };
    uint64_t seed = 3, state = 4;
    double sum = 0;
    bool over = false;

    n->bits = 16;
    n->step[0] = (blind_step){ .channels = 1, .size = { 1, 1024, 1024 } };
    n->step[1] = n->step[0];
    n->step[1].op = BLIND_ADD;
    n->step[1].num_in = 1;
    n->step[1].align[0] = 7;
    for (int i = 0; i < COUNT; i++)
        x[i] = (int64_t)(test_word(&seed) % 60000) - 30000;
    if (CHECK_OK(blind_twin_step(y, &over, n, 1, in, &state)))
        for (int i = 0; i < COUNT; i++) {
            const double off = (double)y[i] - (double)x[i] / 128;

            sum += off;
            CHECK(fabs(off) < 1, "%" PRId64 " / 128 is %" PRId64, x[i], y[i]);
        }
    CHECK(fabs(sum / COUNT) < 0.003, "mean error %g", sum / COUNT);
    if (CHECK_OK(blind_twin_step(y, &over, n, 1, in, NULL)))
        for (int i = 0; i < COUNT; i++)
            CHECK(fabs((double)y[i] - (double)x[i] / 128) <= 0.5,
                  "%" PRId64 " / 128 is %" PRId64, x[i], y[i]);
    free(x);
    free(y);
    free(n);
}
