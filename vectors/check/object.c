/* object.c -- objects of given contents, made through their bytes
 * (docs/conventions.md, "Bytes") and read back from them.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { OBJECT_HEAD = 40, OBJECT_PLAIN = 2, OBJECT_CIPHER = 3,
       OBJECT_SECRET = 4, OBJECT_PUBLIC = 5, OBJECT_KEYS = 6 };

int vec_prime(const vec_case *c, int level, int t)
{
    return t <= level ? t : c->group->top + t - level;
}

uint64_t vec_modulus(const vec_case *c, int prime)
{
    const vec_group *g = c->group;

    return prime <= g->top ? ckks_ctx_prime(g->ctx, prime)
                           : ckks_ctx_special(g->ctx, prime - g->top - 1);
}

bool vec_real(const vec_case *c)
{
    return c->group->params.ring == CKKS_RING_REAL;
}

static int object_bits(uint64_t p)
{
    int bits = 0;

    while (p >> bits != 0)
        bits++;
    return bits;
}

static size_t object_limb_size(const vec_case *c, int prime)
{
    size_t bits = (size_t)object_bits(vec_modulus(c, prime));

    return (c->group->n * bits + 7) / 8;
}

static void object_store(uint8_t *out, uint64_t x, int size)
{
    for (int i = 0; i < size; i++)
        out[i] = (uint8_t)(x >> 8 * i);
}

/* Bit by bit: slow, and plainly what the conventions say.  out is zero. */
static uint8_t *object_pack(const vec_case *c, uint8_t *out,
                            const uint64_t *limb, int prime)
{
    const size_t bits = (size_t)object_bits(vec_modulus(c, prime));

    for (size_t i = 0; i < c->group->n; i++)
        for (size_t b = 0; b < bits; b++) {
            size_t at = i * bits + b;

            out[at / 8] |= (uint8_t)((limb[i] >> b & 1) << at % 8);
        }
    return out + object_limb_size(c, prime);
}

size_t vec_unpack(uint64_t *out, const uint8_t *in, size_t n, uint64_t p)
{
    const size_t bits = (size_t)object_bits(p);

    for (size_t i = 0; i < n; i++) {
        out[i] = 0;
        for (size_t b = 0; b < bits; b++) {
            size_t at = i * bits + b;

            out[i] |= (uint64_t)(in[at / 8] >> at % 8 & 1) << b;
        }
    }
    return (n * bits + 7) / 8;
}

/* Zero bytes of an object with its frame; no checksum. */
static uint8_t *object_new(vec_case *c, int kind, size_t fields)
{
    uint8_t *b = vec_alloc(c, OBJECT_HEAD + fields);

    if (b == NULL)
        return NULL;
    memcpy(b, "VLLY", 4);
    b[4] = 1;
    b[5] = (uint8_t)kind;
    b[7] = 1;
    object_store(b + 8, OBJECT_HEAD + fields, 8);
    ckks_ctx_fingerprint(b + 24, c->group->ctx);
    return b;
}

static size_t object_limbs_size(const vec_case *c, int level, bool special)
{
    size_t size = 0;

    for (int t = 0; t <= level + (special ? c->group->special : 0); t++)
        size += object_limb_size(c, vec_prime(c, level, t));
    return size;
}

uint8_t *vec_object(vec_case *c, size_t *size, int parts, int level,
                    double scale, const uint64_t *words)
{
    const size_t head = parts == 1 ? 16 : 24;
    size_t fields = head
                    + (size_t)parts * object_limbs_size(c, level, false);
    uint8_t *out = object_new(c, parts == 1 ? OBJECT_PLAIN : OBJECT_CIPHER,
                              fields), *b;
    uint64_t bits;

    *size = OBJECT_HEAD + fields;
    if (out == NULL || words == NULL)
        return NULL;
    b = out + OBJECT_HEAD;
    memcpy(&bits, &scale, sizeof bits);
    if (parts > 1)
        object_store(b, (uint64_t)parts - 1, 4);
    object_store(b + (parts > 1 ? 4 : 0), (uint64_t)level, 4);
    object_store(b + 8, bits, 8);
    b += head;
    for (int k = 0; k < parts; k++)
        for (int i = 0; i <= level; i++, words += c->group->n)
            b = object_pack(c, b, words, i);
    return out;
}

int vec_level(vec_case *c, const nni_json_node *node)
{
    return vec_range(c, node, "level", 0, c->group->top);
}

int vec_alpha(const vec_case *c)
{
    int dnum = c->group->special > 0 ? c->group->params.dnum : 1;

    return (c->group->top + dnum) / dnum;
}

int vec_specials(const vec_case *c, int level)
{
    return ckks_ctx_special_at(c->group->ctx, level);
}

/* a b mod p by additions, p below 2^62. */
static uint64_t object_times(uint64_t a, uint64_t b, uint64_t p)
{
    uint64_t r = 0;

    for (int i = 63; i >= 0; i--) {
        r = (r + r) % p;
        if (b >> i & 1)
            r = (r + a) % p;
    }
    return r;
}

