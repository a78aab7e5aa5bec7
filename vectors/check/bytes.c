/* bytes.c -- objects as bytes, and what must be refused. */
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { BYTES_HEAD = 40, BYTES_KIND = 6, BYTES_SUM = 16 };

/* The frame without its checksum, which must be "none" then. */
static void bytes_frame(vec_case *c, const uint8_t *file)
{
    static const uint8_t none[8];
    const uint64_t left_out = UINT64_C(1) << BYTES_KIND
                              | UINT64_C(0xff) << BYTES_SUM;

    if (file[BYTES_KIND] != 0
        || memcmp(file + BYTES_SUM, none, sizeof none) != 0) {
        vec_fail(c, "a checksum of kind %d, from a library said to have none",
                 file[BYTES_KIND]);
        return;
    }
    vec_check_most_bytes(c, "frame", file, BYTES_HEAD, left_out);
    c->checksums++;
}

/* The object as the library wrote it: frame, then fields. */
static void bytes_check(vec_case *c, const uint8_t *file, size_t size)
{
    if (c->failed || size < BYTES_HEAD)
        return;
    vec_check_bytes(c, "fields", file + BYTES_HEAD, size - BYTES_HEAD);
    if (c->group->no_checksums)
        bytes_frame(c, file);
    else
        vec_check_bytes(c, "frame", file, BYTES_HEAD);
}

static void bytes_params(vec_case *c)
{
    size_t size = ckks_params_size(c->group->ctx);
    uint8_t *file = vec_alloc(c, size);

    if (file != NULL
        && vec_ok(c, ckks_params_save(file, size, c->group->ctx)))
        bytes_check(c, file, size);
}

static void bytes_plaintext(vec_case *c)
{
    uint8_t *file;
    size_t size;

    vec_pt(c, &c->pt[0], vec_input(c, "m"));
    if (c->failed)
        return;
    size = ckks_pt_size(&c->pt[0]);
    file = vec_alloc(c, size);
    if (file != NULL && vec_ok(c, ckks_pt_save(file, size, &c->pt[0]))) {
        bytes_check(c, file, size);
        vec_ok(c, ckks_pt_load(&c->pt[1], c->group->ctx, file, size));
    }
}

static void bytes_saved_ct(vec_case *c)
{
    size_t size = ckks_ct_size(&c->ct[0]);
    uint8_t *file = vec_alloc(c, size);

    if (file != NULL && vec_ok(c, ckks_ct_save(file, size, &c->ct[0]))) {
        bytes_check(c, file, size);
        vec_ok(c, ckks_ct_load(&c->ct[1], c->group->ctx, file, size));
    }
}

static void bytes_ciphertext(vec_case *c)
{
    vec_ct(c, &c->ct[0], vec_input(c, "a"));
    if (!c->failed)
        bytes_saved_ct(c);
}

static void bytes_seeded(vec_case *c)
{
    vec_secret(c, vec_input(c, "secret"));
    vec_pt(c, &c->pt[0], vec_input(c, "plaintext"));
    vec_generator(c, c->input, "seed");
    if (!c->failed
        && vec_ok(c, ckks_encrypt_sk(&c->ct[0], &c->rng, &c->pt[0], c->sk)))
        bytes_saved_ct(c);
}

static void bytes_secret(vec_case *c)
{
    uint8_t *file;
    size_t size;

    vec_secret(c, vec_input(c, "secret"));
    if (c->failed)
        return;
    size = ckks_sk_size(c->sk);
    file = vec_alloc(c, size);
    if (file != NULL && vec_ok(c, ckks_sk_save(file, size, c->sk)))
        bytes_check(c, file, size);
}

static void bytes_public(vec_case *c)
{
    uint8_t *file;
    size_t size;

    vec_secret(c, vec_input(c, "secret"));
    vec_generator(c, c->input, "seed");
    if (c->failed || !vec_ok(c, ckks_pk_init(&c->pk, &c->rng, c->sk)))
        return;
    size = ckks_pk_size(c->pk);
    file = vec_alloc(c, size);
    if (file != NULL && vec_ok(c, ckks_pk_save(file, size, c->pk))) {
        bytes_check(c, file, size);
        vec_ok(c, ckks_pk_load(&c->pk, c->group->ctx, file, size));
    }
}

static void bytes_keys(vec_case *c)
{
    uint8_t *file;
    size_t size;

    vec_keys(c, &c->keys, vec_input(c, "keys"));
    if (c->failed)
        return;
    size = ckks_keys_size(c->keys);
    file = vec_alloc(c, size);
    if (file != NULL && vec_ok(c, ckks_keys_save(file, size, c->keys))) {
        bytes_check(c, file, size);
        vec_ok(c, ckks_keys_load(&c->keys, c->group->ctx, file, size));
    }
}

/* ---- refusals ----------------------------------------------------------- */

