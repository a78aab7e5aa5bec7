/* sha256.h -- SHA-256 (FIPS 180-4), for the header Content-Digest (RFC 9530):
 * damage on the line, nothing secret. */
#ifndef VOLLEY_SERVE_SHA256_H
#define VOLLEY_SERVE_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct serve_sha256 {
    uint32_t h[8];
    uint64_t bytes;
    uint8_t block[64];
} serve_sha256;

void serve_sha256_init(serve_sha256 *x);
void serve_sha256_put(serve_sha256 *x, const void *data, size_t size);
void serve_sha256_end(uint8_t out[32], serve_sha256 *x);

#endif
