/* clear.c -- the same network without encryption. */
#include <stdlib.h>
#include <string.h>

#include "volley.h"

/* By the plan's integer weights, on the packed slots of every set. */
static int clear_twin(double **logit, const volley_source *s,
                      const volley_input *images)
{
    const nn_plan *p = &s->plan;
    const size_t n_in = (size_t)nn_plan_inputs(p) * p->layout.slots;
    const size_t n_out = (size_t)nn_plan_outputs(p) * p->layout.slots;
    double *slots = malloc((n_in + n_out) * sizeof *slots);
    nn_weights *weights = NULL;
    unet_job job = {0};
    int code = slots != NULL ? VOLLEY_DONE
               : volley_fail("no memory for %zu slots", n_in + n_out);

    if (code == VOLLEY_DONE)
        code = volley_check(unet_job_init(&job, p, images->size,
                                          images->count));
    if (code == VOLLEY_DONE)
        code = volley_check(nn_weights_init(&weights, &s->model, p));
    for (size_t set = 0; set < job.sets && code == VOLLEY_DONE; set++) {
        ckks_status status = unet_pack(slots, p, &job, &images->pixels,
                                       set);

        if (status == CKKS_OK)
            status = nn_clear(slots + n_in, slots, p, weights, NULL);
        if (status == CKKS_OK)
            status = unet_unpack(logit, p, &job, slots + n_in, set);
        code = volley_check(status);
    }
    nn_weights_clear(&weights);
    unet_job_clear(&job);
    free(slots);
    return code;
}

int volley_clear_logits(double **logit, const volley_source *s,
                        const volley_input *images, bool as_float)
{
    int code = VOLLEY_DONE;

    if (!as_float)
        return clear_twin(logit, s, images);
    for (size_t i = 0; i < images->count && code == VOLLEY_DONE; i++) {
        const double *pixel = NULL;
        ckks_status status = images->pixels.get(&pixel, images->pixels.user,
                                                i);

        if (status == CKKS_OK)
            status = nn_model_float(logit[i], &s->model, pixel,
                                    images->size[i].height,
                                    images->size[i].width);
        code = volley_check(status);
    }
    return code;
}

size_t volley_logits(const nn_plan *p, unet_size size)
{
    return (size_t)p->out_channels
           * (p->num_classes > 0 ? 1
                                 : (size_t)size.height * (size_t)size.width);
}

/* Little-endian 32-bit floats, image after image. */
static int clear_save_logits(const char *path, double *const *logit,
                             const nn_plan *p, const volley_input *images)
{
    size_t all = 0, at = 0;
    uint8_t *data;
    int code;

    for (size_t i = 0; i < images->count; i++)
        all += volley_logits(p, images->size[i]);
    data = malloc(4 * all);
    if (data == NULL)
        return volley_fail("no memory for %zu logits", all);
    for (size_t i = 0; i < images->count; i++) {
        size_t n = volley_logits(p, images->size[i]);

        for (size_t j = 0; j < n; j++, at += 4) {
            float value = (float)logit[i][j];
            uint32_t bits;

            memcpy(&bits, &value, sizeof bits);
            for (int b = 0; b < 4; b++)
                data[at + (size_t)b] = (uint8_t)(bits >> 8 * b);
        }
    }
    code = volley_write(path, data, 4 * all, 0644);
    free(data);
    return code;
}

static int clear_tell(const volley_args *a, const volley_names *names,
                      double *const *logit, const unet_job *job,
                      const nn_plan *p, double seconds)
{
    const char *out = a->value[OPT_OUT];
    volley_row *row = volley_table_init(p, logit, job);
    nni_json_writer w;
    char time[32];
    int code = VOLLEY_DONE;

    if (row == NULL)
        return VOLLEY_FAILED;
    if (a->value[OPT_JSON] == NULL) {
        volley_table_print(out, names, row, p, false);
        printf("%zu image%s, %s weights, %s\n", job->images,
               job->images == 1 ? "" : "s",
               a->value[OPT_FLOAT] != NULL ? "float" : "integer",
               volley_time(time, seconds));
    } else {
        nni_json_writer_init(&w, stdout, 2);
        nni_json_put_object(&w, NULL);
        nni_json_put_word(&w, "images", job->images);
        nni_json_put_bool(&w, "float", a->value[OPT_FLOAT] != NULL);
        nni_json_put_double(&w, "seconds", seconds);
        nni_json_put_array(&w, "foreground");
        for (size_t i = 0; i < job->images; i++)
            nni_json_put_word(&w, NULL, volley_foreground(&row[i]));
        nni_json_put_end(&w);
        volley_table_put(&w, out, names, row, p, false);
        nni_json_put_end(&w);
        code = volley_json_end(&w);
    }
    free(row);
    return code;
}

