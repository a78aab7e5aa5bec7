/* run.c -- the network on ciphertexts, stage by stage.
 *
 * Read first: docs/11-layers.md, map.c, levels.c.
 *
 * A stage goes over its map one piece at a time, some channels at some phases
 * of a row, so that few sums exist at once: integer combination,
 * rotations, bias, and for each output form it is wanted in the square.  What
 * is wanted at a lower level is dropped there before it is squared; means are
 * taken of three-part squares, so that one relinearisation serves four.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/run.h"

void nni_note(nni_failure *f, ckks_status st)
{
    if (st == CKKS_OK)
        return;
    NET_CRITICAL
    {
        if (f->status == CKKS_OK) {
            const char *text = ckks_last_error();
            size_t n = strlen(text);

            f->status = st;
            if (n >= sizeof f->message)
                n = sizeof f->message - 1;
            memcpy(f->message, text, n);
            f->message[n] = '\0';
        }
    }
}

ckks_status nni_failed(const nni_failure *f, const char *where)
{
    return f->status == CKKS_OK
               ? CKKS_OK
               : nn_fail(f->status, "nn_run: %s: %s", where, f->message);
}

ckks_status nni_no_memory(const char *where)
{
    return nn_fail(CKKS_EMEM, "nn_run: %s: no memory", where);
}

/* ---- tensors ------------------------------------------------------------ */

void nni_tensor_clear(nni_tensor *t)
{
    for (int i = 0; i < t->count; i++)
        ckks_ct_clear(&t->ct[i]);
    free(t->ct);
    *t = (nni_tensor){ NULL, 0 };
}

static void free_read(nni_run *r, int reader)
{
    const net *n = &r->w->net;

    for (int j = 0; j < reader; j++)
        for (int i = 0; i < n->stage[j].num_outs; i++)
            if (n->stage[j].out[i].last_reader <= reader)
                nni_tensor_clear(&r->out[j][i]);
    if (n->image.last_reader == reader)
        for (int i = 0; i < nn_plan_inputs(r->p); i++)
            ckks_ct_clear(&r->image[i]);
}

/* ---- one output ciphertext ---------------------------------------------- */

/* out = the sums of channel o at phase i, rotated and added, plus the bias. */
static ckks_status finish_linear(ckks_ct *out, nni_row *w, const nni_inputs *in,
                                 int o, int i, const ckks_keys *keys)
{
    ckks_ct **part = malloc((size_t)w->num_blocks * sizeof *part);
    int *step = malloc((size_t)w->num_blocks * sizeof *step), n = 0;
    double bias = in->map->phase[i].bias[o];
    ckks_status st = CKKS_OK;

    if (part == NULL || step == NULL) {
        free(part);
        free(step);
        return CKKS_EMEM;
    }
    for (int b = 0; b < w->num_blocks; b++)
        if (w->phase[b] == i) {
            part[n] = &w->sum[b * w->piece.channels + o - w->piece.channel];
            step[n++] = w->step[b];
        }
    if (n == 1 && step[0] == 0)
        ckks_ct_swap(out, part[0]);
    else
        st = ckks_rotate_sum(out, (const ckks_ct *const *)part, step,
                             (size_t)n, keys);
    for (int k = 0; k < n; k++)         /* no one else reads them            */
        ckks_ct_clear(part[k]);
    free(part);
    free(step);
    if (st == CKKS_OK && bias != 0)
        st = ckks_add_const(out, out, bias, 0);
    if (st == CKKS_OK && in->stage->masked)
        st = ckks_rescale(out, out);
    return st;
}

/* What stands for channel o where the activation is no square: the same scale
 * as one. */
static bool is_linear(const nni_stage *s, int o)
{
    return s->linear != NULL && s->linear[o];
}

/* out = the activation of ct. */
static ckks_status activate(ckks_ct *out, const ckks_ct *ct,
                            const nni_stage *s, int o)
{
    if (is_linear(s, o))
        return ckks_mul_const(out, ct, 1, 0, round(s->value_scale));
    return ckks_square(out, ct);
}

/* Brings a finished sum to the level of its form. */
static ckks_status bring_down(ckks_ct *ct, const nni_run *r, const nni_stage *s,
                              const nni_out *o)
{
    uint64_t q = r->p->params.primes[o->level + 1];
    ckks_status st = CKKS_OK;

    if (s->square)
        return ckks_relin_rescale(ct, ct, r->keys);
    /* the whole number changes the scale, not the value */
    st = ckks_mul_const(ct, ct, 1, 0, nni_lift(nni_plan_bits(r->p),
                                               s->value_scale, q));
    return st == CKKS_OK ? ckks_rescale(ct, ct) : st;
}

