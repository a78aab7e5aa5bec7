/* test_vct.c -- files of ciphertexts: round trips and refusals. */
#define _DEFAULT_SOURCE

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"
#include "unet_support.h"

/* Three images of 4 tiles in 2 sets of 4 ciphertexts, N = 32. */
typedef struct fixture {
    nn_plan p;
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    unet_job job;
    ckks_ct ct;
    test_folder folder;
    uint8_t *bytes;             /* of a sound file                           */
    size_t size;
} fixture;

static const uint8_t vct_id[UNET_ID] = { 1, 2, 3 };
static const unet_size vct_sizes[3] = { { 8, 8 }, { 1, 1 }, { 5, 3 } };

static bool encrypt_ramp(fixture *f, double first, int level, double scale)
{
    double re[16];
    ckks_pt pt = {0};
    bool ok;

    for (int j = 0; j < 16; j++)
        re[j] = first + j;
    ok = CHECK_OK(ckks_encode(&pt, f->ctx, re, NULL, 16, level, scale))
         && CHECK_OK(ckks_encrypt_sk(&f->ct, &f->rng, &pt, f->sk));
    ckks_pt_clear(&pt);
    return ok;
}

static bool write_file(fixture *f)
{
    unet_writer *w = NULL;
    uint64_t bytes = 0;
    bool ok = CHECK_OK(unet_writer_open(&w, f->folder.path, &f->p, &f->job,
                                        UNET_INPUT, vct_id, NULL));

    for (size_t i = 0; i < 4 * f->job.sets && ok; i++)
        ok = encrypt_ramp(f, (double)i, f->p.in_level, f->p.in_scale)
             && CHECK_OK(unet_writer_put(w, &f->ct));
    if (ok)
        ok = CHECK_STATUS(unet_writer_put(w, &f->ct), CKKS_EARG);
    if (ok)
        ok = CHECK_OK(unet_writer_finish(w, &bytes));
    unet_writer_clear(&w);
    if (ok)
        f->bytes = bytes_read(f->folder.path, &f->size);
    return ok && CHECK(bytes == f->size, "%llu bytes said, %zu there",
                       (unsigned long long)bytes, f->size);
}

static bool fixture_open(fixture *f)
{
    memset(f, 0, sizeof *f);
    plan_identity(&f->p, NN_HALO, 5, 2, 4, 2, 0, 0);
    f->p.core_width = 4;
    return folder_open(&f->folder)
           && CHECK_OK(nn_plan_context(&f->ctx, &f->p, NULL))
           && CHECK_OK(ckks_rng_init(&f->rng, (const uint8_t *)
                                     "0123456789abcdef0123456789abcdef"))
           && CHECK_OK(ckks_sk_init(&f->sk, f->ctx, &f->rng))
           && CHECK_OK(unet_job_init(&f->job, &f->p, vct_sizes, 3))
           && write_file(f);
}

static void fixture_close(fixture *f)
{
    folder_close(&f->folder);
    free(f->bytes);
    ckks_ct_clear(&f->ct);
    ckks_sk_clear(&f->sk);
    ckks_rng_clear(&f->rng);
    ckks_ctx_clear(&f->ctx);
    unet_job_clear(&f->job);
}

/* Reads a whole file; the first status that is not CKKS_OK. */
static ckks_status read_file(fixture *f, const nn_plan *p)
{
    unet_reader *r = NULL;
    ckks_ct ct = {0};
    ckks_status s = unet_reader_open(&r, f->folder.path, p, UNET_INPUT);

    for (size_t i = 0; i < 4 * f->job.sets && s == CKKS_OK; i++)
        s = unet_reader_next(&ct, r, f->ctx);
    ckks_ct_clear(&ct);
    unet_reader_close(&r);
    return s;
}

