/* jpeg.c -- JPEG through libjpeg, for the command alone; without
 * VOLLEY_HAVE_JPEG there is no decoder, and libunet's messages say so.
 */
#include <stdlib.h>
#include <string.h>

#include "volley.h"

#ifndef VOLLEY_HAVE_JPEG

unet_decoder *const volley_jpeg = NULL;

#else

#include <setjmp.h>

#include <jpeglib.h>
#include <jerror.h>

/* What lives across libjpeg's long jumps: in memory of its own, so that no
 * local variable is lost. */
typedef struct jpegio {
    struct jpeg_error_mgr error;        /* first: libjpeg knows its address  */
    struct jpeg_decompress_struct jpeg;
    jmp_buf fail;
    char reason[JMSG_LENGTH_MAX];
    struct jpeg_progress_mgr scans;
    uint8_t *row;
} jpegio;

/* A file in progression passes over the whole image once a scan; encoders make
 * about ten. */
enum { JPEGIO_SCANS = 100 };

static void jpegio_scan(j_common_ptr jpeg)
{
    jpegio *io = (jpegio *)(void *)jpeg->err;

    if (io->jpeg.input_scan_number <= JPEGIO_SCANS)
        return;
    snprintf(io->reason, sizeof io->reason, "more than %d scans",
             JPEGIO_SCANS);
    longjmp(io->fail, 1);
}

static void jpegio_error(j_common_ptr jpeg)
{
    jpegio *io = (jpegio *)(void *)jpeg->err;

    jpeg->err->format_message(jpeg, io->reason);
    longjmp(io->fail, 1);
}

/* Warnings are about data that is damaged or missing, for which libjpeg makes
 * something up; only bytes between markers do no harm. */
static void jpegio_message(j_common_ptr jpeg, int level)
{
    if (level < 0 && jpeg->err->msg_code != JWRN_EXTRANEOUS_DATA)
        jpegio_error(jpeg);
}

static ckks_status jpegio_rows(uni_image *out, const char *name, jpegio *io)
{
    const size_t n = (size_t)out->height * (size_t)out->width;
    const size_t channels = (size_t)out->channels;
    const size_t wide = channels * (size_t)out->width;

    io->row = malloc(wide);
    if (io->row == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name, wide);
    for (size_t y = 0; y < (size_t)out->height; y++) {
        JSAMPROW row = io->row;

        (void)jpeg_read_scanlines(&io->jpeg, &row, 1);
        for (size_t i = 0; i < wide; i++)
            out->pixel[i % channels * n + y * (size_t)out->width
                       + i / channels] = io->row[i];
    }
    (void)jpeg_finish_decompress(&io->jpeg);
    if (io->jpeg.src->bytes_in_buffer > 0)
        return nn_fail(CKKS_EFORMAT, "%s: JPEG: %zu surplus bytes behind the "
                       "end of the image; save it anew: convert IN OUT.png",
                       name, (size_t)io->jpeg.src->bytes_in_buffer);
    return CKKS_OK;
}

/* Runs under the protection of jpegio_guard's setjmp. */
static ckks_status jpegio_decode(uni_image *out, const char *name, jpegio *io,
                                 const uint8_t *in, size_t size,
                                 const uni_image_want *want)
{
    uni_shape shape;
    int channels;
    ckks_status s;

    jpeg_mem_src(&io->jpeg, in, (unsigned long)size);
    (void)jpeg_read_header(&io->jpeg, TRUE);
    channels = io->jpeg.num_components;
    if (channels != 1 && channels != 3)
        return nn_fail(CKKS_EFORMAT, "%s: JPEG of %d components, 1 and 3 are "
                       "taken", name, channels);
    shape = (uni_shape){ channels, io->jpeg.image_height,
                         io->jpeg.image_width };
    s = uni_image_check(name, &shape, want);
    if (s != CKKS_OK)
        return s;
    io->jpeg.progress = &io->scans;
    io->jpeg.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    io->jpeg.dct_method = JDCT_ISLOW;
    s = uni_image_init(out, name, channels, io->jpeg.image_height,
                        io->jpeg.image_width);
    if (s != CKKS_OK)
        return s;
    (void)jpeg_start_decompress(&io->jpeg);
    if (io->jpeg.output_components != channels)
        return nn_fail(CKKS_EFORMAT, "%s: JPEG of %d components becomes %d",
                       name, channels, io->jpeg.output_components);
    return jpegio_rows(out, name, io);
}

static ckks_status jpegio_guard(uni_image *out, const char *name, jpegio *io,
                                const uint8_t *in, size_t size,
                                const uni_image_want *want)
{
    if (setjmp(io->fail) != 0)
        return nn_fail(CKKS_EFORMAT, "%s: JPEG: %s (%zu bytes)", name,
                       io->reason, size);
    jpeg_create_decompress(&io->jpeg);
    return jpegio_decode(out, name, io, in, size, want);
}

static ckks_status jpeg_decode(uni_image *out, const char *name,
                               const uint8_t *in, size_t size,
                               const uni_image_want *want)
{
    jpegio *io = calloc(1, sizeof *io);
    ckks_status s;

    if (io == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory", name);
    io->jpeg.err = jpeg_std_error(&io->error);
    io->error.error_exit = jpegio_error;
    io->error.emit_message = jpegio_message;
    io->scans.progress_monitor = jpegio_scan;
    s = jpegio_guard(out, name, io, in, size, want);
    jpeg_destroy_decompress(&io->jpeg);
    free(io->row);
    free(io);
    return s;
}

unet_decoder *const volley_jpeg = jpeg_decode;

#endif
