/* words.c -- words from integers and from random bytes. */
#include "kernel/portable/portable.h"

#include "base/bytes.h"

void cki_portable_pack(uint8_t *out, const uint64_t *in, size_t n,
                       size_t bytes)
{
    cki_pack(out, in, n, bytes);
}

void cki_portable_lift(uint64_t *out, const uint64_t *in, uint64_t bound,
                       uint64_t shift, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = in[i] + (shift & cki_mask(bound < in[i]));
}

void cki_portable_from_small(uint64_t *out, const int8_t *in, size_t n,
                             const cki_mod *m)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t u = (uint64_t)(int64_t)in[i];

        out[i] = u + (m->p & cki_mask(u >> 63));
    }
}

size_t cki_portable_sift(uint64_t *out, const uint8_t *in, size_t count,
                         uint64_t mask, uint64_t p)
{
    size_t k = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t x = cki_load64(in + 8 * i) & mask;

        out[k] = x;                     /* overwritten unless kept           */
        k += x < p;
    }
    return k;
}
