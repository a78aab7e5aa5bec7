/* arith.c -- arithmetic on ciphertexts of given words. */
#include <string.h>

#include "check.h"

/* The operand of this name, at a free place. */
static const ckks_ct *arith_ct(vec_case *c, const char *key)
{
    ckks_ct *out = &c->ct[1];

    while (out->limb != NULL)
        out++;
    vec_ct(c, out, vec_input(c, key));
    return out;
}

static const ckks_pt *arith_pt(vec_case *c)
{
    vec_pt(c, &c->pt[0], vec_input(c, "m"));
    return &c->pt[0];
}

static double arith_number(vec_case *c, const char *key)
{
    return vec_double(c, c->input, key);
}

/* The result stands in ct[0]. */
static void arith_result(vec_case *c, ckks_status s)
{
    if (vec_ok(c, s))
        vec_check_ct(c, &c->ct[0]);
}

static void arith_two(vec_case *c, ckks_status (*fn)(ckks_ct *,
                                                     const ckks_ct *,
                                                     const ckks_ct *))
{
    const ckks_ct *a = arith_ct(c, "a"), *b = arith_ct(c, "b");

    if (!c->failed)
        arith_result(c, fn(&c->ct[0], a, b));
}

static void arith_one(vec_case *c,
                      ckks_status (*fn)(ckks_ct *, const ckks_ct *))
{
    const ckks_ct *a = arith_ct(c, "a");

    if (!c->failed)
        arith_result(c, fn(&c->ct[0], a));
}

static void arith_plain(vec_case *c, ckks_status (*fn)(ckks_ct *,
                                                       const ckks_ct *,
                                                       const ckks_pt *))
{
    const ckks_ct *a = arith_ct(c, "a");
    const ckks_pt *m = arith_pt(c);

    if (!c->failed)
        arith_result(c, fn(&c->ct[0], a, m));
}

static void arith_add(vec_case *c)
{
    arith_two(c, ckks_add);
}

static void arith_sub(vec_case *c)
{
    arith_two(c, ckks_sub);
}

static void arith_mul(vec_case *c)
{
    arith_two(c, ckks_mul);
}

static void arith_neg(vec_case *c)
{
    arith_one(c, ckks_neg);
}

static void arith_square(vec_case *c)
{
    arith_one(c, ckks_square);
}

static void arith_alternating(vec_case *c)
{
    arith_one(c, ckks_mul_alternating);
}

/* The square of a is added to z, where the result then stands. */
static void arith_add_square(vec_case *c)
{
    const ckks_ct *a = arith_ct(c, "a");

    vec_ct(c, &c->ct[0], vec_input(c, "z"));
    if (!c->failed)
        arith_result(c, ckks_add_square(&c->ct[0], a));
}

static void arith_rescale(vec_case *c)
{
    arith_one(c, ckks_rescale);
}

static void arith_add_plain(vec_case *c)
{
    arith_plain(c, ckks_add_plain);
}

static void arith_sub_plain(vec_case *c)
{
    arith_plain(c, ckks_sub_plain);
}

static void arith_mul_plain(vec_case *c)
{
    arith_plain(c, ckks_mul_plain);
}

static void arith_add_const(vec_case *c)
{
    const ckks_ct *a = arith_ct(c, "a");

    if (!c->failed)
        arith_result(c, ckks_add_const(&c->ct[0], a, arith_number(c, "re"),
                                       arith_number(c, "im")));
}

static void arith_mul_const(vec_case *c)
{
    const ckks_ct *a = arith_ct(c, "a");

    if (!c->failed)
        arith_result(c, ckks_mul_const(&c->ct[0], a, arith_number(c, "re"),
                                       arith_number(c, "im"),
                                       arith_number(c, "scale")));
}

static void arith_mul_int(vec_case *c)
{
    const ckks_ct *a = arith_ct(c, "a");

    if (!c->failed)
        arith_result(c, ckks_mul_int(&c->ct[0], a,
                                     vec_int(c, c->input, "factor")));
}

