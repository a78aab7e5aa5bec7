/* test_values.c -- sums of products of weights' polynomials and ciphertexts, in
 * every kernel: against transforms of the whole polynomials. */
#include "blind/values.h"
#include "linear_support.h"
#include "nn.h"
#include "test.h"

enum { TERMS = 7, TILES = 2, LOG_N = 12, N = 1 << LOG_N, ROOM = 64000,
       MOST = BLIND_MOST_TERMS };

typedef struct values_case {
    blind_ring r;
    blind_values v;
    size_t terms;
    int outs;
    bool add, large;
    uint64_t *poly;             /* shape (terms, OUTPUTS, n), then values    */
    uint64_t *coef;             /* as a kernel takes them                    */
    uint64_t *x, *y, *work;     /* shapes as of blind_sums, for a group      */
    uint64_t seed;
} values_case;

static uint64_t values_word(values_case *t, const cki_mod *m)
{
    const uint64_t w = test_word(&t->seed);

    return t->large && w % 4 != 0 ? m->p - 1 - w % 2 : w % m->p;
}

/* Coefficients, in both forms. */
static void values_fill(values_case *t, int l, const size_t *row, size_t rows,
                        const size_t *column, size_t columns)
{
    const cki_mod *m = &t->r.rns.mod[l];
    const size_t pair = rows * columns * BLIND_PAIR;

    memset(t->poly, 0, t->terms * BLIND_OUTPUTS * N * sizeof *t->poly);
    memset(t->coef, 0, (t->terms + 1) / 2 * pair * sizeof *t->coef);
    for (size_t i = 0; i < t->terms; i++)
        for (size_t o = 0; o < (size_t)t->outs; o++) {
            uint64_t *poly = t->poly + (i * BLIND_OUTPUTS + o) * N;

            for (size_t k = 0; k < rows; k++)
                for (size_t c = 0; c < columns; c++)
                    t->coef[i / 2 * pair
                            + BLIND_PAIR * blind_values_at(&t->v, k, c)
                            + i % 2 * BLIND_OUTPUTS + o]
                        = poly[row[k] + column[c]] = values_word(t, m);
            cki_ntt_fwd(&t->r.rns, poly, l);
        }
}

static void values_group_agrees(values_case *t, int l, size_t group,
                                const char *what)
{
    const cki_mod *m = &t->r.rns.mod[l];
    const size_t line = 2 * BLIND_WORDS, outs = (size_t)t->outs;
    const blind_sums s = {
        .y = t->y, .w = t->work, .x = t->x, .terms = t->terms,
        .tiles = TILES, .x_tile = t->terms * line, .y_tile = outs * line,
        .x_place = TILES * t->terms * line + 8,
        .y_place = TILES * outs * line + 8, .outs = t->outs, .add = t->add
    };
    uint64_t before[BLIND_PLACES * (TILES * BLIND_OUTPUTS * 16 + 8)];
    size_t wrong = 0;

    for (size_t i = 0; i < BLIND_PLACES * s.x_place; i++)
        t->x[i] = values_word(t, m);
    for (size_t i = 0; i < BLIND_PLACES * s.y_place; i++)
        before[i] = t->y[i] = values_word(t, m);
    t->v.kernel->values(t->work, t->coef, t->terms, &t->v, l, group,
                        t->work + t->terms * BLIND_OUTPUTS * BLIND_POINTS);
    t->v.kernel->products(&s, &t->v, l);
    for (size_t k = 0; k < BLIND_PLACES; k++)
        for (size_t i = 0; i < s.y_place; i++) {
            const size_t tile = i / s.y_tile, o = i % s.y_tile / line;
            const size_t part = i / BLIND_WORDS % 2, j = i % BLIND_WORDS;
            const size_t point = group * BLIND_POINTS + BLIND_PLACES * j + k;
            uint64_t want = t->add || tile >= TILES
                            ? before[k * s.y_place + i] : 0;

            for (size_t e = 0; e < t->terms && tile < TILES; e++)
                want = cki_add(want, cki_mul(
                    t->poly[(e * BLIND_OUTPUTS + o) * N + point],
                    t->x[k * s.x_place + tile * s.x_tile + e * line
                         + part * BLIND_WORDS + j], m), m->p);
            wrong += want != t->y[k * s.y_place + i];
        }
    CHECK(wrong == 0, "%s, limb %d, group %zu: %zu terms, %d sums, %zu words",
          what, l, group, t->terms, t->outs, wrong);
}

static void values_agree(values_case *t, const size_t *row, size_t rows,
                         const size_t *column, size_t columns,
                         const char *what)
{
    if (!CHECK_OK(blind_values_init(&t->v, &t->r, row, rows, column, columns)))
        return;
    for (int l = 0; l < t->r.limbs; l++)
        for (int k = 0; k < 6; k++) {
            t->terms = k == 0 ? 1 : TERMS - (size_t)k % 2;
            t->outs = 1 + k % BLIND_OUTPUTS;
            t->add = k % 3 == 1;
            t->large = k > 3;
            values_fill(t, l, row, rows, column, columns);
            values_group_agrees(t, l, (size_t)k * 25, what);
            values_group_agrees(t, l, N / BLIND_POINTS - 1, what);
        }
    blind_values_clear(&t->v);
}

