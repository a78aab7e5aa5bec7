/* seal_eval.c -- SEAL's relinearisation and Galois keys.
 *
 * Read first: seal.h, key.h; docs/interop.md.
 *
 *   header, 16 parms_id of the key level, 48 u64 indices, then for each index
 *   u64 digits (0: no key) and as many public keys
 *
 * Relinearisation: one index, s^2 to s.  Galois keys: N indices, the key of
 * element g at (g - 1)/2; rotation by r has g = 3^r mod 2N, conjugation
 * 2N - 1.  A key of SEAL is ours of a context of uncentred digits, word for
 * word.
 */
#include "seal/seal.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "bytes/serial.h"

static int all_limbs(const ckks_ctx *ctx)
{
    return ctx->num_primes + 1;
}

/* ---- evaluation keys: writing ------------------------------------------- */

enum { KEYS_FIELDS = 56 };                      /* bytes before the keys     */

/* The keys SEAL's file will hold: relin or all others.  Fails if there are
 * none, or one that serves lower levels only. */
static ckks_status count_keys(size_t *count, const ckks_keys *keys, bool relin,
                              const char *name)
{
    size_t n = 0;
    ckks_status s;

    if (keys == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    s = cki_seal_check_ctx(keys->ctx, name);
    for (size_t i = 0; i < keys->count && s == CKKS_OK; i++) {
        const cki_key *key = &keys->key[i];

        if ((key->kind == CKKS_KEY_RELIN) != relin)
            continue;
        if (key->level < keys->ctx->num_primes - 1)
            s = cki_fail(CKKS_EKEY, "%s: key %zu (kind %d, step %d) is for "
                         "level %d; SEAL wants the top level, %d", name, i,
                         (int)key->kind, key->step, key->level,
                         keys->ctx->num_primes - 1);
        n++;
    }
    if (s == CKKS_OK && n == 0)
        s = cki_fail(CKKS_EKEY, "%s: none of the %zu keys is %s", name,
                     keys->count, relin ? "for relinearisation"
                                        : "a rotation or conjugation key");
    *count = n;
    return s;
}

static uint64_t eval_bytes(const ckks_ctx *ctx, size_t indices, size_t count)
{
    return KEYS_FIELDS + 8 * (uint64_t)indices
           + (uint64_t)count * (uint64_t)ctx->num_primes
                 * cki_seal_cipher_size(ctx, 2, all_limbs(ctx));
}

static uint8_t *keys_start(uint8_t *out, size_t size, size_t indices,
                           const ckks_ctx *ctx)
{
    cki_seal_head_write(out, size);
    cki_seal_id(out + 16, ctx, all_limbs(ctx));
    cki_store64(out + 48, indices);
    return out + KEYS_FIELDS;
}

/* Memory for both halves of a digit. */
static size_t digit_bytes(const ckks_ctx *ctx)
{
    return 2 * (size_t)all_limbs(ctx) * ctx->n * sizeof(uint64_t);
}

static ckks_status digit_new(cki_seal_rows *out, const ckks_ctx *ctx,
                             const char *name)
{
    *out = cki_seal_dense(cki_alloc(&ctx->memory, digit_bytes(ctx)),
                          all_limbs(ctx), ctx);
    return out->limb != NULL
               ? CKKS_OK : cki_fail(CKKS_EMEM, "%s: no memory for %zu bytes",
                                    name, digit_bytes(ctx));
}

static void digit_free(cki_seal_rows *d, const ckks_ctx *ctx)
{
    cki_free(&ctx->memory, d->limb, digit_bytes(ctx));
}

/* Digits and public keys; key NULL: an index without one.  d: to work with. */
static uint8_t *key_entry(uint8_t *out, const cki_key *key,
                          const cki_seal_rows *d, const ckks_ctx *ctx)
{
    cki_store64(out, key == NULL ? 0 : (uint64_t)key->digits);
    out += 8;
    for (int j = 0; key != NULL && j < key->digits; j++) {
        for (int i = 0; i < 2 * all_limbs(ctx); i++)
            cki_key_take(cki_seal_row(d, i % 2, i / 2), key, ctx, j, i % 2,
                         i / 2);
        out = cki_seal_cipher_write(out, *d, 2, all_limbs(ctx), 1, ctx);
    }
    return out;
}

size_t ckks_seal_relin_size(const ckks_keys *keys)
{
    size_t count;

    if (count_keys(&count, keys, true, "ckks_seal_relin_size") != CKKS_OK)
        return 0;
    return (size_t)eval_bytes(keys->ctx, 1, 1);
}

ckks_status ckks_seal_relin_save(uint8_t *out, size_t size,
                                 const ckks_keys *keys)
{
    CKI_NEAREST;
    static const char name[] = "ckks_seal_relin_save";
    cki_seal_rows digit;
    size_t count;
    ckks_status s = count_keys(&count, keys, true, name);

    if (s == CKKS_OK)
        s = cki_check_room(out, size, ckks_seal_relin_size(keys), name);
    if (s == CKKS_OK)
        s = digit_new(&digit, keys->ctx, name);
    if (s != CKKS_OK)
        return s;
    key_entry(keys_start(out, size, 1, keys->ctx),
              cki_keys_find(keys, CKKS_KEY_RELIN, 0), &digit, keys->ctx);
    digit_free(&digit, keys->ctx);
    return s;
}

size_t ckks_seal_galois_size(const ckks_keys *keys)
{
    size_t count;

    if (count_keys(&count, keys, false, "ckks_seal_galois_size") != CKKS_OK)
        return 0;
    return (size_t)eval_bytes(keys->ctx, keys->ctx->n, count);
}

static const cki_key *find_element(const ckks_keys *keys, uint64_t g)
{
    for (size_t i = 0; i < keys->count; i++)
        if (keys->key[i].kind != CKKS_KEY_RELIN && keys->key[i].galois == g)
            return &keys->key[i];
    return NULL;
}

ckks_status ckks_seal_galois_save(uint8_t *out, size_t size,
                                  const ckks_keys *keys)
{
    CKI_NEAREST;
    static const char name[] = "ckks_seal_galois_save";
    cki_seal_rows digit;
    size_t count;
    ckks_status s = count_keys(&count, keys, false, name);

    if (s == CKKS_OK)
        s = cki_check_room(out, size, ckks_seal_galois_size(keys), name);
    if (s == CKKS_OK)
        s = digit_new(&digit, keys->ctx, name);
    if (s != CKKS_OK)
        return s;
    out = keys_start(out, size, keys->ctx->n, keys->ctx);
    for (uint64_t i = 0; i < keys->ctx->n; i++)
        out = key_entry(out, find_element(keys, 2 * i + 1), &digit,
                        keys->ctx);
    digit_free(&digit, keys->ctx);
    return CKKS_OK;
}

/* ---- evaluation keys: reading ------------------------------------------- */

/* A file under way: what is left of it, and the keys read so far. */
typedef struct key_reader {
    const ckks_ctx *ctx;
    const char *name;
    const uint8_t *at;
    size_t left;
    ckks_keys *made;            /* NULL in the first pass, which only checks */
    cki_seal_rows digit;        /* in the second: to work with               */
    size_t count;
} key_reader;

/* The step of Galois element g = 3^step; -1 if g is no power of 3. */
static int galois_step(const ckks_ctx *ctx, uint64_t g)
{
    const uint64_t mask = 2 * ctx->n - 1;
    uint64_t power = 1;

    for (int step = 0; step < (int)(ctx->n / 2); step++) {
        if (power == g)
            return step;
        power = power * 3 & mask;
    }
    return -1;
}

/* What our keys can be: the identity needs none, and -3^r for 0 < r < N/2,
 * rotation and conjugation at once, has no name here. */
static ckks_status galois_kind(ckks_key_kind *kind, int *step,
                               const key_reader *r, uint64_t g)
{
    *kind = g == 2 * r->ctx->n - 1 ? CKKS_KEY_CONJ : CKKS_KEY_ROTATE;
    *step = *kind == CKKS_KEY_CONJ ? 0 : galois_step(r->ctx, g);
    if (g == 1 || *step < 0)
        return cki_fail(CKKS_EFORMAT, "%s: a key for Galois element %llu, "
                        "which is %s", r->name, (unsigned long long)g,
                        g == 1 ? "the identity"
                               : "neither a power of 3 nor -1");
    return CKKS_OK;
}

/* The public keys of one key, checked, and in the second pass read. */
static ckks_status read_digits(key_reader *r, cki_key *key, const char *what)
{
    ckks_status s = CKKS_OK;

    for (int j = 0; j < r->ctx->num_primes && s == CKKS_OK; j++) {
        char part[64];
        cki_seal_view v;

        snprintf(part, sizeof part, "%s, digit %d", what, j);
        s = cki_seal_cipher_check(&v, r->at, r->left, true, r->ctx, part,
                                  r->name);
        if (s == CKKS_OK && key != NULL)
            s = cki_seal_words_read(r->digit, &v, r->ctx, part, r->name);
        for (int i = 0; s == CKKS_OK && key != NULL
                        && i < 2 * all_limbs(r->ctx); i++)
            cki_key_put(key, r->ctx, j, i % 2, i / 2,
                        cki_seal_row(&r->digit, i % 2, i / 2));
        if (s == CKKS_OK) {
            r->at += v.size;
            r->left -= (size_t)v.size;
        }
    }
    return s;
}

/* Index i of the file, whose digits are at hand. */
static ckks_status read_key(key_reader *r, uint64_t i, bool relin)
{
    cki_key *key = r->made == NULL ? NULL : &r->made->key[r->count];
    ckks_key_kind kind = CKKS_KEY_RELIN;
    int step = 0;
    char what[40] = "relinearisation key";
    ckks_status s = CKKS_OK;

    if (!relin) {
        snprintf(what, sizeof what, "Galois key %llu",
                 (unsigned long long)(2 * i + 1));
        s = galois_kind(&kind, &step, r, 2 * i + 1);
    }
    if (s == CKKS_OK && key != NULL) {
        s = cki_key_new(key, r->ctx, kind, step, r->ctx->num_primes - 1,
                        r->name);
        key->seedless = true;
    }
    if (s == CKKS_OK)
        s = read_digits(r, key, what);
    r->count++;
    return s;
}

/* All keys behind the fields, once; nothing may follow. */
static ckks_status read_indices(key_reader *r, uint64_t indices, bool relin)
{
    const uint64_t digits = (uint64_t)r->ctx->num_primes;
    ckks_status s = CKKS_OK;

    r->count = 0;
    for (uint64_t i = 0; i < indices && s == CKKS_OK; i++) {
        uint64_t d;

        if (r->left < 8)
            return cki_fail(CKKS_EFORMAT, "%s: ends at index %llu of %llu",
                            r->name, (unsigned long long)i,
                            (unsigned long long)indices);
        d = cki_load64(r->at);
        if (d != 0 || relin)
            s = cki_check_field(d, digits, digits, "digits of a key", r->name);
        if (s != CKKS_OK)
            return s;
        r->at += 8;
        r->left -= 8;
        if (d != 0)
            s = read_key(r, i, relin);
    }
    if (s == CKKS_OK && r->left > 0)
        s = cki_fail(CKKS_EFORMAT, "%s: %zu bytes behind the last key",
                     r->name, r->left);
    return s;
}

static ckks_status keys_fields(uint64_t *indices, const uint8_t *in,
                               size_t size, bool relin, const ckks_ctx *ctx,
                               const char *name)
{
    uint8_t id[CKI_SEAL_ID];
    uint64_t whole;
    ckks_status s = cki_seal_head_read(&whole, in, size, "keys", name);

    if (s == CKKS_OK)
        s = cki_check_size(size, whole, name);
    if (s == CKKS_OK && size < KEYS_FIELDS)
        s = cki_fail(CKKS_EFORMAT, "%s: %zu bytes, fewer than its fields' %d",
                     name, size, KEYS_FIELDS);
    if (s != CKKS_OK)
        return s;
    cki_seal_id(id, ctx, all_limbs(ctx));
    if (memcmp(in + 16, id, sizeof id) != 0)
        return cki_fail(CKKS_EFORMAT, "%s: parms_id %016llx..., the context's "
                        "key level has %016llx...: other parameters", name,
                        (unsigned long long)cki_load64(in + 16),
                        (unsigned long long)cki_load64(id));
    *indices = cki_load64(in + 48);
    return cki_check_field(*indices, relin, relin ? 1 : ctx->n,
                           "number of keys", name);
}

static ckks_status keys_load(ckks_keys **out, const ckks_ctx *ctx,
                             const uint8_t *in, size_t size, bool relin,
                             const char *name)
{
    key_reader r = { .ctx = ctx, .name = name };
    ckks_keys *made = NULL;
    uint64_t indices = 0;
    ckks_status s;

    if (out == NULL || ctx == NULL || in == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    s = cki_seal_check_ctx(ctx, name);
    if (s == CKKS_OK)
        s = keys_fields(&indices, in, size, relin, ctx, name);
    for (int pass = 0; pass < 2 && s == CKKS_OK; pass++) {
        if (pass == 1)
            s = r.count > 0 ? cki_keys_new(&made, ctx, r.count, name)
                : cki_fail(CKKS_EFORMAT, "%s: no key at any of %llu indices",
                           name, (unsigned long long)indices);
        if (s == CKKS_OK && pass == 1)
            s = digit_new(&r.digit, ctx, name);
        if (s != CKKS_OK)
            break;
        r.at = in + KEYS_FIELDS;
        r.left = size - KEYS_FIELDS;
        r.made = made;
        s = read_indices(&r, indices, relin);
    }
    digit_free(&r.digit, ctx);
    if (s != CKKS_OK) {
        ckks_keys_clear(&made);
        return s;
    }
    ckks_keys_clear(out);
    *out = made;
    return CKKS_OK;
}

ckks_status ckks_seal_relin_load(ckks_keys **out, const ckks_ctx *ctx,
                                 const uint8_t *in, size_t size)
{
    CKI_NEAREST;
    return keys_load(out, ctx, in, size, true, "ckks_seal_relin_load");
}

ckks_status ckks_seal_galois_load(ckks_keys **out, const ckks_ctx *ctx,
                                  const uint8_t *in, size_t size)
{
    CKI_NEAREST;
    return keys_load(out, ctx, in, size, false, "ckks_seal_galois_load");
}
