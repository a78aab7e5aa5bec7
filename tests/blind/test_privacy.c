/* test_privacy.c -- what the line shows of a whole session: frames that do not
 * depend on the image, and of no wire of a circuit both labels. */
#include "blind/session.h"
#include "blind/walk.h"
#include "network_support.h"
#include "relay.h"

typedef struct talker {
    bool server;
    int socket;
    const blind_network *n;     /* the server's                              */
    const double *pixel;        /* the client's                              */
    blind_block delta;
    ckks_status status;
    char why[600];
} talker;

static ckks_status talk_image(talker *t, blind_session *s,
                              const blind_network *n)
{
    blind_party *p = blind_session_party(s);
    const size_t count = blind_step_count(&n->step[0]);
    int64_t *input = t->server ? NULL : malloc(count * sizeof *input);
    uint8_t *label = t->server ? NULL : malloc(count);
    bool over = false;
    ckks_status st;

    t->delta = blind_sender_delta(p->sender);
    if (!t->server)
        (void)blind_network_input(input, n, t->pixel);
    st = blind_walk(label, t->server ? NULL : &over, n, input, p, NULL);
    if (st == CKKS_OK && over)
        st = nn_fail(CKKS_EPARAM, "out of range");
    free(input);
    free(label);
    return st == CKKS_OK ? blind_session_bye(s) : st;
}

static ckks_status talk_session(talker *t, blind_session **s)
{
    blind_manner m = blind_manner_default();
    blind_network *heard = NULL;
    const blind_network *n = t->n;
    char *text = NULL;
    size_t size = 0;
    ckks_status st = t->server ? blind_network_save(&text, &size, n) : CKKS_OK;

    m.idle = 20;
    if (st == CKKS_OK)
        st = t->server ? blind_session_offer(s, t->socket, text, size, &m)
                       : blind_session_hear(s, &text, &size, t->socket, &m);
    if (st == CKKS_OK && !t->server) {
        st = blind_network_load(&heard, text, size);
        n = heard;
    }
    free(text);
    if (st == CKKS_OK)
        st = blind_session_open(*s, n->bits, blind_network_squares(n));
    if (st == CKKS_OK)
        st = talk_image(t, *s, n);
    blind_network_clear(&heard);
    return st;
}

static void *talk(void *v)
{
    talker *t = v;
    blind_session *s = NULL;

    t->status = talk_session(t, &s);
    if (t->status != CKKS_OK)
        snprintf(t->why, sizeof t->why, "%s", nn_last_error());
    blind_session_close(&s);
    return NULL;
}

/* One session, of which the relay keeps all bytes. */
static bool overhear(relay *r, talker t[2], const blind_network *n,
                     const double *pixel)
{
    pthread_t server;
    int ends[2];

    if (!relay_open(r, ends))
        return false;
    for (int i = 0; i < 2; i++)
        t[i] = (talker){ .server = i, .socket = ends[i], .n = n,
                         .pixel = pixel };
    pthread_create(&server, NULL, talk, &t[1]);
    talk(&t[0]);
    pthread_join(server, NULL);
    relay_wait(r);
    return CHECK(t[0].status == CKKS_OK && t[1].status == CKKS_OK, "%s; %s",
                 t[0].why, t[1].why);
}

/* ---- pairs of blocks ----------------------------------------------------- */

static uint64_t word_at(const uint8_t *b)
{
    uint64_t w;

    memcpy(&w, b, sizeof w);
    return w;
}

/* Places of blocks by their first word, in an open table of 2^log entries. */
typedef struct block_table {
    size_t *at;                 /* place + 1                                 */
    int log;
} block_table;

static size_t table_slot(const block_table *t, uint64_t w)
{
    return (size_t)(w * UINT64_C(0x9e3779b97f4a7c15) >> (64 - t->log));
}

/* How many blocks of 16 bytes, at any place, occur with block ^ delta at
 * another. */
