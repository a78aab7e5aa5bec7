/* test_network_faults.c -- nn_run when memory gives out: a status, no output,
 * nothing lost.
 */
#include "net_support.h"

/* Counts allocations, whatever thread asks, and refuses number `fail`. */
typedef struct miser {
    _Atomic long count;
    long fail;
    _Atomic size_t used;
} miser;

static void *miser_allocate(void *user, size_t size)
{
    miser *m = user;
    void *p = m->count++ == m->fail
            ? NULL : aligned_alloc(64, (size + 63) / 64 * 64);

    if (p != NULL)
        m->used += size;
    return p;
}

static void miser_release(void *user, void *p, size_t size)
{
    miser *m = user;

    free(p);
    m->used -= size;
}

typedef struct setting {
    miser m;
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    ckks_keys *keys;
    ckks_ct *in, *out;
} setting;

static bool setting_init(setting *s, const rig *r)
{
    ckks_memory memory = { miser_allocate, miser_release, &s->m };

    s->m.fail = -1;
    s->in = calloc((size_t)nn_plan_inputs(&r->p), sizeof *s->in);
    s->out = calloc((size_t)nn_plan_outputs(&r->p), sizeof *s->out);
    return CHECK(s->in != NULL && s->out != NULL, "no memory")
           && NN_OK(nn_plan_context(&s->ctx, &r->p, &memory))
           && CHECK_OK(ckks_rng_init(&s->rng, NULL))
           && CHECK_OK(ckks_sk_init(&s->sk, s->ctx, &s->rng))
           && CHECK_OK(ckks_keys_init(&s->keys, &s->rng, s->sk, r->p.key,
                                      r->p.num_keys));
}

static void setting_clear(setting *s)
{
    ckks_keys_clear(&s->keys);
    ckks_sk_clear(&s->sk);
    ckks_rng_clear(&s->rng);
    ckks_ctx_clear(&s->ctx);
    CHECK(s->m.used == 0, "%zu bytes were not given back", s->m.used);
    free(s->in);
    free(s->out);
}

/* One run in which allocation number `fail` is refused; how many there were,
 * -1 if the inputs could not be made. */
static long run_once(setting *s, const rig *r, long fail)
{
    size_t slots = r->p.layout.slots, before = s->m.used;
    ckks_pt pt = { 0 };
    ckks_status st;
    long count;
    bool ok = true;

    for (int i = 0; i < nn_plan_inputs(&r->p) && ok; i++)
        ok = CHECK_OK(ckks_encode(&pt, s->ctx, r->in + (size_t)i * slots,
                                  NULL, slots, r->p.in_level, r->p.in_scale))
             && CHECK_OK(ckks_encrypt_sk(&s->in[i], &s->rng, &pt, s->sk));
    ckks_pt_clear(&pt);
    s->m.count = 0;
    s->m.fail = fail;
    st = nn_run(s->out, s->in, &r->p, r->w, s->keys, NULL);
    count = s->m.count;
    s->m.fail = -1;
    CHECK(st == (fail < 0 ? CKKS_OK : CKKS_EMEM),
          "allocation %ld of a run refused: %s (%s)", fail,
          ckks_status_name(st), nn_last_error());
    for (int i = 0; i < nn_plan_outputs(&r->p); i++) {
        CHECK((s->out[i].limb != NULL) == (st == CKKS_OK),
              "allocation %ld refused: output %d", fail, i);
        ckks_ct_clear(&s->out[i]);
    }
    for (int i = 0; i < nn_plan_inputs(&r->p); i++)
        ckks_ct_clear(&s->in[i]);
    CHECK(s->m.used == before, "allocation %ld refused: %zu bytes before, %zu "
          "behind", fail, before, s->m.used);
    return ok ? count : -1;
}

static void all_failures(const char *name, nn_border border)
{
    const net_kind *k = net_kind_named(name);
    setting s = { 0 };
    rig_shape shape;
    rig r = { 0 };

    if (CHECK(rig_shape_at(&shape, k, border, 0), "no shape")
        && rig_init(&r, &shape, k->build) && setting_init(&s, &r)) {
        long all = run_once(&s, &r, -1), step = all / 60 + 1;

        CHECK(all > 10, "%ld allocations", all);
        for (long i = 0; i < all; i += test_long() ? 1 : step)
            run_once(&s, &r, i);
        run_once(&s, &r, -1);
    }
    setting_clear(&s);
    rig_clear(&r);
}

TEST(network_without_memory)
{
    all_failures("pool", NN_HALO);
    all_failures("skips", NN_WRAP);
    all_failures("norm", NN_ZERO);
}
