/* vectors_support.c -- vectors_support.h. */
#include "vectors_support.h"

#include <string.h>

#include "blind/number.h"
#include "scheme/rng.h"
#include "test.h"

/* ---- files --------------------------------------------------------------- */

static uint8_t *vec_read(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *b = malloc(1 << 24);

    *size = f != NULL && b != NULL ? fread(b, 1, 1 << 24, f) : 0;
    if (f != NULL)
        fclose(f);
    return b;
}

const char *vec_text(const vec_case *c, const nni_json_node *n)
{
    (void)c;
    return n != NULL && n->kind == NN_JSON_STRING ? n->text : "";
}

static void vec_run(vec_case *c, const nni_json_node *test, const char *file,
                    void (*run)(vec_case *c, void *with), void *with)
{
    const nni_json *d = c->doc;

    c->input = nni_json_get(d, test, "input");
    c->expected = nni_json_get(d, test, "expected");
    snprintf(c->name, sizeof c->name, "vectors/b1/%s.json: case %g, %s, %s",
             file, nni_json_get(d, test, "tcId")->number, c->operation,
             vec_text(c, nni_json_get(d, test, "comment")));
    run(c, with);
    CHECK(c->expected != NULL && c->compared == (int)c->expected->count,
          "%s: %d of %d compared", c->name, c->compared,
          c->expected == NULL ? 0 : (int)c->expected->count);
    while (c->num_owned > 0)
        free(c->owned[--c->num_owned]);
}

void vec_each(const char *file, const char *operation,
              void (*run)(vec_case *c, void *with), void *with)
{
    const nni_json_node *group, *test;
    char path[80];
    nni_json doc = {0};
    size_t size;
    uint8_t *bytes;
    int cases = 0;

    snprintf(path, sizeof path, "vectors/b1/%s.json", file);
    bytes = vec_read(path, &size);
    if (!CHECK_OK(nni_json_load(&doc, path, bytes, size))) {
        free(bytes);
        return;
    }
    group = nni_json_first(&doc, nni_json_get(&doc, doc.node, "testGroups"));
    for (; group != NULL; group = nni_json_next(&doc, group)) {
        test = nni_json_first(&doc, nni_json_get(&doc, group, "tests"));
        for (; test != NULL; test = nni_json_next(&doc, test)) {
            vec_case c = { .doc = &doc };

            c.operation = vec_text(&c, nni_json_get(&doc, test, "operation"));
            if (strcmp(c.operation, operation) != 0)
                continue;
            cases++;
            vec_run(&c, test, file, run, with);
        }
    }
    CHECK(cases > 0, "%s: no case of %s", path, operation);
    nni_json_clear(&doc);
    free(bytes);
}

/* ---- what goes in -------------------------------------------------------- */

void *vec_take(vec_case *c, size_t size)
{
    void *p = calloc(1, size > 0 ? size : 1);

    if (p == NULL || c->num_owned == VEC_OWNED)
        abort();
    c->owned[c->num_owned++] = p;
    return p;
}

const nni_json_node *vec_input(const vec_case *c, const char *key)
{
    const nni_json_node *n = nni_json_get(c->doc, c->input, key);

    CHECK(n != NULL, "%s: no input %s", c->name, key);
    return n;
}

int64_t vec_int(const vec_case *c, const char *key)
{
    int64_t v = 0;

    CHECK(nni_json_int(&v, vec_input(c, key), INT64_MIN, INT64_MAX),
          "%s: %s is no integer", c->name, key);
    return v;
}

uint64_t vec_word(const vec_case *c, const char *key)
{
    return strtoull(vec_text(c, vec_input(c, key)), NULL, 10);
}

static void list_ints(int64_t *out, size_t count, const vec_case *c,
                      const nni_json_node *list, const char *key)
{
    const nni_json_node *n = nni_json_first(c->doc, list);

    CHECK(list != NULL && list->count == count, "%s: %s has not %zu numbers",
          c->name, key, count);
    for (size_t i = 0; i < count; i++, n = nni_json_next(c->doc, n))
        CHECK(nni_json_int(&out[i], n, INT64_MIN, INT64_MAX),
              "%s: number %zu of %s", c->name, i, key);
}

