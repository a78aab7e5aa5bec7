/* test_dicom_series.c -- DICOM files and folders of them as volumes and as
 * images of an album. */
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dicom_support.h"
#include "image/album.h"
#include "image/dicom.h"
#include "test.h"

/* ---- a folder ------------------------------------------------------------ */

typedef struct dicom_folder {
    char root[32];
    char *path[16];
    int files;
} dicom_folder;

static bool dicom_folder_make(dicom_folder *f)
{
    memset(f, 0, sizeof *f);
    strcpy(f->root, "/tmp/test_dicom.XXXXXX");
    return CHECK(mkdtemp(f->root) != NULL, "no folder");
}

static const char *dicom_put(dicom_folder *f, const char *name,
                             const void *bytes, size_t n)
{
    char *path = malloc(96);

    f->path[f->files++] = path;
    snprintf(path, 96, "%s/%s", f->root, name);
    CHECK_OK(ckks_file_write(path, bytes, n, 0600));
    return path;
}

static void dicom_folder_remove(dicom_folder *f)
{
    while (f->files > 0) {
        char *path = f->path[--f->files];

        CHECK(remove(path) == 0, "%s", path);
        free(path);
    }
    CHECK(rmdir(f->root) == 0, "%s", f->root);
}

/* Two rows of three pixels of 8 bits: v, v + 1, ...; z NULL: no place. */
static const char *dicom_slice(dicom_folder *f, const char *name,
                               const char *series, const char *z, int v)
{
    static const dicom_image image = { 2, 3, 1, 8, 8, 7, 0, "MONOCHROME2",
                                       NULL };
    dicom_made b = dicom_start(true);
    uint8_t pixel[6];
    char place[32];
    const char *path;

    for (int i = 0; i < 6; i++)
        pixel[i] = (uint8_t)(v + i);
    dicom_text(&b, 0x0020000e, "UI", series);
    if (z != NULL) {
        snprintf(place, sizeof place, "1\\2\\%s", z);
        dicom_text(&b, 0x00200032, "DS", place);
        dicom_text(&b, 0x00200037, "DS", "1\\0\\0\\0\\1\\0");
    }
    dicom_image_tags(&b, &image);
    if (z != NULL)
        dicom_text(&b, 0x00280030, "DS", "0.5\\0.25");
    dicom_pixels(&b, pixel, 6);
    path = dicom_put(f, name, b.data, b.size);
    dicom_free(&b);
    return path;
}

static ckks_status dicom_album(uni_album *album, const char *path)
{
    static const uni_album_aim any = { .channels = 1, .count = SIZE_MAX };

    return uni_album_open(album, &path, 1, &any);
}

/* ---- series -------------------------------------------------------------- */

TEST(dicom_series)
{
    static const double want[3][4] = { { -.25, 0, 0, -1 }, { 0, -.5, 0, -2 },
                                       { 0, 0, 1.5, -1 } };
    dicom_folder f;
    uni_volume v = {0};
    uni_album album = {0};

    if (!dicom_folder_make(&f))
        return;
    dicom_slice(&f, "a", "1.2", "0.5", 20);
    dicom_slice(&f, "b.dcm", "1.2", "-1", 10);
    dicom_slice(&f, "c", "1.2", "2", 30);
    dicom_put(&f, "notes.txt", "x", 1);
    CHECK(uni_volume_is(f.root), "no volume");
    if (CHECK(uni_volume_open(&v, f.root, -1) == CKKS_OK, "%s",
              nn_last_error())) {
        CHECK(v.geometry.n[0] == 3 && v.geometry.n[1] == 2
              && v.geometry.n[2] == 3 && v.type == UNI_U8 && v.volumes == 1,
              "%d x %d x %d", v.geometry.n[0], v.geometry.n[1],
              v.geometry.n[2]);
        for (int i = 0; i < 12; i++)
            CHECK(fabs(v.geometry.affine[i / 4][i % 4] - want[i / 4][i % 4])
                  < 1e-12, "%d %d: %g", i / 4, i % 4,
                  v.geometry.affine[i / 4][i % 4]);
        for (int i = 0; i < 18; i++)
            CHECK(v.voxel[i] == 10 * (i / 6 + 1) + i % 6, "voxel %d is %d", i,
                  v.voxel[i]);
    }
    uni_volume_clear(&v);
    CHECK(dicom_album(&album, f.root) == CKKS_OK, "%s", nn_last_error());
    CHECK(album.images == 3 && album.volumes == 1 && album.size[2].height == 2
          && album.size[2].width == 3, "%zu images", album.images);
    uni_album_clear(&album);
    dicom_folder_remove(&f);
}

