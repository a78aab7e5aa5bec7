/* words.c -- operations on words: primes, transforms, automorphisms,
 * arithmetic, streams, base conversion.
 */
#include <string.h>

#include "check.h"

static size_t words_all(const vec_case *c)
{
    return (size_t)(c->group->top + 1 + c->group->special);
}

static void words_primes(vec_case *c)
{
    const size_t all = words_all(c);
    uint64_t *p = vec_alloc(c, all * sizeof *p);
    ckks_params r;

    if (p == NULL || !vec_ok(c, ckks_params_resolve(&r, &c->group->params)))
        return;
    for (int t = 0; t < (int)all; t++)
        p[t] = t <= c->group->top ? r.primes[t]
                                  : r.special[t - c->group->top - 1];
    vec_check_words(c, "primes", p, 1, all);
}

/* psi is X at place 0: 2 br(0) + 1 = 1; in the real ring psi + 1/psi is X + 1/X
 * there. */
static void words_root(vec_case *c)
{
    const size_t all = words_all(c), n = c->group->n;
    uint64_t *psi = vec_alloc(c, (all + n) * sizeof *psi), *x = psi + all;

    for (int t = 0; t < (int)all && !c->failed; t++) {
        memset(x, 0, n * sizeof *x);
        x[1] = 1;
        vec_ok(c, ckks_ntt(x, c->group->ctx, t));
        psi[t] = x[0];
    }
    vec_check_words(c, vec_real(c) ? "sum" : "psi", psi, 1,
                    all);
}

/* All limbs through a function of one; over Q_level P. */
typedef ckks_status words_limb_fn(uint64_t *x, const ckks_ctx *ctx,
                                  int prime);

static bool words_limbs(vec_case *c, uint64_t *x, int level, int limbs,
                        words_limb_fn *fn)
{
    for (int t = 0; t < limbs && x != NULL && !c->failed; t++)
        vec_ok(c, fn(x + (size_t)t * c->group->n, c->group->ctx,
                     vec_prime(c, level, t)));
    return !c->failed && x != NULL;
}

static void words_transform(vec_case *c, words_limb_fn *fn)
{
    uint64_t *x = vec_poly(c, vec_input(c, "x"), words_all(c));

    if (words_limbs(c, x, c->group->top, (int)words_all(c), fn))
        vec_check_words(c, "out", x, words_all(c), c->group->n);
}

static void words_ntt(vec_case *c)
{
    words_transform(c, ckks_ntt);
}

static void words_ntt_inverse(vec_case *c)
{
    words_transform(c, ckks_ntt_inverse);
}

static void words_galois(vec_case *c)
{
    size_t count;
    int64_t *step = vec_ints(c, vec_input(c, "steps"), &count);
    uint64_t *g = vec_alloc(c, count * sizeof *g);

    for (size_t i = 0; i < count && !c->failed; i++)
        g[i] = ckks_galois(c->group->ctx, (int)step[i]);
    vec_check_words(c, "g", g, 1, count);
}

static void words_automorphism(vec_case *c)
{
    const size_t n = c->group->n;
    uint64_t *x = vec_poly(c, vec_input(c, "x"), words_all(c));
    uint64_t g = (uint64_t)vec_int(c, c->input, "galois");

    for (size_t t = 0; t < words_all(c) && !c->failed; t++)
        vec_ok(c, ckks_automorphism(x + t * n, x + t * n, c->group->ctx,
                                    (int)t, g));
    vec_check_words(c, "out", x, words_all(c), n);
}

/* ---- arithmetic: by way of ciphertexts and plaintexts ------------------- */

/* A ciphertext whose halves are both x, or a plaintext (parts 1). */
static bool words_object(vec_case *c, int parts, const nni_json_node *node)
{
    const int level = vec_level(c, c->input);
    const size_t half = (size_t)(level + 1) * c->group->n;
    uint64_t *x = vec_poly(c, node, (size_t)(level + 1));
    uint64_t *two = vec_alloc(c, 2 * half * sizeof *two);
    uint8_t *bytes;
    size_t size;

    if (x == NULL || two == NULL)
        return false;
    memcpy(two, x, half * sizeof *x);
    memcpy(two + half, x, half * sizeof *x);
    bytes = vec_object(c, &size, parts, level, 1, two);
    if (bytes == NULL)
        return false;
    if (parts == 1)
        return vec_ok(c, ckks_pt_load(&c->pt[0], c->group->ctx, bytes, size));
    if (c->ct[0].limb == NULL)
        return vec_ok(c, ckks_ct_load(&c->ct[0], c->group->ctx, bytes, size));
    return vec_ok(c, ckks_ct_load(&c->ct[1], c->group->ctx, bytes, size));
}

static void words_result(vec_case *c, ckks_status s)
{
    const ckks_ct *out = &c->ct[2];

    if (!vec_ok(c, s))
        return;
    vec_check_words(c, "out", out->limb, (size_t)(out->level + 1),
                    c->group->n);
}

