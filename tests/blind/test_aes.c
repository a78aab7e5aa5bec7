/* test_aes.c -- AES-128 and the hash of garbling against FIPS 197's own words:
 * a textbook form with the S-box from inversion in GF(256). */
#include "blind/aes.h"

#include "base/bytes.h"
#include "test.h"

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

/* 5.2: w[4 (round) + column], bytes as they stand. */
static void expand_key(uint8_t w[44][4], const uint8_t key[16])
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
static void textbook_encrypt(uint8_t s[16], const uint8_t key[16])
{
    uint8_t w[44][4], t[16];

    expand_key(w, key);
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

static blind_block textbook(blind_block key, blind_block x)
{
    uint8_t k[16], s[16];

    cki_store64(k, key.w[0]);
    cki_store64(k + 8, key.w[1]);
    cki_store64(s, x.w[0]);
    cki_store64(s + 8, x.w[1]);
    textbook_encrypt(s, k);
    return (blind_block){ { cki_load64(s), cki_load64(s + 8) } };
}

TEST(aes_textbook_is_fips_197)
{
    static const uint8_t key[16] = { 0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2,
        0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c };
    uint8_t w[44][4], s[16], k[16];

    expand_key(w, key);                                         /* A.1       */
    test_same_hex(w[4], 16, "a0fafe1788542cb123a339392a6c7605");
    test_same_hex(w[40], 16, "d014f9a8c9ee2589e13f0cc8b6630ca6");
    for (int i = 0; i < 16; i++) {                              /* C.1       */
        s[i] = (uint8_t)(17 * i);
        k[i] = (uint8_t)i;
    }
    textbook_encrypt(s, k);
    test_same_hex(s, 16, "69c4e0d86a7b0430d8cdb78070b4c55a");
}

static blind_block draw(uint64_t *state)
{
    const uint64_t low = test_word(state);

    return (blind_block){ { low, test_word(state) } };
}

static bool same(const blind_block *a, const blind_block *b, size_t n)
{
    return memcmp(a, b, n * sizeof *a) == 0;
}

static void check_stream(const blind_aes *a, blind_block key, uint64_t first,
                         size_t count)
{
    blind_block got[72], want[72];

    memset(got, 0xa5, sizeof got);
    memset(want, 0xa5, sizeof want);
    for (size_t i = 0; i < count; i++)
        want[i] = textbook(key, (blind_block){ { first + i, 0 } });
    a->stream(got, key, first, count);
    CHECK(same(got, want, 72), "%s, %zu blocks from %" PRIu64, a->name, count,
          first);
}

/* H(x, i) = AES_(start ^ i)(sigma(x)) ^ sigma(x), sigma(a|b) = (a ^ b)|a. */
static blind_block textbook_hash(blind_block x, blind_block start,
                                 uint64_t tweak)
{
    const blind_block sigma = { { x.w[1], x.w[1] ^ x.w[0] } };
    const blind_block key = { { start.w[0] ^ tweak, start.w[1] } };

    return blind_xor(textbook(key, sigma), sigma);
}

static void check_hash(const blind_aes *a, blind_block start, uint64_t tweak,
                       size_t keys, size_t per, uint64_t *seed)
{
    blind_block in[144], got[144], want[144];

    for (size_t i = 0; i < 144; i++)
        in[i] = draw(seed);
    memcpy(got, in, sizeof got);
    memcpy(want, in, sizeof want);
    for (size_t i = 0; i < keys * per; i++)
        want[i] = textbook_hash(in[i], start, tweak + i / per);
    a->hash(got, got, start, tweak, keys, (int)per);
    CHECK(same(got, want, 144), "%s, in place, %zu keys of %zu", a->name,
          keys, per);
    memcpy(got, in, sizeof got);
    a->hash(got, in, start, tweak, keys, (int)per);
    CHECK(same(got, want, 144), "%s, %zu keys of %zu", a->name, keys, per);
}

TEST(aes_every_kernel_is_the_textbook)
{
    uint64_t seed = 1;

    for (const blind_aes *const *a = blind_aes_kernels; *a != NULL; a++) {
        if (!(*a)->usable()) {
            test_note("%s: not on this machine", (*a)->name);
            continue;
        }
        for (size_t n = 0; n <= 70; n++) {
            const uint64_t first = n % 3 == 0 ? UINT64_MAX - n / 2
                                              : test_word(&seed);

            check_stream(*a, draw(&seed), first, n);
            check_hash(*a, draw(&seed), first, n, 1, &seed);
            check_hash(*a, draw(&seed), first, n, 2, &seed);
        }
    }
}

TEST(aes_choose)
{
    const blind_aes *a = NULL;

    CHECK_STATUS(blind_aes_choose(&a, "vector"), CKKS_EPARAM);
    CHECK(a == NULL, "a refused choice wrote its output");
    if (!CHECK_OK(blind_aes_choose(&a, "portable")))
        return;
    CHECK(a == &blind_aes_portable, "%s", a->name);
    if (!CHECK_OK(blind_aes_choose(&a, NULL)))
        return;
    for (const blind_aes *const *k = blind_aes_kernels; *k != a; k++)
        CHECK(!(*k)->usable(), "%s taken, %s passed over", a->name,
              (*k)->name);
}
