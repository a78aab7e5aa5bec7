/* kinds.c -- files that are no image of ours, by their first bytes: what they
 * are, and what makes an image of them.
 */
#include <string.h>

#include "image/codec.h"

typedef struct kind_bytes {
    uint8_t at, size;           /* size 0: nothing is asked for              */
    const char *bytes;
} kind_bytes;

typedef struct kind {
    kind_bytes first, second;
    const char *what, *way;
} kind;

#define DICOM "a DICOM file", "gunzip it first"     /* plain it is read    */
#define TIFF "a TIFF file", "convert IN OUT.png (one page a file)"
#define PICTURE "convert IN OUT.png"
#define PAGE "a web page, not the file it was to lead to", \
    "the download failed or asks who you are: load it with a browser"
#define META "a MetaImage (MHA, MHD)", "ITK and SimpleITK write NIfTI of it: " \
    "SimpleITK.WriteImage(SimpleITK.ReadImage(IN), \"OUT.nii.gz\")"

/* The first that fits counts: DICOM may stand behind 128 bytes of anything. */
static const kind kinds[] = {
    { { 128, 4, "DICM" }, { 0 }, DICOM },
    { { 0, 6, "\2\0\0\0UL" }, { 0 }, DICOM },           /* no preamble       */
    { { 0, 4, "\10\0\0\0" }, { 4, 4, "\4\0\0\0" }, DICOM },
    { { 0, 6, "\10\0\0\0UL" }, { 0 }, DICOM },
    { { 0, 4, "\10\0\5\0" }, { 6, 2, "\0\0" }, DICOM },
    { { 0, 6, "\10\0\5\0CS" }, { 0 }, DICOM },
    { { 0, 4, "\10\0\10\0" }, { 6, 2, "\0\0" }, DICOM },
    { { 0, 6, "\10\0\10\0CS" }, { 0 }, DICOM },
    { { 0, 4, "\10\0\26\0" }, { 6, 2, "\0\0" }, DICOM },
    { { 0, 6, "\10\0\26\0UI" }, { 0 }, DICOM },
    { { 0, 4, "II*\0" }, { 0 }, TIFF },
    { { 0, 4, "MM\0*" }, { 0 }, TIFF },
    { { 0, 4, "II+\0" }, { 0 }, TIFF },                 /* BigTIFF           */
    { { 0, 4, "MM\0+" }, { 0 }, TIFF },
    { { 0, 2, "BM" }, { 6, 4, "\0\0\0\0" }, "a BMP picture", PICTURE },
    { { 0, 4, "GIF8" }, { 0 }, "a GIF picture", "convert 'IN[0]' OUT.png" },
    { { 0, 4, "RIFF" }, { 8, 4, "WEBP" }, "a WebP picture",
      "dwebp IN -o OUT.png" },
    { { 0, 12, "\0\0\0\14jP  \r\n\x87\n" }, { 0 }, "a JPEG 2000 picture",
      "opj_decompress -i IN -o OUT.png" },
    { { 0, 4, "\xff\x4f\xff\x51" }, { 0 }, "a JPEG 2000 picture",
      "opj_decompress -i IN -o OUT.png" },
    { { 0, 12, "\0\0\0\14JXL \r\n\x87\n" }, { 0 }, "a JPEG XL picture",
      "djxl IN OUT.png" },
    { { 0, 2, "\xff\n" }, { 0 }, "a JPEG XL picture", "djxl IN OUT.png" },
    { { 4, 4, "ftyp" }, { 0 }, "a HEIF or AVIF picture, or a film", PICTURE },
    { { 0, 4, "8BPS" }, { 0 }, "a Photoshop picture",
      "convert 'IN[0]' OUT.png" },
    { { 0, 4, "v/1\1" }, { 0 }, "an OpenEXR picture", PICTURE },
    { { 0, 2, "#?" }, { 0 }, "a Radiance picture", PICTURE },
    { { 0, 4, "\0\0\1\0" }, { 5, 1, "\0" }, "an icon", PICTURE },
    { { 0, 2, "PF" }, { 2, 1, "\n" }, "a PFM picture", PICTURE },
    { { 0, 2, "Pf" }, { 2, 1, "\n" }, "a PFM picture", PICTURE },
    { { 0, 4, "%PDF" }, { 0 }, "a PDF document", "pdftoppm -png IN OUT" },
    { { 0, 4, "%!PS" }, { 0 }, "a PostScript document", PICTURE },
    { { 0, 6, "SIMPLE" }, { 6, 2, "  " }, "a FITS file", PICTURE },
    { { 0, 4, "NRRD" }, { 0 }, "an NRRD volume", "ITK and SimpleITK write "
      "NIfTI of it: SimpleITK.WriteImage(SimpleITK.ReadImage(IN), "
      "\"OUT.nii.gz\")" },
    { { 0, 10, "ObjectType" }, { 0 }, META },
    { { 0, 5, "NDims" }, { 0 }, META },
    { { 0, 6, "\0\0\0\1\0\0" }, { 8, 2, "\0\0" }, "an MGH volume (.mgh, .mgz)",
      "mri_convert IN OUT.nii.gz" },
    { { 0, 4, "CDF\1" }, { 0 }, "a MINC or NetCDF file",
      "mnc2nii IN OUT.nii" },
    { { 0, 4, "\x89HDF" }, { 0 }, "an HDF5 file (MINC 2, MATLAB)",
      "mri_convert IN OUT.nii.gz for MINC; else write PNG or NIfTI of what is "
      "in it" },
    { { 0, 6, "MATLAB" }, { 0 }, "a MATLAB file",
      "imwrite(uint8(x), 'OUT.png') in MATLAB" },
    { { 0, 6, "\x93NUMPY" }, { 0 }, "a NumPy array (.npy)",
      "write PNG of it (imageio.imwrite) or NIfTI (nibabel.save)" },
    { { 0, 4, "PK\3\4" }, { 0 }, "a ZIP archive (also .npz)",
      "unzip it first" },
    { { 0, 3, "BZh" }, { 0 }, "compressed by bzip2", "bunzip2 it first" },
    { { 0, 6, "\xfd" "7zXZ\0" }, { 0 }, "compressed by xz", "unxz it first" },
    { { 0, 4, "\x28\xb5\x2f\xfd" }, { 0 }, "compressed by zstd",
      "unzstd it first" },
    { { 0, 4, "7z\xbc\xaf" }, { 0 }, "a 7z archive", "7z x IN first" },
    { { 0, 4, "Rar!" }, { 0 }, "a RAR archive", "unpack it first" },
    { { 0, 2, "\x1f\x9d" }, { 0 }, "compressed by compress",
      "uncompress it first" },
    { { 0, 23, "version https://git-lfs" }, { 0 },
      "a Git LFS pointer, which stands for the file", "git lfs pull" },
    { { 0, 15, "/annex/objects/" }, { 0 },
      "a git-annex pointer, which stands for the file", "git annex get IN" },
};

