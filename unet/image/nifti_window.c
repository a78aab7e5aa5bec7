/* nifti_window.c -- voxels to pixels: the 1st percentile of the whole volume
 * becomes 0, the 99.5th 255.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/nifti.h"

uint64_t uni_nifti_word(const uint8_t *in, int bytes, bool big)
{
    uint64_t v = 0;

    for (int i = 0; i < bytes; i++)
        v = v << 8 | in[big ? i : bytes - 1 - i];
    return v;
}

double uni_nifti_float(const uint8_t *in, int bytes, bool big)
{
    const uint64_t word = uni_nifti_word(in, bytes, big);
    const uint32_t half = (uint32_t)word;
    double d;
    float f;

    memcpy(&d, &word, 8);
    memcpy(&f, &half, 4);
    return bytes == 8 ? d : (double)f;
}

static double nifti_voxel(const nifti_head *h, const uint8_t *in)
{
    uint64_t word = uni_nifti_word(in, h->bytes, h->swapped);
    double v = 0;

    switch (h->type) {
    case 2:
    case 512:
    case 768:
    case 1280:
        v = (double)word;
        break;
    case 256:
        v = (int8_t)(uint8_t)word;
        break;
    case 4:
        v = (int16_t)(uint16_t)word;
        break;
    case 8:
        v = (int32_t)(uint32_t)word;
        break;
    case 1024:
        v = (double)(int64_t)word;
        break;
    case 16:
    case 64:
        v = uni_nifti_float(in, h->bytes, h->swapped);
        break;
    default:
        break;
    }
    return v * h->slope + h->inter;
}

/* Doubles in the order of the integers 0..2^64-1. */
static uint64_t nifti_rank_word(double v)
{
    uint64_t w;

    memcpy(&w, &v, 8);
    return w >> 63 ? ~w : w | UINT64_C(1) << 63;
}

/* The k-th smallest of v[0..n-1], by counting 16 bits after 16 bits: four
 * passes whatever the values are. */
static double nifti_select(const double *v, size_t n, size_t k,
                           size_t count[65536])
{
    uint64_t found = 0, mask = 0;
    double out;

    for (int shift = 48; shift >= 0; shift -= 16) {
        size_t digit = 0;

        memset(count, 0, 65536 * sizeof *count);
        for (size_t i = 0; i < n; i++) {
            uint64_t w = nifti_rank_word(v[i]);

            if ((w & mask) == found)
                count[w >> shift & 65535]++;
        }
        while (k >= count[digit])
            k -= count[digit++];
        found |= (uint64_t)digit << shift;
        mask |= UINT64_C(65535) << shift;
    }
    found = found >> 63 ? found & ~(UINT64_C(1) << 63) : ~found;
    memcpy(&out, &found, 8);
    return out;
}

/* The voxels of a volume and how to find the k-th smallest of them: those of at
 * most 16 bits are counted once, others become doubles. */
typedef struct nifti_volume {
    const nifti_head *head;
    const uint8_t *in;
    size_t n;
    size_t *count;              /* shape (65536)                             */
    double *value;              /* shape (n); NULL: at most 16 bits          */
} nifti_volume;

static bool nifti_signed(const nifti_head *h)
{
    return h->type == 4 || h->type == 256;
}

/* Words of a signed type count from -2^15, so that all entries are in order. */
static void nifti_count(nifti_volume *v)
{
    const nifti_head *h = v->head;

    memset(v->count, 0, 65536 * sizeof *v->count);
    for (size_t i = 0; i < v->n; i++) {
        uint64_t word = uni_nifti_word(v->in + i * (size_t)h->bytes, h->bytes,
                                       h->swapped);

        if (nifti_signed(h))
            word = (uint64_t)(32768 + (h->bytes == 2
                                       ? (int16_t)(uint16_t)word
                                       : (int8_t)(uint8_t)word));
        v->count[word]++;
    }
}

/* The k-th smallest value; a negative slope turns the order round. */
static double nifti_counted(const nifti_volume *v, size_t k)
{
    const nifti_head *h = v->head;
    size_t word = 0;

    if (h->slope < 0)
        k = v->n - 1 - k;
    while (k >= v->count[word])
        k -= v->count[word++];
    return ((double)word - (nifti_signed(h) ? 32768 : 0)) * h->slope + h->inter;
}