void vec_over_rest(const vec_case *c, uint64_t *x, int level)
{
    const vec_group *g = c->group;

    for (int i = 0; i <= level; i++) {
        const uint64_t p = vec_modulus(c, i);
        uint64_t rest = 1, inverse = 1;

        for (int k = vec_specials(c, level); k < g->special; k++)
            rest = object_times(rest, vec_modulus(c, g->top + 1 + k) % p, p);
        for (int b = 63; b >= 0; b--) {             /* rest^(p-2)            */
            inverse = object_times(inverse, inverse, p);
            if ((p - 2) >> b & 1)
                inverse = object_times(inverse, rest, p);
        }
        for (size_t k = 0; k < g->n; k++)
            x[(size_t)i * g->n + k] = object_times(x[(size_t)i * g->n + k],
                                                   inverse, p);
    }
}

void vec_ct(vec_case *c, ckks_ct *out, const nni_json_node *node)
{
    const nni_json_node *list = nni_json_get(c->doc, node, "parts"), *at;
    size_t parts = list == NULL ? 0 : list->count, half, size, k = 0;
    int level = vec_level(c, node);
    uint64_t *words;
    uint8_t *bytes;

    if (parts < 2 || parts > 3) {
        vec_fail(c, "a ciphertext of %zu parts", parts);
        return;
    }
    half = (size_t)(level + 1) * c->group->n;
    words = vec_alloc(c, parts * half * sizeof *words);
    for (at = nni_json_first(c->doc, list); at != NULL && !c->failed;
         at = nni_json_next(c->doc, at), k++) {
        const uint64_t *x = vec_poly(c, at, (size_t)(level + 1));

        if (x != NULL)
            memcpy(words + k * half, x, half * sizeof *x);
    }
    if (c->failed)
        return;
    bytes = vec_object(c, &size, (int)parts, level,
                       vec_double(c, node, "scale"), words);
    if (bytes != NULL)
        vec_ok(c, ckks_ct_load(out, c->group->ctx, bytes, size));
}

void vec_pt(vec_case *c, ckks_pt *out, const nni_json_node *node)
{
    int level = vec_level(c, node);
    const uint64_t *x = vec_poly(c, nni_json_get(c->doc, node, "poly"),
                                 (size_t)(level + 1));
    size_t size;
    uint8_t *bytes = vec_object(c, &size, 1, level,
                                vec_double(c, node, "scale"), x);

    if (bytes != NULL && !c->failed)
        vec_ok(c, ckks_pt_load(out, c->group->ctx, bytes, size));
}

void vec_generator(vec_case *c, const nni_json_node *object, const char *key)
{
    const uint8_t *seed = vec_seed(c, object, key);

    if (!c->failed)
        vec_ok(c, ckks_rng_init(&c->rng, seed));
}

/* Coefficients, or the seed of the generator that makes them. */
void vec_secret(vec_case *c, const nni_json_node *node)
{
    const nni_json_node *given = nni_json_get(c->doc, node, "coefficients");
    const size_t n = c->group->n;
    uint8_t *x, *b;
    size_t size;

    if (given == NULL) {
        vec_generator(c, node, nni_json_get(c->doc, node, "secretSeed") != NULL
                                   ? "secretSeed" : "seed");
        if (!c->failed)
            vec_ok(c, ckks_sk_init(&c->sk, c->group->ctx, &c->rng));
        return;
    }
    x = vec_bytes(c, given, &size);
    b = object_new(c, OBJECT_SECRET, n / 4);
    if (x == NULL || b == NULL || size != n) {
        vec_fail(c, "a secret of %zu coefficients", size);
        return;
    }
    for (size_t i = 0; i < n; i++)
        b[OBJECT_HEAD + i / 4] |= (uint8_t)(x[i] << 2 * (i % 4));
    vec_ok(c, ckks_sk_load(&c->sk, c->group->ctx, b, OBJECT_HEAD + n / 4));
}

void vec_public(vec_case *c, const nni_json_node *node)
{
    const vec_group *g = c->group;
    const nni_json_node *given = nni_json_get(c->doc, node, "b");
    size_t fields = CKKS_SEED_BYTES + object_limbs_size(c, g->top, true);
    const uint8_t *seed = vec_seed(c, node, "seed");
    const uint64_t *x;
    uint8_t *out, *b;

    if (given == NULL) {
        vec_secret(c, node);
        vec_generator(c, node, "seed");
        if (!c->failed)
            vec_ok(c, ckks_pk_init(&c->pk, &c->rng, c->sk));
        return;
    }
    x = vec_poly(c, given, (size_t)(g->top + 1 + g->special));
    out = object_new(c, OBJECT_PUBLIC, fields);
    if (c->failed)
        return;
    b = out + OBJECT_HEAD;
    memcpy(b, seed, CKKS_SEED_BYTES);
    b += CKKS_SEED_BYTES;
    for (int t = 0; t <= g->top + g->special; t++)
        b = object_pack(c, b, x + (size_t)t * g->n, t);
    vec_ok(c, ckks_pk_load(&c->pk, g->ctx, out, OBJECT_HEAD + fields));
}

