/* test_join.c -- parts of one result: which files go together, what is made of
 * them, and heads that lie. */
#include <stdio.h>
#include <string.h>

#include "net_support.h"
#include "parts.h"
#include "unet_support.h"
#include "vct.h"

enum { IMAGES = 5, SETS = 5, CTS = 4, SLOTS = 128,
       AT_DIGEST = VCT_HEAD + VCT_ENTRY * IMAGES + UNET_ID };

static const uint8_t request[UNET_ID] = "of this request";
static const uint8_t mark[UNET_ID] = "what it is from.";

/* Five sets of four ciphertexts, N = 256; as a whole result, and room for
 * files of parts. */
typedef struct joined_sets {
    nn_plan p;
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    unet_job job;
    ckks_ct ct[SETS][CTS];
    test_folder folder, part[SETS + 1], out;
    const char *path[SETS + 1];
    uint8_t *whole;
    size_t size;
} joined_sets;

/* A file of sets first..first + count - 1; marked: as a part. */
static bool put(joined_sets *x, const char *path, size_t first, size_t count,
                int marked)
{
    unet_info info = { .kind = UNET_OUTPUT, .sets = SETS, .ciphertexts = CTS,
                       .part = { first, count }, .marked = marked };
    unet_writer *w = NULL;
    bool ok = NN_OK(nn_plan_fingerprint(info.plan, &x->p));

    memcpy(info.request, request, UNET_ID);
    memcpy(info.mark, mark, UNET_ID);
    ok = ok && NN_OK(uni_writer_open(&w, path, &info, &x->job));
    for (size_t i = 0; i < count * CTS && ok; i++)
        ok = NN_OK(unet_writer_put(w, &x->ct[first + i / CTS][i % CTS]));
    ok = ok && NN_OK(unet_writer_finish(w, NULL));
    unet_writer_clear(&w);
    return ok;
}

static bool sets_encrypt(joined_sets *x)
{
    double slots[SLOTS] = {0};
    ckks_pt pt = {0};
    bool ok = true;

    for (int i = 0; i < SETS * CTS && ok; i++) {
        slots[i] = i;
        ok = CHECK_OK(ckks_encode(&pt, x->ctx, slots, NULL, SLOTS,
                                  x->p.out_level, x->p.out_scale))
             && CHECK_OK(ckks_encrypt_sk(&x->ct[i / CTS][i % CTS], &x->rng,
                                         &pt, x->sk));
    }
    ckks_pt_clear(&pt);
    return ok;
}

static bool sets_open(joined_sets *x)
{
    unet_size size[IMAGES];
    bool ok;

    memset(x, 0, sizeof *x);
    plan_identity(&x->p, NN_ZERO, 8, 2, 4, 4, 0, 0);
    x->p.layout.batch = 1;
    for (int i = 0; i < IMAGES; i++)
        size[i] = (unet_size){ 8, 8 };
    ok = folder_open(&x->folder) && folder_open(&x->out)
         && NN_OK(nn_plan_context(&x->ctx, &x->p, NULL))
         && CHECK_OK(ckks_rng_init(&x->rng, (const uint8_t *)
                                   "0123456789abcdef0123456789abcdef"))
         && CHECK_OK(ckks_sk_init(&x->sk, x->ctx, &x->rng))
         && NN_OK(unet_job_init(&x->job, &x->p, size, IMAGES))
         && CHECK(x->job.sets == SETS, "%zu sets", x->job.sets)
         && sets_encrypt(x) && put(x, x->folder.path, 0, SETS, 0);
    for (int i = 0; i <= SETS && ok; i++) {
        ok = folder_open(&x->part[i]);
        x->path[i] = x->part[i].path;
    }
    if (ok)
        x->whole = bytes_read(x->folder.path, &x->size);
    return ok && CHECK(x->whole != NULL, "no whole result");
}

static void sets_close(joined_sets *x)
{
    for (int i = 0; i < SETS * CTS; i++)
        ckks_ct_clear(&x->ct[i / CTS][i % CTS]);
    for (int i = 0; i <= SETS; i++)
        folder_close(&x->part[i]);
    free(x->whole);
    folder_close(&x->folder);
    folder_close(&x->out);
    unet_job_clear(&x->job);
    ckks_sk_clear(&x->sk);
    ckks_rng_clear(&x->rng);
    ckks_ctx_clear(&x->ctx);
}

/* N parts as evaluate cuts them. */
static bool put_parts(joined_sets *x, size_t n)
{
    bool ok = true;

    for (size_t k = 0; k < n && ok; k++)
        ok = put(x, x->path[k], SETS * k / n,
                 SETS * (k + 1) / n - SETS * k / n, 1);
    return ok;
}

/* What is joined is what one evaluation writes, byte by byte; every part is
 * read by the owner's reader, too. */
