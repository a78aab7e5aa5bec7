/* objects.c -- libckks's own formats: plaintexts, ciphertexts and keys.
 * variant: the context.
 */
#include <stdlib.h>
#include <string.h>

#include "objects.h"

enum { SIZED = 256 };

static const fuzz_world *world_of(const fuzz_input *in)
{
    return fuzz_world_at(in->variant % FUZZ_OBJECT_CONTEXTS);
}

bool fuzz_same_object(const uint8_t *a, const uint8_t *b, size_t size)
{
    return memcmp(a, b, FUZZ_AT_SUM) == 0 && a[7] == b[7]
           && memcmp(a + 8, b + 8, 8) == 0
           && memcmp(a + 24, b + 24, size - 24) == 0
           && (a[FUZZ_AT_SUM] == 0 || memcmp(a, b, size) == 0);
}

/* ---- load, save, use ----------------------------------------------------- */

/* What all six have in common, T being ct, pt, ..., `arg` the object. */
#define OBJECT(T, type, make, arg)                                          \
    static ckks_status load_##T(void *x, const fuzz_input *in)              \
    {                                                                       \
        return ckks_##T##_load((type *)x, world_of(in)->ctx, in->data,      \
                               in->size);                                   \
    }                                                                       \
    static ckks_status save_##T(uint8_t **out, size_t *size, const void *x, \
                                const fuzz_input *in)                       \
    {                                                                       \
        const size_t n = ckks_##T##_size(arg);                              \
        uint8_t *room = fuzz_room(n);                                       \
        ckks_status s = ckks_##T##_save(room, n, arg);                      \
                                                                            \
        (void)in;                                                           \
        fuzz_must(n > 0, #T ": loaded, and its size is 0");                 \
        if (s != CKKS_OK) {                                                 \
            fuzz_free(room);                                                \
            return s;                                                       \
        }                                                                   \
        *out = room;                                                        \
        *size = n;                                                          \
        return CKKS_OK;                                                     \
    }                                                                       \
    static void clear_##T(void *x)                                          \
    {                                                                       \
        ckks_##T##_clear((type *)x);                                        \
    }                                                                       \
    static void seed_##T(const fuzz_target *t, const void *x, uint8_t i)    \
    {                                                                       \
        const fuzz_input in = { .variant = i };                             \
        uint8_t *out = NULL;                                                \
        size_t n = 0;                                                       \
                                                                            \
        fuzz_must(save_##T(&out, &n, x, &in) == CKKS_OK, "seed of " #T);    \
        fuzz_seed(t, i, FUZZ_MEND, 0, out, n);                              \
        fuzz_seed(t, i, FUZZ_SWEEP | FUZZ_MISUSE, 0, out, n);               \
        fuzz_free(out);                                                     \
    }                                                                       \
    static void misuse_##T(const fuzz_input *in)                            \
    {                                                                       \
        type x = make;                                                      \
        uint8_t byte[1];                                                    \
                                                                            \
        fuzz_must(ckks_##T##_load(NULL, world_of(in)->ctx, in->data,        \
                                  in->size) == CKKS_EARG                    \
                      && ckks_##T##_load(&x, NULL, in->data, in->size)      \
                             == CKKS_EARG                                   \
                      && ckks_##T##_load(&x, world_of(in)->ctx, NULL, 0)    \
                             == CKKS_EARG                                   \
                      && ckks_##T##_size(NULL) == 0                         \
                      && ckks_##T##_save(byte, 1, NULL) == CKKS_EARG,       \
                  #T ": a null pointer was taken");                         \
        misuse_save_##T(in);                                                \
    }
#define OF(type) (*(type *const *)x)

#define WRONG_ROOM(T, arg)                                                  \
    fuzz_must(ckks_##T##_save(NULL, ckks_##T##_size(arg), arg) == CKKS_EARG \
                  && ckks_##T##_save(byte, 1, arg) == CKKS_EARG,            \
              #T ": saved into a buffer of another size")

static void misuse_save_ct(const fuzz_input *in)
{
    ckks_ct ct = { 0 }, odd;
    ckks_pt pt = { 0 };
    uint8_t byte[SIZED];

    if (ckks_encode_const(&pt, world_of(in)->ctx, 1, 0, 0, 2) == CKKS_OK
        && ckks_encrypt_sk(&ct, fuzz_rng(), &pt, world_of(in)->sk) == CKKS_OK) {
        WRONG_ROOM(ct, &ct);
        odd = ct;
        odd.degree = 2;         /* no such ciphertext is ever made           */
        fuzz_must(ckks_ct_save(byte, SIZED, &odd) == CKKS_EARG,
                  "ct: seeded, of degree 2, and saved");
        odd.ctx = NULL;
        fuzz_must(ckks_ct_size(&odd) == 0, "ct: has a size without a context");
    }
    ckks_ct_clear(&ct);
    ckks_pt_clear(&pt);
}

static void misuse_save_pt(const fuzz_input *in)
{
    ckks_pt pt = { 0 };
    uint8_t byte[1];

    if (ckks_encode_const(&pt, world_of(in)->ctx, 1, 0, 0, 2) == CKKS_OK)
        WRONG_ROOM(pt, &pt);
    ckks_pt_clear(&pt);
}

static void misuse_save_sk(const fuzz_input *in)
{
    uint8_t byte[1];

    WRONG_ROOM(sk, world_of(in)->sk);
}

/* Keys that came from SEAL have no seed and cannot be saved in our format. */
static void misuse_save_pk(const fuzz_input *in)
{
    const fuzz_world *w = fuzz_world_at(FUZZ_SEAL);
    const size_t size = ckks_seal_pk_size(w->pk);
    uint8_t byte[1], *bytes = fuzz_room(size);
    ckks_pk *pk = NULL;

    (void)in;
    WRONG_ROOM(pk, w->pk);
    fuzz_must(ckks_seal_pk_save(bytes, size, w->pk) == CKKS_OK
                  && ckks_seal_pk_load(&pk, w->ctx, bytes, size) == CKKS_OK
                  && ckks_pk_size(pk) == 0
                  && ckks_pk_save(byte, 1, pk) == CKKS_EARG,
              "pk: of SEAL, saved with a seed it does not have");
    ckks_pk_clear(&pk);
    fuzz_free(bytes);
}

static void misuse_save_keys(const fuzz_input *in)
{
    const fuzz_world *w = fuzz_world_at(FUZZ_SEAL);
    const size_t size = ckks_seal_relin_size(w->keys);
    uint8_t byte[1], *bytes = fuzz_room(size);
    ckks_keys *keys = NULL;

    (void)in;
    WRONG_ROOM(keys, w->keys);
    fuzz_must(ckks_seal_relin_save(bytes, size, w->keys) == CKKS_OK
                  && ckks_seal_relin_load(&keys, w->ctx, bytes, size)
                         == CKKS_OK
                  && ckks_keys_size(keys) == 0
                  && ckks_keys_save(byte, 1, keys) == CKKS_EARG,
              "keys: of SEAL, saved with a seed they do not have");
    ckks_keys_clear(&keys);
    fuzz_free(bytes);
}

OBJECT(ct, ckks_ct, { 0 }, (const ckks_ct *)x)
OBJECT(pt, ckks_pt, { 0 }, (const ckks_pt *)x)
OBJECT(sk, ckks_sk *, NULL, OF(ckks_sk))
OBJECT(pk, ckks_pk *, NULL, OF(ckks_pk))
OBJECT(keys, ckks_keys *, NULL, OF(ckks_keys))

static void use_ct(void *x, const fuzz_input *in)
{
    fuzz_use_ct(x, world_of(in));
}

static void use_pt(void *x, const fuzz_input *in)
{
    fuzz_use_pt(x, world_of(in));
}

static void use_sk(void *x, const fuzz_input *in)
{
    fuzz_use_key(world_of(in)->ctx, OF(ckks_sk), NULL, NULL);
}

static void use_pk(void *x, const fuzz_input *in)
{
    fuzz_use_key(world_of(in)->ctx, world_of(in)->sk, OF(ckks_pk), NULL);
}

static ckks_status read_input(void *user, uint64_t at, void *out, size_t size)
{
    const fuzz_input *in = user;

    if (at > in->size || size > in->size - at)
        return CKKS_EIO;
    memcpy(out, in->data + at, size);
    return CKKS_OK;
}

/* The fuzzers' memory ends somewhere. */
static bool held(ckks_status s)
{
    return s == CKKS_OK || s == CKKS_EMEM;
}

/* Every key, once with the least of its limbs and once with all. */
static void hold_all(ckks_keys *opened, const ckks_keys *keys)
{
    ckks_key_request want[2] = { { CKKS_KEY_RELIN, 0, 0 },
                                 { CKKS_KEY_ROTATE, 1, 0 } };
    size_t n = 0;

    for (int k = 0; k < 2; k++) {
        const int most = ckks_keys_level(keys, want[k].kind, want[k].step);

        fuzz_must(ckks_keys_level(opened, want[k].kind, want[k].step) == most,
                  "keys: opened, and of another level");
        if (most >= 0) {
            want[n] = want[k];
            want[n++].level = most;
        }
    }
    fuzz_must(held(ckks_keys_hold(opened, want, n)), "keys: not held");
    for (size_t k = 0; k < n; k++)
        want[k].level = 0;
    fuzz_must(held(ckks_keys_hold(opened, want, n)), "keys: not shrunk");
}

/* What was loaded can be opened where it lies, too. */
static void open_too(const ckks_keys *keys, const fuzz_input *in)
{
    const ckks_source from = { read_input, (void *)(uintptr_t)in, in->size };
    ckks_keys *opened = NULL;

    fuzz_must(held(ckks_keys_open(&opened, world_of(in)->ctx, &from)),
              "keys: loaded, and not opened");
    if (opened != NULL)
        hold_all(opened, keys);
    ckks_keys_clear(&opened);
}

static void use_keys(void *x, const fuzz_input *in)
{
    const ckks_keys *keys = OF(ckks_keys);

    for (int k = 0; k < 3; k++)
        (void)ckks_keys_level(keys, (ckks_key_kind)k, 1);
    fuzz_use_key(world_of(in)->ctx, world_of(in)->sk, NULL, keys);
    open_too(keys, in);
}

/* ---- seeds --------------------------------------------------------------- */

/* Seeded, with a public key, and of degree 2. */
static void seeds_ct(const fuzz_target *t)
{
    for (uint8_t i = 0; i < 4; i++) {
        const fuzz_world *w = fuzz_world_at(i);
        ckks_pt pt = { 0 };
        ckks_ct ct = { 0 };

        fuzz_must(ckks_encode_const(&pt, w->ctx, 1, 0, i == 3 ? 0 : 1, 2)
                          == CKKS_OK
                      && ckks_encrypt_sk(&ct, fuzz_rng(), &pt, w->sk)
                             == CKKS_OK, "ct");
        seed_ct(t, &ct, i);
        fuzz_must(ckks_neg(&ct, &ct) == CKKS_OK, "ct");
        seed_ct(t, &ct, i);
        fuzz_must(ckks_mul(&ct, &ct, &ct) == CKKS_OK, "ct");
        seed_ct(t, &ct, i);
        ckks_ct_clear(&ct);
        ckks_pt_clear(&pt);
    }
}

static void seeds_pt(const fuzz_target *t)
{
    for (uint8_t i = 0; i < 4; i++) {
        ckks_pt pt = { 0 };

        fuzz_must(ckks_encode_const(&pt, fuzz_world_at(i)->ctx, 1, 0,
                                    i == 3 ? 0 : 1, 2) == CKKS_OK, "pt");
        seed_pt(t, &pt, i);
        ckks_pt_clear(&pt);
    }
}

static void seeds_sk(const fuzz_target *t)
{
    for (uint8_t i = 0; i < 4; i++)
        seed_sk(t, &fuzz_world_at(i)->sk, i);
}

static void seeds_pk(const fuzz_target *t)
{
    for (uint8_t i = 0; i < 3; i++)
        seed_pk(t, &fuzz_world_at(i)->pk, i);
}

static void seeds_keys(const fuzz_target *t)
{
    for (uint8_t i = 0; i < 3; i++)
        seed_keys(t, &fuzz_world_at(i)->keys, i);
}

#define TARGET(T, type)                                                     \
    const fuzz_target fuzz_##T = {                                          \
        #T, sizeof(type), fuzz_mend_##T, load_##T, save_##T, fuzz_same_object,\
        use_##T,      \
        clear_##T, misuse_##T, seeds_##T                                    \
    };
TARGET(ct, ckks_ct)
TARGET(pt, ckks_pt)
TARGET(sk, ckks_sk *)
TARGET(pk, ckks_pk *)
TARGET(keys, ckks_keys *)
