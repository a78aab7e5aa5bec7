/* dicom_series.c -- the DICOM files of a folder, by the series they are of.
 * Other files, and files without pixels, are passed over. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "image/dicom.h"

void uni_dicom_folder_clear(uni_dicom_folder *f)
{
    for (size_t i = 0; i < f->files; i++) {
        free(f->file[i].path);
        uni_dicom_clear(&f->file[i].d);
    }
    free(f->file);
    free(f->first);
    memset(f, 0, sizeof *f);
}

/* Takes path over, also on failure. */
static ckks_status series_add(uni_dicom_folder *f, char *path, uni_dicom *d)
{
    if (f->files == f->room) {
        const size_t room = 2 * f->room + 64;
        uni_dicom_file *grown = realloc(f->file, room * sizeof *grown);

        if (grown == NULL || f->files >= UNI_DICOM_FRAMES) {
            f->file = grown != NULL ? grown : f->file;
            free(path);
            uni_dicom_clear(d);
            return grown == NULL ? nn_fail(CKKS_EMEM, "no memory for %zu files",
                                           f->files)
                 : nn_fail(CKKS_EARG, "more than %d files", UNI_DICOM_FRAMES);
        }
        f->file = grown;
        f->room = room;
    }
    f->file[f->files].path = path;
    f->file[f->files].in = NULL;
    f->file[f->files++].d = *d;
    return CKKS_OK;
}

/* Takes path over: a file of the folder that may be DICOM. */
static ckks_status series_file(uni_dicom_folder *f, char *path)
{
    uint8_t head[UNI_HEAD];
    const size_t n = uni_file_head(head, sizeof head, path);
    uni_dicom_part part = UNI_DICOM_WHOLE;
    uni_dicom d = {0};
    ckks_status s = CKKS_OK;

    if (uni_is_dicom(head, n) && !uni_image_known(head, n)) {
        f->dicom = true;
        s = uni_dicom_look(&d, &part, path);
        if (s == CKKS_OK)
            return series_add(f, path, &d);
        if (part == UNI_DICOM_EMPTY)
            s = CKKS_OK;
    } else if (uni_image_named(path)) {
        f->others++;
    }
    free(path);
    return s;
}

/* The order of series, and of files within one, by their names. */
static int series_compare(const void *a, const void *b)
{
    const uni_dicom_file *x = a, *y = b;
    const int order = strcmp(x->d.series, y->d.series);

    if (x->d.series_number != y->d.series_number)
        return x->d.series_number < y->d.series_number ? -1 : 1;
    return order != 0 ? order : strcmp(x->path, y->path);
}

static ckks_status series_sort(uni_dicom_folder *f)
{
    qsort(f->file, f->files, sizeof *f->file, series_compare);
    f->first = calloc(f->files + 1, sizeof *f->first);
    if (f->first == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu files", f->files);
    for (size_t i = 0; i < f->files; i++)
        if (i == 0 || strcmp(f->file[i].d.series, f->file[i - 1].d.series) != 0)
            f->first[f->series++] = i;
    f->first[f->series] = f->files;
    return CKKS_OK;
}

static char *series_path(const char *folder, const char *name)
{
    const size_t k = strlen(folder);
    char *out = malloc(k + strlen(name) + 2);

    if (out != NULL)
        sprintf(out, "%s%s%s", folder, k > 0 && folder[k - 1] == '/' ? "" : "/",
                name);
    return out;
}

static ckks_status series_files(uni_dicom_folder *f, const char *path, DIR *dir)
{
    struct dirent *e;
    ckks_status s = CKKS_OK;

    while (s == CKKS_OK && (e = readdir(dir)) != NULL) {
        char *name;

        if (e->d_name[0] == '.')
            continue;
        name = series_path(path, e->d_name);
        s = name != NULL ? series_file(f, name)
                         : nn_fail(CKKS_EMEM, "%s: no memory", path);
    }
    return s;
}

static ckks_status series_folder(uni_dicom_folder *f, const char *path)
{
    DIR *dir = opendir(path);
    ckks_status s;

    if (dir == NULL)
        return nn_fail(CKKS_EIO, "opening the folder %s: %s", path,
                       strerror(errno));
    s = series_files(f, path, dir);
    (void)closedir(dir);
    if (s == CKKS_OK && f->files == 0)
        s = nn_fail(CKKS_EFORMAT, "%s: no DICOM file with pixels in this "
                    "folder; folders in it are not opened, name that of the "
                    "series", path);
    if (s == CKKS_OK && f->others > 0)
        s = nn_fail(CKKS_EFORMAT, "%s: %zu DICOM images and %zu of other kinds "
                    "in this folder: a series has a folder of its own", path,
                    f->files, f->others);
    return s == CKKS_OK ? series_sort(f) : s;
}

ckks_status uni_dicom_folder_open(uni_dicom_folder *out, const char *path)
{
    uni_dicom_folder f = {0};
    ckks_status s = series_folder(&f, path);

    if (s != CKKS_OK) {
        uni_dicom_folder_clear(&f);
        return s;
    }
    uni_dicom_folder_clear(out);
    *out = f;
    return CKKS_OK;
}

bool uni_dicom_folder_is(const char *path)
{
    uni_dicom_folder f = {0};
    const ckks_status s = series_folder(&f, path);
    bool yes = f.dicom;                 /* a refusal is for whoever reads it */

    if (f.files > 0 && (s == CKKS_OK || f.others > 0))
        yes = uni_dicom_at(&f.file[0].d, 0).has & UNI_DICOM_POSITION;
    uni_dicom_folder_clear(&f);
    return yes;
}