TEST(join_gives_the_whole)
{
    joined_sets x;

    for (bool open = sets_open(&x); open; open = false)
        for (size_t n = 1; n <= SETS + 1; n++) {
            unet_joined done = {0};
            size_t size = 0;
            uint8_t *bytes;

            if (!put_parts(&x, n)
                || !NN_OK(unet_join(x.out.path, &done, x.path, n, NULL)))
                break;
            bytes = bytes_read(x.out.path, &size);
            CHECK(bytes != NULL && size == x.size && done.bytes == size
                      && memcmp(bytes, x.whole, size) == 0,
                  "%zu parts: %zu bytes, the whole has %zu, or others", n,
                  size, x.size);
            CHECK(done.sets == SETS && done.parts == n
                      && done.images == IMAGES
                      && memcmp(done.request, request, UNET_ID) == 0,
                  "%zu parts: %zu sets of %zu", n, done.sets, done.parts);
            free(bytes);
            for (size_t k = 0; k < n; k++) {
                unet_reader *r = NULL;
                ckks_ct ct = {0};
                unet_info info;

                if (!NN_OK(unet_reader_open(&r, x.path[k], &x.p,
                                            UNET_OUTPUT)))
                    continue;
                unet_reader_info(&info, r);
                for (size_t i = 0; i < info.part.count * CTS; i++)
                    NN_OK(unet_reader_next(&ct, r, x.ctx));
                CHECK(unet_reader_at(r) == unet_reader_bytes(r),
                      "part %zu of %zu: bytes are left", k, n);
                unet_reader_close(&r);
                ckks_ct_clear(&ct);
            }
        }
    sets_close(&x);
}

/* ---- which sets there are ------------------------------------------------ */

/* Every set in one part and none in two, by counting. */
static bool covers(const uni_part *part, size_t count, size_t sets)
{
    for (size_t set = 0; set < sets; set++) {
        int times = 0;

        for (size_t i = 0; i < count; i++)
            times += set >= part[i].info.part.first
                     && set - part[i].info.part.first
                        < part[i].info.part.count;
        if (times != 1)
            return false;
    }
    return true;
}

/* The part that a refusal names is missing, and begins with the set that it
 * names. */
static void check_way(const uni_part *part, size_t count, size_t sets)
{
    const char *way = strstr(nn_last_error(), "--part ");
    const char *set = strstr(nn_last_error(), "set ");
    size_t k = 0, n = 1, first = 0;

    if (strstr(nn_last_error(), "is in none") == NULL)
        return;
    if (!CHECK(way != NULL && set != NULL
                   && sscanf(way, "--part %zu/%zu", &k, &n) == 2
                   && sscanf(set, "set %zu", &first) == 1 && k >= 1 && k <= n,
               "%s", nn_last_error()))
        return;
    CHECK(sets * (k - 1) / n == first - 1, "%s", nn_last_error());
    for (size_t i = 0; i < count; i++)
        CHECK(part[i].info.part.count == 0
                  || part[i].info.part.first >= sets * k / n
                  || part[i].info.part.first + part[i].info.part.count
                     <= sets * (k - 1) / n,
              "%s: that part is there", nn_last_error());
}

TEST(join_parts_by_definition)
{
    uint64_t state = 7;
    int whole = 0;

    for (int turn = 0; turn < 20000; turn++) {
        const size_t sets = 1 + test_word(&state) % 6;
        const size_t count = 1 + test_word(&state) % 4;
        uni_part part[4] = {{0}};
        size_t next = 0;
        ckks_status s;
        bool want;

        for (size_t i = 0; i < count; i++) {
            unet_part *p = &part[i].info.part;

            part[i].path = "a";
            /* every other time one that follows the one before */
            p->first = turn % 2 ? next : test_word(&state) % (sets + 1);
            p->count = p->first < sets
                       ? test_word(&state) % (sets - p->first + 1) : 0;
            next = p->first + p->count;
        }
        want = covers(part, count, sets);
        whole += want;
        s = uni_parts_whole(part, count, sets);
        CHECK(s == (want ? CKKS_OK : CKKS_EPARAM), "turn %d: %s", turn,
              nn_last_error());
        if (s == CKKS_EPARAM)
            check_way(part, count, sets);
    }
    CHECK(whole > 1000 && whole < 19000, "%d of 20000 are whole", whole);
}

/* ---- heads that lie ------------------------------------------------------ */

