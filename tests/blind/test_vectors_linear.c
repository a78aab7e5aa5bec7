/* test_vectors_linear.c -- vectors/b1/linear.json: convolutions and squares of
 * shares with every byte that is sent, lifts, truncation. */
#include "blind/conv.h"
#include "blind/linear.h"
#include "blind/number.h"
#include "test.h"
#include "vectors_wire.h"

/* ---- what each side does alone ------------------------------------------- */

static void run_truncate(vec_case *c, void *with)
{
    size_t n;
    const blind_block *x = vec_blocks(c, "x", &n, 1);

    (void)with;
    for (int server = 0; server < 2; server++) {
        blind_share *y = vec_take(c, n * sizeof *y);

        for (size_t i = 0; i < n; i++)
            y[i] = blind_number(x[i]);
        blind_truncate(y, n, (int)vec_int(c, "shift"), server);
        vec_same_shares(c, server ? "server" : "client", y, n);
    }
}

static void run_lift(vec_case *c, void *with)
{
    const int bits = (int)vec_int(c, "bits"), limbs = blind_conv_limbs(bits);
    size_t words;
    const uint64_t *residue = vec_words(c, "residues", &words);
    const size_t n = words / (size_t)limbs;
    blind_share *out = vec_take(c, n * sizeof *out);
    blind_lift lift;
    blind_ring r;

    (void)with;
    if (!CHECK_OK(blind_ring_init(&r, blind_conv_log_n(bits), limbs,
                                  BLIND_CONV_BITS, 0)))
        return;
    for (int i = 0; i < limbs; i++)
        vec_prime(c, "primes", i, r.rns.mod[i].p);
    blind_lift_init(&lift, &r, (int)vec_int(c, "shift"));
    for (size_t i = 0; i < n; i++)
        out[i] = blind_lift_one(residue + i * (size_t)limbs, &lift);
    vec_same_shares(c, "out", out, n);
    blind_ring_clear(&r);
}

/* ---- both sides ---------------------------------------------------------- */

typedef struct linear_side {
    const uint8_t *seed;
    const blind_conv *conv;     /* NULL: squares                             */
    const int32_t *weight;
    const int64_t *bias, *map;
    blind_share *x, *out;       /* a square is in place                      */
    size_t count;
    int shift;
} linear_side;

static ckks_status linear_runs(side *s)
{
    linear_side *l = s->with;
    blind_party p = { .server = s->server, .wire = s->wire };
    ckks_rng rng;
    ckks_status st = ckks_rng_init(&rng, l->seed);

    p.rng = &rng;
    if (st == CKKS_OK)
        st = blind_he_open(&p, l->conv != NULL ? l->conv->bits : 20,
                           l->conv == NULL);
    if (st == CKKS_OK)
        st = l->conv == NULL
             ? blind_square(l->x, l->count, l->shift, &p)
             : blind_convolve(l->out, l->x, l->conv,
                              s->server ? l->weight : NULL,
                              s->server ? l->bias : NULL,
                              s->server ? l->map : NULL, &p);
    if (st == CKKS_OK)
        st = blind_wire_flush(s->wire);
    blind_he_close(&p);
    return st;
}

/* Shares of x of both sides, of count numbers. */
static void shares_of(linear_side l[2], vec_case *c, size_t count)
{
    int64_t *x = vec_take(c, count * sizeof *x);
    const blind_block *share = vec_seeded(c, "share", count);

    vec_numbers(x, count, c, "x");
    for (int i = 0; i < 2; i++)
        l[i].x = vec_take(c, count * sizeof *l[i].x);
    for (size_t i = 0; i < count; i++) {
        l[0].x[i] = blind_number(share[i]);
        l[1].x[i] = (blind_share)(blind_signed)x[i] - l[0].x[i];
    }
    l[0].seed = vec_bytes(c, "clientSeed", CKKS_SEED_BYTES);
    l[1].seed = vec_bytes(c, "serverSeed", CKKS_SEED_BYTES);
}

static void vec_axes(int out[3], const vec_case *c, const char *key)
{
    int64_t v[3] = { 0 };

    vec_ints(v, 3, c, key);
    for (int a = 0; a < 3; a++)
        out[a] = (int)v[a];
}

