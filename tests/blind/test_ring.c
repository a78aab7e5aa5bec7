/* test_ring.c -- the parts that convolutions and squares are made of: residues
 * lifted, tiles, truncation, keys. */
#include <gmp.h>
#include <math.h>

#include "linear_support.h"
#include "nn.h"
#include "test.h"

/* ---- lifting ------------------------------------------------------------- */

static void mpz_word(mpz_t out, uint64_t x)
{
    mpz_import(out, 1, 1, sizeof x, 0, 0, &x);
}

/* z mod q of some numbers, by GMP, against floor(z / 2^shift) mod 2^128. */
static void check_lift(const blind_ring *r, int shift, uint64_t *seed)
{
    mpz_t q, z, w, want;
    blind_lift l;

    blind_lift_init(&l, r, shift);
    mpz_inits(q, z, w, want, NULL);
    mpz_set_ui(q, 1);
    for (int i = 0; i < r->limbs; i++) {
        mpz_word(w, r->rns.mod[i].p);
        mpz_mul(q, q, w);
    }
    for (int round = 0; round < 2000; round++) {
        uint64_t residue[BLIND_MOST_LIMBS], half[2] = { 0, 0 };
        blind_share got;

        mpz_set_ui(z, 0);
        for (int i = 0; i < 4; i++) {
            mpz_word(w, test_word(seed));
            mpz_mul_2exp(z, z, 64);
            mpz_add(z, z, w);
        }
        if (round < 20)                 /* small ones, and just below q      */
            mpz_set_ui(z, (unsigned long)round / 2);
        if (round % 2 == 1 && round < 20) {
            mpz_ui_sub(z, 1 + (unsigned long)round, z);
            mpz_sub(z, q, z);
        }
        mpz_mod(z, z, q);
        for (int i = 0; i < r->limbs; i++) {
            mpz_word(w, r->rns.mod[i].p);
            mpz_mod(w, z, w);
            mpz_export(half, NULL, -1, sizeof *half, 0, 0, w);
            residue[i] = mpz_sgn(w) == 0 ? 0 : half[0];
        }
        got = blind_lift_one(residue, &l);
        mpz_fdiv_q_2exp(z, z, (mp_bitcnt_t)shift);
        mpz_fdiv_r_2exp(z, z, 128);
        mpz_word(want, (uint64_t)(got >> 64));
        mpz_mul_2exp(want, want, 64);
        mpz_word(w, (uint64_t)got);
        mpz_add(want, want, w);
        if (!CHECK(mpz_cmp(z, want) == 0, "round %d, %d limbs, shift %d",
                   round, r->limbs, shift))
            break;
    }
    mpz_clears(q, z, w, want, NULL);
}

TEST(ring_residues_are_lifted)
{
    blind_ring r;
    uint64_t seed = 11;

    for (int bits = 16; bits <= 32; bits += 16)
        if (CHECK_OK(blind_ring_init(&r, blind_conv_log_n(bits),
                                     blind_conv_limbs(bits), BLIND_CONV_BITS,
                                     0))) {
            for (int shift = 19; shift < 64; shift += 11)
                check_lift(&r, shift, &seed);
            blind_ring_clear(&r);
        }
}

TEST(ring_refuses_what_is_not_secure)
{
    blind_ring r;

    CHECK_STATUS(blind_ring_init(&r, 12, 3, 49, 0), CKKS_EPARAM);
    CHECK_STATUS(blind_ring_init(&r, 13, 4, 60, 0), CKKS_EPARAM);
    CHECK_STATUS(blind_ring_init(&r, 11, 2, 49, 0), CKKS_EPARAM);
    blind_ring_clear(&r);
}

/* A share as a signed number modulo a prime. */
TEST(ring_shares_modulo_primes)
{
    const cki_mod m = cki_mod_make(562949953216513);
    uint64_t seed = 4;
    const blind_share ends[] = { 0, 1, (blind_share)0 - 1,
                                 (blind_share)1 << 127,
                                 ((blind_share)1 << 127) - 1,
                                 (blind_share)1 << 64 };

    for (int i = 0; i < 5000; i++) {
        const blind_share x = i < 6 ? ends[i] : linear_random(&seed) >> i % 99;
        const blind_signed v = (blind_signed)x;
        blind_signed want = v % (blind_signed)m.p;

        want += want < 0 ? (blind_signed)m.p : 0;
        CHECK(blind_share_mod(x, blind_two128(&m), &m) == (uint64_t)want,
              "round %d", i);
    }
}

/* ---- tiles --------------------------------------------------------------- */

/* What tap (z, y, x) of a row's output number i multiplies: `in` there, which
 * is the number of a pixel and one, or 0 where nothing is; and what it should
 * be. */
static bool tap_agrees(const blind_tiling *t, const blind_rows *r, size_t i,
                       const int tap[3], const size_t *in)
{
    const size_t pixel = r->pixel + i, width = (size_t)t->out_size[2];
    const size_t out[3] = { pixel / width / (size_t)t->out_size[1],
                            pixel / width % (size_t)t->out_size[1],
                            pixel % width };
    size_t at = r->at + i * r->step, want = 0;
    bool inside = true;

    for (int a = 0; a < 3; a++) {
        const int from = (int)out[a] * t->stride - t->before[a] + tap[a];

        at -= (size_t)(t->kernel[a] - 1 - tap[a]) * t->pitch[a];
        inside &= from >= 0 && from < t->size[a];
        want = want * (size_t)t->size[a] + (size_t)from;
    }
    return in[at] == (inside ? want + 1 : 0);
}

