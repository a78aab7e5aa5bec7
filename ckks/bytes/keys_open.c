/* keys_open.c -- evaluation keys that stay where their file lies, but for those
 * that are held.
 *
 * Read first: serial_evalkey.c, key.h.
 *
 * A limb's sum, XXH64 of its bytes, is kept from the first reading: it finds
 * damage, as the file's own does.  Words are compared with their prime whenever
 * they are read.
 */
#include <string.h>

#include "base/bytes.h"
#include "bytes/serial_evalkey.h"

static ckks_status fetch(uint8_t *out, const ckks_source *from, uint64_t at,
                         size_t size, const char *name)
{
    const ckks_status s = from->read(from->user, at, out, size);

    if (s != CKKS_OK)
        return cki_fail(CKKS_EIO, "%s: bytes %llu to %llu of %llu cannot be "
                        "had: status %d", name, (unsigned long long)at,
                        (unsigned long long)(at + size),
                        (unsigned long long)from->size, (int)s);
    return CKKS_OK;
}

/* Limbs of a digit, and of all, in the file. */
static int limbs_of(const cki_key *key, const ckks_ctx *ctx)
{
    return key->most + 1 + ctx->num_special;
}

static size_t sums_of(const cki_key *key, const ckks_ctx *ctx)
{
    return (size_t)((key->most / ctx->alpha + 1) * limbs_of(key, ctx));
}

/* ---- limbs of a key ------------------------------------------------------ */

/* Limbs whose bytes are read, one after the other, before threads share what is
 * then to do. */
enum { BATCH = 4 };

/* One of them: its number in the file's order, and how it went. */
typedef struct piece {
    size_t i, size;
    int prime;
    ckks_status s;
} piece;

/* Where the words of number k of a batch are, and, behind them, its bytes. */
static uint64_t *words_of(const ckks_keys *keys, int k)
{
    return keys->words + (size_t)(2 * k) * keys->ctx->n;
}

static uint8_t *bytes_of(const ckks_keys *keys, int k)
{
    return (uint8_t *)(words_of(keys, k) + keys->ctx->n);
}

/* Limb number i of a key in the file: of the level's primes, then of the
 * special ones. */
static int prime_of(const cki_key *key, const ckks_ctx *ctx, size_t i)
{
    const int t = (int)(i % (size_t)limbs_of(key, ctx));

    return t <= key->most ? t : ctx->num_primes + t - key->most - 1;
}

static bool is_held(const cki_key *key, const ckks_ctx *ctx, size_t i)
{
    const int prime = prime_of(key, ctx, i);

    return (int)(i / (size_t)limbs_of(key, ctx)) < key->digits
           && (prime <= key->level || prime >= ctx->num_primes);
}

/* Number k of a batch: its words are below the prime.  Of a key that is opened
 * its sum is put down, else compared, and the words go to the key. */
static ckks_status take_piece(const ckks_keys *keys, cki_key *key,
                              const piece *p, int k, uint64_t *sum,
                              bool opening, const char *name)
{
    const ckks_ctx *ctx = keys->ctx;
    const int limbs = limbs_of(key, ctx), t = (int)p->i % limbs;
    const int j = (int)p->i / limbs;
    const uint8_t *in = bytes_of(keys, k);
    uint64_t *words = words_of(keys, k);
    cki_checksum one;
    ckks_status s;

    cki_checksum_init(&one);
    cki_checksum_update(&one, in, p->size);
    if (opening)
        sum[p->i] = cki_checksum_digest(&one);
    else if (cki_checksum_digest(&one) != sum[p->i])
        return cki_fail(CKKS_EFORMAT, "%s: limb %d of digit %d of the %s for "
                        "step %d is not what it was when the keys were opened",
                        name, t, j, cki_key_name(key), key->step);
    s = cki_limb_read(words, &in, p->prime, ctx, cki_key_name(key), name);
    if (s == CKKS_OK && !opening)
        cki_key_put(key, ctx, j, 0,
                    t <= key->level ? t : t - key->most + key->level, words);
    return s;
}

/* The limbs of a key, which begin at `at` of the file: all of them, every byte
 * added to *all, or, all NULL, those that are held. */
