/* wire.h -- frames between the two parties over one stream socket.
 *
 * A frame is a header of 24 bytes, little-endian,
 *   u16 type, u16 layer, u32 number, u64 size, u32 zero, u32 checksum
 * (of the header's first 20 bytes: for accidents, not for attackers), and
 * `size` bytes.  Numbers count up in each direction.  A receiver knows from
 * its own plan which type, layer and size come next; anything else ends the
 * session, so the other side can make nobody allocate or wait.
 *
 * Both sides may send much at once: whoever cannot send takes in what comes
 * meanwhile, so two senders cannot wait for each other.  What was taken in and
 * not asked for yet is bounded by BLIND_MOST_WAITING (pump.h).
 *
 * After a failure the session is over: each further call fails with the same
 * message.  That of a side that is gone is what it said in BLIND_ERROR, if it
 * said anything.
 */
#ifndef BLIND_WIRE_H
#define BLIND_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blind/pump.h"
#include "ckks.h"

typedef enum blind_frame {
    BLIND_HELLO = 1,            /* what the server offers: JSON              */
    BLIND_AGREE,                /* a digest of all that both sides know      */
    BLIND_KEY,                  /* public keys                               */
    BLIND_BASE,                 /* base transfers                            */
    BLIND_EXTEND,               /* corrections of transfers                  */
    BLIND_UP, BLIND_DOWN,       /* ciphertexts                               */
    BLIND_TABLE,                /* garbled tables and projections            */
    BLIND_MUX,                  /* masked summands of a choice               */
    BLIND_OUTPUT,               /* colours of outputs for the client         */
    BLIND_ALIVE,                /* none: "still computing"; counted nowhere  */
    BLIND_BYE,
    BLIND_ERROR,                /* a line of text                            */
    BLIND_FRAMES
} blind_frame;

enum {
    BLIND_HEADER = 24,
    BLIND_MOST_FRAME = 64 << 20,        /* bytes after the header            */
    BLIND_GREETING = 32
};

typedef struct blind_wire blind_wire;

typedef struct blind_traffic {
    uint64_t sent, received;    /* bytes, headers included                   */
} blind_traffic;

/* A wire over a connected stream socket, which it closes in the end (and at
 * once if this fails).  idle: seconds without a byte from the other side before
 * it is given up; also the stretch over which what is under way must move at
 * BLIND_LEAST_RATE.
 *   errors  CKKS_EMEM, CKKS_EARG */
CKKS_CHECKED ckks_status blind_wire_open(blind_wire **out, int socket,
                                         double idle);
/* What waits is wiped.  After CKKS_EFORMAT the other side is told why. */
void blind_wire_close(blind_wire **w);

/* Which step of the network frames belong to from here on, and its name for
 * messages (copied). */
void blind_wire_step(blind_wire *w, int layer, const char *name);

/* From here on the other side is waited for at most so many seconds in all,
 * however it speaks meanwhile; 0: for any time.  Time that this side computes
 * does not count.  Who has been waited for too long is told. */
void blind_wire_allow(blind_wire *w, double seconds);

/* Before all frames, once: bytes of a fixed number both ways, so that another
 * program or version is known as such; and how long to wait for them. */
CKKS_CHECKED ckks_status blind_wire_greet(blind_wire *w,
                                          const uint8_t mine[BLIND_GREETING]);
CKKS_CHECKED ckks_status blind_wire_greeted(uint8_t theirs[BLIND_GREETING],
                                            blind_wire *w, double seconds);

/* Sends a frame; what the socket does not take is queued (a copy, in all at
 * most BLIND_MOST_QUEUED bytes) and moves with later calls.  Who will compute
 * for long behind it calls blind_wire_flush or blind_wire_breathe.
 *   errors  CKKS_EIO        the other side is gone, stands still, or said
 *                           BLIND_ERROR
 *           CKKS_EARG       size beyond BLIND_MOST_FRAME
 *           CKKS_EMEM */
CKKS_CHECKED ckks_status blind_wire_send(blind_wire *w, blind_frame type,
                                         const void *data, size_t size);
/* The next frame, which must have this type, the current layer and exactly
 * this size.  What was queued is sent meanwhile.
 *   errors  CKKS_EFORMAT    another type, layer, number or size: both named
 *           CKKS_EIO        as above, or idle for too long, or nothing but
 *                           BLIND_ALIVE for 60 times as long */
CKKS_CHECKED ckks_status blind_wire_receive(blind_wire *w, blind_frame type,
                                            void *data, size_t size);
/* The next frame of any size from least to most; malloc, with a 0 behind its
 * end. */
CKKS_CHECKED ckks_status blind_wire_receive_text(blind_wire *w,
                                                 blind_frame type,
                                                 char **out, size_t *size,
                                                 size_t least, size_t most);
/* Until all that was queued is sent. */
CKKS_CHECKED ckks_status blind_wire_flush(blind_wire *w);
/* To be called now and then (a few hundred times a second is cheap) by who
 * computes for long: says BLIND_ALIVE after ten seconds of silence, and moves
 * what waits.
 *   errors  CKKS_EIO        the other side is gone */
CKKS_CHECKED ckks_status blind_wire_breathe(blind_wire *w);
/* Tells the other side why this one ends, and hangs up; best effort, at most a
 * second.  What a caller does with a message of its own: nn_last_error(). */
void blind_wire_refuse(blind_wire *w, const char *line);

/* Frames and their headers; no greeting, no BLIND_ALIVE. */
blind_traffic blind_wire_traffic(const blind_wire *w);

#ifdef BLIND_TESTING
/* Calls event(user, sent) for each frame that traffic counts. */
void blind_wire_watch(blind_wire *w, void (*event)(void *user, bool sent),
                      void *user);
#endif

#endif
