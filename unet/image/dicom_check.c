/* dicom_check.c -- the tags of a DICOM file against each other and against the
 * bytes of its pixels. */
#include "image/dicom.h"

static ckks_status dicom_readable(const char *name, const uni_dicom_found *f)
{
    if (f->floats)
        return nn_fail(CKKS_EFORMAT, "%s: DICOM pixels that are floats; "
                       "integers are read; dcm2niix -o OUT FOLDER may know "
                       "more", name);
    if (f->fragments)
        return nn_fail(CKKS_EFORMAT, "%s: DICOM pixels in fragments, as only "
                       "compressed ones are; gdcmconv --raw IN OUT "
                       "decompresses them", name);
    if (f->length == 0)
        return nn_fail(CKKS_EFORMAT, "%s: a DICOM file without pixels: a "
                       "directory, a report, a plan", name);
    if (f->lut)
        return nn_fail(CKKS_EFORMAT, "%s: DICOM values by a table (Modality "
                       "LUT Sequence), which is not read; slope and intercept "
                       "are; pydicom's apply_modality_lut looks them up", name);
    return CKKS_OK;
}

/* What must be there, and what is understood where it is not. */
static ckks_status dicom_needed(uni_dicom *d, const char *name)
{
    static const struct { unsigned bit; const char *what; } needed[] = {
        { UNI_DICOM_ROWS, "Rows (0028,0010)" },
        { UNI_DICOM_COLUMNS, "Columns (0028,0011)" },
        { UNI_DICOM_ALLOCATED, "BitsAllocated (0028,0100)" },
        { UNI_DICOM_COLOUR, "PhotometricInterpretation (0028,0004)" }
    };

    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!(d->has & needed[i].bit))
            return nn_fail(CKKS_EFORMAT, "%s: DICOM %s is missing, without "
                           "which its pixels are not known", name,
                           needed[i].what);
    if (!(d->has & UNI_DICOM_SAMPLES))
        d->samples = d->colour >= UNI_DICOM_RGB ? 3 : 1;
    if (!(d->has & UNI_DICOM_STORED))
        d->stored = d->allocated;
    if (!(d->has & UNI_DICOM_HIGH))
        d->high = d->stored - 1;
    return CKKS_OK;
}

static ckks_status dicom_bits(const uni_dicom *d, const char *name)
{
    const bool colour = d->colour >= UNI_DICOM_RGB;

    if (d->samples != (colour ? 3 : 1) || d->planar > 1)
        return nn_fail(CKKS_EFORMAT, "%s: DICOM pixels of %d samples in "
                       "planar configuration %d; grey has 1, colour 3, in "
                       "configuration 0 or 1", name, d->samples, d->planar);
    if (d->allocated != 8 && d->allocated != 16)
        return nn_fail(CKKS_EFORMAT, "%s: DICOM pixels of %d bits each; 8 and "
                       "16 are read; dcm2niix -o OUT FOLDER may know more",
                       name, d->allocated);
    if (d->stored < 1 || d->stored > d->allocated || d->high < d->stored - 1
        || d->high >= d->allocated || d->is_signed > 1)
        return nn_fail(CKKS_EFORMAT, "%s: DICOM pixels of %d bits with %d of "
                       "them stored, the highest number %d, representation %d: "
                       "no such pixels", name, d->allocated, d->stored,
                       d->high, d->is_signed);
    if (colour && (d->is_signed || d->stored != 8 || d->high != 7))
        return nn_fail(CKKS_EFORMAT, "%s: DICOM colours of %d bits%s; 8 bits "
                       "are read; dcmj2pnm +on IN OUT.png makes a picture of "
                       "it", name, d->stored, d->is_signed ? ", signed" : "");
    return CKKS_OK;
}

/* The sizes, against the bytes of the pixels.  Less than a frame of zeros may
 * follow: one where the number is odd, and what some writers fill up with. */
static ckks_status dicom_size(const uni_dicom *d, const char *name,
                              size_t length, const uint8_t *in)
{
    uint64_t frame, need;
    bool filled = true;

    if (d->rows < 1 || d->columns < 1 || d->frames < 1
        || d->frames > UNI_DICOM_FRAMES)
        return nn_fail(CKKS_EFORMAT, "%s: DICOM image of %d rows, %d columns, "
                       "%d frames; 1..%d frames are read", name, d->rows,
                       d->columns, d->frames, UNI_DICOM_FRAMES);
    frame = (uint64_t)d->rows * (uint64_t)d->columns * (uint64_t)d->samples
            * (uint64_t)(d->allocated / 8);
    need = frame * (uint64_t)d->frames;
    if (length == need || (frame == 1 && length == need + 1))
        return CKKS_OK;
    if (length > need && length - need < frame) {
        for (size_t i = (size_t)need; in != NULL && i < length; i++)
            filled = filled && in[d->pixels + i] == 0;
        if (filled)
            return CKKS_OK;
    }
    return nn_fail(CKKS_EFORMAT, "%s: DICOM pixels of %zu bytes; %d rows x %d "
                   "columns x %d frames x %d samples of %d bits have %llu%s",
                   name, length, d->rows, d->columns, d->frames, d->samples,
                   d->allocated, (unsigned long long)need, filled ? "" :
                   ", and what follows is not 0");
}

static ckks_status dicom_slope(const uni_dicom *d, const char *name)
{
    for (int k = 0; k < d->frames; k++)
        if (uni_dicom_at(d, k).slope == 0)
            return nn_fail(CKKS_EFORMAT, "%s: DICOM RescaleSlope (0028,1053) "
                           "is 0: all values would be the same", name);
    return CKKS_OK;
}

/* One value of padding, or a range by its two ends. */
static void dicom_padding(uni_dicom *d)
{
    const int first = d->padding[0], second = d->padding[1];
    int end[2] = { first, d->has & UNI_DICOM_PADDINGS ? second : first };

    for (int i = 0; i < 2; i++)
        end[i] -= d->is_signed && end[i] > 32767 ? 65536 : 0;
    d->padding[0] = end[0] < end[1] ? end[0] : end[1];
    d->padding[1] = end[0] < end[1] ? end[1] : end[0];
    if (!(d->has & UNI_DICOM_PADDING)) {
        d->padding[0] = 1;
        d->padding[1] = 0;
    }
}

ckks_status uni_dicom_check(uni_dicom *d, uni_dicom_part *part,
                            const char *name, const uni_dicom_found *found,
                            const uint8_t *in)
{
    ckks_status s = dicom_readable(name, found);

    if (!found->floats && !found->fragments && found->length == 0)
        *part = UNI_DICOM_EMPTY;
    if (s == CKKS_OK)
        s = dicom_needed(d, name);
    if (s == CKKS_OK)
        s = dicom_bits(d, name);
    if (s == CKKS_OK)
        s = dicom_size(d, name, found->length, in);
    if (s == CKKS_OK)
        s = dicom_slope(d, name);
    if (s == CKKS_OK)
        dicom_padding(d);
    return s;
}
