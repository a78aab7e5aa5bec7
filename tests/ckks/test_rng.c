/* test_rng.c -- streams and samplers.
 *
 * Expected bytes come from a Python program written from [RFC7693] and the
 * BLAKE2X paper, which agrees with hashlib on every parameter hashlib takes
 * and with the published output that stands in test_blake2.c.  Every kernel
 * has to give them.
 */
#include "test.h"

#include <math.h>

#include "base/blake2.h"
#include "scheme/rng.h"

/* The kernel of the streams below. */
static const cki_kernel *kernel = &cki_kernel_portable;

/* Calls check with every kernel of this machine in turn. */
static void every_kernel(void (*check)(void))
{
    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++) {
        if (!(*k)->usable())
            continue;
        kernel = *k;
        check();
    }
    kernel = &cki_kernel_portable;
}

static void count_up(uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)i;
}

static void check_stream_vectors(void)
{
    static const struct {
        size_t key_size;
        uint64_t a, b;
        const char *first, *last, *hash;
    } v[] = {
        { 32, 0, 0,
          "91cf21606098df34ce720e384f971ffbfea2712d052a05a46805817df5f8ff0c",
          "60f73ff389cd71afcfc35cc1dc4a607475583631d773d2f09255bcdc26944486",
          "0d7068bef1a0fc0f0f0e8f9220aca6ac" },
        { 32, 1, 2,
          "ee11117977cf254d26892547e86c74b68ac9941842c3eeb2ea5e1971a6127568",
          "84ec6cd9af663432a985c75c98c278365b7cc2ceed8c9b94d3d5b54f5a83ed96",
          "031199fe99cd8d3ddaa77da2fc9b7ff2" },
        { 64, 3, 5,
          "75ec9187b1eeb8b69888595e5c91c3d7470a30a9ed3f51a0dec9f1d490e41c10",
          "53d5424dc51b0b8ac5244a570bb19edf3ac532191cce7d757f994b1e081bce09",
          "ff3bb4bfc16ae7cf8c6afa13a4f2aca8" },
        { 0, 0, 0,
          "f29255f9228f9ae48f53dc1e298445d90651469870e84e1eb7b31d786dfa0600",
          "8a97b9afce29ea1207d0ee1a76b8118720ddcd2d91ccbb08215e1c2f7d4bdebb",
          "344c95f25c64ea01c539fbe1a934adc1" }
    };
    uint8_t key[64], out[192], hash[16];

    count_up(key, sizeof key);
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        cki_stream s;

        cki_stream_init(&s, kernel, key, v[i].key_size, v[i].a, v[i].b);
        cki_stream_read(&s, out, sizeof out);
        ckks_blake2b(hash, sizeof hash, out, sizeof out, NULL, 0);
        test_same_hex(out, 32, v[i].first);
        test_same_hex(out + 160, 32, v[i].last);
        test_same_hex(hash, 16, v[i].hash);
    }
}

TEST(stream_vectors)
{
    every_kernel(check_stream_vectors);
}

/* Key 00..1f, message (7, 0): the stream most vectors below are cut from. */
static void stream_seven(cki_stream *s)
{
    uint8_t key[32];

    count_up(key, sizeof key);
    cki_stream_init(s, kernel, key, sizeof key, 7, 0);
}

/* Reads of any sizes give the same bytes as one read. */
static void check_pieces(void)
{
    enum { SIZE = 100000 };
    static uint8_t want[SIZE], got[SIZE];
    uint8_t hash[32];
    uint64_t rnd = 1;
    cki_stream s;

    stream_seven(&s);
    cki_stream_read(&s, want, SIZE);
    ckks_blake2b(hash, 32, want, SIZE, NULL, 0);
    test_same_hex(hash, 32,
             "67e8253811393e802daeec2ef0207c1abb50a36cf1a4d6dc31993e26308786bc");
    stream_seven(&s);
    for (size_t k = 0; k < SIZE;) {
        size_t take = test_word(&rnd) % 200;

        take = take < SIZE - k ? take : SIZE - k;
        cki_stream_read(&s, got + k, take);
        k += take;
    }
    CHECK(memcmp(got, want, SIZE) == 0, "pieces differ from the whole");
}

