/* blind.c -- what two parties do with secrets (unet/blind), in place of
 * owner.c: AES, garbled circuits, activations, transfers.  Transfers and
 * frames are wrapped by the linker (ct.sh): transfers give secrets, frames are
 * public. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "blind/activation.h"
#include "blind/base.h"
#include "nn.h"
#include "owner.h"

enum { COUNT = 17, BLOCKS = 37, WINDOW = 2, CLASSES = 4, BITS = 8,
       ARENA = 1 << 22, TRANSFERS = 256, K = 2 };

static struct {
    const blind_aes *aes;
    blind_party party[2];               /* client, server                    */
    blind_block delta;
    blind_block in[2 * BLOCKS], out[2 * BLOCKS];
    blind_share x[COUNT * CLASSES], y[COUNT];
    uint8_t label[COUNT];
    uint8_t frame;                      /* what frames are filled with       */
} own;

static void secret(void *x, size_t size)
{
    secret_bytes(x, size);
}

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

ckks_status nn_relay(ckks_status s, const char *what)
{
    return nn_fail(s, what == NULL ? "" : what);
}

/* ---- the linker's wrappers ------------------------------------------- */

ckks_status __wrap_blind_receive(blind_block *t, const uint8_t *choice,
                                 size_t count, blind_receiver *r,
                                 blind_wire *w);
ckks_status __wrap_blind_receive(blind_block *t, const uint8_t *choice,
                                 size_t count, blind_receiver *r,
                                 blind_wire *w)
{
    (void)choice;
    (void)r;
    (void)w;
    measure_stop();
    secret(t, count * sizeof *t);
    measure_go();
    return CKKS_OK;
}

ckks_status __wrap_blind_send(blind_block *q, size_t count, blind_sender *s,
                              blind_wire *w);
ckks_status __wrap_blind_send(blind_block *q, size_t count, blind_sender *s,
                              blind_wire *w)
{
    (void)s;
    (void)w;
    measure_stop();
    secret(q, count * sizeof *q);
    measure_go();
    return CKKS_OK;
}

blind_block __wrap_blind_sender_delta(const blind_sender *s);
blind_block __wrap_blind_sender_delta(const blind_sender *s)
{
    (void)s;
    return own.delta;
}

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

ckks_status __wrap_ckks_rng_bytes(uint8_t *out, size_t size, ckks_rng *rng);
ckks_status __wrap_ckks_rng_bytes(uint8_t *out, size_t size, ckks_rng *rng)
{
    (void)rng;
    measure_stop();
    memset(out, 0, size);
    secret_bytes(out, size);
    measure_go();
    return CKKS_OK;
}

/* Memory that every run takes anew from the same place. */
static struct {
    _Alignas(64) uint8_t base[ARENA];
    size_t used;
} arena;

void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    uint8_t *p = arena.base + arena.used;

    (void)alignment;
    arena.used += (size + 63) / 64 * 64;
    if (arena.used > ARENA)
        exit(2);
    return p;
}

void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return __wrap_aligned_alloc(64, size);
}

void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
    return memset(__wrap_malloc(n * size), 0, n * size);
}

void __wrap_free(void *p);
void __wrap_free(void *p)
{
    (void)p;
}

/* Public bytes; colours are 0 (of four classes any is a label), elements of
 * the group 4. */
ckks_status __wrap_blind_wire_receive(blind_wire *w, blind_frame type,
                                      void *data, size_t size);
ckks_status __wrap_blind_wire_receive(blind_wire *w, blind_frame type,
                                      void *data, size_t size)
{
    (void)w;
    memset(data, type == BLIND_OUTPUT || type == BLIND_BASE ? 0 : own.frame++,
           size);
    for (size_t i = 0; type == BLIND_BASE && i < size; i += BLIND_ELEMENT)
        ((uint8_t *)data)[i] = 4;
    return CKKS_OK;
}

/* ---- phases ----------------------------------------------------------- */

