/* inflate_frame.c -- what stands before and behind a DEFLATE stream: the heads
 * and checksums of zlib [RFC 1950] and gzip [RFC 1952]; and its bytes handed
 * out.
 */
#include <string.h>

#include "image/inflate.h"

/* ---- heads --------------------------------------------------------------- */

enum { GZIP_CRC = 2, GZIP_EXTRA = 4, GZIP_NAME = 8, GZIP_COMMENT = 16,
       GZIP_UNKNOWN = 0xe0, GZIP_HEAD = 10 };

static unsigned word16(const uint8_t *in)
{
    return in[0] | (unsigned)in[1] << 8;
}

/* Behind a text that ends with a zero; size: there is no end. */
static size_t behind_text(const uint8_t *in, size_t size, size_t at)
{
    const uint8_t *end = at < size ? memchr(in + at, 0, size - at) : NULL;

    return end != NULL ? (size_t)(end - in) + 1 : size;
}

static uni_inflate_end gzip_head(size_t *at, const uni_crc *crc,
                                 const uint8_t *in, size_t size)
{
    const unsigned flags = size > 3 ? in[3] : 0;
    size_t n = GZIP_HEAD;

    if ((size > 0 && in[0] != 0x1f) || (size > 1 && in[1] != 0x8b)
        || (size > 2 && in[2] != 8) || (flags & GZIP_UNKNOWN))
        return UNI_INFLATE_DAMAGED;
    if (flags & GZIP_EXTRA)
        n = size < n + 2 ? size : n + 2 + word16(in + n);
    if (flags & GZIP_NAME)
        n = behind_text(in, size, n);
    if (flags & GZIP_COMMENT)
        n = behind_text(in, size, n);
    if (flags & GZIP_CRC && n < size && size - n >= 2) {
        if (word16(in + n) != (uni_crc_add(crc, 0, in, n) & 0xffff))
            return UNI_INFLATE_DAMAGED;
        n += 2;
    } else if (flags & GZIP_CRC) {
        n = size;
    }
    if (n >= size)
        return UNI_INFLATE_SHORT;
    *at = n;
    return UNI_INFLATE_MORE;
}

/* Deflate, a window of at most 2^15, no dictionary that we would have to
 * know. */
static uni_inflate_end zlib_head(size_t *at, const uint8_t *in, size_t size)
{
    if (size < 2)
        return UNI_INFLATE_SHORT;
    if ((in[0] & 15) != 8 || in[0] >> 4 > 7 || (in[1] & 32)
        || (256u * in[0] + in[1]) % 31 != 0)
        return UNI_INFLATE_DAMAGED;
    *at = 2;
    return UNI_INFLATE_MORE;
}

/* The stream at `at`; what was made for the one before it may stay. */
static void begin_at(uni_inflate *z, size_t at)
{
    const uint8_t *in = z->bits.in + at;
    const size_t size = z->bits.size - at;

    z->bits = (uni_bits){ .in = in, .size = size };
    z->end = UNI_INFLATE_MORE;
    z->last = z->checked = false;
    z->stored = 0;
    z->put = z->took = 0;
    z->sum = z->form == UNI_ZLIB;
    if (z->form == UNI_GZIP)
        z->end = gzip_head(&z->bits.at, &z->crc, in, size);
    else if (z->form == UNI_ZLIB)
        z->end = zlib_head(&z->bits.at, in, size);
    z->step = z->end == UNI_INFLATE_MORE ? UNI_STEP_BLOCK : UNI_STEP_OVER;
}

void uni_inflate_begin(uni_inflate *z, uni_inflate_form form,
                       const uint8_t *in, size_t size)
{
    z->bits = (uni_bits){ .in = in, .size = size };
    z->form = form;
    z->fixed = false;
    if (form == UNI_GZIP)
        uni_crc_init(&z->crc);
    begin_at(z, 0);
}

void uni_inflate_again(uni_inflate *z)
{
    begin_at(z, z->bits.at);
}

/* ---- what stands behind -------------------------------------------------- */

static uint32_t word32(const uint8_t *in, bool high_first)
{
    uint32_t w = 0;

    for (int i = 0; i < 4; i++)
        w |= (uint32_t)in[i] << (8 * (high_first ? 3 - i : i));
    return w;
}

/* The checksum, and of gzip how many bytes there are; all of them were handed
 * out. */
static void check_tail(uni_inflate *z)
{
    uni_bits *const b = &z->bits;
    const size_t size = z->form == UNI_GZIP ? 8 : z->form == UNI_ZLIB ? 4 : 0;
    const uint8_t *tail;

    b->at -= (b->have - b->pad) / 8;    /* whole bytes go back               */
    b->word = 0;
    b->have = b->pad = 0;
    if (b->size - b->at < size) {
        z->end = UNI_INFLATE_SHORT;
        return;
    }
    tail = b->in + b->at;
    if ((size > 0 && word32(tail, z->form == UNI_ZLIB) != z->sum)
        || (size == 8 && word32(tail + 4, false) != (uint32_t)z->put))
        z->end = UNI_INFLATE_DAMAGED;
    b->at += size;
    z->checked = true;
}

size_t uni_inflate_left(const uni_inflate *z)
{
    return z->bits.size - z->bits.at;
}

/* ---- bytes handed out ---------------------------------------------------- */

static size_t hand_out(uni_inflate *z, uint8_t *out, size_t room)
{
    const size_t at = (size_t)z->took & (UNI_INFLATE_RING - 1);
    size_t n = (size_t)(z->put - z->took);

    n = n < room ? n : room;
    n = n < UNI_INFLATE_RING - at ? n : UNI_INFLATE_RING - at;
    memcpy(out, z->ring + at, n);
    if (z->form == UNI_GZIP)
        z->sum = uni_crc_add(&z->crc, z->sum, out, n);
    else if (z->form == UNI_ZLIB)
        z->sum = uni_adler_add(z->sum, out, n);
    z->took += n;
    return n;
}

uni_inflate_end uni_inflate_read(uni_inflate *z, size_t *got, uint8_t *out,
                                 size_t room)
{
    *got = 0;
    while (*got < room) {
        if (z->put == z->took) {
            if (z->step == UNI_STEP_OVER)
                break;
            uni_inflate_run(z);
        }
        *got += hand_out(z, out + *got, room - *got);
    }
    if (*got == room)
        return UNI_INFLATE_MORE;
    if (z->end == UNI_INFLATE_SOUND && !z->checked)
        check_tail(z);
    return z->end;
}
