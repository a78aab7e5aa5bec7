/* seal_words.c -- the words of SEAL's files, and those that its generator makes
 * from a seed.
 *
 * Read first: seal.h; docs/interop.md.
 */
#include "seal/seal.h"

#include "base/blake2.h"
#include "base/bytes.h"

/* SEAL's generator: stretches of 4096 bytes, number c = 0, 1, ... being
 * BLAKE2Xb of that length, key the 64 bytes of seed, message LE64(c). */
typedef struct seal_stream {
    const uint8_t *seed;
    uint64_t stretch;
    uint32_t node;                          /* blocks taken of this stretch  */
    unsigned used;                          /* bytes taken of block          */
    uint8_t  root[CKI_BLAKE2_OUT], block[CKI_BLAKE2_OUT];
} seal_stream;

enum { STRETCH = 4096, STRETCH_BLOCKS = STRETCH / CKI_BLAKE2_OUT };

static void seal_hash(uint8_t *out, const cki_blake2b_param *p,
                      const uint8_t *key, const uint8_t *in, size_t size)
{
    cki_blake2b h;

    cki_blake2b_init(&h, p, key);
    cki_blake2b_update(&h, in, size);
    cki_blake2b_final(out, CKI_BLAKE2_OUT, &h);
}

static void seal_next_block(seal_stream *s)
{
    const cki_blake2b_param top = {
        .out_size = CKI_BLAKE2_OUT, .key_size = 64, .fanout = 1, .depth = 1,
        .xof_size = STRETCH
    };
    cki_blake2b_param leaf = {
        .out_size = CKI_BLAKE2_OUT, .leaf_size = CKI_BLAKE2_OUT,
        .xof_size = STRETCH, .inner_size = CKI_BLAKE2_OUT
    };
    uint8_t m[8];

    if (s->node == STRETCH_BLOCKS) {
        cki_store64(m, s->stretch++);
        seal_hash(s->root, &top, s->seed, m, sizeof m);
        s->node = 0;
    }
    leaf.node_offset = s->node++;
    seal_hash(s->block, &leaf, NULL, s->root, sizeof s->root);
    s->used = 0;
}

static uint64_t seal_next_word(seal_stream *s)
{
    if (s->used == CKI_BLAKE2_OUT)
        seal_next_block(s);
    s->used += 8;
    return cki_load64(s->block + s->used - 8);
}

/* The limbs of part k.  First a word for every place; then, prime by prime,
 * words from `end` on are drawn again and all are reduced. */
static void seal_expand(const cki_seal_rows *to, int k, int primes,
                        const uint8_t *seed, const ckks_ctx *ctx)
{
    seal_stream s = { .seed = seed, .node = STRETCH_BLOCKS,
                      .used = CKI_BLAKE2_OUT };

    for (int t = 0; t < primes; t++)
        for (size_t i = 0; i < ctx->n; i++)
            cki_seal_row(to, k, t)[i] = seal_next_word(&s);
    for (int t = 0; t < primes; t++) {
        const uint64_t p = ctx->rns.mod[t].p;
        const uint64_t end = UINT64_MAX - UINT64_MAX % p - 1;
        uint64_t *x = cki_seal_row(to, k, t);

        for (size_t i = 0; i < ctx->n; i++) {
            while (x[i] >= end)
                x[i] = seal_next_word(&s);
            x[i] %= p;
        }
    }
}

ckks_status cki_seal_words_read(cki_seal_rows to, const cki_seal_view *v,
                                const ckks_ctx *ctx, const char *what,
                                const char *name)
{
    const uint8_t *b = v->words;
    const int stored = v->parts - (v->seed != NULL);

    for (int k = 0; k < stored; k++)
        for (int t = 0; t < v->primes; t++) {
            const uint64_t p = ctx->rns.mod[t].p;
            uint64_t *x = cki_seal_row(&to, k, t);

            for (size_t i = 0; i < ctx->n; i++, b += 8) {
                x[i] = cki_load64(b);
                if (x[i] >= p)
                    return cki_fail(CKKS_EFORMAT, "%s: %s: polynomial %d, "
                                    "prime %d: word %zu is not below %llu",
                                    name, what, k, t, i,
                                    (unsigned long long)p);
            }
        }
    if (v->seed != NULL)
        seal_expand(&to, stored, v->primes, v->seed, ctx);
    return CKKS_OK;
}
