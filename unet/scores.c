/* scores.c -- from logits to classes.  Contracts in scores.h. */
#include "scores.h"

#include <math.h>
#include <stdlib.h>

int uni_class(const nn_plan *p, const double *logit)
{
    int best = 0;

    if (p->out_channels == 1)
        return logit[0] > p->threshold;
    for (int k = 1; k < p->out_channels; k++)
        if (logit[k] > logit[best])
            best = k;
    return best;
}

double uni_class_score(const nn_plan *p, const double *logit)
{
    double top = logit[uni_class(p, logit) % p->out_channels], sum = 0;

    if (p->out_channels == 1)
        return 1 / (1 + exp(p->threshold - logit[0]));
    for (int k = 0; k < p->out_channels; k++)
        sum += exp(logit[k] - top);
    return 1 / sum;
}

/* What orders images from the first class to the second. */
static double quality_lean(const nn_plan *p, const double *logit)
{
    return p->out_channels == 1 ? logit[0] : logit[1] - logit[0];
}

typedef struct quality_row {
    double lean;
    int label;
} quality_row;

static int quality_compare(const void *a, const void *b)
{
    double x = ((const quality_row *)a)->lean;
    double y = ((const quality_row *)b)->lean;

    return (x > y) - (x < y);
}

/* Pairs (one of each class) in the right order, over all pairs: while walking
 * up, every image of class 1 is above those of class 0 seen before. */
static double quality_auc(quality_row *row, size_t n)
{
    double below = 0, above = 0, pairs = 0;

    qsort(row, n, sizeof *row, quality_compare);
    for (size_t i = 0; i < n;) {
        double first = 0, second = 0;
        size_t j = i;

        for (; j < n && row[j].lean <= row[i].lean; j++)
            *(row[j].label == 0 ? &first : &second) += 1;
        pairs += second * below + second * first / 2;
        below += first;
        above += second;
        i = j > i ? j : i + 1;          /* a NAN is above nothing            */
    }
    return below > 0 && above > 0 ? pairs / below / above : NAN;
}

ckks_status uni_quality_init(uni_quality *out, const nn_plan *p,
                              const double *const *logit, const int *label,
                              size_t n)
{
    uni_quality q = { n, 0, NAN, NAN, NAN };
    double all[2] = { 0, 0 }, right[2] = { 0, 0 };
    quality_row *row = NULL;

    if (p->num_classes == 2) {
        row = malloc(n * sizeof *row);
        if (row == NULL)
            return nn_fail(CKKS_EMEM, "no memory for %zu images", n);
    }
    for (size_t i = 0; i < n; i++) {
        bool good = uni_class(p, logit[i]) == label[i];

        q.right += good;
        if (row == NULL)
            continue;
        all[label[i]] += 1;
        right[label[i]] += good;
        row[i] = (quality_row){ quality_lean(p, logit[i]), label[i] };
    }
    q.accuracy = (double)q.right / (double)n;
    if (row != NULL && all[0] > 0 && all[1] > 0) {
        q.balanced = (right[0] / all[0] + right[1] / all[1]) / 2;
        q.auc = quality_auc(row, n);
    }
    free(row);
    *out = q;
    return CKKS_OK;
}
