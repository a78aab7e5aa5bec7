/* relu.c -- ReLU by the sign: bit * client's share is a projection, bit *
 * server's share a choice by a transfer the other way, bit = NOT sign. */
#include "blind/relu.h"

#include <string.h>

#include "blind/chunk.h"
#include "blind/mux.h"

/* Signs and projections of chunk c: pass->sum and colours of "not negative". */
static void relu_circuits(blind_pass *pass, blind_chunk *c,
                          blind_block *negative)
{
    blind_gates g = blind_chunk_gates(pass, c);
    blind_block wire[BLIND_LANES];

    for (size_t i = 0; i < c->count; i += BLIND_LANES) {
        const int lanes = c->count - i < BLIND_LANES ? (int)(c->count - i)
                                                     : BLIND_LANES;

        blind_chunk_sign(wire, pass, c, i, lanes, &g);
        if (negative != NULL)
            memcpy(negative + c->first + i, wire,
                   (size_t)lanes * sizeof *wire);
        blind_not(wire, lanes, &g);
        blind_project(pass->sum + i, wire, pass->x + c->first + i, lanes, &g);
        blind_colours(c->colours, i, wire, lanes);
    }
}

/* Gates for the choices alone, whose tweaks are the chunk's last. */
static blind_gates mux_gates(blind_pass *pass, const blind_chunk *c)
{
    blind_gates g = blind_chunk_gates(pass, c);

    g.tweak += c->count * (uint64_t)(2 * pass->ands + pass->projections);
    g.delta = pass->p->server ? blind_sender_delta(pass->p->sender)
                              : (blind_block){ { 0, 0 } };
    return g;
}

static ckks_status serve_chunk(blind_pass *pass, size_t k,
                               blind_block *negative)
{
    blind_chunk *c = blind_slot(pass, k);
    blind_party *p = pass->p;
    blind_share *x = pass->x + c->first;
    blind_gates g = mux_gates(pass, c);
    ckks_status s = blind_wire_receive(p->wire, BLIND_TABLE, pass->table,
                                       blind_table_bytes(pass, c->count));

    if (s != CKKS_OK)
        return s;
    relu_circuits(pass, c, negative);
    s = blind_send(c->mux, blind_padded(c->count), p->sender, p->wire);
    if (s != CKKS_OK)
        return s;
    blind_mux_send(pass->sum, pass->message, x, c->colours, c->mux, c->count,
                   &g);
    memcpy(x, pass->sum, c->count * sizeof *x);
    return blind_wire_send(p->wire, BLIND_MUX, pass->message,
                           c->count * BLIND_MUX_BYTES);
}

static ckks_status relu_server(blind_pass *pass, blind_block *negative)
{
    ckks_status s = CKKS_OK;

    if (blind_chunk_begin(pass, 0))
        s = blind_chunk_ask(pass, 0);
    for (size_t k = 0; s == CKKS_OK && k * BLIND_CHUNK < pass->count; k++) {
        if (blind_chunk_begin(pass, k + 1))
            s = blind_chunk_ask(pass, k + 1);
        if (s == CKKS_OK)
            s = serve_chunk(pass, k, negative);
    }
    return s;
}

static ckks_status send_chunk(blind_pass *pass, size_t k,
                              blind_block *negative)
{
    blind_chunk *c = blind_slot(pass, k);
    blind_party *p = pass->p;
    ckks_status s;

    relu_circuits(pass, c, negative);
    memcpy(pass->x + c->first, pass->sum, c->count * sizeof *pass->sum);
    s = blind_wire_send(p->wire, BLIND_TABLE, pass->table,
                        blind_table_bytes(pass, c->count));
    if (s != CKKS_OK)
        return s;
    return blind_receive(c->mux, c->colours, blind_padded(c->count),
                         p->receiver, p->wire);
}

static ckks_status finish_chunk(blind_pass *pass, size_t k)
{
    const blind_chunk *c = blind_slot(pass, k);
    blind_gates g = mux_gates(pass, c);
    ckks_status s = blind_wire_receive(pass->p->wire, BLIND_MUX,
                                       pass->message,
                                       c->count * BLIND_MUX_BYTES);

    if (s == CKKS_OK)
        blind_mux_receive(pass->x + c->first, pass->message, c->colours,
                          c->mux, c->count, &g);
    return s;
}

/* A chunk is finished when the next is under way. */
static ckks_status relu_client(blind_pass *pass, blind_block *negative)
{
    ckks_status s = CKKS_OK;
    size_t k = 0;

    for (; s == CKKS_OK && blind_chunk_begin(pass, k); k++) {
        s = blind_chunk_hear(pass, k);
        if (s == CKKS_OK)
            s = send_chunk(pass, k, negative);
        if (s == CKKS_OK && k > 0)
            s = finish_chunk(pass, k - 1);
    }
    return s == CKKS_OK && k > 0 ? finish_chunk(pass, k - 1) : s;
}

ckks_status blind_relu_signs(blind_share *x, blind_block *negative,
                             size_t count, int bits, blind_party *p)
{
    blind_pass *pass = NULL;
    ckks_status s;

    if (count == 0)
        return CKKS_OK;
    s = blind_pass_open(&pass, x, count, bits + 1, bits, 1, 1, p);
    if (s == CKKS_OK)
        s = p->server ? relu_server(pass, negative)
                      : relu_client(pass, negative);
    blind_pass_close(&pass);
    return s;
}

ckks_status blind_relu(blind_share *x, size_t count, int bits, blind_party *p)
{
    return blind_relu_signs(x, NULL, count, bits, p);
}
