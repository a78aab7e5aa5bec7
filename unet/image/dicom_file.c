/* dicom_file.c -- DICOM files: their first bytes, or all of them. */
#include <stdlib.h>
#include <sys/stat.h>

#include "image/dicom.h"

enum { FILE_HEAD = 1 << 14 };

/* From the first bytes; *part: UNI_DICOM_CUT, if they are too few. */
static ckks_status file_head(uni_dicom *out, uni_dicom_part *part,
                             const char *path)
{
    uint8_t *head = malloc(FILE_HEAD);
    struct stat st;
    size_t n;
    ckks_status s;

    if (head == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory", path);
    n = uni_file_head(head, FILE_HEAD, path);
    s = stat(path, &st) == 0 && st.st_size >= 0 && (uint64_t)st.st_size >= n
      ? uni_dicom_parse(out, part, path, head, n, (size_t)st.st_size)
      : nn_fail(CKKS_EIO, "%s: it cannot be read", path);
    free(head);
    return s;
}

ckks_status uni_dicom_read(uni_dicom *out, uint8_t **bytes, size_t *size,
                           const char *path)
{
    uni_dicom_part part;
    uint8_t *in = NULL;
    size_t n = 0;
    ckks_status s = nn_relay(ckks_file_read(&in, &n, path, UNI_MOST_VOLUME),
                             NULL);

    if (s != CKKS_OK)
        return s;
    s = uni_dicom_parse(out, &part, path, in, n, n);
    if (s != CKKS_OK) {
        ckks_file_free(in, n);
        return s;
    }
    *bytes = in;
    *size = n;
    return CKKS_OK;
}

ckks_status uni_dicom_look(uni_dicom *out, uni_dicom_part *part,
                           const char *path)
{
    uint8_t *in = NULL;
    size_t n = 0;
    ckks_status s = uni_file_check(path, UNI_MOST_VOLUME);

    *part = UNI_DICOM_WHOLE;
    if (s == CKKS_OK)
        s = file_head(out, part, path);
    if (s != CKKS_OK || *part != UNI_DICOM_CUT)
        return s;
    s = nn_relay(ckks_file_read(&in, &n, path, UNI_MOST_VOLUME), NULL);
    if (s == CKKS_OK)
        s = uni_dicom_parse(out, part, path, in, n, n);
    if (in != NULL)
        ckks_file_free(in, n);
    return s;
}
