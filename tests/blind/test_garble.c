/* test_garble.c -- half gates, projections and choices against their
 * definitions: all values, all colours, all numbers of copies. */
#include "blind/mux.h"

#include "gates_support.h"
#include "test.h"
#include "textbook.h"

enum { MANY = 33, TABLE = BLIND_LANES * BLIND_AND_BYTES };

/* Zahur, Rosulek, Evans, figure 2, letter by letter; d: delta. */
static void half_gates(blind_block *out, blind_block *tg, blind_block *te,
                       blind_block a0, blind_block b0, blind_block d,
                       blind_block start, uint64_t j, uint64_t k)
{
    const blind_block a1 = blind_xor(a0, d), b1 = blind_xor(b0, d);
    const blind_block ha0 = textbook_hash(a0, start, j);
    const blind_block hb0 = textbook_hash(b0, start, k);
    blind_block wg = ha0, we = hb0;

    *tg = blind_xor(ha0, textbook_hash(a1, start, j));
    if (blind_colour(b0) != 0)
        *tg = blind_xor(*tg, d);
    if (blind_colour(a0) != 0)
        wg = blind_xor(wg, *tg);
    *te = blind_xor(blind_xor(hb0, textbook_hash(b1, start, k)), a0);
    if (blind_colour(b0) != 0)
        we = blind_xor(we, blind_xor(*te, a0));
    *out = blind_xor(wg, we);
}

/* Copy i has the values and colours that the bits of i and of round say. */
static void check_and(const blind_aes *aes, int lanes, unsigned round,
                      uint64_t *seed)
{
    blind_block a[BLIND_LANES], b[BLIND_LANES], x[BLIND_LANES], y[BLIND_LANES];
    blind_block out[BLIND_LANES], got[BLIND_LANES];
    gates_table t;

    gates_open(&t, aes, TABLE, seed);
    const blind_gates before = t.garbler;
    for (int i = 0; i < lanes; i++) {
        const unsigned bits = (unsigned)i + round;

        a[i] = gates_label(seed);
        b[i] = gates_label(seed);
        a[i].w[0] ^= (a[i].w[0] ^ bits) & 1;
        b[i].w[0] ^= (b[i].w[0] ^ bits >> 1) & 1;
        x[i] = (bits >> 2 & 1) != 0 ? blind_xor(a[i], before.delta) : a[i];
        y[i] = (bits >> 3 & 1) != 0 ? blind_xor(b[i], before.delta) : b[i];
    }
    blind_and(out, a, b, lanes, &t.garbler);
    blind_and(got, x, y, lanes, &t.evaluator);
    for (int i = 0; i < lanes; i++) {
        const unsigned bits = (unsigned)i + round;
        const bool one = (bits >> 2 & bits >> 3 & 1) != 0;
        const uint8_t *row = t.bytes + 16 * i;
        blind_block want, tg, te;

        half_gates(&want, &tg, &te, a[i], b[i], before.delta, before.start,
                   before.tweak + (uint64_t)i,
                   before.tweak + (uint64_t)(lanes + i));
        CHECK(gates_equal(out[i], want) && gates_equal(blind_get(row), tg)
              && gates_equal(blind_get(row + 16 * lanes), te),
              "%s: gate %d of %d, round %u", aes->name, i, lanes, round);
        if (one)
            want = blind_xor(want, before.delta);
        CHECK(gates_equal(got[i], want), "%s: copy %d of %d, bits %u",
              aes->name, i, lanes, bits & 15);
    }
    CHECK(t.garbler.tweak == before.tweak + 2 * (uint64_t)lanes
          && t.evaluator.tweak == t.garbler.tweak
          && t.garbler.table == t.bytes + lanes * BLIND_AND_BYTES
          && t.evaluator.table == t.garbler.table, "%d lanes", lanes);
    gates_close(&t);
}

TEST(garble_and_is_half_gates)
{
    uint64_t seed = 1;

    for (const blind_aes *const *a = blind_aes_kernels; *a != NULL; a++)
        for (int lanes = 1; (*a)->usable() && lanes <= BLIND_LANES; lanes++)
            for (unsigned round = 0; round < 16; round++)
                check_and(*a, lanes, round, &seed);
}

TEST(garble_and_in_place)
{
    uint64_t seed = 2;
    blind_block a[BLIND_LANES], b[BLIND_LANES], want[BLIND_LANES];
    gates_table t;

    gates_open(&t, &blind_aes_portable, TABLE, &seed);
    for (int i = 0; i < BLIND_LANES; i++) {
        a[i] = gates_label(&seed);
        b[i] = gates_label(&seed);
    }
    for (int which = 0; which < 4; which++) {
        blind_gates g = which < 2 ? t.garbler : t.evaluator, h = g;
        blind_block x[BLIND_LANES], *out = x;

        memcpy(x, which % 2 == 0 ? a : b, sizeof x);
        blind_and(want, a, b, BLIND_LANES, &g);
        blind_and(out, which % 2 == 0 ? x : a, which % 2 == 0 ? b : x,
                  BLIND_LANES, &h);
        CHECK(memcmp(x, want, sizeof x) == 0, "case %d", which);
    }
    gates_close(&t);
}

