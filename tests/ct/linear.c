/* linear.c -- convolutions and squares of two parties (unet/blind), in place of
 * owner.c: keys, encryption of shares, decryption, lifting at the client; sums,
 * masks, refreshed ciphertexts at the server, whose weights are secret, too.
 * Samplers and frames are wrapped by the linker (ct.sh): what is drawn is
 * secret but for seeds and what comes of them, frames are public. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "blind/he.h"
#include "blind/linear.h"
#include "nn.h"
#include "owner.h"

enum { SIDE = 48, CHANNELS = 2, PIXELS = SIDE * SIDE * CHANNELS,
       WEIGHTS = 9 * CHANNELS * CHANNELS, SQUARES = 40, ARENA = 1 << 26 };

static struct {
    blind_he he, wide;                  /* wide: three primes; no squares    */
    ckks_rng rng;
    const cki_stream *open;             /* the stream of a public seed       */
    int bits;                           /* of words in frames                */
    uint64_t word;                      /* what they are filled with         */
    blind_share x[PIXELS], y[4 * PIXELS];
    int32_t weight[WEIGHTS];
    int64_t bias[CHANNELS], map[4 * PIXELS];
    int8_t small[4 * PIXELS];
    uint64_t words[1 << 16];
    uint8_t key[1 << 18];
} own;

static void must(ckks_status s)
{
    published(&s, sizeof s);
    if (s != CKKS_OK)
        exit(2);
}

/* Without libnn: a failure ends the program. */
ckks_status nn_fail(ckks_status s, const char *format, ...)
{
    printf("FAIL %d: %s\n", (int)s, format);
    exit(2);
}

ckks_status nn_relay(ckks_status s, const char *where)
{
    return nn_fail(s, where == NULL ? ckks_last_error() : where);
}

/* ---- the linker's wrappers: samplers --------------------------------- */

void __real_cki_sample_ternary(int8_t *out, size_t n, cki_stream *s);
void __wrap_cki_sample_ternary(int8_t *out, size_t n, cki_stream *s);
void __wrap_cki_sample_ternary(int8_t *out, size_t n, cki_stream *s)
{
    measure_stop();                     /* rejection: owner.c                */
    __real_cki_sample_ternary(out, n, s);
    secret_small(out, n, 1);
    measure_go();
}

void __real_cki_sample_error(int8_t *out, size_t n, cki_stream *s);
void __wrap_cki_sample_error(int8_t *out, size_t n, cki_stream *s);
void __wrap_cki_sample_error(int8_t *out, size_t n, cki_stream *s)
{
    measure_stop();                     /* owner.c                           */
    __real_cki_sample_error(out, n, s);
    secret_small(out, n, 21);
    measure_go();
}

/* Streams that a call names by their key are of public seeds. */
void __real_cki_stream_init(cki_stream *s, const cki_kernel *k,
                            const uint8_t *key, size_t size, uint64_t a,
                            uint64_t b);
void __wrap_cki_stream_init(cki_stream *s, const cki_kernel *k,
                            const uint8_t *key, size_t size, uint64_t a,
                            uint64_t b);
void __wrap_cki_stream_init(cki_stream *s, const cki_kernel *k,
                            const uint8_t *key, size_t size, uint64_t a,
                            uint64_t b)
{
    measure_stop();
    __real_cki_stream_init(s, k, key, size, a, b);
    own.open = s;
    measure_go();
}

void __real_cki_rng_stream(cki_stream *s, const cki_kernel *k, ckks_rng *rng);
void __wrap_cki_rng_stream(cki_stream *s, const cki_kernel *k, ckks_rng *rng);
void __wrap_cki_rng_stream(cki_stream *s, const cki_kernel *k, ckks_rng *rng)
{
    measure_stop();                     /* owner.c                           */
    __real_cki_rng_stream(s, k, rng);
    own.open = s == own.open ? NULL : own.open;
    measure_go();
}

/* Masks, by rejection, else public. */
void __real_cki_sample_uniform(uint64_t *out, size_t n, uint64_t p,
                               cki_stream *s);
void __wrap_cki_sample_uniform(uint64_t *out, size_t n, uint64_t p,
                               cki_stream *s);
void __wrap_cki_sample_uniform(uint64_t *out, size_t n, uint64_t p,
                               cki_stream *s)
{
    measure_stop();
    __real_cki_sample_uniform(out, n, p, s);
    if (s != own.open)
        secret_words(out, n, p);
    measure_go();
}

