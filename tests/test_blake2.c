/* test_blake2.c -- BLAKE2b against [RFC7693], BLAKE2Xb against a published
 * output.
 */
#include "test.h"

#include "blake2.h"

static void count_up(uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)i;
}

TEST(blake2b_of_abc)                    /* [RFC7693] appendix A */
{
    uint8_t h[64];

    ckks_blake2b(h, 64, (const uint8_t *)"abc", 3, NULL, 0);
    test_same_hex(h, 64,
             "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
             "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
}

/* The sequence of [RFC7693] appendix E. */
static void rfc_sequence(uint8_t *out, size_t size, uint32_t seed)
{
    uint32_t a = 0xdead4badu * seed, b = 1;

    for (size_t i = 0; i < size; i++) {
        uint32_t t = a + b;

        a = b;
        b = t;
        out[i] = (uint8_t)(t >> 24);
    }
}

TEST(blake2b_self_test)                 /* [RFC7693] appendix E */
{
    static const size_t out_sizes[] = { 20, 32, 48, 64 };
    static const size_t in_sizes[] = { 0, 3, 128, 129, 255, 1024 };
    const cki_blake2b_param p = { .out_size = 32, .fanout = 1, .depth = 1 };
    uint8_t in[1024], md[64], key[64];
    cki_blake2b all;

    cki_blake2b_init(&all, &p, NULL);
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 6; j++) {
            rfc_sequence(in, in_sizes[j], (uint32_t)in_sizes[j]);
            ckks_blake2b(md, out_sizes[i], in, in_sizes[j], NULL, 0);
            cki_blake2b_update(&all, md, out_sizes[i]);
            rfc_sequence(key, out_sizes[i], (uint32_t)out_sizes[i]);
            ckks_blake2b(md, out_sizes[i], in, in_sizes[j], key,
                         out_sizes[i]);
            cki_blake2b_update(&all, md, out_sizes[i]);
        }
    cki_blake2b_final(md, 32, &all);
    test_same_hex(md, 32,
             "c23a7800d98123bd10f506c61e29da5603d763b8bbad2e737f5e765a7bccd475");
}

/* However a message is cut, the hash is the same. */
TEST(blake2b_in_pieces)
{
    const cki_blake2b_param p = { .out_size = 64, .key_size = 5, .fanout = 1,
                                  .depth = 1 };
    uint8_t in[300], want[64], got[64];

    count_up(in, 256);
    count_up(in + 256, 44);
    for (size_t size = 0; size <= 300; size += 5)
        for (size_t piece = 1; piece < 300; piece = piece * 2 + 1) {
            cki_blake2b s;

            ckks_blake2b(want, 64, in, size, in, 5);
            cki_blake2b_init(&s, &p, in);
            for (size_t k = 0; k < size; k += piece)
                cki_blake2b_update(&s, in + k,
                                   size - k < piece ? size - k : piece);
            cki_blake2b_final(got, 64, &s);
            CHECK(memcmp(got, want, 64) == 0, "size %zu in pieces of %zu",
                  size, piece);
        }
}

TEST(blake2b_refuses_sizes_without_hash)
{
    uint8_t out[66], in[66] = { 1 };

    memset(out, 7, sizeof out);
    ckks_blake2b(out, 65, in, 1, NULL, 0);
    CHECK(out[0] == 0 && out[64] == 0 && out[65] == 7, "%d %d %d", out[0],
          out[64], out[65]);
    memset(out, 7, sizeof out);
    ckks_blake2b(out, 64, in, 1, in, 65);
    CHECK(out[0] == 0 && out[63] == 0 && out[64] == 7, "%d %d %d", out[0],
          out[63], out[64]);
}

/* Published: key 00..3f, message 00..ff, length unknown. */
TEST(blake2xb_published)
{
    const cki_blake2b_param p = { .out_size = 64, .key_size = 64, .fanout = 1,
                                  .depth = 1, .xof_size = UINT32_MAX };
    uint8_t in[256], block[64];
    cki_blake2b s;

    count_up(in, sizeof in);
    cki_blake2b_init(&s, &p, in);
    cki_blake2b_update(&s, in, sizeof in);
    cki_blake2b_final(block, 64, &s);
    cki_blake2xb_block(block, block, 0);
    test_same_hex(block, 64,
             "3dbba8516da76bf7330055c66ea36cf1005e92714262b24d9710f51d9e126406"
             "e1bcd6497059f9331f1091c3634b695428d475ed432f987040575520a1c29f5e");
}
