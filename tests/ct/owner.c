/* owner.c -- the owner's side of the library, function by function. */
#include "owner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scheme/context.h"
#include "scheme/key.h"
#include "ring/rns.h"

#define MUST(call)                                                        \
    do {                                                                  \
        ckks_status s_ = (call);                                          \
        published(&s_, sizeof s_);                                        \
        if (s_ != CKKS_OK) {                                              \
            printf("FAIL %s: %s\n", #call, ckks_last_error());            \
            exit(2);                                                      \
        }                                                                 \
    } while (0)

enum { RINGS = 2, PRIMES = 4, ROWS = 12, TERMS = 3, BLOCKS = 2 * CKI_EXPAND };

/* One prime of one width, transforms of two rings of 2^log_n and its double:
 * an even and an odd number of layers. */
typedef struct field {
    cki_mod mod[PRIMES];
    cki_ntt *ntt[RINGS];
} field;

static struct {
    ckks_memory memory;
    const cki_kernel *kernel;
    bool real;
    size_t n;
    field wide, narrow;
    uint32_t *perm[RINGS], *back;       /* back: the inverse of perm[1]      */
    uint64_t *row[ROWS];
    ckks_ctx *one, *two;                /* special primes: 1, 2              */
} own;

/* ---- the linker's wrappers ------------------------------------------- */

void __real_cki_sample_ternary(int8_t *out, size_t n, cki_stream *s);
void __wrap_cki_sample_ternary(int8_t *out, size_t n, cki_stream *s);
void __wrap_cki_sample_ternary(int8_t *out, size_t n, cki_stream *s)
{
    measure_stop();                     /* rejection: owner_run_allowed      */
    __real_cki_sample_ternary(out, n, s);
    secret_small(out, n, 1);
    measure_go();
}

void __real_cki_sample_error(int8_t *out, size_t n, cki_stream *s);
void __wrap_cki_sample_error(int8_t *out, size_t n, cki_stream *s);
void __wrap_cki_sample_error(int8_t *out, size_t n, cki_stream *s)
{
    measure_stop();                     /* phase "errors"                    */
    __real_cki_sample_error(out, n, s);
    secret_small(out, n, 21);
    measure_go();
}

void __real_cki_sample_uniform(uint64_t *out, size_t n, uint64_t p,
                               cki_stream *s);
void __wrap_cki_sample_uniform(uint64_t *out, size_t n, uint64_t p,
                               cki_stream *s);
void __wrap_cki_sample_uniform(uint64_t *out, size_t n, uint64_t p,
                               cki_stream *s)
{
    measure_stop();                     /* public                            */
    __real_cki_sample_uniform(out, n, p, s);
    measure_go();
}

/* Eight bytes at once are asked for by flooding alone; seeds are public. */
void __real_cki_stream_read(cki_stream *s, uint8_t *out, size_t size);
void __wrap_cki_stream_read(cki_stream *s, uint8_t *out, size_t size);
void __wrap_cki_stream_read(cki_stream *s, uint8_t *out, size_t size)
{
    measure_stop();
    __real_cki_stream_read(s, out, size);
    if (size == 8)
        secret_bytes(out, size);
    measure_go();
}

/* Without the check of known answers: memcheck's fused multiply-add rounds
 * twice, and the avx2 kernel would be passed over. */
ckks_status __wrap_cki_kernel_choose(const cki_kernel **out, const char *name,
                                     int max_bits, const ckks_memory *m);
ckks_status __wrap_cki_kernel_choose(const cki_kernel **out, const char *name,
                                     int max_bits, const ckks_memory *m)
{
    (void)max_bits;
    (void)m;
    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++)
        if (strcmp((*k)->name, name) == 0 && (*k)->usable()) {
            *out = *k;
            return CKKS_OK;
        }
    return CKKS_EPARAM;
}

/* ---- what all share -------------------------------------------------- */

