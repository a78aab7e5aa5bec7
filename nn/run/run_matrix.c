/* run_matrix.c -- a dense layer on ciphertexts that hold many of its numbers.
 *
 * Read first: run.h, matrix.c.
 *
 * Every input is rotated by the baby steps from one set of digits; for each
 * giant step the products with plaintexts are added; the sums are rotated by
 * the giant steps and added, with one division by P for all; then they are
 * folded.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stage/matrix.h"
#include "run/run.h"

/* ---- plaintexts --------------------------------------------------------- */

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

/* Scale of the sums of products. */
static double sum_scale(const nni_stage *s)
{
    return ldexp(s->scale, s->mask_bits);
}

static size_t number_of(const nni_matrix *x, int output, int giant, int baby,
                        int input)
{
    return (((size_t)output * (size_t)x->giants + (size_t)giant)
                * (size_t)x->babies + (size_t)baby) * (size_t)x->inputs
           + (size_t)input;
}

/* Everything that output ciphertext o needs. */
static ckks_status encode_output(nni_encoded *e, double *value,
                                 const nni_matrix *x, const net *n, int k,
                                 const nn_layout *l, int o)
{
    const nni_stage *s = &n->stage[k];
    const double scale = sum_scale(s) / nni_source_scale(n, &s->source[0]);
    const int per_giant = x->babies * x->inputs;
    ckks_status st = CKKS_OK;

    for (int i = 0; i < x->giants * per_giant && st == CKKS_OK; i++) {
        const int giant = i / per_giant, baby = i % per_giant / x->inputs;
        const int input = i % x->inputs;

        if (nni_matrix_values(value, x, n, k, l, o, giant, baby, input))
            st = ckks_encode(&e->product[number_of(x, o, giant, baby, input)],
                             e->ctx, value, NULL, l->slots, s->level, scale);
    }
    if (st != CKKS_OK)
        return st;
    nni_matrix_bias(value, x, n, k, l, o);
    return ckks_encode(&e->bias[o], e->ctx, value, NULL, l->slots,
                       s->level - s->extra, s->value_scale);
}

ckks_status nni_encoded_init(nni_encoded *out, const net *n, int k,
                             const nn_layout *l, const ckks_ctx *ctx)
{
    nni_encoded e = { .ctx = ctx };
    nni_matrix x;
    double *value = malloc(l->slots * sizeof *value);
    ckks_status st = CKKS_OK;

    if (value == NULL || !nni_matrix_fits(&x, n, k, l, n->stage[k].neurons)) {
        free(value);
        return nni_no_memory(n->stage[k].name);
    }
    e.outputs = (size_t)x.outputs;
    e.products = number_of(&x, x.outputs, 0, 0, 0);
    e.product = calloc(e.products, sizeof *e.product);
    e.bias = calloc(e.outputs, sizeof *e.bias);
    if (e.product == NULL || e.bias == NULL)
        st = nni_no_memory(n->stage[k].name);
    for (int o = 0; o < x.outputs && st == CKKS_OK; o++) {
        st = encode_output(&e, value, &x, n, k, l, o);
        if (st != CKKS_OK)
            st = nn_fail(st, "nn_run: %s: %s", n->stage[k].name,
                         ckks_last_error());
    }
    free(value);
    if (st != CKKS_OK) {
        nni_encoded_clear(&e);
        return st;
    }
    *out = e;
    return CKKS_OK;
}

ckks_status nn_weights_encode(nn_weights *w, const ckks_ctx *ctx)
{
    ckks_status st = CKKS_OK;

    if (w == NULL || ctx == NULL)
        return nn_fail(CKKS_EARG, "nn_weights_encode: null pointer");
    for (int k = 0; k < w->net.num_stages && st == CKKS_OK; k++) {
        nni_encoded_clear(&w->encoded[k]);
        if (w->net.stage[k].neurons > 0)
            st = nni_encoded_init(&w->encoded[k], &w->net, k, &w->layout,
                                  ctx);
    }
    return st;
}

/* ---- the layer ---------------------------------------------------------- */

/* What is made on the way. */
typedef struct work {
    nni_matrix x;
    const nni_encoded *e;
    const ckks_ct *in;          /* shape (inputs)                            */
    ckks_ct *own;               /* shape (inputs): dropped to the level      */
    ckks_ct *turned;            /* shape (inputs, babies); the first of each
                                   stays empty                               */
    ckks_ct *sum;               /* shape (outputs, giants)                   */
} work;

static void clear_all(ckks_ct *ct, size_t count)
{
    for (size_t i = 0; ct != NULL && i < count; i++)
        ckks_ct_clear(&ct[i]);
    free(ct);
}

static ckks_status work_init(work *w, nni_run *r, int k)
{
    const nni_stage *s = &r->w->net.stage[k];
    const nni_source *src = &s->source[0];
    const size_t inputs = (size_t)w->x.inputs;

    w->in = src->stage < 0 ? r->image : r->out[src->stage][src->out].ct;
    w->own = calloc(inputs, sizeof *w->own);
    w->turned = calloc(inputs * (size_t)w->x.babies, sizeof *w->turned);
    w->sum = calloc((size_t)w->x.outputs * (size_t)w->x.giants,
                    sizeof *w->sum);
    if (w->own == NULL || w->turned == NULL || w->sum == NULL)
        return nni_no_memory(s->name);
    return CKKS_OK;
}

static void work_clear(work *w)
{
    clear_all(w->own, (size_t)w->x.inputs);
    clear_all(w->turned, (size_t)w->x.inputs * (size_t)w->x.babies);
    clear_all(w->sum, (size_t)w->x.outputs * (size_t)w->x.giants);
}

