/* masks.c -- masks of one class or of several labels: from logits, to files,
 * over images. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "volley.h"

uint8_t *volley_mask(const nn_plan *p, const double *logit, unet_size size)
{
    const size_t n = (size_t)size.height * (size_t)size.width;
    uint8_t *mask = malloc(n);

    if (mask == NULL) {
        (void)volley_fail("no memory for a mask of %zu pixels", n);
    } else if (volley_check(unet_mask(mask, p, logit, size)) != VOLLEY_DONE) {
        free(mask);
        mask = NULL;
    }
    return mask;
}

const char *volley_mask_name(const nn_plan *p, int label)
{
    return p->num_labels > 0 ? p->label_name[label]
           : label > 0 ? p->foreground : "";
}

int volley_mask_labels(const nn_plan *p)
{
    return p->num_labels > 0 ? p->num_labels : 2;
}

static int masks_save(const char *path, const nn_plan *p, const uint8_t *mask,
                      unet_size size)
{
    return volley_check(
        p->num_labels > 0
            ? uni_image_save_labels(path, mask, size.height, size.width,
                                    p->num_labels)
            : uni_image_save_mask(path, mask, size.height, size.width));
}

int volley_save_masks(const char *out, const volley_names *names,
                      const nn_plan *p, double *const *logit,
                      const unet_job *job)
{
    int code = volley_check_results(out, names, "", NULL);

    for (size_t i = 0; i < job->images && code == VOLLEY_DONE; i++) {
        char *name = volley_result_name(out, names, i, "", NULL);
        uint8_t *mask = volley_mask(p, logit[i], job->size[i]);

        code = name == NULL || mask == NULL
               ? VOLLEY_FAILED : masks_save(name, p, mask, job->size[i]);
        free(name);
        free(mask);
    }
    return code;
}

int volley_save_overlays(const char *out, const volley_names *names,
                         const nn_plan *p, double *const *logit,
                         const unet_job *job, const uni_album *album)
{
    int code = VOLLEY_DONE;

    for (size_t i = 0; i < album->images && code == VOLLEY_DONE; i++) {
        char *name = volley_result_name(out, names, i, "overlay",
                                        volley_picture_ending(".ppm"));
        uint8_t *mask = volley_mask(p, logit[i], job->size[i]);
        uni_image image = {0};

        if (name == NULL || mask == NULL)
            code = VOLLEY_FAILED;
        if (code == VOLLEY_DONE)
            code = volley_check(uni_album_image(&image, album, i));
        if (code == VOLLEY_DONE)
            code = volley_check(
                p->num_labels > 0
                    ? uni_image_save_label_overlay(name, &image, mask)
                    : uni_image_save_overlay(name, &image, mask));
        uni_image_clear(&image);
        free(name);
        free(mask);
    }
    return code;
}

/* ---- probabilities -------------------------------------------------------- */

/* Of a label the softmax, else 1 / (1 + exp(threshold - logit)), at pixel i of
 * n. */
static double masks_probability(const nn_plan *p, const double *logit,
                                size_t n, size_t i, int label)
{
    double sum = 0;

    if (p->num_labels == 0)
        return 1 / (1 + exp(p->threshold - logit[i]));
    for (int k = 0; k < p->num_labels; k++)
        sum += exp(logit[(size_t)k * n + i] - logit[(size_t)label * n + i]);
    return 1 / sum;
}

static int masks_save_probability(const char *path, const nn_plan *p,
                                  const double *logit, unet_size size,
                                  int label)
{
    const size_t n = (size_t)size.height * (size_t)size.width;
    uni_image image = {0};
    int code = volley_check(uni_image_init(&image, path, 1,
                                           (uint64_t)size.height,
                                           (uint64_t)size.width));

    if (code != VOLLEY_DONE)
        return code;
    for (size_t i = 0; i < n; i++)
        image.pixel[i] = 255 * masks_probability(p, logit, n, i, label);
    code = volley_check(uni_image_save_grey(path, &image));
    uni_image_clear(&image);
    return code;
}

/* Number k of the files of an image: of each label one. */
static void masks_tag(char tag[32], const nn_plan *p, int k)
{
    if (p->num_labels > 0)
        snprintf(tag, 32, "probability-%d", k);
    else
        snprintf(tag, 32, "probability");
}

int volley_check_probabilities(const char *out, const volley_names *names,
                               const nn_plan *p)
{
    char tag[32];
    int code = VOLLEY_DONE;

    for (int k = 0; k < p->out_channels && code == VOLLEY_DONE; k++) {
        masks_tag(tag, p, k);
        code = volley_check_results(out, names, tag, NULL);
    }
    return code;
}

int volley_save_probabilities(const char *out, const volley_names *names,
                              const nn_plan *p, double *const *logit,
                              const unet_job *job)
{
    const size_t maps = (size_t)p->out_channels;
    char tag[32];
    int code = VOLLEY_DONE;

    for (size_t i = 0; i < maps * job->images && code == VOLLEY_DONE; i++) {
        char *name;

        masks_tag(tag, p, (int)(i % maps));
        name = volley_result_name(out, names, i / maps, tag, NULL);
        code = name == NULL ? VOLLEY_FAILED
               : masks_save_probability(name, p, logit[i / maps],
                                        job->size[i / maps], (int)(i % maps));
        free(name);
    }
    return code;
}

/* ---- how much of an image each label has ---------------------------------- */

int volley_count_labels(size_t *count, double *low, double *high,
                        const nn_plan *p, const double *logit, unet_size size)
{
    const size_t n = (size_t)size.height * (size_t)size.width;
    uint8_t *mask = volley_mask(p, logit, size);

    if (mask == NULL)
        return VOLLEY_FAILED;
    memset(count, 0, NN_MAX_LABELS * sizeof *count);
    for (size_t i = 0; i < n; i++)
        count[mask[i]]++;
    free(mask);
    *low = *high = logit[0];
    for (size_t i = 0; i < (size_t)p->out_channels * n; i++) {
        *low = logit[i] < *low ? logit[i] : *low;
        *high = logit[i] > *high ? logit[i] : *high;
    }
    return VOLLEY_DONE;
}
