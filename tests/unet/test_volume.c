/* test_volume.c -- the arithmetic of volumes: orientation, order of values,
 * slices, masks, the record.  tests/scripts/volumes.py compares whole files
 * with nibabel.
 */
#include <math.h>
#include <unistd.h>

#include "image/orient.h"
#include "image/order.h"
#include "image/resample.h"
#include "image/values.h"
#include "test.h"

/* A uniform number of lo..hi. */
static double volume_random(uint64_t *seed, double lo, double hi)
{
    return lo + (hi - lo) * (double)(test_word(seed) >> 11) / 0x1p53;
}

/* ---- orientation --------------------------------------------------------- */

/* The 48 orders, exactly along the axes and turned by up to 20 degrees about
 * one of them, where the same entries stay the largest. */
TEST(volume_orientations)
{
    static const int order[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
                                     { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
    uint64_t seed = 48;

    for (int n = 0; n < 48 * 20; n++) {
        const int *to = order[n % 6], u = n / 48 % 3, v = (u + 1) % 3;
        const double turn = n < 48 ? 0 : volume_random(&seed, -0.35, 0.35);
        double affine[3][4] = { { 0 } };
        uni_orient o;
        bool same = true;

        for (int j = 0; j < 3; j++)
            affine[to[j]][j] = (n / 6 >> j & 1 ? -1 : 1)
                             * volume_random(&seed, 0.1, 9);
        for (int j = 0; j < 3; j++) {
            const double a = affine[u][j], b = affine[v][j];

            affine[u][j] = cos(turn) * a - sin(turn) * b;
            affine[v][j] = sin(turn) * a + cos(turn) * b;
        }
        if (!CHECK(uni_orient_of(&o, (const double (*)[4])affine), "%d", n))
            continue;
        for (int j = 0; j < 3; j++)
            same = same && o.along[j] == to[j]
                   && o.against[j] == (n / 6 >> j & 1);
        CHECK(same, "order %d, turned by %g", n % 48, turn);
    }
}

TEST(volume_no_orientation)
{
    static const double bad[] = { 0, NAN, INFINITY, 1e-4 };
    uni_orient o;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double affine[3][4] = { { 1, 0, 0, 5 }, { 0, 1, 1, 6 },
                                { 0, 0, 0, 7 } };

        affine[2][2] = bad[i];
        CHECK(!uni_orient_of(&o, (const double (*)[4])affine), "%g is taken",
              bad[i]);
        affine[1][2] = 0;
        affine[2][2] = 1;
        CHECK(uni_orient_of(&o, (const double (*)[4])affine), "the identity");
        affine[1][3] = NAN;
        CHECK(!uni_orient_of(&o, (const double (*)[4])affine), "an offset");
    }
}

/* The rotation that a quaternion stands for, by NIfTI's own formula. */
static double quatern_entry(const uni_geometry *g, int i, int j)
{
    const double b = g->quatern[0], c = g->quatern[1], d = g->quatern[2];
    const double a = sqrt(fmax(0, 1 - b * b - c * c - d * d));
    const double r[3][3] = {
        { a * a + b * b - c * c - d * d, 2 * b * c - 2 * a * d,
          2 * b * d + 2 * a * c },
        { 2 * b * c + 2 * a * d, a * a + c * c - b * b - d * d,
          2 * c * d - 2 * a * b },
        { 2 * b * d - 2 * a * c, 2 * c * d + 2 * a * b,
          a * a + d * d - c * c - b * b }
    };

    return r[i][j] * g->pixdim[j + 1] * (j == 2 ? g->pixdim[0] : 1);
}

/* Turned by anything, half turns and mirrors too: the qform that is made says
 * what the affine says. */
TEST(volume_qform_of_affine)
{
    static const int n[3] = { 9, 8, 7 };
    uint64_t seed = 5;

    for (int k = 0; k < 500; k++) {
        double q[4], length = 0, affine[3][4];
        uni_geometry g;

        for (int i = 0; i < 4; i++) {
            q[i] = k % 5 == i ? 0 : volume_random(&seed, -1, 1);
            length += q[i] * q[i];
        }
        for (int i = 0; i < 4; i++)
            q[i] /= sqrt(length);
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 3; j++) {
                const int l = 3 - i - j;
                const double odd = (j - i + 3) % 3 == 1 ? -1 : 1;

                affine[i][j] = i == j
                    ? 2 * (q[0] * q[0] + q[i + 1] * q[i + 1]) - 1
                    : 2 * (q[i + 1] * q[j + 1] + odd * q[0] * q[l + 1]);
                affine[i][j] *= (double)(j + 1) * (k & 1 && j == 1 ? -1 : 1);
                affine[i][3] = 10 * i;
            }
        if (!CHECK_OK(uni_geometry_set(&g, "x", n,
                                       (const double (*)[4])affine)))
            return;
        CHECK(g.qform == 1 && g.sform == 1, "codes %d, %d", g.qform, g.sform);
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 3; j++)
                CHECK(fabs(quatern_entry(&g, i, j) - affine[i][j]) < 1e-7,
                      "turn %d, entry %d %d: %g, want %g", k, i, j,
                      quatern_entry(&g, i, j), affine[i][j]);
    }
}

