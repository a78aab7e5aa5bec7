/* dicom_stack.c -- images of DICOM as the slices of one volume: their order and
 * where its voxels lie.
 *
 * A file gives the place of its first pixel and the directions of its rows and
 * columns, x to the patient's left, y to the back, z to the head (LPS).  Slices
 * are in order along the normal, rows x columns.  What stands here as an affine
 * takes (column, row, slice) to mm to the right, to the front, to the head, as
 * NIfTI has it: the first two coordinates change their signs.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/dicom.h"

/* How far from regular a volume may be: directions that differ; spacings,
 * relative; slices along the normal, of their distance; across it, of a pixel.
 * Positions are texts, often rounded to 0.1 mm. */
static const double stack_turn = 1e-3, stack_stretch = 1e-3;
static const double stack_along = 0.15, stack_across = 0.5;
static const double stack_same = 1e-3;          /* mm                        */

typedef struct stack_slice {
    size_t index;
    double along;               /* mm along the normal                       */
} stack_slice;

static double stack_dot(const double *a, const double *b)
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void stack_cross(double *out, const double *a, const double *b)
{
    for (int i = 0; i < 3; i++)
        out[i] = a[(i + 1) % 3] * b[(i + 2) % 3]
                 - a[(i + 2) % 3] * b[(i + 1) % 3];
}

