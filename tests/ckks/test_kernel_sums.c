/* test_kernel_sums.c -- inner products and base conversions of every kernel
 * against remainders of 128 bits. */
#include "kernel_support.h"

#include "ring/rns.h"

/* ---- inner products ----------------------------------------------------- */

enum { MOST_TERMS = 64, DOT_N = 256 };

typedef struct dots {
    uint64_t x[MOST_TERMS][DOT_N], y[2][MOST_TERMS][DOT_N];
    uint8_t packed[2][MOST_TERMS][8 * DOT_N + CKI_BEYOND];
    uint64_t start[2][DOT_N], want[2][DOT_N], got[2][DOT_N + 8];
} dots;

/* The second half of the terms' words first. */
static void dot_in_parts(dots *d, int terms, const cki_turn *turn, size_t n,
                         const cki_kernel *k, const cki_mod *m, bool add)
{
    for (int part = 1; part >= 0; part--) {
        const size_t at = (size_t)part * n / 2;
        const cki_turn here = { turn->perm, turn->back + at };
        const uint64_t *x[MOST_TERMS];
        const uint8_t *y0[MOST_TERMS], *y1[MOST_TERMS];

        for (int j = 0; j < terms; j++) {
            x[j] = d->x[j] + at;
            y0[j] = d->packed[0][j] + cki_packed_bytes(m) * at;
            y1[j] = d->packed[1][j] + cki_packed_bytes(m) * at;
        }
        k->dot2(d->got[0], d->got[1], x, &here, y0, y1, terms, add, n / 2, m);
    }
}

static void dot_check(dots *d, int terms, const cki_turn *turn, size_t n,
                      const cki_mod *m, bool add)
{
    const uint64_t *x[MOST_TERMS];
    const uint8_t *y0[MOST_TERMS], *y1[MOST_TERMS];

    for (int j = 0; j < terms; j++) {
        x[j] = d->x[j];
        y0[j] = kernel_packed(d->packed[0][j], d->y[0][j], n, m);
        y1[j] = kernel_packed(d->packed[1][j], d->y[1][j], n, m);
    }
    for (int h = 0; h < 2; h++)
        for (size_t i = 0; i < n; i++) {
            uint64_t s = add ? d->start[h][i] : 0;
            size_t at = turn == NULL ? i : turn->perm[i];

            for (int j = 0; j < terms; j++)
                s = (uint64_t)(((u128)d->x[j][at] * d->y[h][j][at] + s)
                               % m->p);
            d->want[h][i] = s;
        }
    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++) {
        if (!kernel_takes(*k, m))
            continue;
        for (int h = 0; h < 2; h++) {
            memcpy(d->got[h], d->start[h], n * sizeof *d->got[h]);
            d->got[h][n] = CANARY;
        }
        if (turn == NULL || n < 16)
            (*k)->dot2(d->got[0], d->got[1], x, turn, y0, y1, terms, add, n,
                       m);
        else
            dot_in_parts(d, terms, turn, n, *k, m, add);
        for (int h = 0; h < 2; h++) {
            kernel_expect(d->got[h], d->want[h], n, *k, "dot2", m);
            CHECK(d->got[h][n] == CANARY, "%s dot2 writes behind n=%zu",
                  (*k)->name, n);
        }
    }
}

static void dot_fill(dots *d, int terms, size_t n, uint64_t p, int sx, int sy,
                     uint64_t *state)
{
    for (int j = 0; j < terms; j++) {
        kernel_fill(d->x[j], n, p, sx, state);
        kernel_fill(d->y[0][j], n, p, sy, state);
        kernel_fill(d->y[1][j], n, p, 4, state);
    }
    kernel_fill(d->start[0], n, p, sx, state);
    kernel_fill(d->start[1], n, p, 4, state);
}

