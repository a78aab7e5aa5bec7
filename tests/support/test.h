/* test.h -- the test harness: one binary, one list of tests.
 *
 * A file tests/LIBRARY/test_x.c includes this and holds tests:
 *
 *     TEST(add_wraps_at_p)
 *     {
 *         for (uint64_t a = 0; a < p; a++)
 *             CHECK(cki_add(a, p - 1, p) == (a + p - 1) % p,
 *                   "a=%" PRIu64 " p=%" PRIu64, a, p);
 *     }
 *
 * TEST registers the function before main runs; linking the file is enough.
 * A failing CHECK prints file, line, the condition and the values, marks the
 * test as failed and goes on; it is an expression, so a test that cannot go
 * on says  if (!CHECK_OK(ckks_ctx_init(&c, &p))) return;  A test prints its
 * first TEST_MAX_SHOWN failures and counts the rest.
 *
 * The binary takes words: the tests whose "file:name" contains the first are
 * run ("test_rng.c:" is a whole file), then those of the second, and so on.
 * Before the words, -l lists names instead, and -s ends the process at the
 * first failing check (tests/mutants/mutants.py).  The last line is "N passed,
 * N failed" or "N passed, N failed, N skipped"; the exit code is 1 if a test
 * failed.  CKKS_LONG=1 in the environment asks for the long form of tests that
 * have one.
 */
#ifndef CKKS_TEST_H
#define CKKS_TEST_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ckks.h"
#include "ckks_primitives.h"
#include "ckks_seal.h"

enum { TEST_MAX_SHOWN = 8 };

typedef struct test_case {
    const char *file;
    const char *name;
    void (*run)(void);
    struct test_case *next;
} test_case;

void test_register(test_case *t);

/* Defines and registers a test; the body follows. */
#define TEST(id)                                                          \
    static void test_body_##id(void);                                     \
    static test_case test_case_##id =                                     \
        { __FILE__, #id, test_body_##id, NULL };                          \
    __attribute__((constructor)) static void test_enrol_##id(void)        \
    {                                                                     \
        test_register(&test_case_##id);                                   \
    }                                                                     \
    static void test_body_##id(void)

/* True if the condition holds.  The rest is a printf format with values,
 * evaluated only on failure. */
#define CHECK(c, ...)                                                     \
    test_verdict((c) || test_fail(__FILE__, __LINE__, #c, __VA_ARGS__))

/* The call must give CKKS_OK; else its name and message are printed. */
#define CHECK_OK(call) \
    test_status(__FILE__, __LINE__, #call, (call), CKKS_OK)

/* The call must give this status. */
#define CHECK_STATUS(call, want) \
    test_status(__FILE__, __LINE__, #call, (call), (want))

/* Says why a test does nothing here; the test then returns. */
void test_skip(const char *reason);

/* Words between bytes: prints "  note: ..." under the test's line. */
void test_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* True if the environment asks for the long form (CKKS_LONG). */
bool test_long(void);

/* The next word of a deterministic sequence (splitmix64); *state is any
 * number.  For test data only. */
uint64_t test_word(uint64_t *state);

/* The bytes in hexadecimal (at most 256) are the text; else a failure that
 * prints both. */
bool test_same_hex(const uint8_t *got, size_t size, const char *want);

/* Tells MemorySanitizer that size bytes hold something: what a bare system call
 * wrote, or a comparison of padding that is meant. */
#define TEST_INITIALISED(p, size) ((void)0)
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#undef TEST_INITIALISED
#define TEST_INITIALISED(p, size) __msan_unpoison(p, size)
#endif
#endif

/* Behind the macros. */
static inline bool test_verdict(bool ok)
{
    return ok;
}
bool test_fail(const char *file, int line, const char *text,
               const char *format, ...) __attribute__((format(printf, 4, 5)));
bool test_status(const char *file, int line, const char *text,
                 ckks_status got, ckks_status want);

#endif