/* The p-th part of the way from the smallest to the largest, linear between
 * neighbours in the order. */
static double nifti_quantile(const nifti_volume *v, double p)
{
    double place = p * (double)(v->n - 1), end[2];
    size_t k = (size_t)place;

    for (size_t i = 0; i < 2; i++) {
        const size_t at = k + i < v->n ? k + i : k;

        end[i] = v->value != NULL ? nifti_select(v->value, v->n, at, v->count)
                                  : nifti_counted(v, at);
        if (place <= (double)k)
            return end[0];
    }
    return end[0] + (place - (double)k) * (end[1] - end[0]);
}

static void nifti_window(uni_image *out, const nifti_volume *v, int slice,
                         double lo, double hi)
{
    const nifti_head *h = v->head;
    const size_t wide = (size_t)h->bytes;
    const uint8_t *from = v->in + (size_t)slice * (size_t)h->nx
                                  * (size_t)h->ny * wide;

    for (int y = 0; y < h->ny; y++)
        for (int x = 0; x < h->nx; x++) {
            int i = h->flip_x ? h->nx - 1 - x : x;
            int j = h->flip_y ? h->ny - 1 - y : y;
            double value = nifti_voxel(h, from + ((size_t)j * (size_t)h->nx
                                                  + (size_t)i) * wide);

            value = hi > lo ? (value - lo) / (hi - lo) * 255 : 0;
            value = value < 0 ? 0 : value > 255 ? 255 : value;
            out->pixel[(size_t)y * (size_t)h->nx + (size_t)x] = value;
        }
}

/* Whether a double holds the voxel: of the types that are taken only integers
 * of 64 bits may be larger. */
static bool nifti_exact(const nifti_head *h, const uint8_t *in)
{
    uint64_t word;

    if (h->type != 1024 && h->type != 1280)
        return true;
    word = uni_nifti_word(in, 8, h->swapped);
    if (h->type == 1024 && word >> 63)
        word = -word;
    return (double)word < 0x1p64 && (uint64_t)(double)word == word;
}

/* The doubles of a volume of wider words, all of them exact and finite. */
static ckks_status nifti_values(nifti_volume *v, const char *name)
{
    const size_t wide = (size_t)v->head->bytes;
    size_t bad = 0, inexact = 0;

    v->value = malloc(v->n * sizeof *v->value);
    if (v->value == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory for %zu voxels", name, v->n);
    for (size_t i = 0; i < v->n; i++) {
        v->value[i] = nifti_voxel(v->head, v->in + i * wide);
        bad += isfinite(v->value[i]) ? 0 : 1;
        inexact += nifti_exact(v->head, v->in + i * wide) ? 0 : 1;
    }
    if (inexact > 0)
        return nn_fail(CKKS_EFORMAT, "%s: %zu of %zu voxels are integers "
                       "beyond 2^53 that a double does not hold; write the "
                       "volume with smaller ones or as float64", name,
                       inexact, v->n);
    if (bad > 0)
        return nn_fail(CKKS_EFORMAT, "%s: %zu of %zu voxels are not finite",
                       name, bad, v->n);
    return CKKS_OK;
}

/* in: the voxels. */
ckks_status uni_nifti_image(uni_image *out, const char *name,
                               const nifti_head *h, const uint8_t *in,
                               int slice)
{
    nifti_volume v = { h, in, (size_t)h->nx * (size_t)h->ny * (size_t)h->nz,
                       malloc(65536 * sizeof *v.count), NULL };
    ckks_status s = v.count != NULL ? CKKS_OK
                  : nn_fail(CKKS_EMEM, "%s: no memory", name);

    if (s == CKKS_OK && h->bytes > 2)
        s = nifti_values(&v, name);
    else if (s == CKKS_OK)
        nifti_count(&v);
    if (s == CKKS_OK)
        s = uni_image_init(out, name, 1, (uint64_t)h->ny, (uint64_t)h->nx);
    if (s == CKKS_OK)
        nifti_window(out, &v, slice, nifti_quantile(&v, 0.01),
                     nifti_quantile(&v, 0.995));
    free(v.value);
    free(v.count);
    return s;
}