TEST(stream_in_pieces)
{
    every_kernel(check_pieces);
}

/* Bytes at both sides of the group boundaries, one read at a time, and the
 * last blocks there are, against blocks made one by one. */
static void check_places(void)
{
    enum { GROUP = CKI_EXPAND, BYTES = 64 * 3 * GROUP };
    static uint8_t want[BYTES], got[BYTES];
    const uint32_t start[] = { 0, GROUP, UINT32_MAX - 3 * GROUP + 1 };

    for (size_t i = 0; i < 3; i++)
        for (size_t first = 0; first <= 64 * GROUP + 65; first += 31)
            for (size_t size = 1; size <= BYTES - first; size += 509) {
                cki_stream s;

                stream_seven(&s);
                s.next = start[i];
                for (uint32_t b = 0; b < 3 * GROUP; b++)
                    cki_blake2xb_block(want + 64 * b, s.root, start[i] + b);
                memset(got, 0xa5, sizeof got);
                cki_stream_read(&s, got, first);
                cki_stream_read(&s, got + first, size);
                if (!CHECK(memcmp(got, want, first + size) == 0,
                           "%s: block %" PRIu32 ", %zu bytes after %zu",
                           kernel->name, start[i], size, first))
                    return;
                for (size_t k = first + size; k < BYTES; k++)
                    CHECK(got[k] == 0xa5, "%s: byte %zu behind %zu written",
                          kernel->name, k, first + size);
            }
}

TEST(stream_places)
{
    every_kernel(check_places);
}

/* The k-th stream of a generator of seed z is stream(z; k, 0). */
static void check_generator(void)
{
    uint8_t seed[CKKS_SEED_BYTES], a[80], b[80];
    ckks_rng r = { 0 };

    count_up(seed, sizeof seed);
    if (!CHECK_OK(ckks_rng_init(&r, seed)))
        return;
    for (uint64_t k = 0; k < 5; k++) {
        cki_stream s, t;

        cki_rng_stream(&s, kernel, &r);
        cki_stream_init(&t, kernel, seed, sizeof seed, k, 0);
        cki_stream_read(&s, a, sizeof a);
        cki_stream_read(&t, b, sizeof b);
        CHECK(memcmp(a, b, sizeof a) == 0, "stream %" PRIu64, k);
    }
    CHECK(r.counter == 5, "counter %" PRIu64, r.counter);
    ckks_rng_clear(&r);
    for (size_t i = 0; i < sizeof r; i++)
        CHECK(((uint8_t *)&r)[i] == 0, "byte %zu not wiped", i);
    CHECK_STATUS(ckks_rng_init(NULL, seed), CKKS_EARG);
    ckks_rng_clear(NULL);
}

TEST(generator_streams)
{
    every_kernel(check_generator);
}

/* Bytes for the host: those of the generator's next stream, or none. */
TEST(generator_bytes)
{
    const uint8_t seed[CKKS_SEED_BYTES] = { 5 };
    ckks_rng a = { 0 }, b = { 0 };
    uint8_t got[100], want[100];
    cki_stream s;

    memset(got, 7, sizeof got);
    CHECK_STATUS(ckks_rng_bytes(got, 9, &a), CKKS_ERNG);
    CHECK_STATUS(ckks_rng_bytes(got, 9, NULL), CKKS_EARG);
    if (!CHECK_OK(ckks_rng_init(&a, seed)) || !CHECK_OK(ckks_rng_init(&b, seed)))
        return;
    CHECK_STATUS(ckks_rng_bytes(NULL, 1, &a), CKKS_EARG);
    CHECK_OK(ckks_rng_bytes(NULL, 0, &a));
    CHECK_OK(ckks_rng_bytes(got, 99, &a));
    cki_rng_stream(&s, &cki_kernel_portable, &b);
    cki_rng_stream(&s, &cki_kernel_portable, &b);
    cki_stream_read(&s, want, 99);
    CHECK(memcmp(got, want, 99) == 0 && got[99] == 7, "%02x %02x, last %d",
          got[0], want[0], got[99]);
    ckks_rng_clear(&a);
    ckks_rng_clear(&b);
}

