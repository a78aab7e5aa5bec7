/* kernel.c -- the kernel in C11, for every machine and p < 2^61. */
#include "kernel/portable/portable.h"

static bool usable(void)
{
    return true;
}

const cki_kernel cki_kernel_portable = {
    .name = "portable",
    .max_bits = CKKS_MAX_BITS,
    .usable = usable,
    .ntt_bytes = cki_portable_ntt_bytes,
    .ntt_prepare = cki_portable_ntt_prepare,
    .ntt_fwd = cki_portable_ntt_fwd,
    .ntt_head = cki_portable_ntt_head,
    .ntt_tail = cki_portable_ntt_tail,
    .ntt_inv = cki_portable_ntt_inv,
    .ntt_finish = cki_portable_ntt_finish,
    .add = cki_portable_add,
    .sub = cki_portable_sub,
    .mul = cki_portable_mul,
    .mul_add = cki_portable_mul_add,
    .square = cki_portable_square,
    .scale_add = cki_portable_scale_add,
    .dot2 = cki_portable_dot2,
    .permute = cki_portable_permute,
    .convert_begin = cki_portable_convert_begin,
    .convert_end = cki_portable_convert_end,
    .combine = cki_portable_combine,
    .combine_work = cki_portable_combine_work,
    .pack = cki_portable_pack,
    .lift = cki_portable_lift,
    .from_small = cki_portable_from_small,
    .sift = cki_portable_sift,
    .weigh = cki_portable_weigh,
    .expand = cki_portable_expand
};
