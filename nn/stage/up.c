/* up.c -- the two tables of a convolution behind a transposed one.
 *
 * Read first: terms.h.
 *
 * From stored channel c to output o there are up_channels products at each tap
 * of each, and large networks have thousands of millions of them: so the
 * factors are looked up once and lie one behind the other.
 */
#include "stage/terms.h"

size_t nni_up_room(const nni_stage *s)
{
    size_t most = 0;

    for (int i = 0; i < s->num_sources; i++) {
        const nni_source *x = &s->source[i];
        size_t rows = (size_t)s->channels + (size_t)x->channels;

        if (x->up_weight != NULL && rows * (size_t)x->up_channels > most)
            most = rows * (size_t)x->up_channels;
    }
    return most;
}

void nni_up_outputs(double *row, const nni_stage *s, const nni_source *x,
                    int tap)
{
    for (int o = 0; o < s->channels; o++)
        for (int m = 0; m < x->up_channels; m++) {
            double w = x->direct ? o == x->first + m
                                 : nni_stage_weight(s, o, x->first + m, tap);

            *row++ = w * x->up_mul[m];
        }
}

void nni_up_stored(double *row, const nni_source *x, int ty, int tx)
{
    for (int c = 0; c < x->channels; c++)
        for (int m = 0; m < x->up_channels; m++)
            *row++ = nni_up_weight(x, c, m, ty, tx);
}
