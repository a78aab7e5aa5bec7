/* aes.h -- AES-128 as the two parties of `blind` use it: streams of blocks,
 * and the hash of garbling, re-keyed for each gate; and what else is done to
 * many blocks at once.
 *
 * All kernels agree to the bit.  Constant time: no table is read at a secret
 * place.  Source: FIPS 197; the hash: Guo, Katz, Wang, Weng, Yu (CRYPTO 2020).
 */
#ifndef BLIND_AES_H
#define BLIND_AES_H

#include <stdbool.h>
#include <stddef.h>

#include "ckks.h"
#include "block.h"

typedef struct blind_aes {
    const char *name;           /* portable, aesni, vaes                     */
    bool (*usable)(void);       /* on this machine                           */
    /* out[i] = AES_key(first + i), the counter a block of 128 bits with the
     * upper word 0. */
    void (*stream)(blind_block *out, blind_block key, uint64_t first,
                   size_t count);
    /* out[k per + j] = H(in[k per + j], tweak + k), k < keys, j < per:
     *   H(x, i) = AES_(start ^ i)(sigma(x)) ^ sigma(x),
     *   sigma(a | b) = (a ^ b) | a, a the upper word; i in the lower word of
     *   the key.
     * per is 1 or 2: so many blocks share a tweak.  out may be in. */
    void (*hash)(blind_block *out, const blind_block *in, blind_block start,
                 uint64_t tweak, size_t keys, int per);
    /* 16 half gates as garble.h has them, or NULL: then by the hash. */
    void (*garble)(blind_block *out, uint8_t *table, const blind_block *a,
                   const blind_block *b, blind_block delta, blind_block start,
                   uint64_t tweak);
    void (*evaluate)(blind_block *out, const uint8_t *table,
                     const blind_block *a, const blind_block *b,
                     blind_block start, uint64_t tweak);
    /* Bit j of out[128 c + i] = bit i of in[stride j + c], i, j < 128, c <
     * blocks: what transfers make of their rows. */
    void (*transpose)(blind_block *out, const blind_block *in, size_t stride,
                      size_t blocks);
} blind_aes;

extern const blind_aes blind_aes_portable;
#ifdef BLIND_HAVE_X86
extern const blind_aes blind_aes_aesni, blind_aes_vaes;
#endif

/* All kernels of this build, best first, NULL at the end. */
extern const blind_aes *const blind_aes_kernels[];

/* The best kernel that is usable and passes its known answers; forced to the
 * one of this name unless NULL.
 *   errors  CKKS_EPARAM */
CKKS_CHECKED ckks_status blind_aes_choose(const blind_aes **out,
                                          const char *name);

#endif
