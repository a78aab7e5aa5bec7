/* test_source_faults.c -- sinks and sources that fail or lie, at any byte: the
 * status and the message are theirs, they are not asked again, and nothing is
 * given. */
#include "hand_support.h"

static const uint8_t nothing[UNET_ID];

/* ---- sinks that fail ----------------------------------------------------- */

/* Takes so many bytes, then fails. */
typedef struct tight {
    size_t room, taken;
    int failed;
} tight;

static ckks_status tight_write(void *user, const uint8_t *in, size_t size)
{
    tight *t = user;

    (void)in;
    if (size > t->room - t->taken) {
        t->failed++;
        return nn_fail(CKKS_EIO, "the sink takes %zu bytes", t->room);
    }
    t->taken += size;
    return CKKS_OK;
}

/* The status and the message are the sink's, which is not asked again. */
static void check_tight(const tight *t, ckks_status s)
{
    char want[64];

    snprintf(want, sizeof want, "the sink takes %zu bytes", t->room);
    CHECK(s == CKKS_EIO && strcmp(nn_last_error(), want) == 0, "%s: %s",
          ckks_status_name(s), nn_last_error());
    CHECK(t->failed == 1, "%zu bytes: %d failures", t->room, t->failed);
}

static void steps_fail(hand_world *w, size_t room)
{
    tight t = { .room = room };
    const unet_sink sink = { tight_write, &t, "tight" };
    unet_encryption *e = NULL;
    ckks_status s = unet_encryption_init(&e, &sink, &w->rng, &w->p, &w->job,
                                         &w->pixels, w->ctx, w->sk);

    CHECK((e == NULL) == (s != CKKS_OK), "%s", ckks_status_name(s));
    while (s == CKKS_OK && unet_encryption_left(e) > 0)
        s = unet_encryption_next(e);
    check_tight(&t, s);
    CHECK(unet_encryption_request(e) == NULL, "a request of what failed");
    NN_STATUS(unet_encryption_next(e), CKKS_EARG);
    CHECK(t.failed == 1, "asked again");
    unet_encryption_clear(&e);
}

TEST(sink_fails_at_any_byte)
{
    hand_world w;
    const unet_request none = {0};

    if (hand_open(&w))
        for (size_t room = 0; room < w.inputs.size;
             room += room % 8 == 7 ? 61 : 1) {
            tight t = { .room = room }, u = t;
            const unet_sink sink = { tight_write, &t, "tight" };
            const unet_sink other = { tight_write, &u, "tight" };
            unet_request r = {0};

            check_tight(&t, unet_encrypt_to(&sink, &r, &w.rng, &w.p, &w.job,
                                            &w.pixels, w.ctx, w.sk, NULL));
            CHECK(memcmp(&r, &none, sizeof r) == 0, "a request was given");
            steps_fail(&w, room);
            if (room < w.results.size)
                check_tight(&u, hand_answer(&w, &other, NULL));
        }
    hand_close(&w);
}

/* ---- sources that fail or lie -------------------------------------------- */

/* Bytes, of which there are only `there`. */
typedef struct short_source {
    const uint8_t *data;
    size_t there, at;
    int failed;
} short_source;

static ckks_status short_read(void *user, uint8_t *out, size_t size)
{
    short_source *m = user;

    if (size > m->there - m->at) {
        m->failed++;
        return nn_fail(CKKS_EIO, "cut after %zu bytes", m->there);
    }
    memcpy(out, m->data + m->at, size);
    m->at += size;
    return CKKS_OK;
}

/* Nothing is given, no answer kept, and a message there is. */
static void check_refused(hand_world *w, const unet_source *source,
                          ckks_status want, const char *words)
{
    const unet_result none = {0};
    unet_result r = {0};
    ckks_status s = unet_decrypt_from(&r, &w->request, source, 1, &w->p,
                                      w->ctx, w->sk, NULL);

    CHECK(s == want, "size %llu: %s: %s", (unsigned long long)source->size,
          ckks_status_name(s), nn_last_error());
    CHECK(strstr(nn_last_error(), words) != NULL, "%s", nn_last_error());
    CHECK(memcmp(&r, &none, sizeof r) == 0, "a result was given");
    for (size_t i = 0; i < w->job.sets; i++)
        CHECK(memcmp(w->request.answer + i * UNET_ID, nothing, UNET_ID) == 0,
              "an answer was kept");
}

TEST(source_fails_at_any_byte)
{
    hand_world w;

    if (hand_open(&w))
        for (size_t there = 0; there < w.results.size;
             there += there % 8 == 7 ? 29 : 1) {
            short_source m = { w.results.data, there, 0, 0 };
            const unet_source source = { short_read, NULL, &m, w.results.size,
                                         "a network" };
            char want[64];

            snprintf(want, sizeof want, "cut after %zu bytes", there);
            check_refused(&w, &source, CKKS_EIO, want);
            CHECK(m.failed == 1, "asked %d times", m.failed);
        }
    hand_close(&w);
}

TEST(source_lies_about_its_size)
{
    static const uint64_t more[] = { 1, 2, 8, 16, 4096, UINT64_C(1) << 40 };
    hand_world w;
    size_t all;

    if (!hand_open(&w))
        goto done;
    all = w.results.size;
    for (size_t size = 0; size < all; size += size % 8 == 7 ? 29 : 1) {
        unet_source source;

        w.results.at = 0;
        source = unet_memory_source(&w.results, "a network");
        source.size = size;
        check_refused(&w, &source, CKKS_EFORMAT, "a network");
        CHECK(w.results.at <= size, "%zu bytes were read of %zu",
              w.results.at, size);
    }
    for (size_t k = 0; k <= sizeof more / sizeof *more; k++) {
        unet_source source;

        w.results.at = 0;
        source = unet_memory_source(&w.results, "a network");
        source.size = k < sizeof more / sizeof *more ? all + more[k]
                                                     : UINT64_MAX;
        check_refused(&w, &source, CKKS_EFORMAT, "too many at the end");
    }
done:
    hand_close(&w);
}
