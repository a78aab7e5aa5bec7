/* test_idx.c -- IDX files: unet/image/idx.h. */
#include "image/idx.h"
#include "test.h"

#ifdef UNET_HAVE_PNG
#include <zlib.h>
#endif

enum { IDX_ROOM = 256 };

/* A file: type 8, these sizes, then `bytes` bytes 0, 1, 2, ... */
static size_t idx_make(uint8_t *out, int rank, const uint32_t *size,
                       size_t bytes)
{
    size_t n = 0;

    out[n++] = 0;
    out[n++] = 0;
    out[n++] = 8;
    out[n++] = (uint8_t)rank;
    for (int i = 0; i < rank; i++)
        for (int k = 3; k >= 0; k--)
            out[n++] = (uint8_t)(size[i] >> 8 * k);
    for (size_t i = 0; i < bytes; i++)
        out[n++] = (uint8_t)i;
    return n;
}

/* From a block of its own size, so that a read beyond the end is seen. */
static ckks_status idx_read(uni_idx *out, const uint8_t *in, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    ckks_status s;

    memcpy(copy, in, size);
    s = uni_idx_decode(out, "file", copy, size);
    free(copy);
    return s;
}

static void idx_refused(const uint8_t *in, size_t size, const char *words)
{
    uni_idx idx = {0};

    if (CHECK(idx_read(&idx, in, size) == CKKS_EFORMAT,
              "%zu bytes accepted; want \"%s\"", size, words))
        CHECK(strstr(nn_last_error(), words) != NULL
              && strncmp(nn_last_error(), "file: ", 6) == 0,
              "\"%s\", want \"%s\"", nn_last_error(), words);
    CHECK(idx.data == NULL && idx.count == 0, "out was written");
    uni_idx_clear(&idx);
}

TEST(idx_values)
{
    static const uint32_t grey[] = { 2, 3, 4 }, colour[] = { 2, 2, 1, 3 };
    static const uint32_t labels[] = { 5 };
    /* image 1: rows 6 7 8, 9 10 11 of red, green, blue */
    static const double want[] = { 6, 9, 7, 10, 8, 11 };
    uint8_t file[IDX_ROOM];
    double pixel[12];
    uni_idx idx = {0};

    if (CHECK_OK(idx_read(&idx, file, idx_make(file, 3, grey, 24)))) {
        CHECK(idx.rank == 3 && idx.count == 2 && idx.channels == 1
              && idx.height == 3 && idx.width == 4, "%zu x %d x %d x %d",
              idx.count, idx.height, idx.width, idx.channels);
        uni_idx_image(pixel, &idx, 1);
        for (int i = 0; i < 12; i++)
            CHECK(pixel[i] == 12 + i, "pixel %d: %g", i, pixel[i]);
    }
    if (CHECK_OK(idx_read(&idx, file, idx_make(file, 4, colour, 12)))) {
        CHECK(idx.channels == 3 && idx.height == 2 && idx.width == 1,
              "%d x %d x %d", idx.height, idx.width, idx.channels);
        uni_idx_image(pixel, &idx, 1);
        for (int i = 0; i < 6; i++)
            CHECK(pixel[i] == want[i], "number %d: %g, want %g", i, pixel[i],
                  want[i]);
    }
    if (CHECK_OK(idx_read(&idx, file, idx_make(file, 1, labels, 5))))
        CHECK(idx.rank == 1 && idx.count == 5 && idx.data[4] == 4,
              "%zu labels", idx.count);
    uni_idx_clear(&idx);
}

TEST(idx_cut_and_surplus)
{
    static const uint32_t size[3][4] = { { 7 }, { 2, 3, 4 }, { 2, 2, 1, 3 } };
    static const int rank[] = { 1, 3, 4 };
    static const size_t bytes[] = { 7, 24, 12 };
    uint8_t file[IDX_ROOM] = {0};

    for (int k = 0; k < 3; k++) {
        size_t n = idx_make(file, rank[k], size[k], bytes[k]);
        size_t head = 4 + 4 * (size_t)rank[k];

        for (size_t cut = 0; cut < n; cut++)
            idx_refused(file, cut, cut < 4 ? "begins with 4"
                        : cut < head ? "the sizes of" : "cut short");
        idx_refused(file, n + 1, "surplus bytes");
        idx_refused(file, n + 100, "surplus bytes");
    }
}

