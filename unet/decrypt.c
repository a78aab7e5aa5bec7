/* decrypt.c -- what the owner of the images does with results.
 *
 * Read first: docs/security.md.  A result is the server's word: every part is
 * held against the request it must answer and against what no honest
 * evaluation gives before anything is told of it.  Contracts in unet.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gather.h"
#include "parts.h"
#include "vct.h"

/* ---- what a result is judged by ------------------------------------------ */

/* A quarter of the root mean square of real (or imaginary) parts of what has
 * left the modulus: M coefficients, uniform modulo Q, each in a slot by a
 * factor of mean square 1/2 (M = N), in the real ring by 2 of them (M = 2N). */
static double decrypt_wrapped(const nn_plan *p)
{
    const double n = ldexp(1, p->params.log_n);
    double log_q = 0;

    for (int i = 0; i <= p->out_level; i++)
        log_q += log2((double)p->params.primes[i]);
    return sqrt(p->params.ring == CKKS_RING_REAL ? 2 * n / 12 : n / 24)
           * exp2(log_q) / p->out_scale / 4;
}

double unet_bound(const nn_plan *p)
{
    return fmin(fmax(64 * p->error_sd, 1e-3), decrypt_wrapped(p));
}

double unet_limit(const nn_plan *p)
{
    return fmin(64 * fmax(p->logit_max, 1), decrypt_wrapped(p));
}

double unet_label_limit(const nn_plan *p, int label)
{
    return fmin(64 * fmax(p->label_max[label], 1), unet_limit(p));
}

static ckks_status decrypt_check_range(const unet_result *r, const char *path)
{
    const bool stray = !(r->stray < r->bound);

    if (!stray && r->largest < r->limit)
        return CKKS_OK;
    return nn_fail(CKKS_EPARAM, "%s: the result has left its range (or the "
                   "secret key is another): %s up to %.3g, the bound is %.3g",
                   path, stray ? "imaginary parts" : "slots",
                   stray ? r->stray : r->largest, stray ? r->bound : r->limit);
}

/* ---- decryption ---------------------------------------------------------- */

/* A result on its way, and what it is held against. */
typedef struct decrypt_work {
    unet_result r;
    const nn_plan *plan;
    const ckks_ctx *ctx;
    const ckks_sk *sk;
    unet_request *request;      /* NULL: any                                 */
    uni_part *part;             /* shape (parts): what each file holds       */
    size_t parts;
    uni_part first;             /* the one that was read first               */
    uint8_t *name;              /* shape (sets, 16): names the result of each */
    double *slots;              /* shape (nn_plan_outputs + 1, slots)        */
    double label[NN_MAX_LABELS];    /* largest |real part| of each one's     */
    uni_gather gather;          /* into r                                    */
} decrypt_work;

/* Each label's slots by its own limit. */
static ckks_status decrypt_check_labels(const decrypt_work *w,
                                        const char *path)
{
    const nn_plan *p = w->plan;

    for (int k = 0; k < p->num_labels; k++)
        if (!(w->label[k] < unet_label_limit(p, k)))
            return nn_fail(CKKS_EPARAM, "%s: the result has left its range (or "
                           "the secret key is another): slots of label %d "
                           "(%s) up to %.3g, the bound is %.3g", path, k,
                           p->label_name[k], w->label[k],
                           unet_label_limit(p, k));
    return CKKS_OK;
}

/* Bytes of the slots of a set, and of one ciphertext's imaginary parts. */
static size_t decrypt_slots(const nn_plan *p)
{
    return ((size_t)nn_plan_outputs(p) + 1) * p->layout.slots
           * sizeof(double);
}

static void decrypt_work_clear(decrypt_work *w)
{
    unet_result_clear(&w->r);
    for (size_t i = 0; i < w->parts && w->part != NULL; i++)
        unet_reader_close(&w->part[i].reader);
    free(w->name);
    free(w->part);
    if (w->slots != NULL)
        uni_wipe(w->slots, decrypt_slots(w->plan));
    free(w->slots);
}

/* Room for all that the job gives.  The parts cover it, so it is bounded by the
 * length of the files. */
static ckks_status decrypt_work_init(decrypt_work *w)
{
    const nn_plan *p = w->plan;
    unet_result *r = &w->r;
    const unet_job *job = &r->job;

    r->bound = unet_bound(p);
    r->limit = unet_limit(p);
    w->name = calloc(job->sets, UNET_ID);
    w->slots = malloc(decrypt_slots(p));
    r->logit = calloc(job->images, sizeof *r->logit);
    if (w->name == NULL || w->slots == NULL || r->logit == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu images and %d x %zu "
                       "slots", job->images, nn_plan_outputs(p),
                       p->layout.slots);
    return CKKS_OK;
}

