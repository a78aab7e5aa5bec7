/* serial_evalkey.c -- evaluation keys as bytes.
 *
 * Read first: serial.h, key.h.  The order of work of a loader is that of
 * serial_data.c.  Random halves are not stored: their seeds are.
 *
 * Fields behind the frame (offsets from there):
 *
 *   0 u32 count, 4 u32 zero, 8 count entries of 48 bytes:
 *     0 u32 kind, 4 u32 step, 8 u32 level, 12 u32 zero, 16 seed;
 *   then for every key and digit the limbs of b over q_0..q_level and the
 *   special primes
 */
#include "bytes/serial_evalkey.h"

#include <string.h>

#include "base/bytes.h"

enum { KEY_ENTRY = 48, KEY_SEED_AT = 16 };

uint64_t cki_keys_front(size_t count)
{
    return CKI_HEAD + CKI_KEYS_FIELDS + (uint64_t)KEY_ENTRY * count;
}

uint64_t cki_key_limbs_size(const ckks_ctx *ctx, int level)
{
    uint64_t half = cki_limbs_size(ctx, level);

    for (int t = 0; t < ctx->num_special; t++)
        half += cki_limb_size(ctx, ctx->num_primes + t);
    return (uint64_t)(level / ctx->alpha + 1) * half;
}

static bool all_seeded(const ckks_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        if (keys->key[i].seedless)
            return false;
    return true;
}

/* Number of a key of which not all is in memory; count: none is. */
static size_t not_held(const ckks_keys *keys)
{
    size_t i = 0;

    while (i < keys->count && keys->key[i].level == keys->key[i].most)
        i++;
    return i;
}

size_t ckks_keys_size(const ckks_keys *keys)
{
    uint64_t size;

    if (keys == NULL || !all_seeded(keys) || not_held(keys) < keys->count)
        return 0;
    size = cki_keys_front(keys->count);
    for (size_t i = 0; i < keys->count; i++)
        size += cki_key_limbs_size(keys->ctx, keys->key[i].level);
    return (size_t)size;
}

/* words: N, to work with. */
static uint8_t *key_write(uint8_t *b, const cki_key *key, uint64_t *words,
                          const ckks_ctx *ctx)
{
    for (int j = 0; j < key->digits; j++)
        for (int t = 0; t < key->level + 1 + ctx->num_special; t++) {
            cki_key_take(words, key, ctx, j, 0, t);
            b = cki_limb_write(b, words, cki_key_prime(key, ctx, t), ctx);
        }
    return b;
}

static ckks_status words_new(uint64_t **out, const ckks_ctx *ctx,
                             const char *name)
{
    const size_t size = ctx->n * sizeof **out;

    *out = cki_alloc(&ctx->memory, size);
    return *out != NULL ? CKKS_OK
                        : cki_fail(CKKS_EMEM, "%s: no memory for %zu bytes",
                                   name, size);
}

static void words_free(uint64_t *words, const ckks_ctx *ctx)
{
    cki_free(&ctx->memory, words, ctx->n * sizeof *words);
}

void cki_keys_front_write(uint8_t *out, uint64_t size, const cki_key *key,
                          size_t count, const ckks_ctx *ctx)
{
    uint8_t *b = out + CKI_HEAD;

    cki_head_write(out, size, CKI_KIND_KEYS, ctx);
    cki_store32(b, (uint32_t)count);
    cki_store32(b + 4, 0);
    b += CKI_KEYS_FIELDS;
    for (size_t i = 0; i < count; i++, b += KEY_ENTRY) {
        cki_store32(b, (uint32_t)key[i].kind);
        cki_store32(b + 4, (uint32_t)key[i].step);
        cki_store32(b + 8, (uint32_t)key[i].level);
        cki_store32(b + 12, 0);
        memcpy(b + KEY_SEED_AT, key[i].seed, CKKS_SEED_BYTES);
    }
}

