/* input.c -- an image as the client's integers. */
#include <math.h>
#include <stdlib.h>

#include "base/base.h"
#include "blind/network.h"

/* Index i of n reflected without repeating the edge. */
static size_t network_reflect(int i, int n)
{
    const int period = n > 1 ? 2 * (n - 1) : 1;

    i = (i % period + period) % period;
    return (size_t)(i < n ? i : period - i);
}

size_t blind_network_input(int64_t *out, const blind_network *n,
                           const double *pixel)
{
    const double unit = ldexp(1, n->step[0].fraction);
    const double most = floor(n->step[0].range * unit);
    size_t clipped = 0;
    int core[3];

    blind_network_core(core, n);
    for (int c = 0; c < n->channels; c++)
        for (int z = 0; z < n->size[0]; z++)
            for (int y = 0; y < n->size[1]; y++)
                for (int x = 0; x < n->size[2]; x++) {
                    const int at[3] = { z - n->halo[0], y - n->halo[1],
                                        x - n->halo[2] };
                    size_t from = (size_t)c;
                    bool own = true;
                    double v;

                    for (int a = 0; a < 3; a++) {
                        from = from * (size_t)core[a]
                               + network_reflect(at[a], core[a]);
                        own &= at[a] >= 0 && at[a] < core[a];
                    }
                    v = rint((pixel[from] * n->mul + n->add) * unit);
                    clipped += own && !(fabs(v) <= most);
                    *out++ = (int64_t)(v >= -most ? v < most ? v : most
                                                  : -most);
                }
    return clipped;
}

void blind_network_input_clear(int64_t **input, const blind_network *n)
{
    if (*input != NULL)
        cki_wipe(*input, blind_step_count(&n->step[0]) * sizeof **input);
    free(*input);
    *input = NULL;
}
