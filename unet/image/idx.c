/* idx.c -- IDX files.  The format and the contracts are in idx.h. */
#include "image/idx.h"

#include <stdlib.h>
#include <string.h>

#include "image/codec.h"

enum { IDX_MAX_FILE = 1 << 30, IDX_MAX_HEAD = 4 + 4 * 4 };

bool uni_is_idx(const uint8_t *in, size_t size)
{
    return size >= 4 && in[0] == 0 && in[1] == 0 && in[2] >= 8 && in[2] <= 14
        && in[3] >= 1;
}

/* Bytes of the head, 0 if the first four are none. */
static size_t idx_head_size(const uint8_t *in)
{
    int rank = in[3];

    if (in[0] != 0 || in[1] != 0 || in[2] != 8
        || (rank != 1 && rank != 3 && rank != 4))
        return 0;
    return 4 + 4 * (size_t)rank;
}

static ckks_status idx_check_magic(const char *name, const uint8_t *in,
                                   size_t size)
{
    if (size < 4)
        return nn_fail(CKKS_EFORMAT, "%s: %zu bytes, an IDX file begins with "
                       "4", name, size);
    if (in[0] != 0 || in[1] != 0)
        return nn_fail(CKKS_EFORMAT, "%s: an IDX file begins with bytes 0 0, "
                       "this one with %d %d", name, in[0], in[1]);
    if (in[2] != 8)
        return nn_fail(CKKS_EFORMAT, "%s: IDX numbers of type 0x%02x; 0x08, "
                       "unsigned bytes, are taken", name, (unsigned)in[2]);
    if (idx_head_size(in) == 0)
        return nn_fail(CKKS_EFORMAT, "%s: IDX of %d dimensions; 1 (labels), 3 "
                       "(grey images) and 4 (colour) are taken", name, in[3]);
    if (size < idx_head_size(in))
        return nn_fail(CKKS_EFORMAT, "%s: cut short: %zu bytes, the sizes of "
                       "%d dimensions end at %zu", name, size, in[3],
                       idx_head_size(in));
    return CKKS_OK;
}

static uint32_t idx_word(const uint8_t *in)
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16
         | (uint32_t)in[2] << 8 | in[3];
}

/* Everything but data, from a whole head; *bytes: what must follow it.  No
 * product overflows: a factor is looked at only if those before are small. */
static ckks_status idx_head(uni_idx *idx, uint64_t *bytes, const char *name,
                            const uint8_t *in)
{
    uint32_t n = idx_word(in + 4), height = 1, width = 1, channels = 1;

    idx->rank = in[3];
    if (idx->rank > 1) {
        height = idx_word(in + 8);
        width = idx_word(in + 12);
    }
    if (idx->rank == 4)
        channels = idx_word(in + 16);
    if (n == 0)
        return nn_fail(CKKS_EFORMAT, "%s: an IDX file of 0 %s", name,
                       idx->rank == 1 ? "labels" : "images");
    if (height < 1 || width < 1 || height > UNET_IMAGE_SIDE
        || width > UNET_IMAGE_SIDE
        || (uint64_t)height * width > UNET_IMAGE_PIXELS)
        return nn_fail(CKKS_EFORMAT, "%s: IDX images of %lu x %lu pixels, "
                       "want 1..%d a side and at most %d", name,
                       (unsigned long)height, (unsigned long)width,
                       UNET_IMAGE_SIDE, UNET_IMAGE_PIXELS);
    if (idx->rank == 4 && channels != 3)
        return nn_fail(CKKS_EFORMAT, "%s: IDX images of %lu channels, want 3",
                       name, (unsigned long)channels);
    *bytes = (uint64_t)channels * height * width;           /* < 2^30        */
    if (*bytes * n > IDX_MAX_FILE)                          /* < 2^62        */
        return nn_fail(CKKS_EFORMAT, "%s: %lu IDX images of %lu x %lu x %lu "
                       "bytes, together at most 2^30 are taken", name,
                       (unsigned long)n, (unsigned long)height,
                       (unsigned long)width, (unsigned long)channels);
    *bytes *= n;
    idx->count = n;
    idx->channels = (int)channels;
    idx->height = (int)height;
    idx->width = (int)width;
    return CKKS_OK;
}

