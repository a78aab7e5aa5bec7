/* pump.c -- bytes in both directions: pump.h. */
#include "blind/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"

enum {
    PUMP_DIRECT = 64 << 10      /* reads this long go where they are wanted, */
                                /* others into the queue                     */
};

double blind_clock(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- opening ------------------------------------------------------------- */

/* Sizes of the socket's buffers are left to the system, which adapts them up
 * to megabytes; a size that is asked for would be cut to less than that. */
bool blind_pump_open(blind_pump *p, int socket, double idle)
{
    int on = 1, flags = fcntl(socket, F_GETFL);

    *p = (blind_pump){ .socket = socket, .idle = idle };
    if (flags < 0 || fcntl(socket, F_SETFL, flags | O_NONBLOCK) < 0) {
        p->error = errno;
        return false;
    }
    /* Fails where the socket is no TCP, which has no such delay. */
    (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return true;
}

void blind_pump_close(blind_pump *p)
{
    blind_queue_clear(&p->in);
    blind_queue_clear(&p->out);
    if (p->socket >= 0)
        close(p->socket);
    p->socket = -1;
}

/* ---- what the socket takes and gives without waiting --------------------- */

static bool pump_later(int e)
{
    return e == EAGAIN || e == EWOULDBLOCK || e == EINTR;
}

/* v: what is queued, head, data; what was sent is taken off. */
static void iov_advance(struct iovec *v, int pieces, size_t sent)
{
    for (int i = 0; i < pieces; i++) {
        size_t k = sent < v[i].iov_len ? sent : v[i].iov_len;

        v[i].iov_base = k > 0 ? (uint8_t *)v[i].iov_base + k : v[i].iov_base;
        v[i].iov_len -= k;
        sent -= k;
    }
}

static blind_pumped pump_take(blind_pump *p, int most);

/* errno of a call that failed; what came before is taken in, it may say why. */
static blind_pumped pump_broken(blind_pump *p, int error)
{
    if (p->error == 0) {
        p->error = error;
        (void)pump_take(p, 16);
    }
    return BLIND_BROKEN;
}

/* Sends the pieces of v, of which the first is the queue, as far as the socket
 * takes them. */
static blind_pumped pump_push(blind_pump *p, struct iovec *v, int pieces)
{
    struct msghdr m = { .msg_iov = v, .msg_iovlen = (size_t)pieces };
    size_t queued = blind_queue_size(&p->out);

    for (;;) {
        size_t left = 0;
        ssize_t k;

        for (int i = 0; i < pieces; i++)
            left += v[i].iov_len;
        if (left == 0)
            break;
        k = sendmsg(p->socket, &m, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0 && pump_later(errno))
            break;
        if (k < 0)
            return pump_broken(p, errno);
        iov_advance(v, pieces, (size_t)k);
    }
    blind_queue_drop(&p->out, queued - v[0].iov_len);
    return BLIND_MOVED;
}

static blind_pumped pump_push_queue(blind_pump *p)
{
    struct iovec v = { p->out.byte + p->out.start, blind_queue_size(&p->out) };

    if (v.iov_len == 0)
        return BLIND_MOVED;
    return pump_push(p, &v, 1);
}

/* Reads at most size bytes to where they are wanted; *got 0: none now, or the
 * end. */
static blind_pumped pump_recv(blind_pump *p, uint8_t *data, size_t size,
                              size_t *got)
{
    ssize_t k;

    do
        k = recv(p->socket, data, size, 0);
    while (k < 0 && errno == EINTR);
    *got = k > 0 ? (size_t)k : 0;
    if (k == 0)
        p->ended = true;
    return k >= 0 || pump_later(errno) ? BLIND_MOVED : pump_broken(p, errno);
}

/* Whether the other side may be taken in from. */
static bool pump_room(const blind_pump *p)
{
    return blind_queue_size(&p->in) + BLIND_QUEUE_BITE <= BLIND_MOST_WAITING;
}

/* Takes in what has come, as long as it may wait here; at most `most` bites. */
static blind_pumped pump_take(blind_pump *p, int most)
{
    size_t got = 1;

    while (most-- > 0 && got > 0 && !p->ended
           && pump_room(p)) {
        blind_pumped r;

        if (!blind_queue_extend(&p->in, BLIND_QUEUE_BITE))
            return BLIND_NO_MEMORY;
        r = pump_recv(p, p->in.byte + p->in.end, BLIND_QUEUE_BITE, &got);
        if (r != BLIND_MOVED)
            return r;
        p->in.end += got;
    }
    return BLIND_MOVED;
}

/* ---- waiting ------------------------------------------------------------- */

/* A stretch of `idle` seconds and what has to move within it. */
typedef struct pump_window {
    double end;
    size_t want, moved;
} pump_window;

static pump_window window_begin(const blind_pump *p, size_t left)
{
    double most = BLIND_LEAST_RATE * p->idle;

    return (pump_window){ .end = blind_clock() + p->idle,
                          .want = (double)left < most ? left : (size_t)most };
}

/* Waits for the socket to give (unless too much waits already) or, where
 * something is to be sent, to take.  Enough moved begins the next window. */
static blind_pumped window_wait(blind_pump *p, pump_window *w, size_t left,
                                bool send)
{
    const bool room = pump_room(p);
    struct pollfd f = { .fd = p->socket,
                        .events = (short)((room ? POLLIN : 0)
                                          | (send ? POLLOUT : 0)) };
    double begun, rest;
    int k;

    if (w->moved >= w->want)
        *w = window_begin(p, left);
    begun = blind_clock();
    rest = w->end - begun;
    if (rest <= 0)
        return BLIND_STALLED;
    if (p->allowed > 0 && p->waited >= p->allowed)
        return BLIND_LATE;
    if (p->allowed > 0 && p->allowed - p->waited < rest)
        rest = p->allowed - p->waited;
    k = poll(&f, 1, 1 + (int)((rest < 60 ? rest : 60) * 1e3));
    if (k < 0 && !pump_later(errno))
        return pump_broken(p, errno);
    p->waited += blind_clock() - begun;
    return BLIND_MOVED;
}

/* ---- the calls ----------------------------------------------------------- */

blind_pumped blind_pump_write(blind_pump *p, const void *head,
                              size_t head_size, const void *data, size_t size)
{
    pump_window w = window_begin(p, head_size + size);
    struct iovec v[3] = { { .iov_len = 0 }, { (void *)(uintptr_t)head,
                                              head_size },
                          { (void *)(uintptr_t)data, size } };

    for (;;) {
        size_t left = v[1].iov_len + v[2].iov_len, before;
        blind_pumped r;

        v[0] = (struct iovec){ p->out.byte + p->out.start,
                               blind_queue_size(&p->out) };
        before = v[0].iov_len + left;
        r = pump_push(p, v, 3);
        if (r != BLIND_MOVED)
            return r;
        left = v[1].iov_len + v[2].iov_len;
        w.moved += before - v[0].iov_len - left;
        if (v[0].iov_len + left <= BLIND_MOST_QUEUED)
            break;
        r = pump_take(p, 16);
        if (r == BLIND_MOVED && p->ended)
            r = BLIND_ENDED;
        if (r == BLIND_MOVED)
            r = window_wait(p, &w, v[0].iov_len + left, true);
        if (r != BLIND_MOVED)
            return r;
    }
    return blind_queue_put(&p->out, v[1].iov_base, v[1].iov_len)
                   && blind_queue_put(&p->out, v[2].iov_base, v[2].iov_len)
               ? BLIND_MOVED : BLIND_NO_MEMORY;
}

/* Some of the next size bytes, at least one unless there are none now. */
static blind_pumped pump_some(blind_pump *p, uint8_t *data, size_t size,
                              size_t *got)
{
    blind_pumped r = BLIND_MOVED;

    *got = blind_queue_get(&p->in, data, size);
    if (*got > 0 || p->ended)
        return BLIND_MOVED;
    if (size >= PUMP_DIRECT)
        return pump_recv(p, data, size, got);
    r = pump_take(p, 1);
    *got = blind_queue_get(&p->in, data, size);
    return r;
}

blind_pumped blind_pump_read(blind_pump *p, void *data, size_t size)
{
    pump_window w = window_begin(p, size);
    uint8_t *to = data;

    while (size > 0) {
        size_t got;
        blind_pumped r = pump_some(p, to, size, &got);

        if (r != BLIND_MOVED)
            return r;
        to += got;
        size -= got;
        w.moved += got;
        if (got > 0)
            continue;
        if (p->ended)
            return BLIND_ENDED;
        r = pump_push_queue(p);
        if (r == BLIND_MOVED)
            r = window_wait(p, &w, size, blind_queue_size(&p->out) > 0);
        if (r != BLIND_MOVED)
            return r;
    }
    return BLIND_MOVED;
}

blind_pumped blind_pump_flush(blind_pump *p, double most)
{
    pump_window w = window_begin(p, blind_queue_size(&p->out));
    double end = blind_clock() + most;

    while (blind_queue_size(&p->out) > 0) {
        size_t before = blind_queue_size(&p->out);
        blind_pumped r = pump_push_queue(p);

        w.moved += before - blind_queue_size(&p->out);
        if (r != BLIND_MOVED || blind_queue_size(&p->out) == 0)
            return r;
        r = pump_take(p, 16);
        if (r == BLIND_MOVED && p->ended)
            r = BLIND_ENDED;
        if (most >= 0 && w.end > end)
            w.end = end;
        if (r == BLIND_MOVED)
            r = window_wait(p, &w, blind_queue_size(&p->out), true);
        if (r != BLIND_MOVED)
            return r;
    }
    return BLIND_MOVED;
}

blind_pumped blind_pump_breathe(blind_pump *p)
{
    double now = blind_clock();
    blind_pumped r;

    if (now - p->looked < 5e-3)
        return BLIND_MOVED;
    p->looked = now;
    r = pump_push_queue(p);
    if (r == BLIND_MOVED)
        r = pump_take(p, 16);
    return r == BLIND_MOVED && p->ended ? BLIND_ENDED : r;
}

void blind_pump_hang_up(blind_pump *p, double most)
{
    double end = blind_clock() + most;
    size_t got = 0;

    shutdown(p->socket, SHUT_WR);
    blind_queue_clear(&p->in);
    if (!blind_queue_extend(&p->in, BLIND_QUEUE_BITE))
        return;
    while (!p->ended && blind_clock() < end
           && pump_recv(p, p->in.byte, BLIND_QUEUE_BITE, &got) == BLIND_MOVED)
        if (got == 0 && !p->ended) {
            struct pollfd f = { .fd = p->socket, .events = POLLIN };

            (void)poll(&f, 1, 1 + (int)((end - blind_clock()) * 1e3));
        }
}
