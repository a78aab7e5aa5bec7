/* test_max_labels.c -- the largest of windows, and the class of the largest
 * score, between two parties. */
#include "blind/chunk.h"
#include "blind_support.h"
#include "test.h"

enum { JOBS = 32, FEW = 83 };

/* One call: windows, or labels where label is set. */
typedef struct job {
    size_t count;
    int window, bits;           /* or classes                                */
    bool over;
    blind_traffic traffic[2][2];
    blind_signed *x;            /* count windows                             */
    blind_share *share[2], *out[2];
    uint8_t *label;
} job;

typedef struct jobs {
    size_t num;
    job job[JOBS];
} jobs;

static void *memory(size_t count, size_t size)
{
    void *p = calloc(count, size);

    if (p == NULL)
        abort();
    return p;
}

static job *add_job(jobs *all, size_t count, int window, int bits, bool labels)
{
    const size_t n = count * (size_t)window;
    job *j = &all->job[all->num++];

    *j = (job){ .count = count, .window = window, .bits = bits };
    j->x = memory(n, sizeof *j->x);
    for (int i = 0; i < 2; i++) {
        j->share[i] = memory(n, sizeof *j->share[i]);
        j->out[i] = memory(count, sizeof *j->out[i]);
    }
    j->label = labels ? memory(count, 1) : NULL;
    return j;
}

static void free_jobs(jobs *all)
{
    for (size_t i = 0; i < all->num; i++) {
        job *j = &all->job[i];

        free(j->x);
        free(j->label);
        for (int s = 0; s < 2; s++) {
            free(j->share[s]);
            free(j->out[s]);
        }
    }
    free(all);
}

/* x drawn from the ends, from few numbers (so that some are equal) and from
 * all; what has no opposite of as many bits is out of range for one class. */
static void fill(job *j, uint64_t *seed)
{
    const uint64_t half = (uint64_t)1 << (j->bits - 1);
    const int64_t h = (int64_t)half;
    const int64_t ends[] = { 0, 1, -1, h - 1, -h, 1 - h, h / 2, -h / 2 };

    for (size_t i = 0; i < j->count; i++)
        for (size_t k = 0; k < (size_t)j->window; k++) {
            const size_t at = i * (size_t)j->window + k;
            const uint64_t r = test_word(seed);

            j->x[at] = i % 3 == 0 ? ends[r % 8]
                     : i % 3 == 1 ? (int64_t)(r % 3) - 1
                     : (int64_t)(r % (2 * half)) - h;
            if (j->window == 1 && j->x[at] == -h)
                j->x[at] = 0;
            blind_split(&j->share[0][at], &j->share[1][at], j->x[at], seed);
        }
}

static ckks_status job_side(blind_party *p, void *with)
{
    jobs *all = with;
    ckks_status s = CKKS_OK;

    for (size_t i = 0; i < all->num && s == CKKS_OK; i++) {
        job *j = &all->job[i];
        blind_traffic *t = j->traffic[p->server];

        t[0] = blind_wire_traffic(p->wire);
        s = j->label == NULL
            ? blind_max(j->out[p->server], j->share[p->server], j->count,
                        j->window, j->bits, p)
            : blind_labels(p->server ? NULL : j->label, j->share[p->server],
                           j->count, j->window, j->bits, p);
        t[1] = blind_wire_traffic(p->wire);
        if (s == CKKS_OK)
            s = blind_overflowed(p->server ? NULL : &j->over, p);
    }
    return s;
}

/* The first of the largest. */
static size_t largest(const blind_signed *x, size_t n)
{
    size_t best = 0;

    for (size_t k = 1; k < n; k++)
        if (x[k] > x[best])
            best = k;
    return best;
}

static void check_job(const job *j, int k)
{
    const size_t w = (size_t)j->window;

    for (size_t i = 0; i < j->count; i++) {
        const blind_signed *x = j->x + i * w;
        const size_t best = largest(x, w);

        if (j->label == NULL)
            CHECK(blind_joined(j->out[0][i], j->out[1][i]) == x[best],
                  "window %zu of %zu, %d numbers of %d bits", i, j->count,
                  j->window, j->bits);
        else
            CHECK(j->label[i] == (w == 1 ? x[0] > 0 : best), "label %d of "
                  "number %zu of %zu, %d classes, %d bits", j->label[i], i,
                  j->count, j->window, j->bits);
    }
    CHECK(!j->over, "%d of %d bits: out of range", j->window, j->bits);
    blind_check_traffic(j->traffic,
                        j->label == NULL
                        ? blind_max_bytes(j->count, j->window, j->bits, k)
                        : blind_labels_bytes(j->count, j->window, j->bits,
                                             k));
}

static void check_session(jobs *all, int k)
{
    if (blind_both(job_side, job_side, all, NULL, k))
        for (size_t i = 0; i < all->num; i++)
            check_job(&all->job[i], k);
    free_jobs(all);
}

TEST(max_of_all_windows)
{
    static const int widths[] = { 8, 16, 20, 32 };
    jobs *all = memory(1, sizeof *all);
    uint64_t seed = 1;

    for (int window = 2; window <= 8; window++)
        for (int w = 0; w < 4; w++)
            fill(add_job(all, FEW + (size_t)w, window, widths[w], false),
                 &seed);
    fill(add_job(all, BLIND_WINDOWS + 3, 3, 8, false), &seed);
    check_session(all, 2);
}

TEST(labels_of_all_numbers_of_classes)
{
    static const int widths[] = { 8, 16, 20, 32 };
    jobs *all = memory(1, sizeof *all);
    uint64_t seed = 2;

    for (int classes = 1; classes <= 16; classes++)
        fill(add_job(all, FEW, classes, widths[classes % 4], true), &seed);
    for (int classes = 1; classes <= 4; classes++)
        fill(add_job(all, BLIND_LABELS_AT_ONCE + 17, classes, 8, true),
             &seed);
    check_session(all, 4);
}

/* All pairs of numbers of 8 bits. */
TEST(max_and_labels_of_all_pairs)
{
    jobs *all = memory(1, sizeof *all);
    uint64_t seed = 3;

    for (int labels = 0; labels < 2; labels++) {
        job *j = add_job(all, 1 << 16, 2, 8, labels != 0);

        for (size_t i = 0; i < 2 << 16; i++) {
            j->x[i] = (int8_t)(i % 2 == 0 ? i >> 1 & 255 : i >> 9);
            blind_split(&j->share[0][i], &j->share[1][i], j->x[i], &seed);
        }
    }
    check_session(all, 2);
}

static ckks_status refused_side(blind_party *p, void *with)
{
    blind_share x[32] = { 0 }, out = 5;
    uint8_t label = 6;
    const bool ok = blind_max(&out, x, 1, 1, 16, p) == CKKS_EARG
                    && blind_max(&out, x, 1, 9, 16, p) == CKKS_EARG
                    && blind_labels(&label, x, 1, 0, 16, p) == CKKS_EARG
                    && blind_labels(&label, x, 1, 17, 16, p) == CKKS_EARG
                    && out == 5 && label == 6;

    *(bool *)with = ok;
    return blind_max(&out, x, 0, 4, 16, p);
}

TEST(max_and_labels_refuse_sizes)
{
    bool ok = false;

    CHECK(blind_both(refused_side, refused_side, &ok, NULL, 1) && ok,
          "refused, and unchanged");
}
