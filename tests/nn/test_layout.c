/* test_layout.c -- where a pixel lives: exhaustively at small sizes.
 *
 * Caught when planted: grid_x for grid_y in the place of an image; places left
 * over that repeat other images than the first.
 */
#include "net_support.h"

enum { MOST = 4800 };       /* 8 x 8 rings, 5 x 5 grid, 3 images             */

/* Every place of the layout is that of exactly one pixel of one image. */
static void check_bijection(const nn_layout *l, int pool)
{
    static uint8_t taken[MOST];
    int ry = l->ring_y >> pool, rx = l->ring_x >> pool;
    int height = l->height >> pool, width = l->width >> pool;
    size_t grid = (size_t)l->grid_y * (size_t)l->grid_x;
    size_t used = (size_t)l->batch * grid, all = used * (size_t)(ry * rx);

    memset(taken, 0, sizeof taken);
    if (!CHECK(all <= MOST, "%zu places", all))
        return;
    for (int b = 0; b < l->batch; b++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++) {
                int phase = nn_layout_phase(l, 1 << pool, y, x);
                size_t slot = nn_layout_slot(l, 1 << pool, b, y, x);

                if (!CHECK(phase >= 0 && phase < ry * rx && slot < used
                               && slot < l->slots,
                           "ring %dx%d grid %dx%d pool %d: (%d, %d, %d) in "
                           "phase %d, slot %zu", l->ring_y, l->ring_x,
                           l->grid_y, l->grid_x, pool, b, y, x, phase, slot))
                    return;
                CHECK(taken[(size_t)phase * used + slot]++ == 0,
                      "ring %dx%d grid %dx%d pool %d: (%d, %d, %d) falls on "
                      "another pixel", l->ring_y, l->ring_x, l->grid_y,
                      l->grid_x, pool, b, y, x);
                CHECK(phase == y % ry * rx + x % rx
                          && slot == (size_t)b * grid
                                         + (size_t)(y / ry * l->grid_x
                                                    + x / rx),
                      "(%d, %d, %d) in phase %d, slot %zu", b, y, x, phase,
                      slot);
            }
    for (size_t i = 0; i < all; i++)
        CHECK(taken[i] == 1, "place %zu is empty", i);
}

/* Calls check for all rings to 4 (and 6, 8), grids to 5, batches to 3. */
static void all_layouts(void (*check)(const nn_layout *l, int pool))
{
    static const int ring[] = { 1, 2, 3, 4, 6, 8 };

    for (size_t i = 0; i < 36; i++)
        for (int g = 0; g < 25; g++)
            for (int batch = 1; batch <= 3; batch++) {
                nn_layout l = { .ring_y = ring[i / 6], .ring_x = ring[i % 6],
                                .grid_y = g / 5 + 1, .grid_x = g % 5 + 1,
                                .batch = batch, .slots = 1 };

                l.height = l.ring_y * l.grid_y;
                l.width = l.ring_x * l.grid_x;
                while (l.slots < (size_t)(batch * l.grid_y * l.grid_x))
                    l.slots *= 2;
                for (int pool = 0; (l.ring_y >> pool << pool) == l.ring_y
                                   && (l.ring_x >> pool << pool) == l.ring_x;
                     pool++)
                    check(&l, pool);
            }
}

TEST(layout_is_a_bijection)
{
    all_layouts(check_bijection);
}

/* A neighbour one ring away is the same phase, one grid place on. */
static void check_neighbours(const nn_layout *l, int pool)
{
    int ry = l->ring_y >> pool, rx = l->ring_x >> pool;

    for (int y = 0; y + ry < l->height >> pool; y++)
        for (int x = 0; x + rx < l->width >> pool; x++) {
            int phase = nn_layout_phase(l, 1 << pool, y, x);
            size_t slot = nn_layout_slot(l, 1 << pool, 0, y, x);

            CHECK(nn_layout_phase(l, 1 << pool, y + ry, x) == phase
                      && nn_layout_slot(l, 1 << pool, 0, y + ry, x)
                             == slot + (size_t)l->grid_x
                      && nn_layout_phase(l, 1 << pool, y, x + rx) == phase
                      && nn_layout_slot(l, 1 << pool, 0, y, x + rx) == slot + 1,
                  "ring %dx%d grid %dx%d at (%d, %d)", l->ring_y, l->ring_x,
                  l->grid_y, l->grid_x, y, x);
        }
}

TEST(layout_neighbours)
{
    all_layouts(check_neighbours);
}

/* Four pixels that a pooling joins lie in one slot, in the four phases of one
 * pooled phase. */
