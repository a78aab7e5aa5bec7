/* owner.c -- an owner of images who believes in a plan, and a server who made
 * it up: everything that is done with a plan that was loaded.
 *
 * Statuses do not matter here: a refusal is a good answer.  What matters is
 * that nothing is read or written where it should not be.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "volley.h"

/* What a toy may ask for: an owner has --memory. */
enum { MOST_LOG_N = 7, MOST_PRIMES = 8, MOST_KEYS = 12, MOST_NUMBERS = 1 << 16,
       MOST_SIDE = 256, IMAGES = 3 };

static bool toy(const nn_plan *p)
{
    const uint64_t in = (uint64_t)nn_plan_inputs(p);
    const uint64_t out = (uint64_t)nn_plan_outputs(p);
    const uint64_t area = (uint64_t)p->layout.height
                          * (uint64_t)p->layout.width;

    return p->params.log_n <= MOST_LOG_N
           && p->params.num_primes + p->params.num_special <= MOST_PRIMES
           && p->num_keys <= MOST_KEYS && p->core_height <= MOST_SIDE
           && p->core_width <= MOST_SIDE
           && in <= 64 && out <= 64
           && (in + out) * p->layout.slots <= MOST_NUMBERS
           && area * (uint64_t)(p->channels + p->out_channels) <= MOST_NUMBERS;
}

/* One job: images of the core's size, under halo others too. */
typedef struct owner {
    const nn_plan *p;
    ckks_ctx *ctx;
    ckks_sk *sk;
    ckks_keys *keys;
    unet_job job;
    double *pixel[IMAGES];
    char in[128], out[128], csv[128];
} owner;

static bool owner_images(owner *o)
{
    const nn_plan *p = o->p;
    unet_size size[IMAGES];

    for (int i = 0; i < IMAGES; i++)
        size[i] = (unet_size){ p->core_height, p->core_width };
    if (p->border == NN_HALO) {
        size[1] = (unet_size){ 1, 2 * p->core_width + 1 };
        size[2] = (unet_size){ p->core_height + 1, 1 };
    }
    if (unet_job_init(&o->job, p, size, IMAGES) != CKKS_OK
        || o->job.sets > 8)
        return false;
    for (int i = 0; i < IMAGES; i++) {
        size_t n = (size_t)size[i].height * (size_t)size[i].width
                   * (size_t)p->channels;

        o->pixel[i] = fuzz_room(n * sizeof(double));
        for (size_t k = 0; k < n; k++)
            o->pixel[i][k] = (double)(k * 37 % 256);
    }
    return true;
}

static ckks_status owner_encrypt(const owner *o)
{
    const unet_pixels pixels =
        unet_pixels_array((const double *const *)o->pixel);
    uint64_t bytes;

    return unet_encrypt(o->in, &bytes, fuzz_requests(), fuzz_rng(), o->p,
                        &o->job, &pixels, o->ctx, o->sk, NULL);
}

/* The server's result: not computed, but made up, as one with the owner's
 * public key or none could.  Slots count up, so that scores differ. */
static ckks_status forge(const owner *o)
{
    const nn_plan *p = o->p;
    const uint64_t count = o->job.sets * (uint64_t)nn_plan_outputs(p);
    double *z = fuzz_room(p->layout.slots * sizeof *z);
    unet_writer *w = NULL;
    ckks_pt pt = { 0 };
    ckks_ct ct = { 0 };
    uint64_t bytes;
    unet_reader *in = NULL;
    unet_info info = { 0 };
    ckks_status s = unet_reader_open(&in, o->in, p, UNET_INPUT);

    if (s == CKKS_OK) {
        unet_reader_info(&info, in);
        s = unet_writer_open(&w, o->out, p, &o->job, UNET_OUTPUT, info.request,
                             NULL);
    }
    unet_reader_close(&in);
    for (size_t j = 0; j < p->layout.slots; j++)
        z[j] = (double)j / 64;
    for (uint64_t k = 0; k < count && s == CKKS_OK; k++) {
        s = ckks_encode(&pt, o->ctx, z, NULL, p->layout.slots, p->out_level,
                        p->out_scale);
        if (s == CKKS_OK)
            s = ckks_encrypt_sk(&ct, fuzz_rng(), &pt, o->sk);
        if (s == CKKS_OK)
            s = unet_writer_put(w, &ct);
    }
    if (s == CKKS_OK)
        s = unet_writer_finish(w, &bytes);
    unet_writer_clear(&w);
    ckks_pt_clear(&pt);
    ckks_ct_clear(&ct);
    fuzz_free(z);
    return s;
}

