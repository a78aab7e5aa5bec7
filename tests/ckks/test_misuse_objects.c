/* test_misuse_objects.c -- every refusal of contexts, keys, encoding and
 * encryption, and of bytes and files as far as the field tests leave any.
 */
#include "misuse_support.h"

#include <math.h>
#include <string.h>

/* One wrong thing in the parameters, for both functions that read them. */
#define WRONG(change)                                                     \
    do {                                                                  \
        m.params = good;                                                  \
        m.params.change;                                                  \
        REFUSED(&m, CKKS_EPARAM, "ckks_params_resolve",                   \
                ckks_params_resolve(&m.out_params, &m.params));           \
        REFUSED(&m, CKKS_EPARAM, "ckks_ctx_init",                         \
                ckks_ctx_init(&m.out_ctx, &m.params));                    \
    } while (0)

#define WRONG_CTX(change)                                                 \
    do {                                                                  \
        m.params = good;                                                  \
        m.params.change;                                                  \
        REFUSED(&m, CKKS_EPARAM, "ckks_ctx_init",                         \
                ckks_ctx_init(&m.out_ctx, &m.params));                    \
    } while (0)

TEST(misuse_params)
{
    static mess m;
    ckks_params good;

    if (!mess_init(&m))
        return;
    good = m.params;
    WRONG(log_n = 1);
    WRONG(log_n = 18);
    WRONG(num_primes = 0);
    WRONG(num_primes = 65);
    WRONG(num_special = -1);
    WRONG(num_special = 33);
    WRONG(dnum = 0);
    WRONG(dnum = 4);
    WRONG(generator = 4);
    WRONG(security = 100);
    WRONG(primes[1] = 0);
    WRONG(primes[1] = 2);
    WRONG(primes[1] = 5);                       /* 1 mod 32: none of 5 bits  */
    WRONG(primes[1] = 62);
    WRONG(primes[1] = 99);
    WRONG(primes[2] = 193 * UINT64_C(97));      /* 1 mod 32, not prime       */
    WRONG(primes[2] = UINT64_MAX);
    WRONG(primes[0] = ckks_ctx_prime(m.ctx, 1); m.params.primes[1]
          = ckks_ctx_prime(m.ctx, 1));
    WRONG_CTX(security = 128);                  /* N = 2^4 has no limit      */
    WRONG_CTX(kernel = "abacus");
    CHECK(strstr(ckks_last_error(), "\"abacus\"") != NULL, "%s",
          ckks_last_error());
    WRONG_CTX(dnum = 1);
    m.params = good;
    m.params.primes[1] = 55;
    m.params.dnum = 3;
    REFUSED(&m, CKKS_EPARAM, "ckks_ctx_init",
            ckks_ctx_init(&m.out_ctx, &m.params));
    REFUSED(&m, CKKS_EARG, "ckks_ctx_init", ckks_ctx_init(NULL, &good));
    REFUSED(&m, CKKS_EARG, "ckks_ctx_init", ckks_ctx_init(&m.out_ctx, NULL));
    REFUSED(&m, CKKS_EARG, "ckks_params_resolve",
            ckks_params_resolve(NULL, &good));
    REFUSED(&m, CKKS_EARG, "ckks_params_resolve",
            ckks_params_resolve(&m.out_params, NULL));
    mess_clear(&m);
}

/* No name is no name, be it NULL or empty. */
TEST(misuse_params_without_kernel)
{
    static mess m;
    ckks_ctx *ctx = NULL;

    if (!mess_init(&m))
        return;
    m.params.kernel = "";
    if (CHECK_OK(ckks_ctx_init(&ctx, &m.params)))
        CHECK(strcmp(ckks_ctx_kernel(ctx), ckks_ctx_kernel(m.ctx)) == 0, "%s",
              ckks_ctx_kernel(ctx));
    ckks_ctx_clear(&ctx);
    for (int level = -99; level < 199; level++)     /* there are 0..2 */
        CHECK((ckks_ctx_log_q(m.ctx, level) > 0) == (level >= 0 && level < 3),
              "level %d", level);
    mess_clear(&m);
}

/* One hook without the other. */
TEST(misuse_memory_hooks)
{
    static mess m;

    if (!mess_init(&m))
        return;
    m.params.memory.allocate = misuse_memory(&m.meter).allocate;
    CHECK_STATUS(ckks_ctx_init(&m.out_ctx, &m.params), CKKS_EPARAM);
    CHECK(m.out_ctx == NULL, "a context was made");
    mess_clear(&m);
}

