/* test_wire.c -- frames between two parties that keep to the rules:
 * unet/blind/wire.h. */
#include "nn.h"
#include "test.h"
#include "two_sides.h"
#include "wire_support.h"

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

TEST(traffic_counts_bytes)
{
    blind_traffic t;

    if (!two_sides(asks, &t, answers, NULL))
        return;
    CHECK(t.sent == 6 * 28 && t.received == 6 * 28,
          "sent %" PRIu64 ", received %" PRIu64, t.sent, t.received);
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
    wire_said("the other side ended: I want 5 bytes");
    blind_wire_refuse(b, "nobody hears");
    CHECK_STATUS(blind_wire_breathe(b), CKKS_EIO);
    wire_said("I want 5 bytes");
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
