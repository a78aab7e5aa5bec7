/* test_album.c -- files, folders, lists and IDX files as one row of images:
 * unet/image/album.h. */
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/album.h"
#include "test.h"

/* ---- a folder of small files --------------------------------------------- */

typedef struct album_folder {
    char root[64];
    char *file[32];
    int files;
} album_folder;

static bool folder_make(album_folder *f)
{
    memset(f, 0, sizeof *f);
    snprintf(f->root, sizeof f->root, "/tmp/test_album.XXXXXX");
    return CHECK(mkdtemp(f->root) != NULL, "no folder");
}

static const char *folder_path(album_folder *f, const char *name)
{
    char *path = malloc(128);

    snprintf(path, 128, "%s/%s", f->root, name);
    f->file[f->files++] = path;
    return path;
}

static const char *folder_put(album_folder *f, const char *name,
                              const void *data, size_t size)
{
    const char *path = folder_path(f, name);
    FILE *file = fopen(path, "wb");

    CHECK(file != NULL && fwrite(data, 1, size, file) == size
          && fclose(file) == 0, "%s cannot be written", path);
    return path;
}

/* A PGM of height x width whose pixels are all v. */
static const char *folder_grey(album_folder *f, const char *name, int height,
                               int width, int v)
{
    char data[600];
    int k = snprintf(data, sizeof data, "P5\n%d %d\n255\n", width, height);

    memset(data + k, v, (size_t)(height * width));
    return folder_put(f, name, data, (size_t)(k + height * width));
}

static const char *folder_sub(album_folder *f, const char *name)
{
    const char *path = folder_path(f, name);

    CHECK(mkdir(path, 0777) == 0, "%s", path);
    return path;
}

static void folder_remove(album_folder *f)
{
    while (f->files > 0) {
        char *path = f->file[--f->files];

        CHECK(remove(path) == 0, "%s", path);
        free(path);
    }
    CHECK(rmdir(f->root) == 0, "%s is not empty", f->root);
}

static const uni_album_aim two_by_two = { 1, 2, 2, false, 0, SIZE_MAX, NULL,
                                           NULL, 0, NULL, false };

/* The first pixels of all images are these numbers, by both ways. */
static void album_holds(const char *const *arg, size_t args,
                        const uni_album_aim *aim, const int *want, size_t n)
{
    uni_album album = {0};
    unet_pixels pixels;
    ckks_status s = uni_album_open(&album, arg, args, aim);

    if (!CHECK(s == CKKS_OK, "%s", nn_last_error()))
        return;
    CHECK(album.images == n, "%zu images, want %zu", album.images, n);
    pixels = uni_album_pixels(&album);
    for (size_t i = 0; i < n && i < album.images; i++) {
        uni_image image = {0};
        const double *pixel = NULL;

        if (CHECK_OK(uni_album_image(&image, &album, i))
            && CHECK_OK(pixels.get(&pixel, pixels.user, i)))
            CHECK(image.pixel[0] == want[i] && pixel[0] == want[i]
                  && image.height == album.size[i].height
                  && image.width == album.size[i].width,
                  "image %zu: %g and %g, want %d", i, image.pixel[0],
                  pixel[0], want[i]);
        uni_image_clear(&image);
    }
    uni_album_clear(&album);
}

static void album_refused(const char *const *arg, size_t args,
                          const uni_album_aim *aim, ckks_status want,
                          const char *words)
{
    uni_album album = {0};
    ckks_status s = uni_album_open(&album, arg, args, aim);

    CHECK(s == want, "%s, want %s", ckks_status_name(s),
          ckks_status_name(want));
    CHECK(s == CKKS_OK || strstr(nn_last_error(), words) != NULL,
          "\"%s\", want \"%s\"", nn_last_error(), words);
    CHECK(album.images == 0 && album.size == NULL, "out was written");
    uni_album_clear(&album);
}

/* ---- tests --------------------------------------------------------------- */

