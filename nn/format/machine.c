/* machine.c -- what operations cost on a machine: built in, as JSON, and back.
 *
 * The built-in numbers are those that `volley calibrate` found on one
 * server processor of 4 GHz with AVX-512 (docs/performance.md); those of fma2
 * are avx2's times what its loops took beside avx2's on another processor.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format/json.h"
#include "format/machine.h"

static const char FORMAT[] = "volley-machine-1";

static const char *const NAMES[NN_COSTS] = {
    [NN_FORWARD] = "forward", [NN_INVERSE] = "inverse",
    [NN_CONVERT] = "convert", [NN_INNER] = "inner",
    [NN_PERMUTE] = "permute", [NN_PASS] = "pass", [NN_TERM] = "term",
    [NN_PACK] = "pack", [NN_REDUCE] = "reduce", [NN_FRESH] = "fresh"
};

static const nn_machine MACHINES[] = {
    { "avx512ifma", {
        [NN_FORWARD] = 0.17e-9, [NN_INVERSE] = 0.22e-9,
        [NN_CONVERT] = 0.10e-9, [NN_INNER] = 1.9e-9,
        [NN_PERMUTE] = 4.4e-9, [NN_PASS] = 0.37e-9, [NN_TERM] = 0.030e-9,
        [NN_PACK] = 0.62e-9, [NN_REDUCE] = 0.52e-9, [NN_FRESH] = 6e-9 } },
    { "avx2", {
        [NN_FORWARD] = 0.26e-9, [NN_INVERSE] = 0.29e-9,
        [NN_CONVERT] = 0.22e-9, [NN_INNER] = 1.55e-9,
        [NN_PERMUTE] = 2.2e-9, [NN_PASS] = 0.41e-9, [NN_TERM] = 0.047e-9,
        [NN_PACK] = 0.74e-9, [NN_REDUCE] = 0.91e-9, [NN_FRESH] = 6e-9 } },
    { "fma2", {
        [NN_FORWARD] = 0.52e-9, [NN_INVERSE] = 0.58e-9,
        [NN_CONVERT] = 0.50e-9, [NN_INNER] = 3.2e-9,
        [NN_PERMUTE] = 4.4e-9, [NN_PASS] = 0.46e-9, [NN_TERM] = 1.43e-9,
        [NN_PACK] = 0.02e-9, [NN_REDUCE] = 3.3e-9, [NN_FRESH] = 6e-9 } },
    { "portable", {
        [NN_FORWARD] = 0.98e-9, [NN_INVERSE] = 0.92e-9,
        [NN_CONVERT] = 1.9e-9, [NN_INNER] = 8.3e-9,
        [NN_PERMUTE] = 6.9e-9, [NN_PASS] = 0.46e-9, [NN_TERM] = 1.43e-9,
        [NN_PACK] = 0.02e-9, [NN_REDUCE] = 3.3e-9, [NN_FRESH] = 6e-9 } }
};

/* The kernel of a context of small primes, which all kernels take. */
static ckks_status kernel_here(char out[NN_NAME])
{
    const ckks_params p = { .log_n = 4, .num_primes = 1, .primes = { 40 },
                            .dnum = 1, .security = CKKS_INSECURE };
    ckks_ctx *ctx = NULL;
    ckks_status st = ckks_ctx_init(&ctx, &p);

    if (st != CKKS_OK)
        return nn_relay(st, NULL);
    memset(out, 0, NN_NAME);
    memcpy(out, ckks_ctx_kernel(ctx), strlen(ckks_ctx_kernel(ctx)));
    ckks_ctx_clear(&ctx);
    return CKKS_OK;
}

ckks_status nn_machine_default(nn_machine *out, const char *kernel)
{
    char here[NN_NAME];
    ckks_status st = CKKS_OK;

    if (out == NULL)
        return nn_fail(CKKS_EARG, "nn_machine_default: null pointer");
    if (kernel == NULL) {
        st = kernel_here(here);
        kernel = here;
    }
    if (st != CKKS_OK)
        return st;
    for (size_t i = 0; i < sizeof MACHINES / sizeof *MACHINES; i++)
        if (strcmp(MACHINES[i].kernel, kernel) == 0) {
            *out = MACHINES[i];
            return CKKS_OK;
        }
    return nn_fail(CKKS_EPARAM, "nn_machine_default: no kernel '%s'", kernel);
}

/* An integer product works on so many of its rows together. */
int nni_machine_rows(const nn_machine *m)
{
    if (strcmp(m->kernel, "avx512ifma") == 0)
        return 8;
    return strcmp(m->kernel, "avx2") == 0 ? 4 : 1;
}

int nni_machine_columns(const nn_machine *m)
{
    if (strcmp(m->kernel, "avx512ifma") == 0)
        return 512;
    return strcmp(m->kernel, "avx2") == 0 ? 256 : 0;
}

double nni_machine_word(const nn_machine *m)
{
    if (strcmp(m->kernel, "avx512ifma") == 0)
        return 1.6;
    return strcmp(m->kernel, "avx2") == 0 ? 4 : 1;
}

