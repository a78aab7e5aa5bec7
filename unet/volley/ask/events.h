/* events.h -- private to the command: server-sent events, as far as the service
 * sends them: "event: NAME", "data: one line", an empty line; lines that begin
 * with ':' mean that the line is open.
 */
#ifndef VOLLEY_ASK_EVENTS_H
#define VOLLEY_ASK_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EVENTS_LINE = 8192 };

typedef struct events {
    char line[EVENTS_LINE], data[EVENTS_LINE];
    size_t length;
    char name[32];
    /* false ends the reading */
    bool (*got)(void *user, const char *name, const char *data);
    void *user;
} events;

/* The next bytes, of any number: false if `got` says so, or a line has over
 * EVENTS_LINE - 1 bytes or a NUL in it. */
bool events_take(events *e, const uint8_t *in, size_t size);

#endif
