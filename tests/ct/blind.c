/* blind.c -- what two parties do with secrets (unet/blind), in place of
 * owner.c: AES, garbled circuits, activations.  Transfers and frames are
 * wrapped by the linker (ct.sh): transfers give secrets, frames are public. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blind/activation.h"
#include "nn.h"
#include "owner.h"

enum { COUNT = 17, BLOCKS = 37, WINDOW = 2, CLASSES = 4, BITS = 8,
       ARENA = 1 << 20 };

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
    (void)data;
    (void)size;
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

void __wrap_free(void *p);
void __wrap_free(void *p)
{
    (void)p;
}

/* Public bytes; colours are 0 (of four classes any is a label). */
ckks_status __wrap_blind_wire_receive(blind_wire *w, blind_frame type,
                                      void *data, size_t size);
ckks_status __wrap_blind_wire_receive(blind_wire *w, blind_frame type,
                                      void *data, size_t size)
{
    (void)w;
    memset(data, type == BLIND_OUTPUT ? 0 : own.frame++, size);
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
    (void)both;
    arena.used = 0;
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
