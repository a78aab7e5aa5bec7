/* test_vectors_transfers.c -- vectors/b1/transfers.json: base transfers, trees
 * and extension, with every byte that is sent. */
#include "blind/number.h"
#include "blind/transfer.h"
#include "blind/tree.h"
#include "test.h"
#include "vectors_wire.h"

/* ---- base transfers ------------------------------------------------------ */

typedef struct base_side {
    const uint8_t *session, *seed;
    blind_block choice, key[BLIND_BASE_COUNT];
    blind_pair pair[BLIND_BASE_COUNT];
} base_side;

static ckks_status base_runs(side *s)
{
    base_side *b = s->with;
    ckks_rng rng;
    ckks_status st = ckks_rng_init(&rng, b->seed);

    if (st == CKKS_OK)
        st = blind_base(b->pair, b->key, b->choice, b->session, s->server,
                        &rng, s->wire);
    return st == CKKS_OK ? blind_wire_flush(s->wire) : st;
}

static void run_base(vec_case *c, void *with)
{
    base_side *b = vec_take(c, 2 * sizeof *b);

    (void)with;
    b[0].session = b[1].session = vec_bytes(c, "session", BLIND_SESSION);
    b[0].seed = vec_bytes(c, "clientSeed", CKKS_SEED_BYTES);
    b[1].seed = vec_bytes(c, "serverSeed", CKKS_SEED_BYTES);
    b[0].choice = vec_block(c, "clientChoice");
    b[1].choice = vec_block(c, "serverChoice");
    if (!vec_sides(c, base_runs, &b[0], base_runs, &b[1]))
        return;
    vec_same_blocks(c, "clientPairs", b[0].pair[0].key, 2 * BLIND_BASE_COUNT);
    vec_same_blocks(c, "clientKeys", b[0].key, BLIND_BASE_COUNT);
    vec_same_blocks(c, "serverPairs", b[1].pair[0].key, 2 * BLIND_BASE_COUNT);
    vec_same_blocks(c, "serverKeys", b[1].key, BLIND_BASE_COUNT);
}

/* ---- trees --------------------------------------------------------------- */

static void pairs_of(blind_pair *pair, const blind_block *x, size_t count)
{
    for (size_t i = 0; i < 2 * count; i++)
        pair[i / 2].key[i % 2] = x[i];
}

static void run_tree(vec_case *c, void *with)
{
    const int k = (int)vec_int(c, "depth"), leaves = 1 << k;
    blind_pair pair[BLIND_MOST_DEPTH];
    blind_block sums[2 * BLIND_MOST_DEPTH], leaf[BLIND_MOST_LEAVES];

    pairs_of(pair, vec_blocks(c, "pairs", NULL, 2 * (size_t)k), (size_t)k);
    blind_tree_whole(leaf, sums, pair, k, with);
    vec_same_blocks(c, "sums", sums, 2 * (size_t)(k - 1));
    vec_same_blocks(c, "leaves", leaf, (size_t)leaves);
    for (int alpha = 0; alpha < leaves; alpha++) {
        blind_block key[BLIND_MOST_DEPTH];
        char name[20];

        if (alpha != 0 && alpha != 1 && alpha != leaves - 1
            && alpha != 5 % leaves)
            continue;
        for (int j = 0; j < k; j++)
            key[j] = pair[j].key[alpha >> j & 1];
        blind_tree_punctured(leaf, sums, key, (unsigned)alpha, k, with);
        snprintf(name, sizeof name, "but%d", alpha);
        vec_same_blocks(c, name, leaf + 1, (size_t)leaves - 1);
    }
}

/* ---- extension ----------------------------------------------------------- */

enum { MOST_SUMS = 192, MOST_CALLS = 4 };

typedef struct extend_side {
    const blind_aes *aes;
    int k;
    size_t calls;
    blind_pair pair[128];
    blind_block delta, sums[MOST_SUMS], out[128 * MOST_CALLS];
    uint8_t choice[16 * MOST_CALLS];
} extend_side;

static ckks_status extend_receives(side *s)
{
    extend_side *e = s->with;
    blind_receiver *r = NULL;
    ckks_status st = blind_receiver_make(&r, e->sums, e->pair, e->k, e->aes);

    for (size_t i = 0; st == CKKS_OK && i < e->calls; i++)
        st = blind_receive(e->out + 128 * i, e->choice + 16 * i, 128, r,
                           s->wire);
    blind_receiver_close(&r);
    return st == CKKS_OK ? blind_wire_flush(s->wire) : st;
}

/* Of the trees' sums it makes its own: those of the other side are compared by
 * themselves. */
static ckks_status extend_sends(side *s)
{
    extend_side *e = s->with;
    blind_block key[128];
    blind_receiver *r = NULL;
    blind_sender *sender = NULL;
    ckks_status st = blind_receiver_make(&r, e->sums, e->pair, e->k, e->aes);

    for (int j = 0; j < 128; j++)
        key[j] = e->pair[j].key[e->delta.w[j / 64] >> j % 64 & 1];
    if (st == CKKS_OK)
        st = blind_sender_make(&sender, key, e->sums, e->delta, e->k, e->aes);
    for (size_t i = 0; st == CKKS_OK && i < e->calls; i++)
        st = blind_send(e->out + 128 * i, 128, sender, s->wire);
    blind_receiver_close(&r);
    blind_sender_close(&sender);
    return st;
}

static void run_extension(vec_case *c, void *with)
{
    extend_side *e = vec_take(c, 2 * sizeof *e);
    size_t calls;
    const blind_block *choice = vec_blocks(c, "choice", &calls, 1);

    e->aes = with;
    e->k = (int)vec_int(c, "k");
    e->calls = calls <= MOST_CALLS ? calls : MOST_CALLS;
    e->delta = vec_block(c, "delta");
    pairs_of(e->pair, vec_seeded(c, "pairs", 256), 128);
    for (size_t i = 0; i < e->calls; i++)
        blind_put(e->choice + 16 * i, choice[i]);
    e[1] = e[0];
    if (!vec_sides(c, extend_receives, &e[0], extend_sends, &e[1]))
        return;
    if (e->k > 1)
        vec_same_blocks(c, "sums", e->sums, blind_transfer_sums(e->k));
    vec_same_blocks(c, "t", e[0].out, 128 * e->calls);
    vec_same_blocks(c, "q", e[1].out, 128 * e->calls);
}

TEST(vectors_of_transfers)
{
    vec_each("transfers", "base", run_base, NULL);
    for (const blind_aes *const *a = blind_aes_kernels; *a != NULL; a++)
        if ((*a)->usable()) {
            vec_each("transfers", "tree", run_tree, (void *)(uintptr_t)*a);
            vec_each("transfers", "extension", run_extension,
                     (void *)(uintptr_t)*a);
        }
}
