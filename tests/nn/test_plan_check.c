/* test_plan_check.c -- every field of a plan against every other.
 *
 * A change is applied to a plan that is taken, and must be refused; or, where
 * it stands at the edge, must still be taken.  The plan then is used as an
 * owner would: nothing is out of bounds (make check-asan).
 * Caught when planted: each line of plan_check.c's conditions left out.
 */
#include <math.h>

#include "net_support.h"
#include "unet_support.h"

typedef struct change {
    const char *what;
    void (*apply)(nn_plan *p);
    bool taken;
} change;

/* Masks: N = 32, 16 slots, ring 2, grid 4 x 2, two images. */
static void mask_plan(nn_plan *p)
{
    plan_identity(p, NN_HALO, 5, 2, 4, 2, 1, 0);
}

/* Classes in a vector: ten numbers in one ciphertext for a single image, rows
 * of 3 in cells of 4. */
static void vector_plan(nn_plan *p)
{
    plan_identity(p, NN_VALID, 5, 2, 2, 2, 0, 0);
    p->layout.batch = 1;
    p->out_gap = 0;
    p->out_channels = p->out_neurons = p->num_classes = 10;
    p->out_column = 3;
    for (int i = 0; i < 10; i++)
        snprintf(p->class_name[i], NN_NAME, "class %d", i);
}

/* Three labels. */
static void label_plan(nn_plan *p)
{
    mask_plan(p);
    p->foreground[0] = '\0';
    p->out_channels = p->num_labels = 3;
    for (int i = 0; i < 3; i++) {
        snprintf(p->label_name[i], NN_NAME, "label %d", i);
        p->label_max[i] = 255;
    }
}

#define CHANGE(id, ...) \
    static void change_##id(nn_plan *p) \
    { \
        __VA_ARGS__; \
    }

CHANGE(border, p->border = (nn_border)4)
CHANGE(name_escape, strcpy(p->name, "a\033[2J"))
CHANGE(name_c1, strcpy(p->foreground, "a\xc2\x9b" "2J"))
CHANGE(name_turn, strcpy(p->foreground, "a\xe2\x80\xae" "gpj.exe"))
CHANGE(name_line, strcpy(p->name, "a\xe2\x80\xa8" "b"))
CHANGE(name_bad, strcpy(p->name, "a\xc3"))
CHANGE(name_endless, memset(p->name, 'a', NN_NAME))
CHANGE(name_accents, strcpy(p->name, "mati\xc3\xa8re \xe7\x81\xb0"))
CHANGE(step_name, p->num_steps = 1; p->step[0] = (nn_step){ .name = "\n",
           .channels = 1, .height = 1, .width = 1 })
CHANGE(log_n, p->params.log_n = 18)
CHANGE(ring, p->params.ring = 2)
CHANGE(security, p->params.security = 127)
CHANGE(size_for_prime, p->params.primes[1] = 61)
CHANGE(large_prime, p->params.primes[1] = UINT64_C(1) << 61)
CHANGE(no_primes, p->params.num_primes = 0; p->in_level = p->out_level = 0)
CHANGE(many_primes, p->params.num_primes = CKKS_MAX_PRIMES + 1)
CHANGE(many_special, p->params.num_special = CKKS_MAX_SPECIAL + 1)
CHANGE(no_special, p->params.num_special = 0)
CHANGE(dnum, p->params.dnum = 3)
CHANGE(dnum_none, p->params.dnum = 0)
CHANGE(scale_bits, p->scale_bits = 61)
CHANGE(fitted, p->params.fitted_special = 2)
CHANGE(height, p->layout.height = 9)
CHANGE(height_none, p->layout.height = 0; p->layout.grid_y = 0)
CHANGE(ring_none, p->layout.ring_x = 0)
CHANGE(grid, p->layout.grid_x = 3)
CHANGE(slots, p->layout.slots = 32)
CHANGE(batch, p->layout.batch = 3)
CHANGE(batch_none, p->layout.batch = 0)
CHANGE(core, p->core_height = 7)
CHANGE(core_none, p->core_width = 0)
CHANGE(halo, p->halo = 2)
CHANGE(halo_negative, p->halo = -1)
CHANGE(halo_elsewhere, p->border = NN_ZERO)
CHANGE(in_channels, p->channels = 0)
CHANGE(in_many, p->channels = NN_MAX_CHANNELS + 1)
CHANGE(in_level, p->in_level = 2)
CHANGE(in_negative, p->in_level = -1)
CHANGE(in_scale, p->in_scale = 0.5)
CHANGE(in_scale_nan, p->in_scale = NAN)
CHANGE(in_scale_room, p->mul = 0x1p50)
CHANGE(mul_infinite, p->mul = INFINITY)
CHANGE(add_nan, p->add = NAN)
CHANGE(out_level, p->out_level = 2)
CHANGE(out_above_in, p->in_level = 0; p->out_level = 1;
       p->key[0].level = p->key[1].level = 0)