/* ---- samplers ----------------------------------------------------------- */

/* Hash of words; the next byte of the stream, which shows where it stands. */
static void check_draws(const uint64_t *word, size_t n, const char *want,
                        cki_stream *s, int next, const char *what)
{
    static uint8_t bytes[8 * 1000];
    uint8_t hash[16], b;

    for (size_t i = 0; i < 8 * n; i++)
        bytes[i] = (uint8_t)(word[i / 8] >> 8 * (i % 8));
    ckks_blake2b(hash, sizeof hash, bytes, 8 * n, NULL, 0);
    test_same_hex(hash, sizeof hash, want);
    cki_stream_read(s, &b, 1);
    CHECK(b == next, "%s: the stream's next byte is %d, want %d", what, b,
          next);
}

static void check_samplers(void)
{
    static const struct {
        uint64_t p;
        const char *hash;
        int next;
    } v[] = {
        { 17, "bca9fea96cdcd4ea543be745ec8fd186", 187 },
        { 3, "ad024c8f8f61c7a862801b66ac7d708c", 60 },
        { (UINT64_C(1) << 40) + 1, "c59629b5fa186e17cde9e896e16f133f", 186 },
        { 0x1fffffffffe00001, "f0cbcc0c56d6d78f847183806b8e1e3f", 3 }
    };
    static uint64_t word[1000];
    static int8_t small[1000];
    cki_stream s;

    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        stream_seven(&s);
        cki_sample_uniform(word, 1000, v[i].p, &s);
        check_draws(word, 1000, v[i].hash, &s, v[i].next, "uniform");
    }
    stream_seven(&s);
    cki_sample_ternary(small, 1000, &s);
    for (size_t i = 0; i < 1000; i++)
        word[i] = (uint64_t)(int64_t)small[i];
    check_draws(word, 1000, "4a75458da962dae15339071b17d4f4dc", &s, 181,
                "ternary");
    stream_seven(&s);
    cki_sample_error(small, 1000, &s);
    for (size_t i = 0; i < 1000; i++)
        word[i] = (uint64_t)(int64_t)small[i];
    check_draws(word, 1000, "59eec8ce826f4606d5fb0fab0074a05e", &s, 84,
                "error");
}

TEST(sampler_vectors)
{
    every_kernel(check_samplers);
}

/* A chi-square value of `cells` cells; a deviate above 5 sigmas fails. */
static void check_chi_square(double chi, int cells, const char *what)
{
    double dof = cells - 1, deviate = (chi - dof) / sqrt(2 * dof);

    CHECK(fabs(deviate) < 5, "%s: chi-square %g for %g degrees of freedom",
          what, chi, dof);
}

TEST(uniform_law)
{
    static const uint64_t primes[] = { 17, 97, 193 };
    enum { DRAWS = 1000000, MOST = 200 };
    static uint64_t x[DRAWS];
    cki_stream s;

    for (size_t i = 0; i < 3; i++) {
        double count[MOST] = { 0 }, chi = 0, mean;

        stream_seven(&s);
        cki_sample_uniform(x, DRAWS, primes[i], &s);
        for (size_t k = 0; k < DRAWS; k++) {
            if (!CHECK(x[k] < primes[i], "%" PRIu64, x[k]))
                return;
            count[x[k]]++;
        }
        mean = DRAWS / (double)primes[i];
        for (uint64_t c = 0; c < primes[i]; c++)
            chi += (count[c] - mean) * (count[c] - mean) / mean;
        check_chi_square(chi, (int)primes[i], "uniform");
    }
}

/* The largest prime below 2^61 that suits N = 2^17, and the words next to a
 * power of two, where the mask matters. */
