/* params.c -- parameters checked, sizes of primes made primes.
 *
 * Read first: docs/conventions.md.
 */
#include "scheme/context.h"

static ckks_status check_counts(const ckks_params *p, const char *name)
{
    int security = p->security == 0 ? 128 : p->security;

    if (p->log_n < CKKS_MIN_LOG_N || p->log_n > CKKS_MAX_LOG_N)
        return cki_fail(CKKS_EPARAM, "%s: log_n %d outside %d..%d", name,
                        p->log_n, CKKS_MIN_LOG_N, CKKS_MAX_LOG_N);
    if (p->num_primes < 1 || p->num_primes > CKKS_MAX_PRIMES)
        return cki_fail(CKKS_EPARAM, "%s: %d primes, not 1..%d", name,
                        p->num_primes, CKKS_MAX_PRIMES);
    if (p->num_special < 0 || p->num_special > CKKS_MAX_SPECIAL)
        return cki_fail(CKKS_EPARAM, "%s: %d special primes, not "
                        "0..%d", name, p->num_special, CKKS_MAX_SPECIAL);
    if (p->num_special > 0 && (p->dnum < 1 || p->dnum > p->num_primes))
        return cki_fail(CKKS_EPARAM, "%s: dnum %d, not 1..%d", name,
                        p->dnum, p->num_primes);
    if (p->generator != 0 && p->generator != 3 && p->generator != 5)
        return cki_fail(CKKS_EPARAM, "%s: generator %d, not 3 or 5", name,
                        p->generator);
    if (p->ring != CKKS_RING_COMPLEX && p->ring != CKKS_RING_REAL)
        return cki_fail(CKKS_EPARAM, "%s: ring %d, not 0 or 1", name, p->ring);
    if (p->ring == CKKS_RING_REAL
        && (p->log_n == CKKS_MAX_LOG_N || p->generator == 3
            || p->uncentred_digits != 0))
        return cki_fail(CKKS_EPARAM, "%s: the real ring takes log_n up to %d, "
                        "generator 5, centred digits; asked for %d, %d, %s",
                        name, CKKS_MAX_LOG_N - 1, p->log_n,
                        p->generator == 0 ? 5 : p->generator,
                        p->uncentred_digits != 0 ? "uncentred" : "centred");
    if (security != CKKS_INSECURE && security != 128 && security != 192
        && security != 256)
        return cki_fail(CKKS_EPARAM, "%s: security %d, not 128, "
                        "192, 256 or CKKS_INSECURE", name, security);
    if ((p->memory.allocate == NULL) != (p->memory.release == NULL))
        return cki_fail(CKKS_EPARAM, "%s: one memory hook of two", name);
    return CKKS_OK;
}

uint64_t cki_root_order(const ckks_params *p)
{
    return (uint64_t)(p->ring == CKKS_RING_REAL ? 4 : 2) << p->log_n;
}

/* Resolves entries of both lists to primes: explicit ones first, so that no
 * size takes a prime that stands in the list. */
static ckks_status resolve_primes(uint64_t *prime, const ckks_params *p,
                                  const char *name)
{
    const int count = p->num_primes + p->num_special;
    const uint64_t step = cki_root_order(p);
    uint64_t entry[CKI_MAX_ALL], used[CKI_MAX_ALL];
    size_t n_used = 0;

    for (int i = 0; i < count; i++)
        entry[i] = i < p->num_primes ? p->primes[i]
                                     : p->special[i - p->num_primes];
    for (int i = 0; i < count; i++) {
        if (entry[i] <= CKKS_MAX_BITS)
            continue;
        if (entry[i] >> CKKS_MAX_BITS != 0 || entry[i] % step != 1
            || !cki_is_prime(entry[i]))
            return cki_fail(CKKS_EPARAM, "%s: entry %d: %llu is no "
                            "prime = 1 mod %llu below 2^%d", name, i,
                            (unsigned long long)entry[i],
                            (unsigned long long)step, CKKS_MAX_BITS);
        for (size_t j = 0; j < n_used; j++)
            if (used[j] == entry[i])
                return cki_fail(CKKS_EPARAM, "%s: entry %d: prime "
                                "%llu stands twice", name, i,
                                (unsigned long long)entry[i]);
        used[n_used++] = prime[i] = entry[i];
    }
    for (int i = 0; i < count; i++) {
        if (entry[i] > CKKS_MAX_BITS)
            continue;
        prime[i] = entry[i] < 3 ? 0 : cki_find_prime((int)entry[i], step, used,
                                                     n_used);
        if (prime[i] == 0)
            return cki_fail(CKKS_EPARAM, "%s: entry %d: no prime of "
                            "%llu bits = 1 mod %llu is left", name, i,
                            (unsigned long long)entry[i],
                            (unsigned long long)step);
        used[n_used++] = prime[i];
    }
    return CKKS_OK;
}

ckks_status cki_params_primes(uint64_t prime[CKI_MAX_ALL],
                              const ckks_params *p, const char *name)
{
    ckks_status s = check_counts(p, name);

    return s == CKKS_OK ? resolve_primes(prime, p, name) : s;
}

ckks_status ckks_params_resolve(ckks_params *out, const ckks_params *p)
{
    uint64_t prime[CKI_MAX_ALL] = { 0 };
    ckks_params made;
    ckks_status s;

    if (out == NULL || p == NULL)
        return cki_fail(CKKS_EARG, "ckks_params_resolve: null pointer");
    s = cki_params_primes(prime, p, "ckks_params_resolve");
    if (s != CKKS_OK)
        return s;
    made = *p;
    for (int i = 0; i < p->num_primes; i++)
        made.primes[i] = prime[i];
    for (int i = 0; i < p->num_special; i++)
        made.special[i] = prime[p->num_primes + i];
    *out = made;
    return CKKS_OK;
}