static void field_init(field *f, int bits, int log_n)
{
    uint64_t used[PRIMES];

    for (size_t i = 0; i < PRIMES; i++) {
        used[i] = cki_find_prime(bits, (uint64_t)8 << log_n, used, i);
        f->mod[i] = cki_mod_make(used[i]);
    }
    for (int r = 0; r < RINGS; r++) {
        const size_t order = (size_t)(own.real ? 4 : 2) << (log_n + r);

        MUST(cki_ntt_init(&f->ntt[r], own.kernel, f->mod,
                          cki_min_root(order, f->mod), log_n + r, order,
                          &own.memory));
    }
}

static void context_init(ckks_ctx **out, const char *kernel, int log_n,
                         int specials)
{
    const ckks_params p = {
        .log_n = log_n, .num_primes = 3, .primes = { 45, 30, 40 },
        .num_special = specials, .special = { 46, 46 },
        .dnum = specials == 1 ? 3 : 2, .security = CKKS_INSECURE,
        .ring = own.real ? CKKS_RING_REAL : CKKS_RING_COMPLEX,
        .kernel = kernel, .memory = own.memory
    };

    MUST(ckks_ctx_init(out, &p));
}

void owner_init(const char *kernel, bool real, int log_n, const ckks_memory *m)
{
    own.memory = *m;
    own.real = real;
    own.n = (size_t)2 << log_n;
    context_init(&own.one, kernel, log_n, 1);
    context_init(&own.two, kernel, log_n, 2);
    own.kernel = own.one->rns.kernel;
    field_init(&own.wide, own.kernel->max_bits, log_n);
    field_init(&own.narrow, 30, log_n);
    for (int r = 0; r < RINGS; r++) {
        const size_t order = (size_t)(real ? 4 : 2) << (log_n + r);

        own.perm[r] = cki_alloc(m, own.n * sizeof *own.perm[r]);
        cki_galois_perm(own.perm[r], log_n + r, order, 5);
    }
    own.back = cki_alloc(m, own.n * sizeof *own.back);
    for (uint32_t i = 0; i < own.n; i++)
        own.back[own.perm[1][i]] = i;
    for (int i = 0; i < ROWS; i++)
        own.row[i] = cki_alloc(m, own.n * sizeof *own.row[i]);
}

static void fresh_rows(uint64_t p)
{
    for (int i = 0; i < ROWS; i++)
        secret_words(own.row[i], own.n, p);
}

/* ---- the kernel ------------------------------------------------------ */

static void transforms(const field *f, int r)
{
    const cki_kernel *k = own.kernel;
    const cki_ntt *t = f->ntt[r];
    const uint64_t p = t->mod.p;
    uint64_t **x = own.row;
    const cki_summand s[2] = { { x[4], NULL }, { x[5], own.perm[r] } };
    cki_ending q = { .in = x[1], .s = s, .summands = 2, .w = p / 3, .u = 1 };

    fresh_rows(p);
    phase_begin("forward transform");
    k->ntt_fwd(x[0], t);
    phase_end();
    phase_begin("inverse transform");
    k->ntt_inv(x[8], x[0], p / 5, t);
    k->ntt_inv(x[8], x[8], 1, t);
    phase_end();
    phase_begin("end of a division");
    k->ntt_head(x[0], t, false);
    k->ntt_finish(x[9], x[0], &q, t);
    q.u = p / 7;
    k->ntt_head(x[8], t, false);
    k->ntt_finish(x[9], x[8], &q, t);
    q.summands = 0;
    k->ntt_head(x[10], t, false);
    k->ntt_finish(x[9], x[10], &q, t);
    phase_end();
}

static void words(const field *f)
{
    const cki_kernel *k = own.kernel;
    const cki_mod *m = f->mod;
    const size_t n = own.n;
    uint64_t **x = own.row;

    fresh_rows(m->p);
    phase_begin("words");
    k->add(x[0], x[1], x[2], n, m);
    k->sub(x[3], x[1], x[2], n, m);
    k->mul(x[4], x[1], x[2], n, m);
    k->mul_add(x[5], x[1], x[2], x[3], n, m);
    k->square(x[6], x[7], x[8], x[1], x[2], false, n, m);
    k->square(x[6], x[7], x[8], x[1], x[2], true, n, m);
    k->scale_add(x[9], x[1], m->p / 3, x[2], n, m);
    k->scale_add(x[9], x[1], m->p / 3, NULL, n, m);
    k->permute(x[10], x[1], own.perm[1], n);
    k->pack((uint8_t *)x[11], x[1], n, cki_packed_bytes(m));
    phase_end();
}

