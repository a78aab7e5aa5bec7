/* slab.c -- output channels that read the same inputs: of a layer in groups, a
 * combination is done group by group.
 *
 * Read first: schedule.h.
 */
#include <math.h>

#include "schedule/schedule.h"

static const nni_stage *stage_of(const nni_schedule *s)
{
    return s->placed->stage[s->stage].of;
}

int nni_slab_channels(const nni_schedule *s, const nni_combine *c, int channel)
{
    const nni_stage *stage = stage_of(s);
    const int each = stage->channels / stage->groups;
    const int end = (channel / each + 1) * each;
    const int last = c->piece.channel + c->piece.channels;

    return (end < last ? end : last) - channel;
}

int nni_slab_read(int *first, const nni_schedule *s, const nni_combine *c,
                  const nni_block *b, const nni_read *r, int channel, int count)
{
    const nni_input *in = &s->input[c->first_input + r->input];
    const nni_group *group = &s->map->phase[b->phase].group[r->group];
    const int source = s->map->feed[group->term.feed].source;
    int begin, channels, end = in->channel + in->channels;

    nni_read_channels(&begin, &channels, stage_of(s), source, channel, count);
    if (begin + channels < end)
        end = begin + channels;
    *first = begin > in->channel ? begin : in->channel;
    return end > *first ? end - *first : 0;
}

int nni_slab_terms(const nni_schedule *s, const nni_combine *c,
                   const nni_block *b, int channel, int count)
{
    int terms = 0, first;

    if (stage_of(s)->groups == 1)       /* every output sees all of it       */
        return b->terms;
    for (int r = b->first; r < b->first + b->reads; r++)
        terms += nni_slab_read(&first, s, c, b, &s->read[r], channel, count);
    return terms;
}

double nni_slab_products(const nni_schedule *s, const nni_combine *c,
                         int together)
{
    const int first = c->piece.channel, channels = c->piece.channels;
    double sum = 0;

    if (stage_of(s)->groups == 1)
        return ceil((double)channels / together) * together * c->terms;
    for (int k = 0; k < c->blocks; k++)
        for (int o = first, n; o < first + channels; o += n) {
            const nni_block *b = &s->block[c->first_block + k];

            n = nni_slab_channels(s, c, o);
            sum += ceil((double)n / together) * together
                   * nni_slab_terms(s, c, b, o, n);
        }
    return sum;
}
