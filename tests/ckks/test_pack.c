/* test_pack.c -- words as a stream of bits. */
#include "test.h"

#include "base/bits.h"

enum { MOST = 40 };

/* Bit k of a stream. */
static unsigned bit_of(const uint8_t *b, size_t k)
{
    return b[k / 8] >> k % 8 & 1u;
}

/* Every width and number of words, against the definition bit by bit.  The
 * arrays have exactly the bytes needed, so that a sanitizer sees every byte
 * read or written behind them. */
TEST(pack_is_its_definition)
{
    uint64_t rnd = 3;

    for (int bits = 2; bits <= 61; bits++)
        for (size_t n = 1; n <= MOST; n++) {
            size_t size = cki_bits_size(n, bits), got;
            uint64_t in[MOST], mask = (UINT64_C(1) << bits) - 1;
            uint64_t *out = malloc(n * sizeof *out);
            uint8_t *b = malloc(size);

            for (size_t i = 0; i < n; i++)
                in[i] = i % 5 == 0 ? mask : test_word(&rnd) & mask;
            cki_bits_pack(b, in, n, bits);
            for (size_t k = 0; k < 8 * size; k++) {
                size_t word = k / (size_t)bits, at = k % (size_t)bits;
                unsigned want = word < n ? in[word] >> at & 1 : 0;

                CHECK(bit_of(b, k) == want, "bits %d, n %zu, bit %zu", bits,
                      n, k);
            }
            got = cki_bits_unpack(out, b, n, bits, mask + 1);
            CHECK(got == n, "bits %d, n %zu: word %zu refused", bits, n, got);
            CHECK(memcmp(in, out, n * sizeof *out) == 0, "bits %d, n %zu",
                  bits, n);
            free(b);
            free(out);
        }
}

/* The first word that is not below the bound is named, wherever it is. */
TEST(unpack_names_the_word)
{
    for (int bits = 2; bits <= 61; bits++)
        for (size_t at = 0; at < MOST; at++) {
            uint64_t in[MOST] = { 0 }, out[MOST];
            uint64_t p = (UINT64_C(1) << bits) - 1;
            uint8_t b[MOST * 8];
            size_t got;

            in[at] = p - 1;
            cki_bits_pack(b, in, MOST, bits);
            got = cki_bits_unpack(out, b, MOST, bits, p);
            CHECK(got == MOST, "bits %d, p - 1 at %zu: %zu", bits, at, got);
            in[at] = p;
            cki_bits_pack(b, in, MOST, bits);
            got = cki_bits_unpack(out, b, MOST, bits, p);
            CHECK(got == at, "bits %d, p at %zu: %zu", bits, at, got);
            in[MOST - 1] = p;
            cki_bits_pack(b, in, MOST, bits);
            got = cki_bits_unpack(out, b, MOST, bits, p);
            CHECK(got == at, "bits %d, p at %zu and last: %zu", bits, at, got);
        }
}
