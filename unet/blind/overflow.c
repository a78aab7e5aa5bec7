/* overflow.c -- whether a number left its range: one bit at the session's end.
 *
 * A wire that must be 0 has one colour at both sides, so both hash the colours
 * of all such wires, and a garbled circuit compares the two hashes.  A hash
 * goes to nobody; who has the colours alone knows nothing of the bits.
 */
#include "blind/overflow.h"

#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/blake2.h"
#include "blind/activation.h"
#include "blind/circuit.h"
#include "blind/number.h"
#include "nn.h"

enum { BITS = BLIND_HASH_BITS, TABLE = (BITS - 1) * BLIND_AND_BYTES };

struct blind_overflow {
    cki_blake2b hash;
};

static void restart(blind_overflow *o)
{
    const cki_blake2b_param plain = { .out_size = BITS / 8, .fanout = 1,
                                      .depth = 1 };

    cki_blake2b_init(&o->hash, &plain, NULL);
}

ckks_status blind_overflow_open(blind_party *p)
{
    p->overflow = malloc(sizeof *p->overflow);
    if (p->overflow == NULL)
        return nn_fail(CKKS_EMEM, "no memory for a hash");
    restart(p->overflow);
    return CKKS_OK;
}

void blind_overflow_close(blind_party *p)
{
    if (p->overflow != NULL)
        cki_wipe(p->overflow, sizeof *p->overflow);
    free(p->overflow);
    p->overflow = NULL;
}

void blind_overflow_note(blind_overflow *o, const blind_block *wire,
                         int lanes)
{
    uint8_t bytes[2];
    unsigned v = 0;

    for (int i = 0; i < lanes; i++)
        v |= blind_colour(wire[i]) << i;
    bytes[0] = (uint8_t)v;
    bytes[1] = (uint8_t)(v >> 8);
    cki_blake2b_update(&o->hash, bytes, sizeof bytes);
}

/* What both sides hold for the comparison. */
typedef struct comparison {
    uint8_t digest[BITS / 8], table[TABLE];
    blind_block mine[BITS], yours[BITS], equal;
    blind_gates gates;
} comparison;

static void compare_begin(comparison *c, blind_party *p)
{
    cki_blake2b_final(c->digest, sizeof c->digest, &p->overflow->hash);
    restart(p->overflow);
    p->aes->stream(c->mine, p->label_key, p->label, BITS);
    p->label += BITS;
    c->gates = (blind_gates){ .garbles = !p->server, .aes = p->aes,
                              .start = p->start, .tweak = p->tweak,
                              .table = c->table };
    p->tweak += 2 * (BITS - 1);
}

static void compare(comparison *c)
{
    for (int j = 0; j < BITS; j++)
        c->mine[j] = blind_xor(c->mine[j], c->yours[j]);
    blind_all_zero(&c->equal, c->mine, BITS, &c->gates);
}

static ckks_status compare_server(comparison *c, blind_party *p)
{
    ckks_status s = blind_receive(c->yours, c->digest, BITS, p->receiver,
                                  p->wire);
    uint8_t colour;

    if (s == CKKS_OK)
        s = blind_wire_receive(p->wire, BLIND_TABLE, c->table, TABLE);
    if (s != CKKS_OK)
        return s;
    compare(c);
    colour = (uint8_t)blind_colour(c->equal);
    return blind_wire_send(p->wire, BLIND_OUTPUT, &colour, 1);
}

static ckks_status compare_client(bool *over, comparison *c, blind_party *p)
{
    ckks_status s = blind_send(c->yours, BITS, p->sender, p->wire);
    uint8_t colour;

    if (s != CKKS_OK)
        return s;
    c->gates.delta = blind_sender_delta(p->sender);
    for (size_t j = 0; j < BITS; j++)
        c->mine[j] = blind_xor(c->mine[j],
                               blind_masked(c->gates.delta,
                                            blind_bit(c->digest, j)));
    compare(c);
    s = blind_wire_send(p->wire, BLIND_TABLE, c->table, TABLE);
    if (s == CKKS_OK)
        s = blind_wire_receive(p->wire, BLIND_OUTPUT, &colour, 1);
    if (s != CKKS_OK)
        return s;
    if (colour > 1)
        return nn_fail(CKKS_EFORMAT, "the server's answer to \"out of "
                       "range?\" is %d: 0 or 1 can be", colour);
    *over = colour == blind_colour(c->equal);
    return CKKS_OK;
}

ckks_status blind_overflowed(bool *over, blind_party *p)
{
    comparison *c = malloc(sizeof *c);
    ckks_status s;

    if (c == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu bytes of garbling",
                       sizeof *c);
    compare_begin(c, p);
    s = p->server ? compare_server(c, p) : compare_client(over, c, p);
    cki_wipe(c, sizeof *c);
    free(c);
    return s;
}