CHANGE(out_scale, p->out_scale = 0x1p60)
CHANGE(out_room, p->out_scale = 0x1p40)
CHANGE(out_channels, p->out_channels = 0)
CHANGE(out_gap, p->out_gap = 9)
CHANGE(out_gap_edge, p->out_gap = 8)
CHANGE(out_gap_negative, p->out_gap = -1)
CHANGE(neurons, p->out_neurons = NN_MAX_CHANNELS + 1)
CHANGE(max_nan, p->logit_max = NAN)
CHANGE(max_negative, p->logit_max = -1)
CHANGE(max_large, p->logit_max = 1e300)
CHANGE(error_large, p->error_sd = 1e300)
CHANGE(error_edge, p->error_sd = 255.0 / 4)
CHANGE(error_nan, p->error_sd = NAN)
CHANGE(threshold, p->threshold = 64 * 255 + 1)
CHANGE(threshold_nan, p->threshold = NAN)
CHANGE(key_kind, p->key[0].kind = (ckks_key_kind)3)
CHANGE(key_step, p->key[1].step = 16)
CHANGE(key_step_edge, p->key[1].step = 15)
CHANGE(key_step_none, p->key[1].step = 0)
CHANGE(key_relin_step, p->key[0].step = 1)
CHANGE(key_level, p->key[0].level = 2)
CHANGE(key_twice, p->key[2] = p->key[1]; p->num_keys = 3)
CHANGE(key_count, p->num_keys = NN_MAX_KEYS + 1)
CHANGE(key_conj, p->key[1] = (ckks_key_request){ CKKS_KEY_CONJ, 0, 1 })
CHANGE(key_conj_real, change_key_conj(p); p->params.ring = CKKS_RING_REAL;
       p->layout.slots = 32)
CHANGE(steps, p->num_steps = NN_MAX_STEPS + 1)
CHANGE(step_level, p->num_steps = 1; p->step[0] = (nn_step){ .level = 2,
           .channels = 1, .height = 1, .width = 1 })
CHANGE(class_count, p->num_classes = NN_MAX_CLASSES + 1)
CHANGE(same, (void)p)

