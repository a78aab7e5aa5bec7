/* base.c -- base transfers: base.h. */
#include "blind/base.h"

#include <gmp.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/bytes.h"
#include "base/word.h"
#include "nn.h"

enum {
    BASE_BITS = 8 * BLIND_BASE_ELEMENT,
    BASE_LIMBS = BASE_BITS / GMP_LIMB_BITS,
    BASE_LIMB = GMP_LIMB_BITS / 8,      /* bytes                             */
    BASE_EXPONENT = 32                  /* bytes                             */
};

typedef struct element {
    mp_limb_t limb[BASE_LIMBS];
} element;

typedef struct exponent {
    mp_limb_t limb[BASE_EXPONENT / BASE_LIMB];
} exponent;

/* The group and GMP's scratch memory, of one size for all calls. */
typedef struct group {
    element p;
    mp_limb_t *scratch;
    size_t limbs;
} group;

/* 2^3072 - 2^3008 - 1 + 2^64 (floor(2^2942 pi) + 1690314), RFC 3526 section 4,
 * lowest word first. */
static const uint64_t group_prime[BASE_BITS / 64] = {
    0xffffffffffffffff, 0x4b82d120a93ad2ca, 0x43db5bfce0fd108e,
    0x08e24fa074e5ab31, 0x770988c0bad946e2, 0xbbe117577a615d6c,
    0x521f2b18177b200c, 0xd87602733ec86a64, 0xf12ffa06d98a0864,
    0xcee3d2261ad2ee6b, 0x1e8c94e04a25619d, 0xabf5ae8cdb0933d7,
    0xb3970f85a6e1e4c7, 0x8aea71575d060c7d, 0xecfb850458dbef0a,
    0xa85521abdf1cba64, 0xad33170d04507a33, 0x15728e5a8aaac42d,
    0x15d2261898fa0510, 0x3995497cea956ae5, 0xde2bcbf695581718,
    0xb5c55df06f4c52c9, 0x9b2783a2ec07a28f, 0xe39e772c180e8603,
    0x32905e462e36ce3b, 0xf1746c08ca18217c, 0x670c354e4abc9804,
    0x9ed529077096966d, 0x1c62f356208552bb, 0x83655d23dca3ad96,
    0x69163fa8fd24cf5f, 0x98da48361c55d39a, 0xc2007cb8a163bf05,
    0x49286651ece45b3d, 0xae9f24117c4b1fe6, 0xee386bfb5a899fa5,
    0x0bff5cb6f406b7ed, 0xf44c42e9a637ed6b, 0xe485b576625e7ec6,
    0x4fe1356d6d51c245, 0x302b0a6df25f1437, 0xef9519b3cd3a431b,
    0x514a08798e3404dd, 0x020bbea63b139b22, 0x29024e088a67cc74,
    0xc4c6628b80dc1cd1, 0xc90fdaa22168c234, 0xffffffffffffffff
};

/* ---- numbers ------------------------------------------------------------- */

static void limbs_load(mp_limb_t *l, const uint8_t *b, size_t limbs)
{
    for (size_t i = 0; i < limbs; i++) {
        l[i] = 0;
        for (int k = BASE_LIMB - 1; k >= 0; k--)
            l[i] = (mp_limb_t)(l[i] << 8 | b[(size_t)k + BASE_LIMB * i]);
    }
}

static void limbs_store(uint8_t *b, const mp_limb_t *l, size_t limbs)
{
    for (size_t i = 0; i < limbs; i++)
        for (size_t k = 0; k < BASE_LIMB; k++)
            b[k + BASE_LIMB * i] = (uint8_t)(l[i] >> 8 * k);
}

static size_t larger(size_t a, mp_size_t b)
{
    return a > (size_t)b ? a : (size_t)b;
}

static bool group_open(group *g)
{
    uint8_t b[BLIND_BASE_ELEMENT];
    size_t limbs;

    for (size_t i = 0; i < BASE_BITS / 64; i++)
        cki_store64(b + 8 * i, group_prime[i]);
    limbs_load(g->p.limb, b, BASE_LIMBS);
    limbs = larger(0, mpn_sec_powm_itch(BASE_LIMBS, 8 * BASE_EXPONENT,
                                        BASE_LIMBS));
    limbs = larger(limbs, mpn_sec_mul_itch(BASE_LIMBS, BASE_LIMBS));
    limbs = larger(limbs, mpn_sec_div_r_itch(2 * BASE_LIMBS, BASE_LIMBS));
    g->limbs = limbs;
    g->scratch = malloc(limbs * sizeof *g->scratch);
    return g->scratch != NULL;
}

static void group_close(group *g)
{
    if (g->scratch != NULL)
        cki_wipe(g->scratch, g->limbs * sizeof *g->scratch);
    free(g->scratch);
}

