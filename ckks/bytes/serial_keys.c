/* serial_keys.c -- keys as bytes.
 *
 * Read first: serial.h, key.h.  The order of work of a loader is that of
 * serial_data.c.  Random halves are not stored: their seeds are.
 *
 * Fields behind the frame (offsets from there):
 *
 *   secret key   coefficients, two bits each, the first one lowest: c + 1 for
 *                c in -1, 0, 1
 *   public key   0 seed, 32 limbs of b over all primes
 *   evaluation   0 u32 count, 4 u32 zero, 8 count entries of 48 bytes:
 *   keys           0 u32 kind, 4 u32 step, 8 u32 level, 12 u32 zero, 16 seed;
 *                then for every key and digit the limbs of b over q_0..q_level
 *                and the special primes
 */
#include <string.h>

#include "base/bytes.h"
#include "bytes/serial.h"
#include "scheme/key.h"

/* ---- secret key --------------------------------------------------------- */

size_t ckks_sk_size(const ckks_sk *sk)
{
    return sk == NULL ? 0 : CKI_HEAD + sk->ctx->n / 4;
}

ckks_status ckks_sk_save(uint8_t *out, size_t size, const ckks_sk *sk)
{
    CKI_NEAREST;
    static const char name[] = "ckks_sk_save";
    ckks_status s;

    if (sk == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    s = cki_check_room(out, size, ckks_sk_size(sk), name);
    if (s != CKKS_OK)
        return s;
    cki_head_write(out, size, CKI_KIND_SK, sk->ctx);
    for (size_t i = 0; i < sk->ctx->n / 4; i++) {
        const int8_t *c = sk->coeff + 4 * i;

        out[CKI_HEAD + i] = (uint8_t)((c[0] + 1) | (c[1] + 1) << 2
                                      | (c[2] + 1) << 4 | (c[3] + 1) << 6);
    }
    cki_head_seal(out, size);
    return CKKS_OK;
}

/* Time depends on n only.  False if a code is 3. */
static bool unpack_ternary(int8_t *out, const uint8_t *in, size_t n)
{
    unsigned bad = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned code = in[i / 4] >> 2 * (i % 4) & 3u;

        out[i] = (int8_t)((int)code - 1);
        bad |= code & code >> 1;                    /* 1 only for code 3     */
    }
    return bad == 0;
}

