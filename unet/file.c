/* file.c -- files of ciphertexts: what reading (file_read.c) and writing
 * (file_write.c) share. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vct.h"

ckks_status uni_vct_fail(const char *doing, const char *path, int e)
{
    return nn_fail(CKKS_EIO, "%s %s: %s", doing, path,
                   strerror(e != 0 ? e : EIO));
}

char *uni_vct_name(const char *path, const char *suffix)
{
    size_t a = strlen(path), b = strlen(suffix);
    char *name = malloc(a + b + 1);

    if (name != NULL) {
        memcpy(name, path, a);
        memcpy(name + a, suffix, b + 1);
    }
    return name;
}

ckks_status uni_vct_room(uint8_t **buffer, size_t *capacity, size_t size)
{
    uint8_t *more;

    if (size <= *capacity)
        return CKKS_OK;
    more = realloc(*buffer, size);
    if (more == NULL)
        return nn_fail(CKKS_EMEM, "no memory for %zu bytes", size);
    *buffer = more;
    *capacity = size;
    return CKKS_OK;
}

int uni_vct_per_set(const nn_plan *p, unet_kind kind)
{
    return kind == UNET_INPUT ? nn_plan_inputs(p) : nn_plan_outputs(p);
}
