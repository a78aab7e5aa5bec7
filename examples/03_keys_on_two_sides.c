/* 03_keys_on_two_sides.c -- an owner and a server that share only bytes.
 * The owner keeps the secret key.  To the server go the parameters, the
 * evaluation keys and a ciphertext; back comes a ciphertext of x^2 + x.  The
 * server's function below gets byte strings and returns one: no secret key.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ckks.h"

enum { SLOTS = 4096 };

typedef struct bytes {
    uint8_t *at;
    size_t size;
} bytes;

static void must(ckks_status s)
{
    if (s != CKKS_OK) {
        fprintf(stderr, "%s: %s\n", ckks_status_name(s), ckks_last_error());
        exit(1);
    }
}

static bytes room(size_t size)
{
    bytes b = { malloc(size), size };

    return b.at != NULL ? b : (abort(), b);
}

static bytes ct_bytes(const ckks_ct *ct)
{
    bytes b = room(ckks_ct_size(ct));

    must(ckks_ct_save(b.at, b.size, ct));
    return b;
}

/* the server */
static bytes serve(bytes parameters, bytes eval_keys, bytes request)
{
    ckks_params params;
    ckks_ctx *ctx = NULL;
    ckks_keys *keys = NULL;
    ckks_ct x = {0}, y = {0};
    bytes answer;

    must(ckks_params_load(&params, parameters.at, parameters.size));
    must(ckks_ctx_init(&ctx, &params));     /* checks the security again     */
    must(ckks_keys_load(&keys, ctx, eval_keys.at, eval_keys.size));
    must(ckks_ct_load(&x, ctx, request.at, request.size));
    must(ckks_add_const(&y, &x, 1, 0));
    must(ckks_mul(&y, &y, &x));             /* (x + 1) x                     */
    must(ckks_relin_rescale(&y, &y, keys));
    answer = ct_bytes(&y);
    ckks_ct_clear(&x);
    ckks_ct_clear(&y);
    ckks_keys_clear(&keys);
    ckks_ctx_clear(&ctx);
    return answer;
}

/* the owner */
int main(void)
{
    const ckks_params params = { .log_n = 13, .num_primes = 3, .dnum = 3,
                                 .primes = { 49, 40, 40 },
                                 .num_special = 1, .special = { 49 } };
    const ckks_key_request wanted = { CKKS_KEY_RELIN, 0, 2 };
    static double x[SLOTS], y[SLOTS];
    ckks_ctx *ctx = NULL;
    ckks_rng rng = {0};
    ckks_sk *sk = NULL;
    ckks_keys *keys = NULL;
    ckks_pt pt = {0};
    ckks_ct ct = {0};
    bytes parameters, eval_keys, request, answer;
    double worst = 0;

    for (int j = 0; j < SLOTS; j++)
        x[j] = sin(0.01 * j);
    must(ckks_ctx_init(&ctx, &params));
    must(ckks_rng_init(&rng, NULL));
    must(ckks_sk_init(&sk, ctx, &rng));
    must(ckks_keys_init(&keys, &rng, sk, &wanted, 1));
    must(ckks_encode(&pt, ctx, x, NULL, SLOTS, 2, 0x1p40));
    must(ckks_encrypt_sk(&ct, &rng, &pt, sk));

    parameters = room(ckks_params_size(ctx));
    must(ckks_params_save(parameters.at, parameters.size, ctx));
    eval_keys = room(ckks_keys_size(keys));
    must(ckks_keys_save(eval_keys.at, eval_keys.size, keys));
    request = ct_bytes(&ct);
    answer = serve(parameters, eval_keys, request);
    printf("bytes to the server: parameters %zu, keys %zu, ciphertext %zu; "
           "back: %zu\n", parameters.size, eval_keys.size, request.size,
           answer.size);

    must(ckks_ct_load(&ct, ctx, answer.at, answer.size));
    must(ckks_decrypt(&pt, &ct, sk));
    must(ckks_decode(y, NULL, SLOTS, &pt));
    for (int j = 0; j < SLOTS; j++)
        worst = fmax(worst, fabs(y[j] - (x[j] * x[j] + x[j])));
    printf("worst error 2^%.1f\n", log2(worst));

    for (int i = 0; i < 4; i++)
        free((bytes[]){ parameters, eval_keys, request, answer }[i].at);
    ckks_ct_clear(&ct);
    ckks_pt_clear(&pt);
    ckks_keys_clear(&keys);
    ckks_sk_clear(&sk);
    ckks_rng_clear(&rng);
    ckks_ctx_clear(&ctx);
    return !(worst < 0x1p-20);
}
