/* test_vectors_sessions.c -- vectors/b1/sessions.json: each byte from the
 * greetings to the bye, activations among them. */
#include "blind/number.h"
#include "blind/session.h"
#include "blind/walk.h"
#include "nn.h"
#include "test.h"
#include "vectors_wire.h"

enum { MOST_STEPS = 12 };

/* What both do next, and what one side has of it. */
typedef struct vec_step {
    const char *op;
    size_t count;
    int inner;                  /* numbers of a window or pixel              */
    blind_share *x[2];          /* of the client, of the server              */
    uint8_t *label;
    bool over;
} vec_step;

typedef struct vec_sessions {
    const char *offer;
    int k, bits, steps;
    bool squares;
    vec_step step[MOST_STEPS];
} vec_sessions;

/* One side. */
typedef struct end_state {
    vec_sessions *s;
    const uint8_t *seed;
    blind_block start, label_key, delta;
} end_state;

/* ---- steps --------------------------------------------------------------- */

static ckks_status step_run(vec_step *t, int bits, blind_party *p)
{
    blind_share *x = t->x[p->server];
    size_t images = t->count;

    if (strcmp(t->op, "images") == 0)
        return blind_walk_images(&images, p);
    if (strcmp(t->op, "relu") == 0)
        return blind_relu(x, t->count, bits, p);
    if (strcmp(t->op, "max") == 0)
        return blind_max(x, x, t->count, t->inner, bits, p);
    if (strcmp(t->op, "labels") == 0)
        return blind_labels(p->server ? NULL : t->label, x, t->count, t->inner,
                            bits, p);
    if (strcmp(t->op, "overflowed") == 0)
        return blind_overflowed(p->server ? NULL : &t->over, p);
    return nn_fail(CKKS_EARG, "unknown step %s", t->op);
}

static ckks_status end_steps(end_state *e, blind_session *s)
{
    blind_party *p = blind_session_party(s);
    ckks_status st = blind_session_open(s, e->s->bits, e->s->squares);

    if (st != CKKS_OK)
        return st;
    e->start = p->start;
    e->label_key = p->label_key;
    e->delta = blind_sender_delta(p->sender);
    for (int i = 0; st == CKKS_OK && i < e->s->steps; i++) {
        vec_step *t = &e->s->step[i];

        /* blind_walk_images sets its own step. */
        blind_wire_step(p->wire, i + 1, t->op);
        st = step_run(t, e->s->bits, p);
    }
    return st == CKKS_OK ? blind_session_bye(s) : st;
}

static ckks_status end_session(vec_end *v)
{
    end_state *e = v->with;
    blind_manner m = blind_manner_default();
    blind_session *s = NULL;
    char *hello = NULL;
    size_t size;
    ckks_status st;

    m.k = e->s->k;
    m.seed = e->seed;
    st = v->server
         ? blind_session_offer(&s, v->socket, e->s->offer,
                               strlen(e->s->offer), &m)
         : blind_session_hear(&s, &hello, &size, v->socket, &m);
    if (st == CKKS_OK)
        st = end_steps(e, s);
    blind_session_close(&s);
    free(hello);
    return st;
}

/* ---- cases --------------------------------------------------------------- */

/* Both sides' shares of a step's numbers, as they are or by seeds. */
static void step_shares(vec_step *t, vec_case *c)
{
    const size_t n = t->count * (size_t)t->inner;
    const bool seeds = nni_json_get(c->doc, c->input, "x") != NULL;
    const blind_block *x[2] = { NULL, NULL };
    int64_t *sum = vec_take(c, n * sizeof *sum);

    if (seeds)
        vec_numbers(sum, n, c, "x");
    x[0] = seeds ? vec_seeded(c, "share", n)
                 : vec_blocks(c, "client", NULL, n);
    if (!seeds)
        x[1] = vec_blocks(c, "server", NULL, n);
    for (int i = 0; i < 2; i++)
        t->x[i] = vec_take(c, n * sizeof *t->x[i]);
    for (size_t j = 0; j < n; j++) {
        t->x[0][j] = blind_number(x[0][j]);
        t->x[1][j] = seeds ? (blind_share)(blind_signed)sum[j] - t->x[0][j]
                           : blind_number(x[1][j]);
    }
    t->label = vec_take(c, t->count);
}

static void step_read(vec_step *t, vec_case *c, const nni_json_node *node)
{
    const nni_json_node *was = vec_within(c, node);

    t->op = vec_text(c, vec_input(c, "op"));
    t->inner = 1;
    if (strcmp(t->op, "max") == 0)
        t->inner = (int)vec_int(c, "window");
    if (strcmp(t->op, "labels") == 0)
        t->inner = (int)vec_int(c, "classes");
    if (strcmp(t->op, "overflowed") != 0)
        t->count = (size_t)vec_int(c, "count");
    if (t->count > 0 && strcmp(t->op, "images") != 0)
        step_shares(t, c);
    (void)vec_within(c, was);
}

static void step_compare(vec_step *t, vec_case *c, int i)
{
    char key[2][40];

    snprintf(key[0], sizeof key[0], "clientShares%d", i);
    snprintf(key[1], sizeof key[1], "serverShares%d", i);
    if (strcmp(t->op, "relu") == 0 || strcmp(t->op, "max") == 0)
        for (int p = 0; p < 2; p++)
            vec_same_shares(c, key[p], t->x[p], t->count);
    snprintf(key[0], sizeof key[0], "labels%d", i);
    snprintf(key[1], sizeof key[1], "over%d", i);
    if (strcmp(t->op, "labels") == 0)
        vec_same(c, key[0], t->label, t->count);
    if (strcmp(t->op, "overflowed") == 0)
        vec_same(c, key[1], &(uint8_t){ t->over }, 1);
}

/* BLIND_AGREE's digest is compared with the frames. */
static void opening_compare(vec_case *c, const end_state e[2])
{
    vec_same_blocks(c, "start", &e[0].start, 1);
    vec_same_blocks(c, "labelKey", &e[1].label_key, 1);
    vec_same_blocks(c, "deltas", (blind_block[]){ e[0].delta, e[1].delta }, 2);
}

static void run_session(vec_case *c, void *with)
{
    vec_sessions *s = vec_take(c, sizeof *s);
    const nni_json_node *list = vec_input(c, "steps"), *node;
    const nni_json_node *squares = vec_input(c, "squares");
    end_state e[2] = { { .s = s }, { .s = s } };

    (void)with;
    s->offer = vec_text(c, vec_input(c, "offer"));
    s->k = (int)vec_int(c, "k");
    s->bits = (int)vec_int(c, "bits");
    s->squares = squares != NULL && squares->kind == NN_JSON_TRUE;
    e[0].seed = vec_bytes(c, "clientSeed", CKKS_SEED_BYTES);
    e[1].seed = vec_bytes(c, "serverSeed", CKKS_SEED_BYTES);
    for (node = nni_json_first(c->doc, list);
         node != NULL && s->steps < MOST_STEPS;
         node = nni_json_next(c->doc, node))
        step_read(&s->step[s->steps++], c, node);
    if (!vec_session(c, end_session, &e[0], &e[1]))
        return;
    opening_compare(c, e);
    for (int i = 0; i < s->steps; i++)
        step_compare(&s->step[i], c, i);
}

TEST(vectors_of_sessions)
{
    vec_each("sessions", "session", run_session, NULL);
}
