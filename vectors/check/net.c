/* net.c -- layers, index maps, a tiny network in the clear. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "nn.h"
#include "unet.h"

typedef struct vec_net {
    nn_model model;
    nn_weights *weights;
} vec_net;

void vec_net_clear(vec_case *c)
{
    if (c->net == NULL)
        return;
    nn_weights_clear(&c->net->weights);
    nn_model_clear(&c->net->model);
    c->net = NULL;
}

/* Sizes of these tests are small numbers. */
static int net_int(vec_case *c, const char *key)
{
    return vec_range(c, c->input, key, 0, 64);
}

static void net_layout(vec_case *c)
{
    nn_layout l = { .ring_y = net_int(c, "ringY"),
                    .ring_x = net_int(c, "ringX"),
                    .grid_y = net_int(c, "gridY"),
                    .grid_x = net_int(c, "gridX"),
                    .batch = net_int(c, "batch") };
    const int pool = vec_range(c, c->input, "pool", 0, 6);
    int64_t *phase, *slot;
    size_t count, k = 0;

    if (l.ring_y >> pool == 0 || l.ring_x >> pool == 0)
        vec_fail(c, "a ring without pixels");
    if (c->failed)
        return;
    l.height = l.ring_y * l.grid_y;
    l.width = l.ring_x * l.grid_x;
    count = (size_t)(l.batch * (l.height >> pool) * (l.width >> pool));
    phase = vec_alloc(c, 2 * count * sizeof *phase);
    slot = phase + count;
    if (c->failed)
        return;
    for (int b = 0; b < l.batch; b++)
        for (int y = 0; y < l.height >> pool; y++)
            for (int x = 0; x < l.width >> pool; x++, k++) {
                phase[k] = nn_layout_phase(&l, 1 << pool, y, x);
                slot[k] = (int64_t)nn_layout_slot(&l, 1 << pool, b, y, x);
            }
    vec_check_ints(c, "phase", phase, count);
    vec_check_ints(c, "slot", slot, count);
}

static void net_reflect(vec_case *c)
{
    const int n = net_int(c, "n");
    const int from = vec_range(c, c->input, "from", -100, 100);
    int64_t out[27];

    for (int i = 0; i < 27; i++)
        out[i] = unet_reflect(from + i, n);
    vec_check_ints(c, "index", out, 27);
}

enum { NET_IMAGES = 8, NET_SIDE = 64 };

/* The tile `cut` of the first image, whose pixels are 100 y + x. */
static void net_cut(vec_case *c, const nn_plan *p, const unet_job *job)
{
    const unet_size size = job->size[0];
    unet_tile where = unet_job_tile(job, p, (size_t)net_int(c, "cut"));
    size_t area = (size_t)p->layout.height * (size_t)p->layout.width;
    double *pixel = vec_alloc(c, (size_t)(size.height * size.width)
                                     * sizeof *pixel);
    double *tile = vec_alloc(c, area * sizeof *tile);

    if (c->failed || where.image != 0)
        return;
    for (int y = 0; y < size.height; y++)
        for (int x = 0; x < size.width; x++)
            pixel[y * size.width + x] = 100 * y + x;
    unet_tile_cut(tile, p, pixel, size, where);
    vec_check_doubles(c, "tile", tile, area);
}

static void net_tiles(vec_case *c)
{
    nn_plan *p = vec_alloc(c, sizeof *p);
    unet_size size[NET_IMAGES];
    unet_job job = {0};
    size_t count;
    int64_t *sides = vec_ints(c, vec_input(c, "sizes"), &count), *where;
    int64_t sets;

    if (p == NULL || count / 2 > NET_IMAGES || c->failed)
        return;
    p->border = NN_HALO;
    p->core_height = net_int(c, "coreHeight");
    p->core_width = net_int(c, "coreWidth");
    p->halo = net_int(c, "halo");
    p->channels = 1;
    p->layout.height = p->core_height + 2 * p->halo;
    p->layout.width = p->core_width + 2 * p->halo;
    p->layout.batch = net_int(c, "batch");
    for (size_t i = 0; i < count / 2; i++)
        size[i] = (unet_size){ (int)sides[2 * i], (int)sides[2 * i + 1] };
    if (c->failed || !vec_ok(c, unet_job_init(&job, p, size, count / 2)))
        return;
    where = vec_alloc(c, 3 * job.tiles * sizeof *where);
    for (size_t t = 0; t < job.tiles && where != NULL; t++) {
        unet_tile at = unet_job_tile(&job, p, t);

        where[3 * t] = (int64_t)at.image;
        where[3 * t + 1] = at.y;
        where[3 * t + 2] = at.x;
    }
    vec_check_ints(c, "where", where, 3 * job.tiles);
    sets = (int64_t)job.sets;
    vec_check_ints(c, "sets", &sets, 1);
    net_cut(c, p, &job);
    unet_job_clear(&job);
}

