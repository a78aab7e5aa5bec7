/* test_misuse_memory.c -- every allocation of every function of ckks.h
 * fails once: the status is CKKS_EMEM, the message speaks of that function, no
 * byte of any object has changed, what was taken is given back; and the call
 * with all its memory works afterwards.  SEAL's bytes and files: test_memory_seal.c.
 * tests/scripts/alloc.sh compares the names with ckks.h.
 */
#include "memory_support.h"
#include "misuse_support.h"

static mess m;

/* What functions on the caller's words write. */
enum { WORDS = 512 };
static uint64_t words[WORDS], words_before[WORDS];

/* Objects as bytes, for the loaders. */
enum { SAVED = 1 << 14 };
typedef struct saved {
    uint8_t at[SAVED];
    size_t size;
} saved;
static saved params, pt, ct, sk, pk, keys;

static bool real_ring(void)
{
    return ckks_ctx_ring(m.ctx) == CKKS_RING_REAL;
}

static ckks_status do_encode(void)
{
    return ckks_encode(&m.out_pt, m.ctx, m.re, m.im, 8, 2, 0x1p30);
}

static ckks_status do_encode_const(void)
{
    return ckks_encode_const(&m.out_pt, m.ctx, 1, real_ring() ? 0 : -1, 2,
                             0x1p30);
}

static ckks_status do_decode(void)
{
    return ckks_decode(m.re, m.im, 8, &m.pt);
}

static ckks_status do_encrypt_sk(void)
{
    return ckks_encrypt_sk(&m.out, &m.rng, &m.pt, m.sk);
}

static ckks_status do_encrypt(void)
{
    return ckks_encrypt(&m.out, &m.rng, &m.pt, m.pk);
}

static ckks_status do_decrypt(void)
{
    return ckks_decrypt(&m.out_pt, &m.ct_two_bottom, m.sk);
}

static ckks_status do_flooded(void)
{
    return ckks_decrypt_flooded(&m.out_pt, &m.rng, &m.ct, m.sk, 6, 20);
}

static ckks_status do_copy(void)
{
    return ckks_ct_copy(&m.out, &m.ct);
}

static ckks_status do_add(void)
{
    return ckks_add(&m.out, &m.ct, &m.ct);
}

static ckks_status do_sub(void)
{
    return ckks_sub(&m.out, &m.ct, &m.ct);
}

static ckks_status do_neg(void)
{
    return ckks_neg(&m.out, &m.ct);
}

static ckks_status do_add_plain(void)
{
    return ckks_add_plain(&m.out, &m.ct, &m.pt);
}

static ckks_status do_sub_plain(void)
{
    return ckks_sub_plain(&m.out, &m.ct, &m.pt);
}

static ckks_status do_add_const(void)
{
    return ckks_add_const(&m.out, &m.ct, 1, real_ring() ? 0 : 2);
}

static ckks_status do_mul_int(void)
{
    return ckks_mul_int(&m.out, &m.ct, -3);
}

static ckks_status do_mul_const(void)
{
    return ckks_mul_const(&m.out, &m.ct, 1, real_ring() ? 0 : 2, 0x1p10);
}

static ckks_status do_mul_plain(void)
{
    return ckks_mul_plain(&m.out, &m.ct, &m.pt);
}

static ckks_status do_mul(void)
{
    return ckks_mul(&m.out, &m.ct, &m.ct_large);
}

static ckks_status do_square(void)
{
    return ckks_square(&m.out, &m.ct);
}

static ckks_status do_relin(void)
{
    return ckks_relin(&m.out, &m.ct_two, m.keys);
}

static ckks_status do_relin_rescale(void)
{
    return ckks_relin_rescale(&m.out, &m.ct_two, m.keys);
}

static ckks_status do_rescale(void)
{
    return ckks_rescale(&m.out, &m.ct_two);
}

static ckks_status do_drop_level(void)
{
    return ckks_drop_level(&m.out, &m.ct, 1);
}

static ckks_status do_rotate(void)
{
    return ckks_rotate(&m.out, &m.ct, m.keys, 1);
}

static ckks_status do_conj(void)
{
    return ckks_conj(&m.out, &m.ct, m.keys);
}

