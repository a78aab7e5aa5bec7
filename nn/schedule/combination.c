/* combination.c -- the steps of a stage whose outputs are integer combinations
 * of ciphertexts.
 *
 * Read first: schedule.h, map.h.
 *
 *   make what is read      inputs dropped, rotated, masked, alternating
 *   for each piece         combine inputs into sums; for each channel and
 *                          phase: rotate the sums and add them, bias,
 *                          activation, its place in every form
 *
 * Sums, and what is made of inputs, are the largest part of what a stage holds;
 * so pieces are small, and where many made inputs are read by few sums, the
 * inputs are made and read some channels at a time, and sums are added.
 */
#include <stdlib.h>
#include <string.h>

#include "schedule/schedule.h"

/* Limbs: of the sums of a piece, unless those of one phase and as many channels
 * as kernels work on together are more; of the sums of a piece that are added
 * to others; of the made inputs of one slice. */
enum { PIECE_LIMBS = 704, ADDED_LIMBS = 176, SLICE_LIMBS = 448, TOGETHER = 8 };

/* A made input: how, and its number among those of its feed. */
typedef struct version {
    nni_term term;
    int number;
    int last;                   /* last phase that reads it                  */
} version;

/* What is known of a feed. */
typedef struct feed_use {
    int first_version, versions;
    int base;                   /* of its made ciphertexts in NNI_OWN: base +
                                   channel versions + number                 */
    int last_plain;             /* last phase that reads it as it is         */
    nni_ref plain;              /* where it then is                          */
    bool drops;                 /* nothing else reads it later               */
    bool own;                   /* `plain` is made here                      */
    bool made_free, plain_free; /* given back already                        */
} feed_use;

typedef struct work {
    nni_maker *m;
    const nni_map *map;
    feed_use *use;              /* shape (feeds)                             */
    version *version;           /* sorted                                    */
    int versions;
    int columns;                /* phases of a row                           */
    int slices;
} work;

static int limbs_of(const work *w)
{
    return 2 * (w->m->stage->level + 1);
}

/* ---- versions ------------------------------------------------------------- */

/* Whether a term reads a ciphertext that is made of its input first. */
static bool is_made(const work *w, const nni_term *t)
{
    return (w->m->by_inputs && t->step != 0)
           || (w->m->stage->masked && nni_cut(t)) || t->alternate != 0;
}

/* Sums that are rotated later read the input as it lies. */
static nni_term made_term(const work *w, const nni_term *t)
{
    nni_term v = *t;

    if (!w->m->by_inputs)
        v.step = 0;
    return v;
}

static int compare_versions(const void *a, const void *b)
{
    return nni_compare_terms(&((const version *)a)->term,
                             &((const version *)b)->term);
}

static const version *find_version(const work *w, const nni_term *t)
{
    const version key = { .term = made_term(w, t) };

    return bsearch(&key, w->version, (size_t)w->versions, sizeof key,
                   compare_versions);
}

/* All versions, sorted; and where feeds are read as they are. */
static bool list_versions(work *w)
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
                w->version[all++] = (version){ made_term(w, t), 0, i };
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
static nni_ref source_ref(const work *w, const nni_feed *f)
{
    const int from = w->m->stage->of->source[f->source].stage;

    return (nni_ref){ from < 0 ? NNI_IMAGE
                               : NNI_FORM + from * NET_MAX_OUTS
                                     + w->m->stage->from[f->source],
                      f->phase, f->stride };
}

static void list_uses(work *w)
{
    const nni_maker *m = w->m;
    int base = w->map->num_inputs;

    for (int f = 0, v = 0; f < w->map->num_feeds; f++) {
        const nni_feed *feed = &w->map->feed[f];
        feed_use *use = &w->use[f];

        use->first_version = v;
        for (; v < w->versions && w->version[v].term.feed == f; v++)
            w->version[v].number = use->versions++;
        use->base = base;
        base += use->versions * feed->channels;
        use->drops = drops(m, feed->source);
        use->own = m->stage->masked
                   || nni_source_form(m->p, m->stage, feed->source)->level
                          != m->stage->level;
        use->plain = use->own
                         ? (nni_ref){ NNI_OWN, feed->first, feed->stride }
                         : source_ref(w, feed);
    }
    m->s->count[-NNI_OWN - 1] = base;
}

/* Where channel c of a feed's version number v is. */
static nni_ref version_ref(const work *w, int feed, int v)
{
    return (nni_ref){ NNI_OWN, w->use[feed].base + v, w->use[feed].versions };
}

