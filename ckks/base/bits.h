/* bits.h -- words of a few bits as a stream of bits.
 *
 * Word i of `bits` bits (1..61) stands at bits i*bits .. (i+1)*bits - 1 of the
 * stream, lowest bit first; bit k of the stream is bit k mod 8 of byte k / 8.
 * What is left of the last byte is 0.
 */
#ifndef CKI_BITS_H
#define CKI_BITS_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of n words. */
static inline size_t cki_bits_size(size_t n, int bits)
{
    return (n * (size_t)bits + 7) / 8;
}

/* in: n words below 2^bits; out: cki_bits_size bytes. */
void cki_bits_pack(uint8_t *out, const uint64_t *in, size_t n, int bits);

/* out: n words below 2^bits; in: cki_bits_size bytes, of which none behind
 * is read.  Returns n if every word is below p, else the number of the first
 * that is not.  Whether the rest of the last byte is 0 is not looked at. */
size_t cki_bits_unpack(uint64_t *out, const uint8_t *in, size_t n, int bits,
                       uint64_t p);

#endif
