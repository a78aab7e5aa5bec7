/* test_wire.c -- frames between the two parties: unet/blind/wire.h. */
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "nn.h"
#include "test.h"
#include "two_sides.h"

static void doze(double seconds)
{
    nanosleep(&(struct timespec){ .tv_nsec = (long)(seconds * 1e9) }, NULL);
}

/* ---- both sides through a wire ------------------------------------------- */

static uint8_t byte_of(size_t i, unsigned seed)
{
    return (uint8_t)((i * 2654435761u + seed) >> 13);
}

static ckks_status sends_sizes(side *s)
{
    static const size_t sizes[] = { 0, 1, 23, 24, 25, 65535, 65536, 65537,
                                    300000, 5000001 };
    ckks_status st = CKKS_OK;
    uint8_t *b = malloc(5000001);

    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        for (size_t i = 0; i < sizes[k]; i++)
            b[i] = byte_of(i, (unsigned)k);
        blind_wire_step(s->wire, (int)k, "sizes");
        if (st == CKKS_OK)
            st = blind_wire_send(s->wire, BLIND_UP, b, sizes[k]);
    }
    free(b);
    return st == CKKS_OK ? blind_wire_flush(s->wire) : st;
}

static ckks_status receives_sizes(side *s)
{
    static const size_t sizes[] = { 0, 1, 23, 24, 25, 65535, 65536, 65537,
                                    300000, 5000001 };
    ckks_status st = CKKS_OK;
    uint8_t *b = malloc(5000001);
    size_t *wrong = s->with;

    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        blind_wire_step(s->wire, (int)k, "sizes");
        if (st == CKKS_OK)
            st = blind_wire_receive(s->wire, BLIND_UP, b, sizes[k]);
        for (size_t i = 0; i < sizes[k]; i++)
            *wrong += b[i] != byte_of(i, (unsigned)k);
    }
    free(b);
    *wrong += blind_wire_traffic(s->wire).received
              != 10 * BLIND_HEADER + 73 + 3 * 65536 + 300000 + 5000001;
    return st;
}

TEST(frames_of_all_sizes_arrive_in_order)
{
    for (int tcp = 0; tcp < 2; tcp++) {
        size_t wrong = 0;
        side s[2] = { { .with = NULL }, { .with = &wrong } };

        two_sides_run(s, sends_sizes, receives_sizes, 20, tcp);
        CHECK(s[0].status == CKKS_OK && s[1].status == CKKS_OK,
              "tcp %d: %s; %s", tcp, s[0].why, s[1].why);
        CHECK(wrong == 0, "tcp %d: %zu bytes differ", tcp, wrong);
    }
}

enum { DUPLEX = 100, DUPLEX_FRAME = 1 << 20 };

/* Sends 100 MiB before it receives anything. */
static ckks_status sends_then_receives(side *s)
{
    uint8_t *b = malloc(DUPLEX_FRAME);
    ckks_status st = CKKS_OK;

    for (int k = 0; k < DUPLEX && st == CKKS_OK; k++) {
        memset(b, k, DUPLEX_FRAME);
        st = blind_wire_send(s->wire, BLIND_UP, b, DUPLEX_FRAME);
    }
    for (int k = 0; k < DUPLEX && st == CKKS_OK; k++) {
        st = blind_wire_receive(s->wire, BLIND_UP, b, DUPLEX_FRAME);
        if (st == CKKS_OK && (b[0] != k || b[DUPLEX_FRAME - 1] != k))
            st = nn_fail(CKKS_EFORMAT, "frame %d holds %d", k, b[0]);
    }
    free(b);
    return st == CKKS_OK ? blind_wire_flush(s->wire) : st;
}

