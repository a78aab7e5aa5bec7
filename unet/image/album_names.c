/* album_names.c -- the files that folders and lists name.  Contracts in
 * album.h.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "image/album.h"
#include "image/codec.h"
#include "image/dicom.h"

enum { NAMES_MAX_LIST = 1 << 26 };

void uni_names_clear(uni_names *names)
{
    if (names == NULL)
        return;
    for (size_t i = 0; i < names->count; i++)
        free(names->name[i]);
    free(names->name);
    free(names->other);
    memset(names, 0, sizeof *names);
}

/* Takes the name over, also on failure. */
static ckks_status names_add(uni_names *to, char *name)
{
    if (name != NULL && to->count >= UNET_MAX_IMAGES) {
        free(name);
        return nn_fail(CKKS_EARG, "more than %d files", UNET_MAX_IMAGES);
    }
    if (name != NULL && to->count == to->room) {
        size_t room = 2 * to->room + 64;
        char **grown = realloc(to->name, room * sizeof *grown);

        if (grown == NULL) {
            free(name);
            name = NULL;
        } else {
            to->name = grown;
            to->room = room;
        }
    }
    if (name == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu names", to->count + 1);
    to->name[to->count++] = name;
    return CKKS_OK;
}

/* n bytes of folder/name, or of name if folder is NULL. */
static char *names_join(const char *folder, const char *name, size_t n)
{
    size_t k = folder != NULL ? strlen(folder) : 0;
    char *out = malloc(k + n + 2);

    if (out == NULL)
        return NULL;
    if (k > 0) {
        memcpy(out, folder, k);
        if (folder[k - 1] != '/')
            out[k++] = '/';
    }
    memcpy(out + k, name, n);
    out[k + n] = '\0';
    return out;
}

/* ---- folders ------------------------------------------------------------ */

static int names_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A file that is no image; of several the first by name is remembered. */
static ckks_status names_skip(uni_names *to, char *name)
{
    if (name == NULL)
        return nn_fail(CKKS_EMEM, "no memory for a name");
    to->skipped++;
    if (to->other != NULL && strcmp(name, to->other) >= 0) {
        free(name);
        return CKKS_OK;
    }
    free(to->other);
    to->other = name;
    return CKKS_OK;
}

/* A file that is to be an image; a folder that is called one, a pipe or a
 * device is refused before anything is read. */
static ckks_status names_image(uni_names *to, char *name)
{
    struct stat st;

    if (name != NULL && stat(name, &st) == 0 && !S_ISREG(st.st_mode)) {
        const ckks_status s = uni_file_check(name, SIZE_MAX);

        free(name);
        return s;
    }
    return names_add(to, name);
}

/* DICOM files have any name, and those without pixels are no images. */
static bool names_dicom(const char *path)
{
    uint8_t head[UNI_HEAD];
    uni_dicom_part part = UNI_DICOM_WHOLE;
    uni_dicom d = {0};

    if (path == NULL
        || !uni_dicom_file_is(path, head, uni_file_head(head, sizeof head,
                                                        path)))
        return false;
    if (uni_dicom_look(&d, &part, path) == CKKS_OK)
        uni_dicom_clear(&d);
    return part != UNI_DICOM_EMPTY;
}

/* A file of a folder, or NULL; takes it over.  Voxels whose header lies beside
 * them are neither an image nor another file. */
static ckks_status names_entry(uni_names *to, char *name, bool named)
{
    if (named || uni_pair_first(name) || names_dicom(name))
        return names_image(to, name);
    if (!uni_pair_second(name))
        return names_skip(to, name);
    free(name);
    return CKKS_OK;
}

static ckks_status names_folder(uni_names *to, const char *path)
{
    const size_t before = to->count, skipped = to->skipped;
    ckks_status s = CKKS_OK;
    DIR *folder = opendir(path);

    if (folder == NULL)
        return nn_fail(CKKS_EIO, "opening the folder %s: %s", path,
                       strerror(errno));
    for (struct dirent *e; s == CKKS_OK && (e = readdir(folder)) != NULL;) {
        char *name;

        if (e->d_name[0] == '.')
            continue;
        name = names_join(path, e->d_name, strlen(e->d_name));
        s = names_entry(to, name, uni_image_named(e->d_name));
    }
    (void)closedir(folder);
    if (s != CKKS_OK)
        return s;
    if (to->count == before)
        return nn_fail(CKKS_EARG, "%s: no image in this folder, %zu other "
                       "file%s; names of images end in .pgm, .ppm, .png, "
                       ".jpg, .jpeg, .nii, .nii.gz, of pairs .hdr and .img, "
                       "and of DICOM files as they like; folders in it are "
                       "not opened", path,
                       to->skipped - skipped,
                       to->skipped - skipped == 1 ? "" : "s");
    qsort(to->name + before, to->count - before, sizeof *to->name,
          names_compare);
    return CKKS_OK;
}

static ckks_status names_plain(uni_names *to, const char *path)
{
    struct stat st;

    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)
        && !uni_dicom_series_is(path, NULL, 0))
        return names_folder(to, path);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        size_t n = strlen(path);

        while (n > 1 && path[n - 1] == '/')     /* results are called so     */
            n--;
        return names_add(to, names_join(NULL, path, n));
    }
    return names_image(to, names_join(NULL, path, strlen(path)));
}

