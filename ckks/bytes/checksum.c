/* checksum.c -- see checksum.h.  The library xxHash makes it; xxh64.h does in a
 * MINIMAL build and in WebAssembly, which have no foreign library. */
#include "bytes/checksum.h"

#include <string.h>

#if defined(CKKS_MINIMAL) || defined(__wasm__)
#include "base/xxh64.h"

typedef cki_xxh64 checksum_state;

static void checksum_reset(checksum_state *x)
{
    cki_xxh64_init(x, 0);
}

static void checksum_add(checksum_state *x, const uint8_t *in, size_t size)
{
    cki_xxh64_update(x, in, size);
}

static uint64_t checksum_of(const checksum_state *x)
{
    return cki_xxh64_digest(x);
}
#else
#define XXH_INLINE_ALL
#include <xxhash.h>

typedef XXH64_state_t checksum_state;

static void checksum_reset(checksum_state *x)
{
    (void)XXH64_reset(x, 0);
}

static void checksum_add(checksum_state *x, const uint8_t *in, size_t size)
{
    (void)XXH64_update(x, in, size);
}

static uint64_t checksum_of(const checksum_state *x)
{
    return XXH64_digest(x);
}
#endif

/* The type of the header is ours: what it holds is copied, not looked at. */
_Static_assert(sizeof(checksum_state) <= sizeof(cki_checksum), "room for it");

void cki_checksum_init(cki_checksum *c)
{
    checksum_state x;

    checksum_reset(&x);
    memcpy(c->state, &x, sizeof x);
}

void cki_checksum_update(cki_checksum *c, const uint8_t *in, size_t size)
{
    checksum_state x;

    memcpy(&x, c->state, sizeof x);
    checksum_add(&x, in, size);
    memcpy(c->state, &x, sizeof x);
}

uint64_t cki_checksum_digest(const cki_checksum *c)
{
    checksum_state x;

    memcpy(&x, c->state, sizeof x);
    return checksum_of(&x);
}
