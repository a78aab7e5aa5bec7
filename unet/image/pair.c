/* pair.c -- NIfTI in two files that lie beside each other: NAME.hdr and
 * NAME.img, either gzipped.  Given either, the other one is found.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "image/codec.h"

static char pair_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Whether the n characters end so, in capitals or not. */
static bool pair_ends(const char *path, size_t n, const char *ending)
{
    const size_t k = strlen(ending);

    if (n <= k)
        return false;
    for (size_t i = 0; i < k; i++)
        if (pair_lower(path[n - k + i]) != ending[i])
            return false;
    return true;
}

/* A name: what stands before .hdr or .img, in which capitals, gzipped. */
typedef struct pair_name {
    size_t stem;
    bool header, capitals, gzip;
} pair_name;

static bool pair_split(pair_name *out, const char *path)
{
    size_t n = strlen(path);

    out->gzip = pair_ends(path, n, ".gz");
    n -= out->gzip ? 3 : 0;
    out->header = pair_ends(path, n, ".hdr");
    if (!out->header && !pair_ends(path, n, ".img"))
        return false;
    out->stem = n - 4;
    out->capitals = path[n - 1] == 'G' || path[n - 1] == 'R';
    return true;
}

static bool pair_is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* The other one, gzipped as this one is before the other way; *out NULL: it is
 * not there. */
static ckks_status pair_other(char **out, const char *path, const pair_name *p)
{
    const char *small = p->header ? ".img" : ".hdr";
    const char *large = p->header ? ".IMG" : ".HDR";
    char *name = malloc(p->stem + 8);

    *out = NULL;
    if (name == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory for a name", path);
    memcpy(name, path, p->stem);
    for (int i = 0; i < 2; i++) {
        const bool gzip = p->gzip != (i == 1);

        strcpy(name + p->stem, p->capitals ? large : small);
        strcpy(name + p->stem + 4, !gzip ? "" : p->capitals ? ".GZ" : ".gz");
        if (gzip && p->capitals && !pair_is_file(name))
            strcpy(name + p->stem + 4, ".gz");
        if (pair_is_file(name)) {
            *out = name;
            return CKKS_OK;
        }
    }
    free(name);
    return CKKS_OK;
}

/* path is NAME.hdr: its voxels, unless it holds them itself. */
static ckks_status pair_of_header(char **voxels, const char *path,
                                  const pair_name *p)
{
    uint8_t head[UNI_HEAD];
    const size_t n = uni_file_head(head, sizeof head, path);
    ckks_status s;

    if (uni_nifti_kind(head, n) != UNI_NIFTI_PAIR)
        return CKKS_OK;
    s = pair_other(voxels, path, p);
    if (s == CKKS_OK && *voxels == NULL)
        s = nn_fail(CKKS_EFORMAT, "%s: the header of a NIfTI pair; its voxels, "
                    "%.*s.img or %.*s.img.gz, are not there: copy both files",
                    path, (int)p->stem, path, (int)p->stem, path);
    return s;
}

/* No header lies beside NAME.img: an image by its first bytes, or nothing. */
static ckks_status pair_alone(const char *path, const pair_name *p,
                              const uint8_t *head, size_t n)
{
    ckks_status s;

    if (uni_image_known(head, n) && !uni_is_gzip(head, n))
        return CKKS_OK;
    s = uni_kind_check(path, head, n, false);
    return s != CKKS_OK ? s
         : nn_fail(CKKS_EFORMAT, "%s: voxels without their header; %.*s.hdr or "
                   "%.*s.hdr.gz is not there: copy both files", path,
                   (int)p->stem, path, (int)p->stem, path);
}

/* path is NAME.img: its header, unless it is an image itself. */
static ckks_status pair_of_voxels(char **header, char **voxels,
                                  const char *path, const pair_name *p)
{
    uint8_t head[UNI_HEAD];
    size_t n = uni_file_head(head, sizeof head, path);
    uni_nifti_part part;
    ckks_status s;

    if (n == 0 || uni_nifti_kind(head, n) == UNI_NIFTI_WHOLE)
        return CKKS_OK;
    s = pair_other(header, path, p);
    if (s == CKKS_OK && *header == NULL)
        return pair_alone(path, p, head, n);
    if (s != CKKS_OK)
        return s;
    n = uni_file_head(head, sizeof head, *header);
    part = uni_nifti_kind(head, n);
    if (part == UNI_NIFTI_PAIR) {
        *voxels = malloc(strlen(path) + 1);
        if (*voxels == NULL)
            return nn_fail(CKKS_EMEM, "%s: no memory for a name", path);
        strcpy(*voxels, path);
    } else if (part != UNI_NIFTI_BROKEN) {
        free(*header);
        *header = NULL;
    }
    return CKKS_OK;
}

ckks_status uni_pair_find(char **header, char **voxels, const char *path)
{
    pair_name p;
    ckks_status s;

    *header = *voxels = NULL;
    if (!pair_split(&p, path))
        return CKKS_OK;
    if (!p.header) {
        s = pair_of_voxels(header, voxels, path, &p);
    } else {
        s = pair_of_header(voxels, path, &p);
        if (s == CKKS_OK && *voxels != NULL) {
            *header = malloc(strlen(path) + 1);
            if (*header == NULL)
                s = nn_fail(CKKS_EMEM, "%s: no memory for a name", path);
            else
                strcpy(*header, path);
        }
    }
    if (s != CKKS_OK) {
        free(*header);
        free(*voxels);
        *header = *voxels = NULL;
    }
    return s;
}

bool uni_pair_first(const char *path)
{
    uint8_t head[UNI_HEAD];
    uni_nifti_part part;
    pair_name p;

    if (path == NULL || !pair_split(&p, path))
        return false;
    part = uni_nifti_kind(head, uni_file_head(head, sizeof head, path));
    return p.header ? part != UNI_NIFTI_NONE : part == UNI_NIFTI_WHOLE;
}

bool uni_pair_second(const char *path)
{
    char *header = NULL;
    pair_name p;
    bool yes = path != NULL && pair_split(&p, path) && !p.header
               && pair_other(&header, path, &p) == CKKS_OK && header != NULL
               && uni_pair_first(header);

    free(header);
    return yes;
}
