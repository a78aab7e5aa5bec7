/* test_keys_by_stage.c -- keys that are read as stages need them: which are
 * held when, by the definition; the same ciphertexts as with all keys in
 * memory, set after set; the memory that the planner says; a file that fails. */
#include "net_support.h"
#include "stage/keys.h"
#include "stage/weights.h"

#include <limits.h>
#include <math.h>

/* Networks, of which some have key switchings enough for their keys. */
static const struct { const char *net; bool halved; rig_shape s; } runs[] = {
    { "unet 1", false, { NN_HALO, 11, 2, 2, 16, 16, 1, 1, NN_SLOTS_ANY } },
    { "unet 2", false, { NN_HALO, 11, 4, 4, 16, 16, 1, 1, NN_SLOTS_ANY } },
    { "unet 2", true, { NN_HALO, 9, 4, 4, 12, 20, 1, 1, NN_SLOTS_COMPLEX } },
    { "unet 1", false, { NN_ZERO, 11, 2, 2, 16, 16, 1, 1, NN_SLOTS_ANY } }
};
enum { RUNS = sizeof runs / sizeof *runs, MOST_OUT = 256 };

static bool start(rig *r, size_t i)
{
    return rig_init(r, &runs[i].s, net_kind_named(runs[i].net)->build)
           && (!runs[i].halved
               || CHECK(rig_halve(r, &runs[i].s) > 0, "nothing alternates"));
}

/* ---- which are held ------------------------------------------------------ */

/* The level at which stage k uses a key; -1: it does not. */
static int used_at(const nn_weights *w, int k, const ckks_key_request *key)
{
    static nni_keys one;
    int level = -1;

    one.count = 0;
    NN_OK(nni_stage_keys(&one, &w->placed, k, &w->map[k]));
    for (size_t i = 0; i < one.count; i++)
        if (one.key[i].kind == key->kind && one.key[i].step == key->step)
            level = one.key[i].level;
    return level;
}

/* The highest of stages k and later. */
static int used_from(const nn_weights *w, int k, const ckks_key_request *key)
{
    int level = -1;

    for (; k < w->placed.num_stages; k++)
        if (used_at(w, k, key) > level)
            level = used_at(w, k, key);
    return level;
}

/* What nni_held_at says of a key. */
static int held_at(const nni_held *h, int k, const ckks_key_request *key)
{
    ckks_key_request list[NN_MAX_KEYS];
    int level = -1;

    for (size_t n = nni_held_at(list, h, k); n-- > 0;)
        if (list[n].kind == key->kind && list[n].step == key->step)
            level = list[n].level;
    return level;
}

TEST(keys_held_by_definition)
{
    int late = 0, early = 0;    /* keys that come and go in the midst        */

    for (size_t i = 0; i < RUNS; i++) {
        rig r = { 0 };
        nni_held h = { 0 };

        if (start(&r, i)
            && NN_OK(nni_held_init(&h, &r.w->placed, r.w->map))) {
            CHECK(h.all.count == r.p.num_keys
                      && memcmp(h.all.key, r.p.key,
                                h.all.count * sizeof *h.all.key) == 0,
                  "%s: other keys than the plan's", runs[i].net);
            for (size_t j = 0; j < h.all.count; j++) {
                bool came = false;

                for (int k = 0; k < h.stages; k++) {
                    const int later = used_from(r.w, k, &h.all.key[j]);

                    came |= used_at(r.w, k, &h.all.key[j]) >= 0;
                    CHECK(held_at(&h, k, &h.all.key[j])
                              == (came ? later : -1),
                          "%s: key %zu in stage %d: level %d, want %d",
                          runs[i].net, j, k, held_at(&h, k, &h.all.key[j]),
                          came ? later : -1);
                }
                CHECK(came, "%s: key %zu is never held", runs[i].net, j);
                late += held_at(&h, 0, &h.all.key[j]) < 0;
                early += held_at(&h, h.stages - 2, &h.all.key[j]) < 0;
            }
        }
        nni_held_clear(&h);
        rig_clear(&r);
    }
    CHECK(late > 0 && early > 0, "%d keys come late, %d go early", late,
          early);
}

