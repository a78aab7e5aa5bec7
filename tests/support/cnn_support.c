/* cnn_support.c -- small networks of any kind on given rings. */
#include <math.h>

#include "cnn_support.h"

/* Values near 1 everywhere: weights by the root of their number. */
static void tame(nn_model *m, float weight)
{
    for (int i = 0; i < m->num_layers; i++) {
        const nn_layer *l = &m->layer[i], *x = &m->layer[l->in[0]];
        size_t fan = (size_t)x->channels, all;
        float *w = m->data + (l->weight != NULL ? l->weight - m->data : 0);

        if (l->op == NN_CONV)
            fan = fan / (size_t)l->groups * (size_t)(l->kernel_y * l->kernel_x);
        else if (l->op == NN_TCONV)     /* channels the other way round      */
            fan = (size_t)(l->kernel_y * l->kernel_x / 2 * x->channels);
        else if (l->op == NN_DENSE)
            fan *= (size_t)(x->height * x->width);
        else
            continue;
        all = fan * (size_t)l->channels;
        for (size_t j = 0; j < all; j++)
            w[j] *= weight / sqrtf((float)fan);
    }
}

static size_t count_logits(const cnn_kind *kind)
{
    return (size_t)(kind->classes > 0 ? kind->classes
                                      : kind->height * kind->width);
}

static double cnn_spread(const cnn *c)
{
    const size_t count = count_logits(c->kind);
    double all[CNN_MOST * 256];

    for (size_t i = 0; i < CNN_MOST; i++)
        memcpy(all + i * count, c->want[i], count * sizeof *all);
    return spread_of(all, CNN_MOST * count);
}

bool cnn_init(cnn *c, const cnn_kind *kind)
{
    static model_maker k;
    const size_t each = (size_t)(kind->channels * kind->height * kind->width);
    uint64_t seed = 11;
    uint8_t *bytes;
    size_t size;
    bool ok;

    memset(c, 0, sizeof *c);
    c->kind = kind;
    maker_start(&k, kind->border, kind->ring, kind->channels, kind->height,
                kind->width);
    kind->build(&k);
    if (kind->classes > 0)
        maker_classes(&k, "out", kind->classes);
    else
        maker_finish(&k, "logit");
    bytes = maker_bytes(&size, &k);
    ok = CHECK(bytes != NULL, "no memory")
         && NN_OK(nn_model_load(&c->m, bytes, size));
    free(bytes);
    maker_clear(&k);
    c->pixel = malloc(CNN_MOST * each * sizeof *c->pixel);
    if (!ok || !CHECK(c->pixel != NULL, "no memory"))
        return false;
    tame(&c->m, kind->weight);
    for (size_t j = 0; j < CNN_MOST * each; j++)
        c->pixel[j] = (double)(test_word(&seed) % 256);
    for (int i = 0; i < CNN_MOST && ok; i++)
        ok = NN_OK(nn_model_float(c->want[i], &c->m,
                                  c->pixel + (size_t)i * each, 1, kind->height,
                                  kind->width));
    c->spread = cnn_spread(c);
    return ok && CHECK(c->spread > 0.05 && c->spread < 1,
                       "%s: logits differ by %g", kind->name, c->spread);
}

void cnn_clear(cnn *c)
{
    nn_model_clear(&c->m);
    free(c->pixel);
}

/* ---- one plan ----------------------------------------------------------- */

void trial_text(char out[160], const trial *t)
{
    const nn_layout *l = &t->p.layout;
    int at = snprintf(out, 160, "%s %s N=2^%d%s ring %dx%d grid %dx%d batch "
                      "%d neurons", t->c->kind->name, t->c->kind->border,
                      t->p.params.log_n,
                      t->p.params.ring == CKKS_RING_REAL ? " real" : "",
                      l->ring_y, l->ring_x, l->grid_y, l->grid_x, l->batch);

    for (int k = 0; k < t->p.num_steps && at < 150; k++)
        at += snprintf(out + at, 160 - (size_t)at, " %d",
                       t->p.step[k].neurons);
}

/* Pixels beyond the image: under halo its reflection, else anything in range.
 */
