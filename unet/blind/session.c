/* session.c -- a session's begin and end: session.h. */
#include "blind/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/bytes.h"
#include "nn.h"

enum { SESSION_NONCE = 16, SESSION_START = 16 };

static const double session_greeting = 10;      /* seconds for a greeting    */

struct blind_session {
    blind_party party;
    ckks_rng rng;
    int k;
    uint8_t mine[BLIND_GREETING], theirs[BLIND_GREETING];
    uint8_t text[64];           /* hash of the server's                      */
    uint8_t digest[BLIND_SESSION];
};

blind_manner blind_manner_default(void)
{
    return (blind_manner){ .idle = 60, .k = BLIND_TRANSFER_K };
}

blind_party *blind_session_party(blind_session *s)
{
    return &s->party;
}

int blind_session_k(const blind_session *s)
{
    return s->k;
}

/* ---- greetings ----------------------------------------------------------- */

static void greeting_make(uint8_t b[BLIND_GREETING], bool server, int k)
{
    memset(b, 0, BLIND_GREETING);
    memcpy(b, "VOLLEYBL", 8);
    b[8] = BLIND_VERSION;
    b[10] = server;
    b[11] = (uint8_t)k;
}

/* The other side's, and k where it is the server. */
static ckks_status greeting_check(int *k, const uint8_t b[BLIND_GREETING],
                                  bool server)
{
    int version = b[8] | b[9] << 8;

    if (memcmp(b, "VOLLEYBL", 8) != 0)
        return nn_fail(CKKS_EFORMAT, "the other side is no volley blind");
    if (version != BLIND_VERSION)
        return nn_fail(CKKS_EFORMAT, "the other side speaks version %d of the "
                       "protocol, this one %d", version, BLIND_VERSION);
    if (b[10] != server)
        return nn_fail(CKKS_EFORMAT, "the other side is a %s, too",
                       server ? "client" : "server");
    if (cki_load32(b + 12) != 0
        || (server ? b[11] != 1 && b[11] != 2 && b[11] != 4 : b[11] != 0))
        return nn_fail(CKKS_EFORMAT, "the other side's greeting has k = %d, "
                       "flags %u", b[11], (unsigned)cki_load32(b + 12));
    if (server)
        *k = b[11];
    return CKKS_OK;
}

static ckks_status session_greet(blind_session *s, const blind_manner *m)
{
    bool server = s->party.server;
    ckks_status st;

    greeting_make(s->mine, server, server ? m->k : 0);
    st = ckks_rng_bytes(s->mine + BLIND_GREETING - SESSION_NONCE,
                        SESSION_NONCE, &s->rng);
    if (st != CKKS_OK)
        return nn_relay(st, "a session");
    s->k = m->k;
    st = blind_wire_greet(s->party.wire, s->mine);
    if (st == CKKS_OK)
        st = blind_wire_greeted(s->theirs, s->party.wire, session_greeting);
    return st == CKKS_OK ? greeting_check(&s->k, s->theirs, !server) : st;
}

void blind_session_busy(int socket, const char *line)
{
    uint8_t b[BLIND_GREETING];
    blind_wire *w;

    if (blind_wire_open(&w, socket, 1) != CKKS_OK)
        return;
    greeting_make(b, true, BLIND_TRANSFER_K);
    if (blind_wire_greet(w, b) == CKKS_OK)
        blind_wire_refuse(w, line);
    blind_wire_close(&w);
}

/* ---- the begin ----------------------------------------------------------- */

static ckks_status session_begin(blind_session **out, bool server, int socket,
                                 const blind_manner *m)
{
    blind_wire *w;
    ckks_status st = blind_wire_open(&w, socket, m->idle);
    blind_session *s;

    if (st != CKKS_OK)
        return st;
    s = calloc(1, sizeof *s);
    if (s == NULL) {
        blind_wire_close(&w);
        return nn_fail(CKKS_EMEM, "no memory for a session");
    }
    blind_wire_allow(w, m->allowed);
    s->party.server = server;
    s->party.wire = w;
    s->party.rng = &s->rng;
    *out = s;
    st = blind_aes_choose(&s->party.aes, m->kernel);
    if (st == CKKS_OK)
        st = ckks_rng_init(&s->rng, m->seed);
    return st == CKKS_OK ? session_greet(s, m) : st;
}

/* A session that failed in its begin is none. */
static ckks_status session_begun(blind_session **out, blind_session *s,
                                 ckks_status st)
{
    if (st == CKKS_OK)
        *out = s;
    else
        blind_session_close(&s);
    return st;
}

ckks_status blind_session_offer(blind_session **out, int socket,
                                const char *hello, size_t size,
                                const blind_manner *m)
{
    blind_session *s = NULL;
    ckks_status st = session_begin(&s, true, socket, m);

    if (st == CKKS_OK && size > BLIND_MOST_HELLO)
        st = nn_fail(CKKS_EARG, "an offer of %zu bytes, at most %d", size,
                     BLIND_MOST_HELLO);
    if (st == CKKS_OK) {
        ckks_blake2b(s->text, sizeof s->text, (const uint8_t *)hello, size,
                     NULL, 0);
        st = blind_wire_send(s->party.wire, BLIND_HELLO, hello, size);
    }
    return session_begun(out, s, st);
}

ckks_status blind_session_hear(blind_session **out, char **hello, size_t *size,
                               int socket, const blind_manner *m)
{
    blind_session *s = NULL;
    ckks_status st = session_begin(&s, false, socket, m);

    if (st == CKKS_OK)
        st = blind_wire_receive_text(s->party.wire, BLIND_HELLO, hello, size,
                                     1, BLIND_MOST_HELLO);
    if (st == CKKS_OK)
        ckks_blake2b(s->text, sizeof s->text, (const uint8_t *)*hello, *size,
                     NULL, 0);
    return session_begun(out, s, st);
}

