/* fork.c -- forks of a process whose OpenMP has started threads (run.h). */
#ifdef CKKS_OMP
#include <pthread.h>
#endif

#include "run/run.h"

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
