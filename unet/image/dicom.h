/* dicom.h -- private to libunet: DICOM files, as far as their pixels are not
 * compressed.
 *
 * Of a file's tags those are kept that say what its pixels are and where they
 * lie, and which series it is of (a UID, which is compared and never printed).
 * No tag that names a person is looked at, and no message holds a text of the
 * file: it names the file alone.
 */
#ifndef UNET_DICOM_H
#define UNET_DICOM_H

#include "image/codec.h"
#include "image/volume.h"

/* ---- elements (dicom_walk.c) --------------------------------------------- */

enum { UNI_DICOM_DEPTH = 32, UNI_DICOM_UID = 64 };
#define UNI_DICOM_OPEN SIZE_MAX     /* a length that a delimiter ends        */
#define UNI_DICOM_PIXELS 0x7fe00010u

/* A sequence that is being read, or the data set itself (tag 0, one item). */
typedef struct uni_dicom_level {
    uint32_t tag;
    int32_t item;               /* number of its item, -1: before the first  */
    size_t end, item_end;       /* UNI_DICOM_OPEN: a delimiter ends it       */
    size_t limit;               /* nothing of it lies at or beyond           */
    bool in_item;
    bool typed;                 /* elements say their type: explicit         */
} uni_dicom_level;

typedef struct uni_dicom_element {
    uint32_t tag;               /* group x 65536 + element                   */
    size_t at, length;          /* of its value in the file; a sequence whose
                                 * elements follow: UNI_DICOM_OPEN           */
} uni_dicom_element;

/* The elements of a file, one after the other.  Sequences are passed over where
 * their length is known and nothing of them is used; the others are entered,
 * at most UNI_DICOM_DEPTH deep. */
typedef struct uni_dicom_walk {
    const char *name;           /* for messages                              */
    const uint8_t *in;
    size_t have;                /* bytes that are there ...                  */
    size_t size;                /* ... of those that the file has            */
    size_t at;
    bool meta;                  /* in group 2, which is always explicit      */
    bool cut;                   /* stopped, since bytes beyond have are due  */
    int depth;
    uni_dicom_level level[UNI_DICOM_DEPTH + 1];
    uni_dicom_element syntax;   /* tag 0: not there                          */
} uni_dicom_walk;

/* By the first bytes: with a preamble (of which a TIFF may be made), or
 * without. */
bool uni_is_dicom(const uint8_t *in, size_t size);

/*   errors  CKKS_EFORMAT  no DICOM */
CKKS_CHECKED ckks_status uni_dicom_begin(uni_dicom_walk *out, const char *name,
                                         const uint8_t *in, size_t have,
                                         size_t size);
/* The next element; *more: there was one.
 *   errors  CKKS_EFORMAT  cut short, a length beyond what holds it, no
 *                         element, too deep; a transfer syntax not taken */
CKKS_CHECKED ckks_status uni_dicom_next(bool *more, uni_dicom_element *out,
                                        uni_dicom_walk *w);

/* Whether elements of a transfer syntax say their types.
 *   errors  CKKS_EFORMAT  refused, with its name and the way out */
CKKS_CHECKED ckks_status uni_dicom_syntax(bool *typed, const char *name,
                                          const uint8_t *uid, size_t length);

/* ---- what is kept of a file (dicom.c) ------------------------------------ */

enum {
    UNI_DICOM_POSITION = 1, UNI_DICOM_AXES = 2, UNI_DICOM_SPACING = 4,
    UNI_DICOM_BETWEEN = 8, UNI_DICOM_THICKNESS = 16, UNI_DICOM_SLOPE = 32,
    UNI_DICOM_INTER = 64
};

/* Where a frame lies and what its values mean, as far as the bits of has say.
 * Lengths in mm, x to the patient's left, y to the back, z to the head. */
typedef struct uni_dicom_plane {
    unsigned has;
    double position[3];         /* of the centre of the first pixel          */
    double axes[6];             /* direction along a row, along a column     */
    double spacing[2];          /* between rows, between columns             */
    double between, thickness;  /* of slices                                 */
    double slope, inter;        /* value = slope x stored + inter            */
} uni_dicom_plane;

