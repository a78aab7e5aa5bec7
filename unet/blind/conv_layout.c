/* conv_layout.c -- how a convolution's polynomials lie at the server.
 *
 * Products go point by point over all ciphertexts, so their words stand
 * together: shape (limbs, n / 8, tiles, ciphertexts, 2, 8), places of values.h.
 * From one place to the next it is a line of the cache more, since rows at a
 * distance of a power of two share a cache's sets.  By scalars a polynomial is
 * read from one end to the other: (limbs, ciphertexts, tiles, 2, n), again and
 * a bit.
 */
#include <string.h>

#include "conv_server.h"

size_t blind_server_place(const conv_server *h, int cts)
{
    return (size_t)h->k->group * (size_t)cts * 2 * BLIND_WORDS + BLIND_WORDS;
}

/* Of `cts` ciphertexts or results. */
size_t blind_server_words(const conv_server *h, int cts)
{
    const size_t limbs = (size_t)h->r->limbs, n = h->r->n;

    if (h->k->t.scalar)
        return limbs * (size_t)cts * (size_t)h->k->group * 2
               * blind_limb_stride(n);
    return limbs * (n / BLIND_WORDS) * blind_server_place(h, cts);
}

uint64_t *blind_server_row(const conv_server *h, uint64_t *of, int cts, int l,
                           int c, int tile, int part)
{
    const size_t at = (((size_t)l * (size_t)cts + (size_t)c)
                       * (size_t)h->k->group + (size_t)tile) * 2
                      + (size_t)part;

    return of + at * blind_limb_stride(h->r->n);
}

/* Word 0 of the first place. */
static uint64_t *layout_at(const conv_server *h, uint64_t *of, int cts, int l,
                           int c, int tile, int part)
{
    return of + (size_t)l * (h->r->n / BLIND_WORDS) * blind_server_place(h, cts)
           + (((size_t)tile * (size_t)cts + (size_t)c) * 2 + (size_t)part)
             * BLIND_WORDS;
}

void blind_server_put(conv_server *h, const uint64_t *limb, int l, int c,
                      int tile, int part)
{
    const int cts = h->k->t.cts_in;
    const size_t n = h->r->n, step = blind_server_place(h, cts);
    uint64_t *to;

    if (h->k->t.scalar) {
        memcpy(blind_server_row(h, h->x, cts, l, c, tile, part), limb,
               n * sizeof *limb);
        return;
    }
    to = layout_at(h, h->x, cts, l, c, tile, part);
    for (size_t at = 0; at < n; at += BLIND_POINTS)
        for (size_t k = 0; k < BLIND_PLACES; k++, to += step)
            for (size_t j = 0; j < BLIND_WORDS; j++)
                to[j] = limb[at + BLIND_PLACES * j + k];
}

void blind_server_get(uint64_t *limb, const conv_server *h, int l, int o,
                      int tile, int part)
{
    const int cts = h->k->t.cts_out;
    const size_t n = h->r->n, step = blind_server_place(h, cts);
    const uint64_t *from;

    if (h->k->t.scalar) {
        memcpy(limb, blind_server_row(h, h->y, cts, l, o, tile, part),
               n * sizeof *limb);
        return;
    }
    from = layout_at(h, h->y, cts, l, o, tile, part);
    for (size_t at = 0; at < n; at += BLIND_POINTS)
        for (size_t k = 0; k < BLIND_PLACES; k++, from += step)
            for (size_t j = 0; j < BLIND_WORDS; j++)
                limb[at + BLIND_PLACES * j + k] = from[j];
}
