/* select.c -- which kernels there are, and which one a context takes. */
#include "kernel/kernel.h"

#include <string.h>

const cki_kernel *const cki_kernels[] = {
#ifdef CKI_HAVE_AVX512IFMA
    &cki_kernel_avx512ifma,
#endif
#ifdef CKI_HAVE_AVX2
    &cki_kernel_avx2,
#endif
#ifdef CKI_HAVE_FMA2
    &cki_kernel_fma2,
#endif
    &cki_kernel_portable,
    NULL
};

ckks_status cki_kernel_choose(const cki_kernel **out, const char *name,
                              int max_bits, const ckks_memory *m)
{
    bool known = false;

    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++) {
        bool ok = false;
        ckks_status s;

        if (name != NULL && strcmp(name, (*k)->name) != 0)
            continue;
        known = true;
        if ((*k)->max_bits < max_bits) {
            if (name == NULL)
                continue;
            return cki_fail(CKKS_EPARAM, "ckks_ctx_init: kernel %s takes "
                            "primes below 2^%d; one has %d bits", name,
                            (*k)->max_bits, max_bits);
        }
        if ((*k)->usable()) {
            s = cki_kernel_check(&ok, *k, m);
            if (s != CKKS_OK)
                return s;
        }
        if (ok) {
            *out = *k;
            return CKKS_OK;
        }
        if (name != NULL)
            return cki_fail(CKKS_EPARAM, "ckks_ctx_init: kernel %s %s", name,
                            (*k)->usable()
                                ? "gives wrong answers: miscompiled"
                                : "does not work on this machine");
    }
    if (!known && name != NULL)
        return cki_fail(CKKS_EPARAM, "ckks_ctx_init: no kernel named \"%s\" in "
                        "this build", name);
    return cki_fail(CKKS_EPARAM, "ckks_ctx_init: no kernel of this build takes "
                    "primes of %d bits and passes its check", max_bits);
}
