/* geometry_json.c -- the record of a volume that its owner keeps until the
 * masks of its slices come back.
 */
#include <math.h>
#include <string.h>

#include "image/orient.h"
#include "image/resample.h"

enum { RECORD_CODES = 5, RECORD_UNITS = 255 };

static const double record_step = 1e9, record_float = 3.4e38;

/* ---- writing ------------------------------------------------------------- */

static void record_doubles(nni_json_writer *w, const char *key,
                           const double *value, int n)
{
    nni_json_put_array(w, key);
    for (int i = 0; i < n; i++)
        nni_json_put_double(w, NULL, value[i]);
    nni_json_put_end(w);
}

void uni_geometry_put(nni_json_writer *w, const char *key,
                      const uni_geometry *g, const uni_slicing *s)
{
    const double step[2] = { s->step_y, s->step_x };

    nni_json_put_object(w, key);
    nni_json_put_array(w, "shape");
    for (int i = 0; i < 3; i++)
        nni_json_put_int(w, NULL, g->n[i]);
    nni_json_put_end(w);
    record_doubles(w, "affine", g->affine[0], 12);
    nni_json_put_double(w, "unit", g->unit);
    nni_json_put_int(w, "version", g->version);
    nni_json_put_int(w, "rank", g->rank);
    nni_json_put_int(w, "qform", g->qform);
    nni_json_put_int(w, "sform", g->sform);
    nni_json_put_int(w, "units", g->units);
    record_doubles(w, "pixdim", g->pixdim, 8);
    record_doubles(w, "quatern", g->quatern, 3);
    record_doubles(w, "offset", g->offset, 3);
    record_doubles(w, "srow", g->srow[0], 12);
    nni_json_put_string(w, "plane", uni_plane_name(s->plane));
    nni_json_put_int(w, "height", s->height);
    nni_json_put_int(w, "width", s->width);
    record_doubles(w, "step", step, 2);
    nni_json_put_end(w);
}

/* ---- reading ------------------------------------------------------------- */

typedef struct record_reader {
    const nni_json *doc;
    const nni_json_node *node;
    const char *what;
    ckks_status status;         /* the first failure; nothing is read after  */
} record_reader;

static void record_fail(record_reader *r, const char *key, const char *want)
{
    if (r->status == CKKS_OK)
        r->status = nn_fail(CKKS_EFORMAT, "%s: \"%s\" of a volume, want %s",
                            r->what, key, want);
}

static int record_int(record_reader *r, const char *key, int lo, int hi)
{
    int64_t value = lo;

    if (!nni_json_int(&value, nni_json_get(r->doc, r->node, key), lo, hi))
        record_fail(r, key, "a whole number in its range");
    return (int)value;
}

static void record_read(record_reader *r, const char *key, double *out, int n)
{
    const nni_json_node *list = nni_json_get(r->doc, r->node, key);
    const nni_json_node *at = nni_json_first(r->doc, list);

    for (int i = 0; i < n; i++, at = nni_json_next(r->doc, at)) {
        if (at == NULL || at->kind != NN_JSON_DOUBLE
            || fabs(at->number) > record_float) {
            record_fail(r, key, "as many numbers as it has");
            return;
        }
        out[i] = at->number;
    }
    if (list->kind != NN_JSON_ARRAY || at != NULL)
        record_fail(r, key, "as many numbers as it has");
}

static nn_plane record_plane(record_reader *r)
{
    const nni_json_node *node = nni_json_get(r->doc, r->node, "plane");

    for (int p = NN_PLANE_AXIAL; p <= NN_PLANE_SAGITTAL; p++)
        if (node != NULL && node->kind == NN_JSON_STRING
            && strcmp(node->text, uni_plane_name((nn_plane)p)) == 0)
            return (nn_plane)p;
    record_fail(r, "plane", "axial, coronal or sagittal");
    return NN_PLANE_AXIAL;
}

