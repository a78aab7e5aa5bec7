/* test_keys_open.c -- evaluation keys that stay in their file: what is held
 * gives the words that loaded keys give, at every level; memory follows what is
 * held; a file that ends, changes or lies is refused, and nothing is lost. */
#include "misuse_support.h"

/* A file in memory: reads fail from `end` on, or all of them. */
typedef struct store {
    uint8_t *at;
    size_t size, end;
    long reads;
    bool broken;
} store;

static ckks_status store_read(void *user, uint64_t at, void *out, size_t size)
{
    store *f = user;

    f->reads++;
    if (f->broken || at > f->end || size > f->end - at)
        return CKKS_EIO;
    memcpy(out, f->at + at, size);
    return CKKS_OK;
}

static ckks_source source_of(store *f)
{
    return (ckks_source){ store_read, f, f->size };
}

/* A context with keys of all kinds, in memory and as a file, and ciphertexts of
 * two degrees. */
typedef struct bench {
    misuse_meter meter;
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    ckks_keys *loaded, *opened;
    ckks_ct one, two;
    store file;
    int top;
} bench;

static const int step[3] = { 1, -1, 2 };

static bool bench_open(bench *b, const ckks_params *p)
{
    static const uint8_t seed[CKKS_SEED_BYTES] = { 7 };
    const bool real = p->ring == CKKS_RING_REAL;
    const int top = p->num_primes - 1;
    const ckks_key_request r[] = {
        { CKKS_KEY_ROTATE, 1, top }, { CKKS_KEY_RELIN, 0, top },
        { CKKS_KEY_ROTATE, -1, top }, { CKKS_KEY_ROTATE, 2, top - 1 },
        { CKKS_KEY_CONJ, 0, top }
    };
    ckks_params mine = *p;
    ckks_pt pt = { 0 };
    double slot[4] = { 0.5, -0.25, 0.125, 1 };
    ckks_source from;
    bool ok;

    memset(b, 0, sizeof *b);
    mine.memory = misuse_memory(&b->meter);
    b->top = top;
    ok = CHECK_OK(ckks_ctx_init(&b->ctx, &mine))
         && CHECK_OK(ckks_rng_init(&b->rng, seed))
         && CHECK_OK(ckks_sk_init(&b->sk, b->ctx, &b->rng))
         && CHECK_OK(ckks_keys_init(&b->loaded, &b->rng, b->sk, r,
                                    real ? 4 : 5))
         && CHECK_OK(ckks_encode(&pt, b->ctx, slot, NULL, 4, top, 0x1p20))
         && CHECK_OK(ckks_encrypt_sk(&b->one, &b->rng, &pt, b->sk))
         && CHECK_OK(ckks_square(&b->two, &b->one));
    ckks_pt_clear(&pt);
    if (!ok)
        return false;
    b->file.size = b->file.end = ckks_keys_size(b->loaded);
    b->file.at = malloc(b->file.size);
    from = source_of(&b->file);
    return CHECK(b->file.at != NULL, "no memory")
           && CHECK_OK(ckks_keys_save(b->file.at, b->file.size, b->loaded))
           && CHECK_OK(ckks_keys_open(&b->opened, b->ctx, &from));
}

static void bench_close(bench *b)
{
    ckks_ct_clear(&b->one);
    ckks_ct_clear(&b->two);
    ckks_keys_clear(&b->loaded);
    ckks_keys_clear(&b->opened);
    ckks_sk_clear(&b->sk);
    ckks_rng_clear(&b->rng);
    ckks_ctx_clear(&b->ctx);
    free(b->file.at);
    CHECK(b->meter.objects == 0, "%ld pieces of memory left",
          b->meter.objects);
}

/* Limbs that end within a byte, a smaller last digit, large primes, uncentred
 * digits, the real ring. */
static int kinds(ckks_params out[4])
{
    const ckks_params wide = {
        .log_n = 6, .num_primes = 5, .primes = { 55, 40, 40, 40, 40 },
        .num_special = 2, .special = { 56, 56 }, .dnum = 3,
        .security = CKKS_INSECURE };
    const ckks_params real = {
        .log_n = 10, .num_primes = 4, .primes = { 45, 40, 40, 40 },
        .num_special = 2, .special = { 45, 45 }, .dnum = 2,
        .security = CKKS_INSECURE, .ring = CKKS_RING_REAL };

    out[0] = out[1] = wide;
    out[2] = out[3] = real;
    out[1].generator = 3;
    out[1].uncentred_digits = 1;
    out[3].dnum = 4;
    out[3].num_special = 1;
    return 4;
}

