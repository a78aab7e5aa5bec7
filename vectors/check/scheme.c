/* scheme.c -- encoding, keys, encryption and decryption. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* ---- encoding ----------------------------------------------------------- */

/* Slots: in full, or 42 bits a slot of stream(seed; 0, 0), 21 a number; those of
 * imaginary parts are passed over in the real ring. */
static size_t scheme_slots(vec_case *c, double **re, double **im)
{
    const nni_json_node *seeded = nni_json_get(c->doc, c->input, "slotSeed");
    size_t count, other;
    const uint8_t *seed;
    uint8_t *raw;

    if (seeded == NULL) {
        *re = vec_doubles(c, vec_input(c, "re"), &count);
        *im = vec_doubles(c, vec_input(c, "im"), &other);
        if (other != count)
            vec_fail(c, "%zu real and %zu imaginary parts", count, other);
        return count;
    }
    count = (size_t)vec_range(c, c->input, "count", 0, 1 << 16);
    seed = vec_seed(c, c->input, "slotSeed");
    raw = vec_alloc(c, 16 * count);
    *re = vec_alloc(c, count * sizeof **re);
    *im = vec_alloc(c, count * sizeof **im);
    if (c->failed || !vec_ok(c, ckks_stream(raw, 16 * count, seed, 0, 0)))
        return 0;
    for (size_t j = 0; j < 2 * count; j++) {
        const uint8_t *b = raw + 8 * j;
        uint32_t w = (uint32_t)b[0] | (uint32_t)b[1] << 8
                     | (uint32_t)(b[2] & 31) << 16;

        if (j % 2 == 0)
            (*re)[j / 2] = ((double)w - 1048576) / 1048576;
        else if (!vec_real(c))
            (*im)[j / 2] = ((double)w - 1048576) / 1048576;
    }
    return count;
}

static bool scheme_encode(vec_case *c)
{
    double *re = NULL, *im = NULL;
    size_t count = scheme_slots(c, &re, &im);
    int level = vec_level(c, c->input);
    double scale = vec_double(c, c->input, "scale");

    return !c->failed
           && vec_ok(c, ckks_encode(&c->pt[0], c->group->ctx, re, im, count,
                                    level, scale));
}

static void scheme_plaintext(vec_case *c, const ckks_pt *pt)
{
    vec_check_words(c, "words", pt->limb, (size_t)(pt->level + 1),
                    c->group->n);
}

static void scheme_encode_run(vec_case *c)
{
    if (scheme_encode(c))
        scheme_plaintext(c, &c->pt[0]);
}

/* Coefficients of the encoding, centred modulo q_0. */
static void scheme_embed(vec_case *c)
{
    const size_t n = c->group->n;
    uint64_t p = vec_modulus(c, 0);
    double *out = vec_alloc(c, n * sizeof *out);

    if (!scheme_encode(c)
        || !vec_ok(c, ckks_ntt_inverse(c->pt[0].limb, c->group->ctx, 0)))
        return;
    for (size_t k = 0; k < n; k++) {
        uint64_t x = c->pt[0].limb[k];

        out[k] = x > p / 2 ? -(double)(p - x) : (double)x;
    }
    vec_check_doubles(c, "coefficients", out, n);
}

static void scheme_const(vec_case *c)
{
    double re = vec_double(c, c->input, "re");
    double im = vec_double(c, c->input, "im");

    if (vec_ok(c, ckks_encode_const(&c->pt[0], c->group->ctx, re, im,
                                    vec_level(c, c->input),
                                    vec_double(c, c->input, "scale"))))
        scheme_plaintext(c, &c->pt[0]);
}

static bool scheme_integers(vec_case *c, const int64_t *x)
{
    return !c->failed
           && vec_ok(c, ckks_encode_integers(
                            &c->pt[0], c->group->ctx, x,
                            vec_level(c, c->input),
                            vec_double(c, c->input, "scale")));
}

static void scheme_integers_run(vec_case *c)
{
    size_t count;
    int64_t *x = vec_ints(c, vec_input(c, "coefficients"), &count);

    if (count != c->group->n)
        vec_fail(c, "%zu coefficients", count);
    if (scheme_integers(c, x))
        scheme_plaintext(c, &c->pt[0]);
}

static int64_t *scheme_drawn(vec_case *c)
{
    const size_t n = c->group->n;
    const uint8_t *seed = vec_seed(c, c->input, "coefficientSeed");
    int bits = vec_range(c, c->input, "bits", 1, 31);
    uint8_t *raw = vec_alloc(c, 8 * n);
    int64_t *x = vec_alloc(c, n * sizeof *x);

    if (c->failed || !vec_ok(c, ckks_stream(raw, 8 * n, seed, 0, 0)))
        return NULL;
    for (size_t k = 0; k < n; k++) {
        uint32_t w = 0;

        for (int i = 3; i >= 0; i--)
            w = w << 8 | raw[8 * k + (size_t)i];
        w &= ((uint32_t)1 << bits) - 1;
        x[k] = (int64_t)w - ((int64_t)1 << (bits - 1));
    }
    return x;
}

