/* table.c -- NTT tables: the twiddles by their definition, then each kernel's
 * own form of them.
 *
 * Read first: kernel.h (cki_ntt_init), docs/02-ntt.md.
 */
#include "kernel/kernel.h"

/* root[m + k] for all m and k; root[0] = 1 is read by no transform. */
static void fill_roots(uint64_t *root, uint64_t psi, int log_n, size_t order,
                       const cki_mod *mod)
{
    root[0] = 1;
    for (int l = 0; l < log_n; l++) {
        const size_t m = (size_t)1 << l;
        const uint64_t step = cki_pow(psi, order / (2 * m), mod);
        uint64_t y = cki_pow(psi, ((size_t)1 << log_n) / (2 * m), mod);

        for (size_t k = 0; k < m; k++, y = cki_mul(y, step, mod))
            root[m + (l == 0 ? 0 : cki_bitrev((uint32_t)k, l))] = y;
    }
}

ckks_status cki_ntt_init(cki_ntt **out, const cki_kernel *k,
                         const cki_mod *mod, uint64_t psi, int log_n,
                         size_t order, const ckks_memory *m)
{
    size_t n = (size_t)1 << log_n, head = (sizeof(cki_ntt) + 63) / 64 * 64;
    size_t size = head + k->ntt_bytes(n), root_size = 2 * n * sizeof(uint64_t);
    cki_ntt *t = cki_alloc(m, size);
    uint64_t *root = cki_alloc(m, root_size);

    if (t == NULL || root == NULL) {
        cki_free(m, t, size);
        cki_free(m, root, root_size);
        return cki_fail(CKKS_EMEM, "ckks_ctx_init: no memory for %zu bytes of "
                        "NTT tables", size);
    }
    *t = (cki_ntt){ .mod = *mod, .n = n, .log_n = log_n,
                    .real = order > 2 * n,
                    .n_inv = cki_inv(order / 2 % mod->p, mod),
                    .own = (char *)t + head, .own_size = size };
    fill_roots(root, psi, log_n, order, mod);
    fill_roots(root + n, cki_inv(psi, mod), log_n, order, mod);
    t->n_inv_v = cki_mul(t->n_inv, root[n + 1], mod);
    if (t->real) {
        t->unfold = cki_pow(psi, n, mod);
        t->fold = mod->p - t->unfold;
        for (size_t i = 2; i < 4; i++) {
            root[i] = cki_mul(root[i], t->fold, mod);
            root[n + i] = cki_mul(root[n + i], t->unfold, mod);
        }
    }
    k->ntt_prepare(t, root, root + n);
    cki_free(m, root, root_size);
    *out = t;
    return CKKS_OK;
}

void cki_ntt_clear(cki_ntt **t, const ckks_memory *m)
{
    if (*t != NULL)
        cki_free(m, *t, (*t)->own_size);
    *t = NULL;
}
