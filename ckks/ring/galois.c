/* galois.c -- automorphisms.
 *
 * Read first: rns.h (the lemma on groups), docs/08-rotations.md.
 */
#include "ring/rns.h"

void cki_galois_perm(uint32_t *perm, int log_n, size_t order, uint32_t g)
{
    const uint32_t n = (uint32_t)1 << log_n, factor = (uint32_t)(order / n);

    for (uint32_t i = 0; i < n; i++) {
        uint32_t e = (factor * cki_bitrev(i, log_n) + 1) * g
                     & (uint32_t)(order - 1);

        perm[i] = cki_bitrev((e - 1) / factor, log_n);
    }
}
