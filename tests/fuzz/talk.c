/* talk.c -- one side of a session: talk.h. */
#include "talk.h"

#include <stdlib.h>
#include <string.h>

#include "blind/plan.h"
#include "blind/walk.h"
#include "fuzz.h"
#include "offer_text.h"

/* ---- networks ------------------------------------------------------------ */

enum { TALK_K = 2 };

static const char *const talk_offers[FUZZ_TALKS] = {
    HEAD("2", "16", "1,4,5", "0,0,0") LABELS
    STEP("conv", "a", "0", CONV("2", "1,3,3", "0,1,1", "1,4,5", "1")) ","
    STEP("relu", "b", "1", "") ","
    STEP("conv", "c", "2", CONV("3", "1,1,1", "0,0,0", "1,4,5", "1")) ","
    STEP("labels", "labels", "3", "") "]}",
    HEAD("2", "16", "1,4,4", "0,0,0") MASK
    STEP("conv", "a", "0", CONV("1", "1,3,3", "0,1,1", "1,4,4", "1")) ","
    STEP("square", "b", "1", ",\"shift\":9") ","
    STEP("labels", "labels", "2", "") "]}",
    HEAD("3", "32", "2,4,4", "0,0,0") MASK
    STEP("conv", "a", "0", CONV("2", "1,3,3", "0,1,1", "2,4,4", "1")) ","
    STEP("max", "b", "1", ",\"pool\":[2,2,2]") ","
    STEP("conv", "c", "2", ",\"channels\":1,\"transposed\":true,"
         "\"kernel\":[2,2,2],\"before\":[0,0,0],\"size\":[2,4,4],"
         "\"stride\":2,\"shift\":10,\"log_sum\":20.5") ","
    STEP("labels", "labels", "3", "") "]}"
};

typedef struct talk_toy {
    blind_network *net[2];      /* the server's has weights                  */
    uint64_t sent[2];
} talk_toy;

static void talk_weights(blind_network *n)
{
    for (int k = 1; k < n->num_steps; k++) {
        blind_step *s = &n->step[k];
        const blind_conv *c = &s->conv;
        const size_t weights = s->op == BLIND_CONV
            ? (size_t)(c->in * c->out * c->kernel[0] * c->kernel[1]
                       * c->kernel[2]) : 0;

        if (weights == 0)
            continue;
        s->weight = fuzz_room(weights * sizeof *s->weight);
        s->bias = fuzz_room((size_t)c->out * sizeof *s->bias);
        for (size_t i = 0; i < weights; i++)
            s->weight[i] = (int32_t)(i % 7) * 100 - 300;
    }
}

static void talk_plan(talk_toy *t)
{
    const blind_network *n = t->net[0];
    blind_plan *p = fuzz_room(sizeof *p);
    const blind_bytes keys = blind_he_bytes(n->bits, blind_network_squares(n));

    fuzz_must(blind_plan_make(p, n, TALK_K) == CKKS_OK, "a toy: %s",
              nn_last_error());
    t->sent[0] = (uint64_t)(keys.up + p->all.bytes.up - p->setup.bytes.up)
                 + 2 * BLIND_HEADER + BLIND_IMAGES_BYTES;
    t->sent[1] = (uint64_t)(keys.down + p->all.bytes.down
                            - p->setup.bytes.down) + BLIND_HEADER;
    fuzz_free(p);
}

static const talk_toy *talk_at(unsigned toy)
{
    static talk_toy made[FUZZ_TALKS];
    talk_toy *t = &made[toy];

    if (t->net[0] == NULL) {
        const unsigned held = fuzz_hold();

        for (int i = 0; i < 2; i++)
            fuzz_must(blind_network_load(&t->net[i], talk_offers[toy],
                                         strlen(talk_offers[toy])) == CKKS_OK,
                      "toy %u: %s", toy, nn_last_error());
        talk_weights(t->net[1]);
        talk_plan(t);
        fuzz_go_on(held);
    }
    return t;
}

uint64_t fuzz_talk_sent(unsigned toy, bool server)
{
    return talk_at(toy)->sent[server];
}

unsigned fuzz_talk_classes(unsigned toy)
{
    const int labels = talk_at(toy)->net[0]->num_labels;

    return labels > 1 ? (unsigned)labels : 2;
}

/* ---- a side -------------------------------------------------------------- */

