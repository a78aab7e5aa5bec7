/* info.c -- what a file is. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "volley.h"

/* The frame of ckks' own files (docs/conventions.md). */
enum { INFO_HEAD = 40, INFO_MOST = 1 << 30 };

/* Fields of the answer, as text or JSON; printed when all of it is known. */
typedef struct info_sink {
    bool json;
    nni_json_writer w;
    FILE *text;             /* in memory; unless json                        */
} info_sink;

static void info_text(info_sink *o, const char *key, const char *value)
{
    if (o->json)
        nni_json_put_string(&o->w, key, value);
    else
        fprintf(o->text, "%-14s %s\n", key, value);
}

static void info_number(info_sink *o, const char *key, double value)
{
    if (o->json)
        nni_json_put_double(&o->w, key, value);
    else
        fprintf(o->text, "%-14s %.10g\n", key, value);
}

static void info_hex(info_sink *o, const char *key, const uint8_t in[16])
{
    char hex[33];

    volley_hex(hex, in);
    info_text(o, key, hex);
}

static void info_classes(info_sink *o, const char *key, int count,
                         const char (*name)[NN_NAME])
{
    if (count == 0)
        return;
    if (o->json)
        nni_json_put_array(&o->w, key);
    for (int c = 0; c < count; c++) {
        if (o->json)
            nni_json_put_string(&o->w, NULL, name[c]);
        else
            fprintf(o->text, "%s %-8d %s\n",
                    strcmp(key, "labels") == 0 ? "label" : "class", c,
                    name[c]);
    }
    if (o->json)
        nni_json_put_end(&o->w);
}

static const char *const OPS[] = {
    "image", "conv", "tconv", "pool", "square", "quadratic", "batchnorm",
    "concat", "dense", "add", "upsample", "relu", "maxpool"
};

/* "name        conv 5x5, stride 2        8 x 12 x 12" */
static void info_layer_text(FILE *f, const nn_layer *l, bool deep)
{
    char what[80];
    int at = snprintf(what, sizeof what, "%s", OPS[l->op]);

    if (l->kernel_y > 0 && deep)
        at += snprintf(what + at, sizeof what - (size_t)at, " %dx%dx%d",
                       l->kernel_z, l->kernel_y, l->kernel_x);
    else if (l->kernel_y > 0)
        at += snprintf(what + at, sizeof what - (size_t)at, " %dx%d",
                       l->kernel_y, l->kernel_x);
    if (l->op == NN_CONV || l->op == NN_TCONV || l->op == NN_POOL
        || l->op == NN_MAXPOOL)
        at += snprintf(what + at, sizeof what - (size_t)at, ", stride %d",
                       l->op == NN_CONV ? l->stride
                       : l->op == NN_TCONV ? 2 : l->kernel_y);
    if (deep && (l->dilation_z > 1 || l->dilation_y > 1 || l->dilation_x > 1))
        at += snprintf(what + at, sizeof what - (size_t)at,
                       ", dilation %dx%dx%d", l->dilation_z, l->dilation_y,
                       l->dilation_x);
    else if (l->dilation_y > 1 || l->dilation_x > 1)
        at += snprintf(what + at, sizeof what - (size_t)at, ", dilation %dx%d",
                       l->dilation_y, l->dilation_x);
    if (l->groups > 1)
        snprintf(what + at, sizeof what - (size_t)at, ", %d groups",
                 l->groups);
    if (l->op == NN_UPSAMPLE)
        snprintf(what + at, sizeof what - (size_t)at, " by 2, %s",
                 l->bilinear ? "bilinear" : "nearest");
    fprintf(f, "  %-12s %-22s %d x", l->name, what, l->channels);
    if (deep)
        fprintf(f, " %d x", l->depth);
    fprintf(f, " %d x %d\n", l->height, l->width);
}

