/* deflate.c -- DEFLATE streams [RFC 1951] of one block of fixed codes: literals
 * and matches with the last place where the same four bytes began.  A mask,
 * which is nearly all of one number, becomes 13 bits for 258 bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "image/inflate.h"

enum { HASH_BITS = 14, LEAST = 4, MOST = 258, BACK = 1 << 15 };

typedef struct deflater {
    uint8_t *out;
    size_t size;
    uint64_t word;              /* bits that are no whole byte yet           */
    unsigned have;
} deflater;

static void put_bits(deflater *d, unsigned value, unsigned n)
{
    d->word |= (uint64_t)value << d->have;
    for (d->have += n; d->have >= 8; d->have -= 8, d->word >>= 8)
        d->out[d->size++] = (uint8_t)d->word;
}

/* The words of codes go from their first bit on. */
static void put_word(deflater *d, unsigned word, unsigned n)
{
    unsigned turned = 0;

    for (unsigned i = 0; i < n; i++, word >>= 1)
        turned = turned << 1 | (word & 1);
    put_bits(d, turned, n);
}

/* The fixed code of literals and lengths [RFC 1951, section 3.2.6]. */
static void put_symbol(deflater *d, unsigned symbol)
{
    if (symbol < 144)
        put_word(d, 48 + symbol, 8);
    else if (symbol < 256)
        put_word(d, 400 + symbol - 144, 9);
    else if (symbol < 280)
        put_word(d, symbol - 256, 7);
    else
        put_word(d, 192 + symbol - 280, 8);
}

/* Above the first few, values share a symbol in groups that double: v - 1 of
 * `low` leading groups.  *bits: how many follow, *rest: which they are. */
static unsigned group(unsigned v, unsigned low, unsigned *bits, unsigned *rest)
{
    unsigned k = 0;

    while (v >> k >= 2 * low)
        k++;
    *bits = k;
    *rest = v & ((1u << k) - 1);
    return low * k + (v >> k);
}

static void put_match(deflater *d, unsigned length, unsigned distance)
{
    unsigned bits, rest;

    if (length == MOST) {
        put_symbol(d, 285);
    } else {
        put_symbol(d, 257 + group(length - 3, 4, &bits, &rest));
        put_bits(d, rest, bits);
    }
    put_word(d, group(distance - 1, 2, &bits, &rest), 5);
    put_bits(d, rest, bits);
}

static unsigned hash4(const uint8_t *in)
{
    uint32_t v = in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16
               | (uint32_t)in[3] << 24;

    return (unsigned)(v * 2654435761u >> (32 - HASH_BITS));
}

/* How far the bytes at `at` are those at `from` before it. */
static unsigned match(const uint8_t *in, size_t size, size_t at, size_t from)
{
    const size_t room = size - at < MOST ? size - at : MOST;
    unsigned n = 0;

    while (n < room && in[from + n] == in[at + n])
        n++;
    return n;
}

/* The longest of two matches at `at`: with the byte before it, and with where
 * four bytes of its hash began last, which is kept in *slot (and 1 more; 0:
 * nowhere).  Fewer than LEAST: none. */
static unsigned find(size_t *from, const uint8_t *in, size_t size, size_t at,
                     size_t *slot)
{
    unsigned n = at > 0 ? match(in, size, at, at - 1) : 0;

    *from = at - 1;
    if (n < MOST && *slot > 0 && at + 1 - *slot <= BACK) {
        const unsigned other = match(in, size, at, *slot - 1);

        if (other > n) {
            n = other;
            *from = *slot - 1;
        }
    }
    *slot = at + 1;
    return n;
}

static void put_block(deflater *d, const uint8_t *in, size_t size,
                      size_t *last)
{
    put_bits(d, 3, 3);                  /* the last block, fixed codes       */
    for (size_t i = 0; i < size;) {
        size_t from = 0;
        const unsigned n = size - i < LEAST ? 0
                         : find(&from, in, size, i, &last[hash4(in + i)]);

        if (n < LEAST) {
            put_symbol(d, in[i++]);
        } else {
            put_match(d, n, (unsigned)(i - from));
            i += n;
        }
    }
    put_symbol(d, 256);
    put_bits(d, 0, 7);                  /* to a whole byte                   */
}

static void put_bytes(deflater *d, uint32_t v, bool high_first)
{
    for (int i = 0; i < 4; i++)
        d->out[d->size++] = (uint8_t)(v >> (8 * (high_first ? 3 - i : i)));
}

static void put_tail(deflater *d, uni_inflate_form form, const uint8_t *in,
                     size_t size, uni_crc *crc)
{
    if (form == UNI_ZLIB)
        put_bytes(d, uni_adler_add(1, in, size), true);
    if (form != UNI_GZIP)
        return;
    uni_crc_init(crc);
    put_bytes(d, uni_crc_add(crc, 0, in, size), false);
    put_bytes(d, (uint32_t)size, false);
}

/* A literal has at most 9 bits, a match of 4 bytes or more at most 31: 18 of
 * the head and tail, 2 of the block's. */
size_t uni_deflate_most(size_t n)
{
    return n + n / 8 + 24;
}

size_t uni_deflate(uint8_t *out, uni_inflate_form form, const uint8_t *in,
                   size_t size)
{
    static const uint8_t gzip[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255 };
    static const uint8_t zlib[2] = { 0x78, 0x01 };
    deflater d = { .out = out };
    size_t *last = calloc((size_t)1 << HASH_BITS, sizeof *last);
    uni_crc *crc = malloc(sizeof *crc);

    if (last != NULL && crc != NULL) {
        d.size = form == UNI_GZIP ? sizeof gzip
               : form == UNI_ZLIB ? sizeof zlib : 0;
        memcpy(out, form == UNI_GZIP ? gzip : zlib, d.size);
        put_block(&d, in, size, last);
        put_tail(&d, form, in, size, crc);
    }
    free(last);
    free(crc);
    return d.size;
}
