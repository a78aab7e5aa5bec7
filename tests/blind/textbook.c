/* textbook.c -- AES-128 as FIPS 197 has it; the S-box from inversion. */
#include "textbook.h"

#include <string.h>

#include "base/bytes.h"

static uint8_t times(uint8_t a, uint8_t b)
{
    unsigned r = 0;

    for (int i = 7; i >= 0; i--) {
        r = r << 1 ^ (r >> 7 & 1) * 0x11b;
        r ^= (b >> i & 1) * (unsigned)a;
        r &= 0xff;
    }
    return (uint8_t)r;
}

/* 5.1.1: the inverse, then an affine map. */
static uint8_t textbook_sbox(uint8_t x)
{
    uint8_t inverse = 0, y = 0;

    for (int i = 1; i < 256; i++)
        if (times(x, (uint8_t)i) == 1)
            inverse = (uint8_t)i;
    for (int i = 0; i < 8; i++) {
        int bit = 0x63 >> i & 1;

        for (int j = 0; j < 5; j++)
            bit ^= inverse >> (i + (j == 0 ? 0 : j + 3)) % 8 & 1;
        y = (uint8_t)(y | bit << i);
    }
    return y;
}

static const uint8_t *sbox_table(void)
{
    static uint8_t table[256];

    if (table[0] == 0)
        for (int i = 0; i < 256; i++)
            table[i] = textbook_sbox((uint8_t)i);
    return table;
}

void textbook_expand(uint8_t w[44][4], const uint8_t key[16])
{
    const uint8_t *s = sbox_table();
    uint8_t constant = 1;

    memcpy(w, key, 16);
    for (int i = 4; i < 44; i++) {
        uint8_t t[4];

        memcpy(t, w[i - 1], 4);
        if (i % 4 == 0) {
            const uint8_t first = t[0];

            t[0] = s[t[1]] ^ constant;
            t[1] = s[t[2]];
            t[2] = s[t[3]];
            t[3] = s[first];
            constant = times(constant, 2);
        }
        for (int j = 0; j < 4; j++)
            w[i][j] = w[i - 4][j] ^ t[j];
    }
}

static void add_key(uint8_t s[16], uint8_t w[][4])
{
    for (int i = 0; i < 16; i++)
        s[i] ^= w[i / 4][i % 4];
}

/* 5.1: s[r + 4 c] is row r of column c. */
void textbook_encrypt(uint8_t s[16], const uint8_t key[16])
{
    uint8_t w[44][4], t[16];

    textbook_expand(w, key);
    add_key(s, w);
    for (int round = 1; round <= 10; round++) {
        for (int i = 0; i < 16; i++)
            t[i] = sbox_table()[s[i % 4 + 4 * ((i / 4 + i % 4) % 4)]];
        for (int i = 0; i < 16; i++) {
            const uint8_t *a = t + i / 4 * 4;
            const int r = i % 4;

            s[i] = round == 10 ? t[i]
                : (uint8_t)(times(a[r], 2) ^ times(a[(r + 1) % 4], 3)
                            ^ a[(r + 2) % 4] ^ a[(r + 3) % 4]);
        }
        add_key(s, w + 4 * round);
    }
}

blind_block textbook_aes(blind_block key, blind_block x)
{
    uint8_t k[16], s[16];

    cki_store64(k, key.w[0]);
    cki_store64(k + 8, key.w[1]);
    cki_store64(s, x.w[0]);
    cki_store64(s + 8, x.w[1]);
    textbook_encrypt(s, k);
    return (blind_block){ { cki_load64(s), cki_load64(s + 8) } };
}

blind_block textbook_hash(blind_block x, blind_block start, uint64_t tweak)
{
    const blind_block sigma = { { x.w[1], x.w[1] ^ x.w[0] } };
    const blind_block key = { { start.w[0] ^ tweak, start.w[1] } };

    return blind_xor(textbook_aes(key, sigma), sigma);
}