static void equal(const ckks_ct *got, const ckks_ct *want, const char *what,
                  int level)
{
    const size_t words = 2 * (size_t)(want->level + 1)
                         << ckks_ctx_log_n(want->ctx);

    CHECK(got->level == want->level
              && memcmp(got->limb, want->limb, words * sizeof *got->limb) == 0,
          "%s at level %d: other words", what, level);
}

/* Everything that takes a key, at a level. */
static void compare(bench *b, int level)
{
    ckks_ct one = { 0 }, two = { 0 }, got = { 0 }, want = { 0 };

    if (CHECK_OK(ckks_drop_level(&one, &b->one, level))
        && CHECK_OK(ckks_drop_level(&two, &b->two, level))) {
        for (int i = 0; i < 3 && level < b->top; i++)
            if (CHECK_OK(ckks_rotate(&got, &one, b->opened, step[i]))
                && CHECK_OK(ckks_rotate(&want, &one, b->loaded, step[i])))
                equal(&got, &want, "rotation", level);
        if (CHECK_OK(ckks_relin(&got, &two, b->opened))
            && CHECK_OK(ckks_relin(&want, &two, b->loaded)))
            equal(&got, &want, "relinearisation", level);
        if (ckks_ctx_ring(b->ctx) == CKKS_RING_COMPLEX
            && CHECK_OK(ckks_conj(&got, &one, b->opened))
            && CHECK_OK(ckks_conj(&want, &one, b->loaded)))
            equal(&got, &want, "conjugation", level);
    }
    ckks_ct_clear(&one);
    ckks_ct_clear(&two);
    ckks_ct_clear(&got);
    ckks_ct_clear(&want);
}

/* All keys at a level, that for step 2 at no higher than its own. */
static size_t all_at(ckks_key_request out[5], const bench *b, int level)
{
    const ckks_key_request all[5] = {
        { CKKS_KEY_RELIN, 0, level }, { CKKS_KEY_ROTATE, -1, level },
        { CKKS_KEY_ROTATE, 1, level },
        { CKKS_KEY_ROTATE, 2, level < b->top ? level : b->top - 1 },
        { CKKS_KEY_CONJ, 0, level }
    };

    memcpy(out, all, sizeof all);
    return ckks_ctx_ring(b->ctx) == CKKS_RING_REAL ? 4 : 5;
}

TEST(keys_held_are_those_loaded)
{
    ckks_params kind[4];

    for (int k = kinds(kind); k-- > 0;) {
        bench b;

        if (bench_open(&b, &kind[k])) {
            ckks_key_request want[5];
            size_t empty = b.meter.bytes, high = 0;

            CHECK(ckks_keys_level(b.opened, CKKS_KEY_ROTATE, 2) == b.top - 1
                      && ckks_keys_level(b.opened, CKKS_KEY_ROTATE, 3) == -1
                      && ckks_keys_count(b.opened)
                             == ckks_keys_count(b.loaded), "levels");
            for (int level = b.top; level >= 0; level--) {  /* limbs go      */
                CHECK_OK(ckks_keys_hold(b.opened, want,
                                        all_at(want, &b, level)));
                compare(&b, level);
                CHECK(level == b.top || b.meter.bytes < high,
                      "level %d: %zu bytes, before %zu", level, b.meter.bytes,
                      high);
                high = b.meter.bytes;
            }
            for (int level = 0; level <= b.top; level++) {  /* and come      */
                CHECK_OK(ckks_keys_hold(b.opened, want,
                                        all_at(want, &b, level)));
                compare(&b, level);
            }
            CHECK_OK(ckks_keys_hold(b.opened, NULL, 0));
            CHECK(b.meter.bytes == empty, "%zu bytes, when opened %zu",
                  b.meter.bytes, empty);
        }
        bench_close(&b);
    }
}

/* What is not held says so; a level more than what is held; the right one of
 * several requests for one key; nothing is read twice. */