TEST(two_senders_do_not_wait_for_each_other)
{
    for (int tcp = 0; tcp < 2; tcp++) {
        side s[2] = { { .with = NULL }, { .with = NULL } };

        two_sides_run(s, sends_then_receives, sends_then_receives, 20, tcp);
        CHECK(s[0].status == CKKS_OK && s[1].status == CKKS_OK,
              "tcp %d: %s; %s", tcp, s[0].why, s[1].why);
    }
}

static ckks_status asks(side *s)
{
    blind_traffic *t = s->with;
    uint32_t x = 0;
    ckks_status st = CKKS_OK;

    for (int i = 0; i < 3 && st == CKKS_OK; i++) {
        st = blind_wire_send(s->wire, BLIND_UP, &x, 4);
        if (st == CKKS_OK)
            st = blind_wire_send(s->wire, BLIND_EXTEND, &x, 4);
        if (st == CKKS_OK)
            st = blind_wire_receive(s->wire, BLIND_DOWN, &x, 4);
        if (st == CKKS_OK)
            st = blind_wire_receive(s->wire, BLIND_MUX, &x, 4);
    }
    *t = blind_wire_traffic(s->wire);
    return st;
}

static ckks_status answers(side *s)
{
    uint32_t x = 0;
    ckks_status st = CKKS_OK;

    for (int i = 0; i < 3 && st == CKKS_OK; i++) {
        st = blind_wire_receive(s->wire, BLIND_UP, &x, 4);
        if (st == CKKS_OK)
            st = blind_wire_receive(s->wire, BLIND_EXTEND, &x, 4);
        if (st == CKKS_OK)
            st = blind_wire_send(s->wire, BLIND_DOWN, &x, 4);
        if (st == CKKS_OK)
            st = blind_wire_send(s->wire, BLIND_MUX, &x, 4);
    }
    return st == CKKS_OK ? blind_wire_flush(s->wire) : st;
}

TEST(traffic_counts_bytes_and_turns)
{
    blind_traffic t;

    if (!two_sides(asks, &t, answers, NULL))
        return;
    CHECK(t.sent == 6 * 28 && t.received == 6 * 28 && t.turns == 3,
          "sent %" PRIu64 ", received %" PRIu64 ", turns %" PRIu64, t.sent,
          t.received, t.turns);
}

/* ---- a peer that writes bytes of its own --------------------------------- */

typedef struct forged {
    unsigned type, layer;
    uint32_t number;
    uint64_t size;
    uint32_t zero, spoil;       /* spoil is added to the checksum            */
} forged;

/* The header as wire.h has it, written here anew. */
static void forge(uint8_t b[24], const forged *f)
{
    uint8_t sum[4];

    b[0] = (uint8_t)f->type;
    b[1] = (uint8_t)(f->type >> 8);
    b[2] = (uint8_t)f->layer;
    b[3] = (uint8_t)(f->layer >> 8);
    for (int i = 0; i < 4; i++)
        b[4 + i] = (uint8_t)(f->number >> 8 * i);
    for (int i = 0; i < 8; i++)
        b[8 + i] = (uint8_t)(f->size >> 8 * i);
    cki_store32(b + 16, f->zero);
    ckks_blake2b(sum, 4, b, 20, NULL, 0);
    cki_store32(b + 20, cki_load32(sum) + f->spoil);
}

/* A wire and the bare socket of its peer. */
static bool alone(blind_wire **w, int *peer, double idle)
{
    int s[2];

    if (!CHECK(two_sockets(s, true), "no sockets"))
        return false;
    *peer = s[1];
    if (!CHECK_OK(blind_wire_open(w, s[0], idle)))
        return false;
    blind_wire_step(*w, 3, "conv1");
    return true;
}

static bool said(const char *part)
{
    return CHECK(strstr(nn_last_error(), part) != NULL, "\"%s\" lacks \"%s\"",
                 nn_last_error(), part);
}

