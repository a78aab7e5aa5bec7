/* test_tweaks.c -- no tweak of the hash and no label of the garbler's twice in
 * a session, and both parties use the same: what garbling's safety rests on.
 * And what a server answers that no server would. */
#include "blind/chunk.h"
#include "blind/circuit.h"
#include "blind/relu.h"
#include "blind_support.h"
#include "nn.h"
#include "test.h"

enum { COUNT = BLIND_CHUNK + 19, BITS = 8, MOST = 1 << 19,
       FIRST = 1000,                    /* tweak                             */
       CALLS = 60 };

typedef struct uses {
    uint8_t *tweak, *label;             /* how often each was used           */
    uint64_t end_tweak, end_label;
    bool outside;
} uses;

static uses used[2];                    /* client, server                    */
static _Thread_local uses *mine;
static _Thread_local const blind_aes *below;

static void record(uint8_t *times, uint64_t first, uint64_t base, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (first + i < base || first + i - base >= MOST)
            mine->outside = true;
        else
            times[first + i - base]++;
}

static void recorded_hash(blind_block *out, const blind_block *in,
                          blind_block start, uint64_t tweak, size_t keys,
                          int per)
{
    record(mine->tweak, tweak, FIRST, keys);
    below->hash(out, in, start, tweak, keys, per);
}

static void recorded_stream(blind_block *out, blind_block key, uint64_t first,
                            size_t count)
{
    record(mine->label, first, 0, count);
    below->stream(out, key, first, count);
}

/* Without gates of its own: all hashes are seen. */
static const blind_aes recorder = { .name = "recorder",
                                    .stream = recorded_stream,
                                    .hash = recorded_hash };

static ckks_status everything(blind_party *p, void *with)
{
    const blind_aes *real = p->aes;
    blind_share *x = calloc(4 * COUNT, sizeof *x);
    uint8_t *label = p->server ? NULL : calloc(COUNT, 1);
    bool over;
    ckks_status s;

    (void)with;
    mine = &used[p->server];
    below = real;
    p->aes = &recorder;
    p->tweak = FIRST;
    s = x == NULL ? CKKS_EMEM : blind_relu(x, COUNT, BITS, p);
    if (s == CKKS_OK)
        s = blind_max(x + 3 * COUNT, x, 333, 3, BITS, p);
    for (int classes = 1; s == CKKS_OK && classes <= 4; classes++)
        s = blind_labels(label, x, classes == 1 ? COUNT : 77, classes, BITS,
                         p);
    if (s == CKKS_OK)
        s = blind_overflowed(p->server ? NULL : &over, p);
    mine->end_tweak = p->tweak;
    mine->end_label = p->label;
    p->aes = real;
    free(x);
    free(label);
    return s;
}

/* Each below the end once, none above. */
static bool once(const uint8_t *times, uint64_t n)
{
    for (uint64_t i = 0; i < MOST; i++)
        if (times[i] != (i < n))
            return false;
    return true;
}

TEST(tweaks_and_labels_are_used_once)
{
    for (int i = 0; i < 2; i++) {
        used[i] = (uses){ .tweak = calloc(MOST, 1), .label = calloc(MOST, 1) };
        if (!CHECK(used[i].tweak != NULL && used[i].label != NULL,
                   "no memory"))
            return;
    }
    if (blind_both(everything, everything, NULL, NULL, 2))
        for (int i = 0; i < 2; i++) {
            CHECK(!used[i].outside
                  && once(used[i].tweak, used[i].end_tweak - FIRST),
                  "side %d: tweaks up to %" PRIu64, i, used[i].end_tweak);
            CHECK(once(used[i].label, used[i].end_label),
                  "side %d: labels up to %" PRIu64, i, used[i].end_label);
        }
    for (int i = 0; i < 2; i++) {
        free(used[i].tweak);
        free(used[i].label);
    }
}

/* ---- answers that are none ----------------------------------------------- */

typedef struct answer {
    uint8_t label, colour;
    ckks_status labels, over;           /* what the client says              */
} answer;

