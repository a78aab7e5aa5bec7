/* test_scores.c -- classes, scores, accuracy, AUC: unet/scores.h. */
#include <math.h>

#include "scores.h"
#include "test.h"

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-12 || (isnan(a) && isnan(b));
}

TEST(classes_and_scores)
{
    static const double three[] = { 1, 3, 2 }, tie[] = { 2, 5, 5 };
    static const double far[] = { 2000, -2000, 0 };
    double one = 0.5;
    nn_plan p = {0};

    p.num_classes = p.out_channels = 3;
    CHECK(uni_class(&p, three) == 1 && uni_class(&p, tie) == 1
          && uni_class(&p, far) == 0, "%d", uni_class(&p, three));
    CHECK(near(uni_class_score(&p, three),
               exp(3) / (exp(1) + exp(3) + exp(2))), "%g",
          uni_class_score(&p, three));
    CHECK(uni_class_score(&p, far) == 1, "%g", uni_class_score(&p, far));
    p.num_classes = 2;
    p.out_channels = 1;
    p.threshold = 0.5;
    CHECK(uni_class(&p, &one) == 0 && uni_class_score(&p, &one) == 0.5,
          "%d, %g", uni_class(&p, &one), uni_class_score(&p, &one));
    one = 1.5;
    CHECK(uni_class(&p, &one) == 1
          && near(uni_class_score(&p, &one), 1 / (1 + exp(-1))), "%d, %g",
          uni_class(&p, &one), uni_class_score(&p, &one));
}

/* AUC by its definition: all pairs. */
static double auc_slow(const double *x, const int *label, size_t n)
{
    double pairs = 0, sum = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            if (label[i] == 1 && label[j] == 0) {
                pairs++;
                sum += x[i] > x[j] ? 1 : x[i] >= x[j] ? 0.5 : 0;
            }
    return sum / pairs;
}

TEST(classes_quality)
{
    enum { MOST = 40 };
    uint64_t seed = 3;
    nn_plan p = {0};

    p.num_classes = 2;
    for (int round = 0; round < 200; round++) {
        size_t n = 1 + test_word(&seed) % MOST;
        double x[2 * MOST], lean[MOST], balanced;
        const double *logit[MOST];
        int label[MOST], all[2] = { 0, 0 }, good[2] = { 0, 0 };
        uni_quality q;

        p.out_channels = 1 + round % 2;
        p.threshold = round % 4 < 2 ? 0 : 2.5;
        for (size_t i = 0; i < n; i++) {
            int c;

            x[2 * i] = (double)(test_word(&seed) % 7);
            x[2 * i + 1] = (double)(test_word(&seed) % 7);
            logit[i] = x + 2 * i;
            lean[i] = p.out_channels == 1 ? x[2 * i] : x[2 * i + 1] - x[2 * i];
            label[i] = (int)(test_word(&seed) % 2);
            c = p.out_channels == 1 ? lean[i] > p.threshold : lean[i] > 0;
            all[label[i]]++;
            good[label[i]] += c == label[i];
        }
        balanced = 0.5 * good[0] / all[0] + 0.5 * good[1] / all[1];
        if (!CHECK_OK(uni_quality_init(&q, &p, logit, label, n)))
            return;
        CHECK(q.images == n && q.right == (size_t)(good[0] + good[1])
              && near(q.accuracy, (double)q.right / (double)n), "%zu of %zu",
              q.right, q.images);
        if (all[0] == 0 || all[1] == 0)
            CHECK(isnan(q.auc) && isnan(q.balanced), "%g, %g", q.auc,
                  q.balanced);
        else
            CHECK(near(q.auc, auc_slow(lean, label, n))
                  && near(q.balanced, balanced), "AUC %g, balanced %g; want "
                  "%g, %g", q.auc, q.balanced, auc_slow(lean, label, n),
                  balanced);
    }
}
