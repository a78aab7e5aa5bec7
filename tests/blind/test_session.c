/* test_session.c -- a session's begin and end, sockets: unet/blind/session.h,
 * connect.h. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "blind/connect.h"
#include "blind/he.h"
#include "blind/session.h"
#include "nn.h"
#include "test.h"
#include "turns_support.h"
#include "two_sides.h"

static const char *const offer = "{\"name\": \"a network\"}";

typedef struct end {
    bool server;
    int socket, bits, k;
    bool squares;
    ckks_status status;
    char why[700];
    /* What is left of the session. */
    blind_block start, label_key, delta;
    blind_traffic traffic;
    turns_log log;
    bool all_there;
} end;

static ckks_status end_run(end *e, blind_session **s)
{
    blind_manner m = blind_manner_default();
    char *hello = NULL;
    size_t size = 0;
    blind_party *p;
    ckks_status st;

    m.idle = 10;
    m.k = e->k;
    st = e->server ? blind_session_offer(s, e->socket, offer, strlen(offer), &m)
                   : blind_session_hear(s, &hello, &size, e->socket, &m);
    if (st == CKKS_OK && !e->server && strcmp(hello, offer) != 0)
        st = nn_fail(CKKS_EFORMAT, "heard \"%s\"", hello);
    free(hello);
    if (st == CKKS_OK) {
        turns_watch(&e->log, blind_session_party(*s)->wire);
        st = blind_session_open(*s, e->bits, e->squares);
        blind_wire_watch(blind_session_party(*s)->wire, NULL, NULL);
    }
    if (st == CKKS_OK)
        st = blind_session_bye(*s);
    if (st != CKKS_OK)
        return st;
    p = blind_session_party(*s);
    e->start = p->start;
    e->label_key = p->label_key;
    e->delta = blind_sender_delta(p->sender);
    e->traffic = blind_wire_traffic(p->wire);
    e->all_there = p->he != NULL && p->receiver != NULL && p->aes != NULL
                   && p->rng != NULL && p->server == e->server;
    return st;
}

static void *end_main(void *v)
{
    end *e = v;
    blind_session *s = NULL;

    e->status = end_run(e, &s);
    if (e->status != CKKS_OK)
        snprintf(e->why, sizeof e->why, "%s", nn_last_error());
    blind_session_close(&s);
    return NULL;
}

/* Both ends of one session. */
static void ends_run(end e[2])
{
    int sockets[2];
    pthread_t t;

    if (!CHECK(two_sockets(sockets, true), "no sockets"))
        return;
    for (int i = 0; i < 2; i++) {
        e[i].server = i;
        e[i].socket = sockets[i];
    }
    pthread_create(&t, NULL, end_main, &e[1]);
    end_main(&e[0]);
    pthread_join(t, NULL);
}

static bool same(blind_block a, blind_block b)
{
    return a.w[0] == b.w[0] && a.w[1] == b.w[1];
}

TEST(sessions_open_on_both_sides)
{
    for (int squares = 0; squares < 2; squares++) {
        const int k = squares ? 4 : 1;
        end e[2] = { { .bits = 16, .squares = squares },
                     { .bits = 16, .squares = squares, .k = k } };
        blind_bytes want = blind_session_bytes(strlen(offer), k, 16, squares);
        double turns;

        ends_run(e);
        if (!CHECK(e[0].status == CKKS_OK && e[1].status == CKKS_OK,
                   "%s; %s", e[0].why, e[1].why))
            return;
        CHECK(e[0].all_there && e[1].all_there, "not open");
        CHECK(same(e[0].start, e[1].start)
              && same(e[0].label_key, e[1].label_key), "start, label_key");
        CHECK(!same(e[0].start, e[0].label_key)
              && !same(e[0].delta, e[1].delta), "equal ones");
        CHECK((double)e[0].traffic.sent == want.up
              && (double)e[1].traffic.sent == want.down,
              "%" PRIu64 " up, %" PRIu64 " down, planned %g, %g",
              e[0].traffic.sent, e[1].traffic.sent, want.up, want.down);
        turns = turns_of((turns_log[2]){ e[0].log, e[1].log }, turns_offered);
        CHECK(turns == want.turns, "%g turns, planned %g", turns, want.turns);
        turns_clear((turns_log[2]){ e[0].log, e[1].log });
    }
}

