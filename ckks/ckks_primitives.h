/* ckks_primitives.h -- single steps of the scheme, on the caller's words: for
 * teaching, for what is built on top, and for checking one library against
 * another (docs/conventions.md, vectors/).  The rules of ckks.h hold.
 *
 * Primes are numbered: ciphertext primes from 0, special ones behind them.
 */
#ifndef CKKS_PRIMITIVES_H
#define CKKS_PRIMITIVES_H

#include "ckks.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the alternating product ------------------------------------------- */

/* Slot j of out = slot j of a times sqrt(2) for even j, -sqrt(2) for odd j,
 * exactly: the product with X^(N/2) + X^(-N/2) of the real ring.  With integers
 * p and q, p a + q out has the factor p + q sqrt(2) in even slots and p - q
 * sqrt(2) in odd ones, so two factors of any size up to rounding, at no cost of
 * scale or level.
 *   gives   a's scale and level; coefficients grow by 2 at most
 *   errors  CKKS_EARG    not in the real ring
 *   source  docs/08-rotations.md */
CKKS_CHECKED ckks_status ckks_mul_alternating(ckks_ct *out, const ckks_ct *a);

/* ---- single steps ------------------------------------------------------ */

/* x = N words below the prime: coefficients a_i become the values
 * x[i] = a(psi^(2 br(i) + 1)), and back; psi^(4 br(i) + 1) in the real ring.
 *   cost    1 NTT and a pass that checks the words
 *   errors  CKKS_EARG   no such prime, a word that is not below it */
CKKS_CHECKED ckks_status ckks_ntt(uint64_t *x, const ckks_ctx *ctx,
                                  int prime);
CKKS_CHECKED ckks_status ckks_ntt_inverse(uint64_t *x, const ckks_ctx *ctx,
                                          int prime);

/* g = generator^step mod 2N (real ring: 4N): a rotation by step to the left is
 * X -> X^g.
 * 0 without a context. */
uint64_t ckks_galois(const ckks_ctx *ctx, int step);

/* out = a(X^galois) of a(X), both N words in the order of ckks_ntt.
 *   cost    a permutation
 *   errors  CKKS_EARG   galois even or >= 2N, in the real ring not 1 mod 4 or
 *                       >= 4N; else as ckks_ntt */
CKKS_CHECKED ckks_status ckks_automorphism(uint64_t *out, const uint64_t *x,
                                           const ckks_ctx *ctx, int prime,
                                           uint64_t galois);

enum { CKKS_SOURCE_SPECIAL = -1 };

/* In the three functions below K is ckks_ctx_special_at(ctx, level), and P the
 * product of the first K special primes.
 *
 * Base conversion of N coefficients from the primes of digit `source` at this
 * level, or from the special primes, to all others of Q_level P.
 *
 *   needs   x: shape (primes of the source, N), coefficient form
 *   gives   out: shape (level+1+K, N), coefficient form; limbs of the source
 *           are those of x.  Digits are centred unless the context has
 *           uncentred digits, the special primes always
 *   cost    (primes of the source) multiply-adds a word
 *   errors  CKKS_EARG    no such digit, a word that is not below its prime
 *           CKKS_ELEVEL  level outside 0..top
 *           CKKS_EPARAM  no special primes */
CKKS_CHECKED ckks_status ckks_convert(uint64_t *out, const uint64_t *x,
                                      const ckks_ctx *ctx, int level,
                                      int source);

/* out = x divided by P, or by P q_level at once, rounded as docs/03-rns.md
 * has it; NTT form.
 *
 *   needs   x: shape (level+1+K, N)
 *   gives   out: shape (level+1, N), rescale: (level, N); it may be x
 *   cost    K (+1) + level+1 NTT
 *   errors  CKKS_EARG    a word that is not below its prime
 *           CKKS_ELEVEL  level outside 0..top, or 0 with rescale
 *           CKKS_EPARAM  no special primes */
CKKS_CHECKED ckks_status ckks_mod_down(uint64_t *out, const uint64_t *x,
                                       const ckks_ctx *ctx, int level,
                                       int rescale);