static void check_pooling(const nn_layout *l, int pool)
{
    int ry = l->ring_y >> pool, rx = l->ring_x >> pool;

    if (ry % 2 != 0 || rx % 2 != 0)
        return;
    for (int y = 0; y < l->height >> pool; y++)
        for (int x = 0; x < l->width >> pool; x++) {
            int phase = nn_layout_phase(l, 1 << pool, y, x);
            int up = nn_layout_phase(l, 2 << pool, y / 2, x / 2);

            CHECK(nn_layout_slot(l, 1 << pool, 1, y, x)
                          == nn_layout_slot(l, 2 << pool, 1, y / 2, x / 2)
                      && phase / rx / 2 == up / (rx / 2)
                      && phase % rx / 2 == up % (rx / 2),
                  "ring %dx%d grid %dx%d pool %d at (%d, %d)", l->ring_y,
                  l->ring_x, l->grid_y, l->grid_x, pool, y, x);
        }
}

TEST(layout_pooling_keeps_the_slot)
{
    all_layouts(check_pooling);
}

/* ---- packing ------------------------------------------------------------ */

/* value of pixel (c, y, x) of image b: all different. */
static double pixel_at(const nn_layout *l, int b, int c, int y, int x)
{
    return ((b * 8 + c) * l->height + y) * l->width + x;
}

static void pack_images(double *slots, const nn_plan *p, int count)
{
    static double tile[3][MOST];
    const double *each[3] = { tile[0], tile[1], tile[2] };
    const nn_layout *l = &p->layout;
    size_t at = 0;

    for (int c = 0; c < p->channels; c++)
        for (int y = 0; y < l->height; y++)
            for (int x = 0; x < l->width; x++, at++)
                for (int b = 0; b < count; b++)
                    tile[b][at] = pixel_at(l, b, c, y, x);
    nn_pack(slots, p, each, count);
}

static void check_pack(const nn_layout *l, int pool)
{
    static double slots[2 * 64 * 256], back[MOST];
    nn_plan p = { .layout = *l, .channels = 2, .mul = 0.5, .add = -3,
                  .out_gap = 1, .out_channels = 1 };
    size_t phases = (size_t)(l->ring_y * l->ring_x);
    size_t grid = (size_t)(l->grid_y * l->grid_x);

    if (pool > 0)
        return;
    p.layout.slots *= 2;                    /* places behind the batch       */
    if (!CHECK(2 * phases * p.layout.slots <= sizeof slots / sizeof *slots
                   && 2 * l->height * l->width <= MOST, "too large"))
        return;
    CHECK((size_t)nn_plan_inputs(&p) == 2 * phases
              && (size_t)nn_plan_outputs(&p) == phases, "%d inputs, %d outputs",
          nn_plan_inputs(&p), nn_plan_outputs(&p));
    for (int count = 1; count <= l->batch; count++) {
        pack_images(slots, &p, count);
        for (int c = 0; c < 2; c++)
            for (int b = 0; b < count; b++) {
                bool same = true;

                NN_OK(nn_unpack(back, MOST, &p, slots + (size_t)c * phases
                                                * p.layout.slots, b));
                for (int y = 0; y < l->height; y++)
                    for (int x = 0; x < l->width; x++)
                        same &= back[y * l->width + x]
                                == pixel_at(l, b, c, y, x) * 0.5 - 3;
                CHECK(same, "ring %dx%d grid %dx%d: image %d of %d, channel "
                      "%d, came back changed", l->ring_y, l->ring_x, l->grid_y,
                      l->grid_x, b, count, c);
            }
        for (size_t k = 0; k < 2 * phases; k++)
            for (size_t j = (size_t)count * grid; j < p.layout.slots; j++)
                CHECK(slots[k * p.layout.slots + j]
                          == slots[k * p.layout.slots + j % grid],
                      "ciphertext %zu, slot %zu: no copy of image 0", k, j);
    }
}

TEST(layout_pack_and_unpack)
{
    all_layouts(check_pack);
}

/* A pooled output is unpacked at its own size. */
static void check_unpack(const nn_layout *l, int pool)
{
    static double slots[64 * 128], back[MOST];
    nn_plan p = { .layout = *l, .channels = 1,
                  .out_channels = 1, .out_gap = 1 << pool };
    int height = l->height >> pool, width = l->width >> pool;

    CHECK(nn_plan_outputs(&p) == (l->ring_y >> pool) * (l->ring_x >> pool),
          "%d outputs", nn_plan_outputs(&p));
    for (int b = 0; b < l->batch; b++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                slots[(size_t)nn_layout_phase(l, 1 << pool, y, x) * l->slots
                      + nn_layout_slot(l, 1 << pool, b, y, x)] =
                    pixel_at(l, b, 0, y, x);
    for (int b = 0; b < l->batch; b++) {
        NN_OK(nn_unpack(back, MOST, &p, slots, b));
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                CHECK(back[y * width + x] == pixel_at(l, b, 0, y, x),
                      "pool %d: (%d, %d, %d) is %g", pool, b, y, x,
                      back[y * width + x]);
    }
}

TEST(layout_unpack_pooled)
{
    all_layouts(check_unpack);
}
