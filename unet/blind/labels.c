/* labels.c -- the class with the largest score, to the client alone.
 *
 * best = x_0; for each class k, best - x_k is negative where k is greater, and
 * best becomes x_k + max(best - x_k, 0).  The label is the last k that was
 * greater: a circuit over these signs, whose wires are kept, and the colours of
 * its outputs go to the client.  The last class needs the sign alone.
 */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/word.h"
#include "blind/chunk.h"
#include "blind/circuit.h"
#include "blind/relu.h"
#include "nn.h"

/* What one call has for some of its numbers. */
typedef struct scores {
    int classes;
    size_t n;                   /* of this round                             */
    blind_share *best;          /* then best - the last score                */
    blind_block *greater;       /* wire k - 1 of number i: (k - 1) n + i     */
    uint8_t *label;             /* NULL at the server                        */
} scores;

/* Signs and labels of chunk c: c->labels holds colours. */
static void label_circuits(blind_pass *pass, const blind_chunk *c,
                           const scores *r)
{
    const int bits = blind_label_bits(r->classes);
    const int earlier = r->classes > 2 ? r->classes - 2 : 0;
    blind_block wire[15 * BLIND_LANES], label[4 * BLIND_LANES];
    blind_gates g = blind_chunk_gates(pass, c);

    for (size_t i = 0; i < c->count; i += BLIND_LANES) {
        const int lanes = c->count - i < BLIND_LANES ? (int)(c->count - i)
                                                     : BLIND_LANES;

        for (int k = 0; k < earlier; k++)
            memcpy(wire + k * lanes,
                   r->greater + (size_t)k * r->n + c->first + i,
                   (size_t)lanes * sizeof *wire);
        blind_chunk_sign(wire + earlier * lanes, pass, c, i, lanes, &g);
        blind_last(label, wire, r->classes, lanes, &g);
        for (int l = 0; l < lanes; l++) {
            unsigned v = 0;

            for (int j = 0; j < bits; j++)
                v |= blind_colour(label[j * lanes + l]) << j;
            c->labels[i + (size_t)l] = (uint8_t)v;
        }
    }
}

static ckks_status labels_server(blind_pass *pass, const scores *r)
{
    blind_wire *w = pass->p->wire;
    ckks_status s = CKKS_OK;

    if (blind_chunk_begin(pass, 0))
        s = blind_chunk_ask(pass, 0);
    for (size_t k = 0; s == CKKS_OK && k * BLIND_CHUNK < pass->count; k++) {
        const blind_chunk *c = blind_slot(pass, k);

        if (blind_chunk_begin(pass, k + 1))
            s = blind_chunk_ask(pass, k + 1);
        if (s == CKKS_OK)
            s = blind_wire_receive(w, BLIND_TABLE, pass->table,
                                   blind_table_bytes(pass, c->count));
        if (s != CKKS_OK)
            break;
        label_circuits(pass, c, r);
        s = blind_wire_send(w, BLIND_OUTPUT, c->labels, c->count);
    }
    return s;
}

/* Whether what came could be colours is public.  A label that no class has, of
 * a server that does not follow the protocol, becomes 0 in silence: it is the
 * client's secret. */
static ckks_status finish_labels(blind_pass *pass, size_t k, const scores *r)
{
    const blind_chunk *c = blind_slot(pass, k);
    const unsigned most = r->classes > 1 ? (unsigned)r->classes - 1 : 1;
    uint8_t *label = r->label + c->first;
    ckks_status s = blind_wire_receive(pass->p->wire, BLIND_OUTPUT, label,
                                       c->count);
    unsigned beyond = 0;

    if (s != CKKS_OK)
        return s;
    for (size_t i = 0; i < c->count; i++)
        beyond |= (unsigned)label[i] >> blind_label_bits(r->classes);
    if (beyond != 0)
        return nn_fail(CKKS_EFORMAT, "the server's labels have more than %d "
                       "bits", blind_label_bits(r->classes));
    for (size_t i = 0; i < c->count; i++) {
        const unsigned l = label[i] ^ c->labels[i];

        label[i] = (uint8_t)(l & cki_mask(1 ^ (most - l) >> 31));
    }
    return CKKS_OK;
}

static ckks_status labels_client(blind_pass *pass, const scores *r)
{
    ckks_status s = CKKS_OK;
    size_t k = 0;

    for (; s == CKKS_OK && blind_chunk_begin(pass, k); k++) {
        const blind_chunk *c = blind_slot(pass, k);

        s = blind_chunk_hear(pass, k);
        if (s != CKKS_OK)
            return s;
        label_circuits(pass, c, r);
        s = blind_wire_send(pass->p->wire, BLIND_TABLE, pass->table,
                            blind_table_bytes(pass, c->count));
        if (s == CKKS_OK && k > 0)
            s = finish_labels(pass, k - 1, r);
    }
    return s == CKKS_OK && k > 0 ? finish_labels(pass, k - 1, r) : s;
}

/* The last class. */
static ckks_status last_class(const scores *r, int bits, blind_party *p)
{
    blind_pass *pass = NULL;
    ckks_status s = blind_pass_open(&pass, r->best, r->n, bits + 1,
                                    bits + blind_label_ands(r->classes), 0, 0,
                                    p);

    if (s == CKKS_OK)
        s = p->server ? labels_server(pass, r) : labels_client(pass, r);
    blind_pass_close(&pass);
    return s;
}

/* Differences of two numbers have a bit more; with one class the number is
 * compared with 0. */
static ckks_status label_round(scores *r, const blind_share *x, int bits,
                               blind_party *p)
{
    const size_t classes = (size_t)r->classes;
    ckks_status s = CKKS_OK;

    for (size_t i = 0; i < r->n; i++)
        r->best[i] = classes == 1 ? 0 : x[i * classes];
    for (size_t k = classes == 1 ? 0 : 1; s == CKKS_OK && k < classes; k++) {
        for (size_t i = 0; i < r->n; i++)
            r->best[i] -= x[i * classes + k];
        if (k == classes - 1)
            return last_class(r, bits + (classes > 1), p);
        s = blind_relu_signs(r->best, r->greater + (k - 1) * r->n, r->n,
                             bits + 1, p);
        for (size_t i = 0; i < r->n; i++)
            r->best[i] += x[i * classes + k];
    }
    return s;
}

ckks_status blind_labels(uint8_t *label, const blind_share *x, size_t count,
                         int classes, int bits, blind_party *p)
{
    const size_t most = BLIND_LABELS_AT_ONCE;
    const size_t n = count < most ? count : most;
    const size_t kept = classes > 2 ? (size_t)classes - 2 : 0;
    const size_t size = (1 + kept) * n * sizeof *x;
    scores r = { .classes = classes, .label = label };
    ckks_status s = CKKS_OK;

    if (count == 0)
        return CKKS_OK;
    if (classes < 1 || classes > 16)
        return nn_fail(CKKS_EARG, "labels of %d classes: 1 to 16 can be had",
                       classes);
    r.best = malloc(size);
    if (r.best == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu bytes of scores", size);
    r.greater = (blind_block *)(void *)(r.best + n);
    for (size_t first = 0; s == CKKS_OK && first < count; first += n) {
        r.n = count - first < n ? count - first : n;
        r.label = label == NULL ? NULL : label + first;
        s = label_round(&r, x + first * (size_t)classes, bits, p);
    }
    cki_wipe(r.best, size);
    free(r.best);
    return s;
}