/* ---- runs ---------------------------------------------------------------- */

/* What one side makes and the other gets: bytes. */
typedef struct bytes {
    uint8_t *at;
    size_t size;
} bytes;

typedef struct parcel {
    bytes keys, in[64], out[MOST_OUT];
    int n_in, n_out;
    long reads, most;           /* of the keys' file; no more than so many   */
} parcel;

static ckks_status parcel_read(void *user, uint64_t at, void *out, size_t size)
{
    parcel *p = user;

    if (++p->reads > p->most || at > p->keys.size
        || size > p->keys.size - at)
        return CKKS_EIO;
    memcpy(out, p->keys.at + at, size);
    return CKKS_OK;
}

static bool put(bytes *to, const ckks_ct *ct)
{
    to->size = ckks_ct_size(ct);
    to->at = malloc(to->size);
    return CHECK(to->at != NULL, "no memory")
           && CHECK_OK(ckks_ct_save(to->at, to->size, ct));
}

/* The owner's side, and the network with all keys in memory. */
static bool pack(parcel *p, const rig *r)
{
    const int n_in = nn_plan_inputs(&r->p), n_out = nn_plan_outputs(&r->p);
    ckks_ctx *ctx = NULL;
    ckks_rng rng = { 0 };
    ckks_sk *sk = NULL;
    ckks_keys *keys = NULL;
    ckks_pt pt = { 0 };
    ckks_ct *in = calloc((size_t)(n_in + n_out), sizeof *in);
    bool ok = CHECK(in != NULL && n_in <= 64 && n_out <= MOST_OUT, "%d, %d",
                    n_in, n_out)
              && NN_OK(nn_plan_context(&ctx, &r->p, NULL))
              && CHECK_OK(ckks_rng_init(&rng, NULL))
              && CHECK_OK(ckks_sk_init(&sk, ctx, &rng))
              && CHECK_OK(ckks_keys_init(&keys, &rng, sk, r->p.key,
                                         r->p.num_keys));

    *p = (parcel){ .n_in = n_in, .n_out = n_out, .most = LONG_MAX };
    for (int i = 0; i < n_in && ok; i++)
        ok = CHECK_OK(ckks_encode(&pt, ctx, r->in
                                      + (size_t)i * r->p.layout.slots, NULL,
                                  r->p.layout.slots, r->p.in_level,
                                  r->p.in_scale))
             && CHECK_OK(ckks_encrypt_sk(&in[i], &rng, &pt, sk))
             && put(&p->in[i], &in[i]);
    if (ok) {
        p->keys.size = ckks_keys_size(keys);
        p->keys.at = malloc(p->keys.size);
        ok = CHECK_OK(ckks_keys_save(p->keys.at, p->keys.size, keys))
             && NN_OK(nn_run(in + n_in, in, &r->p, r->w, keys, NULL));
    }
    for (int i = 0; i < n_out && ok; i++)
        ok = put(&p->out[i], &in[n_in + i]);
    for (int i = 0; in != NULL && i < n_in + n_out; i++)
        ckks_ct_clear(&in[i]);
    free(in);
    ckks_pt_clear(&pt);
    ckks_keys_clear(&keys);
    ckks_sk_clear(&sk);
    ckks_rng_clear(&rng);
    ckks_ctx_clear(&ctx);
    return ok;
}

static void unpack(parcel *p)
{
    free(p->keys.at);
    for (int i = 0; i < p->n_in; i++)
        free(p->in[i].at);
    for (int i = 0; i < p->n_out; i++)
        free(p->out[i].at);
}

