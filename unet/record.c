/* record.c -- what the owner keeps of the images of a request.  Contracts in
 * record.h. */
#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format/json.h"
#include "vct.h"

static const char record_format[] = "volley-images-1";

/* ---- in memory ----------------------------------------------------------- */

ckks_status uni_record_pixels(uint8_t out[UNET_ID], const double *pixel,
                              int channels, unet_size size)
{
    const size_t n = (size_t)channels * (size_t)size.height
                     * (size_t)size.width;
    uint8_t *bytes = malloc(16 + 8 * n);

    if (bytes == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu pixels", n);
    memcpy(bytes, "VPIX", 4);
    uni_vct_store(bytes + 4, (uint64_t)channels, 4);
    uni_vct_store(bytes + 8, (uint64_t)size.height, 4);
    uni_vct_store(bytes + 12, (uint64_t)size.width, 4);
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;

        memcpy(&bits, &pixel[i], sizeof bits);
        uni_vct_store(bytes + 16 + 8 * i, bits, 8);
    }
    ckks_blake2b(out, UNET_ID, bytes, 16 + 8 * n, NULL, 0);
    free(bytes);
    return CKKS_OK;
}

ckks_status uni_record_init(uni_record *out, size_t images)
{
    uni_record r = { .images = images };

    r.image = calloc(images, sizeof *r.image);
    if (r.image == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu names", images);
    uni_record_clear(out);
    *out = r;
    return CKKS_OK;
}

/* The last bytes of a name, what a terminal acts upon as '_'; malloc. */
static char *record_name(const char *name)
{
    const size_t all = strlen(name);
    char *copy = uni_vct_name(all > UNI_RECORD_NAME
                              ? name + all - UNI_RECORD_NAME : name, "");

    if (copy != NULL && !nni_printable(copy))
        for (char *c = copy; *c != '\0'; c++)
            if (*c < 0x20 || *c > 0x7e)
                *c = '_';
    return copy;
}

ckks_status uni_record_name(uni_record *r, size_t image, const char *name)
{
    char *copy = record_name(name);

    if (copy == NULL)
        return nn_fail(CKKS_EMEM, "no memory for a name");
    free(r->image[image].name);
    r->image[image].name = copy;
    return CKKS_OK;
}

ckks_status uni_record_add(uni_record *r, const char *name, size_t first,
                           size_t count, int slice,
                           const uni_geometry *geometry,
                           const uni_slicing *slicing)
{
    const uni_record_volume *last = r->volumes == 0 ? NULL
                                    : &r->volume[r->volumes - 1];
    uni_record_volume *more, v = { NULL, first, count, slice, *geometry,
                                   *slicing };

    if (count < 1 || slice < 0 || slice >= slicing->slices
        || count > (size_t)(slicing->slices - slice) || first > r->images
        || count > r->images - first
        || (last != NULL && first < last->first + last->count))
        return nn_fail(CKKS_EARG, "%s: %zu images from %zu on, of %zu, cannot "
                       "be its slices from %d on, of %d", name, count, first,
                       r->images, slice, slicing->slices);
    v.name = record_name(name);
    more = realloc(r->volume, (r->volumes + 1) * sizeof *more);
    if (more != NULL)
        r->volume = more;
    if (more == NULL || v.name == NULL) {
        free(v.name);
        return nn_fail(CKKS_EMEM, "no memory for %zu volumes", r->volumes + 1);
    }
    r->volume[r->volumes++] = v;
    return CKKS_OK;
}

void uni_record_clear(uni_record *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->images; i++)
        free(r->image[i].name);
    for (size_t i = 0; i < r->volumes; i++)
        free(r->volume[i].name);
    free(r->image);
    free(r->volume);
    memset(r, 0, sizeof *r);
}

/* ---- writing ------------------------------------------------------------- */

static void record_hex(char out[2 * UNET_ID + 1], const uint8_t id[UNET_ID])
{
    for (int i = 0; i < UNET_ID; i++)
        snprintf(out + 2 * i, 3, "%02x", id[i]);
}

/* folder/IDENTITY.json; malloc. */
static char *record_path(const char *folder, const uint8_t id[UNET_ID])
{
    char name[2 * UNET_ID + 7] = "/";

    record_hex(name + 1, id);
    memcpy(name + 1 + 2 * UNET_ID, ".json", 6);
    return uni_vct_name(folder, name);
}

static const char *const record_rule[] = { "percentiles", "window", "full" };