/* ---- making what is read --------------------------------------------------- */

static int mask_number(work *w, const nni_term *t)
{
    nni_schedule *s = w->m->s;
    nni_term *grown;

    for (int i = 0; i < s->masks; i++)
        if (nni_same_cut(&s->mask[i], t))
            return i;
    grown = nni_grow(w->m, s->mask, &s->masks, sizeof *grown);
    if (grown == NULL)
        return 0;
    s->mask = grown;
    s->mask[s->masks - 1] = *t;
    return s->masks - 1;
}

static void encode_masks(work *w)
{
    const nni_ref none = { NNI_HERE, 0, 0 };

    for (int v = 0; v < w->versions; v++)
        if (nni_cut(&w->version[v].term))
            (void)mask_number(w, &w->version[v].term);
    for (int i = 0; i < w->m->s->masks; i++) {
        nni_begin_round(w->m);
        nni_begin_body(w->m, 0, 1);
        nni_add_step(w->m, NNI_ENCODE, none, none, w->m->stage->level)->at = i;
    }
}

/* The versions of one channel of feed f, from `in`. */
static void make_versions(work *w, int f, nni_ref in)
{
    const int level = w->m->stage->level;
    const feed_use *use = &w->use[f];
    const version *v = w->version + use->first_version;
    int still = 0;

    while (still < use->versions && v[still].term.step == 0)
        still++;
    if (still < use->versions) {
        nni_add_step(w->m, NNI_HOIST, version_ref(w, f, still), in, level);
        for (int i = still; i < use->versions; i++)
            nni_add_part(w->m, in, v[i].term.step);
    }
    for (int i = 0; i < use->versions; i++) {
        const nni_ref to = version_ref(w, f, i);
        const nni_ref from = i < still ? in : to;

        if (v[i].term.alternate != 0)
            nni_add_step(w->m, NNI_ALTERNATE, to, from, level);
        else if (nni_cut(&v[i].term))
            nni_add_step(w->m, NNI_MASK, to, from, level)->at =
                mask_number(w, &v[i].term);
        else if (w->m->stage->masked)
            nni_add_step(w->m, NNI_SCALE, to, from, level);
    }
}

