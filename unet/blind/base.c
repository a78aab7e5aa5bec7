/* base.c -- base transfers: base.h. */
#include "blind/base.h"

#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/bytes.h"
#include "base/word.h"
#include "nn.h"

typedef uint8_t element[BLIND_ELEMENT];
typedef uint8_t exponent[BLIND_EXPONENT];

static const element base_four = { 4 };

/* ---- keys ---------------------------------------------------------------- */

enum { HASH_TEXT = 24 };

/* What a key is hashed from; the last element is the secret. */
typedef struct hashed {
    uint8_t text[HASH_TEXT], session[BLIND_SESSION], side[4], index[4];
    element a, b, secret;
} hashed;

/* server: the sender of these transfers is the server. */
static void hashed_begin(hashed *h, const uint8_t session[BLIND_SESSION],
                         bool server, const element a)
{
    memset(h, 0, sizeof *h);
    memcpy(h->text, "volley blind base key 1", HASH_TEXT - 1);
    memcpy(h->session, session, BLIND_SESSION);
    cki_store32(h->side, server);
    memcpy(h->a, a, BLIND_ELEMENT);
}

/* h->secret is there. */
static blind_block hashed_key(hashed *h, uint32_t i, const element b)
{
    uint8_t key[16];
    blind_block out;

    cki_store32(h->index, i);
    memcpy(h->b, b, BLIND_ELEMENT);
    ckks_blake2b(key, sizeof key, (const uint8_t *)h, sizeof *h, NULL, 0);
    out = (blind_block){ { cki_load64(key), cki_load64(key + 8) } };
    cki_wipe(key, sizeof key);
    return out;
}

/* ---- both roles ---------------------------------------------------------- */

/* What one side holds on the way. */
typedef struct base {
    blind_group *g;
    blind_powers *four, *of_theirs;     /* of 4, of the other side's A       */
    hashed h;
    exponent a, b[BLIND_BASE_COUNT];
    element mine, theirs;               /* A of each side                    */
    element chosen[BLIND_BASE_COUNT];   /* B of this side, of the other      */
    element asked[BLIND_BASE_COUNT];
} base;

static ckks_status base_open(base *s, ckks_rng *rng)
{
    ckks_status st;

    s->g = blind_group_open();
    s->four = s->g != NULL ? blind_powers_open(base_four, s->g) : NULL;
    if (s->four == NULL)
        return nn_fail(CKKS_EMEM, "no memory for base transfers");
    st = ckks_rng_bytes(s->a, sizeof s->a, rng);
    if (st == CKKS_OK)
        st = ckks_rng_bytes(s->b[0], sizeof s->b, rng);
    return st == CKKS_OK ? st : nn_relay(st, "base transfers");
}

static void base_close(base *s)
{
    blind_powers_close(s->four);
    blind_powers_close(s->of_theirs);
    blind_group_close(s->g);
    cki_wipe(s, sizeof *s);
    free(s);
}

static ckks_status base_check(const element x, int i, const blind_group *g)
{
    return blind_group_has(x, g)
               ? CKKS_OK
               : nn_fail(CKKS_EFORMAT, "base transfers: element %d of the "
                         "other side is not in the group", i);
}

/* A of each side to the other. */
static ckks_status base_offer(base *s, blind_wire *w)
{
    ckks_status st;

    blind_powers_pow(s->mine, s->four, s->a, s->g);
    st = blind_wire_send(w, BLIND_BASE, s->mine, sizeof s->mine);
    if (st == CKKS_OK)
        st = blind_wire_receive(w, BLIND_BASE, s->theirs, sizeof s->theirs);
    if (st == CKKS_OK)
        st = base_check(s->theirs, 0, s->g);
    if (st != CKKS_OK)
        return st;
    s->of_theirs = blind_powers_open(s->theirs, s->g);
    return s->of_theirs != NULL
               ? CKKS_OK : nn_fail(CKKS_EMEM, "no memory for base transfers");
}

/* B_i of all choices and the keys that they give.  Both B are computed, the
 * choice takes one by a mask. */
static void base_choose(base *s, blind_block got[BLIND_BASE_COUNT],
                        blind_block choice)
{
    element other;

    for (uint32_t i = 0; i < BLIND_BASE_COUNT; i++) {
        uint8_t mask = (uint8_t)cki_mask(choice.w[i / 64] >> i % 64 & 1);
        uint8_t *b = s->chosen[i];

        blind_powers_pow(b, s->four, s->b[i], s->g);
        blind_group_mul(other, b, s->theirs, s->g);
        for (size_t k = 0; k < BLIND_ELEMENT; k++)
            b[k] = (uint8_t)(b[k] ^ ((b[k] ^ other[k]) & mask));
        blind_powers_pow(s->h.secret, s->of_theirs, s->b[i], s->g);
        got[i] = hashed_key(&s->h, i, b);
    }
    cki_wipe(other, sizeof other);
}

/* Both keys of all that the other side asked for: of B_i^a and B_i^a / A^a. */
static ckks_status base_answer(base *s, blind_pair pair[BLIND_BASE_COUNT])
{
    element inverse;
    ckks_status st = CKKS_OK;

    blind_group_invert(inverse, s->mine, s->g);
    blind_group_pow(inverse, inverse, s->a, s->g);
    for (uint32_t i = 0; i < BLIND_BASE_COUNT && st == CKKS_OK; i++) {
        const uint8_t *b = s->asked[i];

        st = base_check(b, (int)i, s->g);
        if (st != CKKS_OK)
            break;
        blind_group_pow(s->h.secret, b, s->a, s->g);
        pair[i].key[0] = hashed_key(&s->h, i, b);
        blind_group_mul(s->h.secret, s->h.secret, inverse, s->g);
        pair[i].key[1] = hashed_key(&s->h, i, b);
    }
    cki_wipe(inverse, sizeof inverse);
    return st;
}

static ckks_status base_run(base *s, blind_pair pair[BLIND_BASE_COUNT],
                            blind_block got[BLIND_BASE_COUNT],
                            blind_block choice,
                            const uint8_t session[BLIND_SESSION], bool server,
                            blind_wire *w)
{
    ckks_status st = base_offer(s, w);

    if (st != CKKS_OK)
        return st;
    hashed_begin(&s->h, session, !server, s->theirs);
    base_choose(s, got, choice);
    st = blind_wire_send(w, BLIND_BASE, s->chosen, sizeof s->chosen);
    if (st == CKKS_OK)
        st = blind_wire_receive(w, BLIND_BASE, s->asked, sizeof s->asked);
    if (st != CKKS_OK)
        return st;
    hashed_begin(&s->h, session, server, s->mine);
    return base_answer(s, pair);
}

ckks_status blind_base(blind_pair pair[BLIND_BASE_COUNT],
                       blind_block got[BLIND_BASE_COUNT], blind_block choice,
                       const uint8_t session[BLIND_SESSION], bool server,
                       ckks_rng *rng, blind_wire *w)
{
    base *s = calloc(1, sizeof *s);
    ckks_status st;

    if (s == NULL)
        return nn_fail(CKKS_EMEM, "no memory for base transfers");
    st = base_open(s, rng);
    if (st == CKKS_OK)
        st = base_run(s, pair, got, choice, session, server, w);
    base_close(s);
    return st;
}
