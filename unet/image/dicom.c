/* dicom.c -- the tags of a DICOM file [DICOM25]: what its pixels are, where
 * they lie and what their values mean.
 *
 * dicom_fields says which tags count and where; all others are passed over,
 * those that name a person among them.  In files of many frames (enhanced) what
 * holds of a frame stands in sequences of sequences: groups of all frames
 * (5200,9229), and an item a frame of (5200,9230).
 */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "image/dicom.h"

#define DICOM_LUT 0x00283000u
#define DICOM_SHARED 0x52009229u
#define DICOM_FRAME 0x52009230u

/* What a value is: a word of 16 bits, numbers or a whole number as text, a UID,
 * the name of a colour model. */
typedef enum dicom_kind {
    DICOM_US, DICOM_DS, DICOM_IS, DICOM_UI, DICOM_CS
} dicom_kind;

typedef struct dicom_field {
    uint32_t tag;
    dicom_kind kind;
    size_t to;                  /* in uni_dicom; of DS in uni_dicom_plane    */
    size_t count;               /* numbers of DS                             */
    unsigned bit;               /* of has                                    */
    uint32_t group;             /* of DS: the sequence it has in a frame's   */
    const char *what;
} dicom_field;

#define FILE_FIELD(tag, kind, to, bit, what) \
    { tag, kind, offsetof(uni_dicom, to), 1, bit, 0, what }
#define PLANE_FIELD(tag, to, count, bit, group, what) \
    { tag, DICOM_DS, offsetof(uni_dicom_plane, to), count, bit, group, what }

static const dicom_field dicom_fields[] = {
    FILE_FIELD(0x0020000e, DICOM_UI, series, 0, "SeriesInstanceUID"),
    FILE_FIELD(0x00200011, DICOM_IS, series_number, 0, "SeriesNumber"),
    FILE_FIELD(0x00280002, DICOM_US, samples, UNI_DICOM_SAMPLES,
               "SamplesPerPixel"),
    FILE_FIELD(0x00280004, DICOM_CS, colour, UNI_DICOM_COLOUR,
               "PhotometricInterpretation"),
    FILE_FIELD(0x00280006, DICOM_US, planar, 0, "PlanarConfiguration"),
    FILE_FIELD(0x00280008, DICOM_IS, frames, 0, "NumberOfFrames"),
    FILE_FIELD(0x00280010, DICOM_US, rows, UNI_DICOM_ROWS,
               "Rows"),
    FILE_FIELD(0x00280011, DICOM_US, columns, UNI_DICOM_COLUMNS,
               "Columns"),
    FILE_FIELD(0x00280100, DICOM_US, allocated, UNI_DICOM_ALLOCATED,
               "BitsAllocated"),
    FILE_FIELD(0x00280101, DICOM_US, stored, UNI_DICOM_STORED,
               "BitsStored"),
    FILE_FIELD(0x00280102, DICOM_US, high, UNI_DICOM_HIGH,
               "HighBit"),
    FILE_FIELD(0x00280103, DICOM_US, is_signed, 0, "PixelRepresentation"),
    FILE_FIELD(0x00280120, DICOM_US, padding[0], UNI_DICOM_PADDING,
               "PixelPaddingValue"),
    FILE_FIELD(0x00280121, DICOM_US, padding[1], UNI_DICOM_PADDINGS,
               "PixelPaddingRangeLimit"),
    PLANE_FIELD(0x00180050, thickness, 1, UNI_DICOM_THICKNESS, 0x00289110,
                "SliceThickness"),
    PLANE_FIELD(0x00180088, between, 1, UNI_DICOM_BETWEEN, 0x00289110,
                "SpacingBetweenSlices"),
    PLANE_FIELD(0x00200032, position, 3, UNI_DICOM_POSITION, 0x00209113,
                "ImagePositionPatient"),
    PLANE_FIELD(0x00200037, axes, 6, UNI_DICOM_AXES, 0x00209116,
                "ImageOrientationPatient"),
    PLANE_FIELD(0x00280030, spacing, 2, UNI_DICOM_SPACING, 0x00289110,
                "PixelSpacing"),
    PLANE_FIELD(0x00281052, inter, 1, UNI_DICOM_INTER, 0x00289145,
                "RescaleIntercept"),
    PLANE_FIELD(0x00281053, slope, 1, UNI_DICOM_SLOPE, 0x00289145,
                "RescaleSlope")
};

typedef struct dicom_reader {
    uni_dicom d;
    uni_dicom_found found;
    uni_dicom_walk walk;
} dicom_reader;

/* ---- values -------------------------------------------------------------- */

static ckks_status dicom_wrong(const dicom_reader *r, const dicom_field *f,
                               const char *why)
{
    return nn_fail(CKKS_EFORMAT, "%s: DICOM %s (%04x,%04x) %s", r->walk.name,
                   f->what, (unsigned)(f->tag >> 16),
                   (unsigned)(f->tag & 0xffff), why);
}

