/* aes.c -- which kernels of AES there are, and which one a session takes. */
#include "blind/aes.h"

#include <string.h>

#include "base/bytes.h"
#include "blind/garble.h"
#include "blind/transpose.h"
#include "nn.h"

const blind_aes *const blind_aes_kernels[] = {
#ifdef BLIND_HAVE_X86
    &blind_aes_vaes, &blind_aes_aesni,
#endif
    &blind_aes_portable, NULL
};

enum { KEYS = 37, BLOCKS = 41 };        /* no multiple of any kernel's group */

static blind_block from_bytes(const uint8_t b[16])
{
    return (blind_block){ { cki_load64(b), cki_load64(b + 8) } };
}

/* The block whose sigma is y: the hash of it under `key` is AES_key(y) ^ y. */
static blind_block before_sigma(blind_block y)
{
    return (blind_block){ { y.w[0] ^ y.w[1], y.w[0] } };
}

/* FIPS 197, appendix B (the key of A.1's expansion) and C.1: every round key
 * goes into the answer. */
static bool known_answers(const blind_aes *a)
{
    static const uint8_t fips[2][3][16] = {
        { { 0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15,
            0x88, 0x09, 0xcf, 0x4f, 0x3c },
          { 0x32, 0x43, 0xf6, 0xa8, 0x88, 0x5a, 0x30, 0x8d, 0x31, 0x31, 0x98,
            0xa2, 0xe0, 0x37, 0x07, 0x34 },
          { 0x39, 0x25, 0x84, 0x1d, 0x02, 0xdc, 0x09, 0xfb, 0xdc, 0x11, 0x85,
            0x97, 0x19, 0x6a, 0x0b, 0x32 } },
        { { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
          { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa,
            0xbb, 0xcc, 0xdd, 0xee, 0xff },
          { 0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30, 0xd8, 0xcd, 0xb7,
            0x80, 0x70, 0xb4, 0xc5, 0x5a } }
    };
    bool ok = true;

    for (int i = 0; i < 2; i++) {
        const blind_block key = from_bytes(fips[i][0]);
        const blind_block plain = from_bytes(fips[i][1]);
        const blind_block x = before_sigma(plain);
        blind_block got;

        a->hash(&got, &x, key, 0, 1, 1);
        got = blind_xor(got, plain);
        ok = ok && got.w[0] == cki_load64(fips[i][2])
             && got.w[1] == cki_load64(fips[i][2] + 8);
    }
    return ok;
}

/* Blocks by the portable kernel, whose known answers have been looked at, in
 * every place of a group and of what is left over. */
static bool agrees(const blind_aes *a)
{
    const blind_block start = { { 0x0123456789abcdef, 0xfedcba9876543210 } };
    blind_block in[2 * KEYS], got[2 * KEYS], want[2 * KEYS];
    bool ok = true;

    blind_aes_portable.stream(in, start, UINT64_MAX - 7, 2 * KEYS);
    a->stream(got, start, UINT64_MAX - 7, BLOCKS);
    ok = memcmp(got, in, BLOCKS * sizeof *got) == 0;
    for (int per = 1; per <= 2; per++) {
        const size_t size = KEYS * (size_t)per * sizeof *got;

        blind_aes_portable.hash(want, in, start, UINT64_MAX - 5, KEYS, per);
        a->hash(got, in, start, UINT64_MAX - 5, KEYS, per);
        ok = ok && memcmp(got, want, size) == 0;
    }
    return ok;
}

/* A gate of 16 copies, by both parties, as the portable kernel has it. */
static bool gates_agree(const blind_aes *a)
{
    enum { N = BLIND_LANES };
    const blind_block seed = { { 7, 8 } };
    blind_block in[2 * N], got[N], want[N];
    uint8_t table[2][N * BLIND_AND_BYTES] = { { 0 } };
    bool ok = true;

    blind_aes_portable.stream(in, seed, 0, 2 * N);
    for (int garbles = 1; garbles >= 0; garbles--) {
        blind_gates g = { .garbles = garbles == 1, .aes = a, .start = seed,
                          .tweak = 9, .table = table[0] }, h;

        if (g.garbles)
            g.delta = (blind_block){ { UINT64_MAX - 2, 5 } };
        h = g;
        h.aes = &blind_aes_portable;
        h.table = table[1];
        blind_and(got, in, in + N, N, &g);
        blind_and(want, in, in + N, N, &h);
        ok = ok && memcmp(got, want, N * sizeof *got) == 0
             && memcmp(table[0], table[1], sizeof table[0]) == 0;
    }
    return ok;
}

/* Three squares of bits, a number that fills no vector of two. */
static bool transposes(const blind_aes *a)
{
    enum { N = 3, STRIDE = 4 };
    const blind_block seed = { { 9, 10 } };
    blind_block in[128 * STRIDE], got[128 * N], want[128 * N];

    blind_aes_portable.stream(in, seed, 0, 128 * STRIDE);
    a->transpose(got, in, STRIDE, N);
    blind_transpose(want, in, STRIDE, N);
    return memcmp(got, want, sizeof got) == 0;
}

ckks_status blind_aes_choose(const blind_aes **out, const char *name)
{
    const bool portable = known_answers(&blind_aes_portable);

    for (const blind_aes *const *a = blind_aes_kernels; *a != NULL; a++) {
        if (name != NULL && strcmp(name, (*a)->name) != 0)
            continue;
        if ((*a)->usable() && portable && known_answers(*a) && agrees(*a)
            && gates_agree(*a) && transposes(*a)) {
            *out = *a;
            return CKKS_OK;
        }
        if (name != NULL)
            return nn_fail(CKKS_EPARAM, "AES: kernel %s %s", name,
                           (*a)->usable()
                               ? "gives wrong answers: miscompiled"
                               : "does not work on this machine");
    }
    if (name != NULL)
        return nn_fail(CKKS_EPARAM, "AES: no kernel named \"%s\" in this "
                       "build", name);
    return nn_fail(CKKS_EPARAM, "AES: no kernel of this build gives right "
                   "answers");
}