/* The honest server, where the plan is one of its network. */
static ckks_status serve(const owner *o, const nn_model *m)
{
    nn_plan priced = *o->p;
    nn_weights *w = NULL;
    unet_done done;
    ckks_status s = nn_plan_price(&priced, m, NULL, 1);

    if (s == CKKS_OK)
        s = nn_weights_init(&w, m, &priced);
    if (s == CKKS_OK)
        s = unet_evaluate(o->out, &done, o->in, NULL, NULL, &priced, w,
                          o->ctx, o->keys, NULL);
    nn_weights_clear(&w);
    return s;
}

/* Lines, CSV and JSON of a classifier, or masks. */
static void tell(const owner *o, const unet_result *r)
{
    const nn_plan *p = o->p;
    volley_args a = { 0 };
    volley_answers x = { 0 };
    volley_names names = { 0 };
    const uni_record none = { 0 };
    double sum = 0;

    if (p->num_classes == 0) {
        for (size_t i = 0; i < r->job.images; i++) {
            const size_t n = (size_t)r->job.size[i].height
                             * (size_t)r->job.size[i].width;
            const int labels = p->num_labels > 0 ? p->num_labels : 2;
            uint8_t *mask = fuzz_room(n);

            for (size_t k = 0; k < (size_t)p->out_channels * n; k++)
                sum += r->logit[i][k] > p->threshold;
            fuzz_must(unet_mask(mask, p, r->logit[i], r->job.size[i])
                          == CKKS_OK, "a mask: %s", nn_last_error());
            for (size_t k = 0; k < n; k++)
                fuzz_must(mask[k] < labels, "label %d of %d", mask[k],
                          labels);
            fuzz_free(mask);
        }
        fuzz_must(sum >= 0, "a mask");
        return;
    }
    a.value[OPT_OUT] = o->csv;
    if (volley_names_init(&names, &none, r->job.images) == VOLLEY_DONE
        && volley_answers_init(&x, &a, p, &names) == VOLLEY_DONE) {
        (void)volley_answers_tell(&x, &a, r->logit, NULL, 0.5, true);
        a.value[OPT_JSON] = "";
        (void)volley_answers_tell(&x, &a, r->logit, NULL, 0.5, true);
    }
    volley_answers_clear(&x);
    volley_names_clear(&names);
}

/* As the owner takes it: it must answer the request; then, since a forger knows
 * that one, once more without. */
static void owner_decrypt(const owner *o)
{
    const char *path[] = { o->out };
    unet_request request = { 0 };
    unet_result r = { 0 };

    if (unet_request_load(&request, fuzz_requests(), o->out, o->p) == CKKS_OK
        && unet_decrypt(&r, &request, path, 1, o->p, o->ctx, o->sk, NULL)
               == CKKS_OK) {
        tell(o, &r);
        (void)!unet_decrypt(&r, &request, path, 1, o->p, o->ctx, o->sk, NULL);
    } else if (unet_decrypt(&r, NULL, path, 1, o->p, o->ctx, o->sk, NULL)
               == CKKS_OK) {
        tell(o, &r);
    }
    unet_result_clear(&r);
    unet_request_clear(&request);
}

static void owner_run(const owner *o, const fuzz_net *net)
{
    ckks_status s = owner_encrypt(o);

    if (s == CKKS_OK && serve(o, &net->model) == CKKS_OK)
        owner_decrypt(o);
    if (s == CKKS_OK && forge(o) == CKKS_OK)
        owner_decrypt(o);
    (void)unlink(o->in);
    (void)unlink(o->out);
    (void)unlink(o->csv);
    fuzz_forget_requests();
}

/* What an owner with little memory, who does not ask for security, takes. */
static bool accepts(const nn_plan *p)
{
    const unet_policy policy = { .insecure = 1, .memory = 64 << 20 };
    unet_cost cost;

    for (int work = 0; work < UNET_WORKS; work++)
        if (unet_accept(&cost, p, &policy, (unet_work)work) != CKKS_OK)
            return false;
    return cost.keys < policy.memory / 4;       /* all of them are held here */
}

bool fuzz_owner(const nn_plan *p, const fuzz_net *net)
{
    owner o = { .p = p };

    if (!accepts(p) || !toy(p))
        return false;
    strcpy(o.in, fuzz_place("in.vct"));
    strcpy(o.out, fuzz_place("out.vct"));
    strcpy(o.csv, fuzz_place("out.csv"));
    if (nn_plan_context(&o.ctx, p, NULL) == CKKS_OK
        && unet_keygen(&o.sk, &o.keys, fuzz_rng(), o.ctx, p) == CKKS_OK
        && owner_images(&o))
        owner_run(&o, net);
    for (int i = 0; i < IMAGES; i++)
        fuzz_free(o.pixel[i]);
    unet_job_clear(&o.job);
    ckks_keys_clear(&o.keys);
    ckks_sk_clear(&o.sk);
    ckks_ctx_clear(&o.ctx);
    return true;
}