/* A part must be of the request, and of the same one as the parts before. */
static ckks_status decrypt_check_part(const decrypt_work *w,
                                      const uni_part *part,
                                      const unet_job *job)
{
    const unet_request *want = w->request;
    const char *path = part->path;
    const unet_info info = part->info;
    ckks_status s = uni_parts_agree(&w->first, &w->r.job, part, job);

    if (s != CKKS_OK)
        return s;
    if (want == NULL)
        return CKKS_OK;
    if (memcmp(info.request, want->id, UNET_ID) != 0)
        return nn_fail(CKKS_EPARAM, "%s answers request %02x%02x%02x%02x, not "
                       "%02x%02x%02x%02x", path, info.request[0],
                       info.request[1], info.request[2], info.request[3],
                       want->id[0], want->id[1], want->id[2], want->id[3]);
    if (job->images != want->job.images || job->sets != want->job.sets
        || memcmp(job->size, want->job.size,
                  job->images * sizeof *job->size) != 0)
        return nn_fail(CKKS_EPARAM, "%s: a forged result: %zu images in %zu "
                       "sets; %zu in %zu were uploaded, or of other sizes",
                       path, job->images, job->sets, want->job.images,
                       want->job.sets);
    return CKKS_OK;
}

/* Slots of one ciphertext of set number `set`: number k. */
static ckks_status decrypt_one(decrypt_work *w, unet_reader *reader,
                                      size_t set, int k, const char *path)
{
    const size_t n = w->plan->layout.slots;
    double *re = w->slots + (size_t)k * n;
    double *im = w->slots + (size_t)nn_plan_outputs(w->plan) * n;
    double most = 0;
    ckks_pt pt = {0};
    ckks_ct ct = {0};
    ckks_status s = unet_reader_next(&ct, reader, w->ctx);

    if (s == CKKS_OK)
        s = uni_check_forged(&ct, w->request, path);
    if (s == CKKS_OK)
        s = uni_name_answer(w->name + set * UNET_ID, &ct);
    if (s == CKKS_OK) {
        s = ckks_decrypt(&pt, &ct, w->sk);
        if (s == CKKS_OK)
            s = ckks_decode(re, im, n, &pt);
        s = nn_relay(s, NULL);
    }
    for (size_t j = 0; j < n && s == CKKS_OK; j++) {
        w->r.stray = fmax(w->r.stray, fabs(im[j]));
        most = fmax(most, fabs(re[j]));
    }
    w->r.largest = fmax(w->r.largest, most);
    if (w->plan->num_labels > 0) {
        double *label = &w->label[k * w->plan->num_labels
                                  / nn_plan_outputs(w->plan)];

        *label = fmax(*label, most);
    }
    ckks_pt_clear(&pt);
    ckks_ct_clear(&ct);
    return s;
}

/* The first result of a set, or the same once more. */
static ckks_status decrypt_check_answer(const decrypt_work *w, size_t set,
                                       const char *path)
{
    static const uint8_t none[UNET_ID];
    const uint8_t *before;

    if (w->request == NULL)
        return CKKS_OK;
    before = w->request->answer + set * UNET_ID;
    if (memcmp(before, none, UNET_ID) == 0
        || memcmp(before, w->name + set * UNET_ID, UNET_ID) == 0)
        return CKKS_OK;
    return nn_fail(CKKS_EPARAM, "%s: a second result of request "
                   "%02x%02x%02x%02x: set %zu was answered before, by other "
                   "ciphertexts", path, w->request->id[0], w->request->id[1],
                   w->request->id[2], w->request->id[3], set + 1);
}

static ckks_status decrypt_part(decrypt_work *w, unet_reader *reader,
                                       const char *path,
                                       const unet_progress *progress)
{
    unet_info info;
    ckks_status s = CKKS_OK;

    unet_reader_info(&info, reader);
    w->r.bytes += info.bytes;
    for (size_t i = 0; i < info.part.count && s == CKKS_OK; i++) {
        const size_t set = info.part.first + i;

        if (progress != NULL && progress->set != NULL)
            progress->set(progress->step.user, set, w->r.job.sets);
        for (int k = 0; k < nn_plan_outputs(w->plan) && s == CKKS_OK; k++)
            s = decrypt_one(w, reader, set, k, path);
        if (s == CKKS_OK)
            s = decrypt_check_answer(w, set, path);
        if (s == CKKS_OK)
            s = uni_gather_set(&w->gather, w->slots, set);
    }
    if (s == CKKS_OK)
        s = decrypt_check_range(&w->r, path);
    return s == CKKS_OK ? decrypt_check_labels(w, path) : s;
}

/* A file by its path, once more: it must still be the part that it was. */
static ckks_status decrypt_again(unet_reader **out, const decrypt_work *w,
                                 const uni_part *part)
{
    uni_part now = { .path = part->path };
    ckks_status s = unet_reader_open(out, part->path, w->plan, UNET_OUTPUT);

    if (s != CKKS_OK)
        return s;
    unet_reader_info(&now.info, *out);
    s = decrypt_check_part(w, &now, unet_reader_job(*out));
    if (s == CKKS_OK && (now.info.part.first != part->info.part.first
                         || now.info.part.count != part->info.part.count))
        s = nn_fail(CKKS_EIO, "%s has changed while it was read", part->path);
    return s;
}

