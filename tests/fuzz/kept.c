/* kept.c -- what is kept beside a request, and beside a result that is not yet
 * whole.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "partial.h"
#include "record.h"
#include "vct.h"

/* ---- names of a request's images ----------------------------------------- */

enum { IMAGES = 4 };
static const uint8_t id[UNET_ID] = "kept by a fuzzer";

/* variant: how many images it must be of. */
static ckks_status load_record(void *x, const fuzz_input *in)
{
    return uni_record_decode(x, "x", in->data, in->size,
                             1 + in->variant % IMAGES);
}

static ckks_status save_record(uint8_t **out, size_t *size, const void *x,
                               const fuzz_input *in)
{
    ckks_status s = uni_record_save(fuzz_requests(), id, x);
    char path[256] = "";

    (void)in;
    snprintf(path, sizeof path, "%s/", fuzz_requests());
    for (int k = 0; k < UNET_ID; k++)
        snprintf(path + strlen(path), 3, "%02x", id[k]);
    strcat(path, ".json");
    if (s == CKKS_OK)
        s = ckks_file_read(out, size, path, FUZZ_LARGEST);
    (void)unlink(path);
    return s;
}

static void clear_record(void *x)
{
    uni_record_clear(x);
}

/* Volumes lie within the images, slices within volumes. */
static void use_record(void *x, const fuzz_input *in)
{
    const uni_record *r = x;

    fuzz_must(r->images == 1u + in->variant % IMAGES, "record: %zu images",
              r->images);
    for (size_t i = 0; i < r->volumes; i++) {
        const uni_record_volume *v = &r->volume[i];
        uni_mask m = { 0 };

        fuzz_must(v->count > 0 && v->first + v->count <= r->images
                      && v->slice >= 0 && (size_t)v->slice + v->count
                             <= (size_t)v->slicing.slices,
                  "record: volume %zu is outside", i);
        if ((size_t)v->geometry.n[0] * (size_t)v->geometry.n[1]
                * (size_t)v->geometry.n[2] < 1 << 16
            && uni_mask_init(&m, &v->geometry, &v->slicing) == CKKS_OK
            && v->slicing.height < 256 && v->slicing.width < 256) {
            uint8_t *label = fuzz_room((size_t)v->slicing.height
                                       * (size_t)v->slicing.width);

            (void)!uni_mask_put(&m, label, v->slice);
            fuzz_free(label);
        }
        uni_mask_clear(&m);
    }
}

#define HEX "\"pixels\":\"000102030405060708090a0b0c0d0e0f\"}"
#define ONE "{\"name\":\"in/a.png\"," HEX
#define HEAD "{\"format\":\"volley-images-1\",\"images\":["

static void seeds_record(const fuzz_target *t)
{
    static const char *const text[] = {
        HEAD ONE "]}", HEAD ONE "," ONE "]}",
        HEAD "{\"name\":\"\"," HEX "],\"values\":{\"rule\":\"window\","
             "\"low\":-1,\"high\":2.5}}",
        HEAD ONE "],\"volumes\":[]}",
        HEAD ONE "],\"volumes\":[{\"name\":\"v\",\"first\":0,\"images\":1,"
             "\"slice\":0,\"geometry\":{}}]}"
    };
    const int n[3] = { 3, 4, 2 };
    const double affine[3][4] = { { 0, 1, 0, 0 }, { 1, 0, 0, 0 },
                                  { 0, 0, 2, 0 } };
    uni_record r = { 0 };
    uni_geometry g = { 0 };
    uni_slicing s = { 0 };
    uint8_t *data = NULL;
    size_t size = 0;
    const bool ok = uni_record_init(&r, 2) == CKKS_OK
                    && uni_geometry_set(&g, "v", n, affine) == CKKS_OK
                    && uni_slicing_make(&s, "v", &g, NULL) == CKKS_OK
                    && uni_record_name(&r, 1, "v.nii:slice=1") == CKKS_OK
                    && uni_record_add(&r, "v.nii", 0, 2, 0, &g, &s) == CKKS_OK
                    && save_record(&data, &size, &r, NULL) == CKKS_OK;

    fuzz_must(ok, "a record");
    fuzz_seed(t, 1, FUZZ_SWEEP, 0, data, size);
    fuzz_seed(t, 1, 0, 0, data, size);
    fuzz_seed(t, 0, 0, 0, data, size);
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        fuzz_seed(t, i == 1, FUZZ_SWEEP, 0, text[i], strlen(text[i]));
    ckks_file_free(data, size);
    uni_record_clear(&r);
}

const fuzz_target fuzz_record = {
    "record", sizeof(uni_record), NULL, load_record, save_record, NULL,
    use_record, clear_record, NULL, seeds_record
};

/* ---- sets of a result ----------------------------------------------------- */

typedef struct kept_sets {
    size_t sets;
} kept_sets;

enum { HEAD_BYTES = 24, RECORD_BYTES = 24 };

