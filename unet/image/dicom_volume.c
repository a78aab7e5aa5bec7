/* dicom_volume.c -- DICOM frames as the slices of a volume.
 *
 * The first stored axis runs along rows, the second from row to row, the third
 * from slice to slice.  Where a file does not say where it lies, its rows and
 * columns are taken to run as it is looked at, and the geometry says that it is
 * not known (both codes 0).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/dicom.h"

/* What a volume is made of. */
typedef struct dicom_parts {
    const char *name;
    const uni_dicom_file *file;
    size_t files;
    bool frames;                /* of one file; else one file a slice        */
    bool varied;                /* slope or intercept differ                 */
    uni_dicom_plane *plane;     /* shape (slices)                            */
    const char **path;          /* shape (files)                             */
    uni_dicom_stack stack;
} dicom_parts;

static bool dicom_same_pixels(const uni_dicom *a, const uni_dicom *b)
{
    return a->rows == b->rows && a->columns == b->columns
        && a->colour == b->colour && a->samples == b->samples
        && a->allocated == b->allocated && a->stored == b->stored
        && a->high == b->high && a->is_signed == b->is_signed
        && a->planar == b->planar && a->padding[0] == b->padding[0]
        && a->padding[1] == b->padding[1];
}

/* Every file is a slice as the first one is. */
static ckks_status dicom_alike(const dicom_parts *p)
{
    const uni_dicom *a = &p->file[0].d;

    for (size_t k = 0; k < p->files; k++) {
        const uni_dicom *b = &p->file[k].d;

        if (b->frames != 1 && p->files > 1)
            return nn_fail(CKKS_EFORMAT, "%s: %d frames in one of %zu files of "
                           "a series; name it alone", p->path[k], b->frames,
                           p->files);
        if (a->rows != b->rows || a->columns != b->columns)
            return nn_fail(CKKS_EFORMAT, "%s: %d rows x %d columns, in %s %d x "
                           "%d: no slices of one volume; dcm2niix -o OUT "
                           "FOLDER parts them", p->path[k], b->rows,
                           b->columns, p->path[0], a->rows, a->columns);
        if (!dicom_same_pixels(a, b))
            return nn_fail(CKKS_EFORMAT, "%s: pixels of %d bits with %d "
                           "stored, or their sign, colour or padding, are not "
                           "as in %s (%d and %d): no slices of one volume; "
                           "dcm2niix -o OUT FOLDER parts them", p->path[k],
                           b->allocated, b->stored, p->path[0], a->allocated,
                           a->stored);
    }
    return CKKS_OK;
}

/* ---- planes -------------------------------------------------------------- */

static void dicom_collect(dicom_parts *p)
{
    const size_t n = p->stack.count;

    for (size_t k = 0; k < n; k++) {
        p->plane[k] = p->frames ? uni_dicom_at(&p->file[0].d, (int)k)
                                : uni_dicom_at(&p->file[k].d, 0);
        if (p->file[0].d.samples == 1   /* colours have no scale             */
            && (p->plane[k].slope != p->plane[0].slope
                || p->plane[k].inter != p->plane[0].inter))
            p->varied = true;
    }
}

