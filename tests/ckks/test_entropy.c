/* test_entropy.c -- the operating system's entropy that is short, interrupted
 * or absent; copies of generators, by a fork or by assignment; and computing
 * in a forked process.
 */
#define _DEFAULT_SOURCE

#include "test.h"

#include <errno.h>

#include "misuse_support.h"
#include "net_support.h"
#include "unet_support.h"

#if defined(__linux__)
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* The C library's getrandom is replaced by this one in the whole test binary:
 * it can fail, be interrupted, and give less than was asked for. */
static struct {
    int    fail;            /* errno of every call, 0 for none               */
    int    good;            /* calls before that that are answered           */
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
    if (entropy.fail != 0 && entropy.calls > entropy.good) {
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

/* ---- every function that draws ------------------------------------------ */

static mess m;

static ckks_status do_sk_init(void)
{
    return ckks_sk_init(&m.out_sk, m.ctx, &m.rng);
}

static ckks_status do_pk_init(void)
{
    return ckks_pk_init(&m.out_pk, &m.rng, m.sk);
}

static ckks_status do_keys_init(void)
{
    const ckks_key_request r[2] = { { CKKS_KEY_RELIN, 0, 2 },
                                    { CKKS_KEY_ROTATE, 3, 0 } };

    return ckks_keys_init(&m.out_keys, &m.rng, m.sk, r, 2);
}

static ckks_status do_keys_maker_init(void)
{
    const ckks_key_request r[2] = { { CKKS_KEY_RELIN, 0, 2 },
                                    { CKKS_KEY_ROTATE, 3, 0 } };
    ckks_keys_maker *made = NULL;
    ckks_status s = ckks_keys_maker_init(&made, &m.rng, m.sk, r, 2);

    CHECK((made != NULL) == (s == CKKS_OK), "%s", ckks_status_name(s));
    ckks_keys_maker_clear(&made);
    return s;
}

static ckks_status do_encrypt_sk(void)
{
    return ckks_encrypt_sk(&m.out, &m.rng, &m.pt, m.sk);
}

static ckks_status do_encrypt(void)
{
    return ckks_encrypt(&m.out, &m.rng, &m.pt, m.pk);
}

static ckks_status do_flooded(void)
{
    return ckks_decrypt_flooded(&m.out_pt, &m.rng, &m.ct, m.sk, 6, 20);
}

static ckks_status do_bytes(void)
{
    return ckks_rng_bytes(m.bytes, 20, &m.rng);
}

/* tests/scripts/alloc.sh compares the names with ckks.h. */
static const struct drawing {
    const char *name;
    ckks_status (*run)(void);
} drawings[] = {
    { "ckks_sk_init", do_sk_init },
    { "ckks_pk_init", do_pk_init },
    { "ckks_keys_init", do_keys_init },
    { "ckks_keys_maker_init", do_keys_maker_init },
    { "ckks_encrypt_sk", do_encrypt_sk },
    { "ckks_encrypt", do_encrypt },
    { "ckks_decrypt_flooded", do_flooded },
    { "ckks_rng_bytes", do_bytes }
};

enum { DRAWINGS = sizeof drawings / sizeof *drawings };

/* No entropy: CKKS_ERNG, no byte of any object changed, generator included,
 * nothing allocated is left; what is short and interrupted is enough. */
static void drawing_refused(const struct drawing *d)
{
    static const int reason[] = { ENOSYS, EIO, EAGAIN };
    const misuse_meter before = m.meter;

    for (size_t i = 0; i < sizeof reason / sizeof *reason; i++) {
        memset(&entropy, 0, sizeof entropy);
        entropy.fail = reason[i];
        entropy.most = 31;
        entropy.good = i == 1;          /* ends within the 32 bytes          */
        REFUSED(&m, CKKS_ERNG, d->name, d->run());
        CHECK(entropy.calls == entropy.good + 1, "%s: %d calls", d->name,
              entropy.calls);
        CHECK(m.meter.objects == before.objects
              && m.meter.bytes == before.bytes, "%s leaks", d->name);
    }
    memset(&entropy, 0, sizeof entropy);
    entropy.most = 5;
    entropy.interrupts = 2;
    CHECK_OK(d->run());
    CHECK(entropy.calls == 2 + 7, "%s: %d calls, want 9", d->name,
          entropy.calls);
    memset(&entropy, 0, sizeof entropy);
}

TEST(entropy_failure_refuses_every_draw)
{
    if (!mess_init(&m))
        return;
    if (CHECK_OK(ckks_rng_init(&m.rng, NULL)))
        for (int i = 0; i < DRAWINGS; i++)
            drawing_refused(&drawings[i]);
    mess_clear(&m);
}

/* A generator made from a seed never asks. */
TEST(entropy_is_not_for_seeds)
{
    if (!mess_init(&m))
        return;
    memset(&entropy, 0, sizeof entropy);
    entropy.fail = ENOSYS;
    for (int i = 0; i < DRAWINGS; i++)
        CHECK_OK(drawings[i].run());
    CHECK(entropy.calls == 0, "%d calls", entropy.calls);
    memset(&entropy, 0, sizeof entropy);
    mess_clear(&m);
}

/* Entropy that ends at any of the owner's draws: no keys, no file. */
TEST(entropy_failure_leaves_no_file)
{
    static const unet_size size = { 9, 8 };
    double pixel[9 * 8] = { 0 };
    const double *const list[1] = { pixel };
    const unet_pixels pixels = unet_pixels_array(list);
    nn_plan p;
    ckks_ctx *ctx = NULL;
    ckks_rng r = { 0 };
    ckks_sk *sk = NULL;
    ckks_keys *keys = NULL;
    unet_job job = { 0 };
    test_folder f;
    int draws = 0;
    uint64_t bytes;

    plan_identity(&p, NN_HALO, 5, 2, 4, 3, 1, 0);
    memset(&entropy, 0, sizeof entropy);
    if (!folder_open(&f) || !CHECK_OK(nn_plan_context(&ctx, &p, NULL))
        || !CHECK_OK(ckks_rng_init(&r, NULL)))
        return;
    for (entropy.fail = EIO; draws < 2; draws++) {
        entropy.calls = 0;
        entropy.good = draws;
        NN_STATUS(unet_keygen(&sk, &keys, &r, ctx, &p), CKKS_ERNG);
        CHECK(sk == NULL && keys == NULL, "keys were made");
    }
    entropy.fail = 0;
    NN_OK(unet_keygen(&sk, &keys, &r, ctx, &p));
    NN_OK(unet_job_init(&job, &p, &size, 1));
    for (draws = 0; draws < 100; draws++) {
        ckks_status s;

        entropy.fail = EIO;
        entropy.calls = 0;
        entropy.good = draws;
        s = unet_encrypt(f.path, &bytes, NULL, &r, &p, &job, &pixels, ctx, sk,
                         NULL);
        if (s == CKKS_OK)
            break;
        NN_STATUS(s, CKKS_ERNG);
        CHECK(folder_files(&f) == 0, "draw %d: %d files", draws,
              folder_files(&f));
    }
    CHECK((size_t)draws == 1 + job.sets * (size_t)nn_plan_inputs(&p),
          "%d draws: the request's name, ciphertexts", draws);
    memset(&entropy, 0, sizeof entropy);
    folder_close(&f);
    unet_job_clear(&job);
    ckks_keys_clear(&keys);
    ckks_sk_clear(&sk);
    ckks_rng_clear(&r);
    ckks_ctx_clear(&ctx);
}

/* ---- copies ------------------------------------------------------------- */

enum { DRAWN = CKKS_SEED_BYTES };

/* What an encryption with this generator draws first. */
static bool drawn(uint8_t out[DRAWN], ckks_rng *r)
{
    ckks_ct ct = { 0 };
    bool ok = ckks_encrypt_sk(&ct, r, &m.pt, m.sk) == CKKS_OK;

    if (ok)
        memcpy(out, ct.seed, DRAWN);
    ckks_ct_clear(&ct);
    return ok;
}

/* `count` rows have been drawn: no two are equal. */
static void all_differ(uint8_t (*row)[DRAWN], int count, const char *what)
{
    for (int i = 0; i < count; i++)
        for (int j = 0; j < i; j++)
            CHECK(memcmp(row[i], row[j], DRAWN) != 0,
                  "%s: draws %d and %d are the same", what, j, i);
}

/* Runs a body in a forked child, which writes rows of what it drew. */
static bool child_draws(uint8_t (*row)[DRAWN], int count, ckks_rng *r,
                        bool (*body)(uint8_t (*row)[DRAWN], ckks_rng *r))
{
    const size_t size = (size_t)count * DRAWN;
    int end[2], state = 0;
    size_t got = 0;
    pid_t pid;

    if (pipe(end) != 0)
        return false;
    pid = fork();
    if (pid == 0) {
        alarm(60);
        _exit(body(row, r) && write(end[1], row, size) == (ssize_t)size ? 0
                                                                        : 1);
    }
    close(end[1]);
    while (pid > 0 && got < size) {
        ssize_t n = read(end[0], (uint8_t *)row + got, size - got);

        if (n <= 0)
            break;
        got += (size_t)n;
    }
    close(end[0]);
    if (pid > 0)
        waitpid(pid, &state, 0);
    return got == size && state == 0;
}

static bool draw_once(uint8_t (*row)[DRAWN], ckks_rng *r)
{
    return drawn(row[0], r);
}

/* Child, its own child, child again. */
static bool draw_around_a_fork(uint8_t (*row)[DRAWN], ckks_rng *r)
{
    return drawn(row[0], r) && child_draws(row + 1, 1, r, draw_once)
           && drawn(row[2], r);
}

static bool draw_is_refused(uint8_t (*row)[DRAWN], ckks_rng *r)
{
    memset(row[0], 0, DRAWN);
    entropy.fail = ENOSYS;
    return ckks_encrypt_sk(&m.out, r, &m.pt, m.sk) == CKKS_ERNG
           && ckks_encrypt(&m.out, r, &m.pt, m.pk) == CKKS_ERNG;
}

/* Parent, children and their children, before, between and after draws. */
TEST(fork_never_shares)
{
    uint8_t row[10][DRAWN], seed[CKKS_SEED_BYTES] = { 1 };
    ckks_rng r = { 0 };

    memset(&entropy, 0, sizeof entropy);
    if (!mess_init(&m) || !CHECK_OK(ckks_rng_init(&r, NULL)))
        return;
    CHECK(child_draws(row, 1, &r, draw_once)
          && child_draws(row + 1, 1, &r, draw_once) && drawn(row[2], &r)
          && child_draws(row + 3, 3, &r, draw_around_a_fork)
          && child_draws(row + 6, 3, &r, draw_around_a_fork)
          && drawn(row[9], &r), "a draw failed");
    all_differ(row, 10, "forks");
    CHECK(child_draws(row, 1, &r, draw_is_refused),
          "a child without entropy drew");
    CHECK_OK(ckks_rng_init(&r, seed));
    CHECK(child_draws(row, 1, &r, draw_once) && drawn(row[1], &r), "seeded");
    CHECK(memcmp(row[0], row[1], DRAWN) == 0,
          "a seeded generator must repeat");
    mess_clear(&m);
}

/* A struct that was assigned, moved or put back draws something else. */
TEST(copies_never_repeat)
{
    uint8_t row[6][DRAWN], seed[CKKS_SEED_BYTES] = { 1 };
    ckks_rng r = { 0 }, copy, kept;

    memset(&entropy, 0, sizeof entropy);
    if (!mess_init(&m) || !CHECK_OK(ckks_rng_init(&r, NULL)))
        return;
    kept = copy = r;
    CHECK(drawn(row[0], &r) && drawn(row[1], &copy) && drawn(row[2], &copy),
          "a draw failed");
    copy = kept;
    CHECK(drawn(row[3], &copy), "a draw failed");
    r = kept;
    CHECK(drawn(row[4], &r) && drawn(row[5], &kept), "a draw failed");
    all_differ(row, 6, "copies");
    CHECK_OK(ckks_rng_init(&r, seed));
    copy = r;
    CHECK(drawn(row[0], &r) && drawn(row[1], &copy)
          && memcmp(row[0], row[1], DRAWN) == 0,
          "copies of a seeded generator must repeat");
    mess_clear(&m);
}

/* ---- computing in a forked process ----------------------------------------
 * Both pass in a build without OpenMP too; `make check` runs them with it in
 * BUILD/tests-omp, where the parent's threads do not exist in the child. */

static bool sums_of(uint8_t (*row)[DRAWN], ckks_rng *r)
{
    static const int step[3] = { 1, 0, 1 };
    const ckks_ct *a[3] = { &m.ct, &m.ct, &m.ct };

    (void)r;
    if (ckks_rotate_sum(&m.out, a, step, 3, m.keys) != CKKS_OK)
        return false;
    ckks_blake2b(row[0], DRAWN, (const uint8_t *)m.out.limb,
                 2 * 3 * m.ctx->n * sizeof(uint64_t), NULL, 0);
    return true;
}

TEST(fork_computes)
{
    uint8_t row[2][DRAWN];

    if (!mess_init(&m))
        return;
    CHECK(sums_of(row, NULL) && child_draws(row + 1, 1, NULL, sums_of),
          "no result");
    CHECK(memcmp(row[0], row[1], DRAWN) == 0, "the child has another result");
    mess_clear(&m);
}

static rig net;

static bool run_net(uint8_t (*row)[DRAWN], ckks_rng *r)
{
    rig_error e;

    (void)r;
    if (!rig_encrypted(&e, &net, 7))
        return false;
    memcpy(row[0], e.hash, DRAWN);
    return true;
}

TEST(fork_runs_a_network)
{
    const net_kind *kind = &net_kinds[0];
    uint8_t row[2][DRAWN];
    rig_shape s;

    memset(&net, 0, sizeof net);
    if (!CHECK(rig_shape_at(&s, kind, NN_WRAP, 0), "no shape")
        || !rig_init(&net, &s, kind->build))
        return;
    CHECK(run_net(row, NULL) && child_draws(row + 1, 1, NULL, run_net),
          "no result");
    CHECK(memcmp(row[0], row[1], DRAWN) == 0, "the child has another result");
    rig_clear(&net);
}

#endif
