/* transfer.c -- correlated transfers by extension: transfer.h. */
#include "blind/transfer.h"

#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "blind/number.h"
#include "blind/tree.h"
#include "nn.h"

enum {
    TRANSFER_TILE = 128,        /* blocks of a row that are made at once     */
    /* Between rows; a cache would have rows of a power of two in few places. */
    TRANSFER_STRIDE = TRANSFER_TILE + 4,
    TRANSFER_SEEDS = 128 / BLIND_MOST_DEPTH * BLIND_MOST_LEAVES
};

/* What both sides of a direction hold. */
typedef struct extension {
    const blind_aes *aes;
    int k;
    uint64_t used;              /* blocks of each stream                     */
    blind_block seed[TRANSFER_SEEDS];   /* tree by tree, 2^k of each         */
    blind_block row[128 * TRANSFER_STRIDE];
    blind_block leaf[BLIND_MOST_LEAVES * TRANSFER_TILE];
    uint8_t *frame;             /* the last one, and room for the next       */
    size_t frame_room;
} extension;

struct blind_sender {
    extension e;
    blind_block delta;
};

struct blind_receiver {
    extension e;
};

/* ---- opening and closing ------------------------------------------------- */

static bool k_known(int k)
{
    return k == 1 || k == 2 || k == 4;
}

size_t blind_transfer_sums(int k)
{
    return (size_t)(2 * (k - 1) * (128 / k));
}

static ckks_status transfers_refuse(int k, bool memory)
{
    if (memory)
        return nn_fail(CKKS_EMEM, "no memory for transfers");
    return nn_fail(CKKS_EARG, "transfers by trees of depth %d, not 1, 2 or 4",
                   k);
}

ckks_status blind_receiver_make(blind_receiver **out, blind_block *sums,
                                const blind_pair *pair, int k,
                                const blind_aes *aes)
{
    blind_receiver *r = k_known(k) ? calloc(1, sizeof *r) : NULL;

    if (r == NULL)
        return transfers_refuse(k, k_known(k));
    r->e.aes = aes;
    r->e.k = k;
    for (int i = 0; i < 128 / k; i++)
        blind_tree_whole(r->e.seed + (i << k), sums + 2 * (k - 1) * i,
                         pair + k * i, k, aes);
    *out = r;
    return CKKS_OK;
}

ckks_status blind_sender_make(blind_sender **out, const blind_block *key,
                              const blind_block *sums, blind_block delta,
                              int k, const blind_aes *aes)
{
    blind_sender *s = k_known(k) ? calloc(1, sizeof *s) : NULL;

    if (s == NULL)
        return transfers_refuse(k, k_known(k));
    s->e.aes = aes;
    s->e.k = k;
    s->delta = delta;
    for (int i = 0; i < 128 / k; i++) {
        uint64_t alpha = delta.w[k * i / 64] >> k * i % 64 & ((1u << k) - 1);

        blind_tree_punctured(s->e.seed + (i << k), sums + 2 * (k - 1) * i,
                             key + k * i, (unsigned)alpha, k, aes);
    }
    *out = s;
    return CKKS_OK;
}

static void extension_wipe(extension *e)
{
    if (e->frame != NULL)
        cki_wipe(e->frame, e->frame_room);
    free(e->frame);
    cki_wipe(e, sizeof *e);
}

void blind_sender_close(blind_sender **s)
{
    if (*s == NULL)
        return;
    extension_wipe(&(*s)->e);
    cki_wipe(*s, sizeof **s);
    free(*s);
    *s = NULL;
}

void blind_receiver_close(blind_receiver **r)
{
    if (*r == NULL)
        return;
    extension_wipe(&(*r)->e);
    free(*r);
    *r = NULL;
}

blind_block blind_sender_delta(const blind_sender *s)
{
    return s->delta;
}

