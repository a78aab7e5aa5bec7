/* test_serial_fields.c -- hostile bytes, one field at a time: what is wrong
 * is refused by name, before memory is taken, and nothing leaks.
 *
 * All objects are those of the tiny context (N = 4, primes 17 and 41, special
 * 113) or of the real one (N = 4, primes 17 and 113, special 97), with the
 * checksum turned off, so that only the fields speak.
 */
#include "test.h"

#include <math.h>

#include "base/bytes.h"
#include "zoo.h"

enum { HEAD = 40 };

/* One change: `size` bytes of `value`, little-endian, at byte `at` (negative:
 * from the end); the message must contain `word`. */
typedef struct change {
    int animal;
    long at;
    int size;
    uint64_t value;
    const char *word;
} change;

static const change changes[] = {
    /* frame */
    { ZOO_PT, 0, 1, 'v', "VLLY" },
    { ZOO_PT, 4, 1, 2, "version 2" },
    { ZOO_PT, 4, 1, 0, "version 0" },
    { ZOO_PT, 5, 1, 3, "kind 3, want 2" },
    { ZOO_PT, 6, 1, 2, "checksum of kind 2" },
    { ZOO_PT, 7, 1, 0, "'insecure' is 0" },
    { ZOO_PT, 7, 1, 3, "flags" },
    { ZOO_PT, 8, 8, UINT64_MAX, "size field 18446744073709551615" },
    { ZOO_PT, 16, 8, 1, "checksum field" },
    { ZOO_PT, 24, 1, 0, "fingerprint" },
    /* parameters: HEAD + 8 i is word i; 3 primes; security last */
    { ZOO_PARAMS, HEAD, 8, 2, "'conventions' is 2" },
    { ZOO_PARAMS, HEAD + 8, 8, 1, "'log_n' is 1" },
    { ZOO_PARAMS, HEAD + 8, 8, 18, "'log_n' is 18" },
    { ZOO_PARAMS, HEAD + 8, 8, UINT64_C(1) << 32 | 2, "'log_n'" },
    { ZOO_PARAMS, HEAD + 16, 8, 0, "'num_primes' is 0" },
    { ZOO_PARAMS, HEAD + 16, 8, 65, "'num_primes' is 65" },
    { ZOO_PARAMS, HEAD + 16, 8, 3, "bytes" },
    { ZOO_PARAMS, HEAD + 24, 8, 33, "'num_special' is 33" },
    { ZOO_PARAMS, HEAD + 24, 8, 2, "bytes" },
    { ZOO_PARAMS, HEAD + 32, 8, 0, "'dnum' is 0" },
    { ZOO_PARAMS, HEAD + 32, 8, 3, "'dnum' is 3, not in 1..2" },
    { ZOO_PARAMS, HEAD + 40, 8, 4, "'generator' is 4" },
    { ZOO_PARAMS, HEAD + 40, 8, 3, "fingerprint" },
    { ZOO_PARAMS, HEAD + 48, 8, 1, "fingerprint" },
    { ZOO_PARAMS, HEAD + 48, 8, 2, "fingerprint" },
    { ZOO_PARAMS, HEAD + 48, 8, 3, "fingerprint" },
    { ZOO_PARAMS, HEAD + 48, 8, 8, "'switching' is 8, not in 0..7" },
    { ZOO_PARAMS, HEAD + 56, 8, 97, "fingerprint" },
    { ZOO_PARAMS, -8, 8, 1, "'security' is 1" },
    { ZOO_PARAMS, -8, 8, 128, "flags 1" },
    { ZOO_PARAMS, 7, 1, 0, "flags 0" },
    /* plaintext */
    { ZOO_PT, HEAD, 4, 2, "'level' is 2, not in 0..1" },
    { ZOO_PT, HEAD, 4, UINT32_MAX, "'level'" },
    { ZOO_PT, HEAD, 4, 0, "bytes" },
    { ZOO_PT, HEAD + 4, 4, 1, "'zero'" },
    { ZOO_PT, HEAD + 8, 8, 0x7ff8000000000000, "'scale' is nan" },
    { ZOO_PT, HEAD + 8, 8, 0x7ff0000000000000, "'scale' is inf" },
    { ZOO_PT, HEAD + 8, 8, 0xc010000000000000, "'scale' is -4" },
    { ZOO_PT, HEAD + 8, 8, 0x3fefffffffffffff, "'scale' is 1," },
    { ZOO_PT, HEAD + 8, 8, 1, "'scale'" },
    { ZOO_PT, HEAD + 16, 1, 17, "word 0 of the limb of prime 0" },
    { ZOO_PT, -1, 1, 0xa4, "word 3 of the limb of prime 1" },
    { ZOO_PT, HEAD + 18, 1, 0x10, "last byte" },
    /* ciphertexts: room for 2 * scale < 17 * 41 */
    { ZOO_CT_ONE, HEAD, 4, 0, "'degree' is 0" },
    { ZOO_CT_ONE, HEAD, 4, 3, "'degree' is 3" },
    { ZOO_CT_ONE, HEAD, 4, 2, "bytes" },
    { ZOO_CT_ONE, HEAD + 4, 4, 2, "'level' is 2" },
    { ZOO_CT_ONE, HEAD + 4, 4, 0, "bytes" },
    { ZOO_CT_ONE, HEAD + 8, 8, 0x4075c80000000000, "below 2^8.445" },
    { ZOO_CT_ONE, HEAD + 8, 8, 0x7fefffffffffffff, "'scale'" },
    { ZOO_CT_ONE, HEAD + 16, 4, 1, "bytes" },
    { ZOO_CT_ONE, HEAD + 16, 4, 2, "'seeded' is 2" },
    { ZOO_CT_ONE, HEAD + 20, 4, 1, "'zero'" },
    { ZOO_CT_ONE, -1, 1, 0xa4, "c_1: word 3 of the limb of prime 1" },
    { ZOO_CT_TWO, HEAD + 16, 4, 1, "'seeded' is 1, not in 0..0" },
    { ZOO_CT_TWO, -1, 1, 0xa4, "c_2: word 3 of the limb of prime 1" },
    { ZOO_CT_SEEDED, HEAD + 16, 4, 0, "bytes" },
    { ZOO_CT_SEEDED, -1, 1, 0xa4, "c_0: word 3 of the limb of prime 1" },
    /* keys of the owner */
    { ZOO_SK, HEAD, 1, 0x43, "code 3" },
    { ZOO_SK, HEAD, 1, 0xd5, "code 3" },
    { ZOO_PK, -1, 1, 0x1f, "limb of prime 2" },
    { ZOO_PK, -1, 1, 0xff, "b: word 3 of the limb of prime 2" },
    /* evaluation keys: relinearisation, rotation by 1, conjugation */
    { ZOO_KEYS, HEAD, 4, UINT32_MAX, "'count' is 4294967295, not in 0..3" },
    { ZOO_KEYS, HEAD, 4, 4, "'count' is 4" },
    { ZOO_KEYS, HEAD, 4, 2, "bytes" },
    { ZOO_KEYS, HEAD, 4, 0, "bytes" },
    { ZOO_KEYS, HEAD + 4, 4, 1, "'zero'" },
    { ZOO_KEYS, HEAD + 8, 4, 3, "'kind' is 3" },
    { ZOO_KEYS, HEAD + 8, 4, 2, "kind 2, step 0 stands twice" },
    { ZOO_KEYS, HEAD + 12, 4, 1, "'step' is 1, not in 0..0" },
    { ZOO_KEYS, HEAD + 16, 4, 2, "'level' is 2" },
    { ZOO_KEYS, HEAD + 16, 4, 0, "bytes" },
    { ZOO_KEYS, HEAD + 20, 4, 1, "'zero'" },
    { ZOO_KEYS, HEAD + 48 + 12, 4, 0, "'step' is 0, not in 1..1" },
    { ZOO_KEYS, HEAD + 48 + 12, 4, 2, "'step' is 2, not in 1..1" },
    { ZOO_KEYS, HEAD + 48 + 12, 4, UINT32_MAX, "'step'" },
    { ZOO_KEYS, HEAD + 48 + 8, 4, 0, "'step' is 1, not in 0..0" },
    { ZOO_KEYS, HEAD + 96 + 8, 4, 0, "kind 0, step 0 stands twice" },
    { ZOO_KEYS, -1, 1, 0xff, "conjugation key: word 3 of the limb" }
};

