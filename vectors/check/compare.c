/* compare.c -- what came out against what a case expects. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { COMPARE_EDGE = 8 };      /* words a digest keeps at each end          */

/* The entry of this key, marked as compared. */
static const nni_json_node *compare_find(vec_case *c, const char *key)
{
    const nni_json_node *e = nni_json_first(c->doc, c->expected);

    if (c->failed)
        return NULL;
    for (uint64_t bit = 1; e != NULL; bit <<= 1, e = nni_json_next(c->doc, e))
        if (strcmp(vec_text(c, e, "key"), key) == 0) {
            c->compared |= bit;
            return e;
        }
    return NULL;
}

bool vec_expects(const vec_case *c, const char *key)
{
    const nni_json_node *e = nni_json_first(c->doc, c->expected);

    for (; e != NULL; e = nni_json_next(c->doc, e)) {
        const nni_json_node *k = nni_json_get(c->doc, e, "key");

        if (k != NULL && k->kind == NN_JSON_STRING
            && strcmp(k->text, key) == 0)
            return true;
    }
    return false;
}

/* "stage "rounding", z (remainder): " and what follows */
static void compare_fail(vec_case *c, const nni_json_node *e, const char *what)
{
    vec_fail(c, "stage \"%s\": %s (%s): %s", vec_text(c, e, "stage"),
             vec_text(c, e, "key"), vec_text(c, e, "what"), what);
}

static void compare_word(vec_case *c, const nni_json_node *e, size_t limb,
                         size_t word, uint64_t got, uint64_t want)
{
    char text[128];

    snprintf(text, sizeof text, "word %zu of limb %zu: got 0x%llx, want "
             "0x%llx", word, limb, (unsigned long long)got,
             (unsigned long long)want);
    compare_fail(c, e, text);
}

static uint8_t *compare_store(vec_case *c, const uint64_t *words, size_t n)
{
    uint8_t *out = vec_alloc(c, 8 * n);

    for (size_t i = 0; out != NULL && i < 8 * n; i++)
        out[i] = (uint8_t)(words[i / 8] >> 8 * (i % 8));
    return out;
}

/* got[first..first + count) against as many words of hex. */
static bool compare_run(vec_case *c, const nni_json_node *e,
                        const nni_json_node *hex, size_t limb, size_t first,
                        size_t count, const uint64_t *got)
{
    size_t size;
    const uint8_t *want = vec_bytes(c, hex, &size);

    if (want == NULL || size != 8 * count) {
        vec_fail(c, "a limb of %zu bytes is expected, %zu words came out",
                 size, count);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t w = 0;

        for (int k = 7; k >= 0; k--)
            w = w << 8 | want[8 * i + (size_t)k];
        if (w != got[first + i]) {
            compare_word(c, e, limb, first + i, got[first + i], w);
            return false;
        }
    }
    return true;
}

static void compare_digest(vec_case *c, const nni_json_node *e,
                           const nni_json_node *limb, size_t k,
                           const uint64_t *got, size_t n)
{
    uint8_t hash[32];
    const uint8_t *want, *raw = compare_store(c, got, n);
    size_t size;
    char text[96];

    if (n < 2 * COMPARE_EDGE
        || !compare_run(c, e, nni_json_get(c->doc, limb, "first"), k, 0,
                        COMPARE_EDGE, got)
        || !compare_run(c, e, nni_json_get(c->doc, limb, "last"), k,
                        n - COMPARE_EDGE, COMPARE_EDGE, got)
        || raw == NULL)
        return;
    want = vec_bytes(c, nni_json_get(c->doc, limb, "blake2b"), &size);
    ckks_blake2b(hash, sizeof hash, raw, 8 * n, NULL, 0);
    if (want != NULL && size == sizeof hash
        && memcmp(hash, want, sizeof hash) == 0)
        return;
    snprintf(text, sizeof text, "limb %zu: the digest differs, in words "
             "%d..%zu", k, COMPARE_EDGE, n - COMPARE_EDGE - 1);
    compare_fail(c, e, text);
}

void vec_check_words(vec_case *c, const char *key, const uint64_t *got,
                     size_t limbs, size_t n)
{
    const nni_json_node *e = compare_find(c, key), *list, *at;
    char text[80];
    size_t k = 0;

    if (e == NULL)
        return;
    list = nni_json_get(c->doc, e, "value");
    if (got == NULL || list == NULL || list->count != limbs) {
        snprintf(text, sizeof text, "%zu limbs came out, %u are expected",
                 got == NULL ? 0 : limbs,
                 list == NULL ? 0 : (unsigned)list->count);
        compare_fail(c, e, text);
        return;
    }
    for (at = nni_json_first(c->doc, list); at != NULL && !c->failed;
         at = nni_json_next(c->doc, at), k++)
        if (at->kind == NN_JSON_OBJECT)
            compare_digest(c, e, at, k, got + k * n, n);
        else
            compare_run(c, e, at, k, 0, n, got + k * n);
}

