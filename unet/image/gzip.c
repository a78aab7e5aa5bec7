/* gzip.c -- gzipped files through zlib, where libpng is (it brings it along). */
#include <stdlib.h>

#include "image/codec.h"

#ifdef UNET_HAVE_PNG

#include <zlib.h>

/* Nothing more may come out, and the checksum must be right. */
static int gzip_finish(z_stream *z)
{
    uint8_t rest[1];

    z->next_out = rest;
    z->avail_out = sizeof rest;
    return inflate(z, Z_NO_FLUSH);
}

ckks_status uni_gzip_decode(uint8_t **out, const char *name,
                             const uint8_t *in, size_t size, size_t want,
                             bool all)
{
    z_stream z = {0};
    uint8_t *data;
    size_t got;
    int code;

    /* deflate gives at most 1032 bytes for one */
    if (size > UINT32_MAX || want > UINT32_MAX || want / 1032 > size)
        return nn_fail(CKKS_EFORMAT, "%s: %zu gzipped bytes cannot hold %zu",
                       name, size, want);
    if (want > UNET_GZIP_FREE && want / UNET_GZIP_RATIO > size)
        return nn_fail(CKKS_EFORMAT, "%s: %zu gzipped bytes that grow to %zu; "
                       "beyond %d at most %d for one are taken: gunzip it "
                       "first", name, size, want, UNET_GZIP_FREE,
                       UNET_GZIP_RATIO);
    data = malloc(want);
    if (data == NULL || inflateInit2(&z, 15 + 16) != Z_OK) {
        free(data);
        return nn_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name, want);
    }
    z.next_in = (z_const Bytef *)(uintptr_t)in;
    z.avail_in = (uInt)size;
    z.next_out = data;
    z.avail_out = (uInt)want;
    code = inflate(&z, Z_NO_FLUSH);
    got = want - z.avail_out;
    if (code == Z_OK && got == want && all)
        code = gzip_finish(&z);
    inflateEnd(&z);
    if (got == want && (code == Z_STREAM_END || (!all && code == Z_OK))
        && z.total_out == want) {
        *out = data;
        return CKKS_OK;
    }
    free(data);
    return nn_fail(CKKS_EFORMAT, "%s: the gzip stream is damaged, cut short "
                   "or too long: %lu bytes came out, want %zu", name,
                   z.total_out, want);
}

#else

ckks_status uni_gzip_decode(uint8_t **out, const char *name,
                             const uint8_t *in, size_t size, size_t want,
                             bool all)
{
    (void)out;
    (void)in;
    (void)want;
    (void)all;
    return nn_fail(CKKS_EFORMAT, "%s: %zu gzipped bytes, and this build has no "
                   "zlib", name, size);
}

#endif
