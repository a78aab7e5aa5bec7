/* run.c -- the network on ciphertexts, stage by stage.
 *
 * Read first: docs/11-layers.md, map.c, levels.c.
 *
 * A stage goes over its map one row of phases at a time: integer combination,
 * rotations, bias, square, and each output form it is wanted in.  What is wanted
 * at a lower level is dropped there before it is relinearised, and means are
 * taken of three-part squares, so that one relinearisation serves four.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"

#ifdef CKKS_OMP
#define PARALLEL _Pragma("omp parallel for schedule(dynamic)")
#define CRITICAL _Pragma("omp critical(nn_run_failure)")
#else
#define PARALLEL
#define CRITICAL
#endif

/* The first failure of a parallel loop, with its thread's message. */
typedef struct failure {
    ckks_status status;
    char message[400];
} failure;

static void note(failure *f, ckks_status st)
{
    if (st == CKKS_OK)
        return;
    CRITICAL
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

static ckks_status failed(const failure *f, const char *where)
{
    return f->status == CKKS_OK
               ? CKKS_OK
               : nn_fail(f->status, "nn_run: %s: %s", where, f->message);
}

static ckks_status no_memory(const char *where)
{
    return nn_fail(CKKS_EMEM, "nn_run: %s: no memory", where);
}

/* ---- tensors ------------------------------------------------------------ */

typedef struct tensor {
    ckks_ct *ct;                /* shape (channels, phases)                  */
    int count;
} tensor;

typedef struct run {
    const nn_plan *p;
    const nn_weights *w;
    const ckks_keys *keys;
    ckks_ct *image;             /* the caller's, consumed                    */
    ckks_ct *logit;             /* made outputs                              */
    tensor (*out)[NET_MAX_OUTS];
} run;

static void tensor_clear(tensor *t)
{
    for (int i = 0; i < t->count; i++)
        ckks_ct_clear(&t->ct[i]);
    free(t->ct);
    *t = (tensor){ NULL, 0 };
}

static void free_read(run *r, int reader)
{
    const net *n = &r->w->net;

    for (int j = 0; j < reader; j++)
        for (int i = 0; i < n->stage[j].num_outs; i++)
            if (n->stage[j].out[i].last_reader <= reader)
                tensor_clear(&r->out[j][i]);
    if (n->image.last_reader == reader)
        for (int i = 0; i < nn_plan_inputs(r->p); i++)
            ckks_ct_clear(&r->image[i]);
}

/* ---- one stage's inputs ------------------------------------------------- */

/* The ciphertexts a stage combines: inputs as they are, then rotated ones. */
typedef struct inputs {
    const net_stage *stage;
    const net_map *map;
    const ckks_ct **ct;         /* shape (total)                             */
    int num_inputs, total;
    ckks_ct *own;               /* dropped and rotated ones                  */
    int num_own;
    ckks_pt mask[9];            /* masked: one for each pair of carries      */
    net_term *version;          /* shape (total - num_inputs): what each
                                   rotated one is                            */
} inputs;

static void inputs_clear(inputs *in)
{
    for (int i = 0; i < in->num_own; i++)
        ckks_ct_clear(&in->own[i]);
    for (int i = 0; i < 9; i++)
        ckks_pt_clear(&in->mask[i]);
    free(in->own);
    free(in->ct);
    free(in->version);
    memset(in, 0, sizeof *in);
}

/* Rotated, or at least masked. */
static bool needs_version(const inputs *in, const net_term *t)
{
    return t->step != 0
           || (in->stage->masked && (t->carry_y != 0 || t->carry_x != 0));
}

/* Every distinct rotated input, sorted. */
static ckks_status list_versions(inputs *in)
{
    size_t all = 0, kept = 0;

    for (int i = 0; i < in->map->num_phases; i++)
        all += (size_t)in->map->phase[i].terms;
    in->version = malloc((all + 1) * sizeof *in->version);
    if (in->version == NULL)
        return no_memory(in->stage->name);
    all = 0;
    for (int i = 0; i < in->map->num_phases; i++)
        for (int k = 0; k < in->map->phase[i].terms; k++)
            if (needs_version(in, &in->map->phase[i].term[k]))
                in->version[all++] = in->map->phase[i].term[k];
    qsort(in->version, all, sizeof *in->version, net_compare_terms);
    for (size_t i = 0; i < all; i++)
        if (kept == 0
            || net_compare_terms(&in->version[kept - 1], &in->version[i]) != 0)
            in->version[kept++] = in->version[i];
    in->total = in->num_inputs + (int)kept;
    return CKKS_OK;
}

/* Rotates input `i` by all steps wanted of it, from one set of digits. */
static ckks_status rotate_input(inputs *in, int i, const ckks_keys *keys,
                                ckks_ct *to)
{
    int first = 0, n = 0, count = in->total - in->num_inputs;
    int *step;
    ckks_status st;

    while (first < count && in->version[first].input < i)
        first++;
    while (first + n < count && in->version[first + n].input == i)
        n++;
    if (n == 0)
        return CKKS_OK;
    step = malloc((size_t)n * sizeof *step);
    if (step == NULL)
        return CKKS_EMEM;
    for (int k = 0; k < n; k++)
        step[k] = in->version[first + k].step;
    st = ckks_rotate_hoisted(to + first, step, (size_t)n, in->ct[i], keys);
    free(step);
    return st;
}

static ckks_status rotate_inputs(inputs *in, const ckks_keys *keys)
{
    ckks_ct *to = in->own + in->num_inputs;
    failure f = { CKKS_OK, "" };

    PARALLEL
    for (int i = 0; i < in->num_inputs; i++)
        note(&f, rotate_input(in, i, keys, to));
    for (int k = in->num_inputs; k < in->total; k++)
        in->ct[k] = &to[k - in->num_inputs];
    return failed(&f, in->stage->name);
}

/* ---- masks: border zero ------------------------------------------------- */

static const ckks_pt *find_mask(const inputs *in, const net_term *t)
{
    return &in->mask[(t->carry_y + 1) * 3 + t->carry_x + 1];
}

/* The 0/1 plaintexts of all carries but (0, 0), which is place 4. */
static ckks_status make_masks(inputs *in, const run *r)
{
    const nn_layout *l = &r->p->layout;
    double *slot = malloc(l->slots * sizeof *slot);
    ckks_status st = slot == NULL ? CKKS_EMEM : CKKS_OK;

    for (int k = 0; k < 9 && st == CKKS_OK; k++) {
        net_term t = { 0, 0, (int16_t)(k / 3 - 1), (int16_t)(k % 3 - 1) };

        if (k == 4)
            continue;
        for (size_t j = 0; j < l->slots; j++)
            slot[j] = net_mask(l, t.carry_y, t.carry_x, j);
        st = ckks_encode(&in->mask[k], in->ct[0]->ctx, slot, NULL,
                         l->slots, in->stage->level,
                         ldexp(1, in->stage->mask_bits));
    }
    free(slot);
    return st == CKKS_OK ? st
                         : nn_fail(st, "nn_run: %s: masks: %s",
                                   in->stage->name, ckks_last_error());
}

/* Multiplies every version by its mask, every input by 2^mask_bits. */
static ckks_status apply_masks(inputs *in)
{
    failure f = { CKKS_OK, "" };
    double scale = ldexp(1, in->stage->mask_bits);

    PARALLEL
    for (int k = 0; k < in->total; k++) {
        const net_term *t = &in->version[k - in->num_inputs];

        if (k < in->num_inputs)
            note(&f, ckks_mul_const(&in->own[k], in->ct[k], 1, 0, scale));
        else
            note(&f, ckks_mul_plain(&in->own[k], in->ct[k],
                                    find_mask(in, t)));
    }
    for (int k = 0; k < in->total; k++)
        in->ct[k] = &in->own[k];
    return failed(&f, in->stage->name);
}

/* Pointers to what the sources hold; the image is dropped to the level. */
static ckks_status gather(inputs *in, run *r)
{
    const net_stage *s = in->stage;
    int at = 0;

    for (int i = 0; i < s->num_sources; i++) {
        const net_source *src = &s->source[i];
        int count = src->channels * net_source_phases(&r->w->net, s, src,
                                                      &r->p->layout);

        for (int k = 0; k < count; k++, at++) {
            const ckks_ct *ct = src->stage < 0
                                    ? &r->image[k]
                                    : &r->out[src->stage][src->out].ct[k];

            if (ct->level != s->level) {
                ckks_status st = ckks_drop_level(&in->own[at], ct, s->level);

                if (st != CKKS_OK)
                    return nn_fail(st, "nn_run: %s: %s", s->name,
                                   ckks_last_error());
                ct = &in->own[at];
            }
            in->ct[at] = ct;
        }
    }
    return CKKS_OK;
}

static ckks_status inputs_init(inputs *in, run *r, int k)
{
    ckks_status st = CKKS_OK;

    *in = (inputs){ .stage = &r->w->net.stage[k], .map = &r->w->map[k] };
    in->num_inputs = in->total = in->map->num_inputs;
    if (r->p->step[k].rotate_inputs || in->stage->masked)
        st = list_versions(in);
    if (st == CKKS_OK) {
        in->num_own = in->total;
        in->ct = calloc((size_t)in->total, sizeof *in->ct);
        in->own = calloc((size_t)in->total, sizeof *in->own);
        if (in->ct == NULL || in->own == NULL) {
            in->num_own = 0;
            st = no_memory(in->stage->name);
        }
    }
    if (st == CKKS_OK)
        st = gather(in, r);
    if (st == CKKS_OK && in->total > in->num_inputs)
        st = rotate_inputs(in, r->keys);
    if (st == CKKS_OK && in->stage->masked) {
        st = make_masks(in, r);
        if (st == CKKS_OK)
            st = apply_masks(in);
    }
    if (st != CKKS_OK)
        inputs_clear(in);
    return st;
}

/* Number of the ciphertext that holds term t, and the rotation still due. */
static int resolve(int *step, const inputs *in, const net_term *t)
{
    const net_term *found;
    size_t count = (size_t)(in->total - in->num_inputs);

    *step = t->step;
    if (count == 0 || !needs_version(in, t))
        return t->input;
    found = bsearch(t, in->version, count, sizeof *found, net_compare_terms);
    *step = 0;
    return in->num_inputs + (int)(found - in->version);
}

/* ---- combining: one row of phases --------------------------------------- */

/* The blocks of a row: for each phase, one for each rotation of its sums. */
typedef struct row {
    int first, phases;          /* of the map                                */
    ckks_block *block;
    int *phase, *step;          /* shape (num_blocks)                        */
    int num_blocks;
    int32_t *index, *weight;    /* what the blocks point into                */
    const ckks_ct **in;         /* inputs in use                             */
    int num_in;
    ckks_ct *sum;               /* shape (num_blocks, channels)              */
    ckks_ct **to;
} row;

static void row_clear(row *w, int channels)
{
    for (int i = 0; w->sum != NULL && i < w->num_blocks * channels; i++)
        ckks_ct_clear(&w->sum[i]);
    free(w->block);
    free(w->phase);
    free(w->step);
    free(w->index);
    free(w->weight);
    free(w->in);
    free(w->sum);
    free(w->to);
    memset(w, 0, sizeof *w);
}

static ckks_status row_alloc(row *w, const inputs *in)
{
    size_t terms = 0, channels = (size_t)in->map->channels, blocks = 0;

    for (int i = w->first; i < w->first + w->phases; i++)
        terms += (size_t)in->map->phase[i].terms;
    blocks = terms;             /* at most one a term                        */
    w->block = calloc(blocks, sizeof *w->block);
    w->phase = calloc(blocks, sizeof *w->phase);
    w->step = calloc(blocks, sizeof *w->step);
    w->index = calloc(terms, sizeof *w->index);
    w->weight = calloc(terms * channels, sizeof *w->weight);
    w->in = calloc((size_t)in->total, sizeof *w->in);
    if (w->block == NULL || w->phase == NULL || w->step == NULL
        || w->index == NULL || w->weight == NULL || w->in == NULL)
        return no_memory(in->stage->name);
    return CKKS_OK;
}

/* The block of phase i whose sums are to be rotated by `step`. */
static void fill_block(row *w, const inputs *in, int i, int step,
                       int32_t **index, int32_t **weight, int *used)
{
    const net_phase *p = &in->map->phase[i];
    ckks_block *b = &w->block[w->num_blocks];
    int32_t *first = *index;
    size_t terms = 0;

    for (int k = 0; k < p->terms; k++) {
        int due, ct = resolve(&due, in, &p->term[k]);

        if (due != step)
            continue;
        if (used[ct] < 0) {
            used[ct] = w->num_in;
            w->in[w->num_in++] = in->ct[ct];
        }
        first[terms++] = used[ct];
    }
    *b = (ckks_block){ .first = (size_t)w->num_blocks
                                * (size_t)in->map->channels,
                       .rows = (size_t)in->map->channels, .terms = terms,
                       .index = first, .weight = *weight };
    for (int o = 0; o < in->map->channels; o++)
        for (int k = 0; k < p->terms; k++) {
            int due;

            (void)resolve(&due, in, &p->term[k]);
            if (due == step)
                *(*weight)++ = p->weight[(size_t)o * (size_t)p->terms
                                         + (size_t)k];
        }
    *index += terms;
    w->phase[w->num_blocks] = i;
    w->step[w->num_blocks++] = step;
}

static void fill_blocks(row *w, const inputs *in, int *used)
{
    int32_t *index = w->index, *weight = w->weight;

    for (int i = 0; i < in->total; i++)
        used[i] = -1;
    for (int i = w->first; i < w->first + w->phases; i++) {
        const net_phase *p = &in->map->phase[i];
        int start = w->num_blocks;

        for (int k = 0; k < p->terms; k++) {
            int due, seen = 0;

            (void)resolve(&due, in, &p->term[k]);
            for (int b = start; b < w->num_blocks; b++)
                seen |= w->step[b] == due;
            if (!seen)
                fill_block(w, in, i, due, &index, &weight, used);
        }
    }
}

static ckks_status row_init(row *w, const inputs *in, int first, int phases)
{
    int *used = malloc((size_t)in->total * sizeof *used);
    size_t sums;
    ckks_status st;

    *w = (row){ .first = first, .phases = phases };
    st = used == NULL ? no_memory(in->stage->name) : row_alloc(w, in);
    if (st == CKKS_OK) {
        fill_blocks(w, in, used);
        sums = (size_t)w->num_blocks * (size_t)in->map->channels;
        w->sum = calloc(sums, sizeof *w->sum);
        w->to = calloc(sums, sizeof *w->to);
        if (w->sum == NULL || w->to == NULL)
            st = no_memory(in->stage->name);
        for (size_t i = 0; st == CKKS_OK && i < sums; i++)
            w->to[i] = &w->sum[i];
    }
    if (st == CKKS_OK) {
        st = ckks_combine(w->to, sums, w->in, (size_t)w->num_in, w->block,
                          (size_t)w->num_blocks,
                          ldexp(in->stage->scale, in->stage->mask_bits));
        if (st != CKKS_OK)
            st = nn_fail(st, "nn_run: %s: %s", in->stage->name,
                         ckks_last_error());
    }
    free(used);
    if (st != CKKS_OK)
        row_clear(w, in->map->channels);
    return st;
}

/* ---- one output ciphertext ---------------------------------------------- */

/* out = the sums of channel o at phase i, rotated and added, plus the bias. */
static ckks_status finish_linear(ckks_ct *out, row *w, const inputs *in,
                                 int o, int i, const ckks_keys *keys)
{
    const ckks_ct *part[16];
    int step[16], n = 0;
    double bias = in->map->phase[i].bias[o];
    ckks_status st = CKKS_OK;

    for (int b = 0; b < w->num_blocks && n < 16; b++)
        if (w->phase[b] == i) {
            part[n] = &w->sum[b * in->map->channels + o];
            step[n++] = w->step[b];
        }
    if (n == 1 && step[0] == 0)
        ckks_ct_swap(out, (ckks_ct *)part[0]);
    else
        st = ckks_rotate_sum(out, part, step, (size_t)n, keys);
    if (st == CKKS_OK && bias != 0)
        st = ckks_add_const(out, out, bias, 0);
    if (st == CKKS_OK && in->stage->masked)
        st = ckks_rescale(out, out);
    return st;
}

static ckks_status activate(ckks_ct *ct, const net_stage *s, int o)
{
    if (!s->square)
        return CKKS_OK;
    if (s->linear != NULL && s->linear[o])
        return ckks_mul_const(ct, ct, 1, 0, round(s->value_scale));
    return ckks_square(ct, ct);
}

/* Brings a finished sum to the level of its form. */
static ckks_status bring_down(ckks_ct *ct, const run *r, const net_stage *s,
                              const net_out *o)
{
    uint64_t q = r->p->params.primes[o->level + 1];
    ckks_status st = CKKS_OK;

    if (s->square)
        return ckks_relin_rescale(ct, ct, r->keys);
    /* the whole number changes the scale, not the value */
    st = ckks_mul_const(ct, ct, 1, 0, net_lift(net_plan_bits(r->p),
                                               s->value_scale, q));
    return st == CKKS_OK ? ckks_rescale(ct, ct) : st;
}

/* Adds a ciphertext of phase i to its place in form j of stage k; the last one
 * of a mean brings it down.  ct is consumed. */
static ckks_status deliver(run *r, int k, int j, int o, int i, ckks_ct *ct)
{
    const net_stage *s = &r->w->net.stage[k];
    const net_out *form = &s->out[j];
    int columns = s->flat ? 1 : r->p->layout.ring_x >> s->pool;
    int y = i / columns, x = i % columns, side = 1 << form->pool;
    int small = columns >> form->pool;
    int phases = net_out_phases(s, form, &r->p->layout);
    ckks_ct *place = &r->out[k][j].ct[o * phases
                                      + (y >> form->pool) * small
                                      + (x >> form->pool)];
    ckks_status st = CKKS_OK;

    if (place->limb == NULL)
        ckks_ct_swap(place, ct);
    else
        st = ckks_add(place, place, ct);
    if (st == CKKS_OK && y % side == side - 1 && x % side == side - 1)
        st = bring_down(place, r, s, form);
    return st;
}

static ckks_status finish_one(run *r, int k, row *w, const inputs *in, int o,
                              int i)
{
    const net_stage *s = in->stage;
    ckks_ct ct = { 0 }, copy = { 0 };
    ckks_status st = finish_linear(&ct, w, in, o, i, r->keys);

    if (st == CKKS_OK && k == r->w->net.num_stages - 1) {
        ckks_ct_swap(&r->logit[i], &ct);
        return CKKS_OK;
    }
    if (st == CKKS_OK)
        st = activate(&ct, s, o);
    for (int j = 0; j < s->num_outs && st == CKKS_OK; j++) {
        st = ckks_drop_level(&copy, &ct, s->out[j].level + 1);
        if (st == CKKS_OK)
            st = deliver(r, k, j, o, i, &copy);
        ckks_ct_clear(&copy);
    }
    ckks_ct_clear(&ct);
    return st;
}

/* ---- stages ------------------------------------------------------------- */

static ckks_status outs_init(run *r, int k)
{
    const net_stage *s = &r->w->net.stage[k];

    for (int j = 0; j < s->num_outs; j++) {
        tensor *t = &r->out[k][j];

        t->count = s->channels * net_out_phases(s, &s->out[j], &r->p->layout);
        t->ct = calloc((size_t)t->count, sizeof *t->ct);
        if (t->ct == NULL) {
            t->count = 0;
            return no_memory(s->name);
        }
    }
    return CKKS_OK;
}

static ckks_status one_row(run *r, int k, const inputs *in, int first,
                           int phases)
{
    failure f = { CKKS_OK, "" };
    row w;
    ckks_status st = row_init(&w, in, first, phases);

    if (st != CKKS_OK)
        return st;
    PARALLEL
    for (int o = 0; o < in->map->channels; o++)
        for (int i = first; i < first + phases; i++)
            note(&f, finish_one(r, k, &w, in, o, i));
    row_clear(&w, in->map->channels);
    return failed(&f, in->stage->name);
}

static ckks_status one_stage(run *r, int k)
{
    const net_stage *s = &r->w->net.stage[k];
    int columns = s->flat ? 1 : r->p->layout.ring_x >> s->pool;
    inputs in;
    ckks_status st = inputs_init(&in, r, k);

    if (st != CKKS_OK)
        return st;
    st = outs_init(r, k);
    for (int i = 0; i < r->w->map[k].num_phases && st == CKKS_OK;
         i += columns)
        st = one_row(r, k, &in, i, columns);
    inputs_clear(&in);
    if (st == CKKS_OK)
        free_read(r, k);
    return st;
}

static bool same_context(const ckks_ctx *ctx, const ckks_params *p)
{
    bool same = ckks_ctx_log_n(ctx) == p->log_n
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

    if (out == NULL || in == NULL || p == NULL || w == NULL || keys == NULL)
        return nn_fail(CKKS_EARG, "nn_run: null pointer");
    nn_plan_fingerprint(fingerprint, p);
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
    run r = { .p = p, .w = w, .keys = keys, .image = in };
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
        st = no_memory("start");
    for (int k = 0; k < stages && st == CKKS_OK; k++) {
        if (progress != NULL && progress->report != NULL)
            progress->report(progress->user, p, k, done, p->seconds);
        st = one_stage(&r, k);
        done += p->step[k].seconds;
    }
    for (int k = 0; r.out != NULL && k < stages; k++)
        for (int j = 0; j < NET_MAX_OUTS; j++)
            tensor_clear(&r.out[k][j]);
    for (int i = 0; r.logit != NULL && i < outputs; i++) {
        if (st == CKKS_OK)
            ckks_ct_swap(&out[i], &r.logit[i]);
        ckks_ct_clear(&r.logit[i]);
    }
    free(r.out);
    free(r.logit);
    return st;
}
