/* run_inputs.c -- what a stage combines: ciphertexts, rotated ones, masked
 * and alternating ones.
 *
 * Read first: run.h, docs/11-layers.md.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ckks_primitives.h"
#include "run/run.h"

void nni_inputs_clear(nni_inputs *in)
{
    for (int i = 0; i < in->num_own; i++)
        ckks_ct_clear(&in->own[i]);
    for (int i = 0; i < in->num_masks; i++)
        ckks_pt_clear(&in->mask[i]);
    free(in->mask);
    free(in->mask_of);
    free(in->own);
    free(in->ct);
    free(in->version);
    memset(in, 0, sizeof *in);
}

/* Every distinct input that is made, sorted. */
static ckks_status list_versions(nni_inputs *in)
{
    size_t all = 0, kept = 0;

    for (int i = 0; i < in->map->num_phases; i++)
        all += (size_t)in->map->phase[i].terms;
    in->version = malloc((all + 1) * sizeof *in->version);
    if (in->version == NULL)
        return nni_no_memory(in->stage->name);
    all = 0;
    for (int i = 0; i < in->map->num_phases; i++)
        for (int k = 0; k < in->map->phase[i].terms; k++)
            if (nni_makes_version(&in->map->phase[i].term[k], in->stage,
                                  in->by_inputs))
                in->version[all++] = nni_version(&in->map->phase[i].term[k],
                                                 in->by_inputs);
    qsort(in->version, all, sizeof *in->version, nni_compare_terms);
    for (size_t i = 0; i < all; i++)
        if (kept == 0
            || nni_compare_terms(&in->version[kept - 1], &in->version[i]) != 0)
            in->version[kept++] = in->version[i];
    in->total = in->num_inputs + (int)kept;
    return CKKS_OK;
}

