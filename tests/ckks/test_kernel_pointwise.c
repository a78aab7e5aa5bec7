/* test_kernel_pointwise.c -- every kernel word by word: products, sums,
 * squares, and permutations by automorphisms. */
#include "kernel_support.h"

#include "ring/rns.h"

/* ---- pointwise ---------------------------------------------------------- */

enum { OP_ADD, OP_SUB, OP_MUL, OP_MUL_ADD, OP_SCALE, OP_SCALE_ADD, OPS };
static const char *const op_name[] = { "add", "sub", "mul", "mul_add",
                                       "scale", "scale_add" };

static uint64_t op_word(int op, uint64_t a, uint64_t b, uint64_t c, uint64_t w,
                        uint64_t p)
{
    switch (op) {
    case OP_ADD:       return ref_add(a, b, p);
    case OP_SUB:       return ref_add(a, p - b, p);
    case OP_MUL:       return ref_mul(a, b, p);
    case OP_MUL_ADD:   return ref_add(ref_mul(a, b, p), c, p);
    case OP_SCALE:     return ref_mul(a, w, p);
    default:           return ref_add(ref_mul(a, w, p), c, p);
    }
}

static void op_run(int op, uint64_t *out, const uint64_t *a, const uint64_t *b,
                   const uint64_t *c, uint64_t w, size_t n,
                   const cki_kernel *k, const cki_mod *m)
{
    switch (op) {
    case OP_ADD:       k->add(out, a, b, n, m); break;
    case OP_SUB:       k->sub(out, a, b, n, m); break;
    case OP_MUL:       k->mul(out, a, b, n, m); break;
    case OP_MUL_ADD:   k->mul_add(out, a, b, c, n, m); break;
    case OP_SCALE:     k->scale_add(out, a, w, NULL, n, m); break;
    default:           k->scale_add(out, a, w, c, n, m); break;
    }
}

enum { LONGEST = 1024 };

typedef struct lines {
    uint64_t a[LONGEST], b[LONGEST], c[LONGEST], want[LONGEST];
    uint64_t got[LONGEST + 8];
} lines;

/* All operations on a, b, c: into a fresh array with a canary behind it, and
 * over each input. */
static void ops_check(lines *x, size_t n, uint64_t w, const cki_mod *m)
{
    for (int op = 0; op < OPS; op++) {
        for (size_t i = 0; i < n; i++)
            x->want[i] = op_word(op, x->a[i], x->b[i], x->c[i], w, m->p);
        for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++) {
            if (!kernel_takes(*k, m))
                continue;
            for (int alias = 0; alias < 4; alias++) {
                const uint64_t *in[3] = { x->a, x->b, x->c };

                if (alias > 0) {
                    memcpy(x->got, in[alias - 1], n * sizeof *x->got);
                    in[alias - 1] = x->got;
                }
                x->got[n] = CANARY;
                op_run(op, x->got, in[0], in[1], in[2], w, n, *k, m);
                kernel_expect(x->got, x->want, n, *k, op_name[op], m);
                CHECK(x->got[n] == CANARY, "%s %s writes behind n=%zu",
                      (*k)->name, op_name[op], n);
            }
        }
    }
}

/* The three parts of a square, made and added. */
static void square_check(lines *x, size_t n, const cki_mod *m)
{
    static uint64_t got[3][LONGEST + 8], start[LONGEST];
    const uint64_t p = m->p;

    memcpy(start, x->c, n * sizeof *start);
    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++)
        for (int add = 0; add <= 1 && kernel_takes(*k, m); add++) {
            for (int part = 0; part < 3; part++) {
                memcpy(got[part], start, n * sizeof *start);
                got[part][n] = CANARY;
            }
            (*k)->square(got[0], got[1], got[2], x->a, x->b, add == 1, n, m);
            for (int part = 0; part < 3; part++) {
                for (size_t i = 0; i < n; i++) {
                    uint64_t y = ref_mul(part < 2 ? x->a[i] : x->b[i],
                                         part < 1 ? x->a[i] : x->b[i], p);

                    if (part == 1)
                        y = ref_add(y, y, p);
                    x->want[i] = add ? ref_add(y, start[i], p) : y;
                }
                kernel_expect(got[part], x->want, n, *k, "square", m);
                CHECK(got[part][n] == CANARY, "%s square writes behind n=%zu",
                      (*k)->name, n);
            }
        }
}