TEST(volume_geometry_refusals)
{
    static const int n[3] = { 9, 8, 7 };
    double affine[3][4] = { { 1, 0.5, 0, 0 }, { 0, 1, 0, 0 }, { 0, 0, 2, 0 } };
    const int sizes[][3] = { { 0, 1, 1 }, { 1, -1, 1 }, { 1, 1, 32768 } };
    uni_geometry g = { .rank = 77 };

    for (int i = 0; i < 3; i++)
        CHECK_STATUS(uni_geometry_set(&g, "x", sizes[i],
                                      (const double (*)[4])affine),
                     CKKS_EFORMAT);
    affine[2][2] = 1e7;
    CHECK_STATUS(uni_geometry_set(&g, "x", n, (const double (*)[4])affine),
                 CKKS_EFORMAT);
    affine[2][2] = 0;
    CHECK_STATUS(uni_geometry_set(&g, "x", n, (const double (*)[4])affine),
                 CKKS_EFORMAT);
    CHECK(g.rank == 77, "out was written");
    affine[2][2] = 2;               /* sheared: no qform can say it          */
    if (CHECK_OK(uni_geometry_set(&g, "x", n, (const double (*)[4])affine)))
        CHECK(g.qform == 0 && g.sform == 1 && g.srow[0][1] == 0.5
              && fabs(g.pixdim[2] - sqrt(1.25)) < 1e-12, "qform %d", g.qform);
}

/* ---- the order of values ------------------------------------------------- */

static const uni_voxel volume_types[] = {
    UNI_U8, UNI_I8, UNI_U16, UNI_I16, UNI_U32, UNI_I32, UNI_U64, UNI_I64,
    UNI_F32, UNI_F64
};

enum { ORDERED = 600 };

/* A small integer as a word of the type. */
static void volume_put(uint8_t *to, uni_voxel type, int value)
{
    const float f = (float)value;
    const double d = value;
    const int64_t wide = value;
    const int bytes = uni_voxel_bytes(type);

    if (type == UNI_F32)
        memcpy(to, &f, 4);
    else if (type == UNI_F64)
        memcpy(to, &d, 8);
    else if (bytes == 8)
        memcpy(to, &wide, 8);
    else
        for (int i = 0; i < bytes; i++)     /* the machine's order           */
            to[*(const uint8_t *)&(uint16_t){ 1 } ? i : bytes - 1 - i] =
                (uint8_t)((uint64_t)wide >> (8 * i));
}

static int volume_compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Of every type: the k-th value is that of the sorted list, and so many are
 * below it. */
