/* revolver_model.c -- the weights of a network, packed for the literal
 * operators.
 *
 * Read first: revolver.h, revolver_model.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "revolver/revolver_model.h"

/* Where the weights go, and what they are packed with. */
typedef struct vr_packer {
    uni_vr_model *m;
    const uni_vr_net *net;
    const ckks_ctx *ctx;
    ckks_rng *rng;
    const ckks_pk *pk;
    double *slots;              /* (slots)                                   */
    double *rows;               /* (hidden, height width)                    */
} vr_packer;

static ckks_status vr_put(uni_vr_weight *w, const vr_packer *p, int below,
                          double scale)
{
    return uni_vr_weight_init(w, p->ctx, p->slots, p->m->level - below, scale,
                               p->rng, p->pk);
}

static ckks_status vr_put_spans(const vr_packer *p)
{
    const uni_vr_window g = p->net->image;
    const size_t k = (size_t)g.kernel, channels = (size_t)p->net->channels;
    uni_vr_weight *w = p->m->span;
    ckks_status s = CKKS_OK;

    for (size_t i = 0; i < p->m->spans && s == CKKS_OK; i++) {
        const size_t c = i % channels, uv = i / channels % (k * k);
        const size_t o = i / channels / (k * k);

        s = uni_vr_span(p->slots, &p->m->shape, g,
                         p->net->conv + (o * channels + c) * k * k,
                         (int)(uv / k), (int)(uv % k));
        if (s == CKKS_OK)
            s = vr_put(&w[i], p, 0, 0);
    }
    return s;
}

/* The weights of map c, put where the maps have their pixels. */
static void vr_place_map(const vr_packer *p, size_t c)
{
    const uni_vr_window g = p->net->image;
    const size_t rows = (size_t)(g.height - g.kernel + 1);
    const size_t columns = (size_t)(g.width - g.kernel + 1);
    const size_t maps = (size_t)p->net->maps;
    const size_t area = (size_t)g.height * (size_t)g.width;

    memset(p->rows, 0, (size_t)p->net->hidden * area * sizeof *p->rows);
    for (size_t j = 0; j < (size_t)p->net->hidden; j++)
        for (size_t y = 0; y < rows; y++)
            memcpy(p->rows + j * area + y * (size_t)g.width,
                   p->net->dense1 + ((j * maps + c) * rows + y) * columns,
                   columns * sizeof *p->rows);
}

static ckks_status vr_put_dense(const vr_packer *p)
{
    const uni_vr_window g = p->net->image;
    const size_t maps = (size_t)p->net->maps;
    const size_t hidden = (size_t)p->net->hidden;
    const size_t area = (size_t)g.height * (size_t)g.width;
    ckks_status s = CKKS_OK;

    for (size_t c = 0; c < maps; c++) {
        vr_place_map(p, c);
        for (size_t team = 0; team < p->m->firsts / maps && s == CKKS_OK;
             team++) {
            s = uni_vr_pack_team(p->slots, &p->m->shape, p->rows, hidden,
                                  area, team);
            if (s == CKKS_OK)
                s = vr_put(&p->m->first[team * maps + c], p, VR_DENSE1, 0);
        }
    }
    for (size_t team = 0; team < p->m->seconds && s == CKKS_OK; team++) {
        s = uni_vr_pack_team(p->slots, &p->m->shape, p->net->dense2,
                              (size_t)p->net->classes, hidden, team);
        if (s == CKKS_OK)
            s = vr_put(&p->m->second[team], p, VR_DENSE2, 0);
    }
    return s;
}

/* The first numbers of every row. */
static void vr_fill(const vr_packer *p, const double *x, int count)
{
    const uni_vr *vr = &p->m->shape;

    for (size_t i = 0; i < vr->rows; i++)
        for (size_t j = 0; j < vr->columns; j++)
            p->slots[i * vr->columns + j] = j < (size_t)count ? x[j] : 0;
}

static double vr_squared(const vr_packer *p, double scale, int below)
{
    return scale * scale
           / (double)ckks_ctx_prime(p->ctx, p->m->level - below);
}

static ckks_status vr_put_biases(const vr_packer *p)
{
    const uni_vr_window g = p->net->image;
    const uni_vr *vr = &p->m->shape;
    const double scale1 = vr_squared(p, p->m->scale, VR_SQUARE1);
    const double scale2 = vr_squared(p, scale1, VR_SQUARE2);
    uni_vr_weight *w = p->m->bias;
    ckks_status s = CKKS_OK;

    for (int o = 0; o < p->net->maps && s == CKKS_OK; o++) {
        for (size_t j = 0; j < vr->rows * vr->columns; j++) {
            const size_t at = j % vr->columns, width = (size_t)g.width;

            p->slots[j] = at / width <= (size_t)(g.height - g.kernel)
                          && at % width <= (size_t)(g.width - g.kernel)
                              ? p->net->conv_bias[o] : 0;
        }
        s = vr_put(w++, p, VR_SQUARE1, p->m->scale);
    }
    if (s == CKKS_OK) {
        vr_fill(p, p->net->dense1_bias, p->net->hidden);
        s = vr_put(w++, p, VR_SQUARE2, scale1);
    }
    if (s == CKKS_OK) {
        vr_fill(p, p->net->dense2_bias, p->net->classes);
        s = vr_put(w, p, VR_END, scale2);
    }
    return s;
}

