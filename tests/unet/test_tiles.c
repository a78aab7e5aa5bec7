/* test_tiles.c -- images, tiles and sets: exhaustive at small sizes. */
#include "test.h"
#include "unet_support.h"

/* Walks: a step off either end turns round. */
static int walk(int i, int n)
{
    int at = 0, step = i < 0 ? -1 : 1;

    if (n == 1)
        return 0;
    for (int k = 0; k != i; k += i < 0 ? -1 : 1) {
        if (at + step < 0 || at + step >= n)
            step = -step;
        at += step;
    }
    return at;
}

TEST(dvr_reflect_walks)
{
    for (int n = 1; n <= 9; n++)
        for (int i = -60; i <= 60; i++)
            CHECK(unet_reflect(i, n) == walk(i, n), "i=%d n=%d: %d, want %d",
                  i, n, unet_reflect(i, n), walk(i, n));
    CHECK(unet_reflect(INT64_MIN / 2, NN_MAX_SIDE) >= 0, "far off");
}

/* pixel[y][x] = 1 + y * 1000 + x: the value names the place. */
static double *named_pixels(unet_size size, double first)
{
    double *pixel = malloc((size_t)(size.height * size.width)
                           * sizeof *pixel);

    for (int y = 0; y < size.height; y++)
        for (int x = 0; x < size.width; x++)
            pixel[y * size.width + x] = first + y * 1000 + x;
    return pixel;
}

/* Every tile against the definition; every pixel is in the core of one tile,
 * and pasting all cores gives the image. */
static void check_tiles(const nn_plan *p, unet_size size)
{
    const int height = p->layout.height, width = p->layout.width;
    const int across = (size.width - 1) / p->core_width + 1;
    const int down = (size.height - 1) / p->core_height + 1;
    size_t plane = (size_t)(size.height * size.width);
    double *pixel = named_pixels(size, 1), *map = calloc(plane, sizeof *map);
    double *tile = malloc((size_t)(height * width) * sizeof *tile);
    unet_job job = {0};

    if (!CHECK_OK(unet_job_init(&job, p, &size, 1)))
        goto done;
    CHECK(job.tiles == (size_t)(across * down), "%zu tiles, want %d",
          job.tiles, across * down);
    for (size_t t = 0; t < job.tiles; t++) {
        unet_tile where = unet_job_tile(&job, p, t);

        CHECK(where.image == 0 && where.y == (int)t / across * p->core_height
              && where.x == (int)t % across * p->core_width,
              "%dx%d tile %zu at %d %d", size.height, size.width, t, where.y,
              where.x);
        unet_tile_cut(tile, p, pixel, size, where);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++) {
                double want = 1
                    + walk(where.y - p->halo + y, size.height) * 1000
                    + walk(where.x - p->halo + x, size.width);

                CHECK(tile[y * width + x] == want,
                      "%dx%d tile %zu (%d, %d): %g, want %g", size.height,
                      size.width, t, y, x, tile[y * width + x], want);
            }
        unet_tile_paste(map, p, tile, size, where);
    }
    CHECK(memcmp(map, pixel, plane * sizeof *map) == 0,
          "%dx%d: cut and pasted is not the image", size.height, size.width);
done:
    unet_job_clear(&job);
    free(pixel);
    free(map);
    free(tile);
}

TEST(dvr_tiles_of_all_small_images)
{
    nn_plan p;

    for (int halo = 0; halo <= 3; halo++)
        for (int spare = 0; spare <= 1; spare++) {
            plan_identity(&p, NN_HALO, 7, 4, 3, 2, halo, spare);
            if (p.core_height < 1 || p.core_width < 1)
                continue;
            for (int h = 1; h <= 14; h++)
                for (int w = 1; w <= 11; w++)
                    check_tiles(&p, (unet_size){ h, w });
        }
}

