/* queue.c -- bytes that wait: queue.h. */
#include "blind/queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/base.h"

void blind_queue_clear(blind_queue *q)
{
    if (q->byte != NULL)
        cki_wipe(q->byte, q->room);
    free(q->byte);
    *q = (blind_queue){ 0 };
}

/* Doubles, so that bytes are moved twice at most. */
bool blind_queue_extend(blind_queue *q, size_t more)
{
    const size_t held = blind_queue_size(q);
    size_t room = q->room < BLIND_QUEUE_BITE ? BLIND_QUEUE_BITE : q->room;
    uint8_t *byte;

    if (q->room - q->end >= more)
        return true;
    if (q->room >= held + more && q->start >= q->room / 2) {
        memmove(q->byte, q->byte + q->start, held);
        q->start = 0;
        q->end = held;
        return true;
    }
    while (room < held + more)
        room *= 2;
    byte = malloc(room);
    if (byte == NULL)
        return false;
    if (held > 0)
        memcpy(byte, q->byte + q->start, held);
    blind_queue_clear(q);
    *q = (blind_queue){ .byte = byte, .end = held, .room = room };
    return true;
}

/* An empty queue begins anew, and gives back memory that it seldom needs. */
void blind_queue_drop(blind_queue *q, size_t size)
{
    q->start += size;
    if (q->start < q->end)
        return;
    q->start = q->end = 0;
    if (q->room > 64 * BLIND_QUEUE_BITE)
        blind_queue_clear(q);
}

bool blind_queue_put(blind_queue *q, const void *data, size_t size)
{
    if (size == 0)
        return true;
    if (!blind_queue_extend(q, size))
        return false;
    memcpy(q->byte + q->end, data, size);
    q->end += size;
    return true;
}

size_t blind_queue_get(blind_queue *q, uint8_t *data, size_t size)
{
    size_t k = size < blind_queue_size(q) ? size : blind_queue_size(q);

    if (k > 0) {
        memcpy(data, q->byte + q->start, k);
        blind_queue_drop(q, k);
    }
    return k;
}
