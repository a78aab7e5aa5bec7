/* arena.h -- which part of one region each piece of memory gets: the hole that is
 * hardly larger, so that others stay whole, else the first that is large enough,
 * from the bottom up.
 *
 * Offsets alone, no memory: the planner lays out with it what nn_pages then
 * hands out, in the same order and so at the same places. */
#ifndef NN_ARENA_H
#define NN_ARENA_H

#include <stddef.h>
#include <stdint.h>

/* Pieces are GRAIN bytes times something, and PAD bytes larger than asked for:
 * limbs are powers of two, and would otherwise begin at the same place of a page
 * and of a cache, all of them. */
enum { NNI_GRAIN = 64, NNI_PAD = 4096 + 64 };

typedef struct nni_hole {
    size_t at, size;
} nni_hole;

/* Zero bytes are an empty arena. */
typedef struct nni_arena {
    nni_hole *hole;             /* shape (holes): free pieces below the end,
                                   by place, no two of them neighbours       */
    size_t holes, room, pieces;
    size_t end;                 /* nothing beyond has ever been handed out,
                                   or all of it is free                      */
    size_t top;                 /* the largest `end` so far                  */
} nni_arena;

#define NNI_NO_ROOM SIZE_MAX

/* Takes a piece of size > 0: its offset; NNI_NO_ROOM: no memory for the list
 * of holes. */
size_t nni_arena_take(nni_arena *a, size_t size);
/* Gives it back. */
void nni_arena_give(nni_arena *a, size_t at, size_t size);
void nni_arena_clear(nni_arena *a);

#endif