static bool dicom_blank(uint8_t c)
{
    return c == ' ' || c == '\0';
}

static ckks_status dicom_word(int *out, const dicom_reader *r,
                              const dicom_field *f, const uint8_t *in,
                              size_t n)
{
    if (n != 2)
        return dicom_wrong(r, f, "is not 2 bytes long");
    *out = in[0] | in[1] << 8;
    return CKKS_OK;
}

static ckks_status dicom_whole(int *out, const dicom_reader *r,
                               const dicom_field *f, const uint8_t *in,
                               size_t n)
{
    double v;

    if (!uni_dicom_numbers(&v, 1, in, n) || v != floor(v)
        || fabs(v) > INT32_MAX)
        return dicom_wrong(r, f, "is no whole number");
    *out = (int)v;
    return CKKS_OK;
}

static ckks_status dicom_uid(char *out, const dicom_reader *r,
                             const dicom_field *f, const uint8_t *in, size_t n)
{
    while (n > 0 && dicom_blank(in[n - 1]))
        n--;
    if (n > UNI_DICOM_UID)
        return dicom_wrong(r, f, "is longer than 64 characters");
    memset(out, 0, UNI_DICOM_UID + 1);
    memcpy(out, in, n);
    return CKKS_OK;
}

/* ---- colour models ------------------------------------------------------- */

static const struct { const char *text; uni_dicom_colour colour;
                      const char *way; } dicom_colours[] = {
    { "MONOCHROME1", UNI_DICOM_INVERSE, NULL },
    { "MONOCHROME2", UNI_DICOM_GREY, NULL },
    { "RGB", UNI_DICOM_RGB, NULL },
    { "PALETTE COLOR", UNI_DICOM_NONE, "dcmj2pnm +on IN OUT.png looks its "
      "colours up" },
    { "YBR_FULL", UNI_DICOM_YBR, NULL },
    { "YBR_FULL_422", UNI_DICOM_NONE,
      "dcmj2pnm +on IN OUT.png makes RGB of it" },
};

static ckks_status dicom_colour(uni_dicom_colour *out, const dicom_reader *r,
                                const uint8_t *in, size_t n)
{
    while (n > 0 && dicom_blank(in[n - 1]))
        n--;
    for (size_t i = 0; i < sizeof dicom_colours / sizeof *dicom_colours; i++) {
        if (strlen(dicom_colours[i].text) != n
            || memcmp(dicom_colours[i].text, in, n) != 0)
            continue;
        *out = dicom_colours[i].colour;
        if (dicom_colours[i].way == NULL)
            return CKKS_OK;
        return nn_fail(CKKS_EFORMAT, "%s: DICOM pixels are %s; MONOCHROME1, "
                       "MONOCHROME2, RGB and YBR_FULL are read; %s",
                       r->walk.name, dicom_colours[i].text,
                       dicom_colours[i].way);
    }
    return nn_fail(CKKS_EFORMAT, "%s: DICOM pixels of an unknown colour model; "
                   "MONOCHROME1, MONOCHROME2, RGB and YBR_FULL are read; "
                   "dcmj2pnm +on IN OUT.png may make a picture of it",
                   r->walk.name);
}

/* ---- elements ------------------------------------------------------------ */

/* Memory for what the frames say of themselves. */
static ckks_status dicom_planes(dicom_reader *r)
{
    uni_dicom *d = &r->d;

    if (d->frames < 1 || d->frames > UNI_DICOM_FRAMES)
        return nn_fail(CKKS_EFORMAT, "%s: DICOM file of frames whose number, "
                       "%d, is not in 1..%d", r->walk.name, d->frames,
                       UNI_DICOM_FRAMES);
    d->plane = calloc((size_t)d->frames, sizeof *d->plane);
    return d->plane != NULL ? CKKS_OK
         : nn_fail(CKKS_EMEM, "%s: no memory for %d frames", r->walk.name,
                   d->frames);
}

/* Where a number of a plane goes; NULL: it says nothing of ours. */
static ckks_status dicom_plane(uni_dicom_plane **out, dicom_reader *r,
                               const dicom_field *f)
{
    const uni_dicom_walk *w = &r->walk;
    const int32_t item = w->level[1].item;
    ckks_status s = CKKS_OK;

    *out = NULL;
    if (w->depth == 0)
        *out = &r->d.all;
    if (w->depth != 2 || w->level[2].tag != f->group || w->level[2].item != 0)
        return CKKS_OK;
    if (w->level[1].tag == DICOM_SHARED && item == 0)
        *out = &r->d.all;
    if (w->level[1].tag != DICOM_FRAME)
        return CKKS_OK;
    if (r->d.plane == NULL)
        s = dicom_planes(r);
    if (s == CKKS_OK && item >= r->d.frames)
        s = nn_fail(CKKS_EFORMAT, "%s: DICOM file of %d frames that describes "
                    "more", w->name, r->d.frames);
    if (s == CKKS_OK)
        *out = &r->d.plane[item];
    return s;
}

