/* test_machine.c -- costs of a machine, and what the planner makes of them. */
#include "format/machine.h"
#include "stage/place.h"
#include "net_support.h"

#include <math.h>

/* ---- the file ----------------------------------------------------------- */

static void replace(char *text, size_t room, const char *from, const char *to)
{
    char *at = strstr(text, from), rest[2048];

    if (!CHECK(at != NULL && strlen(text) + strlen(to) < room
                   && strlen(at) < sizeof rest, "no '%s'", from))
        return;
    strcpy(rest, at + strlen(from));
    strcpy(at, to);
    strcat(at, rest);
}

TEST(machine_file_round_trip)
{
    static const char *const kernel[] = { "portable", "fma2", "avx2",
                                          "avx512ifma" };
    nn_machine m, back;
    char *text = NULL;
    size_t size = 0;

    for (size_t i = 0; i < sizeof kernel / sizeof *kernel; i++) {
        if (!NN_OK(nn_machine_default(&m, kernel[i]))
            || !NN_OK(nn_machine_save(&text, &size, &m)))
            return;
        if (NN_OK(nn_machine_load(&back, text, size)))
            CHECK(memcmp(&m, &back, sizeof m) == 0, "%s changed", kernel[i]);
        free(text);
    }
    NN_OK(nn_machine_default(&m, NULL));
    NN_STATUS(nn_machine_default(&m, "avx9"), CKKS_EPARAM);
    NN_STATUS(nn_machine_default(NULL, NULL), CKKS_EARG);
}

TEST(machine_file_refuses)
{
    static const struct { const char *from, *to, *word; } bad[] = {
        { "\"pass\"", "\"pas\"", "pas" },
        { "\"kernel\": \"avx2\",", "", "kernel" },
        { "\"kernel\": \"avx2\"", "\"kernel\": 2", "kernel" },
        { "volley-machine-1", "volley-machine-2", "format" },
        { "\"pass\": ", "\"pass\": -", "pass" },
        { "\"pass\": ", "\"pass\": 0.0, \"x\": ", "x" },
        { "\"pass\": ", "\"pass\": \"1\", \"pack\": ", "pack" },
        { "\"pass\": ", "\"pass\": 1e400, \"y\": ", "" },
        { "\"pass\": ", "\"pass\": 2e3, \"fresh\": ", "fresh" },
        { "\"seconds_a_word\"", "\"seconds\"", "seconds" },
        { "{", "[", "" }
    };
    nn_machine m, out;
    char *text = NULL, changed[4096];
    size_t size = 0;

    if (!NN_OK(nn_machine_default(&m, "avx2"))
        || !NN_OK(nn_machine_save(&text, &size, &m)))
        return;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memcpy(changed, text, size + 1);
        replace(changed, sizeof changed, bad[i].from, bad[i].to);
        memset(&out, 0x5a, sizeof out);
        NN_STATUS(nn_machine_load(&out, changed, strlen(changed)),
                  CKKS_EFORMAT);
        CHECK(strstr(nn_last_error(), bad[i].word) != NULL
                  && out.kernel[0] == 0x5a, "%s: %s", bad[i].to,
              nn_last_error());
    }
    for (size_t n = 0; n + 2 < size; n++)
        NN_STATUS(nn_machine_load(&out, text, n), CKKS_EFORMAT);
    m.cost[NN_TERM] = NAN;
    NN_STATUS(nn_machine_save(&text, &size, &m), CKKS_EPARAM);
    free(text);
}

/* ---- prices ------------------------------------------------------------- */

/* Whatever costs more makes the network take longer, and changes no plan that
 * is already made. */
