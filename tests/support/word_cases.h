/* word_cases.h -- arithmetic of word.h against the remainder operator, at the
 * edges of small and of large primes.  For test_word.c and test_word_plain.c,
 * which include word.h in its two forms. */
#ifndef WORD_CASES_H
#define WORD_CASES_H

#include "test.h"

#include "base/word.h"

__extension__ typedef unsigned __int128 wide_word;

static const uint64_t word_primes[] = {
    3, 5, 17, 97, 257, 65537, 2147483647, 4294967291, 4294967311,
    562949953421231, 1152921504606846883, 2305843009213693951
};
enum { WORD_PRIMES = 12, WORD_EDGES = 12 };

static void word_edges(uint64_t x[WORD_EDGES], uint64_t p)
{
    const uint64_t top = UINT64_MAX / p * p;        /* the last multiple     */
    const uint64_t all[WORD_EDGES] = {
        0, 1, p / 2, p / 2 + 1, p - 1, p, 2 * p - 1, 2 * p, top - 1, top,
        top + p / 2 < top ? top : top + p / 2, UINT64_MAX
    };

    for (int i = 0; i < WORD_EDGES; i++)
        x[i] = all[i];
}

/* Any words: reductions and Shoup's product. */
static void word_check_any(uint64_t a, uint64_t b, const cki_mod *m)
{
    const uint64_t p = m->p, w = b % p, s = cki_shoup(w, m);
    const wide_word x = (wide_word)a << 64 | b;
    const int64_t c = (int64_t)(a >> 1);

    CHECK(cki_reduce(a, m) == a % p, "%" PRIu64 " mod %" PRIu64, a, p);
    CHECK(cki_reduce_any(a, b, m) == (uint64_t)(x % p), "%" PRIu64 " 2^64 + %"
          PRIu64 " mod %" PRIu64, a, b, p);
    CHECK(cki_mul_shoup(a, w, s, p) == (uint64_t)((wide_word)a * w % p),
          "%" PRIu64 " * %" PRIu64 " mod %" PRIu64, a, w, p);
    CHECK(cki_from_signed(c, m) == (a >> 1) % p
              && cki_from_signed(-c, m) == (p - (a >> 1) % p) % p,
          "+-%" PRIu64 " mod %" PRIu64, a >> 1, p);
}

/* Residues. */
static void word_check_residues(uint64_t a, uint64_t b, const cki_mod *m)
{
    const uint64_t p = m->p;

    CHECK(cki_add(a, b, p) == (a + b) % p && cki_sub(a, b, p)
              == (a + p - b) % p && cki_neg(a, p) == (p - a) % p,
          "%" PRIu64 ", %" PRIu64 " mod %" PRIu64, a, b, p);
    CHECK(cki_mul(a, b, m) == (uint64_t)((wide_word)a * b % p),
          "%" PRIu64 " * %" PRIu64 " mod %" PRIu64, a, b, p);
    CHECK(cki_below(a + b, p) == (a + b) % p, "%" PRIu64 " below %" PRIu64,
          a + b, p);
    CHECK(cki_below(a, 4 * p) == a && cki_below(a + 4 * p, 4 * p) == a,
          "%" PRIu64 " below 4 %" PRIu64, a, p);
}

static void word_check_all(void)
{
    for (int i = 0; i < WORD_PRIMES; i++) {
        const cki_mod m = cki_mod_make(word_primes[i]);
        uint64_t x[WORD_EDGES], y = 1;

        word_edges(x, m.p);
        for (int j = 0; j < WORD_EDGES; j++)
            for (int k = 0; k < WORD_EDGES; k++) {
                word_check_any(x[j], x[k], &m);
                word_check_residues(x[j] % m.p, x[k] % m.p, &m);
            }
        for (int j = 0; j < 2000; j++) {
            uint64_t a = y = y * 6364136223846793005u + 1442695040888963407u;
            uint64_t b = y = y * 6364136223846793005u + 1442695040888963407u;

            word_check_any(a, b, &m);
            word_check_residues(a % m.p, b % m.p, &m);
        }
    }
    CHECK(cki_mask(0) == 0 && cki_mask(1) == UINT64_MAX, "masks");
}

#endif