/* The real ring: bit 2 of the switching; N slots, so a step is up to N - 1; no
 * conjugation.  Keys: relinearisation, rotations by 1 and 3. */
static const change real_changes[] = {
    { ZOO_PARAMS, HEAD + 40, 8, 3, "fingerprint" },
    { ZOO_PARAMS, HEAD + 48, 8, 0, "fingerprint" },
    { ZOO_PARAMS, HEAD + 48, 8, 5, "fingerprint" },
    { ZOO_PARAMS, HEAD + 48, 8, 6, "fingerprint" },
    { ZOO_PARAMS, HEAD + 48, 8, 12, "'switching' is 12, not in 0..7" },
    { ZOO_PARAMS, HEAD + 64, 8, 41, "fingerprint" },
    { ZOO_PT, HEAD + 16, 1, 17, "word 0 of the limb of prime 0" },
    { ZOO_PT, -1, 1, 0xff, "limb of prime 1" },
    { ZOO_CT_ONE, HEAD + 8, 8, 0x408e040000000000, "below 2^9.908" },
    { ZOO_SK, HEAD, 1, 0x43, "code 3" },
    { ZOO_PK, -1, 1, 0xff, "limb of prime 2" },
    { ZOO_KEYS, HEAD, 4, 6, "'count' is 6" },
    { ZOO_KEYS, HEAD + 8, 4, 2, "'kind' is 2, not in 0..1" },
    { ZOO_KEYS, HEAD + 48 + 8, 4, 2, "'kind' is 2, not in 0..1" },
    { ZOO_KEYS, HEAD + 96 + 8, 8, 2, "'kind' is 2, not in 0..1" },
    { ZOO_KEYS, HEAD + 48 + 12, 4, 0, "'step' is 0, not in 1..3" },
    { ZOO_KEYS, HEAD + 48 + 12, 4, 4, "'step' is 4, not in 1..3" },
    { ZOO_KEYS, HEAD + 96 + 12, 4, UINT32_MAX, "not in 1..3" },
    { ZOO_KEYS, HEAD + 48 + 12, 4, 3, "kind 1, step 3 stands twice" },
    { ZOO_KEYS, HEAD + 96 + 8, 4, 0, "'step' is 3, not in 0..0" },
    { ZOO_KEYS, HEAD + 96 + 8, 8, 0, "kind 0, step 0 stands twice" },
    { ZOO_KEYS, -1, 1, 0xff, "rotation key: word 3 of the limb" }
};
enum { CHANGES = sizeof changes / sizeof *changes,
       REAL_CHANGES = sizeof real_changes / sizeof *real_changes };

