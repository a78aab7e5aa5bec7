/* test_forged.c -- the secret key from masks of forged results.
 *
 * The attack of docs/14-forged-results.md, carried out, with what a server has:
 * the context, a ciphertext it was sent, and the masks that come back.  It adds
 * a constant K to c_1 and moves c_0 by -K t, so decryption adds K (s - t), and
 * a mask compares every slot of s with t.  It must succeed: it is the reason
 * why the owner's masks go to nobody who could have forged a result.
 */
#include "test.h"

#include <math.h>

#include "scheme/key.h"

enum { LOG_N = 9, N = 1 << LOG_N, OUTPUTS = 8, ROUNDS = 4 };

static const double SCALE = 0x1p38, FINE = 0x1p20;
static const double LARGE = 200;        /* sd of K s, beside |result| <= 2   */
static const double STEP = 0.475;       /* thresholds, in sd of a slot of s  */

typedef struct scene {
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;            /* the owner's: what the server never reads      */
    ckks_ct upload;
    ckks_ct honest;         /* 3 times the upload, less 1                    */
    bool flooded;           /* the owner decrypts for publication            */
    size_t slots;
    double sd;              /* of a slot of s; complex ring: of its parts    */
    double K;
    int over[2][N];         /* thresholds that slot j has passed: in masks   */
} scene;                    /*   of K s, and of K X^(N/2) s                  */

static bool scene_init(scene *x, int ring)
{
    const ckks_params p = { .log_n = LOG_N, .num_primes = 2,
                            .primes = { 49, 48 }, .ring = ring,
                            .security = CKKS_INSECURE };
    uint8_t seed[CKKS_SEED_BYTES] = { 14 };
    uint64_t state = 14;
    double clear[N];
    ckks_pt pt = { 0 };
    bool ok;

    memset(x, 0, sizeof *x);
    for (int j = 0; j < N; j++)
        clear[j] = (double)(int64_t)test_word(&state) * 0x1p-63 / 3;
    ok = CHECK_OK(ckks_ctx_init(&x->ctx, &p))
         && CHECK_OK(ckks_rng_init(&x->rng, seed))
         && CHECK_OK(ckks_sk_init(&x->sk, x->ctx, &x->rng));
    if (!ok)
        return false;
    x->slots = ckks_ctx_slots(x->ctx);
    x->sd = sqrt(ring == CKKS_RING_REAL ? 4.0 / 3 * N : 1.0 / 3 * N);
    x->K = floor(LARGE * SCALE / x->sd);
    ok = CHECK_OK(ckks_encode(&pt, x->ctx, clear, NULL, x->slots, 0, SCALE))
         && CHECK_OK(ckks_encrypt_sk(&x->upload, &x->rng, &pt, x->sk))
         && CHECK_OK(ckks_mul_int(&x->honest, &x->upload, 3))
         && CHECK_OK(ckks_add_const(&x->honest, &x->honest, -1, 0));
    ckks_pt_clear(&pt);
    return ok;
}

static void scene_clear(scene *x)
{
    ckks_ct_clear(&x->upload);
    ckks_ct_clear(&x->honest);
    ckks_sk_clear(&x->sk);
    ckks_rng_clear(&x->rng);
    ckks_ctx_clear(&x->ctx);
}

/* ---- the server --------------------------------------------------------- */

/* Words of K X^power at level 0. */
static bool constant(uint64_t *word, const scene *x, int power)
{
    int64_t coeff[N] = { 0 };
    ckks_pt pt = { 0 };
    bool ok;

    coeff[power] = (int64_t)x->K;
    ok = CHECK_OK(ckks_encode_integers(&pt, x->ctx, coeff, 0, SCALE));
    if (ok)
        memcpy(word, pt.limb, N * sizeof *word);
    ckks_pt_clear(&pt);
    return ok;
}

/* out = base with K X^power more in c_1 and -K t more in c_0. */
static bool forge(ckks_ct *out, const scene *x, const ckks_ct *base,
                  int power, double t)
{
    const uint64_t q = ckks_ctx_prime(x->ctx, 0);
    uint64_t word[N];

    if (!constant(word, x, power)
        || !CHECK_OK(ckks_add_const(out, base, -t * x->K / SCALE, 0)))
        return false;
    for (int i = 0; i < N; i++) {
        uint64_t *c1 = &out->limb[N + i];

        *c1 += word[i];
        *c1 -= *c1 >= q ? q : 0;
    }
    out->seeded = 0;
    return true;
}

