/* kernel.c -- the kernel in pairs of doubles with fused multiply-add. */
#include "kernel/fma2/fma2.h"
#include "kernel/portable/portable.h"

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
    .ntt_bytes = cki_fma2_ntt_bytes,
    .ntt_prepare = cki_fma2_ntt_prepare,
    .ntt_fwd = cki_fma2_ntt_fwd,
    .ntt_head = cki_fma2_ntt_head,
    .ntt_tail = cki_fma2_ntt_tail,
    .ntt_inv = cki_fma2_ntt_inv,
    .ntt_finish = cki_fma2_ntt_finish,
    .add = cki_fma2_add,
    .sub = cki_fma2_sub,
    .mul = cki_fma2_mul,
    .mul_add = cki_fma2_mul_add,
    .square = cki_fma2_square,
    .scale_add = cki_fma2_scale_add,
    .dot2 = cki_fma2_dot2,
    .permute = cki_portable_permute,
    .convert_begin = cki_fma2_convert_begin,
    .convert_end = cki_fma2_convert_end,
    .combine = cki_portable_combine,
    .combine_work = cki_portable_combine_work,
    .lift = cki_fma2_lift,
    .from_small = cki_portable_from_small,
    .sift = cki_portable_sift,
    .weigh = cki_portable_weigh,
    .expand = cki_portable_expand
};
