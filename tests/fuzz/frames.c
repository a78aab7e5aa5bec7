/* frames.c -- what the other side of a session says, frame by frame: an honest
 * side's words with a few of them changed.
 * variant: the network and which side listens; the bytes: manner of the line,
 * then changes.
 */
#include <string.h>

#include "blind/header.h"
#include "blind/wire.h"
#include "fuzz.h"
#include "talk.h"

enum { FRAMES = 64, CHANGES = 8, MOST_SAID = 1 << 22 };

static unsigned toy_of(const fuzz_input *in)
{
    return in->variant / 2 % FUZZ_TALKS;
}

static bool server_of(const fuzz_input *in)
{
    return in->variant % 2;
}

/* ---- an honest side ------------------------------------------------------ */

/* What each side of a toy says, by letting one listen to all that the other
 * has said so far, in turn, until both are done. */
typedef struct honest {
    uint8_t *said[2];
    size_t size[2];
} honest;

static void listen(honest *h, unsigned toy)
{
    bool done[2] = { false, false };

    for (int turn = 0; turn < 2 * FRAMES && !(done[0] && done[1]); turn++) {
        const bool server = turn % 2;
        fuzz_line l = { .said = h->said[!server], .size = h->size[!server],
                        .heard = h->said[server], .room = MOST_SAID };
        fuzz_talk talk;

        done[server] = fuzz_talk_run(&talk, &l, toy, server) == CKKS_OK;
        fuzz_must(l.count <= MOST_SAID && l.count >= h->size[server],
                  "toy %u: %zu bytes after %zu", toy, l.count,
                  h->size[server]);
        h->size[server] = l.count;
    }
    fuzz_must(done[0] && done[1], "toy %u: %s", toy, nn_last_error());
}

static const honest *honest_at(unsigned toy)
{
    static honest made[FUZZ_TALKS];
    honest *h = &made[toy];

    if (h->said[0] == NULL) {
        const unsigned held = fuzz_hold();

        h->said[0] = fuzz_room(MOST_SAID);
        h->said[1] = fuzz_room(MOST_SAID);
        listen(h, toy);
        fuzz_go_on(held);
    }
    return h;
}

/* ---- its frames ---------------------------------------------------------- */

typedef struct stream {
    uint8_t *byte;
    size_t size, room;
    size_t at[FRAMES + 1];      /* where frames begin; the last one's end    */
    int frames;
} stream;

static stream stream_of(const honest *h, bool server)
{
    stream s = { .size = h->size[server], .room = 2 * MOST_SAID };
    blind_header head;

    s.byte = fuzz_room(s.room);
    memcpy(s.byte, h->said[server], s.size);
    for (; s.at[s.frames] < s.size; s.frames++) {
        fuzz_must(s.frames < FRAMES / 2
                      && blind_header_get(&head, s.byte + s.at[s.frames]),
                  "frames of an honest side");
        s.at[s.frames + 1] = s.at[s.frames] + BLIND_HEADER + (size_t)head.size;
    }
    return s;
}

/* Room for a frame of so many bytes before frame i. */
static bool stream_insert(stream *s, int i, size_t size)
{
    if (s->frames == FRAMES || s->room - s->size < size)
        return false;
    memmove(s->byte + s->at[i] + size, s->byte + s->at[i],
            s->size - s->at[i]);
    for (int k = s->frames; k >= i; k--)
        s->at[k + 1] = s->at[k] + size;
    s->frames++;
    s->size += size;
    return true;
}

static void stream_drop(stream *s, int i)
{
    const size_t size = s->at[i + 1] - s->at[i];

    memmove(s->byte + s->at[i], s->byte + s->at[i + 1],
            s->size - s->at[i + 1]);
    for (int k = i + 1; k < s->frames; k++)
        s->at[k] = s->at[k + 1] - size;
    s->frames--;
    s->size -= size;
}

static void stream_double(stream *s, int i)
{
    const size_t size = s->at[i + 1] - s->at[i];

    if (stream_insert(s, i, size))
        memcpy(s->byte + s->at[i], s->byte + s->at[i + 1], size);
}

/* It comes behind the next. */
static void stream_swap(stream *s, int i)
{
    const size_t size = s->at[i + 1] - s->at[i];

    if (i + 1 < s->frames && stream_insert(s, i + 2, size)) {
        memcpy(s->byte + s->at[i + 2], s->byte + s->at[i], size);
        stream_drop(s, i);
    }
}

static void stream_put(stream *s, int i, blind_frame type, const void *data,
                       size_t size)
{
    const blind_header h = { .type = (unsigned)type, .number = (uint32_t)i,
                             .size = size };

    if (!stream_insert(s, i, BLIND_HEADER + size))
        return;
    blind_header_put(s->byte + s->at[i], &h);
    memcpy(s->byte + s->at[i] + BLIND_HEADER, data, size);
}

/* Frames count up again. */
static void stream_number(stream *s)
{
    blind_header h;

    for (int i = 0; i < s->frames; i++) {
        (void)blind_header_get(&h, s->byte + s->at[i]);
        h.number = (uint32_t)i;
        blind_header_put(s->byte + s->at[i], &h);
    }
}

/* ---- changes ------------------------------------------------------------- */