static ckks_status do_alternating(void)
{
    return ckks_mul_alternating(&m.out, &m.ct);
}

static ckks_status do_hoisted(void)
{
    static const int step[3] = { 1, 0, -7 };

    return ckks_rotate_hoisted(m.many, step, 3, &m.ct, m.keys);
}

static ckks_status do_sum(void)
{
    static const int step[3] = { 1, 0, 1 };
    const ckks_ct *a[3] = { &m.ct, &m.ct, &m.ct };

    return ckks_rotate_sum(&m.out, a, step, 3, m.keys);
}

static ckks_status do_combine(void)
{
    static const int32_t index[2] = { 0, 1 }, weight[6] = { 1, 2, 3, 4, 5, 6 };
    static const ckks_block block = { 0, 3, 2, index, weight };
    ckks_ct *out[3] = { &m.many[0], &m.many[1], &m.many[2] };
    const ckks_ct *in[2] = { &m.ct, &m.many[2] };

    return ckks_combine(out, 3, in, 2, &block, 1, 0x1p30);
}

static ckks_status do_periodic(void)
{
    static const int32_t index[2] = { 0, 1 }, weight[6] = { 1, 2, 3, 4, 5, 6 };
    static const ckks_block block = { 0, 3, 2, index, weight };
    ckks_ct *out[3] = { &m.many[0], &m.many[1], &m.many[2] };
    const ckks_ct *in[2] = { &m.ct, &m.many[2] };

    return ckks_combine_periodic(out, 3, in, 2, &block, 1, 1, 0x1p30);
}

static ckks_status do_sk_init(void)
{
    return ckks_sk_init(&m.out_sk, m.ctx, &m.rng);
}

static ckks_status do_pk_init(void)
{
    return ckks_pk_init(&m.out_pk, &m.rng, m.sk);
}

static ckks_status do_keys_init(void)
{
    const ckks_key_request r[3] = {
        { CKKS_KEY_RELIN, 0, 2 },
        { real_ring() ? CKKS_KEY_ROTATE : CKKS_KEY_CONJ, 7, 1 },
        { CKKS_KEY_ROTATE, 3, 0 }
    };

    return ckks_keys_init(&m.out_keys, &m.rng, m.sk, r, 3);
}

static const ckks_key_request two_keys[2] = { { CKKS_KEY_RELIN, 0, 2 },
                                              { CKKS_KEY_ROTATE, 3, 0 } };

static ckks_status do_keys_maker_init(void)
{
    ckks_keys_maker *made = NULL;
    ckks_status s = ckks_keys_maker_init(&made, &m.rng, m.sk, two_keys, 2);

    CHECK((made != NULL) == (s == CKKS_OK), "%s", ckks_status_name(s));
    ckks_keys_maker_clear(&made);
    return s;
}

/* What follows the init needs no memory. */
static ckks_keys_maker *maker;

static ckks_status do_keys_maker_next(void)
{
    const size_t next = ckks_keys_maker_next_size(maker);

    return ckks_keys_maker_next(m.bytes, next, maker);
}

static ckks_status do_keys_maker_head(void)
{
    return ckks_keys_maker_head(m.bytes, ckks_keys_maker_head_size(maker),
                                maker);
}

static ckks_status do_keys_maker_clear(void)
{
    ckks_keys_maker_clear(&maker);
    return CKKS_OK;
}

/* A context of its own in the mess's memory. */
static ckks_status do_ctx_init(void)
{
    ckks_params p = m.params;
    ckks_ctx *made = NULL;
    ckks_status s;

    p.memory = misuse_memory(&m.meter);
    s = ckks_ctx_init(&made, &p);
    CHECK((made != NULL) == (s == CKKS_OK), "%s", ckks_status_name(s));
    ckks_ctx_clear(&made);
    return s;
}

/* ---- single steps ------------------------------------------------------- */

static ckks_status do_ntt(void)
{
    return ckks_ntt(words, m.ctx, 0);
}

static ckks_status do_ntt_inverse(void)
{
    return ckks_ntt_inverse(words, m.ctx, 0);
}