/* Masks of squares, else seeds, which are public. */
void __real_cki_stream_read(cki_stream *s, uint8_t *out, size_t size);
void __wrap_cki_stream_read(cki_stream *s, uint8_t *out, size_t size);
void __wrap_cki_stream_read(cki_stream *s, uint8_t *out, size_t size)
{
    measure_stop();
    __real_cki_stream_read(s, out, size);
    if (size != sizeof own.he.conv.seed)
        secret_bytes(out, size);
    measure_go();
}

/* Without the check of known answers: see owner.c. */
ckks_status __wrap_cki_kernel_choose(const cki_kernel **out, const char *name,
                                     int max_bits, const ckks_memory *m);
ckks_status __wrap_cki_kernel_choose(const cki_kernel **out, const char *name,
                                     int max_bits, const ckks_memory *m)
{
    (void)max_bits;
    (void)m;
    for (const cki_kernel *const *k = cki_kernels; *k != NULL; k++)
        if (strcmp((*k)->name, name) == 0 && (*k)->usable()) {
            *out = *k;
            return CKKS_OK;
        }
    return CKKS_EPARAM;
}

/* ---- the linker's wrappers: frames and memory ------------------------ */

ckks_status __wrap_blind_wire_send(blind_wire *w, blind_frame type,
                                   const void *data, size_t size);
ckks_status __wrap_blind_wire_send(blind_wire *w, blind_frame type,
                                   const void *data, size_t size)
{
    (void)w;
    (void)type;
    published((void *)(uintptr_t)data, size);
    return CKKS_OK;
}

/* Words below 2^(bits - 1), which are below every prime. */
ckks_status __wrap_blind_wire_receive(blind_wire *w, blind_frame type,
                                      void *data, size_t size);
ckks_status __wrap_blind_wire_receive(blind_wire *w, blind_frame type,
                                      void *data, size_t size)
{
    const size_t count = size * 8 / (size_t)own.bits;

    (void)w;
    (void)type;
    measure_stop();
    if (count > sizeof own.words / sizeof *own.words)
        exit(2);
    memset(data, 0, size);
    for (size_t i = 0; i < count; i++) {
        own.word = own.word * 6364136223846793005u + 1442695040888963407u;
        own.words[i] = own.word >> (65 - own.bits);
    }
    cki_bits_pack(data, own.words, count, own.bits);
    measure_go();
    return CKKS_OK;
}

ckks_status __wrap_blind_wire_breathe(blind_wire *w);
ckks_status __wrap_blind_wire_breathe(blind_wire *w)
{
    (void)w;
    return CKKS_OK;
}

/* Memory that every run takes anew from the same place. */
static struct {
    _Alignas(64) uint8_t base[ARENA];
    size_t used, begin;                 /* begin: behind the rings           */
} arena;

void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    uint8_t *p = arena.base + arena.used;

    (void)alignment;
    if (size > ARENA - arena.used - 64)
        exit(2);
    arena.used += (size + 63) / 64 * 64;
    return p;
}

void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return __wrap_aligned_alloc(64, size);
}

void __wrap_free(void *p);
void __wrap_free(void *p)
{
    (void)p;
}

/* ---- phases ----------------------------------------------------------- */

/* Weights, biases and maps are such numbers, scaled. */
static void fresh_small(void)
{
    published(own.small, sizeof own.small);
    for (size_t i = 0; i < sizeof own.small; i++)
        own.small[i] = (int8_t)((int)(i * 37 % 255) - 127);
    secret_small(own.small, sizeof own.small, 127);
}

static void fresh_shares(void)
{
    secret_bytes((uint8_t *)own.x, sizeof own.x);
    fresh_small();
    for (int i = 0; i < WEIGHTS; i++)
        own.weight[i] = own.small[i] * 16;
    for (int i = 0; i < CHANNELS; i++)
        own.bias[i] = own.small[WEIGHTS + i] * 1000;
    for (size_t i = 0; i < sizeof own.small; i++)
        own.map[i] = own.small[i] * 1000;
}

