/* sbox.h -- the S-box of AES as a circuit, for 64 bytes side by side.
 *
 * Word b of q holds bit b of every byte.  32 ANDs and 81 sums, no table:
 * Boyar and Peralta, "A depth-16 circuit for the AES S-box" (2011).  The names
 * x, y, t, z, s are theirs, their x_0 and s_0 being the highest bits; t's of
 * the middle part are numbered from t_17.
 */
#ifndef BLIND_SBOX_H
#define BLIND_SBOX_H

#include <stdint.h>

/* The sums y_1 ... y_21 of the input's bits; y_0 = x_7. */
static inline void sbox_top(uint64_t y[22], const uint64_t q[8])
{
    const uint64_t x0 = q[7], x1 = q[6], x2 = q[5], x3 = q[4], x4 = q[3];
    const uint64_t x5 = q[2], x6 = q[1], x7 = q[0], t0 = x1 ^ x2;
    uint64_t t1;

    y[0] = x7;
    y[14] = x3 ^ x5;
    y[13] = x0 ^ x6;
    y[9] = x0 ^ x3;
    y[8] = x0 ^ x5;
    y[1] = t0 ^ x7;
    y[4] = y[1] ^ x3;
    y[12] = y[13] ^ y[14];
    y[2] = y[1] ^ x0;
    y[5] = y[1] ^ x6;
    y[3] = y[5] ^ y[8];
    t1 = x4 ^ y[12];
    y[15] = t1 ^ x5;
    y[20] = t1 ^ x1;
    y[6] = y[15] ^ x7;
    y[10] = y[15] ^ t0;
    y[11] = y[20] ^ y[9];
    y[7] = x7 ^ y[11];
    y[17] = y[10] ^ y[11];
    y[19] = y[10] ^ y[8];
    y[16] = t0 ^ y[11];
    y[21] = y[13] ^ y[16];
    y[18] = x0 ^ y[16];
}

/* Inversion in the field of 16 elements, in the middle of the one of 256. */
static inline void sbox_inverse(uint64_t *t29, uint64_t *t33, uint64_t *t37,
                                uint64_t *t40, const uint64_t y[22])
{
    const uint64_t t2 = y[12] & y[15], t7 = y[13] & y[16];
    const uint64_t t12 = y[9] & y[11];
    const uint64_t t14 = (y[14] & y[17]) ^ t12, t16 = (y[8] & y[10]) ^ t12;
    const uint64_t t21 = (y[3] & y[6]) ^ t2 ^ t14 ^ y[20];
    const uint64_t t22 = (y[4] & y[0]) ^ t2 ^ t16 ^ y[19];
    const uint64_t t23 = (y[5] & y[1]) ^ t7 ^ t14 ^ y[21];
    const uint64_t t24 = (y[2] & y[7]) ^ t7 ^ t16 ^ y[18];
    const uint64_t t25 = t21 ^ t22, t26 = t21 & t23, t27 = t24 ^ t26;
    const uint64_t t36 = t24 & (t27 ^ (((t22 ^ t26) & (t23 ^ t24)) ^ t24));

    *t29 = (t25 & t27) ^ t22;
    *t33 = ((t22 ^ t26) & (t23 ^ t24)) ^ t24;
    *t37 = t36 ^ t23 ^ *t33;
    *t40 = t25 ^ (*t29 & (t27 ^ t36));
}

/* The 18 products from which the output's bits are summed. */
static inline void sbox_products(uint64_t z[18], const uint64_t y[22])
{
    uint64_t t29, t33, t37, t40;

    sbox_inverse(&t29, &t33, &t37, &t40, y);
    z[0] = (t33 ^ t37) & y[15];
    z[1] = t37 & y[6];
    z[2] = t33 & y[0];
    z[3] = (t29 ^ t40) & y[16];
    z[4] = t40 & y[1];
    z[5] = t29 & y[7];
    z[6] = (t29 ^ t33) & y[11];
    z[7] = (t29 ^ t33 ^ t40 ^ t37) & y[17];
    z[8] = (t40 ^ t37) & y[10];
    z[9] = (t33 ^ t37) & y[12];
    z[10] = t37 & y[3];
    z[11] = t33 & y[4];
    z[12] = (t29 ^ t40) & y[13];
    z[13] = t40 & y[5];
    z[14] = t29 & y[2];
    z[15] = (t29 ^ t33) & y[9];
    z[16] = (t29 ^ t33 ^ t40 ^ t37) & y[14];
    z[17] = (t40 ^ t37) & y[8];
}

static inline void sbox(uint64_t q[8])
{
    uint64_t y[22], z[18], t46, t48, t53, t54, t57, t58, t59, t62, t63, t64;
    uint64_t t65, t66;

    sbox_top(y, q);
    sbox_products(z, y);
    t46 = z[15] ^ z[16];
    t48 = z[5] ^ z[13];
    t53 = z[0] ^ z[3];
    t54 = z[6] ^ z[7];
    t57 = z[2] ^ z[12] ^ t53;
    t58 = z[4] ^ t46;
    t59 = z[3] ^ t54;
    t62 = z[7] ^ z[8] ^ t58;
    t63 = z[9] ^ z[10] ^ t58;
    t64 = z[4] ^ t59;
    t65 = z[14] ^ t57 ^ t62;
    t66 = z[1] ^ t63;
    q[7] = t59 ^ t63;
    q[1] = ~(z[12] ^ t48 ^ t62);
    q[0] = ~(t48 ^ t46 ^ t57);
    q[4] = t53 ^ t66;
    q[3] = z[2] ^ z[5] ^ t66;
    q[2] = z[10] ^ z[11] ^ t65;
    q[6] = ~(t64 ^ q[4]);
    q[5] = ~(z[16] ^ z[17] ^ t64 ^ t65);
}

#endif