static ckks_status idx_plain(uni_idx *idx, const char *name,
                             const uint8_t *in, size_t size)
{
    uint64_t bytes = 0;
    size_t head;
    ckks_status s = idx_check_magic(name, in, size);

    if (s == CKKS_OK)
        s = idx_head(idx, &bytes, name, in);
    if (s != CKKS_OK)
        return s;
    head = idx_head_size(in);
    if (size - head != bytes)
        return nn_fail(CKKS_EFORMAT, "%s: %s: %zu bytes behind the head, %zu "
                       "x %d x %d x %d are %llu", name,
                       size - head < bytes ? "cut short" : "surplus bytes",
                       size - head, idx->count, idx->height, idx->width,
                       idx->channels, (unsigned long long)bytes);
    idx->data = malloc((size_t)bytes);
    if (idx->data == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory for %llu bytes", name,
                       (unsigned long long)bytes);
    memcpy(idx->data, in + head, (size_t)bytes);
    return CKKS_OK;
}

/* The head first, then all that it promises. */
static ckks_status idx_gzip(uni_idx *idx, const char *name, const uint8_t *in,
                            size_t size)
{
    uint8_t *plain = NULL;
    uint64_t bytes = 0;
    size_t head = 0;
    ckks_status s = uni_gzip_decode(&plain, name, in, size, 4, false);

    if (s == CKKS_OK) {
        head = idx_head_size(plain);
        if (head == 0)
            s = idx_check_magic(name, plain, 4);
        free(plain);
        plain = NULL;
    }
    if (s == CKKS_OK)
        s = uni_gzip_decode(&plain, name, in, size, head, false);
    if (s == CKKS_OK)
        s = idx_head(idx, &bytes, name, plain);
    free(plain);
    plain = NULL;
    if (s == CKKS_OK)
        s = uni_gzip_decode(&plain, name, in, size, head + (size_t)bytes,
                             true);
    if (s != CKKS_OK)
        return s;
    memmove(plain, plain + head, (size_t)bytes);
    idx->data = plain;
    return CKKS_OK;
}

ckks_status uni_idx_decode(uni_idx *out, const char *name,
                            const uint8_t *in, size_t size)
{
    bool gzip = size >= 2 && in != NULL && in[0] == 0x1f && in[1] == 0x8b;
    uni_idx idx = {0};
    ckks_status s;

    if (out == NULL || name == NULL || (in == NULL && size > 0))
        return nn_fail(CKKS_EARG, "uni_idx_decode: null pointer");
    s = gzip ? idx_gzip(&idx, name, in, size) : idx_plain(&idx, name, in, size);
    if (s != CKKS_OK)
        return s;
    uni_idx_clear(out);
    *out = idx;
    return CKKS_OK;
}

/* A whole head of images against what is wanted; what is wrong in itself is
 * left to idx_head. */
static ckks_status idx_check_want(const char *name, const uint8_t *in,
                                  const uni_image_want *want)
{
    const uint32_t channels = in[3] == 4 ? idx_word(in + 16) : 1;
    const uni_shape shape = { channels == 1 ? 1 : 3, idx_word(in + 8),
                              idx_word(in + 12) };
    uni_image_want loose = want != NULL ? *want : (uni_image_want){0};

    if (loose.channels == 1)
        loose.channels = 0;             /* its colours may be greys          */
    return uni_image_check(name, &shape, &loose);
}

/* Colours whose channels are equal in every pixel of every image become greys
 * where these are wanted. */