static void record_put_more(nni_json_writer *w, const uni_record *r)
{
    if (r->volumes > 0)
        nni_json_put_array(w, "volumes");
    for (size_t i = 0; i < r->volumes; i++) {
        const uni_record_volume *v = &r->volume[i];

        nni_json_put_object(w, NULL);
        nni_json_put_string(w, "name", v->name);
        nni_json_put_word(w, "first", v->first);
        nni_json_put_word(w, "images", v->count);
        nni_json_put_int(w, "slice", v->slice);
        uni_geometry_put(w, "geometry", &v->geometry, &v->slicing);
        nni_json_put_end(w);
    }
    if (r->volumes > 0)
        nni_json_put_end(w);
    if (!r->asked)
        return;
    nni_json_put_object(w, "values");
    nni_json_put_string(w, "rule", record_rule[r->rule]);
    nni_json_put_double(w, "low", r->low);
    nni_json_put_double(w, "high", r->high);
    nni_json_put_end(w);
}

ckks_status uni_record_encode(uint8_t **out, size_t *size, const uni_record *r)
{
    char hex[2 * UNET_ID + 1];
    nni_json_writer w;
    ckks_status s;

    nni_json_writer_init(&w, NULL, 1);
    nni_json_put_object(&w, NULL);
    nni_json_put_string(&w, "format", record_format);
    nni_json_put_array(&w, "images");
    for (size_t i = 0; i < r->images; i++) {
        const uni_record_image *image = &r->image[i];

        record_hex(hex, image->pixels);
        nni_json_put_object(&w, NULL);
        nni_json_put_string(&w, "name", image->name != NULL ? image->name
                                                            : "");
        nni_json_put_string(&w, "pixels", hex);
        nni_json_put_end(&w);
    }
    nni_json_put_end(&w);
    record_put_more(&w, r);
    nni_json_put_end(&w);
    s = nni_json_writer_finish(&w);
    if (s == CKKS_OK) {
        *out = (uint8_t *)w.data;
        *size = w.size;
        w.data = NULL;
    }
    nni_json_writer_clear(&w);
    return s;
}

ckks_status uni_record_save(const char *folder, const uint8_t id[UNET_ID],
                            const uni_record *r)
{
    char *path = record_path(folder, id);
    uint8_t *bytes = NULL;
    size_t size = 0;
    ckks_status s = path != NULL ? uni_record_encode(&bytes, &size, r)
                    : nn_fail(CKKS_EMEM, "no memory for a name");

    if (s == CKKS_OK)
        s = nn_relay(ckks_file_write(path, bytes, size, 0600), NULL);
    free(bytes);
    free(path);
    return s;
}

/* ---- reading ------------------------------------------------------------- */

static const char *record_text(const nni_json *doc,
                               const nni_json_node *object, const char *key)
{
    const nni_json_node *n = nni_json_get(doc, object, key);

    return n != NULL && n->kind == NN_JSON_STRING ? n->text : NULL;
}

static bool record_unhex(uint8_t out[UNET_ID], const char *hex)
{
    static const char digits[] = "0123456789abcdef";

    if (hex == NULL || strlen(hex) != 2 * UNET_ID
        || strspn(hex, digits) != 2 * UNET_ID)
        return false;
    for (int i = 0; i < UNET_ID; i++)
        out[i] = (uint8_t)((strchr(digits, hex[2 * i]) - digits) << 4
                           | (strchr(digits, hex[2 * i + 1]) - digits));
    return true;
}

static ckks_status record_image(uni_record *r, size_t i, const nni_json *doc,
                                const nni_json_node *node, const char *path)
{
    static const char *const known[] = { "name", "pixels", NULL };
    const char *name = record_text(doc, node, "name");

    if (name == NULL || nni_json_unknown(doc, node, known) != NULL
        || strlen(name) > 3 * UNI_RECORD_NAME || !nni_printable(name)
        || !record_unhex(r->image[i].pixels, record_text(doc, node, "pixels")))
        return nn_fail(CKKS_EFORMAT, "%s: image %zu is not a name and 16 "
                       "bytes in hex", path, i);
    return name[0] == '\0' ? CKKS_OK : uni_record_name(r, i, name);
}

static ckks_status record_volume(uni_record *r, size_t i, const nni_json *doc,
                                 const nni_json_node *node, const char *path)
{
    static const char *const known[] = { "name", "first", "images", "slice",
                                         "geometry", NULL };
    const char *name = record_text(doc, node, "name");
    uni_geometry geometry = {0};
    uni_slicing slicing = {0};
    int64_t first = 0, count = 0, slice = 0;
    ckks_status s;

    if (name == NULL || nni_json_unknown(doc, node, known) != NULL
        || strlen(name) > 3 * UNI_RECORD_NAME || !nni_printable(name)
        || !nni_json_int(&first, nni_json_get(doc, node, "first"), 0,
                         UNET_MAX_IMAGES)
        || !nni_json_int(&count, nni_json_get(doc, node, "images"), 1,
                         UNET_MAX_IMAGES)
        || !nni_json_int(&slice, nni_json_get(doc, node, "slice"), 0,
                         UNET_IMAGE_SIDE))
        return nn_fail(CKKS_EFORMAT, "%s: volume %zu is not a name, its "
                       "images, slice and geometry", path, i);
    s = uni_geometry_get(&geometry, &slicing, doc,
                         nni_json_get(doc, node, "geometry"), path);
    if (s != CKKS_OK)
        return s;
    s = uni_record_add(r, name, (size_t)first, (size_t)count, (int)slice,
                       &geometry, &slicing);
    return s == CKKS_EARG ? nn_fail(CKKS_EFORMAT, "%s: volume %zu: %s", path,
                                    i, nn_last_error()) : s;
}

