/* test_halo.c -- how far a network sees. */
#include <math.h>

#include "model_support.h"

TEST(model_halo_radius)
{
    static const int want[] = { 2, 9, 23, 51, 107 };
    static model_maker k;

    for (int depth = 0; depth <= 4; depth++) {
        nn_model m = {0};

        maker_start(&k, "halo", 0, 1, 64, 32);
        maker_unet(&k, 1, depth);
        maker_finish(&k, "logit");
        if (CHECK(model_made(&m, &k) == CKKS_OK, "%s", nn_last_error()))
            CHECK(nn_halo_radius(&m) == want[depth],
                  "depth %d: %d", depth, nn_halo_radius(&m));
        nn_model_clear(&m);
        maker_clear(&k);
    }
}

/* A change of one input pixel reaches outputs up to the radius, and some
 * output at exactly that distance. */
TEST(model_halo_radius_is_tight)
{
    enum { SIDE = 64 };
    static model_maker k;
    static double pixel[SIDE * SIDE], before[SIDE * SIDE], after[SIDE * SIDE];
    nn_model m = {0};
    int far = 0, radius;

    maker_start(&k, "halo", 0, 1, SIDE, SIDE);
    maker_unet(&k, 1, 2);
    maker_finish(&k, "logit");
    for (size_t i = 0; i < k.data_count; i++)       /* nothing may cancel    */
        k.data[i] = 0.1f + fabsf(k.data[i]) * 0.1f;
    for (int i = 0; i < SIDE * SIDE; i++)
        pixel[i] = 140 + i % 7;
    if (!CHECK(model_made(&m, &k) == CKKS_OK, "%s", nn_last_error()))
        return;
    radius = nn_halo_radius(&m);
    for (int phase = 0; phase < 4; phase++) {
        int y0 = 30 + phase, x0 = 33 - phase;

        CHECK(nn_model_float(before, &m, pixel, 1, SIDE, SIDE) == CKKS_OK, "%s",
              nn_last_error());
        pixel[y0 * SIDE + x0] += 100;
        CHECK(nn_model_float(after, &m, pixel, 1, SIDE, SIDE) == CKKS_OK, "%s",
              nn_last_error());
        pixel[y0 * SIDE + x0] -= 100;
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++) {
                int dy = abs(y - y0), dx = abs(x - x0), d = dy > dx ? dy : dx;

                if (before[y * SIDE + x] != after[y * SIDE + x] && d > far)
                    far = d;
            }
    }
    CHECK(far == radius, "farthest change %d, radius %d", far, radius);
    nn_model_clear(&m);
    maker_clear(&k);
}