static void words_add(vec_case *c)
{
    if (words_object(c, 2, vec_input(c, "a"))
        && words_object(c, 2, vec_input(c, "b")))
        words_result(c, ckks_add(&c->ct[2], &c->ct[0], &c->ct[1]));
}

static void words_sub(vec_case *c)
{
    if (words_object(c, 2, vec_input(c, "a"))
        && words_object(c, 2, vec_input(c, "b")))
        words_result(c, ckks_sub(&c->ct[2], &c->ct[0], &c->ct[1]));
}

static void words_mul(vec_case *c)
{
    if (words_object(c, 2, vec_input(c, "a"))
        && words_object(c, 1, vec_input(c, "b")))
        words_result(c, ckks_mul_plain(&c->ct[2], &c->ct[0], &c->pt[0]));
}

static void words_mul_int(vec_case *c)
{
    int64_t w = vec_int(c, c->input, "factor");

    if (words_object(c, 2, vec_input(c, "a")))
        words_result(c, ckks_mul_int(&c->ct[2], &c->ct[0], w));
}

const vec_operation vec_operations_words[] = {
    { "primes", words_primes },
    { "root", words_root },
    { "ntt_forward", words_ntt },
    { "ntt_inverse", words_ntt_inverse },
    { "galois_element", words_galois },
    { "automorphism", words_automorphism },
    { "mod_add", words_add },
    { "mod_sub", words_sub },
    { "mod_mul", words_mul },
    { "mod_mul_int", words_mul_int },
    { NULL, NULL }
};

/* ---- streams ------------------------------------------------------------ */

typedef struct base_stream {
    const uint8_t *seed;
    uint64_t a, b;
} base_stream;

static base_stream base_stream_of(vec_case *c)
{
    return (base_stream){ vec_seed(c, c->input, "seed"),
                          (uint64_t)vec_int(c, c->input, "a"),
                          (uint64_t)vec_int(c, c->input, "b") };
}

static void base_stream_run(vec_case *c)
{
    base_stream s = base_stream_of(c);
    size_t size = (size_t)vec_range(c, c->input, "size", 0, 1 << 20);
    uint8_t *out = vec_alloc(c, size);

    if (!c->failed && vec_ok(c, ckks_stream(out, size, s.seed, s.a, s.b)))
        vec_check_bytes(c, "bytes", out, size);
}

static void base_uniform(vec_case *c)
{
    base_stream s = base_stream_of(c);
    int prime = vec_range(c, c->input, "prime", 0, (int)words_all(c) - 1);
    uint64_t p = vec_modulus(c, prime);
    uint64_t *out = vec_alloc(c, c->group->n * sizeof *out);

    if (!c->failed && vec_ok(c, ckks_sample_uniform(out, c->group->n, p,
                                                    s.seed, s.a, s.b)))
        vec_check_words(c, "out", out, 1, c->group->n);
}

static void base_small(vec_case *c, bool ternary)
{
    base_stream s = base_stream_of(c);
    size_t n = (size_t)vec_range(c, c->input, "count", 0, 1 << 20);
    int8_t *x = vec_alloc(c, n);
    uint8_t *out = vec_alloc(c, n);

    if (c->failed)
        return;
    if (!vec_ok(c, ternary ? ckks_sample_ternary(x, n, s.seed, s.a, s.b)
                           : ckks_sample_error(x, n, s.seed, s.a, s.b)))
        return;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(x[i] + (ternary ? 1 : 21));
    vec_check_bytes(c, "out", out, n);
}

static void base_ternary(vec_case *c)
{
    base_small(c, true);
}

static void base_error(vec_case *c)
{
    base_small(c, false);
}

/* ---- base conversion ---------------------------------------------------- */

/* approximate = exact + v D, D the product of the source's primes: what
 * libraries without the correction have.  Small primes of additions only. */
static void base_approximate(vec_case *c, const uint64_t *out, int level,
                             int first, int last)
{
    const size_t n = c->group->n;
    const int limbs = level + 1 + vec_specials(c, level);
    const nni_json_node *given = nni_json_get(c->doc, c->input, "multiple");
    uint64_t *sum;
    uint8_t *v;
    size_t size, at = 0;

    if (given == NULL || c->failed)
        return;
    v = vec_bytes(c, given, &size);
    sum = vec_alloc(c, (size_t)limbs * n * sizeof *sum);
    if (size != 8 * n || sum == NULL) {
        vec_fail(c, "'multiple' has %zu bytes", size);
        return;
    }
    for (int t = 0; t < limbs; t++) {
        uint64_t p = vec_modulus(c, vec_prime(c, level, t)), d = 1;

        if (t >= first && t <= last)
            continue;
        for (int i = first; i <= last; i++) {       /* d q_i by doubling     */
            uint64_t q = vec_modulus(c, vec_prime(c, level, i)), r = 0;

            for (int b = 63; b >= 0; b--) {
                r = (r + r) % p;
                if (q >> b & 1)
                    r = (r + d) % p;
            }
            d = r;
        }
        for (size_t k = 0; k < n; k++, at++) {
            sum[at] = out[(size_t)t * n + k];
            for (unsigned i = 0; i < v[8 * k]; i++)
                sum[at] = (sum[at] + d) % p;
        }
    }
    vec_check_words(c, "approximate", sum, at / n, n);
}