/* Rotates input `i` by all steps wanted of it, from one set of digits. */
static ckks_status rotate_input(nni_inputs *in, int i, const ckks_keys *keys,
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

static ckks_status rotate_inputs(nni_inputs *in, const ckks_keys *keys)
{
    ckks_ct *to = in->own + in->num_inputs;
    nni_failure f = { CKKS_OK, "" };

    NET_PARALLEL
    for (int i = 0; i < in->num_inputs; i++)
        nni_note(&f, rotate_input(in, i, keys, to));
    for (int k = in->num_inputs; k < in->total; k++)
        in->ct[k] = &to[k - in->num_inputs];
    return nni_failed(&f, in->stage->name);
}

/* The inputs that alternate, none rotated. */
static ckks_status alternate_inputs(nni_inputs *in)
{
    ckks_ct *to = in->own + in->num_inputs;
    nni_failure f = { CKKS_OK, "" };

    NET_PARALLEL
    for (int k = in->num_inputs; k < in->total; k++) {
        const nni_term *t = &in->version[k - in->num_inputs];

        if (in->ct[t->input]->limb != NULL)     /* a phase with a pixel      */
            nni_note(&f, ckks_mul_alternating(&to[k - in->num_inputs],
                                              in->ct[t->input]));
        in->ct[k] = &to[k - in->num_inputs];
    }
    return nni_failed(&f, in->stage->name);
}

/* ---- masks -------------------------------------------------------------- */

/* Masks are as few as there are cuts: NULL if this one has no plaintext. */
static ckks_pt *find_mask(const nni_inputs *in, const nni_term *t)
{
    for (int i = 0; i < in->num_masks; i++)
        if (nni_same_cut(&in->mask_of[i], t))
            return &in->mask[i];
    return NULL;
}

/* The 0/1 plaintexts of all cuts that versions have. */
static ckks_status make_masks(nni_inputs *in, const nni_run *r)
{
    const nn_layout *l = &r->p->layout;
    const size_t versions = (size_t)(in->total - in->num_inputs);
    double *slot = malloc(l->slots * sizeof *slot);
    ckks_status st = CKKS_OK;

    in->mask = calloc(versions + 1, sizeof *in->mask);
    in->mask_of = calloc(versions + 1, sizeof *in->mask_of);
    if (slot == NULL || in->mask == NULL || in->mask_of == NULL) {
        free(slot);
        return nni_no_memory(in->stage->name);
    }
    for (size_t k = 0; k < versions && st == CKKS_OK; k++) {
        const nni_term *t = &in->version[k];

        if (!nni_cut(t) || find_mask(in, t) != NULL)
            continue;
        for (size_t j = 0; j < l->slots; j++)
            slot[j] = nni_mask(l, in->stage->gap, t, j);
        in->mask_of[in->num_masks] = *t;
        st = ckks_encode(&in->mask[in->num_masks++],
                         in->ct[in->num_inputs + (int)k]->ctx, slot, NULL,
                         l->slots, in->stage->level,
                         ldexp(1, in->stage->mask_bits));
    }
    free(slot);
    return st == CKKS_OK ? st
                         : nn_fail(st, "nn_run: %s: masks: %s",
                                   in->stage->name, ckks_last_error());
}

/* Multiplies every version by its mask, every input (and what is only rotated)
 * by 2^mask_bits. */
static ckks_status apply_masks(nni_inputs *in)
{
    nni_failure f = { CKKS_OK, "" };
    double scale = ldexp(1, in->stage->mask_bits);

    NET_PARALLEL
    for (int k = 0; k < in->total; k++) {
        const nni_term *t = &in->version[k - in->num_inputs];

        if (k < in->num_inputs && in->ct[k]->limb == NULL)
            continue;           /* a phase without a pixel                   */
        if (k < in->num_inputs || !nni_cut(t))
            nni_note(&f, ckks_mul_const(&in->own[k], in->ct[k], 1, 0, scale));
        else
            nni_note(&f, ckks_mul_plain(&in->own[k], in->ct[k],
                                    find_mask(in, t)));
    }
    for (int k = 0; k < in->total; k++)
        in->ct[k] = &in->own[k];
    return nni_failed(&f, in->stage->name);
}

/* Pointers to what the sources hold; the image is dropped to the level. */
static ckks_status gather(nni_inputs *in, nni_run *r)
{
    const nni_stage *s = in->stage;
    int at = 0;

    for (int i = 0; i < s->num_sources; i++) {
        const nni_source *src = &s->source[i];
        int count = src->channels * nn_layout_phases(&r->p->layout, src->gap);

        for (int k = 0; k < count; k++, at++) {
            const ckks_ct *ct = src->stage < 0
                                    ? &r->image[k]
                                    : &r->out[src->stage][src->out].ct[k];

            if (ct->limb != NULL && ct->level != s->level) {
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

void nni_inputs_drop(nni_inputs *in, nni_run *r, int k, int phase)
{
    const nni_stage *s = in->stage;
    int at = 0;

    for (int i = 0; i < s->num_sources; i++) {
        const nni_source *src = &s->source[i];
        const int count = src->channels
                          * nn_layout_phases(&r->p->layout, src->gap);
        const bool drops = nni_drops(&r->w->net, k, i,
                                     r->p->step[k].rotate_inputs);
        ckks_ct *ct = src->stage < 0 ? r->image
                                     : r->out[src->stage][src->out].ct;

        for (int j = 0; j < count; j++, at++)
            if (drops && in->map->last[at] < phase)
                ckks_ct_clear(&ct[j]);
    }
}

ckks_status nni_inputs_init(nni_inputs *in, nni_run *r, int k)
{
    ckks_status st = CKKS_OK;

    *in = (nni_inputs){ .stage = &r->w->net.stage[k], .map = &r->w->map[k] };
    in->num_inputs = in->total = in->map->num_inputs;
    in->by_inputs = r->p->step[k].rotate_inputs || in->stage->masked;
    if (in->by_inputs || in->stage->alternating)
        st = list_versions(in);
    if (st == CKKS_OK) {
        in->num_own = in->total;
        in->ct = calloc((size_t)in->total, sizeof *in->ct);
        in->own = calloc((size_t)in->total, sizeof *in->own);
        if (in->ct == NULL || in->own == NULL) {
            in->num_own = 0;
            st = nni_no_memory(in->stage->name);
        }
    }
    if (st == CKKS_OK)
        st = gather(in, r);
    if (st == CKKS_OK && in->total > in->num_inputs)
        st = in->stage->alternating ? alternate_inputs(in)
                                    : rotate_inputs(in, r->keys);
    if (st == CKKS_OK && in->stage->masked) {
        st = make_masks(in, r);
        if (st == CKKS_OK)
            st = apply_masks(in);
    }
    if (st != CKKS_OK)
        nni_inputs_clear(in);
    return st;
}

int nni_inputs_find(int *step, const nni_inputs *in, const nni_term *t)
{
    const nni_term key = nni_version(t, in->by_inputs), *found;
    size_t count = (size_t)(in->total - in->num_inputs);

    *step = t->step;
    if (count == 0 || !nni_makes_version(t, in->stage, in->by_inputs))
        return t->input;
    found = bsearch(&key, in->version, count, sizeof *found,
                    nni_compare_terms);
    if (in->by_inputs)
        *step = 0;
    return in->num_inputs + (int)(found - in->version);
}
