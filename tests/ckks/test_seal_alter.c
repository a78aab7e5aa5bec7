/* test_seal_alter.c -- files of SEAL that were altered are refused: with a
 * message, without an allocation left, and the object that was there stays.
 *
 * The list is the same every time.  Every altered file lies in memory of just
 * its size, so that the address sanitizer sees a read beyond it.  Caught when
 * planted, each: the size of an inner object not compared, or that of an
 * array, or its count; a word compared with the wrong prime; trailing bytes
 * taken; a Galois key for -3 taken; the primes of a secret key not compared;
 * the scale not checked, for NaN, for a key, for room; what is left not
 * counted down; a key taken for a ciphertext; zlib, a later version, a
 * reserved byte, another form, factor or generator taken; a modulus that is
 * no prime.
 */
#include "seal_support.h"

#include <math.h>

#include "base/bytes.h"

enum { HEADS = 40 };

typedef struct attack {
    seal_kind kind;
    const char *name;
    const ckks_ctx *ctx;
    seal_bytes file;            /* as SEAL wrote it                          */
    uint8_t *b;                 /* a copy to alter                           */
    seal_object old;            /* what a refusal must leave alone           */
    seal_bytes was;             /* the same as bytes                         */
    size_t head[HEADS];         /* where headers stand                       */
    size_t heads;
    size_t tried;
} attack;

static const uint8_t head_start[8] = { 0x5e, 0xa1, 0x10, 4, 1, 0, 0, 0 };

static void find_heads(attack *a)
{
    for (size_t i = 0; i + 16 <= a->file.size && a->heads < HEADS; i++)
        if (memcmp(a->file.at + i, head_start, sizeof head_start) == 0)
            a->head[a->heads++] = i;
}

static bool attack_init(attack *a, seal_kind kind, const char *name,
                        const ckks_ctx *ctx)
{
    memset(a, 0, sizeof *a);
    a->kind = kind;
    a->name = name;
    a->ctx = ctx;
    a->file = seal_file(name);
    if (a->file.at == NULL || (a->b = malloc(2 * a->file.size)) == NULL)
        return false;
    find_heads(a);
    return CHECK_OK(seal_load(&a->old, kind, ctx, a->file.at, a->file.size))
           && CHECK_OK(seal_save(&a->was, kind, &a->old, ctx));
}

static void attack_clear(attack *a)
{
    seal_clear(&a->old);
    seal_free(&a->file);
    seal_free(&a->was);
    free(a->b);
}

/* The first size bytes of b must be refused. */
static void refused(attack *a, size_t size, const char *how, size_t where)
{
    const char *loader = seal_loader(a->kind);
    const ckks_params params = a->old.params;
    uint8_t *exact = malloc(size > 0 ? size : 1);
    seal_bytes now = { NULL, 0 };
    ckks_status s;

    memcpy(exact, a->b, size);
    s = seal_load(&a->old, a->kind, a->ctx, exact, size);
    free(exact);
    a->tried++;
    CHECK(s == CKKS_EFORMAT, "%s: %s at %zu: %s", a->name, how, where,
          ckks_status_name(s));
    CHECK(s == CKKS_OK || (strncmp(ckks_last_error(), loader, strlen(loader))
                               == 0 && ckks_last_error()[strlen(loader)]
                               == ':'),
          "%s: %s at %zu: message \"%s\"", a->name, how, where,
          ckks_last_error());
    CHECK(memcmp(&params, &a->old.params, sizeof params) == 0,
          "%s: %s at %zu: parameters changed", a->name, how, where);
    if (a->kind != SEAL_PARAMS) {
        CHECK_OK(seal_save(&now, a->kind, &a->old, a->ctx));
        CHECK(now.size == a->was.size
              && memcmp(now.at, a->was.at, now.size) == 0,
              "%s: %s at %zu: the old object changed", a->name, how, where);
        seal_free(&now);
    }
}

static void fresh(attack *a)
{
    memcpy(a->b, a->file.at, a->file.size);
    memset(a->b + a->file.size, 0, a->file.size);
}

static void poke8(attack *a, size_t at, uint8_t x, const char *how)
{
    fresh(a);
    a->b[at] = x;
    refused(a, a->file.size, how, at);
}

static void poke64(attack *a, size_t at, uint64_t x, const char *how)
{
    fresh(a);
    if (cki_load64(a->b + at) == x)
        return;
    cki_store64(a->b + at, x);
    refused(a, a->file.size, how, at);
}