TEST(keys_hold_what_is_asked)
{
    ckks_params kind[4];
    bench b;

    (void)kinds(kind);
    if (bench_open(&b, &kind[0])) {
        const ckks_key_request low = { CKKS_KEY_ROTATE, 1, 1 };
        const ckks_key_request twice[2] = { { CKKS_KEY_ROTATE, 1, 0 },
                                            { CKKS_KEY_ROTATE, 1, 2 } };
        ckks_ct out = { 0 }, one = { 0 };
        uint8_t *again = malloc(b.file.size);
        long reads;

        CHECK_STATUS(ckks_rotate(&out, &b.one, b.opened, 1), CKKS_EKEY);
        CHECK(strstr(ckks_last_error(), "not held") != NULL, "%s",
              ckks_last_error());
        CHECK_OK(ckks_keys_hold(b.opened, &low, 1));
        CHECK_STATUS(ckks_rotate(&out, &b.one, b.opened, 1), CKKS_EKEY);
        CHECK_OK(ckks_drop_level(&one, &b.one, 1));
        CHECK_OK(ckks_rotate(&out, &one, b.opened, 1));
        CHECK_STATUS(ckks_rotate(&out, &one, b.opened, 2), CKKS_EKEY);
        CHECK_OK(ckks_keys_hold(b.opened, twice, 2));
        CHECK_OK(ckks_drop_level(&one, &b.one, 2));
        CHECK_OK(ckks_rotate(&out, &one, b.opened, 1));
        reads = b.file.reads;
        CHECK_OK(ckks_keys_hold(b.opened, twice, 2));
        CHECK_OK(ckks_keys_hold(b.opened, &low, 1));
        CHECK(b.file.reads == reads, "%ld reads more", b.file.reads - reads);
        /* keys that are partly held are no file */
        CHECK(ckks_keys_size(b.opened) == 0, "a size");
        CHECK_STATUS(ckks_keys_save(again, b.file.size, b.opened), CKKS_EARG);
        if (again != NULL) {
            const ckks_key_request all[5] = {
                { CKKS_KEY_RELIN, 0, b.top }, { CKKS_KEY_ROTATE, 1, b.top },
                { CKKS_KEY_ROTATE, -1, b.top },
                { CKKS_KEY_ROTATE, 2, b.top - 1 }, { CKKS_KEY_CONJ, 0, b.top }
            };

            CHECK_OK(ckks_keys_hold(b.opened, all, 5));
            CHECK(ckks_keys_size(b.opened) == b.file.size, "another size");
            CHECK_OK(ckks_keys_save(again, b.file.size, b.opened));
            CHECK(memcmp(again, b.file.at, b.file.size) == 0, "other bytes");
        }
        free(again);
        ckks_ct_clear(&out);
        ckks_ct_clear(&one);
    }
    bench_close(&b);
}

/* ---- files that end, change or lie ---------------------------------------- */

/* Every byte of the front, and some of each limb, changed: what load refuses,
 * open does, and the other way round. */
TEST(keys_open_refuses_what_load_refuses)
{
    ckks_params kind[4];
    bench b;

    (void)kinds(kind);
    if (bench_open(&b, &kind[0])) {
        ckks_keys *keys = NULL, *other = NULL;
        const ckks_source from = source_of(&b.file);

        for (size_t at = 0; at < b.file.size; at += at < 400 ? 1 : 97) {
            ckks_status a, c;

            b.file.at[at] ^= 0x41;
            a = ckks_keys_load(&keys, b.ctx, b.file.at, b.file.size);
            c = ckks_keys_open(&other, b.ctx, &from);
            CHECK(a == c && a == CKKS_EFORMAT && other == NULL,
                  "byte %zu: load %s, open %s", at, ckks_status_name(a),
                  ckks_status_name(c));
            b.file.at[at] ^= 0x41;
        }
        for (size_t size = 0; size < b.file.size; size += 1 + size / 7) {
            ckks_source cut = from;

            cut.size = size;
            CHECK_STATUS(ckks_keys_open(&other, b.ctx, &cut), CKKS_EFORMAT);
        }
        ckks_keys_clear(&keys);
        ckks_keys_clear(&other);
    }
    bench_close(&b);
}

/* Words not below their prime, in a file whose checksum is left out: refused
 * when it is opened, whatever is held later. */
TEST(keys_open_compares_words)
{
    ckks_params kind[4];
    bench b;

    (void)kinds(kind);
    if (bench_open(&b, &kind[0])) {
        ckks_keys *keys = NULL;
        const ckks_source from = source_of(&b.file);
        uint8_t *at = b.file.at;

        at[6] = 0;                      /* no checksum                       */
        memset(at + 16, 0, 8);
        CHECK_OK(ckks_keys_open(&keys, b.ctx, &from));
        memset(at + b.file.size - 16, 0xff, 16);
        CHECK_STATUS(ckks_keys_open(&keys, b.ctx, &from), CKKS_EFORMAT);
        CHECK(keys != NULL && strstr(ckks_last_error(), "not below") != NULL,
              "%s", ckks_last_error());
        ckks_keys_clear(&keys);
    }
    bench_close(&b);
}

/* A file that cannot be read, from each place on; it comes back, and so does
 * what was asked for. */
