/* nifti_file.c -- NIfTI files, of one part or two. */
#include <stdlib.h>

#include "image/nifti.h"

bool uni_nifti_is(const char *path, const uint8_t *head, size_t n)
{
    char *header = NULL, *voxels = NULL;
    bool yes = uni_is_nifti(head, n) || uni_is_gzip(head, n);

    if (n == 0)
        return false;
    if (!yes)                       /* NAME.img, if its header is there      */
        yes = uni_pair_find(&header, &voxels, path) != CKKS_OK
           || header != NULL;
    free(header);
    free(voxels);
    return yes;
}

/* header holds the voxels too if there is no other file. */
static ckks_status nifti_files(uni_volume *out, const char *header,
                               const char *voxels, int volume, bool read)
{
    uint8_t head[UNI_HEAD], *bytes = NULL;
    const size_t n = uni_file_head(head, sizeof head, header);
    const char *file = voxels != NULL ? voxels : header;
    nifti_head h = {0};
    size_t size = 0;
    ckks_status s = uni_nifti_read_head(out, &h, header, head, n, volume);

    if (s == CKKS_OK && h.pair && voxels == NULL)
        s = nn_fail(CKKS_EFORMAT, "%s: the header of a NIfTI pair, without its "
                    "voxels; they are found where the two are called NAME.hdr "
                    "and NAME.img, either with .gz", header);
    if (s == CKKS_OK)
        s = uni_file_check(file, UNI_MOST_VOLUME);
    if (s != CKKS_OK || !read)
        return s;
    s = uni_file_read(&bytes, &size, file, UNI_MOST_VOLUME);
    if (s == CKKS_OK)
        s = uni_nifti_voxels(out, &h, file, bytes, size);
    ckks_file_free(bytes, size);
    return s;
}

ckks_status uni_nifti_read(uni_volume *out, const char *path, int volume,
                           bool voxels)
{
    char *header = NULL, *other = NULL;
    ckks_status s = uni_pair_find(&header, &other, path);

    if (s == CKKS_OK)
        s = nifti_files(out, header != NULL ? header : path, other, volume,
                        voxels);
    free(header);
    free(other);
    return s;
}

ckks_status uni_nifti_decode(uni_volume *out, const char *name,
                             const uint8_t *in, size_t size,
                             const uint8_t *other, size_t other_size,
                             int volume)
{
    uni_volume v = {0};
    nifti_head h = {0};
    ckks_status s = uni_nifti_read_head(&v, &h, name, in, size, volume);

    if (s == CKKS_OK && h.pair != (other != NULL))
        s = nn_fail(CKKS_EFORMAT, "%s: the header of a NIfTI %s", name,
                    h.pair ? "pair, without its voxels; they are found where "
                    "the two are called NAME.hdr and NAME.img, either with .gz"
                    : "volume in one file, with another");
    if (s == CKKS_OK)
        s = uni_nifti_voxels(&v, &h, name, other != NULL ? other : in,
                             other != NULL ? other_size : size);
    if (s == CKKS_OK)
        s = uni_volume_call(&v, name);
    if (s != CKKS_OK) {
        uni_volume_clear(&v);
        return s;
    }
    uni_volume_clear(out);
    *out = v;
    return CKKS_OK;
}
