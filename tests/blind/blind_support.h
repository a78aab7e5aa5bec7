/* blind_support.h -- both parties of `blind` in one test: over two_sides.h,
 * with transfers, start and label_key made, without the handshake. */
#ifndef BLIND_SUPPORT_H
#define BLIND_SUPPORT_H

#include "blind/activation.h"
#include "blind/party.h"

typedef ckks_status blind_role(blind_party *p, void *with);

/* Runs the two roles, each with its own party, until both have returned; then
 * both parties' tweaks and labels must have come equally far.  `with` is given
 * to both: one writes what the other leaves alone.  CHECK has no place in the
 * roles.  aes: a kernel's name, or NULL; k: of the transfers.  False, after a
 * failed check, if a role failed. */
bool blind_both(blind_role *client, blind_role *server, void *with,
                const char *aes, int k);

/* Random shares of x, from a test's seed: client + server = x. */
void blind_split(blind_share *client, blind_share *server, blind_signed x,
                 uint64_t *seed);
/* Traffic of client and server, before and after: the bytes sent are those
 * foretold. */
void blind_check_traffic(const blind_traffic t[2][2], blind_bytes want);
blind_signed blind_joined(blind_share client, blind_share server);

#endif
