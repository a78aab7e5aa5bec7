/* rotate.c -- layer 7: rotations, alone, hoisted and summed; conjugation.
 *
 * Read first: switch.h, docs/08-rotations.md.
 */
#include <math.h>
#include <string.h>

#include "switch.h"

/* out = (sum, mod-down, c_0 added) permuted: centred contexts switch first. */
static void rotate_into(ckks_ct *out, const ckks_ct *a, const cki_key *key,
                        cki_switch *w)
{
    const ckks_ctx *ctx = a->ctx;
    const size_t n = ctx->n;

    for (int k = 0; k < 2; k++) {
        cki_mod_down(w->sum[k], w->sum[k], a->level, &ctx->rns, w->coeff);
        for (int i = 0; i <= a->level; i++) {
            uint64_t *z = w->sum[k] + (size_t)i * n;

            if (k == 0)
                ctx->rns.kernel->add(z, z, cki_ct_limb(a, 0, i), n,
                                     &ctx->rns.mod[i]);
            ctx->rns.kernel->permute(cki_ct_limb(out, k, i), z, key->perm, n);
        }
    }
}

/* Uncentred contexts permute first: digits of -x are not minus those of x. */
static ckks_status permute_first(ckks_ct *out, const ckks_ct *a,
                                 const cki_key *key, cki_switch *w,
                                 const char *name)
{
    const ckks_ctx *ctx = a->ctx;
    ckks_ct b;
    ckks_status s = cki_ct_new(&b, ctx, 1, a->level, a->scale, name);

    if (s != CKKS_OK)
        return s;
    for (int k = 0; k < 2; k++)
        for (int i = 0; i <= a->level; i++)
            ctx->rns.kernel->permute(cki_ct_limb(&b, k, i),
                                     cki_ct_limb(a, k, i), key->perm, ctx->n);
    cki_mod_up(w, cki_ct_limb(&b, 1, 0));
    cki_inner_products(w, key);
    for (int k = 0; k < 2; k++)
        cki_mod_down(cki_ct_limb(out, k, 0), w->sum[k], a->level, &ctx->rns,
                     w->coeff);
    for (int i = 0; i <= a->level; i++) {
        uint64_t *z = cki_ct_limb(out, 0, i);

        ctx->rns.kernel->add(z, z, cki_ct_limb(&b, 0, i), ctx->n,
                             &ctx->rns.mod[i]);
    }
    ckks_ct_clear(&b);
    return CKKS_OK;
}

static ckks_status apply_key(ckks_ct *out, const ckks_ct *a,
                             const cki_key *key, const char *name)
{
    ckks_ct made;
    cki_switch w;
    ckks_status s = cki_ct_new(&made, a->ctx, 1, a->level, a->scale, name);

    if (s != CKKS_OK)
        return s;
    s = cki_switch_init(&w, a->ctx, a->level, false, name);
    if (s == CKKS_OK) {
        if (a->ctx->uncentred) {
            s = permute_first(&made, a, key, &w, name);
        } else {
            cki_mod_up(&w, cki_ct_limb(a, 1, 0));
            cki_inner_products(&w, key);
            rotate_into(&made, a, key, &w);
        }
        cki_switch_clear(&w);
    }
    if (s != CKKS_OK) {
        ckks_ct_clear(&made);
        return s;
    }
    cki_ct_give(out, &made);
    return CKKS_OK;
}

static ckks_status check_degree(const ckks_ct *a, const char *name)
{
    if (a->degree != 1)
        return cki_fail(CKKS_EARG, "%s: degree %d, not 1; relinearise first",
                        name, a->degree);
    return CKKS_OK;
}

static bool is_identity(const ckks_ctx *ctx, int step)
{
    return cki_galois_element(ctx, step) == 1;
}

ckks_status ckks_rotate(ckks_ct *out, const ckks_ct *a, const ckks_keys *keys,
                        int step)
{
    const cki_key *key = NULL;
    ckks_status s = cki_check_keys(out, a, keys, "ckks_rotate");

    if (s == CKKS_OK)
        s = check_degree(a, "ckks_rotate");
    if (s != CKKS_OK)
        return s;
    if (is_identity(a->ctx, step))
        return cki_ct_copy(out, a, "ckks_rotate");
    s = cki_find_key(&key, keys, CKKS_KEY_ROTATE, step, a->level,
                     "ckks_rotate");
    if (s != CKKS_OK)
        return s;
    return apply_key(out, a, key, "ckks_rotate");
}

