/* line.c -- a connection whose other side is a text: line.h. */
#include "line.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "fuzz.h"

static fuzz_line *line;
static int line_socket = -1;

int fuzz_line_open(fuzz_line *l)
{
    l->at = l->count = 0;
    l->state = l->manner;
    l->waited = false;
    line = l;
    line_socket = open("/dev/null", O_RDWR | O_CLOEXEC);
    fuzz_must(line_socket >= 0, "no descriptor");
    return line_socket;
}

/* How many of so many bytes go at once; 0: none now. */
static size_t line_piece(size_t most)
{
    static const size_t pieces[8] = { 0, 1, 7, 24, 31, 1000, 65536, 300000 };
    size_t piece;

    if (line->manner % FUZZ_LINE_RESETS == 0)
        return most;
    line->state = line->state * UINT64_C(6364136223846793005) + 1;
    piece = pieces[line->state >> 61];
    return piece < most ? piece : most;
}

static ssize_t line_later(void)
{
    errno = line->state >> 60 & 1 ? EINTR : EAGAIN;
    return -1;
}

static ssize_t line_gone(void)
{
    errno = ECONNRESET;
    return line->manner & FUZZ_LINE_RESETS ? -1 : 0;
}

ssize_t __real_recv(int s, void *to, size_t size, int flags);
ssize_t __wrap_recv(int s, void *to, size_t size, int flags);
ssize_t __wrap_recv(int s, void *to, size_t size, int flags)
{
    size_t left, k;

    if (line == NULL || s != line_socket)
        return __real_recv(s, to, size, flags);
    left = line->size - line->at;
    if (left == 0 && line->waited)
        return line_gone();
    k = line_piece(left < size ? left : size);
    if (k == 0)
        return line_later();
    memcpy(to, line->said + line->at, k);
    line->at += k;
    return (ssize_t)k;
}

ssize_t __real_sendmsg(int s, const struct msghdr *m, int flags);
ssize_t __wrap_sendmsg(int s, const struct msghdr *m, int flags);
ssize_t __wrap_sendmsg(int s, const struct msghdr *m, int flags)
{
    size_t all = 0, k;

    if (line == NULL || s != line_socket)
        return __real_sendmsg(s, m, flags);
    for (size_t i = 0; i < m->msg_iovlen; i++)
        all += m->msg_iov[i].iov_len;
    k = all = line_piece(all);
    if (k == 0)
        return line_later();
    for (size_t i = 0; k > 0; i++) {
        const struct iovec *v = &m->msg_iov[i];
        const size_t part = v->iov_len < k ? v->iov_len : k;

        for (size_t j = 0; j < part; j++, line->count++)
            if (line->count < line->room)
                line->heard[line->count] = ((uint8_t *)v->iov_base)[j];
        k -= part;
    }
    return (ssize_t)all;
}

int __real_poll(struct pollfd *f, nfds_t count, int ms);
int __wrap_poll(struct pollfd *f, nfds_t count, int ms);
int __wrap_poll(struct pollfd *f, nfds_t count, int ms)
{
    if (line == NULL || count != 1 || f->fd != line_socket)
        return __real_poll(f, count, ms);
    line->waited |= line->at == line->size;
    f->revents = f->events;
    return 1;
}
