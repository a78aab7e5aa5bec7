/* dicom.c -- DICOM: one file, from memory or as a volume, or a folder of a
 * series.  variant: 16, the bytes are a file; 32, they are a folder's files,
 * each behind its length of two bytes; 64, they are a volume in memory; low two
 * bits, which volume is asked for plus one.  Drawn: files that are whole but
 * for what dicom_build.c changes.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dicom_build.h"
#include "image/dicom.h"
#include "image/volume.h"

enum { AS_FILE = 16, AS_FOLDER = 32, IN_MEMORY = 64, MOST_FILES = 8,
       MOST_LOOKED = 8, MOST_VALUES = 1 << 16 };

typedef struct dicom_object {
    uni_dicom d;
    uni_volume v;
} dicom_object;

static const char *dicom_folder(void)
{
    const char *path = fuzz_place("series");

    (void)mkdir(path, 0700);
    return path;
}

static const char *dicom_file_name(unsigned i)
{
    static const char *const name[] = { "series/5", "series/2", "series/7",
                                        "series/1.dcm", "series/3", "series/6",
                                        "series/4", "series/0" };

    return fuzz_place(name[i]);
}

/* Writes the files of a folder; those of an earlier input go. */
static void dicom_files(const fuzz_input *in)
{
    const unsigned held = fuzz_hold();
    size_t at = 0;

    (void)dicom_folder();
    for (unsigned i = 0; i < MOST_FILES; i++) {
        const char *path = dicom_file_name(i);
        FILE *file;
        size_t n;

        (void)unlink(path);
        if (in->size - at < 2)
            continue;
        n = in->data[at] | (size_t)in->data[at + 1] << 8;
        at += 2;
        n = n < in->size - at ? n : in->size - at;
        file = fopen(path, "wb");
        fuzz_must(file != NULL && fwrite(in->data + at, 1, n, file) == n
                      && fclose(file) == 0, "a file of a series");
        at += n;
    }
    fuzz_go_on(held);
}

/* What is begun is the caller's to clear. */
static ckks_status load_bytes(uni_volume *v, const fuzz_input *in)
{
    const ckks_status s = uni_dicom_decode(v, "x", in->data, in->size);

    if (s != CKKS_OK)
        uni_volume_clear(v);
    return s;
}

static ckks_status load_dicom(void *x, const fuzz_input *in)
{
    dicom_object *o = x;
    const int volume = in->variant % 4 - 1;
    uni_dicom_part part;

    if (in->variant & AS_FOLDER) {
        dicom_files(in);
        return uni_volume_open(&o->v, dicom_folder(), volume);
    }
    if (in->variant & AS_FILE)
        return uni_volume_open(&o->v, fuzz_file(in->data, in->size), volume);
    if (in->variant & IN_MEMORY)
        return load_bytes(&o->v, in);
    return uni_dicom_parse(&o->d, &part, "x", in->data, in->size, in->size);
}

static void clear_dicom(void *x)
{
    dicom_object *o = x;

    uni_dicom_clear(&o->d);
    uni_volume_clear(&o->v);
}

/* The frames of a file, and what each says of itself. */
static void use_frames(const uni_dicom *d, const fuzz_input *in)
{
    const size_t n = (size_t)d->rows * (size_t)d->columns
                     * (size_t)uni_dicom_voxel_bytes(d);
    uint8_t *out;

    fuzz_must(d->rows > 0 && d->columns > 0 && d->frames > 0
                  && n * (size_t)d->frames <= in->size, "%d x %d x %d",
              d->rows, d->columns, d->frames);
    out = fuzz_room(n);
    for (int k = 0; k < d->frames && k < MOST_LOOKED; k++) {
        uni_dicom_plane p = uni_dicom_at(d, k);
        int pad[2];

        uni_dicom_values(out, d, in->data, k);
        fuzz_must(p.slope != 0 && isfinite(p.slope) && isfinite(p.inter),
                  "slope %g, intercept %g", p.slope, p.inter);
        (void)uni_dicom_padding(pad, d);
    }
    fuzz_free(out);
}

static void use_volume(const uni_volume *v)
{
    uni_slicing s;
    uni_values values;
    uni_image image = { 0 };
    size_t n = uni_volume_bytes(v), sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += v->voxel[i];
    for (int i = 0; i < 12; i++)
        fuzz_must(isfinite(v->geometry.affine[i / 4][i % 4]) && sum < SIZE_MAX,
                  "an affine that is not finite");
    if (n > MOST_VALUES
        || uni_slicing_make(&s, "x", &v->geometry, NULL) != CKKS_OK
        || uni_values_make(&values, v, NULL) != CKKS_OK)
        return;
    (void)!uni_slice(&image, v, &s, &values, s.slices - 1);
    uni_image_clear(&image);
}

static void use_dicom(void *x, const fuzz_input *in)
{
    const dicom_object *o = x;

    if (o->v.voxel != NULL)
        use_volume(&o->v);
    else
        use_frames(&o->d, in);
}

static void misuse_dicom(const fuzz_input *in)
{
    uni_dicom_folder f = { 0 };
    dicom_object o = { 0 };

    fuzz_must(uni_volume_open(NULL, "x", 0) == CKKS_EARG
                  && uni_dicom_folder_open(&f, "/none") == CKKS_EIO
                  && !uni_dicom_series_is("/none", NULL, 0)
                  && in->data != NULL, "dicom: misuse was taken");
    clear_dicom(&o);
}

/* ---- seeds --------------------------------------------------------------- */

static void seeds_dicom(const fuzz_target *t)
{
    for (uint8_t i = 0; i < 96; i++) {
        const uint8_t file[] = { i, i % 7, i % 2, i / 48, i, 3, 1, i };
        fuzz_input made = { .variant = 0, .flags = FUZZ_DRAW,
                            .data = fuzz_room(0) };

        for (uint8_t v = 0; v <= IN_MEMORY; v = (uint8_t)(v + AS_FILE)) {
            if (v == AS_FILE + AS_FOLDER)
                continue;
            fuzz_seed(t, v, FUZZ_DRAW | (i < 12 ? FUZZ_SWEEP : 0)
                                | (i == 0 ? FUZZ_MISUSE : 0), 0, file,
                      sizeof file);
            fuzz_seed(t, (uint8_t)(v + 1 + i % 3), FUZZ_DRAW, 3, file,
                      sizeof file);
        }
        fuzz_replace(&made, file, sizeof file);
        fuzz_mend_dicom(&made);
        fuzz_seed(t, i % 2 ? AS_FILE : 0, FUZZ_MEND, 0, made.data, made.size);
        fuzz_free(made.data);
    }
}

const fuzz_target fuzz_dicom = {
    "dicom", sizeof(dicom_object), fuzz_mend_dicom, load_dicom, NULL, NULL,
    use_dicom, clear_dicom, misuse_dicom, seeds_dicom
};