TEST(sides_that_understood_otherwise_do_not_agree)
{
    end e[2] = { { .bits = 16 }, { .bits = 20, .k = 2 } };

    ends_run(e);
    for (int i = 0; i < 2; i++)
        CHECK(e[i].status == CKKS_EFORMAT
              && strstr(e[i].why, "do not agree on the session: digest "),
              "%s: %s", ckks_status_name(e[i].status), e[i].why);
    turns_clear((turns_log[2]){ e[0].log, e[1].log });
}

/* ---- greetings ----------------------------------------------------------- */

/* What a side says to a greeting that the test writes. */
static void greeted(bool server, const uint8_t b[BLIND_GREETING],
                    const char *message)
{
    blind_manner m = blind_manner_default();
    blind_session *s = NULL;
    char *hello = NULL;
    size_t size = 0;
    int sockets[2];
    ckks_status st;

    if (!CHECK(two_sockets(sockets, true), "no sockets"))
        return;
    CHECK(write(sockets[1], b, BLIND_GREETING) == BLIND_GREETING, "unsent");
    shutdown(sockets[1], SHUT_WR);
    st = server ? blind_session_offer(&s, sockets[0], offer, strlen(offer), &m)
                : blind_session_hear(&s, &hello, &size, sockets[0], &m);
    CHECK(st == CKKS_EFORMAT && strstr(nn_last_error(), message) != NULL,
          "%s: %s, want %s", ckks_status_name(st), nn_last_error(), message);
    CHECK(s == NULL && hello == NULL, "a session");
    close(sockets[1]);
}

