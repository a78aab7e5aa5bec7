/* test_exhaustive_rns.c -- contexts so small that every case is tried.
 *
 * All residues through base conversion, rescaling and mod-down, all
 * automorphisms and all rotations up to N = 64, each compared with the
 * definition.
 */
#include <math.h>

#include "ref_words.h"
#include "test.h"

#include "scheme/context.h"

static const ckks_memory default_memory;

/* ---- small contexts ----------------------------------------------------- */

/* N = 4; sizes of primes in bits: 5 gives 17, 7 gives 113 then 97 (modulo
 * 8). */
static bool small_ctx(ckks_ctx **ctx, const cki_kernel *kernel,
                      const int *bits, int num_primes, int num_special,
                      bool uncentred)
{
    ckks_params p = { .log_n = 2, .num_primes = num_primes,
                      .num_special = num_special, .dnum = 1,
                      .security = CKKS_INSECURE, .kernel = kernel->name,
                      .uncentred_digits = uncentred };

    for (int i = 0; i < num_primes; i++)
        p.primes[i] = (uint64_t)bits[i];
    for (int i = 0; i < num_special; i++)
        p.special[i] = (uint64_t)bits[num_primes + i];
    return CHECK_OK(ckks_ctx_init(ctx, &p));
}

/* x modulo d in [-d/2, d/2), d odd */
static int64_t centred(int64_t x, int64_t d)
{
    int64_t r = (x % d + d) % d;

    return r > d / 2 ? r - d : r;
}

static uint64_t residue(int64_t x, uint64_t p)
{
    int64_t r = x % (int64_t)p;

    return (uint64_t)(r < 0 ? r + (int64_t)p : r);
}

/* Every x modulo 17 * 113 to the special prime, and modulo 17 to both. */
static void check_convert(const cki_kernel *kernel, bool uncentred)
{
    static const int bits[] = { 5, 7, 11 };
    ckks_ctx *ctx = NULL;
    uint64_t *x[7], **y = x + 4;
    int64_t d = 1;

    if (!small_ctx(&ctx, kernel, bits, 2, 1, uncentred))
        return;
    for (size_t i = 0; i < 7; i++)
        if ((x[i] = cki_alloc(&default_memory, 64)) == NULL)
            abort();
    for (int len = 1; len <= 2; len++) {
        const cki_conv *c = ctx->rns.digit[len - 1];
        uint64_t *out[2] = { x[2], x[3] };
        int target[2] = { 2, 1 }, targets = 3 - len;

        d *= (int64_t)ctx->rns.mod[len - 1].p;
        for (int64_t w = 0; w < d; w += 4) {
            for (int64_t k = 0; k < 4; k++)
                for (int i = 0; i < len; i++)
                    y[i][k] = residue((w + k) % d, ctx->rns.mod[i].p)
                              * c->inv[i] % ctx->rns.mod[i].p;
            kernel->convert_begin(y, y[2], c, !uncentred, 4);
            kernel->convert_end(out, target, targets,
                                (const uint64_t *const *)y, y[2], c, false,
                                4);
            for (int64_t k = 0; k < 4; k++)
                for (int i = 0; i < targets; i++) {
                    int64_t v = (w + k) % d;
                    uint64_t want = residue(uncentred ? v : centred(v, d),
                                            ctx->rns.mod[target[i]].p);

                    CHECK(out[i][k] == want, "%s: %lld mod %lld to %" PRIu64
                          ": %" PRIu64 ", want %" PRIu64, kernel->name,
                          (long long)v, (long long)d,
                          ctx->rns.mod[target[i]].p, out[i][k], want);
                }
        }
    }
    for (size_t i = 0; i < 7; i++)
        free(x[i]);
    ckks_ctx_clear(&ctx);
}

TEST(exhaustive_base_conversion)
{
    for (size_t k = 0; cki_kernels[k] != NULL; k++)
        for (int u = 0; u <= 1 && cki_kernels[k]->usable(); u++)
            check_convert(cki_kernels[k], u == 1);
}

/* Which of the three divisions, over the same primes. */
enum { RESCALE, MOD_DOWN, MOD_DOWN_RESCALE };

/* Every x modulo the product of all primes, four at a time as coefficients.
 * Limbs: level+1 ciphertext primes, then special ones. */