static void record_shape(record_reader *r, int n[3])
{
    double size[3] = { 1, 1, 1 };

    record_read(r, "shape", size, 3);
    for (int i = 0; i < 3; i++) {
        const bool good = size[i] >= 1 && size[i] <= UNET_IMAGE_SIDE
                          && size[i] == floor(size[i]);

        if (!good)
            record_fail(r, "shape", "three sizes");
        n[i] = good ? (int)size[i] : 1;
    }
    if (r->status == CKKS_OK)
        r->status = uni_volume_check(r->what, n);
}

static void record_geometry(record_reader *r, uni_geometry *g)
{
    double unit = 1;

    record_shape(r, g->n);
    record_read(r, "affine", g->affine[0], 12);
    g->version = record_int(r, "version", 1, 2);
    g->rank = record_int(r, "rank", 2, 7);
    g->qform = record_int(r, "qform", 0, RECORD_CODES);
    g->sform = record_int(r, "sform", 0, RECORD_CODES);
    g->units = record_int(r, "units", 0, RECORD_UNITS);
    record_read(r, "pixdim", g->pixdim, 8);
    record_read(r, "quatern", g->quatern, 3);
    record_read(r, "offset", g->offset, 3);
    record_read(r, "srow", g->srow[0], 12);
    if (nni_json_get(r->doc, r->node, "unit") == NULL
        || nni_json_get(r->doc, r->node, "unit")->kind != NN_JSON_DOUBLE)
        record_fail(r, "unit", "1, 1000 or 0.001");
    else
        unit = nni_json_get(r->doc, r->node, "unit")->number;
    if (unit != 1 && unit != 1000 && unit != 0.001)
        record_fail(r, "unit", "1, 1000 or 0.001");
    g->unit = unit;
    if (g->rank < 3 && g->n[2] > 1)
        record_fail(r, "rank", "3 for a volume of several slices");
    if (r->status == CKKS_OK)
        r->status = uni_geometry_check(g, r->what);
}

/* Axes and stored sizes are those of the geometry. */
static void record_slicing(record_reader *r, uni_slicing *s,
                           const uni_geometry *g)
{
    const nn_plane plane = record_plane(r);
    double step[2] = { 1, 1 };

    record_read(r, "step", step, 2);
    for (int i = 0; i < 2; i++)
        if (!(step[i] > 1 / record_step && step[i] < record_step))
            record_fail(r, "step", "two numbers above 0");
    if (r->status == CKKS_OK)
        r->status = uni_slicing_plane(s, r->what, g, plane);
    s->height = record_int(r, "height", 1, UNET_IMAGE_SIDE);
    s->width = record_int(r, "width", 1, UNET_IMAGE_SIDE);
    s->step_y = step[0];
    s->step_x = step[1];
    if ((int64_t)s->height * s->width > UNET_IMAGE_PIXELS)
        record_fail(r, "height", "fewer pixels");
}

ckks_status uni_geometry_get(uni_geometry *g, uni_slicing *s,
                             const nni_json *doc, const nni_json_node *node,
                             const char *what)
{
    static const char *const keys[] = {
        "shape", "affine", "unit", "version", "rank", "qform", "sform",
        "units", "pixdim", "quatern", "offset", "srow", "plane", "height",
        "width", "step", NULL
    };
    record_reader r = { doc, node, what, CKKS_OK };
    uni_geometry geometry = {0};
    uni_slicing slicing = {0};

    if (g == NULL || s == NULL || doc == NULL || what == NULL)
        return nn_fail(CKKS_EARG, "uni_geometry_get: null pointer");
    if (node == NULL || node->kind != NN_JSON_OBJECT)
        return nn_fail(CKKS_EFORMAT, "%s: no record of a volume", what);
    if (nni_json_unknown(doc, node, keys) != NULL)
        return nn_fail(CKKS_EFORMAT, "%s: \"%s\" in the record of a volume is "
                       "unknown", what, nni_json_unknown(doc, node, keys)->key);
    record_geometry(&r, &geometry);
    record_slicing(&r, &slicing, &geometry);
    if (r.status != CKKS_OK)
        return r.status;
    *g = geometry;
    *s = slicing;
    return CKKS_OK;
}
