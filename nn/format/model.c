/* model.c -- from the bytes of a model file to a checked nn_model.
 * docs/model.md is the format; the container is in safetensors.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format/expects.h"
#include "format/loader.h"

/* ---- the network --------------------------------------------------------- */

static ckks_status model_layers(nni_loader *l, const nni_json_node *list)
{
    nn_model *m = &l->m;
    ckks_status s = CKKS_OK;

    if (list->kind != NN_JSON_ARRAY || list->count == 0
        || list->count >= NN_MAX_LAYERS)
        return nn_fail(CKKS_EFORMAT, "model: layers has %u entries, want "
                       "1..%d", (unsigned)list->count, NN_MAX_LAYERS - 1);
    m->layer = calloc((size_t)list->count + 1, sizeof *m->layer);
    if (m->layer == NULL)
        return nn_fail(CKKS_EMEM, "model: no memory for %u layers",
                       (unsigned)list->count);
    m->layer[0].op = NN_IMAGE;
    memcpy(m->layer[0].name, "image", sizeof "image");
    m->layer[0].channels = m->channels;
    m->layer[0].depth = m->depth > 0 ? m->depth : 1;
    m->layer[0].height = m->height;
    m->layer[0].width = m->width;
    m->num_layers = 1;
    s = nni_load_check_map(m, &m->layer[0]);
    for (const nni_json_node *n = nni_json_first(&l->net, list);
         n != NULL && s == CKKS_OK; n = nni_json_next(&l->net, n))
        s = nni_load_layer(l, m->num_layers++, n);
    return s;
}

static ckks_status model_border(nni_loader *l, const nni_json_node *net)
{
    static const char *const word[] = { "wrap", "halo", "zero", "valid" };
    const nni_json_node *border = nni_json_get(&l->net, net, "border");
    const nni_json_node *ring = nni_json_get(&l->net, net, "ring");
    nn_model *m = &l->m;
    const nni_json_node *first = nni_json_first(&l->net, ring);
    int found = -1;
    ckks_status s;

    for (int i = 0; i < 4; i++)
        if (border->kind == NN_JSON_STRING
            && strcmp(border->text, word[i]) == 0)
            found = i;
    if (found < 0)
        return nn_fail(CKKS_EFORMAT, "model: border is \"%s\", want wrap, "
                       "halo, zero or valid",
                       border->text != NULL ? border->text : "");
    m->border = (nn_border)found;
    if (m->border != NN_WRAP && ring == NULL)
        return CKKS_OK;
    if (m->border != NN_WRAP)
        return nn_fail(CKKS_EFORMAT, "model: a ring is given, but only border "
                       "wrap has one; border is %s", border->text);
    if (ring == NULL || ring->kind != NN_JSON_ARRAY || ring->count != 2)
        return nn_fail(CKKS_EFORMAT, "model: border wrap needs a ring of two "
                       "numbers");
    s = nni_load_int(&m->ring_y, first, "ring", "height", 1, NN_MAX_SIDE);
    if (s == CKKS_OK)
        s = nni_load_int(&m->ring_x, nni_json_next(&l->net, first), "ring",
                      "width", 1, NN_MAX_SIDE);
    if (s == CKKS_OK
        && (m->height % m->ring_y != 0 || m->width % m->ring_x != 0))
        s = nn_fail(CKKS_EFORMAT, "model: ring %d x %d does not divide the "
                    "image, %d x %d", m->ring_y, m->ring_x, m->height,
                    m->width);
    return s;
}