static void scheme_decode(vec_case *c)
{
    const nni_json_node *e = nni_json_get(c->doc,
                                        nni_json_first(c->doc, c->expected),
                                        "value");
    size_t count = c->group->n, wanted = e == NULL ? 0 : e->count;
    int64_t *x = nni_json_get(c->doc, c->input, "coefficientSeed") != NULL
                     ? scheme_drawn(c)
                     : vec_ints(c, vec_input(c, "coefficients"), &count);
    double *re = vec_alloc(c, (wanted + 1) * sizeof *re);
    double *im = vec_alloc(c, (wanted + 1) * sizeof *im);

    if (count != c->group->n)
        vec_fail(c, "%zu coefficients", count);
    if (scheme_integers(c, x)
        && vec_ok(c, ckks_decode(re, im, wanted, &c->pt[0]))) {
        vec_check_doubles(c, "re", re, wanted);
        vec_check_doubles(c, "im", im, wanted);
    }
}

/* ---- keys --------------------------------------------------------------- */

/* s modulo q_0..q_L: the decryption of (0, 1). */
static void scheme_secret_words(vec_case *c)
{
    const vec_group *g = c->group;
    const size_t half = (size_t)(g->top + 1) * g->n;
    uint64_t *words = vec_alloc(c, 2 * half * sizeof *words);
    uint8_t *bytes;
    size_t size;

    for (size_t k = 0; k < half && words != NULL; k++)
        words[half + k] = 1;
    bytes = vec_object(c, &size, 2, g->top, 1, words);
    if (bytes != NULL
        && vec_ok(c, ckks_ct_load(&c->ct[0], g->ctx, bytes, size))
        && vec_ok(c, ckks_decrypt(&c->pt[0], &c->ct[0], c->sk)))
        vec_check_words(c, "ntt", c->pt[0].limb, (size_t)(g->top + 1), g->n);
}

static void scheme_key_secret(vec_case *c)
{
    const size_t n = c->group->n;
    uint8_t *file, *x = vec_alloc(c, n);
    size_t size;

    vec_generator(c, c->input, "seed");
    if (c->failed
        || !vec_ok(c, ckks_sk_init(&c->sk, c->group->ctx, &c->rng)))
        return;
    size = ckks_sk_size(c->sk);
    file = vec_alloc(c, size);
    if (file == NULL || !vec_ok(c, ckks_sk_save(file, size, c->sk)))
        return;
    for (size_t i = 0; i < n; i++)
        x[i] = file[size - n / 4 + i / 4] >> 2 * (i % 4) & 3;
    vec_check_bytes(c, "coefficients", x, n);
    scheme_secret_words(c);
}

static void scheme_key_public(vec_case *c)
{
    const vec_group *g = c->group;
    const int all = g->top + 1 + g->special;
    uint64_t *b = vec_alloc(c, (size_t)all * g->n * sizeof *b);
    uint8_t *file;
    size_t size, at = 40;

    vec_secret(c, vec_input(c, "secret"));
    vec_generator(c, c->input, "seed");
    if (c->failed || !vec_ok(c, ckks_pk_init(&c->pk, &c->rng, c->sk)))
        return;
    size = ckks_pk_size(c->pk);
    file = vec_alloc(c, size);
    if (file == NULL || !vec_ok(c, ckks_pk_save(file, size, c->pk)))
        return;
    vec_check_bytes(c, "seed", file + at, CKKS_SEED_BYTES);
    at += CKKS_SEED_BYTES;
    for (int t = 0; t < all; t++)
        at += vec_unpack(b + (size_t)t * g->n, file + at, g->n,
                         vec_modulus(c, t));
    vec_check_words(c, "b", b, (size_t)all, g->n);
}