TEST(album_folders_and_lists)
{
    static const char idx[] = "\0\0\10\3\0\0\0\3\0\0\0\2\0\0\0\2"
                              "\60...\61...\62...";
    static const int all[] = { 3, 1, 2, 48, 49, 50, 3 };
    static const int part[] = { 2, 48, 49 };
    uni_album_aim aim = two_by_two;
    const char *arg[4];
    char list[600], *name;
    uni_album album = {0};
    album_folder f;

    if (!folder_make(&f))
        return;
    arg[1] = folder_sub(&f, "in");
    folder_grey(&f, "in/b.pgm", 2, 2, 2);
    folder_grey(&f, "in/B.PGM", 2, 2, 1);
    folder_put(&f, "in/.hidden.pgm", "", 0);
    folder_put(&f, "in/notes.txt", "?", 1);
    folder_put(&f, "in/.pgm", "?", 1);
    folder_put(&f, "in/labels.csv", "?", 1);
    arg[0] = folder_grey(&f, "single", 2, 2, 3);
    arg[2] = folder_put(&f, "three.idx", idx, sizeof idx - 1);
    snprintf(list, sizeof list, "\r\n%s\n\n%s\r\n%s\n%s", arg[0], arg[1],
             arg[2], arg[0]);
    folder_put(&f, "names", list, strlen(list));
    album_holds(arg, 3, &aim, all, 6);
    snprintf(list, sizeof list, "@%s/names", f.root);
    arg[3] = list;
    album_holds(arg + 3, 1, &aim, all, 7);
    aim.first = 2;
    aim.count = 3;
    album_holds(arg, 3, &aim, part, 3);
    aim.count = SIZE_MAX;
    album_holds(arg, 3, &aim, all + 2, 4);
    aim.first = 6;
    album_refused(arg, 3, &aim, CKKS_EARG, "6 images in all");
    aim.first = 0;
    aim.count = 7;
    album_refused(arg, 3, &aim, CKKS_EARG, "6 images in all");
    aim.count = 0;
    album_refused(arg, 3, &aim, CKKS_EARG, "0 of 6");
    aim.count = 2;
    aim.first = 3;
    if (CHECK_OK(uni_album_open(&album, arg, 3, &aim))) {
        name = uni_album_name(&album, 1);
        CHECK(album.names.skipped == 2
              && strstr(album.names.other, "/in/.pgm") == NULL
              && strstr(album.names.other, "/in/labels.csv") != NULL,
              "%zu skipped, %s", album.names.skipped, album.names.other);
        CHECK(strstr(name, "/three.idx#1") != NULL && album.all == 6,
              "%s of %zu", name, album.all);
        free(name);
    }
    uni_album_clear(&album);
    folder_remove(&f);
}

TEST(album_refusals)
{
    static const uint8_t labels[] = { 0, 0, 8, 1, 0, 0, 0, 2, 1, 0 };
    const char *arg[1];
    char list[200];
    album_folder f;

    if (!folder_make(&f))
        return;
    album_refused(arg, 0, &two_by_two, CKKS_EARG, "0 images in all");
    arg[0] = folder_sub(&f, "empty");
    album_refused(arg, 1, &two_by_two, CKKS_EARG, "no image in this folder");
    folder_put(&f, "empty/a.txt", "", 0);
    album_refused(arg, 1, &two_by_two, CKKS_EARG, "1 other file;");
    arg[0] = folder_put(&f, "labels", labels, sizeof labels);
    album_refused(arg, 1, &two_by_two, CKKS_EFORMAT, "2 labels, no images");
    arg[0] = folder_put(&f, "idx0", "\0\0\10\3\0\0\0\0\0\0\0\2\0\0\0\2", 16);
    album_refused(arg, 1, &two_by_two, CKKS_EFORMAT, "0 images");
    arg[0] = folder_put(&f, "cut", "\0\0\10\3\0\0\0\1\0\0\0\2\0\0\0\2...",
                        19);
    album_refused(arg, 1, &two_by_two, CKKS_EFORMAT, "3 bytes behind");
    arg[0] = folder_grey(&f, "big.pgm", 4, 6, 9);
    album_refused(arg, 1, &two_by_two, CKKS_EARG,
                  "big.pgm: 4x6 pixels (height x width), the model takes 2x2");
    arg[0] = folder_put(&f, "colour", "P6\n2 2\n255\n123456789012", 23);
    album_refused(arg, 1, &two_by_two, CKKS_EARG,
                  "colour: 3 channels (colour), the model takes 1");
    folder_put(&f, "jpeg", "\xff\xd8\xff\xe0", 4);
    arg[0] = f.file[f.files - 1];
    album_refused(arg, 1, &two_by_two, CKKS_EFORMAT, "JPEG");
    arg[0] = "/no/such/file.pgm";
    album_refused(arg, 1, &two_by_two, CKKS_EIO, "/no/such/file.pgm");
    arg[0] = "@/no/such/list";
    album_refused(arg, 1, &two_by_two, CKKS_EIO, "/no/such/list");
    arg[0] = list;
    snprintf(list, sizeof list, "@%s/l", f.root);
    folder_put(&f, "l", "\n\r\n", 3);
    album_refused(arg, 1, &two_by_two, CKKS_EARG, "no name in this list");
    folder_put(&f, "m", "a\n@b\n", 5);
    snprintf(list, sizeof list, "@%s/m", f.root);
    album_refused(arg, 1, &two_by_two, CKKS_EFORMAT, "line 2 names");
    folder_put(&f, "n", "\na\0b\n", 5);
    snprintf(list, sizeof list, "@%s/n", f.root);
    album_refused(arg, 1, &two_by_two, CKKS_EFORMAT, "line 2 holds");
    folder_put(&f, "o", "\xff\xfe" "a\0", 4);
    snprintf(list, sizeof list, "@%s/o", f.root);
    album_refused(arg, 1, &two_by_two, CKKS_EFORMAT, "a list in UTF-16");
    folder_sub(&f, "none");
    snprintf(list, sizeof list, "# none\n%s/none\n", f.root);
    folder_put(&f, "p", list, strlen(list));
    snprintf(list, sizeof list, "@%s/p", f.root);
    album_refused(arg, 1, &two_by_two, CKKS_EARG, "/p: line 2: ");
    snprintf(list, sizeof list, "@%s", f.root);
    album_refused(arg, 1, &two_by_two, CKKS_EIO, "a folder, not a regular");
    CHECK(strstr(nn_last_error(), "ckks_") == NULL, "%s", nn_last_error());
    folder_remove(&f);
}