TEST(volume_order_of_values)
{
    uint64_t seed = 9;

    for (size_t t = 0; t < sizeof volume_types / sizeof *volume_types; t++) {
        uint8_t bytes[8 * ORDERED];
        double sorted[ORDERED];
        uni_volume v = { .type = volume_types[t], .slope = 1,
                         .voxel = bytes };
        const int wide = uni_voxel_bytes(v.type);
        const bool negative = v.type == UNI_I8 || v.type == UNI_I16
                              || v.type == UNI_I32 || v.type >= UNI_I64;
        uni_order o;

        v.geometry.n[0] = ORDERED / 6;
        v.geometry.n[1] = 3;
        v.geometry.n[2] = 2;
        for (int i = 0; i < ORDERED; i++) {
            const int span = wide == 1 ? 100 : 30000;
            const int value = (int)(test_word(&seed) % (uint64_t)span)
                              / (i % 2 ? 50 : 1) - (negative ? span / 2 : 0);

            sorted[i] = value;
            volume_put(bytes + i * wide, v.type, value);
        }
        if (!CHECK_OK(uni_order_init(&o, &v)))
            return;
        qsort(sorted, ORDERED, sizeof *sorted, volume_compare);
        for (size_t k = 0, below = 0; k < ORDERED; k++) {
            const uint64_t key = uni_order_select(&o, k);
            size_t equal = 0;

            while (sorted[below] < sorted[k])
                below++;
            while (below + equal < ORDERED && sorted[below + equal]
                   == sorted[k])
                equal++;
            CHECK(uni_order_value(&v, key) == sorted[k]
                  && uni_order_below(&o, key) == below
                  && uni_order_equal(&o, key) == equal,
                  "type %d, number %zu: %g with %zu below and %zu equal, want "
                  "%g, %zu, %zu", (int)v.type, k, uni_order_value(&v, key),
                  uni_order_below(&o, key), uni_order_equal(&o, key),
                  sorted[k], below, equal);
        }
        uni_order_clear(&o);
    }
}

/* ---- slices, masks ------------------------------------------------------- */

/* A volume of 3 x 4 x 5 bytes, voxel (i, j, k) of value i + 5 j + 20 k, whose
 * axes are A, L, S. */
static void volume_small(uni_volume *v, uint8_t bytes[60])
{
    static const int n[3] = { 3, 4, 5 };
    static const double affine[3][4] = { { 0, -2, 0, 0 }, { 1, 0, 0, 0 },
                                         { 0, 0, 3, 0 } };

    memset(v, 0, sizeof *v);
    for (int i = 0; i < 60; i++)
        bytes[i] = (uint8_t)(i % 3 + 5 * (i / 3 % 4) + 20 * (i / 12));
    CHECK_OK(uni_geometry_set(&v->geometry, "small", n, affine));
    v->type = UNI_U8;
    v->slope = v->volumes = 1;
    v->voxel = bytes;
}

TEST(volume_slices)
{
    static const nn_images full = { .given = true, .plane = NN_PLANE_AXIAL,
                                    .values = NN_VALUES_FULL };
    uint8_t bytes[60];
    uni_volume v;
    uni_slicing s;
    uni_values r;
    uni_image image = {0};
    char axes[4];

    volume_small(&v, bytes);
    uni_geometry_axes(axes, &v.geometry);
    CHECK(strcmp(axes, "ALS") == 0, "axes %s", axes);
    CHECK_OK(uni_slicing_make(&s, "small", &v.geometry, &full));
    CHECK(s.slices == 5 && s.rows == 3 && s.columns == 4 && s.spacing[0] == 3
          && s.spacing[1] == 1 && s.spacing[2] == 2, "%d %d %d", s.slices,
          s.rows, s.columns);
    CHECK_OK(uni_values_make(&r, &v, &full));
    if (CHECK_OK(uni_slice(&image, &v, &s, &r, 4)))
        for (int y = 0; y < 3; y++)         /* to the back, to the right     */
            for (int x = 0; x < 4; x++)
                CHECK(image.pixel[4 * y + x] == 2 - y + 5 * (3 - x) + 80,
                      "row %d, column %d: %g", y, x, image.pixel[4 * y + x]);
    CHECK_STATUS(uni_slice(&image, &v, &s, &r, 5), CKKS_EARG);
    CHECK_STATUS(uni_slice(&image, &v, &s, &r, -1), CKKS_EARG);
    uni_image_clear(&image);
}

/* A far spacing, one that is none, and slices too large once resampled. */
TEST(volume_spacing)
{
    nn_images want = { .given = true, .plane = NN_PLANE_AXIAL };
    uint8_t bytes[60];
    uni_volume v;
    uni_slicing s;

    volume_small(&v, bytes);
    want.spacing_y = 1.009;
    want.spacing_x = 1.05;
    CHECK_OK(uni_slicing_make(&s, "small", &v.geometry, &want));
    CHECK(s.height == 3 && s.step_y == 1 && s.width == 8
          && fabs(s.step_x - 0.525) < 1e-12
          && fabs(uni_slicing_off(&s, &want) - (2 / 1.05 - 1)) < 1e-12,
          "%d x %d, %g off", s.height, s.width, uni_slicing_off(&s, &want));
    want.spacing_y = want.spacing_x = 1000;
    CHECK_OK(uni_slicing_make(&s, "small", &v.geometry, &want));
    CHECK(s.height == 1 && s.width == 1, "%d x %d", s.height, s.width);
    want.spacing_y = want.spacing_x = 1e-4;
    s.rows = 77;
    CHECK_STATUS(uni_slicing_make(&s, "small", &v.geometry, &want),
                 CKKS_EARG);
    want.spacing_y = 1e-300;
    CHECK_STATUS(uni_slicing_make(&s, "small", &v.geometry, &want),
                 CKKS_EARG);
    CHECK(s.rows == 77, "out was written");
}

