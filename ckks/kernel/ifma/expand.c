/* expand.c -- sixteen output blocks of BLAKE2Xb side by
 * side.
 *
 * The blocks have the same message and differ in their numbers only.  Eight
 * blocks are a vector, a lane each, and the state is two of these: a round is
 * a chain of some 24 operations, and while one half waits the other goes on.
 */
#include "kernel/ifma/ifma.h"

#include "base/blake2.h"
#include "base/blake2_rounds.h"
#include "base/bytes.h"

/* Where a call would pass vectors through memory. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

/* A word of blocks 0..7 and of blocks 8..15. */
typedef struct pair { vec a, b; } pair;

static ALWAYS_INLINE pair pair_add(pair x, pair y)
{
    return (pair){ add(x.a, y.a), add(x.b, y.b) };
}

static ALWAYS_INLINE pair pair_xor(pair x, pair y)
{
    return (pair){ _mm512_xor_si512(x.a, y.a), _mm512_xor_si512(x.b, y.b) };
}

/* A macro, because the instruction wants r as a constant. */
#define PAIR_ROTATE(x, r) \
    (pair){ _mm512_ror_epi64((x).a, r), _mm512_ror_epi64((x).b, r) }

/* Message words from 8 on are zeros. */
static ALWAYS_INLINE pair mix(pair x, pair y, const vec *m, int s)
{
    if (s < 8)
        x = pair_add(x, (pair){ m[s], m[s] });
    return pair_add(x, y);
}

#define BLAKE2B_ADD(a, b) pair_add(a, b)
#define BLAKE2B_XROT(a, b, r) PAIR_ROTATE(pair_xor(a, b), r)
#define BLAKE2B_MIX(a, b, s) mix(a, b, m, s)

/* Word i of the eight blocks in v[i] -> block after block. */
static ALWAYS_INLINE void store_blocks(uint8_t *out, const vec *v)
{
    vec a[8];

    UNROLL
    for (int i = 0; i < 8; i += 2) {        /* pairs of words                */
        a[i] = _mm512_unpacklo_epi64(v[i], v[i + 1]);
        a[i + 1] = _mm512_unpackhi_epi64(v[i], v[i + 1]);
    }
    UNROLL
    for (int i = 0; i < 2; i++) {           /* blocks i, i + 2, ...          */
        vec p = _mm512_shuffle_i64x2(a[i], a[i + 2], 0x88);
        vec q = _mm512_shuffle_i64x2(a[i], a[i + 2], 0xdd);
        vec r = _mm512_shuffle_i64x2(a[i + 4], a[i + 6], 0x88);
        vec s = _mm512_shuffle_i64x2(a[i + 4], a[i + 6], 0xdd);
        uint8_t *to = out + 64 * i;

        _mm512_storeu_si512(to, _mm512_shuffle_i64x2(p, r, 0x88));
        _mm512_storeu_si512(to + 128, _mm512_shuffle_i64x2(q, s, 0x88));
        _mm512_storeu_si512(to + 256, _mm512_shuffle_i64x2(p, r, 0xdd));
        _mm512_storeu_si512(to + 384, _mm512_shuffle_i64x2(q, s, 0xdd));
    }
}

static ALWAYS_INLINE vec numbers(uint32_t node)
{
    return _mm512_cvtepu32_epi64(
        _mm256_add_epi32(_mm256_set1_epi32((int)node),
                         _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)));
}

/* What the root leaves on the stack, which is this array and the state that
 * would not fit into registers: only the array can be wiped. */
void cki_ifma_expand(uint8_t *out, const uint8_t *root, uint32_t node,
                     size_t count)
{
    uint64_t start[16];
    vec m[8];

    cki_blake2xb_state(start);
    for (int i = 0; i < 8; i++)
        m[i] = set1(cki_load64(root + 8 * i));
    for (; count > 0; count -= 16, node += 16, out += 16 * CKI_BLAKE2_OUT) {
        const pair number = { numbers(node), numbers(node + 8) };
        pair v[16];
        vec h[8];

        UNROLL
        for (int i = 0; i < 8; i++) {
            v[i] = (pair){ set1(start[i]), set1(start[i]) };
            v[i + 8] = (pair){ set1(start[i + 8]), set1(start[i + 8]) };
        }
        v[1] = pair_xor(v[1], number);
        BLAKE2B_ROUNDS();
        v[1] = pair_xor(v[1], number);
        UNROLL
        for (int i = 0; i < 8; i++) {
            v[i] = pair_xor(v[i], v[i + 8]);
            h[i] = _mm512_xor_si512(v[i].a, set1(start[i]));
        }
        store_blocks(out, h);
        UNROLL
        for (int i = 0; i < 8; i++)
            h[i] = _mm512_xor_si512(v[i].b, set1(start[i]));
        store_blocks(out + 8 * CKI_BLAKE2_OUT, h);
    }
    cki_wipe(m, sizeof m);
}