TEST(uniform_bounds)
{
    static const uint64_t primes[] = {
        UINT64_C(2305843009211596801), (UINT64_C(1) << 32) + 1,
        (UINT64_C(1) << 32) - 1, UINT64_C(1) << 32, 2, 1
    };
    enum { DRAWS = 100000 };
    static uint64_t x[DRAWS];
    cki_stream s;

    for (size_t i = 0; i < sizeof primes / sizeof *primes; i++) {
        uint64_t top = 0, low = UINT64_MAX;

        stream_seven(&s);
        cki_sample_uniform(x, DRAWS, primes[i], &s);
        for (size_t k = 0; k < DRAWS; k++) {
            top = x[k] > top ? x[k] : top;
            low = x[k] < low ? x[k] : low;
        }
        CHECK(top < primes[i], "%" PRIu64 " >= %" PRIu64, top, primes[i]);
        CHECK((double)top >= 0.999 * ((double)primes[i] - 1),
              "largest of %d draws below %" PRIu64 " is %" PRIu64, DRAWS,
              primes[i], top);
        CHECK((double)low <= 0.001 * (double)primes[i], "smallest %" PRIu64,
              low);
    }
}

TEST(ternary_law)
{
    enum { DRAWS = 1000000 };
    static int8_t x[DRAWS];
    double count[3] = { 0 }, chi = 0;
    cki_stream s;

    stream_seven(&s);
    cki_sample_ternary(x, DRAWS, &s);
    for (size_t k = 0; k < DRAWS; k++) {
        if (!CHECK(x[k] >= -1 && x[k] <= 1, "%d", x[k]))
            return;
        count[x[k] + 1]++;
    }
    for (int c = 0; c < 3; c++)
        chi += (count[c] - DRAWS / 3.0) * (count[c] - DRAWS / 3.0)
               / (DRAWS / 3.0);
    CHECK(chi < 27, "chi-square %g for 2 degrees of freedom", chi);
}

/* The probability of e is C(42, 21 + e) / 2^42.  Values with fewer than 10
 * expected draws share a cell on each side. */
TEST(error_law)
{
    enum { PIECE = 1000000, CELLS = 43 };
    static int8_t x[PIECE];
    double count[CELLS] = { 0 }, want[CELLS], sum = 0, squares = 0, chi = 0;
    double n = test_long() ? 1e8 : 1e6, mean, sd;
    double rest[2] = { 0 }, rest_want[2] = { 0 };
    int cells = 2;
    cki_stream s;

    stream_seven(&s);
    for (double done = 0; done < n; done += PIECE) {
        cki_sample_error(x, PIECE, &s);
        for (size_t k = 0; k < PIECE; k++) {
            if (!CHECK(x[k] >= -21 && x[k] <= 21, "%d", x[k]))
                return;
            count[x[k] + 21]++;
        }
    }
    want[0] = n / 4398046511104.0;                          /* n / 2^42      */
    for (int c = 1; c < CELLS; c++)
        want[c] = want[c - 1] * (43 - c) / c;
    for (int c = 0; c < CELLS; c++) {
        sum += count[c] * (c - 21);
        squares += count[c] * (c - 21) * (c - 21);
        if (want[c] < 10) {
            rest[c > 21] += count[c];
            rest_want[c > 21] += want[c];
        } else {
            chi += (count[c] - want[c]) * (count[c] - want[c]) / want[c];
            cells++;
        }
    }
    for (int c = 0; c < 2; c++)
        chi += (rest[c] - rest_want[c]) * (rest[c] - rest_want[c])
               / rest_want[c];
    mean = sum / n;
    sd = sqrt(squares / n - mean * mean);
    check_chi_square(chi, cells, "error");
    CHECK(fabs(mean) < 5 * 3.24 / sqrt(n), "mean %g", mean);
    CHECK(fabs(sd - sqrt(10.5)) < 5 * 3.24 / sqrt(2 * n), "sd %.5f", sd);
    test_note("%g draws: mean %+.5f, sd %.5f, chi-square %.1f in %d cells",
              n, mean, sd, chi, cells);
}