TEST(machine_costs_count)
{
    static const rig_shape s = { NN_HALO, 12, 0, 0, 16, 16, 1, 0, NN_SLOTS_ANY };
    nn_model m = { 0 };
    nn_plan *p = calloc(2, sizeof *p);
    nn_machine machine;
    uint8_t before[16], after[16];
    double usual;
    nn_aim aim = { .security = CKKS_INSECURE, .log_n = 12 };

    if (CHECK(p != NULL, "no memory")
        && rig_model(&m, &s, net_kind_named("unet 2")->build)
        && NN_OK(nn_plan_make(p, &m, &aim))
        && NN_OK(nn_machine_default(&machine, "avx2"))
        && NN_OK(nn_plan_price(p, &m, &machine, 1))) {
        usual = p->seconds;
        CHECK_OK(nn_plan_fingerprint(before, p));
        for (int i = 0; i < NN_COSTS; i++) {
            nn_machine dear = machine;

            dear.cost[i] *= 100;
            p[1] = p[0];
            if (NN_OK(nn_plan_price(&p[1], &m, &dear, 1)))
                CHECK(p[1].seconds > usual, "cost %d: %g, %g", i, usual,
                      p[1].seconds);
            CHECK_OK(nn_plan_fingerprint(after, &p[1]));
            CHECK(memcmp(before, after, 16) == 0, "cost %d: other plan", i);
        }
        p[1] = p[0];
        if (NN_OK(nn_plan_price(&p[1], &m, &machine, 4)))
            CHECK(p[1].seconds < usual && p[1].threads == 4
                      && p[1].peak_bytes >= p->peak_bytes,
                  "4 threads: %g, one %g", p[1].seconds, usual);
        NN_STATUS(nn_plan_price(p, &m, NULL, -1), CKKS_EARG);
        NN_STATUS(nn_plan_price(NULL, &m, NULL, 1), CKKS_EARG);
        machine.cost[0] = 0;
        NN_STATUS(nn_plan_price(p, &m, &machine, 1), CKKS_EPARAM);
    }
    nn_model_clear(&m);
    free(p);
}

/* ---- memory: what the pool counts while a network runs -------------------- */

static void check_memory(rig *r, const char *what)
{
    nn_pages *pool = NULL;
    ckks_memory memory;
    ckks_ctx *ctx = NULL;
    ckks_rng rng = { 0 };
    ckks_sk *sk = NULL;
    ckks_keys *keys = NULL;
    ckks_pt pt = { 0 };
    const int n_in = nn_plan_inputs(&r->p), n_out = nn_plan_outputs(&r->p);
    ckks_ct *in = calloc((size_t)(n_in + n_out), sizeof *in);
    bool ok = CHECK(in != NULL, "no memory") && NN_OK(nn_pages_init(&pool));

    if (ok)
        memory = nn_pages_memory(pool);
    ok = ok && NN_OK(nn_plan_context(&ctx, &r->p, &memory))
         && CHECK_OK(ckks_rng_init(&rng, NULL))
         && CHECK_OK(ckks_sk_init(&sk, ctx, &rng))
         && CHECK_OK(ckks_keys_init(&keys, &rng, sk, r->p.key,
                                    r->p.num_keys));
    for (int i = 0; i < n_in && ok; i++)
        ok = CHECK_OK(ckks_encode(&pt, ctx, r->in
                                      + (size_t)i * r->p.layout.slots, NULL,
                                  r->p.layout.slots, r->p.in_level,
                                  r->p.in_scale))
             && CHECK_OK(ckks_encrypt_sk(&in[i], &rng, &pt, sk));
    ckks_pt_clear(&pt);
    ckks_sk_clear(&sk);
    if (ok && NN_OK(nn_run(in + n_in, in, &r->p, r->w, keys, NULL))) {
        double got = (double)nn_pages_peak(pool), want = r->p.peak_bytes;

        CHECK(fabs(want / got - 1) < 0.06, "%s: predicted %.0f KiB, used %.0f",
              what, want / 1024, got / 1024);
        test_note("%s: %.3f of what was used", what, want / got);
    }
    for (int i = 0; in != NULL && i < n_in + n_out; i++)
        ckks_ct_clear(&in[i]);
    free(in);
    ckks_keys_clear(&keys);
    ckks_rng_clear(&rng);
    ckks_ctx_clear(&ctx);
    nn_pages_clear(&pool);
}

TEST(machine_memory_is_what_is_used)
{
    static const struct { const char *net; rig_shape s; } run[] = {
        { "unet 1", { NN_HALO, 11, 2, 2, 16, 16, 1, 1, NN_SLOTS_ANY } },
        { "unet 2", { NN_HALO, 11, 4, 4, 16, 16, 1, 1, NN_SLOTS_ANY } },
        { "unet 1", { NN_ZERO, 11, 2, 2, 16, 16, 1, 1, NN_SLOTS_ANY } },
        { "square", { NN_ZERO, 11, 4, 4, 16, 16, 1, 1, NN_SLOTS_ANY } }
    };

    int checked = 0;

    for (size_t i = 0; i < sizeof run / sizeof *run; i++) {
        rig r = { 0 };

        if (rig_init(&r, &run[i].s, net_kind_named(run[i].net)->build)
            && !r.p.keys_by_stage) {    /* test_keys_by_stage.c              */
            check_memory(&r, run[i].net);
            checked++;
        }
        rig_clear(&r);
    }
    CHECK(checked > 1, "%d networks", checked);
}
