/* test_xxh64.c -- the checksum of a MINIMAL build against the library xxHash,
 * and against numbers of XXH64's specification. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "test.h"
#include "base/xxh64.h"

TEST(xxh64_known_answers)
{
    static const char text[] = "Nobody inspects the spammish repetition";
    uint64_t h = cki_xxh64((const uint8_t *)text, 0, NULL, 0);

    CHECK(h == UINT64_C(0xef46db3751d8e999), "%016" PRIx64, h);
    h = cki_xxh64((const uint8_t *)text, sizeof text - 1, NULL, 0);
    CHECK(h == UINT64_C(0xfbcea83c8a378bf1), "%016" PRIx64, h);
}

/* Every length to 300 at every alignment of 8, several seeds; the first 32
 * bytes from elsewhere. */
TEST(xxh64_is_that_of_the_library)
{
    static const uint64_t seed[] = { 0, 1, UINT64_C(0x8000000000000000),
                                     UINT64_MAX };
    uint8_t b[320], other[320];
    uint64_t rnd = 5;

    for (size_t i = 0; i < sizeof b; i++)
        b[i] = (uint8_t)test_word(&rnd);
    for (size_t n = 0; n <= 300; n++)
        for (size_t k = 0; k < 4; k++) {
            const uint8_t *in = b + n % 8;
            uint64_t got = cki_xxh64(in, n, NULL, seed[k]);

            CHECK(got == XXH64(in, n, seed[k]), "%zu bytes, seed %" PRIx64, n,
                  seed[k]);
            if (n < 32)
                continue;
            memcpy(other, in, n);
            memset(other, 0xa5, 32);
            got = cki_xxh64(in, n, other, seed[k]);
            CHECK(got == XXH64(other, n, seed[k]), "%zu bytes, another start",
                  n);
        }
}

TEST(xxh64_of_large_inputs)
{
    static const size_t size[] = { 4095, 65536, 1000003 };
    uint8_t *b = malloc(1000003);
    uint64_t rnd = 6;

    for (size_t i = 0; i < 1000003; i++)
        b[i] = (uint8_t)test_word(&rnd);
    for (size_t k = 0; k < 3; k++)
        CHECK(cki_xxh64(b, size[k], NULL, k) == XXH64(b, size[k], k),
              "%zu bytes", size[k]);
    free(b);
}
