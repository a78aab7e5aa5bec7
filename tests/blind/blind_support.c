/* blind_support.c -- two parties in one process. */
#include "blind_support.h"

#include "nn.h"
#include "test.h"
#include "two_sides.h"

typedef struct both {
    blind_role *role[2];
    void *with;
    const char *aes;
    int k;
    uint64_t tweak[2], label[2];
} both;

static ckks_status open_party(blind_party *p, ckks_rng *rng, const both *b,
                              side *s)
{
    static const uint8_t session[BLIND_SESSION] = { 1 };
    ckks_status status = ckks_rng_init(rng, NULL);

    *p = (blind_party){ .server = s->server, .wire = s->wire, .rng = rng,
                        .start = { { 0x243f6a8885a308d3, 0x13198a2e03707344 } },
                        .label_key = { { 0xa4093822299f31d0, 1 } },
                        .tweak = 1 };
    if (status == CKKS_OK)
        status = blind_aes_choose(&p->aes, b->aes);
    if (status == CKKS_OK)
        status = blind_overflow_open(p);
    if (status == CKKS_OK)
        status = blind_transfers_open(&p->sender, &p->receiver, b->k, session,
                                      p->server, p->aes, rng, p->wire);
    return status;
}

static ckks_status one_side(side *s)
{
    both *b = s->with;
    blind_party p;
    ckks_rng rng;
    ckks_status status = open_party(&p, &rng, b, s);

    if (status == CKKS_OK)
        status = b->role[s->server](&p, b->with);
    if (status == CKKS_OK)
        status = blind_wire_flush(p.wire);
    b->tweak[s->server] = p.tweak;
    b->label[s->server] = p.label;
    blind_sender_close(&p.sender);
    blind_receiver_close(&p.receiver);
    blind_overflow_close(&p);
    ckks_rng_clear(&rng);
    return status;
}

bool blind_both(blind_role *client, blind_role *server, void *with,
                const char *aes, int k)
{
    both b = { .role = { client, server }, .with = with, .aes = aes, .k = k };

    return two_sides(one_side, &b, one_side, &b)
           && CHECK(b.tweak[0] == b.tweak[1] && b.label[0] == b.label[1],
                    "tweaks %" PRIu64 " and %" PRIu64 ", labels %" PRIu64
                    " and %" PRIu64, b.tweak[0], b.tweak[1], b.label[0],
                    b.label[1]);
}

void blind_split(blind_share *client, blind_share *server, blind_signed x,
                 uint64_t *seed)
{
    *server = (blind_share)test_word(seed) << 64;
    *server |= test_word(seed);
    *client = (blind_share)x - *server;
}

blind_signed blind_joined(blind_share client, blind_share server)
{
    return (blind_signed)(client + server);
}

void blind_check_traffic(const blind_traffic t[2][2], blind_bytes want)
{
    for (int i = 0; i < 2; i++) {
        const double bytes = i == 0 ? want.up : want.down;
        const uint64_t sent = t[i][1].sent - t[i][0].sent;

        CHECK((double)sent == bytes, "side %d: %" PRIu64 " bytes for %.0f", i,
              sent, bytes);
    }
}
