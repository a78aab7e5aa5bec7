/* net_check.c -- rings, grids and batches to try, and the comparison of all
 * ways to run a network. */
#include "net_support.h"

#include <math.h>

#include "stage/weights.h"

/* ---- shapes ------------------------------------------------------------- */

/* A grid that fills the slots, on rings that the poolings divide. */
static bool wrap_shape(rig_shape *s, int unit, int i)
{
    static const struct { int log_n, grid_y, ring_y, ring_x; } shape[] = {
        { 6, 4, 1, 1 }, { 6, 8, 2, 3 }, { 7, 64, 1, 2 }, { 6, 1, 3, 1 },
        { 5, 2, 4, 4 }
    };

    if (i >= (int)(sizeof shape / sizeof *shape))
        return false;
    s->log_n = shape[i].log_n - (s->slots == NN_SLOTS_REAL);
    s->ring_y = unit * shape[i].ring_y;
    s->ring_x = unit * shape[i].ring_x;
    s->height = s->ring_y * shape[i].grid_y;
    s->width = s->ring_x * ((1 << (shape[i].log_n - 1)) / shape[i].grid_y);
    return true;
}

/* Smallest N that holds one image and so many pixels around it along an axis,
 * more by `extra`. */
static void fit_slots(rig_shape *s, int around, int extra)
{
    int grid_y = (s->height + around + s->ring_y - 1) / s->ring_y;
    int grid_x = (s->width + around + s->ring_x - 1) / s->ring_x;

    s->log_n = 5;
    while ((1 << (s->log_n - 1)) < grid_y * grid_x)
        s->log_n++;
    s->log_n += extra - (s->slots == NN_SLOTS_REAL);
}

/* Batches that fill the slots and such that do not; rings that do not divide
 * the image. */
static bool halo_shape(rig_shape *s, const net_kind *kind, int i)
{
    static const struct { int ring_y, ring_x, extra, batch; } shape[] = {
        { 2, 2, 0, 0 }, { 3, 4, 1, 0 }, { 1, 2, 2, 2 }, { 4, 3, 1, 1 }
    };
    int unit = 1 << kind->pools;
    nn_model m = { 0 };

    if (i >= (int)(sizeof shape / sizeof *shape))
        return false;
    s->ring_y = unit * shape[i].ring_y;
    s->ring_x = unit * shape[i].ring_x;
    s->max_batch = shape[i].batch;
    s->height = unit * (i == 0 ? 5 : 3);
    s->width = unit * (i == 1 ? 7 : 4);
    if (!rig_model(&m, s, kind->build))
        return false;
    fit_slots(s, 2 * ((nn_halo_radius(&m) + unit - 1) / unit * unit),
              unit < 8 ? shape[i].extra : shape[i].extra / 2);
    nn_model_clear(&m);
    return true;
}

static bool zero_shape(rig_shape *s, const net_kind *kind, int i)
{
    static const struct { int ring_y, ring_x, grid_y, grid_x, extra, batch; }
    shape[] = {
        { 1, 1, 3, 5, 0, 0 }, { 2, 3, 4, 2, 1, 0 }, { 1, 2, 1, 4, 2, 2 },
        { 2, 1, 3, 1, 0, 1 }, { 1, 1, 4, 4, 0, 0 }
    };
    int unit = 1 << kind->pools;
    nn_model m = { 0 };
    net n = { 0 };

    if (i >= (int)(sizeof shape / sizeof *shape))
        return false;
    s->ring_y = unit * (kind->dense ? 1 : shape[i].ring_y);
    s->ring_x = unit * (kind->dense ? 1 : shape[i].ring_x);
    s->max_batch = shape[i].batch;
    s->height = s->ring_y * (kind->dense ? 1 : shape[i].grid_y);
    s->width = s->ring_x * (kind->dense ? 1 : shape[i].grid_x);
    if (!rig_model(&m, s, kind->build) || !NN_OK(nni_init(&n, &m, "test")))
        return false;
    fit_slots(s, n.margin, shape[i].extra);
    nni_clear(&n);
    nn_model_clear(&m);
    return true;
}

static bool shape_at(rig_shape *out, const net_kind *kind, nn_border border,
                     nn_slots slots, int i)
{
    *out = (rig_shape){ .border = border, .channels = kind->channels,
                        .slots = slots };
    switch (border) {
    case NN_WRAP:
        return !kind->dense && wrap_shape(out, 1 << kind->pools, i);
    case NN_HALO:
        return !kind->dense && halo_shape(out, kind, i);
    default:
        return kind->zero && zero_shape(out, kind, i);
    }
}

/* All in the complex ring, then all in the real one. */
bool rig_shape_at(rig_shape *out, const net_kind *kind, nn_border border,
                  int i)
{
    int shapes = 0;

    if (shape_at(out, kind, border, NN_SLOTS_COMPLEX, i))
        return true;
    while (shape_at(out, kind, border, NN_SLOTS_COMPLEX, shapes))
        shapes++;
    return shape_at(out, kind, border, NN_SLOTS_REAL, i - shapes);
}

/* ---- one check of everything -------------------------------------------- */

