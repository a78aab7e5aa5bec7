/* revolver_support.c -- its contracts are in
 * revolver_support.h. */
#include "revolver_support.h"

const ckks_params vr_small_params = {
    .log_n = 7, .num_primes = 4, .primes = { 48, 40, 40, 40 },
    .num_special = 1, .special = { 48 }, .dnum = 4,
    .security = CKKS_INSECURE
};

bool vr_bench_open(vr_bench *b, const ckks_params *p, size_t width)
{
    uint8_t seed[CKKS_SEED_BYTES] = { 29 };

    memset(b, 0, sizeof *b);
    b->top = p->num_primes - 1;
    b->n = ldexp(1, p->log_n);
    b->scale = 0x1p40;
    return CHECK_OK(ckks_ctx_init(&b->ctx, p))
           && CHECK_OK(ckks_rng_init(&b->rng, seed))
           && CHECK_OK(ckks_sk_init(&b->sk, b->ctx, &b->rng))
           && CHECK_OK(ckks_pk_init(&b->pk, &b->rng, b->sk))
           && NN_OK(uni_vr_init(&b->vr, ckks_ctx_slots(b->ctx), width,
                                 NULL));
}

bool vr_bench_keys(vr_bench *b, const uni_vr_keys *k)
{
    ckks_keys_clear(&b->keys);
    if (k->count > 0
        && !CHECK_OK(ckks_keys_init(&b->keys, &b->rng, b->sk, k->key,
                                    k->count)))
        return false;
    b->vr.keys = b->keys;
    return true;
}

void vr_bench_close(vr_bench *b)
{
    ckks_keys_clear(&b->keys);
    ckks_pk_clear(&b->pk);
    ckks_sk_clear(&b->sk);
    ckks_rng_clear(&b->rng);
    ckks_ctx_clear(&b->ctx);
}

size_t vr_bench_slots(const vr_bench *b)
{
    return b->vr.rows * b->vr.columns;
}

bool vr_encrypt(vr_bench *b, ckks_ct *ct, const double *slots,
                int level)
{
    ckks_pt pt = { 0 };
    bool ok = CHECK_OK(ckks_encode(&pt, b->ctx, slots, NULL,
                                   vr_bench_slots(b), level, b->scale))
              && CHECK_OK(ckks_encrypt_sk(ct, &b->rng, &pt, b->sk));

    ckks_pt_clear(&pt);
    return ok;
}

bool vr_decrypt(vr_bench *b, double *slots, const ckks_ct *ct)
{
    ckks_pt pt = { 0 };
    bool ok = CHECK_OK(ckks_decrypt(&pt, ct, b->sk))
              && CHECK_OK(ckks_decode(slots, NULL, vr_bench_slots(b), &pt));

    ckks_pt_clear(&pt);
    return ok;
}

void vr_random(double *x, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (double)(int64_t)test_word(&seed) * 0x1p-63;
}

/* ---- errors ------------------------------------------------------------- */

double vr_fresh(const vr_bench *b)
{
    return b->n * 10.5 / 2 / (b->scale * b->scale);
}

double vr_rounding(const vr_bench *b)
{
    return b->n * (1 + 2 * b->n / 3) / 24 / (b->scale * b->scale);
}

double vr_rotation(const vr_bench *b, int level)
{
    double sum = 0;

    for (int i = 0; i <= level; i++)
        sum += pow((double)ckks_ctx_prime(b->ctx, i)
                       / (double)ckks_ctx_special(b->ctx, 0), 2);
    return vr_rounding(b)
           + b->n * b->n * 10.5 / 24 * sum / (b->scale * b->scale);
}

void vr_judge(const char *what, const double *got, size_t stride,
              const double *want, size_t rows, size_t columns,
              double variance, double factor)
{
    double sum = 0, worst = 0, rms;
    size_t at = 0;

    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            double d = fabs(got[i * stride + j] - want[i * columns + j]);

            sum += d * d;
            if (!(d <= worst)) {
                worst = d;
                at = i * columns + j;
            }
        }
    rms = sqrt(sum / (double)(rows * columns));
    CHECK(rms < factor * sqrt(variance), "%s: rms error %g, predicted %g",
          what, rms, sqrt(variance));
    CHECK(rms > sqrt(variance) / (2 * factor) || rows * columns < 8,
          "%s: rms error %g, predicted %g", what, rms, sqrt(variance));
    CHECK(worst < 15 * sqrt(variance), "%s: entry %zu is %.9g off, sd %g",
          what, at, worst, sqrt(variance));
}

void vr_check_cost(const char *what, const uni_vr_cost *done,
                   const uni_vr_cost *plan)
{
    CHECK(memcmp(done, plan, sizeof *done) == 0, "%s: done %ld rotations, %ld "
          "products, %ld plain, %ld relins, %ld rescales; planned %ld, %ld, "
          "%ld, %ld, %ld", what, done->rotations, done->products, done->plain,
          done->relins, done->rescales, plan->rotations, plan->products,
          plan->plain, plan->relins, plan->rescales);
}

