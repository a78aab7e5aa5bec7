/* test.c -- registers, selects, runs, times and counts the tests. */
#define _POSIX_C_SOURCE 200809L

#include "test.h"

#include <stdarg.h>
#include <time.h>

static test_case *first_case, *last_case;

/* Of the test that runs now. */
static int failures;
static bool skipped;

/* -s: the first failing check ends the process. */
static bool stops;

void test_register(test_case *t)
{
    if (last_case != NULL)
        last_case->next = t;
    else
        first_case = t;
    last_case = t;
}

bool test_fail(const char *file, int line, const char *text,
               const char *format, ...)
{
    va_list ap;

    if (failures++ >= TEST_MAX_SHOWN)
        return false;
    printf("  %s:%d: CHECK(%s)\n    ", file, line, text);
    va_start(ap, format);
    vprintf(format, ap);
    va_end(ap);
    printf("\n");
    if (stops)
        exit(1);
    return false;
}

bool test_status(const char *file, int line, const char *text,
                 ckks_status got, ckks_status want)
{
    if (got == want)
        return true;
    return test_fail(file, line, text, "got %s (%s), want %s",
                     ckks_status_name(got),
                     got == CKKS_OK ? "" : ckks_last_error(),
                     ckks_status_name(want));
}

void test_skip(const char *reason)
{
    printf("  skipped: %s\n", reason);
    skipped = true;
}

void test_note(const char *format, ...)
{
    va_list ap;

    printf("  note: ");
    va_start(ap, format);
    vprintf(format, ap);
    va_end(ap);
    printf("\n");
}

bool test_long(void)
{
    const char *s = getenv("CKKS_LONG");

    return s != NULL && s[0] != '\0' && strcmp(s, "0") != 0;
}

uint64_t test_word(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

bool test_same_hex(const uint8_t *got, size_t size, const char *want)
{
    char text[2 * 256 + 1] = "";

    for (size_t i = 0; i < size && i < 256; i++)
        snprintf(text + 2 * i, 3, "%02x", got[i]);
    return CHECK(strcmp(text, want) == 0, "got  %s\n    want %s", text, want);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* With -s the processor's, which a busy machine does not stretch. */
static double seconds(void)
{
    struct timespec t;

    clock_gettime(stops ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool selected(const test_case *t, const char *filter)
{
    char full[512];

    if (filter == NULL)
        return true;
    snprintf(full, sizeof full, "%s:%s", base_name(t->file), t->name);
    return strstr(full, filter) != NULL;
}

/* Runs one test; its line comes after what the test itself prints. */
static void run_one(const test_case *t, int *passed, int *failed, int *skips)
{
    double start = seconds();
    const char *verdict;

    failures = 0;
    skipped = false;
    t->run();
    if (failures > TEST_MAX_SHOWN)
        printf("  ... and %d more\n", failures - TEST_MAX_SHOWN);
    if (failures > 0) {
        verdict = "FAIL";
        ++*failed;
    } else if (skipped) {
        verdict = "skip";
        ++*skips;
    } else {
        verdict = "ok";
        ++*passed;
    }
    printf("%-4s %s (%.3f s)\n", verdict, t->name, seconds() - start);
}

/* Of one run of the program. */
typedef struct tally {
    int passed, failed, skips;
    const char *group;
} tally;

/* Runs, or lists, the tests with this word in "file:name". */
static void run_selected(tally *sum, const char *word, bool list)
{
    for (const test_case *t = first_case; t != NULL; t = t->next) {
        if (!selected(t, word))
            continue;
        if (list) {
            printf("%s:%s\n", base_name(t->file), t->name);
            continue;
        }
        if (strcmp(sum->group, t->file) != 0) {
            sum->group = t->file;
            printf("---- %s\n", base_name(sum->group));
        }
        run_one(t, &sum->passed, &sum->failed, &sum->skips);
    }
}

int main(int argc, char **argv)
{
    tally sum = { 0, 0, 0, "" };
    const char *kernel = getenv("CKKS_KERNEL");
    bool list = argc > 1 && strcmp(argv[1], "-l") == 0;
    int at = 1;

    stops = argc > 1 && strcmp(argv[1], "-s") == 0;
    at += list || stops;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (kernel != NULL && !list)
        printf("kernel forced by CKKS_KERNEL: %s\n", kernel);
    do {
        run_selected(&sum, at < argc ? argv[at] : NULL, list);
    } while (++at < argc);
    if (list)
        return 0;
    printf("%d passed, %d failed", sum.passed, sum.failed);
    if (sum.skips > 0)
        printf(", %d skipped", sum.skips);
    printf("\n");
    return sum.failed > 0 ? 1 : 0;
}
