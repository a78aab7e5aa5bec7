/* header.h -- a frame's first bytes (wire.h says how they lie). */
#ifndef BLIND_HEADER_H
#define BLIND_HEADER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct blind_header {
    unsigned type, layer;       /* each below 2^16                           */
    uint32_t number;
    uint64_t size;              /* bytes that follow                         */
} blind_header;

/* "HELLO"; "an unknown frame". */
const char *blind_frame_name(unsigned type);

/* b: BLIND_HEADER bytes. */
void blind_header_put(uint8_t *b, const blind_header *h);
/* False: these bytes are no header. */
bool blind_header_get(blind_header *h, const uint8_t *b);

#endif
