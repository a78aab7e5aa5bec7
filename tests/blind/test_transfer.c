/* test_transfer.c -- correlated transfers by extension: unet/blind/transfer.h,
 * tree.h, aes.h's transposition. */
#include <time.h>

#include "base/bytes.h"
#include "blind/transfer.h"
#include "blind/tree.h"
#include "nn.h"
#include "test.h"
#include "two_sides.h"

static bool same(blind_block a, blind_block b)
{
    return a.w[0] == b.w[0] && a.w[1] == b.w[1];
}

static unsigned bit_of(blind_block x, int j)
{
    return (unsigned)(x.w[j / 64] >> j % 64 & 1);
}

static void fill(void *p, size_t words, uint64_t seed)
{
    for (size_t i = 0; i < words; i++)
        ((uint64_t *)p)[i] = test_word(&seed);
}

/* ---- transposition, trees ------------------------------------------------ */

TEST(transposition_matches_its_definition)
{
    enum { BLOCKS = 3, STRIDE = 5 };
    static blind_block in[128 * STRIDE], out[128 * BLOCKS];

    fill(in, 2 * 128 * STRIDE, 5);
    for (const blind_aes *const *a = blind_aes_kernels; *a != NULL; a++) {
        int wrong = 0;

        if (!(*a)->usable())
            continue;
        (*a)->transpose(out, in, STRIDE, BLOCKS);
        for (int c = 0; c < BLOCKS; c++)
            for (int i = 0; i < 128; i++)
                for (int j = 0; j < 128; j++)
                    wrong += bit_of(out[128 * c + i], j)
                             != bit_of(in[STRIDE * j + c], i);
        CHECK(wrong == 0, "%s: %d bits differ", (*a)->name, wrong);
    }
}

/* AES_key(c) by the portable kernel, whose vectors are tested elsewhere. */
static blind_block aes_of(blind_block key, uint64_t c)
{
    blind_block out;

    blind_aes_portable.stream(&out, key, c, 1);
    return out;
}

/* Leaf x from its definition: down from the key of its first bit. */
static blind_block leaf_of(const blind_pair *pair, unsigned x, int k)
{
    blind_block node = pair[k - 1].key[1 ^ (x >> (k - 1) & 1)];

    for (int j = 1; j < k; j++)
        node = aes_of(node, x >> (k - 1 - j) & 1);
    return node;
}

TEST(trees_give_all_leaves_but_one)
{
    for (int k = 1; k <= BLIND_MOST_DEPTH; k++) {
        blind_pair pair[BLIND_MOST_DEPTH];
        blind_block key[BLIND_MOST_DEPTH], all[16], some[16], sums[6];

        fill(pair, 4 * BLIND_MOST_DEPTH, (uint64_t)k);
        blind_tree_whole(all, sums, pair, k, &blind_aes_portable);
        for (unsigned x = 0; x < 1u << k; x++)
            CHECK(same(all[x], leaf_of(pair, x, k)), "k %d: leaf %u", k, x);
        for (unsigned alpha = 0; alpha < 1u << k; alpha++) {
            for (int j = 0; j < k; j++)
                key[j] = pair[j].key[alpha >> j & 1];
            blind_tree_punctured(some, sums, key, alpha, k,
                                 &blind_aes_portable);
            CHECK(some[0].w[0] == 0 && some[0].w[1] == 0, "leaf alpha");
            for (unsigned y = 1; y < 1u << k; y++)
                CHECK(same(some[y], all[y ^ alpha]), "k %d: alpha %u, leaf %u",
                      k, alpha, y ^ alpha);
        }
    }
}

/* ---- the relation -------------------------------------------------------- */

enum { CALLS = 3 };

/* 2^20 transfers in three calls, of which one is the smallest. */
static const size_t counts[CALLS] = { 128, 1 << 19, (1 << 19) - 128 };

typedef struct both {
    int k;
    bool mixed;                 /* the other direction at the same time      */
    uint64_t seed;
    uint8_t choice[1 << 17];
    blind_block t[1 << 20], q[1 << 20], delta;
    blind_traffic opened, traffic;
    double seconds;             /* of this thread, in transfers              */
} both;

