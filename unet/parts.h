/* parts.h -- private to libunet: files that hold parts of one result.
 *
 * What heads say is believed by nobody: two files go together only if their
 * heads do, and a result is whole if every set lies in just one file.
 */
#ifndef UNET_PARTS_H
#define UNET_PARTS_H

#include "unet.h"

/* A file and what its head says. */
typedef struct uni_part {
    const char *path;
    unet_reader *reader;        /* NULL: it is opened again by its path      */
    unet_info info;
} uni_part;

/* Whether file b, whose images are those of job, goes with file a, whose images
 * are those of first: plan, request, images, sets, ciphertexts, origin.
 *   errors  CKKS_EPARAM */
CKKS_CHECKED ckks_status uni_parts_agree(const uni_part *a,
                                         const unet_job *first,
                                         const uni_part *b,
                                         const unet_job *job);
/* Every set, 0 to sets - 1, in one of these files and in no two; files that
 * uni_parts_agree took.  Sorts them by their first sets, those without sets
 * wherever.
 *   errors  CKKS_EPARAM, with the way to what is missing
 *   cost    count log count */
CKKS_CHECKED ckks_status uni_parts_whole(uni_part *part, size_t count,
                                         size_t sets);

#endif
