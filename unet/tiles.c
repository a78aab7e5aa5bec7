/* tiles.c -- images to tiles to slots and back: pure index arithmetic.
 *
 * Read first: docs/12-volley.md; nn.h, "layout".  libnn says where a pixel of
 * a tile lives (nn_pack, nn_unpack); this file says what the pixels of a tile
 * are.  Its contracts are in unet.h.
 */
#include <stdlib.h>
#include <string.h>

#include "unet.h"

int unet_reflect(int64_t i, int n)
{
    int64_t period = 2 * ((int64_t)n - 1);

    if (n <= 1)
        return 0;
    i %= period;
    if (i < 0)
        i += period;
    return (int)(i < n ? i : period - i);
}

/* Tiles along one axis. */
static int dvr_across(int side, int core)
{
    return (side + core - 1) / core;
}

static ckks_status dvr_check_size(const nn_plan *p, unet_size s, size_t i)
{
    if (s.height < 1 || s.width < 1 || s.height > NN_MAX_SIDE
        || s.width > NN_MAX_SIDE)
        return nn_fail(CKKS_EARG, "image %zu is %dx%d pixels (height x "
                       "width): sides are 1..%d", i + 1, s.height, s.width,
                       NN_MAX_SIDE);
    if (p->border != NN_HALO
        && (s.height != p->core_height || s.width != p->core_width))
        return nn_fail(CKKS_EARG, "image %zu is %dx%d pixels (height x "
                       "width): %s takes %dx%d only", i + 1, s.height,
                       s.width, p->name, p->core_height, p->core_width);
    return CKKS_OK;
}

ckks_status unet_job_init(unet_job *out, const nn_plan *p,
                          const unet_size *size, size_t images)
{
    unet_job job = {0};

    if (out == NULL || p == NULL || size == NULL)
        return nn_fail(CKKS_EARG, "unet_job_init: null pointer");
    if (images < 1 || images > UNET_MAX_IMAGES)
        return nn_fail(CKKS_EARG, "%zu images, not 1..%d", images,
                       UNET_MAX_IMAGES);
    if (p->core_height < 1 || p->core_width < 1 || p->layout.batch < 1)
        return nn_fail(CKKS_EARG, "unet_job_init: a plan that was never made");
    for (size_t i = 0; i < images; i++) {
        ckks_status s = dvr_check_size(p, size[i], i);

        if (s != CKKS_OK)
            return s;
    }
    job.images = images;
    job.size = malloc(images * sizeof *job.size);
    job.first = malloc((images + 1) * sizeof *job.first);
    if (job.size == NULL || job.first == NULL) {
        unet_job_clear(&job);
        return nn_fail(CKKS_EMEM, "no memory for %zu images", images);
    }
    memcpy(job.size, size, images * sizeof *size);
    for (size_t i = 0; i < images; i++) {
        job.first[i] = job.tiles;
        job.tiles += (size_t)dvr_across(size[i].height, p->core_height)
                     * (size_t)dvr_across(size[i].width, p->core_width);
    }
    job.first[images] = job.tiles;
    job.sets = (job.tiles + (size_t)p->layout.batch - 1)
               / (size_t)p->layout.batch;
    *out = job;
    return CKKS_OK;
}

void unet_job_clear(unet_job *job)
{
    if (job == NULL)
        return;
    free(job->size);
    free(job->first);
    memset(job, 0, sizeof *job);
}

unet_tile unet_job_tile(const unet_job *job, const nn_plan *p, size_t t)
{
    size_t low = 0, high = job->images;     /* first[low] <= t < first[high] */
    unet_tile where;
    int columns, k;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (job->first[middle] <= t)
            low = middle;
        else
            high = middle;
    }
    columns = dvr_across(job->size[low].width, p->core_width);
    k = (int)(t - job->first[low]);
    where.image = low;
    where.y = k / columns * p->core_height;
    where.x = k % columns * p->core_width;
    return where;
}

int unet_job_count(const unet_job *job, const nn_plan *p, size_t set)
{
    size_t batch = (size_t)p->layout.batch, left = job->tiles - set * batch;

    return (int)(left < batch ? left : batch);
}

void unet_tile_cut(double *tile, const nn_plan *p, const double *pixel,
                   unet_size size, unet_tile where)
{
    const int64_t top = (int64_t)where.y - p->halo;
    const int64_t left = (int64_t)where.x - p->halo;

    for (int c = 0; c < p->channels; c++)
        for (int y = 0; y < p->layout.height; y++) {
            const double *row = pixel
                + ((size_t)c * (size_t)size.height
                   + (size_t)unet_reflect(top + y, size.height))
                      * (size_t)size.width;

            for (int x = 0; x < p->layout.width; x++)
                *tile++ = row[unet_reflect(left + x, size.width)];
        }
}

