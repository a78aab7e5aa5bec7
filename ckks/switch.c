/* switch.c -- layer 7: key switching, and what is made of it.
 *
 * Read first: docs/07-key-switching.md, docs/08-rotations.md; key.h.
 *
 * A polynomial x under a secret s' becomes a pair under s in three steps:
 * mod-up cuts x into digits and extends each to all of Q_l P; the inner
 * products with the key give a pair modulo Q_l P that stands for P x s'; and
 * mod-down divides by P.  Limb t of an extended polynomial belongs to q_t for
 * t <= l and to special prime t - l - 1 above.
 */
#include <math.h>
#include <string.h>

#include "key.h"

/* The scratch of one switching; one allocation. */
typedef struct work {
    const ckks_ctx *ctx;
    int level, limbs;           /* limbs = level+1 + num_special             */
    int digits;
    bool ready;                 /* digits are in NTT form                    */
    const uint64_t *own;        /* the polynomial, NTT form (level+1, N)     */
    uint64_t *coeff;            /* shape (level+1, N): inverse NTT of own;
                                   later the scratch of mod-down             */
    uint64_t *digit;            /* shape (digits, limbs, N); a digit's own
                                   limbs stay unused                         */
    uint64_t *sum[2];           /* shape (limbs, N) each                     */
    uint64_t *total[2];         /* the same, for sums of rotations           */
    size_t size;
} work;

static int prime_of(const work *w, int t)
{
    return t <= w->level ? t : w->ctx->num_primes + t - w->level - 1;
}

static bool in_digit(const work *w, int j, int t)
{
    return t <= w->level && t / w->ctx->alpha == j;
}

static uint64_t *digit_limb(const work *w, int j, int t)
{
    return w->digit + ((size_t)j * (size_t)w->limbs + (size_t)t) * w->ctx->n;
}

static ckks_status work_init(work *w, const ckks_ctx *ctx, int level,
                             bool totals, const char *name)
{
    size_t pairs = totals ? 4 : 2, n = ctx->n, limbs;

    memset(w, 0, sizeof *w);
    w->ctx = ctx;
    w->level = level;
    w->limbs = level + 1 + ctx->num_special;
    w->digits = level / ctx->alpha + 1;
    limbs = (size_t)w->limbs;
    w->size = ((size_t)level + 1 + ((size_t)w->digits + pairs) * limbs) * n
              * sizeof(uint64_t);
    w->coeff = cki_alloc(&ctx->memory, w->size);
    if (w->coeff == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name,
                        w->size);
    w->digit = w->coeff + (size_t)(level + 1) * n;
    w->sum[0] = w->digit + (size_t)w->digits * limbs * n;
    w->sum[1] = w->sum[0] + limbs * n;
    if (totals) {
        w->total[0] = w->sum[1] + limbs * n;
        w->total[1] = w->total[0] + limbs * n;
    }
    return CKKS_OK;
}

static void work_clear(work *w)
{
    cki_free(&w->ctx->memory, w->coeff, w->size);
}

/* Mod-up: the digits of x, each converted to all other primes.  They are left
 * in coefficient form; the first inner product takes them further. */
static void mod_up(work *w, const uint64_t *x)
{
    const ckks_ctx *ctx = w->ctx;
    const size_t n = ctx->n;

    w->own = x;
    w->ready = false;
    memcpy(w->coeff, x, cki_words(ctx, w->level) * sizeof *x);
    CKI_PARALLEL
    for (int i = 0; i <= w->level; i++)
        cki_ntt_inv(&ctx->rns, w->coeff + (size_t)i * n, i);
    CKI_PARALLEL
    for (int j = 0; j < w->digits; j++) {
        int first = j * ctx->alpha, last = first + ctx->alpha - 1, count = 0;
        int target[CKI_MAX_ALL];
        uint64_t *out[CKI_MAX_ALL];
        const uint64_t *in[CKKS_MAX_PRIMES];

        if (last > w->level)
            last = w->level;
        for (int i = first; i <= last; i++)
            in[i - first] = w->coeff + (size_t)i * n;
        for (int t = 0; t < w->limbs; t++)
            if (!in_digit(w, j, t)) {
                target[count] = prime_of(w, t);
                out[count++] = digit_limb(w, j, t);
            }
        ctx->rns.kernel->convert(out, target, count, in, ctx->rns.digit[last],
                                 !ctx->uncentred, n);
    }
}

/* sum = the inner products of the digits with the key, modulo Q_l P.  Prime
 * outermost: the transforms of one prime share their table, and their results
 * are used while they are near. */