/* The baby steps of one input, from one set of digits. */
static ckks_status turn(work *w, int input, int level, const ckks_keys *keys)
{
    const int babies = w->x.babies;
    ckks_ct *own = &w->own[input];
    int step[NN_MAX_KEYS];
    ckks_status st;

    if (w->in[input].limb == NULL)
        return CKKS_OK;
    st = ckks_drop_level(own, &w->in[input], level);
    if (st != CKKS_OK || babies == 1)
        return st;
    for (int b = 1; b < babies; b++)
        step[b - 1] = b;
    return ckks_rotate_hoisted(w->turned + (size_t)input * (size_t)babies + 1,
                               step, (size_t)(babies - 1), own, keys);
}

/* The sum of the products that one giant step of one output takes. */
static ckks_status add_products(work *w, int output, int giant, double scale)
{
    const nni_matrix *x = &w->x;
    ckks_ct *sum = &w->sum[output * x->giants + giant], product = { 0 };
    ckks_status st = CKKS_OK;

    for (int i = 0; i < x->babies * x->inputs && st == CKKS_OK; i++) {
        const int baby = i / x->inputs, input = i % x->inputs;
        const ckks_pt *pt = &w->e->product[number_of(x, output, giant, baby,
                                                     input)];
        const ckks_ct *ct = baby == 0 ? &w->own[input]
                                      : &w->turned[input * x->babies + baby];

        if (pt->limb == NULL)
            continue;
        st = ckks_mul_plain(sum->limb == NULL ? sum : &product, ct, pt);
        if (st == CKKS_OK && product.limb != NULL)
            st = ckks_add(sum, sum, &product);
    }
    if (sum->limb != NULL)
        sum->scale = scale;
    ckks_ct_clear(&product);
    return st;
}

/* out = the giant sums, rotated and added, folded. */
static ckks_status fold(ckks_ct *out, work *w, const nn_layout *l, int output,
                        const ckks_keys *keys)
{
    const nni_matrix *x = &w->x;
    const ckks_ct *part[NN_MAX_KEYS];
    int step[NN_MAX_KEYS];
    size_t parts = 0;
    ckks_status st;

    for (int g = 0; g < x->giants; g++)
        if (w->sum[output * x->giants + g].limb != NULL) {
            part[parts] = &w->sum[output * x->giants + g];
            step[parts++] = nni_matrix_giant(x, l, g);
        }
    st = parts == 1 && step[0] == 0
             ? ckks_ct_copy(out, part[0])
             : ckks_rotate_sum(out, part, step, parts, keys);
    for (int i = 0; i < x->num_folds && st == CKKS_OK; i++) {
        const ckks_ct *both[2] = { out, out };
        const int by[2] = { 0, nni_matrix_fold(x, i) };
        ckks_ct next = { 0 };

        st = ckks_rotate_sum(&next, both, by, 2, keys);
        ckks_ct_swap(out, &next);
        ckks_ct_clear(&next);
    }
    return st;
}

static ckks_status one_output(nni_run *r, int k, work *w, int output)
{
    const nni_stage *s = &r->w->net.stage[k];
    ckks_ct ct = { 0 };
    ckks_status st = fold(&ct, w, &r->p->layout, output, r->keys);

    if (st == CKKS_OK && s->extra) {
        st = ckks_rescale(&ct, &ct);
        ct.scale = s->value_scale;
    }
    if (st == CKKS_OK)
        st = ckks_add_plain(&ct, &ct, &w->e->bias[output]);
    if (st == CKKS_OK)
        st = nni_finish(r, k, output, 0, &ct);
    ckks_ct_clear(&ct);
    return st;
}

static ckks_status run_work(nni_run *r, int k, work *w)
{
    const nni_stage *s = &r->w->net.stage[k];
    const int sums = w->x.outputs * w->x.giants;
    nni_failure f = { CKKS_OK, "" };

    NET_PARALLEL
    for (int i = 0; i < w->x.inputs; i++)
        nni_note(&f, turn(w, i, s->level, r->keys));
    if (f.status == CKKS_OK) {
        NET_PARALLEL
        for (int i = 0; i < sums; i++)
            nni_note(&f, add_products(w, i / w->x.giants, i % w->x.giants,
                                      sum_scale(s)));
    }
    if (f.status == CKKS_OK) {
        NET_PARALLEL
        for (int o = 0; o < w->x.outputs; o++)
            nni_note(&f, one_output(r, k, w, o));
    }
    return nni_failed(&f, s->name);
}

ckks_status nni_matrix_run(nni_run *r, int k)
{
    const net *n = &r->w->net;
    const nni_stage *s = &n->stage[k];
    const ckks_ctx *ctx = NULL;
    nni_encoded here = { 0 };
    work w = { .e = &r->w->encoded[k] };
    ckks_status st = CKKS_OK;

    if (!nni_matrix_fits(&w.x, n, k, &r->p->layout, s->neurons))
        return nn_fail(CKKS_EPARAM, "nn_run: %s does not fit its layout",
                       s->name);
    st = work_init(&w, r, k);
    for (int i = 0; i < w.x.inputs && st == CKKS_OK; i++)
        if (w.in[i].limb != NULL)
            ctx = w.in[i].ctx;
    if (st == CKKS_OK && w.e->ctx != ctx) {
        st = nni_encoded_init(&here, n, k, &r->p->layout, ctx);
        w.e = &here;
    }
    if (st == CKKS_OK)
        st = run_work(r, k, &w);
    work_clear(&w);
    nni_encoded_clear(&here);
    return st;
}
