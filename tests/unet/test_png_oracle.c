/* test_png_oracle.c -- PNG files against libpng: the values of every layout,
 * what is refused of files that were changed, and what is written.
 */
#include "image_support.h"
#include "png_oracle.h"

#ifdef UNET_HAVE_PNG

#include <dirent.h>
#include <math.h>

#include <zlib.h>

#include "image/png.h"

static uint64_t png_state = 7;

static unsigned drawn_below(unsigned n)
{
    png_state = png_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(png_state >> 33) % n;
}

static void add_chunk(image_bytes *b, const char *type, const uint8_t *data,
                      size_t n)
{
    uint8_t *at;
    uint32_t crc;

    b->data = realloc(b->data, b->size + n + 12);
    at = b->data + b->size;
    memcpy(at + 4, type, 4);
    memcpy(at + 8, data, n);
    crc = (uint32_t)crc32(0, at + 4, (uInt)n + 4);
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(n >> (24 - 8 * i));
        at[8 + n + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
    }
    b->size += n + 12;
}

/* A file with rows of noise, each of a filter by chance; the stream in pieces
 * of any length; palette of so many colours. */
static image_bytes any_png(int kind, int bits, bool interlaced, int height,
                           int width, int colours, bool others)
{
    enum { MOST_ROWS = 1 << 16 };
    uint8_t head[13] = { 0, 0, 0, (uint8_t)width, 0, 0, 0, (uint8_t)height,
                         (uint8_t)bits, (uint8_t)kind, 0, 0, interlaced };
    uint8_t *rows = malloc(MOST_ROWS), *packed = malloc(2 * MOST_ROWS);
    uint8_t palette[768], used[4] = { 5, 6, 7, 8 };
    const uni_png png = { .width = (uint32_t)width, .interlaced = interlaced,
                          .height = (uint32_t)height, .bits = bits,
                          .samples = kind == 2 ? 3 : kind == 4 ? 2
                                   : kind == 6 ? 4 : 1 };
    static const uint8_t x0[] = { 0, 4, 0, 2, 0, 1, 0 };
    static const uint8_t y0[] = { 0, 0, 4, 0, 2, 0, 1 };
    static const uint8_t dx[] = { 8, 8, 4, 4, 2, 2, 1 };
    static const uint8_t dy[] = { 8, 8, 8, 4, 4, 2, 2 };
    uLongf size = 2 * MOST_ROWS;
    image_bytes b = { malloc(8), 8 };
    size_t n = 0;

    for (int k = 0; k < (interlaced ? 7 : 1); k++) {
        int w = width, h = height;

        if (interlaced) {
            w = (width - x0[k] + dx[k] - 1) / dx[k];
            h = (height - y0[k] + dy[k] - 1) / dy[k];
        }
        for (int y = 0; y < h && w > 0; y++) {
            const int bytes = (w * bits * png.samples + 7) / 8;

            rows[n++] = (uint8_t)drawn_below(5);
            for (int i = 0; i < bytes; i++)
                rows[n++] = (uint8_t)drawn_below(256);
        }
    }
    memcpy(b.data, "\x89PNG\r\n\x1a\n", 8);
    add_chunk(&b, "IHDR", head, 13);
    if (others) {
        add_chunk(&b, "sBIT", used, kind == 3 ? 3 : (size_t)png.samples);
        add_chunk(&b, "gAMA", (const uint8_t *)"\0\0\xb1\x8f", 4);
    }
    for (size_t i = 0; i < sizeof palette; i++)
        palette[i] = (uint8_t)drawn_below(256);
    if (kind == 3 || (others && (kind & 2)))
        add_chunk(&b, "PLTE", palette, 3 * (size_t)colours);
    if (others && kind < 4)
        add_chunk(&b, "tRNS", palette, kind == 3 ? 1 : kind == 0 ? 2 : 6);
    CHECK(compress2(packed, &size, rows, n, 6) == Z_OK, "zlib");
    for (size_t at = 0; at < size;) {
        size_t piece = drawn_below(300);

        piece = piece < size - at ? piece : size - at;
        add_chunk(&b, "IDAT", packed + at, piece);
        at += piece;
    }
    if (others)
        add_chunk(&b, "tIME", palette, 7);
    add_chunk(&b, "IEND", palette, 0);
    free(rows);
    free(packed);
    return b;
}

