/* test_blake2.c -- BLAKE2b against [RFC7693], BLAKE2Xb against a published
 * output, and the kernels' blocks against single ones.
 */
#include "test.h"

#include "base/blake2.h"
#include "kernel/kernel.h"

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
    memset(out, 7, sizeof out);
    ckks_blake2b(out, 0, in, 1, NULL, 0);
    CHECK(out[0] == 7, "%d", out[0]);
    ckks_blake2b(out, 1, in, 1, in, 64);    /* the shortest, the longest key */
    CHECK(out[0] == 0x9a && out[1] == 7, "%#x %d", out[0], out[1]);
}

/* Published: key 00..3f, message 00..ff, length unknown. */
TEST(blake2xb_published)
{
    const cki_blake2b_param p = { .out_size = 64, .key_size = 64, .fanout = 1,
                                  .depth = 1, .xof_size = UINT32_MAX };
    const char *want =
        "3dbba8516da76bf7330055c66ea36cf1005e92714262b24d9710f51d9e126406"
        "e1bcd6497059f9331f1091c3634b695428d475ed432f987040575520a1c29f5e";
    uint8_t in[256], block[64], blocks[64 * CKI_EXPAND];
    cki_blake2b s;

    count_up(in, sizeof in);
    cki_blake2b_init(&s, &p, in);
    cki_blake2b_update(&s, in, sizeof in);
    cki_blake2b_final(block, 64, &s);
    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++)
        if ((*k)->usable()) {
            (*k)->expand(blocks, block, 0, CKI_EXPAND);
            test_same_hex(blocks, 64, want);
        }
    cki_blake2xb_block(block, block, 0);
    test_same_hex(block, 64, want);
}

/* Every kernel makes the blocks that single ones are: many roots, numbers at
 * and across 0, 2^31 and 2^32, one to four groups, at places of no alignment,
 * and nothing behind them. */
TEST(blake2xb_kernels)
{
    enum { MOST = 4 * CKI_EXPAND };
    const uint32_t around[] = { 0, (uint32_t)1 << 31, 12345678 };
    static uint8_t want[64 * MOST], got[64 * MOST + 64];
    uint8_t root[64];
    uint64_t rnd = 1;

    for (int trial = 0; trial < 300; trial++) {
        uint32_t node = around[trial % 3]
                        + (uint32_t)(test_word(&rnd) % (2 * MOST)) - MOST;
        size_t count = CKI_EXPAND * (1 + test_word(&rnd) % 4);
        size_t at = test_word(&rnd) % 64;

        for (int i = 0; i < 64; i++)            /* the first: all ones       */
            root[i] = trial == 0 ? 0xff : (uint8_t)(test_word(&rnd) >> 40);
        for (uint32_t i = 0; i < count; i++)
            cki_blake2xb_block(want + 64 * i, root, node + i);
        for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++) {
            if (!(*k)->usable())
                continue;
            memset(got, 0xa5, sizeof got);
            (*k)->expand(got + at, root, node, count);
            CHECK(memcmp(got + at, want, 64 * count) == 0,
                  "%s: %zu blocks from %" PRIu32, (*k)->name, count, node);
            for (size_t i = 0; i < sizeof got; i++)
                if (i < at || i >= at + 64 * count)
                    CHECK(got[i] == 0xa5, "%s: byte %zu written, %zu blocks "
                          "at %zu", (*k)->name, i, count, at);
        }
    }
}