/* What the peer wrote must end the session with this message, at once. */
static void refused(const void *bytes, size_t size, bool closes,
                    ckks_status want, const char *message)
{
    uint8_t x[16], before[16];
    blind_wire *w;
    int peer;
    double begun = blind_clock();

    if (!alone(&w, &peer, 20))
        return;
    memset(x, 7, sizeof x);
    memcpy(before, x, sizeof x);
    CHECK(write(peer, bytes, size) == (ssize_t)size, "not written");
    if (closes)
        close(peer);
    CHECK_STATUS(blind_wire_receive(w, BLIND_TABLE, x, sizeof x), want);
    said(message);
    /* And so does each further call. */
    CHECK_STATUS(blind_wire_send(w, BLIND_UP, x, 1), want);
    said(message);
    CHECK(blind_clock() - begun < 5, "after %g s", blind_clock() - begun);
    if (!closes)
        close(peer);
    blind_wire_close(&w);
}

TEST(wrong_headers_end_the_session)
{
    static const struct {
        forged f;
        const char *message;
    } cases[] = {
        { { BLIND_MUX, 3, 0, 16, 0, 0 }, "sent MUX of step 3, 16 bytes, want "
          "TABLE of step 3" },
        { { BLIND_TABLE, 4, 0, 16, 0, 0 }, "TABLE of step 4" },
        { { BLIND_TABLE, 3, 1, 16, 0, 0 }, "frame number 1 came, want 0" },
        { { BLIND_TABLE, 3, 0, 15, 0, 0 }, "15 bytes" },
        { { BLIND_TABLE, 3, 0, 17, 0, 0 }, "17 bytes" },
        { { BLIND_TABLE, 3, 0, UINT64_MAX, 0, 0 }, "18446744073709551615" },
        { { BLIND_TABLE, 3, 0, UINT64_C(1) << 32 | 16, 0, 0 }, "4294967312" },
        { { BLIND_TABLE, 3, 0, 16, 1, 0 }, "no header" },
        { { BLIND_TABLE, 3, 0, 16, 0, 1 }, "no header" },
        { { 999, 3, 0, 16, 0, 0 }, "an unknown frame" },
        { { BLIND_ALIVE, 3, 0, 16, 0, 0 }, "sent ALIVE" },
        { { BLIND_BYE, 3, 0, 0, 0, 0 }, "sent BYE" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t b[24 + 32] = { 0 };

        forge(b, &cases[i].f);
        refused(b, sizeof b, false, CKKS_EFORMAT, cases[i].message);
    }
}

TEST(cut_and_senseless_bytes_end_the_session)
{
    uint8_t b[24 + 16] = { 0 }, noise[4096];
    uint64_t state = 1;

    forge(b, &(forged){ BLIND_TABLE, 3, 0, 16, 0, 0 });
    refused(b, 0, true, CKKS_EIO, "closed");
    refused(b, 1, true, CKKS_EIO, "closed");
    refused(b, 23, true, CKKS_EIO, "closed");
    refused(b, 24, true, CKKS_EIO, "closed");
    refused(b, 39, true, CKKS_EIO, "closed");
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)test_word(&state);
    refused(noise, sizeof noise, false, CKKS_EFORMAT, "no header");
}

TEST(last_words_are_shown_without_control_characters)
{
    uint8_t b[24 + 500];
    char want[500];

    forge(b, &(forged){ BLIND_ERROR, 0, 0, 14, 0, 0 });
    memcpy(b + 24, "no\n\x1b[2J\xc3\xa9 more", 14);
    refused(b, 24 + 14, false, CKKS_EIO,
            "conv1: the other side ended: no??[2J?? more");
    /* Of a long line 400 characters. */
    forge(b, &(forged){ BLIND_ERROR, 0, 0, 500, 0, 0 });
    memset(b + 24, 'x', 500);
    memset(want, 'x', 400);
    want[400] = '\0';
    refused(b, sizeof b, false, CKKS_EIO, want);
    CHECK(strlen(nn_last_error()) < 450, "%zu", strlen(nn_last_error()));
}

