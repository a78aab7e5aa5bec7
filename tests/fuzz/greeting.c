/* greeting.c -- how a session begins, byte by byte: greetings, the server's
 * offer, the digests, the first keys.
 * variant: odd, the server listens; without that bit the manner of the line.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "blind/header.h"
#include "blind/plan.h"
#include "blind/session.h"
#include "blind/walk.h"
#include "fuzz.h"
#include "line.h"
#include "offer_text.h"

/* An offer without squares, whose keys are soon made. */
enum { NONCE = 16, OFFER = 2, BITS = 20 };

typedef struct greeted {
    size_t hello;               /* bytes of the offer                        */
    int k;
} greeted;

static bool server_of(const fuzz_input *in)
{
    return in->variant % 2;
}

static blind_manner manner_of(void)
{
    static const uint8_t seed[CKKS_SEED_BYTES] = { 7 };
    blind_manner m = blind_manner_default();

    m.kernel = "portable";
    m.seed = seed;
    return m;
}

/* ---- both sides ---------------------------------------------------------- */

static ckks_status client(greeted *out, blind_session **s, int socket)
{
    const blind_manner m = manner_of();
    blind_plan *p = fuzz_room(sizeof *p);
    blind_network *n = NULL;
    char *text = NULL;
    size_t size = 0;
    ckks_status st = blind_session_hear(s, &text, &size, socket, &m);

    if (st == CKKS_OK) {
        fuzz_must(size >= 1 && size <= BLIND_MOST_HELLO && text[size] == 0,
                  "greeting: an offer of %zu bytes", size);
        st = blind_network_load(&n, text, size);
    }
    if (st == CKKS_OK)
        st = blind_plan_make(p, n, blind_session_k(*s));
    if (st == CKKS_OK) {
        *out = (greeted){ size, blind_session_k(*s) };
        (void)!blind_session_open(*s, n->bits, blind_network_squares(n));
    }
    blind_network_clear(&n);
    free(text);
    fuzz_free(p);
    return st;
}

static ckks_status server(greeted *out, blind_session **s, int socket)
{
    const blind_manner m = manner_of();
    const char *text = fuzz_offers[OFFER];
    ckks_status st = blind_session_offer(s, socket, text, strlen(text), &m);

    if (st == CKKS_OK) {
        *out = (greeted){ strlen(text), blind_session_k(*s) };
        (void)!blind_session_open(*s, BITS, false);
    }
    return st;
}

static ckks_status greet(greeted *out, fuzz_line *l, bool listens)
{
    blind_session *s = NULL;
    ckks_status st = listens ? server(out, &s, fuzz_line_open(l))
                             : client(out, &s, fuzz_line_open(l));

    blind_session_close(&s);
    return st;
}

static ckks_status load_greeting(void *x, const fuzz_input *in)
{
    fuzz_line l = { .said = in->data, .size = in->size,
                    .manner = in->variant & ~1u };

    return greet(x, &l, server_of(in));
}

static void use_greeting(void *x, const fuzz_input *in)
{
    const greeted *g = x;

    fuzz_must(g->hello > 0 && (g->k == 1 || g->k == 2 || g->k == 4),
              "greeting: variant %d, k = %d, %zu bytes", in->variant, g->k,
              g->hello);
}

static void clear_greeting(void *x)
{
    memset(x, 0, sizeof(greeted));
}

/* ---- what is put right --------------------------------------------------- */

/* The greeting of the side that listens. */
static void own_greeting(uint8_t out[BLIND_GREETING], bool listens)
{
    fuzz_line l = { .heard = out, .room = BLIND_GREETING };
    greeted g;

    (void)!greet(&g, &l, listens);
}

/* What both would agree on, of a server's text. */
static void digest(uint8_t out[BLIND_SESSION], const fuzz_input *in,
                   const char *text, size_t size)
{
    uint8_t b[2 * BLIND_GREETING + 64 + 8];
    const bool listens = server_of(in);
    blind_network *n = NULL;

    if (blind_network_load(&n, text, size) != CKKS_OK)
        return;
    own_greeting(b + (listens ? BLIND_GREETING : 0), listens);
    memcpy(b + (listens ? 0 : BLIND_GREETING), in->data, BLIND_GREETING);
    ckks_blake2b(b + 2 * BLIND_GREETING, 64, (const uint8_t *)text, size, NULL,
                 0);
    cki_store32(b + sizeof b - 8, (uint32_t)n->bits);
    cki_store32(b + sizeof b - 4, blind_network_squares(n));
    ckks_blake2b(out, BLIND_SESSION, b, sizeof b, NULL, 0);
    blind_network_clear(&n);
}

/* Numbers and sums of all frames that are whole, and the digest. */
static void mend_greeting(fuzz_input *in)
{
    const char *text = fuzz_offers[OFFER];
    size_t at = BLIND_GREETING, size = strlen(text);

    if (!(in->flags & FUZZ_MEND) || in->size < BLIND_GREETING)
        return;
    for (uint32_t k = 0; in->size - at >= BLIND_HEADER; k++) {
        uint8_t *b = in->data + at;
        blind_header h;

        (void)blind_header_get(&h, b);
        h.number = k;
        blind_header_put(b, &h);
        at += BLIND_HEADER;
        if (h.size > in->size - at)
            return;
        if (h.type == BLIND_HELLO && !server_of(in)) {
            text = (const char *)in->data + at;
            size = (size_t)h.size;
        }
        if (h.type == BLIND_AGREE && h.size == BLIND_SESSION)
            digest(in->data + at, in, text, size);
        at += (size_t)h.size;
    }
}

/* ---- seeds --------------------------------------------------------------- */

static void put(uint8_t **to, blind_frame type, const void *data, size_t size)
{
    const blind_header h = { .type = (unsigned)type, .size = size };

    blind_header_put(*to, &h);
    if (data != NULL)
        memcpy(*to + BLIND_HEADER, data, size);
    *to += BLIND_HEADER + size;
}

/* The greeting of the other side, and whole frames behind it. */
static void seed(const fuzz_target *t, uint8_t variant, uint8_t flags)
{
    const bool listens = variant % 2;
    const char *text = fuzz_offers[OFFER];
    uint8_t *all = fuzz_room(8192), *at = all + BLIND_GREETING;

    memcpy(all, "VOLLEYBL", 8);
    all[8] = BLIND_VERSION;
    all[10] = !listens;
    all[11] = listens ? 0 : 1 + variant / 2 % 2;
    memset(all + BLIND_GREETING - NONCE, 5, NONCE);
    if (!listens)
        put(&at, BLIND_HELLO, text, strlen(text));
    put(&at, BLIND_AGREE, NULL, BLIND_SESSION);
    if (!listens)
        put(&at, BLIND_BASE, NULL, BLIND_ELEMENT);
    fuzz_seed(t, variant, flags, 0, all, (size_t)(at - all));
    fuzz_free(all);
}

static void seeds_greeting(const fuzz_target *t)
{
    static const char web[] = "GET / HTTP/1.1\r\nHost: volley\r\n\r\n";

    for (uint8_t v = 0; v < 4; v++)
        seed(t, v, v < 2 ? FUZZ_MEND | FUZZ_SWEEP : 0);
    seed(t, 254, 0);
    fuzz_seed(t, 1, 0, 0, web, strlen(web));
    fuzz_seed(t, 0, 0, 0, "", 0);
}

const fuzz_target fuzz_greeting = {
    "greeting", sizeof(greeted), mend_greeting, load_greeting, NULL, NULL,
    use_greeting, clear_greeting, NULL, seeds_greeting
};
