/* test_json.c -- the JSON reader and writer of nn/format/json.h. */
#include <float.h>
#include <locale.h>
#include <math.h>

#include "format/json.h"
#include "nn.h"
#include "test.h"

static ckks_status json_read(nni_json *doc, const char *text)
{
    return nni_json_load(doc, "text", (const uint8_t *)text, strlen(text));
}

/* The text is refused, at this byte. */
static void json_refused(const char *text, size_t at)
{
    nni_json doc = {0};
    char where[32];

    snprintf(where, sizeof where, "text: byte %zu: ", at);
    if (CHECK(json_read(&doc, text) == CKKS_EFORMAT, "accepted: %s", text))
        CHECK(strncmp(nn_last_error(), where, strlen(where)) == 0,
              "%s -> %s, want %s", text, nn_last_error(), where);
    CHECK(doc.node == NULL && doc.pool == NULL, "out was written: %s", text);
    nni_json_clear(&doc);
}

TEST(json_values)
{
    nni_json doc = {0};
    const nni_json_node *n;
    static const char text[] =
        " {\"a\": [1, -2.5e1, true, false, null, {}, []],\r\n"
        "\t\"b\\u00e9\\ud83d\\ude00\\n\\\"\\/\": \"\xc3\xa9\", \"\": 0 } ";

    if (!CHECK(json_read(&doc, text) == CKKS_OK, "%s", nn_last_error()))
        return;
    n = nni_json_get(&doc, doc.node, "a");
    CHECK(doc.node->count == 3 && n != NULL && n->count == 7, "counts");
    n = nni_json_first(&doc, n);
    CHECK(n->number == 1 && n->offset == 8, "%g at %u", n->number,
          (unsigned)n->offset);
    n = nni_json_next(&doc, n);
    CHECK(n->number == -25 && strcmp(n->text, "-2.5e1") == 0, "%s", n->text);
    n = nni_json_next(&doc, n);
    CHECK(n->kind == NN_JSON_TRUE, "kind %d", (int)n->kind);
    n = nni_json_next(&doc, n);
    CHECK(n->kind == NN_JSON_FALSE, "kind %d", (int)n->kind);
    n = nni_json_next(&doc, n);
    CHECK(n->kind == NN_JSON_NULL, "kind %d", (int)n->kind);
    n = nni_json_next(&doc, n);
    CHECK(n->kind == NN_JSON_OBJECT && n->count == 0, "kind %d", (int)n->kind);
    n = nni_json_next(&doc, n);
    CHECK(n->kind == NN_JSON_ARRAY && n->count == 0, "kind %d", (int)n->kind);
    CHECK(nni_json_next(&doc, n) == NULL, "more than seven");
    n = nni_json_get(&doc, doc.node, "b\xc3\xa9\xf0\x9f\x98\x80\n\"/");
    CHECK(n != NULL && strcmp(n->text, "\xc3\xa9") == 0 && n->length == 2,
          "escapes");
    CHECK(nni_json_get(&doc, doc.node, "") != NULL, "empty key");
    CHECK(nni_json_get(&doc, doc.node, "c") == NULL, "a key that is not there");
    CHECK(nni_json_get(&doc, n, "c") == NULL, "a key of a text");
    nni_json_clear(&doc);
}

TEST(json_refusals)
{
    json_refused("", 0);
    json_refused("  ", 2);
    json_refused("{", 1);
    json_refused("[1", 2);
    json_refused("[1,", 3);
    json_refused("[1,]", 3);
    json_refused("[,1]", 1);
    json_refused("[1 2]", 3);
    json_refused("{\"a\"}", 4);
    json_refused("{\"a\":1,}", 7);
    json_refused("{a:1}", 1);
    json_refused("{\"a\":1 \"b\":2}", 7);
    json_refused("[1}", 2);
    json_refused("{\"a\":1]", 6);
    json_refused("1 1", 2);
    json_refused("]", 0);
    json_refused("\xef\xbb\xbf{}", 0);
    json_refused("// a\n1", 0);
    json_refused("nul", 0);
    json_refused("nulll", 4);
    json_refused("True", 0);
    json_refused("NaN", 0);
    json_refused("-", 1);
    json_refused("+1", 0);
    json_refused("01", 1);
    json_refused("1.", 2);
    json_refused(".5", 0);
    json_refused("1e", 2);
    json_refused("1e+", 3);
    json_refused("0x10", 1);
    json_refused("1e999", 0);
    json_refused("[-1e400]", 1);
    json_refused("\"", 1);
    json_refused("\"a", 2);
    json_refused("\"a\nb\"", 2);
    json_refused("\"\\x\"", 2);
    json_refused("\"\\", 2);
    json_refused("\"\\u12", 5);
    json_refused("\"\\u12g4\"", 5);
    json_refused("\"\\u0000\"", 1);
    json_refused("\"\\ud800\"", 1);
    json_refused("\"\\ud800\\n\"", 1);
    json_refused("\"\\ud800\\u0041\"", 1);
    json_refused("\"\\udc00\"", 1);
    json_refused("\"\x80\"", 1);
    json_refused("\"\xc0\xaf\"", 1);                /* overlong '/'          */
    json_refused("\"\xe0\x80\xaf\"", 1);
    json_refused("\"\xf0\x80\x80\xaf\"", 1);
    json_refused("\"\xed\xa0\x80\"", 1);            /* a surrogate           */
    json_refused("\"\xf4\x90\x80\x80\"", 1);        /* above U+10FFFF        */
    json_refused("\"\xc3", 1);
    json_refused("\"\xe2\x82\"", 1);
    json_refused("{\"a\":1,\"b\":2,\"a\":3}", 17);
    json_refused("{\"a\":1,\"\\u0061\":3}", 16);
}

