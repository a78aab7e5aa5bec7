/* rng.c -- entropy, streams of random bytes, samplers.
 *
 * Read first: docs/conventions.md, "Randomness"; docs/05-encryption.md.
 *
 * A generator is a key and a counter; its k-th stream is BLAKE2Xb under that
 * key of the message (k, 0).  Streams of one key with different messages are
 * independent, so each polynomial takes one of its own and what is drawn does
 * not depend on the order of work within it.
 */
#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE         /* getrandom, getentropy                     */
#endif

#include "scheme/rng.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#if defined(__linux__)
#include <sys/random.h>
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__OpenBSD__) \
    || defined(__EMSCRIPTEN__) || defined(__wasi__)
#define CKI_GETENTROPY
#include <unistd.h>
#if defined(__APPLE__)
#include <sys/random.h>
#endif
#endif

#include "base/blake2.h"
#include "base/bytes.h"

/* A build for a machine that is not known below names, in CKKS_ENTROPY, a
 * function of the program's own: it fills out with size bytes that nobody can
 * know or guess, and returns 0, else the number of an error. */
#if defined(CKKS_ENTROPY)
int CKKS_ENTROPY(uint8_t *out, size_t size);
#endif

/* ---- the operating system: the one place that knows it ------------------ */

/* Fills out (size at most 256) with fresh entropy; errno of the failure, 0 if
 * none.  Blocks until the system's own generator is ready. */
static int entropy_read(uint8_t *out, size_t size)
{
#if defined(CKKS_ENTROPY)
    return CKKS_ENTROPY(out, size);
#elif defined(__linux__)
    while (size > 0) {
        ssize_t got = getrandom(out, size, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || (size_t)got > size)
            return got < 0 ? errno : EIO;
        out += got;
        size -= (size_t)got;
    }
    return 0;
#elif defined(CKI_GETENTROPY)
    return getentropy(out, size) == 0 ? 0 : errno;
#elif defined(__unix__) || defined(__HAIKU__)
    FILE *f = fopen("/dev/urandom", "rb");
    size_t got;

    if (f == NULL)
        return errno != 0 ? errno : EIO;
    setvbuf(f, NULL, _IONBF, 0);
    got = fread(out, 1, size, f);
    fclose(f);
    return got == size ? 0 : EIO;
#else                           /* better none than what can be guessed      */
    (void)out;
    (void)size;
    return ENOSYS;
#endif
}

/* ---- generators --------------------------------------------------------- */

/* Values of ckks_rng.ready.  Layout of ckks_rng.key: bytes 0..31 the key of
 * the streams, the rest 0. */
enum { RNG_SEEDED = 1, RNG_SYSTEM = 2 };

ckks_status ckks_rng_init(ckks_rng *out, const uint8_t *seed)
{
    ckks_rng r = { .ready = seed != NULL ? RNG_SEEDED : RNG_SYSTEM };

    if (out == NULL)
        return cki_fail(CKKS_EARG, "ckks_rng_init: out is NULL");
    if (seed != NULL) {
        memcpy(r.key, seed, CKKS_SEED_BYTES);
    } else {
        int e = entropy_read(r.key, CKKS_SEED_BYTES);

        if (e != 0) {
            cki_wipe(&r, sizeof r);
            return cki_fail(CKKS_ERNG, "ckks_rng_init: the operating system "
                            "gave no %d bytes of entropy: error %d (%s)",
                            CKKS_SEED_BYTES, e, strerror(e));
        }
    }
    *out = r;
    cki_wipe(&r, sizeof r);
    return CKKS_OK;
}

void ckks_rng_clear(ckks_rng *rng)
{
    if (rng != NULL)
        cki_wipe(rng, sizeof *rng);
}

/* Whatever holds a second copy of a generator would draw the same again: a
 * fork, a struct that was assigned or put back, the memory of a machine that is
 * started twice.  None of them can be told from the original by looking at it,
 * so every call begins with fresh bytes: the key becomes
 * BLAKE2b(old key; counter, 32 bytes of the system), which two holders share
 * only if the system gives both the same.  A seeded generator repeats by
 * design. */
ckks_status cki_check_rng(const ckks_rng *rng, const char *name)
{
    if (rng == NULL)
        return cki_fail(CKKS_EARG, "%s: null pointer", name);
    if (!rng->ready)
        return cki_fail(CKKS_ERNG, "%s: a generator that was never "
                        "initialised", name);
    return CKKS_OK;
}

ckks_status cki_rng_begin(ckks_rng *rng, const char *name)
{
    uint8_t m[8 + CKKS_SEED_BYTES];
    int e;

    if (rng->ready != RNG_SYSTEM)
        return CKKS_OK;
    e = entropy_read(m + 8, CKKS_SEED_BYTES);
    if (e != 0) {
        cki_wipe(m, sizeof m);
        return cki_fail(CKKS_ERNG, "%s: the operating system gave no %d bytes "
                        "of entropy: error %d (%s)", name, CKKS_SEED_BYTES, e,
                        strerror(e));
    }
    cki_store64(m, rng->counter);
    ckks_blake2b(rng->key, CKKS_SEED_BYTES, m, sizeof m, rng->key,
                 CKKS_SEED_BYTES);
    cki_wipe(m, sizeof m);
    return CKKS_OK;
}

void cki_rng_stream(cki_stream *s, const cki_kernel *k, ckks_rng *rng)
{
    VERIFY(rng->ready != 0);
    cki_stream_init(s, k, rng->key, CKKS_SEED_BYTES, rng->counter, 0);
    rng->counter++;
}