static ckks_status model_input(nni_loader *l, const nni_json_node *input)
{
    const char *keys[] = { "channels", "height", "width", "mul", "add", NULL,
                           NULL };
    nn_model *m = &l->m;
    const nni_json_node *depth = input->kind == NN_JSON_OBJECT
                               ? nni_json_get(&l->net, input, "depth") : NULL;
    ckks_status s;

    if (depth != NULL)
        keys[5] = "depth";
    s = nni_load_object(&l->net, input, "input", keys);
    if (s == CKKS_OK && depth != NULL)
        s = nni_load_int(&m->depth, depth, "input", "depth", 1, NN_MAX_DEPTH);
    if (s == CKKS_OK && depth != NULL && !m->blind)
        s = nn_fail(CKKS_EFORMAT, "model: input: depth is %d: a network of "
                    "three dimensions needs \"protocol\": \"blind\", encrypted "
                    "ones have two", m->depth);
    if (s == CKKS_OK)
        s = nni_load_int(&m->channels, nni_json_get(&l->net, input, "channels"),
                      "input", "channels", 1, NN_MAX_CHANNELS);
    if (s == CKKS_OK)
        s = nni_load_int(&m->height, nni_json_get(&l->net, input, "height"),
                      "input", "height", 1, NN_MAX_SIDE);
    if (s == CKKS_OK)
        s = nni_load_int(&m->width, nni_json_get(&l->net, input, "width"),
                      "input", "width", 1, NN_MAX_SIDE);
    if (s == CKKS_OK)
        s = nni_load_double(&m->mul, nni_json_get(&l->net, input, "mul"),
                         "input", "mul", -HUGE_VAL);
    if (s == CKKS_OK)
        s = nni_load_double(&m->add, nni_json_get(&l->net, input, "add"),
                         "input", "add", -HUGE_VAL);
    return s;
}

/* One entry; with labels there is a member more.  gain is what an encrypted
 * network's precision is predicted from: others may leave it out. */
static ckks_status model_range(nn_range *out, const nni_loader *l,
                               const nni_json_node *r, const char *where,
                               bool labels)
{
    const bool gain = !l->m.blind || r->kind != NN_JSON_OBJECT
                      || nni_json_get(&l->net, r, "gain") != NULL;
    const char *keys[5] = { "max", "rms" };
    size_t count = 2;
    ckks_status s;

    if (gain)
        keys[count++] = "gain";
    if (labels)
        keys[count++] = "labels";
    out->gain = 1;
    s = nni_load_object(&l->net, r, where, keys);
    if (s == CKKS_OK)
        s = nni_load_double(&out->max, nni_json_get(&l->net, r, "max"), where,
                            "max", 0);
    if (s == CKKS_OK)
        s = nni_load_double(&out->rms, nni_json_get(&l->net, r, "rms"), where,
                            "rms", 0);
    if (s == CKKS_OK && gain)
        s = nni_load_double(&out->gain, nni_json_get(&l->net, r, "gain"),
                            where, "gain", 0);
    return s;
}

static ckks_status model_ranges(nni_loader *l, const nni_json_node *ranges)
{
    const char *names[NN_MAX_LAYERS + 1];
    nn_model *m = &l->m;
    ckks_status s;

    for (int i = 0; i < m->num_layers; i++)
        names[i] = m->layer[i].name;
    names[m->num_layers] = NULL;
    s = nni_load_object(&l->net, ranges, "ranges", names);
    for (int i = 0; i < m->num_layers && s == CKKS_OK; i++) {
        const nni_json_node *r = nni_json_get(&l->net, ranges, names[i]);
        nn_range *out = &m->layer[i].range;
        const bool labels = i == m->output && m->num_labels > 0;
        char where[NN_NAME + 16];

        snprintf(where, sizeof where, "ranges of %s", names[i]);
        s = model_range(out, l, r, where, labels);
        if (s == CKKS_OK && labels)
            s = nni_load_label_ranges(l, nni_json_get(&l->net, r, "labels"),
                                      where);
    }
    return s;
}

/* Nothing is in the file in vain. */
static ckks_status model_check_used(const nni_loader *l)
{
    const nn_model *m = &l->m;

    for (int i = 0; i < m->num_layers; i++)
        if (!l->read[i] && i != m->output)
            return nn_fail(CKKS_EFORMAT, "model: layer %s (number %d of %d) is "
                           "read by no layer and is not the output",
                           m->layer[i].name, i, m->num_layers);
    for (size_t i = 0; i < l->file.count; i++)
        if (!l->file.tensor[i].used)
            return nn_fail(CKKS_EFORMAT, "model: no layer uses tensor %s",
                           l->file.tensor[i].name);
    return CKKS_OK;
}

/* For whom the file is: absent, or "blind".  What that protocol does not do is
 * refused here: rings, and in three dimensions reflection. */
static ckks_status model_protocol(nni_loader *l, const nni_json_node *node)
{
    if (node == NULL)
        return CKKS_OK;
    if (node->kind != NN_JSON_STRING || strcmp(node->text, "blind") != 0)
        return nn_fail(CKKS_EFORMAT, "model: protocol is \"%s\", want blind, "
                       "or no such key", node->kind == NN_JSON_STRING
                                         ? node->text : "(no text)");
    l->m.blind = true;
    return CKKS_OK;
}