TEST(keys_survive_a_file_that_fails)
{
    ckks_params kind[4];
    bench b;

    (void)kinds(kind);
    if (bench_open(&b, &kind[0])) {
        const ckks_source from = source_of(&b.file);
        ckks_key_request want[5];
        const size_t n = all_at(want, &b, b.top);
        ckks_keys *keys = NULL;
        long held;

        CHECK_OK(ckks_keys_hold(b.opened, NULL, 0));
        held = b.meter.objects;
        for (size_t end = 0; end < b.file.size; end += 1 + end / 5) {
            b.file.end = end;
            CHECK_STATUS(ckks_keys_open(&keys, b.ctx, &from), CKKS_EIO);
            CHECK(keys == NULL && b.meter.objects == held, "%ld pieces, %ld",
                  b.meter.objects, held);
            CHECK_STATUS(ckks_keys_hold(b.opened, want, n), CKKS_EIO);
            b.file.end = b.file.size;
            CHECK_OK(ckks_keys_hold(b.opened, want, n));
            CHECK_OK(ckks_keys_hold(b.opened, NULL, 0));
        }
        CHECK_OK(ckks_keys_hold(b.opened, want, n));
        b.file.broken = true;           /* nothing more is needed of it      */
        compare(&b, b.top);
        CHECK_OK(ckks_keys_hold(b.opened, want, all_at(want, &b, 1)));
        compare(&b, 1);
    }
    bench_close(&b);
}

/* One bit of a limb of b changes behind the keys' back: only who reads that
 * limb is told. */
TEST(keys_notice_a_file_that_changes)
{
    ckks_params kind[4];
    bench b;

    (void)kinds(kind);
    if (bench_open(&b, &kind[0])) {
        const ckks_key_request relin = { CKKS_KEY_RELIN, 0, b.top };
        const ckks_key_request first = { CKKS_KEY_ROTATE, 1, b.top };
        const ckks_key_request low = { CKKS_KEY_ROTATE, 1, 0 };
        const size_t front = 40 + 8 + 48 * ckks_keys_count(b.opened);

        b.file.at[front + 8 * 55 + 3] ^= 1;     /* key 0, digit 0, q_1       */
        CHECK_OK(ckks_keys_hold(b.opened, &relin, 1));
        CHECK_OK(ckks_keys_hold(b.opened, &low, 1));
        CHECK_STATUS(ckks_keys_hold(b.opened, &first, 1), CKKS_EFORMAT);
        CHECK(strstr(ckks_last_error(), "limb 1 of digit 0") != NULL, "%s",
              ckks_last_error());
        b.file.at[front + 8 * 55 + 3] ^= 1;
        CHECK_OK(ckks_keys_hold(b.opened, &first, 1));
    }
    bench_close(&b);
}

/* ---- misuse --------------------------------------------------------------- */

TEST(keys_open_and_hold_misused)
{
    static mess m;
    static store file;
    const ckks_key_request none = { CKKS_KEY_ROTATE, 2, 0 };
    const ckks_key_request below = { CKKS_KEY_RELIN, 0, -1 };
    const ckks_key_request good = { CKKS_KEY_RELIN, 0, 2 };
    ckks_source from, null;

    if (!mess_init(&m))
        return;
    file = (store){ .at = m.bytes, .size = ckks_keys_size(m.keys) };
    file.end = file.size;
    CHECK_OK(ckks_keys_save(m.bytes, file.size, m.keys));
    from = null = source_of(&file);
    null.read = NULL;
    REFUSED(&m, CKKS_EARG, "ckks_keys_open",
            ckks_keys_open(NULL, m.ctx, &from));
    REFUSED(&m, CKKS_EARG, "ckks_keys_open",
            ckks_keys_open(&m.out_keys, NULL, &from));
    REFUSED(&m, CKKS_EARG, "ckks_keys_open",
            ckks_keys_open(&m.out_keys, m.ctx, NULL));
    REFUSED(&m, CKKS_EARG, "ckks_keys_open",
            ckks_keys_open(&m.out_keys, m.ctx, &null));
    CHECK_STATUS(ckks_keys_open(&m.out_keys, m.bare, &from), CKKS_EFORMAT);
    REFUSED(&m, CKKS_EARG, "ckks_keys_hold", ckks_keys_hold(NULL, &good, 1));
    REFUSED(&m, CKKS_EARG, "ckks_keys_hold", ckks_keys_hold(m.keys, NULL, 1));
    REFUSED(&m, CKKS_EKEY, "ckks_keys_hold",
            ckks_keys_hold(m.low_keys, &good, 1));
    REFUSED(&m, CKKS_EKEY, "ckks_keys_hold", ckks_keys_hold(m.keys, &none, 1));
    REFUSED(&m, CKKS_EKEY, "ckks_keys_hold", ckks_keys_hold(m.keys, &below, 1));
    CHECK_OK(ckks_keys_hold(m.keys, &good, 1));     /* all are in memory     */
    CHECK_OK(ckks_keys_open(&m.out_keys, m.ctx, &from));
    REFUSED(&m, CKKS_EKEY, "ckks_keys_hold",
            ckks_keys_hold(m.out_keys, &none, 1));
    mess_clear(&m);
}