TEST(misuse_keys)
{
    static mess m;
    ckks_key_request r[2] = { { CKKS_KEY_ROTATE, 1, 2 },
                              { CKKS_KEY_RELIN, 0, 2 } };

    if (!mess_init(&m))
        return;
    REFUSED(&m, CKKS_EARG, "ckks_sk_init", ckks_sk_init(NULL, m.ctx, &m.rng));
    REFUSED(&m, CKKS_EARG, "ckks_sk_init",
            ckks_sk_init(&m.out_sk, NULL, &m.rng));
    REFUSED(&m, CKKS_EARG, "ckks_sk_init",
            ckks_sk_init(&m.out_sk, m.ctx, NULL));
    REFUSED(&m, CKKS_ERNG, "ckks_sk_init",
            ckks_sk_init(&m.out_sk, m.ctx, &m.unready));
    REFUSED(&m, CKKS_EARG, "ckks_pk_init", ckks_pk_init(NULL, &m.rng, m.sk));
    REFUSED(&m, CKKS_EARG, "ckks_pk_init",
            ckks_pk_init(&m.out_pk, NULL, m.sk));
    REFUSED(&m, CKKS_EARG, "ckks_pk_init",
            ckks_pk_init(&m.out_pk, &m.rng, NULL));
    REFUSED(&m, CKKS_ERNG, "ckks_pk_init",
            ckks_pk_init(&m.out_pk, &m.unready, m.sk));
#define KEYS(status, rng, sk, n)                                          \
    REFUSED(&m, status, "ckks_keys_init",                                 \
            ckks_keys_init(&m.out_keys, rng, sk, r, n))
    REFUSED(&m, CKKS_EARG, "ckks_keys_init",
            ckks_keys_init(NULL, &m.rng, m.sk, r, 2));
    REFUSED(&m, CKKS_EARG, "ckks_keys_init",
            ckks_keys_init(&m.out_keys, &m.rng, m.sk, NULL, 2));
    CHECK_OK(ckks_keys_init(&m.out_keys, &m.rng, m.sk, NULL, 0));
    KEYS(CKKS_EARG, NULL, m.sk, 2);
    KEYS(CKKS_EARG, &m.rng, NULL, 2);
    KEYS(CKKS_ERNG, &m.unready, m.sk, 2);
    KEYS(CKKS_EPARAM, &m.rng, m.bare_sk, 2);
    KEYS(CKKS_EARG, &m.rng, m.sk, SIZE_MAX);
    KEYS(CKKS_EARG, &m.rng, m.sk, 10);          /* N/2 + 1 = 9 exist */
    CHECK(strstr(ckks_last_error(), "no more than 9") != NULL, "%s",
          ckks_last_error());
    r[1].level = 3;
    KEYS(CKKS_ELEVEL, &m.rng, m.sk, 2);
    r[1].level = -1;
    KEYS(CKKS_ELEVEL, &m.rng, m.sk, 2);
    r[1] = (ckks_key_request){ (ckks_key_kind)3, 0, 2 };
    KEYS(CKKS_EARG, &m.rng, m.sk, 2);
    r[1] = (ckks_key_request){ CKKS_KEY_ROTATE, 8, 2 };         /* 0 mod N/2 */
    KEYS(CKKS_EARG, &m.rng, m.sk, 2);
    r[1] = (ckks_key_request){ CKKS_KEY_ROTATE, -7, 1 };        /* 1 mod N/2 */
    KEYS(CKKS_EARG, &m.rng, m.sk, 2);
    r[0] = r[1] = (ckks_key_request){ CKKS_KEY_CONJ, 0, 2 };
    r[1].step = 5;
    KEYS(CKKS_EARG, &m.rng, m.sk, 2);
    CHECK(ckks_keys_count(NULL) == 0
          && ckks_keys_level(NULL, CKKS_KEY_RELIN, 0) == -1
          && ckks_keys_level(m.keys, CKKS_KEY_ROTATE, 3) == -1, "no keys");
    mess_clear(&m);
}

