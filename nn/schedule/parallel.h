/* parallel.h -- loops on several threads, and the first failure in one. */
#ifndef NN_PARALLEL_H
#define NN_PARALLEL_H

#include "nn.h"

#ifdef CKKS_OMP
/* One thread in a process that was forked after the library was loaded: GNU's
 * OpenMP would wait there for threads that a fork does not copy. */
bool nni_forked(void);
#define NNI_PARALLEL \
    _Pragma("omp parallel for schedule(dynamic) if(!nni_forked())")
#define NNI_CRITICAL _Pragma("omp critical(nni_run_failure)")
#else
#define NNI_PARALLEL
#define NNI_CRITICAL
#endif

/* The first failure of a loop, with its thread's message. */
typedef struct nni_failure {
    ckks_status status;
    char message[400];
} nni_failure;

/* Records a status and, if it is not CKKS_OK, nn_last_error(). */
void nni_note(nni_failure *f, ckks_status st);
/* What was recorded as the status of function `name` at layer `where`. */
ckks_status nni_failed(const nni_failure *f, const char *name,
                       const char *where);

#endif
