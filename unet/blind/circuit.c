/* circuit.c -- sign of a sum, comparison with zero, number of the last one. */
#include "blind/circuit.h"

#include <string.h>

/* The carry into bit j + 1 is the majority of a_j, b_j and the carry c into
 * bit j: c ^ ((a_j ^ c) & (b_j ^ c)); the bit of the sum is a_j ^ b_j ^ c. */
void blind_sign(blind_block *sign, blind_block *range, const blind_block *a,
                const blind_block *b, int width, int lanes, blind_gates *g)
{
    const size_t top = (size_t)lanes * (size_t)(width - 1);
    blind_block c[BLIND_LANES], ac[BLIND_LANES], bc[BLIND_LANES];

    blind_and(c, a, b, lanes, g);
    for (int j = 1; j < width - 1; j++) {
        blind_add(ac, a + j * lanes, c, lanes);
        blind_add(bc, b + j * lanes, c, lanes);
        if (j == width - 2)
            blind_add(range, ac, b + j * lanes, lanes);
        blind_and(ac, ac, bc, lanes, g);
        blind_add(c, c, ac, lanes);
    }
    if (width == 2)
        blind_add(range, a, b, lanes);
    blind_add(sign, a + top, b + top, lanes);
    blind_add(sign, sign, c, lanes);
    blind_add(range, range, sign, lanes);
}

/* NOT x is all one: halves of what is left, against each other. */
void blind_all_zero(blind_block *zero, blind_block *x, int width,
                    blind_gates *g)
{
    blind_not(x, width, g);
    while (width > 1) {
        const int pairs = width / 2, rest = width - pairs;

        for (int i = 0; i < pairs; i += BLIND_LANES)
            blind_and(x + i, x + i, x + rest + i,
                      pairs - i < BLIND_LANES ? pairs - i : BLIND_LANES, g);
        width = rest;
    }
    *zero = x[0];
}

int blind_label_bits(int classes)
{
    int bits = 1;

    while (classes > 1 << bits)
        bits++;
    return bits;
}

/* Bits that k and all before it have set: a label's bit that none has is 0
 * without a gate. */
static int bits_up_to(int k)
{
    return k == 0 ? 0 : (1 << blind_label_bits(k + 1)) - 1;
}

int blind_label_ands(int classes)
{
    int n = 0;

    for (int k = 2; k < classes; k++)
        n += blind_label_bits(k);
    return n;
}

/* Bit j of the label, where wire k is greater: k's bit; else as it was. */
static void last_bit(blind_block *bit, const blind_block *greater, bool set,
                     int lanes, blind_gates *g)
{
    blind_block t[BLIND_LANES];

    memcpy(t, greater, (size_t)lanes * sizeof *t);
    if (set) {                          /* x | y = x ^ (y & NOT x)           */
        blind_not(bit, lanes, g);
        blind_and(t, t, bit, lanes, g);
        blind_not(bit, lanes, g);
        blind_add(bit, bit, t, lanes);
    } else {
        blind_not(t, lanes, g);
        blind_and(bit, bit, t, lanes, g);
    }
}

void blind_last(blind_block *label, const blind_block *greater, int classes,
                int lanes, blind_gates *g)
{
    const int bits = blind_label_bits(classes);
    const size_t size = (size_t)lanes * sizeof *label;

    memcpy(label, greater, size);       /* label 1 or 0                      */
    for (int k = 2; k < classes; k++) {
        const blind_block *wire = greater + (k - 1) * lanes;
        const int known = bits_up_to(k - 1);

        for (int j = 0; j < bits && 1 << j <= k; j++)
            if ((known >> j & 1) != 0)
                last_bit(label + j * lanes, wire, (k >> j & 1) != 0, lanes, g);
            else
                memcpy(label + j * lanes, wire, size);
    }
}
