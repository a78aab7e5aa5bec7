/* network.c -- whole networks: real images, packed and encrypted; the
 * time is that of nn_run, with everything in memory.
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "volley/demo.h"

enum { NETWORK_CALLS = 3 };

/* No further run is begun after so many seconds. */
static const double network_seconds = 60;

typedef struct bench_net {
    volley_source source;
    char *model;
    volley_images images;
    unet_job job;
    double *slots;              /* shape (inputs, slots) of the first set    */
    int inputs, outputs;
    /* for one kernel */
    nn_pages *pool;
    ckks_ctx *ctx;
    ckks_sk *sk;
    ckks_keys *keys;
    nn_weights *weights;
    ckks_ct *ct;                /* inputs as encrypted, inputs of a run, out */
} bench_net;

/* ---- images ------------------------------------------------------------- */

/* An image continued by reflection, or cut, to the one size a plan takes. */
static int network_fit(volley_images *images, size_t i, const nn_plan *p)
{
    const int h = p->core_height, w = p->core_width;
    uni_image *im = &images->image[i];
    double *out = calloc((size_t)im->channels * (size_t)h * (size_t)w,
                         sizeof *out);
    size_t k = 0;

    if (out == NULL)
        return volley_fail("no memory for an image of %dx%d", h, w);
    for (int c = 0; c < im->channels; c++)
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                out[k++] = im->pixel[((size_t)c * (size_t)im->height
                                      + (size_t)unet_reflect(y, im->height))
                                         * (size_t)im->width
                                     + (size_t)unet_reflect(x, im->width)];
    free(im->pixel);
    im->pixel = out;
    im->height = h;
    im->width = w;
    images->size[i] = (unet_size){ h, w };
    images->pixel[i] = out;
    return VOLLEY_DONE;
}

static int network_load_images(bench_net *n, const char *folder)
{
    const nn_plan *p = &n->source.plan;
    demo *d = calloc(1, sizeof *d);
    int code;

    if (d == NULL)
        return volley_fail("no memory");
    d->data = volley_sibling(folder, "", NULL);
    code = d->data != NULL ? demo_list(d) : volley_fail("no memory");
    if (code == VOLLEY_DONE)
        code = demo_load(&n->images, d, "image", p->channels);
    for (int i = 0; i < d->count; i++)
        free(d->name[i]);
    free(d->data);
    free(d);
    for (size_t i = 0; i < n->images.count && code == VOLLEY_DONE
                       && p->border != NN_HALO; i++)
        code = network_fit(&n->images, i, p);
    return code;
}

/* Model, images, and the packed slots of the first set. */
static int network_open(bench_net *n, const volley_args *a)
{
    char *root = demo_root(), *data = NULL;
    const nn_plan *p = &n->source.plan;
    int code = VOLLEY_DONE;

    if (root != NULL) {
        n->model = a->value[OPT_MODEL] != NULL
                   ? volley_sibling(a->value[OPT_MODEL], "", NULL)
                   : volley_join(root, "unet/models/gm.safetensors");
        data = a->value[OPT_DATA] != NULL
               ? volley_sibling(a->value[OPT_DATA], "", NULL)
               : volley_join(root, "examples/data");
    }
    if (n->model == NULL || data == NULL)
        code = volley_fail("no memory for names");
    if (code == VOLLEY_DONE)
        code = volley_source_load(&n->source, n->model, true, NULL, NULL);
    if (code == VOLLEY_DONE)
        code = network_load_images(n, data);
    if (code == VOLLEY_DONE)
        code = volley_check(unet_job_init(&n->job, p, n->images.size,
                                          n->images.count));
    if (code == VOLLEY_DONE) {
        const unet_pixels pixels = unet_pixels_array(n->images.pixel);

        n->inputs = nn_plan_inputs(p);
        n->outputs = nn_plan_outputs(p);
        n->slots = calloc((size_t)n->inputs * p->layout.slots,
                          sizeof *n->slots);
        code = n->slots == NULL
               ? volley_fail("no memory for %d x %zu slots", n->inputs,
                             p->layout.slots)
               : volley_check(unet_pack(n->slots, p, &n->job, &pixels, 0));
    }
    free(data);
    free(root);
    return code;
}

void bench_net_close(bench_net **net)
{
    bench_net *n = *net;

    if (n == NULL)
        return;
    free(n->slots);
    unet_job_clear(&n->job);
    volley_images_clear(&n->images);
    volley_source_clear(&n->source);
    free(n->model);
    free(n);
    *net = NULL;
}

int bench_net_open(bench_net **out, const volley_args *a)
{
    bench_net *n = calloc(1, sizeof *n);
    int code = n != NULL ? network_open(n, a) : volley_fail("no memory");

    if (code == VOLLEY_DONE)
        *out = n;
    else
        bench_net_close(&n);
    return code;
}

/* ---- one kernel --------------------------------------------------------- */

static ckks_status network_encrypt(bench_net *n, ckks_rng *rng)
{
    const nn_plan *p = &n->source.plan;
    const size_t slots = p->layout.slots;
    ckks_pt pt = {0};
    ckks_status s = CKKS_OK;

    for (int k = 0; k < n->inputs && s == CKKS_OK; k++) {
        s = ckks_encode(&pt, n->ctx, n->slots + (size_t)k * slots, NULL,
                        slots, p->in_level, p->in_scale);
        if (s == CKKS_OK)
            s = ckks_encrypt_sk(&n->ct[k], rng, &pt, n->sk);
    }
    ckks_pt_clear(&pt);
    return nn_relay(s, NULL);
}

