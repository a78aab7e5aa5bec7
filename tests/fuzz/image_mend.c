/* image_mend.c -- image files whose lengths and checksums are right whatever
 * else the bytes say: PNM, JPEG, NIfTI, IDX.  PNG: png_build.c.
 */
#include "image_mend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <zlib.h>

enum { MOST = 1 << 14 };        /* bytes that a promise is kept for          */

void fuzz_gzip(fuzz_input *in)
{
    const size_t room = in->size + in->size / 8 + 64;
    uint8_t *out = fuzz_room(room);
    z_stream z = { 0 };

    fuzz_must(deflateInit2(&z, 1, Z_DEFLATED, 9 + 16, 1, Z_DEFAULT_STRATEGY)
                  == Z_OK, "deflate");
    z.next_in = in->data;
    z.avail_in = (uInt)in->size;
    z.next_out = out;
    z.avail_out = (uInt)room;
    fuzz_must(deflate(&z, Z_FINISH) == Z_STREAM_END, "deflate");
    fuzz_replace(in, out, z.total_out);
    deflateEnd(&z);
    fuzz_free(out);
}

/* ---- PNM ----------------------------------------------------------------- */

/* As many bytes of pixels as the head of a binary image asks for. */
void fuzz_mend_pnm(fuzz_input *in)
{
    char text[64] = "";
    unsigned long width, height, top;
    size_t n = in->size < 63 ? in->size : 63;
    int at = 0;
    char kind;

    if (!(in->flags & FUZZ_MEND))
        return;
    memcpy(text, in->data, n);
    if (sscanf(text, "P%c %5lu %5lu %5lu%n", &kind, &width, &height, &top, &at)
            != 4 || (kind != '5' && kind != '6') || at == 0)
        return;
    n = width * height * (kind == '6' ? 3 : 1) * (top > 255 ? 2 : 1);
    if (n <= MOST)
        fuzz_resize(in, (size_t)at + 1 + n);
}

/* ---- JPEG ---------------------------------------------------------------- */

/* A start, and an end that libjpeg would otherwise make up. */
void fuzz_mend_jpeg(fuzz_input *in)
{
    if (!(in->flags & FUZZ_MEND))
        return;
    if (in->size < 5)
        fuzz_resize(in, 5);
    memcpy(in->data, "\xff\xd8\xff", 3);
    memcpy(in->data + in->size - 2, "\xff\xd9", 2);
}

/* A scan for each coefficient, then one for each one's last bit. */
static int many_scans(jpeg_scan_info *scan)
{
    int n = 0;

    scan[n++] = (jpeg_scan_info){ 1, { 0 }, 0, 0, 0, 0 };
    for (int pass = 0; pass < 2; pass++)
        for (int k = 1; k < 64; k++)
            scan[n++] = (jpeg_scan_info){ 1, { 0 }, k, k, pass, 1 - pass };
    return n;
}