/* Texts, behind white space and a byte order mark, in capitals or not. */
static const kind texts[] = {
    { { 0, 14, "<!doctype html" }, { 0 }, PAGE },
    { { 0, 5, "<html" }, { 0 }, PAGE },
    { { 0, 5, "<head" }, { 0 }, PAGE },
    { { 0, 5, "<body" }, { 0 }, PAGE },
    { { 0, 4, "<svg" }, { 0 }, "an SVG drawing", PICTURE },
    { { 0, 8, "<vtkfile" }, { 0 }, "a VTK file", "write NIfTI or PNG of it" },
    { { 0, 5, "<?xml" }, { 0 }, "an XML document (an answer of a server, a "
      "drawing, an annotation)", "load the image itself" },
};

static bool kind_has(const uint8_t *in, size_t size, const kind_bytes *b,
                     bool text)
{
    if (b->size == 0)
        return true;
    if (size < b->at || size - b->at < b->size)
        return false;
    for (size_t i = 0; i < b->size; i++) {
        uint8_t c = in[b->at + i];

        if (text && c >= 'A' && c <= 'Z')
            c = (uint8_t)(c - 'A' + 'a');
        if (c != (uint8_t)b->bytes[i])
            return false;
    }
    return true;
}

static const kind *kind_find(const uint8_t *in, size_t size)
{
    size_t at = 0;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kind_has(in, size, &kinds[i].first, false)
            && kind_has(in, size, &kinds[i].second, false))
            return &kinds[i];
    if (size >= 3 && memcmp(in, "\xef\xbb\xbf", 3) == 0)
        at = 3;
    while (at < size && (in[at] == ' ' || (in[at] >= '\t' && in[at] <= '\r')))
        at++;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (kind_has(in + at, size - at, &texts[i].first, true))
            return &texts[i];
    return NULL;
}

ckks_status uni_kind_check(const char *name, const uint8_t *in, size_t size,
                           bool gzip)
{
    /* a header of tar: one of several files */
    static const kind tar = { { 0 }, { 0 }, "a tar archive",
                              "tar xf IN first" };
    const kind *k = kind_find(in, size);

    if (k == NULL && size >= 262 && memcmp(in + 257, "ustar", 5) == 0)
        k = &tar;
    if (k == NULL)
        return CKKS_OK;
    return nn_fail(CKKS_EFORMAT, "%s: this is %s%s, which is not taken; %s",
                   name, k->what, gzip ? ", gzipped" : "", k->way);
}
