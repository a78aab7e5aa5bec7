/* wire.c -- frames: wire.h. */
#include "blind/wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "blind/header.h"
#include "nn.h"

enum { WIRE_LINE = 400 };       /* longest text of BLIND_ERROR               */

static const double wire_silence = 10;  /* seconds, then BLIND_ALIVE         */
static const double wire_alive = 60;    /* times `idle`: for so long a side may
                                           say no more than that             */

struct blind_wire {
    blind_pump pump;
    int layer;
    char name[64];              /* of the step                               */
    uint32_t sent, received;    /* numbers of the next frames                */
    blind_traffic traffic;
    double spoke;               /* when the last frame was sent              */
    bool refused;               /* the other side has been told              */
    bool torn;                  /* a frame was sent in part                  */
    bool late;                  /* waited for too long in all                */
    ckks_status status;         /* of what ended the session                 */
    char why[WIRE_LINE + 200];
#ifdef BLIND_TESTING
    void (*event)(void *user, bool sent);
    void *user;
#endif
};

/* ---- how a session ends -------------------------------------------------- */

/* Its first message stays. */
static ckks_status wire_end(blind_wire *w, ckks_status s)
{
    if (w->status == CKKS_OK) {
        w->status = s;
        snprintf(w->why, sizeof w->why, "%s", nn_last_error());
    }
    return s;
}

static ckks_status wire_ended(const blind_wire *w)
{
    return nn_fail(w->status, "%s", w->why);
}

/* The other side's line: printable ASCII alone, so it moves no terminal. */
static ckks_status wire_told(blind_wire *w, const char *line, size_t size)
{
    char text[WIRE_LINE + 1];
    size_t k = 0;

    for (; k < size && k < WIRE_LINE; k++)
        text[k] = line[k] >= ' ' && line[k] <= '~' ? line[k] : '?';
    text[k] = '\0';
    return wire_end(w, nn_fail(CKKS_EIO, "%s: the other side ended: %s",
                               w->name, text));
}

/* Looks through the frames that wait for a last word; between frames only. */
static bool wire_last_word(blind_wire *w)
{
    const blind_queue *q = &w->pump.in;
    size_t at = q->start;
    blind_header h;

    while (q->end - at >= BLIND_HEADER && blind_header_get(&h, q->byte + at)) {
        at += BLIND_HEADER;
        if (h.size > q->end - at)
            return false;
        if (h.type == BLIND_ERROR) {
            (void)wire_told(w, (const char *)q->byte + at, (size_t)h.size);
            return true;
        }
        at += (size_t)h.size;
    }
    return false;
}

/* The message of what the pump said while `doing`. */
static ckks_status wire_failed(blind_wire *w, blind_pumped r, const char *doing)
{
    ckks_status s;

    if (r == BLIND_BROKEN
        && (w->pump.error == EPIPE || w->pump.error == ECONNRESET))
        r = BLIND_ENDED;
    switch (r) {
    case BLIND_MOVED:
        return CKKS_OK;
    case BLIND_NO_MEMORY:
        s = nn_fail(CKKS_EMEM, "%s: no memory for %s", w->name, doing);
        break;
    case BLIND_STALLED:
        s = nn_fail(CKKS_EIO, "%s: %s: the other side has been silent, or "
                    "below %d bytes a second, for %g seconds", w->name, doing,
                    BLIND_LEAST_RATE, w->pump.idle);
        break;
    case BLIND_LATE:
        w->late = true;
        s = nn_fail(CKKS_EIO, "%s: %s: the other side has been waited for %g "
                    "seconds in all, the most it gets", w->name, doing,
                    w->pump.allowed);
        break;
    case BLIND_ENDED:
        s = nn_fail(CKKS_EIO, "%s: %s: the other side has closed the "
                    "connection", w->name, doing);
        break;
    default:
        s = nn_fail(CKKS_EIO, "%s: %s: the connection is lost: %s", w->name,
                    doing, strerror(w->pump.error));
    }
    return wire_end(w, s);
}

/* The same between frames: a side that goes may have said why. */
static ckks_status wire_moved(blind_wire *w, blind_pumped r, const char *doing)
{
    if ((r == BLIND_ENDED || r == BLIND_BROKEN) && wire_last_word(w))
        return wire_ended(w);
    return wire_failed(w, r, doing);
}

/* ---- open and close ------------------------------------------------------ */

ckks_status blind_wire_open(blind_wire **out, int socket, double idle)
{
    blind_wire *w = calloc(1, sizeof *w);
    blind_pump pump;

    if (!blind_pump_open(&pump, socket, idle) || w == NULL
        || !(idle > 0 && idle < 1e6)) {
        ckks_status s = w == NULL
            ? nn_fail(CKKS_EMEM, "no memory for a connection")
            : nn_fail(CKKS_EARG, "a connection over socket %d, %g seconds: %s",
                      socket, idle, strerror(pump.error));

        blind_pump_close(&pump);
        free(w);
        return s;
    }
    w->pump = pump;
    w->spoke = blind_clock();
    blind_wire_step(w, 0, "opening");
    *out = w;
    return CKKS_OK;
}

