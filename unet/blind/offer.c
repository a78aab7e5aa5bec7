/* offer.c -- what is public of a network, as JSON: the server's offer.
 *
 *     { "format": "volley-blind-1", "name": "em", "dims": 2, "bits": 16,
 *       "input": { "channels": 1, "size": [1, 200, 200], "halo": [0, 0, 0],
 *                  "mul": 0.0078125, "add": -1, "range": 1, "fraction": 12 },
 *       "images": { ... },
 *       "output": { "foreground": "cell", "labels": [] },
 *       "steps": [ { "op": "conv", "name": "a", "in": [0], ... }, ... ] }
 *
 * A step has the numbers of its op and no others; shapes follow from them
 * (blind_step_derive).  Calibrated ranges, but the input's, stay with the
 * server: they tell of weights and of the images of calibration.  So does the
 * largest sum, whose bits are rounded up to a whole number, which changes no
 * answer to whether the headroom is enough (he.h: all others are whole).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "blind/network.h"
#include "format/members.h"

/* ---- writing ------------------------------------------------------------ */

static void offer_put_ints(nni_json_writer *w, const char *key, const int *v,
                           int count)
{
    nni_json_put_array(w, key);
    for (int i = 0; i < count; i++)
        nni_json_put_int(w, NULL, v[i]);
    nni_json_put_end(w);
}

static void offer_put_conv(nni_json_writer *w, const blind_conv *c)
{
    nni_json_put_int(w, "channels", c->out);
    nni_json_put_bool(w, "transposed", c->transposed);
    offer_put_ints(w, "kernel", c->kernel, 3);
    offer_put_ints(w, "before", c->before, 3);
    offer_put_ints(w, "size", c->out_size, 3);
    nni_json_put_int(w, "stride", c->stride);
    nni_json_put_int(w, "shift", c->shift);
    nni_json_put_double(w, "log_sum", ceil(c->log_sum));
}

static void offer_put_step(nni_json_writer *w, const blind_step *s)
{
    nni_json_put_object(w, NULL);
    nni_json_put_string(w, "op", blind_op_name[s->op]);
    nni_json_put_string(w, "name", s->name);
    offer_put_ints(w, "in", s->in, s->num_in);
    nni_json_put_int(w, "fraction", s->fraction);
    if (s->op == BLIND_CONV)
        offer_put_conv(w, &s->conv);
    if (s->op == BLIND_SQUARE)
        nni_json_put_int(w, "shift", s->shift);
    if (s->op == BLIND_SUM || s->op == BLIND_MAX)
        offer_put_ints(w, "pool", s->pool, 3);
    if (s->op == BLIND_ADD)
        offer_put_ints(w, "align", s->align, s->num_in);
    nni_json_put_end(w);
}

static void offer_put_images(nni_json_writer *w, const nn_images *e)
{
    nni_json_put_object(w, "images");
    nni_json_put_bool(w, "given", e->given);
    nni_json_put_string(w, "modality", e->modality);
    nni_json_put_int(w, "plane", e->plane);
    nni_json_put_double(w, "spacing_y", e->spacing_y);
    nni_json_put_double(w, "spacing_x", e->spacing_x);
    nni_json_put_int(w, "values", e->values);
    nni_json_put_double(w, "low", e->low);
    nni_json_put_double(w, "high", e->high);
    nni_json_put_end(w);
}

static void offer_put_ends(nni_json_writer *w, const blind_network *n)
{
    nni_json_put_object(w, "input");
    nni_json_put_int(w, "channels", n->channels);
    offer_put_ints(w, "size", n->size, 3);
    offer_put_ints(w, "halo", n->halo, 3);
    nni_json_put_double(w, "mul", n->mul);
    nni_json_put_double(w, "add", n->add);
    nni_json_put_double(w, "range", n->step[0].range);
    nni_json_put_int(w, "fraction", n->step[0].fraction);
    nni_json_put_end(w);
    offer_put_images(w, &n->images);
    nni_json_put_object(w, "output");
    nni_json_put_string(w, "foreground", n->foreground);
    nni_json_put_array(w, "labels");
    for (int i = 0; i < n->num_labels; i++)
        nni_json_put_string(w, NULL, n->label_name[i]);
    nni_json_put_end(w);
    nni_json_put_end(w);
}

ckks_status blind_network_save(char **text, size_t *size,
                               const blind_network *n)
{
    nni_json_writer w;
    ckks_status s;

    nni_json_writer_init(&w, NULL, 0);
    nni_json_put_object(&w, NULL);
    nni_json_put_string(&w, "format", "volley-blind-1");
    nni_json_put_string(&w, "name", n->name);
    nni_json_put_int(&w, "dims", n->dims);
    nni_json_put_int(&w, "bits", n->bits);
    offer_put_ends(&w, n);
    nni_json_put_array(&w, "steps");
    for (int k = 1; k < n->num_steps; k++)
        offer_put_step(&w, &n->step[k]);
    nni_json_put_end(&w);
    nni_json_put_end(&w);
    s = nni_json_writer_finish(&w);
    *text = s == CKKS_OK ? malloc(w.size + 1) : NULL;
    if (s == CKKS_OK && *text == NULL)
        s = nn_fail(CKKS_EMEM, "no memory for %zu bytes", w.size);
    if (s == CKKS_OK) {
        memcpy(*text, w.data, w.size);
        (*text)[w.size] = '\0';
        *size = w.size;
    }
    nni_json_writer_clear(&w);
    return s;
}