ckks_status ckks_sk_load(ckks_sk **out, const ckks_ctx *ctx,
                         const uint8_t *in, size_t size)
{
    CKI_NEAREST;
    static const char name[] = "ckks_sk_load";
    ckks_sk *made;
    ckks_status s;

    if (out == NULL || ctx == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    s = cki_head_read(in, size, CKI_KIND_SK, 0, ctx, name);
    if (s == CKKS_OK)
        s = cki_check_size(size, CKI_HEAD + ctx->n / 4, name);
    if (s == CKKS_OK)
        s = cki_sk_new(&made, ctx, name);
    if (s != CKKS_OK)
        return s;
    if (!unpack_ternary(made->coeff, in + CKI_HEAD, ctx->n)) {
        ckks_sk_clear(&made);                       /* wipes                 */
        return cki_fail(CKKS_EFORMAT, "%s: one of %zu coefficients has code "
                        "3, not 0..2", name, ctx->n);
    }
    cki_sk_expand(made);
    ckks_sk_clear(out);
    *out = made;
    return CKKS_OK;
}

/* ---- public key --------------------------------------------------------- */

/* The format holds seeds, so it cannot hold what came without one. */
static ckks_status no_seed(const char *what, const char *name)
{
    return cki_fail(CKKS_EARG, "%s: %s was read from a file of SEAL: its "
                    "random half has no seed of %d bytes; write it with "
                    "ckks_seal_..._save", name, what, CKKS_SEED_BYTES);
}

static uint64_t pk_size(const ckks_ctx *ctx)
{
    uint64_t size = CKI_HEAD + CKKS_SEED_BYTES;

    for (int t = 0; t < ctx->num_primes + ctx->num_special; t++)
        size += cki_limb_size(ctx, t);
    return size;
}

size_t ckks_pk_size(const ckks_pk *pk)
{
    return pk == NULL || pk->seedless ? 0 : (size_t)pk_size(pk->ctx);
}

ckks_status ckks_pk_save(uint8_t *out, size_t size, const ckks_pk *pk)
{
    CKI_NEAREST;
    static const char name[] = "ckks_pk_save";
    const ckks_ctx *ctx;
    uint8_t *b;
    ckks_status s;

    if (pk == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (pk->seedless)
        return no_seed("the public key", name);
    ctx = pk->ctx;
    s = cki_check_room(out, size, ckks_pk_size(pk), name);
    if (s != CKKS_OK)
        return s;
    cki_head_write(out, size, CKI_KIND_PK, ctx);
    memcpy(out + CKI_HEAD, pk->seed, CKKS_SEED_BYTES);
    b = out + CKI_HEAD + CKKS_SEED_BYTES;
    for (int t = 0; t < ctx->num_primes + ctx->num_special; t++)
        b = cki_limb_write(b, pk->limb + (size_t)t * ctx->n, t, ctx);
    cki_head_seal(out, size);
    return CKKS_OK;
}

ckks_status ckks_pk_load(ckks_pk **out, const ckks_ctx *ctx,
                         const uint8_t *in, size_t size)
{
    CKI_NEAREST;
    static const char name[] = "ckks_pk_load";
    const uint8_t *b;
    ckks_pk *made;
    ckks_status s;

    if (out == NULL || ctx == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    s = cki_head_read(in, size, CKI_KIND_PK, CKKS_SEED_BYTES, ctx, name);
    if (s == CKKS_OK)
        s = cki_check_size(size, pk_size(ctx), name);
    if (s == CKKS_OK)
        s = cki_pk_new(&made, ctx, name);
    if (s != CKKS_OK)
        return s;
    memcpy(made->seed, in + CKI_HEAD, CKKS_SEED_BYTES);
    b = in + CKI_HEAD + CKKS_SEED_BYTES;
    for (int t = 0; t < ctx->num_primes + ctx->num_special && s == CKKS_OK;
         t++)
        s = cki_limb_read(made->limb + (size_t)t * ctx->n, &b, t, ctx, "b",
                          name);
    if (s != CKKS_OK) {
        ckks_pk_clear(&made);
        return s;
    }
    cki_pk_expand(made);
    ckks_pk_clear(out);
    *out = made;
    return CKKS_OK;
}

/* ---- evaluation keys ---------------------------------------------------- */

enum { KEYS_FIELDS = 8, KEY_ENTRY = 48, KEY_SEED_AT = 16 };

/* Bytes of the limbs of one key. */
static uint64_t key_limbs_size(const ckks_ctx *ctx, int level)
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

size_t ckks_keys_size(const ckks_keys *keys)
{
    uint64_t size;

    if (keys == NULL || !all_seeded(keys))
        return 0;
    size = CKI_HEAD + KEYS_FIELDS + (uint64_t)KEY_ENTRY * keys->count;
    for (size_t i = 0; i < keys->count; i++)
        size += key_limbs_size(keys->ctx, keys->key[i].level);
    return (size_t)size;
}

/* The b half of digit j, and the number in the context of its limb t. */
static uint64_t *key_b(const cki_key *key, int j, const ckks_ctx *ctx)
{
    return key->limb + 2 * (size_t)j * cki_key_half(key, ctx);
}

static int key_limb_prime(const cki_key *key, int t, const ckks_ctx *ctx)
{
    return t <= key->level ? t : ctx->num_primes + t - key->level - 1;
}

/* Memory has the key permuted (key.h).  work: N words, then N of 32 bits. */
static uint8_t *key_write(uint8_t *b, const cki_key *key, const ckks_ctx *ctx,
                          uint64_t *work)
{
    const uint32_t *perm = cki_key_perm(key, ctx);
    uint32_t *back = (uint32_t *)(void *)(work + ctx->n);

    if (perm != NULL)
        cki_perm_inverse(back, perm, ctx->n);
    for (int j = 0; j < key->digits; j++)
        for (int t = 0; t < key->level + 1 + ctx->num_special; t++) {
            const uint64_t *limb = key_b(key, j, ctx) + (size_t)t * ctx->n;

            if (perm != NULL) {
                ctx->rns.kernel->permute(work, limb, back, ctx->n);
                limb = work;
            }
            b = cki_limb_write(b, limb, key_limb_prime(key, t, ctx), ctx);
        }
    return b;
}

static size_t turn_bytes(const ckks_ctx *ctx)
{
    return ctx->n * (sizeof(uint64_t) + sizeof(uint32_t));
}

ckks_status ckks_keys_save(uint8_t *out, size_t size, const ckks_keys *keys)
{
    CKI_NEAREST;
    static const char name[] = "ckks_keys_save";
    uint64_t *work;
    uint8_t *b;
    ckks_status s;

    if (keys == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (!all_seeded(keys))
        return no_seed("one of the keys", name);
    s = cki_check_room(out, size, ckks_keys_size(keys), name);
    if (s != CKKS_OK)
        return s;
    work = cki_alloc(&keys->ctx->memory, turn_bytes(keys->ctx));
    if (work == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name,
                        turn_bytes(keys->ctx));
    cki_head_write(out, size, CKI_KIND_KEYS, keys->ctx);
    b = out + CKI_HEAD;
    cki_store32(b, (uint32_t)keys->count);
    cki_store32(b + 4, 0);
    b += KEYS_FIELDS;
    for (size_t i = 0; i < keys->count; i++, b += KEY_ENTRY) {
        const cki_key *key = &keys->key[i];

        cki_store32(b, (uint32_t)key->kind);
        cki_store32(b + 4, (uint32_t)key->step);
        cki_store32(b + 8, (uint32_t)key->level);
        cki_store32(b + 12, 0);
        memcpy(b + KEY_SEED_AT, key->seed, CKKS_SEED_BYTES);
    }
    for (size_t i = 0; i < keys->count; i++)
        b = key_write(b, &keys->key[i], keys->ctx, work);
    cki_free(&keys->ctx->memory, work, turn_bytes(keys->ctx));
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

/* All entries, b at the first: ranges, no key twice, and the size they add up
 * to.  A bit for each key there can be: rotation by step has bit `step`,
 * relinearisation bit 0, conjugation the bit behind; 8 KB at most. */
static ckks_status entries_check(const uint8_t *b, size_t count, size_t size,
                                 const ckks_ctx *ctx, const char *name)
{
    uint8_t seen[((size_t)1 << (CKKS_MAX_LOG_N - 1)) / 8 + 1] = { 0 };
    uint64_t want = CKI_HEAD + KEYS_FIELDS + (uint64_t)KEY_ENTRY * count;

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
        want += key_limbs_size(ctx, (int)cki_load32(b + 8));
    }
    return cki_check_size(size, want, name);
}

static ckks_status key_read(cki_key *key, const uint8_t **in,
                            const ckks_ctx *ctx, const char *name)
{
    for (int j = 0; j < key->digits; j++)
        for (int t = 0; t < key->level + 1 + ctx->num_special; t++) {
            ckks_status s = cki_limb_read(
                key_b(key, j, ctx) + (size_t)t * ctx->n, in,
                key_limb_prime(key, t, ctx), ctx,
                key->kind == CKKS_KEY_RELIN ? "relinearisation key"
                : key->kind == CKKS_KEY_CONJ ? "conjugation key"
                                             : "rotation key", name);

            if (s != CKKS_OK)
                return s;
        }
    return CKKS_OK;
}

/* Allocates and reads all keys; b at the entries, limbs behind them. */
static ckks_status keys_read(ckks_keys *made, const uint8_t *b,
                             const char *name)
{
    const uint8_t *limbs = b + (size_t)KEY_ENTRY * made->count;
    const ckks_ctx *ctx = made->ctx;
    uint64_t *work = cki_alloc(&ctx->memory, turn_bytes(ctx));
    ckks_status s = CKKS_OK;

    if (work == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name,
                        turn_bytes(ctx));

    for (size_t i = 0; i < made->count && s == CKKS_OK; i++) {
        const uint8_t *e = b + (size_t)KEY_ENTRY * i;

        s = cki_key_new(&made->key[i], ctx,
                        (ckks_key_kind)cki_load32(e), (int)cki_load32(e + 4),
                        (int)cki_load32(e + 8), name);
        if (s == CKKS_OK)
            memcpy(made->key[i].seed, e + KEY_SEED_AT, CKKS_SEED_BYTES);
    }
    for (size_t i = 0; i < made->count && s == CKKS_OK; i++)
        s = key_read(&made->key[i], &limbs, ctx, name);
    for (size_t i = 0; i < made->count && s == CKKS_OK; i++) {
        cki_key_expand(&made->key[i], ctx);
        cki_key_turn(&made->key[i], ctx, work);
    }
    cki_free(&ctx->memory, work, turn_bytes(ctx));
    return s;
}

ckks_status ckks_keys_load(ckks_keys **out, const ckks_ctx *ctx,
                           const uint8_t *in, size_t size)
{
    CKI_NEAREST;
    static const char name[] = "ckks_keys_load";
    const uint8_t *entries;
    ckks_keys *made;
    size_t count, most;
    ckks_status s;

    if (out == NULL || ctx == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    s = cki_head_read(in, size, CKI_KIND_KEYS, KEYS_FIELDS, ctx, name);
    if (s == CKKS_OK && ctx->num_special == 0)
        s = cki_fail(CKKS_EFORMAT, "%s: keys, but the context has no special "
                     "primes", name);
    if (s != CKKS_OK)
        return s;
    count = cki_load32(in + CKI_HEAD);
    most = (size - CKI_HEAD - KEYS_FIELDS) / KEY_ENTRY;
    most = most < ctx->slots + 1 ? most : ctx->slots + 1;
    entries = in + CKI_HEAD + KEYS_FIELDS;
    s = cki_check_field(count, 0, most, "count", name);
    if (s == CKKS_OK)
        s = cki_check_field(cki_load32(in + CKI_HEAD + 4), 0, 0, "zero",
                            name);
    if (s == CKKS_OK)
        s = entries_check(entries, count, size, ctx, name);
    if (s == CKKS_OK)
        s = cki_keys_new(&made, ctx, count, name);
    if (s != CKKS_OK)
        return s;
    s = keys_read(made, entries, name);
    if (s != CKKS_OK) {
        ckks_keys_clear(&made);
        return s;
    }
    ckks_keys_clear(out);
    *out = made;
    return CKKS_OK;
}