/* ---- the list ----------------------------------------------------------- */

/* Every byte of a header; of the minor version only what is not 4.0 to 4.4. */
static void alter_head(attack *a, size_t at)
{
    for (size_t i = 0; i < 16; i++) {
        poke8(a, at + i, a->file.at[at + i] ^ 0xff, "header byte");
        if (i != 4)
            poke8(a, at + i, a->file.at[at + i] ^ 1, "header bit");
    }
    poke8(a, at + 4, 5, "version 4.5");
    poke8(a, at + 3, 3, "version 3");
    poke8(a, at + 5, 1, "zlib");
    poke8(a, at + 5, 2, "zstd");
}

static void alter_count(attack *a, size_t at)
{
    const uint64_t was = cki_load64(a->file.at + at);
    const uint64_t to[] = { 0, was - 1, was + 1, 2 * was, was << 32,
                            (uint64_t)1 << 32, (uint64_t)1 << 61,
                            ((uint64_t)1 << 61) + was, (uint64_t)1 << 63,
                            UINT64_MAX, UINT64_MAX - 7, UINT64_MAX / 8 + 1 };

    for (size_t i = 0; i < sizeof to / sizeof *to; i++)
        poke64(a, at, to[i], "count");
}

static uint64_t word_of_double(double x)
{
    uint64_t w;

    memcpy(&w, &x, sizeof w);
    return w;
}

/* key: only 1 will do; room: more than the modulus will not. */
static void alter_scale(attack *a, size_t at, bool key, bool room)
{
    const double bad[] = { NAN, -NAN, INFINITY, -INFINITY, 0, -0.0, -1, 0.5,
                           1 - 0x1p-53, 0x1p-1074 };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        poke64(a, at, word_of_double(bad[i]), "scale");
    if (key) {
        poke64(a, at, word_of_double(2), "scale 2");
        poke64(a, at, word_of_double(1 + 0x1p-52), "scale 1+");
    }
    if (room)
        poke64(a, at, word_of_double(0x1p300), "scale 2^300");
}

static uint64_t prime_of(const attack *a, int t)
{
    uint64_t p = ckks_ctx_prime(a->ctx, t);

    return p != 0 ? p : ckks_ctx_special(a->ctx, 0);
}

/* Words at the ends of every limb: the prime itself, more, all ones. */
static void alter_words(attack *a, size_t at, int parts, int primes)
{
    const size_t n = 32;

    for (int k = 0; k < parts; k++)
        for (int t = 0; t < primes; t++) {
            size_t limb = at + 8 * n * (size_t)(k * primes + t);
            uint64_t p = prime_of(a, t);

            poke64(a, limb, p, "word = prime");
            poke64(a, limb + 8 * (n - 1), p, "last word = prime");
            poke64(a, limb + 8 * (n / 2), p + 1, "word = prime + 1");
            poke64(a, limb + 8, UINT64_MAX, "word of ones");
        }
}

static void alter_cipher(attack *a, size_t at, bool key, int parts,
                         int primes, bool seeded)
{
    for (size_t i = 16; i < 48; i++)
        poke8(a, at + i, a->file.at[at + i] ^ 1, "parms_id");
    poke8(a, at + 48, 0, "is_ntt_form");
    poke8(a, at + 48, 2, "is_ntt_form");
    for (size_t f = 49; f <= 65; f += 8)
        alter_count(a, at + f);
    alter_scale(a, at + 73, key, !key);
    alter_count(a, at + 81);
    alter_count(a, at + 105);
    alter_words(a, at + 113, seeded ? 1 : parts, primes);
    if (seeded) {
        size_t seed = at + 113 + 8 * 32 * (size_t)primes;

        alter_head(a, seed);
        poke8(a, seed + 16, 0, "generator 0");
        poke8(a, seed + 16, 2, "generator SHAKE256");
        poke8(a, seed + 16, 255, "generator 255");
    }
}

static void alter_plain(attack *a, bool key, int primes)
{
    for (size_t i = 16; i < 48; i++)
        poke8(a, i, a->file.at[i] ^ 1, "parms_id");
    alter_count(a, 48);
    alter_scale(a, 56, key, false);
    alter_count(a, 80);
    alter_words(a, 88, 1, primes);
}