static void inner_products(work *w, const cki_key *key)
{
    const ckks_ctx *ctx = w->ctx;
    const size_t n = ctx->n, half = cki_key_half(key, ctx);

    CKI_PARALLEL
    for (int t = 0; t < w->limbs; t++) {
        const uint64_t *x[CKKS_MAX_PRIMES], *b[CKKS_MAX_PRIMES];
        const uint64_t *a[CKKS_MAX_PRIMES];
        size_t row = (size_t)(t <= w->level ? t : t - w->level + key->level);

        for (int j = 0; j < w->digits; j++) {
            uint64_t *d = digit_limb(w, j, t);

            if (!w->ready && !in_digit(w, j, t))
                cki_ntt_fwd(&ctx->rns, d, prime_of(w, t));
            x[j] = in_digit(w, j, t) ? w->own + (size_t)t * n : d;
            b[j] = key->limb + 2 * (size_t)j * half + row * n;
            a[j] = b[j] + half;
        }
        ctx->rns.kernel->dot2(w->sum[0] + (size_t)t * n,
                              w->sum[1] + (size_t)t * n, x, b, a, w->digits,
                              false, n, &ctx->rns.mod[prime_of(w, t)]);
    }
    w->ready = true;
}

static ckks_status find_key(const cki_key **out, const ckks_keys *keys,
                            ckks_key_kind kind, int step, int level,
                            const char *name)
{
    const cki_key *key = cki_keys_find(keys, kind, step);
    static const char *const what[] = { "relinearisation key",
                                        "rotation key for step",
                                        "conjugation key" };

    if (key == NULL)
        return cki_fail(CKKS_EKEY, "%s: no %s %d among %zu keys", name,
                        what[kind], step, keys->count);
    if (key->level < level)
        return cki_fail(CKKS_EKEY, "%s: the %s %d is for level %d and below; "
                        "the ciphertext has level %d", name, what[kind], step,
                        key->level, level);
    *out = key;
    return CKKS_OK;
}

