/* decrypt.c -- decrypt: results to masks or classes, for the owner of the
 * images. */
#include <stdlib.h>

#include "volley.h"

int volley_decrypt(unet_result *out, volley_source *s, const char *key_path,
                   const char *path)
{
    volley_progress progress;
    ckks_sk *sk = NULL;
    ckks_status status;
    int code = volley_source_context(s, NULL);

    if (code == VOLLEY_DONE)
        code = volley_load_secret(&sk, s, key_path);
    if (code == VOLLEY_DONE) {
        volley_progress_init(&progress, "decrypt");
        status = unet_decrypt(out, path, &s->plan, s->ctx, sk,
                              &progress.hooks);
        volley_progress_end(&progress);
        code = volley_check(status);
    }
    ckks_sk_clear(&sk);
    ckks_ctx_clear(&s->ctx);
    return code;
}

static int client_save_overlays(const char *out, const uni_album *album,
                                const unet_result *r, double threshold)
{
    int code = VOLLEY_DONE;

    for (size_t i = 0; i < album->images && code == VOLLEY_DONE; i++) {
        char *name = volley_result_name(out, i, album->images, "overlay",
                                        volley_picture_ending(".ppm"));
        uint8_t *mask = volley_mask(r->logit[i], r->job.size[i], threshold);
        uni_image image = {0};

        if (name == NULL || mask == NULL)
            code = VOLLEY_FAILED;
        if (code == VOLLEY_DONE)
            code = volley_check(uni_album_image(&image, album, i));
        if (code == VOLLEY_DONE)
            code = volley_check(uni_image_save_overlay(name, &image, mask));
        uni_image_clear(&image);
        free(name);
        free(mask);
    }
    return code;
}

static int client_save_private(const char *out, const unet_result *r,
                               double threshold)
{
    int code = VOLLEY_DONE;

    volley_warn("probabilities carry the noise of the ciphertext: whoever "
                "gets them together with it can compute the secret key");
    for (size_t i = 0; i < r->job.images && code == VOLLEY_DONE; i++) {
        char *name = volley_result_name(out, i, r->job.images, "probability",
                                        NULL);
        uni_image image = {0};

        code = name == NULL ? VOLLEY_FAILED
               : volley_probability(&image, r->logit[i], r->job.size[i],
                                    threshold);
        if (code == VOLLEY_DONE)
            code = volley_check(uni_image_save_grey(name, &image));
        uni_image_clear(&image);
        free(name);
    }
    return code;
}

static void client_range(double *low, double *high, const double *x,
                         unet_size size)
{
    size_t n = (size_t)size.height * (size_t)size.width;

    *low = *high = x[0];
    for (size_t i = 1; i < n; i++) {
        *low = x[i] < *low ? x[i] : *low;
        *high = x[i] > *high ? x[i] : *high;
    }
}

static size_t client_foreground(const double *logit, unet_size size,
                                double threshold)
{
    size_t n = (size_t)size.height * (size_t)size.width, in = 0;

    for (size_t j = 0; j < n; j++)
        in += logit[j] > threshold;
    return in;
}

static int client_tell_json(const volley_args *a, const unet_result *r,
                            const nn_plan *p, double seconds)
{
    nni_json_writer w;

    nni_json_writer_init(&w, stdout, 2);
    nni_json_put_object(&w, NULL);
    nni_json_put_double(&w, "seconds", seconds);
    nni_json_put_array(&w, "masks");
    for (size_t i = 0; i < r->job.images; i++) {
        unet_size size = r->job.size[i];
        char *name = volley_result_name(a->value[OPT_OUT], i, r->job.images,
                                        "", NULL);
        double low, high;

        nni_json_put_object(&w, NULL);
        nni_json_put_string(&w, "file", name != NULL ? name : "");
        nni_json_put_int(&w, "height", size.height);
        nni_json_put_int(&w, "width", size.width);
        nni_json_put_word(&w, "foreground",
                         client_foreground(r->logit[i], size, p->threshold));
        if (a->value[OPT_PRIVATE] != NULL) {
            client_range(&low, &high, r->logit[i], size);
            nni_json_put_double(&w, "logit_min", low);
            nni_json_put_double(&w, "logit_max", high);
        }
        nni_json_put_end(&w);
        free(name);
    }
    nni_json_put_end(&w);
    nni_json_put_end(&w);
    return volley_json_end(&w);
}

