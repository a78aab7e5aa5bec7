/* bits.c -- words of a few bits as a stream of bits.
 *
 * Time depends on sizes only, but for the search after a word that is too
 * large: packed words may be secret.
 */
#include "base/bits.h"

#include <string.h>

#include "base/base.h"
#include "base/bytes.h"

/* acc holds `fill` bits not yet written, fill < 64. */
void cki_bits_pack(uint8_t *out, const uint64_t *in, size_t n, int bits)
{
    uint64_t acc = 0;
    int fill = 0;

    for (size_t i = 0; i < n; i++) {
        acc |= in[i] << fill;
        fill += bits;
        if (fill >= 64) {
            cki_store64(out, acc);
            out += 8;
            fill -= 64;
            acc = in[i] >> (bits - fill);   /* fill < bits: shift in 1..61   */
        }
    }
    for (; fill > 0; fill -= 8) {
        *out++ = (uint8_t)acc;
        acc >>= 8;
    }
}

/* `bits` bits from bit `pos` on; reads 9 bytes.  With sh = pos mod 8 the first
 * eight hold 64 - sh >= 57 of the bits wanted; the ninth adds the rest (its
 * double shift is by 64 - sh in 57..64, which a single one must not be). */
static inline uint64_t bits_at(const uint8_t *in, size_t pos, uint64_t mask)
{
    const uint8_t *b = in + pos / 8;
    int sh = (int)(pos % 8);

    return (cki_load64(b) >> sh | (uint64_t)b[8] << (63 - sh) << 1) & mask;
}

size_t cki_bits_unpack(uint64_t *out, const uint8_t *in, size_t n, int bits,
                       uint64_t p)
{
    const size_t size = cki_bits_size(n, bits);
    const uint64_t mask = (UINT64_C(1) << bits) - 1;
    uint8_t tail[32] = { 0 };
    size_t fast = 0, first, left, i;
    unsigned bad = 0;

    /* Word i reads bytes up to i*bits/8 + 8. */
    if (size > 8)
        fast = 8 * (size - 8) / (size_t)bits;
    fast = fast < n ? fast : n;
    for (i = 0; i < fast; i++) {
        uint64_t w = bits_at(in, i * (size_t)bits, mask);

        out[i] = w;
        bad |= w >= p;
    }
    /* The rest starts in the last 16 bytes: from a copy with zeros behind. */
    first = i * (size_t)bits / 8;
    left = size - first;
    memcpy(tail, in + first, left);
    for (; i < n; i++) {
        out[i] = bits_at(tail, i * (size_t)bits - 8 * first, mask);
        bad |= out[i] >= p;
    }
    cki_wipe(tail, sizeof tail);
    if (!bad)
        return n;
    for (i = 0; out[i] < p; i++)
        ;
    return i;
}
