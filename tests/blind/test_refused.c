/* test_refused.c -- allocations that fail, one by one, in what one side of
 * `blind` does alone: frames, sockets' queues, transfers. */
#include <sys/socket.h>
#include <unistd.h>

#include "blind/transfer.h"
#include "memory_support.h"
#include "test.h"
#include "two_sides.h"

/* A call that allocates; what it made is given back. */
typedef ckks_status refused_call(void);

static ckks_status opens_a_wire(void)
{
    blind_wire *w = NULL;
    int s[2];
    ckks_status st;

    if (!two_sockets(s, false))
        return CKKS_EIO;
    st = blind_wire_open(&w, s[0], 5);
    CHECK((st == CKKS_OK) == (w != NULL), "an output");
    if (st == CKKS_OK)
        blind_wire_close(&w);
    close(s[1]);
    return st;
}

/* More than the socket takes is queued; a frame is read. */
static ckks_status uses_a_wire(void)
{
    static uint8_t big[3 << 20];
    blind_wire *w[2] = { NULL, NULL };
    char *text = NULL;
    size_t size = 0;
    int s[2];
    ckks_status st;

    if (!two_sockets(s, false))
        return CKKS_EIO;
    for (int i = 0; i < 2; i++) {
        st = blind_wire_open(&w[i], s[i], 5);
        if (st != CKKS_OK) {
            if (i == 0)
                close(s[1]);
            blind_wire_close(&w[0]);
            return st;
        }
    }
    st = blind_wire_send(w[1], BLIND_HELLO, big, 1000);
    if (st == CKKS_OK)
        st = blind_wire_send(w[0], BLIND_UP, big, sizeof big);
    if (st == CKKS_OK)
        st = blind_wire_receive_text(w[0], BLIND_HELLO, &text, &size, 1, 2000);
    free(text);
    blind_wire_close(&w[1]);
    blind_wire_close(&w[0]);
    return st;
}

static ckks_status makes_a_group(void)
{
    const uint8_t four[BLIND_ELEMENT] = { 4 };
    blind_group *g = blind_group_open();
    blind_powers *t = g != NULL ? blind_powers_open(four, g) : NULL;
    ckks_status st = t != NULL ? CKKS_OK : CKKS_EMEM;

    blind_powers_close(t);
    blind_group_close(g);
    return st;
}

static ckks_status makes_transfers(void)
{
    static blind_pair pair[128];
    static blind_block sums[192], key[128], t[256];
    const uint8_t choice[32] = { 0 };
    blind_receiver *r = NULL;
    blind_sender *s = NULL;
    blind_wire *w = NULL;
    int sockets[2];
    ckks_status st;

    if (!two_sockets(sockets, false))
        return CKKS_EIO;
    st = blind_wire_open(&w, sockets[0], 5);
    if (st == CKKS_OK)
        st = blind_receiver_make(&r, sums, pair, 4, &blind_aes_portable);
    if (st == CKKS_OK)
        st = blind_sender_make(&s, key, sums, key[0], 4, &blind_aes_portable);
    if (st == CKKS_OK)
        st = blind_receive(t, choice, 256, r, w);
    blind_receiver_close(&r);
    blind_sender_close(&s);
    blind_wire_close(&w);
    close(sockets[1]);
    return st;
}

static void refuse_each(const char *name, refused_call *call, long least)
{
    ckks_status st = CKKS_EMEM;
    long k, held = memory_held();

    for (k = 1; k < 100; k++) {
        long calls;

        memory_refuse(k);
        st = call();
        calls = memory_calls();
        memory_refuse(0);
        CHECK(memory_held() == held, "%s: allocation %ld refused: %ld are "
              "left", name, k, memory_held() - held);
        if (calls < k)
            break;
        CHECK(st == CKKS_EMEM, "%s: allocation %ld refused: %s", name, k,
              ckks_status_name(st));
    }
    CHECK(st == CKKS_OK && k > least, "%s: %s after %ld allocations", name,
          ckks_status_name(st), k - 1);
}

TEST(blind_allocations_that_fail_leave_nothing)
{
    if (!memory_watched()) {
        test_skip("this linker wraps no functions");
        return;
    }
    refuse_each("open", opens_a_wire, 1);
    refuse_each("frames", uses_a_wire, 4);
    refuse_each("group", makes_a_group, 3);
    refuse_each("transfers", makes_transfers, 4);
}