/* The table's number is, with H_c the hash of the label of colour c and v the
 * value of colour 0, H_0 - v y + (1 - v) y - H_1. */
static void check_project(const blind_aes *aes, int lanes, unsigned round,
                          uint64_t *seed)
{
    blind_block w[BLIND_LANES], x[BLIND_LANES];
    blind_share y[BLIND_LANES], out[BLIND_LANES], got[BLIND_LANES];
    gates_table t;

    gates_open(&t, aes, TABLE, seed);
    const blind_gates before = t.garbler;
    for (int i = 0; i < lanes; i++) {
        const unsigned bits = (unsigned)i + round;

        w[i] = gates_label(seed);
        w[i].w[0] ^= (w[i].w[0] ^ bits) & 1;
        x[i] = (bits >> 1 & 1) != 0 ? blind_xor(w[i], before.delta) : w[i];
        y[i] = gates_number(seed);
    }
    blind_project(out, w, y, lanes, &t.garbler);
    blind_project(got, x, NULL, lanes, &t.evaluator);
    for (int i = 0; i < lanes; i++) {
        const unsigned bits = (unsigned)i + round;
        const blind_block other = blind_xor(w[i], before.delta);
        const bool v = blind_colour(w[i]) != 0;
        const uint64_t tweak = before.tweak + (uint64_t)i;
        const blind_share h0 = blind_number(
            textbook_hash(v ? other : w[i], before.start, tweak));
        const blind_share h1 = blind_number(
            textbook_hash(v ? w[i] : other, before.start, tweak));
        const blind_share row = blind_number(
            blind_get(t.bytes + BLIND_PROJECT_BYTES * i));

        CHECK(row == (v ? h0 - y[i] : h0 + y[i]) - h1,
              "%s: table %d of %d, round %u", aes->name, i, lanes, round);
        CHECK(out[i] + got[i] == ((bits >> 1 & 1) != 0 ? y[i] : 0),
              "%s: copy %d of %d, bits %u", aes->name, i, lanes, bits & 3);
        CHECK(got[i] != 0 && out[i] != 0, "a share is 0");
    }
    CHECK(t.garbler.tweak == before.tweak + (uint64_t)lanes
          && t.evaluator.tweak == t.garbler.tweak
          && t.garbler.table == t.bytes + lanes * BLIND_PROJECT_BYTES
          && t.evaluator.table == t.garbler.table, "%d lanes", lanes);
    gates_close(&t);
}

TEST(garble_projection_shares_a_number)
{
    uint64_t seed = 3;

    for (const blind_aes *const *a = blind_aes_kernels; *a != NULL; a++)
        for (int lanes = 1; (*a)->usable() && lanes <= BLIND_LANES; lanes++)
            for (unsigned round = 0; round < 4; round++)
                check_project(*a, lanes, round, &seed);
}

/* Colours c of the evaluator, v of the garbler: c ^ v of the number. */
static void check_mux(const blind_aes *aes, size_t count, uint64_t *seed)
{
    blind_share x[MANY], given[MANY], taken[MANY], add[MANY];
    blind_block q[MANY], t[MANY];
    uint8_t c[MANY / 8 + 1], v[MANY / 8 + 1];
    uint8_t message[BLIND_MUX_BYTES * MANY];
    gates_table s;

    gates_open(&s, aes, TABLE, seed);
    blind_gates sender = s.garbler, receiver = s.evaluator;
    const blind_gates before = sender;
    for (size_t i = 0; i < sizeof c; i++) {
        c[i] = (uint8_t)test_word(seed);
        v[i] = (uint8_t)test_word(seed);
    }
    for (size_t i = 0; i < count; i++) {
        q[i] = gates_label(seed);
        t[i] = blind_bit(v, i) != 0 ? blind_xor(q[i], before.delta) : q[i];
        x[i] = gates_number(seed);
        given[i] = add[i] = gates_number(seed);
        taken[i] = 0;
    }
    blind_mux_send(given, message, x, c, q, count, &sender);
    blind_mux_receive(taken, message, v, t, count, &receiver);
    for (size_t i = 0; i < count; i++) {
        const bool bit = blind_bit(c, i) != blind_bit(v, i);
        const blind_share d = blind_bit(c, i) != 0 ? 0 - x[i] : x[i];
        const blind_share h0 = blind_number(
            textbook_hash(q[i], before.start, before.tweak + i));
        const blind_share h1 = blind_number(
            textbook_hash(blind_xor(q[i], before.delta), before.start,
                          before.tweak + i));

        CHECK(blind_number(blind_get(message + BLIND_MUX_BYTES * i))
              == h0 + d - h1, "%s: message %zu of %zu", aes->name, i, count);
        CHECK(given[i] - add[i] + taken[i] == (bit ? x[i] : 0),
              "%s: number %zu of %zu", aes->name, i, count);
    }
    CHECK(sender.tweak == before.tweak + count
          && receiver.tweak == sender.tweak, "%zu numbers", count);
    gates_close(&s);
}

TEST(garble_mux_chooses_the_evaluators_number)
{
    uint64_t seed = 4;

    for (const blind_aes *const *a = blind_aes_kernels; *a != NULL; a++)
        for (size_t n = 1; (*a)->usable() && n <= MANY; n++)
            check_mux(*a, n, &seed);
}