static void group_pow(element *out, const element *base, const exponent *e,
                      group *g)
{
    mpn_sec_powm(out->limb, base->limb, BASE_LIMBS, e->limb, 8 * BASE_EXPONENT,
                 g->p.limb, BASE_LIMBS, g->scratch);
}

static void group_mul(element *out, const element *a, const element *b,
                      group *g)
{
    mp_limb_t product[2 * BASE_LIMBS];

    mpn_sec_mul(product, a->limb, BASE_LIMBS, b->limb, BASE_LIMBS, g->scratch);
    mpn_sec_div_r(product, 2 * BASE_LIMBS, g->p.limb, BASE_LIMBS, g->scratch);
    memcpy(out->limb, product, sizeof *out);
    cki_wipe(product, sizeof product);
}

/* 1 / a; a is public. */
static void group_invert(element *out, const element *a, const group *g)
{
    mpz_t x, p, r;
    size_t size;

    mpz_init(r);
    mpz_invert(r, mpz_roinit_n(x, a->limb, BASE_LIMBS),
               mpz_roinit_n(p, g->p.limb, BASE_LIMBS));
    size = mpz_size(r);
    memset(out, 0, sizeof *out);
    memcpy(out->limb, mpz_limbs_read(r), size * sizeof *out->limb);
    mpz_clear(r);
}

/* A square modulo p other than 1, so a generator of all of them: 1 and p - 1
 * are the elements of small order, and p - 1 is no square (p = 3 mod 4).
 * x is public. */
static bool group_has(const element *x, const group *g)
{
    element one = { { 1 } };
    mpz_t a, p;

    return mpn_cmp(x->limb, g->p.limb, BASE_LIMBS) < 0
           && mpn_cmp(x->limb, one.limb, BASE_LIMBS) > 0
           && mpz_jacobi(mpz_roinit_n(a, x->limb, BASE_LIMBS),
                         mpz_roinit_n(p, g->p.limb, BASE_LIMBS)) == 1;
}

/* ---- keys ---------------------------------------------------------------- */

enum { HASH_TEXT = 24, HASH_SIZE = HASH_TEXT + BLIND_SESSION + 8
                                   + 3 * BLIND_BASE_ELEMENT };

/* What a key is hashed from; the last element is the secret. */
typedef struct hashed {
    uint8_t byte[HASH_SIZE];
} hashed;

static uint8_t *hashed_element(hashed *h, int k)
{
    return h->byte + HASH_SIZE - (3 - k) * BLIND_BASE_ELEMENT;
}

/* server: the sender of these transfers is the server. */
static void hashed_begin(hashed *h, const uint8_t session[BLIND_SESSION],
                         bool server, const uint8_t *a)
{
    memset(h, 0, sizeof *h);
    memcpy(h->byte, "volley blind base key 1", HASH_TEXT - 1);
    memcpy(h->byte + HASH_TEXT, session, BLIND_SESSION);
    cki_store32(h->byte + HASH_TEXT + BLIND_SESSION, server);
    memcpy(hashed_element(h, 0), a, BLIND_BASE_ELEMENT);
}

static blind_block hashed_key(hashed *h, uint32_t i, const uint8_t *b,
                              const element *secret)
{
    uint8_t key[16];
    blind_block out;

    cki_store32(h->byte + HASH_TEXT + BLIND_SESSION + 4, i);
    memcpy(hashed_element(h, 1), b, BLIND_BASE_ELEMENT);
    limbs_store(hashed_element(h, 2), secret->limb, BASE_LIMBS);
    ckks_blake2b(key, sizeof key, h->byte, sizeof h->byte, NULL, 0);
    out = (blind_block){ { cki_load64(key), cki_load64(key + 8) } };
    cki_wipe(key, sizeof key);
    return out;
}

/* ---- both roles ---------------------------------------------------------- */

typedef uint8_t element_bytes[BLIND_BASE_ELEMENT];

/* What one side holds on the way. */
typedef struct base {
    group g;
    hashed h;
    exponent a, b[BLIND_BASE_COUNT];
    element_bytes mine, theirs;                 /* A of each side            */
    element_bytes chosen[BLIND_BASE_COUNT];     /* B of this side            */
    element_bytes asked[BLIND_BASE_COUNT];      /* of the other              */
} base;

static ckks_status base_draw(base *s, ckks_rng *rng)
{
    uint8_t drawn[(BLIND_BASE_COUNT + 1) * BASE_EXPONENT];
    ckks_status st = ckks_rng_bytes(drawn, sizeof drawn, rng);

    if (st != CKKS_OK)
        return nn_relay(st, "base transfers");
    for (size_t i = 0; i < BLIND_BASE_COUNT; i++)
        limbs_load(s->b[i].limb, drawn + BASE_EXPONENT * i,
                   BASE_EXPONENT / BASE_LIMB);
    limbs_load(s->a.limb, drawn + BASE_EXPONENT * BLIND_BASE_COUNT,
               BASE_EXPONENT / BASE_LIMB);
    cki_wipe(drawn, sizeof drawn);
    return CKKS_OK;
}