static size_t pairs(const uint8_t *b, size_t size, blind_block delta)
{
    block_table t = { .log = 4 };
    size_t found = 0, mask;

    while (((size_t)1 << t.log) < 2 * size)
        t.log++;
    mask = ((size_t)1 << t.log) - 1;
    t.at = calloc(mask + 1, sizeof *t.at);
    for (size_t i = 0; i + 16 <= size; i++) {
        size_t slot = table_slot(&t, word_at(b + i));

        while (t.at[slot] != 0
               && word_at(b + t.at[slot] - 1) != word_at(b + i))
            slot = (slot + 1) & mask;
        if (t.at[slot] == 0)
            t.at[slot] = i + 1;
    }
    for (size_t i = 0; i + 16 <= size; i++) {
        uint64_t w = word_at(b + i) ^ delta.w[0];
        size_t slot = table_slot(&t, w);

        while (t.at[slot] != 0 && word_at(b + t.at[slot] - 1) != w)
            slot = (slot + 1) & mask;
        found += t.at[slot] != 0
                 && (word_at(b + t.at[slot] + 7) ^ word_at(b + i + 8))
                    == delta.w[1];
    }
    free(t.at);
    return found;
}

TEST(pairs_of_labels_are_found)
{
    uint8_t b[1000];
    uint64_t seed = 1;
    blind_block delta = { { 0x123456789abcdef1, 0xfedcba9876543210 } };

    for (size_t i = 0; i < sizeof b; i++)
        b[i] = (uint8_t)test_word(&seed);
    CHECK(pairs(b, sizeof b, delta) == 0, "%zu", pairs(b, sizeof b, delta));
    for (size_t i = 0; i < 8; i++) {
        b[801 + i] = (uint8_t)(b[13 + i] ^ delta.w[0] >> 8 * i);
        b[809 + i] = (uint8_t)(b[21 + i] ^ delta.w[1] >> 8 * i);
    }
    CHECK(pairs(b, sizeof b, delta) == 2, "%zu", pairs(b, sizeof b, delta));
}

/* ---- a session ----------------------------------------------------------- */

/* ReLU, largest values, squares, labels. */
static bool privacy_network(blind_network **n, nn_model *m)
{
    const net_spec spec = { .dims = 2, .base = 2, .depth = 1, .side = 8,
                            .hybrid = true, .max = true, .labels = 3,
                            .border = NN_ZERO, .seed = 7 };

    return CHECK_OK(net_unet(m, &spec))
           && CHECK_OK(blind_quantise(n, NULL, m, 16));
}

/* Frames of one side in two sessions: the same, but for what they hold, which
 * no frame has twice: all ciphertexts, tables and corrections are fresh.  HELLO
 * is public, one bit of "out of range?" and of labels may repeat. */
static void check_frames(const relay_side *a, const relay_side *b)
{
    size_t na, nb, differ = 0, repeat = 0, long_ones = 0;
    relay_frame *fa = relay_frames(&na, a), *fb = relay_frames(&nb, b);

    for (size_t i = 0; i < na && i < nb; i++) {
        differ += fa[i].type != fb[i].type || fa[i].layer != fb[i].layer
                  || fa[i].size != fb[i].size;
        if (fa[i].type == BLIND_HELLO || fa[i].size < 16)
            continue;
        long_ones++;
        repeat += memcmp(a->byte + fa[i].at, b->byte + fb[i].at, 16) == 0;
    }
    CHECK(na == nb && differ == 0, "%zu and %zu frames, %zu differ", na, nb,
          differ);
    CHECK(repeat == 0 && long_ones > 8, "%zu of %zu frames repeat", repeat,
          long_ones);
    free(fa);
    free(fb);
}

static void check_pairs(const relay *r, const talker t[2])
{
    for (int side = 0; side < 2; side++)
        for (int of = 0; of < 2; of++)
            CHECK(pairs(r->side[side].byte, r->side[side].size, t[of].delta)
                  == 0, "both labels of a wire");
}

TEST(a_session_shows_nothing_of_the_image)
{
    blind_network *n = NULL;
    nn_model m = { 0 };
    relay r[3] = { 0 };
    talker t[2];
    double *pixel[2] = { NULL, NULL };

    if (!privacy_network(&n, &m))
        return;
    for (int i = 0; i < 3; i++) {       /* image 0, 1, 0                     */
        if (i < 2)
            pixel[i] = net_image(&m, (uint64_t)i + 1);
        if (!overhear(&r[i], t, n, pixel[i % 2]))
            return;
        if (i == 0)
            check_pairs(&r[i], t);
    }
    for (int side = 0; side < 2; side++) {
        check_frames(&r[0].side[side], &r[1].side[side]);
        check_frames(&r[0].side[side], &r[2].side[side]);
    }
    test_note("%zu bytes up, %zu down", r[0].side[0].size, r[0].side[1].size);
    for (int i = 0; i < 3; i++)
        relay_clear(&r[i]);
    free(pixel[0]);
    free(pixel[1]);
    blind_network_clear(&n);
    nn_model_clear(&m);
}
