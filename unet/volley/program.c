/* program.c -- one verb from the words behind it to the exit code, for the
 * command and for the programs beside it (tests/bench, unet/study), whose whole
 * command line is one verb.
 */
#include <stdlib.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "volley.h"

static void print_help(const volley_verb *v)
{
    char called[VOLLEY_CALLED];

    printf("usage: %s %s\n\n%s\n", volley_called(called, v), v->usage,
           v->summary);
    if (v->help != NULL)
        printf("\n%s", v->help);
    printf("\n");
    volley_print_options(stdout, v);
}

int volley_help(const volley_verb *v)
{
    print_help(v);
    return volley_flush();
}

static void use_threads(int threads)
{
#ifdef _OPENMP
    if (threads > 0)
        omp_set_num_threads(threads);
#else
    if (threads > 1)
        volley_warn("built without OpenMP: one thread");
#endif
}

int volley_run(const volley_verb *v, int argc, char **argv)
{
    const char **word = malloc(((size_t)argc + 1) * sizeof *word);
    volley_args a;
    int code;

    if (word == NULL)
        return volley_fail("no memory");
    code = volley_parse(&a, word, v, argc, argv);
    if (code == VOLLEY_DONE && a.value[OPT_HELP] != NULL) {
        print_help(v);
    } else if (code == VOLLEY_DONE) {
        use_threads(a.threads);
        code = volley_places(&a);
        if (code == VOLLEY_DONE)
            code = v->run(&a);
    }
    free(word);
    if (code == VOLLEY_DONE)
        code = volley_flush();
    return code;
}

int volley_run_alone(const volley_verb *v, int argc, char **argv)
{
    volley_signals();
    volley_program = v->name;
    return volley_run(v, argc > 0 ? argc - 1 : 0, argv + (argc > 0));
}
