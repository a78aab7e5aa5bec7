/* inputs.c -- the steps that make what a combination reads, and give it back.
 *
 * Read first: inputs.h.
 */
#include <stdlib.h>
#include <string.h>

#include "schedule/inputs.h"

int nni_inputs_limbs(const nni_inputs *w)
{
    return 2 * (w->m->stage->level + 1);
}

long nni_inputs_made(int *channels, const nni_inputs *w)
{
    long made = 0;

    *channels = 1;
    for (int f = 0; f < w->map->num_feeds; f++) {
        const int some = w->map->feed[f].channels;

        made += (long)w->use[f].versions * some * nni_inputs_limbs(w);
        *channels = some > *channels ? some : *channels;
    }
    return made;
}

/* ---- versions ------------------------------------------------------------ */

/* Whether a term reads a ciphertext that is made of its input first. */
static bool is_made(const nni_inputs *w, const nni_term *t)
{
    return t->step % w->m->babies != 0
           || (w->m->stage->masked && nni_cut(t)) || t->alternate != 0;
}

/* Sums that are rotated later read the input as it lies. */
static nni_term made_term(const nni_inputs *w, const nni_term *t)
{
    nni_term v = *t;

    v.step %= w->m->babies;
    return v;
}

static int compare_versions(const void *a, const void *b)
{
    return nni_compare_terms(&((const nni_version *)a)->term,
                             &((const nni_version *)b)->term);
}

static const nni_version *find_version(const nni_inputs *w, const nni_term *t)
{
    const nni_version key = { .term = made_term(w, t) };

    return bsearch(&key, w->version, (size_t)w->versions, sizeof key,
                   compare_versions);
}

/* All versions, sorted; and where feeds are read as they are. */
static bool list_versions(nni_inputs *w)
{
    int all = 0, kept = 0;

    for (int i = 0; i < w->map->num_phases; i++)
        all += w->map->phase[i].groups;
    w->version = malloc(((size_t)all + 1) * sizeof *w->version);
    if (w->version == NULL)
        return false;
    all = 0;
    for (int i = 0; i < w->map->num_phases; i++)
        for (int g = 0; g < w->map->phase[i].groups; g++) {
            const nni_term *t = &w->map->phase[i].group[g].term;

            if (is_made(w, t))
                w->version[all++] = (nni_version){ made_term(w, t), 0, i };
            else
                w->use[t->feed].last_plain = i;
        }
    qsort(w->version, (size_t)all, sizeof *w->version, compare_versions);
    for (int i = 0; i < all; i++) {
        if (kept > 0 && compare_versions(&w->version[kept - 1],
                                         &w->version[i]) == 0) {
            if (w->version[i].last > w->version[kept - 1].last)
                w->version[kept - 1].last = w->version[i].last;
            continue;
        }
        w->version[kept++] = w->version[i];
    }
    w->versions = kept;
    return true;
}

/* Whether no other stage reads a source later, this one only there. */
static bool drops(const nni_maker *m, int i)
{
    const nni_stage *s = m->stage->of;

    for (int j = 0; j < s->num_sources; j++)
        if (j != i && s->source[j].stage == s->source[i].stage
            && m->stage->from[j] == m->stage->from[i])
            return false;
    return nni_source_form(m->p, m->stage, i)->last_reader == m->k;
}

/* Where a feed's ciphertexts are to begin with. */
static nni_ref source_ref(const nni_inputs *w, const nni_feed *f)
{
    const int from = w->m->stage->of->source[f->source].stage;

    return (nni_ref){ from < 0 ? NNI_IMAGE
                               : NNI_FORM + from * NET_MAX_OUTS
                                     + w->m->stage->from[f->source],
                      f->phase, f->stride };
}