/* A last word behind other frames is found by who only sends. */
TEST(last_words_are_found_by_a_sender)
{
    uint8_t b[24 + 16 + 24 + 4] = { 0 }, *big = calloc(1, 8 << 20);
    blind_wire *w;
    ckks_status st = CKKS_OK;
    int peer;

    forge(b, &(forged){ BLIND_TABLE, 3, 0, 16, 0, 0 });
    forge(b + 40, &(forged){ BLIND_ERROR, 0, 1, 4, 0, 0 });
    memcpy(b + 64, "full", 4);
    if (!alone(&w, &peer, 20))
        return;
    CHECK(write(peer, b, sizeof b) == (ssize_t)sizeof b, "not written");
    CHECK_OK(blind_wire_send(w, BLIND_UP, big, 100000));
    doze(0.01);
    close(peer);                        /* with bytes unread: a reset        */
    for (int i = 0; i < 20 && st == CKKS_OK; i++)
        st = blind_wire_send(w, BLIND_UP, big, 8 << 20);
    CHECK(st == CKKS_EIO, "%s", ckks_status_name(st));
    said("the other side ended: full");
    blind_wire_close(&w);
    free(big);
}

TEST(alive_frames_are_passed_over)
{
    uint8_t b[3 * 24 + 16] = { 0 }, x[16];
    blind_wire *w;
    int peer;

    if (!alone(&w, &peer, 20))
        return;
    forge(b, &(forged){ BLIND_ALIVE, 0, 0, 0, 0, 0 });
    forge(b + 24, &(forged){ BLIND_ALIVE, 9, 1, 0, 0, 0 });
    forge(b + 48, &(forged){ BLIND_TABLE, 3, 2, 16, 0, 0 });
    b[72] = 5;
    CHECK(write(peer, b, sizeof b) == (ssize_t)sizeof b, "not written");
    CHECK_OK(blind_wire_receive(w, BLIND_TABLE, x, sizeof x));
    CHECK(x[0] == 5, "%d", x[0]);
    CHECK(blind_wire_traffic(w).received == 40, "counted");
    blind_wire_close(&w);
    close(peer);
}

TEST(texts_are_bounded_before_they_are_allocated)
{
    uint8_t b[24 + 8] = { 0 };
    blind_wire *w;
    char *text = NULL;
    size_t size = 77;
    int peer;

    forge(b, &(forged){ BLIND_HELLO, 3, 0, 8, 0, 0 });
    memcpy(b + 24, "{\"a\": 1}", 8);
    for (size_t most = 7; most <= 8; most++) {
        if (!alone(&w, &peer, 20))
            return;
        CHECK(write(peer, b, sizeof b) == (ssize_t)sizeof b, "not written");
        CHECK_STATUS(blind_wire_receive_text(w, BLIND_HELLO, &text, &size, 1,
                                             most),
                     most == 7 ? CKKS_EFORMAT : CKKS_OK);
        CHECK(most == 7 ? text == NULL && size == 77
                        : size == 8 && strcmp(text, "{\"a\": 1}") == 0,
              "most %zu: %zu", most, size);
        close(peer);
        blind_wire_close(&w);
    }
    free(text);
}

/* ---- time ---------------------------------------------------------------- */

TEST(a_silent_peer_is_given_up)
{
    blind_wire *w;
    uint8_t x[16];
    int peer;
    double begun = blind_clock(), took;

    if (!alone(&w, &peer, 0.3))
        return;
    CHECK_STATUS(blind_wire_receive(w, BLIND_TABLE, x, sizeof x), CKKS_EIO);
    said("conv1: waiting for TABLE: the other side has been silent");
    took = blind_clock() - begun;
    CHECK(took > 0.29 && took < 3, "after %g s", took);
    blind_wire_close(&w);
    close(peer);
}

