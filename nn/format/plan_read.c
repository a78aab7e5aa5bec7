/* plan_read.c -- a plan from JSON.
 *
 * Format: docs/conventions.md.  The loader checks that every member is there,
 * of its kind, and in the range of its type; nn_plan_check (plan_check.c)
 * compares them with each other; the context checks the primes.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format/expects.h"
#include "format/members.h"
#include "format/words.h"
#include "layout/layout.h"

static void read_layout(nni_members *top, nn_plan *p)
{
    static const char *const known[] = { "height", "width", "ring_y",
        "ring_x", "batch", "lanes", "core_height", "core_width", "halo",
        "scratch", NULL };
    nni_members r = nni_members_enter(top, "layout", known);
    nn_layout *l = &p->layout;

    l->height = nni_member_int(&r, "height", 1, 2 * NN_MAX_SIDE);
    l->width = nni_member_int(&r, "width", 1, 2 * NN_MAX_SIDE);
    l->ring_y = nni_member_int(&r, "ring_y", 1, NN_MAX_SIDE);
    l->ring_x = nni_member_int(&r, "ring_x", 1, NN_MAX_SIDE);
    l->batch = nni_member_int(&r, "batch", 1, 1 << 16);
    if (nni_member(&r, "lanes") != NULL)
        l->lanes = nni_member_int(&r, "lanes", 1, 64);
    p->core_height = nni_member_int(&r, "core_height", 1, NN_MAX_SIDE);
    p->core_width = nni_member_int(&r, "core_width", 1, NN_MAX_SIDE);
    p->halo = nni_member_int(&r, "halo", 0, NN_MAX_SIDE / 4);
    if (nni_member(&r, "scratch") != NULL)
        p->scratch = nni_member_int(&r, "scratch", 1, NN_MAX_SCRATCH);
    nni_members_leave(top, &r);
}

static int read_words(nni_members *r, const char *key, uint64_t *out, int limit)
{
    const nni_json_node *list = nni_member(r, key);
    const nni_json_node *n = nni_json_first(r->doc, list);
    int count = 0;

    if (list == NULL || list->kind != NN_JSON_ARRAY) {
        nni_member_refuse(r, key, "missing or not a list");
        return 0;
    }
    for (; n != NULL; n = nni_json_next(r->doc, n)) {
        if (count == limit || !nni_json_word(&out[count], n)) {
            nni_member_refuse(r, key, "too many, or not words");
            return count;
        }
        count++;
    }
    return count;
}

static void read_parameters(nni_members *top, nn_plan *p)
{
    static const char *const known[] = { "log_n", "real", "security", "dnum",
        "fitted_special", "scale_bits", "primes", "special", NULL };
    nni_members r = nni_members_enter(top, "parameters", known);
    ckks_params *q = &p->params;

    q->log_n = nni_member_int(&r, "log_n", CKKS_MIN_LOG_N, CKKS_MAX_LOG_N);
    q->ring = nni_member_bool(&r, "real") ? CKKS_RING_REAL : CKKS_RING_COMPLEX;
    q->security = nni_member_int(&r, "security", CKKS_INSECURE, 256);
    q->dnum = nni_member_int(&r, "dnum", 1, CKKS_MAX_PRIMES);
    q->fitted_special = nni_member_int(&r, "fitted_special", 0, 1);
    p->scale_bits = nni_member_int(&r, "scale_bits", 1, 60);
    q->num_primes = read_words(&r, "primes", q->primes, CKKS_MAX_PRIMES);
    q->num_special = read_words(&r, "special", q->special, CKKS_MAX_SPECIAL);
    if (q->num_primes < 1)
        nni_member_refuse(&r, "primes", "none");
    nni_members_leave(top, &r);
}

static void read_classes(nni_members *r, nn_plan *p)
{
    const nni_json_node *list = nni_member(r, "classes");
    const nni_json_node *n = nni_json_first(r->doc, list);

    if (list == NULL || list->kind != NN_JSON_ARRAY
        || list->count > NN_MAX_CLASSES) {
        nni_member_refuse(r, "classes", "missing, not a list, or too many");
        return;
    }
    for (; n != NULL; n = nni_json_next(r->doc, n)) {
        if (n->kind != NN_JSON_STRING || n->length >= NN_NAME) {
            nni_member_refuse(r, "classes", "not a string, or over 63 bytes");
            return;
        }
        memcpy(p->class_name[p->num_classes++], n->text, n->length);
    }
}

/* None, or a list of at least one. */
static void read_labels(nni_members *s, nn_plan *p)
{
    static const char *const known[] = { "name", "max", NULL };
    const nni_json_node *list = nni_member(s, "labels");
    const nni_json_node *n = nni_json_first(s->doc, list);

    if (list == NULL)
        return;
    if (list->kind != NN_JSON_ARRAY || n == NULL
        || list->count > NN_MAX_LABELS)
        nni_member_refuse(s, "labels", "not a list, empty, or too many");
    for (; n != NULL && s->st == CKKS_OK; n = nni_json_next(s->doc, n)) {
        nni_members r = nni_members_entry(s, n, "output.labels");

        nni_members_known(&r, known);
        nni_member_name(&r, "name", p->label_name[p->num_labels]);
        p->label_max[p->num_labels] = nni_member_double(&r, "max", HUGE_VAL);
        p->num_labels++;
        nni_members_leave(s, &r);
    }
}

