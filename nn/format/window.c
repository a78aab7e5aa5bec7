/* window.c -- how convolutions and means lie on a map: their keys, and the size
 * that comes out.
 *
 * Read first: loader.h, docs/model.md.
 */
#include "format/loader.h"

/* A whole number for both axes, or a list of two; absent: as *out is. */
static ckks_status window_pair(int *y, int *x, const nni_loader *l,
                               const nni_json_node *layer, const char *where,
                               const char *key, int lo, int hi)
{
    const nni_json_node *node = nni_json_get(&l->net, layer, key);
    const nni_json_node *first = nni_json_first(&l->net, node);
    ckks_status s;

    if (node == NULL)
        return CKKS_OK;
    if (node->kind != NN_JSON_ARRAY) {
        s = nni_load_int(y, node, where, key, lo, hi);
        if (s == CKKS_OK)
            *x = *y;
        return s;
    }
    if (node->count != 2)
        return nn_fail(CKKS_EFORMAT, "model: %s: %s is a list of %u, want a "
                       "number, or two for rows and columns", where, key,
                       (unsigned)node->count);
    s = nni_load_int(y, first, where, key, lo, hi);
    if (s == CKKS_OK)
        s = nni_load_int(x, nni_json_next(&l->net, first), where, key, lo, hi);
    return s;
}

/* Rows from a kernel's first to its last. */
static int reach(int kernel, int dilation)
{
    return dilation * (kernel - 1) + 1;
}

/* The border's own padding: none, or the kernel's middle on the pixel; `pad`,
 * if it is there, says otherwise. */
static ckks_status conv_pad(nni_loader *l, nn_layer *y,
                            const nni_json_node *layer, const char *where)
{
    const nni_json_node *node = nni_json_get(&l->net, layer, "pad");
    const nni_json_node *side = nni_json_first(&l->net, node);
    int *const pad[4] = { &y->pad_top, &y->pad_left, &y->pad_bottom,
                          &y->pad_right };
    const bool valid = l->m.border == NN_VALID;
    ckks_status s = CKKS_OK;

    if (node == NULL && !valid
        && (y->kernel_y % 2 == 0 || y->kernel_x % 2 == 0))
        return nn_fail(CKKS_EFORMAT, "model: %s: kernel is %d x %d, want odd "
                       "sides, or \"pad\" beside it (only border valid takes "
                       "even ones as they are)", where, y->kernel_y,
                       y->kernel_x);
    if (node == NULL && !valid) {
        y->pad_top = y->pad_bottom = y->dilation_y * (y->kernel_y / 2);
        y->pad_left = y->pad_right = y->dilation_x * (y->kernel_x / 2);
    }
    if (node == NULL)
        return CKKS_OK;
    if (node->kind != NN_JSON_ARRAY || node->count != 4)
        return nn_fail(CKKS_EFORMAT, "model: %s: pad is no list of four "
                       "numbers, for top, left, bottom, right", where);
    for (int i = 0; i < 4 && s == CKKS_OK; i++) {
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
    const int down = reach(y->kernel_y, y->dilation_y);
    const int across = reach(y->kernel_x, y->dilation_x);
    const int high = y->height + y->pad_top + y->pad_bottom;
    const int wide = y->width + y->pad_left + y->pad_right;
    int rows, columns;
    ckks_status s = CKKS_OK;

    if (high < down || wide < across)
        return nn_fail(CKKS_EFORMAT, "model: %s: a kernel of %d x %d pixels on "
                       "a map of %d x %d, pads included", where, down, across,
                       high, wide);
    rows = (high - down) / y->stride + 1;
    columns = (wide - across) / y->stride + 1;
    if (m->border == NN_WRAP || m->border == NN_HALO)
        s = check_endless(y, m, rows, columns, where);
    if (s == CKKS_OK && (rows > NN_MAX_SIDE || columns > NN_MAX_SIDE))
        s = nn_fail(CKKS_EFORMAT, "model: %s: %d x %d come out, at most %d a "
                    "side", where, rows, columns, NN_MAX_SIDE);
    if (s != CKKS_OK)
        return s;
    y->height = rows;
    y->width = columns;
    return CKKS_OK;
}

ckks_status nni_load_conv(nni_loader *l, nn_layer *y,
                          const nni_json_node *layer, const char *where)
{
    int across = 1;
    ckks_status s;

    y->stride = y->dilation_y = y->dilation_x = y->groups = 1;
    s = window_pair(&y->kernel_y, &y->kernel_x, l, layer, where, "kernel", 1,
                    NN_MAX_KERNEL);
    if (s == CKKS_OK)
        s = window_pair(&y->stride, &across, l, layer, where, "stride", 1,
                        NN_MAX_KERNEL);
    if (s == CKKS_OK && across != y->stride)
        s = nn_fail(CKKS_EFORMAT, "model: %s: strides %d and %d: rows and "
                    "columns keep one distance, want equal ones", where,
                    y->stride, across);
    if (s == CKKS_OK)
        s = window_pair(&y->dilation_y, &y->dilation_x, l, layer, where,
                        "dilation", 1, NN_MAX_KERNEL);
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

ckks_status nni_load_pool(nni_loader *l, nn_layer *y,
                          const nni_json_node *layer, const char *where)
{
    const bool ends = l->m.border == NN_ZERO || l->m.border == NN_VALID;
    bool whole;
    ckks_status s;

    y->kernel_y = y->kernel_x = 2;
    s = window_pair(&y->kernel_y, &y->kernel_x, l, layer, where, "size", 1,
                    NN_MAX_SIDE);
    if (s != CKKS_OK)
        return s;
    whole = y->kernel_y == y->height && y->kernel_x == y->width;
    if (y->kernel_y > y->height || y->kernel_x > y->width
        || (!ends && (y->height % y->kernel_y != 0
                      || y->width % y->kernel_x != 0)))
        return nn_fail(CKKS_EFORMAT, "model: %s: pool of %d x %d on a map of "
                       "%d x %d%s", where, y->kernel_y, y->kernel_x, y->height,
                       y->width, ends ? "" : ", with border wrap and halo it "
                       "must divide it");
    if (!ends && y->kernel_y != y->kernel_x)
        return nn_fail(CKKS_EFORMAT, "model: %s: pool of %d x %d, with border "
                       "wrap and halo want equal sides", where, y->kernel_y,
                       y->kernel_x);
    if (!whole && (y->kernel_y != y->kernel_x || y->kernel_y < 2
                   || y->kernel_y > NN_MAX_KERNEL))
        return nn_fail(CKKS_EFORMAT, "model: %s: pool of %d x %d, want equal "
                       "sides of 2..%d, or the whole map, %d x %d", where,
                       y->kernel_y, y->kernel_x, NN_MAX_KERNEL, y->height,
                       y->width);
    s = pool_ring(y, &l->m, where);
    if (s != CKKS_OK)
        return s;
    y->height /= y->kernel_y;
    y->width /= y->kernel_x;
    return CKKS_OK;
}
