/* fuzzer.c -- the entry for libFuzzer; FUZZ_TARGET in the environment names the
 * target.
 */
#include <stdlib.h>

#include "fuzz.h"

static const fuzz_target *target;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    target = fuzz_find(getenv("FUZZ_TARGET"));
    fuzz_must(target != NULL, "FUZZ_TARGET names no target");
    fuzz_quiet();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    (void)fuzz_run(target, bytes, size);
    return 0;
}