/* Keys are made in phase "keys"; what the server has of them is public. */
static void keys(blind_ring *r, int bits)
{
    if (blind_ring_key_bytes(r) > sizeof own.key)
        exit(2);
    own.bits = bits;
    phase_begin("keys");
    must(blind_ring_keys(r, &own.rng));
    blind_ring_key_save(own.key, r);
    phase_end();
    published(own.key, blind_ring_key_bytes(r));
    must(blind_ring_key_load(r, own.key));
}

/* Both sides of a convolution; each takes memory from the same place. */
static void convolution(const char *client, const char *server, blind_he *he,
                        const blind_conv *c, bool map)
{
    const size_t used = arena.used;

    own.bits = BLIND_CONV_BITS;
    for (int side = 0; side < 2; side++) {
        blind_party p = { .server = side == 1, .he = he, .rng = &own.rng };

        fresh_shares();
        phase_begin(side == 0 ? client : server);
        must(blind_convolve(own.y, own.x, c, side ? own.weight : NULL,
                            side ? own.bias : NULL,
                            side && map ? own.map : NULL, &p));
        phase_end();
        arena.used = used;
    }
}

static void squares(void)
{
    static const char *const name[2] = { "squares, client",
                                         "squares, server" };
    const size_t used = arena.used;

    own.bits = BLIND_SQUARE_BITS;
    for (int side = 0; side < 2; side++) {
        blind_party p = { .server = side == 1, .he = &own.he,
                          .rng = &own.rng };

        fresh_shares();
        phase_begin(name[side]);
        must(blind_square(own.x, SQUARES, 12, &p));
        phase_end();
        phase_begin("shares divided");
        blind_truncate(own.x, SQUARES, 7, p.server);
        phase_end();
        arena.used = used;
    }
}

/* A map of side x side: taps 3 x 3, or transposed. */
static blind_conv shape(int side, int bits, bool transposed)
{
    const int out = transposed ? 2 * side : side, taps = transposed ? 2 : 3;

    return (blind_conv){ .transposed = transposed, .dims = 2, .in = CHANNELS,
                         .out = CHANNELS, .size = { 1, side, side },
                         .out_size = { 1, out, out },
                         .kernel = { 1, taps, taps },
                         .before = { 0, !transposed, !transposed },
                         .stride = transposed ? 2 : 1, .shift = 11,
                         .bits = bits, .log_sum = 30 };
}

static void begin(void)
{
    static const uint8_t seed[CKKS_SEED_BYTES] = { 7 };

    arena.used = arena.begin;
    own.word = 1;
    own.open = NULL;
    must(ckks_rng_init(&own.rng, seed));
}

/* Weights in many pieces: an ordinary transform. */
void owner_run_kernel(bool narrow)
{
    const blind_conv small = shape(8, 8, false);

    (void)narrow;
    begin();
    keys(&own.he.conv, BLIND_CONV_BITS);
    convolution("a small map, client", "a small map, server", &own.he, &small,
                true);
}

void owner_run(bool both)
{
    const blind_conv large = shape(40, 8, false);
    const blind_conv points = shape(SIDE, 8, true);
    const blind_conv wide = shape(8, 24, false);

    (void)both;
    begin();
    keys(&own.he.conv, BLIND_CONV_BITS);
    convolution("a large map, client", "a large map, server", &own.he, &large,
                false);
    convolution("numbers alone, client", "numbers alone, server", &own.he,
                &points, false);
    keys(&own.wide.conv, BLIND_CONV_BITS);
    convolution("three primes, client", "three primes, server", &own.wide,
                &wide, false);
    keys(&own.he.square, BLIND_SQUARE_BITS);
    squares();
}

void owner_run_allowed(void)
{
}

void owner_init(const char *kernel, bool real, int log_n, const ckks_memory *m)
{
    (void)real;
    (void)log_n;
    (void)m;
    if (setenv("CKKS_KERNEL", kernel, 1) != 0)
        exit(2);
    must(blind_ring_init(&own.he.conv, blind_conv_log_n(8),
                         blind_conv_limbs(8), BLIND_CONV_BITS, 0));
    must(blind_ring_init(&own.wide.conv, blind_conv_log_n(24),
                         blind_conv_limbs(24), BLIND_CONV_BITS, 0));
    must(blind_ring_init(&own.he.square, BLIND_SQUARE_LOG_N,
                         BLIND_SQUARE_LIMBS, BLIND_SQUARE_BITS,
                         BLIND_PLAIN_BITS));
    arena.begin = arena.used;
}
