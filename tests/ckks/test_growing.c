/* test_growing.c -- transforms of words that grow as fast as the bounds of lazy
 * values allow, with every kernel, in both rings, both ways: against sums over
 * the few coefficients that are not 0, and back.  Under `make check-verify`
 * every sweep is checked against its bound besides.
 *
 * Forward, a word u is followed through the layers: in each it is added to, or
 * diminished by, the product of a twiddle and its partner, and partners are
 * such that these products are as large as can be.  All partners' partners are
 * 0, so that each partner arrives as it is.  In the real ring the layer before
 * the others, which pairs t with N - t, comes first, and words come in twos:
 * what is put at t is also at N - t, so u must not lie halfway.
 *
 * Inverse, words are sums of products of differences of words: for each block
 * of a layer a few of the largest are kept, with what they are made of.
 *
 * Changes that were found when planted (make check-verify): each reduction of a
 * sweep left out; the real ring's layer not counted, with N of either parity;
 * twice the room for words that are never less than 0; more summands between
 * two reductions.
 */
#include <math.h>

#include "kernel/kernel.h"
#include "ref_words.h"
#include "test.h"

static const ckks_memory plain;

static uint32_t turned(uint32_t i, int bits)
{
    uint32_t r = 0;

    for (; bits > 0; bits--, i /= 2)
        r = 2 * r + i % 2;
    return r;
}

static void *need(size_t size)
{
    void *p = cki_alloc(&plain, size);

    if (p == NULL)
        abort();
    return p;
}

/* One ring and prime: the twiddles of both directions as a kernel has them. */
typedef struct ring {
    const cki_kernel *k;
    cki_mod m;
    cki_ntt *t;
    size_t n;
    int log_n;
    bool real;
    uint64_t psi, order;
    uint64_t *root, *inverse;   /* shape (n) each                            */
} ring;

static void fill_twiddles(uint64_t *w, const ring *r, uint64_t psi,
                          uint64_t minus)
{
    const uint64_t p = r->m.p;

    for (int layer = 0; layer < r->log_n; layer++)
        for (uint32_t i = 0; i < (uint32_t)1 << layer; i++)
            w[((size_t)1 << layer) + i] =
                ref_pow(psi, (r->order / r->n * turned(i, layer) + 1)
                          * (r->n >> layer >> 1), p);
    for (int i = 2; i < 4 && r->real; i++)
        w[i] = ref_mul(w[i], minus, p);
}

static bool ring_init(ring *r, const cki_kernel *k, int log_n, int bits,
                      bool real)
{
    const size_t n = (size_t)1 << log_n;

    *r = (ring){ .k = k, .n = n, .log_n = log_n, .real = real,
                 .order = (real ? 4 : 2) * n };
    r->m = cki_mod_make(cki_find_prime(bits, r->order, NULL, 0));
    r->psi = cki_min_root(r->order, &r->m);
    r->root = need(2 * n * sizeof *r->root);
    r->inverse = r->root + n;
    fill_twiddles(r->root, r, r->psi, r->m.p - ref_pow(r->psi, n, r->m.p));
    fill_twiddles(r->inverse, r, ref_pow(r->psi, r->order - 1, r->m.p),
                  ref_pow(r->psi, n, r->m.p));
    return CHECK_OK(cki_ntt_init(&r->t, k, &r->m, r->psi, log_n, r->order,
                                 &plain));
}

static void ring_clear(ring *r)
{
    cki_ntt_clear(&r->t, &plain);
    cki_free(&plain, r->root, 2 * r->n * sizeof *r->root);
}

/* ---- products in the kernels' own arithmetic ----------------------------- */

/* a w as a kernel of doubles leaves it (fma.h, Lemma F). */
static double product(double a, uint64_t w, uint64_t p)
{
    const double magic = 0x1.8p52, d = (double)p;
    const double v = w > p / 2 ? -(double)(p - w) : (double)w;
    const double h = a * v, low = fma(a, v, -h);
    const double q = fma(h, 1 / d, magic) - magic;

    return fma(-q, d, h) + low;
}

/* y whose product with w has this sign and is as large as can be: up to 1/16
 * above p/2, where the quotient is rounded to the wrong side. */
