/* offer.c -- what a server of the two-party protocol offers: as text, and field
 * by field.  A client bounds all of it before it asks for a byte of memory, and
 * then cuts its numbers into polynomials by it.
 * variant: the network whose offer the draws begin with.
 */
#include <stdlib.h>
#include <string.h>

#include "blind/conv.h"
#include "blind/plan.h"
#include "fuzz.h"
#include "offer_text.h"

/* ---- offers -------------------------------------------------------------- */

const char *const fuzz_offers[] = {
    HEAD("2", "16", "1,12,10", "0,2,1") MASK
    STEP("conv", "a", "0", CONV("3", "1,3,3", "0,1,1", "1,12,10", "1")) ","
    STEP("relu", "b", "1", "") ","
    STEP("max", "c", "2", ",\"pool\":[1,2,2]") ","
    STEP("square", "d", "3", ",\"shift\":9") ","
    STEP("conv", "e", "4", ",\"channels\":3,\"transposed\":true,"
         "\"kernel\":[1,2,2],\"before\":[0,0,0],\"size\":[1,12,10],"
         "\"stride\":2,\"shift\":10,\"log_sum\":20.5") ","
    STEP("concat", "f", "5,2", "") ","
    STEP("conv", "g", "6", CONV("1", "1,1,1", "0,0,0", "1,12,10", "1")) ","
    STEP("labels", "labels", "7", "") "]}",
    HEAD("3", "32", "5,6,7", "0,0,0") LABELS
    STEP("conv", "a", "0", CONV("4", "3,3,3", "1,1,1", "5,6,7", "1")) ","
    STEP("add", "b", "1,1", ",\"align\":[2,0]") ","
    STEP("sum", "c", "2", ",\"pool\":[1,1,1]") ","
    STEP("conv", "d", "3", CONV("3", "2,1,5", "1,0,2", "5,6,7", "1")) ","
    STEP("labels", "labels", "4", "") "]}",
    HEAD("2", "20", "1,64,80", "0,0,0") LABELS
    STEP("conv", "a", "0", CONV("2", "1,7,5", "0,3,2", "1,32,40", "2")) ","
    STEP("conv", "b", "1", ",\"channels\":3,\"transposed\":true,"
         "\"kernel\":[1,2,2],\"before\":[0,0,0],\"size\":[1,64,80],"
         "\"stride\":2,\"shift\":12,\"log_sum\":31") ","
    STEP("labels", "labels", "2", "") "]}"
};
enum { OFFERS = sizeof fuzz_offers / sizeof *fuzz_offers };

static void mend_offer(fuzz_input *in)
{
    fuzz_draw d = { in->data, in->size };
    char *text = fuzz_draw_json(&d, fuzz_offers[in->variant % OFFERS]);

    fuzz_replace(in, text, strlen(text));
    fuzz_free(text);
}

static ckks_status load_offer(void *x, const fuzz_input *in)
{
    return blind_network_load(x, (const char *)in->data, in->size);
}

static ckks_status save_offer(uint8_t **out, size_t *size, const void *x,
                              const fuzz_input *in)
{
    blind_network *const *n = x;
    char *text = NULL;
    ckks_status s = blind_network_save(&text, size, *n);

    (void)in;
    *out = (uint8_t *)text;
    return s;
}

static void clear_offer(void *x)
{
    blind_network_clear(x);
}

/* ---- what a client does by it -------------------------------------------- */

enum { MOST_TILES = 64, MOST_NUMBERS = 1 << 22 };

/* Rows of a tile lie in the polynomial, the numbers that they stand for in the
 * map. */
static void use_rows(const blind_conv_plan *k, int tile, bool out)
{
    const blind_tiling *t = &k->t;
    const size_t pixels = out ? (size_t)t->out_size[0] * (size_t)t->out_size[1]
                                * (size_t)t->out_size[2]
                        : (size_t)t->size[0] * (size_t)t->size[1]
                          * (size_t)t->size[2];
    const int last = out ? t->pack_in * t->pack_out - 1 : t->pack_in - 1;
    blind_rows row;

    blind_rows_begin(&row, t, tile, out);
    while (blind_rows_next(&row)) {
        fuzz_must(row.count > 0 && row.pixel + row.count <= pixels,
                  "offer: pixels %zu and %zu more, of %zu", row.pixel,
                  row.count, pixels);
        fuzz_must((size_t)last * t->block + row.at
                  + (row.count - 1) * row.step < t->n,
                  "offer: place %zu of %zu", row.at, t->n);
    }
}

