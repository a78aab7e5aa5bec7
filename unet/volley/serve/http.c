/* http.c -- the loop: requests, processes, signals and the clock, one after the
 * other in one thread. */
#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http.h"

/* ---- connections --------------------------------------------------------- */

static void line_notify(void *cls, struct MHD_Connection *connection,
                        void **own, enum MHD_ConnectionNotificationCode code)
{
    serve_web *web = cls;
    serve_line *line = *own;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        line = calloc(1, sizeof *line);
        *own = line;
        if (line == NULL)
            return;
        line->fd = MHD_get_connection_info(connection,
                                           MHD_CONNECTION_INFO_CONNECTION_FD)
                       ->connect_fd;
        line->deadline = volley_clock() + SERVE_IDLE;
        line->next = web->lines;
        if (web->lines != NULL)
            web->lines->before = line;
        web->lines = line;
    } else if (line != NULL) {
        if (line->next != NULL)
            line->next->before = line->before;
        if (line->before != NULL)
            line->before->next = line->next;
        else
            web->lines = line->next;
        free(line);
        *own = NULL;
    }
}

/* Those that take longer than they may are cut: the library closes them. */
static void lines_cut(serve_web *web)
{
    const double now = volley_clock();

    for (serve_line *x = web->lines; x != NULL; x = x->next)
        if (x->deadline > 0 && now > x->deadline) {
            (void)shutdown(x->fd, SHUT_RDWR);
            x->deadline = now + SERVE_WAIT;
        }
}

/* ---- its beginning ------------------------------------------------------- */

/* The library's own lines may name clients: only the last is kept, to be told
 * if it does not start. */
static void web_said(void *cls, const char *format, va_list ap)
{
    serve_web *web = cls;
    size_t n;

    vsnprintf(web->said, sizeof web->said, format, ap);
    n = strlen(web->said);
    while (n > 0 && web->said[n - 1] == '\n')
        web->said[--n] = '\0';
}

/* Addresses are taken as they stand: none of ours needs '%', and "%00" would
 * end a text before its end. */
static size_t web_unescape(void *cls, struct MHD_Connection *connection,
                           char *text)
{
    (void)cls;
    (void)connection;
    return strlen(text);
}

static int web_address(struct sockaddr_storage *out, bool *v6, const serve *s)
{
    const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_PASSIVE,
                                    .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;

    if (getaddrinfo(s->bind, NULL, &hints, &found) != 0 || found == NULL)
        return volley_fail("--bind '%s' is no address, as 127.0.0.1, 0.0.0.0 "
                           "or ::1", s->bind);
    memset(out, 0, sizeof *out);
    memcpy(out, found->ai_addr, found->ai_addrlen);
    *v6 = found->ai_family == AF_INET6;
    freeaddrinfo(found);
    if (*v6)
        ((struct sockaddr_in6 *)out)->sin6_port = htons((uint16_t)s->port);
    else
        ((struct sockaddr_in *)out)->sin_port = htons((uint16_t)s->port);
    return VOLLEY_DONE;
}

static int web_start(serve *s)
{
    serve_web *web = s->web;
    struct sockaddr_storage address;
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME
                     | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem tls[3] = { { MHD_OPTION_END, 0, NULL } };
    bool v6 = false;
    int code = web_address(&address, &v6, s);

    if (code != VOLLEY_DONE)
        return code;
    if (s->cert != NULL) {
        flags |= MHD_USE_TLS;
        tls[0] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0,
                                          s->cert };
        tls[1] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0,
                                          s->cert_key };
        tls[2] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
    }
    web->daemon = MHD_start_daemon(
        flags | (v6 ? MHD_USE_IPv6 : 0), (uint16_t)s->port, NULL, NULL,
        serve_access, s,
        MHD_OPTION_EXTERNAL_LOGGER, web_said, web,
        MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)SERVE_LINES,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)SERVE_LINE_BYTES,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SERVE_IDLE,
        MHD_OPTION_NOTIFY_COMPLETED, serve_completed, s,
        MHD_OPTION_NOTIFY_CONNECTION, line_notify, web,
        MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_UNESCAPE_CALLBACK, web_unescape, NULL,
        MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (web->daemon == NULL)
        return volley_fail("listening at %s, port %d: %s", s->bind, s->port,
                           web->said[0] != '\0' ? web->said
                                                : strerror(errno));
    s->port = MHD_get_daemon_info(web->daemon, MHD_DAEMON_INFO_BIND_PORT)
                  ->port;
    return VOLLEY_DONE;
}