/* A feed's channels of one slice: what is read of them. */
static void make_feed(work *w, int f, int channel, int channels)
{
    const nni_placed_stage *s = w->m->stage;
    const nni_feed *feed = &w->map->feed[f];
    const feed_use *use = &w->use[f];
    const nni_ref source = source_ref(w, feed);
    const bool lower =
        nni_source_form(w->m->p, s, feed->source)->level != s->level;
    nni_ref in = source;

    if (feed->last < 0 || (use->versions == 0 && !use->own))
        return;
    nni_begin_body(w->m, channel, channels);
    if (lower) {
        in = (nni_ref){ NNI_OWN, feed->first, feed->stride };
        nni_add_step(w->m, NNI_DROP, in, source, s->level);
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
static int slice_begin(const work *w, const nni_feed *f, int slice)
{
    return (int)(((long)f->channels * slice + w->slices - 1) / w->slices);
}

static void make_slice(work *w, int slice)
{
    bool any = false;

    for (int f = 0; f < w->map->num_feeds && !any; f++)
        any = w->map->feed[f].last >= 0
              && (w->use[f].versions > 0 || w->use[f].own);
    if (!any)
        return;
    nni_begin_round(w->m);
    for (int f = 0; f < w->map->num_feeds; f++) {
        const nni_feed *feed = &w->map->feed[f];
        const int from = slice_begin(w, feed, slice);
        const int to = slice_begin(w, feed, slice + 1);

        if (to > from)
            make_feed(w, f, from, to - from);
    }
}

/* Frees channels of a ref. */
static void free_channels(work *w, nni_ref of, int channel, int channels)
{
    nni_begin_body(w->m, channel, channels);
    nni_add_step(w->m, NNI_FREE, of, of, w->m->stage->level)->at = 1;
}

/* Frees what no phase from `phase` on reads; of a slice that is done, or of all
 * channels. */
static void free_feeds(work *w, int phase, int slice)
{
    const bool one = w->slices > 1;

    nni_begin_round(w->m);
    for (int f = 0; f < w->map->num_feeds; f++) {
        const nni_feed *feed = &w->map->feed[f];
        feed_use *use = &w->use[f];
        const int from = one ? slice_begin(w, feed, slice) : 0;
        const int to = one ? slice_begin(w, feed, slice + 1) : feed->channels;
        bool done = feed->last >= 0;

        for (int v = 0; v < use->versions; v++)
            done &= w->version[use->first_version + v].last < phase;
        if (to == from)
            continue;
        if (done && use->versions > 0 && (one || !use->made_free)) {
            nni_ref all = version_ref(w, f, 0);

            nni_begin_body(w->m, from, to - from);
            nni_add_step(w->m, NNI_FREE, all, all, w->m->stage->level)->at =
                use->versions;
            use->made_free = true;
        }
        if (use->last_plain >= 0 && use->last_plain < phase
            && (use->own || use->drops) && (one || !use->plain_free)) {
            free_channels(w, use->plain, from, to - from);
            use->plain_free = true;
        }
    }
    if (w->m->s->rounds > 0 && w->m->s->round[w->m->s->rounds - 1].bodies == 0)
        w->m->s->rounds--;
}

/* ---- pieces ---------------------------------------------------------------- */

/* The step that the sums of a term are rotated by. */
static int due(const work *w, const nni_term *t)
{
    return w->m->by_inputs ? 0 : t->step;
}

static int phase_blocks(const work *w, const nni_phase *p)
{
    int blocks = 0;

    for (int g = 0; g < p->groups; g++) {
        bool seen = false;

        for (int j = 0; j < g && !seen; j++)
            seen = due(w, &p->group[j].term) == due(w, &p->group[g].term);
        blocks += !seen;
    }
    return blocks;
}

/* As many phases of the row as their sums allow; if not even one, of that one
 * some channels. */
static void piece_begin(const work *w, nni_piece *p, int most)
{
    const nni_map *m = w->map;
    int blocks = phase_blocks(w, &m->phase[p->first]), some;

    p->channels = m->channels;
    p->phases = 1;
    if (blocks * m->channels > most) {
        some = most / blocks / TOGETHER * TOGETHER;
        if (some < TOGETHER)
            some = TOGETHER;
        if (some < p->channels)
            p->channels = some;
        return;
    }
    for (int i = p->first + 1; i % w->columns != 0; i++, p->phases++) {
        blocks += phase_blocks(w, &m->phase[i]);
        if (blocks * m->channels > most)
            return;
    }
}

/* The piece that follows, the first one if all is zero; false behind the
 * last.  most: ciphertexts of its sums. */
static bool piece_next(const work *w, nni_piece *p, int most)
{
    const int rest = w->map->channels - p->channel - p->channels;

    if (p->phases > 0 && rest > 0) {
        p->channel += p->channels;
        if (p->channels > rest)
            p->channels = rest;
        return true;
    }
    p->first += p->phases;
    p->channel = 0;
    if (p->first >= w->map->num_phases)
        return false;
    piece_begin(w, p, most);
    return true;
}

/* ---- combinations ----------------------------------------------------------- */

/* The number of what a group reads in the combination, of channels from ..; it
 * is added if need be. */
static int input_number(work *w, nni_combine *c, const nni_term *t, int slice)
{
    nni_schedule *s = w->m->s;
    const nni_feed *feed = &w->map->feed[t->feed];
    const int from = slice_begin(w, feed, slice);
    const nni_ref ref = is_made(w, t)
                            ? version_ref(w, t->feed,
                                          find_version(w, t)->number)
                            : w->use[t->feed].plain;
    nni_input *in;

    for (int i = 0; i < c->inputs; i++) {
        const nni_ref *r = &s->input[c->first_input + i].from;

        if (r->tensor == ref.tensor && r->base == ref.base
            && r->stride == ref.stride)
            return i;
    }
    in = nni_grow(w->m, s->input, &s->inputs, sizeof *in);
    if (in == NULL)
        return 0;
    s->input = in;
    in += s->inputs - 1;
    *in = (nni_input){ ref, from, slice_begin(w, feed, slice + 1) - from,
                       c->cts };
    c->cts += in->channels;
    return c->inputs++;
}

/* to: where the sum of channel 0 would be. */
static void add_block(work *w, nni_combine *c, int phase, int step, int slice,
                      int to)
{
    nni_schedule *s = w->m->s;
    const nni_phase *p = &w->map->phase[phase];
    nni_block *b = nni_grow(w->m, s->block, &s->blocks, sizeof *b);

    if (b == NULL)
        return;
    s->block = b;
    b += s->blocks - 1;
    *b = (nni_block){ .phase = phase, .step = step, .to = to,
                      .first = s->reads };
    for (int g = 0; g < p->groups; g++) {
        const nni_term *t = &p->group[g].term;
        nni_read *r;
        int input;

        if (due(w, t) != step)
            continue;
        input = input_number(w, c, t, slice);
        if (w->m->full || s->input[c->first_input + input].channels == 0)
            continue;
        r = nni_grow(w->m, s->read, &s->reads, sizeof *r);
        if (r == NULL)
            return;
        s->read = r;
        r[s->reads - 1] = (nni_read){ g, input };
        b->reads++;
        b->terms += s->input[c->first_input + input].channels;
    }
    if (b->reads == 0) {        /* nothing of this slice                     */
        s->blocks--;
        return;
    }
    c->blocks++;
    c->terms += b->terms;
}

/* Where the sums of block number b of a piece are: those of a slice lie by
 * phases and channels, others as they come. */
static int sums_at(const work *w, const nni_piece *p, int tensor, int phase,
                   int b)
{
    return w->slices > 1 && tensor == NNI_SUM
               ? phase * w->map->channels
               : b * p->channels - p->channel;
}

/* Adds a combination to the schedule, and the step that does it. */
static void combine(work *w, const nni_piece *piece, int tensor, int slice)
{
    nni_schedule *s = w->m->s;
    const nni_ref to = { tensor, 0, 1 };
    nni_combine c = { .piece = *piece, .tensor = tensor,
                      .first_input = s->inputs, .first_block = s->blocks };
    nni_combine *grown;

    for (int i = piece->first; i < piece->first + piece->phases; i++) {
        const nni_phase *p = &w->map->phase[i];
        const int start = s->blocks;

        for (int g = 0; g < p->groups && !w->m->full; g++) {
            const int step = due(w, &p->group[g].term);
            bool seen = false;

            for (int b = start; b < s->blocks; b++)
                seen |= s->block[b].step == step;
            if (!seen)
                add_block(w, &c, i, step, slice,
                          sums_at(w, piece, tensor, i, c.blocks));
        }
    }
    if (c.blocks == 0)
        return;
    if (c.blocks * piece->channels > s->count[-tensor - 1])
        s->count[-tensor - 1] = c.blocks * piece->channels;
    grown = nni_grow(w->m, s->combine, &s->combines, sizeof *grown);
    if (grown == NULL)
        return;
    s->combine = grown;
    s->combine[s->combines - 1] = c;
    nni_begin_round(w->m);
    nni_begin_body(w->m, 0, 1);
    nni_add_step(w->m, NNI_COMBINE, to, to, w->m->stage->level)->at =
        s->combines - 1;
}

/* ---- from sums to forms ------------------------------------------------------ */

/* What follows the sums of one phase, which are these blocks. */
static void finish_phase(work *w, const nni_block *block, int blocks)
{
    const int level = w->m->stage->level, phase = block->phase;
    nni_ref sum = { NNI_HERE, 0, 0 };

    if (blocks == 1 && block->step == 0) {
        sum = (nni_ref){ NNI_SUM, block->to, 1 };
    } else {
        for (int again = 0; again < 2; again++) {   /* read, then freed      */
            nni_add_step(w->m, again == 0 ? NNI_ROTATE_SUM : NNI_FREE, sum,
                         sum, level);
            for (int b = 0; b < blocks; b++)
                nni_add_part(w->m, (nni_ref){ NNI_SUM, block[b].to, 1 },
                             block[b].step);
        }
    }
    nni_add_step(w->m, NNI_BIAS, sum, sum, level)->at = phase;
    if (w->m->stage->masked)
        nni_add_step(w->m, NNI_RESCALE, sum, sum, level);
    nni_add_forms(w->m, sum, phase, level - w->m->stage->masked);
}

/* The same for a combination whose sums are complete. */
static void finish_piece(work *w, const nni_combine *c)
{
    const nni_block *block = w->m->s->block + c->first_block;

    nni_begin_round(w->m);
    nni_begin_body(w->m, c->piece.channel, c->piece.channels);
    for (int b = 0, count; b < c->blocks; b += count) {
        count = 1;
        while (b + count < c->blocks
               && block[b + count].phase == block[b].phase)
            count++;
        finish_phase(w, block + b, count);
    }
}

static bool has_pixels(const work *w, const nni_piece *p)
{
    bool live = false;

    for (int i = p->first; i < p->first + p->phases; i++)
        live |= w->map->phase[i].live;
    return live;
}

/* Piece by piece. */
static void make_pieces(work *w)
{
    nni_piece piece = { 0 };

    make_slice(w, 0);
    while (piece_next(w, &piece, PIECE_LIMBS / limbs_of(w))) {
        if (piece.channel == 0)
            free_feeds(w, piece.first, 0);
        if (!has_pixels(w, &piece))
            continue;
        combine(w, &piece, NNI_SUM, 0);
        if (w->m->full)
            return;
        finish_piece(w, &w->m->s->combine[w->m->s->combines - 1]);
    }
    free_feeds(w, w->map->num_phases, 0);
}

/* ---- slices ------------------------------------------------------------------ */

/* The sums that a combination made are added to those of the slices before. */
static void add_piece(work *w, const nni_combine *c)
{
    nni_begin_round(w->m);
    nni_begin_body(w->m, c->piece.channel, c->piece.channels);
    for (int b = 0; b < c->blocks; b++) {
        const nni_block *block = w->m->s->block + c->first_block + b;
        const nni_ref more = { NNI_MORE, block->to, 1 };
        const nni_ref sum = { NNI_SUM, block->phase * w->map->channels, 1 };

        nni_add_step(w->m, NNI_ADD, sum, more, w->m->stage->level);
        nni_add_step(w->m, NNI_FREE, more, more, w->m->stage->level)->at =
            1;
    }
}

/* Slice by slice: sums of all phases and channels, one block a phase; those of
 * the first slice are made, those of others added to them piece by piece. */
static void make_slices(work *w)
{
    nni_schedule *s = w->m->s;
    const int first = s->combines;
    int last = first, before;

    s->count[-NNI_SUM - 1] = w->map->num_phases * w->map->channels;
    for (int slice = 0; slice < w->slices; slice++) {
        const int most = slice == 0 ? PIECE_LIMBS : ADDED_LIMBS;
        nni_piece piece = { 0 };

        make_slice(w, slice);
        while (piece_next(w, &piece, most / limbs_of(w))) {
            if (!has_pixels(w, &piece))
                continue;
            before = s->combines;
            combine(w, &piece, slice == 0 ? NNI_SUM : NNI_MORE, slice);
            if (w->m->full)
                return;
            if (slice > 0 && s->combines > before)
                add_piece(w, &s->combine[s->combines - 1]);
        }
        if (slice == 0)
            last = s->combines;
        free_feeds(w, w->map->num_phases, slice);
    }
    for (int c = first; c < last; c++)
        finish_piece(w, &s->combine[c]);
}

/* How many slices the made inputs are worth: 1, or as many as make them small,
 * if what all then hold at once is a tenth less. */
static int choose_slices(const work *w)
{
    const int limbs = limbs_of(w);
    long made = 0, sums = 0, piece, slices, most = 1;

    if (!w->m->by_inputs)
        return 1;
    for (int f = 0; f < w->map->num_feeds; f++) {
        const int channels = w->map->feed[f].channels;

        made += (long)w->use[f].versions * channels * limbs;
        most = channels > most ? channels : most;
    }
    for (int i = 0; i < w->map->num_phases; i++)
        sums += w->map->phase[i].live ? (long)w->map->channels * limbs : 0;
    piece = sums < PIECE_LIMBS ? sums : PIECE_LIMBS;
    slices = (made + SLICE_LIMBS - 1) / SLICE_LIMBS;
    slices = slices < most ? slices : most;
    if (slices < 2
        || 10 * (made / slices + sums + ADDED_LIMBS) > 9 * (made + piece))
        return 1;
    return (int)slices;
}

void nni_make_combination(nni_maker *m)
{
    work w = { .m = m, .map = m->s->map,
               .columns = nni_phases(m->p->layout.ring_x, m->stage->of->gap),
               .slices = 1 };

    m->by_inputs |= m->stage->masked;
    w.use = calloc((size_t)w.map->num_feeds + 1, sizeof *w.use);
    if (w.use == NULL) {
        m->full = true;
        return;
    }
    for (int f = 0; f < w.map->num_feeds; f++)
        w.use[f].last_plain = -1;
    if (!list_versions(&w)) {
        m->full = true;
        free(w.use);
        return;
    }
    list_uses(&w);
    w.slices = choose_slices(&w);
    encode_masks(&w);
    if (w.slices > 1)
        make_slices(&w);
    else
        make_pieces(&w);
    free(w.version);
    free(w.use);
}