/* That row, packed where it lies: a word is behind those before it. */
static const uint8_t *packed_row(int i, const field *f)
{
    uint8_t *row = (uint8_t *)own.row[i];

    cki_pack(row, own.row[i], own.n, cki_packed_bytes(f->mod));
    return row;
}

static void inner_products(const field *f)
{
    const uint64_t *x[TERMS];
    const uint8_t *y[TERMS], *z[TERMS];
    const cki_turn turn = { own.perm[1], own.back };

    fresh_rows(f->mod->p);
    for (int j = 0; j < TERMS; j++) {
        x[j] = own.row[3 + j];
        y[j] = packed_row(6 + j, f);
        z[j] = packed_row(9 + j, f);
    }
    phase_begin("inner products");
    for (int count = 1; count <= TERMS; count++)
        for (int i = 0; i < 4; i++)
            own.kernel->dot2(own.row[0], own.row[1], x,
                             i % 2 == 0 ? NULL : &turn, y, z, count,
                             i / 2 == 1, own.n, f->mod);
    phase_end();
}

static void conversions(const field *f)
{
    double frac[TERMS];
    uint64_t inv[TERMS], hat[PRIMES * TERMS], prod[PRIMES];
    uint64_t *y[TERMS], *out[2] = { own.row[4], own.row[5] };
    const int target[2] = { 2, 3 };
    cki_conv c = { .src = { 0, 1, 2 }, .mod = f->mod, .inv = inv,
                   .frac = frac, .hat = hat, .prod = prod };

    for (int i = 0; i < PRIMES * TERMS; i++)
        hat[i] = (f->mod->p >> 1) - (uint64_t)i;
    for (int i = 0; i < PRIMES; i++)
        prod[i] = (f->mod->p >> 2) + (uint64_t)i;
    for (int i = 0; i < TERMS; i++) {
        frac[i] = f->mod[i].inv;
        inv[i] = 1;
        y[i] = own.row[i];
    }
    for (c.len = 1; c.len <= TERMS; c.len++)
        for (int centred = 0; centred < 2; centred++) {
            fresh_rows(f->mod->p - ((uint64_t)1 << 28));
            phase_begin("base conversion");
            own.kernel->convert_begin(y, own.row[3], &c, centred, own.n);
            for (int count = 1; count <= 2; count++)
                own.kernel->convert_end(out, target, count,
                                        (const uint64_t *const *)y,
                                        own.row[3], &c, false, own.n);
            own.kernel->convert_end(out, target, 2,
                                    (const uint64_t *const *)y, own.row[3],
                                    &c, true, own.n);
            phase_end();
        }
}

static void combinations(const field *f)
{
    static const int32_t index[TERMS] = { 2, 0, 1 };
    int32_t weight[2 * TERMS] = { 3, -4095, 77, -1, 32767, 2 };
    const ckks_block block = { 0, 2, TERMS, index, weight };
    const uint64_t *in[TERMS] = { own.row[2], own.row[3], own.row[4] };
    const size_t size = own.kernel->combine_work(TERMS, &block, 1);
    void *work = cki_alloc(&own.memory, size);

    for (int i = 0; i < 2; i++) {
        fresh_rows(f->mod->p);
        phase_begin("integer combination");
        own.kernel->combine(own.row, in, TERMS, &block, 1, own.n, f->mod,
                            work);
        phase_end();
        weight[0] = 100000;
    }
    cki_free(&own.memory, work, size);
}

void owner_run_kernel(bool narrow)
{
    static uint8_t root[64], block[64 * BLOCKS];
    const field *fields[2] = { &own.wide, &own.narrow };

    for (int i = 0; i < 1 + narrow; i++) {
        for (int r = 0; r < RINGS; r++)
            transforms(fields[i], r);
        words(fields[i]);
        inner_products(fields[i]);
        conversions(fields[i]);
        combinations(fields[i]);
    }
    secret_bytes(root, sizeof root);
    phase_begin("streams");
    own.kernel->expand(block, root, 7, BLOCKS);
    phase_end();
}

/* ---- samplers -------------------------------------------------------- */

