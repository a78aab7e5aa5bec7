/* nifti_geometry.c -- the part of a NIfTI header that says where the volume
 * lies: the sform, else the qform, else the sizes of voxels alone.
 */
#include <math.h>

#include "image/nifti.h"

enum { NIFTI_CODES = 5, NIFTI_UNITS = 7 };

/* A quaternion's three parts square to at most 1; rounding to floats may take
 * them so far beyond, where they are made a half turn. */
static const double nifti_half_turn = 1e-4;
static const double nifti_float = 3.4e38;       /* in version 2 too          */

/* Codes that no version of the format has say nothing. */
static int nifti_code(const uint8_t *in, const nifti_layout *l, int at,
                      bool big)
{
    const int64_t code = uni_nifti_integer(in + at, l->code, big);

    return code >= 1 && code <= NIFTI_CODES ? (int)code : 0;
}

/* n floats; true: all are finite floats of 32 bits.  Others become 0. */
static bool nifti_floats(double *out, int n, const nifti_layout *l,
                         const uint8_t *in, bool big)
{
    bool finite = true;

    for (int i = 0; i < n; i++) {
        out[i] = uni_nifti_float(in + i * l->real, l->real, big);
        if (!(fabs(out[i]) <= nifti_float)) {
            out[i] = 0;
            finite = false;
        }
    }
    return finite;
}

/* A side of a voxel: without its sign; 0, or no number: 1. */
static double nifti_side(const uni_geometry *g, int axis)
{
    const double side = fabs(g->pixdim[axis + 1]);

    return side > 0 ? side : 1;
}

static double nifti_unit(int units)
{
    const int space = units & NIFTI_UNITS;

    return space == 1 ? 1000 : space == 3 ? 0.001 : 1;
}

/* Neither code: as nibabel, the first axis to the left, the second to the
 * front, the third to the head, the middle of the volume at 0. */
static void nifti_of_sizes(uni_geometry *g)
{
    for (int i = 0; i < 3; i++) {
        const double side = nifti_side(g, i) * (i == 0 ? -1 : 1);

        for (int j = 0; j < 4; j++)
            g->affine[i][j] = 0;
        g->affine[i][i] = side;
        g->affine[i][3] = -side * (g->n[i] - 1) / 2.0;
    }
}

static void nifti_of_srow(uni_geometry *g)
{
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++)
            g->affine[i][j] = g->srow[i][j];
}

/* The rotation of the quaternion, times the sizes of voxels; qfac, the first of
 * pixdim, turns the third axis round if it is -1. */
static ckks_status nifti_of_quatern(uni_geometry *g, const char *name)
{
    double b = g->quatern[0], c = g->quatern[1], d = g->quatern[2];
    const double square = b * b + c * c + d * d;
    const double qfac = g->pixdim[0] == -1 ? -1 : 1;
    const double a = square < 1 ? sqrt(1 - square) : 0;

    if (!(square <= 1 + nifti_half_turn))
        return nn_fail(CKKS_EFORMAT, "%s: the quaternion of the qform, %g %g "
                       "%g, is of length %g, want at most 1; set it right or "
                       "its code to 0 (nifti_tool -mod_hdr -mod_field "
                       "qform_code 0)", name, b, c, d, sqrt(square));
    if (square > 1) {
        b /= sqrt(square);
        c /= sqrt(square);
        d /= sqrt(square);
    }
    const double r[3][3] = {
        { a * a + b * b - c * c - d * d, 2 * (b * c - a * d),
          2 * (b * d + a * c) },
        { 2 * (b * c + a * d), a * a + c * c - b * b - d * d,
          2 * (c * d - a * b) },
        { 2 * (b * d - a * c), 2 * (c * d + a * b),
          a * a + d * d - c * c - b * b }
    };
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++)
            g->affine[i][j] = r[i][j] * nifti_side(g, j) * (j == 2 ? qfac : 1);
        g->affine[i][3] = g->offset[i];
    }
    return CKKS_OK;
}

/* A form that is in use must be finite; of one that is not nothing is asked,
 * and if it is not, its code is dropped. */
static ckks_status nifti_forms(uni_geometry *g, const nifti_layout *l,
                               const char *name, const uint8_t *in, bool big)
{
    const int k = l->real;
    const bool srow = nifti_floats(g->srow[0], 12, l, in + l->srow, big);
    const bool turn = nifti_floats(g->quatern, 3, l, in + l->quatern, big);
    const bool quatern = nifti_floats(g->offset, 3, l,
                                      in + l->quatern + 3 * k, big) && turn;

    g->sform = nifti_code(in, l, l->sform, big);
    g->qform = nifti_code(in, l, l->qform, big);
    if ((g->sform > 0 && !srow) || (g->sform == 0 && g->qform > 0 && !quatern))
        return nn_fail(CKKS_EFORMAT, "%s: the %cform, code %d, holds what is "
                       "no number; set it right (nibabel: img.set_%cform) or "
                       "its code to 0", name, g->sform > 0 ? 's' : 'q',
                       g->sform > 0 ? g->sform : g->qform,
                       g->sform > 0 ? 's' : 'q');
    if (!quatern)
        g->qform = 0;
    return CKKS_OK;
}

ckks_status uni_nifti_geometry(uni_geometry *g, const nifti_layout *l,
                               const char *name, const uint8_t *in, bool big)
{
    ckks_status s;

    g->version = l->version - '0';
    g->units = l->version == '1' ? in[l->units]
             : (int)(uni_nifti_word(in + l->units, 4, big) & 255);
    g->unit = nifti_unit(g->units);
    (void)nifti_floats(g->pixdim, 8, l, in + l->pixdim, big);
    s = nifti_forms(g, l, name, in, big);
    if (s != CKKS_OK)
        return s;
    if (g->sform > 0)
        nifti_of_srow(g);
    else if (g->qform > 0)
        s = nifti_of_quatern(g, name);
    else
        nifti_of_sizes(g);
    return s == CKKS_OK ? uni_geometry_check(g, name) : s;
}
