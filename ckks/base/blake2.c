/* blake2.c -- BLAKE2b and the output blocks of BLAKE2Xb.
 *
 * Sources: [RFC7693] for the hash; [BLAKE2X] for the parameter blocks of the
 * extendable output.  No table is indexed by data and no branch depends on
 * it: time depends on lengths only.
 */
#include "base/blake2.h"

#include <string.h>

#include "base/blake2_rounds.h"
#include "base/bytes.h"

/* The first 64 bits of the fractions of the square roots of 2, 3, 5, ... 19,
 * as in SHA-512. */
static const uint64_t blake2b_iv[8] = {
    UINT64_C(0x6a09e667f3bcc908), UINT64_C(0xbb67ae8584caa73b),
    UINT64_C(0x3c6ef372fe94f82b), UINT64_C(0xa54ff53a5f1d36f1),
    UINT64_C(0x510e527fade682d1), UINT64_C(0x9b05688c2b3e6c1f),
    UINT64_C(0x1f83d9abfb41bd6b), UINT64_C(0x5be0cd19137e2179)
};

static inline uint64_t rotate_right(uint64_t x, int r)
{
    return x >> r | x << (64 - r);
}

#define BLAKE2B_ADD(a, b) ((a) + (b))
#define BLAKE2B_XROT(a, b, r) rotate_right((a) ^ (b), r)
#define BLAKE2B_MIX(a, b, s) ((a) + m[s] + (b))

/* What the rounds begin with: h, then iv with the number of bytes hashed up
 * to here and whether this block is the last. */
static void blake2b_state(uint64_t v[16], const uint64_t h[8], uint64_t total,
                          bool last)
{
    memcpy(v, h, 8 * sizeof *v);
    memcpy(v + 8, blake2b_iv, sizeof blake2b_iv);
    v[12] ^= total;             /* its upper half, for v[13], is always 0    */
    v[14] ^= (uint64_t)0 - (uint64_t)last;
}

/* The compression function of section 3.2: h, 16 message words, the number
 * of bytes hashed up to here, and whether this block is the last. */
static void blake2b_compress(uint64_t h[8], const uint64_t m[16],
                             uint64_t total, bool last)
{
    uint64_t v[16];

    blake2b_state(v, h, total, last);
    BLAKE2B_ROUNDS();
    for (int i = 0; i < 8; i++)
        h[i] ^= v[i] ^ v[i + 8];
}

static void blake2b_compress_bytes(uint64_t h[8], const uint8_t *in,
                                   uint64_t total, bool last)
{
    uint64_t m[16];

    for (int i = 0; i < 16; i++)
        m[i] = cki_load64(in + 8 * i);
    blake2b_compress(h, m, total, last);
}

/* h = iv xor the parameter block read as eight words; the last four hold
 * salt and personalisation and are zero. */
static void blake2b_start(uint64_t h[8], const cki_blake2b_param *p)
{
    memcpy(h, blake2b_iv, sizeof blake2b_iv);
    h[0] ^= (uint64_t)p->out_size | (uint64_t)p->key_size << 8
            | (uint64_t)p->fanout << 16 | (uint64_t)p->depth << 24
            | (uint64_t)p->leaf_size << 32;
    h[1] ^= (uint64_t)p->node_offset | (uint64_t)p->xof_size << 32;
    h[2] ^= (uint64_t)p->node_depth | (uint64_t)p->inner_size << 8;
}

void cki_blake2b_init(cki_blake2b *s, const cki_blake2b_param *p,
                      const uint8_t *key)
{
    blake2b_start(s->h, p);
    s->total = 0;
    s->used = 0;
    memset(s->block, 0, sizeof s->block);
    if (p->key_size > 0) {
        memcpy(s->block, key, p->key_size);
        s->used = sizeof s->block;      /* the key fills a block of its own  */
    }
}

/* A full block is compressed only when more bytes come: the last block of a
 * message must be marked, also when it is full. */
void cki_blake2b_update(cki_blake2b *s, const uint8_t *in, size_t size)
{
    while (size > 0) {
        size_t room = sizeof s->block - s->used;
        size_t take = size < room ? size : room;

        if (room == 0) {
            s->total += sizeof s->block;
            blake2b_compress_bytes(s->h, s->block, s->total, false);
            s->used = 0;
            continue;
        }
        memcpy(s->block + s->used, in, take);
        s->used += take;
        in += take;
        size -= take;
    }
}

void cki_blake2b_final(uint8_t *out, size_t size, cki_blake2b *s)
{
    memset(s->block + s->used, 0, sizeof s->block - s->used);
    blake2b_compress_bytes(s->h, s->block, s->total + s->used, true);
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(s->h[i / 8] >> 8 * (i % 8));
    cki_wipe(s, sizeof *s);
}

/* All output blocks of BLAKE2Xb are hashed from this but for their number,
 * the lower half of h[1]. */
static void blake2xb_start(uint64_t h[8], uint32_t node)
{
    const cki_blake2b_param p = {
        .out_size = CKI_BLAKE2_OUT, .leaf_size = CKI_BLAKE2_OUT,
        .node_offset = node, .xof_size = UINT32_MAX,
        .inner_size = CKI_BLAKE2_OUT
    };

    blake2b_start(h, &p);
}

void cki_blake2xb_state(uint64_t v[16])
{
    uint64_t h[8];

    blake2xb_start(h, 0);
    blake2b_state(v, h, CKI_BLAKE2_OUT, true);
}

void cki_blake2xb_block(uint8_t out[CKI_BLAKE2_OUT],
                        const uint8_t root[CKI_BLAKE2_OUT], uint32_t node)
{
    uint64_t h[8], m[16] = { 0 };

    blake2xb_start(h, node);
    for (int i = 0; i < 8; i++)
        m[i] = cki_load64(root + 8 * i);
    blake2b_compress(h, m, CKI_BLAKE2_OUT, true);
    for (int i = 0; i < 8; i++)
        cki_store64(out + 8 * i, h[i]);
}

void ckks_blake2b(uint8_t *out, size_t out_size, const uint8_t *in,
                  size_t size, const uint8_t *key, size_t key_size)
{
    const cki_blake2b_param p = { .out_size = (uint8_t)out_size,
                                  .key_size = (uint8_t)key_size,
                                  .fanout = 1, .depth = 1 };
    cki_blake2b s;

    if (out_size == 0 || out_size > CKI_BLAKE2_OUT
        || key_size > CKI_BLAKE2_OUT) {
        memset(out, 0, out_size);       /* sizes that have no hash           */
        return;
    }
    cki_blake2b_init(&s, &p, key);
    cki_blake2b_update(&s, in, size);
    cki_blake2b_final(out, out_size, &s);
}
