/* value.c -- values of test vectors: reading and comparing. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { VALUE_MOST = 1 << 30 };

void vec_fail(vec_case *c, const char *format, ...)
{
    va_list ap;

    if (c->failed)
        return;
    c->failed = true;
    va_start(ap, format);
    vsnprintf(c->message, sizeof c->message, format, ap);
    va_end(ap);
}

bool vec_ok(vec_case *c, ckks_status s)
{
    if (s != CKKS_OK)
        vec_fail(c, "a call was refused: %s: %s", ckks_status_name(s),
                 ckks_last_error());
    return !c->failed;
}

void *vec_alloc(vec_case *c, size_t size)
{
    const size_t head = 64;
    vec_memory *m = size > VALUE_MOST ? NULL : calloc(1, head + size);

    if (m == NULL) {
        vec_fail(c, "no memory for %zu bytes", size);
        return NULL;
    }
    m->next = c->memory;
    m->size = size;
    c->memory = m;
    return (char *)m + head;
}

void vec_case_clear(vec_case *c)
{
    vec_net_clear(c);
    while (c->memory != NULL) {
        vec_memory *m = c->memory;

        c->memory = m->next;
        free(m);
    }
    for (int i = 0; i < VEC_CTS; i++)
        ckks_ct_clear(&c->ct[i]);
    for (int i = 0; i < 2; i++)
        ckks_pt_clear(&c->pt[i]);
    ckks_sk_clear(&c->sk);
    ckks_pk_clear(&c->pk);
    ckks_keys_clear(&c->keys);
    ckks_rng_clear(&c->rng);
}

/* ---- input -------------------------------------------------------------- */

static const nni_json_node *value_member(vec_case *c,
                                        const nni_json_node *object,
                                        const char *key)
{
    const nni_json_node *node = nni_json_get(c->doc, object, key);

    if (node == NULL)
        vec_fail(c, "the case has no '%s'", key);
    return node;
}

const nni_json_node *vec_input(vec_case *c, const char *key)
{
    return value_member(c, c->input, key);
}

bool vec_flag(const vec_case *c, const char *flag)
{
    const nni_json_node *f = nni_json_first(c->doc, c->flags);

    for (; f != NULL; f = nni_json_next(c->doc, f))
        if (f->kind == NN_JSON_STRING && strcmp(f->text, flag) == 0)
            return true;
    return false;
}

int64_t vec_int(vec_case *c, const nni_json_node *object, const char *key)
{
    const nni_json_node *node = value_member(c, object, key);
    int64_t x = 0;

    if (node != NULL && node->kind == NN_JSON_STRING)
        return strtoll(node->text, NULL, 10);
    if (node != NULL && !nni_json_int(&x, node, INT64_MIN, INT64_MAX))
        vec_fail(c, "'%s' is no whole number", key);
    return x;
}

int vec_range(vec_case *c, const nni_json_node *object, const char *key,
              int low, int high)
{
    int64_t x = vec_int(c, object, key);

    if (x >= low && x <= high)
        return (int)x;
    vec_fail(c, "'%s' is %lld, not %d..%d", key, (long long)x, low, high);
    return low;
}

/* JSON has no infinities: they are text. */
static double value_double(vec_case *c, const nni_json_node *node,
                           const char *key)
{
    if (node == NULL)
        return 0;
    if (node->kind == NN_JSON_STRING && strcmp(node->text, "inf") == 0)
        return HUGE_VAL;
    if (node->kind == NN_JSON_STRING && strcmp(node->text, "nan") == 0)
        return NAN;
    if (node->kind != NN_JSON_DOUBLE)
        vec_fail(c, "'%s' is no number", key);
    return node->number;
}

double vec_double(vec_case *c, const nni_json_node *object, const char *key)
{
    return value_double(c, value_member(c, object, key), key);
}

const char *vec_text(vec_case *c, const nni_json_node *object, const char *key)
{
    const nni_json_node *node = value_member(c, object, key);

    if (node != NULL && node->kind == NN_JSON_STRING)
        return node->text;
    vec_fail(c, "'%s' is no text", key);
    return "";
}

static int value_digit(char x)
{
    return x >= '0' && x <= '9' ? x - '0'
           : x >= 'a' && x <= 'f' ? x - 'a' + 10 : -1;
}