static ckks_status do_automorphism(void)
{
    return ckks_automorphism(words, m.ct.limb, m.ctx, 0,
                             ckks_galois(m.ctx, 1));
}

static ckks_status do_convert(void)
{
    return ckks_convert(words, m.ct.limb, m.ctx, 2, 0);
}

static ckks_status do_mod_down(void)
{
    static const uint64_t zero[WORDS];

    return ckks_mod_down(words, zero, m.ctx, 2, 0);
}

static ckks_status do_key_product(void)
{
    return ckks_key_product(words, m.ct.limb, 2, m.keys, CKKS_KEY_RELIN, 0);
}

static ckks_status do_stream(void)
{
    return ckks_stream((uint8_t *)words, sizeof words, m.ct.seed, 1, 2);
}

static ckks_status do_sample_uniform(void)
{
    return ckks_sample_uniform(words, 16, 97, m.ct.seed, 1, 2);
}

static ckks_status do_sample_ternary(void)
{
    return ckks_sample_ternary((int8_t *)words, 16, m.ct.seed, 1, 2);
}

static ckks_status do_sample_error(void)
{
    return ckks_sample_error((int8_t *)words, 16, m.ct.seed, 1, 2);
}

static ckks_status do_encode_integers(void)
{
    static const int64_t c[16] = { 1, -2, 3 };

    return ckks_encode_integers(&m.out_pt, m.ctx, c, 2, 0x1p20);
}

static ckks_status do_pt_from_words(void)
{
    return ckks_pt_from_words(&m.out_pt, m.ctx, m.pt.limb, m.pt.level,
                              0x1p20);
}

static ckks_status do_ct_from_words(void)
{
    return ckks_ct_from_words(&m.out, m.ctx, m.ct.limb, 1, m.ct.level,
                              0x1p20);
}

static ckks_status do_sk_from_coefficients(void)
{
    static const int8_t c[16] = { 1, -1, 0, 1 };

    return ckks_sk_from_coefficients(&m.out_sk, m.ctx, c);
}

static ckks_status do_sk_coefficients(void)
{
    return ckks_sk_coefficients((int8_t *)words, m.sk);
}

/* ---- bytes -------------------------------------------------------------- */

static ckks_status do_params_save(void)
{
    return ckks_params_save(m.bytes, ckks_params_size(m.ctx), m.ctx);
}

static ckks_status do_params_load(void)
{
    return ckks_params_load(&m.out_params, params.at, params.size);
}

static ckks_status do_pt_save(void)
{
    return ckks_pt_save(m.bytes, ckks_pt_size(&m.pt), &m.pt);
}

static ckks_status do_pt_load(void)
{
    return ckks_pt_load(&m.out_pt, m.ctx, pt.at, pt.size);
}

static ckks_status do_ct_save(void)
{
    return ckks_ct_save(m.bytes, ckks_ct_size(&m.ct_two), &m.ct_two);
}

static ckks_status do_ct_load(void)
{
    return ckks_ct_load(&m.out, m.ctx, ct.at, ct.size);
}

static ckks_status do_sk_save(void)
{
    return ckks_sk_save(m.bytes, ckks_sk_size(m.sk), m.sk);
}

static ckks_status do_sk_load(void)
{
    return ckks_sk_load(&m.out_sk, m.ctx, sk.at, sk.size);
}

static ckks_status do_pk_save(void)
{
    return ckks_pk_save(m.bytes, ckks_pk_size(m.pk), m.pk);
}

static ckks_status do_pk_load(void)
{
    return ckks_pk_load(&m.out_pk, m.ctx, pk.at, pk.size);
}

static ckks_status do_keys_save(void)
{
    return ckks_keys_save(m.bytes, ckks_keys_size(m.keys), m.keys);
}

static ckks_status do_keys_load(void)
{
    return ckks_keys_load(&m.out_keys, m.ctx, keys.at, keys.size);
}

static ckks_status keys_read(void *user, uint64_t at, void *out, size_t size)
{
    (void)user;
    if (at > keys.size || size > keys.size - at)
        return CKKS_EIO;
    memcpy(out, keys.at + at, size);
    return CKKS_OK;
}

static ckks_status keys_opened(ckks_keys **out)
{
    const ckks_source from = { keys_read, NULL, keys.size };

    return ckks_keys_open(out, m.ctx, &from);
}