static void read_ends(nni_members *top, nn_plan *p)
{
    static const char *const first[] = { "channels", "mul", "add", "level",
        "scale", NULL };
    static const char *const last[] = { "level", "scale", "gap", "channels",
        "neurons", "column", "threshold", "foreground", "classes", "labels",
        "max", "error_sd", NULL };
    nni_members r = nni_members_enter(top, "input", first), s;

    p->channels = nni_member_int(&r, "channels", 1, NN_MAX_CHANNELS);
    p->mul = nni_member_double(&r, "mul", HUGE_VAL);
    p->add = nni_member_double(&r, "add", HUGE_VAL);
    p->in_level = nni_member_int(&r, "level", 0, CKKS_MAX_PRIMES - 1);
    p->in_scale = nni_member_double(&r, "scale", HUGE_VAL);
    nni_members_leave(top, &r);
    s = nni_members_enter(top, "output", last);
    p->out_level = nni_member_int(&s, "level", 0, 1);
    p->out_scale = nni_member_double(&s, "scale", HUGE_VAL);
    p->out_gap = nni_member_int(&s, "gap", 0, NN_MAX_SIDE);
    p->out_channels = nni_member_int(&s, "channels", 1, NN_MAX_CHANNELS);
    p->out_neurons = nni_member_int(&s, "neurons", 0, NN_MAX_CHANNELS);
    p->out_column = nni_member_int(&s, "column", p->out_neurons > 0, 1 << 16);
    p->threshold = nni_member_double(&s, "threshold", HUGE_VAL);
    nni_member_name(&s, "foreground", p->foreground);
    read_classes(&s, p);
    read_labels(&s, p);
    p->logit_max = nni_member_double(&s, "max", HUGE_VAL);
    p->error_sd = nni_member_double(&s, "error_sd", HUGE_VAL);
    nni_members_leave(top, &s);
}

static void read_keys(nni_members *top, nn_plan *p)
{
    static const char *const known[] = { "kind", "step", "level", NULL };
    const nni_json_node *list = nni_member(top, "keys");
    const nni_json_node *n = nni_json_first(top->doc, list);

    if (list == NULL || list->kind != NN_JSON_ARRAY)
        nni_member_refuse(top, "keys", "missing or not a list");
    for (; n != NULL && top->st == CKKS_OK; n = nni_json_next(top->doc, n)) {
        nni_members r = nni_members_entry(top, n, "keys");
        ckks_key_request *k = &p->key[p->num_keys];

        if (p->num_keys == NN_MAX_KEYS) {
            nni_member_refuse(top, "keys", "too many");
            return;
        }
        nni_members_known(&r, known);
        k->kind = (ckks_key_kind)nni_member_choice(&r, "kind",
                                                   nni_key_words, 3);
        k->step = nni_member_int(&r, "step", 0, 1 << CKKS_MAX_LOG_N);
        k->level = nni_member_int(&r, "level", 0, CKKS_MAX_PRIMES - 1);
        nni_members_leave(top, &r);
        p->num_keys++;
    }
}

static void read_steps(nni_members *top, nn_plan *p)
{
    static const char *const known[] = { "name", "square", "rotate_inputs",
        "neurons", "level", "log_scale", "channels", "height", "width", NULL };
    const nni_json_node *list = nni_member(top, "steps");
    const nni_json_node *n = nni_json_first(top->doc, list);

    if (list == NULL || list->kind != NN_JSON_ARRAY)
        nni_member_refuse(top, "steps", "missing or not a list");
    for (; n != NULL && top->st == CKKS_OK; n = nni_json_next(top->doc, n)) {
        nni_members r = nni_members_entry(top, n, "steps");
        nn_step *s = &p->step[p->num_steps];

        if (p->num_steps == NN_MAX_STEPS) {
            nni_member_refuse(top, "steps", "too many");
            return;
        }
        nni_members_known(&r, known);
        nni_member_name(&r, "name", s->name);
        s->square = nni_member_bool(&r, "square");
        s->rotate_inputs = nni_member_bool(&r, "rotate_inputs");
        s->neurons = nni_member_int(&r, "neurons", 0, NN_MAX_CHANNELS);
        s->level = nni_member_int(&r, "level", 0, CKKS_MAX_PRIMES - 1);
        s->log_scale = nni_member_double(&r, "log_scale", HUGE_VAL);
        s->channels = nni_member_int(&r, "channels", 1, NN_MAX_CHANNELS);
        s->height = nni_member_int(&r, "height", 1, 2 * NN_MAX_SIDE);
        s->width = nni_member_int(&r, "width", 1, 2 * NN_MAX_SIDE);
        nni_members_leave(top, &r);
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
    nni_members r;
    ckks_status st;

    if (out == NULL || text == NULL)
        return nn_fail(CKKS_EARG, "nn_plan_load: null pointer");
    p = calloc(1, sizeof *p);
    if (p == NULL)
        return nn_fail(CKKS_EMEM, "nn_plan_load: no memory");
    st = nni_json_load(&doc, "plan", (const uint8_t *)text, size);
    if (st == CKKS_OK) {
        char format[NN_NAME] = "";

        r = (nni_members){ &doc, doc.node, "nn_plan_load", "plan", CKKS_OK };
        nni_member_name(&r, "format", format);
        if (strcmp(format, "volley-plan-1") != 0)
            nni_member_refuse(&r, "format", "not \"volley-plan-1\"");
        nni_members_known(&r, known);
        nni_member_name(&r, "name", p->name);
        p->border = (nn_border)nni_member_choice(&r, "border",
                                                 nni_border_words, 4);
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
