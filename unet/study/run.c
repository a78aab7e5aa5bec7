/* run.c -- one way through the whole chain, timed: keys, encryption,
 * evaluation, decryption, and the clear twin beside it.
 */
#ifdef _OPENMP
#include <omp.h>
#endif
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study.h"

typedef struct chain {
    const study *s;
    nn_plan plan;
    nn_weights *weights;
    unet_job job;               /* of the images of one set                  */
    nn_pages *pool;
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    ckks_keys *keys;
    size_t inputs, outputs;
    ckks_ct *in, *out;
    double *slots;              /* inputs, or outputs and one more           */
    double **logit;             /* shape (judged)                            */
    int *twin;                  /* shape (judged): classes                   */
} chain;

static void set_threads(int threads)
{
#ifdef _OPENMP
    omp_set_num_threads(threads);
#else
    (void)threads;
#endif
}

static void chain_clear(chain *c)
{
    for (size_t i = 0; c->in != NULL && i < c->inputs; i++)
        ckks_ct_clear(&c->in[i]);
    for (size_t i = 0; c->out != NULL && i < c->outputs; i++)
        ckks_ct_clear(&c->out[i]);
    for (size_t i = 0; c->logit != NULL && i < c->s->judged; i++)
        free(c->logit[i]);
    free(c->in);
    free(c->out);
    free(c->slots);
    free(c->logit);
    free(c->twin);
    nn_weights_clear(&c->weights);
    unet_job_clear(&c->job);
    ckks_keys_clear(&c->keys);
    ckks_sk_clear(&c->sk);
    ckks_rng_clear(&c->rng);
    ckks_ctx_clear(&c->ctx);
    nn_pages_clear(&c->pool);
}

static int chain_memory(chain *c)
{
    const nn_plan *p = &c->plan;
    size_t most;
    bool ok;

    c->inputs = (size_t)nn_plan_inputs(p);
    c->outputs = (size_t)nn_plan_outputs(p);
    most = c->inputs > c->outputs ? c->inputs : c->outputs + 1;
    c->in = calloc(c->inputs, sizeof *c->in);
    c->out = calloc(c->outputs, sizeof *c->out);
    c->slots = malloc(most * p->layout.slots * sizeof *c->slots);
    c->logit = calloc(c->s->judged, sizeof *c->logit);
    c->twin = malloc(c->s->judged * sizeof *c->twin);
    ok = c->in != NULL && c->out != NULL && c->slots != NULL
         && c->logit != NULL && c->twin != NULL;
    for (size_t i = 0; ok && i < c->s->judged; i++) {
        c->logit[i] = malloc((size_t)p->out_channels * sizeof **c->logit);
        ok = c->logit[i] != NULL;
    }
    return ok ? VOLLEY_DONE : volley_fail("no memory for %zu ciphertexts",
                                          c->inputs);
}

/* Weights, keys and the job of one set. */
static int chain_init(chain *c)
{
    const nn_plan *p = &c->plan;
    const size_t batch = (size_t)p->layout.batch;
    size_t images = c->s->judged < batch ? c->s->judged : batch;
    ckks_memory memory;
    int code = chain_memory(c);

    if (code == VOLLEY_DONE)
        code = volley_check(unet_job_init(&c->job, p, c->s->images->size,
                                          images));
    if (code == VOLLEY_DONE)
        code = volley_check(nn_pages_init(&c->pool));
    if (code != VOLLEY_DONE)
        return code;
    memory = nn_pages_memory(c->pool);
    code = volley_check(nn_weights_init(&c->weights, c->s->model, p));
    if (code == VOLLEY_DONE)
        code = volley_check(nn_plan_context(&c->ctx, p, &memory));
    if (code == VOLLEY_DONE)
        code = volley_check(nn_weights_encode(c->weights, c->ctx));
    if (code == VOLLEY_DONE)
        code = volley_check_ckks(ckks_rng_init(&c->rng, NULL), "study");
    if (code == VOLLEY_DONE)
        code = volley_check(unet_keygen(&c->sk, &c->keys, &c->rng, c->ctx,
                                        p));
    return code;
}

/* The clear twin on the judged images: its classes, and the row's accuracy. */
static int run_twin(study_row *row, chain *c)
{
    const study *s = c->s;
    volley_source source = { .path = "study", .model = *s->model,
                             .plan = c->plan };
    volley_input images = *s->images;
    size_t right = 0;
    int code;

    images.count = s->judged;
    code = volley_clear_logits(c->logit, &source, &images, false);
    for (size_t i = 0; i < s->judged && code == VOLLEY_DONE; i++) {
        c->twin[i] = uni_class(&c->plan, c->logit[i]);
        right += c->twin[i] == s->label[i];
    }
    row->accuracy = (double)right / (double)s->judged;
    return code;
}

