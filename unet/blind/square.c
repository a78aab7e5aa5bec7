/* square.c -- squares of shared numbers.
 *
 * x = c + s, so x^2 = c^2 + s^2 + 2 c s, and the product c s is all that needs
 * the other side.  The client's share c, modulo two primes t_0, t_1 of 40 bits,
 * is encrypted in slots: it is the values of a polynomial modulo t_j at the
 * roots of X^n + 1, so products of polynomials are products number by number.
 * The server multiplies with its own polynomial and adds F, uniform below
 * 2^160:
 *   t_j (noise) + c s + F.
 * F mod t_j is the server's share of -c s; F / t_j, uniform below 2^120, hides
 * what else depends on s, in units of t_j: the noise, sd 3.24 sqrt(n / 3) t_j
 * = 2^47.4, and the carry (c s) / t_j, since c and s are polynomials of numbers
 * below t_j: for coefficient k it is |2k + 2 - n| t_j / 4, 2^50 in the mean and
 * 2^51 at most, for n = 2^13.  So one coefficient tells apart with odds of
 * 2^(50.2 - 120), all 2^27.4 of an image of 64^3 whose 89 million activations
 * are squares with 2^-42.  All is below 2^161, q is nearly 2^168: exact.
 *
 * Then each side has its share of x^2 modulo P = t_0 t_1 > 2^79 and divides it
 * by 2^shift alone: wrong with odds x^2 / P, off by less than one else.
 * Shares are lifted from 2^128 to P alone, too: wrong with odds |x| / 2^128.
 *
 * Toy, t = 17, one number: x = 3 = 10 + (-7).  The server adds F = 40: the
 * client decrypts -70 + 40 = -30 = 4, its share of c s; the server's is -40
 * = 11; 4 + 11 = 15 = -70 mod 17.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "he.h"
#include "linear.h"
#include "nn.h"

enum { SQUARE_AHEAD = 8,        /* units that the client sends ahead         */
       SQUARE_MASK = 20,        /* bytes of F,                               */
       SQUARE_WORDS = 4 };      /* in words of BLIND_PLAIN_BITS              */

typedef struct square {
    blind_party *p;
    blind_ring *r;
    cki_stream s;
    int shift;
    uint64_t *slot;             /* shape (BLIND_PLAIN, n): shares of c s     */
    uint64_t *mine;             /* shape (BLIND_PLAIN, n): own share, slots  */
    uint64_t *m, *c, *work;     /* polynomials                               */
    uint64_t inv;               /* 1 / t_0 mod t_1                           */
    uint8_t *frame;
    size_t plain, poly, words, bytes;
} square;

static const cki_mod *square_mod(const square *q, int j)
{
    return &q->r->rns.mod[q->r->limbs + j];
}

/* Bytes of two polynomials, of F, and what is read behind it. */
static size_t square_frame(const square *q)
{
    return 2 * q->bytes + q->r->n * SQUARE_MASK + 8;
}

static void square_clear(square *q)
{
    cki_wipe(&q->s, sizeof q->s);
    blind_free(q->slot, q->plain);
    blind_free(q->mine, q->plain);
    blind_free(q->m, q->poly);
    blind_free(q->c, 2 * q->poly);
    blind_free(q->work, q->words);
    blind_free(q->frame, square_frame(q));
}

static ckks_status square_init(square *q, int shift, blind_party *p)
{
    blind_ring *r = &p->he->square;

    memset(q, 0, sizeof *q);
    q->p = p;
    q->r = r;
    q->shift = shift;
    q->plain = BLIND_PLAIN * r->n * sizeof(uint64_t);
    q->poly = (size_t)r->limbs * r->n * sizeof(uint64_t);
    q->words = blind_ring_work(r) * sizeof(uint64_t);
    q->bytes = blind_ring_packed(r, r->n);
    q->slot = blind_alloc(q->plain);
    q->mine = blind_alloc(q->plain);
    q->m = blind_alloc(q->poly);
    q->c = blind_alloc(2 * q->poly);
    q->work = blind_alloc(q->words);
    q->frame = blind_alloc(square_frame(q));
    q->inv = cki_inv(cki_reduce(square_mod(q, 0)->p, square_mod(q, 1)),
                     square_mod(q, 1));
    cki_rng_stream(&q->s, r->rns.kernel, p->rng);
    if (q->slot != NULL && q->mine != NULL && q->m != NULL && q->c != NULL
        && q->work != NULL && q->frame != NULL)
        return CKKS_OK;
    return nn_fail(CKKS_EMEM, "no memory for polynomials of squares");
}

