/* keyswitch.c -- key switching, a few primes at a time.
 *
 * Read first: keyswitch.h, docs/07-key-switching.md.
 */
#include "scheme/keyswitch.h"

#include <string.h>

#include "scheme/modup.h"

/* One call (keyswitch.h). */
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
    size_t together;    /* terms, at most, of which sums are kept            */
} work;

/* Terms of one x that meet a block of its digits while it is near. */
enum { TOGETHER = 8 };

/* What one thread works on: some limbs of one x and its sinks. */
typedef struct group {
    int count, t[CKI_GROUP];
    uint64_t *digit;            /* shape (digits, CKI_GROUP, cki_apart(N))   */
    uint64_t *sum[TOGETHER][2][CKI_GROUP];
    uint64_t *spare;            /* CKI_GROUP limbs                           */
    cki_summand *s;             /* shape (CKI_GROUP, most addends of a sink) */
} group;

/* Term number i is the first of its x. */
static bool first_of_x(const cki_switching *s, size_t i)
{
    return i == 0 || s->term[i].x != s->term[i - 1].x;
}

/* How many terms from number i on are of one x, each all that its sink has:
 * TOGETHER at most; 1 if the first is not. */
static size_t together(const cki_switching *s, size_t i)
{
    size_t count = 0;

    for (; count < TOGETHER && i + count < s->num_terms; count++) {
        const cki_term *t = &s->term[i + count];

        if (t->x != s->term[i].x
            || (i + count > 0 && t[-1].sink == t->sink)
            || (i + count + 1 < s->num_terms && t[1].sink == t->sink))
            break;
    }
    return count > 0 ? count : 1;
}

