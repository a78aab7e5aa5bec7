/* window.c -- how convolutions and poolings lie on a map: their keys, and the
 * size that comes out.
 *
 * Read first: loader.h, docs/model.md.
 */
#include "format/loader.h"

/* What a layer has along z, y, x; in two dimensions z is left as it is. */
typedef struct window_axes {
    int *of[3];
} window_axes;

static window_axes window_kernel(nn_layer *y)
{
    return (window_axes){ { &y->kernel_z, &y->kernel_y, &y->kernel_x } };
}

static window_axes window_size(nn_layer *y)
{
    return (window_axes){ { &y->depth, &y->height, &y->width } };
}

static int first_axis(const nn_model *m)
{
    return m->depth > 0 ? 0 : 1;
}

/* A whole number for all axes, or a list of one for each; absent: as it is. */
static ckks_status load_axes(window_axes out, const nni_loader *l,
                             const nni_json_node *layer, const char *where,
                             const char *key, int lo, int hi)
{
    const nni_json_node *node = nni_json_get(&l->net, layer, key);
    const int first = first_axis(&l->m);
    const bool list = node != NULL && node->kind == NN_JSON_ARRAY;
    const nni_json_node *n = list ? nni_json_first(&l->net, node) : node;
    ckks_status s = CKKS_OK;

    if (list && node->count != (uint32_t)(3 - first))
        return nn_fail(CKKS_EFORMAT, "model: %s: %s is a list of %u, want a "
                       "number, or %s rows and columns", where, key,
                       (unsigned)node->count,
                       first > 0 ? "two for" : "three for depth,");
    for (int i = first; i < 3 && n != NULL && s == CKKS_OK; i++) {
        s = nni_load_int(out.of[i], n, where, key, lo, hi);
        n = list ? nni_json_next(&l->net, n) : n;
    }
    return s;
}

/* Rows from a kernel's first to its last. */
static int reach(int kernel, int dilation)
{
    return dilation * (kernel - 1) + 1;
}

/* The border's own padding: the kernel's middle on the pixel. */
static ckks_status pad_middle(nn_layer *y, const nn_model *m, const char *where)
{
    if (y->kernel_z % 2 == 0 || y->kernel_y % 2 == 0 || y->kernel_x % 2 == 0)
        return nn_fail(CKKS_EFORMAT, "model: %s: kernel is %s, want odd "
                       "sides, or \"pad\" beside it (only border valid takes "
                       "even ones as they are)", where,
                       nni_sides_of(m, y->kernel_z, y->kernel_y,
                                    y->kernel_x).text);
    y->pad_front = y->pad_back = y->dilation_z * (y->kernel_z / 2);
    y->pad_top = y->pad_bottom = y->dilation_y * (y->kernel_y / 2);
    y->pad_left = y->pad_right = y->dilation_x * (y->kernel_x / 2);
    return CKKS_OK;
}

/* `pad`, if it is there, says otherwise than the border: four numbers, in three
 * dimensions six. */
static ckks_status conv_pad(nni_loader *l, nn_layer *y,
                            const nni_json_node *layer, const char *where)
{
    const nni_json_node *node = nni_json_get(&l->net, layer, "pad");
    const nni_json_node *side = nni_json_first(&l->net, node);
    int *const pad[6] = { &y->pad_front, &y->pad_top, &y->pad_left,
                          &y->pad_back, &y->pad_bottom, &y->pad_right };
    const bool valid = l->m.border == NN_VALID, deep = l->m.depth > 0;
    ckks_status s = CKKS_OK;

    if (node == NULL)
        return valid ? CKKS_OK : pad_middle(y, &l->m, where);
    if (node->kind != NN_JSON_ARRAY || node->count != (deep ? 6 : 4))
        return nn_fail(CKKS_EFORMAT, "model: %s: pad is no list of %s", where,
                       deep ? "six numbers, for front, top, left, back, "
                              "bottom, right"
                            : "four numbers, for top, left, bottom, right");
    for (int i = 0; i < 6 && s == CKKS_OK; i++) {
        if (i % 3 == 0 && !deep)
            continue;
        s = nni_load_int(pad[i], side, where, "pad", 0,
                         NN_MAX_KERNEL * NN_MAX_KERNEL);
        side = nni_json_next(&l->net, side);
        if (s == CKKS_OK && valid && *pad[i] > 0)
            s = nn_fail(CKKS_EFORMAT, "model: %s: pad of %d, with border valid "
                        "there is none; border zero has it", where, *pad[i]);
    }
    return s;
}

