/* image_want.c -- whether an image will be taken, told by the first bytes of
 * its file: nothing is decoded, or read whole, for a refusal.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/codec.h"

ckks_status uni_image_look(const char *name, const uint8_t *head, size_t size,
                           int slice, const uni_image_want *want)
{
    uni_shape shape = {0};

    if (uni_png_shape(&shape, head, size) || uni_pnm_shape(&shape, head, size))
        return uni_image_check(name, &shape, want);
    return uni_nifti_look(name, head, size, slice, want);
}

size_t uni_image_most_bytes(const uint8_t *head, size_t size,
                            const uni_image_want *want)
{
    const bool gzip = size >= 2 && head[0] == 0x1f && head[1] == 0x8b;
    size_t pixels = UNET_IMAGE_PIXELS;

    if (gzip || uni_is_nifti(head, size))
        return (size_t)1 << 30;         /* a volume, of which a slice is it  */
    if (want != NULL && want->height > 0 && !want->fit)
        pixels = (size_t)want->height * (size_t)want->width;
    return ((size_t)1 << 24) + 32 * pixels;
}

size_t uni_file_head(uint8_t *head, size_t size, const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    size_t n = 0;

    if (fd < 0)
        return 0;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        while (n < size) {
            ssize_t got = read(fd, head + n, size - n);

            if (got < 0 && errno == EINTR)
                continue;
            if (got <= 0)
                break;
            n += (size_t)got;
        }
    (void)close(fd);
    return n;
}
