/* decrypt.c -- decrypt: results to masks, for the owner of the images. */
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

/* The given images must be those that went in, as far as sizes tell. */
static int client_check_overlay(const volley_images *images,
                                const unet_job *job)
{
    if (images->count != job->images)
        return volley_fail("--overlay: %zu images for %zu results",
                           images->count, job->images);
    for (size_t i = 0; i < job->images; i++)
        if (images->size[i].height != job->size[i].height
            || images->size[i].width != job->size[i].width)
            return volley_fail("--overlay: image %zu is %dx%d pixels, its "
                               "result %dx%d", i + 1, images->size[i].height,
                               images->size[i].width, job->size[i].height,
                               job->size[i].width);
    return VOLLEY_DONE;
}

static int client_save_overlays(const char *out, const volley_images *images,
                                const unet_result *r, double threshold)
{
    int code = client_check_overlay(images, &r->job);

    for (size_t i = 0; i < images->count && code == VOLLEY_DONE; i++) {
        char *name = volley_result_name(out, i, images->count, "overlay",
                                        volley_picture_ending(".ppm"));
        uint8_t *mask = volley_mask(r->logit[i], r->job.size[i], threshold);

        if (name == NULL || mask == NULL)
            code = VOLLEY_FAILED;
        if (code == VOLLEY_DONE)
            code = volley_check(unet_image_save_overlay(name,
                                                        &images->image[i],
                                                        mask));
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
        unet_image image = {0};

        code = name == NULL ? VOLLEY_FAILED
               : volley_probability(&image, r->logit[i], r->job.size[i],
                                    threshold);
        if (code == VOLLEY_DONE)
            code = volley_check(unet_image_save_grey(name, &image));
        unet_image_clear(&image);
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
    nn_json_writer w;

    nn_json_writer_init(&w, stdout, 2);
    nn_json_put_object(&w, NULL);
    nn_json_put_double(&w, "seconds", seconds);
    nn_json_put_array(&w, "masks");
    for (size_t i = 0; i < r->job.images; i++) {
        unet_size size = r->job.size[i];
        char *name = volley_result_name(a->value[OPT_OUT], i, r->job.images,
                                        "", NULL);
        double low, high;

        nn_json_put_object(&w, NULL);
        nn_json_put_string(&w, "file", name != NULL ? name : "");
        nn_json_put_int(&w, "height", size.height);
        nn_json_put_int(&w, "width", size.width);
        nn_json_put_word(&w, "foreground",
                         client_foreground(r->logit[i], size, p->threshold));
        if (a->value[OPT_PRIVATE] != NULL) {
            client_range(&low, &high, r->logit[i], size);
            nn_json_put_double(&w, "logit_min", low);
            nn_json_put_double(&w, "logit_max", high);
        }
        nn_json_put_end(&w);
        free(name);
    }
    nn_json_put_end(&w);
    nn_json_put_end(&w);
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
        printf("imaginary parts up to %.3g; refused from %.3g on\n",
               r->imaginary, r->bound);
}

int volley_run_decrypt(const volley_args *a)
{
    const double start = volley_clock();
    const char *out = a->value[OPT_OUT];
    volley_images images = {0};
    unet_result r = {0};
    volley_source s;
    int code = volley_check_names(out);

    if (code == VOLLEY_DONE)
        code = volley_source_load(&s, a->word[0], false, NULL, NULL);
    if (code != VOLLEY_DONE)
        return code;
    if (a->num_overlay > 0)
        code = volley_images_load(&images, a->overlay, a->num_overlay,
                                  s.plan.channels);
    if (code == VOLLEY_DONE)
        code = volley_decrypt(&r, &s, a->value[OPT_KEY], a->word[1]);
    if (code == VOLLEY_DONE && a->num_overlay > 0)
        code = client_check_overlay(&images, &r.job);
    if (code == VOLLEY_DONE)
        code = volley_save_masks(out, r.logit, &r.job, s.plan.threshold);
    if (code == VOLLEY_DONE && a->num_overlay > 0)
        code = client_save_overlays(out, &images, &r, s.plan.threshold);
    if (code == VOLLEY_DONE && a->value[OPT_PRIVATE] != NULL)
        code = client_save_private(out, &r, s.plan.threshold);
    if (code == VOLLEY_DONE && a->value[OPT_JSON] != NULL)
        code = client_tell_json(a, &r, &s.plan, volley_clock() - start);
    else if (code == VOLLEY_DONE)
        client_tell(a, &r, &s.plan);
    unet_result_clear(&r);
    volley_images_clear(&images);
    volley_source_clear(&s);
    return code;
}
