/* net_scratch.c -- networks that put parts of their maps into a file. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <unistd.h>

#include "net_support.h"

static ckks_status to_file(void *user, uint64_t at, const void *in, size_t size)
{
    return pwrite(fileno(user), in, size, (off_t)at) == (ssize_t)size
               ? CKKS_OK : CKKS_EIO;
}

static ckks_status from_file(void *user, uint64_t at, void *out, size_t size)
{
    return pread(fileno(user), out, size, (off_t)at) == (ssize_t)size
               ? CKKS_OK : CKKS_EIO;
}

ckks_status net_run(ckks_ct *out, ckks_ct *in, const nn_plan *p,
                    const nn_weights *w, ckks_keys *keys,
                    const nn_progress *progress)
{
    FILE *file = p->scratch > 0 ? tmpfile() : NULL;
    const nn_scratch scratch = { to_file, from_file, file };
    const ckks_status st = nn_run_scratch(out, in, p, w, keys,
                                          file != NULL ? &scratch : NULL,
                                          progress);

    if (file != NULL)
        fclose(file);
    return st;
}

bool rig_scratch(rig *r, int mib)
{
    nn_weights_clear(&r->w);
    r->p.scratch = mib;
    return NN_OK(nn_plan_price(&r->p, &r->m, NULL, 1))
           && NN_OK(nn_weights_init(&r->w, &r->m, &r->p));
}
