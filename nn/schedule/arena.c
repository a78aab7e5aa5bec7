/* arena.c -- offsets for pieces of memory: a hole of their size, or first fit.
 *
 * Read first: arena.h.
 *
 *      0        at       at+size              end
 *      | pieces |  hole  | pieces ... pieces  |  never used, or all free
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "schedule/arena.h"

/* A hole larger by this part of the piece, or less, is as good as its own: what
 * is left of it would serve nothing.  em takes 787 MiB so, and 799 where only
 * holes of just the size came first. */
enum { HARDLY = 8 };

static size_t round_up(size_t size)
{
    return (size + NNI_PAD + NNI_GRAIN - 1) / NNI_GRAIN * NNI_GRAIN;
}

static void remove_hole(nni_arena *a, size_t i)
{
    a->holes--;
    memmove(a->hole + i, a->hole + i + 1, (a->holes - i) * sizeof *a->hole);
}

/* Room for a hole more than there are pieces: there are never more. */
static bool make_room(nni_arena *a)
{
    const size_t room = a->room == 0 ? 64 : 2 * a->room;
    nni_hole *grown;

    if (a->room > a->pieces + 1)
        return true;
    grown = realloc(a->hole, room * sizeof *grown);
    if (grown == NULL)
        return false;
    a->hole = grown;
    a->room = room;
    return true;
}

/* The tightest hole that is hardly larger, else the first that is large enough;
 * `holes`: there is none. */
static size_t find_hole(const nni_arena *a, size_t size)
{
    size_t first = a->holes, tight = a->holes, most = size + size / HARDLY;

    for (size_t i = 0; i < a->holes; i++) {
        const size_t is = a->hole[i].size;

        if (is >= size && first == a->holes)
            first = i;
        if (is >= size && is <= most) {
            tight = i;
            most = is - 1;
        }
        if (is == size)
            break;
    }
    return tight < a->holes ? tight : first;
}

size_t nni_arena_take(nni_arena *a, size_t size)
{
    size_t at = a->end, i;

    if (!make_room(a))
        return NNI_NO_ROOM;
    a->pieces++;
    size = round_up(size);
    i = find_hole(a, size);
    if (i < a->holes) {
        nni_hole *h = &a->hole[i];

        at = h->at;
        h->at += size;
        h->size -= size;
        if (h->size == 0)
            remove_hole(a, i);
        return at;
    }
    a->end += size;
    if (a->end > a->top)
        a->top = a->end;
    return at;
}

/* Number of the first hole behind `at`. */
static size_t hole_after(const nni_arena *a, size_t at)
{
    size_t low = 0, high = a->holes;

    while (low < high) {
        const size_t middle = (low + high) / 2;

        if (a->hole[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void nni_arena_give(nni_arena *a, size_t at, size_t size)
{
    nni_hole h = { at, round_up(size) };
    size_t i = hole_after(a, at);

    a->pieces--;
    if (i < a->holes && a->hole[i].at == h.at + h.size) {
        h.size += a->hole[i].size;
        remove_hole(a, i);
    }
    if (i > 0 && a->hole[i - 1].at + a->hole[i - 1].size == h.at) {
        h.at = a->hole[i - 1].at;
        h.size += a->hole[i - 1].size;
        remove_hole(a, --i);
    }
    if (h.at + h.size == a->end) {
        a->end = h.at;
        return;
    }
    memmove(a->hole + i + 1, a->hole + i, (a->holes - i) * sizeof *a->hole);
    a->hole[i] = h;
    a->holes++;
}

void nni_arena_clear(nni_arena *a)
{
    free(a->hole);
    memset(a, 0, sizeof *a);
}