static void apply(uint8_t *b, size_t size, const change *c)
{
    size_t at = c->at < 0 ? size - (size_t)-c->at : (size_t)c->at;

    for (int i = 0; i < c->size; i++)
        b[at + (size_t)i] = (uint8_t)(c->value >> 8 * i);
}

static void check_changes(zoo *z, const change *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const change *c = &list[i];
        zoo_animal *a = &z->animal[c->animal];
        uint8_t *b = malloc(a->size);
        ckks_status s;

        memcpy(b, a->bytes, a->size);
        zoo_unseal(b);
        CHECK_OK(a->load(z->ctx, b, a->size, NULL));
        apply(b, a->size, c);
        s = a->load(z->ctx, b, a->size, NULL);
        CHECK(s == CKKS_EFORMAT
              && strstr(ckks_last_error(), c->word) != NULL
              && strncmp(ckks_last_error(), "ckks_", 5) == 0,
              "change %zu (%s, byte %ld, value %#" PRIx64 "): %s: '%s', want "
              "'%s' in it", i, a->name, c->at, c->value, ckks_status_name(s),
              s == CKKS_OK ? "" : ckks_last_error(), c->word);
        free(b);
    }
}

TEST(every_field_is_checked)
{
    zoo z;

    if (!zoo_tiny(&z, NULL))
        return;
    check_changes(&z, changes, CHANGES);
    zoo_clear(&z);
    if (!zoo_real(&z, NULL))
        return;
    check_changes(&z, real_changes, REAL_CHANGES);
    zoo_clear(&z);
}