static int clear_masks(const volley_args *a, const volley_names *names,
                       double *const *logit, const volley_input *images,
                       const nn_plan *p, double start)
{
    unet_job job = {0};
    int code = volley_check(unet_job_init(&job, p, images->size,
                                          images->count));

    if (code == VOLLEY_DONE)
        code = volley_save_masks(a->value[OPT_OUT], names, p, logit, &job);
    if (code == VOLLEY_DONE)
        code = clear_tell(a, names, logit, &job, p, volley_clock() - start);
    unet_job_clear(&job);
    return code;
}

/* The verb, the images read; x: of a classifier. */
static int clear_images(const volley_args *a, const volley_source *s,
                        uni_album *album, const volley_names *names,
                        volley_answers *x, double start)
{
    const volley_input images = volley_album_input(album);
    const nn_plan *p = &s->plan;
    double **logit = calloc(images.count, sizeof *logit);
    int code = logit != NULL ? VOLLEY_DONE : volley_fail("no memory");

    for (size_t i = 0; i < images.count && code == VOLLEY_DONE; i++) {
        logit[i] = calloc(volley_logits(p, images.size[i]), sizeof **logit);
        if (logit[i] == NULL)
            code = volley_fail("no memory for the logits");
    }
    if (code == VOLLEY_DONE)
        code = volley_clear_logits(logit, s, &images,
                                   a->value[OPT_FLOAT] != NULL);
    if (code == VOLLEY_DONE && a->value[OPT_LOGITS] != NULL)
        code = clear_save_logits(a->value[OPT_LOGITS], logit, p, &images);
    if (code == VOLLEY_DONE)
        code = p->num_classes == 0
               ? clear_masks(a, names, logit, &images, p, start)
               : volley_answers_tell(x, a, logit, album,
                                     volley_clock() - start, false);
    for (size_t i = 0; i < images.count && logit != NULL; i++)
        free(logit[i]);
    free(logit);
    return code;
}

int volley_run_clear(const volley_args *a)
{
    const double start = volley_clock();
    uni_album album = {0};
    volley_names names = {0};
    volley_answers x = {0};
    volley_source s;
    nn_aim aim = {0};
    int code = volley_goal(&aim, a);

    if (code == VOLLEY_DONE && a->value[OPT_OUT] != NULL)
        code = volley_check_names(a->value[OPT_OUT]);
    if (code == VOLLEY_DONE && a->value[OPT_SHEET] != NULL)
        code = volley_check_sheet(a->value[OPT_SHEET]);
    if (code == VOLLEY_DONE)
        code = volley_source_load(&s, a->word[0], true, a->value[OPT_PLAN],
                                  &aim);
    if (code != VOLLEY_DONE)
        return code;
    code = volley_check_kind(a, "clear", &s.plan);
    if (code == VOLLEY_DONE)
        code = volley_album(&album, a, &s.plan, a->word + 1, a->words - 1);
    if (code == VOLLEY_DONE)
        code = volley_names_album(&names, &album);
    if (code == VOLLEY_DONE && s.plan.num_classes > 0)
        code = volley_answers_init(&x, a, &s.plan, &names);
    if (code == VOLLEY_DONE)
        code = clear_images(a, &s, &album, &names, &x, start);
    volley_names_clear(&names);
    volley_answers_clear(&x);
    uni_album_clear(&album);
    volley_source_clear(&s);
    return code;
}
