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
            status = nn_model_float(logit[i], &s->model, pixel, 1,
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

/* ---- 32-bit floats, little-endian, image after image --------------------- */

static uint8_t *clear_put(uint8_t *to, const double *from, size_t n)
{
    for (size_t j = 0; j < n; j++, to += 4) {
        const float value = (float)from[j];
        uint32_t bits;

        memcpy(&bits, &value, sizeof bits);
        for (int b = 0; b < 4; b++)
            to[b] = (uint8_t)(bits >> 8 * b);
    }
    return to;
}

static int clear_save_logits(const char *path, double *const *logit,
                             const nn_plan *p, const volley_input *images)
{
    size_t all = 0;
    uint8_t *data, *at;
    int code;

    for (size_t i = 0; i < images->count; i++)
        all += volley_logits(p, images->size[i]);
    at = data = malloc(4 * all);
    if (data == NULL)
        return volley_fail("no memory for %zu logits", all);
    for (size_t i = 0; i < images->count; i++)
        at = clear_put(at, logit[i], volley_logits(p, images->size[i]));
    code = volley_write(path, data, 4 * all, 0644);
    free(data);
    return code;
}

/* 0..255, (channels, height, width) each: what the network takes, before its
 * own factor and offset. */
static int clear_save_pixels(const char *path, const nn_plan *p,
                             const volley_input *images)
{
    size_t all = 0;
    uint8_t *data, *at;
    ckks_status s = CKKS_OK;
    int code;

    for (size_t i = 0; i < images->count; i++)
        all += (size_t)p->channels * (size_t)images->size[i].height
               * (size_t)images->size[i].width;
    at = data = malloc(4 * all);
    if (data == NULL)
        return volley_fail("no memory for %zu pixels", all);
    for (size_t i = 0; i < images->count && s == CKKS_OK; i++) {
        const double *pixel = NULL;

        s = images->pixels.get(&pixel, images->pixels.user, i);
        if (s == CKKS_OK)
            at = clear_put(at, pixel, (size_t)p->channels
                                      * (size_t)images->size[i].height
                                      * (size_t)images->size[i].width);
    }
    code = volley_check(s);
    if (code == VOLLEY_DONE)
        code = volley_write(path, data, 4 * all, 0644);
    free(data);
    return code;
}

/* ---- the verb ------------------------------------------------------------ */

static int clear_tell(const volley_args *a, const volley_results *x,
                      double seconds)
{
    nni_json_writer w;
    char time[32];

    if (a->value[OPT_JSON] == NULL) {
        volley_table_print(x);
        printf("%zu image%s, %s weights, %s\n", x->job->images,
               x->job->images == 1 ? "" : "s",
               a->value[OPT_FLOAT] != NULL ? "float" : "integer",
               volley_time(time, seconds));
        return VOLLEY_DONE;
    }
    nni_json_writer_init(&w, stdout, 2);
    nni_json_put_object(&w, NULL);
    nni_json_put_word(&w, "images", x->job->images);
    nni_json_put_bool(&w, "float", a->value[OPT_FLOAT] != NULL);
    nni_json_put_double(&w, "seconds", seconds);
    nni_json_put_array(&w, "foreground");
    for (size_t i = 0; i < x->job->images; i++)
        nni_json_put_word(&w, NULL, x->row[i].foreground);
    nni_json_put_end(&w);
    volley_table_put(&w, x);
    nni_json_put_end(&w);
    return volley_json_end(&w);
}

/* What is done with images: their names, and what is kept of them. */
typedef struct clear_hand {
    uni_album album;
    uni_record record;
    volley_names names;
    volley_answers answers;     /* of a classifier                           */
} clear_hand;

static void clear_hand_clear(clear_hand *h)
{
    volley_answers_clear(&h->answers);
    volley_names_clear(&h->names);
    uni_record_clear(&h->record);
    uni_album_clear(&h->album);
}

static int clear_masks(const volley_args *a, const clear_hand *h,
                       double *const *logit, const nn_plan *p, double start)
{
    unet_job job = {0};
    volley_results x = {
        .out = a->value[OPT_OUT], .plan = p, .job = &job, .logit = logit,
        .names = &h->names, .record = &h->record, .album = &h->album,
        .sheet = a->value[OPT_SHEET], .overlay = a->value[OPT_DRAW] != NULL
    };
    int code = volley_check(unet_job_init(&job, p, h->album.size,
                                          h->album.images));

    if (code == VOLLEY_DONE)
        code = volley_results_init(&x, NULL);
    if (code == VOLLEY_DONE)
        code = volley_truth(&x, &a->truth);
    if (code == VOLLEY_DONE)
        code = volley_results_save(&x);
    if (code == VOLLEY_DONE)
        code = clear_tell(a, &x, volley_clock() - start);
    volley_results_clear(&x);
    unet_job_clear(&job);
    return code;
}

/* The verb, the images read. */
static int clear_images(const volley_args *a, const volley_source *s,
                        clear_hand *h, double start)
{
    const volley_input images = volley_album_input(&h->album);
    const nn_plan *p = &s->plan;
    double **logit = calloc(images.count, sizeof *logit);
    int code = logit != NULL ? VOLLEY_DONE : volley_fail("no memory");

    for (size_t i = 0; i < images.count && code == VOLLEY_DONE; i++) {
        logit[i] = calloc(volley_logits(p, images.size[i]), sizeof **logit);
        if (logit[i] == NULL)
            code = volley_fail("no memory for the logits");
    }
    if (code == VOLLEY_DONE && a->value[OPT_PIXELS] != NULL)
        code = clear_save_pixels(a->value[OPT_PIXELS], p, &images);
    if (code == VOLLEY_DONE && s->model.depth > 0)
        code = volley_clear_solids(logit, s, &images, &h->album,
                                   a->value[OPT_FIT] != NULL);
    else if (code == VOLLEY_DONE)
        code = volley_clear_logits(logit, s, &images,
                                   a->value[OPT_FLOAT] != NULL);
    if (code == VOLLEY_DONE && a->value[OPT_LOGITS] != NULL)
        code = clear_save_logits(a->value[OPT_LOGITS], logit, p, &images);
    if (code == VOLLEY_DONE)
        code = p->num_classes == 0 ? clear_masks(a, h, logit, p, start)
               : volley_answers_tell(&h->answers, a, logit, &h->album,
                                     volley_clock() - start, false);
    for (size_t i = 0; i < images.count && logit != NULL; i++)
        free(logit[i]);
    free(logit);
    return code;
}

/* The images, what they are called, and what is said of them. */
static int clear_open(clear_hand *h, const volley_args *a, volley_source *s)
{
    int code = volley_values(s, a);

    if (code == VOLLEY_DONE)
        code = volley_album(&h->album, a, s, a->word + 1, a->words - 1);
    if (code == VOLLEY_DONE) {
        volley_state_images(s, a, &h->album);
        code = volley_record(&h->record, &h->album);
    }
    if (code == VOLLEY_DONE)
        code = volley_names_init(&h->names, &h->record, h->album.images);
    if (code == VOLLEY_DONE && s->plan.num_classes > 0)
        code = volley_answers_init(&h->answers, a, &s->plan, &h->names);
    return code;
}

int volley_run_clear(const volley_args *a)
{
    const double start = volley_clock();
    clear_hand h = {0};
    volley_source s;
    nn_aim aim = {0};
    int code = volley_goal(&aim, a);

    if (code == VOLLEY_DONE && a->value[OPT_OUT] != NULL)
        code = volley_check_names(a->value[OPT_OUT]);
    if (code == VOLLEY_DONE && a->value[OPT_SHEET] != NULL)
        code = volley_check_sheet(a->value[OPT_SHEET]);
    if (code == VOLLEY_DONE)
        code = a->value[OPT_FLOAT] != NULL
               ? volley_source_clear_load(&s, a->word[0], a->value[OPT_PLAN],
                                          &aim)
               : volley_source_load(&s, a->word[0], true, a->value[OPT_PLAN],
                                    &aim);
    if (code != VOLLEY_DONE)
        return code;
    code = volley_check_kind(a, "clear", &s.plan);
    if (code == VOLLEY_DONE)
        code = clear_open(&h, a, &s);
    if (code == VOLLEY_DONE)
        code = clear_images(a, &s, &h, start);
    clear_hand_clear(&h);
    volley_source_clear(&s);
    return code;
}
