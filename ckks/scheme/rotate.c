/* rotate.c -- rotations, alone, hoisted and summed; conjugation.
 *
 * Read first: keyswitch.h, docs/08-rotations.md.
 */
#include <math.h>
#include <string.h>

#include "scheme/check.h"
#include "scheme/keyswitch.h"

/* Uncentred contexts permute before they cut into digits: digits of -x are not
 * minus those of x. */
static ckks_status permute_first(ckks_ct *b, const ckks_ct *a,
                                 const cki_key *key, const char *name)
{
    const ckks_ctx *ctx = a->ctx;
    ckks_status s = cki_ct_new(b, ctx, 1, a->level, a->scale, name);

    if (s != CKKS_OK)
        return s;
    for (int k = 0; k < 2; k++)
        for (int i = 0; i <= a->level; i++)
            ctx->rns.kernel->permute(cki_ct_limb(b, k, i),
                                     cki_ct_limb(a, k, i), key->perm, ctx->n);
    return CKKS_OK;
}

static ckks_status apply_key(ckks_ct *out, const ckks_ct *a,
                             const cki_key *key, const char *name)
{
    const bool turned = !a->ctx->uncentred && key->perm != NULL;
    ckks_ct made = { 0 }, first = { 0 };
    ckks_status s = cki_ct_over(&made, out, a, NULL, a->ctx, 1, a->level,
                                a->scale, name);

    if (s == CKKS_OK && a->ctx->uncentred) {
        s = permute_first(&first, a, key, name);
        a = &first;
    }
    if (s == CKKS_OK) {
        const cki_term term = { .x = cki_ct_limb(a, 1, 0), .key = key,
                                .turned = turned };
        const cki_addend addend = { .x = cki_ct_limb(a, 0, 0),
                                    .perm = turned ? key->perm : NULL };
        const cki_sink sink = { { cki_ct_limb(&made, 0, 0),
                                  cki_ct_limb(&made, 1, 0) } };
        const cki_switching all = { &sink, &term, &addend, 1, 1, 1 };

        s = cki_switch(&all, a->ctx, a->level, false, name);
    }
    if (s == CKKS_OK)
        cki_ct_give(out, &made);
    else
        cki_ct_leave(&made, out);
    ckks_ct_clear(&first);
    return s;
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
    CKI_NEAREST;
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
    CKI_NEAREST;
    const cki_key *key = NULL;
    ckks_status s = cki_check_keys(out, a, keys, "ckks_conj");

    if (s == CKKS_OK && a->ctx->real)
        s = cki_fail(CKKS_EARG, "ckks_conj: this ring has real slots");
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

/* What one call keeps, each of n: outputs, sinks, terms, addends. */
typedef struct batch {
    ckks_ct    *made;
    cki_sink   *sink;
    cki_term   *term;
    cki_addend *addend;
    size_t      size;           /* bytes of the one allocation               */
} batch;

static ckks_status batch_init(batch *b, const ckks_ctx *ctx, size_t n,
                              const char *name)
{
    size_t each = sizeof *b->made + sizeof *b->sink + sizeof *b->term
                  + sizeof *b->addend;

    b->size = n > SIZE_MAX / each ? 0 : n * each;
    b->made = b->size == 0 ? NULL : cki_alloc(&ctx->memory, b->size);
    if (b->made == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for %zu rotations", name, n);
    memset(b->made, 0, b->size);
    b->sink = (cki_sink *)(void *)(b->made + n);
    b->term = (cki_term *)(void *)(b->sink + n);
    b->addend = (cki_addend *)(void *)(b->term + n);
    return CKKS_OK;
}

/* Rotations of a into b->made; identities are copied. */
static ckks_status rotate_batch(const batch *b, const int *step, size_t n,
                                const ckks_ct *a, const ckks_keys *keys,
                                const char *name)
{
    const ckks_ctx *ctx = a->ctx;
    size_t count = 0;
    ckks_status s = CKKS_OK;

    for (size_t k = 0; k < n && s == CKKS_OK; k++) {
        s = cki_ct_new(&b->made[k], ctx, 1, a->level, a->scale, name);
        if (s == CKKS_OK && !is_identity(ctx, step[k])) {
            const cki_key *key = cki_keys_find(keys, CKKS_KEY_ROTATE, step[k]);

            b->term[count] = (cki_term){ .x = cki_ct_limb(a, 1, 0),
                                         .key = key, .turned = true,
                                         .sink = (int)count };
            b->addend[count] = (cki_addend){ .x = cki_ct_limb(a, 0, 0),
                                             .perm = key->perm,
                                             .sink = (int)count };
            b->sink[count++] = (cki_sink){ { cki_ct_limb(&b->made[k], 0, 0),
                                             cki_ct_limb(&b->made[k], 1, 0) } };
        }
    }
    if (s == CKKS_OK && count > 0) {
        const cki_switching all = { b->sink, b->term, b->addend, count, count,
                                    count };

        s = cki_switch(&all, ctx, a->level, false, name);
    }
    for (size_t k = 0; k < n && s == CKKS_OK; k++)
        if (is_identity(ctx, step[k]))
            memcpy(b->made[k].limb, a->limb,
                   2 * cki_words(ctx, a->level) * sizeof *a->limb);
    return s;
}

ckks_status ckks_rotate_hoisted(ckks_ct *out, const int *step, size_t n,
                                const ckks_ct *a, const ckks_keys *keys)
{
    CKI_NEAREST;
    const char *name = "ckks_rotate_hoisted";
    const ckks_ctx *ctx;
    batch b = { 0 };
    ckks_status s = check_hoisted(out, step, n, a, keys);

    if (s != CKKS_OK || n == 0)
        return s;
    ctx = a->ctx;
    s = batch_init(&b, ctx, n, name);
    if (s != CKKS_OK)
        return s;
    s = rotate_batch(&b, step, n, a, keys, name);
    for (size_t k = 0; k < n; k++) {
        if (s == CKKS_OK)
            cki_ct_give(&out[k], &b.made[k]);
        ckks_ct_clear(&b.made[k]);
    }
    cki_free(&ctx->memory, b.made, b.size);
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

/* out = the sum of n terms that are not turned. */
static void add_unturned(ckks_ct *out, const ckks_ct *const *a, size_t n)
{
    const ckks_ctx *ctx = out->ctx;

    for (int k = 0; k < 2; k++)
        for (int i = 0; i <= out->level; i++) {
            uint64_t *z = cki_ct_limb(out, k, i);

            memcpy(z, cki_ct_limb(a[0], k, i), ctx->n * sizeof *z);
            for (size_t j = 1; j < n; j++)
                ctx->rns.kernel->add(z, z, cki_ct_limb(a[j], k, i), ctx->n,
                                     &ctx->rns.mod[i]);
        }
}

/* out = the sum; c_1 of what is turned is switched, the rest is added. */
static ckks_status sum_terms(ckks_ct *out, const ckks_ct *const *a,
                             const int *step, size_t n, const ckks_keys *keys,
                             const char *name)
{
    const ckks_ctx *ctx = out->ctx;
    const cki_sink sink = { { cki_ct_limb(out, 0, 0),
                              cki_ct_limb(out, 1, 0) } };
    const size_t each = sizeof(cki_term) + 2 * sizeof(cki_addend);
    const size_t size = n > SIZE_MAX / each ? 0 : n * each;
    cki_term *term = size == 0 ? NULL : cki_alloc(&ctx->memory, size);
    cki_addend *addend;
    size_t terms = 0, addends = 0;
    ckks_status s = CKKS_OK;

    if (term == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for %zu terms", name, n);
    addend = (cki_addend *)(void *)(term + n);
    for (size_t k = 0; k < n; k++) {
        const cki_key *key = cki_keys_find(keys, CKKS_KEY_ROTATE, step[k]);
        const bool turned = !is_identity(ctx, step[k]);

        if (turned)
            term[terms++] = (cki_term){ .x = cki_ct_limb(a[k], 1, 0),
                                        .key = key, .turned = true };
        for (int h = 0; h < (turned ? 1 : 2); h++)
            addend[addends++] = (cki_addend){
                .x = cki_ct_limb(a[k], h, 0),
                .perm = turned ? key->perm : NULL, .half = h };
    }
    if (terms > 0) {
        const cki_switching all = { &sink, term, addend, 1, terms, addends };

        s = cki_switch(&all, ctx, out->level, false, name);
    } else {
        add_unturned(out, a, n);
    }
    cki_free(&ctx->memory, term, size);
    return s;
}

ckks_status ckks_rotate_sum(ckks_ct *out, const ckks_ct *const *a,
                            const int *step, size_t n, const ckks_keys *keys)
{
    CKI_NEAREST;
    const char *name = "ckks_rotate_sum";
    ckks_ct made;
    ckks_status s = check_sum(out, a, step, n, keys);

    if (s != CKKS_OK)
        return s;
    s = cki_ct_new(&made, a[0]->ctx, 1, a[0]->level, a[0]->scale, name);
    if (s != CKKS_OK)
        return s;
    s = sum_terms(&made, a, step, n, keys, name);
    if (s == CKKS_OK)
        cki_ct_give(out, &made);
    ckks_ct_clear(&made);
    return s;
}