/* Adds the activation of ct to what is there, the first of a mean makes it;
 * ct is consumed. */
static ckks_status accumulate(ckks_ct *place, ckks_ct *ct, const nni_stage *s,
                              int o)
{
    ckks_status st = CKKS_OK;

    if (s->square && !is_linear(s, o) && place->limb != NULL)
        return ckks_add_square(place, ct);
    if (s->square)
        st = activate(ct, ct, s, o);
    if (st == CKKS_OK && place->limb != NULL)
        st = ckks_add(place, place, ct);
    else if (st == CKKS_OK)
        ckks_ct_swap(place, ct);
    return st;
}

/* Adds what a ciphertext of phase i gives to its place in form j of stage k;
 * the last one of a mean brings it down.  ct is consumed. */
static ckks_status deliver(nni_run *r, int k, int j, int o, int i, ckks_ct *ct)
{
    const nni_stage *s = &r->w->net.stage[k];
    const nni_out *form = &s->out[j];
    const nn_layout *l = &r->p->layout;
    const nni_means m = nni_means_after(s, form, l, 0);
    const int columns = nni_phases(l->ring_x, s->gap);
    const int y = i / columns, x = i % columns;
    const int down = s->gap > 0 ? m.gap_y / s->gap : 1;
    const int across = s->gap > 0 ? m.gap_x / s->gap : 1;
    ckks_ct *place = &r->out[k][j].ct[o * nni_means_phases(&m, l)
                                      + y / down
                                            * nni_phases(l->ring_x, m.gap_x)
                                      + x / across];
    ckks_status st = accumulate(place, ct, s, o);

    if (st == CKKS_OK && y % down == down - 1 && x % across == across - 1)
        st = bring_down(place, r, s, form);
    return st;
}

ckks_status nni_finish(nni_run *r, int k, int o, int i, ckks_ct *ct)
{
    const nni_stage *s = &r->w->net.stage[k];
    ckks_ct copy = { 0 };
    ckks_status st = CKKS_OK;

    if (k == r->w->net.num_stages - 1) {
        ckks_ct_swap(&r->logit[o * nn_layout_phases(&r->p->layout, s->gap)
                               + i], ct);
        return CKKS_OK;
    }
    for (int j = 0; j < s->num_outs && st == CKKS_OK; j++) {
        if (j + 1 == s->num_outs && ct->level == s->out[j].level + 1)
            ckks_ct_swap(&copy, ct);   /* no one needs it any more          */
        else
            st = ckks_drop_level(&copy, ct, s->out[j].level + 1);
        if (st == CKKS_OK)
            st = deliver(r, k, j, o, i, &copy);
        ckks_ct_clear(&copy);
    }
    ckks_ct_clear(ct);
    return st;
}

static ckks_status finish_one(nni_run *r, int k, nni_row *w,
                              const nni_inputs *in, int o, int i)
{
    ckks_ct ct = { 0 };
    ckks_status st = finish_linear(&ct, w, in, o, i, r->keys);

    if (st == CKKS_OK)
        st = nni_finish(r, k, o, i, &ct);
    ckks_ct_clear(&ct);
    return st;
}

/* ---- stages ------------------------------------------------------------- */

static ckks_status outs_init(nni_run *r, int k)
{
    const nni_stage *s = &r->w->net.stage[k];

    for (int j = 0; j < s->num_outs; j++) {
        const nn_layout *l = &r->p->layout;
        const nni_means m = nni_means_after(s, &s->out[j], l, 0);
        nni_tensor *t = &r->out[k][j];

        t->count = s->planes * nni_means_phases(&m, l);
        t->ct = calloc((size_t)t->count, sizeof *t->ct);
        if (t->ct == NULL) {
            t->count = 0;
            return nni_no_memory(s->name);
        }
    }
    return CKKS_OK;
}

static ckks_status one_piece(nni_run *r, int k, const nni_inputs *in,
                             const nni_piece *p)
{
    nni_failure f = { CKKS_OK, "" };
    nni_row w;
    ckks_status st;
    bool live = false;

    for (int i = p->first; i < p->first + p->phases; i++)
        live |= in->map->phase[i].live;
    if (!live)
        return CKKS_OK;
    st = nni_row_init(&w, in, p);
    if (st != CKKS_OK)
        return st;
    NET_PARALLEL
    for (int o = p->channel; o < p->channel + p->channels; o++)
        for (int i = p->first; i < p->first + p->phases; i++)
            if (in->map->phase[i].live)
                nni_note(&f, finish_one(r, k, &w, in, o, i));
    nni_row_clear(&w);
    return nni_failed(&f, in->stage->name);
}

