/* replay.c -- the corpora and a fixed number of drawn inputs, without
 * libFuzzer.
 *
 *     replay CORPUS [TARGET|all [DRAWS [FROM]]]
 *                                 the inputs to begin with (seeds), every file
 *                                 of CORPUS/TARGET/, both with neighbours;
 *                                 then, for the targets that draw, drawn
 *                                 inputs number FROM (0) to FROM + DRAWS - 1
 *     replay --draw TARGET K FILE   writes drawn input number K
 *     replay --seeds FOLDER       writes the seeds
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

enum {
    DRAWN = 96,                 /* bytes of a drawn input                    */
    NEAR = 160                  /* bytes of a file that are changed          */
};

static unsigned passed, failed;

static void judge(bool ok, const char *what, const char *name)
{
    passed += ok;
    failed += !ok;
    if (!ok)
        fuzz_say("FAIL %s: %s\n", what, name);
}

/* A byte more and less, each of the first bytes changed, and cut in two: what a
 * file is refused for, mostly stands at its beginning.  Bytes change in two ways
 * at even places and in two others at odd ones; in all four with CKKS_LONG=1,
 * which takes twice the time. */
static void run_neighbours(const fuzz_target *t, uint8_t *b, size_t n)
{
    const size_t end = n < NEAR ? n : NEAR;
    const size_t apart = getenv("CKKS_LONG") != NULL ? 1 : 2;

    b[n] = 1;
    (void)fuzz_run(t, b, n + 1);
    if (n > FUZZ_CHOICE)
        (void)fuzz_run(t, b, n - 1);
    (void)fuzz_run(t, b, n / 2);
    for (size_t i = FUZZ_CHOICE; i < end; i++) {
        const uint8_t was = b[i];
        const uint8_t other[] = { (uint8_t)(was + 1), (uint8_t)(was ^ 0x80), 0,
                                  255 };

        for (size_t k = i % apart; k < sizeof other; k += apart) {
            b[i] = other[k];
            if (b[i] != was)
                (void)fuzz_run(t, b, n);
        }
        b[i] = was;
    }
}

static unsigned loaded;

/* As it is, then its neighbours, mended and not; failing calls are not swept
 * there, which would take minutes. */
static void run_one(const fuzz_target *t, const uint8_t *bytes, size_t n)
{
    uint8_t *b = fuzz_room(n + 1);

    memcpy(b, bytes, n);
    loaded += fuzz_run(t, b, n);
    passed++;
    if (n >= FUZZ_CHOICE) {
        b[1] &= (uint8_t)~(FUZZ_SWEEP | FUZZ_MISUSE);
        run_neighbours(t, b, n);
        if (b[1] & FUZZ_MEND) {
            b[1] &= (uint8_t)~FUZZ_MEND;
            run_neighbours(t, b, n);
        }
    }
    fuzz_free(b);
}

static void run_file(const fuzz_target *t, const char *path)
{
    uint8_t *bytes = fuzz_room(FUZZ_LARGEST);
    FILE *f = fopen(path, "rb");
    size_t n = f != NULL ? fread(bytes, 1, FUZZ_LARGEST, f) : 0;

    fuzz_must(f != NULL && fclose(f) == 0, "%s: %s", path, strerror(errno));
    run_one(t, bytes, n);
    fuzz_free(bytes);
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
    int n;

    loaded = 0;
    fuzz_seed_taker = run_one;
    t->seeds(t);
    judge(loaded > 0, t->name, "no seed loads");
    snprintf(path, sizeof path, "%s/%s", corpus, t->name);
    n = scandir(path, &file, visible, alphasort);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s/%s", corpus, t->name,
                 file[i]->d_name);
        if (getenv("FUZZ_SHOW") != NULL)
            fuzz_say("%s\n", path);
        run_file(t, path);
        free(file[i]);
    }
    free(file);
    judge(n > 0, t->name, "no corpus");
}

/* splitmix64 */
static uint64_t next_word(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Number k of the drawn inputs. */
static void draw(uint8_t in[FUZZ_CHOICE + DRAWN], unsigned k)
{
    uint64_t state = k;

    for (size_t i = 0; i < FUZZ_CHOICE + DRAWN; i++)
        in[i] = (uint8_t)next_word(&state);
    in[1] = FUZZ_DRAW;
    in[2] = in[2] < 224 ? 0 : in[2] & 31;
}

/* Too few that load test the refusals alone. */
static void run_draws(const fuzz_target *t, unsigned draws, unsigned from)
{
    uint8_t in[FUZZ_CHOICE + DRAWN];

    loaded = 0;
    for (unsigned k = from; k < from + draws; k++) {
        draw(in, k);
        if (getenv("FUZZ_SHOW") != NULL)
            fuzz_say("%s: draw %u\n", t->name, k);
        loaded += fuzz_run(t, in, sizeof in);
    }
    passed += draws;
    fuzz_say("%s: %u draws, %u loaded\n", t->name, draws, loaded);
    judge(loaded >= draws / 8, t->name, "few of the draws load");
}

static void write_draw(unsigned k, const char *path)
{
    uint8_t in[FUZZ_CHOICE + DRAWN];

    draw(in, k);
    fuzz_must(ckks_file_write(path, in, sizeof in, 0644) == CKKS_OK, "%s",
              path);
}

static const char *seed_folder;

static void write_seed(const fuzz_target *t, const uint8_t *bytes, size_t n)
{
    static unsigned number;
    char path[600];

    snprintf(path, sizeof path, "%s/%s/seed-%04u", seed_folder, t->name,
             number++);
    fuzz_must(ckks_file_write(path, bytes, n, 0644) == CKKS_OK, "%s", path);
}

static void write_seeds(const char *folder)
{
    seed_folder = folder;
    fuzz_seed_taker = write_seed;
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
    const unsigned from = argc > 4 ? (unsigned)atoi(argv[4]) : 0;

    fuzz_quiet();
    fuzz_is_replay = true;
    if (argc == 5 && strcmp(argv[1], "--draw") == 0) {
        write_draw(count, argv[4]);
        return 0;
    }
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
            run_draws(t, count, from);
        if (getenv("FUZZ_SHOW") != NULL)
            fuzz_say("%s: %.2f s\n", t->name,
                     (double)(clock() - start) / CLOCKS_PER_SEC);
    }
    fuzz_say("%u passed, %u failed\n", passed, failed);
    return failed > 0;
}
