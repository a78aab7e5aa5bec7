/* masks.c -- masks of one class or of several labels: what their numbers are
 * called, how a mask, an overlay and probabilities of it are written. */
#include <math.h>
#include <string.h>

#include "volley.h"

int volley_mask_labels(const nn_plan *p)
{
    return p->num_labels > 0 ? p->num_labels : 2;
}

const char *volley_mask_name(const nn_plan *p, int label)
{
    return p->num_labels > 0 ? p->label_name[label]
           : label > 0 ? p->foreground : "";
}

const uint8_t *volley_mask_colour(const nn_plan *p, int label)
{
    static const uint8_t red[3] = { 255, 0, 0 };

    return p->num_labels > 0 ? uni_palette[label] : red;
}

void volley_mask_count(volley_row *out, const nn_plan *p, const uint8_t *mask,
                       const double *logit, unet_size size)
{
    const size_t n = (size_t)size.height * (size_t)size.width;

    memset(out, 0, sizeof *out);
    out->size = size;
    for (size_t i = 0; i < n; i++)
        out->label[mask[i]]++;
    out->foreground = n - out->label[0];
    out->low = out->high = logit[0];
    for (size_t i = 0; i < (size_t)p->out_channels * n; i++) {
        out->low = logit[i] < out->low ? logit[i] : out->low;
        out->high = logit[i] > out->high ? logit[i] : out->high;
    }
}

int volley_save_mask(const char *path, const nn_plan *p, const uint8_t *mask,
                     unet_size size)
{
    return volley_check(
        p->num_labels > 0
            ? uni_image_save_labels(path, mask, size.height, size.width,
                                    p->num_labels)
            : uni_image_save_mask(path, mask, size.height, size.width));
}

int volley_save_overlay(const char *path, const nn_plan *p,
                        const uni_image *image, const uint8_t *mask)
{
    return volley_check(p->num_labels > 0
                            ? uni_image_save_label_overlay(path, image, mask)
                            : uni_image_save_overlay(path, image, mask));
}

/* ---- probabilities ------------------------------------------------------- */

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

int volley_save_probability(const char *path, const nn_plan *p,
                            const double *logit, unet_size size, int label)
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

const char *volley_probability_tag(char out[32], const nn_plan *p, int label)
{
    if (p->num_labels > 0)
        snprintf(out, 32, "probability-%d", label);
    else
        snprintf(out, 32, "probability");
    return out;
}