void vec_check_most_bytes(vec_case *c, const char *key, const uint8_t *got,
                          size_t size, uint64_t left_out)
{
    const nni_json_node *e = compare_find(c, key);
    const uint8_t *want;
    size_t count, i = 0;
    char text[96];

    if (e == NULL)
        return;
    want = vec_bytes(c, nni_json_get(c->doc, e, "value"), &count);
    if (want == NULL)
        return;
    while (i < size && i < count
           && (got[i] == want[i] || (i < 64 && left_out >> i & 1)))
        i++;
    if (i < size && i < count)
        snprintf(text, sizeof text, "byte %zu: got 0x%02x, want 0x%02x", i,
                 got[i], want[i]);
    else
        snprintf(text, sizeof text, "%zu bytes came out, %zu are expected",
                 size, count);
    if (i < size || i < count)
        compare_fail(c, e, text);
}

void vec_check_bytes(vec_case *c, const char *key, const uint8_t *got,
                     size_t size)
{
    vec_check_most_bytes(c, key, got, size, 0);
}

void vec_check_doubles(vec_case *c, const char *key, const double *got,
                       size_t count)
{
    const nni_json_node *e = compare_find(c, key);
    double tolerance, *want;
    size_t n;
    char text[128];

    if (e == NULL)
        return;
    want = vec_doubles(c, nni_json_get(c->doc, e, "value"), &n);
    tolerance = nni_json_get(c->doc, e, "tolerance") == NULL
                    ? 0 : vec_double(c, e, "tolerance");
    if (want == NULL || n != count) {
        snprintf(text, sizeof text, "%zu numbers came out, %zu are expected",
                 count, n);
        compare_fail(c, e, text);
        return;
    }
    for (size_t i = 0; i < n; i++)
        if (!(fabs(got[i] - want[i]) <= tolerance)) {
            snprintf(text, sizeof text, "number %zu: got %.17g, want %.17g "
                     "within %.3g", i, got[i], want[i], tolerance);
            compare_fail(c, e, text);
            return;
        }
}

void vec_check_ints(vec_case *c, const char *key, const int64_t *got,
                    size_t count)
{
    const nni_json_node *e = compare_find(c, key);
    int64_t *want;
    size_t n;
    char text[96];

    if (e == NULL)
        return;
    want = vec_ints(c, nni_json_get(c->doc, e, "value"), &n);
    if (want == NULL || n != count) {
        snprintf(text, sizeof text, "%zu numbers came out, %zu are expected",
                 count, n);
        compare_fail(c, e, text);
        return;
    }
    for (size_t i = 0; i < n; i++)
        if (got[i] != want[i]) {
            snprintf(text, sizeof text, "number %zu: got %lld, want %lld", i,
                     (long long)got[i], (long long)want[i]);
            compare_fail(c, e, text);
            return;
        }
}

void vec_check_status(vec_case *c, ckks_status got)
{
    const nni_json_node *e = compare_find(c, "status");
    char text[96];

    if (e == NULL) {
        vec_fail(c, "the case expects no status");
        return;
    }
    if (strcmp(ckks_status_name(got), vec_text(c, e, "value")) == 0)
        return;
    snprintf(text, sizeof text, "got %s, want %s", ckks_status_name(got),
             vec_text(c, e, "value"));
    compare_fail(c, e, text);
}

void vec_check_ct(vec_case *c, const ckks_ct *ct)
{
    const nni_json_node *e = compare_find(c, "shape"), *v;
    size_t half;
    char text[160];

    if (e != NULL) {
        v = nni_json_get(c->doc, e, "value");
        if (ct->degree != vec_int(c, v, "degree")
            || ct->level != vec_int(c, v, "level")
            || ct->scale < vec_double(c, v, "scale")
            || ct->scale > vec_double(c, v, "scale")) {
            snprintf(text, sizeof text, "got degree %d, level %d, scale "
                     "%.17g, want %lld, %lld, %.17g", ct->degree, ct->level,
                     ct->scale, (long long)vec_int(c, v, "degree"),
                     (long long)vec_int(c, v, "level"),
                     vec_double(c, v, "scale"));
            compare_fail(c, e, text);
        }
    }
    half = (size_t)(ct->level + 1) * c->group->n;
    for (int k = 0; k <= ct->degree && !c->failed; k++) {
        snprintf(text, sizeof text, "c%d", k);
        vec_check_words(c, text, ct->limb + (size_t)k * half,
                        (size_t)(ct->level + 1), c->group->n);
    }
}
