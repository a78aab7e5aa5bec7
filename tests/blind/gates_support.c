/* gates_support.c -- both parties of a garbled circuit in one process. */
#include "gates_support.h"

#include <stdlib.h>

#include "test.h"

void gates_open(gates_table *t, const blind_aes *aes, size_t size,
                uint64_t *seed)
{
    blind_gates g = { .garbles = true, .aes = aes,
                      .start = gates_label(seed), .delta = gates_label(seed),
                      .tweak = test_word(seed) };

    t->bytes = calloc(size, 1);
    if (t->bytes == NULL)
        abort();
    g.table = t->bytes;
    g.delta.w[0] |= 1;
    t->garbler = g;
    g.garbles = false;
    g.delta = (blind_block){ { 0, 0 } };
    t->evaluator = g;
}

void gates_close(gates_table *t)
{
    free(t->bytes);
    t->bytes = NULL;
}

blind_block gates_label(uint64_t *seed)
{
    const uint64_t low = test_word(seed);

    return (blind_block){ { low, test_word(seed) } };
}

blind_share gates_number(uint64_t *seed)
{
    return blind_number(gates_label(seed));
}

bool gates_equal(blind_block a, blind_block b)
{
    return a.w[0] == b.w[0] && a.w[1] == b.w[1];
}

void gates_input(blind_block *zero, blind_block *active, uint64_t value,
                 int width, int lanes, int lane, const gates_table *t,
                 uint64_t *seed)
{
    for (int j = 0; j < width; j++) {
        const blind_block l = gates_label(seed);

        zero[j * lanes + lane] = l;
        active[j * lanes + lane] = (value >> j & 1) == 0
            ? l : blind_xor(l, t->garbler.delta);
    }
}

int gates_value(blind_block zero, blind_block active, const gates_table *t)
{
    if (gates_equal(zero, active))
        return 0;
    return gates_equal(zero, blind_xor(active, t->garbler.delta)) ? 1 : 2;
}

bool gates_spent(const gates_table *t, const gates_table *before, int ands)
{
    return t->garbler.tweak - before->garbler.tweak == 2 * (uint64_t)ands
           && t->evaluator.tweak == t->garbler.tweak
           && t->garbler.table - before->garbler.table
                  == ands * BLIND_AND_BYTES
           && t->evaluator.table == t->garbler.table;
}
