/* keyswitch.c -- key switching, a few primes at a time.
 *
 * Read first: keyswitch.h, docs/07-key-switching.md.
 */
#include "scheme/keyswitch.h"

#include <string.h>

#include "scheme/modup.h"

/* One call, nine primes in three digits and three special primes (x extended
 * is made and used group by group, CKI_GROUP primes at a time, then thrown
 * away):
 *
 *                   q_0 q_1 q_2 | q_3 q_4 q_5 | q_6 q_7 q_8     p_1 p_2 p_3
 *   cut_all        [  digit 0  ] [  digit 1  ] [  digit 2  ]
 *                      to coefficients, scaled: y; and v
 *
 *   run_group                                                  [p_1 p_2 p_3]
 *     gone             digits extended, times the key: sums      -> from
 *   begin_divisions    from to coefficients, scaled; and v
 *
 *   run_group      [q_0 q_1 q_2 q_3] [q_4 q_5 q_6 q_7] [q_8]
 *     kept             digits extended, times the key: sums, near still; then
 *                      (sum - from) / P + addends -> out
 *
 * Rescaling divides by P q_8: q_8 stands behind p_3 in the first groups.
 *
 * The primes that are divided away, "gone", come first: their sums are all the
 * division needs before the others follow. */
typedef struct work {
    const ckks_ctx *ctx;
    const cki_switching *s;
    size_t num_xs;
    cki_modup up;       /* its memory is what is allocated                   */
    int gone;
    bool rescaled;
    bool product;       /* no division: all limbs are gone, in their order   */
    cki_division by;
    int threads;
    uint64_t *from;     /* shape (num_sinks, 2, gone + 1, cki_apart(N)): sums
                           modulo the primes gone, then what the division
                           reads                                             */
    uint64_t *own;      /* shape (threads, own_limbs, cki_apart(N))          */
    size_t own_limbs, size;
} work;

/* What one thread works on: some limbs of one x and one sink. */
typedef struct group {
    int count, t[CKI_GROUP];
    uint64_t *digit;            /* shape (digits, CKI_GROUP, cki_apart(N))   */
    uint64_t *sum[2][CKI_GROUP];
    uint64_t *spare;            /* CKI_GROUP limbs                           */
    cki_summand *s;             /* shape (CKI_GROUP, most addends of a sink) */
} group;

static ckks_status work_init(work *w, const char *name)
{
    const size_t n = w->ctx->n, apart = cki_apart(n);
    size_t limbs;

    w->gone = w->up.specials + (w->product ? w->up.level + 1 : w->rescaled);
    w->by = w->rescaled ? cki_divide_by_pq(&w->ctx->rns, w->up.level)
                        : cki_divide_by_p(&w->ctx->rns, w->up.level);
    w->threads = cki_threads();
    w->num_xs = 0;
    for (size_t i = 0; i < w->s->num_terms; i++)
        w->num_xs += i == 0 || w->s->term[i].x != w->s->term[i - 1].x;
    w->own_limbs = CKI_GROUP * ((size_t)w->up.digits + 3)
                   + (CKI_GROUP * w->s->num_addends * sizeof(cki_summand)
                          / sizeof *w->from + n - 1) / n;
    limbs = w->num_xs * cki_modup_limbs(&w->up)
            + w->s->num_sinks * 2 * (size_t)(w->gone + 1)
            + (size_t)w->threads * w->own_limbs;
    w->size = limbs * apart * sizeof *w->from;
    w->up.y = cki_alloc(&w->ctx->memory, w->size);
    if (w->up.y == NULL)
        return cki_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name,
                        w->size);
    w->from = w->up.y + w->num_xs * cki_modup_limbs(&w->up) * apart;
    w->own = w->from + w->s->num_sinks * 2 * (size_t)(w->gone + 1) * apart;
    return CKKS_OK;
}

/* ---- inner products ----------------------------------------------------- */

/* The operands of one term's inner products at limb t, number k of the group:
 * digits of x number i, halves of its key. */
typedef struct product {
    const uint64_t *x[CKKS_MAX_PRIMES];
    const uint64_t *b[CKKS_MAX_PRIMES], *a[CKKS_MAX_PRIMES];
    const cki_key *key;
    bool turned;
} product;

static void product_of(product *p, const work *w, const group *g, int k,
                       size_t i, const cki_term *term)
{
    const cki_key *key = term->key;
    const int t = g->t[k], level = w->up.level;
    const int row = t <= level ? t : t - level + key->level;

    p->key = key;
    p->turned = term->turned;
    for (int j = 0; j < w->up.digits; j++) {
        p->x[j] = cki_modup_row(&w->up, g->digit, k, term->x, i, j, t);
        p->b[j] = cki_key_row(key, w->ctx, j, 0, row);
        p->a[j] = cki_key_row(key, w->ctx, j, 1, row);
    }
}

/* sum[.][k] = the sums of the products of words at .. at + count - 1, where the
 * automorphism takes them; added to what is there if `more`. */
