/* test_publish.c -- why a decryption must not be published as it is.
 *
 * The attack of [LM21], carried out: who has one ciphertext and the
 * decoded doubles of its decryption encodes these again, which gives the exact
 * polynomial m + e, and solves c_0 + c_1 s = m + e for the secret key.  It
 * takes the whole key of a context with 128 bits of security; from the output
 * of ckks_decrypt_flooded it takes nothing.
 */
#include "test.h"

#include <math.h>

#include "scheme/key.h"

enum { PUB_N = 1 << 12, PUB_LEVEL = 1 };

typedef struct scene {
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    ckks_ct ct;
    double clear[PUB_N / 2], re[PUB_N / 2], im[PUB_N / 2];
} scene;

static bool scene_init(scene *x)
{
    const ckks_params p = { .log_n = 12, .num_primes = 2,
                            .primes = { 49, 49 } };
    uint8_t seed[CKKS_SEED_BYTES] = { 7 };
    uint64_t state = 11;
    ckks_pt pt = { 0 };
    bool ok;

    memset(x, 0, sizeof *x);
    for (int j = 0; j < PUB_N / 2; j++)
        x->clear[j] = (double)(test_word(&state) >> 11) * 0x1p-52 - 1;
    ok = CHECK_OK(ckks_ctx_init(&x->ctx, &p))
         && CHECK_OK(ckks_rng_init(&x->rng, seed))
         && CHECK_OK(ckks_sk_init(&x->sk, x->ctx, &x->rng))
         && CHECK_OK(ckks_encode(&pt, x->ctx, x->clear, NULL, PUB_N / 2,
                                 PUB_LEVEL, 0x1p40))
         && CHECK_OK(ckks_encrypt_sk(&x->ct, &x->rng, &pt, x->sk));
    ckks_pt_clear(&pt);
    return ok;
}

static void scene_clear(scene *x)
{
    ckks_ct_clear(&x->ct);
    ckks_sk_clear(&x->sk);
    ckks_rng_clear(&x->rng);
    ckks_ctx_clear(&x->ctx);
}

/* From what is public (context, ciphertext, published doubles): s modulo q_0,
 * centred.  Returns how many coefficients are -1, 0 or 1. */
static int attack(int64_t *s, const scene *x)
{
    const ckks_ctx *ctx = x->ctx;
    const cki_mod *q = &ctx->rns.mod[0];
    static uint64_t word[PUB_N];
    ckks_pt again = { 0 };
    int ternary = 0;

    if (!CHECK_OK(ckks_encode(&again, ctx, x->re, x->im, PUB_N / 2,
                              x->ct.level, x->ct.scale)))
        return 0;
    for (int i = 0; i < PUB_N; i++) {
        uint64_t c1 = cki_ct_limb(&x->ct, 1, 0)[i];

        CHECK(c1 != 0, "word %d of c_1 is 0: take another seed", i);
        word[i] = cki_mul(cki_sub(again.limb[i],
                                  cki_ct_limb(&x->ct, 0, 0)[i], q->p),
                          cki_inv(c1, q), q);
    }
    ckks_pt_clear(&again);
    cki_ntt_inv(&ctx->rns, word, word, 0);
    for (int i = 0; i < PUB_N; i++) {
        s[i] = word[i] > q->p / 2 ? -(int64_t)(q->p - word[i])
                                  : (int64_t)word[i];
        ternary += s[i] >= -1 && s[i] <= 1;
    }
    return ternary;
}

/* Coefficients of the attack's result that are the key's. */
static int right_ones(const int64_t *s, const ckks_sk *sk)
{
    int right = 0;

    for (int i = 0; i < PUB_N; i++)
        right += s[i] == sk->coeff[i];
    return right;
}

static double worst_slot(const scene *x)
{
    double worst = 0;

    for (int j = 0; j < PUB_N / 2; j++)
        worst = fmax(worst, hypot(x->re[j] - x->clear[j], x->im[j]));
    return worst;
}

TEST(raw_decryption_gives_the_key_away)
{
    static scene x;
    static int64_t s[PUB_N];
    ckks_pt pt = { 0 };

    if (scene_init(&x) && CHECK_OK(ckks_decrypt(&pt, &x.ct, x.sk))
        && CHECK_OK(ckks_decode(x.re, x.im, PUB_N / 2, &pt))) {
        int ternary = attack(s, &x), right = right_ones(s, x.sk);

        CHECK(ternary == PUB_N && right == PUB_N, "of %d coefficients %d are "
              "ternary, %d right: the attack is not carried out well", PUB_N,
              ternary, right);
    }
    ckks_pt_clear(&pt);
    scene_clear(&x);
}

/* Noise of at most 2^5 in a coefficient, hidden under 2^25: slots are right to
 * about 2^-10, and of the key nothing is seen. */
TEST(flooded_decryption_keeps_the_key)
{
    static scene x;
    static int64_t s[PUB_N];
    ckks_pt pt = { 0 };

    if (scene_init(&x)
        && CHECK_OK(ckks_decrypt_flooded(&pt, &x.rng, &x.ct, x.sk, 5, 20))
        && CHECK_OK(ckks_decode(x.re, x.im, PUB_N / 2, &pt))) {
        int ternary = attack(s, &x), right = right_ones(s, x.sk);
        double worst = worst_slot(&x);

        CHECK(ternary < 4 && right < 4, "of %d coefficients %d are ternary, "
              "%d right", PUB_N, ternary, right);
        CHECK(worst < 0x1p-7 && worst > 0x1p-13, "worst slot 2^%.1f",
              log2(worst));
    }
    ckks_pt_clear(&pt);
    scene_clear(&x);
}