static void kernel_phases(const blind_aes *a)
{
    blind_block key = { { 1, 2 } };
    const blind_block start = { { 3, 4 } };

    secret(own.in, sizeof own.in);
    secret(&key, sizeof key);
    phase_begin("hash");
    a->hash(own.out, own.in, start, 5, BLOCKS, 1);
    a->hash(own.out, own.in, start, 6, BLOCKS, 2);
    phase_end();
    phase_begin("stream");
    a->stream(own.out, key, 7, BLOCKS);
    phase_end();
}

static void activation_phases(int server)
{
    static const char *const name[2][5] = {
        { "relu, client", "largest, client", "labels, client",
          "labels of one class, client", "out of range, client" },
        { "relu, server", "largest, server", "labels, server",
          "labels of one class, server", "out of range, server" }
    };
    blind_party *p = &own.party[server];
    uint8_t *label = server ? NULL : own.label;
    bool over;

    secret(own.x, sizeof own.x);
    phase_begin(name[server][0]);
    must(blind_relu(own.x, COUNT, BITS, p));
    phase_end();
    phase_begin(name[server][1]);
    must(blind_max(own.y, own.x, COUNT, WINDOW, BITS, p));
    phase_end();
    phase_begin(name[server][2]);
    must(blind_labels(label, own.x, COUNT, CLASSES, BITS, p));
    phase_end();
    phase_begin(name[server][3]);
    must(blind_labels(label, own.x, COUNT, 1, BITS, p));
    phase_end();
    phase_begin(name[server][4]);
    must(blind_overflowed(server ? NULL : &over, p));
    phase_end();
}

ckks_status __real_blind_receive(blind_block *t, const uint8_t *choice,
                                 size_t count, blind_receiver *r,
                                 blind_wire *w);
ckks_status __real_blind_send(blind_block *q, size_t count, blind_sender *s,
                              blind_wire *w);

/* Both sides of an extension, by secret keys; the sender's delta is one, too. */
static void transfer_phases(void)
{
    static blind_block key[BLIND_BASE_COUNT], t[TRANSFERS];
    static blind_pair pair[BLIND_BASE_COUNT];
    static blind_block sums[BLIND_BASE_COUNT * 2];
    static uint8_t choice[TRANSFERS / 8];
    blind_receiver *r = NULL;
    blind_sender *s = NULL;

    if (blind_transfer_sums(K) > sizeof sums / sizeof *sums)
        exit(2);
    secret(pair, sizeof pair);
    secret(key, sizeof key);
    secret(choice, sizeof choice);
    phase_begin("transfers, receiver");
    must(blind_receiver_make(&r, sums, pair, K, own.aes));
    must(__real_blind_receive(t, choice, TRANSFERS, r, NULL));
    blind_receiver_close(&r);
    phase_end();
    phase_begin("transfers, sender");
    must(blind_sender_make(&s, key, sums, own.delta, K, own.aes));
    must(__real_blind_send(t, TRANSFERS, s, NULL));
    blind_sender_close(&s);
    phase_end();
}

static void base_phases(void)
{
    static const uint8_t session[BLIND_SESSION] = { 1 };
    static blind_pair pair[BLIND_BASE_COUNT];
    static blind_block got[BLIND_BASE_COUNT];
    blind_block choice = { { 0, 0 } };

    secret(&choice, sizeof choice);
    phase_begin("base transfers");
    must(blind_base(pair, got, choice, session, true, NULL, NULL));
    phase_end();
}

void owner_run_kernel(bool narrow)
{
    (void)narrow;
    own.frame = 0;
    secret(&own.delta, sizeof own.delta);
    own.delta.w[0] |= 1;
    kernel_phases(own.aes);
}

void owner_run(bool both)
{
    arena.used = 0;
    transfer_phases();
    if (both)
        base_phases();
    for (int server = 0; server < 2; server++) {
        own.party[server] = (blind_party){ .server = server == 1,
                                           .aes = own.aes, .tweak = 9,
                                           .start = { { 3, 4 } },
                                           .label_key = { { 5, 6 } } };
        must(blind_overflow_open(&own.party[server]));
        activation_phases(server);
    }
}

void owner_run_allowed(void)
{
}

void owner_init(const char *kernel, bool real, int log_n, const ckks_memory *m)
{
    (void)real;
    (void)log_n;
    (void)m;
    must(blind_aes_choose(&own.aes, kernel));
}
