/* line.h -- a connection whose other side is a text: what it says lies there
 * before, and comes in pieces; then, when more is waited for, it is gone.  What
 * is said to it is kept.  No thread, no socket, no waiting: the linker's --wrap
 * of recv, sendmsg and poll. */
#ifndef FUZZ_LINE_H
#define FUZZ_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FUZZ_LINE_RESETS = 128      /* ends by a reset, not by a close           */
};

typedef struct fuzz_line {
    const uint8_t *said;        /* by the other side: size bytes             */
    size_t size;
    uint8_t *heard;             /* by it: the first `room` of `count` bytes  */
    size_t room, count;
    unsigned manner;            /* 0: all at once; else the pieces' seed, and
                                   how it ends                               */
    size_t at;                  /* of said                                   */
    uint64_t state;
    bool waited;                /* for more than it says                     */
} fuzz_line;

/* A descriptor that is this line until it is closed; one at a time. */
int fuzz_line_open(fuzz_line *l);

#endif
