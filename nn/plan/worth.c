/* worth.c -- what a plan is worth beside others: seconds, times what its error
 * costs; and whether that error leaves a result at all.
 *
 * Read first: search.h, worth.h.
 */
#include <math.h>

#include "plan/search.h"
#include "plan/worth.h"

/* The number among those that decide on a pixel or image that has the least
 * size: a logit, or what parts a label from the others.  *label: whose it is;
 * of a logit -1. */
static double least_size(int *label, const nn_model *m)
{
    double least = m->layer[m->output].range.rms;

    *label = -1;
    for (int k = 0; k < m->num_labels; k++)
        if (k == 0 || m->label_margin[k] < least) {
            least = m->label_margin[k];
            *label = k;
        }
    return least;
}

ckks_status nni_check_error(const nn_plan *p, const nn_model *m)
{
    int label;
    const double rms = least_size(&label, m);

    if (!(p->error_sd > NNI_ERROR_USELESS * rms))
        return CKKS_OK;
    if (label >= 0)
        return nn_fail(CKKS_EPARAM, "nn_plan_make: label %d (%s) is parted "
                       "from the others by logits of the size %.3g (rms), and "
                       "differences of logits would have an error of %.3g "
                       "(sd), more than %g of it: the result would say "
                       "nothing; smaller gains (docs/model.md) or fewer levels "
                       "would help", label, m->label_name[label], rms,
                       p->error_sd, NNI_ERROR_USELESS);
    return nn_fail(CKKS_EPARAM, "nn_plan_make: logits of the size %.3g (rms) "
                   "would have an error of %.3g (sd), more than %g of it: the "
                   "result would say nothing; smaller gains (docs/model.md) or "
                   "fewer levels would help", rms, p->error_sd,
                   NNI_ERROR_USELESS);
}

/* So many sets are compared. */
static double sets_of(const nn_plan *p, const nn_aim *aim)
{
    const int batch = p->layout.batch;

    return aim->images == 0 ? 1
           : aim->images == NN_MANY ? 1.0 / batch
                                    : (aim->images + batch - 1) / batch;
}

double nni_worth(const nn_plan *p, const nn_aim *aim)
{
    const double again = (p->seconds - p->fresh_seconds) * sets_of(p, aim);

    return aim->images == NN_MANY ? again : p->fresh_seconds + again;
}

double nni_seconds_left(const nn_plan *p, double worth, const nn_aim *aim,
                        const nn_model *m)
{
    return worth / (sets_of(p, aim) * nni_excess(p, m) * nni_coarse(p, m));
}

double nni_coarse(const nn_plan *p, const nn_model *m)
{
    int label;

    return p->layout.lanes > 0 && m->num_classes == 0
                   && p->error_sd > NNI_ERROR_LANES * least_size(&label, m)
               ? NNI_WORTH_LANES : 1;
}

double nni_excess(const nn_plan *p, const nn_model *m)
{
    const nn_layer *out = &m->layer[m->output];
    const double share = m->num_classes == 0 ? NNI_ERROR_MASK
                         : out->channels > 1 ? NNI_ERROR_CLASSES
                                             : NNI_ERROR_LOGIT;
    int label;
    const double may = share * least_size(&label, m);

    const double noise = may > 0 ? p->error_sd / may : 0;

    return fmax(1, noise) + fmax(1, p->weights_loss / NN_WEIGHTS_LOST) - 1;
}
