/* test_source.c -- ciphertext files to any sink and from any source: the same
 * bytes as by a path, the same results; requests in memory; misuse. */
#include "hand_support.h"

static const uint8_t nothing[UNET_ID];

static bool same(const unet_memory *a, const uint8_t *b, size_t size)
{
    return a->size == size && memcmp(a->data, b, size) == 0;
}

/* ---- the same bytes ------------------------------------------------------ */

static void to_a_file(hand_world *w)
{
    test_folder folder;
    ckks_rng rng = hand_rng();
    uint64_t bytes = 0;
    size_t size = 0;
    uint8_t *file;

    if (!folder_open(&folder))
        return;
    NN_OK(unet_encrypt(folder.path, &bytes, NULL, &rng, &w->p, &w->job,
                       &w->pixels, w->ctx, w->sk, NULL));
    file = bytes_read(folder.path, &size);
    if (file != NULL)
        CHECK(bytes == size && same(&w->inputs, file, size), "a file of %zu "
              "bytes, %zu in memory", size, w->inputs.size);
    free(file);
    folder_close(&folder);
}

static void to_memory_by_steps(hand_world *w)
{
    const uint64_t all = (uint64_t)w->job.sets * 4;
    unet_memory m = {0};
    unet_encryption *e = NULL;
    unet_sink sink = unet_memory_sink(&m, "steps");
    ckks_rng rng = hand_rng();
    uint8_t *want = malloc(unet_request_size(&w->request));
    uint8_t *got = malloc(unet_request_size(&w->request));
    const unet_request *r;
    size_t before;

    NN_OK(unet_encryption_init(&e, &sink, &rng, &w->p, &w->job, &w->pixels,
                               w->ctx, w->sk));
    CHECK(m.size > 0, "no head");
    for (uint64_t k = 0; k < all; k++) {
        before = m.size;
        CHECK(unet_encryption_left(e) == all - k
              && unet_encryption_request(e) == NULL, "%d of %d", (int)k,
              (int)all);
        NN_OK(unet_encryption_next(e));
        CHECK(m.size > before, "no ciphertext");
    }
    CHECK(same(&w->inputs, m.data, m.size), "other bytes by steps");
    CHECK(unet_encryption_left(e) == 0, "some are left");
    NN_STATUS(unet_encryption_next(e), CKKS_EARG);
    r = unet_encryption_request(e);
    if (CHECK(r != NULL && unet_request_size(r)
                               == unet_request_size(&w->request), "no request")
        && NN_OK(unet_request_bytes(got, unet_request_size(r), r))
        && NN_OK(unet_request_bytes(want, unet_request_size(r),
                                    &w->request)))
        CHECK(memcmp(got, want, unet_request_size(r)) == 0,
              "another request");
    unet_encryption_clear(&e);
    CHECK(e == NULL, "not cleared");
    unet_encryption_clear(&e);
    unet_memory_clear(&m);
    free(want);
    free(got);
}

TEST(sink_of_any_kind_gets_the_same_bytes)
{
    hand_world w;

    if (hand_open(&w)) {
        to_a_file(&w);
        to_memory_by_steps(&w);
    }
    hand_close(&w);
}

/* ---- results from sources ------------------------------------------------ */

/* All of the logits and of the answers as by a path. */
static void check_result(const hand_world *w, const unet_result *r)
{
    for (size_t i = 0; i < 2; i++)
        for (int j = 0; j < w->job.size[i].height * w->job.size[i].width; j++)
            CHECK(r->logit[i][j] > w->pixel[i][j] - 1e-4
                  && r->logit[i][j] < w->pixel[i][j] + 1e-4, "image %zu, pixel "
                  "%d: %g, want %g", i, j, r->logit[i][j], w->pixel[i][j]);
}

/* Files of the bytes of sources, decrypted by their paths. */
static void same_by_path(hand_world *w, const unet_memory *m,
                         const unet_result *r)
{
    test_folder folder;
    unet_result by_path = {0};

    if (!folder_open(&folder))
        return;
    unet_request_forget(&w->request);
    if (CHECK(bytes_write(folder.path, m->data, m->size), "no file")
        && NN_OK(unet_decrypt(&by_path, &w->request,
                              &(const char *){ folder.path }, 1, &w->p,
                              w->ctx, w->sk, NULL))) {
        for (size_t i = 0; i < 2; i++)
            CHECK(memcmp(by_path.logit[i], r->logit[i], sizeof(double)
                         * (size_t)w->job.size[i].height
                         * (size_t)w->job.size[i].width) == 0, "other logits");
        CHECK(by_path.bytes == r->bytes && by_path.largest == r->largest,
              "another result");
    }
    unet_result_clear(&by_path);
    folder_close(&folder);
}