static void check_read(fixture *f)
{
    unet_reader *r = NULL;
    unet_info info;
    ckks_pt pt = {0};
    double re[16];

    if (!CHECK_OK(unet_reader_open(&r, f->folder.path, &f->p, UNET_INPUT)))
        return;
    unet_reader_info(&info, r);
    CHECK(info.kind == UNET_INPUT && info.images == 3
          && info.sets == f->job.sets && info.ciphertexts == 4
          && info.bytes == f->size, "%d %u %u %u", info.kind, info.images,
          info.sets, info.ciphertexts);
    CHECK(unet_reader_bytes(r) == f->size, "bytes");
    CHECK(memcmp(unet_reader_job(r)->size, vct_sizes, sizeof vct_sizes) == 0
          && unet_reader_job(r)->tiles == f->job.tiles, "the sizes differ");
    for (size_t i = 0; i < 4 * f->job.sets; i++) {
        CHECK_OK(unet_reader_next(&f->ct, r, f->ctx));
        CHECK_OK(ckks_decrypt(&pt, &f->ct, f->sk));
        CHECK_OK(ckks_decode(re, NULL, 16, &pt));
        for (int j = 0; j < 16; j++)
            CHECK(re[j] > (double)i + j - 0.01 && re[j] < (double)i + j + 0.01,
                  "ciphertext %zu slot %d: %g", i, j, re[j]);
    }
    CHECK_STATUS(unet_reader_next(&f->ct, r, f->ctx), CKKS_EARG);
    ckks_pt_clear(&pt);
    unet_reader_close(&r);
}

TEST(vct_round_trip)
{
    fixture f;
    struct stat st;

    if (fixture_open(&f)) {
        check_read(&f);
        CHECK(folder_files(&f.folder) == 1, "%d files",
              folder_files(&f.folder));
        CHECK(stat(f.folder.path, &st) == 0 && (st.st_mode & 0777) == 0644,
              "mode %o", (unsigned)st.st_mode & 0777);
        CHECK(f.job.sets == 2, "%zu sets", f.job.sets);
    }
    fixture_close(&f);
}

/* Without a plan only the head is read. */
TEST(vct_head_alone)
{
    fixture f;
    unet_reader *r = NULL;
    uint8_t want[16];
    unet_info info;

    if (fixture_open(&f)
        && CHECK_OK(unet_reader_open(&r, f.folder.path, NULL, UNET_INPUT))) {
        unet_reader_info(&info, r);
        CHECK_OK(nn_plan_fingerprint(want, &f.p));
        CHECK(memcmp(info.plan, want, 16) == 0, "fingerprint");
        CHECK(memcmp(info.request, vct_id, UNET_ID) == 0
              && info.part.first == 0 && info.part.count == 2, "request");
        CHECK(unet_reader_job(r)->images == 3, "images");
        CHECK_STATUS(unet_reader_next(&f.ct, r, f.ctx), CKKS_EARG);
        unet_reader_close(&r);
    }
    fixture_close(&f);
}

TEST(vct_every_truncation_refused)
{
    fixture f;

    if (fixture_open(&f))
        for (size_t n = f.size; n-- > 0;) {
            CHECK(truncate(f.folder.path, (off_t)n) == 0, "%zu bytes", n);
            CHECK_STATUS(read_file(&f, &f.p), CKKS_EFORMAT);
        }
    fixture_close(&f);
}

TEST(vct_every_bit_flip_refused)
{
    fixture f;
    bool open = fixture_open(&f);
    FILE *file = open ? fopen(f.folder.path, "r+b") : NULL;

    for (size_t i = 0; i < f.size && file != NULL; i++)
        for (int bit = 0; bit < 8; bit++) {
            ckks_status s;

            fseek(file, (long)i, SEEK_SET);
            fputc(f.bytes[i] ^ 1 << bit, file);
            fflush(file);
            s = read_file(&f, &f.p);
            CHECK(s == CKKS_EFORMAT || s == CKKS_ECTX,
                  "byte %zu bit %d: %s", i, bit, ckks_status_name(s));
            fseek(file, (long)i, SEEK_SET);
            fputc(f.bytes[i], file);
            fflush(file);
        }
    if (file != NULL) {
        CHECK_OK(read_file(&f, &f.p));
        fclose(file);
    }
    fixture_close(&f);
}