/* The server's side, once. */
static ckks_status run_set(ckks_ct *ct, const parcel *p, const rig *r,
                           const ckks_ctx *ctx, ckks_keys *keys)
{
    ckks_status st = CKKS_OK;

    for (int i = 0; i < p->n_in && st == CKKS_OK; i++)
        st = nn_relay(ckks_ct_load(&ct[i], ctx, p->in[i].at, p->in[i].size),
                      NULL);
    return st == CKKS_OK ? nn_run(ct + p->n_in, ct, &r->p, r->w, keys, NULL)
                         : st;
}

static void compare(const ckks_ct *ct, const parcel *p, const char *what)
{
    for (int i = 0; i < p->n_out; i++) {
        bytes got = { 0 };

        if (put(&got, &ct[p->n_in + i]))
            CHECK(got.size == p->out[i].size
                      && memcmp(got.at, p->out[i].at, got.size) == 0,
                  "%s: output %d differs", what, i);
        free(got.at);
    }
}

static void clear(ckks_ct *ct, int n)
{
    for (int i = 0; i < n; i++)
        ckks_ct_clear(&ct[i]);
}

static void check_memory(const nn_pages *pool, const nn_plan *p,
                         const char *what)
{
    const double got = (double)nn_pages_peak(pool), want = p->peak_bytes;

    CHECK(fabs(want / got - 1) < 0.06, "%s: predicted %.0f KiB, used %.0f",
          what, want / 1024, got / 1024);
    test_note("%s: %.3f of what was used", what, want / got);
}

/* Two sets, then one whose keys end halfway. */
static void check_run(const rig *r, parcel *p, const char *what)
{
    ckks_ct *ct = calloc((size_t)(p->n_in + p->n_out), sizeof *ct);
    const ckks_source from = { parcel_read, p, p->keys.size };
    nn_pages *pool = NULL;
    ckks_memory memory;
    ckks_ctx *ctx = NULL;
    ckks_keys *keys = NULL;
    long before, one = 0;

    if (CHECK(ct != NULL, "no memory") && NN_OK(nn_pages_init(&pool))) {
        memory = nn_pages_memory(pool);
        if (NN_OK(nn_plan_context(&ctx, &r->p, &memory))
            && CHECK_OK(ckks_keys_open(&keys, ctx, &from)))
            for (int set = 0; set < 2; set++) {
                before = p->reads;
                if (NN_OK(run_set(ct, p, r, ctx, keys)))
                    compare(ct, p, what);
                clear(ct, p->n_in + p->n_out);
                if (set == 0 && r->p.keys_by_stage)
                    check_memory(pool, &r->p, what);
                one = p->reads - before;
            }
    }
    if (keys != NULL) {
        p->most = p->reads + one / 2;
        NN_STATUS(run_set(ct, p, r, ctx, keys), CKKS_EIO);
        CHECK(strncmp(nn_last_error(), "the evaluation keys: ", 21) == 0
                  && ct[p->n_in].limb == NULL, "%s", nn_last_error());
        p->most = LONG_MAX;
        clear(ct, p->n_in);
        if (NN_OK(run_set(ct, p, r, ctx, keys)))
            compare(ct, p, what);
    }
    clear(ct, p->n_in + p->n_out);
    free(ct);
    ckks_keys_clear(&keys);
    ckks_ctx_clear(&ctx);
    nn_pages_clear(&pool);
}

TEST(keys_by_stage_give_the_same_ciphertexts)
{
    int staged = 0;

    for (size_t i = 0; i < RUNS; i++) {
        static parcel p;
        rig r = { 0 };

        if (start(&r, i)) {
            staged += r.p.keys_by_stage;
            if (pack(&p, &r))
                check_run(&r, &p, runs[i].net);
            unpack(&p);
        }
        rig_clear(&r);
    }
    CHECK(staged > 0 && staged < RUNS, "%d of %d networks read keys by stage",
          staged, RUNS);
}
