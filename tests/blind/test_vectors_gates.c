/* test_vectors_gates.c -- vectors/b1/gates.json: ciphers, gates, circuits,
 * byte for byte, both sides. */
#include "blind/circuit.h"
#include "blind/mux.h"
#include "blind/number.h"
#include "test.h"
#include "vectors_support.h"

/* ---- ciphers ------------------------------------------------------------- */

static void run_stream(vec_case *c, void *with)
{
    const blind_aes *aes = with;
    const size_t count = (size_t)vec_int(c, "count");
    blind_block *out = vec_take(c, count * sizeof *out);

    aes->stream(out, vec_block(c, "key"), vec_word(c, "first"), count);
    vec_same_blocks(c, "out", out, count);
}

static void run_hash(vec_case *c, void *with)
{
    const blind_aes *aes = with;
    const int per = (int)vec_int(c, "per");
    size_t n;
    blind_block *x = vec_blocks(c, "x", &n, 2);

    aes->hash(x, x, vec_block(c, "start"), vec_word(c, "tweak"),
              n / (size_t)per, per);
    vec_same_blocks(c, "out", x, n);
}

/* ---- gates --------------------------------------------------------------- */

/* The side of the garbler, its table of so many bytes. */
static blind_gates garbler(vec_case *c, const blind_aes *aes, size_t table)
{
    return (blind_gates){ .garbles = true, .aes = aes,
                          .start = vec_block(c, "start"),
                          .delta = vec_block(c, "delta"),
                          .tweak = vec_word(c, "tweak"),
                          .table = vec_take(c, table) };
}

static blind_gates evaluator(vec_case *c, const blind_aes *aes, uint8_t *table)
{
    return (blind_gates){ .aes = aes, .start = vec_block(c, "start"),
                          .tweak = vec_word(c, "tweak"), .table = table };
}

static void flip(blind_block *out, const blind_block *in, size_t n, bool bit,
                 blind_block delta)
{
    for (size_t i = 0; i < n; i++)
        out[i] = bit ? blind_xor(in[i], delta) : in[i];
}

static void run_and(vec_case *c, void *with)
{
    size_t n;
    blind_block *a = vec_blocks(c, "a", &n, 1);
    blind_block *b = vec_blocks(c, "b", NULL, n);
    blind_block x[BLIND_LANES], y[BLIND_LANES], out[BLIND_LANES];
    const size_t size = n * BLIND_AND_BYTES;
    blind_gates g = garbler(c, with, size);
    uint8_t *table = g.table;

    blind_and(out, a, b, (int)n, &g);
    vec_same(c, "table", table, size);
    vec_same_blocks(c, "out", out, n);
    for (int i = 0; i < 4; i++) {
        const char key[] = { 'o', 'f', (char)('0' + i / 2),
                             (char)('0' + i % 2), '\0' };
        blind_gates e = evaluator(c, with, table);

        flip(x, a, n, i / 2, g.delta);
        flip(y, b, n, i % 2, g.delta);
        blind_and(out, x, y, (int)n, &e);
        vec_same_blocks(c, key, out, n);
    }
}

static blind_share *vec_shares(vec_case *c, const char *key, size_t *n)
{
    const blind_block *b = vec_blocks(c, key, n, 1);
    blind_share *x = vec_take(c, *n * sizeof *x);

    for (size_t i = 0; i < *n; i++)
        x[i] = blind_number(b[i]);
    return x;
}

static void run_project(vec_case *c, void *with)
{
    size_t n;
    blind_share *y = vec_shares(c, "y", &n), out[BLIND_LANES];
    blind_block *bit = vec_blocks(c, "bit", NULL, n), w[BLIND_LANES];
    const size_t size = n * BLIND_PROJECT_BYTES;
    blind_gates g = garbler(c, with, size);
    uint8_t *table = g.table;

    blind_project(out, bit, y, (int)n, &g);
    vec_same(c, "table", table, size);
    vec_same_shares(c, "out", out, n);
    for (int i = 0; i < 2; i++) {
        blind_gates e = evaluator(c, with, table);

        flip(w, bit, n, i, g.delta);
        blind_project(out, w, NULL, (int)n, &e);
        vec_same_shares(c, i == 0 ? "of0" : "of1", out, n);
    }
}

