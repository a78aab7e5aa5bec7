/* orient.c -- which way the stored axes of a volume go, by its affine. */
#include "image/orient.h"

#include <math.h>

enum { ORIENT_STEPS = 60 };

static const double orient_flat = 1e-3;

double uni_orient_length(const double affine[3][4], int column)
{
    return hypot(hypot(affine[0][column], affine[1][column]),
                 affine[2][column]);
}

/* Element (i, j) of the matrix of cofactors. */
static double orient_cofactor(double m[3][3], int i, int j)
{
    const int a = (i + 1) % 3, b = (i + 2) % 3;
    const int c = (j + 1) % 3, d = (j + 2) % 3;

    return m[a][c] * m[b][d] - m[a][d] * m[b][c];
}

static double orient_det(double m[3][3])
{
    double det = 0;

    for (int j = 0; j < 3; j++)
        det += m[0][j] * orient_cofactor(m, 0, j);
    return det;
}

/* Newton's iteration for the orthogonal factor: the mean of a matrix and the
 * transpose of its inverse.  It doubles the digits, and before that halves the
 * largest singular value, which is at most 1000 here. */
static void orient_polar(double m[3][3])
{
    double change = 1;

    for (int k = 0; k < ORIENT_STEPS && change > 1e-15; k++) {
        const double det = orient_det(m);
        double next[3][3];

        change = 0;
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 3; j++) {
                next[i][j] = (m[i][j] + orient_cofactor(m, i, j) / det) / 2;
                change = fmax(change, fabs(next[i][j] - m[i][j]));
            }
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 3; j++)
                m[i][j] = next[i][j];
    }
}

/* The affine's columns as unit vectors; false: they are none. */
static bool orient_unit(double m[3][3], const double affine[3][4])
{
    for (int j = 0; j < 3; j++) {
        const double length = uni_orient_length(affine, j);

        if (!isfinite(length) || !(length > 0) || !isfinite(affine[j][3]))
            return false;
        for (int i = 0; i < 3; i++)
            m[i][j] = affine[i][j] / length;
    }
    return fabs(orient_det(m)) >= orient_flat;
}

bool uni_orient_of(uni_orient *out, const double affine[3][4])
{
    double m[3][3];
    bool taken[3] = { false, false, false };

    if (!orient_unit(m, affine))
        return false;
    orient_polar(m);
    for (int j = 0; j < 3; j++) {
        int most = -1;

        for (int i = 0; i < 3; i++)
            if (!taken[i] && (most < 0 || fabs(m[i][j]) > fabs(m[most][j])))
                most = i;
        taken[most] = true;
        out->along[j] = most;
        out->against[j] = m[most][j] < 0;
    }
    return true;
}