static uint64_t growing_word(uint64_t w, bool minus, uint64_t p,
                             uint64_t *state)
{
    uint64_t w_inv = ref_pow(w, p - 2, p), most = (p - 1) / 2;

    for (int i = 0; i < 300; i++) {
        uint64_t r = p / 2 + test_word(state) % (p / 16 + 1);
        double y = (double)ref_mul(minus ? p - r : r, w_inv, p);

        if (r > most && product(y, w, p) == (minus ? -(double)r : (double)r))
            most = r;
    }
    return ref_mul(minus ? p - most : most, w_inv, p);
}

/* ---- forward ------------------------------------------------------------- */

/* Of t and N - t, the one that the real ring's layer does not multiply. */
static size_t first_of(size_t t, const ring *r)
{
    return r->real && t / (r->n / 4) % 2 == 1 ? r->n - t : t;
}

enum { LOWEST, HIGHEST, LAST, WAYS };

/* The input that makes the word at j of block `block` of layer `layer` (1, 2,
 * ...) grow in every layer before, in which it is then multiplied.  Words that
 * are never less than 0 grow most, by 2p a layer, in the last block, where each
 * layer takes a product off, if that is 0. */
static void fill_growing(uint64_t *a, const ring *r, int layer, uint32_t block,
                         int way)
{
    const size_t n = r->n, j = (n >> layer) + r->real;
    const uint64_t p = r->m.p;
    uint64_t state = block;

    memset(a, 0, n * sizeof *a);
    a[first_of(j, r)] = p - 1;
    if (way == LAST)
        return;
    if (r->real)
        a[n - first_of(j, r)] = growing_word(r->t->fold, first_of(j, r) != j,
                                             p, &state);
    for (int k = 1; k < layer; k++) {
        uint32_t at = block >> (layer - k);     /* of 2^(k-1) blocks         */
        uint64_t w = r->root[((uint32_t)1 << (k - 1)) + at];
        bool minus = block >> (layer - 1 - k) & 1;

        a[first_of(j + (n >> k), r)] = growing_word(w, minus, p, &state);
    }
}

/* The block of a layer whose root, balanced, is lowest or highest, or the last
 * block. */
static uint32_t extreme_block(const ring *r, int layer, int way)
{
    const uint32_t count = (uint32_t)1 << (layer - 1);
    const uint64_t p = r->m.p;
    uint32_t best = 0;
    int64_t extreme = 0;

    for (uint32_t b = 0; b < count; b++) {
        uint64_t w = r->root[count + b];
        int64_t v = w > p / 2 ? -(int64_t)(p - w) : (int64_t)w;

        if (way == LOWEST ? v < extreme : v > extreme) {
            extreme = v;
            best = b;
        }
    }
    return way == LAST ? count - 1 : best;
}

/* The value at place i of the transform of a, most of which is 0. */
static uint64_t value_at(const uint64_t *a, uint32_t i, const ring *r)
{
    const uint64_t p = r->m.p;
    const uint64_t z = ref_pow(r->psi,
                               r->order / r->n * turned(i, r->log_n) + 1, p);
    const uint64_t back = ref_pow(z, p - 2, p);
    uint64_t sum = a[0];

    for (size_t j = 1; j < r->n; j++)
        if (a[j] != 0) {
            uint64_t y = ref_pow(z, j, p);

            if (r->real)
                y = (y + ref_pow(back, j, p)) % p;
            sum = (sum + ref_mul(a[j], y, p)) % p;
        }
    return sum;
}

/* The largest dividend and sum of a division, all words p - 1; x: the
 * transform of a. */
static void division_of(const uint64_t *a, const uint64_t *x, size_t summands,
                        const ring *r, uint64_t *work)
{
    const size_t n = r->n;
    const uint64_t p = r->m.p;
    uint64_t *z = work, *most = work + n, *out = work + 2 * n;
    cki_summand s[8];
    const cki_ending q = { .in = most, .s = s, .summands = summands,
                             .w = p - 1, .u = p - 1 };

    for (size_t i = 0; i < 8; i++)
        s[i] = (cki_summand){ most, NULL };
    for (size_t i = 0; i < n; i++)
        most[i] = p - 1;
    memcpy(z, a, n * sizeof *z);
    r->k->ntt_head(z, r->t, false);
    r->k->ntt_finish(out, z, &q, r->t);
    for (size_t i = 0; i < n; i++)      /* -(-1 - x) - (-1 each)             */
        if (!CHECK(out[i] == (x[i] + 1 + summands) % p,
                   "%s N=%zu real %d: division with %zu, word %zu",
                   r->k->name, n, r->real, summands, i))
            break;
}

