/* relay.c -- relay.h. */
#include "relay.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "test.h"

enum { RELAY_BITE = 1 << 16 };

/* Passes on what `from` sent; false: it has closed. */
static bool relay_pass(relay_side *from, int to)
{
    ssize_t got, put = 0;

    if (from->room - from->size < RELAY_BITE) {
        from->room = 2 * from->room + RELAY_BITE;
        from->byte = realloc(from->byte, from->room);
    }
    got = read(from->socket, from->byte + from->size, RELAY_BITE);
    if (got <= 0)
        return false;
    for (ssize_t k; put < got; put += k) {
        k = send(to, from->byte + from->size + put, (size_t)(got - put),
                 MSG_NOSIGNAL);
        if (k <= 0)
            return false;
    }
    from->size += (size_t)got;
    return true;
}

static void *relay_main(void *v)
{
    relay *r = v;
    bool open[2] = { true, true };

    while (open[0] || open[1]) {
        struct pollfd f[2];

        for (int i = 0; i < 2; i++)
            f[i] = (struct pollfd){ .fd = open[i] ? r->side[i].socket : -1,
                                    .events = POLLIN };
        if (poll(f, 2, -1) < 0)
            continue;
        for (int i = 0; i < 2; i++)
            if (f[i].revents != 0
                && !relay_pass(&r->side[i], r->side[!i].socket)) {
                open[i] = false;
                shutdown(r->side[!i].socket, SHUT_WR);
            }
    }
    return NULL;
}

bool relay_open(relay *r, int ends[2])
{
    memset(r, 0, sizeof *r);
    for (int i = 0; i < 2; i++) {
        int s[2];

        if (!CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0, "no sockets"))
            return false;
        ends[i] = s[0];
        r->side[i].socket = s[1];
    }
    return CHECK(pthread_create(&r->thread, NULL, relay_main, r) == 0,
                 "no thread");
}

void relay_wait(relay *r)
{
    pthread_join(r->thread, NULL);
    for (int i = 0; i < 2; i++)
        close(r->side[i].socket);
}

void relay_clear(relay *r)
{
    for (int i = 0; i < 2; i++)
        free(r->side[i].byte);
    memset(r, 0, sizeof *r);
}

relay_frame *relay_frames(size_t *count, const relay_side *s)
{
    relay_frame *f = malloc((s->size / BLIND_HEADER + 1) * sizeof *f);
    size_t at = BLIND_GREETING;

    *count = 0;
    while (at + BLIND_HEADER <= s->size) {
        const uint8_t *b = s->byte + at;
        uint64_t size = cki_load64(b + 8);

        at += BLIND_HEADER + (size_t)size;
        if ((cki_load32(b) & 0xffff) == BLIND_ALIVE)
            continue;
        f[(*count)++] = (relay_frame){ cki_load32(b) & 0xffff,
                                       cki_load32(b) >> 16, size,
                                       at - (size_t)size };
    }
    CHECK(at == s->size, "%zu bytes, frames of %zu", s->size, at);
    return f;
}
