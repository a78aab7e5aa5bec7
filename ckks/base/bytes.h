/* bytes.h -- little-endian words in byte arrays.
 *
 * Written with shifts, so the same on every machine; compilers make one load
 * or store of it where the machine's order allows.  No alignment is needed.
 */
#ifndef CKI_BYTES_H
#define CKI_BYTES_H

#include <stdint.h>

static inline uint32_t cki_load32(const uint8_t *b)
{
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16
           | (uint32_t)b[3] << 24;
}

static inline uint64_t cki_load64(const uint8_t *b)
{
    return (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16
           | (uint64_t)b[3] << 24 | (uint64_t)b[4] << 32
           | (uint64_t)b[5] << 40 | (uint64_t)b[6] << 48
           | (uint64_t)b[7] << 56;
}

static inline void cki_store32(uint8_t *b, uint32_t x)
{
    b[0] = (uint8_t)x;
    b[1] = (uint8_t)(x >> 8);
    b[2] = (uint8_t)(x >> 16);
    b[3] = (uint8_t)(x >> 24);
}

static inline void cki_store64(uint8_t *b, uint64_t x)
{
    b[0] = (uint8_t)x;
    b[1] = (uint8_t)(x >> 8);
    b[2] = (uint8_t)(x >> 16);
    b[3] = (uint8_t)(x >> 24);
    b[4] = (uint8_t)(x >> 32);
    b[5] = (uint8_t)(x >> 40);
    b[6] = (uint8_t)(x >> 48);
    b[7] = (uint8_t)(x >> 56);
}

#endif
