/* switch.c -- key switching, step by step and as a whole. */
#include <string.h>

#include "check.h"

static size_t switch_limbs(const vec_case *c, int level)
{
    return (size_t)(level + 1 + vec_specials(c, level));
}

/* Division of one sum by P: the remainder, then the quotient; or the fused
 * division of P c_k + sum, whose result the caller compares. */
static void switch_down(vec_case *c, uint64_t *sum, int k, int level)
{
    const size_t n = c->group->n, limbs = switch_limbs(c, level);
    uint64_t *out = vec_alloc(c, limbs * n * sizeof *out);
    char key[32];

    if (c->failed)
        return;
    snprintf(key, sizeof key, "z%d", k);
    if (vec_expects(c, key)) {
        uint64_t *work = vec_alloc(c, limbs * n * sizeof *work);
        uint64_t *from = work + (size_t)(level + 1) * n;

        memcpy(work, sum, limbs * n * sizeof *work);
        for (int t = level + 1; t < (int)limbs && !c->failed; t++)
            vec_ok(c, ckks_ntt_inverse(work + (size_t)t * n, c->group->ctx,
                                       vec_prime(c, level, t)));
        if (c->failed
            || !vec_ok(c, ckks_convert(out, from, c->group->ctx, level,
                                       CKKS_SOURCE_SPECIAL)))
            return;
        vec_check_words(c, key, out, (size_t)(level + 1), n);
    }
    snprintf(key, sizeof key, "down%d", k);
    if (vec_expects(c, key)
        && vec_ok(c, ckks_mod_down(out, sum, c->group->ctx, level, 0)))
        vec_check_words(c, key, out, (size_t)(level + 1), n);
}

/* All steps for x (NTT form). */
static void switch_steps(vec_case *c, const uint64_t *x, int level,
                         ckks_key_kind kind, int step)
{
    const size_t n = c->group->n, limbs = switch_limbs(c, level);
    const int alpha = vec_alpha(c);
    uint64_t *coeff = vec_alloc(c, (size_t)(level + 1) * n * sizeof *coeff);
    uint64_t *out = vec_alloc(c, 2 * limbs * n * sizeof *out);
    char key[32];

    if (c->failed)
        return;
    memcpy(coeff, x, (size_t)(level + 1) * n * sizeof *coeff);
    if (vec_specials(c, level) < c->group->special) {
        vec_over_rest(c, coeff, level);
        vec_check_words(c, "over", coeff, (size_t)(level + 1), n);
    }
    for (int i = 0; i <= level; i++)
        vec_ok(c, ckks_ntt_inverse(coeff + (size_t)i * n, c->group->ctx, i));
    vec_check_words(c, "coeff", coeff, (size_t)(level + 1), n);
    for (int j = 0; j <= level / alpha && !c->failed; j++) {
        snprintf(key, sizeof key, "raised%d", j);
        if (vec_expects(c, key)
            && vec_ok(c, ckks_convert(out, coeff + (size_t)(j * alpha) * n,
                                      c->group->ctx, level, j)))
            vec_check_words(c, key, out, limbs, n);
    }
    if (c->failed
        || !vec_ok(c, ckks_key_product(out, x, level, c->group->keys, kind,
                                       step)))
        return;
    for (int k = 0; k < 2; k++) {
        snprintf(key, sizeof key, "sum%d", k);
        vec_check_words(c, key, out + (size_t)k * limbs * n, limbs, n);
    }
    for (int k = 0; k < 2; k++)
        switch_down(c, out + (size_t)k * limbs * n, k, level);
}

/* The operand, of this degree, and keys. */
static bool switch_ready(vec_case *c, int degree)
{
    if (c->group->keys == NULL || c->group->special == 0)
        vec_fail(c, "the group has no keys");
    if (!c->failed)
        vec_ct(c, &c->ct[1], vec_input(c, "a"));
    if (!c->failed && c->ct[1].degree != degree)
        vec_fail(c, "an operand of degree %d", c->ct[1].degree);
    return !c->failed;
}

static uint64_t *switch_part(const ckks_ct *ct, int k)
{
    return ct->limb + (size_t)k * (size_t)(ct->level + 1)
                          * ((size_t)1 << ckks_ctx_log_n(ct->ctx));
}

static void switch_relin(vec_case *c)
{
    if (!switch_ready(c, 2))
        return;
    switch_steps(c, switch_part(&c->ct[1], 2), c->ct[1].level,
                 CKKS_KEY_RELIN, 0);
    if (!c->failed
        && vec_ok(c, ckks_relin(&c->ct[0], &c->ct[1], c->group->keys)))
        vec_check_ct(c, &c->ct[0]);
}

