/* inflate_code.c -- canonical prefix codes [RFC 1951, section 3.2.2]: words of
 * one length are consecutive numbers in the order of their symbols, and shorter
 * words come first.
 */
#include <string.h>

#include "image/inflate.h"

/* Words stand in a stream from their first bit on, numbers from their last. */
static unsigned code_turned(unsigned word, unsigned length)
{
    unsigned out = 0;

    for (unsigned i = 0; i < length; i++, word >>= 1)
        out = out << 1 | (word & 1);
    return out;
}

/* The number behind the last word of each length; false as uni_code_make. */
static bool code_starts(unsigned start[UNI_CODE_BITS + 1], const uni_code *c,
                        bool few)
{
    unsigned next = 0, words = 0;

    for (int k = 1; k <= UNI_CODE_BITS; k++) {
        next <<= 1;
        start[k] = next;
        next += c->count[k];
        words += c->count[k];
        if (next > 1u << k)
            return false;
    }
    return next == 1u << UNI_CODE_BITS
        || (few && (words == 0 || (words == 1 && c->count[1] == 1)));
}

bool uni_code_make(uni_code *c, const uint8_t *length, int n, bool few)
{
    unsigned next[UNI_CODE_BITS + 1];
    uint16_t at[UNI_CODE_BITS + 2] = {0};

    memset(c->count, 0, sizeof c->count);
    memset(c->fast, 0, sizeof c->fast);
    for (int i = 0; i < n; i++)
        if (length[i] > 0)
            c->count[length[i]]++;
    if (!code_starts(next, c, few))
        return false;
    for (int k = 1; k <= UNI_CODE_BITS; k++)
        at[k + 1] = (uint16_t)(at[k] + c->count[k]);
    for (int i = 0; i < n; i++) {
        const unsigned k = length[i], step = 1u << k;

        if (k == 0)
            continue;
        c->symbol[at[k]++] = (uint16_t)i;
        if (k <= UNI_CODE_FAST)
            for (unsigned w = code_turned(next[k], k);
                 w < 1u << UNI_CODE_FAST; w += step)
                c->fast[w] = (uint16_t)(16 * (unsigned)i + k);
        next[k]++;
    }
    return true;
}

int uni_code_find(unsigned *length, const uni_code *c, unsigned bits)
{
    unsigned word = 0, first = 0, before = 0;

    for (unsigned k = 1; k <= UNI_CODE_BITS; k++, bits >>= 1) {
        word = word << 1 | (bits & 1);
        first <<= 1;
        if (word - first < c->count[k]) {
            *length = k;
            return c->symbol[before + word - first];
        }
        first += c->count[k];
        before += c->count[k];
    }
    *length = UNI_CODE_BITS;
    return -1;
}