/* A mark before the first line, comments, blanks behind a name. */
TEST(album_list_lines)
{
    static const int want[] = { 3, 4 };
    const char *arg[1], *a, *b;
    char list[400];
    album_folder f;

    if (!folder_make(&f))
        return;
    a = folder_grey(&f, "a.pgm", 2, 2, 3);
    b = folder_grey(&f, "b", 2, 2, 4);
    snprintf(list, sizeof list, "\xef\xbb\xbf%s \t\r\n# %s\n%s  ", a, b, b);
    folder_put(&f, "l", list, strlen(list));
    snprintf(list, sizeof list, "@%s/l", f.root);
    arg[0] = list;
    album_holds(arg, 1, &two_by_two, want, 2);
    folder_remove(&f);
}

TEST(album_fit)
{
    double big[2 * 4 * 6], small[8];
    uni_image in = { .channels = 2, .height = 4, .width = 6, .pixel = big };
    uni_image out = {0};
    uni_album_aim aim = two_by_two;
    const char *arg[1];
    const int nine = 9;
    album_folder f;

    for (int i = 0; i < 48; i++)
        big[i] = i;
    /* boxes of 2 x 3: the mean of corner + 0 1 2 6 7 8 is corner + 4 */
    for (int c = 0; c < 2; c++)
        for (int y = 0; y < 2; y++)
            for (int x = 0; x < 2; x++)
                small[4 * c + 2 * y + x] = 24 * c + 12 * y + 3 * x + 4;
    if (CHECK_OK(uni_image_shrink(&out, &in, 2, 2)))
        for (int i = 0; i < 8; i++)
            CHECK(fabs(out.pixel[i] - small[i]) < 1e-12, "%d: %g, want %g", i,
                  out.pixel[i], small[i]);
    uni_image_clear(&out);
    CHECK_STATUS(uni_image_shrink(&out, &in, 3, 2), CKKS_EARG);
    CHECK_STATUS(uni_image_shrink(&out, &in, 8, 6), CKKS_EARG);
    CHECK_STATUS(uni_image_shrink(&out, &in, 0, 2), CKKS_EARG);
    if (!folder_make(&f))
        return;
    aim.fit = true;
    arg[0] = folder_grey(&f, "a.pgm", 4, 6, 9);
    album_holds(arg, 1, &aim, &nine, 1);
    arg[0] = folder_grey(&f, "b.pgm", 2, 2, 9);
    album_holds(arg, 1, &aim, &nine, 1);
    arg[0] = folder_grey(&f, "c.pgm", 4, 5, 9);
    album_refused(arg, 1, &aim, CKKS_EARG,
                  "4x5 pixels (height x width), the model takes 2x2 or whole");
    arg[0] = folder_grey(&f, "d.pgm", 1, 2, 9);
    album_refused(arg, 1, &aim, CKKS_EARG, "1x2 pixels");
    folder_remove(&f);
}

/* IDX images of another size, or too many of them, by the head alone: the rest
 * of the file is not there. */
