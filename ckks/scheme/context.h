/* context.h -- what every operation reads and none writes. */
#ifndef CKI_CONTEXT_H
#define CKI_CONTEXT_H

#include "embed/embed.h"
#include "ring/rns.h"

/* Primes are numbered ciphertext primes first, then special ones:
 * q_i = rns.mod[i], p_j = rns.mod[num_primes + j]. */
struct ckks_ctx {
    cki_rns     rns;            /* primes, NTT tables, kernel, conversions   */
    ckks_memory memory;
    int log_n;
    size_t n;                   /* ring degree N                             */
    bool real;                  /* CKKS_RING_REAL                            */
    size_t slots;               /* N/2, or N real ones                       */
    int num_primes, num_special;
    int dnum, alpha;            /* digits of alpha = ceil(num_primes / dnum) */
    int generator;              /* 5 or 3                                    */
    int security;               /* 128, 192, 256 or CKKS_INSECURE            */
    bool uncentred;
    bool fitted;                /* rns.specials are those a level needs      */
    double log_q[CKKS_MAX_PRIMES];      /* log2 Q_l                          */
    double log_p;                       /* log2 P; 0 without special primes  */
    uint8_t fingerprint[16];
    cki_embed *embed;           /* the encoder's tables                      */
};

static inline size_t cki_all_primes(const ckks_ctx *ctx)
{
    return (size_t)(ctx->num_primes + ctx->num_special);
}

/* How key switching is done, and where, a word: bit 0 uncentred digits, bit 1
 * fitted special primes, bit 2 the real ring. */
static inline uint64_t cki_ctx_flags(const ckks_ctx *ctx)
{
    return (uint64_t)ctx->uncentred + 2 * (uint64_t)ctx->fitted
           + 4 * (uint64_t)ctx->real;
}

/* ---- parameters (params.c) ---------------------------------------------- */

/* Roots of unity that a ring needs modulo each prime: of order 2N or 4N. */
uint64_t cki_root_order(const ckks_params *p);

/* Checks counts and choices; the primes that the entries of both lists stand
 * for, ciphertext primes first.
 *   errors  CKKS_EPARAM */
CKKS_CHECKED ckks_status cki_params_primes(uint64_t prime[CKI_MAX_ALL],
                                           const ckks_params *p,
                                           const char *name);

/* g = generator^step mod rns.order: rotating by step is X -> X^g. */
uint32_t cki_galois_element(const ckks_ctx *ctx, int step);

/* ---- objects (ciphertext.c): one allocation each ------------------------ */

/* Number of words of a polynomial of level l. */
static inline size_t cki_words(const ckks_ctx *ctx, int level)
{
    return (size_t)(level + 1) * ctx->n;
}

/* A fresh ciphertext with memory of unset content; name: the public function
 * at work, for its message. */
CKKS_CHECKED ckks_status cki_ct_new(ckks_ct *out, const ckks_ctx *ctx,
                                    int degree, int level, double scale,
                                    const char *name);
CKKS_CHECKED ckks_status cki_pt_new(ckks_pt *out, const ckks_ctx *ctx,
                                    int level, double scale,
                                    const char *name);
/* The same in the memory of the output, if that has this shape and its limbs are
 * not those of a or b (or NULL), which are read: nothing is asked for again.
 * Written only where nothing can fail any more; cki_ct_leave gives up what was
 * not written. */
CKKS_CHECKED ckks_status cki_pt_over(ckks_pt *made, const ckks_pt *out,
                                     const ckks_ctx *ctx, int level,
                                     double scale, const char *name);
CKKS_CHECKED ckks_status cki_ct_over(ckks_ct *made, const ckks_ct *out,
                                     const ckks_ct *a, const ckks_ct *b,
                                     const ckks_ctx *ctx, int degree,
                                     int level, double scale,
                                     const char *name);
void cki_ct_leave(ckks_ct *made, const ckks_ct *out);
/* ckks_ct_copy on behalf of another function. */
CKKS_CHECKED ckks_status cki_ct_copy(ckks_ct *out, const ckks_ct *a,
                                     const char *name);
/* Moves a finished object into an output: the old content goes, its memory
 * unless that is where the object was made. */
void cki_ct_give(ckks_ct *out, ckks_ct *made);
void cki_pt_give(ckks_pt *out, ckks_pt *made);

/* Limb i of part k. */
static inline uint64_t *cki_ct_limb(const ckks_ct *ct, int k, int i)
{
    return ct->limb + ((size_t)k * (size_t)(ct->level + 1) + (size_t)i)
                          * ct->ctx->n;
}
static inline uint64_t *cki_pt_limb(const ckks_pt *pt, int i)
{
    return pt->limb + (size_t)i * pt->ctx->n;
}

/* Argument checks every public function begins with; name is the function's. */
CKKS_CHECKED ckks_status cki_check_ct(const ckks_ct *ct, const char *name);
CKKS_CHECKED ckks_status cki_check_pt(const ckks_pt *pt, const char *name);

#endif