void vec_ints(int64_t *out, size_t count, const vec_case *c, const char *key)
{
    list_ints(out, count, c, vec_input(c, key), key);
}

void vec_prime(const vec_case *c, const char *key, int i, uint64_t p)
{
    const nni_json_node *n = nni_json_first(c->doc, vec_input(c, key));
    uint64_t want;

    while (i-- > 0)
        n = nni_json_next(c->doc, n);
    want = strtoull(vec_text(c, n), NULL, 10);
    CHECK(p == want, "%s: prime %" PRIu64 ", want %" PRIu64, c->name, p, want);
}

static unsigned hex_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10) & 15;
}

static void hex_bytes(uint8_t *out, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(hex_digit(text[2 * i]) << 4
                           | hex_digit(text[2 * i + 1]));
}

const uint8_t *vec_bytes(vec_case *c, const char *key, size_t size)
{
    const char *text = vec_text(c, vec_input(c, key));
    uint8_t *out = vec_take(c, size);

    if (CHECK(strlen(text) == 2 * size, "%s: %s has %zu digits, want %zu",
              c->name, key, strlen(text), 2 * size))
        hex_bytes(out, text, size);
    return out;
}

const uint64_t *vec_words(vec_case *c, const char *key, size_t *count)
{
    const size_t n = strlen(vec_text(c, vec_input(c, key))) / 16;
    const uint8_t *bytes = vec_bytes(c, key, 8 * n);
    uint64_t *out = vec_take(c, n * sizeof *out);

    for (size_t i = 0; i < n; i++)
        out[i] = cki_load64(bytes + 8 * i);
    *count = n;
    return out;
}

blind_block *vec_blocks(vec_case *c, const char *key, size_t *count,
                        size_t least)
{
    const size_t n = strlen(vec_text(c, vec_input(c, key))) / 32;
    const uint8_t *bytes = vec_bytes(c, key, 16 * n);
    blind_block *out = vec_take(c, (n > least ? n : least) * sizeof *out);

    CHECK(n >= least, "%s: %s has %zu blocks, want %zu", c->name, key, n,
          least);
    for (size_t i = 0; i < n; i++)
        out[i] = blind_get(bytes + 16 * i);
    if (count != NULL)
        *count = n;
    return out;
}

blind_block vec_block(vec_case *c, const char *key)
{
    return vec_blocks(c, key, NULL, 1)[0];
}

/* The stream of the seed that stands in an input. */
static void vec_stream(cki_stream *s, vec_case *c, const char *key,
                       const char *member)
{
    const char *seed = vec_text(c, nni_json_get(c->doc, vec_input(c, key),
                                                member));
    uint8_t k[32] = { 0 };

    if (CHECK(strlen(seed) == 2 * sizeof k, "%s: %s is no seed", c->name, key))
        hex_bytes(k, seed, sizeof k);
    cki_stream_init(s, &cki_kernel_portable, k, sizeof k, 0, 0);
}

blind_block *vec_seeded(vec_case *c, const char *key, size_t count)
{
    uint8_t *bytes = vec_take(c, 16 * count);
    blind_block *out = vec_take(c, count * sizeof *out);
    cki_stream s;

    vec_stream(&s, c, key, "byteSeed");
    cki_stream_read(&s, bytes, 16 * count);
    for (size_t i = 0; i < count; i++)
        out[i] = blind_get(bytes + 16 * i);
    return out;
}

void vec_numbers(int64_t *out, size_t count, vec_case *c, const char *key)
{
    const nni_json_node *n = nni_json_get(c->doc, vec_input(c, key), "bits");
    int64_t bits = 1;
    uint8_t b[8];
    cki_stream s;

    vec_stream(&s, c, key, "coefficientSeed");
    CHECK(nni_json_int(&bits, n, 1, 63), "%s: %s has no bits", c->name, key);
    for (size_t i = 0; i < count; i++) {
        cki_stream_read(&s, b, sizeof b);
        out[i] = (int64_t)(cki_load64(b) & (((uint64_t)1 << bits) - 1))
                 - ((int64_t)1 << (bits - 1));
    }
}

