/* pointwise.c -- pointwise operations in C11.
 *
 * Read first: word.h (Lemmas B and S).
 */
#include "kernel/portable/portable.h"

void cki_portable_add(uint64_t *out, const uint64_t *a, const uint64_t *b,
                      size_t n, const cki_mod *m)
{
    const uint64_t p = m->p;

    for (size_t i = 0; i < n; i++)
        out[i] = cki_add(a[i], b[i], p);
}

void cki_portable_sub(uint64_t *out, const uint64_t *a, const uint64_t *b,
                      size_t n, const cki_mod *m)
{
    const uint64_t p = m->p;

    for (size_t i = 0; i < n; i++)
        out[i] = cki_sub(a[i], b[i], p);
}

void cki_portable_mul(uint64_t *out, const uint64_t *a, const uint64_t *b,
                      size_t n, const cki_mod *mod)
{
    const cki_mod m = *mod;

    for (size_t i = 0; i < n; i++)
        out[i] = cki_mul(a[i], b[i], &m);
}

void cki_portable_mul_add(uint64_t *out, const uint64_t *a, const uint64_t *b,
                          const uint64_t *c, size_t n, const cki_mod *mod)
{
    const cki_mod m = *mod;

    for (size_t i = 0; i < n; i++)
        out[i] = cki_add(cki_mul(a[i], b[i], &m), c[i], m.p);
}

void cki_portable_square(uint64_t *out0, uint64_t *out1, uint64_t *out2,
                         const uint64_t *a0, const uint64_t *a1, bool add_to,
                         size_t n, const cki_mod *mod)
{
    const cki_mod m = *mod;

    for (size_t i = 0; i < n; i++) {
        uint64_t x = a0[i], y = a1[i];
        uint64_t r0 = cki_mul(x, x, &m), r2 = cki_mul(y, y, &m);
        uint64_t r1 = cki_mul(cki_add(x, x, m.p), y, &m);

        out0[i] = add_to ? cki_add(out0[i], r0, m.p) : r0;
        out1[i] = add_to ? cki_add(out1[i], r1, m.p) : r1;
        out2[i] = add_to ? cki_add(out2[i], r2, m.p) : r2;
    }
}

void cki_portable_scale_add(uint64_t *out, const uint64_t *a, uint64_t w,
                            const uint64_t *c, size_t n, const cki_mod *m)
{
    const uint64_t p = m->p, s = cki_shoup(w, m);

    if (c == NULL) {
        for (size_t i = 0; i < n; i++)
            out[i] = cki_mul_shoup(a[i], w, s, p);
        return;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = cki_add(cki_mul_shoup(a[i], w, s, p), c[i], p);
}
