/* gzip.c -- gzipped files and the streams inside PNG through zlib, where libpng
 * is (it brings it along).
 */
#include <stdlib.h>
#include <string.h>

#include "image/codec.h"

bool uni_is_gzip(const uint8_t *in, size_t size)
{
    return size >= 2 && in[0] == 0x1f && in[1] == 0x8b;
}

#ifdef UNET_HAVE_PNG

#include <zlib.h>

typedef enum gzip_end {
    GZIP_SOUND, GZIP_SHORT, GZIP_LONG, GZIP_SURPLUS, GZIP_DAMAGED
} gzip_end;

/* Where the input ends or goes on behind the end of a member: another one
 * follows at once, as bgzip, pigz and cat write them, or it is surplus. */
static gzip_end gzip_next(z_stream *z, bool full)
{
    if (z->avail_in == 0)
        return full ? GZIP_SOUND : GZIP_SHORT;
    if (!uni_is_gzip(z->next_in, z->avail_in))
        return full ? GZIP_SURPLUS : GZIP_DAMAGED;
    return inflateReset(z) == Z_OK ? GZIP_SOUND : GZIP_DAMAGED;
}

/* *got: the bytes that came out into data, at most want; all: to the end of
 * the last member. */
static gzip_end gzip_run(size_t *got, z_stream *z, uint8_t *data, size_t want,
                         bool all)
{
    uint8_t more[1];

    for (*got = 0;;) {
        const bool full = *got == want;
        const uInt room = full ? 1 : (uInt)(want - *got);
        int code;

        z->next_out = full ? more : data + *got;
        z->avail_out = room;
        code = inflate(z, Z_NO_FLUSH);
        if (full && z->avail_out == 0)
            return GZIP_LONG;
        *got += full ? 0 : room - z->avail_out;
        if (code == Z_BUF_ERROR)
            return GZIP_SHORT;
        if (code != Z_OK && code != Z_STREAM_END)
            return GZIP_DAMAGED;
        if (*got == want && !all)
            return GZIP_SOUND;
        if (code == Z_STREAM_END) {
            const gzip_end end = gzip_next(z, *got == want);

            if (end != GZIP_SOUND || z->avail_in == 0)
                return end;
        }
    }
}

static ckks_status gzip_refuse(const char *name, gzip_end end, size_t got,
                               size_t want, size_t left)
{
    if (end == GZIP_SURPLUS)
        return nn_fail(CKKS_EFORMAT, "%s: %zu surplus bytes behind the gzip "
                       "stream", name, left);
    if (end == GZIP_LONG)
        return nn_fail(CKKS_EFORMAT, "%s: the gzip stream is too long: more "
                       "than %zu bytes came out", name, want);
    if (end == GZIP_SHORT)
        return nn_fail(CKKS_EFORMAT, "%s: the gzip stream is cut short: %zu "
                       "bytes came out, want %zu", name, got, want);
    return nn_fail(CKKS_EFORMAT, "%s: the gzip stream is damaged%s: %zu bytes "
                   "came out, want %zu; copy the file anew", name,
                   got == want ? " (a wrong checksum)" : "", got, want);
}

ckks_status uni_gzip_decode(uint8_t **out, const char *name,
                             const uint8_t *in, size_t size, size_t want,
                             bool all)
{
    z_stream z = {0};
    uint8_t *data;
    size_t got = 0;
    gzip_end end;

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
    end = gzip_run(&got, &z, data, want, all);
    inflateEnd(&z);
    if (end == GZIP_SOUND) {
        *out = data;
        return CKKS_OK;
    }
    free(data);
    return gzip_refuse(name, end, got, want, z.avail_in);
}

bool uni_zlib_count(size_t *got, size_t *left, const uint8_t *in, size_t size,
                    size_t most)
{
    enum { ROOM = 1 << 14 };
    uint8_t out[ROOM];
    z_stream z = {0};
    int code = Z_OK;

    *got = 0;
    *left = 0;
    if (size > UINT32_MAX || inflateInit2(&z, 15) != Z_OK)
        return false;
    z.next_in = (z_const Bytef *)(uintptr_t)in;
    z.avail_in = (uInt)size;
    while (code == Z_OK && *got <= most) {
        z.next_out = out;
        z.avail_out = ROOM;
        code = inflate(&z, Z_NO_FLUSH);
        *got += ROOM - z.avail_out;
    }
    *left = code == Z_STREAM_END ? z.avail_in : 0;
    inflateEnd(&z);
    return true;
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