static void info_layer_json(nni_json_writer *w, const nn_layer *l, bool deep)
{
    nni_json_put_object(w, NULL);
    nni_json_put_string(w, "name", l->name);
    nni_json_put_string(w, "op", OPS[l->op]);
    if (l->op == NN_CONV) {
        nni_json_put_int(w, "kernel", l->kernel_y);
        if (deep && l->kernel_z != l->kernel_y)
            nni_json_put_int(w, "kernel_z", l->kernel_z);
        if (l->kernel_x != l->kernel_y)
            nni_json_put_int(w, "kernel_x", l->kernel_x);
        nni_json_put_int(w, "stride", l->stride);
    }
    nni_json_put_int(w, "channels", l->channels);
    if (deep)
        nni_json_put_int(w, "depth", l->depth);
    nni_json_put_int(w, "height", l->height);
    nni_json_put_int(w, "width", l->width);
    nni_json_put_end(w);
}

/* Operation, size and stride of every layer: channels x height x width, in
 * three dimensions channels x depth x height x width. */
static void info_layers(info_sink *o, const nn_model *m)
{
    if (o->json)
        nni_json_put_array(&o->w, "shapes");
    for (int i = 0; i < m->num_layers; i++) {
        if (o->json)
            info_layer_json(&o->w, &m->layer[i], m->depth > 0);
        else
            info_layer_text(o->text, &m->layer[i], m->depth > 0);
    }
    if (o->json)
        nni_json_put_end(&o->w);
}

static void info_images(info_sink *o, const nn_images *images)
{
    if (!volley_images_known(images))
        return;
    if (o->json) {
        volley_put_images(&o->w, images);
    } else {
        fprintf(o->text, "%-14s ", "images");
        volley_print_images(o->text, images);
    }
}

static int info_plan(info_sink *o, const nn_plan *p)
{
    uint8_t id[16];
    unet_cost cost;

    unet_plan_cost(&cost, p);
    if (nn_plan_fingerprint(id, p) != CKKS_OK)
        return volley_fail("%s", nn_last_error());
    info_text(o, "name", p->name);
    info_hex(o, "plan", id);
    info_number(o, "tile_height", p->core_height);
    info_number(o, "tile_width", p->core_width);
    info_number(o, "batch", p->layout.batch);
    info_number(o, "inputs", nn_plan_inputs(p));
    info_number(o, "outputs", nn_plan_outputs(p));
    info_number(o, "log_n", p->params.log_n);
    info_number(o, "primes", p->params.num_primes);
    info_number(o, "log_qp", cost.log_qp);
    info_number(o, "security", cost.security);
    info_number(o, "security_bits", cost.estimate);
    info_images(o, &p->images);
    info_classes(o, "classes", p->num_classes, p->class_name);
    info_classes(o, "labels", p->num_labels, p->label_name);
    return VOLLEY_DONE;
}

static int info_model(info_sink *o, const char *path, const uint8_t *data,
                      size_t size)
{
    static const char *const border[] = { "wrap", "halo", "zero",
                                          "valid" };
    nn_model m = {0};

    if (nn_model_load(&m, data, size) != CKKS_OK)
        return volley_fail("%s: %s", path, nn_last_error());
    info_text(o, "kind", "model");
    info_text(o, "name", m.name);
    info_text(o, "border", border[m.border]);
    if (m.blind)
        info_text(o, "protocol", "blind");
    if (m.num_classes == 0 && m.num_labels == 0)
        info_text(o, "foreground", m.foreground);
    info_number(o, "channels", m.channels);
    if (m.depth > 0)
        info_number(o, "depth", m.depth);
    info_number(o, "height", m.height);
    info_number(o, "width", m.width);
    info_number(o, "layers", m.num_layers);
    info_number(o, "weights", (double)m.data_count);
    info_images(o, &m.images);
    info_classes(o, "classes", m.num_classes,
                 (const char (*)[NN_NAME])m.class_name);
    info_classes(o, "labels", m.num_labels,
                 (const char (*)[NN_NAME])m.label_name);
    info_layers(o, &m);
    nn_model_clear(&m);
    return VOLLEY_DONE;
}

