/* group.c -- group.h, by GMP's functions for secret numbers: none of them has
 * a branch or an address that depends on more than sizes. */
#include "blind/group.h"

#include <gmp.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/bytes.h"

enum {
    GROUP_BITS = 8 * BLIND_ELEMENT,
    GROUP_LIMBS = GROUP_BITS / GMP_LIMB_BITS,
    GROUP_LIMB = GMP_LIMB_BITS / 8,     /* bytes                             */
    GROUP_WINDOW = 4,                   /* bits of an exponent at once       */
    GROUP_DIGITS = 1 << GROUP_WINDOW,
    GROUP_WINDOWS = 8 * BLIND_EXPONENT / GROUP_WINDOW
};

typedef struct element {
    mp_limb_t limb[GROUP_LIMBS];
} element;

typedef struct exponent {
    mp_limb_t limb[BLIND_EXPONENT / GROUP_LIMB];
} exponent;

/* The prime and scratch memory, enough for each call of GMP. */
struct blind_group {
    element p;
    element r2;                 /* R^2 mod p, R = 2^3072                     */
    element one;                /* R mod p                                   */
    size_t limbs;
    mp_limb_t *scratch;
};

/* power[j][d] = base^(d 16^j) R mod p */
struct blind_powers {
    element power[GROUP_WINDOWS][GROUP_DIGITS];
};

/* 2^3072 - 2^3008 - 1 + 2^64 (floor(2^2942 pi) + 1690314), RFC 3526 section 4,
 * lowest word first. */
