/* predict.c -- time, memory and bytes of a plan that is already made.
 *
 * Read first: price.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stage/net.h"

static void totals(nn_plan *p)
{
    double limb = ldexp(1, p->params.log_n) / 8, bits = 0, special = 0;
    double out = 0;

    p->log_qp = 0;
    for (int i = 0; i < p->params.num_primes; i++)
        p->log_qp += log2((double)p->params.primes[i]);
    for (int i = 0; i <= p->in_level; i++)
        bits += ceil(log2((double)p->params.primes[i]));
    for (int i = 0; i < p->params.num_special; i++)
        special += log2((double)p->params.special[i]);
    p->log_qp += special;
    p->security_bits = ckks_security_estimate(p->params.log_n, p->log_qp);
    p->upload_bytes = nn_plan_inputs(p) * bits * limb;
    for (int i = 0; i <= p->out_level; i++)
        out += ceil(log2((double)p->params.primes[i]));
    p->download_bytes = nn_plan_outputs(p) * 2 * out * limb;
    p->key_bytes = 0;
    for (size_t i = 0; i < p->num_keys; i++) {
        double row = special;

        for (int j = 0; j <= p->key[i].level; j++)
            row += log2((double)p->params.primes[j]);
        p->key_bytes += nni_digits(&p->params, p->key[i].level) * row * limb;
    }
}

/* What client and server agreed on stays as it was, to the last bit. */
static void keep_agreed(nn_plan *to, const nn_plan *from)
{
    to->error_sd = from->error_sd;
    to->num_keys = from->num_keys;
    memcpy(to->key, from->key, sizeof to->key);
    for (int i = 0; i < to->num_steps; i++) {
        nn_step *s = &to->step[i];
        const nn_step *old = &from->step[i];

        memcpy(s->name, old->name, sizeof s->name);
        s->log_scale = old->log_scale;
        s->height = old->height;
        s->width = old->width;
    }
}

ckks_status nni_predict(nn_plan *p, net *n, const nn_machine *machine,
                        int threads)
{
    nn_machine here;
    ckks_status st = CKKS_OK;

    if (machine == NULL) {
        st = nn_machine_default(&here, NULL);
        machine = &here;
    }
    if (st == CKKS_OK)
        st = nni_levels(n, nni_plan_bits(p), p->params.primes);
    if (st == CKKS_OK)
        st = nni_price(p, n, false, machine, threads);
    if (st == CKKS_OK)
        totals(p);
    return st;
}

ckks_status nn_plan_price(nn_plan *p, const nn_model *m,
                          const nn_machine *machine, int threads)
{
    nn_plan *made;
    net n;
    ckks_status st = CKKS_OK;

    if (p == NULL || m == NULL)
        return nn_fail(CKKS_EARG, "nn_plan_price: null pointer");
    if (threads < 0 || threads > NN_MAX_THREADS)
        return nn_fail(CKKS_EARG, "nn_plan_price: %d threads, not 1..%d",
                       threads, NN_MAX_THREADS);
    if (machine != NULL)
        st = nni_machine_check(machine, "nn_plan_price");
    if (st == CKKS_OK)
        st = nni_of_plan(&n, m, p, "nn_plan_price");
    if (st != CKKS_OK)
        return st;
    made = malloc(sizeof *made);
    if (made == NULL) {
        st = nn_fail(CKKS_EMEM, "nn_plan_price: no memory");
    } else {
        *made = *p;
        st = nni_predict(made, &n, machine, threads);
    }
    if (st == CKKS_OK) {
        keep_agreed(made, p);
        *p = *made;
    }
    free(made);
    nni_clear(&n);
    return st;
}