/* out[i] of size bytes; false if the text is not that many. */
static bool value_hex(uint8_t *out, const nni_json_node *node, size_t size)
{
    if (node == NULL || node->kind != NN_JSON_STRING
        || node->length != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = value_digit(node->text[2 * i]);
        int low = value_digit(node->text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(16 * high + low);
    }
    return true;
}

uint8_t *vec_bytes(vec_case *c, const nni_json_node *node, size_t *size)
{
    size_t count = node != NULL && node->kind == NN_JSON_STRING
                       ? node->length / 2 : 0;
    uint8_t *out = vec_alloc(c, count + 1);

    *size = count;
    if (out != NULL && !value_hex(out, node, count))
        vec_fail(c, "a value is no text of hexadecimal digits");
    return out;
}

const uint8_t *vec_seed(vec_case *c, const nni_json_node *object,
                        const char *key)
{
    size_t size;
    uint8_t *out = vec_bytes(c, value_member(c, object, key), &size);

    if (size != CKKS_SEED_BYTES)
        vec_fail(c, "'%s' has %zu bytes, not %d", key, size,
                 CKKS_SEED_BYTES);
    return out;
}

static uint64_t value_word(const uint8_t *b)
{
    uint64_t x = 0;

    for (int i = 7; i >= 0; i--)
        x = x << 8 | b[i];
    return x;
}

static void value_words(vec_case *c, uint64_t *out, const nni_json_node *node,
                        size_t n)
{
    uint8_t *raw = vec_alloc(c, 8 * n);

    if (raw == NULL)
        return;
    if (!value_hex(raw, node, 8 * n)) {
        vec_fail(c, "a limb is no text of %zu words", n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = value_word(raw + 8 * i);
}

uint64_t *vec_poly(vec_case *c, const nni_json_node *node, size_t limbs)
{
    const size_t n = c->group->n;
    uint64_t *out = vec_alloc(c, limbs * n * sizeof *out);
    const nni_json_node *from = nni_json_get(c->doc, node, "primes");
    const nni_json_node *list = from != NULL ? from : node, *at;
    const uint8_t *seed = from == NULL ? NULL : vec_seed(c, node, "seed");
    size_t k = 0;

    if (out == NULL || list == NULL || list->count != limbs) {
        vec_fail(c, "a polynomial has %u limbs, not %zu",
                 list == NULL ? 0 : (unsigned)list->count, limbs);
        return NULL;
    }
    for (at = nni_json_first(c->doc, list); at != NULL && !c->failed;
         at = nni_json_next(c->doc, at), k++) {
        int64_t t = 0;

        if (from == NULL) {
            value_words(c, out + k * n, at, n);
            continue;
        }
        if (!nni_json_int(&t, at, 0, c->group->top + c->group->special))
            vec_fail(c, "a limb belongs to no prime");
        else
            vec_ok(c, ckks_sample_uniform(out + k * n, n,
                                          vec_modulus(c, (int)t), seed, 0,
                                          (uint64_t)t));
    }
    return c->failed ? NULL : out;
}

double *vec_doubles(vec_case *c, const nni_json_node *node, size_t *count)
{
    double *out;
    size_t i = 0;

    *count = node == NULL ? 0 : node->count;
    out = vec_alloc(c, (*count + 1) * sizeof *out);
    for (const nni_json_node *at = nni_json_first(c->doc, node);
         at != NULL && out != NULL; at = nni_json_next(c->doc, at))
        out[i++] = value_double(c, at, "a member of a list");
    return out;
}

int64_t *vec_ints(vec_case *c, const nni_json_node *node, size_t *count)
{
    int64_t *out;
    size_t i = 0;

    *count = node == NULL ? 0 : node->count;
    out = vec_alloc(c, (*count + 1) * sizeof *out);
    for (const nni_json_node *at = nni_json_first(c->doc, node);
         at != NULL && out != NULL; at = nni_json_next(c->doc, at), i++) {
        if (at->kind == NN_JSON_STRING)
            out[i] = strtoll(at->text, NULL, 10);
        else if (!nni_json_int(&out[i], at, INT64_MIN, INT64_MAX))
            vec_fail(c, "a member of a list is no whole number");
    }
    return out;
}
