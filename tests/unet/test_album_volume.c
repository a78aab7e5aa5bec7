/* test_album_volume.c -- volumes, and pictures of more than 8 bits, in albums.
 */
#include <math.h>
#include <unistd.h>

#include "image/album.h"
#include "image/codec.h"
#include "test.h"

enum { MANY = UNET_ALBUM_VOLUMES + 3 };

typedef struct album_place_of {
    char root[64], file[MANY][96];
} album_place_of;

static const nn_images album_full = { .given = true, .plane = NN_PLANE_AXIAL,
                                      .values = NN_VALUES_FULL };
static const uni_album_aim album_any = { 1, 0, 0, false, 0, SIZE_MAX, NULL,
                                         NULL, 0, &album_full, false };

static bool place_make(album_place_of *p)
{
    snprintf(p->root, sizeof p->root, "/tmp/test_album.XXXXXX");
    return CHECK(mkdtemp(p->root) != NULL, "no folder");
}

/* Volume number n: 4 x 3 x 2 voxels whose values are 24 n and more, stored as
 * they are shown. */
static const char *place_volume(album_place_of *p, int n, const char *name)
{
    static const int size[3] = { 4, 3, 2 };
    static const double affine[3][4] = { { 1, 0, 0, 0 }, { 0, -1, 0, 0 },
                                         { 0, 0, 1, 0 } };
    uni_geometry g;
    uni_slicing s;
    uni_mask m = {0};
    char root[64];

    memcpy(root, p->root, sizeof root);
    snprintf(p->file[n], sizeof p->file[n], "%s/%s", root, name);
    if (CHECK_OK(uni_geometry_set(&g, "x", size, affine))
        && CHECK_OK(uni_slicing_make(&s, "x", &g, NULL))
        && CHECK_OK(uni_mask_init(&m, &g, &s))) {
        for (int i = 0; i < 24; i++)
            m.voxel[i] = (uint8_t)(10 * n + i);
        CHECK_OK(uni_mask_save(p->file[n], &m));
    }
    uni_mask_clear(&m);
    return p->file[n];
}

static void place_remove(album_place_of *p, int files)
{
    for (int n = 0; n < files; n++)
        CHECK(remove(p->file[n]) == 0, "%s", p->file[n]);
    CHECK(rmdir(p->root) == 0, "files are left in %s", p->root);
}

/* Image i begins with that pixel. */
static void album_begins(const uni_album *album, size_t i, double want)
{
    uni_image image = {0};

    if (CHECK_OK(uni_album_image(&image, album, i)))
        CHECK(image.pixel[0] == want, "image %zu begins with %g, want %g", i,
              image.pixel[0], want);
    uni_image_clear(&image);
}

static void album_called(const uni_album *album, size_t i, const char *end)
{
    char *name = uni_album_name(album, i);
    const size_t n = strlen(name), k = strlen(end);

    CHECK(n > k && strcmp(name + n - k, end) == 0, "%s, want ...%s", name,
          end);
    free(name);
}

/* What is held needs no file; the others are refused by their names. */
static void album_without_files(const uni_album *album, album_place_of *p)
{
    size_t held = 0;
    char name[32];

    for (int n = 0; n < MANY; n++)
        CHECK(remove(p->file[n]) == 0, "%s", p->file[n]);
    for (int n = 0; n < MANY; n++) {
        uni_image image = {0};

        if (uni_album_image(&image, album, 2 * (size_t)n) == CKKS_OK)
            held++;
        else
            CHECK(strstr(nn_last_error(), p->file[n]) != NULL, "%s",
                  nn_last_error());
        uni_image_clear(&image);
    }
    CHECK(held <= UNET_ALBUM_VOLUMES && held > 0, "%zu are held", held);
    for (int n = 0; n < MANY; n++) {
        snprintf(name, sizeof name, "v%02d.nii", n);
        place_volume(p, n, name);
    }
}