static void use_conv(const blind_conv *c)
{
    const int64_t all = (int64_t)c->out * c->out_size[0] * c->out_size[1]
                        * c->out_size[2];
    blind_conv_plan k;

    if (blind_conv_plan_make(&k, c) != CKKS_OK)
        return;
    fuzz_must(k.t.pack_in * k.t.pack_out >= 1
                  && (size_t)(k.t.pack_in * k.t.pack_out) * k.t.block <= k.t.n
                  && k.t.count >= 1 && k.group >= 1, "offer: a tiling");
    for (int tile = 0; tile < k.t.count && tile < MOST_TILES; tile++) {
        use_rows(&k, tile, false);
        use_rows(&k, tile, true);
    }
    fuzz_must(blind_conv_place(&k, k.t.outputs - 1, c->transposed
                               ? k.pixels - 1 : k.outputs - 1)
                  == (size_t)all - 1, "offer: the last output");
}

/* The image as integers, within the range. */
static void use_input(const blind_network *n)
{
    const size_t count = blind_step_count(&n->step[0]);
    int64_t *out;
    double *pixel;
    int core[3];

    blind_network_core(core, n);
    fuzz_must(core[0] > 0 && core[1] > 0 && core[2] > 0, "offer: no core");
    if (count > MOST_NUMBERS)
        return;
    out = fuzz_room(count * sizeof *out);
    pixel = fuzz_room((size_t)n->channels * (size_t)core[0] * (size_t)core[1]
                      * (size_t)core[2] * sizeof *pixel);
    pixel[0] = 255;
    (void)blind_network_input(out, n, pixel);
    for (size_t i = 0; i < count; i++)
        fuzz_must((double)llabs((long long)out[i]) < n->step[0].limit,
                  "offer: %lld", (long long)out[i]);
    fuzz_free(out);
    fuzz_free(pixel);
}

static void use_offer(void *x, const fuzz_input *in)
{
    blind_network *n = *(blind_network **)x;
    blind_plan *p = fuzz_room(sizeof *p);

    if (fuzz_patient(in) && blind_plan_make(p, n, 2) == CKKS_OK) {
        fuzz_must(p->memory[0] > 0 && p->all.bytes.up > 0
                      && p->memory[0] < 1e16 && p->all.bytes.up < 1e18,
                  "offer: memory %g, bytes %g", p->memory[0],
                  p->all.bytes.up);
        use_input(n);
        for (int k = 1; k < n->num_steps; k++)
            if (n->step[k].op == BLIND_CONV)
                use_conv(&n->step[k].conv);
    }
    fuzz_free(p);
}

/* ---- seeds --------------------------------------------------------------- */

/* One text for another in offer 0: what draws seldom meet. */
static void seeds_wrong(const fuzz_target *t)
{
    static const char *const wrong[][2] = {
        { "\"size\":[1,12,10],\"halo\"", 
          "\"size\":[1,65536,65536],\"halo\"" },
        { "\"op\":\"max\"", "\"op\":\"sum\"" },
        { "\"labels\":[]", "\"labels\":[\"a\"]" },
        { "\"op\":\"labels\"", "\"op\":\"relu\"" }
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *at = strstr(fuzz_offers[0], wrong[i][0]);
        char *out = fuzz_room(strlen(fuzz_offers[0]) + 64);

        fuzz_must(at != NULL, "an offer without %s", wrong[i][0]);
        memcpy(out, fuzz_offers[0], (size_t)(at - fuzz_offers[0]));
        strcat(out, wrong[i][1]);
        strcat(out, at + strlen(wrong[i][0]));
        fuzz_seed(t, 0, 0, 0, out, strlen(out));
        fuzz_free(out);
    }
}

static void seeds_offer(const fuzz_target *t)
{
    seeds_wrong(t);
    for (size_t i = 0; i < OFFERS; i++)
        fuzz_seed(t, (uint8_t)i, i == 0 ? FUZZ_SWEEP : 0, 0, fuzz_offers[i],
                  strlen(fuzz_offers[i]));
    fuzz_seed(t, 0, 0, 0, "{}", 2);
    fuzz_seed(t, 0, 0, 0, "", 0);
}

static void seeds_fields(const fuzz_target *t)
{
    static const uint8_t choice[] = { 0, 0, 0, 0, 0, 0, 0, 0 };

    for (uint8_t i = 0; i < OFFERS; i++) {
        fuzz_seed(t, i, FUZZ_SWEEP, 0, choice, sizeof choice);
        fuzz_seed(t, i, 0, 1, "\1\7\3\2\1\5\4\3\2", 9);
    }
}

const fuzz_target fuzz_offer = {
    "offer", sizeof(blind_network *), NULL, load_offer, save_offer, NULL,
    use_offer, clear_offer, NULL, seeds_offer
};
const fuzz_target fuzz_offer_fields = {
    "offer_fields", sizeof(blind_network *), mend_offer, load_offer,
    save_offer, NULL, use_offer, clear_offer, NULL, seeds_fields
};