/* Any other word is no ternary secret, or not the same for all primes. */
static void alter_secret(attack *a)
{
    for (size_t i = 0; i < 4 * 32; i++) {
        uint64_t w = cki_load64(a->file.at + 88 + 8 * i);

        poke64(a, 88 + 8 * i, w == 0 ? 1 : w - 1, "secret word");
    }
}

/* Cut or continued, as it is and with a size field that agrees. */
static void alter_length(attack *a)
{
    const size_t size = a->file.size;

    for (size_t k = 0; k < size; k += k < 130 ? 1 : 1 + size / 60) {
        fresh(a);
        refused(a, k, "cut", k);
        if (k < 16)
            continue;
        cki_store64(a->b + 8, k);
        refused(a, k, "cut, size right", k);
    }
    for (size_t k = 1; k <= size; k *= 3) {
        fresh(a);
        refused(a, size + k, "trailing", k);
        cki_store64(a->b + 8, size + k);
        refused(a, size + k, "trailing, size right", k);
    }
}

static void alter_params(attack *a)
{
    const uint64_t bad[] = { 0, 1, 2, 17, 61, 65, 640, UINT64_MAX,
                             (uint64_t)1 << 60, ((uint64_t)1 << 60) + 1,
                             ((uint64_t)1 << 40) + 3, (uint64_t)1 << 40 };

    poke8(a, 16, 0, "no scheme");
    poke8(a, 16, 1, "BFV");
    poke8(a, 16, 3, "BGV");
    poke8(a, 16, 255, "scheme");
    alter_count(a, 17);
    poke64(a, 17, 48, "N no power of two");
    poke64(a, 17, 2, "N = 2");
    poke64(a, 17, (uint64_t)1 << 18, "N = 2^18");
    alter_count(a, 25);
    for (size_t t = 0; t < 4; t++)
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
            poke64(a, 33 + 24 * t + 16, bad[i], "modulus");
    poke64(a, 33 + 16, cki_load64(a->file.at + 33 + 24 + 16), "prime twice");
    alter_count(a, 33 + 24 * 4 + 16);
}

/* A Galois key moved to an element there is no such key for. */
static void alter_elements(attack *a)
{
    const size_t key = 3 * (113 + 16 * 32 * 4);
    size_t at = 56, index = 0;

    while (cki_load64(a->file.at + at) == 0) {
        at += 8;
        index++;
    }
    CHECK(index == 1, "the first key is for element %zu", 2 * index + 1);
    for (size_t to = 0; to < 3; to += 2) {  /* before: 1, behind: 5 = -3^... */
        fresh(a);
        if (to == 0) {
            memmove(a->b + 56, a->b + 64, 8 + key);
            cki_store64(a->b + 64 + key, 0);
        } else {
            memmove(a->b + at + 8, a->b + at, 8 + key);
            cki_store64(a->b + at, 0);
        }
        refused(a, a->file.size, "element", 2 * to + 1);
        CHECK(strstr(ckks_last_error(), "Galois element") != NULL, "%s",
              ckks_last_error());
    }
    alter_count(a, 56);
    alter_count(a, at);
    alter_count(a, at + 8 + key);
}

static void alter_kind(attack *a)
{
    static const struct { seal_kind kind; const char *name; } other[] = {
        { SEAL_PARAMS, "parms" }, { SEAL_PT, "pt" }, { SEAL_CT, "x" },
        { SEAL_SK, "sk" }, { SEAL_PK, "pk" }, { SEAL_RELIN, "relin" },
        { SEAL_GALOIS, "galois" }
    };

    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        seal_bytes f = seal_file(other[i].name);
        uint8_t *own = a->b;

        if (other[i].kind != a->kind && f.at != NULL) {
            a->b = f.at;
            refused(a, f.size, other[i].name, 0);
            a->b = own;
        }
        seal_free(&f);
    }
}