TEST(kernel_dot2)
{
    static dots d;
    uint64_t state = 6;
    int count = test_long() ? 8000 : 80;
    cki_mod m[PRIMES];

    kernel_primes(m, 512);
    for (int i = 0; i < PRIMES; i++)
        for (int terms = 1; terms <= MOST_TERMS; terms++)
            for (int shape = 1; shape < 5; shape++) {
                size_t n = 1 + (size_t)(7 * terms + shape) % 33;

                dot_fill(&d, terms, n, m[i].p, shape, shape, &state);
                dot_check(&d, terms, NULL, n, &m[i], terms % 2 == shape % 2);
                if (shape < 4)
                    dot_fill(&d, terms, n, m[i].p, 1, shape, &state);
                dot_check(&d, terms, NULL, n, &m[i], terms % 2 != shape % 2);
            }
    for (int r = 0; r < count; r++) {           /* 10^6 words and more       */
        int terms = 1 + (int)(test_word(&state) % MOST_TERMS);

        dot_fill(&d, terms, DOT_N, m[r % PRIMES].p, 4, 4, &state);
        dot_check(&d, terms, NULL, DOT_N, &m[r % PRIMES], r % 2 == 0);
    }
}

TEST(kernel_dot2_of_automorphisms)
{
    static dots d;
    uint32_t perm[DOT_N], back[DOT_N];
    const cki_turn turn = { perm, back };
    uint64_t state = 16;
    cki_mod m[PRIMES];

    kernel_primes(m, 512);
    for (int log_n = 2; log_n <= 8; log_n++)
        for (int r = 0; r < 12; r++) {
            uint32_t g = (uint32_t)test_word(&state) | 1;
            size_t n = (size_t)1 << log_n;
            int terms = 1 + (r * 7 + log_n) % 12;

            cki_galois_perm(perm, log_n, (size_t)2 << log_n,
                            g & (uint32_t)(2 * n - 1));
            for (uint32_t i = 0; i < n; i++)
                back[perm[i]] = i;
            dot_fill(&d, terms, n, m[r % PRIMES].p, 4, 1 + r % 4, &state);
            dot_check(&d, terms, &turn, n, &m[r % PRIMES], r % 2 == 0);
        }
}

/* ---- base conversion ---------------------------------------------------- */

enum { MOST_SOURCES = CKKS_MAX_PRIMES, TARGETS = 5, CONV_N = 200,
       CONV_ALL = MOST_SOURCES + TARGETS };

typedef struct conversion {
    cki_mod mod[CONV_ALL];
    uint64_t inv[MOST_SOURCES], hat[CONV_ALL * MOST_SOURCES], prod[CONV_ALL];
    double frac[MOST_SOURCES];
    cki_conv c;
    uint64_t in[MOST_SOURCES][CONV_N], want[TARGETS][CONV_N];
    uint64_t y[MOST_SOURCES + 1][CONV_N];
    uint64_t got[TARGETS][CONV_N + 8];
} conversion;

/* Sources: len primes of these bits; targets: small ones and of all sizes. */
static void conv_make(conversion *v, int len, int bits)
{
    uint64_t used[CONV_ALL];
    const int size[TARGETS] = { 12, 30, bits, 40, bits - 1 };

    for (int i = 0; i < len + TARGETS; i++) {
        int b = i < len ? bits - i % 3 : size[i - len];

        used[i] = cki_find_prime(b, 16, used, (size_t)i);
        v->mod[i] = cki_mod_make(used[i]);
    }
    v->c = (cki_conv){ .len = len, .mod = v->mod, .inv = v->inv,
                       .frac = v->frac, .hat = v->hat, .prod = v->prod };
    for (int i = 0; i < len; i++) {
        uint64_t others = 1;

        v->c.src[i] = i;
        v->frac[i] = 1.0 / (double)used[i];
        for (int j = 0; j < len; j++)
            if (j != i)
                others = ref_mul(others, used[j] % used[i], used[i]);
        v->inv[i] = ref_pow(others, used[i] - 2, used[i]);
    }
    for (int t = 0; t < len + TARGETS; t++) {
        v->prod[t] = 1;
        for (int i = 0; i < len; i++) {
            uint64_t hat = 1;

            for (int j = 0; j < len; j++)
                if (j != i)
                    hat = ref_mul(hat, used[j] % used[t], used[t]);
            v->hat[t * len + i] = hat;
            v->prod[t] = ref_mul(v->prod[t], used[i] % used[t], used[t]);
        }
    }
}