/* Reads every ciphertext of the file. */
static int info_read_all(const char *path, volley_source *s, unet_kind kind,
                         uint64_t count)
{
    unet_reader *r = NULL;
    ckks_ct ct = {0};
    ckks_status status;
    int code = volley_source_context(s, NULL);

    if (code != VOLLEY_DONE)
        return code;
    status = unet_reader_open(&r, path, &s->plan, kind);
    for (uint64_t i = 0; i < count && status == CKKS_OK; i++)
        status = unet_reader_next(&ct, r, s->ctx);
    ckks_ct_clear(&ct);
    unet_reader_close(&r);
    return volley_check(status);
}

static int info_vct(info_sink *o, const char *path, volley_source *s)
{
    unet_reader *r = NULL;
    unet_info info;
    int code = volley_check(unet_reader_open(&r, path, NULL, UNET_INPUT));

    if (code != VOLLEY_DONE)
        return code;
    unet_reader_info(&info, r);
    info_text(o, "kind", info.kind == UNET_INPUT ? "encrypted inputs"
                                                 : "encrypted results");
    info_hex(o, "plan", info.plan);
    info_hex(o, "request", info.request);
    info_number(o, "images", info.images);
    info_number(o, "sets", info.sets);
    info_number(o, "first_set", (double)info.part.first + 1);
    info_number(o, "sets_here", (double)info.part.count);
    info_number(o, "ciphertexts", (double)info.part.count * info.ciphertexts);
    info_number(o, "bytes", (double)info.bytes);
    if (!o->json)
        for (uint32_t i = 0; i < info.images && i < 16; i++)
            fprintf(o->text, "image %-8lu %dx%d\n", (unsigned long)i,
                    unet_reader_job(r)->size[i].height,
                    unet_reader_job(r)->size[i].width);
    unet_reader_close(&r);
    if (s != NULL) {
        code = info_read_all(path, s, (unet_kind)info.kind,
                             (uint64_t)info.part.count * info.ciphertexts);
        if (code == VOLLEY_DONE)
            info_text(o, "checked", "whole");
    }
    return code;
}

/* The whole object by its own loader; a secret key is read and forgotten. */
static int info_load(const char *path, const uint8_t *data, size_t size,
                     volley_source *s)
{
    ckks_keys *keys = NULL;
    ckks_sk *sk = NULL;
    ckks_status status;
    int code = volley_source_context(s, NULL);

    if (code != VOLLEY_DONE)
        return code;
    if (data[5] == VOLLEY_KEYS)
        status = ckks_keys_load(&keys, s->ctx, data, size);
    else
        status = ckks_sk_load(&sk, s->ctx, data, size);
    code = volley_check_ckks(status, path);
    ckks_keys_clear(&keys);
    ckks_sk_clear(&sk);
    return code;
}

static int info_object(info_sink *o, const char *path, const uint8_t *data,
                       size_t size, volley_source *s)
{
    static const char *const kind[] = {
        "", "parameters", "plaintext", "ciphertext", "secret key",
        "public key", "evaluation keys"
    };
    uint64_t said = 0;
    int code = VOLLEY_DONE;

    if (size < INFO_HEAD || data[4] != 1 || data[5] < 1
        || data[5] > VOLLEY_KEYS)
        return volley_fail("%s: not a whole object of version 1: kind %d, "
                           "%zu bytes", path, size > 5 ? data[5] : 0, size);
    for (int i = 0; i < 8; i++)
        said |= (uint64_t)data[8 + i] << 8 * i;
    if (said != size)
        return volley_fail("%s: %zu bytes, its head says %llu", path, size,
                           (unsigned long long)said);
    info_text(o, "kind", kind[data[5]]);
    info_hex(o, "context", data + 24);
    info_text(o, "security", data[7] & 1 ? "not checked: for tests only"
                                         : "checked");
    info_number(o, "bytes", (double)size);
    if (s != NULL && (data[5] == VOLLEY_KEYS || data[5] == VOLLEY_SK)) {
        code = info_load(path, data, size, s);
        if (code == VOLLEY_DONE)
            info_text(o, "checked", "whole");
    }
    return code;
}

