/* test_lanes.c -- channels in the gaps of a map (docs/12-volley.md), against
 * the float network, and encrypted.
 *
 * Caught when planted: a shift the other way; lanes of the input's map taken
 * for those of the output's, in a channel's number and in its bound; even and
 * odd pixels behind a transposed convolution exchanged; the bias of another
 * lane; steps split at another number than keys are made for; patterns not
 * turned back where their sums are turned.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net_support.h"
#include "stage/lanes.h"

/* The rig's network planned anew, with lanes, for one image. */
static bool plan_lanes(rig *r, const rig_shape *s, int ring_y, int log_n)
{
    nn_aim aim = rig_aim(s);

    aim.ring_y = ring_y;
    aim.ring_x = 1;
    aim.log_n = log_n;
    aim.images = 1;
    aim.slots = NN_SLOTS_REAL;
    aim.lanes = NN_LANES_ALWAYS;
    nn_weights_clear(&r->w);
    if (!NN_OK(nn_plan_make(&r->p, &r->m, &aim))
        || !NN_OK(nn_weights_init(&r->w, &r->m, &r->p))
        || !CHECK(r->p.layout.lanes > 0, "no lanes"))
        return false;
    free(r->in);
    free(r->clear);
    free(r->ranges);
    r->images = 1;
    r->count = (size_t)nn_plan_outputs(&r->p) * r->p.layout.slots;
    r->in = malloc((size_t)nn_plan_inputs(&r->p) * r->p.layout.slots
                   * sizeof *r->in);
    r->clear = malloc(r->count * sizeof *r->clear);
    r->ranges = malloc((size_t)r->p.num_steps * sizeof *r->ranges);
    return CHECK(r->in != NULL && r->clear != NULL && r->ranges != NULL,
                 "no memory")
           && rig_repack(r, r->pixel);
}

/* sd of the twin's logits less the float network's, in the core; *spread: of
 * the latter. */
static double off_float(const rig *r, double *spread)
{
    const nn_plan *p = &r->p;
    const size_t h = (size_t)p->core_height, w = (size_t)p->core_width;
    const size_t plane = (size_t)p->layout.height * (size_t)p->layout.width;
    const size_t count = (size_t)p->out_channels * h * w;
    const size_t room = nn_plan_logits(p);
    double *want = malloc(count * sizeof *want);
    double *got = malloc(count * sizeof *got);
    double *all = malloc(room * sizeof *all), off = HUGE_VAL;

    if (CHECK(want != NULL && got != NULL && all != NULL, "no memory")
        && NN_OK(nn_model_float(want, &r->m, r->pixel, 1, p->core_height,
                                p->core_width))
        && NN_OK(nn_unpack(all, room, p, r->clear, 0))) {
        for (size_t i = 0; i < count; i++)
            got[i] = all[i / (h * w) * plane
                         + (i / w % h + (size_t)p->halo)
                               * (size_t)p->layout.width
                         + i % w + (size_t)p->halo];
        off = rms_difference(got, want, count);
        *spread = spread_of(want, count);
    }
    free(want);
    free(got);
    free(all);
    return off;
}

/* More channels than a ciphertext has lanes, of maps with gaps and without. */
static const char *wide(model_maker *k, int c)
{
    (void)c;
    maker_unet(k, 6, 1);
    return "logit";
}

typedef struct lane_case {
    const char *net;            /* whose shape it has                        */
    int ring_y, log_n;
    const char *(*build)(model_maker *k, int c);        /* or that network's */
} lane_case;

static void check_case(const lane_case *c, bool encrypted)
{
    const net_kind *k = net_kind_named(c->net);
    rig r = { 0 };
    rig_shape s;
    rig_error e;
    double off, spread = 1;

    if (!CHECK(rig_shape_at(&s, k, NN_HALO, 0), "no shape")
        || !rig_init(&r, &s, c->build != NULL ? c->build : k->build)
        || !plan_lanes(&r, &s, c->ring_y, c->log_n)) {
        rig_clear(&r);
        return;
    }
    off = off_float(&r, &spread);
    CHECK(off < 3 * r.p.error_sd && off < 0.05 * spread,
          "%s, ring %d: off by %.3g, predicted %.3g, logits %.3g", c->net,
          c->ring_y, off, r.p.error_sd, spread);
    rig_check_calls(&r, c->net);
    net_check_sampled(&r.m, &r.p);
    if (encrypted && rig_encrypted(&e, &r, 1))
        CHECK(e.sd < 2 * r.p.error_sd && e.worst < 12 * r.p.error_sd,
              "%s, ring %d: noise %.3g, worst %.3g, predicted %.3g", c->net,
              c->ring_y, e.sd, e.worst, r.p.error_sd);
    rig_clear(&r);
}