static blind_block talk_block(unsigned i, unsigned j)
{
    const uint64_t x = (i * 512 + j + 1) * UINT64_C(0x9e3779b97f4a7c15);

    return (blind_block){ { x, x * x + i } };
}

/* The receiver's end of one direction, and the sums that it would send. */
static ckks_status talk_receiver(blind_receiver **out, blind_block *sums,
                                 unsigned direction)
{
    blind_pair pair[BLIND_BASE_COUNT];

    for (unsigned i = 0; i < BLIND_BASE_COUNT; i++)
        for (unsigned b = 0; b < 2; b++)
            pair[i].key[b] = talk_block(direction, 2 * i + b);
    return blind_receiver_make(out, sums, pair, TALK_K, &blind_aes_portable);
}

static ckks_status talk_sender(blind_sender **out, unsigned direction)
{
    blind_block sums[2 * BLIND_BASE_COUNT], key[BLIND_BASE_COUNT];
    blind_block delta = talk_block(2 + direction, 0);
    blind_receiver *other = NULL;
    ckks_status s = talk_receiver(&other, sums, direction);

    delta.w[0] |= 1;
    blind_receiver_close(&other);
    if (s != CKKS_OK)
        return s;
    for (unsigned i = 0; i < BLIND_BASE_COUNT; i++)
        key[i] = talk_block(direction,
                            2 * i + (delta.w[i / 64] >> i % 64 & 1));
    return blind_sender_make(out, key, sums, delta, TALK_K,
                             &blind_aes_portable);
}

static ckks_status talk_open(blind_party *p, const blind_network *n)
{
    blind_block sums[2 * BLIND_BASE_COUNT];
    ckks_status s = blind_he_open(p, n->bits, blind_network_squares(n));

    if (s == CKKS_OK)
        s = talk_receiver(&p->receiver, sums, p->server);
    if (s == CKKS_OK)
        s = talk_sender(&p->sender, !p->server);
    if (s == CKKS_OK)
        s = blind_overflow_open(p);
    return s;
}

static ckks_status talk_bye(blind_party *p)
{
    ckks_status s;

    blind_wire_step(p->wire, 0, "closing");
    s = blind_wire_send(p->wire, BLIND_BYE, NULL, 0);
    return s == CKKS_OK ? blind_wire_receive(p->wire, BLIND_BYE, NULL, 0) : s;
}

static ckks_status talk_images(fuzz_talk *out, const blind_network *n,
                               blind_party *p)
{
    int64_t input[FUZZ_TALK_PIXELS];
    ckks_status s;

    for (int i = 0; i < FUZZ_TALK_PIXELS; i++)
        input[i] = 300 * (i % 9) - 1000;
    out->images = 1;
    s = blind_walk_images(&out->images, p);
    for (size_t i = 0; i < out->images && s == CKKS_OK; i++)
        s = p->server ? blind_walk(NULL, NULL, n, NULL, p, NULL)
                      : blind_walk(out->label, &out->over, n, input, p, NULL);
    if (s == CKKS_OK)
        s = talk_bye(p);
    out->sent = blind_wire_traffic(p->wire).sent;
    return s;
}

ckks_status fuzz_talk_run(fuzz_talk *out, fuzz_line *l, unsigned toy,
                          bool server)
{
    static const uint8_t seed[2][CKKS_SEED_BYTES] = { { 1 }, { 2 } };
    const blind_network *n = talk_at(toy)->net[server];
    blind_party p = { .server = server, .aes = &blind_aes_portable,
                      .start = talk_block(4, 0), .tweak = 1,
                      .label_key = talk_block(4, 1) };
    fuzz_talk got = { 0 };
    ckks_rng rng;
    ckks_status s = ckks_rng_init(&rng, seed[server]);

    p.rng = &rng;
    if (s == CKKS_OK)
        s = blind_wire_open(&p.wire, fuzz_line_open(l), 5);
    if (s == CKKS_OK)
        s = talk_open(&p, n);
    if (s == CKKS_OK)
        s = talk_images(&got, n, &p);
    blind_sender_close(&p.sender);
    blind_receiver_close(&p.receiver);
    blind_overflow_close(&p);
    blind_he_close(&p);
    blind_wire_close(&p.wire);
    ckks_rng_clear(&rng);
    if (s == CKKS_OK)
        *out = got;
    return s;
}