static double pixel_at(const trial *t, const double *from, int y, int x)
{
    const int height = t->c->kind->height, width = t->c->kind->width;
    const bool inside = y >= 0 && x >= 0 && y < height && x < width;

    if (t->p.border == NN_HALO) {
        while (y < 0 || y >= height)
            y = y < 0 ? -y : 2 * (height - 1) - y;
        while (x < 0 || x >= width)
            x = x < 0 ? -x : 2 * (width - 1) - x;
    } else if (!inside) {
        return 200 - (x * 7 + y * 13) % 150;
    }
    return from[y * width + x];
}

static bool trial_pack(trial *t)
{
    const nn_plan *p = &t->p;
    const int h = p->layout.height, w = p->layout.width;
    const int height = t->c->kind->height, width = t->c->kind->width;
    const size_t area = (size_t)h * (size_t)w;
    const double *each[CNN_MOST];
    double *tile = malloc(CNN_MOST * (size_t)p->channels * area * sizeof *tile);

    if (!CHECK(tile != NULL, "no memory"))
        return false;
    for (int i = 0; i < t->images; i++) {
        double *to = tile + (size_t)i * (size_t)p->channels * area;
        const double *from = t->c->pixel + (size_t)(i * p->channels * height
                                                    * width);

        each[i] = to;
        for (int c = 0; c < p->channels; c++)
            for (int y = 0; y < h; y++)
                for (int x = 0; x < w; x++)
                    *to++ = pixel_at(t, from + c * height * width,
                                     y - p->halo, x - p->halo);
    }
    nn_pack(t->in, p, each, t->images);
    free(tile);
    return true;
}

bool trial_init(trial *t, const cnn *c, const nn_aim *aim)
{
    *t = (trial){ .c = c, .aim = *aim };
    if (aim->dense != NN_DENSE_ANY
        && nn_plan_make(&t->p, &c->m, aim) != CKKS_OK)
        t->aim.dense = NN_DENSE_ANY;
    if (!NN_OK(nn_plan_make(&t->p, &c->m, &t->aim))
        || !NN_OK(nn_weights_init(&t->w, &c->m, &t->p)))
        return false;
    t->images = t->p.layout.batch < CNN_MOST ? t->p.layout.batch : CNN_MOST;
    t->in = malloc((size_t)nn_plan_inputs(&t->p) * t->p.layout.slots
                   * sizeof *t->in);
    t->clear = malloc((size_t)nn_plan_outputs(&t->p) * t->p.layout.slots
                      * sizeof *t->clear);
    return CHECK(t->in != NULL && t->clear != NULL, "no memory")
           && trial_pack(t)
           && NN_OK(nn_clear(t->clear, t->in, &t->p, t->w, NULL));
}

void trial_clear(trial *t)
{
    nn_weights_clear(&t->w);
    free(t->in);
    free(t->clear);
}

void trial_check_logits(const trial *t, const double *slots, double bound,
                         const char *what)
{
    const cnn_kind *kind = t->c->kind;
    const int columns = kind->classes > 0 ? 1 : t->p.layout.width;
    const int h = kind->classes > 0 ? kind->classes : kind->height;
    const int w = kind->classes > 0 ? 1 : kind->width;
    const int halo = t->p.halo;
    char text[160];
    static double got[1 << 16];

    trial_text(text, t);
    if (!CHECK(t->p.layout.height * columns <= 1 << 16, "%s: too large", text))
        return;
    for (int i = 0; i < t->images; i++) {
        if (!NN_OK(nn_unpack(got, sizeof got / sizeof *got, &t->p, slots, i)))
            return;
        for (int k = 0; k < h * w; k++) {
            double value = got[(k / w + halo) * columns + k % w + halo];

            if (!CHECK(fabs(value - t->c->want[i][k]) <= bound,
                       "%s: %s, image %d logit %d: %.6f, want %.6f", text,
                       what, i, k, value, t->c->want[i][k]))
                return;
        }
    }
}

void trial_check_encrypted(const trial *t)
{
    rig r = { .m = t->c->m, .p = t->p, .w = t->w, .in = t->in,
              .clear = t->clear };
    rig_error e;
    char text[160];

    trial_text(text, t);
    r.count = (size_t)nn_plan_outputs(&t->p) * t->p.layout.slots;
    if (rig_encrypted(&e, &r, 1))
        CHECK(e.worst <= 0.05 * t->c->spread
                  && e.imaginary <= 0.05 * t->c->spread,
              "%s: off by %.3g, imaginary parts up to %.3g; logits differ by "
              "%.3g", text, e.worst, e.imaginary, t->c->spread);
}