static ckks_status bytes_load(vec_case *c, const char *object,
                              const uint8_t *in, size_t size)
{
    const ckks_ctx *ctx = c->group->ctx;
    ckks_params p;

    if (strcmp(object, "params") == 0)
        return ckks_params_load(&p, in, size);
    if (strcmp(object, "plaintext") == 0)
        return ckks_pt_load(&c->pt[0], ctx, in, size);
    if (strcmp(object, "ciphertext") == 0)
        return ckks_ct_load(&c->ct[0], ctx, in, size);
    if (strcmp(object, "secret") == 0)
        return ckks_sk_load(&c->sk, ctx, in, size);
    if (strcmp(object, "public") == 0)
        return ckks_pk_load(&c->pk, ctx, in, size);
    return ckks_keys_load(&c->keys, ctx, in, size);
}

static void bytes_refuse_load(vec_case *c)
{
    size_t size;
    const uint8_t *in = vec_bytes(c, vec_input(c, "bytes"), &size);
    ckks_status s;

    if (c->failed)
        return;
    s = bytes_load(c, vec_text(c, c->input, "object"), in, size);
    if (s == CKKS_OK && c->group->no_checksums && vec_flag(c, "DamagedByte"))
        c->skipped = true;          /* other words, as good as the right ones */
    else
        vec_check_status(c, s);
}

static void bytes_refuse_encode(vec_case *c)
{
    size_t count, other;
    double *re = vec_doubles(c, vec_input(c, "re"), &count);
    double *im = vec_doubles(c, vec_input(c, "im"), &other);

    if (!c->failed && count == other)
        vec_check_status(c, ckks_encode(&c->pt[0], c->group->ctx, re, im,
                                        count,
                                        vec_level(c, c->input),
                                        vec_double(c, c->input, "scale")));
}

static void bytes_refuse_automorphism(vec_case *c)
{
    uint64_t *x = vec_alloc(c, c->group->n * sizeof *x);

    if (x != NULL)
        vec_check_status(c, ckks_automorphism(
                                x, x, c->group->ctx, 0,
                                (uint64_t)vec_int(c, c->input, "galois")));
}

static void bytes_refuse_ntt(vec_case *c)
{
    uint64_t *x = vec_poly(c, vec_input(c, "x"), 1);

    if (x != NULL)
        vec_check_status(c, ckks_ntt(x, c->group->ctx, 0));
}

static void bytes_refuse_rescale(vec_case *c)
{
    vec_ct(c, &c->ct[0], vec_input(c, "a"));
    if (!c->failed)
        vec_check_status(c, ckks_rescale(&c->ct[1], &c->ct[0]));
}

static void bytes_refuse_conj(vec_case *c)
{
    vec_ct(c, &c->ct[0], vec_input(c, "a"));
    if (!c->failed)
        vec_check_status(c, ckks_conj(&c->ct[1], &c->ct[0],
                                      c->group->keys));
}

static int bytes_entries(vec_case *c, uint64_t *out, const char *key)
{
    size_t count;
    int64_t *x = vec_ints(c, vec_input(c, key), &count);

    for (size_t i = 0; i < count && i < CKKS_MAX_SPECIAL && x != NULL; i++)
        out[i] = (uint64_t)x[i];
    return count < CKKS_MAX_SPECIAL ? (int)count : 0;
}

static void bytes_refuse_params(vec_case *c)
{
    ckks_params p = c->group->params;
    ckks_ctx *ctx = NULL;

    p.num_primes = bytes_entries(c, p.primes, "primeEntries");
    p.num_special = bytes_entries(c, p.special, "specialEntries");
    p.dnum = vec_range(c, c->input, "dnum", 0, 64);
    if (nni_json_get(c->doc, c->input, "generator") != NULL)
        p.generator = vec_range(c, c->input, "generator", 0, 64);
    if (nni_json_get(c->doc, c->input, "digits") != NULL)
        p.uncentred_digits = strcmp(vec_text(c, c->input, "digits"),
                                    "uncentred") == 0;
    if (!c->failed)
        vec_check_status(c, ckks_ctx_init(&ctx, &p));
    ckks_ctx_clear(&ctx);
}

static void bytes_transparent(vec_case *c)
{
    vec_secret(c, vec_input(c, "secret"));
    vec_ct(c, &c->ct[0], vec_input(c, "ciphertext"));
    if (!c->failed
        && vec_ok(c, ckks_decrypt(&c->pt[0], &c->ct[0], c->sk)))
        vec_check_words(c, "words", c->pt[0].limb,
                        (size_t)(c->pt[0].level + 1), c->group->n);
}

const vec_operation vec_operations_bytes[] = {
    { "bytes_params", bytes_params },
    { "bytes_plaintext", bytes_plaintext },
    { "bytes_ciphertext", bytes_ciphertext },
    { "bytes_seeded", bytes_seeded },
    { "bytes_secret", bytes_secret },
    { "bytes_public", bytes_public },
    { "bytes_keys", bytes_keys },
    { "refuse_load", bytes_refuse_load },
    { "refuse_encode", bytes_refuse_encode },
    { "refuse_automorphism", bytes_refuse_automorphism },
    { "refuse_ntt", bytes_refuse_ntt },
    { "refuse_rescale", bytes_refuse_rescale },
    { "refuse_conj", bytes_refuse_conj },
    { "refuse_params", bytes_refuse_params },
    { "transparent", bytes_transparent },
    { NULL, NULL }
};