static ckks_status idx_grey(uni_idx *idx, const char *name,
                            const uni_image_want *want)
{
    const size_t n = idx->count * (size_t)idx->height * (size_t)idx->width;

    if (want == NULL || want->channels != 1 || idx->channels != 3)
        return CKKS_OK;
    for (size_t i = 0; i < n; i++)
        if (idx->data[3 * i] != idx->data[3 * i + 1]
            || idx->data[3 * i] != idx->data[3 * i + 2])
            return nn_fail(CKKS_EARG, "%s: 3 channels (colour), %s 1; pixel "
                           "%zu of all is %d, %d, %d; make grey ones of them",
                           name, want->who != NULL ? want->who
                           : "the model takes", i,
                           idx->data[3 * i], idx->data[3 * i + 1],
                           idx->data[3 * i + 2]);
    for (size_t i = 0; i < n; i++)
        idx->data[i] = idx->data[3 * i];
    idx->rank = 3;
    idx->channels = 1;
    return CKKS_OK;
}

/* By the first bytes of a file; *room: more than it needs to have.  Of a gzip
 * stream that gives no whole head the decoder will tell. */
static ckks_status idx_look(size_t *room, const char *name, const uint8_t *in,
                            size_t size, const uni_image_want *want,
                            size_t most)
{
    const bool gzip = size >= 2 && in[0] == 0x1f && in[1] == 0x8b;
    uint8_t *plain = NULL;
    uni_idx idx = {0};
    uint64_t bytes = 0;
    ckks_status s;

    if (gzip && uni_gzip_decode(&plain, name, in, size, IDX_MAX_HEAD, false)
                != CKKS_OK)
        return CKKS_OK;
    in = gzip ? plain : in;
    s = idx_check_magic(name, in, gzip ? IDX_MAX_HEAD : size);
    if (s == CKKS_OK && in[3] != 1)
        s = idx_check_want(name, in, want);
    if (s == CKKS_OK)
        s = idx_head(&idx, &bytes, name, in);
    free(plain);
    if (s == CKKS_OK && idx.rank != 1 && idx.count > most)
        s = nn_fail(CKKS_EARG, "%s: %zu images, more than %zu; take part of "
                    "them", name, idx.count, most);
    *room = (size_t)bytes + IDX_MAX_HEAD + 4096;
    return s;
}

/* A file that has changed between the two readings is found out by whoever asks
 * for its images, which have another size. */
ckks_status uni_idx_load(uni_idx *out, const char *path,
                          const uni_image_want *want, size_t most)
{
    uint8_t head[UNI_HEAD], *bytes = NULL;
    size_t size = 0, room = IDX_MAX_FILE + IDX_MAX_HEAD;
    uni_idx idx = {0};
    ckks_status s = CKKS_OK;

    if (out == NULL || path == NULL)
        return nn_fail(CKKS_EARG, "uni_idx_load: null pointer");
    size = uni_file_head(head, sizeof head, path);
    if (size > 0)
        s = idx_look(&room, path, head, size, want, most);
    if (s != CKKS_OK)
        return s;
    s = uni_file_read(&bytes, &size, path, room);
    if (s != CKKS_OK)
        return s;
    s = uni_idx_decode(&idx, path, bytes, size);
    ckks_file_free(bytes, size);
    if (s == CKKS_OK)
        s = idx_grey(&idx, path, want);
    if (s != CKKS_OK) {
        uni_idx_clear(&idx);
        return s;
    }
    uni_idx_clear(out);
    *out = idx;
    return CKKS_OK;
}

void uni_idx_clear(uni_idx *idx)
{
    if (idx == NULL)
        return;
    free(idx->data);
    memset(idx, 0, sizeof *idx);
}

void uni_idx_image(double *out, const uni_idx *idx, size_t i)
{
    const size_t n = (size_t)idx->height * (size_t)idx->width;
    const size_t channels = (size_t)idx->channels;
    const uint8_t *from = idx->data + i * n * channels;

    for (size_t k = 0; k < n * channels; k++)
        out[k % channels * n + k / channels] = from[k];
}
