/* weigh.c -- sums of limbs times words, in integers.
 *
 * Read first: avx2.h, docs/12-volley.md.
 *
 * Words x, w < 2^49 are cut at 25 bits, x = b 2^25 + a, w = d 2^25 + c:
 *
 *     x w = a c + (a d + b c) 2^25 + b d 2^50
 *
 * with a c < 2^50, a d + b c < 2^50 and b d < 2^48.  Up to MOST_TERMS = 2^12
 * terms the three sums stay below 2^62.
 */
#include <string.h>

#include "kernel/avx2/avx2.h"

enum { MOST_TERMS = 1 << 12, AT_ONCE = 4, CUT = 25 };

/* low + mid 2^25 + high 2^50 mod p, each below 2^62, and added to *to. */
static void end_word(uint64_t *to, uint64_t low, uint64_t mid, uint64_t high,
                     const cki_mod *m)
{
    const uint64_t two = cki_reduce((uint64_t)1 << CUT, m);
    uint64_t s = cki_add(cki_mul(cki_reduce(high, m), two, m),
                         cki_reduce(mid, m), m->p);

    s = cki_add(cki_mul(s, two, m), cki_reduce(low, m), m->p);
    *to = cki_add(*to, s, m->p);
}

/* Four rows by four columns, up to MOST_TERMS terms; sum (rows, 4). */
static void some_terms(uint64_t *sum, const uint64_t *const *in, size_t at,
                       const uint64_t *weight, size_t terms, const cki_mod *m)
{
    const ints mask = _mm256_set1_epi64x((1 << CUT) - 1);
    ints part[3][AT_ONCE];
    uint64_t word[3][AT_ONCE][4];

    UNROLL
    for (int r = 0; r < AT_ONCE; r++)
        part[0][r] = part[1][r] = part[2][r] = _mm256_setzero_si256();
    for (size_t k = 0; k < terms; k++, weight += CKI_ROWS) {
        const ints x = _mm256_loadu_si256(
            (const __m256i *)(const void *)(in[k] + at));
        const ints a = _mm256_and_si256(x, mask);
        const ints b = _mm256_srli_epi64(x, CUT);

        UNROLL
        for (int r = 0; r < AT_ONCE; r++) {
            const ints w = _mm256_set1_epi64x((long long)weight[r]);
            const ints c = _mm256_and_si256(w, mask);
            const ints d = _mm256_srli_epi64(w, CUT);

            part[0][r] = _mm256_add_epi64(part[0][r], _mm256_mul_epu32(a, c));
            part[1][r] = _mm256_add_epi64(part[1][r], _mm256_mul_epu32(a, d));
            part[1][r] = _mm256_add_epi64(part[1][r], _mm256_mul_epu32(b, c));
            part[2][r] = _mm256_add_epi64(part[2][r], _mm256_mul_epu32(b, d));
        }
    }
    UNROLL
    for (int r = 0; r < 3 * AT_ONCE; r++)
        _mm256_storeu_si256((__m256i *)(void *)word[r / AT_ONCE][r % AT_ONCE],
                            part[r / AT_ONCE][r % AT_ONCE]);
    for (int r = 0; r < 4 * AT_ONCE; r++)
        end_word(&sum[r], word[0][r / 4][r % 4], word[1][r / 4][r % 4],
                 word[2][r / 4][r % 4], m);
}

void cki_avx2_weigh(uint64_t *const *out, size_t rows,
                    const uint64_t *const *in, const uint64_t *weight,
                    size_t terms, size_t n, const cki_mod *m)
{
    if (n % 4 != 0) {
        cki_kernel_portable.weigh(out, rows, in, weight, terms, n, m);
        return;
    }
    for (size_t r = 0; r < rows; r += AT_ONCE)
        for (size_t i = 0; i < n; i += 4) {
            uint64_t sum[4 * AT_ONCE] = { 0 };

            for (size_t k = 0; k < terms; k += MOST_TERMS)
                some_terms(sum, in + k, i, weight + CKI_ROWS * k + r,
                           terms - k < MOST_TERMS ? terms - k : MOST_TERMS, m);
            for (size_t j = r; j < rows && j < r + AT_ONCE; j++)
                memcpy(out[j] + i, sum + 4 * (j - r), 4 * sizeof *sum);
        }
}
