/* test_xxh64.c -- the checksum of a MINIMAL build against the library xxHash,
 * and against numbers of XXH64's specification. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "test.h"
#include "base/xxh64.h"

/* In two pieces, cut at `cut`. */
static uint64_t pieces(const uint8_t *in, size_t size, size_t cut,
                       uint64_t seed)
{
    cki_xxh64 x;

    cki_xxh64_init(&x, seed);
    cki_xxh64_update(&x, in, cut);
    (void)cki_xxh64_digest(&x);
    cki_xxh64_update(&x, in + cut, size - cut);
    return cki_xxh64_digest(&x);
}

TEST(xxh64_known_answers)
{
    static const char text[] = "Nobody inspects the spammish repetition";
    uint64_t h = pieces((const uint8_t *)text, 0, 0, 0);

    CHECK(h == UINT64_C(0xef46db3751d8e999), "%016" PRIx64, h);
    h = pieces((const uint8_t *)text, sizeof text - 1, 3, 0);
    CHECK(h == UINT64_C(0xfbcea83c8a378bf1), "%016" PRIx64, h);
}

/* Every length to 200 at every alignment of 8, cut at every place, several
 * seeds. */
TEST(xxh64_is_that_of_the_library)
{
    static const uint64_t seed[] = { 0, 1, UINT64_C(0x8000000000000000),
                                     UINT64_MAX };
    uint8_t b[320];
    uint64_t rnd = 5;

    for (size_t i = 0; i < sizeof b; i++)
        b[i] = (uint8_t)test_word(&rnd);
    for (size_t n = 0; n <= 200; n++)
        for (size_t k = 0; k < 4; k++) {
            const uint8_t *in = b + n % 8;
            const uint64_t want = XXH64(in, n, seed[k]);

            for (size_t cut = 0; cut <= n; cut++)
                CHECK(pieces(in, n, cut, seed[k]) == want, "%zu bytes cut at "
                      "%zu, seed %" PRIx64, n, cut, seed[k]);
        }
}

/* One byte at a time, in threes, and whole. */
TEST(xxh64_of_large_inputs)
{
    static const size_t size[] = { 4095, 65536, 1000003 };
    uint8_t *b = malloc(1000003);
    uint64_t rnd = 6;

    for (size_t i = 0; i < 1000003; i++)
        b[i] = (uint8_t)test_word(&rnd);
    for (size_t k = 0; k < 3; k++) {
        const size_t step[] = { size[k], 3, 1 };
        cki_xxh64 x;

        cki_xxh64_init(&x, k);
        for (size_t at = 0, n; at < size[k]; at += n) {
            n = step[k] < size[k] - at ? step[k] : size[k] - at;
            cki_xxh64_update(&x, b + at, n);
        }
        CHECK(cki_xxh64_digest(&x) == XXH64(b, size[k], k), "%zu bytes",
              size[k]);
    }
    free(b);
}
