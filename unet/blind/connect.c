/* connect.c -- sockets of TCP: connect.h. */
#include "blind/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blind/pump.h"
#include "nn.h"

enum { CONNECT_HOST = 256, CONNECT_BACKLOG = 8, CONNECT_LOOK = 200 /* ms */ };

static ckks_status connect_failed(int socket, int error, const char *doing,
                                  const char *where)
{
    if (socket >= 0)
        close(socket);
    return nn_fail(CKKS_EIO, "%s %s: %s", doing, where, strerror(error));
}

/* Addresses of a host; list: freeaddrinfo. */
static ckks_status connect_find(struct addrinfo **list, const char *host,
                                const char *port, int flags)
{
    struct addrinfo want = { .ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = flags | AI_NUMERICSERV };
    int e = getaddrinfo(host, port, &want, list);

    if (e != 0)
        return nn_fail(CKKS_EARG, "%s, port %s: %s", host, port,
                       gai_strerror(e));
    return CKKS_OK;
}

static int socket_for(const struct addrinfo *a)
{
    int s = socket(a->ai_family, a->ai_socktype, a->ai_protocol);

    if (s >= 0)
        (void)fcntl(s, F_SETFD, FD_CLOEXEC);
    return s;
}

/* ---- listening ----------------------------------------------------------- */

/* The port that a socket got. */
static int port_of(int s)
{
    struct sockaddr_storage a;
    socklen_t size = sizeof a;
    char port[8];

    if (getsockname(s, (struct sockaddr *)&a, &size) != 0
        || getnameinfo((struct sockaddr *)&a, size, NULL, 0, port, sizeof port,
                       NI_NUMERICSERV) != 0)
        return 0;
    return atoi(port);
}

ckks_status blind_listen(int *out, int *port, const char *host)
{
    const char *at = host != NULL ? host : "127.0.0.1";
    struct addrinfo *list;
    char text[12], where[CONNECT_HOST + 20];
    int s, on = 1, e = 0;
    ckks_status st;

    if (*port < 0 || *port > 65535)
        return nn_fail(CKKS_EARG, "port %d of 0..65535", *port);
    snprintf(text, sizeof text, "%d", *port);
    snprintf(where, sizeof where, "%s, port %s", at, text);
    st = connect_find(&list, at, text, AI_PASSIVE);
    if (st != CKKS_OK)
        return st;
    s = socket_for(list);
    if (s < 0
        || setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0
        || bind(s, list->ai_addr, list->ai_addrlen) != 0
        || listen(s, CONNECT_BACKLOG) != 0)
        e = errno;
    freeaddrinfo(list);
    if (e != 0)
        return connect_failed(s, e, "listening at", where);
    *port = port_of(s);
    *out = s;
    return CKKS_OK;
}

/* ---- connecting ---------------------------------------------------------- */

/* HOST:PORT, [ADDRESS]:PORT */
static bool address_split(char host[CONNECT_HOST], const char **port,
                          const char *address)
{
    const char *colon = strrchr(address, ':');
    size_t size = colon != NULL ? (size_t)(colon - address) : 0;

    if (size > 2 && address[0] == '[' && address[size - 1] == ']') {
        address++;
        size -= 2;
    } else if (size > 0 && memchr(address, ':', size) != NULL) {
        return false;
    }
    if (size == 0 || size >= CONNECT_HOST || colon[1] == '\0'
        || strspn(colon + 1, "0123456789") != strlen(colon + 1)
        || strlen(colon + 1) > 5 || atoi(colon + 1) > 65535)
        return false;
    memcpy(host, address, size);
    host[size] = '\0';
    *port = colon + 1;
    return true;
}

/* One address within so many seconds; 0, or errno. */
static int connect_one(int s, const struct addrinfo *a, double seconds)
{
    struct pollfd f = { .fd = s, .events = POLLOUT };
    int e = 0, k;
    socklen_t size = sizeof e;

    if (fcntl(s, F_SETFL, O_NONBLOCK) != 0)
        return errno;
    if (connect(s, a->ai_addr, a->ai_addrlen) == 0)
        return 0;
    if (errno != EINPROGRESS && errno != EINTR)
        return errno;
    do
        k = poll(&f, 1, (int)(seconds * 1e3));
    while (k < 0 && errno == EINTR);
    if (k <= 0)
        return k == 0 ? ETIMEDOUT : errno;
    return getsockopt(s, SOL_SOCKET, SO_ERROR, &e, &size) == 0 ? e : errno;
}