static int stack_compare(const void *a, const void *b)
{
    const stack_slice *x = a, *y = b;

    if (x->along != y->along)
        return x->along < y->along ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

/* What image i is called in a message; room for it in text. */
enum { STACK_NAME = 512 };
static const char *stack_name(char text[STACK_NAME], const uni_dicom_stack *in,
                              size_t i)
{
    if (!in->frames)
        return in->name[i];
    snprintf(text, STACK_NAME, "%s (frame %zu)", in->name[0], i);
    return text;
}

/* ---- one image ----------------------------------------------------------- */

static ckks_status stack_plane(const uni_dicom_plane *p, const char *name)
{
    const double *u = p->axes, *v = p->axes + 3;

    if (!(fabs(stack_dot(u, u) - 1) < 2 * stack_turn
          && fabs(stack_dot(v, v) - 1) < 2 * stack_turn
          && fabs(stack_dot(u, v)) < stack_turn))
        return nn_fail(CKKS_EFORMAT, "%s: DICOM ImageOrientationPatient is no "
                       "pair of directions at a right angle: lengths %g and "
                       "%g, cosine %g", name, sqrt(stack_dot(u, u)),
                       sqrt(stack_dot(v, v)), stack_dot(u, v));
    for (int i = 0; i < 2; i++)
        if (!(p->spacing[i] >= 1e-6 && p->spacing[i] <= 1e6))
            return nn_fail(CKKS_EFORMAT, "%s: DICOM pixels %g mm apart", name,
                           p->spacing[i]);
    for (int i = 0; i < 3; i++)
        if (!(fabs(p->position[i]) <= 1e6))
            return nn_fail(CKKS_EFORMAT, "%s: DICOM image %g mm from the "
                           "origin", name, p->position[i]);
    return CKKS_OK;
}

/* An image beside the first one. */
static ckks_status stack_beside(const uni_dicom_plane *p, const char *name,
                                const uni_dicom_plane *first,
                                const char *other)
{
    double turn = 0;

    for (int i = 0; i < 6; i++)
        turn = fmax(turn, fabs(p->axes[i] - first->axes[i]));
    if (turn > stack_turn)
        return nn_fail(CKKS_EFORMAT, "%s: turned against %s: directions "
                       "differ by up to %.3f: no slices of one volume; "
                       "dcm2niix -o OUT FOLDER parts them", name, other, turn);
    for (int i = 0; i < 2; i++)
        if (fabs(p->spacing[i] / first->spacing[i] - 1) > stack_stretch)
            return nn_fail(CKKS_EFORMAT, "%s: pixels of %g x %g mm, in %s of "
                           "%g x %g mm: no slices of one volume; dcm2niix -o "
                           "OUT FOLDER parts them", name, p->spacing[0],
                           p->spacing[1], other, first->spacing[0],
                           first->spacing[1]);
    return CKKS_OK;
}

/* ---- all of them --------------------------------------------------------- */

/* Slices k - 1 and k lie apart as the others do. */
static ckks_status stack_gap(const uni_dicom_stack *in, const stack_slice *s,
                             size_t k, double step)
{
    char one[STACK_NAME], two[STACK_NAME];
    const char *before = stack_name(one, in, s[k - 1].index);
    const char *here = stack_name(two, in, s[k].index);
    const double gap = s[k].along - s[k - 1].along;
    const double off = s[k].along - s[0].along - (double)k * step;

    if (gap < stack_same)
        return nn_fail(CKKS_EFORMAT, "%s and %s lie at the same place: the "
                       "same slice twice, or several volumes (times, echoes, "
                       "directions) in one series; dcm2niix -o OUT FOLDER "
                       "parts them", before, here);
    if (fabs(off) > stack_along * step)
        return nn_fail(CKKS_EFORMAT, "%s and %s lie %g mm apart, where the "
                       "%zu slices are %g mm apart on average: slices are "
                       "missing, or not regular; name them one by one, or "
                       "dcm2niix -o OUT FOLDER", before, here, gap, in->count,
                       step);
    return CKKS_OK;
}

/* The slices lie over each other, not along a line that leans. */
static ckks_status stack_lean(const uni_dicom_stack *in, const stack_slice *s,
                              size_t k, const double *normal)
{
    const uni_dicom_plane *a = &in->plane[s[0].index];
    const uni_dicom_plane *b = &in->plane[s[k].index];
    const double along = s[k].along - s[0].along;
    char one[STACK_NAME], two[STACK_NAME];
    double across = 0;

    for (int i = 0; i < 3; i++) {
        const double d = b->position[i] - a->position[i] - along * normal[i];

        across += d * d;
    }
    across = sqrt(across);
    if (across <= stack_across * fmin(a->spacing[0], a->spacing[1]))
        return CKKS_OK;
    return nn_fail(CKKS_EFORMAT, "%s is shifted sideways against %s by %.2f "
                   "mm over %.2f mm, more than half a pixel: a leaning stack "
                   "(gantry tilt); dcm2niix -o OUT FOLDER straightens it",
                   stack_name(one, in, s[k].index),
                   stack_name(two, in, s[0].index), across, along);
}

static ckks_status stack_order(uni_dicom_stack *in, stack_slice *s,
                               const double *normal)
{
    const double last = (double)(in->count > 1 ? in->count - 1 : 1);
    double step;
    ckks_status status = CKKS_OK;

    for (size_t k = 0; k < in->count; k++)
        s[k] = (stack_slice){ k, stack_dot(in->plane[k].position, normal) };
    qsort(s, in->count, sizeof *s, stack_compare);
    step = (s[in->count - 1].along - s[0].along) / last;
    for (size_t k = 1; k < in->count && status == CKKS_OK; k++)
        if (s[k].along - s[k - 1].along < stack_same)   /* says more         */
            status = stack_gap(in, s, k, step);
    for (size_t k = 1; k < in->count && status == CKKS_OK; k++) {
        status = stack_gap(in, s, k, step);
        if (status == CKKS_OK)
            status = stack_lean(in, s, k, normal);
    }
    for (size_t k = 0; k < in->count && status == CKKS_OK; k++)
        in->order[k] = s[k].index;
    return status;
}

/* The third column is the way from the first slice to the last, by their
 * number; of one slice the normal, as long as it is said to be thick. */
static void stack_affine(uni_dicom_stack *in, const double *normal)
{
    const uni_dicom_plane *a = &in->plane[in->order[0]];
    const uni_dicom_plane *z = &in->plane[in->order[in->count - 1]];
    double thick = a->has & UNI_DICOM_BETWEEN ? fabs(a->between)
                 : a->has & UNI_DICOM_THICKNESS ? fabs(a->thickness) : 1;

    if (!(thick >= 1e-6 && thick <= 1e6))
        thick = 1;
    for (int i = 0; i < 3; i++) {
        const double sign = i < 2 ? -1 : 1;
        const double step = in->count > 1
                          ? (z->position[i] - a->position[i])
                            / (double)(in->count - 1) : normal[i] * thick;

        in->affine[i][0] = sign * a->axes[i] * a->spacing[1];
        in->affine[i][1] = sign * a->axes[i + 3] * a->spacing[0];
        in->affine[i][2] = sign * step;
        in->affine[i][3] = sign * a->position[i];
    }
}

/* All have a place, or none. */
static ckks_status stack_placed(uni_dicom_stack *in)
{
    const unsigned whole = UNI_DICOM_POSITION | UNI_DICOM_AXES
                           | UNI_DICOM_SPACING;
    size_t placed = 0, without = 0;
    char text[STACK_NAME];

    for (size_t k = 0; k < in->count; k++) {
        if ((in->plane[k].has & whole) == whole)
            placed++;
        else
            without = k;
    }
    in->placed = placed == in->count;
    if (placed > 0 && !in->placed)
        return nn_fail(CKKS_EFORMAT, "%s: no position, orientation or spacing, "
                       "which %zu of the %zu images have; name those alone",
                       stack_name(text, in, without), placed, in->count);
    return CKKS_OK;
}

ckks_status uni_dicom_stack_up(uni_dicom_stack *in)
{
    char one[STACK_NAME], two[STACK_NAME];
    double normal[3];
    stack_slice *slices;
    ckks_status s = stack_placed(in);

    for (size_t k = 0; k < in->count; k++)
        in->order[k] = k;
    if (s != CKKS_OK || !in->placed)
        return s;
    for (size_t k = 0; k < in->count && s == CKKS_OK; k++)
        s = stack_plane(&in->plane[k], stack_name(one, in, k));
    for (size_t k = 1; k < in->count && s == CKKS_OK; k++)
        s = stack_beside(&in->plane[k], stack_name(one, in, k), &in->plane[0],
                         stack_name(two, in, 0));
    if (s != CKKS_OK)
        return s;
    slices = malloc(in->count * sizeof *slices);
    if (slices == NULL)
        return nn_fail(CKKS_EMEM, "%s: no memory for %zu slices", in->name[0],
                       in->count);
    stack_cross(normal, in->plane[0].axes, in->plane[0].axes + 3);
    s = stack_order(in, slices, normal);
    if (s == CKKS_OK)
        stack_affine(in, normal);
    free(slices);
    return s;
}