/* A field of a header; its sum is put right. */
static void change_header(stream *s, int i, fuzz_draw *d)
{
    static const uint64_t ends[] = { 0, 1, 1 << 16, BLIND_MOST_FRAME,
                                     BLIND_MOST_FRAME + 1, UINT32_MAX,
                                     (uint64_t)1 << 32, UINT64_MAX - 23,
                                     UINT64_MAX };
    const unsigned field = fuzz_below(d, 4), how = fuzz_byte(d);
    blind_header h;

    (void)blind_header_get(&h, s->byte + s->at[i]);
    if (field == 0)
        h.type = how % (BLIND_FRAMES + 1);
    if (field == 1)
        h.layer = (h.layer + how) & 0xffff;
    if (field == 2)
        h.number += (uint32_t)how;
    if (field == 3)
        h.size = how < sizeof ends / sizeof *ends ? ends[how]
                 : h.size + how - 128;
    blind_header_put(s->byte + s->at[i], &h);
}

/* A run of bytes behind a header. */
static void change_payload(stream *s, int i, fuzz_draw *d)
{
    const size_t size = s->at[i + 1] - s->at[i] - BLIND_HEADER;
    const unsigned low = fuzz_byte(d), high = fuzz_byte(d);
    const unsigned value = fuzz_byte(d), count = 1 + fuzz_byte(d);
    const size_t from = size == 0 ? 0 : (low + 256 * (size_t)high) * 9 % size;

    for (size_t k = from; k < size && k < from + count; k++)
        s->byte[s->at[i] + BLIND_HEADER + k] = (uint8_t)value;
}

static void change_order(stream *s, int i, fuzz_draw *d)
{
    switch (fuzz_below(d, 5)) {
    case 0:
        stream_drop(s, i);
        break;
    case 1:
        stream_double(s, i);
        break;
    case 2:
        stream_swap(s, i);
        break;
    case 3:
        stream_put(s, i, BLIND_ALIVE, "alive", fuzz_below(d, 6));
        break;
    default:
        stream_put(s, i, BLIND_ERROR, "\x1b[2J gone", fuzz_below(d, 10));
    }
}

/* One change to frame i. */
static void change(stream *s, fuzz_draw *d, const fuzz_input *in)
{
    const int i = (int)fuzz_below(d, (unsigned)s->frames);

    switch (fuzz_below(d, 5)) {
    case 0:
        change_header(s, i, d);
        break;
    case 1:
        change_payload(s, i, d);
        break;
    case 2:
        change_order(s, i, d);
        if (in->flags & FUZZ_MEND)
            stream_number(s);
        break;
    case 3:
        s->byte[s->at[i] + fuzz_below(d, BLIND_HEADER)]
            ^= (uint8_t)(1 << fuzz_below(d, 8));
        break;
    default:
        s->size = s->at[i] + fuzz_byte(d) * 16 % (s->at[i + 1] - s->at[i]);
    }
}

/* ---- the target ---------------------------------------------------------- */

/* The frames that a listening side gets. */
static void said(stream *s, unsigned *manner, const fuzz_input *in)
{
    fuzz_draw d = { in->data, in->size };

    *s = stream_of(honest_at(toy_of(in)), !server_of(in));
    *manner = fuzz_byte(&d);
    for (int k = 0; k < CHANGES && d.left > 0 && s->frames > 0
                    && s->size == s->at[s->frames]; k++)
        change(s, &d, in);
}

static ckks_status load_frames(void *x, const fuzz_input *in)
{
    fuzz_line l = { 0 };
    const unsigned held = fuzz_hold();
    stream s;
    ckks_status st;

    said(&s, &l.manner, in);
    l.said = s.byte;
    l.size = s.size;
    fuzz_go_on(held);
    st = fuzz_talk_run(x, &l, toy_of(in), server_of(in));
    fuzz_free(s.byte);
    return st;
}

/* What came through was answered in full, with labels that there are. */
static void use_frames(void *x, const fuzz_input *in)
{
    const fuzz_talk *t = x;
    const unsigned toy = toy_of(in);
    const uint64_t want = fuzz_talk_sent(toy, server_of(in));

    fuzz_must(t->images != 1 || t->sent == want,
              "frames: %llu bytes said, not %llu", (unsigned long long)t->sent,
              (unsigned long long)want);
    for (int i = 0; i < FUZZ_TALK_PIXELS; i++)
        fuzz_must(t->label[i] < fuzz_talk_classes(toy), "frames: label %d",
                  t->label[i]);
}

static void clear_frames(void *x)
{
    memset(x, 0, sizeof(fuzz_talk));
}

static void seeds_frames(const fuzz_target *t)
{
    for (uint8_t v = 0; v < 2 * FUZZ_TALKS; v++)
        fuzz_seed(t, v, v < 2 ? FUZZ_SWEEP : 0, 0, "\1", 1);
    fuzz_seed(t, 0, FUZZ_MEND, 0, "\0\3\2\1", 4);
    fuzz_seed(t, 1, FUZZ_MEND, 0, "\200\1\2\3", 4);
    fuzz_seed(t, 3, 0, 0, "\5\2\1\7\1\377\20", 7);
}

const fuzz_target fuzz_frames = {
    "frames", sizeof(fuzz_talk), NULL, load_frames, NULL, NULL, use_frames,
    clear_frames, NULL, seeds_frames
};