TEST(album_idx_by_its_head)
{
    static const char many[] = "\0\0\10\3\0\1\0\1\0\0\0\2\0\0\0\2";
    static const char large[] = "\0\0\10\3\0\0\0\3\0\0\10\0\0\0\10\0";
    char colour[] = "\0\0\10\4\0\0\0\1\0\0\0\2\0\0\0\2\0\0\0\3"
                    "777888999000";
    static const int seven = '7';
    uni_album_aim aim = two_by_two;
    const char *arg[1];
    album_folder f;

    if (!folder_make(&f))
        return;
    arg[0] = folder_put(&f, "many", many, 16);
    album_refused(arg, 1, &aim, CKKS_EARG,
                  "65537 images, more than 65536; take part");
    aim.count = 2;
    album_refused(arg, 1, &aim, CKKS_EFORMAT, "cut short");
    aim.count = SIZE_MAX;
    arg[0] = folder_put(&f, "large", large, 16);
    album_refused(arg, 1, &aim, CKKS_EARG, "2048x2048 pixels");
    arg[0] = folder_put(&f, "grey", colour, 32);    /* stored as colour      */
    album_holds(arg, 1, &aim, &seven, 1);
    colour[30] = '1';
    arg[0] = folder_put(&f, "colour", colour, 32);
    album_refused(arg, 1, &aim, CKKS_EARG, "3 channels (colour), the model "
                  "takes 1; pixel 3 of all is 48, 49, 48");
    folder_remove(&f);
}

/* Sizes image by image, of results: they hold when the caller's are gone. */
TEST(album_of_these_sizes)
{
    unet_size size[2] = { { 2, 3 }, { 3, 2 } };
    uni_album_aim aim = { 1, 0, 0, false, 0, SIZE_MAX, NULL, size, 2,
                          NULL, false };
    uni_album album = {0};
    uni_image image = {0};
    const char *arg[3];
    album_folder f;

    if (!folder_make(&f))
        return;
    arg[0] = folder_grey(&f, "a.pgm", 2, 3, 8);
    arg[1] = folder_grey(&f, "b.pgm", 3, 2, 9);
    arg[2] = folder_grey(&f, "c.pgm", 9, 9, 9);
    if (CHECK_OK(uni_album_open(&album, arg, 3, &aim))) {
        memset(size, 0, sizeof size);
        CHECK_OK(uni_album_image(&image, &album, 1));
        CHECK(image.height == 3 && image.width == 2, "%dx%d", image.height,
              image.width);
        uni_image_clear(&image);
        uni_album_clear(&album);
    }
    size[0] = (unet_size){ 3, 3 };
    album_refused(arg, 1, &aim, CKKS_EARG, "2x3 pixels (height x width), its "
                  "result has 3x3");
    size[0] = (unet_size){ 1, 1 };
    aim.fit = true;
    aim.sizes = 1;
    if (CHECK_OK(uni_album_open(&album, arg, 1, &aim)))
        CHECK(album.size[0].height == 1 && album.size[0].width == 1, "%dx%d",
              album.size[0].height, album.size[0].width);
    uni_album_clear(&album);
    folder_remove(&f);
}

/* What is not kept is read again, and must still be the same size. */
TEST(album_rereads)
{
    enum { SIDE = 3000 };           /* one is more than UNET_ALBUM_KEEP      */
    uni_album_aim aim = { 1, 0, 0, false, 0, SIZE_MAX, NULL, NULL, 0,
                          NULL, false };
    uint8_t *data = calloc(SIDE * SIDE + 20, 1);
    uni_album album = {0};
    uni_image image = {0};
    const char *arg[2];
    album_folder f;
    int k;

    if (data == NULL || !folder_make(&f)) {
        free(data);
        return;
    }
    k = snprintf((char *)data, 20, "P5\n%d %d\n255\n", SIDE, SIDE);
    data[k] = 77;
    arg[0] = folder_put(&f, "a.pgm", data, (size_t)(k + SIDE * SIDE));
    arg[1] = folder_grey(&f, "b.pgm", 3, 5, 8);
    if (CHECK_OK(uni_album_open(&album, arg, 2, &aim))) {
        CHECK(album.kept == 15 && album.size[0].width == SIDE
              && album.size[1].width == 5, "%zu numbers kept", album.kept);
        if (CHECK_OK(uni_album_image(&image, &album, 0)))
            CHECK(image.pixel[0] == 77, "%g", image.pixel[0]);
        remove(arg[0]);
        free(f.file[--f.files]);
        free(f.file[--f.files]);
        folder_grey(&f, "a.pgm", 4, 4, 9);
        folder_path(&f, "b.pgm");
        CHECK_STATUS(uni_album_image(&image, &album, 0), CKKS_EFORMAT);
        CHECK(strstr(nn_last_error(), "4x4 pixels now, 3000x3000 before")
              != NULL, "%s", nn_last_error());
        CHECK_OK(uni_album_image(&image, &album, 1));
        CHECK_STATUS(uni_album_image(&image, &album, 2), CKKS_EARG);
    }
    uni_image_clear(&image);
    uni_album_clear(&album);
    folder_remove(&f);
    free(data);
}
