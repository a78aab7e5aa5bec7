/* ring.c -- rings, keys, encryption and re-randomisation. */
#include "ring.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "nn.h"

static const ckks_memory blind_memory;

void *blind_alloc(size_t size)
{
    return cki_alloc(&blind_memory, size);
}

void blind_free(void *p, size_t size)
{
    if (p == NULL)
        return;
    cki_wipe(p, size);
    cki_free(&blind_memory, p, size);
}

/* ---- rings --------------------------------------------------------------- */

static size_t ring_bytes(const blind_ring *r)
{
    return (size_t)r->limbs * r->n * sizeof(uint64_t);
}

static ckks_status ring_check(int log_n, int limbs, int bits)
{
    int limit = ckks_max_log_qp(log_n, 128);

    if (limbs * bits <= limit)
        return CKKS_OK;
    return nn_fail(CKKS_EPARAM, "%d primes of %d bits at n = 2^%d: log2 q is "
                   "%d, for 128 bits of security at most %d", limbs, bits,
                   log_n, limbs * bits, limit);
}

static ckks_status ring_primes(blind_ring *r, int plain_bits)
{
    const uint64_t step = 2 * (uint64_t)r->n;
    uint64_t used[BLIND_MOST_LIMBS + BLIND_PLAIN];
    const int all = r->limbs + r->rns.num_special;

    for (int i = 0; i < all; i++) {
        used[i] = cki_find_prime(i < r->limbs ? r->bits : plain_bits, step,
                                 used, (size_t)i);
        if (used[i] == 0)
            return nn_fail(CKKS_EPARAM, "no %d primes of %d bits are 1 mod "
                           "%zu", all, i < r->limbs ? r->bits : plain_bits,
                           (size_t)step);
        r->rns.mod[i] = cki_mod_make(used[i]);
    }
    return CKKS_OK;
}

ckks_status blind_ring_init(blind_ring *r, int log_n, int limbs, int bits,
                            int plain_bits)
{
    const char *kernel = getenv("CKKS_KERNEL");
    ckks_status s = ring_check(log_n, limbs, bits);

    memset(r, 0, sizeof *r);
    if (s != CKKS_OK)
        return s;
    r->limbs = limbs;
    r->bits = bits;
    r->n = (size_t)1 << log_n;
    r->packed = cki_bits_size(r->n, bits);
    r->rns.n = r->n;
    r->rns.log_n = log_n;
    r->rns.order = 2 * r->n;
    r->rns.num_primes = limbs;
    r->rns.num_special = plain_bits > 0 ? BLIND_PLAIN : 0;
    for (int i = 0; i < limbs; i++)
        r->rns.specials[i] = r->rns.num_special;
    s = ring_primes(r, plain_bits);
    if (s == CKKS_OK)
        s = cki_kernel_choose(&r->rns.kernel,
                              kernel != NULL && *kernel ? kernel : NULL, bits,
                              &blind_memory);
    if (s == CKKS_OK)
        s = cki_rns_init(&r->rns, &blind_memory, limbs);
    if (s != CKKS_OK)
        return nn_relay(s, NULL);
    r->key0 = blind_alloc(ring_bytes(r));
    r->key1 = blind_alloc(ring_bytes(r));
    if (r->key0 != NULL && r->key1 != NULL)
        return CKKS_OK;
    blind_ring_clear(r);
    return nn_fail(CKKS_EMEM, "no memory for keys");
}

void blind_ring_clear(blind_ring *r)
{
    if (r->n > 0) {
        blind_free(r->secret, ring_bytes(r));
        blind_free(r->key0, ring_bytes(r));
        blind_free(r->key1, ring_bytes(r));
        cki_rns_clear(&r->rns, &blind_memory);
    }
    cki_wipe(r, sizeof *r);
}

/* ---- packing ------------------------------------------------------------- */

size_t blind_ring_packed(const blind_ring *r, size_t count)
{
    return (size_t)r->limbs * cki_bits_size(count, r->bits);
}

void blind_ring_pack(uint8_t *out, const uint64_t *x, size_t count,
                     size_t stride, const blind_ring *r)
{
    const size_t bytes = cki_bits_size(count, r->bits);

    for (int i = 0; i < r->limbs; i++)
        cki_bits_pack(out + (size_t)i * bytes, x + (size_t)i * stride, count,
                      r->bits);
}

ckks_status blind_ring_unpack(uint64_t *x, const uint8_t *in, size_t count,
                              size_t stride, const blind_ring *r)
{
    const size_t bytes = cki_bits_size(count, r->bits);

    for (int i = 0; i < r->limbs; i++) {
        size_t good = cki_bits_unpack(x + (size_t)i * stride,
                                      in + (size_t)i * bytes, count, r->bits,
                                      r->rns.mod[i].p);

        if (good < count)
            return nn_fail(CKKS_EFORMAT, "word %zu of a polynomial is not "
                           "below its prime", good);
    }
    return CKKS_OK;
}

/* ---- drawing ------------------------------------------------------------- */

void blind_ring_public(uint64_t *a, blind_ring *r)
{
    cki_stream s;

    cki_stream_init(&s, r->rns.kernel, r->seed, sizeof r->seed, r->drawn++,
                    (uint64_t)r->rns.log_n);
    for (int i = 0; i < r->limbs; i++)
        cki_sample_uniform(a + (size_t)i * r->n, r->n, r->rns.mod[i].p, &s);
}

