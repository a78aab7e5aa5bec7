/* hand.h -- private to the command: what `volley ask` has in hand, and how it
 * tells of it (tell.c). */
#ifndef VOLLEY_ASK_HAND_H
#define VOLLEY_ASK_HAND_H

#include "volley/ask/ask.h"

typedef enum ask_part {
    ASK_KEYGEN = 0, ASK_ENCRYPT, ASK_SEND, ASK_RUN, ASK_FETCH, ASK_DECRYPT,
    ASK_PARTS
} ask_part;

typedef struct ask_hand {
    const volley_args *a;
    ask_line line;
    ask_model model;
    volley_source source;           /* the server's plan                     */
    char *label, *home;             /* what it is called; the key folder     */
    volley_owner owner;
    ask_note note;
    volley_passage pass;
    uni_album album;
    bool given;                     /* the images are at hand                */
    uni_record record;
    volley_names names;
    volley_answers answers;         /* of a classifier                       */
    char job[ASK_ID];
    size_t sets;
    uint64_t most, bytes;           /* of the result: bound, size            */
    unet_result r;
    volley_taken taken;             /* masks, where no logits are wanted     */
    double start, seconds[ASK_PARTS];
} ask_hand;

/* Writes and prints masks or classes. */
int ask_tell(ask_hand *h);

#endif
