/* pump.h -- bytes over one stream socket, in both directions at once.
 *
 * Whoever cannot send takes in what comes meanwhile, so two sides that both
 * send do not wait for each other.  What is under way must move: within each
 * `idle` seconds at least BLIND_LEAST_RATE bytes a second, or all that is left.
 * Whoever gives a line a share of its time bounds the waiting in all, too.
 */
#ifndef BLIND_PUMP_H
#define BLIND_PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blind/queue.h"

enum {
    BLIND_LEAST_RATE  = 1000,       /* bytes a second                        */
    BLIND_MOST_QUEUED = 4 << 20,    /* of our own, before a write waits: more
                                   would leave the caches, and was slower    */
    BLIND_MOST_WAITING = 256 << 20  /* of the other side's, not asked for    */
};

typedef enum blind_pumped {
    BLIND_MOVED = 0,
    BLIND_ENDED,                /* the other side has closed                 */
    BLIND_BROKEN,               /* `error` of the pump says how              */
    BLIND_STALLED,              /* too little within `idle` seconds          */
    BLIND_LATE,                 /* waited for `allowed` seconds in all       */
    BLIND_NO_MEMORY
} blind_pumped;

typedef struct blind_pump {
    int socket;
    double idle;                /* seconds                                   */
    double allowed;             /* seconds that the other side may be waited
                                   for in all; 0: any                        */
    double waited;              /* that it was                               */
    blind_queue in, out;
    bool ended;                 /* no more will come                         */
    int error;                  /* errno of a failed call, 0: none           */
    double looked;              /* when blind_pump_breathe last looked       */
} blind_pump;

/* Seconds of a clock that nobody sets. */
double blind_clock(void);

/* Takes over a connected stream socket.  False: it is none (error is set). */
bool blind_pump_open(blind_pump *p, int socket, double idle);
/* Wipes and frees what waits, closes the socket. */
void blind_pump_close(blind_pump *p);

/* Sends head and data, in this order behind all before; at most
 * BLIND_MOST_QUEUED bytes stay here as a copy, to be moved by later calls. */
blind_pumped blind_pump_write(blind_pump *p, const void *head,
                              size_t head_size, const void *data, size_t size);
/* The next size bytes; sends meanwhile. */
blind_pumped blind_pump_read(blind_pump *p, void *data, size_t size);
/* Until all is sent, or for so many seconds (< 0: as long as it moves). */
blind_pumped blind_pump_flush(blind_pump *p, double most);
/* Moves what can be moved without waiting, now and then: does nothing within
 * 5 ms of the last time. */
blind_pumped blind_pump_breathe(blind_pump *p);
/* Says that no more will be sent, and takes in what comes until the other side
 * closes, for so many seconds: a socket closed earlier loses what it sent. */
void blind_pump_hang_up(blind_pump *p, double most);

#endif