static void scheme_key_switching(vec_case *c)
{
    const vec_group *g = c->group;
    const ckks_key_request r = { vec_kind(c, c->input),
                                 vec_range(c, c->input, "step", 0, 1 << 17),
                                 vec_level(c, c->input) };
    const int limbs = r.level + 1 + g->special;
    uint64_t *b = vec_alloc(c, (size_t)limbs * g->n * sizeof *b);
    uint8_t *file;
    size_t size, at = 48;
    char key[32];

    vec_secret(c, vec_input(c, "secret"));
    vec_generator(c, c->input, "seed");
    if (c->failed
        || !vec_ok(c, ckks_keys_init(&c->keys, &c->rng, c->sk, &r, 1)))
        return;
    size = ckks_keys_size(c->keys);
    file = vec_alloc(c, size);
    if (file == NULL || !vec_ok(c, ckks_keys_save(file, size, c->keys)))
        return;
    vec_check_bytes(c, "seed", file + at + 16, CKKS_SEED_BYTES);
    at += 48;
    for (int j = 0; at < size && !c->failed; j++) {
        for (int t = 0; t < limbs; t++)
            at += vec_unpack(b + (size_t)t * g->n, file + at, g->n,
                             vec_modulus(c, vec_prime(c, r.level, t)));
        snprintf(key, sizeof key, "b%d", j);
        vec_check_words(c, key, b, (size_t)limbs, g->n);
    }
}

/* ---- encryption --------------------------------------------------------- */

/* e + 21: what decryption finds besides m, modulo q_0. */
static void scheme_error(vec_case *c)
{
    const size_t n = c->group->n;
    uint64_t *x, *m = c->pt[0].limb;
    uint64_t p = vec_modulus(c, 0);
    uint8_t *out = vec_alloc(c, n);
    size_t count = n < 64 || !vec_expects(c, "seed") ? n : 64;

    if (c->failed || !vec_ok(c, ckks_decrypt(&c->pt[1], &c->ct[0], c->sk)))
        return;
    x = c->pt[1].limb;
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] >= m[i] ? x[i] - m[i] : x[i] + p - m[i];
    if (!vec_ok(c, ckks_ntt_inverse(x, c->group->ctx, 0)))
        return;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(x[i] > p / 2 ? x[i] + 21 - p : x[i] + 21);
    vec_check_bytes(c, "e", out, count);
}

static void scheme_parts(vec_case *c, const ckks_ct *ct)
{
    const size_t half = (size_t)(ct->level + 1) * c->group->n;

    vec_check_words(c, "c1", ct->limb + half, (size_t)(ct->level + 1),
                    c->group->n);
    vec_check_words(c, "c0", ct->limb, (size_t)(ct->level + 1), c->group->n);
}

static void scheme_encrypt_secret(vec_case *c)
{
    vec_secret(c, vec_input(c, "secret"));
    vec_pt(c, &c->pt[0], vec_input(c, "plaintext"));
    vec_generator(c, c->input, "seed");
    if (c->failed
        || !vec_ok(c, ckks_encrypt_sk(&c->ct[0], &c->rng, &c->pt[0], c->sk)))
        return;
    vec_check_bytes(c, "seed", c->ct[0].seed, CKKS_SEED_BYTES);
    scheme_parts(c, &c->ct[0]);
    scheme_error(c);
}

static void scheme_encrypt_public(vec_case *c)
{
    vec_public(c, vec_input(c, "public"));
    vec_pt(c, &c->pt[0], vec_input(c, "plaintext"));
    vec_generator(c, c->input, "seed");
    if (!c->failed
        && vec_ok(c, ckks_encrypt(&c->ct[0], &c->rng, &c->pt[0], c->pk)))
        scheme_parts(c, &c->ct[0]);
}

static void scheme_decrypt(vec_case *c)
{
    vec_secret(c, vec_input(c, "secret"));
    vec_ct(c, &c->ct[0], vec_input(c, "ciphertext"));
    if (!c->failed
        && vec_ok(c, ckks_decrypt(&c->pt[0], &c->ct[0], c->sk)))
        scheme_plaintext(c, &c->pt[0]);
}

static void scheme_flooded(vec_case *c)
{
    vec_secret(c, vec_input(c, "secret"));
    vec_ct(c, &c->ct[0], vec_input(c, "ciphertext"));
    vec_generator(c, c->input, "seed");
    if (!c->failed
        && vec_ok(c, ckks_decrypt_flooded(
                         &c->pt[0], &c->rng, &c->ct[0], c->sk,
                         vec_double(c, c->input, "errorBits"),
                         vec_range(c, c->input, "hidingBits", 0, 200))))
        scheme_plaintext(c, &c->pt[0]);
}

const vec_operation vec_operations_scheme[] = {
    { "embed", scheme_embed },
    { "encode", scheme_encode_run },
    { "encode_const", scheme_const },
    { "encode_integers", scheme_integers_run },
    { "decode", scheme_decode },
    { "key_secret", scheme_key_secret },
    { "key_public", scheme_key_public },
    { "key_switching", scheme_key_switching },
    { "encrypt_secret", scheme_encrypt_secret },
    { "encrypt_public", scheme_encrypt_public },
    { "decrypt", scheme_decrypt },
    { "decrypt_flooded", scheme_flooded },
    { NULL, NULL }
};
