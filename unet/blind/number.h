/* number.h -- blocks as bytes and as numbers modulo 2^128, and choices by
 * secret bits. */
#ifndef BLIND_NUMBER_H
#define BLIND_NUMBER_H

#include <string.h>

#include "base/bytes.h"
#include "base/word.h"
#include "block.h"

/* Whether words lie in memory as on the wire: known when compiling. */
static inline bool blind_little_endian(void)
{
    const uint16_t one = 1;
    uint8_t first;

    memcpy(&first, &one, 1);
    return first == 1;
}

/* In loops gcc 12 leaves 16 stores of bytes of cki_store64. */
static inline void blind_put(uint8_t *b, blind_block x)
{
    if (blind_little_endian()) {
        memcpy(b, &x, sizeof x);
    } else {
        cki_store64(b, x.w[0]);
        cki_store64(b + 8, x.w[1]);
    }
}

static inline blind_block blind_get(const uint8_t *b)
{
    return (blind_block){ { cki_load64(b), cki_load64(b + 8) } };
}

static inline blind_share blind_number(blind_block x)
{
    return (blind_share)x.w[1] << 64 | x.w[0];
}

static inline blind_block blind_number_block(blind_share x)
{
    return (blind_block){ { (uint64_t)x, (uint64_t)(x >> 64) } };
}

/* x if bit, which is 0 or 1, else 0; in time that tells neither. */
static inline blind_block blind_masked(blind_block x, unsigned bit)
{
    const uint64_t m = cki_mask(bit);

    return (blind_block){ { x.w[0] & m, x.w[1] & m } };
}

static inline blind_share blind_chosen(blind_share x, unsigned bit)
{
    return blind_number(blind_masked(blind_number_block(x), bit));
}

#endif