TEST(lanes_against_float_network)
{
    static const lane_case cases[] = {
        { "unet 1", 2, 11, NULL }, { "unet 1", 4, 11, NULL },
        { "unet 2", 4, 12, NULL }, { "unet 2", 8, 12, NULL },
        { "pool", 2, 11, NULL }, { "unet 1", 2, 11, wide },
        { "unet 2", 4, 13, NULL }       /* sums turned by half a pattern     */
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_case(&cases[i], i % 2 == 0);
}

/* Coefficients of patterns against their definition in long doubles, and back. */
TEST(lanes_round_by_definition)
{
    const long double turn = 6.283185307179586476925286766559L;
    uint64_t seed = 5;

    for (int period = 1; period <= 64; period *= 2) {
        double value[64], back[64];
        int32_t got[64];

        for (int j = 0; j < period; j++)
            value[j] = (double)(test_word(&seed) % 2001) / 1000 - 1;
        if (!CHECK(nni_lane_round(got, value, period, 0x1p20), "too large"))
            return;
        for (int i = 0; i < period; i++) {
            long double want = 0;
            int g = 1;

            for (int j = 0; j < period; j++, g = g * 5 % (4 * period))
                want += value[j] * cosl(turn * (i * g) / (4 * period));
            want *= 0x1p20L / period;
            CHECK(fabsl(got[i] - want) < 0.5L + 1e-6L,
                  "period %d, coefficient %d: %d, want %Lf", period, i,
                  (int)got[i], want);
        }
        nni_lane_values(back, got, period);
        for (int j = 0; j < period; j++)
            CHECK(fabs(back[j] - value[j] * 0x1p20) <= period,
                  "period %d, slot %d: %f of %f", period, j, back[j],
                  value[j] * 0x1p20);
    }
}

/* Turned patterns have the slots that a rotation turns back. */
TEST(lanes_turn_by_definition)
{
    uint64_t seed = 7;

    for (int period = 1; period <= 64; period *= 2)
        for (int steps = 0; steps < 2 * period; steps++) {
            int32_t from[64], to[64];
            double was[64], is[64];

            for (int i = 0; i < period; i++)
                from[i] = (int32_t)(test_word(&seed) % 2001) - 1000;
            nni_lane_turn(to, from, period, steps);
            nni_lane_values(was, from, period);
            nni_lane_values(is, to, period);
            for (int j = 0; j < period; j++)
                CHECK(fabs(is[(j + steps) % period] - was[j]) < 1e-6,
                      "period %d, %d steps, slot %d: %f, not %f", period,
                      steps, j, is[(j + steps) % period], was[j]);
        }
}

/* What lanes cannot do is refused: layers that stand alone, borders with an
 * end, a ring with columns. */
TEST(lanes_refused)
{
    static const char *const alone[] = { "concat pool", "labels 4",
                                         "tconv square" };
    rig_shape s = { .border = NN_HALO, .log_n = 11, .ring_y = 2, .ring_x = 1,
                    .height = 8, .width = 8, .channels = 1,
                    .slots = NN_SLOTS_REAL };
    nn_model m = { 0 };
    nn_plan p;
    nn_aim aim = rig_aim(&s);

    aim.lanes = NN_LANES_ALWAYS;
    for (size_t i = 0; i < sizeof alone / sizeof *alone; i++)
        if (rig_model(&m, &s, net_kind_named(alone[i])->build)) {
            NN_STATUS(nn_plan_make(&p, &m, &aim), CKKS_EPARAM);
            nn_model_clear(&m);
        }
    s.border = NN_ZERO;
    if (rig_model(&m, &s, net_kind_named("unet 1")->build)) {
        NN_STATUS(nn_plan_make(&p, &m, &aim), CKKS_EPARAM);
        nn_model_clear(&m);
    }
    s.border = NN_HALO;
    if (rig_model(&m, &s, net_kind_named("unet 1")->build)) {
        aim.ring_x = 2;
        NN_STATUS(nn_plan_make(&p, &m, &aim), CKKS_EPARAM);
        aim.ring_x = 1;
        aim.lanes = (nn_lanes)3;
        NN_STATUS(nn_plan_make(&p, &m, &aim), CKKS_EPARAM);
        nn_model_clear(&m);
    }
}
