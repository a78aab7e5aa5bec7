/* shape.c -- how a stage's map falls into rows and blocks, without running it.
 *
 * Read first: price.h, run_row.c.
 */
#include <stdlib.h>
#include <string.h>

#include "plan/price.h"

int nni_columns(const nni_stage *s, const nn_layout *l)
{
    return nni_phases(l->ring_x, s->gap);
}

bool nni_makes_version(const nni_term *t, const nni_stage *s, bool by_inputs)
{
    return (by_inputs && t->step != 0) || (s->masked && nni_cut(t))
           || t->alternate != 0;
}

nni_term nni_version(const nni_term *t, bool by_inputs)
{
    nni_term v = *t;

    if (!by_inputs)
        v.step = 0;
    return v;
}

/* Sorts the terms and drops what stands twice; gives how many are left. */
static size_t distinct(nni_term *term, size_t count)
{
    size_t kept = 0;

    qsort(term, count, sizeof *term, nni_compare_terms);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || nni_compare_terms(&term[kept - 1], &term[i]) != 0)
            term[kept++] = term[i];
    return kept;
}

static void count_versions(nni_shape *s, const nni_map *m,
                           const nni_stage *stage, nni_term *term)
{
    size_t count = 0;

    for (int i = 0; i < m->num_phases; i++)
        for (int k = 0; k < m->phase[i].terms; k++)
            if (nni_makes_version(&m->phase[i].term[k], stage, s->by_inputs))
                term[count++] = nni_version(&m->phase[i].term[k],
                                            s->by_inputs);
    count = distinct(term, count);
    s->versions = (int)count;
    for (size_t i = 0; i < count; i++) {
        s->copies += term[i].step == 0;
        s->turned += i == 0 || term[i].input != term[i - 1].input;
    }
}

/* ---- pieces ------------------------------------------------------------- */

/* One for each step the sums of a phase are rotated by. */
static int phase_blocks(const nni_phase *p, bool by_inputs)
{
    int blocks = 0;

    for (int k = 0; k < p->terms; k++) {
        bool seen = false;

        for (int j = 0; j < k && !seen; j++)
            seen = by_inputs || p->term[j].step == p->term[k].step;
        blocks += !seen;
    }
    return blocks;
}

/* As many phases of the row as their sums allow; if not even one, of that one
 * some channels. */
static void piece_begin(nni_piece *p, const nni_map *m, int most,
                        int columns, bool by_inputs)
{
    int blocks = phase_blocks(&m->phase[p->first], by_inputs), some;

    p->channels = m->channels;
    p->phases = 1;
    if (blocks * m->channels > most) {
        some = most / blocks / NET_TOGETHER * NET_TOGETHER;
        if (some < NET_TOGETHER)
            some = NET_TOGETHER;
        if (some < p->channels)
            p->channels = some;
        return;
    }
    for (int i = p->first + 1; i % columns != 0; i++, p->phases++) {
        blocks += phase_blocks(&m->phase[i], by_inputs);
        if (blocks * m->channels > most)
            return;
    }
}

bool nni_piece_next(nni_piece *p, const nni_map *m, int level, int columns,
                    bool by_inputs)
{
    const int rest = m->channels - p->channel - p->channels;

    if (p->phases > 0 && rest > 0) {
        p->channel += p->channels;
        if (p->channels > rest)
            p->channels = rest;
        return true;
    }
    p->first += p->phases;
    p->channel = 0;
    if (p->first >= m->num_phases)
        return false;
    piece_begin(p, m, NET_LIMBS / (2 * (level + 1)), columns, by_inputs);
    return true;
}

/* Blocks of one phase. */
static void count_blocks(nni_row_shape *row, const nni_phase *p,
                         bool by_inputs)
{
    int blocks = 0, rotated = 0;

    for (int k = 0; k < p->terms; k++) {
        bool seen = false;

        for (int j = 0; j < k && !seen; j++)
            seen = by_inputs || p->term[j].step == p->term[k].step;
        blocks += !seen;
        rotated += !seen && !by_inputs && p->term[k].step != 0;
    }
    row->blocks += blocks;
    row->rotations += rotated;
    row->moved += blocks == 1 && rotated == 0;
    row->sums += blocks > 1 || rotated > 0;
    row->terms += p->terms;
}

/* What has been seen, by row: inputs as they are, then made ones in the order
 * of `version`, which is sorted. */
typedef struct marks {
    const nni_term *version;
    size_t versions;
    int num_inputs;
    int *row;                   /* number of the last row that read it, + 1  */
} marks;

static size_t place_of(const marks *seen, const nni_term *t, bool made,
                       bool by_inputs)
{
    const nni_term key = nni_version(t, by_inputs), *found;

    if (!made)
        return (size_t)t->input;
    found = bsearch(&key, seen->version, seen->versions, sizeof *found,
                    nni_compare_terms);
    return (size_t)seen->num_inputs + (size_t)(found - seen->version);
}

static void count_row(nni_shape *s, int number, const nni_map *m,
                      const nni_stage *stage, const marks *seen)
{
    nni_row_shape *row = &s->row[number];
    const nni_piece *piece = &row->piece;

    for (int i = piece->first; i < piece->first + piece->phases; i++) {
        const nni_phase *p = &m->phase[i];

        count_blocks(row, p, s->by_inputs);
        for (int k = 0; k < p->terms; k++) {
            bool made = nni_makes_version(&p->term[k], stage, s->by_inputs);
            int *last = &seen->row[place_of(seen, &p->term[k], made,
                                            s->by_inputs)];

            row->inputs += *last != number + 1;
            *last = number + 1;
        }
    }
}

ckks_status nni_shape_init(nni_shape *out, const nni_map *m,
                           const nni_stage *s, const nn_layout *l,
                           bool by_inputs)
{
    const int columns = nni_columns(s, l);
    size_t all = 0;
    nni_term *term;
    marks seen = { .num_inputs = m->num_inputs };
    nni_piece piece = { 0 };

    *out = (nni_shape){ .by_inputs = by_inputs };
    while (nni_piece_next(&piece, m, s->level, columns, by_inputs))
        out->num_rows++;
    for (int i = 0; i < m->num_phases; i++)
        all += (size_t)m->phase[i].terms;
    term = malloc((all + 1) * sizeof *term);
    out->row = calloc((size_t)out->num_rows + 1, sizeof *out->row);
    if (term != NULL)
        count_versions(out, m, s, term);
    seen.version = term;
    seen.versions = (size_t)out->versions;
    seen.row = calloc((size_t)m->num_inputs + seen.versions + 1,
                      sizeof *seen.row);
    if (term == NULL || out->row == NULL || seen.row == NULL) {
        nni_shape_clear(out);
        free(seen.row);
        free(term);
        return nn_fail(CKKS_EMEM, "nn_plan_make: no memory for %zu terms",
                       all);
    }
    piece = (nni_piece){ 0 };
    for (int i = 0; i < out->num_rows; i++) {
        (void)nni_piece_next(&piece, m, s->level, columns, by_inputs);
        out->row[i].piece = piece;
        count_row(out, i, m, s, &seen);
    }
    free(seen.row);
    free(term);
    return CKKS_OK;
}

void nni_shape_clear(nni_shape *s)
{
    free(s->row);
    memset(s, 0, sizeof *s);
}