void unet_tile_paste(double *map, const nn_plan *p, const double *tile,
                     unet_size size, unet_tile where)
{
    int rows = size.height - where.y, columns = size.width - where.x;

    if (rows > p->core_height)
        rows = p->core_height;
    if (columns > p->core_width)
        columns = p->core_width;
    for (int c = 0; c < p->out_channels; c++) {
        double *to = map + (size_t)c * (size_t)size.height
                               * (size_t)size.width;
        const double *from = tile + (size_t)c * (size_t)p->layout.height
                                        * (size_t)p->layout.width;

        for (int y = 0; y < rows; y++)
            memcpy(to + (size_t)(where.y + y) * (size_t)size.width + where.x,
                   from + (size_t)(p->halo + y) * (size_t)p->layout.width
                       + p->halo,
                   (size_t)columns * sizeof *map);
    }
}

/* Doubles of one channel of a tile. */
static size_t dvr_area(const nn_plan *p)
{
    return (size_t)p->layout.height * (size_t)p->layout.width;
}

static ckks_status dvr_from_array(const double **out, void *user, size_t image)
{
    *out = ((const double *const *)user)[image];
    return CKKS_OK;
}

unet_pixels unet_pixels_array(const double *const *pixel)
{
    return (unet_pixels){ dvr_from_array, (void *)(uintptr_t)pixel };
}

ckks_status unet_pack(double *slots, const nn_plan *p, const unet_job *job,
                      const unet_pixels *pixels, size_t set)
{
    const size_t size = (size_t)p->channels * dvr_area(p);
    int count = unet_job_count(job, p, set);
    double *tiles = malloc((size_t)count * size * sizeof *tiles);
    const double **tile = malloc((size_t)count * sizeof *tile);
    const double *pixel = NULL;
    size_t of = job->images;                /* whose pixels these are        */
    ckks_status s = CKKS_OK;

    if (tiles == NULL || tile == NULL) {
        free(tiles);
        free(tile);
        return nn_fail(CKKS_EMEM, "no memory for %d tiles", count);
    }
    for (int i = 0; i < count && s == CKKS_OK; i++) {
        unet_tile where = unet_job_tile(job, p, set * (size_t)p->layout.batch
                                                + (size_t)i);

        if (where.image != of)
            s = pixels->get(&pixel, pixels->user, where.image);
        of = where.image;
        if (s == CKKS_OK)
            unet_tile_cut(tiles + (size_t)i * size, p, pixel,
                          job->size[where.image], where);
        tile[i] = tiles + (size_t)i * size;
    }
    if (s == CKKS_OK)
        nn_pack(slots, p, tile, count);
    free(tiles);
    free(tile);
    return s;
}

/* A map behind poolings and strides is smaller: each of its pixels stands for a
 * square of the tile's, the only one of a map of gap 0 for all.  In place, from
 * the last channel's end: no source is overwritten before it is read, for a
 * pixel's place in the tile is never before that in the map. */
static void dvr_grow(double *tile, const nn_plan *p)
{
    const int gap = p->out_gap > 0 ? p->out_gap : 2 * NN_MAX_SIDE;
    const int height = p->layout.height, width = p->layout.width;
    const int rows = (height + gap - 1) / gap, small = (width + gap - 1) / gap;

    for (int c = p->out_channels - 1; gap > 1 && c >= 0; c--)
        for (int y = height - 1; y >= 0; y--)
            for (int x = width - 1; x >= 0; x--)
                tile[((size_t)c * (size_t)height + (size_t)y) * (size_t)width
                     + (size_t)x] =
                    tile[((size_t)c * (size_t)rows + (size_t)(y / gap))
                             * (size_t)small + (size_t)(x / gap)];
}

ckks_status unet_unpack(double *const *logit, const nn_plan *p,
                        const unet_job *job, const double *slots, size_t set)
{
    double *tile = malloc(dvr_area(p) * (size_t)p->out_channels
                          * sizeof *tile);
    int count = unet_job_count(job, p, set);
    ckks_status s = CKKS_OK;

    if (tile == NULL)
        return nn_fail(CKKS_EMEM, "no memory for a tile");
    for (int i = 0; i < count && s == CKKS_OK; i++) {
        unet_tile where = unet_job_tile(job, p, set * (size_t)p->layout.batch
                                                + (size_t)i);

        if (p->num_classes > 0) {
            s = nn_unpack(logit[where.image], (size_t)p->out_channels, p,
                          slots, i);
            continue;
        }
        s = nn_unpack(tile, dvr_area(p) * (size_t)p->out_channels, p, slots,
                      i);
        if (s != CKKS_OK)
            break;
        dvr_grow(tile, p);
        unet_tile_paste(logit[where.image], p, tile, job->size[where.image],
                        where);
    }
    free(tile);
    return s;
}