static ckks_status dicom_real(dicom_reader *r, const dicom_field *f,
                              const uint8_t *in, size_t n)
{
    uni_dicom_plane *plane;
    ckks_status s = dicom_plane(&plane, r, f);

    if (s != CKKS_OK || plane == NULL)
        return s;
    if (!uni_dicom_numbers((double *)(void *)((char *)plane + f->to), f->count,
                           in, n))
        return dicom_wrong(r, f, f->count == 1 ? "is no number"
                                 : f->count == 2 ? "is not two numbers"
                                 : f->count == 3 ? "is not three numbers"
                                 : "is not six numbers");
    plane->has |= f->bit;
    return CKKS_OK;
}

static ckks_status dicom_field_read(dicom_reader *r, size_t i,
                                    const uint8_t *in, size_t n)
{
    const dicom_field *f = &dicom_fields[i];
    char *to = (char *)&r->d + f->to;

    if (f->kind == DICOM_DS)
        return dicom_real(r, f, in, n);
    if (r->walk.depth > 0)
        return CKKS_OK;
    if (r->d.plane != NULL)             /* of so many frames as there were   */
        return dicom_wrong(r, f, "stands behind the frames it holds of");
    r->d.has |= f->bit;
    switch (f->kind) {
    case DICOM_US:
        return dicom_word((int *)(void *)to, r, f, in, n);
    case DICOM_IS:
        return dicom_whole((int *)(void *)to, r, f, in, n);
    case DICOM_UI:
        return dicom_uid(to, r, f, in, n);
    default:
        return dicom_colour(&r->d.colour, r, in, n);
    }
}

static ckks_status dicom_element(dicom_reader *r, const uni_dicom_element *e)
{
    const uni_dicom_walk *w = &r->walk;

    if (w->level[1].tag == DICOM_LUT && w->depth > 0 && w->level[1].item >= 0)
        r->found.lut = true;
    if (w->depth == 0 && (e->tag == 0x7fe00008 || e->tag == 0x7fe00009))
        r->found.floats = true;
    if (w->depth == 0 && e->tag == UNI_DICOM_PIXELS) {
        r->found.fragments = e->length == UNI_DICOM_OPEN;
        r->d.pixels = e->at;
        r->found.length = r->found.fragments ? 0 : e->length;
    }
    if (e->length == UNI_DICOM_OPEN || e->length == 0)
        return CKKS_OK;                 /* empty: as if it were not there    */
    for (size_t i = 0; i < sizeof dicom_fields / sizeof *dicom_fields; i++) {
        if (dicom_fields[i].tag != e->tag)
            continue;
        if (e->at + e->length > w->have) {
            r->walk.cut = true;
            return CKKS_OK;
        }
        return dicom_field_read(r, i, w->in + e->at, e->length);
    }
    return CKKS_OK;
}

/* ---- the file ------------------------------------------------------------ */

/* Whether the pixels are behind us and nothing but zeros follows, as some
 * writers fill up; what follows is not looked at where it is not there. */
static bool dicom_filled(const dicom_reader *r)
{
    const uni_dicom_walk *w = &r->walk;

    if (w->depth > 0 || r->found.length == 0)
        return false;
    if (w->have < w->size)
        return true;
    for (size_t i = w->at; i < w->size; i++)
        if (w->in[i] != 0)
            return false;
    return true;
}

static ckks_status dicom_elements(dicom_reader *r)
{
    uni_dicom_element e;
    bool more = true;
    ckks_status s = CKKS_OK;

    while (s == CKKS_OK && more && !r->walk.cut && !r->found.fragments
           && !dicom_filled(r)) {
        s = uni_dicom_next(&more, &e, &r->walk);
        if (s == CKKS_OK && more)
            s = dicom_element(r, &e);
    }
    return s;
}

ckks_status uni_dicom_parse(uni_dicom *out, uni_dicom_part *part,
                            const char *name, const uint8_t *in, size_t have,
                            size_t size)
{
    dicom_reader r = { .d = { .frames = 1, .all = { .slope = 1 } } };
    ckks_status s = uni_dicom_begin(&r.walk, name, in, have, size);

    *part = UNI_DICOM_WHOLE;
    if (s == CKKS_OK)
        s = dicom_elements(&r);
    if (s == CKKS_OK && r.walk.cut && r.found.length == 0)
        *part = UNI_DICOM_CUT;
    else if (s == CKKS_OK)
        s = uni_dicom_check(&r.d, part, name, &r.found,
                            have == size ? in : NULL);
    if (s != CKKS_OK || *part == UNI_DICOM_CUT) {
        uni_dicom_clear(&r.d);
        return s;
    }
    uni_dicom_clear(out);
    *out = r.d;
    return CKKS_OK;
}

void uni_dicom_clear(uni_dicom *d)
{
    free(d->plane);
    memset(d, 0, sizeof *d);
}