TEST(greetings_are_checked)
{
    static const struct {
        bool server;            /* who gets it                               */
        int at, value;
        const char *message;
    } cases[] = {
        { false, 0, 'v', "no volley blind" },
        { true, 7, 'l', "no volley blind" },
        { false, 8, 2, "version 2 of the protocol, this one 1" },
        { true, 9, 1, "version 257 of the protocol" },
        { false, 10, 0, "is a client, too" },
        { true, 10, 1, "is a server, too" },
        { false, 11, 3, "k = 3" },
        { false, 11, 0, "k = 0" },
        { true, 11, 2, "k = 2" },
        { true, 12, 1, "flags 1" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t b[BLIND_GREETING] = "VOLLEYBL\1";

        b[10] = !cases[i].server;
        b[11] = cases[i].server ? 0 : 2;
        b[cases[i].at] = (uint8_t)cases[i].value;
        greeted(cases[i].server, b, cases[i].message);
    }
    greeted(true, (const uint8_t *)"GET / HTTP/1.1\r\nHost: volley\r\n\r\n",
            "no volley blind");
}

/* ---- sockets ------------------------------------------------------------- */

TEST(addresses_are_checked)
{
    static const char *const wrong[] = { "", ":", "localhost", "localhost:",
                                         ":80", "[::1]", "[::1]:", "::1:80",
                                         "127.0.0.1:http", "127.0.0.1:70000",
                                         "127.0.0.1:123456", "[]:80" };
    int s = -7, port = -1;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_STATUS(blind_connect(&s, wrong[i], 1), CKKS_EARG);
    CHECK_STATUS(blind_listen(&s, &port, NULL), CKKS_EARG);
    port = 65536;
    CHECK_STATUS(blind_listen(&s, &port, NULL), CKKS_EARG);
    CHECK(s == -7, "made");
}

static void connects(const char *host, const char *address)
{
    int listener, s, t, port = 0;
    char text[64], b = 0;

    if (blind_listen(&listener, &port, host) != CKKS_OK) {
        test_note("no address %s here", host);
        return;
    }
    CHECK(port > 0, "port %d", port);
    snprintf(text, sizeof text, "%s:%d", address, port);
    if (!CHECK_OK(blind_connect(&s, text, 2)))
        return;
    t = accept(listener, NULL, NULL);
    CHECK(write(t, "x", 1) == 1, "unsent");
    while (read(s, &b, 1) < 0)
        ;
    CHECK(b == 'x', "%d", b);
    /* A port that another one has. */
    CHECK_STATUS(blind_listen(&t, &port, host), CKKS_EIO);
    close(listener);
    close(s);
    /* A port that nobody has. */
    CHECK_STATUS(blind_connect(&s, text, 2), CKKS_EIO);
    CHECK(strstr(nn_last_error(), text) != NULL, "%s", nn_last_error());
}

TEST(both_families_of_addresses_connect)
{
    connects(NULL, "127.0.0.1");
    connects(NULL, "localhost");
    connects("::1", "[::1]");
}

/* ---- one client at a time ------------------------------------------------ */

static volatile int serve_stop;

/* Serves a byte: 'o' ends well, 'f' fails, else its process dies. */
static int serves(int socket, void *user)
{
    char b = 0;

    (void)user;
    while (read(socket, &b, 1) < 0)
        ;
    if (b != 'o' && b != 'f')
        abort();
    if (write(socket, "!", 1) != 1)
        return 1;
    close(socket);
    return b != 'o';
}

static void serve_busy(int socket, double seconds, void *user)
{
    char line[80];

    (void)user;
    snprintf(line, sizeof line, "busy with another client for %.1f s",
             seconds);
    blind_session_busy(socket, line);
}

typedef struct serving {
    int listener, failed;
    bool once;
    ckks_status status;
} serving;

static void *serving_main(void *v)
{
    serving *s = v;

    s->status = blind_serve(&s->failed, s->listener, s->once, &serve_stop,
                            serves, serve_busy, NULL);
    return NULL;
}

static void doze(double seconds)
{
    nanosleep(&(struct timespec){ .tv_nsec = (long)(seconds * 1e9) }, NULL);
}

/* A client that is served, not told that the server is busy: it may not have
 * noticed yet that the one before is gone.  -1: for 20 s. */
static int served(const char *address)
{
    for (int i = 0; i < 40; i++) {
        struct pollfd p = { .events = POLLIN };
        int said;

        if (!CHECK_OK(blind_connect(&p.fd, address, 2)))
            return -1;
        do
            said = poll(&p, 1, 500);
        while (said < 0);
        if (said == 0)
            return p.fd;
        close(p.fd);
        doze(0.5);
    }
    CHECK(false, "%s is busy", address);
    return -1;
}

/* A client that says this byte and hears the answer; 'd': that there is none. */
static void talk(const char *address, char byte)
{
    const int s = served(address);
    char b = 0;

    if (s < 0)
        return;
    CHECK(write(s, &byte, 1) == 1, "unsent");
    while (read(s, &b, 1) < 0 && errno != ECONNRESET)
        ;
    CHECK(b == (byte == 'd' ? 0 : '!'), "%d", b);
    close(s);
}

TEST(a_second_client_is_told_busy)
{
    serving v = { .once = false };
    blind_manner m = blind_manner_default();
    blind_session *session = NULL;
    char address[64], *hello = NULL;
    const char *busy;
    int port = 0, first;
    size_t size;
    pthread_t t;

    serve_stop = 0;
    if (!CHECK_OK(blind_listen(&v.listener, &port, NULL)))
        return;
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    pthread_create(&t, NULL, serving_main, &v);
    talk(address, 'o');
    first = served(address);
    if (first >= 0) {
        int second;

        CHECK_OK(blind_connect(&second, address, 2));
        CHECK_STATUS(blind_session_hear(&session, &hello, &size, second, &m),
                     CKKS_EIO);
        busy = strstr(nn_last_error(), "busy with another client for ");
        if (CHECK(busy != NULL, "%s", nn_last_error()))
            CHECK(atof(strstr(busy, "for ") + 4) >= 0.2, "%s", busy);
        CHECK(write(first, "f", 1) == 1, "unsent");
        close(first);
    }
    talk(address, 'd');
    talk(address, 'o');
    /* One is still served when the server stops. */
    first = served(address);
    serve_stop = 1;
    pthread_join(t, NULL);
    CHECK(v.status == CKKS_OK && v.failed == 3, "%s, %d failed",
          ckks_status_name(v.status), v.failed);
    CHECK(waitpid(-1, NULL, WNOHANG) < 0, "a process is left");
    close(first);
}

TEST(a_server_of_one_client_ends_with_it)
{
    for (int fails = 0; fails < 2; fails++) {
        serving v = { .once = true };
        char address[64];
        int port = 0, s = -1;
        pthread_t t;

        serve_stop = 0;
        if (!CHECK_OK(blind_listen(&v.listener, &port, NULL)))
            return;
        snprintf(address, sizeof address, "127.0.0.1:%d", port);
        pthread_create(&t, NULL, serving_main, &v);
        talk(address, fails ? 'f' : 'o');
        pthread_join(t, NULL);
        CHECK(v.status == CKKS_OK && v.failed == fails, "%d", v.failed);
        CHECK_STATUS(blind_connect(&s, address, 2), CKKS_EIO);
    }
}
