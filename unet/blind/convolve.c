/* convolve.c -- a convolution of shares, by the side that this one is. */
#include "conv.h"
#include "nn.h"

ckks_status blind_convolve(blind_share *out, const blind_share *x,
                           const blind_conv *c, const int32_t *weight,
                           const int64_t *bias, const int64_t *map,
                           blind_party *p)
{
    blind_conv_plan k;
    ckks_status s = blind_conv_plan_make(&k, c);

    if (s != CKKS_OK)
        return s;
    if (k.t.n != p->he->conv.n)
        return nn_fail(CKKS_EPARAM, "activations of %d bits, the session's "
                       "ring has n = %zu", c->bits, p->he->conv.n);
    return p->server ? blind_conv_server(out, x, &k, weight, bias, map, p)
                     : blind_conv_client(out, x, &k, p);
}