/* What a side holds between base transfers and its two ends. */
typedef struct opening {
    blind_pair pair[BLIND_BASE_COUNT];
    blind_block key[BLIND_BASE_COUNT];
    blind_block mine[BLIND_BASE_COUNT * 2], theirs[BLIND_BASE_COUNT * 2];
    uint8_t bytes[BLIND_BASE_COUNT * 2 * 16];
    blind_block delta;
} opening;

/* The sums of each side's trees to the other; trees of depth 1 have none. */
static ckks_status sums_exchange(opening *o, int k, blind_wire *w)
{
    size_t count = blind_transfer_sums(k);
    ckks_status st;

    if (count == 0)
        return CKKS_OK;
    for (size_t i = 0; i < count; i++)
        blind_put(o->bytes + 16 * i, o->mine[i]);
    st = blind_wire_send(w, BLIND_BASE, o->bytes, 16 * count);
    if (st == CKKS_OK)
        st = blind_wire_receive(w, BLIND_BASE, o->bytes, 16 * count);
    for (size_t i = 0; i < count && st == CKKS_OK; i++)
        o->theirs[i] = blind_get(o->bytes + 16 * i);
    return st;
}

static ckks_status opening_draw(opening *o, ckks_rng *rng)
{
    uint8_t drawn[16];
    ckks_status st = ckks_rng_bytes(drawn, sizeof drawn, rng);

    if (st != CKKS_OK)
        return nn_relay(st, "transfers");
    o->delta = blind_get(drawn);
    o->delta.w[0] |= 1;
    cki_wipe(drawn, sizeof drawn);
    return CKKS_OK;
}

static ckks_status opening_run(opening *o, blind_sender **sender,
                               blind_receiver **receiver, int k,
                               const uint8_t session[BLIND_SESSION],
                               bool server, const blind_aes *aes,
                               ckks_rng *rng, blind_wire *w)
{
    blind_receiver *r = NULL;
    ckks_status st = opening_draw(o, rng);

    if (st == CKKS_OK)
        st = blind_base(o->pair, o->key, o->delta, session, server, rng, w);
    if (st == CKKS_OK)
        st = blind_receiver_make(&r, o->mine, o->pair, k, aes);
    if (st == CKKS_OK)
        st = sums_exchange(o, k, w);
    if (st == CKKS_OK)
        st = blind_sender_make(sender, o->key, o->theirs, o->delta, k, aes);
    if (st == CKKS_OK)
        *receiver = r;
    else if (r != NULL)
        blind_receiver_close(&r);
    return st;
}

ckks_status blind_transfers_open(blind_sender **sender,
                                 blind_receiver **receiver, int k,
                                 const uint8_t session[BLIND_SESSION],
                                 bool server, const blind_aes *aes,
                                 ckks_rng *rng, blind_wire *w)
{
    opening *o = k_known(k) ? calloc(1, sizeof *o) : NULL;
    ckks_status st;

    if (o == NULL)
        return transfers_refuse(k, k_known(k));
    st = opening_run(o, sender, receiver, k, session, server, aes, rng, w);
    cki_wipe(o, sizeof *o);
    free(o);
    return st;
}

/* ---- transfers ----------------------------------------------------------- */

size_t blind_transfer_bytes(size_t count, int k)
{
    return count / 8 * (size_t)(128 / k);
}