static ckks_status one_stage(nni_run *r, int k)
{
    const nni_stage *s = &r->w->net.stage[k];
    const int columns = nni_columns(s, &r->p->layout);
    nni_piece piece = { 0 };
    nni_inputs in;
    ckks_status st;

    if (s->neurons > 0) {
        st = outs_init(r, k);
        if (st == CKKS_OK)
            st = nni_matrix_run(r, k);
        if (st == CKKS_OK)
            free_read(r, k);
        return st;
    }
    st = nni_inputs_init(&in, r, k);
    if (st != CKKS_OK)
        return st;
    st = outs_init(r, k);
    while (st == CKKS_OK
           && nni_piece_next(&piece, in.map, s->level, columns,
                              in.by_inputs)) {
        if (piece.channel == 0)
            nni_inputs_drop(&in, r, k, piece.first);
        st = one_piece(r, k, &in, &piece);
    }
    nni_inputs_clear(&in);
    for (int j = 0; j < s->num_outs && st == CKKS_OK; j++)
        st = nni_pool(r, k, j);
    if (st == CKKS_OK)
        free_read(r, k);
    return st;
}

static bool same_context(const ckks_ctx *ctx, const ckks_params *p)
{
    bool same = ckks_ctx_log_n(ctx) == p->log_n
                && ckks_ctx_ring(ctx) == p->ring
                && ckks_ctx_top_level(ctx) == p->num_primes - 1;

    for (int i = 0; same && i < p->num_primes; i++)
        same = ckks_ctx_prime(ctx, i) == p->primes[i];
    return same;
}

static ckks_status check(const ckks_ct *out, const ckks_ct *in,
                         const nn_plan *p, const nn_weights *w,
                         const ckks_keys *keys)
{
    uint8_t fingerprint[16];
    ckks_status st;

    if (out == NULL || in == NULL || p == NULL || w == NULL || keys == NULL)
        return nn_fail(CKKS_EARG, "nn_run: null pointer");
    st = nn_plan_fingerprint(fingerprint, p);
    if (st != CKKS_OK)
        return st;
    if (memcmp(fingerprint, w->fingerprint, sizeof fingerprint) != 0)
        return nn_fail(CKKS_EPARAM, "nn_run: the weights were made for another "
                       "plan");
    for (int i = 0; i < nn_plan_inputs(p); i++)
        if (in[i].ctx == NULL || in[i].level != p->in_level
            || in[i].degree != 1
            || fabs(in[i].scale / p->in_scale - 1) > 0x1p-32)
            return nn_fail(CKKS_EPARAM, "nn_run: input %d: level %d, degree "
                           "%d, scale 2^%.3f; the plan says %d, 1, 2^%.3f", i,
                           in[i].level, in[i].degree, log2(in[i].scale),
                           p->in_level, log2(p->in_scale));
    for (int i = 0; i < nn_plan_inputs(p); i++)
        if (!same_context(in[i].ctx, &p->params))
            return nn_fail(CKKS_EPARAM, "nn_run: input %d: its context has N = "
                           "2^%d and %d primes; the plan says N = 2^%d and "
                           "%d, or other primes", i,
                           ckks_ctx_log_n(in[i].ctx),
                           ckks_ctx_top_level(in[i].ctx) + 1, p->params.log_n,
                           p->params.num_primes);
    return CKKS_OK;
}

ckks_status nn_run(ckks_ct *out, ckks_ct *in, const nn_plan *p,
                   const nn_weights *w, const ckks_keys *keys,
                   const nn_progress *progress)
{
    nni_run r = { .p = p, .w = w, .keys = keys, .image = in };
    double done = 0;
    int stages, outputs;
    ckks_status st = check(out, in, p, w, keys);

    if (st != CKKS_OK)
        return st;
    stages = w->net.num_stages;
    outputs = nn_plan_outputs(p);
    r.out = calloc((size_t)stages, sizeof *r.out);
    r.logit = calloc((size_t)outputs, sizeof *r.logit);
    if (r.out == NULL || r.logit == NULL)
        st = nni_no_memory("start");
    for (int k = 0; k < stages && st == CKKS_OK; k++) {
        if (progress != NULL && progress->report != NULL)
            progress->report(progress->user, p, k, done, p->seconds);
        st = one_stage(&r, k);
        done += p->step[k].seconds;
    }
    for (int k = 0; r.out != NULL && k < stages; k++)
        for (int j = 0; j < NET_MAX_OUTS; j++)
            nni_tensor_clear(&r.out[k][j]);
    for (int i = 0; r.logit != NULL && i < outputs; i++) {
        if (st == CKKS_OK)
            ckks_ct_swap(&out[i], &r.logit[i]);
        ckks_ct_clear(&r.logit[i]);
    }
    free(r.out);
    free(r.logit);
    return st;
}