ckks_status ckks_conj(ckks_ct *out, const ckks_ct *a, const ckks_keys *keys)
{
    const cki_key *key = NULL;
    ckks_status s = cki_check_keys(out, a, keys, "ckks_conj");

    if (s == CKKS_OK)
        s = check_degree(a, "ckks_conj");
    if (s == CKKS_OK)
        s = cki_find_key(&key, keys, CKKS_KEY_CONJ, 0, a->level, "ckks_conj");
    if (s != CKKS_OK)
        return s;
    return apply_key(out, a, key, "ckks_conj");
}

/* ---- hoisting: one mod-up, many keys ------------------------------------ */

static ckks_status check_centred(const ckks_ctx *ctx, const char *name)
{
    if (ctx->uncentred)
        return cki_fail(CKKS_EPARAM, "%s: not in a context of uncentred "
                        "digits, whose rotations permute first", name);
    return CKKS_OK;
}

static ckks_status check_hoisted(const ckks_ct *out, const int *step,
                                 size_t n, const ckks_ct *a,
                                 const ckks_keys *keys)
{
    const char *name = "ckks_rotate_hoisted";
    const cki_key *key = NULL;
    ckks_status s = cki_check_keys(out, a, keys, name);

    if (s == CKKS_OK)
        s = check_degree(a, name);
    if (s == CKKS_OK)
        s = check_centred(a->ctx, name);
    if (s == CKKS_OK && step == NULL)
        s = cki_fail(CKKS_EARG, "%s: null pointer", name);
    for (size_t k = 0; k < n && s == CKKS_OK; k++)
        if (!is_identity(a->ctx, step[k]))
            s = cki_find_key(&key, keys, CKKS_KEY_ROTATE, step[k], a->level,
                             name);
    return s;
}

/* Rotation k of a into *out, which has its memory. */
static void hoisted_step(ckks_ct *out, int step, const ckks_ct *a,
                         const ckks_keys *keys, cki_switch *w)
{
    const cki_key *key;

    if (is_identity(a->ctx, step)) {
        memcpy(out->limb, a->limb, 2 * cki_words(a->ctx, a->level)
                                       * sizeof *out->limb);
        return;
    }
    key = cki_keys_find(keys, CKKS_KEY_ROTATE, step);
    cki_inner_products(w, key);
    rotate_into(out, a, key, w);
}

