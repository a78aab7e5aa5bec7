/* test_record.c -- what the owner keeps of the images of a request: names,
 * what names their pixels, and files that are none of these. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net_support.h"
#include "record.h"
#include "unet_support.h"

static const uint8_t id[UNET_ID] = "0123456789abcdef";

/* The digest by its definition: "VPIX", sides, doubles, all little-endian. */
TEST(record_pixels)
{
    static const double pixel[6] = { 0, 1, 2.5, 255, 0.1, 7 };
    static const uint8_t head[16] = "VPIX\1\0\0\0\2\0\0\0\3\0\0";
    uint8_t bytes[16 + 48], want[UNET_ID], is[UNET_ID], other[UNET_ID];

    memcpy(bytes, head, 16);
    for (int i = 0; i < 6; i++) {
        uint64_t bits;

        memcpy(&bits, &pixel[i], 8);
        for (int b = 0; b < 8; b++)
            bytes[16 + 8 * i + b] = (uint8_t)(bits >> 8 * b);
    }
    ckks_blake2b(want, UNET_ID, bytes, sizeof bytes, NULL, 0);
    NN_OK(uni_record_pixels(is, pixel, 1, (unet_size){ 2, 3 }));
    CHECK(memcmp(is, want, UNET_ID) == 0, "another digest");
    NN_OK(uni_record_pixels(other, pixel, 1, (unet_size){ 3, 2 }));
    CHECK(memcmp(is, other, UNET_ID) != 0, "the sides do not count");
}

static bool record_make(uni_record *r)
{
    if (!NN_OK(uni_record_init(r, 3)))
        return false;
    for (int i = 0; i < 3; i++)
        for (int b = 0; b < UNET_ID; b++)
            r->image[i].pixels[b] = (uint8_t)(17 * i + 3 * b);
    return NN_OK(uni_record_name(r, 0, "in/a.png"))
           && NN_OK(uni_record_name(r, 2, "\xc3\xbc\n.nii:slice=3"));
}

/* In memory the record is what its file holds. */
static void as_bytes(const char *path, const uni_record *r)
{
    size_t size = 0, is = 0;
    uint8_t *want = bytes_read(path, &size), *bytes = NULL;

    if (want != NULL && NN_OK(uni_record_encode(&bytes, &is, r)))
        CHECK(is == size && memcmp(bytes, want, size) == 0, "other bytes");
    free(want);
    free(bytes);
}

/* Written, private, read again; no file is no record. */
TEST(record_file)
{
    uni_record r = {0}, back = {0};
    test_folder f;
    char path[160];
    struct stat st;

    if (!folder_open(&f) || !record_make(&r))
        return;
    snprintf(path, sizeof path, "%s/%s", f.name,
             "30313233343536373839616263646566.json");
    NN_OK(uni_record_load(&back, f.name, id, 3));
    CHECK(back.images == 0, "%zu images of no file", back.images);
    NN_OK(uni_record_save(f.name, id, &r));
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600,
          "%s has mode %o", path, (unsigned)(st.st_mode & 0777));
    as_bytes(path, &r);
    NN_OK(uni_record_load(&back, f.name, id, 3));
    CHECK(back.images == 3 && strcmp(back.image[0].name, "in/a.png") == 0
          && back.image[1].name == NULL
          && strcmp(back.image[2].name, "___.nii:slice=3") == 0,
          "names %s, %s, %s", back.image[0].name, back.image[1].name,
          back.image[2].name);
    for (int i = 0; i < 3; i++)
        CHECK(memcmp(back.image[i].pixels, r.image[i].pixels, UNET_ID) == 0,
              "digest %d", i);
    CHECK_STATUS(uni_record_load(&back, f.name, id, 2), CKKS_EFORMAT);
    CHECK(back.images == 3, "a refused file changed the record");
    remove(path);
    uni_record_clear(&r);
    uni_record_clear(&back);
    folder_close(&f);
}

