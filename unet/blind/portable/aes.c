/* aes.c -- AES-128 in C: 64 blocks at a time, each under its own key.
 *
 * Sliced: word 8 p + b of a state holds bit b of byte p of every block, bit i
 * that of block i.  So the S-box is a circuit (sbox.h), rows are shifted by
 * renaming, and no address depends on data.  A call for one block costs as
 * much as one for 64.
 */
#include "blind/aes.h"

#include <string.h>

#include "base/base.h"
#include "blind/portable/sbox.h"
#include "blind/transpose.h"

enum { LANES = 64, BITS = 128 };

typedef struct sliced {
    uint64_t state[BITS], key[BITS];
    uint64_t words[2 * LANES];          /* blocks before and after slicing   */
} sliced;

/* Bit j of a[i] becomes bit i of a[j]: blocks of j by j bits change places,
 * from halves down to bits.  m: the columns whose number lacks the bit j. */
static void transpose64(uint64_t a[64])
{
    uint64_t m = UINT32_MAX;

    for (unsigned j = 32; j != 0; j >>= 1, m ^= m << j)
        for (unsigned k = 0; k < 64; k = ((k | j) + 1) & ~j) {
            const uint64_t t = (a[k] >> j ^ a[k | j]) & m;

            a[k] ^= t << j;
            a[k | j] ^= t;
        }
}

static void sub_shift(uint64_t s[BITS])
{
    uint64_t t[BITS];

    memcpy(t, s, sizeof t);
    for (int p = 0; p < 16; p++) {
        uint64_t *from = t + 8 * ((5 * p) % 16);    /* row p mod 4, to the
                                                       left by as many       */
        sbox(from);
        memcpy(s + 8 * p, from, 8 * sizeof *s);
    }
}

/* Column (a_0, a_1, a_2, a_3): the new a_r is 2 (a_r + a_r+1) + a_r + the sum
 * of all; 2 x shifts x's bits up, bit 7 going to bits 0, 1, 3, 4. */
static void mix_column(uint64_t a[32])
{
    uint64_t sum[8], first[8];

    for (int b = 0; b < 8; b++) {
        sum[b] = a[b] ^ a[8 + b] ^ a[16 + b] ^ a[24 + b];
        first[b] = a[b];
    }
    for (int r = 0; r < 4; r++) {
        const uint64_t *next = r < 3 ? a + 8 * (r + 1) : first;
        uint64_t d[8];

        for (int b = 0; b < 8; b++)
            d[b] = a[8 * r + b] ^ next[b];
        for (int b = 0; b < 8; b++)
            a[8 * r + b] ^= sum[b] ^ d[(b + 7) % 8];
        a[8 * r + 1] ^= d[7];
        a[8 * r + 3] ^= d[7];
        a[8 * r + 4] ^= d[7];
    }
}

/* The next round's key: column 0 plus the S-box of column 3 turned by one
 * byte plus the round's constant, then each column plus the one before. */
static void next_key(uint64_t key[BITS], unsigned constant)
{
    uint64_t turned[32];

    memcpy(turned, key + 8 * 13, 24 * sizeof *turned);
    memcpy(turned + 24, key + 8 * 12, 8 * sizeof *turned);
    for (int r = 0; r < 4; r++)
        sbox(turned + 8 * r);
    for (int b = 0; b < 8; b++)
        turned[b] ^= 0 - (uint64_t)(constant >> b & 1);
    for (int i = 0; i < 32; i++)
        key[i] ^= turned[i];
    for (int i = 32; i < BITS; i++)
        key[i] ^= key[i - 32];
}

static void encrypt_sliced(uint64_t s[BITS], uint64_t key[BITS])
{
    unsigned constant = 1;

    for (int i = 0; i < BITS; i++)
        s[i] ^= key[i];
    for (int round = 1; round <= 10; round++) {
        next_key(key, constant);
        constant = constant << 1 ^ (constant >> 7) * 0x11bu;
        sub_shift(s);
        for (int c = 0; c < 4 && round < 10; c++)
            mix_column(s + 32 * c);
        for (int i = 0; i < BITS; i++)
            s[i] ^= key[i];
    }
}

/* Lane i of words is block i: the lower word at i, the upper at 64 + i. */
static void slice(uint64_t out[BITS], const uint64_t words[2 * LANES])
{
    memcpy(out, words, BITS * sizeof *out);
    transpose64(out);
    transpose64(out + 64);
}

static void put_lane(uint64_t words[2 * LANES], size_t i, blind_block x)
{
    words[i] = x.w[0];
    words[LANES + i] = x.w[1];
}

static void encrypt_words(sliced *w)
{
    encrypt_sliced(w->state, w->key);
    slice(w->words, w->state);
}

static blind_block lane(const uint64_t words[2 * LANES], size_t i)
{
    return (blind_block){ { words[i], words[LANES + i] } };
}

static void stream(blind_block *out, blind_block key, uint64_t first,
                   size_t count)
{
    sliced w;

    for (size_t done = 0; done < count; done += LANES) {
        const size_t n = count - done < LANES ? count - done : LANES;

        for (size_t i = 0; i < LANES; i++)
            put_lane(w.words, i, key);
        slice(w.key, w.words);
        for (size_t i = 0; i < LANES; i++)
            put_lane(w.words, i, (blind_block){ { first + done + i, 0 } });
        slice(w.state, w.words);
        encrypt_words(&w);
        for (size_t i = 0; i < n; i++)
            out[done + i] = lane(w.words, i);
    }
    cki_wipe(&w, sizeof w);
}

static blind_block sigma(blind_block x)
{
    return (blind_block){ { x.w[1], x.w[0] ^ x.w[1] } };
}

static void hash(blind_block *out, const blind_block *in, blind_block start,
                 uint64_t tweak, size_t keys, int per)
{
    const size_t total = keys * (size_t)per;
    sliced w;

    memset(&w, 0, sizeof w);
    for (size_t done = 0; done < total; done += LANES) {
        const size_t n = total - done < LANES ? total - done : LANES;

        for (size_t i = 0; i < n; i++)
            put_lane(w.words, i,
                     (blind_block){ { start.w[0]
                                      ^ (tweak + (done + i) / (size_t)per),
                                      start.w[1] } });
        slice(w.key, w.words);
        for (size_t i = 0; i < n; i++)
            put_lane(w.words, i, sigma(in[done + i]));
        slice(w.state, w.words);
        encrypt_words(&w);
        for (size_t i = 0; i < n; i++)
            out[done + i] = blind_xor(lane(w.words, i), sigma(in[done + i]));
    }
    cki_wipe(&w, sizeof w);
}

static bool usable(void)
{
    return true;
}

const blind_aes blind_aes_portable = { "portable", usable, stream, hash, NULL,
                                       NULL, blind_transpose };