void blind_ring_noise(uint64_t *out, uint64_t t, const blind_ring *r,
                      cki_stream *s, int8_t *small)
{
    cki_sample_error(small, r->n, s);
    for (int i = 0; i < r->limbs; i++) {
        uint64_t *x = out + (size_t)i * r->n;

        cki_from_small(&r->rns, x, small, i);
        if (t != 1)
            r->rns.kernel->scale_add(x, x, t, NULL, r->n, &r->rns.mod[i]);
    }
    cki_wipe(small, r->n);
}

/* ---- keys ---------------------------------------------------------------- */

static ckks_status ring_secret(blind_ring *r, cki_stream *s, int8_t *small)
{
    r->secret = blind_alloc(ring_bytes(r));
    if (r->secret == NULL)
        return nn_fail(CKKS_EMEM, "no memory for a secret key");
    cki_sample_ternary(small, r->n, s);
    for (int i = 0; i < r->limbs; i++) {
        uint64_t *x = r->secret + (size_t)i * r->n;

        cki_from_small(&r->rns, x, small, i);
        cki_ntt_fwd(&r->rns, x, i);
    }
    cki_wipe(small, r->n);
    return CKKS_OK;
}

ckks_status blind_ring_keys(blind_ring *r, ckks_rng *rng)
{
    const size_t size = blind_ring_work(r) * sizeof(uint64_t);
    uint64_t *work = blind_alloc(size), *m = blind_alloc(ring_bytes(r));
    cki_stream s;
    ckks_status status = cki_rng_begin(rng, "blind");

    if (status != CKKS_OK)
        status = nn_relay(status, NULL);
    else if (work == NULL || m == NULL)
        status = nn_fail(CKKS_EMEM, "no memory for keys");
    if (status == CKKS_OK) {
        cki_rng_stream(&s, r->rns.kernel, rng);
        cki_stream_read(&s, r->seed, sizeof r->seed);
        cki_rng_stream(&s, r->rns.kernel, rng);
        status = ring_secret(r, &s, (int8_t *)(void *)work);
    }
    if (status == CKKS_OK) {
        memset(m, 0, ring_bytes(r));
        blind_ring_public(r->key1, r);
        r->drawn = 0;
        blind_ring_encrypt(r->key0, m, 1, r, &s, work);
    }
    cki_wipe(&s, sizeof s);
    blind_free(work, size);
    blind_free(m, ring_bytes(r));
    return status;
}

size_t blind_ring_key_bytes(const blind_ring *r)
{
    return sizeof r->seed + blind_ring_packed(r, r->n);
}

void blind_ring_key_save(uint8_t *out, const blind_ring *r)
{
    memcpy(out, r->seed, sizeof r->seed);
    blind_ring_pack(out + sizeof r->seed, r->key0, r->n, r->n, r);
}

ckks_status blind_ring_key_load(blind_ring *r, const uint8_t *in)
{
    memcpy(r->seed, in, sizeof r->seed);
    r->drawn = 0;
    blind_ring_public(r->key1, r);
    return blind_ring_unpack(r->key0, in + sizeof r->seed, r->n, r->n, r);
}

/* ---- encryption ---------------------------------------------------------- */

void blind_ring_encrypt(uint64_t *c0, uint64_t *m, uint64_t t, blind_ring *r,
                        cki_stream *s, uint64_t *work)
{
    const cki_kernel *k = r->rns.kernel;

    blind_ring_noise(work, t, r, s,
                     (int8_t *)(void *)(work + (size_t)r->limbs * r->n));
    for (int i = 0; i < r->limbs; i++) {
        const size_t at = (size_t)i * r->n;

        k->add(m + at, m + at, work + at, r->n, &r->rns.mod[i]);
        cki_ntt_fwd(&r->rns, m + at, i);
    }
    blind_ring_public(work, r);
    for (int i = 0; i < r->limbs; i++) {
        const size_t at = (size_t)i * r->n;

        k->mul(work + at, work + at, r->secret + at, r->n, &r->rns.mod[i]);
        k->sub(c0 + at, m + at, work + at, r->n, &r->rns.mod[i]);
    }
}

void blind_ring_refresh(uint64_t *c0, uint64_t *c1, uint64_t t,
                        const blind_ring *r, cki_stream *s, uint64_t *work)
{
    const cki_kernel *k = r->rns.kernel;
    int8_t *small = (int8_t *)(void *)(work + (size_t)r->limbs * r->n);

    blind_ring_noise(work, t, r, s, small);
    for (int i = 0; i < r->limbs; i++) {
        const size_t at = (size_t)i * r->n;

        cki_ntt_fwd(&r->rns, work + at, i);
        k->add(c1 + at, c1 + at, work + at, r->n, &r->rns.mod[i]);
    }
    cki_sample_ternary(small, r->n, s);
    for (int i = 0; i < r->limbs; i++) {
        const size_t at = (size_t)i * r->n;
        const cki_mod *m = &r->rns.mod[i];

        cki_from_small(&r->rns, work, small, i);
        if (t != 1)
            k->scale_add(work, work, t, NULL, r->n, m);
        cki_ntt_fwd(&r->rns, work, i);
        k->mul_add(c0 + at, work, r->key0 + at, c0 + at, r->n, m);
        k->mul_add(c1 + at, work, r->key1 + at, c1 + at, r->n, m);
    }
    cki_wipe(small, r->n);
}
