/* nifti_read.c -- bytes of NIfTI, plain or gzipped: the header, the voxels. */
#include <stdlib.h>
#include <string.h>

#include "image/nifti.h"

static ckks_status nifti_gzip_head(uni_volume *out, nifti_head *h,
                                   const char *name, const uint8_t *in,
                                   size_t size, int volume)
{
    const nifti_layout *l;
    uint8_t *plain = NULL;
    ckks_status s = uni_gzip_decode(&plain, name, in, size, NIFTI_HEADER,
                                    false);

    if (s != CKKS_OK)
        return s;
    l = uni_nifti_version(plain, NIFTI_HEADER);
    if (l == NULL)
        s = uni_kind_check(name, plain, NIFTI_HEADER, true);
    if (l == NULL && s == CKKS_OK)
        s = nn_fail(CKKS_EFORMAT, "%s: what is gzipped is not NIfTI", name);
    if (l != NULL && l->header > NIFTI_HEADER) {
        free(plain);
        plain = NULL;
        s = uni_gzip_decode(&plain, name, in, size, (size_t)l->header, false);
    }
    if (s == CKKS_OK)
        s = uni_nifti_header(out, h, l, name, plain, volume);
    free(plain);
    return s;
}

ckks_status uni_nifti_read_head(uni_volume *out, nifti_head *h,
                                const char *name, const uint8_t *in,
                                size_t size, int volume)
{
    const nifti_layout *l;

    if (uni_is_gzip(in, size))
        return nifti_gzip_head(out, h, name, in, size, volume);
    l = uni_nifti_version(in, size);
    if (l != NULL && size >= (size_t)l->header)
        return uni_nifti_header(out, h, l, name, in, volume);
    return nn_fail(CKKS_EFORMAT, "%s: %zu bytes, a NIfTI header has %d", name,
                   size, l != NULL ? l->header : NIFTI_HEADER);
}

uni_nifti_part uni_nifti_kind(const uint8_t *in, size_t size)
{
    uni_volume v = {0};
    nifti_head h = {0};
    ckks_status s;

    if (!uni_is_gzip(in, size) && !uni_is_nifti(in, size))
        return UNI_NIFTI_NONE;
    s = uni_nifti_read_head(&v, &h, "", in, size, 0);
    if (h.pair)
        return UNI_NIFTI_PAIR;
    return s == CKKS_OK ? UNI_NIFTI_WHOLE : UNI_NIFTI_BROKEN;
}

/* ---- voxels -------------------------------------------------------------- */

static bool nifti_machine_big(void)
{
    const uint16_t one = 1;
    uint8_t first;

    memcpy(&first, &one, 1);
    return first == 0;
}

/* Words of another byte order become the machine's. */
static void nifti_turn(uint8_t *data, size_t size, int bytes)
{
    for (size_t i = 0; i + (size_t)bytes <= size; i += (size_t)bytes)
        for (int a = 0, b = bytes - 1; a < b; a++, b--) {
            const uint8_t byte = data[i + (size_t)a];

            data[i + (size_t)a] = data[i + (size_t)b];
            data[i + (size_t)b] = byte;
        }
}

/* Of a file that is not gzipped. */
static ckks_status nifti_copy(uint8_t **out, const uni_volume *v,
                              const nifti_head *h, const char *name,
                              const uint8_t *in, size_t size)
{
    const int *n = v->geometry.n;
    const size_t bytes = uni_volume_bytes(v);

    if (size != h->offset + h->all)
        return nn_fail(CKKS_EFORMAT, "%s: %zu bytes, %s of %d x %d x %d "
                       "voxels ha%s %llu", name, size,
                       v->volumes > 1 ? "volumes" : "a volume", n[0], n[1],
                       n[2], v->volumes > 1 ? "ve" : "s",
                       (unsigned long long)(h->offset + h->all));
    *out = malloc(bytes);
    if (*out == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory for %zu bytes", name, bytes);
    memcpy(*out, in + h->offset + h->before, bytes);
    return CKKS_OK;
}

/* A file of voxels alone that happens to begin as gzip does, and is as long as
 * they are, is not gzipped. */
ckks_status uni_nifti_voxels(uni_volume *out, const nifti_head *h,
                             const char *name, const uint8_t *in, size_t size)
{
    const size_t bytes = uni_volume_bytes(out);
    const int wide = out->type == UNI_RGB ? 1 : uni_voxel_bytes(out->type);
    uint8_t *data = NULL;
    ckks_status s;

    if (uni_is_gzip(in, size) && !(h->pair && size == h->offset + h->all))
        s = uni_gzip_part(&data, name, in, size, h->offset + h->before, bytes,
                          h->offset + h->all);
    else
        s = nifti_copy(&data, out, h, name, in, size);
    if (s != CKKS_OK)
        return s;
    if (h->swapped != nifti_machine_big())
        nifti_turn(data, bytes, wide);
    free(out->memory);
    out->voxel = out->memory = data;
    return CKKS_OK;
}
