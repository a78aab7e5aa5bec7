/* gates_support.h -- circuits without a connection: one process is both
 * parties, the table lies between them. */
#ifndef GATES_SUPPORT_H
#define GATES_SUPPORT_H

#include "blind/garble.h"
#include "blind/number.h"

typedef struct gates_table {
    blind_gates garbler, evaluator;
    uint8_t *bytes;                     /* zeros to begin with               */
} gates_table;

void gates_open(gates_table *t, const blind_aes *aes, size_t size,
                uint64_t *seed);
void gates_close(gates_table *t);

blind_block gates_label(uint64_t *seed);
blind_share gates_number(uint64_t *seed);
bool gates_equal(blind_block a, blind_block b);

/* Copy `lane` of wires for a number of `width` bits, the lowest first, `lanes`
 * blocks apart: random labels of 0, and those of the number's bits. */
void gates_input(blind_block *zero, blind_block *active, uint64_t value,
                 int width, int lanes, int lane, const gates_table *t,
                 uint64_t *seed);
/* 0 or 1; 2 for a label that is neither's. */
int gates_value(blind_block zero, blind_block active, const gates_table *t);
/* The bytes of table and the tweaks taken so far say `ands` gates. */
bool gates_spent(const gates_table *t, const gates_table *before, int ands);

#endif