/* Whether ours takes it; what it takes libpng does, to the same values. */
static bool as_libpng(const image_bytes *b, bool raw, const char *what)
{
    const uni_image_want want = { .raw = raw };
    uni_image ours = {0}, theirs = {0};
    const bool taken = uni_png_decode(&ours, "f", b->data, b->size, &want)
                       == CKKS_OK;
    const bool libpng = oracle_png(&theirs, "f", b->data, b->size, raw)
                        == CKKS_OK;

    CHECK(!taken || libpng, "%s: taken; %s", what, nn_last_error());
    if (taken && libpng) {
        const size_t n = (size_t)ours.channels * (size_t)ours.height
                         * (size_t)ours.width;
        size_t same = 0;

        CHECK(ours.channels == theirs.channels && ours.height == theirs.height
              && ours.width == theirs.width && ours.bits == theirs.bits
              && (ours.most > 0 ? ours.most : 255)
                 == (theirs.most > 0 ? theirs.most : 255), "%s: %dx%dx%d, %d "
              "bits, libpng %dx%dx%d, %d bits", what, ours.channels,
              ours.height, ours.width, ours.bits, theirs.channels,
              theirs.height, theirs.width, theirs.bits);
        while (same < n && ours.pixel[same] == theirs.pixel[same])
            same++;
        CHECK(same == n, "%s, raw %d: value %zu is %g, of libpng %g", what,
              raw, same, ours.pixel[same], theirs.pixel[same]);
    }
    uni_image_clear(&ours);
    uni_image_clear(&theirs);
    return taken;
}

TEST(png_every_layout_as_libpng)
{
    static const int depth[] = { 1, 2, 4, 8, 16 };
    int layouts = 0;

    for (int kind = 0; kind < 7; kind++)
        for (int k = 0; k < 5; k++) {
            if (kind == 1 || kind == 5 || (kind == 3 && k == 4)
                || (kind != 0 && kind != 3 && k < 3))
                continue;
            layouts++;
            for (int i = 0; i < 40; i++) {
                const int height = i < 8 ? i + 1 : 1 + (int)drawn_below(40);
                const int width = i < 8 ? 9 - i : 1 + (int)drawn_below(40);
                image_bytes b = any_png(kind, depth[k], i % 2, height, width,
                                        kind == 3 ? 1 << depth[k] : 200,
                                        i % 4 > 1);
                char what[96];

                snprintf(what, sizeof what, "colour type %d, %d bits, %dx%d, "
                         "interlaced %d", kind, depth[k], height, width,
                         i % 2);
                for (int raw = 0; raw < 2; raw++)
                    CHECK(as_libpng(&b, raw, what), "%s: %s", what,
                          nn_last_error());
                free(b.data);
            }
        }
    CHECK(layouts == 15, "%d layouts, of the format 15", layouts);
}

