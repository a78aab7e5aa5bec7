/* vectors_wire.c -- vectors_wire.h. */
#include "vectors_wire.h"

#include <pthread.h>

#include "base/bytes.h"
#include "nn.h"
#include "relay.h"
#include "test.h"

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

static void check_frames(vec_case *c, const char *name,
                         const relay_side *line, size_t skip)
{
    size_t at = skip;
    char key[40];
    int k = 0;

    if (skip > 0 && CHECK(line->size >= skip, "%s: no greeting", c->name)) {
        snprintf(key, sizeof key, "%sGreeting", name);
        vec_same(c, key, line->byte, skip);
    }
    while (at + BLIND_HEADER <= line->size) {
        const uint64_t size = cki_load64(line->byte + at + 8);

        if (!CHECK(size <= line->size - at - BLIND_HEADER,
                   "%s: frame %d of the %s is cut off", c->name, k, name))
            return;
        snprintf(key, sizeof key, "%s%d", name, k++);
        vec_same(c, key, line->byte + at, BLIND_HEADER + (size_t)size);
        at += BLIND_HEADER + (size_t)size;
    }
    CHECK(at == line->size && k == wanted_frames(c, name),
          "%s: %d frames of the %s, %d expected", c->name, k, name,
          wanted_frames(c, name));
}

/* ---- the sides ----------------------------------------------------------- */

typedef struct end_run {
    vec_end *end;
    ckks_status (*run)(vec_end *);
} end_run;

static void *end_main(void *p)
{
    end_run *r = p;

    r->end->status = r->run(r->end);
    if (r->end->status != CKKS_OK)
        snprintf(r->end->why, sizeof r->end->why, "%s", nn_last_error());
    return NULL;
}

static bool run_ends(vec_case *c, vec_end end[2],
                     ckks_status (*run)(vec_end *), size_t skip)
{
    end_run r[2] = { { &end[0], run }, { &end[1], run } };
    int sockets[2];
    pthread_t t;
    relay line;
    bool ok;

    if (!relay_open(&line, sockets))
        return false;
    for (int i = 0; i < 2; i++) {
        end[i].server = i;
        end[i].socket = sockets[i];
    }
    if (!CHECK(pthread_create(&t, NULL, end_main, &r[1]) == 0, "no thread"))
        return false;
    end_main(&r[0]);
    pthread_join(t, NULL);
    relay_wait(&line);
    ok = CHECK(end[0].status == CKKS_OK && end[1].status == CKKS_OK,
               "%s: client: %s\n    server: %s", c->name, end[0].why,
               end[1].why);
    if (ok) {
        check_frames(c, "client", &line.side[0], skip);
        check_frames(c, "server", &line.side[1], skip);
    }
    relay_clear(&line);
    return ok;
}

bool vec_session(vec_case *c, ckks_status (*run)(vec_end *), void *of_client,
                 void *of_server)
{
    vec_end end[2] = { { .with = of_client }, { .with = of_server } };

    return run_ends(c, end, run, BLIND_GREETING);
}

/* A wire without a session. */
typedef struct wire_run {
    ckks_status (*run)(side *);
    void *with;
} wire_run;

static ckks_status wire_main(vec_end *e)
{
    const wire_run *r = e->with;
    side s = { .server = e->server, .with = r->with };
    ckks_status st = blind_wire_open(&s.wire, e->socket, 20);

    if (st != CKKS_OK)
        return st;
    st = r->run(&s);
    if (st != CKKS_OK)
        blind_wire_refuse(s.wire, nn_last_error());
    blind_wire_close(&s.wire);
    return st;
}

bool vec_sides(vec_case *c, ckks_status (*client)(side *), void *of_client,
               ckks_status (*server)(side *), void *of_server)
{
    wire_run r[2] = { { client, of_client }, { server, of_server } };
    vec_end end[2] = { { .with = &r[0] }, { .with = &r[1] } };

    return run_ends(c, end, wire_main, 0);
}
