/* names.c -- what images are called, and what the files of their results are.
 *
 * The result of in/x.png is x-mask.png in the folder that -o names, that of all
 * slices of v.nii.gz v-mask.nii.gz: the last part without its ending; volume,
 * slice and image of an IDX file behind it (v.nii.gz:volume=1:slice=3:
 * v-volume1-slice3; d.idx#7: d-7).
 * Images of the same name get their number behind it, all of them; so do
 * volumes.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "volley.h"

bool volley_is_volume(const char *out)
{
    return volley_ends(out, ".nii") || volley_ends(out, ".nii.gz");
}

bool volley_is_folder(const char *out)
{
    const size_t n = strlen(out);
    struct stat st;

    return (n > 0 && out[n - 1] == '/')
           || (stat(out, &st) == 0 && S_ISDIR(st.st_mode));
}

/* What may stand behind a file's name, and what a result has for it. */
static const struct names_mark {
    const char *mark, *becomes;
} names_marks[] = {
    { ":volume=", "-volume" }, { ":slice=", "-slice" }, { "#", "-" }
};

enum { NAMES_MARKS = sizeof names_marks / sizeof names_marks[0] };

/* The length of a name without what images' names end with. */
static size_t names_bare(const char *base, size_t n)
{
    static const char *const ending[] = {
        ".gz", ".nii", ".png", ".pgm", ".ppm", ".jpg", ".jpeg", ".hdr", ".img",
        ".dcm", ".idx"
    };

    for (size_t k = 0; k < sizeof ending / sizeof ending[0]; k++) {
        const size_t e = strlen(ending[k]);

        if (n > e && strncasecmp(base + n - e, ending[k], e) == 0)
            n -= e;
    }
    return n;
}

/* Where mark k stands, with its digits behind it (and nothing behind '#''s);
 * NULL: nowhere. */
static const char *names_find(const char *base, int k)
{
    const char *mark = names_marks[k].mark;
    const char *at = mark[0] == '#' ? strrchr(base, '#') : strstr(base, mark);
    const size_t n = at == NULL ? 0
                     : strspn(at + strlen(mark), "0123456789");

    return n == 0 || (mark[0] == '#' && at[1 + n] != '\0') ? NULL : at;
}

/* What stands behind the last '/' but one at the end of a folder's name, which
 * a mark may follow. */
static const char *names_last(const char *name)
{
    const char *last = name;

    for (const char *c = name; *c != '\0'; c++)
        if (c[0] == '/' && c[1] != '\0' && c[1] != '/' && c[1] != ':')
            last = c + 1;
    return last;
}

/* The part of a name behind its last '/', without the endings of images; with
 * volume, slice and number of an image. */
static char *names_stem(const char *name)
{
    const char *base = names_last(name);
    const size_t all = strlen(base);
    size_t n = all, size = all + 24;
    char *out = malloc(size);

    if (out == NULL)
        return NULL;
    for (int k = 0; k < NAMES_MARKS; k++) {
        const char *at = names_find(base, k);

        if (at != NULL && (size_t)(at - base) < n)
            n = (size_t)(at - base);
    }
    n = names_bare(base, n);
    while (n > 0 && base[n - 1] == '/')
        n--;
    snprintf(out, size, "%.*s", (int)n, base);
    for (int k = 0; k < NAMES_MARKS; k++) {
        const char *at = names_find(base, k);
        const char *digits = at != NULL ? at + strlen(names_marks[k].mark)
                                        : NULL;

        if (at != NULL)
            snprintf(out + strlen(out), size - strlen(out), "%s%.*s",
                     names_marks[k].becomes,
                     (int)strspn(digits, "0123456789"), digits);
    }
    if (out[0] == '\0')
        memcpy(out, "_", 2);
    if (out[0] == '.' || out[0] == '-')
        out[0] = '_';
    return out;
}

/* ---- every name once ----------------------------------------------------- */

typedef struct names_row {
    const char *stem;
    size_t image;
} names_row;

static int names_compare(const void *a, const void *b)
{
    const names_row *x = a, *y = b;
    const int by = strcmp(x->stem, y->stem);

    return by != 0 ? by : (x->image > y->image) - (x->image < y->image);
}

/* Numbers the stems that stand in row[from] to row[to - 1], all equal. */
static int names_number(volley_names *x, const names_row *row, size_t from,
                        size_t to)
{
    for (size_t k = from; k < to; k++) {
        const size_t i = row[k].image, size = strlen(x->stem[i]) + 24;
        char *name = malloc(size);

        if (name == NULL)
            return volley_fail("no memory for a name");
        snprintf(name, size, "%s-%zu", x->stem[i],
                 i < x->images ? i : i - x->images);
        x->spare[i] = name;
    }
    return VOLLEY_DONE;
}

/* Names first to last - 1, sorted; with number: those that are equal get their
 * number, without: they are refused. */
static int names_part(volley_names *x, names_row *row, size_t first,
                      size_t last, bool number)
{
    const size_t all = last - first;
    int code = VOLLEY_DONE;

    for (size_t i = 0; i < all; i++)
        row[i] = (names_row){ x->stem[first + i], first + i };
    qsort(row, all, sizeof *row, names_compare);
    for (size_t k = 0, to; k < all && code == VOLLEY_DONE; k = to) {
        for (to = k + 1; to < all
                         && strcmp(row[to].stem, row[k].stem) == 0;)
            to++;
        if (to - k > 1 && number)
            code = names_number(x, row, k, to);
        else if (to - k > 1)
            code = volley_fail("%s and %s would both have results called %s: "
                               "-o NAME.png numbers them",
                               x->image[row[k].image],
                               x->image[row[k + 1].image], row[k].stem);
    }
    for (size_t i = first; i < last; i++)
        if (x->spare[i] != NULL) {
            free(x->stem[i]);
            x->stem[i] = x->spare[i];
            x->spare[i] = NULL;
        }
    return code;
}

