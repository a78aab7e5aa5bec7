/* forms.c -- the forms of outputs: their size, and which parts of them lie in a
 * scratch file rather than in memory.
 *
 * Read first: place.h, docs/12-volley.md, "More than memory holds".
 */
#include "stage/place.h"

int nni_out_phases(const nni_stage *s, const nni_out *o, const nn_layout *l)
{
    return nn_layout_phases(l, s->gap << o->pool);
}

double nni_form_bytes(const nni_placed *p, const nni_out *o)
{
    return 2.0 * (o->level + 1) * p->limb;
}

double nni_filed_bytes(const nni_placed *p, int k, int j)
{
    const nni_placed_stage *s = &p->stage[k];
    const nni_out *o = &s->out[j];
    const int phases = nni_out_phases(s->of, o, &p->layout);

    return nni_form_bytes(p, o) * s->planes * (phases - o->filed);
}

static bool reads(const nni_placed_stage *s, int k, int j)
{
    for (int x = 0; x < s->of->num_sources; x++)
        if (s->of->source[x].stage == k && s->from[x] == j)
            return true;
    return false;
}

/* Whether a matrix reads form j of stage k: it takes all of it at once. */
static bool read_by_matrix(const nni_placed *p, int k, int j)
{
    for (int i = k + 1; i < p->num_stages; i++)
        if (p->stage[i].neurons > 0 && reads(&p->stage[i], k, j))
            return true;
    return false;
}

/* Whether the stage behind does not read it: it waits for the way up. */
static bool is_skip(const nni_placed *p, int k, int j)
{
    return k + 1 < p->num_stages && !reads(&p->stage[k + 1], k, j);
}

/* The first phase of a form that is filed. */
static int first_filed(const nni_placed *p, int k, int j, int mib)
{
    const nni_placed_stage *s = &p->stage[k];
    const int phases = nni_out_phases(s->of, &s->out[j], &p->layout);
    const double fit = is_skip(p, k, j) ? 0
                       : mib * 0x1p20
                             / (nni_form_bytes(p, &s->out[j]) * s->planes);

    return mib == 0 || s->neurons > 0 || fit >= phases
                   || read_by_matrix(p, k, j) ? phases : (int)fit;
}

bool nni_set_filed(nni_placed *p, int mib)
{
    bool changed = false;

    for (int k = 0; k < p->num_stages; k++)
        for (int j = 0; j < p->stage[k].num_outs; j++) {
            const int first = first_filed(p, k, j, mib);

            changed |= first != p->stage[k].out[j].filed;
            p->stage[k].out[j].filed = first;
        }
    return changed;
}