static void client_tell(const volley_args *a, const unet_result *r,
                        const nn_plan *p)
{
    for (size_t i = 0; i < r->job.images; i++) {
        unet_size size = r->job.size[i];
        double n = (double)size.height * size.width, low, high;
        char *name = volley_result_name(a->value[OPT_OUT], i, r->job.images,
                                        "", NULL);

        printf("%s: %dx%d, %.2f %% %s", name != NULL ? name : "", size.height,
               size.width,
               100 * (double)client_foreground(r->logit[i], size,
                                               p->threshold) / n,
               p->foreground);
        if (a->value[OPT_PRIVATE] != NULL) {
            client_range(&low, &high, r->logit[i], size);
            printf(", logits %.4g to %.4g", low, high);
        }
        printf("\n");
        free(name);
    }
    if (a->value[OPT_PRIVATE] != NULL)
        printf("%s up to %.3g; refused from %.3g on\n",
               p->params.ring == CKKS_RING_REAL ? "slots" : "imaginary parts",
               r->stray, r->bound);
}

static int client_masks(const volley_args *a, const unet_result *r,
                        const nn_plan *p, const uni_album *album,
                        double start)
{
    const char *out = a->value[OPT_OUT];
    int code = VOLLEY_DONE;

    if (a->overlay.words > 0)
        code = volley_check_results(out, r->job.images, "overlay",
                                    volley_picture_ending(".ppm"));
    if (code == VOLLEY_DONE && a->value[OPT_PRIVATE] != NULL)
        code = volley_check_results(out, r->job.images, "probability", NULL);
    if (code == VOLLEY_DONE)
        code = volley_save_masks(out, r->logit, &r->job, p->threshold);
    if (code == VOLLEY_DONE && a->overlay.words > 0)
        code = client_save_overlays(out, album, r, p->threshold);
    if (code == VOLLEY_DONE && a->value[OPT_PRIVATE] != NULL)
        code = client_save_private(out, r, p->threshold);
    if (code == VOLLEY_DONE && a->value[OPT_JSON] != NULL)
        code = client_tell_json(a, r, p, volley_clock() - start);
    else if (code == VOLLEY_DONE)
        client_tell(a, r, p);
    return code;
}

static int client_classes(const volley_args *a, const unet_result *r,
                          const nn_plan *p, const uni_album *album,
                          double start)
{
    volley_answers x = {0};
    int code = volley_answers_init(&x, a, p, album, r->job.images);

    if (code == VOLLEY_DONE)
        code = volley_answers_tell(&x, a, r->logit, album,
                                   volley_clock() - start, true);
    volley_answers_clear(&x);
    return code;
}

/* The verb, the plan read. */
static int client_decrypt(const volley_args *a, volley_source *s, double start)
{
    const bool classes = s->plan.num_classes > 0;
    const volley_list *list = classes ? &a->given : &a->overlay;
    const uni_album *given = NULL;
    uni_album album = {0};
    unet_result r = {0};
    int code = VOLLEY_DONE;

    if (list->words > 0) {
        code = volley_album_of(&album, a, &s->plan, list->word, list->words,
                               a->word[1]);
        given = &album;
    }
    if (code == VOLLEY_DONE)
        code = volley_decrypt(&r, s, a->value[OPT_KEY], a->word[1]);
    if (code == VOLLEY_DONE && given != NULL)
        code = volley_check_album(given, &r.job,
                                  classes ? "--images" : "--overlay");
    if (code == VOLLEY_DONE)
        code = (classes ? client_classes : client_masks)(a, &r, &s->plan,
                                                         given, start);
    unet_result_clear(&r);
    uni_album_clear(&album);
    return code;
}

int volley_run_decrypt(const volley_args *a)
{
    const double start = volley_clock();
    volley_source s;
    nn_aim aim = {0};
    int code = volley_goal(&aim, a);

    if (code == VOLLEY_DONE && a->value[OPT_OUT] != NULL)
        code = volley_check_names(a->value[OPT_OUT]);
    if (code == VOLLEY_DONE && a->value[OPT_SHEET] != NULL)
        code = a->given.words > 0 ? volley_check_sheet(a->value[OPT_SHEET])
               : volley_usage("decrypt: --sheet needs --images IMAGE..., the "
                              "images that went in");
    if (code == VOLLEY_DONE)
        code = volley_source_load(&s, a->word[0], false, NULL, &aim);
    if (code != VOLLEY_DONE)
        return code;
    code = volley_check_kind(a, "decrypt", &s.plan);
    if (code == VOLLEY_DONE)
        code = client_decrypt(a, &s, start);
    volley_source_clear(&s);
    return code;
}
