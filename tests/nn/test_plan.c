/* test_plan.c -- what the planner promises. */
#include "stage/map.h"
#include "net_support.h"

#include <math.h>

/* ---- the same plan again ----------------------------------------------- */

static void check_same_plan(const nn_plan *a, const nn_plan *b)
{
    uint8_t fa[16], fb[16];

    CHECK_OK(nn_plan_fingerprint(fa, a));
    CHECK_OK(nn_plan_fingerprint(fb, b));
    CHECK(memcmp(fa, fb, 16) == 0, "fingerprints differ");
    CHECK(a->seconds == b->seconds && a->peak_bytes == b->peak_bytes
              && a->error_sd == b->error_sd
              && a->upload_bytes == b->upload_bytes
              && a->download_bytes == b->download_bytes
              && a->key_bytes == b->key_bytes && a->log_qp == b->log_qp
              && a->security_bits == b->security_bits,
          "seconds %.17g, %.17g; error %.17g, %.17g", a->seconds, b->seconds,
          a->error_sd, b->error_sd);
    for (int i = 0; i < a->num_steps; i++)
        CHECK(a->step[i].seconds == b->step[i].seconds
                  && a->step[i].rotations == b->step[i].rotations
                  && a->step[i].error == b->step[i].error, "step %d", i);
}

TEST(plan_is_deterministic)
{
    rig_shape s;

    for (const net_kind *k = net_kinds; k->build != NULL; k++) {
        nn_model m = { 0 }, again = { 0 };
        nn_plan *p = calloc(2, sizeof *p);
        nn_aim aim = { .security = CKKS_INSECURE };

        if (CHECK(p != NULL, "no memory")
            && rig_shape_at(&s, k, k->dense ? NN_ZERO : NN_HALO, 1)
            && rig_model(&m, &s, k->build) && rig_model(&again, &s, k->build)
            && NN_OK(nn_plan_make(&p[0], &m, &aim))
            && NN_OK(nn_plan_make(&p[1], &again, &aim)))
            check_same_plan(&p[0], &p[1]);
        nn_model_clear(&m);
        nn_model_clear(&again);
        free(p);
    }
}

/* ---- what a plan says -------------------------------------------------- */

static void check_sense(const nn_plan *p, const char *what)
{
    const nn_layout *l = &p->layout;
    ckks_params full;
    bool relin = false;

    CHECK(l->height == l->ring_y * l->grid_y
              && l->width == l->ring_x * l->grid_x
              && l->slots == (size_t)(p->params.ring == CKKS_RING_REAL ? 2 : 1)
                                 << (p->params.log_n - 1)
              && (size_t)(l->batch * l->grid_y * l->grid_x) <= l->slots,
          "%s: map %dx%d, rings %dx%d, grid %dx%d, batch %d, %zu slots", what,
          l->height, l->width, l->ring_y, l->ring_x, l->grid_y, l->grid_x,
          l->batch, l->slots);
    CHECK(p->core_height + 2 * p->halo <= l->height
              && p->core_width + 2 * p->halo <= l->width, "%s: core %dx%d, "
          "halo %d, map %dx%d", what, p->core_height, p->core_width, p->halo,
          l->height, l->width);
    CHECK(p->in_level == p->params.num_primes - 1, "%s: level %d of %d", what,
          p->in_level, p->params.num_primes);
    CHECK_OK(ckks_params_resolve(&full, &p->params));
    for (int i = 0; i < p->params.num_primes; i++)
        CHECK(p->params.primes[i] == full.primes[i]
                  && p->params.primes[i] > 61, "%s: prime %d", what, i);
    for (size_t i = 0; i < p->num_keys; i++) {
        relin |= p->key[i].kind == CKKS_KEY_RELIN;
        CHECK(p->key[i].level >= 0 && p->key[i].level <= p->in_level
                  && p->key[i].step >= 0
                  && (size_t)p->key[i].step < l->slots, "%s: key %zu", what,
              i);
    }
    for (int i = 0; i < p->num_steps; i++)
        CHECK((!p->step[i].square || relin) && p->step[i].level <= p->in_level
                  && p->step[i].products > 0 && p->step[i].seconds > 0,
              "%s: step %d", what, i);
    CHECK(p->error_sd > 0 && isfinite(p->error_sd) && p->peak_bytes > 0
              && p->key_bytes >= 0 && p->upload_bytes > 0
              && p->download_bytes > 0, "%s: predictions", what);
}