static void check_division(const cki_kernel *kernel, const int *bits,
                           int num_primes, int num_special, int which)
{
    enum { N = 4 };
    ckks_ctx *ctx = NULL;
    int all = num_primes + num_special, level = num_primes - 1;
    int64_t product = 1, divisor = 1;
    uint64_t *x;

    if (!small_ctx(&ctx, kernel, bits, num_primes, num_special, false))
        return;
    x = cki_alloc(&default_memory, 16 * N * sizeof *x);
    if (x == NULL)
        abort();
    for (int i = 0; i < all; i++) {
        int64_t p = (int64_t)ctx->rns.mod[i].p;

        product *= p;
        if (which == RESCALE ? i == level : i >= num_primes)
            divisor *= p;
        if (which == MOD_DOWN_RESCALE && i == level)
            divisor *= p;
    }
    for (int64_t w = 0; w < product; w += N) {
        uint64_t *work = x + (size_t)all * N;
        int last = which == MOD_DOWN ? level : level - 1;

        for (int i = 0; i < all; i++) {
            for (int64_t k = 0; k < N; k++)
                x[i * N + k] = residue((w + k) % product, ctx->rns.mod[i].p);
            cki_ntt_fwd(&ctx->rns, x + i * N, i);
        }
        if (which == RESCALE)
            cki_rescale(x, x, 1, level, &ctx->rns, work);
        else if (which == MOD_DOWN)
            cki_mod_down(x, x, level, &ctx->rns, work);
        else
            cki_mod_down_rescale(x, x, level, &ctx->rns, work);
        for (int i = 0; i <= last; i++) {
            cki_ntt_inv(&ctx->rns, x + i * N, x + i * N, i);
            for (int64_t k = 0; k < N; k++) {
                int64_t v = (w + k) % product;
                uint64_t want = residue((v - centred(v, divisor)) / divisor,
                                        ctx->rns.mod[i].p);

                CHECK(x[i * N + k] == want, "%s: division %d of %lld by %lld "
                      "mod %" PRIu64 ": %" PRIu64 ", want %" PRIu64,
                      kernel->name, which, (long long)v, (long long)divisor,
                      ctx->rns.mod[i].p, x[i * N + k], want);
            }
        }
    }
    free(x);
    ckks_ctx_clear(&ctx);
}

TEST(exhaustive_divisions)
{
    static const int two[] = { 5, 7 }, three[] = { 5, 7, 7 };
    static const int one_one[] = { 5, 10 };

    for (size_t k = 0; cki_kernels[k] != NULL; k++) {
        const cki_kernel *kernel = cki_kernels[k];

        if (!kernel->usable())
            continue;
        check_division(kernel, two, 2, 0, RESCALE);
        check_division(kernel, three, 3, 0, RESCALE);
        check_division(kernel, (const int[]){ 7, 7, 5 }, 3, 0, RESCALE);
        check_division(kernel, one_one, 1, 1, MOD_DOWN);
        check_division(kernel, three, 1, 2, MOD_DOWN);
        check_division(kernel, (const int[]){ 5, 7, 11 }, 2, 1,
                       MOD_DOWN_RESCALE);
    }
}

/* ---- automorphisms and rotations ---------------------------------------- */

/* All odd g, N up to 64: 2 br(perm[i]) + 1 = (2 br(i) + 1) g. */
TEST(exhaustive_automorphisms)
{
    uint32_t perm[64];

    for (int log_n = 2; log_n <= 6; log_n++) {
        uint32_t n = (uint32_t)1 << log_n;

        for (uint32_t g = 1; g < 2 * n; g += 2) {
            cki_galois_perm(perm, log_n, (size_t)2 << log_n, g);
            for (uint32_t i = 0; i < n; i++)
                CHECK(perm[i] < n && 2 * ref_reversed(perm[i], n) + 1
                          == (2 * ref_reversed(i, n) + 1) * g % (2 * n),
                      "N=%" PRIu32 " g=%" PRIu32 " i=%" PRIu32 ": %" PRIu32, n,
                      g, i, perm[i]);
        }
    }
}

/* The real ring: all g = 1 mod 4, 4 br(perm[i]) + 1 = (4 br(i) + 1) g. */
TEST(exhaustive_real_automorphisms)
{
    uint32_t perm[64];

    for (int log_n = 2; log_n <= 6; log_n++) {
        uint32_t n = (uint32_t)1 << log_n;

        for (uint32_t g = 1; g < 4 * n; g += 4) {
            cki_galois_perm(perm, log_n, (size_t)4 << log_n, g);
            for (uint32_t i = 0; i < n; i++)
                CHECK(perm[i] < n && 4 * ref_reversed(perm[i], n) + 1
                          == (4 * ref_reversed(i, n) + 1) * g % (4 * n),
                      "N=%" PRIu32 " g=%" PRIu32 " i=%" PRIu32 ": %" PRIu32, n,
                      g, i, perm[i]);
        }
    }
}

/* A context of N = 2^log_n with keys for every rotation and, but in the real
 * ring, conj. */
enum { MAX_SLOTS = 64 };
typedef struct rotor {
    bool real;
    ckks_ctx *ctx;
    ckks_rng rng;
    ckks_sk *sk;
    ckks_keys *keys;
    ckks_ct ct;             /* slot j holds (j + 1) - (j + 2) i / 4, real:   */
                            /*   j + 1                                       */
} rotor;

