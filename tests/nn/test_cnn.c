/* test_cnn.c -- networks on every ring: strides, large kernels, unpadded
 * borders, means and transposed convolutions where the ring is used up, dense
 * layers of every form.
 *
 * Caught when planted: a stride left out of the gap; a carry that loses the
 * grid's width; a mean without its fourth pixel; a fold too few; plaintexts
 * not turned against the giant step; a bias on one row only; masks of even
 * pixels for odd ones.
 */
#include <math.h>

#include "net_support.h"

enum { MOST = 4 };              /* images                                    */

typedef struct cnn_kind {
    const char *name, *border;
    int channels, height, width;
    int classes;                /* 0: a mask                                 */
    void (*build)(model_maker *k);
    float weight;               /* keeps values near 1                       */
} cnn_kind;

/* 15 x 15, 6 x 6, 4 x 4, 2 x 2 */
static void digits(model_maker *k)
{
    maker_strided(k, "a", "image", 1, 2, 5, 2);
    maker_plain(k, "square", "as", "a", NULL);
    maker_conv(k, "b", "as", 2, 3, 3);
    maker_batchnorm(k, "bn", "b", 3);
    maker_plain(k, "square", "bs", "bn", NULL);
    maker_plain(k, "pool", "p", "bs", NULL);
    maker_dense(k, "d", "p", 12, 7);
    maker_plain(k, "square", "ds", "d", NULL);
    maker_dense(k, "e", "ds", 7, 5);
    maker_plain(k, "square", "es", "e", NULL);
    maker_dense(k, "out", "es", 5, 3);
}

/* 12 x 16, 6 x 8, 3 x 4 */
static void padded(model_maker *k)
{
    maker_strided(k, "a", "image", 1, 2, 3, 2);
    maker_plain(k, "square", "as", "a", NULL);
    maker_conv(k, "b", "as", 2, 2, 5);
    maker_plain(k, "pool", "p", "b", NULL);
    maker_conv(k, "c", "p", 2, 2, 3);
    maker_plain(k, "square", "cs", "c", NULL);
    maker_dense(k, "out", "cs", 24, 4);
}

/* 16 x 16, 4 x 4, 2 x 2, 1 x 1: one logit, two classes */
static void skin(model_maker *k)
{
    maker_strided(k, "a", "image", 3, 4, 4, 4);
    maker_quadratic(k, "q", "a", 4);
    maker_plain(k, "pool", "p", "q", NULL);
    maker_plain(k, "pool", "pp", "p", NULL);
    maker_dense(k, "out", "pp", 4, 1);
}

/* A U-Net of two poolings. */
static void unet(model_maker *k)
{
    maker_unet(k, 2, 2);
}

/* Means and a way up, with an odd layer between. */
static void sandwich(model_maker *k)
{
    maker_conv(k, "a", "image", 1, 2, 3);
    maker_plain(k, "pool", "p", "a", NULL);
    maker_plain(k, "square", "s", "p", NULL);
    maker_tconv(k, "t", "s", 2, 2);
    maker_plain(k, "square", "u", "t", NULL);
    maker_conv(k, "logit", "u", 2, 1, 3);
}

static const cnn_kind KINDS[] = {
    { "digits", "valid", 1, 15, 15, 3, digits, 3.4f },
    { "padded", "zero", 1, 12, 16, 4, padded, 3 },
    { "skin", "valid", 3, 16, 16, 1, skin, 6 },
    { "unet", "zero", 1, 12, 8, 0, unet, 3.6f },
    { "sandwich", "zero", 1, 6, 10, 0, sandwich, 4.5f },
    { "sandwich", "halo", 1, 6, 10, 0, sandwich, 4.5f }
};

typedef struct cnn {
    const cnn_kind *kind;
    nn_model m;
    double *pixel;              /* (MOST, channels, height, width)           */
    double want[MOST][256];
    double spread;              /* of the logits, about their mean           */
} cnn;

