/* kernel.c -- the kernel in doubles with fused multiply-add, for four lanes. */
#include "kernel/avx2/avx2.h"
#include "kernel/fma/convert.c"
#include "kernel/fma/dot.c"
#include "kernel/fma/fold.c"
#include "kernel/fma/layers.c"
#include "kernel/fma/ntt.c"
#include "kernel/fma/ntt_inv.c"
#include "kernel/fma/pointwise.c"
#include "kernel/fma/words.c"

static bool usable(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

const cki_kernel cki_kernel_avx2 = {
    .name = "avx2",
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
    .permute = cki_avx2_permute,
    .convert_begin = fma_convert_begin,
    .convert_end = fma_convert_end,
    .combine = cki_avx2_combine,
    .combine_work = cki_avx2_combine_work,
    .pack = cki_avx2_pack,
    .lift = fma_lift,
    .from_small = cki_avx2_from_small,
    .sift = cki_portable_sift,
    .weigh = cki_avx2_weigh,
    .expand = cki_avx2_expand
};