/* The checksum is looked at if it is there: kind 1 with the field 0. */
TEST(checksum_is_checked)
{
    zoo z;
    zoo_animal *a;

    if (!zoo_tiny(&z, NULL))
        return;
    a = &z.animal[ZOO_PT];
    CHECK(zoo_sealed(&z), "no checksum");
    cki_store64(a->bytes + 16, 0);
    CHECK_STATUS(a->load(z.ctx, a->bytes, a->size, NULL), CKKS_EFORMAT);
    CHECK(strstr(ckks_last_error(), "damaged") != NULL, "%s",
          ckks_last_error());
    zoo_clear(&z);
}

/* A scale just below the bound is taken, and the largest words. */
TEST(limits_are_accepted)
{
    zoo z;
    uint8_t *b;
    zoo_animal *a;

    if (!zoo_tiny(&z, NULL))
        return;
    a = &z.animal[ZOO_CT_ONE];
    b = a->bytes;
    zoo_unseal(b);
    cki_store64(b + HEAD + 8, 0x4075c7ffffffff00);          /* below 348.5   */
    CHECK_OK(a->load(z.ctx, b, a->size, NULL));
    cki_store64(b + HEAD + 8, 0x3ff0000000000000);          /* 1             */
    CHECK_OK(a->load(z.ctx, b, a->size, NULL));
    memset(b + HEAD + 24, 0, a->size - HEAD - 24);
    b[HEAD + 24] = 16;
    b[HEAD + 27] = 40;
    CHECK_OK(a->load(z.ctx, b, a->size, NULL));
    zoo_clear(&z);
}

TEST(save_refuses)
{
    zoo z;
    uint8_t b[500];
    ckks_pt pt = { 0 };
    ckks_ct ct = { 0 };
    ckks_params p;
    size_t n;

    if (!zoo_tiny(&z, NULL))
        return;
    n = z.animal[ZOO_PT].size;
    CHECK_OK(ckks_pt_load(&pt, z.ctx, z.animal[ZOO_PT].bytes, n));
    memset(b, 0x33, sizeof b);
    CHECK_STATUS(ckks_pt_save(b, n + 1, &pt), CKKS_EARG);
    CHECK_STATUS(ckks_pt_save(b, n - 1, &pt), CKKS_EARG);
    CHECK_STATUS(ckks_pt_save(NULL, n, &pt), CKKS_EARG);
    CHECK_STATUS(ckks_pt_save(b, n, NULL), CKKS_EARG);
    CHECK_STATUS(ckks_ct_save(b, 100, &ct), CKKS_EARG);
    CHECK_STATUS(ckks_sk_save(b, 100, NULL), CKKS_EARG);
    CHECK_STATUS(ckks_pk_save(b, 100, NULL), CKKS_EARG);
    CHECK_STATUS(ckks_keys_save(b, 100, NULL), CKKS_EARG);
    CHECK_STATUS(ckks_params_save(b, 100, NULL), CKKS_EARG);
    CHECK_STATUS(ckks_params_save(b, 10, z.ctx), CKKS_EARG);
    for (size_t i = 0; i < sizeof b; i++)
        CHECK(b[i] == 0x33, "byte %zu written", i);
    CHECK(ckks_pt_size(NULL) == 0 && ckks_ct_size(NULL) == 0
          && ckks_ct_size(&ct) == 0 && ckks_sk_size(NULL) == 0
          && ckks_pk_size(NULL) == 0 && ckks_keys_size(NULL) == 0
          && ckks_params_size(NULL) == 0, "size of nothing");
    CHECK_STATUS(ckks_pt_load(NULL, z.ctx, b, n), CKKS_EARG);
    CHECK_STATUS(ckks_pt_load(&pt, NULL, b, n), CKKS_EARG);
    CHECK_STATUS(ckks_pt_load(&pt, z.ctx, NULL, n), CKKS_EARG);
    CHECK_STATUS(ckks_params_load(&p, NULL, n), CKKS_EARG);
    CHECK_STATUS(ckks_params_load(NULL, z.animal[ZOO_PARAMS].bytes,
                                  z.animal[ZOO_PARAMS].size), CKKS_EARG);
    ckks_pt_clear(&pt);
    zoo_clear(&z);
}