static ckks_status do_keys_open(void)
{
    return keys_opened(&m.out_keys);
}

/* What was opened and holds nothing. */
static ckks_keys *opened;

/* All limbs, then fewer; nothing stays, whichever allocation failed. */
static ckks_status do_keys_hold(void)
{
    const ckks_key_request high[2] = { { CKKS_KEY_RELIN, 0, 2 },
                                       { CKKS_KEY_ROTATE, 1, 2 } };
    const ckks_key_request low[2] = { { CKKS_KEY_RELIN, 0, 0 },
                                      { CKKS_KEY_ROTATE, 1, 1 } };
    ckks_status s = ckks_keys_hold(opened, high, 2);

    if (s == CKKS_OK)
        s = ckks_keys_hold(opened, low, 2);
    CHECK_OK(ckks_keys_hold(opened, NULL, 0));      /* takes no memory       */
    return s;
}

static bool save_all(void)
{
    params.size = ckks_params_size(m.ctx);
    pt.size = ckks_pt_size(&m.pt);
    ct.size = ckks_ct_size(&m.ct);
    sk.size = ckks_sk_size(m.sk);
    pk.size = ckks_pk_size(m.pk);
    keys.size = ckks_keys_size(m.keys);
    return CHECK_OK(ckks_params_save(params.at, params.size, m.ctx))
           && CHECK_OK(ckks_pt_save(pt.at, pt.size, &m.pt))
           && CHECK_OK(ckks_ct_save(ct.at, ct.size, &m.ct))
           && CHECK_OK(ckks_sk_save(sk.at, sk.size, m.sk))
           && CHECK_OK(ckks_pk_save(pk.at, pk.size, m.pk))
           && CHECK_OK(ckks_keys_save(keys.at, keys.size, m.keys));
}

/* ---- what takes no memory ----------------------------------------------- */

static ckks_status do_add_square(void)
{
    return ckks_add_square(&m.ct_two, &m.ct);
}

static ckks_status do_swap(void)
{
    ckks_ct_swap(&m.many[0], &m.many[1]);
    return CKKS_OK;
}

static ckks_status do_rng_init(void)
{
    return ckks_rng_init(&m.out_rng, NULL);
}

static ckks_status do_rng_bytes(void)
{
    return ckks_rng_bytes(m.bytes, 20, &m.out_rng);
}

static ckks_status do_resolve(void)
{
    return ckks_params_resolve(&m.out_params, &m.params);
}

static ckks_status do_sizes(void)
{
    return ckks_params_size(m.ctx) > 0 && ckks_pt_size(&m.pt) > 0
           && ckks_ct_size(&m.ct) > 0 && ckks_sk_size(m.sk) > 0
           && ckks_pk_size(m.pk) > 0 && ckks_keys_size(m.keys) > 0
           && ckks_keys_count(m.keys) == 3
           && ckks_keys_level(m.keys, CKKS_KEY_RELIN, 0) == 2
           && ckks_keys_maker_size(maker) > ckks_keys_maker_head_size(maker)
           && ckks_keys_maker_next_size(maker) > 0
           && ckks_galois(m.ctx, 1) > 0 ? CKKS_OK : CKKS_EARG;
}

static ckks_status do_context_says(void)
{
    const ckks_ctx *c = m.ctx;
    char text[2000];
    uint8_t id[16];

    ckks_ctx_fingerprint(id, c);
    ckks_blake2b(id, 16, id, 16, NULL, 0);
    return ckks_ctx_describe(text, sizeof text, c) > 0
           && ckks_ctx_log_n(c) + ckks_ctx_ring(c) + ckks_ctx_top_level(c)
                  + ckks_ctx_num_special(c) + ckks_ctx_special_at(c, 1)
                  + ckks_params_special_at(&m.params, 1) + ckks_ctx_dnum(c)
                  + ckks_max_log_qp(13, 128) > 0
           && ckks_ctx_slots(c) > 0 && ckks_ctx_prime(c, 0) > 0
           && ckks_ctx_special(c, 0) > 0 && ckks_ctx_security(c) == -1
           && ckks_ctx_log_q(c, 1) + ckks_ctx_log_qp(c)
                  + ckks_ctx_security_bits(c) > 0
           && ckks_security_estimate(13, 200) > 0
           && ckks_ctx_kernel(c)[0] != '\0'
           && ckks_status_name(CKKS_OK)[0] == 'C' ? CKKS_OK : CKKS_EARG;
}

