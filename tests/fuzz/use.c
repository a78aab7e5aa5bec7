/* use.c -- what owners and servers do with objects that were loaded. */
#include "fuzz.h"

static void try_decode(const ckks_pt *pt)
{
    double re[16], im[16];
    size_t n = ckks_ctx_slots(pt->ctx);

    if (n <= 16)
        (void)!ckks_decode(re, im, n, pt);
}

/* Everything a server may do with it, and decryption. */
void fuzz_use_ct(const ckks_ct *ct, const fuzz_world *w)
{
    ckks_ct r = { 0 };
    ckks_pt pt = { 0 };

    if (ckks_decrypt(&pt, ct, w->sk) == CKKS_OK)
        try_decode(&pt);
    (void)!ckks_mul(&r, ct, ct);
    (void)!ckks_add(&r, ct, ct);
    (void)!ckks_rescale(&r, ct);
    (void)!ckks_drop_level(&r, ct, 0);
    (void)!ckks_mul_plain(&r, ct, &pt);
    if (w->keys != NULL) {
        (void)!ckks_relin(&r, ct, w->keys);
        (void)!ckks_rotate(&r, ct, w->keys, 1);
    }
    ckks_ct_clear(&r);
    ckks_pt_clear(&pt);
}

void fuzz_use_pt(const ckks_pt *pt, const fuzz_world *w)
{
    ckks_ct ct = { 0 };

    try_decode(pt);
    if (ckks_encrypt_sk(&ct, fuzz_rng(), pt, w->sk) == CKKS_OK)
        (void)!ckks_add_plain(&ct, &ct, pt);
    ckks_ct_clear(&ct);
}

/* A ciphertext of 1 by this secret or public key, both ways. */
void fuzz_use_key(const ckks_ctx *ctx, const ckks_sk *sk, const ckks_pk *pk,
                  const ckks_keys *keys)
{
    ckks_pt pt = { 0 };
    ckks_ct ct = { 0 }, r = { 0 };
    ckks_status s = ckks_encode_const(&pt, ctx, 1, 0, ckks_ctx_top_level(ctx),
                                      4);

    if (s == CKKS_OK)
        s = pk != NULL ? ckks_encrypt(&ct, fuzz_rng(), &pt, pk)
                       : ckks_encrypt_sk(&ct, fuzz_rng(), &pt, sk);
    for (int k = -1; k < 3 && s == CKKS_OK && keys != NULL; k++)
        (void)!ckks_rotate(&r, &ct, keys, k);
    if (s == CKKS_OK && keys != NULL) {
        (void)!ckks_conj(&r, &ct, keys);
        if (ckks_square(&r, &ct) == CKKS_OK)
            (void)!ckks_relin_rescale(&r, &r, keys);
    }
    if (s == CKKS_OK && ckks_decrypt(&pt, &ct, sk) == CKKS_OK)
        try_decode(&pt);
    ckks_pt_clear(&pt);
    ckks_ct_clear(&ct);
    ckks_ct_clear(&r);
}
