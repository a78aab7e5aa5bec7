/* test_circuit.c -- the circuits against integers, without a connection. */
#include "blind/circuit.h"

#include <time.h>

#include "gates_support.h"
#include "test.h"

enum { WIDEST = 34, TABLE = 1 << 16 };

static const blind_aes *best(void)
{
    const blind_aes *a = NULL;

    return CHECK_OK(blind_aes_choose(&a, NULL)) ? a : &blind_aes_portable;
}

/* a[i] + b[i], lanes of them. */
static void check_sign(const uint64_t *a, const uint64_t *b, int width,
                       int lanes, const blind_aes *aes, uint64_t *seed)
{
    blind_block za[WIDEST * BLIND_LANES], zb[WIDEST * BLIND_LANES];
    blind_block xa[WIDEST * BLIND_LANES], xb[WIDEST * BLIND_LANES];
    blind_block sign[2][BLIND_LANES], range[2][BLIND_LANES];
    gates_table t, before;

    gates_open(&t, aes, TABLE, seed);
    before = t;
    for (int i = 0; i < lanes; i++) {
        gates_input(za, xa, a[i], width, lanes, i, &t, seed);
        gates_input(zb, xb, b[i], width, lanes, i, &t, seed);
    }
    blind_sign(sign[0], range[0], za, zb, width, lanes, &t.garbler);
    blind_sign(sign[1], range[1], xa, xb, width, lanes, &t.evaluator);
    for (int i = 0; i < lanes; i++) {
        const uint64_t sum = a[i] + b[i];
        const int top = (int)(sum >> (width - 1) & 1);
        const int next = (int)(sum >> (width - 2) & 1);

        CHECK(gates_value(sign[0][i], sign[1][i], &t) == top
              && gates_value(range[0][i], range[1][i], &t) == (top ^ next),
              "%" PRIu64 " + %" PRIu64 ", %d bits, copy %d", a[i], b[i], width,
              i);
    }
    CHECK(gates_spent(&t, &before, lanes * (width - 1)), "%d bits, %d copies",
          width, lanes);
    gates_close(&t);
}

/* All pairs of shares: 65,536 of 8 bits. */
static void exhaust(int width, const blind_aes *aes)
{
    uint64_t a[BLIND_LANES], b[BLIND_LANES], seed = 1;
    const uint64_t end = (uint64_t)1 << width;
    int n = 0;

    for (uint64_t i = 0; i < end; i++)
        for (uint64_t j = 0; j < end; j++) {
            a[n] = i;
            b[n++] = j;
            if (n == BLIND_LANES || (i == end - 1 && j == end - 1)) {
                check_sign(a, b, width, n, aes, &seed);
                n = 0;
            }
        }
}

TEST(circuit_sign_of_all_sums)
{
    for (int width = 2; width <= 8; width++)
        exhaust(width, best());
    for (int width = 2; width <= 5; width++)
        exhaust(width, &blind_aes_portable);
}

TEST(circuit_sign_of_wide_sums)
{
    static const int widths[] = { 9, 16, 17, 20, 21, 32, 33, 34 };
    uint64_t a[BLIND_LANES], b[BLIND_LANES], seed = 2;

    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
        for (int round = 0; round < 200; round++) {
            const uint64_t half = (uint64_t)1 << (widths[w] - 1);
            const uint64_t ends[] = { 0, 1, half - 1, half, half + 1,
                                      2 * half - 1, half / 2, half / 2 - 1 };

            for (int i = 0; i < BLIND_LANES; i++) {     /* x - b, b          */
                uint64_t x = round % 2 == 0 ? ends[i % 8] : test_word(&seed);

                b[i] = test_word(&seed) & (2 * half - 1);
                a[i] = (x - b[i]) & (2 * half - 1);
            }
            check_sign(a, b, widths[w], 1 + round % BLIND_LANES, best(),
                       &seed);
        }
}

static void check_zero(const uint64_t x[2], int width, uint64_t *seed)
{
    blind_block zero[128], active[128], out[2];
    gates_table t, before;
    int ones = 0;

    gates_open(&t, best(), TABLE, seed);
    before = t;
    for (int j = 0; j < width; j++) {
        const uint64_t bit = x[j / 64] >> j % 64 & 1;

        ones += (int)bit;
        gates_input(zero + j, active + j, bit, 1, 1, 0, &t, seed);
    }
    blind_all_zero(&out[0], zero, width, &t.garbler);
    blind_all_zero(&out[1], active, width, &t.evaluator);
    CHECK(gates_value(out[0], out[1], &t) == (ones == 0), "%d of %d are 1",
          ones, width);
    CHECK(gates_spent(&t, &before, width - 1), "%d wires", width);
    gates_close(&t);
}

