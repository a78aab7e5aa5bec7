/* forged.c -- obstacles in a forger's way.
 *
 * Decryption is c_0 + c_1 s.  A server that sends c_1 = K and c_0 = t, both
 * constant, gets K s + t decrypted for it: a mask of that is a comparison of
 * the secret key with a threshold, slot by slot (docs/14-forged-results.md).
 * An honest result's c_1 is uniform modulo every prime, so what is far from
 * uniform is refused:
 *
 *   one value at more than half of the places, of the coefficients or of the
 *   words in NTT form (zero, constants, sparse polynomials, few slots); odds
 *   for an honest result: below 2^N / q^(N/2);
 *   all coefficients within a quarter of the prime around 0, from N = 2^7 on;
 *   odds: 2^-N;
 *   c_1 of an uploaded ciphertext, which decrypts to the image itself.
 *
 * These are obstacles and no proof: c_1 + K of an honest result passes, and
 * decrypts to m + K s.
 */
#include <stdlib.h>
#include <string.h>

#include "ckks_primitives.h"
#include "vct.h"

/* Places of the value that stands at more than half of them, if there is one;
 * else of some value.  Majority by votes: a value is voted for where it stands
 * and against elsewhere, and what has more than half cannot be voted out. */
static size_t most_places(const uint64_t *x, size_t n)
{
    uint64_t value = x[0];
    size_t votes = 0, places = 0;

    for (size_t j = 0; j < n; j++) {
        if (votes == 0)
            value = x[j];
        votes += x[j] == value ? 1 : (size_t)-1;
    }
    for (size_t j = 0; j < n; j++)
        places += x[j] == value;
    return places;
}

static bool small(const uint64_t *x, size_t n, uint64_t q)
{
    if (n < 128)
        return false;
    for (size_t j = 0; j < n; j++)
        if (x[j] > q / 4 && x[j] < q - q / 4)
            return false;
    return true;
}

static size_t degree(const ckks_ctx *ctx)
{
    return (size_t)1 << ckks_ctx_log_n(ctx);
}

static const uint64_t *c1_limb(const ckks_ct *ct, int level)
{
    return ct->limb + (size_t)(ct->level + 1 + level) * degree(ct->ctx);
}

/* BLAKE2b of what `name` held and words in 8 bytes each. */
static ckks_status name_words(uint8_t name[UNET_ID], const uint64_t *x,
                              size_t n)
{
    uint8_t *bytes = malloc(UNET_ID + 8 * n);

    if (bytes == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu words", n);
    memcpy(bytes, name, UNET_ID);
    for (size_t j = 0; j < n; j++)
        uni_vct_store(bytes + UNET_ID + 8 * j, x[j], 8);
    ckks_blake2b(name, UNET_ID, bytes, UNET_ID + 8 * n, NULL, 0);
    free(bytes);
    return CKKS_OK;
}

ckks_status uni_name_c1(uint8_t out[UNET_ID], const ckks_ct *ct)
{
    memset(out, 0, UNET_ID);
    return name_words(out, c1_limb(ct, 0), degree(ct->ctx));
}

ckks_status uni_name_answer(uint8_t name[UNET_ID], const ckks_ct *ct)
{
    return name_words(name, ct->limb,
                      2 * (size_t)(ct->level + 1) * degree(ct->ctx));
}

static ckks_status check_uniform(const ckks_ct *ct, int level, uint64_t *x,
                                 const char *path)
{
    const size_t n = degree(ct->ctx);
    const uint64_t *words = c1_limb(ct, level);
    ckks_status s;

    if (2 * most_places(words, n) > n)
        return nn_fail(CKKS_EPARAM, "%s: a forged result: c_1 has one value at "
                       "%zu of %zu places", path, most_places(words, n), n);
    memcpy(x, words, n * sizeof *x);
    s = ckks_ntt_inverse(x, ct->ctx, level);
    if (s != CKKS_OK)
        return nn_relay(s, path);
    if (2 * most_places(x, n) > n)
        return nn_fail(CKKS_EPARAM, "%s: a forged result: c_1 has one value at "
                       "%zu of %zu coefficients", path, most_places(x, n), n);
    if (small(x, n, ckks_ctx_prime(ct->ctx, level)))
        return nn_fail(CKKS_EPARAM, "%s: a forged result: all %zu coefficients "
                       "of c_1 are small", path, n);
    return CKKS_OK;
}

static ckks_status check_unknown(const ckks_ct *ct, const unet_request *r,
                                 const char *path)
{
    const size_t count = r->job.sets * r->inputs;
    uint8_t name[UNET_ID];
    ckks_status s = uni_name_c1(name, ct);

    for (size_t k = 0; k < count && s == CKKS_OK; k++)
        if (memcmp(name, r->upload + k * UNET_ID, UNET_ID) == 0)
            s = nn_fail(CKKS_EPARAM, "%s: a forged result: c_1 is that of "
                        "uploaded ciphertext %zu", path, k);
    return s;
}

ckks_status uni_check_forged(const ckks_ct *ct, const unet_request *request,
                             const char *path)
{
    uint64_t *x = malloc(degree(ct->ctx) * sizeof *x);
    ckks_status s = CKKS_OK;

    if (x == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu coefficients",
                       degree(ct->ctx));
    for (int level = 0; level <= ct->level && s == CKKS_OK; level++)
        s = check_uniform(ct, level, x, path);
    free(x);
    if (s == CKKS_OK && request != NULL)
        s = check_unknown(ct, request, path);
    return s;
}