TEST(a_peer_that_takes_nothing_is_given_up)
{
    uint8_t *big = calloc(1, BLIND_MOST_FRAME);
    ckks_status st = CKKS_OK;
    blind_wire *w;
    int peer;

    if (!alone(&w, &peer, 0.3))
        return;
    for (int i = 0; i < 4 && st == CKKS_OK; i++)
        st = blind_wire_send(w, BLIND_UP, big, BLIND_MOST_FRAME);
    CHECK(st == CKKS_EIO, "%s", ckks_status_name(st));
    said("conv1: sending: the other side has been silent");
    blind_wire_close(&w);
    close(peer);
    free(big);
}

/* One byte in 50 ms until the reader hangs up. */
static void *drips(void *p)
{
    uint8_t b[24];
    int socket = *(int *)p;

    forge(b, &(forged){ BLIND_TABLE, 3, 0, 1 << 20, 0, 0 });
    if (send(socket, b, 24, MSG_NOSIGNAL) == 24)
        while (send(socket, b, 1, MSG_NOSIGNAL) == 1)
            doze(0.05);
    return NULL;
}

TEST(a_slow_peer_is_given_up)
{
    uint8_t *x = malloc(1 << 20);
    blind_wire *w;
    pthread_t t;
    int peer;
    double begun = blind_clock(), took;

    if (!alone(&w, &peer, 0.5))
        return;
    pthread_create(&t, NULL, drips, &peer);
    CHECK_STATUS(blind_wire_receive(w, BLIND_TABLE, x, 1 << 20), CKKS_EIO);
    said("below 1000 bytes a second");
    took = blind_clock() - begun;
    CHECK(took > 0.49 && took < 4, "after %g s", took);
    blind_wire_close(&w);
    pthread_join(t, NULL);
    close(peer);
    free(x);
}

/* Says every 2 ms that it is computing, until the reader hangs up. */
static void *lives(void *p)
{
    uint8_t b[24];
    int socket = *(int *)p;

    for (uint32_t i = 0; i < 5000; i++, doze(0.002)) {
        forge(b, &(forged){ BLIND_ALIVE, 0, i, 0, 0, 0 });
        if (send(socket, b, 24, MSG_NOSIGNAL) != 24)
            break;
    }
    return NULL;
}

/* Who says no more than that, for 60 times as long as it may be silent.  On a
 * busy machine it may be silent itself for so long: then once more. */
TEST(a_peer_that_is_only_alive_is_given_up)
{
    for (int attempt = 0; attempt < 5; attempt++) {
        double begun = blind_clock(), took;
        uint8_t x[16];
        blind_wire *w;
        pthread_t t;
        bool silent;
        int peer;

        if (!alone(&w, &peer, 0.05))
            return;
        pthread_create(&t, NULL, lives, &peer);
        CHECK_STATUS(blind_wire_receive(w, BLIND_TABLE, x, sizeof x),
                     CKKS_EIO);
        took = blind_clock() - begun;
        silent = strstr(nn_last_error(), "silent") != NULL;
        if (!silent)
            said("the other side has been computing for 3 seconds");
        CHECK(silent || (took > 2.9 && took < 6), "after %g s", took);
        blind_wire_close(&w);
        pthread_join(t, NULL);
        close(peer);
        if (!silent)
            return;
    }
    CHECK(false, "silent, five times");
}