static ckks_status base_load(element *out, const uint8_t *b, int i,
                             const group *g)
{
    limbs_load(out->limb, b, BASE_LIMBS);
    if (!group_has(out, g))
        return nn_fail(CKKS_EFORMAT, "base transfers: element %d of the other "
                       "side is not in the group", i);
    return CKKS_OK;
}

/* A of each side to the other. */
static ckks_status base_offer(base *s, element *theirs, blind_wire *w)
{
    element four = { { 4 } }, mine;
    ckks_status st;

    group_pow(&mine, &four, &s->a, &s->g);
    limbs_store(s->mine, mine.limb, BASE_LIMBS);
    st = blind_wire_send(w, BLIND_BASE, s->mine, sizeof s->mine);
    if (st == CKKS_OK)
        st = blind_wire_receive(w, BLIND_BASE, s->theirs, sizeof s->theirs);
    return st == CKKS_OK ? base_load(theirs, s->theirs, 0, &s->g) : st;
}

/* B_i of all choices and the keys that they give.  Both B are computed, the
 * choice takes one by a mask. */
static void base_choose(base *s, blind_block got[BLIND_BASE_COUNT],
                        const element *theirs, blind_block choice)
{
    element four = { { 4 } }, x, y;

    for (uint32_t i = 0; i < BLIND_BASE_COUNT; i++) {
        mp_limb_t mask = (mp_limb_t)cki_mask(choice.w[i / 64] >> i % 64 & 1);

        group_pow(&x, &four, &s->b[i], &s->g);
        group_mul(&y, &x, theirs, &s->g);
        for (size_t k = 0; k < BASE_LIMBS; k++)
            x.limb[k] ^= (x.limb[k] ^ y.limb[k]) & mask;
        limbs_store(s->chosen[i], x.limb, BASE_LIMBS);
        group_pow(&x, theirs, &s->b[i], &s->g);
        got[i] = hashed_key(&s->h, i, s->chosen[i], &x);
    }
    cki_wipe(&x, sizeof x);
    cki_wipe(&y, sizeof y);
}

/* Both keys of all that the other side asked for: of B_i^a and B_i^a / A^a. */
static ckks_status base_answer(base *s, blind_pair pair[BLIND_BASE_COUNT])
{
    element x, y, inverse;
    ckks_status st = CKKS_OK;

    limbs_load(x.limb, s->mine, BASE_LIMBS);
    group_invert(&y, &x, &s->g);
    group_pow(&inverse, &y, &s->a, &s->g);
    for (uint32_t i = 0; i < BLIND_BASE_COUNT && st == CKKS_OK; i++) {
        st = base_load(&y, s->asked[i], (int)i, &s->g);
        if (st != CKKS_OK)
            break;
        group_pow(&x, &y, &s->a, &s->g);
        pair[i].key[0] = hashed_key(&s->h, i, s->asked[i], &x);
        group_mul(&y, &x, &inverse, &s->g);
        pair[i].key[1] = hashed_key(&s->h, i, s->asked[i], &y);
    }
    cki_wipe(&x, sizeof x);
    cki_wipe(&y, sizeof y);
    cki_wipe(&inverse, sizeof inverse);
    return st;
}

static ckks_status base_run(base *s, blind_pair pair[BLIND_BASE_COUNT],
                            blind_block got[BLIND_BASE_COUNT],
                            blind_block choice,
                            const uint8_t session[BLIND_SESSION], bool server,
                            blind_wire *w)
{
    element theirs;
    ckks_status st = base_offer(s, &theirs, w);

    if (st != CKKS_OK)
        return st;
    hashed_begin(&s->h, session, !server, s->theirs);
    base_choose(s, got, &theirs, choice);
    st = blind_wire_send(w, BLIND_BASE, s->chosen, sizeof s->chosen);
    if (st == CKKS_OK)
        st = blind_wire_receive(w, BLIND_BASE, s->asked, sizeof s->asked);
    if (st != CKKS_OK)
        return st;
    hashed_begin(&s->h, session, server, s->mine);
    return base_answer(s, pair);
}

ckks_status blind_base(blind_pair pair[BLIND_BASE_COUNT],
                       blind_block got[BLIND_BASE_COUNT], blind_block choice,
                       const uint8_t session[BLIND_SESSION], bool server,
                       ckks_rng *rng, blind_wire *w)
{
    base *s = calloc(1, sizeof *s);
    ckks_status st;

    if (s == NULL || !group_open(&s->g)) {
        free(s);
        return nn_fail(CKKS_EMEM, "no memory for base transfers");
    }
    st = base_draw(s, rng);
    if (st == CKKS_OK)
        st = base_run(s, pair, got, choice, session, server, w);
    group_close(&s->g);
    cki_wipe(s, sizeof *s);
    free(s);
    return st;
}