TEST(idx_refusals)
{
    static const struct {
        int rank;
        uint32_t size[4];
        const char *words;
    } cases[] = {
        { 2, { 3, 4 }, "IDX of 2 dimensions" },
        { 5, { 1, 1, 1, 3 }, "IDX of 5 dimensions" },
        { 0, { 0 }, "IDX of 0 dimensions" },
        { 1, { 0 }, "0 labels" },
        { 3, { 0, 3, 4 }, "0 images" },
        { 3, { 1, 0, 4 }, "0 x 4 pixels" },
        { 3, { 1, 3, 0 }, "3 x 0 pixels" },
        { 3, { 1, 65537, 1 }, "65537 x 1 pixels" },
        { 3, { 1, 65536, 65536 }, "65536 x 65536 pixels" },
        { 3, { 1, 0xffffffff, 0xffffffff }, "4294967295 x 4294967295" },
        { 3, { 0xffffffff, 4096, 4096 }, "4294967295 IDX images" },
        { 3, { 0x40000000, 2, 2 }, "at most 2^30" },
        { 4, { 0xffffffff, 4096, 4096, 3 }, "at most 2^30" },
        { 4, { 1, 2, 2, 1 }, "1 channels, want 3" },
        { 4, { 1, 2, 2, 0xffffffff }, "4294967295 channels" },
        { 1, { 0xffffffff }, "4294967295 IDX images" },
        { 3, { 1000000, 10, 10 }, "are 100000000" },
    };
    uint8_t file[IDX_ROOM] = {0};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        idx_refused(file, idx_make(file, cases[i].rank, cases[i].size, 8),
                    cases[i].words);
    for (int at = 0; at < 3; at++) {
        static const char *const words[] = { "with 9 0", "with 0 9",
                                             "type 0x0d" };
        static const uint32_t one[] = { 1, 2, 2 };
        size_t n = idx_make(file, 3, one, 4);

        file[at] = at < 2 ? 9 : 13;
        idx_refused(file, n, words[at]);
    }
}

TEST(idx_damage)
{
    static const uint32_t size[] = { 2, 2, 2, 3 };
    uint64_t seed = 11;

    for (int i = 0; i < (test_long() ? 100000 : 3000); i++) {
        uint8_t file[IDX_ROOM] = {0};
        size_t n = idx_make(file, i % 2 ? 4 : 3, size, i % 2 ? 24 : 8);
        uni_idx idx = {0};

        for (int k = 0; k <= i % 3; k++)
            file[test_word(&seed) % 20] ^= (uint8_t)(1u << test_word(&seed)
                                                           % 8);
        if (idx_read(&idx, file, n) == CKKS_OK)
            CHECK(idx.count * (size_t)(idx.channels * idx.height * idx.width)
                  <= n, "%zu images of %zu bytes", idx.count, n);
        uni_idx_clear(&idx);
    }
}

#ifdef UNET_HAVE_PNG

static size_t idx_zip(uint8_t *out, size_t room, const uint8_t *in,
                      size_t size)
{
    z_stream z = {0};

    CHECK(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY)
          == Z_OK, "deflate");
    z.next_in = (z_const Bytef *)(uintptr_t)in;
    z.avail_in = (uInt)size;
    z.next_out = out;
    z.avail_out = (uInt)room;
    CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END, "deflate");
    deflateEnd(&z);
    return z.total_out;
}

TEST(idx_gzip)
{
    static const uint32_t size[] = { 2, 3, 4 };
    static const uint32_t lie[] = { 60, 65536, 256 };
    uint8_t file[IDX_ROOM] = {0}, zip[IDX_ROOM];
    size_t n = idx_make(file, 3, size, 24), packed;
    uni_idx idx = {0};

    packed = idx_zip(zip, sizeof zip, file, n);
    if (CHECK_OK(idx_read(&idx, zip, packed)))
        CHECK(idx.count == 2 && idx.data[23] == 23, "%zu images", idx.count);
    uni_idx_clear(&idx);
    for (size_t cut = 2; cut < packed; cut++)
        idx_refused(zip, cut, "");
    packed = idx_zip(zip, sizeof zip, file, n + 1);
    idx_refused(zip, packed, "too long");
    packed = idx_zip(zip, sizeof zip, file, n - 1);
    idx_refused(zip, packed, "want 40");
    for (size_t cut = 0; cut < 16; cut++) {
        packed = idx_zip(zip, sizeof zip, file, cut);
        idx_refused(zip, packed, "");
    }
    packed = idx_zip(zip, sizeof zip, file, idx_make(file, 3, lie, 24));
    idx_refused(zip, packed, "cannot hold 1006632976");
    file[3] = 2;
    packed = idx_zip(zip, sizeof zip, file, n);
    idx_refused(zip, packed, "IDX of 2 dimensions");
}

#endif
