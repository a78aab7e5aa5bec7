/* queue.h -- bytes that wait, in the order they came.  What was in a queue is
 * wiped before its memory goes. */
#ifndef BLIND_QUEUE_H
#define BLIND_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BLIND_QUEUE_BITE = 256 << 10 };  /* the least room                    */

/* Bytes start ... end of `byte`, which has room for `room`; zeros: empty. */
typedef struct blind_queue {
    uint8_t *byte;
    size_t start, end, room;
} blind_queue;

static inline size_t blind_queue_size(const blind_queue *q)
{
    return q->end - q->start;
}

void blind_queue_clear(blind_queue *q);
/* Room for more bytes behind the end; false: no memory. */
bool blind_queue_extend(blind_queue *q, size_t more);
/* The first size bytes go; there are as many. */
void blind_queue_drop(blind_queue *q, size_t size);
/* Copies to the end; false: no memory. */
bool blind_queue_put(blind_queue *q, const void *data, size_t size);
/* Takes up to size bytes from the front; how many. */
size_t blind_queue_get(blind_queue *q, uint8_t *data, size_t size);

#endif
