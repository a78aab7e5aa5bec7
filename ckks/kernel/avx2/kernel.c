/* kernel.c -- the kernel in doubles with fused multiply-add. */
#include "kernel/avx2/avx2.h"
#include "kernel/portable/portable.h"

static bool usable(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

const cki_kernel cki_kernel_avx2 = {
    .name = "avx2",
    .max_bits = CKKS_SIMD_BITS,
    .usable = usable,
    .ntt_bytes = cki_avx2_ntt_bytes,
    .ntt_prepare = cki_avx2_ntt_prepare,
    .ntt_fwd = cki_avx2_ntt_fwd,
    .ntt_head = cki_avx2_ntt_head,
    .ntt_tail = cki_avx2_ntt_tail,
    .ntt_inv = cki_avx2_ntt_inv,
    .ntt_finish = cki_avx2_ntt_finish,
    .add = cki_avx2_add,
    .sub = cki_avx2_sub,
    .mul = cki_avx2_mul,
    .mul_add = cki_avx2_mul_add,
    .square = cki_avx2_square,
    .scale_add = cki_avx2_scale_add,
    .dot2 = cki_avx2_dot2,
    .permute = cki_avx2_permute,
    .convert_begin = cki_avx2_convert_begin,
    .convert_end = cki_avx2_convert_end,
    .combine = cki_avx2_combine,
    .combine_work = cki_avx2_combine_work,
    .lift = cki_avx2_lift,
    .from_small = cki_avx2_from_small,
    .sift = cki_portable_sift,
    .weigh = cki_avx2_weigh,
    .expand = cki_avx2_expand
};
