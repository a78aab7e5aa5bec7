/* model.c -- models: safetensors files, and their networks field by field.
 * variant: the network the draws begin with.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
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

/* The largest number behind a "data_offsets" and a comma in the header. */
static size_t data_end(const fuzz_input *in, size_t end)
{
    static const char key[] = "\"data_offsets\"";
    char *text = fuzz_room(end + 1);
    size_t most = 0;

    for (size_t i = 8; i < end; i++)
        text[i - 8] = in->data[i] != 0 ? (char)in->data[i] : ' ';
    for (char *at = strstr(text, key); at != NULL; at = strstr(at + 1, key)) {
        const char *comma = strchr(at, ',');
        const unsigned long long n =
            comma != NULL ? strtoull(comma + 1, NULL, 10) : 0;

        if (n > most && n < FUZZ_LARGEST / 16)
            most = (size_t)n;
    }
    fuzz_free(text);
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
        const uint64_t n = (uint64_t)y->channels * (uint64_t)y->depth
                           * (uint64_t)y->height * (uint64_t)y->width;

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
        (void)!nn_model_float(logit, m, pixel, m->layer[0].depth, m->height,
                              m->width);
        fuzz_free(pixel);
        fuzz_free(logit);
        if (fuzz_patient(in) && nn_plan_make(p, m, &aim) == CKKS_OK
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

/* One thing wrong each, of those that draws rarely meet. */
static void seeds_wrong(const fuzz_target *t)
{
    static const struct {
        uint8_t net;
        const char *from, *to;
    } wrong[] = {
        { 0, "\"input\":{", "\"input\":1,\"put\":{" },
        { 0, "\"layers\":[", "\"layers\":[],\"more\":[" },
        { 0, "\"layers\":[", "\"layers\":7,\"more\":[" },
        { 1, "\"border\":\"halo\",", "\"border\":\"halo\",\"ring\":[2,2]," },
        { 0, "\"ring\":[2,2],", "" }, { 0, "\"ring\":[2,2]", "\"ring\":[3,2]" },
        { 0, "\"tensor\":\"out\"", "\"tensor\":\"a\"" },
        { 0, "\"tensor\":\"out\"", "\"tensor\":\"none\"" },
        { 0, "\"tensor\":\"out\",", "" },
        { 0, "\"output\":{", "\"output\":2,\"put\":{" },
        { 6, "\"tensor\":\"out\"", "\"tensor\":\"p\"" },
        { 2, "\"1\",\"2\",", "\"1\"," },
        { 2, "\"1\",\"2\"", "\"1\",\"\\u0007\"" },
        { 1, "\"tensor\":\"out\"", "\"tensor\":\"p\"" },
        { 4, "\"height\":4", "\"height\":3" },
        { 3, "\"kernel\":2", "\"kernel\":16" },
        { 3, "\"kernel\":2", "\"kernel\":5" },
        { 0, "\"kernel\":3", "\"kernel\":3,\"stride\":2" },
        { 0, "\"kernel\":3", "\"kernel\":2" },
        { 1, "\"kernel\":3", "\"kernel\":3,\"stride\":3" },
        { 2, "\"border\":\"zero\"", "\"border\":\"halo\"" },
        { 2, "\"eps\":1e-5", "\"eps\":-1" },
        { 1, "[\"t\",\"a\"]", "[\"t\",\"p\"]" },
        { 1, "[\"t\",\"a\"]", "[\"t\"]" },
        { 1, "[\"t\",\"a\"]", "[\"t\",7]" },
        { 0, "\"volley-1\"", "\"volley-2\"" },
        { 0, "\"origin\": \"a test\"", "\"origin\": 5" },
        { 0, "\"F32\"", "\"F16\"" },
        { 0, "{\"dtype\"", "7, \"x\": {\"dtype\"" },
        { 0, "[2, 1, 3, 3]", "[2,1,9]" }, { 0, "[2, 1, 3, 3]", "[2,1,3,3,1]" },
        { 0, "[2, 1, 3, 3]", "[2,1,1073741824,2147483647]" },
        { 0, "[0, 72]", "[4,76]" }, { 0, "[0, 72]", "[0,71]" },
        { 0, "[0, 72]", "[72,0]" }, { 0, "\"square\"", "\"cube\"" },
        { 0, "\"name\":\"s\"", "\"name\":\"a\"" },
        { 0, "\"weight\":\"a.weight\"", "\"weight\":\"none\"" },
        { 0, "\"weight\":\"a.weight\"", "\"weight\":1" },
        { 0, "{\"__metadata__\"", "[{\"__metadata__\"" },
        { 0, "\"origin\"", "\"z\"" }, { 0, "\"max\":4", "\"max\":-4" },
        { 1, "\"width\":4", "\"width\":65536" },
        { 10, "\"dilation\":[2,1]", "\"dilation\":[2]" },
        { 10, "\"dilation\":[2,1]", "\"dilation\":[2,17]" },
        { 10, "\"dilation\":[2,1]", "\"dilation\":[16,1]" },
        { 10, "\"groups\":2", "\"groups\":3" },
        { 10, "\"groups\":2", "\"groups\":0" },
        { 10, "\"pad\":[2,0,2,0]", "\"pad\":[2,0,2]" },
        { 10, "\"pad\":[2,0,2,0]", "\"pad\":[2,0,-2,0]" },
        { 10, "\"pad\":[2,0,2,0]", "\"pad\":[9,9,9,9]" },
        { 10, "\"stride\":2", "\"stride\":[2,1]" },
        { 10, "\"in\":[\"s\",\"b\"]", "\"in\":[\"s\",\"image\"]" },
        { 10, "\"in\":[\"s\",\"b\"]", "\"in\":[\"s\",\"s\"]" },
        { 10, "\"kernel\":4}", "\"kernel\":3}" },
        { 11, "\"size\":4", "\"size\":3" },
        { 11, "\"size\":4", "\"size\":[4,2]" },
        { 11, "\"mode\":\"bilinear\"", "\"mode\":\"cubic\"" },
        { 11, "\"mode\":\"bilinear\"", "\"mode\":3" },
        { 12, "\"size\":[2,3]", "\"size\":[2,4]" },
        { 12, "\"size\":[2,3]", "\"size\":[1,3]" },
        { 12, "\"size\":3", "\"size\":17" },
        { 3, "\"kernel\":2", "\"kernel\":2,\"pad\":[1,0,0,0]" },
        { 1, "\"kernel\":3", "\"kernel\":3,\"pad\":[0,0,0,0]" },
        { 13, "\"protocol\":\"blind\",", "" },
        { 14, "\"weight\":\"t.weight\"",
          "\"kernel\":4,\"weight\":\"t.weight\"" },
        { 15, "\"nearest\"", "\"bilinear\"" },
        { 13, "\"blind\"", "\"seen\"" }, { 13, "\"blind\"", "2" },
        { 13, "\"halo\"", "\"wrap\",\"ring\":[2,2]" },
        { 13, "\"halo\"", "\"zero\"" }, { 13, ",\"gain\":0.25", "" },
        { 14, "\"zero\"", "\"halo\"" }, { 14, "\"depth\":2", "\"depth\":3" },
        { 14, "\"depth\":2", "\"depth\":4097" }, { 14, "\"depth\":2,", "" },
        { 14, "\"op\":\"maxpool\"", "\"op\":\"maxpool\",\"size\":3" },
        { 14, "\"depth\":2,\"height\":4,\"width\":6",
          "\"depth\":4096,\"height\":65536,\"width\":65536" },
        { 15, "\"stride\":2", "\"stride\":[2,1,1]" },
        { 15, "\"kernel\":[1,3,2]", "\"kernel\":[3,2]" },
        { 15, "\"kernel\":[1,3,2]", "\"kernel\":[16,3,2]" },
        { 15, "\"dilation\":[1,1,2]", "\"dilation\":16" },
        { 15, "\"pad\":[0,1,2,1,1,0]", "\"pad\":[0,1,2,1]" },
        { 15, "\"pad\":[0,1,2,1,1,0]", "\"pad\":[0,1,2,1,-1,0]" },
        { 15, "\"size\":[2,2,3]", "\"size\":[1,2,3]" },
        { 15, "[4, 1, 1, 3, 2]", "[4,1,3,2]" },
        { 15, "[4, 1, 1, 3, 2]", "[2147483647,1,1,3,2]" },
        { 0, "\"a.bias\": {\"dtype\": \"F32\", \"shape\": [2]",
          "\"a.bias\": {\"dtype\": \"F32\", \"shape\": [2],\"k\":0" }
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        size_t size;
        uint8_t *bytes = fuzz_net_changed(&size, wrong[i].net, wrong[i].from,
                                          wrong[i].to);

        fuzz_seed(t, wrong[i].net, 0, 0, bytes, size);
        fuzz_free(bytes);
    }
}

static void seeds_model(const fuzz_target *t)
{
    for (uint8_t i = 0; i < FUZZ_NETS; i++) {
        size_t size;
        uint8_t *bytes = fuzz_net_file(&size, i, NULL);

        fuzz_seed(t, i, i < 2 ? FUZZ_SWEEP | FUZZ_MISUSE : FUZZ_MEND, 0, bytes,
                  size);
        memset(bytes + size - 4, 0xff, 4);          /* NaN               */
        if (i == 0) {
            fuzz_seed(t, i, 0, 0, bytes, size);
            fuzz_seed(t, i, 0, 0, bytes, 5);
            fuzz_seed(t, i, 0, 0, "\2\0\0\0\0\0\0\0[]", 10);
        }
        fuzz_free(bytes);
    }
    seeds_wrong(t);
}

static void seeds_fields(const fuzz_target *t)
{
    for (uint8_t i = 0; i < FUZZ_NETS; i++) {
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