TEST(vct_surplus_bytes_refused)
{
    fixture f;
    uint8_t *more;

    if (fixture_open(&f)) {
        more = calloc(1, f.size + 100);
        memcpy(more, f.bytes, f.size);
        for (size_t n = 1; n <= 100; n += 33) {
            bytes_write(f.folder.path, more, f.size + n);
            CHECK_STATUS(read_file(&f, &f.p), CKKS_EFORMAT);
        }
        free(more);
    }
    fixture_close(&f);
}

/* Head fields that lie, the digest made to fit. */
static void check_lie(fixture *f, size_t at, uint64_t value, int bytes)
{
    uint8_t *lie = malloc(f->size);
    const size_t head = 64 + 8 * 3;

    memcpy(lie, f->bytes, f->size);
    for (int i = 0; i < bytes; i++)
        lie[at + (size_t)i] = (uint8_t)(value >> 8 * i);
    ckks_blake2b(lie + head, 16, lie, head, NULL, 0);
    bytes_write(f->folder.path, lie, f->size);
    CHECK(read_file(f, &f->p) == CKKS_EFORMAT, "byte %zu = %llu", at,
          (unsigned long long)value);
    free(lie);
}

TEST(vct_lying_heads_refused)
{
    static const uint64_t counts[] = { 0, 1, 5, 6, 255, 65535, 65537,
                                       0x7fffffff, 0xffffffff };
    fixture f;

    if (fixture_open(&f)) {
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
            check_lie(&f, 40, counts[i], 4);            /* images            */
            check_lie(&f, 44, counts[i], 4);            /* sets              */
            check_lie(&f, 48, counts[i], 4);            /* ciphertexts       */
            if (counts[i] != 0)
                check_lie(&f, 52, counts[i], 4);        /* first set here    */
            check_lie(&f, 56, counts[i], 4);            /* sets here         */
            if (counts[i] == 0 || counts[i] > 8)
                check_lie(&f, 64, counts[i], 4);        /* a height          */
        }
        check_lie(&f, 4, 1, 1);
        check_lie(&f, 4, 3, 1);
        check_lie(&f, 5, UNET_OUTPUT, 1);
        check_lie(&f, 5, 0, 1);
        check_lie(&f, 6, 1, 1);
        check_lie(&f, 8, 77, 1);
        check_lie(&f, 60, 1, 1);
    }
    fixture_close(&f);
}

TEST(vct_foreign_plan_key_level_scale)
{
    fixture f;
    nn_plan other;
    unet_reader *r = NULL;
    unet_writer *w = NULL;

    if (fixture_open(&f)) {
        other = f.p;
        other.in_scale *= 2;
        CHECK_STATUS(read_file(&f, &other), CKKS_EFORMAT);
        CHECK(strstr(nn_last_error(), "another plan") != NULL, "%s",
              nn_last_error());
        CHECK_STATUS(unet_reader_open(&r, f.folder.path, &f.p, UNET_OUTPUT),
                     CKKS_EFORMAT);
        for (int what = 0; what < 2; what++) {
            CHECK_OK(unet_writer_open(&w, f.folder.path, &f.p, &f.job,
                                      UNET_INPUT, vct_id, NULL));
            for (size_t i = 0; i < 4 * f.job.sets; i++) {
                encrypt_ramp(&f, 1, what == 0 ? 0 : 1,
                             what == 0 ? 0x1p30 : 0x1p30 + 1);
                CHECK_OK(unet_writer_put(w, &f.ct));
            }
            CHECK_OK(unet_writer_finish(w, NULL));
            unet_writer_clear(&w);
            CHECK_STATUS(read_file(&f, &f.p), CKKS_EFORMAT);
        }
    }
    fixture_close(&f);
}