static const change mask_changes[] = {
    { "nothing", change_same, true },
    { "border", change_border, false },
    { "name: escape", change_name_escape, false },
    { "name: C1 control", change_name_c1, false },
    { "name: turns round", change_name_turn, false },
    { "name: line", change_name_line, false },
    { "name: no UTF-8", change_name_bad, false },
    { "name: no end", change_name_endless, false },
    { "name: letters", change_name_accents, true },
    { "step: name", change_step_name, false },
    { "log_n", change_log_n, false },
    { "ring", change_ring, false },
    { "security", change_security, false },
    { "a size for a prime", change_size_for_prime, false },
    { "a prime of 2^61", change_large_prime, false },
    { "no primes", change_no_primes, false },
    { "many primes", change_many_primes, false },
    { "many special", change_many_special, false },
    { "keys without special", change_no_special, false },
    { "dnum", change_dnum, false },
    { "dnum 0", change_dnum_none, false },
    { "scale_bits", change_scale_bits, false },
    { "fitted_special", change_fitted, false },
    { "height", change_height, false },
    { "height 0", change_height_none, false },
    { "ring 0", change_ring_none, false },
    { "grid", change_grid, false },
    { "slots", change_slots, false },
    { "batch", change_batch, false },
    { "batch 0", change_batch_none, false },
    { "core", change_core, false },
    { "core 0", change_core_none, false },
    { "halo", change_halo, false },
    { "halo -1", change_halo_negative, false },
    { "halo of another border", change_halo_elsewhere, false },
    { "channels 0", change_in_channels, false },
    { "channels", change_in_many, false },
    { "level", change_in_level, false },
    { "level -1", change_in_negative, false },
    { "scale", change_in_scale, false },
    { "scale NaN", change_in_scale_nan, false },
    { "values", change_in_scale_room, false },
    { "mul", change_mul_infinite, false },
    { "add", change_add_nan, false },
    { "output level", change_out_level, false },
    { "output level over input", change_out_above_in, false },
    { "output scale", change_out_scale, false },
    { "output room", change_out_room, false },
    { "output channels", change_out_channels, false },
    { "gap", change_out_gap, false },
    { "gap at the edge", change_out_gap_edge, true },
    { "gap -1", change_out_gap_negative, false },
    { "neurons", change_neurons, false },
    { "max NaN", change_max_nan, false },
    { "max -1", change_max_negative, false },
    { "max 1e300", change_max_large, false },
    { "error 1e300", change_error_large, false },
    { "error at the edge", change_error_edge, true },
    { "error NaN", change_error_nan, false },
    { "threshold", change_threshold, false },
    { "threshold NaN", change_threshold_nan, false },
    { "key kind", change_key_kind, false },
    { "key step", change_key_step, false },
    { "key step at the edge", change_key_step_edge, true },
    { "key step 0", change_key_step_none, false },
    { "relinearisation with a step", change_key_relin_step, false },
    { "key level", change_key_level, false },
    { "a key twice", change_key_twice, false },
    { "many keys", change_key_count, false },
    { "conjugation", change_key_conj, true },
    { "conjugation in the real ring", change_key_conj_real, false },
    { "many steps", change_steps, false },
    { "step level", change_step_level, false },
    { "many classes", change_class_count, false },
};

CHANGE(classes_gap, p->out_gap = 1; p->out_neurons = 0)
CHANGE(classes_fewer, p->num_classes = 9)
CHANGE(vector_gap, p->out_gap = 1; p->num_classes = 0)
CHANGE(column, p->out_column = 5)
CHANGE(column_edge, p->out_column = 4)
CHANGE(column_none, p->out_column = 0)
CHANGE(column_one, p->out_column = 1)          /* ten rows of 4 in 16 slots  */
CHANGE(vector_batch, p->layout.batch = 4)
CHANGE(vector_batch_two, p->layout.batch = 2)

static const change vector_changes[] = {
    { "nothing", change_same, true },
    { "classes with a gap", change_classes_gap, false },
    { "fewer classes than channels", change_classes_fewer, false },
    { "a vector with a gap", change_vector_gap, false },
    { "column over cells", change_column, false },
    { "column at the edge", change_column_edge, true },
    { "column 0", change_column_none, false },
    { "column 1", change_column_one, false },
    { "vectors of four images", change_vector_batch, false },
    { "vectors of two images", change_vector_batch_two, true },
};