/* The whole; two parts, one of them without a way to skip, in any order. */
TEST(source_of_any_kind_decrypts_alike)
{
    hand_world w;
    unet_memory part[2] = {{0}};
    unet_source source;
    unet_result r = {0};

    if (!hand_open(&w))
        goto done;
    source = unet_memory_source(&w.results, "results");
    if (NN_OK(unet_decrypt_from(&r, &w.request, &source, 1, &w.p, w.ctx,
                                w.sk, NULL))) {
        check_result(&w, &r);
        CHECK(memcmp(w.request.answer, nothing, UNET_ID) != 0, "no answer");
        same_by_path(&w, &w.results, &r);
    }
    unet_request_forget(&w.request);
    for (size_t i = 0; i < 2; i++) {
        const unet_part sets = { i, i == 0 ? 1 : w.job.sets - 1 };
        const unet_sink sink = unet_memory_sink(&part[i], "part");

        NN_OK(hand_answer(&w, &sink, &sets));
    }
    for (int turn = 0; turn < 2; turn++) {
        unet_source two[2];

        part[0].at = part[1].at = 0;
        two[turn] = unet_memory_source(&part[0], "first part");
        two[1 - turn] = unet_memory_source(&part[1], "second part");
        two[turn].skip = NULL;
        if (NN_OK(unet_decrypt_from(&r, &w.request, two, 2, &w.p, w.ctx,
                                    w.sk, NULL)))
            check_result(&w, &r);
        part[0].at = part[1].at = 0;
        NN_STATUS(unet_decrypt_from(&r, &w.request, two, 1, &w.p, w.ctx,
                                    w.sk, NULL), CKKS_EPARAM);
    }
done:
    unet_result_clear(&r);
    unet_memory_clear(&part[0]);
    unet_memory_clear(&part[1]);
    hand_close(&w);
}

/* ---- skipping ------------------------------------------------------------ */

TEST(source_is_skipped_or_read)
{
    hand_world w;
    unet_reader *a = NULL, *b = NULL;
    unet_memory m;
    unet_source skips, reads;
    ckks_ct x = {0}, y = {0};
    char name[] = "a name";

    if (!hand_open(&w))
        goto done;
    m = w.inputs;
    skips = unet_memory_source(&w.inputs, "skips");
    reads = unet_memory_source(&m, name);
    reads.skip = NULL;
    if (NN_OK(unet_reader_from(&a, &skips, &w.p, UNET_INPUT))
        && NN_OK(unet_reader_from(&b, &reads, &w.p, UNET_INPUT))) {
        strcpy(name, "anothr");                 /* the reader has a copy     */
        NN_OK(unet_reader_skip(a, 1));
        NN_OK(unet_reader_skip(b, 1));
        CHECK(unet_reader_at(a) == unet_reader_at(b)
              && unet_reader_bytes(a) == unet_reader_bytes(b), "other places");
        NN_OK(unet_reader_next(&x, a, w.ctx));
        NN_OK(unet_reader_next(&y, b, w.ctx));
        CHECK(memcmp(x.seed, y.seed, sizeof x.seed) == 0,
              "another ciphertext");
        m.size = m.at;
        NN_STATUS(unet_reader_next(&y, b, w.ctx), CKKS_EIO);
        NN_OK(unet_reader_next(&x, a, w.ctx));
    }
    unet_reader_close(&a);
    unet_reader_close(&b);
    m = w.inputs;
    m.at = 0;
    m.size = 400;
    skips = unet_memory_source(&m, name);
    skips.size = w.inputs.size;
    if (NN_OK(unet_reader_from(&a, &skips, &w.p, UNET_INPUT)))
        NN_STATUS(unet_reader_skip(a, w.job.sets), CKKS_EIO);
done:
    ckks_ct_clear(&x);
    ckks_ct_clear(&y);
    unet_reader_close(&a);
    unet_reader_close(&b);
    hand_close(&w);
}

/* ---- requests in memory -------------------------------------------------- */

static bool same_request(const unet_request *a, const unet_request *b)
{
    return memcmp(a->id, b->id, UNET_ID) == 0
           && memcmp(a->plan, b->plan, UNET_ID) == 0
           && a->inputs == b->inputs && a->job.sets == b->job.sets
           && a->job.images == b->job.images
           && memcmp(a->upload, b->upload, a->job.sets * a->inputs * UNET_ID)
                  == 0
           && memcmp(a->answer, b->answer, a->job.sets * UNET_ID) == 0;
}

