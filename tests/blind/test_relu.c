/* test_relu.c -- ReLU between two parties, over a connection. */
#include "blind/chunk.h"
#include "blind_support.h"
#include "test.h"

enum { MOST = 2 * BLIND_CHUNK + 37, JOBS = 16 };

/* One call. */
typedef struct relu_job {
    size_t count;
    int bits;
    bool over;                  /* what the client was told                  */
    blind_traffic traffic[2][2];        /* of a side, before and after       */
    blind_share share[2][MOST];
    blind_signed x[MOST];
} relu_job;

/* A session. */
typedef struct relu_jobs {
    size_t num;
    relu_job job[JOBS];
} relu_jobs;

static void set_number(relu_job *j, size_t i, blind_signed x, uint64_t *seed)
{
    j->x[i] = x;
    blind_split(&j->share[0][i], &j->share[1][i], x, seed);
}

static ckks_status relu_side(blind_party *p, void *with)
{
    relu_jobs *jobs = with;
    ckks_status s = CKKS_OK;

    for (size_t i = 0; i < jobs->num && s == CKKS_OK; i++) {
        relu_job *j = &jobs->job[i];
        blind_traffic *t = j->traffic[p->server];

        t[0] = blind_wire_traffic(p->wire);
        s = blind_relu(j->share[p->server], j->count, j->bits, p);
        t[1] = blind_wire_traffic(p->wire);
        if (s == CKKS_OK)
            s = blind_overflowed(p->server ? NULL : &j->over, p);
    }
    return s;
}

static void check_job(const relu_job *j, bool over, int k)
{
    const blind_bytes b = blind_relu_bytes(j->count, j->bits, k);

    for (size_t i = 0; i < j->count; i++)
        CHECK(blind_joined(j->share[0][i], j->share[1][i])
                  == (j->x[i] > 0 ? j->x[i] : 0),
              "number %zu of %zu, %" PRId64 " of %d bits", i, j->count,
              (int64_t)j->x[i], j->bits);
    CHECK(j->over == over, "%zu of %d bits, out of range: %d", j->count,
          j->bits, j->over);
    blind_check_traffic(j->traffic, b);
}

/* Numbers of `bits` bits: ends, and random ones. */
static void fill(relu_job *j, size_t count, int bits, uint64_t *seed)
{
    const int64_t half = (int64_t)1 << (bits - 1);
    const int64_t ends[] = { 0, 1, -1, half - 1, 1 - half, -half, half / 2,
                             -half / 2 };

    j->count = count;
    j->bits = bits;
    for (size_t i = 0; i < count; i++)
        set_number(j, i, i % 3 == 0 ? ends[i / 3 % 8]
                                    : (int64_t)(test_word(seed)
                                                % (2 * (uint64_t)half)) - half,
                   seed);
}

/* Chunks and batches, full and not; many numbers with one width each, and fewer
 * of them by the portable kernel. */
static void check_session(relu_jobs *jobs, const char *aes, int k, bool fast,
                          uint64_t *seed)
{
    static const size_t counts[] = { 1, 15, 129, BLIND_CHUNK, BLIND_CHUNK + 1,
                                     MOST };
    static const int widths[] = { 8, 16, 20, 32 };

    jobs->num = 0;
    for (size_t w = 0; w < 4; w++)
        for (size_t c = 0; c < 6; c++)
            if (c < 3 || (w == c - 3 && (c == 4 || fast)))
                fill(&jobs->job[jobs->num++], counts[c], widths[w], seed);
    if (!blind_both(relu_side, relu_side, jobs, aes, k))
        return;
    for (size_t i = 0; i < jobs->num; i++)
        check_job(&jobs->job[i], false, k);
}

TEST(relu_of_all_counts_and_kernels)
{
    static const int ks[] = { 1, 2, 4 };
    relu_jobs *jobs = calloc(1, sizeof *jobs);
    uint64_t seed = 1;
    int n = 0;

    if (!CHECK(jobs != NULL, "no memory"))
        return;
    for (const blind_aes *const *a = blind_aes_kernels; *a != NULL; a++)
        if ((*a)->usable())
            check_session(jobs, (*a)->name, ks[n++ % 3],
                          *a != &blind_aes_portable, &seed);
    free(jobs);
}

/* One number beyond either end is told; up to twice the range it is computed
 * all the same.  A call of numbers in range follows: the bit is of what came
 * since the last. */
TEST(relu_out_of_range_is_told)
{
    static const int64_t beyond[] = { 128, 255, -129, -256 };
    relu_jobs *jobs = calloc(1, sizeof *jobs);
    uint64_t seed = 2;

    if (!CHECK(jobs != NULL, "no memory"))
        return;
    for (jobs->num = 0; jobs->num < 8; jobs->num++) {
        relu_job *j = &jobs->job[jobs->num];

        fill(j, 40, 8, &seed);
        if (jobs->num % 2 == 0)
            set_number(j, 3 + jobs->num, beyond[jobs->num / 2], &seed);
    }
    if (blind_both(relu_side, relu_side, jobs, NULL, 2))
        for (size_t i = 0; i < jobs->num; i++)
            check_job(&jobs->job[i], i % 2 == 0, 2);
    free(jobs);
}

static ckks_status empty_side(blind_party *p, void *with)
{
    const uint64_t tweak = p->tweak;
    blind_share x = 5;
    ckks_status s = blind_relu(&x, 0, 16, p);

    *(bool *)with = blind_relu(&x, 1, 34, p) == CKKS_EARG
                    && blind_relu(&x, 1, 0, p) == CKKS_EARG && x == 5
                    && p->tweak == tweak;
    return s;
}

TEST(relu_of_nothing_and_of_too_many_bits)
{
    bool ok = false;

    CHECK(blind_both(empty_side, empty_side, &ok, NULL, 1) && ok,
          "refused, and unchanged");
}
