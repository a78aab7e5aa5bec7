/* model_support.c -- model files made in memory, for tests. */
#include "model_support.h"

#include <stdarg.h>

#include "format/json.h"

static void maker_print(model_maker *k, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends to the text; ' stands for ". */
static void maker_print(model_maker *k, const char *format, ...)
{
    size_t at = strlen(k->net);
    va_list ap;

    va_start(ap, format);
    vsnprintf(k->net + at, sizeof k->net - at, format, ap);
    va_end(ap);
    for (char *c = k->net + at; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
}

static void maker_tensor_add(model_maker *k, const char *layer,
                             const char *part, int rank, int a, int b, int c,
                             int d)
{
    maker_tensor *t = &k->tensor[k->tensors++];

    snprintf(t->name, sizeof t->name, "%s.%s", layer, part);
    t->rank = rank;
    t->shape[0] = a;
    t->shape[1] = b;
    t->shape[2] = c;
    t->shape[3] = d;
}

/* A kernel's weights; z 0: two dimensions. */
static void maker_kernel_add(model_maker *k, const char *layer, int a, int b,
                             int z, int y, int x)
{
    maker_tensor *t = &k->tensor[k->tensors];

    maker_tensor_add(k, layer, "weight", 4, a, b, y, x);
    if (z == 0)
        return;
    t->rank = 5;
    t->shape[2] = z;
    t->shape[3] = y;
    t->shape[4] = x;
}

static void maker_layer(model_maker *k, const char *op, const char *name,
                        const char *in)
{
    snprintf(k->name[k->names++], NN_NAME, "%s", name);
    maker_print(k, "%s{'op':'%s','name':'%s','in':['%s'",
                k->names > 2 ? ",\n" : "", op, name, in);
}

void maker_start(model_maker *k, const char *border, int ring, int channels,
                 int height, int width)
{
    snprintf(k->name[k->names++], NN_NAME, "image");
    maker_print(k, "{'name':'test','border':'%s',", border);
    if (ring > 0)
        maker_print(k, "'ring':[%d,%d],", ring, ring);
    maker_print(k, "'input':{'channels':%d,'height':%d,'width':%d,"
                "'mul':0.0078125,'add':-1.0},\n'layers':[\n", channels, height,
                width);
}

void maker_start_blind(model_maker *k, const char *border, int channels,
                       int depth, int height, int width)
{
    k->deep = depth > 0;
    snprintf(k->name[k->names++], NN_NAME, "image");
    maker_print(k, "{'name':'test','border':'%s','protocol':'blind',"
                "'input':{'channels':%d,", border, channels);
    if (depth > 0)
        maker_print(k, "'depth':%d,", depth);
    maker_print(k, "'height':%d,'width':%d,'mul':0.0078125,'add':-1.0},\n"
                "'layers':[\n", height, width);
}

void maker_conv(model_maker *k, const char *name, const char *in, int c_in,
                int c_out, int kernel)
{
    maker_strided(k, name, in, c_in, c_out, kernel, 1);
}

void maker_strided(model_maker *k, const char *name, const char *in, int c_in,
                   int c_out, int kernel, int stride)
{
    maker_layer(k, "conv", name, in);
    maker_print(k, "],'weight':'%s.weight','bias':'%s.bias','kernel':%d",
                name, name, kernel);
    if (stride > 1)
        maker_print(k, ",'stride':%d", stride);
    maker_print(k, "}");
    maker_kernel_add(k, name, c_out, c_in, k->deep ? kernel : 0, kernel,
                     kernel);
    maker_tensor_add(k, name, "bias", 1, c_out, 1, 1, 1);
}

/* Nothing, if both are 1 or 0. */
static void maker_pair(model_maker *k, const char *key, int y, int x)
{
    y = y > 0 ? y : 1;
    x = x > 0 ? x : 1;
    if (y != x)
        maker_print(k, ",'%s':[%d,%d]", key, y, x);
    else if (y > 1)
        maker_print(k, ",'%s':%d", key, y);
}

void maker_convolve(model_maker *k, const char *name, const char *in,
                    const maker_window *w)
{
    const int groups = w->groups > 0 ? w->groups : 1;

    maker_layer(k, "conv", name, in);
    maker_print(k, "],'weight':'%s.weight','bias':'%s.bias'", name, name);
    if (w->kernel_y == 1 && w->kernel_x == 1)
        maker_print(k, ",'kernel':1");
    maker_pair(k, "kernel", w->kernel_y, w->kernel_x);
    maker_pair(k, "dilation", w->dilation_y, w->dilation_x);
    maker_pair(k, "stride", w->stride, w->stride);
    maker_pair(k, "groups", groups, groups);
    if (w->padded)
        maker_print(k, ",'pad':[%d,%d,%d,%d]", w->pad[0], w->pad[1],
                    w->pad[2], w->pad[3]);
    maker_print(k, "}");
    maker_tensor_add(k, name, "weight", 4, w->c_out, w->c_in / groups,
                     w->kernel_y, w->kernel_x);
    maker_tensor_add(k, name, "bias", 1, w->c_out, 1, 1, 1);
}

/* Nothing if all are 1 or 0. */
static void maker_three(model_maker *k, const char *key, const int v[3])
{
    const int z = v[0] > 0 ? v[0] : 1, y = v[1] > 0 ? v[1] : 1;
    const int x = v[2] > 0 ? v[2] : 1;

    if (z != y || y != x)
        maker_print(k, ",'%s':[%d,%d,%d]", key, z, y, x);
    else if (z > 1)
        maker_print(k, ",'%s':%d", key, z);
}

void maker_convolve_solid(model_maker *k, const char *name, const char *in,
                          const maker_solid *w)
{
    const int groups = w->groups > 0 ? w->groups : 1, *n = w->kernel;

    maker_layer(k, "conv", name, in);
    maker_print(k, "],'weight':'%s.weight','bias':'%s.bias'", name, name);
    if (n[0] * n[1] * n[2] == 1)
        maker_print(k, ",'kernel':1");
    maker_three(k, "kernel", n);
    maker_three(k, "dilation", w->dilation);
    maker_three(k, "stride", (int[3]){ w->stride, w->stride, w->stride });
    maker_pair(k, "groups", groups, groups);
    for (int i = 0; i < 6 && w->padded; i++)
        maker_print(k, "%s%d%s", i > 0 ? "," : ",'pad':[", w->pad[i],
                    i < 5 ? "" : "]");
    maker_print(k, "}");
    maker_kernel_add(k, name, w->c_out, w->c_in / groups, n[0], n[1], n[2]);
    maker_tensor_add(k, name, "bias", 1, w->c_out, 1, 1, 1);
}

void maker_pool_solid(model_maker *k, const char *op, const char *name,
                      const char *in, int z, int y, int x)
{
    maker_layer(k, op, name, in);
    maker_print(k, "]");
    maker_three(k, "size", (int[3]){ z, y, x });
    maker_print(k, "}");
}

void maker_tconv4(model_maker *k, const char *name, const char *in, int c_in,
                  int c_out)
{
    maker_layer(k, "tconv", name, in);
    maker_print(k, "],'weight':'%s.weight','bias':'%s.bias','kernel':4}", name,
                name);
    maker_tensor_add(k, name, "weight", 4, c_in, c_out, 4, 4);
    maker_tensor_add(k, name, "bias", 1, c_out, 1, 1, 1);
}

void maker_pool(model_maker *k, const char *name, const char *in, int size_y,
                int size_x)
{
    maker_layer(k, "pool", name, in);
    maker_print(k, "]");
    maker_pair(k, "size", size_y, size_x);
    maker_print(k, "}");
}

void maker_upsample(model_maker *k, const char *name, const char *in,
                    const char *mode)
{
    maker_layer(k, "upsample", name, in);
    maker_print(k, "],'mode':'%s'}", mode);
}

void maker_tconv(model_maker *k, const char *name, const char *in, int c_in,
                 int c_out)
{
    maker_layer(k, "tconv", name, in);
    maker_print(k, "],'weight':'%s.weight','bias':'%s.bias'}", name, name);
    maker_kernel_add(k, name, c_in, c_out, k->deep ? 2 : 0, 2, 2);
    maker_tensor_add(k, name, "bias", 1, c_out, 1, 1, 1);
}

void maker_dense(model_maker *k, const char *name, const char *in, int c_in,
                 int c_out)
{
    maker_layer(k, "dense", name, in);
    maker_print(k, "],'weight':'%s.weight','bias':'%s.bias'}", name, name);
    maker_tensor_add(k, name, "weight", 2, c_out, c_in, 1, 1);
    maker_tensor_add(k, name, "bias", 1, c_out, 1, 1, 1);
}

void maker_batchnorm(model_maker *k, const char *name, const char *in, int c)
{
    static const char *const part[] = { "weight", "bias", "mean", "var" };

    maker_layer(k, "batchnorm", name, in);
    maker_print(k, "],'eps':1e-5");
    for (int i = 0; i < 4; i++) {
        maker_print(k, ",'%s':'%s.%s'", part[i], name, part[i]);
        maker_tensor_add(k, name, part[i], 1, c, 1, 1, 1);
    }
    maker_print(k, "}");
}

void maker_quadratic(model_maker *k, const char *name, const char *in, int c)
{
    static const char *const part[] = { "a", "b", "c" };

    maker_layer(k, "quadratic", name, in);
    maker_print(k, "]");
    for (int i = 0; i < 3; i++) {
        maker_print(k, ",'%s':'%s.%s'", part[i], name, part[i]);
        maker_tensor_add(k, name, part[i], 1, c, 1, 1, 1);
    }
    maker_print(k, "}");
}

void maker_plain(model_maker *k, const char *op, const char *name,
                 const char *in, const char *second)
{
    maker_layer(k, op, name, in);
    if (second != NULL)
        maker_print(k, ",'%s'", second);
    maker_print(k, "]}");
}

/* Names the stage's output <stage>b.sq. */
static void maker_stage(model_maker *k, const char *stage, const char *in,
                        int c_in, int c_out)
{
    char conv[NN_NAME - 8], square[NN_NAME];

    for (int half = 0; half < 2; half++) {
        snprintf(conv, sizeof conv, "%s%c", stage, 'a' + half);
        maker_conv(k, conv, half == 0 ? in : square, half == 0 ? c_in : c_out,
                   c_out, 3);
        snprintf(square, sizeof square, "%s.sq", conv);
        maker_plain(k, "square", square, conv, NULL);
    }
}

void maker_unet(model_maker *k, int base, int depth)
{
    char stage[16], in[32] = "image", name[32], skip[32];
    int c = 1;

    for (int d = 0; d < depth; d++) {
        snprintf(stage, sizeof stage, "enc%d", d);
        maker_stage(k, stage, in, c, base << d);
        c = base << d;
        snprintf(name, sizeof name, "enc%db.sq", d);
        snprintf(in, sizeof in, "pool%d", d);
        maker_plain(k, "pool", in, name, NULL);
    }
    maker_stage(k, "mid", in, c, base << depth);
    c = base << depth;
    snprintf(in, sizeof in, "midb.sq");
    for (int d = depth - 1; d >= 0; d--) {
        snprintf(name, sizeof name, "up%d", d);
        maker_tconv(k, name, in, c, base << d);
        snprintf(in, sizeof in, "cat%d", d);
        snprintf(skip, sizeof skip, "enc%db.sq", d);
        maker_plain(k, "concat", in, name, skip);
        snprintf(stage, sizeof stage, "dec%d", d);
        maker_stage(k, stage, in, 2 * (base << d), base << d);
        c = base << d;
        snprintf(in, sizeof in, "dec%db.sq", d);
    }
    maker_conv(k, "logit", in, c, 1, 1);
}

static size_t maker_tensor_count(const maker_tensor *t)
{
    size_t n = 1;

    for (int i = 0; i < t->rank; i++)
        n *= (size_t)t->shape[i];
    return n;
}

void maker_header(model_maker *k)
{
    nni_json_writer w;
    int64_t at = 0;

    nni_json_writer_init(&w, NULL, 0);
    nni_json_put_object(&w, NULL);
    nni_json_put_object(&w, "__metadata__");
    nni_json_put_string(&w, "format", "volley-1");
    nni_json_put_string(&w, "network", k->net);
    nni_json_put_string(&w, "origin", "a test");
    nni_json_put_end(&w);
    for (int i = 0; i < k->tensors; i++) {
        const maker_tensor *t = &k->tensor[i];

        nni_json_put_object(&w, t->name);
        nni_json_put_string(&w, "dtype", k->half ? "F16" : "F32");
        nni_json_put_array(&w, "shape");
        for (int j = 0; j < t->rank; j++)
            nni_json_put_int(&w, NULL, t->shape[j]);
        nni_json_put_end(&w);
        nni_json_put_array(&w, "data_offsets");
        nni_json_put_int(&w, NULL, at);
        at += (k->half ? 2 : 4) * (int64_t)maker_tensor_count(t);
        nni_json_put_int(&w, NULL, at);
        nni_json_put_end(&w);
        nni_json_put_end(&w);
    }
    nni_json_put_end(&w);
    if (nni_json_writer_finish(&w) == CKKS_OK)
        snprintf(k->header, sizeof k->header, "%s", w.data);
    nni_json_writer_clear(&w);
}

/* The half float next to v towards 0; |v| is 0 or 2^-14 .. 65504. */
static uint32_t maker_half(float v)
{
    uint32_t word;

    memcpy(&word, &v, 4);
    return v > 0 || v < 0
         ? (word >> 16 & 0x8000) | ((word >> 13 & 0x3ffff) - (112 << 10))
         : word >> 16;
}

static void maker_end(model_maker *k)
{
    uint64_t seed = 5;

    maker_print(k, "},\n'ranges':{");
    for (int i = 0; i < k->names; i++) {
        const bool labels = k->labels > 0
                            && strcmp(k->name[i], k->labelled) == 0;

        maker_print(k, "%s'%s':{'max':4,'rms':1.5,'gain':0.25",
                    i > 0 ? "," : "", k->name[i]);
        for (int j = 0; labels && j < k->labels; j++)
            maker_print(k, "%s{'max':%d,'margin':1.25}",
                        j > 0 ? "," : ",'labels':[", 1 + j % 4);
        maker_print(k, labels ? "]}" : "}");
    }
    maker_print(k, "}}");
    for (int i = 0; i < k->tensors; i++)
        k->data_count += maker_tensor_count(&k->tensor[i]);
    k->data = malloc((k->data_count + 1) * sizeof *k->data);
    for (size_t i = 0; k->data != NULL && i < k->data_count; i++)
        k->data[i] = (float)(test_word(&seed) % 2001) / 2000 - 0.5f;
    for (int i = 0; i < k->tensors; i++) {
        float *v = strstr(k->tensor[i].name, ".var") != NULL
                 ? maker_find(k, k->tensor[i].name) : NULL;

        for (int j = 0; v != NULL && j < k->tensor[i].shape[0]; j++)
            v[j] += 1;
    }
    maker_header(k);
}

void maker_finish(model_maker *k, const char *output)
{
    maker_print(k, "],\n'output':{'tensor':'%s','threshold':0.5,"
                "'foreground':'cell'", output);
    maker_end(k);
}

void maker_classes(model_maker *k, const char *output, int channels)
{
    maker_print(k, "],\n'output':{'tensor':'%s','classes':[", output);
    for (int i = 0; i < channels || i < 2; i++)
        maker_print(k, "%s'%d'", i > 0 ? "," : "", i);
    maker_print(k, "]%s", channels == 1 ? ",'threshold':0.5" : "");
    maker_end(k);
}

int maker_channels(const model_maker *k, const char *name)
{
    char bias[NN_NAME + 8];

    snprintf(bias, sizeof bias, "%s.bias", name);
    for (int i = 0; i < k->tensors; i++)
        if (strcmp(k->tensor[i].name, bias) == 0)
            return k->tensor[i].shape[0];
    return 1;
}

void maker_labels(model_maker *k, const char *output, int channels)
{
    snprintf(k->labelled, NN_NAME, "%s", output);
    k->labels = channels;
    maker_print(k, "],\n'output':{'tensor':'%s','labels':[", output);
    for (int i = 0; i < channels; i++)
        maker_print(k, "%s'part %d'", i > 0 ? "," : "", i);
    maker_print(k, "]");
    maker_end(k);
}

uint8_t *maker_bytes(size_t *size, const model_maker *k)
{
    size_t header = strlen(k->header);
    const size_t each = k->half ? 2 : 4;
    uint8_t *out = malloc(8 + header + each * k->data_count);

    *size = 8 + header + each * k->data_count;
    if (out == NULL)
        return NULL;
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)((uint64_t)header >> (8 * i));
    memcpy(out + 8, k->header, header);
    for (size_t i = 0; i < k->data_count; i++) {
        uint32_t word;

        memcpy(&word, &k->data[i], 4);
        if (k->half)
            word = maker_half(k->data[i]);
        for (size_t j = 0; j < each; j++)
            out[8 + header + each * i + j] = (uint8_t)(word >> (8 * j));
    }
    return out;
}

float *maker_find(model_maker *k, const char *name)
{
    size_t at = 0;

    for (int i = 0; i < k->tensors; i++) {
        if (strcmp(k->tensor[i].name, name) == 0)
            return k->data == NULL ? NULL : k->data + at;
        at += maker_tensor_count(&k->tensor[i]);
    }
    return NULL;
}

void maker_clear(model_maker *k)
{
    free(k->data);
    memset(k, 0, sizeof *k);
}

bool text_replace(char *text, size_t size, const char *from, const char *to)
{
    char *place = strstr(text, from);
    size_t a = strlen(from), b = strlen(to);

    if (place == NULL || strlen(text) - a + b >= size)
        return false;
    memmove(place + b, place + a, strlen(place + a) + 1);
    memcpy(place, to, b);
    return true;
}

ckks_status model_made(nn_model *m, const model_maker *k)
{
    size_t size;
    uint8_t *bytes = maker_bytes(&size, k);
    ckks_status s = nn_model_load(m, bytes, size);

    free(bytes);
    return s;
}