static void inner_product(const work *w, const group *g, int k,
                          const product *p, bool more, size_t at, size_t count)
{
    const cki_rns *r = &w->ctx->rns;
    const uint64_t *x[CKKS_MAX_PRIMES], *b[CKKS_MAX_PRIMES];
    const uint64_t *a[CKKS_MAX_PRIMES];
    const size_t out = p->turned ? 0 : at;
    cki_turn turn = { NULL, NULL };

    if (p->turned)
        turn = (cki_turn){ p->key->perm, p->key->back + at };
    for (int j = 0; j < w->up.digits; j++) {
        x[j] = p->x[j] + at;
        b[j] = p->b[j] + at;
        a[j] = p->a[j] + at;
    }
    r->kernel->dot2(g->sum[0][k] + out, g->sum[1][k] + out, x,
                    p->turned ? &turn : NULL, b, a, w->up.digits, more, count,
                    &r->mod[cki_modup_prime(&w->up, g->t[k])]);
}

/* The first term that reads these digits ends their transforms, a block at a
 * time, and uses each while it is near; the key is asked for meanwhile. */
static void first_product(const work *w, const group *g, int k, size_t i,
                          const cki_term *term, bool more)
{
    const size_t n = w->ctx->n, block = cki_block(n);
    cki_soon soon[CKKS_MAX_PRIMES];
    product p;

    product_of(&p, w, g, k, i, term);
    for (size_t at = 0; at < n; at += block) {
        for (int j = 0; j < w->up.digits; j++)
            soon[j] = (cki_soon){ { p.b[j], p.a[j], NULL, NULL }, at };
        cki_modup_end(&w->up, g->digit, k, g->t[k], at, soon);
        inner_product(w, g, k, &p, more, at, block);
    }
}

static void next_product(const work *w, const group *g, int k, size_t i,
                         const cki_term *term, bool more)
{
    product p;

    product_of(&p, w, g, k, i, term);
    inner_product(w, g, k, &p, more, 0, w->ctx->n);
}

/* ---- the end of a sink -------------------------------------------------- */

static uint64_t *from_limb(const work *w, size_t s, int h, int j)
{
    return w->from + ((2 * s + (size_t)h) * (size_t)(w->gone + 1) + (size_t)j)
                         * cki_apart(w->ctx->n);
}

/* The addends of a sink: from *first, so many. */
static size_t addends_of(const cki_addend **first, const work *w, size_t sink)
{
    size_t at = 0, count = 0;

    while (at < w->s->num_addends && (size_t)w->s->addend[at].sink < sink)
        at++;
    *first = w->s->addend + at;
    while (at + count < w->s->num_addends
           && (size_t)(*first)[count].sink == sink)
        count++;
    return count;
}

/* sum += P addends modulo q_l, the one prime of those gone where P is not 0. */
static void add_lifted(const work *w, const group *g, size_t sink)
{
    const cki_rns *r = &w->ctx->rns;
    const cki_addend *a;
    const size_t count = addends_of(&a, w, sink);

    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < g->count; k++) {
            const int t = g->t[k];
            uint64_t *sum = g->sum[a[i].half][k];

            if (t == w->up.level)
                r->kernel->scale_add(sum, a[i].x + (size_t)t * r->n,
                                     r->p_mod[w->up.specials][t], sum, r->n,
                                     &r->mod[t]);
        }
}

/* Summands of the group's limbs for one half of a sink; gives how many a
 * limb. */
static size_t summands_of(cki_summand *s, const work *w, const group *g,
                          size_t sink, int h)
{
    const cki_addend *a;
    const size_t count = addends_of(&a, w, sink);
    size_t some = 0, at = 0;

    for (size_t i = 0; i < count; i++)
        some += a[i].half == h;
    for (int k = 0; k < g->count; k++)
        for (size_t i = 0; i < count; i++)
            if (a[i].half == h)
                s[at++] = (cki_summand){ a[i].x + (size_t)g->t[k] * w->ctx->n,
                                         a[i].perm };
    return some;
}

/* The group's limbs of a sink: its sums divided, its addends added. */
static void finish(const work *w, const group *g, size_t sink)
{
    const size_t n = w->ctx->n;
    uint64_t *from[CKKS_MAX_SPECIAL + 2], *to[CKI_GROUP] = { NULL };

    for (int h = 0; h < 2; h++) {
        const size_t summands = summands_of(g->s, w, g, sink, h);
        cki_ending q[CKI_GROUP];

        for (int j = 0; j <= w->gone; j++)
            from[j] = from_limb(w, sink, h, j);
        for (int k = 0; k < g->count; k++) {
            const int t = g->t[k];

            to[k] = w->s->sink[sink].out[h] + (size_t)t * n;
            q[k] = (cki_ending){
                .in = g->sum[h][k], .s = g->s + (size_t)k * summands,
                .summands = summands,
                .u = w->rescaled ? w->ctx->rns.q_inv[w->up.level][t] : 1
            };
        }
        cki_divide_limbs(to, q, g->t[0], g->count, from, from[w->gone], &w->by,
                         g->spare);
    }
}

/* ---- all of it ---------------------------------------------------------- */

/* Limbs first .. of the primes gone or of those kept, by the thread's own
 * memory. */