ckks_status ckks_keys_save(uint8_t *out, size_t size, const ckks_keys *keys)
{
    CKI_NEAREST;
    static const char name[] = "ckks_keys_save";
    uint64_t *words;
    uint8_t *b;
    ckks_status s;

    if (keys == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (!all_seeded(keys))
        return cki_no_seed("one of the keys", name);
    if (not_held(keys) < keys->count)
        return cki_fail(CKKS_EARG, "%s: key %zu of %zu is not held: what was "
                        "opened is saved already", name, not_held(keys),
                        keys->count);
    s = cki_check_room(out, size, ckks_keys_size(keys), name);
    if (s == CKKS_OK)
        s = words_new(&words, keys->ctx, name);
    if (s != CKKS_OK)
        return s;
    cki_keys_front_write(out, size, keys->key, keys->count, keys->ctx);
    b = out + cki_keys_front(keys->count);
    for (size_t i = 0; i < keys->count; i++)
        b = key_write(b, &keys->key[i], words, keys->ctx);
    words_free(words, keys->ctx);
    cki_head_seal(out, size);
    return CKKS_OK;
}

/* One entry: ranges.  A rotation's step is 1..slots-1, that of others 0. */
static ckks_status entry_check(const uint8_t *b, const ckks_ctx *ctx,
                               const char *name)
{
    uint32_t kind = cki_load32(b);
    bool rotate = kind == CKKS_KEY_ROTATE;
    ckks_status s = cki_check_field(kind, 0, ctx->real ? CKKS_KEY_ROTATE
                                                       : CKKS_KEY_CONJ,
                                    "kind", name);

    if (s == CKKS_OK)
        s = cki_check_field(cki_load32(b + 4), rotate,
                            rotate ? ctx->slots - 1 : 0, "step", name);
    if (s == CKKS_OK)
        s = cki_check_field(cki_load32(b + 8), 0,
                            (uint64_t)ctx->num_primes - 1, "level", name);
    if (s == CKKS_OK)
        s = cki_check_field(cki_load32(b + 12), 0, 0, "zero", name);
    return s;
}

/* A bit for each key there can be: rotation by step has bit `step`,
 * relinearisation bit 0, conjugation the bit behind; 8 KB at most. */
ckks_status cki_keys_entries(const uint8_t *b, size_t count, uint64_t size,
                             const ckks_ctx *ctx, const char *name)
{
    uint8_t seen[((size_t)1 << (CKKS_MAX_LOG_N - 1)) / 8 + 1] = { 0 };
    uint64_t want = cki_keys_front(count);

    for (size_t i = 0; i < count; i++, b += KEY_ENTRY) {
        uint32_t kind = cki_load32(b), step = cki_load32(b + 4);
        size_t bit = kind == CKKS_KEY_CONJ ? ctx->slots : step;
        ckks_status s = entry_check(b, ctx, name);

        if (s != CKKS_OK)
            return s;
        if (seen[bit / 8] >> bit % 8 & 1)
            return cki_fail(CKKS_EFORMAT, "%s: key %zu of %zu: kind %u, step "
                            "%u stands twice", name, i, count, (unsigned)kind,
                            (unsigned)step);
        seen[bit / 8] |= (uint8_t)(1u << bit % 8);
        want += cki_key_limbs_size(ctx, (int)cki_load32(b + 8));
    }
    return cki_check_size(size, want, name);
}

ckks_status cki_keys_count(size_t *count, const uint8_t *in, uint64_t size,
                           const ckks_ctx *ctx, const char *name)
{
    const uint64_t room = (size - CKI_HEAD - CKI_KEYS_FIELDS) / KEY_ENTRY;
    const uint64_t most = room < ctx->slots + 1 ? room : ctx->slots + 1;
    ckks_status s = CKKS_OK;

    if (ctx->num_special == 0)
        s = cki_fail(CKKS_EFORMAT, "%s: keys, but the context has no special "
                     "primes", name);
    *count = cki_load32(in + CKI_HEAD);
    if (s == CKKS_OK)
        s = cki_check_field(*count, 0, most, "count", name);
    return s == CKKS_OK ? cki_check_field(cki_load32(in + CKI_HEAD + 4), 0, 0,
                                          "zero", name) : s;
}

ckks_status cki_keys_entry(cki_key *key, const uint8_t *b, size_t i,
                           const ckks_ctx *ctx, const char *name)
{
    ckks_status s;

    b += (size_t)KEY_ENTRY * i;
    s = cki_key_numbers(key, ctx, (ckks_key_kind)cki_load32(b),
                        (int)cki_load32(b + 4), (int)cki_load32(b + 8), name);
    if (s == CKKS_OK)
        memcpy(key->seed, b + KEY_SEED_AT, CKKS_SEED_BYTES);
    return s;
}

const char *cki_key_name(const cki_key *key)
{
    return key->kind == CKKS_KEY_RELIN  ? "relinearisation key"
           : key->kind == CKKS_KEY_CONJ ? "conjugation key" : "rotation key";
}

/* words: as in key_write. */
static ckks_status key_read(cki_key *key, const uint8_t **in, uint64_t *words,
                            const ckks_ctx *ctx, const char *name)
{
    for (int j = 0; j < key->digits; j++)
        for (int t = 0; t < key->level + 1 + ctx->num_special; t++) {
            ckks_status s = cki_limb_read(words, in,
                                          cki_key_prime(key, ctx, t), ctx,
                                          cki_key_name(key), name);

            if (s != CKKS_OK)
                return s;
            cki_key_put(key, ctx, j, 0, t, words);
        }
    return CKKS_OK;
}

/* Allocates and reads all keys; b at the entries, limbs behind them. */
static ckks_status keys_read(ckks_keys *made, const uint8_t *b,
                             uint64_t *words, const char *name)
{
    const uint8_t *limbs = b + (size_t)KEY_ENTRY * made->count;
    const ckks_ctx *ctx = made->ctx;
    ckks_status s = CKKS_OK;

    for (size_t i = 0; i < made->count && s == CKKS_OK; i++) {
        s = cki_keys_entry(&made->key[i], b, i, ctx, name);
        if (s == CKKS_OK)
            s = cki_key_memory(&made->key[i], ctx, name);
    }
    for (size_t i = 0; i < made->count && s == CKKS_OK; i++)
        s = key_read(&made->key[i], &limbs, words, ctx, name);
    for (size_t i = 0; i < made->count && s == CKKS_OK; i++)
        s = cki_key_expand(&made->key[i], ctx, name);
    return s;
}

ckks_status ckks_keys_load(ckks_keys **out, const ckks_ctx *ctx,
                           const uint8_t *in, size_t size)
{
    CKI_NEAREST;
    static const char name[] = "ckks_keys_load";
    const uint8_t *entries;
    ckks_keys *made = NULL;
    uint64_t *words = NULL;
    size_t count;
    ckks_status s;

    if (out == NULL || ctx == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    s = cki_head_read(in, size, CKI_KIND_KEYS, CKI_KEYS_FIELDS, ctx, name);
    if (s == CKKS_OK)
        s = cki_keys_count(&count, in, size, ctx, name);
    if (s != CKKS_OK)
        return s;
    entries = in + CKI_HEAD + CKI_KEYS_FIELDS;
    s = cki_keys_entries(entries, count, size, ctx, name);
    if (s == CKKS_OK)
        s = cki_keys_new(&made, ctx, count, name);
    if (s == CKKS_OK)
        s = words_new(&words, ctx, name);
    if (s == CKKS_OK)
        s = keys_read(made, entries, words, name);
    words_free(words, ctx);
    if (s != CKKS_OK) {
        ckks_keys_clear(&made);
        return s;
    }
    ckks_keys_clear(out);
    *out = made;
    return CKKS_OK;
}
