/* test_aes.c -- the kernels of AES-128 and of garbling's hash, against FIPS
 * 197's own answers and a textbook form. */
#include "blind/aes.h"

#include "test.h"
#include "textbook.h"

TEST(aes_textbook_is_fips_197)
{
    static const uint8_t key[16] = { 0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2,
        0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c };
    uint8_t w[44][4], s[16], k[16];

    textbook_expand(w, key);                                    /* A.1       */
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
        want[i] = textbook_aes(key, (blind_block){ { first + i, 0 } });
    a->stream(got, key, first, count);
    CHECK(same(got, want, 72), "%s, %zu blocks from %" PRIu64, a->name, count,
          first);
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
