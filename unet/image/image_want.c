/* image_want.c -- whether an image will be taken, told by the first bytes of
 * its file: nothing is decoded, or read whole, for a refusal.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/codec.h"

ckks_status uni_image_look(const char *name, const uint8_t *head, size_t size,
                           const uni_image_want *want)
{
    uni_shape shape = {0};

    if (uni_png_shape(&shape, head, size) || uni_pnm_shape(&shape, head, size))
        return uni_image_check(name, &shape, want);
    return uni_image_known(head, size) ? CKKS_OK
         : uni_kind_check(name, head, size, false);
}

bool uni_is_jpeg(const uint8_t *in, size_t size)
{
    return size >= 3 && in[0] == 0xff && in[1] == 0xd8 && in[2] == 0xff;
}

bool uni_image_known(const uint8_t *in, size_t size)
{
    return uni_is_png(in, size) || uni_is_pnm(in, size)
        || uni_is_jpeg(in, size) || uni_is_gzip(in, size)
        || uni_is_nifti(in, size);
}

bool uni_image_named(const char *name)
{
    static const char *const known[] = {
        ".pgm", ".ppm", ".png", ".jpg", ".jpeg", ".nii", ".nii.gz"
    };
    size_t n = strlen(name);

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t k = strlen(known[i]), same = 0;

        for (; same < k && n > k; same++) {
            char c = name[n - k + same];

            if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != known[i][same])
                break;
        }
        if (same == k)
            return true;
    }
    return false;
}

size_t uni_image_most_bytes(const uint8_t *head, size_t size,
                            const uni_image_want *want)
{
    size_t pixels = UNET_IMAGE_PIXELS;

    if (uni_is_gzip(head, size) || uni_is_nifti(head, size))
        return UNI_MOST_VOLUME;         /* a volume, of which a slice is it  */
    if (want != NULL && want->height > 0 && !want->fit)
        pixels = (size_t)want->height * (size_t)want->width;
    return ((size_t)1 << 24) + 32 * pixels;
}

ckks_status uni_file_check(const char *path, size_t most)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return nn_fail(CKKS_EIO, "%s: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return nn_fail(CKKS_EIO, "%s: a folder, not a regular file", path);
    if (!S_ISREG(st.st_mode))
        return nn_fail(CKKS_EIO, "%s: not a regular file but a %s; copy the "
                       "image into a file", path,
                       S_ISFIFO(st.st_mode) ? "pipe" : S_ISSOCK(st.st_mode)
                       ? "socket" : "device");
    if (st.st_size < 0 || (uint64_t)st.st_size > most)
        return nn_fail(CKKS_EIO, "%s: %lld bytes, more than the %zu allowed",
                       path, (long long)st.st_size, most);
    return CKKS_OK;
}

/* What libckks says, without the name of its function. */
static ckks_status file_told(ckks_status s)
{
    const char *why = ckks_last_error();
    const char *words = strncmp(why, "ckks_", 5) == 0 ? strstr(why, ": ")
                                                      : NULL;

    return s == CKKS_OK ? s
         : nn_fail(s, "%s", words != NULL ? words + 2 : why);
}

ckks_status uni_file_read(uint8_t **out, size_t *size, const char *path,
                          size_t most)
{
    ckks_status s = uni_file_check(path, most);

    return s != CKKS_OK ? s : file_told(ckks_file_read(out, size, path, most));
}

ckks_status uni_file_write(const char *path, const uint8_t *in, size_t size)
{
    return file_told(ckks_file_write(path, in, size, 0644));
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