static ckks_status dicom_parts_init(dicom_parts *p)
{
    const size_t n = p->frames ? (size_t)p->file[0].d.frames : p->files;
    ckks_status s;

    p->plane = calloc(n, sizeof *p->plane);
    p->path = calloc(p->files, sizeof *p->path);
    p->stack.order = calloc(n, sizeof *p->stack.order);
    if (p->plane == NULL || p->path == NULL || p->stack.order == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory for %zu slices", p->name, n);
    for (size_t k = 0; k < p->files; k++)
        p->path[k] = p->file[k].path;
    p->stack.count = n;
    p->stack.frames = p->frames;
    p->stack.name = p->path;
    p->stack.plane = p->plane;
    s = dicom_alike(p);
    if (s == CKKS_OK) {
        dicom_collect(p);
        s = uni_dicom_stack_up(&p->stack);
    }
    if (s == CKKS_OK && !p->stack.placed && p->files > 1)
        s = nn_fail(CKKS_EFORMAT, "%s: %zu images of one series without "
                    "positions: no volume; name them one by one", p->name,
                    p->files);
    return s;
}

static void dicom_parts_clear(dicom_parts *p)
{
    free(p->plane);
    free(p->path);
    free(p->stack.order);
}

/* ---- geometry and type --------------------------------------------------- */

static ckks_status dicom_geometry(uni_volume *out, const dicom_parts *p)
{
    const uni_dicom *d = &p->file[0].d;
    const uni_dicom_plane *a = &p->plane[0];
    const int n[3] = { d->columns, d->rows, (int)p->stack.count };
    const bool spaced = (a->has & UNI_DICOM_SPACING) && a->spacing[0] > 0
                        && a->spacing[1] > 0;
    const double tall = spaced ? a->spacing[0] : 1;
    const double wide = spaced ? a->spacing[1] : 1;
    const double seen[3][4] = { { wide, 0, 0, 0 }, { 0, -tall, 0, 0 },
                                { 0, 0, 1, 0 } };
    ckks_status s = uni_volume_check(p->name, n);

    if (s == CKKS_OK)
        s = uni_geometry_set(&out->geometry, p->name, n,
                             p->stack.placed ? p->stack.affine : seen);
    if (s == CKKS_OK && !p->stack.placed) {
        out->geometry.qform = out->geometry.sform = 0;
        out->geometry.unplaced = true;
        out->geometry.unspaced = !spaced;
    }
    return s;
}

static void dicom_type(uni_volume *out, const dicom_parts *p)
{
    const uni_dicom *d = &p->file[0].d;
    const bool sign = d->is_signed != 0;

    out->volumes = 1;
    out->slope = 1;
    if (p->varied) {
        out->type = UNI_F64;
        return;
    }
    out->type = d->samples == 3 ? UNI_RGB
              : d->allocated == 8 ? sign ? UNI_I8 : UNI_U8
              : sign ? UNI_I16 : UNI_U16;
    out->bits = d->samples == 3 ? 0 : d->stored;
    if (d->samples == 3)
        return;
    out->padded = uni_dicom_padding(out->pad, d);
    out->slope = p->plane[0].slope;
    out->inter = p->plane[0].inter;
}

/* ---- voxels -------------------------------------------------------------- */

/* Doubles of a slice's stored values, NaN where they are padding. */
static void dicom_scale(double *out, const uni_dicom *d, const uint8_t *in,
                        const uni_dicom_plane *p)
{
    const size_t n = (size_t)d->rows * (size_t)d->columns;
    int pad[2];
    const bool padded = uni_dicom_padding(pad, d);

    for (size_t i = 0; i < n; i++) {
        uint16_t word = in[i];
        int v;

        if (d->allocated == 16)
            memcpy(&word, in + 2 * i, 2);
        v = !d->is_signed ? word
          : d->allocated == 8 ? (int8_t)(uint8_t)word : (int16_t)word;
        out[i] = padded && v >= pad[0] && v <= pad[1]
               ? (double)NAN : v * p->slope + p->inter;
    }
}

/* Slice k, of the file's bytes. */
static void dicom_slice(uint8_t *out, const dicom_parts *p, size_t k,
                        const uni_dicom *d, const uint8_t *in, uint8_t *spare)
{
    const size_t index = p->stack.order[k];
    const size_t n = (size_t)d->rows * (size_t)d->columns;
    const size_t wide = p->varied ? sizeof(double)
                                  : (size_t)uni_dicom_voxel_bytes(d);
    const int frame = p->frames ? (int)index : 0;

    out += k * n * wide;
    if (p->varied) {
        uni_dicom_values(spare, d, in, frame);
        dicom_scale((double *)(void *)out, d, spare, &p->plane[index]);
    } else {
        uni_dicom_values(out, d, in, frame);
    }
}

/* Slices first..last of a file, if it is still as it was. */
static ckks_status dicom_reread(uint8_t *out, const dicom_parts *p, size_t i,
                                size_t first, size_t last, uint8_t *spare)
{
    const uni_dicom_file *f = &p->file[i];
    uint8_t *bytes = NULL;
    size_t size = 0;
    uni_dicom d = {0};
    ckks_status s = uni_dicom_read(&d, &bytes, &size, f->path);

    if (s != CKKS_OK)
        return s;
    if (!dicom_same_pixels(&d, &f->d) || d.frames != f->d.frames)
        s = nn_fail(CKKS_EFORMAT, "%s: it has changed while it was read",
                    f->path);
    for (size_t k = first; k <= last && s == CKKS_OK; k++)
        dicom_slice(out, p, k, &d, bytes, spare);
    ckks_file_free(bytes, size);
    uni_dicom_clear(&d);
    return s;
}

static ckks_status dicom_slices(uint8_t *out, const dicom_parts *p,
                                uint8_t *spare)
{
    const uni_dicom_file *f = &p->file[0];
    const size_t n = p->stack.count;
    ckks_status s = CKKS_OK;

    if (p->frames && f->in == NULL)
        return dicom_reread(out, p, 0, 0, n - 1, spare);
    for (size_t k = 0; k < n && s == CKKS_OK; k++) {
        if (p->frames)
            dicom_slice(out, p, k, &f->d, f->in, spare);
        else
            s = dicom_reread(out, p, p->stack.order[k], k, k, spare);
    }
    return s;
}

static ckks_status dicom_voxels(uni_volume *out, const dicom_parts *p)
{
    const uni_dicom *d = &p->file[0].d;
    const size_t n = p->stack.count;
    const size_t slice = (size_t)d->rows * (size_t)d->columns;
    uint8_t *voxel = malloc(slice * n * (size_t)uni_voxel_bytes(out->type));
    uint8_t *spare = malloc(2 * slice);
    ckks_status s = CKKS_OK;

    if (voxel == NULL || spare == NULL)
        s = nn_fail(CKKS_EMEM, "%s: no memory for %zu slices of %dx%d",
                    p->name, n, d->rows, d->columns);
    if (s == CKKS_OK)
        s = dicom_slices(voxel, p, spare);
    free(spare);
    if (s != CKKS_OK) {
        free(voxel);
        return s;
    }
    out->voxel = out->memory = voxel;
    return CKKS_OK;
}

ckks_status uni_dicom_volume(uni_volume *out, const char *name,
                             const uni_dicom_file *file, size_t files,
                             bool voxels)
{
    dicom_parts p = { .name = name, .file = file, .files = files,
                      .frames = files == 1 };
    ckks_status s = dicom_parts_init(&p);

    if (s == CKKS_OK)
        s = dicom_geometry(out, &p);
    if (s == CKKS_OK) {
        dicom_type(out, &p);
        if (voxels)
            s = dicom_voxels(out, &p);
    }
    dicom_parts_clear(&p);
    return s;
}
