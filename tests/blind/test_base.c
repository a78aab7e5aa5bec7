/* test_base.c -- base transfers: unet/blind/base.h. */
#include <gmp.h>

#include "base/bytes.h"
#include "blind/base.h"
#include "nn.h"
#include "test.h"
#include "two_sides.h"

typedef struct base_side {
    uint8_t seed[32], session[32];
    blind_block choice, got[BLIND_BASE_COUNT];
    blind_pair pair[BLIND_BASE_COUNT];
    blind_traffic traffic;
} base_side;

static ckks_status runs_base(side *s)
{
    base_side *b = s->with;
    ckks_rng rng;
    ckks_status st = ckks_rng_init(&rng, b->seed);

    if (st == CKKS_OK)
        st = blind_base(b->pair, b->got, b->choice, b->session, s->server,
                        &rng, s->wire);
    if (st == CKKS_OK)
        st = blind_wire_flush(s->wire);
    b->traffic = blind_wire_traffic(s->wire);
    return st;
}

static bool same(blind_block a, blind_block b)
{
    return a.w[0] == b.w[0] && a.w[1] == b.w[1];
}

/* Chosen keys of one side against the pairs of the other. */
static int base_wrong(const base_side *chooser, const base_side *sender)
{
    int wrong = 0;

    for (int i = 0; i < BLIND_BASE_COUNT; i++) {
        int c = (int)(chooser->choice.w[i / 64] >> i % 64 & 1);

        wrong += !same(chooser->got[i], sender->pair[i].key[c])
                 || same(chooser->got[i], sender->pair[i].key[!c]);
    }
    return wrong;
}

static void base_begin(base_side b[2], blind_block c0, blind_block c1)
{
    memset(b, 0, 2 * sizeof *b);
    b[0].seed[0] = 1;
    b[1].seed[0] = 2;
    b[0].choice = c0;
    b[1].choice = c1;
}

/* Choices 0, 1 and mixed, in both directions; a key for each choice and no key
 * of the other; bytes as counted. */
TEST(base_transfers_give_the_chosen_keys)
{
    const blind_block none = { { 0, 0 } }, all = { { ~UINT64_C(0),
                                                     ~UINT64_C(0) } };
    const blind_block mixed = { { 0x0123456789abcdef, 0xf0e1d2c3b4a59687 } };
    static base_side b[2];

    for (int t = 0; t < 2; t++) {
        base_begin(b, t == 0 ? none : mixed, t == 0 ? all : mixed);
        if (!two_sides(runs_base, &b[0], runs_base, &b[1]))
            return;
        CHECK(base_wrong(&b[0], &b[1]) == 0 && base_wrong(&b[1], &b[0]) == 0,
              "%d and %d of 128 wrong", base_wrong(&b[0], &b[1]),
              base_wrong(&b[1], &b[0]));
        CHECK(b[0].traffic.sent == 2 * 24 + 384 + 49152
              && b[1].traffic.sent == b[0].traffic.sent, "%" PRIu64,
              b[0].traffic.sent);
    }
    /* The same seeds under another session: other keys, and no agreement
     * where the sides mean different ones. */
    blind_block before = b[0].got[5];

    b[0].session[31] = b[1].session[31] = 1;
    two_sides(runs_base, &b[0], runs_base, &b[1]);
    CHECK(!same(before, b[0].got[5]) && base_wrong(&b[0], &b[1]) == 0,
          "the session is not in the key");
    b[0].session[0] = 1;
    two_sides(runs_base, &b[0], runs_base, &b[1]);
    CHECK(base_wrong(&b[0], &b[1]) == 128, "%d", base_wrong(&b[0], &b[1]));
}

/* ---- a peer by the definition -------------------------------------------- */

