/* test_linear.c -- convolutions and squares of shares against their definition:
 * every shape that networks have, with every kernel; the bytes that were
 * planned; what the client sees of the weights. */
#include <math.h>

#include "linear_support.h"
#include "nn.h"
#include "test.h"
#include "turns_support.h"

/* Each result is the sum divided by 2^shift, rounded down or up. */
static void check_results(const linear_case *t, const char *what)
{
    double mean = 0;
    size_t wrong = 0, first = 0;

    for (size_t i = 0; i < t->out; i++) {
        const blind_signed got = (blind_signed)(t->y_share[0][i]
                                                + t->y_share[1][i]);
        const blind_signed off = got - (t->sum[i] >> t->c.shift);

        if (off != 0 && off != 1 && wrong++ == 0)
            first = i;
        mean += (double)got - ldexp((double)t->sum[i], -t->c.shift);
    }
    mean /= (double)t->out;
    CHECK(wrong == 0, "%s: %zu of %zu, the first %zu", what, wrong, t->out,
          first);
    /* one rounding has an sd below 1/2 */
    CHECK(fabs(mean) < 3.0 / sqrt((double)t->out), "%s: mean error %g", what,
          mean);
}

static void check_bytes(const linear_case *t, const char *what)
{
    const blind_bytes b = blind_conv_bytes(&t->c);

    CHECK(b.up == (double)t->traffic.sent
          && b.down == (double)t->traffic.received,
          "%s: planned %.0f up, %.0f down, were %" PRIu64 " and %" PRIu64,
          what, b.up, b.down, t->traffic.sent, t->traffic.received);
}

typedef struct shape {
    const char *what;
    int dims, in, out, size[3], k, stride;
    bool transposed, map;
    int bits;
} shape;

static const shape shapes[] = {
    { "one tile, packed", 2, 5, 7, { 1, 21, 20 }, 3, 1, false, true, 16 },
    { "many packed", 2, 17, 13, { 1, 9, 9 }, 3, 1, false, false, 16 },
    { "one channel a polynomial", 2, 3, 4, { 1, 50, 50 }, 3, 1, false, true,
      20 },
    { "many terms", 2, 40, 3, { 1, 50, 50 }, 3, 1, false, false, 16 },
    { "tiles along both axes", 2, 2, 3, { 1, 100, 90 }, 3, 1, false, true,
      16 },
    { "kernel 5", 2, 2, 3, { 1, 64, 64 }, 5, 1, false, false, 16 },
    { "kernel 2, odd padding", 2, 3, 2, { 1, 30, 31 }, 2, 1, false, false,
      16 },
    { "stride 2", 2, 3, 4, { 1, 41, 40 }, 3, 2, false, true, 16 },
    { "points", 2, 6, 3, { 1, 25, 24 }, 1, 1, false, false, 16 },
    { "points by scalars", 2, 6, 3, { 1, 70, 70 }, 1, 1, false, true, 16 },
    { "transposed", 2, 6, 5, { 1, 13, 12 }, 2, 2, true, false, 16 },
    { "transposed, scalars", 2, 5, 3, { 1, 60, 50 }, 2, 2, true, true, 20 },
    { "a row", 2, 2, 2, { 1, 1, 700 }, 3, 1, false, false, 16 },
    { "one number", 2, 3, 2, { 1, 1, 1 }, 3, 1, false, false, 16 },
    { "volume, packed", 3, 3, 5, { 6, 7, 8 }, 3, 1, false, true, 16 },
    { "volume, tiles", 3, 2, 3, { 17, 19, 20 }, 3, 1, false, false, 16 },
    { "volume, stride 2", 3, 2, 3, { 9, 8, 7 }, 3, 2, false, false, 16 },
    { "volume, transposed", 3, 4, 3, { 6, 5, 4 }, 2, 2, true, false, 20 },
    { "32 bits", 2, 3, 4, { 1, 60, 60 }, 3, 1, false, true, 32 },
    { "volume, 32 bits", 3, 2, 3, { 9, 20, 20 }, 3, 1, false, false, 32 },
};