/* ---- agreeing ------------------------------------------------------------ */

/* BLAKE2b of the client's greeting, the server's, the hash of the text, bits
 * and squares. */
static void session_digest(blind_session *s, int bits, bool squares)
{
    uint8_t b[2 * BLIND_GREETING + sizeof s->text + 8];

    memcpy(b, s->party.server ? s->theirs : s->mine, BLIND_GREETING);
    memcpy(b + BLIND_GREETING, s->party.server ? s->mine : s->theirs,
           BLIND_GREETING);
    memcpy(b + 2 * BLIND_GREETING, s->text, sizeof s->text);
    cki_store32(b + sizeof b - 8, (uint32_t)bits);
    cki_store32(b + sizeof b - 4, squares);
    ckks_blake2b(s->digest, sizeof s->digest, b, sizeof b, NULL, 0);
}

static ckks_status session_agree(blind_session *s)
{
    const uint8_t *a = s->digest;
    uint8_t b[BLIND_SESSION];
    ckks_status st = blind_wire_send(s->party.wire, BLIND_AGREE, a, sizeof b);

    if (st == CKKS_OK)
        st = blind_wire_receive(s->party.wire, BLIND_AGREE, b, sizeof b);
    if (st == CKKS_OK && memcmp(a, b, sizeof b) != 0)
        st = nn_fail(CKKS_EFORMAT, "the sides do not agree on the session: "
                     "digest %02x%02x%02x%02x here, %02x%02x%02x%02x there",
                     a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3]);
    return st;
}

static blind_block block_load(const uint8_t *b)
{
    return (blind_block){ { cki_load64(b), cki_load64(b + 8) } };
}

/* After the deltas: the sum of both sides' 16 bytes is `start`, so neither
 * could choose a delta by it; the client's labels come from its key. */
static ckks_status session_start(blind_session *s)
{
    blind_party *p = &s->party;
    uint8_t mine[2 * SESSION_START], theirs[2 * SESSION_START];
    size_t send = p->server ? SESSION_START : 2 * SESSION_START;
    size_t receive = 3 * SESSION_START - send;
    ckks_status st = ckks_rng_bytes(mine, sizeof mine, &s->rng);

    if (st != CKKS_OK)
        return nn_relay(st, "a session");
    st = blind_wire_send(p->wire, BLIND_AGREE, mine, send);
    if (st == CKKS_OK)
        st = blind_wire_receive(p->wire, BLIND_AGREE, theirs, receive);
    if (st == CKKS_OK) {
        p->start = blind_xor(block_load(mine), block_load(theirs));
        p->label_key = block_load((p->server ? theirs : mine) + SESSION_START);
    }
    cki_wipe(mine, sizeof mine);
    cki_wipe(theirs, sizeof theirs);
    return st;
}

/* Tells the other side of what broke the rules, here where the frames
 * themselves were in order. */
static ckks_status session_judge(blind_session *s, ckks_status st)
{
    if (st == CKKS_EFORMAT)
        blind_wire_refuse(s->party.wire, nn_last_error());
    return st;
}

ckks_status blind_session_open(blind_session *s, int bits, bool squares)
{
    blind_party *p = &s->party;
    ckks_status st;

    session_digest(s, bits, squares);
    st = session_agree(s);
    if (st == CKKS_OK)
        st = blind_he_open(p, bits, squares);
    if (st == CKKS_OK)
        st = blind_transfers_open(&p->sender, &p->receiver, s->k, s->digest,
                                  p->server, p->aes, &s->rng, p->wire);
    if (st == CKKS_OK)
        st = session_start(s);
    if (st == CKKS_OK)
        st = blind_overflow_open(p);
    return session_judge(s, st);
}

/* ---- the end ------------------------------------------------------------- */

ckks_status blind_session_bye(blind_session *s)
{
    blind_wire *w = s->party.wire;
    ckks_status st;

    blind_wire_step(w, 0, "closing");
    st = blind_wire_send(w, BLIND_BYE, NULL, 0);
    return st == CKKS_OK ? blind_wire_receive(w, BLIND_BYE, NULL, 0) : st;
}

void blind_session_refuse(blind_session *s, const char *line)
{
    blind_wire_refuse(s->party.wire, line);
}

void blind_session_close(blind_session **s)
{
    blind_party *p;

    if (*s == NULL)
        return;
    p = &(*s)->party;
    blind_overflow_close(p);
    blind_he_close(p);
    blind_sender_close(&p->sender);
    blind_receiver_close(&p->receiver);
    blind_wire_close(&p->wire);
    cki_wipe(*s, sizeof **s);
    free(*s);
    *s = NULL;
}

blind_bytes blind_session_bytes(size_t hello, int k, int bits, bool squares)
{
    const double base = 2.0 * BLIND_HEADER + BLIND_ELEMENT
                        + BLIND_BASE_COUNT * BLIND_ELEMENT
                        + (k > 1 ? BLIND_HEADER
                                   + 16.0 * (double)blind_transfer_sums(k) : 0);
    const double both = base + 3.0 * BLIND_HEADER + BLIND_SESSION
                        + SESSION_START;    /* AGREE twice, BYE              */
    blind_bytes b = blind_he_bytes(bits, squares);

    b.up += both + SESSION_START;
    b.down += both + BLIND_HEADER + (double)hello;
    b.turns += 3;               /* offer; keys and A; B, sums and start      */
    return b;
}