/* ---- memory ------------------------------------------------------------- */

/* Counts what is asked for; call number `refuse` from now on gets nothing. */
typedef struct meter {
    int    calls, refuse;
    size_t held, most_asked;
} meter;

static void *meter_allocate(void *user, size_t size)
{
    meter *m = user;

    if (++m->calls == m->refuse)
        return NULL;
    m->held += size;
    m->most_asked = size > m->most_asked ? size : m->most_asked;
    return aligned_alloc(64, (size + 63) / 64 * 64);
}

static void meter_release(void *user, void *p, size_t size)
{
    ((meter *)user)->held -= size;
    free(p);
}

/* Whoever changes parameters can make their fingerprint fit: primes are
 * looked at all the same. */
TEST(primes_are_checked_behind_a_true_fingerprint)
{
    static const uint64_t wrong[] = {
        0, 1, 33, 98, (UINT64_C(1) << 61) + 1, UINT64_MAX
    };
    zoo z;

    if (!zoo_tiny(&z, NULL))
        return;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        zoo_animal *a = &z.animal[ZOO_PARAMS];
        uint8_t *b = malloc(a->size);
        ckks_params p;

        memcpy(b, a->bytes, a->size);
        zoo_unseal(b);
        cki_store64(b + HEAD + 56, wrong[i]);
        ckks_blake2b(b + 24, 16, b + HEAD, a->size - HEAD - 8, NULL, 0);
        CHECK_STATUS(ckks_params_load(&p, b, a->size), CKKS_EFORMAT);
        CHECK(strstr(ckks_last_error(), "not 1 mod 8 below") != NULL, "prime %" PRIu64
              ": %s", wrong[i], ckks_last_error());
        free(b);
    }
    zoo_clear(&z);
}

/* A key that stands twice is seen at every step there can be. */
TEST(keys_stand_once)
{
    enum { SLOTS = 32, FIRST = HEAD + 12, SECOND = FIRST + 48 };
    static const ckks_key_request two[] = {
        { CKKS_KEY_ROTATE, 1, 0 }, { CKKS_KEY_ROTATE, 2, 0 }
    };
    const ckks_params p = { .log_n = 6, .num_primes = 1, .num_special = 1,
                            .dnum = 1, .security = CKKS_INSECURE,
                            .primes = { 40 }, .special = { 40 } };
    const uint8_t seed[CKKS_SEED_BYTES] = { 1 };
    ckks_ctx *ctx = NULL;
    ckks_sk *sk = NULL;
    ckks_keys *keys = NULL;
    ckks_rng rng = { 0 };
    uint8_t *b = NULL;
    size_t size = 0;

    if (CHECK_OK(ckks_ctx_init(&ctx, &p)) && CHECK_OK(ckks_rng_init(&rng, seed))
        && CHECK_OK(ckks_sk_init(&sk, ctx, &rng))
        && CHECK_OK(ckks_keys_init(&keys, &rng, sk, two, 2))) {
        size = ckks_keys_size(keys);
        b = malloc(size);
        CHECK_OK(ckks_keys_save(b, size, keys));
        zoo_unseal(b);
        for (uint32_t step = 1; step < SLOTS; step++) {
            cki_store32(b + FIRST, step);
            cki_store32(b + SECOND, step);
            CHECK_STATUS(ckks_keys_load(&keys, ctx, b, size), CKKS_EFORMAT);
            CHECK(strstr(ckks_last_error(), "stands twice") != NULL,
                  "step %" PRIu32 ": %s", step, ckks_last_error());
            cki_store32(b + SECOND, step % (SLOTS - 1) + 1);
            CHECK_OK(ckks_keys_load(&keys, ctx, b, size));
        }
        cki_store32(b + HEAD, SLOTS + 1);       /* more than there are bytes */
        CHECK_STATUS(ckks_keys_load(&keys, ctx, b, size), CKKS_EFORMAT);
        CHECK(strstr(ckks_last_error(), "'count' is 33") != NULL, "%s",
              ckks_last_error());
    }
    free(b);
    ckks_keys_clear(&keys);
    ckks_sk_clear(&sk);
    ckks_ctx_clear(&ctx);
}