static double thread_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static ckks_status runs_both(side *s)
{
    both *b = s->with;
    uint8_t session[BLIND_SESSION] = { 9 }, seed[32] = { 0 };
    blind_sender *sender = NULL;
    blind_receiver *receiver = NULL;
    const blind_aes *aes;
    ckks_rng rng;
    size_t at = 0;
    ckks_status st = blind_aes_choose(&aes, NULL);

    seed[0] = (uint8_t)b->seed;
    if (st == CKKS_OK)
        st = ckks_rng_init(&rng, seed);
    if (st == CKKS_OK)
        st = blind_transfers_open(&sender, &receiver, b->k, session, s->server,
                                  aes, &rng, s->wire);
    if (st != CKKS_OK)
        return st;
    b->delta = blind_sender_delta(sender);
    b->opened = blind_wire_traffic(s->wire);
    b->seconds = -thread_seconds();
    for (int i = 0; i < CALLS && st == CKKS_OK; at += counts[i++]) {
        st = blind_receive(b->t + at, b->choice + at / 8, counts[i], receiver,
                           s->wire);
        if (st == CKKS_OK)
            st = blind_send(b->q + at, counts[i], sender, s->wire);
    }
    b->seconds += thread_seconds();
    b->traffic = blind_wire_traffic(s->wire);
    blind_sender_close(&sender);
    blind_receiver_close(&receiver);
    return st == CKKS_OK ? blind_wire_flush(s->wire) : st;
}

static size_t both_wrong(const both *sender, const both *receiver)
{
    size_t wrong = 0;

    for (size_t i = 0; i < 1 << 20; i++) {
        unsigned r = receiver->choice[i / 8] >> i % 8 & 1;
        blind_block want = sender->q[i];

        if (r)
            want = blind_xor(want, sender->delta);
        wrong += !same(receiver->t[i], want);
    }
    return wrong;
}

TEST(transfers_differ_by_choice_times_delta)
{
    both *b = calloc(2, sizeof *b);

    for (int k = 1; k <= 4; k *= 2) {
        const uint64_t bytes = (1 << 17) * (128 / (uint64_t)k) + CALLS * 24;

        for (int i = 0; i < 2; i++) {
            b[i].k = k;
            b[i].seed = (uint64_t)(10 * k + i);
            fill(b[i].choice, sizeof b[i].choice / 8, b[i].seed);
        }
        if (!two_sides(runs_both, &b[0], runs_both, &b[1]))
            break;
        for (int i = 0; i < 2; i++) {
            CHECK(both_wrong(&b[i], &b[!i]) == 0, "k %d: %zu wrong", k,
                  both_wrong(&b[i], &b[!i]));
            CHECK(b[i].traffic.sent - b[i].opened.sent == bytes,
                  "k %d: %" PRIu64 " bytes, want %" PRIu64, k,
                  b[i].traffic.sent - b[i].opened.sent, bytes);
            CHECK(b[i].opened.sent == 2 * 24 + 384 + 49152
                  + (k > 1 ? 24 + 16 * blind_transfer_sums(k) : 0), "%" PRIu64,
                  b[i].opened.sent);
        }
        CHECK((b[0].delta.w[0] & b[1].delta.w[0] & 1) == 1, "colours");
        CHECK(!same(b[0].delta, b[1].delta), "one delta for both");
        test_note("k = %d: %.1f M transfers a second of a processor, both "
                  "roles", k, 2 / (b[0].seconds + b[1].seconds) * 1.048576);
    }
    free(b);
}

/* ---- k = 1 is the extension of Ishai, Kilian, Nissim and Petrank --------- */

/* By its definition, bit by bit, from the same pairs: T has the columns G(k0),
 * the receiver sends U with the columns G(k0) ^ G(k1) ^ r; the sender's column
 * j of Q is G(k_s) ^ s U, s bit j of delta; rows of T and Q are the outputs. */
typedef struct ends {
    int k;
    size_t count;
    blind_pair pair[128];
    blind_block delta, t[512], q[512];
    uint8_t choice[64], frame[512 * 16];
} ends;

static ckks_status end_receives(side *s)
{
    ends *e = s->with;
    blind_block sums[192];
    blind_receiver *r;
    ckks_status st = blind_receiver_make(&r, sums, e->pair, e->k,
                                         &blind_aes_portable);

    if (st == CKKS_OK)
        st = blind_receive(e->t, e->choice, e->count, r, s->wire);
    if (st == CKKS_OK)
        blind_receiver_close(&r);
    return st == CKKS_OK ? blind_wire_flush(s->wire) : st;
}

static ckks_status end_listens(side *s)
{
    ends *e = s->with;

    return blind_wire_receive(s->wire, BLIND_EXTEND, e->frame,
                              blind_transfer_bytes(e->count, e->k));
}

static ckks_status end_tells(side *s)
{
    ends *e = s->with;
    ckks_status st = blind_wire_send(s->wire, BLIND_EXTEND, e->frame,
                                     blind_transfer_bytes(e->count, e->k));

    return st == CKKS_OK ? blind_wire_flush(s->wire) : st;
}