static void switch_relin_rescale(vec_case *c)
{
    char key[32];

    if (!switch_ready(c, 2))
        return;
    switch_steps(c, switch_part(&c->ct[1], 2), c->ct[1].level,
                 CKKS_KEY_RELIN, 0);
    if (c->failed
        || !vec_ok(c, ckks_relin_rescale(&c->ct[0], &c->ct[1],
                                         c->group->keys)))
        return;
    for (int k = 0; k < 2; k++) {
        snprintf(key, sizeof key, "fused%d", k);
        vec_check_words(c, key, switch_part(&c->ct[0], k),
                        (size_t)(c->ct[0].level + 1), c->group->n);
    }
    vec_check_ct(c, &c->ct[0]);
}

/* What is switched: c_1, in an uncentred context permuted before. */
static uint64_t *switch_source(vec_case *c, ckks_key_kind kind, int step)
{
    const size_t n = c->group->n;
    const ckks_ct *a = &c->ct[1];
    uint64_t g = kind == CKKS_KEY_CONJ ? 2 * n - 1
                                       : ckks_galois(c->group->ctx, step);
    size_t limbs = (size_t)(a->level + 1);
    uint64_t *x = vec_alloc(c, limbs * n * sizeof *x);

    if (x == NULL)
        return NULL;
    memcpy(x, switch_part(a, 1), limbs * n * sizeof *x);
    if (!c->group->params.uncentred_digits)
        return x;
    for (size_t i = 0; i < limbs; i++)
        vec_ok(c, ckks_automorphism(x + i * n, x + i * n, c->group->ctx,
                                    (int)i, g));
    vec_check_words(c, "switched", x, limbs, n);
    return x;
}

static void switch_rotate(vec_case *c)
{
    int step = vec_range(c, c->input, "step", -(1 << 17), 1 << 17);

    if (!switch_ready(c, 1))
        return;
    switch_steps(c, switch_source(c, CKKS_KEY_ROTATE, step), c->ct[1].level,
                 CKKS_KEY_ROTATE, step);
    if (!c->failed
        && vec_ok(c, ckks_rotate(&c->ct[0], &c->ct[1], c->group->keys,
                                 step)))
        vec_check_ct(c, &c->ct[0]);
}

static void switch_conj(vec_case *c)
{
    if (!switch_ready(c, 1))
        return;
    switch_steps(c, switch_source(c, CKKS_KEY_CONJ, 0), c->ct[1].level,
                 CKKS_KEY_CONJ, 0);
    if (!c->failed
        && vec_ok(c, ckks_conj(&c->ct[0], &c->ct[1], c->group->keys)))
        vec_check_ct(c, &c->ct[0]);
}

enum { SWITCH_STEPS = 8 };

/* The steps of the input; 0 and a failure if there are none. */
static size_t switch_list(vec_case *c, int *step)
{
    size_t count;
    int64_t *x = vec_ints(c, vec_input(c, "steps"), &count);

    if (count == 0 || count > SWITCH_STEPS)
        vec_fail(c, "%zu steps", count);
    for (size_t k = 0; k < count && !c->failed; k++)
        step[k] = (int)x[k];
    return c->failed ? 0 : count;
}

static void switch_hoisted(vec_case *c)
{
    int step[SWITCH_STEPS];
    size_t count = switch_list(c, step);
    ckks_ct *out = &c->ct[2];
    char key[32];

    if (!switch_ready(c, 1)
        || !vec_ok(c, ckks_rotate_hoisted(out, step, count, &c->ct[1],
                                          c->group->keys)))
        return;
    for (size_t k = 0; k < count; k++)
        for (int h = 0; h < 2; h++) {
            snprintf(key, sizeof key, "out%zuc%d", k, h);
            vec_check_words(c, key, switch_part(&out[k], h),
                            (size_t)(out[k].level + 1), c->group->n);
        }
}

static void switch_refuse_hoisted(vec_case *c)
{
    int step[SWITCH_STEPS];
    size_t count = switch_list(c, step);

    if (switch_ready(c, 1))
        vec_check_status(c, ckks_rotate_hoisted(&c->ct[2], step, count,
                                                &c->ct[1], c->group->keys));
}

static void switch_sum(vec_case *c)
{
    const nni_json_node *at = nni_json_first(c->doc, vec_input(c, "in"));
    const ckks_ct *in[SWITCH_STEPS];
    int step[SWITCH_STEPS];
    size_t count = switch_list(c, step), k = 0;

    for (; at != NULL && k < count; at = nni_json_next(c->doc, at), k++) {
        vec_ct(c, &c->ct[1 + k], at);
        in[k] = &c->ct[1 + k];
    }
    if (k != count || c->group->keys == NULL)
        vec_fail(c, "%zu terms of %zu, or no keys", k, count);
    if (!c->failed
        && vec_ok(c, ckks_rotate_sum(&c->ct[0], in, step, count,
                                     c->group->keys)))
        vec_check_ct(c, &c->ct[0]);
}

const vec_operation vec_operations_switch[] = {
    { "relin", switch_relin },
    { "relin_rescale", switch_relin_rescale },
    { "rotate", switch_rotate },
    { "conj", switch_conj },
    { "rotate_hoisted", switch_hoisted },
    { "refuse_hoisted", switch_refuse_hoisted },
    { "rotate_sum", switch_sum },
    { NULL, NULL }
};
