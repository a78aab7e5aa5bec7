/* vectors_wire.c -- vectors_wire.h. */
#include "vectors_wire.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "nn.h"
#include "test.h"

/* ---- between the sides --------------------------------------------------- */

/* One direction. */
typedef struct relay {
    int from, to;
    uint8_t *bytes;
    size_t size, room;
} relay;

static bool relay_send(int to, const uint8_t *b, size_t size)
{
    while (size > 0) {
        ssize_t n = send(to, b, size, MSG_NOSIGNAL);

        if (n <= 0)
            return false;
        b += n;
        size -= (size_t)n;
    }
    return true;
}

/* Until the sender closes; what the receiver does not take is written down all
 * the same. */
static void *relay_main(void *p)
{
    relay *r = p;
    bool open = true;
    ssize_t n;

    for (;;) {
        if (r->room - r->size < 1 << 16) {
            r->room = 2 * r->room + (1 << 17);
            r->bytes = realloc(r->bytes, r->room);
            if (r->bytes == NULL)
                abort();
        }
        n = read(r->from, r->bytes + r->size, 1 << 16);
        if (n <= 0)
            break;
        open = open && relay_send(r->to, r->bytes + r->size, (size_t)n);
        r->size += (size_t)n;
    }
    shutdown(r->to, SHUT_WR);
    return NULL;
}

/* ---- the sides ----------------------------------------------------------- */

typedef struct run {
    side s;
    ckks_status (*go)(side *);
} run;

static void *run_main(void *p)
{
    run *r = p;

    r->s.status = r->go(&r->s);
    if (r->s.status != CKKS_OK) {
        snprintf(r->s.why, sizeof r->s.why, "%s", nn_last_error());
        if (r->s.wire != NULL)
            blind_wire_refuse(r->s.wire, r->s.why);
    }
    blind_wire_close(&r->s.wire);
    return NULL;
}

static bool run_both(run r[2], relay line[2])
{
    int near[2], far[2];
    pthread_t t[3];

    if (!CHECK(two_sockets(near, false) && two_sockets(far, false),
               "no sockets"))
        return false;
    line[0] = (relay){ .from = near[1], .to = far[1] };
    line[1] = (relay){ .from = far[1], .to = near[1] };
    r[0].s.server = false;
    r[1].s.server = true;
    if (!CHECK_OK(blind_wire_open(&r[0].s.wire, near[0], 20))
        || !CHECK_OK(blind_wire_open(&r[1].s.wire, far[0], 20))
        || !CHECK(pthread_create(&t[0], NULL, relay_main, &line[0]) == 0
                  && pthread_create(&t[1], NULL, relay_main, &line[1]) == 0
                  && pthread_create(&t[2], NULL, run_main, &r[1]) == 0,
                  "no threads"))
        return false;
    run_main(&r[0]);
    for (int i = 2; i >= 0; i--)
        pthread_join(t[i], NULL);
    close(near[1]);
    close(far[1]);
    return CHECK(r[0].s.status == CKKS_OK && r[1].s.status == CKKS_OK,
                 "client: %s\n    server: %s", r[0].s.why, r[1].s.why);
}

/* ---- what was sent ------------------------------------------------------- */

static int wanted_frames(const vec_case *c, const char *name)
{
    const nni_json_node *n = nni_json_first(c->doc, c->expected);
    int count = 0;

    for (; n != NULL; n = nni_json_next(c->doc, n)) {
        const char *key = nni_json_get(c->doc, n, "key")->text;
        const size_t length = strlen(name);

        count += strncmp(key, name, length) == 0 && key[length] >= '0'
                 && key[length] <= '9';
    }
    return count;
}

static void check_frames(vec_case *c, const char *name, const relay *line,
                         size_t skip)
{
    size_t at = skip;
    char key[40];
    int k = 0;

    if (skip > 0 && CHECK(line->size >= skip, "%s: no greeting", c->name)) {
        snprintf(key, sizeof key, "%sGreeting", name);
        vec_same(c, key, line->bytes, skip);
    }
    while (at + BLIND_HEADER <= line->size) {
        const uint64_t size = cki_load64(line->bytes + at + 8);

        if (!CHECK(size <= line->size - at - BLIND_HEADER,
                   "%s: frame %d of the %s is cut off", c->name, k, name))
            return;
        snprintf(key, sizeof key, "%s%d", name, k++);
        vec_same(c, key, line->bytes + at, BLIND_HEADER + (size_t)size);
        at += BLIND_HEADER + (size_t)size;
    }
    CHECK(at == line->size && k == wanted_frames(c, name),
          "%s: %d frames of the %s, %d expected", c->name, k, name,
          wanted_frames(c, name));
}

bool vec_sides(vec_case *c, size_t skip, ckks_status (*client)(side *),
               void *of_client, ckks_status (*server)(side *),
               void *of_server)
{
    run r[2] = { { .s = { .with = of_client }, .go = client },
                 { .s = { .with = of_server }, .go = server } };
    relay line[2] = { { 0 } };
    bool ok = run_both(r, line);

    if (ok) {
        check_frames(c, "client", &line[0], skip);
        check_frames(c, "server", &line[1], skip);
    }
    free(line[0].bytes);
    free(line[1].bytes);
    return ok;
}