/* ---- slots --------------------------------------------------------------- */

/* count shares as slots modulo each t_j; zeros behind them. */
static void square_slots(square *q, const blind_share *x, size_t count)
{
    for (int j = 0; j < BLIND_PLAIN; j++) {
        const cki_mod *t = square_mod(q, j);
        const uint64_t two128 = blind_two128(t);
        uint64_t *slot = q->mine + (size_t)j * q->r->n;

        for (size_t i = 0; i < count; i++)
            slot[i] = blind_share_mod(x[i], two128, t);
        memset(slot + count, 0, (q->r->n - count) * sizeof *slot);
    }
}

/* The polynomial whose slots modulo t_j are `mine`: coefficients in [0, t_j),
 * which lie below all primes, in every limb. */
static void square_encode(square *q, int j)
{
    const blind_ring *r = q->r;

    cki_ntt_inv(&r->rns, q->m, q->mine + (size_t)j * r->n, r->limbs + j);
    for (int l = 1; l < r->limbs; l++)
        memcpy(q->m + (size_t)l * r->n, q->m, r->n * sizeof *q->m);
}

/* x[i] = this side's share of x[i]^2 / 2^shift, from its shares of c s in
 * slot.  The server's is -floor((P - y) / 2^shift). */
static void square_finish(square *q, blind_share *x, size_t count)
{
    const cki_mod *t0 = square_mod(q, 0), *t1 = square_mod(q, 1);
    const cki_u128 all = (cki_u128)t0->p * t1->p;
    const size_t n = q->r->n;

    for (int j = 0; j < BLIND_PLAIN; j++) {
        uint64_t *mine = q->mine + (size_t)j * n;
        uint64_t *slot = q->slot + (size_t)j * n;
        const cki_kernel *k = q->r->rns.kernel;

        k->add(slot, slot, slot, n, square_mod(q, j));
        k->mul_add(slot, mine, mine, slot, n, square_mod(q, j));
    }
    for (size_t i = 0; i < count; i++) {
        const uint64_t y0 = q->slot[i];
        const uint64_t y1 = cki_mul(cki_sub(q->slot[n + i],
                                            cki_below(y0, t1->p), t1->p),
                                    q->inv, t1);
        const cki_u128 y = (cki_u128)t0->p * y1 + y0;

        x[i] = q->p->server ? 0 - ((all - y) >> q->shift) : y >> q->shift;
    }
}

/* ---- client -------------------------------------------------------------- */

static ckks_status square_send(square *q, const blind_share *x, size_t count)
{
    ckks_status s = CKKS_OK;

    square_slots(q, x, count);
    for (int j = 0; s == CKKS_OK && j < BLIND_PLAIN; j++) {
        square_encode(q, j);
        blind_ring_encrypt(q->c, q->m, square_mod(q, j)->p, q->r, &q->s,
                           q->work);
        blind_ring_pack(q->frame, q->c, q->r->n, q->r->n, q->r);
        s = blind_wire_send(q->p->wire, BLIND_UP, q->frame, q->bytes);
    }
    return s;
}

