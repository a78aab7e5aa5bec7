/* plan_read.c -- a plan from JSON.
 *
 * Format: docs/conventions.md.  The loader checks that every member is there,
 * of its kind, and in the range of its type; nn_plan_check (plan_check.c)
 * compares them with each other; the context checks the primes.
 */
#include <stdlib.h>
#include <string.h>

#include "format/expects.h"
#include "format/words.h"
#include "layout/layout.h"

/* Reads members of one object; the first problem is kept. */
typedef struct reader {
    const nni_json *doc;
    const nni_json_node *object;
    const char *where;
    ckks_status st;
} reader;

static void refuse(reader *r, const char *key, const char *what)
{
    if (r->st == CKKS_OK)
        r->st = nn_fail(CKKS_EFORMAT, "nn_plan_load: %s.%s: %s", r->where, key,
                        what);
}

static int get_int(reader *r, const char *key, int lo, int hi)
{
    int64_t v = lo;

    if (!nni_json_int(&v, nni_json_get(r->doc, r->object, key), lo, hi))
        refuse(r, key, "missing or out of range");
    return (int)v;
}

static double get_double(reader *r, const char *key)
{
    const nni_json_node *n = nni_json_get(r->doc, r->object, key);

    if (n == NULL || n->kind != NN_JSON_DOUBLE) {
        refuse(r, key, "missing or not a number");
        return 0;
    }
    return n->number;
}

static bool get_bool(reader *r, const char *key)
{
    const nni_json_node *n = nni_json_get(r->doc, r->object, key);

    if (n == NULL || (n->kind != NN_JSON_TRUE && n->kind != NN_JSON_FALSE))
        refuse(r, key, "missing or not true or false");
    return n != NULL && n->kind == NN_JSON_TRUE;
}

static void get_name(reader *r, const char *key, char out[NN_NAME])
{
    const nni_json_node *n = nni_json_get(r->doc, r->object, key);

    if (n == NULL || n->kind != NN_JSON_STRING || n->length >= NN_NAME) {
        refuse(r, key, "missing, not a string, or over 63 bytes");
        return;
    }
    memset(out, 0, NN_NAME);
    memcpy(out, n->text, n->length);
}

static int get_choice(reader *r, const char *key, const char *const *name,
                      int count)
{
    char text[NN_NAME] = "";

    get_name(r, key, text);
    for (int i = 0; i < count; i++)
        if (strcmp(text, name[i]) == 0)
            return i;
    refuse(r, key, "unknown value");
    return 0;
}

/* No member but those named in the list, which ends with NULL. */
static void check_known(reader *r, const char *const *known)
{
    const nni_json_node *n = nni_json_unknown(r->doc, r->object, known);

    if (n != NULL)
        refuse(r, n->key, "unknown key");
}

static reader enter(const reader *r, const char *key,
                    const char *const *known)
{
    reader in = { r->doc, nni_json_get(r->doc, r->object, key), key, r->st };

    if (in.object == NULL || in.object->kind != NN_JSON_OBJECT)
        refuse(&in, "*", "missing or not an object");
    else
        check_known(&in, known);
    return in;
}

static void read_layout(reader *top, nn_plan *p)
{
    static const char *const known[] = { "height", "width", "ring_y",
        "ring_x", "batch", "lanes", "core_height", "core_width", "halo",
        NULL };
    reader r = enter(top, "layout", known);
    nn_layout *l = &p->layout;

    l->height = get_int(&r, "height", 1, 2 * NN_MAX_SIDE);
    l->width = get_int(&r, "width", 1, 2 * NN_MAX_SIDE);
    l->ring_y = get_int(&r, "ring_y", 1, NN_MAX_SIDE);
    l->ring_x = get_int(&r, "ring_x", 1, NN_MAX_SIDE);
    l->batch = get_int(&r, "batch", 1, 1 << 16);
    if (nni_json_get(r.doc, r.object, "lanes") != NULL)
        l->lanes = get_int(&r, "lanes", 1, 64);
    p->core_height = get_int(&r, "core_height", 1, NN_MAX_SIDE);
    p->core_width = get_int(&r, "core_width", 1, NN_MAX_SIDE);
    p->halo = get_int(&r, "halo", 0, NN_MAX_SIDE / 4);
    top->st = r.st;
}

static int read_words(reader *r, const char *key, uint64_t *out, int limit)
{
    const nni_json_node *list = nni_json_get(r->doc, r->object, key);
    const nni_json_node *n = nni_json_first(r->doc, list);
    int count = 0;

    if (list == NULL || list->kind != NN_JSON_ARRAY) {
        refuse(r, key, "missing or not a list");
        return 0;
    }
    for (; n != NULL; n = nni_json_next(r->doc, n)) {
        if (count == limit || !nni_json_word(&out[count], n)) {
            refuse(r, key, "too many, or not words");
            return count;
        }
        count++;
    }
    return count;
}

