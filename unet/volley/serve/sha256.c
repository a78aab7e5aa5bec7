/* sha256.c -- SHA-256: sha256.h.  The constants are the first 32 bits of the
 * fractional parts of square and cube roots of primes. */
#include <string.h>

#include "sha256.h"

static const uint32_t sha_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
};

static uint32_t sha_turn(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void sha_block(uint32_t h[8], const uint8_t *in)
{
    uint32_t w[64], v[8];

    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)in[4 * i] << 24 | (uint32_t)in[4 * i + 1] << 16
             | (uint32_t)in[4 * i + 2] << 8 | in[4 * i + 3];
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + w[i - 7]
             + (sha_turn(w[i - 15], 7) ^ sha_turn(w[i - 15], 18)
                ^ w[i - 15] >> 3)
             + (sha_turn(w[i - 2], 17) ^ sha_turn(w[i - 2], 19)
                ^ w[i - 2] >> 10);
    memcpy(v, h, sizeof v);
    for (int i = 0; i < 64; i++) {
        const uint32_t a = v[0], e = v[4];
        const uint32_t t1 = v[7] + (sha_turn(e, 6) ^ sha_turn(e, 11)
                                    ^ sha_turn(e, 25))
                          + ((e & v[5]) ^ (~e & v[6])) + sha_k[i] + w[i];
        const uint32_t t2 = (sha_turn(a, 2) ^ sha_turn(a, 13)
                             ^ sha_turn(a, 22))
                          + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));

        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        h[i] += v[i];
}

void serve_sha256_init(serve_sha256 *x)
{
    static const uint32_t first[8] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
        0x9b05688c, 0x1f83d9ab, 0x5be0cd19
    };

    memset(x, 0, sizeof *x);
    memcpy(x->h, first, sizeof first);
}

void serve_sha256_put(serve_sha256 *x, const void *data, size_t size)
{
    const uint8_t *in = data;

    while (size > 0) {
        const size_t at = (size_t)(x->bytes % 64);
        const size_t n = size < 64 - at ? size : 64 - at;

        memcpy(x->block + at, in, n);
        x->bytes += n;
        in += n;
        size -= n;
        if (at + n == 64)
            sha_block(x->h, x->block);
    }
}

void serve_sha256_end(uint8_t out[32], serve_sha256 *x)
{
    const uint64_t bits = 8 * x->bytes;
    uint8_t tail[8];

    serve_sha256_put(x, "\x80", 1);
    while (x->bytes % 64 != 56)
        serve_sha256_put(x, "", 1);
    for (int i = 0; i < 8; i++)
        tail[i] = (uint8_t)(bits >> (56 - 8 * i));
    serve_sha256_put(x, tail, 8);
    for (int i = 0; i < 32; i++)
        out[i] = (uint8_t)(x->h[i / 4] >> (24 - 8 * (i % 4)));
}
