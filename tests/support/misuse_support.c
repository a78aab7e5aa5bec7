/* misuse_support.c -- see misuse_support.h. */
#include "misuse_support.h"

static void *meter_take(void *user, size_t size)
{
    misuse_meter *m = user;
    void *p;

    if (++m->calls == m->refuse)
        return NULL;
    p = aligned_alloc(64, (size + 63) / 64 * 64);
    if (p != NULL) {
        m->objects++;
        m->bytes += size;
    }
    return p;
}

static void meter_give(void *user, void *p, size_t size)
{
    misuse_meter *m = user;

    m->objects--;
    m->bytes -= size;
    free(p);
}

ckks_memory misuse_memory(misuse_meter *m)
{
    return (ckks_memory){ meter_take, meter_give, m };
}

/* ---- the mess ----------------------------------------------------------- */

static const ckks_key_request full[] = {
    { CKKS_KEY_RELIN, 0, 2 }, { CKKS_KEY_ROTATE, 1, 2 },
    { CKKS_KEY_CONJ, 0, 2 }
};
static const ckks_key_request low[] = {
    { CKKS_KEY_RELIN, 0, 1 }, { CKKS_KEY_ROTATE, 1, 1 },
    { CKKS_KEY_CONJ, 0, 1 }
};
static const ckks_key_request full_real[] = {
    { CKKS_KEY_RELIN, 0, 2 }, { CKKS_KEY_ROTATE, 1, 2 },
    { CKKS_KEY_ROTATE, 3, 2 }
};
static const ckks_key_request low_real[] = {
    { CKKS_KEY_RELIN, 0, 1 }, { CKKS_KEY_ROTATE, 1, 1 },
    { CKKS_KEY_ROTATE, 3, 1 }
};

static bool make_contexts(mess *m, bool real)
{
    ckks_params p = { .log_n = real ? 3 : 4, .num_primes = 3,
                      .num_special = 1, .dnum = 3, .security = CKKS_INSECURE,
                      .ring = real ? CKKS_RING_REAL : CKKS_RING_COMPLEX,
                      .primes = { 45, 30, 30 }, .special = { 45 } };
    bool ok;

    m->params = m->out_params = p;
    p.memory = misuse_memory(&m->meter);
    ok = CHECK_OK(ckks_ctx_init(&m->ctx, &p));
    p.memory = (ckks_memory){ 0 };
    ok = ok && CHECK_OK(ckks_ctx_init(&m->other, &p));
    p.ring = CKKS_RING_COMPLEX;
    p.log_n = 4;
    p.uncentred_digits = 1;
    ok = ok && CHECK_OK(ckks_ctx_init(&m->uncentred, &p));
    p.num_special = 0;
    return ok && CHECK_OK(ckks_ctx_init(&m->bare, &p));
}

static bool make_keys(mess *m, bool real)
{
    const ckks_key_request *all = real ? full_real : full;
    const ckks_key_request *few = real ? low_real : low;
    ckks_rng *r = &m->rng;

    return CHECK_OK(ckks_sk_init(&m->sk, m->ctx, r))
           && CHECK_OK(ckks_sk_init(&m->other_sk, m->other, r))
           && CHECK_OK(ckks_sk_init(&m->bare_sk, m->bare, r))
           && CHECK_OK(ckks_sk_init(&m->uncentred_sk, m->uncentred, r))
           && CHECK_OK(ckks_sk_init(&m->out_sk, m->ctx, r))
           && CHECK_OK(ckks_pk_init(&m->pk, r, m->sk))
           && CHECK_OK(ckks_pk_init(&m->out_pk, r, m->sk))
           && CHECK_OK(ckks_pk_init(&m->other_pk, r, m->other_sk))
           && CHECK_OK(ckks_keys_init(&m->keys, r, m->sk, all, 3))
           && CHECK_OK(ckks_keys_init(&m->low_keys, r, m->sk, few, 3))
           && CHECK_OK(ckks_keys_init(&m->out_keys, r, m->sk, few, 2))
           && CHECK_OK(ckks_keys_init(&m->other_keys, r, m->other_sk, all, 3))
           && CHECK_OK(ckks_keys_init(&m->uncentred_keys, r, m->uncentred_sk,
                                      full, 3));
}

static bool make_plaintexts(mess *m, bool real)
{
    double x[MISUSE_SLOTS], *y = m->im;

    for (int j = 0; j < MISUSE_SLOTS; j++) {
        x[j] = 0.125 * j - 0.5;
        y[j] = real ? 0 : x[j];
    }
    memcpy(m->re, x, sizeof x);
    return CHECK_OK(ckks_encode(&m->pt, m->ctx, x, NULL, 8, 2, 0x1p30))
           && CHECK_OK(ckks_encode(&m->pt_low, m->ctx, x, NULL, 8, 1, 0x1p30))
           && CHECK_OK(ckks_encode(&m->pt_scale, m->ctx, x, y, 8, 2, 0x1p80))
           && CHECK_OK(ckks_encode(&m->pt_other, m->other, x, y, 8, 2, 0x1p30))
           && CHECK_OK(ckks_encode(&m->pt_bare, m->bare, x, x, 8, 2, 0x1p30))
           && CHECK_OK(ckks_encode(&m->out_pt, m->ctx, x, NULL, 3, 0, 0x1p9));
}