/* What is not finished, or has no place to go, leaves nothing behind. */
TEST(vct_writer_leaves_nothing)
{
    fixture f;
    unet_writer *w = NULL;
    char deep[128];

    if (fixture_open(&f)) {
        CHECK_OK(unet_writer_open(&w, f.folder.path, &f.p, &f.job,
                                  UNET_INPUT, vct_id, NULL));
        CHECK(folder_files(&f.folder) == 2, "no temporary file");
        CHECK_STATUS(unet_writer_finish(w, NULL), CKKS_EARG);
        unet_writer_clear(&w);
        CHECK(folder_files(&f.folder) == 1, "%d files",
              folder_files(&f.folder));
        CHECK_OK(read_file(&f, &f.p));              /* the old one           */
        CHECK_STATUS(unet_writer_open(&w, f.folder.name, &f.p, &f.job,
                                      UNET_INPUT, vct_id, NULL), CKKS_EIO);
        snprintf(deep, sizeof deep, "%s/none/x", f.folder.name);
        CHECK_STATUS(
            unet_writer_open(&w, deep, &f.p, &f.job, UNET_INPUT, vct_id, NULL),
            CKKS_EIO);
        CHECK_STATUS(unet_writer_open(&w, "/dev/full", &f.p, &f.job,
                                      UNET_INPUT, vct_id, NULL), CKKS_EIO);
        CHECK_STATUS(unet_writer_open(&w, f.folder.path, &f.p, &f.job,
                                      (unet_kind)3, vct_id, NULL), CKKS_EARG);
        CHECK_STATUS(unet_writer_open(NULL, f.folder.path, &f.p, &f.job,
                                      UNET_INPUT, vct_id, NULL), CKKS_EARG);
        CHECK(w == NULL, "an output changed");
        unet_writer_clear(&w);
        unet_writer_clear(NULL);
    }
    fixture_close(&f);
}

/* A disk that takes 300 bytes, in a child, for the limit is the process's. */
static int child_full_disk(fixture *f)
{
    const struct rlimit limit = { 300, 300 };
    unet_writer *w = NULL;
    ckks_status s;

    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 9;
    s = unet_writer_open(&w, f->folder.path, &f->p, &f->job, UNET_INPUT, vct_id,
                         NULL);
    for (size_t i = 0; i < 4 * f->job.sets && s == CKKS_OK; i++)
        s = unet_writer_put(w, &f->ct);
    if (s == CKKS_OK)
        s = unet_writer_finish(w, NULL);
    unet_writer_clear(&w);
    if (s != CKKS_EIO)
        return 1;
    return strstr(nn_last_error(), "too large") != NULL ? 0 : 2;
}

TEST(vct_writer_full_disk)
{
    fixture f;
    int state = -1;

    if (fixture_open(&f)) {
        pid_t pid;

        fflush(stdout);
        pid = fork();
        if (pid == 0)
            _exit(child_full_disk(&f));
        if (pid > 0)
            waitpid(pid, &state, 0);
        CHECK(WIFEXITED(state) && WEXITSTATUS(state) == 0, "child gave %d",
              state);
        CHECK(folder_files(&f.folder) == 1, "%d files",
              folder_files(&f.folder));
        CHECK_OK(read_file(&f, &f.p));
    }
    fixture_close(&f);
}

TEST(vct_reader_places)
{
    fixture f;
    unet_reader *r = NULL;

    if (fixture_open(&f)) {
        CHECK_STATUS(unet_reader_open(&r, "/no/such", &f.p, UNET_INPUT),
                     CKKS_EIO);
        CHECK_STATUS(unet_reader_open(&r, f.folder.name, &f.p, UNET_INPUT),
                     CKKS_EIO);
        CHECK_STATUS(unet_reader_open(&r, "/dev/zero", &f.p, UNET_INPUT),
                     CKKS_EIO);
        CHECK_STATUS(unet_reader_open(&r, f.folder.path, &f.p, (unet_kind)0),
                     CKKS_EARG);
        CHECK_STATUS(unet_reader_open(NULL, f.folder.path, &f.p, UNET_INPUT),
                     CKKS_EARG);
        CHECK_STATUS(unet_reader_next(NULL, NULL, NULL), CKKS_EARG);
        CHECK(r == NULL, "an output changed");
        unet_reader_close(&r);
        unet_reader_close(NULL);
    }
    fixture_close(&f);
}