static void convolve_shapes(const char *kernel)
{
    uint64_t seed = 7;

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const shape *s = &shapes[i];
        char what[80];
        linear_case t;

        snprintf(what, sizeof what, "%s, %s", s->what, kernel);
        if (linear_open(&t, s->dims, s->in, s->out, s->size, s->k, s->stride,
                        s->transposed, s->bits, s->map, &seed)
            && linear_run(&t)) {
            check_results(&t, what);
            check_bytes(&t, what);
        }
        linear_close(&t);
    }
}

TEST(linear_convolutions)
{
    convolve_shapes("the best kernel");
}

TEST(linear_convolutions_of_other_kernels)
{
    const char *was = getenv("CKKS_KERNEL");
    char *kept = was == NULL ? NULL : strdup(was);

    for (int i = 0; cki_kernels[i] != NULL; i++)
        if (cki_kernels[i]->usable()) {
            setenv("CKKS_KERNEL", cki_kernels[i]->name, 1);
            convolve_shapes(cki_kernels[i]->name);
        }
    if (kept != NULL)
        setenv("CKKS_KERNEL", kept, 1);
    else
        unsetenv("CKKS_KERNEL");
    free(kept);
}

/* ---- refusals ------------------------------------------------------------ */

TEST(linear_refuses_what_does_not_fit)
{
    const blind_conv good = { .dims = 2, .in = 3, .out = 4,
                              .size = { 1, 20, 20 }, .out_size = { 1, 20, 20 },
                              .kernel = { 1, 3, 3 }, .before = { 0, 1, 1 },
                              .stride = 1, .shift = 10, .bits = 16,
                              .log_sum = 39 };
    blind_conv c = good;
    double room = 0;

    CHECK_OK(blind_conv_check(&room, &c));
    CHECK(room == 97 - 18 - 39, "%g", room);
#define REFUSED(change) \
    (c = good, change, CHECK_STATUS(blind_conv_check(&room, &c), CKKS_EPARAM))
    REFUSED(c.log_sum = 39.5);
    REFUSED(c.log_sum = NAN);
    REFUSED(c.dims = 4);
    REFUSED(c.in = 0);
    REFUSED(c.out = NN_MAX_CHANNELS + 1);
    REFUSED(c.bits = 33);
    REFUSED(c.shift = 0);
    REFUSED(c.shift = 41);
    REFUSED(c.stride = 3);
    REFUSED(c.size[0] = 2);
    REFUSED(c.size[1] = 0);
    REFUSED(c.size[1] = 5000);
    REFUSED(c.kernel[2] = 17);
    REFUSED(c.before[1] = 3);
    REFUSED(c.before[1] = -1);
    REFUSED(c.out_size[2] = 30);
    REFUSED(c.transposed = true);
    /* tiles of 2 x 2 x 2 */
    REFUSED((c.dims = 3, c.size[0] = c.size[1] = c.size[2] = 124,
             c.out_size[0] = c.out_size[1] = c.out_size[2] = 110,
             c.kernel[0] = c.kernel[1] = c.kernel[2] = 15,
             c.before[1] = c.before[2] = 0));
    REFUSED((c.in = 4096, c.size[1] = c.size[2] = c.out_size[1]
             = c.out_size[2] = 4096));
#undef REFUSED
}

/* ---- squares ------------------------------------------------------------- */

enum { SQUARES = 8 * 8192 + 1, SQUARE_SHIFT = 9 };

typedef struct square_case {
    int64_t x[SQUARES];
    blind_share share[2][SQUARES];
    blind_traffic traffic;
    turns_log log[2];
} square_case;