void vr_check_place(const char *what, const vr_bench *b,
                    const ckks_ct *ct, int level)
{
    CHECK(ct->level == level && ct->degree == 1
          && fabs(ct->scale / b->scale - 1) < 0x1p-40, "%s: level %d, scale "
          "2^%.12f, degree %d", what, ct->level, log2(ct->scale), ct->degree);
}

/* ---- the product -------------------------------------------------------- */

/* a: (m, inner), bt: (p, inner); c = A B by definition. */
static void product_naive(double *c, const double *a, const double *bt,
                          const vr_product_case *k)
{
    for (size_t i = 0; i < k->m; i++)
        for (size_t j = 0; j < k->p; j++) {
            c[i * k->p + j] = 0;
            for (size_t l = 0; l < k->inner; l++)
                c[i * k->p + j] += a[i * k->inner + l] * bt[j * k->inner + l];
        }
}

double *vr_doubles(size_t n)
{
    double *x = calloc(n + 1, sizeof *x);

    if (x == NULL)
        abort();
    return x;
}

/* Columns from, from + 1, ..., count of them. */
static void cut(double *out, const double *x, size_t rows, size_t length,
                size_t from, size_t count)
{
    for (size_t i = 0; i < rows; i++)
        memcpy(out + i * count, x + i * length + from, count * sizeof *x);
}

bool vr_product_open(vr_product_rig *r, vr_bench *b,
                     const vr_product_case *k, int level)
{
    const size_t share = k->inner / k->parts;
    bool ok = true;

    memset(r, 0, sizeof *r);
    r->a = vr_doubles(k->m * k->inner);
    r->bt = vr_doubles(k->p * k->inner);
    r->want = vr_doubles(k->m * k->p);
    r->slots = vr_doubles(vr_bench_slots(b));
    r->block = vr_doubles((k->m + k->p) * k->inner);
    vr_random(r->a, k->m * k->inner, 5);
    vr_random(r->bt, k->p * k->inner, 6);
    product_naive(r->want, r->a, r->bt, k);
    for (size_t c = 0; c < k->parts && ok; c++) {
        cut(r->block, r->a, k->m, k->inner, c * share, share);
        ok = NN_OK(uni_vr_pack(r->slots, &b->vr, r->block, k->m, share))
             && vr_encrypt(b, &r->in[c], r->slots, level);
        cut(r->block, r->bt, k->p, k->inner, c * share, share);
        for (size_t t = 0; t < uni_vr_teams(&b->vr, k->p) && ok; t++)
            ok = NN_OK(uni_vr_pack_team(r->slots, &b->vr, r->block, k->p,
                                         share, t))
                 && NN_OK(uni_vr_weight_init(&r->b[t * k->parts + c], b->ctx,
                                              r->slots, level, 0, &b->rng,
                                              k->encrypted ? b->pk : NULL));
    }
    return ok;
}

void vr_product_close(vr_product_rig *r)
{
    free(r->a);
    free(r->bt);
    free(r->want);
    free(r->slots);
    free(r->block);
    for (size_t i = 0; i < VR_MAX_PARTS; i++)
        ckks_ct_clear(&r->in[i]);
    for (size_t i = 0; i < VR_MAX_PARTS * VR_MAX_TEAMS; i++)
        uni_vr_weight_clear(&r->b[i]);
}

/* ---- the network -------------------------------------------------------- */

void vr_net_weights(uni_vr_net *n, double *w)
{
    static const uni_vr_window image = { 5, 6, 3 };
    const double fan1 = 1 / sqrt(9 * VR_NET_CHANNELS);
    const double fan2 = 1 / sqrt(VR_NET_MAPS * VR_NET_OUT);

    vr_random(w, 400, 11);
    *n = (uni_vr_net){ VR_NET_CHANNELS, image, VR_NET_MAPS, VR_NET_HIDDEN,
                        VR_NET_CLASSES, w, w + 40, w + 50, w + 200, w + 210,
                        w + 230 };
    for (int i = 0; i < 9 * VR_NET_CHANNELS * VR_NET_MAPS; i++)
        w[i] *= fan1;
    for (int i = 0; i < VR_NET_HIDDEN * VR_NET_MAPS * VR_NET_OUT; i++)
        w[50 + i] *= fan2;
}

const ckks_params vr_net_params = {
    .log_n = 8, .num_primes = 12,
    .primes = { 48, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40 },
    .num_special = 1, .special = { 48 }, .dnum = 12,
    .security = CKKS_INSECURE
};

/* ---- refusals ----------------------------------------------------------- */

static uint64_t words_sum(const ckks_ct *ct)
{
    uint64_t sum = 0;
    size_t n = (size_t)(ct->degree + 1) * (size_t)(ct->level + 1)
               * 2 * ckks_ctx_slots(ct->ctx);

    for (size_t i = 0; i < n; i++)
        sum = sum * 0x9e3779b97f4a7c15u + ct->limb[i];
    return sum;
}

vr_snapshot vr_snap(const ckks_ct *ct)
{
    return (vr_snapshot){ *ct, words_sum(ct) };
}

void vr_check_same(const vr_snapshot *s, const ckks_ct *ct,
                   const char *what)
{
    CHECK(s->ct.limb == ct->limb && s->ct.level == ct->level
          && s->ct.scale == ct->scale && s->sum == words_sum(ct),
          "%s: the output was written", what);
}