/* Two volumes and a window: as they were, bit for bit. */
TEST(record_volumes)
{
    static const int n[3] = { 3, 4, 2 };
    static const double affine[3][4] = { { 0, 0.1, 0, 1.0 / 3 },
                                         { -0.7, 0, 0, 1e-9 },
                                         { 0, 0, 2.5, -77.125 } };
    uni_record r = {0}, back = {0};
    uni_geometry g = {0};
    uni_slicing s = {0};
    test_folder f;
    char path[160];

    if (!folder_open(&f) || !record_make(&r)
        || !NN_OK(uni_geometry_set(&g, "v", n, affine))
        || !NN_OK(uni_slicing_make(&s, "v", &g, NULL)))
        return;
    CHECK(s.slices == 2, "%d slices", s.slices);
    CHECK_STATUS(uni_record_add(&r, "v", 2, 2, 0, &g, &s), CKKS_EARG);
    CHECK_STATUS(uni_record_add(&r, "v", 0, 2, 1, &g, &s), CKKS_EARG);
    CHECK_STATUS(uni_record_add(&r, "v", 0, 0, 0, &g, &s), CKKS_EARG);
    CHECK_STATUS(uni_record_add(&r, "v", 0, 1, -1, &g, &s), CKKS_EARG);
    CHECK_STATUS(uni_record_add(&r, "v", SIZE_MAX, 2, 0, &g, &s), CKKS_EARG);
    NN_OK(uni_record_add(&r, "dir/v.nii.gz", 0, 1, 1, &g, &s));
    CHECK_STATUS(uni_record_add(&r, "v", 0, 2, 0, &g, &s), CKKS_EARG);
    NN_OK(uni_record_add(&r, "w.nii", 1, 2, 0, &g, &s));
    r.asked = true;
    r.rule = NN_VALUES_WINDOW;
    r.low = -1.0 / 7;
    r.high = 1e300;
    NN_OK(uni_record_save(f.name, id, &r));
    NN_OK(uni_record_load(&back, f.name, id, 3));
    CHECK(back.volumes == 2 && back.asked && back.rule == NN_VALUES_WINDOW
          && back.low == r.low && back.high == r.high, "%zu volumes, %g..%g",
          back.volumes, back.low, back.high);
    for (size_t i = 0; i < back.volumes; i++) {
        const uni_record_volume *a = &r.volume[i], *b = &back.volume[i];

        CHECK(strcmp(a->name, b->name) == 0 && a->first == b->first
              && a->count == b->count && a->slice == b->slice,
              "volume %zu: %s", i, b->name);
        CHECK(memcmp(a->geometry.affine, b->geometry.affine,
                     sizeof a->geometry.affine) == 0
              && memcmp(a->geometry.n, b->geometry.n, sizeof n) == 0
              && a->slicing.height == b->slicing.height
              && a->slicing.axis[1] == b->slicing.axis[1],
              "volume %zu lies elsewhere", i);
    }
    snprintf(path, sizeof path, "%s/%s", f.name,
             "30313233343536373839616263646566.json");
    remove(path);
    uni_record_clear(&r);
    uni_record_clear(&back);
    folder_close(&f);
}

/* A name keeps its end. */
TEST(record_long_name)
{
    static char name[2000];
    uni_record r = {0};

    memset(name, 'x', sizeof name - 5);
    memcpy(name + sizeof name - 5, ".png", 5);
    NN_OK(uni_record_init(&r, 1));
    NN_OK(uni_record_name(&r, 0, name));
    CHECK(strlen(r.image[0].name) == UNI_RECORD_NAME
          && strcmp(r.image[0].name + UNI_RECORD_NAME - 5, "x.png") == 0,
          "%s", r.image[0].name);
    uni_record_clear(&r);
}

TEST(record_refused)
{
#define HEX "000102030405060708090a0b0c0d0e0f"
#define HEAD "{\"format\":\"volley-images-1\",\"images\":["
#define ONE "{\"name\":\"a\",\"pixels\":\"" HEX "\"}"
    static const char *const bad[] = {
        "", "{", "[]", "{}", HEAD ONE "]", HEAD ONE "," ONE "]} ,",
        HEAD ONE "]}", HEAD ONE "," ONE "," ONE "]}",
        "{\"format\":\"volley-images-2\",\"images\":[" ONE "," ONE "]}",
        "{\"images\":[" ONE "," ONE "]}",
        "{\"format\":\"volley-images-1\",\"images\":2}",
        HEAD ONE "," ONE "],\"more\":1}", HEAD ONE ",1]}", HEAD ONE ",{}]}",
        HEAD ONE ",{\"name\":\"b\"}]}", HEAD ONE ",{\"pixels\":\"" HEX "\"}]}",
        HEAD ONE ",{\"name\":1,\"pixels\":\"" HEX "\"}]}",
        HEAD ONE ",{\"name\":\"b\",\"pixels\":\"" HEX "0\"}]}",
        HEAD ONE ",{\"name\":\"b\",\"pixels\":\"0" HEX "\"}]}",
        HEAD ONE ",{\"name\":\"b\",\"pixels\":\"000102030405060708090A0B0C0D0E"
                 "0F\"}]}",
        HEAD ONE ",{\"name\":\"b\\u001b[2J\",\"pixels\":\"" HEX "\"}]}",
        HEAD ONE ",{\"name\":\"b\\u202egnp\",\"pixels\":\"" HEX "\"}]}",
        HEAD ONE ",{\"name\":\"b\",\"pixels\":\"" HEX "\",\"x\":1}]}",
        HEAD ONE "," ONE "],\"volumes\":{}}",
        HEAD ONE "," ONE "],\"volumes\":[1]}",
        HEAD ONE "," ONE "],\"volumes\":[{\"name\":\"v\",\"first\":0,"
             "\"images\":1,\"slice\":0}]}",
        HEAD ONE "," ONE "],\"volumes\":[{\"name\":\"v\",\"first\":0,"
             "\"images\":0,\"slice\":0,\"geometry\":{}}]}",
        HEAD ONE "," ONE "],\"values\":{\"rule\":\"mean\",\"low\":1,"
             "\"high\":2}}",
        HEAD ONE "," ONE "],\"values\":{\"rule\":\"full\",\"low\":1}}"
    };
    static const char good[] = HEAD ONE "," ONE "]}";
    uni_record r = {0};

    NN_OK(uni_record_decode(&r, "x", (const uint8_t *)good, strlen(good), 2));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_STATUS(uni_record_decode(&r, "x", (const uint8_t *)bad[i],
                                       strlen(bad[i]), 2), CKKS_EFORMAT);
        CHECK(strncmp(nn_last_error(), "x", 1) == 0, "%s", nn_last_error());
    }
    CHECK(r.images == 2, "a refused text changed the record");
    uni_record_clear(&r);
}