/* A stream of secret bytes: its root is one. */
static cki_stream secret_stream(void)
{
    static const uint8_t key[CKKS_SEED_BYTES] = { 7 };
    cki_stream s;

    cki_stream_init(&s, own.kernel, key, sizeof key, 0, 0);
    secret_bytes(s.root, sizeof s.root);
    return s;
}

static void run_samplers(void)
{
    int8_t *e = (int8_t *)own.row[0];
    cki_stream s = secret_stream();
    ckks_rng rng = { 0 };
    uint8_t seed[CKKS_SEED_BYTES] = { 9 };

    phase_begin("errors");
    __real_cki_sample_error(e, own.n, &s);
    own.kernel->from_small(own.row[1], e, own.n, own.narrow.mod);
    phase_end();
    secret_bytes(seed, sizeof seed);
    phase_begin("a generator and its stream");
    MUST(ckks_rng_init(&rng, seed));
    cki_rng_stream(&s, own.kernel, &rng);
    __real_cki_stream_read(&s, (uint8_t *)own.row[0], 8 * own.n);
    ckks_rng_clear(&rng);
    phase_end();
}

/* ---- keys, encryption, decryption ------------------------------------ */

static void secret_plaintext(ckks_pt *out, const ckks_ctx *ctx)
{
    double z[4] = { 0.5, -0.25, 0.125, 1 };

    measure_stop();
    MUST(ckks_encode(out, ctx, z, NULL, 4, 2, 0x1p30));
    for (int i = 0; i <= out->level; i++)
        secret_words(cki_pt_limb(out, i), ctx->n, ctx->rns.mod[i].p);
    measure_go();
}

static void publish(ckks_ct *ct)
{
    published(ct->limb, (size_t)(ct->degree + 1)
                            * cki_words(ct->ctx, ct->level) * sizeof *ct->limb);
}

/* A secret key and what is made with it. */
typedef struct keys {
    ckks_rng rng;
    ckks_sk *sk;
    ckks_pk *pk;
    ckks_keys *eval;
} keys;

/* The same keys one at a time, into the bytes of their file. */
static void keys_singly(keys *k, const ckks_key_request *want)
{
    ckks_keys_maker *maker = NULL;
    uint8_t *room;
    size_t size;

    phase_begin("evaluation keys, one at a time");
    MUST(ckks_keys_maker_init(&maker, &k->rng, k->sk, want,
                              own.real ? 2 : 3));
    room = malloc((size_t)ckks_keys_maker_size(maker));
    MUST(room == NULL ? CKKS_EMEM : CKKS_OK);
    while ((size = ckks_keys_maker_next_size(maker)) > 0)
        MUST(ckks_keys_maker_next(room, size, maker));
    MUST(ckks_keys_maker_head(room, ckks_keys_maker_head_size(maker), maker));
    ckks_keys_maker_clear(&maker);
    phase_end();
    free(room);
}

static void make_keys(keys *k, const ckks_ctx *ctx)
{
    const uint8_t seed[CKKS_SEED_BYTES] = { 3 };
    const ckks_key_request want[] = { { CKKS_KEY_RELIN, 0, 1 },
                                      { CKKS_KEY_ROTATE, 3, 2 },
                                      { CKKS_KEY_CONJ, 0, 1 } };

    *k = (keys){ .sk = NULL };
    MUST(ckks_rng_init(&k->rng, seed));
    phase_begin("secret key");
    MUST(ckks_sk_init(&k->sk, ctx, &k->rng));
    phase_end();
    phase_begin("public key");
    MUST(ckks_pk_init(&k->pk, &k->rng, k->sk));
    phase_end();
    phase_begin("evaluation keys");
    MUST(ckks_keys_init(&k->eval, &k->rng, k->sk, want, own.real ? 2 : 3));
    phase_end();
    keys_singly(k, want);
}

