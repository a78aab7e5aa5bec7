/* kernel_support.c -- its contracts are in kernel_support.h. */
#include "kernel_support.h"

const ckks_memory kernel_memory;

void *kernel_alloc(size_t size)
{
    void *p = cki_alloc(&kernel_memory, size);

    if (p == NULL)
        abort();
    return p;
}

uint64_t kernel_prime_after(uint64_t from, uint64_t step)
{
    uint64_t p = from / step * step + 1;

    while (p <= from || !cki_is_prime(p))
        p += step;
    return p;
}

void kernel_primes(cki_mod *m, uint64_t step)
{
    m[0] = cki_mod_make(kernel_prime_after(step, step));
    m[1] = cki_mod_make(cki_find_prime(30, step, NULL, 0));
    m[2] = cki_mod_make(kernel_prime_after((uint64_t)1 << 48, step));
    m[3] = cki_mod_make(cki_find_prime(49, step, NULL, 0));
    m[4] = cki_mod_make(kernel_prime_after((uint64_t)1 << 60, step));
    m[5] = cki_mod_make(cki_find_prime(61, step, NULL, 0));
}

bool kernel_takes(const cki_kernel *k, const cki_mod *m)
{
    return k->usable() && m->bits <= k->max_bits;
}

const uint8_t *kernel_packed(uint8_t *out, const uint64_t *x, size_t n,
                             const cki_mod *m)
{
    const size_t bytes = cki_packed_bytes(m);

    cki_pack(out, x, n, bytes);
    memset(out + n * bytes, 0xff, 8 * n + CKI_BEYOND - n * bytes);
    return out;
}

void kernel_fill(uint64_t *x, size_t n, uint64_t p, int shape,
                 uint64_t *state)
{
    for (size_t i = 0; i < n; i++)
        x[i] = shape == 0 ? 0
               : shape == 1 ? p - 1
               : shape == 2 ? (i % 2 == 0 ? 0 : p - 1)
               : shape == 3 ? (p - 1) / 2 + (i + i / 4) % 2
               : test_word(state) % p;
}

void kernel_expect(const uint64_t *got, const uint64_t *want, size_t n,
                   const cki_kernel *k, const char *what, const cki_mod *m)
{
    if (memcmp(got, want, n * sizeof *got) == 0)
        return;
    for (size_t i = 0; i < n; i++)
        CHECK(got[i] == want[i], "%s %s n=%zu p=%" PRIu64 " word %zu: %" PRIu64
              ", want %" PRIu64, k->name, what, n, m->p, i, got[i], want[i]);
}
