/* test_walk_random.c -- thirty small networks of layers drawn at random, by two
 * parties over one session a width, each step against the twin. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "blind/quantise.h"
#include "blind/session.h"
#include "network_support.h"
#include "two_sides.h"
#include "walk_support.h"

enum { RANDOM_NETS = 10, RANDOM_LAYERS = 9, RANDOM_DRAWS = 100 };

/* ---- networks ------------------------------------------------------------ */

static unsigned below(uint64_t *seed, unsigned n)
{
    return (unsigned)(test_word(seed) % n);
}

/* A layer behind layer `at`; `at` again where the draw has no place there. */
static int random_layer(net_maker *k, int at, const char *name, bool square,
                        uint64_t *seed)
{
    const nn_layer *l = &k->m->layer[at];
    const bool even = l->height % 2 == 0 && l->width % 2 == 0
                      && (k->m->depth == 0 || l->depth % 2 == 0);
    const int c = 1 + (int)below(seed, 5);
    int in[2] = { at, at };

    switch (below(seed, 10)) {
    case 0:
    case 1:
        return net_conv(k, name, at, c, l->height > 2 ? 3 : 1, 1);
    case 2:
        return net_conv(k, name, at, c, l->height > 4 ? 5 : 1,
                        l->height > 4 ? 2 : 1);
    case 3:
        return net_one(k, square ? NN_SQUARE : NN_RELU, name, at);
    case 4:
        return even ? net_pool(k, NN_MAXPOOL, name, at, 2) : at;
    case 5:
        return even ? net_pool(k, NN_POOL, name, at, 2) : at;
    case 6:
        return l->height < 8 ? net_tconv(k, name, at, c) : at;
    case 7:
        return net_one(k, NN_BATCHNORM, name, at);
    case 8:
        return net_one(k, square ? NN_QUADRATIC : NN_RELU, name, at);
    default:
        if (below(seed, 2) == 0)
            return net_layer(k, NN_ADD, name, in, 2);
        return net_layer(k, NN_CONCAT, name, in, 2);
    }
}

static ckks_status random_model(nn_model *m, int bits, uint64_t seed)
{
    static const int labels[] = { 0, 2, 3, 16 };
    const int dims = 2 + (int)below(&seed, 3) / 2;
    const int count = labels[below(&seed, 4)];
    const int layers = 2 + (int)below(&seed, RANDOM_LAYERS - 1);
    const bool square = bits <= 20 && below(&seed, 2) == 0;
    const int width = dims == 3 ? 1 + (int)below(&seed, 6)
                     : 1 + (int)below(&seed, 13);
    net_maker k;
    ckks_status s = net_start(&k, m, dims, 1 + (int)below(&seed, 3), width,
                              dims == 2 && below(&seed, 4) == 0
                                  ? NN_HALO : NN_ZERO, seed);
    int at = 0;

    k.scale = square;
    for (int i = 0; i < layers && s == CKKS_OK; i++) {
        char name[16];

        snprintf(name, sizeof name, "l%d", i);
        at = random_layer(&k, at, name, square, &seed);
    }
    for (int i = 0; s == CKKS_OK && 2 * m->layer[at].height <= width; i++) {
        char name[16];

        snprintf(name, sizeof name, "u%d", i);
        at = net_tconv(&k, name, at, 2);
    }
    if (s == CKKS_OK)
        at = net_conv(&k, "out", at, count == 0 ? 1 : count, 1, 1);
    return s == CKKS_OK ? net_finish(&k, at, count) : s;
}

/* ---- both parties -------------------------------------------------------- */

/* One side with all networks of a width. */
typedef struct crowd {
    bool server;
    int socket, bits, at;
    blind_network *const *n;
    int64_t *const *input;
    uint8_t **label;
    bool over[RANDOM_NETS];
    blind_share *value[RANDOM_NETS][BLIND_MAX_STEPS];
    ckks_status status;
    char why[400];
} crowd;

static void crowd_keep(void *user, int k, const blind_share *x, size_t count)
{
    crowd *c = user;
    blind_share *to = malloc(count * sizeof *x);

    if (to != NULL)
        memcpy(to, x, count * sizeof *x);
    c->value[c->at][k] = to;
}