static group group_of(const work *w, bool gone, int first)
{
    const int all = gone ? w->gone : w->up.level + 1 - w->rescaled;
    const size_t apart = cki_apart(w->ctx->n);
    uint64_t *own = w->own + (size_t)cki_thread() * w->own_limbs * apart;
    group g = { .count = all - first < CKI_GROUP ? all - first : CKI_GROUP };

    for (int k = 0; k < g.count; k++) {
        g.t[k] = first + k;
        if (gone && !w->product)    /* special primes, then q_level          */
            g.t[k] = first + k < w->up.specials
                         ? w->up.level + 1 + first + k : w->up.level;
        for (size_t h = 0; h < 2; h++)
            g.sum[h][k] = own + (h * CKI_GROUP + (size_t)k) * apart;
    }
    g.spare = own + 2 * CKI_GROUP * apart;
    g.digit = own + 3 * CKI_GROUP * apart;
    g.s = (cki_summand *)(void *)(g.digit
                                  + (size_t)w->up.digits * CKI_GROUP * apart);
    return g;
}

static void run_group(const work *w, bool gone, int first)
{
    CKI_NEAREST;
    const cki_term *term = w->s->term;
    group g = group_of(w, gone, first);
    size_t x = 0;

    for (size_t i = 0; i < w->s->num_terms; i++) {
        bool starts = i == 0 || term[i - 1].sink != term[i].sink;
        bool ends = i + 1 == w->s->num_terms
                    || term[i + 1].sink != term[i].sink;
        size_t s = (size_t)term[i].sink;

        for (int k = 0; gone && k < g.count; k++)
            for (int h = 0; h < 2; h++)
                g.sum[h][k] = from_limb(w, s, h, first + k);
        x += i > 0 && term[i].x != term[i - 1].x;
        if (i == 0 || term[i].x != term[i - 1].x) {
            cki_modup_extend(&w->up, g.digit, x, g.t, g.count);
            for (int k = 0; k < g.count; k++)
                first_product(w, &g, k, x, &term[i], !starts);
        } else {
            for (int k = 0; k < g.count; k++)
                next_product(w, &g, k, x, &term[i], !starts);
        }
        if (ends && gone && w->rescaled)
            add_lifted(w, &g, s);
        if (ends && !gone)
            finish(w, &g, s);
    }
}

static void cut_all(const work *w)
{
    size_t x = 0;

    for (size_t i = 0; i < w->s->num_terms; i++) {
        if (i > 0 && w->s->term[i].x == w->s->term[i - 1].x)
            continue;
        CKI_PARALLEL_OF(w->threads)
        for (int j = 0; j < w->up.digits; j++)
            cki_modup_cut(&w->up, w->s->term[i].x, x, j);
        x++;
    }
}

static void begin_divisions(const work *w)
{
    CKI_PARALLEL_OF(w->threads)
    for (size_t i = 0; i < 2 * w->s->num_sinks; i++) {
        CKI_NEAREST;
        uint64_t *from[CKKS_MAX_SPECIAL + 2];

        for (int j = 0; j <= w->gone; j++)
            from[j] = from_limb(w, i / 2, (int)(i % 2), j);
        cki_divide_begin(from, from[w->gone], &w->by);
    }
}

ckks_status cki_switch(const cki_switching *s, const ckks_ctx *ctx, int level,
                       bool rescaled, const char *name)
{
    work w = { .ctx = ctx, .s = s, .up = cki_modup_of(ctx, level),
               .rescaled = rescaled };
    ckks_status st = work_init(&w, name);

    if (st != CKKS_OK)
        return st;
    cut_all(&w);
    CKI_PARALLEL_OF(w.threads)
    for (int i = 0; i < w.gone; i += CKI_GROUP)
        run_group(&w, true, i);
    begin_divisions(&w);
    CKI_PARALLEL_OF(w.threads)
    for (int i = 0; i < level + 1 - rescaled; i += CKI_GROUP)
        run_group(&w, false, i);
    cki_free(&ctx->memory, w.up.y, w.size);
    return CKKS_OK;
}

ckks_status cki_switch_product(uint64_t *out, const uint64_t *x,
                               const cki_key *key, const ckks_ctx *ctx,
                               int level, const char *name)
{
    const cki_term term = { .x = x, .key = key };
    const cki_sink sink = { { NULL, NULL } };
    const cki_switching one = { .sink = &sink, .term = &term, .num_sinks = 1,
                                .num_terms = 1 };
    work w = { .ctx = ctx, .s = &one, .up = cki_modup_of(ctx, level),
               .product = true };
    const size_t n = ctx->n;
    ckks_status s = work_init(&w, name);

    if (s != CKKS_OK)
        return s;
    cut_all(&w);
    CKI_PARALLEL_OF(w.threads)
    for (int i = 0; i < w.gone; i += CKI_GROUP)
        run_group(&w, true, i);
    for (int h = 0; h < 2; h++)
        for (int t = 0; t < w.gone; t++, out += n)
            memcpy(out, from_limb(&w, 0, h, t), n * sizeof *out);
    cki_free(&ctx->memory, w.up.y, w.size);
    return CKKS_OK;
}