TEST(misuse_encode)
{
    static const char f[] = "ckks_encode", g[] = "ckks_encode_const";
    static mess m;
    double bad[2] = { 0, NAN }, huge[2] = { 0, 0x1p80 };

    if (!mess_init(&m))
        return;
#define ENCODE(status, out, ctx, re, im, n, level, scale)                 \
    REFUSED(&m, status, f, ckks_encode(out, ctx, re, im, n, level, scale))
#define ENCODE_CONST(status, out, ctx, re, im, level, scale)              \
    REFUSED(&m, status, g,                                                \
            ckks_encode_const(out, ctx, re, im, level, scale))
    ENCODE(CKKS_EARG, NULL, m.ctx, m.re, NULL, 8, 2, 0x1p30);
    ENCODE(CKKS_EARG, &m.out_pt, NULL, m.re, NULL, 8, 2, 0x1p30);
    ENCODE(CKKS_EARG, &m.out_pt, m.ctx, NULL, NULL, 8, 2, 0x1p30);
    ENCODE(CKKS_EARG, &m.out_pt, m.ctx, m.re, NULL, 9, 2, 0x1p30);
    ENCODE(CKKS_EARG, &m.out_pt, m.ctx, bad, NULL, 2, 2, 0x1p30);
    ENCODE(CKKS_EARG, &m.out_pt, m.ctx, m.re, bad, 2, 2, 0x1p30);
    bad[1] = INFINITY;
    ENCODE(CKKS_EARG, &m.out_pt, m.ctx, bad, NULL, 2, 2, 0x1p30);
    ENCODE(CKKS_ELEVEL, &m.out_pt, m.ctx, m.re, NULL, 8, -1, 0x1p30);
    ENCODE(CKKS_ELEVEL, &m.out_pt, m.ctx, m.re, NULL, 8, 3, 0x1p30);
    ENCODE(CKKS_ESCALE, &m.out_pt, m.ctx, m.re, NULL, 8, 2, 0.99);
    ENCODE(CKKS_ESCALE, &m.out_pt, m.ctx, m.re, NULL, 8, 2, NAN);
    ENCODE(CKKS_ESCALE, &m.out_pt, m.ctx, m.re, NULL, 8, 2, INFINITY);
    ENCODE(CKKS_ESCALE, &m.out_pt, m.ctx, huge, NULL, 2, 2, 0x1p60);
    ENCODE(CKKS_ESCALE, &m.out_pt, m.ctx, huge, huge, 2, 0, 1);
    ENCODE_CONST(CKKS_EARG, NULL, m.ctx, 1, 0, 2, 0x1p30);
    ENCODE_CONST(CKKS_EARG, &m.out_pt, NULL, 1, 0, 2, 0x1p30);
    ENCODE_CONST(CKKS_EARG, &m.out_pt, m.ctx, NAN, 0, 2, 0x1p30);
    ENCODE_CONST(CKKS_EARG, &m.out_pt, m.ctx, 0, INFINITY, 2, 0x1p30);
    ENCODE_CONST(CKKS_ELEVEL, &m.out_pt, m.ctx, 1, 0, 3, 0x1p30);
    ENCODE_CONST(CKKS_ELEVEL, &m.out_pt, m.ctx, 1, 0, -1, 0x1p30);
    ENCODE_CONST(CKKS_ESCALE, &m.out_pt, m.ctx, 1, 0, 2, 0);
    ENCODE_CONST(CKKS_ESCALE, &m.out_pt, m.ctx, 0x1p90, 0, 2, 0x1p30);
    ENCODE_CONST(CKKS_ESCALE, &m.out_pt, m.ctx, 0, 0x1p45, 0, 1);
    REFUSED(&m, CKKS_EARG, "ckks_decode", ckks_decode(NULL, m.im, 8, &m.pt));
    REFUSED(&m, CKKS_EARG, "ckks_decode", ckks_decode(m.re, m.im, 9, &m.pt));
    REFUSED(&m, CKKS_EARG, "ckks_decode", ckks_decode(m.re, m.im, 8, NULL));
    REFUSED(&m, CKKS_EARG, "ckks_decode",
            ckks_decode(m.re, m.im, 8, &m.pt_zero));
    mess_clear(&m);
}

