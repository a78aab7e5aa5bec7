/* test_garbling_vectors.c -- vectors/blind/garbling.json: gates and a circuit
 * as a program in Python that shares no code computed them. */
#include "blind/circuit.h"
#include "blind/mux.h"
#include "blind/number.h"
#include "format/json.h"
#include "test.h"

enum { MOST = 17 * BLIND_LANES, TABLE = MOST * BLIND_AND_BYTES };

/* A case; what is not there is empty. */
typedef struct garbled {
    const char *kind;
    int copies, width, cases;
    size_t num_a, num_b, num_out, num_range, table_size;
    blind_gates g;
    blind_block a[MOST], b[MOST], out[BLIND_LANES], range[BLIND_LANES];
    uint8_t colours[2], table[TABLE], want[TABLE];
} garbled;

static const char *member(const nni_json *doc, const nni_json_node *o,
                          const char *key)
{
    const nni_json_node *n = nni_json_get(doc, o, key);

    return n != NULL && n->kind == NN_JSON_STRING ? n->text : "";
}

/* Bytes of a text in hexadecimal, at most `most`. */
static size_t bytes_of(uint8_t *out, size_t most, const char *text)
{
    size_t n = 0;
    unsigned x;

    for (; n < most && sscanf(text + 2 * n, "%2x", &x) == 1; n++)
        out[n] = (uint8_t)x;
    return n;
}

static size_t blocks_of(blind_block *out, size_t most, const char *text)
{
    uint8_t bytes[16 * MOST];
    const size_t n = bytes_of(bytes, 16 * most, text) / 16;

    for (size_t i = 0; i < n; i++)
        out[i] = blind_get(bytes + 16 * i);
    return n;
}

static void read_case(garbled *c, const nni_json *doc, const nni_json_node *o)
{
    const char *colours = member(doc, o, "colours");
    blind_block tweak = { { 0, 0 } };
    int64_t n = 0, width = 0;

    memset(c, 0, sizeof *c);
    c->kind = member(doc, o, "kind");
    nni_json_int(&n, nni_json_get(doc, o, "copies"), 1, BLIND_LANES);
    nni_json_int(&width, nni_json_get(doc, o, "width"), 2, 17);
    c->copies = (int)n;
    c->width = (int)width;
    blocks_of(&c->g.start, 1, member(doc, o, "start"));
    blocks_of(&c->g.delta, 1, member(doc, o, "delta"));
    blocks_of(&tweak, 1, member(doc, o, "tweak"));
    c->g.tweak = tweak.w[0];
    c->g.garbles = true;
    c->num_a = blocks_of(c->a, MOST, member(doc, o, "a"));
    c->num_b = blocks_of(c->b, MOST, member(doc, o, "b"));
    c->num_out = blocks_of(c->out, BLIND_LANES, member(doc, o, "out"));
    c->num_range = blocks_of(c->range, BLIND_LANES, member(doc, o, "range"));
    c->table_size = bytes_of(c->want, TABLE, member(doc, o, "table"));
    for (size_t i = 0; colours[i] != '\0' && i < 16; i++)
        c->colours[i / 8] |= (uint8_t)((colours[i] == '1') << i % 8);
}

static void numbers(blind_share *out, const blind_block *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = blind_number(x[i]);
}

/* What the library computes, into out and range. */
static void compute(garbled *c, blind_block *out, blind_block *range)
{
    const size_t n = (size_t)c->copies;
    blind_share y[BLIND_LANES], z[BLIND_LANES] = { 0 };

    numbers(y, c->b, n);
    c->g.table = c->table;
    if (strcmp(c->kind, "and") == 0) {
        blind_and(out, c->a, c->b, c->copies, &c->g);
        return;
    }
    if (strcmp(c->kind, "sign") == 0) {
        blind_sign(out, range, c->a, c->b, c->width, c->copies, &c->g);
        return;
    }
    if (strcmp(c->kind, "project") == 0)
        blind_project(z, c->a, y, c->copies, &c->g);
    else
        blind_mux_send(z, c->table, y, c->colours, c->a, n, &c->g);
    for (size_t i = 0; i < n; i++)
        out[i] = blind_number_block(z[i]);
}

static bool known_kind(const garbled *c)
{
    static const char *const kinds[] = { "and", "sign", "project", "mux" };

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(c->kind, kinds[i]) == 0)
            return true;
    return false;
}

static void check_case(garbled *c, const blind_aes *aes, int number)
{
    const size_t n = (size_t)c->copies;
    const size_t inputs = c->width == 0 ? n : n * (size_t)c->width;
    blind_block out[BLIND_LANES], range[BLIND_LANES];

    if (!CHECK(known_kind(c) && c->num_out == n && c->num_a == inputs
               && c->num_b == inputs
               && c->num_range == (c->width == 0 ? 0 : n)
               && c->table_size >= 16 * n, "case %d: %s", number, c->kind))
        return;
    c->g.aes = aes;
    compute(c, out, range);
    CHECK(memcmp(out, c->out, n * sizeof *out) == 0, "case %d, %s, %s: out",
          number, c->kind, aes->name);
    CHECK(memcmp(range, c->range, c->num_range * sizeof *range) == 0,
          "case %d, %s, %s: range", number, c->kind, aes->name);
    CHECK(memcmp(c->table, c->want, TABLE) == 0, "case %d, %s, %s: table",
          number, c->kind, aes->name);
}

static uint8_t *whole_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = calloc(1, 1 << 20);

    *size = f != NULL && data != NULL ? fread(data, 1, 1 << 20, f) : 0;
    if (f != NULL)
        fclose(f);
    return data;
}

TEST(garbling_vectors)
{
    size_t size;
    uint8_t *data = whole_file("vectors/blind/garbling.json", &size);
    garbled *c = malloc(sizeof *c);
    nni_json doc = { 0 };
    int number = 0;

    if (CHECK(size > 0 && c != NULL, "vectors/blind/garbling.json")
        && CHECK_OK(nni_json_load(&doc, "garbling.json", data, size))) {
        const nni_json_node *o = nni_json_first(
            &doc, nni_json_get(&doc, doc.node, "cases"));

        for (; o != NULL; o = nni_json_next(&doc, o), number++)
            for (const blind_aes *const *a = blind_aes_kernels; *a != NULL;
                 a++)
                if ((*a)->usable()) {
                    read_case(c, &doc, o);
                    check_case(c, *a, number);
                }
        CHECK(number == 14, "%d cases", number);
    }
    nni_json_clear(&doc);
    free(data);
    free(c);
}