/* Under wrap and halo maps have no end: strides divide them, and as many
 * pixels come out as there are strides. */
static ckks_status check_endless(const nn_layer *y, const nn_model *m, int rows,
                                 int columns, const char *where)
{
    if (m->border == NN_WRAP && y->stride > 1)
        return nn_fail(CKKS_EFORMAT, "model: %s: stride %d, with border wrap "
                       "it is 1", where, y->stride);
    if (y->height % y->stride != 0 || y->width % y->stride != 0)
        return nn_fail(CKKS_EFORMAT, "model: %s: stride %d on a map of %d x "
                       "%d", where, y->stride, y->height, y->width);
    if (rows != y->height / y->stride || columns != y->width / y->stride)
        return nn_fail(CKKS_EFORMAT, "model: %s: %d x %d come out of %d x %d "
                       "at stride %d; with border %s the pads must keep %d x "
                       "%d (border zero and valid let maps shrink)", where,
                       rows, columns, y->height, y->width, y->stride,
                       m->border == NN_WRAP ? "wrap" : "halo",
                       y->height / y->stride, y->width / y->stride);
    return CKKS_OK;
}

/* As many places as the kernel has on the padded map, as in PyTorch. */
static ckks_status conv_size(nn_layer *y, const nn_model *m, const char *where)
{
    const window_axes size = window_size(y);
    const int down[3] = { reach(y->kernel_z, y->dilation_z),
                          reach(y->kernel_y, y->dilation_y),
                          reach(y->kernel_x, y->dilation_x) };
    const int high[3] = { y->depth + y->pad_front + y->pad_back,
                          y->height + y->pad_top + y->pad_bottom,
                          y->width + y->pad_left + y->pad_right };
    int out[3];
    ckks_status s = CKKS_OK;

    for (int i = 0; i < 3; i++) {
        if (high[i] < down[i])
            return nn_fail(CKKS_EFORMAT, "model: %s: a kernel of %s pixels on "
                           "a map of %s, pads included", where,
                           nni_sides_of(m, down[0], down[1], down[2]).text,
                           nni_sides_of(m, high[0], high[1], high[2]).text);
        out[i] = (high[i] - down[i]) / y->stride + 1;
    }
    if (m->border == NN_WRAP || m->border == NN_HALO)
        s = check_endless(y, m, out[1], out[2], where);
    if (s == CKKS_OK && (out[1] > NN_MAX_SIDE || out[2] > NN_MAX_SIDE
                         || out[0] > NN_MAX_DEPTH))
        s = nn_fail(CKKS_EFORMAT, "model: %s: %s come out, at most %d a side "
                    "(of a depth %d)", where,
                    nni_sides_of(m, out[0], out[1], out[2]).text, NN_MAX_SIDE,
                    NN_MAX_DEPTH);
    for (int i = 0; i < 3 && s == CKKS_OK; i++)
        *size.of[i] = out[i];
    return s;
}

/* One distance for all axes. */
static ckks_status conv_stride(nni_loader *l, nn_layer *y,
                               const nni_json_node *layer, const char *where)
{
    int along[3] = { 1, 1, 1 };
    ckks_status s = load_axes((window_axes){ { &along[0], &along[1],
                                               &along[2] } },
                              l, layer, where, "stride", 1, NN_MAX_KERNEL);

    y->stride = along[1];
    if (s != CKKS_OK)
        return s;
    if (l->m.depth > 0 && along[0] != along[1])
        return nn_fail(CKKS_EFORMAT, "model: %s: strides %d, %d and %d: all "
                       "axes keep one distance, want equal ones", where,
                       along[0], along[1], along[2]);
    if (along[1] != along[2])
        return nn_fail(CKKS_EFORMAT, "model: %s: strides %d and %d: rows and "
                       "columns keep one distance, want equal ones", where,
                       along[1], along[2]);
    return CKKS_OK;
}