static void read_parameters(reader *top, nn_plan *p)
{
    static const char *const known[] = { "log_n", "real", "security", "dnum",
        "fitted_special", "scale_bits", "primes", "special", NULL };
    reader r = enter(top, "parameters", known);
    ckks_params *q = &p->params;

    q->log_n = get_int(&r, "log_n", CKKS_MIN_LOG_N, CKKS_MAX_LOG_N);
    q->ring = get_bool(&r, "real") ? CKKS_RING_REAL : CKKS_RING_COMPLEX;
    q->security = get_int(&r, "security", CKKS_INSECURE, 256);
    q->dnum = get_int(&r, "dnum", 1, CKKS_MAX_PRIMES);
    q->fitted_special = get_int(&r, "fitted_special", 0, 1);
    p->scale_bits = get_int(&r, "scale_bits", 1, 60);
    q->num_primes = read_words(&r, "primes", q->primes, CKKS_MAX_PRIMES);
    q->num_special = read_words(&r, "special", q->special, CKKS_MAX_SPECIAL);
    if (q->num_primes < 1)
        refuse(&r, "primes", "none");
    top->st = r.st;
}

static void read_classes(reader *r, nn_plan *p)
{
    const nni_json_node *list = nni_json_get(r->doc, r->object, "classes");
    const nni_json_node *n = nni_json_first(r->doc, list);

    if (list == NULL || list->kind != NN_JSON_ARRAY
        || list->count > NN_MAX_CLASSES) {
        refuse(r, "classes", "missing, not a list, or too many");
        return;
    }
    for (; n != NULL; n = nni_json_next(r->doc, n)) {
        if (n->kind != NN_JSON_STRING || n->length >= NN_NAME) {
            refuse(r, "classes", "not a string, or over 63 bytes");
            return;
        }
        memcpy(p->class_name[p->num_classes++], n->text, n->length);
    }
}

/* None, or a list of at least one. */
static void read_labels(reader *s, nn_plan *p)
{
    static const char *const known[] = { "name", "max", NULL };
    const nni_json_node *list = nni_json_get(s->doc, s->object, "labels");
    const nni_json_node *n = nni_json_first(s->doc, list);

    if (list == NULL)
        return;
    if (list->kind != NN_JSON_ARRAY || n == NULL
        || list->count > NN_MAX_LABELS)
        refuse(s, "labels", "not a list, empty, or too many");
    for (; n != NULL && s->st == CKKS_OK; n = nni_json_next(s->doc, n)) {
        reader r = { s->doc, n, "output.labels", s->st };

        check_known(&r, known);
        get_name(&r, "name", p->label_name[p->num_labels]);
        p->label_max[p->num_labels] = get_double(&r, "max");
        p->num_labels++;
        s->st = r.st;
    }
}

static void read_ends(reader *top, nn_plan *p)
{
    static const char *const first[] = { "channels", "mul", "add", "level",
        "scale", NULL };
    static const char *const last[] = { "level", "scale", "gap", "channels",
        "neurons", "column", "threshold", "foreground", "classes", "labels",
        "max", "error_sd", NULL };
    reader r = enter(top, "input", first), s;

    p->channels = get_int(&r, "channels", 1, NN_MAX_CHANNELS);
    p->mul = get_double(&r, "mul");
    p->add = get_double(&r, "add");
    p->in_level = get_int(&r, "level", 0, CKKS_MAX_PRIMES - 1);
    p->in_scale = get_double(&r, "scale");
    top->st = r.st;
    s = enter(top, "output", last);
    p->out_level = get_int(&s, "level", 0, 1);
    p->out_scale = get_double(&s, "scale");
    p->out_gap = get_int(&s, "gap", 0, NN_MAX_SIDE);
    p->out_channels = get_int(&s, "channels", 1, NN_MAX_CHANNELS);
    p->out_neurons = get_int(&s, "neurons", 0, NN_MAX_CHANNELS);
    p->out_column = get_int(&s, "column", p->out_neurons > 0, 1 << 16);
    p->threshold = get_double(&s, "threshold");
    get_name(&s, "foreground", p->foreground);
    read_classes(&s, p);
    read_labels(&s, p);
    p->logit_max = get_double(&s, "max");
    p->error_sd = get_double(&s, "error_sd");
    top->st = s.st;
}

