/* blake2.h -- BLAKE2b with its whole parameter block.
 *
 * ckks_blake2b (ckks.h) is the plain hash.  What stands here is the part
 * BLAKE2Xb is made from: hashing under any parameter block, in pieces.
 */
#ifndef CKI_BLAKE2_H
#define CKI_BLAKE2_H

#include "base/base.h"

enum { CKI_BLAKE2_BLOCK = 128, CKI_BLAKE2_OUT = 64 };

/* A hash under way.  Holds the key and message bytes: wipe it after use if
 * they are secret (cki_blake2b_final does). */
typedef struct cki_blake2b {
    uint64_t h[8];
    uint64_t total;                     /* bytes compressed so far           */
    uint8_t  block[CKI_BLAKE2_BLOCK];
    size_t   used;                      /* bytes in block, at most 128       */
} cki_blake2b;

/* The parameter block of RFC 7693, section 2.8 and of the BLAKE2X paper; salt
 * and personalisation are zero.  A plain hash has fanout = depth = 1 and
 * zeros behind them. */
typedef struct cki_blake2b_param {
    uint8_t  out_size;                  /* 1..64                             */
    uint8_t  key_size;                  /* 0..64                             */
    uint8_t  fanout, depth;
    uint32_t leaf_size;
    uint32_t node_offset;
    uint32_t xof_size;                  /* upper half of RFC's node offset   */
    uint8_t  node_depth, inner_size;
} cki_blake2b_param;

/* key: p->key_size bytes; may be NULL when that is 0. */
void cki_blake2b_init(cki_blake2b *s, const cki_blake2b_param *p,
                      const uint8_t *key);
void cki_blake2b_update(cki_blake2b *s, const uint8_t *in, size_t size);
/* out: size bytes, the out_size of the parameter block.  Wipes s. */
void cki_blake2b_final(uint8_t *out, size_t size, cki_blake2b *s);

/* Output block number `node` of BLAKE2Xb of unknown length: 64 bytes from
 * the 64 bytes of root.  One compression; out may be root. */
void cki_blake2xb_block(uint8_t out[CKI_BLAKE2_OUT],
                        const uint8_t root[CKI_BLAKE2_OUT], uint32_t node);

/* For kernels, which make several such blocks side by side: the state before
 * the rounds of block 0; that of block `node` has v[1] ^ node.  The message is
 * the 8 words of root and 8 zeros, and word i of the output v[i] at the start
 * ^ v[i] ^ v[i + 8] at the end. */
void cki_blake2xb_state(uint64_t v[16]);

#endif