void blind_wire_close(blind_wire **w)
{
    if (*w == NULL)
        return;
    if (((*w)->status == CKKS_EFORMAT || (*w)->late) && !(*w)->refused)
        blind_wire_refuse(*w, (*w)->why);
    blind_pump_close(&(*w)->pump);
    free(*w);
    *w = NULL;
}

void blind_wire_step(blind_wire *w, int layer, const char *name)
{
    w->layer = layer;
    snprintf(w->name, sizeof w->name, "%s", name);
}

void blind_wire_allow(blind_wire *w, double seconds)
{
    w->pump.allowed = seconds;
    w->pump.waited = 0;
}

blind_traffic blind_wire_traffic(const blind_wire *w)
{
    return w->traffic;
}

ckks_status blind_wire_greet(blind_wire *w, const uint8_t mine[BLIND_GREETING])
{
    if (w->status != CKKS_OK)
        return wire_ended(w);
    return wire_failed(w, blind_pump_write(&w->pump, mine, BLIND_GREETING,
                                           NULL, 0), "greeting");
}

ckks_status blind_wire_greeted(uint8_t theirs[BLIND_GREETING], blind_wire *w,
                               double seconds)
{
    double idle = w->pump.idle;
    ckks_status s;

    if (w->status != CKKS_OK)
        return wire_ended(w);
    w->pump.idle = seconds < idle ? seconds : idle;
    s = wire_failed(w, blind_pump_read(&w->pump, theirs, BLIND_GREETING),
                    "waiting for the greeting");
    w->pump.idle = idle;
    return s;
}

static void wire_testing(blind_wire *w, bool sent)
{
#ifdef BLIND_TESTING
    if (w->event != NULL)
        w->event(w->user, sent);
#else
    (void)w;
    (void)sent;
#endif
}

#ifdef BLIND_TESTING
void blind_wire_watch(blind_wire *w, void (*event)(void *user, bool sent),
                      void *user)
{
    w->event = event;
    w->user = user;
}
#endif

/* ---- sending ------------------------------------------------------------- */

static blind_pumped wire_put(blind_wire *w, blind_frame type, const void *data,
                             size_t size)
{
    blind_header h = { (unsigned)type, (unsigned)w->layer & 0xffff, w->sent++,
                      size };
    uint8_t b[BLIND_HEADER];
    blind_pumped r;

    blind_header_put(b, &h);
    w->spoke = blind_clock();
    r = blind_pump_write(&w->pump, b, sizeof b, data, size);
    w->torn |= r != BLIND_MOVED;
    return r;
}

ckks_status blind_wire_send(blind_wire *w, blind_frame type, const void *data,
                            size_t size)
{
    if (w->status != CKKS_OK)
        return wire_ended(w);
    if (size > BLIND_MOST_FRAME)
        return nn_fail(CKKS_EARG, "%s: a frame %s of %zu bytes, at most %d",
                       w->name, blind_frame_name((unsigned)type), size,
                       BLIND_MOST_FRAME);
    wire_testing(w, true);
    w->traffic.sent += BLIND_HEADER + size;
    return wire_moved(w, wire_put(w, type, data, size), "sending");
}

ckks_status blind_wire_flush(blind_wire *w)
{
    if (w->status != CKKS_OK)
        return wire_ended(w);
    return wire_moved(w, blind_pump_flush(&w->pump, -1), "sending");
}

ckks_status blind_wire_breathe(blind_wire *w)
{
    ckks_status s;

    if (w->status != CKKS_OK)
        return wire_ended(w);
    s = wire_moved(w, blind_pump_breathe(&w->pump), "computing");
    if (s == CKKS_OK && blind_clock() - w->spoke > wire_silence)
        s = wire_moved(w, wire_put(w, BLIND_ALIVE, NULL, 0), "computing");
    return s;
}

void blind_wire_refuse(blind_wire *w, const char *line)
{
    size_t size = strlen(line) < WIRE_LINE ? strlen(line) : WIRE_LINE;

    w->refused = true;
    w->pump.allowed = 0;
    /* Where the line would not fit into the queue, sending it would wait. */
    if (w->pump.error == 0 && !w->pump.ended && !w->torn
        && w->pump.out.end - w->pump.out.start
           < BLIND_MOST_QUEUED - 2 * WIRE_LINE
        && wire_put(w, BLIND_ERROR, line, size) == BLIND_MOVED
        && blind_pump_flush(&w->pump, 0.5) == BLIND_MOVED)
        blind_pump_hang_up(&w->pump, 0.5);
    if (w->status == CKKS_OK)
        (void)wire_end(w, nn_fail(CKKS_EIO, "%s", line));
}

