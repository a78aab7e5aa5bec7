/* parts.c -- files that hold parts of one result: whether they go together.
 * Contracts in parts.h. */
#include "parts.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parts_same_images(const unet_job *a, const unet_job *b)
{
    return a->images == b->images
           && memcmp(a->size, b->size, a->images * sizeof *a->size) == 0;
}

/* "%02x%02x%02x%02x" of an identity. */
static const char *parts_name(char out[9], const uint8_t id[UNET_ID])
{
    for (int i = 0; i < 4; i++)
        snprintf(out + 2 * i, 3, "%02x", id[i]);
    return out;
}

ckks_status uni_parts_agree(const uni_part *a, const unet_job *first,
                            const uni_part *b, const unet_job *job)
{
    const unet_info *x = &a->info, *y = &b->info;
    char one[9], other[9];

    if (memcmp(x->plan, y->plan, UNET_ID) != 0)
        return nn_fail(CKKS_EPARAM, "%s is of plan %s, the parts before are of "
                       "%s (%s): give the parts of one result", b->path,
                       parts_name(one, y->plan), parts_name(other, x->plan),
                       a->path);
    if (memcmp(x->request, y->request, UNET_ID) != 0
        || !parts_same_images(first, job) || x->sets != y->sets
        || x->ciphertexts != y->ciphertexts)
        return nn_fail(CKKS_EPARAM, "%s: request %s, the parts before are of "
                       "%s (%s): give the parts of one request", b->path,
                       parts_name(one, y->request),
                       parts_name(other, x->request), a->path);
    if (x->marked != y->marked || memcmp(x->mark, y->mark, UNET_ID) != 0)
        return nn_fail(CKKS_EPARAM, "%s was computed with other weights or "
                       "keys, or by another version, than %s: evaluate one of "
                       "them anew", b->path, a->path);
    return CKKS_OK;
}

static int parts_compare(const void *a, const void *b)
{
    const unet_part *x = &((const uni_part *)a)->info.part;
    const unet_part *y = &((const uni_part *)b)->info.part;

    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return (x->count > y->count) - (x->count < y->count);
}

/* What makes sets from..end - 1 of a result: the part K/N, N as small as can
 * be, or, if they are none, the first of them alone. */
static void parts_way(char out[96], uint64_t from, uint64_t end, uint64_t sets)
{
    enum { MOST = 4096 };

    for (uint64_t n = 1; n <= MOST; n++) {
        const uint64_t k = (from * n + sets - 1) / sets;    /* before it  */

        if (sets * k / n == from && sets * (k + 1) / n == end) {
            snprintf(out, 96, "volley evaluate --part %llu/%llu makes what is "
                     "missing", (unsigned long long)k + 1,
                     (unsigned long long)n);
            return;
        }
    }
    snprintf(out, 96, "volley evaluate --part %llu/%llu makes the first",
             (unsigned long long)from + 1, (unsigned long long)sets);
}

/* Sets from..end - 1 are in none of the files. */
static ckks_status parts_missing(const uni_part *part, size_t count,
                                 size_t from, size_t end, size_t sets)
{
    char way[96], range[64] = "";

    parts_way(way, from, end, sets);
    if (end - from > 1)
        snprintf(range, sizeof range, ", nor are those up to %zu", end);
    return nn_fail(CKKS_EPARAM, "set %zu of %zu is in none of the files%s "
                   "(%s%s): give all parts together; %s", from + 1, sets,
                   range, part[0].path, count > 1 ? ", ..." : "", way);
}

ckks_status uni_parts_whole(uni_part *part, size_t count, size_t sets)
{
    size_t next = 0;                    /* sets before it are in files       */
    const uni_part *last = NULL;        /* the file that holds the one before */

    qsort(part, count, sizeof *part, parts_compare);
    for (size_t i = 0; i < count; i++) {
        const unet_part *p = &part[i].info.part;

        if (p->count == 0)
            continue;
        if (p->first < next)
            return nn_fail(CKKS_EPARAM, "%s: set %zu is in another part, too: "
                           "%s; leave one of them out", part[i].path,
                           p->first + 1, last->path);
        if (p->first > next)
            return parts_missing(part, count, next, p->first, sets);
        next = p->first + p->count;
        last = &part[i];
    }
    return next == sets ? CKKS_OK
                        : parts_missing(part, count, next, sets, sets);
}