TEST(misuse_encrypt)
{
    static const char f[] = "ckks_encrypt_sk", g[] = "ckks_encrypt";
    static mess m;

    if (!mess_init(&m))
        return;
#define ENC(status, out, rng, pt, sk, pk)                                 \
    do {                                                                  \
        REFUSED(&m, status, f, ckks_encrypt_sk(out, rng, pt, sk));        \
        REFUSED(&m, status, g, ckks_encrypt(out, rng, pt, pk));           \
    } while (0)
    ENC(CKKS_EARG, NULL, &m.rng, &m.pt, m.sk, m.pk);
    ENC(CKKS_EARG, &m.out, NULL, &m.pt, m.sk, m.pk);
    ENC(CKKS_EARG, &m.out, &m.rng, NULL, m.sk, m.pk);
    ENC(CKKS_EARG, &m.out, &m.rng, &m.pt_zero, m.sk, m.pk);
    ENC(CKKS_EARG, &m.out, &m.rng, &m.pt, NULL, NULL);
    ENC(CKKS_ERNG, &m.out, &m.unready, &m.pt, m.sk, m.pk);
    ENC(CKKS_ECTX, &m.out, &m.rng, &m.pt, m.other_sk, m.other_pk);
    {
        ckks_pk *pk = NULL;

        CHECK_OK(ckks_pk_init(&pk, &m.rng, m.bare_sk));
        REFUSED(&m, CKKS_EPARAM, g,
                ckks_encrypt(&m.out, &m.rng, &m.pt_bare, pk));
        ckks_pk_clear(&pk);
    }
    mess_clear(&m);
}

TEST(misuse_decrypt)
{
    static const char f[] = "ckks_decrypt", g[] = "ckks_decrypt_flooded";
    static mess m;

    if (!mess_init(&m))
        return;
#define FLOOD(status, out, rng, ct, sk, error, hiding)                    \
    REFUSED(&m, status, g,                                                \
            ckks_decrypt_flooded(out, rng, ct, sk, error, hiding))
    REFUSED(&m, CKKS_EARG, f, ckks_decrypt(NULL, &m.ct, m.sk));
    REFUSED(&m, CKKS_EARG, f, ckks_decrypt(&m.out_pt, NULL, m.sk));
    REFUSED(&m, CKKS_EARG, f, ckks_decrypt(&m.out_pt, &m.ct_zero, m.sk));
    REFUSED(&m, CKKS_EARG, f, ckks_decrypt(&m.out_pt, &m.ct, NULL));
    REFUSED(&m, CKKS_ECTX, f, ckks_decrypt(&m.out_pt, &m.ct, m.other_sk));
    FLOOD(CKKS_EARG, NULL, &m.rng, &m.ct, m.sk, 5, 20);
    FLOOD(CKKS_EARG, &m.out_pt, NULL, &m.ct, m.sk, 5, 20);
    FLOOD(CKKS_EARG, &m.out_pt, &m.rng, NULL, m.sk, 5, 20);
    FLOOD(CKKS_EARG, &m.out_pt, &m.rng, &m.ct_zero, m.sk, 5, 20);
    FLOOD(CKKS_EARG, &m.out_pt, &m.rng, &m.ct, NULL, 5, 20);
    FLOOD(CKKS_EARG, &m.out_pt, &m.rng, &m.ct, m.sk, 5, 19);
    FLOOD(CKKS_EARG, &m.out_pt, &m.rng, &m.ct, m.sk, -1, 20);
    FLOOD(CKKS_EARG, &m.out_pt, &m.rng, &m.ct, m.sk, NAN, 20);
    FLOOD(CKKS_ERNG, &m.out_pt, &m.unready, &m.ct, m.sk, 5, 20);
    FLOOD(CKKS_ECTX, &m.out_pt, &m.rng, &m.ct, m.other_sk, 5, 20);
    FLOOD(CKKS_ESCALE, &m.out_pt, &m.rng, &m.ct, m.sk, 80, 21);
    FLOOD(CKKS_ESCALE, &m.out_pt, &m.rng, &m.ct_bottom, m.sk, 23, 20);
    FLOOD(CKKS_ESCALE, &m.out_pt, &m.rng, &m.ct, m.sk, 100, 20);
    FLOOD(CKKS_ESCALE, &m.out_pt, &m.rng, &m.ct, m.sk, 1, 100);
    FLOOD(CKKS_EARG, &m.out_pt, &m.rng, &m.ct, m.sk, 100.001, 20);
    FLOOD(CKKS_EARG, &m.out_pt, &m.rng, &m.ct, m.sk, 1, 101);
    mess_clear(&m);
}

