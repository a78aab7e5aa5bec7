/* mux.c -- numbers of the evaluator's chosen by bits that nobody knows. */
#include "blind/mux.h"

#include "blind/number.h"

static void send_lanes(blind_share *out, uint8_t *message,
                       const blind_share *x, const uint8_t *colours,
                       size_t first, const blind_block *q, size_t lanes,
                       blind_gates *g)
{
    blind_block *h = g->work;

    for (size_t i = 0; i < lanes; i++) {
        h[2 * i] = q[i];
        h[2 * i + 1] = blind_xor(q[i], g->delta);
    }
    g->aes->hash(h, h, g->start, g->tweak, lanes, 2);
    for (size_t i = 0; i < lanes; i++) {
        const blind_share m0 = blind_number(h[2 * i]);
        const blind_share m1 = blind_number(h[2 * i + 1]);
        const blind_share cx = blind_chosen(x[i],
                                            blind_bit(colours, first + i));

        blind_put(message + BLIND_MUX_BYTES * i,
                  blind_number_block(m0 + x[i] - 2 * cx - m1));
        out[i] += cx - m0;
    }
}

void blind_mux_send(blind_share *out, uint8_t *message, const blind_share *x,
                    const uint8_t *colours, const blind_block *q, size_t count,
                    blind_gates *g)
{
    for (size_t i = 0; i < count; i += BLIND_LANES) {
        const size_t n = count - i < BLIND_LANES ? count - i : BLIND_LANES;

        send_lanes(out + i, message + BLIND_MUX_BYTES * i, x + i, colours, i,
                   q + i, n, g);
        g->tweak += n;
    }
}

void blind_mux_receive(blind_share *out, const uint8_t *message,
                       const uint8_t *colours, const blind_block *t,
                       size_t count, blind_gates *g)
{
    for (size_t i = 0; i < count; i += BLIND_LANES) {
        const size_t n = count - i < BLIND_LANES ? count - i : BLIND_LANES;

        g->aes->hash(g->work, t + i, g->start, g->tweak, n, 1);
        for (size_t j = 0; j < n; j++) {
            const uint8_t *m = message + BLIND_MUX_BYTES * (i + j);

            out[i + j] += blind_number(g->work[j])
                          + blind_chosen(blind_number(blind_get(m)),
                                         blind_bit(colours, i + j));
        }
        g->tweak += n;
    }
}