uint8_t *fuzz_jpeg_build(size_t *size, int channels, bool scans)
{
    static jpeg_scan_info scan[128];
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr error;
    unsigned char *bytes = NULL;
    unsigned long n = 0;
    uint8_t row[8 * 4], *out;
    JSAMPROW rows[1] = { row };

    jpeg.err = jpeg_std_error(&error);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, &n);
    jpeg.image_width = jpeg.image_height = 8;
    jpeg.input_components = channels;
    jpeg.in_color_space = channels == 1 ? JCS_GRAYSCALE
                          : channels == 3 ? JCS_RGB
                          : channels == 4 ? JCS_CMYK : JCS_UNKNOWN;
    jpeg_set_defaults(&jpeg);
    if (scans) {
        jpeg.num_scans = many_scans(scan);
        jpeg.scan_info = scan;
    }
    jpeg_start_compress(&jpeg, TRUE);
    for (int y = 0; y < 8; y++) {
        for (int x = 0; x < 8 * channels; x++)
            row[x] = (uint8_t)(31 * x + 17 * y);
        (void)jpeg_write_scanlines(&jpeg, rows, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    out = fuzz_room(n);
    memcpy(out, bytes, n);
    *size = n;
    free(bytes);
    return out;
}

/* ---- NIfTI --------------------------------------------------------------- */

/* An integer or float of the header, in its order of bytes. */
static void put(uint8_t *at, uint64_t v, int bytes, bool big)
{
    for (int i = 0; i < bytes; i++)
        at[big ? bytes - 1 - i : i] = (uint8_t)(v >> 8 * i);
}

static void put_float(uint8_t *at, float f, bool big)
{
    uint32_t word;

    memcpy(&word, &f, 4);
    put(at, word, 4, big);
}

static uint64_t get(const uint8_t *at, int bytes, bool big)
{
    uint64_t v = 0;

    for (int i = 0; i < bytes; i++)
        v = v << 8 | at[big ? i : bytes - 1 - i];
    return v;
}

/* A float of a header of version 1 as a double elsewhere. */
static void widen(uint8_t *to, const uint8_t *from, bool big)
{
    const uint32_t word = (uint32_t)get(from, 4, big);
    uint64_t wide;
    double d;
    float f;

    memcpy(&f, &word, 4);
    d = (double)f;
    memcpy(&wide, &d, 8);
    put(to, wide, 8, big);
}

/* The same volume by a header of version 2: what the loader reads. */
static void nifti_2(uint8_t head[544], size_t *size, bool big)
{
    uint8_t was[352];

    memcpy(was, head, sizeof was);
    memset(head, 0, 544);
    *size = 544;
    put(head, 540, 4, big);
    memcpy(head + 4, "n?2\0\r\n\032\n", 8);
    head[5] = was[345];
    memcpy(head + 12, was + 70, 4);
    for (int i = 0; i < 8; i++)
        put(head + 16 + 8 * i, get(was + 40 + 2 * i, 2, big), 8, big);
    put(head + 168, was[345] == 'i' ? 0 : 544, 8, big);
    for (int i = 0; i < 8; i++)
        widen(head + 104 + 8 * i, was + 76 + 4 * i, big);
    put(head + 500, was[123], 4, big);
    widen(head + 176, was + 112, big);
    widen(head + 184, was + 116, big);
    put(head + 344, get(was + 252, 2, big), 4, big);
    put(head + 348, get(was + 254, 2, big), 4, big);
    for (int i = 0; i < 3; i++)
        widen(head + 352 + 8 * i, was + 256 + 4 * i, big);
    for (int i = 0; i < 12; i++)
        widen(head + 400 + 8 * i, was + 280 + 4 * i, big);
}

/* Small dimensions, a datatype that is taken, voxels of just that size, then
 * the order of bytes, the orientation and the scale; all other bytes are the
 * voxels'. */
static void nifti_build(fuzz_input *in)
{
    static const struct { int type, bytes; } known[] = {
        { 2, 1 }, { 4, 2 }, { 8, 4 }, { 16, 4 }, { 64, 8 }, { 256, 1 },
        { 512, 2 }, { 768, 4 }, { 1, 1 }, { 1024, 8 }, { 1280, 8 }, { 2, 1 },
        { 4, 2 }, { 128, 3 }, { 16, 4 }, { 128, 3 }     /* from 11 on: NIfTI-2
                                                           but for 13        */
    };
    static const float scale[] = { 0, 1, -2, 1e30f, 0.5f };
    fuzz_draw d = { in->data, in->size };
    const unsigned kind = fuzz_below(&d, 16);
    unsigned dim[8] = { 3, 0, 0, 0, 1, 1, 1, 1 };
    uint8_t head[544] = { 0 };
    size_t voxels = 1, size = 352;
    bool big;
    unsigned form;

    for (int i = 1; i < 4; i++) {
        dim[i] = fuzz_below(&d, 6);
        voxels *= dim[i];
    }
    big = fuzz_below(&d, 2) == 1;
    form = fuzz_below(&d, 4);
    put(head, 348, 4, big);
    for (int i = 0; i < 8; i++)
        put(head + 40 + 2 * i, dim[i], 2, big);
    put(head + 70, (uint64_t)known[kind].type, 2, big);
    put(head + 72, (uint64_t)known[kind].bytes * 8, 2, big);
    put_float(head + 108, in->variant & 4 ? 0 : 352, big);
    put_float(head + 112, scale[fuzz_below(&d, 5)], big);
    put_float(head + 116, scale[fuzz_below(&d, 5)], big);
    put(head + (form == 1 ? 254 : 252), form > 0, 2, big);
    put_float(head + (form == 1 ? 280 : 256),
              (float)fuzz_byte(&d) / 128 - 1, big);
    put_float(head + (form == 1 ? 300 : 264), -0.25f, big);
    if (form == 1)
        put_float(head + 320, (float)fuzz_byte(&d) / 16, big);
    for (int i = 0; i < 4; i++)
        put_float(head + 76 + 4 * i, scale[1 + fuzz_below(&d, 4)], big);
    head[123] = (uint8_t)fuzz_below(&d, 5);         /* units                 */
    if (fuzz_below(&d, 4) == 3) {                   /* a series of two       */
        put(head + 40, 4, 2, big);
        put(head + 48, 2, 2, big);
        voxels *= 2;
    }
    memcpy(head + 344, "n+1", 4);
    fuzz_resize(in, voxels * (size_t)known[kind].bytes);
    if (in->variant & 4)                /* a pair: the header, the voxels    */
        head[345] = 'i';
    if (kind >= 11 && kind != 13)
        nifti_2(head, &size, big);
    {
        const size_t first = in->variant & 4 ? size - 4 : size;
        uint8_t *all = fuzz_room(first + in->size);
        const size_t n = in->size;

        memcpy(all, head, first);
        memcpy(all + first, in->data, n);
        fuzz_replace(in, all, first + n);
        fuzz_free(all);
    }
}

/* FUZZ_DRAW: a volume from choices; FUZZ_MEND: the first word and the magic;
 * FUZZ_OTHER: gzipped. */
void fuzz_mend_nifti(fuzz_input *in)
{
    if (in->flags & FUZZ_DRAW)
        nifti_build(in);
    else if (in->flags & FUZZ_MEND) {
        if (in->size < 352)
            fuzz_resize(in, 352);
        put(in->data, 348, 4, in->data[0] == 0);
        memcpy(in->data + 344, "n+1", 4);
    }
    if (in->flags & FUZZ_OTHER)
        fuzz_gzip(in);
}

/* ---- IDX ----------------------------------------------------------------- */

/* The magic, and as many bytes as the sizes promise. */
void fuzz_mend_idx(fuzz_input *in)
{
    uint64_t need = 1;
    size_t head;

    if (in->flags & FUZZ_MEND) {
        if (in->size < 20)
            fuzz_resize(in, 20);
        memcpy(in->data, "\0\0\10", 3);
        head = 4 + 4 * (size_t)(in->data[3] % 5);
        for (size_t i = 4; i < head; i += 4)
            need *= (uint64_t)(in->data[i + 2] << 8 | in->data[i + 3]);
        if (need <= MOST)
            fuzz_resize(in, head + need);
    }
    if (in->flags & FUZZ_OTHER)
        fuzz_gzip(in);
}
