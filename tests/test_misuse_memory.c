/* test_misuse_memory.c -- every allocation of every operation fails once: the
 * status is CKKS_EMEM, the message speaks of that function, no byte of any
 * object has changed, what was taken is given back; and the call with all its
 * memory works afterwards.
 */
#include "misuse_support.h"

static mess m;

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
    return ckks_decrypt(&m.out_pt, &m.ct_two, m.sk);
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

typedef struct operation {
    const char *name;
    ckks_status (*run)(void);
    int least;                          /* allocations at the least          */
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
    { "ckks_ctx_init", do_ctx_init, 20 }
};

/* Returns how many allocations failed before the call went through. */
static int fail_each(const operation *o)
{
    int k = 1;

    for (; k < 1000; k++) {
        misuse_meter before = m.meter;
        uint8_t hash[32];
        ckks_status s;

        mess_hash(hash, &m);
        m.meter.calls = 0;
        m.meter.refuse = k;
        s = o->run();
        m.meter.refuse = 0;
        if (m.meter.calls < k) {
            CHECK(s == CKKS_OK, "%s: %s", o->name, ckks_last_error());
            break;
        }
        misuse_verdict(&m, hash, __FILE__, __LINE__, o->name, s, CKKS_EMEM,
                       o->name);
        CHECK(m.meter.objects == before.objects
              && m.meter.bytes == before.bytes, "%s: allocation %d refused: "
              "%ld pieces, %zu bytes more", o->name, k,
              m.meter.objects - before.objects,
              m.meter.bytes - before.bytes);
    }
    return k - 1;
}

static void fail_all(bool real)
{
    static const operation alternating = { "ckks_mul_alternating",
                                           do_alternating, 1 };
    int failed = 0;

    if (!(real ? mess_init_real : mess_init)(&m))
        return;
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        const operation *o = &operations[i];
        int n;

        if (real && o->run == do_conj)
            o = &alternating;
        n = fail_each(o);
        CHECK(n >= o->least, "%s: only %d allocations", o->name, n);
        failed += n;
    }
    test_note("%d refused allocations", failed);
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
