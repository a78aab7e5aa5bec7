/* revolver_net.c -- a small network by the literal operators: what it
 * will cost, and its run.
 *
 * Read first: revolver.h, revolver_model.h.
 */
#include <math.h>
#include <stdlib.h>

#include "revolver/revolver_model.h"

/* ---- plan ------------------------------------------------------------- */

static ckks_status vr_net_shape(uni_vr *out, const uni_vr_net *net,
                                size_t slots)
{
    const uni_vr_window g = net->image;
    size_t width;

    if (net->channels < 1 || net->maps < 1 || net->hidden < 1
        || net->classes < 1 || g.height < 1 || g.width < 1
        || g.height > NN_MAX_SIDE || g.width > NN_MAX_SIDE
        || net->channels > NN_MAX_CHANNELS || net->maps > NN_MAX_CHANNELS)
        return nn_fail(CKKS_EARG, "a network of %d channels, %d x %d pixels, "
                       "%d maps, %d hidden, %d classes", net->channels,
                       g.height, g.width, net->maps, net->hidden,
                       net->classes);
    width = (size_t)g.height * (size_t)g.width;
    if (width < (size_t)net->hidden)
        width = (size_t)net->hidden;
    if (width < (size_t)net->classes)
        width = (size_t)net->classes;
    return uni_vr_init(out, slots, width, NULL);
}

static ckks_status vr_net_keys(uni_vr_keys *keys, const uni_vr *vr,
                               const uni_vr_net *net, int level,
                               bool encrypted)
{
    ckks_status s = uni_vr_need_conv(keys, vr, net->image, level, encrypted);

    if (s == CKKS_OK)
        s = uni_vr_need_square(keys, vr, level - VR_SQUARE1);
    if (s == CKKS_OK)
        s = uni_vr_need_product(keys, vr, (size_t)net->hidden,
                                 level - VR_DENSE1, encrypted);
    if (s == CKKS_OK)
        s = uni_vr_need_square(keys, vr, level - VR_SQUARE2);
    if (s == CKKS_OK)
        s = uni_vr_need_product(keys, vr, (size_t)net->classes,
                                 level - VR_DENSE2, encrypted);
    return s;
}

ckks_status uni_vr_net_plan(uni_vr_plan *out, const uni_vr_net *net,
                             size_t slots, int level, bool encrypted)
{
    static const uni_vr_cost square = { .products = 1, .relins = 1,
                                         .rescales = 1 };
    uni_vr_plan p = { .levels = UNET_VR_NET_LEVELS };
    ckks_status s;

    if (out == NULL || net == NULL)
        return nn_fail(CKKS_EARG, "uni_vr_net_plan: null pointer");
    if (level < UNET_VR_NET_LEVELS)
        return nn_fail(CKKS_ELEVEL, "uni_vr_net_plan: inputs of level %d, "
                       "the network takes %d", level, UNET_VR_NET_LEVELS);
    s = vr_net_shape(&p.shape, net, slots);
    if (s == CKKS_OK)
        s = vr_net_keys(&p.keys, &p.shape, net, level, encrypted);
    if (s != CKKS_OK)
        return s;
    uni_vri_cost_add(&p.conv, uni_vr_conv_cost((size_t)net->channels,
                                                 net->image, encrypted),
                      net->maps);
    uni_vri_cost_add(&p.square1, square, net->maps);
    p.dense1 = uni_vr_product_cost(&p.shape, (size_t)net->maps,
                                    (size_t)net->hidden, encrypted);
    p.square2 = square;
    p.dense2 = uni_vr_product_cost(&p.shape, 1, (size_t)net->classes,
                                    encrypted);
    uni_vri_cost_add(&p.total, p.conv, 1);
    uni_vri_cost_add(&p.total, p.square1, 1);
    uni_vri_cost_add(&p.total, p.dense1, 1);
    uni_vri_cost_add(&p.total, p.square2, 1);
    uni_vri_cost_add(&p.total, p.dense2, 1);
    *out = p;
    return CKKS_OK;
}

/* ---- run -------------------------------------------------------------- */

static ckks_status vr_check_run(const uni_vr *vr, const ckks_ct *in,
                                const uni_vr_model *m)
{
    static const char where[] = "uni_vr_model_run";
    uni_vr_keys keys = { 0 };
    const bool encrypted = m->span[0].slots == NULL;
    ckks_status s = uni_vri_check(vr, in, (size_t)m->net.channels,
                                   UNET_VR_NET_LEVELS, where);

    if (s == CKKS_OK && (vr->rows != m->shape.rows
                         || vr->columns != m->shape.columns))
        s = nn_fail(CKKS_EARG, "%s: a matrix of %zu x %zu, the model's is "
                    "%zu x %zu", where, vr->rows, vr->columns, m->shape.rows,
                    m->shape.columns);
    for (int c = 0; s == CKKS_OK && c < m->net.channels; c++)
        if (in[c].level != m->level)
            s = nn_fail(CKKS_ELEVEL, "%s: inputs of level %d, the model was "
                        "made for %d", where, in[c].level, m->level);
        else if (!(fabs(in[c].scale / m->scale - 1) < 0x1p-32))
            s = nn_fail(CKKS_ESCALE, "%s: input %d has scale 2^%.9f, the "
                        "model was made for 2^%.9f", where, c,
                        log2(in[c].scale), log2(m->scale));
    if (s == CKKS_OK)
        s = vr_net_keys(&keys, vr, &m->net, m->level, encrypted);
    if (s == CKKS_OK)
        s = uni_vri_check_keys(vr, &keys, where);
    return s;
}

ckks_status uni_vr_model_run(ckks_ct *out, uni_vr *vr, const ckks_ct *in,
                              const uni_vr_model *m)
{
    size_t maps, per_map;
    ckks_ct *map, x = { 0 };
    ckks_status s;

    if (out == NULL || vr == NULL || in == NULL || m == NULL)
        return nn_fail(CKKS_EARG, "uni_vr_model_run: null pointer");
    s = vr_check_run(vr, in, m);
    if (s != CKKS_OK)
        return s;
    maps = (size_t)m->net.maps;
    per_map = m->spans / maps;
    map = calloc(maps, sizeof *map);
    if (map == NULL)
        return nn_fail(CKKS_EMEM, "uni_vr_model_run: no memory for %zu maps",
                       maps);
    for (size_t o = 0; o < maps && s == CKKS_OK; o++) {
        s = uni_vr_conv(&map[o], vr, in, (size_t)m->net.channels,
                         m->span + o * per_map, &m->bias[o], m->net.image);
        if (s == CKKS_OK)
            s = uni_vr_square(&map[o], vr, &map[o]);
    }
    if (s == CKKS_OK)
        s = uni_vr_product(&x, vr, map, maps, m->first,
                            (size_t)m->net.hidden);
    if (s == CKKS_OK)
        s = uni_vri_plus(&x, &m->bias[maps]);
    if (s == CKKS_OK)
        s = uni_vr_square(&x, vr, &x);
    if (s == CKKS_OK)
        s = uni_vr_product(&x, vr, &x, 1, m->second, (size_t)m->net.classes);
    if (s == CKKS_OK)
        s = uni_vri_plus(&x, &m->bias[maps + 1]);
    if (s == CKKS_OK)
        ckks_ct_swap(out, &x);
    for (size_t o = 0; o < maps; o++)
        ckks_ct_clear(&map[o]);
    free(map);
    ckks_ct_clear(&x);
    return s;
}
