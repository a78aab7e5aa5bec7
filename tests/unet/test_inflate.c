/* test_inflate.c -- streams against zlib: what comes out, to the byte, and
 * where and why they end, of all that zlib writes and of most that it does not.
 */
#include "image_support.h"
#include "png_oracle.h"

#include "image/inflate.h"

/* The lengths of words are a code exactly if sum 2^-length = 1; few: or one
 * word of one bit, or none.  All sets of four words of up to 4 bits, and of one long
 * one. */
TEST(inflate_codes_are_complete)
{
    uni_code c;

    for (unsigned set = 0; set < 5 * 5 * 5 * 5; set++)
        for (int few = 0; few < 2; few++) {
            uint8_t length[4];
            unsigned sum = 0, words = 0, left = set;
            bool want;

            for (int i = 0; i < 4; i++, left /= 5) {
                length[i] = (uint8_t)(left % 5);
                sum += length[i] > 0 ? 16u >> length[i] : 0;
                words += length[i] > 0;
            }
            want = sum == 16 || (few && (words == 0
                                         || (words == 1 && sum == 8)));
            CHECK(uni_code_make(&c, length, 4, few) == want, "%d %d %d %d, "
                  "few %d", length[0], length[1], length[2], length[3], few);
        }
}

/* Symbols of words of 1 to 15 bits, by the table and by the search. */
TEST(inflate_codes_find)
{
    uint8_t length[16];
    uni_code c;

    for (int i = 0; i < 16; i++)
        length[i] = (uint8_t)(i < 15 ? i + 1 : 15);
    if (!CHECK(uni_code_make(&c, length, 16, false), "no code"))
        return;
    for (unsigned bits = 0; bits < 1u << 15; bits++) {
        const unsigned fast = c.fast[bits & ((1u << UNI_CODE_FAST) - 1)];
        unsigned ones = 0, n = 0;

        while (ones < 15 && (bits >> ones & 1))
            ones++;                     /* words: 0, 10, 110, ...            */
        CHECK(uni_code_find(&n, &c, bits) == (int)ones && n == length[ones],
              "bits %x: %u bits, want %u ones", bits, n, ones);
        CHECK(fast == (length[ones] <= UNI_CODE_FAST
                       ? 16 * ones + length[ones] : 0), "bits %x: %u", bits,
              fast);
    }
    memset(length, 0, sizeof length);
    length[7] = 1;                      /* half of the words are none        */
    CHECK(uni_code_make(&c, length, 16, true), "one word");
    for (unsigned bits = 0; bits < 2; bits++) {
        unsigned n;
        const int found = uni_code_find(&n, &c, bits);

        CHECK(found == (bits == 0 ? 7 : -1), "%u: %d", bits, found);
    }
}

/* [RFC 1952], [RFC 1950]; "123456789" is what lists of checksums give. */
TEST(inflate_checksums)
{
    static const uint8_t nine[] = "123456789";
    uint8_t many[6000];
    uint64_t a = 65520, b = 65520;      /* the largest sums to begin with    */
    uni_crc crc;

    uni_crc_init(&crc);
    for (size_t cut = 0; cut <= 9; cut++) {
        uint32_t v = uni_crc_add(&crc, 0, nine, cut);

        v = uni_crc_add(&crc, v, nine + cut, 9 - cut);
        CHECK(v == 0xcbf43926u, "cut %zu: %08" PRIx32, cut, v);
        v = uni_adler_add(uni_adler_add(1, nine, cut), nine + cut, 9 - cut);
        CHECK(v == 0x091e01deu, "cut %zu: %08" PRIx32, cut, v);
    }
    memset(many, 255, sizeof many);     /* a = 1 + 6000 255 mod 65521, ...   */
    CHECK(uni_adler_add(1, many, sizeof many) == 0xa49759eau, "%08" PRIx32,
          uni_adler_add(1, many, sizeof many));
    for (size_t i = 0; i < sizeof many; i++) {
        a = (a + 255) % 65521;
        b = (b + a) % 65521;
    }
    CHECK(uni_adler_add(65520u << 16 | 65520, many, sizeof many)
              == (b << 16 | a), "the largest sums: want %08" PRIx64,
          b << 16 | a);
}