static ckks_status decrypt_file(decrypt_work *w, uni_part *part,
                                const unet_progress *progress)
{
    ckks_status s = part->reader != NULL ? CKKS_OK
                    : decrypt_again(&part->reader, w, part);

    if (s == CKKS_OK)
        s = decrypt_part(w, part->reader, part->path, progress);
    unet_reader_close(&part->reader);
    return s;
}

/* ---- all parts, before anything is allocated by what they say ------------ */

/* The head of part i, whose reader is open: the first says what the job is, the
 * others go with it. */
static ckks_status decrypt_head(decrypt_work *w, size_t i)
{
    uni_part *part = &w->part[i];
    const unet_job *job = unet_reader_job(part->reader);
    ckks_status s = CKKS_OK;

    unet_reader_info(&part->info, part->reader);
    if (i == 0) {
        w->first = *part;
        s = unet_job_init(&w->r.job, w->plan, job->size, job->images);
    }
    return s == CKKS_OK ? decrypt_check_part(w, part, job) : s;
}

/* A source can be read once, so its reader stays open; files are opened again,
 * since there may be more of them than can be open. */
static ckks_status decrypt_open(decrypt_work *w, size_t i,
                                const unet_source *source, const char *path)
{
    uni_part *part = &w->part[i];
    ckks_status s;

    part->path = source != NULL ? source->name : path;
    s = source != NULL
        ? unet_reader_from(&part->reader, source, w->plan, UNET_OUTPUT)
        : unet_reader_open(&part->reader, path, w->plan, UNET_OUTPUT);
    if (s == CKKS_OK)
        s = decrypt_head(w, i);
    if (source == NULL)
        unet_reader_close(&part->reader);
    return s;
}

/* Sources, or paths where there are none. */
static ckks_status decrypt_heads(decrypt_work *w, const unet_source *source,
                                 const char *const *path)
{
    ckks_status s = CKKS_OK;

    w->part = calloc(w->parts, sizeof *w->part);
    if (w->part == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu files", w->parts);
    for (size_t i = 0; i < w->parts && s == CKKS_OK; i++) {
        if (source == NULL && path[i] == NULL)
            return nn_fail(CKKS_EARG, "unet_decrypt: null pointer");
        s = decrypt_open(w, i, source != NULL ? &source[i] : NULL,
                         source != NULL ? NULL : path[i]);
    }
    return s == CKKS_OK ? uni_parts_whole(w->part, w->parts, w->r.job.sets)
                        : s;
}

static ckks_status decrypt_all(unet_result *out, decrypt_work *w,
                               const unet_source *source,
                               const char *const *path,
                               const unet_progress *progress)
{
    const uni_gather gather = { .plan = w->plan, .result = &w->r,
                                .progress = progress };
    ckks_status s = nn_plan_check(w->plan);

    if (s == CKKS_OK)
        s = decrypt_heads(w, source, path);
    if (s == CKKS_OK)
        s = decrypt_work_init(w);
    w->gather = gather;
    for (size_t i = 0; i < w->parts && s == CKKS_OK; i++)
        s = decrypt_file(w, &w->part[i], progress);
    if (s == CKKS_OK)
        s = uni_gather_end(&w->gather);
    if (s == CKKS_OK) {
        if (w->request != NULL)
            memcpy(w->request->answer, w->name, w->r.job.sets * UNET_ID);
        unet_result_clear(out);
        *out = w->r;
        memset(&w->r, 0, sizeof w->r);
    }
    decrypt_work_clear(w);
    return s;
}

ckks_status unet_decrypt(unet_result *out, unet_request *request,
                         const char *const *path, size_t paths,
                         const nn_plan *p, const ckks_ctx *ctx,
                         const ckks_sk *sk, const unet_progress *progress)
{
    decrypt_work w = { .plan = p, .ctx = ctx, .sk = sk, .request = request,
                       .parts = paths };

    if (out == NULL || path == NULL || paths == 0 || p == NULL || ctx == NULL
        || sk == NULL)
        return nn_fail(CKKS_EARG, "unet_decrypt: null pointer");
    return decrypt_all(out, &w, NULL, path, progress);
}

ckks_status unet_decrypt_from(unet_result *out, unet_request *request,
                              const unet_source *source, size_t sources,
                              const nn_plan *p, const ckks_ctx *ctx,
                              const ckks_sk *sk,
                              const unet_progress *progress)
{
    decrypt_work w = { .plan = p, .ctx = ctx, .sk = sk, .request = request,
                       .parts = sources };

    if (out == NULL || source == NULL || sources == 0 || p == NULL
        || ctx == NULL || sk == NULL)
        return nn_fail(CKKS_EARG, "unet_decrypt_from: null pointer");
    return decrypt_all(out, &w, source, NULL, progress);
}

void unet_result_clear(unet_result *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->job.images && r->logit != NULL; i++)
        free(r->logit[i]);
    free(r->logit);
    unet_job_clear(&r->job);
    memset(r, 0, sizeof *r);
}
