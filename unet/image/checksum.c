/* checksum.c -- CRC-32 four bytes at a time, and Adler-32.  Contracts in
 * checksum.h. */
#include "image/checksum.h"

enum { CRC_BITS = 0x6db88320 };     /* with the bit of x^31 added below      */

void uni_crc_init(uni_crc *c)
{
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t v = b;

        for (int i = 0; i < 8; i++)
            v = v >> 1 ^ (v & 1 ? CRC_BITS | 0x80000000u : 0);
        c->table[0][b] = v;
    }
    for (int k = 1; k < 4; k++)
        for (int b = 0; b < 256; b++) {
            const uint32_t v = c->table[k - 1][b];

            c->table[k][b] = v >> 8 ^ c->table[0][v & 255];
        }
}

uint32_t uni_crc_add(const uni_crc *c, uint32_t crc, const uint8_t *in,
                     size_t size)
{
    uint32_t v = ~crc;

    for (; size >= 4; in += 4, size -= 4)
        v = c->table[3][(v ^ in[0]) & 255]
          ^ c->table[2][(v >> 8 ^ in[1]) & 255]
          ^ c->table[1][(v >> 16 ^ in[2]) & 255]
          ^ c->table[0][v >> 24 ^ in[3]];
    for (; size > 0; in++, size--)
        v = v >> 8 ^ c->table[0][(v ^ *in) & 255];
    return ~v;
}

/* 5552 bytes of 255 are what fits: 255 n (n + 1) / 2 + (n + 1) 65520 < 2^32. */
enum { ADLER_AT_ONCE = 5552, ADLER_PRIME = 65521 };

uint32_t uni_adler_add(uint32_t adler, const uint8_t *in, size_t size)
{
    uint32_t a = adler & 0xffff, b = adler >> 16;

    while (size > 0) {
        const size_t n = size < ADLER_AT_ONCE ? size : ADLER_AT_ONCE;

        for (size_t i = 0; i < n; i++) {
            a += in[i];
            b += a;
        }
        a %= ADLER_PRIME;
        b %= ADLER_PRIME;
        in += n;
        size -= n;
    }
    return b << 16 | a;
}