static bool load_model(nn_model *m, const char *path)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    bool ok = ckks_file_read(&bytes, &size, path, 1 << 28) == CKKS_OK
              && NN_OK(nn_model_load(m, bytes, size));

    ckks_file_free(bytes, size);
    return ok;
}

static void check_trained(const char *path, nn_border border)
{
    nn_model m = { 0 };
    nn_plan *p = calloc(1, sizeof *p);

    if (CHECK(p != NULL, "no memory") && !load_model(&m, path))
        test_skip("no model file");
    else if (NN_OK(nn_plan_make(p, &m, NULL))) {
        check_sense(p, path);
        CHECK(p->params.log_n == 15 && p->log_qp <= 868
                  && p->security_bits >= 128 && p->params.security == 128,
              "%s: N = 2^%d, log2(QP) %.1f, %.0f bits", path, p->params.log_n,
              p->log_qp, p->security_bits);
        /* columns of half the ring: steps of 2, too, after two poolings */
        CHECK(p->num_keys == 15 && p->params.ring == CKKS_RING_REAL
                  && p->layout.ring_y == 2 * p->layout.ring_x, "%s: %zu keys, "
              "ring %dx%d", path, p->num_keys, p->layout.ring_y,
              p->layout.ring_x);
        CHECK(p->border == border && p->num_steps == 11, "%s: %d steps", path,
              p->num_steps);
        CHECK(p->error_sd < 0.1 * m.layer[m.output].range.rms,
              "%s: error %.3g, logit %.3g", path, p->error_sd,
              m.layer[m.output].range.rms);
        test_note("%s: ring %dx%d, batch %d, log2(QP) %.1f, %.0f bits, "
                  "%.1f s, %.0f MiB", path, p->layout.ring_y,
                  p->layout.ring_x, p->layout.batch, p->log_qp,
                  p->security_bits, p->seconds, p->peak_bytes / 1048576);
    }
    nn_model_clear(&m);
    free(p);
}

TEST(plan_of_em)
{
    check_trained("unet/models/em.safetensors", NN_WRAP);
}

TEST(plan_of_gm)
{
    check_trained("unet/models/gm.safetensors", NN_HALO);
}

/* Every network at a real level of security: sense, and the table kept. */
TEST(plan_secure)
{
    static const int level[] = { 128, 192, 256 };
    rig_shape s;

    for (const net_kind *k = net_kinds; k->build != NULL; k++) {
        nn_model m = { 0 };
        nn_plan *p = calloc(1, sizeof *p);

        if (!CHECK(p != NULL, "no memory")
            || !rig_shape_at(&s, k, k->dense ? NN_ZERO : NN_HALO, 0)
            || !rig_model(&m, &s, k->build)) {
            free(p);
            return;
        }
        for (int i = 0; i < 3; i++) {
            nn_aim aim = { .security = level[i], .max_batch = 1 };

            if (!NN_OK(nn_plan_make(p, &m, &aim)))
                continue;
            check_sense(p, k->name);
            CHECK(p->log_qp <= ckks_max_log_qp(p->params.log_n, level[i])
                      && p->layout.batch == 1,
                  "%s: log2(QP) %.1f at N = 2^%d and %d bits", k->name,
                  p->log_qp, p->params.log_n, level[i]);
        }
        nn_model_clear(&m);
        free(p);
    }
}

static int bits_of(uint64_t v)
{
    int n = 0;

    for (; v > 0; v >>= 1)
        n++;
    return n;
}

/* Where the finest moduli leave room for many small digits only, coarser ones
 * are taken. */