static bool rotor_init(rotor *r, int log_n, int generator, bool uncentred,
                       bool real)
{
    ckks_params p = { .log_n = log_n, .num_primes = 2, .num_special = 1,
                      .dnum = 2, .security = CKKS_INSECURE,
                      .generator = generator, .uncentred_digits = uncentred,
                      .ring = real ? CKKS_RING_REAL : CKKS_RING_COMPLEX,
                      .primes = { 48, 40 }, .special = { 48 } };
    ckks_key_request request[MAX_SLOTS];
    uint8_t seed[CKKS_SEED_BYTES] = { 1 };
    double re[MAX_SLOTS], im[MAX_SLOTS];
    const int n = real ? 1 << log_n : 1 << (log_n - 1), first = real ? 1 : 0;
    ckks_pt pt = { 0 };
    bool ok;

    memset(r, 0, sizeof *r);
    r->real = real;
    for (int j = 0; j < n; j++) {
        request[j] = (ckks_key_request){ CKKS_KEY_ROTATE, j, 1 };
        re[j] = j + 1;
        im[j] = real ? 0 : -0.25 * (j + 2);
    }
    request[0].kind = CKKS_KEY_CONJ;
    ok = CHECK_OK(ckks_ctx_init(&r->ctx, &p))
         && CHECK_OK(ckks_rng_init(&r->rng, seed))
         && CHECK_OK(ckks_sk_init(&r->sk, r->ctx, &r->rng))
         && CHECK_OK(ckks_keys_init(&r->keys, &r->rng, r->sk, request + first,
                                    (size_t)(n - first)))
         && CHECK_OK(ckks_encode(&pt, r->ctx, re, im, (size_t)n, 1, 0x1p35))
         && CHECK_OK(ckks_encrypt_sk(&r->ct, &r->rng, &pt, r->sk));
    ckks_pt_clear(&pt);
    return ok;
}

static void rotor_clear(rotor *r)
{
    ckks_ct_clear(&r->ct);
    ckks_keys_clear(&r->keys);
    ckks_sk_clear(&r->sk);
    ckks_rng_clear(&r->rng);
    ckks_ctx_clear(&r->ctx);
}

/* ct holds r->ct rotated to the left by step, imaginary parts times sign. */
static void check_slots(const rotor *r, const ckks_ct *ct, int step, int sign,
                        const char *what)
{
    int n = (int)ckks_ctx_slots(r->ctx);
    double re[MAX_SLOTS], im[MAX_SLOTS];
    ckks_pt pt = { 0 };

    if (CHECK_OK(ckks_decrypt(&pt, ct, r->sk))
        && CHECK_OK(ckks_decode(re, im, (size_t)n, &pt)))
        for (int j = 0; j < n; j++) {
            int from = ((j + step) % n + n) % n;
            double want = r->real ? 0 : -sign * 0.25 * (from + 2);

            CHECK(fabs(re[j] - (from + 1)) < 0x1p-15
                      && fabs(im[j] - want) < 0x1p-15,
                  "%d slots, generator %d %s: %s by %d: slot %d is %g + %g i",
                  n, r->ctx->generator,
                  r->ctx->uncentred ? "uncentred" : "centred", what, step, j,
                  re[j], im[j]);
        }
    ckks_pt_clear(&pt);
}

static void check_rotations(const rotor *r)
{
    int n = (int)ckks_ctx_slots(r->ctx), step[MAX_SLOTS];
    ckks_ct out = { 0 }, many[MAX_SLOTS];

    memset(many, 0, sizeof many);
    for (int s = -n; s <= n; s++)
        if (CHECK_OK(ckks_rotate(&out, &r->ct, r->keys, s)))
            check_slots(r, &out, s, 1, "rotated");
    if (!r->real && CHECK_OK(ckks_conj(&out, &r->ct, r->keys)))
        check_slots(r, &out, 0, -1, "conjugated");
    for (int s = 0; s < n; s++)
        step[s] = s;
    if (!r->ctx->uncentred
        && CHECK_OK(ckks_rotate_hoisted(many, step, (size_t)n, &r->ct,
                                        r->keys)))
        for (int s = 0; s < n; s++)
            check_slots(r, &many[s], s, 1, "hoisted");
    for (int s = 0; s < n; s++)
        ckks_ct_clear(&many[s]);
    ckks_ct_clear(&out);
}

TEST(exhaustive_rotations)
{
    for (int log_n = 2; log_n <= 6; log_n++)
        for (int mode = 0; mode < 5; mode++) {
            const bool real = mode == 4;
            rotor r;

            if (rotor_init(&r, log_n, mode % 2 == 0 ? 5 : 3,
                           mode >= 2 && !real, real))
                check_rotations(&r);
            rotor_clear(&r);
        }
}