static ckks_status plain(void)
{
    return CKKS_OK;
}

typedef struct operation {
    const char *name;
    ckks_status (*run)(void);
    int least;                  /* allocations at the least; -1: none at all */
} operation;

static const operation operations[] = {
    { "ckks_encode", do_encode, 2 },
    { "ckks_encode_const", do_encode_const, 1 },
    { "ckks_decode", do_decode, 1 },
    { "ckks_encrypt_sk", do_encrypt_sk, 2 },
    { "ckks_encrypt", do_encrypt, 2 },
    { "ckks_decrypt", do_decrypt, 1 },
    { "ckks_decrypt_flooded", do_flooded, 2 },
    { "ckks_ct_copy", do_copy, 1 },
    { "ckks_add", do_add, 1 },
    { "ckks_sub", do_sub, 1 },
    { "ckks_neg", do_neg, 1 },
    { "ckks_add_plain", do_add_plain, 1 },
    { "ckks_sub_plain", do_sub_plain, 1 },
    { "ckks_add_const", do_add_const, 1 },
    { "ckks_mul_int", do_mul_int, 1 },
    { "ckks_mul_const", do_mul_const, 1 },
    { "ckks_mul_plain", do_mul_plain, 1 },
    { "ckks_mul", do_mul, 1 },
    { "ckks_square", do_square, 1 },
    { "ckks_relin", do_relin, 2 },
    { "ckks_relin_rescale", do_relin_rescale, 2 },
    { "ckks_rescale", do_rescale, 2 },
    { "ckks_drop_level", do_drop_level, 1 },
    { "ckks_rotate", do_rotate, 2 },
    { "ckks_conj", do_conj, 2 },
    { "ckks_rotate_hoisted", do_hoisted, 5 },
    { "ckks_rotate_sum", do_sum, 2 },
    { "ckks_combine", do_combine, 5 },
    { "ckks_sk_init", do_sk_init, 2 },
    { "ckks_pk_init", do_pk_init, 3 },
    { "ckks_keys_init", do_keys_init, 7 },
    { "ckks_keys_maker_init", do_keys_maker_init, 3 },
    { "ckks_ctx_init", do_ctx_init, 20 },
    { "ckks_ntt", do_ntt, 0 },
    { "ckks_ntt_inverse", do_ntt_inverse, 0 },
    { "ckks_automorphism", do_automorphism, 0 },
    { "ckks_convert", do_convert, 0 },
    { "ckks_mod_down", do_mod_down, 1 },
    { "ckks_key_product", do_key_product, 1 },
    { "ckks_stream", do_stream, -1 },
    { "ckks_sample_uniform", do_sample_uniform, -1 },
    { "ckks_sample_ternary", do_sample_ternary, -1 },
    { "ckks_sample_error", do_sample_error, -1 },
    { "ckks_encode_integers", do_encode_integers, 1 },
    { "ckks_pt_from_words", do_pt_from_words, 1 },
    { "ckks_ct_from_words", do_ct_from_words, 1 },
    { "ckks_sk_from_coefficients", do_sk_from_coefficients, 2 },
    { "ckks_sk_coefficients", do_sk_coefficients, -1 },
    { "ckks_params_save", do_params_save, -1 },
    { "ckks_params_load", do_params_load, -1 },
    { "ckks_pt_save", do_pt_save, -1 },
    { "ckks_pt_load", do_pt_load, 1 },
    { "ckks_ct_save", do_ct_save, -1 },
    { "ckks_ct_load", do_ct_load, 1 },
    { "ckks_sk_save", do_sk_save, -1 },
    { "ckks_sk_load", do_sk_load, 2 },
    { "ckks_pk_save", do_pk_save, -1 },
    { "ckks_pk_load", do_pk_load, 2 },
    { "ckks_keys_save", do_keys_save, 1 },
    { "ckks_keys_load", do_keys_load, 6 },
    { "ckks_keys_open", do_keys_open, 4 },
    { "ckks_keys_hold", do_keys_hold, 6 },
    { "ckks_add_square", do_add_square, -1 },
    { "ckks_ct_swap", do_swap, -1 },
    { "ckks_rng_init", do_rng_init, -1 },
    { "ckks_rng_bytes", do_rng_bytes, -1 },
    { "ckks_params_resolve", do_resolve, -1 }
};