/* The sets of several images come back as they went in. */
static void check_sets(const nn_plan *p, const unet_size *size, size_t images)
{
    double *slots = malloc((size_t)nn_plan_inputs(p) * p->layout.slots
                           * sizeof *slots);
    const double *pixel[8];
    const unet_pixels pixels = unet_pixels_array(pixel);
    double *got[8];
    size_t tiles = 0;
    unet_job job = {0};

    for (size_t i = 0; i < images; i++) {
        size_t plane = (size_t)(size[i].height * size[i].width);

        pixel[i] = named_pixels(size[i], 1e6 * (double)(i + 1));
        got[i] = calloc(plane, sizeof **got);
    }
    if (!CHECK_OK(unet_job_init(&job, p, size, images)))
        goto done;
    for (size_t set = 0; set < job.sets; set++) {
        int count = unet_job_count(&job, p, set);

        CHECK(count >= 1 && count <= p->layout.batch, "%d tiles", count);
        tiles += (size_t)count;
        CHECK_OK(unet_pack(slots, p, &job, &pixels, set));
        CHECK_OK(unet_unpack(got, p, &job, slots, set));
    }
    CHECK(tiles == job.tiles, "%zu tiles in sets, want %zu", tiles, job.tiles);
    for (size_t i = 0; i < images; i++)
        CHECK(memcmp(got[i], pixel[i], (size_t)(size[i].height * size[i].width)
                                       * sizeof **got) == 0,
              "image %zu of %zu: %dx%d", i, images, size[i].height,
              size[i].width);
done:
    for (size_t i = 0; i < images; i++) {
        free((void *)(uintptr_t)pixel[i]);
        free(got[i]);
    }
    unet_job_clear(&job);
    free(slots);
}

TEST(dvr_sets_of_all_rings_and_batches)
{
    static const unet_size some[] = { { 1, 1 }, { 7, 3 }, { 3, 20 }, { 9, 9 },
                                      { 8, 8 }, { 2, 31 } };
    nn_plan p;

    for (int ring = 1; ring <= 4; ring *= 2)
        for (int log_n = 5; log_n <= 8; log_n++)
            for (int halo = 0; halo <= 2; halo++) {
                plan_identity(&p, NN_HALO, log_n, ring, 8 / ring + 1, 4, halo,
                              0);
                if (p.layout.batch < 1 || p.core_width < 1)
                    continue;
                for (size_t first = 0; first < 6; first++)
                    for (size_t n = 1; first + n <= 6; n++)
                        check_sets(&p, some + first, n);
            }
}

/* A map behind one pooling: every pixel stands for a square of four. */
TEST(dvr_pooled_map_grows)
{
    nn_plan p;
    unet_size size = { 8, 8 };
    unet_job job = {0};
    double slots[4 * 8], map[64], *logit = map;

    plan_identity(&p, NN_ZERO, 4, 4, 2, 2, 0, 0);
    p.out_gap = 2;
    if (!CHECK_OK(unet_job_init(&job, &p, &size, 1)))
        return;
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 4; x++)
            slots[(size_t)nn_layout_phase(&p.layout, 2, y, x) * 8
                  + nn_layout_slot(&p.layout, 2, 0, y, x)] = 10 * y + x;
    CHECK_OK(unet_unpack(&logit, &p, &job, slots, 0));
    for (int y = 0; y < 8; y++)
        for (int x = 0; x < 8; x++)
            CHECK(map[8 * y + x] == 10 * (y / 2) + x / 2, "(%d, %d): %g", y,
                  x, map[8 * y + x]);
    unet_job_clear(&job);
}

/* Refusals name the sizes, and leave the job alone. */
TEST(dvr_sizes_refused)
{
    nn_plan p;
    unet_size good = { 8, 8 }, bad[2] = { { 8, 8 }, { 20000, 3 } };
    unet_job job = {0};

    plan_identity(&p, NN_WRAP, 4, 4, 2, 2, 0, 0);
    CHECK_STATUS(unet_job_init(&job, &p, bad, 2), CKKS_EARG);
    CHECK(strstr(nn_last_error(), "image 2") != NULL
          && strstr(nn_last_error(), "20000x3") != NULL
          && strstr(nn_last_error(), "8x8") != NULL, "%s", nn_last_error());
    plan_identity(&p, NN_HALO, 4, 4, 2, 2, 0, 0);
    CHECK_STATUS(unet_job_init(&job, &p, &good, 0), CKKS_EARG);
    CHECK_STATUS(unet_job_init(&job, &p, &good, UNET_MAX_IMAGES + 1),
                 CKKS_EARG);
    bad[0] = (unet_size){ 0, 5 };
    CHECK_STATUS(unet_job_init(&job, &p, bad, 1), CKKS_EARG);
    bad[0] = (unet_size){ 5, NN_MAX_SIDE + 1 };
    CHECK_STATUS(unet_job_init(&job, &p, bad, 1), CKKS_EARG);
    CHECK_STATUS(unet_job_init(NULL, &p, &good, 1), CKKS_EARG);
    CHECK_STATUS(unet_job_init(&job, NULL, &good, 1), CKKS_EARG);
    CHECK_STATUS(unet_job_init(&job, &p, NULL, 1), CKKS_EARG);
    p.core_height = 0;
    CHECK_STATUS(unet_job_init(&job, &p, &good, 1), CKKS_EARG);
    CHECK(job.images == 0 && job.size == NULL, "the job has changed");
    unet_job_clear(&job);
    unet_job_clear(NULL);
}