/* ---- reading ------------------------------------------------------------ */

static const double offer_most = 1e30;  /* of any number                     */

/* A name that may be shown. */
static void offer_text(nni_members *r, const char *key, char out[NN_NAME],
                       const nni_json_node *n)
{
    nni_member_text(r, key, out, n);
    if (!nni_printable(out))
        nni_member_refuse(r, key, "holds a control character");
}

static void offer_name(nni_members *r, const char *key, char out[NN_NAME])
{
    offer_text(r, key, out, nni_member(r, key));
}

static double offer_double(nni_members *r, const char *key)
{
    return nni_member_double(r, key, offer_most);
}

/* least..most whole numbers of lo..hi; how many. */
static int offer_ints(nni_members *r, const char *key, int *out, int least,
                      int most, int lo, int hi)
{
    const nni_json_node *list = nni_member(r, key);
    const nni_json_node *n = nni_json_first(r->doc, list);
    int count = 0;

    for (; n != NULL && count < most; n = nni_json_next(r->doc, n), count++) {
        int64_t v = lo;

        if (!nni_json_int(&v, n, lo, hi))
            nni_member_refuse(r, key, "not whole numbers in range");
        out[count] = (int)v;
    }
    if (list == NULL || list->kind != NN_JSON_ARRAY || n != NULL
        || count < least)
        nni_member_refuse(r, key, "missing, no list, or of another length");
    return count;
}

static void offer_read_images(nni_members *top, nn_images *e)
{
    static const char *const known[] = { "given", "modality", "plane",
        "spacing_y", "spacing_x", "values", "low", "high", NULL };
    nni_members r = nni_members_enter(top, "images", known);

    e->given = nni_member_bool(&r, "given");
    offer_name(&r, "modality", e->modality);
    e->plane = (nn_plane)nni_member_int(&r, "plane", NN_PLANE_ANY,
                                   NN_PLANE_SAGITTAL);
    e->spacing_y = offer_double(&r, "spacing_y");
    e->spacing_x = offer_double(&r, "spacing_x");
    e->values = (nn_values)nni_member_int(&r, "values", NN_VALUES_PERCENTILES,
                                     NN_VALUES_FULL);
    e->low = offer_double(&r, "low");
    e->high = offer_double(&r, "high");
    if (e->spacing_y != 0 || e->spacing_x != 0)
        if (!(e->spacing_y >= 1e-6 && e->spacing_y <= 1e6
              && e->spacing_x >= 1e-6 && e->spacing_x <= 1e6))
            nni_member_refuse(&r, "spacing", "not 1e-6..1e6 mm");
    if (e->given && e->values != NN_VALUES_FULL && !(e->low < e->high))
        nni_member_refuse(&r, "low", "not below high");
    if (e->given && e->values == NN_VALUES_PERCENTILES
        && (e->low < 0 || e->high > 100))
        nni_member_refuse(&r, "low", "percentiles not in 0..100");
    nni_members_leave(top, &r);
}

static void offer_read_ends(nni_members *top, blind_network *n)
{
    static const char *const first[] = { "channels", "size", "halo", "mul",
        "add", "range", "fraction", NULL };
    static const char *const last[] = { "foreground", "labels", NULL };
    nni_members r = nni_members_enter(top, "input", first), s;
    const nni_json_node *name;

    n->channels = nni_member_int(&r, "channels", 1, NN_MAX_CHANNELS);
    (void)offer_ints(&r, "size", n->size, 3, 3, 1, NN_MAX_SIDE);
    (void)offer_ints(&r, "halo", n->halo, 3, 3, 0, NN_MAX_SIDE / 4);
    n->mul = offer_double(&r, "mul");
    n->add = offer_double(&r, "add");
    n->step[0].range = offer_double(&r, "range");
    n->step[0].fraction = nni_member_int(&r, "fraction", -64, 64);
    memcpy(n->step[0].name, "image", sizeof "image");
    s = nni_members_enter(top, "output", last);
    nni_members_leave(&s, &r);
    offer_name(&s, "foreground", n->foreground);
    name = nni_json_first(s.doc, nni_member(&s, "labels"));
    if (nni_member(&s, "labels") == NULL
        || nni_member(&s, "labels")->kind != NN_JSON_ARRAY
        || nni_member(&s, "labels")->count > NN_MAX_LABELS)
        nni_member_refuse(&s, "labels", "missing, no list, or too many");
    for (; name != NULL && s.st == CKKS_OK; name = nni_json_next(s.doc, name))
        offer_text(&s, "labels", n->label_name[n->num_labels++], name);
    nni_members_leave(top, &s);
}

