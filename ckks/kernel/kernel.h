/* kernel.h -- the inner loops, behind one struct of functions.
 *
 * Read first: docs/02-ntt.md, docs/10-kernels.md.
 *
 * One rule makes all kernels agree to the bit: every word that crosses a
 * function below lies in [0, p), in and out.  A residue has one representative
 * there, so two kernels that are right are equal.  Slack lives inside, and
 * where one function's result is for one other of the same kernel alone ("in a
 * form of the kernel's own").
 *
 * Arrays have n words, any n > 0; an output may be the same array as an input
 * unless said, and never overlaps one in part.
 */
#ifndef CKI_KERNEL_H
#define CKI_KERNEL_H

#include "base/base.h"
#include "base/packed.h"
#include "base/word.h"

/* Tables of one NTT.  own points to what the kernel's prepare laid out. */
typedef struct cki_ntt {
    cki_mod mod;
    size_t  n;
    int     log_n;
    bool real;                  /* of the real ring                          */
    uint64_t n_inv;             /* 1/N; real: 1/2N                           */
    uint64_t n_inv_v;           /* inverse[1] times that: the last layer's of
                                   an inverse                                */
    uint64_t fold, unfold;      /* real: -I and I = psi^N, else 0            */
    void   *own;
    size_t  own_size;
} cki_ntt;

/* Base conversion from `len` primes with product D to others.
 *   y_i = x_i inv_i mod q_i
 *   v   = floor(sum over ascending i of RN(y_i) * frac_i + 1/2)   (centred)
 *   v   = floor(sum ...)                                          (uncentred)
 *   out_t = sum_i y_i hat_ti - v D  mod p_t
 * The sum is of doubles, each product and each addition rounded once.  With
 * one prime the centred v is 1 if y > (q - 1)/2, else 0, the uncentred 0. */
typedef struct cki_conv {
    int len;
    int src[CKKS_MAX_SPECIAL + CKKS_MAX_PRIMES];    /* prime numbers         */
    const cki_mod *mod;         /* the context's primes                      */
    uint64_t *inv;              /* shape (len): (D/q_i)^-1 mod q_i           */
    double   *frac;             /* shape (len): RN(1/q_i)                    */
    uint64_t *hat;              /* shape (all, len): D/q_i mod p_t           */
    uint64_t *prod;             /* shape (all): D mod p_t                    */
    size_t    size;             /* bytes of the one allocation               */
} cki_conv;

/* A limb that is added: x[perm[i]], or x[i] if perm is NULL. */
typedef struct cki_summand {
    const uint64_t *x;
    const uint32_t *perm;
} cki_summand;

/* A permutation out[i] = in[perm[i]] and its inverse, perm[back[i]] = i, both
 * automorphisms in NTT order (permute).  Where only part of `in` is at hand,
 * back begins there; perm is of the whole. */
typedef struct cki_turn {
    const uint32_t *perm, *back;
} cki_turn;

/* The end of a division of one limb: w (in - z) + u (sum of the summands), with
 * w, u < p. */
typedef struct cki_ending {
    const uint64_t *in;
    const cki_summand *s;
    size_t summands;
    uint64_t w, u;
} cki_ending;

/* Words of a block that a transform ends on its own (ntt_tail): what fits the
 * first-level cache. */
enum { CKI_BLOCK = 4096 };

static inline size_t cki_block(size_t n)
{
    return n < CKI_BLOCK ? n : CKI_BLOCK;
}

/* Packed words (packed.h) modulo a transform's prime, of which the next
 * cki_block(n) will be read: its tail asks for them while it computes, at its
 * own pace, so that the memory's time is not added to its own.  A hint: nothing
 * is read. */
enum { CKI_SOON = 4 };

typedef struct cki_soon {
    const uint8_t *x[CKI_SOON];         /* or NULL                           */
} cki_soon;

/* Terms of a sum of products whose one factor a tail left in a form of the
 * kernel's own. */
enum { CKI_LAZY_TERMS = 7 };

/* Blocks of 64 bytes that every kernel can make side by side. */
enum { CKI_EXPAND = 16 };

/* Rows that `weigh` does together. */
enum { CKI_ROWS = 8 };

