/* test_walk.c -- a network by two parties in one process, over TCP: each step
 * against the integers' twin from the same shares, bytes as planned, labels
 * those of the twin but for near ties. */
#include <pthread.h>

#include "blind/plan.h"
#include "blind/session.h"
#include "blind/walk.h"
#include "network_support.h"
#include "turns_support.h"
#include "two_sides.h"
#include "walk_support.h"

typedef struct walker {
    bool server;
    int socket;
    const blind_network *n;     /* the server's                              */
    const int64_t *input;       /* the client's                              */
    uint8_t *label;
    bool over;
    blind_share *value[BLIND_MAX_STEPS];
    blind_traffic traffic;
    turns_log log;
    ckks_status status;
    char why[400];
} walker;

static void walker_keep(void *user, int k, const blind_share *x, size_t count)
{
    walker *w = user;

    w->value[k] = malloc(count * sizeof *x);
    if (w->value[k] != NULL)
        memcpy(w->value[k], x, count * sizeof *x);
}

static ckks_status walker_session(walker *w, blind_session **s,
                                  blind_network **heard)
{
    const blind_watch watch = { NULL, w, walker_keep };
    blind_manner m = blind_manner_default();
    const blind_network *n = w->n;
    char *text = NULL;
    size_t size = 0, images = w->server ? 0 : 1;
    ckks_status st;

    m.idle = 30;
    st = w->server ? blind_network_save(&text, &size, n) : CKKS_OK;
    if (st == CKKS_OK)
        st = w->server
                 ? blind_session_offer(s, w->socket, text, size, &m)
                 : blind_session_hear(s, &text, &size, w->socket, &m);
    if (st == CKKS_OK)
        turns_watch(&w->log, blind_session_party(*s)->wire);
    if (st == CKKS_OK && !w->server)
        st = blind_network_load(heard, text, size);
    free(text);
    n = w->server ? n : *heard;
    if (st == CKKS_OK)
        st = blind_session_open(*s, n->bits, blind_network_squares(n));
    if (st == CKKS_OK)
        st = blind_walk_images(&images, blind_session_party(*s));
    if (st == CKKS_OK && images != 1)
        st = nn_fail(CKKS_EFORMAT, "%zu images", images);
    if (st == CKKS_OK)
        st = blind_walk(w->label, w->server ? NULL : &w->over, n, w->input,
                        blind_session_party(*s), &watch);
    if (st == CKKS_OK)
        st = blind_session_bye(*s);
    if (st == CKKS_OK)
        w->traffic = blind_wire_traffic(blind_session_party(*s)->wire);
    return st;
}

static void *walker_main(void *v)
{
    walker *w = v;
    blind_session *s = NULL;
    blind_network *heard = NULL;

    w->status = walker_session(w, &s, &heard);
    if (w->status != CKKS_OK)
        snprintf(w->why, sizeof w->why, "%s", nn_last_error());
    blind_session_close(&s);
    blind_network_clear(&heard);
    return NULL;
}

/* Both, over one line. */
static bool walk_both(walker w[2])
{
    int sockets[2];
    pthread_t t;

    if (!CHECK(two_sockets(sockets, true), "no sockets"))
        return false;
    for (int i = 0; i < 2; i++) {
        w[i].server = i;
        w[i].socket = sockets[i];
    }
    pthread_create(&t, NULL, walker_main, &w[1]);
    walker_main(&w[0]);
    pthread_join(t, NULL);
    return CHECK(w[0].status == CKKS_OK && w[1].status == CKKS_OK,
                 "client: %s; server: %s", w[0].why, w[1].why);
}

/* ---- comparisons -------------------------------------------------------- */

static void check_bytes(const blind_network *n, const walker w[2])
{
    static blind_plan plan;
    double turns;

    if (!CHECK_OK(blind_plan_make(&plan, n, blind_manner_default().k)))
        return;
    CHECK((double)w[0].traffic.sent == plan.all.bytes.up
          && (double)w[1].traffic.sent == plan.all.bytes.down,
          "sent %" PRIu64 " up, %" PRIu64 " down; planned %.0f, %.0f",
          w[0].traffic.sent, w[1].traffic.sent, plan.all.bytes.up,
          plan.all.bytes.down);
    turns = turns_of((turns_log[2]){ w[0].log, w[1].log }, turns_offered);
    CHECK(turns == plan.all.bytes.turns, "%g turns, planned %g", turns,
          plan.all.bytes.turns);
    turns_clear((turns_log[2]){ w[0].log, w[1].log });
    test_note("%.2f MB up, %.2f MB down, %.0f turns",
              plan.all.bytes.up / 1e6, plan.all.bytes.down / 1e6, turns);
}

/* Both parties and all checks. */
static void check_walk(const nn_model *m, int bits)
{
    int64_t *value[BLIND_MAX_STEPS] = { NULL }, *input;
    walker w[2];
    blind_network *n = NULL;
    double *pixel = net_image(m, 1);
    uint8_t *label;

    memset(w, 0, sizeof w);
    if (!CHECK_OK(blind_quantise(&n, NULL, m, bits)))
        return;
    input = malloc(blind_step_count(&n->step[0]) * sizeof *input);
    label = malloc(blind_step_count(&n->step[n->num_steps - 1]));
    (void)blind_network_input(input, n, pixel);
    w[1].n = n;
    w[0].input = input;
    w[0].label = label;
    if (walk_both(w)) {
        CHECK(!w[0].over, "%d bits: out of range", bits);
        walk_join(value, n, w[0].value, w[1].value);
        for (int k = 1; k < n->num_steps; k++)
            walk_check_step(n, k, value, label);
        walk_check_mask(n, input, label);
        check_bytes(n, w);
    }
    for (int k = 0; k < n->num_steps; k++) {
        free(w[0].value[k]);
        free(w[1].value[k]);
        free(value[k]);
    }
    free(input);
    free(label);
    free(pixel);
    blind_network_clear(&n);
}

static void check_variants(int dims, int pixels, int from, int to)
{
    static const struct { bool square, hybrid, max; int bits; } of[4] = {
        { false, false, true, 32 }, { false, false, false, 16 },
        { false, true, false, 20 }, { true, false, false, 16 }
    };

    for (int i = from; i < to; i++) {
        const net_spec spec = { .dims = dims, .base = 8, .depth = 3,
                                .side = pixels, .square = of[i].square,
                                .hybrid = of[i].hybrid, .max = of[i].max,
                                .labels = dims == 3 ? 3 : 2,
                                .border = NN_ZERO, .seed = (uint64_t)i + 7 };
        nn_model m;

        if (CHECK_OK(net_unet(&m, &spec)))
            check_walk(&m, of[i].bits);
        nn_model_clear(&m);
    }
}

TEST(walk_of_relu_and_max_32_bits)
{
    check_variants(2, 40, 0, 1);
}

TEST(walk_of_relu_16_bits)
{
    check_variants(2, 40, 1, 2);
}

TEST(walk_of_hybrid_20_bits)
{
    check_variants(2, 40, 2, 3);
}

TEST(walk_of_squares_16_bits)
{
    check_variants(2, 40, 3, 4);
}

/* Squares and hybrid arithmetic, which the plane has above, in the long form. */
TEST(walk_of_volumes)
{
    check_variants(3, 16, 0, test_long() ? 4 : 2);
}