/* A ciphertext of the upload's form with all words 0. */
static bool blank(ckks_ct *out, const scene *x)
{
    if (!CHECK_OK(ckks_ct_copy(out, &x->upload)))
        return false;
    memset(out->limb, 0, 2 * N * sizeof *out->limb);
    out->seeded = 0;
    return true;
}

static double threshold(const scene *x, int k)
{
    return x->sd * STEP * (k - (OUTPUTS - 1) / 2.0);
}

/* The polynomial whose slots are re + i im, not rounded. */
static bool coefficients(double *out, const scene *x, const double *re,
                         const double *im)
{
    const uint64_t q = ckks_ctx_prime(x->ctx, 0);
    ckks_pt pt = { 0 };
    bool ok;

    ok = CHECK_OK(ckks_encode(&pt, x->ctx, re, im, x->slots, 0, FINE))
         && CHECK_OK(ckks_ntt_inverse(pt.limb, x->ctx, 0));
    for (int i = 0; ok && i < N; i++)
        out[i] = (pt.limb[i] > q / 2 ? -(double)(q - pt.limb[i])
                                     : (double)pt.limb[i]) / FINE;
    ckks_pt_clear(&pt);
    return ok;
}

/* How far v lies outside what its comparisons say. */
static double contradiction(const scene *x, double v, int over)
{
    double low = over > 0 ? threshold(x, over - 1) : -INFINITY;
    double high = over < OUTPUTS ? threshold(x, over) : INFINITY;

    return v < low ? low - v : v > high ? high - v : 0;
}

/* re, im = contradictions of the slots of this key; returns their number,
 * -1 for an error.  X^(N/2) is i in every slot: the second masks hold -im. */
static int contradictions(double *re, double *im, const scene *x,
                          const int64_t *key, int parts)
{
    ckks_pt pt = { 0 };
    int bad = 0;
    bool ok = CHECK_OK(ckks_encode_integers(&pt, x->ctx, key, 0, 1))
              && CHECK_OK(ckks_decode(re, im, x->slots, &pt));

    ckks_pt_clear(&pt);
    for (size_t j = 0; ok && j < x->slots; j++) {
        re[j] = contradiction(x, re[j], x->over[0][j]);
        im[j] = parts == 2 ? -contradiction(x, -im[j], x->over[1][j]) : 0;
        bad += (re[j] != 0) + (im[j] != 0);
    }
    return ok ? bad : -1;
}

/* From the masks alone.  First guess: the middle between two thresholds.  Then
 * slots move by what contradicts them, more as fewer of them show it. */
static bool solve(int64_t *key, const scene *x, int parts)
{
    double re[N], im[N] = { 0 }, step[N], gain = 1;
    const double half = x->sd * STEP / 2;

    for (size_t j = 0; j < x->slots; j++) {
        re[j] = threshold(x, x->over[0][j]) - half;
        im[j] = parts == 2 ? half - threshold(x, x->over[1][j]) : 0;
    }
    memset(key, 0, N * sizeof *key);
    for (int round = 0; round < ROUNDS; round++) {
        int bad;

        if (!coefficients(step, x, re, parts == 2 ? im : NULL))
            return false;
        for (int i = 0; i < N; i++) {
            double v = (double)key[i] + gain * step[i];

            key[i] = v > 0.5 ? 1 : v < -0.5 ? -1 : 0;
        }
        bad = contradictions(re, im, x, key, parts);
        if (bad <= 0)
            return bad == 0;
        gain = (double)(x->slots * (size_t)parts) / bad;
    }
    return true;
}

/* ---- the owner ---------------------------------------------------------- */

/* Counts for every slot whether the mask shows it: above 0. */
static bool publish(int *over, scene *x, const ckks_ct *ct)
{
    double re[N];
    ckks_pt pt = { 0 };
    bool ok;

    ok = x->flooded
             ? CHECK_OK(ckks_decrypt_flooded(&pt, &x->rng, ct, x->sk, 5, 20))
             : CHECK_OK(ckks_decrypt(&pt, ct, x->sk));
    ok = ok && CHECK_OK(ckks_decode(re, NULL, x->slots, &pt));
    for (size_t j = 0; ok && j < x->slots; j++)
        over[j] += re[j] > 0;
    ckks_pt_clear(&pt);
    return ok;
}

/* ---- both --------------------------------------------------------------- */

/* Forged from base.  The real ring needs 8 masks; the complex one, which shows
 * the real part of a slot, 16. */
