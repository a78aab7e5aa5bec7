/* fft_fftw.c -- the FFT of the FFTW3 library.
 *
 * Read first: fft.h.  Part of a build with CKKS_FFT_FFTW only.  Which of its
 * algorithms FFTW picks depends on the machine, so coefficients may round
 * differently elsewhere (by one, where they lie near a half).
 *
 * FFTW ends the process where an allocation of its own fails while it plans,
 * and offers no way to be asked for a status.  Before planning as much is
 * allocated and given back as it needs, so that a system that is short of
 * memory gives CKKS_EMEM; a single failure in the midst of planning, or another
 * thread that takes the room in between, still ends the process.
 */
#include <fftw3.h>
#include <pthread.h>

#include "embed/fft.h"

/* FFTW's planner is not safe in threads, executing a plan is.  Programs that
 * plan with FFTW themselves must not do so while a context is made. */
static pthread_mutex_t fft_planner = PTHREAD_MUTEX_INITIALIZER;

/* FFTW's own tables come from its own allocator. */
typedef struct fft_plans {
    fftw_plan evaluate, interpolate;
} fft_plans;

static void fft_destroy(fft_plans *p)
{
    pthread_mutex_lock(&fft_planner);
    if (p->evaluate != NULL)
        fftw_destroy_plan(p->evaluate);
    if (p->interpolate != NULL)
        fftw_destroy_plan(p->interpolate);
    pthread_mutex_unlock(&fft_planner);
}

/* Whether there is the memory that planning n points takes: less than 4 n
 * complex numbers and 1 MiB for all n that contexts have. */
static bool room_to_plan(const ckks_memory *m, size_t n)
{
    size_t size = 4 * n * sizeof(fftw_complex) + (1 << 20);
    void *p = cki_alloc(m, size);

    cki_free(m, p, size);
    return p != NULL;
}

static ckks_status fft_engine_init(void **own, const ckks_memory *m, size_t n)
{
    size_t room = n * sizeof(fftw_complex);
    fft_plans *p = cki_alloc(m, sizeof *p);
    fftw_complex *x = cki_alloc(m, room);           /* for its alignment     */

    if (p == NULL || x == NULL || !room_to_plan(m, n)) {
        cki_free(m, p, sizeof *p);
        cki_free(m, x, room);
        return cki_fail(CKKS_EMEM, "ckks_ctx_init: no memory for the FFT");
    }
    pthread_mutex_lock(&fft_planner);
    p->evaluate = fftw_plan_dft_1d((int)n, x, x, FFTW_BACKWARD,
                                   FFTW_ESTIMATE);
    p->interpolate = fftw_plan_dft_1d((int)n, x, x, FFTW_FORWARD,
                                      FFTW_ESTIMATE);
    pthread_mutex_unlock(&fft_planner);
    cki_free(m, x, room);
    if (p->evaluate == NULL || p->interpolate == NULL) {
        fft_destroy(p);
        cki_free(m, p, sizeof *p);
        return cki_fail(CKKS_EMEM, "ckks_ctx_init: FFTW made no plan for "
                        "%zu points", n);
    }
    *own = p;
    return CKKS_OK;
}

static void fft_engine_clear(void *own, const ckks_memory *m)
{
    if (own == NULL)
        return;
    fft_destroy(own);
    cki_free(m, own, sizeof(fft_plans));
}

static size_t fft_engine_place(size_t t, size_t n)
{
    (void)n;
    return t;
}

static void fft_engine_evaluate(double *x, const void *own)
{
    const fft_plans *p = own;
    fftw_complex *z = (fftw_complex *)(void *)x;

    fftw_execute_dft(p->evaluate, z, z);
}

static void fft_engine_interpolate(double *x, const void *own)
{
    const fft_plans *p = own;
    fftw_complex *z = (fftw_complex *)(void *)x;

    fftw_execute_dft(p->interpolate, z, z);
}

const cki_fft_engine cki_fft_fftw = {
    .name = "fftw",
    .split = false,
    .init = fft_engine_init,
    .clear = fft_engine_clear,
    .place = fft_engine_place,
    .evaluate = fft_engine_evaluate,
    .interpolate = fft_engine_interpolate
};
