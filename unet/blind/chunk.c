/* chunk.c -- choices, labels and signs of a chunk. */
#include "blind/chunk.h"

#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "blind/circuit.h"
#include "blind/mux.h"
#include "blind/number.h"
#include "blind/overflow.h"
#include "nn.h"

/* ---- memory ------------------------------------------------------------- */

/* The next size bytes of one allocation, 64 to a line; only counts while base
 * is NULL. */
static void *take(uint8_t *base, size_t *used, size_t size)
{
    void *at = base == NULL ? NULL : base + *used;

    *used += (size + 63) / 64 * 64;
    return at;
}

/* Colours and choices are written 16 at a place that need not be a byte's
 * first: three bytes. */
enum { SLACK = 4 };

static size_t lay_out(blind_pass *pass, uint8_t *base, size_t n)
{
    const size_t bits = blind_padded(n * (size_t)pass->width);
    const size_t one = blind_padded(n);
    size_t used = 0;

    take(base, &used, sizeof *pass);
    for (int i = 0; i < 2; i++) {
        blind_chunk *c = &pass->slot[i];

        c->bits = take(base, &used, bits * sizeof *c->bits);
        c->colours = take(base, &used, one / 8 + SLACK);
        c->labels = take(base, &used, n);
        c->mux = take(base, &used, one * sizeof *c->mux);
    }
    pass->choice = take(base, &used, bits / 8 + SLACK);
    pass->table = take(base, &used, blind_table_bytes(pass, n));
    pass->message = take(base, &used, n * BLIND_MUX_BYTES);
    pass->sum = take(base, &used, n * sizeof *pass->sum);
    return used;
}

ckks_status blind_pass_open(blind_pass **out, blind_share *x, size_t count,
                            int width, int ands, int projections, int muxes,
                            blind_party *p)
{
    const size_t n = count < BLIND_CHUNK ? count : BLIND_CHUNK;
    blind_pass sizes, *pass;

    if (width < 2 || width > BLIND_MOST_WIDTH)
        return nn_fail(CKKS_EARG, "signs of %d bits: 2 to %d can be had",
                       width, BLIND_MOST_WIDTH);
    memset(&sizes, 0, sizeof sizes);
    sizes.p = p;
    sizes.x = x;
    sizes.count = count;
    sizes.width = width;
    sizes.ands = ands;
    sizes.projections = projections;
    sizes.muxes = muxes;
    sizes.size = lay_out(&sizes, NULL, n);
    pass = aligned_alloc(64, sizes.size);
    if (pass == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu bytes of garbling",
                       sizes.size);
    *pass = sizes;
    lay_out(pass, (uint8_t *)pass, n);
    *out = pass;
    return CKKS_OK;
}

void blind_pass_close(blind_pass **pass)
{
    if (*pass != NULL)
        cki_wipe(*pass, (*pass)->size);
    free(*pass);
    *pass = NULL;
}

/* ---- a chunk's beginning ------------------------------------------------ */

bool blind_chunk_begin(blind_pass *pass, size_t k)
{
    blind_chunk *c = blind_slot(pass, k);
    blind_party *p = pass->p;

    if (k * BLIND_CHUNK >= pass->count)
        return false;
    c->first = k * BLIND_CHUNK;
    c->count = pass->count - c->first;
    if (c->count > BLIND_CHUNK)
        c->count = BLIND_CHUNK;
    c->tweak = p->tweak;
    c->label = p->label;
    p->tweak += c->count * (uint64_t)(2 * pass->ands + pass->projections
                                      + pass->muxes);
    p->label += c->count * (uint64_t)pass->width;
    memset(c->colours, 0, blind_padded(c->count) / 8 + SLACK);
    return true;
}

static void add_bits(uint8_t *bits, size_t at, unsigned v)
{
    v <<= at % 8;
    bits += at / 8;
    bits[0] |= (uint8_t)v;
    bits[1] |= (uint8_t)(v >> 8);
    bits[2] |= (uint8_t)(v >> 16);
}

void blind_colours(uint8_t *bits, size_t at, const blind_block *wire,
                   int lanes)
{
    unsigned v = 0;

    for (int i = 0; i < lanes; i++)
        v |= blind_colour(wire[i]) << i;
    add_bits(bits, at, v);
}

/* The bits of a batch of shares. */
static void add_choices(uint8_t *choice, size_t at, const blind_share *x,
                        int width, int lanes)
{
    uint64_t low[BLIND_LANES];

    for (int i = 0; i < lanes; i++)
        low[i] = (uint64_t)x[i];
    for (int j = 0; j < width; j++, at += (size_t)lanes) {
        unsigned v = 0;

        for (int i = 0; i < lanes; i++)
            v |= (unsigned)(low[i] >> j & 1) << i;
        add_bits(choice, at, v);
    }
    cki_wipe(low, sizeof low);
}

static int lanes_from(const blind_chunk *c, size_t first)
{
    return c->count - first < BLIND_LANES ? (int)(c->count - first)
                                          : BLIND_LANES;
}

ckks_status blind_chunk_ask(blind_pass *pass, size_t k)
{
    blind_chunk *c = blind_slot(pass, k);
    const size_t bits = blind_padded(c->count * (size_t)pass->width);

    memset(pass->choice, 0, bits / 8 + SLACK);
    for (size_t i = 0; i < c->count; i += BLIND_LANES)
        add_choices(pass->choice, i * (size_t)pass->width,
                    pass->x + c->first + i, pass->width, lanes_from(c, i));
    return blind_receive(c->bits, pass->choice, bits, pass->p->receiver,
                         pass->p->wire);
}

ckks_status blind_chunk_hear(blind_pass *pass, size_t k)
{
    blind_chunk *c = blind_slot(pass, k);

    return blind_send(c->bits, blind_padded(c->count * (size_t)pass->width),
                      pass->p->sender, pass->p->wire);
}

/* ---- circuits ----------------------------------------------------------- */

blind_gates blind_chunk_gates(blind_pass *pass, const blind_chunk *c)
{
    const blind_party *p = pass->p;
    blind_gates g = { .garbles = !p->server, .aes = p->aes, .start = p->start,
                      .tweak = c->tweak, .table = pass->table };

    if (g.garbles)
        g.delta = blind_sender_delta(p->sender);
    return g;
}

/* Labels of the client's bits. */
static void own_labels(blind_pass *pass, const blind_chunk *c, size_t first,
                       int lanes, const blind_gates *g)
{
    const int width = pass->width;

    g->aes->stream(pass->mine, pass->p->label_key,
                   c->label + first * (size_t)width,
                   (size_t)(width * lanes));
    if (!g->garbles)
        return;
    for (int i = 0; i < lanes; i++) {
        const uint64_t x = (uint64_t)pass->x[c->first + first + (size_t)i];

        for (int j = 0; j < width; j++) {
            blind_block *label = pass->mine + j * lanes + i;

            *label = blind_xor(*label, blind_masked(g->delta,
                                                    (unsigned)(x >> j) & 1));
        }
    }
}

void blind_chunk_sign(blind_block *sign, blind_pass *pass,
                      const blind_chunk *c, size_t first, int lanes,
                      blind_gates *g)
{
    blind_block range[BLIND_LANES];

    own_labels(pass, c, first, lanes, g);
    blind_sign(sign, range, pass->mine, c->bits + first * (size_t)pass->width,
               pass->width, lanes, g);
    blind_overflow_note(pass->p->overflow, range, lanes);
}