/* More volumes than are held, each of all its slices, in any order. */
TEST(album_volumes)
{
    album_place_of p;
    const char *arg[MANY];
    char name[32];
    uni_album album = {0};

    if (!place_make(&p))
        return;
    for (int n = 0; n < MANY; n++) {
        snprintf(name, sizeof name, "v%02d.nii", n);
        arg[n] = place_volume(&p, n, name);
    }
    if (CHECK_OK(uni_album_open(&album, arg, MANY, &album_any))) {
        CHECK(album.images == 2 * MANY && album.volumes == MANY, "%zu images "
              "of %zu volumes", album.images, album.volumes);
        for (size_t k = 0; k < 2 * MANY; k++) {
            const size_t i = 7 * k % (2 * MANY);
            const uni_album_source from = uni_album_source_of(&album, i);

            CHECK(from.slice == (int)(i % 2)
                  && from.volume == &album.volume[i / 2]
                  && from.values == &from.volume->values
                  && from.volume->first == i - i % 2
                  && from.volume->count == 2 && from.volume->slice == -1
                  && strcmp(from.file, arg[i / 2]) == 0,
                  "image %zu: slice %d of %s", i, from.slice, from.file);
            CHECK(album.size[i].height == 3 && album.size[i].width == 4,
                  "%d x %d", album.size[i].height, album.size[i].width);
            album_begins(&album, i, (double)(i / 2) * 10
                                    + (double)(i % 2) * 12);
        }
        album_called(&album, 3, "/v01.nii:slice=1");
        album_without_files(&album, &p);
    }
    uni_album_clear(&album);
    arg[0] = p.root;                            /* the folder                */
    if (CHECK_OK(uni_album_open(&album, arg, 1, &album_any)))
        CHECK(album.images == 2 * MANY && album.volumes == MANY, "%zu images",
              album.images);
    uni_album_clear(&album);
    place_remove(&p, MANY);
}

/* One slice of a volume, a part of two, and what is refused. */
TEST(album_slices)
{
    album_place_of p;
    char one[128], none[128];
    const char *arg[3];
    uni_album_aim aim = album_any;
    uni_album album = {0};

    if (!place_make(&p))
        return;
    arg[0] = place_volume(&p, 0, "a.nii");
    snprintf(one, sizeof one, "%s:slice=1", arg[0]);
    snprintf(none, sizeof none, "%s:slice=2", arg[0]);
    arg[1] = one;
    arg[2] = place_volume(&p, 1, "b.nii");
    aim.first = 1;
    aim.count = 3;
    if (CHECK_OK(uni_album_open(&album, arg, 3, &aim))) {
        CHECK(album.images == 3 && album.volumes == 3 && album.all == 5,
              "%zu of %zu images, %zu volumes", album.images, album.all,
              album.volumes);
        CHECK(album.volume[0].count == 1 && album.volume[1].slice == 1
              && album.volume[2].first == 2, "first and count");
        album_called(&album, 0, "/a.nii:slice=1");
        album_called(&album, 1, "/a.nii:slice=1");
        album_called(&album, 2, "/b.nii:slice=0");
        album_begins(&album, 0, 12);
        album_begins(&album, 1, 12);
        album_begins(&album, 2, 10);
    }
    uni_album_clear(&album);
    aim.first = 3;
    aim.count = 2;
    if (CHECK_OK(uni_album_open(&album, arg, 3, &aim)))
        CHECK(album.images == 2 && album.volumes == 1, "%zu volumes",
              album.volumes);
    uni_album_clear(&album);
    arg[0] = none;
    CHECK(uni_album_open(&album, arg, 1, &album_any) == CKKS_EARG
          && strstr(nn_last_error(), "slice 2 of a volume of 2 axial")
             != NULL, "%s", nn_last_error());
    aim = album_any;
    aim.height = 3;
    aim.width = 3;
    CHECK(uni_album_open(&album, arg + 1, 2, &aim) == CKKS_EARG
          && strstr(nn_last_error(), "3x4 pixels (height x width), the model "
                    "takes 3x3") != NULL, "%s", nn_last_error());
    aim.width = 2;
    aim.fit = true;
    if (CHECK_OK(uni_album_open(&album, arg + 2, 1, &aim))) {
        CHECK(album.size[0].width == 2 && album.volume[0].slicing.step_x == 2,
              "%d wide", album.size[0].width);
        album_begins(&album, 0, 10.5);          /* the mean of 10 and 11     */
    }
    uni_album_clear(&album);
    place_remove(&p, 2);
}