/* Slots of c_0 + c_1 s mod t_j, of frame. */
static ckks_status square_decrypt(square *q, int j)
{
    const blind_ring *r = q->r;
    uint64_t *c1 = q->c + q->poly / sizeof *q->c, *limb[BLIND_MOST_LIMBS];
    uint64_t *slot = q->slot + (size_t)j * r->n;
    const cki_conv *conv = r->rns.digit[r->limbs - 1];
    const int target = r->limbs + j;
    ckks_status s = blind_ring_unpack(q->c, q->frame, r->n, r->n, r);

    if (s == CKKS_OK)
        s = blind_ring_unpack(c1, q->frame + q->bytes, r->n, r->n, r);
    if (s != CKKS_OK)
        return s;
    for (int l = 0; l < r->limbs; l++) {
        const size_t at = (size_t)l * r->n;

        limb[l] = q->c + at;
        r->rns.kernel->mul_add(limb[l], c1 + at, r->secret + at, limb[l], r->n,
                               &r->rns.mod[l]);
        cki_ntt_inv_times(&r->rns, limb[l], limb[l], conv->inv[l], l);
    }
    r->rns.kernel->convert_begin(limb, q->work, conv, true, r->n);
    r->rns.kernel->convert_end(&slot, &target, 1,
                               (const uint64_t *const *)limb, q->work, conv,
                               false, r->n);
    cki_ntt_fwd(&r->rns, slot, target);
    return CKKS_OK;
}

static ckks_status square_receive(square *q, blind_share *x, size_t count)
{
    ckks_status s = CKKS_OK;

    for (int j = 0; s == CKKS_OK && j < BLIND_PLAIN; j++) {
        s = blind_wire_receive(q->p->wire, BLIND_DOWN, q->frame, 2 * q->bytes);
        if (s == CKKS_OK)
            s = square_decrypt(q, j);
    }
    if (s != CKKS_OK)
        return s;
    square_slots(q, x, count);
    square_finish(q, x, count);
    return CKKS_OK;
}

static ckks_status square_client(square *q, blind_share *x, size_t count)
{
    const size_t n = q->r->n, units = (count + n - 1) / n;
    ckks_status s = CKKS_OK;
    size_t sent = 0;

    for (size_t u = 0; s == CKKS_OK && u < units; u++) {
        for (; s == CKKS_OK && sent < units && sent < u + SQUARE_AHEAD; sent++)
            s = square_send(q, x + sent * n,
                            count - sent * n < n ? count - sent * n : n);
        if (s == CKKS_OK)
            s = square_receive(q, x + u * n,
                               count - u * n < n ? count - u * n : n);
    }
    return s;
}

/* ---- server -------------------------------------------------------------- */

/* n words of BLIND_PLAIN_BITS, lowest byte first; three bytes more are read.
 * cki_bits_unpack would ask whether all are below a modulus: of secrets nothing
 * is asked. */
static void square_words(uint64_t *out, const uint8_t *in, size_t n)
{
    enum { BYTES = BLIND_PLAIN_BITS / 8 };

    for (size_t i = 0; i < n; i++, in += BYTES)
        out[i] = cki_load64(in) & (((uint64_t)1 << BLIND_PLAIN_BITS) - 1);
}

/* F = f_0 + 2^40 f_1 + 2^80 f_2 + 2^120 f_3 of uniform words of 40 bits: modulo
 * each prime into work, coefficients; -F mod t_j, slots, into slot.  Words are
 * below the ciphertext primes, and below 2 t_j. */
static void square_mask(square *q, int j)
{
    const blind_ring *r = q->r;
    const size_t n = r->n;
    uint64_t *word = q->m, *slot = q->slot + (size_t)j * n;
    uint8_t *bytes = q->frame + 2 * q->bytes;

    cki_stream_read(&q->s, bytes, n * SQUARE_MASK);
    for (int k = SQUARE_WORDS - 1; k >= 0; k--) {
        const uint64_t base = (uint64_t)1 << BLIND_PLAIN_BITS;

        square_words(word, bytes + (size_t)k * n * SQUARE_MASK / SQUARE_WORDS,
                     n);
        for (int l = 0; l <= r->limbs; l++) {
            const cki_mod *m = l < r->limbs ? &r->rns.mod[l]
                               : square_mod(q, j);
            uint64_t *sum = l < r->limbs ? q->work + (size_t)l * n : slot;

            for (size_t i = 0; i < n && l == r->limbs; i++)
                word[i] = cki_below(word[i], m->p);
            if (k == SQUARE_WORDS - 1)
                memcpy(sum, word, n * sizeof *sum);
            else                        /* Horner                            */
                r->rns.kernel->scale_add(sum, sum, cki_reduce(base, m), word,
                                         n, m);
        }
    }
    for (size_t i = 0; i < n; i++)
        slot[i] = cki_neg(slot[i], square_mod(q, j)->p);
    cki_ntt_fwd(&r->rns, slot, r->limbs + j);
    cki_wipe(bytes, n * SQUARE_MASK);
}

