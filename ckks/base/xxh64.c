/* xxh64.c -- see xxh64.h. */
#include "base/xxh64.h"

#include <string.h>

#include "base/bytes.h"

static const uint64_t p1 = UINT64_C(0x9e3779b185ebca87);
static const uint64_t p2 = UINT64_C(0xc2b2ae3d27d4eb4f);
static const uint64_t p3 = UINT64_C(0x165667b19e3779f9);
static const uint64_t p4 = UINT64_C(0x85ebca77c2b2ae63);
static const uint64_t p5 = UINT64_C(0x27d4eb2f165667c5);

enum { STRIPE = 32 };

static inline uint64_t rotate(uint64_t x, int n)
{
    return x << n | x >> (64 - n);
}

static inline uint64_t lane(uint64_t sum, uint64_t x)
{
    return rotate(sum + x * p2, 31) * p1;
}

static void stripe(uint64_t sum[4], const uint8_t *in)
{
    for (int i = 0; i < 4; i++)
        sum[i] = lane(sum[i], cki_load64(in + 8 * i));
}

static uint64_t merge(const uint64_t sum[4])
{
    uint64_t h = rotate(sum[0], 1) + rotate(sum[1], 7) + rotate(sum[2], 12)
                 + rotate(sum[3], 18);

    for (int i = 0; i < 4; i++)
        h = (h ^ lane(0, sum[i])) * p1 + p4;
    return h;
}

/* The last size < 32 bytes, then every bit over all others. */
static uint64_t finish(uint64_t h, const uint8_t *in, size_t size)
{
    for (; size >= 8; in += 8, size -= 8)
        h = rotate(h ^ lane(0, cki_load64(in)), 27) * p1 + p4;
    for (; size >= 4; in += 4, size -= 4)
        h = rotate(h ^ cki_load32(in) * p1, 23) * p2 + p3;
    for (; size > 0; in++, size--)
        h = rotate(h ^ *in * p5, 11) * p1;
    h = (h ^ h >> 33) * p2;
    h = (h ^ h >> 29) * p3;
    return h ^ h >> 32;
}

void cki_xxh64_init(cki_xxh64 *x, uint64_t seed)
{
    *x = (cki_xxh64){ .sum = { seed + p1 + p2, seed + p2, seed, seed - p1 },
                      .seed = seed };
}

void cki_xxh64_update(cki_xxh64 *x, const uint8_t *in, size_t size)
{
    size_t held = (size_t)(x->size % STRIPE), more = STRIPE - held;

    if (size == 0)
        return;
    x->size += size;
    if (size < more) {
        memcpy(x->left + held, in, size);
        return;
    }
    if (held > 0) {
        memcpy(x->left + held, in, more);
        stripe(x->sum, x->left);
        in += more;
        size -= more;
    }
    for (; size >= STRIPE; in += STRIPE, size -= STRIPE)
        stripe(x->sum, in);
    memcpy(x->left, in, size);
}

uint64_t cki_xxh64_digest(const cki_xxh64 *x)
{
    uint64_t h = x->size < STRIPE ? x->seed + p5 : merge(x->sum);

    return finish(h + x->size, x->left, (size_t)(x->size % STRIPE));
}