TEST(plan_takes_smaller_primes)
{
    static const rig_shape s = { NN_HALO, 15, 0, 0, 16, 16, 1, 0, NN_SLOTS_ANY };
    nn_model m = { 0 };
    nn_plan *p = calloc(1, sizeof *p);
    nn_aim aim = { .security = 192, .log_n = 15 };

    if (CHECK(p != NULL, "no memory")
        && rig_model(&m, &s, net_kind_named("unet 2")->build)
        && NN_OK(nn_plan_make(p, &m, &aim)))
        CHECK(bits_of(p->params.primes[1]) < 47 && p->log_qp <= 597,
              "primes of %d and %d bits, log2(QP) %.1f",
              bits_of(p->params.primes[0]), bits_of(p->params.primes[1]),
              p->log_qp);
    nn_model_clear(&m);
    free(p);
}

/* Tiles of a size of their own are rounded up to whole poolings. */
TEST(plan_tiles)
{
    static const rig_shape s = { NN_HALO, 12, 0, 0, 16, 16, 1, 0, NN_SLOTS_ANY };
    nn_model m = { 0 };
    nn_plan *p = calloc(1, sizeof *p);
    nn_aim aim = { .security = CKKS_INSECURE, .log_n = 12, .height = 5,
                   .width = 13 };

    if (CHECK(p != NULL, "no memory")
        && rig_model(&m, &s, net_kind_named("unet 2")->build)
        && NN_OK(nn_plan_make(p, &m, &aim))) {
        check_sense(p, "tiles");
        CHECK(p->core_height == 8 && p->core_width == 16, "core %dx%d",
              p->core_height, p->core_width);
        CHECK(p->halo % 4 == 0 && p->halo >= nn_halo_radius(&m)
                  && p->halo < nn_halo_radius(&m) + 4, "halo %d, radius %d",
              p->halo, nn_halo_radius(&m));
    }
    nn_model_clear(&m);
    free(p);
}

/* ---- rotations --------------------------------------------------------- */

/* Counted by comparing each group of terms with all before it. */
static void check_rotations(const nni_map *m, const nn_step *step,
                            const char *what)
{
    long want = 0;

    for (int i = 0; i < m->num_phases; i++)
        for (int k = 0; k < m->phase[i].groups; k++) {
            const nni_term *t = &m->phase[i].group[k].term;
            bool input = t->step != 0, sum = input;

            for (int h = 0; h <= i; h++)
                for (int j = 0; j < (h < i ? m->phase[h].groups : k); j++) {
                    const nni_term *u = &m->phase[h].group[j].term;

                    input &= u->feed != t->feed || u->step != t->step;
                    sum &= h != i || u->step != t->step;
                }
            if (step->rotate_inputs)
                want += input ? m->feed[t->feed].channels : 0;
            else
                want += sum ? m->channels : 0;
        }
    CHECK(step->rotations == want, "%s: %ld rotations, counted %ld", what,
          step->rotations, want);
}

TEST(plan_counts_rotations)
{
    rig_shape s;

    for (const net_kind *k = net_kinds; k->build != NULL; k++)
        for (int border = NN_WRAP; border <= NN_ZERO; border++) {
            nn_model m = { 0 };
            nn_plan *p = calloc(1, sizeof *p);
            nn_aim aim;
            net n = { 0 };
            nni_placed placed = { 0 };

            if (CHECK(p != NULL, "no memory") && k->pools < 2
                && rig_shape_at(&s, k, (nn_border)border, 1)
                && rig_model(&m, &s, k->build)) {
                aim = rig_aim(&s);
                if (NN_OK(nn_plan_make(p, &m, &aim))
                    && NN_OK(nni_init(&n, &m, "plan_counts_rotations"))
                    && NN_OK(nni_place_plan(&placed, &n, p)))
                    for (int i = 0; i < n.num_stages; i++) {
                        nni_map map = { 0 };

                        if (NN_OK(nni_map_init(&map, &placed, i, false)))
                            check_rotations(&map, &p->step[i], k->name);
                        nni_map_clear(&map);
                    }
                nni_placed_clear(&placed);
                nni_clear(&n);
            }
            nn_model_clear(&m);
            free(p);
        }
}
