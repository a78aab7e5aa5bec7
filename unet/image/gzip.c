/* gzip.c -- gzipped files: read by inflate.c; written by zlib where it is,
 * whose files are smaller, else by deflate.c.
 */
#include <stdlib.h>
#include <string.h>

#include "image/codec.h"
#include "image/inflate.h"

bool uni_is_gzip(const uint8_t *in, size_t size)
{
    return size >= 2 && in[0] == 0x1f && in[1] == 0x8b;
}

/* ---- reading ------------------------------------------------------------- */

typedef enum gzip_end {
    GZIP_SOUND, GZIP_SHORT, GZIP_LONG, GZIP_SURPLUS, GZIP_DAMAGED
} gzip_end;

/* Where the input ends or goes on behind the end of a member: another one
 * follows at once, as bgzip, pigz and cat write them, or it is surplus.  *left:
 * bytes behind this one. */
static gzip_end gzip_next(uni_inflate *z, size_t *left, bool full)
{
    const uint8_t *at = z->bits.in + z->bits.at;

    *left = uni_inflate_left(z);
    if (*left == 0)
        return full ? GZIP_SOUND : GZIP_SHORT;
    if (!uni_is_gzip(at, *left))
        return full ? GZIP_SURPLUS : GZIP_DAMAGED;
    uni_inflate_again(z);
    return GZIP_SOUND;
}

/* What is wanted of the bytes that come out: those from `from` on, `want` of
 * them, into data; the stream holds all, or is not looked at beyond (all 0). */
typedef struct gzip_aim {
    uint8_t *data;
    uint64_t from, want, all;
} gzip_aim;

enum { GZIP_ASIDE = 1 << 14 };      /* bytes that are passed by at a time    */

/* Where the next bytes go, behind the first `got`; 0: nowhere, all is full. */
static size_t gzip_room(uint8_t **to, const gzip_aim *aim, uint64_t got,
                        uint8_t aside[GZIP_ASIDE])
{
    const uint64_t end = aim->from + aim->want;
    uint64_t room = got < aim->from ? aim->from - got : aim->all - got;

    if (got >= aim->from && got < end) {
        *to = aim->data + (got - aim->from);
        return (size_t)(end - got);
    }
    if (got >= end && got >= aim->all)
        room = 0;
    *to = aside;
    return (size_t)(room < GZIP_ASIDE ? room : GZIP_ASIDE);
}

/* *got: the bytes that came out; *left: those of the input behind the last
 * member that was begun. */
static gzip_end gzip_run(uint64_t *got, size_t *left, uni_inflate *z,
                         const gzip_aim *aim)
{
    uint8_t aside[GZIP_ASIDE];

    for (*got = 0;;) {
        uint8_t *to;
        size_t n, room = gzip_room(&to, aim, *got, aside);
        const bool full = room == 0;
        const uni_inflate_end end = uni_inflate_read(z, &n, to,
                                                     full ? 1 : room);

        if (full && n > 0)
            return GZIP_LONG;
        *got += n;
        if (end == UNI_INFLATE_SHORT)
            return GZIP_SHORT;
        if (end == UNI_INFLATE_DAMAGED)
            return GZIP_DAMAGED;
        if (aim->all == 0 && *got == aim->from + aim->want)
            return GZIP_SOUND;
        if (end == UNI_INFLATE_SOUND) {
            const gzip_end next = gzip_next(z, left, *got == aim->all);

            if (next != GZIP_SOUND || *left == 0)
                return next;
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
    uni_inflate *z;
    uint64_t got = 0;
    size_t left = 0;
    gzip_end end;
    ckks_status s = gzip_check(name, size, most);

    if (s != CKKS_OK)
        return s;
    z = malloc(sizeof *z);
    aim.data = z != NULL ? malloc((size_t)aim.want) : NULL;
    if (aim.data == NULL) {
        free(z);
        return nn_fail(CKKS_EMEM, "%s: no memory for %llu bytes", name,
                       (unsigned long long)aim.want);
    }
    uni_inflate_begin(z, UNI_GZIP, in, size);
    end = gzip_run(&got, &left, z, &aim);
    free(z);
    if (end == GZIP_SOUND) {
        *out = aim.data;
        return CKKS_OK;
    }
    free(aim.data);
    return gzip_refuse(name, end, got, most, left);
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

/* ---- writing ------------------------------------------------------------- */

ckks_status uni_gzip_pack(uint8_t **out, size_t *size, const char *name,
                          const uint8_t *in, size_t in_size)
{
    uint8_t *data = malloc(uni_deflate_most(in_size));
    const size_t n = data != NULL ? uni_deflate(data, UNI_GZIP, in, in_size)
                                  : 0;

    if (n == 0) {
        free(data);
        return nn_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name,
                       in_size);
    }
    *out = data;
    *size = n;
    return CKKS_OK;
}

static ckks_status gzip_small(const char *name, size_t size)
{
    return size <= UINT32_MAX / 2 ? CKKS_OK
         : nn_fail(CKKS_EARG, "%s: %zu bytes are too many to be gzipped; "
                   "name it .nii", name, size);
}

#ifdef UNET_HAVE_PNG

#include <zlib.h>

ckks_status uni_gzip_encode(uint8_t **out, size_t *size, const char *name,
                            const uint8_t *in, size_t in_size)
{
    z_stream z = {0};
    uint8_t *data = NULL;
    size_t room = 0;
    int code;

    if (gzip_small(name, in_size) != CKKS_OK)
        return CKKS_EARG;
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

#else

ckks_status uni_gzip_encode(uint8_t **out, size_t *size, const char *name,
                            const uint8_t *in, size_t in_size)
{
    ckks_status s = gzip_small(name, in_size);

    return s != CKKS_OK ? s : uni_gzip_pack(out, size, name, in, in_size);
}

#endif