static void base_convert(vec_case *c)
{
    const size_t n = c->group->n;
    const int level = vec_level(c, c->input);
    const int limbs = level + 1 + vec_specials(c, level);
    const char *from = vec_text(c, c->input, "source");
    const nni_json_node *x_node = vec_input(c, "x");
    bool special = strcmp(from, "special") == 0;
    int count = x_node == NULL ? 0
                : nni_json_get(c->doc, x_node, "primes") != NULL
                    ? (int)nni_json_get(c->doc, x_node, "primes")->count
                    : (int)x_node->count;
    int source = special ? CKKS_SOURCE_SPECIAL : from[0] - '0';
    int alpha = vec_alpha(c);
    int first = special ? level + 1 : source * alpha;
    int left = special ? limbs - first : level + 1 - first;
    uint64_t *x = vec_poly(c, x_node, (size_t)count);
    uint64_t *out = vec_alloc(c, (size_t)limbs * n * sizeof *out);
    size_t kept = 0;

    if (count != (special || left < alpha ? left : alpha))
        vec_fail(c, "a source of %d primes", count);
    if (c->failed || !vec_ok(c, ckks_convert(out, x, c->group->ctx, level,
                                             source)))
        return;
    base_approximate(c, out, level, first, first + count - 1);
    for (int t = 0; t < limbs; t++)                 /* others than its own   */
        if (t < first || t >= first + count)
            memmove(out + kept++ * n, out + (size_t)t * n, n * sizeof *out);
    vec_check_words(c, "out", out, kept, n);
}

static void base_mod_up(vec_case *c)
{
    const size_t n = c->group->n;
    const int level = vec_level(c, c->input);
    const int limbs = level + 1 + vec_specials(c, level);
    uint64_t *x = vec_poly(c, vec_input(c, "x"), (size_t)(level + 1));
    uint64_t *out = vec_alloc(c, (size_t)limbs * n * sizeof *out);
    int alpha = vec_alpha(c);
    char key[32];

    if (!words_limbs(c, x, level, level + 1, ckks_ntt_inverse))
        return;
    vec_check_words(c, "coeff", x, (size_t)(level + 1), n);
    for (int j = 0; j <= level / alpha && !c->failed; j++) {
        if (!vec_ok(c, ckks_convert(out, x + (size_t)(j * alpha) * n,
                                    c->group->ctx, level, j)))
            return;
        snprintf(key, sizeof key, "raised%d", j);
        vec_check_words(c, key, out, (size_t)limbs, n);
        if (!words_limbs(c, out, level, limbs, ckks_ntt))
            return;
        snprintf(key, sizeof key, "digit%d", j);
        vec_check_words(c, key, out, (size_t)limbs, n);
    }
}

static void base_down(vec_case *c, int rescale)
{
    const size_t n = c->group->n;
    const int level = vec_level(c, c->input);
    const int limbs = level + 1 + vec_specials(c, level);
    uint64_t *x = vec_poly(c, vec_input(c, "x"), (size_t)limbs);
    uint64_t *out = vec_alloc(c, (size_t)limbs * n * sizeof *out);

    if (c->failed)
        return;
    vec_ok(c, ckks_mod_down(out, x, c->group->ctx, level, rescale));
    if (vec_expects(c, "z")) {
        uint64_t *z = vec_alloc(c, (size_t)limbs * n * sizeof *z);
        uint64_t *from = x + (size_t)(level + 1) * n;

        for (int t = level + 1; t < limbs && !c->failed; t++)
            vec_ok(c, ckks_ntt_inverse(x + (size_t)t * n, c->group->ctx,
                                       vec_prime(c, level, t)));
        if (c->failed || !vec_ok(c, ckks_convert(z, from, c->group->ctx,
                                                 level,
                                                 CKKS_SOURCE_SPECIAL)))
            return;
        vec_check_words(c, "z", z, (size_t)(level + 1), n);
    }
    vec_check_words(c, "out", out, (size_t)(level + 1 - rescale), n);
}

static void base_mod_down(vec_case *c)
{
    base_down(c, 0);
}

static void base_mod_down_rescale(vec_case *c)
{
    base_down(c, 1);
}

const vec_operation vec_operations_base[] = {
    { "stream", base_stream_run },
    { "sample_uniform", base_uniform },
    { "sample_ternary", base_ternary },
    { "sample_error", base_error },
    { "convert_digit", base_convert },
    { "convert_special", base_convert },
    { "mod_up", base_mod_up },
    { "mod_down", base_mod_down },
    { "mod_down_rescale", base_mod_down_rescale },
    { NULL, NULL }
};
