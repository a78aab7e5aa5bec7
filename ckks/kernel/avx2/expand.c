/* expand.c -- eight output blocks of BLAKE2Xb side by side.
 *
 * The blocks have the same message and differ in their numbers only.  Four
 * blocks are a vector, a lane each: one such state fills the 16 registers.  It
 * is two of them nevertheless, because a round is a chain of some 26
 * operations: while one half waits the other goes on, which is worth more than
 * the way of their words to the stack and back costs.
 */
#include "kernel/avx2/avx2.h"

#include "base/blake2.h"
#include "base/blake2_rounds.h"
#include "base/bytes.h"

#define UNROLL _Pragma("GCC unroll 8")

typedef __m256i words;

/* A word of blocks 0..3 and of blocks 4..7. */
typedef struct pair { words a, b; } pair;

/* r is a constant: one branch is left. */
static ALWAYS_INLINE words xor_rotate(words a, words b, int r)
{
    const words by24 = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10));
    const words by16 = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9));
    words x = _mm256_xor_si256(a, b);

    return r == 32 ? _mm256_shuffle_epi32(x, 0xb1)
           : r == 24 ? _mm256_shuffle_epi8(x, by24)
           : r == 16 ? _mm256_shuffle_epi8(x, by16)
           : _mm256_or_si256(_mm256_srli_epi64(x, 63),
                             _mm256_add_epi64(x, x));
}

static ALWAYS_INLINE pair pair_xor_rotate(pair x, pair y, int r)
{
    return (pair){ xor_rotate(x.a, y.a, r), xor_rotate(x.b, y.b, r) };
}

static ALWAYS_INLINE pair pair_xor(pair x, pair y)
{
    return (pair){ _mm256_xor_si256(x.a, y.a), _mm256_xor_si256(x.b, y.b) };
}

static ALWAYS_INLINE pair pair_add(pair x, pair y)
{
    return (pair){ _mm256_add_epi64(x.a, y.a), _mm256_add_epi64(x.b, y.b) };
}

/* Message words from 8 on are zeros. */
static ALWAYS_INLINE pair mix(pair x, pair y, const words *m, int s)
{
    if (s < 8)
        x = pair_add(x, (pair){ m[s], m[s] });
    return pair_add(x, y);
}

#define BLAKE2B_ADD(a, b) pair_add(a, b)
#define BLAKE2B_XROT(a, b, r) pair_xor_rotate(a, b, r)
#define BLAKE2B_MIX(a, b, s) mix(a, b, m, s)

static ALWAYS_INLINE words set1(uint64_t x)
{
    return _mm256_set1_epi64x((long long)x);
}

/* Four words of four blocks, word i in v[i] -> half of each block. */
static ALWAYS_INLINE void store_halves(uint8_t *out, const words *v)
{
    words a = _mm256_unpacklo_epi64(v[0], v[1]);        /* blocks 0, 2       */
    words b = _mm256_unpackhi_epi64(v[0], v[1]);        /* blocks 1, 3       */
    words c = _mm256_unpacklo_epi64(v[2], v[3]);
    words d = _mm256_unpackhi_epi64(v[2], v[3]);
    words half[4] = { _mm256_permute2x128_si256(a, c, 0x20),
                      _mm256_permute2x128_si256(b, d, 0x20),
                      _mm256_permute2x128_si256(a, c, 0x31),
                      _mm256_permute2x128_si256(b, d, 0x31) };

    UNROLL
    for (int i = 0; i < 4; i++)
        _mm256_storeu_si256((words *)(void *)(out + CKI_BLAKE2_OUT * i),
                            half[i]);
}

static ALWAYS_INLINE void store_blocks(uint8_t *out, const words *h)
{
    store_halves(out, h);
    store_halves(out + CKI_BLAKE2_OUT / 2, h + 4);
}

static ALWAYS_INLINE words numbers(uint32_t node)
{
    return _mm256_cvtepu32_epi64(_mm_add_epi32(_mm_set1_epi32((int)node),
                                               _mm_setr_epi32(0, 1, 2, 3)));
}

/* What the root leaves on the stack, which is this array and the state that
 * would not fit into registers: only the array can be wiped. */
void cki_avx2_expand(uint8_t *out, const uint8_t *root, uint32_t node,
                     size_t count)
{
    uint64_t start[16];
    words m[8];

    cki_blake2xb_state(start);
    for (int i = 0; i < 8; i++)
        m[i] = set1(cki_load64(root + 8 * i));
    for (; count > 0; count -= 8, node += 8, out += 8 * CKI_BLAKE2_OUT) {
        const pair number = { numbers(node), numbers(node + 4) };
        pair v[16];
        words h[8];

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
            h[i] = _mm256_xor_si256(v[i].a, set1(start[i]));
        }
        store_blocks(out, h);
        UNROLL
        for (int i = 0; i < 8; i++)
            h[i] = _mm256_xor_si256(v[i].b, set1(start[i]));
        store_blocks(out + 4 * CKI_BLAKE2_OUT, h);
    }
    cki_wipe(m, sizeof m);
}
