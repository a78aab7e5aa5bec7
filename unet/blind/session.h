/* session.h -- one client's session with one server, from the greeting to the
 * end.
 *
 *   both     32 bytes: "VOLLEYBL", u16 version, u8 side (0 client, 1 server),
 *            u8 k of the transfers (the server's word; 0 from the client), u32
 *            zero, 16 bytes drawn for this session
 *   server   HELLO: what it offers, a text
 *   both     AGREE: 32 bytes, BLAKE2b of both greetings, the text, and what
 *            each understood of it (bits, squares); another digest ends the
 *            session; the digest is its name in all hashes
 *   client   KEY frames (linear.h)
 *   both     BASE frames (transfer.h)
 *   both     AGREE: 16 bytes, which together (^) are `start` of the hash; the
 *            client's has 16 more: the key of its labels
 *   both     what the sum of out-of-range bits begins with (activation.h)
 *
 * The other side is bounded before it is believed, and told why the session
 * ends where it broke these rules; secrets are wiped in any case.
 */
#ifndef BLIND_SESSION_H
#define BLIND_SESSION_H

#include "blind/linear.h"
#include "blind/party.h"

enum {
    BLIND_VERSION = 1,
    BLIND_MOST_HELLO = 4 << 20  /* bytes                                     */
};

typedef struct blind_session blind_session;

/* How a side takes part. */
typedef struct blind_manner {
    double idle;                /* seconds of silence; wire.h                */
    double allowed;             /* seconds that the other side is waited for
                                   until the first image; 0: any             */
    int k;                      /* of the transfers: the server's choice     */
    const char *kernel;         /* of AES; NULL: the best                    */
    const uint8_t *seed;        /* tests: CKKS_SEED_BYTES; NULL: the
                                   system's entropy                          */
} blind_manner;
/* 60 seconds, any time, BLIND_TRANSFER_K, NULL, NULL. */
blind_manner blind_manner_default(void);

/* The server's begin: greets a client over a connected socket, which the
 * session closes in the end (at once on failure), and sends the text.
 *   errors  CKKS_EFORMAT    it is no client of this version
 *           CKKS_EIO, CKKS_EMEM, CKKS_ERNG, CKKS_EPARAM (kernel) */
CKKS_CHECKED ckks_status blind_session_offer(blind_session **out, int socket,
                                             const char *hello, size_t size,
                                             const blind_manner *m);
/* The client's: greets and gets the text (malloc, a 0 behind its end), which
 * is to be bounded in all its numbers before blind_session_open. */
CKKS_CHECKED ckks_status blind_session_hear(blind_session **out, char **hello,
                                            size_t *size, int socket,
                                            const blind_manner *m);
/* Both, with what they understood: agree, keys, transfers, start.
 *   errors  CKKS_EFORMAT    the digests differ: both named */
CKKS_CHECKED ckks_status blind_session_open(blind_session *s, int bits,
                                            bool squares);
/* Valid until the session's close. */
blind_party *blind_session_party(blind_session *s);
/* Of the transfers. */
int blind_session_k(const blind_session *s);
/* Both: BYE, so that each knows that the other is done. */
CKKS_CHECKED ckks_status blind_session_bye(blind_session *s);
/* Tells the other side a line in place of what it waits for; for refusals of
 * its own, without a word of what is secret. */
void blind_session_refuse(blind_session *s, const char *line);
/* Wipes all; a session that has not had its bye is just cut. */
void blind_session_close(blind_session **s);

/* For a server that is busy: greets whoever it is, says this line, hangs up,
 * within a second. */
void blind_session_busy(int socket, const char *line);

/* Of all up to blind_session_open's end and of the bye, headers included, for a
 * text of so many bytes; greetings are not counted but as a turn's begin. */
blind_bytes blind_session_bytes(size_t hello, int k, int bits, bool squares);

#endif
