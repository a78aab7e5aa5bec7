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

/* How key switching is done, and where, a word: bit 0 uncentred digits, bit 1
 * fitted special primes, bit 2 the real ring. */
static inline uint64_t cki_ctx_flags(const ckks_ctx *ctx)
{
    return (uint64_t)ctx->uncentred + 2 * (uint64_t)ctx->fitted
           + 4 * (uint64_t)ctx->real;
}

/* Two scales count as equal: below one part in 2^32 apart. */
bool cki_same_scale(double a, double b);

/* 1 <= scale, 2 scale < Q_level: what makers and loaders ask of an object. */
bool cki_scale_fits(const ckks_ctx *ctx, int level, double scale);
CKKS_CHECKED ckks_status cki_check_scale_room(const ckks_ctx *ctx, int level,
                                              double scale, const char *name);

/* prime is a number in the context, x holds N words below it. */
CKKS_CHECKED ckks_status cki_check_limb(const uint64_t *x, const ckks_ctx *ctx,
                                        int prime, const char *name);

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
/* ckks_ct_copy on behalf of another function. */
CKKS_CHECKED ckks_status cki_ct_copy(ckks_ct *out, const ckks_ct *a,
                                     const char *name);
/* Moves a finished object into an output: the old content goes. */
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

/* CKKS_EARG for an imaginary part that is not 0 in the real ring. */
CKKS_CHECKED ckks_status cki_check_real(const ckks_ctx *ctx, double im,
                                        const char *name);
/* Argument checks every public function begins with; name is the function's. */
CKKS_CHECKED ckks_status cki_check_ct(const ckks_ct *ct, const char *name);
CKKS_CHECKED ckks_status cki_check_pt(const ckks_pt *pt, const char *name);

#endif