/* Sizes are checked before memory is taken: an object that is cut, or whose
 * fields ask for other bytes than there are, allocates nothing. */
static void check_no_memory(bool real)
{
    meter m = { 0 };
    const ckks_memory memory = { meter_allocate, meter_release, &m };
    const change *list = real ? real_changes : changes;
    zoo z;

    if (!(real ? zoo_real : zoo_tiny)(&z, &memory))
        return;
    for (size_t i = 0; i < (real ? REAL_CHANGES : CHANGES); i++) {
        zoo_animal *a = &z.animal[list[i].animal];
        bool words = strstr(list[i].word, "limb") != NULL
                     || strstr(list[i].word, "last byte") != NULL
                     || strstr(list[i].word, "code 3") != NULL;
        uint8_t *b = malloc(a->size);

        memcpy(b, a->bytes, a->size);
        zoo_unseal(b);
        apply(b, a->size, &list[i]);
        m.calls = 0;
        CHECK_STATUS(a->load(z.ctx, b, a->size, NULL), CKKS_EFORMAT);
        CHECK(words || m.calls == 0, "change %zu (%s): %d allocations", i,
              a->name, m.calls);
        for (size_t n = 24; n < a->size; n++) {
            memcpy(b, a->bytes, n);
            zoo_unseal(b);
            cki_store64(b + 8, n);
            m.calls = 0;
            CHECK_STATUS(a->load(z.ctx, b, n, NULL), CKKS_EFORMAT);
            CHECK(m.calls == 0, "%s cut to %zu: %d allocations", a->name, n,
                  m.calls);
        }
        free(b);
    }
    zoo_clear(&z);
    CHECK(m.held == 0, "%zu bytes leaked", m.held);
}

TEST(no_memory_before_sizes_are_checked)
{
    check_no_memory(false);
    check_no_memory(true);
}

/* Every allocation of every loader fails once: CKKS_EMEM, nothing leaks. */
static void fail_allocations(bool real)
{
    meter m = { 0 };
    const ckks_memory memory = { meter_allocate, meter_release, &m };
    zoo z;
    int failed = 0;

    if (!(real ? zoo_real : zoo_tiny)(&z, &memory))
        return;
    for (int i = ZOO_PT; i < ZOO_SIZE; i++) {
        zoo_animal *a = &z.animal[i];
        size_t held = m.held;
        ckks_status s = CKKS_EMEM;

        for (int k = 1; s != CKKS_OK && k < 100; k++) {
            m.calls = 0;
            m.refuse = k;
            s = a->load(z.ctx, a->bytes, a->size, NULL);
            CHECK(s == (m.calls >= k ? CKKS_EMEM : CKKS_OK), "%s, %d: %s",
                  a->name, k, ckks_status_name(s));
            CHECK(m.held == held, "%s, %d: %zu bytes leaked", a->name, k,
                  m.held - held);
            failed += s == CKKS_EMEM;
        }
        m.refuse = 0;
    }
    CHECK(failed >= 7, "%d", failed);
    zoo_clear(&z);
    CHECK(m.held == 0, "%zu bytes leaked", m.held);
}

TEST(every_allocation_fails_once)
{
    fail_allocations(false);
    fail_allocations(true);
}