/* Of `maker`, one after the other. */
static const operation of_maker[] = {
    { "ckks_keys_maker_next", do_keys_maker_next, -1 },
    { "ckks_keys_maker_next", do_keys_maker_next, -1 },
    { "ckks_keys_maker_head", do_keys_maker_head, -1 },
    { "ckks_keys_maker_clear", do_keys_maker_clear, -1 }
};

/* Takes no memory: `plain` is what the tests call all the time. */
static const operation others[] = {
    { "ckks_params_size", do_sizes, -1 },
    { "ckks_pt_size", do_sizes, -1 },
    { "ckks_ct_size", do_sizes, -1 },
    { "ckks_sk_size", do_sizes, -1 },
    { "ckks_pk_size", do_sizes, -1 },
    { "ckks_keys_size", do_sizes, -1 },
    { "ckks_keys_count", do_sizes, -1 },
    { "ckks_keys_level", do_sizes, -1 },
    { "ckks_keys_maker_size", do_sizes, -1 },
    { "ckks_keys_maker_head_size", do_sizes, -1 },
    { "ckks_keys_maker_next_size", do_sizes, -1 },
    { "ckks_galois", do_sizes, -1 },
    { "ckks_ctx_log_n", do_context_says, -1 },
    { "ckks_ctx_slots", do_context_says, -1 },
    { "ckks_ctx_ring", do_context_says, -1 },
    { "ckks_ctx_top_level", do_context_says, -1 },
    { "ckks_ctx_num_special", do_context_says, -1 },
    { "ckks_ctx_special_at", do_context_says, -1 },
    { "ckks_ctx_dnum", do_context_says, -1 },
    { "ckks_ctx_prime", do_context_says, -1 },
    { "ckks_ctx_special", do_context_says, -1 },
    { "ckks_ctx_log_q", do_context_says, -1 },
    { "ckks_ctx_log_qp", do_context_says, -1 },
    { "ckks_ctx_security", do_context_says, -1 },
    { "ckks_ctx_security_bits", do_context_says, -1 },
    { "ckks_ctx_kernel", do_context_says, -1 },
    { "ckks_ctx_fingerprint", do_context_says, -1 },
    { "ckks_ctx_describe", do_context_says, -1 },
    { "ckks_params_special_at", do_context_says, -1 },
    { "ckks_max_log_qp", do_context_says, -1 },
    { "ckks_security_estimate", do_context_says, -1 },
    { "ckks_status_name", do_context_says, -1 },
    { "ckks_blake2b", do_context_says, -1 },
    { "ckks_last_error", plain, -1 },
    { "ckks_ctx_clear", plain, -1 },
    { "ckks_rng_clear", plain, -1 },
    { "ckks_pt_clear", plain, -1 },
    { "ckks_ct_clear", plain, -1 },
    { "ckks_sk_clear", plain, -1 },
    { "ckks_pk_clear", plain, -1 },
    { "ckks_keys_clear", plain, -1 },
    { "ckks_file_free", plain, -1 }
};

/* The k-th allocation from now on fails: any of the process, or only those of
 * the context's hooks where the linker cannot watch all. */
static void refuse(int k)
{
    m.meter.calls = 0;
    m.meter.refuse = memory_watched() ? 0 : k;
    memory_refuse(k);
}

static bool refused(int k)
{
    return (memory_watched() ? memory_calls() : m.meter.calls) >= k;
}