/* The peer's death ends each kind of call at once. */
TEST(a_dead_peer_is_noticed_at_once)
{
    uint8_t *big = calloc(1, BLIND_MOST_FRAME);

    for (int what = 0; what < 3; what++) {
        ckks_status st = CKKS_OK;
        double begun = blind_clock(), took;
        blind_wire *w;
        int peer;

        if (!alone(&w, &peer, 20))
            return;
        if (what == 1)                  /* it will wait with a full queue    */
            CHECK_OK(blind_wire_send(w, BLIND_UP, big, 4 << 20));
        close(peer);
        for (int i = 0; i < 200 && st == CKKS_OK; i++) {
            if (what == 0)
                st = blind_wire_receive(w, BLIND_TABLE, big, 16);
            else if (what == 1)
                st = blind_wire_send(w, BLIND_UP, big, BLIND_MOST_FRAME);
            else
                st = blind_wire_breathe(w);
            if (what == 2)
                doze(0.006);
        }
        took = blind_clock() - begun;
        CHECK(st == CKKS_EIO && took < 1, "call %d: %s after %g s", what,
              ckks_status_name(st), took);
        blind_wire_close(&w);
    }
    free(big);
}

/* ---- breathing, refusing, arguments -------------------------------------- */

/* What was queued moves while its owner computes, and what comes is taken. */
static ckks_status computes(side *s)
{
    uint8_t *b = calloc(1, 24 << 20);
    ckks_status st = blind_wire_send(s->wire, BLIND_UP, b, 24 << 20);
    double end = blind_clock() + 20;

    while (st == CKKS_OK && !*(volatile bool *)s->with && blind_clock() < end)
        st = blind_wire_breathe(s->wire);
    if (st == CKKS_OK)
        st = blind_wire_receive(s->wire, BLIND_DOWN, b, 24 << 20);
    if (st == CKKS_OK)
        st = blind_wire_send(s->wire, BLIND_BYE, NULL, 0);
    free(b);
    return st == CKKS_OK ? blind_wire_flush(s->wire) : st;
}

static ckks_status wants_both(side *s)
{
    uint8_t *b = calloc(1, 24 << 20);
    ckks_status st = blind_wire_receive(s->wire, BLIND_UP, b, 24 << 20);

    if (st == CKKS_OK)
        st = blind_wire_send(s->wire, BLIND_DOWN, b, 24 << 20);
    if (st == CKKS_OK)
        st = blind_wire_flush(s->wire);
    *(volatile bool *)s->with = true;
    free(b);
    return st == CKKS_OK ? blind_wire_receive(s->wire, BLIND_BYE, NULL, 0) : st;
}

TEST(breathing_moves_what_waits)
{
    bool done = false;

    two_sides(computes, &done, wants_both, &done);
}

TEST(a_refusal_reaches_the_other_side)
{
    int s[2];
    blind_wire *a, *b;
    uint8_t x[4];

    if (!CHECK(two_sockets(s, true), "no sockets")
        || !CHECK_OK(blind_wire_open(&a, s[0], 5))
        || !CHECK_OK(blind_wire_open(&b, s[1], 5)))
        return;
    CHECK_OK(blind_wire_send(b, BLIND_UP, x, sizeof x));
    blind_wire_refuse(a, "I want 5 bytes");
    blind_wire_close(&a);
    CHECK_STATUS(blind_wire_receive(b, BLIND_UP, x, 4), CKKS_EIO);
    said("the other side ended: I want 5 bytes");
    blind_wire_refuse(b, "nobody hears");
    CHECK_STATUS(blind_wire_breathe(b), CKKS_EIO);
    said("I want 5 bytes");
    blind_wire_close(&b);
}

TEST(wire_refuses_wrong_arguments)
{
    blind_wire *w = NULL;
    uint8_t x[1] = { 0 };
    int s[2];

    CHECK_STATUS(blind_wire_open(&w, -1, 5), CKKS_EARG);
    CHECK(w == NULL, "made");
    if (!CHECK(two_sockets(s, false), "no sockets"))
        return;
    CHECK_STATUS(blind_wire_open(&w, s[0], 0), CKKS_EARG);
    if (!CHECK_OK(blind_wire_open(&w, s[1], 5)))
        return;
    CHECK_STATUS(blind_wire_send(w, BLIND_UP, x, BLIND_MOST_FRAME + 1),
                 CKKS_EARG);
    blind_wire_close(&w);
    blind_wire_close(&w);
}