/* p by the formula of RFC 3526; pi by Machin's formula. */
static void rfc_prime(mpz_t p)
{
    mpz_t unit, term, sum, pi;

    mpz_inits(unit, term, sum, pi, NULL);
    mpz_ui_pow_ui(unit, 2, 3200);
    for (int k = 0; k < 2; k++) {           /* atan(1/5), atan(1/239)        */
        unsigned long x = k == 0 ? 5 : 239;

        mpz_tdiv_q_ui(term, unit, x);
        mpz_set(sum, term);
        for (unsigned long n = 3; mpz_sgn(term) != 0; n += 2) {
            mpz_t part;

            mpz_init(part);
            mpz_tdiv_q_ui(term, term, x * x);
            mpz_tdiv_q_ui(part, term, n);
            (n / 2 % 2 == 1 ? mpz_sub : mpz_add)(sum, sum, part);
            mpz_clear(part);
        }
        (k == 0 ? mpz_addmul_ui : mpz_submul_ui)(pi, sum, k == 0 ? 16 : 4);
    }
    mpz_tdiv_q_2exp(pi, pi, 3200 - 2942);
    mpz_add_ui(pi, pi, 1690314);
    mpz_mul_2exp(pi, pi, 64);
    mpz_set_ui(p, 1);
    mpz_mul_2exp(p, p, 3072);
    mpz_ui_pow_ui(term, 2, 3008);
    mpz_sub(p, p, term);
    mpz_sub_ui(p, p, 1);
    mpz_add(p, p, pi);
    mpz_clears(unit, term, sum, pi, NULL);
}

static void to_bytes(uint8_t out[384], const mpz_t x)
{
    memset(out, 0, 384);
    mpz_export(out, NULL, -1, 1, 0, 0, x);
}

static void from_bytes(mpz_t x, const uint8_t in[384])
{
    mpz_import(x, 384, -1, 1, 0, 0, in);
}

/* The key as base.h and base.c have it, written here anew. */
static blind_block key_of(const uint8_t session[32], bool server, unsigned i,
                          const uint8_t *a, const uint8_t *b, const mpz_t x)
{
    uint8_t m[24 + 32 + 8 + 3 * 384] = "volley blind base key 1", key[16];

    memcpy(m + 24, session, 32);
    m[56] = server;
    m[60] = (uint8_t)i;
    memcpy(m + 64, a, 384);
    memcpy(m + 64 + 384, b, 384);
    to_bytes(m + 64 + 768, x);
    ckks_blake2b(key, 16, m, sizeof m, NULL, 0);
    return (blind_block){ { cki_load64(key), cki_load64(key + 8) } };
}

/* The server, with exponents of its own: a = 3 + 2^200, b_i = 2^255 + 5 i, and
 * choices of bit i of its choice. */
static ckks_status defines_base(side *s)
{
    static uint8_t chosen[128][384], asked[128][384];
    base_side *me = s->with;
    uint8_t mine[384], theirs[384];
    mpz_t p, a, b, A, other, x, y, four;
    ckks_status st;

    mpz_inits(p, a, b, A, other, x, y, four, NULL);
    rfc_prime(p);
    mpz_set_ui(four, 4);
    mpz_ui_pow_ui(a, 2, 200);
    mpz_add_ui(a, a, 3);
    mpz_powm(A, four, a, p);
    to_bytes(mine, A);
    st = blind_wire_send(s->wire, BLIND_BASE, mine, 384);
    if (st == CKKS_OK)
        st = blind_wire_receive(s->wire, BLIND_BASE, theirs, 384);
    from_bytes(other, theirs);
    for (unsigned i = 0; i < 128 && st == CKKS_OK; i++) {
        mpz_ui_pow_ui(b, 2, 255);
        mpz_add_ui(b, b, 5 * i);
        mpz_powm(x, four, b, p);
        if (me->choice.w[i / 64] >> i % 64 & 1) {
            mpz_mul(x, x, other);
            mpz_mod(x, x, p);
        }
        to_bytes(chosen[i], x);
        mpz_powm(x, other, b, p);
        me->got[i] = key_of(me->session, false, i, theirs, chosen[i], x);
    }
    if (st == CKKS_OK)
        st = blind_wire_send(s->wire, BLIND_BASE, chosen, sizeof chosen);
    if (st == CKKS_OK)
        st = blind_wire_receive(s->wire, BLIND_BASE, asked, sizeof asked);
    for (unsigned i = 0; i < 128 && st == CKKS_OK; i++) {
        from_bytes(x, asked[i]);
        mpz_powm(y, x, a, p);
        me->pair[i].key[0] = key_of(me->session, true, i, mine, asked[i], y);
        mpz_invert(y, A, p);
        mpz_mul(x, x, y);
        mpz_mod(x, x, p);
        mpz_powm(y, x, a, p);
        me->pair[i].key[1] = key_of(me->session, true, i, mine, asked[i], y);
    }
    mpz_clears(p, a, b, A, other, x, y, four, NULL);
    return st;
}