TEST(circuit_all_zero)
{
    uint64_t seed = 3;

    for (uint64_t x = 0; x < 512; x++)
        check_zero((uint64_t[]){ x, 0 }, 9, &seed);
    for (int width = 1; width <= 128; width += width < 9 ? 1 : 17)
        for (int j = -1; j < width; j++) {
            uint64_t one[2] = { 0, 0 };

            if (j >= 0)
                one[j / 64] = (uint64_t)1 << j % 64;
            check_zero(one, width, &seed);
        }
}

/* greater: bit k - 1 that of class k. */
static void check_last(unsigned greater, int classes, int lanes,
                       uint64_t *seed)
{
    const int bits = blind_label_bits(classes);
    const int wires = classes == 1 ? 1 : classes - 1;
    blind_block zero[15 * BLIND_LANES], active[15 * BLIND_LANES];
    blind_block out[2][4 * BLIND_LANES];
    gates_table t, before;

    gates_open(&t, best(), TABLE, seed);
    before = t;
    for (int i = 0; i < lanes; i++)
        gates_input(zero, active, greater >> i, wires, lanes, i, &t, seed);
    blind_last(out[0], zero, classes, lanes, &t.garbler);
    blind_last(out[1], active, classes, lanes, &t.evaluator);
    for (int i = 0; i < lanes; i++) {
        int want = 0, got = 0;

        for (int k = 1; k <= wires; k++)
            if ((greater >> i >> (k - 1) & 1) != 0)
                want = k;
        for (int j = 0; j < bits; j++)
            got |= gates_value(out[0][j * lanes + i], out[1][j * lanes + i],
                               &t) << j;
        CHECK(got == want, "label %d for %d, of %d, copy %d", got, want,
              classes, i);
    }
    CHECK(gates_spent(&t, &before, lanes * blind_label_ands(classes)),
          "%d classes", classes);
    gates_close(&t);
}

TEST(circuit_last_of_classes)
{
    uint64_t seed = 4;

    CHECK(blind_label_ands(1) == 0 && blind_label_ands(2) == 0
          && blind_label_ands(3) == 1 && blind_label_ands(4) == 3,
          "ANDs of labels");
    for (int classes = 1; classes <= 8; classes++)
        for (unsigned g = 0; g < 1u << (classes == 1 ? 1 : classes - 1); g++)
            check_last(g, classes, 1 + (int)g % BLIND_LANES, &seed);
    for (int classes = 9; classes <= 16; classes++)
        for (int i = 0; i < 200; i++)
            check_last((unsigned)test_word(&seed) >> (i % 16), classes, 3,
                       &seed);
}

/* ANDs a second of one thread: signs of 17 bits, with the labels of one side's
 * bits made as in a session. */
static double speed(const blind_aes *aes, bool garbles)
{
    enum { WIDTH = 17 };
    static blind_block mine[WIDTH * BLIND_LANES], yours[WIDTH * BLIND_LANES];
    static uint8_t bytes[WIDTH * BLIND_LANES * BLIND_AND_BYTES];
    const int rounds = aes == &blind_aes_portable ? 20 : 1000;
    blind_block sign[BLIND_LANES], range[BLIND_LANES];
    blind_gates g = { .garbles = garbles, .aes = aes,
                      .delta = { { garbles, 0 } } };
    clock_t begin = clock();

    for (int i = 0; i < rounds; i++) {
        g.table = bytes;
        aes->stream(mine, g.start, (uint64_t)i, WIDTH * BLIND_LANES);
        blind_sign(sign, range, mine, yours, WIDTH, BLIND_LANES, &g);
    }
    return (double)rounds * BLIND_LANES * (WIDTH - 1) * CLOCKS_PER_SEC
           / (double)(clock() - begin + 1);
}

TEST(circuit_speed)
{
    for (const blind_aes *const *a = blind_aes_kernels; *a != NULL; a++)
        if ((*a)->usable()) {
            const double garbled = speed(*a, true) / 1e6;
            const double evaluated = speed(*a, false) / 1e6;

            test_note("%s: %.1f M ANDs a second garbled, %.1f evaluated",
                      (*a)->name, garbled, evaluated);
            CHECK(garbled > 0 && evaluated > 0, "%s", (*a)->name);
        }
}