static void web_greet(const serve *s)
{
    char text[160];
    serve_event e = { .what = "listening", .bytes = -1, .seconds = -1,
                      .text = text };

    if (s->cert == NULL && strcmp(s->bind, "127.0.0.1") != 0
        && strcmp(s->bind, "::1") != 0)
        volley_warn("%s: without --cert whoever is on the way reads tokens and "
                    "ids, and takes results: TLS here, or before it", s->bind);
    snprintf(text, sizeof text, "%s://%s%s%s port %d, %zu model%s",
             s->cert != NULL ? "https" : "http",
             strchr(s->bind, ':') != NULL ? "[" : "", s->bind,
             strchr(s->bind, ':') != NULL ? "]" : "", s->port, s->models,
             s->models == 1 ? "" : "s");
    serve_log(s, &e);
}

/* ---- signals ------------------------------------------------------------- */

static volatile sig_atomic_t web_stop;
static int web_pipe[2] = { -1, -1 };

static void web_signal(int number)
{
    const int e = errno;

    web_stop = number;
    (void)!write(web_pipe[1], "", 1);
    errno = e;
}

static int web_signals(void)
{
    static const int number[] = { SIGTERM, SIGINT, SIGHUP };
    struct sigaction end = { .sa_handler = web_signal };

    if (pipe(web_pipe) != 0)
        return volley_fail("a pipe: %s", strerror(errno));
    for (int i = 0; i < 2; i++) {
        (void)fcntl(web_pipe[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(web_pipe[i], F_SETFL, O_NONBLOCK);
    }
    sigemptyset(&end.sa_mask);
    for (size_t i = 0; i < 3; i++)
        (void)sigaction(number[i], &end, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    return VOLLEY_DONE;
}

/* More descriptors than these are never needed, and children close as many. */
static void web_descriptors(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) != 0)
        return;
    r.rlim_cur = r.rlim_max < 1024 ? r.rlim_max : 1024;
    (void)setrlimit(RLIMIT_NOFILE, &r);
}

/* ---- the loop ------------------------------------------------------------ */

/* Once a second. */
static void web_tick(serve *s)
{
    static double said, aged;
    const double now = volley_clock();

    lines_cut(s->web);
    serve_streams_turn(s, false);
    serve_children_watch(s);
    serve_schedule(s);
    if (now - aged >= 10) {
        aged = now;
        serve_age(s);
    }
    if (now - said >= 60 && s->refused > 0) {
        char text[32];
        const serve_event e = { .what = "requests refused", .bytes = -1,
                                .seconds = -1, .text = text };

        snprintf(text, sizeof text, "%u", s->refused);
        serve_log(s, &e);
        s->refused = 0;
        said = now;
    }
}

/* Waits for something to do, a second at most. */
static void web_wait(serve *s, struct pollfd poll_of[SERVE_JOBS + 2])
{
    MHD_UNSIGNED_LONG_LONG most = 1000;

    poll_of[0] = (struct pollfd){ .fd = web_pipe[0], .events = POLLIN };
    poll_of[1] = (struct pollfd){
        .fd = MHD_get_daemon_info(s->web->daemon, MHD_DAEMON_INFO_EPOLL_FD)
                  ->epoll_fd,
        .events = POLLIN
    };
    for (int i = 0; i < s->jobs; i++)
        poll_of[2 + i] = (struct pollfd){ .fd = serve_child_fd(s->child[i]),
                                          .events = POLLIN };
    if (MHD_get_timeout(s->web->daemon, &most) != MHD_YES || most > 1000)
        most = 1000;
    (void)poll(poll_of, (nfds_t)s->jobs + 2, (int)most);
}

static void web_loop(serve *s)
{
    struct pollfd poll_of[SERVE_JOBS + 2];
    double tick = 0;

    while (!web_stop) {
        web_wait(s, poll_of);
        for (int i = 0; i < s->jobs; i++)
            if (poll_of[2 + i].revents != 0 && s->child[i] != NULL
                && serve_child_fd(s->child[i]) == poll_of[2 + i].fd)
                serve_child_look(s, i);
        if (volley_clock() - tick >= 1) {
            tick = volley_clock();
            web_tick(s);
        }
        (void)MHD_run(s->web->daemon);
    }
}

/* Nothing more is taken; jobs that run wait again; streams end. */
static void web_end(serve *s)
{
    const serve_event e = { .what = "ended by a signal", .bytes = -1,
                            .seconds = -1 };
    const int listener = MHD_quiesce_daemon(s->web->daemon);

    if (listener >= 0)
        (void)close(listener);
    serve_children_stop(s);
    serve_streams_turn(s, true);
    for (int i = 0; i < 3; i++)
        (void)MHD_run(s->web->daemon);
    serve_streams_turn(s, true);
    MHD_stop_daemon(s->web->daemon);
    serve_log(s, &e);
}

int serve_run(serve *s)
{
    int code = web_signals();

    web_descriptors();
    if (code == VOLLEY_DONE)
        code = web_start(s);
    if (code != VOLLEY_DONE)
        return code;
    web_greet(s);
    web_loop(s);
    web_end(s);
    return VOLLEY_DONE;
}