CHANGE(mask_channels, p->out_channels = 2)
CHANGE(labels_none, p->num_labels = 0)
CHANGE(labels_negative, p->num_labels = -1)
CHANGE(labels_one, p->num_labels = p->out_channels = 1)
CHANGE(labels_fewer, p->num_labels = 2)
CHANGE(labels_more, p->num_labels = 4)
CHANGE(labels_many, p->num_labels = p->out_channels = NN_MAX_LABELS + 1)
CHANGE(labels_most, p->num_labels = p->out_channels = NN_MAX_LABELS)
CHANGE(labels_classes, p->num_classes = 3)
CHANGE(labels_point, p->out_gap = 0)
CHANGE(labels_gap, p->out_gap = 2)
CHANGE(labels_vector, p->out_neurons = 2; p->out_column = 1)
CHANGE(labels_foreground, strcpy(p->foreground, "bright"))
CHANGE(labels_threshold, p->threshold = 1)
CHANGE(labels_no_threshold, p->threshold = NAN)
CHANGE(label_name, strcpy(p->label_name[2], "a\033[2J"))
CHANGE(label_endless, memset(p->label_name[0], 'a', NN_NAME))
CHANGE(label_max_over, p->label_max[1] = 255.5)
CHANGE(label_max_below, p->label_max[1] = -1)
CHANGE(label_max_none, p->label_max[2] = NAN)
CHANGE(label_max_zero, p->label_max[0] = 0)

static const change label_changes[] = {
    { "nothing", change_same, true },
    { "channels without labels", change_labels_none, false },
    { "labels below 0", change_labels_negative, false },
    { "one label", change_labels_one, false },
    { "fewer labels than channels", change_labels_fewer, false },
    { "more labels than channels", change_labels_more, false },
    { "too many labels", change_labels_many, false },
    { "as many labels as may be", change_labels_most, true },
    { "labels and classes", change_labels_classes, false },
    { "labels of a point", change_labels_point, false },
    { "labels of a smaller map", change_labels_gap, true },
    { "labels in a vector", change_labels_vector, false },
    { "labels and a foreground", change_labels_foreground, false },
    { "labels and a threshold", change_labels_threshold, false },
    { "labels, threshold NAN", change_labels_no_threshold, false },
    { "a label's name", change_label_name, false },
    { "a label's name without end", change_label_endless, false },
    { "a label over all", change_label_max_over, false },
    { "a label's logits below 0", change_label_max_below, false },
    { "a label's logits NAN", change_label_max_none, false },
    { "a label's logits 0", change_label_max_zero, true },
};

/* What an owner does with a plan that is taken. */
static void use_plan(const nn_plan *p)
{
    const unet_size size = { p->core_height, p->core_width };
    const size_t in = (size_t)nn_plan_inputs(p) * p->layout.slots;
    const size_t back = (size_t)nn_plan_outputs(p) * p->layout.slots;
    const size_t pixels = (size_t)size.height * (size_t)size.width;
    const size_t logits = (size_t)p->out_channels
                          * (p->num_classes > 0 ? 1 : pixels);
    double *pixel = calloc((size_t)p->channels * pixels, sizeof *pixel);
    double *slots = calloc(in > back ? in : back, sizeof *slots);
    double *logit = calloc(logits, sizeof *logit);
    const unet_pixels source =
        unet_pixels_array(&(const double *){ pixel });
    unet_job job = {0};

    if (CHECK(pixel != NULL && slots != NULL && logit != NULL, "no memory")
        && NN_OK(unet_job_init(&job, p, &size, 1))) {
        NN_OK(unet_pack(slots, p, &job, &source, 0));
        NN_OK(unet_unpack(&logit, p, &job, slots, 0));
    }
    unet_job_clear(&job);
    free(pixel);
    free(slots);
    free(logit);
}

static void try_changes(const change *c, size_t count,
                        void (*make)(nn_plan *))
{
    static nn_plan p;

    for (size_t i = 0; i < count; i++) {
        ckks_status s;

        make(&p);
        c[i].apply(&p);
        s = nn_plan_check(&p);
        CHECK(s == (c[i].taken ? CKKS_OK : CKKS_EFORMAT), "%s: %s (%s)",
              c[i].what, ckks_status_name(s), nn_last_error());
        if (s == CKKS_OK)
            use_plan(&p);
    }
}

TEST(plan_check_masks)
{
    try_changes(mask_changes, sizeof mask_changes / sizeof mask_changes[0],
                mask_plan);
    NN_STATUS(nn_plan_check(NULL), CKKS_EARG);
}

TEST(plan_check_vectors)
{
    try_changes(vector_changes,
                sizeof vector_changes / sizeof vector_changes[0],
                vector_plan);
}