/* 32 levels are read, 33 are refused, a million do no harm. */
TEST(json_depth)
{
    enum { MANY = 1000000 };
    nni_json doc = {0};
    char *text = malloc(MANY + 1);

    if (!CHECK(text != NULL, "no memory"))
        return;
    memset(text, '[', MANY);
    text[MANY] = '\0';
    json_refused(text, NN_JSON_DEPTH);
    memset(text + NN_JSON_DEPTH, ']', NN_JSON_DEPTH);
    text[2 * NN_JSON_DEPTH] = '\0';
    CHECK(json_read(&doc, text) == CKKS_OK, "%s", nn_last_error());
    nni_json_clear(&doc);
    free(text);
}

/* An object of 100,000 keys costs no quadratic time. */
TEST(json_many_keys)
{
    enum { KEYS = 100000 };
    char *text = malloc(KEYS * 12 + 16), *to = text;
    nni_json doc = {0};

    if (!CHECK(text != NULL, "no memory"))
        return;
    *to++ = '{';
    for (int i = 0; i < KEYS; i++)
        to += sprintf(to, "%s\"%d\":1", i > 0 ? "," : "", i);
    strcpy(to, ",\"777\":1}");
    json_refused(text, (size_t)(to - text) + 7);
    strcpy(to, "}");
    CHECK(json_read(&doc, text) == CKKS_OK, "%s", nn_last_error());
    CHECK(doc.node != NULL && doc.node->count == KEYS, "keys lost");
    nni_json_clear(&doc);
    free(text);
}

TEST(json_integers)
{
    static const struct {
        const char *text;
        bool word, small;       /* a 64-bit word; an int in -10..10          */
    } cases[] = {
        { "0", true, true }, { "10", true, true }, { "11", true, false },
        { "-10", false, true }, { "-11", false, false },
        { "18446744073709551615", true, false },
        { "18446744073709551616", false, false },
        { "1.0", false, false }, { "1e1", false, false }, { "-0", false, true },
        { "\"1\"", false, false }, { "true", false, false },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nni_json doc = {0};
        uint64_t w = 0;
        int64_t v = 0;

        CHECK(json_read(&doc, cases[i].text) == CKKS_OK, "%s",
              nn_last_error());
        CHECK(nni_json_word(&w, doc.node) == cases[i].word, "word %s",
              cases[i].text);
        CHECK(nni_json_int(&v, doc.node, -10, 10) == cases[i].small, "int %s",
              cases[i].text);
        if (cases[i].word)
            CHECK(w == strtoull(cases[i].text, NULL, 10), "%s -> %" PRIu64,
                  cases[i].text, w);
        nni_json_clear(&doc);
    }
}

/* What is written is read back the same, bit for bit. */
TEST(json_round_trip)
{
    static const double value[] = { 0, 1, -1, 0.1, 1e-5, 1.0 / 3, 5e-324,
        1.7976931348623157e308, 4503599627370497.5, 2.2250738585072014e-308 };
    enum { VALUES = sizeof value / sizeof *value };
    uint64_t seed = 1;

    for (int indent = 0; indent <= 2; indent += 2) {
        nni_json_writer w;
        nni_json doc = {0};
        const nni_json_node *n;
        uint64_t prime = 0;

        nni_json_writer_init(&w, NULL, indent);
        nni_json_put_object(&w, NULL);
        nni_json_put_array(&w, "d\"\\\n\x01\x7f\xc3\xa9");
        for (int i = 0; i < VALUES; i++)
            nni_json_put_double(&w, NULL, value[i]);
        for (int i = 0; i < 1000; i++) {
            uint64_t word = test_word(&seed) & ~(UINT64_C(1) << 62);
            double d;

            memcpy(&d, &word, sizeof d);
            nni_json_put_double(&w, NULL, d);
        }
        nni_json_put_end(&w);
        nni_json_put_object(&w, "o");
        nni_json_put_end(&w);
        nni_json_put_word(&w, "w", UINT64_C(2305843009213693951));
        nni_json_put_int(&w, "i", -7);
        nni_json_put_bool(&w, "t", true);
        nni_json_put_null(&w, "n");
        nni_json_put_string(&w, "s", "bad \xff byte");
        nni_json_put_end(&w);
        CHECK(nni_json_writer_finish(&w) == CKKS_OK, "%s", nn_last_error());
        if (!CHECK(json_read(&doc, w.data) == CKKS_OK, "%s in %s",
                   nn_last_error(), w.data))
            return;
        n = nni_json_first(&doc,
                          nni_json_get(&doc, doc.node,
                                      "d\"\\\n\x01\x7f\xc3\xa9"));
        for (int i = 0; i < VALUES && n != NULL; i++) {
            CHECK(n->number == value[i], "%s, want %.17g", n->text, value[i]);
            n = nni_json_next(&doc, n);
        }
        seed = 1;
        for (; n != NULL; n = nni_json_next(&doc, n)) {
            uint64_t word = test_word(&seed) & ~(UINT64_C(1) << 62);

            CHECK(memcmp(&n->number, &word, 8) == 0, "%s", n->text);
        }
        seed = 1;
        CHECK(nni_json_word(&prime, nni_json_get(&doc, doc.node, "w"))
              && prime == UINT64_C(2305843009213693951), "%" PRIu64, prime);
        n = nni_json_get(&doc, doc.node, "s");
        CHECK(n != NULL && strcmp(n->text, "bad \xef\xbf\xbd byte") == 0,
              "bytes that are not UTF-8");
        CHECK((strchr(w.data, '\n') == strrchr(w.data, '\n')) == (indent == 0),
              "lines: %s", w.data);
        nni_json_clear(&doc);
        nni_json_writer_clear(&w);
    }
}

