/* test_solid.c -- a volume as one image of three dimensions and back, place by
 * place against the rule of solid.h.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/solid.h"
#include "test.h"

/* Voxel (i, j, k) of the test's volume, as stored: 0 and 255 both occur. */
static uint8_t solid_voxel(const int n[3], int i, int j, int k)
{
    const int at = (k * n[1] + j) * n[0] + i;

    return at == 0 ? 0 : at == 1 ? 255 : (uint8_t)(1 + at * 37 % 254);
}

/* A file of n[0] x n[1] x n[2] voxels whose stored axes go to the left, to the
 * back, to the head, with what a mask may hold as voxels. */
static bool solid_file(char path[64], const int n[3])
{
    static const double affine[3][4] = { { -1, 0, 0, 9 }, { 0, -1, 0, 8 },
                                         { 0, 0, 1, -7 } };
    uni_geometry g;
    uni_slicing s;
    uni_mask m = {0};
    bool ok;

    snprintf(path, 64, "/tmp/volley-solid-%ld.nii", (long)getpid());
    ok = CHECK(uni_geometry_set(&g, path, n, affine) == CKKS_OK
               && uni_slicing_make(&s, path, &g, NULL) == CKKS_OK
               && uni_mask_init(&m, &g, &s) == CKKS_OK, "%s", nn_last_error());
    for (int i = 0; ok && i < n[0]; i++)
        for (int j = 0; j < n[1]; j++)
            for (int k = 0; k < n[2]; k++)
                m.voxel[(k * n[1] + j) * n[0] + i] = solid_voxel(n, i, j, k);
    ok = ok && CHECK(uni_mask_save(path, &m) == CKKS_OK, "%s",
                     nn_last_error());
    uni_mask_clear(&m);
    return ok;
}

/* The pixel at (z, y, x) of an axial solid: slices to the head, as they are
 * stored; rows to the back, as they are stored; columns to the right, against
 * the order of the file. */
static double solid_pixel(const int n[3], const int want[3], int z, int y,
                          int x)
{
    const int have[3] = { n[2], n[1], n[0] }, at[3] = { z, y, x };
    int p[3];

    for (int i = 0; i < 3; i++) {
        const int room = have[i] > want[i] ? have[i] - want[i]
                                           : want[i] - have[i];

        p[i] = have[i] > want[i] ? at[i] + room / 2 : at[i] - room / 2;
        if (p[i] < 0 || p[i] >= have[i])
            return 0;
    }
    return solid_voxel(n, n[0] - 1 - p[2], p[1], p[0]);
}

static void solid_check(const int n[3], const int want[3])
{
    static const nn_images full = { .given = true, .plane = NN_PLANE_AXIAL,
                                    .values = NN_VALUES_FULL };
    const bool same = n[0] == want[2] && n[1] == want[1] && n[2] == want[0];
    char path[64];
    uni_solid s = {0};
    size_t at = 0, bad = 0;

    if (!solid_file(path, n))
        return;
    CHECK((uni_solid_open(&s, path, 1, want, &full, false) == CKKS_OK) == same,
          "%s", nn_last_error());
    if (!CHECK(uni_solid_open(&s, path, 1, want, &full, true) == CKKS_OK, "%s",
               nn_last_error()))
        return;
    for (int z = 0; z < want[0]; z++)
        for (int y = 0; y < want[1]; y++)
            for (int x = 0; x < want[2]; x++, at++)
                bad += s.pixel[at] != solid_pixel(n, want, z, y, x);
    CHECK(bad == 0, "%d x %d x %d as %d x %d x %d: %zu pixels", n[2], n[1],
          n[0], want[0], want[1], want[2], bad);
    uni_solid_clear(&s);
    unlink(path);
}

static const int solid_sizes[][2][3] = {
    /* stored i, j, k           depth, height, width */
    { { 5, 4, 3 },            { 3, 4, 5 } },
    { { 5, 4, 3 },            { 8, 9, 10 } },
    { { 5, 4, 3 },            { 2, 1, 2 } },
    { { 6, 4, 1 },            { 4, 2, 7 } },
    { { 3, 8, 5 },            { 5, 5, 8 } },
};

TEST(solid_pixels)
{
    for (size_t i = 0; i < sizeof solid_sizes / sizeof *solid_sizes; i++)
        solid_check(solid_sizes[i][0], solid_sizes[i][1]);
}

/* Labels come back to the voxels that their pixels came from; what the solid
 * has not seen is 0. */