static ckks_status vr_model_room(uni_vr_model *m, const uni_vr_net *net)
{
    const size_t k = (size_t)net->image.kernel, maps = (size_t)net->maps;

    m->spans = maps * k * k * (size_t)net->channels;
    m->firsts = uni_vr_teams(&m->shape, (size_t)net->hidden) * maps;
    m->seconds = uni_vr_teams(&m->shape, (size_t)net->classes);
    m->span = calloc(m->spans, sizeof *m->span);
    m->first = calloc(m->firsts, sizeof *m->first);
    m->second = calloc(m->seconds, sizeof *m->second);
    m->bias = calloc(maps + 2, sizeof *m->bias);
    if (m->span == NULL || m->first == NULL || m->second == NULL
        || m->bias == NULL)
        return nn_fail(CKKS_EMEM, "uni_vr_model_init: no memory for %zu "
                       "factors", m->spans + m->firsts + m->seconds);
    m->net = (uni_vr_net){ .channels = net->channels, .image = net->image,
                            .maps = net->maps, .hidden = net->hidden,
                            .classes = net->classes };
    return CKKS_OK;
}

static ckks_status vr_model_fill(vr_packer *p)
{
    const uni_vr_window g = p->net->image;
    ckks_status s = CKKS_OK;

    p->slots = uni_vri_slots(&p->m->shape, "uni_vr_model_init");
    p->rows = malloc((size_t)p->net->hidden * (size_t)g.height
                     * (size_t)g.width * sizeof *p->rows);
    if (p->slots == NULL || p->rows == NULL)
        s = nn_fail(CKKS_EMEM, "uni_vr_model_init: no memory for %d rows",
                    p->net->hidden);
    if (s == CKKS_OK)
        s = vr_put_spans(p);
    if (s == CKKS_OK)
        s = vr_put_dense(p);
    if (s == CKKS_OK)
        s = vr_put_biases(p);
    free(p->slots);
    free(p->rows);
    return s;
}

ckks_status uni_vr_model_init(uni_vr_model **out, const uni_vr_net *net,
                               const ckks_ctx *ctx, int level, double scale,
                               ckks_rng *rng, const ckks_pk *pk)
{
    uni_vr_plan plan;
    uni_vr_model *m;
    vr_packer p = { NULL, net, ctx, rng, pk, NULL, NULL };
    ckks_status s;

    if (out == NULL || net == NULL || ctx == NULL || net->conv == NULL
        || net->conv_bias == NULL || net->dense1 == NULL
        || net->dense1_bias == NULL || net->dense2 == NULL
        || net->dense2_bias == NULL)
        return nn_fail(CKKS_EARG, "uni_vr_model_init: null pointer");
    if (level > ckks_ctx_top_level(ctx) || !isfinite(scale) || scale < 1)
        return nn_fail(level > ckks_ctx_top_level(ctx) ? CKKS_ELEVEL
                                                       : CKKS_ESCALE,
                       "uni_vr_model_init: inputs of level %d (of %d), scale "
                       "%g", level, ckks_ctx_top_level(ctx), scale);
    s = uni_vr_net_plan(&plan, net, ckks_ctx_slots(ctx), level, pk != NULL);
    if (s != CKKS_OK)
        return s;
    m = calloc(1, sizeof *m);
    if (m == NULL)
        return nn_fail(CKKS_EMEM, "uni_vr_model_init: no memory");
    p.m = m;
    m->shape = plan.shape;
    m->level = level;
    m->scale = scale;
    s = vr_model_room(m, net);
    if (s == CKKS_OK)
        s = vr_model_fill(&p);
    if (s == CKKS_OK) {
        uni_vr_model_clear(out);
        *out = m;
    } else {
        uni_vr_model_clear(&m);
    }
    return s;
}

static void vr_weights_clear(uni_vr_weight *w, size_t count)
{
    for (size_t i = 0; w != NULL && i < count; i++)
        uni_vr_weight_clear(&w[i]);
    free(w);
}

void uni_vr_model_clear(uni_vr_model **m)
{
    if (m == NULL || *m == NULL)
        return;
    vr_weights_clear((*m)->span, (*m)->spans);
    vr_weights_clear((*m)->first, (*m)->firsts);
    vr_weights_clear((*m)->second, (*m)->seconds);
    vr_weights_clear((*m)->bias, (size_t)(*m)->net.maps + 2);
    free(*m);
    *m = NULL;
}

