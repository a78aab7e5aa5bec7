/* seal_mend.c -- headers, sizes and counts of SEAL's files put right; the other
 * fields stay, so that changes of them reach the loader.  With FUZZ_OTHER the
 * last polynomial is a seed.
 */
#include "seal/seal.h"

#include <string.h>

#include "base/bytes.h"
#include "seal_mend.h"

static void head(uint8_t *at, uint64_t size)
{
    uint8_t minor = at[4];

    cki_seal_head_write(at, size);
    at[4] = minor <= 4 ? minor : 1;
}

/* A plaintext of so many primes. */
static void plain(fuzz_input *in, int primes)
{
    const ckks_ctx *ctx = fuzz_world_at(FUZZ_SEAL)->ctx;
    const size_t size = cki_seal_plain_size(ctx, primes);

    fuzz_resize(in, size);
    head(in->data, size);
    cki_seal_id(in->data + 16, ctx, primes);
    cki_store64(in->data + 48, (size - CKI_SEAL_PLAIN) / 8);
    head(in->data + 64, size - 64);
    cki_store64(in->data + 80, (size - CKI_SEAL_PLAIN) / 8);
}

/* The headers of a ciphertext at hand; returns its size. */
static size_t cipher(uint8_t *at, int parts, int primes, bool seeded)
{
    const ckks_ctx *ctx = fuzz_world_at(FUZZ_SEAL)->ctx;
    const size_t end = cki_seal_cipher_size(ctx, seeded ? 1 : parts, primes);
    const size_t size = end + (seeded ? 81 : 0);

    if (at == NULL)
        return size;
    head(at, size);
    cki_seal_id(at + 16, ctx, primes);
    head(at + 89, end - 89);
    cki_store64(at + 105, (end - CKI_SEAL_CIPHER) / 8);
    if (seeded) {
        head(at + end, 81);
        at[end + 16] = at[end + 16] > 2 ? 1 : at[end + 16];
    }
    return size;
}

static int level_primes(const fuzz_input *in)
{
    return 1 + in->variant % 16 % 3;
}

void fuzz_mend_seal_pt(fuzz_input *in)
{
    if (in->flags & FUZZ_MEND)
        plain(in, level_primes(in));
}

void fuzz_mend_seal_sk(fuzz_input *in)
{
    if (in->flags & FUZZ_MEND)
        plain(in, 3);
}

static void mend_cipher(fuzz_input *in, int primes)
{
    const bool seeded = (in->flags & FUZZ_OTHER) != 0;
    int parts;

    if (!(in->flags & FUZZ_MEND))
        return;
    if (in->size < CKI_SEAL_CIPHER)
        fuzz_resize(in, CKI_SEAL_CIPHER);
    parts = in->data[49] == 3 && !seeded ? 3 : 2;
    fuzz_resize(in, cipher(NULL, parts, primes, seeded));
    cipher(in->data, parts, primes, seeded);
}

void fuzz_mend_seal_ct(fuzz_input *in)
{
    mend_cipher(in, level_primes(in));
}

void fuzz_mend_seal_pk(fuzz_input *in)
{
    mend_cipher(in, 3);
}

/* Every index with as many digits as a key has gets its public keys. */
static void mend_keys(fuzz_input *in, uint64_t indices)
{
    const ckks_ctx *ctx = fuzz_world_at(FUZZ_SEAL)->ctx;
    const bool seeded = (in->flags & FUZZ_OTHER) != 0;
    const size_t one = cipher(NULL, 2, 3, seeded);
    size_t at = 56;

    if (!(in->flags & FUZZ_MEND))
        return;
    if (in->size < at)
        fuzz_resize(in, at);
    for (uint64_t i = 0; i < indices && at + 8 < FUZZ_LARGEST / 8; i++) {
        if (in->size < at + 8)
            fuzz_resize(in, at + 8);
        at += 8;
        if (cki_load64(in->data + at - 8) != 2)
            continue;
        if (in->size < at + 2 * one)
            fuzz_resize(in, at + 2 * one);
        cipher(in->data + at, 2, 3, seeded);
        cipher(in->data + at + one, 2, 3, seeded);
        at += 2 * one;
    }
    fuzz_resize(in, at);
    head(in->data, at);
    cki_seal_id(in->data + 16, ctx, 3);
}

void fuzz_mend_seal_relin(fuzz_input *in)
{
    mend_keys(in, 1);
}

void fuzz_mend_seal_galois(fuzz_input *in)
{
    mend_keys(in, fuzz_world_at(FUZZ_SEAL)->ctx->n);
}

/* Where the two differ a minor version of 4.1 was written for one of 4.0 to
 * 4.4 that was read. */
bool fuzz_same_seal(const uint8_t *a, const uint8_t *b, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (a[i] != b[i] && (i < 4 || b[i] != 1 || a[i] > 4 || b[i - 1] != 4
                             || b[i - 2] != CKI_SEAL_HEAD))
            return false;
    return true;
}
