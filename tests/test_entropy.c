/* test_entropy.c -- the operating system's entropy that is short, interrupted
 * or absent, and generators across a fork.
 */
#define _DEFAULT_SOURCE

#include "test.h"

#include <errno.h>

#include "rng.h"

#if defined(__linux__)
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* The C library's getrandom is replaced by this one in the whole test binary:
 * it can fail, be interrupted, and give less than was asked for. */
static struct {
    int    fail;            /* errno of every call, 0 for none               */
    int    interrupts;      /* calls still to be refused with EINTR          */
    size_t most;            /* bytes a call, 0 for no limit                  */
    int    calls;
    bool   lies;            /* of bytes given: `told` of them                */
    long   told;
} entropy;

ssize_t getrandom(void *out, size_t size, unsigned flags);
ssize_t getrandom(void *out, size_t size, unsigned flags)
{
    static uint8_t buf[256];
    long got;

    entropy.calls++;
    if (entropy.fail != 0) {
        errno = entropy.fail;
        return -1;
    }
    if (entropy.interrupts > 0) {
        entropy.interrupts--;
        errno = EINTR;
        return -1;
    }
    if (entropy.lies)
        return (ssize_t)entropy.told;
    if (size > sizeof buf)
        size = sizeof buf;
    if (entropy.most > 0 && size > entropy.most)
        size = entropy.most;
    got = syscall(SYS_getrandom, buf, size, flags);
    if (got > 0)
        memcpy(out, buf, (size_t)got);
    return (ssize_t)got;
}

/* Short and interrupted reads are continued; every byte comes. */
TEST(entropy_in_pieces)
{
    uint8_t seen[CKKS_SEED_BYTES] = { 0 };
    ckks_rng r = { 0 };

    for (int k = 0; k < 20; k++) {
        memset(&entropy, 0, sizeof entropy);
        entropy.most = 5;
        entropy.interrupts = 3;
        CHECK_OK(ckks_rng_init(&r, NULL));
        CHECK(entropy.calls == 3 + 7, "%d calls, want 10", entropy.calls);
        for (size_t i = 0; i < CKKS_SEED_BYTES; i++)
            seen[i] |= r.key[i];
        CHECK(r.ready != 0, "not ready");
    }
    memset(&entropy, 0, sizeof entropy);
    for (size_t i = 0; i < CKKS_SEED_BYTES; i++)
        CHECK(seen[i] != 0, "byte %zu was never filled", i);
    ckks_rng_clear(&r);
}

TEST(entropy_failure)
{
    ckks_rng r, before;

    memset(&r, 0x5a, sizeof r);
    before = r;
    memset(&entropy, 0, sizeof entropy);
    entropy.fail = ENOSYS;
    CHECK_STATUS(ckks_rng_init(&r, NULL), CKKS_ERNG);
    CHECK(strncmp(ckks_last_error(), "ckks_rng_init: ", 15) == 0, "%s",
          ckks_last_error());
    CHECK(memcmp(&r, &before, sizeof r) == 0, "the output changed");
    entropy.fail = 0;
    entropy.lies = true;                /* no bytes, or more than asked for  */
    CHECK_STATUS(ckks_rng_init(&r, NULL), CKKS_ERNG);
    entropy.told = CKKS_SEED_BYTES + 1;
    CHECK_STATUS(ckks_rng_init(&r, NULL), CKKS_ERNG);
    CHECK(memcmp(&r, &before, sizeof r) == 0, "the output changed");
    memset(&entropy, 0, sizeof entropy);
}

/* 32 bytes of the next stream of a copy of r, drawn in a forked child. */
static bool child_stream(uint8_t out[32], const ckks_rng *r)
{
    int end[2], state = 0;
    bool ok;
    pid_t pid;

    if (pipe(end) != 0)
        return false;
    pid = fork();
    if (pid == 0) {
        ckks_rng mine = *r;
        cki_stream s;

        cki_rng_stream(&s, &cki_kernel_portable, &mine);
        cki_stream_read(&s, out, 32);
        _exit(write(end[1], out, 32) == 32 ? 0 : 1);
    }
    close(end[1]);
    ok = pid > 0 && read(end[0], out, 32) == 32;
    close(end[0]);
    if (pid > 0)
        waitpid(pid, &state, 0);
    return ok && state == 0;
}

/* Parent and children of a fork draw different streams, with and without
 * fresh entropy in the child; a seeded generator repeats. */
TEST(fork_never_shares)
{
    uint8_t s[3][32], seed[32] = { 1 };
    cki_stream t;
    ckks_rng r = { 0 };

    for (int fail = 0; fail < 2; fail++) {
        memset(&entropy, 0, sizeof entropy);
        if (!CHECK_OK(ckks_rng_init(&r, NULL)))
            return;
        cki_rng_stream(&t, &cki_kernel_portable, &r);
        entropy.fail = fail ? ENOSYS : 0;
        if (!CHECK(child_stream(s[0], &r) && child_stream(s[1], &r), "fork"))
            return;
        memset(&entropy, 0, sizeof entropy);
        cki_rng_stream(&t, &cki_kernel_portable, &r);
        cki_stream_read(&t, s[2], 32);
        CHECK(memcmp(s[0], s[1], 32) != 0, "two children share (%d)", fail);
        CHECK(memcmp(s[0], s[2], 32) != 0, "child and parent share (%d)",
              fail);
        CHECK(r.counter == 2, "counter %" PRIu64, r.counter);
    }
    CHECK_OK(ckks_rng_init(&r, seed));
    CHECK(child_stream(s[0], &r) && child_stream(s[1], &r), "fork");
    CHECK(memcmp(s[0], s[1], 32) == 0, "a seeded generator must repeat");
}

#endif