static ckks_status asks(blind_party *p, void *with)
{
    answer *a = with;
    blind_share x = 3;
    uint8_t label = 77;
    bool over;

    a->labels = blind_labels(&label, &x, 1, 1, BITS, p);
    a->over = blind_overflowed(&over, p);
    return CKKS_OK;
}

/* The frames of a server, with these answers. */
static ckks_status answers(blind_party *p, void *with)
{
    const answer *a = with;
    blind_block t[BLIND_TRANSFER_UNIT];
    uint8_t choice[BLIND_TRANSFER_UNIT / 8] = { 0 };
    uint8_t table[(BLIND_HASH_BITS - 1) * BLIND_AND_BYTES];
    ckks_status s = blind_receive(t, choice, BLIND_TRANSFER_UNIT, p->receiver,
                                  p->wire);

    if (s == CKKS_OK)
        s = blind_wire_receive(p->wire, BLIND_TABLE, table,
                               BITS * BLIND_AND_BYTES);
    if (s == CKKS_OK)
        s = blind_wire_send(p->wire, BLIND_OUTPUT, &a->label, 1);
    if (s == CKKS_OK)
        s = blind_receive(t, choice, BLIND_TRANSFER_UNIT, p->receiver,
                          p->wire);
    if (s == CKKS_OK)
        s = blind_wire_receive(p->wire, BLIND_TABLE, table, sizeof table);
    if (s == CKKS_OK)
        s = blind_wire_send(p->wire, BLIND_OUTPUT, &a->colour, 1);
    p->tweak += 2 * (BITS + BLIND_HASH_BITS - 1);
    p->label += BITS + 1 + BLIND_HASH_BITS;
    return s;
}

TEST(answers_that_no_server_gives)
{
    answer a = { .label = 2, .colour = 2 };

    if (blind_both(asks, answers, &a, NULL, 1))
        CHECK(a.labels == CKKS_EFORMAT && a.over == CKKS_EFORMAT, "%s, %s",
              ckks_status_name(a.labels), ckks_status_name(a.over));
    a = (answer){ .label = 1, .colour = 1 };
    if (blind_both(asks, answers, &a, NULL, 1))
        CHECK(a.labels == CKKS_OK && a.over == CKKS_OK, "%s, %s",
              ckks_status_name(a.labels), ckks_status_name(a.over));
}

/* Of three classes, labels 0 to 3 as colours: of four calls one would have
 * label 3. */
static ckks_status asks_three(blind_party *p, void *with)
{
    uint8_t *label = with;
    const blind_share x[3] = { 5, 6, 4 };
    ckks_status s = CKKS_OK;

    for (int i = 0; i < CALLS && s == CKKS_OK; i++)
        s = blind_labels(label + i, x, 1, 3, BITS, p);
    return s;
}

static ckks_status answers_all(blind_party *p, void *with)
{
    blind_block wire, t[BLIND_TRANSFER_UNIT];
    uint8_t choice[BLIND_TRANSFER_UNIT / 8] = { 0 };
    uint8_t table[(BITS + 2) * BLIND_AND_BYTES];
    ckks_status s = CKKS_OK;

    (void)with;
    for (int i = 0; i < CALLS && s == CKKS_OK; i++) {
        const uint8_t label = (uint8_t)(i % 4);
        blind_share x = 0;

        s = blind_relu_signs(&x, &wire, 1, BITS + 1, p);
        if (s == CKKS_OK)
            s = blind_receive(t, choice, BLIND_TRANSFER_UNIT, p->receiver,
                              p->wire);
        if (s == CKKS_OK)
            s = blind_wire_receive(p->wire, BLIND_TABLE, table, sizeof table);
        if (s == CKKS_OK)
            s = blind_wire_send(p->wire, BLIND_OUTPUT, &label, 1);
        p->tweak += 2 * (BITS + 2);
        p->label += BITS + 2;
    }
    return s;
}

TEST(labels_stay_below_the_number_of_classes)
{
    uint8_t label[CALLS] = { 9 };

    if (blind_both(asks_three, answers_all, label, NULL, 1))
        for (int i = 0; i < CALLS; i++)
            CHECK(label[i] <= 2, "label %d", label[i]);
}