/* ---- networks ----------------------------------------------------------- */

/* A call of libnn or libunet: its message is another. */
static bool net_ok(vec_case *c, ckks_status s)
{
    if (s != CKKS_OK)
        vec_fail(c, "a call was refused: %s: %s", ckks_status_name(s),
                 nn_last_error());
    return !c->failed;
}

/* Of a tile's logits those of the image, row by row, to the front. */
static void net_crop(double *logit, const nn_plan *p, const nn_layer *last)
{
    const int gap = p->out_gap;
    const int row = gap > 0 ? (p->layout.width + gap - 1) / gap : 1;

    for (int y = 0; y < last->height; y++)
        for (int x = 0; x < last->width; x++)
            logit[y * last->width + x] = logit[y * row + x];
}

/* The plan's integers on the slots of one packed image. */
static void net_twin(vec_case *c, const double *pixel, unet_size size)
{
    const nn_layer *last = &c->net->model.layer[c->net->model.output];
    const size_t count = (size_t)last->height * (size_t)last->width;
    nn_plan *p = vec_alloc(c, sizeof *p);
    const nn_aim aim = { .security = CKKS_INSECURE,
                         .log_n = net_int(c, "logN"), .max_batch = 1,
                         .slots = vec_real(c)
                                      ? NN_SLOTS_REAL : NN_SLOTS_ANY };
    double *tile, *in, *out, *logit;
    size_t area;

    if (c->failed || !net_ok(c, nn_plan_make(p, &c->net->model, &aim))
        || !net_ok(c, nn_weights_init(&c->net->weights, &c->net->model, p)))
        return;
    in = vec_alloc(c, (size_t)nn_plan_inputs(p) * p->layout.slots
                          * sizeof *in);
    out = vec_alloc(c, (size_t)nn_plan_outputs(p) * p->layout.slots
                           * sizeof *out);
    area = (size_t)p->layout.height * (size_t)p->layout.width;
    tile = vec_alloc(c, area * sizeof *tile);
    logit = vec_alloc(c, area * sizeof *logit);
    if (c->failed)
        return;
    unet_tile_cut(tile, p, pixel, size, (unet_tile){ 0, 0, 0 });
    nn_pack(in, p, &(const double *){ tile }, 1);
    if (!net_ok(c, nn_clear(out, in, p, c->net->weights, NULL)))
        return;
    if (!net_ok(c, nn_unpack(logit, area, p, out, 0)))
        return;
    net_crop(logit, p, last);
    vec_check_doubles(c, "twin", logit, count);
}

static void net_model(vec_case *c)
{
    const int height = net_int(c, "height"), width = net_int(c, "width");
    size_t size, count;
    const uint8_t *file = vec_bytes(c, vec_input(c, "model"), &size);
    double *pixel = vec_doubles(c, vec_input(c, "pixels"), &count);
    const nn_layer *last;
    double *logit;

    if (height < 1 || width < 1 || height > NET_SIDE || width > NET_SIDE
        || count != (size_t)(height * width))
        vec_fail(c, "%zu pixels of %d x %d", count, height, width);
    c->net = vec_alloc(c, sizeof *c->net);
    if (c->failed || !net_ok(c, nn_model_load(&c->net->model, file, size)))
        return;
    last = &c->net->model.layer[c->net->model.output];
    logit = vec_alloc(c, count * sizeof *logit);
    if (logit == NULL
        || !net_ok(c, nn_model_float(logit, &c->net->model, pixel, 1, height,
                                     width)))
        return;
    count = (size_t)last->height * (size_t)last->width;
    vec_check_doubles(c, "logit", logit, count);
    net_twin(c, pixel, (unet_size){ height, width });
}

const vec_operation vec_operations_net[] = {
    { "layout", net_layout },
    { "reflect", net_reflect },
    { "tiles", net_tiles },
    { "layer", net_model },
    { "network", net_model },
    { NULL, NULL }
};
