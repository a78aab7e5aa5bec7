/* forge.c -- a server written to deceive: results that no network computed.
 *
 *   forge KIND PLAN IN.vct OUT.vct [HONEST.vct]
 *
 * writes OUT.vct, a "result" of the request of IN.vct, without any key:
 *
 *   zero       c_1 = 0
 *   constant   c_1 = K
 *   sparse     c_1 = K (1 + X^3 + X^(N/4))
 *   even       every coefficient of c_1 is K
 *   slot       c_1 = K at one place of its NTT form
 *   small      coefficients of c_1 in -K..K, pseudo-random
 *   upload     c_1 and c_0 of an uploaded ciphertext, brought to the level
 *   rescaled   an uploaded ciphertext brought one level above, rescaled, + K
 *   plus       HONEST.vct with K added to c_1 of each ciphertext
 *   stamp      HONEST.vct under the request of IN.vct
 *
 * c_0 is t in the first six.  tests/scripts/malice.sh says which of these must be
 * refused, and which are not seen.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ckks_primitives.h"
#include "unet.h"

enum { K = 1 << 20, T = 12345 };

typedef struct server {
    const char *kind;
    nn_plan plan;
    ckks_ctx *ctx;
    unet_reader *in, *honest;
    unet_info info;
    ckks_ct up;             /* the first uploaded ciphertext                 */
} server;

static void must(ckks_status s)
{
    if (s == CKKS_OK)
        return;
    fprintf(stderr, "forge: %s / %s\n", nn_last_error(), ckks_last_error());
    exit(3);
}

static void check(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "forge: %s\n", what);
    exit(3);
}

static size_t degree(const server *v)
{
    return (size_t)1 << ckks_ctx_log_n(v->ctx);
}

static int is(const server *v, const char *kind)
{
    return strcmp(v->kind, kind) == 0;
}

/* Coefficients of c_1 modulo q. */
static void coefficients(uint64_t *x, const server *v, uint64_t q)
{
    const size_t n = degree(v);
    uint32_t state = 1;

    memset(x, 0, n * sizeof *x);
    if (is(v, "constant"))
        x[0] = K;
    if (is(v, "sparse"))
        x[0] = x[3] = x[n / 4] = K;
    for (size_t j = 0; j < n && is(v, "even"); j++)
        x[j] = K;
    for (size_t j = 0; j < n && is(v, "small"); j++) {
        state = state * 1664525u + 1013904223u;
        x[j] = (q + state % (2 * K + 1) - K) % q;
    }
}

/* c_1 of one of the first six kinds, c_0 = T. */
static void make_ct(ckks_ct *ct, const server *v)
{
    const size_t n = degree(v);
    const int limbs = ct->level + 1;

    for (int l = 0; l < limbs; l++) {
        uint64_t *c0 = ct->limb + (size_t)l * n;
        uint64_t *c1 = ct->limb + (size_t)(limbs + l) * n;

        for (size_t j = 0; j < n; j++)
            c0[j] = T;
        coefficients(c1, v, ckks_ctx_prime(v->ctx, l));
        must(ckks_ntt(c1, v->ctx, l));
        if (is(v, "slot"))
            c1[7] = K;
    }
}

static void add_constant(ckks_ct *ct, const server *v)
{
    const size_t n = degree(v);
    const int limbs = ct->level + 1;

    for (int l = 0; l < limbs; l++) {
        const uint64_t q = ckks_ctx_prime(v->ctx, l);
        uint64_t *c1 = ct->limb + (size_t)(limbs + l) * n;

        for (size_t j = 0; j < n; j++)
            c1[j] = (c1[j] + 1000) % q;
    }
    ct->seeded = 0;
}

static void next(ckks_ct *ct, server *v)
{
    const int level = v->plan.out_level;

    if (is(v, "plus") || is(v, "stamp")) {
        must(unet_reader_next(ct, v->honest, v->ctx));
        if (is(v, "plus"))
            add_constant(ct, v);
    } else if (is(v, "rescaled")) {
        must(ckks_drop_level(ct, &v->up, level + 1));
        ct->scale = 0x1p60;             /* whatever it was: it is a forger's */
        must(ckks_rescale(ct, ct));
        ct->scale = v->plan.out_scale;
        add_constant(ct, v);
    } else {
        must(ckks_drop_level(ct, &v->up, level));
        ct->scale = v->plan.out_scale;
        ct->seeded = 0;
        if (!is(v, "upload"))
            make_ct(ct, v);
    }
}

static void open_all(server *v, char **word, const char *honest)
{
    uint8_t *data = NULL;
    size_t size;

    must(ckks_file_read(&data, &size, word[0], 1 << 22));
    must(nn_plan_load(&v->plan, (const char *)data, size));
    ckks_file_free(data, size);
    must(nn_plan_context(&v->ctx, &v->plan, NULL));
    must(unet_reader_open(&v->in, word[1], &v->plan, UNET_INPUT));
    unet_reader_info(&v->info, v->in);
    must(unet_reader_next(&v->up, v->in, v->ctx));
    if (honest != NULL)
        must(unet_reader_open(&v->honest, honest, &v->plan, UNET_OUTPUT));
}

int main(int argc, char **argv)
{
    static server v;
    unet_writer *w = NULL;
    ckks_ct ct = {0};
    size_t count;

    check(argc >= 5, "KIND PLAN IN OUT [HONEST]");
    v.kind = argv[1];
    check(argc == 5 + (is(&v, "plus") || is(&v, "stamp")), "HONEST?");
    open_all(&v, argv + 2, argc > 5 ? argv[5] : NULL);
    count = unet_reader_job(v.in)->sets * (size_t)nn_plan_outputs(&v.plan);
    must(unet_writer_open(&w, argv[4], &v.plan, unet_reader_job(v.in),
                          UNET_OUTPUT, v.info.request, NULL));
    for (size_t i = 0; i < count; i++) {
        next(&ct, &v);
        must(unet_writer_put(w, &ct));
    }
    must(unet_writer_finish(w, NULL));
    unet_writer_clear(&w);
    ckks_ct_clear(&ct);
    ckks_ct_clear(&v.up);
    unet_reader_close(&v.in);
    unet_reader_close(&v.honest);
    ckks_ctx_clear(&v.ctx);
    return 0;
}