TEST(request_in_memory)
{
    hand_world w;
    unet_request r = {0};
    uint8_t *bytes = NULL;
    size_t size;

    if (!hand_open(&w))
        goto done;
    memset(w.request.answer, 5, UNET_ID);
    size = unet_request_size(&w.request);
    bytes = malloc(size + 1);
    NN_STATUS(unet_request_bytes(bytes, size - 1, &w.request), CKKS_EARG);
    NN_STATUS(unet_request_bytes(bytes, size + 1, &w.request), CKKS_EARG);
    NN_STATUS(unet_request_bytes(NULL, size, &w.request), CKKS_EARG);
    NN_STATUS(unet_request_bytes(bytes, 0, &r), CKKS_EARG);
    CHECK(unet_request_size(&r) == 0 && unet_request_size(NULL) == 0, "sizes");
    NN_OK(unet_request_bytes(bytes, size, &w.request));
    for (int again = 0; again < 2; again++)
        if (NN_OK(unet_request_parse(&r, bytes, size, &w.p)))
            CHECK(same_request(&r, &w.request), "another request");
    bytes[size] = 0;
    NN_STATUS(unet_request_parse(&r, bytes, size + 1, &w.p), CKKS_EFORMAT);
    for (size_t n = 0; n < size; n++)
        NN_STATUS(unet_request_parse(&r, bytes, n, &w.p), CKKS_EFORMAT);
    for (size_t n = 0; n < size; n++) {
        bytes[n] ^= 1;
        NN_STATUS(unet_request_parse(&r, bytes, size, &w.p), CKKS_EFORMAT);
        bytes[n] ^= 1;
    }
    CHECK(same_request(&r, &w.request), "the output changed");
    NN_STATUS(unet_request_parse(NULL, bytes, size, &w.p), CKKS_EARG);
    NN_STATUS(unet_request_parse(&r, NULL, size, &w.p), CKKS_EARG);
    NN_STATUS(unet_request_parse(&r, bytes, size, NULL), CKKS_EARG);
    w.p.in_scale *= 2;
    CHECK(unet_request_parse(&r, bytes, size, &w.p) != CKKS_OK,
          "of another plan");
done:
    free(bytes);
    unet_request_clear(&r);
    hand_close(&w);
}

/* ---- misuse -------------------------------------------------------------- */

static void misuse_readers(hand_world *w)
{
    const unet_source good = unet_memory_source(&w->inputs, "inputs");
    unet_source bad = good;
    unet_reader *r = NULL;
    unet_result result = {0};

    NN_STATUS(unet_reader_from(NULL, &good, &w->p, UNET_INPUT), CKKS_EARG);
    NN_STATUS(unet_reader_from(&r, NULL, &w->p, UNET_INPUT), CKKS_EARG);
    NN_STATUS(unet_reader_from(&r, &good, &w->p, (unet_kind)3), CKKS_EARG);
    NN_STATUS(unet_reader_from(&r, &good, &w->p, UNET_OUTPUT),
              CKKS_EFORMAT);
    bad.name = NULL;
    NN_STATUS(unet_reader_from(&r, &bad, &w->p, UNET_INPUT), CKKS_EARG);
    NN_STATUS(unet_decrypt_from(&result, NULL, &bad, 1, &w->p, w->ctx,
                                w->sk, NULL), CKKS_EARG);
    bad = good;
    bad.read = NULL;
    NN_STATUS(unet_reader_from(&r, &bad, &w->p, UNET_INPUT), CKKS_EARG);
    CHECK(r == NULL, "a reader");
    NN_STATUS(unet_decrypt_from(NULL, NULL, &good, 1, &w->p, w->ctx, w->sk,
                                NULL), CKKS_EARG);
    NN_STATUS(unet_decrypt_from(&result, NULL, NULL, 1, &w->p, w->ctx,
                                w->sk, NULL), CKKS_EARG);
    NN_STATUS(unet_decrypt_from(&result, NULL, &good, 0, &w->p, w->ctx,
                                w->sk, NULL), CKKS_EARG);
}

static void misuse_writers(hand_world *w)
{
    const unet_part far = { w->job.sets, 1 };
    unet_memory m = {0};
    const unet_sink good = unet_memory_sink(&m, "memory");
    unet_sink bad = good;
    unet_writer *writer = NULL;
    unet_encryption *e = NULL;

#define WRITER(sink, part)                                                \
    NN_STATUS(unet_writer_to(&writer, sink, &w->p, &w->job, UNET_INPUT, \
                          nothing, part), CKKS_EARG)
    WRITER(NULL, NULL);
    WRITER(&good, &far);
    bad.write = NULL;
    WRITER(&bad, NULL);
    bad = good;
    bad.name = NULL;
    WRITER(&bad, NULL);
    CHECK(writer == NULL && m.size == 0, "something was written");
    NN_STATUS(unet_encrypt_to(NULL, NULL, &w->rng, &w->p, &w->job,
                              &w->pixels, w->ctx, w->sk, NULL), CKKS_EARG);
    NN_STATUS(unet_encrypt_to(&bad, NULL, &w->rng, &w->p, &w->job,
                              &w->pixels, w->ctx, w->sk, NULL), CKKS_EARG);
    NN_STATUS(unet_encryption_init(NULL, &good, &w->rng, &w->p, &w->job,
                                   &w->pixels, w->ctx, w->sk), CKKS_EARG);
    NN_STATUS(unet_encryption_init(&e, &good, NULL, &w->p, &w->job,
                                   &w->pixels, w->ctx, w->sk), CKKS_EARG);
    NN_STATUS(unet_encryption_next(NULL), CKKS_EARG);
    CHECK(unet_encryption_left(NULL) == 0
          && unet_encryption_request(NULL) == NULL && e == NULL, "nothing");
    unet_encryption_clear(NULL);
    unet_memory_clear(&m);
    unet_memory_clear(NULL);
}

TEST(source_and_sink_misuse)
{
    hand_world w;

    if (hand_open(&w)) {
        misuse_readers(&w);
        misuse_writers(&w);
    }
    hand_close(&w);
}
