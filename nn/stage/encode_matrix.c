/* encode_matrix.c -- the plaintexts of dense layers that are matrices.
 *
 * Read first: weights.h, matrix.c.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stage/weights.h"

void nni_encoded_clear(nni_encoded *e)
{
    for (size_t i = 0; e->product != NULL && i < e->products; i++)
        ckks_pt_clear(&e->product[i]);
    for (size_t i = 0; e->bias != NULL && i < e->outputs; i++)
        ckks_pt_clear(&e->bias[i]);
    free(e->product);
    free(e->bias);
    memset(e, 0, sizeof *e);
}

double nni_sum_scale(const nni_placed_stage *s)
{
    return ldexp(s->scale, s->mask_bits);
}

size_t nni_product(const nni_matrix *x, int output, int giant, int baby,
                   int input)
{
    return (((size_t)output * (size_t)x->giants + (size_t)giant)
                * (size_t)x->babies + (size_t)baby) * (size_t)x->inputs
           + (size_t)input;
}

/* Everything that output ciphertext o needs. */
static ckks_status encode_output(nni_encoded *e, double *value,
                                 const nni_matrix *x, const nni_placed *p,
                                 int k, int o)
{
    const nni_placed_stage *s = &p->stage[k];
    const size_t slots = p->layout.slots;
    const double scale = nni_sum_scale(s) / nni_source_form(p, s, 0)->scale;
    const int per_giant = x->babies * x->inputs;
    ckks_status st = CKKS_OK;

    for (int i = 0; i < x->giants * per_giant && st == CKKS_OK; i++) {
        const int giant = i / per_giant, baby = i % per_giant / x->inputs;
        const int input = i % x->inputs;

        if (nni_matrix_values(value, x, p, k, o, giant, baby, input))
            st = ckks_encode(&e->product[nni_product(x, o, giant, baby,
                                                     input)],
                             e->ctx, value, NULL, slots, s->level, scale);
    }
    if (st != CKKS_OK)
        return st;
    nni_matrix_bias(value, x, p, k, o);
    return ckks_encode(&e->bias[o], e->ctx, value, NULL, slots,
                       s->level - s->extra, s->value_scale);
}

ckks_status nni_encoded_init(nni_encoded *out, const nni_placed *p, int k,
                             const ckks_ctx *ctx, const char *name)
{
    const char *layer = p->stage[k].of->name;
    const nni_matrix x = nni_matrix_of(p, k);
    nni_encoded e = { .ctx = ctx };
    double *value = malloc(p->layout.slots * sizeof *value);
    ckks_status st = CKKS_OK;

    e.outputs = (size_t)x.outputs;
    e.products = nni_product(&x, x.outputs, 0, 0, 0);
    e.product = calloc(e.products, sizeof *e.product);
    e.bias = calloc(e.outputs, sizeof *e.bias);
    if (value == NULL || e.product == NULL || e.bias == NULL)
        st = nn_fail(CKKS_EMEM, "%s: %s: no memory for %zu plaintexts", name,
                     layer, e.products);
    for (int o = 0; o < x.outputs && st == CKKS_OK; o++) {
        st = encode_output(&e, value, &x, p, k, o);
        if (st != CKKS_OK)
            st = nn_fail(st, "%s: %s: %s", name, layer, ckks_last_error());
    }
    free(value);
    if (st == CKKS_OK)
        *out = e;
    else
        nni_encoded_clear(&e);
    return st;
}

ckks_status nn_weights_encode(nn_weights *w, const ckks_ctx *ctx)
{
    ckks_status st = CKKS_OK;

    if (w == NULL || ctx == NULL)
        return nn_fail(CKKS_EARG, "nn_weights_encode: null pointer");
    for (int k = 0; k < w->net.num_stages && st == CKKS_OK; k++) {
        nni_encoded_clear(&w->encoded[k]);
        if (w->placed.stage[k].neurons > 0)
            st = nni_encoded_init(&w->encoded[k], &w->placed, k, ctx,
                                  "nn_weights_encode");
    }
    return st;
}