static bool make_ciphertexts(mess *m)
{
    ckks_rng *r = &m->rng;
    ckks_pt pt = { 0 };
    bool ok;

    ok = CHECK_OK(ckks_encrypt_sk(&m->ct, r, &m->pt, m->sk))
         && CHECK_OK(ckks_encrypt_sk(&m->ct_scale, r, &m->pt_scale, m->sk))
         && CHECK_OK(ckks_encrypt_sk(&m->ct_other, r, &m->pt_other,
                                     m->other_sk))
         && CHECK_OK(ckks_drop_level(&m->ct_low, &m->ct, 1))
         && CHECK_OK(ckks_drop_level(&m->ct_bottom, &m->ct, 0))
         && CHECK_OK(ckks_square(&m->ct_two, &m->ct))
         && CHECK_OK(ckks_encode(&pt, m->ctx, m->re, NULL, 8, 0, 0x1p20))
         && CHECK_OK(ckks_encrypt_sk(&m->ct_two_bottom, r, &pt, m->sk))
         && CHECK_OK(ckks_square(&m->ct_two_bottom, &m->ct_two_bottom))
         && CHECK_OK(ckks_encode(&pt, m->ctx, m->re, NULL, 8, 1, 0x1p10))
         && CHECK_OK(ckks_encrypt(&m->out, r, &pt, m->pk))
         && CHECK_OK(ckks_encode(&pt, m->ctx, m->re, NULL, 8, 2, 0x1p10))
         && CHECK_OK(ckks_encrypt(&m->ct_large, r, &pt, m->pk))
         && CHECK_OK(ckks_encode(&pt, m->uncentred, m->re, NULL, 8, 2, 0x1p30))
         && CHECK_OK(ckks_encrypt_sk(&m->ct_uncentred, r, &pt,
                                     m->uncentred_sk));
    for (int k = 0; k < 3 && ok; k++)
        ok = CHECK_OK(ckks_ct_copy(&m->many[k], &m->out));
    ckks_pt_clear(&pt);
    return ok;
}

static bool make_all(mess *m, bool real)
{
    uint8_t seed[CKKS_SEED_BYTES] = { 42 };

    memset(m, 0, sizeof *m);
    memset(m->bytes, 0x33, sizeof m->bytes);
    m->out_ctx = NULL;
    return CHECK_OK(ckks_rng_init(&m->rng, seed))
           && CHECK_OK(ckks_rng_init(&m->out_rng, seed))
           && make_contexts(m, real) && make_keys(m, real)
           && make_plaintexts(m, real) && make_ciphertexts(m);
}

bool mess_init(mess *m)
{
    return make_all(m, false);
}

bool mess_init_real(mess *m)
{
    return make_all(m, true);
}

static ckks_pt *const *all_pt(mess *m, ckks_pt **list)
{
    ckks_pt *all[] = { &m->pt, &m->pt_low, &m->pt_scale, &m->pt_other,
                       &m->pt_bare, &m->out_pt, NULL };

    memcpy(list, all, sizeof all);
    return list;
}

static ckks_ct *const *all_ct(mess *m, ckks_ct **list)
{
    ckks_ct *all[] = { &m->ct, &m->ct_low, &m->ct_bottom, &m->ct_two,
                       &m->ct_two_bottom, &m->ct_scale, &m->ct_large,
                       &m->ct_other, &m->ct_uncentred, &m->out, &m->many[0],
                       &m->many[1], &m->many[2], NULL };

    memcpy(list, all, sizeof all);
    return list;
}

void mess_clear(mess *m)
{
    ckks_pt *pt[16];
    ckks_ct *ct[16];

    for (ckks_pt *const *x = all_pt(m, pt); *x != NULL; x++)
        ckks_pt_clear(*x);
    for (ckks_ct *const *x = all_ct(m, ct); *x != NULL; x++)
        ckks_ct_clear(*x);
    ckks_keys_clear(&m->keys);
    ckks_keys_clear(&m->low_keys);
    ckks_keys_clear(&m->other_keys);
    ckks_keys_clear(&m->uncentred_keys);
    ckks_keys_clear(&m->out_keys);
    ckks_pk_clear(&m->pk);
    ckks_pk_clear(&m->out_pk);
    ckks_pk_clear(&m->other_pk);
    ckks_sk_clear(&m->sk);
    ckks_sk_clear(&m->other_sk);
    ckks_sk_clear(&m->bare_sk);
    ckks_sk_clear(&m->uncentred_sk);
    ckks_sk_clear(&m->out_sk);
    ckks_ctx_clear(&m->ctx);
    ckks_ctx_clear(&m->other);
    ckks_ctx_clear(&m->bare);
    ckks_ctx_clear(&m->uncentred);
    CHECK(m->meter.objects == 0 && m->meter.bytes == 0,
          "%ld allocations, %zu bytes leaked", m->meter.objects,
          m->meter.bytes);
}

