/* transfers.c -- oblivious transfers (unet/blind), in place of owner.c: base
 * transfers, trees, extension.  Randomness and frames are wrapped by the linker
 * (ct.sh): what is drawn is secret, what is sent or received public. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blind/transfer.h"
#include "nn.h"
#include "owner.h"

enum { COUNT = 3 * BLIND_TRANSFER_UNIT, SUMS = 192 };

static struct {
    const blind_aes *aes;
    blind_pair pair[128];
    blind_block key[128], delta, sums[SUMS], t[COUNT], q[COUNT];
    uint8_t choice[COUNT / 8];
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
    return nn_fail(s, where);
}

/* ---- the linker's wrappers ------------------------------------------- */

ckks_status __wrap_ckks_rng_bytes(uint8_t *out, size_t size, ckks_rng *rng);
ckks_status __wrap_ckks_rng_bytes(uint8_t *out, size_t size, ckks_rng *rng)
{
    (void)rng;
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(17 * i + 5);
    secret_bytes(out, size);
    return CKKS_OK;
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

/* Elements of the group where such are wanted: 16. */
ckks_status __wrap_blind_wire_receive(blind_wire *w, blind_frame type,
                                      void *data, size_t size);
ckks_status __wrap_blind_wire_receive(blind_wire *w, blind_frame type,
                                      void *data, size_t size)
{
    (void)w;
    memset(data, 0, size);
    for (size_t i = 0; type == BLIND_BASE && i < size; i += BLIND_ELEMENT)
        ((uint8_t *)data)[i] = 16;
    return CKKS_OK;
}

/* ---- phases ----------------------------------------------------------- */

static void extension_phases(int k)
{
    static const char *const name[5] = { "", "trees of depth 1, their use",
                                         "of depth 2", "", "of depth 4" };
    blind_receiver *r = NULL;
    blind_sender *s = NULL;

    secret_bytes((uint8_t *)own.pair, sizeof own.pair);
    secret_bytes((uint8_t *)own.key, sizeof own.key);
    secret_bytes((uint8_t *)&own.delta, sizeof own.delta);
    secret_bytes(own.choice, sizeof own.choice);
    phase_begin(name[k]);
    must(blind_receiver_make(&r, own.sums, own.pair, k, own.aes));
    published(own.sums, sizeof own.sums);
    must(blind_sender_make(&s, own.key, own.sums, own.delta, k, own.aes));
    must(blind_receive(own.t, own.choice, COUNT, r, NULL));
    must(blind_send(own.q, COUNT, s, NULL));
    phase_end();
    blind_receiver_close(&r);
    blind_sender_close(&s);
}

void owner_run_kernel(bool narrow)
{
    (void)narrow;
    for (int k = 1; k <= 4; k *= 2)
        extension_phases(k);
}

/* The group does not know which kernel there is. */
void owner_run(bool both)
{
    const uint8_t session[BLIND_SESSION] = { 1 };
    ckks_rng rng = { .counter = 0 };
    blind_receiver *r = NULL;
    blind_sender *s = NULL;

    (void)both;
    if (strcmp(own.aes->name, "portable") != 0)
        return;
    phase_begin("base transfers");
    must(blind_transfers_open(&s, &r, 2, session, false, own.aes, &rng, NULL));
    phase_end();
    blind_receiver_close(&r);
    blind_sender_close(&s);
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