static bool carry_out(int64_t *key, scene *x, const ckks_ct *base)
{
    const int parts = ckks_ctx_ring(x->ctx) == CKKS_RING_REAL ? 1 : 2;
    ckks_ct ct = { 0 };
    bool ok = true;

    for (int part = 0; part < parts; part++)
        for (int k = 0; ok && k < OUTPUTS; k++)
            ok = forge(&ct, x, base, part * N / 2, threshold(x, k))
                 && publish(x->over[part], x, &ct);
    ckks_ct_clear(&ct);
    return ok && solve(key, x, parts);
}

static int right_ones(const int64_t *key, const ckks_sk *sk)
{
    int right = 0;

    for (int i = 0; i < N; i++)
        right += key[i] == sk->coeff[i];
    return right;
}

/* Each ring; from nothing, or from the honest result. */
static void check_attack(bool honest, bool flooded)
{
    static scene x;
    int64_t key[N];

    for (int ring = CKKS_RING_COMPLEX; ring <= CKKS_RING_REAL; ring++) {
        ckks_ct none = { 0 };

        if (scene_init(&x, ring) && blank(&none, &x)) {
            x.flooded = flooded;
            if (carry_out(key, &x, honest ? &x.honest : &none)) {
                int right = right_ones(key, x.sk);

                CHECK(right == N, "ring %d: %d of %d coefficients of the key: "
                      "the attack is not carried out well", ring, right, N);
            }
        }
        ckks_ct_clear(&none);
        scene_clear(&x);
    }
}

TEST(masks_of_forged_results_give_the_key)
{
    check_attack(false, false);
}

/* c_1 random, as a result's is; the result itself is noise to the attack. */
TEST(masks_of_altered_honest_results_give_the_key)
{
    check_attack(true, false);
}

/* Flooding hides the error of a result, not a value that was put there. */
TEST(flooding_does_not_hide_the_key)
{
    check_attack(true, true);
}

/* ---- no test of shape sees it ------------------------------------------- */

/* want = m + K X^power s, word by word. */
static bool predicted(uint64_t *want, const scene *x, const ckks_pt *m,
                      int power)
{
    const cki_mod *q = &x->ctx->rns.mod[0];
    int64_t s[N];
    uint64_t K[N];
    ckks_pt pt = { 0 };
    bool ok;

    for (int i = 0; i < N; i++)
        s[i] = x->sk->coeff[i];
    ok = CHECK_OK(ckks_encode_integers(&pt, x->ctx, s, 0, SCALE))
         && constant(K, x, power);
    for (int i = 0; ok && i < N; i++)
        want[i] = cki_add(cki_mul(K[i], pt.limb[i], q), m->limb[i], q->p);
    ckks_pt_clear(&pt);
    return ok;
}

/* Words of c_1 that are 0, that stand twice or that the upload has there. */
static int conspicuous(const ckks_ct *ct, const ckks_ct *upload)
{
    int n = 0;

    for (int i = 0; i < N; i++) {
        const uint64_t *c1 = ct->limb + N;

        n += c1[i] == 0 || c1[i] == upload->limb[N + i];
        for (int j = 0; j < i; j++)
            n += c1[i] == c1[j];
    }
    return n;
}

static void check_shape(scene *x, int power)
{
    ckks_ct ct = { 0 };
    ckks_pt m = { 0 }, got = { 0 };
    uint64_t want[N];

    if (forge(&ct, x, &x->honest, power, 0)
        && CHECK_OK(ckks_decrypt(&m, &x->honest, x->sk))
        && CHECK_OK(ckks_decrypt(&got, &ct, x->sk))
        && predicted(want, x, &m, power)) {
        int seen = conspicuous(&ct, &x->upload);

        CHECK(memcmp(got.limb, want, sizeof want) == 0, "ring %d, power %d: "
              "not m + K X^%d s", ckks_ctx_ring(x->ctx), power, power);
        CHECK(seen == conspicuous(&x->honest, &x->upload), "%d words of c_1 "
              "are not as in an honest result", seen);
    }
    ckks_pt_clear(&m);
    ckks_pt_clear(&got);
    ckks_ct_clear(&ct);
}

TEST(altered_honest_result_decrypts_to_m_plus_K_s)
{
    static scene x;

    for (int ring = CKKS_RING_COMPLEX; ring <= CKKS_RING_REAL; ring++) {
        if (scene_init(&x, ring)) {
            check_shape(&x, 0);
            if (ring == CKKS_RING_COMPLEX)
                check_shape(&x, N / 2);
        }
        scene_clear(&x);
    }
}
