/* test_textbook_relu.c -- what ReLU between two parties is: the textbook's
 * circuit, and the protocol's against it for all shares of 8 bits. */
#include "blind/circuit.h"
#include "blind_support.h"
#include "gates_support.h"
#include "test.h"

enum { MOST_BITS = 32, WIRES = MOST_BITS * BLIND_LANES, TABLE = 1 << 17 };

/* out = a + b, or a - b: NOT (NOT a + b); words of `bits` bits.
 *   cost    bits - 1 ANDs */
static void sum(blind_block *out, blind_block *a, const blind_block *b,
                bool minus, int bits, int lanes, blind_gates *g)
{
    blind_block c[BLIND_LANES], ac[BLIND_LANES], bc[BLIND_LANES];

    memset(c, 0, sizeof c);             /* a wire that is 0 for both         */
    if (minus)
        blind_not(a, bits * lanes, g);
    for (int j = 0; j < bits; j++) {
        blind_add(ac, a + j * lanes, c, lanes);
        blind_add(bc, b + j * lanes, c, lanes);
        blind_add(out + j * lanes, ac, b + j * lanes, lanes);
        if (j < bits - 1) {
            blind_and(ac, ac, bc, lanes, g);
            blind_add(c, c, ac, lanes);
        }
    }
    if (minus)
        blind_not(out, bits * lanes, g);
}

/* Shares a and b, the garbler's mask r: out = max(a + b, 0) - r.
 *   cost    3 bits - 3 ANDs */
static void textbook_relu(blind_block *out, blind_block *a,
                          const blind_block *b, const blind_block *r, int bits,
                          int lanes, blind_gates *g)
{
    blind_block x[WIRES], y[WIRES], positive[BLIND_LANES];

    sum(x, a, b, false, bits, lanes, g);
    memcpy(positive, x + (bits - 1) * lanes, sizeof *x * (size_t)lanes);
    blind_not(positive, lanes, g);
    memset(y, 0, sizeof y);
    for (int j = 0; j < bits - 1; j++)
        blind_and(y + j * lanes, x + j * lanes, positive, lanes, g);
    sum(out, y, r, true, bits, lanes, g);
}

/* Both parties' share of max(x, 0) modulo 2^bits, from theirs of x: r, and
 * what comes out. */
static void relu_of_shares(uint64_t *out, const uint64_t *a, const uint64_t *b,
                           const uint64_t *r, int bits, int lanes,
                           uint64_t *seed)
{
    static blind_block zero[3][WIRES], active[3][WIRES], y[2][WIRES];
    const uint64_t *in[3] = { a, b, r };
    gates_table t, before;

    gates_open(&t, blind_aes_kernels[0]->usable() ? blind_aes_kernels[0]
                                                  : &blind_aes_portable,
               TABLE, seed);
    before = t;
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < lanes; i++)
            gates_input(zero[k], active[k], in[k][i], bits, lanes, i, &t,
                        seed);
    textbook_relu(y[0], zero[0], zero[1], zero[2], bits, lanes, &t.garbler);
    textbook_relu(y[1], active[0], active[1], active[2], bits, lanes,
                  &t.evaluator);
    for (int i = 0; i < lanes; i++) {
        out[i] = 0;
        for (int j = 0; j < bits; j++)
            out[i] |= (uint64_t)gates_value(y[0][j * lanes + i],
                                            y[1][j * lanes + i], &t) << j;
    }
    CHECK(gates_spent(&t, &before, lanes * (3 * bits - 3)), "%d bits", bits);
    gates_close(&t);
}

/* x of `bits` bits in two's complement. */
static int64_t signed_of(uint64_t x, int bits)
{
    const uint64_t half = (uint64_t)1 << (bits - 1);

    return (int64_t)((x & (2 * half - 1)) ^ half) - (int64_t)half;
}

static int64_t textbook(uint64_t a, uint64_t b, uint64_t r, uint64_t got,
                        int bits)
{
    const int64_t x = signed_of(a + b, bits), y = signed_of(r + got, bits);

    CHECK(y == (x > 0 ? x : 0), "%" PRIu64 " + %" PRIu64 ", %d bits: %" PRId64,
          a, b, bits, y);
    return y;
}

TEST(relu_of_the_textbook)
{
    static const int widths[] = { 16, 20, 32 };
    uint64_t a[BLIND_LANES], b[BLIND_LANES], r[BLIND_LANES], y[BLIND_LANES];
    uint64_t seed = 1;

    for (size_t w = 0; w < 3; w++)
        for (int round = 0; round < 50; round++) {
            for (int i = 0; i < BLIND_LANES; i++) {
                const uint64_t mask = ((uint64_t)1 << widths[w]) - 1;
                const uint64_t ends[] = { 0, 1, mask, mask / 2, mask / 2 + 1 };

                b[i] = test_word(&seed) & mask;
                r[i] = test_word(&seed) & mask;
                a[i] = (round % 2 == 0 ? ends[i % 5] - b[i]
                                       : test_word(&seed)) & mask;
            }
            relu_of_shares(y, a, b, r, widths[w], BLIND_LANES, &seed);
            for (int i = 0; i < BLIND_LANES; i++)
                textbook(a[i], b[i], r[i], y[i], widths[w]);
        }
}

/* All pairs of shares of 8 bits. */
typedef struct pairs {
    blind_share share[2][1 << 16];
    int64_t want[1 << 16];
    bool over;
} pairs;

static ckks_status pairs_side(blind_party *p, void *with)
{
    pairs *all = with;
    ckks_status s = blind_relu(all->share[p->server], 1 << 16, 8, p);

    return s == CKKS_OK ? blind_overflowed(p->server ? NULL : &all->over, p)
                        : s;
}

static void fill_pairs(pairs *all, uint64_t *seed)
{
    uint64_t a[BLIND_LANES], b[BLIND_LANES], r[BLIND_LANES], y[BLIND_LANES];

    for (size_t first = 0; first < 1 << 16; first += BLIND_LANES) {
        for (size_t i = 0; i < BLIND_LANES; i++) {
            blind_share *s = &all->share[1][first + i];

            a[i] = (first + i) & 255;
            b[i] = (first + i) >> 8;
            r[i] = test_word(seed) & 255;
            *s = (gates_number(seed) << 8) | b[i];
            all->share[0][first + i]
                = (blind_share)(blind_signed)signed_of(a[i] + b[i], 8) - *s;
        }
        relu_of_shares(y, a, b, r, 8, BLIND_LANES, seed);
        for (size_t i = 0; i < BLIND_LANES; i++)
            all->want[first + i] = textbook(a[i], b[i], r[i], y[i], 8);
    }
}

TEST(relu_is_the_textbooks_for_all_shares_of_8_bits)
{
    pairs *all = calloc(1, sizeof *all);
    uint64_t seed = 2;

    if (!CHECK(all != NULL, "no memory"))
        return;
    fill_pairs(all, &seed);
    if (blind_both(pairs_side, pairs_side, all, NULL, 4))
        for (size_t i = 0; i < 1 << 16; i++)
            CHECK(blind_joined(all->share[0][i], all->share[1][i])
                  == all->want[i], "%zu + %zu", i & 255, i >> 8);
    CHECK(!all->over, "out of range");
    free(all);
}