static ckks_status end_sends(side *s)
{
    ends *e = s->with;
    blind_block key[128], sums[1] = { { { 0, 0 } } };
    blind_sender *sender;
    ckks_status st;

    for (int j = 0; j < 128; j++)
        key[j] = e->pair[j].key[bit_of(e->delta, j)];
    st = blind_sender_make(&sender, key, sums, e->delta, e->k,
                           &blind_aes_portable);
    if (st == CKKS_OK)
        st = blind_send(e->q, e->count, sender, s->wire);
    if (st == CKKS_OK)
        blind_sender_close(&sender);
    return st;
}

TEST(depth_one_is_iknp)
{
    static ends e;
    size_t wrong_t = 0, wrong_u = 0, wrong_q = 0;
    blind_block g[2];

    e.k = 1;
    e.count = 512;
    fill(e.pair, 4 * 128, 3);
    fill(&e.delta, 2, 4);
    fill(e.choice, sizeof e.choice / 8, 5);
    if (!two_sides(end_receives, &e, end_listens, &e)
        || !two_sides(end_tells, &e, end_sends, &e))
        return;
    for (int j = 0; j < 128; j++)
        for (size_t i = 0; i < e.count; i++) {
            const blind_block *key = e.pair[j].key;
            size_t at = (size_t)j * e.count + i;
            bool r = e.choice[i / 8] >> i % 8 & 1, delta = bit_of(e.delta, j);
            bool t, u;

            if (i % 128 == 0)
                for (int c = 0; c < 2; c++)
                    g[c] = aes_of(key[c], i / 128);
            t = bit_of(g[0], (int)(i % 128));
            u = t ^ bit_of(g[1], (int)(i % 128)) ^ r;
            wrong_t += bit_of(e.t[i], j) != t;
            wrong_u += (e.frame[at / 8] >> at % 8 & 1) != u;
            wrong_q += bit_of(e.q[i], j)
                       != (bit_of(g[delta], (int)(i % 128)) ^ (delta & u));
        }
    CHECK(wrong_t == 0 && wrong_u == 0 && wrong_q == 0, "%zu %zu %zu",
          wrong_t, wrong_u, wrong_q);
}

/* k = 2 and 4 by transfer.h: columns of t and the frame from the leaves. */
TEST(deeper_trees_match_their_definition)
{
    static ends e;
    blind_block g[16];

    for (int k = 2; k <= 4; k += 2) {
        size_t wrong_t = 0, wrong_u = 0;

        e.k = k;
        e.count = 256;
        fill(e.pair, 4 * 128, (uint64_t)(30 + k));
        fill(e.choice, sizeof e.choice / 8, 5);
        if (!two_sides(end_receives, &e, end_listens, &e))
            return;
        for (int tree = 0; tree < 128 / k; tree++)
            for (size_t i = 0; i < e.count; i++) {
                unsigned v = 0, u = e.choice[i / 8] >> i % 8 & 1;
                size_t at = (size_t)tree * e.count + i;

                for (unsigned x = 0; x < 1u << k; x++) {
                    if (i % 128 == 0)
                        g[x] = aes_of(leaf_of(e.pair + k * tree, x, k),
                                      i / 128);
                    v ^= bit_of(g[x], (int)(i % 128)) * x;
                    u ^= bit_of(g[x], (int)(i % 128));
                }
                for (int b = 0; b < k; b++)
                    wrong_t += bit_of(e.t[i], k * tree + b) != (v >> b & 1);
                wrong_u += (e.frame[at / 8] >> at % 8 & 1) != u;
            }
        CHECK(wrong_t == 0 && wrong_u == 0, "k %d: %zu %zu", k, wrong_t,
              wrong_u);
    }
}

TEST(transfers_refuse_wrong_arguments)
{
    static blind_pair pair[128];
    static blind_block sums[192], key[128], t[256];
    blind_receiver *r = NULL;
    blind_sender *s = NULL;
    uint8_t choice[32] = { 0 };

    for (int k = -1; k <= 8; k++)
        if (k != 1 && k != 2 && k != 4) {
            CHECK_STATUS(blind_receiver_make(&r, sums, pair, k,
                                             &blind_aes_portable), CKKS_EARG);
            CHECK_STATUS(blind_sender_make(&s, key, sums, key[0], k,
                                           &blind_aes_portable), CKKS_EARG);
        }
    CHECK(r == NULL && s == NULL, "made");
    if (!CHECK_OK(blind_receiver_make(&r, sums, pair, 1,
                                      &blind_aes_portable)))
        return;
    CHECK_STATUS(blind_receive(t, choice, 130, r, NULL), CKKS_EARG);
    CHECK_STATUS(blind_receive(t, choice, (4u << 20) + 128, r, NULL),
                 CKKS_EARG);
    CHECK_STATUS(blind_receive(t, choice, SIZE_MAX / 128 * 128, r, NULL),
                 CKKS_EARG);
    blind_receiver_close(&r);
    blind_receiver_close(&r);
}
