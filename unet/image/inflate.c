/* inflate.c -- the blocks of a DEFLATE stream [RFC 1951] as bytes in a ring:
 * the last 2^15 stay, since matches reach back to them; as many again are for
 * bytes that nobody has taken yet.
 */
#include <string.h>

#include "image/inflate.h"

enum { RING_MASK = UNI_INFLATE_RING - 1, LONGEST = 258,
       MATCH_BITS = 15 + 5 + 15 + 13 };

/* ---- bits ---------------------------------------------------------------- */

static inline uint64_t bits_load(const uint8_t *in)
{
    uint64_t w = 0;

    for (int i = 0; i < 8; i++)
        w |= (uint64_t)in[i] << (8 * i);
    return w;
}

/* At least 56 bits, of which as many as there are come from the input. */
static inline void bits_fill(uni_bits *b)
{
    if (b->size - b->at >= 8) {
        b->word |= bits_load(b->in + b->at) << b->have;
        b->at += (63 - b->have) >> 3;
        b->have |= 56;
        return;
    }
    for (; b->have < 56; b->have += 8)
        if (b->at < b->size)
            b->word |= (uint64_t)b->in[b->at++] << b->have;
        else
            b->pad += 8;
}

static inline unsigned bits_take(uni_bits *b, unsigned n)
{
    const unsigned out = (unsigned)b->word & ((1u << n) - 1);

    b->word >>= n;
    b->have -= n;
    return out;
}

/* A symbol of 15 bits at most, which are there; -1: none. */
static inline int bits_symbol(uni_bits *b, const uni_code *c)
{
    const unsigned e = c->fast[b->word & ((1u << UNI_CODE_FAST) - 1)];
    unsigned length = e & 15;
    int symbol = (int)(e >> 4);

    if (length == 0)
        symbol = uni_code_find(&length, c, (unsigned)b->word & 0x7fff);
    b->word >>= length;
    b->have -= length;
    return symbol;
}

static bool bits_short(const uni_bits *b)
{
    return b->have < b->pad;
}

/* ---- matches ------------------------------------------------------------- */

static const uint16_t length_base[29] = {
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59,
    67, 83, 99, 115, 131, 163, 195, 227, 258
};
static const uint8_t length_bits[29] = {
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4,
    5, 5, 5, 5, 0
};
static const uint16_t distance_base[30] = {
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513,
    769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577
};

/* The last `length` of 1..258 bytes from `distance` back, once more.  Copies of
 * 16 go up to 15 bytes beyond, where bytes lie that no match reaches. */
static inline void ring_copy(uint8_t *ring, uint64_t put, unsigned distance,
                             unsigned length)
{
    const unsigned to = (unsigned)put & RING_MASK;
    const unsigned from = (unsigned)(put - distance) & RING_MASK;

    if (to + length > UNI_INFLATE_RING || from + length > UNI_INFLATE_RING) {
        for (unsigned i = 0; i < length; i++)
            ring[(to + i) & RING_MASK] = ring[(from + i) & RING_MASK];
    } else if (distance >= 16) {
        for (unsigned i = 0; i < length; i += 16)
            memcpy(ring + to + i, ring + from + i, 16);
    } else if (distance == 1) {
        memset(ring + to, ring[from], length);
    } else {
        for (unsigned i = 0; i < length; i++)
            ring[to + i] = ring[from + i];
    }
}

/* ---- blocks -------------------------------------------------------------- */

static void stop(uni_inflate *z, bool damaged)
{
    z->end = bits_short(&z->bits) ? UNI_INFLATE_SHORT
           : damaged ? UNI_INFLATE_DAMAGED : UNI_INFLATE_SOUND;
    z->step = UNI_STEP_OVER;
}

/* The distance of a match, 0: damaged. */
static inline unsigned match_distance(uni_bits *b, const uni_code *c,
                                      uint64_t put)
{
    const int symbol = bits_symbol(b, c);
    unsigned distance;

    if (symbol < 0 || symbol > 29)
        return 0;
    distance = distance_base[symbol]
             + bits_take(b, symbol < 4 ? 0 : (unsigned)symbol / 2 - 1);
    return distance <= put ? distance : 0;
}

/* Symbols of a block, while there is room for the longest match.  Between two
 * fills at most 15 + 5 + 15 + 13 = 48 bits are taken. */
static void run_codes(uni_inflate *z)
{
    uni_bits b = z->bits;
    uint64_t put = z->put;
    const uint64_t most = z->took + UNI_INFLATE_BACK - LONGEST;
    bool sound = true, over = false;

    while (put <= most && sound && !over) {
        int symbol;

        if (b.have < MATCH_BITS)
            bits_fill(&b);
        symbol = bits_symbol(&b, &z->literal);
        if (symbol >= 0 && symbol < 256 && !bits_short(&b)) {
            z->ring[put++ & RING_MASK] = (uint8_t)symbol;
        } else if (symbol > 256 && symbol < 286) {
            const unsigned length = length_base[symbol - 257]
                                  + bits_take(&b, length_bits[symbol - 257]);
            const unsigned distance = match_distance(&b, &z->distance, put);

            sound = distance > 0 && !bits_short(&b);
            if (sound) {
                ring_copy(z->ring, put, distance, length);
                put += length;
            }
        } else {
            over = symbol == 256;
            sound = over && !bits_short(&b);
        }
    }
    z->bits = b;
    z->put = put;
    if (!sound)
        stop(z, true);
    else if (over)
        z->step = UNI_STEP_BLOCK;
}

