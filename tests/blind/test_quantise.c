/* test_quantise.c -- networks of integers against the model's float weights,
 * layer by layer, within a bound of the quantisation error. */
#include <math.h>

#include "network_support.h"

/* ---- the error that quantisation may have --------------------------------- *
 * err: of a layer's value, at most.  A linear layer passes on its inputs' error
 * times its L1 norm; a step adds a unit of its division, and its weights'
 * rounding, 2^-g / 2 a weight, times the largest input. */
static double error_norm(const nn_layer *l, int c_in)
{
    const size_t taps = (size_t)(l->kernel_z * l->kernel_y * l->kernel_x);
    double most = 0;

    for (int o = 0; o < l->channels; o++) {
        double sum = 0;

        for (int c = 0; c < c_in; c++)
            for (size_t k = 0; k < taps; k++)
                sum += fabs((double)l->weight[
                    (l->op == NN_TCONV
                         ? (size_t)c * (size_t)l->channels + (size_t)o
                         : (size_t)o * (size_t)c_in + (size_t)c) * taps + k]);
        most = fmax(most, sum);
    }
    return most;
}

static double error_rounding(const blind_network *n, const blind_step *s)
{
    const blind_conv *c = &s->conv;
    const double weights = (double)c->in * c->kernel[0] * c->kernel[1]
                           * c->kernel[2];
    const double half = ldexp(0.5, -(c->shift + s->fraction));

    return half * (weights * n->step[s->in[0]].limit / 4 + 2);
}

/* Before what the layer's own step adds. */
static double error_passed(const double *err, const nn_model *m, int i)
{
    const nn_layer *l = &m->layer[i], *x = &m->layer[l->in[0]];
    const double e = err[l->in[0]];
    double most = 0, sum = 0;

    switch (l->op) {
    case NN_CONV:
    case NN_TCONV:
        return e * error_norm(l, x->channels);
    case NN_BATCHNORM:
        for (int c = 0; c < l->channels; c++)
            most = fmax(most, fabs((double)l->weight[c])
                              / sqrt((double)l->var[c] + l->eps));
        return e * most;
    case NN_SQUARE:
        return (2 * x->range.max + e) * e;
    case NN_QUADRATIC:
        for (int c = 0; c < l->channels; c++)
            most = fmax(most, (2 * x->range.max + e) * fabs((double)l->a[c])
                              + fabs((double)l->b[c]));
        return e * most;
    case NN_CONCAT:
    case NN_ADD:
        for (int k = 0; k < l->num_in; k++) {
            most = fmax(most, err[l->in[k]]);
            sum += err[l->in[k]];
        }
        return l->op == NN_ADD ? sum : most;
    default:
        return e;
    }
}

/* What the step adds, in integers of it. */
static double error_units(const blind_step *s)
{
    return s->op == BLIND_ADD ? s->num_in
           : s->op == BLIND_CONV || s->op == BLIND_SQUARE ? 1 : 0;
}

typedef struct compared {
    double worst;               /* error over bound                          */
    double logit, range;        /* the last layer's                          */
    bool over;
} compared;

/* Every layer that has a view. */
static void compare_layers(compared *out, const nn_model *m,
                           const blind_network *n, const blind_view *view,
                           int64_t *const *value, const double *pixel)
{
    double err[NN_MAX_LAYERS] = { 0 };

    for (int i = 0; i < m->num_layers; i++) {
        const blind_view *v = &view[i];
        const blind_step *s = v->step >= 0 ? &n->step[v->step] : NULL;
        double unit = 0, worst = 0, *want;
        size_t plane;

        err[i] = i == 0 ? ldexp(0.5, -n->step[0].fraction)
                        : error_passed(err, m, i);
        if (s == NULL)
            continue;
        for (int c = 0; c < s->channels; c++)
            unit = fmax(unit, fabs(v->factor[c]));
        if (m->layer[i].op != NN_BATCHNORM || s->op == BLIND_CONV)
            err[i] += unit * error_units(s)
                      + (s->op == BLIND_CONV ? error_rounding(n, s) : 0);
        want = net_float(m, i, pixel);
        if (want == NULL)
            return;
        plane = blind_step_count(s) / (size_t)s->channels;
        for (int c = 0; c < s->channels; c++)
            for (size_t j = 0; j < plane; j++) {
                const size_t at = (size_t)c * plane + j;

                worst = fmax(worst, fabs(v->factor[c]
                                         * (double)value[v->step][at]
                                         + v->summand[c] - want[at]));
            }
        CHECK(worst <= err[i], "%s: error %g, at most %g", m->layer[i].name,
              worst, err[i]);
        out->worst = fmax(out->worst, worst / err[i]);
        out->logit = worst;
        out->range = m->layer[i].range.max;
        free(want);
    }
}

