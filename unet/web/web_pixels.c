/* web_pixels.c -- images that are pixels already, one number each.
 * Contracts in web.h. */
#include <stdlib.h>
#include <string.h>

#include "web.h"

/* Shape (count) of pixels (channels, height, width), 0..255. */
static double **pixels_of;

static ckks_status pixels_get(const double **out, void *user, size_t image)
{
    (void)user;
    *out = pixels_of[image];
    return CKKS_OK;
}

void WEB_EXPORT(web_pixels_clear)(void)
{
    web_encrypt_end();
    for (size_t i = 0; i < web.images.count && pixels_of != NULL; i++)
        free(pixels_of[i]);
    free(pixels_of);
    free(web.images.size);
    pixels_of = NULL;
    memset(&web.images, 0, sizeof web.images);
}

/* Room for one image more, of the plan's channels: where its pixels go.  Images
 * from files are forgotten. */
double *WEB_EXPORT(web_pixels_add)(int height, int width)
{
    double **pixels;
    unet_size *size;
    size_t n;

    if (pixels_of == NULL)
        web_images_clear();
    n = web.images.count;
    if (web_need_plan() != CKKS_OK)
        return NULL;
    if (height < 1 || width < 1 || height > NN_MAX_SIDE || width > NN_MAX_SIDE
        || (size_t)height * (size_t)width > (size_t)1 << 24
        || n >= UNET_MAX_IMAGES) {
        (void)nn_fail(CKKS_EARG, "image %zu of %dx%d pixels", n + 1, height,
                      width);
        return NULL;
    }
    pixels = realloc(pixels_of, (n + 1) * sizeof *pixels);
    if (pixels != NULL)
        pixels_of = pixels;
    size = realloc(web.images.size, (n + 1) * sizeof *size);
    if (size != NULL)
        web.images.size = size;
    if (pixels == NULL || size == NULL)
        goto none;
    pixels[n] = calloc((size_t)web.plan.channels * (size_t)height
                       * (size_t)width, sizeof **pixels);
    if (pixels[n] == NULL)
        goto none;
    size[n].height = height;
    size[n].width = width;
    web.images.count = n + 1;
    web.images.pixels.get = pixels_get;
    return pixels[n];
none:
    (void)nn_fail(CKKS_EMEM, "no memory for an image of %dx%d pixels", height,
                  width);
    return NULL;
}