ckks_status ckks_rng_bytes(uint8_t *out, size_t size, ckks_rng *rng)
{
    cki_stream s;
    ckks_status status;

    if (rng == NULL || (out == NULL && size > 0))
        return cki_fail(CKKS_EARG, "ckks_rng_bytes: null pointer");
    if (!rng->ready)
        return cki_fail(CKKS_ERNG, "ckks_rng_bytes: the generator was never "
                        "made: ckks_rng_init");
    status = cki_rng_begin(rng, "ckks_rng_bytes");
    if (status != CKKS_OK)
        return status;
    cki_rng_stream(&s, &cki_kernel_portable, rng);
    cki_stream_read(&s, out, size);
    cki_wipe(&s, sizeof s);
    return CKKS_OK;
}

/* ---- streams ------------------------------------------------------------ */

void cki_stream_init(cki_stream *s, const cki_kernel *k, const uint8_t *key,
                     size_t key_size, uint64_t a, uint64_t b)
{
    const cki_blake2b_param p = {
        .out_size = CKI_BLAKE2_OUT, .key_size = (uint8_t)key_size,
        .fanout = 1, .depth = 1, .xof_size = UINT32_MAX
    };
    cki_blake2b h;
    uint8_t m[16];

    VERIFY(key_size <= 64);
    cki_store64(m, a);
    cki_store64(m + 8, b);
    cki_blake2b_init(&h, &p, key);
    cki_blake2b_update(&h, m, sizeof m);
    cki_blake2b_final(s->root, sizeof s->root, &h);
    s->kernel = k;
    s->next = 0;
    s->used = sizeof s->block;
}

/* Blocks are made CKI_EXPAND at a time, as many as a kernel makes side by side
 * with no loss; whole groups go straight to the output.  A stream ends after
 * 2^32 blocks (256 GB); no polynomial comes near. */
void cki_stream_read(cki_stream *s, uint8_t *out, size_t size)
{
    while (size > 0) {
        size_t left = sizeof s->block - s->used;
        size_t groups = size / sizeof s->block, take;

        if (left == 0 && groups > 0) {
            s->kernel->expand(out, s->root, s->next, groups * CKI_EXPAND);
            s->next += (uint32_t)(groups * CKI_EXPAND);
            take = groups * sizeof s->block;
        } else if (left == 0) {
            s->kernel->expand(s->block, s->root, s->next, CKI_EXPAND);
            s->next += CKI_EXPAND;
            s->used = 0;
            continue;
        } else {
            take = size < left ? size : left;
            memcpy(out, s->block + s->used, take);
            s->used += (unsigned)take;
        }
        out += take;
        size -= take;
    }
}

/* ---- samplers ----------------------------------------------------------- *
 * Each reads its stream in pieces, but never more draws at once than values
 * are still wanted: so a stream stands, afterwards, exactly behind the last
 * draw used, as if draws had been read one by one.
 */

/* Per piece: a whole number of the stream's groups for uniform and error, so
 * that they are made where they are read, not copied from the stream. */
enum { DRAWS = 1024 };

static inline size_t draws_now(size_t wanted)
{
    return wanted < DRAWS ? wanted : DRAWS;
}

/* A draw is kept with probability p / 2^bits > 1/2. */
void cki_sample_uniform(uint64_t *out, size_t n, uint64_t p, cki_stream *s)
{
    uint8_t buf[8 * DRAWS];
    uint64_t mask = p - 1;
    size_t k = 0;

    for (int sh = 1; sh < 64; sh *= 2)
        mask |= mask >> sh;
    while (k < n) {
        size_t d = draws_now(n - k);

        cki_stream_read(s, buf, 8 * d);
        k += s->kernel->sift(out + k, buf, d, mask, p);
    }
}

/* b / 3 for a byte: 171 b / 2^9, exact for b < 512.  Which draws are thrown
 * away (the byte 255) may show in the time; it says nothing about the rest. */
void cki_sample_ternary(int8_t *out, size_t n, cki_stream *s)
{
    uint8_t buf[DRAWS];
    size_t k = 0;

    while (k < n) {
        size_t d = draws_now(n - k);

        cki_stream_read(s, buf, d);
        for (size_t i = 0; i < d; i++) {
            int b = buf[i];

            out[k] = (int8_t)(b - 3 * (171 * b >> 9) - 1);
            k += b != 255;
        }
    }
    cki_wipe(buf, sizeof buf);
}

/* The ones of bits 0..20 minus those of bits 21..41.  Both fields are put
 * into one word, 32 bits apart, and counted side by side by halving; no
 * instruction or table whose time could depend on the word. */
static inline int8_t binomial_42(uint64_t x)
{
    const uint64_t field = (UINT64_C(1) << 21) - 1;
    uint64_t y = (x & field) | (x >> 21 & field) << 32;

    y -= y >> 1 & UINT64_C(0x5555555555555555);             /* fields of 2   */
    y = (y & UINT64_C(0x3333333333333333))
        + (y >> 2 & UINT64_C(0x3333333333333333));          /* of 4          */
    y = (y + (y >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);      /* of 8          */
    y += y >> 8;
    y += y >> 16;                       /* bytes 0 and 4 hold the counts     */
    return (int8_t)((int)(y & 31) - (int)(y >> 32 & 31));   /* each <= 21    */
}

void cki_sample_error(int8_t *out, size_t n, cki_stream *s)
{
    uint8_t buf[6 * DRAWS];

    for (size_t k = 0; k < n;) {
        size_t d = draws_now(n - k);

        cki_stream_read(s, buf, 6 * d);
        for (size_t i = 0; i < d; i++) {
            const uint8_t *b = buf + 6 * i;

            out[k + i] = binomial_42((uint64_t)cki_load32(b)
                                     | (uint64_t)b[4] << 32
                                     | (uint64_t)b[5] << 40);
        }
        k += d;
    }
    cki_wipe(buf, sizeof buf);
}