/* Mod-up of a polynomial and the inner products of its digits with a key:
 * what stands between x and ckks_mod_down.  Where K is not all special primes,
 * of x divided by the others modulo Q_level.
 *
 *   needs   x: shape (level+1, N), NTT form
 *   gives   out: shape (2, level+1+K, N), NTT form
 *   cost    as ckks_relin without the division
 *   errors  CKKS_EARG    unknown kind, a word that is not below its prime
 *           CKKS_ELEVEL  level outside 0..top
 *           CKKS_EKEY    no such key, or for a lower level only */
CKKS_CHECKED ckks_status ckks_key_product(uint64_t *out, const uint64_t *x,
                                          int level, const ckks_keys *keys,
                                          ckks_key_kind kind, int step);

/* Bytes of stream(seed; a, b) from its beginning, and what the samplers make
 * of them; seed: CKKS_SEED_BYTES bytes.  Limb t of what a seed stands for is
 * ckks_sample_uniform of part a, b = t.
 *   errors  CKKS_EARG   p outside 2..2^61 - 1 */
CKKS_CHECKED ckks_status ckks_stream(uint8_t *out, size_t size,
                                     const uint8_t *seed, uint64_t a,
                                     uint64_t b);
CKKS_CHECKED ckks_status ckks_sample_uniform(uint64_t *out, size_t n,
                                             uint64_t p, const uint8_t *seed,
                                             uint64_t a, uint64_t b);
CKKS_CHECKED ckks_status ckks_sample_ternary(int8_t *out, size_t n,
                                             const uint8_t *seed, uint64_t a,
                                             uint64_t b);
CKKS_CHECKED ckks_status ckks_sample_error(int8_t *out, size_t n,
                                           const uint8_t *seed, uint64_t a,
                                           uint64_t b);

/* out = the polynomial with the N coefficients c: an encoding whose
 * coefficients are known.
 *   gives   level, scale
 *   cost    level+1 NTT
 *   errors  CKKS_ELEVEL  level outside 0..top
 *           CKKS_ESCALE  as ckks_encode, without 2^120 */
CKKS_CHECKED ckks_status ckks_encode_integers(ckks_pt *out,
                                              const ckks_ctx *ctx,
                                              const int64_t *c, int level,
                                              double scale);

/* ---- words of another library ----------------------------------------- *
 * docs/interop.md says how to have them from SEAL, OpenFHE and Lattigo.  The way
 * back is to read ckks_ct.limb and ckks_pt.limb.
 */

/* out = a copy of x, NTT form in the order of ckks_ntt.
 *
 *   needs   x: shape (level+1, N) and (degree+1, level+1, N); degree 1 or 2
 *   gives   level, scale, degree
 *   cost    a pass over the words
 *   errors  CKKS_EARG    a degree, a word that is not below its prime
 *           CKKS_ELEVEL  level outside 0..top
 *           CKKS_ESCALE  scale not finite or < 1, or 2 * scale not below
 *                        Q_level
 *   leaks   that words were refused, and the first of them */
CKKS_CHECKED ckks_status ckks_pt_from_words(ckks_pt *out, const ckks_ctx *ctx,
                                            const uint64_t *x, int level,
                                            double scale);
CKKS_CHECKED ckks_status ckks_ct_from_words(ckks_ct *out, const ckks_ctx *ctx,
                                            const uint64_t *x, int degree,
                                            int level, double scale);

/* The secret key of N coefficients -1, 0, 1, and those of a key.  The array is
 * the key: the caller wipes it.
 *   cost    level+1+K NTT, all primes; the other way none
 *   errors  CKKS_EARG    a coefficient that is none of -1, 0, 1 (it is not said
 *                        which: time depends on N alone) */
CKKS_CHECKED ckks_status ckks_sk_from_coefficients(ckks_sk **out,
                                                   const ckks_ctx *ctx,
                                                   const int8_t *c);
CKKS_CHECKED ckks_status ckks_sk_coefficients(int8_t *out, const ckks_sk *sk);

#ifdef __cplusplus
}
#endif
#endif