static ckks_status record_values(uni_record *r, const nni_json *doc,
                                 const nni_json_node *node, const char *path)
{
    static const char *const known[] = { "rule", "low", "high", NULL };
    const char *rule = record_text(doc, node, "rule");
    const nni_json_node *low = nni_json_get(doc, node, "low");
    const nni_json_node *high = nni_json_get(doc, node, "high");

    for (int k = 0; k < 3 && rule != NULL; k++)
        if (strcmp(rule, record_rule[k]) == 0) {
            r->asked = true;
            r->rule = (nn_values)k;
        }
    if (!r->asked || nni_json_unknown(doc, node, known) != NULL || low == NULL
        || low->kind != NN_JSON_DOUBLE || high == NULL
        || high->kind != NN_JSON_DOUBLE)
        return nn_fail(CKKS_EFORMAT, "%s: values are not a rule and two "
                       "numbers", path);
    r->low = low->number;
    r->high = high->number;
    return CKKS_OK;
}

/* What a record may have besides images. */
static ckks_status record_more(uni_record *r, const nni_json *doc,
                               const char *path)
{
    const nni_json_node *list = nni_json_get(doc, doc->node, "volumes");
    const nni_json_node *values = nni_json_get(doc, doc->node, "values");
    size_t i = 0;
    ckks_status s = CKKS_OK;

    if (list != NULL && list->kind != NN_JSON_ARRAY)
        return nn_fail(CKKS_EFORMAT, "%s: volumes are no list", path);
    for (const nni_json_node *n = nni_json_first(doc, list);
         n != NULL && s == CKKS_OK; n = nni_json_next(doc, n))
        s = record_volume(r, i++, doc, n, path);
    if (s == CKKS_OK && values != NULL)
        s = record_values(r, doc, values, path);
    return s;
}

static ckks_status record_parse(uni_record *r, const nni_json *doc,
                                const char *path, size_t images)
{
    static const char *const known[] = { "format", "images", "volumes",
                                         "values", NULL };
    const char *format = record_text(doc, doc->node, "format");
    const nni_json_node *list = nni_json_get(doc, doc->node, "images");
    size_t i = 0;
    ckks_status s;

    if (format == NULL || strcmp(format, record_format) != 0 || list == NULL
        || list->kind != NN_JSON_ARRAY
        || nni_json_unknown(doc, doc->node, known) != NULL)
        return nn_fail(CKKS_EFORMAT, "%s is not a list of images of version "
                       "1", path);
    if (list->count != images)
        return nn_fail(CKKS_EFORMAT, "%s: %lu images, the request has %zu",
                       path, (unsigned long)list->count, images);
    s = uni_record_init(r, images);
    for (const nni_json_node *n = nni_json_first(doc, list);
         n != NULL && s == CKKS_OK; n = nni_json_next(doc, n))
        s = record_image(r, i++, doc, n, path);
    return s == CKKS_OK ? record_more(r, doc, path) : s;
}

ckks_status uni_record_decode(uni_record *out, const char *name,
                              const uint8_t *in, size_t size, size_t images)
{
    nni_json doc = {0};
    uni_record r = {0};
    ckks_status s = nni_json_load(&doc, name, in, size);

    if (s == CKKS_OK)
        s = record_parse(&r, &doc, name, images);
    nni_json_clear(&doc);
    if (s != CKKS_OK) {
        uni_record_clear(&r);
        return s;
    }
    uni_record_clear(out);
    *out = r;
    return CKKS_OK;
}

ckks_status uni_record_load(uni_record *out, const char *folder,
                            const uint8_t id[UNET_ID], size_t images)
{
    char *path = record_path(folder, id);
    uint8_t *data = NULL;
    size_t size = 0;
    struct stat st;
    ckks_status s = CKKS_OK;

    if (path == NULL)
        return nn_fail(CKKS_EMEM, "no memory for a name");
    if (stat(path, &st) != 0) {
        uni_record_clear(out);
    } else {
        s = nn_relay(ckks_file_read(&data, &size, path, NN_JSON_SIZE), NULL);
        if (s == CKKS_OK)
            s = uni_record_decode(out, path, data, size, images);
    }
    ckks_file_free(data, size);
    free(path);
    return s;
}
