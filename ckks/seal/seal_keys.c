/* seal_keys.c -- SEAL's secret and public keys.
 *
 * Read first: seal.h, key.h; docs/interop.md.
 *
 *   secret key   a plaintext of the key level: NTT(s) modulo every prime
 *   public key   a ciphertext of the key level: b, a
 *
 * The random half of a key of SEAL need not come from a seed, or comes from
 * one that our own format does not know: a key read here is marked seedless.
 */
#include "seal/seal.h"

#include "base/bytes.h"
#include "bytes/serial.h"

static int key_primes(const ckks_ctx *ctx)
{
    return ctx->num_primes + 1;
}

static ckks_status check_load(const void *out, const ckks_ctx *ctx,
                              const uint8_t *in, const char *name)
{
    if (out == NULL || ctx == NULL || in == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    return cki_seal_check_ctx(ctx, name);
}

/* ---- secret key --------------------------------------------------------- */

size_t ckks_seal_sk_size(const ckks_sk *sk)
{
    if (sk == NULL || cki_seal_check_ctx(sk->ctx, "ckks_seal_sk_size")
                          != CKKS_OK)
        return 0;
    return (size_t)cki_seal_plain_size(sk->ctx, key_primes(sk->ctx));
}

ckks_status ckks_seal_sk_save(uint8_t *out, size_t size, const ckks_sk *sk)
{
    CKI_NEAREST;
    static const char name[] = "ckks_seal_sk_save";
    ckks_status s;

    if (sk == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    s = cki_seal_check_ctx(sk->ctx, name);
    if (s == CKKS_OK)
        s = cki_check_room(out, size, ckks_seal_sk_size(sk), name);
    if (s == CKKS_OK)
        cki_seal_plain_write(out, sk->limb, key_primes(sk->ctx), 1, sk->ctx);
    return s;
}

/* The coefficients from the words of prime 0, all but 1 and -1 taken for 0;
 * then all words from the coefficients, compared with the file's: equal if and
 * only if every coefficient was one of the three.  The time depends on whether
 * words of prime 0 are below it, and on the verdict; not on the secret. */
static bool recover_secret(ckks_sk *sk, const uint8_t *words)
{
    const ckks_ctx *ctx = sk->ctx;
    const size_t n = ctx->n;
    const uint64_t p = ctx->rns.mod[0].p;
    uint64_t bad = 0;

    for (size_t i = 0; i < n; i++) {
        sk->limb[i] = cki_load64(words + 8 * i);
        bad |= sk->limb[i] >= p;
    }
    if (bad)
        return false;
    cki_ntt_inv(&ctx->rns, sk->limb, sk->limb, 0);
    for (size_t i = 0; i < n; i++) {
        unsigned plus = sk->limb[i] == 1, minus = sk->limb[i] == p - 1;

        sk->coeff[i] = (int8_t)((int)plus - (int)minus);
    }
    cki_sk_expand(sk);
    for (size_t i = 0; i < (size_t)key_primes(ctx) * n; i++)
        bad |= sk->limb[i] ^ cki_load64(words + 8 * i);
    return bad == 0;
}

ckks_status ckks_seal_sk_load(ckks_sk **out, const ckks_ctx *ctx,
                              const uint8_t *in, size_t size)
{
    CKI_NEAREST;
    static const char name[] = "ckks_seal_sk_load";
    cki_seal_view v;
    ckks_sk *made;
    ckks_status s = check_load(out, ctx, in, name);

    if (s == CKKS_OK)
        s = cki_seal_plain_check(&v, in, size, true, ctx, "secret key", name);
    if (s == CKKS_OK)
        s = cki_check_size(size, v.size, name);
    if (s == CKKS_OK)
        s = cki_sk_new(&made, ctx, name);
    if (s != CKKS_OK)
        return s;
    if (!recover_secret(made, v.words)) {
        ckks_sk_clear(&made);                       /* wipes                 */
        return cki_fail(CKKS_EFORMAT, "%s: the words of the %d primes are not "
                        "those of one polynomial with coefficients -1, 0, 1",
                        name, key_primes(ctx));
    }
    ckks_sk_clear(out);
    *out = made;
    return CKKS_OK;
}

/* ---- public key --------------------------------------------------------- */

size_t ckks_seal_pk_size(const ckks_pk *pk)
{
    if (pk == NULL || cki_seal_check_ctx(pk->ctx, "ckks_seal_pk_size")
                          != CKKS_OK)
        return 0;
    return (size_t)cki_seal_cipher_size(pk->ctx, 2, key_primes(pk->ctx));
}

ckks_status ckks_seal_pk_save(uint8_t *out, size_t size, const ckks_pk *pk)
{
    CKI_NEAREST;
    static const char name[] = "ckks_seal_pk_save";
    ckks_status s;

    if (pk == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    s = cki_seal_check_ctx(pk->ctx, name);
    if (s == CKKS_OK)
        s = cki_check_room(out, size, ckks_seal_pk_size(pk), name);
    if (s == CKKS_OK)
        cki_seal_cipher_write(
            out, cki_seal_dense(pk->limb, key_primes(pk->ctx), pk->ctx), 2,
            key_primes(pk->ctx), 1, pk->ctx);
    return s;
}

ckks_status ckks_seal_pk_load(ckks_pk **out, const ckks_ctx *ctx,
                              const uint8_t *in, size_t size)
{
    CKI_NEAREST;
    static const char name[] = "ckks_seal_pk_load", what[] = "public key";
    cki_seal_view v;
    ckks_pk *made;
    ckks_status s = check_load(out, ctx, in, name);

    if (s == CKKS_OK)
        s = cki_seal_cipher_check(&v, in, size, true, ctx, what, name);
    if (s == CKKS_OK)
        s = cki_check_size(size, v.size, name);
    if (s == CKKS_OK)
        s = cki_pk_new(&made, ctx, name);
    if (s != CKKS_OK)
        return s;
    made->seedless = true;
    s = cki_seal_words_read(cki_seal_dense(made->limb, v.primes, ctx), &v, ctx,
                            what, name);
    if (s != CKKS_OK) {
        ckks_pk_clear(&made);
        return s;
    }
    ckks_pk_clear(out);
    *out = made;
    return CKKS_OK;
}