ckks_status nni_machine_check(const nn_machine *m, const char *name)
{
    if (memchr(m->kernel, '\0', sizeof m->kernel) == NULL)
        return nn_fail(CKKS_EARG, "%s: a kernel's name without end", name);
    for (int i = 0; i < NN_COSTS; i++)
        if (!isfinite(m->cost[i]) || m->cost[i] <= 0)
            return nn_fail(CKKS_EPARAM, "%s: machine: %s is %g, not > 0", name,
                           NAMES[i], m->cost[i]);
    return CKKS_OK;
}

/* ---- JSON ---------------------------------------------------------------- */

ckks_status nn_machine_save(char **out, size_t *size, const nn_machine *m)
{
    nni_json_writer w;
    ckks_status st;
    char *text;

    if (out == NULL || size == NULL || m == NULL)
        return nn_fail(CKKS_EARG, "nn_machine_save: null pointer");
    st = nni_machine_check(m, "nn_machine_save");
    if (st != CKKS_OK)
        return st;
    nni_json_writer_init(&w, NULL, 2);
    nni_json_put_object(&w, NULL);
    nni_json_put_string(&w, "format", FORMAT);
    nni_json_put_string(&w, "kernel", m->kernel);
    nni_json_put_object(&w, "seconds_a_word");
    for (int i = 0; i < NN_COSTS; i++)
        nni_json_put_double(&w, NAMES[i], m->cost[i]);
    nni_json_put_end(&w);
    nni_json_put_end(&w);
    st = nni_json_writer_finish(&w);
    text = st == CKKS_OK ? malloc(w.size + 1) : NULL;
    if (st == CKKS_OK && text == NULL)
        st = nn_fail(CKKS_EMEM, "nn_machine_save: no memory");
    if (st == CKKS_OK) {
        memcpy(text, w.data, w.size);
        text[w.size] = '\0';
        *out = text;
        *size = w.size;
    }
    nni_json_writer_clear(&w);
    return st;
}

static ckks_status refuse(const char *key, const char *what)
{
    return nn_fail(CKKS_EFORMAT, "nn_machine_load: %s: %s", key, what);
}

static ckks_status read_text(char out[NN_NAME], const nni_json *doc,
                             const char *key)
{
    const nni_json_node *n = nni_json_get(doc, doc->node, key);

    if (n == NULL || n->kind != NN_JSON_STRING || n->length == 0
        || n->length >= NN_NAME)
        return refuse(key, "missing, or no string of 1..63 bytes");
    memset(out, 0, NN_NAME);
    memcpy(out, n->text, n->length);
    return CKKS_OK;
}

static ckks_status read_costs(nn_machine *m, const nni_json *doc)
{
    const char *known[NN_COSTS + 1] = { NULL };
    const nni_json_node *list = nni_json_get(doc, doc->node, "seconds_a_word");
    const nni_json_node *n;

    if (list == NULL || list->kind != NN_JSON_OBJECT)
        return refuse("seconds_a_word", "missing or not an object");
    memcpy(known, NAMES, sizeof NAMES);
    n = nni_json_unknown(doc, list, known);
    if (n != NULL)
        return refuse(n->key, "unknown key");
    for (int i = 0; i < NN_COSTS; i++) {
        n = nni_json_get(doc, list, NAMES[i]);
        if (n == NULL || n->kind != NN_JSON_DOUBLE || !isfinite(n->number)
            || n->number <= 0 || n->number > 1)
            return refuse(NAMES[i], "missing, or no number of seconds > 0 and "
                          "up to 1");
        m->cost[i] = n->number;
    }
    return CKKS_OK;
}

ckks_status nn_machine_load(nn_machine *out, const char *text, size_t size)
{
    static const char *const known[] = { "format", "kernel", "seconds_a_word",
                                         NULL };
    char format[NN_NAME] = "";
    nni_json doc = { 0 };
    nn_machine m = { 0 };
    const nni_json_node *n;
    ckks_status st;

    if (out == NULL || text == NULL)
        return nn_fail(CKKS_EARG, "nn_machine_load: null pointer");
    st = nni_json_load(&doc, "machine", (const uint8_t *)text, size);
    if (st != CKKS_OK)
        return st;
    if (doc.node->kind != NN_JSON_OBJECT)
        st = refuse("machine", "not an object");
    if (st == CKKS_OK)
        st = read_text(format, &doc, "format");
    if (st == CKKS_OK && strcmp(format, FORMAT) != 0)
        st = refuse("format", "not \"volley-machine-1\"");
    n = st == CKKS_OK ? nni_json_unknown(&doc, doc.node, known) : NULL;
    if (n != NULL)
        st = refuse(n->key, "unknown key");
    if (st == CKKS_OK)
        st = read_text(m.kernel, &doc, "kernel");
    if (st == CKKS_OK)
        st = read_costs(&m, &doc);
    if (st == CKKS_OK)
        *out = m;
    nni_json_clear(&doc);
    return st;
}
