/* blake2_rounds.h -- the rounds of BLAKE2b as macros, for words and
 * for vectors of words.
 *
 * Read first: [RFC7693], sections 2.7 and 3.1.  Who includes this defines, for
 * the type of its words,
 *
 *   BLAKE2B_ADD(a, b)      the sum modulo 2^64
 *   BLAKE2B_XROT(a, b, r)  (a xor b) rotated to the right by r, one of
 *                          32, 24, 16, 63
 *   BLAKE2B_MIX(a, b, s)   the sum of a, message word s and b; b comes last,
 *                          it is what a round waits for
 *
 * and has the sixteen words of the state in an array v.  Macros, so that all
 * indices are constants before any optimisation and v stays in registers; with
 * functions the hash was half as fast.
 */
#ifndef CKI_BLAKE2_ROUNDS_H
#define CKI_BLAKE2_ROUNDS_H

/* The mixing function of section 3.1 with message words s and t.  Vectors want
 * it finished before the next begins: then a few registers are enough and what
 * goes through memory is not on the longest path; the processor finds the four
 * that do not depend on each other by itself. */
#define BLAKE2B_G(a, b, c, d, s, t)                                         \
    do {                                                                    \
        v[a] = BLAKE2B_MIX(v[a], v[b], s);                                  \
        v[d] = BLAKE2B_XROT(v[d], v[a], 32);                                \
        v[c] = BLAKE2B_ADD(v[c], v[d]);                                     \
        v[b] = BLAKE2B_XROT(v[b], v[c], 24);                                \
        v[a] = BLAKE2B_MIX(v[a], v[b], t);                                  \
        v[d] = BLAKE2B_XROT(v[d], v[a], 16);                                \
        v[c] = BLAKE2B_ADD(v[c], v[d]);                                     \
        v[b] = BLAKE2B_XROT(v[b], v[c], 63);                                \
    } while (0)

/* One round: the columns of v, then its diagonals, with the message words in
 * the order s0..s15 of the round. */
#define BLAKE2B_ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11,     \
                      s12, s13, s14, s15)                                   \
    do {                                                                    \
        BLAKE2B_G(0, 4, 8, 12, s0, s1);                                     \
        BLAKE2B_G(1, 5, 9, 13, s2, s3);                                     \
        BLAKE2B_G(2, 6, 10, 14, s4, s5);                                    \
        BLAKE2B_G(3, 7, 11, 15, s6, s7);                                    \
        BLAKE2B_G(0, 5, 10, 15, s8, s9);                                    \
        BLAKE2B_G(1, 6, 11, 12, s10, s11);                                  \
        BLAKE2B_G(2, 7, 8, 13, s12, s13);                                   \
        BLAKE2B_G(3, 4, 9, 14, s14, s15);                                   \
    } while (0)

/* All twelve, with the orders of section 2.7. */
#define BLAKE2B_ROUNDS()                                                    \
    do {                                                                    \
        BLAKE2B_ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);\
        BLAKE2B_ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);\
        BLAKE2B_ROUND(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4);\
        BLAKE2B_ROUND(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8);\
        BLAKE2B_ROUND(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13);\
        BLAKE2B_ROUND(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9);\
        BLAKE2B_ROUND(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11);\
        BLAKE2B_ROUND(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10);\
        BLAKE2B_ROUND(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5);\
        BLAKE2B_ROUND(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0);\
        BLAKE2B_ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);\
        BLAKE2B_ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);\
    } while (0)

#endif
