/* place.c -- what a path names: a file, of a volume a slice, of a series of
 * volumes one. */
#include <stdlib.h>
#include <string.h>

#include "image/codec.h"

/* Cuts "mark" and the number behind it off the end of the name; *number stays
 * where there is none. */
static ckks_status place_cut(char *file, int *number, const char *mark,
                             int most)
{
    char *place = NULL, *end;
    long k;

    for (char *p = strstr(file, mark); p != NULL; p = strstr(p + 1, mark))
        place = p;
    if (place == NULL)
        return CKKS_OK;
    *place = '\0';
    place += strlen(mark);
    k = strtol(place, &end, 10);
    if (*place < '0' || *place > '9' || *end != '\0' || k > most)
        return nn_fail(CKKS_EARG, "%s: %.*s \"%s\", want a number in 0..%d",
                       file, (int)strlen(mark) - 2, mark + 1, place, most);
    *number = (int)k;
    return CKKS_OK;
}

ckks_status uni_place_init(uni_place *out, const char *path)
{
    const size_t size = strlen(path) + 1;
    const char *slice = strstr(path, ":slice=");
    const char *volume = strstr(slice != NULL ? slice : path, ":volume=");
    ckks_status s = CKKS_OK;

    *out = (uni_place){ malloc(size), -1, -1 };
    if (out->file == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory for its name", path);
    memcpy(out->file, path, size);
    for (int i = 0; i < 2 && s == CKKS_OK; i++)     /* the last one first    */
        s = (i == 0) == (volume != NULL)
          ? place_cut(out->file, &out->volume, ":volume=", INT32_MAX - 1)
          : place_cut(out->file, &out->slice, ":slice=", UNET_IMAGE_SIDE - 1);
    if (s != CKKS_OK)
        uni_place_clear(out);
    return s;
}

void uni_place_clear(uni_place *place)
{
    free(place->file);
    *place = (uni_place){ NULL, -1, -1 };
}