/* Whole multiples: the mean of boxes, and each stored pixel in its box. */
TEST(volume_fit)
{
    const int n[3] = { 6, 4, 1 };
    const double affine[3][4] = { { 1, 0, 0, 0 }, { 0, -1, 0, 0 },
                                  { 0, 0, 1, 0 } };
    double stored[24];
    uni_image in = { 1, 4, 6, stored, 0, 0 }, out = {0};
    uni_geometry g;
    uni_slicing s;

    for (int i = 0; i < 24; i++)
        stored[i] = i;
    CHECK_OK(uni_geometry_set(&g, "x", n, affine));
    CHECK_OK(uni_slicing_make(&s, "x", &g, NULL));
    CHECK_STATUS(uni_slicing_fit(&s, "x", 3, 2), CKKS_EARG);
    CHECK_OK(uni_slicing_fit(&s, "x", 2, 2));
    if (CHECK_OK(uni_resample(&out, &in, &s)))
        for (int i = 0; i < 4; i++)         /* 0 1 2 6 7 8: mean 4           */
            CHECK(fabs(out.pixel[i] - (12 * (i / 2) + 3 * (i % 2) + 4))
                  < 1e-12, "%d: %g", i, out.pixel[i]);
    for (int i = 0; i < 6; i++)
        CHECK(uni_nearest(i, 6, s.width, s.step_x) == i / 3, "column %d", i);
    uni_image_clear(&out);
}

TEST(volume_mask_refusals)
{
    uint8_t bytes[60], label[12] = { 0 };
    uni_volume v;
    uni_slicing s;
    uni_mask m = {0};

    volume_small(&v, bytes);
    CHECK_OK(uni_slicing_make(&s, "small", &v.geometry, NULL));
    if (!CHECK_OK(uni_mask_init(&m, &v.geometry, &s)))
        return;
    CHECK_STATUS(uni_mask_put(&m, label, 5), CKKS_EARG);
    CHECK_STATUS(uni_mask_put(&m, label, -1), CKKS_EARG);
    CHECK_STATUS(uni_mask_put(&m, NULL, 0), CKKS_EARG);
    CHECK_STATUS(uni_mask_save("/tmp/mask.img", &m), CKKS_EARG);
    CHECK_STATUS(uni_mask_save(".nii", &m), CKKS_EARG);
    CHECK_STATUS(uni_mask_save("/no/such/folder/m.nii", &m), CKKS_EIO);
    CHECK(strncmp(nn_last_error(), "ckks_", 5) != 0, "%s", nn_last_error());
    uni_mask_clear(&m);
    uni_mask_clear(&m);
}

/* ---- the record ---------------------------------------------------------- */

static ckks_status record_read_text(uni_geometry *g, uni_slicing *s,
                                    const char *text)
{
    nni_json doc = {0};
    ckks_status status = nni_json_load(&doc, "record", (const uint8_t *)text,
                                       strlen(text));

    if (status == CKKS_OK)
        status = uni_geometry_get(g, s, &doc, doc.node, "record");
    nni_json_clear(&doc);
    return status;
}

/* The text with the first `from` replaced. */
static void record_change(char *to, size_t size, const char *text,
                          const char *from, const char *with)
{
    const char *at = strstr(text, from);

    if (CHECK(at != NULL, "%s is not in %s", from, text))
        snprintf(to, size, "%.*s%s%s", (int)(at - text), text, with,
                 at + strlen(from));
}

