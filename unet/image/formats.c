/* formats.c -- volumes of every format that is read.  Contracts in volume.h. */
#include <string.h>
#include <sys/stat.h>

#include "image/codec.h"
#include "image/dicom.h"

static const uni_volume_format uni_volume_formats[] = {
    { uni_nifti_is, uni_nifti_read },
    { uni_dicom_file_is, uni_dicom_file_read },
    { uni_dicom_series_is, uni_dicom_series_read }
};

static const uni_volume_format *volume_format(const char *path)
{
    uint8_t head[UNI_HEAD];
    const size_t n = uni_file_head(head, sizeof head, path);
    struct stat st;

    if (n == 0 && (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)))
        return NULL;
    for (size_t i = 0; i < sizeof uni_volume_formats
                            / sizeof *uni_volume_formats; i++)
        if (uni_volume_formats[i].is(path, head, n))
            return &uni_volume_formats[i];
    return NULL;
}

bool uni_volume_is(const char *path)
{
    return path != NULL && volume_format(path) != NULL;
}

static ckks_status volume_read(uni_volume *out, const char *path, int volume,
                               bool voxels)
{
    const uni_volume_format *format = volume_format(path);
    uni_volume v = {0};
    ckks_status s = format == NULL
                  ? nn_fail(CKKS_EFORMAT, "%s: no volume", path)
                  : format->read(&v, path, volume, voxels);

    if (s == CKKS_OK)
        s = uni_volume_call(&v, path);
    if (s != CKKS_OK) {
        uni_volume_clear(&v);
        return s;
    }
    uni_volume_clear(out);
    *out = v;
    return CKKS_OK;
}

ckks_status uni_volume_look(uni_volume *out, const char *path, int volume)
{
    if (out == NULL || path == NULL)
        return nn_fail(CKKS_EARG, "uni_volume_look: null pointer");
    return volume_read(out, path, volume, false);
}

ckks_status uni_volume_open(uni_volume *out, const char *path, int volume)
{
    if (out == NULL || path == NULL)
        return nn_fail(CKKS_EARG, "uni_volume_open: null pointer");
    return volume_read(out, path, volume, true);
}