static void list_uses(nni_inputs *w)
{
    const nni_maker *m = w->m;
    int base = w->map->num_inputs;

    for (int f = 0, v = 0; f < w->map->num_feeds; f++) {
        const nni_feed *feed = &w->map->feed[f];
        nni_feed_use *use = &w->use[f];

        use->first_version = v;
        for (; v < w->versions && w->version[v].term.feed == f; v++) {
            w->version[v].number = use->versions++;
            if (w->version[v].last > use->last_made)
                use->last_made = w->version[v].last;
        }
        use->base = base;
        base += use->versions * feed->channels;
        use->filed = m->stage->of->source[feed->source].stage >= 0
                     && feed->phase >= nni_source_form(m->p, m->stage,
                                                       feed->source)->filed;
        use->drops = !use->filed && drops(m, feed->source);
        use->own = m->stage->masked || use->filed
                   || nni_source_form(m->p, m->stage, feed->source)->level
                          != m->stage->level;
        use->plain = use->own
                         ? (nni_ref){ NNI_OWN, feed->first, feed->stride }
                         : source_ref(w, feed);
    }
    m->s->count[-NNI_OWN - 1] = base;
}

nni_ref nni_version_ref(const nni_inputs *w, int feed, int v)
{
    return (nni_ref){ NNI_OWN, w->use[feed].base + v, w->use[feed].versions };
}

/* ---- making what is read ------------------------------------------------- */

static bool same_mask(const nni_inputs *w, const nni_masking *a,
                      const nni_masking *b)
{
    if (a->sums != b->sums)
        return false;
    return a->sums ? nni_same_map(&w->m->p->layout, w->m->stage->of, a->at,
                                  b->at)
                   : a->term.place_y == b->term.place_y
                     && a->term.place_x == b->term.place_x;
}

static int mask_number(nni_inputs *w, nni_masking mask)
{
    nni_schedule *s = w->m->s;
    nni_masking *grown;

    for (int i = 0; i < s->masks; i++)
        if (same_mask(w, &s->mask[i], &mask))
            return i;
    grown = nni_grow(w->m, s->mask, &s->masks, sizeof *grown);
    if (grown == NULL)
        return 0;
    s->mask = grown;
    s->mask[s->masks - 1] = mask;
    return s->masks - 1;
}

static int term_mask(nni_inputs *w, const nni_term *t)
{
    return mask_number(w, (nni_masking){ .term = *t });
}

int nni_clearing_mask(nni_inputs *w, int phase)
{
    const nni_size map = nni_stage_size(w->m->stage->of);
    nni_masking mask = { .sums = true };

    (void)nni_phase_at(&mask.at[0], &mask.at[1], &w->m->p->layout, &map,
                       phase);
    return mask_number(w, mask);
}

void nni_encode_masks(nni_inputs *w)
{
    const nni_ref none = { NNI_HERE, 0, 0 };

    for (int v = 0; v < w->versions; v++)
        if (nni_cut(&w->version[v].term))
            (void)term_mask(w, &w->version[v].term);
    for (int i = 0; w->m->stage->cleared && i < w->map->num_phases; i++)
        if (w->map->phase[i].live)
            (void)nni_clearing_mask(w, i);
    for (int i = 0; i < w->m->s->masks; i++) {
        nni_begin_round(w->m);
        nni_begin_body(w->m, 0, 1);
        nni_add_step(w->m, NNI_ENCODE, none, none,
                     w->m->stage->level
                         - (w->m->s->mask[i].sums && w->m->stage->masked))
            ->at = i;
    }
}

/* The versions of one channel of feed f, from `in`. */
static void make_versions(nni_inputs *w, int f, nni_ref in)
{
    const int level = w->m->stage->level;
    const nni_feed_use *use = &w->use[f];
    const nni_version *v = w->version + use->first_version;
    int still = 0;

    while (still < use->versions && v[still].term.step == 0)
        still++;
    if (still < use->versions) {
        nni_add_step(w->m, NNI_HOIST, nni_version_ref(w, f, still), in, level);
        for (int i = still; i < use->versions; i++)
            nni_add_part(w->m, in, v[i].term.step);
    }
    for (int i = 0; i < use->versions; i++) {
        const nni_ref to = nni_version_ref(w, f, i);
        const nni_ref from = i < still ? in : to;

        if (v[i].term.alternate != 0)
            nni_add_step(w->m, NNI_ALTERNATE, to, from, level);
        else if (nni_cut(&v[i].term))
            nni_add_step(w->m, NNI_MASK, to, from, level)->at =
                term_mask(w, &v[i].term);
        else if (w->m->stage->masked)
            nni_add_step(w->m, NNI_SCALE, to, from, level);
    }
}

