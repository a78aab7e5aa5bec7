/* talk.h -- one side of a session whose other side is a line's text, without
 * base transfers: both sides' keys are the same each time, and so is all that
 * an honest side says. */
#ifndef FUZZ_TALK_H
#define FUZZ_TALK_H

#include <stdbool.h>

#include "ckks.h"
#include "line.h"

enum { FUZZ_TALKS = 3, FUZZ_TALK_PIXELS = 32 };

typedef struct fuzz_talk {
    size_t images;
    uint64_t sent;              /* bytes                                     */
    bool over;                  /* the client's, as is the mask              */
    uint8_t label[FUZZ_TALK_PIXELS];
} fuzz_talk;

/* Keys, transfers, images and the end of network number `toy`; out is written
 * after CKKS_OK only. */
ckks_status fuzz_talk_run(fuzz_talk *out, fuzz_line *l, unsigned toy,
                          bool server);
/* What both sides must agree on: the bytes of one image, and the labels. */
uint64_t fuzz_talk_sent(unsigned toy, bool server);
unsigned fuzz_talk_classes(unsigned toy);

#endif
