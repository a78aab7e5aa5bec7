/* dicom_syntax.c -- transfer syntaxes [DICOM25]: how a file's elements and
 * pixels are written, by a number.  Two are taken, the others have names and a
 * way out.
 */
#include <string.h>

#include "image/dicom.h"

#define RAW "gdcmconv --raw IN OUT decompresses it"
#define ANEW "dcmconv +te IN OUT writes it anew"
#define FILM "dcm2img or ffmpeg make pictures of it: it is a film"
#define NEWER "write it without compression where it comes from (gdcmconv " \
    "before version 3.1 does not know it)"

typedef struct dicom_syntax {
    const char *uid;            /* behind 1.2.840.10008.1.2                  */
    const char *what, *way;     /* way NULL: taken                           */
} dicom_syntax;

static const dicom_syntax syntaxes[] = {
    { "", "implicit little endian", NULL },
    { ".1", "explicit little endian", NULL },
    { ".1.98", "encapsulated uncompressed", RAW },
    { ".1.99", "deflated", ANEW },
    { ".2", "explicit big endian", ANEW },
    { ".4.50", "JPEG baseline", RAW },
    { ".4.51", "JPEG extended", RAW },
    { ".4.57", "JPEG lossless", RAW },
    { ".4.70", "JPEG lossless (first order)", RAW },
    { ".4.80", "JPEG-LS lossless", RAW },
    { ".4.81", "JPEG-LS near-lossless", RAW },
    { ".4.90", "JPEG 2000 lossless", RAW },
    { ".4.91", "JPEG 2000", RAW },
    { ".4.92", "JPEG 2000 multi-component lossless", RAW },
    { ".4.93", "JPEG 2000 multi-component", RAW },
    { ".4.94", "JPIP, whose pixels are on a server", "load them first" },
    { ".4.95", "JPIP deflated, whose pixels are on a server",
      "load them first" },
    { ".4.100", "MPEG-2", FILM }, { ".4.100.1", "MPEG-2", FILM },
    { ".4.101", "MPEG-2 high level", FILM },
    { ".4.101.1", "MPEG-2 high level", FILM },
    { ".4.102", "MPEG-4", FILM }, { ".4.102.1", "MPEG-4", FILM },
    { ".4.103", "MPEG-4 Blu-ray", FILM },
    { ".4.103.1", "MPEG-4 Blu-ray", FILM },
    { ".4.104", "MPEG-4 2D", FILM }, { ".4.104.1", "MPEG-4 2D", FILM },
    { ".4.105", "MPEG-4 3D", FILM }, { ".4.105.1", "MPEG-4 3D", FILM },
    { ".4.106", "MPEG-4 stereo", FILM },
    { ".4.106.1", "MPEG-4 stereo", FILM },
    { ".4.107", "HEVC", FILM }, { ".4.108", "HEVC of 10 bits", FILM },
    { ".4.110", "JPEG XL lossless", NEWER },
    { ".4.111", "JPEG XL of JPEG", NEWER },
    { ".4.112", "JPEG XL", NEWER },
    { ".4.201", "high-throughput JPEG 2000 lossless", NEWER },
    { ".4.202", "high-throughput JPEG 2000 lossless", NEWER },
    { ".4.203", "high-throughput JPEG 2000", NEWER },
    { ".4.204", "JPIP, whose pixels are on a server", "load them first" },
    { ".4.205", "JPIP deflated, whose pixels are on a server",
      "load them first" },
    { ".5", "RLE lossless", RAW }
};

/* The syntax of a UID that blanks or zeros may follow; NULL: unknown. */
static const dicom_syntax *syntax_find(const uint8_t *uid, size_t length)
{
    static const char root[] = "1.2.840.10008.1.2";
    const size_t k = sizeof root - 1;

    while (length > 0 && (uid[length - 1] == 0 || uid[length - 1] == ' '))
        length--;
    if (length < k || memcmp(uid, root, k) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof syntaxes / sizeof *syntaxes; i++)
        if (strlen(syntaxes[i].uid) == length - k
            && memcmp(syntaxes[i].uid, uid + k, length - k) == 0)
            return &syntaxes[i];
    return NULL;
}

ckks_status uni_dicom_syntax(bool *typed, const char *name,
                             const uint8_t *uid, size_t length)
{
    const dicom_syntax *t = syntax_find(uid, length);

    if (t == NULL)
        return nn_fail(CKKS_EFORMAT, "%s: a DICOM file in a transfer syntax "
                       "that is no standard's; gdcmconv --raw IN OUT or "
                       "dcm2niix -o OUT FOLDER may know it", name);
    if (t->way != NULL)
        return nn_fail(CKKS_EFORMAT, "%s: a DICOM file in the transfer syntax "
                       "%s, which is not read; %s", name, t->what, t->way);
    *typed = t->uid[0] != '\0';
    return CKKS_OK;
}
