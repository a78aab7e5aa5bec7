/* parallel.c -- the first failure of a parallel loop; forks of a process whose
 * OpenMP has started threads.
 *
 * Read first: parallel.h.
 */
#include <string.h>
#ifdef CKKS_OMP
#include <pthread.h>
#endif

#include "schedule/parallel.h"

void nni_note(nni_failure *f, ckks_status st)
{
    if (st == CKKS_OK)
        return;
    NNI_CRITICAL
    {
        if (f->status == CKKS_OK) {
            const char *text = nn_last_error();
            size_t n = strlen(text);

            f->status = st;
            if (n >= sizeof f->message)
                n = sizeof f->message - 1;
            memcpy(f->message, text, n);
            f->message[n] = '\0';
        }
    }
}

ckks_status nni_failed(const nni_failure *f, const char *name,
                       const char *where)
{
    return f->status == CKKS_OK
               ? CKKS_OK
               : nn_fail(f->status, "%s: %s: %s", name, where, f->message);
}

#ifdef CKKS_OMP

static bool forked;

static void note_fork(void)
{
    forked = true;
}

__attribute__((constructor)) static void watch_forks(void)
{
    if (pthread_atfork(NULL, NULL, note_fork) != 0)
        forked = true;                  /* no memory: better one thread      */
}

bool nni_forked(void)
{
    return forked;
}

#endif
