/* fold_steps.c -- steps and views as they are made.
 *
 * Read first: fold.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "blind/fold.h"

int blind_fraction(double range, int bits)
{
    int f;

    if (!(range > 0))
        return 0;
    /* The largest f with range 2^f < 2^(bits - 3): range = r 2^e with
     * 1/2 <= r < 1 is below 2^e. */
    (void)frexp(range, &f);
    f = bits - 3 - f;
    return f > 60 ? 60 : f < -60 ? -60 : f;
}

blind_step *blind_fold_step(blind_fold *b, blind_op op, int layer)
{
    blind_network *n = b->n;
    blind_step *s;

    if (n->num_steps >= BLIND_MAX_STEPS) {
        (void)nn_fail(CKKS_EPARAM, "%s: layer %s: more than %d steps",
                      b->m->name, b->m->layer[layer].name, BLIND_MAX_STEPS);
        return NULL;
    }
    s = &n->step[n->num_steps++];
    s->op = op;
    memcpy(s->name, b->m->layer[layer].name, sizeof s->name);
    return s;
}

ckks_status blind_fold_done(blind_fold *b)
{
    return blind_step_derive(b->n, b->n->num_steps - 1) == CKKS_OK
               ? CKKS_OK : CKKS_EPARAM;
}

/* A view of the last step, all of whose integers are value 2^fraction. */
ckks_status blind_fold_view(blind_fold *b, int layer)
{
    const int channels = b->m->layer[layer].channels;
    blind_view *v = &b->view[layer];
    const blind_step *s = &b->n->step[b->n->num_steps - 1];

    v->step = b->n->num_steps - 1;
    v->factor = malloc((size_t)channels * sizeof *v->factor);
    v->summand = calloc((size_t)channels, sizeof *v->summand);
    if (v->factor == NULL || v->summand == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %d channels", channels);
    for (int c = 0; c < channels; c++)
        v->factor[c] = ldexp(1, -s->fraction);
    return CKKS_OK;
}

ckks_status blind_fold_refuse(const blind_fold *b, int layer, const char *why)
{
    const nn_layer *l = &b->m->layer[layer];
    char own[400];                  /* why may be the last message           */

    snprintf(own, sizeof own, "%s", why);
    return nn_fail(CKKS_EPARAM, "%s: layer %s: %s%s%s", b->m->name, l->name,
                   own, l->num_in > 0 ? ", behind " : "",
                   l->num_in > 0 ? b->m->layer[l->in[0]].name : "");
}