static void mend_chunks(image_bytes *b)
{
    for (size_t at = 8; b->size - at >= 12;) {
        size_t n = 0;
        uint32_t crc;

        for (int i = 0; i < 4; i++)
            n = n << 8 | b->data[at + (size_t)i];
        if (n > b->size - at - 12)
            return;
        crc = (uint32_t)crc32(0, b->data + at + 4, (uInt)n + 4);
        for (int i = 0; i < 4; i++)
            b->data[at + 8 + n + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
        at += n + 12;
    }
}

/* Whether the refusal is one that libpng does not know: it looks at nothing
 * behind the last row, not even the checksum. */
static bool stricter(const char *why)
{
    static const char *const words[] = {
        "surplus", "wrong checksum", "rows are cut short", "damaged"
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(why, words[i]) != NULL)
            return true;
    return false;
}

/* Bytes changed, checksums put right: what libpng refuses is refused; what is
 * refused beyond that is damage behind the pixels. */
TEST(png_changed_as_libpng)
{
    static const int kinds[][2] = { { 0, 8 }, { 3, 2 }, { 2, 8 }, { 4, 16 },
                                    { 6, 8 }, { 0, 1 } };
    int taken = 0, both = 0, alone = 0;

    for (int i = 0; i < 6000; i++) {
        const int *k = kinds[i % 6];
        image_bytes b = any_png(k[0], k[1], i / 6 % 2, 1 + i % 9, 1 + i % 7, 4,
                                i / 12 % 2);
        uni_image image = {0};
        char what[64];

        for (unsigned n = 1 + drawn_below(2); n > 0; n--)
            b.data[8 + drawn_below((unsigned)b.size - 8)] ^=
                (uint8_t)(drawn_below(2) ? 1u << drawn_below(8)
                                         : drawn_below(256));
        if (i % 3 > 0)
            mend_chunks(&b);
        snprintf(what, sizeof what, "changed file %d", i);
        if (as_libpng(&b, false, what)) {
            taken++;
        } else if (uni_png_decode(&image, "f", b.data, b.size, NULL)
                   != CKKS_OK) {
            char why[200];

            snprintf(why, sizeof why, "%s", nn_last_error());
            if (oracle_png(&image, "f", b.data, b.size, false) != CKKS_OK)
                both++;
            else
                alone += CHECK(stricter(why), "%s: libpng takes it; %s", what,
                               why);
        }
        uni_image_clear(&image);
        free(b.data);
    }
    CHECK(taken > 100 && both > 1000 && alone > 10, "%d, %d, %d", taken, both,
          alone);
}

/* What is written without libpng, libpng reads. */
TEST(png_packed)
{
    for (int i = 0; i < 60; i++) {
        const int channels = i % 3 == 2 ? 3 : 1, labels = i % 3 == 1 ? 5 : 0;
        const int height = 1 + (int)drawn_below(90);
        const int width = 1 + (int)drawn_below(90);
        const size_t n = (size_t)height * (size_t)width;
        uint8_t *sample = malloc(n * (size_t)channels), *out = NULL;
        uni_image image = {0};
        size_t size = 0, same = 0;

        for (size_t j = 0; j < n * (size_t)channels; j++)
            sample[j] = (uint8_t)(i < 30 ? j / 50 % (labels ? 5 : 256)
                                  : drawn_below(labels ? 5 : 256));
        CHECK_OK(uni_png_pack(&out, &size, sample, channels, height, width,
                              labels));
        CHECK_OK(oracle_png(&image, "packed", out, size, true));
        if (CHECK(image.height == height && image.width == width
                  && image.channels == channels, "%d", i))
            for (size_t j = 0; j < n * (size_t)channels; j++)
                same += image.pixel[j % (size_t)channels * n
                                    + j / (size_t)channels] == sample[j];
        CHECK(same == n * (size_t)channels, "%d: %zu of %zu values", i, same,
              n * (size_t)channels);
        uni_image_clear(&image);
        free(sample);
        free(out);
    }
}

/* ---- the files there are ------------------------------------------------- */

static bool named(const char *name, const char *ending)
{
    const size_t n = strlen(name), k = strlen(ending);

    return n > k && strcmp(name + n - k, ending) == 0;
}

/* Members one after the other, as far as both go. */
static void gzip_as_zlib(const image_bytes *b, const char *what)
{
    uni_inflate *z = malloc(sizeof *z);
    const size_t room = (size_t)1 << 27;
    uint8_t *ours = malloc(room), *theirs = malloc(room);
    uni_inflate_end end = UNI_INFLATE_SOUND, want;
    size_t at = 0, got, want_got, left;

    uni_inflate_begin(z, UNI_GZIP, b->data, b->size);
    for (int i = 0; end == UNI_INFLATE_SOUND && at < b->size; i++) {
        if (i > 0)
            uni_inflate_again(z);
        want = oracle_inflate(&want_got, &left, theirs, room, UNI_GZIP,
                              b->data + at, b->size - at);
        end = uni_inflate_read(z, &got, ours, room);
        CHECK(end == want && got == want_got
              && memcmp(ours, theirs, got) == 0, "%s, member %d: end %d, %zu "
              "bytes; of zlib %d, %zu", what, i, end, got, want, want_got);
        at = b->size - left;
    }
    free(z);
    free(ours);
    free(theirs);
}

static void compare_folder(int *files, const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        const bool png = named(entry->d_name, ".png");
        image_bytes b = { NULL, 0 };
        char path[600];

        if (!png && !named(entry->d_name, ".gz"))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (ckks_file_read(&b.data, &b.size, path, (size_t)1 << 26) != CKKS_OK)
            continue;
        ++*files;
        if (png)
            for (int raw = 0; raw < 2; raw++)
                (void)as_libpng(&b, raw, path);
        else
            gzip_as_zlib(&b, path);
        ckks_file_free(b.data, b.size);
    }
    if (dir != NULL)
        closedir(dir);
}

/* Every PNG and gzip file of the data, where it is. */
TEST(png_and_gzip_files_as_others)
{
    static const char *const folders[] = {
        "images", "mnist", "skin", "skinseg", "skinseg/test", "hippocampus",
        "hippocampus/test", "gm/native/test"
    };
    const char *data = getenv("VOLLEY_DATA");
    int files = 0;

    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[300];

        snprintf(path, sizeof path, "%s/%s", data != NULL ? data
                 : "../shared/data", folders[i]);
        compare_folder(&files, path);
    }
    printf("  note: %d files of the data\n", files);
}

#endif