/* Values near 1 everywhere: weights by the root of their number. */
static void tame(nn_model *m, float weight)
{
    for (int i = 0; i < m->num_layers; i++) {
        const nn_layer *l = &m->layer[i], *x = &m->layer[l->in[0]];
        size_t fan = (size_t)x->channels, all;
        float *w = m->data + (l->weight != NULL ? l->weight - m->data : 0);

        if (l->op == NN_CONV)
            fan *= (size_t)(l->kernel * l->kernel);
        else if (l->op == NN_TCONV)     /* channels the other way round      */
            fan = (size_t)(2 * x->channels);
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
    double all[MOST * 256];

    for (size_t i = 0; i < MOST; i++)
        memcpy(all + i * count, c->want[i], count * sizeof *all);
    return spread_of(all, MOST * count);
}

static bool cnn_init(cnn *c, const cnn_kind *kind)
{
    static model_maker k;
    const size_t each = (size_t)(kind->channels * kind->height * kind->width);
    uint64_t seed = 11;
    uint8_t *bytes;
    size_t size;
    bool ok;

    memset(c, 0, sizeof *c);
    c->kind = kind;
    maker_start(&k, kind->border, 0, kind->channels, kind->height,
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
    c->pixel = malloc(MOST * each * sizeof *c->pixel);
    if (!ok || !CHECK(c->pixel != NULL, "no memory"))
        return false;
    tame(&c->m, kind->weight);
    for (size_t j = 0; j < MOST * each; j++)
        c->pixel[j] = (double)(test_word(&seed) % 256);
    for (int i = 0; i < MOST && ok; i++)
        ok = NN_OK(nn_model_float(c->want[i], &c->m,
                                  c->pixel + (size_t)i * each, kind->height,
                                  kind->width));
    c->spread = cnn_spread(c);
    return ok && CHECK(c->spread > 0.05 && c->spread < 1,
                       "%s: logits differ by %g", kind->name, c->spread);
}

static void cnn_clear(cnn *c)
{
    nn_model_clear(&c->m);
    free(c->pixel);
}

/* ---- one plan ----------------------------------------------------------- */

typedef struct trial {
    const cnn *c;
    nn_aim aim;
    nn_plan p;
    nn_weights *w;
    double *in, *clear;
    int images;
} trial;

static void trial_text(char out[160], const trial *t)
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
    const double *each[MOST];
    double *tile = malloc(MOST * (size_t)p->channels * area * sizeof *tile);

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

/* If the form asked for does not fit, the planner chooses. */
static bool trial_init(trial *t, const cnn *c, const nn_aim *aim)
{
    *t = (trial){ .c = c, .aim = *aim };
    if (aim->dense != NN_DENSE_ANY
        && nn_plan_make(&t->p, &c->m, aim) != CKKS_OK)
        t->aim.dense = NN_DENSE_ANY;
    if (!NN_OK(nn_plan_make(&t->p, &c->m, &t->aim))
        || !NN_OK(nn_weights_init(&t->w, &c->m, &t->p)))
        return false;
    t->images = t->p.layout.batch < MOST ? t->p.layout.batch : MOST;
    t->in = malloc((size_t)nn_plan_inputs(&t->p) * t->p.layout.slots
                   * sizeof *t->in);
    t->clear = malloc((size_t)nn_plan_outputs(&t->p) * t->p.layout.slots
                      * sizeof *t->clear);
    return CHECK(t->in != NULL && t->clear != NULL, "no memory")
           && trial_pack(t)
           && NN_OK(nn_clear(t->clear, t->in, &t->p, t->w, NULL));
}

static void trial_clear(trial *t)
{
    nn_weights_clear(&t->w);
    free(t->in);
    free(t->clear);
}

/* Logits of what `slots` hold against the float network's. */
static void check_logits(const trial *t, const double *slots, double bound,
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

/* How dense layers were done, over all trials. */
typedef struct seen {
    int terms, vectors, singles, batched, plans;
} seen;

static void count_ways(seen *s, const nn_plan *p)
{
    s->plans++;
    for (int k = 0; k < p->num_steps; k++) {
        s->terms += p->step[k].neurons == 0;
        s->singles += p->step[k].neurons == 1;
        s->vectors += p->step[k].neurons > 1;
        s->batched += p->step[k].neurons > 1 && p->layout.batch > 1;
    }
}

/* Every ring to 6 and the whole image, one image and many, in the clear. */
static void every_ring(const cnn *c, int log_n, seen *s)
{
    static const int ring[] = { 1, 2, 3, 4, 5, 6, 8, 12, 15, 16 };
    const int images[] = { 1, 3, NN_MANY };

    for (size_t i = 0; i < 300; i++) {
        nn_aim aim = { .security = CKKS_INSECURE, .log_n = log_n,
                       .ring_y = ring[i / 3 / 10], .ring_x = ring[i / 3 % 10],
                       .images = images[i % 3],
                       .dense = (nn_dense_form)(i / 3 % 4),
                       .slots = i % 2 == 0 ? NN_SLOTS_COMPLEX
                                           : NN_SLOTS_REAL };
        const bool zero = strcmp(c->kind->border, "zero") == 0;
        const int h = c->kind->height, w = c->kind->width;
        const int y = (h + aim.ring_y - 1) / aim.ring_y;
        const int x = (w + aim.ring_x - 1) / aim.ring_x;
        trial t;

        if (aim.ring_y > h || aim.ring_x > w
            || y * x > 1 << (log_n - 1)
            || (c->kind->classes == 0 && (i % 3 != 0 || i / 3 % 2 != 0))
            || (zero && (h % aim.ring_y != 0 || w % aim.ring_x != 0)))
            continue;
        if (trial_init(&t, c, &aim)) {
            check_logits(&t, t.clear, 0.03 * c->spread, "in the clear");
            count_ways(s, &t.p);
        }
        trial_clear(&t);
    }
}

TEST(cnn_every_ring_in_the_clear)
{
    seen s = { 0 };

    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        cnn c;

        if (cnn_init(&c, &KINDS[i]))
            every_ring(&c, 11, &s);
        cnn_clear(&c);
    }
    CHECK(s.plans > 150 && s.terms > 20 && s.vectors > 20 && s.singles > 20
              && s.batched > 20,
          "%d plans: %d layers of terms, %d of vectors (%d of batches), %d of "
          "single neurons", s.plans, s.terms, s.vectors, s.batched, s.singles);
}

/* ---- encrypted ---------------------------------------------------------- */

static void check_encrypted(const trial *t)
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

TEST(cnn_encrypted)
{
    static const int ring[] = { 1, 2, 3, 4, 5, 8, 15 };
    const int images[] = { 1, 3, NN_MANY };

    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        cnn c;
        bool ok = cnn_init(&c, &KINDS[i]);

        for (int n = 0; n < 42 && ok; n++) {
            const int j = n / 2;
            nn_aim aim = { .security = CKKS_INSECURE, .log_n = 10,
                           .ring_y = ring[j / 3], .ring_x = ring[j / 3],
                           .images = images[j % 3],
                           .dense = (nn_dense_form)(j % 4),
                           .slots = n % 2 == 0 ? NN_SLOTS_COMPLEX
                                               : NN_SLOTS_REAL };
            trial t;

            if (strcmp(KINDS[i].border, "zero") == 0
                && (KINDS[i].height % aim.ring_y != 0
                    || KINDS[i].width % aim.ring_x != 0))
                continue;
            if (KINDS[i].classes == 0 && (j % 3 != 0 || j > 12))
                continue;
            if (trial_init(&t, &c, &aim))
                check_encrypted(&t);
            trial_clear(&t);
        }
        cnn_clear(&c);
    }
}