/* Room for the frame of count transfers. */
static ckks_status extension_begin(extension *e, size_t count)
{
    size_t most = 8 * (size_t)BLIND_MOST_FRAME / (size_t)(128 / e->k), size;
    uint8_t *frame;

    if (count % BLIND_TRANSFER_UNIT != 0 || count > most)
        return nn_fail(CKKS_EARG, "%zu transfers at once, not a multiple of %d "
                       "up to %zu", count, BLIND_TRANSFER_UNIT, most);
    size = blind_transfer_bytes(count, e->k);
    if (size <= e->frame_room)
        return CKKS_OK;
    frame = malloc(size);
    if (frame == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu transfers", count);
    free(e->frame);
    e->frame = frame;
    e->frame_room = size;
    return CKKS_OK;
}

static void blocks_add(blind_block *x, const blind_block *y, size_t m)
{
    for (size_t c = 0; c < m; c++)
        x[c] = blind_xor(x[c], y[c]);
}

/* The next m blocks of the streams of tree i into e->leaf, and its rows
 *   row k i + b = the sum of the leaves with bit b,
 * from the topmost bit: the upper half's sum is the row, then the upper half is
 * added to the lower.  first is 0, or 1 where leaf 0 is unknown and counts as
 * nothing.  In the end leaf 0 is the sum of all. */
static void tree_rows(extension *e, int i, uint64_t at, size_t m, size_t first)
{
    blind_block *leaf = e->leaf;
    size_t count = (size_t)1 << e->k;

    for (size_t y = first; y < count; y++)
        e->aes->stream(leaf + m * y, e->seed[((size_t)i << e->k) + y],
                       e->used + at, m);
    for (int b = e->k - 1; b >= 0; b--) {
        size_t half = (size_t)1 << b;
        blind_block *row = e->row + (e->k * i + b) * TRANSFER_STRIDE;

        memcpy(row, leaf + m * half, m * sizeof *row);
        for (size_t y = 1; y < half; y++)
            blocks_add(row, leaf + m * (half + y), m);
        for (size_t y = first; y < half; y++)
            blocks_add(leaf + m * y, leaf + m * (half + y), m);
    }
}

ckks_status blind_receive(blind_block *t, const uint8_t *choice, size_t count,
                          blind_receiver *r, blind_wire *w)
{
    extension *e = &r->e;
    size_t blocks = count / 128, m;
    ckks_status st = extension_begin(e, count);

    if (st != CKKS_OK)
        return st;
    for (size_t at = 0; at < blocks; at += m) {
        m = blocks - at < TRANSFER_TILE ? blocks - at : TRANSFER_TILE;
        for (int i = 0; i < 128 / e->k; i++) {
            uint8_t *to = e->frame + 16 * (blocks * (size_t)i + at);

            tree_rows(e, i, at, m, 0);
            for (size_t c = 0; c < m; c++)
                blind_put(to + 16 * c,
                          blind_xor(e->leaf[c],
                                    blind_get(choice + 16 * (at + c))));
        }
        e->aes->transpose(t + 128 * at, e->row, TRANSFER_STRIDE, m);
    }
    e->used += blocks;
    return blind_wire_send(w, BLIND_EXTEND, e->frame,
                           blind_transfer_bytes(count, e->k));
}

/* Adds the frame's part of tree i to its rows of which delta has a 1. */
static void rows_correct(blind_sender *s, int i, const uint8_t *from, size_t m)
{
    for (int b = 0; b < s->e.k; b++) {
        int j = s->e.k * i + b;
        blind_block *row = s->e.row + j * TRANSFER_STRIDE;
        uint64_t mask = cki_mask(s->delta.w[j / 64] >> j % 64 & 1);

        for (size_t c = 0; c < m; c++) {
            blind_block x = blind_get(from + 16 * c);

            row[c].w[0] ^= x.w[0] & mask;
            row[c].w[1] ^= x.w[1] & mask;
        }
    }
}

ckks_status blind_send(blind_block *q, size_t count, blind_sender *s,
                       blind_wire *w)
{
    extension *e = &s->e;
    size_t blocks = count / 128, m;
    ckks_status st = extension_begin(e, count);

    if (st == CKKS_OK)
        st = blind_wire_receive(w, BLIND_EXTEND, e->frame,
                                blind_transfer_bytes(count, e->k));
    if (st != CKKS_OK)
        return st;
    for (size_t at = 0; at < blocks; at += m) {
        m = blocks - at < TRANSFER_TILE ? blocks - at : TRANSFER_TILE;
        for (int i = 0; i < 128 / e->k; i++) {
            tree_rows(e, i, at, m, 1);
            rows_correct(s, i, e->frame + 16 * (blocks * (size_t)i + at), m);
        }
        e->aes->transpose(q + 128 * at, e->row, TRANSFER_STRIDE, m);
    }
    e->used += blocks;
    return CKKS_OK;
}