ckks_status nni_load_conv(nni_loader *l, nn_layer *y,
                          const nni_json_node *layer, const char *where)
{
    const window_axes dilation = { { &y->dilation_z, &y->dilation_y,
                                     &y->dilation_x } };
    ckks_status s;

    y->kernel_z = y->stride = y->groups = 1;
    y->dilation_z = y->dilation_y = y->dilation_x = 1;
    s = load_axes(window_kernel(y), l, layer, where, "kernel", 1,
                  NN_MAX_KERNEL);
    if (s == CKKS_OK)
        s = conv_stride(l, y, layer, where);
    if (s == CKKS_OK)
        s = load_axes(dilation, l, layer, where, "dilation", 1, NN_MAX_KERNEL);
    if (s == CKKS_OK && nni_json_get(&l->net, layer, "groups") != NULL)
        s = nni_load_int(&y->groups, nni_json_get(&l->net, layer, "groups"),
                         where, "groups", 1, NN_MAX_CHANNELS);
    if (s == CKKS_OK && y->channels % y->groups != 0)
        s = nn_fail(CKKS_EFORMAT, "model: %s: %d groups of %d channels", where,
                    y->groups, y->channels);
    if (s == CKKS_OK)
        s = conv_pad(l, y, layer, where);
    return s == CKKS_OK ? conv_size(y, &l->m, where) : s;
}

/* Under wrap the ring shrinks with the map, so it is divided, too. */
static ckks_status pool_ring(const nn_layer *y, const nn_model *m,
                             const char *where)
{
    const int ring_y = (int)((int64_t)m->ring_y * y->height / m->height);
    const int ring_x = (int)((int64_t)m->ring_x * y->width / m->width);

    if (m->border != NN_WRAP
        || (ring_y % y->kernel_y == 0 && ring_x % y->kernel_x == 0))
        return CKKS_OK;
    return nn_fail(CKKS_EFORMAT, "model: %s: pool of %d x %d on a ring of %d x "
                   "%d (of %d x %d at the image), with border wrap it must "
                   "divide it", where, y->kernel_y, y->kernel_x, ring_y, ring_x,
                   m->ring_y, m->ring_x);
}

/* Sizes that a pooling may have: equal sides, or the whole map; under wrap and
 * halo they divide the map. */
static ckks_status check_pool(const nn_layer *y, const nn_model *m,
                              const char *where)
{
    const bool ends = m->border == NN_ZERO || m->border == NN_VALID;
    const char *word = y->op == NN_MAXPOOL ? "maxpool" : "pool";
    const nni_sides pool = nni_sides_of(m, y->kernel_z, y->kernel_y,
                                        y->kernel_x);
    const nni_sides map = nni_sides_of(m, y->depth, y->height, y->width);
    const bool equal = y->kernel_y == y->kernel_x
                       && (m->depth == 0 || y->kernel_z == y->kernel_y);
    const bool whole = y->kernel_z == y->depth && y->kernel_y == y->height
                       && y->kernel_x == y->width;

    if (y->kernel_z > y->depth || y->kernel_y > y->height
        || y->kernel_x > y->width
        || (!ends && (y->height % y->kernel_y != 0
                      || y->width % y->kernel_x != 0)))
        return nn_fail(CKKS_EFORMAT, "model: %s: %s of %s on a map of %s%s",
                       where, word, pool.text, map.text, ends ? "" : ", with "
                       "border wrap and halo it must divide it");
    if (!ends && !equal)
        return nn_fail(CKKS_EFORMAT, "model: %s: %s of %s, with border wrap "
                       "and halo want equal sides", where, word, pool.text);
    if (!whole && (!equal || y->kernel_y < 2 || y->kernel_y > NN_MAX_KERNEL))
        return nn_fail(CKKS_EFORMAT, "model: %s: %s of %s, want equal sides of "
                       "2..%d, or the whole map, %s", where, word, pool.text,
                       NN_MAX_KERNEL, map.text);
    return CKKS_OK;
}

ckks_status nni_load_pool(nni_loader *l, nn_layer *y,
                          const nni_json_node *layer, const char *where)
{
    const window_axes size = window_size(y), kernel = window_kernel(y);
    ckks_status s;

    y->kernel_z = l->m.depth > 0 ? 2 : 1;
    y->kernel_y = y->kernel_x = 2;
    s = load_axes(kernel, l, layer, where, "size", 1, NN_MAX_SIDE);
    if (s == CKKS_OK)
        s = check_pool(y, &l->m, where);
    if (s == CKKS_OK)
        s = pool_ring(y, &l->m, where);
    for (int i = 0; i < 3 && s == CKKS_OK; i++)
        *size.of[i] /= *kernel.of[i];
    return s;
}