TEST(plan_check_labels)
{
    static const change alone[] = {
        { "a mask of two channels", change_mask_channels, false }
    };

    try_changes(alone, 1, mask_plan);
    try_changes(label_changes, sizeof label_changes / sizeof label_changes[0],
                label_plan);
}

/* The room is the caller's, and the image one of the batch. */
TEST(plan_check_unpack_room)
{
    static nn_plan p;
    double slots[4 * 16] = {0}, logit[64];

    mask_plan(&p);
    CHECK(nn_plan_logits(&p) == 8 * 4, "%zu", nn_plan_logits(&p));
    logit[31] = logit[32] = 7;
    NN_STATUS(nn_unpack(logit, 31, &p, slots, 0), CKKS_EARG);
    CHECK(logit[31] == 7, "an output changed");
    NN_STATUS(nn_unpack(logit, 32, &p, slots, 2), CKKS_EARG);
    NN_STATUS(nn_unpack(logit, 32, &p, slots, -1), CKKS_EARG);
    NN_OK(nn_unpack(logit, 32, &p, slots, 1));
    CHECK(logit[31] == 0 && logit[32] == 7, "%g %g", logit[31], logit[32]);
}

/* What the owner asks for stands above the plan. */
TEST(plan_accept_is_the_owners)
{
    static nn_plan p;
    unet_policy policy = {0};
    unet_cost cost = {0};

    mask_plan(&p);
    NN_STATUS(unet_accept(&cost, &p, &policy, UNET_KEYGEN), CKKS_EPARAM);
    CHECK(cost.security == 0 && strstr(nn_last_error(), "2^5") != NULL, "%s",
          nn_last_error());
    policy.insecure = 1;
    NN_OK(unet_accept(&cost, &p, &policy, UNET_KEYGEN));
    policy.memory = cost.memory[UNET_DECRYPT];
    NN_OK(unet_accept(NULL, &p, &policy, UNET_DECRYPT));
    policy.memory--;
    NN_STATUS(unet_accept(NULL, &p, &policy, UNET_DECRYPT), CKKS_EMEM);
    policy = (unet_policy){ .security = 127 };
    NN_STATUS(unet_accept(NULL, &p, &policy, UNET_KEYGEN), CKKS_EARG);
    p.out_gap = -1;
    NN_STATUS(unet_accept(NULL, &p, &policy, UNET_KEYGEN), CKKS_EFORMAT);
    plan_identity(&p, NN_HALO, 13, 2, 32, 32, 1, 0);    /* log2 QP = 132 */
    for (int bits = 128; bits <= 256; bits += 64) {
        policy = (unet_policy){ .security = bits };
        NN_STATUS(unet_accept(&cost, &p, &policy, UNET_ENCRYPT),
                  bits < 256 ? CKKS_OK : CKKS_EPARAM);
    }
    CHECK(cost.security == 192 && cost.estimate > 192
          && cost.estimate < 256, "%d, %g", cost.security, cost.estimate);
}

/* Bounds hold what is really needed and are no more than three times that. */
TEST(plan_accept_bounds_sizes)
{
    static nn_plan p;
    unet_cost cost;
    ckks_ctx *ctx = NULL;
    ckks_rng rng = {0};
    ckks_sk *sk = NULL;
    ckks_keys *keys = NULL;

    plan_identity(&p, NN_HALO, 12, 2, 32, 32, 1, 0);
    unet_plan_cost(&cost, &p);
    if (NN_OK(nn_plan_context(&ctx, &p, NULL))
        && CHECK_OK(ckks_rng_init(&rng, NULL))
        && NN_OK(unet_keygen(&sk, &keys, &rng, ctx, &p))) {
        const uint64_t size = ckks_keys_size(keys);

        CHECK(size <= cost.keys && cost.keys < 3 * size, "%llu of %llu",
              (unsigned long long)size, (unsigned long long)cost.keys);
    }
    ckks_keys_clear(&keys);
    ckks_sk_clear(&sk);
    ckks_rng_clear(&rng);
    ckks_ctx_clear(&ctx);
}