/* ---- pictures of more than 8 bits ---------------------------------------- */

/* 2 x 2 of these samples, as a PGM of so many. */
static const char *place_pgm(album_place_of *p, int top, const int sample[4])
{
    char text[200], root[64];

    memcpy(root, p->root, sizeof root);
    snprintf(p->file[0], sizeof p->file[0], "%s/a.pgm", root);
    snprintf(text, sizeof text, "P2\n2 2\n%d\n%d %d %d %d\n", top, sample[0],
             sample[1], sample[2], sample[3]);
    CHECK_OK(ckks_file_write(p->file[0], (const uint8_t *)text, strlen(text),
                             0600));
    return p->file[0];
}

TEST(album_deep_pictures)
{
    static const int sample[4] = { 100, 200, 300, 500 };
    const nn_images range = { .given = true, .low = 0, .high = 100 };
    const nn_images window = { .given = true, .values = NN_VALUES_WINDOW,
                               .low = 200, .high = 400 };
    const nn_images *said[] = { NULL, &album_full, &range, &window };
    const double want[4][4] = {
        { 100 / 257.0, 200 / 257.0, 300 / 257.0, 500 / 257.0 },
        { 100 / 257.0, 200 / 257.0, 300 / 257.0, 500 / 257.0 },
        { 0, 63.75, 127.5, 255 }, { 0, 0, 127.5, 255 }
    };
    album_place_of p;
    uni_album_aim aim = album_any;
    const char *arg[1];

    if (!place_make(&p))
        return;
    arg[0] = place_pgm(&p, 65535, sample);
    for (int k = 0; k < 4; k++) {
        uni_album album = {0};
        uni_image image = {0};
        const uni_values *r;

        aim.images = said[k];
        if (!CHECK_OK(uni_album_open(&album, arg, 1, &aim)))
            break;
        r = uni_album_source_of(&album, 0).values;
        CHECK(r != NULL && r->lowest == 100 && r->highest == 500
              && uni_values_odd(r), "rule %d", k);
        if (CHECK_OK(uni_album_image(&image, &album, 0)))
            for (int i = 0; i < 4; i++)
                CHECK(fabs(image.pixel[i] - want[k][i]) < 1e-9, "rule %d, "
                      "pixel %d: %g, want %g", k, i, image.pixel[i],
                      want[k][i]);
        uni_image_clear(&image);
        uni_album_clear(&album);
    }
    place_pgm(&p, 511, (const int[4]){ 10, 20, 300, 500 });
    uni_album wide = {0};

    aim.images = &range;
    if (CHECK_OK(uni_album_open(&wide, arg, 1, &aim)))
        CHECK(!uni_values_odd(uni_album_source_of(&wide, 0).values),
              "nothing is odd");
    uni_album_clear(&wide);
    place_pgm(&p, 255, (const int[4]){ 1, 2, 3, 4 });
    uni_album album = {0};

    aim.images = &range;                        /* 8 bits stay as they are   */
    if (CHECK_OK(uni_album_open(&album, arg, 1, &aim))) {
        CHECK(uni_album_source_of(&album, 0).values == NULL, "values");
        album_begins(&album, 0, 1);
    }
    uni_album_clear(&album);
    place_remove(&p, 1);
}

/* sBIT says how many bits are in use: samples within them are not scaled up. */
TEST(image_bits_in_use)
{
    for (int bits = 0; bits <= 12; bits += 12)
        for (int top = 4095; top <= 65535; top += 61440) {
            double pixel[4] = { 0, 10 / 257.0, 20 / 257.0, top / 257.0 };
            uni_image image = { 1, 2, 2, pixel, 65535, bits };
            uni_values r;
            const double full = bits > 0 && top == 4095 ? 4095 : 65535;

            CHECK_OK(uni_image_values(&r, &image, NULL));
            CHECK(r.high == full && fabs(pixel[1] - 10 * 255 / full) < 1e-12
                  && fabs(pixel[3] - top * 255 / full) < 1e-9,
                  "%d bits, up to %d: %g becomes 255", bits, top, r.high);
        }
}
