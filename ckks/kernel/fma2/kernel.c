/* kernel.c -- the kernel in doubles with fused multiply-add, for two lanes. */
#include "kernel/fma2/lanes.h"
#include "kernel/fma/convert.c"
#include "kernel/fma/dot.c"
#include "kernel/fma/fold.c"
#include "kernel/fma/layers.c"
#include "kernel/fma/ntt.c"
#include "kernel/fma/ntt_inv.c"
#include "kernel/fma/pointwise.c"
#include "kernel/fma/words.c"

/* Where the instructions are part of the machine, or of the module that the
 * engine has accepted, nothing is left to ask; whether they round once the
 * known-answer check finds out. */
static bool usable(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("fma");
#else
    return true;
#endif
}

const cki_kernel cki_kernel_fma2 = {
    .name = "fma2",
    .max_bits = CKKS_SIMD_BITS,
    .usable = usable,
    .ntt_bytes = fma_ntt_bytes,
    .ntt_prepare = fma_ntt_prepare,
    .ntt_fwd = fma_ntt_fwd,
    .ntt_head = fma_ntt_head,
    .ntt_tail = fma_ntt_tail,
    .ntt_inv = fma_ntt_inv,
    .ntt_finish = fma_ntt_finish,
    .add = fma_add,
    .sub = fma_sub,
    .mul = fma_mul,
    .mul_add = fma_mul_add,
    .square = fma_square,
    .scale_add = fma_scale_add,
    .dot2 = fma_dot2,
    .permute = cki_portable_permute,
    .convert_begin = fma_convert_begin,
    .convert_end = fma_convert_end,
    .combine = cki_portable_combine,
    .combine_work = cki_portable_combine_work,
    .pack = cki_portable_pack,
    .lift = fma_lift,
    .from_small = cki_portable_from_small,
    .sift = cki_portable_sift,
    .weigh = cki_portable_weigh,
    .expand = cki_portable_expand
};
