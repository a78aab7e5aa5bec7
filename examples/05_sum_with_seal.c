/* 05_sum_with_seal.c -- an encrypted sum that SEAL began and Volley ends.
 * In examples/data/seal lie files of SEAL: its parameters and keys, and r_add,
 * the sum of two encrypted vectors of 16 numbers.  A server with Volley takes
 * them as they are, adds a third vector, which it encrypts with SEAL's public
 * key, and adds up the slots with SEAL's Galois keys.  The answer is a file of
 * SEAL again.  Then the owner, who has SEAL's secret key, decrypts it.
 *
 *     build/examples/05_sum_with_seal [FOLDER] [ANSWER]
 *
 * N = 32 hides nothing: the files are small so that they can lie here.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ckks_seal.h"

enum { SLOTS = 16 };

static void must(ckks_status s)
{
    if (s != CKKS_OK) {
        fprintf(stderr, "%s: %s\n", ckks_status_name(s), ckks_last_error());
        exit(1);
    }
}

static uint8_t *from(size_t *size, const char *folder, const char *name)
{
    char path[1000];
    uint8_t *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    must(ckks_file_read(&file, size, path, 1 << 20));
    return file;
}

/* LOAD(pk, &pk, ctx, "pk"): an object of SEAL from a file of the folder. */
#define LOAD(kind, out, ctx, name)                                        \
    do {                                                                  \
        size_t size_;                                                     \
        uint8_t *file_ = from(&size_, folder, name);                      \
        must(ckks_seal_##kind##_load(out, ctx, file_, size_));            \
        ckks_file_free(file_, size_);                                     \
    } while (0)

/* What SEAL encrypted: slots j of the two vectors (tests/seal/seal.js). */
static double seal_slots(int j)
{
    return (j * 7919 % 1000) / 1000.0 - 0.5 + (j * 104729 % 1000) / 500.0 - 1;
}

/* the server: no secret key */
static void serve(ckks_ct *sum, const ckks_ctx *ctx, const char *folder)
{
    double z[SLOTS];
    ckks_rng rng = {0};
    ckks_pk *pk = NULL;
    ckks_keys *keys = NULL;
    ckks_ct ct = {0};
    ckks_pt pt = {0};

    LOAD(pk, &pk, ctx, "pk");
    LOAD(galois, &keys, ctx, "galois");
    LOAD(ct, sum, ctx, "r_add");
    for (int j = 0; j < SLOTS; j++)
        z[j] = 0.25 * j;
    must(ckks_rng_init(&rng, NULL));
    must(ckks_encode(&pt, ctx, z, NULL, SLOTS, sum->level, sum->scale));
    must(ckks_encrypt(&ct, &rng, &pt, pk));
    must(ckks_add(sum, sum, &ct));
    for (int step = SLOTS / 2; step > 0; step /= 2) {
        must(ckks_rotate(&ct, sum, keys, step));
        must(ckks_add(sum, sum, &ct));
    }
    ckks_pt_clear(&pt);
    ckks_ct_clear(&ct);
    ckks_pk_clear(&pk);
    ckks_keys_clear(&keys);
    ckks_rng_clear(&rng);
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "examples/data/seal";
    ckks_params params;
    ckks_ctx *ctx = NULL;
    ckks_sk *sk = NULL;
    ckks_ct ct = {0};
    ckks_pt pt = {0};
    static uint8_t answer[1 << 12];         /* as SEAL writes it             */
    double got = 0, want = 0;
    size_t size;
    uint8_t *file = from(&size, folder, "parms");

    must(ckks_seal_params_load(&params, file, size));
    ckks_file_free(file, size);
    params.security = CKKS_INSECURE;        /* never for more than a demo    */
    must(ckks_ctx_init(&ctx, &params));
    serve(&ct, ctx, folder);
    size = ckks_seal_ct_size(&ct);          /* 113 + 16 * 32 * 3 bytes       */
    must(ckks_seal_ct_save(answer, size, &ct));
    if (argc > 2)
        must(ckks_file_write(argv[2], answer, size, 0644));

    LOAD(sk, &sk, ctx, "sk");
    must(ckks_seal_ct_load(&ct, ctx, answer, size));
    must(ckks_decrypt(&pt, &ct, sk));
    must(ckks_decode(&got, NULL, 1, &pt));
    for (int j = 0; j < SLOTS; j++)
        want += seal_slots(j) + 0.25 * j;
    printf("begun in SEAL, ended in Volley: %.9f; in clear %.9f\n", got, want);

    ckks_pt_clear(&pt);
    ckks_ct_clear(&ct);
    ckks_sk_clear(&sk);
    ckks_ctx_clear(&ctx);
    return !(fabs(got - want) < 1e-6);
}
