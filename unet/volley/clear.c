/* clear.c -- the same network without encryption. */
#include <stdlib.h>
#include <string.h>

#include "volley.h"

/* By the plan's integer weights, on the packed slots of every set. */
static int clear_twin(double **logit, const volley_source *s,
                      const volley_images *images)
{
    const nn_plan *p = &s->plan;
    const size_t n_in = (size_t)nn_plan_inputs(p) * p->layout.slots;
    const size_t n_out = (size_t)nn_plan_outputs(p) * p->layout.slots;
    double *slots = malloc((n_in + n_out) * sizeof *slots);
    const unet_pixels pixels = unet_pixels_array(images->pixel);
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
        ckks_status status = unet_pack(slots, p, &job, &pixels, set);

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
                        const volley_images *images, bool as_float)
{
    int code = VOLLEY_DONE;

    if (!as_float)
        return clear_twin(logit, s, images);
    for (size_t i = 0; i < images->count && code == VOLLEY_DONE; i++)
        code = volley_check(nn_model_float(logit[i], &s->model,
                                           images->pixel[i],
                                           images->size[i].height,
                                           images->size[i].width));
    return code;
}

/* Little-endian 32-bit floats, image after image. */
static int clear_save_logits(const char *path, double *const *logit,
                             const volley_images *images)
{
    size_t all = 0, at = 0;
    uint8_t *data;
    int code;

    for (size_t i = 0; i < images->count; i++)
        all += (size_t)images->size[i].height * (size_t)images->size[i].width;
    data = malloc(4 * all);
    if (data == NULL)
        return volley_fail("no memory for %zu logits", all);
    for (size_t i = 0; i < images->count; i++) {
        size_t n = (size_t)images->size[i].height
                   * (size_t)images->size[i].width;

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

static int clear_tell(const volley_args *a, double *const *logit,
                      const volley_images *images, const nn_plan *p,
                      double seconds)
{
    nn_json_writer w;

    if (a->value[OPT_JSON] == NULL) {
        char time[32];

        printf("%s: %zu image%s, %s weights, %s\n", a->value[OPT_OUT],
               images->count, images->count == 1 ? "" : "s",
               a->value[OPT_FLOAT] != NULL ? "float" : "integer",
               volley_time(time, seconds));
        return VOLLEY_DONE;
    }
    nn_json_writer_init(&w, stdout, 2);
    nn_json_put_object(&w, NULL);
    nn_json_put_word(&w, "images", images->count);
    nn_json_put_bool(&w, "float", a->value[OPT_FLOAT] != NULL);
    nn_json_put_double(&w, "seconds", seconds);
    nn_json_put_array(&w, "foreground");
    for (size_t i = 0; i < images->count; i++) {
        size_t n = (size_t)images->size[i].height
                   * (size_t)images->size[i].width;
        uint64_t in = 0;

        for (size_t j = 0; j < n; j++)
            in += logit[i][j] > p->threshold;
        nn_json_put_word(&w, NULL, in);
    }
    nn_json_put_end(&w);
    nn_json_put_end(&w);
    return volley_json_end(&w);
}

/* The verb, the images read. */
static int clear_images(const volley_args *a, const volley_source *s,
                        const volley_images *images, double start)
{
    unet_job job = {0};
    double **logit = calloc(images->count, sizeof *logit);
    int code = logit != NULL ? VOLLEY_DONE : volley_fail("no memory");

    if (code == VOLLEY_DONE)
        code = volley_check(unet_job_init(&job, &s->plan, images->size,
                                          images->count));
    for (size_t i = 0; i < images->count && code == VOLLEY_DONE; i++) {
        logit[i] = calloc((size_t)images->size[i].height
                          * (size_t)images->size[i].width, sizeof **logit);
        if (logit[i] == NULL)
            code = volley_fail("no memory for the logits");
    }
    if (code == VOLLEY_DONE)
        code = volley_clear_logits(logit, s, images,
                                   a->value[OPT_FLOAT] != NULL);
    if (code == VOLLEY_DONE)
        code = volley_save_masks(a->value[OPT_OUT], logit, &job,
                                 s->plan.threshold);
    if (code == VOLLEY_DONE && a->value[OPT_LOGITS] != NULL)
        code = clear_save_logits(a->value[OPT_LOGITS], logit, images);
    if (code == VOLLEY_DONE)
        code = clear_tell(a, logit, images, &s->plan,
                          volley_clock() - start);
    for (size_t i = 0; i < images->count && logit != NULL; i++)
        free(logit[i]);
    free(logit);
    unet_job_clear(&job);
    return code;
}

int volley_run_clear(const volley_args *a)
{
    const double start = volley_clock();
    volley_images images = {0};
    volley_source s;
    int code = volley_check_names(a->value[OPT_OUT]);

    if (code == VOLLEY_DONE)
        code = volley_source_load(&s, a->word[0], true, a->value[OPT_PLAN],
                                  NULL);
    if (code != VOLLEY_DONE)
        return code;
    code = volley_images_load(&images, a->word + 1, a->words - 1,
                              s.plan.channels);
    if (code == VOLLEY_DONE)
        code = clear_images(a, &s, &images, start);
    volley_images_clear(&images);
    volley_source_clear(&s);
    return code;
}
