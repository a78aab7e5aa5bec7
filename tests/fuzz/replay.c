/* replay.c -- the corpora and a fixed number of drawn inputs, without
 * libFuzzer.
 *
 *     replay CORPUS [TARGET [DRAWS]]   every file of CORPUS/TARGET/, all targets
 *                                 without one; then for the targets that draw
 *                                 so many inputs from fixed seeds
 *     replay --seeds FOLDER       writes the inputs to begin with
 *
 * Ends with "N passed, N failed"; a finding ends it before, with its report.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "fuzz.h"

enum { DRAWN = 96 };            /* bytes of a drawn input                    */

static unsigned passed, failed;

static void judge(bool ok, const char *what, const char *name)
{
    passed += ok;
    failed += !ok;
    if (!ok)
        fuzz_say("FAIL %s: %s\n", what, name);
}

static bool run_file(const fuzz_target *t, const char *path)
{
    uint8_t *bytes = fuzz_room(FUZZ_LARGEST);
    FILE *f = fopen(path, "rb");
    size_t n = f != NULL ? fread(bytes, 1, FUZZ_LARGEST, f) : 0;
    bool loaded;

    fuzz_must(f != NULL && fclose(f) == 0, "%s: %s", path, strerror(errno));
    loaded = fuzz_run(t, bytes, n);
    fuzz_free(bytes);
    return loaded;
}

static int visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

/* A loader none of whose inputs loads is not tested. */
static void run_corpus(const fuzz_target *t, const char *corpus)
{
    struct dirent **file = NULL;
    char path[600];
    unsigned loaded = 0;
    int n;

    snprintf(path, sizeof path, "%s/%s", corpus, t->name);
    n = scandir(path, &file, visible, alphasort);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s/%s", corpus, t->name,
                 file[i]->d_name);
        if (getenv("FUZZ_SHOW") != NULL)
            fuzz_say("%s\n", path);
        loaded += run_file(t, path);
        passed++;
        free(file[i]);
    }
    free(file);
    judge(n > 0, t->name, "no corpus");
    judge(loaded > 0, t->name, "no input of the corpus loads");
}

/* splitmix64 */
static uint64_t next_word(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Draws of fixed seeds; half of them must load, or they test the refusals
 * alone. */
static void run_draws(const fuzz_target *t, unsigned draws)
{
    uint64_t state = 1;
    unsigned loaded = 0;

    for (unsigned i = 0; i < draws; i++) {
        uint8_t in[FUZZ_CHOICE + DRAWN];

        for (size_t k = 0; k < sizeof in; k++)
            in[k] = (uint8_t)next_word(&state);
        in[1] = FUZZ_DRAW;
        in[2] = in[2] < 224 ? 0 : in[2] & 31;
        loaded += fuzz_run(t, in, sizeof in);
    }
    passed += draws;
    fuzz_say("%s: %u draws, %u loaded\n", t->name, draws, loaded);
    judge(loaded >= draws / 8, t->name, "few of the draws load");
}

static void write_seeds(const char *folder)
{
    fuzz_seed_folder = folder;
    (void)mkdir(folder, 0777);
    for (size_t i = 0; fuzz_at(i) != NULL; i++) {
        char path[600];

        snprintf(path, sizeof path, "%s/%s", folder, fuzz_at(i)->name);
        (void)mkdir(path, 0777);
        fuzz_at(i)->seeds(fuzz_at(i));
    }
}

static bool draws(const fuzz_target *t)
{
    const char *end = strstr(t->name, "_fields");

    return end != NULL || strcmp(t->name, "machine") == 0;
}

int main(int argc, char **argv)
{
    const fuzz_target *only = argc > 2 ? fuzz_find(argv[2]) : NULL;
    const unsigned count = argc > 3 ? (unsigned)atoi(argv[3]) : 0;

    fuzz_quiet();
    if (argc < 2 || (argc > 2 && only == NULL
                     && strcmp(argv[2], "all") != 0
                     && strcmp(argv[1], "--seeds") != 0)) {
        fuzz_say("replay: CORPUS [TARGET|all [DRAWS]], or --seeds FOLDER\n");
        return 2;
    }
    if (strcmp(argv[1], "--seeds") == 0) {
        write_seeds(argv[2]);
        return 0;
    }
    for (size_t i = 0; fuzz_at(i) != NULL; i++) {
        const fuzz_target *t = fuzz_at(i);
        const clock_t start = clock();

        if (only != NULL && t != only)
            continue;
        run_corpus(t, argv[1]);
        if (count > 0 && draws(t))
            run_draws(t, count);
        if (getenv("FUZZ_SHOW") != NULL)
            fuzz_say("%s: %.2f s\n", t->name,
                     (double)(clock() - start) / CLOCKS_PER_SEC);
    }
    fuzz_say("%u passed, %u failed\n", passed, failed);
    return failed > 0;
}