/* Joins with part 1 as these bytes, whose head gets its digest. */
static ckks_status join_with(joined_sets *x, uint8_t *bytes, size_t size)
{
    uint8_t there[1] = { 7 }, *now;
    size_t left = 0;
    ckks_status s;

    ckks_blake2b(bytes + AT_DIGEST, VCT_DIGEST, bytes, AT_DIGEST, NULL, 0);
    if (!bytes_write(x->path[1], bytes, size)
        || !bytes_write(x->out.path, there, 1))
        return CKKS_OK;
    s = unet_join(x->out.path, NULL, x->path, 2, NULL);
    now = bytes_read(x->out.path, &left);
    if (s != CKKS_OK)
        CHECK(left == 1 && now[0] == 7 && folder_files(&x->out) == 1,
              "a refused result was written");
    free(now);
    return s;
}

/* Each number of the head at both ends of its range and beside what it is:
 * nothing is believed, whatever the digest says, and no memory is asked for by
 * it (CKKS_EMEM would say so). */
TEST(join_heads_that_lie)
{
    static const size_t at[] = { 5, 6, 7, 8, 24, 40, 44, 48, 52, 56, 60, 64,
                                 68, 100 };
    static const uint32_t lie[] = { 0, 1, 2, 4, 6, 255, 0x7fffffff,
                                    0x80000000, 0xfffffffe, 0xffffffff };
    joined_sets x;
    size_t size = 0;
    uint8_t *bytes = NULL, *copy = NULL;

    if (sets_open(&x) && put_parts(&x, 2)) {
        bytes = bytes_read(x.path[1], &size);
        copy = malloc(size + 16);
    }
    for (size_t i = 0; copy != NULL && i < sizeof at / sizeof *at; i++)
        for (size_t k = 0; k < sizeof lie / sizeof *lie; k++) {
            ckks_status s;

            memcpy(copy, bytes, size);
            if (at[i] < 8)
                copy[at[i]] = (uint8_t)lie[k];
            else
                uni_vct_store(copy + at[i], lie[k], 4);
            if (memcmp(copy, bytes, AT_DIGEST) == 0)
                continue;
            s = join_with(&x, copy, size);
            CHECK(s == CKKS_EFORMAT || s == CKKS_EPARAM,
                  "%u at %zu: %s", lie[k], at[i], ckks_status_name(s));
        }
    for (size_t i = 0; copy != NULL && i < 400; i++) {  /* bytes of sets     */
        const size_t from = AT_DIGEST + VCT_DIGEST;
        const size_t k = from + i * (size - from) / 400;

        memcpy(copy, bytes, size);
        copy[k] ^= (uint8_t)(1 << i % 8);
        NN_STATUS(join_with(&x, copy, size), CKKS_EFORMAT);
    }
    if (copy != NULL) {                 /* lengths at the end of the file    */
        memcpy(copy, bytes, size);
        uni_vct_store(copy + AT_DIGEST + VCT_DIGEST, UINT64_MAX, 8);
        NN_STATUS(join_with(&x, copy, size), CKKS_EFORMAT);
        uni_vct_store(copy + AT_DIGEST + VCT_DIGEST,
                      size - AT_DIGEST - VCT_DIGEST - 8, 8);
        NN_STATUS(join_with(&x, copy, size), CKKS_EFORMAT);
        memcpy(copy, bytes, size);
        memset(copy + size, 0, 16);
        NN_STATUS(join_with(&x, copy, size + 16), CKKS_EFORMAT);
        memcpy(copy, bytes, size);
        NN_OK(join_with(&x, copy, size));
    }
    free(bytes);
    free(copy);
    sets_close(&x);
}

/* Inputs have no marks; a whole result is no part; nothing is no file. */
TEST(join_misuse)
{
    joined_sets x;

    if (sets_open(&x) && put_parts(&x, 2)) {
        const char *none[2] = { x.path[0], NULL };
        const char *whole = x.folder.path;
        uint8_t head[VCT_HEAD + VCT_ENTRY + VCT_DIGEST + 16] = "VVCT";
        unet_reader *r = NULL;

        NN_STATUS(unet_join(NULL, NULL, x.path, 2, NULL), CKKS_EARG);
        NN_STATUS(unet_join(x.out.path, NULL, NULL, 2, NULL), CKKS_EARG);
        NN_STATUS(unet_join(x.out.path, NULL, x.path, 0, NULL), CKKS_EARG);
        NN_STATUS(unet_join(x.out.path, NULL, none, 2, NULL), CKKS_EARG);
        NN_STATUS(unet_join(x.out.path, NULL, &whole, 1, NULL), CKKS_EPARAM);
        NN_STATUS(unet_join(x.out.path, NULL, x.path + 3, 1, NULL), CKKS_EIO);
        NN_STATUS(unet_join(x.out.name, NULL, x.path, 2, NULL), CKKS_EIO);
        head[4] = VCT_VERSION;
        head[5] = UNET_INPUT;
        head[6] = 1;
        if (bytes_write(x.path[2], head, sizeof head))
            NN_STATUS(unet_reader_open(&r, x.path[2], NULL, UNET_INPUT),
                      CKKS_EFORMAT);
    }
    sets_close(&x);
}