static ckks_status work_init(work *w, const char *name)
{
    const size_t n = w->ctx->n, apart = cki_apart(n);
    size_t limbs;

    w->num_xs = 0;
    w->together = 1;
    for (size_t i = 0; i < w->s->num_terms; i++) {
        const size_t some = together(w->s, i);

        w->num_xs += first_of_x(w->s, i);
        w->together = some > w->together ? some : w->together;
    }
    w->gone = w->up.specials + (w->product ? w->up.level + 1 : w->rescaled);
    w->by = w->rescaled ? cki_divide_by_pq(&w->ctx->rns, w->up.level)
                        : cki_divide_by_p(&w->ctx->rns, w->up.level);
    w->threads = cki_threads();
    w->own_limbs = CKI_GROUP * ((size_t)w->up.digits + 1 + 2 * w->together)
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
    const uint8_t *b[CKKS_MAX_PRIMES], *a[CKKS_MAX_PRIMES];
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

/* sum[.] = the sums of the products of words at .. at + count - 1, where the
 * automorphism takes them; added to what is there if `more`; t: the limb. */
static void inner_product(const work *w, uint64_t *const *sum, int t,
                          const product *p, bool more, size_t at, size_t count)
{
    const cki_rns *r = &w->ctx->rns;
    const cki_mod *m = &r->mod[cki_modup_prime(&w->up, t)];
    const uint64_t *x[CKKS_MAX_PRIMES];
    const uint8_t *b[CKKS_MAX_PRIMES], *a[CKKS_MAX_PRIMES];
    const size_t out = p->turned ? 0 : at, packed = cki_packed_bytes(m) * at;
    cki_turn turn = { NULL, NULL };

    if (p->turned)
        turn = (cki_turn){ p->key->perm, p->key->back + at };
    for (int j = 0; j < w->up.digits; j++) {
        x[j] = p->x[j] + at;
        b[j] = p->b[j] + packed;
        a[j] = p->a[j] + packed;
    }
    r->kernel->dot2(sum[0] + out, sum[1] + out, x, p->turned ? &turn : NULL, b,
                    a, w->up.digits, more, count, m);
}

/* Products of limb number k of x number i with some terms' keys, a block at a
 * time.  The first that read these digits end their transforms, too, while the
 * first one's key is asked for. */
static void products(const work *w, const group *g, int k, size_t i,
                     const cki_term *term, size_t count, bool first, bool more)
{
    const size_t n = w->ctx->n;
    const size_t block = first || count > 1 ? cki_block(n) : n;
    const int prime = cki_modup_prime(&w->up, g->t[k]);
    const size_t bytes = cki_packed_bytes(&w->ctx->rns.mod[prime]);
    cki_soon soon[CKKS_MAX_PRIMES];
    product p[TOGETHER];

    for (size_t j = 0; j < count; j++)
        product_of(&p[j], w, g, k, i, &term[j]);
    for (size_t at = 0; at < n; at += block) {
        for (int j = 0; first && j < w->up.digits; j++)
            soon[j] = (cki_soon){ { p[0].b[j] + bytes * at,
                                    p[0].a[j] + bytes * at } };
        if (first)
            cki_modup_end(&w->up, g->digit, k, g->t[k], at, soon);
        for (size_t j = 0; j < count; j++)
            inner_product(w, (uint64_t *[]){ g->sum[j][0][k], g->sum[j][1][k] },
                          g->t[k], &p[j], more, at, block);
    }
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

/* sum += P addends modulo q_l, the one prime of those gone where P is not 0; j:
 * the sink's number among those together. */
static void add_lifted(const work *w, const group *g, size_t j, size_t sink)
{
    const cki_rns *r = &w->ctx->rns;
    const cki_addend *a;
    const size_t count = addends_of(&a, w, sink);

    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < g->count; k++) {
            const int t = g->t[k];
            uint64_t *sum = g->sum[j][a[i].half][k];

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

/* The group's limbs of a sink, number i of those together: its sums divided,
 * its addends added. */
static void finish(const work *w, const group *g, size_t i, size_t sink)
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
                .in = g->sum[i][h][k], .s = g->s + (size_t)k * summands,
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
        for (size_t j = 0; j < 2 * w->together; j++)
            g.sum[j / 2][j % 2][k] = own + (j * CKI_GROUP + (size_t)k) * apart;
    }
    g.spare = own + 2 * w->together * CKI_GROUP * apart;
    g.digit = g.spare + CKI_GROUP * apart;
    g.s = (cki_summand *)(void *)(g.digit
                                  + (size_t)w->up.digits * CKI_GROUP * apart);
    return g;
}

static void run_group(const work *w, bool gone, int first)
{
    CKI_NEAREST;
    const cki_term *term = w->s->term;
    const size_t terms = w->s->num_terms;
    group g = group_of(w, gone, first);
    size_t x = 0;

    for (size_t i = 0, count; i < terms; i += count) {
        const bool fresh = first_of_x(w->s, i);
        const bool starts = i == 0 || term[i - 1].sink != term[i].sink;
        const size_t s = (size_t)term[i].sink;

        count = together(w->s, i);
        x += i > 0 && fresh;
        for (size_t j = 0; gone && j < 2 * count; j++)
            for (int k = 0; k < g.count; k++)
                g.sum[j / 2][j % 2][k] = from_limb(w, s + j / 2, (int)(j % 2),
                                                   first + k);
        if (fresh)
            cki_modup_extend(&w->up, g.digit, x, g.t, g.count);
        for (int k = 0; k < g.count; k++)
            products(w, &g, k, x, &term[i], count, fresh, !starts);
        if (i + count < terms && term[i + count].sink == term[i].sink)
            continue;           /* more terms of this sink                   */
        for (size_t j = 0; j < count; j++) {
            if (gone && w->rescaled)
                add_lifted(w, &g, j, s + j);
            if (!gone)
                finish(w, &g, j, s + j);
        }
    }
}

static void cut_all(const work *w)
{
    size_t x = 0;

    for (size_t i = 0; i < w->s->num_terms; i++) {
        if (!first_of_x(w->s, i))
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
