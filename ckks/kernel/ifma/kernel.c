/* kernel.c -- the kernel in words of 52 bits.
 *
 * Integer combinations need products of 16 bits besides, keys that bytes are
 * permuted; but for one old processor, what has the former has these. */
#include "kernel/ifma/ifma.h"

static bool usable(void)
{
    return __builtin_cpu_supports("avx512f")
           && __builtin_cpu_supports("avx512dq")
           && __builtin_cpu_supports("avx512vl")
           && __builtin_cpu_supports("avx512bw")
           && __builtin_cpu_supports("avx512vbmi")
           && __builtin_cpu_supports("avx512vnni")
           && __builtin_cpu_supports("avx512ifma");
}

const cki_kernel cki_kernel_avx512ifma = {
    .name = "avx512ifma",
    .max_bits = CKKS_SIMD_BITS,
    .usable = usable,
    .ntt_bytes = cki_ifma_ntt_bytes,
    .ntt_prepare = cki_ifma_ntt_prepare,
    .ntt_fwd = cki_ifma_ntt_fwd,
    .ntt_head = cki_ifma_ntt_head,
    .ntt_tail = cki_ifma_ntt_tail,
    .ntt_inv = cki_ifma_ntt_inv,
    .ntt_finish = cki_ifma_ntt_finish,
    .add = cki_ifma_add,
    .sub = cki_ifma_sub,
    .mul = cki_ifma_mul,
    .mul_add = cki_ifma_mul_add,
    .square = cki_ifma_square,
    .scale_add = cki_ifma_scale_add,
    .dot2 = cki_ifma_dot2,
    .permute = cki_ifma_permute,
    .convert_begin = cki_ifma_convert_begin,
    .convert_end = cki_ifma_convert_end,
    .combine = cki_ifma_combine,
    .combine_work = cki_ifma_combine_work,
    .pack = cki_ifma_pack,
    .lift = cki_ifma_lift,
    .from_small = cki_ifma_from_small,
    .sift = cki_ifma_sift,
    .weigh = cki_ifma_weigh,
    .expand = cki_ifma_expand
};