static void alter_fields(attack *a)
{
    const bool seeded = strstr(a->name, "seeded") != NULL;

    switch (a->kind) {
    case SEAL_PARAMS:
        alter_params(a);
        break;
    case SEAL_PT:
        alter_plain(a, false, 3);
        break;
    case SEAL_SK:
        alter_plain(a, true, 4);
        alter_secret(a);
        break;
    case SEAL_CT:
        alter_cipher(a, 0, false, strstr(a->name, "mul") ? 3 : 2, 3, seeded);
        break;
    case SEAL_PK:
        alter_cipher(a, 0, true, 2, 4, seeded);
        break;
    case SEAL_GALOIS:
        alter_elements(a);
        /* fall through */
    case SEAL_RELIN:
        for (size_t i = 16; i < 48; i++)
            poke8(a, i, a->file.at[i] ^ 1, "parms_id");
        alter_count(a, 48);
        if (a->kind == SEAL_RELIN)
            alter_count(a, 56);
        alter_cipher(a, a->head[1], true, 2, 4, seeded);
        break;
    }
}

TEST(seal_altered_files)
{
    static const struct { seal_kind kind; const char *name; } list[] = {
        { SEAL_PARAMS, "parms" }, { SEAL_PT, "pt" }, { SEAL_CT, "x" },
        { SEAL_CT, "r_multiply" }, { SEAL_CT, "x_seeded" }, { SEAL_SK, "sk" },
        { SEAL_PK, "pk" }, { SEAL_PK, "pk_seeded" }, { SEAL_RELIN, "relin" },
        { SEAL_RELIN, "relin_seeded" }, { SEAL_GALOIS, "galois" }
    };
    ckks_ctx *ctx = seal_context(NULL);
    size_t tried = 0;

    for (size_t i = 0; ctx != NULL && i < sizeof list / sizeof *list; i++) {
        attack a;

        if (attack_init(&a, list[i].kind, list[i].name, ctx)) {
            for (size_t h = 0; h < a.heads; h++)
                alter_head(&a, a.head[h]);
            alter_length(&a);
            alter_kind(&a);
            alter_fields(&a);
            test_note("%s: %zu alterations refused", a.name, a.tried);
        }
        tried += a.tried;
        attack_clear(&a);
    }
    CHECK(tried >= 500, "%zu alterations", tried);
    test_note("%zu alterations in all", tried);
    ckks_ctx_clear(&ctx);
}

/* One bit flipped, any one of the small files and every 7th of the others:
 * refused, or an object whose bytes are these, headers aside. */
TEST(seal_flipped_bits)
{
    static const struct { seal_kind kind; const char *name; size_t step; }
    list[] = {
        { SEAL_PARAMS, "parms", 1 }, { SEAL_PT, "pt", 1 },
        { SEAL_CT, "x", 1 }, { SEAL_SK, "sk", 1 }, { SEAL_PK, "pk", 7 },
        { SEAL_CT, "x_seeded", 7 }, { SEAL_RELIN, "relin", 49 },
        { SEAL_RELIN, "relin_seeded", 49 }, { SEAL_GALOIS, "galois", 301 }
    };
    ckks_ctx *ctx = seal_context(NULL);

    for (size_t i = 0; ctx != NULL && i < sizeof list / sizeof *list; i++) {
        seal_bytes f = seal_file(list[i].name);
        size_t taken = 0;

        for (size_t k = 0; k < 8 * f.size; k += list[i].step) {
            seal_object o = { 0 };
            seal_bytes again = { NULL, 0 };
            ckks_status s;

            f.at[k / 8] ^= (uint8_t)(1u << k % 8);
            s = seal_load(&o, list[i].kind, ctx, f.at, f.size);
            CHECK(s == CKKS_OK || s == CKKS_EFORMAT, "%s: bit %zu: %s",
                  list[i].name, k, ckks_status_name(s));
            taken += s == CKKS_OK;
            CHECK(s != CKKS_OK || list[i].kind != SEAL_SK || k / 8 % 64 == 4,
                  "sk: bit %zu taken", k);
            if (s == CKKS_OK && list[i].kind != SEAL_PARAMS
                && strstr(list[i].name, "seeded") == NULL) {
                CHECK_OK(seal_save(&again, list[i].kind, &o, ctx));
                CHECK(again.size == f.size, "%s: size", list[i].name);
                for (size_t j = 0; j < f.size; j++)
                    if (again.at[j] != f.at[j] && f.at[j] > 4)
                        CHECK(false, "%s: bit %zu: byte %zu differs",
                              list[i].name, k, j);
            }
            seal_free(&again);
            seal_clear(&o);
            f.at[k / 8] ^= (uint8_t)(1u << k % 8);
        }
        test_note("%s: %zu flips of one bit are another valid file",
                  list[i].name, taken);
        seal_free(&f);
    }
    ckks_ctx_clear(&ctx);
}