/* Image i of packed logits, without halo, against nn_model_float. */
static void check_float(const rig *r, const double *slots, int i,
                        double bound, const char *what, const char *text)
{
    const nn_plan *p = &r->p;
    bool flat = r->m.layer[r->m.output].height == 1 && r->m.height > 1;
    int h = flat ? 1 : p->core_height, w = flat ? 1 : p->core_width;
    int columns = flat ? 1 : p->layout.width / p->out_gap;
    int rows = flat ? 1 : p->layout.height / p->out_gap;
    size_t size = (size_t)p->channels * (size_t)p->core_height
                  * (size_t)p->core_width;
    size_t room = (size_t)p->out_channels * (size_t)p->layout.height
                  * (size_t)p->layout.width;
    double *want = malloc(room * sizeof *want);
    double *got = malloc(room * sizeof *got);
    double worst = 0;

    if (CHECK(want != NULL && got != NULL, "no memory")
        && NN_OK(nn_model_float(want, &r->m, r->pixel + (size_t)i * size, 1,
                                   p->core_height, p->core_width))
        && NN_OK(nn_unpack(got, room, p, slots, i))) {
        for (int y = 0; y < p->out_channels * h; y++)
            for (int x = 0; x < w; x++)
                worst = fmax(worst, fabs(want[y * w + x]
                                         - got[(y / h * rows + y % h + p->halo)
                                                   * columns
                                               + x + p->halo]));
        CHECK(worst <= bound, "%s: %s, image %d: off by %.3g from the float "
              "network, allowed %.3g", text, what, i, worst, bound);
    }
    free(want);
    free(got);
}

/* Errors of weights are the same in all slots: they may add up, and where all
 * pixels are averaged before a dense layer they do. */
static void check_clear(rig *r, bool dense, const char *text)
{
    double *clear = malloc(r->count * sizeof *clear), sd;
    double allowed = 1e-2 * r->spread;

    if (!CHECK(clear != NULL, "no memory"))
        return;
    memcpy(clear, r->clear, r->count * sizeof *clear);
    slotwise_pixels(clear, r);
    sd = rms_difference(clear, r->slotwise, r->count);
    free(clear);
    if (dense) {
        allowed = 0x1p-9 * rms_of(r->slotwise, r->count);
        r->quantised = allowed;
    }
    CHECK(sd <= allowed && sd <= 8 * r->quantised,
          "%s: clear twin off by %.3g rms, allowed %.3g, predicted %.3g", text,
          sd, allowed, r->quantised);
    for (int i = 0; i < r->images; i++) {
        check_float(r, r->slotwise, i, 1e-9, "slotwise", text);
        check_float(r, r->clear, i, 64 * r->quantised, "clear", text);
    }
}

static void check_encrypted(const rig *r, double factor, const char *text)
{
    rig_error e;
    double sd;

    if (!rig_encrypted(&e, r, 1))
        return;
    sd = r->p.num_labels > 0 ? e.apart : e.sd;
    CHECK(sd <= factor * r->p.error_sd && sd >= r->p.error_sd / factor,
          "%s: error of sd %.3g, predicted %.3g (ratio %.2f), logit %.3g",
          text, sd, r->p.error_sd, sd / r->p.error_sd, r->spread);
    CHECK(e.worst <= 8 * factor * r->p.error_sd,
          "%s: a slot off by %.3g, predicted sd %.3g", text, e.worst,
          r->p.error_sd);
    CHECK(e.imaginary <= 8 * factor * r->p.error_sd,
          "%s: imaginary parts up to %.3g, predicted sd %.3g", text,
          e.imaginary, r->p.error_sd);
    if (getenv("VOLLEY_RATIOS") != NULL)
        test_note("%s: ratio %.2f", text, sd / r->p.error_sd);
}

void rig_check(const net_kind *kind, const rig_shape *s, bool encrypted)
{
    rig r = { 0 };
    char shape[96], text[160];

    rig_text(shape, s);
    snprintf(text, sizeof text, "%s, %s", kind->name, shape);
    if (CHECK(rig_init(&r, s, kind->build), "%s", text)) {
        check_clear(&r, kind->dense, text);
        if (encrypted)
            check_encrypted(&r, kind->single ? 2 : 8, text);
    }
    rig_clear(&r);
}

/* ---- pixels in every other slot ------------------------------------------ */

int rig_halve(rig *r, const rig_shape *s)
{
    nn_aim aim = rig_aim(s);
    int alternating = 0;

    aim.slots = NN_SLOTS_REAL;
    aim.ring_x /= 2;
    nn_weights_clear(&r->w);
    if (!NN_OK(nn_plan_make(&r->p, &r->m, &aim))
        || !NN_OK(nn_weights_init(&r->w, &r->m, &r->p)))
        return 0;
    free(r->in);
    free(r->clear);
    r->count = (size_t)nn_plan_outputs(&r->p) * r->p.layout.slots;
    r->in = malloc((size_t)nn_plan_inputs(&r->p) * r->p.layout.slots
                   * sizeof *r->in);
    r->clear = malloc(r->count * sizeof *r->clear);
    if (!CHECK(r->in != NULL && r->clear != NULL, "no memory")
        || !rig_repack(r, r->pixel))
        return 0;
    for (int k = 0; k < r->w->net.num_stages; k++) {
        CHECK(!r->w->placed.stage[k].masked, "stage %d is masked", k);
        alternating += r->w->placed.stage[k].alternating;
    }
    return alternating;
}

void rig_check_halved(const net_kind *kind, const rig_shape *s)
{
    rig r = { 0 };
    char shape[96], text[160];

    rig_text(shape, s);
    snprintf(text, sizeof text, "%s, %s, half the columns", kind->name, shape);
    if (CHECK(rig_init(&r, s, kind->build), "%s", text)) {
        CHECK(rig_halve(&r, s) > 0, "%s: nothing alternates", text);
        for (int i = 0; i < r.images; i++)
            check_float(&r, r.clear, i, 64 * r.quantised, "clear", text);
        check_encrypted(&r, 8, text);
    }
    rig_clear(&r);
}