static ckks_status square_side(side *s)
{
    square_case *t = s->with;
    blind_traffic before;
    blind_party p;
    ckks_rng rng;
    ckks_status status = linear_party(&p, &rng, s, 20, true);

    before = blind_wire_traffic(s->wire);
    turns_watch(&t->log[s->server], s->wire);
    if (status == CKKS_OK)
        status = blind_square(t->share[s->server], SQUARES, SQUARE_SHIFT, &p);
    if (status == CKKS_OK)
        status = blind_wire_flush(s->wire);
    if (!s->server) {
        t->traffic = blind_wire_traffic(s->wire);
        t->traffic.sent -= before.sent;
        t->traffic.received -= before.received;
    }
    linear_party_close(&p, &rng);
    return status;
}

TEST(linear_squares)
{
    static const int64_t ends[] = { 0, 1, -1, 524287, -524288, 2, -3, 131071 };
    const blind_bytes b = blind_square_bytes(SQUARES);
    square_case *t = calloc(1, sizeof *t);
    uint64_t seed = 3;
    double mean = 0;

    if (!CHECK(t != NULL, "no memory"))
        return;
    for (size_t i = 0; i < SQUARES; i++) {
        t->x[i] = i < 8 ? ends[i]
                  : (int64_t)(test_word(&seed) % (1 << 20)) - (1 << 19);
        t->share[0][i] = linear_random(&seed) >> (i % 2 * 57);
        t->share[1][i] = (blind_share)(blind_signed)t->x[i] - t->share[0][i];
    }
    if (two_sides(square_side, t, square_side, t))
        for (size_t i = 0; i < SQUARES; i++) {
            const int64_t got = (int64_t)(t->share[0][i] + t->share[1][i]);
            const int64_t want = t->x[i] * t->x[i] >> SQUARE_SHIFT;

            CHECK(got == want || got == want + 1, "%" PRId64 ": %" PRId64
                  ", want %" PRId64, t->x[i], got, want);
            mean += (double)got - ldexp((double)(t->x[i] * t->x[i]),
                                        -SQUARE_SHIFT);
        }
    CHECK(fabs(mean / SQUARES) < 3.0 / sqrt(SQUARES), "mean error %g",
          mean / SQUARES);
    CHECK(b.up == (double)t->traffic.sent
          && b.down == (double)t->traffic.received, "planned %.0f and %.0f, "
          "were %" PRIu64 " and %" PRIu64, b.up, b.down, t->traffic.sent,
          t->traffic.received);
    CHECK(b.turns == 2 && turns_of(t->log, (int[2]){ 0, 0 }) == b.turns,
          "%g turns, planned %g", turns_of(t->log, (int[2]){ 0, 0 }), b.turns);
    turns_clear(t->log);
    free(t);
}

/* ---- what the client sees ------------------------------------------------ */

enum { VIEW_FRAMES = 4 };

typedef struct view {
    uint64_t c0[VIEW_FRAMES][1024], c1[VIEW_FRAMES][4096];
    size_t words;               /* of c0                                     */
    uint64_t p;                 /* the first prime                           */
} view;

static const blind_conv view_conv = {
    .dims = 2, .in = 1, .out = 1, .size = { 1, 32, 32 },
    .out_size = { 1, 32, 32 }, .kernel = { 1, 3, 3 }, .before = { 0, 1, 1 },
    .stride = 1, .shift = 10, .bits = 16, .log_sum = 30
};

/* Sends polynomials of zeros and keeps what comes. */
static ckks_status view_client(side *s)
{
    view *v = s->with;
    uint64_t limb[2 * 4096];
    uint8_t *frame = calloc(1, 1 << 17);
    blind_conv_plan k;
    blind_party p;
    ckks_rng rng;
    ckks_status status = linear_party(&p, &rng, s, 16, false);

    if (status == CKKS_OK)
        status = blind_conv_plan_make(&k, &view_conv);
    for (int i = 0; status == CKKS_OK && i < VIEW_FRAMES; i++) {
        const blind_ring *r = &p.he->conv;

        v->words = blind_tile_outputs(&k.t, 0);
        v->p = r->rns.mod[0].p;
        memset(frame, 0, k.up);
        status = blind_wire_send(s->wire, BLIND_UP, frame, k.up);
        if (status == CKKS_OK)
            status = blind_wire_receive(s->wire, BLIND_DOWN, frame,
                                        k.up + blind_ring_packed(r, v->words));
        if (status == CKKS_OK)
            status = blind_ring_unpack(limb, frame, r->n, r->n, r);
        memcpy(v->c1[i], limb, sizeof v->c1[i]);
        if (status == CKKS_OK)
            status = blind_ring_unpack(limb, frame + k.up, v->words, v->words,
                                       r);
        memcpy(v->c0[i], limb, v->words * sizeof *limb);
    }
    free(frame);
    linear_party_close(&p, &rng);
    return status;
}