static void read_keys(reader *top, nn_plan *p)
{
    static const char *const known[] = { "kind", "step", "level", NULL };
    const nni_json_node *list = nni_json_get(top->doc, top->object, "keys");
    const nni_json_node *n = nni_json_first(top->doc, list);

    if (list == NULL || list->kind != NN_JSON_ARRAY)
        refuse(top, "keys", "missing or not a list");
    for (; n != NULL && top->st == CKKS_OK; n = nni_json_next(top->doc, n)) {
        reader r = { top->doc, n, "keys", top->st };
        ckks_key_request *k = &p->key[p->num_keys];

        if (p->num_keys == NN_MAX_KEYS) {
            refuse(top, "keys", "too many");
            return;
        }
        check_known(&r, known);
        k->kind = (ckks_key_kind)get_choice(&r, "kind", nni_key_words, 3);
        k->step = get_int(&r, "step", 0, 1 << CKKS_MAX_LOG_N);
        k->level = get_int(&r, "level", 0, CKKS_MAX_PRIMES - 1);
        top->st = r.st;
        p->num_keys++;
    }
}

static void read_steps(reader *top, nn_plan *p)
{
    static const char *const known[] = { "name", "square", "rotate_inputs",
        "neurons", "level", "log_scale", "channels", "height", "width", NULL };
    const nni_json_node *list = nni_json_get(top->doc, top->object, "steps");
    const nni_json_node *n = nni_json_first(top->doc, list);

    if (list == NULL || list->kind != NN_JSON_ARRAY)
        refuse(top, "steps", "missing or not a list");
    for (; n != NULL && top->st == CKKS_OK; n = nni_json_next(top->doc, n)) {
        reader r = { top->doc, n, "steps", top->st };
        nn_step *s = &p->step[p->num_steps];

        if (p->num_steps == NN_MAX_STEPS) {
            refuse(top, "steps", "too many");
            return;
        }
        check_known(&r, known);
        get_name(&r, "name", s->name);
        s->square = get_bool(&r, "square");
        s->rotate_inputs = get_bool(&r, "rotate_inputs");
        s->neurons = get_int(&r, "neurons", 0, NN_MAX_CHANNELS);
        s->level = get_int(&r, "level", 0, CKKS_MAX_PRIMES - 1);
        s->log_scale = get_double(&r, "log_scale");
        s->channels = get_int(&r, "channels", 1, NN_MAX_CHANNELS);
        s->height = get_int(&r, "height", 1, 2 * NN_MAX_SIDE);
        s->width = get_int(&r, "width", 1, 2 * NN_MAX_SIDE);
        top->st = r.st;
        p->num_steps++;
    }
}

/* What follows from the rest of the layout. */
static void derive_layout(nn_plan *p)
{
    nn_layout *l = &p->layout;

    l->slots = nni_slots(&p->params);
    l->grid_y = l->height / l->ring_y;
    l->grid_x = l->width / l->ring_x;
}

ckks_status nn_plan_load(nn_plan *out, const char *text, size_t size)
{
    static const char *const known[] = { "format", "name", "border", "layout",
                                         "parameters", "input", "images",
                                         "output", "keys", "steps", NULL };
    nni_json doc = { 0 };
    nn_plan *p;
    reader r;
    ckks_status st;

    if (out == NULL || text == NULL)
        return nn_fail(CKKS_EARG, "nn_plan_load: null pointer");
    p = calloc(1, sizeof *p);
    if (p == NULL)
        return nn_fail(CKKS_EMEM, "nn_plan_load: no memory");
    st = nni_json_load(&doc, "plan", (const uint8_t *)text, size);
    if (st == CKKS_OK) {
        char format[NN_NAME] = "";

        r = (reader){ &doc, doc.node, "plan", CKKS_OK };
        get_name(&r, "format", format);
        if (strcmp(format, "volley-plan-1") != 0)
            refuse(&r, "format", "not \"volley-plan-1\"");
        check_known(&r, known);
        get_name(&r, "name", p->name);
        p->border = (nn_border)get_choice(&r, "border", nni_border_words, 4);
        read_layout(&r, p);
        read_parameters(&r, p);
        read_ends(&r, p);
        read_keys(&r, p);
        read_steps(&r, p);
        st = r.st;
        if (st == CKKS_OK)
            st = nni_expects_load(&p->images, &doc,
                                  nni_json_get(&doc, doc.node, "images"),
                                  "plan");
        if (st == CKKS_OK) {
            derive_layout(p);
            st = nn_plan_check(p);
        }
    }
    if (st == CKKS_OK)
        *out = *p;
    nni_json_clear(&doc);
    free(p);
    return st;
}