TEST(base_transfers_match_their_definition)
{
    static base_side b[2];

    base_begin(b, (blind_block){ { 0xdeadbeef01234567, 3 } },
               (blind_block){ { 0xfedcba9876543210, 1 } });
    for (int i = 0; i < 32; i++)
        b[0].session[i] = b[1].session[i] = (uint8_t)(7 * i + 1);
    if (!two_sides(runs_base, &b[0], defines_base, &b[1]))
        return;
    CHECK(base_wrong(&b[0], &b[1]) == 0, "%d", base_wrong(&b[0], &b[1]));
    CHECK(base_wrong(&b[1], &b[0]) == 0, "%d", base_wrong(&b[1], &b[0]));
}

/* ---- elements outside of the group --------------------------------------- */

typedef struct outsider {
    int kind, where;            /* where 0: A, 1: B of number 77             */
} outsider;

/* 0, 1, p, p + 4, p - 1, p - 4 (no square), 2^3072 - 1. */
static void outside(uint8_t out[384], int kind)
{
    static const int beside[] = { 0, 0, 0, 4, -1, -4 };
    mpz_t x;

    mpz_init(x);
    if (kind < 2) {
        mpz_set_si(x, kind);
    } else if (kind < 6) {
        rfc_prime(x);
        if (beside[kind] < 0)
            mpz_sub_ui(x, x, (unsigned long)-beside[kind]);
        else
            mpz_add_ui(x, x, (unsigned long)beside[kind]);
    } else {
        mpz_setbit(x, 3072);
        mpz_sub_ui(x, x, 1);
    }
    to_bytes(out, x);
    mpz_clear(x);
}

static ckks_status sends_outside(side *s)
{
    static uint8_t many[128][384];
    const outsider *o = s->with;
    uint8_t a[384] = { 16 };
    ckks_status st;

    memset(many, 0, sizeof many);
    for (int i = 0; i < 128; i++)
        many[i][0] = 4;
    outside(o->where == 0 ? a : many[77], o->kind);
    st = blind_wire_send(s->wire, BLIND_BASE, a, sizeof a);
    if (st == CKKS_OK)
        st = blind_wire_send(s->wire, BLIND_BASE, many, sizeof many);
    if (st == CKKS_OK)
        st = blind_wire_receive(s->wire, BLIND_BASE, a, sizeof a);
    if (st == CKKS_OK)
        st = blind_wire_receive(s->wire, BLIND_BASE, many, sizeof many);
    /* Only to hear the other side's last word. */
    return st == CKKS_OK ? blind_wire_receive(s->wire, BLIND_BYE, NULL, 0)
                         : st;
}

TEST(base_transfers_refuse_elements_outside_of_the_group)
{
    static base_side b[2];

    for (int i = 0; i < 8; i++) {
        outsider o = { i < 7 ? i : 5, i < 7 ? 0 : 1 };
        side s[2] = { { .with = &b[0] }, { .with = &o } };
        const char *want = o.where == 0 ? "element 0 of the other side is not "
                                          "in the group"
                                        : "element 77 of the other side";

        base_begin(b, (blind_block){ { 1, 0 } }, (blind_block){ { 1, 0 } });
        two_sides_run(s, runs_base, sends_outside, 20, false);
        CHECK(s[0].status == CKKS_EFORMAT && strstr(s[0].why, want) != NULL
              && strstr(s[1].why, want) != NULL, "kind %d: %s; %s", i,
              s[0].why, s[1].why);
    }
}