/* Quantises, runs the twin and compares; what came out in *out. */
static bool compare(compared *out, const nn_model *m, int bits)
{
    blind_view *view = calloc((size_t)m->num_layers, sizeof *view);
    int64_t *value[BLIND_MAX_STEPS] = { NULL }, *input = NULL;
    blind_network *n = NULL;
    double *pixel = net_image(m, 1);
    bool well = view != NULL && pixel != NULL
                && CHECK_OK(blind_quantise(&n, view, m, bits));

    memset(out, 0, sizeof *out);
    if (well) {
        input = malloc(blind_step_count(&n->step[0]) * sizeof *input);
        CHECK(blind_network_input(input, n, pixel) == 0, "pixels clipped");
        well = CHECK_OK(blind_twin_run(value, &out->over, n, input, NULL));
    }
    if (well) {
        CHECK(!out->over, "%d bits: out of range", bits);
        compare_layers(out, m, n, view, value, pixel);
        blind_twin_clear(value, n);
    }
    if (n != NULL)
        blind_views_clear(view, m->num_layers);
    blind_network_clear(&n);
    free(view);
    free(input);
    free(pixel);
    return well;
}

static void check_unet(const net_spec *spec, int bits)
{
    nn_model m;
    compared c;

    if (CHECK_OK(net_unet(&m, spec)) && compare(&c, &m, bits))
        test_note("%d bits: logits off by %.3g of %.3g; errors at most %.2f "
                  "of their bound", bits, c.logit, c.range, c.worst);
    nn_model_clear(&m);
}

TEST(quantised_unets_are_near_the_float_network)
{
    const net_spec spec[] = {
        { .dims = 2, .base = 4, .depth = 2, .side = 24, .max = true,
          .border = NN_ZERO, .seed = 1 },
        { .dims = 2, .base = 4, .depth = 2, .side = 24, .norm = true,
          .labels = 3, .border = NN_ZERO, .seed = 2 },
        { .dims = 2, .base = 4, .depth = 2, .side = 24, .norm = true,
          .max = true, .border = NN_HALO, .seed = 3 },
        { .dims = 2, .base = 4, .depth = 1, .side = 24, .hybrid = true,
          .border = NN_ZERO, .seed = 4 },
        { .dims = 2, .base = 4, .depth = 1, .side = 24, .square = true,
          .border = NN_HALO, .seed = 5 }
    };

    check_unet(&spec[0], 32);
    check_unet(&spec[0], 16);
    check_unet(&spec[1], 32);
    check_unet(&spec[1], 16);
    check_unet(&spec[2], 32);
    check_unet(&spec[3], 20);
    check_unet(&spec[4], 16);
    check_unet(&spec[4], 20);
}

/* ---- other kinds of layers ------------------------------------------------- */

static void check_made(net_maker *k, int output, int bits)
{
    compared c;

    if (CHECK_OK(net_finish(k, output, 0)))
        (void)compare(&c, k->m, bits);
    nn_model_clear(k->m);
}

/* Batch norms behind the image, behind an activation, behind pooling and behind
 * concat; sums of maps; strides; a quadratic. */