/* Images among each other, volumes among each other: a volume of one slice is
 * called as its slice is, and their results end differently. */
static int names_apart(volley_names *x)
{
    const size_t all = x->images + x->volumes;
    names_row *row = malloc(all * sizeof *row);
    int code = row != NULL ? VOLLEY_DONE
               : volley_fail("no memory for %zu names", all);

    for (int number = 1; number >= 0 && code == VOLLEY_DONE; number--) {
        code = names_part(x, row, 0, x->images, number == 1);
        if (code == VOLLEY_DONE)
            code = names_part(x, row, x->images, all, number == 1);
    }
    free(row);
    return code;
}

/* ---- by what is kept of a request ---------------------------------------- */

static int names_init(volley_names *x, size_t images, size_t volumes)
{
    const size_t all = images + volumes;

    memset(x, 0, sizeof *x);
    x->images = images;
    x->volumes = volumes;
    x->image = calloc(all, sizeof *x->image);
    x->stem = calloc(all, sizeof *x->stem);
    x->spare = calloc(all, sizeof *x->spare);
    return x->image != NULL && x->stem != NULL && x->spare != NULL
           ? VOLLEY_DONE : volley_fail("no memory for %zu names", all);
}

/* A copy of the name; NULL: it is not known. */
static int names_add(volley_names *x, size_t i, const char *name)
{
    char number[32];

    snprintf(number, sizeof number, "%zu", i);
    x->known = x->known || name != NULL;
    x->image[i] = volley_sibling(name != NULL ? name : number, "", NULL);
    x->stem[i] = x->image[i] != NULL ? names_stem(x->image[i]) : NULL;
    return x->stem[i] != NULL ? VOLLEY_DONE
                              : volley_fail("no memory for a name");
}

int volley_names_init(volley_names *x, const uni_record *record,
                      size_t images)
{
    int code = names_init(x, images, record->volumes);

    for (size_t i = 0; i < images && code == VOLLEY_DONE; i++)
        code = names_add(x, i, i < record->images ? record->image[i].name
                                                  : NULL);
    for (size_t i = 0; i < record->volumes && code == VOLLEY_DONE; i++)
        code = names_add(x, images + i, record->volume[i].name);
    if (code == VOLLEY_DONE && x->known)
        code = names_apart(x);
    if (code != VOLLEY_DONE)
        volley_names_clear(x);
    return code;
}

void volley_names_clear(volley_names *x)
{
    for (size_t i = 0; i < x->images + x->volumes; i++) {
        if (x->image != NULL)
            free(x->image[i]);
        if (x->stem != NULL)
            free(x->stem[i]);
        if (x->spare != NULL)
            free(x->spare[i]);
    }
    free(x->image);
    free(x->stem);
    free(x->spare);
    memset(x, 0, sizeof *x);
}

/* ---- files of results ---------------------------------------------------- */

/* DIR/STEM-mask.png, or DIR/mask-I.png without a name. */
static char *names_in_folder(const char *out, const volley_names *x, size_t i,
                             const char *tag, const char *ending)
{
    const size_t size = strlen(x->stem[i]) + strlen(tag) + strlen(ending) + 40;
    char *file = malloc(size), *name;

    if (file == NULL)
        return NULL;
    if (x->known)
        snprintf(file, size, "%s-%s%s", x->stem[i],
                 tag[0] != '\0' ? tag : "mask", ending);
    else if (x->images > 1)
        snprintf(file, size, "mask-%zu%s%s%s", i, tag[0] != '\0' ? "-" : "",
                 tag, ending);
    else
        snprintf(file, size, "mask%s%s%s", tag[0] != '\0' ? "-" : "", tag,
                 ending);
    name = volley_join(out, file);
    free(file);
    return name;
}

char *volley_result_name(const char *out, const volley_names *x, size_t i,
                         const char *tag, const char *ending)
{
    char number[64], *name;

    if (volley_is_folder(out)) {
        name = names_in_folder(out, x, i, tag, ending != NULL ? ending
                                                              : ".png");
    } else {
        if (x->images > 1)
            snprintf(number, sizeof number, "%zu%s%s", i,
                     tag[0] != '\0' ? "-" : "", tag);
        else
            snprintf(number, sizeof number, "%s", tag);
        name = volley_sibling(out, number, ending);
    }
    if (name == NULL)
        (void)volley_fail("no memory for a name");
    return name;
}

char *volley_volume_name(const char *out, const volley_names *x, size_t v)
{
    const char *stem = x->stem[x->images + v];
    const size_t size = strlen(stem) + 24;
    char *file = malloc(size);
    char *name = NULL;

    if (file != NULL)
        snprintf(file, size, "%s-mask.nii.gz", stem);
    if (file != NULL)
        name = volley_is_folder(out) ? volley_join(out, file)
                                     : volley_sibling(out, "", NULL);
    free(file);
    if (name == NULL)
        (void)volley_fail("no memory for a name");
    return name;
}

int volley_check_results(const char *out, const volley_names *x,
                         const char *tag, const char *ending)
{
    int code = VOLLEY_DONE;

    for (size_t i = 0; i < x->images && code == VOLLEY_DONE; i++) {
        char *name = volley_result_name(out, x, i, tag, ending);

        code = name != NULL ? volley_check_place(name) : VOLLEY_FAILED;
        free(name);
    }
    return code;
}
