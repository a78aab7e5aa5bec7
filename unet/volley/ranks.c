/* ranks.c -- processes that mpirun started side by side, through MPI; without
 * VOLLEY_HAVE_MPI there is one.
 *
 * What passes between them is exit codes, which sets were found, and a peak of
 * memory: numbers of a few bytes.  All else goes through files.
 */
#include <stdlib.h>

#include "volley.h"

#ifndef VOLLEY_HAVE_MPI

int volley_ranks(void)
{
    return 1;
}

int volley_rank(void)
{
    return 0;
}

void volley_ranks_begin(void)
{
}

int volley_ranks_end(int code)
{
    return code;
}

int volley_ranks_agree(int code)
{
    return code;
}

void volley_ranks_share(void *data, size_t size)
{
    (void)data;
    (void)size;
}

double volley_ranks_most(double x)
{
    return x;
}

void volley_ranks_part(void)
{
}

void volley_ranks_stop(int code)
{
    (void)code;
}

#else

#include <limits.h>
#include <time.h>
#include <unistd.h>

#include <mpi.h>

static struct {
    int rank, ranks;
    bool failed;                /* some rank has, and all know               */
    char who[96];               /* "rank 1 on node7: "                       */
} ranks = { .ranks = 1 };

int volley_ranks(void)
{
    return ranks.ranks;
}

int volley_rank(void)
{
    return ranks.rank;
}

/* mpirun of Open MPI, or what speaks PMIx as it does (srun). */
static bool ranks_started(void)
{
    return getenv("OMPI_COMM_WORLD_SIZE") != NULL
           || getenv("PMIX_RANK") != NULL;
}

void volley_ranks_begin(void)
{
    char node[64] = "?";
    int level = 0;

    if (!ranks_started())
        return;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &ranks.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks.ranks);
    (void)gethostname(node, sizeof node - 1);
    snprintf(ranks.who, sizeof ranks.who, "rank %d on %s: ", ranks.rank, node);
    if (ranks.rank == 0)
        return;
    volley_hold();
    if (freopen("/dev/null", "w", stdout) == NULL)
        fclose(stdout);
}

/* MPI's own waiting keeps a core busy, perhaps for an hour. */
static void ranks_wait(MPI_Request *request)
{
    const struct timespec pause = { 0, 2000000 };
    int done = 0;

    while (MPI_Test(request, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS && !done)
        (void)nanosleep(&pause, NULL);
}

int volley_ranks_agree(int code)
{
    int mine = code == VOLLEY_DONE ? ranks.ranks : ranks.rank;
    int first = ranks.ranks;
    MPI_Request request;

    if (ranks.ranks == 1)
        return code;
    MPI_Iallreduce(&mine, &first, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD,
                   &request);
    ranks_wait(&request);
    if (first == ranks.ranks)
        return VOLLEY_DONE;
    ranks.failed = true;
    if (ranks.rank == first && first > 0)
        volley_let_go(ranks.who);
    MPI_Bcast(&code, 1, MPI_INT, first, MPI_COMM_WORLD);
    return code;
}

int volley_ranks_end(int code)
{
    int on = 0;

    if (code != VOLLEY_DONE && !ranks.failed)
        code = volley_ranks_agree(code);
    if (MPI_Initialized(&on) == MPI_SUCCESS && on)
        MPI_Finalize();
    return code;
}

void volley_ranks_share(void *data, size_t size)
{
    while (ranks.ranks > 1 && size > 0) {
        const int n = size < INT_MAX ? (int)size : INT_MAX;

        MPI_Bcast(data, n, MPI_BYTE, 0, MPI_COMM_WORLD);
        data = (char *)data + n;
        size -= (size_t)n;
    }
}

double volley_ranks_most(double x)
{
    double most = x;

    if (ranks.ranks > 1)
        MPI_Allreduce(&x, &most, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    return most;
}

void volley_ranks_part(void)
{
    if (ranks.ranks > 1)
        volley_let_go(ranks.who);
}

void volley_ranks_stop(int code)
{
    if (ranks.ranks > 1)
        MPI_Abort(MPI_COMM_WORLD, code);
}

#endif
