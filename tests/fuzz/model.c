/* model.c -- models: safetensors files, and their networks field by field.
 * variant: the network the draws begin with.
 */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "fuzz.h"

enum { PIXELS = 4096, LAYERS = 16 };

/* The end of the JSON text from byte 8 on; 0: it has none. */
static size_t header_end(const fuzz_input *in)
{
    bool string = false;
    int depth = 0;

    for (size_t i = 8; i < in->size; i++) {
        const uint8_t c = in->data[i];

        if (string && c == '\\')
            i++;
        else if (c == '"')
            string = !string;
        else if (!string && c == '{')
            depth++;
        else if (!string && c == '}' && --depth <= 0)
            return i + 1;
    }
    return 0;
}

/* The largest second number behind "data_offsets" in the header. */
static size_t data_end(const fuzz_input *in, size_t end)
{
    static const char key[] = "\"data_offsets\":[";
    size_t most = 0;

    for (size_t i = 8; i + sizeof key < end; i++) {
        char text[48] = "", *comma;
        size_t n = end - i - (sizeof key - 1);

        if (memcmp(in->data + i, key, sizeof key - 1) != 0)
            continue;
        memcpy(text, in->data + i + sizeof key - 1, n < 47 ? n : 47);
        comma = strchr(text, ',');
        n = comma != NULL ? strtoull(comma + 1, NULL, 10) : 0;
        most = n > most && n < FUZZ_LARGEST / 16 ? n : most;
    }
    return most;
}

static void mend_model(fuzz_input *in)
{
    size_t end;

    if (!(in->flags & FUZZ_MEND) || in->size < 10)
        return;
    end = header_end(in);
    if (end == 0)
        return;
    cki_store64(in->data, end - 8);
    fuzz_resize(in, end + data_end(in, end));
}

static void mend_fields(fuzz_input *in)
{
    fuzz_draw d = { in->data, in->size };
    size_t size;
    uint8_t *bytes = fuzz_net_file(&size, in->variant, &d);

    fuzz_replace(in, bytes, size);
    fuzz_free(bytes);
    in->flags |= FUZZ_MEND;
    mend_model(in);
}

static ckks_status load_model(void *x, const fuzz_input *in)
{
    return nn_model_load(x, in->data, in->size);
}

static void clear_model(void *x)
{
    nn_model_clear(x);
}

static bool toy(const nn_model *m)
{
    uint64_t most = 0;

    for (int i = 0; i < m->num_layers; i++) {
        const nn_layer *y = &m->layer[i];
        const uint64_t n = (uint64_t)y->channels * (uint64_t)y->height
                           * (uint64_t)y->width;

        most = n > most ? n : most;
    }
    return most <= PIXELS && m->num_layers <= LAYERS;
}

/* In the clear, and planned as small as can be; the plan, saved, loads. */
static void use_model(void *x, const fuzz_input *in)
{
    const nn_model *m = x;
    const nn_aim aim = { .security = CKKS_INSECURE, .log_n = 5,
                         .max_batch = 1,
                         .slots = in->variant & 8 ? NN_SLOTS_REAL
                                                  : NN_SLOTS_COMPLEX };
    nn_plan *p = fuzz_room(2 * sizeof *p);
    char *text = NULL;
    size_t size;
    double *pixel, *logit;

    if (toy(m)) {
        pixel = fuzz_room(PIXELS * sizeof *pixel);
        logit = fuzz_room(PIXELS * sizeof *logit);
        (void)nn_halo_radius(m);
        (void)!nn_model_float(logit, m, pixel, m->height, m->width);
        fuzz_free(pixel);
        fuzz_free(logit);
        if (nn_plan_make(p, m, &aim) == CKKS_OK
            && nn_plan_save(&text, &size, p) == CKKS_OK && in->fault == 0)
            fuzz_must(nn_plan_load(p + 1, text, size) == CKKS_OK,
                      "model: its plan, saved, is refused");
        free(text);
    }
    fuzz_free(p);
}

static void misuse_model(const fuzz_input *in)
{
    nn_model m = { 0 };

    fuzz_must(nn_model_load(NULL, in->data, in->size) == CKKS_EARG
                  && nn_model_load(&m, NULL, 9) == CKKS_EARG,
              "model: a null pointer was taken");
    nn_model_clear(NULL);
}

static void seeds_model(const fuzz_target *t)
{
    for (uint8_t i = 0; i < FUZZ_PLANS; i++) {
        size_t size;
        uint8_t *bytes = fuzz_net_file(&size, i, NULL);

        fuzz_seed(t, i, i < 2 ? FUZZ_SWEEP | FUZZ_MISUSE : FUZZ_MEND, 0, bytes,
                  size);
        fuzz_free(bytes);
    }
}

static void seeds_fields(const fuzz_target *t)
{
    for (uint8_t i = 0; i < FUZZ_PLANS; i++) {
        const uint8_t draws[] = { 1, 1, 20, 0, i, 1, 5, 7 };

        fuzz_seed(t, i, 0, 0, draws, i == 0 ? 0 : sizeof draws);
    }
}

const fuzz_target fuzz_model = {
    "model", sizeof(nn_model), mend_model, load_model, NULL, NULL, use_model,
    clear_model, misuse_model, seeds_model
};
const fuzz_target fuzz_model_fields = {
    "model_fields", sizeof(nn_model), mend_fields, load_model, NULL, NULL,
    use_model, clear_model, NULL, seeds_fields
};
