/* geometry.c -- where a volume lies: its affine, checked, and the fields of a
 * NIfTI header that say so. */
#include <math.h>
#include <string.h>

#include "image/orient.h"
#include "image/volume.h"

enum { GEOMETRY_SCANNER = 1, GEOMETRY_MM = 2, GEOMETRY_SIDE = 32767 };

static const double geometry_least = 1e-6, geometry_most = 1e6;
static const double geometry_skew = 1e-4;       /* cosine of an angle        */

double uni_geometry_spacing(const uni_geometry *g, int axis)
{
    return uni_orient_length(g->affine, axis) * g->unit;
}

void uni_geometry_axes(char out[4], const uni_geometry *g)
{
    uni_orient o;
    const bool known = uni_orient_of(&o, g->affine);

    for (int i = 0; i < 3; i++)
        out[i] = !known ? '?' : (o.against[i] ? "LPI" : "RAS")[o.along[i]];
    out[3] = '\0';
}

ckks_status uni_geometry_check(const uni_geometry *g, const char *name)
{
    const double (*a)[4] = g->affine;
    uni_orient o;

    if (!uni_orient_of(&o, a))
        return nn_fail(CKKS_EFORMAT, "%s: the affine (%g %g %g %g; %g %g %g "
                       "%g; %g %g %g %g) has no inverse: axes that do not span "
                       "a volume; set it right (nibabel: img.set_sform), or "
                       "its code to 0", name, a[0][0], a[0][1], a[0][2],
                       a[0][3], a[1][0], a[1][1], a[1][2], a[1][3], a[2][0],
                       a[2][1], a[2][2], a[2][3]);
    for (int i = 0; i < 3; i++) {
        const double side = uni_geometry_spacing(g, i);

        if (!(side >= geometry_least) || !(side <= geometry_most))
            return nn_fail(CKKS_EFORMAT, "%s: voxels of %g mm along axis %d, "
                           "want %g..%g", name, side, i, geometry_least,
                           geometry_most);
    }
    return CKKS_OK;
}

/* ---- NIfTI's fields of an affine ----------------------------------------- */

/* The rotation as a quaternion (a, b, c, d) with a >= 0, of which b, c, d are
 * kept; r: orthogonal, of determinant 1. */
static void geometry_quatern(double out[3], double r[3][3])
{
    double q[4], scale;
    int most = 0;

    q[0] = 1 + r[0][0] + r[1][1] + r[2][2];             /* 4 a^2, 4 b^2 ...  */
    for (int i = 0; i < 3; i++)
        q[i + 1] = 1 + 2 * r[i][i] - r[0][0] - r[1][1] - r[2][2];
    for (int i = 1; i < 4; i++)
        most = q[i] > q[most] ? i : most;
    scale = 2 * sqrt(q[most]);                          /* 4 of the largest  */
    for (int i = 0; i < 4; i++) {
        if (i == most)
            continue;
        if (most == 0 || i == 0) {
            const int u = most + i - 1, v = (u + 1) % 3, w = (u + 2) % 3;

            q[i] = (r[w][v] - r[v][w]) / scale;
        } else {
            q[i] = (r[i - 1][most - 1] + r[most - 1][i - 1]) / scale;
        }
    }
    q[most] = scale / 4;
    for (int i = 0; i < 3; i++)
        out[i] = q[0] < 0 ? -q[i + 1] : q[i + 1];
}

/* The qform says no shear: left out where the axes are not at right angles. */
static void geometry_qform(uni_geometry *g)
{
    double r[3][3], det = 0;

    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            r[i][j] = g->affine[i][j] / g->pixdim[j + 1];
    for (int j = 0; j < 3; j++) {
        const int k = (j + 1) % 3, l = (j + 2) % 3;

        if (fabs(r[0][j] * r[0][k] + r[1][j] * r[1][k] + r[2][j] * r[2][k])
            > geometry_skew)
            return;
        det += r[0][j] * (r[1][k] * r[2][l] - r[1][l] * r[2][k]);
    }
    g->pixdim[0] = det < 0 ? -1 : 1;
    for (int i = 0; i < 3; i++) {
        r[i][2] *= g->pixdim[0];
        g->offset[i] = g->affine[i][3];
    }
    geometry_quatern(g->quatern, r);
    g->qform = GEOMETRY_SCANNER;
}

ckks_status uni_geometry_set(uni_geometry *out, const char *name,
                             const int n[3], const double affine[3][4])
{
    uni_geometry g = { .unit = 1, .version = 1, .rank = 3,
                       .sform = GEOMETRY_SCANNER, .units = GEOMETRY_MM };
    ckks_status s;

    memcpy(g.n, n, sizeof g.n);
    memcpy(g.affine, affine, sizeof g.affine);
    memcpy(g.srow, affine, sizeof g.srow);
    for (int i = 0; i < 3; i++)
        if (n[i] < 1 || n[i] > GEOMETRY_SIDE)
            return nn_fail(CKKS_EFORMAT, "%s: a volume of %d x %d x %d voxels, "
                           "want 1..%d along each axis", name, n[0], n[1],
                           n[2], GEOMETRY_SIDE);
    s = uni_geometry_check(&g, name);
    if (s != CKKS_OK)
        return s;
    for (int i = 0; i < 8; i++)
        g.pixdim[i] = i >= 1 && i <= 3 ? uni_geometry_spacing(&g, i - 1) : 1;
    geometry_qform(&g);
    *out = g;
    return CKKS_OK;
}
