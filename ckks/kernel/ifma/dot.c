/* dot.c -- packed words, and inner products with them in words of 52 bits.
 *
 * Read first: ifma.h (Lemma I), docs/10-kernels.md.
 */
#include "kernel/ifma/ifma.h"

/* How eight packed words are taken apart: where each byte comes from, and which
 * of them there are. */
typedef struct unpacker {
    vec from;
    __mmask64 there;
    size_t bytes;
} unpacker;

static inline unpacker unpacker_of(const cki_mod *m)
{
    const size_t bytes = cki_packed_bytes(m);
    uint8_t from[8 * LANES];
    unpacker u = { .bytes = bytes };

    for (size_t i = 0; i < sizeof from; i++) {
        from[i] = (uint8_t)(i / 8 * bytes + i % 8);
        u.there |= (__mmask64)(i % 8 < bytes) << i;
    }
    u.from = _mm512_loadu_si512(from);
    return u;
}

/* Words i .. i + 7 of y; what is read behind them is not kept. */
static ALWAYS_INLINE vec unpacked(const uint8_t *y, size_t i, unpacker u)
{
    return _mm512_maskz_permutexvar_epi8(
        u.there, u.from, _mm512_loadu_si512(y + i * u.bytes));
}

void cki_ifma_pack(uint8_t *out, const uint64_t *in, size_t n, size_t bytes)
{
    const size_t whole = n & ~(size_t)(LANES - 1);
    uint8_t at[8 * LANES];
    vec order;

    for (size_t i = 0; i < sizeof at; i++)
        at[i] = (uint8_t)(i / bytes * 8 + i % bytes);
    order = _mm512_loadu_si512(at);
    for (size_t i = 0; i < whole; i += LANES)
        _mm512_storeu_si512(out + i * bytes,
                            _mm512_permutexvar_epi8(order, load(in + i)));
    cki_pack(out + whole * bytes, in + whole, n - whole, bytes);
}

/* Eight sums to where the inverse permutation takes them: one group of eight,
 * in the order that the permutation has there. */
static ALWAYS_INLINE void store_turned(uint64_t *out0, uint64_t *out1, vec s0,
                                       vec s1, const cki_turn *turn, size_t i)
{
    const size_t to = group_at(turn->back + i);
    const vec order = group_order(turn->perm + to);

    store(out0 + to, _mm512_permutexvar_epi64(order, s0));
    store(out1 + to, _mm512_permutexvar_epi64(order, s1));
}

static ALWAYS_INLINE void dot2_all(uint64_t *out0, uint64_t *out1,
                                   const uint64_t *const *x,
                                   const cki_turn *turn,
                                   const uint8_t *const *y0,
                                   const uint8_t *const *y1, int k,
                                   bool add_to, size_t n, const cki_mod *m)
{
    const reducer e = reducer_of(m);
    const unpacker u = unpacker_of(m);

    for (size_t i = 0; i < n; i += LANES) {
        vec h0 = zero(), h1 = zero(), l0 = zero(), l1 = zero();

        if (add_to) {           /* what the sums will meet, in their order   */
            l0 = turn == NULL ? load(out0 + i) : permuted(out0, turn->back + i);
            l1 = turn == NULL ? load(out1 + i) : permuted(out1, turn->back + i);
        }
        for (int j = 0; j < k; j++) {
            const vec a = load(x[j] + i);
            const vec b = unpacked(y0[j], i, u), d = unpacked(y1[j], i, u);

            l0 = lo(l0, a, b);
            h0 = hi(h0, a, b);
            l1 = lo(l1, a, d);
            h1 = hi(h1, a, d);
        }
        if (turn == NULL) {
            store(out0 + i, end_sum(h0, l0, &e));
            store(out1 + i, end_sum(h1, l1, &e));
        } else {
            store_turned(out0, out1, end_sum(h0, l0, &e), end_sum(h1, l1, &e),
                         turn, i);
        }
    }
}

void cki_ifma_dot2(uint64_t *out0, uint64_t *out1, const uint64_t *const *x,
                   const cki_turn *turn, const uint8_t *const *y0,
                   const uint8_t *const *y1, int k, bool add_to, size_t n,
                   const cki_mod *m)
{
    if (n % LANES != 0) {
        cki_kernel_portable.dot2(out0, out1, x, turn, y0, y1, k, add_to, n, m);
        return;
    }
    VERIFY(k <= MAX_TERMS);
    if (turn == NULL)
        dot2_all(out0, out1, x, NULL, y0, y1, k, add_to, n, m);
    else
        dot2_all(out0, out1, x, turn, y0, y1, k, add_to, n, m);
}
