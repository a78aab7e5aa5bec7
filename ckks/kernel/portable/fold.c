/* fold.c -- the layer of the real ring (cki_ntt_init) in C11; canonical words.
 */
#include "kernel/portable/portable.h"

/* (a, b) -> (a + w b, a - w b) */
static inline void butterfly(uint64_t *a, uint64_t *b, uint64_t w, uint64_t s,
                             uint64_t p)
{
    const uint64_t u = *a, r = cki_mul_shoup(*b, w, s, p);

    *a = cki_add(u, r, p);
    *b = cki_sub(u, r, p);
}

void cki_portable_fold(uint64_t *x, const cki_ntt *t)
{
    const uint64_t p = t->mod.p, w = t->fold, s = cki_shoup(w, &t->mod);
    const size_t n = t->n;
    const uint64_t a = x[n / 4], b = x[3 * n / 4];

    for (size_t k = 1; k < n / 4; k++) {
        butterfly(&x[k], &x[n - k], w, s, p);
        butterfly(&x[n / 2 + k], &x[n / 2 - k], w, s, p);
    }
    x[n / 4] = cki_sub(b, cki_mul_shoup(a, w, s, p), p);
    x[3 * n / 4] = cki_sub(a, cki_mul_shoup(b, w, s, p), p);
    x[n / 2] = cki_add(x[n / 2], cki_mul_shoup(x[n / 2], w, s, p), p);
}

/* (a, b) -> (a + b, w (a - b)) */
static inline void butterfly_back(uint64_t *a, uint64_t *b, uint64_t w,
                                  uint64_t s, uint64_t p)
{
    const uint64_t u = *a, v = *b;

    *a = cki_add(u, v, p);
    *b = cki_mul_shoup(cki_sub(u, v, p), w, s, p);
}

/* Twice the inverse. */
void cki_portable_unfold(uint64_t *x, const cki_ntt *t)
{
    const uint64_t p = t->mod.p, w = t->unfold, s = cki_shoup(w, &t->mod);
    const size_t n = t->n;
    const uint64_t a = x[n / 4], b = x[3 * n / 4];

    for (size_t k = 1; k < n / 4; k++) {
        butterfly_back(&x[k], &x[n - k], w, s, p);
        butterfly_back(&x[n / 2 + k], &x[n / 2 - k], w, s, p);
    }
    /* a = b_old + I a_old, b = a_old + I b_old */
    x[n / 4] = cki_sub(b, cki_mul_shoup(a, w, s, p), p);
    x[3 * n / 4] = cki_sub(a, cki_mul_shoup(b, w, s, p), p);
    x[0] = cki_add(x[0], x[0], p);
    x[n / 2] = cki_add(x[n / 2], cki_mul_shoup(x[n / 2], w, s, p), p);
}