static ckks_status model_check_border(const nn_model *m)
{
    if (m->blind && m->border == NN_WRAP)
        return nn_fail(CKKS_EFORMAT, "model: border is wrap, which comes from "
                       "the rings of encrypted networks; with \"protocol\": "
                       "\"blind\" it is zero, valid or halo");
    if (m->depth > 0 && m->border == NN_HALO)
        return nn_fail(CKKS_EFORMAT, "model: border is halo, in three "
                       "dimensions (depth %d) it is zero or valid", m->depth);
    return CKKS_OK;
}

/* net: the whole network text. */
static ckks_status model_network(nni_loader *l)
{
    static const char *const may[] = { "ring", "images", "protocol" };
    const char *keys[10] = { "name", "border", "input", "output", "layers",
                            "ranges" };
    const nni_json_node *net = l->net.node;
    ckks_status s;

    for (int i = 0, count = 6; i < 3; i++)
        if (nni_json_get(&l->net, net, may[i]) != NULL)
            keys[count++] = may[i];
    s = nni_load_object(&l->net, net, "network", keys);

    if (s == CKKS_OK)
        s = nni_load_name(l->m.name, nni_json_get(&l->net, net, "name"),
                          "name");
    if (s == CKKS_OK)
        s = model_protocol(l, nni_json_get(&l->net, net, "protocol"));
    if (s == CKKS_OK)
        s = model_input(l, nni_json_get(&l->net, net, "input"));
    if (s == CKKS_OK)
        s = nni_expects_load(&l->m.images, &l->net,
                             nni_json_get(&l->net, net, "images"), "model");
    if (s == CKKS_OK)
        s = model_border(l, net);
    if (s == CKKS_OK)
        s = model_check_border(&l->m);
    if (s == CKKS_OK)
        s = model_layers(l, nni_json_get(&l->net, net, "layers"));
    if (s == CKKS_OK)
        s = nni_load_output(l, nni_json_get(&l->net, net, "output"));
    if (s == CKKS_OK)
        s = model_ranges(l, nni_json_get(&l->net, net, "ranges"));
    if (s == CKKS_OK)
        s = model_check_used(l);
    return s;
}

static ckks_status model_metadata(nni_loader *l)
{
    static const char *const keys[] = { "format", "network", "origin", NULL };
    const nni_json_node *meta = l->file.metadata;
    const nni_json *doc = &l->file.header;
    const nni_json_node *format = nni_json_get(doc, meta, "format");
    const nni_json_node *network = nni_json_get(doc, meta, "network");
    ckks_status s = nni_load_object(doc, meta, "__metadata__", keys);

    if (s != CKKS_OK)
        return s;
    for (const nni_json_node *n = nni_json_first(doc, meta); n != NULL;
         n = nni_json_next(doc, n))
        if (n->kind != NN_JSON_STRING)
            return nn_fail(CKKS_EFORMAT, "model: __metadata__: %s is not a "
                           "text", n->key);
    if (strcmp(format->text, "volley-1") != 0)
        return nn_fail(CKKS_EFORMAT, "model: format \"%s\", want \"volley-1\"",
                       format->text);
    return nni_json_load(&l->net, "model: network",
                        (const uint8_t *)network->text, network->length);
}

ckks_status nn_model_load(nn_model *out, const uint8_t *in, size_t size)
{
    nni_loader l = {0};
    ckks_status s;

    if (out == NULL || in == NULL)
        return nn_fail(CKKS_EARG, "nn_model_load: null pointer");
    s = nni_safetensors_load(&l.file, in, size);
    if (s == CKKS_OK)
        s = model_metadata(&l);
    if (s == CKKS_OK)
        s = model_network(&l);
    if (s == CKKS_OK) {
        l.m.data = l.file.data;         /* the model keeps the tensors       */
        l.m.data_count = l.file.data_count;
        l.file.data = NULL;
        nn_model_clear(out);
        *out = l.m;
        memset(&l.m, 0, sizeof l.m);
    }
    nn_model_clear(&l.m);
    nni_json_clear(&l.net);
    nni_safetensors_clear(&l.file);
    return s;
}

void nn_model_clear(nn_model *m)
{
    if (m == NULL)
        return;
    free(m->layer);
    free(m->data);
    memset(m, 0, sizeof *m);
}