typedef struct cki_kernel {
    const char *name;
    int  max_bits;                      /* primes below 2^max_bits           */
    bool (*usable)(void);               /* on this machine                   */

    /* Table for N = 2^log_n (log_n >= 2): bytes, and filling from the twiddles
     * of cki_ntt_init and their inverses, i < N. */
    size_t (*ntt_bytes)(size_t n);
    void (*ntt_prepare)(cki_ntt *t, const uint64_t *root,
                        const uint64_t *inverse);

    /* x[i] <- a(psi^(f br(i) + 1)), a the polynomial with coefficients x, f =
     * 2; real: with a_0 + sum of a_i (X^i + X^-i), f = 4. */
    void (*ntt_fwd)(uint64_t *x, const cki_ntt *t);
    /* w times the inverse of in, 1/N included; w < p. */
    void (*ntt_inv)(uint64_t *out, const uint64_t *in, uint64_t w,
                    const cki_ntt *t);
    /* ntt_fwd in two halves: the first layers, then block after block of
     * cki_block words, at: where it begins; a block is done when its call is.
     * In between x is in a form of the kernel's own; before, too, if the head
     * is lazy, as convert_end left it; behind, too, if the tail is, for dot2
     * alone, as the x of sums of at most CKI_LAZY_TERMS products.  What the
     * tail finds time to ask the memory for, see cki_soon. */
    void (*ntt_head)(uint64_t *x, const cki_ntt *t, bool lazy);
    void (*ntt_tail)(uint64_t *x, size_t at, const cki_ntt *t, bool lazy,
                     const cki_soon *soon);
    /* out = this ending for the NTT of what ntt_head left in z, which is
     * spoiled.  out may be q->in; it is no other input. */
    void (*ntt_finish)(uint64_t *out, uint64_t *z, const cki_ending *q,
                       const cki_ntt *t);

    void (*add)(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n,
                const cki_mod *m);
    void (*sub)(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n,
                const cki_mod *m);
    void (*mul)(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n,
                const cki_mod *m);
    /* out = a b + c */
    void (*mul_add)(uint64_t *out, const uint64_t *a, const uint64_t *b,
                    const uint64_t *c, size_t n, const cki_mod *m);
    /* out0, out1, out2 = a0^2, 2 a0 a1, a1^2, added to what they hold if add;
     * no out is an a */
    void (*square)(uint64_t *out0, uint64_t *out1, uint64_t *out2,
                   const uint64_t *a0, const uint64_t *a1, bool add, size_t n,
                   const cki_mod *m);
    /* out = w a + c, w < p a constant; c may be NULL */
    void (*scale_add)(uint64_t *out, const uint64_t *a, uint64_t w,
                      const uint64_t *c, size_t n, const cki_mod *m);
    /* s0[i] = sum_j x[j][i] y0[j][i], s1 with y1, 1 <= k <= 64 terms, i < n,
     * the words of y packed (packed.h); out0[turn->back[i]] = s0[i], so that
     * out0 is s0 permuted; turn NULL: out0 is s0.  If add is true the sums are
     * added to what out0, out1 hold.  No out is an x unless turn is NULL. */
    void (*dot2)(uint64_t *out0, uint64_t *out1, const uint64_t *const *x,
                 const cki_turn *turn, const uint8_t *const *y0,
                 const uint8_t *const *y1, int k, bool add, size_t n,
                 const cki_mod *m);
    /* out[i] = in[perm[i]].  perm is an automorphism in NTT order, so it maps
     * aligned groups of four, and of eight where n >= 8, to such (rns.h).  n a
     * multiple of 4; out is not in. */
    void (*permute)(uint64_t *out, const uint64_t *in, const uint32_t *perm,
                    size_t n);
    /* Base conversion in two halves.  First v, from the y_i, which pass into a
     * form of the kernel's own, as v is.  Then limbs modulo the primes numbered
     * target[t], words or, if lazy, in a form that this kernel's ntt_head takes
     * and nothing else; no out is a y, nor v. */
    void (*convert_begin)(uint64_t *const *y, uint64_t *v, const cki_conv *c,
                          bool centred, size_t n);
    void (*convert_end)(uint64_t *const *out, const int *target,
                        int num_targets, const uint64_t *const *y,
                        const uint64_t *v, const cki_conv *c, bool lazy,
                        size_t n);
    /* out[first + r] = sum_k weight[r terms + k] in[index[k]] for each block;
     * row sums of |weight| < 2^28.  No out is an in.
     * work: combine_work(...) bytes, 64-byte aligned. */
    void (*combine)(uint64_t *const *out, const uint64_t *const *in,
                    size_t n_in, const ckks_block *block, size_t n_blocks,
                    size_t n, const cki_mod *m, void *work);
    size_t (*combine_work)(size_t n_in, const ckks_block *block,
                           size_t n_blocks);
    /* The words of in packed (packed.h), each below 2^(8 bytes); out has room
     * for CKI_BEYOND bytes behind them, which are spoiled.  out is not in. */
    void (*pack)(uint8_t *out, const uint64_t *in, size_t n, size_t bytes);
    /* out = in where in <= bound, elsewhere in + shift mod 2^64.  With bound
     * 2^63 - 1 and shift p: integers of (-p, p), as words, modulo p. */
    void (*lift)(uint64_t *out, const uint64_t *in, uint64_t bound,
                 uint64_t shift, size_t n);
    /* out = in mod p; in of (-p, p) */
    void (*from_small)(uint64_t *out, const int8_t *in, size_t n,
                       const cki_mod *m);
    /* Of count words, the lowest byte first, & mask those below p, in their
     * order; gives how many.  out has room for count.  The time may say which
     * were kept. */
    size_t (*sift)(uint64_t *out, const uint8_t *in, size_t count,
                   uint64_t mask, uint64_t p);
    /* out[r][i] = sum_k weight[8 k + r] in[k][i], r < rows <= 8, k < terms,
     * i < n; weights are words.  No out is an in. */
    void (*weigh)(uint64_t *const *out, size_t rows, const uint64_t *const *in,
                  const uint64_t *weight, size_t terms, size_t n,
                  const cki_mod *m);
    /* out: output blocks node, node + 1, ... (mod 2^32) of BLAKE2Xb from the
     * 64 bytes of root, 64 bytes each (blake2.h); count a multiple of
     * CKI_EXPAND.  In time that depends on count alone. */
    void (*expand)(uint8_t *out, const uint8_t *root, uint32_t node,
                   size_t count);
} cki_kernel;

