/* test_wire_forged.c -- bytes that are no frames, or not those that were
 * wanted: unet/blind/wire.h. */
#include <stdlib.h>
#include <unistd.h>

#include "nn.h"
#include "test.h"
#include "wire_support.h"

/* What the peer wrote must end the session with this message, at once. */
static void refused(const void *bytes, size_t size, bool closes,
                    ckks_status want, const char *message)
{
    uint8_t x[16], before[16];
    blind_wire *w;
    int peer;
    double begun = blind_clock();

    if (!wire_alone(&w, &peer, 20))
        return;
    memset(x, 7, sizeof x);
    memcpy(before, x, sizeof x);
    CHECK(write(peer, bytes, size) == (ssize_t)size, "not written");
    if (closes)
        close(peer);
    CHECK_STATUS(blind_wire_receive(w, BLIND_TABLE, x, sizeof x), want);
    wire_said(message);
    /* And so does each further call. */
    CHECK_STATUS(blind_wire_send(w, BLIND_UP, x, 1), want);
    wire_said(message);
    CHECK(blind_clock() - begun < 5, "after %g s", blind_clock() - begun);
    if (!closes)
        close(peer);
    blind_wire_close(&w);
}

TEST(wrong_headers_end_the_session)
{
    static const struct {
        wire_forged f;
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

        wire_forge(b, &cases[i].f);
        refused(b, sizeof b, false, CKKS_EFORMAT, cases[i].message);
    }
}

TEST(cut_and_senseless_bytes_end_the_session)
{
    uint8_t b[24 + 16] = { 0 }, noise[4096];
    uint64_t state = 1;

    wire_forge(b, &(wire_forged){ BLIND_TABLE, 3, 0, 16, 0, 0 });
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

    wire_forge(b, &(wire_forged){ BLIND_ERROR, 0, 0, 14, 0, 0 });
    memcpy(b + 24, "no\n\x1b[2J\xc3\xa9 more", 14);
    refused(b, 24 + 14, false, CKKS_EIO,
            "conv1: the other side ended: no??[2J?? more");
    /* Of a long line 400 characters. */
    wire_forge(b, &(wire_forged){ BLIND_ERROR, 0, 0, 500, 0, 0 });
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

    wire_forge(b, &(wire_forged){ BLIND_TABLE, 3, 0, 16, 0, 0 });
    wire_forge(b + 40, &(wire_forged){ BLIND_ERROR, 0, 1, 4, 0, 0 });
    memcpy(b + 64, "full", 4);
    if (!wire_alone(&w, &peer, 20))
        return;
    CHECK(write(peer, b, sizeof b) == (ssize_t)sizeof b, "not written");
    CHECK_OK(blind_wire_send(w, BLIND_UP, big, 100000));
    wire_doze(0.01);
    close(peer);                        /* with bytes unread: a reset        */
    for (int i = 0; i < 20 && st == CKKS_OK; i++)
        st = blind_wire_send(w, BLIND_UP, big, 8 << 20);
    CHECK(st == CKKS_EIO, "%s", ckks_status_name(st));
    wire_said("the other side ended: full");
    blind_wire_close(&w);
    free(big);
}

TEST(alive_frames_are_passed_over)
{
    uint8_t b[3 * 24 + 16] = { 0 }, x[16];
    blind_wire *w;
    int peer;

    if (!wire_alone(&w, &peer, 20))
        return;
    wire_forge(b, &(wire_forged){ BLIND_ALIVE, 0, 0, 0, 0, 0 });
    wire_forge(b + 24, &(wire_forged){ BLIND_ALIVE, 9, 1, 0, 0, 0 });
    wire_forge(b + 48, &(wire_forged){ BLIND_TABLE, 3, 2, 16, 0, 0 });
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

    wire_forge(b, &(wire_forged){ BLIND_HELLO, 3, 0, 8, 0, 0 });
    memcpy(b + 24, "{\"a\": 1}", 8);
    for (size_t most = 7; most <= 8; most++) {
        if (!wire_alone(&w, &peer, 20))
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