/* A feed's channels of one slice: what is read of them. */
void nni_make_feed(nni_inputs *w, int f, int channel, int channels)
{
    const nni_placed_stage *s = w->m->stage;
    const nni_feed *feed = &w->map->feed[f];
    const nni_feed_use *use = &w->use[f];
    const nni_ref source = source_ref(w, feed);
    const bool lower = use->filed
        || nni_source_form(w->m->p, s, feed->source)->level != s->level;
    nni_ref in = source;

    if (feed->last < 0 || (use->versions == 0 && !use->own))
        return;
    nni_begin_body(w->m, channel, channels);
    if (lower) {
        in = (nni_ref){ NNI_OWN, feed->first, feed->stride };
        nni_add_step(w->m, use->filed ? NNI_LOAD : NNI_DROP, in, source,
                     s->level);
        if (use->drops)
            nni_add_step(w->m, NNI_FREE, source, source, s->level)->at = 1;
    }
    make_versions(w, f, in);
    if (s->masked && use->last_plain >= 0)
        nni_add_step(w->m, NNI_SCALE, use->plain, in, s->level);
    if (use->last_plain < 0 && (lower || use->drops))
        nni_add_step(w->m, NNI_FREE, in, in, s->level)->at = 1;
    else if (s->masked && !lower && use->drops)
        nni_add_step(w->m, NNI_FREE, in, in, s->level)->at = 1;
}

/* The channels of a slice; the first one has some of every feed. */
int nni_slice_begin(const nni_inputs *w, const nni_feed *f, int slice)
{
    return (int)(((long)f->channels * slice + w->slices - 1) / w->slices);
}

/* Whether slices make a feed, not windows. */
static bool in_slices(const nni_inputs *w, int f)
{
    return w->slices > 1 || !w->use[f].filed;
}

void nni_make_slice(nni_inputs *w, int slice)
{
    bool any = false;

    for (int f = 0; f < w->map->num_feeds && !any; f++)
        any = w->map->feed[f].last >= 0 && in_slices(w, f)
              && (w->use[f].versions > 0 || w->use[f].own);
    if (!any)
        return;
    nni_begin_round(w->m);
    for (int f = 0; f < w->map->num_feeds; f++) {
        const nni_feed *feed = &w->map->feed[f];
        const int from = nni_slice_begin(w, feed, slice);
        const int to = nni_slice_begin(w, feed, slice + 1);

        if (to > from && in_slices(w, f))
            nni_make_feed(w, f, from, to - from);
    }
}

/* ---- all of it ----------------------------------------------------------- */

nni_ref nni_read_ref(int **number, nni_inputs *w, const nni_term *t)
{
    const nni_version *v;

    *number = &w->number[t->feed];
    if (!is_made(w, t))
        return w->use[t->feed].plain;
    v = find_version(w, t);
    *number = &w->number[w->map->num_feeds + (int)(v - w->version)];
    return nni_version_ref(w, t->feed, v->number);
}

void nni_inputs_init(nni_inputs *w, nni_maker *m)
{
    *w = (nni_inputs){ .m = m, .map = m->s->map, .slices = 1 };
    w->use = calloc((size_t)w->map->num_feeds + 1, sizeof *w->use);
    for (int f = 0; w->use != NULL && f < w->map->num_feeds; f++)
        w->use[f].last_plain = -1;
    if (w->use == NULL || !list_versions(w)) {
        m->full = true;
        return;
    }
    list_uses(w);
    w->number = malloc((size_t)(w->map->num_feeds + w->versions + 1)
                       * sizeof *w->number);
    w->blocks = calloc((size_t)w->map->num_phases + 1, sizeof *w->blocks);
    m->full |= w->number == NULL || w->blocks == NULL;
}

void nni_inputs_clear(nni_inputs *w)
{
    free(w->ending);
    free(w->number);
    free(w->blocks);
    free(w->version);
    free(w->use);
}
