/* server.c -- what the server does: a file of inputs, the network, a file of
 * results.
 *
 * Nothing here decrypts or can.  Contracts in unet.h.
 */
#include <stdlib.h>
#include <string.h>

#include "partial.h"
#include "scratch.h"
#include "vct.h"

ckks_status unet_check_keys(const nn_plan *p, const ckks_keys *keys)
{
    static const char *const name[] = { "relinearisation", "rotation",
                                        "conjugation" };

    if (p == NULL || keys == NULL)
        return nn_fail(CKKS_EARG, "unet_check_keys: null pointer");
    for (size_t i = 0; i < p->num_keys; i++) {
        const ckks_key_request *k = &p->key[i];
        int level = ckks_keys_level(keys, k->kind, k->step);

        if (level < 0)
            return nn_fail(CKKS_EKEY, "there is no %s key of step %d, which "
                           "the plan needs at level %d", name[k->kind],
                           k->step, k->level);
        if (level < k->level)
            return nn_fail(CKKS_EKEY, "the %s key of step %d is at level %d, "
                           "the plan needs %d", name[k->kind], k->step, level,
                           k->level);
    }
    return CKKS_OK;
}

/* What an evaluation works with. */
typedef struct server_work {
    const nn_plan *plan;
    const nn_weights *weights;
    const ckks_ctx *ctx;
    ckks_keys *keys;
    const unet_progress *progress;
    unet_reader *reader;
    unet_writer *writer;
    uni_partial *partial;       /* NULL: nothing is kept                     */
    uni_scratch scratch;        /* open if the plan needs it                 */
    ckks_ct *in, *out;          /* of a set; all zero between sets           */
    size_t found;               /* sets that were done before                */
} server_work;

static ckks_status server_run(server_work *w)
{
    const nn_scratch scratch = uni_scratch_of(&w->scratch);
    ckks_status s = CKKS_OK;

    for (int k = 0; k < nn_plan_inputs(w->plan) && s == CKKS_OK; k++)
        s = unet_reader_next(&w->in[k], w->reader, w->ctx);
    uni_reader_rest(w->reader);
    if (s == CKKS_OK)
        s = nn_run_scratch(w->out, w->in, w->plan, w->weights, w->keys,
                           w->plan->scratch > 0 ? &scratch : NULL,
                           w->progress != NULL ? &w->progress->step : NULL);
    return s;
}

/* One set: as it was kept, or from file to file. */
static ckks_status server_set(server_work *w)
{
    const int n_in = nn_plan_inputs(w->plan), n_out = nn_plan_outputs(w->plan);
    bool found = false;
    ckks_status s = w->partial == NULL ? CKKS_OK
                    : uni_partial_next(w->out, &found, w->partial);

    if (s == CKKS_OK && found) {
        w->found++;
        s = unet_reader_skip(w->reader, 1);
    } else if (s == CKKS_OK) {
        s = server_run(w);
    }
    for (int k = 0; k < n_out && s == CKKS_OK; k++)
        s = unet_writer_put(w->writer, &w->out[k]);
    if (s == CKKS_OK && w->partial != NULL && !found)
        s = uni_partial_put(w->partial, w->out);
    for (int k = 0; k < n_in; k++)
        ckks_ct_clear(&w->in[k]);
    for (int k = 0; k < n_out; k++)
        ckks_ct_clear(&w->out[k]);
    return s;
}

static ckks_status server_all(server_work *w, size_t sets)
{
    const size_t n_in = (size_t)nn_plan_inputs(w->plan);
    const size_t n_out = (size_t)nn_plan_outputs(w->plan);
    ckks_ct *ct = calloc(n_in + n_out, sizeof *ct);
    ckks_status s = CKKS_OK;

    if (ct == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu ciphertexts",
                       n_in + n_out);
    w->in = ct;
    w->out = ct + n_in;
    for (size_t set = 0; set < sets && s == CKKS_OK; set++) {
        if (w->progress != NULL && w->progress->set != NULL)
            w->progress->set(w->progress->step.user, set, sets);
        s = server_set(w);
    }
    free(ct);
    return s;
}

