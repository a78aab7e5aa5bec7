/* checksum.h -- private to libunet: the checksums of gzip and PNG (CRC-32) and
 * of zlib (Adler-32).  They find damage, not forgery.
 */
#ifndef UNET_CHECKSUM_H
#define UNET_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* table[k][b]: the remainder of byte b with k zero bytes behind it. */
typedef struct uni_crc {
    uint32_t table[4][256];
} uni_crc;

void uni_crc_init(uni_crc *c);
/* The checksum of what `crc` is that of (0: nothing) with these bytes behind
 * it: x^32 + x^26 + x^23 + ... + 1, bits reversed [RFC 1952, section 8]. */
uint32_t uni_crc_add(const uni_crc *c, uint32_t crc, const uint8_t *in,
                     size_t size);
/* The same of Adler-32, which of nothing is 1 [RFC 1950, section 8]. */
uint32_t uni_adler_add(uint32_t adler, const uint8_t *in, size_t size);

#endif