TEST(quantised_layers_of_all_kinds)
{
    for (int dims = 2; dims <= 3; dims++) {
        nn_model m;
        net_maker k = {0};
        int x, y, two[2];

        if (!CHECK_OK(net_start(&k, &m, dims, 2, 12, NN_ZERO, 11)))
            return;
        x = net_one(&k, NN_BATCHNORM, "bn.image", 0);
        x = net_conv(&k, "a", x, 4, 3, 1);
        x = net_one(&k, NN_QUADRATIC, "q", x);
        x = net_one(&k, NN_BATCHNORM, "bn.q", x);
        y = net_pool(&k, NN_POOL, "mean", x, 2);
        y = net_one(&k, NN_BATCHNORM, "bn.mean", y);
        two[0] = net_tconv(&k, "up", y, 3);
        two[1] = x;
        x = net_layer(&k, NN_CONCAT, "cat", two, 2);
        x = net_one(&k, NN_BATCHNORM, "bn.cat", x);
        two[0] = net_conv(&k, "b", x, 4, 3, 2);
        two[1] = net_conv(&k, "c", x, 4, 1, 2);
        two[0] = net_one(&k, NN_RELU, "b.relu", two[0]);
        x = net_layer(&k, NN_ADD, "sum", two, 2);
        x = net_one(&k, NN_SQUARE, "sum.sq", x);
        x = net_tconv(&k, "up2", x, 1);
        k.scale = true;
        check_made(&k, x, 20);
    }
}

TEST(quantised_layers_without_a_border)
{
    nn_model m;
    net_maker k = {0};
    int x;

    if (!CHECK_OK(net_start(&k, &m, 2, 1, 17, NN_VALID, 3)))
        return;
    x = net_conv(&k, "a", 0, 4, 3, 1);
    x = net_one(&k, NN_RELU, "a.relu", x);
    x = net_one(&k, NN_BATCHNORM, "a.bn", x);
    x = net_conv(&k, "b", x, 3, 3, 4);
    m.output = x;
    /* Labels of a smaller map than the image are refused; layers are not. */
    if (CHECK_OK(net_finish(&k, x, 0))) {
        blind_network *n = NULL;

        CHECK_STATUS(blind_quantise(&n, NULL, &m, 16), CKKS_EPARAM);
        CHECK(strstr(nn_last_error(), "scores") != NULL, "%s",
              nn_last_error());
    }
    nn_model_clear(&m);
}

/* Groups and dilation: as zeros between the weights. */
TEST(quantised_groups_and_dilation)
{
    nn_model m;
    net_maker k = {0};
    nn_layer *l;
    int x;

    if (!CHECK_OK(net_start(&k, &m, 2, 4, 12, NN_ZERO, 5)))
        return;
    x = net_conv(&k, "a", 0, 6, 3, 1);
    l = &m.layer[x];
    l->groups = 2;
    l->dilation_y = 2;
    l->pad_top = l->pad_bottom = 2;
    x = net_one(&k, NN_RELU, "a.relu", x);
    x = net_conv(&k, "b", x, 1, 1, 1);
    if (CHECK_OK(net_finish(&k, x, 0))) {
        blind_view view[8];
        blind_network *n = NULL;
        int64_t *value[BLIND_MAX_STEPS], *input;
        double *pixel = net_image(&m, 1), *want = net_float(&m, x, pixel);
        bool over;

        if (CHECK_OK(blind_quantise(&n, view, &m, 32))) {
            double worst = 0;

            input = malloc(blind_step_count(&n->step[0]) * sizeof *input);
            (void)blind_network_input(input, n, pixel);
            if (CHECK_OK(blind_twin_run(value, &over, n, input, NULL))) {
                for (int i = 0; i < 144; i++)
                    worst = fmax(worst, fabs(
                        view[x].factor[0] * (double)value[view[x].step][i]
                        + view[x].summand[0] - want[i]));
                CHECK(worst < 1e-4, "off by %g", worst);
                blind_twin_clear(value, n);
            }
            free(input);
            blind_views_clear(view, m.num_layers);
        }
        blind_network_clear(&n);
        free(pixel);
        free(want);
    }
    nn_model_clear(&m);
}