static void arith_drop(vec_case *c)
{
    const ckks_ct *a = arith_ct(c, "a");

    if (!c->failed)
        arith_result(c, ckks_drop_level(&c->ct[0], a,
                                        vec_level(c, c->input)));
}

/* ---- integer combinations ----------------------------------------------- */

enum { ARITH_BLOCKS = 4, ARITH_OUT = 8 };

static int32_t *arith_int32(vec_case *c, const nni_json_node *node,
                            size_t *count)
{
    int64_t *x = vec_ints(c, node, count);
    int32_t *out = vec_alloc(c, (*count + 1) * sizeof *out);

    for (size_t i = 0; i < *count && out != NULL; i++)
        out[i] = (int32_t)x[i];
    return out;
}

/* One block of the JSON; returns its rows. */
static size_t arith_block(vec_case *c, ckks_block *b,
                          const nni_json_node *node)
{
    const nni_json_node *rows = nni_json_get(c->doc, node, "weight"), *at;
    int32_t *weight = NULL;
    size_t k = 0, count;

    b->first = (size_t)vec_int(c, node, "first");
    b->index = arith_int32(c, nni_json_get(c->doc, node, "index"), &b->terms);
    b->rows = rows == NULL ? 0 : rows->count;
    weight = vec_alloc(c, (b->rows * b->terms + 1) * sizeof *weight);
    b->weight = weight;
    for (at = nni_json_first(c->doc, rows); at != NULL && !c->failed;
         at = nni_json_next(c->doc, at), k++) {
        const int32_t *w = arith_int32(c, at, &count);

        if (count != b->terms)
            vec_fail(c, "a row of %zu weights", count);
        else
            memcpy(weight + k * count, w, count * sizeof *w);
    }
    return b->rows;
}

static void arith_combine(vec_case *c)
{
    const nni_json_node *in = vec_input(c, "in"), *blocks, *at;
    ckks_block block[ARITH_BLOCKS] = {{ 0, 0, 0, NULL, NULL }};
    const ckks_ct *from[VEC_CTS];
    ckks_ct *to[ARITH_OUT];
    size_t n_in = 0, n_out = 0, n_blocks = 0;
    char key[32];

    for (at = nni_json_first(c->doc, in); at != NULL && n_in < ARITH_OUT;
         at = nni_json_next(c->doc, at), n_in++) {
        vec_ct(c, &c->ct[ARITH_OUT + n_in], at);
        from[n_in] = &c->ct[ARITH_OUT + n_in];
    }
    blocks = vec_input(c, "blocks");
    for (at = nni_json_first(c->doc, blocks);
         at != NULL && n_blocks < ARITH_BLOCKS;
         at = nni_json_next(c->doc, at))
        n_out += arith_block(c, &block[n_blocks++], at);
    for (size_t k = 0; k < ARITH_OUT; k++)
        to[k] = &c->ct[k];
    if (c->failed || n_out > ARITH_OUT
        || !vec_ok(c, ckks_combine(to, n_out, from, n_in, block, n_blocks,
                                   arith_number(c, "scale"))))
        return;
    vec_check_ct(c, &c->ct[0]);
    for (size_t r = 0; r < n_out; r++)
        for (size_t h = 0; h < 2; h++) {
            size_t limbs = (size_t)(c->ct[r].level + 1);

            snprintf(key, sizeof key, "out%zuc%zu", r, h);
            vec_check_words(c, key, c->ct[r].limb + h * limbs * c->group->n,
                            limbs, c->group->n);
        }
}

const vec_operation vec_operations_arith[] = {
    { "add", arith_add },
    { "sub", arith_sub },
    { "neg", arith_neg },
    { "add_plain", arith_add_plain },
    { "sub_plain", arith_sub_plain },
    { "add_const", arith_add_const },
    { "mul_int", arith_mul_int },
    { "mul_const", arith_mul_const },
    { "mul_plain", arith_mul_plain },
    { "mul", arith_mul },
    { "square", arith_square },
    { "add_square", arith_add_square },
    { "mul_alternating", arith_alternating },
    { "rescale", arith_rescale },
    { "drop_level", arith_drop },
    { "combine", arith_combine },
    { NULL, NULL }
};