static int info_file(info_sink *o, const char *path, const uint8_t *data,
                     size_t size, volley_source *s)
{
    volley_source plan;
    int code;

    switch (volley_sniff(data, size)) {
    case VOLLEY_MODEL:
        return info_model(o, path, data, size);
    case VOLLEY_OBJECT:
        return info_object(o, path, data, size, s);
    case VOLLEY_PLAN:
        code = volley_source_load(&plan, path, false, NULL, NULL);
        if (code != VOLLEY_DONE)
            return code;
        info_text(o, "kind", "plan");
        code = info_plan(o, &plan.plan);
        volley_source_clear(&plan);
        return code;
    default:
        return volley_fail("%s is %s", path, size == 0 ? "empty"
                           : "not a file of volley's");
    }
}

/* Files of ciphertexts may be larger than memory; only their head is read. */
static int info_is_vct(bool *out, const char *path)
{
    uint8_t head[9] = {0};
    struct stat st;
    FILE *f;
    size_t n;

    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return volley_fail("%s is not a regular file", path);
    f = fopen(path, "rb");
    n = f != NULL ? fread(head, 1, sizeof head, f) : 0;
    if (f != NULL)
        (void)fclose(f);
    *out = volley_sniff(head, n) == VOLLEY_VCT;
    return VOLLEY_DONE;
}

static int info_collect(info_sink *o, const char *path, volley_source *s)
{
    uint8_t *data = NULL;
    size_t size = 0;
    bool vct = false;
    int code = info_is_vct(&vct, path);

    if (code == VOLLEY_DONE && !vct)
        code = volley_read(&data, &size, path, INFO_MOST);
    if (code == VOLLEY_DONE)
        code = vct ? info_vct(o, path, s)
                   : info_file(o, path, data, size, s);
    ckks_file_free(data, size);
    return code;
}

static int info_as_json(const char *path, volley_source *s)
{
    info_sink o = { true, {0}, NULL };
    int code;

    nni_json_writer_init(&o.w, NULL, 2);
    nni_json_put_object(&o.w, NULL);
    code = info_collect(&o, path, s);
    nni_json_put_end(&o.w);
    if (code == VOLLEY_DONE)
        code = volley_check(nni_json_writer_finish(&o.w));
    if (code == VOLLEY_DONE)
        fwrite(o.w.data, 1, o.w.size, stdout);
    nni_json_writer_clear(&o.w);
    return code;
}

static int info_as_text(const char *path, volley_source *s)
{
    info_sink o = { false, {0}, NULL };
    char *text = NULL;
    size_t size = 0;
    bool cut;
    int code;

    o.text = open_memstream(&text, &size);
    if (o.text == NULL)
        return volley_fail("no memory");
    code = info_collect(&o, path, s);
    cut = ferror(o.text) != 0;
    /* glibc says nothing of memory that lacks at the end, but leaves NULL */
    if ((fclose(o.text) != 0 || cut || text == NULL) && code == VOLLEY_DONE)
        code = volley_fail("no memory");
    if (code == VOLLEY_DONE)
        fwrite(text, 1, size, stdout);
    free(text);
    return code;
}

int volley_run_info(const volley_args *a)
{
    volley_source s;
    bool planned = a->value[OPT_PLAN] != NULL;
    int code = VOLLEY_DONE;

    if (planned)
        code = volley_source_load(&s, a->value[OPT_PLAN], false, NULL, NULL);
    if (code != VOLLEY_DONE)
        return code;
    if (a->value[OPT_JSON] != NULL)
        code = info_as_json(a->word[0], planned ? &s : NULL);
    else
        code = info_as_text(a->word[0], planned ? &s : NULL);
    if (planned)
        volley_source_clear(&s);
    return code;
}