const nni_json_node *vec_within(vec_case *c, const nni_json_node *object)
{
    const nni_json_node *was = c->input;

    c->input = object;
    return was;
}

/* ---- what comes out ------------------------------------------------------ */

static const nni_json_node *vec_wanted(vec_case *c, const char *key)
{
    const nni_json_node *n = nni_json_first(c->doc, c->expected);

    while (n != NULL
           && strcmp(vec_text(c, nni_json_get(c->doc, n, "key")), key) != 0)
        n = nni_json_next(c->doc, n);
    c->compared++;
    CHECK(n != NULL, "%s: nothing expected as %s", c->name, key);
    return nni_json_get(c->doc, n, "value");
}

/* Where `size` bytes differ from a text, -1: nowhere. */
static long hex_differs(const uint8_t *got, size_t size, const char *want)
{
    if (strlen(want) != 2 * size)
        return (long)(strlen(want) / 2 < size ? strlen(want) / 2 : size);
    for (size_t i = 0; i < size; i++)
        if (got[i] != (hex_digit(want[2 * i]) << 4
                       | hex_digit(want[2 * i + 1])))
            return (long)i;
    return -1;
}

static bool digest_same(const vec_case *c, const char *key,
                        const nni_json_node *n, const uint8_t *got,
                        size_t size)
{
    const char *first = vec_text(c, nni_json_get(c->doc, n, "first"));
    const char *last = vec_text(c, nni_json_get(c->doc, n, "last"));
    const size_t edge = strlen(first) / 2;
    int64_t bytes = -1;
    uint8_t sum[32];

    (void)nni_json_int(&bytes, nni_json_get(c->doc, n, "bytes"), 0, INT32_MAX);
    if (!CHECK(bytes == (int64_t)size && edge <= size
               && strlen(last) == 2 * edge, "%s: %s: %zu bytes, want %lld",
               c->name, key, size, (long long)bytes))
        return false;
    ckks_blake2b(sum, sizeof sum, got, size, NULL, 0);
    return CHECK(hex_differs(sum, sizeof sum, vec_text(
                     c, nni_json_get(c->doc, n, "blake2b"))) < 0,
                 "%s: %s: the digest differs; of the first %zu bytes number "
                 "%ld, of the last number %ld (-1: none)", c->name, key, edge,
                 hex_differs(got, edge, first),
                 hex_differs(got + size - edge, edge, last));
}

bool vec_same(vec_case *c, const char *key, const void *got, size_t size)
{
    const nni_json_node *n = vec_wanted(c, key);
    long at;

    if (n != NULL && n->kind == NN_JSON_OBJECT)
        return digest_same(c, key, n, got, size);
    at = hex_differs(got, size, vec_text(c, n));
    return CHECK(at < 0, "%s: %s: byte %ld of %zu differs", c->name, key, at,
                 size);
}

bool vec_same_blocks(vec_case *c, const char *key, const blind_block *got,
                     size_t count)
{
    uint8_t *b = vec_take(c, 16 * count);

    for (size_t i = 0; i < count; i++)
        blind_put(b + 16 * i, got[i]);
    return vec_same(c, key, b, 16 * count);
}

bool vec_same_ints(vec_case *c, const char *key, const int64_t *got,
                   size_t count)
{
    int64_t *want = vec_take(c, count * sizeof *want);
    size_t i = 0;

    list_ints(want, count, c, vec_wanted(c, key), key);
    while (i < count && got[i] == want[i])
        i++;
    return CHECK(i == count, "%s: %s: number %zu: got %" PRId64 ", want %"
                 PRId64, c->name, key, i, got[i < count ? i : 0],
                 want[i < count ? i : 0]);
}

bool vec_same_shares(vec_case *c, const char *key, const blind_share *got,
                     size_t count)
{
    blind_block *b = vec_take(c, count * sizeof *b);

    for (size_t i = 0; i < count; i++)
        b[i] = blind_number_block(got[i]);
    return vec_same_blocks(c, key, b, count);
}
