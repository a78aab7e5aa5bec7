/* dump.c -- what Volley reads of a volume, for tests/scripts/dicom.py:
 *
 *   volume-dump PATH VOLUME OUT
 *
 * prints its sizes, how many volumes there are and which it is, its form codes
 * and its affine, one line; OUT gets the values as doubles in the order in which
 * they are stored, NaN where they are padding.  VOLUME -1: none is named.  A
 * refusal is printed as it is told to users, and the exit code is 1.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/volume.h"

static double stored(const uni_volume *v, size_t i)
{
    const int wide = uni_voxel_bytes(v->type);
    double d;
    uint16_t word;

    if (v->type == UNI_F64) {
        memcpy(&d, v->voxel + 8 * i, 8);
        return d;
    }
    if (wide == 1)
        return v->type == UNI_I8 ? (int8_t)v->voxel[i] : v->voxel[i];
    memcpy(&word, v->voxel + 2 * i, 2);
    return v->type == UNI_I16 ? (int16_t)word : word;
}

static int write_values(const uni_volume *v, const char *path)
{
    const size_t n = (size_t)v->geometry.n[0] * (size_t)v->geometry.n[1]
                     * (size_t)v->geometry.n[2];
    const size_t count = v->type == UNI_RGB ? 3 * n : n;
    FILE *out = fopen(path, "wb");

    if (out == NULL)
        return 1;
    for (size_t i = 0; i < count; i++) {
        double d = v->type == UNI_RGB ? v->voxel[i] : stored(v, i);

        if (v->padded && d >= v->pad[0] && d <= v->pad[1])
            d = NAN;
        d = d * v->slope + v->inter;
        fwrite(&d, sizeof d, 1, out);
    }
    return fclose(out) != 0;
}

int main(int argc, char **argv)
{
    uni_volume v = {0};
    const uni_geometry *g = &v.geometry;

    if (argc != 4)
        return 2;
    if (uni_volume_open(&v, argv[1], atoi(argv[2])) != CKKS_OK) {
        printf("%s\n", nn_last_error());
        return 1;
    }
    printf("%d %d %d %d %d %d %d", g->n[0], g->n[1], g->n[2], v.volumes,
           v.volume, g->qform, g->sform);
    for (int i = 0; i < 12; i++)
        printf(" %.17g", g->affine[i / 4][i % 4]);
    printf("\n");
    if (write_values(&v, argv[3]) != 0)
        return 2;
    uni_volume_clear(&v);
    return 0;
}