static ckks_status check_keys(const ckks_ct *out, const ckks_ct *a,
                              const ckks_keys *keys, const char *name)
{
    ckks_status s = cki_check_ct(a, name);

    if (s != CKKS_OK)
        return s;
    if (out == NULL || keys == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (keys->ctx != a->ctx)
        return cki_fail(CKKS_ECTX, "%s: ciphertext and keys come from "
                        "different contexts", name);
    return CKKS_OK;
}

/* ---- relinearisation --------------------------------------------------------------- */

/* out_k = a_k + sum_k / P */
static void relin_into(ckks_ct *out, const ckks_ct *a, work *w)
{
    const ckks_ctx *ctx = a->ctx;

    for (int k = 0; k < 2; k++) {
        cki_mod_down(cki_ct_limb(out, k, 0), w->sum[k], a->level, &ctx->rns,
                     w->coeff);
        for (int i = 0; i <= a->level; i++) {
            uint64_t *z = cki_ct_limb(out, k, i);

            ctx->rns.kernel->add(z, z, cki_ct_limb(a, k, i), ctx->n,
                                 &ctx->rns.mod[i]);
        }
    }
}

/* out_k = (P a_k + sum_k) / (P q_l) */
static void relin_rescale_into(ckks_ct *out, const ckks_ct *a, work *w)
{
    const ckks_ctx *ctx = a->ctx;

    for (int k = 0; k < 2; k++) {
        for (int i = 0; i <= a->level; i++) {
            uint64_t *z = w->sum[k] + (size_t)i * ctx->n;

            ctx->rns.kernel->scale_add(z, cki_ct_limb(a, k, i),
                                       ctx->rns.p_mod[i], z, ctx->n,
                                       &ctx->rns.mod[i]);
        }
        cki_mod_down_rescale(cki_ct_limb(out, k, 0), w->sum[k], a->level,
                             &ctx->rns, w->coeff);
    }
}

static ckks_status relinearise(ckks_ct *out, const ckks_ct *a,
                               const ckks_keys *keys, bool rescale,
                               const char *name)
{
    const cki_key *key = NULL;
    ckks_ct made;
    work w;
    double scale = a->scale;
    int level = a->level - rescale;
    ckks_status s = find_key(&key, keys, CKKS_KEY_RELIN, 0, a->level, name);

    if (s != CKKS_OK)
        return s;
    if (rescale)
        scale /= (double)a->ctx->rns.mod[a->level].p;
    s = cki_ct_new(&made, a->ctx, 1, level, scale);
    if (s != CKKS_OK)
        return s;
    s = work_init(&w, a->ctx, a->level, false, name);
    if (s != CKKS_OK) {
        ckks_ct_clear(&made);
        return s;
    }
    mod_up(&w, cki_ct_limb(a, 2, 0));
    inner_products(&w, key);
    if (rescale)
        relin_rescale_into(&made, a, &w);
    else
        relin_into(&made, a, &w);
    work_clear(&w);
    cki_ct_give(out, &made);
    return CKKS_OK;
}

ckks_status ckks_relin(ckks_ct *out, const ckks_ct *a, const ckks_keys *keys)
{
    ckks_status s = check_keys(out, a, keys, "ckks_relin");

    if (s != CKKS_OK)
        return s;
    if (a->degree == 1)
        return ckks_ct_copy(out, a);
    return relinearise(out, a, keys, false, "ckks_relin");
}

ckks_status ckks_relin_rescale(ckks_ct *out, const ckks_ct *a,
                               const ckks_keys *keys)
{
    ckks_status s = check_keys(out, a, keys, "ckks_relin_rescale");

    if (s != CKKS_OK)
        return s;
    if (a->degree == 1)
        return ckks_rescale(out, a);
    if (a->level == 0)
        return cki_fail(CKKS_ELEVEL, "ckks_relin_rescale: level 0, no prime "
                        "left to divide by");
    if (a->scale < (double)a->ctx->rns.mod[a->level].p)
        return cki_fail(CKKS_ESCALE, "ckks_relin_rescale: scale 2^%.2f divided "
                        "by a prime of %.2f bits is below 1", log2(a->scale),
                        log2((double)a->ctx->rns.mod[a->level].p));
    return relinearise(out, a, keys, true, "ckks_relin_rescale");
}

/* ---- rotations -------------------------------------------------------------------------- */

/* out = (sum, mod-down, c_0 added) permuted: centred contexts switch first. */
static void rotate_into(ckks_ct *out, const ckks_ct *a, const cki_key *key,
                        work *w)
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
                                 const cki_key *key, work *w)
{
    const ckks_ctx *ctx = a->ctx;
    ckks_ct b;
    ckks_status s = cki_ct_new(&b, ctx, 1, a->level, a->scale);

    if (s != CKKS_OK)
        return s;
    for (int k = 0; k < 2; k++)
        for (int i = 0; i <= a->level; i++)
            ctx->rns.kernel->permute(cki_ct_limb(&b, k, i),
                                     cki_ct_limb(a, k, i), key->perm, ctx->n);
    mod_up(w, cki_ct_limb(&b, 1, 0));
    inner_products(w, key);
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
    work w;
    ckks_status s = cki_ct_new(&made, a->ctx, 1, a->level, a->scale);

    if (s != CKKS_OK)
        return s;
    s = work_init(&w, a->ctx, a->level, false, name);
    if (s == CKKS_OK) {
        if (a->ctx->uncentred) {
            s = permute_first(&made, a, key, &w);
        } else {
            mod_up(&w, cki_ct_limb(a, 1, 0));
            inner_products(&w, key);
            rotate_into(&made, a, key, &w);
        }
        work_clear(&w);
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
    ckks_status s = check_keys(out, a, keys, "ckks_rotate");

    if (s == CKKS_OK)
        s = check_degree(a, "ckks_rotate");
    if (s != CKKS_OK)
        return s;
    if (is_identity(a->ctx, step))
        return ckks_ct_copy(out, a);
    s = find_key(&key, keys, CKKS_KEY_ROTATE, step, a->level, "ckks_rotate");
    if (s != CKKS_OK)
        return s;
    return apply_key(out, a, key, "ckks_rotate");
}

ckks_status ckks_conj(ckks_ct *out, const ckks_ct *a, const ckks_keys *keys)
{
    const cki_key *key = NULL;
    ckks_status s = check_keys(out, a, keys, "ckks_conj");

    if (s == CKKS_OK)
        s = check_degree(a, "ckks_conj");
    if (s == CKKS_OK)
        s = find_key(&key, keys, CKKS_KEY_CONJ, 0, a->level, "ckks_conj");
    if (s != CKKS_OK)
        return s;
    return apply_key(out, a, key, "ckks_conj");
}

/* ---- hoisting: one mod-up, many keys ----------------------------------------------------- */

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
    ckks_status s = check_keys(out, a, keys, name);

    if (s == CKKS_OK)
        s = check_degree(a, name);
    if (s == CKKS_OK)
        s = check_centred(a->ctx, name);
    if (s == CKKS_OK && step == NULL)
        s = cki_fail(CKKS_EARG, "%s: null pointer", name);
    for (size_t k = 0; k < n && s == CKKS_OK; k++)
        if (!is_identity(a->ctx, step[k]))
            s = find_key(&key, keys, CKKS_KEY_ROTATE, step[k], a->level, name);
    return s;
}