#ifdef UNET_HAVE_PNG

enum { MOST = 300000, ROOM = MOST + MOST / 8 + 1000, FORMS = 3 };

static uint64_t inflate_state = 1;

static unsigned drawn(unsigned n)
{
    inflate_state = inflate_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(inflate_state >> 33) % n;
}

/* Bytes of several kinds: noise, runs, few values, what comes again from near
 * and from as far as a match reaches. */
static void fill(uint8_t *data, size_t n, int kind)
{
    static const size_t back[] = { 1, 3, 16, 258, 4000, 32767, 32768, 32769 };
    const size_t from = back[drawn(8)];

    for (size_t i = 0; i < n; i++)
        data[i] = kind == 0 ? (uint8_t)drawn(256)
                : kind == 1 ? (uint8_t)(i / 1000 * 7)
                : kind == 2 ? (uint8_t)(drawn(40) * drawn(3))
                : i >= from && drawn(200) > 0 ? data[i - from]
                : (uint8_t)drawn(256);
}

/* The same bytes as zlib, read in pieces, and the same end; damaged: where a
 * stream that is damaged is cut short, too, either may be said. */
static void same_as_zlib(uni_inflate *z, uni_inflate_form form,
                         const uint8_t *in, size_t size, size_t room,
                         bool damaged, const char *what)
{
    uint8_t *out = malloc(room + 1), *want = malloc(room + 1);
    size_t got = 0, n = 0, want_got, want_left;
    const uni_inflate_end want_end = oracle_inflate(&want_got, &want_left,
                                                    want, room, form, in, size);
    uni_inflate_end end = UNI_INFLATE_MORE;

    uni_inflate_begin(z, form, in, size);
    while (end == UNI_INFLATE_MORE && got < room) {
        const size_t most = drawn(8) > 0 ? 1 + drawn(40000) : 1 + drawn(9);

        end = uni_inflate_read(z, &n, out + got,
                               most < room - got ? most : room - got);
        got += n;
    }
    CHECK(got == want_got && memcmp(out, want, got) == 0, "%s, form %d, %zu "
          "bytes: %zu came out, of zlib %zu", what, form, size, got, want_got);
    if (damaged && end == UNI_INFLATE_SHORT)
        end = UNI_INFLATE_DAMAGED;
    CHECK(end == want_end || (end == UNI_INFLATE_MORE && got == room)
          || (damaged && end == UNI_INFLATE_DAMAGED
              && want_end == UNI_INFLATE_SHORT), "%s, "
          "form %d, %zu bytes: end %d, of zlib %d", what, form, size, end,
          want_end);
    if (end == UNI_INFLATE_SOUND)
        CHECK(uni_inflate_left(z) == want_left, "%s: %zu left, of zlib %zu",
              what, uni_inflate_left(z), want_left);
    free(out);
    free(want);
}

TEST(inflate_as_zlib)
{
    static const int levels[] = { 0, 1, 6, 9 };
    uni_inflate *z = malloc(sizeof *z);
    uint8_t *data = malloc(MOST), *packed = malloc(ROOM);

    for (int i = 0; i < 240; i++) {
        const int kind = i % 4, level = levels[i / 4 % 4];
        const int strategy = i / 16 % 5;
        const uni_inflate_form form = (uni_inflate_form)(i % FORMS);
        const size_t n = i % 7 == 0 ? drawn(20) : drawn(MOST);
        size_t size;

        fill(data, n, kind);
        size = oracle_deflate(packed, ROOM, form, data, n, level, strategy);
        if (!CHECK(size > 0, "zlib: %zu bytes", n))
            continue;
        memset(packed + size, i, 5);
        same_as_zlib(z, form, packed, size + 5, n + 1, false, "whole");
        same_as_zlib(z, form, packed, drawn((unsigned)size), n + 1, false,
                     "cut");
        same_as_zlib(z, form, packed, size, n / 2 + 1, false, "a part");
    }
    free(z);
    free(data);
    free(packed);
}