TEST(solid_labels)
{
    static const nn_images full = { .given = true, .plane = NN_PLANE_AXIAL,
                                    .values = NN_VALUES_FULL };

    for (size_t i = 0; i < sizeof solid_sizes / sizeof *solid_sizes; i++) {
        const int *n = solid_sizes[i][0], *want = solid_sizes[i][1];
        const size_t all = (size_t)want[0] * (size_t)want[1]
                           * (size_t)want[2];
        uint8_t *label = malloc(all);
        size_t bad = 0, seen = 0;
        char path[64];
        uni_solid s = {0};
        uni_volume v = {0};

        if (!solid_file(path, n)
            || !CHECK(uni_solid_open(&s, path, 1, want, &full, true)
                      == CKKS_OK, "%s", nn_last_error()))
            return;
        for (size_t j = 0; j < all; j++)
            label[j] = (uint8_t)s.pixel[j];
        CHECK(uni_solid_save(path, &s, label) == CKKS_OK
              && uni_volume_open(&v, path, -1) == CKKS_OK, "%s",
              nn_last_error());
        for (int at = 0; v.voxel != NULL && at < n[0] * n[1] * n[2]; at++) {
            const uint8_t was = solid_voxel(n, at % n[0], at / n[0] % n[1],
                                            at / n[0] / n[1]);

            bad += v.voxel[at] != was && v.voxel[at] != 0;
            seen += v.voxel[at] == was && was != 0;
        }
        for (size_t j = 0; j < all; j++)
            seen -= label[j] != 0;
        CHECK(bad == 0 && seen == 0, "case %zu: %zu voxels differ, %zu too "
              "many or too few", i, bad, seen);
        uni_volume_clear(&v);
        uni_solid_clear(&s);
        free(label);
        unlink(path);
    }
}

/* Slices of several channels there and back. */
TEST(solid_slices)
{
    static const int have[3] = { 3, 5, 4 }, want[3] = { 2, 7, 3 };
    double slice[2 * 20], solid[2 * 2 * 7 * 3] = {0}, back[2 * 20];
    const double outside[2] = { -1, -2 };
    uni_solid_fit f;

    CHECK(uni_solid_place(&f, "x", have, want, false) == CKKS_EARG
          && strstr(nn_last_error(), "3 slices of 5x4 pixels, the network "
                    "takes 2 of 7x3; --fit") != NULL, "%s", nn_last_error());
    if (!CHECK(uni_solid_place(&f, "x", have, want, true) == CKKS_OK, "%s",
               nn_last_error()))
        return;
    CHECK(f.from[0] == 0 && f.from[1] == -1 && f.from[2] == 0, "from %d %d %d",
          f.from[0], f.from[1], f.from[2]);
    for (int k = 0; k < 3; k++) {
        for (int i = 0; i < 40; i++)
            slice[i] = 100 * k + i + 1;
        uni_solid_put(solid, &f, 2, slice, k);
    }
    for (int k = 0; k < 3; k++) {
        uni_solid_get(back, &f, 2, solid, outside, k);
        for (int i = 0; i < 40; i++)
            CHECK(back[i] == (k < 2 && i % 4 < 3 ? 100 * k + i + 1
                                                 : outside[i / 20]),
                  "slice %d, number %d: %g", k, i, back[i]);
    }
    for (int i = 0; i < 84; i++)    /* rows 0 and 6 of 7: nothing            */
        CHECK((solid[i] > 0) == (i / 3 % 7 > 0 && i / 3 % 7 < 6),
              "place %d: %g", i, solid[i]);
}

TEST(solid_refusals)
{
    static const int n[3] = { 5, 4, 3 }, want[3] = { 3, 4, 5 };
    static const int bad[][3] = { { 0, 4, 5 }, { 4097, 1, 1 }, { 1, 65537, 1 },
                                  { -3, 4, 5 }, { 4096, 65536, 65536 },
                                  { 4096, 256, 257 } };
    uni_solid s = {0};
    uni_solid_fit f;
    char path[64], slice[96];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(uni_solid_place(&f, "x", want, bad[i], true) == CKKS_EARG,
              "%d x %d x %d", bad[i][0], bad[i][1], bad[i][2]);
    CHECK(uni_solid_place(&f, "x", want, (int[3]){ 4096, 256, 256 }, true)
          == CKKS_OK, "%s", nn_last_error());
    if (!solid_file(path, n))
        return;
    snprintf(slice, sizeof slice, "%s:slice=1", path);
    CHECK(uni_solid_open(&s, slice, 1, want, NULL, false) == CKKS_EARG
          && strstr(nn_last_error(), "one slice, the network takes a whole")
             != NULL, "%s", nn_last_error());
    CHECK(uni_solid_open(&s, path, 3, want, NULL, false) == CKKS_EARG
          && strstr(nn_last_error(), "one number a voxel") != NULL, "%s",
          nn_last_error());
    CHECK(uni_solid_open(&s, "/dev/null", 1, want, NULL, false) == CKKS_EARG
          && s.pixel == NULL, "%s", nn_last_error());
    unlink(path);
}