/* Rotation k of a into *out, which has its memory. */
static void hoisted_step(ckks_ct *out, int step, const ckks_ct *a,
                         const ckks_keys *keys, work *w)
{
    const cki_key *key;

    if (is_identity(a->ctx, step)) {
        memcpy(out->limb, a->limb, 2 * cki_words(a->ctx, a->level)
                                       * sizeof *out->limb);
        return;
    }
    key = cki_keys_find(keys, CKKS_KEY_ROTATE, step);
    inner_products(w, key);
    rotate_into(out, a, key, w);
}

ckks_status ckks_rotate_hoisted(ckks_ct *out, const int *step, size_t n,
                                const ckks_ct *a, const ckks_keys *keys)
{
    const char *name = "ckks_rotate_hoisted";
    const ckks_ctx *ctx;
    ckks_ct *made;
    work w;
    ckks_status s = check_hoisted(out, step, n, a, keys);

    if (s != CKKS_OK || n == 0)
        return s;
    ctx = a->ctx;
    made = cki_alloc(&ctx->memory, n * sizeof *made);
    if (made == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for %zu outputs", name, n);
    memset(made, 0, n * sizeof *made);
    s = work_init(&w, ctx, a->level, false, name);
    for (size_t k = 0; k < n && s == CKKS_OK; k++)
        s = cki_ct_new(&made[k], ctx, 1, a->level, a->scale);
    if (s == CKKS_OK) {
        /* mod-down uses coeff only after mod_up has read it */
        mod_up(&w, cki_ct_limb(a, 1, 0));
        for (size_t k = 0; k < n; k++)
            hoisted_step(&made[k], step[k], a, keys, &w);
        for (size_t k = 0; k < n; k++)
            cki_ct_give(&out[k], &made[k]);
    }
    for (size_t k = 0; k < n; k++)
        ckks_ct_clear(&made[k]);
    if (w.coeff != NULL)
        work_clear(&w);
    cki_free(&ctx->memory, made, n * sizeof *made);
    return s;
}

/* ---- a sum of rotations: one mod-down ------------------------------------------------------ */

static ckks_status check_sum(const ckks_ct *out, const ckks_ct *const *a,
                             const int *step, size_t n, const ckks_keys *keys)
{
    const char *name = "ckks_rotate_sum";
    const cki_key *key = NULL;
    ckks_status s = CKKS_OK;

    if (a == NULL || step == NULL || n == 0)
        return cki_fail(CKKS_EARG, "%s: null pointer or no terms", name);
    for (size_t k = 0; k < n && s == CKKS_OK; k++) {
        s = check_keys(out, a[k], keys, name);
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
            s = find_key(&key, keys, CKKS_KEY_ROTATE, step[k], a[k]->level,
                         name);
    }
    return s == CKKS_OK ? check_centred(a[0]->ctx, name) : s;
}

/* total += the switched c_1 of a, permuted, modulo Q_l P. */
static void add_switched(work *w, const ckks_ct *a, const cki_key *key)
{
    const ckks_ctx *ctx = w->ctx;
    const size_t n = ctx->n;

    mod_up(w, cki_ct_limb(a, 1, 0));
    inner_products(w, key);
    CKI_PARALLEL
    for (int t = 0; t < w->limbs; t++)
        for (int k = 0; k < 2; k++)
            ctx->rns.kernel->add_permuted(w->total[k] + (size_t)t * n,
                                          w->sum[k] + (size_t)t * n, key->perm,
                                          n, &ctx->rns.mod[prime_of(w, t)]);
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
    work w;
    bool switched = false;
    ckks_status s = check_sum(out, a, step, n, keys);

    if (s != CKKS_OK)
        return s;
    ctx = a[0]->ctx;
    s = cki_ct_new(&made, ctx, 1, a[0]->level, a[0]->scale);
    if (s != CKKS_OK)
        return s;
    s = work_init(&w, ctx, a[0]->level, true, name);
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
    work_clear(&w);
    cki_ct_give(out, &made);
    return CKKS_OK;
}