/* The server with all weights 0 and a share of 0, again and again. */
static ckks_status view_server(side *s)
{
    static const int32_t weight[9];
    static const int64_t bias[1];
    blind_share *x = calloc(1024, sizeof *x), *y = calloc(1024, sizeof *y);
    blind_party p;
    ckks_rng rng;
    ckks_status status = linear_party(&p, &rng, s, 16, false);

    for (int i = 0; status == CKKS_OK && i < VIEW_FRAMES; i++)
        status = blind_convolve(y, x, &view_conv, weight, bias, NULL, &p);
    if (status == CKKS_OK)
        status = blind_wire_flush(s->wire);
    free(x);
    free(y);
    linear_party_close(&p, &rng);
    return status;
}

/* Chi squared of the words' upper four bits of 16 boxes: mean 15, sd 5.5. */
static double boxes(const uint64_t *x, size_t count, uint64_t p)
{
    double seen[16] = { 0 }, sum = 0;

    for (size_t i = 0; i < count; i++)
        seen[(size_t)((double)x[i] / (double)p * 16)]++;
    for (int i = 0; i < 16; i++)
        sum += (seen[i] - (double)count / 16) * (seen[i] - (double)count / 16)
               / ((double)count / 16);
    return sum;
}

TEST(linear_replies_tell_nothing_of_weights)
{
    view *v = calloc(1, sizeof *v);

    if (CHECK(v != NULL, "no memory")
        && two_sides(view_client, v, view_server, NULL))
        for (int i = 0; i < VIEW_FRAMES; i++) {
            CHECK(boxes(v->c0[i], v->words, v->p) < 60, "c_0: %g",
                  boxes(v->c0[i], v->words, v->p));
            CHECK(boxes(v->c1[i], 4096, v->p) < 60, "c_1: %g",
                  boxes(v->c1[i], 4096, v->p));
            for (int j = 0; j < i; j++) {
                size_t same = 0;

                for (size_t e = 0; e < 4096; e++)
                    same += v->c1[i][e] == v->c1[j][e];
                CHECK(same < 3, "c_1 of %d and %d: %zu equal", i, j, same);
            }
        }
    free(v);
}

/* What the client decrypts is uniform modulo q, and so is the server's share:
 * sums of 2^30 at most would fill a corner of it. */
TEST(linear_shares_fill_the_modulus)
{
    const int size[3] = { 1, 40, 40 };
    uint64_t seed = 11, word[1600];
    linear_case t;

    if (linear_open(&t, 2, 1, 1, size, 3, 1, false, 16, false, &seed)
        && linear_run(&t))
        for (int who = 0; who < 2; who++) {
            /* shares are z / 2^(18 + shift), z below nearly 2^98 */
            const int low = 98 - BLIND_SCALE - t.c.shift - 48;

            for (size_t i = 0; i < t.out; i++) {
                const blind_share y = who == 0 ? t.y_share[0][i]
                                               : 0 - t.y_share[1][i];

                word[i] = (uint64_t)(y >> low);
                CHECK(y >> low < (blind_share)1 << 48, "beyond the modulus");
            }
            CHECK(boxes(word, t.out, (uint64_t)1 << 48) < 60, "side %d: %g",
                  who, boxes(word, t.out, (uint64_t)1 << 48));
        }
    linear_close(&t);
}