TEST(kernel_pointwise_edges)
{
    static lines x;
    uint64_t state = 4;
    cki_mod m[PRIMES];

    kernel_primes(m, 8);
    for (int i = 0; i < PRIMES; i++)
        for (int s = 0; s < SHAPES * SHAPES; s++)
            for (size_t n = 1; n <= 33; n++) {
                uint64_t p = m[i].p;
                const uint64_t w[] = { 0, 1, p - 1, (p - 1) / 2, (p + 1) / 2,
                                       test_word(&state) % p };

                kernel_fill(x.a, n, p, s % SHAPES, &state);
                kernel_fill(x.b, n, p, s / SHAPES, &state);
                kernel_fill(x.c, n, p, (int)(n % SHAPES), &state);
                ops_check(&x, n, w[(n + (size_t)s) % 6], &m[i]);
                square_check(&x, n, &m[i]);
            }
}

TEST(kernel_pointwise_random)
{
    static lines x;
    uint64_t state = 5;
    int count = test_long() ? 100000 : 1000;
    cki_mod m[PRIMES];

    kernel_primes(m, 2048);
    for (int r = 0; r < count; r++) {
        const cki_mod *q = &m[r % PRIMES];

        kernel_fill(x.a, LONGEST, q->p, 4, &state);
        kernel_fill(x.b, LONGEST, q->p, 4, &state);
        kernel_fill(x.c, LONGEST, q->p, 4, &state);
        ops_check(&x, LONGEST, test_word(&state) % q->p, q);
        square_check(&x, LONGEST, q);
    }
}

/* ---- words from integers and from random bytes -------------------------- */

enum { WORDS = 203 };
static const uint64_t words_canary = 0x123456789abcdef0;

/* Words of the definitions, and nothing behind the n of them. */
static void words_check(const uint64_t *got, const uint64_t *want, size_t n,
                        const cki_kernel *k, const char *what,
                        const cki_mod *m)
{
    kernel_expect(got, want, n, k, what, m);
    CHECK(got[n] == words_canary, "%s: %s writes behind %zu", k->name, what,
          n);
}

static void integers_check(const cki_kernel *k, const cki_mod *m, size_t n,
                           uint64_t *state)
{
    uint64_t x[WORDS], want[WORDS], got[WORDS + 1];
    const uint64_t bound = test_word(state), shift = test_word(state);
    int8_t small[WORDS];

    for (size_t i = 0; i < n; i++) {
        x[i] = i % 3 == 0 ? bound + i % 9 / 3 - 1 : test_word(state);
        want[i] = x[i] > bound ? x[i] + shift : x[i];
    }
    got[n] = words_canary;
    k->lift(got, x, bound, shift, n);
    words_check(got, want, n, k, "lift", m);
    for (size_t i = 0; i < n; i++) {
        small[i] = (int8_t)test_word(state);
        want[i] = small[i] < 0 ? m->p - (uint64_t)-small[i]
                               : (uint64_t)small[i];
    }
    got[n] = words_canary;
    k->from_small(got, small, n, m);
    words_check(got, want, n, k, "from_small", m);
}

/* Words of any number of bytes, the largest among them, against their bytes;
 * and back. */
static void pack_check(const cki_kernel *k, size_t n, uint64_t *state)
{
    for (size_t bytes = 1; bytes <= 8; bytes++) {
        const uint64_t most = UINT64_MAX >> (64 - 8 * bytes);
        uint8_t got[8 * WORDS + CKI_BEYOND + 1];
        uint64_t x[WORDS], back[WORDS];

        for (size_t i = 0; i < n; i++)
            x[i] = i % 3 == 0 ? most : test_word(state) & most;
        got[n * bytes + CKI_BEYOND] = 0x5a;
        k->pack(got, x, n, bytes);
        for (size_t i = 0; i < n * bytes; i++)
            CHECK(got[i] == (uint8_t)(x[i / bytes] >> i % bytes * 8),
                  "%s pack, %zu words of %zu bytes: byte %zu is %d", k->name,
                  n, bytes, i, got[i]);
        CHECK(got[n * bytes + CKI_BEYOND] == 0x5a,
              "%s: pack writes too far behind %zu words of %zu bytes",
              k->name, n, bytes);
        cki_unpack(back, got, n, bytes);
        CHECK(memcmp(back, x, n * sizeof *x) == 0,
              "%zu words of %zu bytes come back as others", n, bytes);
    }
}

