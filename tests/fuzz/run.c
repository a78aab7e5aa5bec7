/* run.c -- one input through one target, and what must hold of any. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

extern const fuzz_target
    fuzz_params, fuzz_ct, fuzz_pt, fuzz_sk, fuzz_pk, fuzz_keys,
    fuzz_seal_params, fuzz_seal_ct, fuzz_seal_pt, fuzz_seal_sk, fuzz_seal_pk,
    fuzz_seal_relin, fuzz_seal_galois,
    fuzz_plan, fuzz_plan_fields, fuzz_model, fuzz_model_fields, fuzz_machine,
    fuzz_vct, fuzz_pnm, fuzz_inflate, fuzz_png, fuzz_jpeg, fuzz_nifti, fuzz_dicom,
    fuzz_idx,
    fuzz_labels, fuzz_lists, fuzz_request, fuzz_record, fuzz_partial;
#ifdef VOLLEY_HAVE_BLIND
extern const fuzz_target fuzz_offer, fuzz_offer_fields, fuzz_greeting,
    fuzz_frames;
#endif

static const fuzz_target *const all[] = {
    &fuzz_params, &fuzz_ct, &fuzz_pt, &fuzz_sk, &fuzz_pk, &fuzz_keys,
    &fuzz_seal_params, &fuzz_seal_ct, &fuzz_seal_pt, &fuzz_seal_sk,
    &fuzz_seal_pk, &fuzz_seal_relin, &fuzz_seal_galois,
    &fuzz_plan, &fuzz_plan_fields, &fuzz_model, &fuzz_model_fields,
    &fuzz_machine, &fuzz_vct, &fuzz_pnm, &fuzz_inflate, &fuzz_png, &fuzz_jpeg, &fuzz_nifti,
    &fuzz_dicom, &fuzz_idx, &fuzz_labels, &fuzz_lists, &fuzz_request,
    &fuzz_record, &fuzz_partial,
#ifdef VOLLEY_HAVE_BLIND
    &fuzz_offer, &fuzz_offer_fields, &fuzz_greeting, &fuzz_frames
#endif
};

const fuzz_target *fuzz_at(size_t i)
{
    return i < sizeof all / sizeof *all ? all[i] : NULL;
}

const fuzz_target *fuzz_find(const char *name)
{
    for (size_t i = 0; fuzz_at(i) != NULL; i++)
        if (name != NULL && strcmp(fuzz_at(i)->name, name) == 0)
            return fuzz_at(i);
    return NULL;
}

/* Calls, at most, that fail in turn: of loading and saving; of use. */
enum { SWEEP = 200, SWEEP_USE = 100 };

static bool is_zero(const uint8_t *x, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (x[i] != 0)
            return false;
    return true;
}

/* A refusal leaves the object as it was. */
static bool load(const fuzz_target *t, void *x, const fuzz_input *in)
{
    ckks_status s = t->load(x, in);

    fuzz_must(s == CKKS_OK || is_zero(x, t->object),
              "%s: refused with %s, and the object has changed", t->name,
              ckks_status_name(s));
    return s == CKKS_OK;
}

static void sweep_load(const fuzz_target *t, void *x, const fuzz_input *in)
{
    bool fired = true;

    for (unsigned k = 1; k <= SWEEP && fired; k++) {
        bool loaded;

        fuzz_arm(k, false);
        loaded = load(t, x, in);
        fired = fuzz_disarm();
        if (loaded)
            t->clear(x);
        memset(x, 0, t->object);
    }
}

static void sweep_save(const fuzz_target *t, const void *x,
                       const fuzz_input *in)
{
    bool fired = true;

    for (unsigned k = 1; k <= SWEEP && fired; k++) {
        uint8_t *out = NULL;
        size_t size = 0;
        ckks_status s;

        fuzz_arm(k, false);
        s = t->save(&out, &size, x, in);
        fired = fuzz_disarm();
        fuzz_must(s == CKKS_OK || out == NULL, "%s: not saved (%s), and the "
                  "output has changed", t->name, ckks_status_name(s));
        fuzz_free(out);
    }
}

static void sweep_use(const fuzz_target *t, void *x, const fuzz_input *in)
{
    fuzz_input at = *in;
    bool fired = true;

    for (unsigned k = 1; k <= SWEEP_USE && fired; k++) {
        at.fault = (uint8_t)k;
        fuzz_arm(k, false);
        t->use(x, &at);
        fired = fuzz_disarm();
    }
}

/* What was loaded, saved, is what it was loaded from, or at least itself. */
static void round_trip(const fuzz_target *t, const void *x,
                       const fuzz_input *in)
{
    fuzz_input again = *in;
    uint8_t *first = NULL, *second = NULL;
    size_t size = 0, size2 = 0;
    void *y = fuzz_room(t->object);
    ckks_status s = t->save(&first, &size, x, in);

    fuzz_must(s == CKKS_OK, "%s: loaded and not saved: %s", t->name,
              ckks_status_name(s));
    fuzz_must(t->same == NULL || (size == in->size
                                  && t->same(in->data, first, size)),
              "%s: %zu bytes were loaded, other %zu are saved", t->name,
              in->size, size);
    again.data = first;
    again.size = size;
    fuzz_must(load(t, y, &again), "%s: what was saved is refused", t->name);
    s = t->save(&second, &size2, y, in);
    fuzz_must(s == CKKS_OK && size2 == size
                  && memcmp(first, second, size) == 0,
              "%s: saved twice, not the same bytes", t->name);
    t->clear(y);
    fuzz_free(y);
    fuzz_free(first);
    fuzz_free(second);
}

bool fuzz_is_replay;

bool fuzz_patient(const fuzz_input *in)
{
    unsigned sum = in->variant;

    for (size_t i = 0; i < in->size && !fuzz_is_replay; i++)
        sum += in->data[i];
    return fuzz_is_replay || sum % 16 == 0;
}

static bool run(const fuzz_target *t, fuzz_input *in)
{
    void *x = fuzz_room(t->object);
    bool loaded;

    if (in->flags & (FUZZ_SWEEP | FUZZ_MISUSE) && !fuzz_patient(in))
        in->flags &= (uint8_t)~(FUZZ_SWEEP | FUZZ_MISUSE);

    if (t->mend != NULL)
        t->mend(in);
    if (in->flags & FUZZ_MISUSE && t->misuse != NULL)
        t->misuse(in);
    if (in->flags & FUZZ_SWEEP)
        sweep_load(t, x, in);
    loaded = load(t, x, in);
    if (loaded && t->save != NULL) {
        if (in->flags & FUZZ_SWEEP)
            sweep_save(t, x, in);
        round_trip(t, x, in);
    }
    if (loaded && t->use != NULL) {
        if (in->flags & FUZZ_SWEEP && fuzz_is_replay)
            sweep_use(t, x, in);
        fuzz_arm(in->fault, false);
        t->use(x, in);
        (void)fuzz_disarm();
    }
    if (loaded)
        t->clear(x);
    fuzz_free(x);
    return loaded;
}

bool fuzz_run(const fuzz_target *t, const uint8_t *bytes, size_t size)
{
    fuzz_input in = { 0 };
    bool loaded;

    if (size < FUZZ_CHOICE)
        return false;
    in.variant = bytes[0];
    in.flags = bytes[1];
    in.fault = bytes[2];
    in.data = fuzz_room(0);
    fuzz_replace(&in, bytes + FUZZ_CHOICE, size - FUZZ_CHOICE);
    loaded = run(t, &in);
    fuzz_free(in.data);
    return loaded;
}
