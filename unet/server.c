/* server.c -- what the server does: a file of inputs, the network, a file of
 * results.
 *
 * Nothing here decrypts or can.  Contracts in unet.h.
 */
#include <stdlib.h>
#include <string.h>

#include "unet.h"

ckks_status unet_check_keys(const nn_plan *p, const ckks_keys *keys)
{
    static const char *const name[] = { "relinearisation", "rotation",
                                        "conjugation" };

    if (p == NULL || keys == NULL)
        return nn_fail(CKKS_EARG, "unet_check_keys: null pointer");
    for (size_t i = 0; i < p->num_keys; i++) {
        const ckks_key_request *k = &p->key[i];
        int level = ckks_keys_level(keys, k->kind, k->step);

        if (level < k->level)
            return nn_fail(CKKS_EKEY, "the %s key of step %d is at level %d, "
                           "the plan needs %d (-1: there is none)",
                           name[k->kind], k->step, level, k->level);
    }
    return CKKS_OK;
}

/* One set from file to file; in and out are all zero before and after. */
static ckks_status server_set(unet_writer *writer, unet_reader *reader,
                              ckks_ct *out, ckks_ct *in, const nn_plan *p,
                              const nn_weights *w, const ckks_ctx *ctx,
                              const ckks_keys *keys,
                              const unet_progress *progress)
{
    const int n_in = nn_plan_inputs(p), n_out = nn_plan_outputs(p);
    ckks_status s = CKKS_OK;

    for (int k = 0; k < n_in && s == CKKS_OK; k++)
        s = unet_reader_next(&in[k], reader, ctx);
    if (s == CKKS_OK)
        s = nn_run(out, in, p, w, keys,
                   progress != NULL ? &progress->step : NULL);
    for (int k = 0; k < n_out && s == CKKS_OK; k++)
        s = unet_writer_put(writer, &out[k]);
    for (int k = 0; k < n_in; k++)
        ckks_ct_clear(&in[k]);
    for (int k = 0; k < n_out; k++)
        ckks_ct_clear(&out[k]);
    return s;
}

static ckks_status server_all(unet_writer *writer, unet_reader *reader,
                              size_t sets, const nn_plan *p,
                              const nn_weights *w,
                              const ckks_ctx *ctx, const ckks_keys *keys,
                              const unet_progress *progress)
{
    const size_t n_in = (size_t)nn_plan_inputs(p);
    const size_t n_out = (size_t)nn_plan_outputs(p);
    ckks_ct *ct = calloc(n_in + n_out, sizeof *ct);
    ckks_status s = CKKS_OK;

    if (ct == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu ciphertexts",
                       n_in + n_out);
    for (size_t set = 0; set < sets && s == CKKS_OK; set++) {
        if (progress != NULL && progress->set != NULL)
            progress->set(progress->step.user, set, sets);
        s = server_set(writer, reader, ct + n_in, ct, p, w, ctx, keys,
                       progress);
    }
    free(ct);
    return s;
}

/* What of the file is wanted: the whole, or this part of it. */
static ckks_status server_part(unet_part *out, unet_reader *reader,
                               const unet_part *want, const char *path)
{
    unet_info info;

    unet_reader_info(&info, reader);
    *out = want != NULL ? *want : info.part;
    if (out->count < 1 || out->first < info.part.first
        || out->count > info.part.count
        || out->first - info.part.first > info.part.count - out->count)
        return nn_fail(CKKS_EARG, "%s holds sets %zu to %zu, not %zu sets "
                       "from %zu on", path, info.part.first + 1,
                       info.part.first + info.part.count, out->count,
                       out->first + 1);
    return unet_reader_skip(reader, out->first - info.part.first);
}

static ckks_status server_open(unet_writer **out, unet_reader *reader,
                               const char *path, const nn_plan *p,
                               const unet_part *part)
{
    unet_info info;

    unet_reader_info(&info, reader);
    return unet_writer_open(out, path, p, unet_reader_job(reader),
                            UNET_OUTPUT, info.request, part);
}

ckks_status unet_evaluate(const char *out_path, unet_done *done,
                          const char *in_path, const unet_part *part,
                          const nn_plan *p, const nn_weights *w,
                          const ckks_ctx *ctx,
                          const ckks_keys *keys,
                          const unet_progress *progress)
{
    unet_reader *reader = NULL;
    unet_writer *writer = NULL;
    unet_done did = {0};
    unet_part what = {0};
    ckks_status s;

    if (out_path == NULL || in_path == NULL || p == NULL || w == NULL
        || ctx == NULL || keys == NULL)
        return nn_fail(CKKS_EARG, "unet_evaluate: null pointer");
    s = unet_check_keys(p, keys);
    if (s == CKKS_OK)
        s = unet_reader_open(&reader, in_path, p, UNET_INPUT);
    if (s == CKKS_OK)
        s = server_part(&what, reader, part, in_path);
    if (s == CKKS_OK)
        s = server_open(&writer, reader, out_path, p, &what);
    if (s == CKKS_OK)
        s = server_all(writer, reader, what.count, p, w, ctx, keys, progress);
    if (s == CKKS_OK)
        s = unet_writer_finish(writer, &did.download);
    if (s == CKKS_OK) {
        did.images = unet_reader_job(reader)->images;
        did.sets = what.count;
        did.upload = unet_reader_bytes(reader);
        if (done != NULL)
            *done = did;
    }
    unet_reader_close(&reader);
    unet_writer_clear(&writer);
    return s;
}
