/* signals.c -- a command that is told to end leaves no temporary file. */
#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE         /* SIGXCPU                                   */
#endif
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "volley.h"

/* Those that end a process and can be met.  SIGKILL cannot: it leaves a file
 * PATH.tmp-XXXXXX, which may be removed. */
static const int signals_of_end[] = {
    SIGHUP, SIGINT, SIGQUIT, SIGABRT, SIGPIPE, SIGALRM, SIGTERM, SIGUSR1,
    SIGUSR2, SIGXCPU
};

/* Files and folders of this process that are to go with it; no more are ever
 * named than there is room for. */
static char *volatile signals_left[8];

void volley_leaves(const char *path)
{
    char *copy = volley_sibling(path, "", NULL);
    size_t i = 0;

    while (i < 8 && signals_left[i] != NULL)
        i++;
    if (i < 8)
        signals_left[i] = copy;
    else
        free(copy);
}

/* Those named last first: what is in a folder before it. */
static void signals_abandon(void)
{
    ckks_file_abandon();
    for (int i = 7; i >= 0; i--)
        if (signals_left[i] != NULL && unlink(signals_left[i]) != 0)
            (void)rmdir(signals_left[i]);
}

/* The handler was reset when it was entered: the process ends by the signal as
 * if there had been none, and the caller sees which. */
static void signals_end(int number)
{
    signals_abandon();
    (void)raise(number);
}

/* What the caller had ignored (nohup) stays ignored.  A file over the limit of
 * its size is an error like a full disk: it has a line, a signal has none.
 * exit is left to those who call it where memory ends (libgomp). */
void volley_signals(void)
{
    struct sigaction end = {0}, was;

    end.sa_handler = signals_end;
    end.sa_flags = (int)SA_RESETHAND;
    sigemptyset(&end.sa_mask);
    for (size_t i = 0; i < sizeof signals_of_end / sizeof *signals_of_end; i++)
        if (sigaction(signals_of_end[i], NULL, &was) == 0
            && was.sa_handler == SIG_DFL)
            (void)sigaction(signals_of_end[i], &end, NULL);
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)atexit(signals_abandon);
}