typedef enum uni_dicom_colour {
    UNI_DICOM_NONE,             /* refused                                   */
    UNI_DICOM_GREY, UNI_DICOM_INVERSE,  /* MONOCHROME2, MONOCHROME1          */
    UNI_DICOM_RGB, UNI_DICOM_YBR        /* YBR_FULL                          */
} uni_dicom_colour;

/* Tags of the file that were there and not empty. */
enum {
    UNI_DICOM_ROWS = 1, UNI_DICOM_COLUMNS = 2, UNI_DICOM_ALLOCATED = 4,
    UNI_DICOM_COLOUR = 8, UNI_DICOM_SAMPLES = 16, UNI_DICOM_STORED = 32,
    UNI_DICOM_HIGH = 64, UNI_DICOM_PADDING = 128, UNI_DICOM_PADDINGS = 256
};
enum { UNI_DICOM_FRAMES = 32767 };

typedef struct uni_dicom {
    unsigned has;
    uni_dicom_colour colour;
    int rows, columns, samples, frames;
    int planar;                 /* 1: colour plane after colour plane        */
    int allocated, stored, high; /* bits of a word, of a value, its highest  */
    int is_signed;
    int padding[2];             /* least and most stored value of padding;
                                 * the second below the first: none          */
    size_t pixels;              /* where in the file                         */
    int series_number;          /* 0: not there                              */
    char series[UNI_DICOM_UID + 1];
    uni_dicom_plane all;        /* of every frame that says nothing else     */
    uni_dicom_plane *plane;     /* shape (frames); NULL: all of them are all */
} uni_dicom;

typedef enum uni_dicom_part {
    UNI_DICOM_WHOLE,            /* all that was asked for                    */
    UNI_DICOM_CUT,              /* OK, but more bytes are needed             */
    UNI_DICOM_EMPTY             /* refused since it has no pixels            */
} uni_dicom_part;

/* What else there was. */
typedef struct uni_dicom_found {
    bool lut;                   /* a table that makes values                 */
    bool floats;                /* pixels that are floats                    */
    bool fragments;             /* pixels in fragments, as compressed ones   */
    size_t length;              /* of the pixels; 0: there are none          */
} uni_dicom_found;

/* The tags of a file of size bytes, of which have are there; where they are too
 * few out is left alone.  Pixels are bounded, not read.
 *   errors  CKKS_EFORMAT  refused */
CKKS_CHECKED ckks_status uni_dicom_parse(uni_dicom *out, uni_dicom_part *part,
                                         const char *name, const uint8_t *in,
                                         size_t have, size_t size);
void uni_dicom_clear(uni_dicom *d);

/* One tag against the other, and all against the pixels' bytes; what may be
 * missing is filled in.  in: all bytes of the file, or NULL.
 *   errors  CKKS_EFORMAT  refused */
CKKS_CHECKED ckks_status uni_dicom_check(uni_dicom *d, uni_dicom_part *part,
                                         const char *name,
                                         const uni_dicom_found *found,
                                         const uint8_t *in);

/* count numbers (at most 6) between backslashes, no more and no fewer, finite;
 * false: there are not. */
bool uni_dicom_numbers(double *out, size_t count, const uint8_t *in,
                       size_t n);

/* The plane of a frame: what it says itself, else what holds of all. */
uni_dicom_plane uni_dicom_at(const uni_dicom *d, int frame);

/* ---- pixels (dicom_pixels.c) --------------------------------------------- */

/* How many bytes a voxel has: colour 3, else 1 or 2. */
int uni_dicom_voxel_bytes(const uni_dicom *d);
/* The stored values of a frame in the machine's byte order, shape (rows,
 * columns), of colour (rows, columns, 3); in: the file, parsed.  MONOCHROME1 is
 * turned round, as if the same picture had been stored as MONOCHROME2: least +
 * most - value, of the values that its bits hold.  YBR_FULL becomes RGB, to the
 * nearest. */
void uni_dicom_values(uint8_t *out, const uni_dicom *d, const uint8_t *in,
                      int frame);
/* Stored values of padding, low to high, turned as they are; false: none. */
bool uni_dicom_padding(int out[2], const uni_dicom *d);

/* ---- images as slices of a volume (dicom_stack.c) ------------------------ */