/* Bytes of which a half, all but a few, or none is kept. */
static void sift_check(const cki_kernel *k, const cki_mod *m, size_t n,
                       uint64_t p, uint64_t *state)
{
    const uint64_t mask = ((uint64_t)1 << m->bits) - 1;
    uint64_t want[WORDS], got[WORDS + 1];
    uint8_t bytes[8 * WORDS];
    size_t kept = 0, count;

    for (size_t i = 0; i < n; i++) {
        const uint64_t u = i % 5 == 0 ? p - i % 2 : test_word(state);

        for (int j = 0; j < 8; j++)
            bytes[8 * i + (size_t)j] = (uint8_t)(u >> 8 * j);
        if ((u & mask) < p)
            want[kept++] = u & mask;
    }
    got[n] = words_canary;
    count = k->sift(got, bytes, n, mask, p);
    CHECK(count == kept, "%s: sift of %zu: %zu, want %zu", k->name, n, count,
          kept);
    kernel_expect(got, want, kept, k, "sift", m);
    CHECK(got[n] == words_canary, "%s: sift writes behind %zu", k->name, n);
}

TEST(kernel_words)
{
    uint64_t state = 12;
    cki_mod m[PRIMES];

    kernel_primes(m, 2048);
    for (size_t n = 1; n <= WORDS; n++)
        for (int i = 0; i < PRIMES; i++)
            for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++) {
                if (!kernel_takes(*k, &m[i]))
                    continue;
                integers_check(*k, &m[i], n, &state);
                sift_check(*k, &m[i], n, m[i].p, &state);
                sift_check(*k, &m[i], n, 1, &state);
                pack_check(*k, n, &state);
            }
}

/* ---- automorphisms ------------------------------------------------------ */

/* NTT(a(X^g)) is the permuted NTT(a): with the NTT tested above. */
static void galois_check(int log_n, uint32_t g, const cki_mod *m,
                         uint64_t *state)
{
    size_t n = (size_t)1 << log_n, bytes = 4 * n * sizeof(uint64_t);
    uint64_t *a = kernel_alloc(bytes), *b = a + n, *got = b + n;
    uint32_t *perm = (uint32_t *)(void *)(got + n);
    uint64_t psi = cki_min_root(2 * n, m);
    cki_ntt *t = NULL;

    cki_galois_perm(perm, log_n, (size_t)2 << log_n, g);
    kernel_fill(a, n, m->p, 4, state);
    for (size_t i = 0; i < n; i++) {
        size_t e = i * g % (2 * n);

        b[e % n] = e < n ? a[i] : (m->p - a[i]) % m->p;
    }
    if (!CHECK_OK(cki_ntt_init(&t, &cki_kernel_portable, m, psi, log_n,
                               (size_t)2 << log_n, &kernel_memory)))
        abort();
    cki_kernel_portable.ntt_fwd(a, t);
    cki_kernel_portable.ntt_fwd(b, t);
    cki_ntt_clear(&t, &kernel_memory);
    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++) {
        if (!kernel_takes(*k, m))
            continue;
        (*k)->permute(got, a, perm, n);
        kernel_expect(got, b, n, *k, "permute", m);
    }
    cki_free(&kernel_memory, a, bytes);
}

TEST(kernel_automorphisms)
{
    uint64_t state = 9;
    int rounds = test_long() ? 3200 : 32;
    cki_mod m[PRIMES];

    for (int log_n = 2; log_n <= 6; log_n++) {
        kernel_primes(m, (uint64_t)2 << log_n);
        for (uint32_t g = 1; g < (uint32_t)2 << log_n; g += 2)
            for (int i = 0; i < PRIMES; i++)
                galois_check(log_n, g, &m[i], &state);
    }
    for (int r = 0; r < rounds; r++) {          /* 10^6 words                */
        int log_n = 13 + r % 4;
        uint32_t g = (uint32_t)test_word(&state) | 1;

        if (r < 24)
            kernel_primes(m, (uint64_t)2 << 16);
        galois_check(log_n, g & (((uint32_t)2 << log_n) - 1), &m[r % PRIMES],
                     &state);
    }
}