/* ---- lists -------------------------------------------------------------- */

/* A refusal of what a line names, with the line's number. */
static ckks_status names_told(ckks_status s, const char *list, size_t number)
{
    char why[600];

    snprintf(why, sizeof why, "%s", nn_last_error());
    return nn_fail(s, "%s: line %zu: %s", list, number, why);
}

/* Without blanks at its end; # begins a comment. */
static ckks_status names_line(uni_names *to, const char *list, size_t number,
                              const char *line, size_t n)
{
    char *path;
    ckks_status s;

    while (n > 0 && (line[n - 1] == '\r' || line[n - 1] == ' '
                     || line[n - 1] == '\t'))
        n--;
    if (n == 0 || line[0] == '#')
        return CKKS_OK;
    if (memchr(line, '\0', n) != NULL)
        return nn_fail(CKKS_EFORMAT, "%s: line %zu holds a byte 0: not a list "
                       "of names", list, number);
    if (line[0] == '@')
        return nn_fail(CKKS_EFORMAT, "%s: line %zu names another list", list,
                       number);
    path = names_join(NULL, line, n);
    if (path == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory for line %zu", list, number);
    s = names_plain(to, path);
    free(path);
    return s == CKKS_OK ? s : names_told(s, list, number);
}

/* The bytes before the first line: none, or the mark of UTF-8.
 *   errors  CKKS_EFORMAT  the mark of UTF-16 */
static ckks_status names_mark(size_t *at, const char *list,
                              const uint8_t *bytes, size_t size)
{
    static const uint8_t mark[3] = { 0xef, 0xbb, 0xbf };

    *at = size >= 3 && memcmp(bytes, mark, 3) == 0 ? 3 : 0;
    if (size >= 2 && ((bytes[0] == 0xff && bytes[1] == 0xfe)
                      || (bytes[0] == 0xfe && bytes[1] == 0xff)))
        return nn_fail(CKKS_EFORMAT, "%s: a list in UTF-16; save it as UTF-8",
                       list);
    return CKKS_OK;
}

static ckks_status names_list(uni_names *to, const char *list)
{
    const size_t before = to->count;
    uint8_t *bytes = NULL;
    size_t size = 0, at = 0, number = 1;
    ckks_status s = uni_file_read(&bytes, &size, list, NAMES_MAX_LIST);

    if (s != CKKS_OK)
        return s;
    s = names_mark(&at, list, bytes, size);
    for (; at < size && s == CKKS_OK; number++) {
        const char *line = (const char *)bytes + at;
        const char *end = memchr(line, '\n', size - at);
        size_t n = end != NULL ? (size_t)(end - line) : size - at;

        s = names_line(to, list, number, line, n);
        at += n + 1;
    }
    ckks_file_free(bytes, size);
    if (s == CKKS_OK && to->count == before)
        s = nn_fail(CKKS_EARG, "%s: no name in this list of %zu bytes", list,
                    size);
    return s;
}

ckks_status uni_names_init(uni_names *out, const char *const *arg,
                            size_t args)
{
    uni_names names = {0};
    ckks_status s = CKKS_OK;

    if (out == NULL || (arg == NULL && args > 0))
        return nn_fail(CKKS_EARG, "uni_names_init: null pointer");
    for (size_t i = 0; i < args && s == CKKS_OK; i++)
        s = arg[i][0] == '@' && arg[i][1] != '\0'
          ? names_list(&names, arg[i] + 1)
          : names_plain(&names, arg[i]);
    if (s != CKKS_OK) {
        uni_names_clear(&names);
        return s;
    }
    uni_names_clear(out);
    *out = names;
    return CKKS_OK;
}
