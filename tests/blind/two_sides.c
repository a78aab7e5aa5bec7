/* two_sides.c -- two_sides.h. */
#include "two_sides.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nn.h"
#include "test.h"

static bool two_by_tcp(int s[2])
{
    struct sockaddr_in a = { .sin_family = AF_INET };
    socklen_t size = sizeof a;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    bool ok;

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s[0] = socket(AF_INET, SOCK_STREAM, 0);
    ok = listener >= 0 && s[0] >= 0
         && bind(listener, (struct sockaddr *)&a, sizeof a) == 0
         && listen(listener, 1) == 0
         && getsockname(listener, (struct sockaddr *)&a, &size) == 0
         && connect(s[0], (struct sockaddr *)&a, sizeof a) == 0
         && (s[1] = accept(listener, NULL, NULL)) >= 0;
    close(listener);
    return ok;
}

bool two_sockets(int s[2], bool tcp)
{
    return tcp ? two_by_tcp(s) : socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0;
}

typedef struct side_run {
    side *s;
    ckks_status (*run)(side *);
} side_run;

static void *side_main(void *p)
{
    side_run *r = p;
    side *s = r->s;

    s->status = r->run(s);
    if (s->status != CKKS_OK) {
        snprintf(s->why, sizeof s->why, "%s", nn_last_error());
        blind_wire_refuse(s->wire, s->why);
    }
    blind_wire_close(&s->wire);
    return NULL;
}

void two_sides_run(side s[2], ckks_status (*client)(side *),
                   ckks_status (*server)(side *), double idle, bool tcp)
{
    side_run r[2] = { { &s[0], client }, { &s[1], server } };
    pthread_t t;
    int sockets[2];

    s[0].server = false;
    s[1].server = true;
    for (int i = 0; i < 2; i++)
        s[i].status = CKKS_EARG;
    if (!CHECK(two_sockets(sockets, tcp), "no sockets"))
        return;
    if (!CHECK_OK(blind_wire_open(&s[0].wire, sockets[0], idle))
        || !CHECK_OK(blind_wire_open(&s[1].wire, sockets[1], idle)))
        return;
    if (!CHECK(pthread_create(&t, NULL, side_main, &r[1]) == 0, "no thread"))
        return;
    side_main(&r[0]);
    pthread_join(t, NULL);
}

bool two_sides(ckks_status (*client)(side *), void *of_client,
               ckks_status (*server)(side *), void *of_server)
{
    side s[2] = { { .with = of_client }, { .with = of_server } };

    two_sides_run(s, client, server, 20, false);
    return CHECK(s[0].status == CKKS_OK && s[1].status == CKKS_OK,
                 "client: %s: %s\n    server: %s: %s",
                 ckks_status_name(s[0].status), s[0].why,
                 ckks_status_name(s[1].status), s[1].why);
}
