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

/* What is wanted of the bytes that come out: those from `from` on, `want` of
 * them, into data; the stream holds all, or is not looked at beyond (all 0). */
typedef struct gzip_aim {
    uint8_t *data;
    uint64_t from, want, all;
} gzip_aim;

enum { GZIP_ASIDE = 1 << 14 };      /* bytes that are passed by at a time    */

/* Where the next bytes go, behind the first `got`; 0: nowhere, all is full. */
static uInt gzip_room(uint8_t **to, const gzip_aim *aim, uint64_t got,
                      uint8_t aside[GZIP_ASIDE])
{
    const uint64_t end = aim->from + aim->want;
    uint64_t room = got < aim->from ? aim->from - got : aim->all - got;

    if (got >= aim->from && got < end) {
        *to = aim->data + (got - aim->from);
        return (uInt)(end - got);
    }
    if (got >= end && got >= aim->all)
        room = 0;
    *to = aside;
    return (uInt)(room < GZIP_ASIDE ? room : GZIP_ASIDE);
}

/* *got: the bytes that came out. */
static gzip_end gzip_run(uint64_t *got, z_stream *z, const gzip_aim *aim)
{
    uint8_t aside[GZIP_ASIDE];

    for (*got = 0;;) {
        uint8_t *to;
        uInt room = gzip_room(&to, aim, *got, aside);
        const bool full = room == 0;
        int code;

        z->next_out = to;
        z->avail_out = room = full ? 1 : room;
        code = inflate(z, Z_NO_FLUSH);
        if (full && z->avail_out == 0)
            return GZIP_LONG;
        *got += full ? 0 : room - z->avail_out;
        if (code == Z_BUF_ERROR)
            return GZIP_SHORT;
        if (code != Z_OK && code != Z_STREAM_END)
            return GZIP_DAMAGED;
        if (aim->all == 0 && *got == aim->from + aim->want)
            return GZIP_SOUND;
        if (code == Z_STREAM_END) {
            const gzip_end end = gzip_next(z, *got == aim->all);

            if (end != GZIP_SOUND || z->avail_in == 0)
                return end;
        }
    }
}

static ckks_status gzip_refuse(const char *name, gzip_end end, uint64_t got,
                               uint64_t want, size_t left)
{
    const unsigned long long out = got, whole = want;

    if (end == GZIP_SURPLUS)
        return nn_fail(CKKS_EFORMAT, "%s: %zu surplus bytes behind the gzip "
                       "stream", name, left);
    if (end == GZIP_LONG)
        return nn_fail(CKKS_EFORMAT, "%s: the gzip stream is too long: more "
                       "than %llu bytes came out", name, whole);
    if (end == GZIP_SHORT)
        return nn_fail(CKKS_EFORMAT, "%s: the gzip stream is cut short: %llu "
                       "bytes came out, want %llu", name, out, whole);
    return nn_fail(CKKS_EFORMAT, "%s: the gzip stream is damaged%s: %llu bytes "
                   "came out, want %llu; copy the file anew", name,
                   got == want ? " (a wrong checksum)" : "", out, whole);
}

/* deflate gives at most 1032 bytes for one */
static ckks_status gzip_check(const char *name, size_t size, uint64_t want)
{
    const unsigned long long whole = want;

    if (size > UINT32_MAX || want > UINT32_MAX || want / 1032 > size)
        return nn_fail(CKKS_EFORMAT, "%s: %zu gzipped bytes cannot hold %llu",
                       name, size, whole);
    if (want > UNET_GZIP_FREE && want / UNET_GZIP_RATIO > size)
        return nn_fail(CKKS_EFORMAT, "%s: %zu gzipped bytes that grow to %llu; "
                       "beyond %d at most %d for one are taken: gunzip it "
                       "first", name, size, whole, UNET_GZIP_FREE,
                       UNET_GZIP_RATIO);
    return CKKS_OK;
}

static ckks_status gzip_take(uint8_t **out, const char *name,
                             const uint8_t *in, size_t size, gzip_aim aim)
{
    const uint64_t most = aim.all > 0 ? aim.all : aim.from + aim.want;
    z_stream z = {0};
    uint64_t got = 0;
    gzip_end end;
    ckks_status s = gzip_check(name, size, most);

    if (s != CKKS_OK)
        return s;
    aim.data = malloc((size_t)aim.want);
    if (aim.data == NULL || inflateInit2(&z, 15 + 16) != Z_OK) {
        free(aim.data);
        return nn_fail(CKKS_EMEM, "%s: no memory for %llu bytes", name,
                       (unsigned long long)aim.want);
    }
    z.next_in = (z_const Bytef *)(uintptr_t)in;
    z.avail_in = (uInt)size;
    end = gzip_run(&got, &z, &aim);
    inflateEnd(&z);
    if (end == GZIP_SOUND) {
        *out = aim.data;
        return CKKS_OK;
    }
    free(aim.data);
    return gzip_refuse(name, end, got, most, z.avail_in);
}

ckks_status uni_gzip_decode(uint8_t **out, const char *name,
                             const uint8_t *in, size_t size, size_t want,
                             bool all)
{
    return gzip_take(out, name, in, size,
                     (gzip_aim){ NULL, 0, want, all ? want : 0 });
}

ckks_status uni_gzip_part(uint8_t **out, const char *name, const uint8_t *in,
                          size_t size, uint64_t from, size_t want,
                          uint64_t all)
{
    return gzip_take(out, name, in, size, (gzip_aim){ NULL, from, want, all });
}

ckks_status uni_gzip_encode(uint8_t **out, size_t *size, const char *name,
                            const uint8_t *in, size_t in_size)
{
    z_stream z = {0};
    uint8_t *data = NULL;
    size_t room = 0;
    int code;

    if (in_size > UINT32_MAX / 2)
        return nn_fail(CKKS_EARG, "%s: %zu bytes are too many to be gzipped; "
                       "name it .nii", name, in_size);
    code = deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8,
                        Z_DEFAULT_STRATEGY);
    if (code == Z_OK) {
        room = deflateBound(&z, (uLong)in_size);
        data = malloc(room);
    }
    if (data != NULL) {
        z.next_in = (z_const Bytef *)(uintptr_t)in;
        z.avail_in = (uInt)in_size;
        z.next_out = data;
        z.avail_out = (uInt)room;
        code = deflate(&z, Z_FINISH);
    }
    (void)deflateEnd(&z);
    if (data == NULL || code != Z_STREAM_END) {
        free(data);
        return nn_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name, room);
    }
    *out = data;
    *size = room - z.avail_out;
    return CKKS_OK;
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

ckks_status uni_gzip_part(uint8_t **out, const char *name, const uint8_t *in,
                          size_t size, uint64_t from, size_t want,
                          uint64_t all)
{
    (void)from;
    return uni_gzip_decode(out, name, in, size, want, all > 0);
}

ckks_status uni_gzip_encode(uint8_t **out, size_t *size, const char *name,
                            const uint8_t *in, size_t in_size)
{
    (void)out;
    (void)size;
    (void)in;
    return nn_fail(CKKS_EARG, "%s: this build has no zlib for %zu bytes; name "
                   "it .nii", name, in_size);
}

#endif