TEST(json_writer_errors)
{
    nni_json_writer w;

    nni_json_writer_init(&w, NULL, 0);
    nni_json_put_double(&w, "x", NAN);
    CHECK(nni_json_writer_finish(&w) == CKKS_EARG, "NaN was written");
    nni_json_writer_clear(&w);
    nni_json_writer_init(&w, NULL, 0);
    nni_json_put_array(&w, NULL);
    CHECK(nni_json_writer_finish(&w) == CKKS_EARG, "an open list");
    nni_json_writer_clear(&w);
    nni_json_writer_init(&w, NULL, 0);
    nni_json_put_end(&w);
    CHECK(nni_json_writer_finish(&w) == CKKS_EARG, "an end too many");
    nni_json_writer_clear(&w);
    nni_json_writer_init(&w, NULL, 0);
    for (int i = 0; i <= NN_JSON_DEPTH; i++)
        nni_json_put_array(&w, NULL);
    CHECK(nni_json_writer_finish(&w) == CKKS_EARG, "too deep");
    nni_json_writer_clear(&w);
    nni_json_writer_init(&w, NULL, 0);
    nni_json_put_int(&w, NULL, 1);
    nni_json_put_int(&w, NULL, 2);
    CHECK(nni_json_writer_finish(&w) == CKKS_EARG, "two values");
    nni_json_writer_clear(&w);
}

/* A program's locale does not change the numbers. */
TEST(json_locale)
{
    static const char *const names[] = { "de_DE.UTF-8", "fr_FR.UTF-8",
                                         "de_DE.utf8", "nl_NL.UTF-8" };
    nni_json_writer w;
    nni_json doc = {0};
    bool found = false;

    for (size_t i = 0; i < 4 && !found; i++)
        found = setlocale(LC_NUMERIC, names[i]) != NULL;
    if (!found) {
        test_skip("no locale with a decimal comma on this machine");
        return;
    }
    nni_json_writer_init(&w, NULL, 0);
    nni_json_put_double(&w, NULL, 0.25);
    CHECK(nni_json_writer_finish(&w) == CKKS_OK && w.data != NULL
          && strcmp(w.data, "0.25\n") == 0, "%s", w.data);
    CHECK(json_read(&doc, "2.5e-1") == CKKS_OK && doc.node->number == 0.25,
          "reading");
    setlocale(LC_NUMERIC, "C");
    nni_json_writer_clear(&w);
    nni_json_clear(&doc);
}

/* Damaged and truncated texts are refused or read, never anything else. */
TEST(json_damage)
{
    static const char text[] = "{\"a\": [1.5e3, -2, true, null, \"x\\u00e9"
        "\\ud83d\\ude00\xc3\xa9\"], \"b\": {\"c\": {}, \"d\": [[]]}}";
    uint64_t seed = 2;
    int read = 0, rounds = test_long() ? 1000000 : 20000;

    for (int i = 0; i < rounds; i++) {
        size_t size = sizeof text - 1;
        uint8_t *copy = malloc(size + 1);
        nni_json doc = {0};

        if (!CHECK(copy != NULL, "no memory"))
            return;
        memcpy(copy, text, size + 1);
        for (int k = 0; k < 1 + i % 3; k++)
            copy[test_word(&seed) % size] ^= (uint8_t)(1u << test_word(&seed)
                                                       % 8);
        if (i % 4 == 0)
            size = test_word(&seed) % size;
        copy = realloc(copy, size > 0 ? size : 1);
        read += nni_json_load(&doc, "text", copy, size) == CKKS_OK;
        nni_json_clear(&doc);
        free(copy);
    }
    CHECK(read > 0 && read < rounds, "%d of %d read", read, rounds);
}