static int encrypt_set(chain *c)
{
    const nn_plan *p = &c->plan;
    const size_t slots = p->layout.slots;
    ckks_pt pt = {0};
    ckks_status st = unet_pack(c->slots, p, &c->job, &c->s->images->pixels, 0);
    int code = volley_check(st);

    for (size_t k = 0; k < c->inputs && code == VOLLEY_DONE; k++) {
        st = ckks_encode(&pt, c->ctx, c->slots + k * slots, NULL, slots,
                         p->in_level, p->in_scale);
        if (st == CKKS_OK)
            st = ckks_encrypt_sk(&c->in[k], &c->rng, &pt, c->sk);
        code = volley_check_ckks(st, "study");
    }
    ckks_pt_clear(&pt);
    return code;
}

static int decrypt_set(chain *c)
{
    const nn_plan *p = &c->plan;
    const size_t slots = p->layout.slots;
    ckks_pt pt = {0};
    ckks_status st = CKKS_OK;
    int code;

    for (size_t k = 0; k < c->outputs && st == CKKS_OK; k++) {
        st = ckks_decrypt(&pt, &c->out[k], c->sk);
        if (st == CKKS_OK)
            st = ckks_decode(c->slots + k * slots, NULL, slots, &pt);
    }
    ckks_pt_clear(&pt);
    code = volley_check_ckks(st, "study");
    if (code == VOLLEY_DONE)
        code = volley_check(unet_unpack(c->logit, p, &c->job, c->slots, 0));
    return code;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* One set, `repeats` times: the median counts.  Fresh memory is there from the
 * second time on. */
static int run_sets(study_row *row, chain *c)
{
    double seconds[8];
    const int repeats = c->s->repeats;
    double start;
    int code = VOLLEY_DONE;

    for (int i = 0; i < repeats && code == VOLLEY_DONE; i++) {
        start = volley_clock();
        code = encrypt_set(c);
        row->encrypt = (volley_clock() - start) / row->batch;
        start = volley_clock();
        if (code == VOLLEY_DONE)
            code = volley_check(nn_run(c->out, c->in, &c->plan, c->weights,
                                       c->keys, NULL));
        seconds[i] = volley_clock() - start;
    }
    if (code != VOLLEY_DONE)
        return code;
    qsort(seconds, (size_t)repeats, sizeof *seconds, compare);
    row->seconds = seconds[repeats / 2];
    start = volley_clock();
    code = decrypt_set(c);
    row->decrypt = (volley_clock() - start) / row->batch;
    row->images = c->job.images;
    for (size_t i = 0; i < c->job.images && code == VOLLEY_DONE; i++)
        row->equal += uni_class(&c->plan, c->logit[i]) == c->twin[i];
    row->memory_mib = (double)nn_pages_peak(c->pool) / 1048576;
    return code;
}

static void describe(study_row *row, const study_way *way, const nn_plan *p)
{
    const nn_layout *l = &p->layout;
    size_t at = 0;

    snprintf(row->name, sizeof row->name, "%s", way->name);
    snprintf(row->layout, sizeof row->layout, "%dx%d, %dx%d, %d", l->ring_y,
             l->ring_x, l->grid_y, l->grid_x, l->batch);
    for (int k = 0; k < p->num_steps; k++) {
        row->rotations += p->step[k].rotations;
        row->relins += p->step[k].relins;
        if (p->step[k].neurons > 0 && at < sizeof row->dense)
            at += (size_t)snprintf(row->dense + at, sizeof row->dense - at,
                                   "%s%d", at > 0 ? " " : "",
                                   p->step[k].neurons);
    }
    if (at == 0)
        snprintf(row->dense, sizeof row->dense, "terms");
    row->log_n = p->params.log_n;
    row->log_qp = p->log_qp;
    row->security = p->security_bits;
    for (int i = 1; i < p->params.num_primes; i++)
        row->bits = (int)fmax(row->bits,
                              ceil(log2((double)p->params.primes[i])));
    row->batch = l->batch;
    row->upload_kib = p->upload_bytes / 1024 / l->batch;
    row->threads = way->threads;
}

int study_run(study *s, const study_way *way)
{
    chain *c = calloc(1, sizeof *c);
    study_row *row = &s->row[s->rows];
    nn_aim aim = way->aim;
    int code = VOLLEY_DONE;

    if (c == NULL)
        return volley_fail("no memory for a plan");
    c->s = s;
    aim.threads = way->threads;
    *row = (study_row){ .accuracy = NAN };
    if (nn_plan_make(&c->plan, s->model, &aim) != CKKS_OK) {
        fprintf(stderr, "%s: left out: %s\n", way->name, nn_last_error());
        free(c);
        return VOLLEY_DONE;
    }
    fprintf(stderr, "%s ...\n", way->name);
    describe(row, way, &c->plan);
    set_threads(way->threads);
    code = chain_init(c);
    if (code == VOLLEY_DONE)
        code = run_twin(row, c);
    if (code == VOLLEY_DONE)
        code = run_sets(row, c);
    chain_clear(c);
    free(c);
    set_threads(1);
    s->rows += code == VOLLEY_DONE;
    return code;
}