static void encrypt_decrypt(keys *k, const ckks_ctx *ctx)
{
    ckks_pt pt = { 0 }, got = { 0 };
    ckks_ct a = { 0 }, b = { 0 }, c = { 0 };
    uint8_t *file;
    size_t size;

    secret_plaintext(&pt, ctx);
    phase_begin("encryption, secret key");
    MUST(ckks_encrypt_sk(&a, &k->rng, &pt, k->sk));
    phase_end();
    phase_begin("encryption, public key");
    MUST(ckks_encrypt(&b, &k->rng, &pt, k->pk));
    phase_end();
    publish(&a);
    publish(&b);
    MUST(ckks_mul(&c, &a, &b));
    phase_begin("decryption");
    MUST(ckks_decrypt(&got, &a, k->sk));
    MUST(ckks_decrypt(&got, &b, k->sk));
    phase_end();
    phase_begin("decryption, degree 2");
    MUST(ckks_decrypt(&got, &c, k->sk));
    phase_end();
    phase_begin("decryption with flooding");
    MUST(ckks_decrypt_flooded(&got, &k->rng, &a, k->sk, 20, 20));
    MUST(ckks_decrypt_flooded(&got, &k->rng, &a, k->sk, 60, 20));
    phase_end();
    size = ckks_pt_size(&pt);
    file = cki_alloc(&own.memory, size);
    phase_begin("plaintext to bytes");
    MUST(ckks_pt_save(file, size, &pt));
    phase_end();
    cki_free(&own.memory, file, size);
    ckks_ct_clear(&c);
    ckks_ct_clear(&b);
    ckks_ct_clear(&a);
    phase_begin("clearing");
    ckks_pt_clear(&got);
    ckks_pt_clear(&pt);
    phase_end();
}

static void run_owner(const ckks_ctx *ctx)
{
    uint8_t *file = (uint8_t *)own.row[0];
    keys k;

    make_keys(&k, ctx);
    encrypt_decrypt(&k, ctx);
    phase_begin("secret key to bytes");
    MUST(ckks_sk_save(file, ckks_sk_size(k.sk), k.sk));
    phase_end();
    phase_begin("clearing");
    ckks_keys_clear(&k.eval);
    ckks_pk_clear(&k.pk);
    ckks_sk_clear(&k.sk);
    phase_end();
}

void owner_run(bool both)
{
    run_samplers();
    run_owner(own.two);
    if (both)
        run_owner(own.one);
}

/* ---- what is allowed ------------------------------------------------- */

static void run_encoder(const ckks_ctx *ctx)
{
    static double z[4], re[4], im[4];
    static const double scale[2] = { 0x1p30, 0x1p80 };
    ckks_pt pt = { 0 };

    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 4; j++)
            z[j] = 1.0 / (j + 2);
        secret_bytes((uint8_t *)z, 0);
        published(z, sizeof z);
        secret_bytes((uint8_t *)z, sizeof z);
        phase_begin("encoding");
        MUST(ckks_encode(&pt, ctx, z, NULL, 4, 2, scale[i]));
        phase_end();
        published(&pt, sizeof pt);
        phase_begin("decoding");
        MUST(ckks_decode(re, im, 4, &pt));
        phase_end();
    }
    ckks_pt_clear(&pt);
}

static void run_loader(const ckks_ctx *ctx)
{
    const uint8_t seed[CKKS_SEED_BYTES] = { 3 };
    uint8_t *file = (uint8_t *)own.row[0];
    ckks_rng rng = { 0 };
    ckks_sk *sk = NULL, *read = NULL;
    size_t size;

    MUST(ckks_rng_init(&rng, seed));
    MUST(ckks_sk_init(&sk, ctx, &rng));
    size = ckks_sk_size(sk);
    MUST(ckks_sk_save(file, size, sk));
    phase_begin("secret key from bytes");
    MUST(ckks_sk_load(&read, ctx, file, size));
    phase_end();
    phase_begin("secret key from coefficients");
    MUST(ckks_sk_coefficients((int8_t *)file, sk));
    MUST(ckks_sk_from_coefficients(&read, ctx, (const int8_t *)file));
    phase_end();
    ckks_sk_clear(&read);
    ckks_sk_clear(&sk);
}

void owner_run_allowed(void)
{
    cki_stream s = secret_stream();

    phase_begin("ternary values");
    __real_cki_sample_ternary((int8_t *)own.row[0], own.n, &s);
    phase_end();
    run_loader(own.one);
    run_encoder(own.one);
}
