/* gates.c -- half gates in registers, eight copies at a time.
 *
 * As garble.c has them, and aesni/gates.c: vectors of four copies.
 */
#include "blind/vaes/vaes.h"

#include "blind/garble.h"

enum { PAIR = 2, STEP = 4 * PAIR };

static inline __m512i load(const void *x)
{
    return _mm512_loadu_si512(x);
}

/* All ones in blocks whose bit 0 is 1. */
static inline __m512i colour_mask(__m512i x)
{
    const __m512i bit = _mm512_and_si512(_mm512_shuffle_epi32(x, 0),
                                         _mm512_set1_epi32(1));

    return _mm512_sub_epi32(_mm512_setzero_si512(), bit);
}

static inline __m512i everywhere(blind_block x)
{
    return _mm512_broadcast_i32x4(_mm_set_epi64x((long long)x.w[1],
                                                 (long long)x.w[0]));
}

/* Four copies: e are the ciphers of a, a ^ delta, b, b ^ delta. */
static ALWAYS_INLINE void garble_four(blind_block *out, uint8_t *table,
                                      const __m512i e[4], __m512i a,
                                      __m512i b, __m512i delta)
{
    const __m512i p = colour_mask(a), r = colour_mask(b);
    const __m512i d = blind_sigma(delta);
    const __m512i both = blind_sum3(e[2], e[3], d);
    const __m512i t = _mm512_xor_si512(blind_sum3(e[0], e[1], d),
                                       _mm512_and_si512(delta, r));
    const __m512i h = blind_sum3(_mm512_xor_si512(e[0], blind_sigma(a)), e[2],
                                 blind_sigma(b));

    _mm512_storeu_si512(table, t);
    _mm512_storeu_si512(table + 16 * BLIND_LANES, _mm512_xor_si512(both, a));
    _mm512_storeu_si512(out, blind_sum3(h, _mm512_and_si512(t, p),
                                        _mm512_and_si512(both, r)));
}

void blind_vaes_garble(blind_block *out, uint8_t *table, const blind_block *a,
                       const blind_block *b, blind_block delta,
                       blind_block start, uint64_t tweak)
{
    const __m512i d = everywhere(delta), sd = blind_sigma(d);

    for (int i = 0; i < BLIND_LANES; i += STEP) {
        __m512i s[4 * PAIR], key[2 * PAIR];

        UNROLL
        for (int j = 0; j < PAIR; j++) {
            const uint64_t at = tweak + (uint64_t)(i + 4 * j);

            key[2 * j] = blind_four_keys(start, at);
            key[2 * j + 1] = blind_four_keys(start, at + BLIND_LANES);
            s[4 * j] = _mm512_xor_si512(blind_sigma(load(a + i + 4 * j)),
                                        key[2 * j]);
            s[4 * j + 1] = _mm512_xor_si512(s[4 * j], sd);
            s[4 * j + 2] = _mm512_xor_si512(blind_sigma(load(b + i + 4 * j)),
                                            key[2 * j + 1]);
            s[4 * j + 3] = _mm512_xor_si512(s[4 * j + 2], sd);
        }
        blind_rounds(s, key, 2 * PAIR, 2);
        UNROLL
        for (int j = 0; j < PAIR; j++)
            garble_four(out + i + 4 * j, table + 16 * (i + 4 * j), s + 4 * j,
                        load(a + i + 4 * j), load(b + i + 4 * j), d);
    }
}

/* Four copies: e are the ciphers of a and b. */
static ALWAYS_INLINE void evaluate_four(blind_block *out,
                                        const uint8_t *table,
                                        const __m512i e[2], __m512i a,
                                        __m512i b)
{
    const __m512i t0 = load(table);
    const __m512i t1 = _mm512_xor_si512(load(table + 16 * BLIND_LANES), a);
    const __m512i h = blind_sum3(_mm512_xor_si512(e[0], blind_sigma(a)), e[1],
                                 blind_sigma(b));

    _mm512_storeu_si512(out,
                        blind_sum3(h, _mm512_and_si512(t0, colour_mask(a)),
                                   _mm512_and_si512(t1, colour_mask(b))));
}

void blind_vaes_evaluate(blind_block *out, const uint8_t *table,
                         const blind_block *a, const blind_block *b,
                         blind_block start, uint64_t tweak)
{
    for (int i = 0; i < BLIND_LANES; i += STEP) {
        __m512i s[2 * PAIR], key[2 * PAIR];

        UNROLL
        for (int j = 0; j < PAIR; j++) {
            const uint64_t at = tweak + (uint64_t)(i + 4 * j);

            key[2 * j] = blind_four_keys(start, at);
            key[2 * j + 1] = blind_four_keys(start, at + BLIND_LANES);
            s[2 * j] = _mm512_xor_si512(blind_sigma(load(a + i + 4 * j)),
                                        key[2 * j]);
            s[2 * j + 1] = _mm512_xor_si512(blind_sigma(load(b + i + 4 * j)),
                                            key[2 * j + 1]);
        }
        blind_rounds(s, key, 2 * PAIR, 1);
        UNROLL
        for (int j = 0; j < PAIR; j++)
            evaluate_four(out + i + 4 * j, table + 16 * (i + 4 * j), s + 2 * j,
                          load(a + i + 4 * j), load(b + i + 4 * j));
    }
}