extern const cki_kernel cki_kernel_portable;
#ifdef CKI_HAVE_AVX2
extern const cki_kernel cki_kernel_avx2;
#endif
#ifdef CKI_HAVE_FMA2
extern const cki_kernel cki_kernel_fma2;
#endif
#ifdef CKI_HAVE_AVX512IFMA
extern const cki_kernel cki_kernel_avx512ifma;
#endif

/* All kernels of this build, best first, NULL at the end. */
extern const cki_kernel *const cki_kernels[];

/* The first kernel that is usable, takes primes of max_bits and passes its
 * known-answer check; forced to the one of this name if name is not NULL.
 *   errors  CKKS_EPARAM */
CKKS_CHECKED ckks_status cki_kernel_choose(const cki_kernel **out,
                                           const char *name, int max_bits,
                                           const ckks_memory *m);

/* Runs every function of a kernel on small inputs with answers computed from
 * the definitions (N = 256, transforms also 128; 2 ms).  false: do not use
 * it. */
CKKS_CHECKED ckks_status cki_kernel_check(bool *ok, const cki_kernel *k,
                                          const ckks_memory *m);

/* Makes and fills a table; t->own is one allocation.  psi is a primitive root
 * of unity of this order, 2N, or 4N for the real ring.  Layer l of the
 * transform, 2^l = m, takes polynomials modulo X^(N/m) - y^2 to X^(N/2m) - y
 * and X^(N/2m) + y, from X^N - psi^N on: number k of the layer has the twiddle
 *   root[m + k] = y = psi^((f br_l(k) + 1) N/2m),  f = order / N.
 *
 * The real ring has one layer more, before the others.  Modulo X^N - I, I =
 * psi^N, X^-i is -I X^(N-i), so a_0 + sum of a_i (X^i + X^-i) becomes b with
 * b_0 = a_0 and b_j = a_j - I a_(N-j).  The values at the roots of X^N - I are
 * all there are: those at its inverses are the same.  Made of one product for
 * two words, that is
 *   0 < k < N/4:   b_k = a_k - I a_(N-k)       b'_(N-k) = a_k + I a_(N-k)
 *   N/4 < k < N/2: b_(N-k) = a_(N-k) - I a_k   b'_k     = a_(N-k) + I a_k
 * with b' in place of b = -I b'; b'_k = I b_k at N/4 and 3N/4, too, so at k in
 * the second and the fourth quarter: these are what root[2] and root[3]
 * multiply, and -I is put into them.  b_(N/2) = a_(N/2) - I a_(N/2).
 * For j in 0..N/4 the four words u, p, q, v at j, N/2 + j, N/2 - j, N - j (v is
 * 0 for j = 0) become
 *   u - I v,  p - I q,  p + I q,  u + I v,
 * and stay together in the next layer; the first two of them are b for j < N/4,
 * the last two b' for j > 0. */
CKKS_CHECKED ckks_status cki_ntt_init(cki_ntt **out, const cki_kernel *k,
                                      const cki_mod *mod, uint64_t psi,
                                      int log_n, size_t order,
                                      const ckks_memory *m);
void cki_ntt_clear(cki_ntt **t, const ckks_memory *m);

#endif
