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

#include "cnn_support.h"

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
    { "digits", "valid", 1, 15, 15, 3, digits, 3.4f, 0 },
    { "padded", "zero", 1, 12, 16, 4, padded, 3, 0 },
    { "skin", "valid", 3, 16, 16, 1, skin, 6, 0 },
    { "unet", "zero", 1, 12, 8, 0, unet, 3.6f, 0 },
    { "sandwich", "zero", 1, 6, 10, 0, sandwich, 4.5f, 0 },
    { "sandwich", "halo", 1, 6, 10, 0, sandwich, 4.5f, 0 }
};

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
            trial_check_logits(&t, t.clear, 0.03 * c->spread, "in the clear");
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
                trial_check_encrypted(&t);
            trial_clear(&t);
        }
        cnn_clear(&c);
    }
}