static void check_layer(const ring *r, int layer, int way, uint64_t *a)
{
    const uint32_t block = extreme_block(r, layer, way);
    const size_t n = r->n, size = n >> (layer - 1);
    const size_t first = (size_t)block * size;
    uint64_t *x = a + n;

    fill_growing(a, r, layer, block, way);
    memcpy(x, a, n * sizeof *a);
    r->k->ntt_fwd(x, r->t);
    for (size_t s = 0; s < 4; s++) {
        const uint32_t i = (uint32_t)(first + s * (size - 1) / 3);
        const uint64_t want = value_at(a, i, r);

        CHECK(x[i] == want, "%s N=2^%d real %d p=%" PRIu64 " layer %d block %"
              PRIu32 " word %" PRIu32 ": %" PRIu64 ", want %" PRIu64,
              r->k->name, r->log_n, r->real, r->m.p, layer, block, i, x[i],
              want);
    }
    if (layer % 4 == 3)
        division_of(a, x, (size_t)layer / 4 * 3 % 8, r, a + 2 * n);
    r->k->ntt_inv(x, x, 1, r->t);
    CHECK(memcmp(x, a, n * sizeof *a) == 0, "%s N=2^%d real %d layer %d, back",
          r->k->name, r->log_n, r->real, layer);
}

static void check_forward(const ring *r)
{
    uint64_t *a = need(5 * r->n * sizeof *a);

    /* in the last layer but the real ring's a block has two words, and t and
     * N - t are in one column */
    for (int layer = 2 - r->real; layer <= r->log_n - r->real; layer++)
        for (int way = 0; way < WAYS; way++)
            check_layer(r, layer, way, a);
    cki_free(&plain, a, 5 * r->n * sizeof *a);
}

static bool takes_part(int log_n)
{
    return log_n >= 16 || log_n == 7 || log_n % 2 == 0;
}

/* Primes of fewer bits have more room, and other reductions: so many sizes. */
enum { ROOMS = 5 };

TEST(growing_words_forward)
{
    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++)
        for (int log_n = 6; log_n <= CKKS_MAX_LOG_N; log_n++)
            for (int real = 0; real < 2 && (*k)->usable(); real++) {
                const int rooms = !takes_part(log_n) ? 0
                                  : log_n <= 14 ? ROOMS : 1;
                ring r;

                for (int less = 0; less < rooms; less++) {
                    if (ring_init(&r, *k, log_n, (*k)->max_bits - less,
                                  real == 1))
                        check_forward(&r);
                    ring_clear(&r);
                }
            }
}

/* ---- inverse ------------------------------------------------------------- */

enum { KEEP = 12, BEST = 4 };

/* What the inverse makes of two blocks, w (e - f), and then of four; from:
 * which of each block's; word: at the start, the word itself. */
typedef struct grown {
    double value;
    uint8_t from[4];
    uint64_t word[4];
} grown;

/* Keeps the largest: positive ones in the first half, negative in the other. */
static void keep(grown *best, size_t room, const grown *new)
{
    grown *half = new->value > 0 ? best : best + room / 2;
    size_t at = room / 2;

    while (at > 0 && fabs(half[at - 1].value) < fabs(new->value))
        at--;
    for (size_t i = room / 2; i-- > at + 1;)
        half[i] = half[i - 1];
    if (at < room / 2)
        half[at] = *new;
}

/* The largest w (e - f), e and f words. */
static void of_words(grown *best, uint64_t w, uint64_t p, uint64_t *state)
{
    const uint64_t w_inv = ref_pow(w, p - 2, p);

    for (int i = 0; i < 60; i++) {
        const uint64_t any = test_word(state), r = p / 16 * 7 + any % (p / 8);
        const uint64_t y = ref_mul(any >> 63 ? r : p - r, w_inv, p);
        grown new = { .word = { y, 0 } };

        if (any >> 62 & 1) {
            new.word[0] = 0;
            new.word[1] = p - y;
        }
        new.value = product((double)new.word[0] - (double)new.word[1], w, p);
        keep(best, 2 * BEST, &new);
    }
}

/* The same, e and f from the lists of two blocks. */
static void of_blocks(grown *best, const grown *e, const grown *f, uint64_t w,
                      uint64_t p)
{
    for (uint8_t i = 0; i < KEEP; i++)
        for (uint8_t j = 0; j < KEEP; j++) {
            grown new = { .from = { i, j } };

            new.value = product(e[i].value - f[j].value, w, p);
            keep(best, 2 * BEST, &new);
        }
}

