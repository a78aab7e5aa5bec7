/* gates.c -- half gates in registers, two copies at a time.
 *
 * As garble.c has them.  sigma is linear, so the sum of the hashes of a and
 * a ^ delta is that of the two ciphers and sigma(delta).
 */
#include "blind/aesni/aesni.h"

#include "blind/garble.h"

enum { PAIR = 2 };

/* All ones where bit 0 is 1. */
static inline __m128i colour_mask(__m128i x)
{
    const __m128i bit = _mm_and_si128(_mm_shuffle_epi32(x, 0),
                                      _mm_set1_epi32(1));

    return _mm_sub_epi32(_mm_setzero_si128(), bit);
}

static inline __m128i sum3(__m128i a, __m128i b, __m128i c)
{
    return _mm_xor_si128(_mm_xor_si128(a, b), c);
}

static inline void put(uint8_t *b, __m128i x)
{
    _mm_storeu_si128((__m128i *)(void *)b, x);
}

static inline __m128i get(const uint8_t *b)
{
    return _mm_loadu_si128((const __m128i *)(const void *)b);
}

/* One copy: e are the ciphers of a, a ^ delta, b, b ^ delta. */
static ALWAYS_INLINE void garble_one(blind_block *out, uint8_t *table,
                                     const __m128i e[4], __m128i a, __m128i b,
                                     __m128i delta)
{
    const __m128i p = colour_mask(a), r = colour_mask(b);
    const __m128i d = blind_sigma(delta);
    const __m128i both = sum3(e[2], e[3], d);
    const __m128i t = _mm_xor_si128(sum3(e[0], e[1], d),
                                    _mm_and_si128(delta, r));
    const __m128i h = sum3(_mm_xor_si128(e[0], blind_sigma(a)),
                           e[2], blind_sigma(b));

    put(table, t);
    put(table + 16 * BLIND_LANES, _mm_xor_si128(both, a));
    blind_store(out, sum3(h, _mm_and_si128(t, p), _mm_and_si128(both, r)));
}

void blind_aesni_garble(blind_block *out, uint8_t *table, const blind_block *a,
                        const blind_block *b, blind_block delta,
                        blind_block start, uint64_t tweak)
{
    const __m128i d = blind_load(&delta), sd = blind_sigma(d);
    const __m128i first = blind_load(&start);

    for (int i = 0; i < BLIND_LANES; i += PAIR) {
        __m128i s[4 * PAIR], key[2 * PAIR];

        UNROLL
        for (int j = 0; j < PAIR; j++) {
            const uint64_t at = tweak + (uint64_t)(i + j);

            key[2 * j] = blind_key(first, at);
            key[2 * j + 1] = blind_key(first, at + BLIND_LANES);
            s[4 * j] = _mm_xor_si128(blind_sigma(blind_load(a + i + j)),
                                     key[2 * j]);
            s[4 * j + 1] = _mm_xor_si128(s[4 * j], sd);
            s[4 * j + 2] = _mm_xor_si128(blind_sigma(blind_load(b + i + j)),
                                         key[2 * j + 1]);
            s[4 * j + 3] = _mm_xor_si128(s[4 * j + 2], sd);
        }
        blind_rounds(s, key, 2 * PAIR, 2);
        UNROLL
        for (int j = 0; j < PAIR; j++)
            garble_one(out + i + j, table + 16 * (i + j), s + 4 * j,
                       blind_load(a + i + j), blind_load(b + i + j), d);
    }
}

/* One copy: e are the ciphers of a and b. */
static ALWAYS_INLINE void evaluate_one(blind_block *out, const uint8_t *table,
                                       const __m128i e[2], __m128i a,
                                       __m128i b)
{
    const __m128i t0 = get(table), t1 = get(table + 16 * BLIND_LANES);
    const __m128i h = sum3(_mm_xor_si128(e[0], blind_sigma(a)), e[1],
                           blind_sigma(b));

    blind_store(out, sum3(h, _mm_and_si128(t0, colour_mask(a)),
                          _mm_and_si128(_mm_xor_si128(t1, a),
                                        colour_mask(b))));
}

void blind_aesni_evaluate(blind_block *out, const uint8_t *table,
                          const blind_block *a, const blind_block *b,
                          blind_block start, uint64_t tweak)
{
    const __m128i first = blind_load(&start);

    for (int i = 0; i < BLIND_LANES; i += PAIR) {
        __m128i s[2 * PAIR], key[2 * PAIR];

        UNROLL
        for (int j = 0; j < PAIR; j++) {
            const uint64_t at = tweak + (uint64_t)(i + j);

            key[2 * j] = blind_key(first, at);
            key[2 * j + 1] = blind_key(first, at + BLIND_LANES);
            s[2 * j] = _mm_xor_si128(blind_sigma(blind_load(a + i + j)),
                                     key[2 * j]);
            s[2 * j + 1] = _mm_xor_si128(blind_sigma(blind_load(b + i + j)),
                                         key[2 * j + 1]);
        }
        blind_rounds(s, key, 2 * PAIR, 1);
        UNROLL
        for (int j = 0; j < PAIR; j++)
            evaluate_one(out + i + j, table + 16 * (i + j), s + 2 * j,
                         blind_load(a + i + j), blind_load(b + i + j));
    }
}