static void run_stored(uni_inflate *z)
{
    uni_bits *b = &z->bits;
    const size_t room = (size_t)(z->took + UNI_INFLATE_BACK - z->put);
    const size_t at = (size_t)z->put & RING_MASK;
    size_t n = z->stored < room ? z->stored : room;

    n = n < UNI_INFLATE_RING - at ? n : UNI_INFLATE_RING - at;
    if (n > b->size - b->at)
        n = b->size - b->at;
    memcpy(z->ring + at, b->in + b->at, n);
    b->at += n;
    z->put += n;
    z->stored -= (uint32_t)n;
    if (z->stored == 0) {
        z->step = UNI_STEP_BLOCK;
    } else if (b->at == b->size) {
        z->end = UNI_INFLATE_SHORT;
        z->step = UNI_STEP_OVER;
    }
}

/* Whole bytes that were taken into the word go back. */
static void bits_align(uni_bits *b)
{
    b->at -= (b->have - b->pad) / 8;
    b->word = 0;
    b->have = b->pad = 0;
}

static void begin_stored(uni_inflate *z)
{
    unsigned n, not;

    (void)bits_take(&z->bits, z->bits.have & 7);
    bits_fill(&z->bits);
    n = bits_take(&z->bits, 16);
    not = bits_take(&z->bits, 16);
    if (bits_short(&z->bits) || n != (not ^ 0xffff)) {
        stop(z, true);
        return;
    }
    bits_align(&z->bits);
    z->stored = n;
    z->step = UNI_STEP_STORED;
}

static void begin_fixed(uni_inflate *z)
{
    uint8_t length[UNI_CODE_SYMBOLS];

    z->step = UNI_STEP_CODES;
    if (z->fixed)
        return;
    for (int i = 0; i < UNI_CODE_SYMBOLS; i++)
        length[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    (void)uni_code_make(&z->literal, length, UNI_CODE_SYMBOLS, false);
    memset(length, 5, 32);
    (void)uni_code_make(&z->distance, length, 32, false);
    z->fixed = true;
}

/* Lengths of n words, themselves in a code, with repetitions. */
static bool read_lengths(uint8_t *length, unsigned n, uni_bits *b,
                         const uni_code *c)
{
    static const uint8_t more[3] = { 2, 3, 7 }, least[3] = { 3, 3, 11 };

    for (unsigned i = 0; i < n;) {
        int symbol;
        unsigned times = 1;
        uint8_t value;

        bits_fill(b);
        symbol = bits_symbol(b, c);
        if (symbol < 0 || bits_short(b) || (symbol == 16 && i == 0))
            return false;
        value = symbol < 16 ? (uint8_t)symbol
              : symbol == 16 ? length[i - 1] : 0;
        if (symbol >= 16)
            times = least[symbol - 16] + bits_take(b, more[symbol - 16]);
        if (times > n - i)
            return false;
        memset(length + i, value, times);
        i += times;
    }
    return true;
}

static bool read_codes(uni_inflate *z)
{
    static const uint8_t order[19] = {
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15
    };
    uint8_t length[286 + 30] = {0};
    uni_bits *b = &z->bits;
    const unsigned literals = 257 + bits_take(b, 5);
    const unsigned distances = 1 + bits_take(b, 5);
    const unsigned lengths = 4 + bits_take(b, 4);

    z->fixed = false;
    if (literals > 286 || distances > 30)
        return false;
    for (unsigned i = 0; i < lengths; i++) {
        bits_fill(b);
        length[order[i]] = (uint8_t)bits_take(b, 3);
    }
    if (!uni_code_make(&z->literal, length, 19, false))
        return false;
    memset(length, 0, 19);
    return read_lengths(length, literals + distances, b, &z->literal)
        && length[256] > 0
        && uni_code_make(&z->literal, length, (int)literals, true)
        && uni_code_make(&z->distance, length + literals, (int)distances,
                         true);
}

static void begin_block(uni_inflate *z)
{
    unsigned kind;

    if (z->last) {
        stop(z, false);
        return;
    }
    bits_fill(&z->bits);
    z->last = bits_take(&z->bits, 1);
    kind = bits_take(&z->bits, 2);
    if (bits_short(&z->bits) || kind == 3) {
        stop(z, true);
    } else if (kind == 0) {
        begin_stored(z);
    } else if (kind == 1) {
        begin_fixed(z);
    } else if (read_codes(z) && !bits_short(&z->bits)) {
        z->step = UNI_STEP_CODES;
    } else {
        stop(z, true);
    }
}

void uni_inflate_run(uni_inflate *z)
{
    while (z->step != UNI_STEP_OVER
           && z->put <= z->took + UNI_INFLATE_BACK - LONGEST)
        if (z->step == UNI_STEP_BLOCK)
            begin_block(z);
        else if (z->step == UNI_STEP_STORED)
            run_stored(z);
        else
            run_codes(z);
}