ckks_key_kind vec_kind(vec_case *c, const nni_json_node *object)
{
    const char *kind = vec_text(c, object, "kind");

    return strcmp(kind, "relin") == 0 ? CKKS_KEY_RELIN
           : strcmp(kind, "rotate") == 0 ? CKKS_KEY_ROTATE : CKKS_KEY_CONJ;
}

/* Keys of a seeded generator. */
static void object_generated(vec_case *c, ckks_keys **out,
                             const nni_json_node *node,
                             const nni_json_node *requests)
{
    const nni_json_node *at = nni_json_first(c->doc, requests);
    ckks_key_request r[8] = {{ CKKS_KEY_RELIN, 0, 0 }};
    size_t n = 0;

    for (; at != NULL && n < 8; at = nni_json_next(c->doc, at), n++)
        r[n] = (ckks_key_request){ vec_kind(c, at),
                                   (int)vec_int(c, at, "step"),
                                   (int)vec_int(c, at, "level") };
    vec_secret(c, node);
    vec_generator(c, node, "seed");
    if (!c->failed)
        vec_ok(c, ckks_keys_init(out, &c->rng, c->sk, r, n));
}

/* One entry of 48 bytes at e, its limbs at b; returns the place behind. */
static uint8_t *object_key(vec_case *c, uint8_t *e, uint8_t *b,
                           const nni_json_node *key)
{
    const vec_group *g = c->group;
    const nni_json_node *digit = nni_json_get(c->doc, key, "b");
    int level = vec_level(c, key), limbs = level + 1 + g->special;
    const uint8_t *seed = vec_seed(c, key, "seed");

    if (c->failed)
        return b;
    object_store(e, (uint64_t)vec_kind(c, key), 4);
    object_store(e + 4, (uint64_t)vec_int(c, key, "step"), 4);
    object_store(e + 8, (uint64_t)level, 4);
    memcpy(e + 16, seed, CKKS_SEED_BYTES);
    for (digit = nni_json_first(c->doc, digit); digit != NULL && !c->failed;
         digit = nni_json_next(c->doc, digit)) {
        const uint64_t *x = vec_poly(c, digit, (size_t)limbs);

        for (int t = 0; t < limbs && x != NULL; t++)
            b = object_pack(c, b, x + (size_t)t * g->n,
                            vec_prime(c, level, t));
    }
    return b;
}

/* The a_j of a key, where they are given: what its seed stands for. */
static void object_key_halves(vec_case *c, const nni_json_node *key)
{
    const size_t n = c->group->n;
    const int level = vec_level(c, key), limbs = level + 1 + c->group->special;
    const nni_json_node *a = nni_json_first(c->doc, nni_json_get(c->doc, key,
                                                                 "a"));
    const uint8_t *seed = vec_seed(c, key, "seed");
    uint64_t *want = vec_alloc(c, n * sizeof *want);

    for (uint64_t j = 0; a != NULL && !c->failed;
         a = nni_json_next(c->doc, a), j++) {
        const uint64_t *x = vec_poly(c, a, (size_t)limbs);

        for (int t = 0; t < limbs && !c->failed; t++) {
            int prime = vec_prime(c, level, t);

            if (vec_ok(c, ckks_sample_uniform(want, n, vec_modulus(c, prime),
                                              seed, 1 + j, (uint64_t)prime))
                && memcmp(x + (size_t)t * n, want, n * sizeof *want) != 0)
                vec_fail(c, "a of digit %d, limb %d, is not what the seed "
                         "stands for", (int)j, t);
        }
    }
}

void vec_keys(vec_case *c, ckks_keys **out, const nni_json_node *node)
{
    const nni_json_node *list = nni_json_get(c->doc, node, "list"), *at;
    size_t fields = 8, k = 0;
    uint8_t *bytes, *b;

    if (list == NULL) {
        object_generated(c, out, node, nni_json_get(c->doc, node, "requests"));
        return;
    }
    for (at = nni_json_first(c->doc, list); at != NULL;
         at = nni_json_next(c->doc, at)) {
        const nni_json_node *digits = nni_json_get(c->doc, at, "b");

        fields += 48 + (digits == NULL ? 0 : digits->count)
                           * object_limbs_size(c, vec_level(c, at), true);
    }
    bytes = object_new(c, OBJECT_KEYS, fields);
    if (bytes == NULL)
        return;
    object_store(bytes + OBJECT_HEAD, list->count, 4);
    b = bytes + OBJECT_HEAD + 8 + 48 * (size_t)list->count;
    for (at = nni_json_first(c->doc, list); at != NULL && !c->failed;
         at = nni_json_next(c->doc, at), k++) {
        b = object_key(c, bytes + OBJECT_HEAD + 8 + 48 * k, b, at);
        object_key_halves(c, at);
    }
    if (!c->failed)
        vec_ok(c, ckks_keys_load(out, c->group->ctx, bytes,
                                 OBJECT_HEAD + fields));
}
