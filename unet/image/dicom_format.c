/* dicom_format.c -- a DICOM file, and a folder of them, where volumes are asked
 * for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "image/dicom.h"

/* ---- one file ------------------------------------------------------------ */

bool uni_dicom_file_is(const char *path, const uint8_t *head, size_t n)
{
    (void)path;
    return uni_is_dicom(head, n) && !uni_image_known(head, n);
}

/* d is cleared. */
static ckks_status format_one(uni_volume *out, const char *path,
                              const uint8_t *in, uni_dicom *d, bool voxels)
{
    uni_dicom_file f = { malloc(strlen(path) + 1), in, *d };
    ckks_status s = f.path != NULL ? CKKS_OK
                  : nn_fail(CKKS_EMEM, "%s: no memory", path);

    if (s == CKKS_OK) {
        strcpy(f.path, path);
        s = uni_dicom_volume(out, path, &f, 1, voxels);
    }
    free(f.path);
    uni_dicom_clear(d);
    return s;
}

ckks_status uni_dicom_file_read(uni_volume *out, const char *path, int volume,
                                bool voxels)
{
    uni_dicom d = {0};
    uni_dicom_part part;
    ckks_status s;

    if (volume > 0)
        return nn_fail(CKKS_EARG, "%s: volume %d asked for, but a DICOM file "
                       "is one", path, volume);
    s = uni_dicom_look(&d, &part, path);
    return s == CKKS_OK ? format_one(out, path, NULL, &d, voxels) : s;
}

ckks_status uni_dicom_decode(uni_volume *out, const char *name,
                             const uint8_t *in, size_t size)
{
    uni_dicom d = {0};
    uni_dicom_part part;
    ckks_status s = uni_dicom_parse(&d, &part, name, in, size, size);

    return s == CKKS_OK ? format_one(out, name, in, &d, true) : s;
}

/* ---- a folder ------------------------------------------------------------ */

bool uni_dicom_series_is(const char *path, const uint8_t *head, size_t n)
{
    struct stat st;
    (void)head;

    return n == 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode)
        && uni_dicom_folder_is(path);
}

/* What the series are, as far as there is room for it. */
static void format_list(char *out, size_t size, const uni_dicom_folder *f)
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < f->series && at + 1 < size; i++) {
        const uni_dicom_file *first = &f->file[f->first[i]];
        const char *name = strrchr(first->path, '/');
        const int k = snprintf(out + at, size - at, "%s%zu: %zu image%s of "
                               "%dx%d (%.40s ...)", i > 0 ? ", " : "", i,
                               f->first[i + 1] - f->first[i],
                               f->first[i + 1] - f->first[i] == 1 ? "" : "s",
                               first->d.rows, first->d.columns,
                               name != NULL ? name + 1 : first->path);

        at += k > 0 ? (size_t)k : 0;
    }
}

static ckks_status format_choose(const uni_dicom_folder *f, const char *path,
                                int *volume)
{
    char list[260];

    if (*volume < 0 && f->series == 1)
        *volume = 0;
    format_list(list, sizeof list, f);
    if (*volume < 0)
        return nn_fail(CKKS_EARG, "%s: %zu DICOM series in this folder; choose "
                       "one by %s:volume=K, where K is %s", path, f->series,
                       path, list);
    if ((size_t)*volume >= f->series)
        return nn_fail(CKKS_EARG, "%s: volume %d asked for, of %zu DICOM "
                       "series in this folder: %s", path, *volume, f->series,
                       list);
    return CKKS_OK;
}

ckks_status uni_dicom_series_read(uni_volume *out, const char *path,
                                  int volume, bool voxels)
{
    uni_dicom_folder f = {0};
    ckks_status s = uni_dicom_folder_open(&f, path);

    if (s != CKKS_OK)
        return s;
    s = format_choose(&f, path, &volume);
    if (s == CKKS_OK)
        s = uni_dicom_volume(out, path, f.file + f.first[volume],
                             f.first[volume + 1] - f.first[volume], voxels);
    if (s == CKKS_OK) {
        out->volumes = (int)f.series;
        out->volume = volume;
    }
    uni_dicom_folder_clear(&f);
    return s;
}