ckks_status ckks_rotate_hoisted(ckks_ct *out, const int *step, size_t n,
                                const ckks_ct *a, const ckks_keys *keys)
{
    const char *name = "ckks_rotate_hoisted";
    const ckks_ctx *ctx;
    ckks_ct *made;
    cki_switch w;
    ckks_status s = check_hoisted(out, step, n, a, keys);

    if (s != CKKS_OK || n == 0)
        return s;
    ctx = a->ctx;
    made = cki_alloc(&ctx->memory, n * sizeof *made);
    if (made == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for %zu outputs", name, n);
    memset(made, 0, n * sizeof *made);
    s = cki_switch_init(&w, ctx, a->level, false, name);
    for (size_t k = 0; k < n && s == CKKS_OK; k++)
        s = cki_ct_new(&made[k], ctx, 1, a->level, a->scale, name);
    if (s == CKKS_OK) {
        /* mod-down uses coeff only after mod_up has read it */
        cki_mod_up(&w, cki_ct_limb(a, 1, 0));
        for (size_t k = 0; k < n; k++)
            hoisted_step(&made[k], step[k], a, keys, &w);
        for (size_t k = 0; k < n; k++)
            cki_ct_give(&out[k], &made[k]);
    }
    for (size_t k = 0; k < n; k++)
        ckks_ct_clear(&made[k]);
    if (w.coeff != NULL)
        cki_switch_clear(&w);
    cki_free(&ctx->memory, made, n * sizeof *made);
    return s;
}

/* ---- a sum of rotations: one mod-down ----------------------------------- */

static ckks_status check_sum(const ckks_ct *out, const ckks_ct *const *a,
                             const int *step, size_t n, const ckks_keys *keys)
{
    const char *name = "ckks_rotate_sum";
    const cki_key *key = NULL;
    ckks_status s = CKKS_OK;

    if (a == NULL || step == NULL || n == 0)
        return cki_fail(CKKS_EARG, "%s: null pointer or no terms", name);
    for (size_t k = 0; k < n && s == CKKS_OK; k++) {
        s = cki_check_keys(out, a[k], keys, name);
        if (s == CKKS_OK)
            s = check_degree(a[k], name);
        if (s == CKKS_OK && a[k]->level != a[0]->level)
            s = cki_fail(CKKS_ELEVEL, "%s: levels differ: term 0 %d, term %zu "
                         "%d", name, a[0]->level, k, a[k]->level);
        if (s == CKKS_OK && !cki_same_scale(a[0]->scale, a[k]->scale))
            s = cki_fail(CKKS_ESCALE, "%s: scales differ: term 0 2^%.9f, term "
                         "%zu 2^%.9f", name, log2(a[0]->scale), k,
                         log2(a[k]->scale));
        if (s == CKKS_OK && !is_identity(a[k]->ctx, step[k]))
            s = cki_find_key(&key, keys, CKKS_KEY_ROTATE, step[k], a[k]->level,
                         name);
    }
    return s == CKKS_OK ? check_centred(a[0]->ctx, name) : s;
}

/* total += the switched c_1 of a, permuted, modulo Q_l P. */
static void add_switched(cki_switch *w, const ckks_ct *a, const cki_key *key)
{
    const ckks_ctx *ctx = w->ctx;
    const size_t n = ctx->n;

    cki_mod_up(w, cki_ct_limb(a, 1, 0));
    cki_inner_products(w, key);
    CKI_PARALLEL
    for (int t = 0; t < w->limbs; t++)
        for (int k = 0; k < 2; k++)
            ctx->rns.kernel->add_permuted(
                w->total[k] + (size_t)t * n, w->sum[k] + (size_t)t * n,
                key->perm, n, &ctx->rns.mod[cki_switch_prime(w, t)]);
}

/* out += what needs no switching: c_0 permuted, all of an unrotated term. */
static void add_unswitched(ckks_ct *out, const ckks_ct *a, const cki_key *key)
{
    const ckks_ctx *ctx = a->ctx;

    for (int i = 0; i <= a->level; i++)
        for (int k = 0; k < (key == NULL ? 2 : 1); k++) {
            uint64_t *z = cki_ct_limb(out, k, i);
            const uint64_t *x = cki_ct_limb(a, k, i);

            if (key == NULL)
                ctx->rns.kernel->add(z, z, x, ctx->n, &ctx->rns.mod[i]);
            else
                ctx->rns.kernel->add_permuted(z, x, key->perm, ctx->n,
                                              &ctx->rns.mod[i]);
        }
}

ckks_status ckks_rotate_sum(ckks_ct *out, const ckks_ct *const *a,
                            const int *step, size_t n, const ckks_keys *keys)
{
    const char *name = "ckks_rotate_sum";
    const ckks_ctx *ctx;
    ckks_ct made;
    cki_switch w;
    bool switched = false;
    ckks_status s = check_sum(out, a, step, n, keys);

    if (s != CKKS_OK)
        return s;
    ctx = a[0]->ctx;
    s = cki_ct_new(&made, ctx, 1, a[0]->level, a[0]->scale, name);
    if (s != CKKS_OK)
        return s;
    s = cki_switch_init(&w, ctx, a[0]->level, true, name);
    if (s != CKKS_OK) {
        ckks_ct_clear(&made);
        return s;
    }
    memset(w.total[0], 0, 2 * (size_t)w.limbs * ctx->n * sizeof(uint64_t));
    for (size_t k = 0; k < n; k++)
        if (!is_identity(ctx, step[k])) {
            add_switched(&w, a[k], cki_keys_find(keys, CKKS_KEY_ROTATE,
                                                 step[k]));
            switched = true;
        }
    for (int k = 0; k < 2; k++) {
        if (switched)
            cki_mod_down(cki_ct_limb(&made, k, 0), w.total[k], made.level,
                         &ctx->rns, w.coeff);
        else
            memset(cki_ct_limb(&made, k, 0), 0,
                   cki_words(ctx, made.level) * sizeof(uint64_t));
    }
    for (size_t k = 0; k < n; k++)
        add_unswitched(&made, a[k],
                       is_identity(ctx, step[k])
                           ? NULL
                           : cki_keys_find(keys, CKKS_KEY_ROTATE, step[k]));
    cki_switch_clear(&w);
    cki_ct_give(out, &made);
    return CKKS_OK;
}
