/* test_wire_time.c -- a peer that is silent, slow or gone: unet/blind/wire.h.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "blind/header.h"
#include "nn.h"
#include "test.h"
#include "wire_support.h"

TEST(a_silent_peer_is_given_up)
{
    blind_wire *w;
    uint8_t x[16];
    int peer;
    double begun = blind_clock(), took;

    if (!wire_alone(&w, &peer, 0.3))
        return;
    CHECK_STATUS(blind_wire_receive(w, BLIND_TABLE, x, sizeof x), CKKS_EIO);
    wire_said("conv1: waiting for TABLE: the other side has been silent");
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

    if (!wire_alone(&w, &peer, 0.3))
        return;
    for (int i = 0; i < 4 && st == CKKS_OK; i++)
        st = blind_wire_send(w, BLIND_UP, big, BLIND_MOST_FRAME);
    CHECK(st == CKKS_EIO, "%s", ckks_status_name(st));
    wire_said("conv1: sending: the other side has been silent");
    blind_wire_close(&w);
    close(peer);
    free(big);
}

/* One byte in 50 ms until the reader hangs up. */
static void *drips(void *p)
{
    uint8_t b[24];
    int socket = *(int *)p;

    wire_forge(b, &(wire_forged){ BLIND_TABLE, 3, 0, 1 << 20, 0, 0 });
    if (send(socket, b, 24, MSG_NOSIGNAL) == 24)
        while (send(socket, b, 1, MSG_NOSIGNAL) == 1)
            wire_doze(0.05);
    return NULL;
}

TEST(a_slow_peer_is_given_up)
{
    uint8_t *x = malloc(1 << 20);
    blind_wire *w;
    pthread_t t;
    int peer;
    double begun = blind_clock(), took;

    if (!wire_alone(&w, &peer, 0.5))
        return;
    pthread_create(&t, NULL, drips, &peer);
    CHECK_STATUS(blind_wire_receive(w, BLIND_TABLE, x, 1 << 20), CKKS_EIO);
    wire_said("below 1000 bytes a second");
    took = blind_clock() - begun;
    CHECK(took > 0.49 && took < 4, "after %g s", took);
    blind_wire_close(&w);
    pthread_join(t, NULL);
    close(peer);
    free(x);
}

/* 5000 bytes a second, fast enough never to be called slow, until the reader
 * hangs up. */
static void *trickles(void *p)
{
    static const uint8_t bytes[50];
    uint8_t b[24];
    int socket = *(int *)p;

    wire_forge(b, &(wire_forged){ BLIND_TABLE, 3, 0, 1 << 20, 0, 0 });
    if (send(socket, b, 24, MSG_NOSIGNAL) == 24)
        while (send(socket, bytes, sizeof bytes, MSG_NOSIGNAL) > 0)
            wire_doze(0.01);
    return NULL;
}

/* Whoever is waited for longer in all than it may be is given up, and told. */
TEST(a_peer_that_takes_too_long_in_all_is_given_up)
{
    uint8_t *x = malloc(1 << 20);
    double begun = blind_clock(), took;
    blind_header h = { 0 };
    uint8_t b[BLIND_HEADER];
    blind_wire *w;
    pthread_t t;
    int peer;

    if (!wire_alone(&w, &peer, 20))
        return;
    blind_wire_allow(w, 0.5);
    pthread_create(&t, NULL, trickles, &peer);
    CHECK_STATUS(blind_wire_receive(w, BLIND_TABLE, x, 1 << 20), CKKS_EIO);
    wire_said("conv1: TABLE: the other side has been waited for 0.5 seconds");
    took = blind_clock() - begun;
    CHECK(took > 0.49 && took < 4, "after %g s", took);
    blind_wire_close(&w);
    pthread_join(t, NULL);
    CHECK(recv(peer, b, sizeof b, 0) == (ssize_t)sizeof b
              && blind_header_get(&h, b) && h.type == BLIND_ERROR
              && recv(peer, x, 1 << 20, 0) == (ssize_t)h.size
              && memcmp(x, "conv1: TABLE: the other", 23) == 0,
          "not told: type %u, %zu bytes", h.type, (size_t)h.size);
    close(peer);
    free(x);
}

/* What this side computes meanwhile counts for nobody, nor does what was waited
 * for before. */
TEST(only_waiting_counts)
{
    uint8_t b[24 + 16] = { 0 }, x[16];
    blind_wire *w;
    int peer;

    if (!wire_alone(&w, &peer, 20))
        return;
    for (uint32_t i = 0; i < 3; i++) {
        blind_wire_allow(w, 5);
        wire_forge(b, &(wire_forged){ BLIND_TABLE, 3, i, 16, 0, 0 });
        CHECK(write(peer, b, sizeof b) == (ssize_t)sizeof b, "not written");
        wire_doze(0.3);
        blind_wire_allow(w, 0.2);
        CHECK_OK(blind_wire_receive(w, BLIND_TABLE, x, sizeof x));
    }
    blind_wire_close(&w);
    close(peer);
}

/* Says every 2 ms that it is computing, until the reader hangs up. */
static void *lives(void *p)
{
    uint8_t b[24];
    int socket = *(int *)p;

    for (uint32_t i = 0; i < 5000; i++, wire_doze(0.002)) {
        wire_forge(b, &(wire_forged){ BLIND_ALIVE, 0, i, 0, 0, 0 });
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

        if (!wire_alone(&w, &peer, 0.05))
            return;
        pthread_create(&t, NULL, lives, &peer);
        CHECK_STATUS(blind_wire_receive(w, BLIND_TABLE, x, sizeof x),
                     CKKS_EIO);
        took = blind_clock() - begun;
        silent = strstr(nn_last_error(), "silent") != NULL;
        if (!silent)
            wire_said("the other side has been computing for 3 seconds");
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

        if (!wire_alone(&w, &peer, 20))
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
                wire_doze(0.006);
        }
        took = blind_clock() - begun;
        CHECK(st == CKKS_EIO && took < 1, "call %d: %s after %g s", what,
              ckks_status_name(st), took);
        blind_wire_close(&w);
    }
    free(big);
}
