/* events.c -- events.h: bytes to lines, lines to events. */
#include "volley/ask/events.h"

#include <stdio.h>
#include <string.h>

/* The value of a field, behind one space, or NULL. */
static const char *events_value(const char *line, const char *field)
{
    const size_t n = strlen(field);

    if (strncmp(line, field, n) != 0 || line[n] != ':')
        return NULL;
    return line + n + 1 + (line[n + 1] == ' ');
}

static bool events_line(events *e)
{
    const char *value;
    bool good = true;

    e->line[e->length] = '\0';
    if (e->length == 0) {
        if (e->data[0] != '\0')
            good = e->got(e->user, e->name[0] != '\0' ? e->name : "message",
                          e->data);
        e->name[0] = e->data[0] = '\0';
    } else if ((value = events_value(e->line, "event")) != NULL) {
        snprintf(e->name, sizeof e->name, "%s", value);
    } else if ((value = events_value(e->line, "data")) != NULL) {
        snprintf(e->data, sizeof e->data, "%s", value);
    }
    e->length = 0;
    return good;
}

bool events_take(events *e, const uint8_t *in, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (in[i] == '\r')
            continue;
        if (in[i] == '\n') {
            if (!events_line(e))
                return false;
            continue;
        }
        if (in[i] == '\0' || e->length == EVENTS_LINE - 1)
            return false;
        e->line[e->length++] = (char)in[i];
    }
    return true;
}