static void offer_read_conv(nni_members *r, blind_conv *c)
{
    c->out = nni_member_int(r, "channels", 1, NN_MAX_CHANNELS);
    c->transposed = nni_member_bool(r, "transposed");
    (void)offer_ints(r, "kernel", c->kernel, 3, 3, 1, 1 << 16);
    (void)offer_ints(r, "before", c->before, 3, 3, 0, 1 << 16);
    (void)offer_ints(r, "size", c->out_size, 3, 3, 1, NN_MAX_SIDE);
    c->stride = nni_member_int(r, "stride", 1, 4);
    c->shift = nni_member_int(r, "shift", 1, BLIND_MOST_SHIFT);
    c->log_sum = offer_double(r, "log_sum");
}

/* The keys of each op, beside those that all have. */
static void offer_step_known(nni_members *r, blind_op op)
{
    static const char *const own[BLIND_OPS][9] = {
        [BLIND_CONV] = { "channels", "transposed", "kernel", "before", "size",
                         "stride", "shift", "log_sum", NULL },
        [BLIND_SQUARE] = { "shift", NULL },
        [BLIND_SUM] = { "pool", NULL },
        [BLIND_MAX] = { "pool", NULL },
        [BLIND_ADD] = { "align", NULL }
    };
    const char *known[16] = { "op", "name", "in", "fraction" };
    int count = 4;

    for (int i = 0; own[op][i] != NULL; i++)
        known[count++] = own[op][i];
    nni_members_known(r, known);
}

static void offer_read_step(nni_members *top, blind_step *s,
                            const nni_json_node *node)
{
    nni_members r = nni_members_entry(top, node, "a step");
    char op[NN_NAME] = "";

    offer_name(&r, "op", op);
    for (int i = 0; i < BLIND_OPS; i++)
        if (strcmp(op, blind_op_name[i]) == 0)
            s->op = (blind_op)i;
    if (s->op == BLIND_INPUT)
        nni_member_refuse(&r, "op", "unknown");
    offer_step_known(&r, s->op);
    offer_name(&r, "name", s->name);
    s->num_in = offer_ints(&r, "in", s->in, 1, NN_MAX_INPUTS, 0,
                           BLIND_MAX_STEPS - 1);
    s->fraction = nni_member_int(&r, "fraction", -64, 64);
    if (s->op == BLIND_CONV)
        offer_read_conv(&r, &s->conv);
    if (s->op == BLIND_SQUARE)
        s->shift = nni_member_int(&r, "shift", 1, BLIND_MOST_SHIFT);
    if (s->op == BLIND_SUM || s->op == BLIND_MAX)
        (void)offer_ints(&r, "pool", s->pool, 3, 3, 1, NN_MAX_SIDE);
    if (s->op == BLIND_ADD)
        (void)offer_ints(&r, "align", s->align, s->num_in, s->num_in, 0,
                         BLIND_MOST_SHIFT);
    nni_members_leave(top, &r);
}

static ckks_status offer_read(blind_network *n, const nni_json *doc)
{
    static const char *const known[] = { "format", "name", "dims", "bits",
        "input", "images", "output", "steps", NULL };
    nni_members r = { doc, doc->node, "network", "offer", CKKS_OK };
    const nni_json_node *list, *node;
    char format[NN_NAME] = "";

    nni_members_known(&r, known);
    offer_name(&r, "format", format);
    if (strcmp(format, "volley-blind-1") != 0)
        nni_member_refuse(&r, "format", "not \"volley-blind-1\"");
    offer_name(&r, "name", n->name);
    n->dims = nni_member_int(&r, "dims", 2, 3);
    n->bits = nni_member_int(&r, "bits", 8, 32);
    if (r.st == CKKS_OK)
        offer_read_ends(&r, n);
    if (r.st == CKKS_OK)
        offer_read_images(&r, &n->images);
    list = nni_member(&r, "steps");
    if (list == NULL || list->kind != NN_JSON_ARRAY
        || list->count >= BLIND_MAX_STEPS)
        nni_member_refuse(&r, "steps", "missing, no list, or too many");
    n->num_steps = 1;
    for (node = nni_json_first(doc, list); node != NULL && r.st == CKKS_OK;
         node = nni_json_next(doc, node))
        offer_read_step(&r, &n->step[n->num_steps++], node);
    return r.st == CKKS_OK ? blind_network_check(n) : r.st;
}

ckks_status blind_network_load(blind_network **out, const char *text,
                               size_t size)
{
    nni_json doc = {0};
    blind_network *n = calloc(1, sizeof *n);
    ckks_status s = n != NULL ? CKKS_OK : nn_fail(CKKS_EMEM, "no memory");

    if (s == CKKS_OK)
        s = nni_json_load(&doc, "offer", (const uint8_t *)text, size);
    if (s == CKKS_OK)
        s = offer_read(n, &doc);
    nni_json_clear(&doc);
    if (s == CKKS_OK)
        *out = n;
    else
        blind_network_clear(&n);
    return s;
}
