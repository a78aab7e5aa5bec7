/* web_images.c -- images from files in memory, by the album of the command:
 * NIfTI, DICOM and series, PNG, PGM, PPM, IDX.  Contracts in web.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/album.h"
#include "web.h"

static uni_album album;
/* What is to be said of it, lines. */
static char *said;

void WEB_EXPORT(web_images_clear)(void)
{
    web_pixels_clear();
    uni_album_clear(&album);
    free(said);
    said = NULL;
}

/* ---- opening ------------------------------------------------------------- */

static uni_album_aim images_aim(bool fit, size_t first, size_t count,
                                const nn_images *images)
{
    const nn_plan *p = &web.plan;
    uni_album_aim aim = { .channels = p->channels, .first = first,
                          .count = count, .images = images };

    if (p->border != NN_HALO) {
        aim.height = p->core_height;
        aim.width = p->core_width;
        aim.fit = fit;
    }
    return aim;
}

/* A line more; where there is no memory for it, it is left out. */
static void images_tell(void *user, const char *line)
{
    const size_t old = said != NULL ? strlen(said) : 0, n = strlen(line);
    char *text = realloc(said, old + n + 2);

    (void)user;
    if (text == NULL)
        return;
    memcpy(text + old, line, n);
    strcpy(text + old + n, "\n");
    said = text;
}

static void images_say(const nn_images *images)
{
    char line[UNI_ALBUM_LINE];

    if (album.names.skipped > 0) {
        snprintf(line, sizeof line, "%zu file%s skipped: %s%s",
                 album.names.skipped, album.names.skipped == 1 ? "" : "s",
                 album.names.other, album.names.skipped == 1 ? "" : " ...");
        images_tell(NULL, line);
    }
    for (size_t i = 0; i < album.volumes; i++)
        uni_album_say_spacing(&album, i, web.plan.name, images, images_tell,
                              NULL);
    uni_album_say_values(&album, images_tell, NULL);
}