static blind_conv conv_of(vec_case *c)
{
    const nni_json_node *t = vec_input(c, "transposed");
    blind_conv v = { .transposed = t != NULL && t->kind == NN_JSON_TRUE,
                     .dims = (int)vec_int(c, "dims"),
                     .in = (int)vec_int(c, "in"),
                     .out = (int)vec_int(c, "out"),
                     .stride = (int)vec_int(c, "stride"),
                     .shift = (int)vec_int(c, "shift"),
                     .bits = (int)vec_int(c, "bits"), .log_sum = 39 };

    vec_axes(v.size, c, "size");
    vec_axes(v.out_size, c, "outSize");
    vec_axes(v.kernel, c, "kernel");
    vec_axes(v.before, c, "before");
    return v;
}

static int64_t *numbers_of(vec_case *c, const char *key, size_t count)
{
    int64_t *x = vec_take(c, count * sizeof *x);

    vec_numbers(x, count, c, key);
    return x;
}

static void compare_tiling(vec_case *c, const blind_tiling *t)
{
    const int64_t got[] = {
        t->out[0], t->out[1], t->out[2], t->in[0], t->in[1], t->in[2],
        t->tiles[0], t->tiles[1], t->tiles[2], (int64_t)t->pitch[0],
        (int64_t)t->pitch[1], (int64_t)t->pitch[2], (int64_t)t->extent,
        (int64_t)t->first, (int64_t)t->block, t->pack_in, t->pack_out
    };

    vec_same_ints(c, "tiling", got, sizeof got / sizeof *got);
}

static void run_convolve(vec_case *c, void *with)
{
    const blind_conv v = conv_of(c);
    size_t weights = (size_t)v.in * (size_t)v.out, in = (size_t)v.in;
    size_t out = (size_t)v.out;
    linear_side l[2] = { { .conv = &v }, { .conv = &v } };
    const int64_t *wide;
    blind_conv_plan k;
    int32_t *weight;

    (void)with;
    for (int a = 0; a < 3; a++) {
        weights *= (size_t)v.kernel[a];
        in *= (size_t)v.size[a];
        out *= (size_t)v.out_size[a];
    }
    if (!CHECK_OK(blind_conv_plan_make(&k, &v)))
        return;
    compare_tiling(c, &k.t);
    shares_of(l, c, in);
    wide = numbers_of(c, "weight", weights);
    weight = vec_take(c, weights * sizeof *weight);
    for (size_t i = 0; i < weights; i++)
        weight[i] = (int32_t)wide[i];
    l[1].weight = weight;
    l[1].bias = numbers_of(c, "bias", (size_t)v.out);
    if (nni_json_get(c->doc, c->input, "map") != NULL)
        l[1].map = numbers_of(c, "map", out);
    for (int i = 0; i < 2; i++)
        l[i].out = vec_take(c, out * sizeof *l[i].out);
    if (!vec_sides(c, linear_runs, &l[0], linear_runs, &l[1]))
        return;
    vec_same_shares(c, "client", l[0].out, out);
    vec_same_shares(c, "server", l[1].out, out);
}

static void run_square(vec_case *c, void *with)
{
    linear_side l[2] = { { 0 }, { 0 } };
    const size_t count = (size_t)vec_int(c, "count");
    blind_ring r;

    (void)with;
    shares_of(l, c, count);
    for (int i = 0; i < 2; i++) {
        l[i].count = count;
        l[i].shift = (int)vec_int(c, "shift");
    }
    if (!CHECK_OK(blind_ring_init(&r, BLIND_SQUARE_LOG_N, BLIND_SQUARE_LIMBS,
                                  BLIND_SQUARE_BITS, BLIND_PLAIN_BITS)))
        return;
    for (int i = 0; i < BLIND_SQUARE_LIMBS + BLIND_PLAIN; i++)
        vec_prime(c, i < BLIND_SQUARE_LIMBS ? "primes" : "plain",
                  i % BLIND_SQUARE_LIMBS, r.rns.mod[i].p);
    blind_ring_clear(&r);
    if (!vec_sides(c, linear_runs, &l[0], linear_runs, &l[1]))
        return;
    vec_same_shares(c, "client", l[0].x, count);
    vec_same_shares(c, "server", l[1].x, count);
}

TEST(vectors_of_linear_steps)
{
    vec_each("linear", "truncate", run_truncate, NULL);
    vec_each("linear", "lift", run_lift, NULL);
    vec_each("linear", "convolve", run_convolve, NULL);
    vec_each("linear", "square", run_square, NULL);
}