/* ---- what must not change ----------------------------------------------- */

static void mix(uint8_t hash[32], const void *data, size_t size)
{
    uint8_t both[64];

    ckks_blake2b(both + 32, 32, data, size, NULL, 0);
    memcpy(both, hash, 32);
    ckks_blake2b(hash, 32, both, 64, NULL, 0);
}

static void mix_keys(uint8_t hash[32], const ckks_keys *k)
{
    mix(hash, k, sizeof *k + k->count * sizeof(cki_key));
    for (size_t i = 0; i < k->count; i++)
        for (int j = 0; j < 2 * k->key[i].digits; j++)
            for (int t = 0; t <= k->key[i].level + k->ctx->num_special; t++)
                mix(hash, cki_key_row(&k->key[i], k->ctx, j / 2, j % 2, t),
                    k->ctx->n
                        * cki_packed_bytes(&k->ctx->rns.mod[
                              cki_key_prime(&k->key[i], k->ctx, t)]));
}

/* All but the meter: counting calls is no change. */
void mess_hash(uint8_t hash[32], const mess *m)
{
    mess copy = *m;
    const mess *own = m;
    ckks_pt *pt[16];
    ckks_ct *ct[16];

    memset(&copy.meter, 0, sizeof copy.meter);
    memset(hash, 0, 32);
    mix(hash, &copy, sizeof copy);
    for (ckks_pt *const *x = all_pt(&copy, pt); *x != NULL; x++)
        mix(hash, (*x)->limb, cki_words((*x)->ctx, (*x)->level) * 8);
    for (ckks_ct *const *x = all_ct(&copy, ct); *x != NULL; x++)
        mix(hash, (*x)->limb, (size_t)((*x)->degree + 1)
                                  * cki_words((*x)->ctx, (*x)->level) * 8);
    mix(hash, own->sk->limb, own->sk->size);
    mix(hash, own->out_sk->limb, own->out_sk->size);
    mix(hash, own->out_pk->limb, 8 * 2 * 4 * own->ctx->n);
    mix_keys(hash, own->keys);
    mix_keys(hash, own->out_keys);
    TEST_INITIALISED(hash, 32);         /* of padding, too, which nobody set */
}

static bool has_number(const char *s)
{
    for (; *s != '\0'; s++)
        if (*s >= '0' && *s <= '9')
            return true;
    return false;
}

/* Not where what is wrong is no number. */
static bool needs_number(const char *s)
{
    static const char *const without[] = {
        "null", "never", "different contexts", "uncentred", "no kernel named",
        "no special primes", "nan", "inf", "no memory for the",
        "this ring has real slots", "in the real ring only"
    };

    for (size_t i = 0; i < sizeof without / sizeof *without; i++)
        if (strstr(s, without[i]) != NULL)
            return false;
    return true;
}

/* Ranges that messages name, of these contexts and of the library: a wrong one
 * sends its reader astray. */
static bool ranges_are_true(const char *said)
{
    static const char *const known[] = {
        "0..0", "0..1", "0..2", "0..3", "0..32", "0..100", "1..1", "1..3",
        "1..64", "2..17", "2..2^61", "20..100"
    };

    if (strstr(said, ": level ") != NULL && strstr(said, "0..3") != NULL)
        return false;                   /* four primes, but three levels     */
    for (const char *dots = said; (dots = strstr(dots, "..")) != NULL; dots++) {
        const char *from = dots, *to = dots + 2;
        bool found = false;

        while (from > said && from[-1] >= '0' && from[-1] <= '9')
            from--;
        to += strspn(to, "0123456789^");
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            found |= strlen(known[i]) == (size_t)(to - from)
                     && memcmp(known[i], from, (size_t)(to - from)) == 0;
        if (!found)
            return false;
    }
    return true;
}

void misuse_verdict(const mess *m, const uint8_t before[32],
                    const char *file, int line, const char *text,
                    ckks_status got, ckks_status want, const char *name)
{
    const char *said = ckks_last_error();
    size_t length = strlen(name);
    uint8_t after[32];

    if (!test_status(file, line, text, got, want))
        return;
    if (strncmp(said, name, length) != 0 || said[length] != ':')
        test_fail(file, line, text, "message \"%s\" does not begin with "
                  "\"%s:\"", said, name);
    else if (needs_number(said + length) && !has_number(said + length))
        test_fail(file, line, text, "no number in \"%s\"", said);
    else if (!ranges_are_true(said))
        test_fail(file, line, text, "a range in \"%s\"", said);
    mess_hash(after, m);
    if (memcmp(before, after, 32) != 0)
        test_fail(file, line, text, "an object changed");
}