/* The digests of all records whose lengths fit. */
static void mend_partial(fuzz_input *in)
{
    size_t at = HEAD_BYTES;
    uint64_t set = 0;

    if (!(in->flags & FUZZ_MEND) || in->size < HEAD_BYTES)
        return;
    memcpy(in->data, "VPRT\1\0\0", 8);
    memcpy(in->data + 8, id, UNET_ID);
    while (in->size - at >= RECORD_BYTES) {
        const uint64_t n = uni_vct_load(in->data + at, 8);
        uint8_t *all;

        if (n > in->size - at - RECORD_BYTES)
            return;
        all = fuzz_room(8 + (size_t)n);
        uni_vct_store(all, set++, 8);
        memcpy(all + 8, in->data + at + RECORD_BYTES, (size_t)n);
        ckks_blake2b(in->data + at + 8, UNET_ID, all, 8 + (size_t)n, id,
                     UNET_ID);
        fuzz_free(all);
        at += RECORD_BYTES + (size_t)n;
    }
}

/* Loaded is what holds a set; variant: the network. */
static ckks_status load_partial(void *x, const fuzz_input *in)
{
    const fuzz_net *net = fuzz_net_at(in->variant % 2 ? 2 : 0);
    const size_t count = (size_t)nn_plan_outputs(&net->plan);
    const unsigned held = fuzz_hold();
    const char *path = fuzz_place("kept.vct.partial");
    ckks_ct *ct = fuzz_room(count * sizeof *ct);
    const bool ok = ckks_file_write(path, in->data, in->size, 0600) == CKKS_OK;
    uni_partial *w = NULL;
    kept_sets got = { 0 };
    bool other = false, found = true;
    ckks_status s;

    fuzz_must(ok, "%s", path);
    fuzz_go_on(held);
    s = uni_partial_open(&w, &other, fuzz_place("kept.vct"), id, &net->plan,
                         net->ctx);
    while (s == CKKS_OK && found) {
        s = uni_partial_next(ct, &found, w);
        got.sets += s == CKKS_OK && found;
        for (size_t k = 0; k < count; k++)
            ckks_ct_clear(&ct[k]);
    }
    uni_partial_close(&w, true);
    fuzz_free(ct);
    (void)unlink(path);
    if (s == CKKS_OK && got.sets == 0)
        return CKKS_EFORMAT;
    if (s == CKKS_OK)
        *(kept_sets *)x = got;
    return s;
}

static void clear_partial(void *x)
{
    memset(x, 0, sizeof(kept_sets));
}

static void use_partial(void *x, const fuzz_input *in)
{
    const kept_sets *k = x;

    fuzz_must(k->sets <= in->size / RECORD_BYTES, "partial: %zu sets",
              k->sets);
}

/* Two sets of fresh ciphertexts. */
static void partial_seed(const fuzz_target *t, uint8_t variant)
{
    const fuzz_net *net = fuzz_net_at(variant % 2 ? 2 : 0);
    const nn_plan *p = &net->plan;
    const size_t count = (size_t)nn_plan_outputs(p);
    const char *path = fuzz_place("seed.vct.partial");
    double *slots = fuzz_room(p->layout.slots * sizeof *slots);
    ckks_ct *ct = fuzz_room(count * sizeof *ct);
    uni_partial *w = NULL;
    ckks_pt pt = { 0 };
    uint8_t *data = NULL;
    size_t size = 0;
    bool other,
         ok = ckks_encode(&pt, net->ctx, slots, NULL, p->layout.slots,
                          p->out_level, p->out_scale) == CKKS_OK
              && uni_partial_open(&w, &other, fuzz_place("seed.vct"), id, p,
                                  net->ctx) == CKKS_OK;

    for (size_t k = 0; k < count && ok; k++)
        ok = ckks_encrypt_sk(&ct[k], fuzz_rng(), &pt, net->sk) == CKKS_OK;
    ok = ok && uni_partial_put(w, ct) == CKKS_OK
         && uni_partial_put(w, ct) == CKKS_OK;
    uni_partial_close(&w, false);
    ok = ok && ckks_file_read(&data, &size, path, FUZZ_LARGEST) == CKKS_OK;
    fuzz_must(ok, "sets of network %u", variant);
    fuzz_seed(t, variant, FUZZ_SWEEP, 0, data, size);
    fuzz_seed(t, variant, FUZZ_MEND, 0, data, size);
    fuzz_seed(t, variant, FUZZ_MEND, 0, data, size / 2 + 40);
    fuzz_seed(t, variant, 0, 0, data, 30);
    ckks_file_free(data, size);
    for (size_t k = 0; k < count; k++)
        ckks_ct_clear(&ct[k]);
    ckks_pt_clear(&pt);
    (void)unlink(path);
    fuzz_free(ct);
    fuzz_free(slots);
}

static void seeds_partial(const fuzz_target *t)
{
    partial_seed(t, 0);
    partial_seed(t, 1);
}

const fuzz_target fuzz_partial = {
    "partial", sizeof(kept_sets), mend_partial, load_partial, NULL, NULL,
    use_partial, clear_partial, NULL, seeds_partial
};