static void run_mux(vec_case *c, void *with)
{
    size_t n;
    blind_share *x = vec_shares(c, "x", &n);
    blind_block *q = vec_blocks(c, "q", NULL, n);
    blind_block *t = vec_blocks(c, "t", NULL, n);
    const uint8_t *mine = vec_bytes(c, "sender", (n + 7) / 8);
    const uint8_t *theirs = vec_bytes(c, "receiver", (n + 7) / 8);
    blind_share *given = vec_take(c, n * sizeof *given);
    blind_share *taken = vec_take(c, n * sizeof *taken);
    uint8_t *message = vec_take(c, n * BLIND_MUX_BYTES);
    blind_gates s = evaluator(c, with, NULL), r = s;

    s.delta = vec_block(c, "delta");
    blind_mux_send(given, message, x, mine, q, n, &s);
    blind_mux_receive(taken, message, theirs, t, n, &r);
    vec_same(c, "message", message, n * BLIND_MUX_BYTES);
    vec_same_shares(c, "given", given, n);
    vec_same_shares(c, "taken", taken, n);
}

/* ---- circuits ------------------------------------------------------------ */

enum { MOST_OUT = 4 * BLIND_LANES };

typedef int (*circuit)(blind_block *out, blind_block *in, vec_case *c,
                       blind_gates *g);

static int sign_circuit(blind_block *out, blind_block *in, vec_case *c,
                        blind_gates *g)
{
    const int width = (int)vec_int(c, "width"), n = (int)vec_int(c, "copies");

    blind_sign(out, out + n, in, in + width * n, width, n, g);
    return 2 * n;
}

static int zero_circuit(blind_block *out, blind_block *in, vec_case *c,
                        blind_gates *g)
{
    blind_all_zero(out, in, (int)vec_int(c, "width"), g);
    return 1;
}

static int last_circuit(blind_block *out, blind_block *in, vec_case *c,
                        blind_gates *g)
{
    const int classes = (int)vec_int(c, "classes");
    const int n = (int)vec_int(c, "copies");

    blind_last(out, in, classes, n, g);
    return blind_label_bits(classes) * n;
}

static void run_circuit(vec_case *c, const blind_aes *aes, circuit run)
{
    size_t n;
    blind_block *zero = vec_blocks(c, "zero", &n, 1), out[MOST_OUT];
    blind_block *active = vec_blocks(c, "active", NULL, n);
    blind_gates g = garbler(c, aes, 64 * n * BLIND_AND_BYTES), e;
    uint8_t *table = g.table;
    int count = run(out, zero, c, &g);

    vec_same(c, "table", table, (size_t)(g.table - table));
    vec_same_blocks(c, "out", out, (size_t)count);
    e = evaluator(c, aes, table);
    count = run(out, active, c, &e);
    vec_same_blocks(c, "got", out, (size_t)count);
    CHECK(e.table == g.table && e.tweak == g.tweak, "%s: the sides count "
          "differently", c->name);
}

static void run_sign(vec_case *c, void *with)
{
    run_circuit(c, with, sign_circuit);
}

static void run_zero(vec_case *c, void *with)
{
    run_circuit(c, with, zero_circuit);
}

static void run_last(vec_case *c, void *with)
{
    run_circuit(c, with, last_circuit);
}

TEST(vectors_of_gates)
{
    static const struct {
        const char *operation;
        void (*run)(vec_case *c, void *with);
    } all[] = {
        { "aes_stream", run_stream }, { "hash", run_hash }, { "and", run_and },
        { "project", run_project }, { "mux", run_mux }, { "sign", run_sign },
        { "all_zero", run_zero }, { "last", run_last }
    };

    for (const blind_aes *const *a = blind_aes_kernels; *a != NULL; a++)
        for (size_t i = 0; (*a)->usable() && i < sizeof all / sizeof *all; i++)
            vec_each("gates", all[i].operation, all[i].run,
                     (void *)(uintptr_t)*a);
}