static ckks_status take_limbs(const ckks_keys *keys, cki_key *key, uint64_t at,
                              uint64_t *sum, cki_checksum *all,
                              const char *name)
{
    const ckks_ctx *ctx = keys->ctx;
    const bool opening = all != NULL;

    for (size_t i = 0; i < sums_of(key, ctx); ) {
        piece p[BATCH];
        int some = 0;

        for (; i < sums_of(key, ctx) && some < BATCH; i++) {
            const int prime = prime_of(key, ctx, i);
            const size_t size = cki_limb_size(ctx, prime);
            ckks_status s = CKKS_OK;

            if (opening || is_held(key, ctx, i)) {
                s = fetch(bytes_of(keys, some), &keys->from, at, size, name);
                p[some] = (piece){ .i = i, .size = size, .prime = prime };
                if (s == CKKS_OK && opening)
                    cki_checksum_update(all, bytes_of(keys, some), size);
                some++;
            }
            if (s != CKKS_OK)
                return s;
            at += size;
        }
        CKI_PARALLEL
        for (int k = 0; k < some; k++)
            p[k].s = take_piece(keys, key, &p[k], k, sum, opening, name);
        for (int k = 0; k < some; k++)  /* again, for this thread's message  */
            if (p[k].s != CKKS_OK)
                return take_piece(keys, key, &p[k], k, sum, opening, name);
    }
    return CKKS_OK;
}

/* ---- opening ------------------------------------------------------------- */

static ckks_status read_all(ckks_keys *made, const uint8_t *front,
                            size_t front_size, const char *name)
{
    const ckks_ctx *ctx = made->ctx;
    uint64_t at = front_size, *sum = made->sum;
    ckks_status s = CKKS_OK;
    cki_checksum all;

    cki_checksum_start(&all, front, front_size);
    for (size_t i = 0; i < made->count && s == CKKS_OK; i++) {
        cki_key *key = &made->key[i];

        s = take_limbs(made, key, at, sum, &all, name);
        at += cki_key_limbs_size(ctx, key->most);
        sum += sums_of(key, ctx);
    }
    return s == CKKS_OK ? cki_head_sum(front, cki_checksum_digest(&all), name)
                        : s;
}

/* The keys as the front of the file names them, none in memory. */
static ckks_status keys_of(ckks_keys **out, const ckks_ctx *ctx,
                           const uint8_t *entries, size_t count,
                           const char *name)
{
    ckks_keys *made;
    ckks_status s = cki_keys_new(&made, ctx, count, name);

    if (s != CKKS_OK)
        return s;
    for (size_t i = 0; i < count && s == CKKS_OK; i++) {
        s = cki_keys_entry(&made->key[i], entries, i, ctx, name);
        made->sums += s == CKKS_OK ? sums_of(&made->key[i], ctx) : 0;
        made->key[i].level = -1;
        made->key[i].digits = 0;
    }
    made->words_size = 2 * BATCH * ctx->n * sizeof(uint64_t);
    if (s == CKKS_OK) {
        made->words = cki_alloc(&ctx->memory, made->words_size);
        made->sum = cki_alloc(&ctx->memory,
                              (made->sums + 1) * sizeof(uint64_t));
    }
    if (s == CKKS_OK && (made->words == NULL || made->sum == NULL))
        s = cki_fail(CKKS_EMEM, "%s: no memory for what %zu keys need", name,
                     count);
    if (s != CKKS_OK) {
        ckks_keys_clear(&made);
        return s;
    }
    *out = made;
    return CKKS_OK;
}

/* The front: frame, fields, entries. */
static ckks_status open_with(ckks_keys **out, const ckks_ctx *ctx,
                             const ckks_source *from, uint8_t *front,
                             size_t count, const char *name)
{
    const size_t size = (size_t)cki_keys_front(count);
    const uint8_t *entries = front + CKI_HEAD + CKI_KEYS_FIELDS;
    ckks_keys *made = NULL;
    ckks_status s = fetch(front, from, 0, size, name);

    if (s == CKKS_OK)           /* again: the bytes may be others by now     */
        s = cki_head_begin(front, size, from->size, CKI_KIND_KEYS,
                           CKI_KEYS_FIELDS, ctx, name);
    if (s == CKKS_OK)
        s = cki_check_field(cki_load32(front + CKI_HEAD), count, count,
                            "count", name);
    if (s == CKKS_OK)
        s = cki_keys_entries(entries, count, from->size, ctx, name);
    if (s == CKKS_OK)
        s = keys_of(&made, ctx, entries, count, name);
    if (s != CKKS_OK)
        return s;
    made->from = *from;
    s = read_all(made, front, size, name);
    if (s != CKKS_OK) {
        ckks_keys_clear(&made);
        return s;
    }
    ckks_keys_clear(out);
    *out = made;
    return CKKS_OK;
}

