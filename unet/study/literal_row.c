/* literal_row.c -- the row of the literal Volley Revolver. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "revolver/literal.h"
#include "study.h"

enum { MOST = 64 };             /* images; the matrix has fewer rows         */

/* Classes of its logits beside the float network's. */
static int judge(study_row *row, const study *s, const uni_literal *l,
                 double *const *pixel)
{
    double logit[NN_MAX_CLASSES];
    const nn_plan p = { .num_classes = s->model->num_classes,
                        .out_channels = l->classes,
                        .threshold = s->model->threshold };
    int right = 0;

    for (size_t i = 0; i < l->images; i++) {
        const int here = uni_class(&p, l->logit + i * (size_t)l->classes);

        if (nn_model_float(logit, s->model, pixel[i], 1, s->model->height,
                           s->model->width) != CKKS_OK)
            return volley_fail("%s", nn_last_error());
        row->equal += here == uni_class(&p, logit);
        right += here == s->label[i];
    }
    row->accuracy = (double)right / (double)l->images;
    return VOLLEY_DONE;
}

static void describe(study_row *row, const uni_literal *l)
{
    const double images = (double)l->rows;

    *row = (study_row){ .name = "literal Volley Revolver", .log_n = l->log_n,
                        .bits = l->log_scale, .threads = 1,
                        .log_qp = l->log_qp, .security = l->security_bits,
                        .rotations = l->rotations, .relins = l->products,
                        .seconds = l->evaluate, .batch = (int)l->rows,
                        .encrypt = l->encrypt / images,
                        .decrypt = l->decrypt / images,
                        .images = l->images, .memory_mib = NAN };
    snprintf(row->layout, sizeof row->layout, "%zux%zu matrix", l->rows,
             l->columns);
    snprintf(row->dense, sizeof row->dense, "%d %d", l->hidden, l->classes);
    row->upload_kib = (double)l->upload_bytes / 1024 / images;
}

static int copy_pixels(double **pixel, const study *s, size_t images)
{
    const size_t size = (size_t)s->model->channels * (size_t)s->model->height
                        * (size_t)s->model->width;

    for (size_t i = 0; i < images; i++) {
        const double *from = NULL;

        pixel[i] = malloc(size * sizeof **pixel);
        if (pixel[i] == NULL)
            return volley_fail("no memory for %zu images", images);
        if (s->images->pixels.get(&from, s->images->pixels.user, i)
            != CKKS_OK)
            return volley_fail("%s", nn_last_error());
        memcpy(pixel[i], from, size * sizeof *from);
    }
    return VOLLEY_DONE;
}

int study_literal(study *s)
{
    double *pixel[MOST] = { NULL };
    const size_t images = s->judged < MOST ? s->judged : MOST;
    uni_literal l = {0};
    int code = copy_pixels(pixel, s, images);

    fprintf(stderr, "literal Volley Revolver ...\n");
    if (code == VOLLEY_DONE
        && volley_check(uni_literal_run(&l, s->model,
                                        (const double *const *)pixel, images))
               == VOLLEY_DONE) {
        describe(&s->row[s->rows], &l);
        code = judge(&s->row[s->rows], s, &l, pixel);
        s->rows += code == VOLLEY_DONE;
    }                           /* else it has said why there is no such row */
    uni_literal_clear(&l);
    for (size_t i = 0; i < images; i++)
        free(pixel[i]);
    return code;
}