typedef struct uni_dicom_stack {
    size_t count;               /* at least 1                                */
    const uni_dicom_plane *plane;       /* shape (count)                     */
    const char *const *name;    /* shape (count), of files, for messages;
                                 * or of one file, and the planes are its    */
    bool frames;                /* frames                                    */
    size_t *order;              /* shape (count), out: the image of slice k  */
    bool placed;                /* out: the affine holds                     */
    double affine[3][4];        /* (column, row, slice, 1) to mm, RAS        */
} uni_dicom_stack;

/* Puts slices in order along their normal.  Images without positions stay in
 * their order, and nothing is placed.
 *   errors  CKKS_EFORMAT  no slices of one volume: the message says which
 *                         and by how much
 *           CKKS_EMEM */
CKKS_CHECKED ckks_status uni_dicom_stack_up(uni_dicom_stack *in);

/* ---- files (dicom_file.c) ------------------------------------------------ */

typedef struct uni_dicom_file {
    char *path;                 /* malloc                                    */
    const uint8_t *in;          /* all its bytes; NULL: they are in the file */
    uni_dicom d;
} uni_dicom_file;

/* The tags, from the first bytes of the file where they are enough.
 *   errors  CKKS_EIO, CKKS_EFORMAT, CKKS_EMEM */
CKKS_CHECKED ckks_status uni_dicom_look(uni_dicom *out, uni_dicom_part *part,
                                        const char *path);
/* The same from all bytes, which are given to be freed with ckks_file_free. */
CKKS_CHECKED ckks_status uni_dicom_read(uni_dicom *out, uint8_t **bytes,
                                        size_t *size, const char *path);

/* ---- volumes (dicom_volume.c) -------------------------------------------- */

/* The frames of one file, or several files of one frame, as a volume; all of it
 * but its name, and its voxels where they are asked for.  name: for messages,
 * the file or the folder.
 *   slope    where it differs from slice to slice, voxels become doubles of
 *            slope x stored + intercept
 *   errors   CKKS_EFORMAT  no slices of one volume, sizes over the caps
 *            CKKS_EIO, CKKS_EMEM */
CKKS_CHECKED ckks_status uni_dicom_volume(uni_volume *out, const char *name,
                                          const uni_dicom_file *file,
                                          size_t files, bool voxels);

/* ---- folders (dicom_series.c) -------------------------------------------- */

/* The series that a folder holds: its DICOM files with pixels, by the number of
 * their series and its UID. */
typedef struct uni_dicom_folder {
    uni_dicom_file *file;       /* shape (files); series after series        */
    size_t files, room;
    bool dicom;                 /* there was one, if refused or without
                                 * pixels                                    */
    size_t others;              /* files called images of other kinds        */
    size_t series;
    size_t *first;              /* shape (series + 1): where each begins     */
} uni_dicom_folder;

/*   errors  CKKS_EIO      the folder cannot be read
 *           CKKS_EFORMAT  one of its DICOM files is refused; none has pixels
 *           CKKS_EMEM */
CKKS_CHECKED ckks_status uni_dicom_folder_open(uni_dicom_folder *out,
                                               const char *path);
void uni_dicom_folder_clear(uni_dicom_folder *f);
/* Whether a folder holds slices: the first of its DICOM files with pixels has a
 * place.  X-rays and photographs have none: each is an image by itself.  Also
 * where reading it says why it is refused. */
bool uni_dicom_folder_is(const char *path);

/* ---- the two as formats of volumes (dicom_format.c) ---------------------- */

/* A volume of the bytes of a file; name is for messages. */
CKKS_CHECKED ckks_status uni_dicom_decode(uni_volume *out, const char *name,
                                          const uint8_t *in, size_t size);
/* As in uni_volume_format: a file; a folder of them, of whose series volume is
 * the number. */
bool uni_dicom_file_is(const char *path, const uint8_t *head, size_t n);
CKKS_CHECKED ckks_status uni_dicom_file_read(uni_volume *out, const char *path,
                                             int volume, bool voxels);
bool uni_dicom_series_is(const char *path, const uint8_t *head, size_t n);
CKKS_CHECKED ckks_status uni_dicom_series_read(uni_volume *out,
                                               const char *path, int volume,
                                               bool voxels);

#endif
