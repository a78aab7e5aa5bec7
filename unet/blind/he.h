/* he.h -- the keys of ring-LWE of a session, and numbers made of residues. */
#ifndef BLIND_HE_H
#define BLIND_HE_H

#include "ring.h"

enum {
    BLIND_SCALE = 18,           /* log2 of a unit in a ciphertext: noise stays
                                   below it                                  */
    BLIND_HEADROOM = 40,        /* bits: a share is lifted wrongly with odds
                                   of 2^-40 at most                          */
    BLIND_CONV_BITS = 49, BLIND_SQUARE_LIMBS = 4, BLIND_SQUARE_BITS = 42,
    BLIND_PLAIN_BITS = 40, BLIND_SQUARE_LOG_N = 13
};

struct blind_he {
    blind_ring conv, square;    /* square: n = 0 where there are no squares  */
    void *room;                 /* the server: of convolutions               */
    size_t room_size;
};

/* size bytes for the polynomials of a convolution, which the next one will use
 * again and blind_he_close wipes: memory that nobody touched before costs more
 * than what is done with it.  NULL: no memory. */
void *blind_he_room(blind_he *h, size_t size);

/* The ring of convolutions: n = 2^12 and two primes, beyond 20 bits 2^13 and
 * three. */
static inline int blind_conv_log_n(int bits)
{
    return bits <= 20 ? 12 : 13;
}
static inline int blind_conv_limbs(int bits)
{
    return bits <= 20 ? 2 : 3;
}

/* Two or three residues as one number z in [0, q), q their primes' product, and
 * floor(z / 2^shift) mod 2^128; 1 <= shift < 64.
 *   z = v_0 + p_0 (v_1 + p_1 v_2),  v_1 = (r_1 - v_0) / p_0 mod p_1,
 *   v_2 = ((r_2 - v_0) / p_0 - v_1) / p_1 mod p_2.
 * Constant time.  The primes have one size, so any residue is below twice any
 * prime. */
typedef struct blind_lift {
    const cki_mod *mod;
    int limbs, shift;
    uint64_t inv01, inv02, inv12;       /* 1 / p_i mod p_j                   */
    cki_u128 p01;
} blind_lift;

void blind_lift_init(blind_lift *l, const blind_ring *r, int shift);
blind_share blind_lift_one(const uint64_t *residue, const blind_lift *l);

/* A share as a signed number mod p. */
static inline uint64_t blind_share_mod(blind_share x, uint64_t two128,
                                       const cki_mod *m)
{
    uint64_t high = (uint64_t)(x >> 64);
    uint64_t r = cki_reduce_any(high, (uint64_t)x, m);

    return cki_sub(r, two128 & cki_mask(high >> 63), m->p);
}
/* 2^128 mod p */
static inline uint64_t blind_two128(const cki_mod *m)
{
    return cki_mul(m->two64, m->two64, m);
}

#endif