TEST(volume_record)
{
    static const struct { const char *from, *with; } cases[] = {
        { "\"plane\"", "\"plain\"" }, { "\"axial\"", "\"any\"" },
        { "\"axial\"", "1" }, { "\"rank\": 3", "\"rank\": 8" },
        { "\"rank\": 3", "\"rank\": 2" }, { "\"rank\": 3", "\"rank\": 3.5" },
        { "\"version\": 1", "\"version\": 3" },
        { "\"unit\": 1", "\"unit\": 2" }, { "\"unit\": 1", "\"unit\": \"1\"" },
        { "[3, 4, 5]", "[3, 4]" }, { "[3, 4, 5]", "[3, 4, 5, 6]" },
        { "[3, 4, 5]", "[0, 4, 5]" }, { "[3, 4, 5]", "[3, 4, 5.5]" },
        { "[3, 4, 5]", "[65536, 65536, 65536]" },
        { "[3, 4, 5]", "[65537, 1, 1]" }, { "[3, 4, 5]", "{\"a\": 3}" },
        { "[0, -2, 0, 0", "[0, 0, 0, 0" }, { "[0, -2, 0, 0", "[0, 1e39, 0, 0" },
        { "[0, -2, 0, 0", "[true, -2, 0, 0" },
        { "\"height\": 3", "\"height\": 0" },
        { "\"height\": 3", "\"height\": 65537" },
        { "\"step\": [1, 1]", "\"step\": [1, 0]" },
        { "\"step\": [1, 1]", "\"step\": [1, -1]" },
        { "\"step\": [1, 1]", "\"step\": [1, 1e10]" },
        { "\"step\": [1, 1]", "\"step\": [1, 1], \"more\": 1" },
        { "\"qform\": 1", "\"qform\": 6" }, { "\"sform\": 1", "\"sform\": -1" },
        { "\"units\": 2", "\"units\": 256" }
    };
    uint8_t bytes[60];
    char text[2000];
    uni_volume v;
    uni_slicing s, of = { .rows = 77 };
    uni_geometry g;
    nni_json_writer w;

    volume_small(&v, bytes);
    CHECK_OK(uni_slicing_make(&s, "small", &v.geometry, NULL));
    nni_json_writer_init(&w, NULL, 0);
    uni_geometry_put(&w, NULL, &v.geometry, &s);
    if (!CHECK_OK(nni_json_writer_finish(&w)))
        return;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        record_change(text, sizeof text, w.data, cases[i].from,
                      cases[i].with);
        CHECK(record_read_text(&g, &of, text) == CKKS_EFORMAT, "%s for %s is "
              "taken", cases[i].with, cases[i].from);
        CHECK(of.rows == 77, "out was written");
    }
    CHECK_STATUS(record_read_text(&g, &of, "[]"), CKKS_EFORMAT);
    CHECK_STATUS(record_read_text(&g, &of, "{}"), CKKS_EFORMAT);
    if (CHECK_OK(record_read_text(&g, &of, w.data)))
        CHECK(memcmp(&g.affine, &v.geometry.affine, sizeof g.affine) == 0
              && of.axis[1] == s.axis[1] && of.flip[1] == s.flip[1]
              && of.height == 3 && of.width == 4 && of.slices == 5,
              "%s", w.data);
    nni_json_writer_clear(&w);
}

/* ---- names --------------------------------------------------------------- */

TEST(volume_places)
{
    static const struct {
        const char *path, *file;
        int slice, volume;
    } good[] = {
        { "a.nii", "a.nii", -1, -1 }, { "a.nii:slice=7", "a.nii", 7, -1 },
        { "a:volume=2", "a", -1, 2 }, { "a:volume=2:slice=3", "a", 3, 2 },
        { "a:slice=3:volume=2", "a", 3, 2 }, { "a:slice3", "a:slice3", -1, -1 },
        { "a:slice=1:slice=2", "a:slice=1", 2, -1 }
    };
    static const char *const bad[] = {
        "a:slice=", "a:slice=x", "a:slice=-1", "a:slice=1x", "a:slice=65536",
        "a:volume=", "a:volume=99999999999999999999", "a:volume=1:slice= 2",
        "a:slice=+1"
    };
    uni_place p;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (CHECK_OK(uni_place_init(&p, good[i].path))) {
            CHECK(strcmp(p.file, good[i].file) == 0
                  && p.slice == good[i].slice && p.volume == good[i].volume,
                  "%s: %s, %d, %d", good[i].path, p.file, p.slice, p.volume);
            uni_place_clear(&p);
        }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_STATUS(uni_place_init(&p, bad[i]), CKKS_EARG);
}
