/* world.c -- parameter sets, and the objects the rows work on. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* 128 bits of security each (docs/security.md).  2^15 is the one that the
 * figures elsewhere are for; digits fit into 2P. */
const measure_set bench_sets[BENCH_SETS] = {
    { 13,  3, 49, 40,  1, 49, 3, false },
    { 14,  7, 49, 40,  3, 46, 3, false },
    { 15, 18, 49, 40,  3, 46, 6, false },
    { 16, 31, 49, 40, 10, 49, 3, false }
};

static ckks_status world_memory(bench *b)
{
    const size_t n = ckks_ctx_slots(b->w.ctx), words = (size_t)bench_n(b);
    const ckks_memory memory = nn_pages_memory(b->w.pool);

    b->re_out = calloc(n, sizeof *b->re_out);
    b->im_out = calloc(n, sizeof *b->im_out);
    b->bad = memory.allocate(memory.user, words * sizeof *b->bad);
    if (b->re_out == NULL || b->im_out == NULL || b->bad == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu slots", n);
    memcpy(b->bad, b->w.limb, words * sizeof *b->bad);
    return CKKS_OK;
}

ckks_status bench_init(bench *b, const measure_set *set, const char *kernel)
{
    ckks_status s = measure_init(&b->w, set, kernel);

    if (s == CKKS_OK)
        s = world_memory(b);
    if (s != CKKS_OK)
        return s;
    for (int k = 0; k < BENCH_STEPS; k++)
        b->step[k] = 1 << k;
    s = ckks_mul_plain(&b->wide, &b->w.a, &b->w.pt);
    if (s == CKKS_OK)
        s = ckks_mul(&b->square, &b->w.a, &b->w.b);
    if (s != CKKS_OK)
        return nn_relay(s, NULL);
    b->file_size = ckks_ct_size(&b->wide);
    b->file = calloc(b->file_size, 1);
    return b->file != NULL ? CKKS_OK
                           : nn_fail(CKKS_EMEM, "no memory for %zu bytes",
                                     b->file_size);
}

static void world_clear_bad(bench *b)
{
    ckks_memory memory;

    if (b->bad == NULL)
        return;
    memory = nn_pages_memory(b->w.pool);
    memory.release(memory.user, b->bad, (size_t)bench_n(b) * sizeof *b->bad);
}

void bench_clear(bench *b)
{
    ckks_pt_clear(&b->pt_out);
    ckks_ct_clear(&b->wide);
    ckks_ct_clear(&b->square);
    ckks_ct_clear(&b->two);
    for (int k = 0; k < BENCH_STEPS; k++)
        ckks_ct_clear(&b->many[k]);
    ckks_pk_clear(&b->pk);
    ckks_keys_clear(&b->relin);
    ckks_keys_clear(&b->rotate);
    ckks_keys_clear(&b->conj);
    ckks_keys_clear(&b->hoist);
    ckks_keys_clear(&b->made);
    world_clear_bad(b);
    free(b->re_out);
    free(b->im_out);
    free(b->file);
    measure_clear(&b->w);
    memset(b, 0, sizeof *b);
}

/* ---- time --------------------------------------------------------------- */

typedef struct world_timed {
    bench_call call;
    bench *b;
} world_timed;

static ckks_status world_call(void *on)
{
    const world_timed *t = on;

    return t->call(t->b);
}

ckks_status bench_measure(measure_time *out, bench_call call, bench *b,
                          double seconds, int least)
{
    world_timed t = { call, b };

    return measure(out, world_call, &t, seconds, least);
}