static void check_taps(const blind_tiling *t, int tile, const char *what)
{
    size_t *in = calloc(t->extent, sizeof *in), wrong = 0;
    const int *k = t->kernel;
    blind_rows r;

    blind_rows_begin(&r, t, tile, false);
    while (blind_rows_next(&r))
        for (size_t i = 0; i < r.count; i++)
            in[r.at + i] = r.pixel + i + 1;
    blind_rows_begin(&r, t, tile, true);
    while (blind_rows_next(&r))
        for (size_t i = 0; i < r.count; i++)
            for (int j = 0; j < k[0] * k[1] * k[2]; j++) {
                const int tap[3] = { j / k[2] / k[1], j / k[2] % k[1],
                                     j % k[2] };

                wrong += !tap_agrees(t, &r, i, tap, in);
            }
    CHECK(wrong == 0, "%s: tile %d, %zu products are of other numbers", what,
          tile, wrong);
    free(in);
}

/* Every output is in one tile, once; no coefficient is used twice, none beyond
 * the block; taps meet the numbers that they are for. */
static void check_tiling(const blind_tiling *t, const char *what)
{
    const size_t pixels = (size_t)t->out_size[0] * (size_t)t->out_size[1]
                          * (size_t)t->out_size[2];
    uint8_t *seen = calloc(pixels, 1), *used = malloc(t->extent);
    size_t sum = 0;

    for (int tile = 0; tile < t->count; tile++) {
        blind_rows r;

        memset(used, 0, t->extent);
        blind_rows_begin(&r, t, tile, true);
        while (blind_rows_next(&r))
            for (size_t i = 0; i < r.count; i++) {
                const size_t at = r.at + i * r.step;

                if (!CHECK(r.pixel + i < pixels && at < t->extent
                           && at >= t->first && !used[at]
                           && !seen[r.pixel + i], "%s: tile %d", what, tile))
                    goto end;
                seen[r.pixel + i] = used[at] = 1;
                sum++;
            }
        memset(used, 0, t->extent);
        blind_rows_begin(&r, t, tile, false);
        while (blind_rows_next(&r))
            for (size_t i = 0; i < r.count; i++)
                if (!CHECK(r.at + i < t->extent && !used[r.at + i]++,
                           "%s: tile %d, inputs", what, tile))
                    goto end;
        check_taps(t, tile, what);
    }
    CHECK(sum == pixels, "%s: %zu of %zu outputs", what, sum, pixels);
end:
    free(seen);
    free(used);
}

/* Zeros on both sides, behind alone, in front alone. */
static void check_map(int dims, int width, int k, int stride, int pad)
{
    const int z = dims == 3 ? (width + 1) / 2 : 1;
    blind_conv c = { .dims = dims, .in = 3, .out = 20, .stride = stride,
                     .size = { z, width, width + 3 }, .bits = 16 };
    blind_tiling t;
    char what[60];

    for (int a = 0; a < 3; a++) {
        c.kernel[a] = a >= 3 - dims ? k : 1;
        c.before[a] = (c.kernel[a] - 1) * pad / 2;
        c.out_size[a] = (c.size[a] - 1) / stride + 1;
    }
    snprintf(what, sizeof what, "%d axes, %d, kernel %d, stride %d, pad %d",
             dims, width, k, stride, pad);
    if (!CHECK_OK(blind_tiling_make(&t, &c, 4096)))
        return;
    CHECK((size_t)(t.pack_in * t.pack_out) * t.block <= 4096
          && t.block >= t.extent && t.cts_in * t.pack_in >= 3
          && t.cts_out * t.pack_out >= 20, "%s", what);
    check_tiling(&t, what);
}

TEST(ring_tiles_cover_maps)
{
    static const int sides[] = { 1, 2, 5, 16, 25, 50, 64, 100, 200, 333 };

    for (int dims = 2; dims <= 3; dims++)
        for (size_t i = 0; i < 10 && (dims == 2 || sides[i] <= 64); i++)
            for (int k = 1; k <= 5; k += 2)
                for (int stride = 1; stride <= 2; stride++)
                    for (int pad = 0; pad <= 2; pad++)
                        check_map(dims, sides[i], k, stride, pad);
}

/* ---- truncation ---------------------------------------------------------- */

TEST(ring_truncation)
{
    enum { COUNT = 1000000 };
    double mean = 0;
    uint64_t seed = 21;
    size_t wrong = 0;

    for (int i = 0; i < COUNT; i++) {
        const int shift = 1 + i % 30;
        const int64_t x = (int64_t)test_word(&seed) >> (14 + i % 40);
        blind_share c = linear_random(&seed);
        blind_share s = (blind_share)(blind_signed)x - c;
        int64_t off;

        blind_truncate(&c, 1, shift, false);
        blind_truncate(&s, 1, shift, true);
        off = (int64_t)(c + s) - (x >> shift);
        wrong += off != 0 && off != 1;
        mean += (double)off - ldexp((double)(x - (x >> shift << shift)),
                                    -shift);
    }
    CHECK(wrong == 0, "%zu", wrong);
    CHECK(fabs(mean / COUNT) < 0.003, "mean error %g", mean / COUNT);
}

/* Where a number fills its modulus, sides that divide alone go wrong: with odds
 * of x / q, so this test would see a modulus without headroom. */
TEST(ring_truncation_needs_headroom)
{
    enum { COUNT = 4000 };
    uint64_t seed = 22;
    int wrong = 0;

    for (int i = 0; i < COUNT; i++) {
        const blind_share x = (blind_share)1 << 124;    /* odds of 1/16      */
        blind_share c = linear_random(&seed), s = x - c, sum;

        blind_truncate(&c, 1, 10, false);
        blind_truncate(&s, 1, 10, true);
        sum = c + s - (x >> 10);
        wrong += sum != 0 && sum != 1;
    }
    CHECK(wrong > COUNT / 32 && wrong < COUNT / 8, "%d of %d", wrong, COUNT);
}