/* Points; rows apart and not; one rest modulo 4 alone; many of one rest. */
static void values_shapes(values_case *t, const char *kernel)
{
    static const size_t none[] = { 0 }, apart[] = { 0, 64, 128 };
    static const size_t many[] = { 0, 32, 96, 1024, 1056, 2016, 3008, 3040 };
    static const size_t three[] = { 0, 1, 2 }, five[] = { 0, 1, 2, 3, 4 };
    static const size_t nine[] = { 0, 1, 2, 69, 70, 71, 138, 139, 140 };
    static const size_t rest[] = { 3, 7, 4095, 1003, 19, 23, 27, 31 };
    static const size_t mixed[] = { 5, 0, 4, 8, 12, 16, 20, 2, 4094, 4092 };

    values_agree(t, none, 1, none, 1, kernel);
    values_agree(t, many, 8, none, 1, kernel);
    values_agree(t, none, 1, three, 3, kernel);
    values_agree(t, apart, 3, three, 3, kernel);
    values_agree(t, many, 8, five, 5, kernel);
    values_agree(t, none, 1, nine, 9, kernel);
    values_agree(t, none, 1, rest, 8, kernel);
    values_agree(t, apart, 3, mixed, 7, kernel);
    values_agree(t, none, 1, mixed, 10, kernel);
}

/* The largest sum that is taken at once, all words as large as they may be. */
static void values_most(uint64_t *w, uint64_t *x, uint64_t *y, size_t size,
                        const char *kernel)
{
    static const size_t zero = 0;
    const uint64_t top = ((uint64_t)1 << 52) - 1;
    blind_values v = {0};
    blind_ring r;

    if (CHECK_OK(blind_ring_init(&r, LOG_N, 2, BLIND_CONV_BITS, 0))
        && CHECK_OK(blind_values_init(&v, &r, &zero, 1, &zero, 1))) {
        const cki_mod *m = &r.rns.mod[0];
        const blind_sums s = { .y = y, .w = w, .x = x, .terms = MOST,
                               .tiles = 1, .x_place = MOST * 16, .y_place = 16,
                               .outs = 1, .add = true };
        uint64_t value = m->p - 1, word = value, want = value;

        if (strcmp(kernel, "avx512ifma") == 0)  /* any word of 52 bits       */
            value = word = top;
        if (strcmp(kernel, "avx2") == 0) {      /* a double                  */
            const double half = (double)(value = (m->p - 1) / 2);

            memcpy(&word, &half, sizeof word);
        }
        for (size_t i = 0; i < size; i++) {
            w[i] = word;
            x[i] = y[i] = m->p - 1;
        }
        for (int i = 0; i < MOST; i++)
            want = cki_add(want, cki_mul(cki_reduce(value, m), m->p - 1, m),
                           m->p);
        v.kernel->products(&s, &v, 0);
        for (size_t i = 0; i < 4 * 16; i++)
            CHECK(y[i] == want, "%s: word %zu", kernel, i);
    }
    blind_values_clear(&v);
    blind_ring_clear(&r);
}

static void values_each_kernel(void (*test)(const char *kernel))
{
    const char *was = getenv("CKKS_KERNEL");
    char *kept = was == NULL ? NULL : strdup(was);

    for (int i = 0; cki_kernels[i] != NULL; i++)
        if (cki_kernels[i]->usable()) {
            setenv("CKKS_KERNEL", cki_kernels[i]->name, 1);
            test(cki_kernels[i]->name);
        }
    if (kept != NULL)
        setenv("CKKS_KERNEL", kept, 1);
    else
        unsetenv("CKKS_KERNEL");
    free(kept);
}

static void values_of_kernel(const char *kernel)
{
    values_case t = { .seed = 3 };

    t.poly = malloc(TERMS * BLIND_OUTPUTS * N * sizeof *t.poly);
    t.coef = malloc(ROOM * sizeof *t.coef);
    t.x = malloc(ROOM * sizeof *t.x);
    t.y = malloc(ROOM * sizeof *t.y);
    t.work = malloc(ROOM * sizeof *t.work);
    if (CHECK(t.poly && t.coef && t.x && t.y && t.work, "no memory")
        && CHECK_OK(blind_ring_init(&t.r, LOG_N, 2, BLIND_CONV_BITS, 0)))
        values_shapes(&t, kernel);
    blind_ring_clear(&t.r);
    free(t.poly);
    free(t.coef);
    free(t.x);
    free(t.y);
    free(t.work);
}

TEST(values_are_of_transforms)
{
    values_each_kernel(values_of_kernel);
}

static void values_most_of_kernel(const char *kernel)
{
    const size_t size = MOST * BLIND_OUTPUTS * BLIND_POINTS;
    uint64_t *w = malloc(size * sizeof *w), *x = malloc(size * sizeof *x);
    uint64_t *y = malloc(size * sizeof *y);

    if (CHECK(w && x && y, "no memory"))
        values_most(w, x, y, size, kernel);
    free(w);
    free(x);
    free(y);
}

TEST(values_of_the_most_terms)
{
    values_each_kernel(values_most_of_kernel);
}
