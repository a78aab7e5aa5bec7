/* seal.c -- objects of SEAL.  variant: low half, the level of a parms_id; high
 * half, 0 a context of SEAL's choices, else context number so much.
 */
#include <string.h>

#include "seal_mend.h"

static const fuzz_world *world_of(const fuzz_input *in)
{
    const unsigned i = in->variant >> 4;

    return fuzz_world_at(i == 0 ? FUZZ_SEAL : i);
}

/* ---- load, save, use ----------------------------------------------------- */

#define SEAL_OBJECT(T, load_T, type, make, arg, done)                          \
    static ckks_status load_##T(void *x, const fuzz_input *in)              \
    {                                                                       \
        return load_T((type *)x, world_of(in)->ctx, in->data, in->size);    \
    }                                                                       \
    static ckks_status save_##T(uint8_t **out, size_t *size, const void *x, \
                                const fuzz_input *in)                       \
    {                                                                       \
        const size_t n = ckks_##T##_size(arg);                              \
        uint8_t *room = fuzz_room(n);                                       \
        ckks_status s = ckks_##T##_save(room, n, arg);                      \
                                                                            \
        (void)in;                                                           \
        if (s != CKKS_OK) {                                                 \
            fuzz_free(room);                                                \
            return s;                                                       \
        }                                                                   \
        *out = room;                                                        \
        *size = n;                                                          \
        return CKKS_OK;                                                     \
    }                                                                       \
    static void misuse_##T(const fuzz_input *in)                            \
    {                                                                       \
        const fuzz_world *w = fuzz_world_at(FUZZ_SEAL);                     \
        type made = make;                                                   \
        const void *x = &made;                                              \
        uint8_t byte[1];                                                    \
                                                                            \
        fuzz_must(load_T(NULL, w->ctx, in->data, in->size) == CKKS_EARG     \
                      && load_T(&made, NULL, in->data, in->size)            \
                             == CKKS_EARG                                   \
                      && load_T(&made, w->ctx, NULL, 0) == CKKS_EARG        \
                      && ckks_##T##_size(NULL) == 0                         \
                      && ckks_##T##_save(byte, 1, NULL) == CKKS_EARG,       \
                  #T ": a null pointer was taken");                         \
        fuzz_must(ckks_##T##_size(arg) > 1                                  \
                      && ckks_##T##_save(byte, 1, arg) == CKKS_EARG         \
                      && ckks_##T##_save(NULL, ckks_##T##_size(arg), arg)   \
                             == CKKS_EARG,                                  \
                  #T ": saved into a buffer of another size");              \
        misuse_other_##T();                                                 \
        done;                                                               \
    }
#define OF(type) (*(type *const *)x)

static ckks_pt make_pt(unsigned world)
{
    ckks_pt pt = { 0 };

    fuzz_must(ckks_encode_const(&pt, fuzz_world_at(world)->ctx, 1, 0, 1, 4)
                  == CKKS_OK, "pt");
    return pt;
}

static ckks_ct make_ct(unsigned world)
{
    ckks_pt pt = make_pt(world);
    ckks_ct ct = { 0 };

    fuzz_must(ckks_encrypt_sk(&ct, fuzz_rng(), &pt, fuzz_world_at(world)->sk)
                  == CKKS_OK, "ct");
    ckks_pt_clear(&pt);
    return ct;
}

/* Objects of a context that does not make SEAL's choices have no bytes. */
static void misuse_other_seal_pt(void)
{
    ckks_pt pt = make_pt(0);
    uint8_t byte[1];

    fuzz_must(ckks_seal_pt_size(&pt) == 0
                  && ckks_seal_pt_save(byte, 1, &pt) == CKKS_EPARAM,
              "seal_pt: of another context");
    ckks_pt_clear(&pt);
}

static void misuse_other_seal_ct(void)
{
    ckks_ct ct = make_ct(0);
    uint8_t byte[1];

    fuzz_must(ckks_seal_ct_size(&ct) == 0
                  && ckks_seal_ct_save(byte, 1, &ct) == CKKS_EPARAM,
              "seal_ct: of another context");
    ckks_ct_clear(&ct);
}

#define MISUSE_KEY(T, key)                                                  \
    static void misuse_other_##T(void)                                      \
    {                                                                       \
        const fuzz_world *w = fuzz_world_at(0);                             \
        uint8_t byte[1];                                                    \
                                                                            \
        fuzz_must(ckks_##T##_size(w->key) == 0                              \
                      && ckks_##T##_save(byte, 1, w->key) == CKKS_EPARAM,   \
                  #T ": of another context");                               \
    }
MISUSE_KEY(seal_sk, sk)
MISUSE_KEY(seal_pk, pk)

/* Keys of which SEAL's file would hold none, or one of a lower level. */
static void misuse_few(ckks_key_kind kind, int level, bool relin)
{
    const fuzz_world *w = fuzz_world_at(FUZZ_SEAL);
    const ckks_key_request want = { kind, 1, level };
    ckks_keys *keys = NULL;
    uint8_t byte[1];

    fuzz_must(ckks_keys_init(&keys, fuzz_rng(), w->sk, &want, 1) == CKKS_OK
                  && (relin ? ckks_seal_relin_size(keys)
                            : ckks_seal_galois_size(keys)) == 0
                  && (relin ? ckks_seal_relin_save(byte, 1, keys)
                            : ckks_seal_galois_save(byte, 1, keys))
                         == CKKS_EKEY,
              "keys of kind %d, level %d, for a file of SEAL", (int)kind,
              level);
    ckks_keys_clear(&keys);
}

static void misuse_other_seal_relin(void)
{
    misuse_few(CKKS_KEY_ROTATE, 1, true);
    misuse_few(CKKS_KEY_RELIN, 0, true);
}

static void misuse_other_seal_galois(void)
{
    misuse_few(CKKS_KEY_RELIN, 1, false);
    misuse_few(CKKS_KEY_ROTATE, 0, false);
}

#define SEAL_WORLD fuzz_world_at(FUZZ_SEAL)
SEAL_OBJECT(seal_pt, ckks_seal_pt_load, ckks_pt, make_pt(FUZZ_SEAL),
            (const ckks_pt *)x, ckks_pt_clear(&made))
SEAL_OBJECT(seal_ct, ckks_seal_ct_load, ckks_ct, make_ct(FUZZ_SEAL),
            (const ckks_ct *)x, ckks_ct_clear(&made))
SEAL_OBJECT(seal_sk, ckks_seal_sk_load, ckks_sk *, SEAL_WORLD->sk,
            OF(ckks_sk), (void)0)
SEAL_OBJECT(seal_pk, ckks_seal_pk_load, ckks_pk *, SEAL_WORLD->pk,
            OF(ckks_pk), (void)0)
SEAL_OBJECT(seal_relin, ckks_seal_relin_load, ckks_keys *, SEAL_WORLD->keys,
            OF(ckks_keys), (void)0)
SEAL_OBJECT(seal_galois, ckks_seal_galois_load, ckks_keys *,
            SEAL_WORLD->keys, OF(ckks_keys), (void)0)

static void use_seal_pt(void *x, const fuzz_input *in)
{
    fuzz_use_pt(x, world_of(in));
}

static void use_seal_ct(void *x, const fuzz_input *in)
{
    fuzz_use_ct(x, world_of(in));
}

static void use_seal_sk(void *x, const fuzz_input *in)
{
    fuzz_use_key(world_of(in)->ctx, OF(ckks_sk), NULL, NULL);
}

static void use_seal_pk(void *x, const fuzz_input *in)
{
    fuzz_use_key(world_of(in)->ctx, world_of(in)->sk, OF(ckks_pk), NULL);
}

static void use_seal_keys(void *x, const fuzz_input *in)
{
    fuzz_use_key(world_of(in)->ctx, world_of(in)->sk, NULL, OF(ckks_keys));
}

static void clear_seal_pt(void *x)
{
    ckks_pt_clear(x);
}

static void clear_seal_ct(void *x)
{
    ckks_ct_clear(x);
}

static void clear_seal_sk(void *x)
{
    ckks_sk_clear(x);
}

static void clear_seal_pk(void *x)
{
    ckks_pk_clear(x);
}

static void clear_seal_keys(void *x)
{
    ckks_keys_clear(x);
}

/* ---- seeds --------------------------------------------------------------- */

/* As it is, with everything failing in turn, mended, with a seed behind it,
 * and for a context that is none of SEAL. */
#define SEEDS(T, x, level)                                                  \
    do {                                                                    \
        const fuzz_input none = { 0 };                                      \
        uint8_t *out = NULL;                                                \
        size_t n = 0;                                                       \
                                                                            \
        fuzz_must(save_##T(&out, &n, x, &none) == CKKS_OK, "seed of " #T);  \
        fuzz_seed(t, 0, FUZZ_SWEEP | FUZZ_MISUSE, 0, out, n);               \
        fuzz_seed(t, level, FUZZ_MEND, 0, out, n);                          \
        fuzz_seed(t, level, FUZZ_MEND | FUZZ_OTHER, 0, out, n);             \
        fuzz_seed(t, level + 1, FUZZ_MEND, 0, out, n);                      \
        fuzz_seed(t, 16, 0, 0, out, n);                                     \
        fuzz_seed(t, 64, 0, 0, out, n);                                     \
        fuzz_seed(t, 80, 0, 0, out, n);                                     \
        fuzz_seed(t, 0, 0, 0, out, 7);                                      \
        out[8] = 20;                    /* the size a header states      */ \
        out[9] = 0;                                                         \
        fuzz_seed(t, 0, 0, 0, out, n);                                      \
        fuzz_free(out);                                                     \
    } while (0)

static void seeds_seal_pt(const fuzz_target *t)
{
    ckks_pt pt = make_pt(FUZZ_SEAL);

    SEEDS(seal_pt, &pt, 1);
    ckks_pt_clear(&pt);
}

static void seeds_seal_ct(const fuzz_target *t)
{
    ckks_ct ct = make_ct(FUZZ_SEAL);

    SEEDS(seal_ct, &ct, 1);
    fuzz_must(ckks_mul(&ct, &ct, &ct) == CKKS_OK, "product");
    SEEDS(seal_ct, &ct, 1);
    ct.scale = 0x1p100;                 /* above what the level can hold     */
    SEEDS(seal_ct, &ct, 1);
    ckks_ct_clear(&ct);
}

static void seeds_seal_sk(const fuzz_target *t)
{
    SEEDS(seal_sk, &SEAL_WORLD->sk, 2);
}

static void seeds_seal_pk(const fuzz_target *t)
{
    SEEDS(seal_pk, &SEAL_WORLD->pk, 2);
}

static void seeds_seal_relin(const fuzz_target *t)
{
    SEEDS(seal_relin, &SEAL_WORLD->keys, 2);
}

static void seeds_seal_galois(const fuzz_target *t)
{
    SEEDS(seal_galois, &SEAL_WORLD->keys, 2);
}

#define TARGET(T, type, kind)                                               \
    const fuzz_target fuzz_##T = {                                          \
        #T, sizeof(type), fuzz_mend_##T, load_##T, save_##T, NULL,          \
        use_##kind, clear_##kind, misuse_##T, seeds_##T                     \
    };
TARGET(seal_pt, ckks_pt, seal_pt)
TARGET(seal_ct, ckks_ct, seal_ct)
TARGET(seal_sk, ckks_sk *, seal_sk)
TARGET(seal_pk, ckks_pk *, seal_pk)
TARGET(seal_relin, ckks_keys *, seal_keys)
TARGET(seal_galois, ckks_keys *, seal_keys)