static ckks_status network_keys(bench_net *n)
{
    static const uint8_t seed[CKKS_SEED_BYTES] = { 2 };
    const nn_plan *p = &n->source.plan;
    ckks_rng rng = {0};
    ckks_status s = nn_relay(ckks_rng_init(&rng, seed), NULL);

    if (s == CKKS_OK)
        s = unet_keygen(&n->sk, &n->keys, &rng, n->ctx, p);
    if (s == CKKS_OK)
        s = network_encrypt(n, &rng);
    if (s == CKKS_OK)
        s = nn_weights_init(&n->weights, &n->source.model, p);
    ckks_rng_clear(&rng);
    return s;
}

static ckks_status network_init(bench_net *n, const char *kernel)
{
    ckks_params params = n->source.plan.params;
    ckks_status s = nn_pages_init(&n->pool);

    if (s != CKKS_OK)
        return s;
    params.kernel = kernel;
    params.memory = nn_pages_memory(n->pool);
    n->ct = calloc((size_t)(2 * n->inputs + n->outputs), sizeof *n->ct);
    if (n->ct == NULL)
        return nn_fail(CKKS_EMEM, "no memory for ciphertexts");
    s = nn_relay(ckks_ctx_init(&n->ctx, &params), NULL);
    return s == CKKS_OK ? network_keys(n) : s;
}

static void network_clear(bench_net *n)
{
    for (int k = 0; k < 2 * n->inputs + n->outputs && n->ct != NULL; k++)
        ckks_ct_clear(&n->ct[k]);
    free(n->ct);
    n->ct = NULL;
    nn_weights_clear(&n->weights);
    ckks_keys_clear(&n->keys);
    ckks_sk_clear(&n->sk);
    ckks_ctx_clear(&n->ctx);
    nn_pages_clear(&n->pool);
}

/* One run, on copies of the inputs: it consumes them. */
static ckks_status network_run(double *seconds, bench_net *n)
{
    ckks_ct *in = n->ct + n->inputs, *out = in + n->inputs;
    ckks_status s = CKKS_OK;
    double start;

    for (int k = 0; k < n->inputs && s == CKKS_OK; k++)
        s = nn_relay(ckks_ct_copy(&in[k], &n->ct[k]), NULL);
    start = volley_clock();
    if (s == CKKS_OK)
        s = nn_run(out, in, &n->source.plan, n->weights, n->keys, NULL);
    *seconds = volley_clock() - start;
    for (int k = 0; k < n->inputs + n->outputs; k++)
        ckks_ct_clear(&in[k]);
    return s;
}

/* The runs are too long to warm up: the first one counts. */
static ckks_status network_time(measure_time *out, bench_net *n, bool quick)
{
    const int calls = quick ? 1 : NETWORK_CALLS;
    const double start = volley_clock();
    double took[NETWORK_CALLS];
    ckks_status s = CKKS_OK;
    int count = 0;

    while (s == CKKS_OK && count < calls
           && (count == 0 || volley_clock() - start < network_seconds)) {
        double now;
        int j = count;

        s = network_run(&now, n);
        for (; j > 0 && took[j - 1] > now; j--)
            took[j] = took[j - 1];
        took[j] = now;
        count++;
    }
    *out = (measure_time){ took[(count - 1) / 2], took[0], count, 1 };
    return s;
}

/* ---- the measurement ---------------------------------------------------- */

/* Integer products, relinearisations, and of every rotation the half of a key
 * switching that no hoisting and no common division saves.  The keys are left
 * out: part of them may stay in the cache from one use to the next. */
static bench_work network_work(const nn_plan *p)
{
    bench_work sum = { .n = (double)((size_t)1 << p->params.log_n),
                       .layers = bench_layers(p->params.log_n,
                                              p->params.ring) };

    for (int i = 0; i < p->num_steps; i++) {
        const nn_step *s = &p->step[i];
        const bench_work one = bench_switch_work(&p->params, s->level);
        const double limbs = s->level + 1;
        const double down = 2 * (limbs + ckks_params_special_at(&p->params,
                                                                s->level));
        const double up = one.ntts - down;

        sum.ntts += (double)s->relins * one.ntts
                    + (double)s->rotations * (up < down ? up : down);
        sum.terms += s->products * 2 * limbs * sum.n;
    }
    return sum;
}

static int network_report(const bench_net *n, const char *kernel,
                          const measure_time *time, const bench_rates *rates,
                          bool first, bool json)
{
    const nn_plan *p = &n->source.plan;
    const bench_result r = {
        .name = "network", .kernel = kernel, .log_n = p->params.log_n,
        .real = p->params.ring == CKKS_RING_REAL,
        .primes = p->params.num_primes, .special = p->params.num_special,
        .dnum = p->params.dnum, .threads = rates->threads,
        .log_qp = ckks_ctx_log_qp(n->ctx),
        .security_bits = ckks_ctx_security_bits(n->ctx), .time = *time,
        .has_work = true, .work = network_work(p), .rates = rates,
        .model = p->name, .tiles = unet_job_count(&n->job, p, 0)
    };

    if (first)
        bench_report_head(&r, json);
    return bench_report(&r, json);
}

int bench_net_run(bench_net *n, const char *kernel, bool first, bool quick,
                  bool json, const bench_rates *rates)
{
    measure_time time = {0};
    int code = volley_check(network_init(n, kernel));

    if (code == VOLLEY_DONE)
        code = volley_check(network_time(&time, n, quick));
    if (code == VOLLEY_DONE)
        code = network_report(n, kernel, &time, rates, first, json);
    network_clear(n);
    return code;
}