static ckks_status crowd_session(crowd *c, blind_session **s)
{
    const blind_watch watch = { NULL, c, crowd_keep };
    blind_manner m = blind_manner_default();
    char *text = NULL;
    size_t size = 0;
    ckks_status st;

    m.idle = 30;
    st = c->server ? blind_session_offer(s, c->socket, "many", 4, &m)
                   : blind_session_hear(s, &text, &size, c->socket, &m);
    free(text);
    if (st == CKKS_OK)
        st = blind_session_open(*s, c->bits, c->bits <= 20);
    for (c->at = 0; c->at < RANDOM_NETS && st == CKKS_OK; c->at++)
        st = blind_walk(c->server ? NULL : c->label[c->at],
                        c->server ? NULL : &c->over[c->at], c->n[c->at],
                        c->server ? NULL : c->input[c->at],
                        blind_session_party(*s), &watch);
    return st == CKKS_OK ? blind_session_bye(*s) : st;
}

static void *crowd_main(void *v)
{
    crowd *c = v;
    blind_session *s = NULL;

    c->status = crowd_session(c, &s);
    if (c->status != CKKS_OK)
        snprintf(c->why, sizeof c->why, "%s", nn_last_error());
    blind_session_close(&s);
    return NULL;
}

static bool crowd_both(crowd *client, crowd *server)
{
    int sockets[2];
    pthread_t t;

    if (!CHECK(two_sockets(sockets, true), "no sockets"))
        return false;
    client->socket = sockets[0];
    server->socket = sockets[1];
    server->server = true;
    pthread_create(&t, NULL, crowd_main, server);
    crowd_main(client);
    pthread_join(t, NULL);
    return CHECK(client->status == CKKS_OK && server->status == CKKS_OK,
                 "client: %s; server: %s", client->why, server->why);
}

static void crowd_check(const crowd *client, const crowd *server, int i)
{
    const blind_network *n = client->n[i];
    int64_t *value[BLIND_MAX_STEPS] = { NULL };

    walk_join(value, n, client->value[i], server->value[i]);
    for (int k = 1; k < n->num_steps; k++)
        walk_check_step(n, k, value, client->label[i]);
    for (int k = 0; k < n->num_steps; k++)
        free(value[k]);
    CHECK(!client->over[i], "network %d of %d bits: out of range", i, n->bits);
    walk_check_mask(n, client->input[i], client->label[i]);
}

/* The next network that can be had, from a seed on. */
static ckks_status random_network(blind_network **n, int64_t **input,
                                  uint8_t **label, int bits, uint64_t *seed)
{
    ckks_status s = CKKS_EPARAM;

    for (int i = 0; i < RANDOM_DRAWS
                    && (s == CKKS_EPARAM || s == CKKS_EFORMAT); i++) {
        nn_model m;

        s = random_model(&m, bits, (*seed)++);
        if (s == CKKS_OK)
            s = blind_quantise(n, NULL, &m, bits);
        if (s == CKKS_OK) {
            double *pixel = net_image(&m, 1);

            *input = malloc(blind_step_count(&(*n)->step[0])
                            * sizeof **input);
            *label = malloc(blind_step_count(
                &(*n)->step[(*n)->num_steps - 1]));
            (void)blind_network_input(*input, *n, pixel);
            free(pixel);
        }
        nn_model_clear(&m);
    }
    return s;
}

static void check_crowd(int bits)
{
    blind_network *n[RANDOM_NETS] = { NULL };
    int64_t *input[RANDOM_NETS] = { NULL };
    uint8_t *label[RANDOM_NETS] = { NULL };
    crowd client = { .bits = bits, .n = n, .input = input, .label = label };
    crowd server = client;
    uint64_t seed = 1000 * (uint64_t)bits;
    ckks_status s = CKKS_OK;

    for (int i = 0; i < RANDOM_NETS && s == CKKS_OK; i++)
        s = random_network(&n[i], &input[i], &label[i], bits, &seed);
    if (CHECK_OK(s) && crowd_both(&client, &server))
        for (int i = 0; i < RANDOM_NETS; i++)
            crowd_check(&client, &server, i);
    for (int i = 0; i < RANDOM_NETS; i++) {
        for (int k = 0; k < BLIND_MAX_STEPS; k++) {
            free(client.value[i][k]);
            free(server.value[i][k]);
        }
        blind_network_clear(&n[i]);
        free(input[i]);
        free(label[i]);
    }
    test_note("%d networks of %d bits, of %d drawn", RANDOM_NETS, bits,
              (int)(seed - 1000 * (uint64_t)bits));
}

TEST(walk_of_random_networks)
{
    check_crowd(16);
    check_crowd(20);
    check_crowd(32);
}