/* ---- receiving ----------------------------------------------------------- */

/* The line of BLIND_ERROR that comes in place of the frame that was wanted. */
static ckks_status wire_hear(blind_wire *w, uint64_t size)
{
    char line[WIRE_LINE];
    size_t k = size < WIRE_LINE ? (size_t)size : WIRE_LINE;
    blind_pumped r = blind_pump_read(&w->pump, line, k);

    return r == BLIND_MOVED ? wire_told(w, line, k)
                            : wire_failed(w, r, "the other side's reason");
}

/* The next header that is not BLIND_ALIVE, as it came. */
static ckks_status wire_next(blind_wire *w, blind_header *h, blind_frame want)
{
    const double begun = blind_clock();

    do {
        uint8_t b[BLIND_HEADER];
        char doing[40];
        ckks_status s;

        snprintf(doing, sizeof doing, "waiting for %s",
                 blind_frame_name((unsigned)want));
        s = wire_failed(w, blind_pump_read(&w->pump, b, sizeof b), doing);
        if (s != CKKS_OK)
            return s;
        if (!blind_header_get(h, b))
            return wire_end(w, nn_fail(CKKS_EFORMAT, "%s: %s: what came is no "
                                       "header of a frame", w->name, doing));
        if (h->number != w->received)
            return wire_end(w, nn_fail(CKKS_EFORMAT, "%s: %s: frame number %u "
                                       "came, want %u", w->name, doing,
                                       h->number, w->received));
        w->received++;
        if (blind_clock() - begun > wire_alive * w->pump.idle)
            return wire_end(w, nn_fail(CKKS_EIO, "%s: %s: the other side has "
                                       "been computing for %g seconds",
                                       w->name, doing,
                                       wire_alive * w->pump.idle));
    } while (h->type == BLIND_ALIVE && h->size == 0);
    return h->type == BLIND_ERROR ? wire_hear(w, h->size) : CKKS_OK;
}

/* Its header must be this. */
static ckks_status wire_expect(blind_wire *w, blind_header *h, blind_frame type,
                               size_t least, size_t most)
{
    ckks_status s = wire_next(w, h, type);
    char from[32] = "";

    if (s != CKKS_OK)
        return s;
    if (h->type == (unsigned)type && h->layer == ((unsigned)w->layer & 0xffff)
        && h->size >= least && h->size <= most)
        return CKKS_OK;
    if (least < most)
        snprintf(from, sizeof from, "%zu to ", least);
    return wire_end(w, nn_fail(CKKS_EFORMAT, "%s: the other side sent %s of "
                               "step %u, %llu bytes, want %s of step %d, "
                               "%s%zu bytes", w->name,
                               blind_frame_name(h->type), h->layer,
                               (unsigned long long)h->size,
                               blind_frame_name((unsigned)type), w->layer, from,
                               most));
}

/* The bytes after the header. */
static ckks_status wire_payload(blind_wire *w, void *data, size_t size,
                                blind_frame type)
{
    ckks_status s = wire_failed(w, blind_pump_read(&w->pump, data, size),
                                blind_frame_name((unsigned)type));

    if (s != CKKS_OK)
        return s;
    w->traffic.received += BLIND_HEADER + size;
    wire_testing(w, false);
    return CKKS_OK;
}

ckks_status blind_wire_receive(blind_wire *w, blind_frame type, void *data,
                               size_t size)
{
    blind_header h;
    ckks_status s;

    if (w->status != CKKS_OK)
        return wire_ended(w);
    s = wire_expect(w, &h, type, size, size);
    return s == CKKS_OK ? wire_payload(w, data, size, type) : s;
}

ckks_status blind_wire_receive_text(blind_wire *w, blind_frame type,
                                    char **out, size_t *size, size_t least,
                                    size_t most)
{
    blind_header h;
    ckks_status s;
    char *text;

    if (w->status != CKKS_OK)
        return wire_ended(w);
    s = wire_expect(w, &h, type, least,
                    most < BLIND_MOST_FRAME ? most : BLIND_MOST_FRAME);
    if (s != CKKS_OK)
        return s;
    text = malloc((size_t)h.size + 1);
    if (text == NULL)
        return wire_end(w, nn_fail(CKKS_EMEM, "%s: no memory for %llu bytes",
                                   w->name, (unsigned long long)h.size));
    s = wire_payload(w, text, (size_t)h.size, type);
    if (s != CKKS_OK) {
        free(text);
        return s;
    }
    text[h.size] = '\0';
    *out = text;
    *size = (size_t)h.size;
    return CKKS_OK;
}