/* The largest w2 (e - f) + w3 (g - h); blocks: of e, f, g, h, or NULL. */
static void grow_pair(grown *best, const grown *blocks, const uint64_t *w,
                      uint64_t p, uint64_t *state)
{
    grown half[2][2 * BEST];

    memset(half, 0, sizeof half);
    memset(best, 0, KEEP * sizeof *best);
    for (int i = 0; i < 2; i++)
        if (blocks == NULL)
            of_words(half[i], w[i], p, state);
        else
            of_blocks(half[i], blocks + 2 * i * KEEP,
                      blocks + (2 * i + 1) * KEEP, w[i], p);
    for (size_t i = 0; i < 2 * BEST; i++)
        for (size_t j = 0; j < 2 * BEST; j++) {
            grown new = half[0][i];

            new.value += half[1][j].value;
            memcpy(new.from + 2, half[1][j].from, 2);
            memcpy(new.word + 2, half[1][j].word, 2 * sizeof *new.word);
            keep(best, KEEP, &new);
        }
}

/* Writes the words behind number `which` of block i of the pair `level`; level
 * 0 is the first. */
static void unroll(uint64_t *x, grown *const *levels, int level, size_t i,
                   int which)
{
    const grown *g = levels[level] + i * KEEP + which;

    for (size_t s = 0; s < 4; s++)
        if (level == 0)
            x[4 * i + s] = g->word[s];
        else
            unroll(x, levels, level - 1, 4 * i + s, g->from[s]);
}

/* Words of which one in each block of 4^pairs grows as the largest do.  Gives
 * the size of the largest, in p. */
static double fill_inverse(uint64_t *x, const ring *r, int pairs)
{
    grown *levels[CKKS_MAX_LOG_N / 2] = { NULL };
    uint64_t state = 5;
    double most = 0;

    for (int l = 0; l < pairs; l++) {
        const size_t count = r->n >> (2 * l + 2);

        levels[l] = need(count * KEEP * sizeof **levels);
        for (size_t i = 0; i < count; i++)
            grow_pair(levels[l] + i * KEEP,
                      l == 0 ? NULL : levels[l - 1] + 4 * i * KEEP,
                      r->inverse + 2 * (count + i), r->m.p, &state);
    }
    for (size_t i = 0; i < r->n >> (2 * pairs); i++)
        unroll(x, levels, pairs - 1, i, (int)(i % KEEP));
    for (size_t i = 0; i < (r->n >> (2 * pairs)) * KEEP; i++)
        most = fmax(most, fabs(levels[pairs - 1][i].value));
    for (int l = 0; l < pairs; l++)
        cki_free(&plain, levels[l],
                 (r->n >> (2 * l + 2)) * KEEP * sizeof **levels);
    return most / (double)r->m.p;
}

/* The inverse of x, whose transform must be x again: known, as the transform is
 * tested above.  Some coefficients by definition. */
static double check_inverse(const ring *r, int pairs)
{
    const size_t n = r->n;
    uint64_t *x = need(2 * n * sizeof *x), *a = x + n;
    const double most = fill_inverse(x, r, pairs);

    r->k->ntt_inv(a, x, 1, r->t);
    r->k->ntt_fwd(a, r->t);
    CHECK(memcmp(a, x, n * sizeof *x) == 0, "%s N=2^%d real %d, %d pairs",
          r->k->name, r->log_n, r->real, pairs);
    cki_free(&plain, x, 2 * n * sizeof *x);
    return most;
}

TEST(growing_words_inverse)
{
    double most = 0;

    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++)
        for (int log_n = 6; log_n <= 13; log_n += log_n == 6 ? 1 : 3)
            for (int real = 0; real < 2 && (*k)->usable(); real++) {
                ring r;

                for (int less = 0; less < ROOMS; less++) {
                    if (ring_init(&r, *k, log_n, 49 - less, real == 1))
                        for (int pairs = 1; pairs <= log_n / 2; pairs++)
                            most = fmax(most, check_inverse(&r, pairs));
                    ring_clear(&r);
                }
            }
    test_note("largest word: %.3f p (bound: 1.400 p)", most);
    CHECK(most > 1.02, "%.3f p", most);
}