/* What of the file is wanted: the whole, or this part of it; none: it may be no
 * set. */
static ckks_status server_part(unet_part *out, unet_reader *reader,
                               const unet_part *want, bool none,
                               const char *path)
{
    unet_info info;

    unet_reader_info(&info, reader);
    *out = want != NULL ? *want : info.part;
    if ((out->count < 1 && !none) || out->first < info.part.first
        || out->count > info.part.count
        || out->first - info.part.first > info.part.count - out->count)
        return nn_fail(CKKS_EARG, "%s holds sets %zu to %zu, not %zu sets "
                       "from %zu on", path, info.part.first + 1,
                       info.part.first + info.part.count, out->count,
                       out->first + 1);
    return unet_reader_skip(reader, out->first - info.part.first);
}

/* origin: NULL, or the result is a part. */
static ckks_status server_open(unet_writer **out, unet_reader *reader,
                               const char *path, const nn_plan *p,
                               const unet_part *part, const uint8_t *origin)
{
    unet_info info;

    unet_reader_info(&info, reader);
    info.kind = UNET_OUTPUT;
    info.ciphertexts = (uint32_t)uni_vct_per_set(p, UNET_OUTPUT);
    info.part = *part;
    info.marked = origin != NULL;
    if (origin != NULL)
        memcpy(info.mark, origin, UNET_ID);
    return uni_writer_open(out, path, &info, unet_reader_job(reader));
}

/* What was kept of an evaluation that was cut, if it may be. */
static ckks_status server_partial(server_work *w, const char *out_path,
                                  const unet_keep *keep, size_t sets)
{
    bool other = false;
    ckks_status s;

    if (keep == NULL || sets < 2)
        return CKKS_OK;
    s = uni_partial_open(&w->partial, &other, out_path, keep->mark, w->plan,
                         w->ctx);
    if (s == CKKS_OK && keep->found != NULL)
        keep->found(keep->user, uni_partial_sets(w->partial), other);
    return s;
}

ckks_status unet_evaluate(const char *out_path, unet_done *done,
                          const char *in_path, const unet_part *part,
                          const unet_keep *keep, const nn_plan *p,
                          const nn_weights *w, const ckks_ctx *ctx,
                          ckks_keys *keys, const unet_progress *progress)
{
    server_work work = { .plan = p, .weights = w, .ctx = ctx, .keys = keys,
                         .progress = progress, .scratch = { .fd = -1 } };
    unet_done did = {0};
    unet_part what = {0};
    const uint8_t *origin = keep != NULL ? keep->origin : NULL;
    ckks_status s;

    if (out_path == NULL || in_path == NULL || p == NULL || w == NULL
        || ctx == NULL || keys == NULL)
        return nn_fail(CKKS_EARG, "unet_evaluate: null pointer");
    s = unet_check_keys(p, keys);
    if (s == CKKS_OK)
        s = unet_reader_open(&work.reader, in_path, p, UNET_INPUT);
    if (s == CKKS_OK)
        s = server_part(&what, work.reader, part, origin != NULL, in_path);
    if (s == CKKS_OK)
        s = server_open(&work.writer, work.reader, out_path, p, &what,
                        origin);
    if (s == CKKS_OK)
        s = server_partial(&work, out_path, keep, what.count);
    if (s == CKKS_OK && p->scratch > 0)
        s = uni_scratch_open(&work.scratch, out_path);
    if (s == CKKS_OK)
        s = server_all(&work, what.count);
    if (s == CKKS_OK)
        s = unet_writer_finish(work.writer, &did.download);
    if (s == CKKS_OK) {
        did.images = unet_reader_job(work.reader)->images;
        did.sets = what.count;
        did.found = work.found;
        did.upload = unet_reader_bytes(work.reader);
        if (done != NULL)
            *done = did;
    }
    uni_scratch_close(&work.scratch);
    uni_partial_close(&work.partial, s == CKKS_OK);
    unet_reader_close(&work.reader);
    unet_writer_clear(&work.writer);
    return s;
}