/* The client's ciphertext times the own polynomial, refreshed and masked. */
static ckks_status square_multiply(square *q, int j)
{
    blind_ring *r = q->r;
    const cki_kernel *k = r->rns.kernel;
    uint64_t *c0 = q->c, *c1 = q->c + q->poly / sizeof *q->c;
    ckks_status s = blind_wire_receive(q->p->wire, BLIND_UP, q->frame,
                                       q->bytes);

    if (s == CKKS_OK)
        s = blind_ring_unpack(c0, q->frame, r->n, r->n, r);
    if (s != CKKS_OK)
        return s;
    blind_ring_public(c1, r);
    square_mask(q, j);
    square_encode(q, j);
    for (int l = 0; l < r->limbs; l++) {
        const size_t at = (size_t)l * r->n;
        const cki_mod *m = &r->rns.mod[l];

        cki_ntt_fwd(&r->rns, q->m + at, l);
        cki_ntt_fwd(&r->rns, q->work + at, l);
        k->mul_add(c0 + at, c0 + at, q->m + at, q->work + at, r->n, m);
        k->mul(c1 + at, c1 + at, q->m + at, r->n, m);
    }
    blind_ring_refresh(c0, c1, square_mod(q, j)->p, r, &q->s, q->work);
    blind_ring_pack(q->frame, c0, r->n, r->n, r);
    blind_ring_pack(q->frame + q->bytes, c1, r->n, r->n, r);
    return blind_wire_send(q->p->wire, BLIND_DOWN, q->frame, 2 * q->bytes);
}

static ckks_status square_server(square *q, blind_share *x, size_t count)
{
    const size_t n = q->r->n;
    ckks_status s = CKKS_OK;

    for (size_t at = 0; s == CKKS_OK && at < count; at += n) {
        const size_t part = count - at < n ? count - at : n;

        square_slots(q, x + at, part);
        for (int j = 0; s == CKKS_OK && j < BLIND_PLAIN; j++)
            s = square_multiply(q, j);
        if (s == CKKS_OK)
            square_finish(q, x + at, part);
    }
    return s;
}

/* ---- both ---------------------------------------------------------------- */

ckks_status blind_square(blind_share *x, size_t count, int shift,
                         blind_party *p)
{
    ckks_status s;
    square q;

    if (p->he->square.n == 0)
        return nn_fail(CKKS_EPARAM, "a square in a session without squares");
    s = square_init(&q, shift, p);
    if (s == CKKS_OK)
        s = p->server ? square_server(&q, x, count)
            : square_client(&q, x, count);
    square_clear(&q);
    return s;
}

blind_bytes blind_square_bytes(size_t count)
{
    enum { HEADER = 24 };
    const size_t n = (size_t)1 << BLIND_SQUARE_LOG_N;
    const size_t some = (count + n - 1) / n;
    const double units = (double)some * BLIND_PLAIN;
    const double poly = BLIND_SQUARE_LIMBS * (double)n * BLIND_SQUARE_BITS / 8;

    return (blind_bytes){ .up = units * (poly + HEADER),
                          .down = units * (2 * poly + HEADER),
                          .turns = (double)((some + SQUARE_AHEAD - 1)
                                            / SQUARE_AHEAD) };
}