/* kernel.h's formula for column k. */
static void conv_want(conversion *v, size_t k, bool centred)
{
    const int len = v->c.len;
    uint64_t y[MOST_SOURCES], q;
    double f = 0;

    for (int i = 0; i < len; i++) {
        y[i] = ref_mul(v->in[i][k], v->inv[i], v->mod[i].p);
        f += (double)y[i] * v->frac[i];
    }
    if (len == 1)
        q = centred && y[0] > (v->mod[0].p - 1) / 2;
    else
        q = (uint64_t)(centred ? f + 0.5 : f);
    for (int t = 0; t < TARGETS; t++) {
        uint64_t p = v->mod[len + t].p, s = 0;

        for (int i = 0; i < len; i++)
            s = (uint64_t)(((u128)y[i] * v->hat[(len + t) * len + i] + s) % p);
        v->want[t][k] = ref_add(s, p - ref_mul(q, v->prod[len + t], p), p);
    }
}

/* Words such that all y_i at even places go with a negative balanced hat of
 * target 2 (p of most bits), at odd places with a positive one: the largest
 * sums a kernel with balanced constants can meet. */
static void conv_fill_extreme(conversion *v, size_t n)
{
    const int len = v->c.len, t = len + 2;

    for (int i = 0; i < len; i++) {
        uint64_t q = v->mod[i].p;
        bool minus = v->hat[t * len + i] > v->mod[t].p / 2;
        uint64_t x = ref_mul(q - 1, ref_pow(v->inv[i], q - 2, q), q);

        for (size_t k = 0; k < n; k++)
            v->in[i][k] = minus == (k % 2 == 0) ? x : 0;
    }
}

/* Shape SHAPES is conv_fill_extreme. */
static void conv_check(conversion *v, size_t n, bool centred, int shape,
                       uint64_t *state)
{
    uint64_t *out[TARGETS], *y[MOST_SOURCES];
    int target[TARGETS];

    for (int i = 0; i < v->c.len; i++)
        kernel_fill(v->in[i], n, v->mod[i].p, shape, state);
    if (shape == SHAPES)
        conv_fill_extreme(v, n);
    for (size_t k = 0; k < n; k++)
        conv_want(v, k, centred);
    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++) {
        bool all = (*k)->usable();

        for (int i = 0; i < v->c.len + TARGETS; i++)
            all = all && kernel_takes(*k, &v->mod[i]);
        for (int t = 0; t < TARGETS; t++) {
            target[t] = v->c.len + t;
            out[t] = v->got[t];
            v->got[t][n] = CANARY;
        }
        if (!all)
            continue;
        for (int i = 0; i < v->c.len; i++) {
            y[i] = v->y[i];
            for (size_t j = 0; j < n; j++)
                y[i][j] = ref_mul(v->in[i][j], v->inv[i], v->mod[i].p);
        }
        (*k)->convert_begin(y, v->y[v->c.len], &v->c, centred, n);
        (*k)->convert_end(out, target, TARGETS, (const uint64_t *const *)y,
                          v->y[v->c.len], &v->c, false, n);
        for (int t = 0; t < TARGETS; t++) {
            kernel_expect(v->got[t], v->want[t], n, *k,
                         centred ? "convert, centred" : "convert, uncentred",
                         &v->mod[target[t]]);
            CHECK(v->got[t][n] == CANARY, "%s convert writes behind n=%zu",
                  (*k)->name, n);
        }
    }
}

TEST(kernel_convert)
{
    static conversion v;
    static const size_t lengths[] = { 4, 7, 8, 16, 33, 64, 72, 200 };
    uint64_t state = 7;
    int rounds = test_long() ? 100 : 1;

    for (int bits = 30; bits <= 61; bits += bits == 30 ? 19 : 12)
        for (int len = 1; len <= MOST_SOURCES; len++) {
            if (len > 33 && len % 31 != 2)      /* 1..33 and 64              */
                continue;
            conv_make(&v, len, bits);
            for (int s = 0; s < SHAPES * 2 + 2; s++)
                conv_check(&v, lengths[(len + s) % 8], s % 2 == 0, s / 2,
                           &state);
            for (int r = 0; r < 10 * rounds; r++)
                conv_check(&v, CONV_N, r % 2 == 0, 4, &state);
        }
}