/* Every prefix, and every bit turned, of short streams of all kinds. */
TEST(inflate_damage_as_zlib)
{
    enum { SHORT = 700, GROWN = 1 << 17 };
    uni_inflate *z = malloc(sizeof *z);
    uint8_t data[SHORT], packed[2 * SHORT];

    for (int i = 0; i < 60; i++) {
        const uni_inflate_form form = (uni_inflate_form)(i % FORMS);
        const size_t n = 1 + drawn(SHORT);
        size_t size;

        fill(data, n, i % 4);
        size = oracle_deflate(packed, sizeof packed, form, data, n, i % 3 * 4,
                              i / 3 % 5);
        for (size_t cut = 0; cut < size; cut++)
            same_as_zlib(z, form, packed, cut, GROWN, false, "prefix");
        for (size_t bit = 0; bit < 8 * size; bit++) {
            packed[bit / 8] ^= (uint8_t)(1 << bit % 8);
            same_as_zlib(z, form, packed, size, GROWN, true, "a bit");
            packed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
    free(z);
}

/* Noise as a stream, most often of codes that are none. */
TEST(inflate_noise_as_zlib)
{
    uni_inflate *z = malloc(sizeof *z);
    uint8_t noise[400];

    for (int i = 0; i < 40000; i++) {
        const size_t n = drawn(sizeof noise);

        fill(noise, n, i % 3);
        noise[0] = (uint8_t)(i % 4 < 3 ? 5 | noise[0] << 3 : noise[0]);
        same_as_zlib(z, UNI_RAW, noise, n, 1 << 16, true, "noise");
    }
    free(z);
}

/* Heads of gzip with every set of fields. */
TEST(inflate_gzip_heads)
{
    static const uint8_t body[] = { 3, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
    uni_inflate *z = malloc(sizeof *z);
    uni_crc crc;

    uni_crc_init(&crc);
    for (unsigned flags = 0; flags < 256; flags++)
        for (int wrong = 0; wrong < 2; wrong++) {
            uint8_t b[64] = { 0x1f, 0x8b, 8, (uint8_t)flags, 1, 2, 3, 4, 5, 6 };
            size_t n = 10;
            uint32_t sum;

            if (flags & 4) {
                memcpy(b + n, "\3\0abc", 5);
                n += 5;
            }
            if (flags & 8) {
                memcpy(b + n, "name", 5);
                n += 5;
            }
            if (flags & 16)
                b[n++] = 0;
            sum = uni_crc_add(&crc, 0, b, n) + (uint32_t)wrong;
            if (flags & 2) {
                b[n++] = (uint8_t)sum;
                b[n++] = (uint8_t)(sum >> 8);
            }
            memcpy(b + n, body, sizeof body);
            n += sizeof body;
            for (size_t cut = 0; cut <= n; cut++)
                same_as_zlib(z, UNI_GZIP, b, cut, 16, false, "head");
        }
    free(z);
}

/* What deflate.c writes, zlib reads; and it is as short as it says. */
TEST(deflate_back)
{
    uint8_t *data = malloc(MOST), *packed = malloc(ROOM), *out = malloc(MOST);

    for (int i = 0; i < 120; i++) {
        const uni_inflate_form form = (uni_inflate_form)(i % FORMS);
        const size_t n = i < 12 ? (size_t)i / 3 : drawn(MOST);
        size_t size, got, left;

        fill(data, n, i % 4);
        if (i % 11 == 10)
            memset(data, 255, n);       /* literals of 9 bits, then matches  */
        size = uni_deflate(packed, form, data, n);
        CHECK(size > 0 && size <= uni_deflate_most(n), "%zu bytes became %zu",
              n, size);
        CHECK(oracle_inflate(&got, &left, out, MOST, form, packed, size)
                  == UNI_INFLATE_SOUND && got == n && left == 0
                  && memcmp(out, data, n) == 0, "%d: %zu bytes, %zu back", i,
              n, got);
    }
    memset(data, 1, MOST);
    CHECK(uni_deflate(packed, UNI_RAW, data, MOST) <= MOST / 150, "a mask");
    for (size_t i = 0; i < MOST; i++)
        data[i] = (uint8_t)(144 + i * i / 7 % 111);
    CHECK(uni_deflate(packed, UNI_RAW, data, 3) <= uni_deflate_most(3), "3");
    free(data);
    free(packed);
    free(out);
}

#endif