ckks_status ckks_keys_open(ckks_keys **out, const ckks_ctx *ctx,
                           const ckks_source *from)
{
    CKI_NEAREST;
    static const char name[] = "ckks_keys_open";
    uint8_t first[CKI_HEAD + CKI_KEYS_FIELDS], *front;
    size_t count = 0, size;
    ckks_status s;

    if (out == NULL || ctx == NULL || from == NULL || from->read == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (from->size < sizeof first)
        return cki_fail(CKKS_EFORMAT, "%s: %llu bytes, fewer than the %zu of "
                        "frame and fields", name,
                        (unsigned long long)from->size, sizeof first);
    s = fetch(first, from, 0, sizeof first, name);
    if (s == CKKS_OK)
        s = cki_head_begin(first, sizeof first, from->size, CKI_KIND_KEYS,
                           CKI_KEYS_FIELDS, ctx, name);
    if (s == CKKS_OK)
        s = cki_keys_count(&count, first, from->size, ctx, name);
    if (s != CKKS_OK)
        return s;
    size = (size_t)cki_keys_front(count);
    front = cki_alloc(&ctx->memory, size);
    if (front == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name, size);
    s = open_with(out, ctx, from, front, count, name);
    cki_free(&ctx->memory, front, size);
    return s;
}

/* ---- holding ------------------------------------------------------------- */

/* The level at which a key is wanted; -1: it is not. */
static int wanted_level(const cki_key *key, const ckks_key_request *want,
                        size_t n, const ckks_ctx *ctx)
{
    int level = -1;

    for (size_t i = 0; i < n; i++)
        if (want[i].kind == key->kind
            && (key->kind != CKKS_KEY_ROTATE
                || cki_normal_step(ctx, want[i].step) == key->step)
            && want[i].level > level)
            level = want[i].level;
    return level;
}

/* Nothing but what there is may be wanted. */
static ckks_status hold_check(const ckks_keys *keys,
                              const ckks_key_request *want, size_t n,
                              const char *name)
{
    for (size_t i = 0; i < n; i++) {
        const int most = ckks_keys_level(keys, want[i].kind, want[i].step);

        if (want[i].level < 0 || want[i].level > most)
            return cki_fail(CKKS_EKEY, "%s: request %zu of %zu: kind %d, step "
                            "%d, level %d; the keys have it up to level %d",
                            name, i, n, (int)want[i].kind, want[i].step,
                            want[i].level, most);
    }
    return CKKS_OK;
}

static void drop(cki_key *key, const ckks_ctx *ctx)
{
    cki_key_free(key, ctx);
    key->level = -1;
    key->digits = 0;
}

/* The key's limbs in the file begin at `at`, their sums at sum. */
static ckks_status bring(const ckks_keys *keys, cki_key *key, int level,
                         uint64_t at, uint64_t *sum, const char *name)
{
    const ckks_ctx *ctx = keys->ctx;
    ckks_status s;

    key->level = level;
    key->digits = level / ctx->alpha + 1;
    s = cki_key_memory(key, ctx, name);
    if (s == CKKS_OK)
        s = take_limbs(keys, key, at, sum, NULL, name);
    if (s == CKKS_OK)
        s = cki_key_expand(key, ctx, name);
    if (s != CKKS_OK)
        drop(key, ctx);
    return s;
}

ckks_status ckks_keys_hold(ckks_keys *keys, const ckks_key_request *want,
                           size_t num_wanted)
{
    CKI_NEAREST;
    static const char name[] = "ckks_keys_hold";
    uint64_t at, *sum;
    ckks_status s;

    if (keys == NULL || (want == NULL && num_wanted > 0))
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    s = hold_check(keys, want, num_wanted, name);
    if (s != CKKS_OK || keys->from.read == NULL)
        return s;
    for (size_t i = 0; i < keys->count; i++) {
        cki_key *key = &keys->key[i];
        const int level = wanted_level(key, want, num_wanted, keys->ctx);

        if (key->level >= 0 && (level < 0 || level > key->level))
            drop(key, keys->ctx);
    }
    for (size_t i = 0; i < keys->count && s == CKKS_OK; i++) {
        cki_key *key = &keys->key[i];
        const int level = wanted_level(key, want, num_wanted, keys->ctx);

        if (level < key->level)
            s = cki_key_shrink(key, level, keys->ctx, name);
    }
    at = cki_keys_front(keys->count);
    sum = keys->sum;
    for (size_t i = 0; i < keys->count && s == CKKS_OK; i++) {
        cki_key *key = &keys->key[i];
        const int level = wanted_level(key, want, num_wanted, keys->ctx);

        if (level > key->level)
            s = bring(keys, key, level, at, sum, name);
        at += cki_key_limbs_size(keys->ctx, key->most);
        sum += sums_of(key, keys->ctx);
    }
    return s;
}