/* Loading and saving: null pointers and sizes; bytes are refused field by
 * field in test_serial_fields.c. */
TEST(misuse_bytes)
{
    static mess m;
    uint8_t *b;

    if (!mess_init(&m))
        return;
    b = m.bytes;
#define BYTES(kind, object, out, ctx_arg)                                 \
    do {                                                                  \
        size_t size_ = ckks_##kind##_size(object);                        \
        REFUSED(&m, CKKS_EARG, "ckks_" #kind "_save",                     \
                ckks_##kind##_save(NULL, size_, object));                 \
        REFUSED(&m, CKKS_EARG, "ckks_" #kind "_save",                     \
                ckks_##kind##_save(b, size_ + 1, object));                \
        REFUSED(&m, CKKS_EARG, "ckks_" #kind "_save",                     \
                ckks_##kind##_save(b, size_ - 1, object));                \
        REFUSED(&m, CKKS_EARG, "ckks_" #kind "_save",                     \
                ckks_##kind##_save(b, size_, NULL));                      \
        REFUSED(&m, CKKS_EARG, "ckks_" #kind "_load",                     \
                ckks_##kind##_load(NULL, ctx_arg b, size_));              \
        REFUSED(&m, CKKS_EARG, "ckks_" #kind "_load",                     \
                ckks_##kind##_load(out, ctx_arg NULL, size_));            \
        REFUSED(&m, CKKS_EFORMAT, "ckks_" #kind "_load",                  \
                ckks_##kind##_load(out, ctx_arg b, size_));               \
        REFUSED(&m, CKKS_EFORMAT, "ckks_" #kind "_load",                  \
                ckks_##kind##_load(out, ctx_arg b, 0));                   \
        CHECK_OK(ckks_##kind##_save(b, size_, object));                   \
        b[size_ - 1] ^= 0x80;           /* a checksum or a field             */\
        REFUSED(&m, CKKS_EFORMAT, "ckks_" #kind "_load",                  \
                ckks_##kind##_load(out, ctx_arg b, size_));               \
        memset(b, 0x33, size_);                                           \
    } while (0)
#define CTX m.ctx,
    BYTES(pt, &m.pt, &m.out_pt, CTX);
    BYTES(ct, &m.ct_two, &m.out, CTX);
    BYTES(sk, m.sk, &m.out_sk, CTX);
    BYTES(pk, m.pk, &m.out_pk, CTX);
    BYTES(keys, m.keys, &m.out_keys, CTX);
    REFUSED(&m, CKKS_EARG, "ckks_params_save", ckks_params_save(b, 1, m.ctx));
    REFUSED(&m, CKKS_EARG, "ckks_params_save",
            ckks_params_save(NULL, ckks_params_size(m.ctx), m.ctx));
    REFUSED(&m, CKKS_EFORMAT, "ckks_params_load",
            ckks_params_load(&m.out_params, b, 200));
    REFUSED(&m, CKKS_EARG, "ckks_params_load",
            ckks_params_load(&m.out_params, NULL, 200));
    mess_clear(&m);
}

TEST(misuse_files)
{
    static mess m;
    static const char w[] = "ckks_file_write", r[] = "ckks_file_read";
    uint8_t *data = m.bytes;
    size_t size = 7;

    if (!mess_init(&m))
        return;
    REFUSED(&m, CKKS_EARG, w, ckks_file_write(NULL, m.bytes, 3, 0600));
    REFUSED(&m, CKKS_EARG, w, ckks_file_write("/tmp/x", NULL, 3, 0600));
    REFUSED(&m, CKKS_EARG, r, ckks_file_read(NULL, &size, "/dev/null", 9));
    REFUSED(&m, CKKS_EARG, r, ckks_file_read(&data, NULL, "/dev/null", 9));
    REFUSED(&m, CKKS_EARG, r, ckks_file_read(&data, &size, NULL, 9));
    CHECK_STATUS(ckks_file_write("/no/such/folder/x", m.bytes, 3, 0600),
                 CKKS_EIO);
    CHECK_STATUS(ckks_file_read(&data, &size, "/no/such/folder/x", 9),
                 CKKS_EIO);
    CHECK_STATUS(ckks_file_read(&data, &size, "/", 9), CKKS_EIO);
    CHECK(data == m.bytes && size == 7, "outputs changed");
    mess_clear(&m);
}