/* Returns how many allocations failed before the call went through. */
static int fail_each(const operation *o)
{
    int k = 1;

    for (; k < 1000; k++) {
        const misuse_meter before = m.meter;
        const long held = memory_held();
        uint8_t hash[32];
        ckks_status s;

        bool failed;

        mess_hash(hash, &m);
        memcpy(words_before, words, sizeof words);
        refuse(k);
        s = o->run();
        failed = refused(k);
        refuse(0);
        if (!failed) {
            CHECK(s == CKKS_OK, "%s: %s", o->name, ckks_last_error());
            break;
        }
        misuse_verdict(&m, hash, __FILE__, __LINE__, o->name, s, CKKS_EMEM,
                       o->name);
        CHECK(memcmp(words, words_before, sizeof words) == 0,
              "%s: allocation %d refused: words changed", o->name, k);
        CHECK(memory_held() == held, "%s: allocation %d refused: %ld pieces "
              "more", o->name, k, memory_held() - held);
        CHECK(m.meter.objects == before.objects
              && m.meter.bytes == before.bytes, "%s: allocation %d refused: "
              "%ld pieces, %zu bytes more", o->name, k,
              m.meter.objects - before.objects,
              m.meter.bytes - before.bytes);
    }
    return k - 1;
}

/* The output is first of a shape that no operation makes, then what the
 * operation made: memory that it may keep. */
static int fail_enough(const operation *o)
{
    int n = -1;

    if (CHECK_OK(ckks_ct_copy(&m.out, &m.ct_two_bottom)))
        n = fail_each(o);
    CHECK(o->least < 0 ? n == 0 : n >= o->least, "%s: %d allocations", o->name,
          n);
    if (m.out.level != m.ct_two_bottom.level || m.out.degree == 1)
        CHECK(fail_each(o) <= n, "%s: more allocations once the output is "
              "there", o->name);
    return n;
}

static void fail_all(bool real)
{
    static const operation alternating = { "ckks_mul_alternating",
                                           do_alternating, 1 };
    static const operation periodic = { "ckks_combine_periodic", do_periodic,
                                        4 };
    int failed = 0;

    memset(words, 0, sizeof words);         /* of ckks_ntt too               */
    if (!(real ? mess_init_real : mess_init)(&m) || !save_all()
        || !CHECK_OK(keys_opened(&opened)))
        return;
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        failed += fail_enough(real && operations[i].run == do_conj
                                  ? &alternating : &operations[i]);
    if (real)
        failed += fail_enough(&periodic);
    if (!CHECK_OK(ckks_keys_maker_init(&maker, &m.rng, m.sk, two_keys, 2)))
        return;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        failed += fail_enough(&others[i]);
    for (size_t i = 0; i < sizeof of_maker / sizeof *of_maker; i++)
        failed += fail_enough(&of_maker[i]);
    test_note("%d refused allocations", failed);
    ckks_keys_clear(&opened);
    mess_clear(&m);
}

TEST(misuse_no_memory)
{
    fail_all(false);
    fail_all(true);
}

/* Sums in the place of an operand take no memory, so none can lack. */
static void sums_in_place(bool real)
{
    if (!(real ? mess_init_real : mess_init)(&m))
        return;
    m.meter.calls = 0;
    m.meter.refuse = 1;
    CHECK_OK(ckks_add(&m.ct, &m.ct, &m.ct));
    CHECK_OK(ckks_sub(&m.ct, &m.ct, &m.ct));
    CHECK_OK(ckks_add(&m.ct_two, &m.ct_two, &m.ct_two));
    CHECK_OK(ckks_add_const(&m.ct, &m.ct, 1, real ? 0 : 2));
    CHECK_OK(ckks_add_square(&m.ct_two, &m.ct));
    CHECK(m.meter.calls == 0, "%d allocations", m.meter.calls);
    m.meter.refuse = 0;
    mess_clear(&m);
}

TEST(misuse_no_memory_for_sums_in_place)
{
    sums_in_place(false);
    sums_in_place(true);
}

/* Sizes that rounding up to lines would bring round to nothing. */
TEST(misuse_no_memory_of_any_size)
{
    const ckks_memory plain = { 0 };

    for (size_t less = 0; less < 63; less++)
        CHECK(cki_alloc(&plain, SIZE_MAX - less) == NULL, "%zu", less);
    CHECK(cki_alloc(&plain, 0) == NULL, "nothing was allocated");
}