/* The album's images become those of the next request. */
static ckks_status images_take(uni_album *opened)
{
    unet_size *size = malloc(opened->images * sizeof *size);

    if (size == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu images", opened->images);
    memcpy(size, opened->size, opened->images * sizeof *size);
    web_images_clear();
    album = *opened;
    memset(opened, 0, sizeof *opened);
    web.images.count = album.images;
    web.images.size = size;
    web.images.pixels = uni_album_pixels(&album);
    return CKKS_OK;
}

/* count words, a zero behind each: files, folders, FILE:slice=K.  values: as
 * nn_values, low and high with it; -1: what the plan says.  many SIZE_MAX: all
 * images from first on.
 *   errors  those of uni_album_open; what was there before stays */
ckks_status WEB_EXPORT(web_images_open)(const char *words, size_t count,
                                        int fit, size_t first, size_t many,
                                        int values, double low, double high)
{
    const char **word = calloc(count > 0 ? count : 1, sizeof *word);
    nn_images images = web.plan.images;
    uni_album opened = {0};
    uni_album_aim aim;
    ckks_status s = web_need_plan();

    if (s == CKKS_OK && word == NULL)
        s = nn_fail(CKKS_EMEM, "no memory for %zu names", count);
    if (s == CKKS_OK && values >= 0) {
        if (values > NN_VALUES_FULL || !isfinite(low) || !isfinite(high)
            || (values == NN_VALUES_WINDOW && !(low < high)))
            s = nn_fail(CKKS_EARG, "values %g..%g of rule %d", low, high,
                        values);
        images.given = true;
        images.values = (nn_values)values;
        images.low = low;
        images.high = high;
    }
    for (size_t i = 0; i < count && s == CKKS_OK; i++) {
        word[i] = words;
        words += strlen(words) + 1;
    }
    aim = images_aim(fit != 0, first, many, &images);
    if (s == CKKS_OK)
        s = uni_album_open(&opened, word, count, &aim);
    if (s == CKKS_OK)
        s = images_take(&opened);
    if (s == CKKS_OK)
        images_say(&images);
    uni_album_clear(&opened);
    free(word);
    return s;
}

/* ---- what there is ------------------------------------------------------- */

size_t WEB_EXPORT(web_images_count)(void)
{
    return web.images.count;
}

const char *WEB_EXPORT(web_images_said)(void)
{
    return said != NULL ? said : "";
}

/* Of image i, malloc: web_free; NULL: none, or no memory. */
char *WEB_EXPORT(web_image_name)(size_t i)
{
    return i < album.images ? uni_album_name(&album, i) : NULL;
}

/* Whether it is a slice of a volume, which masks can be written as. */
int WEB_EXPORT(web_image_is_slice)(size_t i)
{
    return i < album.images && uni_album_source_of(&album, i).volume != NULL;
}

int WEB_EXPORT(web_image_height)(size_t i)
{
    return i < web.images.count ? web.images.size[i].height : 0;
}

int WEB_EXPORT(web_image_width)(size_t i)
{
    return i < web.images.count ? web.images.size[i].width : 0;
}

/* Image i as the network sees it, (channels, height, width), until the next
 * call; NULL with the reason. */
const double *WEB_EXPORT(web_image_pixels)(size_t i)
{
    const double *p = NULL;

    if (i >= web.images.count)
        (void)nn_fail(CKKS_EARG, "there is no image %zu", i);
    else if (web.images.pixels.get(&p, web.images.pixels.user, i) != CKKS_OK)
        p = NULL;
    return p;
}

/* Image i as the network sees it, rounded to bytes: (height, width), colours as
 * their grey by Rec. 601. */
ckks_status WEB_EXPORT(web_image_view)(uint8_t *out, size_t i)
{
    const size_t n = (size_t)web_image_height(i) * (size_t)web_image_width(i);
    const bool colour = web.plan.channels == 3;
    const double *p = web_image_pixels(i);

    if (p == NULL)
        return CKKS_EARG;
    for (size_t k = 0; k < n; k++) {
        const double v = !colour ? p[k] : 0.299 * p[k] + 0.587 * p[n + k]
                                          + 0.114 * p[2 * n + k];

        out[k] = (uint8_t)(v > 0 ? v < 255 ? v + 0.5 : 255 : 0);
    }
    return CKKS_OK;
}

/* ---- masks as files ------------------------------------------------------ */

/* Of all slices of a volume that are images. */
static ckks_status mask_volume(const char *path, const uni_album_volume *v)
{
    uni_mask m = {0};
    ckks_status s = uni_mask_init(&m, &v->geometry, &v->slicing);

    for (size_t k = 0; k < v->count && s == CKKS_OK; k++) {
        const size_t i = v->first + k;
        const unet_size is = web.result.size[i];

        if (is.height != v->slicing.height || is.width != v->slicing.width)
            s = nn_fail(CKKS_EFORMAT, "the mask of image %zu is %dx%d, its "
                        "slice %dx%d", i, is.height, is.width,
                        v->slicing.height, v->slicing.width);
        else
            s = uni_mask_put(&m, web.result.mask[i],
                             uni_album_source_of(&album, i).slice);
    }
    if (s == CKKS_OK)
        s = uni_mask_save(path, &m);
    uni_mask_clear(&m);
    return s;
}

static bool mask_ends(const char *path, const char *ending)
{
    const size_t n = strlen(path), k = strlen(ending);

    return n > k && strcmp(path + n - k, ending) == 0;
}

/* As `volley decrypt -o` writes it: .nii and .nii.gz the volume of image i, all
 * its slices; .png and .pgm image i alone. */
ckks_status WEB_EXPORT(web_mask_save)(const char *path, size_t i)
{
    const nn_plan *p = &web.plan;
    const web_result *r = &web.result;
    const bool nifti = mask_ends(path, ".nii") || mask_ends(path, ".nii.gz");

    if (i >= r->images || r->mask[i] == NULL)
        return nn_fail(CKKS_EARG, "%s: there is no mask %zu", path, i);
    if (nifti && (r->images != album.images
                  || uni_album_source_of(&album, i).volume == NULL))
        return nn_fail(CKKS_EARG, "%s: image %zu is no slice of a volume; name "
                       "the mask .png", path, i);
    if (nifti)
        return mask_volume(path, uni_album_source_of(&album, i).volume);
    return p->num_labels > 0
         ? uni_image_save_labels(path, r->mask[i], r->size[i].height,
                                 r->size[i].width, p->num_labels)
         : uni_image_save_mask(path, r->mask[i], r->size[i].height,
                               r->size[i].width);
}