/* Two series, of which one is to be chosen; an image among them. */
TEST(dicom_several_series)
{
    char path[64];
    dicom_folder f;
    uni_album album = {0};

    if (!dicom_folder_make(&f))
        return;
    dicom_slice(&f, "a", "1.2.777", "0", 20);
    dicom_slice(&f, "b", "1.2.777", "1", 10);
    dicom_slice(&f, "c", "1.2.888", "2", 30);
    CHECK(dicom_album(&album, f.root) == CKKS_EARG
          && strstr(nn_last_error(), "2 DICOM series") != NULL
          && strstr(nn_last_error(), "0: 2 images of 2x3 (a ...)") != NULL
          && strstr(nn_last_error(), "777") == NULL, "%s", nn_last_error());
    snprintf(path, sizeof path, "%s:volume=1", f.root);
    CHECK(dicom_album(&album, path) == CKKS_OK && album.images == 1, "%s",
          nn_last_error());
    uni_album_clear(&album);
    snprintf(path, sizeof path, "%s:volume=0:slice=1", f.root);
    CHECK(dicom_album(&album, path) == CKKS_OK && album.images == 1, "%s",
          nn_last_error());
    uni_album_clear(&album);
    snprintf(path, sizeof path, "%s:volume=2", f.root);
    CHECK(dicom_album(&album, path) == CKKS_EARG, "%s", nn_last_error());
    dicom_put(&f, "d.pgm", "P5\n1 1\n255\nx", 12);
    CHECK(dicom_album(&album, f.root) == CKKS_EFORMAT
          && strstr(nn_last_error(), "folder of its own") != NULL, "%s",
          nn_last_error());
    dicom_folder_remove(&f);
}

/* Images without a place are no slices, and each is one. */
TEST(dicom_for_themselves)
{
    static const dicom_image report = { 0, 0, 1, 8, 8, 7, 0, "MONOCHROME2",
                                        NULL };
    static const nn_images wants = { .given = true,
                                     .plane = NN_PLANE_CORONAL,
                                     .spacing_y = 0.3, .spacing_x = 0.3 };
    dicom_made b = dicom_start(true);
    uni_slicing s;
    uni_volume v = {0};
    uni_album album = {0};
    dicom_folder f;

    if (!dicom_folder_make(&f))
        return;
    dicom_slice(&f, "x1", "1.2", NULL, 20);
    dicom_slice(&f, "x0.dcm", "1.3", NULL, 10);
    dicom_image_tags(&b, &report);
    dicom_put(&f, "report", b.data, b.size);
    dicom_free(&b);
    dicom_put(&f, "notes.txt", "x", 1);
    CHECK(dicom_album(&album, f.root) == CKKS_OK && album.images == 2
          && album.names.skipped == 2, "%zu images, %zu skipped: %s",
          album.images, album.names.skipped, nn_last_error());
    uni_album_clear(&album);
    CHECK(uni_volume_open(&v, f.path[0], -1) == CKKS_OK, "%s",
          nn_last_error());
    CHECK(v.geometry.qform == 0 && v.geometry.sform == 0
          && v.geometry.unplaced && v.geometry.unspaced, "a place");
    if (CHECK(uni_slicing_make(&s, "x", &v.geometry, &wants) == CKKS_OK, "%s",
              nn_last_error()))
        CHECK(s.height == 2 && s.width == 3 && !s.flip[1] && !s.flip[2]
              && s.axis[1] == 1 && uni_slicing_off(&s, &wants) == 0,
              "%d x %d", s.height, s.width);
    uni_volume_clear(&v);
    dicom_folder_remove(&f);
}

/* ---- padding ------------------------------------------------------------- */

/* -2000 round the object is no data: percentiles are those of the others, and
 * it becomes 0. */
TEST(dicom_padding)
{
    static const int16_t pixel[6] = { -2000, 100, 300, 200, -2000, -2000 };
    static const dicom_image image = { 2, 3, 1, 16, 16, 15, 1, "MONOCHROME2",
                                       NULL };
    static const nn_images ends = { .given = true, .low = 0, .high = 100 };
    uint8_t bytes[12];
    dicom_made b = dicom_start(true);
    uni_volume v = {0};
    uni_values r;

    for (size_t i = 0; i < 6; i++) {
        bytes[2 * i] = (uint8_t)pixel[i];
        bytes[2 * i + 1] = (uint8_t)((uint16_t)pixel[i] >> 8);
    }
    dicom_image_tags(&b, &image);
    dicom_short(&b, 0x00280120, 65536 - 2000);
    dicom_pixels(&b, bytes, 12);
    if (CHECK(uni_dicom_decode(&v, "file", b.data, b.size) == CKKS_OK, "%s",
              nn_last_error())
        && CHECK(uni_values_make(&r, &v, &ends) == CKKS_OK, "%s",
                 nn_last_error()))
        CHECK(r.low == 100 && r.high == 300 && r.fill == 3 && r.least == 100,
              "%g..%g, %zu fill", r.low, r.high, r.fill);
    for (int i = 0; i < 2; i++)                 /* nothing else, then none   */
        v.pad[i] = i == 0 ? -3000 : 3000;
    CHECK(uni_values_make(&r, &v, &ends) == CKKS_EFORMAT, "%g", r.low);
    v.pad[1] = v.pad[0] = 500;
    CHECK(uni_values_make(&r, &v, &ends) == CKKS_OK && r.low == -2000, "%g",
          r.low);
    uni_volume_clear(&v);
    dicom_free(&b);
}