ckks_status blind_connect(int *out, const char *address, double seconds)
{
    struct addrinfo *list;
    char host[CONNECT_HOST];
    const char *port;
    int e = 0;
    ckks_status st;

    if (!address_split(host, &port, address))
        return nn_fail(CKKS_EARG, "\"%s\" is no HOST:PORT", address);
    st = connect_find(&list, host, port, 0);
    if (st != CKKS_OK)
        return st;
    for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
        int s = socket_for(a);

        e = s < 0 ? errno : connect_one(s, a, seconds);
        if (e == 0) {
            freeaddrinfo(list);
            *out = s;
            return CKKS_OK;
        }
        if (s >= 0)
            close(s);
    }
    freeaddrinfo(list);
    return connect_failed(-1, e, "connecting to", address);
}

/* ---- serving ------------------------------------------------------------- */

/* Whether accept failed by what befell one connection on its way, which says
 * nothing of the next. */
static bool accept_passes(int error)
{
    return error == EINTR || error == EAGAIN || error == ECONNABORTED
           || error == EPROTO || error == ENETDOWN || error == ENETUNREACH
           || error == EHOSTUNREACH || error == ETIMEDOUT;
}

/* The next client within `ms`: its socket; -1: none, or the wait was
 * interrupted; -2: the system refuses. */
static int serve_accept(int listener, int ms)
{
    struct pollfd f = { .fd = listener, .events = POLLIN };
    int s;

    if (poll(&f, 1, ms) <= 0)
        return -1;
    s = accept(listener, NULL, NULL);
    if (s >= 0)
        (void)fcntl(s, F_SETFD, FD_CLOEXEC);
    else if (!accept_passes(errno))
        return -2;
    return s;
}

/* Whether the process that served has ended; how: WNOHANG, or 0 to wait. */
static void serve_reap(pid_t *child, int *failed, int how)
{
    int status;

    if (*child == 0 || waitpid(*child, &status, how) != *child)
        return;
    *failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    *child = 0;
}

static int serve_once(int *failed, int listener, const volatile int *stop,
                      int (*serve)(int socket, void *user), void *user)
{
    int s = -1;

    while (!*stop && s == -1)
        s = serve_accept(listener, CONNECT_LOOK);
    close(listener);
    if (s >= 0)
        *failed += serve(s, user) != 0;
    return s == -2 ? errno : 0;
}

/* A process for one client; it ends at a signal, as programs do. */
static pid_t serve_fork(int s, int listener,
                        int (*serve)(int socket, void *user), void *user)
{
    pid_t child = fork();

    if (child != 0) {
        close(s);
        return child;
    }
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    close(listener);
    _exit(serve(s, user) != 0);
}

/* 0, or errno. */
static int serve_many(int *failed, int listener, const volatile int *stop,
                      int (*serve)(int socket, void *user),
                      void (*busy)(int socket, double seconds, void *user),
                      void *user)
{
    double since = 0;
    pid_t child = 0;
    int e = 0;

    while (!*stop && e == 0) {
        int s = serve_accept(listener, CONNECT_LOOK);

        serve_reap(&child, failed, WNOHANG);
        if (s >= 0 && child != 0) {
            busy(s, blind_clock() - since, user);
        } else if (s >= 0) {
            since = blind_clock();
            child = serve_fork(s, listener, serve, user);
        }
        if (s == -2 || child < 0)
            e = errno;
    }
    close(listener);
    if (child > 0) {
        kill(child, SIGTERM);
        serve_reap(&child, failed, 0);
    }
    return e;
}

ckks_status blind_serve(int *failed, int listener, bool once,
                        const volatile int *stop,
                        int (*serve)(int socket, void *user),
                        void (*busy)(int socket, double seconds, void *user),
                        void *user)
{
    int e;

    *failed = 0;
    e = once ? serve_once(failed, listener, stop, serve, user)
             : serve_many(failed, listener, stop, serve, busy, user);
    return e == 0 ? CKKS_OK : nn_fail(CKKS_EIO, "serving clients: %s",
                                      strerror(e));
}
