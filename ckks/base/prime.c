/* prime.c -- moduli, powers, primes and roots of unity. */
#include "base/word.h"

#include <math.h>

/* floor((2^64 hi + lo) / p) for hi < p < 2^63, by binary long division: used
 * for constants only. */
static uint64_t divide_wide(uint64_t hi, uint64_t lo, uint64_t p)
{
    uint64_t q = 0;

    for (int i = 63; i >= 0; i--) {
        hi = hi << 1 | (lo >> i & 1);               /* < 2p < 2^64           */
        q <<= 1;
        if (hi >= p) {
            hi -= p;
            q |= 1;
        }
    }
    return q;
}

cki_mod cki_mod_make(uint64_t p)
{
    cki_mod m = { .p = p };

    while (m.bits < 64 && p >> m.bits != 0)
        m.bits++;
    if (2 * m.bits >= 64) {
        /* 2^(2k) = 2^64 2^(2k-64): the high word is below p as p > 2^(k-1)
         * and 2k - 64 <= k - 3 for k <= 61. */
        m.mu = divide_wide((uint64_t)1 << (2 * m.bits - 64), 0, p);
    } else {
        m.mu = ((uint64_t)1 << (2 * m.bits)) / p;
    }
    m.two64 = (UINT64_MAX % p + 1) % p;
    m.one = UINT64_MAX / p;             /* p odd does not divide 2^64        */
    m.inv = 1.0 / (double)p;
    return m;
}

uint64_t cki_from_double(double a, const cki_mod *m)
{
    int e;
    double f = frexp(fabs(a), &e);              /* |a| = f 2^e, f in [1/2, 1) */
    uint64_t u;

    if (e <= 63)
        return cki_from_signed((int64_t)a, m);
    u = cki_mul(cki_reduce((uint64_t)ldexp(f, 53), m),
                cki_pow(2 % m->p, (uint64_t)(e - 53), m), m);
    return a < 0 ? cki_neg(u, m->p) : u;
}

uint64_t cki_shoup(uint64_t w, const cki_mod *m)
{
    return divide_wide(w, 0, m->p);
}

uint64_t cki_pow(uint64_t a, uint64_t e, const cki_mod *m)
{
    uint64_t r = 1;

    for (; e > 0; e >>= 1) {
        if (e & 1)
            r = cki_mul(r, a, m);
        a = cki_mul(a, a, m);
    }
    return r;
}

uint64_t cki_inv(uint64_t a, const cki_mod *m)
{
    return cki_pow(a, m->p - 2, m);
}

/* The first twelve primes are witnesses enough for every n < 2^64
 * [SorensonWebster15]. */
bool cki_is_prime(uint64_t p)
{
    static const uint64_t witness[] = { 2,  3,  5,  7,  11, 13,
                                        17, 19, 23, 29, 31, 37 };
    cki_mod m;
    uint64_t d = p - 1;
    int s = 0;

    if (p < 2 || p >> CKKS_MAX_BITS != 0)
        return false;
    for (size_t i = 0; i < sizeof witness / sizeof *witness; i++)
        if (p % witness[i] == 0)
            return p == witness[i];
    m = cki_mod_make(p);
    for (; d % 2 == 0; d /= 2)
        s++;
    for (size_t i = 0; i < sizeof witness / sizeof *witness; i++) {
        uint64_t x = cki_pow(witness[i], d, &m);
        int r = 0;

        if (x == 1)
            continue;
        while (x != p - 1 && ++r < s)
            x = cki_mul(x, x, &m);
        if (x != p - 1)
            return false;
    }
    return true;
}

uint64_t cki_find_prime(int bits, uint64_t step, const uint64_t *used,
                        size_t n)
{
    uint64_t end = (uint64_t)1 << bits;
    uint64_t p = (end - 1) / step * step + 1;

    if (p >= end)
        p = p > step ? p - step : 0;
    for (; p > end / 2; p -= step) {
        bool taken = false;

        for (size_t i = 0; i < n; i++)
            taken |= used[i] == p;
        if (!taken && cki_is_prime(p))
            return p;
        if (p <= step)
            break;
    }
    return 0;
}

uint64_t cki_min_root(uint64_t order, const cki_mod *m)
{
    uint64_t root = 0, square, best;

    if ((m->p - 1) % order != 0)
        return 0;
    /* x^((p-1)/order) has order `order` if its power order/2 is -1; half of
     * all x do. */
    for (uint64_t x = 2; x < m->p; x++) {
        root = cki_pow(x, (m->p - 1) / order, m);
        if (cki_pow(root, order / 2, m) == m->p - 1)
            break;
    }
    /* All of them are the odd powers. */
    square = cki_mul(root, root, m);
    best = root;
    for (uint64_t i = 0; i < order / 2; i++) {
        if (root < best)
            best = root;
        root = cki_mul(root, square, m);
    }
    return best;
}
