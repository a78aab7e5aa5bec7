/* header.c -- a frame's first bytes: header.h. */
#include "blind/header.h"

#include "base/bytes.h"
#include "blind/wire.h"

static const char *const frame_names[BLIND_FRAMES] = {
    "nothing", "HELLO", "AGREE", "KEY", "BASE", "EXTEND", "UP", "DOWN",
    "TABLE", "MUX", "OUTPUT", "ALIVE", "BYE", "ERROR"
};

const char *blind_frame_name(unsigned type)
{
    return type < BLIND_FRAMES ? frame_names[type] : "an unknown frame";
}

static uint32_t header_sum(const uint8_t *b)
{
    uint8_t sum[4];

    ckks_blake2b(sum, sizeof sum, b, BLIND_HEADER - 4, NULL, 0);
    return cki_load32(sum);
}

void blind_header_put(uint8_t *b, const blind_header *h)
{
    cki_store32(b, h->type | h->layer << 16);
    cki_store32(b + 4, h->number);
    cki_store64(b + 8, h->size);
    cki_store32(b + 16, 0);
    cki_store32(b + 20, header_sum(b));
}

bool blind_header_get(blind_header *h, const uint8_t *b)
{
    h->type = cki_load32(b) & 0xffff;
    h->layer = cki_load32(b) >> 16;
    h->number = cki_load32(b + 4);
    h->size = cki_load64(b + 8);
    return cki_load32(b + 16) == 0 && cki_load32(b + 20) == header_sum(b);
}