static const uint64_t group_prime[GROUP_BITS / 64] = {
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

/* ---- limbs --------------------------------------------------------------- */

static void limbs_load(mp_limb_t *l, const uint8_t *b, size_t limbs)
{
    for (size_t i = 0; i < limbs; i++) {
        l[i] = 0;
        for (int k = GROUP_LIMB - 1; k >= 0; k--)
            l[i] = (mp_limb_t)(l[i] << 8 | b[(size_t)k + GROUP_LIMB * i]);
    }
}

static void limbs_store(uint8_t *b, const element *x)
{
    for (size_t i = 0; i < GROUP_LIMBS; i++)
        for (size_t k = 0; k < GROUP_LIMB; k++)
            b[k + GROUP_LIMB * i] = (uint8_t)(x->limb[i] >> 8 * k);
}

static void element_mul(element *out, const element *a, const element *b,
                        blind_group *g)
{
    mp_limb_t product[2 * GROUP_LIMBS];

    mpn_sec_mul(product, a->limb, GROUP_LIMBS, b->limb, GROUP_LIMBS,
                g->scratch);
    mpn_sec_div_r(product, 2 * GROUP_LIMBS, g->p.limb, GROUP_LIMBS,
                  g->scratch);
    memcpy(out->limb, product, sizeof *out);
    cki_wipe(product, sizeof product);
}

/* ---- opening ------------------------------------------------------------- */

static size_t larger(size_t a, mp_size_t b)
{
    return a > (size_t)b ? a : (size_t)b;
}

static size_t group_scratch(void)
{
    size_t limbs = larger(0, mpn_sec_powm_itch(GROUP_LIMBS, 8 * BLIND_EXPONENT,
                                               GROUP_LIMBS));

    limbs = larger(limbs, mpn_sec_mul_itch(GROUP_LIMBS, GROUP_LIMBS));
    return larger(limbs, mpn_sec_div_r_itch(2 * GROUP_LIMBS, GROUP_LIMBS));
}

blind_group *blind_group_open(void)
{
    blind_group *g = calloc(1, sizeof *g);
    uint8_t b[BLIND_ELEMENT];
    const element zero = { { 0 } };

    if (g == NULL)
        return NULL;
    g->limbs = group_scratch();
    g->scratch = malloc(g->limbs * sizeof *g->scratch);
    if (g->scratch == NULL) {
        free(g);
        return NULL;
    }
    for (size_t i = 0; i < GROUP_BITS / 64; i++)
        cki_store64(b + 8 * i, group_prime[i]);
    limbs_load(g->p.limb, b, GROUP_LIMBS);
    /* R - p, which is below p. */
    mpn_sub_n(g->one.limb, zero.limb, g->p.limb, GROUP_LIMBS);
    element_mul(&g->r2, &g->one, &g->one, g);
    return g;
}

void blind_group_close(blind_group *g)
{
    if (g == NULL)
        return;
    cki_wipe(g->scratch, g->limbs * sizeof *g->scratch);
    free(g->scratch);
    free(g);
}

/* ---- single operations --------------------------------------------------- */

/* p = 3 mod 4, so -1 is no square; p - 1 and 1 are the elements whose order is
 * not at least q, since p - 1 = 2q.  A square other than 1 has order q. */
bool blind_group_has(const uint8_t x[BLIND_ELEMENT], const blind_group *g)
{
    const element one = { { 1 } };
    element e;
    mpz_t a, p;

    limbs_load(e.limb, x, GROUP_LIMBS);
    return mpn_cmp(e.limb, g->p.limb, GROUP_LIMBS) < 0
           && mpn_cmp(e.limb, one.limb, GROUP_LIMBS) > 0
           && mpz_jacobi(mpz_roinit_n(a, e.limb, GROUP_LIMBS),
                         mpz_roinit_n(p, g->p.limb, GROUP_LIMBS)) == 1;
}

void blind_group_pow(uint8_t out[BLIND_ELEMENT],
                     const uint8_t base[BLIND_ELEMENT],
                     const uint8_t e[BLIND_EXPONENT], blind_group *g)
{
    element x, b;
    exponent n;

    limbs_load(b.limb, base, GROUP_LIMBS);
    limbs_load(n.limb, e, BLIND_EXPONENT / GROUP_LIMB);
    mpn_sec_powm(x.limb, b.limb, GROUP_LIMBS, n.limb, 8 * BLIND_EXPONENT,
                 g->p.limb, GROUP_LIMBS, g->scratch);
    limbs_store(out, &x);
    cki_wipe(&x, sizeof x);
    cki_wipe(&n, sizeof n);
}

void blind_group_mul(uint8_t out[BLIND_ELEMENT],
                     const uint8_t a[BLIND_ELEMENT],
                     const uint8_t b[BLIND_ELEMENT], blind_group *g)
{
    element x, y;

    limbs_load(x.limb, a, GROUP_LIMBS);
    limbs_load(y.limb, b, GROUP_LIMBS);
    element_mul(&x, &x, &y, g);
    limbs_store(out, &x);
    cki_wipe(&x, sizeof x);
    cki_wipe(&y, sizeof y);
}

void blind_group_invert(uint8_t out[BLIND_ELEMENT],
                        const uint8_t x[BLIND_ELEMENT], const blind_group *g)
{
    element e, inverse = { { 0 } };
    mpz_t a, p, r;

    limbs_load(e.limb, x, GROUP_LIMBS);
    mpz_init(r);
    mpz_invert(r, mpz_roinit_n(a, e.limb, GROUP_LIMBS),
               mpz_roinit_n(p, g->p.limb, GROUP_LIMBS));
    memcpy(inverse.limb, mpz_limbs_read(r),
           mpz_size(r) * sizeof *inverse.limb);
    limbs_store(out, &inverse);
    mpz_clear(r);
}

/* ---- many powers of one base --------------------------------------------- */

/* out = a b / R mod p, a, b < p (Montgomery).  p = -1 modulo a limb B, so p
 * times the lowest limb makes that limb 0: of t < p R, after all limbs,
 * (t + m p) / R < 2 p with m < R, from which p is taken once or not at all. */
static void montgomery(element *out, const element *a, const element *b,
                       blind_group *g)
{
    mp_limb_t t[2 * GROUP_LIMBS], high, below;
    element less;

    mpn_sec_mul(t, a->limb, GROUP_LIMBS, b->limb, GROUP_LIMBS, g->scratch);
    for (size_t i = 0; i < GROUP_LIMBS; i++)    /* its carry in its place    */
        t[i] = mpn_addmul_1(t + i, g->p.limb, GROUP_LIMBS, t[i]);
    high = mpn_add_n(out->limb, t + GROUP_LIMBS, t, GROUP_LIMBS);
    below = mpn_sub_n(less.limb, out->limb, g->p.limb, GROUP_LIMBS);
    mpn_cnd_sub_n(high | (below ^ 1), out->limb, out->limb, g->p.limb,
                  GROUP_LIMBS);
    cki_wipe(t, sizeof t);
    cki_wipe(&less, sizeof less);
}

blind_powers *blind_powers_open(const uint8_t base[BLIND_ELEMENT],
                                blind_group *g)
{
    blind_powers *t = malloc(sizeof *t);
    element next;

    if (t == NULL)
        return NULL;
    limbs_load(next.limb, base, GROUP_LIMBS);
    montgomery(&next, &next, &g->r2, g);
    for (size_t j = 0; j < GROUP_WINDOWS; j++) {
        element *power = t->power[j];

        power[0] = g->one;
        power[1] = next;
        for (size_t d = 2; d < GROUP_DIGITS; d++)
            montgomery(&power[d], &power[d - 1], &next, g);
        montgomery(&next, &power[GROUP_DIGITS - 1], &next, g);
    }
    return t;
}

void blind_powers_close(blind_powers *t)
{
    free(t);
}

/* All powers of a window are read to take one. */
static void powers_select(element *out, const blind_powers *t, size_t j,
                          const uint8_t *e)
{
    mp_size_t digit = e[j / 2] >> 4 * (j % 2) & (GROUP_DIGITS - 1);

    mpn_sec_tabselect(out->limb, t->power[j][0].limb, GROUP_LIMBS,
                      GROUP_DIGITS, digit);
}

void blind_powers_pow(uint8_t out[BLIND_ELEMENT], const blind_powers *t,
                      const uint8_t e[BLIND_EXPONENT], blind_group *g)
{
    element x, y;
    const element one = { { 1 } };

    powers_select(&x, t, 0, e);
    for (size_t j = 1; j < GROUP_WINDOWS; j++) {
        powers_select(&y, t, j, e);
        montgomery(&x, &x, &y, g);
    }
    montgomery(&x, &x, &one, g);
    limbs_store(out, &x);
    cki_wipe(&x, sizeof x);
    cki_wipe(&y, sizeof y);
}
